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
	p.allYears(r)
	p.years(r, "By year, devices by the time that they are used", &r.Amortised, true)
	p.years(r, "By year, devices when they are bought and discarded", &r.Occurring, false)
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
		text += fmt.Sprintf(", %s of it in %s", inwords.Percent(most.Total.GCO2e.Value/all.GCO2e.Value), most.Phase)
	}
	texts = append(texts, text+", and uses "+figure(all.FacilityEnergyJ, inwords.WattHours)+" of electricity.")
	if r.PerUnit != nil {
		texts = append(texts, fmt.Sprintf("One %s comes to %s.", r.Unit, figure(r.PerUnit.GCO2e, inwords.CO2e)))
	}
	for _, p := range r.Passings {
		texts = append(texts, happening(fmt.Sprintf("What %s emits passes what %s does", p.Phase, p.Of),
			fmt.Sprintf("What %s emits does not pass what %s does", p.Phase, p.Of), p.BreakEven, r))
	}
	return texts
}

// happening tells when something is to be expected: what is said if it is, and if
// it is not.
func happening(yes, no string, b scenario.BreakEven, r *scenario.Result) string {
	years := inwords.Plural(r.Years, "year")
	sure := fmt.Sprintf("probability within the %s: %s", years, inwords.Probability(b.Probability))
	switch {
	case b.Probability == 0:
		return fmt.Sprintf("%s within the %s, in any of the draws.", no, years)
	case b.Years == nil:
		return fmt.Sprintf("%s within the %s by the best estimates (%s).", no, years, sure)
	}
	text, bounds := yes+" after "+span(*b.Years), ""
	if *b.Years == 0 {
		text = yes + " from the start"
	}
	switch {
	case b.High == nil:
		bounds = span(*b.Low) + " to beyond these years; "
	case span(*b.Low) != span(*b.High):
		bounds = span(*b.Low) + " to " + span(*b.High) + "; "
	}
	return text + " (" + bounds + sure + ")."
}

// span is a time in days, months or years.
func span(years float64) string {
	switch months := math.Round(years * 12); {
	case months < 2:
		return inwords.Plural(int(math.Round(years*365.25)), "day")
	case months < 24:
		return inwords.Plural(int(months), "month")
	}
	return inwords.Significant(years, 2) + " years"
}

// toldFigure is a figure of a table.
type toldFigure struct {
	name  string
	units []inwords.Unit
	of    func(*scenario.Figures) *lifecycle.Interval
}

func toldFigures(currency string) []toldFigure {
	return []toldFigure{
		{"CO2e", inwords.CO2e, func(f *scenario.Figures) *lifecycle.Interval { return &f.GCO2e }},
		{"energy", inwords.WattHours, func(f *scenario.Figures) *lifecycle.Interval { return &f.EnergyJ }},
		{"facility", inwords.WattHours, func(f *scenario.Figures) *lifecycle.Interval { return &f.FacilityEnergyJ }},
		{"water", inwords.Litres, func(f *scenario.Figures) *lifecycle.Interval { return &f.WaterL }},
		{"cost", moneyIn(currency), func(f *scenario.Figures) *lifecycle.Interval { return f.Cost }},
	}
}

// moneyIn are the units of costs.
func moneyIn(currency string) []inwords.Unit {
	return []inwords.Unit{{Size: 1e9, Name: "billion " + currency}, {Size: 1e6, Name: "million " + currency}, {Size: 1, Name: currency}}
}

// unitsOf are the units of a figure by its name.
func unitsOf(figure, currency string) []inwords.Unit {
	for _, f := range toldFigures(currency) {
		if f.name == figure {
			return f.units
		}
	}
	return inwords.CO2e
}

