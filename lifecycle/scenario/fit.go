package scenario

import (
	"maps"
	"slices"

	"github.com/ecotracer/ecotracer/internal/inwords"
)

// units chooses the service whose units are counted.
func (m *model) units(s *Scenario) {
	name := s.Per
	if name == "" {
		for i := range m.services {
			if m.services[i].rate != none {
				if name != "" {
					m.notes = append(m.notes, "several services count units: per: … says of which one is told")
					return
				}
				name = m.services[i].name
			}
		}
		if name == "" {
			return
		}
	}
	m.per = slices.IndexFunc(m.services, func(v service) bool { return v.name == name })
	switch {
	case m.per < 0:
		m.wrong("per", "%s", unknown("service", name, slices.Collect(maps.Keys(s.Services))))
	case m.services[m.per].rate == none:
		m.wrong("per", "%s has no rate, so that its units are not counted", name)
		m.per = -1
	default:
		m.unit = inwords.One(s.Services[name].Unit)
	}
}

// checkFleets tells what does not fit together of fleets and the work on them.
func (m *model) checkFleets(s *Scenario) {
	busy := map[int]bool{}
	for i := range m.services {
		for j := range m.services[i].work {
			w := &m.services[i].work[j]
			busy[w.on] = true
			if w.perUnit && m.services[i].rate == none {
				m.wrong("services."+m.services[i].name, "work is told for one unit: write rate: …, such as 2 million requests/day")
			}
		}
	}
	for i := range m.fleets {
		f, path := s.Devices[m.fleets[i].name], "devices."+m.fleets[i].name
		works := busy[i]
		kinds := 0
		for _, is := range []bool{f.Count != nil, f.AsNeeded, f.Rented} {
			if is {
				kinds++
			}
		}
		switch {
		case kinds != 1:
			m.wrong(path, "write one of count: …, as-needed: true (as many as its work takes) and rented: true")
		case f.AsNeeded && !works, f.Rented && !works:
			m.wrong(path, "no work is on it, which would tell how much of it is needed: write on: %s in a work, or a count", m.fleets[i].name)
		case works && f.Duty != nil:
			m.wrong(path+".duty", "how busy it is follows from the work on it: leave it out")
		case !works && f.Duty == nil && f.Count != nil && m.fleets[i].active != m.fleets[i].idle:
			m.wrong(path, "for which share of the time is it active? write duty: 30 %%, or put work on it")
		case f.Count == nil && (f.Growth != nil || f.ForEach != ""):
			m.wrong(path, "growth and for-each are of a count")
		case f.Growth != nil && len(f.Count.Later) > 0:
			m.wrong(path+".growth", "the count is told by year: its growth is in it")
		case f.Rented && (f.Age != nil || f.Price != nil || f.IdlePower != nil || f.Busiest != nil):
			m.wrong(path, "what is rented has a rent, and neither age, price, idle-power nor busiest")
		case !f.Rented && (f.Rent != nil || f.Utilisation != nil):
			m.wrong(path, "rent and utilisation are of what is rented")
		}
	}
	currency := ""
	money := func(in *Input, path string) {
		if in == nil {
			return
		}
		if currency == "" {
			currency = in.Per
		}
		if in.Per != currency {
			m.wrong(path, "money in %s and in %s: write all in one", currency, in.Per)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(s.Places)) {
		money(s.Places[name].Price, "places."+name+".electricity-price")
	}
	for _, f := range m.fleets {
		money(s.Devices[f.name].Price, "devices."+f.name+".price")
		money(s.Devices[f.name].Rent, "devices."+f.name+".rent")
	}
	m.currency = currency
}
