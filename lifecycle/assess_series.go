package lifecycle

import (
	"fmt"
	"math"
	"time"

	"github.com/ecotracer/ecotracer/internal/series"
)

// intensity is the grid intensity that stage i met at a place: the factor's
// value, or with a profile and hourly values their mean weighted by the energy
// of each step (R36).
func (b *basis) intensity(i int, hardware string, s *place) (float64, error) {
	var energy, grams float64
	grid := &b.record.Factors[s.grid]
	profiles := b.record.Phases[i].Profile
	if grid.Series == nil {
		return grid.Value, nil
	}
	environment := b.device(hardware).Environment
	for n := range profiles {
		p := &profiles[n]
		if p.Environment != environment {
			continue
		}
		at := b.pointer("phases", i, "profile", n)
		from, err := b.offset(p, s.grid, at)
		if err != nil {
			return 0, err
		}
		for k, e := range p.EnergyJ {
			if !isAmount(e) {
				return 0, amount(e, at+b.pointer("energy_j", k))
			}
			energy += e
			grams += e * series.Mean(grid.Series.Value, grid.Series.StepS, from+float64(k)*p.StepS, p.StepS)
		}
	}
	if energy == 0 {
		return grid.Value, nil
	}
	return grams / energy, nil
}

// offset is the time from the begin of a grid factor's series to that of a
// profile, in seconds, once it is sure that the series covers the profile.
func (b *basis) offset(p *Profile, grid int, at string) (float64, error) {
	series := b.record.Factors[grid].Series
	start, err := time.Parse(time.RFC3339, series.Start)
	if err != nil {
		return 0, &fault{"R5", b.pointer("factors", grid, "series", "start"), "the begin of the series must be an RFC 3339 time"}
	}
	from := p.Start.Sub(start).Seconds()
	to := from + p.StepS*float64(len(p.EnergyJ))
	end := series.StepS * float64(len(series.Value))
	const slack = 1e-6 // of a step: rounding
	steps := p.StepS > 0 && series.StepS > 0 && len(series.Value) > 0 && end <= math.MaxFloat64
	if !steps || !(from >= -slack*series.StepS && to <= end+slack*series.StepS) {
		return 0, &fault{"R36", at, fmt.Sprintf("the series of factor %q does not cover the profile: give the factor's values for all of its steps",
			b.record.Factors[grid].ID)}
	}
	for k, x := range series.Value {
		if !isAmount(x) {
			return 0, amount(x, b.pointer("factors", grid, "series", "value", k))
		}
	}
	return from, nil
}
