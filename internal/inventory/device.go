package inventory

import (
	"github.com/ecotracer/ecotracer/factors"
	"github.com/ecotracer/ecotracer/lifecycle"
)

// Device puts into the record what it costs to make and to discard a device,
// in each category that is known, and the time over which that is shared out.
// parts are the record's ids of d.Parts. Where the figures have the parts in
// them, they cover these; else each part needs figures of its own.
//
// The operator's own figures go before those of the data set. Those of making
// and discarding are of a machine as a whole; one of a part has the id of the
// figure that it replaces, or is of all parts of a kind: production.gpu. An
// error says that nothing is known of such a device.
func (b *Book) Device(d factors.Device, parts ...string) (*lifecycle.Embodied, error) {
	machine := d.Kind == "" || d.Kind == "node"
	if _, own := b.own(factors.Production, d.Class, "gCO2e"); own && machine {
		d.Parts = nil // so that the other figures are the whole machine's, too
	}
	lookup := factors.LookupDevice
	if b.Known != nil {
		lookup = b.Known
	}
	known, err := lookup(d)
	if err != nil {
		return nil, err
	}
	impacts := func(kind factors.Kind, i factors.Impacts) lifecycle.Impacts {
		figure := func(unit string, known *factors.Factor) string {
			if machine {
				return b.figure(kind, d.Class, unit, known)
			}
			return b.part(kind, d.Kind, unit, known)
		}
		return lifecycle.Impacts{
			GCO2e:          figure("gCO2e", i.GCO2e),
			ADPeKgSbeq:     figure("kgSbeq", i.ADPeKgSbeq),
			PrimaryEnergyJ: figure("J", i.PrimaryEnergyJ),
			WasteKg:        figure("kg", i.WasteKg),
		}
	}
	e := &lifecycle.Embodied{
		Production:  impacts(factors.Production, known.Production),
		EndOfLife:   impacts(factors.EndOfLife, known.EndOfLife),
		Lifetime:    b.figure(factors.Lifetime, d.Class, "s", &known.Lifetime),
		Utilisation: b.figure(factors.Utilisation, d.Class, "1", &known.Utilisation),
	}
	if t := impacts(factors.Transport, known.Transport); t != (lifecycle.Impacts{}) {
		e.Transport = &t
	}
	if known.Whole {
		e.Covers = parts
	}
	return e, nil
}

// figure adds the operator's figure of a kind and class, else the one that is
// known, and returns its id; "" if there is neither.
func (b *Book) figure(kind factors.Kind, class, unit string, known *factors.Factor) string {
	if f, ok := b.own(kind, class, unit); ok {
		return b.Add(f)
	}
	if known == nil {
		return ""
	}
	return b.Add(*known)
}

// part adds the operator's figure of a part, else the one that is known.
func (b *Book) part(kind factors.Kind, part, unit string, known *factors.Factor) string {
	for _, f := range b.Own {
		if f.Kind == kind && f.Unit == unit && (f.ID == string(kind)+"."+part || known != nil && f.ID == known.ID) {
			f.Found = factors.Declared
			return b.Add(f)
		}
	}
	if known == nil {
		return ""
	}
	return b.Add(*known)
}

// own is the operator's figure of a kind and class, at the record's own place.
func (b *Book) own(kind factors.Kind, class, unit string) (factors.Factor, bool) {
	if len(b.Own) == 0 {
		return factors.Factor{}, false
	}
	q := factors.Query{Kind: kind, Class: class, Unit: unit, Own: b.Own}
	if len(b.Record.Environments) > 0 {
		q.Country, q.Region = b.Record.Environments[0].Country, b.Record.Environments[0].Subdivision
	}
	f, err := factors.Lookup(q)
	return f, err == nil && (f.Found == factors.Declared || f.Found == factors.Live)
}
