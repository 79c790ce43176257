package tracer_test

import (
	"context"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"testing"
	"testing/fstest"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/ecotracer/ecotracer/factors"
	"github.com/ecotracer/ecotracer/tracer"
	"github.com/ecotracer/ecotracer/tracer/meter"
	"github.com/ecotracer/ecotracer/tracer/tracertest"
)

// until works in epochs until ctx is done, or n are.
func until(ctx context.Context, n int, length time.Duration) (done int) {
	for range n {
		_, s := tracer.Start(ctx, "epoch")
		select {
		case <-ctx.Done():
			s.End()
			return done
		case <-time.After(length):
			done++
			s.End()
		}
	}
	return done
}

func TestABudgetIsNotPassed(t *testing.T) {
	powers := map[string]tracertest.Curve{
		"constant": tracertest.Constant(50),
		"rising":   tracertest.Ramp(20, 80, time.Minute),
		"a step":   tracertest.Constant(80).Then(30*time.Second, tracertest.Constant(30)),
	}
	for name, power := range powers {
		for _, grace := range []time.Duration{0, 5 * time.Second} {
			for what, limit := range map[string]tracer.Limit{
				"J": {EnergyJ: 5000}, "gCO2e": {GCO2e: 0.2}, "s": {Time: 100 * time.Second},
			} {
				t.Run(name+" "+what+" "+grace.String(), func(t *testing.T) {
					synctest.Test(t, func(t *testing.T) {
						ctx, run := begin(t, append(newPlant(1, cpus(1), cpus(1)).options(tracertest.NewMeter(domain("node0", power))), tracer.At(tracer.Site{Country: "FR"}))...)
						limit.Grace, limit.Cancel = grace, true
						within, release := tracer.Budget(ctx, limit)
						defer release()
						begun := time.Now()
						until(within, 1000, 7*time.Second)
						require.Error(t, within.Err(), "it is to stop the work")
						require.NoError(t, ctx.Err(), "and nothing else")
						time.Sleep(grace) // to write what it is to go on from
						took := time.Since(begun)
						rec := finish(t, run)

						err := context.Cause(within)
						require.ErrorIs(t, err, tracer.ErrBudget)
						var e *tracer.BudgetError
						require.ErrorAs(t, err, &e)
						assert.Equal(t, what, e.Unit)
						assert.True(t, e.Spent)
						assert.Empty(t, e.Path)
						assert.Contains(t, e.Error(), "for the run is spent")
						grams := rec.Totals.OperationalGCO2e.Value
						if rec.Totals.GCO2e != nil {
							grams = rec.Totals.GCO2e.Value
						}
						used := map[string]float64{"J": rec.Totals.EnergyJ.Value, "gCO2e": grams, "s": took.Seconds()}[what]
						slack := 0.0
						if name == "rising" {
							slack = e.Margin // it draws more than it did at most
						}
						if what == "gCO2e" {
							slack += 0.01 * e.Limit // grams are told by the last record
						}
						assert.LessOrEqual(t, used, e.Limit+slack)
						assert.Greater(t, used, 0.9*e.Limit-e.Margin, "nor is it stopped much before")
						n, flagged := warned(rec, "budget-spent")
						assert.True(t, flagged)
						assert.EqualValues(t, 1, n)
					})
				})
			}
		}
	}
}

func TestABudgetWarnsAsSoonAsTheForecastDoes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, run := simple(t)
		var told []*tracer.BudgetError
		within, release := tracer.Budget(ctx, tracer.Limit{EnergyJ: 1500, Warn: func(e *tracer.BudgetError) { told = append(told, e) }})
		defer release()
		assert.Equal(t, ctx, within, "nothing is cancelled that was not asked for")
		within, train := tracer.Start(within, "train")
		train.Expect("epoch", 20)
		until(within, 20, 10*time.Second) // 2000 J
		train.End()
		time.Sleep(2 * time.Second)
		synctest.Wait()
		require.Len(t, told, 2)
		assert.False(t, told[0].Spent)
		assert.Less(t, told[0].Used, 600.0, "a few epochs are enough")
		assert.Greater(t, told[0].Probability, 0.5)
		assert.InEpsilon(t, 2000, told[0].Forecast.TotalJ.Value, 0.05)
		assert.Contains(t, told[0].Error(), "will be spent, with a probability of")
		assert.True(t, told[1].Spent)
		assert.InDelta(t, 1500, told[1].Used, 50)
		rec := finish(t, run)
		for _, code := range []string{"budget-likely-spent", "budget-spent"} {
			_, flagged := warned(rec, code)
			assert.True(t, flagged, code)
		}
		assert.InEpsilon(t, 2000, rec.Totals.EnergyJ.Value, 0.05, "it went on")
	})
}

func TestABudgetThatIsEnoughSaysNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, run := simple(t)
		within, release := tracer.Budget(ctx, tracer.Limit{EnergyJ: 4000, Time: time.Hour, Cancel: true, Warn: func(e *tracer.BudgetError) { t.Error(e) }})
		within, train := tracer.Start(within, "train")
		train.Expect("epoch", 20)
		assert.Equal(t, 20, until(within, 20, 10*time.Second))
		train.End()
		require.NoError(t, within.Err())
		release()
		require.ErrorIs(t, context.Cause(within), context.Canceled, "as a context that is released")
		release()
		rec := finish(t, run)
		for _, code := range []string{"budget-likely-spent", "budget-spent", "plans-refused"} {
			_, flagged := warned(rec, code)
			assert.False(t, flagged, code)
		}
	})
}

func TestBudgetsNestAndAreOfTheirSpans(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, run := simple(t)
		all, release := tracer.Budget(ctx, tracer.Limit{EnergyJ: 3000, Cancel: true})
		defer release()
		_, before := tracer.Start(all, "train") // of the same path, and not of the budget
		time.Sleep(100 * time.Second)
		before.End()
		inner, train := tracer.Start(all, "train")
		inner, releaseInner := tracer.Budget(inner, tracer.Limit{EnergyJ: 1000, Cancel: true})
		defer releaseInner()
		assert.InDelta(t, 97, until(inner, 1000, time.Second), 3)
		var e *tracer.BudgetError
		require.ErrorAs(t, context.Cause(inner), &e)
		assert.Equal(t, "train", e.Path)
		require.NoError(t, all.Err(), "there is more for the rest")
		train.End()
		assert.InDelta(t, 98, until(all, 1000, time.Second), 5)
		require.ErrorAs(t, context.Cause(all), &e)
		assert.Empty(t, e.Path)
		rec := finish(t, run)
		assert.LessOrEqual(t, rec.Totals.EnergyJ.Value, 3000.0)
	})
}

func TestABudgetOfGramsHoldsWhatServicesAreAskedFor(t *testing.T) {
	prompt := factors.Factor{ID: "service.prompt", Kind: factors.Service, Value: 0.5, Low: 0.25, High: 1, Unit: "gCO2e/call", Source: "test", SourceYear: 2026, Licence: "CC0-1.0", Quality: "C", GWP: "AR6", Basis: "lifecycle"}
	for name, c := range map[string]struct {
		service string
		times   int
	}{
		"told in grams":                       {"prompt", 1},
		"told in energy, at the world's grid": {"gemini-prompt", 5},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				ctx, run := simple(t, tracer.At(tracer.Site{Country: "FR", Factors: []factors.Factor{prompt}}))
				within, release := tracer.Budget(ctx, tracer.Limit{GCO2e: 100, Cancel: true})
				defer release()
				for n := 0; within.Err() == nil && n < 1000; n++ {
					_, s := tracer.Start(within, "ask")
					s.Call(c.service, c.times)
					time.Sleep(time.Second)
					s.End()
				}
				grams := finish(t, run).Totals.OperationalGCO2e.Value
				assert.LessOrEqual(t, grams, 100.5)
				assert.Greater(t, grams, 95.0)
			})
		})
	}
}

func TestLimitsThatAreNoneAreFlagged(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, run := simple(t)
		for _, l := range []tracer.Limit{{}, {EnergyJ: -1}, {GCO2e: math.NaN()}, {Time: -1}, {EnergyJ: 1, Grace: -1}, {EnergyJ: math.Inf(1)}} {
			_, release := tracer.Budget(ctx, l)
			release()
		}
		var kept []context.CancelFunc
		for range 300 {
			_, release := tracer.Budget(ctx, tracer.Limit{EnergyJ: 1e9})
			kept = append(kept, release)
		}
		time.Sleep(5 * time.Second)
		for _, release := range kept {
			release()
		}
		rec := finish(t, run)
		n, _ := warned(rec, "plans-refused")
		assert.EqualValues(t, 6+300-256, n)
	})
}

