package lifecycle

import (
	"fmt"
	"strings"

	"github.com/ecotracer/ecotracer/factors"
)

// line is a row of an operational stage, as the formulas see it.
type line struct {
	place  *place
	column column  // energyJ, or operationalGCO2e for a service that is told in grams
	figure figure  // what the row's meter or factor says
	input  product // the meter's gain or the factor
	method Method
	meter  int // index in /methods; -1 if a factor says it
}

// line reads row j of stage i (R14, R37).
func (b *basis) line(i, j int) (l line, err error) {
	u := &b.record.Phases[i].Usage[j]
	at := func(member string) string { return b.pointer("phases", i, "usage", j, member) }
	if l.place, err = b.placeOf(u.Hardware, at("hardware")); err != nil {
		return l, err
	}
	if u.Factor != "" {
		return b.serviceLine(l, u, at)
	}
	if l.meter, err = b.meter(u.Meter, at("meter")); err != nil {
		return l, err
	}
	if u.EnergyJ == nil {
		return l, &fault{"R3", at("energy_j"), "the row tells no energy: give what the meter read, or leave the row out and list it in /missing"}
	}
	if err := amount(u.EnergyJ.Value, at("energy_j")+"/value"); err != nil {
		return l, err
	}
	l.column, l.method = energyJ, b.record.Methods[l.meter].Method
	l.input = product{}.Times(b.gain(l.meter))
	l.figure.terms = b.terms.one()[:0]
	l.figure.add(&b.intervals, u.EnergyJ.Value, l.input, l.method)
	return l, nil
}

// serviceLine reads a row whose figure is an amount × a factor (R37):
//
//	stored:      bytes × s × replicas × Wh/TBh / 1e12, in J (1 Wh/TBh = 1e-12 J per byte-second)
//	transferred: bytes / 1e9 × kWh/GB × 3.6e6, in J
//	calls:       count × Wh × 3600, in J, or count × gCO2e
func (b *basis) serviceLine(l line, u *Usage, at func(string) string) (line, error) {
	l.meter, l.method, l.column = -1, Modelled, energyJ
	var kind factors.Kind
	var units float64
	switch {
	case u.Stored != nil:
		kind, units = factors.Storage, u.Stored.Bytes*u.Stored.Seconds*u.Stored.Replicas/1e12
	case u.Transferred != nil:
		kind, units = factors.Transfer, u.Transferred.Bytes/1e9*joulesPerKWh
	case u.Calls != nil:
		kind, units = factors.Service, float64(u.Calls.Count)
	default:
		return l, &fault{"R37", at("factor"), "a row with a factor tells what was stored, transferred or called: add one of these"}
	}
	k, err := b.factor(u.Factor, at("factor"), kind)
	if err != nil {
		return l, err
	}
	if err := amount(units, at(string(kind))); err != nil {
		return l, err
	}
	if kind == factors.Service {
		switch unit := b.record.Factors[k].Unit; {
		case strings.HasPrefix(unit, "Wh"):
			units *= 3600
		case strings.HasPrefix(unit, "gCO2e"):
			l.column = operationalGCO2e
			if u.EnergyJ != nil {
				return l, &fault{"R37", at("energy_j"), fmt.Sprintf("factor %q tells the grams of a call, so the row has no energy: leave it out", u.Factor)}
			}
		default:
			return l, &fault{"R4", b.pointer("factors", k, "unit"), fmt.Sprintf("a service factor is in Wh or gCO2e a call, not in %q", unit)}
		}
	}
	l.input = product{}.Times(k)
	l.figure.add(&b.intervals, units*b.value(k), l.input, l.method)
	return l, nil
}

