package dataset

import (
	"bytes"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/ecotracer/ecotracer/factors"
	"github.com/ecotracer/ecotracer/internal/inventory"
	"github.com/ecotracer/ecotracer/lifecycle"
)

// Reassessment is how a record is assessed anew. The zero value changes no
// figure: what is to be done is asked for one by one.
type Reassessment struct {
	// Environment is the place that is meant, by its id in the record; "" for all
	// but those of services, networks and storage of others alone: of what ran
	// elsewhere nobody knows where, and it goes nowhere with the run.
	Environment string

	// Refresh looks the factors of places up anew, in the data set of this
	// version. Those that the operator declared, or that were asked of the grid
	// during the run, stay.
	Refresh bool
	// Own are figures of the caller's: those of a place are taken as
	// factors.Lookup does; those of devices (production, end-of-life, transport,
	// lifetime, utilisation) replace the figure of the record that has their id.
	Own []factors.Factor
	// Place is where the run is taken to have been, nil for where it was. PUE and
	// WUE that were declared are the site's and stay, unless Own has others.
	Place *Location
	// Supply are the market instruments, nil for those that there are. Those of
	// one place are of no other: with Place they must be given anew, if only as
	// an empty list.
	Supply []Supply

	CreatedAt time.Time // of the new document; zero: now, or just after the old one if that is of a clock ahead
}

// Location is a place with one supply of electricity.
type Location struct {
	Country     string // ISO 3166-1 alpha-2, or XK; "" if a cloud's region tells it
	Subdivision string // ISO 3166-2, or ""
	GridZone    string
	Provider    string // of a cloud, with its Region
	Region      string
}

// Supply is a market instrument that covers a share of a place's energy.
type Supply struct {
	Kind   string  // PPA, GoO, REC, supplier
	Share  float64 // above 0, at most 1
	Factor factors.Factor
}

// Change is a figure, or a factor, that a re-assessment changed; before or after
// it there may be none.
type Change struct {
	Pointer string `json:"pointer"` // JSON Pointer into the new record: /totals/gco2e, /environments/0/factors/grid

	Before *lifecycle.Quantity `json:"before,omitempty"`
	After  *lifecycle.Quantity `json:"after,omitempty"`

	FactorBefore *factors.Factor `json:"factor_before,omitempty"`
	FactorAfter  *factors.Factor `json:"factor_after,omitempty"`
}

// Reassess makes the grams and litres of a record anew with other factors: a new
// document of the same run. Joules and device-seconds are facts and stay, and so
// do the factors that joules were computed by (storage, transfer, service). It
// returns what changed: the factors, then the totals and those by phase.
//
// The new document has the digest of the old one, and what that superseded, in
// supersedes; the time of its making and the version of the factors are new, and
// it is not sealed. What it lists as missing and warns of is true of it. Hourly
// values of a grid stay with the place and its factor; where that is replaced,
// the new one counts for every hour, if it has no hourly values for all of them.
//
// The record must be valid and is not changed, and nothing of it but its texts is
// kept; the result is valid. An
// error says what cannot be done, and where.
func Reassess(r *lifecycle.Record, how Reassessment) (*lifecycle.Record, []Change, error) {
	for _, f := range lifecycle.Validate(r) {
		if !f.Warning {
			return nil, nil, fmt.Errorf("dataset: reassess: a record that is not valid is not assessed anew: %s", f)
		}
	}
	digest, err := r.SHA256()
	if err != nil {
		return nil, nil, fmt.Errorf("dataset: reassess: %w", err)
	}
	fresh, err := rewritten(r)
	if err != nil {
		return nil, nil, err
	}
	x := &reassessing{Reassessment: how, before: r, record: fresh, dropped: map[int][]string{}}
	if err := x.places(); err != nil {
		return nil, nil, fmt.Errorf("dataset: reassess: %w", err)
	}
	x.devices()
	x.prune()

	fresh.Integrity = nil
	fresh.Supersedes = append([]string{digest}, slices.DeleteFunc(slices.Clone(r.Supersedes), func(s string) bool { return s == digest })...)
	fresh.CreatedAt = how.CreatedAt.UTC()
	if how.CreatedAt.IsZero() {
		if fresh.CreatedAt = time.Now().UTC().Round(0); !fresh.CreatedAt.After(r.CreatedAt) {
			fresh.CreatedAt = r.CreatedAt.Add(time.Millisecond)
		}
	}
	fresh.Generator.FactorsVersion = factors.Version
	if err := lifecycle.Assess(fresh); err != nil {
		return nil, nil, fmt.Errorf("dataset: reassess: %w", err)
	}
	for _, f := range settleNotes(fresh) {
		if !f.Warning {
			return nil, nil, fmt.Errorf("dataset: reassess: the record would not be valid: %s", f)
		}
	}
	x.figures()
	return fresh, x.changes, nil
}

