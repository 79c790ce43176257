package main

import (
	"fmt"
	"slices"

	"github.com/ecotracer/ecotracer/internal/inwords"
	"github.com/ecotracer/ecotracer/lifecycle"
	"github.com/ecotracer/ecotracer/tracer"
)

// forecast tells what a running record is expected to come to, and of one that has
// ended what had been foretold when.
func (p *page) forecast() {
	all, err := tracer.Forecasts(p.record)
	if err != nil || len(all) == 0 {
		return
	}
	foretold := slices.ContainsFunc(all, func(f tracer.Forecast) bool { return f.RemainingS != nil && f.RemainingS.High > 0 })
	if !foretold { // there is only what came of it
		return
	}
	p.heading("Forecast")
	if last := &all[len(all)-1]; p.record.Run.Status == lifecycle.Running && last.RemainingS != nil && last.RemainingS.High > 0 {
		p.expected(last)
		return
	}
	p.foretold(all)
}

// expected tells what is to come.
func (p *page) expected(f *tracer.Forecast) {
	p.words("  ", inwords.Visible(inwords.Name(f.Path)),
		fmt.Sprintf("%s %s of %s", inwords.Visible(f.Unit), inwords.Count(f.Done), inwords.Count(f.Expected)),
		"as the last "+inwords.Count(f.LeansOn)+" were")
	t := newTable(false, true, false, false)
	p.prospect(t, "time", f.TotalS, f.RemainingS, nil)
	p.prospect(t, "energy", f.TotalJ, f.RemainingJ, inwords.Joules)
	p.prospect(t, emissionsOf(f), f.TotalGCO2e, f.RemainingGCO2e, inwords.CO2e)
	p.table(t)
}

func emissionsOf(f *tracer.Forecast) string {
	if f.ElectricityOnly {
		return "electricity"
	}
	return "emissions"
}

// prospect adds a total and what of it is to come; seconds where there are no
// units.
func (p *page) prospect(t *table, label string, total, more *tracer.Estimate, units []inwords.Unit) {
	if total == nil || more == nil {
		return
	}
	value, bounds := bounded(total, units)
	left, _ := bounded(more, units)
	t.add(cell{label, nil}, cell{value, p.bold}, cell{bounds, p.dim}, cell{left + " more", nil})
}

// bounded is an estimate and its 95 % interval as tables have them.
func bounded(e *tracer.Estimate, units []inwords.Unit) (value, bounds string) {
	if units == nil {
		if value = inwords.Duration(e.Value); e.High > e.Low {
			bounds = "(" + inwords.Duration(e.Low) + "–" + inwords.Duration(e.High) + ")"
		}
		return value, bounds
	}
	return interval(lifecycle.Quantity{Value: e.Value, Low: e.Low, High: e.High}, units)
}

// foretold tells what had been foretold at which part of the work, and what came
// of it, of each loop.
func (p *page) foretold(all []tracer.Forecast) {
	type loop struct{ path, unit string }
	var loops []loop
	for _, f := range all {
		if l := (loop{f.Path, f.Unit}); !slices.Contains(loops, l) {
			loops = append(loops, l)
		}
	}
	for _, l := range loops {
		p.words("  ", inwords.Visible(inwords.Name(l.path)), inwords.Visible(l.unit))
		t := newTable(false, true, false, true, false)
		t.add(cell{"done", p.dim}, cell{"time", p.dim}, cell{}, cell{"energy", p.dim})
		for i := range all {
			f := &all[i]
			if f.Path != l.path || f.Unit != l.unit || f.TotalS == nil {
				continue
			}
			energy, joules := "", ""
			if f.TotalJ != nil {
				energy, joules = bounded(f.TotalJ, inwords.Joules)
			}
			time, seconds := bounded(f.TotalS, nil)
			t.add(cell{fmt.Sprintf("%s of %s", inwords.Count(f.Done), inwords.Count(f.Expected)), nil},
				cell{time, p.bold}, cell{seconds, p.dim}, cell{energy, p.bold}, cell{joules, p.dim})
		}
		p.table(t)
	}
	p.line("%s", p.dim("  what the run would have come to by then, as it was foretold; 95 % intervals"))
}