// allYears is the table of all years together, in both ways of accounting.
func (p *page) allYears(r *scenario.Result) {
	t := newTable(false, true, false, true, false)
	t.add(cell{}, cell{"by use", p.dim}, cell{}, cell{"as it occurs", p.dim}, cell{})
	row := func(name string, units []inwords.Unit, values ...*lifecycle.Interval) {
		cells := []cell{{name, nil}}
		for _, q := range values {
			value, bounds := "", ""
			if q != nil {
				value, bounds = inwords.Interval(lifecycle.Quantity{Value: q.Value, Low: q.Low, High: q.High}, units)
			}
			cells = append(cells, cell{value, p.bold}, cell{strings.TrimSpace(inwords.Bracketed(bounds)), p.dim})
		}
		t.add(cells...)
	}
	for i := range r.Amortised.Phases {
		a := &r.Amortised.Phases[i]
		var b *lifecycle.Interval
		for k := range r.Occurring.Phases {
			if r.Occurring.Phases[k].Phase == a.Phase {
				b = &r.Occurring.Phases[k].Total.GCO2e
			}
		}
		row(string(a.Phase), inwords.CO2e, &a.Total.GCO2e, b)
	}
	for k, f := range toldFigures(r.Currency) {
		if f.of(&r.Amortised.Total) == nil {
			continue
		}
		name, second := f.name, f.of(&r.Occurring.Total)
		switch {
		case k == 0:
			name = "all"
		case f.name != "cost":
			second = nil // it is the same
		}
		row(name, f.units, f.of(&r.Amortised.Total), second)
	}
	p.heading("Over all years; devices by the time of their use, and as it occurs")
	p.table(t)
	p.line("%s", p.dim("  in parentheses: 95 % interval"))
}

// years is the table of a view by year and phase: of all years if there is room
// for them, else of every second, third, …
func (p *page) years(r *scenario.Result, title string, v *scenario.View, more bool) {
	each := 1
	t := yearTable(p, r, v, more, each)
	for t.width() > p.tableWidth() && each < r.Years {
		each++
		t = yearTable(p, r, v, more, each)
	}
	p.heading(title)
	p.table(t)
	if each > 1 {
		p.line("%s", p.dim(fmt.Sprintf("  one year in %d is shown; all has all of them", each)))
	}
}

func yearTable(p *page, r *scenario.Result, v *scenario.View, more bool, each int) *table {
	var shown []int
	right := []bool{false}
	for y := 0; y < r.Years; y += each {
		shown, right = append(shown, y), append(right, true)
	}
	t := newTable(append(right, true)...)
	row := func(name string, of func(*scenario.Figures) *lifecycle.Interval, size float64, byYear []scenario.Figures, all *scenario.Figures, paint func(string) string) {
		cells := []cell{{name, paint}}
		for _, y := range shown {
			cells = append(cells, cell{orDot(of(&byYear[y]).Value / size), paint})
		}
		text := ""
		if all != nil {
			text = inwords.Digits(of(all).Value / size)
		}
		t.add(append(cells, cell{text, p.bold})...)
	}
	list := toldFigures(r.Currency)
	u := inwords.UnitFor(v.Total.GCO2e.Value, inwords.CO2e)
	head := []cell{{u.Name, p.dim}}
	for _, y := range shown {
		head = append(head, cell{fmt.Sprint(r.Start + y), p.dim})
	}
	t.add(append(head, cell{"all", p.dim})...)
	for i := range v.Phases {
		row(string(v.Phases[i].Phase), list[0].of, u.Size, v.Phases[i].ByYear, &v.Phases[i].Total, nil)
	}
	row("all", list[0].of, u.Size, v.ByYear, &v.Total, p.bold)
	row("up to then", list[0].of, u.Size, v.Cumulative, nil, p.dim)
	for _, f := range list[1:] {
		if q := f.of(&v.Total); q != nil && (more || f.name == "cost") {
			u := inwords.UnitFor(q.Value, f.units)
			row(f.name+", "+u.Name, f.of, u.Size, v.ByYear, &v.Total, nil)
		}
	}
	return t
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
		texts = append(texts, happening("As it occurs it pays back", "As it occurs it does not pay back", b, r))
	}
	return texts
}

