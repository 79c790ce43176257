package lifecycle

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// within is a source whose 95 % bounds are value/ratio and value×ratio.
func within(ratio float64) source { return lognormal(1, 1/ratio, ratio) }

func TestSourceIsLognormalBetweenItsBounds(t *testing.T) {
	s := lognormal(1.2e6, 7e5, 2e6)
	assert.InEpsilon(t, 7e5, 1.2e6*s.skew*math.Exp(-z95*s.sigma), 1e-12, "lower bound")
	assert.InEpsilon(t, 2e6, 1.2e6*s.skew*math.Exp(z95*s.sigma), 1e-12, "upper bound")

	assert.Equal(t, source{skew: 1}, lognormal(3, 3, 3), "a figure without an interval is certain")
	assert.Equal(t, source{skew: 1}, lognormal(0, 0, 0), "so is nothing")
}

func TestBoundsOfSimpleSums(t *testing.T) {
	sources := []source{within(2), within(3), {skew: 1}, within(1.5)}
	p := func() product { return product{} }
	both := math.Exp(math.Hypot(math.Log(2), math.Log(3)))
	for _, c := range []struct {
		name      string
		value     float64
		terms     []term
		low, high float64
	}{
		{"no term", 0, nil, 0, 0},
		{"terms of nothing", 0, []term{{0, p().times(0)}, {0, p().times(1)}}, 0, 0},
		{"a certain term", 7, []term{{7, p().times(2)}}, 7, 7},
		{"one source", 10, []term{{10, p().times(0)}}, 5, 20},
		{"one source that divides", 10, []term{{10, p().over(1)}}, 10. / 3, 30},
		{"a product is lognormal", 6, []term{{6, p().times(0).times(1).times(2)}}, 6 / both, 6 * both},
		{"a quotient likewise", 6, []term{{6, p().times(0).over(1)}}, 6 / both, 6 * both},
		{"a shared source is one variable", 12, []term{{2, p().times(0)}, {10, p().times(0)}}, 6, 24},
		{"a certain part does not move", 12, []term{{2, p()}, {10, p().times(0)}}, 7, 22},
		{"the best estimate is never left out", 30, []term{{10, p().times(0)}}, 5, 30},
		{"nor below", 4, []term{{10, p().times(0)}}, 4, 20},
	} {
		t.Run(c.name, func(t *testing.T) {
			v := intervals{sources: sources}
			for range 2 { // the second time with the memory of the first
				low, high := v.bounds(c.value, c.terms)
				assert.InDelta(t, c.low, low, 1e-9*c.low, "low")
				assert.InDelta(t, c.high, high, 1e-9*c.high, "high")
			}
		})
	}
}

func TestIndependentSourcesAreNarrowerThanASharedOne(t *testing.T) {
	v := intervals{sources: []source{within(2), within(2)}}
	_, shared := v.bounds(2, []term{{1, product{}.times(0)}, {1, product{}.times(0)}})
	_, apart := v.bounds(2, []term{{1, product{}.times(0)}, {1, product{}.times(1)}})
	assert.InEpsilon(t, 4, shared, 1e-9)
	assert.Less(t, apart, 3.5)
	assert.Greater(t, apart, 3.0)
}

func TestBoundsDoNotDependOnHowASumIsWritten(t *testing.T) {
	rng := rand.New(rand.NewPCG(7, 7))
	sources, terms := recordShapedSum(rng, 3)
	v := intervals{sources: sources}
	low, high := v.bounds(1, terms)

	shuffled := slices.Clone(terms)
	rng.Shuffle(len(shuffled), func(i, j int) { shuffled[i], shuffled[j] = shuffled[j], shuffled[i] })
	var halves []term
	for _, s := range shuffled {
		halves = append(halves, term{s.median / 2, s.product}, term{s.median / 2, s.product})
	}
	l, h := v.bounds(1, halves)
	assert.InEpsilon(t, low, l, 1e-9, "low")
	assert.InEpsilon(t, high, h, 1e-9, "high")

	scaled := slices.Clone(terms)
	for i := range scaled {
		scaled[i].median *= 1e200
	}
	l, h = v.bounds(1e200, scaled)
	assert.InEpsilon(t, low*1e200, l, 1e-9, "low of a sum that is huge")
	assert.InEpsilon(t, high*1e200, h, 1e-9, "high of a sum that is huge")
}

