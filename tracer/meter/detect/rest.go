package detect

import (
	"math"
	"sync"
	"time"

	"github.com/ecotracer/ecotracer/tracer/meter"
)

// rest works out what a node draws beyond its counted parts: at each sample of
// the node, what the parts had used by that moment is taken from it. The parts
// are watched as the ledger reads them; node and parts may be read at different
// times, with different periods and from several goroutines.
//
// A part's joules between two of its samples are taken to rise evenly, and
// after its last one as they did before it. The ledger does the same to a
// domain that tells nothing, so that what the parts and the rest are booked
// with comes to what the node told, also while a part is silent. As that is put
// right later, the rest never falls: it is the most that the difference ever
// was, and a difference that fell back has to catch up first. So it is off by
// what one period of the parts holds, and this does not add up.
//
// Where the parts exceed the node for longer, nothing is taken from them: the
// rest stays as it is, and says so by meter.PartsMore.
type rest struct {
	mu    sync.Mutex
	parts []trace
	node  trace
	begun time.Time // when the node told first
	base  float64   // J, the difference then; and what the node has lost since
	told  float64   // J
	lossy bool      // the node's counter has lost something since it was last taken
}

func newRest(parts int) *rest {
	r := &rest{parts: make([]trace, parts)}
	for i := range r.parts {
		r.parts[i].late = 2 * time.Second
	}
	return r
}

// observe notes what a part told.
func (r *rest) observe(part int, s meter.Sample) {
	if !taken(s.Condition) {
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.parts[part].add(s.Time, s.Joules)
}

// taken tells whether the ledger takes a sample's joules: with these conditions
// it takes the domain for silent.
func taken(c meter.Condition) bool {
	switch c {
	case meter.Unplugged, meter.Denied, meter.Unreadable, meter.NoRange:
		return false
	}
	return true
}

// sample makes a sample of the node one of its rest. It is not ok while a part
// has yet to show how fast it goes: what is the node's rest is not known then.
func (r *rest) sample(s meter.Sample) (_ meter.Sample, ok bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	was := s.Joules
	s.Joules, s.OwnJ = r.told, 0
	switch s.Condition {
	case meter.Gap, meter.Reset, meter.Backwards, meter.NoRange:
		r.lossy = true
	}
	if !taken(s.Condition) || !r.node.add(s.Time, was) {
		return s, true
	}
	beyond, jitter := was, r.node.step
	first, waits, silent := r.begun.IsZero(), false, false
	if first {
		r.begun = s.Time
	}
	for i := range r.parts {
		p := &r.parts[i]
		beyond -= p.at(s.Time)
		jitter += 2 * p.step // too little was taken, and then too much
		switch quiet := s.Time.Sub(p.since(r.begun)); {
		case quiet > p.patience():
			silent = true
		case p.n < 2:
			waits = true
		}
	}
	if first {
		r.base = beyond
		return s, true
	}
	if waits {
		return s, false
	}
	beyond -= r.base
	if r.lossy && beyond < r.told {
		// What the node has lost is not to be made up for.
		r.base += beyond - r.told
		beyond = r.told
	}
	r.lossy = false
	r.told = max(r.told, beyond)
	s.Joules = r.told
	switch {
	case s.Condition != meter.OK:
	case r.told-beyond > jitter:
		s.Condition = meter.PartsMore
	case silent:
		s.Condition = meter.Gap
	}
	return s, true
}

// kept is how many samples of a domain are kept, so that a node whose answer
// takes seconds still meets the samples of its parts from when it was asked.
const kept = 32

// trace is the last samples of one domain.
type trace struct {
	times  [kept]time.Time
	joules [kept]float64 // since the first sample
	n      int           // samples ever
	zero   float64
	step   float64       // J between two samples, at most of late
	gap    time.Duration // between the last two
	period time.Duration // at which its meter is read, where it has one of its own
	late   time.Duration // how long a reading may take
}

// add notes a sample. What is no number, falls, or comes late tells nothing.
func (t *trace) add(at time.Time, joules float64) bool {
	if math.IsNaN(joules) || math.IsInf(joules, 0) || at.IsZero() {
		return false
	}
	if t.n == 0 {
		t.zero = joules
	}
	joules -= t.zero
	if t.n > 0 {
		last := (t.n - 1) % kept
		gap, step := at.Sub(t.times[last]), joules-t.joules[last]
		if gap <= 0 || step < 0 {
			return false
		}
		t.gap, t.step = gap, max(step, t.step*(1-1./64))
	}
	t.times[t.n%kept], t.joules[t.n%kept] = at, joules
	t.n++
	return true
}

// settled is the least time over which power is told: counters move in steps.
const settled = 50 * time.Millisecond

// at is what had been used by a time, J since the first sample.
func (t *trace) at(when time.Time) float64 {
	if t.n == 0 {
		return 0
	}
	oldest := max(t.n-kept, 0)
	last := t.n - 1
	after := when.Sub(t.times[last%kept])
	if after >= 0 {
		for i := last - 1; i >= oldest; i-- {
			span := t.times[last%kept].Sub(t.times[i%kept])
			if span >= settled || i == oldest && span >= settled/10 {
				return t.joules[last%kept] + (t.joules[last%kept]-t.joules[i%kept])*(float64(after)/float64(span))
			}
		}
		return t.joules[last%kept]
	}
	for i := last - 1; i >= oldest; i-- {
		if since := when.Sub(t.times[i%kept]); since >= 0 {
			a, b := t.joules[i%kept], t.joules[(i+1)%kept]
			return a + (b-a)*(float64(since)/float64(t.times[(i+1)%kept].Sub(t.times[i%kept])))
		}
	}
	return t.joules[oldest%kept]
}

// since is when it told last, or when it should have begun.
func (t *trace) since(begun time.Time) time.Time {
	if t.n == 0 {
		return begun
	}
	return t.times[(t.n-1)%kept]
}

// patience is after how long without a sample a domain is silent.
func (t *trace) patience() time.Duration { return 3*max(t.gap, t.period) + t.late }
