package main

import (
	"context"
	"fmt"
	"strconv"
	"syscall"
	"time"

	"github.com/ecotracer/ecotracer/lifecycle"
	"github.com/ecotracer/ecotracer/tracer"
	"github.com/ecotracer/ecotracer/tracer/tracertest"
)

// discard keeps records from the disk.
type discard struct{}

func (discard) Write(context.Context, *lifecycle.Record) error { return nil }

func cpuTime() time.Duration {
	var ru syscall.Rusage
	if syscall.Getrusage(syscall.RUSAGE_SELF, &ru) != nil {
		return 0
	}
	return time.Duration(ru.Utime.Nano() + ru.Stime.Nano())
}

// sampler lets runs idle whose every path has an open span, the worst case of
// a tick, and divides the CPU time of the process by the samples taken.
func sampler(r *report) error {
	r.row("domains", "open paths", "CPU µs a tick", "of a core at 1 Hz")
	for _, c := range []struct{ domains, paths int }{{1, 10}, {8, 10}, {64, 10}, {8, 1000}, {8, 10_000}, {64, 10_000}} {
		tick, err := tickCost(r, c.domains, c.paths)
		if err != nil {
			return err
		}
		r.row(strconv.Itoa(c.domains), strconv.Itoa(c.paths), fmt.Sprintf("%.1f", float64(tick.Nanoseconds())/1e3),
			fmt.Sprintf("%.4f %%", 100*tick.Seconds()))
	}
	return nil
}

func tickCost(r *report, domains, paths int) (time.Duration, error) {
	var ds []tracertest.Domain
	for i := range domains {
		d := tracertest.Domain{Power: tracertest.Constant(20)}
		d.ID = "cpu" + strconv.Itoa(i)
		ds = append(ds, d)
	}
	ctx, run, err := tracer.Begin(context.Background(), tracer.Meters(tracertest.NewMeter(ds...)), tracer.Sinks(discard{}),
		tracer.Sampling(20*time.Millisecond), tracer.Checkpoints(-1))
	if err != nil {
		return 0, err
	}
	for i := range paths {
		_, s := tracer.Start(ctx, "path"+strconv.Itoa(i), tracer.Async())
		defer s.End()
	}
	length := 4 * time.Second
	if r.short {
		length = time.Second
	}
	// The first seconds are sampled every 100 ms or as asked, if that is less.
	before := cpuTime()
	<-time.After(length)
	used := cpuTime() - before
	rec, err := run.End()
	if err != nil {
		return 0, err
	}
	samples := rec.Ledger[0].Samples
	return used / time.Duration(max(samples, 1)), nil
}
