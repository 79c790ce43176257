package main

import (
	"fmt"
	"strings"

	"github.com/ecotracer/ecotracer/internal/inwords"
	"github.com/ecotracer/ecotracer/lifecycle"
)

// perUnit tells what one functional unit came to: the record's own figure, its
// Software Carbon Intensity, and its footprint with what the run carries of
// others. It returns why there is no score though a unit is declared.
func (p *page) perUnit(t *table) (noScore string) {
	r := p.record
	if u := r.Totals.PerUnit; u != nil {
		p.quantity(t, "one "+inwords.One(u.Unit), &u.GCO2e, inwords.CO2e, "of "+inwords.Count(u.Count))
	}
	if r.UseCase.FunctionalUnit == nil {
		return ""
	}
	if s, err := lifecycle.SCI(r, "", ""); err == nil {
		u := inwords.UnitFor(s.Score.Value, inwords.Grams)
		part := func(q lifecycle.Quantity) string { return inwords.Digits(q.Value/s.Count/u.Size) + " " + u.Name }
		p.quantity(t, "SCI", &s.Score, inwords.CO2e, fmt.Sprintf("one %s: O %s + M %s", inwords.One(s.Unit), part(s.OperationalGCO2e), part(s.EmbodiedGCO2e)))
	} else {
		at, why := wrongAt(err)
		if strings.HasPrefix(at, "/hardware/") {
			why = strings.Join(inwords.Pointer(r, at), " ") + ": " + why
		}
		noScore = why
	}
	if len(r.Amortised) == 0 {
		return noScore
	}
	if f, err := lifecycle.FootprintPerUnit(r); err == nil {
		p.quantity(t, "footprint", &f.GCO2e, inwords.CO2e, "one "+inwords.One(f.Unit)+", with what is carried")
	}
	return noScore
}
