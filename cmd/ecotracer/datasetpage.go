package main

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"strings"

	"github.com/ecotracer/ecotracer/internal/inwords"
	"github.com/ecotracer/ecotracer/lifecycle"
	"github.com/ecotracer/ecotracer/lifecycle/dataset"
)

// mostGroups is how many groups a table has without --all.
const mostGroups = 30

// summary tells what groups came to.
func (p *page) summary(t telling, s summarised) {
	total := &s.Total
	title := "Runs" + byInWords(s.By) // how many they are together may be unknown
	if !total.Overlapping {
		title = inwords.Plural(int(total.Runs), "run") + byInWords(s.By)
		p.line("%s", p.bold(title))
		p.words("", statusesInWords(total.Statuses)...)
	} else {
		p.line("%s", p.bold(title))
	}
	if s.MinRuns > 1 {
		p.line("no sum is of fewer than %s", inwords.Plural(int(s.MinRuns), "run"))
	}
	order := slices.Clone(s.Groups)
	slices.SortStableFunc(order, func(a, b dataset.Group) int { return cmp.Compare(weight(&b), weight(&a)) })
	shown := order
	if !t.all && len(shown) > mostGroups+1 {
		shown = shown[:mostGroups]
	}
	p.summaryTable(s, shown)
	if n := len(order) - len(shown); n > 0 {
		p.line("%s", p.dim(fmt.Sprintf("  and %s more; --all shows them", inwords.Plural(n, "group"))))
	}
	p.summaryRuns(s, shown)
	p.summaryUnits(t.unit, s, shown)
	p.summaryGaps(s)
	p.notCounted(s.Report)
}

// weight is what groups are sorted by.
func weight(g *dataset.Group) float64 {
	for _, of := range []dataset.Sum{g.GCO2e, g.Energy} {
		if of.Value != nil {
			return *of.Value
		}
	}
	return -1
}

func byInWords(by []dataset.Dimension) string {
	if len(by) == 0 {
		return ""
	}
	names := make([]string, len(by))
	for i, name := range by {
		names[i] = inwords.Code(string(name))
	}
	return " by " + strings.Join(names, ", ")
}

func statusesInWords(of map[string]int64) (texts []string) {
	for _, status := range []lifecycle.Status{lifecycle.Complete, lifecycle.Failed, lifecycle.Interrupted, lifecycle.Running, lifecycle.Estimated} {
		if n := of[string(status)]; n > 0 {
			texts = append(texts, inwords.Count(n)+" "+string(status))
		}
	}
	return texts
}

// keyInWords is the name of a group.
func keyInWords(g *dataset.Group) string {
	if g.Other {
		return "(other)"
	}
	texts := make([]string, len(g.Key))
	for i, text := range g.Key {
		texts[i] = cmp.Or(text, "(unknown)")
	}
	return cmp.Or(strings.Join(texts, " · "), "all")
}

// summaryTable is the table of what the groups came to.
func (p *page) summaryTable(s summarised, shown []dataset.Group) {
	t := newTable(false, true, true, true, false, true, false, true)
	p.summaryHead(t, "", "runs", "time", "energy", "", "CO2e", "", "water")
	add := func(name string, g *dataset.Group, paint func(string) string) {
		runs, time := inwords.Count(g.Runs), ""
		if g.StageS > 0 {
			time = inwords.Duration(g.StageS)
		}
		if g == &s.Total && g.Overlapping {
			runs, time = "", ""
		}
		cells := []cell{{name, paint}, {runs, nil}, {time, nil}}
		for _, of := range []struct {
			dataset.Sum
			units []inwords.Unit
		}{{g.Energy, inwords.WattHours}, {g.GCO2e, inwords.Grams}} {
			value, bounds := sumInWords(of.Sum, of.units)
			cells = append(cells, cell{value, nil}, cell{bounds, p.dim})
		}
		value, _ := sumInWords(g.Water, inwords.Litres)
		t.add(append(cells, cell{value, nil})...)
	}
	for i := range shown {
		add(keyInWords(&shown[i]), &shown[i], nil)
	}
	if len(s.Groups) > 1 || len(s.By) == 0 {
		add("total", &s.Total, p.bold)
	}
	p.line("")
	p.fitFigures(t, 7, 4, 2)
	p.table(t)
	p.line("%s", p.dim("  in parentheses: 95 % interval"))
}

func (p *page) summaryHead(t *table, texts ...string) {
	cells := make([]cell, len(texts))
	for i, text := range texts {
		cells[i] = cell{text, p.dim}
	}
	t.add(cells...)
}

// sumInWords is a sum and its bounds; what is known of some runs only has a
// mark.
func sumInWords(s dataset.Sum, units []inwords.Unit) (value, bounds string) {
	if s.Value == nil {
		return "", ""
	}
	if s.Low == nil || s.High == nil {
		return inwords.Amount(*s.Value, units), ""
	}
	value, bounds = inwords.Interval(lifecycle.Quantity{Value: *s.Value, Low: *s.Low, High: *s.High}, units)
	return value, strings.TrimSpace(inwords.Bracketed(bounds))
}

