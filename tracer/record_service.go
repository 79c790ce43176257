package tracer

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/ecotracer/ecotracer/factors"
	"github.com/ecotracer/ecotracer/lifecycle"
)

// elsewhereID is the place of what a run uses that is no part of its own.
const elsewhereID = "elsewhere"

// ownNetworks are those that do not lead out of the run's place.
var ownNetworks = []string{"cloud", "local"}

// Exact.
const (
	joulesPerWh  = 3600
	joulesPerKWh = 3.6e6
)

// bookedService is a service as the record has it.
type bookedService struct {
	service
	id     string  // of its device and ledger line
	factor string  // id; "" if nobody knows it
	place  string  // id
	joules float64 // of one unit of amount: a byte-second, byte or call; 0 if it is told in grams
	grams  bool
}

// services draws up what spans stored, moved and called for: a device entry and
// a line of the ledger each. How much energy it took a factor tells (R37 of the
// record).
func (b *recordBuilder) services() {
	totals := make([]serviceUse, len(b.snap.services))
	for k := range b.snap.accounts {
		for _, u := range b.snap.accounts[k].uses {
			totals[u.service].add(u)
		}
	}
	for n := range b.snap.services {
		s := &bookedService{service: b.snap.services[n]}
		b.booked = append(b.booked, s)
		f, known := b.serviceFactor(s.service)
		if !known || totals[n].amount == 0 {
			continue
		}
		b.addService(s, f)
		if !s.grams {
			j := totals[n].amount * s.joules
			b.rec.Ledger = append(b.rec.Ledger, lifecycle.LedgerLine{
				Domain: s.id, Hardware: s.id, Meter: b.serviceMethod(), Method: lifecycle.Modelled, Split: "declared",
				TotalJ: j, SpansJ: j, IdleFound: "unknown", Samples: totals[n].times,
			})
		}
	}
}

// serviceFactor is the factor of a service: the operator's own, else that of
// the data set, in energy rather than in grams.
func (b *recordBuilder) serviceFactor(s service) (f factors.Factor, known bool) {
	at := &b.rec.Environments[0]
	q := factors.Query{Kind: s.kind, Class: s.class, Country: at.Country, Region: at.Subdivision, Own: b.run.cfg.site.Factors}
	units := []string{""}
	if s.kind == factors.Service {
		units = append(units, "gCO2e")
	}
	for _, q.Unit = range units {
		g, err := factors.Lookup(q)
		switch {
		case err != nil:
		case g.Found == factors.Declared || g.Found == factors.Live:
			return g, true
		case !known:
			f, known = g, true
		}
	}
	return f, known
}

func (b *recordBuilder) addService(s *bookedService, f factors.Factor) {
	s.factor = b.book().Add(f)
	h := lifecycle.Hardware{Model: s.class, Count: 1}
	behind := ""
	s.place = elsewhereID
	switch s.kind {
	case factors.Storage:
		h.Kind, behind = lifecycle.KindStorage, "drives"
		s.place = siteID
		s.joules = f.Value / 1e12
	case factors.Transfer:
		h.Kind, behind = lifecycle.KindNetwork, "switches and lines"
		if slices.Contains(ownNetworks, s.class) {
			s.place = siteID
		}
		s.joules = f.Value * joulesPerKWh / 1e9
	default:
		h.Kind, behind = "service", "machines"
		if s.grams = strings.HasPrefix(f.Unit, "gCO2e"); !s.grams {
			s.joules = f.Value * joulesPerWh
		}
	}
	if h.Environment = s.place; s.place == elsewhereID {
		b.elsewhere()
	}
	i := len(b.rec.Hardware)
	s.id = string(h.Kind)
	if h.Model != "" {
		s.id += "." + h.Model
	} else {
		b.missing(fmt.Sprintf("/hardware/%d/model", i), "", "unknown")
	}
	for base, n := s.id, 2; slices.ContainsFunc(b.rec.Hardware, func(h lifecycle.Hardware) bool { return h.ID == s.id }); n++ {
		s.id = base + "-" + strconv.Itoa(n)
	}
	h.ID = s.id
	b.rec.Hardware = append(b.rec.Hardware, h)
	// They serve others too, and are not held by the run.
	b.missing(fmt.Sprintf("/hardware/%d/embodied", i), "", "not-applicable")
	b.missing("/hardware", "production of the "+behind+" behind "+s.id, "unknown")
}

