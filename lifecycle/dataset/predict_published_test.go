package dataset_test

import (
	"encoding/csv"
	"math"
	"os"
	"slices"
	"strconv"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/ecotracer/ecotracer/internal/race"
	"github.com/ecotracer/ecotracer/lifecycle"
	"github.com/ecotracer/ecotracer/lifecycle/dataset"
)

// publishedRun is a training run that was published: see testdata/published.csv.
// What found says recalled was not read again.
type publishedRun struct {
	name string
	plan dataset.Plan
	is   dataset.Outcome
}

func published(t testing.TB) (runs []publishedRun) {
	f, err := os.Open("testdata/published.csv")
	require.NoError(t, err)
	defer f.Close()
	rows, err := csv.NewReader(f).ReadAll()
	require.NoError(t, err)
	number := func(text string) float64 {
		if text == "" {
			return 0
		}
		x, err := strconv.ParseFloat(text, 64)
		require.NoError(t, err)
		return x
	}
	for _, row := range rows[1:] {
		p := dataset.Plan{Kind: "ml", Task: "text-generation", TrainingType: "pre-training", Series: row[1], Precision: row[7]}
		p.Parameters, p.Active, p.Tokens, p.FLOP = number(row[2]), number(row[3]), number(row[4]), number(row[5])
		p.Accelerator, p.Country = row[6], "US"
		// Hours of all devices together: as if one had done it.
		runs = append(runs, publishedRun{row[0], p, dataset.Outcome{
			DurationS: number(row[8]) * 3600, EnergyJ: number(row[9]) * 3.6e6, Method: lifecycle.Declared,
		}})
	}
	return runs
}

// How far off a prediction of published runs is: of hours of devices, by physics
// alone, and corrected by what others published. Family: all of one publisher's
// are left out. `go test -run Published -v` prints it.
func TestPublishedTrainingRunsAreToldFromOneAnother(t *testing.T) {
	race.SkipStatistics(t)
	runs := published(t)
	type off struct {
		factors, energies []float64
		in, n             int
	}
	fold := func(left func(a, b *publishedRun) bool, tell bool) (o off) {
		for i := range runs {
			var f dataset.Fitter
			for k := range runs {
				if left != nil && !left(&runs[i], &runs[k]) {
					f.Observe(runs[k].name, runs[k].plan, runs[k].is)
				}
			}
			got, err := f.Fit().Predict(runs[i].plan)
			require.NoError(t, err, runs[i].name)
			was := runs[i].is.DurationS
			o.n++
			if got.DurationS.Low <= was && was <= got.DurationS.High {
				o.in++
			}
			o.factors = append(o.factors, math.Abs(math.Log(got.DurationS.Value/was)))
			if e := runs[i].is.EnergyJ; e > 0 {
				o.energies = append(o.energies, math.Abs(math.Log(got.EnergyJ.Value/e)))
			}
			if tell {
				t.Logf("%-20s %12.0f h, told %12.0f (%.0f to %.0f)", runs[i].name, was/3600, got.DurationS.Value/3600, got.DurationS.Low/3600, got.DurationS.High/3600)
			}
		}
		return o
	}
	median := func(x []float64) float64 { slices.Sort(x); return math.Exp(x[len(x)/2]) }
	mean := func(x []float64) float64 {
		sum := 0.0
		for _, v := range x {
			sum += v
		}
		return math.Exp(sum / float64(len(x)))
	}
	physics := fold(nil, true)
	family := fold(func(a, b *publishedRun) bool { return a.plan.Series == b.plan.Series }, true)
	row := fold(func(a, b *publishedRun) bool { return a.name == b.name }, false)
	for name, o := range map[string]off{"physics alone": physics, "corrected, family left out": family, "corrected, one left out": row} {
		t.Logf("%-28s hours: median ×%.2f, geometric mean ×%.2f, within the interval %d of %d; energy (%d): median ×%.2f", name, median(o.factors), mean(o.factors), o.in, o.n, len(o.energies), median(o.energies))
	}
	assert.Less(t, mean(physics.factors), 1.65)
	assert.Less(t, mean(family.factors), 1.65, "what other publishers did does no harm")
	assert.Less(t, mean(row.factors), 1.4, "what the same publisher did helps")
	assert.Less(t, mean(row.factors), mean(physics.factors))
	assert.GreaterOrEqual(t, family.in, 35, "of 44: nine in ten, less two standard errors")
	assert.GreaterOrEqual(t, row.in, 35)
}
