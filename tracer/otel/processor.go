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

// NewProcessor passes spans on to next, such as a sdktrace.NewBatchSpanProcessor;
// to nobody if it is nil. A run is to have one Processor: with two each span would
// be in it twice. So where there are several exporters, next passes on to all.
//
// It keeps a goroutine until Shutdown, which is to be called before the run's
// End: the provider's Shutdown does. After the run's end, and with a nil run or
// that of a disabled tracer, spans are passed on as they are.
func NewProcessor(run *tracer.Run, next sdktrace.SpanProcessor, opts ...Option) *Processor {
	if next == nil {
		next = nobody{}
	}
	p := &Processor{next: next, known: map[spanKey]*entry{}}
	p.split.flush = next.ForceFlush
	p.split.open(run, tracer.Observer{Parent: p.parent}, opts)
	return p
}

// nobody is what is next where spans are only to be in the record.
type nobody struct{}

func (nobody) OnStart(context.Context, sdktrace.ReadWriteSpan) {}
func (nobody) OnEnd(sdktrace.ReadOnlySpan)                     {}
func (nobody) ForceFlush(context.Context) error                { return nil }
func (nobody) Shutdown(context.Context) error                  { return nil }

// fromOTel is a context in which a span of the run is begun for one of
// OpenTelemetry.
type fromOTel struct {
	context.Context
	parent spanKey // not that of the context where a new root was asked for
}

type fromOTelKey struct{}

func (c *fromOTel) Value(key any) any {
	if key == (fromOTelKey{}) {
		return c
	}
	return c.Context.Value(key)
}

// OnStart begins a span in the run.
func (p *Processor) OnStart(ctx context.Context, s sdktrace.ReadWriteSpan) {
	p.next.OnStart(ctx, s)
	key := keyOf(s.SpanContext())
	if b, bridged := ctx.Value(bridgingKey{}).(*bridging); bridged {
		if b.run == p.split.run {
			p.split.mu.Lock()
			defer p.split.mu.Unlock()
			p.known[key] = p.split.entry(b.span)
		}
		return
	}
	if p.split.off() {
		return
	}
	if run, _ := tracer.FromContext(ctx); run != p.split.run {
		ctx = p.split.run.Context(ctx)
	}
	_, span := tracer.Start(&fromOTel{ctx, keyOf(s.Parent())}, s.Name())
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

// parent is below which span of the run one begins in ctx, of OpenTelemetry's or
// of its own: of that of OpenTelemetry in it and found the innermost, where both
// are known.
func (p *Processor) parent(ctx context.Context, found *tracer.Span) *tracer.Span {
	key := keyOf(trace.SpanContextFromContext(ctx))
	if theirs, ok := ctx.Value(fromOTelKey{}).(*fromOTel); ok {
		key = theirs.parent
	}
	p.split.mu.Lock()
	defer p.split.mu.Unlock()
	e := p.known[key]
	if e == nil {
		return found
	}
	if f := p.split.spans[found]; f != nil && f.inside == key {
		return found
	}
	return e.span
}

var errFailed = errors.New("the status is Error")

// OnEnd ends the span in the run. It is passed on when its energy is known.
func (p *Processor) OnEnd(s sdktrace.ReadOnlySpan) {
	key := keyOf(s.SpanContext())
	p.split.mu.Lock()
	e := p.known[key]
	delete(p.known, key)
	var h *held
	if e == nil {
		p.split.stats.Bare++
	} else if h, _ = e.item.(*held); h != nil {
		h.ReadOnlySpan = s
		if !s.SpanContext().IsSampled() {
			e.item = nil // nobody exports it: it need not wait
		}
	}
	p.split.mu.Unlock()
	if h != nil {
		if s.Status().Code == codes.Error {
			e.span.Fail(errFailed)
		}
		e.span.End() // which tells the split
	}
	if h == nil || !s.SpanContext().IsSampled() { // not known, or bridged: then all has been told
		p.next.OnEnd(s)
	}
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

func (h *held) pass(e *entry) {
	h.attributes = slices.Concat(h.ReadOnlySpan.Attributes(), e.path.identity, e.outcome())
	h.processor.next.OnEnd(h)
}
