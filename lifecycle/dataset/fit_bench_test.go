package dataset_test

import (
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/ecotracer/ecotracer/lifecycle/dataset"
)

// manyRuns are runs of many programs on several devices, over four years.
func manyRuns(b *testing.B, n int, trend float64) *dataset.Fitter {
	rng := rand.New(rand.NewPCG(1, 2))
	law := worlds[1].draw(rng)
	f := &dataset.Fitter{}
	for i := range n {
		p := planIn(rng, &worlds[1], 0)
		p.Series, p.Task = fmt.Sprint("program ", rng.IntN(1+n/10)), fmt.Sprint("task ", rng.IntN(100))
		d, years := drifting{lawful: &worlds[1], trend: byYear(trend)}, 4*rng.Float64()
		o := d.truthIn(b, rng, p, law, years).outcome()
		o.Began = inYear(years)
		f.Observe(fmt.Sprint(i), p, o)
	}
	return f
}

func BenchmarkFitOf100000Runs(b *testing.B) {
	for name, trend := range map[string]float64{"that stay": 0, "that drift": -0.3} {
		b.Run(name, func(b *testing.B) {
			f := manyRuns(b, 100_000, trend)
			for b.Loop() {
				f.Fit()
			}
		})
	}
}

func BenchmarkPredictAfter100000Runs(b *testing.B) {
	p := manyRuns(b, 100_000, -0.3).Fit()
	plan := planIn(rand.New(rand.NewPCG(3, 4)), &worlds[1], 0)
	for b.Loop() {
		_, err := p.Predict(plan)
		require.NoError(b, err)
	}
}

func BenchmarkLeanOn100000Runs(b *testing.B) {
	p := manyRuns(b, 100_000, -0.3).Fit()
	plan := planIn(rand.New(rand.NewPCG(3, 4)), &worlds[1], 0)
	for b.Loop() {
		_, _, err := p.Lean(plan, 5)
		require.NoError(b, err)
	}
}
