package main

import (
	"cmp"
	"math"
	"slices"
	"strings"

	"github.com/ecotracer/ecotracer/internal/inwords"
	"github.com/ecotracer/ecotracer/internal/timeline"
)

// mostLines is how many domains have a line of their own over time.
const mostLines = 6

// load is the energy of a domain over time.
type load struct {
	name   string
	ts     []float64 // s
	totalJ []float64 // since the begin, at each
}

// power draws the power of the domains over time, if the run kept it: of all
// together and of each, as long as there are not too many.
func (p *page) power() {
	line, err := timeline.Of(p.record)
	if err != nil {
		return
	}
	var loads []load
	end := p.record.Run.DurationS
	for i := range line.Groups {
		g := &line.Groups[i]
		for _, d := range g.Domains {
			if len(g.TS) > 1 {
				loads = append(loads, load{d.Domain, g.TS, d.TotalJ})
				end = max(end, g.TS[len(g.TS)-1])
			}
		}
	}
	if len(loads) == 0 || !(end > 0) || math.IsInf(end, 0) {
		return
	}
	slices.SortStableFunc(loads, func(a, b load) int {
		return cmp.Or(cmp.Compare(b.totalJ[len(b.totalJ)-1], a.totalJ[len(a.totalJ)-1]), cmp.Compare(a.name, b.name))
	})

	t := newTable(false, false, true, true)
	t.add(cell{}, cell{}, cell{"mean", p.dim}, cell{"most", p.dim})
	n := min(p.tableWidth()-48, 2*mostBar) // beside a name and two figures
	sum := make([]float64, n)
	drawn := make([][]float64, 0, mostLines)
	for i, l := range loads {
		watts := l.watts(end, n)
		for k := range watts {
			sum[k] += watts[k]
		}
		if i < mostLines {
			drawn = append(drawn, watts)
		}
	}
	row := func(name string, watts []float64) {
		mean, most := 0.0, slices.Max(watts)
		for _, w := range watts {
			mean += w / float64(n)
		}
		t.add(cell{cut(name, 20), nil}, cell{p.marks.line(watts, most), nil}, cell{powerOf(mean), p.bold}, cell{powerOf(most), nil})
	}
	if len(loads) > 1 {
		row("all", sum)
	}
	for i, watts := range drawn {
		row(loads[i].name, watts)
	}
	p.heading("Power over time")
	p.table(t)
	notes := []string{"0 s to " + inwords.Duration(end), inwords.Duration(end/float64(n)) + " a character", "each line to its own most", "all that the meters saw"}
	if more := len(loads) - len(drawn); more > 0 {
		notes = append(notes, inwords.Plural(more, "domain")+" more, of less energy, in all")
	}
	p.words("  ", notes...)
}

func powerOf(w float64) string { return inwords.Amount(w, inwords.Watts) }

// watts are the mean power in each of n equal parts of the time from 0 to end.
func (l *load) watts(end float64, n int) []float64 {
	watts := make([]float64, n)
	part := end / float64(n)
	before := timeline.At(l.ts, l.totalJ, 0)
	for k := range watts {
		now := timeline.At(l.ts, l.totalJ, part*float64(k+1))
		watts[k] = max(0, now-before) / part
		before = now
	}
	return watts
}

// line is a line over time: each value by how much of the most it is.
func (m *marks) line(values []float64, most float64) string {
	var b strings.Builder
	for _, v := range values {
		level := 0
		if v > 0 && most > 0 { // little is not nothing
			level = max(1, int(math.Round(v/most*float64(len(m.levels)-1))))
		}
		b.WriteString(m.levels[level])
	}
	return b.String()
}
