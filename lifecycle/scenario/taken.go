package scenario

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/ecotracer/ecotracer/factors"
	"github.com/ecotracer/ecotracer/internal/inwords"
	"github.com/ecotracer/ecotracer/lifecycle"
	"github.com/ecotracer/ecotracer/lifecycle/estimate"
)

// taken is where a figure is taken from that is not written down: a record, an
// estimate, or a service's factor.
type taken struct {
	From  string          `yaml:"from"` // a record
	Stage lifecycle.Stage `yaml:"stage"`
	Per   string          `yaml:"per"` // unit that its spans count; "" for all that the stage took

	// An estimate, as in lifecycle/estimate.
	Device     string `yaml:"device"`
	Count      int    `yaml:"count"`
	Hours      *Input `yaml:"hours" unit:"1"`
	Parameters *Input `yaml:"parameters" unit:"1"`
	Active     *Input `yaml:"active" unit:"1"`
	Tokens     *Input `yaml:"tokens" unit:"1"`
	MFU        *Input `yaml:"mfu" unit:"share"`

	Call string `yaml:"call"` // a class of factors of kind service: gemini-prompt
}

func (t *taken) input(f field, open func(string) (*lifecycle.Record, error)) (*Input, error) {
	switch {
	case t.From != "":
		if f.unit != "J" && f.unit != "s" {
			return nil, errors.New("from a record an energy or a time is taken: write this figure")
		}
		r, err := open(t.From)
		if err != nil {
			return nil, err
		}
		return t.ofRecord(r, f.unit)
	case t.Call != "":
		return t.ofCall(f)
	case t.Device != "":
		return t.ofEstimate(f)
	}
	return nil, fmt.Errorf("write %s, or years, or where it is taken from: {from: RECORD, stage: …}, {device: …, parameters: …, tokens: …}, {call: …}", dimensions[f.unit].what)
}

// ofRecord is the energy of a stage of a record, or the time that its devices
// were held, of one unit of work or of all.
func (t *taken) ofRecord(r *lifecycle.Record, unit string) (*Input, error) {
	if !t.Stage.Valid() {
		return nil, fmt.Errorf("of which stage? write stage: inference/serving, or another of the record's: %s", stagesOf(r))
	}
	if r.Run.Boundary == lifecycle.BoundaryFacility {
		return nil, errors.New("the energy of the record is that of the facility, and the PUE of the place would be counted twice: write the figure")
	}
	in := &Input{}
	found, elsewhere, method := false, false, lifecycle.Method("")
	for i := range r.Phases {
		p := &r.Phases[i]
		if p.Stage != t.Stage {
			continue
		}
		if unit == "s" {
			for _, u := range p.Usage {
				if u.UseS != nil && u.Count != nil {
					x := *u.UseS * float64(*u.Count)
					in.Value, in.Low, in.High, found = in.Value+x, in.Low+x, in.High+x, true
				}
			}
			continue
		}
		own, services := ownEnergy(p)
		for _, q := range own {
			in.Value, in.Low, in.High, found, method = in.Value+q.Value, in.Low+q.Low, in.High+q.High, true, q.Method
		}
		if elsewhere = elsewhere || services; elsewhere && len(own) == 0 {
			return nil, fmt.Errorf("%s of the record is energy of services elsewhere, which the PUE of the place is not for: write the figure", t.Stage)
		}
	}
	if !found {
		return nil, fmt.Errorf("the record tells no such figure of %s; it has %s", t.Stage, stagesOf(r))
	}
	n := 1.0
	if t.Per != "" {
		count := counted(r, t.Stage, t.Per)
		if count == 0 {
			return nil, fmt.Errorf("no span of %s in the record counts %s", t.Stage, t.Per)
		}
		n = float64(count)
		in.Per = inwords.One(t.Per)
	}
	in.Value, in.Low, in.High = in.Value/n, in.Low/n, in.High/n
	in.Source = "record " + t.From + ", " + string(t.Stage)
	if method != "" {
		in.Source += ", " + string(method)
	}
	if elsewhere {
		in.Source += ", without services elsewhere"
	}
	return in, in.check(unit)
}

