package tracer_test

import (
	"context"
	"io"
	"math"
	"runtime/trace"
	"strconv"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/ecotracer/ecotracer/internal/race"
	"github.com/ecotracer/ecotracer/internal/timeline"
	"github.com/ecotracer/ecotracer/lifecycle"
	"github.com/ecotracer/ecotracer/tracer"
	"github.com/ecotracer/ecotracer/tracer/meter"
	"github.com/ecotracer/ecotracer/tracer/tracertest"
)

// whileTraced runs a test in a bubble while an execution trace is written.
func whileTraced(t *testing.T, f func(t *testing.T)) {
	t.Helper()
	if trace.IsEnabled() {
		t.Skip("these tests are being traced")
	}
	require.NoError(t, trace.Start(io.Discard))
	defer trace.Stop()
	synctest.Test(t, f)
}

// requireTimeline holds a record's timeline to its books: each domain's power
// adds up to the ledger's line, and where all of the run was traced its chapters
// add up to all that was booked, account by account.
func requireTimeline(t *testing.T, rec *lifecycle.Record, traced bool) *timeline.Timeline {
	t.Helper()
	tl, err := timeline.Of(rec)
	require.NoError(t, err)
	same := func(want, got float64, what string, args ...any) {
		t.Helper()
		require.InDelta(t, want, got, 1e-9*max(math.Abs(want), math.Abs(got), 1), append([]any{what}, args...)...)
	}
	for _, g := range tl.Groups {
		require.LessOrEqual(t, len(g.TS), 4096)
		require.LessOrEqual(t, len(g.Chapters), 32)
		last := len(g.TS) - 1
		same(0, g.TS[0], "begin")
		rounded := func(want, got float64, what, domain string) {
			t.Helper()
			require.InDelta(t, want, got, 1e-6+1e-9*want, "%s of %s, to the microjoule", what, domain)
		}
		for _, d := range g.Domains {
			l := line(t, rec, d.Domain)
			rounded(l.TotalJ, d.TotalJ[last], "all", d.Domain)
			if d.ActiveJ == nil {
				continue
			}
			var spans, sum, none, idle, wall float64
			by := make([]float64, len(tl.Accounts))
			for _, j := range d.SpansJ {
				spans += j
			}
			same(l.SpansJ, spans, "of all spans of %s", d.Domain)
			end := 0.0
			for _, c := range g.Chapters {
				same(end, c.FromS, "chapters without a gap")
				end = c.ToS
				for _, b := range c.Domains {
					if b.Domain != d.Domain {
						continue
					}
					for k, j := range b.SpansJ {
						by[c.Accounts[k]-1] += j
						sum += j
						idle += b.IdleJ[k]
						wall += c.WallS[k]
					}
					none += b.UnattributedJ
					idle += b.UnattributedIdleJ
					same(sumOf(b.SpansJ), of(b.Booked.AloneJ)+of(b.Booked.WindowJ)+of(b.Booked.RateJ)+of(b.Booked.WallJ), "by all weights")
				}
			}
			if !traced {
				require.Empty(t, g.Chapters)
				continue
			}
			same(g.TS[last], end, "chapters to the end")
			same(l.SpansJ, sum, "spans of %s in its chapters", d.Domain)
			same(l.UnattributedJ, none, "unattributed of %s in its chapters", d.Domain)
			rounded(sum+none-idle, d.ActiveJ[last], "active energy", d.Domain)
			for i, j := range by {
				same(d.SpansJ[i], j, "account %d of %s", i+1, d.Domain)
			}
			var self float64
			for _, s := range rec.Spans {
				self += s.SelfS
			}
			same(self, wall, "wall shares")
		}
	}
	return tl
}

func sumOf(v []float64) (s float64) {
	for _, x := range v {
		s += x
	}
	return s
}

// busy opens and closes spans for so long, several at once and some nested,
// with time of no span in between.
func busy(ctx context.Context, d time.Duration) {
	for began := time.Now(); time.Since(began) < d; time.Sleep(700 * time.Millisecond) {
		ctx, a := tracer.Start(ctx, "a")
		time.Sleep(300 * time.Millisecond)
		_, b := tracer.Start(ctx, "b", tracer.Async())
		_, c := tracer.Start(ctx, "c"+strconv.Itoa(int(time.Since(began)/time.Hour)))
		time.Sleep(2 * time.Second)
		b.End()
		c.End()
		a.End()
	}
}

