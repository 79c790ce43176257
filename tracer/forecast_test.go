package tracer_test

import (
	"context"
	"math/rand/v2"
	"strconv"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/ecotracer/ecotracer/internal/race"
	"github.com/ecotracer/ecotracer/lifecycle"
	"github.com/ecotracer/ecotracer/tracer"
	"github.com/ecotracer/ecotracer/tracer/tracertest"
)

// epochs are spans named so, below ctx, of this length each.
func epochs(ctx context.Context, n int, length time.Duration) {
	for range n {
		_, s := tracer.Start(ctx, "epoch")
		time.Sleep(length)
		s.End()
	}
}

// holds tells whether a figure is in an estimate's 95 % interval, whose 90 % one is
// within it.
func holds(t *testing.T, e *tracer.Estimate, v float64) bool {
	t.Helper()
	require.NotNil(t, e)
	for _, b := range [][2]float64{{e.Low, e.Low90}, {e.Low90, e.Value}, {e.Value, e.High90}, {e.High90, e.High}} {
		require.LessOrEqual(t, b[0], b[1]*(1+1e-12), "%+v", e)
	}
	return e.Low <= v*(1+1e-9) && v*(1-1e-9) <= e.High
}

func TestAfterThreeEpochsTheRunKnowsWhatItWillComeTo(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, run := simple(t, tracer.At(tracer.Site{Country: "FR"}))
		assert.Contains(t, run.Forecast().Why, "Span.Expect")
		ctx, train := tracer.Start(ctx, "train")
		time.Sleep(5 * time.Second) // before the loop
		train.Expect("epoch", 20)
		assert.Equal(t, "epoch: none of 20 is done", run.Forecast().Why)
		epochs(ctx, 2, time.Minute)
		f := run.Forecast()
		assert.Equal(t, "epoch: 2 of 20 are done, and it takes 3 to tell", f.Why)
		assert.Nil(t, f.TotalJ)
		epochs(ctx, 1, time.Minute)
		time.Sleep(2 * time.Second) // in the fourth, or before it
		f = run.Forecast()
		require.Empty(t, f.Why)
		assert.Equal(t, tracer.Forecast{
			AtS: f.AtS, Path: "train", Unit: "epoch", Done: 3, Expected: 20, LeansOn: 2,
			RemainingS: f.RemainingS, TotalS: f.TotalS, RemainingJ: f.RemainingJ, TotalJ: f.TotalJ,
			RemainingGCO2e: f.RemainingGCO2e, TotalGCO2e: f.TotalGCO2e, ElectricityOnly: f.ElectricityOnly,
		}, f)
		assert.InDelta(t, 5+20*60, f.TotalS.Value, 1)
		assert.InDelta(t, f.TotalS.Value-f.AtS, f.RemainingS.Value, 1e-9)
		assert.InDelta(t, 10*(5+20*60), f.TotalJ.Value, 50)
		assert.InDelta(t, 10*(17*60-2), f.RemainingJ.Value, 50)
		epochs(ctx, 17, time.Minute)
		train.End()
		rec := finish(t, run)
		assert.True(t, holds(t, f.TotalS, rec.Run.DurationS), "%+v", f.TotalS)
		assert.True(t, holds(t, f.TotalJ, rec.Totals.EnergyJ.Value), "%+v", f.TotalJ)
		grams := rec.Totals.OperationalGCO2e
		if !f.ElectricityOnly {
			grams = *rec.Totals.GCO2e
		}
		assert.InEpsilon(t, grams.Value, f.TotalGCO2e.Value, 0.02)
		assert.LessOrEqual(t, f.TotalGCO2e.Low, grams.Low*1.02, "the factors' error is in it")
		assert.GreaterOrEqual(t, f.TotalGCO2e.High*1.02, grams.High)
		last := run.Forecast()
		assert.Equal(t, int64(20), last.Done)
		assert.Zero(t, *last.RemainingJ, "it is over")
	})
}

