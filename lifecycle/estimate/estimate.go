package estimate

import (
	"cmp"
	"errors"
	"fmt"
	"math"
	"path"

	"github.com/ecotracer/ecotracer/factors"
	"github.com/ecotracer/ecotracer/internal/inventory"
	"github.com/ecotracer/ecotracer/lifecycle"
)

// The ids of the record's entries.
const (
	siteID        = "site"
	meterID       = "estimate"
	nodeID        = "node"
	cpuID         = "cpu"
	memoryID      = "memory"
	acceleratorID = "accelerator"
)

const (
	joulesPerKWh = 3.6e6
	year         = 365.25 * 24 * 3600
)

// Estimate is the record of a plan and what it rests on.
type Estimate struct {
	Record *lifecycle.Record

	// Inputs are what the energy was computed from, given, looked up or assumed;
	// the record has them under Extension. What follows from energy and time has
	// its sources in the record's factors.
	Inputs []Input

	// Widths are what makes the interval of the emissions wide, the most first.
	Widths []Width
}

// Of estimates a plan. The record passes [lifecycle.Validate]. An error of type
// *FieldError tells which part of the plan cannot be used, and what to write.
func Of(p Plan) (*Estimate, error) {
	d, err := drafted(p)
	if err != nil {
		return nil, err
	}
	return &Estimate{Record: d.rec, Inputs: d.told(), Widths: d.widths()}, nil
}

// drafted is the draft of a plan with all of its record.
func drafted(p Plan) (*draft, error) {
	if err := p.check(); err != nil {
		return nil, err
	}
	d := &draft{plan: p, rec: &lifecycle.Record{}}
	d.book = inventory.Book{Record: d.rec, Own: p.Own}
	for _, step := range []func() error{d.known, d.identity, d.place, d.machines, d.time, d.energy, d.devices, d.account, d.assess} {
		if err := step(); err != nil {
			return nil, err
		}
	}
	return d, nil
}

// draft is an estimate in the making.
type draft struct {
	plan Plan
	rec  *lifecycle.Record
	book inventory.Book

	accelerator factors.Accelerator // "" if it is not named
	instance    factors.Instance
	cpu         factors.CPU
	hasCPU      bool // it is named, or there in an instance
	parts       []*part
	inputs      inputs

	cpuUsage    watts
	seconds     func(x []float64) float64
	energyKWh   func(x []float64) float64 // nil unless it is given
	flops       float64
	timeUnknown bool
}

// part is one entry of the hardware.
type part struct {
	hw    lifecycle.Hardware
	share float64 // of each device, that is the run's
	by    string  // how the share is known
	watts watts   // of all of them; nil is not known
	idleW float64 // of all of them
	made  factors.Device
}

// known looks up what is named.
func (d *draft) known() (err error) {
	p := &d.plan
	p.Source = cmp.Or(p.Source, "given by the caller")
	if p.Instance != "" {
		if p.Accelerator != "" || p.CPUs > 0 {
			return wrong("instance", "it tells its own accelerators and how many processors: leave these out")
		}
		if d.instance, err = factors.LookupInstance(p.Provider, p.Instance); err != nil {
			return &FieldError{"instance", err}
		}
		p.CPU = cmp.Or(p.CPU, d.instance.CPU)
		p.Accelerator = cmp.Or(p.Accelerator, d.instance.Accelerator)
		if p.MemoryGB == 0 {
			p.MemoryGB = float64(d.instance.MemoryBytes) / 1e9 * float64(max(p.Count, 1))
		}
	}
	if p.Accelerator != "" {
		if d.accelerator, err = factors.LookupAccelerator(p.Accelerator, 0); err != nil {
			return &FieldError{"device", err}
		}
		if d.accelerator.Found == factors.FromWorld && !p.givesPower() {
			return wrong("device", "%q is none that is known: write its model as the driver or the vendor prints it, or give the power", p.Accelerator)
		}
	}
	class := ""
	if p.Instance != "" {
		class = "server" // of clouds that do not tell which
	}
	if d.hasCPU = p.CPU != "" || p.Instance != ""; d.hasCPU {
		if d.cpu, err = factors.LookupCPU(p.CPU, class, 0); err != nil {
			return &FieldError{"cpu", err}
		}
	}
	p.Count = max(p.Count, 1)
	if p.Share == 0 {
		p.Share = 1
	}
	if p.DeviceProductionKg != nil && p.Accelerator == "" {
		return wrong("device-production-kg", "it is that of an accelerator: name one, or give the production of the machine")
	}
	return nil
}

