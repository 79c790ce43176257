package tracer

import (
	"math"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/ecotracer/ecotracer/internal/race"
)

// Published points of Student's t: the 97.5 % and 95 % quantiles.
func TestStudentsT(t *testing.T) {
	for df, q := range map[int][2]float64{
		1: {12.706, 6.314}, 2: {4.303, 2.920}, 3: {3.182, 2.353}, 4: {2.776, 2.132}, 5: {2.571, 2.015}, 10: {2.228, 1.812}, 60: {2.0003, 1.6706}, 31: {2.0395, 1.6955},
	} {
		assert.InDelta(t, 0.975, belowT(q[0], df), 3e-5, "%d", df)
		assert.InDelta(t, 0.95, belowT(q[1], df), 6e-5, "%d", df)
		assert.InDelta(t, 0.025, belowT(-q[0], df), 3e-5, "%d", df)
		assert.Equal(t, 0.5, belowT(0, df))
	}
}

// worlds are laws of what units take: by each the units to come, and those that
// are done, are drawn together.
var worlds = map[string]func(r *rand.Rand, n int) []float64{
	"alike":        func(r *rand.Rand, n int) []float64 { return noisy(r, n, anySpread(r), func(int) float64 { return 1 }) },
	"all the same": func(r *rand.Rand, n int) []float64 { return noisy(r, n, 0, func(int) float64 { return 1 }) },
	"hang together": func(r *rand.Rand, n int) []float64 {
		s, rho, e := anySpread(r), 0.3+0.5*r.Float64(), 0.0
		e = r.NormFloat64() * s
		return noisy(r, n, 0, func(int) float64 {
			v := 1 + e
			e = rho*e + r.NormFloat64()*s*math.Sqrt(1-rho*rho)
			return v
		})
	},
	"slower at first": func(r *rand.Rand, n int) []float64 {
		more, tau := 2*r.Float64(), 0.3+2*r.Float64()
		return noisy(r, n, anySpread(r), func(i int) float64 { return 1 + more*math.Exp(-float64(i)/tau) })
	},
	"drift": func(r *rand.Rand, n int) []float64 {
		all := 0.15 * r.NormFloat64()
		return noisy(r, n, anySpread(r), func(i int) float64 { return 1 + all*float64(i)/float64(n) })
	},
	"a step that is past": func(r *rand.Rand, n int) []float64 {
		to, at := 0.7+0.8*r.Float64(), 2+r.IntN(max(n/10, 1))
		return noisy(r, n, anySpread(r), func(i int) float64 {
			if i < at {
				return 1
			}
			return to
		})
	},
	"wander": func(r *rand.Rand, n int) []float64 {
		v, s := 1.0, 0.15/math.Sqrt(float64(n))*r.Float64()
		return noisy(r, n, anySpread(r), func(int) float64 { v *= math.Exp(s * r.NormFloat64()); return v })
	},
	"a pause that is past": func(r *rand.Rand, n int) []float64 {
		at, as := 1+r.IntN(max(n/10, 1)), 6+20*r.Float64()
		return noisy(r, n, anySpread(r), func(i int) float64 {
			if i == at {
				return as
			}
			return 1
		})
	},
	"some take much more": func(r *rand.Rand, n int) []float64 {
		return noisy(r, n, 0.02, func(int) float64 {
			if r.Float64() < 0.1 {
				return 1.5
			}
			return 1
		})
	},
	"every fifth takes more": func(r *rand.Rand, n int) []float64 {
		return noisy(r, n, 0.01, func(i int) float64 {
			if i%5 == 4 {
				return 1.3
			}
			return 1
		})
	},
}

func anySpread(r *rand.Rand) float64 { return 0.01 + 0.14*r.Float64() }

func noisy(r *rand.Rand, n int, spread float64, of func(i int) float64) []float64 {
	y := make([]float64, n)
	for i := range y {
		y[i] = of(i) * math.Exp(spread*r.NormFloat64())
	}
	return y
}

