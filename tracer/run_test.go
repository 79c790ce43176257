package tracer_test

import (
	"context"
	"errors"
	"io/fs"
	"runtime"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/ecotracer/ecotracer/lifecycle"
	"github.com/ecotracer/ecotracer/tracer"
	"github.com/ecotracer/ecotracer/tracer/tracertest"
)

func TestOnANilRunAllMethodsDoNothing(t *testing.T) {
	var run *tracer.Run
	require.NotPanics(t, func() {
		run.Fail(errors.New("no"))
		assert.NoError(t, run.Describe(tracer.Named("a")))
		assert.Empty(t, run.ID())
		rec, err := run.End()
		assert.NoError(t, err)
		assert.Equal(t, &lifecycle.Record{}, rec)
	})
}

// Trap 47: End may be called again, by anyone.
func TestARunEndsOnceWhoeverCalls(t *testing.T) {
	sink := new(tracertest.Recorder)
	_, run := simple(t, tracer.Sinks(sink))
	const callers = 50
	records := make([]*lifecycle.Record, callers)
	var wg sync.WaitGroup
	for i := range callers {
		wg.Go(func() { records[i], _ = run.End() })
	}
	wg.Wait()
	for _, r := range records {
		assert.Same(t, records[0], r, "every caller gets the record")
	}
	requireValid(t, records[0])
	assert.Len(t, sink.All(), 1, "it is written once")
}

// asks is a sink that has the run ended once more while it writes its record.
type asks struct {
	run   *tracer.Run
	again chan *lifecycle.Record
}

func (a *asks) Write(context.Context, *lifecycle.Record) error {
	go func() {
		rec, _ := a.run.End()
		a.again <- rec
	}()
	for range 10_000 { // the other waits, or is back by then
		runtime.Gosched()
	}
	return nil
}

func TestASecondEndWaitsForTheFirst(t *testing.T) {
	sink := &asks{again: make(chan *lifecycle.Record, 1)}
	_, run := simple(t, tracer.Sinks(sink))
	sink.run = run
	rec := finish(t, run)
	assert.Same(t, rec, <-sink.again)
}

func TestASecondEndTellsTheSameError(t *testing.T) {
	sink := new(tracertest.Recorder)
	full := errors.New("full")
	sink.Fail(full)
	_, run := simple(t, tracer.Sinks(sink))
	rec, err := run.End()
	require.ErrorIs(t, err, full)
	requireValid(t, rec)
	sink.Heal()
	again, err := run.End()
	assert.ErrorIs(t, err, full)
	assert.Same(t, rec, again)
	assert.Empty(t, sink.All())
}

func TestTheFirstOpenRunIsTheDefault(t *testing.T) {
	where := func() (path string) {
		_, s := tracer.Start(context.Background(), "work")
		defer s.End()
		if s == nil {
			return ""
		}
		return s.String()
	}
	require.Empty(t, where(), "there is none")
	_, first := simple(t)
	ctx2, second := simple(t)
	_, third := simple(t)
	assert.NotEmpty(t, where())
	_, s := tracer.Start(ctx2, "own")
	s.End()
	finish(t, second)
	assert.NotEmpty(t, where())
	rec := finish(t, first)
	assert.EqualValues(t, 2, span(t, rec, "work").Count, "the first has what had no run in its context")
	assert.NotEmpty(t, where())
	rec = finish(t, third)
	assert.EqualValues(t, 1, span(t, rec, "work").Count, "then the one that is open")
	assert.Empty(t, where())
	rec, err := second.End()
	require.NoError(t, err)
	assert.Len(t, rec.Spans, 1)
	assert.EqualValues(t, 1, span(t, rec, "own").Count, "a run has what was begun in its context")
}

func TestARunThatIsBegunInASpanOfAnotherStandsOnItsOwn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, outer := simple(t)
		ctx, s := tracer.Start(ctx, "outer")
		type key struct{}
		ctx, inner, err := tracer.Begin(context.WithValue(ctx, key{}, "value"), newPlant(1, cpus(1), cpus(1)).options(ten())...)
		require.NoError(t, err)
		assert.Equal(t, "value", ctx.Value(key{}), "the context goes on")
		_, below := tracer.Start(ctx, "inner")
		time.Sleep(time.Second)
		below.End()
		rec := finish(t, inner)
		assert.Len(t, rec.Spans, 1)
		assert.EqualValues(t, 1, span(t, rec, "inner").Count, "its spans begin a path of their own")
		time.Sleep(time.Second)
		s.End()
		rec = finish(t, outer)
		assert.Len(t, rec.Spans, 1)
		assert.InDelta(t, 2, span(t, rec, "outer").SelfS, 1e-9, "it does not wait for spans of another run")
	})
}

func TestBeginTakesANilContextAndNilOptions(t *testing.T) {
	var none context.Context
	ctx, run, err := tracer.Begin(none, append(newPlant(1, cpus(1), cpus(1)).options(), nil)...)
	require.NoError(t, err)
	assert.NoError(t, ctx.Err())
	finish(t, run)
}

