// Package battery meters a whole device by its battery, as the Linux kernel
// shows it in sys/class/power_supply: while it runs on the battery, all that
// it draws comes from there.
//
// While it is plugged in the battery tells nothing of what the device draws.
// Such a meter is refused when it is opened, and in the middle of a run its
// readings are unreadable until the device runs on the battery again: what it
// drew meanwhile is taken to be as its power before and after, and flagged.
//
// Power is power_now, or current_now times voltage_now, in µW, µA and µV
// (Documentation/ABI/testing/sysfs-class-power). By that text a current is
// negative while discharging; many drivers tell it without the sign, some tell
// the power with it. The sign is not looked at, the status is. The charge that
// is left (energy_now) moves in steps of 10 mWh = 36 J and more: a counter too
// coarse for a run.
//
// Batteries of other devices (scope Device: a mouse) are not looked at, and
// several of the device itself are added up.
package battery

import (
	"errors"
	"fmt"
	"io/fs"
	"path"
	"strings"
	"sync"
	"time"

	"github.com/ecotracer/ecotracer/internal/host"
	"github.com/ecotracer/ecotracer/lifecycle"
	"github.com/ecotracer/ecotracer/tracer/meter"
)

const class = "sys/class/power_supply"

const (
	// relError is how wrong the figures are, at 95 %. Gauge chips measure the
	// current within a few percent, but a moment is not the mean of the
	// seconds between two of their readings. No maker gives a figure: this is
	// ours.
	relError = 0.10

	// maxW is far above what a battery of a laptop can give.
	maxW = 500

	// update is how often the kernel asks an ACPI battery at most: cache_time
	// of drivers/acpi/battery.c. Many answer with news more seldom.
	update = time.Second
)

// gauge reads the batteries.
type gauge struct {
	domains []meter.Domain

	mu        sync.Mutex
	batteries []battery
	chargers  []supply
	closed    bool
}

// Open opens the batteries below root. Where there is none, which is the
// ordinary case, the error wraps fs.ErrNotExist. Where there are some and the
// device does not run on them, the meter's one domain is refused, with the
// reason and what would mend it.
//
// The embedded controller of a laptop takes its time to answer: the meter is a
// meter.Pacer.
func Open(root fs.FS) (meter.Meter, error) {
	g, err := list(root)
	if err != nil {
		return nil, err
	}
	d := meter.Domain{
		ID: "node0", Kind: lifecycle.KindNode, Name: names(g.batteries), Path: class,
		Method: lifecycle.Counter, Sensor: "battery", Mode: mode(g.batteries), RelError: relError,
		Update: update, MaxW: maxW, IdleFound: "unknown",
		Why: "the device runs on its battery: all that it draws",
	}
	if _, err := g.watts(); err != nil {
		d.ID, d.LeftOut, d.Why = "battery", "unreadable", "it cannot be read: "+reason(err)
		if errors.Is(err, errPlugged) {
			d.LeftOut, d.Why = "refused", errPlugged.Error()+": the battery does not tell what it draws"
			d.Fix = "unplug the charger before the run"
		}
	}
	g.domains = []meter.Domain{d}
	return meter.Integrate(g), nil
}

// names are those of the batteries: BAT0, BAT1.
func names(batteries []battery) string {
	var all []string
	for _, b := range batteries {
		all = append(all, b.name)
	}
	return strings.Join(all, ", ")
}

// mode tells what the power is read from.
func mode(batteries []battery) string {
	for _, b := range batteries {
		if b.power.name == "" {
			return "current"
		}
	}
	return "power"
}

// reason is the cause of a failure, without the path that the domain has.
func reason(err error) string {
	if e := (*fs.PathError)(nil); errors.As(err, &e) {
		return path.Base(e.Path) + ": " + e.Err.Error()
	}
	return err.Error()
}

// Period is that of the readings: batteries tell news about once a second, and
// asking them is slow.
func (g *gauge) Period() time.Duration { return 2 * time.Second }

// Timeout is how long a reading may take.
func (g *gauge) Timeout() time.Duration { return 10 * time.Second }

// Domains is the whole device.
func (g *gauge) Domains() []meter.Domain { return g.domains }

// Read reads the power that the batteries give.
func (g *gauge) Read(dst []meter.Power) ([]meter.Power, error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.closed {
		return dst, fmt.Errorf("battery: read: %w", fs.ErrClosed)
	}
	if g.domains[0].LeftOut != "" {
		return dst, nil
	}
	before := time.Now()
	watts, err := g.watts()
	after := time.Now()
	p := meter.Power{Time: before.Add(after.Sub(before) / 2), Watts: watts}
	if err != nil {
		p.Watts, p.Condition = 0, meter.ConditionOf(err)
	}
	if p.Condition == meter.Unplugged {
		g.release() // what comes back has new files
	}
	return append(dst, p), nil
}