func TestBudgetsOfSpansThatHaveEndedLeaveRoomForOthers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, run := simple(t)
		for range 1000 { // between two looks, and none is released
			within, s := tracer.Start(ctx, "request")
			_, _ = tracer.Budget(within, tracer.Limit{EnergyJ: 1e9})
			s.End()
		}
		rec := finish(t, run)
		_, refused := warned(rec, "plans-refused")
		assert.False(t, refused)
	})
}

// The idle power of a meter is known only as far as it was seen to be drawn: where
// that turns out lower, more of all that was used is the run's, and none of it is
// used in that second.
func TestABudgetTakesNoChangeOfWhatWasForPower(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		power := tracertest.Constant(100).Then(1000*time.Second, tracertest.Constant(5)).Then(1003*time.Second, tracertest.Constant(100))
		ctx, run := begin(t, append(newPlant(4, cpus(1), cpus(1)).options(tracertest.NewMeter(domain("node0", power))), tracer.IdlePower(map[string]float64{"node0": 80}))...)
		within, release := tracer.Budget(ctx, tracer.Limit{EnergyJ: 150_000, Cancel: true})
		defer release()
		until(within, 1_000_000, 10*time.Second)
		var e *tracer.BudgetError
		require.ErrorAs(t, context.Cause(within), &e)
		assert.Less(t, e.Margin, 100*2.5)
		assert.LessOrEqual(t, finish(t, run).Totals.EnergyJ.Value, e.Limit)
	})
}

func TestABudgetHarmsNobody(t *testing.T) {
	free, release := tracer.Budget(context.Background(), tracer.Limit{EnergyJ: 1, Cancel: true})
	release()
	require.NoError(t, free.Err(), "there is no run")
	for name, warn := range map[string]func(run *tracer.Run){
		"it panics": func(*tracer.Run) { panic("mine") },
		"it ends":   func(run *tracer.Run) { _, _ = run.End() },
		"it asks":   func(run *tracer.Run) { run.Forecast() },
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				ctx, run := simple(t)
				_, release := tracer.Budget(ctx, tracer.Limit{EnergyJ: 50, Warn: func(*tracer.BudgetError) { warn(run) }})
				defer release()
				time.Sleep(10 * time.Second)
				synctest.Wait()
				finish(t, run)
			})
		})
	}
	ended, run := metered(t)
	finish(t, run)
	within, release := tracer.Budget(ended, tracer.Limit{Time: 1, Cancel: true})
	release()
	require.NoError(t, within.Err())
}

// TestWithPlansASpanCostsNoMore is of allocations: what is expected costs a span
// none.
func TestWithPlansASpanCostsNoMore(t *testing.T) {
	ctx, run := metered(t)
	ctx, outer := tracer.Start(ctx, "outer")
	work := func() {
		_, s := tracer.Start(ctx, "a")
		s.Count("samples", 1)
		s.End()
	}
	before := testing.AllocsPerRun(1000, work)
	outer.Expect("a", 1<<40)
	_, release := tracer.Budget(ctx, tracer.Limit{EnergyJ: 1e9})
	defer release()
	for range 1000 {
		work() // marks have room by now
	}
	assert.LessOrEqual(t, testing.AllocsPerRun(1000, work), before)
	grown := heap()
	for i := range 300_000 {
		work()
		if i%10_000 == 0 {
			tracer.Tick(run)
		}
	}
	assert.Less(t, heap()-grown, int64(64<<10), "bytes")
	finish(t, run)
}

