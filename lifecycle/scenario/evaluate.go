package scenario

import (
	"math"

	"github.com/ecotracer/ecotracer/lifecycle"
)

// The figures that a scenario comes to.
const (
	energy   = iota // J, IT
	facility        // J, energy × PUE
	gco2e
	water // L
	cost  // money
	nFigures
)

type figures [nFigures]float64

func (f *figures) add(x float64, g *figures) {
	for i := range f {
		f[i] += x * g[i]
	}
}

// phaseList are the phases that a scenario has.
var phaseList = []lifecycle.Phase{
	lifecycle.PhaseProduction, lifecycle.PhaseTraining, lifecycle.PhaseInference, lifecycle.PhaseUse, lifecycle.PhaseEndOfLife,
}

const (
	production = iota
	training
	inference
	use
	endOfLife
	nPhases
)

// phaseIndex is the place of a phase; -1 if it has none.
func phaseIndex(p lifecycle.Phase) int {
	for i, q := range phaseList {
		if p == q {
			return i
		}
	}
	return -1
}

type byPhase [nPhases]figures

// lump is what falls due at a moment: a purchase, a discarded device, a training.
type lump struct {
	at          float64 // years from the start
	part, phase int
	figures
}

// outcome is what a model comes to for one set of values.
type outcome struct {
	flow  []byPhase // by year: spread over it
	lumps []lump
	used  []byPhase // by year: production and end of life by the time that devices are used
	parts []byPhase // by part, of all years, production and end of life by use
	units []float64 // by year, of the service that is counted

	count [][]float64 // by fleet and year: devices
	busy  [][]float64 // by fleet and year: device-seconds of work
	left  figures     // production that is paid and not used at the end
	owed  figures     // end of life that is used up and not paid at the end
}

// reset readies an outcome for a model.
func (o *outcome) reset(m *model) {
	if o.flow == nil {
		o.flow, o.used, o.units = make([]byPhase, m.years), make([]byPhase, m.years), make([]float64, m.years)
		o.parts = make([]byPhase, len(m.parts))
		o.count, o.busy = make([][]float64, len(m.fleets)), make([][]float64, len(m.fleets))
		for i := range o.count {
			o.count[i], o.busy[i] = make([]float64, m.years), make([]float64, m.years)
		}
	}
	clear(o.flow)
	clear(o.used)
	clear(o.parts)
	clear(o.units)
	for i := range o.busy {
		clear(o.busy[i])
	}
	o.lumps, o.left, o.owed = o.lumps[:0], figures{}, figures{}
}

// occurring are the figures of a year when they occur.
func (o *outcome) occurring() []byPhase {
	out := make([]byPhase, len(o.flow))
	copy(out, o.flow)
	for i := range o.lumps {
		l := &o.lumps[i]
		y := o.yearOf(l)
		out[y][l.phase].add(1, &l.figures)
	}
	return out
}

// yearOf is the year that a lump falls into: what is bought at midnight on New
// Year's Eve is of the new year, what is discarded then of the old one.
func (o *outcome) yearOf(l *lump) int {
	y := int(math.Floor(l.at + moment))
	if l.phase == endOfLife {
		y = int(math.Ceil(l.at-moment)) - 1
	}
	return min(max(y, 0), len(o.flow)-1)
}

// moment is how close two times are that are one, in years.
const moment = 1e-9

// sums are the figures of all years: those of devices as they occur, or by use.
func (o *outcome) sums(asItOccurs bool) (sum byPhase) {
	for y := range o.flow {
		for p := range nPhases {
			sum[p].add(1, &o.flow[y][p])
		}
	}
	for i := range o.lumps {
		sum[o.lumps[i].phase].add(1, &o.lumps[i].figures)
	}
	if !asItOccurs {
		sum[production], sum[endOfLife] = figures{}, figures{}
		for y := range o.used {
			sum[production].add(1, &o.used[y][production])
			sum[endOfLife].add(1, &o.used[y][endOfLife])
		}
	}
	return sum
}

