package deep_test

import (
	"bytes"
	"context"
	"io"
	"math"
	"os"
	"runtime/trace"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/ecotracer/ecotracer/internal/timeline"
	"github.com/ecotracer/ecotracer/lifecycle"
	"github.com/ecotracer/ecotracer/tracer"
	"github.com/ecotracer/ecotracer/tracer/deep"
	"github.com/ecotracer/ecotracer/tracer/meter"
	"github.com/ecotracer/ecotracer/tracer/tracertest"
)

// node is a host with one meter that covers all of it and draws idle watts and
// 25 W for each CPU that this process keeps busy.
func node(t *testing.T, idle float64) []tracer.Option {
	t.Helper()
	cpu := tracertest.TrueCPU()
	host := tracertest.NewHost(t.TempDir(), tracertest.HostConfig{VM: true, Process: cpu, Busy: cpu})
	m := tracertest.NewMeter(tracertest.Domain{
		Domain: meter.Domain{ID: "node0"}, Power: tracertest.Constant(idle).Plus(cpu.Times(25)),
	})
	return append(host.Options(), tracer.Meters(m), tracer.Sinks(new(tracertest.Recorder)), tracer.Checkpoints(-1),
		tracer.IdlePower(map[string]float64{"node0": idle}), tracer.Timeline())
}

// traced runs a program while an execution trace is written.
func traced(t *testing.T, program func(ctx context.Context), opts ...tracer.Option) (*lifecycle.Record, []byte) {
	t.Helper()
	var log bytes.Buffer
	start(t, &log)
	ctx, run, err := tracer.Begin(context.Background(), opts...)
	require.NoError(t, err)
	program(ctx)
	rec, err := run.End()
	trace.Stop()
	require.NoError(t, err)
	return rec, log.Bytes()
}

func start(t *testing.T, w io.Writer) {
	t.Helper()
	if trace.IsEnabled() {
		t.Skip("these tests are being traced")
	}
	require.NoError(t, trace.Start(w))
	t.Cleanup(trace.Stop)
}

func attribute(t *testing.T, rec *lifecycle.Record, log []byte) (*lifecycle.Record, *deep.Report) {
	t.Helper()
	again, report, err := deep.Attribute(t.Context(), rec, bytes.NewReader(log))
	require.NoError(t, err)
	requireSame(t, rec, again)
	return again, report
}

// requireSame holds a record that was attributed to the one it supersedes: it
// is valid, of the same run, and no joule was made or lost.
func requireSame(t *testing.T, before, after *lifecycle.Record) {
	t.Helper()
	for _, f := range lifecycle.Validate(after) {
		require.True(t, f.Warning, "%s", f)
	}
	digest, err := before.SHA256()
	require.NoError(t, err)
	assert.Equal(t, append(before.Supersedes, digest), after.Supersedes)
	assert.Equal(t, before.Run, after.Run)
	require.Len(t, after.Ledger, len(before.Ledger))
	for i, was := range before.Ledger {
		is := after.Ledger[i]
		near(t, was.SpansJ+was.UnattributedJ, is.SpansJ+is.UnattributedJ, was.Domain)
		assert.Equal(t, was.TotalJ, is.TotalJ)
		assert.Equal(t, was.IdleJ, is.IdleJ)
		assert.Equal(t, was.OtherProcessesJ, is.OtherProcessesJ)
		assert.Equal(t, was.OtherRunsJ, is.OtherRunsJ)
	}
	near(t, before.Totals.EnergyJ.Value, after.Totals.EnergyJ.Value, "totals")
	require.Len(t, after.Spans, len(before.Spans))
	for i, s := range before.Spans {
		is := after.Spans[i]
		is.SelfJ, is.TotalJ, is.Units = s.SelfJ, s.TotalJ, s.Units
		assert.Equal(t, s, is, "nothing else changes")
	}
}

func near(t *testing.T, want, got float64, what string) {
	t.Helper()
	assert.LessOrEqual(t, math.Abs(want-got), 1e-9*max(want, got), "%s: %v J were %v J", what, got, want)
}

