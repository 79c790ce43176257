package main

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"runtime/trace"
	"time"

	"github.com/ecotracer/ecotracer/lifecycle"
	"github.com/ecotracer/ecotracer/tracer"
	"github.com/ecotracer/ecotracer/tracer/deep"
	"github.com/ecotracer/ecotracer/tracer/meter"
	"github.com/ecotracer/ecotracer/tracer/tracertest"
)

// programs are those of the attribution part.
var programs = []struct {
	name string
	run  func(ctx context.Context, d time.Duration) map[string]time.Duration
}{
	{"a computing span beside a waiting one", beside},
	{"a computing span with a computing child", within},
	{"100 goroutines: 10 compute, 90 wait", hundred},
	{"two spans that compute 3 : 1", uneven},
	{"spans of 5 ms, shorter than any sample", brief},
	{"a parent that computes beside its child", withBoth},
}

// deepMode compares what each way of splitting gets wrong: wall share and CPU
// samples of the same kind of run, and the first booked again by the trace.
func deepMode(r *report) error {
	d := 12 * time.Second
	if r.short {
		d = 3 * time.Second
	}
	r.row("program", "wall share", "CPU samples", "execution trace", "wall / trace")
	for _, p := range programs {
		wall, deepened, err := byTrace(p.run, d)
		if err != nil {
			return err
		}
		samples, err := misattributed(p.run, d)
		if err != nil {
			return err
		}
		r.row(p.name, percent(wall), percent(samples), percent(deepened), fmt.Sprintf("%.0f", wall/deepened))
	}
	return tracingCost(r)
}

func percent(x float64) string { return fmt.Sprintf("%.2f %%", 100*x) }

// byTrace is what wall share gets wrong in a run, and what is left of it when
// the run has been attributed by its execution trace.
func byTrace(program func(context.Context, time.Duration) map[string]time.Duration, d time.Duration) (before, after float64, err error) {
	if err := os.Setenv("ECOTRACER_CPU_WEIGHTS", "off"); err != nil {
		return 0, 0, err
	}
	var log bytes.Buffer
	if err := trace.Start(&log); err != nil {
		return 0, 0, err
	}
	record, truth, err := onPlant(program, d, tracer.Timeline())
	trace.Stop()
	if err != nil {
		return 0, 0, err
	}
	again, _, err := deep.Attribute(context.Background(), record, &log)
	if err != nil {
		return 0, 0, err
	}
	return misbooked(record, truth), misbooked(again, truth), nil
}

// onPlant runs a program on a plant that burns what it really computes.
func onPlant(program func(context.Context, time.Duration) map[string]time.Duration, d time.Duration, opts ...tracer.Option) (*lifecycle.Record, map[string]time.Duration, error) {
	dir, err := os.MkdirTemp("", "ecotracer")
	if err != nil {
		return nil, nil, err
	}
	defer os.RemoveAll(dir)
	cpu := tracertest.TrueCPU()
	h := tracertest.NewHost(dir, tracertest.HostConfig{VM: true, Process: cpu, Busy: cpu})
	// One meter covers all, so that nothing is modelled beside it.
	node := tracertest.NewMeter(tracertest.Domain{Domain: meter.Domain{ID: "node0"}, Power: cpu.Times(busyWatts)})
	opts = append(append(h.Options(), tracer.Meters(node), tracer.Sinks(new(tracertest.Recorder)),
		tracer.IdlePower(map[string]float64{"node0": 0})), opts...)
	ctx, run, err := tracer.Begin(context.Background(), opts...)
	if err != nil {
		return nil, nil, err
	}
	truth := program(ctx, d)
	record, err := run.End()
	return record, truth, err
}

// tracingCost is the work that a program gets done while a trace is written,
// against without.
func tracingCost(r *report) error {
	rounds, length := 4, 3*time.Second
	if r.short {
		rounds, length = 1, time.Second
	}
	var with, without float64
	var size int
	for range rounds {
		n, err := throughput(length, false)
		if err != nil {
			return err
		}
		without += n
		var log bytes.Buffer
		if err := trace.Start(&log); err != nil {
			return err
		}
		n, err = throughput(length, false)
		trace.Stop()
		if err != nil {
			return err
		}
		with += n
		size = log.Len()
	}
	r.row("work of two computing spans, traced / not", fmt.Sprintf("%.4f", with/without), fmt.Sprintf("trace of %d kB for %s", size/1000, length))
	return nil
}

// withBoth has a parent that goes on computing while its child computes too,
// though it did not say tracer.Async.
func withBoth(ctx context.Context, d time.Duration) map[string]time.Duration {
	truth := map[string]time.Duration{}
	ctx, s := tracer.Start(ctx, "serve")
	defer s.End()
	done := make(chan time.Duration)
	go func() {
		ctx, c := tracer.Start(ctx, "request")
		cpu := tracertest.Burn(ctx, d/2)
		c.End()
		done <- cpu
	}()
	truth["serve"] = tracertest.Burn(ctx, d/4)
	truth["serve/request"] = <-done
	return truth
}
