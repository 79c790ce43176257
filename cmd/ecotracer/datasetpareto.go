package main

import (
	"flag"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/ecotracer/ecotracer/internal/inwords"
	"github.com/ecotracer/ecotracer/lifecycle"
	"github.com/ecotracer/ecotracer/lifecycle/dataset"
)

func declarePareto(c *cli, flags *flag.FlagSet) func([]string) int {
	a := c.ask("dataset pareto", flags).asJSON(flags)
	var o dataset.ParetoOptions
	flags.StringVar(&o.Metric.Name, "metric", "", "")
	flags.StringVar(&o.Metric.Split, "split", "", "")
	flags.StringVar(&o.Metric.Direction, "better", "", "")
	flags.StringVar(&o.Cost, "cost", "energy_j", "")
	flags.StringVar(&o.Unit, "unit", "", "")
	return func(paths []string) int {
		points, report, code := c.points(a, paths)
		if len(points) == 0 {
			return code
		}
		front, err := dataset.Pareto(points, o)
		if err != nil {
			return c.usage(a.command, "%s; --metric, --split, --better, --cost and --unit say what is weighed", ours(err))
		}
		if a.json {
			return max(code, c.json(struct {
				*dataset.Front
				Report dataset.Report `json:"report"`
			}{front, report}))
		}
		p := page{style: styleOf(c.out)}
		p.asked(report, len(points), a.where)
		p.front(front)
		p.notCounted(&report)
		p.printTo(c.out)
		return code
	}
}

// A front that is longer is shown by its ends.
const frontBegins, frontEnds = 5, 15

// front tells which runs nothing beats.
func (p *page) front(f *dataset.Front) {
	for _, why := range slices.Sorted(maps.Keys(f.LeftOut)) {
		p.prose("", fmt.Sprintf("%s not weighed: %s.", inwords.Plural(f.LeftOut[why], "run"), why))
	}
	if f.Runs == 0 {
		p.line("\n%s", p.bold("No run can be weighed."))
		return
	}
	cost := inwords.ComparedFigure(f.Cost).Name
	if f.Unit != "" {
		cost += " for one " + inwords.One(f.Unit)
	}
	p.heading(fmt.Sprintf("%s against %s: nothing beats %s of %d", f.Metric, cost, inwords.Plural(len(f.Front), "run"), f.Runs))
	units := inwords.ComparedFigure(f.Cost).Units
	t := newTable(true, true, false, true, false)
	t.add(cell{f.Metric.Name, p.dim}, cell{cost, p.dim}, cell{}, cell{"step", p.dim}, cell{})
	for i := range f.Front {
		w := &f.Front[i]
		if middle := len(f.Front) - frontEnds; i >= frontBegins && i < middle && len(f.Front) > frontBegins+1+frontEnds {
			if i == frontBegins {
				t.note(fmt.Sprintf("     … %d more: --json tells of all", middle-i))
			}
			continue
		}
		step := ""
		if i > 0 {
			step = "× " + inwords.Trimmed(f.Steps[i-1].Times)
		}
		note := ""
		if i == f.Knee {
			note = "knee"
		}
		if w.Sure {
			note = strings.TrimPrefix(note+", sure", ", ")
		}
		value, bounds := inwords.Interval(lifecycle.Quantity{Value: w.Cost.Value, Low: w.Cost.Low, High: w.Cost.High}, units)
		t.add(cell{inwords.Trimmed(w.Value), p.bold}, cell{value, nil}, cell{strings.TrimSpace(inwords.Bracketed(bounds)), p.dim}, cell{step, nil}, cell{note, p.green})
		t.note("       " + strings.TrimSpace(w.Run+"  "+w.Name))
	}
	p.table(t)
	if s := f.LastStep(); s != nil {
		p.prose("", "The last step: "+inwords.Step(s.Gain, s.Times, s.More, f.Metric.Name, cost, units)+".")
	}
	if f.Knee >= 0 {
		p.prose("", "Beyond the knee, more costs most for what it brings.")
	}
	surely := 0
	for i := range f.Beaten {
		if f.Beaten[i].Standing == dataset.SurelyBeaten {
			surely++
		}
	}
	if n := len(f.Beaten); n > 0 {
		p.prose("", fmt.Sprintf("Of the %s, %d are surely beaten by one that is as good for less, %d by best estimates alone.", inwords.Plural(n, "other"), surely, n-surely))
	}
	if len(f.Caveats) > 0 {
		p.heading("Keep in mind")
		for _, text := range f.Caveats {
			p.prose("  ", text)
		}
	}
}
