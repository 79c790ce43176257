package tracer

import (
	"slices"
	"time"

	"github.com/ecotracer/ecotracer/lifecycle"
)

// liveGrid gives the run's place what its sources said of its grid, which then
// stands for the data set's figure.
func (b *recordBuilder) liveGrid(e *lifecycle.Environment) {
	live := b.snap.live
	if live == nil {
		return
	}
	const at = "/environments/0/factors/grid"
	if len(live.failed) > 0 {
		b.warn("grid-live-failed", at, "the figure is that of the data set: "+live.words(), 0)
	}
	if a := live.average; a != nil {
		f := a.factor
		if a.step > 0 {
			b.hours = newHourly(b.run, b.snap.end, a.step)
			f = a.over(b.hours.zero, b.hours.step, len(b.hours.even))
		}
		e.Factors.Grid = b.book().Add(f)
		if a.late > 0 {
			b.warn("grid-live-late", at, "the source did not know the last "+a.late.Round(time.Second).String()+" of the run yet: they have its last value", 0)
		}
	}
	if a := live.marginal; a != nil {
		f := a.factor
		if a.step > 0 {
			from := b.run.unix(b.run.begin)
			f = a.over(from, max(b.run.unix(b.snap.end)-from, 1), 1)
			f.Series = nil // of the marginal the mean is used
		}
		e.Factors.Marginal = b.book().Add(f)
	}
}

// hourlyBook is the hours of a run as its record tells them.
type hourlyBook struct {
	*hours
	even []float64 // the part of the run that is in each step
}

// newHourly is the hours of a run that ends at a time of the ledger, in steps
// that are as long as those of a series, where they are shorter.
func newHourly(r *Run, end, step int64) *hourlyBook {
	h := r.hours
	from, to := r.unix(r.begin), r.unix(end)
	for 2*h.step <= step || (to-h.zero)/h.step >= maxSteps {
		h.double()
	}
	b := &hourlyBook{hours: h}
	for at := h.zero; at < to || len(b.even) == 0; at += h.step {
		part := float64(max(min(to, at+h.step)-max(from, at), 0)) / float64(max(to-from, 1))
		b.even = append(b.even, part)
	}
	return b
}

// profile is what a stage used at the run's place over time (R36). Its steps
// come to the stage's rows.
func (b *recordBuilder) profile(st *stageSum) []lifecycle.Profile {
	h := b.hours
	if h == nil {
		return nil
	}
	total := make([]float64, len(h.even))
	for i, d := range b.domains {
		for k, j := range h.fit(h.joules(st.stage, d), st.energy[i]) {
			total[k] += j
		}
	}
	for n, u := range st.uses {
		if s := b.booked[n]; s.place == siteID {
			for k, part := range h.even {
				total[k] += u.amount * s.joules * part
			}
		}
	}
	used := func(j float64) bool { return j > 0 }
	first := slices.IndexFunc(total, used)
	if first < 0 {
		return nil
	}
	last := len(total) - 1
	for !used(total[last]) {
		last--
	}
	return []lifecycle.Profile{{
		Environment: siteID, Start: time.Unix(0, h.zero+int64(first)*h.step).UTC(), StepS: float64(h.step) / 1e9,
		EnergyJ: total[first : last+1],
	}}
}

// joules are those of a domain in a stage, by step, at its idle power.
func (h *hourlyBook) joules(stage lifecycle.Stage, d *bookedDomain) []float64 {
	g := &h.groups[d.group]
	n, i := g.domains, d.slot
	out := make([]float64, len(h.even))
	each := func(stage lifecycle.Stage, joules func(v []float64) float64) {
		for k, v := range g.steps[stage] {
			if v != nil {
				out[min(k, len(out)-1)] += joules(v)
			}
		}
	}
	free := func(v []float64) float64 { return v[i] }
	own := func(v []float64) float64 {
		switch {
		case d.device < 0:
			return d.idleW*(v[2*n+1]-v[2*n])/1e9 + v[i]
		case d.claimed:
			return v[n+i]
		}
		return v[i]
	}
	each(stage, own)
	if stage != lifecycle.Unassigned {
		return out
	}
	if d.device < 0 {
		each(noSpan, own)
		return out
	}
	each(noSpan, func(v []float64) float64 { return v[i] + v[n+i] })
	if d.claimed { // what went by wall share before the claim is nobody's
		for s := range g.steps {
			if s != noSpan {
				each(s, free)
			}
		}
	}
	return out
}

// fit takes what steps are below zero from those above it, such that they come
// to a sum. If none is above it the sum is spread evenly.
func (h *hourlyBook) fit(steps []float64, sum float64) []float64 {
	level(steps, sum)
	for _, j := range steps {
		if j > 0 {
			return steps
		}
	}
	for k, part := range h.even {
		steps[k] = sum * part
	}
	return steps
}
