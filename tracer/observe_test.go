package tracer_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"math/rand/v2"
	"os"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/ecotracer/ecotracer/internal/timeline"
	"github.com/ecotracer/ecotracer/lifecycle"
	"github.com/ecotracer/ecotracer/tracer"
	"github.com/ecotracer/ecotracer/tracer/tracertest"
)

// watcher is an observer that keeps what it is told.
type watcher struct {
	mu    sync.Mutex
	began []*tracer.Span
	ended []tracer.SingleSpan
	below func(ctx context.Context, found *tracer.Span) *tracer.Span
}

type watched struct{}

func (w *watcher) observer() tracer.Observer {
	return tracer.Observer{Parent: w.parent, Started: w.started, Ended: w.done}
}

func (w *watcher) started(ctx context.Context, s *tracer.Span) context.Context {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.began = append(w.began, s)
	return context.WithValue(ctx, watched{}, s)
}

func (w *watcher) done(s tracer.SingleSpan) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.ended = append(w.ended, s)
}

func (w *watcher) parent(ctx context.Context, found *tracer.Span) *tracer.Span {
	if w.below != nil {
		return w.below(ctx, found)
	}
	return found
}

func TestAnObserverIsToldOfEachSpan(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, run := simple(t)
		_, before := tracer.Start(ctx, "before")
		var w watcher
		run.Observe(w.observer())
		before.End()
		time.Sleep(time.Second)
		outer, o := tracer.Start(ctx, "train")
		assert.Same(t, o, outer.Value(watched{}), "what it puts in the context is there")
		time.Sleep(time.Second)
		_, i := tracer.Start(outer, "epoch")
		i.Count("samples", 3)
		i.Count("samples", 4)
		time.Sleep(2 * time.Second)
		i.Fail(errors.New("no"))
		i.End()
		i.End()
		i.Count("samples", 5)
		time.Sleep(time.Second)
		o.End()
		rec := finish(t, run)
		assert.Equal(t, []*tracer.Span{o, i}, w.began)
		assert.Equal(t, []tracer.SingleSpan{
			{Span: i, BeginS: 2, EndS: 4, SelfS: 2, Failed: true, Units: map[string]int64{"samples": 7}},
			{Span: o, BeginS: 1, EndS: 5, SelfS: 2},
		}, w.ended)
		assert.EqualValues(t, 12, span(t, rec, "train/epoch").Units["samples"].Count)
		assert.Same(t, o, i.Parent())
		assert.Nil(t, o.Parent())
	})
}

// What a program does is random: spans begin below others, beside them, end in
// any order, and some never.
func TestTheWallSharesOfSpansComeToThoseOfTheirPaths(t *testing.T) {
	for seed := range uint64(20) {
		synctest.Test(t, func(t *testing.T) {
			random := rand.New(rand.NewPCG(seed, 5))
			ctx, run := simple(t)
			var w watcher
			run.Observe(w.observer())
			type open struct {
				ctx context.Context
				*tracer.Span
			}
			all := []open{{ctx, nil}}
			check := func(rec *lifecycle.Record, still []tracer.SingleSpan) {
				sums := map[string]float64{}
				for _, s := range append(still, w.ended...) {
					sums[s.Span.Path()+" "+string(s.Span.Stage())] += s.SelfS
					assert.LessOrEqual(t, s.SelfS, s.EndS-s.BeginS+1e-9)
				}
				for _, s := range rec.Spans {
					assert.InDelta(t, s.SelfS, sums[s.Path+" "+string(s.Stage)], 1e-9*rec.Run.DurationS, s.Path)
				}
			}
			for range 200 {
				time.Sleep(time.Duration(random.IntN(300)) * time.Millisecond)
				at := random.IntN(len(all))
				switch random.IntN(10) {
				case 0, 1, 2, 3:
					var opts []tracer.StartOption
					if random.IntN(3) == 0 {
						opts = append(opts, tracer.Async())
					}
					c, s := tracer.Start(all[at].ctx, string(rune('a'+random.IntN(3))), opts...)
					all = append(all, open{c, s})
				case 4, 5, 6, 7, 8:
					all[at].End()
				case 9:
					rec, still, err := run.SnapshotSpans(ctx)
					require.NoError(t, err)
					check(rec, still)
				}
			}
			rec := finish(t, run)
			again, still, err := run.SnapshotSpans(ctx)
			require.NoError(t, err)
			assert.Same(t, rec, again)
			check(rec, still)
			time.Sleep(time.Second)
			for _, o := range all {
				o.End()
			}
			check(rec, nil)
			for _, s := range w.ended {
				assert.LessOrEqual(t, s.EndS, rec.Run.DurationS)
			}
			assert.Len(t, w.ended, len(all)-1, "each is told once")
		})
	}
}

