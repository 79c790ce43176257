package parquet

import (
	"context"
	"fmt"
	"runtime"
	"slices"
	"strings"
	"sync"
	"sync/atomic"

	"github.com/ecotracer/ecotracer/lifecycle/dataset"
)

// Summarise summarises tables by these dimensions: several row groups at once,
// and of each only the columns that are needed. The result is, to the bit, that
// of adding all their rows in turn. Files of a [Writer] have no run in two row
// groups; a file of another program is read in its order, for there it may.
//
// In a partitioned table the rows of a run are in several files: they are sorted
// by run first, with what does not fit into memory in a temporary file of some
// 200 bytes a row. The result is, to the bit, that of the table in one piece. The
// rows of a run must otherwise be in one file. Of the Reader, Workers and TempDir
// are taken.
//
// That no run is there twice is for who made the table to see. What a row tells
// is not checked as [Read] does; what is no amount is left out of the sums, as in
// [dataset.Summary].
func Summarise(ctx context.Context, from dataset.Reader, paths []string, by ...dataset.Dimension) (*dataset.Summary, error) {
	files, err := tables(paths)
	if err != nil {
		return nil, err
	}
	total, err := dataset.NewSummary(by...)
	if err != nil {
		return nil, err
	}
	if len(files) > 1 && slices.ContainsFunc(files, func(f tableFile) bool { return f.partitioned }) {
		if err := gather(ctx, from, files, total); err != nil {
			return nil, err
		}
		return total, nil
	}
	if from.Workers <= 0 {
		from.Workers = runtime.GOMAXPROCS(0)
	}
	type part struct{ file, from, to int } // row groups of a file
	var parts []part
	for i, f := range files { // one after another: there may be more than can be open
		t, err := openTable(f)
		if err != nil {
			return nil, err
		}
		n := len(t.file.RowGroups())
		t.close()
		if !t.whole && n > 0 {
			parts = append(parts, part{i, 0, n})
			continue
		}
		for k := range n {
			parts = append(parts, part{i, k, k + 1})
		}
	}

	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	var wait sync.WaitGroup
	var next atomic.Int64
	var mu sync.Mutex
	needed := needs(by)
	for range min(from.Workers, len(parts)) {
		wait.Go(func() {
			own, err := dataset.NewSummary(by...)
			var b *rowBatch
			for k := int(next.Add(1)) - 1; k < len(parts) && err == nil; k = int(next.Add(1)) - 1 {
				p := parts[k]
				if b == nil || b.table.path != files[p.file].path {
					if b != nil {
						b.close()
						b.table.close()
						b = nil
					}
					t, failed := openTable(files[p.file])
					if err = failed; err != nil {
						break
					}
					b = newRowBatch(t, needed)
				}
				for g := p.from; g < p.to && err == nil; g++ {
					if err = b.read(ctx, g, func(rows []dataset.Row) error {
						for i := range rows {
							own.AddRow(&rows[i])
						}
						return nil
					}); err != nil {
						err = fmt.Errorf("parquet: %s: %w", b.table.path, err)
					}
				}
			}
			if b != nil {
				b.close()
				b.table.close()
			}
			mu.Lock()
			defer mu.Unlock()
			if err == nil {
				err = total.Merge(own)
			}
			if err != nil {
				cancel(err)
			}
		})
	}
	wait.Wait()
	if err := context.Cause(ctx); err != nil {
		return nil, err
	}
	return total, nil
}

// needs tells which columns a summary by these dimensions reads: those that it
// groups by, and what it adds up.
func needs(by []dataset.Dimension) func(name string) bool {
	needed := map[string]bool{}
	for _, name := range []string{
		"run_id", "status", "stage", "stage_s", "units", "device_s", "method", "meter_id", "meter_error",
		"energy_j", "facility_energy_j", "operational_gco2e", "embodied_gco2e", "water_l",
		"embodied_adpe_kgsbeq", "embodied_primary_energy_j", "embodied_waste_kg",
	} {
		needed[name] = true
	}
	for _, factor := range []string{"grid", "pue", "wue", "ewif", "device", "lifetime", "utilisation", "service"} {
		for _, part := range []string{"", "_low", "_high", "_id"} {
			needed[factor+part] = true
		}
	}
	for _, d := range by {
		for _, name := range dimensionColumns(d) {
			needed[name] = true
		}
	}
	return func(name string) bool { return needed[name] }
}

// dimensionColumns are the columns that a dimension groups by: all of those
// whose name is not its own.
func dimensionColumns(d dataset.Dimension) []string {
	switch d {
	case "hardware":
		return []string{"hardware_model"}
	case "class":
		return []string{"hardware_class"}
	case "year":
		return []string{"month"}
	}
	return []string{strings.ReplaceAll(string(d), "-", "_")}
}
