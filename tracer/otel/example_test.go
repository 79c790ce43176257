package otel_test

import (
	"context"
	"fmt"
	"os"

	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"

	"github.com/ecotracer/ecotracer/tracer"
	ecotel "github.com/ecotracer/ecotracer/tracer/otel"
	"github.com/ecotracer/ecotracer/tracer/tracertest"
)

// A program full of OpenTelemetry spans gets energy on them: the processor goes
// before the one that exports, and its code stays as it is. The machine is a
// simulated one here.
func ExampleNewProcessor() {
	dir, err := os.MkdirTemp("", "")
	if err != nil {
		panic(err)
	}
	defer os.RemoveAll(dir)
	host := tracertest.NewHost(dir, tracertest.HostConfig{})
	ctx, run, err := tracer.Begin(context.Background(), append(host.Options(), tracer.Sinks(new(tracertest.Recorder)))...)
	if err != nil {
		panic(err)
	}
	defer run.End()
	exporter := tracetest.NewInMemoryExporter() // stands for OTLP
	provider := sdktrace.NewTracerProvider(sdktrace.WithSpanProcessor(
		ecotel.NewProcessor(run, keeper{exporter})))

	ctx, request := provider.Tracer("server").Start(ctx, "request")
	_, query := provider.Tracer("server").Start(ctx, "query")
	query.End()
	request.End()

	provider.Shutdown(ctx) // before run.End, so that all spans have their energy
	for _, span := range exporter.GetSpans() {
		for _, a := range span.Attributes {
			switch a.Key {
			case "ecotracer.path":
				fmt.Println(span.Name, "is", a.Value.AsString())
			case "ecotracer.energy.self_j":
				fmt.Println(span.Name, "has its own joules:", a.Value.AsFloat64() > 0)
			}
		}
	}
	// Output:
	// query is request/query
	// query has its own joules: true
	// request is request
	// request has its own joules: true
}
