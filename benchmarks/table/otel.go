package main

import (
	"fmt"
	"math"
	"testing"
	"time"

	"github.com/ecotracer/ecotracer/benchmarks"
)

// joined measures what it costs that both worlds have a span, by the figures of
// the plain SDK: in a loop, which is more than any program does, and at a pace of
// 10,000 spans a second, at which all spans have energy.
func joined(r *report) error {
	type figures struct {
		ns            float64
		allocs, bytes int64
		energised     string
	}
	best := make([]figures, len(benchmarks.Joined))
	rounds := 3
	if r.short {
		rounds = 1
	}
	for round := range rounds {
		for i, p := range benchmarks.Joined {
			ctx, end, err := p.Open()
			if err != nil {
				return err
			}
			b := testing.Benchmark(func(b *testing.B) {
				b.ReportAllocs()
				for b.Loop() {
					p.Span(ctx)
				}
			})
			end()
			f := &best[i]
			if round == 0 {
				f.ns = math.Inf(1)
			}
			f.ns = min(f.ns, perOp(b))
			f.allocs, f.bytes, f.energised = b.AllocsPerOp(), b.AllocedBytesPerOp(), withEnergy()
		}
	}
	r.row("in a loop", "ns", "of OTel alone", "B", "allocs", "with energy")
	for i, p := range benchmarks.Joined {
		f := best[i]
		r.row(p.Name, fmt.Sprintf("%.0f", f.ns), ratio(f.ns, best[0].ns), fmt.Sprint(f.bytes), fmt.Sprint(f.allocs), f.energised)
	}
	return paced(r)
}

// withEnergy is the part of spans that had energy, for people.
func withEnergy() string {
	part, told := benchmarks.Energised()
	if !told {
		return ""
	}
	return fmt.Sprintf("%.0f %%", 100*part)
}

// paced measures the CPU time of the process at a pace.
func paced(r *report) error {
	const perTick, tick = 100, 10 * time.Millisecond
	d := 15 * time.Second
	if r.short {
		d = 6 * time.Second
	}
	r.row("10,000 a second", "% of a core", "of OTel alone", "", "", "with energy")
	var alone float64
	for i, p := range benchmarks.Joined {
		ctx, end, err := p.Open()
		if err != nil {
			return err
		}
		before, began := cpuTime(), time.Now()
		ticker := time.NewTicker(tick)
		for time.Since(began) < d {
			<-ticker.C
			for range perTick {
				p.Span(ctx)
			}
		}
		ticker.Stop()
		used := (cpuTime() - before).Seconds() / time.Since(began).Seconds()
		end()
		if i == 0 {
			alone = used
		}
		r.row(p.Name, fmt.Sprintf("%.2f", 100*used), ratio(used, alone), "", "", withEnergy())
	}
	return nil
}
