package tracer_test

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/ecotracer/ecotracer/factors"
	"github.com/ecotracer/ecotracer/lifecycle/schedule"
	"github.com/ecotracer/ecotracer/tracer"
)

var germany = factors.Query{Country: "DE"}

// noonOf is the intensity of a grid with much sun: cleanest from 11:00 to 14:00.
func noonOf(t time.Time) float64 {
	if h := t.UTC().Hour(); h >= 11 && h < 14 {
		return 100
	}
	return 400
}

func TestAJobWaitsForTheGreenestWindow(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		time.Sleep(7*time.Hour + 20*time.Minute)
		began := time.Now()
		src := ofIntensity(noonOf)
		w, err := tracer.WaitForGreen(t.Context(), src, germany, schedule.Job{Duration: 3 * time.Hour, Deadline: began.Add(20 * time.Hour), PowerW: 1000})
		require.NoError(t, err)
		assert.Equal(t, "11:00:00", time.Now().UTC().Format(time.TimeOnly))
		assert.True(t, w.Start.Equal(time.Now()))
		assert.True(t, w.End.Equal(time.Now().Add(3*time.Hour)))
		require.NotNil(t, w.Waiting)
		assert.InDelta(t, 0.75, w.Waiting.Share.Value, 1e-9, "100 g and not 400")
		assert.Less(t, w.Waiting.Share.Low, 0.75)
		assert.Greater(t, w.Waiting.Share.High, 0.75)
		assert.InDelta(t, 900, w.Waiting.G.Value, 1e-6, "of 3 kWh")
		assert.Equal(t, factors.Grid, src.query.Load().Kind)
		assert.EqualValues(t, 8, src.asked.Load(), "at once, and every half hour")
	})
}

func TestAJobThatNeedNotWaitDoesNot(t *testing.T) {
	for name, c := range map[string]struct {
		intensity func(time.Time) float64
		hours     int // of the clock
		slot      time.Duration
		asked     int64
	}{
		"now is best":            {noonOf, 11, 20 * time.Hour, 1},
		"it is always the same":  {func(time.Time) float64 { return 300 }, 3, 20 * time.Hour, 1},
		"the deadline is near":   {noonOf, 7, 3 * time.Hour, 1},
		"it only becomes worse":  {func(t time.Time) float64 { return float64(t.Hour()) }, 2, 9 * time.Hour, 1},
		"it is clean altogether": {func(time.Time) float64 { return 0 }, 2, 9 * time.Hour, 1},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				time.Sleep(time.Duration(c.hours) * time.Hour)
				began := time.Now()
				src := ofIntensity(c.intensity)
				w, err := tracer.WaitForGreen(t.Context(), src, germany, schedule.Job{Duration: 3 * time.Hour, Deadline: began.Add(c.slot)})
				require.NoError(t, err)
				assert.Zero(t, time.Since(began))
				assert.True(t, w.Start.Equal(began))
				assert.Equal(t, c.asked, src.asked.Load())
			})
		})
	}
}

func TestAJobThatCannotBePlannedStartsAtOnce(t *testing.T) {
	broken := errors.New("broken")
	for name, c := range map[string]struct {
		src   factors.GridSource
		job   schedule.Job
		says  string
		after time.Duration
	}{
		"there is no source":       {nil, schedule.Job{Duration: time.Hour, Deadline: farAway}, "no source", 0},
		"it does not fit":          {ofIntensity(noonOf), schedule.Job{Duration: time.Hour, Deadline: time.Date(2000, 1, 1, 0, 30, 0, 0, time.UTC)}, "a job of 1h0m0s does not fit in the 30m0s", 0},
		"the deadline is over":     {ofIntensity(noonOf), schedule.Job{Duration: time.Hour, Deadline: time.Unix(0, 0)}, "does not fit in the 0s", 0},
		"it has no duration":       {ofIntensity(noonOf), schedule.Job{Deadline: farAway}, "above 0", 0},
		"its power is negative":    {ofIntensity(noonOf), schedule.Job{Duration: time.Hour, Deadline: farAway, PowerW: -1}, "not negative", 0},
		"the source fails":         {&gridAt{fail: func(context.Context) error { return broken }}, schedule.Job{Duration: time.Hour, Deadline: farAway}, "broken", 0},
		"the source panics":        {&gridAt{fail: func(context.Context) error { panic("oh") }}, schedule.Job{Duration: time.Hour, Deadline: farAway}, "oh", 0},
		"the source hangs":         {&gridAt{fail: func(ctx context.Context) error { <-ctx.Done(); return ctx.Err() }}, schedule.Job{Duration: time.Hour, Deadline: farAway}, "did not answer", 10 * time.Second},
		"it knows no such place":   {&gridAt{fail: func(context.Context) error { return factors.ErrNoFactor }}, schedule.Job{Duration: time.Hour, Deadline: farAway}, "no figure of that place", 0},
		"its figures are negative": {&gridAt{intensity: noonOf, change: func(f *factors.Factor) { f.Series.Value[0] = -1 }}, schedule.Job{Duration: time.Hour, Deadline: farAway}, "not negative", 0},
		"it tells no steps":        {&gridAt{intensity: noonOf, change: func(f *factors.Factor) { f.Series = nil }}, schedule.Job{Duration: time.Hour, Deadline: farAway}, "no series", 0},
		"it tells something else":  {&gridAt{intensity: noonOf, change: func(f *factors.Factor) { f.Kind, f.Signal = factors.Marginal, "marginal" }}, schedule.Job{Duration: time.Hour, Deadline: farAway}, "of kind marginal", 0},
		"it tells too few hours":   {&gridAt{intensity: noonOf, change: func(f *factors.Factor) { f.Series.Value = f.Series.Value[:1] }}, schedule.Job{Duration: 3 * time.Hour, Deadline: farAway}, "leaves no window", 0},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				began := time.Now()
				w, err := tracer.WaitForGreen(t.Context(), c.src, germany, c.job)
				assert.ErrorContains(t, err, c.says)
				assert.Equal(t, c.after, time.Since(began))
				assert.True(t, w.Start.Equal(time.Now()), "the job may start all the same")
				assert.Equal(t, c.job.Duration, w.End.Sub(w.Start))
			})
		})
	}
}

