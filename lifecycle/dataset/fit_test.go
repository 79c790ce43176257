package dataset_test

import (
	"fmt"
	"math"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/ecotracer/ecotracer/internal/race"
	"github.com/ecotracer/ecotracer/lifecycle"
	"github.com/ecotracer/ecotracer/lifecycle/dataset"
)

// lawful is a law by which runs come out, against what physics says.
type lawful struct {
	name string
	// draw draws what all runs of one world have in common, and returns the law:
	// by how much the logarithms of the time and of the power are off.
	draw func(rng *rand.Rand) func(rng *rand.Rand, p *dataset.Plan) (duration, power float64)
}

var worldDevices = []string{"A100 SXM4 80GB", "H100 SXM5 80GB", "Tesla V100 SXM2 32GB", "TPU v4"}

// offsets draws one for each device.
func offsets(rng *rand.Rand, sd float64) map[string]float64 {
	of := map[string]float64{}
	for _, d := range worldDevices {
		of[d] = sd * rng.NormFloat64()
	}
	return of
}

// studentOf draws Student's t.
func studentOf(rng *rand.Rand, degrees int) float64 {
	var chi float64
	for range degrees {
		x := rng.NormFloat64()
		chi += x * x
	}
	return rng.NormFloat64() / math.Sqrt(chi/float64(degrees))
}

// What physics says of a large language model: how sure it is of the time (the
// share of the peak 0.2 to 0.6 about 0.35, and a fifth of the arithmetic) and of
// the power (0.45 to 2.2).
const (
	sureOfTime  = 0.307
	sureOfPower = 0.403
)

var worlds = []lawful{
	{"as physics says", func(rng *rand.Rand) func(*rand.Rand, *dataset.Plan) (float64, float64) {
		common, device, power := rng.NormFloat64(), offsets(rng, 1), offsets(rng, 1)
		both := rng.NormFloat64()
		return func(rng *rand.Rand, p *dataset.Plan) (float64, float64) {
			mix := func(all, of float64) float64 {
				return math.Sqrt(0.4)*all + math.Sqrt(0.2)*of + math.Sqrt(0.4)*rng.NormFloat64()
			}
			return sureOfTime * mix(common, device[p.Accelerator]), sureOfPower * mix(both, power[p.Accelerator])
		}
	}},
	{"power law", func(rng *rand.Rand) func(*rand.Rand, *dataset.Plan) (float64, float64) {
		common := sureOfTime * rng.NormFloat64()
		return func(rng *rand.Rand, p *dataset.Plan) (float64, float64) {
			return common - 0.15*math.Log(p.Parameters/7e9) + 0.1*math.Log(float64(p.Count)/64) + 0.1*rng.NormFloat64(), 0.1 * rng.NormFloat64()
		}
	}},
	{"hardware effects", func(rng *rand.Rand) func(*rand.Rand, *dataset.Plan) (float64, float64) {
		time, power := offsets(rng, 0.35), offsets(rng, 0.25)
		return func(rng *rand.Rand, p *dataset.Plan) (float64, float64) {
			return time[p.Accelerator] + 0.1*rng.NormFloat64(), power[p.Accelerator] + 0.05*rng.NormFloat64()
		}
	}},
	{"heavy tails", func(rng *rand.Rand) func(*rand.Rand, *dataset.Plan) (float64, float64) {
		common := sureOfTime * rng.NormFloat64()
		return func(rng *rand.Rand, p *dataset.Plan) (float64, float64) {
			return common + 0.12*studentOf(rng, 2), 0.08 * studentOf(rng, 3)
		}
	}},
	{"noise by device", func(rng *rand.Rand) func(*rand.Rand, *dataset.Plan) (float64, float64) {
		common := sureOfTime * rng.NormFloat64()
		return func(rng *rand.Rand, p *dataset.Plan) (float64, float64) {
			sd := 0.05
			if p.Accelerator == worldDevices[0] || p.Accelerator == worldDevices[2] {
				sd = 0.3
			}
			return common + sd*rng.NormFloat64(), sd * rng.NormFloat64() / 2
		}
	}},
	{"programs with many runs", func(rng *rand.Rand) func(*rand.Rand, *dataset.Plan) (float64, float64) {
		common, own := 0.2*rng.NormFloat64(), map[string]float64{}
		return func(rng *rand.Rand, p *dataset.Plan) (float64, float64) {
			if _, ok := own[p.Series]; !ok {
				own[p.Series] = 0.3 * rng.NormFloat64()
			}
			return common + own[p.Series] + 0.05*rng.NormFloat64(), own[p.Series]/2 + 0.05*rng.NormFloat64()
		}
	}},
}