// identity says what the record is of.
func (d *draft) identity() error {
	p, r := &d.plan, d.rec
	r.Schema, r.SchemaRevision = lifecycle.Schema, lifecycle.SchemaRevision
	r.CreatedAt = p.CreatedAt.UTC()
	if p.Stage == "" {
		p.Stage = lifecycle.Training
		if p.Requests > 0 {
			p.Stage = lifecycle.Serving
		}
	}
	r.Run = lifecycle.RunInfo{ID: p.ID, Name: p.Name, Status: lifecycle.Estimated, Scope: lifecycle.ScopeMachine}
	r.Generator = p.Generator
	r.Generator.FactorsVersion = factors.Version
	r.Publisher.Confidentiality = "internal"
	r.Extensions = map[string]any{}
	d.technology()
	return nil
}

// place names the environment and its factors.
func (d *draft) place() error {
	p := &d.plan
	e := lifecycle.Environment{
		ID: siteID, Country: p.Country, Subdivision: p.Subdivision, GridZone: p.Zone,
		Infrastructure: p.Infrastructure, Provider: p.Provider, Region: p.Region, InstanceType: p.Instance,
	}
	for _, g := range []struct {
		given *Given
		to    *string
		kind  factors.Kind
		unit  string
	}{
		{p.Intensity, &e.Factors.Grid, factors.Grid, "gCO2e/kWh"},
		{p.PUE, &e.Factors.PUE, factors.PUE, "1"},
		{p.WUE, &e.Factors.WUE, factors.WUE, "L/kWh"},
		{p.EWIF, &e.Factors.EWIF, factors.EWIF, "L/kWh"},
	} {
		if g.given != nil {
			*g.to = d.book.Add(d.given(*g.given, 1, g.kind, g.unit, string(g.kind)+".given"))
		}
	}
	err := d.book.Place(e, "give the country, or the grid's intensity")
	switch {
	case err == nil:
		return nil
	case errors.Is(err, factors.ErrUnknownCountry):
		return &FieldError{"country", err}
	}
	return &FieldError{"region", err}
}

// given is a figure of the caller's, times size, as a factor.
func (d *draft) given(g Given, size float64, kind factors.Kind, unit, id string) factors.Factor {
	low, high := g.bounds()
	f := factors.Factor{
		ID: id, Kind: kind, Value: g.Value * size, Low: low * size, High: high * size, Unit: unit,
		Found: factors.Declared, Source: d.plan.Source, SourceYear: d.rec.CreatedAt.Year(), Quality: "C",
	}
	if kind == factors.Grid {
		f.Signal, f.Accounting, f.Basis, f.Mix = "average", "location", "lifecycle", "production"
		f.Source += "; taken for the life-cycle intensity of the production mix"
	}
	if unit == "gCO2e" || unit == "gCO2e/kWh" {
		f.GWP = "unstated"
	}
	return f
}

