package tracer

import (
	"context"
	"time"

	"github.com/google/uuid"

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
		stop: make(chan struct{}), stopped: make(chan struct{}),
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
