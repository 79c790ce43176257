package tracer_test

import (
	"context"
	"errors"
	"math"
	"sync/atomic"
	"testing"
	"testing/fstest"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/ecotracer/ecotracer/lifecycle"
	"github.com/ecotracer/ecotracer/tracer"
	"github.com/ecotracer/ecotracer/tracer/meter"
	"github.com/ecotracer/ecotracer/tracer/tracertest"
)

// ten is a meter of a node that draws 10 W.
func ten() *tracertest.Meter { return tracertest.NewMeter(domain("node0", tracertest.Constant(10))) }

func TestAMeterThatFailsForATimeLosesNothing(t *testing.T) {
	for name, c := range map[string]struct {
		fault, heal func(m *tracertest.Meter)
		code        string // warning
	}{
		"it fails":             {func(m *tracertest.Meter) { m.Break(errors.New("EIO")) }, func(m *tracertest.Meter) { m.Break(nil) }, ""},
		"it says what is NaN":  {func(m *tracertest.Meter) { m.Say("node0", math.NaN()) }, heal, "counter-unreadable"},
		"it says infinity":     {func(m *tracertest.Meter) { m.Say("node0", math.Inf(1)) }, heal, "counter-unreadable"},
		"it says minus 1 J":    {func(m *tracertest.Meter) { m.Say("node0", -1) }, heal, "counter-unreadable"},
		"it is silent":         {func(m *tracertest.Meter) { m.Silence("node0") }, heal, ""},
		"it may not be read":   {func(m *tracertest.Meter) { m.Flag("node0", meter.Denied) }, heal, "permission-denied"},
		"it is unplugged":      {func(m *tracertest.Meter) { m.Flag("node0", meter.Unplugged) }, heal, "counter-unplugged"},
		"it runs backwards":    {func(m *tracertest.Meter) { m.Say("node0", 1) }, heal, "counter-backwards"},
		"it panics":            {nil, nil, ""},
		"it tells too many":    {nil, nil, ""},
		"it is read with gaps": {func(m *tracertest.Meter) { m.Flag("node0", meter.Gap) }, nil, "counter-gap"},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				host := newPlant(4, cpus(1), cpus(1))
				m := &unruly{Meter: ten()}
				ctx, run := begin(t, append(host.options(m), watts(0))...)
				_, work := tracer.Start(ctx, "work")
				time.Sleep(4500 * time.Millisecond)
				m.do(name, c.fault)
				time.Sleep(3 * time.Second)
				m.do("", c.heal)
				time.Sleep(2500 * time.Millisecond)
				work.End()
				rec := finish(t, run)
				l := line(t, rec, "node0")
				assert.InDelta(t, 100, l.TotalJ, 1e-9)
				assert.InDelta(t, 100, l.SpansJ, 1e-9)
				assert.Nil(t, l.ExtrapolatedS, "at the end it was read")
				if _, flagged := warned(rec, c.code); c.code != "" {
					assert.True(t, flagged, c.code)
				}
				if c.heal != nil || name == "it panics" {
					assert.InDelta(t, 3, of(l.GapS), 1.1, "the time that was not read is told")
				}
			})
		})
	}
}

func heal(m *tracertest.Meter) { m.Heal("node0") }

// unruly is a meter that does worse than tracertest knows of.
type unruly struct {
	*tracertest.Meter
	how atomic.Value
}

func (m *unruly) do(how string, what func(*tracertest.Meter)) {
	m.how.Store(how)
	if what != nil {
		what(m.Meter)
	}
}

func (m *unruly) Read(dst []meter.Sample) ([]meter.Sample, error) {
	dst, err := m.Meter.Read(dst)
	switch m.how.Load() {
	case "it panics":
		panic("the driver is gone")
	case "it tells too many":
		dst = append(dst, meter.Sample{Domain: 7, Joules: 1}, meter.Sample{Domain: -1, Joules: 1})
	}
	return dst, err
}

func (m *unruly) Close() error { panic("the driver is gone") }

// Trap 53: what stands in for readings that did not come is flagged, with its
// seconds.
func TestWhatAMeterDidNotTellAtTheEndIsExtrapolated(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		host := newPlant(4, cpus(1), cpus(1))
		m := tracertest.NewMeter(domain("node0", tracertest.Constant(10).Then(5*time.Second, tracertest.Constant(500))))
		ctx, run := begin(t, append(host.options(m), watts(0))...)
		_, work := tracer.Start(ctx, "work")
		time.Sleep(5050 * time.Millisecond)
		m.Break(errors.New("EIO"))
		time.Sleep(4950 * time.Millisecond)
		work.End()
		rec := finish(t, run)
		l := line(t, rec, "node0")
		assert.InDelta(t, 100, l.TotalJ, 1e-9, "the last power is taken")
		assert.InDelta(t, 5, of(l.ExtrapolatedS), 0.1)
		_, flagged := warned(rec, "meter-extrapolated")
		assert.True(t, flagged)
	})
}

