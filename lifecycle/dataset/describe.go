package dataset

import (
	"fmt"
	"maps"
	"reflect"
	"slices"

	"github.com/ecotracer/ecotracer/internal/timeline"
	"github.com/ecotracer/ecotracer/lifecycle"
)

// conflicts tells that shards say different things, once a place and text.
func (j *job) conflicts(path, detail string) {
	if key := [2]string{path, detail}; !j.told[key] {
		if j.told == nil {
			j.told = map[[2]string]bool{}
		}
		j.told[key] = true
		j.warn(conflict, path, "%s", detail)
	}
}

// describe takes what people say of the job from the lowest rank that says it.
func (j *job) describe() {
	r := &j.rec
	j.tellers = map[string]*shard{}
	strictest := 0
	levels := []string{"public", "internal", "confidential", "secret"}
	for _, s := range j.shards {
		strictest = max(strictest, slices.Index(levels, s.Publisher.Confidentiality))
	}
	j.lowest("/run/name", func(s *shard) any { return s.Run.Name }, func(s *shard) { r.Run.Name = s.Run.Name })
	j.lowest("/publisher", func(s *shard) any {
		p := s.Publisher
		p.Confidentiality = ""
		return p
	}, func(s *shard) { r.Publisher = s.Publisher })
	j.lowest("/use_case", func(s *shard) any { return s.UseCase }, func(s *shard) { r.UseCase = s.UseCase })
	j.lowest("/technology", func(s *shard) any { return s.Technology }, func(s *shard) { r.Technology = s.Technology })
	j.lowest("/generator", func(s *shard) any { return s.Generator }, func(*shard) {})
	r.Publisher.Confidentiality = levels[strictest]

	r.Extensions = map[string]any{}
	for _, s := range j.shards {
		for _, key := range slices.Sorted(maps.Keys(s.Extensions)) {
			if key == timeline.Key || key == lifecycle.ForecastExtension {
				continue // of one shard, and not of the job
			}
			was, there := r.Extensions[key]
			if !there {
				r.Extensions[key] = s.Extensions[key]
			} else if contentOf(was) != contentOf(s.Extensions[key]) {
				j.conflicts("/extensions", "shards tell different things: those of the lowest rank were taken")
			}
		}
	}
}

// lowest takes what the lowest rank tells that tells anything, and notes where
// others tell something else.
func (j *job) lowest(path string, of func(*shard) any, take func(*shard)) {
	var first *shard
	told, others := "", 0
	for _, s := range j.shards {
		block := of(s)
		content := contentOf(block)
		switch {
		case reflect.ValueOf(block).IsZero():
		case first == nil:
			first, told = s, content
		case content != told:
			others++
		}
	}
	if first == nil {
		first = j.shards[0]
	}
	take(first)
	if others > 0 {
		j.conflicts(path, fmt.Sprintf("told otherwise by %d of %d shards; what rank %d tells was taken", others, len(j.shards), first.rank))
	}
	j.tellers[path] = first
}

// amortised adds up what shards used of what another run made.
func (j *job) amortised() error {
	type made struct {
		run, digest, what, unit string
		expected                float64
		grams                   lifecycle.Quantity
	}
	at := map[made]int{}
	for _, s := range j.shards {
		for _, a := range s.Amortised {
			key := made{a.Run, a.Digest, a.What, a.Unit, a.Expected, a.GCO2e}
			i, ok := at[key]
			if !ok {
				at[key] = len(j.rec.Amortised)
				j.rec.Amortised = append(j.rec.Amortised, a)
				continue
			}
			j.rec.Amortised[i].Used += a.Used
		}
	}
	for _, a := range j.rec.Amortised {
		if a.Used > a.Expected {
			return fmt.Errorf("dataset: merge: the shards used %v %s of run %s together, of which %v were expected: raise amortised[].expected in all of them", a.Used, a.Unit, a.Run, a.Expected)
		}
	}
	return nil
}
