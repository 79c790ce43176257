package main

import (
	"cmp"
	"maps"
	"slices"
	"strings"

	"github.com/ecotracer/ecotracer/internal/inwords"
	"github.com/ecotracer/ecotracer/lifecycle"
)

// phases tells what each phase and stage used.
func (p *page) phases() {
	stages := map[lifecycle.Phase][]lifecycle.PhaseEntry{}
	var order []lifecycle.Phase
	for _, e := range p.record.Phases {
		if stages[e.Phase] == nil {
			order = append(order, e.Phase)
		}
		stages[e.Phase] = append(stages[e.Phase], e)
	}
	t := newTable(false, true, true, false, true, false, true)
	t.add(cell{"", nil}, cell{"time", p.dim}, cell{"energy", p.dim}, cell{}, cell{"CO2e", p.dim}, cell{}, cell{"water", p.dim})
	row := func(name string, seconds *float64, energy, gco2e, water *lifecycle.Quantity, paint func(string) string) {
		cells := make([]cell, 7)
		cells[0] = cell{name, paint}
		if seconds != nil {
			cells[1].text = inwords.Duration(*seconds)
		}
		set := func(i int, q *lifecycle.Quantity, units []inwords.Unit) {
			if q != nil {
				value, bounds := interval(*q, units)
				cells[i], cells[i+1] = cell{value, paint}, cell{bounds, p.dim}
			}
		}
		set(2, energy, inwords.Joules)
		set(4, gco2e, inwords.Grams)
		if water != nil {
			cells[6].text, _ = interval(*water, inwords.Litres)
		}
		t.add(cells...)
	}
	for _, phase := range order {
		entries := stages[phase]
		if len(entries) > 1 {
			var seconds *float64
			for _, e := range entries {
				if e.DurationS != nil {
					sum := *e.DurationS
					if seconds != nil {
						sum += *seconds
					}
					seconds = &sum
				}
			}
			sum := p.record.Totals.ByPhase[phase]
			row(string(phase), seconds, sum.EnergyJ, sum.GCO2e, sum.WaterL, p.bold)
		}
		for _, e := range entries {
			name, paint := string(e.Stage), p.bold
			if len(entries) > 1 {
				name, paint = "  "+strings.TrimPrefix(name, string(phase)+"/"), nil
			}
			row(name, e.DurationS, e.EnergyJ, cmp.Or(e.OperationalGCO2e, e.EmbodiedGCO2e), e.WaterL, paint)
		}
	}
	p.fit(t, 0, 5, 3, 6)
	p.heading("Phases")
	p.table(t)
}

// The spans that are shown: at least a thousandth of the run's energy, and no
// more than fit a few screens.
const (
	leastShare = 1e-3
	mostSpans  = 60
)

// spans tells the span tree, the costliest first, with a bar of the total
// energy of each, in which what is its own is full.
func (p *page) spans() {
	spans := p.record.Spans
	if len(spans) == 0 {
		return
	}
	children := map[string][]lifecycle.Span{}
	paths := map[string]int{}
	var most, all float64
	for _, s := range spans {
		children[parentOf(s.Path)] = append(children[parentOf(s.Path)], s)
		paths[s.Path]++
		most = max(most, s.TotalJ)
		all += s.SelfJ
	}
	for _, list := range children {
		slices.SortStableFunc(list, func(a, b lifecycle.Span) int {
			return cmp.Or(cmp.Compare(b.TotalJ, a.TotalJ), cmp.Compare(a.Path, b.Path))
		})
	}

	t := newTable(false, false, true, true, true, true)
	t.add(cell{}, cell{}, cell{"total", p.dim}, cell{"self", p.dim}, cell{"count", p.dim}, cell{"p50", p.dim})
	var bars [][2]float64 // self and total of each row, as shares of the largest
	shown := 0
	var walk func(parent string, depth int)
	walk = func(parent string, depth int) {
		done := map[string]bool{} // a path may have an account for each of several stages
		for _, s := range children[parent] {
			if !p.all && (shown >= mostSpans || s.TotalJ < leastShare*all) {
				continue
			}
			name := strings.Repeat("  ", depth) + inwords.Name(s.Path)
			if paths[s.Path] > 1 {
				name += " (" + string(s.Stage) + ")"
			}
			median := ""
			if s.P50S != nil {
				median = inwords.Duration(*s.P50S)
			}
			shown++
			t.add(cell{cut(name, 32), nil}, cell{}, cell{inwords.Amount(s.TotalJ, inwords.Joules), nil}, cell{inwords.Amount(s.SelfJ, inwords.Joules), nil},
				cell{inwords.Count(s.Count), nil}, cell{median, nil})
			t.note(notesOf(s, depth)...)
			bars = append(bars, [2]float64{s.SelfJ / most, s.TotalJ / most})
			if !done[s.Path] {
				done[s.Path] = true
				walk(s.Path, depth+1)
			}
		}
	}
	walk("", 0)
	p.heading("Spans")
	p.fit(t, leastBar+2, 5, 4)
	size := min(max(p.tableWidth()-t.width()-2, leastBar), mostBar)
	for i, b := range bars {
		t.set(i+1, 1, p.marks.bar(b[0], b[1], size))
	}
	p.table(t)
	if hidden := len(spans) - shown; hidden > 0 {
		p.flow("  ", " ", pieces(inwords.Plural(hidden, "path")+" more, of little energy; --all shows them"), p.dim)
	}
}

// notesOf tells what one functional unit of a span cost, its failures and its
// flags.
func notesOf(s lifecycle.Span, depth int) []string {
	indent := strings.Repeat("  ", depth+2)
	var notes []string
	for _, name := range slices.Sorted(maps.Keys(s.Units)) {
		u := s.Units[name]
		text := indent + inwords.Count(u.Count) + " " + name
		if u.JPerUnit != nil {
			text += ": " + inwords.Amount(*u.JPerUnit, inwords.Joules)
		}
		if u.GCO2ePerUnit != nil {
			text += ", " + inwords.Amount(*u.GCO2ePerUnit, inwords.CO2e)
		}
		if u.JPerUnit != nil {
			text += " each"
		}
		notes = append(notes, text)
	}
	var rest []string
	if s.Failed > 0 {
		rest = append(rest, inwords.Count(s.Failed)+" failed")
	}
	if s.Open != nil && *s.Open > 0 {
		rest = append(rest, inwords.Count(*s.Open)+" still open")
	}
	for _, flag := range s.Flags {
		rest = append(rest, inwords.Code(flag))
	}
	if len(rest) > 0 {
		notes = append(notes, indent+strings.Join(rest, ", "))
	}
	return notes
}

// parentOf is the path of a path's parent, "" for a root.
func parentOf(path string) string {
	return path[:max(strings.LastIndexByte(path, '/'), 0)]
}