// account books the energy: the rows of the one stage, its span and its ledger.
func (d *draft) account() error {
	p, r := &d.plan, d.rec
	x := d.inputs.values()
	seconds := d.seconds(x)
	r.Run.DurationS = seconds
	method := lifecycle.MethodEntry{ID: meterID, Method: lifecycle.Modelled, Sensor: "model", Mode: "power", RelError: d.inputs.relError(d.joules, "")}
	if p.EnergyKWh != nil {
		method.Method, method.Sensor, method.Mode = lifecycle.Declared, "declared", "energy"
	}
	r.Methods = []lifecycle.MethodEntry{method}

	entry := lifecycle.PhaseEntry{Phase: p.Stage.Phase(), Stage: p.Stage, DurationS: &seconds}
	span := lifecycle.Span{
		Path: pathOf(p.Stage), Stage: p.Stage, Count: 1, SelfS: seconds, TotalS: seconds,
		MinS: &seconds, P50S: &seconds, P95S: &seconds, P99S: &seconds, MaxS: &seconds,
		Units: d.units(),
	}
	joules := d.split(x)
	for i, part := range d.parts {
		if err := d.rated(part, joules[i], seconds); err != nil {
			return err
		}
		r.Hardware = append(r.Hardware, part.hw)
		count, share := part.hw.Count, part.share
		entry.Usage = append(entry.Usage, lifecycle.Usage{
			Hardware: part.hw.ID, Count: &count, Share: &share, ShareBy: part.by, UseS: &seconds, Meter: meterID,
			EnergyJ: &lifecycle.Quantity{Value: joules[i]},
		})
		line := lifecycle.LedgerLine{
			Domain: part.hw.ID, Hardware: part.hw.ID, Meter: meterID, Method: method.Method, Split: "declared",
			TotalJ: joules[i], SpansJ: joules[i], IdleFound: "unknown",
		}
		if part.hw.ID == nodeID && len(d.parts) > 1 {
			line.Domain += "/rest"
		}
		if part.idleW > 0 && p.EnergyKWh == nil {
			line.IdleW, line.IdleFound = part.idleW, "factor"
		}
		r.Ledger = append(r.Ledger, line)
		span.SelfJ += joules[i]
	}
	r.Phases, r.Spans = []lifecycle.PhaseEntry{entry}, []lifecycle.Span{span}
	return nil
}

// rated refuses what a device cannot have drawn, as the record does (R32).
func (d *draft) rated(part *part, joules, seconds float64) error {
	if d.timeUnknown {
		part.hw.TDPW = nil // it is for nothing without a time
	}
	if part.hw.TDPW == nil || joules <= 2*float64(part.hw.Count)**part.hw.TDPW*seconds {
		return nil
	}
	field := map[string]string{acceleratorID: "power-w", cpuID: "cpu-power-w"}[part.hw.ID]
	if d.energyKWh != nil {
		field = "energy-kwh"
	}
	return wrong(field, "it comes to %.3g W for each %s, which is rated for %v W: check the unit and the hours, or leave out which device it is",
		joules/seconds/float64(part.hw.Count), part.hw.Model, *part.hw.TDPW)
}

// joules is the energy of the run.
func (d *draft) joules(x []float64) float64 {
	if d.energyKWh != nil {
		return d.energyKWh(x) * joulesPerKWh
	}
	var sum float64
	for _, j := range d.split(x) {
		sum += j
	}
	return sum
}

// split is the energy of each part: power × time, or where the energy is given,
// in proportion to power.
func (d *draft) split(x []float64) []float64 {
	list := make([]float64, len(d.parts))
	var all float64
	for i, part := range d.parts {
		if part.watts != nil {
			list[i] = part.watts(x) * d.plan.Share
			all += list[i]
		}
	}
	for i := range list {
		switch {
		case d.energyKWh == nil:
			list[i] *= d.seconds(x)
		case all > 0:
			list[i] *= d.energyKWh(x) * joulesPerKWh / all
		case i == 0: // of what it is made up nobody knows
			list[i] = d.energyKWh(x) * joulesPerKWh
		}
	}
	return list
}

// assess completes the record.
func (d *draft) assess() error {
	r := d.rec
	r.Extensions[Extension] = map[string]any{"inputs": d.told()}
	if d.timeUnknown {
		d.missing("/phases", "time: no hours are given, so that nothing is shared out by it", "unknown")
	}
	if err := lifecycle.Assess(r); err != nil {
		return err
	}
	lifecycle.FillMissing(r)
	if r.Warnings == nil {
		r.Warnings = []lifecycle.Warning{}
	}
	for _, f := range lifecycle.Validate(r) {
		if !f.Warning {
			return fmt.Errorf("the estimate breaks a rule of the record: %v", f)
		}
	}
	return nil
}

func (d *draft) missing(path, what, reason string) {
	d.rec.Missing = append(d.rec.Missing, lifecycle.Missing{Path: path, What: what, Reason: reason})
}

// pathOf is the span of a stage.
func pathOf(s lifecycle.Stage) string { return path.Base(string(s)) }

// whole is x as a count of a record, up to what every reader of JSON holds.
func whole(x float64) int64 { return int64(min(math.Round(x), 1<<53-1)) }
