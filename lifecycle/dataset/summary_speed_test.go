package dataset

import (
	"fmt"
	"os"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/ecotracer/ecotracer/lifecycle"
)

func BenchmarkSummaryAddRow(b *testing.B) {
	for n, by := range [][]Dimension{{"phase"}, {"stage", "hardware", "country"}} {
		b.Run(join(by), func(b *testing.B) {
			var rows []Row
			w := newWorld(1, 1+n, 2)
			for _, run := range w.runs(1000) {
				rows = append(rows, run...)
			}
			s, _ := NewSummary(by...)
			b.ReportAllocs()
			for i := 0; b.Loop(); i++ {
				s.AddRow(&rows[i%len(rows)])
			}
		})
	}
}

func BenchmarkSummaryAdd(b *testing.B) {
	f, err := os.Open("../testdata/small.json")
	require.NoError(b, err)
	defer f.Close()
	r, err := lifecycle.Decode(f)
	require.NoError(b, err)
	s, _ := NewSummary("stage", "hardware")
	b.ReportAllocs()
	for i := 0; b.Loop(); i++ {
		r.Run.ID = []string{"a", "b"}[i&1]
		s.Add(r)
	}
}

// As the issue asks for: 10,000 summaries, each of 100 groups of 10 cells.
func BenchmarkSummaryMerge10000(b *testing.B) {
	var parts []*Summary
	for i := range 10 {
		var runs [][]Row
		for k := range 1000 {
			run := gridRuns(1, false)[0]
			run[0].RunID, run[0].HardwareModel, run[0].Grid.ID = fmt.Sprint(i, k), fmt.Sprint(k%100), fmt.Sprint(k/100)
			run[0].Units = map[string]int64{"samples": 100}
			run[0].Energy.Value = new(float64(1+k) * 1.1e5)
			runs = append(runs, run)
		}
		parts = append(parts, summarised(b, usualLimits, runs, "phase", "hardware"))
	}
	b.ReportAllocs()
	for b.Loop() {
		all, _ := NewSummary("phase", "hardware")
		for i := range 10_000 {
			if err := all.Merge(parts[i%10]); err != nil {
				b.Fatal(err)
			}
		}
	}
}

// The rows of one record over and over, as a table of many like runs has them.
func BenchmarkSummaryAddRowAlike(b *testing.B) {
	f, err := os.Open("../testdata/small.json")
	require.NoError(b, err)
	defer f.Close()
	r, err := lifecycle.Decode(f)
	require.NoError(b, err)
	var rows []Row
	for _, id := range []string{"a", "b"} {
		r.Run.ID = id
		rows = AppendRows(rows, r)
	}
	s, _ := NewSummary("stage", "hardware")
	b.ReportAllocs()
	for i := 0; b.Loop(); i++ {
		s.AddRow(&rows[i%len(rows)])
	}
}
