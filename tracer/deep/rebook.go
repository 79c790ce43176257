package deep

import (
	"fmt"
	"math"
	"slices"

	"github.com/ecotracer/ecotracer/internal/timeline"
	"github.com/ecotracer/ecotracer/lifecycle"
)

// ownShare is the part of its CPU time that a process may use outside its
// goroutines before the calls that they are in are taken to compute: the
// runtime's scheduler is no goroutine.
const ownShare = 0.1

// rebooking books the chapters of a timeline again.
type rebooking struct {
	timeline *timeline.Timeline
	bounds   []float64 // s: where cells begin and end, rising
	groups   []*groupBooking
}

type groupBooking struct {
	*timeline.Group
	series   []*timeline.Domain // of each of a chapter's domains
	chapters []*chapterBooking
	next     int // chapter
}

// chapterBooking is a chapter as it is booked again.
type chapterBooking struct {
	*timeline.Chapter
	index   map[worker]int // of an account in the chapter
	domains []domainBooking
	done    bool // the trace covers it
}

// domainBooking is what a domain's active energy comes to, by the timeline.
type domainBooking struct {
	spans         []float64 // J by account of the chapter
	stray, nobody float64
}

func newRebooking(t *timeline.Timeline) *rebooking {
	b := &rebooking{timeline: t}
	for i := range t.Groups {
		g := &groupBooking{Group: &t.Groups[i]}
		for j := range g.Domains {
			if d := &g.Domains[j]; d.ActiveJ != nil {
				g.series = append(g.series, d)
			}
		}
		for j := range g.Chapters {
			c := &chapterBooking{Chapter: &g.Chapters[j], index: map[worker]int{}}
			for k, a := range c.Accounts {
				c.index[worker(a)] = k
			}
			for range c.Domains {
				c.domains = append(c.domains, domainBooking{spans: make([]float64, len(c.Accounts))})
			}
			g.chapters = append(g.chapters, c)
			b.bounds = append(b.bounds, c.FromS, c.ToS)
			for _, t := range g.TS {
				if t > c.FromS && t < c.ToS {
					b.bounds = append(b.bounds, t)
				}
			}
		}
		b.groups = append(b.groups, g)
	}
	slices.Sort(b.bounds)
	b.bounds = slices.Compact(b.bounds)
	return b
}

// fold takes what the goroutines did in a cell. Cells come in the order of
// time.
func (b *rebooking) fold(cell int, u usage) {
	from, to := b.bounds[cell], b.bounds[cell+1]
	for _, g := range b.groups {
		for g.next < len(g.chapters) && g.chapters[g.next].ToS <= from {
			g.next++
		}
		if g.next == len(g.chapters) || g.chapters[g.next].FromS > from {
			continue
		}
		proc := 1e9 * (timeline.At(g.TS, g.CPUS, to) - timeline.At(g.TS, g.CPUS, from))
		g.chapters[g.next].take(u.weights(proc), func(domain string) float64 {
			for _, d := range g.series {
				if d.Domain == domain {
					return max(timeline.At(g.TS, d.ActiveJ, to)-timeline.At(g.TS, d.ActiveJ, from), 0)
				}
			}
			return 0
		})
	}
}

// weights is how much CPU time each worker had, where the process used proc ns.
func (u usage) weights(proc float64) map[worker]float64 {
	w := make(map[worker]float64, len(u.ran)+1)
	var ran, called float64
	for k, d := range u.ran {
		w[k] += d
		ran += d
	}
	for _, d := range u.called {
		called += d
	}
	rest := proc - ran
	if rest <= ownShare*proc {
		return w
	}
	if called > 0 {
		part := min(rest/called, 1)
		for k, d := range u.called {
			w[k] += part * d
		}
	}
	w[stray] += max(rest-called, 0) // threads that Go did not start
	return w
}

// take books a cell's energy by domain.
func (c *chapterBooking) take(w map[worker]float64, joules func(domain string) float64) {
	var sum float64
	shares := make(map[worker]float64, len(w))
	for k, d := range w {
		if k == system || k == other {
			continue // spread like the rest; none of the run's
		}
		if _, there := c.index[k]; k > 0 && !there {
			k = stray // a span that had ended, of which a goroutine is left
		}
		shares[k] += d
		sum += d
	}
	if sum <= 0 {
		shares, sum = map[worker]float64{stray: 1}, 1
	}
	for i := range c.domains {
		e := joules(c.Domains[i].Domain)
		d := &c.domains[i]
		for k, x := range shares {
			switch x *= e / sum; k {
			case stray:
				d.stray += x
			case nobody:
				d.nobody += x
			default:
				d.spans[c.index[k]] += x
			}
		}
	}
}

// close keeps the chapters that a trace of these seconds of the run covers, and
// tells how many those are.
func (b *rebooking) close(from, to float64) (n int) {
	for _, g := range b.groups {
		for _, c := range g.chapters {
			if c.done = c.FromS >= from && c.ToS <= to; c.done {
				n++
			}
		}
	}
	return n
}

// moves is what changes for a domain.
type moves struct {
	spans  []float64 // J by account of the run, by its number less one
	nobody float64
	booked [4]float64 // alone, window, rate, wall
}

