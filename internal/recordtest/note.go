package recordtest

import (
	"github.com/ecotracer/ecotracer/lifecycle"
)

// amortised has the run carry a part of a training.
func (m *maker) amortised() {
	for m.one(4) {
		grams := m.between(1, 1e9)
		a := lifecycle.Amortised{
			Run: m.uuid('7'), What: pick(m, "training", "production"), Unit: m.text(), Expected: m.between(1, 1e12),
			GCO2e: lifecycle.Quantity{Value: grams, Low: grams / m.between(1, 2), High: grams * m.between(1, 2), Method: lifecycle.Modelled},
		}
		a.Used = a.Expected * m.Float64()
		if m.one(2) {
			a.Digest = m.hex(64)
		}
		m.r.Amortised = append(m.r.Amortised, a)
	}
}

// extensions adds what others put there, and the power over time of some runs.
func (m *maker) extensions() {
	r := m.r
	if m.one(3) {
		r.Extensions["com.example.team"] = m.anything(0)
	}
	if m.one(4) {
		r.Extensions["org.example.b-2"] = map[string]any{m.text(): m.anything(0), m.text(): m.anything(1)}
	}
	if m.plain || m.one(3) {
		r.Extensions["io.github.ecotracer.timeline"] = m.timeline()
	}
}

func (m *maker) anything(depth int) any {
	switch n := m.IntN(6); {
	case n == 0 && depth < 5:
		return map[string]any{m.text(): m.anything(depth + 1), "b": m.anything(depth + 1)}
	case n == 1 && depth < 5:
		return []any{m.anything(depth + 1), m.anything(depth + 1)}
	case n == 2:
		return m.one(2)
	case n == 3:
		return pick(m, -1.5, 0, 1e300, 5e-324, 12)
	}
	return m.text()
}

// timeline is the energy of the ledger's domains over time, in the form of
// package timeline.
func (m *maker) timeline() any {
	moments := m.parts(1 + m.IntN(60))
	at, cpu := []any{0.0}, []any{0.0}
	var t float64
	for _, part := range moments {
		t += part * m.r.Run.DurationS
		at, cpu = append(at, t), append(cpu, t/2)
	}
	domains := []any{}
	for i := range m.r.Ledger {
		total, sum := []any{0.0}, 0.0
		for _, part := range m.parts(len(moments)) {
			sum += part * m.r.Ledger[i].TotalJ
			total = append(total, sum)
		}
		domains = append(domains, map[string]any{"domain": m.r.Ledger[i].Domain, "total_j": total})
	}
	return map[string]any{"version": 1.0, "accounts": []any{}, "groups": []any{
		map[string]any{"t_s": at, "cpu_s": cpu, "domains": domains, "chapters": []any{}},
	}}
}

// notes adds warnings, and what lists lack.
func (m *maker) notes() {
	r := m.r
	for m.one(2) {
		w := lifecycle.Warning{Code: pick(m, "counter-gap", "clock-step", "below-resolution", "a-code-of-tomorrow")}
		w.Path = pick(m, "", "/run/duration_s", "/hardware/0", "/environments/0", "/methods/0", "/spans/0")
		m.maybe(&w.Detail)
		if m.one(2) {
			w.Count = new(m.whole())
		}
		r.Warnings = append(r.Warnings, w)
	}
	for m.one(2) {
		r.Missing = append(r.Missing, lifecycle.Missing{
			Path: pick(m, "/hardware", "/ledger", "/phases", "/spans"), What: m.text(),
			Reason: pick(m, "not-applicable", "not-measured", "unknown", "withheld", "redacted"),
		})
	}
}