// ownEnergy is the energy of a stage but for that of storage, networks and services
// of others, and whether it has such. Without it is the stage's own figure.
func ownEnergy(p *lifecycle.PhaseEntry) (own []*lifecycle.Quantity, services bool) {
	for i := range p.Usage {
		switch u := &p.Usage[i]; {
		case u.EnergyJ == nil:
		case u.Factor != "":
			services = true
		default:
			own = append(own, u.EnergyJ)
		}
	}
	if !services && p.EnergyJ != nil {
		return []*lifecycle.Quantity{p.EnergyJ}, false
	}
	return own, services
}

// counted is how many of a unit the spans of a stage did. What a span counts that
// is within one that counts the same is the same work.
func counted(r *lifecycle.Record, stage lifecycle.Stage, unit string) (count int64) {
	by := map[string]int64{} // by path
	for _, s := range r.Spans {
		for name, u := range s.Units {
			if s.Stage == stage && inwords.One(name) == inwords.One(unit) {
				by[s.Path] += u.Count
			}
		}
	}
	for path, n := range by {
		within := false
		for i := range path {
			if path[i] == '/' {
				_, outer := by[path[:i]]
				within = within || outer
			}
		}
		if !within {
			count += n
		}
	}
	return count
}

func stagesOf(r *lifecycle.Record) string {
	var names []string
	for _, p := range r.Phases {
		names = append(names, string(p.Stage))
	}
	return strings.Join(names, ", ")
}

// ofCall is the energy of one call of a service that others measured.
func (t *taken) ofCall(f field) (*Input, error) {
	if f.unit != "J" || !f.per {
		return nil, errors.New("a call has an energy: write this figure")
	}
	c, err := factors.Lookup(factors.Query{Kind: factors.Service, Class: t.Call})
	if err != nil {
		return nil, err
	}
	per := t.Per
	if per == "" {
		return nil, errors.New("one call is how many units of the service? write per: request, if it is one")
	}
	return &Input{Interval: lifecycle.Interval{Value: c.Value * 3600, Low: c.Low * 3600, High: c.High * 3600}, Per: per, Source: c.ID + ": " + c.Source}, nil
}

// ofEstimate is the energy of a training or of an inference by lifecycle/estimate.
func (t *taken) ofEstimate(f field) (*Input, error) {
	if f.unit != "J" {
		return nil, errors.New("an estimate is of an energy: write this figure")
	}
	plan := estimate.Plan{
		ID: "01890a5d-ac96-774b-bcce-b302099a8057", CreatedAt: time.Unix(0, 0).UTC(), // the record is not kept
		Generator: lifecycle.Generator{Name: "ecotracer", Version: "0", OS: "none", Arch: "none"}, Accelerator: t.Device, Count: t.Count,
	}
	for _, g := range []struct {
		in *Input
		to **estimate.Given
	}{{t.Hours, &plan.Hours}, {t.MFU, &plan.MFU}} {
		if g.in != nil {
			*g.to = &estimate.Given{Value: g.in.Value, Low: g.in.Low, High: g.in.High}
		}
	}
	for _, g := range []struct {
		in *Input
		to *float64
	}{{t.Parameters, &plan.Parameters}, {t.Active, &plan.Active}, {t.Tokens, &plan.Tokens}} {
		if g.in != nil {
			*g.to = g.in.Value
		}
	}
	e, err := estimate.Of(plan)
	if err != nil {
		return nil, err
	}
	q := e.Record.Totals.EnergyJ
	return &Input{Interval: lifecycle.Interval{Value: q.Value, Low: q.Low, High: q.High}, Source: "lifecycle/estimate of " + t.Device}, nil
}