// twoDomains draw a power that changes all the time, with 5 W at the least.
func twoDomains() *tracertest.Meter {
	wave := func(period, watts float64) tracertest.Curve {
		return tracertest.Rate(func(t time.Duration) float64 { return 5 + watts*(1+math.Sin(t.Seconds()/period)) }, 10*time.Second)
	}
	gpu := tracertest.Domain{Domain: meter.Domain{ID: "gpu0", Kind: lifecycle.KindGPU}, Power: tracertest.Constant(100)}
	return tracertest.NewMeter(domain("cpu0", wave(7, 30)), domain("cpu1", wave(11, 20)), gpu)
}

func TestATimelineIsBoundedAndAddsUp(t *testing.T) {
	for name, length := range map[string]time.Duration{"a second": time.Second, "a minute": time.Minute, "three hours": 3 * time.Hour} {
		for scope, s := range map[string]lifecycle.Scope{"process": lifecycle.ScopeProcess, "machine": lifecycle.ScopeMachine} {
			if race.On && length > time.Hour && s == lifecycle.ScopeProcess {
				continue // the machine's three hours are enough
			}
			t.Run(name+" in the scope of the "+scope, func(t *testing.T) {
				whileTraced(t, func(t *testing.T) {
					host := newPlant(4, cpus(1), cpus(1.5))
					ctx, run := begin(t, append(host.options(twoDomains()), tracer.Timeline(), tracer.Scope(s),
						tracer.IdlePower(map[string]float64{"cpu0": 4, "cpu1": 3}))...)
					busy(ctx, length)
					rec := finish(t, run)
					tl := requireTimeline(t, rec, true)
					g := tl.Groups[0]
					assert.InDelta(t, rec.Run.DurationS, g.CPUS[len(g.CPUS)-1], 0.01, "one CPU was busy")
					if length > time.Hour {
						assert.Greater(t, len(g.TS), 2000, "it is no coarser than it must be")
						assert.Greater(t, len(g.Chapters), 8)
					}
				})
			})
		}
	}
}

func TestWithoutATraceATimelineIsPowerAlone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, run := begin(t, append(newPlant(4, cpus(1), cpus(1)).options(twoDomains()), tracer.Timeline())...)
		busy(ctx, time.Minute)
		requireTimeline(t, finish(t, run), false)
	})
}

func TestATimelineIsInTheFinalRecordAlone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var records tracertest.Recorder
		ctx, run := begin(t, append(newPlant(4, cpus(1), cpus(1)).options(twoDomains()), tracer.Timeline(), tracer.Sinks(&records), tracer.Checkpoints(10*time.Second))...)
		busy(ctx, time.Minute)
		finish(t, run)
		all := records.All()
		require.Greater(t, len(all), 2)
		for _, r := range all[:len(all)-1] {
			assert.Empty(t, r.Extensions, "a checkpoint is to be small")
		}
		assert.NotEmpty(t, all[len(all)-1].Extensions)
	})
}

func TestRunsOfOneProcessHaveTimelinesOfTheirOwn(t *testing.T) {
	whileTraced(t, func(t *testing.T) {
		ctx, first := begin(t, append(newPlant(4, cpus(2), cpus(3)).options(twoDomains()), tracer.Timeline())...)
		busy(ctx, 10*time.Second)
		second := tracer.BeginBeside(first, tracer.Timeline(), tracer.Sinks(new(tracertest.Recorder)))
		go busy(tracer.ContextOf(context.Background(), second), 20*time.Second)
		busy(ctx, 10*time.Second)
		time.Sleep(20 * time.Second)
		b := finish(t, second)
		busy(ctx, 10*time.Second)
		a := finish(t, first)
		requireTimeline(t, a, true)
		requireTimeline(t, b, true)
		assert.Less(t, b.Run.DurationS, a.Run.DurationS)
	})
}

