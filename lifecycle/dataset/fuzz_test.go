package dataset_test

import (
	"encoding/json"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/ecotracer/ecotracer/lifecycle"
	"github.com/ecotracer/ecotracer/lifecycle/dataset"
)

// FuzzMerge merges the shards of made-up jobs after something in them was
// changed: it must never panic, and what it returns must be valid and
// independent of the order.
func FuzzMerge(f *testing.F) {
	for seed := range uint64(8) {
		f.Add(seed, seed, "null", true)
		f.Add(seed, seed+100, "0", false)
		f.Add(seed, seed+200, `"gpu0"`, true)
		f.Add(seed, seed+300, `[1e300, {"id": "x"}]`, true)
	}
	f.Fuzz(func(t *testing.T, seed, where uint64, value string, assess bool) {
		j := makeUp(t, seed%64)
		rng := rand.New(rand.NewPCG(where, 2))
		i := rng.IntN(len(j.shards))
		j.shards[i] = mutated(t, j.shards[i], rng, value, assess)
		m := dataset.Merger{Unrelated: where%2 == 0, Running: where%3 == 0}
		r, err := m.Merge(j.shards...)
		if err != nil {
			return
		}
		requireSound(t, r, "what was merged")
		rng.Shuffle(len(j.shards), func(a, b int) { j.shards[a], j.shards[b] = j.shards[b], j.shards[a] })
		again, err := m.Merge(j.shards...)
		require.NoError(t, err, "in another order too")
		same(t, text(t, r), text(t, again), "in another order")
	})
}

// mutated changes values somewhere in a record: to the given one, to that of
// another place, or to none. Assessed anew it may still be valid.
func mutated(t *testing.T, r *lifecycle.Record, rng *rand.Rand, value string, assess bool) *lifecycle.Record {
	var doc any
	require.NoError(t, json.Unmarshal([]byte(text(t, r)), &doc))
	var with any
	if json.Unmarshal([]byte(value), &with) != nil {
		with = value
	}
	for range 1 + rng.IntN(3) {
		mutate(doc, rng, with)
	}
	b, err := json.Marshal(doc)
	require.NoError(t, err)
	fresh := new(lifecycle.Record)
	if json.NewDecoder(strings.NewReader(string(b))).Decode(fresh) != nil {
		return r // no record at all: Decode is fuzzed elsewhere
	}
	if assess && lifecycle.Assess(fresh) == nil {
		lifecycle.FillMissing(fresh)
	}
	return fresh
}

// mutate changes one value below a place.
func mutate(at any, rng *rand.Rand, with any) {
	change := func(v any) any {
		switch rng.IntN(3) {
		case 0:
			return with
		case 1:
			if x, ok := v.(float64); ok {
				return x * rng.Float64() * 2
			}
		}
		return nil
	}
	switch at := at.(type) {
	case map[string]any:
		keys := sortedKeys(at)
		if len(keys) == 0 {
			return
		}
		k := keys[rng.IntN(len(keys))]
		if leaf(at[k]) || rng.IntN(8) == 0 {
			if at[k] = change(at[k]); at[k] == nil {
				delete(at, k)
			}
			return
		}
		mutate(at[k], rng, with)
	case []any:
		if len(at) == 0 {
			return
		}
		i := rng.IntN(len(at))
		switch {
		case rng.IntN(8) == 0:
			at[i] = at[rng.IntN(len(at))]
		case leaf(at[i]):
			at[i] = change(at[i])
		default:
			mutate(at[i], rng, with)
		}
	}
}

func leaf(v any) bool {
	switch v.(type) {
	case map[string]any, []any:
		return false
	}
	return true
}

func sortedKeys(m map[string]any) []string { return slices.Sorted(maps.Keys(m)) }
