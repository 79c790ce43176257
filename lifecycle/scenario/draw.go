package scenario

import (
	"hash/fnv"
	"math"
	"math/rand/v2"
	"slices"

	"github.com/ecotracer/ecotracer/internal/lognormal"
	"github.com/ecotracer/ecotracer/lifecycle"
)

// draws is how often the inputs are drawn. By Latin hypercubes (McKay, Beckman
// and Conover 1979) a bound is good to about 1.5 % of the width of its interval,
// and one of a figure with one uncertain input exact.
const draws = 10_000

// deviations are the middles of the parts of a normal distribution that are
// equally likely, one for each draw.
func deviations(n int) []float64 {
	z := make([]float64, n)
	for i := range z {
		z[i] = math.Sqrt2 * math.Erfinv(2*(float64(i)+0.5)/float64(n)-1)
	}
	return z
}

// sample is the draws of a model's inputs. An input has the same draws in every
// model that has it, by its key: so two models are drawn together.
type sample struct {
	m       *model
	columns [][]float64 // by variable; nil of those without an error
	x       []float64
}

func newSample(m *model, z []float64) *sample {
	s := &sample{m: m, columns: make([][]float64, len(m.vars)), x: m.best()}
	for i := range m.vars {
		if m.vars[i].sure {
			continue
		}
		h := fnv.New64a()
		h.Write([]byte(m.vars[i].key))
		rng := rand.New(rand.NewPCG(h.Sum64(), 14040))
		s.columns[i] = slices.Clone(z)
		rng.Shuffle(len(z), func(a, b int) { s.columns[i][a], s.columns[i][b] = s.columns[i][b], s.columns[i][a] })
	}
	return s
}

// draw computes the model for draw n.
func (s *sample) draw(n int, o *outcome) {
	for i, column := range s.columns {
		if column != nil {
			s.m.put(s.x, i, column[n])
		}
	}
	s.m.evaluate(s.x, o)
}

// interval is the 95 % of drawn values in the middle, around a best estimate.
// The values are sorted.
func interval(best float64, drawn []float64) lifecycle.Interval {
	slices.Sort(drawn)
	return lifecycle.Interval{Value: best, Low: min(best, quantile(drawn, 0.025)), High: max(best, quantile(drawn, 0.975))}
}

// quantile is that of sorted values, each in the middle of its part.
func quantile(sorted []float64, p float64) float64 {
	at := p*float64(len(sorted)) - 0.5
	i := min(max(int(math.Floor(at)), 0), len(sorted)-2)
	a, b := sorted[i], sorted[i+1]
	if math.IsInf(a, 0) || math.IsInf(b, 0) {
		return b
	}
	return a + (b-a)*min(max(at-float64(i), 0), 1)
}

// probabilityError is the 95 % bound on the error of a share of the draws.
func probabilityError(p float64, draws int) float64 {
	n := float64(draws)
	return max(lognormal.Z95*math.Sqrt(p*(1-p)/n), 3/n) // the rule of three where all draws agree
}