// planIn draws a plan; of a world with programs some twenty runs are of one.
func planIn(rng *rand.Rand, w *lawful, programs int) dataset.Plan {
	p := dataset.Plan{Kind: "ml", Task: "text-generation", TrainingType: "pre-training", Epochs: 1, Batch: 1024}
	p.Accelerator, p.Country = worldDevices[rng.IntN(len(worldDevices))], "FR"
	p.Parameters = 1e9 * math.Pow(100, rng.Float64())
	p.DatasetTokens = 1e10 * math.Pow(100, rng.Float64())
	p.Count = 8 << rng.IntN(6)
	if w.name == "programs with many runs" {
		p.Series = fmt.Sprint("program ", rng.IntN(programs))
	}
	return p
}

// truth is what a plan comes to in a world, with the grams: what PUE and grid
// truly are is drawn from what the factors tell of them.
type truth struct{ duration, energy, grams float64 }

var physics = new(dataset.Fitter).Fit()

func truthOf(t testing.TB, rng *rand.Rand, p dataset.Plan, law func(*rand.Rand, *dataset.Plan) (float64, float64)) truth {
	f, err := physics.Predict(p)
	require.NoError(t, err)
	duration, power := law(rng, &p)
	x := truth{duration: f.DurationS.Value * math.Exp(duration)}
	x.energy = f.EnergyJ.Value * math.Exp(duration+power)
	x.grams = x.energy / 3.6e6
	for _, in := range f.Inputs[len(f.Inputs)-2:] {
		mid, sd := (math.Log(in.Low)+math.Log(in.High))/2, math.Log(in.High/in.Low)/(2*1.959964)
		x.grams *= math.Exp(mid + sd*rng.NormFloat64())
	}
	return x
}

func (x truth) outcome() dataset.Outcome {
	return dataset.Outcome{DurationS: x.duration, EnergyJ: x.energy, Method: lifecycle.Counter}
}

// intervals is how often an interval held what it was of, and how wide it was.
type intervals struct {
	n, duration, energy, grams int
	width                      float64 // logarithm of high over low of the energy, mean
}

func (c *intervals) take(f *dataset.Prediction, x truth) {
	in := func(r dataset.Range, v float64) int {
		if r.Low <= v && v <= r.High {
			return 1
		}
		return 0
	}
	c.n++
	c.duration += in(*f.DurationS, x.duration)
	c.energy += in(f.EnergyJ, x.energy)
	c.grams += in(f.OperationalGCO2e, x.grams)
	c.width += (math.Log(f.EnergyJ.High/f.EnergyJ.Low) - c.width) / float64(c.n)
}

// cover makes worlds up, fits to n runs of each and predicts others.
func cover(t testing.TB, w *lawful, n, replicates, each int) (c intervals) {
	rng := rand.New(rand.NewPCG(uint64(n), uint64(len(w.name))))
	for range replicates {
		law := w.draw(rng)
		var f dataset.Fitter
		for i := range n {
			p := planIn(rng, w, 20)
			f.Observe(fmt.Sprint(i, rng.Uint64()), p, truthOf(t, rng, p, law).outcome())
		}
		predictor := f.Fit()
		for range each {
			p := planIn(rng, w, 20)
			if w.name == "programs with many runs" {
				p.Series = fmt.Sprint("new program ", rng.Uint64()) // as seldom as not, intervals are told for what is new
			}
			got, err := predictor.Predict(p)
			require.NoError(t, err)
			c.take(got, truthOf(t, rng, p, law))
		}
	}
	return c
}

