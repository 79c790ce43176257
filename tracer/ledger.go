package tracer

import (
	"slices"
	"sync"
	"time"

	"github.com/ecotracer/ecotracer/internal/host"
	"github.com/ecotracer/ecotracer/tracer/meter"
	"github.com/ecotracer/ecotracer/tracer/meter/detect"
)

// ledger is the double-entry book of a host: each joule of each domain is
// booked exactly once. Runs of one process share a ledger, so that N ranks of
// a process do not report N machines.
//
// A span boundary touches a few words under mu and reads no sensor. Power is
// taken as constant between two samples of a domain, so that the clocks that
// the boundaries keep are all that a sample needs.
//
// The clocks are virtual times: W grows by dt/n while n spans are active, so
// that an account with k active spans has the wall share k·ΔW, whatever
// happens in between. A boundary brings only its own accounts up to date.
type ledger struct {
	base time.Time

	mu sync.Mutex
	// Boundaries.
	t       int64      // last time seen, ns
	n       int        // active spans of all runs
	nAcc    int        // active accounts
	active  *account   // list of the active accounts
	w, s    float64    // ∫ dt/n; ∫ dt while several accounts are active; since the last tick
	wPast   float64    // ∫ dt/n up to then: what single spans go by, for which a month's digits do
	none    float64    // time in ns with no active span, since the start
	dirty   []*account // touched or open since the last tick
	inWin   []*account // touched or open since the last settlement
	devices []deviceClock
	alien   int64 // boundaries that came from another clock

	// Samples.
	groups      []*group
	runs        []*Run
	settledT    int64   // last settlement
	noneSettled float64 // none at that time
	tracedSince int64   // since when an execution trace is written without a break; -1: none is

	weights weights
	usage   usage
	cpu     time.Duration // of the process, when last told
	sampler sampler

	facts   host.Facts    // as they were when it was opened
	machine machine       // that they tell of
	made    sync.Map      // what is known of the making of devices, as they are met
	boot    string        // id of the host's boot; "" if unknown
	report  detect.Report // what detection found and refused
}

// deviceClock is the virtual time of a claimed device.
type deviceClock struct {
	id      string
	aliases []string
	n       int     // active spans that claim it
	v       float64 // ∫ dt/n, since the last tick
}

// called tells whether a span may mean the device by a name.
func (c *deviceClock) called(name string) bool {
	return c.id == name || slices.Contains(c.aliases, name)
}

// group is the domains that are read at the same instants.
type group struct {
	id      int
	meter   meter.Meter
	domains []*domain
	shared  []int // slots of the domains that are given out by CPU time
	own     []int // slots of devices of their own
	index   []int // by the meter's own numbering: into domains, or -1
	buf     []meter.Sample
	scratch []float64
	ownE    []float64 // J by domain, the process's part of the interval that is being booked

	t     int64   // last sample, ns of the ledger; -1 before the first
	noneT float64 // ledger.none at that time

	// Since the last settlement.
	pool       []float64 // J by domain, of time with several accounts active
	poolT      float64   // ns of it
	unowned    []float64 // J by domain, of time with no span active
	unownedT   float64
	window     []float64 // J by domain, all
	windowT    float64
	settledT   int64
	told       int64        // up to when the books go: of a slow meter, to its last reading
	last, prev usageReading // that windows of CPU time begin at
	s          float64      // the process's share of busy time, when last told

	// Since the start.
	sumE  []float64 // J by domain, all
	sumSE []float64 // J by domain, the process's share
	sumOE []float64 // J by domain of the devices of their own, what the process used
	sumT  float64   // ns
	sumST float64
	sumQT float64

	slow *slowReader // for a meter.Pacer
}

// domain is one counted domain and its last reading.
type domain struct {
	meter.Domain
	group *group
	slot  int // in the group
	// device is the domain's place in ledger.devices, or -1: only devices of
	// their own (GPUs) can be claimed.
	device int
	among  int    // of a device that is not Owned: ranks that may use it, unless one claims it
	hw     string // id of its hardware entry

	read    bool    // ever
	zero    float64 // J, first reading: what counts from there
	last    float64 // J, last reading
	told    float64 // J, what was sampled up to now, extrapolation included
	settled float64 // J, what of it is in the accounts' books
	power   float64 // W, between the last two readings
	minW    float64 // W, least power of any interval of a second or more; < 0 before
	minE    float64 // J of the interval that is growing to a second
	minT    time.Duration
	samples int64
	silent  time.Duration // since the last reading, by now
	age     time.Duration // of a slow meter's reading when it was taken
	at      time.Time     // when that was read

	// Of a domain that is Owned, what this process used.
	ownZero, ownLast, ownTold float64 // J, as zero, last and told
	ownPart                   float64 // of the last interval

	gap   time.Duration // not read although it should have been
	conds map[meter.Condition]int64
}

// newAccountGroups makes an account's books, level with the clocks of now.
// The ledger's lock is held.
func (l *ledger) newAccountGroups(a *account) []accountGroup {
	gs := make([]accountGroup, len(l.groups))
	for i, g := range l.groups {
		n := len(g.domains)
		arr := make([]float64, 3*n)
		gs[i].f, gs[i].pending, gs[i].d = arr[:n:n], arr[n:2*n:2*n], arr[2*n:3*n:3*n]
		gs[i].claimAt = make([]float64, len(a.claims))
	}
	return gs
}