func TestWhatASpanUsedEndsWithItsRun(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, run := simple(t)
		var w watcher
		run.Observe(w.observer())
		beside := tracer.BeginBeside(run, tracer.Sinks(new(tracertest.Recorder)))
		_, s := tracer.Start(ctx, "work")
		_, o := tracer.Start(beside.Context(ctx), "other")
		time.Sleep(2 * time.Second)
		finish(t, run)
		time.Sleep(time.Second)
		_, open, err := run.SnapshotSpans(ctx)
		require.NoError(t, err)
		s.End()
		o.End()
		finish(t, beside)
		want := []tracer.SingleSpan{{Span: s, EndS: 2, SelfS: 1}}
		assert.Equal(t, want, open)
		assert.Equal(t, want, w.ended)
	})
}

func TestAnObserverThatPanicsHarmsNobody(t *testing.T) {
	ctx, run := simple(t)
	var w watcher
	run.Observe(tracer.Observer{
		Started: func(context.Context, *tracer.Span) context.Context { panic("start") },
		Ended:   func(tracer.SingleSpan) { panic("end") },
	})
	run.Observe(tracer.Observer{Started: func(context.Context, *tracer.Span) context.Context { return nil }})
	run.Observe(w.observer())
	run.Observe(tracer.Observer{})
	w.below = func(context.Context, *tracer.Span) *tracer.Span { panic("parent") }
	ctx, s := tracer.Start(ctx, "work")
	require.NotNil(t, ctx)
	assert.Same(t, s, ctx.Value(watched{}))
	s.End()
	assert.Len(t, w.ended, 1, "the others are told")
	finish(t, run)
	var none *tracer.Run
	none.Observe(w.observer())
	rec, open, err := none.SnapshotSpans(ctx)
	assert.Nil(t, rec)
	assert.Nil(t, open)
	assert.NoError(t, err)
}

func TestAnObserverMaySayBelowWhichSpanOneBegins(t *testing.T) {
	ctx, run := simple(t)
	_, other := simple(t)
	_, foreign := tracer.Start(other.Context(t.Context()), "foreign")
	_, a := tracer.Start(ctx, "a")
	inB, _ := tracer.Start(ctx, "b")
	var w watcher
	run.Observe(w.observer())
	for _, c := range []struct {
		say  *tracer.Span
		want string
	}{{a, "a/work"}, {nil, "work"}, {foreign, "b/work"}} {
		w.below = func(_ context.Context, found *tracer.Span) *tracer.Span {
			assert.Equal(t, "b", found.Path())
			return c.say
		}
		_, s := tracer.Start(inB, "work")
		assert.Equal(t, c.want, s.Path())
		s.End()
	}
	finish(t, run)
	finish(t, other)
}

// The context of OpenTelemetry's world, such as of a request, holds no span of
// ours, and an observer knows which it is all the same.
func TestAGoroutineWorksForTheSpanThatAnObserverKnowsAgain(t *testing.T) {
	ctx, run := labelled(t)
	var w watcher
	run.Observe(w.observer())
	started, s := tracer.Start(ctx, "work")
	w.below = func(context.Context, *tracer.Span) *tracer.Span { return s }
	given, child := tracer.Start(run.Context(context.WithValue(t.Context(), watched{}, 1)), "part")
	assert.Equal(t, "work/part", child.Path())
	assert.Same(t, child, given.Value(watched{}), "what observers put in the context is there")
	assert.Equal(t, "work/part", labelsHere(t)[tracer.LabelKey])
	child.End()
	assert.Equal(t, "work", labelsHere(t)[tracer.LabelKey])
	w.below = func(context.Context, *tracer.Span) *tracer.Span { return nil }
	_, child = tracer.Start(started, "beside")
	assert.Equal(t, "beside", child.Path())
	child.End()
	s.End()
	w.below = nil
	_, beside := tracer.Start(run.Context(started), "beside")
	assert.Equal(t, "beside", beside.Path(), "a context can be given its run without its span")
	beside.End()
	finish(t, run)

	var noRun *tracer.Run
	assert.Equal(t, ctx, noRun.Context(ctx))
	var none *tracer.Span
	assert.Nil(t, none.Parent())
}

// An End may wait for a sink for 10 s.
func TestASnapshotWaitsForAnEndNoLongerThanItMay(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := &gate{open: make(chan struct{})}
		ctx, run := simple(t, tracer.Spans(w))
		_, s := tracer.Start(ctx, "work")
		s.End()
		go func() { _, _ = run.End() }()
		synctest.Wait()
		short, cancel := context.WithTimeout(ctx, time.Second)
		defer cancel()
		began := time.Now()
		rec, err := run.Snapshot(short)
		assert.Nil(t, rec)
		require.ErrorIs(t, err, context.DeadlineExceeded)
		assert.Equal(t, time.Second, time.Since(began))
		close(w.open)
		final, err := run.End()
		require.NoError(t, err)
		rec, err = run.Snapshot(short)
		require.NoError(t, err)
		assert.Same(t, final, rec, "which is there, so that nothing is to be waited for")
	})
}

func TestARunContinuesTheTraceItIsGiven(t *testing.T) {
	t.Setenv("TRACEPARENT", "")
	_, run := simple(t, tracer.Traceparent("00-"+aTrace+"-00f067aa0ba902b7-00"))
	trace, above, flags := run.Trace()
	assert.Equal(t, []string{aTrace, "00f067aa0ba902b7", "00"}, []string{trace, above, flags})
	assert.Equal(t, aTrace, finish(t, run).Run.TraceID)

	_, run, err := tracer.Begin(t.Context(), tracer.Traceparent("garbage"), tracer.Dir(t.TempDir()))
	require.ErrorContains(t, err, `"garbage" is no traceparent`)
	trace, above, _ = run.Trace()
	assert.Len(t, trace, 32)
	assert.Empty(t, above)
	finish(t, run)
}