func TestTheRecordTellsWhatWasForetoldWhenAndWhatCameOfIt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		records := new(tracertest.Recorder)
		ctx, run := begin(t, append(newPlant(1, cpus(1), cpus(1)).options(ten()), tracer.Sinks(records), tracer.Checkpoints(time.Second))...)
		ctx, train := tracer.Start(ctx, "train")
		train.Expect("epoch", 40)
		time.Sleep(5 * time.Millisecond) // no epoch ends at the moment of a sample
		epochs(ctx, 10, 10*time.Second)
		time.Sleep(5 * time.Second)
		synctest.Wait()
		running, err := run.Snapshot(t.Context())
		require.NoError(t, err)
		requireValid(t, running)
		now, err := tracer.Forecasts(running)
		require.NoError(t, err)
		require.NotEmpty(t, now)
		assert.Equal(t, int64(10), now[len(now)-1].Done, "a checkpoint has that of the moment")

		epochs(ctx, 30, 10*time.Second)
		train.End()
		rec := finish(t, run)
		all, err := tracer.Forecasts(rec)
		require.NoError(t, err)
		require.Len(t, all, 11, "the first, at nine tenths, and what came of it")
		for i, f := range all {
			assert.Equal(t, "train", f.Path)
			assert.EqualValues(t, 40, f.Expected)
			if i > 0 {
				assert.Greater(t, f.AtS, all[i-1].AtS)
			}
			assert.True(t, holds(t, f.TotalJ, 4050.05), "%d: %+v", i, f.TotalJ)
			assert.True(t, holds(t, f.TotalS, 405.005), "%d: %+v", i, f.TotalS)
		}
		assert.EqualValues(t, 3, all[0].Done)
		assert.Zero(t, all[10].RemainingS.High)
		assert.InDelta(t, 405.005, all[10].TotalS.Value, 1e-6)
		assert.InEpsilon(t, rec.Totals.EnergyJ.Value, all[10].TotalJ.Value, 1e-6)
	})
}

// TestForecastsOfRunsCoverWhatTheyComeTo is of whole runs, on plants that draw
// more and less, drift and step.
func TestForecastsOfRunsCoverWhatTheyComeTo(t *testing.T) {
	race.SkipStatistics(t)
	plants := map[string]func(r *rand.Rand) tracertest.Curve{
		"constant": func(r *rand.Rand) tracertest.Curve { return tracertest.Constant(20 + 80*r.Float64()) },
		"it warms up": func(r *rand.Rand) tracertest.Curve {
			w := 20 + 80*r.Float64()
			return tracertest.Ramp(w/2, w, time.Duration(60*r.Float64()*float64(time.Second)))
		},
		"it steps": func(r *rand.Rand) tracertest.Curve {
			w := 20 + 80*r.Float64()
			return tracertest.Constant(w).Then(time.Duration(60*r.Float64()*float64(time.Second)), tracertest.Constant(w*(0.8+0.4*r.Float64())))
		},
		"it drifts": func(r *rand.Rand) tracertest.Curve {
			w := 20 + 80*r.Float64()
			return tracertest.Ramp(w, w*(0.9+0.2*r.Float64()), 20*time.Minute)
		},
	}
	const n, each = 30, 12
	told, covered := 0, 0
	for name, power := range plants {
		for seed := range uint64(each) {
			synctest.Test(t, func(t *testing.T) {
				r := rand.New(rand.NewPCG(seed, uint64(len(name))))
				ctx, run := begin(t, newPlant(1, cpus(1), cpus(1)).options(tracertest.NewMeter(domain("node0", power(r))))...)
				ctx, train := tracer.Start(ctx, "train")
				train.Expect("epoch", n)
				length, first, spread := 20+20*r.Float64(), r.Float64(), 0.1*r.Float64()
				for i := range n {
					s := length * (1 + spread*r.NormFloat64())
					if i == 0 {
						s *= 1 + first
					}
					epochs(ctx, 1, time.Duration(s*float64(time.Second)))
				}
				train.End()
				rec := finish(t, run)
				all, err := tracer.Forecasts(rec)
				require.NoError(t, err)
				for _, f := range all[:len(all)-1] {
					for e, truth := range map[*tracer.Estimate]float64{f.TotalS: rec.Run.DurationS, f.TotalJ: rec.Totals.EnergyJ.Value} {
						told++
						if holds(t, e, truth) {
							covered++
						}
					}
				}
			})
		}
	}
	t.Logf("%d of %d", covered, told)
	assert.GreaterOrEqual(t, float64(covered)/float64(told), 0.90)
}

