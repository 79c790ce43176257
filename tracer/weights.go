package tracer

import (
	"bytes"
	"context"
	"runtime/pprof"
	"strconv"
	"sync"
	"sync/atomic"
	"time"
)

// Weights by CPU time. While several accounts are active, energy follows the
// CPU time of their goroutines, which the runtime's own CPU profiler samples
// by goroutine label, in windows of a second with growing gaps between them.
// In a gap an account's last CPU seconds per open second stand for it.

const (
	firstGap    = time.Second
	longestGap  = 15 * time.Second
	firstWait   = time.Minute // after the profiler was not to be had
	longestWait = time.Hour
	labelKey    = "ecotracer"
	maxMerged   = 64 // label sets of the host that an account remembers
)

type windowState int

const (
	noWindow   windowState = iota
	inWindow               // the profiler runs, and it is ours
	stopping               // it is being stopped
	windowRead             // its samples are here
)

// weights is the state of a ledger's windows. The ledger's lock guards it.
type weights struct {
	wanted   int // open runs that want windows
	state    windowState
	opened   int64
	next     int64 // no window before it
	gap      time.Duration
	wait     time.Duration
	newcomer bool // an account without a rate is active beside others
	profile  *windowProfile
	counts   cpuSamples
	kind     booking
	windows  int64
	strayed  int64 // windows with more than a fifth in code without a label
	byLabel  map[string]*account
	stopped  chan struct{} // closed when the open window has been stopped
}

// cpuSamples is what a window of the profiler counted.
type cpuSamples struct {
	byLabel map[string]float64 // seconds
	runtime float64            // the Go runtime itself, such as its garbage collector
	stray   float64            // code without a label of ours, in Go or in threads that Go did not start
}

// windowProfile takes the profile of a window, which the runtime writes at its
// end: when we stop it, or someone else has.
type windowProfile struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (p *windowProfile) Write(b []byte) (int, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.buf.Write(b)
}

// stopped tells whether the profile has ended. Then the profiler is not ours
// any longer: the host may have stopped what it took for its own, and may run
// one of its own now.
func (p *windowProfile) stopped() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.buf.Len() > 0
}

// The process's CPU profiler. This package's own tests put another in its place.
var (
	startCPUProfile = pprof.StartCPUProfile
	stopCPUProfile  = pprof.StopCPUProfile
)

// profiler holds one token while a profile of ours may be running, of whatever
// ledger.
var profiler = make(chan struct{}, 1)

// profilingPaused counts the callers of PauseProfiling.
var profilingPaused atomic.Int32

// PauseProfiling keeps the tracer from using the CPU profiler, of which a
// process has but one, until resume is called: for a host that wants to
// profile itself. When it returns the profiler is free. While paused, energy
// of concurrent spans is split by their last rates, and the record says so.
func PauseProfiling() (resume func()) {
	profilingPaused.Add(1)
	for _, l := range ledgers.open() {
		l.waitForTick() // it may be about to begin a window
		l.dropWindow()
	}
	// A ledger that has ended may be stopping its window still.
	profiler <- struct{}{}
	<-profiler
	var once atomic.Bool
	return func() {
		if once.CompareAndSwap(false, true) {
			profilingPaused.Add(-1)
		}
	}
}

// waitForTick waits until no tick is under way.
func (l *ledger) waitForTick() {
	l.sampler.mu.Lock()
	defer l.sampler.mu.Unlock()
}

// weightsAllowed tells whether a run may use the profiler: it belongs to the
// host, so never in a test binary.
func weightsAllowed() bool {
	return !testBinary() || weightsInTests.Load()
}

// weightsInTests is set by this package's own tests.
var weightsInTests atomic.Bool

// due tells whether a window should begin now. The ledger is locked.
func (w *weights) due(l *ledger) bool {
	if w.wanted == 0 || w.state != noWindow || l.nAcc < 2 || profilingPaused.Load() > 0 {
		return false
	}
	if w.newcomer && w.wait == 0 {
		w.newcomer = false
		w.gap = firstGap
		w.next = min(w.next, w.opened+int64(windowLength+firstGap))
	}
	return l.t >= w.next
}

// openWindow starts the profiler. sampler.mu is held, so that no tick runs
// beside it.
func (l *ledger) openWindow() {
	select {
	case profiler <- struct{}{}:
	default:
		return // a ledger that has ended is still stopping its own
	}
	p := new(windowProfile)
	err := startCPUProfile(p)
	l.mu.Lock()
	defer l.mu.Unlock()
	w := &l.weights
	if err != nil {
		// The host profiles itself: its right.
		<-profiler
		w.wait = min(max(2*w.wait, firstWait), longestWait)
		w.next = l.t + int64(w.wait)
		return
	}
	w.begin(l.t, p)
	go l.endWindow(w.stopped, l.sampler.stop)
}

// begin notes that a window has begun. The ledger is locked.
func (w *weights) begin(t int64, p *windowProfile) {
	w.wait = 0
	w.state, w.opened, w.profile = inWindow, t, p
	w.stopped = make(chan struct{})
	for _, a := range w.byLabel {
		a.openP = 0
	}
}

// endWindow stops the profiler after a window's length and reads what it
// wrote. Stopping takes tens of milliseconds, so it has a goroutine.
func (l *ledger) endWindow(stopped chan struct{}, stop <-chan struct{}) {
	timer := time.NewTimer(windowLength)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-stop: // the last run has ended, and has not waited
	}
	if l.stopWindow(stopped) {
		l.tick(false)
	}
}

