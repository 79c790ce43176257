package tracer

import (
	"context"
	"io"
	"io/fs"
	"path/filepath"
	"runtime/pprof"
	"time"

	"github.com/google/uuid"

	"github.com/ecotracer/ecotracer/factors"
	"github.com/ecotracer/ecotracer/lifecycle"
)

// LetTestsProfile lets the runs of this test binary use the CPU profiler from
// now on, or no longer.
func LetTestsProfile(on bool) { weightsInTests.Store(on) }

// BeginBeside begins a run on the ledger of another, as runs of one process
// share that of their host: in a testing/synctest bubble each run would have
// a ledger of its own.
func BeginBeside(other *Run, opts ...Option) *Run {
	cfg, err := configure(opts)
	if err != nil {
		panic(err)
	}
	r := &Run{
		id: uuid.Must(uuid.NewV7()).String(), cfg: cfg, started: time.Now(), asleep: suspended(),
		ledger: other.ledger, claimed: map[int]bool{}, unknownDevices: map[string]int64{}, alone: true,
		stop: make(chan struct{}), stopped: make(chan struct{}), done: make(chan struct{}),
	}
	r.root = &account{run: r, stage: lifecycle.Unassigned}
	close(r.stopped)
	r.ledger.tickThen(func(l *ledger) { r.enter(l) })
	return r
}

// Accounts is how many accounts a run keeps.
func Accounts(r *Run) int {
	r.ledger.mu.Lock()
	defer r.ledger.mu.Unlock()
	return len(r.accounts)
}

// ContextOf is a context in which Start finds the run.
func ContextOf(ctx context.Context, r *Run) context.Context { return &runContext{ctx, r} }

// Windows is how many windows of CPU samples the run's ledger has closed.
func Windows(r *Run) int64 {
	r.ledger.mu.Lock()
	defer r.ledger.mu.Unlock()
	return r.ledger.weights.windows
}

// InWindow tells whether the run's ledger has the profiler now.
func InWindow(r *Run) bool {
	r.ledger.mu.Lock()
	defer r.ledger.mu.Unlock()
	return r.ledger.weights.state == inWindow
}

// ProfilerWait is for how long the run's ledger leaves the profiler alone
// because it was not to be had.
func ProfilerWait(r *Run) time.Duration {
	r.ledger.mu.Lock()
	defer r.ledger.mu.Unlock()
	return r.ledger.weights.wait
}

// OpenWindow begins a window of CPU samples, without a profiler.
func OpenWindow(r *Run) {
	r.ledger.tickThen(func(l *ledger) { l.weights.begin(l.t, new(windowProfile)) })
}

// CloseWindow ends the window with these samples: CPU seconds by path, those
// of the Go runtime itself, and those of code without a label.
func CloseWindow(r *Run, seconds map[string]float64, runtime, stray float64) {
	l := r.ledger
	l.mu.Lock()
	c := cpuSamples{byLabel: map[string]float64{}, runtime: runtime, stray: stray}
	for _, a := range r.accounts {
		if s, told := seconds[a.path]; told {
			c.byLabel[a.labelValue] = s
		}
	}
	l.weights.counts, l.weights.state = c, windowRead
	l.mu.Unlock()
	l.tick(false)
}

// ReadCPUProfile tells the CPU seconds by label of ours, of the Go runtime
// itself, and of code without a label.
func ReadCPUProfile(gz []byte) (byLabel map[string]float64, runtime, stray float64, err error) {
	c, err := readCPUProfile(gz)
	return c.byLabel, c.runtime, c.stray, err
}

// ParseCPUProfile is ReadCPUProfile of what is decompressed.
func ParseCPUProfile(raw []byte) (byLabel map[string]float64, runtime, stray float64, err error) {
	c, err := parseCPUProfile(raw)
	return c.byLabel, c.runtime, c.stray, err
}

// LabelKey is the key of the labels that the profiler counts by.
const LabelKey = labelKey

// Samples is how often the run's first domain has been read.
func Samples(r *Run) int64 {
	r.ledger.mu.Lock()
	defer r.ledger.mu.Unlock()
	return r.ledger.groups[0].domains[0].samples
}

