package report

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/ecotracer/ecotracer/internal/inwords"
	"github.com/ecotracer/ecotracer/lifecycle"
	"github.com/ecotracer/ecotracer/lifecycle/dataset"
)

// quantityOf is a sum as a quantity; nil if it is unknown.
func quantityOf(s *dataset.Sum) *lifecycle.Quantity {
	if s.Value == nil {
		return nil
	}
	q := &lifecycle.Quantity{Value: *s.Value, Low: *s.Value, High: *s.Value}
	if s.Low != nil && s.High != nil {
		q.Low, q.High = *s.Low, *s.High
	}
	return q
}

// sum is a cell of a sum over runs; where some do not tell it, it is at least
// that.
func sum(s *dataset.Sum, units []inwords.Unit) cell {
	if s.Value == nil {
		if s.Unknown > 0 {
			return unknown(inwords.Plural(int(s.Unknown), "run") + tells(s.Unknown) + " it")
		}
		return cell{}
	}
	c := figure(quantityOf(s), units, "", "")
	if s.Unknown > 0 {
		c.Before = "at least "
		c.Small = joined(", ", c.Small, inwords.Plural(int(s.Unknown), "run")+tells(s.Unknown)+" it")
	}
	return c
}

func tells(n int64) string {
	if n == 1 {
		return " does not tell"
	}
	return " do not tell"
}

// totalOf is what all runs came to. Rows do not show a device whose production
// nobody knows: the runs' records do.
func totalOf(s *dataset.Survey) dataset.Group {
	total := s.ByPhase.Total()
	if n := int64(len(s.Points) - dataset.Telling(s.Points, "gco2e")); n > total.GCO2e.Unknown {
		total.GCO2e.Known, total.GCO2e.Unknown = total.GCO2e.Known+total.GCO2e.Unknown-n, n
	}
	return total
}

// summary tells what the data set came to.
func (p *datasetPage) summary(s *dataset.Survey) {
	total := totalOf(s)
	months := s.ByMonth.Groups()
	first, last := "", ""
	for i := range months {
		if g := &months[i]; !g.Other && g.Key[0] != "" {
			if first == "" {
				first = g.Key[0]
			}
			last = g.Key[0]
		}
	}
	p.Facts = append(p.Facts, inwords.Plural(len(s.Points), "run"))
	if first == last && first != "" {
		p.Facts = append(p.Facts, name(first))
	} else if first != "" {
		p.Facts = append(p.Facts, name(first)+" to "+name(last))
	}
	if s.Where.String() != "" {
		p.Facts = append(p.Facts, "those rows with "+name(s.Where.String()))
	}
	used := func(of *dataset.Sum, does string, units []inwords.Unit, what string) {
		if q := quantityOf(of); q != nil {
			least := ""
			if of.Unknown > 0 {
				least = "at least "
			}
			p.Lead = append(p.Lead, fmt.Sprintf("%s %s%s%s.", does, least, withBounds(*q, units), what))
		}
	}
	used(&total.Energy, capital(inwords.Plural(len(s.Points), "run"))+" used", inwords.WattHours, " of electricity")
	if total.Embodied.Value != nil {
		come, share := "They come to", ", with their share of making and discarding the devices"
		if len(s.Points) == 1 {
			come, share = "It comes to", ", with its share of making and discarding the devices"
		}
		used(&total.GCO2e, come, inwords.CO2e, share)
	} else {
		used(&total.Operational, "Their electricity comes to", inwords.CO2e, "; what their devices took to make is unknown, and not in it")
	}
	if groups := s.ByPhase.Groups(); total.Energy.Value != nil && *total.Energy.Value > 0 {
		most := slices.MaxFunc(groups, func(a, b dataset.Group) int { return cmp.Compare(value(&a.Energy), value(&b.Energy)) })
		if !most.Other && most.Key[0] != "" {
			p.Lead = append(p.Lead, fmt.Sprintf("%s of the energy went into %s.", capital(percent(inwords.Rounded(value(&most.Energy) / *total.Energy.Value, 3))), name(inwords.Code(most.Key[0]))))
		}
	}
	for _, f := range []struct {
		name  string
		of    *dataset.Sum
		units []inwords.Unit
		note  string
	}{
		{"Emissions", &total.GCO2e, inwords.CO2e, "electricity and devices"},
		{"Electricity’s emissions", &total.Operational, inwords.CO2e, "by the grids’ averages, location-based"},
		{"Energy", &total.Energy, inwords.WattHours, "of IT, without the PUE"},
		{"Water", &total.Water, inwords.Litres, "consumed on site and for the electricity"},
	} {
		if f.of.Value == nil && f.of.Unknown == 0 || f.of == &total.GCO2e && total.Embodied.Value == nil {
			continue
		}
		c := figure(quantityOf(f.of), f.units, "", "")
		if n := f.of.Unknown; n > 0 && f.of.Value != nil {
			f.note = "at least, for " + inwords.Plural(int(n), "run") + tells(n) + " all of it; " + f.note
		}
		p.Figures = append(p.Figures, keyFigure{f.name, c, f.note})
	}
	if d := total.EnergyPerRun; d != nil && d.Runs > 1 {
		p.Figures = append(p.Figures, keyFigure{"A run", cell{Text: amount(d.P50, inwords.WattHours), Exact: exact(d.P50)}, fmt.Sprintf("median energy; half of the runs are from %s to %s", amount(d.P25, inwords.WattHours), amount(d.P75, inwords.WattHours))})
	}
	if m := total.MeasuredShare; m != nil {
		p.Figures = append(p.Figures, keyFigure{"Measured", cell{Text: percent(*m), Exact: exact(*m)}, "of the energy; the rest is modelled or declared"})
	}
	p.sure(s, &total)
}

