package beam

import (
	"cmp"
	"slices"

	"github.com/ecotracer/ecotracer/lifecycle/dataset"
)

func newReport() Report {
	return Report{dataset.Report{
		LeftOut: map[dataset.Reason]int64{}, Refused: map[dataset.Reason]int64{}, Conflicts: []dataset.Conflict{},
	}}
}

// mostConflicts is how many a report lists.
const mostConflicts = 1000

// addFn adds reports up.
type addFn struct{}

func (addFn) CreateAccumulator() Report { return newReport() }

func (addFn) MergeAccumulators(a, b Report) Report {
	a.Files += b.Files
	a.Skipped += b.Skipped
	a.Bytes += b.Bytes
	a.Documents += b.Documents
	a.Counted += b.Counted
	a.Merged += b.Merged
	a.Shards += b.Shards
	for reason, n := range b.LeftOut {
		a.LeftOut[reason] += n
	}
	for reason, n := range b.Refused {
		a.Refused[reason] += n
	}
	a.ConflictCount += b.ConflictCount
	a.Conflicts = append(a.Conflicts, b.Conflicts...)
	slices.SortFunc(a.Conflicts, func(a, b dataset.Conflict) int { // the same are listed in whatever order they come
		return cmp.Or(cmp.Compare(a.Reason, b.Reason), cmp.Compare(a.Text, b.Text), slices.CompareFunc(a.Places, b.Places, comparePlaces))
	})
	a.Conflicts = a.Conflicts[:min(len(a.Conflicts), mostConflicts)]
	return a
}

func comparePlaces(a, b dataset.Place) int {
	return cmp.Or(cmp.Compare(a.Path, b.Path), cmp.Compare(a.Entry, b.Entry), cmp.Compare(a.Offset, b.Offset))
}
