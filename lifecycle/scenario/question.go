package scenario

import (
	"cmp"
	"math"
	"slices"
	"strings"

	"github.com/ecotracer/ecotracer/lifecycle"
)

// Answer compares a scenario after some changes (A) with how it stands (B), over
// all years.
type Answer struct {
	Of         string `json:"of"`
	AsItOccurs bool   `json:"as_it_occurs"`
	Draws      int    `json:"draws"`

	// Figures are compared as lifecycle.Compare does: gco2e, operational_gco2e,
	// embodied_gco2e, energy_j, facility_energy_j, water_l and cost. What drives
	// the difference, which adds up to it, is told of the figure that was asked for,
	// by phase and by device or work.
	Figures []lifecycle.Difference `json:"figures"`

	// Otherwise is the figure that was asked for where devices are accounted for
	// in the other way.
	Otherwise lifecycle.Difference `json:"otherwise"`

	// PaysBack is when the changed scenario has come to less than the other for
	// the first time, each counted when it occurs.
	PaysBack BreakEven `json:"pays_back"`
}

// Lead is the figure that was asked for.
func (a *Answer) Lead() *lifecycle.Difference {
	for i := range a.Figures {
		if a.Figures[i].Figure == compared[leadOf(figureIndex(a.Of))].name {
			return &a.Figures[i]
		}
	}
	return &a.Figures[0]
}

// compared are the figures that are compared: of which phases they are.
var compared = []comparedFigure{
	{"gco2e", gco2e, []int{production, training, inference, use, endOfLife}},
	{"operational_gco2e", gco2e, []int{training, inference, use}},
	{"embodied_gco2e", gco2e, []int{production, endOfLife}},
	{"energy_j", energy, []int{training, inference, use}},
	{"facility_energy_j", facility, []int{training, inference, use}},
	{"water_l", water, []int{training, inference, use}},
	{"cost", cost, []int{production, training, inference, use, endOfLife}},
}

type comparedFigure struct {
	name   string
	figure int
	phases []int
}

// leadOf is the place among compared of a figure in all.
func leadOf(figure int) int {
	return slices.IndexFunc(compared, func(c comparedFigure) bool { return c.figure == figure })
}

// surely is the probability from which on one is called lower or higher, as in
// lifecycle.Compare.
const surely = 0.975

// Ask answers a question. The two scenarios are drawn together: an input that
// they share, by its path and figures, or by the factor that it is, has one
// error in both. An error is as that of Run or With.
func (s *Scenario) Ask(q Question) (*Answer, error) {
	changed, errs := s.with(q.Set, nil)
	if len(errs) > 0 {
		return nil, joined(errs)
	}
	a, b := compiled(changed), compiled(s)
	if errs := append(b.errs, a.errs...); len(errs) > 0 {
		return nil, joined(errs)
	}
	figure := figureIndex(cmp.Or(q.Of, "gco2e"))
	if figure == nFigures || figure == cost && b.currency == "" {
		return nil, &Error{Message: noFigure(q.Of)}
	}
	if a.years != b.years || a.start != b.start {
		return nil, &Error{Message: "the changed scenario has other years: what is compared must be of the same"}
	}
	return against(a, b, figure, q.AsItOccurs)
}

func noFigure(of string) string {
	if of == "cost" {
		return "nothing has a price: write the price of devices, their rent, or the electricity-price of places"
	}
	return unknown("figure", of, slices.Clone(figureNames))
}

