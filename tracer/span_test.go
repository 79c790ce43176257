package tracer_test

import (
	"context"
	"errors"
	"math"
	"runtime"
	"runtime/pprof"
	"strconv"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/ecotracer/ecotracer/lifecycle"
	"github.com/ecotracer/ecotracer/tracer"
)

// simple begins a run on a host that draws 10 W.
func simple(t *testing.T, opts ...tracer.Option) (context.Context, *tracer.Run) {
	t.Helper()
	return begin(t, append(newPlant(1, cpus(1), cpus(1)).options(ten()), opts...)...)
}

func TestOnANilSpanAllMethodsDoNothing(t *testing.T) {
	var s *tracer.Span
	require.NotPanics(t, func() {
		s.End()
		s.Count("samples", 1)
		s.Fail(errors.New("no"))
		assert.Equal(t, "<nil>", s.String())
	})
}

// Trap 47: so may that of a span.
func TestOnlyTheFirstEndOfASpanCounts(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, run := simple(t)
		_, s := tracer.Start(ctx, "work")
		time.Sleep(time.Second)
		s.End()
		time.Sleep(time.Second)
		s.End()
		rec := finish(t, run)
		got := span(t, rec, "work")
		assert.EqualValues(t, 1, got.Count)
		assert.InDelta(t, 1, got.TotalS, 1e-9)
		assert.InDelta(t, 1, got.SelfS, 1e-9)
	})
}

func TestASpanMayEndOnAnotherGoroutine(t *testing.T) {
	const spans = 2000
	ctx, run := simple(t)
	started := make(chan *tracer.Span)
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			for s := range started {
				s.End()
			}
		})
	}
	var starters sync.WaitGroup
	for i := range spans {
		starters.Go(func() {
			ctx, outer := tracer.Start(ctx, "outer")
			_, inner := tracer.Start(ctx, "inner"+strconv.Itoa(i%3))
			started <- inner
			started <- outer
		})
	}
	starters.Wait()
	close(started)
	wg.Wait()
	rec := finish(t, run)
	assert.EqualValues(t, spans, span(t, rec, "outer").Count)
	var inner int64
	for i := range 3 {
		s := span(t, rec, "outer/inner"+strconv.Itoa(i))
		inner += s.Count
		assert.Nil(t, s.Open, "all were ended")
	}
	assert.EqualValues(t, spans, inner)
}

func TestASpanThatIsLeftOpenIsBookedUpToTheEndOfTheRun(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, run := simple(t)
		_, s := tracer.Start(ctx, "work")
		time.Sleep(2 * time.Second)
		rec := finish(t, run)
		got := span(t, rec, "work")
		assert.EqualValues(t, 0, got.Count, "it has not ended")
		assert.EqualValues(t, 1, of(got.Open))
		assert.InDelta(t, 2, got.TotalS, 1e-9)
		assert.InDelta(t, 20, got.SelfJ, 1e-9)
		n, flagged := warned(rec, "spans-open")
		assert.True(t, flagged)
		assert.EqualValues(t, 1, n)

		time.Sleep(time.Second)
		require.NotPanics(t, func() { s.End(); s.Count("samples", 1); s.Fail(errors.New("late")) })
		again, err := run.End()
		require.NoError(t, err)
		assert.Same(t, rec, again, "what happens after its end does not change the record")
		assert.EqualValues(t, 1, of(span(t, again, "work").Open))
		assert.Empty(t, span(t, again, "work").Units)
	})
}

func TestASpanThatEndsAfterItsRunGivesTheLabelsBack(t *testing.T) {
	ctx, run := labelled(t)
	pprof.Do(ctx, pprof.Labels("host", "mine"), func(ctx context.Context) {
		_, s := tracer.Start(ctx, "work")
		require.NotEqual(t, map[string]string{"host": "mine"}, labelsHere(t))
		_, err := run.End()
		require.NoError(t, err)
		s.End()
		assert.Equal(t, map[string]string{"host": "mine"}, labelsHere(t))
		pprof.SetGoroutineLabels(context.Background())
		s.End()
		assert.Empty(t, labelsHere(t), "the second End does nothing")
	})
}

func TestAfterTheRunStartIsFree(t *testing.T) {
	ctx, run := simple(t)
	inside, s := tracer.Start(ctx, "work")
	s.End()
	finish(t, run)
	for name, ctx := range map[string]context.Context{"the run's": ctx, "a span's": inside} {
		got, late := tracer.Start(ctx, "late")
		assert.Nil(t, late, "%s context", name)
		assert.Equal(t, ctx, got, "%s context is returned as it was", name)
	}
}

func TestStartTakesANilContext(t *testing.T) {
	var none context.Context
	ctx, s := tracer.Start(none, "work")
	assert.Nil(t, s, "there is no run")
	assert.NotNil(t, ctx)

	_, run := simple(t)
	ctx, s = tracer.Start(none, "work")
	require.NotNil(t, s, "the default run is found")
	assert.NoError(t, ctx.Err())
	assert.Nil(t, ctx.Done())
	s.End()
	assert.EqualValues(t, 1, span(t, finish(t, run), "work").Count)
}

