// Package otel joins the runs of package tracer and OpenTelemetry, both ways.
//
//	import (
//		"go.opentelemetry.io/otel"
//
//		ecotel "github.com/ecotracer/ecotracer/tracer/otel"
//	)
//
// Who imports both gives this one another name, such as ecotel: a package is
// called as its folder is.
//
// # A program with OpenTelemetry spans gets energy on them
//
// A [Processor] before the one that exports, and nothing else is changed:
//
//	ctx, run, err := tracer.Begin(ctx)
//	provider := sdktrace.NewTracerProvider(sdktrace.WithSpanProcessor(
//		ecotel.NewProcessor(run, sdktrace.NewBatchSpanProcessor(exporter))))
//	defer run.End()
//	defer provider.Shutdown(ctx) // first
//
// Each span is then one of the run, too, below that of its parent: what the
// record tells by path is what the spans tell one by one. A parent is taken to
// wait for its children, as OpenTelemetry tells nothing else: what it computes
// while one of them is open is told apart only by CPU time (see package tracer).
// Names should be few, as OpenTelemetry wants them; beyond 10,000 paths they are
// "(other)".
//
// In the record a span has the name that it began with. Of a request otelhttp
// learns the route, and so the name, only later, and all would be "GET" there. So
// it is to be within the router,
//
//	mux.Handle("GET /x/{id}", otelhttp.NewHandler(h, "", otelhttp.WithSpanNameFormatter(
//		func(_ string, r *http.Request) string { return r.Pattern })))
//
// or httpspan.Handler within it. Beside otelgrpc package grpcspan is not needed: an
// RPC would have a span by each.
//
// A span that the sampler drops is not seen. Its time is its parent's, and where
// that is dropped too, that of the spans that are not: a sampler that keeps one
// trace in a hundred leaves the energy of all to it. Energy that does not depend on
// what is sampled needs all spans recorded, though not exported:
//
//	sdktrace.WithSampler(sdktrace.AlwaysRecord(sampler))
//
// # A program with our spans has them as OpenTelemetry spans
//
// A [Bridge] makes each span of the run one of OpenTelemetry: below the span of
// OpenTelemetry in the context, which may be another's, else in the run's trace.
// [InTrace] begins a run in the trace of a context. Both may be used at once: no
// span is there twice, and each kind may be the parent of the other.
//
//	bridge := ecotel.NewBridge(run, provider)
//	defer bridge.Shutdown(ctx) // before the provider's
//
// # What the attributes say
//
// There are no semantic conventions for the energy of a span, so the names are
// ours:
//
//	ecotracer.run.id          the record that the span is in
//	ecotracer.path            names from the root of the run down, as in the record
//	ecotracer.stage           stage of the life cycle
//	ecotracer.energy.self_j   J of IT energy, without the spans below it
//	ecotracer.energy.total_j  J, with those below it that were settled with it or before
//	ecotracer.energy.method   of the run: metered, counter, modelled or declared
//	ecotracer.units.<unit>    functional units that tracer.Span.Count added up
//
// Energy is known once the ledger has settled it, so a span that has ended waits
// for that, some seconds at most ([Settle]), before it is passed on. The ledger
// keeps one account for all spans of a path: what came to a path since the last
// settlement goes to its spans by their wall share in that time. self_j adds up:
// all spans of a path have what the record has for it, less what spans have that
// were not passed on, or without energy. A later settlement may revise an earlier
// one, by what [Stats] tell; where devices are claimed from the start and meters
// are quick, none does. total_j does not add up. PUE and emissions are in the record
// alone.
//
// Energy comes to many spans at once, and a batch processor drops what does not
// fit in its queue. So they are passed on 512 at a time, and what is next is
// flushed in between.
//
// # Metrics
//
// [RegisterMetrics] has a run's energy among the metrics.
package otel
