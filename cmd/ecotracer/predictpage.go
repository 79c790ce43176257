package main

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/ecotracer/ecotracer/internal/inwords"
	"github.com/ecotracer/ecotracer/lifecycle"
	"github.com/ecotracer/ecotracer/lifecycle/dataset"
)

// prediction lays out the page of a prediction: what it comes to, how it was
// obtained, how far off the like were, and what to mind.
func (p *page) prediction(of *predicting, predictor *dataset.Predictor, f *dataset.Prediction, list []dataset.Lean, leans float64) {
	p.planned(&of.plan)
	p.heading("What it will come to")
	t := newTable(false, true, false, false)
	add := func(label string, r *dataset.Range, units []inwords.Unit, note string) {
		if r != nil {
			value, bounds := interval(lifecycle.Quantity{Value: r.Value, Low: r.Low, High: r.High}, units)
			t.add(cell{label, nil}, cell{value, p.bold}, cell{bounds, p.dim}, cell{note, nil})
		}
	}
	if d := f.DurationS; d != nil {
		t.add(cell{"time", nil}, cell{inwords.Duration(d.Value), p.bold}, cell{"(" + inwords.Duration(d.Low) + " to " + inwords.Duration(d.High) + ")", p.dim}, cell{})
	} else {
		t.add(cell{"time", nil}, cell{inwords.Duration(of.plan.Hours.Value * 3600), p.bold}, cell{}, cell{"as given", nil})
	}
	add("energy", &f.EnergyJ, inwords.WattHours, "of the devices")
	add("facility", &f.FacilityEnergyJ, inwords.WattHours, "energy times PUE")
	add("electricity", &f.OperationalGCO2e, inwords.CO2e, "location-based")
	add("devices", f.EmbodiedGCO2e, inwords.CO2e, "production, end of life")
	add("emissions", f.GCO2e, inwords.CO2e, "all of these")
	p.table(t)
	p.line("%s", p.dim("  in parentheses: 90 % interval"))
	if f.GCO2e == nil {
		p.prose("  ", "What the devices took to make is unknown, and in none of the figures.")
	}
	p.obtained(predictor, f)
	p.leaning(f, list, leans)
	if len(f.Warnings) > 0 {
		p.heading("Mind")
		for _, w := range f.Warnings {
			p.prose("  ", w)
		}
	}
	p.heading("What physics and the place rest on; in parentheses: 95 % interval")
	for _, in := range f.Inputs {
		how, source := inwords.Found(in.Found)+", quality "+in.Quality, in.Source
		if in.Unit == "FLOP" || in.Unit == "FLOP/s" {
			in.Value, in.Low, in.High = inwords.Rounded(in.Value, 3), inwords.Rounded(in.Low, 3), inwords.Rounded(in.High, 3)
			bounds := ""
			if in.Low < in.High {
				bounds = fmt.Sprintf(" (%.3g–%.3g)", in.Low, in.High)
			}
			p.source(in.Name, fmt.Sprintf("%.3g%s %s", in.Value, bounds, in.Unit), how, source)
			continue
		}
		p.source(in.Name, figureInWords(in.Value, in.Low, in.High, in.Unit), how, source)
	}
}

// planned tells what the plan is.
func (p *page) planned(plan *dataset.Plan) {
	stage := string(cmp.Or(plan.Stage, lifecycle.Training))
	p.line("%s  %s", p.bold(inwords.Visible(cmp.Or(plan.Name, stage))), p.yellow("prediction"))
	var facts []string
	if plan.Name != "" {
		facts = append(facts, stage)
	}
	for _, text := range []string{plan.Task, plan.TrainingType, plan.Precision} {
		if text != "" {
			facts = append(facts, inwords.Code(text))
		}
	}
	if device := cmp.Or(plan.Accelerator, plan.Instance); device != "" {
		facts = append(facts, fmt.Sprintf("%d × %s", max(plan.Count, 1), device))
	} else if plan.CPU != "" {
		facts = append(facts, fmt.Sprintf("%d × %s", max(plan.CPUs, 1), plan.CPU))
	}
	if plan.Share > 0 && plan.Share < 1 {
		facts = append(facts, inwords.Percent(plan.Share)+" of it")
	}
	if place := cmp.Or(plan.Region, plan.Zone, plan.Subdivision, plan.Country); place != "" {
		facts = append(facts, place)
	} else if plan.Intensity == nil {
		facts = append(facts, "place unknown")
	}
	p.words("  ", facts...)
}

