package estimate

import (
	"slices"
	"strconv"

	"github.com/ecotracer/ecotracer/factors"
	"github.com/ecotracer/ecotracer/lifecycle"
)

func (d *draft) part(id string) *part {
	for _, part := range d.parts {
		if part.hw.ID == id {
			return part
		}
	}
	return nil
}

// energy adds the energy, where it is given, and says what is not in it.
func (d *draft) energy() error {
	p := &d.plan
	if p.EnergyKWh != nil {
		d.energyKWh = d.declared(*p.EnergyKWh, "energy", "energy-kwh", "kWh")
		return nil
	}
	for _, part := range d.parts {
		if part.watts == nil {
			d.missing("/hardware", "power of the "+part.hw.ID+": it is not given, and not in the energy", "unknown")
		}
	}
	if d.hasCPU && p.MemoryGB == 0 && p.MemoryPowerW == nil && !p.givesPower() {
		d.missing("/hardware", "memory: its size is not given", "unknown")
	}
	return nil
}

// devices tells what the hardware took to make: the machines with what is in
// them, else part by part.
func (d *draft) devices() error {
	p := &d.plan
	covered := map[string]bool{}
	for i, part := range d.parts {
		h := &part.hw
		at := "/hardware/" + strconv.Itoa(i)
		if h.Model == "" {
			d.missing(at+"/model", "", "unknown")
		}
		if covered[h.ID] {
			continue
		}
		if h.Embodied = d.embodied(part); h.Embodied == nil {
			d.missing(at+"/embodied", "", "unknown")
			continue
		}
		for _, id := range h.Embodied.Covers {
			covered[id] = true
		}
	}
	for _, g := range []struct {
		given *Given
		field string
	}{{p.LifetimeYears, "lifetime-years"}, {p.DeviceUse, "device-use"}} {
		if g.given != nil && !slices.ContainsFunc(d.parts, func(p *part) bool { return p.hw.Embodied != nil }) {
			return wrong(g.field, "of no device it is known what it took to make, which this would share out: give the production of the machine (node-production-kg), and hours")
		}
	}
	return nil
}

// embodied is the production and end of life of one device: what the caller
// gives, else what is known of it; nil if that is nothing.
func (d *draft) embodied(part *part) *lifecycle.Embodied {
	p := &d.plan
	var inside []string
	var production *Given
	made := part.made
	switch part.hw.ID {
	case nodeID:
		production = p.NodeProductionKg
		for _, id := range []string{cpuID, memoryID} {
			if d.part(id) != nil {
				inside = append(inside, id)
			}
		}
	case acceleratorID:
		production = p.DeviceProductionKg
	}
	if d.timeUnknown || made.Kind == "" || made.Class == "" && part.hw.ID == nodeID && production == nil && !d.hasCPU {
		return nil // a machine of which nothing is known
	}
	book := d.book
	book.Own = nil
	for _, g := range []struct {
		given *Given
		size  float64
		kind  factors.Kind
		unit  string
		id    string
	}{
		{production, 1000, factors.Production, "gCO2e", "production." + made.Kind},
		{p.LifetimeYears, year, factors.Lifetime, "s", "lifetime.given"},
		{p.DeviceUse, 1, factors.Utilisation, "1", "utilisation.given"},
	} {
		if g.given != nil {
			book.Own = append(book.Own, d.given(*g.given, g.size, g.kind, g.unit, g.id))
		}
	}
	book.Own = append(book.Own, p.Own...)
	e, err := book.Device(made, inside...)
	if err != nil {
		return nil
	}
	return e
}
