package scenario

import (
	"cmp"
	"maps"
	"slices"
	"strings"

	"github.com/ecotracer/ecotracer/factors"
	"github.com/ecotracer/ecotracer/internal/inwords"
	"github.com/ecotracer/ecotracer/lifecycle"
)

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