// against compares model a with model b.
func against(a, b *model, figure int, asItOccurs bool) (*Answer, error) {
	n := len(compared)
	// Cell 0 to n−1 are in the view that was asked for, cell n is the lead in the other.
	values := func(o *outcome) (v []float64) {
		view, other := o.sums(asItOccurs), o.sums(!asItOccurs)
		for _, c := range compared {
			v = append(v, view.of(c.figure, c.phases))
		}
		return append(v, other.of(figure, compared[0].phases))
	}
	var x, y outcome
	a.evaluate(a.best(), &x)
	b.evaluate(b.best(), &y)
	bestA, bestB := values(&x), values(&y)
	all := compared[0].phases
	var saved curve
	saved.add(&y, figure, 1, all...)
	saved.add(&x, figure, -1, all...)
	bestBack := saved.above()
	driversOf := drivers(a, b, &x, &y, figure, asItOccurs)

	drawnA, drawnB := make([][]float64, n+1), make([][]float64, n+1)
	for i := range drawnA {
		drawnA[i], drawnB[i] = make([]float64, draws), make([]float64, draws)
	}
	back := make([]float64, draws)
	z := deviations(draws)
	sa, sb := newSample(a, z), newSample(b, z)
	for k := range draws {
		sa.draw(k, &x)
		sb.draw(k, &y)
		for i, v := range values(&x) {
			drawnA[i][k] = v
		}
		for i, v := range values(&y) {
			drawnB[i][k] = v
		}
		saved.reset()
		saved.add(&y, figure, 1, all...)
		saved.add(&x, figure, -1, all...)
		back[k] = saved.above()
	}
	answer := &Answer{Of: figureNames[figure], AsItOccurs: asItOccurs, Draws: draws, PaysBack: breakEven(bestBack, back)}
	for i, c := range compared {
		if c.figure == cost && b.currency == "" {
			continue
		}
		d, err := difference(c.name, bestA[i], bestB[i], drawnA[i], drawnB[i])
		if err != nil {
			return nil, err
		}
		if i == leadOf(figure) {
			d.Drivers = driversOf
		}
		answer.Figures = append(answer.Figures, d)
	}
	var err error
	answer.Otherwise, err = difference(compared[leadOf(figure)].name, bestA[n], bestB[n], drawnA[n], drawnB[n])
	return answer, err
}

// difference tells of one figure of two that were drawn together.
func difference(name string, bestA, bestB float64, a, b []float64) (lifecycle.Difference, error) {
	d := lifecycle.Difference{Figure: name, Verdict: lifecycle.NotToldApart}
	apart, ratio := make([]float64, len(a)), make([]float64, len(a))
	lower, higher := 0, 0
	for k := range a {
		apart[k], ratio[k] = a[k]-b[k], a[k]/b[k]
		switch {
		case math.IsNaN(apart[k]) || math.IsInf(apart[k], 0):
			return d, errTooGreat
		case math.Abs(apart[k]) <= 1e-9*max(a[k], b[k]):
		case apart[k] < 0:
			lower++
		default:
			higher++
		}
	}
	n := float64(len(a))
	d.Lower, d.Higher = float64(lower)/n, float64(higher)/n
	d.Error = max(probabilityError(d.Lower, len(a)), probabilityError(d.Higher, len(a)))
	switch {
	case d.Lower >= surely:
		d.Verdict = lifecycle.Lower
	case d.Higher >= surely:
		d.Verdict = lifecycle.Higher
	}
	quantity := func(best float64, drawn []float64) *lifecycle.Quantity {
		q := interval(best, slices.Clone(drawn))
		return &lifecycle.Quantity{Value: q.Value, Low: q.Low, High: q.High, Method: lifecycle.Modelled}
	}
	d.A, d.B = quantity(bestA, a), quantity(bestB, b)
	q := interval(bestA-bestB, apart)
	d.Difference = &q
	if bestB > 0 && !slices.Contains(b, 0) {
		q := interval(bestA/bestB, ratio)
		d.Ratio = &q
	}
	return d, nil
}

// drivers tells what makes a difference at the best estimates: each device and
// work, by phase. They add up to the difference.
func drivers(a, b *model, x, y *outcome, figure int, asItOccurs bool) []lifecycle.Driver {
	sums := map[part]float64{}
	for i, side := range []*outcome{x, y} {
		m, sign := []*model{a, b}[i], float64(1-2*i)
		for p := range m.parts {
			bought := asItOccurs && p < len(m.fleets) && !m.fleets[p].rented
			for phase := range nPhases {
				if !bought || phase != production && phase != endOfLife {
					sums[part{m.parts[p].name, m.parts[p].stageIn(phase)}] += sign * side.parts[p][phase][figure]
				}
			}
			for k := range side.lumps {
				if l := &side.lumps[k]; bought && l.part == p {
					sums[part{m.parts[p].name, m.parts[p].stageIn(l.phase)}] += sign * l.figures[figure]
				}
			}
		}
	}
	var list []lifecycle.Driver
	for k, v := range sums {
		if v != 0 {
			list = append(list, lifecycle.Driver{Stage: k.stage, Hardware: k.name, Input: "use", Difference: v})
		}
	}
	slices.SortFunc(list, func(a, b lifecycle.Driver) int {
		return cmp.Or(cmp.Compare(math.Abs(b.Difference), math.Abs(a.Difference)), strings.Compare(a.Hardware, b.Hardware), strings.Compare(string(a.Stage), string(b.Stage)))
	})
	return list
}
