package dataset_test

import (
	"fmt"
	"math"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/ecotracer/ecotracer/internal/race"
	"github.com/ecotracer/ecotracer/lifecycle/dataset"
	"github.com/ecotracer/ecotracer/lifecycle/estimate"
)

// inYear is a day, in years from 2021.
func inYear(years float64) time.Time {
	return time.Date(2021, 1, 1, 0, 0, 0, 0, time.UTC).Add(time.Duration(years * 365.25 * 24 * float64(time.Hour)))
}

// drifting is a world in which the logarithms of what runs come to change over the
// years, as trend says.
type drifting struct {
	*lawful
	trend  func(years float64) float64
	modern bool // devices come one after the other, and models grow
}

func (d *drifting) plan(rng *rand.Rand, years float64) dataset.Plan {
	p := planIn(rng, d.lawful, 20)
	if p.When = inYear(years); d.modern {
		p.Accelerator = worldDevices[min(max(int(years-1.2*rng.Float64()), 0), 3)]
		p.Parameters = 1e9 * math.Pow(100, min(max(years/5+0.2*rng.NormFloat64(), 0), 1))
	}
	return p
}

func byYear(slope float64) func(float64) float64 {
	return func(years float64) float64 { return slope * years }
}

// truthIn is what a plan comes to in a year.
func (d *drifting) truthIn(t testing.TB, rng *rand.Rand, p dataset.Plan, law func(*rand.Rand, *dataset.Plan) (float64, float64), years float64) truth {
	x, by := truthOf(t, rng, p, law), math.Exp(d.trend(years))
	return truth{x.duration * by, x.energy * by, x.grams * by}
}

// fit fits to n runs of four years, of which a part tells no date.
func (d *drifting) fit(t testing.TB, rng *rand.Rand, law func(*rand.Rand, *dataset.Plan) (float64, float64), n int, undated float64) *dataset.Predictor {
	var f dataset.Fitter
	for i := range n {
		years := 4 * rng.Float64()
		p := d.plan(rng, years)
		o := d.truthIn(t, rng, p, law, years).outcome()
		if rng.Float64() >= undated {
			o.Began = inYear(years)
		}
		f.Observe(fmt.Sprint(i, rng.Uint64()), p, o)
	}
	return f.Fit()
}

// ahead is how often intervals hold what plans up to a year after the last record
// come to, and how often a drift is told.
func (d *drifting) ahead(t testing.TB, n, replicates int, undated float64) (c intervals, told int) {
	rng := rand.New(rand.NewPCG(uint64(n), 5))
	for range replicates {
		law := d.draw(rng)
		predictor := d.fit(t, rng, law, n, undated)
		for k := range 40 {
			years := 4 + float64(k%4)/3
			p := d.plan(rng, years)
			if p.Series != "" && k/4%2 == 0 {
				p.Series = fmt.Sprint("new program ", rng.Uint64())
			}
			got, err := predictor.Predict(p)
			require.NoError(t, err)
			c.take(got, d.truthIn(t, rng, p, law, years))
			if k == 0 && strings.Contains(fmt.Sprint(got.Warnings), "the records drift: since 2021 runs come from year to year to") {
				told++
			}
		}
	}
	return c, told
}

// Where runs come to less or more from year to year, nine in ten intervals hold
// what plans up to a year ahead come to, whatever else the law is; where they do
// not, nothing is said of it.
func TestADriftOverTheYearsIsFollowed(t *testing.T) {
	race.SkipStatistics(t)
	ending := func(years float64) float64 { return -0.45 * min(years, 2.5) }
	for _, test := range []struct {
		world, n    int
		trend       func(float64) float64
		undated     float64
		modern      bool
		low         float64
		least, most int // told
	}{
		{1, 60, byYear(0), 0, false, 0.85, 0, 1},
		{1, 60, byYear(-0.22), 0, false, 0.88, 20, 20},
		{1, 60, byYear(-0.69), 0, false, 0.88, 20, 20},
		{1, 60, byYear(0.1), 0, false, 0.83, 16, 20},
		{1, 60, byYear(-0.45), 0.5, false, 0.88, 20, 20},
		{3, 60, byYear(-0.45), 0, false, 0.85, 20, 20},
		{3, 300, byYear(-0.45), 0, false, 0.87, 20, 20},
		{5, 60, byYear(-0.45), 0, false, 0.87, 20, 20},
		{5, 300, byYear(-0.22), 0, false, 0.87, 20, 20},
		{2, 300, ending, 0, false, 0.83, 20, 20},
		{2, 60, byYear(0), 0, true, 0.85, 0, 1}, // hardware that comes later is no drift
		{2, 60, byYear(-0.22), 0, true, 0.88, 20, 20},
	} {
		d := drifting{&worlds[test.world], test.trend, test.modern}
		c, told := d.ahead(t, test.n, 20, test.undated)
		duration, energy := float64(c.duration)/float64(c.n), float64(c.energy)/float64(c.n)
		t.Logf("%s, %d runs, in four years times %.2f: told in %d of 20; of %d intervals of the time %.3f hold it, of the energy %.3f; within a factor of %.2f either way",
			d.name, test.n, math.Exp(d.trend(4)), told, c.n, duration, energy, math.Exp(c.width/2))
		assert.GreaterOrEqual(t, duration, test.low, d.name)
		assert.GreaterOrEqual(t, energy, test.low, d.name)
		assert.GreaterOrEqual(t, told, test.least, d.name)
		assert.LessOrEqual(t, told, test.most, d.name)
	}
}

