package tracer

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"sync"
	"sync/atomic"
	"time"

	"github.com/google/uuid"

	"github.com/ecotracer/ecotracer/lifecycle"
	"github.com/ecotracer/ecotracer/tracer/meter"
)

// Run is one execution that yields one record. Its methods may be called from
// any goroutine, and on a nil Run.
type Run struct {
	id             string
	cfg            config
	ledger         *ledger
	root           *account // above the root spans; has no path
	started        time.Time
	asleep         time.Duration // time that the host had slept
	over           atomic.Bool
	job            job
	spanID         string       // the run's own in its trace, 16 hex
	unsynchronised atomic.Int64 // boundaries of claims at which nobody waited for the device
	machine        *hostLock    // that no other process counts the machine as its own
	observers      atomic.Pointer[[]Observer]
	stream         *spanStream // of single spans, if asked for

	// The ledger's lock guards these.
	ended          bool
	begin, until   int64
	accounts       []*account
	books          []*runBook
	hours          *hours        // nil: nobody asked for them
	first          []groupTotals // the groups' totals at the begin
	noneT          float64       // ns with no span active, this run's part
	claimed        map[int]bool  // devices
	unknownDevices map[string]int64
	bounded        int64 // spans beyond the bound on paths
	badStages      int64 // paths that were to be in a stage that is none
	badCounts      int64 // calls of Count that could not be counted
	services       []service
	badUses        int64 // of services, that could not be counted
	planned        bool  // something was expected, or a budget set
	expected       []*expectation
	met            []loop // what was expected and is done, until it is told
	budgets        []*budget
	overspent      []overspending
	badPlans       int64 // of Expect and Budget, that could not be kept
	keys           int   // ways to ask for an account that are remembered
	alone          bool  // no other run was ever open beside it
	labelled       bool
	windows        int64 // of the ledger, at the begin
	strayed        int64
	alien          int64

	firstOpen, lastOpen *attached // observed spans that are open
	nOpen               int       // of them

	mu       sync.Mutex    // held while a record is made; guards those below and cfg
	failures int64         // checkpoints that could not be written
	foretold []Forecast    // so far
	prices   *prices       // by the last record that was made
	priced   int64         // when it was last tried to make one for them, ns of the ledger
	pricing  time.Duration // and how long that took
	locks    []*runLock    // of the folders that the record goes to
	stop     chan struct{}
	stopped  chan struct{}
	done     chan struct{} // closed when it has ended and is written
	ending   sync.Once
	final    *lifecycle.Record
	finalErr error
}

// groupTotals is what a group had come to at some time.
type groupTotals struct {
	t                  int64
	sumE, sumSE, sumOE []float64
	sumT, sumST, sumQT float64
	told               []float64
	samples            []int64
	gap                []time.Duration
	conds              []map[meter.Condition]int64
}

func (g *group) totals() groupTotals {
	t := groupTotals{
		t: g.settledT, sumT: g.sumT, sumST: g.sumST, sumQT: g.sumQT,
		sumE: append([]float64(nil), g.sumE...), sumSE: append([]float64(nil), g.sumSE...), sumOE: append([]float64(nil), g.sumOE...),
	}
	for _, d := range g.domains {
		t.told = append(t.told, d.settled)
		t.samples = append(t.samples, d.samples)
		t.gap = append(t.gap, d.gap)
		t.conds = append(t.conds, maps.Clone(d.conds))
	}
	return t
}

// Begin begins a run, and returns a context in which Start finds it. It is
// also the process's default run, in which Start books what has no run in its
// context; of several open runs that is the one that was begun first.
//
// Begin takes what it can get: where a part cannot work, such as a folder that
// cannot be written or a variable with a bad value, it returns a Run that
// measures all the same, together with an error that says what will be
// lacking. The Run is never nil. What the options hold must not be changed
// until the run has ended.
//
// Every run is to be ended: until then a goroutine reads the meters. Begin
// ends the run that Start had opened because ECOTRACER_DIR is set, if there is
// one. A nil ctx counts as context.Background().
func Begin(ctx context.Context, opts ...Option) (context.Context, *Run, error) {
	if ctx == nil {
		ctx = context.Background()
	}
	if disabled() {
		return ctx, &disabledRun, nil
	}
	before := takeDefault()
	cfg, err := configure(opts)
	r, err2 := newRun(cfg, cfg.weights && weightsAllowed())
	err = errors.Join(before, err, err2)
	if r == nil {
		return ctx, &disabledRun, err
	}
	addDefault(r)
	return r.Context(ctx), r, err
}