// The joules that are told after a silence are of all of it: they make no
// power of the one interval in which they come.
func TestTheLastPowerIsThatBetweenTwoReadings(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		host := newPlant(4, cpus(1), cpus(1))
		m := tracertest.NewMeter(domain("node0", tracertest.Constant(10).Then(4*time.Second, tracertest.Constant(50))))
		_, run := begin(t, append(host.options(m), watts(0))...)
		time.Sleep(4 * time.Second)
		m.Break(errors.New("EIO")) // 10 W were seen, 50 W are drawn
		time.Sleep(8500 * time.Millisecond)
		m.Break(nil)
		time.Sleep(time.Second)
		m.Break(errors.New("EIO"))
		time.Sleep(20 * time.Second)
		rec := finish(t, run)
		l := line(t, rec, "node0")
		assert.InDelta(t, 40+50*29.5, l.TotalJ, 120)
		assert.InDelta(t, 20, of(l.ExtrapolatedS), 1)
	})
}

// Trap 53: what was not measured is missing, whatever its neighbours say.
func TestAMeterThatNeverTellsIsMissing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		host := newPlant(4, cpus(1), cpus(1))
		m := tracertest.NewMeter(domain("node0", tracertest.Constant(10)), domain("gpu0", tracertest.Constant(10)))
		m.Say("gpu0", math.NaN())
		ctx, run := begin(t, append(host.options(m), watts(0))...)
		with(ctx, 5*time.Second, "work")
		rec := finish(t, run)
		l := line(t, rec, "gpu0")
		assert.Zero(t, l.Samples)
		assert.InDelta(t, 5, of(l.GapS), 1e-9)
		assert.Contains(t, rec.Missing, lifecycle.Missing{Path: "/ledger", What: "gpu0", Reason: "not-measured"}, "nothing told is not nothing used")
		assert.InDelta(t, 50, line(t, rec, "node0").TotalJ, 1e-9)
	})
}

// What a meter has counted before it was first read may have been used before
// the run.
func TestAMeterCountsFromItsFirstReading(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		host := newPlant(4, cpus(1), cpus(1))
		m := ten()
		time.Sleep(time.Hour)
		m.Break(errors.New("not yet"))
		ctx, run := begin(t, append(host.options(m), watts(0))...)
		_, work := tracer.Start(ctx, "work")
		time.Sleep(3050 * time.Millisecond)
		m.Break(nil)
		time.Sleep(6950 * time.Millisecond)
		work.End()
		rec := finish(t, run)
		l := line(t, rec, "node0")
		assert.InDelta(t, 10*(10-of(l.GapS)), l.TotalJ, 1e-6)
		assert.InDelta(t, 3, of(l.GapS), 1.1)
	})
}

// slow makes a meter one that has a goroutine of its own.
func slow(m *tracertest.Meter, every, latency time.Duration) *tracertest.Slow {
	return &tracertest.Slow{Meter: m, Every: every, Limit: time.Second, Latency: latency}
}

func TestASlowMeterIsReadInItsOwnTime(t *testing.T) {
	for name, idle := range map[string]float64{"idle power unknown": 0, "idle power declared": 6} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				// The process works in one second of two.
				own := func(t time.Duration) time.Duration {
					return t/(2*time.Second)*time.Second + min(t%(2*time.Second), time.Second)
				}
				host := newPlant(2, own, cpus(1))
				ctx, run := begin(t, append(host.options(slow(ten(), 5*time.Second, 300*time.Millisecond)), watts(idle))...)
				begun := time.Now()
				for time.Since(begun) < 24*time.Second {
					_, a := tracer.Start(ctx, "a")
					time.Sleep(700 * time.Millisecond)
					with(ctx, 900*time.Millisecond, "b")
					a.End()
					time.Sleep(600 * time.Millisecond)
				}
				length := time.Since(begun).Seconds()
				rec := finish(t, run)
				l := line(t, rec, "node0")
				assert.InDelta(t, 10*length, l.TotalJ, 10, "but for the first reading it told it all")
				assert.InDelta(t, 0.3, of(l.GapS), 0.11, "the time to the first reading is not read")
				assert.InDelta(t, idle, l.IdleW, 1e-9)
				require.NotNil(t, l.ExtrapolatedS, "it was not asked at the end")
				assert.LessOrEqual(t, *l.ExtrapolatedS, 5.4)
				_, flagged := warned(rec, "meter-extrapolated")
				assert.True(t, flagged)
			})
		})
	}
}

