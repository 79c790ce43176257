package otel_test

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/otel/attribute"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"
	"go.opentelemetry.io/otel/trace"

	"github.com/ecotracer/ecotracer/lifecycle"
	"github.com/ecotracer/ecotracer/tracer"
	"github.com/ecotracer/ecotracer/tracer/otel"
	"github.com/ecotracer/ecotracer/tracer/tracertest"
)

// begin begins a run on a simulated host of a constant 20 W that serves it
// alone.
func begin(t *testing.T, opts ...tracer.Option) (context.Context, *tracer.Run) {
	t.Helper()
	host := tracertest.NewHost(t.TempDir(), tracertest.HostConfig{})
	ctx, run, err := tracer.Begin(context.Background(), append(append(host.Options(),
		tracer.Sinks(new(tracertest.Recorder)), tracer.Scope(lifecycle.ScopeMachine)), opts...)...)
	require.NoError(t, err)
	return ctx, run
}

// finish ends a run and holds its record to the rules.
func finish(t *testing.T, run *tracer.Run) *lifecycle.Record {
	t.Helper()
	rec, err := run.End()
	require.NoError(t, err)
	for _, f := range lifecycle.Validate(rec) {
		assert.True(t, f.Warning, "%v", f)
	}
	return rec
}

// processed is a provider whose spans go through a Processor to memory.
func processed(run *tracer.Run, opts ...otel.Option) (*sdktrace.TracerProvider, *otel.Processor, *tracetest.InMemoryExporter) {
	memory := tracetest.NewInMemoryExporter()
	p := otel.NewProcessor(run, keeper{memory}, opts...)
	return sdktrace.NewTracerProvider(sdktrace.WithSpanProcessor(p)), p, memory
}

// keeper is a processor that exports at once, and keeps what there is when it is
// shut down.
type keeper struct{ *tracetest.InMemoryExporter }

func (keeper) OnStart(context.Context, sdktrace.ReadWriteSpan) {}
func (k keeper) OnEnd(s sdktrace.ReadOnlySpan) {
	_ = k.ExportSpans(context.Background(), []sdktrace.ReadOnlySpan{s})
}
func (keeper) ForceFlush(context.Context) error { return nil }
func (keeper) Shutdown(context.Context) error   { return nil }

// value is what a span tells under a name.
func value(s tracetest.SpanStub, key string) (v attribute.Value, told bool) {
	for _, kv := range s.Attributes {
		if string(kv.Key) == key {
			return kv.Value, true
		}
	}
	return v, false
}

func text(t *testing.T, s tracetest.SpanStub, key string) string {
	t.Helper()
	v, told := value(s, key)
	require.True(t, told, "%s tells no %s", s.Name, key)
	return v.AsString()
}

func joules(t *testing.T, s tracetest.SpanStub, key string) float64 {
	t.Helper()
	v, told := value(s, "ecotracer.energy."+key)
	require.True(t, told, "%s tells no %s", s.Name, key)
	return v.AsFloat64()
}

// named is the only span of that name.
func named(t *testing.T, spans tracetest.SpanStubs, name string) tracetest.SpanStub {
	t.Helper()
	var found []tracetest.SpanStub
	for _, s := range spans {
		if s.Name == name {
			found = append(found, s)
		}
	}
	require.Len(t, found, 1, name)
	return found[0]
}

// byPath adds up the energy that spans have for themselves.
func byPath(t *testing.T, spans tracetest.SpanStubs) map[string]float64 {
	t.Helper()
	sums := map[string]float64{}
	for _, s := range spans {
		if _, told := value(s, "ecotracer.energy.self_j"); told {
			sums[text(t, s, "ecotracer.path")+" "+text(t, s, "ecotracer.stage")] += joules(t, s, "self_j")
		}
	}
	return sums
}

// requireConserved holds the energy of single spans to that of their paths, and
// that of the paths with all else to what the meters told.
func requireConserved(t *testing.T, rec *lifecycle.Record, spans tracetest.SpanStubs) {
	t.Helper()
	sums := byPath(t, spans)
	var self, all float64
	for _, s := range rec.Spans {
		assert.InEpsilon(t, s.SelfJ+1e-9, sums[s.Path+" "+string(s.Stage)]+1e-9, 1e-9, s.Path)
		all += sums[s.Path+" "+string(s.Stage)]
		self += s.SelfJ
	}
	assert.Len(t, sums, len(rec.Spans))
	assert.InEpsilon(t, self, all, 1e-9)
	var metered float64
	for _, l := range rec.Ledger {
		metered += l.TotalJ
		all += l.UnattributedJ + l.OtherProcessesJ + l.IdleJ
	}
	assert.InEpsilon(t, metered, all, 1e-9)
}

func sleeping(tr trace.Tracer, ctx context.Context, name string, d time.Duration) {
	_, s := tr.Start(ctx, name)
	time.Sleep(d)
	s.End()
}
