package main

import (
	"cmp"
	"fmt"
	"maps"
	"math"
	"slices"
	"strings"

	"github.com/ecotracer/ecotracer/internal/inwords"
	"github.com/ecotracer/ecotracer/lifecycle"
	"github.com/ecotracer/ecotracer/lifecycle/scenario"
)

// lived tells what a scenario comes to: in words, by year and phase, what it is
// made of, what its questions come to, and what matters.
func (p *page) lived(s *scenario.Scenario, t *twin) {
	r := t.Result
	p.line("%s", p.bold(inwords.Visible(fmt.Sprintf("%s, %d to %d", cmp.Or(r.Name, "A scenario"), r.Start, r.Start+r.Years-1))))
	p.line("")
	p.prose("", strings.Join(summary(r), " "))
	p.years(r, "Emissions by year and phase, devices by the time that they are used", &r.Amortised, true)
	p.years(r, "The same, devices when they are bought and discarded", &r.Occurring, false)
	if r.LeftGCO2e.Value > 0 {
		p.prose("  ", "Of what was bought, "+figure(r.LeftGCO2e, inwords.CO2e)+" of production serve after these years.")
	}
	p.parts(r)
	if len(t.Answers) > 0 {
		p.heading("What if")
		for _, name := range slices.Sorted(maps.Keys(t.Answers)) {
			p.prose("  ", inwords.Visible(cmp.Or(s.Questions[name].Asks, name)))
			p.prose("    ", strings.Join(answer(name, t.Answers[name], r), " "))
		}
	}
	p.matters(t.Matters, cmp.Or(s.Minimise, "gco2e"), r)
	if len(r.Notes) > 0 {
		p.heading("Keep in mind")
		for _, note := range r.Notes {
			p.prose("  ", note)
		}
	}
}

// figure is an interval on one line.
func figure(q lifecycle.Interval, units []inwords.Unit) string {
	return inwords.Figure(lifecycle.Quantity{Value: q.Value, Low: q.Low, High: q.High}, units)
}

// summary tells the whole in a few sentences.
func summary(r *scenario.Result) (texts []string) {
	all := r.Amortised.Total
	text := fmt.Sprintf("In %s it emits %s", inwords.Plural(r.Years, "year"), figure(all.GCO2e, inwords.CO2e))
	most := scenario.Phase{}
	for _, p := range r.Amortised.Phases {
		if p.Total.GCO2e.Value > most.Total.GCO2e.Value {
			most = p
		}
	}
	if all.GCO2e.Value > 0 && len(r.Amortised.Phases) > 1 {
		text += fmt.Sprintf(", %s of it in %s", inwords.Percent(inwords.Rounded(most.Total.GCO2e.Value/all.GCO2e.Value, 2)), most.Phase)
	}
	texts = append(texts, text+", and uses "+figure(all.FacilityEnergyJ, inwords.WattHours)+" of electricity.")
	if r.PerUnit != nil {
		texts = append(texts, fmt.Sprintf("One %s comes to %s.", r.Unit, figure(r.PerUnit.GCO2e, inwords.CO2e)))
	}
	for _, p := range r.Passings {
		texts = append(texts, fmt.Sprintf("What %s emits passes what %s does %s.", p.Phase, p.Of, when(p.BreakEven, r)))
	}
	return texts
}

// when tells when something is to be expected.
func when(b scenario.BreakEven, r *scenario.Result) string {
	sure := fmt.Sprintf("probability within the %s: %s", inwords.Plural(r.Years, "year"), inwords.Probability(b.Probability))
	switch {
	case b.Probability == 0:
		return fmt.Sprintf("not within the %s, in any of the draws", inwords.Plural(r.Years, "year"))
	case b.Years == nil:
		return "not within these years by the best estimates (" + sure + ")"
	}
	text := "after " + span(*b.Years)
	if *b.Years == 0 {
		text = "from the start"
	}
	bounds := ""
	switch {
	case b.High == nil:
		bounds = span(*b.Low) + " to beyond these years; "
	case span(*b.Low) != span(*b.High):
		bounds = span(*b.Low) + " to " + span(*b.High) + "; "
	}
	return text + " (" + bounds + sure + ")"
}

