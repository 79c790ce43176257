package dataset

import (
	"cmp"
	"slices"
	"sort"
)

// Relation is something that a document says by which another document may have
// to do with whether it counts. Those that have no [Related] relation, not even
// by way of others, do not: a data set that is too large for one machine can be
// divided so, and each part be given to a [Reader] of its own. What counts is the
// same; two things that are told may differ. Whether runs at once on one device
// booked more than its meter saw, which leaves none of them out, is only seen of
// runs in one part. And of a document that does not count for two reasons, one of
// which is that it is invalid, the other one may be told.
//
// A relation is its fields and nothing else, so that it can be sent on.
type Relation struct {
	Key        [16]byte // relations with different keys have nothing to do with one another
	Kind       RelationKind
	Index      uint32 // of a window
	Start, End int64  // ns since 1970; of windows and devices: when, less what times may be off by
}

// RelationKind is what a relation is.
type RelationKind uint8

// Their values stay what they are.
const (
	OfRun     RelationKind = 1 // the document is of the run
	ToRun     RelationKind = 2 // it names the run as the one that counts its joules, or that it was merged of
	OfJob     RelationKind = 3 // it is a shard of the job
	OfService RelationKind = 4 // it is a window of the service
	OnDevice  RelationKind = 5 // its run was on the device
	OfDevice  RelationKind = 6 // and counts all that the device did (scope machine)
)

// relations are what the notes of one document tell.
func relations(to []Relation, notes []note) []Relation {
	for _, n := range notes {
		r := Relation{Key: n.key}
		switch n.kind {
		case noteDocument:
			r.Kind = OfRun
		case noteChild, notePart:
			r.Kind = ToRun
		case noteJob:
			r.Kind = OfJob
		case noteWindow:
			r.Kind, r.Index = OfService, n.a
			r.Start, r.End = certain(n.t, n.u)
		case noteDevice:
			r.Kind = OfDevice
			if n.flags&flagProcess != 0 {
				r.Kind = OnDevice
			}
			r.Start, r.End = certain(n.t, n.u)
		}
		to = append(to, r)
	}
	return to
}

// certain is a time such that two that [atOnce] finds to overlap do, however
// their times were rounded, and so do those that lie between them (see
// decider.window). Windows one after the other, whose times are off by less than
// slack, do not: else all of a service would hang together.
func certain(from, to int64) (int64, int64) {
	if to-from > 2*slack {
		return from, to - slack
	}
	return from - slack, to
}

// Related tells which of some relations, all with one key, have to do with one
// another. It unites their indices pair by pair: not every two that belong
// together, but so many that all do by way of others. What is alone is never
// named. It sorts the list that it works on, and takes n log n steps but where
// runs on a device overlap with many others that count all of it.
func Related(list []Relation, unite func(i, j int)) {
	var runs, to, jobs, windows, on, of []int
	for i := range list {
		switch list[i].Kind {
		case OfRun:
			runs = append(runs, i)
		case ToRun:
			to = append(to, i)
		case OfJob:
			jobs = append(jobs, i)
		case OfService:
			windows = append(windows, i)
		case OnDevice:
			on = append(on, i)
		case OfDevice:
			of = append(of, i)
		}
	}
	if len(runs) > 0 {
		uniteAll(append(runs, to...), unite)
	}
	uniteAll(jobs, unite)
	index := map[uint32]int{}
	for _, i := range windows {
		if first, there := index[list[i].Index]; there {
			unite(first, i)
		} else {
			index[list[i].Index] = i
		}
	}
	clusters(list, windows, unite)
	wide := clusters(list, of, unite)
	for _, i := range on {
		k := sort.Search(len(wide), func(k int) bool { return wide[k].end > list[i].Start })
		for ; k < len(wide) && wide[k].start < list[i].End; k++ {
			unite(wide[k].first, i)
		}
	}
}

func uniteAll(list []int, unite func(i, j int)) {
	for _, i := range list[min(1, len(list)):] {
		unite(list[0], i)
	}
}

// cluster is a stretch of time without a gap, and one of those in it.
type cluster struct {
	start, end int64
	first      int
}

// clusters unites what overlaps.
func clusters(list []Relation, of []int, unite func(i, j int)) (all []cluster) {
	slices.SortFunc(of, func(i, j int) int {
		return cmp.Or(cmp.Compare(list[i].Start, list[j].Start), cmp.Compare(list[i].End, list[j].End))
	})
	for _, i := range of {
		if k := len(all) - 1; k >= 0 && list[i].Start < all[k].end {
			unite(all[k].first, i)
			all[k].end = max(all[k].end, list[i].End)
			continue
		}
		all = append(all, cluster{list[i].Start, list[i].End, i})
	}
	return all
}
