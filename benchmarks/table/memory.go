package main

import (
	"context"
	"fmt"
	"runtime"

	"github.com/ecotracer/ecotracer/tracer"
)

func memory(r *report) error {
	ctx, run, err := tracer.Begin(context.Background(), tracer.Sinks(discard{}))
	if err != nil {
		return err
	}
	counts := []int{1_000_000, 10_000_000, 100_000_000}
	if r.short {
		counts = counts[:2]
	}
	r.row("spans", "heap, KiB")
	done := 0
	for _, n := range counts {
		for ; done < n; done++ {
			_, s := tracer.Start(ctx, "batch")
			s.End()
		}
		r.row(fmt.Sprint(n), fmt.Sprintf("%.0f", heap()))
	}
	_, err = run.End()
	return err
}

func heap() float64 {
	runtime.GC()
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return float64(m.HeapAlloc) / 1024
}
