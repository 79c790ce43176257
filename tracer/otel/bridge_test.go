package otel_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	sdk "go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/codes"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"
	"go.opentelemetry.io/otel/trace"

	"github.com/ecotracer/ecotracer/tracer"
	"github.com/ecotracer/ecotracer/tracer/otel"
)

// traced is a plain provider.
func traced() (*sdktrace.TracerProvider, *tracetest.InMemoryExporter) {
	memory := tracetest.NewInMemoryExporter()
	return sdktrace.NewTracerProvider(sdktrace.WithSpanProcessor(keeper{memory})), memory
}

func TestOneStartIsASpanOfBothWorlds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		t.Setenv("TRACEPARENT", "")
		ctx, run := begin(t)
		provider, memory := traced()
		bridge := otel.NewBridge(run, provider)
		began := time.Now()
		train, s := tracer.Start(ctx, "train")
		time.Sleep(time.Second)
		_, e := tracer.Start(train, "epoch/1")
		e.Count("samples", 32)
		e.Fail(errors.New("no"))
		time.Sleep(2 * time.Second)
		e.End()
		_, theirs := provider.Tracer("a library").Start(train, "theirs")
		theirs.End()
		s.End()
		time.Sleep(time.Minute)
		spans := memory.GetSpans()
		require.NoError(t, bridge.Shutdown(ctx))
		rec := finish(t, run)

		require.Len(t, spans, 3, "they are passed on when their energy is known, without being asked")
		outer, inner := named(t, spans, "train"), named(t, spans, "epoch/1")
		assert.Equal(t, "epoch/1", inner.Name)
		assert.Equal(t, "train/epoch~11", text(t, inner, "ecotracer.path"))
		assert.Equal(t, "training/training", text(t, outer, "ecotracer.stage"))
		assert.Equal(t, run.ID(), text(t, outer, "ecotracer.run.id"))
		v, _ := value(inner, "ecotracer.units.samples")
		assert.EqualValues(t, 32, v.AsInt64())
		assert.Equal(t, codes.Error, inner.Status.Code)
		assert.Equal(t, codes.Unset, outer.Status.Code)
		assert.Equal(t, 3*time.Second, outer.EndTime.Sub(began), "and the time is that of their end")
		assert.Equal(t, 2*time.Second, inner.EndTime.Sub(inner.StartTime))

		assert.Equal(t, rec.Run.TraceID, outer.SpanContext.TraceID().String(), "the trace is the run's")
		assert.False(t, outer.Parent.SpanID().IsValid(), "of which it is a root")
		assert.Equal(t, outer.SpanContext.SpanID(), inner.Parent.SpanID())
		assert.Equal(t, outer.SpanContext.SpanID(), named(t, spans, "theirs").Parent.SpanID(), "ours is the parent of theirs")

		requireConserved(t, rec, tracetest.SpanStubs{outer, inner})
		assert.InEpsilon(t, joules(t, outer, "self_j")+joules(t, inner, "self_j"), joules(t, outer, "total_j"), 1e-9)
	})
}

func TestASpanInTheContextIsTheParentOfOurs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		t.Setenv("TRACEPARENT", "")
		provider, memory := traced()
		above, s := provider.Tracer("").Start(context.Background(), "above")
		ctx, run := begin(t, otel.InTrace(above))
		bridge := otel.NewBridge(run, provider)
		for name, in := range map[string]context.Context{
			"in its context":         run.Context(above),
			"in no context but ours": ctx,
		} {
			_, ours := tracer.Start(in, name)
			ours.End()
		}
		s.End()
		require.NoError(t, bridge.Shutdown(ctx))
		rec := finish(t, run)
		assert.Equal(t, s.SpanContext().TraceID().String(), rec.Run.TraceID)
		require.Len(t, memory.GetSpans(), 3)
		for _, got := range memory.GetSpans() {
			assert.Equal(t, s.SpanContext().TraceID(), got.SpanContext.TraceID())
			if got.Name != "above" {
				assert.Equal(t, s.SpanContext().SpanID(), got.Parent.SpanID(), got.Name)
			}
		}
		assert.Nil(t, otel.InTrace(context.Background()), "without a span there is nothing to say")
	})
}

