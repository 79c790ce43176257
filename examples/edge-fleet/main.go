// Command edge-fleet is a fleet of small battery-powered sensors that look for
// faults in machines, and asks what six hours of it take: of its processors, of its
// radios, and of sleeping.
//
// It replays them in some seconds, with the true computation: each device
// measures vibration, finds the strongest frequencies by a Fourier transform, and
// sends a message if they are not those of a healthy machine. What a device draws
// in each state its data sheet tells, and a meter of this program counts the joules
// of the fleet. This machine's own are left out: the run is about the devices. So its
// joules are those of six hours, and its duration that of the replay.
//
// As it says how many minutes it expects, it knows after some of them what all
// will come to, and has a budget that it would not pass.
package main

import (
	"context"
	"embed"
	"errors"
	"flag"
	"fmt"
	"io"
	"log"
	"math"
	"math/rand/v2"
	"os"
	"sync/atomic"
	"time"

	"github.com/ecotracer/ecotracer/lifecycle"
	"github.com/ecotracer/ecotracer/tracer"
	"github.com/ecotracer/ecotracer/tracer/meter"
)

// What a device of the kind draws, from data sheets of a microcontroller with a
// Cortex-M4 and a LoRa radio: they say what is typical, a fifth more or less.
const (
	sleepW   = 12e-6 // clock and memory kept
	measureW = 6e-3  // accelerometer and processor
	computeW = 21e-3 // processor at 64 MHz
	radioW   = 0.12  // sending at 14 dBm
	relError = 0.2

	computeHz    = 64e6
	cyclesButter = 14     // of one butterfly of the transform, on that processor
	bitRate      = 5468.0 // LoRa, spreading factor 7, 125 kHz
	messageBytes = 24
)

const (
	samples  = 512 // of a measurement
	sampleHz = 3200.0
	minutes  = 6 * 60 // each device measures once a minute
)

// nothing is a host without a counter.
var nothing embed.FS

func main() {
	devices := flag.Int("devices", 400, "in the fleet")
	budget := flag.Float64("budget", 1000, "J that the fleet may take")
	flag.Parse()
	if _, err := run(context.Background(), *devices, *budget, os.Stdout); err != nil {
		log.Fatal(err)
	}
}

// run replays six hours of the fleet and tells what it took.
func run(ctx context.Context, devices int, budget float64, out io.Writer, opts ...tracer.Option) (*lifecycle.Record, error) {
	f := newFleet(devices)
	opts = append(opts,
		tracer.Named("edge-fleet"), tracer.Technology(f.technology()), tracer.UseCase(lifecycle.UseCase{
			Purpose: "watch machines for worn bearings", FunctionalUnit: &lifecycle.FunctionalUnit{Unit: "measurements", Path: "operate"},
		}),
		tracer.Meters(counter{f}), tracer.Host(nothing), tracer.Scope(lifecycle.ScopeMachine))
	ctx, run, err := tracer.Begin(ctx, opts...)
	if err != nil {
		log.Print(err) // the run measures all the same
	}
	ctx, release := tracer.Budget(ctx, tracer.Limit{EnergyJ: budget, Cancel: true, Warn: func(e *tracer.BudgetError) { fmt.Fprintln(out, e) }})
	defer release()
	workErr := f.operate(ctx, run, out)
	run.Fail(workErr)
	_ = run.Describe(tracer.Technology(f.technology())) // it was taken before
	record, err := run.End()
	f.tell(out, record)
	return record, errors.Join(workErr, err)
}

// fleet is the devices and what they have used.
type fleet struct {
	rng      *rand.Rand
	worn     []bool // machines whose bearing is worn
	minutes  int    // that are over
	messages int
	found    int // of worn bearings

	sleepJ, measureJ, computeJ, radioJ float64

	usedJ atomic.Uint64 // their sum after the last minute, as math.Float64bits
}

// counter is the energy counter of a fleet. As it can be read at any time, at both
// ends of the run too, no joule is left out; what can only be told now and then is
// for package declared.
type counter struct{ of *fleet }

// Domains is the fleet as a whole.
func (counter) Domains() []meter.Domain {
	return []meter.Domain{{
		ID: "fleet", Name: "fleet", Kind: lifecycle.KindOther, Method: lifecycle.Declared, RelError: relError,
		Sensor: "data-sheet", Mode: "counter", IdleFound: "unknown",
	}}
}

// Read tells what was used until now.
func (c counter) Read(dst []meter.Sample) ([]meter.Sample, error) {
	return append(dst, meter.Sample{Time: time.Now(), Joules: math.Float64frombits(c.of.usedJ.Load())}), nil
}

// Close does nothing: there is nothing to close.
func (counter) Close() error { return nil }

func newFleet(devices int) *fleet {
	f := &fleet{rng: rand.New(rand.NewPCG(1, 2)), worn: make([]bool, devices)}
	for i := range f.worn {
		f.worn[i] = i%50 == 7
	}
	return f
}

func (f *fleet) joules() float64 { return f.sleepJ + f.measureJ + f.computeJ + f.radioJ }

