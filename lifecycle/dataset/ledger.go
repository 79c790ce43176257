package dataset

import (
	"cmp"
	"slices"
	"strconv"
	"strings"

	"github.com/ecotracer/ecotracer/lifecycle"
)

// ledger merges the lines of the ledger.
func (j *job) ledger() {
	j.rec.Ledger = []lifecycle.LedgerLine{}
	byKey := map[domainKey]*group{}
	for _, s := range j.shards {
		s.lines = make([]lineOf, len(s.Ledger))
		taken := map[domainKey]bool{}
		served := s.services()
		for i := range s.Ledger {
			l := &s.Ledger[i]
			key := s.domainKey(l)
			if taken[key] || served[reading{l.Hardware, l.Meter}] {
				key = domainKey{only: s, domain: l.Domain}
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
		}
	}
	for _, g := range j.groups {
		g.settle()
	}
	j.scope()
	j.wholesAndParts()
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

// domainKey tells a domain of a device from all others.
type domainKey struct {
	of     *component
	only   *shard // that saw it, if it is nobody else's as far as can be known
	domain string
}

func (s *shard) domainKey(l *lifecycle.LedgerLine) domainKey {
	i := s.entry[l.Hardware]
	h := &s.Hardware[i]
	domain := l.Domain
	if len(h.Instance) == 0 {
		return domainKey{only: s, domain: domain}
	}
	if accelerator(h.Kind) && h.Count == 1 && len(h.Instance) == 1 {
		_, domain, _ = strings.Cut(domain, "/") // each container numbers devices in its own way
	}
	return domainKey{of: s.component[i], domain: domain}
}

// wholesAndParts tells of nodes that some shards read as a whole, and others by
// their parts: these cannot be held against one another.
func (j *job) wholesAndParts() {
	whole, rest := map[*class]bool{}, map[*class]bool{}
	for _, g := range j.groups {
		v := g.seen[0]
		c := v.component[v.entry[v.Hardware]]
		if c.best.entry().Kind != lifecycle.KindNode || len(c.members) == 1 {
			continue
		}
		if strings.Contains(g.domain, "/") {
			rest[c.class] = true
		} else {
			whole[c.class] = true
		}
	}
	for _, k := range j.classes {
		if whole[k] && rest[k] {
			j.warn(overlap, pointer("hardware", k.at), "some shards read a node as a whole, others by its parts: what they both saw of it counts twice")
		}
	}
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
