package dataset_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/ecotracer/ecotracer/internal/race"
	"github.com/ecotracer/ecotracer/lifecycle"
	"github.com/ecotracer/ecotracer/lifecycle/dataset"
)

// TestRandomJobsAddUp merges the shards of many random jobs, all of them and
// some of them, in any order.
// Trap 38, trap 39: whatever a job is, its hosts count once, and parts are no more
// than the whole.
func TestRandomJobsAddUp(t *testing.T) {
	for seed := range race.Few(uint64(150)) {
		j := makeUp(t, seed)
		t.Run(fmt.Sprintf("job %d of %d ranks", seed, len(j.shards)), func(t *testing.T) {
			all := merged(t, j.shards...)
			for _, f := range lifecycle.Validate(all) {
				assert.Fail(t, "not even a warning", f.String())
			}
			j.holdToTruth(t, all, func(int) bool { return true })

			want := text(t, all)
			rng := rand.New(rand.NewPCG(seed, 1))
			shuffled := slices.Clone(j.shards)
			shuffled = append(shuffled, shuffled[rng.IntN(len(shuffled))], all)
			rng.Shuffle(len(shuffled), func(a, b int) { shuffled[a], shuffled[b] = shuffled[b], shuffled[a] })
			same(t, want, text(t, merged(t, shuffled...)), "in any order, with one shard twice and the merged record itself, to the byte")
			same(t, want, text(t, merged(t, all)), "what was merged stays as it is")
			same(t, want, text(t, merged(t, all, j.shards[0])), "beside its own shards too")

			if len(j.shards) < 2 {
				return
			}
			there := map[int]bool{}
			var some []*lifecycle.Record
			for _, i := range rng.Perm(len(j.shards))[:1+rng.IntN(len(j.shards)-1)] {
				there[i] = true
				some = append(some, j.shards[i])
			}
			part := merged(t, some...)
			j.holdToTruth(t, part, func(rank int) bool { return there[rank] })
			assert.InDelta(t, float64(len(some))/float64(len(j.shards)), *part.Run.Coverage, 1e-12)
			for rank, s := range j.shards {
				if there[rank] {
					continue
				}
				_, err := dataset.Merge(part, s)
				var refused *dataset.ShardError
				require.ErrorAs(t, err, &refused, "a merged record takes no further shards")
				assert.Equal(t, []int{0, 1}, refused.Shards)
				assert.ErrorContains(t, err, "give those shards instead of it")
			}
		})
	}
}

// holdToTruth holds a merged record to what the hosts drew and the shards
// booked.
func (j *madeUp) holdToTruth(t *testing.T, r *lifecycle.Record, there func(rank int) bool) {
	t.Helper()
	booked, merged, samples := 0.0, 0.0, int64(0)
	machine, greedy := false, j.greedy
	for rank, s := range j.shards {
		if !there(rank) {
			continue
		}
		machine = machine || s.Run.Scope == lifecycle.ScopeMachine
		for _, l := range s.Ledger {
			booked += own(l)
		}
		for _, p := range s.Spans {
			samples += p.Units["samples"].Count
		}
	}
	for _, l := range r.Ledger {
		merged += own(l)
		assert.LessOrEqual(t, own(l), l.TotalJ*(1+1e-9), "trap 39: %s: parts are no more than the whole", l.Domain)
	}
	for _, p := range r.Spans {
		samples -= p.Units["samples"].Count
	}
	assert.Zero(t, samples, "every unit counts once")
	if !greedy && (!machine || !j.named) {
		assert.InEpsilon(t, booked, merged, 1e-9, "what the shards booked adds up")
	} else {
		assert.LessOrEqual(t, merged, booked*(1+1e-9), "no joule comes from nowhere")
	}
	assert.InEpsilon(t, merged, r.Totals.EnergyJ.Value, 1e-9)
	if !j.named {
		return
	}

	// Each domain of each host drew a constant power: it is counted for the
	// time that any shard saw it.
	total, truth := 0.0, 0.0
	for _, l := range r.Ledger {
		total += l.TotalJ
	}
	for h, host := range j.hosts {
		for d, watts := range host.watts {
			seen := func(rank int) bool {
				return there(rank) && j.hostOf[rank] == h && slices.ContainsFunc(j.shards[rank].Ledger, func(l lifecycle.LedgerLine) bool { return l.Domain == d })
			}
			truth += watts * j.union(seen)
		}
	}
	if r.Run.Scope == lifecycle.ScopeMachine {
		assert.LessOrEqual(t, total, truth*(1+1e-9), "trap 38: no host counts more than once")
	} else {
		assert.InEpsilon(t, truth, total, 1e-6, "trap 38: every host counts once, and all of it")
	}
	for _, host := range j.hosts {
		if m := host.machine; m >= 0 && there(m) && !greedy && len(j.hosts) == 1 {
			// All that the host drew while this rank ran is someone's.
			var whole float64
			for _, l := range j.shards[m].Ledger {
				whole += l.TotalJ
			}
			assert.GreaterOrEqual(t, merged, whole*(1-1e-9), "what the machine-scope shard told is all of the run's")
		}
	}
}