// summaryRuns is the table of how runs differ.
func (p *page) summaryRuns(s summarised, shown []dataset.Group) {
	t := newTable(false, true, true, true, true, true)
	p.summaryHead(t, "", "5 %", "25 %", "half", "75 %", "95 %")
	n := 0
	add := func(name string, of *dataset.Distribution, paint func(string) string) {
		if of == nil || of.Runs < 2 {
			return
		}
		n++
		cells := []cell{{name, paint}}
		for _, x := range []float64{of.P5, of.P25, of.P50, of.P75, of.P95} {
			cells = append(cells, cell{inwords.Amount(x, inwords.WattHours), nil})
		}
		t.add(cells...)
	}
	for i := range shown {
		add(keyInWords(&shown[i]), shown[i].EnergyPerRun, nil)
	}
	if len(s.Groups) > 1 {
		add("total", s.Total.EnergyPerRun, p.bold)
	}
	if n > 0 {
		p.heading("One run: so many of them used no more than")
		p.squeeze(t)
		p.table(t)
	}
}

// summaryUnits is the table of what one functional unit took: of the unit asked
// for, or of the one that most runs count.
func (p *page) summaryUnits(unit string, s summarised, shown []dataset.Group) {
	if unit == "" {
		names := make([]string, 0, len(s.Total.PerUnit))
		for name := range s.Total.PerUnit {
			names = append(names, name)
		}
		slices.SortFunc(names, func(a, b string) int {
			x, y := s.Total.PerUnit[a], s.Total.PerUnit[b]
			return cmp.Or(cmp.Compare(y.Runs, x.Runs), cmp.Compare(y.Stages, x.Stages), cmp.Compare(a, b))
		})
		if len(names) == 0 {
			return
		}
		unit = names[0]
	}
	t := newTable(false, true, true, false, true, false)
	p.summaryHead(t, "", unit, "energy", "", "CO2e", "")
	n, lacking, again := 0, int64(0), false
	add := func(name string, g *dataset.Group, paint func(string) string) {
		of, ok := g.PerUnit[unit]
		if !ok {
			return
		}
		n++
		lacking += of.EnergyLacking
		again = again || of.Stages > of.Runs
		cells := []cell{{name, paint}, {inwords.Count(int64(min(of.Count, 1<<62))), nil}}
		for _, figure := range []struct {
			*lifecycle.Interval
			units []inwords.Unit
		}{{of.Energy, inwords.Joules}, {of.Operational, inwords.Grams}} {
			value, bounds := "", ""
			if x := figure.Interval; x != nil {
				value, bounds = inwords.Interval(lifecycle.Quantity{Value: x.Value, Low: x.Low, High: x.High}, figure.units)
			}
			cells = append(cells, cell{value, nil}, cell{strings.TrimSpace(inwords.Bracketed(bounds)), p.dim})
		}
		t.add(cells...)
	}
	for i := range shown {
		add(keyInWords(&shown[i]), &shown[i], nil)
	}
	if len(s.Groups) > 1 {
		add("total", &s.Total, p.bold)
	}
	if n == 0 {
		p.line("")
		p.prose("", "no run counts "+unit+"; they count "+cmp.Or(strings.Join(countedIn(s.Total), ", "), "nothing"))
		return
	}
	p.heading("One " + inwords.One(unit) + ", by the electricity of the stages that count it")
	p.fitFigures(t, 1)
	p.table(t)
	if again {
		text := "several stages of a run count " + unit + ", and each adds its own"
		if !slices.Contains(s.By, "stage") {
			text += "; --by stage tells them apart"
		}
		p.prose("  ", text)
	}
	if lacking > 0 {
		p.prose("  ", "too low: "+inwords.Plural(int(lacking), "row")+" of these stages do not tell their energy")
	}
}

