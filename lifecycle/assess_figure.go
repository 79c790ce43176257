package lifecycle

import "strconv"

// figure is a sum of products while it is added up.
type figure struct {
	value   float64
	terms   []term
	parts   methodMix
	unknown bool // a part of it is: it is not told
}

// add adds value, which is a product of these sources.
func (f *figure) add(v *intervals, value float64, p product, m Method) {
	median := value
	for _, k := range p {
		switch {
		case k > 0:
			median *= v.Sources[k-1].Skew
		case k < 0:
			median /= v.Sources[-k-1].Skew
		}
	}
	f.value += value
	f.term(term{Median: median, Product: p})
	f.parts |= mixOf(m)
}

// term adds a term, to one of the same product if that is near.
func (f *figure) term(t term) {
	const near = 8
	for i := len(f.terms) - 1; i >= max(0, len(f.terms)-near); i-- {
		if f.terms[i].Product == t.Product {
			f.terms[i].Median += t.Median
			return
		}
	}
	f.terms = append(f.terms, t)
}

// plus adds all of g.
func (f *figure) plus(g *figure) {
	f.value += g.value
	for _, t := range g.terms {
		f.term(t)
	}
	f.parts |= g.parts
	f.unknown = f.unknown || g.unknown
}

// quantity is the figure with its interval and method (R30, R31). The bounds
// have six digits: that is what they are good for, and it keeps a record the
// same to the byte on processors that round differently.
func (f *figure) quantity(v *intervals) *Quantity {
	low, high := v.Bounds(f.value, f.terms)
	return &Quantity{
		Value:  f.value,
		Low:    min(f.value, sixDigits(low)),
		High:   max(f.value, sixDigits(high)),
		Method: f.parts.method(),
	}
}

func sixDigits(x float64) float64 {
	r, err := strconv.ParseFloat(strconv.FormatFloat(x, 'g', 6, 64), 64)
	if err != nil {
		return x // beyond the greatest number
	}
	return r
}

// methodMix is the set of methods that the parts of a sum were obtained by.
type methodMix uint8

const (
	someMetered methodMix = 1 << iota
	someCounter
	someDeclared
	someModelled
)

func mixOf(m Method) methodMix {
	switch m {
	case Metered:
		return someMetered
	case Counter:
		return someCounter
	case Declared:
		return someDeclared
	}
	return someModelled
}

// method is that of a sum of such parts (R30): no more direct than the least
// direct of them.
func (m methodMix) method() Method {
	switch {
	case m == 0 || m&someModelled != 0:
		return Modelled
	case m&someDeclared != 0:
		return Declared
	case m&someCounter != 0:
		return Counter
	}
	return Metered
}

// column is a figure that stages have, and totals by the same name.
type column int

const (
	energyJ column = iota
	facilityEnergyJ
	operationalGCO2e
	waterL
	marketGCO2e
	marginalGCO2e
	lossGCO2e
	embodiedGCO2e // and the impacts beside it
	embodiedADPe
	embodiedPrimaryEnergy
	embodiedWaste
	numColumns
)

// columns are the figures of one stage, or their sums.
type columns [numColumns]figure

// empty gives the columns back as they were at first, but for their memory.
func (c *columns) empty() {
	for k := range c {
		c[k] = figure{terms: c[k].terms[:0]}
	}
}

// columnTable tells of each column its name, and the rule that redoes it in a
// stage, in words.
var columnTable = [numColumns]struct{ name, rule, sum string }{
	energyJ:               {"energy_j", "R17", "it is the sum of the rows' energy_j"},
	facilityEnergyJ:       {"facility_energy_j", "R18", "it is the sum of the rows' energy_j × PUE"},
	operationalGCO2e:      {"operational_gco2e", "R19", "it is the sum of the rows' energy_j × PUE × grid / kWh, and of their own operational_gco2e"},
	waterL:                {"water_l", "R20", "it is the sum of the rows' energy_j × (WUE + PUE × EWIF) / kWh"},
	marketGCO2e:           {"market_gco2e", "R36", "it is facility energy × (Σ share × instrument + the rest × residual) / kWh"},
	marginalGCO2e:         {"marginal_gco2e", "R36", "it is facility energy × marginal / kWh"},
	lossGCO2e:             {"loss_gco2e", "R36", "it is facility energy × loss × grid / kWh"},
	embodiedGCO2e:         {"embodied_gco2e", "R21", "it is the sum of the rows' embodied_gco2e"},
	embodiedADPe:          {"embodied_adpe_kgsbeq", "R21", "it is the sum of the rows' embodied_adpe_kgsbeq"},
	embodiedPrimaryEnergy: {"embodied_primary_energy_j", "R21", "it is the sum of the rows' embodied_primary_energy_j"},
	embodiedWaste:         {"embodied_waste_kg", "R21", "it is the sum of the rows' embodied_waste_kg"},
}

func (c column) String() string { return columnTable[c].name }

// in reports whether stages of this kind have the column.
func (c column) in(s Stage) bool { return s.Device() == (c >= embodiedGCO2e) }

// of is where a stage holds the column.
func (c column) of(p *PhaseEntry) **Quantity {
	switch c {
	case energyJ:
		return &p.EnergyJ
	case facilityEnergyJ:
		return &p.FacilityEnergyJ
	case operationalGCO2e:
		return &p.OperationalGCO2e
	case waterL:
		return &p.WaterL
	case marketGCO2e:
		return &p.MarketGCO2e
	case marginalGCO2e:
		return &p.MarginalGCO2e
	case lossGCO2e:
		return &p.LossGCO2e
	}
	return c.ofRow(&p.EmbodiedImpacts)
}

// ofRow is where a row of a device stage holds an embodied column.
func (c column) ofRow(e *EmbodiedImpacts) **Quantity {
	switch c {
	case embodiedADPe:
		return &e.EmbodiedADPeKgSbeq
	case embodiedPrimaryEnergy:
		return &e.EmbodiedPrimaryEnergyJ
	case embodiedWaste:
		return &e.EmbodiedWasteKg
	}
	return &e.EmbodiedGCO2e
}

// factor is the id of the factor of an embodied column, and the member that
// names it.
func (c column) factor(i *Impacts) (id, member string) {
	switch c {
	case embodiedADPe:
		return i.ADPeKgSbeq, "adpe_kgsbeq"
	case embodiedPrimaryEnergy:
		return i.PrimaryEnergyJ, "primary_energy_j"
	case embodiedWaste:
		return i.WasteKg, "waste_kg"
	}
	return i.GCO2e, "gco2e"
}

// total is the sum of the column over all stages; nil if it is absent.
func (c column) total(t *Totals) *Quantity {
	switch c {
	case energyJ:
		return &t.EnergyJ
	case facilityEnergyJ:
		return &t.FacilityEnergyJ
	case operationalGCO2e:
		return &t.OperationalGCO2e
	}
	return *c.optionalTotal(t)
}

// optionalTotal is where totals hold a column that they need not have.
func (c column) optionalTotal(t *Totals) **Quantity {
	switch c {
	case waterL:
		return &t.WaterL
	case marketGCO2e:
		return &t.MarketGCO2e
	case marginalGCO2e:
		return &t.MarginalGCO2e
	case lossGCO2e:
		return &t.LossGCO2e
	case embodiedADPe:
		return &t.EmbodiedADPeKgSbeq
	case embodiedPrimaryEnergy:
		return &t.EmbodiedPrimaryEnergyJ
	case embodiedWaste:
		return &t.EmbodiedWasteKg
	}
	return &t.EmbodiedGCO2e
}