// stopWindow stops the profiler if that window is still open, and tells
// whether there are samples to be booked.
func (l *ledger) stopWindow(stopped chan struct{}) bool {
	l.mu.Lock()
	w := &l.weights
	if w.state != inWindow || w.stopped != stopped {
		l.mu.Unlock()
		return false
	}
	w.state = stopping
	p := w.profile
	l.mu.Unlock()

	if !p.stopped() {
		stopCPUProfile()
	}
	<-profiler
	counts, err := readCPUProfile(p.buf.Bytes()) // it is not written any more

	l.mu.Lock()
	defer l.mu.Unlock()
	defer close(stopped)
	w.profile = nil
	if err != nil {
		w.closed(l.t)
		return false
	}
	w.counts, w.state = counts, windowRead
	return true
}

// dropWindow cuts an open window short and returns when the profiler is free.
func (l *ledger) dropWindow() {
	l.mu.Lock()
	stopped, state := l.weights.stopped, l.weights.state
	l.mu.Unlock()
	if state == inWindow || state == stopping {
		l.stopWindow(stopped)
		<-stopped // another goroutine may have come first
	}
}

// closed plans the next window.
func (w *weights) closed(t int64) {
	w.state, w.counts = noWindow, cpuSamples{}
	w.gap = max(w.gap, firstGap)
	w.next = t + int64(w.gap)
	w.gap = min(2*w.gap, longestGap)
	w.windows++
}

// weighByRates closes the weight window of the accounts without samples: by
// each account's last rate, an account without one at the mean rate per wall
// share; by wall share alone while no rate is known. Where those that are known
// used no CPU time, the others have it all. It tells which it was.
func (l *ledger) weighByRates() booking {
	var several, known, knownWall float64
	for _, a := range l.inWin {
		wall := a.sharedWall()
		several += wall
		if a.rate >= 0 {
			known += a.rate * a.sharedW
			knownWall += wall
		}
	}
	kind, mean := byRate, 0.0
	if knownWall > 0 {
		mean = known / knownWall
	}
	if known <= 0 {
		mean = 1
		if unknown := several - knownWall; knownWall == 0 || unknown <= 1e-9*several {
			kind = byWall
		}
	}
	weight := func(a *account) float64 {
		switch {
		case kind == byWall:
			return a.sharedWall()
		case a.rate >= 0:
			return a.rate * a.sharedW
		}
		return mean * a.sharedWall()
	}
	l.weigh(several, weight)
	return kind
}

// weighBySamples closes the weight window by what the profiler counted, and
// learns the accounts' rates. What the Go runtime does, such as collecting
// garbage, is spread like the rest. Code without a label, or with that of an
// account that had no span open in the window, goes by wall share: it may do
// the work of one that waits, as a pool of workers does that was there before
// the span, and spread like the rest it would be booked to whoever happens to
// compute. Where a window was settled before its end, as when another run
// ended, the samples are taken to be spread evenly over it.
func (l *ledger) weighBySamples(c cpuSamples) {
	w := &l.weights
	seconds := make(map[*account]float64, len(c.byLabel))
	var labelled, several float64
	for label, s := range c.byLabel {
		if a := w.byLabel[label]; a != nil && a.openW > 0 {
			seconds[a] += s
		} else {
			c.stray += s
		}
	}
	total := c.runtime + c.stray
	for _, a := range l.inWin {
		several += a.sharedWall()
	}
	for _, a := range l.inWin {
		if a.openW <= 0 {
			continue
		}
		s := seconds[a]
		total += s
		stray := 0.0
		if several > 0 {
			stray = c.stray * a.sharedWall() / several
		}
		a.rate = (s + stray) / ((a.openW + a.openP) / 1e9)
		// Only what was shared with others is given out here.
		seconds[a] = s * a.sharedW / (a.openW + a.openP)
		labelled += seconds[a]
	}
	w.newcomer = false // all that were open have a rate now
	if c.stray > 0.2*total {
		w.strayed++
	}
	if labelled <= 0 {
		w.kind = l.weighByRates()
		return
	}
	w.kind = byWindow
	stray := c.stray / total
	l.weigh(several, func(a *account) float64 {
		x := (1 - stray) * seconds[a] / labelled
		if several > 0 {
			x += stray * a.sharedWall() / several
		}
		return x
	})
}

// sharedWall is the wall share of the window in which others were active too.
func (a *account) sharedWall() float64 {
	return max((a.wall-a.wallAt)-(a.alone-a.aloneAt), 0)
}

// weigh gives out the time in which several accounts were active, and begins
// the next weight window.
func (l *ledger) weigh(several float64, weight func(*account) float64) {
	var sum float64
	for _, a := range l.inWin {
		sum += weight(a)
	}
	for _, a := range l.inWin {
		if sum > 0 && several > 0 {
			a.weighed += several * weight(a) / sum
		}
	}
	for _, a := range l.inWin {
		a.openP += a.openW
		a.openW, a.sharedW = 0, 0
		a.wallAt, a.aloneAt = a.wall, a.alone
	}
}

// labelAccount prepares the profiler's labels of an account.
func (r *Run) labelAccount(a *account, id int) {
	if !r.labelled {
		return
	}
	a.labelValue = a.path + "#" + strconv.Itoa(id) + "." + r.id[len(r.id)-4:]
	a.labels = pprof.WithLabels(context.Background(), pprof.Labels(labelKey, a.labelValue))
	w := &r.ledger.weights
	if w.byLabel == nil {
		w.byLabel = make(map[string]*account)
	}
	w.byLabel[a.labelValue] = a
}
