package schedule_test

import (
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/ecotracer/ecotracer/factors"
	"github.com/ecotracer/ecotracer/lifecycle/schedule"
)

var noon = time.Date(2026, 12, 1, 12, 0, 0, 0, time.UTC)

// forecast is a factor with these values, an interval of ×÷1.2.
func forecast(start time.Time, step time.Duration, values ...float64) factors.Factor {
	var mean float64
	for _, v := range values {
		mean += v / float64(len(values))
	}
	return factors.Factor{
		ID: "grid.test", Kind: factors.Grid, Value: mean, Low: mean / 1.2, High: mean * 1.2, Unit: "gCO2e/kWh",
		Signal: "average", Accounting: "location", Basis: "lifecycle", Mix: "consumption", GWP: "unstated",
		Series: &factors.Series{Start: start.Format(time.RFC3339), StepS: step.Seconds(), Value: values},
		Found:  factors.Live, Source: "made up for tests", SourceYear: 2026, Quality: "C",
	}
}

func place(name string, values ...float64) schedule.Place {
	return schedule.Place{Name: name, Forecast: forecast(noon, time.Hour, values...)}
}

// within is a job of some hours that must have ended by noon and some hours.
func within(hours, deadline float64) schedule.Job {
	return schedule.Job{
		Duration: time.Duration(hours * float64(time.Hour)), Now: noon,
		Deadline: noon.Add(time.Duration(deadline * float64(time.Hour))), PowerW: 3000,
	}
}

func best(t *testing.T, job schedule.Job, places ...schedule.Place) schedule.Window {
	t.Helper()
	windows, err := schedule.Best(job, places...)
	require.NoError(t, err)
	return windows[0]
}

func TestTheGreenestWindowIsFound(t *testing.T) {
	for name, test := range map[string]struct {
		job    schedule.Job
		values []float64
		start  float64 // hours after noon
		mean   float64
	}{
		"one step":                               {within(1, 4), []float64{400, 300, 100, 200}, 2, 100},
		"two steps":                              {within(2, 4), []float64{400, 100, 200, 500}, 1, 150},
		"all there is":                           {within(4, 4), []float64{400, 100, 200, 500}, 0, 300},
		"equal hours: the earliest":              {within(1, 4), []float64{400, 100, 400, 100}, 1, 100},
		"a flat day: at once":                    {within(2, 6), []float64{70, 70, 70, 70, 70, 70}, 0, 70},
		"falling: as late as allowed":            {within(1, 2.5), []float64{400, 300, 200, 100}, 1.5, 250},
		"one and a half hours, tail on the rise": {within(1.5, 4), []float64{400, 100, 300, 400}, 1, (100 + 0.5*300) / 1.5},
		"one and a half hours, head on the fall": {within(1.5, 4), []float64{400, 300, 100, 400}, 1.5, (0.5*300 + 100) / 1.5},
		"half an hour within a step":             {within(0.5, 4), []float64{400, 300, 100, 400}, 2, 100},
	} {
		t.Run(name, func(t *testing.T) {
			w := best(t, test.job, place("here", test.values...))
			assert.Equal(t, test.start, w.Start.Sub(noon).Hours())
			assert.InDelta(t, test.mean, w.Intensity.Value, 1e-9)
			assert.Equal(t, test.job.Duration, w.End.Sub(w.Start))
			assert.InDelta(t, 3*test.job.Duration.Hours()*test.mean, w.G.Value, 1e-6, "3 kW for the time of the job")
		})
	}
}

func TestASavingIsAgainstStartingAtOnce(t *testing.T) {
	w := best(t, within(1, 4), place("here", 400, 300, 100, 200))
	assert.InDelta(t, 0.75, w.Waiting.Share.Value, 1e-12)
	assert.InDelta(t, 3*300, w.Waiting.G.Value, 1e-9, "3 kWh of 400 − 100 g")
	assert.Equal(t, w.Waiting, w.Moving, "there is one place")

	w = best(t, within(1, 4), place("here", 100, 300))
	assert.Equal(t, schedule.Figure{}, *w.Waiting.Share, "no wait, no saving, and no doubt")
	assert.Equal(t, schedule.Figure{}, *w.Waiting.G)

	job := within(1, 4)
	job.PowerW = 0
	w = best(t, job, place("here", 400, 100))
	assert.Nil(t, w.Waiting.G, "without a power there are no grams")
	assert.Nil(t, w.G)
	assert.NotNil(t, w.Waiting.Share)
}

