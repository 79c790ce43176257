package redfish

import (
	"context"
	"slices"
	"strings"
	"time"
)

const (
	// relError is how wrong a controller's figures are taken to be, at 95 %,
	// where the sensor does not say. Supplies of servers measure their input
	// within 1 to 5 % at more than a tenth of their load.
	relError = 0.05

	// maxNode is the most that a node can draw, W, where nothing is told of
	// its supplies: more than any server of eight accelerators.
	maxNode = 20_000

	// fineStep is the coarsest step of an energy counter, J, that goes before
	// power: what an idle server uses in a second. A counter of 0.001 kWh
	// stands still for half a minute and then leaps by 3.6 kJ: no span would
	// get what it used, and its least power would seem to be 0.
	fineStep = 100

	// fineUpdate is likewise the longest time in which such a counter may rest.
	fineUpdate = 10 * time.Second

	// leastNode is less than any server draws, W: it tells how long an energy
	// counter can rest.
	leastNode = 10

	joulesPerKWh = 3.6e6
	maxSupplies  = 16
)

// plan is which property is read, and what is known of it.
type plan struct {
	mode      string // environment-metrics, power-subsystem, power
	property  string // for people and the record: EnvironmentMetrics#/PowerWatts
	counter   bool   // it tells joules, not watts
	resources []string
	value     func(ctx context.Context) (float64, error) // J or W

	first    float64 // the reading that the plan was made by, J or W
	at       time.Time
	stepJ    float64
	average  time.Duration
	update   time.Duration
	capacity float64 // of the supplies, W; 0 if unknown
	relError float64
}

// choose finds what tells the power of the chassis, the best first: an energy
// counter that is fine enough, its power, the power that its supplies draw, the
// older Power resource, and a coarse energy counter if there is no more. It is
// nil if nothing does.
//
// A resource that is not there, denied or broken (some firmware has such) is
// passed over; if all are, the first error is told.
func (a *client) choose(ctx context.Context, c chassis) (*plan, error) {
	energy, watts, first := a.environment(ctx, c.EnvironmentMetrics.Path)
	if first != nil && !failed(first).answered {
		return nil, first
	}
	if energy != nil && energy.stepJ <= fineStep && energy.update <= fineUpdate {
		watts = energy
	}
	if watts != nil {
		watts.capacity = a.capacity(ctx, c.PowerSubsystem.Path)
		return watts, nil
	}
	for _, find := range []func() (*plan, error){
		func() (*plan, error) { return a.supplies(ctx, c.PowerSubsystem.Path) },
		func() (*plan, error) { return a.control(ctx, c.Power.Path) },
	} {
		p, err := find()
		switch {
		case err != nil && !failed(err).answered:
			return nil, err
		case err != nil && first == nil:
			first = err
		case p != nil:
			return p, nil
		}
	}
	if energy != nil {
		return energy, nil
	}
	return nil, first
}

// environment plans by EnvironmentMetrics.
func (a *client) environment(ctx context.Context, path string) (energy, watts *plan, err error) {
	if path == "" {
		return nil, nil, nil
	}
	var m environmentMetrics
	if err := a.get(ctx, path, &m); err != nil {
		return nil, nil, err
	}
	now := time.Now()
	planned := func(name string, of func(*environmentMetrics) *excerpt, unit float64) *plan {
		x := of(&m)
		if !x.Reading.positive() {
			return nil
		}
		p := &plan{
			mode: "environment-metrics", property: "EnvironmentMetrics#/" + name,
			first: x.Reading.value * unit, at: now, relError: relError,
			value: func(ctx context.Context) (float64, error) {
				var m environmentMetrics
				if err := a.get(ctx, path, &m); err != nil {
					return 0, err
				}
				if x := of(&m); x.Reading.positive() {
					return x.Reading.value * unit, nil
				}
				return 0, untold(name)
			},
		}
		a.sensor(ctx, x, p)
		return p
	}
	joules := planned("EnergyJoules", func(m *environmentMetrics) *excerpt { return &m.EnergyJoules }, 1)
	kWh := planned("EnergykWh", func(m *environmentMetrics) *excerpt { return &m.EnergykWh }, joulesPerKWh)
	if joules != nil {
		joules.counter, joules.stepJ = true, m.EnergyJoules.Reading.step
		energy = joules
	}
	if kWh != nil {
		kWh.counter, kWh.stepJ = true, m.EnergykWh.Reading.step*joulesPerKWh
		if energy == nil || kWh.stepJ < energy.stepJ && energy.stepJ > fineStep {
			energy = kWh
		}
	}
	watts = planned("PowerWatts", func(m *environmentMetrics) *excerpt { return &m.PowerWatts }, 1)
	return energy, watts, nil
}

// capacity is what the supplies can give, W; 0 if it is not told.
func (a *client) capacity(ctx context.Context, path string) float64 {
	var s powerSubsystem
	if path == "" || a.get(ctx, path, &s) != nil {
		return 0
	}
	return s.CapacityWatts.value
}

