package tracer

import (
	"context"
	"time"

	"github.com/ecotracer/ecotracer/lifecycle"
)

const (
	defaultCheckpoints = 5 * time.Second
	// A record of many paths takes long to make: checkpoints may use this
	// part of the time.
	checkpointShare = 50
)

// checkpoint writes the record of the running run again and again until the
// run ends: what a killed process leaves is at most one period old. Each
// write replaces the one before.
func (r *Run) checkpoint() {
	defer close(r.stopped)
	timer := time.NewTimer(min(r.cfg.checkpoints, time.Second))
	defer timer.Stop()
	for {
		select {
		case <-r.stop:
			return
		case <-timer.C:
		}
		began := time.Now()
		r.writeCheckpoint()
		timer.Reset(max(r.cfg.checkpoints, checkpointShare*time.Since(began)))
	}
}

func (r *Run) writeCheckpoint() {
	l := r.ledger
	l.mu.Lock()
	if r.ended {
		l.mu.Unlock()
		return
	}
	snap := r.snapshot(l, true)
	l.mu.Unlock()

	r.mu.Lock()
	defer r.mu.Unlock()
	if r.over.Load() {
		return
	}
	rec, err := r.record(&snap, lifecycle.Running)
	if err == nil {
		err = r.write(context.Background(), rec)
	}
	if err != nil {
		r.failures++
	}
}