// Quantiles is what a sketch tells of durations in ns, and how many buckets it
// needs.
func Quantiles(ds ...int64) (p50, p95, p99 float64, buckets int) {
	var s sketch
	for _, d := range ds {
		s.add(d)
	}
	p50, p95, p99 = s.quantiles()
	return p50, p95, p99, len(s.counts)
}

// RecordWithClocksOff is what the record of a run says of its times if the
// wall clock is off from the monotonic one, and the host has slept.
func RecordWithClocksOff(r *Run, off, slept time.Duration) *lifecycle.Record {
	var s snapshot
	r.ledger.tickThen(func(l *ledger) { s = r.snapshot(l, true) })
	started := r.started.UTC().Round(0)
	ended := started.Add(time.Duration(s.duration))
	b := &recordBuilder{run: r, snap: &s, started: started, ended: ended}
	b.rec.Run = lifecycle.RunInfo{DurationS: s.duration / 1e9, StartedAt: &started, EndedAt: &ended}
	b.clockOff(off, slept)
	return &b.rec
}

// UseProfiler puts another CPU profiler in place of the runtime's until restore
// is called.
func UseProfiler(start func(io.Writer) error, stop func()) (restore func()) {
	use := func(start func(io.Writer) error, stop func()) {
		defer PauseProfiling()() // it is free now
		startCPUProfile, stopCPUProfile = start, stop
	}
	use(start, stop)
	return func() { use(pprof.StartCPUProfile, pprof.StopCPUProfile) }
}

// LabelOf is the label of a path, or nothing if it has none.
func LabelOf(r *Run, path string) string {
	r.ledger.mu.Lock()
	defer r.ledger.mu.Unlock()
	for _, a := range r.accounts {
		if a.path == path {
			return a.labelValue
		}
	}
	return ""
}

// JobOf is what an environment says of a job.
func JobOf(env map[string]string, proc fs.FS) (rank *lifecycle.Rank, local int, trace string) {
	j := jobOf(func(name string) string { return env[name] }, proc)
	return j.rank, j.local, j.trace
}

// ParseTraceparent reads a header of W3C Trace Context.
var ParseTraceparent = parseTraceparent

// HoldHostLock takes a lock of a host as another process would.
func HoldHostLock(boot, what string) (release func(), err error) {
	f, err := openHostLock(filepath.Join(runtimeDir(), "ecotracer-"+digest(boot, what)+lockSuffix))
	if err != nil {
		return nil, err
	}
	return func() { _ = f.Close() }, nil
}

// Defaults are the defaults that the documentation tells, by what they are of.
var Defaults = map[string]string{
	"ECOTRACER_SAMPLING":    defaultPeriod.String(),
	"ECOTRACER_CHECKPOINTS": defaultCheckpoints.String(),
}

// DefaultDir is the folder that records go to if nobody says otherwise.
const DefaultDir = defaultDir

// HourSteps is how many steps a run keeps of all its stages, of the group that
// has most.
func HourSteps(r *Run) (most int) {
	r.ledger.mu.Lock()
	defer r.ledger.mu.Unlock()
	if r.hours == nil {
		return 0
	}
	for i := range r.hours.groups {
		n := 0
		for _, steps := range r.hours.groups[i].steps {
			n += len(steps)
		}
		most = max(most, n)
	}
	return most
}

// Believe is what a record takes of a source's answer for a time, in steps of a
// quarter of an hour, or why it does not.
func Believe(f factors.Factor, kind factors.Kind, from, to time.Time) (factors.Factor, error) {
	a := gridAnswer{factor: f}.believe(kind, from, to, "public")
	if a.err != nil || a.step == 0 {
		return a.factor, a.err
	}
	zero := floor(from.UnixNano(), int64(firstStep))
	return a.over(zero, int64(firstStep), int((to.UnixNano()-zero)/int64(firstStep))+1), nil
}

// Checkpoint writes the record of a running run.
func Checkpoint(r *Run) error { return r.writeCheckpoint() }