// recordShapedSum is a total as records have it: six stages of five rows, four
// meters, one PUE, one grid, and the shares of up to three devices; or water.
// Every source lies within ×ratio.
func recordShapedSum(rng *rand.Rand, ratio float64) ([]source, []term) {
	var sources []source
	add := func() int {
		sources = append(sources, within(1+(ratio-1)*rng.Float64()))
		return len(sources) - 1
	}
	amount := func() float64 { return math.Pow(10, 3*rng.Float64()) }
	meters := []int{add(), add(), add(), add()}
	pue, grid, wue, ewif := add(), add(), add(), add()
	water := rng.IntN(3) == 0
	var terms []term
	for range 6 {
		for range 5 {
			e := product{}.times(meters[rng.IntN(len(meters))])
			a := amount()
			if water {
				terms = append(terms, term{a, e.times(wue)}, term{a * rng.Float64() * 10, e.times(pue).times(ewif)})
			} else {
				terms = append(terms, term{a, e.times(pue).times(grid)})
			}
		}
	}
	if !water {
		life, used := add(), add()
		for range rng.IntN(4) {
			terms = append(terms,
				term{5 * amount(), product{}.times(add()).over(life).over(used)},
				term{amount() / 5, product{}.times(add()).over(life).over(used)})
		}
	}
	return sources, terms
}

// monteCarlo draws the bounds of a sum.
func monteCarlo(rng *rand.Rand, draws int, sources []source, terms []term) (low, high float64) {
	byProduct := map[product]float64{}
	for _, t := range terms {
		byProduct[t.product] += t.median
	}
	terms = terms[:0:0]
	for p, median := range byProduct {
		terms = append(terms, term{median, p})
	}
	slices.SortFunc(terms, func(a, b term) int { return slices.Compare(a.product[:], b.product[:]) })

	x := make([]float64, draws)
	gain := make([]float64, len(sources))
	for n := range x {
		for k := range sources {
			gain[k] = math.Exp(sources[k].sigma * rng.NormFloat64())
		}
		for _, t := range terms {
			a := t.median
			for _, k := range t.product {
				switch {
				case k > 0:
					a *= gain[k-1]
				case k < 0:
					a /= gain[-k-1]
				}
			}
			x[n] += a
		}
	}
	slices.Sort(x)
	return x[draws*25/1000], x[draws*975/1000]
}

func TestBoundsAgreeWithAMonteCarlo(t *testing.T) {
	for _, c := range []struct {
		ratio, tolerance float64
	}{{2, 0.02}, {3, 0.04}} {
		t.Run(fmt.Sprintf("inputs within ×%v", c.ratio), func(t *testing.T) {
			t.Parallel()
			var worst float64
			for n := range uint64(monteCarloSums) {
				rng := rand.New(rand.NewPCG(n, uint64(c.ratio)))
				sources, terms := recordShapedSum(rng, c.ratio)
				v := intervals{sources: sources}
				var value float64
				for _, s := range terms {
					value += s.median
				}
				low, high := v.bounds(value, terms)
				trueLow, trueHigh := monteCarlo(rng, 100_000, sources, terms)
				require.InEpsilon(t, trueLow, low, c.tolerance, "low of sum %d", n)
				require.InEpsilon(t, trueHigh, high, c.tolerance, "high of sum %d", n)
				worst = max(worst, math.Abs(low/trueLow-1), math.Abs(high/trueHigh-1))
			}
			t.Logf("worst bound off by %.2f %%", 100*worst)
		})
	}
}

func BenchmarkBounds(b *testing.B) {
	sources, terms := recordShapedSum(rand.New(rand.NewPCG(1, 1)), 2)
	v := intervals{sources: sources}
	b.ReportAllocs()
	for b.Loop() {
		v.bounds(1, terms)
	}
}
