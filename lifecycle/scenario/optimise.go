package scenario

import (
	"cmp"
	"fmt"
	"maps"
	"math"
	"slices"
	"strings"

	"github.com/ecotracer/ecotracer/internal/inwords"
)

// Optimum is the best setting of a scenario's knobs.
type Optimum struct {
	Minimise string            `json:"minimise"`
	Settings []Setting         `json:"settings"`
	Changes  map[string]string `json:"changes"` // that make it, for With

	Value float64 `json:"value"` // of what is minimised, by best estimates
	Today float64 `json:"today"` // as the scenario stands

	// Answer compares the best with how the scenario stands: how sure it is that
	// it beats it.
	Answer *Answer `json:"answer"`

	Constraints []Kept   `json:"constraints,omitempty"`
	TodayBreaks []string `json:"today_breaks,omitempty"` // constraints that the scenario does not keep to as it stands

	Tried     int  `json:"tried"`     // settings that were computed
	Feasible  int  `json:"feasible"`  // of which so many keep to all constraints
	Exhausted bool `json:"exhausted"` // all settings were, so that none is better
}

// Setting is where a knob is.
type Setting struct {
	Knob  string `json:"knob"`
	Value string `json:"value"`
}

// Kept is how a constraint is kept to at the best.
type Kept struct {
	Name  string  `json:"name"`
	Value float64 `json:"value"`
	Bound float64 `json:"bound"`
	Unit  string  `json:"unit"`

	// Binds tells that without it a better setting would be found, by so much of
	// what is minimised.
	Binds bool    `json:"binds"`
	Gain  float64 `json:"gain"`
}

// Limits of the search.
const (
	maxKnobs  = 16
	maxValues = 1000   // of a knob
	maxGrid   = 10_000 // settings that are all tried
	maxTried  = 20_000
	coarse    = 20 // parts of a range without a step
	restarts  = 12
)

// Optimise finds the setting of the knobs for which the scenario comes to least
// of what it minimises, over all years, devices by use, by the best estimates,
// within its constraints. Devices that work is on must have time for it.
//
// Up to 10,000 settings are all tried: the optimum is exact. More are searched
// by coordinates: from the middle and from eleven settings by chance (seeded),
// each knob in turn and then each pair of neighbouring values is tried until
// nothing is better; it finds the optimum of what has no more than a few valleys,
// and says that it has not tried all. A range without a step is cut into 20 parts,
// and around the best of them halved seven times.
//
// An error tells that no setting keeps to the constraints, or is as that of Run.
func (s *Scenario) Optimise() (*Optimum, error) {
	m := compiled(s)
	if len(m.errs) > 0 {
		return nil, joined(m.errs)
	}
	p, err := s.problem(m)
	if err != nil {
		return nil, err
	}
	exhausted := p.size() <= maxGrid
	if exhausted {
		p.all()
	} else {
		p.search()
	}
	best := p.best(-1)
	if best == nil {
		return nil, &Error{Path: "constraints", Message: p.nothing()}
	}
	if p.refine() {
		best = p.best(-1)
	}
	o := &Optimum{Minimise: figureNames[p.figure], Changes: p.changes(best.at), Value: best.value, Tried: len(p.seen), Exhausted: exhausted}
	today, err := p.candidate(s)
	if err != nil {
		return nil, err
	}
	o.Today = today.value
	for i, k := range p.knobs {
		o.Settings = append(o.Settings, Setting{k.name, k.label(best.at[i])})
	}
	for i, c := range p.constraints {
		kept := Kept{Name: c.name, Value: best.held[i].value, Bound: best.held[i].bound, Unit: c.unit}
		if b := p.best(i); b.value < best.value*(1-1e-9) {
			kept.Binds, kept.Gain = true, best.value-b.value
		}
		o.Constraints = append(o.Constraints, kept)
		if today.held[i].by > 1e-9 {
			o.TodayBreaks = append(o.TodayBreaks, c.name)
		}
	}
	for _, c := range p.seen {
		if c != nil && c.keeps(-1) {
			o.Feasible++
		}
	}
	o.Answer, err = s.Ask(Question{Set: o.Changes, Of: o.Minimise})
	return o, err
}

// problem is what is to be optimised.
type problem struct {
	s           *Scenario
	figure      int
	knobs       []knob
	constraints []constraint
	seen        map[string]*candidate // by setting; nil of those that cannot be computed
	order       []string              // of seen
	failed      error                 // why the first of these cannot
	known       lookups
}

// candidate is one setting.
type candidate struct {
	at    []float64 // by knob: the place of its value, between two of a real one
	value float64
	held  []held // by constraint
}

type held struct {
	value, bound float64
	by           float64 // by which it is not kept to, in parts of the bound; 0 if it is
}

// keeps tells whether a candidate keeps to all constraints but one.
func (c *candidate) keeps(but int) bool {
	for i, h := range c.held {
		if i != but && h.by > 1e-9 {
			return false
		}
	}
	return true
}

// amiss is by how much it keeps to none.
func (c *candidate) amiss() (sum float64) {
	for _, h := range c.held {
		sum += h.by
	}
	return sum
}

