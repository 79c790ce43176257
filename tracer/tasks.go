package tracer

import (
	"context"
	"runtime/trace"
	"strconv"
	"strings"
)

// While the program writes an execution trace (runtime/trace), spans are user
// tasks in it, and marks of the category "ecotracer" tell what a task cannot:
// package deep reads from both which goroutine worked for which span, by the
// rules of the profiler's labels. Where no trace is written a boundary asks
// once whether one is.
//
//	task "train/epoch #12.5a0b3c4d"  a span of account 12 of the run whose id ends so
//	log  "end 11.5a0b3c4d"           a span has ended, and the goroutine works for account 11 (0: for none)
//	log  "out"                       the goroutine works for no span of any run
//	log  "at 1500000000 3 <run id>"  the ledger's clock, in ns from the run's begin, and the open spans
//
// A span may begin before the trace and end in it, so that the end of its task
// is not enough.
const traceCategory = "ecotracer"

// maxTaskPath bounds the path in a task's name, of which the trace keeps 1,024
// bytes.
const maxTaskPath = 512

// beginTask makes a task of a span.
func (s *Span) beginTask() {
	x := s.attach()
	x.Context, x.task = trace.NewTask(x.Context, s.account.taskName())
}

// endTask ends the task of a span, if it has one, and tells for which span the
// goroutine works now: for that of Start's context.
func (s *Span) endTask() {
	if x, ok := s.ctx.(*attached); ok && x.task != nil {
		x.task.End()
	}
	into := s.account.run.root
	if s.parent != nil {
		into = s.parent.account
	}
	trace.Log(context.Background(), traceCategory, into.endMark())
}

// leaveTasks tells that the goroutine works for no span.
func leaveTasks() {
	if trace.IsEnabled() {
		trace.Log(context.Background(), traceCategory, "out")
	}
}

// taskName is the name of the tasks of an account's spans.
func (a *account) taskName() string {
	l := a.run.ledger
	l.mu.Lock()
	defer l.mu.Unlock()
	if a.task == "" {
		path := a.path
		if len(path) > maxTaskPath {
			path = "…" + strings.ToValidUTF8(path[len(path)-maxTaskPath:], "")
		}
		a.task = path + " #" + a.taskID()
	}
	return a.task
}

// endMark tells that a span has ended whose parent is of the account.
func (a *account) endMark() string {
	l := a.run.ledger
	l.mu.Lock()
	defer l.mu.Unlock()
	if a.taskEnd == "" {
		a.taskEnd = "end " + a.taskID()
	}
	return a.taskEnd
}

// taskID tells the accounts of all runs apart.
func (a *account) taskID() string {
	id := a.run.id
	return strconv.Itoa(a.id) + "." + id[len(id)-8:]
}

// watchTrace notes whether an execution trace is being written, and tells it
// the ledger's clock. The ledger is locked.
func (l *ledger) watchTrace() {
	if !trace.IsEnabled() {
		l.tracedSince = -1
		return
	}
	if l.tracedSince < 0 {
		l.tracedSince = l.t
	}
	for _, r := range l.runs {
		r.markTrace()
	}
}

// markTrace tells the trace the run's clock. The ledger is locked.
func (r *Run) markTrace() {
	open := int64(0)
	for _, a := range r.ledger.dirty { // all with an open span are among them
		if a.run == r {
			open += int64(a.nOpen)
		}
	}
	text := " " + strconv.FormatInt(open, 10) + " " + r.id
	trace.Log(context.Background(), traceCategory, "at "+strconv.FormatInt(r.ledger.now()-r.begin, 10)+text)
}