func TestPlacesAreRankedAndTheFirstIsHome(t *testing.T) {
	windows, err := schedule.Best(within(1, 3), place("DE", 400, 300, 350), place("FR", 50, 40, 60), place("PL", 700, 800, 900))
	require.NoError(t, err)
	require.Len(t, windows, 3)
	assert.Equal(t, []string{"FR", "DE", "PL"}, []string{windows[0].Place, windows[1].Place, windows[2].Place})
	assert.InDelta(t, 0.2, windows[0].Waiting.Share.Value, 1e-12, "40 for 50 in FR")
	assert.InDelta(t, 0.9, windows[0].Moving.Share.Value, 1e-12, "40 in FR for 400 in DE")
	assert.InDelta(t, -0.75, windows[2].Moving.Share.Value, 1e-12, "PL is worse than home: 700 for 400")

	windows, err = schedule.Best(within(1, 2), place("A", 100, 50), place("B", 50, 100), place("C", 50, 50))
	require.NoError(t, err)
	assert.Equal(t, []string{"B", "C", "A"}, []string{windows[0].Place, windows[1].Place, windows[2].Place}, "ties: the earliest, then the first named")
}

func TestNoWindowStartsBeforeItMayOrEndsAfterItMust(t *testing.T) {
	job := within(1, 5)
	job.Earliest = noon.Add(2 * time.Hour)
	w := best(t, job, place("here", 1, 1, 300, 200, 100, 1, 1))
	assert.Equal(t, noon.Add(4*time.Hour), w.Start)
	assert.InDelta(t, 2./3, w.Waiting.Share.Value, 1e-12, "against the earliest start, at two")

	job.Earliest = noon.Add(-3 * time.Hour)
	w = best(t, job, schedule.Place{Name: "here", Forecast: forecast(noon.Add(-3*time.Hour), time.Hour, 1, 1, 1, 300, 200)})
	assert.Equal(t, noon.Add(time.Hour), w.Start, "a start before now is none")
}

func TestWhatCannotBeDoneIsSaid(t *testing.T) {
	short := place("DE", 400, 300)
	other := place("FR", 50, 40, 60, 70)
	marginal, direct, noSeries, garbage, broken := other, other, other, other, other
	marginal.Forecast.Signal = "marginal"
	direct.Forecast.Basis = "direct"
	noSeries.Forecast.Series = nil
	garbage.Forecast.Series = &factors.Series{Start: "yesterday", StepS: 3600, Value: []float64{1}}
	broken.Forecast.Quality = "Z"
	for name, test := range map[string]struct {
		job      schedule.Job
		places   []schedule.Place
		says     string
		noFactor bool
	}{
		"longer than the slot":     {within(6, 4), []schedule.Place{other}, "a job of 6h does not fit between 2026-12-01T12:00:00Z and 2026-12-01T16:00:00Z (4h)", false},
		"a deadline that is over":  {within(1, -2), []schedule.Place{other}, "the deadline, 2026-12-01T10:00:00Z, is past: it is 2026-12-01T12:00:00Z", false},
		"no duration":              {within(0, 4), []schedule.Place{other}, "above 0", false},
		"no deadline":              {schedule.Job{Duration: time.Hour, Now: noon}, []schedule.Place{other}, "must be given", false},
		"no power":                 {schedule.Job{Duration: time.Hour, Now: noon, Deadline: noon.Add(2 * time.Hour), PowerW: math.NaN()}, []schedule.Place{other}, "finite", false},
		"no place":                 {within(1, 4), nil, "no place", false},
		"a forecast too short":     {within(3, 8), []schedule.Place{short}, "DE: no such factor: the forecast tells of 2026-12-01T12:00:00Z to 2026-12-01T14:00:00Z, which leaves no window of 3h", true},
		"a table's factor":         {within(1, 4), []schedule.Place{noSeries}, "no forecast", true},
		"average and marginal":     {within(1, 4), []schedule.Place{other, marginal}, `signal "average" and "marginal"`, false}, // trap 37
		"direct and life cycle":    {within(1, 4), []schedule.Place{other, direct}, `basis "lifecycle" and "direct"`, false},
		"a series without a start": {within(1, 4), []schedule.Place{garbage}, `"yesterday" is no RFC 3339 time`, false},
		"no factor at all":         {within(1, 4), []schedule.Place{broken}, "quality", false},
	} {
		t.Run(name, func(t *testing.T) {
			windows, err := schedule.Best(test.job, test.places...)
			require.ErrorContains(t, err, test.says)
			assert.Empty(t, windows)
			assert.Equal(t, test.noFactor, errors.Is(err, factors.ErrNoFactor))
		})
	}
	windows, err := schedule.Best(within(3, 4), short, other)
	require.ErrorIs(t, err, factors.ErrNoFactor)
	require.Len(t, windows, 1, "the other places are told all the same")
	assert.Equal(t, "FR", windows[0].Place)
	assert.Nil(t, windows[0].Moving, "of home nothing is known")
	assert.NotNil(t, windows[0].Waiting)
}

