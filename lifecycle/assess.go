package lifecycle

import (
	"fmt"
	"math"
	"slices"
)

// Assess fills in every derived figure of a record from its facts, so that
// [Validate] agrees with each (rules R11 to R37 and R39 of the record).
//
// The facts are the run, the environments and hardware with the ids of their
// factors, the factors, the methods, the ledger (whose total_j is summed apart
// from what was booked, so that the two can be held to one another), the rows of the operational
// stages (value of energy_j, count, share, use_s; or what a service stored,
// transferred or was called for, and its factor), the stages' durations and
// profiles, the spans' path, stage, times, self_j and unit counts, the
// functional unit, and what is amortised. From these follow
//
//   - energy, facility energy, operational grams and water of each stage, and
//     market-based, marginal and loss grams where an environment declares
//     factors for them (GHG Protocol scope 2 guidance: beside the
//     location-based figures, never in them);
//   - the stages production and end-of-life (and production/transport where
//     it is told apart), with a row for each device that has embodied factors:
//     impact × device-seconds / (lifetime × utilisation);
//   - the totals, the totals by phase, and emissions per functional unit
//     ([SCI] makes the score of ISO/IEC 21031 of them);
//   - total_j of the spans, and joules and grams of each of their units;
//   - of each figure the 95 % interval (R31) and the method (R30).
//
// What cannot be told because a factor is unknown stays absent and is listed in
// missing: water without WUE and EWIF, and the total of gco2e as long as the
// production of one device is unknown. Warnings of factors that are used
// outside their validity (R34), of quality D or of the direct basis, of both
// bases in one total, and of a boundary below the PUE (R35) are kept exactly as
// long as they hold.
//
// Assess is a pure function of the record: doing it twice changes nothing. A
// fact that is not usable (an unknown id, a factor of the wrong kind, a
// negative amount, NaN) is an error that says where it is and what to do; the
// record is then as it was. What is listed in the record's slices is replaced,
// not written through.
func Assess(r *Record) error {
	n := *r
	n.Phases = slices.Clone(r.Phases)
	for i := range n.Phases {
		n.Phases[i].Usage = slices.Clone(n.Phases[i].Usage)
	}
	n.Missing = slices.Clone(r.Missing)
	n.Warnings = slices.Clone(r.Warnings)

	b := newBasis(&n)
	if err := b.distinct(); err != nil {
		return err
	}
	if err := b.refreshRows(); err != nil {
		return err
	}
	if err := b.refreshDevices(); err != nil {
		return err
	}
	sums, err := b.refreshStages()
	if err != nil {
		return err
	}
	if err := b.refreshSpans(); err != nil {
		return err
	}
	if err := b.refreshTotals(sums); err != nil {
		return err
	}
	if err := b.refreshAmortised(); err != nil {
		return err
	}
	b.refreshMissing()
	b.refreshWarnings()
	if err := finite(&n); err != nil {
		return err
	}
	*r = n
	return nil
}

// refreshRows gives each row of the operational stages its figure, with the
// interval and method of its meter or factor (R14, R37).
func (b *basis) refreshRows() error {
	for i := range b.record.Phases {
		p := &b.record.Phases[i]
		if p.Stage.Device() {
			continue
		}
		for j := range p.Usage {
			l, err := b.line(i, j)
			if err != nil {
				return err
			}
			u := &p.Usage[j]
			u.EnergyJ, u.OperationalGCO2e = nil, nil
			q := l.figure.quantity(&b.intervals)
			if l.column == operationalGCO2e {
				u.OperationalGCO2e = q
			} else {
				u.EnergyJ = q
			}
		}
	}
	return nil
}

// refreshStages gives each stage its figures, and returns them.
func (b *basis) refreshStages() ([]*columns, error) {
	declared := b.declared()
	sums := make([]*columns, len(b.record.Phases))
	for i := range b.record.Phases {
		p := &b.record.Phases[i]
		c, err := b.stage(i)
		if err != nil {
			return nil, err
		}
		sums[i] = c
		for k := range numColumns {
			if !k.in(p.Stage) {
				continue
			}
			if k >= marketGCO2e && k <= lossGCO2e && !declared[k] {
				c[k].unknown = true
			}
			q := k.of(p)
			if *q = nil; !c[k].unknown {
				*q = c[k].quantity(&b.intervals)
			}
		}
	}
	return sums, nil
}

