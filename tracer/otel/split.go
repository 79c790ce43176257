package otel

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"math"
	"runtime/pprof"
	"slices"
	"sync"
	"time"

	sdk "go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/trace"

	"github.com/ecotracer/ecotracer/lifecycle"
	"github.com/ecotracer/ecotracer/tracer"
)

// split gives the energy of a run's paths out to its single spans. It observes
// the run. At each settlement what has come to a path since the last one goes to
// the spans of the path by their wall share in that time; then the spans that had
// ended by then are passed on.
//
// What a path has may be revised downwards by a settlement, as when a device is
// claimed late: nothing is given out then until it has made up for that. What
// comes to a path once it has no span any more waits for the next one.
type split struct {
	run *tracer.Run
	options

	// flush has what was passed on exported, for a queue may be short; nil if
	// nobody can.
	flush func(context.Context) error

	turn chan struct{} // holds a token: one settles at a time
	wake chan struct{} // holds a token while many wait
	stop context.CancelFunc
	done chan struct{} // closed when the loop has ended

	mu          sync.Mutex
	spans       map[*tracer.Span]*entry // those in the list
	first, last *entry                  // by their start
	ready       []*entry                // to be passed on; they are in the list no more
	paths       map[pathKey]*path
	begun       bool // what paths had before it observed is known
	waiting     int
	stats       Stats
	closed      bool // nothing is given out any more
}

// pathKey names what the record has an entry for.
type pathKey struct {
	path  string
	stage lifecycle.Stage
}

// path is what has become of the energy of a path.
type path struct {
	name     string               // of its spans
	identity []attribute.KeyValue // of them; nil: it has had none
	given    float64              // J

	// Of the settlement that is under way.
	due    float64 // J
	weight float64 // s of wall share, of all spans
	spans  int
	// folded is the wall share, since the last settlement, of spans that nobody
	// waits for any more, s.
	folded float64
}

// entry is a span that is open, or has ended and waits.
type entry struct {
	span       *tracer.Span
	path       *path
	parent     *entry
	prev, next *entry
	listed     bool
	inside     spanKey // of OpenTelemetry, that the span was begun in

	item  item              // what waits for its energy; nil: nothing
	ended bool              // and told is final
	at    time.Time         // when it did
	told  tracer.SingleSpan // of when it ended

	paid   float64 // s of its wall share that energy was given for
	weight float64 // s, in the settlement that is under way
	taking bool    // part in it
	selfJ  float64
	belowJ float64           // of the spans below it, in the settlement under way
	folded map[*path]float64 // s: wall share of spans below it that nobody waits for any more
	totalJ float64
	known  bool // its energy
	method lifecycle.Method
}

// item is a span as OpenTelemetry knows it, which waits for its energy.
type item interface {
	pass(e *entry)
}

// open begins to observe a run, for one that says more than what a split needs.
func (s *split) open(run *tracer.Run, o tracer.Observer, opts []Option) {
	s.run, s.options = run, configure(opts)
	s.turn, s.wake, s.done = make(chan struct{}, 1), make(chan struct{}, 1), make(chan struct{})
	s.spans, s.paths = map[*tracer.Span]*entry{}, map[pathKey]*path{}
	ctx, stop := context.WithCancel(context.Background())
	s.stop = stop
	if s.off() {
		close(s.done)
		return
	}
	if o.Ended = s.end; o.Started == nil {
		o.Started = func(ctx context.Context, span *tracer.Span) context.Context {
			s.begin(ctx, span)
			return ctx
		}
	}
	run.Observe(o)
	before, cancel := context.WithTimeout(ctx, 2*time.Second)
	_, err := s.settle(before) // else the first settlement that succeeds is taken for the begin
	cancel()
	s.report(err)
	go s.loop(ctx)
}

// off tells whether there is nothing to observe: no run, or that of a disabled
// tracer.
func (s *split) off() bool { return s.run.ID() == "" }

// loop settles again and again until it is stopped.
func (s *split) loop(ctx context.Context) {
	defer close(s.done)
	pprof.SetGoroutineLabels(context.Background()) // not those of a span
	var took, last time.Duration
	for {
		// Which nothing shortens. What took long may have waited for a window of CPU
		// samples, and cost nothing: the next one has not.
		pause := min(share*min(took, last), s.every)
		if !sleep(ctx, pause, nil) || !sleep(ctx, s.every-pause, s.wake) {
			return
		}
		s.mu.Lock()
		idle := s.first == nil
		s.mu.Unlock()
		if idle {
			took = 0
			continue
		}
		last = took
		var err error
		took, err = s.settle(ctx)
		s.report(err)
	}
}

