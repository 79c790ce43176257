package estimate

import (
	"fmt"
	"math"
	"strconv"
	"time"

	"github.com/ecotracer/ecotracer/factors"
	"github.com/ecotracer/ecotracer/lifecycle"
)

// Plan says what is to run, where and for how long. Every figure that would be
// looked up can be given instead: what is nil, "" or 0 is not given. A Plan is
// plain data.
type Plan struct {
	ID        string    // UUIDv7 of the record
	CreatedAt time.Time // of the record
	Name      string    // of the run
	Generator lifecycle.Generator
	Stage     lifecycle.Stage // training/training; inference/serving if there are Requests

	// The devices. An instance tells its own processors, memory and accelerators.
	Accelerator string  // model
	CPU         string  // model
	Instance    string  // type of the Provider's
	Count       int     // accelerators, or machines of the instance: 1
	CPUs        int     // processors (sockets): 1 if there are any
	MemoryGB    float64 // of all machines together, 1e9 bytes
	Share       float64 // part of the devices that is the run's, of their power and production alike: 1

	Hours       *Given // that the devices are held
	Utilisation *Given // of the accelerators, 0 to 1: from idle to full power
	Usage       *Given // of the processors, likewise

	// A language model. With Parameters and Tokens the hours follow where they
	// are not given. Active are the parameters that a token passes through: all,
	// but in a mixture of experts.
	Parameters, Active float64
	Tokens             float64 // seen in training, epochs included; generated in inference
	MFU                *Given  // model FLOP utilisation: share of the accelerators' peak
	Requests           int64   // functional units

	// The place. Country is ISO 3166-1 alpha-2, Subdivision ISO 3166-2, Region
	// the Provider's.
	Country, Subdivision, Zone, Provider, Region, Infrastructure string

	// Power as drawn on the mean, W; where Utilisation or Usage is given too, of
	// which that is the share. With any of them only what is given or named is
	// counted, and no host added.
	PowerW       *Given // of an accelerator
	CPUPowerW    *Given // of a processor
	MemoryPowerW *Given // of all memory
	RestPowerW   *Given // of what else is in all machines

	EnergyKWh *Given // of all devices, without PUE

	PUE       *Given
	Intensity *Given // gCO2e/kWh
	WUE       *Given // L/kWh
	EWIF      *Given // L/kWh

	DeviceProductionKg *Given // kgCO2e an accelerator
	NodeProductionKg   *Given // kgCO2e a machine without its accelerators
	LifetimeYears      *Given // of 365.25 days
	DeviceUse          *Given // share of the lifetime in use, 0 to 1

	Source string           // who gave these figures: "given by the caller"
	Own    []factors.Factor // the operator's, before those of the data set
}

// Given is a figure with its 95 % interval. Without bounds (both 0) it is exact.
type Given struct{ Value, Low, High float64 }

// bounds are the interval.
func (g Given) bounds() (low, high float64) {
	if g.Low == 0 && g.High == 0 {
		return g.Value, g.Value
	}
	return g.Low, g.High
}

// FieldError is a part of a plan that cannot be used.
type FieldError struct {
	Field string // as the command line names it: power-w
	Err   error
}

func (e *FieldError) Error() string { return e.Field + ": " + e.Err.Error() }

// Unwrap returns what is wrong.
func (e *FieldError) Unwrap() error { return e.Err }

func wrong(field, format string, args ...any) error {
	return &FieldError{field, fmt.Errorf(format, args...)}
}

// leastIntensity is what no source of electricity is below, gCO2e/kWh: the least
// in IPCC AR5 WG3 Annex III, table A.III.2 is hydropower at 1.0.
const leastIntensity = 1

// decimal writes a number without an exponent.
func decimal(x float64) string { return strconv.FormatFloat(x, 'f', -1, 64) }

