package tracer

import (
	"slices"
	"strings"
)

// tally is what a path and all below it, or a run, has used up to a settlement:
// not joules but what they follow from once the idle power is chosen (see sums).
// Of each group of n domains it has f and d of all, c and q; then the amount of
// each service.
type tally []float64

// tally adds up the books of an account and of all below it, that of the root with
// what no span had. The ledger is locked, and settled as far as it is.
func (r *Run) tally(top *account) tally { return r.tallies([]*account{top})[0] }

// tallies is tally of several accounts, no two of them the same, in one pass over
// all: what is below some of them is added once to the nearest, and with that to
// those above it.
func (r *Run) tallies(tops []*account) []tally {
	width := len(r.services)
	for _, g := range r.ledger.groups {
		width += 2*len(g.domains) + 2
	}
	all, order := make([]tally, len(tops)), make([]int, len(tops))
	r.root.within = 0
	for _, a := range r.accounts {
		a.within = 0
	}
	for n, a := range tops {
		all[n], order[n] = make(tally, width), n
		a.within = n + 1
	}
	for _, a := range r.accounts { // an account comes behind the one that it is below
		if a.within == 0 {
			a.within = a.parent.within
		}
		if a.within > 0 {
			all[a.within-1].addAccount(a)
		}
	}
	slices.SortFunc(order, func(a, b int) int { return tops[b].depth - tops[a].depth })
	for _, n := range order {
		if tops[n] == r.root {
			at := 0
			for _, b := range r.books {
				at = all[n].add(at, &b.none, b.held)
			}
		} else if above := tops[n].parent.within; above > 0 {
			for i, v := range all[n] {
				all[above-1][i] += v
			}
		}
	}
	return all
}

// addAccount adds what is booked of an account.
func (t tally) addAccount(a *account) {
	at := 0
	for i := range a.groups {
		at = t.add(at, &a.groups[i].sums, a.groups[i].d)
	}
	for _, u := range a.uses {
		t[at+u.service] += u.amount
	}
}

// add adds the books of a group that begins at a place, and tells where the next
// one does.
func (t tally) add(at int, s *sums, d []float64) (next int) {
	n := len(s.f)
	for i := range n {
		t[at+i] += s.f[i]
		t[at+n+i] += d[i]
	}
	t[at+2*n] += s.c
	t[at+2*n+1] += s.q
	return at + 2*n + 2
}

// towards is the tally part of the way to a later one, in which there may be more
// services.
func (t tally) towards(later tally, part float64) tally {
	m := make(tally, len(later))
	for i, v := range later {
		was := 0.0
		if i < len(t) {
			was = t[i]
		}
		m[i] = was + part*(v-was)
	}
	return m
}

// prices are what a tally comes to, by the last record that was made of the run.
type prices struct {
	made     int64       // ns of the ledger
	idleW    [][]float64 // by group and domain; nil: nothing is read of the group
	devices  [][]bool    // those that are devices of their own
	claimed  [][]bool    // of which only claims count
	serviceJ []float64   // by service, of one of its amount
	serviceG []float64   // gCO2e
	services []*bookedService
	gPerJ    float64 // gCO2e of electricity, of what the meters told
	gPerS    float64 // and of the devices' share in a second of the run
	devicesG bool    // known
	joules   spread  // how sure the run's energy is
	grams    spread  // and its emissions
}

