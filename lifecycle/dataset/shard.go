package dataset

import (
	"cmp"
	"fmt"
	"math"
	"slices"

	"github.com/ecotracer/ecotracer/factors"
	"github.com/ecotracer/ecotracer/lifecycle"
)

// shard is one record that is merged.
type shard struct {
	*lifecycle.Record
	arg    int // its place among the arguments
	digest string
	rank   int
	host   int // number of the host, by the lowest rank on it

	from, to float64 // s since the job's start

	// By id: what it is called in the merged record.
	factor, place, meter map[string]string
	entry                map[string]int // by id: index in /hardware
	coverer              map[string]int // by id: index in /hardware of what covers it
	component            []*component   // of each entry of /hardware

	united map[string]factors.Factor // by id: what stands for a factor of its own

	lines []lineOf // of each line of the ledger: where it went
}

// lineOf is what became of a shard's line of the ledger.
type lineOf struct {
	at   int     // index in the merged ledger
	keep float64 // the part of what the shard booked that counts
}

// choose picks the documents that count. If one of them is the merged record
// of all others, whole is it.
func (m Merger) choose(records []*lifecycle.Record) (shards []*shard, whole *lifecycle.Record, err error) {
	if len(records) == 0 {
		return nil, nil, &ShardError{Reason: "there are no shards: give the records of a job's ranks"}
	}
	latest := map[string]*shard{} // by run id
	for i, r := range records {
		if r == nil {
			return nil, nil, &ShardError{[]int{i}, "there is no record"}
		}
		digest, err := r.SHA256()
		if err != nil {
			return nil, nil, &ShardError{[]int{i}, fmt.Sprintf("the record of run %s cannot be written: %v", r.Run.ID, err)}
		}
		s := &shard{Record: r, arg: i, digest: digest}
		if other := latest[r.Run.ID]; other == nil || s.replaces(other) {
			latest[r.Run.ID] = s
		}
	}
	shards = make([]*shard, 0, len(latest))
	for _, s := range latest {
		shards = append(shards, s)
	}
	slices.SortFunc(shards, func(a, b *shard) int { return cmp.Compare(a.arg, b.arg) }) // for errors alone
	if len(shards) > maxShards {
		return nil, nil, &ShardError{Reason: fmt.Sprintf("%d shards are more than %d", len(shards), maxShards)}
	}
	for _, s := range shards {
		if err := m.usable(s); err != nil {
			return nil, nil, err
		}
	}
	return absorb(withoutCounted(shards, latest), latest)
}

// withoutCounted leaves out what a run that is there counts as its own: that
// of a program which traces itself, where `ecotracer run` traced it too.
func withoutCounted(shards []*shard, latest map[string]*shard) []*shard {
	return slices.DeleteFunc(shards, func(s *shard) bool {
		_, there := latest[s.Run.Parent]
		return there && slices.ContainsFunc(s.Warnings, func(w lifecycle.Warning) bool { return w.Code == "counted-by-parent" })
	})
}

// replaces tells whether s is the later document of a run.
func (s *shard) replaces(other *shard) bool {
	c := cmp.Or(
		cmp.Compare(finality(s.Run.Status), finality(other.Run.Status)),
		s.CreatedAt.Compare(other.CreatedAt),
		cmp.Compare(s.digest, other.digest))
	return c > 0
}

// finality orders the documents of one run: of one that ended, the record that
// its process wrote stands above the one that someone else closed.
func finality(s lifecycle.Status) int {
	switch s {
	case lifecycle.Running:
		return 0
	case lifecycle.Interrupted:
		return 1
	}
	return 2
}

// usable makes sure that a shard can be relied on.
func (m Merger) usable(s *shard) error {
	wrong := func(format string, args ...any) error {
		return &ShardError{[]int{s.arg}, "run " + s.Run.ID + " " + fmt.Sprintf(format, args...)}
	}
	for _, f := range lifecycle.Validate(s.Record) {
		if !f.Warning {
			return wrong("is no valid record: %s", f)
		}
	}
	switch {
	case s.Run.Status == lifecycle.Estimated:
		return wrong("is an estimate, of which nothing ran: it has no ranks to merge")
	case s.Run.Status == lifecycle.Running && !m.Running:
		return wrong("is still running, or was killed: wait for its end, close it (ecotracer recover), or merge it as it is (Merger.Running, ecotracer merge --running)")
	}
	return nil
}