// span is a time in months or years.
func span(years float64) string {
	if months := math.Round(years * 12); months < 24 {
		return inwords.Plural(int(months), "month")
	}
	return inwords.Significant(years, 2) + " years"
}

// maxYearColumns are the years that a table has room for.
const maxYearColumns = 6

// years is the table of a view.
func (p *page) years(r *scenario.Result, title string, v *scenario.View, more bool) {
	each := (r.Years + maxYearColumns - 1) / maxYearColumns
	var shown []int
	for y := 0; y < r.Years; y += each {
		shown = append(shown, y)
	}
	right := make([]bool, len(shown)+3)
	for i := range shown {
		right[i+1] = true
	}
	right[len(shown)+1] = true
	t := newTable(right...)
	u := inwords.UnitFor(v.Total.GCO2e.Value, inwords.CO2e)
	row := func(name string, u inwords.Unit, of func(*scenario.Figures) lifecycle.Interval, byYear []scenario.Figures, all *scenario.Figures, paint func(string) string) {
		cells := []cell{{name, paint}}
		for _, y := range shown {
			cells = append(cells, cell{orDot(of(&byYear[y]).Value / u.Size), paint})
		}
		text, bounds := "", ""
		if all != nil {
			q := of(all)
			text, bounds = inwords.Digits(q.Value/u.Size), inwords.Bounds(q.Low/u.Size, q.High/u.Size)
		}
		t.add(append(cells, cell{text, p.bold}, cell{strings.TrimSpace(inwords.Bracketed(bounds)), p.dim})...)
	}
	head := []cell{{u.Name, p.dim}}
	for _, y := range shown {
		head = append(head, cell{fmt.Sprint(r.Start + y), p.dim})
	}
	t.add(append(head, cell{"all", p.dim}, cell{"", nil})...)
	grams := func(f *scenario.Figures) lifecycle.Interval { return f.GCO2e }
	for i := range v.Phases {
		row(string(v.Phases[i].Phase), u, grams, v.Phases[i].ByYear, &v.Phases[i].Total, nil)
	}
	row("all", u, grams, v.ByYear, &v.Total, p.bold)
	row("up to then", u, grams, v.Cumulative, nil, p.dim)
	if more {
		for _, of := range []struct {
			name  string
			units []inwords.Unit
			of    func(*scenario.Figures) lifecycle.Interval
		}{
			{"energy", inwords.WattHours, func(f *scenario.Figures) lifecycle.Interval { return f.EnergyJ }},
			{"facility", inwords.WattHours, func(f *scenario.Figures) lifecycle.Interval { return f.FacilityEnergyJ }},
			{"water", inwords.Litres, func(f *scenario.Figures) lifecycle.Interval { return f.WaterL }},
		} {
			u := inwords.UnitFor(of.of(&v.Total).Value, of.units)
			row(of.name+", "+u.Name, u, of.of, v.ByYear, &v.Total, nil)
		}
	}
	if v.Total.Cost != nil {
		row("cost, "+r.Currency, inwords.Unit{Size: 1}, func(f *scenario.Figures) lifecycle.Interval { return *f.Cost }, v.ByYear, &v.Total, nil)
	}
	p.heading(title)
	p.table(t)
	if each > 1 {
		p.line("%s", p.dim(fmt.Sprintf("  one year in %d is shown; all has all of them", each)))
	}
}

// orDot is a figure of a table; nothing is a dot, so that it is seen.
func orDot(v float64) string {
	if v == 0 {
		return "."
	}
	return inwords.Digits(v)
}