// supplies plans by what all power supplies draw (PowerSubsystem, PowerSupply,
// PowerSupplyMetrics). One that is there and does not tell makes the sum
// worthless.
func (a *client) supplies(ctx context.Context, path string) (*plan, error) {
	if path == "" {
		return nil, nil
	}
	var subsystem powerSubsystem
	err := a.get(ctx, path, &subsystem)
	var members []string
	if err == nil && subsystem.PowerSupplies.Path != "" {
		members, err = a.members(ctx, subsystem.PowerSupplies.Path)
	}
	p := &plan{mode: "power-subsystem", property: "PowerSupplyMetrics#/InputPowerWatts", relError: relError, capacity: subsystem.CapacityWatts.value}
	for i, member := range members {
		var s powerSupply
		if err = a.get(ctx, member, &s); err != nil {
			break
		}
		if s.Status.State == "Absent" {
			continue
		}
		if s.Metrics.Path == "" || i >= maxSupplies {
			return nil, nil
		}
		p.resources = append(p.resources, s.Metrics.Path)
	}
	if err == nil && len(p.resources) > 0 {
		p.value = func(ctx context.Context) (float64, error) { return a.input(ctx, p.resources, nil) }
		p.first, err = a.input(ctx, p.resources, p)
		p.at = time.Now()
	}
	if err != nil || len(p.resources) == 0 {
		return nil, err
	}
	return p, nil
}

// input is the power that all supplies draw, W. One of them may be on standby
// and draw nothing.
func (a *client) input(ctx context.Context, resources []string, p *plan) (float64, error) {
	var sum float64
	for i, path := range resources {
		var m powerSupplyMetrics
		if err := a.get(ctx, path, &m); err != nil {
			return 0, err
		}
		w := m.InputPowerWatts.Reading
		if !w.told || w.value < 0 {
			return 0, untold("the InputPowerWatts of a power supply")
		}
		sum += w.value
		if i == 0 && p != nil {
			a.sensor(ctx, &m.InputPowerWatts, p)
		}
	}
	if sum == 0 {
		return 0, untold("the InputPowerWatts of the power supplies")
	}
	return sum, nil
}

// control plans by the Power resource.
func (a *client) control(ctx context.Context, path string) (*plan, error) {
	if path == "" {
		return nil, nil
	}
	var now power
	if err := a.get(ctx, path, &now); err != nil {
		return nil, err
	}
	i := whole(now.PowerControl)
	if i < 0 {
		return nil, nil
	}
	at := now.PowerControl[i]
	p := &plan{mode: "power", at: time.Now(), relError: relError, capacity: at.PowerCapacityWatts.value}
	of := func(c *powerControl) number { return c.PowerConsumedWatts }
	name := "PowerConsumedWatts"
	if !at.PowerConsumedWatts.positive() {
		of = func(c *powerControl) number { return c.PowerMetrics.AverageConsumedWatts }
		name = "PowerMetrics/AverageConsumedWatts"
		if minutes := at.PowerMetrics.IntervalInMin; minutes.positive() {
			p.average = time.Duration(min(minutes.value, 24*60) * float64(time.Minute))
		}
	}
	p.property, p.first = "Power#/PowerControl/"+name, of(&at).value
	p.value = func(ctx context.Context) (float64, error) {
		var now power
		if err := a.get(ctx, path, &now); err != nil {
			return 0, err
		}
		if i >= len(now.PowerControl) || !of(&now.PowerControl[i]).positive() {
			return 0, untold(name)
		}
		return of(&now.PowerControl[i]).value, nil
	}
	return p, nil
}

// parts are the beginnings of the places (PhysicalContext) that are a part of a
// chassis: a PowerControl of one is no power of the node, nor are they ever
// added up.
var parts = []string{"CPU", "GPU", "Memory", "Accelerator", "ASIC", "FPGA", "Storage", "Fan", "PowerSupply", "Network", "Backplane", "VoltageRegulator", "CoolingSubsystem"}

// whole finds the member of PowerControl that is of the whole chassis and tells
// something: one that says so, else the first of those that are no part; -1 if
// there is none.
func whole(controls []powerControl) int {
	found := -1
	for i, c := range controls {
		if !c.PowerConsumedWatts.positive() && !c.PowerMetrics.AverageConsumedWatts.positive() {
			continue
		}
		if c.PhysicalContext == "Chassis" {
			return i
		}
		part := slices.ContainsFunc(parts, func(p string) bool { return strings.HasPrefix(c.PhysicalContext, p) })
		if found < 0 && !part {
			found = i
		}
	}
	return found
}

// sensor asks the sensor that a reading is copied from how good it is. What it
// does not say stays as it is.
func (a *client) sensor(ctx context.Context, x *excerpt, p *plan) {
	if x.Source == "" {
		return
	}
	var s sensor
	if err := a.get(ctx, x.Source, &s); err != nil {
		return
	}
	const most = 0.5 // more is no accuracy
	if e := s.ReadingAccuracy; e.positive() && !p.counter && e.value <= most*x.Reading.value {
		p.relError = e.value / x.Reading.value
	} else if e := s.Accuracy; e.positive() && e.value <= most*100 {
		p.relError = e.value / 100
	}
	p.update = duration(s.SensingInterval)
}