// The farther from all records a plan is, the wider is its interval. A trend is
// followed no farther than the records span, and all of it is told.
func TestATrendIsFollowedAsFarAsRecordsSpan(t *testing.T) {
	d := drifting{lawful: &worlds[1], trend: byYear(-0.3)}
	rng := rand.New(rand.NewPCG(21, 22))
	predictor := d.fit(t, rng, d.draw(rng), 100, 0.1)
	p := planIn(rng, d.lawful, 0)
	p.Parameters, p.DatasetTokens, p.Count = 1e10, 1e11, 64
	at := func(years float64) (*dataset.Prediction, string) {
		p.When = inYear(years)
		got, err := predictor.Predict(p)
		require.NoError(t, err)
		return got, fmt.Sprint(got.Warnings)
	}
	first, text := at(3)
	assert.Contains(t, text, "since 2021 runs come from year to year to 0.7")
	assert.Contains(t, text, "followed to 2024")
	assert.Contains(t, text, "that tell no date are taken to be of the middle")
	assert.NotContains(t, text, "away from all of them")
	assert.Equal(t, "program and later", first.EnergyError.Without)
	last := first
	for _, years := range []float64{5, 6, 7} {
		got, text := at(years)
		assert.Contains(t, text, "years away from all of them: the interval allows for a trend that ends there, or doubles")
		assert.NotContains(t, text, "no farther")
		assert.InDelta(t, -0.3*(years-3), math.Log(got.EnergyJ.Value/first.EnergyJ.Value), 0.06*(years-3), "it goes on")
		assert.Greater(t, got.EnergyJ.High/got.EnergyJ.Low, last.EnergyJ.High/last.EnergyJ.Low)
		last = got
	}
	end, text := at(9)
	assert.Contains(t, text, "no farther than the 3.9")
	far, _ := at(12)
	assert.InEpsilon(t, end.EnergyJ.Value, far.EnergyJ.Value, 1e-9)
	assert.Greater(t, far.EnergyJ.High/far.EnergyJ.Low, end.EnergyJ.High/end.EnergyJ.Low)

	// What physics assumes is what drifts: who gives it is followed the less.
	p.MFU, p.FLOP = &estimate.Given{Value: 0.4}, 1e22
	before, _ := at(3)
	after, _ := at(5)
	assert.InDelta(t, -0.3*2*math.Log(1.2)/1.959964/sureOfTime, math.Log(after.DurationS.Value/before.DurationS.Value), 0.03)
	p.MFU, p.FLOP = nil, 0

	p.When = time.Time{}
	_, err := predictor.Predict(p)
	require.NoError(t, err, "now")
	p.When = time.Date(3000, 1, 1, 0, 0, 0, 0, time.UTC)
	_, err = predictor.Predict(p)
	assert.ErrorContains(t, err, "when: the year 3000 is out of range")
}

// A day changes nothing where nothing drifts, and nothing of physics.
func TestWithoutADriftTheDayChangesNothing(t *testing.T) {
	d := drifting{lawful: &worlds[1], trend: byYear(0)}
	rng := rand.New(rand.NewPCG(23, 24))
	predictor := d.fit(t, rng, d.draw(rng), 60, 0)
	p := planIn(rng, d.lawful, 0)
	for _, of := range []*dataset.Predictor{predictor, physics} {
		p.When = inYear(1)
		a, err := of.Predict(p)
		require.NoError(t, err)
		p.When = inYear(30)
		b, err := of.Predict(p)
		require.NoError(t, err)
		assert.Equal(t, a, b)
	}
}

func TestWhatIsTrueOfDriftIsTestedThoughMostRunsAreOfOneDay(t *testing.T) {
	w := &lawful{name: "programs with many runs"}
	law := func(rng *rand.Rand, _ *dataset.Plan) (float64, float64) { return 0.1 * rng.NormFloat64(), 0 }
	for _, programs := range []int{1, 20} {
		rng := rand.New(rand.NewPCG(1, uint64(programs)))
		d := &drifting{lawful: w, trend: byYear(0.5)}
		var f dataset.Fitter
		for i := range 40 {
			years := 4.0
			if i < 10 {
				years = float64(i % 2)
			}
			p := planIn(rng, w, 1)
			p.Series = fmt.Sprint("program ", i%programs)
			o := d.truthIn(t, rng, p, law, years).outcome()
			o.Began = inYear(years)
			f.Observe(fmt.Sprint(i, rng.Uint64()), p, o)
		}
		got, err := f.Fit().Predict(planIn(rng, w, 1))
		require.NoError(t, err)
		require.Contains(t, strings.Join(got.Warnings, " "), "drift")
		require.NotNil(t, got.EnergyError)
		assert.Equal(t, 30, got.EnergyError.Runs)
		assert.Contains(t, got.EnergyError.Without, "and later")
	}
}
