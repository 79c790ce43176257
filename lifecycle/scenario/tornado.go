package scenario

import (
	"cmp"
	"math"
	"slices"

	"github.com/ecotracer/ecotracer/internal/lognormal"
)

// Influence is what one input does to a figure.
type Influence struct {
	Given
	AtLow  float64 `json:"at_low"`  // the figure with this input at its lower bound, all others at their best
	AtHigh float64 `json:"at_high"` // likewise at its upper bound
	Share  float64 `json:"share"`   // of the variance of the figure that this input alone explains
}

// bins are the parts of an input's distribution in which the mean of the figure
// is taken to tell its share of the variance.
const bins = 100

// Tornado tells what matters for a figure (gco2e, also "", energy, facility, water
// or cost) over all years: what each uncertain input makes of it between its
// bounds, the widest first. Devices count by use, or as it occurs.
//
// The share is the correlation ratio, Var(E(Y|X)) / Var(Y), the first-order
// sensitivity index of Sobol', from the draws of Run, less what chance makes of
// it. The shares add up to less than 1 where inputs act together.
func (s *Scenario) Tornado(of string, asItOccurs bool) ([]Influence, error) {
	m := compiled(s)
	if len(m.errs) > 0 {
		return nil, joined(m.errs)
	}
	figure := figureIndex(cmp.Or(of, "gco2e"))
	if figure == nFigures || figure == cost && m.currency == "" {
		return nil, &Error{Message: noFigure(of)}
	}
	var o outcome
	value := func(x []float64) float64 {
		m.evaluate(x, &o)
		sums := o.sums(asItOccurs)
		return sums.of(figure, compared[0].phases)
	}
	sampled := newSample(m, deviations(draws))
	y := make([]float64, draws)
	var mean float64
	for n := range draws {
		for i, column := range sampled.columns {
			if column != nil {
				m.put(sampled.x, i, column[n])
			}
		}
		y[n] = value(sampled.x)
		mean += y[n] / draws
	}
	var variance float64
	for _, v := range y {
		variance += (v - mean) * (v - mean) / draws
	}
	if math.IsInf(variance, 0) || math.IsNaN(variance) {
		return nil, errTooGreat
	}
	var list []Influence
	for i := range m.vars {
		v := &m.vars[i]
		if v.sure {
			continue
		}
		f := Influence{Given: Given{v.path, v.unit, v.Input}}
		x := m.best()
		m.put(x, i, -lognormal.Z95)
		f.AtLow = value(x)
		m.put(x, i, lognormal.Z95)
		f.AtHigh = value(x)
		if variance > 0 {
			f.Share = shareOf(sampled.columns[i], y, mean, variance)
		}
		list = append(list, f)
	}
	slices.SortStableFunc(list, func(a, b Influence) int {
		return cmp.Or(cmp.Compare(math.Abs(b.AtHigh-b.AtLow), math.Abs(a.AtHigh-a.AtLow)), cmp.Compare(a.Path, b.Path))
	})
	return list, nil
}

// shareOf is the share of the variance of y that is that of its mean by parts of
// the input's distribution. Of an input that does nothing it would be
// (bins − 1)/draws by chance.
func shareOf(column, y []float64, mean, variance float64) float64 {
	var sum [bins]float64
	var count [bins]int
	for n, z := range column {
		k := min(bins-1, int(bins*math.Erfc(-z/math.Sqrt2)/2))
		sum[k] += y[n]
		count[k]++
	}
	between := 0.0
	for k := range sum {
		d := sum[k]/float64(count[k]) - mean
		between += d * d * float64(count[k]) / float64(len(y))
	}
	const chance = float64(bins-1) / draws
	return max(0, (between/variance-chance)/(1-chance))
}
