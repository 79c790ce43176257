package tracer

import (
	"context"
	"fmt"
	"runtime/pprof"
	"runtime/trace"
	"strings"
	"time"

	"github.com/ecotracer/ecotracer/lifecycle"
)

// Span is a timed block of code of a run. Its methods may be called from any
// goroutine, and on a nil Span, where they do nothing.
type Span struct {
	ctx      context.Context // Start's; an *attached where there is more to keep
	account  *account
	parent   *Span
	labels   context.Context // the goroutine's labels inside the span, if any
	start    int64           // ns of the ledger
	children int32           // open ones that it waits for
	blocks   bool            // its parent waits for it
	ended    bool
	failed   bool
	claims   bool // devices, by itself
}

// spanContext is a Span as the context that Start returns: one allocation
// holds both.
type spanContext Span

// current is the context key under which a span or a run is found.
type current struct{}

func (c *spanContext) Deadline() (time.Time, bool) { return c.ctx.Deadline() }
func (c *spanContext) Done() <-chan struct{}       { return c.ctx.Done() }
func (c *spanContext) Err() error                  { return c.ctx.Err() }

func (c *spanContext) Value(key any) any {
	if key == (current{}) {
		return (*Span)(c)
	}
	if c.labels != nil && key == pprofKey() {
		return c.labels.Value(key)
	}
	return c.ctx.Value(key)
}

func (c *spanContext) String() string { return "tracer.Start(" + c.account.path + ")" }

// StartOption configures one span.
type StartOption struct {
	stage  lifecycle.Stage
	async  bool
	claims string // device IDs joined by "\x00"
}

// In puts the span in a stage of the life cycle. Without it the stage is
// inferred from the name (lifecycle.StageOf), else it is the parent's. Of the
// devices' production and end of life no span can be: that is flagged in the
// record, and the stage inferred.
func In(stage lifecycle.Stage) StartOption { return StartOption{stage: stage} }

// Async says that the span runs beside its parent, which goes on working.
// Without it a parent is taken to wait for its children.
func Async() StartOption { return StartOption{async: true} }

// OnDevices claims devices by the ID of their domain, such as "gpu0": the span
// and its children use them. From the run's begin on the run answers for
// their energy and their production. Those of a device that nobody claims go by
// wall share, as far as the driver does not say that others use it.
func OnDevices(ids ...string) StartOption {
	return StartOption{claims: strings.Join(ids, "\x00")}
}

// Start begins a span below the span in ctx; else in the run in ctx; else in
// the process's default run. With none of them it is free: it returns ctx and
// a nil Span. The returned context is to be passed to what the span covers.
//
// Every span is to be ended, but on which goroutine does not matter. Start
// never fails, blocks or reads a sensor. Cancelling ctx does not end the span.
// Once the run in ctx has ended, Start is free too. A nil ctx counts as
// context.Background().
//
// Names should be few, "batch" and not "batch 17": a run keeps one account per
// path, and at most 10,000. A "/" in a name is written "~1" in the path.
func Start(ctx context.Context, name string, opts ...StartOption) (context.Context, *Span) {
	if ctx == nil {
		ctx = context.Background()
	}
	run, parent := FromContext(ctx)
	if run == nil || run.over.Load() {
		return ctx, nil
	}
	key := childKey{name: name}
	async := false
	for i := range opts {
		o := &opts[i]
		if o.stage != "" {
			key.stage = o.stage
		}
		async = async || o.async
		if o.claims != "" {
			key.claims = o.claims
		}
	}
	if key.claims != "" {
		run.synchronise(ctx, devicesCalled(key.claims))
	}
	observers := run.observers.Load()
	if observers != nil {
		ctx, parent = run.parentBy(*observers, ctx, parent)
	}
	under := run.root
	if parent != nil {
		under = parent.account
	}
	s := &Span{ctx: ctx, parent: parent, claims: key.claims != ""}
	if observers != nil {
		x := s.attach()
		x.span, x.observers = s, *observers
	}
	if !run.ledger.open(s, under, key, async) {
		return ctx, nil
	}
	if run.labelled {
		s.label(ctx)
	}
	if trace.IsEnabled() {
		s.beginTask()
	}
	if observers != nil {
		s.tellStart(s.attach())
	}
	return (*spanContext)(s), s
}

