package tracer

import (
	"math"
	"slices"
	"time"

	"github.com/ecotracer/ecotracer/lifecycle"
	"github.com/ecotracer/ecotracer/tracer/meter"
)

// booking is by which weights active energy was given out.
type booking int

const (
	byAlone  booking = iota // one account was active
	byWindow                // CPU samples of the window
	byRate                  // the accounts' last CPU rates
	byWall                  // wall share
	bookings
)

// bookSample books what a group's domains used since its last sample: of time
// alone to the account, of time with no span to nobody, of time with several
// accounts active to a pool that settle gives out. Devices of their own are
// booked at once. Of what told nothing the last power is taken. The ledger is
// locked, and its accounts are up to date.
func (l *ledger) bookSample(g *group, accounts []*account) {
	if g.t < 0 {
		for _, d := range g.domains {
			d.told, d.settled, d.ownTold = d.last, d.last, d.ownLast
		}
		l.levelGroup(g)
		return
	}
	span := float64(l.t - g.t)
	if span <= 0 {
		return
	}
	dE := g.scratch[:len(g.domains)]
	for i, d := range g.domains {
		dE[i], g.ownE[i] = d.step(time.Duration(l.t - g.t))
		g.window[i] += dE[i]
	}
	none := l.none - g.noneT
	alone := 0.0
	for _, a := range accounts {
		ag := &a.groups[g.id]
		if da := a.alone - ag.aloneAt; da > 0 {
			alone += da
			ag.pendingT += da
			for _, i := range g.shared {
				ag.pending[i] += dE[i] * (da / span)
			}
		}
		ag.aloneAt = a.alone
	}
	if len(g.own) > 0 {
		l.bookDevices(g, dE, accounts, none/span, span)
	}
	for _, a := range accounts {
		a.groups[g.id].wallAt = a.wall
	}
	several := max(span-none-alone, 0)
	for _, i := range g.shared {
		g.pool[i] += dE[i] * (several / span)
		g.unowned[i] += dE[i] * (none / span)
	}
	g.poolT += several
	g.unownedT += none
	g.windowT += span
	g.t, g.noneT = l.t, l.none
	l.samplePowerlines(g, l.cpu)
}

// bookDevices books the energy of devices of their own, which no CPU time
// tells who uses. Of a device that some run holds, because a span of it has
// claimed it, the claimers have their share and the holders the rest; another
// goes by wall share. Of a device of which the meter tells what this process
// used, that is all that runs of process scope have; so is an equal part of one
// that the ranks of a job have in common. none is the part of the time in which
// no span was active.
func (l *ledger) bookDevices(g *group, dE []float64, accounts []*account, none, span float64) {
	for _, i := range g.own {
		d := g.domains[i]
		d.settled = d.told
		holders := 0
		for _, r := range l.runs {
			if r.claimed[d.device] {
				holders++
			}
		}
		own := g.ownE[i]
		if holders == 0 {
			own /= float64(d.among)
		}
		g.sumOE[i] += own
		if holders == 0 {
			for _, a := range accounts {
				ag := &a.groups[g.id]
				ag.f[i] += a.run.deviceJ(dE[i], own) * ((a.wall - ag.wallAt) / span)
			}
			for _, r := range l.runs {
				r.books[g.id].none.f[i] += r.deviceJ(dE[i], own) * none / float64(len(l.runs))
			}
			continue
		}
		rest := 1.0
		for _, a := range accounts {
			ag := &a.groups[g.id]
			for k := range a.claims {
				if c := &a.claims[k]; c.device == d.device {
					x := (c.share - ag.claimAt[k]) / span
					ag.d[i] += a.run.deviceJ(dE[i], own) * x
					rest -= x
				}
			}
		}
		for _, r := range l.runs {
			if r.claimed[d.device] {
				r.books[g.id].held[i] += r.deviceJ(dE[i], own) * rest / float64(holders)
			}
		}
	}
	for _, a := range accounts {
		for k := range a.claims {
			a.groups[g.id].claimAt[k] = a.claims[k].share
		}
	}
}

// levelGroup begins a group's book at the clocks of now.
func (l *ledger) levelGroup(g *group) {
	g.t, g.noneT, g.settledT, g.told = l.t, l.none, l.t, l.t
	for _, r := range l.runs {
		for _, a := range r.accounts {
			g.level(a)
		}
		if p := r.books[g.id].power; p != nil {
			p.moments[0].t = l.t // nothing had been read before
		}
	}
}

func (g *group) level(a *account) {
	ag := &a.groups[g.id]
	ag.aloneAt, ag.wallAt = a.alone, a.wall
	ag.wallSettledAt, ag.weighedSettledAt = a.wall, a.weighed
	for k := range a.claims {
		ag.claimAt[k] = a.claims[k].share
	}
}