func TestCancellingTheContextDoesNotEndTheSpan(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, run := simple(t)
		ctx, cancel := context.WithCancel(ctx)
		ctx, s := tracer.Start(ctx, "work")
		cancel()
		assert.ErrorIs(t, ctx.Err(), context.Canceled, "the span's context is cancelled with its parent's")
		<-ctx.Done()
		time.Sleep(time.Second)
		_, below := tracer.Start(ctx, "cleanup")
		time.Sleep(time.Second)
		below.End()
		s.End()
		rec := finish(t, run)
		assert.InDelta(t, 2, span(t, rec, "work").TotalS, 1e-9)
		assert.InDelta(t, 1, span(t, rec, "work/cleanup").TotalS, 1e-9)
	})
}

func TestTheContextOfASpanIsThatOfStart(t *testing.T) {
	type key struct{}
	ctx, run := simple(t)
	deadline := time.Now().Add(time.Hour)
	ctx, cancel := context.WithDeadline(context.WithValue(ctx, key{}, "value"), deadline)
	defer cancel()
	ctx, s := tracer.Start(ctx, "work")
	defer run.End()
	defer s.End()
	got, ok := ctx.Deadline()
	assert.True(t, ok)
	assert.Equal(t, deadline, got)
	assert.Equal(t, "value", ctx.Value(key{}))
	child, cancelChild := context.WithCancel(ctx)
	cancelChild()
	assert.ErrorIs(t, child.Err(), context.Canceled)
	assert.NoError(t, ctx.Err())
}

func TestDo(t *testing.T) {
	broken := errors.New("broken")
	for name, c := range map[string]struct {
		f      func(context.Context) error
		err    error
		panics any
		failed int64
	}{
		"it returns":           {func(context.Context) error { return nil }, nil, nil, 0},
		"it returns an error":  {func(context.Context) error { return broken }, broken, nil, 1},
		"it panics":            {func(context.Context) error { panic("oh") }, nil, "oh", 1},
		"it ends its own span": {func(ctx context.Context) error { _, s := tracer.Start(ctx, "below"); s.End(); return nil }, nil, nil, 0},
	} {
		t.Run(name, func(t *testing.T) {
			ctx, run := simple(t)
			do := func() { assert.ErrorIs(t, tracer.Do(ctx, "work", c.f), c.err) }
			if c.panics != nil {
				assert.PanicsWithValue(t, c.panics, do, "the panic goes on")
			} else {
				do()
			}
			got := span(t, finish(t, run), "work")
			assert.EqualValues(t, 1, got.Count)
			assert.Nil(t, got.Open)
			assert.Equal(t, c.failed, got.Failed)
		})
	}
	t.Run("it ends its goroutine", func(t *testing.T) {
		ctx, run := simple(t)
		var wg sync.WaitGroup
		wg.Go(func() {
			_ = tracer.Do(ctx, "work", func(context.Context) error { runtime.Goexit(); return nil })
			t.Error("Goexit goes on")
		})
		wg.Wait()
		got := span(t, finish(t, run), "work")
		assert.EqualValues(t, 1, got.Count)
		assert.EqualValues(t, 1, got.Failed)
	})
	t.Run("there is no run", func(t *testing.T) {
		called := false
		err := tracer.Do(context.Background(), "work", func(ctx context.Context) error { called = ctx != nil; return broken })
		assert.ErrorIs(t, err, broken)
		assert.True(t, called)
		assert.PanicsWithValue(t, "oh", func() {
			_ = tracer.Do(context.Background(), "work", func(context.Context) error { panic("oh") })
		})
	})
	t.Run("with options", func(t *testing.T) {
		ctx, run := simple(t)
		require.NoError(t, tracer.Do(ctx, "work", func(context.Context) error { return nil }, tracer.In(lifecycle.Serving)))
		assert.Equal(t, lifecycle.Serving, span(t, finish(t, run), "work").Stage)
	})
}

func TestFailMarksASpanThatIsOpen(t *testing.T) {
	broken := errors.New("broken")
	ctx, run := simple(t)
	for name, f := range map[string]func(*tracer.Span){
		"before": func(s *tracer.Span) { s.Fail(broken); s.End() },
		"twice":  func(s *tracer.Span) { s.Fail(broken); s.Fail(broken); s.End() },
		"nil":    func(s *tracer.Span) { s.Fail(nil); s.End() },
		"undone": func(s *tracer.Span) { s.Fail(broken); s.Fail(nil); s.End() },
		"after":  func(s *tracer.Span) { s.End(); s.Fail(broken) },
	} {
		_, s := tracer.Start(ctx, name)
		f(s)
	}
	rec := finish(t, run)
	failed := map[string]int64{}
	for _, s := range rec.Spans {
		failed[s.Path] = s.Failed
	}
	assert.Equal(t, map[string]int64{"before": 1, "twice": 1, "nil": 0, "undone": 1, "after": 0}, failed)
	assert.Equal(t, lifecycle.Complete, rec.Run.Status, "a failed span is no failed run")
}

