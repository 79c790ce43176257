package tracer

import (
	"math"
	"slices"
	"time"

	"github.com/ecotracer/ecotracer/internal/timeline"
	"github.com/ecotracer/ecotracer/lifecycle"
)

const (
	maxMoments  = 4096    // of a group, in a timeline
	maxPending  = 1024    // between two settlements
	maxChapters = 32      // of a group
	maxNumbers  = 1 << 17 // in the moments of a group, and in its chapters
)

// powerline is a run's timeline of one group: what its domains had used at
// each reading, and, of the time in which an execution trace was being written,
// what was booked to whom, so that package deep can book it again. It is
// bounded: when it is full, every second moment is forgotten, and two chapters
// become one.
type powerline struct {
	moments []moment
	pending []moment // since the last settlement; e since then too

	chapters []*chapter
	length   int64 // ns that a chapter may grow to
	numbers  int   // in the chapters
	full     bool  // too many paths: no more chapters

	was     map[*account]*entry // the accounts' books at the last settlement
	wasNone sums
	wasBy   [bookings]sums
}

// moment is one reading. Energies are in J since the run's begin.
type moment struct {
	t   int64         // ns of the ledger
	cpu time.Duration // of the process
	e   []float64     // by domain, all
	f   []float64     // by domain, the run's: Σ s·E
	c   float64       // ns, the run's: Σ s·t
}

// chapter is what was booked in a time.
type chapter struct {
	from, to int64
	entries  map[*account]*entry
	none     sums
	by       [bookings]sums
}

// entry is an account's part of a chapter.
type entry struct {
	wall float64 // ns
	sums
}

func newPowerline(t int64, cpu time.Duration, domains int) *powerline {
	p := &powerline{was: map[*account]*entry{}}
	p.moments = append(p.moments, moment{t: t, cpu: cpu, e: make([]float64, domains), f: make([]float64, domains)})
	p.wasNone = newSums(domains)
	for i := range p.wasBy {
		p.wasBy[i] = newSums(domains)
	}
	return p
}

func newSums(domains int) sums { return sums{f: make([]float64, domains)} }

// minus is what came to s since it was t.
func (s sums) minus(t sums) sums {
	d := sums{f: make([]float64, len(s.f)), c: s.c - t.c, q: s.q - t.q}
	for i := range d.f {
		d.f[i] = s.f[i] - t.f[i]
	}
	return d
}

func (s *sums) add(t sums) {
	for i := range s.f {
		s.f[i] += t.f[i]
	}
	s.c += t.c
	s.q += t.q
}

// samplePowerlines notes a reading of a group, of which the window has so many
// joules by domain. The ledger is locked.
func (l *ledger) samplePowerlines(g *group, cpu time.Duration) {
	for _, r := range l.runs {
		p := r.books[g.id].power
		if p == nil {
			continue
		}
		m := moment{t: g.t, cpu: cpu, e: slices.Clone(g.window)}
		if n := len(p.pending); n == maxPending {
			p.pending[n-1] = m // where the window ends must be known
		} else {
			p.pending = append(p.pending, m)
		}
	}
}

// settlePowerlines closes a window, whose accounts and books are settled. The
// ledger is locked.
func (l *ledger) settlePowerlines(g *group, accounts []*account) {
	for _, r := range l.runs {
		if p := r.books[g.id].power; p != nil {
			p.settle(l, g, r, accounts)
		}
	}
}

