package tracer

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/ecotracer/ecotracer/lifecycle"
)

const (
	defaultCheckpoints = 5 * time.Second
	// A record of many paths takes long to make: checkpoints may use this
	// part of the time.
	checkpointShare = 10
	// firstCheckpoint is early, for programs that exit without an end.
	firstCheckpoint = 100 * time.Millisecond
	// writeTimeout is how long a sink may take.
	writeTimeout = 10 * time.Second
)

// checkpoint writes the record of the running run again and again until the
// run ends: what a killed process leaves is at most one period old. Each
// write replaces the one before.
func (r *Run) checkpoint() {
	defer close(r.stopped)
	timer := time.NewTimer(min(r.cfg.checkpoints, firstCheckpoint))
	defer timer.Stop()
	for {
		select {
		case <-r.stop:
			return
		case <-timer.C:
		}
		if !r.ledger.awaitWindow(r.stop) {
			return
		}
		began := time.Now()
		err := r.writeCheckpoint()
		if err != nil && !r.over.Load() {
			r.mu.Lock()
			r.failures++
			r.mu.Unlock()
		}
		timer.Reset(r.nextCheckpoint(time.Since(began)))
	}
}

// nextCheckpoint is when to write again after a checkpoint that took so long:
// early enough that a window of CPU samples may be in the way.
func (r *Run) nextCheckpoint(took time.Duration) time.Duration {
	// Of the ranks of a job on one host one alone writes at the full rate.
	wait := times(r.cfg.checkpoints, r.ledger.sampler.every.Load(), seldomWritten) - took
	if r.labelled {
		wait = max(wait-windowLength*5/4, wait/2) // a window takes a while to stop
	}
	return max(wait, checkpointShare*took)
}

func (r *Run) writeCheckpoint() error {
	rec, _, err := r.current()
	if rec == nil {
		return err
	}
	return errors.Join(err, r.write(untilEnd{context.Background(), r}, rec))
}

// current makes the record of a running run as it stands, nil if it has ended,
// and tells of the observed spans that are open.
func (r *Run) current() (rec *lifecycle.Record, open []SingleSpan, err error) {
	var snap *snapshot
	r.ledger.tickThen(func(l *ledger) {
		if !r.ended {
			s := r.snapshot(l, true)
			snap, open = &s, r.openSpans(l)
		}
	})
	if snap == nil {
		return nil, nil, nil
	}
	rec, err = r.makeRecord(snap, lifecycle.Running)
	return rec, open, err
}

// Snapshot is the record of the run as it stands: status running, all booked up
// to now; after End it is the final one. It is a checkpoint that is not written:
// it reads the meters, and waits for a window of CPU samples that is open, which
// takes up to a second or so, for an End that is under way, or until ctx is done.
// What it costs grows with the number of paths. The caller owns the record. On a nil Run, on that of a
// disabled tracer and where ctx is done it is nil.
func (r *Run) Snapshot(ctx context.Context) (*lifecycle.Record, error) {
	rec, _, err := r.SnapshotSpans(ctx)
	return rec, err
}

// awaitWindow waits until no window of CPU samples is open: settled before its
// end, what it would have told is lost. It is false if stop comes first.
func (l *ledger) awaitWindow(stop <-chan struct{}) bool {
	l.mu.Lock()
	state, stopped := l.weights.state, l.weights.stopped
	l.mu.Unlock()
	if state != inWindow && state != stopping {
		return true
	}
	select {
	case <-stopped:
		return true
	case <-stop:
		return false
	}
}

// makeRecord makes a record of a run's books, or none: the host is not to
// suffer from a mistake of ours.
func (r *Run) makeRecord(snap *snapshot, status lifecycle.Status) (rec *lifecycle.Record, err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	defer func() {
		if p := recover(); p != nil {
			rec, err = nil, fmt.Errorf("tracer: the record of run %s cannot be made: %v", r.id, p)
		}
	}()
	if status == lifecycle.Complete && r.cfg.failed {
		status = lifecycle.Failed
	}
	return r.record(snap, status)
}

// write gives a record to the run's sinks.
func (r *Run) write(ctx context.Context, rec *lifecycle.Record) error {
	ctx, cancel := context.WithTimeout(ctx, writeTimeout)
	defer cancel()
	var errs []error
	for _, s := range r.cfg.sinks {
		if err := writeSink(ctx, s, rec); err != nil {
			errs = append(errs, err)
		}
	}
	return errors.Join(errs...)
}

// writeSink writes to a sink; one that panics has failed.
func writeSink(ctx context.Context, s Sink, rec *lifecycle.Record) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("tracer: sink %T panicked: %v", s, p)
		}
	}()
	return s.Write(ctx, rec)
}

// untilEnd is a context that is done when the run ends.
type untilEnd struct {
	context.Context
	run *Run
}

func (c untilEnd) Done() <-chan struct{} { return c.run.stop }

func (c untilEnd) Err() error {
	select {
	case <-c.run.stop:
		return context.Canceled
	default:
		return nil
	}
}