func TestAForecastThatEndsBeforeTheDeadlineIsSearchedToItsEnd(t *testing.T) {
	w := best(t, within(1, 48), place("here", 300, 200, 100))
	assert.Equal(t, noon.Add(2*time.Hour), w.Start)
	assert.Equal(t, noon.Add(3*time.Hour), w.Until)

	later := schedule.Place{Name: "here", Forecast: forecast(noon.Add(time.Hour), time.Hour, 300, 200)}
	w = best(t, within(1, 48), later)
	assert.Equal(t, noon.Add(time.Hour), w.From)
	assert.Nil(t, w.Waiting, "what a start at once would emit is not known: no saving is made up")
}

// On the last Sunday of October a day in Berlin has 25 hours.
func TestADayOf25HoursIsNoProblem(t *testing.T) {
	berlin, err := time.LoadLocation("Europe/Berlin")
	if err != nil {
		t.Skip("no time zones here: ", err)
	}
	midnight := time.Date(2026, 10, 25, 0, 0, 0, 0, berlin)
	values := make([]float64, 25)
	for h := range values {
		values[h] = 300
	}
	values[3] = 10 // the second time that the clock shows two
	job := schedule.Job{Duration: time.Hour, Now: midnight, Deadline: midnight.AddDate(0, 0, 1)}
	assert.Equal(t, 25*time.Hour, job.Deadline.Sub(job.Now))
	w := best(t, job, schedule.Place{Name: "DE", Forecast: forecast(midnight, time.Hour, values...)})
	assert.Equal(t, "2026-10-25T01:00:00Z", w.Start.Format(time.RFC3339))
	assert.Equal(t, "02:00 CET", w.Start.In(berlin).Format("15:04 MST"))
	assert.Equal(t, job.Deadline.UTC(), w.Until)
}

// random is a job and a forecast around it.
func random(rng *rand.Rand) (schedule.Job, schedule.Place) {
	step := []time.Duration{5 * time.Minute, 15 * time.Minute, 30 * time.Minute, time.Hour}[rng.IntN(4)]
	start := noon.Add(time.Duration(rng.IntN(240)-200) * time.Minute)
	values := make([]float64, 1+rng.IntN(60))
	for k := range values {
		values[k] = float64(rng.IntN(5)) * 100 // many ties
		if rng.IntN(3) == 0 {
			values[k] = rng.Float64() * 800
		}
	}
	job := schedule.Job{
		Duration: time.Duration(1+rng.IntN(300)) * time.Minute, Now: noon,
		Earliest: noon.Add(time.Duration(rng.IntN(120)-60) * time.Minute), PowerW: 1000,
	}
	job.Deadline = noon.Add(job.Duration + time.Duration(rng.IntN(1500))*time.Minute)
	return job, schedule.Place{Name: "here", Forecast: forecast(start, step, values...)}
}

// meanOf is the mean of a forecast from one minute to another, minute by
// minute.
func meanOf(f factors.Factor, from, to time.Time) (mean float64, known bool) {
	start, _ := time.Parse(time.RFC3339, f.Series.Start)
	n := 0
	for at := from; at.Before(to); at = at.Add(time.Minute) {
		k := int(math.Floor(at.Sub(start).Seconds() / f.Series.StepS))
		if k < 0 || k >= len(f.Series.Value) {
			return 0, false
		}
		mean += f.Series.Value[k]
		n++
	}
	return mean / float64(n), true
}

