package tracer_test

import (
	"context"
	"fmt"
	"strconv"
	"testing"

	"github.com/ecotracer/ecotracer/lifecycle"
	"github.com/ecotracer/ecotracer/tracer"
	"github.com/ecotracer/ecotracer/tracer/tracertest"
)

type discard struct{}

func (discard) Write(context.Context, *lifecycle.Record) error { return nil }

// openPaths is a run on so many domains, with so many open paths.
func openPaths(b *testing.B, domains, paths int) (context.Context, *tracer.Run) {
	b.Helper()
	var ds []tracertest.Domain
	for i := range domains {
		d := tracertest.Domain{Power: tracertest.Constant(20)}
		d.ID = "cpu" + strconv.Itoa(i)
		ds = append(ds, d)
	}
	ctx, run, err := tracer.Begin(context.Background(), tracer.Meters(tracertest.NewMeter(ds...)),
		tracer.Sinks(discard{}), tracer.Checkpoints(-1))
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { _, _ = run.End() })
	for i := range paths {
		_, s := tracer.Start(ctx, "path"+strconv.Itoa(i))
		b.Cleanup(s.End)
	}
	return ctx, run
}

// BenchmarkTick measures one reading and booking of all domains, with a span
// open on every path: the worst case. Domains are simulated; what reading a
// real counter takes comes on top.
func BenchmarkTick(b *testing.B) {
	for _, c := range []struct{ paths, domains int }{{10, 1}, {10, 8}, {10, 64}, {10_000, 8}, {10_000, 64}} {
		b.Run(fmt.Sprintf("paths=%d/domains=%d", c.paths, c.domains), func(b *testing.B) {
			_, run := openPaths(b, c.domains, c.paths)
			b.ReportAllocs()
			for b.Loop() {
				tracer.Tick(run)
			}
		})
	}
}

// BenchmarkCheckpoint measures the record of a running run of ten paths on a
// simulated server with eight cards, without the way to the disk.
func BenchmarkCheckpoint(b *testing.B) {
	host := tracertest.NewHost(b.TempDir(), tracertest.HostConfig{
		Model: "Intel(R) Xeon(R) Gold 6248 CPU @ 2.50GHz", Cores: 20, Memory: 191 << 30, Packages: constant(100, 80), Files: files(inAServer, aFlash, aDisk),
	})
	ctx, run, err := tracer.Begin(context.Background(), append(host.Options(), tracer.Meters(cards(8, "NVIDIA A100-SXM4-80GB")),
		tracer.At(tracer.Site{Country: "FR"}), tracer.Sinks(discard{}), tracer.Checkpoints(-1))...)
	if err != nil {
		b.Fatal(err)
	}
	defer run.End()
	for i := range 10 {
		_, s := tracer.Start(ctx, "path"+strconv.Itoa(i))
		s.End()
	}
	b.ReportAllocs()
	for b.Loop() {
		if err := tracer.Checkpoint(run); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkSecond measures what the sampler does each second, with ten paths of
// which one is a loop that has done half of what it expects, or a budget is set to.
func BenchmarkSecond(b *testing.B) {
	for _, domains := range []int{8, 64} {
		for _, c := range []struct {
			name           string
			expect, budget bool
		}{{"plain", false, false}, {"expect", true, false}, {"budget", false, true}, {"both", true, true}} {
			b.Run(fmt.Sprintf("domains=%d/%s", domains, c.name), func(b *testing.B) {
				ctx, run := openPaths(b, domains, 10)
				ctx, train := tracer.Start(ctx, "train")
				defer train.End()
				if c.expect {
					train.Expect("epoch", 128)
				}
				if c.budget {
					var release context.CancelFunc
					ctx, release = tracer.Budget(ctx, tracer.Limit{EnergyJ: 1e12, GCO2e: 1e12})
					defer release()
				}
				for range 64 {
					_, s := tracer.Start(ctx, "epoch")
					tracer.Tick(run)
					s.End()
				}
				b.ReportAllocs()
				for b.Loop() {
					tracer.Second(run)
				}
			})
		}
	}
}
