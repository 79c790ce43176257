package expose

import (
	"context"
	"time"

	"github.com/ecotracer/ecotracer/lifecycle"
	"github.com/ecotracer/ecotracer/tracer"
)

const (
	// fresh is how long a record is shown.
	fresh = 5 * time.Second
	// freshTimes is how many times as long as it took to make, at least: making
	// records takes less than this part of the time.
	freshTimes = 10
	// patience is how long a record may take to make. It waits for a window of
	// CPU samples, which lasts a second.
	patience = 3 * time.Second
)

// source makes something of the record of a run, now and then.
type source[T any] struct {
	run *tracer.Run
	of  func(*lifecycle.Record) T // called by one goroutine at a time

	// turn holds a token while nobody makes a record. Whoever has it may use
	// what follows.
	turn  chan struct{}
	last  T
	have  bool
	final bool
	until time.Time
}

func newSource[T any](run *tracer.Run, of func(*lifecycle.Record) T) *source[T] {
	s := &source[T]{run: run, of: of, turn: make(chan struct{}, 1)}
	s.turn <- struct{}{}
	return s
}

// latest is what was last made, if any was.
func (s *source[T]) latest(ctx context.Context) (T, bool) {
	select {
	case <-s.turn:
		defer func() { s.turn <- struct{}{} }()
	case <-ctx.Done():
		var none T
		return none, false
	}
	if s.final || s.have && time.Now().Before(s.until) {
		return s.last, s.have
	}
	// Who asked may go away: the next who asks has use of it.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), patience)
	defer cancel()
	began := time.Now()
	// Beside an error there may be a record, with what could be told.
	if r, _ := s.run.Snapshot(ctx); r != nil && r.Run.ID != "" {
		s.last, s.have = s.of(r), true
		s.final = r.Run.Status != lifecycle.Running
	}
	now := time.Now()
	s.until = now.Add(max(fresh, freshTimes*now.Sub(began)))
	return s.last, s.have
}