func TestACancelledContextDoesNotEndTheRun(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	sink := new(tracertest.Recorder)
	ctx, run, err := tracer.Begin(ctx, append(newPlant(1, cpus(1), cpus(1)).options(), tracer.Sinks(sink))...)
	require.NoError(t, err)
	_, s := tracer.Start(ctx, "work")
	s.End()
	finish(t, run)
	assert.EqualValues(t, 1, sink.Span("work").Count, "the record is written")
}

func TestAFailedRunSaysSoAndNotWhy(t *testing.T) {
	sink := new(tracertest.Recorder)
	_, run := simple(t, tracer.Sinks(sink))
	run.Fail(nil)
	run.Fail(errors.New("canary: password rejected"))
	run.Fail(nil)
	rec := finish(t, run)
	assert.Equal(t, lifecycle.Failed, rec.Run.Status)
	var b strings.Builder
	require.NoError(t, lifecycle.Encode(&b, rec))
	assert.NotContains(t, b.String(), "canary")

	_, run = simple(t)
	rec = finish(t, run)
	run.Fail(errors.New("late"))
	assert.Equal(t, lifecycle.Complete, rec.Run.Status, "what fails after the run is none of it")
}

func TestTheIDIsAUUIDv7ThatNamesTheRecord(t *testing.T) {
	before := time.Now().Add(-time.Millisecond)
	_, run := simple(t)
	id, err := uuid.Parse(run.ID())
	require.NoError(t, err)
	assert.EqualValues(t, 7, id.Version())
	sec, nsec := id.Time().UnixTime()
	assert.False(t, time.Unix(sec, nsec).Before(before.Truncate(time.Millisecond)), "it sorts by time")
	assert.Equal(t, run.ID(), finish(t, run).Run.ID)
}

func TestDescribeReplacesWhatWasSaid(t *testing.T) {
	sink, other := new(tracertest.Recorder), new(tracertest.Recorder)
	_, run := simple(t, tracer.Named("first"), tracer.Sinks(sink),
		tracer.At(tracer.Site{Country: "FR", GridZone: "FR"}), tracer.UseCase(lifecycle.UseCase{Purpose: "test"}))
	require.NoError(t, run.Describe(nil, tracer.Named("second"), tracer.At(tracer.Site{Country: "SE"}),
		tracer.Scope(lifecycle.ScopeMachine), tracer.Sinks(other), tracer.Dir("nowhere")))
	require.NoError(t, run.Describe(
		tracer.Publisher(lifecycle.Publisher{Confidentiality: "public", Name: "Example"}),
		tracer.Technology(lifecycle.Technology{Kind: "ml", ML: &lifecycle.ML{Optimizer: "SGD"}})))
	rec := finish(t, run)
	assert.Equal(t, "second", rec.Run.Name)
	assert.Equal(t, "SE", rec.Environments[0].Country)
	assert.Empty(t, rec.Environments[0].GridZone)
	assert.Equal(t, "test", rec.UseCase.Purpose, "what is not said again stands")
	assert.Equal(t, "Example", rec.Publisher.Name)
	assert.Equal(t, "SGD", rec.Technology.ML.Optimizer)
	assert.Equal(t, lifecycle.ScopeProcess, rec.Run.Scope, "how it measures is settled at its begin")
	assert.Len(t, sink.All(), 1)
	assert.Empty(t, other.All())
	assert.NoError(t, run.Describe(tracer.Named("third")))
	assert.Equal(t, "second", rec.Run.Name, "after the end nothing changes")
}

func TestDescribeMayBeCalledWhileTheRunIsWritten(t *testing.T) {
	ctx, run := simple(t, tracer.Checkpoints(time.Millisecond))
	var wg sync.WaitGroup
	for i := range 4 {
		wg.Go(func() {
			for range 50 {
				_, s := tracer.Start(ctx, "work")
				assert.NoError(t, run.Describe(tracer.Named(strings.Repeat("n", i+1)), tracer.At(tracer.Site{Country: "FR"})))
				run.Fail(errors.New("failed"))
				_ = run.ID()
				s.End()
			}
		})
	}
	wg.Wait()
	assert.Equal(t, lifecycle.Failed, finish(t, run).Run.Status)
}

func TestAHostWithoutAnythingGivesAValidRecord(t *testing.T) {
	_, run, err := tracer.Begin(context.Background(), tracer.Host(noFiles{}), tracer.Sinks(new(tracertest.Recorder)))
	require.NoError(t, err)
	rec := finish(t, run)
	assert.NotEmpty(t, rec.Missing, "it says what is not known")
}

type noFiles struct{}

func (noFiles) Open(name string) (fs.File, error) {
	return nil, &fs.PathError{Op: "open", Path: name, Err: fs.ErrNotExist}
}
