package dataset

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"strings"

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

// ledger merges the lines of the ledger.
func (j *job) ledger() {
	j.rec.Ledger = []lifecycle.LedgerLine{}
	byKey := map[string]*group{}
	for n, s := range j.shards {
		s.lines = make([]lineOf, len(s.Ledger))
		taken := map[string]bool{}
		served := s.services()
		for i := range s.Ledger {
			l := &s.Ledger[i]
			key := s.domainKey(l)
			if key == "" || taken[key] || served[reading{l.Hardware, l.Meter}] { // nobody else's, as far as it can be known
				key = fmt.Sprintf("%d\n%s", n, l.Domain)
			}
			taken[key] = true
			g := byKey[key]
			if g == nil {
				g = &group{domain: l.Domain}
				byKey[key] = g
				j.groups = append(j.groups, g)
			}
			v := &sight{shard: s, LedgerLine: l, at: i, own: l.SpansJ + l.UnattributedJ, wide: s.Run.Scope == lifecycle.ScopeMachine}
			g.seen = append(g.seen, v)
			g.machine = g.machine || v.wide
			s.lines[i].group = g
		}
	}
	for _, g := range j.groups {
		g.settle()
	}
	j.scope()
	domains := names{}
	for _, g := range j.groups {
		if host := g.seen[0].host; host > 1 {
			g.domain += "@" + strconv.Itoa(host)
		}
		g.domain = domains.free(g.domain)
	}
	for _, g := range j.groups {
		j.lines(g, &domains)
	}
}

// services are the readings that a factor tells: what a shard stored, moved or
// called for is nobody else's, whoever used the same service.
func (s *shard) services() map[reading]bool {
	served := map[reading]bool{}
	for i := range s.Phases {
		for _, u := range s.Phases[i].Usage {
			if u.Factor != "" {
				served[reading{u.Hardware, u.Meter}] = true
			}
		}
	}
	return served
}

// domainKey tells a domain of a device from all others; "" if nothing does.
func (s *shard) domainKey(l *lifecycle.LedgerLine) string {
	i := s.entry[l.Hardware]
	h := &s.Hardware[i]
	if len(h.Instance) == 0 {
		return ""
	}
	domain := l.Domain
	if accelerator(h.Kind) && h.Count == 1 && len(h.Instance) == 1 {
		_, domain, _ = strings.Cut(domain, "/") // each container numbers devices in its own way
	}
	return fmt.Sprintf("%p\n%s", s.component[i], domain)
}

