package deep

import (
	"bytes"
	"context"
	"errors"
	"io"
	"runtime"
	"runtime/trace"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	exptrace "golang.org/x/exp/trace"

	"github.com/ecotracer/ecotracer/internal/timeline"
	"github.com/ecotracer/ecotracer/lifecycle"
	"github.com/ecotracer/ecotracer/tracer"
	"github.com/ecotracer/ecotracer/tracer/tracertest"
)

// here leaves a mark of this test's in the trace, on the calling goroutine.
func here(name string) { trace.Log(context.Background(), "test", name) }

// on runs f in a goroutine and waits for it.
func on(f func()) {
	var wg sync.WaitGroup
	wg.Go(f)
	wg.Wait()
}

// workers runs a program while an execution trace is being written, and tells
// for which path the goroutines worked that called here, as the trace has it:
// "-" is no span, and "(other)" one of another run. The run is begun before the
// trace, so that a program can begin with spans that the trace does not know;
// it is to call begun when the trace should begin.
// A call at which no span of the run was open has a "!" beside it.
func workers(t *testing.T, program func(ctx context.Context, begun func())) map[string]string {
	t.Helper()
	if trace.IsEnabled() {
		t.Skip("these tests are being traced")
	}
	var log bytes.Buffer
	ctx, run, err := tracer.Begin(context.Background(), tracer.Sinks(new(tracertest.Recorder)), tracer.Timeline(), tracer.Checkpoints(-1))
	require.NoError(t, err)
	program(ctx, func() { require.NoError(t, trace.Start(&log)) })
	trace.Stop()
	rec, err := run.End()
	require.NoError(t, err)
	tl, err := timeline.Of(rec)
	require.NoError(t, err)

	found := map[string]string{}
	f := newFollower(run.ID(), nil, nil)
	r, err := exptrace.NewReader(&log)
	require.NoError(t, err)
	for {
		e, err := r.ReadEvent()
		if errors.Is(err, io.EOF) {
			return found
		}
		require.NoError(t, err)
		require.NoError(t, f.event(&e))
		if e.Kind() != exptrace.EventLog || e.Log().Category != "test" {
			continue
		}
		require.NotContains(t, found, e.Log().Message)
		found[e.Log().Message] = pathOf(f.goroutines[e.Goroutine()].who, rec, tl)
		if f.open == 0 {
			found[e.Log().Message] += "!"
		}
	}
}

// longName is a name of which five make a path that is longer than what a trace
// keeps of a task's name.
var longName = strings.Repeat("x", 250)

// The garbage collector's workers are started by whoever is the first to need
// them, and work for all.
func TestTheRuntimesOwnGoroutinesAreNotTheSpans(t *testing.T) {
	if trace.IsEnabled() {
		t.Skip("these tests are being traced")
	}
	var log bytes.Buffer
	ctx, run, err := tracer.Begin(context.Background(), tracer.Sinks(new(tracertest.Recorder)))
	require.NoError(t, err)
	_, s := tracer.Start(ctx, "a")
	runtime.GC() // some are there before the trace
	require.NoError(t, trace.Start(&log))
	runtime.GC()
	s.End()
	_, err = run.End()
	trace.Stop()
	require.NoError(t, err)

	f := newFollower(run.ID(), nil, nil)
	r, err := exptrace.NewReader(&log)
	require.NoError(t, err)
	workers := map[exptrace.GoID]worker{}
	for {
		e, err := r.ReadEvent()
		if errors.Is(err, io.EOF) {
			break
		}
		require.NoError(t, err)
		require.NoError(t, f.event(&e))
		if e.Kind() != exptrace.EventStateTransition || e.StateTransition().Resource.Kind != exptrace.ResourceGoroutine {
			continue
		}
		id := e.StateTransition().Resource.Goroutine()
		for frame := range e.StateTransition().Stack.Frames() {
			if strings.HasPrefix(frame.Func, "runtime.gcBgMarkWorker") && f.goroutines[id] != nil {
				workers[id] = f.goroutines[id].who
			}
		}
	}
	require.NotEmpty(t, workers, "the garbage collector has run")
	for id, who := range workers {
		assert.Equal(t, system, who, "goroutine %d", id)
	}
}

func pathOf(w worker, rec *lifecycle.Record, tl *timeline.Timeline) string {
	switch {
	case w == stray:
		return "-"
	case w == other:
		return "(other)"
	case w > 0:
		return rec.Spans[tl.Accounts[w-1]].Path
	}
	return strconv.Itoa(int(w))
}