// obtained tells how a prediction was obtained, and how far off the like were.
func (p *page) obtained(predictor *dataset.Predictor, f *dataset.Prediction) {
	p.heading("How it was obtained")
	alone, _ := interval(lifecycle.Quantity{Value: f.Physics.Value, Low: f.Physics.Low, High: f.Physics.High}, inwords.WattHours)
	_, bounds := interval(lifecycle.Quantity{Value: f.Physics.Value, Low: f.Physics.Low, High: f.Physics.High}, inwords.WattHours)
	runs := inwords.Plural(f.Runs, "run")
	switch f.Basis {
	case dataset.Prior:
		text := "From physics alone: arithmetic over the speed of the devices, times their power."
		if f.Runs > 0 {
			text += " " + inwords.Count(int64(f.Runs)) + " runs were read, and none tells what this plan asks for."
		} else if len(predictor.Left()) == 0 {
			text += " Records of such runs (--from) would correct it."
		}
		p.prose("  ", text)
	case dataset.Corrected:
		p.prose("  ", fmt.Sprintf("From physics, corrected by %s. Physics alone would say %s of energy %s.", runs, alone, bounds))
	default:
		p.prose("  ", fmt.Sprintf("A regression over %s, about physics. Physics alone would say %s of energy %s.", runs, alone, bounds))
	}
	for _, e := range []struct {
		of  string
		err *dataset.Error
	}{{"time", f.DurationError}, {"energy", f.EnergyError}} {
		if e.err == nil {
			continue
		}
		kept, later := strings.CutSuffix(e.err.Without, " and later")
		without := "it and the others of its program"
		if kept == "run" {
			without = "it"
		}
		if later {
			without += " and all that ran later"
		}
		p.prose("  ", fmt.Sprintf("Its %s error: of %s, each told without %s, half are within a factor of %s of what they came to (%s off), nine in ten within %s; physics alone %s. %s lie in their 90 %% interval.",
			e.of, inwords.Plural(e.err.Runs, "run"), without, inwords.Trimmed(e.err.Factor), inwords.Percent(e.err.Percent/100), inwords.Trimmed(e.err.Factor90), inwords.Trimmed(e.err.PriorAlone), inwords.Percent(e.err.Covered)))
	}
	left := predictor.Left()
	if len(left) == 0 {
		return
	}
	reasons := slices.SortedFunc(maps.Keys(left), func(a, b string) int { return cmp.Or(cmp.Compare(left[b], left[a]), strings.Compare(a, b)) })
	var texts []string
	for _, why := range reasons[:min(len(reasons), 4)] {
		texts = append(texts, fmt.Sprintf("%s: %s", inwords.Count(int64(left[why])), why))
	}
	if len(reasons) > 4 {
		texts = append(texts, "and other reasons")
	}
	p.prose("  ", "Not learned from: "+strings.Join(texts, "; ")+".")
}

// leaning tells which records a prediction leans on.
func (p *page) leaning(f *dataset.Prediction, list []dataset.Lean, all float64) {
	if len(list) == 0 {
		return
	}
	p.heading("What it leans on")
	p.prose("  ", fmt.Sprintf("%s on records, the rest on physics; most of all on", inwords.Percent(all)))
	t := newTable(true, false, false, false)
	for _, l := range list {
		t.add(cell{inwords.Percent(l.Weight), p.bold}, cell{l.Run, nil}, cell{l.Device, nil}, cell{l.Series, p.dim})
	}
	p.table(t)
	if f.Reach == "series" {
		p.prose("  ", "The interval is as wide as other runs of this program were off.")
	} else if f.Reach != "" {
		p.prose("  ", "The interval is as wide as other runs were off: "+f.Reach+".")
	}
}

// shownPoints is how many configurations of a sweep are shown.
const shownPoints = 10

// sweep finds the cheapest configuration.
func (c *cli) sweep(p *predicting, predictor *dataset.Predictor) int {
	s, err := predictor.Sweep(p.plan, p.sweep, p.goal)
	if err != nil {
		return c.unpredicted(p, err)
	}
	code := exitOK
	if s.Best == nil {
		code = exitFound
	}
	if p.json {
		return max(code, c.json(s))
	}
	pg := page{style: styleOf(c.out), all: p.all}
	pg.swept(p, s)
	pg.printTo(c.out)
	return code
}

