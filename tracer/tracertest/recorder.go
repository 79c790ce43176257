package tracertest

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"sync"

	"github.com/ecotracer/ecotracer/lifecycle"
	"github.com/ecotracer/ecotracer/tracer"
)

// Recorder is a tracer.Sink that keeps records in memory, for tests of
// programs that are instrumented. It can be made to fail as a full disk does,
// or to stall as a dead network does. The zero value is ready to use. All
// methods may be called from several goroutines at once.
//
// It keeps every record that was written, checkpoints too, as it was at that
// time. What it gives out belongs to the Recorder: do not change it.
type Recorder struct {
	mu     sync.Mutex
	writes []*lifecycle.Record
	err    error
	stall  chan struct{} // closed by Heal; nil: not stalled
}

// Write keeps a copy of the record. It fails if the record cannot be written
// as JSON, such as one with NaN in it, and as Fail and Stall say. That ctx is
// cancelled does not keep it from recording.
func (r *Recorder) Write(ctx context.Context, record *lifecycle.Record) error {
	r.mu.Lock()
	stall := r.stall
	r.mu.Unlock()
	if stall != nil {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-stall:
		}
	}
	kept, err := deepCopy(record)
	if err != nil {
		return err
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.err != nil {
		return r.err
	}
	r.writes = append(r.writes, kept)
	return nil
}

// deepCopy is a record as a reader of its JSON sees it.
func deepCopy(record *lifecycle.Record) (*lifecycle.Record, error) {
	if record == nil {
		return nil, fmt.Errorf("tracertest: there is no record to write")
	}
	text, err := json.Marshal(record)
	if err != nil {
		return nil, fmt.Errorf("tracertest: record of run %s: %w", record.Run.ID, err)
	}
	kept := new(lifecycle.Record)
	if err := json.Unmarshal(text, kept); err != nil {
		return nil, fmt.Errorf("tracertest: record of run %s: %w", record.Run.ID, err)
	}
	return kept, nil
}

// All is every record that was written, in that order.
func (r *Recorder) All() []*lifecycle.Record {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.Clone(r.writes)
}

// Records is the latest record of each run, in the order of their first: what
// a folder of records would hold.
func (r *Recorder) Records() []*lifecycle.Record {
	var latest []*lifecycle.Record
	for _, record := range r.All() {
		i := slices.IndexFunc(latest, func(l *lifecycle.Record) bool { return l.Run.ID == record.Run.ID })
		if i < 0 {
			latest = append(latest, record)
		} else {
			latest[i] = record
		}
	}
	return latest
}

// Last is the record that was written last, or nil.
func (r *Recorder) Last() *lifecycle.Record {
	r.mu.Lock()
	defer r.mu.Unlock()
	if len(r.writes) == 0 {
		return nil
	}
	return r.writes[len(r.writes)-1]
}

// Span is the account of a path, such as train/epoch, in the Last record, or
// nil. Where spans of one path are of several stages, it is the first.
func (r *Recorder) Span(path string) *lifecycle.Span {
	last := r.Last()
	if last == nil {
		return nil
	}
	i := slices.IndexFunc(last.Spans, func(s lifecycle.Span) bool { return s.Path == path })
	if i < 0 {
		return nil
	}
	return &last.Spans[i]
}

// Fail makes Write fail from now on: with syscall.ENOSPC as a full disk does.
func (r *Recorder) Fail(err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.err = err
}

// Stall makes Write wait from now on, until its context is done or Heal is
// called.
func (r *Recorder) Stall() {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.stall == nil {
		r.stall = make(chan struct{})
	}
}

// Heal undoes Fail and Stall; what waits goes on.
func (r *Recorder) Heal() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.err = nil
	if r.stall != nil {
		close(r.stall)
		r.stall = nil
	}
}

var _ tracer.Sink = (*Recorder)(nil)
