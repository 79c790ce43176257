package lifecycle

import (
	"slices"
	"strings"

	"github.com/ecotracer/ecotracer/factors"
)

// checkReferences checks that ids are unique, that references resolve, and
// that each factor fits where it is used (R4).
func (c *checker) checkReferences() {
	r := c.record
	unique(c, &c.environments, "environments", r.Environments, func(e *Environment) string { return e.ID })
	unique(c, &c.hardware, "hardware", r.Hardware, func(h *Hardware) string { return h.ID })
	unique(c, &c.methods, "methods", r.Methods, func(m *MethodEntry) string { return m.ID })
	unique(c, &c.factors, "factors", r.Factors, func(f *factors.Factor) string { return f.ID })
	c.used = zeroes(c.used, len(r.Factors))
	uses := &factorUses{checker: c, used: c.used}

	for i := range r.Environments {
		e := &r.Environments[i]
		at := c.pointer("environments", i, "factors")
		uses.of(e.Factors.Grid, c.under(at, "/grid"), factors.Grid, "")
		uses.of(e.Factors.PUE, c.under(at, "/pue"), factors.PUE, "")
		uses.of(e.Factors.WUE, c.under(at, "/wue"), factors.WUE, "")
		uses.of(e.Factors.EWIF, c.under(at, "/ewif"), factors.EWIF, "")
		uses.of(e.Factors.Residual, c.under(at, "/residual"), factors.Residual, "")
		uses.of(e.Factors.Marginal, c.under(at, "/marginal"), factors.Marginal, "")
		uses.of(e.Factors.Loss, c.under(at, "/loss"), factors.Loss, "")
		for j := range e.Instruments {
			uses.of(e.Instruments[j].Factor, c.pointer("environments", i, "instruments", j, "factor"), factors.Instrument, "")
		}
	}
	for i := range r.Hardware {
		c.checkDeviceReferences(i, uses)
	}
	c.checkStageReferences(uses)
	c.domains.reset()
	for i := range r.Ledger {
		l := &r.Ledger[i]
		c.once(c.domains.once(l.Domain), l.Domain, c.pointer("ledger", i, "domain"))
		c.refer(&c.hardware, l.Hardware, c.pointer("ledger", i, "hardware"), "hardware")
		c.refer(&c.methods, l.Meter, c.pointer("ledger", i, "meter"), "methods")
		if m, ok := c.methods.get(l.Meter); ok && r.Methods[m].Method != l.Method {
			c.wrong("R4", c.pointer("ledger", i, "method"), quote(string(l.Method)), quote(string(r.Methods[m].Method)), "the line has another method than its meter")
		}
	}
	c.accounts.reset()
	for i := range r.Spans {
		s := &r.Spans[i]
		c.once(c.accounts.once([2]string{s.Path, string(s.Stage)}), s.Path, c.pointer("spans", i, "path"))
	}
	for i := range r.Warnings {
		path := r.Warnings[i].Path
		if _, there := lookup(r, path); there != present {
			c.wrong("R4", c.pointer("warnings", i, "path"), quote(path), "the path of a value of this record", "the warning points to nothing")
		}
	}
	for i, used := range uses.used {
		if !used {
			c.warn("R4", c.pointer("factors", i, "id"), quote(r.Factors[i].ID), "only factors that are used", "nothing uses the factor")
		}
	}
}

// unique indexes the ids of a list and tells of doubled ones.
func unique[T any](c *checker, x *byID, name string, list []T, id func(*T) string) {
	indexByID(x, list, id)
	for i := range list {
		if k := id(&list[i]); k != "" {
			if first, _ := x.get(k); first != i {
				c.wrong("R4", c.pointer(name, i, "id"), quote(k), "an id that is unique in the list", "the id is doubled")
			}
		}
	}
}

// once tells of an entry that was there before.
func (c *checker) once(first bool, name, at string) {
	if !first {
		c.wrong("R4", at, quote(name), "one entry", "the entry is doubled")
	}
}

// refer tells of an id that does not resolve.
func (c *checker) refer(in *byID, id, at, list string) {
	if id == "" {
		return
	}
	if _, ok := in.get(id); !ok {
		c.wrong("R4", at, quote(id), "the id of an entry of /"+list, "the reference does not resolve")
	}
}

func (c *checker) checkDeviceReferences(i int, uses *factorUses) {
	r := c.record
	h := &r.Hardware[i]
	c.refer(&c.environments, h.Environment, c.pointer("hardware", i, "environment"), "environments")
	c.refer(&c.hardware, h.PartOf, c.pointer("hardware", i, "part_of"), "hardware")
	if wholes := c.wholes(h); slices.Contains(wholes, h.ID) || len(wholes) == maxNesting {
		c.wrong("R4", c.pointer("hardware", i, "part_of"), quote(h.PartOf), "a device that it sits in", "the device is a part of itself, or of too many others in turn")
	}
	if e := h.Embodied; e != nil {
		at := c.pointer("hardware", i, "embodied")
		uses.impacts(&e.Production, c.under(at, "/production"), factors.Production)
		uses.impacts(&e.EndOfLife, c.under(at, "/end_of_life"), factors.EndOfLife)
		uses.impacts(e.Transport, c.under(at, "/transport"), factors.Transport)
		uses.of(e.Lifetime, c.under(at, "/lifetime"), factors.Lifetime, "")
		uses.of(e.Utilisation, c.under(at, "/utilisation"), factors.Utilisation, "")
		for j, id := range e.Covers {
			c.refer(&c.hardware, id, c.pointer("hardware", i, "embodied", "covers", j), "hardware")
		}
	}
}

// maxNesting is how deep devices sit in one another at most.
const maxNesting = 16

