package export

import (
	"cmp"
	"fmt"
	"io"
	"strings"

	"github.com/ecotracer/ecotracer/internal/inwords"
	"github.com/ecotracer/ecotracer/lifecycle"
)

// Table writes a result sheet as benchmarks disclose theirs (SPEC, and the
// reports that ISO/IEC 30134 asks for): the result, the system under test, what
// measured it and how well, the conditions, the result by phase and stage, and
// what is missing. [Options.Style] chooses text, Markdown or JSON.
func Table(w io.Writer, r *lifecycle.Record, o Options) ([]Loss, error) {
	digest, err := r.SHA256()
	if err != nil {
		return nil, fmt.Errorf("export: table: %w", err)
	}
	s := sheet{title: "Energy and emissions of a run", notes: []string{
		"In parentheses: 95 % interval. Emissions of electricity are location-based; with the facility: energy × PUE (ISO/IEC 30134-2).",
	}}
	s.result(r, o, digest)
	s.byPhase(r)
	s.byStage(r)
	s.system(r)
	s.instruments(r)
	s.conditions(r)
	s.gaps(r)
	var h holding
	h.hold("/run/name", "/run/status", "/run/started_at", "/run/ended_at", "/run/duration_s", "/run/boundary", "/run/scope", "/generator",
		"/totals/energy_j", "/totals/facility_energy_j", "/totals/operational_gco2e", "/totals/embodied_gco2e", "/totals/gco2e", "/totals/water_l",
		"/totals/measured_share", "/totals/per_unit", "/totals/by_phase",
		"/phases/*/phase", "/phases/*/stage", "/phases/*/duration_s", "/phases/*/energy_j", "/phases/*/facility_energy_j", "/phases/*/operational_gco2e",
		"/phases/*/water_l", "/phases/*/embodied_gco2e",
		"/hardware/*/id", "/hardware/*/kind", "/hardware/*/vendor", "/hardware/*/model", "/hardware/*/count", "/hardware/*/cores", "/hardware/*/threads",
		"/hardware/*/memory_bytes", "/hardware/*/tdp_w", "/hardware/*/power_limit_w",
		"/methods/*/id", "/methods/*/method", "/methods/*/sensor", "/methods/*/mode", "/methods/*/sampling_s", "/methods/*/rel_error",
		"/environments/*/id", "/environments/*/country", "/environments/*/subdivision", "/environments/*/grid_zone", "/environments/*/infrastructure",
		"/environments/*/virtualisation", "/environments/*/provider", "/environments/*/region", "/environments/*/instance_type",
		"/factors/*/id", "/factors/*/kind", "/factors/*/value", "/factors/*/low", "/factors/*/high", "/factors/*/unit", "/factors/*/source", "/factors/*/source_year",
		"/missing", "/warnings")
	lost := h.lost(r)
	if s.merged {
		lost = append(lost, Loss{Path: "/warnings", Why: "of warnings that say the same, only the first place is told"})
	}
	return rounding(o, "/totals", lost), s.write(w, r, o.Style)
}