func TestRandomBudgetsAreKept(t *testing.T) {
	for seed := range uint64(20) {
		synctest.Test(t, func(t *testing.T) {
			r := rand.New(rand.NewPCG(seed, 7))
			watts := 5 + 200*r.Float64()
			limit := watts * (5 + 500*r.Float64())
			ctx, run := begin(t, newPlant(1, cpus(1), cpus(1)).options(tracertest.NewMeter(domain("node0", tracertest.Constant(watts))))...)
			within, release := tracer.Budget(ctx, tracer.Limit{EnergyJ: limit, Cancel: true})
			defer release()
			until(within, 1_000_000, time.Duration((0.1+10*r.Float64())*float64(time.Second)))
			rec := finish(t, run)
			assert.LessOrEqual(t, rec.Totals.EnergyJ.Value, limit*(1+1e-9), "%g W", watts)
			var e *tracer.BudgetError
			require.True(t, errors.As(context.Cause(within), &e))
			assert.GreaterOrEqual(t, e.Used+e.Margin, limit)
			assert.LessOrEqual(t, e.Margin, watts*2.5)
		})
	}
}

// A user who sets a budget is told at once that it cannot be relied on, and nothing
// is stopped for it.
func TestABudgetOfWhatIsNotMeteredIsToldAtOnce(t *testing.T) {
	silent := func() meter.Meter {
		m := tracertest.NewMeter(domain("node0", nil), domain("gpu0", nil))
		m.Silence("gpu0")
		return m
	}
	node := func() meter.Meter { return ten() }
	for name, c := range map[string]struct {
		meter func() meter.Meter
		files map[string]string
		limit tracer.Limit
		after time.Duration
		why   string
	}{
		"nothing is":           {limit: tracer.Limit{EnergyJ: 1000, Cancel: true}, why: "nothing is metered"},
		"nor are grams":        {limit: tracer.Limit{GCO2e: 1000, Cancel: true}, why: "nothing is metered"},
		"some device is not":   {meter: node, files: map[string]string{"proc/driver/nvidia/gpus/0000:01:00.0/information": "Model: NVIDIA A10\n"}, limit: tracer.Limit{EnergyJ: 1000, Cancel: true}, why: "no meter counts gpu NVIDIA A10"},
		"a meter says nothing": {meter: silent, limit: tracer.Limit{EnergyJ: 1000, Cancel: true}, after: 4 * time.Second, why: "gpu0 has told nothing"},
		"all is":               {meter: node, limit: tracer.Limit{EnergyJ: 1000, Cancel: true}},
		"time needs no meter":  {limit: tracer.Limit{Time: time.Hour, Cancel: true}},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				files := fstest.MapFS{}
				for name, text := range c.files {
					files[name] = &fstest.MapFile{Data: []byte(text)}
				}
				opts := []tracer.Option{tracer.Host(files)}
				if c.meter != nil {
					opts = append(opts, tracer.Meters(c.meter()))
				}
				ctx, run := begin(t, opts...)
				var told []*tracer.BudgetError
				c.limit.Warn = func(e *tracer.BudgetError) { told = append(told, e) }
				within, release := tracer.Budget(ctx, c.limit)
				defer release()
				time.Sleep(c.after)
				synctest.Wait()
				if c.why != "" {
					require.Len(t, told, 1)
					assert.Contains(t, told[0].Unwatched, c.why)
					assert.Contains(t, told[0].Error(), "cannot be relied on: "+told[0].Unwatched)
				}
				time.Sleep(20 * time.Second)
				require.NoError(t, within.Err())
				rec := finish(t, run)
				synctest.Wait()
				if c.why == "" {
					assert.Empty(t, told)
				}
				n, flagged := warned(rec, "budget-unwatched")
				assert.Equal(t, c.why != "", flagged)
				assert.EqualValues(t, len(told), n)
			})
		})
	}
}

