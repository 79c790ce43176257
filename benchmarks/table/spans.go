package main

import (
	"fmt"
	"math"
	"testing"

	"github.com/ecotracer/ecotracer/benchmarks"
)

// spans measures each peer three times, alternating, and keeps the best: what
// else runs on the machine only ever adds.
func spans(r *report) error {
	all := append(append([]benchmarks.Peer(nil), benchmarks.Ours...), benchmarks.Peers...)
	type figures struct {
		ns, parallel  float64
		allocs, bytes int64
	}
	best := make([]figures, len(all))
	for i := range best {
		best[i].ns, best[i].parallel = math.Inf(1), math.Inf(1)
	}
	rounds := 3
	if r.short {
		rounds = 1
	}
	for range rounds {
		for i, p := range all {
			ctx, end, err := p.Open()
			if err != nil {
				return err
			}
			serial := testing.Benchmark(func(b *testing.B) {
				b.ReportAllocs()
				for b.Loop() {
					p.Span(ctx)
				}
			})
			parallel := testing.Benchmark(func(b *testing.B) {
				b.RunParallel(func(pb *testing.PB) {
					for pb.Next() {
						p.Span(ctx)
					}
				})
			})
			end()
			f := &best[i]
			f.ns = min(f.ns, perOp(serial))
			f.parallel = min(f.parallel, perOp(parallel))
			f.allocs, f.bytes = serial.AllocsPerOp(), serial.AllocedBytesPerOp()
		}
	}
	otel := best[len(benchmarks.Ours)]
	r.row("", "ns", "of OTel", "B", "allocs", "ns on all cores", "of OTel there")
	for i, p := range all {
		f := best[i]
		name := p.Name
		if i < len(benchmarks.Ours) {
			name = "ecotracer, " + name
		}
		r.row(name, fmt.Sprintf("%.1f", f.ns), ratio(f.ns, otel.ns), fmt.Sprint(f.bytes), fmt.Sprint(f.allocs),
			fmt.Sprintf("%.1f", f.parallel), ratio(f.parallel, otel.parallel))
	}
	return nil
}

func perOp(b testing.BenchmarkResult) float64 {
	return float64(b.T.Nanoseconds()) / float64(b.N)
}

// ratio is a as a part of b.
func ratio(a, b float64) string {
	if a > b {
		return fmt.Sprintf("%.1f×", a/b)
	}
	return fmt.Sprintf("1/%.1f", b/a)
}
