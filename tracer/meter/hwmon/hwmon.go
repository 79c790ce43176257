// Package hwmon meters what the drivers of the Linux kernel tell of power and
// energy in sys/class/hwmon: graphics cards of AMD and Intel, the processors
// of some servers, the rails of single-board computers, the whole machine
// where its firmware, its controller or its power supply measures it.
//
// A folder of the class tells how much, never of what. That is known for the
// drivers below, from their sources and documentation, and for no other: a
// sensor of any other driver is refused, with that reason, and never added.
//
//   - amdgpu: the power of a graphics card, averaged by its firmware. Where
//     the graphics are part of a processor it is that of the whole processor
//     ("On APUs this includes the CPU", drivers/gpu/drm/amd/pm/amdgpu_pm.c).
//     Of the two dies of an MI250 the first tells for both.
//   - i915 and xe: energy counters of a graphics card; of card, package and
//     tiles the outermost is counted (i915_hwmon.c, xe_hwmon.c; both show
//     discrete cards alone).
//   - amd_energy: energy counters of the processors of some AMD servers
//     (Documentation/hwmon/amd_energy.rst).
//   - ina3221, ina2xx and ina238: rails of a board, by their labels
//     (Documentation/hwmon/ina3221.rst, ina2xx.rst, ina238.rst), and ina3221x,
//     which older kernels for the Jetson have in their place. Where one rail
//     feeds the others, as VDD_IN does, it is the module, and of the others
//     those are counted as its parts that feed one kind of device.
//   - macsmc_hwmon: what a Mac with Apple's own processor draws in all
//     (Documentation/hwmon/macsmc-hwmon.rst).
//   - power_meter: the ACPI 4.0 power meter of a server
//     (Documentation/hwmon/acpi_power_meter.rst).
//   - corsairpsu: a power supply that measures what it gives
//     (Documentation/hwmon/corsair-psu.rst).
//
// Counters of energy are read as such, and power is integrated, never the
// other way round. The power of a moment is all that many a sensor tells: what
// happens between two readings is missed. A graphics card that sleeps is left
// asleep, as reading its sensors would wake it, and is taken to draw nothing.
package hwmon

import (
	"errors"
	"fmt"
	"io/fs"
	"sync"
	"time"

	"github.com/ecotracer/ecotracer/tracer/meter"
)

// hwmon is the open meter.
type hwmon struct {
	domains []meter.Domain

	mu       sync.Mutex
	counters []source
	power    meter.Meter // the gauges, integrated; nil if there are none
	closed   bool
}

// Open opens the sensors below root. Where there is none that could tell
// power or energy, which is the ordinary case, the error wraps fs.ErrNotExist.
// Where none can be counted, it returns a meter whose domains are all left
// out, with the reasons.
//
// It leaves out those that OpenSlow opens.
func Open(root fs.FS) (meter.Meter, error) {
	return open(root, func(d driver) bool { return !d.slow })
}

// OpenSlow opens the sensors below root that take their time to answer, so
// that no other has to wait for them: ACPI power meters, behind which there
// may be the management controller of a server, and power supplies that are
// asked over USB. All of them tell the whole machine. The meter is a
// meter.Pacer. Where there is none, the error wraps fs.ErrNotExist.
func OpenSlow(root fs.FS) (meter.Meter, error) {
	m, err := open(root, func(d driver) bool { return d.slow })
	if err != nil {
		return nil, err
	}
	return struct {
		meter.Meter
		meter.Pacer
	}{m, pace{}}, nil
}

// open opens the chips of the drivers that are to be kept.
func open(root fs.FS, keep func(driver) bool) (meter.Meter, error) {
	chips, err := list(root, keep)
	if err != nil {
		return nil, missing(err)
	}
	planned := plan(chips, nvidiaGPUs(root))
	if len(planned) == 0 {
		return nil, missing(fmt.Errorf("%s: no sensor of power or energy: %w", class, fs.ErrNotExist))
	}
	m := &hwmon{}
	gauges := &gauge{}
	for i := range planned {
		p := &planned[i]
		s := newSource(root, i, p, p.channel.take())
		switch {
		case p.LeftOut != "":
			s.close()
		case p.channel.quantity == energy:
			if p.channel.told {
				s.counter.Add(p.channel.raw, p.channel.at)
			}
			m.counters = append(m.counters, s)
		default:
			gauges.sources = append(gauges.sources, s)
		}
		m.domains = append(m.domains, p.Domain)
	}
	if len(gauges.sources) > 0 {
		gauges.domains = m.domains
		m.power = meter.Integrate(gauges)
	}
	return m, nil
}

// missing is why there is no meter: one that a person can mend is told as
// such, that there is no such hardware is not.
func missing(err error) error {
	if errors.Is(err, fs.ErrPermission) {
		return &meter.Missing{What: "hwmon", Why: class + " is not readable", Fix: "run as root, or with CAP_DAC_READ_SEARCH", Err: err}
	}
	return fmt.Errorf("hwmon: %w", err)
}

// pace is that of the slow sensors.
type pace struct{}

func (pace) Period() time.Duration  { return time.Second }
func (pace) Timeout() time.Duration { return 10 * time.Second }

// Domains lists the sensors in the order of the kernel's numbers.
func (m *hwmon) Domains() []meter.Domain { return m.domains }

// Read reads each sensor that is counted.
func (m *hwmon) Read(dst []meter.Sample) ([]meter.Sample, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.closed {
		return dst, fmt.Errorf("hwmon: read: %w", fs.ErrClosed)
	}
	before := time.Now()
	for i := range m.counters {
		s := &m.counters[i]
		raw, condition := s.read()
		after := time.Now()
		sample := meter.Sample{Domain: s.domain, Time: before.Add(after.Sub(before) / 2), Condition: condition}
		switch {
		case s.slept:
			s.last = sample.Time
		case condition == meter.OK:
			sample.Condition = s.add(raw, sample.Time)
		}
		sample.Joules = s.counter.Joules()
		dst = append(dst, sample)
		before = after
	}
	if m.power == nil {
		return dst, nil
	}
	return m.power.Read(dst)
}

// Close closes the files.
func (m *hwmon) Close() error {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.closed = true
	for i := range m.counters {
		m.counters[i].close()
	}
	if m.power != nil {
		return m.power.Close()
	}
	return nil
}

// gauge are the sensors that only tell power.
type gauge struct {
	domains []meter.Domain
	sources []source
}

func (g *gauge) Domains() []meter.Domain { return g.domains }

func (g *gauge) Read(dst []meter.Power) ([]meter.Power, error) {
	before := time.Now()
	for i := range g.sources {
		s := &g.sources[i]
		microwatts, condition := s.read()
		after := time.Now()
		p := meter.Power{Domain: s.domain, Time: before.Add(after.Sub(before) / 2), Watts: float64(microwatts) / 1e6, Condition: condition}
		if s.positive && microwatts == 0 && !s.slept && condition == meter.OK {
			p.Condition = meter.Unreadable // what is awake draws power: the firmware has failed
		}
		dst = append(dst, p)
		before = after
	}
	return dst, nil
}

func (g *gauge) Close() error {
	for i := range g.sources {
		g.sources[i].close()
	}
	return nil
}

// nvidiaGPUs is how many GPUs have the first numbers, as NVIDIA's driver
// counts them.
func nvidiaGPUs(root fs.FS) int {
	entries, _ := fs.ReadDir(root, "proc/driver/nvidia/gpus") // none without the driver
	return len(entries)
}
