package lifecycle

import (
	"cmp"
	"fmt"
	"maps"
	"math"
	"slices"
)

// rateCoverage rates what of the life cycle the totals hold.
func rateCoverage(r *Record) Criterion {
	c := Criterion{Name: "coverage", Level: Gold, Found: "electricity, devices and water of all ranks, from the " + string(r.Run.Boundary) + " on"}
	hold := func(l Level, found, lacks string) {
		if l < c.Level {
			c.Level, c.Found, c.Lacks = l, found, lacks
		}
	}
	if r.Run.Boundary == BoundaryComponent || r.Run.Boundary == BoundaryAccelerators {
		hold(Bronze, "the boundary is "+string(r.Run.Boundary), "measure or model the whole node")
	}
	if devicesUnknown(r) {
		hold(Bronze, "what the devices took to make is unknown", "tell what they took to make and will take to discard; untold: "+some(untoldDevices(r)))
	}
	if silent := whats(r, "/ledger"); len(silent) > 0 {
		l := Bronze
		if r.Totals.EnergyJ.Value == 0 {
			l = Unrated
		}
		hold(l, "nothing tells the energy of "+some(silent), "measure or model it")
	}
	if len(r.Methods) == 0 { // nothing told is not nothing used
		hold(Unrated, "nothing tells what energy was used", "measure it, model it or declare it")
	}
	if left := whats(r, "/hardware"); len(left) > 0 {
		hold(Silver, "left out of the hardware: "+some(left), "measure it, or tell what it takes")
	}
	if n := r.Run.Coverage; n != nil && *n < 1 {
		l, next := reached(*n, [3]float64{0, 0.9, 1})
		hold(l, percentage(*n)+" of the ranks are there", "merge "+percentage(next)+" of them")
	}
	if r.Totals.WaterL == nil {
		hold(Silver, "the total of water is unknown", "tell the water use of each place: of the site (wue) and of its electricity (ewif)")
	}
	return c
}

// whats are what a list lacks.
func whats(r *Record, list string) (all []string) {
	for _, m := range r.Missing {
		if m.Path == list && m.What != "" && m.Reason != "not-applicable" {
			all = append(all, m.What)
		}
	}
	return all
}

// devicesUnknown tells whether the making of a device is not in the totals, or
// that of none is: that it does not apply can be said of a part, not of all.
func devicesUnknown(r *Record) bool {
	return r.Totals.GCO2e == nil || r.Totals.EmbodiedGCO2e == nil && len(r.Hardware) > 0
}

// untoldDevices are the places of the devices whose making is not told.
func untoldDevices(r *Record) (at []string) {
	for _, m := range r.Missing {
		if parts := splitPointer(m.Path); len(parts) == 3 && parts[0] == "hardware" && parts[2] == "embodied" {
			at = append(at, m.Path)
		}
	}
	if len(at) == 0 {
		return []string{"/totals/gco2e"}
	}
	return at
}

// rateEvidence rates how much of the energy was measured.
func rateEvidence(r *Record) Criterion {
	c := Criterion{Name: "evidence", Found: percentage(r.Totals.MeasuredShare) + " of the energy was measured"}
	var next float64
	if c.Level, next = reached(r.Totals.MeasuredShare, [3]float64{0, 0.5, 0.9}); c.Level < Gold {
		c.Lacks = "measure " + percentage(next) + " of it, by a counter or a meter"
		if unmeasured := r.meters(func(m *MethodEntry) bool { return m.Method != Metered && m.Method != Counter }); len(unmeasured) > 0 {
			c.Lacks += "; unmeasured: " + some(unmeasured)
		}
	}
	return c
}

// meters names the meters for which keep holds, those of the most energy first.
func (r *Record) meters(keep func(*MethodEntry) bool) (names []string) {
	joules := map[string]float64{}
	for i := range r.Phases {
		for _, u := range r.Phases[i].Usage {
			if u.EnergyJ != nil {
				joules[u.Meter] += u.EnergyJ.Value
			}
		}
	}
	for i := range r.Methods {
		if m := &r.Methods[i]; !keep(m) {
			delete(joules, m.ID)
		}
	}
	ids := slices.SortedFunc(maps.Keys(joules), func(a, b string) int {
		return cmp.Or(cmp.Compare(joules[b], joules[a]), cmp.Compare(a, b))
	})
	for _, id := range ids {
		share := 0.0
		if all := r.Totals.EnergyJ.Value; all > 0 {
			share = joules[id] / all
		}
		names = append(names, fmt.Sprintf("%s (%s)", id, percentage(share)))
	}
	return names
}

// ratePrecision rates the interval of the energy.
func ratePrecision(r *Record) Criterion {
	q := &r.Totals.EnergyJ
	if q.Value == 0 {
		return Criterion{Name: "precision", Level: Gold, Found: "no energy was used"}
	}
	up, down := q.High/q.Value, q.Value/q.Low
	c := Criterion{Name: "precision", Found: fmt.Sprintf("the energy is known to +%s −%s", percentage(up-1), percentage(1-1/down))}
	within := func(x float64) bool { return up-1 <= x && 1-1/down <= x }
	wide := some(r.meters(func(m *MethodEntry) bool { return m.RelError > 0.1 }))
	switch {
	case within(0.10):
		c.Level = Gold
	case within(0.25):
		c.Level, c.Lacks = Silver, "±10 %"
	case max(up, down) <= math.Sqrt(10):
		c.Level, c.Lacks = Bronze, "±25 %"
	default:
		c.Level, c.Lacks = Unrated, "a factor of √10 either way"
	}
	if c.Lacks != "" {
		c.Lacks = "know it to " + c.Lacks
		if wide != "" {
			c.Lacks += "; errors of more than 10 %: " + wide
		}
	}
	return c
}