func TestTheTraceOfAJobIsKept(t *testing.T) {
	const id = "4bf92f3577b34da6a3ce929d0e0e4736"
	for flags, want := range map[string]int{"01": 1, "00": 0} {
		t.Setenv("TRACEPARENT", "00-"+id+"-00f067aa0ba902b7-"+flags)
		ctx, run := begin(t)
		provider, memory := traced()
		bridge := otel.NewBridge(run, provider)
		ctx, s := tracer.Start(ctx, "train")
		assert.Equal(t, id, trace.SpanContextFromContext(ctx).TraceID().String(), "also of what is not sampled")
		s.End()
		require.NoError(t, bridge.Shutdown(ctx))
		finish(t, run)
		require.Len(t, memory.GetSpans(), want, "who began the trace has said what is sampled")
		for _, s := range memory.GetSpans() {
			assert.Equal(t, id, s.SpanContext.TraceID().String())
			assert.Equal(t, "00f067aa0ba902b7", s.Parent.SpanID().String())
			assert.True(t, s.Parent.IsRemote())
		}
	}
}

func TestNoSpanIsThereTwice(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, run := begin(t)
		provider, p, memory := processed(run)
		sdk.SetTracerProvider(provider)
		bridge := otel.NewBridge(run, nil)
		tr := provider.Tracer("")
		in := ctx
		var ends []func()
		for _, name := range []string{"a", "b", "c", "d", "e", "f"} {
			if strings.Contains("adf", name) {
				c, s := tr.Start(in, name)
				in, ends = c, append(ends, func() { s.End() })
			} else {
				c, s := tracer.Start(in, name)
				in, ends = c, append(ends, s.End)
			}
			time.Sleep(time.Second)
		}
		for i := range ends {
			ends[len(ends)-1-i]()
		}
		require.NoError(t, bridge.Shutdown(ctx))
		require.NoError(t, provider.Shutdown(ctx))
		rec := finish(t, run)
		require.Len(t, rec.Spans, 6)
		spans := memory.GetSpans()
		require.Len(t, spans, 6)
		path, parent := "", ""
		for _, name := range []string{"a", "b", "c", "d", "e", "f"} {
			s := named(t, spans, name)
			path = strings.TrimPrefix(path+"/"+name, "/")
			assert.Equal(t, path, text(t, s, "ecotracer.path"))
			if parent != "" {
				assert.Equal(t, parent, s.Parent.SpanID().String(), name)
			}
			parent = s.SpanContext.SpanID().String()
		}
		requireConserved(t, rec, spans)
		assert.EqualValues(t, 3, p.Stats().Energised)
		assert.EqualValues(t, 3, bridge.Stats().Energised)
		assert.Zero(t, p.Stats().Bare+bridge.Stats().Bare)
	})
}

func TestTheBridgeMayBeThereBeforeTheProcessor(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, run := begin(t)
		memory := tracetest.NewInMemoryExporter()
		provider := sdktrace.NewTracerProvider()
		bridge := otel.NewBridge(run, provider)
		p := otel.NewProcessor(run, keeper{memory})
		provider.RegisterSpanProcessor(p)
		ours, n := tracer.Start(ctx, "ours")
		// Only OpenTelemetry's part of the context is passed on.
		bare := trace.ContextWithSpan(context.Background(), trace.SpanFromContext(ours))
		sleeping(provider.Tracer(""), bare, "theirs", time.Second)
		n.End()
		require.NoError(t, bridge.Shutdown(ctx))
		require.NoError(t, provider.Shutdown(ctx))
		requireConserved(t, finish(t, run), memory.GetSpans())
		assert.Equal(t, "ours/theirs", text(t, named(t, memory.GetSpans(), "theirs"), "ecotracer.path"))
		assert.Zero(t, p.Stats().Bare)
		assert.Zero(t, otel.Left(p))
	})
}

func TestWhatEndsAfterTheBridgeEndsAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, run := begin(t)
		provider, memory := traced()
		bridge := otel.NewBridge(run, provider)
		_, s := tracer.Start(ctx, "train")
		require.NoError(t, bridge.Shutdown(ctx))
		s.End()
		require.Len(t, memory.GetSpans(), 1)
		_, told := value(memory.GetSpans()[0], "ecotracer.energy.self_j")
		assert.False(t, told)
		assert.Equal(t, otel.Stats{Bare: 1}, bridge.Stats())
		finish(t, run)
	})
}