func countedIn(g dataset.Group) (names []string) {
	for name := range g.PerUnit {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}

// summaryGaps tells which runs a figure does not cover.
func (p *page) summaryGaps(s summarised) {
	g := &s.Total
	var texts []string
	for _, of := range []struct {
		name string
		dataset.Sum
	}{
		{"energy", g.Energy}, {"emissions of electricity", g.Operational}, {"emissions of devices", g.Embodied}, {"water", g.Water},
	} {
		switch {
		case of.Unknown == 0:
		case of.Value == nil:
			texts = append(texts, of.name+": no run tells it")
		case g.Overlapping:
			texts = append(texts, fmt.Sprintf("%s: some runs do not tell it, or not all of it: %s, each counted once for every group it is in", of.name, inwords.Count(of.Unknown)))
		default:
			texts = append(texts, fmt.Sprintf("%s: %s of %s runs do not tell it, or not all of it", of.name, inwords.Count(of.Unknown), inwords.Count(g.Runs)))
		}
	}
	for _, group := range s.Groups {
		if group.Other {
			texts = append(texts, "there are too many groups to keep all apart: the rest is in (other), where a run counts once for each group it was in")
		}
	}
	if g.Overlapping {
		texts = append(texts, "how many runs they are in all: a run may be in several groups, and nothing tells which have it in common")
	}
	if s.Withheld != nil && *s.Withheld > 0 {
		texts = append(texts, inwords.Plural(*s.Withheld, "group")+" withheld for too few runs: they are in no figure here, and nothing of them is in the file")
	}
	if len(texts) > 0 {
		p.heading("What is not in these figures")
		for _, text := range texts {
			p.prose("  ", text)
		}
	}
}

// notCounted tells what of the data set does not count.
func (p *page) notCounted(r *dataset.Report) {
	if r == nil {
		return
	}
	var texts []string
	if r.Merged > 0 {
		texts = append(texts, mergedInWords(r))
	}
	texts = append(texts, reasonsInWords("left out", r.LeftOut)...)
	texts = append(texts, reasonsInWords("refused", r.Refused)...)
	if r.ConflictCount > 0 {
		texts = append(texts, inwords.Plural(int(r.ConflictCount), "conflict")+"; `ecotracer dataset validate` lists them")
	}
	if len(texts) > 0 {
		p.heading(fmt.Sprintf("Of %s", inwords.Plural(int(r.Documents), "document")))
		for _, text := range texts {
			p.prose("  ", text)
		}
	}
}

// released tells what was released with noise.
func (p *page) released(t telling, r releasedTold) {
	p.line("%s", p.bold("Runs"+byInWords(r.By)+", with noise"))
	p.prose("", fmt.Sprintf("%s; ε %g, δ %g: whether any one run is in it cannot be told from it but to that degree",
		inwords.Plural(int(r.Sites), "site"), r.Privacy.Epsilon, r.Privacy.Delta))
	order := slices.Clone(r.Groups)
	slices.SortStableFunc(order, func(a, b dataset.PrivateGroup) int { return cmp.Compare(b.GCO2e.Value, a.GCO2e.Value) })
	table := newTable(false, true, false, true, false, false, true, false, false)
	p.summaryHead(table, "", "runs", "", "energy", "noise", "factors", "CO2e", "noise", "factors")
	add := func(g *dataset.PrivateGroup, name string, paint func(string) string) {
		cells := []cell{{name, paint}, {wholeNoisy(g.Runs), nil}, {"± " + inwords.Count(int64(math.Round(g.Runs.Noise))), p.dim}}
		for _, of := range []struct {
			dataset.PrivateSum
			units []inwords.Unit
		}{{g.Energy, inwords.WattHours}, {g.GCO2e, inwords.Grams}} {
			u := inwords.UnitFor(max(math.Abs(of.Value), of.Noise), of.units)
			in := func(x float64) string { return inwords.Digits(x / u.Size) }
			bounds := "" // lost in the noise
			if of.High.Value-of.Low.Value > of.Low.Noise+of.High.Noise {
				bounds = "(" + in(of.Low.Value) + "–" + in(of.High.Value) + ")"
			}
			cells = append(cells, cell{in(of.Value) + " " + u.Name, nil}, cell{"± " + in(of.Noise), p.dim}, cell{bounds, p.dim})
		}
		table.add(cells...)
	}
	for i := range order {
		if i < mostGroups || t.all {
			g := dataset.Group{Key: order[i].Key}
			add(&order[i], keyInWords(&g), nil)
		}
	}
	if len(order) > 1 {
		add(&r.Total, "total", p.bold)
		last := len(table.rows) - 1 // a run counts in it once for each group
		table.rows[last].cells[1].text, table.rows[last].cells[2].text = "", ""
	}
	p.line("")
	if len(order) > 0 {
		p.fitFigures(table, 5, 2)
		p.table(table)
	} else {
		p.prose("", "No group is of so many runs that it can be told.")
	}
	if n := len(order) - mostGroups; n > 0 && !t.all {
		p.line("%s", p.dim(fmt.Sprintf("  and %s more; --all shows them", inwords.Plural(n, "group"))))
	}
	p.heading("Keep in mind")
	if r.Total.Energy.Noise > math.Abs(r.Total.Energy.Value) && len(order) > 0 {
		p.prose("  ", "the noise is larger than the figures: it takes more runs, a larger ε, or lower --run-bounds, which must not be chosen by these figures")
	}
	for _, text := range []string{
		"noise: 95 % of it is within ±; in parentheses: 95 % interval of meters and factors, as if all runs shared theirs, with noise of its own, and left out where that is larger",
		fmt.Sprintf("a run adds no more to a group than %s, %s and %s, to %s at most: of larger ones the rest is missing",
			inwords.Amount(r.Privacy.Bounds["energy_j"], inwords.WattHours), inwords.Amount(r.Privacy.Bounds["gco2e"], inwords.CO2e), inwords.Amount(r.Privacy.Bounds["water_l"], inwords.Litres),
			inwords.Plural(r.Privacy.Groups, "group")),
		fmt.Sprintf("a group whose noisy count of runs is below %d is not told", r.Privacy.Threshold),
	} {
		p.prose("  ", text)
	}
}