// deviceJ is what a run may book of the joules of a device, of which the
// process used own.
func (r *Run) deviceJ(all, own float64) float64 {
	if r.cfg.scope == lifecycle.ScopeMachine {
		return all
	}
	return own
}

// step is what a domain used in an interval, and what of it this process did,
// J, and brings its state forward.
func (d *domain) step(interval time.Duration) (e, own float64) {
	if !d.read {
		d.gap += interval
		return 0, 0
	}
	since := d.power * d.age.Seconds() // the reading
	e, own = max(d.last+since-d.told, 0), max(d.ownLast+d.ownPart*since-d.ownTold, 0)
	if d.silent > 0 {
		// Not told: the last power is taken, and put right by the next
		// reading.
		e = d.power * interval.Seconds()
		own = d.ownPart * e
	}
	d.told += e
	if !d.Owned {
		return e, e
	}
	own = min(own, e)
	d.ownTold += own
	return e, own
}

// take notes a meter's samples; what is missing or no number leaves the
// domain silent. A domain counts from its first reading on: what the meter
// counted before may have been used before the run.
func (g *group) take(samples []meter.Sample, interval time.Duration, now time.Time) {
	for _, d := range g.domains {
		d.silent += interval
	}
	for _, s := range samples {
		if s.Domain < 0 || s.Domain >= len(g.index) || g.index[s.Domain] < 0 {
			continue
		}
		d := g.domains[g.index[s.Domain]]
		if s.Condition != meter.OK {
			d.conds[s.Condition]++
		}
		if math.IsNaN(s.Joules) || math.IsInf(s.Joules, 0) || s.Joules < 0 {
			d.conds[meter.Unreadable]++
			continue
		}
		switch s.Condition {
		case meter.Unplugged, meter.Denied, meter.Unreadable, meter.NoRange:
			continue
		}
		g.takeReading(d, s, interval, now)
	}
}

// takeReading notes what a domain's counter says after an interval. What a slow
// meter has said some time ago is brought up to now by the last power.
func (g *group) takeReading(d *domain, s meter.Sample, interval time.Duration, now time.Time) {
	joules, own := s.Joules, s.OwnJ
	if !(own >= 0 && own <= math.MaxFloat64) {
		own = d.ownZero + d.ownLast
	}
	first := !d.read
	if first {
		d.read, d.zero, d.ownZero, d.silent = true, joules, own, interval
	}
	joules -= d.zero
	if joules < d.last {
		d.conds[meter.Backwards]++
		return
	}
	expected := interval
	if g.slow != nil {
		expected = max(interval, 2*g.slow.wait(), 2*d.Update) // what tells less often is read for nothing
	}
	if d.silent > expected {
		d.gap += d.silent - interval
	}
	took := d.silent
	d.age = 0
	if g.slow != nil && !s.Time.IsZero() {
		d.age = min(max(now.Sub(s.Time), 0), d.silent)
		if apart := s.Time.Sub(d.at); !d.at.IsZero() && apart > 0 {
			took = apart
		}
		d.at = s.Time
	}
	if first && g.t >= 0 {
		d.gap += interval - d.age // what was used since the reading, the next one tells
	}
	if since := took.Seconds(); since > 0 && d.samples > 0 {
		d.power = (joules - d.last) / since
		if joules > d.last {
			d.ownPart = min(max(own-d.ownZero-d.ownLast, 0)/(joules-d.last), 1)
		}
		d.minE += joules - d.last
		d.minT += took
	}
	if d.minT >= time.Second {
		if w := d.minE / d.minT.Seconds(); d.minW < 0 || w < d.minW {
			d.minW = w
		}
		d.minE, d.minT = 0, 0
	}
	d.last, d.silent = joules, 0
	d.ownLast = max(d.ownLast, own-d.ownZero)
	d.samples++
}

// settle closes a window: it gives out what was pooled, by the weights that
// the accounts' clocks tell, and applies the process's share. The ledger is
// locked, and its accounts are up to date.
func (l *ledger) settle(u usageReading, kind booking) {
	none := l.none - l.noneSettled
	l.noneSettled = l.none
	for _, r := range l.runs {
		r.noneT += none / float64(len(l.runs))
	}
	for _, g := range l.groups {
		if g.windowT > 0 {
			l.settleGroup(g, u, kind)
			l.copyHours(g)
		}
	}
	l.settledT = l.t
	keep := l.inWin[:0]
	for _, a := range l.inWin {
		a.wallAsOf = a.wall
		if a.inWindow = a.dirty; a.dirty {
			keep = append(keep, a)
		}
	}
	clear(l.inWin[len(keep):])
	l.inWin = keep
	for _, r := range l.runs {
		r.settleExpected()
	}
}