// result adds what the run came to.
func (s *sheet) result(r *lifecycle.Record, o Options, digest string) {
	t := &r.Totals
	rows := [][]entry{
		fact("run", toldText(r.Run.Name, "the run has no name")),
		fact("status", entry{text: string(r.Run.Status)}),
		fact("time", toldText(timeSpan(r), "nothing ran: it is an estimate")),
		fact("duration", entry{text: inwords.Duration(r.Run.DurationS), number: &r.Run.DurationS, unit: "s"}),
		fact("energy", quantified(&t.EnergyJ, inwords.WattHours, 1, "J", "")),
		fact("energy with the facility", quantified(&t.FacilityEnergyJ, inwords.WattHours, 1, "J", "")),
		fact("measured share", entry{text: inwords.Percent(t.MeasuredShare), number: &t.MeasuredShare, unit: "1"}),
		fact("emissions of electricity", quantified(&t.OperationalGCO2e, inwords.CO2e, 1, "gCO2e", "")),
		fact("emissions of devices", quantified(t.EmbodiedGCO2e, inwords.CO2e, 1, "gCO2e", lacking(r, "/totals/embodied_gco2e"))),
		fact("emissions", quantified(t.GCO2e, inwords.CO2e, 1, "gCO2e", lacking(r, "/totals/gco2e"))),
		fact("water", quantified(t.WaterL, inwords.Litres, 1, "L", lacking(r, "/totals/water_l"))),
	}
	if u := t.PerUnit; u != nil {
		e := quantified(&u.GCO2e, inwords.CO2e, 1, "gCO2e", "")
		e.text += " of " + inwords.Count(u.Count)
		rows = append(rows, fact("emissions of one "+inwords.One(u.Unit), e))
	}
	s.facts("Result", append(rows,
		fact("boundary", entry{text: string(r.Run.Boundary) + ": " + inwords.Covered(r.Run.Boundary) + ", " + inwords.Scope(r.Run.Scope)}),
		fact("made by", entry{text: generatorName(r)}),
		fact("record", entry{text: recordName(o, digest)}))...)
}

// absent is a figure that a phase or stage does not have.
const absent = "–"

// orAbsent is a figure of a phase or stage, which need not have it.
func orAbsent(q *lifecycle.Quantity, units []inwords.Unit, unit string) entry {
	if q == nil {
		return entry{text: absent}
	}
	return quantified(q, units, 1, unit, "")
}

// byPhase adds the phases.
func (s *sheet) byPhase(r *lifecycle.Record) {
	part := sheetPart{"By phase", []string{"phase", "energy", "with the facility", "emissions", "water"}, nil}
	for _, p := range phaseNames {
		if t, ok := r.Totals.ByPhase[p.phase]; ok {
			part.rows = append(part.rows, []entry{{text: p.name}, orAbsent(t.EnergyJ, inwords.WattHours, "J"), orAbsent(t.FacilityEnergyJ, inwords.WattHours, "J"),
				orAbsent(t.GCO2e, inwords.CO2e, "gCO2e"), orAbsent(t.WaterL, inwords.Litres, "L")})
		}
	}
	s.parts = append(s.parts, part)
}

// byStage adds the stages.
func (s *sheet) byStage(r *lifecycle.Record) {
	part := sheetPart{"By stage", []string{"stage", "time", "energy", "with the facility", "emissions", "method"}, nil}
	for i := range r.Phases {
		e := &r.Phases[i]
		gco2e, method := e.OperationalGCO2e, ""
		if e.Stage.Device() {
			gco2e = e.EmbodiedGCO2e
		}
		if q := cmp.Or(e.EnergyJ, gco2e); q != nil {
			method = string(q.Method)
		}
		time := entry{text: absent}
		if e.DurationS != nil {
			time = entry{text: inwords.Duration(*e.DurationS), number: e.DurationS, unit: "s"}
		}
		part.rows = append(part.rows, []entry{{text: string(e.Stage)}, time, orAbsent(e.EnergyJ, inwords.WattHours, "J"),
			orAbsent(e.FacilityEnergyJ, inwords.WattHours, "J"), orAbsent(gco2e, inwords.CO2e, "gCO2e"), {text: cmp.Or(method, absent)}})
	}
	s.parts = append(s.parts, part)
}