// swept lays out a sweep: the best and why, the others, what a step would do.
func (p *page) swept(of *predicting, s *dataset.Sweep) {
	p.planned(&of.plan)
	text := strings.ToUpper(s.Why[:1]) + s.Why[1:] + "."
	if s.Best != nil {
		text = "Best: " + setting(s.Axes, s.Best.Values) + ", for " + s.Why + "."
	}
	p.line("")
	p.flow("", " ", pieces(text), p.bold)
	p.heading("Configurations")
	metric := len(s.Points) > 0 && s.Points[0].Reaches != nil
	var right []bool
	var head []cell
	column := func(name string, toRight bool) { right, head = append(right, toRight), append(head, cell{name, p.dim}) }
	for _, a := range s.Axes {
		column(a.Name, true)
	}
	if metric {
		column(of.goal.Metric, true)
		column("reached", true)
	}
	column("energy", true)
	column("", false)
	showTime, showGrams := !metric || s.Cost == "time", !metric || s.Cost == "gco2e" // a terminal is narrow
	if showTime {
		column("time", true)
	}
	if showGrams {
		column("emissions", true)
	}
	t := newTable(right...)
	t.add(head...)
	for i := range s.Points[:min(len(s.Points), shownPoints)] {
		pt := &s.Points[i]
		var cells []cell
		paint := p.dim
		if i == 0 && s.Best != nil {
			paint = p.bold
		}
		for _, v := range pt.Values {
			cells = append(cells, cell{v, paint})
		}
		if metric {
			cells = append(cells, cell{inwords.Trimmed(*pt.Expected), nil}, cell{reachedWith(*pt.Reaches, of.goal.Confidence), nil})
		}
		value, bounds := interval(lifecycle.Quantity{Value: pt.EnergyJ.Value, Low: pt.EnergyJ.Low, High: pt.EnergyJ.High}, inwords.WattHours)
		cells = append(cells, cell{value, nil}, cell{bounds, p.dim})
		if showTime {
			time := ""
			if pt.DurationS != nil {
				time = inwords.Duration(pt.DurationS.Value)
			}
			cells = append(cells, cell{time, nil})
		}
		if showGrams {
			cells = append(cells, cell{inwords.Amount(pt.GCO2e.Value, inwords.CO2e), nil})
		}
		t.add(cells...)
	}
	p.table(t)
	p.line("%s", p.dim(fmt.Sprintf("  the first %d of %d; in parentheses: 90 %% interval", min(len(s.Points), shownPoints), s.Tried)))
	if len(s.Neighbours) > 0 {
		p.heading("A step from the best")
		t := newTable(false, true, false)
		for _, n := range s.Neighbours {
			does := inwords.Trimmed(n.Cost) + " times the " + costInWords(s.Cost)
			reached := ""
			if n.Reaches != nil {
				reached = "reached with " + reachedWith(*n.Reaches, of.goal.Confidence)
			}
			t.add(cell{n.Axis + " " + n.Value, p.bold}, cell{does, nil}, cell{reached, p.dim})
		}
		p.table(t)
	}
	notes := slices.Clone(s.Notes)
	if s.Best != nil {
		notes = append(notes, s.Best.Warnings...)
	}
	if len(notes) > 0 {
		p.heading("Mind")
		for _, n := range notes {
			p.prose("  ", n)
		}
	}
}

func costInWords(cost string) string {
	if cost == "gco2e" {
		return "emissions"
	}
	return cost
}

// reachedWith is a probability, which is never nought, nor rounded up to the one
// that is asked for.
func reachedWith(x, asked float64) string {
	if x < 0.0005 {
		return "under 0.1 %"
	}
	if text := inwords.Probability(asked); x < asked && inwords.Probability(x) == text {
		return "under " + text
	}
	return inwords.Probability(x)
}

// setting is a configuration in words.
func setting(axes []dataset.Axis, values []string) string {
	var texts []string
	for i, a := range axes {
		texts = append(texts, a.Name+" "+values[i])
	}
	return strings.Join(texts, ", ")
}