// absorb deals with records that were merged before. One whose shards are all
// given is superseded by them; if one has all that is given, it is the result.
func absorb(shards []*shard, by map[string]*shard) ([]*shard, *lifecycle.Record, error) {
	given := func(m lifecycle.MergedShard) bool { return by[m.ID] != nil }
	shards = slices.DeleteFunc(shards, func(s *shard) bool {
		return len(s.Run.Merged) > 0 && !slices.ContainsFunc(s.Run.Merged, func(m lifecycle.MergedShard) bool { return !given(m) })
	})
	i := slices.IndexFunc(shards, func(s *shard) bool { return len(s.Run.Merged) > 0 })
	if i < 0 {
		return shards, nil, nil
	}
	merged := shards[i]
	parts := map[string]string{}
	for _, m := range merged.Run.Merged {
		parts[m.ID] = m.Digest
	}
	for _, s := range shards {
		if s != merged && parts[s.Run.ID] != s.digest {
			return nil, nil, &ShardError{[]int{merged.arg, s.arg}, fmt.Sprintf(
				"run %s was merged of %d shards before, and no longer tells what run %s shares with each of them: give those shards instead of it",
				merged.Run.ID, len(parts), s.Run.ID)}
		}
	}
	return nil, merged.Record, nil
}

// relate makes sure that the shards are of one job, and gives each its rank.
func (j *job) relate() error {
	slices.SortFunc(j.shards, func(a, b *shard) int {
		return cmp.Or(cmp.Compare(rankOf(a), rankOf(b)), a.Run.StartedAt.Compare(*b.Run.StartedAt), cmp.Compare(a.Run.ID, b.Run.ID))
	})
	err := j.related()
	switch {
	case err != nil && !j.Unrelated:
		return err
	case err == nil && j.shards[0].Run.Rank != nil:
		j.ranks = j.shards[0].Run.Rank.Count
		for _, s := range j.shards {
			s.rank = s.Run.Rank.Index
		}
	default:
		j.ranks = len(j.shards)
		for i, s := range j.shards {
			s.rank = i
		}
	}
	j.start = *j.shards[0].Run.StartedAt
	for _, s := range j.shards {
		if s.Run.StartedAt.Before(j.start) {
			j.start = *s.Run.StartedAt
		}
	}
	for _, s := range j.shards {
		s.from = s.Run.StartedAt.Sub(j.start).Seconds()
		s.to = max(s.from, s.Run.EndedAt.Sub(j.start).Seconds())
	}
	return nil
}

// rankOf is the rank of a shard, 0 if it tells none.
func rankOf(s *shard) int {
	if s.Run.Rank == nil {
		return 0
	}
	return s.Run.Rank.Index
}

// related tells why the shards, in their order, are not those of one job.
func (j *job) related() error {
	first := j.shards[0]
	for i, s := range j.shards {
		if i == 0 {
			continue
		}
		differ := func(format string, args ...any) error {
			return &ShardError{[]int{first.arg, s.arg}, fmt.Sprintf("runs %s and %s ", first.Run.ID, s.Run.ID) + fmt.Sprintf(format, args...) +
				": give the shards of one job, or merge them all the same (Merger.Unrelated, ecotracer merge --unrelated)"}
		}
		a, b := first.Run, s.Run
		switch {
		case a.TraceID == "" || b.TraceID == "":
			return differ("do not both have a trace id, which tells the job that they belong to")
		case a.TraceID != b.TraceID:
			return differ("are of different jobs: their trace ids differ")
		case (a.Rank == nil) != (b.Rank == nil):
			return differ("do not both tell their rank")
		case a.Rank != nil && a.Rank.Count != b.Rank.Count:
			return differ("are of jobs of %d and %d ranks", a.Rank.Count, b.Rank.Count)
		case (a.Segment == nil) != (b.Segment == nil) || a.Segment != nil && *a.Segment != *b.Segment:
			return differ("are of different windows (run.segment) of a service")
		}
		if before := j.shards[i-1]; a.Rank != nil && before.Run.Rank.Index == b.Rank.Index {
			return &ShardError{[]int{before.arg, s.arg}, fmt.Sprintf(
				"runs %s and %s are both of rank %d: give the one that counts, or merge both all the same (Merger.Unrelated, ecotracer merge --unrelated)", before.Run.ID, b.ID, b.Rank.Index)}
		}
	}
	return nil
}

// longest is the duration of the longest shard, in s.
func (j *job) longest() (s float64) {
	for _, k := range j.shards {
		s = math.Max(s, k.Run.DurationS)
	}
	return s
}

// nested warns of shards that ran while another of their trace did, on the same
// host: whoever started them may have counted them too.
func (j *job) nested() {
	n := 0
	for _, in := range j.shards {
		for _, out := range j.shards {
			a, b := &out.Run, &in.Run
			if in != out && a.Rank == nil && b.Rank == nil && a.TraceID != "" && a.TraceID == b.TraceID &&
				out.host == in.host && out.from <= in.from && in.to <= out.to &&
				a.Scope == lifecycle.ScopeProcess && b.Scope == lifecycle.ScopeProcess {
				n++
				break
			}
		}
	}
	if n > 0 {
		j.warn(unrecognised, "/run/merged", "%d of %d shards ran while another of their trace did, on the same host: if that one counted all that it started, as ecotracer run does, their joules count twice; leave them out", n, len(j.shards))
	}
}
