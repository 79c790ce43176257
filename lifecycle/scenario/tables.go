package scenario

import (
	"math"
	"slices"

	"github.com/ecotracer/ecotracer/lifecycle"
)

// The rows of a table behind those of the phases.
const (
	total      = nPhases
	cumulative = nPhases + 1
	nRows      = nPhases + 2
)

// tables are the cells of a result: for each view and figure a row for each
// phase, all, and all up to then, and a column for each year and all years. The
// first outcome is that of the best estimates.
type tables struct {
	m     *model
	told  map[int]lifecycle.Interval
	best  []float64
	drawn [][]float32 // by cell; nil while all are 0
	draws int
	great bool // a figure is too great for a number
	n     int  // so far, -1 before the best
	row   []float64
}

func newTables(m *model, draws int) *tables {
	n := 2*nFigures*nRows*(m.years+1) + nFigures + 2 // then one unit, units, what is left
	return &tables{m: m, draws: draws, told: map[int]lifecycle.Interval{}, drawn: make([][]float32, n), row: make([]float64, n), n: -1}
}

// cell is the place of a cell. What is of no device is the same in both views.
func (t *tables) cell(view, figure, row, column int) int {
	if figure != gco2e && figure != cost || row == training || row == inference || row == use {
		view = 0
	}
	return ((view*nFigures+figure)*nRows+row)*(t.m.years+1) + column
}

// add adds what a draw came to.
func (t *tables) add(o *outcome) {
	clear(t.row)
	occurring := o.occurring()
	var units float64
	for view := range 2 {
		for y := range occurring {
			for p := range nPhases {
				f := &occurring[y][p]
				if view == 0 && (p == production || p == endOfLife) {
					f = &o.used[y][p]
				}
				for k, v := range f {
					if view > 0 && t.cell(view, k, p, y) == t.cell(0, k, p, y) {
						if k == gco2e || k == cost {
							t.row[t.cell(view, k, total, y)] += v
							t.row[t.cell(view, k, total, t.m.years)] += v
						}
						continue
					}
					t.row[t.cell(view, k, p, y)] = v
					t.row[t.cell(view, k, p, t.m.years)] += v
					t.row[t.cell(view, k, total, y)] += v
					t.row[t.cell(view, k, total, t.m.years)] += v
				}
			}
			for k := range nFigures {
				if view > 0 && k != gco2e && k != cost {
					continue
				}
				t.row[t.cell(view, k, cumulative, y)] = t.row[t.cell(view, k, total, t.m.years)]
			}
		}
	}
	for _, n := range o.units {
		units += n
	}
	rest := t.row[len(t.row)-nFigures-2:]
	if units > 0 {
		for k := range nFigures {
			rest[k] = t.row[t.cell(0, k, total, t.m.years)] / units
		}
	}
	rest[nFigures], rest[nFigures+1] = units, o.left[gco2e]
	if t.n++; t.n == 0 {
		t.best = slices.Clone(t.row)
		return
	}
	for i, v := range t.row {
		if v != 0 {
			if t.drawn[i] == nil {
				t.drawn[i] = make([]float32, t.draws)
			}
			t.drawn[i][t.n-1] = float32(v)
		}
	}
}

// interval is what a cell came to.
func (t *tables) interval(i int) lifecycle.Interval {
	q, ok := t.told[i]
	if !ok {
		q = t.computed(i)
		t.told[i] = q
	}
	return q
}

func (t *tables) computed(i int) lifecycle.Interval {
	best, drawn := t.best[i], t.drawn[i]
	t.great = t.great || math.IsNaN(best) || math.IsInf(best, 0)
	if drawn == nil {
		return lifecycle.Interval{Value: best, Low: best, High: best}
	}
	at := func(p float64) float64 {
		at := p*float64(t.draws) - 0.5
		k := int(math.Floor(at))
		sortAround(drawn, k)
		sortAround(drawn[k+1:], 0)
		return float64(drawn[k]) + (at-float64(k))*(float64(drawn[k+1])-float64(drawn[k]))
	}
	low, high := at(0.025), at(0.975)
	t.great = t.great || math.IsNaN(low+high) || math.IsInf(low, 0) || math.IsInf(high, 0)
	if math.Abs(high-low) <= 1e-6*math.Abs(best) && math.Abs(best-low) <= 1e-6*math.Abs(best) {
		return lifecycle.Interval{Value: best, Low: best, High: best} // no more than rounding
	}
	return lifecycle.Interval{Value: best, Low: min(best, low), High: max(best, high)}
}

// figures are those of one place of the tables.
func (t *tables) figures(at func(figure int) int) Figures {
	var all [nFigures]lifecycle.Interval
	for k := range all {
		all[k] = t.interval(at(k))
	}
	f := Figures{EnergyJ: all[energy], FacilityEnergyJ: all[facility], GCO2e: all[gco2e], WaterL: all[water]}
	if t.m.currency != "" {
		f.Cost = &all[cost]
	}
	return f
}

// into fills in a result.
func (t *tables) into(r *Result) {
	for view, to := range []*View{&r.Amortised, &r.Occurring} {
		row := func(row int) (all Figures, byYear []Figures) {
			for y := range t.m.years {
				byYear = append(byYear, t.figures(func(k int) int { return t.cell(view, k, row, y) }))
			}
			return t.figures(func(k int) int { return t.cell(view, k, row, t.m.years) }), byYear
		}
		to.Total, to.ByYear = row(total)
		_, to.Cumulative = row(cumulative)
		for p, phase := range phaseList {
			seen := false
			for k := range nFigures {
				i := t.cell(view, k, p, t.m.years)
				seen = seen || t.best[i] != 0 || t.drawn[i] != nil
			}
			if seen {
				all, byYear := row(p)
				to.Phases = append(to.Phases, Phase{phase, all, byYear})
			}
		}
	}
	rest := len(t.row) - nFigures - 2
	r.LeftGCO2e = t.interval(rest + nFigures + 1)
	if t.m.per >= 0 {
		units := t.interval(rest + nFigures)
		r.Units = &units
		if units.Value > 0 {
			one := t.figures(func(k int) int { return rest + k })
			r.PerUnit = &one
		}
	}
}

// sortAround puts the value of rank k at k, and none that is greater before it or
// less behind it (Hoare's selection): of thousands of values two are asked for.
func sortAround(v []float32, k int) {
	for low, high := 0, len(v)-1; low < high; {
		pivot := v[low+(high-low)/2]
		i, j := low, high
		for i <= j {
			for v[i] < pivot {
				i++
			}
			for v[j] > pivot {
				j--
			}
			if i <= j {
				v[i], v[j] = v[j], v[i]
				i, j = i+1, j-1
			}
		}
		switch {
		case k <= j:
			high = j
		case k >= i:
			low = i
		default:
			return
		}
	}
}