// Two readings tell a power, so the second comes soon, also in a rank that
// follows another and reads the host's meters seldom.
func TestARunShorterThanASlowMetersPeriodHasItsPower(t *testing.T) {
	for name, ranks := range map[string]string{"a process alone": "1", "the ranks of a job": "8"} {
		t.Run(name, func(t *testing.T) {
			t.Setenv("ECOTRACER_RUNTIME_DIR", t.TempDir())
			for variable, value := range map[string]string{"RANK": "0", "WORLD_SIZE": ranks, "LOCAL_WORLD_SIZE": ranks, "ECOTRACER_JOB": "a"} {
				t.Setenv(variable, value)
			}
			synctest.Test(t, func(t *testing.T) {
				var runs []*tracer.Run
				for range 2 {
					host := tracertest.NewHost(t.TempDir(), tracertest.HostConfig{Boot: "b"})
					node := slow(tracertest.NewMeter(domain("node0", tracertest.Constant(100))), 5*time.Second, 300*time.Millisecond)
					_, run := begin(t, append(host.Options(), tracer.Meters(node), tracer.Scope(lifecycle.ScopeMachine), tracer.Checkpoints(-1))...)
					runs = append(runs, run)
				}
				time.Sleep(4 * time.Second)
				for _, run := range runs {
					rec := finish(t, run)
					l := line(t, rec, "node0/rest")
					assert.InDelta(t, 80*4, l.TotalJ, 80*0.45, "what the node draws beyond 20 W, but for the first reading")
					assert.NotNil(t, l.ExtrapolatedS)
				}
			})
		})
	}
}

func TestWhatASlowMeterReadOnceWouldHaveToldIsMissingNotZero(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		host := newPlant(2, cpus(1), cpus(1))
		_, run := begin(t, append(host.options(slow(ten(), 5*time.Second, 300*time.Millisecond)), watts(0))...)
		time.Sleep(900 * time.Millisecond)
		rec := finish(t, run)
		assert.Contains(t, rec.Missing, lifecycle.Missing{Path: "/ledger", What: "node0", Reason: "not-measured"})
		l := line(t, rec, "node0")
		assert.Nil(t, l.ExtrapolatedS, "no power is known that could have been taken")
		assert.InDelta(t, rec.Run.DurationS, of(l.GapS), 1e-9)
		_, flagged := warned(rec, "counter-gap")
		assert.True(t, flagged)
	})
}

func TestTheTimeSinceASlowMetersFirstReadingIsNoGap(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		host := newPlant(2, cpus(1), cpus(1))
		_, run := begin(t, append(host.options(slow(ten(), time.Second, 30*time.Millisecond)), watts(0), tracer.Scope(lifecycle.ScopeMachine))...)
		time.Sleep(10 * time.Second)
		rec := finish(t, run)
		l := line(t, rec, "node0")
		assert.InDelta(t, 0.03, of(l.GapS), 1e-9, "it was read 30 ms after the begin, and that was seen at the first tick")
		assert.InDelta(t, 10*(rec.Run.DurationS-of(l.GapS)), l.TotalJ, 1e-6)
	})
}

func TestASlowMeterDoesNotTellWhatWasUsedBeforeTheRun(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		host := newPlant(4, cpus(1), cpus(1))
		m := slow(ten(), time.Second, 100*time.Millisecond)
		time.Sleep(time.Hour)
		ctx, run := begin(t, append(host.options(m), watts(0))...)
		with(ctx, 10*time.Second, "work")
		rec := finish(t, run)
		assert.InDelta(t, 100, line(t, rec, "node0").TotalJ, 2)
	})
}