// Context is ctx with the run in it, and no span, as that of Begin has it. On a
// nil Run and that of a disabled tracer it is ctx.
func (r *Run) Context(ctx context.Context) context.Context {
	if r == nil || r.ledger == nil {
		return ctx
	}
	return &runContext{ctx, r}
}

// disabledRun is the run of a disabled tracer: everything on it is free.
var disabledRun Run

type runContext struct {
	context.Context
	run *Run
}

func (c *runContext) Value(key any) any {
	if key == (current{}) {
		return c.run
	}
	return c.Context.Value(key)
}

// newRun opens a run on its host's ledger. Errors that leave it working are
// returned beside it.
func newRun(cfg config, labelled bool) (*Run, error) {
	id, err := uuid.NewV7()
	if err != nil {
		return nil, fmt.Errorf("tracer: no random numbers for the run's id: %w", err)
	}
	r := &Run{
		id: id.String(), cfg: cfg, started: time.Now(), asleep: suspended(),
		claimed: map[int]bool{}, unknownDevices: map[string]int64{},
		labelled: labelled, alone: true,
		stop: make(chan struct{}), stopped: make(chan struct{}), done: make(chan struct{}),
	}
	r.root = &account{run: r, stage: lifecycle.Unassigned}
	job := jobOf(os.Getenv, os.DirFS("/"))
	if trace, above, flags, ok := parseTraceparent(cfg.traceparent); ok {
		job.trace, job.above, job.flags = trace, above, flags
	}
	r.setTrace(job)
	var errs []error
	if len(r.cfg.sinks) == 0 {
		sink, err := NewDirSink(cfg.dir)
		if err != nil {
			errs = append(errs, err) // the run goes on, and its end tries again
		}
		r.cfg.sinks = []Sink{sink}
	}
	for _, s := range r.cfg.sinks {
		if dir, ok := s.(dirSink); ok && len(errs) == 0 {
			lock, err := markRun(string(dir), r.id)
			closeKilled(string(dir), !errors.Is(err, errNoLocks))
			if err != nil && !errors.Is(err, errNoLocks) {
				errs = append(errs, err)
			}
			r.locks = append(r.locks, lock)
		}
	}
	if err := ledgers.join(r); err != nil {
		errs = append(errs, err)
	}
	if err := r.openStream(); err != nil {
		errs = append(errs, err)
	}
	if cfg.checkpoints > 0 && len(r.cfg.sinks) > 0 {
		go r.checkpoint()
	} else {
		close(r.stopped)
	}
	return r, errors.Join(errs...)
}

// enter puts the run on its ledger, at a moment at which all is settled. The
// ledger is locked.
func (r *Run) enter(l *ledger) {
	r.begin = l.t
	for _, g := range l.groups {
		b := newRunBook(len(g.domains))
		if r.cfg.timeline {
			b.power = newPowerline(max(g.t, 0), l.cpu, len(g.domains))
		}
		r.books = append(r.books, b)
		r.first = append(r.first, g.totals())
	}
	if len(r.cfg.grids) > 0 {
		r.hours = newHours(r.unix(r.begin), l.groups)
	}
	l.runs = append(l.runs, r)
	if len(l.runs) > 1 {
		for _, o := range l.runs {
			o.alone = false
		}
	}
	if r.labelled {
		l.weights.wanted++
	}
	if l.tracedSince >= 0 {
		r.markTrace()
	}
	r.windows, r.strayed, r.alien = l.weights.windows, l.weights.strayed, l.alien
}

// leave takes the run and its open spans off the ledger. The ledger is
// locked and settled.
func (r *Run) leave(l *ledger) {
	r.ended, r.until = true, l.settledT
	for x := r.firstOpen; x != nil; x = x.next {
		x.turn(l, false)
	}
	for _, a := range r.accounts {
		for a.nActive > 0 {
			l.setActive(a, -1)
		}
		a.dirty, a.inWindow = false, false
		delete(l.weights.byLabel, a.labelValue)
	}
	l.dirty = withoutRun(l.dirty, r)
	l.inWin = withoutRun(l.inWin, r)
	for i, o := range l.runs {
		if o == r {
			l.runs = append(l.runs[:i], l.runs[i+1:]...)
			break
		}
	}
	if r.labelled {
		l.weights.wanted--
	}
}