// sleep waits for so long, or until it is woken. It is false if ctx is done.
func sleep(ctx context.Context, d time.Duration, wake <-chan struct{}) bool {
	timer := time.NewTimer(max(d, 0))
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-wake:
	case <-timer.C:
	}
	return ctx.Err() == nil
}

// report tells OpenTelemetry's error handler what nobody else is told.
func (s *split) report(err error) {
	if err != nil && !errors.Is(err, context.Canceled) {
		sdk.Handle(fmt.Errorf("ecotracer: the energy of spans: %w", err))
	}
}

// begin takes note of a span that has started in ctx.
func (s *split) begin(ctx context.Context, span *tracer.Span) *entry {
	s.mu.Lock()
	defer s.mu.Unlock()
	e := s.entry(span)
	e.inside = keyOf(trace.SpanContextFromContext(ctx))
	return e
}

// end takes note of one that has ended.
func (s *split) end(told tracer.SingleSpan) {
	s.mu.Lock()
	e := s.spans[told.Span]
	if e == nil {
		s.mu.Unlock()
		return
	}
	e.told, e.ended, e.at = told, true, time.Now()
	if e.item != nil && s.waiting < s.held && !s.closed {
		s.waiting++
		if s.waiting >= s.held/2 {
			select {
			case s.wake <- struct{}{}:
			default:
			}
		}
		s.mu.Unlock()
		return
	}
	s.fold(e)
	if e.item != nil {
		s.stats.Bare++
	}
	s.mu.Unlock()
	s.pass(e)
}

// entry finds or makes the entry of a span. s is locked.
func (s *split) entry(span *tracer.Span) *entry {
	if e := s.spans[span]; e != nil {
		return e
	}
	p := s.path(span.Path(), span.Stage())
	if p.identity == nil {
		p.name, p.identity = spanName(span.Path()), identity(s.run, span)
	}
	e := &entry{span: span, path: p, prev: s.last, listed: true}
	if above := span.Parent(); above != nil {
		e.parent = s.spans[above]
	}
	if s.last != nil {
		s.last.next = e
	} else {
		s.first = e
	}
	s.last = e
	s.spans[span] = e
	return e
}

// path finds or makes what is known of a path. s is locked.
func (s *split) path(name string, stage lifecycle.Stage) *path {
	key := pathKey{name, stage}
	p := s.paths[key]
	if p == nil {
		p = new(path)
		s.paths[key] = p
	}
	return p
}

// fold takes an ended span off the list that waits for no energy. What it used is
// its path's all the same, and of the spans above it. s is locked.
func (s *split) fold(e *entry) {
	share := max(e.told.SelfS-e.paid, 0)
	e.path.folded += share
	if above := e.above(); above != nil {
		if above.folded == nil {
			above.folded = map[*path]float64{}
		}
		above.folded[e.path] += share
		for p, share := range e.folded {
			above.folded[p] += share
		}
	}
	s.remove(e)
}

// above is the nearest span above it that is in the list.
func (e *entry) above() *entry {
	p := e.parent
	for p != nil && !p.listed {
		p = p.parent
	}
	return p
}

func (s *split) remove(e *entry) {
	if e.prev != nil {
		e.prev.next = e.next
	} else {
		s.first = e.next
	}
	if e.next != nil {
		e.next.prev = e.prev
	} else {
		s.last = e.prev
	}
	e.prev, e.next, e.listed = nil, nil, false
	delete(s.spans, e.span)
}

// settle has the ledger settle, gives out what came to the paths, which took so
// long, and passes on the spans that had ended.
func (s *split) settle(ctx context.Context) (took time.Duration, err error) {
	if err := ctx.Err(); err != nil {
		return 0, err
	}
	select {
	case s.turn <- struct{}{}:
		defer func() { <-s.turn }()
	case <-ctx.Done():
		return 0, ctx.Err()
	}
	left := s.drain(ctx) // what is, so that there is a bound on it
	if ctx.Err() != nil {
		return 0, ctx.Err()
	}
	began := time.Now()
	rec, open, err := s.run.SnapshotSpans(ctx)
	if rec == nil {
		return time.Since(began), err
	}
	s.mu.Lock()
	s.give(rec, open)
	s.mu.Unlock()
	took = time.Since(began)
	return took, errors.Join(left, err, s.drain(ctx))
}

// batch is how many spans are passed on at once: what the SDK's batch processor
// exports together, of the four times as many that its queue holds.
const batch = 512

// drain passes on the spans that are ready. Energy comes to many at once, and a
// queue that is full drops them: so it waits, batch by batch, for their export.
// When ctx is done the rest stays, but that of a split that is closed.
func (s *split) drain(ctx context.Context) (err error) {
	for {
		s.mu.Lock()
		n := min(len(s.ready), batch)
		some := s.ready[:n:n]
		if s.ready = s.ready[n:]; len(s.ready) == 0 {
			s.ready = nil
		}
		more, closed := s.ready != nil, s.closed
		s.mu.Unlock()
		for _, e := range some {
			s.pass(e)
		}
		if !more {
			return err
		}
		if s.flush != nil && ctx.Err() == nil {
			err = s.flush(ctx)
		}
		if ctx.Err() != nil && !closed {
			return ctx.Err()
		}
	}
}