// stage computes the figures of stage i from the record's rows.
func (b *basis) stage(i int) (*columns, error) {
	if b.record.Phases[i].Stage.Device() {
		return b.embodied(i)
	}
	return b.operational(i)
}

// sum adds up the figures of the stages that keep says. A column without any
// stage to tell it is unknown.
func (b *basis) sum(stages []*columns, keep func(*PhaseEntry) bool) *columns {
	c := b.columns.one()
	var told [numColumns]bool
	for i := range b.record.Phases {
		p := &b.record.Phases[i]
		if stages[i] == nil || !keep(p) {
			continue
		}
		first, end := column(0), embodiedGCO2e
		if p.Stage.Device() {
			first, end = embodiedGCO2e, numColumns
		}
		for k := first; k < end; k++ {
			c[k].plus(&stages[i][k])
			told[k] = true
		}
	}
	for k := range numColumns {
		c[k].unknown = c[k].unknown || !told[k]
	}
	return c
}

// refreshTotals sums the stages up (R22 to R26).
func (b *basis) refreshTotals(stages []*columns) error {
	r, v := b.record, &b.intervals
	c := b.sum(stages, func(*PhaseEntry) bool { return true })
	t := Totals{
		EnergyJ:          *c[energyJ].quantity(v),
		FacilityEnergyJ:  *c[facilityEnergyJ].quantity(v),
		OperationalGCO2e: *c[operationalGCO2e].quantity(v),
		ByPhase:          map[Phase]PhaseTotal{},
	}
	for k := waterL; k < numColumns; k++ {
		if !c[k].unknown {
			*k.optionalTotal(&t) = c[k].quantity(v)
		}
	}
	if _, unknown := b.unknownDevice(); !unknown && !c[operationalGCO2e].unknown && !c[embodiedGCO2e].unknown {
		t.GCO2e = b.both(c).quantity(v)
	}
	t.MeasuredShare = b.measuredShare(t.EnergyJ.Value)

	if unit := r.UseCase.FunctionalUnit; unit != nil && t.GCO2e != nil {
		count, err := b.count(unit)
		if err != nil {
			return err
		}
		if count > 0 {
			q := t.GCO2e.times(1 / float64(count))
			q.Value = t.GCO2e.Value / float64(count) // not always the same to the last bit
			q.Low, q.High = min(q.Low, q.Value), max(q.High, q.Value)
			t.PerUnit = &PerUnit{Unit: unit.Unit, Count: count, GCO2e: q}
		}
	}
	for i := range r.Phases {
		phase := r.Phases[i].Phase
		if _, done := t.ByPhase[phase]; !done {
			t.ByPhase[phase] = b.phaseTotal(stages, phase)
		}
	}
	r.Totals = t
	return nil
}

// phaseTotal is what one phase came to (R22).
func (b *basis) phaseTotal(stages []*columns, phase Phase) (t PhaseTotal) {
	c := b.sum(stages, func(p *PhaseEntry) bool { return p.Phase == phase })
	tell := func(f *figure) *Quantity {
		if f.unknown {
			return nil
		}
		return f.quantity(&b.intervals)
	}
	t.EnergyJ = tell(&c[energyJ])
	t.FacilityEnergyJ = tell(&c[facilityEnergyJ])
	t.WaterL = tell(&c[waterL])
	t.GCO2e = tell(b.phaseGrams(c, phase))
	return t
}

// phaseGrams is operational + embodied of a phase, of which most have one.
func (b *basis) phaseGrams(c *columns, phase Phase) *figure {
	var service, device bool
	for i := range b.record.Phases {
		if p := &b.record.Phases[i]; p.Phase == phase {
			service = service || !p.Stage.Device()
			device = device || p.Stage.Device()
		}
	}
	switch {
	case service && device:
		return b.both(c)
	case device:
		return &c[embodiedGCO2e]
	}
	return &c[operationalGCO2e]
}