func TestSlowFirstEpochsAreNotTakenForTheRest(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, run := simple(t)
		ctx, train := tracer.Start(ctx, "train")
		train.Expect("epoch", 100)
		for _, s := range []int{90, 50, 35, 31} {
			epochs(ctx, 1, time.Duration(s)*time.Second)
		}
		epochs(ctx, 16, 30*time.Second)
		f := run.Forecast()
		require.Empty(t, f.Why)
		assert.InEpsilon(t, 206+96*30, f.TotalS.Value, 0.01)
		assert.LessOrEqual(t, f.LeansOn, int64(17))
		train.End()
		finish(t, run)
	})
}

func TestUnitsAreAsGoodAsSpans(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, run := simple(t)
		ctx, train := tracer.Start(ctx, "train")
		train.Expect("samples", 1_000_000)
		for range 2_500 {
			_, s := tracer.Start(ctx, "batch")
			time.Sleep(100 * time.Millisecond)
			s.Count("samples", 100)
			s.Count("images", 7)
			s.End()
		}
		f := run.Forecast()
		require.Empty(t, f.Why)
		assert.EqualValues(t, 250_000, f.Done)
		assert.InEpsilon(t, 1000, f.TotalS.Value, 0.01)
		assert.InEpsilon(t, 10_000, f.TotalJ.Value, 0.01)
		train.End()
		finish(t, run)
	})
}

func TestWhatIsExpectedMayChange(t *testing.T) {
	for name, c := range map[string]struct {
		do  func(ctx context.Context, train *tracer.Span)
		why string
		of  int64
	}{
		"a second time is in place of the first": {func(_ context.Context, s *tracer.Span) { s.Expect("epoch", 12) }, "", 12},
		"none are taken back":                    {func(_ context.Context, s *tracer.Span) { s.Expect("epoch", 0) }, "no open span says what it expects (Span.Expect)", 0},
		"something else begins anew":             {func(_ context.Context, s *tracer.Span) { s.Expect("batch", 12) }, "batch: none of 12 is done", 12},
		"more than expected":                     {func(ctx context.Context, _ *tracer.Span) { epochs(ctx, 6, time.Second) }, "epoch: 11 of 10 are done, more than expected", 10},
		"a negative number is refused":           {func(_ context.Context, s *tracer.Span) { s.Expect("epoch", -1) }, "", 10},
		"the span ends":                          {func(_ context.Context, s *tracer.Span) { s.End() }, "no open span says what it expects (Span.Expect)", 0},
		"another loop below is a part of it": {func(ctx context.Context, _ *tracer.Span) {
			_, s := tracer.Start(ctx, "validate")
			s.Expect("image", 1000)
		}, "", 10},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				ctx, run := simple(t)
				ctx, train := tracer.Start(ctx, "train")
				train.Expect("epoch", 10)
				epochs(ctx, 5, 10*time.Second)
				c.do(ctx, train)
				f := run.Forecast()
				assert.Equal(t, c.why, f.Why)
				assert.Equal(t, c.of, f.Expected)
				rec := finish(t, run)
				_, flagged := warned(rec, "plans-refused")
				assert.Equal(t, name == "a negative number is refused", flagged)
			})
		})
	}
}

func TestALoopThatStopsEarlyHasDoneItsWork(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, run := simple(t)
		in, train := tracer.Start(ctx, "train")
		train.Expect("epoch", 100)
		epochs(in, 10, 10*time.Second)
		train.End()
		_, s := tracer.Start(ctx, "evaluate")
		time.Sleep(10 * time.Second)
		s.End()
		all, err := tracer.Forecasts(finish(t, run))
		require.NoError(t, err)
		last := all[len(all)-1]
		assert.EqualValues(t, 10, last.Done)
		assert.EqualValues(t, 100, last.Expected)
		assert.InDelta(t, 1000, last.TotalJ.Value, 10, "evaluating is not in it")
	})
}

