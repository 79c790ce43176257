package main

import (
	"fmt"
	"strings"

	"github.com/ecotracer/ecotracer/lifecycle"
)

// perUnit tells what one functional unit came to: the record's own figure, its
// Software Carbon Intensity, and its footprint with what the run carries of
// others. It returns why there is no score though a unit is declared.
func (p *page) perUnit(t *table) (noScore string) {
	r := p.record
	if u := r.Totals.PerUnit; u != nil {
		p.quantity(t, "one "+one(u.Unit), &u.GCO2e, co2e, "of "+count(u.Count))
	}
	if r.UseCase.FunctionalUnit == nil {
		return ""
	}
	if s, err := lifecycle.SCI(r, "", ""); err == nil {
		u := unitFor(s.Score.Value, grams)
		part := func(q lifecycle.Quantity) string { return digits(q.Value/s.Count/u.size) + " " + u.name }
		p.quantity(t, "SCI", &s.Score, co2e, fmt.Sprintf("one %s: O %s + M %s", one(s.Unit), part(s.OperationalGCO2e), part(s.EmbodiedGCO2e)))
	} else {
		at, why := wrongAt(err)
		if strings.HasPrefix(at, "/hardware/") {
			why = strings.Join(p.inRecord(at), " ") + ": " + why
		}
		noScore = why
	}
	if len(r.Amortised) == 0 {
		return noScore
	}
	if f, err := lifecycle.FootprintPerUnit(r); err == nil {
		p.quantity(t, "footprint", &f.GCO2e, co2e, "one "+one(f.Unit)+", with what is carried")
	}
	return noScore
}
