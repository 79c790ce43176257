package deep

import "github.com/ecotracer/ecotracer/lifecycle"

// scaleProfiles brings what stages used over time to what they used in all, now
// that it was booked again, step by step in the same proportion.
func scaleProfiles(r *lifecycle.Record) {
	place := map[string]string{}
	for _, h := range r.Hardware {
		place[h.ID] = h.Environment
	}
	for i := range r.Phases {
		p := &r.Phases[i]
		rows, steps := map[string]float64{}, map[string]float64{}
		for _, u := range p.Usage {
			if u.EnergyJ != nil {
				rows[place[u.Hardware]] += u.EnergyJ.Value
			}
		}
		for _, f := range p.Profile {
			for _, j := range f.EnergyJ {
				steps[f.Environment] += j
			}
		}
		for _, f := range p.Profile {
			for k := range f.EnergyJ {
				if steps[f.Environment] > 0 {
					f.EnergyJ[k] *= rows[f.Environment] / steps[f.Environment]
				}
			}
		}
	}
}
