package dataset_test

import (
	"encoding/hex"
	"fmt"
	"math"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/ecotracer/ecotracer/lifecycle"
	"github.com/ecotracer/ecotracer/lifecycle/dataset"
)

// job is a made-up job of several ranks, that nothing else is wrong with.
func job(t *testing.T) []*lifecycle.Record {
	t.Helper()
	for seed := uint64(1000); ; seed++ {
		if j := makeUp(t, seed); len(j.shards) == 4 && j.named && !j.greedy {
			return j.shards
		}
	}
}

// edited is a copy of a record, changed.
func edited(t *testing.T, r *lifecycle.Record, change func(r *lifecycle.Record)) *lifecycle.Record {
	t.Helper()
	c, err := lifecycle.Decode(strings.NewReader(text(t, r)))
	require.NoError(t, err)
	change(c)
	return c
}

func TestOnlyShardsOfOneJobAreMerged(t *testing.T) {
	for name, c := range map[string]struct {
		change  func(r *lifecycle.Record) // of the third shard
		shards  []int                     // that the error is about
		says    string
		all     bool // Unrelated merges them
		running bool // Running does
	}{
		"another job":      {change: func(r *lifecycle.Record) { r.Run.TraceID = "0af7651916cd43dd8448eb211c80319c" }, shards: []int{0, 2}, says: "their trace ids differ: give the shards of one job", all: true},
		"no trace id":      {change: func(r *lifecycle.Record) { r.Run.TraceID = "" }, shards: []int{0, 2}, says: "do not both have a trace id", all: true},
		"one rank twice":   {change: func(r *lifecycle.Record) { r.Run.Rank.Index = 1 }, shards: []int{1, 2}, says: "are both of rank 1: give the one that counts", all: true},
		"other rank count": {change: func(r *lifecycle.Record) { r.Run.Rank.Count = 5 }, shards: []int{0, 2}, says: "are of jobs of 4 and 5 ranks", all: true},
		"no rank":          {change: func(r *lifecycle.Record) { r.Run.Rank = nil }, shards: []int{0, 2}, says: "do not both tell their rank", all: true},
		"another window": {change: func(r *lifecycle.Record) {
			r.Run.Segment = &lifecycle.Segment{Series: "019cadc6-9a80-7000-8000-0123456789ab", Index: 2}
		}, shards: []int{0, 2}, says: "are of different windows", all: true},
		"still running": {change: func(r *lifecycle.Record) { r.Run.Status = lifecycle.Running }, shards: []int{2}, says: "is still running, or was killed: wait for its end, close it", running: true},
		"an estimate": {change: func(r *lifecycle.Record) {
			r.Run.Status, r.Run.StartedAt, r.Run.EndedAt = lifecycle.Estimated, nil, nil
			for i := range r.Phases {
				r.Phases[i].StartedAt, r.Phases[i].EndedAt = nil, nil
			}
		}, shards: []int{2}, says: "is an estimate, of which nothing ran"},
		"a wrong sum":    {change: func(r *lifecycle.Record) { r.Ledger[0].TotalJ *= 1.1 }, shards: []int{2}, says: "is no valid record: R13"},
		"no number":      {change: func(r *lifecycle.Record) { r.Run.DurationS = math.NaN() }, shards: []int{2}, says: "cannot be written"},
		"another schema": {change: func(r *lifecycle.Record) { r.Schema = "urn:ecotracer:record:v2" }, shards: []int{2}, says: "is no valid record: R2"},
	} {
		t.Run(name, func(t *testing.T) {
			shards := job(t)
			shards[2] = edited(t, shards[2], c.change)
			_, err := dataset.Merge(shards...)
			var refused *dataset.ShardError
			require.ErrorAs(t, err, &refused)
			assert.Equal(t, c.shards, refused.Shards, "the arguments that it is about")
			assert.ErrorContains(t, err, c.says)

			r, err := dataset.Merger{Unrelated: true}.Merge(shards...)
			if c.all {
				require.NoError(t, err, "asked for, it is merged all the same")
				requireSound(t, r, "what was merged")
				assert.Equal(t, 1.0, *r.Run.Coverage)
				assert.Len(t, r.Run.Merged, 4)
			} else {
				assert.Error(t, err)
			}
			r, err = dataset.Merger{Running: true}.Merge(shards...)
			if c.running {
				require.NoError(t, err)
				requireSound(t, r, "what was merged")
				assert.Equal(t, lifecycle.Running, r.Run.Status)
			} else {
				assert.Error(t, err)
			}
		})
	}
	_, err := dataset.Merge()
	assert.ErrorContains(t, err, "there are no shards")
	_, err = dataset.Merge(job(t)[0], nil)
	assert.ErrorContains(t, err, "there is no record")
	_, err = dataset.Merge(new(lifecycle.Record))
	assert.ErrorContains(t, err, "is no valid record")
}

