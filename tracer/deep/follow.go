package deep

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"

	"golang.org/x/exp/trace"
)

const (
	category      = "ecotracer"
	maxGoroutines = 1 << 20 // at once
	maxRuns       = 8       // that are told of a trace of another run
	// apart is by how much the trace and the ledger may disagree on the time
	// between two marks: a goroutine may have been kept waiting before it left
	// one.
	apart = 5e9
)

// worker is whom a goroutine works for: an account of the run, by its number,
// or one of these.
type worker int32

const (
	stray  worker = -iota // no span
	nobody                // no span of the run was open
	system                // the Go runtime
	other                 // a span of another run
)

// usage is the goroutines' time in a cell, in ns.
type usage struct {
	ran    map[worker]float64 // running
	called map[worker]float64 // in a system or cgo call
}

func newUsage() usage { return usage{map[worker]float64{}, map[worker]float64{}} }

// goroutine is what is known of one.
type goroutine struct {
	who   worker
	named bool          // its stack was seen
	state trace.GoState // running, syscall, or else
	since trace.Time    // of the state, or of the cell
}

// follower reads an execution trace and tells how long the goroutines ran for
// whom, cell by cell of the run's time.
type follower struct {
	run    string // its id
	suffix string // as tasks carry it
	bounds []float64
	done   func(cell int, u usage)

	goroutines map[trace.GoID]*goroutine
	busy       map[trace.GoID]*goroutine // running or in a call
	open       int64                     // spans of the run
	usage      usage

	first, last trace.Time
	begun       bool
	marked      bool    // the clock is known
	zero        float64 // the run's begin by the trace's clock, ns
	cell        int     // that is under way, if its begin is not after last
	otherRuns   []string
}

func newFollower(run string, bounds []float64, done func(int, usage)) *follower {
	return &follower{
		run: run, suffix: run[len(run)-8:], bounds: bounds, done: done,
		goroutines: map[trace.GoID]*goroutine{}, busy: map[trace.GoID]*goroutine{},
		usage: newUsage(),
	}
}

// follow reads the trace to its end. An error leaves what was read before.
func (f *follower) follow(ctx context.Context, r io.Reader) (err error) {
	defer func() {
		// The reader of a format that is still growing: what it cannot do
		// with a broken trace is no reason to fall.
		if p := recover(); p != nil {
			err = fmt.Errorf("the trace cannot be read: %v", p)
		}
	}()
	reader, err := trace.NewReader(r)
	if err != nil {
		return fmt.Errorf("not a Go execution trace that can be read here: %w", err)
	}
	for n := 0; ; n++ {
		if n%4096 == 0 {
			if err := ctx.Err(); err != nil {
				return err
			}
		}
		e, err := reader.ReadEvent()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return fmt.Errorf("the trace breaks off: %w", err)
		}
		if err := f.event(&e); err != nil {
			return err
		}
	}
}

func (f *follower) event(e *trace.Event) error {
	t := e.Time()
	if !f.begun {
		f.first, f.last, f.begun = t, t, true
	}
	f.advance(t)
	switch e.Kind() {
	case trace.EventStateTransition:
		return f.transition(e, t)
	case trace.EventTaskBegin:
		f.taskBegin(e, t)
	case trace.EventLog:
		if l := e.Log(); l.Category == category {
			return f.mark(e, l.Message, t)
		}
	}
	return nil
}

// advance closes the cells that end up to time t.
func (f *follower) advance(t trace.Time) {
	for f.marked && f.cell+1 < len(f.bounds) && f.at(f.cell+1) <= float64(t) {
		end := trace.Time(f.at(f.cell + 1))
		for _, g := range f.busy {
			f.count(g, end)
		}
		f.done(f.cell, f.usage)
		f.usage = newUsage()
		f.cell++
	}
	f.last = max(f.last, t)
}

// at is a bound by the trace's clock.
func (f *follower) at(bound int) float64 { return f.zero + 1e9*f.bounds[bound] }

// count adds what a goroutine has done since it was last counted.
func (f *follower) count(g *goroutine, t trace.Time) {
	from := g.since
	g.since = max(from, t)
	if !f.marked || f.cell+1 >= len(f.bounds) {
		return
	}
	d := float64(t) - max(float64(from), f.at(f.cell))
	if d <= 0 {
		return
	}
	who := g.who
	if f.open == 0 && who != system && who != other {
		who = nobody
	}
	switch g.state {
	case trace.GoRunning:
		f.usage.ran[who] += d
	case trace.GoSyscall:
		f.usage.called[who] += d
	}
}

