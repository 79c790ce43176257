package factors

import (
	"iter"
	"maps"
	"slices"
)

// All are the factors of the data set, by id, each Found exact: a program lists
// them with it. What Lookup derives from them (a country's figure for a region
// of it) is not among them, nor are models of devices, which have lookups of
// their own. It is safe for concurrent use.
func All() iter.Seq[Factor] {
	return func(yield func(Factor) bool) {
		rows, err := embedded()
		if err != nil {
			return // a broken build; a test reads every row
		}
		for _, id := range slices.Sorted(maps.Keys(rows)) {
			f := rows[id]
			f.Found = Exact
			if !yield(f) {
				return
			}
		}
	}
}

// Accelerators are the names of the listed accelerators, for a program to tell
// what it knows. It is safe for concurrent use.
func Accelerators() iter.Seq[string] {
	return func(yield func(string) bool) {
		t, err := accelerator()
		if err != nil {
			return // a broken build, as above
		}
		for _, b := range t.boards {
			if !yield(b.name) {
				return
			}
		}
	}
}