// system adds the system under test.
func (s *sheet) system(r *lifecycle.Record) {
	part := sheetPart{"System under test", []string{"device", "kind", "count", "model", "size", "power"}, nil}
	for i := range r.Hardware {
		h := &r.Hardware[i]
		size, power := inwords.Size(h), inwords.Power(h)
		part.rows = append(part.rows, []entry{{text: h.ID}, {text: string(h.Kind)}, {text: inwords.Count(int64(h.Count))},
			toldText(inwords.Model(h.Vendor, h.Model), lacking(r, fmt.Sprintf("/hardware/%d/model", i))),
			{text: cmp.Or(strings.Join(size, ", "), absent)}, {text: cmp.Or(strings.Join(power, ", "), absent)}})
	}
	s.parts = append(s.parts, part)
	s.facts("Software", fact("operating system", entry{text: r.Generator.OS + "/" + r.Generator.Arch}), fact("Go", toldText(r.Generator.Go, "the record does not tell")))
}

// instruments adds what measured, and how well.
func (s *sheet) instruments(r *lifecycle.Record) {
	part := sheetPart{"Instruments", []string{"meter", "method", "sensor", "sampling", "95 % error"}, nil}
	for _, m := range r.Methods {
		sampling := absent
		if m.SamplingS != nil {
			sampling = inwords.Duration(*m.SamplingS)
		}
		part.rows = append(part.rows, []entry{{text: m.ID}, {text: string(m.Method)}, {text: strings.TrimSpace(m.Sensor + " " + m.Mode)}, {text: sampling},
			{text: inwords.Error(&m), number: &m.RelError, unit: "1"}})
	}
	s.parts = append(s.parts, part)
}

// conditions adds the places and the factors.
func (s *sheet) conditions(r *lifecycle.Record) {
	part := sheetPart{"Place", []string{"environment", "place", "kind", "virtualisation", "provider", "instance"}, nil}
	for i := range r.Environments {
		e := &r.Environments[i]
		at := fmt.Sprintf("/environments/%d/", i)
		place := strings.Join(nonEmpty(cmp.Or(e.Subdivision, e.Country), e.GridZone, e.Region), ", ")
		part.rows = append(part.rows, []entry{{text: e.ID}, toldText(place, lacking(r, at+"country")),
			toldText(e.Infrastructure, lacking(r, at+"infrastructure")), toldText(e.Virtualisation, lacking(r, at+"virtualisation")),
			{text: cmp.Or(e.Provider, absent)}, {text: cmp.Or(e.InstanceType, absent)}})
	}
	s.parts = append(s.parts, part)
	factors := sheetPart{"Factors", factorColumns, nil}
	for i := range r.Factors {
		factors.rows = append(factors.rows, factorRow(&r.Factors[i]))
	}
	s.parts = append(s.parts, factors)
}

// nonEmpty are the texts that say something.
func nonEmpty(texts ...string) (out []string) {
	for _, t := range texts {
		if t != "" {
			out = append(out, t)
		}
	}
	return out
}

// gaps adds what is missing, and what deserves care.
func (s *sheet) gaps(r *lifecycle.Record) {
	missing := sheetPart{"Missing", []string{"what", "reason", "where"}, nil}
	for _, m := range r.Missing {
		missing.rows = append(missing.rows, []entry{{text: missingName(r, m)}, {text: inwords.Reason(m.Reason)}, {text: m.Path}})
	}
	warnings := sheetPart{"Warnings", []string{"code", "count", "detail", "first of"}, nil}
	counts := map[[2]string]int64{} // by code and detail: a run of short spans has one for each path
	for _, w := range r.Warnings {
		n := int64(1)
		if w.Count != nil {
			n = *w.Count
		}
		counts[[2]string{w.Code, w.Detail}] += n
	}
	for _, w := range r.Warnings {
		key := [2]string{w.Code, w.Detail}
		n, first := counts[key]
		s.merged = s.merged || !first
		if first {
			delete(counts, key)
			warnings.rows = append(warnings.rows, []entry{{text: w.Code}, {text: inwords.Count(n)}, {text: cmp.Or(w.Detail, absent)}, {text: cmp.Or(w.Path, absent)}})
		}
	}
	for _, p := range []sheetPart{missing, warnings} {
		if len(p.rows) > 0 {
			s.parts = append(s.parts, p)
		}
	}
}