func lines(t *testing.T, text []byte) (spans []timeline.Span) {
	t.Helper()
	for line := range bytes.Lines(text) {
		d := json.NewDecoder(bytes.NewReader(line))
		d.DisallowUnknownFields()
		var s timeline.Span
		require.NoError(t, d.Decode(&s), "%s", line)
		spans = append(spans, s)
	}
	return spans
}

func TestSingleSpansGoToAStream(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var out bytes.Buffer
		ctx, run := simple(t, tracer.Spans(&out))
		time.Sleep(time.Second)
		for _, name := range []string{"train", "a/b"} {
			_, s := tracer.Start(ctx, name)
			time.Sleep(2 * time.Second)
			s.Fail(map[string]error{"a/b": io.EOF}[name])
			s.End()
		}
		_, open := tracer.Start(ctx, "open")
		defer open.End()
		rec := finish(t, run)
		assert.Equal(t, []timeline.Span{
			{Path: "train", Stage: lifecycle.Training, BeginS: 1, EndS: 3, SelfS: 2},
			{Path: "a~1b", Stage: lifecycle.Unassigned, BeginS: 3, EndS: 5, SelfS: 2, Failed: true},
		}, lines(t, out.Bytes()))
		_, flagged := warned(rec, "spans-lost")
		assert.False(t, flagged)
	})
}

func TestWhereSingleSpansCannotBeWrittenTheRunMeasuresAllTheSame(t *testing.T) {
	t.Chdir(t.TempDir())
	t.Setenv("ECOTRACER_SPANS", "on")
	require.NoError(t, os.WriteFile("taken", nil, 0o600))
	ctx, run, err := tracer.Begin(t.Context(), tracer.Dir("taken"), tracer.Sinks(new(tracertest.Recorder)))
	require.ErrorContains(t, err, "single spans are not written")
	_, s := tracer.Start(ctx, "work")
	s.End()
	assert.EqualValues(t, 1, span(t, finish(t, run), "work").Count)
}

// gate is a writer that waits to be opened, and may fail.
type gate struct {
	open chan struct{}
	err  error
	out  bytes.Buffer
}

func (g *gate) Write(b []byte) (int, error) {
	<-g.open
	if g.err != nil {
		return 0, g.err
	}
	return g.out.Write(b)
}

type bomb struct{}

func (bomb) Write([]byte) (int, error) { panic("no such luck") }

func TestSpansDoNotWaitForTheirStream(t *testing.T) {
	const spans = 2000
	work := func(ctx context.Context) {
		name := strings.Repeat("x", 256)
		for range 20 { // the longest path: 4 KiB
			ctx, _ = tracer.Start(ctx, name)
		}
		time.Sleep(2 * time.Second) // the writer is busy now
		for range spans {
			_, s := tracer.Start(ctx, "y")
			s.End()
		}
	}
	t.Run("that is slow", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			w := &gate{open: make(chan struct{})}
			ctx, run := simple(t, tracer.Spans(w))
			_, s := tracer.Start(ctx, "first")
			s.End()
			work(ctx)
			close(w.open)
			rec, err := run.End()
			require.NoError(t, err)
			lost, flagged := warned(rec, "spans-lost")
			assert.True(t, flagged)
			got := len(lines(t, w.out.Bytes()))
			assert.EqualValues(t, spans+1, int64(got)+lost)
			assert.Greater(t, got, spans/4)
			assert.LessOrEqual(t, w.out.Len(), 5<<20, "bytes that waited")
		})
	})
	t.Run("that never returns", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			w := &gate{open: make(chan struct{})}
			ctx, run := simple(t, tracer.Spans(w))
			work(ctx)
			began := time.Now()
			rec, err := run.End()
			require.ErrorContains(t, err, "not written within 10s")
			assert.Equal(t, 10*time.Second, time.Since(began))
			lost, _ := warned(rec, "spans-lost")
			assert.EqualValues(t, spans, lost)
			close(w.open)
		})
	})
	t.Run("that panics", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			ctx, run := simple(t, tracer.Spans(bomb{}))
			work(ctx)
			rec, err := run.End()
			require.ErrorContains(t, err, "no such luck")
			lost, _ := warned(rec, "spans-lost")
			assert.EqualValues(t, spans, lost)
		})
	})
	t.Run("that fails", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			w := &gate{open: make(chan struct{}), err: io.ErrClosedPipe}
			close(w.open)
			ctx, run := simple(t, tracer.Spans(w))
			work(ctx)
			rec, err := run.End()
			require.ErrorIs(t, err, io.ErrClosedPipe)
			lost, _ := warned(rec, "spans-lost")
			assert.EqualValues(t, spans, lost)
			assert.Greater(t, len(rec.Spans), 1)
		})
	})
}