func TestCountAddsUp(t *testing.T) {
	const most = 1<<53 - 1
	for name, c := range map[string]struct {
		count   func(*tracer.Span)
		want    map[string]int64
		refused int64
	}{
		"twice":             {func(s *tracer.Span) { s.Count("samples", 2); s.Count("samples", 3) }, map[string]int64{"samples": 5}, 0},
		"two units":         {func(s *tracer.Span) { s.Count("samples", 2); s.Count("tokens", 3) }, map[string]int64{"samples": 2, "tokens": 3}, 0},
		"nothing":           {func(s *tracer.Span) { s.Count("samples", 0) }, nil, 0},
		"less than nothing": {func(s *tracer.Span) { s.Count("samples", 5); s.Count("samples", -3) }, map[string]int64{"samples": 5}, 1},
		"no unit":           {func(s *tracer.Span) { s.Count("", 5) }, nil, 1},
		"after End":         {func(s *tracer.Span) { s.End(); s.Count("samples", 5) }, map[string]int64{"samples": 5}, 0},
		"too much at once":  {func(s *tracer.Span) { s.Count("bytes", math.MaxInt) }, nil, 1},
		"too much in all":   {func(s *tracer.Span) { s.Count("bytes", most-1); s.Count("bytes", 5) }, map[string]int64{"bytes": most}, 1},
		"as much as fits":   {func(s *tracer.Span) { s.Count("bytes", most-1); s.Count("bytes", 1) }, map[string]int64{"bytes": most}, 0},
		"a long unit":       {func(s *tracer.Span) { s.Count(strings.Repeat("é", 5000), 5) }, map[string]int64{strings.Repeat("é", 128): 5}, 0},
		"a garbled unit":    {func(s *tracer.Span) { s.Count("a\xffb", 5) }, map[string]int64{"a\uFFFDb": 5}, 0},
	} {
		t.Run(name, func(t *testing.T) {
			ctx, run := simple(t)
			_, s := tracer.Start(ctx, "work")
			c.count(s)
			s.End()
			rec := finish(t, run)
			got := map[string]int64{}
			for unit, u := range span(t, rec, "work").Units {
				got[unit] = u.Count
			}
			if c.want == nil {
				c.want = got
				assert.Empty(t, got)
			}
			assert.Equal(t, c.want, got)
			n, flagged := warned(rec, "units-refused")
			assert.Equal(t, c.refused > 0, flagged, "what is not counted is flagged")
			assert.Equal(t, c.refused, n)
		})
	}
}

func TestAPathCountsInFewUnits(t *testing.T) {
	ctx, run := simple(t)
	_, s := tracer.Start(ctx, "work")
	for i := range 1000 {
		s.Count("unit"+strconv.Itoa(i), 1)
	}
	s.Count("unit0", 1)
	s.End()
	rec := finish(t, run)
	units := span(t, rec, "work").Units
	assert.Len(t, units, 64)
	assert.EqualValues(t, 2, units["unit0"].Count, "those that were there first are counted on")
	n, _ := warned(rec, "units-refused")
	assert.EqualValues(t, 1000-64, n)
}

func TestAStageThatIsNoneIsInferredAndFlagged(t *testing.T) {
	for _, stage := range []lifecycle.Stage{"no/stage", lifecycle.Production, lifecycle.EndOfLife, lifecycle.Manufacturing} {
		ctx, run := simple(t)
		_, s := tracer.Start(ctx, "train", tracer.In(stage))
		s.End()
		rec := finish(t, run)
		assert.Equal(t, lifecycle.Training, span(t, rec, "train").Stage, "%s", stage)
		_, flagged := warned(rec, "stage-unknown")
		assert.True(t, flagged, "%s", stage)
	}
	ctx, run := simple(t)
	_, s := tracer.Start(ctx, "train", tracer.In(lifecycle.Retirement))
	s.End()
	rec := finish(t, run)
	assert.Equal(t, lifecycle.Retirement, span(t, rec, "train").Stage, "retiring a service is its own work")
}

func TestAStageIsToldInferredOrTheParents(t *testing.T) {
	ctx, run := simple(t)
	ctx, s := tracer.Start(ctx, "train")
	_, inherits := tracer.Start(ctx, "xyz")
	inherits.End()
	_, infers := tracer.Start(ctx, "evaluate")
	infers.End()
	_, told := tracer.Start(ctx, "evaluate", tracer.In(lifecycle.Serving))
	told.End()
	s.End()
	assert.Equal(t, "train/evaluate (inference/serving)", told.String())
	rec := finish(t, run)
	stages := map[string][]lifecycle.Stage{}
	for _, s := range rec.Spans {
		stages[s.Path] = append(stages[s.Path], s.Stage)
	}
	assert.Equal(t, []lifecycle.Stage{lifecycle.Training}, stages["train"])
	assert.Equal(t, []lifecycle.Stage{lifecycle.Training}, stages["train/xyz"])
	assert.ElementsMatch(t, []lifecycle.Stage{lifecycle.ModelEvaluation, lifecycle.Serving}, stages["train/evaluate"],
		"a path has an account for each of its stages")
}