func TestATimelineOfASlowMeterHasItsOwnInstants(t *testing.T) {
	whileTraced(t, func(t *testing.T) {
		slow := &tracertest.Slow{Meter: tracertest.NewMeter(domain("cpu1", tracertest.Constant(50))), Every: 7 * time.Second, Limit: time.Second}
		ctx, run := begin(t, append(newPlant(4, cpus(1), cpus(1)).options(tracertest.NewMeter(domain("cpu0", tracertest.Constant(20))), slow), tracer.Timeline())...)
		busy(ctx, 2*time.Minute)
		rec := finish(t, run)
		tl, err := timeline.Of(rec)
		require.NoError(t, err)
		readings := map[string]int{}
		for _, g := range tl.Groups {
			for _, d := range g.Domains {
				readings[d.Domain] = len(g.TS)
				assert.InDelta(t, line(t, rec, d.Domain).TotalJ, d.TotalJ[len(d.TotalJ)-1], 1e-6)
			}
		}
		assert.Greater(t, readings["cpu0"], 100)
		assert.InDelta(t, 120/7, readings["cpu1"], 3)
	})
}

// A meter that is read as often as can be is settled a hundred times more
// rarely; on many domains a timeline has fewer moments.
func TestATimelineOfManyDomainsIsNoLonger(t *testing.T) {
	whileTraced(t, func(t *testing.T) {
		m := tracertest.NewMeter(many(100)...)
		ctx, run := begin(t, append(newPlant(4, cpus(1), cpus(1)).options(m), tracer.Timeline(), tracer.Sampling(10*time.Millisecond))...)
		busy(ctx, time.Minute)
		tl := requireTimeline(t, finish(t, run), true)
		assert.LessOrEqual(t, len(tl.Groups[0].TS)*2*100, 1<<17)
		assert.Greater(t, len(tl.Groups[0].TS), 300)
	})
}

// Three thousand paths on 64 domains are more than a record should carry twice.
func TestATimelineOfTooManyPathsHasNoChapters(t *testing.T) {
	whileTraced(t, func(t *testing.T) {
		m := tracertest.NewMeter(many(64)...)
		ctx, run := begin(t, append(newPlant(4, cpus(1), cpus(1)).options(m), tracer.Timeline())...)
		for i := range 3000 {
			_, s := tracer.Start(ctx, "path "+strconv.Itoa(i))
			s.End()
		}
		time.Sleep(5 * time.Second)
		rec := finish(t, run)
		tl, err := timeline.Of(rec)
		require.NoError(t, err)
		assert.Empty(t, tl.Groups[0].Chapters)
		assert.Len(t, tl.Groups[0].Domains, 64, "its power is there all the same")
	})
}

func many(n int) (ds []tracertest.Domain) {
	for i := range n {
		ds = append(ds, domain("cpu"+strconv.Itoa(i), tracertest.Constant(20)))
	}
	return ds
}

// Tracing off, a boundary asks whether it is on, and that is all: the tests of
// memory hold it to its one allocation. Tracing on, no goroutine's work is
// lost sight of, also of spans that the trace has not seen begin.
func TestSpansMayBeginAndEndWhileATraceComesAndGoes(t *testing.T) {
	if trace.IsEnabled() {
		t.Skip("these tests are being traced")
	}
	ctx, run := begin(t, newPlant(4, cpus(1), cpus(1)).options(tracertest.NewMeter(domain("node0", nil)))...)
	outer, a := tracer.Start(ctx, "a")
	require.NoError(t, trace.Start(io.Discard))
	inner, b := tracer.Start(outer, "b")
	region := 0
	trace.WithRegion(inner, "the host's own", func() { region++ })
	trace.Stop()
	_, c := tracer.Start(inner, "c")
	b.End()
	b.End()
	require.NoError(t, trace.Start(io.Discard))
	c.End()
	a.End()
	trace.Stop()
	rec := finish(t, run)
	assert.Equal(t, 1, region)
	for _, p := range []string{"a", "a/b", "a/b/c"} {
		assert.EqualValues(t, 1, span(t, rec, p).Count)
	}
}