// serviceMethod is the method of what follows from a factor.
func (b *recordBuilder) serviceMethod() string {
	const sensor = "factor"
	if id := b.methods[sensor]; id != "" {
		return id
	}
	id := "services"
	for n := 2; b.hasMethod(id); n++ {
		id = "services-" + strconv.Itoa(n)
	}
	b.methods[sensor] = id
	b.rec.Methods = append(b.rec.Methods, lifecycle.MethodEntry{ID: id, Method: lifecycle.Modelled, Sensor: sensor})
	return id
}

// coolingWithin is the PUE of a figure that has its cooling in it.
var coolingWithin = factors.Factor{
	ID: "pue.within", Kind: factors.PUE, Value: 1, Low: 1, High: 1, Unit: "1", Found: factors.Exact,
	Source: "what networks and services take is told with their cooling", SourceYear: 2026, Quality: "B",
}

// elsewhere is the place of what runs nobody knows where: with the range of the
// whole world, and none of the factors of the run's own place.
func (b *recordBuilder) elsewhere() {
	if slices.ContainsFunc(b.rec.Environments, func(e lifecycle.Environment) bool { return e.ID == elsewhereID }) {
		return
	}
	ask := func(kind factors.Kind) string {
		f, err := factors.Lookup(factors.Query{Kind: kind})
		if err != nil {
			return ""
		}
		return b.book().Add(f)
	}
	b.rec.Environments = append(b.rec.Environments, lifecycle.Environment{
		ID: elsewhereID, PlaceFound: "unknown",
		Factors: lifecycle.EnvironmentFactors{Grid: ask(factors.Grid), PUE: b.book().Add(coolingWithin), WUE: ask(factors.WUE), EWIF: ask(factors.EWIF)},
	})
}

// usedJ is the energy of what an account's spans used of services, J.
func (b *recordBuilder) usedJ(a *accountSnapshot) (joules float64) {
	for _, u := range a.uses {
		joules += u.amount * b.booked[u.service].joules
	}
	return joules
}

// serviceRows are the rows of what a stage's spans used of services. Of what
// nobody knows it says so in the entry that comes next.
func (b *recordBuilder) serviceRows(st *stageSum) (rows []lifecycle.Usage) {
	at := fmt.Sprintf("/phases/%d/usage", len(b.rec.Phases))
	for n, u := range st.uses {
		s := b.booked[n]
		switch {
		case u.amount == 0:
			continue
		case s.factor == "":
			what := strings.TrimSpace(string(s.kind) + " " + s.class)
			b.missing(at, what, "unknown")
			b.warn("service-unknown", at, what+" is in no figure: give tracer.At a factor of that kind whose id is "+strconv.Quote(string(s.kind)+"."+s.class), u.times)
			continue
		}
		row := lifecycle.Usage{Hardware: s.id, Count: ptr(1), UseS: ptr(st.wall / 1e9), Meter: b.serviceMethod(), Factor: s.factor}
		switch s.kind {
		case factors.Storage:
			// Of several kept for different times, what comes to as much.
			row.Stored = &lifecycle.Stored{Bytes: u.amount / (u.seconds * u.replicas), Seconds: u.seconds, Replicas: u.replicas}
		case factors.Transfer:
			row.Transferred = &lifecycle.Transferred{Bytes: u.amount}
		default:
			row.Calls = &lifecycle.Calls{Unit: "calls", Count: int64(u.amount)}
		}
		rows = append(rows, row)
	}
	return rows
}