func (l *ledger) settleGroup(g *group, u usageReading, kind booking) {
	s, q := g.share(u)
	accounts := l.inWin
	if g.slow != nil {
		accounts = l.allAccounts()
	}
	var weighed, walled float64
	for _, a := range accounts {
		ag := &a.groups[g.id]
		weighed += a.weighed - ag.weighedSettledAt
		walled += max(ag.wallAt-ag.wallSettledAt-ag.pendingT, 0)
	}
	if weighed <= 0 && g.poolT > 0 {
		kind = byWall
	}
	for _, r := range l.runs {
		r.books[g.id].begin(len(g.domains))
	}
	for _, a := range accounts {
		ag := &a.groups[g.id]
		x := 0.0
		if weighed > 0 {
			x = (a.weighed - ag.weighedSettledAt) / weighed
		} else if walled > 0 {
			x = max(ag.wallAt-ag.wallSettledAt-ag.pendingT, 0) / walled
		}
		b := a.run.books[g.id]
		rs, rq := a.run.shares(s, q)
		dw := ag.wallAt - ag.wallSettledAt // up to the last sample
		for _, i := range g.shared {
			pooled := g.pool[i] * x
			ag.f[i] += rs * (ag.pending[i] + pooled)
			b.ownF[i] += ag.pending[i] + pooled
			b.by[byAlone].f[i] += rs * ag.pending[i]
			b.by[kind].f[i] += rs * pooled
			ag.pending[i] = 0
		}
		c := ag.pendingT + g.poolT*x
		ag.c += rs * c
		ag.q += rq * dw
		b.ownC += c
		b.ownQ += dw
		b.by[byAlone].c += rs * ag.pendingT
		b.by[byAlone].q += rq * ag.pendingT
		b.by[kind].c += rs * g.poolT * x
		b.by[kind].q += rq * (dw - ag.pendingT)
		ag.pendingT = 0
		ag.wallSettledAt, ag.weighedSettledAt = ag.wallAt, a.weighed
	}
	// What was pooled has an owner only if some account had a clock.
	unownedPool := weighed <= 0 && walled <= 0
	for _, r := range l.runs {
		b := r.books[g.id]
		rs, rq := r.shares(s, q)
		part := 1 / float64(len(l.runs))
		for _, i := range g.shared {
			u := g.unowned[i]
			if unownedPool {
				u += g.pool[i]
			}
			b.none.f[i] += rs * u * part
			if len(l.runs) > 1 {
				b.others.f[i] += rs * (g.window[i] - b.ownF[i] - u*part)
			}
		}
		nt := g.unownedT
		if unownedPool {
			nt += g.poolT
		}
		b.none.c += rs * nt * part
		b.none.q += rq * nt * part
		if len(l.runs) > 1 {
			b.others.c += rs * (g.windowT - b.ownC - nt*part)
			b.others.q += rq * (g.windowT - b.ownQ - nt*part)
		}
	}
	for i, d := range g.domains {
		g.sumE[i] += g.window[i]
		g.sumSE[i] += s * g.window[i]
		g.pool[i], g.unowned[i], g.window[i] = 0, 0, 0
		d.settled = d.told
	}
	g.sumT += g.windowT
	g.sumST += s * g.windowT
	g.sumQT += q * g.windowT
	g.poolT, g.unownedT, g.windowT = 0, 0, 0
	g.settledT, g.told = l.t, g.t
	g.mark(u)
	l.settlePowerlines(g, accounts)
}

func (l *ledger) allAccounts() []*account {
	n := 0
	for _, r := range l.runs {
		n += len(r.accounts)
	}
	all := make([]*account, 0, n)
	for _, r := range l.runs {
		all = append(all, r.accounts...)
	}
	return all
}

// runBook is a run's book of one group, apart from its accounts.
type runBook struct {
	none   sums           // of time with no span active
	others sums           // of other runs of the process
	by     [bookings]sums // of its spans, by the weights used
	held   []float64      // J by domain: of devices that it holds and no span claimed at the time
	power  *powerline     // over time, if asked for; no checkpoint has it

	ownF       []float64 // of its accounts, in the window that is being settled
	ownC, ownQ float64
}

func newRunBook(n int) *runBook {
	b := &runBook{ownF: make([]float64, n), held: make([]float64, n)}
	b.none.f, b.others.f = make([]float64, n), make([]float64, n)
	for i := range b.by {
		b.by[i].f = make([]float64, n)
	}
	return b
}

func (b *runBook) begin(n int) {
	clear(b.ownF[:n])
	b.ownC, b.ownQ = 0, 0
}

func (b *runBook) clone() *runBook {
	c := &runBook{none: b.none.clone(), others: b.others.clone(), held: slices.Clone(b.held)}
	for i := range b.by {
		c.by[i] = b.by[i].clone()
	}
	return c
}
