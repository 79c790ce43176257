package main

import (
	"context"
	"fmt"
	"os"
	"sync"
	"time"

	"github.com/ecotracer/ecotracer/lifecycle"
	"github.com/ecotracer/ecotracer/tracer"
	"github.com/ecotracer/ecotracer/tracer/tracertest"
)

// busyWatts is what a busy CPU of the simulated plant draws; it draws nothing
// when idle, so that all of its energy is to be attributed.
const busyWatts = 25

// attribution runs programs on a plant that burns what they really compute,
// and holds the spans' energy against the CPU time that each part truly used.
func attribution(r *report) error {
	r.row("program", "wrong")
	d := 12 * time.Second
	if r.short {
		d = 3 * time.Second
	}
	for _, p := range programs[:5] {
		wrong, err := misattributed(p.run, d)
		if err != nil {
			return err
		}
		r.row(p.name, fmt.Sprintf("%.2f %%", 100*wrong))
	}
	return nil
}

// misattributed is the share of the spans' energy that belongs to another
// path: half the sum of the differences of the shares.
func misattributed(program func(context.Context, time.Duration) map[string]time.Duration, d time.Duration) (float64, error) {
	if err := os.Unsetenv("ECOTRACER_CPU_WEIGHTS"); err != nil {
		return 0, err
	}
	record, truth, err := onPlant(program, d)
	if err != nil {
		return 0, err
	}
	return misbooked(record, truth), nil
}

// misbooked is what is wrong with a record, of which the truth is known.
func misbooked(record *lifecycle.Record, truth map[string]time.Duration) float64 {
	var total time.Duration
	for _, d := range truth {
		total += d
	}
	var joules float64
	for _, s := range record.Spans {
		joules += s.SelfJ
	}
	var off float64
	for _, s := range record.Spans {
		diff := s.SelfJ/joules - truth[s.Path].Seconds()/total.Seconds()
		off += max(diff, -diff)
	}
	return off / 2
}

func beside(ctx context.Context, d time.Duration) map[string]time.Duration {
	truth := map[string]time.Duration{}
	stop := make(chan struct{})
	var wg sync.WaitGroup
	wg.Go(func() {
		_, s := tracer.Start(ctx, "wait")
		defer s.End()
		<-stop
	})
	_, s := tracer.Start(ctx, "compute")
	truth["compute"] = tracertest.Burn(ctx, d)
	s.End()
	close(stop)
	wg.Wait()
	return truth
}

func within(ctx context.Context, d time.Duration) map[string]time.Duration {
	truth := map[string]time.Duration{}
	ctx, s := tracer.Start(ctx, "train")
	for range 20 {
		truth["train"] += tracertest.Burn(ctx, d/40)
		_, c := tracer.Start(ctx, "epoch")
		truth["train/epoch"] += tracertest.Burn(ctx, d/40)
		c.End()
	}
	s.End()
	return truth
}

func hundred(ctx context.Context, d time.Duration) map[string]time.Duration {
	truth := map[string]time.Duration{}
	var mu sync.Mutex
	var computing, waiting sync.WaitGroup
	stop := make(chan struct{})
	for i := range 100 {
		if i%10 == 0 {
			computing.Go(func() {
				_, s := tracer.Start(ctx, "compute")
				defer s.End()
				cpu := tracertest.Burn(ctx, d/10)
				mu.Lock()
				truth["compute"] += cpu
				mu.Unlock()
			})
			continue
		}
		waiting.Go(func() {
			_, s := tracer.Start(ctx, "wait")
			defer s.End()
			<-stop
		})
	}
	computing.Wait()
	close(stop)
	waiting.Wait()
	return truth
}

func uneven(ctx context.Context, d time.Duration) map[string]time.Duration {
	truth := map[string]time.Duration{}
	var mu sync.Mutex
	var wg sync.WaitGroup
	end, cancel := context.WithTimeout(ctx, d)
	defer cancel()
	for name, duty := range map[string]time.Duration{"much": 30 * time.Millisecond, "little": 10 * time.Millisecond} {
		wg.Go(func() {
			_, s := tracer.Start(ctx, name)
			defer s.End()
			tick := time.NewTicker(40 * time.Millisecond)
			defer tick.Stop()
			for {
				cpu := tracertest.Burn(end, duty)
				mu.Lock()
				truth[name] += cpu
				mu.Unlock()
				select {
				case <-end.Done():
					return
				case <-tick.C:
				}
			}
		})
	}
	wg.Wait()
	return truth
}

func brief(ctx context.Context, d time.Duration) map[string]time.Duration {
	truth := map[string]time.Duration{}
	for range int(d / (10 * time.Millisecond)) {
		for _, name := range []string{"left", "right"} {
			_, s := tracer.Start(ctx, name)
			truth[name] += tracertest.Burn(ctx, 5*time.Millisecond)
			s.End()
		}
	}
	return truth
}
