package recordtest

import (
	"fmt"
	"reflect"
	"time"

	"github.com/ecotracer/ecotracer/factors"
	"github.com/ecotracer/ecotracer/lifecycle"
)

// factor adds a factor with bounds of up to ×ratio on either side, and returns
// its id.
func (m *maker) factor(kind factors.Kind, value, ratio float64, unit string) string {
	f := factors.Factor{
		ID: fmt.Sprintf("%s %s#%d", kind, m.name(), len(m.r.Factors)), Kind: kind, Unit: unit,
		Value: value, Low: value / m.between(1, ratio), High: value * m.between(1, ratio),
		Found: pick(m, factors.Live, factors.Declared, factors.Exact, factors.Normalised, factors.Family, factors.Class,
			factors.FromRegion, factors.FromCountry, factors.FromWorld),
		Source: m.text(), SourceYear: 2010 + m.IntN(16), Quality: pick(m, "A", "B", "C", "C", "D"),
	}
	m.maybe(&f.Geography)
	m.maybe(&f.Licence)
	if len(unit) >= 5 && unit[:5] == "gCO2e" {
		f.GWP = pick(m, "AR5", "AR6", "unstated")
	}
	switch kind {
	case factors.Grid:
		f.Signal, f.Accounting, f.Basis, f.Mix = "average", "location", pick(m, "lifecycle", "direct"), pick(m, "production", "consumption")
	case factors.Residual, factors.Instrument:
		f.Signal, f.Accounting, f.Basis, f.Mix = "average", "market", "lifecycle", "residual"
	case factors.Marginal:
		f.Signal, f.Accounting, f.Basis, f.Mix = "marginal", "location", "direct", "production"
	}
	if m.one(3) {
		f.ValidFrom = "2026-01-01"
	}
	if m.one(3) {
		f.ValidTo = pick(m, "2026-12-31", "2030-12-31")
	}
	m.r.Factors = append(m.r.Factors, f)
	return f.ID
}

// environment adds a place, known or not.
func (m *maker) environment() {
	r := m.r
	e := lifecycle.Environment{ID: fmt.Sprintf("%s#%d", m.name(), len(r.Environments)), PlaceFound: pick(m, "declared", "provider", "unknown")}
	m.fill(reflect.ValueOf(&e).Elem())
	if e.PlaceFound == "unknown" {
		e.Country, e.GridZone, e.Region = "", "", ""
	} else if e.Country != "" && m.one(2) {
		e.Subdivision = e.Country + "-" + pick(m, "IDF", "CA", "1")
	}
	e.Factors = lifecycle.EnvironmentFactors{Grid: m.factor(factors.Grid, m.between(0.1, 1500), 3, "gCO2e/kWh")}
	if m.one(20) { // a place that emits nothing
		g := &r.Factors[len(r.Factors)-1]
		g.Value, g.Low, g.High = 0, 0, 0
	} else if m.one(3) && r.Run.Status != lifecycle.Estimated {
		m.hourly(&r.Factors[len(r.Factors)-1])
	}
	if r.Run.Boundary == lifecycle.BoundaryFacility {
		e.Factors.PUE = m.factor(factors.PUE, 1, 1, "1")
	} else {
		e.Factors.PUE = m.factor(factors.PUE, m.between(1, 2), 1.1, "1")
	}
	if m.one(2) {
		e.Factors.WUE = m.factor(factors.WUE, m.between(0.01, 5), 3, "L/kWh")
	}
	if m.one(2) {
		e.Factors.EWIF = m.factor(factors.EWIF, m.between(0.01, 9), 3, "L/kWh")
	}
	if m.one(3) {
		e.Factors.Marginal = m.factor(factors.Marginal, m.between(10, 1000), 3, "gCO2e/kWh")
	}
	if m.one(3) {
		e.Factors.Loss = m.factor(factors.Loss, m.between(0.01, 0.2), 1.5, "1")
	}
	if m.one(3) {
		e.Factors.Residual = m.factor(factors.Residual, m.between(10, 900), 3, "gCO2e/kWh")
		for _, share := range m.parts(1 + m.IntN(4))[1:] {
			e.Instruments = append(e.Instruments, lifecycle.Instrument{
				Kind: pick(m, "PPA", "GoO", "REC", "supplier"), Share: share, Factor: m.factor(factors.Instrument, m.between(1, 50), 2, "gCO2e/kWh"),
			})
		}
	}
	r.Environments = append(r.Environments, e)
}

// hourly gives a grid factor values step by step, of which its own is the mean.
func (m *maker) hourly(f *factors.Factor) {
	start := m.r.Run.StartedAt.Truncate(time.Hour)
	length := m.r.Run.EndedAt.Sub(start).Seconds()
	step := 3600.0
	for length/step > 40 {
		step *= 2
	}
	s := &factors.Series{Start: start.Format(time.RFC3339), StepS: step}
	var sum float64
	for range int(length/step) + 2 {
		v := m.between(1, 1000)
		s.Value = append(s.Value, v)
		sum += v
	}
	f.Value = sum / float64(len(s.Value))
	f.Low, f.High, f.Series = f.Value/m.between(1, 2), f.Value*m.between(1, 2), s
}
