package dataset_test

import (
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/ecotracer/ecotracer/lifecycle/dataset"
)

// manyRuns are runs of many programs on several devices.
func manyRuns(b *testing.B, n int) *dataset.Fitter {
	rng := rand.New(rand.NewPCG(1, 2))
	law := worlds[1].draw(rng)
	f := &dataset.Fitter{}
	for i := range n {
		p := planIn(rng, &worlds[1], 0)
		p.Series, p.Task = fmt.Sprint("program ", rng.IntN(1+n/10)), fmt.Sprint("task ", rng.IntN(100))
		f.Observe(fmt.Sprint(i), p, truthOf(b, rng, p, law).outcome())
	}
	return f
}

func BenchmarkFitOf100000Runs(b *testing.B) {
	f := manyRuns(b, 100_000)
	for b.Loop() {
		f.Fit()
	}
}

func BenchmarkPredictAfter100000Runs(b *testing.B) {
	p := manyRuns(b, 100_000).Fit()
	plan := planIn(rand.New(rand.NewPCG(3, 4)), &worlds[1], 0)
	for b.Loop() {
		_, err := p.Predict(plan)
		require.NoError(b, err)
	}
}

func BenchmarkLeanOn100000Runs(b *testing.B) {
	p := manyRuns(b, 100_000).Fit()
	plan := planIn(rand.New(rand.NewPCG(3, 4)), &worlds[1], 0)
	for b.Loop() {
		_, _, err := p.Lean(plan, 5)
		require.NoError(b, err)
	}
}
