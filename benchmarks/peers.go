package benchmarks

import (
	"context"
	"runtime/pprof"
	"runtime/trace"

	"go.opentelemetry.io/otel/attribute"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	oteltrace "go.opentelemetry.io/otel/trace"
	"go.opentelemetry.io/otel/trace/noop"

	"github.com/ecotracer/ecotracer/lifecycle"
	"github.com/ecotracer/ecotracer/tracer"
)

// Peer is one way to wrap a block of code.
type Peer struct {
	Name string
	// Open makes it ready; close frees it. The returned context is passed to
	// Span.
	Open func() (ctx context.Context, close func(), err error)
	// Span begins and ends one span around nothing.
	Span func(ctx context.Context)
}

// discard keeps the record of a run from the disk: what is measured is spans.
type discard struct{}

func (discard) Write(context.Context, *lifecycle.Record) error { return nil }

// run opens a live run, with all that a user's run has: meters, sampler,
// checkpoints, and the CPU profiler's windows outside of test binaries.
func run() (context.Context, func(), error) {
	ctx, r, err := tracer.Begin(context.Background(), tracer.Sinks(discard{}))
	return ctx, func() { _, _ = r.End() }, err
}

func background() (context.Context, func(), error) {
	return context.Background(), func() {}, nil
}

// nested puts a span of ours around all.
func nested() (context.Context, func(), error) {
	ctx, end, err := run()
	ctx, span := tracer.Start(ctx, "train")
	return ctx, func() { span.End(); end() }, err
}

// Ours are the tracer's ways.
var Ours = []Peer{
	{"off", background, func(ctx context.Context) {
		_, s := tracer.Start(ctx, "batch")
		s.End()
	}},
	{"on", run, func(ctx context.Context) {
		_, s := tracer.Start(ctx, "batch")
		s.End()
	}},
	{"on, nested", nested, func(ctx context.Context) {
		_, s := tracer.Start(ctx, "batch")
		s.End()
	}},
	{"on, with units", run, func(ctx context.Context) {
		_, s := tracer.Start(ctx, "batch")
		s.Count("samples", 64)
		s.End()
	}},
	{"on, host labels", labelled, func(ctx context.Context) {
		_, s := tracer.Start(ctx, "batch")
		s.End()
	}},
}

// labelled is a run in a host that sets goroutine labels of its own.
func labelled() (context.Context, func(), error) {
	ctx, end, err := run()
	return pprof.WithLabels(ctx, pprof.Labels("host", "yes")), end, err
}

// exporter is a batch processor's exporter that drops: what is measured is
// the span, not a network.
type exporter struct{}

func (exporter) ExportSpans(context.Context, []sdktrace.ReadOnlySpan) error { return nil }
func (exporter) Shutdown(context.Context) error                             { return nil }

var otelTracer oteltrace.Tracer

func openOTel() (context.Context, func(), error) {
	energised = nil
	provider := sdktrace.NewTracerProvider(sdktrace.WithBatcher(exporter{}))
	otelTracer = provider.Tracer("benchmarks")
	return context.Background(), func() { _ = provider.Shutdown(context.Background()) }, nil
}

func openNoop() (context.Context, func(), error) {
	otelTracer = noop.NewTracerProvider().Tracer("benchmarks")
	return background()
}

func otelSpan(ctx context.Context) {
	_, s := otelTracer.Start(ctx, "batch")
	s.End()
}

// Peers are what else there is.
var Peers = []Peer{
	{"OpenTelemetry SDK, batch processor", openOTel, otelSpan},
	{"OpenTelemetry SDK, nested", func() (context.Context, func(), error) {
		ctx, end, err := openOTel()
		ctx, s := otelTracer.Start(ctx, "train")
		return ctx, func() { s.End(); end() }, err
	}, otelSpan},
	{"OpenTelemetry SDK, with an attribute", openOTel, func(ctx context.Context) {
		_, s := otelTracer.Start(ctx, "batch")
		s.SetAttributes(attribute.Int("samples", 64))
		s.End()
	}},
	{"OpenTelemetry no-op", openNoop, otelSpan},
	{"runtime/trace task, off", background, func(ctx context.Context) {
		_, t := trace.NewTask(ctx, "batch")
		t.End()
	}},
	{"runtime/trace region, off", background, func(ctx context.Context) {
		trace.StartRegion(ctx, "batch").End()
	}},
	{"runtime/pprof.Do", background, func(ctx context.Context) {
		pprof.Do(ctx, pprof.Labels("path", "batch"), func(context.Context) {})
	}},
}