// rebook compares what a chapter comes to with what it was booked as. The
// joules are those of the books: the timeline only tells how they are shared.
func (c *chapterBooking) rebook(i int, m *moves, rep *Report) {
	d, was := &c.domains[i], &c.Domains[i]
	var active, sum, wall float64
	for k := range was.SpansJ {
		active += was.SpansJ[k] - was.IdleJ[k]
		sum += d.spans[k]
		wall += max(c.WallS[k], 0)
	}
	active += was.UnattributedJ - was.UnattributedIdleJ
	sum += d.stray + d.nobody
	if active <= 0 || sum <= 0 {
		return // nothing to share out
	}
	scale := active / sum
	byWall, none := d.stray, d.nobody
	if wall <= 0 {
		byWall, none = 0, d.nobody+d.stray
	}
	rep.BookedJ += active
	rep.UnlabelledJ += scale * byWall
	spans := 0.0
	for k, a := range c.Accounts {
		j := was.IdleJ[k] + scale*d.spans[k]
		if wall > 0 {
			j += scale * byWall * max(c.WallS[k], 0) / wall
		}
		m.spans[a-1] += j - was.SpansJ[k]
		spans += j
	}
	m.nobody += was.UnattributedIdleJ + scale*none - was.UnattributedJ
	b := &was.Booked
	for k, p := range []*float64{b.AloneJ, b.WindowJ, b.RateJ, b.WallJ} {
		m.booked[k] -= value(p)
	}
	m.booked[1] += spans - scale*byWall
	m.booked[3] += scale * byWall
}

// apply puts what was booked again into a record and its timeline.
func (b *rebooking) apply(r *lifecycle.Record, rep *Report) error {
	moved := make([]float64, len(r.Spans))
	for _, g := range b.groups {
		for _, s := range g.series {
			m := moves{spans: make([]float64, len(b.timeline.Accounts))}
			any := false
			for _, c := range g.chapters {
				for i := range c.Domains {
					if c.done && c.Domains[i].Domain == s.Domain {
						c.rebook(i, &m, rep)
						any = true
					}
				}
			}
			if any {
				if err := b.move(r, s, &m, moved); err != nil {
					return err
				}
			}
		}
		g.Chapters = g.left(rep)
	}
	for i, d := range moved {
		r.Spans[i].SelfJ = max(r.Spans[i].SelfJ+d, 0) // below it only by rounding
		rep.MovedJ += max(d, 0)
	}
	scaleProfiles(r)
	return nil
}

// left is the chapters that are still to be booked.
func (g *groupBooking) left(rep *Report) []timeline.Chapter {
	list := []timeline.Chapter{}
	var seconds float64
	for i, c := range g.chapters {
		if !c.done {
			list = append(list, g.Chapters[i])
			continue
		}
		seconds += c.ToS - c.FromS
	}
	rep.BookedS = max(rep.BookedS, seconds)
	return list
}

// move books what changes for a domain: its line, the rows of the stages, and
// what it adds to the spans.
func (b *rebooking) move(r *lifecycle.Record, s *timeline.Domain, m *moves, moved []float64) error {
	at := slices.IndexFunc(r.Ledger, func(l lifecycle.LedgerLine) bool { return l.Domain == s.Domain })
	if at < 0 {
		return fmt.Errorf("the ledger has no line of domain %q, of which the timeline tells", s.Domain)
	}
	l := &r.Ledger[at]
	n := len(s.SpansJ)
	parts := make([]float64, n+1)
	for i, was := range s.SpansJ {
		parts[i] = was + m.spans[i]
	}
	parts[n] = l.UnattributedJ + m.nobody
	level(parts, l.SpansJ+l.UnattributedJ)

	rows := map[lifecycle.Stage]float64{lifecycle.Unassigned: parts[n] - l.UnattributedJ}
	var spans float64
	for i, j := range parts[:n] {
		d := j - s.SpansJ[i]
		span := b.timeline.Accounts[i]
		moved[span] += d
		rows[r.Spans[span].Stage] += d
		spans += j
		s.SpansJ[i] = j
	}
	for stage, d := range rows {
		if err := addToRow(r, stage, l, d); err != nil {
			return err
		}
	}
	booked := []float64{0, 0, 0, 0}
	if k := l.Booked; k != nil {
		booked = []float64{value(k.AloneJ), value(k.WindowJ), value(k.RateJ), value(k.WallJ)}
	}
	for k := range booked {
		booked[k] += m.booked[k]
	}
	for k := range booked {
		if booked[k] < 1e-12*spans {
			booked[k] = 0 // what rounding has left
		}
	}
	level(booked, spans)
	l.Booked = &lifecycle.Booked{AloneJ: positive(booked[0]), WindowJ: positive(booked[1]), RateJ: positive(booked[2]), WallJ: positive(booked[3])}
	l.Split = "cpu-time"
	l.SpansJ, l.UnattributedJ = spans, parts[n]
	return nil
}

// addToRow adds joules to a stage's row of the line's device and meter.
func addToRow(r *lifecycle.Record, stage lifecycle.Stage, l *lifecycle.LedgerLine, joules float64) error {
	for i := range r.Phases {
		if r.Phases[i].Stage != stage {
			continue
		}
		for k := range r.Phases[i].Usage {
			if u := &r.Phases[i].Usage[k]; u.Hardware == l.Hardware && u.Meter == l.Meter && u.EnergyJ != nil {
				u.EnergyJ.Value = max(u.EnergyJ.Value+joules, 0)
				return nil
			}
		}
	}
	if math.Abs(joules) <= 1e-9*l.TotalJ {
		return nil
	}
	return fmt.Errorf("stage %s has no row of %s by %s to book %g J in", stage, l.Hardware, l.Meter, joules)
}

// level takes what parts are below zero from those above it, in proportion, so
// that none is negative and they come to sum.
func level(parts []float64, sum float64) {
	var above float64
	for _, v := range parts {
		above += max(v, 0)
	}
	keep := 0.0
	if above > 0 {
		keep = max(sum, 0) / above
	}
	for i, v := range parts {
		parts[i] = max(v, 0) * keep
	}
}

func value(p *float64) float64 {
	if p == nil {
		return 0
	}
	return *p
}

// positive is nil for what did not occur.
func positive(v float64) *float64 {
	if v <= 0 {
		return nil
	}
	return &v
}