// price tells what the tallies of the run come to. The record is assessed.
func (b *recordBuilder) price() *prices {
	p := &prices{made: b.snap.end}
	for _, g := range b.run.ledger.groups {
		n := len(g.domains)
		p.idleW = append(p.idleW, make([]float64, n))
		p.devices, p.claimed = append(p.devices, make([]bool, n)), append(p.claimed, make([]bool, n))
	}
	metered := 0.0
	for _, d := range b.domains {
		p.idleW[d.group][d.slot] = d.idleW
		p.devices[d.group][d.slot], p.claimed[d.group][d.slot] = d.device >= 0, d.claimed
		metered += d.line.SpansJ + d.line.UnattributedJ
	}
	t := &b.rec.Totals
	grams := t.OperationalGCO2e.Value
	p.services, p.serviceJ, p.serviceG = b.booked, make([]float64, len(b.booked)), make([]float64, len(b.booked))
	for n, s := range b.booked {
		p.serviceJ[n] = s.joules
		p.serviceG[n] = b.gramsOf(s)
		for _, st := range b.stages {
			grams -= st.uses[n].amount * p.serviceG[n]
		}
	}
	if metered > 0 {
		p.gPerJ = max(grams, 0) / metered
	}
	p.joules, p.grams = spreadOf(t.EnergyJ.Value, t.EnergyJ.Low, t.EnergyJ.High), spreadOf(t.OperationalGCO2e.Value, t.OperationalGCO2e.Low, t.OperationalGCO2e.High)
	if t.GCO2e != nil && t.EmbodiedGCO2e != nil && b.snap.duration > 0 {
		p.devicesG, p.gPerS = true, t.EmbodiedGCO2e.Value/(b.snap.duration/1e9)
		p.grams = spreadOf(t.GCO2e.Value, t.GCO2e.Low, t.GCO2e.High)
	}
	return p
}

// gramsOf is what one of a service's amount emits, by its factor or by the grid of
// its place.
func (b *recordBuilder) gramsOf(s *bookedService) float64 {
	value := func(id string) float64 {
		for i := range b.rec.Factors {
			if f := &b.rec.Factors[i]; f.ID == id {
				return f.Value
			}
		}
		return 0
	}
	switch {
	case s.factor == "":
	case s.grams:
		return value(s.factor)
	default:
		for i := range b.rec.Environments {
			if e := &b.rec.Environments[i]; e.ID == s.place {
				return s.joules / joulesPerKWh * value(e.Factors.PUE) * value(e.Factors.Grid)
			}
		}
	}
	return 0
}

// metered is the energy of what the meters told, J. Of a run all that a device
// used is its own, of a path what it claims, if anything is claimed.
func (p *prices) metered(t tally, run bool) (joules float64) {
	for g, idle := range p.idleW {
		joules += p.group(g, t, run)
		t = t[2*len(idle)+2:]
	}
	return max(joules, 0)
}

// group is the energy of a group of domains, of a tally that begins with it.
func (p *prices) group(g int, t tally, run bool) (joules float64) {
	n := len(p.idleW[g])
	c, q := t[2*n], t[2*n+1]
	for i, w := range p.idleW[g] {
		f, d := t[i], t[n+i]
		switch {
		case !p.devices[g][i]:
			joules += w*(q-c)/1e9 + f
		case p.claimed[g][i] && !run:
			joules += d
		default:
			joules += f + d
		}
	}
	return joules
}

// energy is the energy of a tally, and emissions those of its electricity.
func (p *prices) energy(t tally, run bool) float64 {
	return p.metered(t, run) + p.ofServices(t, p.serviceJ)
}

func (p *prices) emissions(t tally, run bool) float64 {
	return p.metered(t, run)*p.gPerJ + p.ofServices(t, p.serviceG)
}

// unpriced names a service that was used and of which nobody knows what it emits,
// or how much energy it takes.
func (p *prices) unpriced(t tally, energy bool) string {
	for n, amount := range p.amounts(t) {
		if amount > 0 && n < len(p.services) {
			if s := p.services[n]; s.factor == "" || energy && s.grams {
				return strings.TrimSpace(string(s.kind) + " " + s.class)
			}
		}
	}
	return ""
}

// amounts is what a tally has of services.
func (p *prices) amounts(t tally) []float64 {
	at := 0
	for _, idle := range p.idleW {
		at += 2*len(idle) + 2
	}
	return t[at:]
}

func (p *prices) ofServices(t tally, each []float64) (sum float64) {
	for n, amount := range p.amounts(t) {
		if n < len(each) {
			sum += amount * each[n]
		}
	}
	return sum
}
