// Command otel is a program full of OpenTelemetry spans, before and after a
// processor is put in front of its exporter: the same code, then with energy on
// each span. It holds the sum of the spans against the record of the run.
package main

import (
	"context"
	"fmt"
	"io"
	"log"
	"math"
	"os"
	"text/tabwriter"
	"time"

	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/trace"

	"github.com/ecotracer/ecotracer/tracer"
	ecotel "github.com/ecotracer/ecotracer/tracer/otel"
)

func main() {
	if err := run(context.Background(), os.Stdout); err != nil {
		log.Fatal(err)
	}
}

func run(ctx context.Context, out io.Writer) error {
	fmt.Fprintln(out, "before:")
	e := newExporter(out)
	provider := sdktrace.NewTracerProvider(sdktrace.WithBatcher(e))
	serve(ctx, provider.Tracer("server"))
	if err := provider.Shutdown(ctx); err != nil {
		return err
	}

	fmt.Fprintln(out, "\nafter:")
	ctx, run, err := tracer.Begin(ctx, tracer.Named("otel"))
	if err != nil {
		log.Print(err) // the run measures all the same
	}
	e = newExporter(out)
	provider = sdktrace.NewTracerProvider(sdktrace.WithSpanProcessor(
		ecotel.NewProcessor(run, sdktrace.NewBatchSpanProcessor(e))))
	serve(ctx, provider.Tracer("server"))
	if err := provider.Shutdown(ctx); err != nil { // first, so that all spans have their energy
		return err
	}
	record, err := run.End()
	if err != nil {
		log.Print(err)
	}

	var spans, rest, metered float64
	for _, s := range record.Spans {
		spans += s.SelfJ
	}
	for _, l := range record.Ledger {
		rest += l.UnattributedJ + l.OtherProcessesJ + l.IdleJ
		metered += l.TotalJ
	}
	fmt.Fprintf(out, "\nthe spans have %.3f J, in the record their paths have %.3f J\n", e.joules, spans)
	fmt.Fprintf(out, "with %.3f J of no span, other processes and idling that is what the meters told, %.3f J\n", rest, metered)
	return nil
}

// serve is the program. It knows nothing of energy.
func serve(ctx context.Context, t trace.Tracer) {
	for range 3 {
		ctx, request := t.Start(ctx, "request")
		_, s := t.Start(ctx, "tokenise")
		work(1_000_000)
		s.End()
		_, s = t.Start(ctx, "predict")
		work(10_000_000)
		s.End()
		request.End()
	}
}

func work(n int) {
	sum := 0.0
	for i := range n {
		sum += math.Sqrt(float64(i))
	}
	if sum < 0 {
		panic("roots are positive")
	}
}

// exporter prints spans, in place of the one that sends them to a collector.
type exporter struct {
	table  *tabwriter.Writer
	joules float64 // that spans had for themselves
}

func newExporter(out io.Writer) *exporter {
	return &exporter{table: tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)}
}

func (e *exporter) ExportSpans(_ context.Context, spans []sdktrace.ReadOnlySpan) error {
	for _, s := range spans {
		fmt.Fprintf(e.table, "%s\t%s\t%v", s.SpanContext().SpanID(), s.Name(), s.EndTime().Sub(s.StartTime()).Round(time.Microsecond))
		for _, kv := range s.Attributes() {
			switch kv.Key {
			case "ecotracer.energy.self_j":
				e.joules += kv.Value.AsFloat64()
				fmt.Fprintf(e.table, "\tself %.3f J", kv.Value.AsFloat64())
			case "ecotracer.energy.total_j":
				fmt.Fprintf(e.table, "\ttotal %.3f J", kv.Value.AsFloat64())
			}
		}
		fmt.Fprintln(e.table)
	}
	return nil
}

func (e *exporter) Shutdown(context.Context) error { return e.table.Flush() }
