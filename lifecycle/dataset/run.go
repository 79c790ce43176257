package dataset

import (
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"slices"
	"strings"

	"github.com/ecotracer/ecotracer/lifecycle"
)

// run makes the run of the merged record.
func (j *job) run() {
	first := j.shards[0]
	j.rec.Schema, j.rec.SchemaRevision = lifecycle.Schema, lifecycle.SchemaRevision
	j.rec.Generator = first.Generator
	started, ended := j.start, *first.Run.EndedAt
	run := &j.rec.Run
	*run = lifecycle.RunInfo{StartedAt: &started, EndedAt: &ended, TraceID: first.Run.TraceID, Parent: first.Run.Parent, Boundary: first.Run.Boundary}
	if s := first.Run.Segment; s != nil {
		run.Segment = new(*s)
	}
	for _, s := range j.shards {
		if s.CreatedAt.After(j.rec.CreatedAt) {
			j.rec.CreatedAt = s.CreatedAt
		}
		if s.Run.EndedAt.After(ended) {
			ended = *s.Run.EndedAt
		}
		if s.Run.TraceID != run.TraceID {
			run.TraceID = ""
		}
		if s.Run.Parent != run.Parent {
			run.Parent = ""
		}
		if g := s.Run.Segment; run.Segment != nil && (g == nil || *g != *run.Segment) {
			run.Segment = nil
		}
		if o := s.Run.OtherRunsS; o != nil {
			run.OtherRunsS = plus(run.OtherRunsS, *o)
		}
		if t := s.Run.TimeResolutionS; t != nil && (run.TimeResolutionS == nil || *t > *run.TimeResolutionS) {
			run.TimeResolutionS = new(*t)
		}
		run.Boundary = boundaries[min(slices.Index(boundaries, run.Boundary), slices.Index(boundaries, s.Run.Boundary))]
		run.Merged = append(run.Merged, lifecycle.MergedShard{ID: s.Run.ID, Rank: s.rank, DurationS: s.Run.DurationS, Digest: s.digest})
	}
	run.DurationS = ended.Sub(started).Seconds()
	if len(j.shards) == 1 {
		run.DurationS = first.Run.DurationS // by a better clock
	}
	run.Status = j.status()
	run.Coverage = new(float64(len(j.shards)) / float64(j.ranks))
	run.ID = j.id(run.TraceID)
}

// boundaries are the boundaries of energy, from the inside out.
var boundaries = []lifecycle.Boundary{
	lifecycle.BoundaryComponent, lifecycle.BoundaryAccelerators, lifecycle.BoundaryNode, lifecycle.BoundaryIT, lifecycle.BoundaryFacility,
}

// status is that of the whole job: it runs as long as a rank does, and is as
// sound as the least sound of them.
func (j *job) status() lifecycle.Status {
	for _, status := range []lifecycle.Status{lifecycle.Running, lifecycle.Failed, lifecycle.Interrupted} {
		if slices.ContainsFunc(j.shards, func(s *shard) bool { return s.Run.Status == status }) {
			return status
		}
	}
	return lifecycle.Complete
}

// id is a UUIDv7 (RFC 9562, 5.7) that is the same whenever the same shards are
// merged: its time is the job's start, what is random in others is a digest of
// the trace and the runs.
func (j *job) id(trace string) string {
	ids := make([]string, 0, len(j.shards))
	for _, s := range j.shards {
		ids = append(ids, s.Run.ID)
	}
	slices.Sort(ids)
	sum := sha256.Sum256([]byte("ecotracer merge\n" + trace + "\n" + strings.Join(ids, "\n")))
	var u [16]byte
	binary.BigEndian.PutUint64(u[:8], uint64(max(j.start.UnixMilli(), 0))<<16)
	copy(u[6:], sum[:10])
	u[6] = u[6]&0x0f | 0x70
	u[8] = u[8]&0x3f | 0x80
	return fmt.Sprintf("%x-%x-%x-%x-%x", u[:4], u[4:6], u[6:8], u[8:10], u[10:])
}

// absentRanks lists the ranks that no shard is of, in words; "" if all are
// there.
func (j *job) absentRanks() string {
	if len(j.shards) == j.ranks {
		return ""
	}
	var list []string
	tell := func(from, to int) { // to is not in it
		switch {
		case to == from+1:
			list = append(list, fmt.Sprint(from))
		case to > from:
			list = append(list, fmt.Sprintf("%d to %d", from, to-1))
		}
	}
	next := 0
	for _, s := range j.shards {
		tell(next, s.rank)
		next = s.rank + 1
	}
	tell(next, j.ranks)
	const most = 100
	if more := len(list) - most; more > 0 {
		list = append(list[:most], fmt.Sprintf("and %d more ranges", more))
	}
	word := "ranks "
	if len(j.shards) == j.ranks-1 {
		word = "rank "
	}
	return word + strings.Join(list, ", ") + fmt.Sprintf(" of %d", j.ranks)
}

// plus adds to a number that may be absent.
func plus(p *float64, x float64) *float64 {
	if p != nil {
		x += *p
	}
	return &x
}
