package scenario

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/ecotracer/ecotracer/factors"
	"github.com/ecotracer/ecotracer/internal/inwords"
	"github.com/ecotracer/ecotracer/lifecycle"
)

// model is a scenario with every input looked up, ready to be computed.
type model struct {
	start, years int
	vars         []variable
	index        map[string]ref // by key

	places   map[string]place
	fleets   []fleet
	services []service
	parts    []part // what figures are told for: fleets, then work
	per      int    // service whose units are counted, -1 if none
	unit     string
	notes    []string
	known    *lookups
	errs     []*Error
	currency string // "" where nothing has a price
}

type place struct{ grid, decline, pue, wue, ewif, price ref }

// part is one device or one work.
type part struct {
	name  string
	stage lifecycle.Stage
}

// stageIn is the stage of what a part comes to in a phase.
func (p part) stageIn(phase int) lifecycle.Stage {
	switch phase {
	case production:
		return lifecycle.Production
	case endOfLife:
		return lifecycle.EndOfLife
	}
	return p.stage
}

// compiled looks up all that a scenario does not tell. Errors are told by path.
func compiled(s *Scenario) *model { return compiledWith(s, &lookups{}) }

// compiledWith remembers what it looks up.
func compiledWith(s *Scenario, known *lookups) *model {
	m := &model{known: known, start: s.Start, years: s.Years, index: map[string]ref{}, places: map[string]place{}, per: -1}
	if s.Years < 1 || s.Years > MaxYears {
		m.wrong("years", "%d years: write 1 to %d", s.Years, MaxYears)
		return m
	}
	if s.Start < 1990 || s.Start > 2200 {
		m.wrong("start", "%d: write the calendar year that the first year is called by, such as 2026", s.Start)
		return m
	}
	if len(s.Devices)+len(s.Services) == 0 {
		m.wrong("", "there are no devices and no services: nothing is to be computed")
	}
	for _, name := range slices.Sorted(maps.Keys(s.Places)) {
		m.places[name] = m.place(s.Places[name], "places."+name)
	}
	fleets := slices.Sorted(maps.Keys(s.Devices))
	for _, name := range fleets {
		m.fleets = append(m.fleets, m.fleet(s, name, fleets))
	}
	for _, name := range slices.Sorted(maps.Keys(s.Services)) {
		m.services = append(m.services, m.service(s, name, fleets))
	}
	m.units(s)
	m.checkFleets(s)
	return m
}

func (m *model) wrong(path, format string, args ...any) {
	m.errs = append(m.errs, &Error{Path: path, Message: inwords.Visible(fmt.Sprintf(format, args...))})
}

// look is the variable of a figure that is given, else of what a lookup tells.
func (m *model) look(in *Input, unit, path string, lookup func() (factors.Factor, error)) ref {
	if in != nil {
		return m.given(in, unit, path)
	}
	f, err := lookup()
	if err != nil {
		m.wrong(path, "it is not given, and package factors does not tell it: %s", err)
		return none
	}
	if f.Found == factors.FromWorld {
		m.notes = append(m.notes, fmt.Sprintf("%s is not known: it has the range of the world", path))
	}
	return m.factor(f, unit, path)
}

func (m *model) place(p Place, path string) place {
	country := p.Country
	if country != "" {
		code, err := factors.Country(country)
		if err != nil {
			m.wrong(path+".country", "%s", err)
		}
		country = code
	}
	query := func(kind factors.Kind) func() (factors.Factor, error) {
		return func() (factors.Factor, error) {
			return m.known.factor(factors.Query{Kind: kind, Country: country, Region: p.Subdivision, Provider: p.Provider, CloudRegion: p.Region, Class: p.Site})
		}
	}
	if (p.Provider == "") != (p.Region == "") {
		m.wrong(path, "a cloud region needs both: provider: aws and region: eu-west-1")
		return place{none, none, none, none, none, none}
	}
	at := place{
		grid:    m.look(p.Grid, "gCO2e/kWh", path+".grid", query(factors.Grid)),
		pue:     m.look(p.PUE, "1", path+".pue", query(factors.PUE)),
		wue:     m.look(p.WUE, "L/kWh", path+".wue", query(factors.WUE)),
		ewif:    m.look(p.EWIF, "L/kWh", path+".ewif", query(factors.EWIF)),
		decline: m.given(p.GridDecline, "decline", path+".grid-decline"),
		price:   m.given(p.Price, "money/kWh", path+".electricity-price"),
	}
	if p.PUE != nil && p.PUE.Low < 1 {
		m.wrong(path+".pue", "it is below 1: a facility uses no less than what is in it")
	}
	if p.Grid != nil && len(p.Grid.Later) > 0 && p.GridDecline != nil {
		m.wrong(path+".grid-decline", "the grid is told by year: a decline is in it")
	}
	if len(p.Hours) != 0 && len(p.Hours) != 24 {
		m.wrong(path+".hours", "%d hours: write the intensities of all 24 hours of a day", len(p.Hours))
	}
	return at
}

// placed is the place of a thing, by its name, or the only one.
func (m *model) placed(s *Scenario, name, path string) place {
	if name == "" && len(m.places) == 1 {
		for _, p := range m.places {
			return p
		}
	}
	p, ok := m.places[name]
	switch {
	case len(s.Places) == 0:
		m.wrong(path, "there are no places: write where it is, such as places: {home: {country: FR}}")
	case name == "":
		m.wrong(path, "where is it? write place: …, one of %s", strings.Join(slices.Sorted(maps.Keys(s.Places)), ", "))
	case !ok:
		m.wrong(path+".place", "%s", unknown("place", name, slices.Collect(maps.Keys(s.Places))))
	}
	if !ok {
		return place{none, none, none, none, none, none}
	}
	return p
}
