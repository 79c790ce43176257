package tracer_test

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/ecotracer/ecotracer/lifecycle"
	"github.com/ecotracer/ecotracer/tracer"
	"github.com/ecotracer/ecotracer/tracer/tracertest"
)

func TestARunInABubbleSeesItsHours(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		host := tracertest.NewHost(t.TempDir(), tracertest.HostConfig{Packages: []tracertest.Curve{tracertest.Constant(20)}})
		ctx, run, err := tracer.Begin(t.Context(), append(host.Options(), tracer.Sinks(new(tracertest.Recorder)), tracer.Checkpoints(10*time.Minute))...)
		require.NoError(t, err)
		_, s := tracer.Start(ctx, "train")
		time.Sleep(3 * time.Hour)
		s.End()
		rec := finish(t, run)
		assert.InDelta(t, 3*3600, rec.Run.DurationS, 1e-9)
		assert.InDelta(t, 3*3600*20, line(t, rec, "cpu0").TotalJ, 1)
		assert.Equal(t, 3*time.Hour, rec.Run.EndedAt.Sub(*rec.Run.StartedAt))
		_, flagged := warned(rec, "clock-foreign")
		assert.False(t, flagged)
	})
}

func TestSpansInABubbleOfARunOutsideBreakNothing(t *testing.T) {
	for name, start := range map[string]func(ctx context.Context) context.Context{
		"found in the context":     func(ctx context.Context) context.Context { return ctx },
		"found as the default run": func(context.Context) context.Context { return context.Background() },
	} {
		t.Run(name, func(t *testing.T) {
			ctx, run, err := tracer.Begin(context.Background(), tracer.Sinks(new(tracertest.Recorder)), tracer.Checkpoints(time.Millisecond))
			require.NoError(t, err)
			ctx, outer := tracer.Start(ctx, "outer")
			synctest.Test(t, func(t *testing.T) {
				ctx, s := tracer.Start(start(ctx), "inside")
				require.NotNil(t, s)
				time.Sleep(time.Hour)
				done := make(chan struct{})
				go func() {
					defer close(done)
					_, below := tracer.Start(ctx, "below")
					time.Sleep(time.Hour)
					below.End()
				}()
				<-done
				s.Count("samples", 1)
				s.End()
			})
			outer.End()
			rec := finish(t, run)
			assert.Less(t, rec.Run.DurationS, 600.0, "simulated hours are no hours of the run")
			for _, s := range rec.Spans {
				assert.EqualValues(t, 1, s.Count, s.Path)
				assert.LessOrEqual(t, s.TotalS, rec.Run.DurationS, s.Path)
			}
			assert.Len(t, rec.Spans, 3)
			_, flagged := warned(rec, "clock-foreign")
			assert.True(t, flagged)
		})
	}
}

func TestASpanOutsideOfARunInABubbleBreaksNothing(t *testing.T) {
	contexts, done := make(chan context.Context), make(chan struct{})
	go func() {
		_, s := tracer.Start(<-contexts, "outside")
		s.End()
		close(done)
	}()
	synctest.Test(t, func(t *testing.T) {
		ctx, run := simple(t)
		ctx, s := tracer.Start(ctx, "inside")
		contexts <- ctx
		<-done
		time.Sleep(time.Hour)
		s.End()
		rec := finish(t, run)
		assert.InDelta(t, 3600, rec.Run.DurationS, 1e-9)
		assert.InDelta(t, 3600, span(t, rec, "inside").SelfS, 1e-6)
		assert.EqualValues(t, 1, span(t, rec, "inside/outside").Count)
		_, flagged := warned(rec, "clock-foreign")
		assert.True(t, flagged)
	})
}

func TestRunsOfTheTrueHostInAndOutsideABubble(t *testing.T) {
	outerCtx, outer, err := tracer.Begin(context.Background(), tracer.Sinks(new(tracertest.Recorder)), tracer.Checkpoints(time.Millisecond))
	require.NoError(t, err)
	_, s := tracer.Start(outerCtx, "outer")
	synctest.Test(t, func(t *testing.T) {
		ctx, run, err := tracer.Begin(t.Context(), tracer.Sinks(new(tracertest.Recorder)), tracer.Checkpoints(10*time.Minute))
		require.NoError(t, err)
		_, s := tracer.Start(ctx, "inner")
		time.Sleep(time.Hour)
		resume := tracer.PauseProfiling()
		resume()
		s.End()
		rec := finish(t, run)
		assert.InDelta(t, 3600, rec.Run.DurationS, 1e-6)
		assert.Len(t, rec.Spans, 1)
		for _, l := range rec.Ledger {
			assert.Nil(t, l.OtherRunsJ, "it has a ledger of its own")
		}
	})
	// The one outside goes on, and so do new ones on its ledger.
	_, beside, err := tracer.Begin(context.Background(), tracer.Sinks(new(tracertest.Recorder)))
	require.NoError(t, err)
	finish(t, beside)
	s.End()
	rec := finish(t, outer)
	assert.Len(t, rec.Spans, 1)
	assert.Equal(t, lifecycle.Complete, rec.Run.Status)
	assert.Less(t, rec.Run.DurationS, 600.0)
	_, flagged := warned(rec, "clock-foreign")
	assert.False(t, flagged)
}
