// Package tracer: stub of the public API, to be replaced.
package tracer

import (
	"context"

	"github.com/ecotracer/ecotracer/lifecycle"
)

// Sink takes the records of a run: checkpoints (status running), then the
// final one under the same run ID, which replaces them.
type Sink interface {
	Write(ctx context.Context, r *lifecycle.Record) error
}

// Run is one execution that yields one record.
type Run struct{}

// Begin starts a run.
func Begin(ctx context.Context, opts ...Option) (context.Context, *Run, error) {
	return ctx, &Run{}, nil
}

// End ends the run, writes its record and returns it.
func (r *Run) End() (*lifecycle.Record, error) { return &lifecycle.Record{}, nil }

// ID is the UUIDv7 of the run.
func (r *Run) ID() string { return "" }

// Describe adds to what the record says of the run, such as a metric that is
// known only at its end. Only Named, At, Publisher, UseCase and Technology
// have an effect.
func (r *Run) Describe(opts ...Option) {}

// Span is a timed block of code.
type Span struct{ context.Context }

// StartOption configures a span.
type StartOption func(*startConfig)
type startConfig struct{}

// In puts the span in a stage.
func In(s lifecycle.Stage) StartOption { return nil }

// Async says that the span runs beside its parent.
func Async() StartOption { return nil }

// OnDevices claims devices by domain ID.
func OnDevices(ids ...string) StartOption { return nil }

// Start starts a span.
func Start(ctx context.Context, name string, opts ...StartOption) (context.Context, *Span) {
	return ctx, nil
}

// Do runs f in a span.
func Do(ctx context.Context, name string, f func(context.Context) error, opts ...StartOption) error {
	return f(ctx)
}

// End ends the span.
func (s *Span) End() {}

// Count counts functional units.
func (s *Span) Count(unit string, n int) {}

// Fail marks the span as failed if err is not nil.
func (s *Span) Fail(err error) {}

// Flush ends the default run that was opened by ECOTRACER_DIR.
func Flush(ctx context.Context) error { return nil }

// PauseProfiling stops CPU profiling by the tracer until resume is called.
func PauseProfiling() (resume func()) { return func() {} }

// Recover closes the interrupted runs in a folder and returns the paths of
// the records that it closed.
func Recover(dir string) ([]string, error) { return nil, nil }