// wrong is the share of the spans' energy that belongs to another path.
func wrong(rec *lifecycle.Record, truth map[string]time.Duration) float64 {
	var total time.Duration
	for _, d := range truth {
		total += d
	}
	var joules, off float64
	for _, s := range rec.Spans {
		joules += s.SelfJ
	}
	for _, s := range rec.Spans {
		off += math.Abs(s.SelfJ/joules - truth[s.Path].Seconds()/total.Seconds())
	}
	return off / 2
}

func path(t *testing.T, rec *lifecycle.Record, name string) lifecycle.Span {
	t.Helper()
	for _, s := range rec.Spans {
		if s.Path == name {
			return s
		}
	}
	require.Fail(t, "no span", "of path %s", name)
	return lifecycle.Span{}
}

func warned(rec *lifecycle.Record, code string) bool {
	for _, w := range rec.Warnings {
		if w.Code == code {
			return true
		}
	}
	return false
}

// beside computes beside a span that waits.
func beside(ctx context.Context, d time.Duration) (truth map[string]time.Duration) {
	stop := make(chan struct{})
	var wg sync.WaitGroup
	ready := make(chan struct{})
	wg.Go(func() {
		_, s := tracer.Start(ctx, "wait")
		defer s.End()
		close(ready)
		<-stop
	})
	<-ready
	_, s := tracer.Start(ctx, "compute")
	truth = map[string]time.Duration{"compute": tracertest.Burn(ctx, d)}
	s.End()
	close(stop)
	wg.Wait()
	return truth
}

// The CPU profiler is never used in a test, so that what the runs are
// attributed from is wall share, which is wrong by some tens of percent in each
// of these programs. The trace is to take half of that away at least, which leaves
// room for a busy machine; where nothing computes beside anything else, nine
// tenths.
func TestATraceTakesMostOfTheErrorOfWallShareAway(t *testing.T) {
	for name, c := range map[string]struct {
		least   float64 // that wall share gets wrong
		most    float64 // of it, that may be left
		program func(ctx context.Context) map[string]time.Duration
	}{
		"a computing span beside a waiting one": {0.4, 0.1, func(ctx context.Context) map[string]time.Duration {
			return beside(ctx, 300*time.Millisecond)
		}},
		"10 of 100 goroutines compute": {0.7, 0.1, func(ctx context.Context) map[string]time.Duration {
			truth := map[string]time.Duration{}
			var mu sync.Mutex
			var computing, waiting sync.WaitGroup
			stop := make(chan struct{})
			for range 90 {
				waiting.Go(func() {
					_, s := tracer.Start(ctx, "wait")
					defer s.End()
					<-stop
				})
			}
			for range 10 {
				computing.Go(func() {
					_, s := tracer.Start(ctx, "compute")
					defer s.End()
					cpu := tracertest.Burn(ctx, 30*time.Millisecond)
					mu.Lock()
					defer mu.Unlock()
					truth["compute"] += cpu
				})
			}
			computing.Wait()
			close(stop)
			waiting.Wait()
			return truth
		}},
		"a parent that computes beside its child": {0.2, 0.5, func(ctx context.Context) map[string]time.Duration {
			ctx, s := tracer.Start(ctx, "serve")
			defer s.End()
			var child time.Duration
			var wg sync.WaitGroup
			started := make(chan struct{})
			wg.Go(func() {
				ctx, c := tracer.Start(ctx, "request")
				close(started)
				child = tracertest.Burn(ctx, 200*time.Millisecond)
				c.End()
			})
			<-started
			own := tracertest.Burn(ctx, 100*time.Millisecond)
			wg.Wait()
			return map[string]time.Duration{"serve": own, "serve/request": child}
		}},
		"a span whose work is done by the kernel": {0.4, 0.5, func(ctx context.Context) map[string]time.Duration {
			_, wait := tracer.Start(ctx, "wait")
			defer wait.End()
			zero, err := os.Open("/dev/zero")
			if err != nil {
				panic(err)
			}
			defer zero.Close()
			buf := make([]byte, 16<<20) // of which one read takes longer than the scheduler waits for a call
			_, s := tracer.Start(ctx, "read")
			defer s.End()
			var used time.Duration
			for used < 200*time.Millisecond {
				used += tracertest.CPUOf(func() { _, err = io.ReadFull(zero, buf) })
				if err != nil {
					panic(err)
				}
			}
			return map[string]time.Duration{"read": used}
		}},
		"what a span started computes in its name": {0.4, 0.1, func(ctx context.Context) map[string]time.Duration {
			_, wait := tracer.Start(ctx, "wait")
			defer wait.End()
			var used [2]time.Duration
			_, s := tracer.Start(ctx, "compute")
			defer s.End()
			var wg sync.WaitGroup
			for i := range used {
				wg.Go(func() { used[i] = tracertest.Burn(context.Background(), 100*time.Millisecond) }) // knows of no span
			}
			wg.Wait()
			return map[string]time.Duration{"compute": used[0] + used[1]}
		}},
	} {
		t.Run(name, func(t *testing.T) {
			var truth map[string]time.Duration
			rec, log := traced(t, func(ctx context.Context) { truth = c.program(ctx) }, node(t, 0)...)
			again, report := attribute(t, rec, log)
			before, after := wrong(rec, truth), wrong(again, truth)
			t.Logf("wall share is wrong by %.1f %%, the trace by %.2f %%; %+v", 100*before, 100*after, *report)
			assert.Greater(t, before, c.least, "there is something to mend")
			assert.Less(t, after, c.most*before)
			assert.Equal(t, "cpu-time", again.Ledger[0].Split)
			assert.False(t, warned(again, "attributed-partly"), "the trace covers all of it")
			assert.InDelta(t, rec.Run.DurationS, report.BookedS, 0.01*rec.Run.DurationS)
		})
	}
}