// All windows that begin at a full minute are tried: none is better, and none
// that is as good is earlier (trap 52).
func TestNoWindowIsBetterThanTheBest(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	found := 0
	for range 400 {
		job, p := random(rng)
		first := job.Earliest
		if first.Before(job.Now) {
			first = job.Now
		}
		var least = math.Inf(1)
		var at time.Time
		for start := first; !start.Add(job.Duration).After(job.Deadline); start = start.Add(time.Minute) {
			if mean, known := meanOf(p.Forecast, start, start.Add(job.Duration)); known && mean < least-1e-6 {
				least, at = mean, start
			}
		}
		windows, err := schedule.Best(job, p)
		if math.IsInf(least, 1) {
			require.Error(t, err)
			continue
		}
		require.NoError(t, err)
		found++
		w := windows[0]
		require.InDelta(t, least, w.Intensity.Value, 1e-6, "%+v", job)
		require.Equal(t, at, w.Start, "%+v", job)
		require.False(t, w.Start.Before(first) || w.End.After(job.Deadline))
		if w.Waiting != nil {
			now, known := meanOf(p.Forecast, first, first.Add(job.Duration))
			require.True(t, known)
			require.InDelta(t, now-least, w.Waiting.G.Value/job.Duration.Hours(), 1e-6)
			require.GreaterOrEqual(t, w.Waiting.G.Value, 0., "waiting is never expected to cost")
		}
	}
	require.Greater(t, found, 250)
}

func TestAnIntervalHoldsItsFigure(t *testing.T) {
	rng := rand.New(rand.NewPCG(3, 4))
	holds := func(f *schedule.Figure) {
		if f != nil {
			require.LessOrEqual(t, f.Low, f.Value)
			require.LessOrEqual(t, f.Value, f.High)
		}
	}
	for range 300 {
		job, p := random(rng)
		_, other := random(rng)
		windows, _ := schedule.Best(job, p, other)
		for _, w := range windows {
			holds(&w.Intensity)
			holds(w.G)
			for _, s := range []*schedule.Saving{w.Waiting, w.Moving} {
				if s != nil {
					holds(s.Share)
					holds(s.G)
				}
			}
		}
	}
}

func TestALaterWindowIsLessSure(t *testing.T) {
	flat := make([]float64, 96)
	for h := range flat {
		flat[h] = 300
	}
	width := func(f schedule.Figure) float64 { return math.Log(f.High / f.Low) }
	last := 0.
	for _, hour := range []int{1, 6, 24, 48, 95} {
		values := append([]float64(nil), flat...)
		values[hour] = 200
		w := best(t, within(1, 96), place("here", values...))
		assert.Equal(t, float64(hour), w.Start.Sub(noon).Hours())
		assert.Greater(t, width(w.Intensity), last, "hour %d", hour)
		last = width(w.Intensity)
		assert.Less(t, w.Waiting.Share.Low, 1./3)
		assert.Greater(t, w.Waiting.Share.High, 1./3)
	}
	// The error that both windows have takes no part in their ratio.
	sure, unsure := place("sure", 300, 300, 150), place("unsure", 300, 300, 150)
	unsure.Forecast.Low, unsure.Forecast.High = 50, 1250
	a, b := best(t, within(1, 3), sure), best(t, within(1, 3), unsure)
	assert.Equal(t, a.Waiting.Share, b.Waiting.Share)
	assert.Greater(t, b.Waiting.G.High-b.Waiting.G.Low, 3*(a.Waiting.G.High-a.Waiting.G.Low))
	assert.Positive(t, b.Waiting.G.Low, "that there is a saving is sure all the same")
}

// A forecast's interval is of its mean: of it, a job as long as the forecast
// knows neither more nor less.
func TestTheIntervalOfAForecastIsCountedOnce(t *testing.T) {
	p := place("here", 300, 200, 100, 400)
	w := best(t, within(4, 4), p)
	assert.InDelta(t, p.Forecast.Low, w.Intensity.Low, 1e-9)
	assert.InDelta(t, p.Forecast.High, w.Intensity.High, 1e-9)

	p.Forecast.Low, p.Forecast.High = 249.9, 250.1
	w = best(t, within(4, 4), p)
	assert.Greater(t, w.Intensity.High/w.Intensity.Value, 1.04, "no forecast is surer than forecasts are")
}

