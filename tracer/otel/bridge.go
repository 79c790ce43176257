package otel

import (
	"context"
	"sync"

	sdk "go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/trace"

	"github.com/ecotracer/ecotracer/tracer"
)

// scope names who makes the spans and the instruments.
const scope = "github.com/ecotracer/ecotracer/tracer/otel"

// Bridge makes spans of a run spans of OpenTelemetry (see the package
// documentation).
type Bridge struct {
	split  split
	tracer trace.Tracer
	root   trace.SpanContext
	over   sync.Once
}

// NewBridge makes a span of OpenTelemetry of each span that starts in the run
// from now on, by provider; nil is the global one. The status is Error after
// Span.Fail. OpenTelemetry sees a span end, with the time at which it did, when
// its energy is known.
//
// It keeps a goroutine until Shutdown, which is to be called before the
// provider's and before the run's End.
func NewBridge(run *tracer.Run, provider trace.TracerProvider, opts ...Option) *Bridge {
	if provider == nil {
		provider = sdk.GetTracerProvider()
	}
	b := &Bridge{tracer: provider.Tracer(scope, trace.WithInstrumentationVersion(tracer.Version)), root: traceOf(run)}
	if f, ok := provider.(interface{ ForceFlush(context.Context) error }); ok {
		b.split.flush = f.ForceFlush
	}
	b.split.open(run, tracer.Observer{Started: b.started}, opts)
	return b
}

// bridging is a context in which a span of OpenTelemetry is begun for one of the
// run.
type bridging struct {
	context.Context
	run  *tracer.Run
	span *tracer.Span
}

type bridgingKey struct{}

func (c *bridging) Value(key any) any {
	if key == (bridgingKey{}) {
		return c
	}
	return c.Context.Value(key)
}

func (b *Bridge) started(ctx context.Context, ours *tracer.Span) context.Context {
	e := b.split.begin(ctx, ours)
	if ctx.Value(fromOTelKey{}) != nil {
		return ctx // OpenTelemetry has it
	}
	in := ctx
	if !trace.SpanContextFromContext(ctx).IsValid() {
		in = trace.ContextWithSpanContext(ctx, b.root)
	}
	_, span := b.tracer.Start(&bridging{in, b.split.run, ours}, e.path.name, trace.WithAttributes(e.path.identity...))
	if span.IsRecording() {
		b.split.mu.Lock()
		e.item = bridged{span}
		b.split.mu.Unlock()
	}
	return trace.ContextWithSpan(ctx, span)
}

// ForceFlush settles, so that all spans that have ended do so for OpenTelemetry.
func (b *Bridge) ForceFlush(ctx context.Context) error {
	_, err := b.split.settle(ctx)
	return err
}

// Shutdown settles for the last time. Spans that end later end at once for
// OpenTelemetry, without energy. Only the first call counts.
func (b *Bridge) Shutdown(ctx context.Context) (err error) {
	b.over.Do(func() { err = b.split.close(ctx) })
	return err
}

// Stats tells what became of spans up to now.
func (b *Bridge) Stats() Stats { return b.split.counts() }

// bridged is the span of OpenTelemetry of one of the run.
type bridged struct{ span trace.Span }

func (b bridged) pass(e *entry) {
	b.span.SetAttributes(e.outcome()...)
	if e.told.Failed {
		b.span.SetStatus(codes.Error, "")
	}
	b.span.End(trace.WithTimestamp(e.at))
}
