package export

import (
	"fmt"
	"io"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/ecotracer/ecotracer/lifecycle"
)

// wide is the example record with n paths instead of its epochs.
func wide(b *testing.B, n int) *lifecycle.Record {
	b.Helper()
	r := exampleRecord(b)
	epoch := r.Spans[2]
	r.Spans = append(r.Spans[:2:2], r.Spans[3])
	for i := range n {
		s := epoch
		s.Path = fmt.Sprintf("fit/epoch %d", i)
		s.Count, s.SelfJ, s.SelfS, s.TotalS = 1, epoch.SelfJ/float64(n), epoch.SelfS/float64(n), epoch.SelfS/float64(n)
		s.TotalJ = s.SelfJ
		s.MinS, s.P50S, s.P95S, s.P99S, s.MaxS = &s.SelfS, &s.SelfS, &s.SelfS, &s.SelfS, &s.SelfS
		s.Units = map[string]lifecycle.Unit{"samples": {Count: 9}}
		r.Spans = append(r.Spans, s)
	}
	return r
}

// The bar is 100 ms for a record of 10,000 paths.
func BenchmarkBOMsAndTraces(b *testing.B) {
	r := wide(b, 10_000)
	var lines strings.Builder
	for i := range 10_000 {
		fmt.Fprintf(&lines, `{"path":"fit/epoch %d","stage":"training/training","begin_s":%d,"end_s":%d}`+"\n", i, i, i+1)
	}
	for _, f := range Formats() {
		b.Run(f.Name, func(b *testing.B) {
			for b.Loop() {
				o := Options{Record: "r.json"}
				if f.Name == "trace" {
					o.Spans = strings.NewReader(lines.String())
				}
				_, err := f.Write(io.Discard, r, o)
				require.NoError(b, err)
			}
		})
	}
}