func TestATraceTellsWhichSpanAGoroutineWorksFor(t *testing.T) {
	for name, c := range map[string]struct {
		program func(ctx context.Context, begun func())
		want    map[string]string
	}{
		"from its start to its end": {func(ctx context.Context, begun func()) {
			begun()
			on(func() {
				here("before")
				outer, a := tracer.Start(ctx, "a")
				here("in a")
				_, b := tracer.Start(outer, "b")
				here("in b")
				b.End()
				here("back in a")
				b.End()
				a.End()
				a.End()
				here("after")
			})
		}, map[string]string{"before": "-!", "in a": "a", "in b": "a/b", "back in a": "a", "after": "-!"}},
		"and so do the goroutines that it starts": {func(ctx context.Context, begun func()) {
			begun()
			on(func() {
				_, a := tracer.Start(ctx, "a")
				on(func() {
					here("child")
					on(func() { here("grandchild") })
				})
				a.End()
				on(func() { here("late") })
			})
		}, map[string]string{"child": "a", "grandchild": "a", "late": "-!"}},
		"the one that ends a span gets what Start's context had": {func(ctx context.Context, begun func()) {
			begun()
			on(func() {
				outer, a := tracer.Start(ctx, "a")
				inner, b := tracer.Start(outer, "b")
				on(func() {
					_, c := tracer.Start(inner, "c")
					b.End()
					here("ended b")
					c.End()
					here("ended c")
				})
				here("still in b")
				a.End()
				here("ended a")
			})
		}, map[string]string{"ended b": "a", "ended c": "a/b", "still in b": "a/b", "ended a": "-!"}},
		"a worker is for the job that it takes": {func(ctx context.Context, begun func()) {
			begun()
			jobs, done := make(chan context.Context), make(chan int)
			go func() {
				for job := range jobs {
					_, s := tracer.Start(job, "work")
					here("at work")
					s.End()
					here("done")
					done <- 1
				}
			}()
			on(func() {
				job, s := tracer.Start(ctx, "job")
				jobs <- job
				<-done
				s.End()
			})
			close(jobs)
		}, map[string]string{"at work": "job/work", "done": "job"}},
		"a span from before the trace is known by its end and its children": {func(ctx context.Context, begun func()) {
			on(func() {
				outer, a := tracer.Start(ctx, "a")
				inner, b := tracer.Start(outer, "b")
				begun()
				here("unknown")
				_, c := tracer.Start(inner, "c")
				here("in c")
				c.End()
				here("back in b")
				b.End()
				here("back in a")
				a.End()
				here("after")
			})
		}, map[string]string{"unknown": "-!", "in c": "a/b/c", "back in b": "a/b!", "back in a": "a!", "after": "-!"}},
		"spans from before the trace are counted once the ledger has told of them": {func(ctx context.Context, begun func()) {
			on(func() {
				outer, a := tracer.Start(ctx, "a")
				_, b := tracer.Start(outer, "b")
				begun()
				_, other, err := tracer.Begin(context.Background(), tracer.Sinks(new(tracertest.Recorder))) // of the same ledger
				if err != nil {
					panic(err)
				}
				defer other.End()
				here("both")
				b.End()
				here("one")
				a.End()
				here("none")
			})
		}, map[string]string{"both": "-", "one": "a", "none": "-!"}},
		"a span that began in one trace ends in the next": {func(ctx context.Context, begun func()) {
			on(func() {
				if err := trace.Start(io.Discard); err != nil {
					panic(err)
				}
				outer, a := tracer.Start(ctx, "a")
				_, b := tracer.Start(outer, "b")
				trace.Stop()
				begun()
				b.End()
				here("in a")
				a.End()
				here("after")
			})
		}, map[string]string{"in a": "a!", "after": "-!"}},
		"the host's own tasks change nothing": {func(ctx context.Context, begun func()) {
			begun()
			on(func() {
				outer, a := tracer.Start(ctx, "a")
				mid, task := trace.NewTask(outer, "the host's")
				_, b := tracer.Start(mid, "b")
				b.End()
				here("in a")
				task.End()
				here("still in a")
				a.End()
				ctx, task := trace.NewTask(ctx, "of no span #12")
				_, s := tracer.Start(ctx, "c")
				s.End()
				task.End()
				here("after")
			})
		}, map[string]string{"in a": "a", "still in a": "a", "after": "-!"}},
		"another run's are told apart": {func(ctx context.Context, begun func()) {
			begun()
			theirs, other, err := tracer.Begin(context.Background(), tracer.Sinks(new(tracertest.Recorder)))
			if err != nil {
				panic(err)
			}
			defer other.End()
			on(func() {
				_, s := tracer.Start(theirs, "theirs")
				here("theirs")
				s.End()
				_, s = tracer.Start(ctx, "ours")
				here("ours")
				s.End()
			})
		}, map[string]string{"theirs": "(other)!", "ours": "ours"}},
		"a path that is too long for a task": {func(ctx context.Context, begun func()) {
			begun()
			on(func() {
				for range 5 {
					ctx, _ = tracer.Start(ctx, longName)
				}
				here("deep")
			})
		}, map[string]string{"deep": longName + "/" + longName + "/" + longName + "/" + longName + "/" + longName}},
	} {
		t.Run(name, func(t *testing.T) { assert.Equal(t, c.want, workers(t, c.program)) })
	}
}