// TestTheIntervalsCoverWhatComes holds forecasts to what they say of themselves:
// in each of many worlds, early and late.
func TestTheIntervalsCoverWhatComes(t *testing.T) {
	race.SkipStatistics(t)
	const trials = 60
	all, in95, in90 := 0, 0, 0
	for name, world := range worlds {
		for _, c := range []struct{ n, of int }{{3, 30}, {5, 50}, {5, 10}, {10, 100}, {25, 50}, {30, 60}, {60, 600}, {45, 50}} {
			r := rand.New(rand.NewPCG(1, uint64(c.n*1000+c.of)))
			hits95, hits90, width, bias := 0, 0, 0.0, 0.0
			for range trials {
				y := world(r, c.of)
				rest := float64(c.of - c.n)
				truth := meanOf(y[c.n:]) * rest
				p := extrapolate(like(y[:c.n]), rest)
				if p.quantile(0.025) <= truth && truth <= p.quantile(0.975) {
					hits95++
				}
				if p.quantile(0.05) <= truth && truth <= p.quantile(0.95) {
					hits90++
				}
				width += (p.quantile(0.975) - p.quantile(0.025)) / truth / trials / 2
				bias += (p.mean()/truth - 1) / trials
			}
			all, in95, in90 = all+trials, in95+hits95, in90+hits90
			covers := float64(hits95) / trials
			assert.Greater(t, covers, 0.75, "%s, %d of %d", name, c.n, c.of) // one of them steps when it was foretold already
			t.Logf("%-24s %3d of %3d: 95 %% covers %.3f, 90 %% %.3f, ± %.1f %%, off by %+.1f %%", name, c.n, c.of, covers, float64(hits90)/trials, 100*width, 100*bias)
		}
	}
	t.Logf("of all %.3f and %.3f", float64(in95)/float64(all), float64(in90)/float64(all))
	assert.GreaterOrEqual(t, float64(in95)/float64(all), 0.95)
	assert.GreaterOrEqual(t, float64(in90)/float64(all), 0.90)
}

// like is what of y tells what is to come.
func like(y []float64) []float64 {
	at, paused := pauseIn(y)
	of, _ := typical(y, at, paused)
	return of
}

func TestPausesThatComeAgainAreToCome(t *testing.T) {
	assert.Equal(t, []float64{2, 3, 1}, like([]float64{1, 2, 3, 30, 1}))
	for _, y := range [][]float64{{30, 1, 2, 1, 2}, {1, 2, 30, 3, 30, 1}, {1, 1, 1, 30}, {1, 2, 4, 1, 2}, {0, 0, 0, 0, 0}} {
		assert.Equal(t, y[1:], like(y))
	}
}

// A host may throttle, or pause, at any time: forecasts know it once it has
// happened, and a pause is not taken to come again.
func TestForecastsKnowAStepOrAPauseThatIsPast(t *testing.T) {
	race.SkipStatistics(t)
	const trials = 100
	for name, world := range map[string]func(i, at int) float64{
		"nothing changes": func(int, int) float64 { return 1 },
		"it steps to half more": func(i, at int) float64 {
			if i < at {
				return 1
			}
			return 1.5
		},
		"one takes 20 times as long": func(i, at int) float64 {
			if i != at {
				return 1
			}
			return 20
		},
	} {
		for _, n := range []int{20, 60} {
			for _, quarter := range []int{1, 2, 3} {
				r := rand.New(rand.NewPCG(2, uint64(n+quarter)))
				past, coming, in95, in90, missed, width := 0, 0, 0, 0, 0, 0.0
				for range trials {
					k, at := quarter*n/4, 1+r.IntN(n-1)
					y := noisy(r, n, anySpread(r), func(i int) float64 { return world(i, at) })
					truth := meanOf(y[k:]) * float64(n-k)
					p := extrapolate(like(y[:k]), float64(n-k))
					in := p.quantile(0.025) <= truth && truth <= p.quantile(0.975)
					if at >= k {
						coming++
						if !in {
							missed++
						}
						continue
					}
					past++
					width += (p.quantile(0.975) - p.quantile(0.025)) / truth / 2
					if in {
						in95++
					}
					if p.quantile(0.05) <= truth && truth <= p.quantile(0.95) {
						in90++
					}
				}
				t.Logf("%-26s at %d/4 of %d: of %d before it 95 %% holds %d, 90 %% %d, ± %.0f %%; of %d yet to come %d are missed", name, quarter, n, past, in95, in90, 100*width/float64(past), coming, missed)
				assert.GreaterOrEqual(t, float64(in95)/float64(past), 0.9, "%s, %d/4 of %d", name, quarter, n)
				assert.Less(t, width/float64(past), 0.5, "%s, %d/4 of %d", name, quarter, n)
			}
		}
	}
}
