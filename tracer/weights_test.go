package tracer_test

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"

	"github.com/ecotracer/ecotracer/lifecycle"
	"github.com/ecotracer/ecotracer/tracer"
	"github.com/ecotracer/ecotracer/tracer/tracertest"
)

// weighed begins a run on a node of 100 W, whose windows of CPU samples the
// test makes up: the profiler itself is not used.
func weighed(t *testing.T, opts ...tracer.Option) (context.Context, *tracer.Run) {
	t.Helper()
	tracer.LetTestsProfile(true)
	resume := tracer.PauseProfiling()
	t.Cleanup(func() { tracer.LetTestsProfile(false); resume() })
	host := newPlant(4, cpus(1), cpus(1))
	return begin(t, append(append(host.options(nodeOf(tracertest.Constant(100), 0, "")), watts(0), tracer.Scope(lifecycle.ScopeMachine)), opts...)...)
}

// samples are CPU seconds by path.
type samples map[string]float64

func TestActiveEnergyFollowsCPUTime(t *testing.T) {
	for name, c := range map[string]struct {
		program              func(ctx context.Context, run *tracer.Run)
		self                 map[string]float64
		alone, win, rate, by float64 // booked alone, by samples, by rates, by wall share
	}{
		"in a window by its samples, in a gap by the rates that they gave, before it by wall share": {
			func(ctx context.Context, run *tracer.Run) {
				_, a := tracer.Start(ctx, "compute")
				_, b := tracer.Start(ctx, "wait")
				time.Sleep(2 * time.Second)
				tracer.OpenWindow(run)
				time.Sleep(time.Second)
				tracer.CloseWindow(run, samples{"compute": 0.9, "wait": 0.1}, 0, 0)
				time.Sleep(7 * time.Second)
				a.End()
				b.End()
			},
			map[string]float64{"compute": 100 + 90 + 630, "wait": 100 + 10 + 70}, 0, 100, 700, 200,
		},
		"what one path uses alone is its own": {
			func(ctx context.Context, run *tracer.Run) {
				with(ctx, 3*time.Second, "alone")
				_, a := tracer.Start(ctx, "a")
				with(ctx, 2*time.Second, "b")
				a.End()
			},
			map[string]float64{"alone": 300, "a": 100, "b": 100}, 300, 0, 0, 200,
		},
		"samples of time alone weigh nothing in what was shared": {
			func(ctx context.Context, run *tracer.Run) {
				tracer.OpenWindow(run)
				with(ctx, 500*time.Millisecond, "alone")
				_, a := tracer.Start(ctx, "a")
				with(ctx, 500*time.Millisecond, "b")
				tracer.CloseWindow(run, samples{"alone": 0.5, "a": 0.3, "b": 0.1}, 0, 0)
				a.End()
			},
			map[string]float64{"alone": 50, "a": 37.5, "b": 12.5}, 50, 50, 0, 0,
		},
		"a path never seen has the mean rate per wall share": {
			func(ctx context.Context, run *tracer.Run) {
				_, a := tracer.Start(ctx, "a")
				_, b := tracer.Start(ctx, "b")
				tracer.OpenWindow(run)
				time.Sleep(time.Second)
				tracer.CloseWindow(run, samples{"a": 0.9, "b": 0.1}, 0, 0)
				with(ctx, 3*time.Second, "new")
				a.End()
				b.End()
			},
			map[string]float64{"a": 90 + 180, "b": 10 + 20, "new": 100}, 0, 100, 300, 0,
		},
		"a path never seen has all beside those that only wait": {
			func(ctx context.Context, run *tracer.Run) {
				_, w := tracer.Start(ctx, "wait")
				_, a := tracer.Start(ctx, "compute")
				tracer.OpenWindow(run)
				time.Sleep(time.Second)
				tracer.CloseWindow(run, samples{"compute": 1}, 0, 0)
				a.End()
				with(ctx, 3*time.Second, "new")
				w.End()
			},
			map[string]float64{"wait": 0, "compute": 100, "new": 300}, 0, 100, 300, 0,
		},
		"if all wait, by wall share": {
			func(ctx context.Context, run *tracer.Run) {
				_, a := tracer.Start(ctx, "a")
				_, b := tracer.Start(ctx, "b")
				tracer.OpenWindow(run)
				time.Sleep(time.Second)
				tracer.CloseWindow(run, samples{}, 0, 0)
				time.Sleep(time.Second)
				a.End()
				b.End()
			},
			map[string]float64{"a": 100, "b": 100}, 0, 0, 0, 200,
		},
		"what the Go runtime does is spread like the rest": {
			func(ctx context.Context, run *tracer.Run) {
				_, a := tracer.Start(ctx, "a")
				_, b := tracer.Start(ctx, "b")
				tracer.OpenWindow(run)
				time.Sleep(time.Second)
				tracer.CloseWindow(run, samples{"a": 0.3, "b": 0.1}, 0.6, 0)
				a.End()
				b.End()
			},
			map[string]float64{"a": 75, "b": 25}, 0, 100, 0, 0,
		},
		"samples without a label go by wall share": {
			func(ctx context.Context, run *tracer.Run) {
				_, a := tracer.Start(ctx, "a")
				_, b := tracer.Start(ctx, "b")
				tracer.OpenWindow(run)
				time.Sleep(time.Second)
				tracer.CloseWindow(run, samples{"a": 0.6}, 0, 0.4)
				a.End()
				b.End()
			},
			map[string]float64{"a": 60 + 20, "b": 20}, 0, 100, 0, 0,
		},
		"samples of a path that had no span open are nobody's": {
			func(ctx context.Context, run *tracer.Run) {
				with(ctx, time.Second, "left behind")
				_, a := tracer.Start(ctx, "a")
				_, b := tracer.Start(ctx, "b")
				tracer.OpenWindow(run)
				time.Sleep(time.Second)
				tracer.CloseWindow(run, samples{"a": 0.3, "b": 0.1, "left behind": 0.6}, 0, 0)
				a.End()
				b.End()
			},
			map[string]float64{"left behind": 100, "a": 30 + 30, "b": 10 + 30}, 100, 100, 0, 0,
		},
		"a path that was open before the window, and not in it, has its own time": {
			func(ctx context.Context, run *tracer.Run) {
				_, a := tracer.Start(ctx, "a")
				with(ctx, 500*time.Millisecond, "before")
				tracer.OpenWindow(run)
				_, b := tracer.Start(ctx, "b")
				time.Sleep(time.Second)
				tracer.CloseWindow(run, samples{"a": 0.8, "b": 0.2}, 0, 0)
				a.End()
				b.End()
			},
			map[string]float64{"before": 25, "a": 25 + 80, "b": 20}, 0, 100, 0, 50,
		},
		"a parent that works while it waits for its child": {
			func(ctx context.Context, run *tracer.Run) {
				ctx, p := tracer.Start(ctx, "parent")
				_, c := tracer.Start(ctx, "child")
				_, o := tracer.Start(context.WithoutCancel(ctx), "other", tracer.Async())
				tracer.OpenWindow(run)
				time.Sleep(time.Second)
				tracer.CloseWindow(run, samples{"parent": 0.5, "parent/child": 0.25, "parent/other": 0.25}, 0, 0)
				o.End()
				c.End()
				p.End()
			},
			map[string]float64{"parent": 50, "parent/child": 25, "parent/other": 25}, 0, 100, 0, 0,
		},
		"a window that another run's end settles too early tells the rates all the same": {
			func(ctx context.Context, run *tracer.Run) {
				_, a := tracer.Start(ctx, "a")
				_, b := tracer.Start(ctx, "b")
				tracer.OpenWindow(run)
				time.Sleep(time.Second)
				tracer.CloseWindow(run, samples{"a": 0.2, "b": 0.8}, 0, 0)
				b.End()
				_, c := tracer.Start(ctx, "c")
				tracer.OpenWindow(run)
				time.Sleep(500 * time.Millisecond)
				_, other := beside(run)
				_, _ = other.End()
				time.Sleep(500 * time.Millisecond)
				tracer.CloseWindow(run, samples{"a": 0.1, "c": 0.3}, 0, 0)
				_, b = tracer.Start(ctx, "b") // its rate is of the first window
				time.Sleep(time.Second)
				c.End()
				a.End()
				b.End()
			},
			// The second window is settled by a's rate and, as c is new, the
			// mean; then by samples. After it the rates are 0.1, 0.8 and 0.3.
			map[string]float64{"a": 20 + 25 + 12.5 + 100./12, "b": 80 + 800./12, "c": 25 + 37.5 + 300./12}, 0, 150, 150, 0,
		},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				ctx, run := weighed(t)
				c.program(ctx, run)
				rec := finish(t, run)
				for path, want := range c.self {
					assert.InDelta(t, want, span(t, rec, path).SelfJ, 1e-6, path)
				}
				l := line(t, rec, "node0")
				assert.InDelta(t, c.alone, of(l.Booked.AloneJ), 1e-6, "booked alone")
				assert.InDelta(t, c.win, of(l.Booked.WindowJ), 1e-6, "booked by samples")
				assert.InDelta(t, c.rate, of(l.Booked.RateJ), 1e-6, "booked by rates")
				assert.InDelta(t, c.by, of(l.Booked.WallJ), 1e-6, "booked by wall share")
			})
		})
	}
}