func TestEndWaitsForNoMeter(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		host := newPlant(4, cpus(1), cpus(1))
		m := &stuck{Meter: tracertest.NewMeter(domain("cpu0", tracertest.Constant(10))), release: make(chan struct{})}
		fast := tracertest.NewMeter(domain("gpu0", tracertest.Constant(5)))
		ctx, run := begin(t, append(host.options(m, fast), watts(0))...)
		with(ctx, 10*time.Second, "work")
		ended := time.Now()
		rec := finish(t, run)
		assert.Zero(t, time.Since(ended))
		assert.InDelta(t, 50, line(t, rec, "gpu0").TotalJ, 1e-9, "what others told is there")
		assert.Contains(t, rec.Missing, lifecycle.Missing{Path: "/ledger", What: "cpu0", Reason: "not-measured"})
		close(m.release)
		synctest.Wait()
		assert.True(t, m.Closed(), "it is closed when it comes back")
	})
}

// stuck is a meter that hangs in Read, and in Close, for ever.
type stuck struct {
	*tracertest.Meter
	release chan struct{}
}

func (m *stuck) Period() time.Duration  { return time.Second }
func (m *stuck) Timeout() time.Duration { return time.Second }

func (m *stuck) Read(dst []meter.Sample) ([]meter.Sample, error) {
	<-m.release
	return m.Meter.Read(dst)
}

func (m *stuck) Close() error {
	<-m.release
	return m.Meter.Close()
}

func TestABusyTimeThatCannotBeReadForAWhileStaysAsItWas(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		host := newPlant(4, cpus(1), cpus(2))
		ctx, run := begin(t, append(host.options(ten()), watts(4))...)
		_, work := tracer.Start(ctx, "work")
		time.Sleep(5 * time.Second)
		host.lost.Store(true)
		time.Sleep(5 * time.Second)
		host.lost.Store(false)
		time.Sleep(10 * time.Second)
		work.End()
		rec := finish(t, run)
		l := line(t, rec, "node0")
		assert.InDelta(t, 0.5*6*20, l.OtherProcessesJ, 1e-6, "the share is as it was")
		assert.InDelta(t, 0.75*4*20, l.IdleJ, 1e-6, "and so is the number of CPUs")
	})
}

// The records of a run that goes on are of one moment, like the last.
func TestCheckpointsAddUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		host := newPlant(4, cpus(1), cpus(2))
		recorder := new(tracertest.Recorder)
		opts := host.options(
			tracertest.NewMeter(domain("cpu0", tracertest.Constant(100)), domain("gpu0", tracertest.Constant(50)), domain("gpu1", tracertest.Constant(70))),
			slow(tracertest.NewMeter(domain("dram0", tracertest.Constant(10))), 3*time.Second, 200*time.Millisecond),
		)
		ctx, run := begin(t, append(opts, tracer.IdlePower(map[string]float64{"cpu0": 40, "dram0": 5}), tracer.Checkpoints(130*time.Millisecond), tracer.Sinks(recorder))...)
		time.Sleep(300 * time.Millisecond)
		for range 7 {
			child, a := tracer.Start(ctx, "train")
			time.Sleep(290 * time.Millisecond)
			_, b := tracer.Start(child, "step", tracer.OnDevices("gpu0"), tracer.Async())
			time.Sleep(450 * time.Millisecond)
			b.End()
			a.End()
			time.Sleep(170 * time.Millisecond)
		}
		finish(t, run)
		all := recorder.All()
		require.Greater(t, len(all), 30)
		for _, rec := range all {
			requireValid(t, rec)
		}
	})
}

func TestAHostThatDoesNotTellHowBusyItIsIsFlagged(t *testing.T) {
	for scope, want := range map[lifecycle.Scope]bool{lifecycle.ScopeProcess: true, lifecycle.ScopeMachine: false} {
		synctest.Test(t, func(t *testing.T) {
			host := newPlant(4, cpus(1), cpus(2))
			host.lost.Store(true)
			ctx, run := begin(t, append(host.options(ten()), watts(0), tracer.Scope(scope))...)
			with(ctx, 5*time.Second, "work")
			rec := finish(t, run)
			assert.InDelta(t, 50, line(t, rec, "node0").SpansJ, 1e-9)
			_, flagged := warned(rec, "busy-time-unknown")
			assert.Equal(t, want, flagged, "scope %s", scope)
		})
	}
}

func TestWhatWentWrongBeforeARunIsNotItsOwn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		host := newPlant(4, cpus(1), cpus(1))
		m := ten()
		_, first := begin(t, append(host.options(m), watts(0))...)
		time.Sleep(5 * time.Second)
		m.Flag("node0", meter.Gap)
		time.Sleep(2500 * time.Millisecond)
		m.Heal("node0")
		time.Sleep(2500 * time.Millisecond)
		_, second := beside(first, watts(0))
		time.Sleep(5 * time.Second)
		_, flagged := warned(finish(t, second), "counter-gap")
		assert.False(t, flagged, "the second")
		times, flagged := warned(finish(t, first), "counter-gap")
		assert.True(t, flagged, "the first")
		assert.InDelta(t, 3, times, 1)
	})
}

