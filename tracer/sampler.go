package tracer

import (
	"context"
	"runtime/pprof"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/ecotracer/ecotracer/tracer/meter"
)

const (
	earlyPeriod   = 100 * time.Millisecond // how often meters are read at first
	earlyFor      = 3 * time.Second        // and for how long
	defaultPeriod = time.Second
	windowLength  = time.Second // least length of a window that is settled
	freshenFor    = 10 * time.Millisecond
	soon          = time.Second // after its first reading a slow meter is read again, if it has moved by then
)

// sampler reads the meters of a ledger, in one goroutine that lives as long
// as the ledger has a run.
type sampler struct {
	mu     sync.Mutex // held while meters are read; taken before ledger.mu
	period time.Duration
	early  int64 // until when it reads at earlyPeriod, ns of the ledger
	turns  turns
	every  atomic.Int64 // what turns last said
	stop   chan struct{}
	done   chan struct{}
	closed bool
}

func (l *ledger) startSampler() {
	l.sampler.stop, l.sampler.done = make(chan struct{}), make(chan struct{})
	for _, g := range l.groups {
		if g.slow != nil {
			go g.slow.loop(l.sampler.stop)
		}
	}
	go l.sample()
}

func (l *ledger) sample() {
	defer close(l.sampler.done)
	pprof.SetGoroutineLabels(context.Background()) // not those of who called Begin
	leaveTasks()
	timer := time.NewTimer(earlyPeriod)
	defer timer.Stop()
	for {
		select {
		case <-l.sampler.stop:
			return
		case <-timer.C:
		}
		l.tick(false)
		every := l.sampler.turns.every()
		l.sampler.every.Store(int64(every))
		for _, g := range l.groups {
			if g.slow != nil && len(g.own) == 0 {
				g.slow.every.Store(int64(every)) // devices of its own each rank reads by itself
			}
		}
		l.mu.Lock()
		wait := l.sampler.period
		switch {
		case every > 1 && l.weights.state == noWindow:
			wait = times(wait, int64(every), seldomRead)
		case every == 1 && l.t < l.sampler.early:
			wait = min(wait, earlyPeriod)
		}
		planned := slices.ContainsFunc(l.runs, func(r *Run) bool { return r.planned })
		l.mu.Unlock()
		timer.Reset(wait) // by now: a forecast takes a while if there are many paths
		if planned {
			l.foresee(wait)
		}
	}
}

// stopSampler ends the sampler and closes the meters. It is called once, when
// the last run has ended.
func (l *ledger) stopSampler() {
	close(l.sampler.stop)
	<-l.sampler.done
	l.sampler.mu.Lock()
	defer l.sampler.mu.Unlock()
	l.sampler.closed = true
	l.sampler.turns.lock.release()
	for _, g := range l.groups {
		if g.slow != nil {
			g.slow.close()
		} else {
			closeMeter(g.meter)
		}
	}
	l.usage.close()
}

// tick reads the meters and books what they tell. With force, as at the begin
// and the end of a run, it settles, whatever the length of the window, and
// takes slow meters at their last power.
func (l *ledger) tick(force bool) { l.tickBoth(force, nil) }

// tickThen settles and calls then at that very moment, with the ledger locked.
func (l *ledger) tickThen(then func(*ledger)) { l.tickBoth(true, then) }

func (l *ledger) tickBoth(force bool, then func(*ledger)) {
	l.sampler.mu.Lock()
	defer l.sampler.mu.Unlock()
	if l.sampler.closed {
		return
	}
	for _, g := range l.groups {
		if g.slow == nil {
			g.buf = readMeter(g.meter, g.buf[:0])
		}
	}
	u := l.usage.read(l)
	start := l.book(u, force, then)
	if start {
		l.openWindow()
	}
}

// book is the part of a tick that needs the ledger's lock. It tells whether a
// window of CPU samples should begin.
func (l *ledger) book(u usageReading, force bool, then func(*ledger)) (openWindow bool) {
	now, t := time.Now(), l.now()
	l.mu.Lock()
	defer l.mu.Unlock()
	l.advance(t)
	l.cpu = u.proc
	l.watchTrace()
	for _, a := range l.dirty {
		l.touch(a)
	}
	for _, g := range l.groups {
		interval := time.Duration(l.t - max(g.t, 0))
		switch {
		case g.slow == nil:
			g.take(g.buf, interval, now)
			l.bookSample(g, l.dirty)
		default:
			if samples, fresh := g.slow.latest(); fresh || force {
				g.take(samples, interval, now)
				l.bookSample(g, l.allAccounts())
			}
		}
	}
	l.rebase()
	w := &l.weights
	// A window begins with all settled, so that its samples are of what they
	// weigh.
	openWindow = w.due(l)
	switch {
	case w.state == windowRead:
		l.weighBySamples(w.counts)
		l.settle(u, w.kind)
		w.closed(l.t)
	case force, openWindow, w.state == noWindow && l.t-l.settledT >= int64(windowLength)*9/10:
		kind := l.weighByRates()
		l.settle(u, kind)
	}
	if then != nil {
		then(l)
	}
	return openWindow
}

