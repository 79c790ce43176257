package redfish

import (
	"context"
	"path"
	"slices"
	"strings"
	"time"
)

const (
	// relError is how wrong a controller's figures are taken to be, at 95 %,
	// where the sensor does not say. It is an assumption: the schemas ask for
	// no accuracy, and few makers state one.
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
	mode     string                                     // environment-metrics, power-subsystem, power
	property string                                     // for people and the record: EnvironmentMetrics#/PowerWatts
	counter  bool                                       // it tells joules, not watts
	value    func(ctx context.Context) (float64, error) // J or W

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
func (a *client) choose(ctx context.Context, n node) (*plan, error) {
	c := n.chassis
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
		func() (*plan, error) { return a.control(ctx, c.Power.Path, n.system) },
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
func (a *client) environment(ctx context.Context, from string) (energy, watts *plan, err error) {
	if from == "" {
		return nil, nil, nil
	}
	var m environmentMetrics
	if err := a.get(ctx, from, &m); err != nil {
		return nil, nil, err
	}
	now := time.Now()
	planned := func(name string, of func(*environmentMetrics) *excerpt, unit float64, counter bool) *plan {
		x := of(&m)
		if !x.Reading.positive() || !counter && !x.Reading.watts() {
			return nil
		}
		p := &plan{
			mode: "environment-metrics", property: "EnvironmentMetrics#/" + name, counter: counter,
			first: x.Reading.value * unit, at: now, relError: relError,
			value: func(ctx context.Context) (float64, error) {
				var m environmentMetrics
				if err := a.get(ctx, from, &m); err != nil {
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
	joules := planned("EnergyJoules", func(m *environmentMetrics) *excerpt { return &m.EnergyJoules }, 1, true)
	kWh := planned("EnergykWh", func(m *environmentMetrics) *excerpt { return &m.EnergykWh }, joulesPerKWh, true)
	if joules != nil {
		joules.stepJ = m.EnergyJoules.Reading.step
		energy = joules
	}
	if kWh != nil {
		kWh.stepJ = m.EnergykWh.Reading.step * joulesPerKWh
		if energy == nil || kWh.stepJ < energy.stepJ && energy.stepJ > fineStep {
			energy = kWh
		}
	}
	watts = planned("PowerWatts", func(m *environmentMetrics) *excerpt { return &m.PowerWatts }, 1, false)
	return energy, watts, nil
}

// capacity is what the supplies can give, W; 0 if it is not told.
func (a *client) capacity(ctx context.Context, from string) float64 {
	var s powerSubsystem
	if from == "" || a.get(ctx, from, &s) != nil {
		return 0
	}
	return s.CapacityWatts.value
}

// supplies plans by what all power supplies draw (PowerSubsystem, PowerSupply,
// PowerSupplyMetrics). One that is there and does not tell makes the sum
// worthless.
func (a *client) supplies(ctx context.Context, from string) (*plan, error) {
	if from == "" {
		return nil, nil
	}
	var subsystem powerSubsystem
	err := a.get(ctx, from, &subsystem)
	var members []string
	if err == nil && subsystem.PowerSupplies.Path != "" {
		members, err = a.members(ctx, subsystem.PowerSupplies.Path)
	}
	p := &plan{mode: "power-subsystem", property: "PowerSupplyMetrics#/InputPowerWatts", relError: relError, capacity: subsystem.CapacityWatts.value}
	var metrics []string
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
		metrics = append(metrics, s.Metrics.Path)
	}
	if err == nil && len(metrics) > 0 {
		p.value = func(ctx context.Context) (float64, error) { return a.input(ctx, metrics, nil) }
		p.first, err = a.input(ctx, metrics, p)
		p.at = time.Now()
	}
	if err != nil || len(metrics) == 0 {
		return nil, err
	}
	return p, nil
}

// input is the power that all supplies draw, W. One of them may be on standby
// and draw nothing.
func (a *client) input(ctx context.Context, resources []string, p *plan) (float64, error) {
	var sum float64
	for i, from := range resources {
		var m powerSupplyMetrics
		if err := a.get(ctx, from, &m); err != nil {
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
	if sum == 0 || sum > maxNode {
		return 0, untold("the InputPowerWatts of the power supplies")
	}
	return sum, nil
}

// control plans by the Power resource.
func (a *client) control(ctx context.Context, from, system string) (*plan, error) {
	if from == "" {
		return nil, nil
	}
	var now power
	if err := a.get(ctx, from, &now); err != nil {
		return nil, err
	}
	i := whole(now.PowerControl, system)
	if i < 0 {
		return nil, nil
	}
	at := now.PowerControl[i]
	p := &plan{mode: "power", at: time.Now(), relError: relError, capacity: at.PowerCapacityWatts.value}
	of := func(c *powerControl) number { return c.PowerConsumedWatts }
	name := "PowerConsumedWatts"
	if !at.PowerConsumedWatts.watts() {
		of = func(c *powerControl) number { return c.PowerMetrics.AverageConsumedWatts }
		name = "PowerMetrics/AverageConsumedWatts"
		if minutes := at.PowerMetrics.IntervalInMin; minutes.positive() {
			p.average = time.Duration(min(minutes.value, 24*60) * float64(time.Minute))
		}
	}
	p.property, p.first = "Power#/PowerControl/"+name, of(&at).value
	p.value = func(ctx context.Context) (float64, error) {
		var now power
		if err := a.get(ctx, from, &now); err != nil {
			return 0, err
		}
		if i >= len(now.PowerControl) || !of(&now.PowerControl[i]).watts() {
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
// there is none. What relates to other systems than this is left out: there are
// chassis of several.
func whole(controls []powerControl, system string) int {
	found := -1
	for i, c := range controls {
		if !c.PowerConsumedWatts.watts() && !c.PowerMetrics.AverageConsumedWatts.watts() || foreign(c.RelatedItem, system) {
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

// foreign tells whether related items are systems, and this system is none of
// them.
func foreign(related []link, system string) bool {
	if system == "" {
		return false
	}
	others := false
	for _, l := range related {
		if same(l.Path, system) {
			return false
		}
		others = others || same(path.Dir(strings.TrimSuffix(l.Path, "/")), path.Dir(strings.TrimSuffix(system, "/")))
	}
	return others
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
