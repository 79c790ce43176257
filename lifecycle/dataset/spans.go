package dataset

import (
	"fmt"
	"slices"

	"github.com/ecotracer/ecotracer/lifecycle"
)

// account is what spans are told by.
type account struct {
	path  string
	stage lifecycle.Stage
}

// spans merges the accounts of spans. Their joules are not split by domain, so
// that where some of those count for less, all spans of a stage do.
func (j *job) spans() error {
	j.rec.Spans = []lifecycle.Span{}
	j.accounts = map[account]int{}
	for _, s := range j.shards {
		parts := s.parts(s.readings())
		for n := range s.Spans {
			p := &s.Spans[n]
			key := account{p.Path, p.Stage}
			i, ok := j.accounts[key]
			if !ok {
				if len(j.rec.Spans) == maxSpans {
					return &ShardError{[]int{s.arg}, fmt.Sprintf("the shards have more than %d paths of spans together: give spans the same names in all ranks, without what changes from rank to rank", maxSpans)}
				}
				i = len(j.rec.Spans)
				j.accounts[key] = i
				j.rec.Spans = append(j.rec.Spans, lifecycle.Span{Path: p.Path, Stage: p.Stage})
			}
			addSpan(&j.rec.Spans[i], p, p.SelfJ*parts[p.Stage])
		}
	}
	return nil
}

// addSpan adds an account to another of the same path and stage.
func addSpan(to, p *lifecycle.Span, joules float64) {
	if p.Count > 0 {
		weigh := func(q **float64, with *float64) {
			if *q == nil {
				*q = new(*with)
				return
			}
			a, b := float64(to.Count), float64(p.Count)
			*q = new((a***q + b**with) / (a + b))
		}
		weigh(&to.P50S, p.P50S)
		weigh(&to.P95S, p.P95S)
		weigh(&to.P99S, p.P99S)
		if to.MinS == nil {
			to.MinS, to.MaxS = new(*p.MinS), new(*p.MaxS)
		}
		*to.MinS, *to.MaxS = min(*to.MinS, *p.MinS), max(*to.MaxS, *p.MaxS)
		for _, q := range []*float64{to.P50S, to.P95S, to.P99S} {
			*q = min(max(*q, *to.MinS), *to.MaxS) // but for rounding it is
		}
	}
	to.Count += p.Count
	to.Failed += p.Failed
	if p.Open != nil {
		if to.Open == nil {
			to.Open = new(int64)
		}
		*to.Open += *p.Open
	}
	to.SelfS += p.SelfS
	to.TotalS += p.TotalS
	to.SelfJ += joules
	for name, u := range p.Units {
		if to.Units == nil {
			to.Units = map[string]lifecycle.Unit{}
		}
		to.Units[name] = lifecycle.Unit{Count: to.Units[name].Count + u.Count}
	}
	for _, f := range p.Flags {
		if i, there := slices.BinarySearch(to.Flags, f); !there {
			to.Flags = slices.Insert(to.Flags, i, f)
		}
	}
}

// reading is what one meter read of one device entry of a shard.
type reading struct{ hardware, meter string }

// readings are what a shard's ledger booked by each reading, and what of it
// counts.
type readings map[reading]*bookings

type bookings struct{ spans, keptSpans, none, keptNone float64 } // J

func (s *shard) readings() readings {
	r := readings{}
	for i := range s.Ledger {
		l := &s.Ledger[i]
		b := r[reading{l.Hardware, l.Meter}]
		if b == nil {
			b = new(bookings)
			r[reading{l.Hardware, l.Meter}] = b
		}
		keep := s.lines[i].keep
		b.spans += l.SpansJ
		b.keptSpans += keep * l.SpansJ
		b.none += l.UnattributedJ
		b.keptNone += keep * l.UnattributedJ
	}
	return r
}

// row splits what a row tells in a stage: the joules of spans, what of these
// counts, and what counts of all of the row.
func (r readings) row(u *lifecycle.Usage, stage lifecycle.Stage) (spans, keptSpans, kept float64) {
	if u.EnergyJ == nil {
		return 0, 0, 0
	}
	all := u.EnergyJ.Value
	b := r[reading{u.Hardware, u.Meter}]
	if b == nil {
		return all, all, all
	}
	spans = all
	if stage == lifecycle.Unassigned {
		spans = max(all-b.none, 0)
	}
	if b.spans == b.keptSpans && b.none == b.keptNone {
		return spans, spans, all
	}
	if b.spans > 0 {
		keptSpans = spans * b.keptSpans / b.spans
	}
	kept = keptSpans
	if stage == lifecycle.Unassigned {
		kept += b.keptNone
	}
	return spans, keptSpans, kept
}

// parts tells of each stage what part of its spans' joules counts.
func (s *shard) parts(read readings) map[lifecycle.Stage]float64 {
	parts := map[lifecycle.Stage]float64{}
	for i := range s.Phases {
		p := &s.Phases[i]
		if p.Stage.Device() {
			continue
		}
		var spans, kept float64
		for n := range p.Usage {
			all, some, _ := read.row(&p.Usage[n], p.Stage)
			spans += all
			kept += some
		}
		parts[p.Stage] = 1
		if kept != spans {
			parts[p.Stage] = kept / spans
		}
	}
	return parts
}
