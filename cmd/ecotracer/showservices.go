package main

import (
	"math"

	"github.com/ecotracer/ecotracer/lifecycle"
)

// decimalSizes are the units that storage and networks are sold in.
var decimalSizes = []unit{{1e15, "PB"}, {1e12, "TB"}, {1e9, "GB"}, {1e6, "MB"}, {1e3, "kB"}, {1, "B"}}

// services tells what was stored, sent and asked of services.
func (p *page) services() {
	t := newTable(false, false, true, true, false)
	for _, e := range p.record.Phases {
		for i := range e.Usage {
			u := &e.Usage[i]
			what := serviceInWords(u)
			if what == "" {
				continue
			}
			cells := []cell{{u.Hardware, nil}, {what, nil}, {}, {}, {string(e.Stage), p.dim}}
			if u.EnergyJ != nil {
				cells[2].text = amount(u.EnergyJ.Value, wattHours)
			}
			if u.OperationalGCO2e != nil {
				cells[3].text = amount(u.OperationalGCO2e.Value, co2e)
			}
			t.add(cells...)
		}
	}
	if len(t.rows) > 0 {
		p.heading("Stored, sent and asked of services")
		p.table(t)
	}
}

// serviceInWords tells what a row stored, sent or asked for; "" if it is of a
// device.
func serviceInWords(u *lifecycle.Usage) string {
	switch {
	case u.Stored != nil:
		text := amount(u.Stored.Bytes, decimalSizes) + " for " + duration(u.Stored.Seconds)
		if u.Stored.Replicas != 1 {
			text += " × " + trimmed(u.Stored.Replicas)
		}
		return text
	case u.Transferred != nil:
		return amount(u.Transferred.Bytes, decimalSizes) + " sent"
	case u.Calls != nil:
		return count(u.Calls.Count) + " " + u.Calls.Unit
	}
	return ""
}

// hourly tells that emissions follow the grid step by step, "" if they do not.
func hourly(r *lifecycle.Record) string {
	for _, e := range r.Phases {
		if len(e.Profile) == 0 {
			continue
		}
		if step := e.Profile[0].StepS; math.Abs(step-3600) >= 1 {
			return ", every " + duration(step)
		}
		return ", hour by hour"
	}
	return ""
}