func value(s *dataset.Sum) float64 {
	if s.Value == nil {
		return 0
	}
	return *s.Value
}

// sure tells what the figures rest on.
func (p *datasetPage) sure(s *dataset.Survey, total *dataset.Group) {
	say := func(format string, args ...any) { p.Sure = append(p.Sure, fmt.Sprintf(format, args...)) }
	if q := quantityOf(&total.Energy); q != nil && q.Low > 0 {
		say("The energy’s upper bound is %s times the lower one; what runs share, such as a meter’s calibration or a grid’s factor, does not average out.", inwords.Trimmed(inwords.Rounded(q.High/q.Low, 3)))
	}
	if n := total.GCO2e.Unknown; n > 0 {
		say("Of %s not all that their devices took to make is known; what is unknown is in no sum.", inwords.Plural(int(n), "run"))
	}
	if boundaries, _ := dataset.DistributionBy(s.Points, "boundary"); len(boundaries) > 1 {
		say("Runs do not all measure the same: their energy has %d boundaries (below), whose sums are of different things.", len(boundaries))
	}
	var refused int64
	for _, n := range s.Report.Refused {
		refused += n
	}
	if refused > 0 {
		say("%s refused and not in any figure.", capital(inwords.Plural(int(refused), "document")+wasWere(refused)))
	}
	if s.Report.ConflictCount > 0 {
		say("%s among the records settled by a rule.", capital(inwords.Plural(int(s.Report.ConflictCount), "contradiction")+wasWere(s.Report.ConflictCount)))
	}
	if len(p.Sure) == 0 {
		say("Every document that was read counts, or gives way to one that does.")
	}
}

func wasWere(n int64) string {
	if n == 1 {
		return " was"
	}
	return " were"
}

// traitName is what a trait is called.
var traitName = map[string]string{
	"kind": "Kind of technology", "task": "Task", "stage": "Stage", "hardware": "Hardware", "place": "Place", "method": "Source of energy figures", "boundary": "Boundary of the energy", "scope": "Scope", "status": "Status",
}

// traitInWords says the value of a trait.
func traitInWords(trait, value string) string {
	switch {
	case value == "":
		return "unknown"
	case trait == "method":
		return inwords.Method(lifecycle.Method(value))
	case trait == "boundary":
		return inwords.Covered(lifecycle.Boundary(value))
	case trait == "scope":
		return inwords.Scope(lifecycle.Scope(value))
	}
	return name(value)
}

// spread is a table of how many runs have what, and how much they used.
func spread(points []dataset.Point, trait string, most int) table {
	list, err := dataset.DistributionBy(points, trait)
	t := table{Caption: "Runs by " + strings.ToLower(traitName[trait]), Head: head(traitName[trait], "#Runs", "#Energy", "#Median")}
	if err != nil {
		return t
	}
	for _, d := range list {
		t.Rows = append(t.Rows, row{Cells: []cell{
			title(traitInWords(trait, d.Value)), {Text: count(d.Runs), Exact: exact(float64(d.Runs))}, number(d.EnergyJ, inwords.WattHours, ""),
			{Text: amount(d.P50, inwords.WattHours), Small: between(d.P25, d.P75), Exact: exact(d.P50)},
		}})
	}
	t.cutTo(most, "more")
	return t
}

// between are two figures in the unit that suits the greater, unless the other
// is lost in it.
func between(low, high float64) string {
	if high > 1000*low {
		return amount(low, inwords.WattHours) + "–" + amount(high, inwords.WattHours)
	}
	u := inwords.UnitFor(high, inwords.WattHours)
	return tied(inwords.Digits(low/u.Size) + "–" + inwords.Digits(high/u.Size) + " " + u.Name)
}

