package scenario

import (
	"cmp"
	"fmt"
	"slices"

	"github.com/ecotracer/ecotracer/internal/inwords"
	"github.com/ecotracer/ecotracer/lifecycle"
)

// Figures are what something comes to.
type Figures struct {
	EnergyJ         lifecycle.Interval  `json:"energy_j"`          // IT energy, without PUE
	FacilityEnergyJ lifecycle.Interval  `json:"facility_energy_j"` // times PUE
	GCO2e           lifecycle.Interval  `json:"gco2e"`
	WaterL          lifecycle.Interval  `json:"water_l"`        // of operation: on site and for the electricity
	Cost            *lifecycle.Interval `json:"cost,omitempty"` // nil where nothing has a price
}

// Figure is one of them by its name: energy, facility, gco2e, water or cost; nil
// if there is none.
func (f *Figures) Figure(name string) *lifecycle.Interval {
	return [...]*lifecycle.Interval{&f.EnergyJ, &f.FacilityEnergyJ, &f.GCO2e, &f.WaterL, f.Cost, nil}[figureIndex(name)]
}

var figureNames = []string{"energy", "facility", "gco2e", "water", "cost"}

// figureIndex is the place of a figure by its name, nFigures if it has none.
func figureIndex(name string) int {
	if i := slices.Index(figureNames, name); i >= 0 {
		return i
	}
	return nFigures
}

// Result is what a scenario comes to, in the two ways in which devices can be
// accounted for. What is no device's, such as a training, counts when it occurs
// in both.
type Result struct {
	Name  string `json:"name"`
	Start int    `json:"start"`
	Years int    `json:"years"`
	Draws int    `json:"draws"`

	Amortised View `json:"amortised"`    // devices by the time that they are used
	Occurring View `json:"as_it_occurs"` // devices when they are bought and discarded

	Unit    string              `json:"unit,omitempty"`  // functional unit; "" if none is counted
	Units   *lifecycle.Interval `json:"units,omitempty"` // in all years
	PerUnit *Figures            `json:"per_unit,omitempty"`

	Currency string  `json:"currency,omitempty"` // of costs
	Parts    []Part  `json:"parts"`              // devices and work, amortised, most grams first
	Fleets   []Count `json:"fleets,omitempty"`

	LeftGCO2e lifecycle.Interval `json:"left_gco2e"` // production that is in devices still to be used when the years are over

	Passings []Passing `json:"passings,omitempty"` // of phases that there are

	Inputs []Given  `json:"inputs"`
	Notes  []string `json:"notes,omitempty"` // what to keep in mind
}

// View is one way of accounting.
type View struct {
	Total      Figures   `json:"total"`
	ByYear     []Figures `json:"by_year"`
	Cumulative []Figures `json:"cumulative"` // up to the end of each year
	Phases     []Phase   `json:"phases"`     // those that have a figure, in the order of the life cycle
}

// Phase is what a phase comes to.
type Phase struct {
	Phase  lifecycle.Phase `json:"phase"`
	Total  Figures         `json:"total"`
	ByYear []Figures       `json:"by_year"`
}

// Part is what a fleet or a work comes to in all years, by its best estimate; of a
// fleet also its production and end of life.
type Part struct {
	Name    string          `json:"name"` // gpu; chat/serving
	Stage   lifecycle.Stage `json:"stage"`
	EnergyJ float64         `json:"energy_j"`
	GCO2e   float64         `json:"gco2e"`
	WaterL  float64         `json:"water_l"`
	Cost    float64         `json:"cost,omitempty"`
}

// Count is how many devices a fleet has each year, and how busy they are.
type Count struct {
	Name  string    `json:"name"`
	Count []float64 `json:"count,omitempty"` // none of what is rented
	Busy  []float64 `json:"busy,omitempty"`  // share of the time that work takes; none without work
	Hours []float64 `json:"hours,omitempty"` // that devices work
}

// Given is an input and where it is from.
type Given struct {
	Path string `json:"path"`
	Unit string `json:"unit"`
	Input
}

// Run computes what the scenario comes to. Figures are computed at the best
// estimates of the inputs, and their 95 % intervals by drawing the inputs 10,000
// times, each lognormal between its bounds, seeded: the same scenario has the
// same result. A scenario that Parse or With would refuse is an error that joins
// some of type *Error. Run changes nothing and may be called concurrently.
func (s *Scenario) Run() (*Result, error) { return s.run(draws) }

func (s *Scenario) run(draws int) (*Result, error) {
	m := compiled(s)
	if len(m.errs) > 0 {
		return nil, joined(m.errs)
	}
	r := &Result{Name: s.Name, Start: m.start, Years: m.years, Draws: draws, Unit: m.unit, Currency: m.currency, Notes: slices.Clone(m.notes)}
	var best outcome
	m.evaluate(m.best(), &best)

	// The tables, as numbers of each draw one after another.
	collect := newTables(m, draws)
	collect.add(&best)
	sampled := newSample(m, deviations(draws))
	var o outcome
	passed := newPassages(&best)
	for n := range draws {
		sampled.draw(n, &o)
		collect.add(&o)
		passed.add(&o)
	}
	collect.into(r)
	r.Passings = passed.told()
	for i := range m.parts {
		for phase := range nPhases {
			if f := &best.parts[i][phase]; *f != (figures{}) {
				r.Parts = append(r.Parts, Part{m.parts[i].name, m.parts[i].stageIn(phase), f[energy], f[gco2e], f[water], f[cost]})
			}
		}
	}
	slices.SortStableFunc(r.Parts, func(a, b Part) int { return cmp.Compare(b.GCO2e, a.GCO2e) })
	m.counted(&best, r)
	if len(m.fleets) > 0 {
		r.Notes = append(r.Notes, "water is that of operation: what production and end of life take of it is not known")
	}
	for _, v := range m.vars {
		r.Inputs = append(r.Inputs, Given{v.path, v.unit, v.Input})
	}
	slices.SortStableFunc(r.Inputs, func(a, b Given) int { return cmp.Compare(a.Path, b.Path) })
	if collect.great {
		return nil, errTooGreat
	}
	return r, nil
}

var errTooGreat = &Error{Message: "the figures are too great for a number: check the units and the bounds"}

// counted tells of the devices by the best estimates.
func (m *model) counted(best *outcome, r *Result) {
	x := m.best()
	for i := range m.fleets {
		f := &m.fleets[i]
		c := Count{Name: f.name}
		if !f.rented {
			c.Count = slices.Clone(best.count[i])
		}
		for y, busy := range best.busy[i] {
			if slices.Max(best.busy[i]) == 0 {
				break
			}
			c.Hours = append(c.Hours, busy/3600)
			if f.rented {
				continue
			}
			share := 0.0
			if busy > 0 {
				share = busy / (best.count[i][y] * year)
			}
			c.Busy = append(c.Busy, share)
			if share > m.at(x, f.busiest, y)*(1+1e-9) {
				r.Notes = append(r.Notes, fmt.Sprintf("%s: the work of %d takes %s devices, and there are %s", f.name, m.start+y,
					inwords.Trimmed(busy/year/m.at(x, f.busiest, y)), inwords.Trimmed(best.count[i][y])))
			}
		}
		r.Fleets = append(r.Fleets, c)
	}
}