// parts tells what the emissions are made of, and how many devices there are.
func (p *page) parts(r *scenario.Result) {
	t := newTable(true, true, false, false)
	rest, n := 0.0, 0
	for i, part := range r.Parts {
		if share := part.GCO2e / r.Amortised.Total.GCO2e.Value; i < 8 && share >= 0.0005 {
			t.add(cell{inwords.Amount(part.GCO2e, inwords.CO2e), p.bold}, cell{inwords.Percent(inwords.Rounded(share, 2)), nil}, cell{part.Name, nil}, cell{string(part.Stage), p.dim})
			continue
		}
		rest, n = rest+part.GCO2e, n+1
	}
	if len(t.rows) == 0 {
		return
	}
	if rest > 0 {
		t.add(cell{inwords.Amount(rest, inwords.CO2e), p.bold}, cell{inwords.Percent(inwords.Rounded(rest/r.Amortised.Total.GCO2e.Value, 2)), nil}, cell{inwords.Plural(n, "other"), nil}, cell{})
	}
	p.heading("What it is made of, devices by use")
	p.table(t)
	var texts []string
	for _, f := range r.Fleets {
		if len(f.Count) == 0 {
			continue
		}
		first, last := f.Count[0], f.Count[len(f.Count)-1]
		text := f.Name + ": " + inwords.Trimmed(first)
		if first != last {
			text += " to " + inwords.Trimmed(last)
		}
		if len(f.Busy) > 0 {
			text += ", busy " + inwords.Percent(inwords.Rounded(slices.Max(f.Busy), 2))
		}
		texts = append(texts, text)
	}
	if len(texts) > 0 {
		p.words("  ", texts...)
	}
}

// answer tells what a question comes to.
func answer(name string, a *scenario.Answer, r *scenario.Result) (texts []string) {
	d := a.Lead()
	texts = append(texts, inwords.Visible(inwords.Verdict(d, name, "today")))
	if d.Difference != nil && d.Difference.Value != 0 && len(inwords.ComparedFigure(d.Figure).Units) > 1 {
		u := inwords.UnitFor(d.Difference.Value, inwords.ComparedFigure(d.Figure).Units)
		texts = append(texts, fmt.Sprintf("That is %s %s (%s to %s).", inwords.Signed(d.Difference.Value/u.Size), u.Name, inwords.Signed(d.Difference.Low/u.Size), inwords.Signed(d.Difference.High/u.Size)))
	}
	if a.AsItOccurs {
		texts = append(texts, "Devices count when they are bought and discarded.")
	}
	if b := a.PaysBack; b.Probability > 0 && (b.Years == nil || *b.Years > 0) {
		texts = append(texts, "As it occurs it pays back "+when(b, r)+".")
	}
	return texts
}

// question tells all of one.
func (p *page) question(name string, q scenario.Question, t *twin) {
	a := t.Answers[name]
	p.line("%s", p.bold(inwords.Visible(cmp.Or(q.Asks, name))))
	for _, path := range slices.Sorted(maps.Keys(q.Set)) {
		p.prose("  ", path+": "+cmp.Or(q.Set[path], "none"))
	}
	p.line("")
	p.prose("", strings.Join(answer(name, a, t.Result), " "))
	p.differencesOf(a, name)
	p.drivers(a.Lead())
}

// differencesOf is the table of all figures of an answer.
func (p *page) differencesOf(a *scenario.Answer, name string) {
	t := newTable(false, true, true, true, false, false)
	head := make([]cell, 6)
	for i, text := range []string{"", name, "today", "ratio", "", name + " is"} {
		head[i] = cell{text, p.dim}
	}
	t.add(head...)
	rows := slices.Clone(a.Figures)
	other := a.Otherwise
	rows = append(rows, other)
	for i := range rows {
		d := &rows[i]
		figure := inwords.ComparedFigure(d.Figure)
		label := figure.Name
		if i == len(rows)-1 {
			label = "as it occurs"
			if a.AsItOccurs {
				label = "by use"
			}
		}
		cells := make([]cell, 6)
		cells[0].text = label
		for side, q := range []*lifecycle.Quantity{d.A, d.B} {
			cells[1+side].text = strings.TrimSpace(strings.TrimSuffix(inwords.Amount(q.Value, figure.Units), "CO2e"))
		}
		if d.Ratio != nil && !inwords.Alike(d) {
			cells[3].text = inwords.Trimmed(d.Ratio.Value)
			cells[4] = cell{strings.TrimSpace(inwords.Bracketed(inwords.Bounds(d.Ratio.Low, d.Ratio.High))), p.dim}
		}
		cells[5] = p.verdict(d)
		t.add(cells...)
	}
	p.heading("Over all years")
	p.table(t)
	p.line("%s", p.dim("  in parentheses: 95 % interval; in %: probability"))
}