// question tells all of one.
func (p *page) question(name string, q scenario.Question, t *twin) {
	a := t.Answers[name]
	p.flow("", " ", pieces(inwords.Visible(cmp.Or(q.Asks, name))), p.bold)
	for _, path := range slices.Sorted(maps.Keys(q.Set)) {
		p.prose("  ", path+": "+cmp.Or(q.Set[path], "none"))
	}
	p.line("")
	p.prose("", strings.Join(answer(name, a, t.Result), " "))
	p.differencesOf(a, name, t.Result.Currency)
	p.drivers(a.Lead())
}

// differencesOf is the table of all figures of an answer.
func (p *page) differencesOf(a *scenario.Answer, name, currency string) {
	t := newTable(false, true, true, true, false, false)
	below := "  in parentheses: 95 % interval; in %: probability"
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
		if d.Figure == "cost" && d.A != nil && d.B != nil {
			u := inwords.UnitFor(max(d.A.Value, d.B.Value), moneyIn(currency))
			figure.Units, below = []inwords.Unit{{Size: u.Size}}, below+"; cost in "+u.Name
		}
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
	p.line("%s", p.dim(below))
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
	units := unitsOf(of, r.Currency)
	low, high := best, best
	for _, m := range list {
		low, high = min(low, m.AtLow, m.AtHigh), max(high, m.AtLow, m.AtHigh)
	}
	u := inwords.UnitFor(best, units)
	t := p.influences(list, best, low, high, u, 24)
	if over := t.width() - p.tableWidth(); over > 0 { // rather a short bar than half a path, which --set takes whole
		t = p.influences(list, best, low, high, u, max(8, 24-over))
	}
	p.heading("What matters: each input from its lower to its upper bound, the others at best")
	p.table(t)
	p.words("  ", p.marks.half+" below the best estimate, "+inwords.Amount(best, units), p.marks.full+" above", "share of the variance that it explains alone")
	if rest > 0 {
		p.prose("  ", inwords.Plural(rest, "other")+" matter less.")
	}
}

// influences is the table of inputs, with bars so wide.
func (p *page) influences(list []scenario.Influence, best, low, high float64, u inwords.Unit, wide int) *table {
	t := newTable(true, false, true, true, false)
	t.add(cell{"from", p.dim}, cell{}, cell{"to " + u.Name, p.dim}, cell{"share", p.dim}, cell{})
	for _, m := range list {
		a, b := min(m.AtLow, m.AtHigh, best), max(m.AtLow, m.AtHigh, best)
		at := func(v float64) int {
			return int(math.Round((v - low) / max(high-low, math.SmallestNonzeroFloat64) * float64(wide)))
		}
		bar := strings.Repeat(" ", at(a)) + strings.Repeat(p.marks.half, at(best)-at(a)) + strings.Repeat(p.marks.full, at(b)-at(best))
		if strings.TrimSpace(bar) == "" {
			bar = strings.Repeat(" ", at(best)) + p.marks.sliver
		}
		share := "<1 %" // which chance makes, too
		if m.Share >= 0.01 {
			share = inwords.Percent(inwords.Rounded(m.Share, 2))
		}
		t.add(cell{inwords.Digits(a / u.Size), nil}, cell{bar + strings.Repeat(" ", wide-min(wide, len([]rune(bar)))), nil}, cell{inwords.Digits(b / u.Size), nil},
			cell{share, p.bold}, cell{m.Path, nil})
	}
	return t
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
	if len(o.TodayBreaks) > 0 {
		p.prose("  ", "Today's setting does not keep to "+strings.Join(o.TodayBreaks, ", ")+".")
	}
	for _, k := range o.Constraints {
		text := k.Name + " does not bind."
		if k.Binds {
			text = k.Name + " binds: without it, " + inwords.Amount(k.Gain, unitsOf(o.Minimise, t.Result.Currency)) + " less."
		}
		p.prose("  ", text)
	}
}
