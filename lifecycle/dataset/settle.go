package dataset

import (
	"cmp"
	"slices"

	"github.com/ecotracer/ecotracer/lifecycle"
)

// group is one domain of one device, as the shards saw it.
type group struct {
	seen    []*sight // by rank
	machine bool     // a shard of scope machine is among them
	domain  string

	total, others, idle, otherRuns float64 // J: what the meters saw, and what was no shard's
	outside                        float64 // J of it: of others and idle, while no shard of scope machine ran
	leftOut                        *lifecycle.OfWhich
	excess, doubled                float64 // J booked beyond the total, and by several machines
}

// sight is what one shard's ledger says of a domain.
type sight struct {
	*shard
	*lifecycle.LedgerLine
	at   int     // in the shard's ledger
	own  float64 // J that the shard booked as its own
	wide bool    // all that the host used

	weight float64   // the part of its time that this line stands for
	rest   float64   // the part of its time in which no shard of scope machine ran
	inside []float64 // the part of its time in which each of them ran
	keep   float64   // the part of own that counts
}

// settle finds what the line of a domain comes to. A stretch of time is told
// by one shard: of scope machine if there is one, by the most direct method,
// the longest, the earliest.
func (g *group) settle() {
	order := slices.Clone(g.seen)
	slices.SortStableFunc(order, func(a, b *sight) int {
		return cmp.Or(
			-cmp.Compare(number(a.wide), number(b.wide)),
			cmp.Compare(directness(a.Method), directness(b.Method)),
			-cmp.Compare(a.to-a.from, b.to-b.from),
			cmp.Compare(a.from, b.from))
	})
	var told spells
	var wide []*sight
	var each []spells // what each of these tells
	for _, v := range order {
		news := told.add(v.from, v.to)
		v.weight = v.part(news)
		if v.wide {
			wide, each = append(wide, v), append(each, news)
		}
	}
	for _, v := range order {
		if v.wide {
			continue
		}
		v.rest = 1
		for _, news := range each {
			p := v.part(news.within(v.from, v.to))
			v.inside = append(v.inside, p)
			v.rest -= p
		}
		v.rest = max(v.rest, 0)
	}
	for n, m := range wide {
		g.settleMachine(n, m)
	}
	g.settleProcesses()
}

// part is how much of its time a sight has in some spells, from 0 to 1.
func (v *sight) part(s spells) float64 {
	if v.to <= v.from { // a moment, that is told or is not
		return float64(min(len(s), 1))
	}
	return min(s.length()/(v.to-v.from), 1)
}

// settleMachine shares the time that the n-th shard of scope machine tells:
// what others booked then is theirs, and the rest its own.
func (g *group) settleMachine(n int, m *sight) {
	budget := m.weight * m.TotalJ
	g.total += budget
	if m.weight < 1-1e-9 {
		g.doubled += (1 - m.weight) * m.TotalJ
	}
	var claimed, idle float64
	for _, v := range g.seen {
		if !v.wide {
			claimed += v.own * v.inside[n]
			idle += v.idleOwn() * v.inside[n]
		}
	}
	fair := 1.0
	if claimed > budget {
		fair = budget / claimed
		g.excess += beyond(claimed, budget)
		claimed = budget
	}
	for _, v := range g.seen {
		if !v.wide {
			v.keep += v.inside[n] * fair
		}
	}
	m.keep = m.weight
	if m.TotalJ > 0 {
		m.keep = min(max((budget-claimed)/m.TotalJ, 0), 1)
	}
	if m.OtherRunsJ != nil {
		g.otherRuns += m.keep * *m.OtherRunsJ
	}
	if o := m.OfWhich; o != nil { // of which the shards of other processes are no part any more
		if g.leftOut == nil {
			g.leftOut = new(lifecycle.OfWhich)
		}
		g.leftOut.OtherProcessesJ += max(m.weight*o.OtherProcessesJ-max(claimed-idle, 0), 0)
		g.leftOut.IdleJ += max(m.weight*o.IdleJ-idle, 0)
	}
}

// settleProcesses shares the time that no shard of scope machine tells among
// those of processes. A device that one of them claimed is not what others
// booked by wall share.
func (g *group) settleProcesses() {
	var total, least, idle, runs, claimed, seen float64
	for _, v := range g.seen {
		if v.wide {
			continue
		}
		total += v.weight * v.TotalJ
		least = max(least, v.rest*v.TotalJ)
		if v.Split == "claimed" {
			claimed += v.rest * v.own
		} else {
			seen += v.rest * v.own
		}
		idle += v.weight*v.IdleJ - max(v.rest-v.weight, 0)*v.idleOwn()
		if v.OtherRunsJ != nil {
			runs += v.weight * *v.OtherRunsJ
		}
	}
	total = max(total, least) // it used no less than any of them saw
	g.excess += beyond(claimed+seen, total)
	fairClaimed, fairSeen := fair(claimed, total), fair(seen, max(total-claimed, 0))
	for _, v := range g.seen {
		switch {
		case v.wide:
		case v.Split == "claimed":
			v.keep += v.rest * fairClaimed
		default:
			v.keep += v.rest * fairSeen
		}
	}
	left := max(total-claimed*fairClaimed-seen*fairSeen, 0)
	runs = min(runs, left)
	left -= runs
	g.idle = min(max(idle, 0), left)
	g.others = left - g.idle
	g.otherRuns += runs
	g.total += total
	g.outside = left
}

// fair is the part of what was booked that there is.
func fair(booked, there float64) float64 {
	if booked <= there {
		return 1
	}
	return there / booked
}

// beyond is by how much more was booked than there is, but for rounding.
func beyond(booked, there float64) float64 {
	if booked <= there*(1+1e-9) {
		return 0
	}
	return booked - there
}

// idleOwn is what a sight has of the domain's idle joules: all of these, idle_w
// over the run, but those that it left to nobody.
func (v *sight) idleOwn() float64 {
	return min(max(v.IdleW*v.Run.DurationS-v.IdleJ, 0), v.own)
}

// directness orders methods, the most direct first.
func directness(m lifecycle.Method) int {
	return slices.Index([]lifecycle.Method{lifecycle.Metered, lifecycle.Counter, lifecycle.Modelled, lifecycle.Declared}, m)
}

func number(b bool) int {
	if b {
		return 1
	}
	return 0
}