// rewritten is a copy of a record: as it is read after it was written.
func rewritten(r *lifecycle.Record) (*lifecycle.Record, error) {
	var text bytes.Buffer
	if err := lifecycle.EncodeLine(&text, r); err != nil {
		return nil, fmt.Errorf("dataset: reassess: %w", err)
	}
	fresh, err := lifecycle.Decode(&text)
	if err != nil {
		return nil, fmt.Errorf("dataset: reassess: %w", err)
	}
	return fresh, nil
}

// reassessing is a re-assessment at work.
type reassessing struct {
	Reassessment
	before, record *lifecycle.Record
	changes        []Change
	dropped        map[int][]string // by environment: warnings of it that are not so any more
}

// factor is one of a record by its id, nil for none.
func factor(r *lifecycle.Record, id string) *factors.Factor {
	i := slices.IndexFunc(r.Factors, func(f factors.Factor) bool { return f.ID == id })
	if i < 0 {
		return nil
	}
	return &r.Factors[i]
}

// mostOfID is how long the id of a factor may be, so that it can be numbered.
const mostOfID = 1024

// slot is a factor of a place.
type slot struct {
	kind    factors.Kind
	id      *string
	byPlace bool // and of no site there
}

func slotsOf(f *lifecycle.EnvironmentFactors) []slot {
	return []slot{
		{factors.Grid, &f.Grid, true}, {factors.PUE, &f.PUE, false}, {factors.WUE, &f.WUE, false}, {factors.EWIF, &f.EWIF, true},
		{factors.Residual, &f.Residual, true}, {factors.Marginal, &f.Marginal, true}, {factors.Loss, &f.Loss, true},
	}
}

// places gives the places of the record their factors.
func (x *reassessing) places() error {
	found := false
	for i := range x.record.Environments {
		e := &x.record.Environments[i]
		if x.Environment != "" && x.Environment != e.ID {
			continue
		}
		found = true
		how := x.Reassessment
		if x.Environment == "" && x.ofOthers(e.ID) {
			x.Place, x.Own, x.Supply = nil, nil, nil
		}
		err := x.place(i, e)
		x.Reassessment = how
		if err != nil {
			return fmt.Errorf("/environments/%d: %w", i, err)
		}
	}
	if !found {
		return fmt.Errorf("there is no environment %q: name one of /environments, or none for all", x.Environment)
	}
	return nil
}

// ofOthers tells whether a place is one of services alone, whose energy is told by
// factors, while others are not.
func (x *reassessing) ofOthers(id string) bool {
	at := map[string]string{}
	for i := range x.record.Hardware {
		at[x.record.Hardware[i].ID] = x.record.Hardware[i].Environment
	}
	services, own := false, false
	for i := range x.record.Phases {
		for k := range x.record.Phases[i].Usage {
			u := &x.record.Phases[i].Usage[k]
			switch here := at[u.Hardware] == id; {
			case here && u.Factor == "":
				return false
			case here:
				services = true
			default:
				own = true
			}
		}
	}
	return services && own
}

