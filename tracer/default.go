package tracer

import (
	"context"
	"errors"
	"flag"
	"os"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
)

// defaults is where Start finds the process's default run: the first one begun
// by Begin that is open; in a program that has begun none, the one that Start
// opens when ECOTRACER_DIR is set.
var defaults struct {
	run     atomic.Pointer[Run]
	decided atomic.Bool // Start opens none, or none any more

	mu     sync.Mutex
	begun  []*Run // open ones, the first first
	opened *Run   // by Start
	err    error  // what was wrong when it was opened
}

// defaultRun is the default run, or nil.
func defaultRun() *Run {
	if defaults.decided.Load() {
		return defaults.run.Load()
	}
	return decideDefault()
}

// decideDefault opens the default run, if there is to be one and nobody has.
func decideDefault() *Run {
	defaults.mu.Lock()
	defer defaults.mu.Unlock()
	if !defaults.decided.Load() {
		openDefault()
		defaults.decided.Store(true)
	}
	return defaults.run.Load()
}

// openDefault opens a run for a program that never calls Begin, once per
// process. It has no right to the host's profiler.
func openDefault() {
	if os.Getenv("ECOTRACER_DIR") == "" || disabled() || testBinary() {
		return
	}
	cfg, err := configure(nil)
	r, err2 := newRun(cfg, false)
	defaults.err = errors.Join(err, err2)
	if r != nil {
		defaults.opened = r
		defaults.run.Store(r)
	}
}

// takeDefault says that the program begins its runs itself: Start opens none
// from now on, and one that it opened ends.
func takeDefault() error {
	defaults.mu.Lock()
	defaults.decided.Store(true)
	opened := defaults.opened
	defaults.mu.Unlock()
	if opened == nil || opened.over.Load() {
		return nil
	}
	_, err := opened.End()
	return err
}

// addDefault makes a run the default run, now or when those before it end.
func addDefault(r *Run) {
	defaults.mu.Lock()
	defer defaults.mu.Unlock()
	defaults.begun = append(defaults.begun, r)
	defaults.run.Store(defaults.begun[0])
}

// removeDefault is called when a run ends.
func removeDefault(r *Run) {
	defaults.mu.Lock()
	defer defaults.mu.Unlock()
	defaults.begun = slices.DeleteFunc(defaults.begun, func(o *Run) bool { return o == r })
	switch {
	case len(defaults.begun) > 0:
		defaults.run.Store(defaults.begun[0])
	default:
		defaults.run.CompareAndSwap(r, nil)
	}
}

// testBinary tells whether this is a test: it may start what it never ends.
// The testing package has its flags only after all init functions.
func testBinary() bool {
	return flag.Lookup("test.v") != nil ||
		slices.ContainsFunc(os.Args, func(a string) bool { return strings.HasPrefix(a, "-test.") })
}

// Flush ends the default run that Start opened because ECOTRACER_DIR is set,
// and writes its record; its error also tells what was wrong when the run was
// opened. After it Start is free. A program that calls Begin needs no Flush.
// Without either call the record is left at its last checkpoint, and is closed
// as interrupted by the next run in the folder.
//
// When ctx is done Flush gives up waiting and returns its error; the record is
// written all the same if the process lives long enough.
func Flush(ctx context.Context) error {
	if ctx == nil {
		ctx = context.Background()
	}
	defaults.mu.Lock()
	r, opening := defaults.opened, defaults.err
	defaults.mu.Unlock()
	if r == nil {
		return opening
	}
	done := make(chan error, 1)
	go func() {
		_, err := r.End()
		done <- err
	}()
	select {
	case err := <-done:
		return errors.Join(opening, err)
	case <-ctx.Done():
		return ctx.Err()
	}
}