// farAway is a deadline in the first days of a bubble.
var farAway = time.Date(2000, 1, 3, 0, 0, 0, 0, time.UTC)

func TestALaterForecastMovesTheWindow(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		began := time.Now()
		src := ofIntensity(func(t time.Time) float64 {
			if time.Since(began) < 3*time.Hour+10*time.Minute {
				return noonOf(t)
			}
			// The wind rises: it is cleanest from 05:00 on.
			return 50 + 10*float64(max(t.Hour()-5, 5-t.Hour()))
		})
		w, err := tracer.WaitForGreen(t.Context(), src, germany, schedule.Job{Duration: time.Hour, Deadline: farAway})
		require.NoError(t, err)
		assert.Equal(t, "05:00:00", time.Now().UTC().Format(time.TimeOnly))
		assert.InDelta(t, 1-50.0/65, w.Waiting.Share.Value, 1e-9, "against 03:30, when it was chosen")
	})
}

func TestAnEarlierForecastStandsWhereALaterOneFails(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		src := ofIntensity(noonOf)
		var asked atomic.Int64
		src.fail = func(ctx context.Context) error {
			if asked.Add(1)%3 != 1 {
				<-ctx.Done()
				return fmt.Errorf("no more: %w", ctx.Err())
			}
			return nil
		}
		w, err := tracer.WaitForGreen(t.Context(), src, germany, schedule.Job{Duration: time.Hour, Deadline: farAway})
		require.NoError(t, err)
		assert.Equal(t, "11:00:00", time.Now().UTC().Format(time.TimeOnly))
		assert.InDelta(t, 0.75, w.Waiting.Share.Value, 1e-9)
	})
}

func TestWaitingEndsWithTheContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		began := time.Now()
		ctx, cancel := context.WithTimeout(t.Context(), 100*time.Minute)
		defer cancel()
		_, err := tracer.WaitForGreen(ctx, ofIntensity(noonOf), germany, schedule.Job{Duration: time.Hour, Deadline: farAway})
		assert.ErrorIs(t, err, context.DeadlineExceeded)
		assert.Equal(t, 100*time.Minute, time.Since(began))
		src := ofIntensity(noonOf)
		_, err = tracer.WaitForGreen(ctx, src, germany, schedule.Job{Duration: time.Hour, Deadline: farAway})
		assert.ErrorIs(t, err, context.DeadlineExceeded, "also before it begins")
	})
}

func TestAJobWaitsByWhatItsSourceKnows(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		src := &gridAt{intensity: noonOf, kind: factors.Marginal}
		_, err := tracer.WaitForGreen(t.Context(), src, germany, schedule.Job{Duration: time.Hour, Deadline: farAway})
		require.NoError(t, err)
		assert.Equal(t, factors.Marginal, src.query.Load().Kind)
		assert.Equal(t, 11, time.Now().UTC().Hour())
		at := germany
		at.Kind = factors.Grid
		_, err = tracer.WaitForGreen(t.Context(), src, at, schedule.Job{Duration: time.Hour, Deadline: farAway})
		assert.ErrorIs(t, err, factors.ErrNoFactor, "what was asked for is not mixed up")
	})
}

func TestAJobWaitsAtThePlaceOfTheEnvironment(t *testing.T) {
	t.Setenv("ECOTRACER_COUNTRY", "US")
	t.Setenv("ECOTRACER_REGION", "US-CA")
	src := ofIntensity(func(time.Time) float64 { return 1 })
	_, err := tracer.WaitForGreen(t.Context(), src, factors.Query{}, schedule.Job{Duration: time.Hour, Deadline: time.Now().Add(5 * time.Hour)})
	require.NoError(t, err)
	assert.Equal(t, factors.Query{Kind: factors.Grid, Country: "US", Region: "US-CA"}, *src.query.Load())
	t.Setenv("ECOTRACER_COUNTRY", "")
	t.Setenv("ECOTRACER_REGION", "aws:eu-west-1")
	_, err = tracer.WaitForGreen(t.Context(), src, factors.Query{}, schedule.Job{Duration: time.Hour, Deadline: time.Now().Add(5 * time.Hour)})
	require.NoError(t, err)
	assert.Equal(t, factors.Query{Kind: factors.Grid, Provider: "aws", CloudRegion: "eu-west-1"}, *src.query.Load())
	t.Setenv("ECOTRACER_REGION", "Atlantis")
	_, err = tracer.WaitForGreen(t.Context(), src, factors.Query{}, schedule.Job{Duration: time.Hour, Deadline: time.Now().Add(5 * time.Hour)})
	assert.ErrorContains(t, err, "Atlantis", "nobody waits for the greenest time of nowhere")
	t.Setenv("ECOTRACER_DISABLED", "1")
	_, err = tracer.WaitForGreen(t.Context(), nil, factors.Query{}, schedule.Job{})
	assert.NoError(t, err, "then nobody waits or asks")
}