// operate is all that the fleet does: use/operation.
func (f *fleet) operate(ctx context.Context, run *tracer.Run, out io.Writer) error {
	ctx, span := tracer.Start(ctx, "operate")
	defer span.End()
	span.Expect("minute", minutes)
	foretold := false
	for range minutes {
		if err := ctx.Err(); err != nil {
			return context.Cause(ctx)
		}
		_, minute := tracer.Start(ctx, "minute")
		for device := range f.worn {
			f.wake(device)
		}
		f.usedJ.Store(math.Float64bits(f.joules()))
		minute.End()
		f.minutes++
		span.Count("measurements", len(f.worn))
		if f := run.Forecast(); !foretold && f.TotalJ != nil && 2*f.Done >= f.Expected {
			foretold = true
			fmt.Fprintf(out, "after %d of %d minutes: all will take %.0f J (95 %%: %.0f to %.0f)\n", f.Done, f.Expected, f.TotalJ.Value, f.TotalJ.Low, f.TotalJ.High)
		}
	}
	return nil
}

// wake is what a device does in a minute.
func (f *fleet) wake(device int) {
	signal := f.measure(f.worn[device])
	butterflies := transform(signal)
	measuring, computing, sending := samples/sampleHz, float64(butterflies*cyclesButter)/computeHz, 0.0
	if unhealthy(signal) {
		f.messages++
		if f.worn[device] {
			f.found++
		}
		sending = messageBytes * 8 / bitRate
	}
	f.measureJ += measureW * measuring
	f.computeJ += computeW * computing
	f.radioJ += radioW * sending
	f.sleepJ += sleepW * (60 - measuring - computing - sending)
}

// measure is the vibration of a machine that turns at 50 Hz; a worn bearing adds
// blows at 162 Hz.
func (f *fleet) measure(worn bool) []complex128 {
	signal := make([]complex128, samples)
	phase := 2 * math.Pi * f.rng.Float64()
	for i := range signal {
		t := float64(i) / sampleHz
		v := math.Sin(2*math.Pi*50*t+phase) + 0.3*f.rng.NormFloat64()
		if worn {
			v += 0.4 * math.Sin(2*math.Pi*162.5*t)
		}
		signal[i] = complex(v, 0)
	}
	return signal
}

// transform is the fast Fourier transform in place, and how many butterflies it
// took (Cooley and Tukey 1965).
func transform(x []complex128) (butterflies int) {
	n := len(x)
	for i, j := 1, 0; i < n; i++ {
		bit := n >> 1
		for ; j&bit != 0; bit >>= 1 {
			j ^= bit
		}
		if j ^= bit; i < j {
			x[i], x[j] = x[j], x[i]
		}
	}
	for length := 2; length <= n; length *= 2 {
		sin, cos := math.Sincos(-2 * math.Pi / float64(length))
		step := complex(cos, sin)
		for at := 0; at < n; at += length {
			w := complex(1, 0)
			for k := range length / 2 {
				even, odd := x[at+k], w*x[at+k+length/2]
				x[at+k], x[at+k+length/2] = even+odd, even-odd
				w *= step
				butterflies++
			}
		}
	}
	return butterflies
}

// unhealthy tells whether a spectrum has a strong line where a worn bearing has
// one.
func unhealthy(spectrum []complex128) bool {
	at := func(hz float64) float64 {
		z := spectrum[int(hz/sampleHz*samples+0.5)]
		return math.Hypot(real(z), imag(z)) / (samples / 2)
	}
	return at(162.5) > 0.25
}

// technology is what the record says of the fleet.
func (f *fleet) technology() lifecycle.Technology {
	of := func(n int) *int64 { v := int64(n); return &v }
	period, sleep, battery := 60.0, sleepW, 2.0*1.5*3600*1.2 // two AA cells of 1.2 Ah usable
	iot := &lifecycle.IoT{
		DeviceClass: "constrained device", Protocol: "LoRaWAN", PowerSource: "battery", FleetSize: of(len(f.worn)),
		SamplePeriodS: &period, SleepPowerW: &sleep, BatteryJ: &battery,
	}
	if f.measureJ > 0 {
		iot.Messages, iot.BytesSent = of(f.messages), of(f.messages*messageBytes)
		duty := (f.measureJ/measureW + f.computeJ/computeW + f.radioJ/radioW) / (float64(len(f.worn)*f.minutes) * 60)
		iot.DutyCycle = &duty
	}
	return lifecycle.Technology{Kind: "iot", IoT: iot}
}

// tell says in words what it took.
func (f *fleet) tell(out io.Writer, r *lifecycle.Record) {
	worn := 0
	for _, w := range f.worn {
		if w {
			worn++
		}
	}
	e := r.Totals.EnergyJ
	fmt.Fprintf(out, "%d devices sent %d messages in %.1f hours, %d of them from the %d machines that are worn\n", len(f.worn), f.messages, float64(f.minutes)/60, f.found, worn)
	fmt.Fprintf(out, "%.1f J (95 %%: %.1f to %.1f), %s: measuring %.1f J, computing %.1f J, radio %.1f J, sleeping %.1f J\n",
		e.Value, e.Low, e.High, e.Method, f.measureJ, f.computeJ, f.radioJ, f.sleepJ)
	if each := f.joules() / float64(len(f.worn)); each > 0 {
		years := *f.technology().IoT.BatteryJ / each * float64(f.minutes) / 60 / 24 / 365.25
		fmt.Fprintf(out, "the battery of a device lasts %.1f years at that\n", years)
	}
}
