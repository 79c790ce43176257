package dataset_test

import (
	"context"
	"fmt"
	"os"

	"github.com/ecotracer/ecotracer/lifecycle"
	"github.com/ecotracer/ecotracer/lifecycle/dataset"
)

// Two of three ranks of one host left their records. Each saw all that the
// host's processors used.
func ExampleMerge() {
	var shards []*lifecycle.Record
	for _, name := range []string{"testdata/job/rank0.json", "testdata/job/rank2.json"} {
		f, err := os.Open(name)
		if err != nil {
			fmt.Println(err)
			return
		}
		defer f.Close()
		r, err := lifecycle.Decode(f)
		if err != nil {
			fmt.Println(err)
			return
		}
		shards = append(shards, r)
	}
	job, err := dataset.Merge(shards...)
	if err != nil {
		fmt.Println(err)
		return
	}
	for i, l := range job.Ledger {
		fmt.Printf("%s: %.0f J and %.0f J are %.0f J, of which the job's %.0f J\n", l.Domain,
			shards[0].Ledger[i].TotalJ, shards[1].Ledger[i].TotalJ, l.TotalJ, l.SpansJ+l.UnattributedJ)
	}
	fmt.Printf("%d %s, %.2f of the ranks: without %s\n", job.Hardware[0].Count, job.Hardware[0].ID, *job.Run.Coverage, job.Missing[0].What)
	// Output:
	// cpu0: 14000 J and 14000 J are 14000 J, of which the job's 6500 J
	// dram0: 600 J and 600 J are 600 J, of which the job's 150 J
	// node0/rest: 384 J and 384 J are 384 J, of which the job's 138 J
	// 1 node, 0.67 of the ranks: without rank 1 of 3
}

// A folder is read: the records of two ranks count as one.
func ExampleReader_Read() {
	report, err := dataset.Reader{}.Read(context.Background(), []string{"testdata/job"}, func(_ int, r *lifecycle.Record) error {
		fmt.Printf("%d shards, %.0f J\n", len(r.Run.Merged), r.Totals.EnergyJ.Value)
		return nil
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Printf("%d documents, %d counts, sound: %t\n", report.Documents, report.Counted, report.Sound())
	// Output:
	// 2 shards, 6788 J
	// 2 documents, 1 counts, sound: true
}