// Close closes the files.
func (g *gauge) Close() error {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.closed = true
	g.release()
	return nil
}

// release closes the files, which the next reading would open again.
func (g *gauge) release() {
	for i := range g.batteries {
		g.batteries[i].close()
	}
	for i := range g.chargers {
		g.chargers[i].online.close()
	}
}

var (
	errPlugged  = errors.New("the device is plugged in, or its battery is being charged")
	errNoPower  = errors.New("it is discharging and tells no power")
	errNoNumber = errors.New("it says no number")
)

// watts is the power that the device draws from its batteries. It fails with
// errPlugged if it draws it from elsewhere, or might.
func (g *gauge) watts() (float64, error) {
	for i := range g.chargers {
		if online, err := g.chargers[i].online.number(); err == nil && online > 0 {
			return 0, errPlugged
		}
	}
	sum, discharging := 0.0, false
	for i := range g.batteries {
		b := &g.batteries[i]
		status, err := b.status.text()
		if err != nil {
			return 0, err
		}
		switch string(status) { // does not allocate
		case "Discharging":
		case "Charging":
			return 0, errPlugged
		default:
			continue // Full, Not charging, Unknown: another one is in use
		}
		watts, err := b.watts()
		if err != nil {
			return 0, err
		}
		sum, discharging = sum+watts, true
	}
	if !discharging {
		return 0, errPlugged
	}
	if sum <= 0 {
		return 0, errNoPower // for a while after it was unplugged
	}
	return sum, nil
}

// battery is one battery of the device.
type battery struct {
	name           string
	status         file
	power          file // no name if the driver tells none
	current, volts file
}

// supply is what the device can be charged from.
type supply struct{ online file }

func (b *battery) watts() (float64, error) {
	if b.power.name != "" {
		microwatts, err := b.power.number()
		return float64(microwatts) / 1e6, err
	}
	microamps, err := b.current.number()
	if err != nil {
		return 0, err
	}
	microvolts, err := b.volts.number()
	return float64(microamps) / 1e6 * float64(microvolts) / 1e6, err
}

func (b *battery) close() {
	for _, f := range []*file{&b.status, &b.power, &b.current, &b.volts} {
		f.close()
	}
}

// list finds the batteries of the device and what charges them.
func list(root fs.FS) (*gauge, error) {
	entries, err := fs.ReadDir(root, class)
	if err != nil {
		return nil, fmt.Errorf("battery: %w", err)
	}
	g := &gauge{}
	for _, e := range entries {
		at := func(name string) file { return file{root: root, name: path.Join(class, e.Name(), name)} }
		if at("scope").says() == "Device" {
			continue // of a mouse, a pen, a headset
		}
		switch kind := at("type").says(); kind {
		case "Battery":
			if at("present").says() == "0" {
				continue // an empty bay
			}
			b := battery{name: e.Name(), status: at("status"), current: at("current_now"), volts: at("voltage_now")}
			if power := at("power_now"); power.exists() {
				b.power = power
			}
			g.batteries = append(g.batteries, b)
		case "Mains", "Wireless":
			g.chargers = append(g.chargers, supply{at("online")})
		default:
			if strings.HasPrefix(kind, "USB") {
				g.chargers = append(g.chargers, supply{at("online")})
			}
		}
	}
	if len(g.batteries) == 0 {
		return nil, fmt.Errorf("battery: %s: no battery: %w", class, fs.ErrNotExist)
	}
	return g, nil
}

// file is a small file that is opened when it is first read and kept open.
type file struct {
	root fs.FS
	name string
	file *host.File
}

// exists tells whether there is such a file, which may fail to be read now.
func (f *file) exists() bool {
	_, err := fs.Stat(f.root, f.name)
	return err == nil
}

// says is the text of a file that is read once; "" if it cannot be.
func (f file) says() string {
	b, err := host.ReadFile(f.root, f.name, 64)
	if err != nil {
		return ""
	}
	return strings.TrimSpace(string(b))
}

// text is what the file says now, without its end of line.
func (f *file) text() ([]byte, error) {
	if f.file == nil {
		opened, err := host.OpenFile(f.root, f.name, 64)
		if err != nil {
			return nil, err
		}
		f.file = opened
	}
	b, err := f.file.Read()
	for len(b) > 0 && b[len(b)-1] == '\n' {
		b = b[:len(b)-1]
	}
	return b, err
}

// number is what the file says now, whatever its sign.
func (f *file) number() (uint64, error) {
	b, err := f.text()
	if err != nil {
		return 0, err
	}
	if len(b) > 0 && b[0] == '-' {
		b = b[1:]
	}
	n, ok := host.ParseUint(b)
	if !ok {
		return 0, errNoNumber
	}
	return n, nil
}

func (f *file) close() {
	if f.file != nil {
		_ = f.file.Close() // it was only read
		f.file = nil
	}
}
