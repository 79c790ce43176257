package tracer

import "slices"

const (
	maxExpected = 16   // spans' paths of a run that expect something
	maxTogether = 1024 // spans of a path
	maxMarks    = 64   // of what a path has done
)

// Expect says how much work is to come below the span: so many spans of a name
// ("epoch", 50), or so many functional units ("samples", 3_000_000) that the span
// or those below it count. Which of the two it is the first one tells that comes.
// From the third one on the run knows what it will come to (Run.Forecast), its
// record says so, and a Budget is warned early.
//
// It counts from the first call on. A second call takes the place of the first one, as
// when a loop is to go on for longer; 0 takes it back. The end of the span does so
// too: a loop that stops early has done its work. Spans of one path expect
// together, if they are open at once. What is expected below another span that
// expects something is a part of that, and does not count beside it. Up to 16
// paths of a run may expect something at a time; what is beyond, a negative n, and
// no name, are not taken and flagged in the record.
func (s *Span) Expect(what string, n int) {
	if s == nil {
		return
	}
	r := s.account.run
	l := r.ledger
	t := l.now()
	l.mu.Lock()
	defer l.mu.Unlock()
	if r.ended || s.ended {
		return
	}
	l.advance(t)
	r.planned = true
	if what = boundName(what); n < 0 || what == "" || !r.expect(s, what, int64(n)) {
		r.badPlans++
	}
}

// expectation is what the open spans of a path expect, and how far they are. The
// ledger's lock guards it.
type expectation struct {
	account *account
	what    string // as units are called
	name    string // and as spans are
	of      []share
	gone    int64 // of spans that have ended
	spans   bool  // it is spans that are counted
	units   bool  // or units
	done    int64 // since the first of them expected any

	marks []mark // when so many were done, the first when none was
	block int64  // units between two marks
	now   mark   // at the last settlement; n as of then
	told  int    // tenths of it of which the record has a forecast, from 1
}

// share is what one span expects.
type share struct {
	span *Span
	n    int64
}

// mark is a moment at which so many units were done, and what the path and all
// below it had used by then.
type mark struct {
	t    int64 // ns of the ledger
	n    int64
	used tally // nil until the next settlement tells
}

// expect notes what a span expects, and tells whether it could.
func (r *Run) expect(s *Span, what string, n int64) bool {
	l := r.ledger
	at := slices.IndexFunc(r.expected, func(e *expectation) bool { return e.account == s.account })
	if at >= 0 && !r.expected[at].open() {
		r.fulfil(at)
		at = -1
	}
	if n == 0 {
		if at >= 0 {
			e := r.expected[at]
			e.of = slices.DeleteFunc(e.of, func(o share) bool { return o.span == s })
			if len(e.of) == 0 {
				r.expected = slices.Delete(r.expected, at, at+1)
			}
		}
		return true
	}
	if at >= 0 && r.expected[at].what != what {
		r.expected = slices.Delete(r.expected, at, at+1)
		at = -1
	}
	if at < 0 {
		for i := len(r.expected) - 1; i >= 0 && len(r.expected) == maxExpected; i-- {
			if !r.expected[i].open() {
				r.fulfil(i)
			}
		}
		if len(r.expected) == maxExpected {
			return false
		}
		r.expected = append(r.expected, &expectation{
			account: s.account, what: what, name: escapeName(what), block: 1,
			marks: []mark{{t: l.t}}, now: mark{t: l.settledT, used: r.tally(s.account)},
		})
		at = len(r.expected) - 1
	}
	e := r.expected[at]
	if k := slices.IndexFunc(e.of, func(o share) bool { return o.span == s }); k >= 0 {
		e.of[k].n = n
		return true
	}
	e.of = slices.DeleteFunc(e.of, func(o share) bool {
		if o.span.ended {
			e.gone = min(e.gone+o.n, maxCount)
		}
		return o.span.ended
	})
	if len(e.of) == maxTogether {
		return false
	}
	e.of = append(e.of, share{s, n})
	return true
}

// open tells whether a span of those that expect is open.
func (e *expectation) open() bool {
	return slices.ContainsFunc(e.of, func(o share) bool { return !o.span.ended })
}

// expected is how much is expected in all.
func (e *expectation) expected() (n int64) {
	n = e.gone
	for _, o := range e.of {
		n = min(n+o.n, maxCount)
	}
	return n
}

// left is how much of it is to come: no more than what the open spans expect.
func (e *expectation) left() int64 {
	var open int64
	for _, o := range e.of {
		if !o.span.ended {
			open = min(open+o.n, maxCount)
		}
	}
	return max(min(e.expected()-e.done, open), 0)
}

// did notes that a span of an account has ended, or that spans of it counted n
// units. The ledger is locked, and its clock is at this moment.
func (r *Run) did(a *account, unit string, n int64) {
	for _, e := range r.expected {
		switch {
		case unit == "" && (a.name != e.name || e.units || a == e.account), unit != "" && (unit != e.what || e.spans):
			continue
		case !a.isBelow(e.account):
			continue
		}
		e.spans, e.units = unit == "", unit != ""
		e.add(r.ledger.t, n)
	}
}

// isBelow tells whether a path is another or below it.
func (a *account) isBelow(other *account) bool {
	for a != nil && a.depth > other.depth {
		a = a.parent
	}
	return a == other
}

func (e *expectation) add(t, n int64) {
	e.done = min(e.done+n, maxCount)
	last := &e.marks[len(e.marks)-1]
	if e.done-last.n < e.block {
		return
	}
	if len(e.marks) > 1 && t == last.t {
		last.n = e.done // at the same moment
		return
	}
	e.marks = append(e.marks, mark{t: t, n: e.done})
	if len(e.marks) > maxMarks {
		// Every second one goes; the first stays.
		keep := e.marks[:0]
		for i, m := range e.marks {
			if i%2 == 0 {
				keep = append(keep, m)
			}
		}
		clear(e.marks[len(keep):])
		e.marks = keep
		e.block = max(2*e.block, e.done/int64(len(keep)-1))
	}
}

// settled tells the expectation what its path had used by the settlement that is
// being made: between two of them energy is taken to be used evenly.
func (e *expectation) settled(t int64, used tally) {
	for i := range e.marks {
		if m := &e.marks[i]; m.used == nil {
			part := 1.0
			if t > e.now.t {
				part = float64(min(max(m.t, e.now.t), t)-e.now.t) / float64(t-e.now.t)
			}
			m.used = e.now.used.towards(used, part)
		}
	}
	e.now = mark{t, e.done, used}
}

// settleExpected tells what is expected of the settlement that is being made, and
// takes off what is done.
func (r *Run) settleExpected() {
	if len(r.expected) == 0 {
		return
	}
	var of [maxExpected]*account
	for i, e := range r.expected {
		of[i] = e.account
	}
	used := r.tallies(of[:len(r.expected)])
	for i := len(r.expected) - 1; i >= 0; i-- {
		e := r.expected[i]
		e.settled(r.ledger.t, used[i])
		if !e.open() {
			r.fulfil(i)
		}
	}
}