// rebase begins the virtual clocks anew, so that a short span late in a long
// run loses no digits, and forgets the accounts without an open span.
func (l *ledger) rebase() {
	l.wPast += l.w
	l.w, l.s = 0, 0
	for i := range l.devices {
		l.devices[i].v = 0
	}
	keep := l.dirty[:0]
	for _, a := range l.dirty {
		a.lastW, a.lastS = 0, 0
		for i := range a.claims {
			a.claims[i].lastV = 0
		}
		if a.dirty = a.nOpen > 0; a.dirty {
			keep = append(keep, a)
		}
	}
	clear(l.dirty[len(keep):])
	l.dirty = keep
}

// readMeter reads a meter; one that panics has told nothing.
func readMeter(m meter.Meter, buf []meter.Sample) (out []meter.Sample) {
	defer func() {
		if p := recover(); p != nil {
			out = buf[:0]
		}
	}()
	out, err := m.Read(buf)
	if err != nil && len(out) == 0 {
		return buf[:0]
	}
	return out
}

// closeMeter closes a meter; one that panics is given up.
func closeMeter(m meter.Meter) {
	defer func() { _ = recover() }()
	_ = m.Close()
}

// slowReader reads a meter that is too slow for the sampler, in a goroutine
// of its own.
type slowReader struct {
	meter           meter.Meter
	period, timeout time.Duration
	second          time.Duration      // how long after the first reading the second comes
	every           atomic.Int64       // periods between two readings; 0 is 1
	asks            chan chan struct{} // to read at once, and close what was sent

	mu      sync.Mutex
	samples []meter.Sample
	reads   int64
	fresh   bool
	stopped bool
	busy    bool
}

func newSlowReader(m meter.Meter, p meter.Pacer) *slowReader {
	s := &slowReader{meter: m, period: max(p.Period(), earlyPeriod), timeout: p.Timeout(), asks: make(chan chan struct{})}
	s.second = soon
	for _, d := range m.Domains() {
		s.second = max(s.second, d.Update) // a counter that has not moved yet tells no power
	}
	s.second = min(s.second, s.period)
	return s
}

func (s *slowReader) loop(stop <-chan struct{}) {
	pprof.SetGoroutineLabels(context.Background())
	leaveTasks()
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		var answer chan struct{}
		select {
		case <-stop:
			closeMeter(s.meter)
			return
		case <-timer.C:
		case answer = <-s.asks:
		}
		s.mu.Lock()
		s.busy = true
		s.mu.Unlock()
		asked := time.Now()
		got := readMeter(s.meter, nil)
		if s.timeout > 0 && time.Since(asked) > s.timeout {
			// When it was read is anyone's guess; the next reading tells it all.
			got = nil
		}
		s.mu.Lock()
		s.busy = false
		s.reads++
		if s.stopped {
			// The ledger has ended while the meter was read.
			s.mu.Unlock()
			closeMeter(s.meter)
			return
		}
		if len(got) > 0 {
			s.samples, s.fresh = got, true
		}
		s.mu.Unlock()
		if answer != nil {
			close(answer)
		}
		timer.Reset(s.wait())
	}
}

// freshen has slow meters read at once, and waits for those that take no longer
// than a moment: a GPU's driver does not, a management controller does.
func (l *ledger) freshen() {
	timer := time.NewTimer(freshenFor)
	defer timer.Stop()
	for _, g := range l.groups {
		if g.slow == nil {
			continue
		}
		answer := make(chan struct{})
		select {
		case g.slow.asks <- answer:
		default:
			continue // it is being read, or never was
		}
		select {
		case <-answer:
		case <-timer.C:
			return
		}
	}
}

// wait is how long after a reading the next one is due. Two of them tell a
// power, by which the time up to the next can be told: the second comes soon,
// for runs that are shorter than the period.
func (s *slowReader) wait() time.Duration {
	s.mu.Lock()
	reads := s.reads
	s.mu.Unlock()
	if reads < 2 {
		return s.second
	}
	return times(s.period, s.every.Load(), seldomRead)
}

func (s *slowReader) latest() ([]meter.Sample, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.fresh {
		return nil, false
	}
	s.fresh = false
	return s.samples, true
}

// close gives the meter up, without waiting for it: its goroutine closes it.
// While a Read is under way another does, which may end the Read.
func (s *slowReader) close() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.stopped = true
	if s.busy {
		go closeMeter(s.meter)
	}
}