// Nine in ten intervals hold what a run comes to, whatever the law is: of many
// runs about as many, of few no fewer, for intervals from few are wide on purpose.
// Without any run the law must be what physics says. The bounds are 0.9 and four
// standard errors of the number of worlds that are made up, and of what the runs
// of one world have in common.
func TestIntervalsHoldWhatTheySay(t *testing.T) {
	race.SkipStatistics(t)
	for i := range worlds {
		w := &worlds[i]
		t.Run(w.name, func(t *testing.T) {
			t.Parallel()
			width := map[int]float64{}
			for _, test := range []struct {
				n, replicates, each int
				low, high           float64
			}{
				{0, 400, 1, 0.84, 0.96},
				{3, 200, 1, 0.815, 1},
				{10, 160, 1, 0.805, 1},
				{50, 30, 10, 0.83, 0.97},
				{1000, 4, 100, 0.84, 0.96},
			} {
				c := cover(t, w, test.n, test.replicates, test.each)
				share := func(k int) float64 { return float64(k) / float64(c.n) }
				width[test.n] = c.width
				t.Logf("%4d runs: of %d intervals of the time %.3f hold it, of the energy %.3f, of the emissions %.3f; the energy within a factor of %.2f either way",
					test.n, c.n, share(c.duration), share(c.energy), share(c.grams), math.Exp(c.width/2))
				if test.n == 0 && w.name != "as physics says" {
					continue
				}
				for what, k := range map[string]int{"duration": c.duration, "energy": c.energy, "emissions": c.grams} {
					assert.GreaterOrEqual(t, share(k), test.low, "%s from %d runs", what, test.n)
					assert.LessOrEqual(t, share(k), test.high, "%s from %d runs", what, test.n)
				}
			}
			if w.name == "programs with many runs" { // of which a new one differs as much as physics allows
				return
			}
			assert.Less(t, width[10], width[0], "ten runs tell more than none")
			assert.Less(t, width[50], width[10])
			assert.Less(t, width[1000], width[50]*1.02, "and a thousand no less than fifty")
		})
	}
}

// A program that ran before is told closer than a new one, and as surely.
func TestAProgramThatIsKnownIsToldCloser(t *testing.T) {
	race.SkipStatistics(t)
	w := &worlds[len(worlds)-1]
	require.Equal(t, "programs with many runs", w.name)
	rng := rand.New(rand.NewPCG(7, 8))
	var known, fresh intervals
	for range 12 {
		law := w.draw(rng)
		var f dataset.Fitter
		for i := range 200 {
			p := planIn(rng, w, 20)
			f.Observe(fmt.Sprint(i), p, truthOf(t, rng, p, law).outcome())
		}
		predictor := f.Fit()
		for range 50 {
			p := planIn(rng, w, 20)
			got, err := predictor.Predict(p)
			require.NoError(t, err)
			known.take(got, truthOf(t, rng, p, law))
			p.Series = fmt.Sprint("new ", rng.Uint64())
			got, err = predictor.Predict(p)
			require.NoError(t, err)
			fresh.take(got, truthOf(t, rng, p, law))
		}
	}
	t.Logf("known: %d of %d hold the energy, within a factor of %.2f; new: %d, within %.2f", known.energy, known.n, math.Exp(known.width/2), fresh.energy, math.Exp(fresh.width/2))
	for _, c := range []intervals{known, fresh} {
		assert.InDelta(t, 0.9, float64(c.energy)/float64(c.n), 0.06)
		assert.InDelta(t, 0.9, float64(c.duration)/float64(c.n), 0.06)
	}
	assert.Less(t, known.width, fresh.width/3)
}

// What is far from all records is told so, and less sure, the farther the less:
// in the end it is physics.
func TestExtrapolationIsToldAndWidens(t *testing.T) {
	w := &worlds[1]
	rng := rand.New(rand.NewPCG(9, 10))
	law := w.draw(rng)
	var f dataset.Fitter
	for i := range 300 {
		p := planIn(rng, w, 0)
		f.Observe(fmt.Sprint(i), p, truthOf(t, rng, p, law).outcome())
	}
	predictor := f.Fit()
	plan := planIn(rng, w, 0)
	last, held, n := 0.0, 0, 0
	for i, size := range []float64{1e10, 1e12, 1e13, 1e15} {
		plan.Parameters = size
		got, err := predictor.Predict(plan)
		require.NoError(t, err)
		width := math.Log(got.EnergyJ.High / got.EnergyJ.Low)
		assert.Greater(t, width, last)
		last = width
		if i == 0 {
			assert.Empty(t, got.Warnings)
			continue
		}
		assert.Contains(t, fmt.Sprint(got.Warnings), "outside of the records: parameters are")
		if i < 3 {
			for range 200 {
				x := truthOf(t, rng, plan, law)
				if n++; got.EnergyJ.Low <= x.energy && x.energy <= got.EnergyJ.High {
					held++
				}
			}
		}
	}
	assert.GreaterOrEqual(t, float64(held)/float64(n), 0.85, "ten and a hundred times beyond, by a law that goes on")
	far, err := predictor.Predict(plan)
	require.NoError(t, err)
	assert.InDelta(t, 0, math.Log(far.EnergyJ.Value/far.Physics.Value), 0.15, "what was learned does not reach so far")

	plan = planIn(rng, w, 0)
	plan.Accelerator, plan.Task = "RTX 4090", "chess"
	got, err := predictor.Predict(plan)
	require.NoError(t, err)
	for _, what := range []string{"no record has runs on", "no record has work of the kind \"ml chess\""} {
		assert.Contains(t, fmt.Sprint(got.Warnings), what)
	}
}

