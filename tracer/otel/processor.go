package otel

import (
	"context"
	"errors"
	"slices"
	"sync"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/trace"

	"github.com/ecotracer/ecotracer/tracer"
)

// Processor makes spans of OpenTelemetry spans of a run, and passes them on with
// their energy (see the package documentation). It is a sdktrace.SpanProcessor,
// safe for concurrent use.
type Processor struct {
	split split
	next  sdktrace.SpanProcessor
	over  sync.Once

	known map[spanKey]*entry // open spans of OpenTelemetry; split.mu guards it
}

// spanKey names a span of OpenTelemetry.
type spanKey struct {
	trace trace.TraceID
	span  trace.SpanID
}

func keyOf(sc trace.SpanContext) spanKey { return spanKey{sc.TraceID(), sc.SpanID()} }

var _ sdktrace.SpanProcessor = (*Processor)(nil)

// NewProcessor passes spans on to next, such as a sdktrace.NewBatchSpanProcessor.
// It keeps a goroutine until Shutdown, which is to be called before the run's
// End: the provider's Shutdown does. After the run's end, and with a nil run or
// that of a disabled tracer, spans are passed on as they are.
func NewProcessor(run *tracer.Run, next sdktrace.SpanProcessor, opts ...Option) *Processor {
	p := &Processor{next: next, known: map[spanKey]*entry{}}
	p.split.parent = p.parent
	p.split.open(run, opts)
	return p
}

// fromOTel is a context in which a span of the run is begun for one of
// OpenTelemetry.
type fromOTel struct{ context.Context }

type fromOTelKey struct{}

func (c fromOTel) Value(key any) any {
	if key == (fromOTelKey{}) {
		return true
	}
	return c.Context.Value(key)
}

// OnStart begins a span in the run.
func (p *Processor) OnStart(ctx context.Context, s sdktrace.ReadWriteSpan) {
	p.next.OnStart(ctx, s)
	key := keyOf(s.SpanContext())
	if ours, bridged := ctx.Value(bridgingKey{}).(*tracer.Span); bridged {
		if run, _ := tracer.FromContext(ours.Context(ctx)); run == p.split.run {
			p.split.mu.Lock()
			defer p.split.mu.Unlock()
			p.known[key] = p.split.entry(ours)
		}
		return
	}
	if p.split.off() {
		return
	}
	run, found := tracer.FromContext(ctx)
	if run != p.split.run {
		found = nil
		ctx = p.split.run.Context(ctx)
	}
	if under := p.under(keyOf(s.Parent()), found); under != found {
		ctx = under.Context(ctx)
	}
	_, span := tracer.Start(fromOTel{ctx}, s.Name())
	if span == nil {
		return
	}
	p.split.mu.Lock()
	e := p.split.spans[span]
	if e != nil {
		e.item = &held{processor: p}
		p.known[key] = e
	}
	p.split.mu.Unlock()
	if e == nil { // too many are open: nobody would be told of its end
		span.End()
	}
}

// under is the span of the run that is the innermost, where that of
// OpenTelemetry and that of the context's own both are known.
func (p *Processor) under(otel spanKey, found *tracer.Span) *tracer.Span {
	p.split.mu.Lock()
	defer p.split.mu.Unlock()
	e := p.known[otel]
	if e == nil {
		return found
	}
	if f := p.split.spans[found]; f != nil && f.inside == otel {
		return found
	}
	return e.span
}

// parent is below which span tracer.Start begins one in ctx.
func (p *Processor) parent(ctx context.Context, found *tracer.Span) *tracer.Span {
	if ctx.Value(fromOTelKey{}) != nil {
		return found
	}
	sc := trace.SpanContextFromContext(ctx)
	if !sc.IsValid() {
		return found
	}
	return p.under(keyOf(sc), found)
}

var errFailed = errors.New("the status is Error")

// OnEnd ends the span in the run. It is passed on when its energy is known.
func (p *Processor) OnEnd(s sdktrace.ReadOnlySpan) {
	key := keyOf(s.SpanContext())
	p.split.mu.Lock()
	e := p.known[key]
	delete(p.known, key)
	var h *held
	if e != nil {
		if h, _ = e.item.(*held); h != nil {
			h.ReadOnlySpan = s
		}
	}
	if e == nil {
		p.split.stats.Bare++
	}
	p.split.mu.Unlock()
	if h == nil { // not known, or bridged: then all has been told
		p.next.OnEnd(s)
		return
	}
	if s.Status().Code == codes.Error {
		e.span.Fail(errFailed)
	}
	e.span.End() // which tells the split
}

// ForceFlush settles, so that all spans that have ended are passed on with their
// energy, and flushes what is next.
func (p *Processor) ForceFlush(ctx context.Context) error {
	_, err := p.split.settle(ctx)
	return errors.Join(err, p.next.ForceFlush(ctx))
}

// Shutdown settles for the last time, passes on all spans that have ended, and
// shuts down what is next. Only the first call counts.
func (p *Processor) Shutdown(ctx context.Context) (err error) {
	p.over.Do(func() { err = errors.Join(p.split.close(ctx), p.next.Shutdown(ctx)) })
	return err
}

// Stats tells what became of spans up to now.
func (p *Processor) Stats() Stats { return p.split.counts() }

// held is a span that waits for its energy, and then has it.
type held struct {
	sdktrace.ReadOnlySpan
	processor  *Processor
	attributes []attribute.KeyValue
}

// Attributes are the span's own and ours.
func (h *held) Attributes() []attribute.KeyValue { return h.attributes }

func (h *held) pass(e *entry, known bool) {
	h.attributes = slices.Concat(h.ReadOnlySpan.Attributes(), e.path.identity, e.outcome(known))
	h.processor.next.OnEnd(h)
}
