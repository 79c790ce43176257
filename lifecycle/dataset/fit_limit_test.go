package dataset

import (
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/ecotracer/ecotracer/lifecycle"
)

// Of more runs than are kept a draw is learned from that does not depend on their
// order, and the prediction says so.
func TestTooManyRunsAreDrawnFromInAnyOrder(t *testing.T) {
	plan := Plan{}
	plan.Accelerator, plan.Parameters, plan.Tokens = "A100 SXM4 80GB", 1e9, 1e11
	order := rand.New(rand.NewPCG(1, 2)).Perm(500)
	fit := func(at func(int) int) *Predictor {
		f := Fitter{limit: 50}
		for i := range order {
			k := at(i)
			f.Observe(fmt.Sprint("run ", k), plan, Outcome{DurationS: 1e6 * (1 + float64(k%7)/10), EnergyJ: 5e8, Method: lifecycle.Counter})
			require.Less(t, len(f.runs[0]), 100)
		}
		return f.Fit()
	}
	a, err := fit(func(i int) int { return i }).Predict(plan)
	require.NoError(t, err)
	b, err := fit(func(i int) int { return order[i] }).Predict(plan)
	require.NoError(t, err)
	assert.Equal(t, a, b)
	assert.Equal(t, []int{50, 500}, []int{a.Runs, a.Of})
	assert.Contains(t, fmt.Sprint(a.Warnings), "of 500 runs 50 were drawn")
}

// The inverse and the solution of a factored matrix are those of the matrix.
func TestCholeskySolves(t *testing.T) {
	rng := rand.New(rand.NewPCG(3, 4))
	const n = 40
	m := newSquare(n)
	for range 60 {
		x := make([]float64, n)
		for i := range x {
			x[i] = rng.NormFloat64()
		}
		for i := range n {
			for k := range n {
				m.a[i*n+k] += x[i] * x[k]
			}
		}
	}
	f := &square{n, append([]float64(nil), m.a...)}
	require.True(t, f.factor())
	b := make([]float64, n)
	b[3] = 1
	f.solve(b)
	inv := f.inverse()
	for i := range n {
		row := 0.0
		for k := range n {
			row += m.a[i*n+k] * b[k]
		}
		want := 0.0
		if i == 3 {
			want = 1
		}
		assert.InDelta(t, want, row, 1e-9)
		assert.InDelta(t, b[i], inv.a[i*n+3], 1e-12)
	}
	m.a[0] = -1
	assert.False(t, m.factor(), "it is not positive definite")
}