// pass passes a span on, if it is one of OpenTelemetry.
func (s *split) pass(e *entry) {
	if e.item == nil {
		return
	}
	defer func() {
		if p := recover(); p != nil {
			sdk.Handle(fmt.Errorf("ecotracer: passing on a span panicked: %v", p))
		}
	}()
	e.item.pass(e)
}

// give gives out what a record has and has not been given out, and takes the
// spans that had ended off the list, to be passed on. s is locked.
func (s *split) give(rec *lifecycle.Record, open []tracer.SingleSpan) {
	var ready []*entry
	for i := range open {
		// One that is not listed has ended meanwhile, or is about to be listed.
		if e := s.spans[open[i].Span]; e != nil {
			e.takePart(open[i].SelfS)
		}
	}
	for e := s.first; e != nil; e = e.next {
		// Of one that ended later open has told, and one that began later has no
		// part.
		if e.ended && e.told.EndS <= rec.Run.DurationS {
			e.takePart(e.told.SelfS)
			ready = append(ready, e)
		}
	}
	s.stats.RevisedJ = 0
	for i := range rec.Spans {
		r := &rec.Spans[i]
		p := s.path(r.Path, r.Stage)
		if !s.begun || p.identity == nil {
			p.given = r.SelfJ // which is no observed span's
		}
		p.due = r.SelfJ - p.given
		if p.due < 0 || p.weight+p.folded <= 0 && p.spans == 0 {
			if off := math.Abs(p.due); off > 1e-9*p.given { // more than rounding
				s.stats.RevisedJ += off
			}
			p.due = 0
		}
	}
	s.begun = true
	for e := s.first; e != nil; e = e.next {
		if j := e.joules(); e.taking {
			e.selfJ += j
			e.method = rec.Totals.EnergyJ.Method
		}
	}
	// Children stand behind their parents.
	for e := s.last; e != nil; e = e.prev {
		all := e.belowJ + e.joules()
		for p, share := range e.folded {
			all += p.part(share)
		}
		e.totalJ += all
		if above := e.above(); above != nil {
			above.belowJ += all
		}
	}
	for e := s.first; e != nil; e = e.next {
		e.taking, e.belowJ = false, 0
		clear(e.folded)
	}
	for _, p := range s.paths {
		p.given += p.due
		p.due, p.weight, p.folded, p.spans = 0, 0, 0, 0
	}
	// As they ended, children first.
	slices.Reverse(ready)
	slices.SortStableFunc(ready, func(a, b *entry) int { return cmp.Compare(a.told.EndS, b.told.EndS) })
	for _, e := range ready {
		s.remove(e)
		e.known = true
		s.waiting--
		s.stats.Energised++
		s.stats.SelfJ += e.selfJ
	}
	s.ready = append(s.ready, ready...)
}

// takePart says that the settlement under way knows of a wall share of the span
// that has come to selfS.
func (e *entry) takePart(selfS float64) {
	if !e.taking {
		e.taking, e.weight = true, 0
		e.path.spans++
	}
	more := max(selfS-e.paid, 0) // none where it ended at the very moment of the settlement
	e.weight += more
	e.paid += more
	e.path.weight += more
}

// joules is the span's part in the settlement under way: by wall share, an equal
// one where all of them are zero.
func (e *entry) joules() float64 {
	switch {
	case !e.taking:
		return 0
	case e.path.weight+e.path.folded > 0:
		return e.path.part(e.weight)
	}
	return e.path.due / float64(e.path.spans)
}

// part is what a wall share has of a path in the settlement under way.
func (p *path) part(share float64) float64 {
	if all := p.weight + p.folded; all > 0 {
		return p.due * (share / all)
	}
	return 0
}

// close settles for the last time. What then still waits is passed on as it is,
// and from then on what ends.
func (s *split) close(ctx context.Context) error {
	s.stop()
	select {
	case <-s.done:
	case <-ctx.Done():
	}
	_, err := s.settle(ctx)
	s.mu.Lock()
	s.closed = true
	for e := s.first; e != nil; {
		next := e.next
		if e.ended {
			s.remove(e)
			s.waiting--
			s.stats.Bare++
			s.ready = append(s.ready, e)
		}
		e = next
	}
	s.mu.Unlock()
	return errors.Join(err, s.drain(ctx))
}

// counts is what became of spans up to now.
func (s *split) counts() Stats {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.stats
}