func TestIdleEnergyStaysByWallShare(t *testing.T) {
	rec, log := traced(t, func(ctx context.Context) { beside(ctx, 300*time.Millisecond) }, append(node(t, 5), tracer.Scope(lifecycle.ScopeMachine))...)
	again, _ := attribute(t, rec, log)
	wait, line := path(t, again, "wait"), again.Ledger[0]
	idle := line.IdleW * wait.SelfS
	require.Positive(t, idle, "the idle power is known: %+v", line)
	assert.InDelta(t, 1, wait.SelfJ/idle, 0.1, "a span that waits has its wall share of the idle energy, and no more")
	assert.Greater(t, path(t, rec, "wait").SelfJ, 1.15*idle, "by wall share it had more")
}

// A trace tells for how long goroutines ran, with their waits for a CPU that
// others use: of some runs at least one has about as many of them within the span
// as outside.
func TestWithoutASpanEnergyIsNobodys(t *testing.T) {
	var shares []float64
	for range 5 {
		rec, log := traced(t, func(ctx context.Context) {
			_, s := tracer.Start(ctx, "first")
			tracertest.Burn(ctx, 20*time.Millisecond)
			s.End()
			tracertest.Burn(ctx, 200*time.Millisecond)
		}, node(t, 0)...)
		again, _ := attribute(t, rec, log)
		l := again.Ledger[0]
		share := l.UnattributedJ / (l.SpansJ + l.UnattributedJ)
		if math.Abs(share-10.0/11) < 0.05 {
			return
		}
		shares = append(shares, share)
	}
	assert.Fail(t, "nobody's share should be ten of eleven", "%.3f", shares)
}

// workers are there before the span, and know nothing of it.
func TestWorkOfNoSpanGoesByWallShareAndIsFlagged(t *testing.T) {
	rec, log := traced(t, func(ctx context.Context) {
		jobs := make(chan func())
		go func() {
			for job := range jobs {
				job()
			}
		}()
		defer close(jobs)
		_, a := tracer.Start(ctx, "a")
		_, b := tracer.Start(ctx, "b")
		done := make(chan struct{})
		jobs <- func() { tracertest.Burn(ctx, 200*time.Millisecond); close(done) }
		<-done
		a.End()
		b.End()
	}, node(t, 0)...)
	again, report := attribute(t, rec, log)
	a, b := path(t, again, "a").SelfJ, path(t, again, "b").SelfJ
	assert.InDelta(t, 0.5, a/(a+b), 0.05)
	assert.True(t, warned(again, "cpu-time-unlabelled"))
	assert.Greater(t, report.UnlabelledJ, 0.8*report.BookedJ)
	assert.Positive(t, *again.Ledger[0].Booked.WallJ)
}

