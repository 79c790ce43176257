package export

import (
	"fmt"
	"io"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/ecotracer/ecotracer/lifecycle"
)

// wideRecord is the example with 10,000 paths.
func wideRecord(t testing.TB) *lifecycle.Record {
	r := exampleRecord(t)
	zero := new(float64)
	for i := len(r.Spans); i < 10_000; i++ {
		r.Spans = append(r.Spans, lifecycle.Span{
			Path: fmt.Sprintf("step-%d", i), Stage: lifecycle.Training, Count: 1, MinS: zero, P50S: zero, P95S: zero, P99S: zero, MaxS: zero,
		})
	}
	require.Empty(t, errorsIn(r))
	return r
}

// BenchmarkExport writes a record of 10,000 paths: the bar is 100 ms.
func BenchmarkExport(b *testing.B) {
	r := wideRecord(b)
	for name, o := range map[string]Options{"": {}, "-bare": {Bare: true}, "-stages": {PerStage: true}} {
		for _, f := range []struct {
			name  string
			write Func
		}{{"boamps", BoAmps}, {"codecarbon", CodeCarbon}} {
			if f.name == "codecarbon" && name != "" {
				continue
			}
			b.Run(f.name+name, func(b *testing.B) {
				for b.Loop() {
					if _, err := f.write(io.Discard, r, o); err != nil {
						b.Fatal(err)
					}
				}
			})
		}
	}
}