// The intervals of savings hold 95 % of what a simulation of the assumptions
// draws.
func TestSavingsAgreeWithASimulation(t *testing.T) {
	const draws = 200_000
	rng := rand.New(rand.NewPCG(5, 6))
	quantiles := func(x []float64) (low, high float64) {
		return nth(x, draws/40), nth(x, draws-draws/40)
	}
	for name, values := range map[string][]float64{
		"a large saving": {400, 400, 400, 400, 400, 400, 100},
		"a small saving": {400, 400, 400, 400, 400, 400, 390},
	} {
		t.Run(name, func(t *testing.T) {
			w := best(t, within(1, 7), place("here", values...))
			// What the doc comment says: one error of both, and one of six hours.
			total, waited := logSigma(w.Intensity), logSigma(schedule.Figure{Low: 1 - w.Waiting.Share.High, High: 1 - w.Waiting.Share.Low})
			shared := math.Sqrt(total*total - waited*waited)
			grams := make([]float64, draws)
			for i := range grams {
				grams[i] = 3 * math.Exp(shared*rng.NormFloat64()) * (400 - w.Intensity.Value*math.Exp(waited*rng.NormFloat64()))
			}
			low, high := quantiles(grams)
			scale := 3 * 400.
			assert.InDelta(t, low, w.Waiting.G.Low, 0.01*scale)
			assert.InDelta(t, high, w.Waiting.G.High, 0.01*scale)
		})
	}
	windows, err := schedule.Best(within(1, 1), place("home", 400), place("away", 380))
	require.NoError(t, err)
	away := windows[0]
	home := logSigma(windows[1].Intensity)
	grams, share := make([]float64, draws), make([]float64, draws)
	for i := range grams {
		a, b := 400*math.Exp(home*rng.NormFloat64()), 380*math.Exp(logSigma(away.Intensity)*rng.NormFloat64())
		grams[i], share[i] = 3*(a-b), 1-b/a
	}
	low, high := quantiles(grams)
	assert.InDelta(t, low, away.Moving.G.Low, 0.01*1200, "forecasts of two places err apart")
	assert.InDelta(t, high, away.Moving.G.High, 0.01*1200)
	low, high = quantiles(share)
	assert.InDelta(t, low, away.Moving.Share.Low, 0.01)
	assert.InDelta(t, high, away.Moving.Share.High, 0.01)
}

func logSigma(f schedule.Figure) float64 { return math.Log(f.High/f.Low) / 3.919928 }

func nth(x []float64, k int) float64 {
	sorted := append([]float64(nil), x...)
	slices.Sort(sorted)
	return sorted[k]
}

func TestGreenHoursWithoutAnyEmission(t *testing.T) {
	w := best(t, within(1, 2), place("here", 400, 0))
	assert.Equal(t, schedule.Figure{}, w.Intensity)
	assert.Equal(t, schedule.Figure{Value: 1, Low: 1, High: 1}, *w.Waiting.Share)
	zero := place("here", 0, 0)
	w = best(t, within(1, 2), zero)
	assert.Nil(t, w.Waiting.Share, "no share of nothing")
	assert.Equal(t, schedule.Figure{}, *w.Waiting.G)
}

func TestTheAnswerIsAlwaysTheSame(t *testing.T) {
	rng := rand.New(rand.NewPCG(7, 8))
	for range 50 {
		job, p := random(rng)
		_, q := random(rng)
		first, err := schedule.Best(job, p, q)
		local := job
		local.Now, local.Deadline = job.Now.In(time.FixedZone("", 3600)), job.Deadline.Local()
		again, errAgain := schedule.Best(local, p, q)
		require.Equal(t, first, again)
		require.Equal(t, fmt.Sprint(err), fmt.Sprint(errAgain))
	}
}

// Whatever a forecast holds: no panic, and no window outside the slot.
func FuzzBest(f *testing.F) {
	f.Add([]byte{40, 30, 10}, 3600., int64(3600e9), int64(0), int64(4*3600e9), 60.)
	f.Add([]byte{0, 0}, 300., int64(301e9), int64(-3600e9), int64(600e9), 0.)
	f.Add([]byte{255}, 1e-9, int64(1), int64(5), int64(1), math.Inf(1))
	f.Fuzz(func(t *testing.T, values []byte, step float64, duration, earliest, deadline int64, scale float64) {
		series := make([]float64, len(values))
		for k, v := range values {
			series[k] = float64(v) * scale
		}
		p := place("here", 100)
		p.Forecast.Series = &factors.Series{Start: noon.Format(time.RFC3339), StepS: step, Value: series}
		job := schedule.Job{
			Duration: time.Duration(duration), Now: noon, Earliest: noon.Add(time.Duration(earliest)),
			Deadline: noon.Add(time.Duration(deadline)), PowerW: 100,
		}
		windows, err := schedule.Best(job, p, p)
		if err == nil {
			require.Len(t, windows, 2)
		}
		for _, w := range windows {
			require.False(t, w.Start.Before(job.Now) || w.Start.Before(job.Earliest) || w.End.After(job.Deadline))
			require.Equal(t, job.Duration, w.End.Sub(w.Start))
		}
	})
}
