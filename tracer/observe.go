package tracer

import (
	"context"
	"runtime/trace"
	"slices"

	"github.com/ecotracer/ecotracer/lifecycle"
)

// maxObserved bounds the spans that are open at once and observed: a program may
// forget to end some.
const maxObserved = 1 << 16

// Observer is told of the single spans of a run (Run.Observe). Start and End call
// its functions, outside of all locks: they are to be quick, and safe for
// concurrent use. One that is nil is not called, and one that panics has said
// nothing.
type Observer struct {
	// Parent says below which span of the run Start begins one in ctx, nil for the
	// run itself. found is what FromContext tells.
	Parent func(ctx context.Context, found *Span) *Span
	// Started is called once the span is open. The context that it returns is what
	// the one that Start returns is made of: it may hold more than ctx.
	Started func(ctx context.Context, s *Span) context.Context
	// Ended is called once for each span that started after Observe, also for one
	// that ends after its run.
	Ended func(s SingleSpan)
}

// SingleSpan is what is told of one span. Times are in seconds from the run's
// begin. It has no energy of its own: the ledger keeps one account a path, and a
// split among the spans of a path is by their SelfS.
type SingleSpan struct {
	Span   *Span
	BeginS float64
	EndS   float64 // of one that is open: up to when it is told; at most the run's end
	SelfS  float64 // wall share of the time that it was active, which adds up to the self_s of its path
	Failed bool
	Units  map[string]int64 // what Count added up to its end; nil if nothing
}

