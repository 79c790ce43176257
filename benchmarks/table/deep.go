package main

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"runtime/trace"
	"sync"
	"sync/atomic"
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

// tracingCost is what a program gets done for a second of CPU time while an
// execution trace is written, against without.
func tracingCost(r *report) error {
	rounds, length := 4, 2*time.Second
	if r.short {
		rounds, length = 2, time.Second
	}
	if err := os.Setenv("ECOTRACER_CPU_WEIGHTS", "off"); err != nil {
		return err
	}
	for _, p := range []struct {
		name string
		work func(context.Context) int64 // until it is done
	}{
		{"computing in two spans", computing},
		{"Start and End around nothing", spanning},
		{"handing over between two goroutines", handing},
	} {
		var speed [2]float64
		var size int
		for range rounds {
			for i := range speed {
				log := new(bytes.Buffer)
				if i == 1 {
					if err := trace.Start(log); err != nil {
						return err
					}
				}
				v, err := speedOf(p.work, length)
				trace.Stop()
				if err != nil {
					return err
				}
				speed[i] += v
				size = log.Len()
			}
		}
		r.row("traced / not: "+p.name, fmt.Sprintf("%.3f", speed[1]/speed[0]), "", fmt.Sprintf("%.2f MB/s", float64(size)/1e6/length.Seconds()))
	}
	return nil
}

// speedOf is the work done for a second of CPU time in a live run.
func speedOf(work func(context.Context) int64, length time.Duration) (float64, error) {
	ctx, run, err := tracer.Begin(context.Background(), tracer.Sinks(discard{}))
	if err != nil {
		return 0, err
	}
	ctx, cancel := context.WithTimeout(ctx, length)
	defer cancel()
	cpu := tracertest.TrueCPU()
	begin := cpu(0)
	done := work(ctx)
	used := cpu(0) - begin
	_, err = run.End()
	return float64(done) / used, err
}

func computing(ctx context.Context) int64 {
	var done atomic.Int64
	var wg sync.WaitGroup
	for _, name := range []string{"left", "right"} {
		wg.Go(func() {
			ctx, s := tracer.Start(ctx, name)
			defer s.End()
			for ctx.Err() == nil {
				done.Add(work(1 << 16))
			}
		})
	}
	wg.Wait()
	return done.Load()
}

func spanning(ctx context.Context) (n int64) {
	for ctx.Err() == nil {
		for range 1000 {
			_, s := tracer.Start(ctx, "batch")
			s.End()
		}
		n += 1000
	}
	return n
}

func handing(ctx context.Context) (n int64) {
	ctx, s := tracer.Start(ctx, "hand over")
	defer s.End()
	there, back := make(chan int), make(chan int)
	go func() {
		defer close(back)
		for v := range there {
			back <- v
		}
	}()
	for ctx.Err() == nil {
		there <- 0
		<-back
		n++
	}
	close(there)
	return n
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