func TestTheLastDocumentOfARunCounts(t *testing.T) {
	shards := job(t)
	want := text(t, merged(t, shards...))
	checkpoint := edited(t, shards[1], func(r *lifecycle.Record) {
		r.Run.Status = lifecycle.Running
		r.CreatedAt = r.CreatedAt.Add(time.Hour) // its clock was wrong
	})
	same(t, want, text(t, merged(t, append(shards, checkpoint)...)), "a checkpoint gives way to the final record")
	same(t, want, text(t, merged(t, append([]*lifecycle.Record{checkpoint}, shards...)...)), "in any order")
	closed := edited(t, shards[1], func(r *lifecycle.Record) { r.Run.Status = lifecycle.Interrupted })
	same(t, want, text(t, merged(t, append(shards, closed)...)), "so does what someone closed who took the run for dead")
	broken := edited(t, checkpoint, func(r *lifecycle.Record) { r.Ledger[0].TotalJ *= 2 })
	same(t, want, text(t, merged(t, append(shards, broken)...)), "what is replaced need not be valid")

	again := edited(t, shards[1], func(r *lifecycle.Record) { r.CreatedAt = r.CreatedAt.Add(time.Hour) })
	m := merged(t, append(shards, again)...)
	assert.False(t, want == text(t, m), "a later assessment replaces the record")
	assert.Equal(t, again.CreatedAt, m.CreatedAt)
	old := merged(t, shards...)
	same(t, text(t, m), text(t, merged(t, append(shards, again, old)...)), "and a record that was merged before it gives way")
}

func TestAMergedRecordHasAnIDOfItsOwn(t *testing.T) {
	shards := job(t)
	m := merged(t, shards...)
	id, err := uuid.Parse(m.Run.ID)
	require.NoError(t, err)
	assert.Equal(t, uuid.Version(7), id.Version())
	assert.Equal(t, uuid.RFC4122, id.Variant())
	first := *shards[0].Run.StartedAt
	for _, s := range shards {
		assert.NotEqual(t, s.Run.ID, m.Run.ID, "trap 48: written beside its shards it overwrites none")
		if s.Run.StartedAt.Before(first) {
			first = *s.Run.StartedAt
		}
	}
	assert.Equal(t, fmt.Sprintf("%012x", first.UnixMilli()), hex.EncodeToString(id[:6]), "its time is the job's start")
	assert.NotEqual(t, m.Run.ID, merged(t, shards[:3]...).Run.ID, "other shards make another record")
}

func TestMissingRanksAreListed(t *testing.T) {
	shards := job(t)
	for _, c := range []struct {
		index []int // ranks that are there
		count int
		what  string
	}{
		{[]int{0, 1, 2, 3}, 4, ""},
		{[]int{0, 1, 3, 4}, 5, "rank 2 of 5"},
		{[]int{1, 2, 3, 4}, 5, "rank 0 of 5"},
		{[]int{0, 1, 6, 7}, 12, "ranks 2 to 5, 8 to 11 of 12"},
		{[]int{1, 3, 5, 7}, 9, "ranks 0, 2, 4, 6, 8 of 9"},
	} {
		var ranked []*lifecycle.Record
		for i, s := range shards {
			ranked = append(ranked, edited(t, s, func(r *lifecycle.Record) { r.Run.Rank = &lifecycle.Rank{Index: c.index[i], Count: c.count} }))
		}
		m := merged(t, ranked...)
		assert.InDelta(t, 4/float64(c.count), *m.Run.Coverage, 1e-12)
		what := ""
		for _, miss := range m.Missing {
			if miss.Path == "/run/merged" {
				what = miss.What
			}
		}
		assert.Equal(t, c.what, what)
		for i, s := range m.Run.Merged {
			assert.Equal(t, c.index[i], s.Rank)
		}
	}
}

func TestShardsWithoutRanksAreNumberedByTheirStart(t *testing.T) {
	shards := job(t)
	for i, s := range shards {
		shards[i] = edited(t, s, func(r *lifecycle.Record) { r.Run.Rank = nil })
	}
	m := merged(t, shards...)
	assert.Equal(t, 1.0, *m.Run.Coverage, "what is there is taken for all that there is")
	start := map[string]time.Time{}
	for _, s := range shards {
		start[s.Run.ID] = *s.Run.StartedAt
	}
	for i, s := range m.Run.Merged {
		assert.Equal(t, i, s.Rank)
		if i > 0 {
			assert.False(t, start[s.ID].Before(start[m.Run.Merged[i-1].ID]))
		}
	}
}

func TestAJobIsAsSoundAsItsRanks(t *testing.T) {
	for _, c := range []struct{ a, b, want lifecycle.Status }{
		{lifecycle.Complete, lifecycle.Complete, lifecycle.Complete},
		{lifecycle.Complete, lifecycle.Failed, lifecycle.Failed},
		{lifecycle.Interrupted, lifecycle.Complete, lifecycle.Interrupted},
		{lifecycle.Interrupted, lifecycle.Failed, lifecycle.Failed},
		{lifecycle.Running, lifecycle.Failed, lifecycle.Running},
	} {
		shards := job(t)
		shards[0].Run.Status, shards[1].Run.Status = c.a, c.b
		r, err := dataset.Merger{Running: true}.Merge(shards...)
		require.NoError(t, err)
		assert.Equal(t, c.want, r.Run.Status, "%s and %s", c.a, c.b)
	}
}

func TestShardsAreNotChanged(t *testing.T) {
	shards := job(t)
	var before []string
	for _, s := range shards {
		before = append(before, text(t, s))
	}
	m := merged(t, shards...)
	for i := range m.Phases {
		m.Phases[i].Usage = nil
	}
	m.Hardware[0].Embodied.Covers[0] = "nothing"
	*m.Run.StartedAt = time.Time{}
	*m.Phases[0].StartedAt = time.Time{}
	for i, s := range shards {
		same(t, before[i], text(t, s), "a shard")
	}
}