func TestIdlePowerThatIsNoNumberIsUnknown(t *testing.T) {
	for _, w := range []float64{math.NaN(), math.Inf(1), -1} {
		synctest.Test(t, func(t *testing.T) {
			host := newPlant(4, cpus(1), cpus(1))
			of := func(id string) tracertest.Domain {
				return tracertest.Domain{Domain: meter.Domain{ID: id, IdleW: w, IdleFound: "calibration"}, Power: tracertest.Constant(10)}
			}
			m := tracertest.NewMeter(of("node0/rest"), of("cpu0"), of("gpu0"))
			for i := range m.Domains() {
				m.Domains()[i].Method = lifecycle.Metered
			}
			_, run := begin(t, host.options(m)...)
			time.Sleep(5 * time.Second)
			rec := finish(t, run)
			for _, l := range rec.Ledger {
				assert.Zero(t, l.IdleW, l.Domain)
				assert.Equal(t, "unknown", l.IdleFound, l.Domain)
			}
		})
	}
}

// What the clocks of a true host do is not to be had in a test: a host that
// sleeps, and one whose clock is set.
// Trap 51: durations are monotonic.
func TestAClockThatJumpsIsFlagged(t *testing.T) {
	for name, c := range map[string]struct {
		off, slept time.Duration
		code       string
		ended      time.Duration // after the start, beyond the duration
	}{
		"the clocks agree":              {time.Second, time.Second, "", 0},
		"the host slept":                {time.Hour, time.Hour, "suspended", time.Hour},
		"the clock was set":             {time.Hour, 0, "clock-step", 0},
		"the clock was set back":        {-time.Hour, 0, "clock-step", 0},
		"it slept, and its clock stood": {0, time.Hour, "suspended", time.Hour},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				host := newPlant(4, cpus(1), cpus(1))
				_, run := begin(t, append(host.options(ten()), watts(0))...)
				time.Sleep(10 * time.Second)
				rec := tracer.RecordWithClocksOff(run, c.off, c.slept)
				for _, code := range []string{"suspended", "clock-step"} {
					_, flagged := warned(rec, code)
					assert.Equal(t, code == c.code, flagged, code)
				}
				assert.InDelta(t, 10, rec.Run.DurationS, 1e-9, "the duration is monotonic")
				assert.Equal(t, 10*time.Second+c.ended, rec.Run.EndedAt.Sub(*rec.Run.StartedAt))
				finish(t, run)
			})
		})
	}
}

// late is a meter whose second reading takes longer than it may.
type late struct {
	*tracertest.Meter
	reads int
}

func (m *late) Period() time.Duration  { return 10 * time.Second }
func (m *late) Timeout() time.Duration { return time.Second }

func (m *late) Read(dst []meter.Sample) ([]meter.Sample, error) {
	dst, err := m.Meter.Read(dst)
	if m.reads++; m.reads == 3 {
		time.Sleep(5 * time.Second)
	}
	return dst, err
}

func TestAReadingThatComesTooLateIsTakenFromTheNext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := tracertest.Domain{Power: tracertest.Constant(20)}
		d.ID = "cpu0"
		m := &late{Meter: tracertest.NewMeter(d)}
		_, run, err := tracer.Begin(context.Background(), tracer.Host(fstest.MapFS{}), tracer.Meters(m), tracer.Sinks(new(tracertest.Recorder)))
		require.NoError(t, err)
		time.Sleep(time.Minute)
		rec, err := run.End()
		require.NoError(t, err)
		require.Len(t, rec.Ledger, 1)
		line := rec.Ledger[0]
		assert.EqualValues(t, m.reads-1, line.Samples, "all but the late one")
		require.NotNil(t, line.GapS, "it is told")
		assert.InEpsilon(t, 20*rec.Run.DurationS, line.TotalJ, 5e-3, "no joule is lost with it, but for those before the first tick")
	})
}

func TestARunWithoutAnyMeterSaysSo(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		_, run := begin(t, tracer.Host(fstest.MapFS{}))
		time.Sleep(time.Second)
		rec := finish(t, run)
		assert.Empty(t, rec.Ledger)
		assert.Contains(t, rec.Missing, lifecycle.Missing{Path: "/ledger", What: "energy", Reason: "not-measured"}, "0 J are not what was used")
	})
}