// maxMatters is how many inputs are told of.
const maxMatters = 10

// matters draws what each input makes of the whole between its bounds.
func (p *page) matters(list []scenario.Influence, of string, r *scenario.Result) {
	if len(list) == 0 {
		return
	}
	rest := len(list) - maxMatters
	list = list[:min(len(list), maxMatters)]
	best := r.Amortised.Total.Figure(of).Value
	units := map[string][]inwords.Unit{"energy": inwords.WattHours, "facility": inwords.WattHours, "gco2e": inwords.CO2e, "water": inwords.Litres}[of]
	if units == nil {
		units = []inwords.Unit{{Size: 1, Name: r.Currency}}
	}
	low, high := best, best
	for _, m := range list {
		low, high = min(low, m.AtLow, m.AtHigh), max(high, m.AtLow, m.AtHigh)
	}
	u := inwords.UnitFor(best, units)
	const wide = 24
	t := newTable(true, false, true, true, false)
	t.add(cell{"from", p.dim}, cell{}, cell{"to " + u.Name, p.dim}, cell{"share", p.dim}, cell{})
	for _, m := range list {
		a, b := min(m.AtLow, m.AtHigh, best), max(m.AtLow, m.AtHigh, best)
		at := func(v float64) int {
			return int(math.Round((v - low) / max(high-low, math.SmallestNonzeroFloat64) * wide))
		}
		bar := strings.Repeat(" ", at(a)) + strings.Repeat(p.marks.half, at(best)-at(a)) + strings.Repeat(p.marks.full, at(b)-at(best))
		if strings.TrimSpace(bar) == "" {
			bar = strings.Repeat(" ", at(best)) + p.marks.sliver
		}
		t.add(cell{inwords.Digits(a / u.Size), nil}, cell{bar + strings.Repeat(" ", wide-min(wide, len([]rune(bar)))), nil}, cell{inwords.Digits(b / u.Size), nil},
			cell{inwords.Percent(inwords.Rounded(m.Share, 2)), p.bold}, cell{m.Path, nil})
	}
	p.heading("What matters: each input from its lower to its upper bound, all others at their best")
	p.table(t)
	p.words("  ", p.marks.half+" below the best estimate, "+inwords.Amount(best, units), p.marks.full+" above", "share of the variance that it explains alone")
	if rest > 0 {
		p.prose("  ", inwords.Plural(rest, "other")+" matter less.")
	}
}

// optimum tells the best setting of the knobs.
func (p *page) optimum(t *twin) {
	o := t.Optimum
	p.heading("The best setting")
	table := newTable(false, false)
	for _, s := range o.Settings {
		table.add(cell{s.Knob, nil}, cell{s.Value, p.bold})
	}
	p.table(table)
	p.prose("  ", strings.Join(answer("it", o.Answer, t.Result), " "))
	tried := fmt.Sprintf("All %s settings were tried, so that none is better", inwords.Count(int64(o.Tried)))
	if !o.Exhausted {
		tried = fmt.Sprintf("%s settings were tried, downhill from several; there may be a better one", inwords.Count(int64(o.Tried)))
	}
	p.prose("  ", fmt.Sprintf("%s; %s keep to all constraints.", tried, inwords.Count(int64(o.Feasible))))
	for _, k := range o.Constraints {
		text := k.Name + " does not bind."
		if k.Binds {
			units := map[string][]inwords.Unit{"energy": inwords.WattHours, "facility": inwords.WattHours, "gco2e": inwords.CO2e, "water": inwords.Litres}[o.Minimise]
			if units == nil {
				units = []inwords.Unit{{Size: 1, Name: t.Result.Currency}}
			}
			text = k.Name + " binds: without it, " + inwords.Amount(k.Gain, units) + " less."
		}
		p.prose("  ", text)
	}
}
