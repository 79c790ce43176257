package tracer

import (
	"context"
	"flag"
	"os"
	"sync"
	"sync/atomic"
)

// The process's default run: the first one begun by Begin that is open, or
// one that Start opens when ECOTRACER_DIR is set.
var (
	theDefault atomic.Pointer[Run]
	openedOnce sync.Once
	opened     atomic.Bool
	openedRun  atomic.Pointer[Run]
)

func setDefaultRun(r *Run)   { theDefault.CompareAndSwap(nil, r) }
func clearDefaultRun(r *Run) { theDefault.CompareAndSwap(r, nil) }

// defaultRun is the default run, or nil.
func defaultRun() *Run {
	if r := theDefault.Load(); r != nil || opened.Load() {
		return r
	}
	openedOnce.Do(openDefault)
	return theDefault.Load()
}

// openDefault opens a run for a program that never calls Begin, once per
// process. It has no right to the host's profiler.
func openDefault() {
	defer opened.Store(true)
	if os.Getenv("ECOTRACER_DIR") == "" || disabled() || testBinary() {
		return
	}
	cfg, _ := configure(nil)
	r, _ := newRun(cfg, false)
	if r == nil {
		return
	}
	openedRun.Store(r)
	setDefaultRun(r)
}

// testBinary tells whether this is a test: it may start what it never ends.
func testBinary() bool { return flag.Lookup("test.v") != nil }

// Flush ends the default run that Start opened because ECOTRACER_DIR is set,
// and writes its record. A program that calls Begin needs no Flush; without
// either call the record is left at its last checkpoint, and is closed as
// interrupted by the next run in the folder. It gives up waiting, not writing,
// when ctx is done.
func Flush(ctx context.Context) error {
	r := openedRun.Load()
	if r == nil {
		return nil
	}
	done := make(chan error, 1)
	go func() {
		_, err := r.End()
		done <- err
	}()
	select {
	case err := <-done:
		return err
	case <-ctx.Done():
		return ctx.Err()
	}
}