// advance brings the ledger's clocks to time t.
func (l *ledger) advance(t int64) {
	dt := t - l.t
	if dt <= 0 {
		if dt < -int64(foreign) {
			l.alien++
		}
		return
	}
	if dt > int64(foreign) {
		l.alien++
		return
	}
	l.t = t
	d := float64(dt)
	if l.n == 0 {
		l.none += d
		return
	}
	l.w += d / float64(l.n)
	if l.nAcc == 1 {
		l.active.alone += d
	} else {
		l.s += d
	}
	for i := range l.devices {
		if c := &l.devices[i]; c.n > 0 {
			c.v += d / float64(c.n)
		}
	}
}

// touch brings an account's clocks up to date with the ledger's.
func (l *ledger) touch(a *account) {
	if !a.dirty {
		// It had no open span: nothing to bring up to date.
		a.dirty = true
		l.dirty = append(l.dirty, a)
		a.lastW, a.lastS, a.lastT = l.w, l.s, l.t
		for i := range a.claims {
			a.claims[i].lastV = l.devices[a.claims[i].device].v
		}
		if !a.inWindow {
			a.inWindow = true
			l.inWin = append(l.inWin, a)
		}
		return
	}
	if a.nActive > 0 {
		a.wall += float64(a.nActive) * (l.w - a.lastW)
		for i := range a.claims {
			c := &a.claims[i]
			c.share += float64(a.nActive) * (l.devices[c.device].v - c.lastV)
		}
	}
	a.openW += float64(a.nOpen) * float64(l.t-a.lastT)
	a.sharedW += float64(a.nOpen) * (l.s - a.lastS)
	a.lastW, a.lastS, a.lastT = l.w, l.s, l.t
	for i := range a.claims {
		a.claims[i].lastV = l.devices[a.claims[i].device].v
	}
}

// setActive changes the number of an account's active spans by one.
func (l *ledger) setActive(a *account, by int32) {
	a.nActive += by
	l.n += int(by)
	for i := range a.claims {
		l.devices[a.claims[i].device].n += int(by)
	}
	switch {
	case by > 0 && a.nActive == 1:
		l.nAcc++
		a.prev, a.next = nil, l.active
		if l.active != nil {
			l.active.prev = a
		}
		l.active = a
		if a.rate < 0 && l.nAcc > 1 {
			l.weights.newcomer = true
		}
	case by < 0 && a.nActive == 0:
		l.nAcc--
		if a.prev != nil {
			a.prev.next = a.next
		} else {
			l.active = a.next
		}
		if a.next != nil {
			a.next.prev = a.prev
		}
		a.prev, a.next = nil, nil
	}
}

// open books the start of a span: in the account of that name below under,
// which is the parent's account or the root of the run. It tells whether the
// run is still open.
func (l *ledger) open(s *Span, under *account, key childKey, async bool) bool {
	t := l.now()
	l.mu.Lock()
	defer l.mu.Unlock()
	if under.run.ended {
		return false
	}
	l.advance(t)
	a := under.child(key)
	l.touch(a)
	s.account, s.start = a, l.t
	if p := s.parent; p != nil && !async && !p.ended {
		// The parent waits for this child.
		if p.children == 0 {
			l.touch(p.account)
			l.activate(p, -1)
		}
		p.children++
		s.blocks = true
	}
	if a.nOpen == 0 && a.count == 0 {
		a.first = s.start
	}
	a.nOpen++
	a.startSum += float64(s.start)
	if x, ok := s.ctx.(*attached); ok {
		a.run.opened(x)
	}
	l.activate(s, +1)
	return true
}

// isOpen tells whether a span and its run are open.
func (l *ledger) isOpen(s *Span) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return !s.ended && !s.account.run.ended
}

// close books the end of a span and tells whether it was open.
func (l *ledger) close(s *Span, failed bool) bool {
	t := l.now()
	l.mu.Lock()
	defer l.mu.Unlock()
	if s.ended {
		return false
	}
	s.ended = true
	x, _ := s.ctx.(*attached)
	if r := s.account.run; r.ended { // its time was booked then
		if x != nil && x.span != nil {
			r.closed(x, r.until)
		}
		return true
	}
	l.advance(t)
	a := s.account
	l.touch(a)
	if s.children == 0 {
		l.activate(s, -1)
	}
	if x != nil && x.span != nil {
		a.run.closed(x, l.t)
	}
	a.nOpen--
	a.startSum -= float64(s.start)
	d := l.t - s.start
	a.count++
	if s.failed = s.failed || failed; s.failed {
		a.failed++
	}
	a.sumNS += float64(d)
	if a.count == 1 || d < a.minNS {
		a.minNS = d
	}
	a.maxNS = max(a.maxNS, d)
	a.lastNS = l.t
	a.durations.add(d)
	if len(a.run.expected) > 0 {
		a.run.did(a, "", 1)
	}
	if p := s.parent; p != nil && s.blocks && !p.ended {
		p.children--
		if p.children == 0 {
			l.touch(p.account)
			l.activate(p, +1)
		}
	}
	return true
}

func (a *account) claimKey() string {
	if len(a.claims) == 0 {
		return ""
	}
	b := make([]byte, len(a.claims))
	for i, c := range a.claims {
		b[i] = byte(c.device)
	}
	return string(b)
}

// claimDevices adds devices to a claim key. A device that no meter covers is
// noted, not invented.
func (l *ledger) claimDevices(r *Run, ids []string, key string) string {
	set := [256]bool{}
	for _, b := range []byte(key) {
		set[b] = true
	}
	for _, id := range ids {
		found := false
		for i := range l.devices {
			if l.devices[i].called(id) && i < len(set) {
				set[i], found = true, true
				r.claimed[i] = true
			}
		}
		if !found && len(r.unknownDevices) < maxUnits {
			r.unknownDevices[id]++
		}
	}
	b := make([]byte, 0, 8)
	for i, in := range set {
		if in {
			b = append(b, byte(i))
		}
	}
	return string(b)
}