// Observe tells o of the spans that start in the run from now on, until the run
// is over. An observed span takes some 200 bytes more, and what o does. Of spans
// that are open at once 65,536 are observed; what begins beyond is in all figures,
// and nobody is told of it. Observers cannot be taken back; each one given is
// told, in that order.
func (r *Run) Observe(o Observer) {
	if r == nil || r.ledger == nil {
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	var all []Observer
	if p := r.observers.Load(); p != nil {
		all = slices.Clone(*p)
	}
	all = append(all, o)
	r.observers.Store(&all)
}

// SnapshotSpans is Snapshot together with what is told, of the same moment, of
// the observed spans that are open then, in the order in which they started.
// Their SelfS are what the record's energy is split by. After End they are those
// that are not ended yet, as they were at the run's end.
func (r *Run) SnapshotSpans(ctx context.Context) (*lifecycle.Record, []SingleSpan, error) {
	if r == nil || r.ledger == nil {
		return nil, nil, nil
	}
	if !r.ledger.awaitWindow(ctx.Done()) {
		return nil, nil, ctx.Err()
	}
	if rec, open, err := r.current(); rec != nil || err != nil {
		return rec, open, err
	}
	select {
	case <-r.done:
	case <-ctx.Done():
		select {
		case <-r.done:
		default:
			return nil, nil, ctx.Err()
		}
	}
	r.ledger.mu.Lock()
	defer r.ledger.mu.Unlock()
	return r.final, r.openSpans(r.ledger), r.finalErr
}

// attached is what some spans have beside what all have, as the context that
// they are made of: a task while an execution trace is written, and what
// observers are told.
type attached struct {
	context.Context
	task *trace.Task

	// Of an observed span. The ledger's lock guards these.
	span       *Span
	observers  []Observer
	share      float64 // ns: wall share of the time that it was active
	since      float64 // the ledger's clock when it became active, if it is
	active     bool
	end        int64 // ns of the ledger
	units      []unitCount
	prev, next *attached // among the run's open ones, by their start
}

// attach makes room for what only some spans have.
func (s *Span) attach() *attached {
	x, ok := s.ctx.(*attached)
	if !ok {
		x = &attached{Context: s.ctx}
		s.ctx = x
	}
	return x
}

// activate changes by one whether a span is active. The ledger is locked, and
// the span's account up to date.
func (l *ledger) activate(s *Span, by int32) {
	l.setActive(s.account, by)
	if x, ok := s.ctx.(*attached); ok && x.span != nil {
		x.turn(l, by > 0)
	}
}

// turn begins or ends a time in which the span is active: each active span has
// the same part of the time, which the ledger's clock tells.
func (x *attached) turn(l *ledger, active bool) {
	now := l.wPast + l.w
	if x.active {
		x.share += now - x.since
	}
	x.since, x.active = now, active
}

// opened adds a span to the observed ones that are open, if there are not too
// many.
func (r *Run) opened(x *attached) {
	if r.nOpen == maxObserved {
		x.span = nil
		return
	}
	r.nOpen++
	x.prev = r.lastOpen
	if x.prev != nil {
		x.prev.next = x
	} else {
		r.firstOpen = x
	}
	r.lastOpen = x
}

// closed takes a span off the observed ones that are open.
func (r *Run) closed(x *attached, t int64) {
	r.nOpen--
	x.end = t
	if x.prev != nil {
		x.prev.next = x.next
	} else {
		r.firstOpen = x.next
	}
	if x.next != nil {
		x.next.prev = x.prev
	} else {
		r.lastOpen = x.prev
	}
	x.prev, x.next = nil, nil
}

// openSpans tells of the observed spans that are open. The ledger is locked.
func (r *Run) openSpans(l *ledger) (open []SingleSpan) {
	t := l.settledT
	if r.ended {
		t = r.until
	}
	for x := r.firstOpen; x != nil; x = x.next {
		open = append(open, x.tell(l, t))
	}
	return open
}

// tell tells of the span up to time t. The ledger is locked, or the span has
// ended.
func (x *attached) tell(l *ledger, t int64) SingleSpan {
	s, r := x.span, x.span.account.run
	one := SingleSpan{
		Span: s, BeginS: float64(s.start-r.begin) / 1e9, EndS: float64(t-r.begin) / 1e9,
		SelfS: x.share / 1e9, Failed: s.failed,
	}
	if x.active {
		one.SelfS = (x.share + l.wPast + l.w - x.since) / 1e9
	}
	if len(x.units) > 0 {
		one.Units = make(map[string]int64, len(x.units))
		for _, u := range x.units {
			one.Units[u.unit] = u.n
		}
	}
	return one
}

// parentBy is below which span one is begun in ctx, by observers that know better
// than the context, and ctx with that span in it.
func (r *Run) parentBy(observers []Observer, ctx context.Context, found *Span) (context.Context, *Span) {
	parent := found
	for i := range observers {
		if s := observers[i].parent(ctx, parent); s == nil || s.account.run == r {
			parent = s
		}
	}
	switch parent {
	case found:
	case nil:
		ctx = r.Context(ctx)
	default:
		ctx = &withSpan{ctx, parent}
	}
	return ctx, parent
}

// withSpan is a context with a span of another in it.
type withSpan struct {
	context.Context
	span *Span
}

func (c *withSpan) Value(key any) any {
	if key == (current{}) {
		return c.span
	}
	if c.span.labels != nil && key == pprofKey() {
		return c.span.account.mergedLabels(c.Context).Value(key)
	}
	return c.Context.Value(key)
}

func (o *Observer) parent(ctx context.Context, found *Span) (parent *Span) {
	if o.Parent == nil {
		return found
	}
	defer func() {
		if recover() != nil {
			parent = found
		}
	}()
	return o.Parent(ctx, found)
}

func (o *Observer) started(ctx context.Context, s *Span) context.Context {
	if o.Started == nil {
		return ctx
	}
	defer func() { _ = recover() }()
	return o.Started(ctx, s)
}

func (o *Observer) ended(one SingleSpan) {
	if o.Ended == nil {
		return
	}
	defer func() { _ = recover() }()
	o.Ended(one)
}

// tellStart tells the observers that a span has started.
func (s *Span) tellStart(x *attached) {
	if x.span == nil {
		return // it is one too many
	}
	for i := range x.observers {
		if ctx := x.observers[i].started(x.Context, s); ctx != nil {
			x.Context = ctx
		}
	}
}

// tellEnd tells them that it has ended.
func (s *Span) tellEnd(x *attached) {
	if x.span == nil {
		return
	}
	one := x.tell(s.account.run.ledger, x.end)
	for i := range x.observers {
		x.observers[i].ended(one)
	}
}
