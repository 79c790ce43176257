package lifecycle

import (
	"fmt"

	"github.com/ecotracer/ecotracer/factors"
)

// impacts are the factors that a device's row in stage s uses, with their kind
// and the member that names them; nil if the device has none there. Making and
// discarding are each told once, as a whole or under the name of a part.
func (e *Embodied) impacts(s Stage) (*Impacts, factors.Kind, string) {
	switch {
	case s == Transport:
		return e.Transport, factors.Transport, "transport"
	case s.Phase() == PhaseEndOfLife:
		return &e.EndOfLife, factors.EndOfLife, "end_of_life"
	}
	return &e.Production, factors.Production, "production"
}

// share computes what a device entry answers for in a device stage, after it
// was held for deviceS device-seconds (R21):
//
//	impact × device_s / (lifetime × utilisation)
//
// It is the M of the SCI (ISO/IEC 21031: TE × TS × RS, the time share being
// device_s / lifetime and the resource share within device_s), with the time
// that the device stands idle over its life laid on those who use it; ITU-T
// L.1410 allocates by time of use likewise. Transport and end of life are
// shared out in the same way, without credits.
func (b *basis) share(s Stage, h int, deviceS float64) (*columns, error) {
	e := b.record.Hardware[h].Embodied
	at := b.pointer("hardware", h, "embodied")
	life, err := b.factor(e.Lifetime, at+"/lifetime", factors.Lifetime)
	if err != nil {
		return nil, err
	}
	used, err := b.factor(e.Utilisation, at+"/utilisation", factors.Utilisation)
	if err != nil {
		return nil, err
	}
	inUse := b.value(life) * b.value(used)
	if !(inUse > 0) {
		return nil, &fault{"R21", at, "lifetime × utilisation is 0, so the device has no time to share its production over: give both a value above 0"}
	}
	impacts, kind, member := e.impacts(s)
	c := b.columns.one()
	for k := embodiedGCO2e; k < numColumns; k++ {
		var id, name string
		if impacts != nil {
			id, name = k.factor(impacts)
		}
		if id == "" {
			c[k].unknown = true
			continue
		}
		f, err := b.factor(id, at+b.pointer(member, name), kind)
		if err != nil {
			return nil, err
		}
		c[k].add(&b.intervals, b.value(f)*deviceS/inUse, product{}.Times(f).Over(life).Over(used), Modelled)
	}
	return c, nil
}

// embodied computes the figures of device stage i from the record's rows.
func (b *basis) embodied(i int) (*columns, error) {
	p := &b.record.Phases[i]
	c := b.columns.one()
	for j := range p.Usage {
		share, err := b.deviceRow(i, j)
		if err != nil {
			return nil, err
		}
		for k := embodiedGCO2e; k < numColumns; k++ {
			c[k].plus(&share[k])
		}
	}
	if len(p.Usage) == 0 {
		for k := range c {
			c[k].unknown = true
		}
	}
	return c, nil
}

// deviceRow computes the figures of row j of device stage i.
func (b *basis) deviceRow(i, j int) (*columns, error) {
	p := &b.record.Phases[i]
	u := &p.Usage[j]
	h, ok := b.hardware.get(u.Hardware)
	switch {
	case !ok:
		return nil, &fault{"R4", b.pointer("phases", i, "usage", j, "hardware"),
			fmt.Sprintf("there is no device %q: add it to /hardware or correct the id", u.Hardware)}
	case b.record.Hardware[h].Embodied == nil:
		return nil, &fault{"R12", b.pointer("phases", i, "usage", j, "hardware"),
			fmt.Sprintf("device %q has no embodied factors, so it has no share here: add them to the device or leave the row out", u.Hardware)}
	case u.DeviceS == nil:
		return nil, &fault{"R3", b.pointer("phases", i, "usage", j, "device_s"), "the row of a device tells its device-seconds"}
	}
	if err := amount(*u.DeviceS, b.pointer("phases", i, "usage", j, "device_s")); err != nil {
		return nil, err
	}
	return b.share(p.Stage, h, *u.DeviceS)
}

// told is the device stage by whose name production, transport or end of life
// is told already, of a list of stages; -1 if there is none.
func told(s Stage, phases []PhaseEntry) int {
	_, _, family := new(Embodied).impacts(s)
	for i := range phases {
		if t := phases[i].Stage; t.Device() {
			if _, _, f := new(Embodied).impacts(t); f == family {
				return i
			}
		}
	}
	return -1
}

// refreshDevices gives each device its rows in the device stages (R11, R12),
// in the order of the hardware. Stages that are there keep their place; others
// follow at the end.
func (b *basis) refreshDevices() error {
	r := b.record
	for i := range r.Phases {
		p := &r.Phases[i]
		if !p.Stage.Device() {
			continue
		}
		if first := told(p.Stage, r.Phases); first != i {
			return &fault{"R12", b.pointer("phases", i, "stage"),
				fmt.Sprintf("%s tells again what %s tells at %s: keep one of them", p.Stage, r.Phases[first].Stage, b.pointer("phases", first))}
		}
	}
	for _, s := range []Stage{Production, Transport, EndOfLife} {
		i := told(s, r.Phases)
		if i >= 0 {
			s = r.Phases[i].Stage
		}
		rows, err := b.deviceRows(s)
		switch {
		case err != nil:
			return err
		case i < 0 && len(rows) > 0:
			r.Phases = append(r.Phases, PhaseEntry{Phase: s.Phase(), Stage: s, Usage: rows})
		case i >= 0 && len(rows) > 0:
			r.Phases[i] = PhaseEntry{Phase: r.Phases[i].Phase, Stage: s, Usage: rows}
		case i >= 0:
			r.Phases = append(r.Phases[:i], r.Phases[i+1:]...)
		}
	}
	return nil
}

// deviceRows are the rows of a device stage.
func (b *basis) deviceRows(s Stage) (rows []Usage, err error) {
	for h := range b.record.Hardware {
		e := b.record.Hardware[h].Embodied
		if e == nil {
			continue
		}
		if impacts, _, _ := e.impacts(s); impacts == nil {
			continue
		}
		if b.held[h].err != nil {
			return nil, b.held[h].err
		}
		deviceS := b.held[h].seconds
		share, err := b.share(s, h, deviceS)
		if err != nil {
			return nil, err
		}
		u := Usage{Hardware: b.record.Hardware[h].ID, DeviceS: &deviceS}
		for k := embodiedGCO2e; k < numColumns; k++ {
			if !share[k].unknown {
				*k.ofRow(&u.EmbodiedImpacts) = share[k].quantity(&b.intervals)
			}
		}
		rows = append(rows, u)
	}
	return rows, nil
}