// cutTo keeps the first rows and says how many more there are.
func (t *table) cutTo(n int, what string) {
	if rest := len(t.Rows) - n; rest > 0 {
		t.Rows = t.Rows[:n]
		t.More = count(int64(rest)) + " " + what + " in the data"
	}
}

// makeup tells what the data set holds, and what it does not.
func (p *datasetPage) makeup(s *dataset.Survey) {
	for _, trait := range []string{"kind", "task", "hardware", "place"} {
		p.Makeup = append(p.Makeup, spread(s.Points, trait, mostValues))
	}
	for _, of := range []struct{ trait, without string }{
		{"task", " the task"}, {"hardware", " what it ran on"}, {"place", " where it ran; the grid then has the range of the whole world"},
		{"parameters", " how many parameters the model has"},
	} {
		list, _ := dataset.DistributionBy(s.Points, of.trait)
		for _, d := range list {
			if d.Value == "" {
				p.Absent = append(p.Absent, inwords.Count(d.Runs)+" of "+inwords.Plural(len(s.Points), "run")+tells(d.Runs)+of.without+".")
			}
		}
	}
	if metrics := dataset.Metrics(s.Points); len(metrics) > 0 {
		p.Absent = append(p.Absent, fmt.Sprintf("The commonest metric, %s, is that of %s of %s.", name(metrics[0].String()), inwords.Count(int64(metrics[0].Runs)), inwords.Plural(len(s.Points), "run")))
	} else {
		p.Absent = append(p.Absent, "No run tells how good its model is.")
	}
}

// lifeCycle tells what each phase came to.
func (p *datasetPage) lifeCycle(s *dataset.Survey) {
	t := table{Caption: "What each phase of the life cycle came to; in small: 95 % intervals", Head: head("Phase", "#Emissions", "#Energy", "#At the site (PUE)", "#Water", "#Runs")}
	order := []lifecycle.Phase{lifecycle.PhaseProduction, lifecycle.PhaseTraining, lifecycle.PhaseInference, lifecycle.PhaseUse, lifecycle.PhaseEndOfLife, lifecycle.PhaseUnassigned}
	groups := s.ByPhase.Groups()
	slices.SortStableFunc(groups, func(a, b dataset.Group) int {
		return cmp.Compare(slices.Index(order, phaseOf(&a)), slices.Index(order, phaseOf(&b)))
	})
	for i := range groups {
		g := &groups[i]
		phase := phaseOf(g)
		of := &g.Operational
		if phase == lifecycle.PhaseProduction || phase == lifecycle.PhaseEndOfLife {
			of = &g.GCO2e
		}
		b := bar{Phase: name(string(phase)), Label: "unknown"}
		if q := quantityOf(of); q != nil {
			b.Value, b.Low, b.High, b.Label = &q.Value, &q.Low, &q.High, withBounds(*q, inwords.CO2e)
			if of.Unknown > 0 {
				b.Label = "at least " + b.Label
			}
		}
		p.Charts.Phases = append(p.Charts.Phases, b)
		first := note(name(string(phase)), phaseMeaning[phase])
		first.Head = true
		t.Rows = append(t.Rows, row{Class: "phase phase-" + string(phase), Cells: []cell{
			first, sum(of, inwords.CO2e), sum(&g.Energy, inwords.WattHours), sum(&g.Facility, inwords.WattHours), sum(&g.Water, inwords.Litres), {Text: count(g.Runs), Exact: exact(float64(g.Runs))},
		}})
	}
	total := totalOf(s)
	t.Foot = []row{{Cells: []cell{
		title("all"), sum(&total.GCO2e, inwords.CO2e), sum(&total.Energy, inwords.WattHours), sum(&total.Facility, inwords.WattHours), sum(&total.Water, inwords.Litres), {Text: count(total.Runs), Exact: exact(float64(total.Runs))},
	}}}
	p.LifeCycle = t
	if !slices.ContainsFunc(groups, func(g dataset.Group) bool { return phaseOf(&g) == lifecycle.PhaseProduction }) {
		p.PhaseNote = "No record tells what its devices took to make; that is unknown, and not zero."
	}
}

// phaseOf is the phase of a group by phase; what is none is unassigned.
func phaseOf(g *dataset.Group) lifecycle.Phase {
	if g.Other || len(g.Key) == 0 || !lifecycle.Phase(g.Key[0]).Valid() {
		return lifecycle.PhaseUnassigned
	}
	return lifecycle.Phase(g.Key[0])
}

