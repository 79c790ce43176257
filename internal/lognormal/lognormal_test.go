package lognormal

import (
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// within is a source whose 95 % bounds are value/ratio and value×ratio.
func within(ratio float64) Source { return New(1, 1/ratio, ratio) }

func TestSourceIsLognormalBetweenItsBounds(t *testing.T) {
	s := New(1.2e6, 7e5, 2e6)
	assert.InEpsilon(t, 7e5, 1.2e6*s.Skew*math.Exp(-Z95*s.Sigma), 1e-12, "lower bound")
	assert.InEpsilon(t, 2e6, 1.2e6*s.Skew*math.Exp(Z95*s.Sigma), 1e-12, "upper bound")

	assert.Equal(t, Source{Skew: 1}, New(3, 3, 3), "a figure without an interval is certain")
	assert.Equal(t, Source{Skew: 1}, New(0, 0, 0), "so is nothing")
}

func TestBoundsOfSimpleSums(t *testing.T) {
	sources := []Source{within(2), within(3), {Skew: 1}, within(1.5)}
	p := func() Product { return Product{} }
	both := math.Exp(math.Hypot(math.Log(2), math.Log(3)))
	for _, c := range []struct {
		name      string
		value     float64
		terms     []Term
		low, high float64
	}{
		{"no term", 0, nil, 0, 0},
		{"terms of nothing", 0, []Term{{0, p().Times(0)}, {0, p().Times(1)}}, 0, 0},
		{"a certain term", 7, []Term{{7, p().Times(2)}}, 7, 7},
		{"one source", 10, []Term{{10, p().Times(0)}}, 5, 20},
		{"one source that divides", 10, []Term{{10, p().Over(1)}}, 10. / 3, 30},
		{"a product is lognormal", 6, []Term{{6, p().Times(0).Times(1).Times(2)}}, 6 / both, 6 * both},
		{"a quotient likewise", 6, []Term{{6, p().Times(0).Over(1)}}, 6 / both, 6 * both},
		{"a shared source is one variable", 12, []Term{{2, p().Times(0)}, {10, p().Times(0)}}, 6, 24},
		{"a certain part does not move", 12, []Term{{2, p()}, {10, p().Times(0)}}, 7, 22},
		{"the best estimate is never left out", 30, []Term{{10, p().Times(0)}}, 5, 30},
		{"nor below", 4, []Term{{10, p().Times(0)}}, 4, 20},
	} {
		t.Run(c.name, func(t *testing.T) {
			v := Intervals{Sources: sources}
			for range 2 { // the second time with the memory of the first
				low, high := v.Bounds(c.value, c.terms)
				assert.InDelta(t, c.low, low, 1e-9*c.low, "low")
				assert.InDelta(t, c.high, high, 1e-9*c.high, "high")
			}
		})
	}
}

func TestIndependentSourcesAreNarrowerThanASharedOne(t *testing.T) {
	v := Intervals{Sources: []Source{within(2), within(2)}}
	_, shared := v.Bounds(2, []Term{{1, Product{}.Times(0)}, {1, Product{}.Times(0)}})
	_, apart := v.Bounds(2, []Term{{1, Product{}.Times(0)}, {1, Product{}.Times(1)}})
	assert.InEpsilon(t, 4, shared, 1e-9)
	assert.Less(t, apart, 3.5)
	assert.Greater(t, apart, 3.0)
}

func TestBoundsDoNotDependOnHowASumIsWritten(t *testing.T) {
	rng := rand.New(rand.NewPCG(7, 7))
	sources, terms := recordShapedSum(rng, 3)
	v := Intervals{Sources: sources}
	low, high := v.Bounds(1, terms)

	shuffled := slices.Clone(terms)
	rng.Shuffle(len(shuffled), func(i, j int) { shuffled[i], shuffled[j] = shuffled[j], shuffled[i] })
	var halves []Term
	for _, s := range shuffled {
		halves = append(halves, Term{s.Median / 2, s.Product}, Term{s.Median / 2, s.Product})
	}
	l, h := v.Bounds(1, halves)
	assert.InEpsilon(t, low, l, 1e-9, "low")
	assert.InEpsilon(t, high, h, 1e-9, "high")

	scaled := slices.Clone(terms)
	for i := range scaled {
		scaled[i].Median *= 1e200
	}
	l, h = v.Bounds(1e200, scaled)
	assert.InEpsilon(t, low*1e200, l, 1e-9, "low of a sum that is huge")
	assert.InEpsilon(t, high*1e200, h, 1e-9, "high of a sum that is huge")
}

// recordShapedSum is a total as records have it: six stages of five rows, four
// meters, one PUE, one grid, and the shares of up to three devices; or water.
// Every source lies within ×ratio.
func recordShapedSum(rng *rand.Rand, ratio float64) ([]Source, []Term) {
	var sources []Source
	add := func() int {
		sources = append(sources, within(1+(ratio-1)*rng.Float64()))
		return len(sources) - 1
	}
	amount := func() float64 { return math.Pow(10, 3*rng.Float64()) }
	meters := []int{add(), add(), add(), add()}
	pue, grid, wue, ewif := add(), add(), add(), add()
	water := rng.IntN(3) == 0
	var terms []Term
	for range 6 {
		for range 5 {
			e := Product{}.Times(meters[rng.IntN(len(meters))])
			a := amount()
			if water {
				terms = append(terms, Term{a, e.Times(wue)}, Term{a * rng.Float64() * 10, e.Times(pue).Times(ewif)})
			} else {
				terms = append(terms, Term{a, e.Times(pue).Times(grid)})
			}
		}
	}
	if !water {
		life, used := add(), add()
		for range rng.IntN(4) {
			terms = append(terms,
				Term{5 * amount(), Product{}.Times(add()).Over(life).Over(used)},
				Term{amount() / 5, Product{}.Times(add()).Over(life).Over(used)})
		}
	}
	return sources, terms
}

// monteCarlo draws the bounds of a sum.
func monteCarlo(rng *rand.Rand, draws int, sources []Source, terms []Term) (low, high float64) {
	byProduct := map[Product]float64{}
	for _, t := range terms {
		byProduct[t.Product] += t.Median
	}
	terms = terms[:0:0]
	for p, median := range byProduct {
		terms = append(terms, Term{median, p})
	}
	slices.SortFunc(terms, func(a, b Term) int { return slices.Compare(a.Product[:], b.Product[:]) })

	x := make([]float64, draws)
	z := make([]float64, len(sources))
	for n := range x {
		for k := range sources {
			z[k] = sources[k].Sigma * rng.NormFloat64()
		}
		for _, t := range terms {
			var e float64
			for _, k := range t.Product {
				switch {
				case k > 0:
					e += z[k-1]
				case k < 0:
					e -= z[-k-1]
				}
			}
			x[n] += t.Median * math.Exp(e)
		}
	}
	return smallest(x, draws*25/1000), smallest(x, draws*975/1000)
}

// smallest is the value that comes kth, from 0 on, when x is sorted (Hoare's
// quickselect). It sorts x in part.
func smallest(x []float64, k int) float64 {
	for {
		pivot := x[len(x)/2]
		i, j := 0, len(x)-1
		for i <= j {
			for x[i] < pivot {
				i++
			}
			for x[j] > pivot {
				j--
			}
			if i <= j {
				x[i], x[j] = x[j], x[i]
				i, j = i+1, j-1
			}
		}
		switch {
		case k <= j:
			x = x[:j+1]
		case k >= i:
			x, k = x[i:], k-i
		default:
			return x[k]
		}
	}
}

// drawnSum is a record-shaped sum as testdata/montecarlo.csv has it: its value,
// by which it is known again, and its bounds, drawn so often that they are good
// to 0.1 %.
type drawnSum struct {
	ratio, n, value, low, high float64
	sources                    []Source
	terms                      []Term
}

const (
	drawnSums  = 50      // for each ratio
	fileDraws  = 2000000 // for the file
	checkDraws = 100000  // for a few sums, to hold the file to
)

// drawn are the sums, as the file tells their bounds. With -update they are
// drawn anew.
func drawn(t *testing.T) (sums []drawnSum) {
	const golden = "testdata/montecarlo.csv"
	for _, ratio := range []float64{2, 3} {
		for n := range uint64(drawnSums) {
			s := drawnSum{ratio: ratio, n: float64(n)}
			s.sources, s.terms = recordShapedSum(rand.New(rand.NewPCG(n, uint64(ratio))), ratio)
			for _, t := range s.terms {
				s.value += t.Median
			}
			sums = append(sums, s)
		}
	}
	if *update {
		var b strings.Builder
		b.WriteString("ratio,sum,value,low,high\n")
		for _, s := range sums {
			low, high := monteCarlo(rand.New(rand.NewPCG(uint64(s.n), 11)), fileDraws, s.sources, s.terms)
			fmt.Fprintf(&b, "%g,%g,%.9g,%.5g,%.5g\n", s.ratio, s.n, s.value, low, high)
		}
		require.NoError(t, os.WriteFile(golden, []byte(b.String()), 0o644))
	}
	text, err := os.ReadFile(golden)
	require.NoError(t, err)
	rows := strings.Split(strings.TrimSpace(string(text)), "\n")[1:]
	require.Len(t, rows, len(sums))
	for i := range sums {
		s := &sums[i]
		var ratio, n, value float64
		_, err := fmt.Sscanf(rows[i], "%g,%g,%g,%g,%g", &ratio, &n, &value, &s.low, &s.high)
		require.NoError(t, err, rows[i])
		require.Equal(t, []float64{s.ratio, s.n}, []float64{ratio, n})
		require.InEpsilon(t, s.value, value, 1e-8, "sum %v is another than in the file: run with -update", n)
	}
	return sums
}

// Trap 33, trap 55: an interval is what drawing its inputs gives.
func TestBoundsAgreeWithAMonteCarlo(t *testing.T) {
	t.Parallel()
	worst := map[float64]float64{}
	for _, s := range drawn(t) {
		v := Intervals{Sources: s.sources}
		low, high := v.Bounds(s.value, s.terms)
		tolerance := map[float64]float64{2: 0.02, 3: 0.04}[s.ratio]
		assert.InEpsilon(t, s.low, low, tolerance, "low of sum %v of inputs within ×%v", s.n, s.ratio)
		assert.InEpsilon(t, s.high, high, tolerance, "high of sum %v of inputs within ×%v", s.n, s.ratio)
		worst[s.ratio] = max(worst[s.ratio], math.Abs(low/s.low-1), math.Abs(high/s.high-1))
		if s.n < 3 {
			low, high := monteCarlo(rand.New(rand.NewPCG(uint64(s.n), 12)), checkDraws, s.sources, s.terms)
			assert.InEpsilon(t, low, s.low, 0.015, "the file's low of sum %v is one that is drawn", s.n)
			assert.InEpsilon(t, high, s.high, 0.015, "the file's high of sum %v is one that is drawn", s.n)
		}
	}
	t.Logf("worst bound off by %.2f %% for inputs within ×2, %.2f %% within ×3", 100*worst[2], 100*worst[3])
}

func TestTheMonteCarloFindsTheBoundsOfASingleSource(t *testing.T) {
	low, high := monteCarlo(rand.New(rand.NewPCG(1, 1)), checkDraws, []Source{within(3)}, []Term{{10, Product{}.Over(0)}})
	assert.InEpsilon(t, 10./3, low, 0.015)
	assert.InEpsilon(t, 30, high, 0.015)
	for k := range 5 {
		assert.EqualValues(t, []int{1, 1, 2, 3, 9}[k], smallest([]float64{3, 1, 9, 1, 2}, k))
	}
}

func BenchmarkBounds(b *testing.B) {
	sources, terms := recordShapedSum(rand.New(rand.NewPCG(1, 1)), 2)
	v := Intervals{Sources: sources}
	b.ReportAllocs()
	for b.Loop() {
		v.Bounds(1, terms)
	}
}

func BenchmarkHold(b *testing.B) {
	sources, terms := recordShapedSum(rand.New(rand.NewPCG(1, 1)), 2)
	v := Intervals{Sources: sources}
	low, high := v.Bounds(1, terms)
	b.ReportAllocs()
	for b.Loop() {
		v.Hold(1, low, high, terms, 1e-5)
	}
}

func TestSumOfIndependentParts(t *testing.T) {
	value, low, high := Sum(Part{2, 10, 5, 20}, Part{1, 3, 3, 3}, Part{4, 0, 0, 0})
	assert.InEpsilon(t, 23, value, 1e-12)
	assert.InEpsilon(t, 13, low, 1e-9, "a certain part does not move")
	assert.InEpsilon(t, 43, high, 1e-9)

	_, low, high = Sum(Part{1, 1, 0.5, 2}, Part{1, 1, 0.5, 2})
	assert.Greater(t, low, 1.0, "errors that are independent rarely fall together")
	assert.Less(t, high, 4.0)

	value, low, high = Sum()
	assert.Equal(t, []float64{0, 0, 0}, []float64{value, low, high})
}

func TestBoundsThatHoldAreTheBounds(t *testing.T) {
	const tolerance = 1e-5
	for _, ratio := range []float64{1.05, 1.5, 3, 10} {
		for n := range uint64(200) {
			sources, terms := recordShapedSum(rand.New(rand.NewPCG(n, 5)), ratio)
			v := Intervals{Sources: sources}
			low, high := v.Bounds(1, terms)
			value := math.Sqrt(low) * math.Sqrt(high)
			low, high = v.Bounds(value, terms)
			assert.True(t, v.Hold(value, low, high, terms, tolerance))
			for _, off := range []float64{1 - 0.99*tolerance, 1 + 0.99*tolerance} {
				assert.True(t, v.Hold(value, low*off, high*off, terms, tolerance), "sum %d of inputs within ×%v", n, ratio)
			}
			for _, off := range []float64{1 - 1.02*tolerance, 1 + 1.02*tolerance} {
				assert.False(t, v.Hold(value, low*off, high, terms, tolerance), "sum %d of inputs within ×%v", n, ratio)
				assert.False(t, v.Hold(value, low, high*off, terms, tolerance), "sum %d of inputs within ×%v", n, ratio)
			}
		}
	}
}

// A source of which next to nothing is known has bounds, if wide ones, and so has
// what it is a part of.
func TestBoundsAreNumbersHoweverWideTheSourcesAre(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 9))
	for range 2000 {
		var v Intervals
		for range 3 {
			v.Sources = append(v.Sources, within(math.Exp(700*rng.Float64())))
		}
		terms := []Term{{Median: rng.ExpFloat64(), Product: Product{1, 2}}, {Median: rng.ExpFloat64(), Product: Product{-2, 3}}, {Median: rng.ExpFloat64(), Product: Product{3}}}
		value := terms[0].Median + terms[1].Median + terms[2].Median
		low, high := v.Bounds(value, terms)
		assert.True(t, 0 <= low && low <= value && value <= high && high <= math.MaxFloat64, "%g %g %g", low, value, high)
		assert.True(t, v.Hold(value, low, high, terms, 1e-6), "%g %g %g", low, value, high)
	}
}