// problem is what is to be optimised of a scenario, of which m is the model.
func (s *Scenario) problem(m *model) (*problem, error) {
	p := &problem{s: s, figure: figureIndex(cmp.Or(s.Minimise, "gco2e")), seen: map[string]*candidate{}}
	if p.figure == nFigures || p.figure == cost && m.currency == "" {
		return nil, &Error{Path: "minimise", Message: noFigure(s.Minimise)}
	}
	if len(s.Knobs) == 0 {
		return nil, &Error{Path: "knobs", Message: "there are none: write which values may be turned, such as knobs: {lifetime: {path: devices.gpu.lifetime, values: [3 years, 5 years]}}"}
	}
	if len(s.Knobs) > maxKnobs {
		return nil, &Error{Path: "knobs", Message: fmt.Sprintf("%d of them: at most %d", len(s.Knobs), maxKnobs)}
	}
	for _, name := range slices.Sorted(maps.Keys(s.Knobs)) {
		k, err := s.knob(name)
		if err != nil {
			return nil, &Error{Path: "knobs." + name, Message: err.Error()}
		}
		for _, other := range p.knobs {
			if path := k.shares(&other); path != "" {
				return nil, &Error{Path: "knobs." + name, Message: fmt.Sprintf("it turns %s, as the knob %s does: which of them would hold?", path, other.name)}
			}
		}
		p.knobs = append(p.knobs, k)
	}
	var err error
	p.constraints, err = s.constraints(m)
	return p, err
}

// changes are what a setting changes.
func (p *problem) changes(at []float64) map[string]string {
	all := map[string]string{}
	for i, k := range p.knobs {
		if whole := math.Trunc(at[i]); whole == at[i] {
			maps.Copy(all, k.changes[int(whole)])
		} else {
			all[k.path] = k.label(at[i])
		}
	}
	return all
}

// try computes a setting, once; nil if it cannot be.
func (p *problem) try(at []float64) *candidate {
	key := fmt.Sprint(at)
	if c, ok := p.seen[key]; ok {
		return c
	}
	if len(p.seen) >= 2*maxTried {
		return nil
	}
	var c *candidate
	changed, errs := p.s.with(p.changes(at), nil)
	err := joined(errs)
	if len(errs) == 0 {
		c, err = p.candidate(changed)
	}
	if err != nil {
		p.failed = cmp.Or(p.failed, err)
	} else {
		c.at = slices.Clone(at)
	}
	p.seen[key] = c
	p.order = append(p.order, key)
	return c
}

// candidate computes a scenario.
func (p *problem) candidate(s *Scenario) (*candidate, error) {
	m := compiledWith(s, &p.known)
	if len(m.errs) > 0 {
		return nil, joined(m.errs)
	}
	var o outcome
	x := m.best()
	m.evaluate(x, &o)
	sums := o.sums(false)
	c := &candidate{value: sums.of(p.figure, compared[0].phases)}
	for _, k := range p.constraints {
		h := held{bound: k.bound}
		switch figure := figureIndex(k.of); {
		case k.fleet:
			i := slices.IndexFunc(m.fleets, func(f fleet) bool { return f.name == k.of })
			if i < 0 || m.fleets[i].rented || m.fleets[i].asNeeded {
				break
			}
			for y, busy := range o.busy[i] {
				if share := busy / (o.count[i][y] * year); share > h.value {
					h.value, h.bound = share, m.at(x, m.fleets[i].busiest, y)
				}
			}
		case figure < nFigures:
			h.value = sums.of(figure, compared[0].phases)
		default:
			in, _ := s.fieldAt(k.of)
			if in == nil {
				return nil, &Error{Path: k.of, Message: "it is not given, and a constraint is of it"}
			}
			h.value = in.Value
			for _, q := range in.all() { // the worst year
				if k.least {
					h.value = min(h.value, q.Value)
				} else {
					h.value = max(h.value, q.Value)
				}
			}
		}
		if over := h.value - h.bound; k.least {
			h.by = max(0, -over)
		} else {
			h.by = max(0, over)
		}
		if h.bound > 0 {
			h.by /= h.bound
		}
		c.held = append(c.held, h)
	}
	return c, nil
}

// best is the best of what was tried that keeps to all constraints but one; the
// first of equals. Nil if there is none.
func (p *problem) best(but int) (best *candidate) {
	for _, key := range p.order {
		if c := p.seen[key]; c != nil && c.keeps(but) && (best == nil || c.value < best.value*(1-1e-12)) {
			best = c
		}
	}
	return best
}

// nothing says why no setting is good.
func (p *problem) nothing() string {
	var near *candidate
	for _, key := range p.order {
		if c := p.seen[key]; c != nil && (near == nil || c.amiss() < near.amiss()) {
			near = c
		}
	}
	if near == nil {
		return "no setting can be computed: " + p.failed.Error()
	}
	var list []string
	for i, h := range near.held {
		if h.by > 1e-9 {
			list = append(list, strings.TrimSpace(fmt.Sprintf("%s: %s, bound %s %s", p.constraints[i].name, inwords.Trimmed(h.value), inwords.Trimmed(h.bound), p.constraints[i].unit)))
		}
	}
	return fmt.Sprintf("no setting of %d keeps to all of them; the closest misses %s", len(p.seen), strings.Join(list, "; "))
}