// operational computes the figures of operational stage i from the record's
// rows (R17 to R20, R36). With e the energy of a row at the device, in J, and
// the factors of the row's environment:
//
//	energy_j          = Σ e
//	facility_energy_j = Σ e × PUE                              (ISO/IEC 30134-2)
//	operational_gco2e = Σ e × PUE × grid / 3.6e6               (location-based: GHG Protocol scope 2 guidance; O of the SCI, ISO/IEC 21031)
//	water_l           = Σ e × (WUE + PUE × EWIF) / 3.6e6       (ISO/IEC 30134-9; water of electricity generation beside it)
//	market_gco2e      = Σ e × PUE × (Σ share × instrument + (1 − Σ share) × residual) / 3.6e6
//	marginal_gco2e    = Σ e × PUE × marginal / 3.6e6
//	loss_gco2e        = Σ e × PUE × loss × grid / 3.6e6
//
// A service that is told in grams adds to operational_gco2e alone.
func (b *basis) operational(i int) (*columns, error) {
	c := b.columns.one()
	hourly := map[*place]float64{}
	for j := range b.record.Phases[i].Usage {
		if err := b.addRow(c, i, j, hourly); err != nil {
			return nil, err
		}
	}
	return c, nil
}

// addRow adds the figures of row j of operational stage i. hourly are the grid
// intensities that the stage met so far.
func (b *basis) addRow(c *columns, i, j int, hourly map[*place]float64) error {
	l, err := b.line(i, j)
	if err != nil {
		return err
	}
	u := &b.record.Phases[i].Usage[j]
	if l.column == operationalGCO2e {
		grams := l.figure.value
		if u.OperationalGCO2e != nil {
			grams = u.OperationalGCO2e.Value
		}
		c[operationalGCO2e].add(&b.intervals, grams, l.input, Modelled)
		return nil
	}
	e := l.figure.value
	if u.EnergyJ != nil {
		e = u.EnergyJ.Value
	}
	intensity, ok := hourly[l.place]
	if !ok {
		if intensity, err = b.intensity(i, u.Hardware, l.place); err != nil {
			return err
		}
		hourly[l.place] = intensity
	}
	b.addLine(c, &l, e, intensity)
	return nil
}

// addLine adds the figures of a row of e joules to its stage.
func (b *basis) addLine(c *columns, l *line, e, intensity float64) {
	s, v := l.place, &b.intervals
	facility, atFacility := e*b.value(s.pue), l.input.Times(s.pue)
	c[energyJ].add(v, e, l.input, l.method)
	c[facilityEnergyJ].add(v, facility, atFacility, Modelled)
	c[operationalGCO2e].add(v, facility*intensity/joulesPerKWh, atFacility.Times(s.grid), Modelled)

	if s.wue < 0 || s.ewif < 0 {
		c[waterL].unknown = true
	} else {
		c[waterL].add(v, e*b.value(s.wue)/joulesPerKWh, l.input.Times(s.wue), Modelled)
		c[waterL].add(v, facility*b.value(s.ewif)/joulesPerKWh, atFacility.Times(s.ewif), Modelled)
	}

	if !s.hasMarket() {
		c[marketGCO2e].unknown = true
	} else {
		for n, k := range s.instruments {
			c[marketGCO2e].add(v, facility*s.shares[n]*b.value(k)/joulesPerKWh, atFacility.Times(k), Modelled)
		}
		if s.uncovered > 0 {
			c[marketGCO2e].add(v, facility*s.uncovered*b.value(s.residual)/joulesPerKWh, atFacility.Times(s.residual), Modelled)
		}
	}
	if s.marginal < 0 {
		c[marginalGCO2e].unknown = true
	} else {
		c[marginalGCO2e].add(v, facility*b.value(s.marginal)/joulesPerKWh, atFacility.Times(s.marginal), Modelled)
	}
	if s.loss < 0 {
		c[lossGCO2e].unknown = true
	} else {
		c[lossGCO2e].add(v, facility*b.value(s.loss)*b.value(s.grid)/joulesPerKWh, atFacility.Times(s.loss).Times(s.grid), Modelled)
	}
}

// declared tells which of the optional columns the record's environments give
// factors for.
func (b *basis) declared() (d [numColumns]bool) {
	for _, p := range b.places {
		d[marketGCO2e] = d[marketGCO2e] || p.hasMarket()
		d[marginalGCO2e] = d[marginalGCO2e] || p.marginal >= 0
		d[lossGCO2e] = d[lossGCO2e] || p.loss >= 0
	}
	return d
}
