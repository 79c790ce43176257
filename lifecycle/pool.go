package lifecycle

import (
	"slices"

	"github.com/ecotracer/ecotracer/factors"
)

// pool holds the uncertain inputs of several records, and those that the
// records share once: their errors are the same error.
//
// A factor is shared if id, value, bounds, unit and source are equal: whatever
// is wrong with the figure is wrong for all who use it. Not so a figure that
// was found for the whole world: it stands for a place or a device that nobody
// knows, and two that are unknown are not known to be one, unless the records
// are of one machine.
//
// A meter's gain is shared if sensor, mode, method and error are equal and it
// read a device that both records hold, by the instance that they give it, or
// if the records are of one run. The gain of another device of the same make
// may differ; taking the two as independent never makes a difference look
// surer than it is, and public records, which tell no instance, are compared
// in that way.
type pool struct {
	intervals
	of [][]int // by record, by its own source: that of the pool
}

func newPool(records ...*basis) *pool {
	p := &pool{of: make([][]int, len(records))}
	for i, b := range records {
		p.of[i] = make([]int, len(b.Sources))
		for k := range p.of[i] {
			p.of[i][k] = -1
		}
		for j, a := range records[:i] {
			p.share(i, b, j, a)
		}
		for k := range p.of[i] {
			if p.of[i][k] < 0 {
				p.of[i][k] = p.add(b.Sources[k])
			}
		}
	}
	return p
}

// add adds a source of no record's and returns its number.
func (p *pool) add(s source) int {
	p.Sources = append(p.Sources, s)
	return len(p.Sources) - 1
}

// share finds the sources of record i that record j has too.
func (p *pool) share(i int, b *basis, j int, a *basis) {
	of, from := p.of[i], p.of[j]
	sameRun, sameMachine := oneRun(a, b), oneMachine(a, b)
	for k := range b.record.Factors {
		f := &b.record.Factors[k]
		m, ok := a.factors.get(f.ID)
		if !ok || of[k] >= 0 || f.Found == factors.FromWorld && !sameMachine {
			continue
		}
		if g := &a.record.Factors[m]; g.Value == f.Value && g.Low == f.Low && g.High == f.High && g.Unit == f.Unit && g.Source == f.Source {
			of[k] = from[m]
		}
	}
	for k := range b.record.Methods {
		n := &b.record.Methods[k]
		for m := range a.record.Methods {
			o := &a.record.Methods[m]
			alike := n.Sensor == o.Sensor && n.Mode == o.Mode && n.Method == o.Method && n.RelError == o.RelError
			if alike && of[b.gain(k)] < 0 && !slices.Contains(of, from[a.gain(m)]) &&
				(sameRun && n.ID == o.ID || overlap(a.instances(o.ID), b.instances(n.ID))) {
				of[b.gain(k)] = from[a.gain(m)]
			}
		}
	}
}

// oneRun reports whether two records are of the same execution.
func oneRun(a, b *basis) bool { return a.record.Run.ID == b.record.Run.ID && a.record.Run.ID != "" }

// oneMachine reports whether two records are known to hold the same device.
func oneMachine(a, b *basis) bool { return oneRun(a, b) || overlap(a.instances(""), b.instances("")) }

// instances are those of the devices that a meter read, or of all devices.
func (b *basis) instances(meter string) (all []string) {
	for h := range b.record.Hardware {
		d := &b.record.Hardware[h]
		if len(d.Instance) > 0 && (meter == "" || b.reads(meter, d.ID)) {
			all = append(all, d.Instance...)
		}
	}
	return all
}

// reads reports whether the ledger has a line of the meter for the device.
func (b *basis) reads(meter, hardware string) bool {
	return slices.ContainsFunc(b.record.Ledger, func(l LedgerLine) bool { return l.Meter == meter && l.Hardware == hardware })
}

func overlap(a, b []string) bool {
	return slices.ContainsFunc(a, func(s string) bool { return slices.Contains(b, s) })
}

// terms are those of a figure of record i, times x, by the sources of the pool.
func (p *pool) terms(i int, f *figure, x float64) []term {
	terms := make([]term, 0, len(f.terms))
	for _, t := range f.terms {
		for j, k := range t.Product {
			switch {
			case k > 0:
				t.Product[j] = int32(p.of[i][k-1]) + 1
			case k < 0:
				t.Product[j] = -int32(p.of[i][-k-1]) - 1
			}
		}
		t.Median *= x
		terms = append(terms, t)
	}
	return terms
}