func (x *reassessing) place(i int, e *lifecycle.Environment) error {
	moved := x.Place != nil
	if moved {
		if len(e.Instruments) > 0 && x.Supply == nil {
			return errors.New("its market instruments are of its place: say which there are at the new one, if only none")
		}
		x.move(e)
	}
	var more []factors.Kind
	for _, s := range slotsOf(&e.Factors)[4:] {
		if *s.id != "" || s.kind == factors.Residual && len(x.Supply) > 0 {
			more = append(more, s.kind)
		}
	}
	var found lifecycle.Record // what would be found there
	asked := *e
	asked.Factors = lifecycle.EnvironmentFactors{}
	if err := (&inventory.Book{Record: &found, Own: x.Own}).Place(asked, "", more...); err != nil && moved {
		return err
	}
	there := &found.Environments[0]
	e.Country, e.Subdivision, e.PlaceFound = there.Country, there.Subdivision, there.PlaceFound
	if !moved {
		old := &x.before.Environments[i]
		e.Country, e.Subdivision, e.PlaceFound = old.Country, old.Subdivision, old.PlaceFound
	}
	services := x.ofOthers(e.ID)
	news := slotsOf(&there.Factors)
	for k, s := range slotsOf(&e.Factors) {
		before, after := factor(x.before, *s.id), factor(&found, *news[k].id)
		if !x.replaces(&s, before, after) || services && s.kind == factors.PUE && !given(after) { // whose figures have their cooling in them
			continue
		}
		*s.id = ""
		if after != nil {
			if len(after.ID) > mostOfID { // named after a zone that is
				after.ID = string(s.kind) + ".place"
			}
			*s.id = (&inventory.Book{Record: x.record}).Add(*after)
			after = factor(x.record, *s.id)
		}
		if sameFactor(before, after) {
			continue
		}
		x.changes = append(x.changes, Change{Pointer: pointer("environments", i, "factors") + "/" + string(s.kind), FactorBefore: detached(before), FactorAfter: copied(after)})
		if s.kind == factors.Grid {
			x.dropped[i] = append(x.dropped[i], "grid-live-failed", "grid-live-late")
		}
	}
	if e.Country != "" {
		x.dropped[i] = append(x.dropped[i], "place-unknown")
	}
	if x.Supply != nil {
		e.Instruments = nil
		for _, s := range x.Supply {
			if err := s.Factor.Check(); err != nil {
				return err
			}
			e.Instruments = append(e.Instruments, lifecycle.Instrument{Kind: s.Kind, Share: s.Share, Factor: (&inventory.Book{Record: x.record}).Add(s.Factor)})
		}
		x.dropped[i] = append(x.dropped[i], "instrument-unused")
	}
	if e.Factors.Residual != "" || len(e.Instruments) == 0 {
		x.dropped[i] = append(x.dropped[i], "residual-unknown")
	}
	return nil
}

// move puts an environment somewhere else.
func (x *reassessing) move(e *lifecycle.Environment) {
	p := x.Place
	if p.Provider != e.Provider {
		e.InstanceType = ""
	}
	e.Country, e.Subdivision, e.GridZone, e.Provider, e.Region = p.Country, p.Subdivision, p.GridZone, p.Provider, p.Region
}

// replaces tells whether what was found for a place takes the place of what is
// there.
func (x *reassessing) replaces(s *slot, before, after *factors.Factor) bool {
	switch {
	case s.kind == factors.PUE && x.record.Run.Boundary == lifecycle.BoundaryFacility:
		return false // its energy is the facility's, and PUE is 1 (R35)
	case given(after): // of Own
		return true
	case x.Place != nil && s.byPlace:
		return true
	}
	return (x.Place != nil || x.Refresh) && !given(before) && after != nil
}

// given tells whether a factor is one that somebody gave.
func given(f *factors.Factor) bool {
	return f != nil && (f.Found == factors.Declared || f.Found == factors.Live)
}

// devices gives devices the figures of Own that have the id of theirs.
func (x *reassessing) devices() {
	for i := range x.record.Factors {
		f := &x.record.Factors[i]
		if !slices.Contains([]factors.Kind{factors.Production, factors.EndOfLife, factors.Transport, factors.Lifetime, factors.Utilisation}, f.Kind) {
			continue
		}
		for _, own := range x.Own {
			if own.ID != f.ID || own.Kind != f.Kind || own.Unit != f.Unit {
				continue
			}
			before := copied(f)
			*f = own
			f.Found = factors.Declared
			if !sameFactor(before, f) {
				x.changes = append(x.changes, Change{Pointer: "/factors/" + f.ID, FactorBefore: before, FactorAfter: copied(f)})
			}
			break
		}
	}
}

// copied is a copy that outlives its record.
func copied[T any](p *T) *T {
	if p == nil {
		return nil
	}
	c := *p
	return &c
}

// detached is a copy that shares nothing with its record.
func detached(f *factors.Factor) *factors.Factor {
	f = copied(f)
	if f != nil && f.Series != nil {
		f.Series = copied(f.Series)
		f.Series.Value = slices.Clone(f.Series.Value)
	}
	return f
}

func sameFactor(a, b *factors.Factor) bool {
	if a == nil || b == nil {
		return a == b
	}
	c, d := *a, *b
	series := c.Series == d.Series || c.Series != nil && d.Series != nil && c.Series.Start == d.Series.Start && c.Series.StepS == d.Series.StepS && slices.Equal(c.Series.Value, d.Series.Value)
	c.Series, d.Series = nil, nil
	return series && c == d
}

