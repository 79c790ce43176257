package scenario

import (
	"cmp"
	"errors"
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

type fleet struct {
	name                                      string
	place                                     place
	phase                                     int
	count, growth, age                        ref
	each                                      int // fleet whose devices are counted, -1 if none
	asNeeded, rented                          bool
	production, transport, endOfLife          ref
	lifetime, utilisation, idle, active, duty ref
	busiest, price, rent                      ref
}

type service struct {
	name         string
	rate, growth ref
	work         []work
}

type work struct {
	part         int
	place        place
	phase        int
	on           int // fleet, -1 if none
	amount       ref // joules, or device-seconds
	perUnit      bool
	all          bool // all the time: amount is in W
	times        []ref
	share, every ref
	from         int // year, from 0
	greener      ref
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

func (m *model) fleet(s *Scenario, name string, all []string) fleet {
	f, path := s.Devices[name], "devices."+name
	if f.Stage == "" {
		f.Stage = stageOn(s, name)
	}
	at := fleet{
		name: name, phase: phaseIndex(f.Stage.Phase()), each: -1, asNeeded: f.AsNeeded, rented: f.Rented,
		count: m.given(f.Count, "1", path+".count"), growth: m.given(f.Growth, "growth", path+".growth"), age: m.given(f.Age, "s", path+".age"),
		duty: m.given(f.Duty, "share", path+".duty"), busiest: m.given(f.Busiest, "share", path+".busiest"),
		price: m.given(f.Price, "money", path+".price"), rent: m.given(f.Rent, "money/h", path+".rent"),
		transport: none, utilisation: none, idle: none, active: none,
	}
	at.place = m.placed(s, f.Place, path)
	m.parts = append(m.parts, part{name, f.Stage})
	if !f.Stage.Valid() || f.Stage.Device() {
		m.wrong(path+".stage", "%q is no stage of using devices: write use/operation, inference/serving or another", clipped(string(f.Stage)))
		at.phase = 0
	}
	if f.ForEach != "" {
		at.each = slices.Index(all, f.ForEach)
		switch {
		case at.each < 0:
			m.wrong(path+".for-each", "%s", unknown("fleet", f.ForEach, slices.Clone(all)))
		case s.Devices[f.ForEach].ForEach != "" || s.Devices[f.ForEach].Rented:
			m.wrong(path+".for-each", "%s has no count of its own: name a fleet that has", f.ForEach)
			at.each = -1
		}
	}
	m.embodied(f, &at, path)
	m.powers(f, &at, path)
	return at
}

// stageOn is the stage of the idle time of a fleet: that of what each unit of a
// service takes on it.
func stageOn(s *Scenario, fleet string) lifecycle.Stage {
	for _, service := range slices.Sorted(maps.Keys(s.Services)) {
		works := s.Services[service].Work
		for _, name := range slices.Sorted(maps.Keys(works)) {
			if w := works[name]; w.On == fleet && w.Time != nil && w.Time.Per != "" {
				return cmp.Or(w.Stage, lifecycle.StageOf(name))
			}
		}
	}
	return lifecycle.Operation
}

// embodied are production and end of life and the life that they are for.
func (m *model) embodied(f Fleet, at *fleet, path string) {
	var known *factors.Embodied
	lookup := func() (*factors.Embodied, error) {
		if known == nil {
			if f.Kind == "" && f.Class == "" && f.Model == "" {
				return nil, errors.New("write it, or the class of the device (class: server) or its kind and model")
			}
			e, err := m.known.device(factors.Device{Kind: f.Kind, Class: f.Class, Model: f.Model})
			if err != nil {
				return nil, err
			}
			known = &e
		}
		return known, nil
	}
	impact := func(of func(*factors.Embodied) *factors.Factor) func() (factors.Factor, error) {
		return func() (factors.Factor, error) {
			e, err := lookup()
			if err != nil {
				return factors.Factor{}, err
			}
			if f := of(e); f != nil {
				return *f, nil
			}
			return factors.Factor{}, factors.ErrNoFactor
		}
	}
	at.production = m.look(f.Production, "gCO2e", path+".production", impact(func(e *factors.Embodied) *factors.Factor { return e.Production.GCO2e }))
	at.endOfLife = m.look(f.EndOfLife, "gCO2e", path+".end-of-life", impact(func(e *factors.Embodied) *factors.Factor { return e.EndOfLife.GCO2e }))
	at.lifetime = m.look(f.Lifetime, "s", path+".lifetime", impact(func(e *factors.Embodied) *factors.Factor { return &e.Lifetime }))
	switch {
	case f.Transport != nil:
		at.transport = m.given(f.Transport, "gCO2e", path+".transport")
	case f.Production == nil:
		if e, err := lookup(); err == nil && e.Transport.GCO2e != nil {
			at.transport = m.factor(*e.Transport.GCO2e, "gCO2e", path+".transport")
		}
	}
	if f.Rented {
		at.utilisation = m.look(f.Utilisation, "share", path+".utilisation", impact(func(e *factors.Embodied) *factors.Factor { return &e.Utilisation }))
	}
	if at.lifetime != none {
		if q := m.vars[at.lifetime].Input; slices.ContainsFunc(q.all(), func(q lifecycle.Interval) bool { return q.Low < shortestLife }) {
			m.wrong(path+".lifetime", "it is below a month: give what is used up that fast as work")
		}
	}
}

// shortestLife bounds how often devices are replaced.
const shortestLife = year / 12 * (1 - 1e-9)

// powers are idle and active power.
func (m *model) powers(f Fleet, at *fleet, path string) {
	look := func(full bool) func() (factors.Factor, error) {
		return func() (factors.Factor, error) {
			switch {
			case f.Kind == "gpu" && f.Model != "":
				a, err := m.known.accelerator(f.Model)
				if err == nil && a.Found == factors.FromWorld {
					err = fmt.Errorf("%w: no accelerator %q is known", factors.ErrNoFactor, f.Model)
				}
				return pick(full, a.Full, a.Idle), err
			case f.Kind == "cpu":
				c, err := m.known.cpu(f.Model, f.Class)
				return pick(full, c.Full, c.Idle), err
			}
			return factors.Factor{}, errors.New("write it, 0 W if it draws none")
		}
	}
	at.active = m.look(f.ActivePower, "W", path+".active-power", look(true))
	if f.Rented || f.IdlePower == nil && f.Duty != nil && f.Duty.Low == 1 && len(f.Duty.Later) == 0 {
		return // it is never idle
	}
	if f.IdlePower == nil && f.ActivePower != nil && f.ActivePower.Value == 0 {
		at.idle = at.active
		return
	}
	at.idle = m.look(f.IdlePower, "W", path+".idle-power", look(false))
}

func pick(first bool, a, b factors.Factor) factors.Factor {
	if first {
		return a
	}
	return b
}

func (m *model) service(s *Scenario, name string, fleets []string) service {
	v, path := s.Services[name], "services."+name
	at := service{name: name, rate: m.given(v.Rate, "rate", path+".rate"), growth: m.given(v.Growth, "growth", path+".growth")}
	switch {
	case v.Rate != nil && v.Unit == "":
		m.wrong(path, "of what is the rate? write unit: request, or another")
	case v.Rate != nil && v.Rate.Per != "" && inwords.One(v.Rate.Per) != inwords.One(v.Unit):
		m.wrong(path+".rate", "it is of %s, and the unit of the service is %s: write the same", v.Rate.Per, v.Unit)
	case v.Rate != nil && len(v.Rate.Later) > 0 && v.Growth != nil:
		m.wrong(path+".growth", "the rate is told by year: its growth is in it")
	}
	for _, w := range slices.Sorted(maps.Keys(v.Work)) {
		at.work = append(at.work, m.work(s, v, w, path+".work."+w, name, fleets))
	}
	return at
}

func (m *model) work(s *Scenario, v Service, name, path, service string, fleets []string) work {
	w := v.Work[name]
	if w.Stage == "" {
		w.Stage = lifecycle.StageOf(name)
	}
	at := work{
		part: len(m.parts), phase: phaseIndex(w.Stage.Phase()), on: -1, amount: none, from: max(0, w.From-m.start), greener: none,
		share: m.given(w.Share, "share", path+".share"), every: m.given(w.Every, "s", path+".every"),
	}
	m.parts = append(m.parts, part{service + "/" + name, w.Stage})
	switch {
	case w.Stage == "":
		m.wrong(path, "the name does not tell its stage: write stage: training/fine-tuning, or another")
		at.phase = 0
	case !w.Stage.Valid() || w.Stage.Device():
		m.wrong(path+".stage", "%q is no stage of a service", clipped(string(w.Stage)))
		at.phase = 0
	}
	if w.From != 0 && (w.From < m.start || w.From >= m.start+m.years) {
		m.wrong(path+".from", "%d is not among the years %d to %d", w.From, m.start, m.start+m.years-1)
	}
	for _, x := range []struct {
		in   *Input
		unit string
	}{{w.Scale, "scale"}, {w.Replicas, "replicas"}} {
		if x.in != nil {
			at.times = append(at.times, m.given(x.in, "1", path+"."+x.unit))
		}
	}
	m.amount(w, &at, path, v.Unit)
	if at.on = slices.Index(fleets, w.On); w.On != "" && at.on < 0 {
		m.wrong(path+".on", "%s", unknown("fleet", w.On, slices.Clone(fleets)))
	}
	switch {
	case w.Time != nil && w.On == "":
		m.wrong(path, "on which devices is the time? write on: …, one of %s", strings.Join(fleets, ", "))
	case w.Time == nil && w.On != "":
		m.wrong(path+".on", "only a time is on devices: write time: …")
	case w.Time != nil && w.Place != "":
		m.wrong(path+".place", "it is where its devices are: leave it out")
	}
	in := cmp.Or(w.Place, v.Place)
	if at.on >= 0 {
		at.place, in = m.fleets[at.on].place, s.Devices[w.On].Place
	} else if w.Time == nil {
		at.place = m.placed(s, in, path)
	}
	if w.GreenerHours != nil {
		m.greener(s, w, &at, in, path)
	}
	return at
}

// amount is what a work takes, and how often.
func (m *model) amount(w Work, at *work, path, service string) {
	given := 0
	for _, a := range []struct {
		in   *Input
		unit string
		key  string
		all  bool
		per  func() (factors.Factor, error) // joules or watts of one
	}{
		{w.Energy, "J", "energy", false, nil},
		{w.Time, "s", "time", false, nil},
		{w.Power, "W", "power", true, nil},
		{w.Stored, "B", "stored", true, func() (factors.Factor, error) {
			f, err := m.known.factor(factors.Query{Kind: factors.Storage, Class: w.Media})
			return f.Times(1e-12, "W/B"), err // Wh/TBh
		}},
		{w.Transferred, "B", "transferred", false, func() (factors.Factor, error) {
			f, err := m.known.factor(factors.Query{Kind: factors.Transfer, Class: w.Network})
			return f.Times(joulesPerKWh/1e9, "J/B"), err // kWh/GB
		}},
	} {
		if a.in == nil {
			continue
		}
		given++
		at.amount, at.perUnit, at.all = m.given(a.in, a.unit, path+"."+a.key), a.in.Per != "", a.all
		if a.per != nil {
			at.times = append(at.times, m.look(nil, "", path+"."+a.key, a.per))
		}
	}
	unit := ""
	for _, in := range []*Input{w.Energy, w.Time, w.Transferred} {
		if in != nil {
			unit = in.Per
		}
	}
	switch {
	case given != 1:
		m.wrong(path, "write one of energy, time (on devices), power, stored and transferred")
	case unit != "" && inwords.One(unit) != inwords.One(service):
		m.wrong(path, "it is told for one %s, and the unit of the service is %s", unit, cmp.Or(service, "not given"))
	case at.perUnit && w.Every != nil:
		m.wrong(path+".every", "what each unit takes is not done at intervals: leave it out")
	case at.all && w.Every != nil:
		m.wrong(path+".every", "what goes on all the time is not done at intervals: leave it out")
	case !at.perUnit && w.Share != nil:
		m.wrong(path+".share", "a share of the units, of what is not told for one: write the amount as …/%s", cmp.Or(inwords.One(service), "request"))
	case w.Every != nil && w.Every.Low < 60:
		m.wrong(path+".every", "it is below a minute: tell the amount for one unit")
	}
}

// units chooses the service whose units are counted.
func (m *model) units(s *Scenario) {
	name := s.Per
	if name == "" {
		for i := range m.services {
			if m.services[i].rate != none {
				if name != "" {
					m.notes = append(m.notes, "several services count units: per: … says of which one is told")
					return
				}
				name = m.services[i].name
			}
		}
		if name == "" {
			return
		}
	}
	m.per = slices.IndexFunc(m.services, func(v service) bool { return v.name == name })
	switch {
	case m.per < 0:
		m.wrong("per", "%s", unknown("service", name, slices.Collect(maps.Keys(s.Services))))
	case m.services[m.per].rate == none:
		m.wrong("per", "%s has no rate, so that its units are not counted", name)
		m.per = -1
	default:
		m.unit = inwords.One(s.Services[name].Unit)
	}
}

// checkFleets tells what does not fit together of fleets and the work on them.
func (m *model) checkFleets(s *Scenario) {
	busy := map[int]bool{}
	for i := range m.services {
		for j := range m.services[i].work {
			w := &m.services[i].work[j]
			busy[w.on] = true
			if w.perUnit && m.services[i].rate == none {
				m.wrong("services."+m.services[i].name, "work is told for one unit: write rate: …, such as 2 million requests/day")
			}
		}
	}
	for i := range m.fleets {
		f, path := s.Devices[m.fleets[i].name], "devices."+m.fleets[i].name
		works := busy[i]
		kinds := 0
		for _, is := range []bool{f.Count != nil, f.AsNeeded, f.Rented} {
			if is {
				kinds++
			}
		}
		switch {
		case kinds != 1:
			m.wrong(path, "write one of count: …, as-needed: true (as many as its work takes) and rented: true")
		case f.AsNeeded && !works, f.Rented && !works:
			m.wrong(path, "no work is on it, which would tell how much of it is needed: write on: %s in a work, or a count", m.fleets[i].name)
		case works && f.Duty != nil:
			m.wrong(path+".duty", "how busy it is follows from the work on it: leave it out")
		case !works && f.Duty == nil && f.Count != nil && m.fleets[i].active != m.fleets[i].idle:
			m.wrong(path, "for which share of the time is it active? write duty: 30 %%, or put work on it")
		case f.Count == nil && (f.Growth != nil || f.ForEach != ""):
			m.wrong(path, "growth and for-each are of a count")
		case f.Growth != nil && len(f.Count.Later) > 0:
			m.wrong(path+".growth", "the count is told by year: its growth is in it")
		case f.Rented && (f.Age != nil || f.Price != nil || f.IdlePower != nil || f.Busiest != nil):
			m.wrong(path, "what is rented has a rent, and neither age, price, idle-power nor busiest")
		case !f.Rented && (f.Rent != nil || f.Utilisation != nil):
			m.wrong(path, "rent and utilisation are of what is rented")
		}
	}
	currency := ""
	money := func(in *Input, path string) {
		if in == nil {
			return
		}
		if currency == "" {
			currency = in.Per
		}
		if in.Per != currency {
			m.wrong(path, "money in %s and in %s: write all in one", currency, in.Per)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(s.Places)) {
		money(s.Places[name].Price, "places."+name+".electricity-price")
	}
	for _, f := range m.fleets {
		money(s.Devices[f.name].Price, "devices."+f.name+".price")
		money(s.Devices[f.name].Rent, "devices."+f.name+".rent")
	}
	m.currency = currency
}