// Trap 42: idle joules are given to who holds the machine, by one rule that the
// record names.
func TestIdleEnergyGoesByWallShareWhateverTheCPUTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, run := weighed(t, watts(40))
		_, a := tracer.Start(ctx, "compute")
		_, b := tracer.Start(ctx, "wait")
		tracer.OpenWindow(run)
		time.Sleep(time.Second)
		tracer.CloseWindow(run, samples{"compute": 1}, 0, 0)
		time.Sleep(9 * time.Second)
		a.End()
		b.End()
		rec := finish(t, run)
		assert.InDelta(t, 200+600, span(t, rec, "compute").SelfJ, 1e-6)
		assert.InDelta(t, 200, span(t, rec, "wait").SelfJ, 1e-6, "what waits holds the machine too")
		assert.Equal(t, "cpu-time", line(t, rec, "node0").Split)
	})
}

func TestMuchCPUTimeOfCThreadsIsFlagged(t *testing.T) {
	for share, want := range map[float64]bool{0.1: false, 0.3: true} {
		synctest.Test(t, func(t *testing.T) {
			ctx, run := weighed(t)
			_, a := tracer.Start(ctx, "a")
			_, b := tracer.Start(ctx, "b")
			tracer.OpenWindow(run)
			time.Sleep(time.Second)
			tracer.CloseWindow(run, samples{"a": 0.5, "b": 0.5}, 0, share/(1-share))
			a.End()
			b.End()
			_, flagged := warned(finish(t, run), "cpu-time-unlabelled")
			assert.Equal(t, want, flagged, "%v of the CPU time", share)
		})
	}
}
