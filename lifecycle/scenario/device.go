package scenario

import (
	"cmp"
	"errors"
	"fmt"
	"maps"
	"slices"

	"github.com/ecotracer/ecotracer/factors"
	"github.com/ecotracer/ecotracer/lifecycle"
)

type fleet struct {
	name                                      string
	place                                     place
	phase                                     int
	count, growth, age                        ref
	each                                      int // fleet whose devices are counted, -1 if none
	asNeeded, rented                          bool
	production, transport, endOfLife          ref
	lifetime, utilisation, idle, active, duty ref
	busiest, price, rent                      ref
}

func (m *model) fleet(s *Scenario, name string, all []string) fleet {
	f, path := s.Devices[name], "devices."+name
	if f.Stage == "" {
		f.Stage = stageOn(s, name)
	}
	at := fleet{
		name: name, phase: phaseIndex(f.Stage.Phase()), each: -1, asNeeded: f.AsNeeded, rented: f.Rented,
		count: m.given(f.Count, "1", path+".count"), growth: m.given(f.Growth, "growth", path+".growth"), age: m.given(f.Age, "s", path+".age"),
		duty: m.given(f.Duty, "share", path+".duty"), busiest: m.given(f.Busiest, "share", path+".busiest"),
		price: m.given(f.Price, "money", path+".price"), rent: m.given(f.Rent, "money/h", path+".rent"),
		transport: none, utilisation: none, idle: none, active: none,
	}
	at.place = m.placed(s, f.Place, path)
	m.parts = append(m.parts, part{name, f.Stage})
	if !f.Stage.Valid() || f.Stage.Device() {
		m.wrong(path+".stage", "%q is no stage of using devices: write use/operation, inference/serving or another", clipped(string(f.Stage)))
		at.phase = 0
	}
	if f.ForEach != "" {
		at.each = slices.Index(all, f.ForEach)
		switch {
		case at.each < 0:
			m.wrong(path+".for-each", "%s", unknown("fleet", f.ForEach, slices.Clone(all)))
		case s.Devices[f.ForEach].ForEach != "" || s.Devices[f.ForEach].Rented:
			m.wrong(path+".for-each", "%s has no count of its own: name a fleet that has", f.ForEach)
			at.each = -1
		}
	}
	m.embodied(f, &at, path)
	m.powers(f, &at, path)
	return at
}

// stageOn is the stage of the idle time of a fleet: that of what each unit of a
// service takes on it.
func stageOn(s *Scenario, fleet string) lifecycle.Stage {
	for _, service := range slices.Sorted(maps.Keys(s.Services)) {
		works := s.Services[service].Work
		for _, name := range slices.Sorted(maps.Keys(works)) {
			if w := works[name]; w.On == fleet && w.Time != nil && w.Time.Per != "" {
				return cmp.Or(w.Stage, lifecycle.StageOf(name))
			}
		}
	}
	return lifecycle.Operation
}

// embodied are production and end of life and the life that they are for.
func (m *model) embodied(f Fleet, at *fleet, path string) {
	var known *factors.Embodied
	lookup := func() (*factors.Embodied, error) {
		if known == nil {
			if f.Kind == "" && f.Class == "" && f.Model == "" {
				return nil, errors.New("write it, or the class of the device (class: server) or its kind and model")
			}
			e, err := m.known.device(factors.Device{Kind: f.Kind, Class: f.Class, Model: f.Model})
			if err != nil {
				return nil, err
			}
			known = &e
		}
		return known, nil
	}
	impact := func(of func(*factors.Embodied) *factors.Factor) func() (factors.Factor, error) {
		return func() (factors.Factor, error) {
			e, err := lookup()
			if err != nil {
				return factors.Factor{}, err
			}
			if f := of(e); f != nil {
				return *f, nil
			}
			return factors.Factor{}, factors.ErrNoFactor
		}
	}
	at.production = m.look(f.Production, "gCO2e", path+".production", impact(func(e *factors.Embodied) *factors.Factor { return e.Production.GCO2e }))
	at.endOfLife = m.look(f.EndOfLife, "gCO2e", path+".end-of-life", impact(func(e *factors.Embodied) *factors.Factor { return e.EndOfLife.GCO2e }))
	at.lifetime = m.look(f.Lifetime, "s", path+".lifetime", impact(func(e *factors.Embodied) *factors.Factor { return &e.Lifetime }))
	switch {
	case f.Transport != nil:
		at.transport = m.given(f.Transport, "gCO2e", path+".transport")
	case f.Production == nil:
		if e, err := lookup(); err == nil && e.Transport.GCO2e != nil {
			at.transport = m.factor(*e.Transport.GCO2e, "gCO2e", path+".transport")
		}
	}
	if f.Rented {
		at.utilisation = m.look(f.Utilisation, "share", path+".utilisation", impact(func(e *factors.Embodied) *factors.Factor { return &e.Utilisation }))
	}
	if at.lifetime != none {
		if q := m.vars[at.lifetime].Input; slices.ContainsFunc(q.all(), func(q lifecycle.Interval) bool { return q.Low < shortestLife }) {
			m.wrong(path+".lifetime", "it is below a month: give what is used up that fast as work")
		}
	}
}

// shortestLife bounds how often devices are replaced.
const shortestLife = year / 12 * (1 - 1e-9)

// powers are idle and active power.
func (m *model) powers(f Fleet, at *fleet, path string) {
	look := func(full bool) func() (factors.Factor, error) {
		return func() (factors.Factor, error) {
			switch {
			case f.Kind == "gpu" && f.Model != "":
				a, err := m.known.accelerator(f.Model)
				if err == nil && a.Found == factors.FromWorld {
					err = fmt.Errorf("%w: no accelerator %q is known", factors.ErrNoFactor, f.Model)
				}
				return pick(full, a.Full, a.Idle), err
			case f.Kind == "cpu":
				c, err := m.known.cpu(f.Model, f.Class)
				return pick(full, c.Full, c.Idle), err
			}
			return factors.Factor{}, errors.New("write it, 0 W if it draws none")
		}
	}
	at.active = m.look(f.ActivePower, "W", path+".active-power", look(true))
	if f.Rented || f.IdlePower == nil && f.Duty != nil && f.Duty.Low == 1 && len(f.Duty.Later) == 0 {
		return // it is never idle
	}
	if f.IdlePower == nil && f.ActivePower != nil && f.ActivePower.Value == 0 {
		at.idle = at.active
		return
	}
	at.idle = m.look(f.IdlePower, "W", path+".idle-power", look(false))
}

func pick(first bool, a, b factors.Factor) factors.Factor {
	if first {
		return a
	}
	return b
}
