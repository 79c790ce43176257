package benchmarks

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"testing"

	"github.com/ecotracer/ecotracer/tracer"
)

// BenchmarkBegin measures the begin of a run on this host: detection, the
// first reading of all meters, and the folder of records, with few and with
// many in it.
func BenchmarkBegin(b *testing.B) {
	for _, records := range []int{0, 10_000} {
		b.Run(fmt.Sprintf("records=%d", records), func(b *testing.B) {
			b.ReportAllocs()
			dir := b.TempDir()
			for i := range records {
				if err := os.WriteFile(filepath.Join(dir, strconv.Itoa(i)+".json"), nil, 0o600); err != nil {
					b.Fatal(err)
				}
			}
			for b.Loop() {
				_, run, err := tracer.Begin(context.Background(), tracer.Dir(dir))
				b.StopTimer()
				if err != nil {
					b.Fatal(err)
				}
				if _, err := run.End(); err != nil {
					b.Fatal(err)
				}
				b.StartTimer()
			}
		})
	}
}

// BenchmarkEnd measures the end of a run with ten paths: the last reading, the
// record and its way to the disk.
func BenchmarkEnd(b *testing.B) {
	b.ReportAllocs()
	dir := b.TempDir()
	for b.Loop() {
		b.StopTimer()
		ctx, run, err := tracer.Begin(context.Background(), tracer.Dir(dir))
		if err != nil {
			b.Fatal(err)
		}
		for _, name := range []string{"load", "prepare", "train", "epoch", "batch", "evaluate", "save", "serve", "request", "report"} {
			_, s := tracer.Start(ctx, name)
			s.Count("samples", 1)
			s.End()
		}
		b.StartTimer()
		if _, err := run.End(); err != nil {
			b.Fatal(err)
		}
	}
}
