package main

import (
	"math"

	"github.com/ecotracer/ecotracer/internal/inwords"
	"github.com/ecotracer/ecotracer/lifecycle"
)

// services tells what was stored, sent and asked of services.
func (p *page) services() {
	t := newTable(false, false, true, true, false)
	for _, e := range p.record.Phases {
		for i := range e.Usage {
			u := &e.Usage[i]
			what := inwords.Service(u)
			if what == "" {
				continue
			}
			cells := []cell{{u.Hardware, nil}, {what, nil}, {}, {}, {string(e.Stage), p.dim}}
			if u.EnergyJ != nil {
				cells[2].text = inwords.Amount(u.EnergyJ.Value, inwords.WattHours)
			}
			if u.OperationalGCO2e != nil {
				cells[3].text = inwords.Amount(u.OperationalGCO2e.Value, inwords.CO2e)
			}
			t.add(cells...)
		}
	}
	if len(t.rows) > 0 {
		p.heading("Stored, sent and asked of services")
		p.table(t)
	}
}

// hourly tells that emissions follow the grid step by step, "" if they do not.
func hourly(r *lifecycle.Record) string {
	for _, e := range r.Phases {
		if len(e.Profile) == 0 {
			continue
		}
		if step := e.Profile[0].StepS; math.Abs(step-3600) >= 1 {
			return ", every " + inwords.Duration(step)
		}
		return ", hour by hour"
	}
	return ""
}
