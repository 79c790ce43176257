package dataset_test

import (
	"fmt"
	"math"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/ecotracer/ecotracer/lifecycle/dataset"
)

// Records that tell nothing of one another do not make a prediction worse than
// physics: not by their own error, nor for runs that are new.
func TestRecordsThatTellNothingOfOneAnotherDoNoHarm(t *testing.T) {
	for name, off := range map[string]func(rng *rand.Rand, i int) float64{
		"one in four is of another kind": func(rng *rand.Rand, _ int) float64 {
			if rng.Float64() < 0.25 {
				return 1.5 + 0.3*rng.NormFloat64()
			}
			return 0.05 * rng.NormFloat64()
		},
		"each is off as it likes": func(rng *rand.Rand, _ int) float64 { return 0.3 * rng.NormFloat64() },
		"every other is of one program": func(rng *rand.Rand, i int) float64 {
			if i%2 == 1 {
				return 1.2 + 0.05*rng.NormFloat64()
			}
			return 0.05 * rng.NormFloat64()
		},
	} {
		for _, n := range []int{3, 12, 40} {
			var own, alone, fresh, physically float64
			won := 0
			const replicates = 20
			for r := range uint64(replicates) {
				rng := rand.New(rand.NewPCG(uint64(n), r))
				draw := func(i int) (dataset.Plan, truth) {
					p := planIn(rng, &worlds[1], 0)
					p.Series = fmt.Sprint("program ", i)
					if i%2 == 1 {
						p.Series = "the same"
					}
					by := off(rng, i)
					return p, truthOf(t, rng, p, func(*rand.Rand, *dataset.Plan) (float64, float64) { return by, 0 })
				}
				var f dataset.Fitter
				for i := range n {
					p, x := draw(i)
					f.Observe(fmt.Sprint(i), p, x.outcome())
				}
				predictor := f.Fit()
				for k := range 20 {
					p, x := draw(1000 + 2*k)
					got, err := predictor.Predict(p)
					require.NoError(t, err)
					fresh += math.Abs(math.Log(got.EnergyJ.Value/x.energy)) / 20
					physically += math.Abs(math.Log(got.Physics.Value/x.energy)) / 20
					if math.Abs(got.EnergyJ.Value/got.Physics.Value-1) < 1e-9 && strings.Contains(fmt.Sprint(got.Warnings), "is left out") {
						won++
					}
					if k == 0 {
						own, alone = own+math.Log(got.EnergyError.Factor), alone+math.Log(got.EnergyError.PriorAlone)
					}
				}
			}
			t.Logf("%s, %d runs: %d of 400 by physics alone; its own error ×%.3f, of physics ×%.3f; of new ones ×%.3f, ×%.3f", name, n, won,
				math.Exp(own/replicates), math.Exp(alone/replicates), math.Exp(fresh/replicates), math.Exp(physically/replicates))
			if strings.HasPrefix(name, "one in four") {
				assert.Positive(t, won, "that physics wins is told")
			}
			assert.LessOrEqual(t, own, alone*1.03+0.02*replicates, "%s, %d", name, n)
			most := 1.2 // which of few cannot be told apart from chance
			if n == 40 {
				most = 1.05
			}
			assert.LessOrEqual(t, fresh, physically*most, "%s, %d", name, n)
		}
	}
}