// of is a figure of some phases.
func (b *byPhase) of(figure int, phases []int) (sum float64) {
	for _, p := range phases {
		sum += b[p][figure]
	}
	return sum
}

// operate books joules of IT energy at a place in a year.
func (m *model) operate(x []float64, p *place, y int, joules, grid float64) (f figures) {
	kWh := joules / joulesPerKWh
	pue := m.at(x, p.pue, y)
	f[energy], f[facility] = joules, joules*pue
	f[gco2e] = kWh * pue * grid
	f[water] = kWh * (m.at(x, p.wue, y) + pue*m.at(x, p.ewif, y))
	if p.price != none {
		f[cost] = kWh * pue * m.at(x, p.price, y)
	}
	return f
}

// intensity is the grid's in a year: what it is at the start, less a decline a
// year.
func (m *model) intensity(x []float64, p *place, y int) float64 {
	g := m.at(x, p.grid, y)
	for k := 1; k <= y; k++ {
		g *= m.at(x, p.decline, k)
	}
	return g
}

// growth is what a growth makes of one from the first year to year y.
func (m *model) growth(x []float64, r ref, y int) float64 {
	g := 1.0
	for k := 1; k <= y; k++ {
		g *= m.at(x, r, k)
	}
	return g
}

// evaluate computes a model for one set of values.
func (m *model) evaluate(x []float64, o *outcome) {
	o.reset(m)
	for i := range m.services {
		v := &m.services[i]
		for y := range m.years {
			n := 0.0
			if v.rate != none {
				n = m.at(x, v.rate, y) * m.growth(x, v.growth, y) * year
			}
			if i == m.per {
				o.units[y] = n
			}
			for j := range v.work {
				m.do(x, &v.work[j], y, n, o)
			}
		}
	}
	for i := range m.fleets { // those that count for others first
		if m.fleets[i].each < 0 {
			m.counts(x, i, o)
		}
	}
	for i := range m.fleets {
		if m.fleets[i].each >= 0 {
			m.counts(x, i, o)
		}
	}
	for i := range m.fleets {
		if f := &m.fleets[i]; f.rented {
			m.rent(x, i, o)
		} else {
			m.own(x, i, o)
		}
	}
}

// do is one work in a year in which there are n units.
func (m *model) do(x []float64, w *work, y int, n float64, o *outcome) {
	if y < w.from {
		return
	}
	amount := m.at(x, w.amount, y)
	for _, r := range w.times {
		amount *= m.at(x, r, y)
	}
	greener := m.at(x, w.greener, y)
	switch {
	case w.perUnit:
		m.spend(x, w, y, amount*n*m.at(x, w.share, y), greener, -1, o)
	case w.all:
		m.spend(x, w, y, amount*year, greener, -1, o)
	case w.every == none:
		if y == w.from {
			m.spend(x, w, y, amount, greener, float64(y), o)
		}
	default:
		period := m.at(x, w.every, w.from) / year
		if period < 1./12 { // so often that it may as well be spread
			m.spend(x, w, y, amount/period, greener, -1, o)
			return
		}
		first := int(math.Ceil((float64(y-w.from) - moment) / period))
		for k := max(first, 0); float64(w.from)+float64(k)*period < float64(y+1)-moment; k++ {
			m.spend(x, w, y, amount, greener, float64(w.from)+float64(k)*period, o)
		}
	}
}

// spend books an amount of a work, at a moment or, below 0, over the year.
func (m *model) spend(x []float64, w *work, y int, amount, greener, at float64, o *outcome) {
	joules := amount
	if w.on >= 0 {
		f := &m.fleets[w.on]
		o.busy[w.on][y] += amount
		power := m.at(x, f.active, y)
		if !f.rented {
			power = max(0, power-m.at(x, f.idle, y)) // idle power is the fleet's own
		}
		joules = amount * power
	}
	f := m.operate(x, &w.place, y, joules, greener*m.intensity(x, &w.place, y))
	o.parts[w.part][w.phase].add(1, &f)
	if at < 0 {
		o.flow[y][w.phase].add(1, &f)
		return
	}
	o.lumps = append(o.lumps, lump{at, w.part, w.phase, f})
}
