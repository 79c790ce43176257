package beam

import (
	"cmp"
	"slices"

	"github.com/ecotracer/ecotracer/lifecycle/dataset"
)

// ref names a document: the part that it is in, and which one in it.
type ref struct {
	part [16]byte
	n    uint32
}

// mention is a relation of a document.
type mention struct {
	of       ref
	relation dataset.Relation
}

// pair are two documents of which one may have a say in whether the other counts.
type pair struct{ a, b ref }

// member is that a document of a part belongs to a group.
type member struct {
	n     uint32
	group ref // the first in it
}

// relateFn finds the pairs among those that mention one key.
type relateFn struct{}

func (f *relateFn) ProcessElement(_ []byte, next func(*mention) bool, emit func([]byte, pair)) {
	var of []ref
	var list []dataset.Relation
	for m := (mention{}); next(&m); {
		of, list = append(of, m.of), append(list, m.relation)
	}
	if len(list) < 2 {
		return
	}
	dataset.Related(list, func(i, j int) {
		if of[i] != of[j] {
			emit(all, pair{of[i], of[j]})
		}
	})
}

// all is the key of what one worker has to see together.
var all = []byte{0}

// groupFn finds which documents hang together.
type groupFn struct{}

func (f *groupFn) ProcessElement(_ []byte, next func(*pair) bool, emit func([]byte, member)) {
	at := map[ref]int{}
	var docs []ref
	var up []int
	root := func(i int) int {
		for up[i] != i {
			up[i] = up[up[i]]
			i = up[i]
		}
		return i
	}
	find := func(r ref) int {
		i, there := at[r]
		if !there {
			i = len(docs)
			at[r] = i
			docs, up = append(docs, r), append(up, i)
		}
		return root(i)
	}
	for p := (pair{}); next(&p); {
		a, b := find(p.a), find(p.b)
		if compareRefs(docs[a], docs[b]) > 0 {
			a, b = b, a
		}
		up[b] = a // so that a group has the name of its first, in whatever order pairs come
	}
	for i := range docs {
		emit(docs[i].part[:], member{docs[i].n, docs[root(i)]})
	}
}

func compareRefs(a, b ref) int {
	return cmp.Or(slices.Compare(a.part[:], b.part[:]), cmp.Compare(a.n, b.n))
}