// partial is a run of which a part is traced: in the middle a span that
// computes beside one that waits, before and after it the same without a trace.
func partial(t *testing.T) (*lifecycle.Record, []byte) {
	t.Helper()
	var log bytes.Buffer
	var records tracertest.Recorder
	// The ledger settles at each checkpoint.
	ctx, run, err := tracer.Begin(context.Background(), append(node(t, 0), tracer.Checkpoints(20*time.Millisecond), tracer.Sinks(&records))...)
	require.NoError(t, err)
	checkpoints := func(ctx context.Context, n int) {
		for n += len(records.All()); len(records.All()) < n; {
			beside(ctx, 5*time.Millisecond)
		}
	}
	checkpoints(ctx, 2)
	start(t, &log)
	ctx, s := tracer.Start(ctx, "traced")
	checkpoints(ctx, 4)
	s.End()
	trace.Stop()
	checkpoints(ctx, 1)
	rec, err := run.End()
	require.NoError(t, err)
	return rec, log.Bytes()
}

func TestATraceOfAPartBooksThatPartAgain(t *testing.T) {
	rec, log := partial(t)
	again, report := attribute(t, rec, log)
	assert.Less(t, report.BookedS, report.TraceS)
	assert.Less(t, report.TraceS, report.DurationS)
	assert.Positive(t, report.BookedS)
	assert.True(t, warned(again, "attributed-partly"))
	near(t, path(t, rec, "wait").SelfJ, path(t, again, "wait").SelfJ, "what was before the trace, of which nothing is moved,")
	// By how much, other tests tell: on a host that others keep busy a trace takes
	// waiting for a CPU for running.
	assert.Less(t, path(t, again, "traced/wait").SelfJ, path(t, rec, "traced/wait").SelfJ)
	assert.Contains(t, again.Extensions, timeline.Key)

	_, _, err := deep.Attribute(t.Context(), again, bytes.NewReader(log))
	assert.ErrorContains(t, err, "all of it is booked already")
}

func TestWhatCannotBeAttributedIsTold(t *testing.T) {
	quick := func(ctx context.Context) { beside(ctx, 20*time.Millisecond) }
	rec, log := traced(t, quick, node(t, 0)...)
	other, _ := traced(t, quick, node(t, 0)...)
	var strange bytes.Buffer
	start(t, &strange)
	trace.Stop()
	plain, err := func() (*lifecycle.Record, error) {
		_, run, err := tracer.Begin(context.Background(), node(t, 0)...)
		require.NoError(t, err)
		return run.End()
	}()
	require.NoError(t, err)
	edit := func(f func(r *lifecycle.Record)) *lifecycle.Record {
		var b bytes.Buffer
		require.NoError(t, lifecycle.Encode(&b, rec))
		r, err := lifecycle.Decode(&b)
		require.NoError(t, err)
		f(r)
		return r
	}
	for name, c := range map[string]struct {
		rec  *lifecycle.Record
		log  string
		want string
	}{
		"no record":                {nil, string(log), "no record"},
		"a record that is wrong":   {edit(func(r *lifecycle.Record) { r.Ledger[0].SpansJ *= 2 }), string(log), "not valid"},
		"no timeline":              {edit(func(r *lifecycle.Record) { r.Extensions = map[string]any{} }), string(log), "ECOTRACER_TIMELINE"},
		"a timeline that is none":  {edit(func(r *lifecycle.Record) { r.Extensions[timeline.Key] = "?" }), string(log), timeline.Key},
		"nothing was traced":       {plain, string(log), "no execution trace was being written"},
		"no trace":                 {rec, "{}", "not a Go execution trace"},
		"an empty trace":           {rec, "", "not a Go execution trace"},
		"the trace of another run": {other, string(log), "of another run: it tells of " + rec.Run.ID},
		"a trace without a run":    {rec, strange.String(), "no mark of a run"},
	} {
		t.Run(name, func(t *testing.T) {
			again, _, err := deep.Attribute(t.Context(), c.rec, strings.NewReader(c.log))
			assert.ErrorContains(t, err, c.want)
			assert.Nil(t, again)
		})
	}
	t.Run("nobody waits for it any longer", func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		_, _, err := deep.Attribute(ctx, rec, bytes.NewReader(log))
		assert.ErrorIs(t, err, context.Canceled)
	})
}