func TestLoopsOneAfterAnotherEachHaveAForecast(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, run := simple(t)
		for range 3 {
			in, fold := tracer.Start(ctx, "fold")
			fold.Expect("epoch", 10)
			epochs(in, 5, 10*time.Second)
			f := run.Forecast()
			require.Empty(t, f.Why)
			assert.InEpsilon(t, f.AtS+50, f.TotalS.Value, 0.001)
			epochs(in, 5, 10*time.Second)
			fold.End()
		}
		all, err := tracer.Forecasts(finish(t, run))
		require.NoError(t, err)
		done := 0
		for _, f := range all {
			assert.EqualValues(t, 10, f.Expected)
			if f.RemainingS.High == 0 && f.Done == 10 {
				done++
			}
		}
		assert.GreaterOrEqual(t, done, 3, "each has what came of it")
	})
}

func TestConcurrentLoopsTakeAsLongAsTheLongestAndAsMuchAsAll(t *testing.T) {
	for name, c := range map[string]struct {
		paths [2]string
		unit  string
	}{
		"of two paths": {[2]string{"left", "right"}, "epoch"},
		"of one path":  {[2]string{"both", "both"}, "epoch"},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				ctx, run := simple(t)
				var loops sync.WaitGroup
				for i, path := range c.paths {
					loops.Go(func() {
						ctx, s := tracer.Start(ctx, path)
						defer s.End()
						s.Expect(c.unit, 20)
						epochs(ctx, 20, time.Duration(10+i)*time.Second) // 200 s and 220 s
					})
				}
				time.Sleep(120*time.Second + time.Millisecond)
				f := run.Forecast()
				require.Empty(t, f.Why)
				assert.True(t, holds(t, f.TotalS, 220), "%+v", f.TotalS)
				assert.InEpsilon(t, 220, f.TotalS.Value, 0.08)
				assert.InEpsilon(t, 2200, f.TotalJ.Value, 0.08)
				loops.Wait()
				finish(t, run)
			})
		})
	}
}

func TestNobodyIsHarmedByWhatIsExpected(t *testing.T) {
	var none *tracer.Span
	none.Expect("epoch", 1)
	var run *tracer.Run
	assert.Equal(t, "nothing is traced", run.Forecast().Why)
	synctest.Test(t, func(t *testing.T) {
		ctx, run := simple(t)
		for i := range 20 {
			ctx, s := tracer.Start(ctx, "loop "+strconv.Itoa(i), tracer.Async())
			s.Expect("epoch", 1<<62)
			for range 100 {
				_, e := tracer.Start(ctx, "epoch")
				e.End() // which takes no time
			}
		}
		run.Forecast()
		time.Sleep(10 * time.Second)
		run.Forecast()
		rec := finish(t, run)
		n, flagged := warned(rec, "plans-refused")
		assert.True(t, flagged)
		assert.EqualValues(t, 4, n, "16 paths may")
	})
}

func TestLoopsThatAreOverLeaveRoomForOthers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, run := simple(t)
		for i := range 100 {
			ctx, s := tracer.Start(ctx, "loop "+strconv.Itoa(i))
			s.Expect("epoch", 3)
			epochs(ctx, 3, time.Millisecond)
			s.End()
		}
		_, flagged := warned(finish(t, run), "plans-refused")
		assert.False(t, flagged)
	})
}

func TestForecastsThatNobodyCanReadAreTold(t *testing.T) {
	for _, v := range []any{"x", map[string]any{"version": 2, "forecasts": []any{}}, map[string]any{"version": 1, "forecasts": make([]map[string]any, 1000)}} {
		_, err := tracer.Forecasts(&lifecycle.Record{Extensions: map[string]any{lifecycle.ForecastExtension: v}})
		assert.ErrorContains(t, err, lifecycle.ForecastExtension)
	}
	all, err := tracer.Forecasts(&lifecycle.Record{})
	require.NoError(t, err)
	assert.Empty(t, all)
}
