// Package declared meters by figures that the program itself is told: those of
// a rack's power strip, a smart plug, a laboratory's power analyser, or what a
// cloud provider or a colleague says that the machine draws.
//
// There are two kinds, after what the source tells. A [Power] is told watts,
// which hold until it is told others. An [Energy] is told the readings of an
// energy counter. Make one, give it to tracer.Meters, and tell it what the
// source says from any goroutine:
//
//	plug, err := declared.NewPower(meter.Domain{
//		ID: "node0", Method: lifecycle.Metered, RelError: 0.02, Sensor: "smart-plug", Update: 10 * time.Second,
//	})
//	...
//	ctx, run, err := tracer.Begin(ctx, tracer.Meters(plug))
//	...
//	err = plug.Tell(watts) // every ten seconds
//
// # What the domain has to say
//
// Its ID (node0, cpu0, dram0, gpu0, ...) and RelError, how wrong the source may
// be: nobody else knows. Kind and Device follow from such an ID. Method is
// declared, what a person states, unless the domain says metered, what an
// instrument outside the machine measures while the run goes on. Update is how
// often the source will be told. Sensor is a name for the source (pdu,
// smart-plug, bill) and goes into the record, as Mode, Model, Tool and Version
// do: no address or host name belongs there.
//
// # What the ledger makes of it
//
// The domain is a ledger line like any other, with its method and error, and
// with what it tells the run's spans are booked. Of several meters that tell
// one device the best is counted: metered before counter before modelled;
// what is declared only comes before what is modelled.
//
// Silence is a gap, never zero. What was used before the first Tell is not
// told. If nothing was told for three times Update, the domain is flagged as
// unreadable (counter-unreadable in the record) and taken at its last power,
// until it is told again. Without Update a Power holds for ever, which suits a
// figure that does not change; an Energy has to have one.
//
// A bill that comes when the run is over can no longer be booked. If its mean
// power is known beforehand, tell a Power that.
package declared

import (
	"errors"
	"fmt"
	"math"
	"reflect"
	"strconv"
	"strings"

	"github.com/ecotracer/ecotracer/lifecycle"
	"github.com/ecotracer/ecotracer/tracer/meter"
)

// patience is after how many times Update a source is taken to be silent.
const patience = 3

// domain completes what the user says of a domain, or tells what is wrong
// with it.
func domain(d meter.Domain, mode string) (meter.Domain, error) {
	refuse := func(format string, args ...any) (meter.Domain, error) {
		return meter.Domain{}, fmt.Errorf("declared: domain %q: %s", d.ID, fmt.Sprintf(format, args...))
	}
	if d.ID == "" {
		return meter.Domain{}, errors.New("declared: the domain has no ID: say what the figures are of, such as node0, cpu0 or gpu0")
	}
	if d.Kind == "" {
		var ok bool
		if d.Kind, d.Device, ok = kindOf(d.ID); !ok {
			return refuse("no kind of device follows from the ID: say its Kind and Device")
		}
	}
	if d.Device < 0 {
		return refuse("its Device is %d: devices are counted from 0", d.Device)
	}
	switch d.Method {
	case "":
		d.Method = lifecycle.Declared
	case lifecycle.Declared, lifecycle.Metered:
	default:
		return refuse("its Method is %q: say %q, or %q if an instrument outside the machine measures it", d.Method, lifecycle.Declared, lifecycle.Metered)
	}
	v := reflect.ValueOf(d)
	for i := range v.NumField() {
		if v.Field(i).Kind() != reflect.Float64 {
			continue
		}
		if f := v.Field(i).Float(); !(f >= 0) || math.IsInf(f, 1) {
			return refuse("its %s is %v: want a number that is not negative", v.Type().Field(i).Name, f)
		}
	}
	if d.RelError == 0 {
		return refuse("its RelError is 0, and no source is exact: say how wrong it may be, such as 0.02 for 2 %%")
	}
	if d.Update < 0 {
		return refuse("its Update is %v: say how often the meter will be told", d.Update)
	}
	if d.LeftOut != "" {
		return refuse("it is left out (%s): a meter of nothing is of no use", d.LeftOut)
	}
	if d.Owned || d.Average != 0 {
		return refuse("Owned and Average are not for figures that are told: leave them out")
	}
	for _, s := range []struct {
		field *string
		value string
	}{{&d.Name, d.ID}, {&d.Sensor, "declared"}, {&d.Mode, mode}, {&d.IdleFound, "unknown"}} {
		if *s.field == "" {
			*s.field = s.value
		}
	}
	if d.IdleW > 0 && d.IdleFound == "unknown" {
		d.IdleFound = "declared"
	}
	return d, nil
}

// kindOf tells the device that an ID such as gpu3 means.
func kindOf(id string) (kind lifecycle.HardwareKind, device int, ok bool) {
	at := strings.IndexAny(id, "0123456789")
	if at < 0 {
		return "", 0, false
	}
	digits, _, _ := strings.Cut(id[at:], "/")
	device, err := strconv.Atoi(digits)
	if err != nil {
		return "", 0, false
	}
	switch id[:at] {
	case "node":
		return lifecycle.KindNode, device, true
	case "cpu":
		return lifecycle.KindCPU, device, true
	case "dram":
		return lifecycle.KindMemory, device, true
	case "gpu":
		return lifecycle.KindGPU, device, true
	}
	return "", 0, false
}

// amount refuses what is no amount of power or energy.
func amount(id, unit string, v float64) error {
	if !(v >= 0) || math.IsInf(v, 1) {
		return fmt.Errorf("declared: domain %q was told %v %s: want a number that is not negative; nothing was changed", id, v, unit)
	}
	return nil
}