func (p *powerline) settle(l *ledger, g *group, r *Run, accounts []*account) {
	n := len(p.pending)
	if n == 0 {
		return
	}
	book := r.books[g.id]
	began := p.moments[len(p.moments)-1].t
	p.addMoments(book)
	p.pending = p.pending[:0]

	c := &chapter{from: began, to: g.t, entries: map[*account]*entry{}, none: book.none.minus(p.wasNone)}
	for i := range c.by {
		c.by[i] = book.by[i].minus(p.wasBy[i])
		p.wasBy[i] = book.by[i].clone()
	}
	p.wasNone = book.none.clone()
	for _, a := range accounts {
		if a.run != r {
			continue
		}
		ag := &a.groups[g.id]
		now := &entry{wall: ag.wallSettledAt, sums: sums{f: slices.Clone(ag.f), c: ag.c, q: ag.q}}
		was := p.was[a]
		if was == nil {
			was = &entry{sums: newSums(len(g.domains))}
		}
		p.was[a] = now
		c.entries[a] = &entry{now.wall - was.wall, now.minus(was.sums)}
	}
	if traced := l.tracedSince; traced >= 0 && traced <= began && c.to > c.from {
		p.addChapter(c, len(g.domains))
	}
}

// addMoments makes moments of the readings since the last settlement. What the
// run had of the window is spread over them like the window's energy.
func (p *powerline) addMoments(book *runBook) {
	last := p.moments[len(p.moments)-1]
	end := p.pending[len(p.pending)-1]
	f, c := slices.Clone(book.none.f), book.none.c
	for k := range book.by {
		c += book.by[k].c
		for i := range f {
			f[i] += book.by[k].f[i]
		}
	}
	for _, m := range p.pending {
		part := 1.0
		if end.t > last.t {
			part = float64(m.t-last.t) / float64(end.t-last.t)
		}
		m.f = make([]float64, len(f))
		m.c = last.c + part*(c-last.c)
		for i := range f {
			x := part
			if end.e[i] > 0 {
				x = m.e[i] / end.e[i]
			}
			m.f[i] = last.f[i] + x*(f[i]-last.f[i])
			m.e[i] += last.e[i]
		}
		m.cpu = max(m.cpu, p.moments[len(p.moments)-1].cpu)
		p.moments = append(p.moments, m)
	}
	for len(p.moments) > min(maxMoments, maxNumbers/(2*len(f))) {
		// Every second one goes; the first and the last stay.
		keep := p.moments[:0]
		for i, m := range p.moments {
			if i%2 == 0 || i == len(p.moments)-1 {
				keep = append(keep, m)
			}
		}
		clear(p.moments[len(keep):])
		p.moments = keep
	}
}

func (p *powerline) addChapter(c *chapter, domains int) {
	if p.full {
		return
	}
	if n := len(p.chapters); n > 0 && p.chapters[n-1].to == c.from && c.to-p.chapters[n-1].from <= p.length {
		p.numbers += p.chapters[n-1].take(c, domains)
	} else {
		p.chapters = append(p.chapters, c)
		p.numbers += len(c.entries) * (2*domains + 2)
	}
	for len(p.chapters) > maxChapters || p.numbers > maxNumbers {
		p.length = max(2*p.length, int64(2*time.Second))
		if !p.mergeChapters(domains) && p.length > math.MaxInt64/4 {
			// They lie apart, or have too many paths: what there is stays.
			p.chapters = p.chapters[:len(p.chapters)-1]
			p.full = true
			return
		}
	}
}

// mergeChapters makes one of two neighbours that come to no more than length
// together, and tells whether there were any.
func (p *powerline) mergeChapters(domains int) (merged bool) {
	keep := p.chapters[:0]
	p.numbers = 0
	for _, c := range p.chapters {
		if n := len(keep); n > 0 && keep[n-1].to == c.from && c.to-keep[n-1].from <= p.length {
			keep[n-1].take(c, domains)
			merged = true
			continue
		}
		keep = append(keep, c)
	}
	clear(p.chapters[len(keep):])
	p.chapters = keep
	for _, c := range keep {
		p.numbers += len(c.entries) * (2*domains + 2)
	}
	return merged
}