// both is operational + embodied (R24).
func (b *basis) both(c *columns) *figure {
	g := new(figure)
	g.plus(&c[operationalGCO2e])
	g.plus(&c[embodiedGCO2e])
	return g
}

// measuredShare is the share of energy that metered and counter meters told
// (R25); 0 if there is no energy.
func (b *basis) measuredShare(energy float64) float64 {
	var measured float64
	for i := range b.record.Phases {
		p := &b.record.Phases[i]
		if p.Stage.Device() {
			continue
		}
		for j := range p.Usage {
			u := &p.Usage[j]
			m, ok := b.meters.get(u.Meter)
			if !ok || u.Factor != "" || u.EnergyJ == nil {
				continue
			}
			if how := b.record.Methods[m].Method; how == Metered || how == Counter {
				measured += u.EnergyJ.Value
			}
		}
	}
	if energy == 0 {
		return 0
	}
	return min(1, measured/energy) // above 1 only by rounding
}

// count is how many functional units the run came to.
func (b *basis) count(unit *FunctionalUnit) (n int64, err error) {
	for i := range b.record.Spans {
		s := &b.record.Spans[i]
		if s.Path != unit.Path {
			continue
		}
		c := s.Units[unit.Unit].Count
		if c < 0 || n > math.MaxInt64-c {
			return 0, &fault{"R1", pointer("spans", i, "units", unit.Unit, "count"), fmt.Sprintf("%d is no count of units", c)}
		}
		n += c
	}
	return n, nil
}

// times is q scaled by an exact number.
func (q Quantity) times(x float64) Quantity {
	v := q.Value * x
	return Quantity{v, min(v, sixDigits(q.Low*x)), max(v, sixDigits(q.High*x)), q.Method}
}

// refreshAmortised computes the share of another record's grams that this run
// carries (R39).
func (b *basis) refreshAmortised() error {
	list := slices.Clone(b.record.Amortised)
	for i := range list {
		a := &list[i]
		at := pointer("amortised", i)
		for _, m := range []struct {
			member string
			value  float64
		}{{"expected", a.Expected}, {"used", a.Used}, {"gco2e/value", a.GCO2e.Value}, {"gco2e/low", a.GCO2e.Low}, {"gco2e/high", a.GCO2e.High}} {
			if err := amount(m.value, at+"/"+m.member); err != nil {
				return err
			}
		}
		if q := a.GCO2e; q.Low > q.Value || q.Value > q.High {
			return &fault{"R6", at + "/gco2e", "low ≤ value ≤ high must hold: take the figure from the other record as it is"}
		}
		if a.Expected == 0 || a.Used > a.Expected {
			return &fault{"R39", at + "/used", fmt.Sprintf("%v of %v %s cannot be used: expected must be above 0 and no less than used", a.Used, a.Expected, a.Unit)}
		}
		a.ShareGCO2e = a.GCO2e.times(a.Used / a.Expected)
	}
	b.record.Amortised = list
	return nil
}

// finite makes sure that no figure went beyond what a number can hold.
func finite(r *Record) error {
	check := func(q *Quantity, at func() string) error {
		if q != nil && (math.IsNaN(q.Low+q.Value+q.High) || math.IsInf(q.Low+q.Value+q.High, 0)) {
			return &fault{"R1", at(), "the figure is too great for a number: check the bounds of its factors and the units of its inputs"}
		}
		return nil
	}
	for k := range numColumns {
		if err := check(k.total(&r.Totals), func() string { return pointer("totals", k) }); err != nil {
			return err
		}
	}
	for i := range r.Phases {
		p := &r.Phases[i]
		for k := range numColumns {
			if err := check(*k.of(p), func() string { return pointer("phases", i, k) }); err != nil {
				return err
			}
		}
		for j := range p.Usage {
			if err := check(p.Usage[j].EnergyJ, func() string { return pointer("phases", i, "usage", j, energyJ) }); err != nil {
				return err
			}
		}
	}
	return nil
}