// FromContext tells below what Start begins a span in ctx: the span in ctx and
// its run; else the run in ctx, else the process's default run, and no span. Both
// are nil where Start is free because there is neither. A nil ctx counts as
// context.Background().
func FromContext(ctx context.Context) (*Run, *Span) {
	var v any
	switch c := ctx.(type) {
	case *spanContext:
		return c.account.run, (*Span)(c)
	case nil:
	default:
		v = ctx.Value(current{})
	}
	switch v := v.(type) {
	case *Span:
		return v.account.run, v
	case *Run:
		return v, nil
	}
	return defaultRun(), nil
}

// Do runs f in a span and returns its error. An error, a panic and
// runtime.Goexit in f mark the span as failed; the panic goes on.
func Do(ctx context.Context, name string, f func(context.Context) error, opts ...StartOption) error {
	ctx, s := Start(ctx, name, opts...)
	if s == nil {
		return f(ctx)
	}
	returned := false
	defer func() {
		s.finish(!returned)
	}()
	err := f(ctx)
	returned = err == nil
	return err
}

// End ends the span. Only the first call counts; after the end of the run,
// which books open spans up to then, it books nothing. It may be called on
// another goroutine than Start was.
//
// In a run with CPU weights (see the package documentation) it gives the
// goroutine that it is called on the profiler labels of Start's ctx.
func (s *Span) End() { s.finish(false) }

func (s *Span) finish(failed bool) {
	if s == nil {
		return
	}
	r := s.account.run
	if s.claims && r.ledger.isOpen(s) {
		r.synchronise(s.ctx, devicesOf(s.account))
	}
	if !r.ledger.close(s, failed) {
		return
	}
	if s.labels != nil {
		pprof.SetGoroutineLabels(s.ctx)
	}
	if trace.IsEnabled() {
		s.endTask()
	}
	if x, ok := s.ctx.(*attached); ok {
		s.tellEnd(x)
	}
}

// Count adds n functional units that the span's work came to, such as
// "samples", "tokens" or "requests" (a plural). It may be called as often as
// there is something to add, also after End, until the run ends.
//
// A span counts up to 64 units, and of each up to 2⁵³−1. What is beyond, and a
// negative n, is not counted and flagged in the record.
func (s *Span) Count(unit string, n int) {
	if s == nil || n == 0 {
		return
	}
	r := s.account.run
	l := r.ledger
	l.mu.Lock()
	defer l.mu.Unlock()
	if r.ended {
		return
	}
	if unit = boundName(unit); n < 0 || unit == "" || !addUnits(&s.account.units, unit, int64(n)) {
		r.badCounts++
		return
	}
	if len(r.expected) > 0 {
		l.advance(l.now())
		r.did(s.account, unit, int64(n))
	}
	if x, ok := s.ctx.(*attached); ok && x.span != nil && !s.ended {
		addUnits(&x.units, unit, int64(n)) // as far as they go
	}
}

// Fail marks the span as failed if err is not nil; it is to be called before
// End. The error itself is not kept: it may hold what is private.
func (s *Span) Fail(err error) {
	if s == nil || err == nil {
		return
	}
	l := s.account.run.ledger
	l.mu.Lock()
	defer l.mu.Unlock()
	if !s.ended {
		s.failed = true
	}
}

// Parent is the span that this one was begun below; nil where that is the run.
func (s *Span) Parent() *Span {
	if s == nil {
		return nil
	}
	return s.parent
}

// Path is the names of the spans from the root down to this one, as in the
// record: joined by "/", in a name "~1" for "/" and "~0" for "~". Beyond the
// bounds on paths it is the ancestor's "(other)". It is "" on a nil Span.
func (s *Span) Path() string {
	if s == nil {
		return ""
	}
	return s.account.path
}

// Stage is the stage of the life cycle that the span is in, "" on a nil Span.
func (s *Span) Stage() lifecycle.Stage {
	if s == nil {
		return ""
	}
	return s.account.stage
}

// String is the path and the stage of the span, for people.
func (s *Span) String() string {
	if s == nil {
		return "<nil>"
	}
	return fmt.Sprintf("%s (%s)", s.account.path, s.account.stage)
}