// take adds the chapter that follows, and tells how many numbers that added.
func (c *chapter) take(next *chapter, domains int) (more int) {
	c.to = next.to
	c.none.add(next.none)
	for i := range c.by {
		c.by[i].add(next.by[i])
	}
	for a, e := range next.entries {
		if own := c.entries[a]; own != nil {
			own.wall += e.wall
			own.add(e.sums)
			continue
		}
		c.entries[a] = e
		more += 2*domains + 2
	}
	return more
}

// timeline puts the run's timeline into the record, if it was asked to keep
// one. A checkpoint has none.
func (b *recordBuilder) timeline() {
	t := timeline.Timeline{Version: timeline.Version, Accounts: b.spanOf, Groups: []timeline.Group{}}
	if t.Accounts == nil {
		t.Accounts = []int{}
	}
	for gi, book := range b.snap.books {
		p := book.power
		if p == nil {
			return
		}
		var domains []*bookedDomain
		for _, d := range b.domains {
			if d.group == gi {
				domains = append(domains, d)
			}
		}
		g := timeline.Group{Domains: []timeline.Domain{}, Chapters: []timeline.Chapter{}}
		for _, m := range p.moments {
			g.TS = append(g.TS, b.seconds(m.t))
			g.CPUS = append(g.CPUS, (m.cpu - p.moments[0].cpu).Seconds())
		}
		for _, d := range domains {
			s := timeline.Domain{Domain: d.ID}
			if d.device < 0 {
				s.SpansJ = d.own
			}
			for _, m := range p.moments {
				s.TotalJ = append(s.TotalJ, microjoules(m.e[d.slot]))
				if d.device < 0 {
					s.ActiveJ = append(s.ActiveJ, microjoules(m.f[d.slot]-d.idleW*m.c/1e9))
				}
			}
			g.Domains = append(g.Domains, s)
		}
		for _, c := range p.chapters {
			g.Chapters = append(g.Chapters, b.chapter(c, domains))
		}
		t.Groups = append(t.Groups, g)
	}
	if len(t.Groups) > 0 {
		b.rec.Extensions[timeline.Key] = t
	}
}

// microjoules rounds to what counters tell: more digits would only make the
// record long.
func microjoules(j float64) float64 { return math.Round(j*1e6) / 1e6 }

// seconds is a time of the ledger from the run's begin on.
func (b *recordBuilder) seconds(t int64) float64 { return float64(max(t-b.run.begin, 0)) / 1e9 }

func (b *recordBuilder) chapter(c *chapter, domains []*bookedDomain) timeline.Chapter {
	out := timeline.Chapter{
		FromS: b.seconds(c.from), ToS: b.seconds(c.to),
		Accounts: []int{}, WallS: []float64{}, Domains: []timeline.Booking{},
	}
	accounts := make([]*account, 0, len(c.entries))
	for a := range c.entries {
		accounts = append(accounts, a)
	}
	slices.SortFunc(accounts, func(x, y *account) int { return x.id - y.id })
	for _, a := range accounts {
		out.Accounts = append(out.Accounts, a.id)
		out.WallS = append(out.WallS, c.entries[a].wall/1e9)
	}
	for _, d := range domains {
		if d.device >= 0 {
			continue
		}
		i, w := d.slot, d.idleW
		k := timeline.Booking{
			Domain: d.ID, SpansJ: []float64{}, IdleJ: []float64{},
			UnattributedJ: c.none.joules(i, w), UnattributedIdleJ: w * c.none.q / 1e9,
			Booked: lifecycle.Booked{
				AloneJ: positive(c.by[byAlone].joules(i, w)), WindowJ: positive(c.by[byWindow].joules(i, w)),
				RateJ: positive(c.by[byRate].joules(i, w)), WallJ: positive(c.by[byWall].joules(i, w)),
			},
		}
		for _, a := range accounts {
			e := c.entries[a]
			k.SpansJ = append(k.SpansJ, e.joules(i, w))
			k.IdleJ = append(k.IdleJ, w*e.q/1e9)
		}
		out.Domains = append(out.Domains, k)
	}
	return out
}