func (f *follower) transition(e *trace.Event, t trace.Time) error {
	s := e.StateTransition()
	if s.Resource.Kind != trace.ResourceGoroutine {
		return nil
	}
	id := s.Resource.Goroutine()
	from, to := s.Goroutine()
	g := f.goroutines[id]
	if g == nil {
		if len(f.goroutines) >= maxGoroutines {
			return fmt.Errorf("more than %d goroutines at once", maxGoroutines)
		}
		g = &goroutine{since: t}
		f.goroutines[id] = g
		if from == trace.GoNotExist {
			if by := f.goroutines[e.Goroutine()]; by != nil && by.who != system {
				g.who = by.who
			}
		}
	}
	f.count(g, t)
	if !g.named {
		// Of one from before the trace the first transition may tell none.
		var own bool
		if own, g.named = isSystem(s.Stack); own {
			g.who = system
		}
	}
	g.state = to
	switch to {
	case trace.GoRunning, trace.GoSyscall:
		f.busy[id] = g
	case trace.GoNotExist:
		delete(f.goroutines, id)
		delete(f.busy, id)
	default:
		delete(f.busy, id)
	}
	return nil
}

// isSystem tells whether a stack is that of a goroutine of the runtime's own, by
// the rule of runtime.isSystemGoroutine: it begins in package runtime, and not
// with the program's main. An empty stack does not tell.
func isSystem(s trace.Stack) (own, told bool) {
	var first string
	for frame := range s.Frames() {
		first = frame.Func // the outermost comes last
	}
	switch first {
	case "runtime.main", "runtime.corostart", "runtime.handleAsyncEvent":
		return false, true
	}
	return strings.HasPrefix(first, "runtime."), first != ""
}

// taskBegin reads the begin of a span; a task may be the host's own too.
func (f *follower) taskBegin(e *trace.Event, t trace.Time) {
	_, id, found := cutLast(e.Task().Type, " #")
	who, ours := f.worker(id)
	if !found || !ours {
		return
	}
	if who > 0 {
		f.setOpen(f.open+1, t)
	}
	f.assign(e.Goroutine(), who, t)
}

// worker reads whom a task or a mark names, "12.5a0b3c4d".
func (f *follower) worker(id string) (who worker, ok bool) {
	number, run, found := strings.Cut(id, ".")
	n, err := strconv.ParseInt(number, 10, 32)
	if !found || err != nil || n < 0 || len(run) != len(f.suffix) || strings.Trim(run, "0123456789abcdef") != "" {
		return 0, false
	}
	switch {
	case n == 0:
		return stray, true
	case run != f.suffix:
		return other, true
	}
	return worker(n), true
}

// assign puts a goroutine to work for someone.
func (f *follower) assign(id trace.GoID, who worker, t trace.Time) {
	if g := f.goroutines[id]; g != nil {
		f.count(g, t)
		g.who = who
	}
}

// setOpen changes the number of open spans. With none, nobody works for the
// run.
func (f *follower) setOpen(n int64, t trace.Time) {
	n = max(n, 0)
	if (n == 0) != (f.open == 0) {
		for _, g := range f.busy {
			f.count(g, t)
		}
	}
	f.open = n
}

// mark reads a mark of the tracer's.
func (f *follower) mark(e *trace.Event, text string, t trace.Time) error {
	word, rest, _ := strings.Cut(text, " ")
	switch word {
	case "out":
		f.assign(e.Goroutine(), stray, t)
	case "end":
		who, ok := f.worker(rest)
		if !ok {
			return nil
		}
		if strings.HasSuffix(rest, f.suffix) {
			f.setOpen(f.open-1, t)
		}
		f.assign(e.Goroutine(), who, t)
	case "at":
		return f.clock(rest, t)
	}
	return nil
}

// clock reads the ledger's clock and the number of open spans.
func (f *follower) clock(text string, t trace.Time) error {
	var ns, open int64
	var run string
	if n, err := fmt.Sscanf(text, "%d %d %36s", &ns, &open, &run); n != 3 || err != nil {
		return nil
	}
	if run != f.run {
		if len(f.otherRuns) < maxRuns && !slices.Contains(f.otherRuns, run) {
			f.otherRuns = append(f.otherRuns, run)
		}
		return nil
	}
	f.setOpen(open, t)
	zero := float64(t) - float64(ns)
	if !f.marked {
		f.marked, f.zero = true, zero
		// Of a cell that began before the trace not all is told.
		for f.cell+1 < len(f.bounds) && f.at(f.cell) < float64(f.first) {
			f.cell++
		}
		return nil
	}
	if d := zero - f.zero; d > apart || d < -apart {
		return fmt.Errorf("the clocks of the trace and of the run drift apart by %.1f s: the run was under a simulated clock, or the trace was put together from several", d/1e9)
	}
	f.zero = min(f.zero, zero) // the mark that was left with the least delay
	return nil
}

// covered is the part of the run that the trace tells of, in seconds from the
// run's begin.
func (f *follower) covered() (from, to float64) {
	if !f.marked {
		return 0, 0
	}
	return (float64(f.first) - f.zero) / 1e9, (float64(f.last) - f.zero) / 1e9
}

// cutLast is strings.Cut around the last separator.
func cutLast(s, sep string) (before, after string, found bool) {
	i := strings.LastIndex(s, sep)
	if i < 0 {
		return s, "", false
	}
	return s[:i], s[i+len(sep):], true
}