// Without records a prediction is the physical estimate, and a record whose unit
// is wrong moves it no more than a record does that is right.
func TestAWrongUnitMovesLittle(t *testing.T) {
	w := &worlds[2]
	rng := rand.New(rand.NewPCG(11, 12))
	law := w.draw(rng)
	var right, wrong dataset.Fitter
	for i := range 40 {
		p := planIn(rng, w, 0)
		x := truthOf(t, rng, p, law).outcome()
		right.Observe(fmt.Sprint(i), p, x)
		if i == 17 {
			x.EnergyJ *= 3600
		}
		wrong.Observe(fmt.Sprint(i), p, x)
	}
	plan := planIn(rng, w, 0)
	a, err := right.Fit().Predict(plan)
	require.NoError(t, err)
	b, err := wrong.Fit().Predict(plan)
	require.NoError(t, err)
	assert.Less(t, math.Abs(math.Log(a.EnergyJ.Value/b.EnergyJ.Value)), math.Log(1.15))
}

// The order in which records come, and the workers that they come by, change
// nothing.
func TestFittersMergeInAnyOrder(t *testing.T) {
	w := &worlds[5]
	rng := rand.New(rand.NewPCG(13, 14))
	law := w.draw(rng)
	var all dataset.Fitter
	var parts [3]dataset.Fitter
	for i := range 90 {
		p := planIn(rng, w, 5)
		x := truthOf(t, rng, p, law).outcome()
		all.Observe(fmt.Sprint(i), p, x)
		parts[rng.IntN(3)].Observe(fmt.Sprint(i), p, x)
	}
	var merged dataset.Fitter
	for _, i := range []int{2, 0, 1} {
		merged.Merge(&parts[i])
	}
	plan := planIn(rng, w, 5)
	a, err := all.Fit().Predict(plan)
	require.NoError(t, err)
	b, err := merged.Fit().Predict(plan)
	require.NoError(t, err)
	assert.Equal(t, a, b)
}

// A prediction tells the records that it leans on: of one device and program
// those, by weights that say how much of a change of theirs shows.
func TestAPredictionTellsWhatItLeansOn(t *testing.T) {
	w := &worlds[5]
	rng := rand.New(rand.NewPCG(15, 16))
	law := w.draw(rng)
	var f, g dataset.Fitter
	for i := range 60 {
		p := planIn(rng, w, 6)
		x := truthOf(t, rng, p, law).outcome()
		f.Observe(fmt.Sprint(i), p, x)
		x.EnergyJ *= 1.01
		g.Observe(fmt.Sprint(i), p, x)
	}
	plan := planIn(rng, w, 6)
	list, all, err := f.Fit().Lean(plan, 5)
	require.NoError(t, err)
	require.Len(t, list, 5)
	assert.Equal(t, plan.Series, list[0].Series)
	a, err := f.Fit().Predict(plan)
	require.NoError(t, err)
	b, err := g.Fit().Predict(plan)
	require.NoError(t, err)
	assert.InDelta(t, all, math.Log(b.EnergyJ.Value/a.EnergyJ.Value)/math.Log(1.01), 0.05, "a factor that all are off by shows by that part")
	_, none, err := physics.Lean(plan, 5)
	require.NoError(t, err)
	assert.Zero(t, none)
}
