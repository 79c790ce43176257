package benchmarks

import (
	"context"
	"io"

	sdktrace "go.opentelemetry.io/otel/sdk/trace"

	"github.com/ecotracer/ecotracer/tracer"
	"github.com/ecotracer/ecotracer/tracer/otel"
)

// Joined are the ways in which both worlds have a span. Each is to be held
// against the plain SDK, which is the first.
var Joined = []Peer{
	{"OpenTelemetry alone", openOTel, otelSpan},
	{"OpenTelemetry, with our processor", func() (context.Context, func(), error) {
		ctx, end, err := run()
		r, _ := tracer.FromContext(ctx)
		p := otel.NewProcessor(r, sdktrace.NewBatchSpanProcessor(exporter{}))
		provider := sdktrace.NewTracerProvider(sdktrace.WithSpanProcessor(p))
		otelTracer, energised = provider.Tracer("benchmarks"), p.Stats
		return ctx, func() { _ = provider.Shutdown(context.Background()); end() }, err
	}, otelSpan},
	{"ours, with the bridge", func() (context.Context, func(), error) {
		ctx, end, err := run()
		r, _ := tracer.FromContext(ctx)
		provider := sdktrace.NewTracerProvider(sdktrace.WithBatcher(exporter{}))
		b := otel.NewBridge(r, provider)
		energised = b.Stats
		return ctx, func() { _ = b.Shutdown(context.Background()); _ = provider.Shutdown(context.Background()); end() }, err
	}, ourSpan},
	{"ours, and OpenTelemetry's by hand", func() (context.Context, func(), error) {
		ctx, end, err := run()
		_, close, err2 := openOTel()
		if err == nil {
			err = err2
		}
		return ctx, func() { close(); end() }, err
	}, func(ctx context.Context) {
		ctx, s := tracer.Start(ctx, "batch")
		otelSpan(ctx)
		s.End()
	}},
	{"ours, each to a stream", func() (context.Context, func(), error) {
		energised = nil
		ctx, r, err := tracer.Begin(context.Background(), tracer.Sinks(discard{}), tracer.Spans(io.Discard))
		return ctx, func() { _, _ = r.End() }, err
	}, ourSpan},
}

// energised tells of the Peer of Joined that was opened last how many spans had
// energy; nil where none does.
var energised func() otel.Stats

// Energised tells what part of the spans of the Peer of Joined that was opened
// last was passed on with energy, once it is closed: in a loop more end than may
// wait.
func Energised() (part float64, told bool) {
	if energised == nil {
		return 0, false
	}
	s := energised()
	return float64(s.Energised) / float64(s.Energised+s.Bare), true
}

func ourSpan(ctx context.Context) {
	_, s := tracer.Start(ctx, "batch")
	s.End()
}
