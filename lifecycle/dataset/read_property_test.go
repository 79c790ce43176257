package dataset_test

import (
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/ecotracer/ecotracer/internal/race"
	"github.com/ecotracer/ecotracer/lifecycle"
	"github.com/ecotracer/ecotracer/lifecycle/dataset"
)

// mess is a data set in which everything goes on at once on two machines: jobs,
// windows, runs in runs, checkpoints, copies, re-assessments, mistakes.
func mess(t *testing.T, seed uint64) (docs []*lifecycle.Record) {
	j := host(seed)
	rng := j.rng
	const series = "019cadc6-9a80-7000-8000-00000000000"
	for i := range 40 {
		from := float64(rng.IntN(2000))
		to := from + 1 + float64(rng.IntN(300))
		scope := lifecycle.ScopeProcess
		if rng.IntN(8) == 0 {
			scope = lifecycle.ScopeMachine
		}
		ranks, rank := 1, 0
		if rng.IntN(4) == 0 {
			ranks, rank = 3, rng.IntN(3)
		}
		r := j.shard(t, rank, ranks, rng.IntN(2), from, to, scope)
		r.Run.TraceID = fmt.Sprintf("%032x", 1+rng.IntN(3))
		switch rng.IntN(6) {
		case 0:
			r.Run.Segment = &lifecycle.Segment{Series: series + fmt.Sprint(rng.IntN(2)), Index: rng.IntN(9)}
		case 1:
			if len(docs) > 0 {
				r.Run.Parent = docs[rng.IntN(len(docs))].Run.ID
				r.Warnings = append(r.Warnings, lifecycle.Warning{Code: "counted-by-parent", Path: "/run/parent"})
			}
		}
		r.Run.Name = fmt.Sprint("run ", i)
		docs = append(docs, r)
		for range rng.IntN(3) {
			of := docs[rng.IntN(len(docs))]
			docs = append(docs, later(t, of, time.Duration(rng.IntN(3))*time.Second, func(r *lifecycle.Record) {
				switch rng.IntN(5) {
				case 0:
					r.Run.Status = lifecycle.Running
				case 1:
					digest, err := of.SHA256()
					require.NoError(t, err)
					r.Supersedes = []string{digest}
				case 2:
					r.Totals.EnergyJ.Value *= 2
				case 3:
					r.Run.Name += "!"
				}
			}))
		}
	}
	return docs
}

// However the documents are ordered, laid out and packed, by however many
// workers they are read and however little fits into memory, the same count, and
// nothing counts twice.
func TestWhatCountsIsOfTheDocumentsAlone(t *testing.T) {
	for seed := range race.Few(uint64(4)) {
		docs := mess(t, 100+seed)
		var first []string
		for k, how := range []string{"lines", "files", "packed lines", "archive", "forgetful"} {
			rng := rand.New(rand.NewPCG(seed, uint64(k)))
			rng.Shuffle(len(docs), func(a, b int) { docs[a], docs[b] = docs[b], docs[a] })
			var lines strings.Builder
			files := map[string]string{}
			var entries []string
			for i, d := range docs {
				lines.WriteString(lineOf(t, d))
				files[fmt.Sprintf("%d.json", i)] = text(t, d)
				entries = append(entries, fmt.Sprintf("%d.json", i), text(t, d))
			}
			var path string
			switch how {
			case "lines", "forgetful":
				path = filepath.Join(folder(t, map[string]string{"a.ndjson": lines.String()}), "a.ndjson")
			case "files":
				path = folder(t, files)
			case "packed lines":
				path = folder(t, map[string]string{"a.ndjson.zst": zst(t, lines.String())})
			case "archive":
				path = folder(t, map[string]string{"a.tgz": gz(t, tarOf(t, entries...))})
			}
			t.Run(fmt.Sprintf("data set %d as %s", seed, how), func(t *testing.T) {
				if how == "forgetful" {
					dataset.Forgetful(t)
				}
				o := reading(t, dataset.Reader{Workers: 1 + k%3}, path)
				var got []string
				for _, r := range o.records {
					got = append(got, text(t, r))
				}
				slices.Sort(got)
				if first == nil {
					first = got
				}
				require.Equal(t, len(first), len(got))
				for i := range first {
					same(t, first[i], got[i], how)
				}
				disjoint(t, o)
			})
		}
	}
}

// disjoint holds records that count to what must not be counted twice.
func disjoint(t *testing.T, o outcome) {
	t.Helper()
	seen := map[string]bool{}
	for i, a := range o.records {
		assert.False(t, seen[a.Run.ID], "a run counts once")
		seen[a.Run.ID] = true
		for _, part := range a.Run.Merged {
			assert.False(t, seen[part.ID], "a shard counts once")
			seen[part.ID] = true
		}
		for _, b := range o.records[i+1:] {
			both := min(a.Run.EndedAt.UnixNano(), b.Run.EndedAt.UnixNano()) - max(a.Run.StartedAt.UnixNano(), b.Run.StartedAt.UnixNano())
			if both < int64(2*time.Second) {
				continue
			}
			if x, y := a.Run.Segment, b.Run.Segment; x != nil && y != nil && x.Series == y.Series && len(a.Run.Merged) == 0 && len(b.Run.Merged) == 0 && a.Run.Rank.Index == b.Run.Rank.Index {
				assert.Fail(t, "windows of a service are disjoint")
			}
			if wide := a.Run.Scope == lifecycle.ScopeMachine || b.Run.Scope == lifecycle.ScopeMachine; wide && len(a.Run.Merged) == 0 && len(b.Run.Merged) == 0 {
				assert.NotEqual(t, devices(a)[0], devices(b)[0], "a machine counts once at a time: %s and %s", a.Run.ID, b.Run.ID)
			}
		}
	}
}

func devices(r *lifecycle.Record) (all []string) {
	for _, h := range r.Hardware {
		all = append(all, h.Instance...)
	}
	return all
}
