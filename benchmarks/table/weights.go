package main

import (
	"context"
	"fmt"
	"os"
	"sync"
	"sync/atomic"
	"time"

	"github.com/ecotracer/ecotracer/tracer"
)

// weights counts the work that two computing spans get done, with windows and
// without, in turn.
func weights(r *report) error {
	rounds, length := 4, 10*time.Second
	if r.short {
		rounds, length = 1, 4*time.Second
	}
	var with, without float64
	for range rounds {
		for _, on := range []bool{true, false} {
			n, err := throughput(length, on)
			if err != nil {
				return err
			}
			if on {
				with += n
			} else {
				without += n
			}
		}
	}
	r.row("with windows / without", fmt.Sprintf("%.4f", with/without), fmt.Sprintf("over the first %s of a run, %d times each", length, rounds))
	return nil
}

func throughput(length time.Duration, windows bool) (float64, error) {
	setting := "off"
	if windows {
		setting = ""
	}
	if err := os.Setenv("ECOTRACER_CPU_WEIGHTS", setting); err != nil {
		return 0, err
	}
	ctx, run, err := tracer.Begin(context.Background(), tracer.Sinks(discard{}))
	if err != nil {
		return 0, err
	}
	stop, cancel := context.WithTimeout(ctx, length)
	defer cancel()
	var done atomic.Int64
	var wg sync.WaitGroup
	for _, name := range []string{"left", "right"} {
		wg.Go(func() {
			_, s := tracer.Start(ctx, name)
			defer s.End()
			for stop.Err() == nil {
				done.Add(work(1 << 16))
			}
		})
	}
	wg.Wait()
	_, err = run.End()
	return float64(done.Load()), err
}

var sink atomic.Uint64

// work computes and tells how much it did.
func work(n int) int64 {
	x := uint64(n)
	for range n {
		x ^= x << 13
		x ^= x >> 7
		x ^= x << 17
	}
	sink.Store(x)
	return int64(n)
}
