package otel

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/trace"

	"github.com/ecotracer/ecotracer/tracer"
)

// The names of what we tell of a span.
const (
	attrRun    = attribute.Key("ecotracer.run.id")
	attrPath   = attribute.Key("ecotracer.path")
	attrStage  = attribute.Key("ecotracer.stage")
	attrSelfJ  = attribute.Key("ecotracer.energy.self_j")
	attrTotalJ = attribute.Key("ecotracer.energy.total_j")
	attrMethod = attribute.Key("ecotracer.energy.method")
	attrUnits  = "ecotracer.units." // and the unit
)

// identity tells where a span is in its run.
func identity(run *tracer.Run, s *tracer.Span) []attribute.KeyValue {
	return []attribute.KeyValue{attrRun.String(run.ID()), attrPath.String(s.Path()), attrStage.String(string(s.Stage()))}
}

// outcome tells what a span came to. What is not known is not there.
func (e *entry) outcome() []attribute.KeyValue {
	kv := make([]attribute.KeyValue, 0, 3+len(e.told.Units))
	if e.known {
		kv = append(kv, attrSelfJ.Float64(e.selfJ), attrTotalJ.Float64(e.totalJ), attrMethod.String(string(e.method)))
	}
	for _, unit := range slices.Sorted(maps.Keys(e.told.Units)) {
		kv = append(kv, attribute.Int64(attrUnits+unit, e.told.Units[unit]))
	}
	return kv
}

// spanName is the name that a span was given, as its path has it.
func spanName(path string) string {
	name := path[strings.LastIndexByte(path, '/')+1:]
	return strings.NewReplacer("~1", "/", "~0", "~").Replace(name)
}

// InTrace begins a run in the trace of the OpenTelemetry span in ctx, so that
// its record has the id of that trace. Without one it says nothing.
//
//	ctx, run, err := tracer.Begin(ctx, ecotel.InTrace(ctx))
func InTrace(ctx context.Context) tracer.Option {
	sc := trace.SpanContextFromContext(ctx)
	if !sc.IsValid() {
		return nil
	}
	return tracer.Traceparent(fmt.Sprintf("00-%s-%s-%s", sc.TraceID(), sc.SpanID(), sc.TraceFlags()))
}

// traceOf is the trace of a run, as the parent of its root spans: with the span
// in it that the run is below, if one is known. Without, OpenTelemetry's SDK makes
// a root in that very trace of it.
func traceOf(run *tracer.Run) trace.SpanContext {
	id, above, flags := run.Trace()
	var c trace.SpanContextConfig
	c.TraceID, _ = trace.TraceIDFromHex(id)
	if c.SpanID, _ = trace.SpanIDFromHex(above); c.SpanID.IsValid() {
		c.Remote = true
	}
	if bits, err := strconv.ParseUint(flags, 16, 8); err == nil {
		c.TraceFlags = trace.TraceFlags(bits) & trace.FlagsSampled
	}
	return trace.NewSpanContext(c)
}