// prune drops factors that are not used any more, and what is said of them or is
// no longer so.
func (x *reassessing) prune() {
	r := x.record
	used := map[string]bool{}
	for i := range r.Environments {
		e := &r.Environments[i]
		for _, s := range slotsOf(&e.Factors) {
			used[*s.id] = true
		}
		for _, in := range e.Instruments {
			used[in.Factor] = true
		}
	}
	for _, h := range r.Hardware {
		if h.Embodied == nil {
			continue
		}
		used[h.Embodied.Lifetime], used[h.Embodied.Utilisation] = true, true
		for _, i := range []*lifecycle.Impacts{&h.Embodied.Production, &h.Embodied.EndOfLife, h.Embodied.Transport} {
			if i != nil {
				used[i.GCO2e], used[i.ADPeKgSbeq], used[i.PrimaryEnergyJ], used[i.WasteKg] = true, true, true, true
			}
		}
	}
	for _, p := range r.Phases {
		for _, u := range p.Usage {
			used[u.Factor] = true
		}
	}
	at := map[int]int{} // where the factors are now
	var kept []factors.Factor
	for i, f := range r.Factors {
		if used[f.ID] {
			at[i] = len(kept)
			kept = append(kept, f)
		}
	}
	r.Factors = kept
	for i := range x.changes {
		if id, of := strings.CutPrefix(x.changes[i].Pointer, "/factors/"); of {
			x.changes[i].Pointer = pointer("factors", slices.IndexFunc(kept, func(f factors.Factor) bool { return f.ID == id }))
		}
	}
	move := func(path string) (string, bool) {
		rest, of := strings.CutPrefix(path, "/factors/")
		if !of {
			return path, true
		}
		index, member, deeper := strings.Cut(rest, "/")
		i, err := strconv.Atoi(index)
		k, there := at[i]
		if err != nil || !there {
			return "", false
		}
		path = pointer("factors", k)
		if deeper {
			path += "/" + member
		}
		return path, true
	}
	r.Missing = slices.DeleteFunc(r.Missing, func(m lifecycle.Missing) bool { _, ok := move(m.Path); return !ok })
	for i := range r.Missing {
		r.Missing[i].Path, _ = move(r.Missing[i].Path)
	}
	r.Warnings = slices.DeleteFunc(r.Warnings, func(w lifecycle.Warning) bool {
		for i, codes := range x.dropped {
			if slices.Contains(codes, w.Code) && (w.Path == pointer("environments", i) || strings.HasPrefix(w.Path, pointer("environments", i)+"/")) {
				return true
			}
		}
		_, ok := move(w.Path)
		return !ok
	})
	for i := range r.Warnings {
		r.Warnings[i].Path, _ = move(r.Warnings[i].Path)
	}
}

// figures tells which figures changed.
func (x *reassessing) figures() {
	tell := func(at string, before, after *lifecycle.Quantity) {
		if before == nil && after == nil || before != nil && after != nil && *before == *after {
			return
		}
		x.changes = append(x.changes, Change{Pointer: at, Before: copied(before), After: copied(after)})
	}
	before, after := totalsOf(&x.before.Totals), totalsOf(&x.record.Totals)
	for i := range before {
		tell("/totals/"+before[i].name, before[i].Quantity, after[i].Quantity)
	}
	for _, phase := range slices.Sorted(maps.Keys(x.record.Totals.ByPhase)) {
		a, b := x.before.Totals.ByPhase[phase], x.record.Totals.ByPhase[phase]
		at := "/totals/by_phase/" + string(phase) + "/"
		tell(at+"facility_energy_j", a.FacilityEnergyJ, b.FacilityEnergyJ)
		tell(at+"gco2e", a.GCO2e, b.GCO2e)
		tell(at+"water_l", a.WaterL, b.WaterL)
	}
}

// total is a figure of a record's totals.
type total struct {
	name string
	*lifecycle.Quantity
}

func totalsOf(t *lifecycle.Totals) []total {
	return []total{
		{"energy_j", &t.EnergyJ}, {"facility_energy_j", &t.FacilityEnergyJ}, {"operational_gco2e", &t.OperationalGCO2e},
		{"embodied_gco2e", t.EmbodiedGCO2e}, {"gco2e", t.GCO2e}, {"water_l", t.WaterL},
		{"embodied_adpe_kgsbeq", t.EmbodiedADPeKgSbeq}, {"embodied_primary_energy_j", t.EmbodiedPrimaryEnergyJ}, {"embodied_waste_kg", t.EmbodiedWasteKg},
		{"market_gco2e", t.MarketGCO2e}, {"marginal_gco2e", t.MarginalGCO2e}, {"loss_gco2e", t.LossGCO2e},
	}
}