// scope is whose joules the merged run's are. It is machine if that is so of
// every domain: then nothing is of other processes, and what ran before or
// after the shards of scope machine counts no more than it booked itself.
func (j *job) scope() {
	machine, other := false, lifecycle.Scope("")
	for _, s := range j.shards {
		switch {
		case s.Run.Scope == lifecycle.ScopeMachine:
			machine = true
		case other == "":
			other = s.Run.Scope
		case other != s.Run.Scope:
			other = lifecycle.ScopeProcess
		}
	}
	run := &j.rec.Run
	run.Scope = cmp.Or(other, lifecycle.ScopeMachine)
	if !machine || other == "" {
		return
	}
	if len(j.groups) > 0 && !slices.ContainsFunc(j.groups, func(g *group) bool { return !g.machine }) {
		run.Scope = lifecycle.ScopeMachine
		for _, g := range j.groups {
			g.total -= g.outside
			g.others, g.idle = 0, 0
		}
		return
	}
	j.conflicts("/run/scope", "some shards tell all that their host used, others their process's share of theirs: the figures are the sum of both")
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
	var total, idle, runs, claimed, seen float64
	for _, v := range g.seen {
		if v.wide {
			continue
		}
		total += v.weight * v.TotalJ
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

// lines adds the lines of a group: one for each meter that the shards read it
// by, the first of which holds what is no shard's.
func (j *job) lines(g *group, domains *names) {
	first := len(j.rec.Ledger)
	at := map[string]int{} // by meter
	tellers := slices.Clone(g.seen)
	slices.SortStableFunc(tellers, func(a, b *sight) int { return cmp.Compare(directness(a.Method), directness(b.Method)) })
	for _, v := range tellers {
		meter := v.meter[v.Meter]
		i, ok := at[meter]
		if !ok {
			i = len(j.rec.Ledger)
			at[meter] = i
			l := lifecycle.LedgerLine{
				Domain: g.domain, Hardware: v.component[v.entry[v.Hardware]].class.id, Meter: meter, Method: v.Method,
				IdleW: v.IdleW, IdleFound: v.IdleFound,
			}
			if i > first {
				l.Domain = domains.free(g.domain + " by " + meter)
			}
			j.rec.Ledger = append(j.rec.Ledger, l)
		}
		v.lines[v.at].at, v.lines[v.at].keep = i, v.keep
	}
	for _, i := range at {
		l := &j.rec.Ledger[i]
		var of []*sight
		for _, v := range g.seen {
			if v.lines[v.at].at == i {
				of = append(of, v)
			}
		}
		sum(l, of)
		if i == first {
			g.fill(l)
		}
		l.TotalJ = l.SpansJ + l.UnattributedJ + l.OtherProcessesJ + l.IdleJ
		if l.OtherRunsJ != nil {
			l.TotalJ += *l.OtherRunsJ
		}
	}
	path := "/ledger/" + strconv.Itoa(first)
	if g.excess > 0 {
		j.warn(overlap, path, "%d shards booked %.6g J more of it than the %.6g J that it used: what they booked was reduced", len(g.seen), g.excess, g.total)
	}
	if n := count(g.seen, func(v *sight) bool { return v.Run.Scope == lifecycle.ScopeCgroup }); n > 1 {
		j.warn(unrecognised, path, "%d shards tell what their cgroups used of it: if they were in one cgroup, that counts several times", n)
	}
	if g.doubled > 0 {
		j.warn(overlap, path, "several shards tell all that the host used of it: the %.6g J of the time that they share count once", g.doubled)
	}
}

// fill adds what is no shard's to the first line of a group.
func (g *group) fill(l *lifecycle.LedgerLine) {
	l.OtherProcessesJ, l.IdleJ = g.others, g.idle
	for _, v := range g.seen { // whoever told what was idle
		if v.IdleW > l.IdleW {
			l.IdleW, l.IdleFound = v.IdleW, v.IdleFound
		}
	}
	if slices.ContainsFunc(g.seen, func(v *sight) bool { return v.OtherRunsJ != nil }) {
		l.OtherRunsJ = new(g.otherRuns)
	}
	if o := g.leftOut; o != nil {
		own := l.SpansJ + l.UnattributedJ
		o.IdleJ = min(o.IdleJ, own)
		o.OtherProcessesJ = min(o.OtherProcessesJ, own-o.IdleJ)
		l.OfWhich = o
	}
}

// sum adds what shards booked of a domain to its line.
func sum(l *lifecycle.LedgerLine, seen []*sight) {
	booked, told, all := new(lifecycle.Booked), false, true
	var most float64
	for _, v := range seen {
		spans := v.keep * v.SpansJ
		l.SpansJ += spans
		l.UnattributedJ += v.keep * v.UnattributedJ
		l.Samples += v.Samples
		l.GapS, l.ExtrapolatedS = longer(l.GapS, v.GapS), longer(l.ExtrapolatedS, v.ExtrapolatedS)
		if v.IdleW > l.IdleW {
			l.IdleW, l.IdleFound = v.IdleW, v.IdleFound
		}
		if l.Split == "" || spans > most {
			l.Split, most = v.Split, spans
		}
		switch b := v.Booked; {
		case b != nil:
			told = true
			for _, p := range []struct{ to, from **float64 }{
				{&booked.AloneJ, &b.AloneJ}, {&booked.WindowJ, &b.WindowJ}, {&booked.RateJ, &b.RateJ}, {&booked.WallJ, &b.WallJ}, {&booked.ClaimedJ, &b.ClaimedJ},
			} {
				if *p.from != nil {
					*p.to = plus(*p.to, v.keep***p.from)
				}
			}
		case spans > 0:
			all = false // the rest alone would not sum to spans_j
		}
	}
	if told && all {
		l.Booked = booked
	}
}

// longer is the longer of two times that may be absent.
func longer(a, b *float64) *float64 {
	if a == nil || b != nil && *b > *a {
		return b
	}
	return a
}

// count is how many of a list are so.
func count[T any](list []T, is func(T) bool) (n int) {
	for _, v := range list {
		if is(v) {
			n++
		}
	}
	return n
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