// check refuses what no device, place or time can be.
func (p *Plan) check() error {
	for _, f := range []struct {
		field string
		given *Given
		least float64
		most  float64
		zero  bool // 0 is a figure
	}{
		{"hours", p.Hours, 0, 1e8, false},
		{"utilisation", p.Utilisation, 0, 1, true},
		{"usage", p.Usage, 0, 1, true},
		{"mfu", p.MFU, 0, 1, false},
		{"power-w", p.PowerW, 0, 1e9, true},
		{"cpu-power-w", p.CPUPowerW, 0, 1e9, true},
		{"memory-power-w", p.MemoryPowerW, 0, 1e9, true},
		{"rest-power-w", p.RestPowerW, 0, 1e9, true},
		{"energy-kwh", p.EnergyKWh, 0, 1e15, true},
		{"pue", p.PUE, 1, 10, false},
		{"intensity", p.Intensity, 0, 1e4, true},
		{"wue", p.WUE, 0, 100, true},
		{"ewif", p.EWIF, 0, 1000, true},
		{"device-production-kg", p.DeviceProductionKg, 0, 1e9, true},
		{"node-production-kg", p.NodeProductionKg, 0, 1e9, true},
		{"lifetime-years", p.LifetimeYears, 0, 100, false},
		{"device-use", p.DeviceUse, 0, 1, false},
	} {
		if f.given == nil {
			continue
		}
		low, high := f.given.bounds()
		for _, x := range []float64{f.given.Value, low, high} {
			if math.IsNaN(x) || x < f.least || x > f.most || x == 0 && !f.zero {
				from := "above"
				if f.zero || f.least > 0 {
					from = "from"
				}
				return wrong(f.field, "%s is out of range: write a number %s %s to %s", decimal(x), from, decimal(f.least), decimal(f.most))
			}
		}
		switch {
		case low > f.given.Value || high < f.given.Value:
			return wrong(f.field, "the interval %s to %s does not hold %s: write value, low, high", decimal(low), decimal(high), decimal(f.given.Value))
		case low == 0 && high > 0:
			return wrong(f.field, "an interval cannot begin at 0: write the least that it may be")
		}
	}
	if g := p.Intensity; g != nil && g.Value > 0 && g.Value < leastIntensity {
		return wrong("intensity", "%s gCO2e/kWh is less than that of any power plant: if these are kilograms, write %.4g", decimal(g.Value), g.Value*1000)
	}
	for _, f := range []struct {
		field string
		value float64
		most  float64
	}{
		{"count", float64(p.Count), 1e9}, {"cpus", float64(p.CPUs), 1e9}, {"memory-gb", p.MemoryGB, 1e12}, {"share", p.Share, 1},
		{"params", p.Parameters, 1 << 53}, {"params", p.Active, 1 << 53}, {"tokens", p.Tokens, 1 << 53}, {"requests", float64(p.Requests), 1 << 53},
	} {
		if math.IsNaN(f.value) || f.value < 0 || f.value > f.most {
			return wrong(f.field, "%s is out of range: write a number above 0, up to %s", decimal(f.value), decimal(f.most))
		}
	}
	if p.Active > p.Parameters {
		return wrong("params", "%.3g parameters that a token passes through are more than all, %.3g", p.Active, p.Parameters)
	}
	for _, power := range []struct {
		field string
		given *Given
	}{{"power-w", p.PowerW}, {"cpu-power-w", p.CPUPowerW}, {"memory-power-w", p.MemoryPowerW}, {"rest-power-w", p.RestPowerW}} {
		if power.given != nil && p.EnergyKWh != nil {
			return wrong(power.field, "the energy is given, too: leave out the one or the other")
		}
	}
	if p.CPUs > 0 && p.CPU == "" && p.Instance == "" && p.CPUPowerW == nil {
		return wrong("cpus", "of which model are they? Name it (cpu), or give their power (cpu-power-w)")
	}
	if s := p.Stage; s != "" && (!s.Valid() || s.Device() || s == lifecycle.Unassigned) {
		return wrong("stage", "%q is no stage of a service: write one such as training/fine-tuning or inference/serving", s)
	}
	return nil
}