// wholes are the ids of what a device is a part of, from the inside out.
func (c *checker) wholes(h *Hardware) []string {
	var ids []string
	for id := h.PartOf; id != "" && !slices.Contains(ids, id) && len(ids) < maxNesting; {
		ids = append(ids, id)
		i, ok := c.hardware.get(id)
		if !ok {
			break
		}
		id = c.record.Hardware[i].PartOf
	}
	return ids
}

func (c *checker) checkStageReferences(uses *factorUses) {
	r := c.record
	c.stages.reset()
	for i := range r.Phases {
		p := &r.Phases[i]
		c.once(c.stages.once(p.Stage), string(p.Stage), c.pointer("phases", i, "stage"))
		c.rows.reset()
		for j := range p.Usage {
			u := &p.Usage[j]
			c.once(c.rows.once([3]string{u.Hardware, u.Meter, u.Factor}), u.Hardware, c.pointer("phases", i, "usage", j, "hardware"))
			c.refer(&c.hardware, u.Hardware, c.pointer("phases", i, "usage", j, "hardware"), "hardware")
			c.refer(&c.methods, u.Meter, c.pointer("phases", i, "usage", j, "meter"), "methods")
			kind, unit := factors.Service, "Wh"
			switch {
			case u.Stored != nil:
				kind, unit = factors.Storage, ""
			case u.Transferred != nil:
				kind, unit = factors.Transfer, ""
			case u.EnergyJ == nil:
				unit = "gCO2e"
			}
			uses.of(u.Factor, c.pointer("phases", i, "usage", j, "factor"), kind, unit)
		}
		for j := range p.Profile {
			c.refer(&c.environments, p.Profile[j].Environment, c.pointer("phases", i, "profile", j, "environment"), "environments")
		}
	}
}

// factorUnits are the units in which a factor of a kind may be.
var factorUnits = map[factors.Kind][]string{
	factors.Grid:        {"gCO2e/kWh"},
	factors.Residual:    {"gCO2e/kWh"},
	factors.Instrument:  {"gCO2e/kWh"},
	factors.Marginal:    {"gCO2e/kWh"},
	factors.PUE:         {"1"},
	factors.Loss:        {"1"},
	factors.Utilisation: {"1"},
	factors.WUE:         {"L/kWh"},
	factors.EWIF:        {"L/kWh"},
	factors.Lifetime:    {"s"},
	factors.Production:  {"gCO2e", "kgSbeq", "J", "kg"},
	factors.EndOfLife:   {"gCO2e", "kgSbeq", "J", "kg"},
	factors.Transport:   {"gCO2e", "kgSbeq", "J", "kg"},
	factors.Storage:     {"Wh/TBh"},
	factors.Transfer:    {"kWh/GB"},
	factors.Service:     {"Wh", "gCO2e"}, // or either of these for each of what is called
}

// factorUses checks the references to factors.
type factorUses struct {
	*checker
	used []bool
}

// of checks that the factor named at a place is of the kind, and in the unit
// if one is given, that belong there.
func (u *factorUses) of(id, at string, kind factors.Kind, unit string) {
	if id == "" {
		return
	}
	u.refer(&u.factors, id, at, "factors")
	i, ok := u.factors.get(id)
	if !ok {
		return
	}
	u.used[i] = true
	f := &u.record.Factors[i]
	in := f.Unit
	if f.Kind == factors.Service {
		in, _, _ = strings.Cut(in, "/") // Wh/call
	}
	fits := func(k factors.Kind) bool { return slices.Contains(factorUnits[k], in) }
	switch {
	case f.Kind != kind && fits(kind) && !fits(f.Kind): // the factor contradicts itself
		u.wrong("R4", u.pointer("factors", i, "kind"), quote(string(f.Kind)), quote(string(kind)), "the factor's kind fits neither its unit nor its use at "+at)
	case f.Kind != kind:
		u.wrong("R4", at, quote(string(f.Kind)), "a factor of kind "+quote(string(kind)), "a factor of another kind belongs here")
	case !fits(kind):
		u.wrong("R4", u.pointer("factors", i, "unit"), quote(f.Unit), strings.Join(factorUnits[kind], " or "), "the factor's unit does not fit its kind")
	case unit != "" && in != unit:
		u.wrong("R4", at, quote(f.Unit), "a factor in "+unit, "a factor in another unit belongs here")
	}
	u.axes(f, at, kind)
}

// impacts checks the factors of a device by impact category.
func (u *factorUses) impacts(i *Impacts, at string, kind factors.Kind) {
	if i == nil {
		return
	}
	if *i == (Impacts{}) {
		u.wrong("R3", at, "nothing", "the factor of one impact at least", "the impacts name no factor")
	}
	u.of(i.GCO2e, u.under(at, "/gco2e"), kind, "gCO2e")
	u.of(i.ADPeKgSbeq, u.under(at, "/adpe_kgsbeq"), kind, "kgSbeq")
	u.of(i.PrimaryEnergyJ, u.under(at, "/primary_energy_j"), kind, "J")
	u.of(i.WasteKg, u.under(at, "/waste_kg"), kind, "kg")
}

// axes checks that grams stay location-based and average, and that what is
// market-based or marginal is told as such.
func (u *factorUses) axes(f *factors.Factor, at string, kind factors.Kind) {
	expect := func(member, found, expected string) {
		if found != "" && found != expected {
			u.wrong("R4", at, member+" "+quote(found), member+" "+quote(expected), "a factor of another "+member+" belongs here")
		}
	}
	switch kind {
	case factors.Grid:
		expect("signal", f.Signal, "average")
		expect("accounting", f.Accounting, "location")
	case factors.Residual, factors.Instrument:
		expect("accounting", f.Accounting, "market")
	case factors.Marginal:
		expect("signal", f.Signal, "marginal")
	}
}