func withoutRun(list []*account, r *Run) []*account {
	keep := list[:0]
	for _, a := range list {
		if a.run != r {
			keep = append(keep, a)
		}
	}
	clear(list[len(keep):])
	return keep
}

// newAccount adds an account below parent. The ledger is locked.
func (r *Run) newAccount(parent *account, name string, key childKey) *account {
	a := &account{run: r, parent: parent, name: name, path: name, stage: key.stage, depth: parent.depth + 1, rate: -1}
	if parent.path != "" {
		a.path = parent.path + "/" + name
	}
	for _, b := range []byte(key.claims) {
		a.claims = append(a.claims, claim{device: int(b)})
	}
	a.groups = r.ledger.newAccountGroups(a)
	r.accounts = append(r.accounts, a)
	a.id = len(r.accounts)
	r.labelAccount(a, a.id)
	return a
}

// shares are the process's shares as far as they apply to the run.
func (r *Run) shares(s, q float64) (float64, float64) {
	if r.cfg.scope == lifecycle.ScopeMachine {
		return 1, 1
	}
	return s, q
}

// ID is the UUIDv7 of the run; it names the record's file.
func (r *Run) ID() string {
	if r == nil {
		return ""
	}
	return r.id
}

// Describe adds to what the record says of the run, such as a metric that is
// known only at its end. Of the options only Named, At, Publisher, UseCase and
// Technology have an effect; each replaces what was said before. What breaks a
// rule of the record is left out and told, in the error and in a warning of
// the record; what was said before then stands. After End it does nothing.
func (r *Run) Describe(opts ...Option) error {
	if r == nil || r.ledger == nil || r.over.Load() {
		return nil
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	c := config{declared: r.cfg.declared}
	for _, o := range opts {
		if o != nil {
			o(&c)
		}
	}
	err := c.keepValid(r.cfg.declared)
	r.cfg.declared = c.declared
	return err
}

// Fail marks the run as failed if err is not nil: its record has the status
// failed. The error itself is not kept: it may hold what is private.
func (r *Run) Fail(err error) {
	if r == nil || err == nil || r.over.Load() {
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.cfg.failed = true
}

// End ends the run, writes its record and returns it. Spans that are still
// open are booked up to now, and flagged. Only the first call counts; a
// further one, on any goroutine, waits for it and returns the same. On a nil
// Run and on that of a disabled tracer the record is empty.
//
// The record is returned also where it could not be written; the error then
// says why. End waits for slow meters 10 ms at most, for a profile not at all,
// for the sources of Grid 5 s at most, and for a sink, or what Spans was given,
// 10 s at most.
func (r *Run) End() (*lifecycle.Record, error) {
	if r == nil || r.ledger == nil {
		return &lifecycle.Record{}, nil
	}
	r.ending.Do(r.end)
	return r.final, r.finalErr
}

func (r *Run) end() {
	defer close(r.done)
	r.over.Store(true)
	removeDefault(r)
	close(r.stop)
	var snap snapshot
	r.ledger.freshen()
	r.ledger.tickThen(func(l *ledger) {
		snap = r.snapshot(l, false)
		r.leave(l)
	})
	ledgers.leave(r)
	r.machine.release()
	<-r.stopped
	lost, streamErr := r.stream.close()
	snap.lost = lost

	_ = guard("asking for the grid", func() error {
		snap.live = r.askGrid(time.Duration(r.unix(snap.end) - r.unix(r.begin)))
		return nil
	})
	rec, err := r.makeRecord(&snap, lifecycle.Complete)
	if rec == nil {
		r.final, r.finalErr = &lifecycle.Record{}, err // the last checkpoint stands
	} else {
		r.final, r.finalErr = rec, errors.Join(err, r.write(context.Background(), rec))
	}
	for _, l := range r.locks {
		l.release(r.finalErr == nil)
	}
	r.finalErr = errors.Join(r.finalErr, streamErr, snap.live.err())
}