func TestABudgetOfServicesThatNobodyKnowsIsTold(t *testing.T) {
	prompt := factors.Factor{ID: "service.prompt", Kind: factors.Service, Value: 0.5, Low: 0.25, High: 1, Unit: "gCO2e/call", Source: "test", SourceYear: 2026, Licence: "CC0-1.0", Quality: "C", GWP: "AR6", Basis: "lifecycle"}
	for name, c := range map[string]struct {
		limit   tracer.Limit
		service string
		why     string
	}{
		"nobody knows it":    {tracer.Limit{GCO2e: 1e6}, "oracle", "no factor tells what service oracle takes"},
		"its grams are":      {tracer.Limit{GCO2e: 1e6}, "prompt", ""},
		"its joules are not": {tracer.Limit{EnergyJ: 1e6}, "prompt", "no factor tells what service prompt takes"},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				ctx, run := simple(t, tracer.At(tracer.Site{Country: "FR", Factors: []factors.Factor{prompt}}))
				why := ""
				c.limit.Warn = func(e *tracer.BudgetError) { why = e.Unwatched }
				ctx, release := tracer.Budget(ctx, c.limit)
				defer release()
				time.Sleep(10 * time.Second)
				require.Empty(t, why)
				_, s := tracer.Start(ctx, "ask")
				s.Call(c.service, 1)
				s.End()
				time.Sleep(5 * time.Second)
				synctest.Wait()
				assert.Equal(t, c.why, why)
				finish(t, run)
			})
		})
	}
}

// A management controller is read each few seconds, and some counters move no more
// often: a budget is neither late nor much too early for it.
func TestABudgetOnASlowMeterIsNotPassed(t *testing.T) {
	const watts = 100
	for _, every := range []time.Duration{5 * time.Second, 30 * time.Second} {
		even, step := tracertest.Constant(watts), func(t time.Duration) float64 { return watts * (t / every * every).Seconds() }
		of := func(c tracertest.Curve, update time.Duration) *tracertest.Meter {
			return tracertest.NewMeter(tracertest.Domain{Domain: meter.Domain{ID: "node0", Sensor: "rapl", Update: update}, Power: c})
		}
		for name, m := range map[string]func() meter.Meter{
			"is read seldom":                  func() meter.Meter { return &tracertest.Slow{Meter: of(even, 0), Every: every} },
			"moves seldom":                    func() meter.Meter { return of(step, every) },
			"is read seldom and moves seldom": func() meter.Meter { return &tracertest.Slow{Meter: of(step, every), Every: every} },
		} {
			for _, limit := range []float64{1000, 10_000} {
				if every.Seconds()*watts > limit {
					continue // it is gone before the counter moves
				}
				t.Run(fmt.Sprintf("it %s, %v, %g J", name, every, limit), func(t *testing.T) {
					synctest.Test(t, func(t *testing.T) {
						ctx, run := begin(t, newPlant(1, cpus(1), cpus(1)).options(m())...)
						var told []*tracer.BudgetError
						within, release := tracer.Budget(ctx, tracer.Limit{EnergyJ: limit, Cancel: true, Warn: func(e *tracer.BudgetError) { told = append(told, e) }})
						defer release()
						begun := time.Now()
						work, train := tracer.Start(within, "train")
						train.Expect("epoch", 1000)
						until(work, 1000, time.Second)
						train.End()
						used := watts * time.Since(begun).Seconds()
						synctest.Wait()
						require.NotEmpty(t, told)
						assert.True(t, told[len(told)-1].Spent)
						assert.LessOrEqual(t, used, limit)
						assert.GreaterOrEqual(t, used, limit-2*watts, "looked again each second")
						if limit > 1000 {
							assert.Len(t, told, 2, "it was warned of before")
						}
						finish(t, run)
					})
				})
			}
		}
	}
}

// While the sampler looks, spans and runs end and budgets are released.
func TestABudgetThatHasEndedTellsNothing(t *testing.T) {
	for name, end := range map[string]func(run *tracer.Run, span *tracer.Span, release context.CancelFunc){
		"run":      func(run *tracer.Run, _ *tracer.Span, _ context.CancelFunc) { _, _ = run.End() },
		"span":     func(_ *tracer.Run, span *tracer.Span, _ context.CancelFunc) { span.End() },
		"released": func(_ *tracer.Run, _ *tracer.Span, release context.CancelFunc) { release() },
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				ctx, run := simple(t)
				ctx, span := tracer.Start(ctx, "train")
				budgeted, release := tracer.Budget(ctx, tracer.Limit{EnergyJ: 1, Cancel: true, Warn: func(*tracer.BudgetError) { t.Error("warned") }})
				tracer.Spend(run, func() { end(run, span, release) })
				synctest.Wait()
				assert.NotErrorIs(t, context.Cause(budgeted), tracer.ErrBudget)
				_, told := warned(finish(t, run), "budget-spent")
				assert.False(t, told)
			})
		})
	}
}