// boxes tell how the energy of runs is distributed.
func (p *datasetPage) boxes(s *dataset.Survey) error {
	for _, trait := range []string{"stage", "hardware"} {
		list, err := dataset.DistributionBy(s.Points, trait)
		if err != nil {
			return err
		}
		t := table{Caption: "Energy of a run by " + strings.ToLower(traitName[trait]), Head: head(traitName[trait], "#Runs", "#5 %", "#25 %", "#Median", "#75 %", "#95 %")}
		boxes := []box{}
		for i, d := range list {
			if i == mostBoxes {
				break
			}
			label := traitInWords(trait, d.Value)
			cells := []cell{title(label), {Text: count(d.Runs), Exact: exact(float64(d.Runs))}}
			for _, v := range []float64{d.P5, d.P25, d.P50, d.P75, d.P95} {
				cells = append(cells, number(v, inwords.WattHours, ""))
			}
			t.Rows = append(t.Rows, row{Cells: cells})
			boxes = append(boxes, box{
				label, fmt.Sprintf("%s (%s), %s", amount(d.P50, inwords.WattHours), between(d.P25, d.P75), inwords.Plural(int(d.Runs), "run")),
				d.P5, d.P25, d.P50, d.P75, d.P95,
			})
		}
		if rest := len(list) - mostBoxes; rest > 0 {
			t.More = count(int64(rest)) + " more in the data, of fewer runs"
		}
		p.Boxes = append(p.Boxes, boxPart{len(p.Charts.Boxes), t})
		p.Charts.Boxes = append(p.Charts.Boxes, boxes)
	}
	return nil
}

// months tell how energy went over time.
func (p *datasetPage) months(s *dataset.Survey) {
	t := table{Caption: "By month of the begin; in small: 95 % intervals, and what half of the runs are within", Head: head("Month", "#Runs", "#Energy", "#Electricity’s emissions", "#Median of a run")}
	p.Charts.Months = []monthBar{}
	groups := s.ByMonth.Groups()
	var known []dataset.Group
	for _, g := range groups {
		// Device stages have the month of the run, and no energy.
		if g.Energy.Value != nil && !g.Other && g.Key[0] != "" {
			known = append(known, g)
		} else if g.Energy.Value != nil {
			p.MonthNote = inwords.Plural(int(g.Runs), "run") + tells(g.Runs) + " the time; no month has what was used then."
		}
	}
	if rest := len(known) - mostMonths; rest > 0 {
		p.MonthNote = joined(" ", p.MonthNote, fmt.Sprintf("Shown are the last %d months of %d.", mostMonths, len(known)))
		known = known[rest:]
	}
	for i := range known {
		g := &known[i]
		m := monthBar{Month: name(g.Key[0]), Value: *g.Energy.Value, Low: g.Energy.Low, High: g.Energy.High}
		typical := cell{}
		if d := g.EnergyPerRun; d != nil {
			m.Median, m.P25, m.P75 = &d.P50, d.P25, d.P75
			typical = cell{Text: amount(d.P50, inwords.WattHours), Small: between(d.P25, d.P75), Exact: exact(d.P50)}
		}
		p.Charts.Months = append(p.Charts.Months, m)
		t.Rows = append(t.Rows, row{Cells: []cell{
			title(name(g.Key[0])), {Text: count(g.Runs), Exact: exact(float64(g.Runs))}, sum(&g.Energy, inwords.WattHours), sum(&g.Operational, inwords.CO2e), typical,
		}})
	}
	p.Months = t
}

// quality tells how the figures were obtained, and what became of what was read.
func (p *datasetPage) quality(s *dataset.Survey) {
	for _, trait := range []string{"method", "boundary", "scope", "status"} {
		p.Quality = append(p.Quality, spread(s.Points, trait, mostValues))
	}
	r := &s.Report
	t := table{Caption: "What became of all that was read", Head: head("Documents", "#Number")}
	add := func(what string, n int64) {
		if n > 0 {
			t.Rows = append(t.Rows, row{Cells: []cell{title(what), {Text: count(n), Exact: exact(float64(n))}}})
		}
	}
	add("read", r.Documents)
	add("that count", r.Counted)
	add("shards, of which merged records were made", r.Shards)
	for _, of := range []struct {
		said string
		n    map[dataset.Reason]int64
	}{{"left out: ", r.LeftOut}, {"refused: ", r.Refused}} {
		var reasons []dataset.Reason
		for reason := range of.n {
			reasons = append(reasons, reason)
		}
		slices.Sort(reasons)
		for _, reason := range reasons {
			add(of.said+reason.InWords(), of.n[reason])
		}
	}
	p.Reading = t
	if r.ConflictCount > 0 {
		p.Problems = table{Caption: "Contradictions among the records", Head: head("What", "Why")}
		for _, c := range r.Conflicts {
			p.Problems.Rows = append(p.Problems.Rows, row{Cells: []cell{text(inWords(string(c.Reason))), text(prose(c.Text))}})
		}
		p.Problems.cutTo(10, "more")
	}
}
