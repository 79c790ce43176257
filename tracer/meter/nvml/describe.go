//go:build linux && (amd64 || arm64)

package nvml

import (
	"fmt"
	"math"
	"strings"
	"time"

	"github.com/ecotracer/ecotracer/lifecycle"
	"github.com/ecotracer/ecotracer/tracer/meter"
)

// How wrong the figures are, at 95 %. The driver's power is within 5 % (NVML API
// reference, nvmlDeviceGetPowerUsage; Yang et al. 2023, arXiv:2312.02741, found
// the same on 70 GPUs). A mean that is read once a second misses little; power
// of the moment misses what happens between two readings, and on some GPUs the
// sensor itself looks at a quarter of the time only (ibid.). A share of MIG
// slices is a model: instances of one size differ by use (arXiv:2501.17752).
const (
	counterError = 0.05
	averageError = 0.10
	instantError = 0.15
	migError     = 0.50
)

const (
	// update is how often the counter moves: every 20 to 100 ms.
	update = 100 * time.Millisecond

	// rest is how long the counter may stay as it is. A GPU that is kept awake
	// draws watts, and a step is 1 mJ.
	rest = 30 * time.Second

	// neverWraps is the range of a 64-bit counter: it starts anew with the
	// driver, which is no wrap.
	neverWraps = math.MaxUint64

	// plausible is how many times its limit a GPU may be told to draw, and
	// plausibleW what one without a limit may. It tells a reset from a step, so
	// it is far above any product.
	plausible  = 4
	plausibleW = 2000
)

// described is what is known of one GPU before it is decided who may use it.
type described struct {
	domain    meter.Domain
	module    *meter.Domain // of which it is a part, if its counter is the module's
	handle    device
	by        source
	raw       uint64 // of the counter, mJ
	at        time.Time
	instances []instance
}

// describe asks the library all about the GPU of an index.
func (m *nvidia) describe(index int, driver string) described {
	d := described{domain: meter.Domain{
		ID: fmt.Sprintf("gpu%d", index), Kind: lifecycle.KindGPU, Device: index, Name: fmt.Sprintf("GPU %d", index),
		Method: lifecycle.Counter, Sensor: "nvml", Tool: "NVIDIA driver", Version: driver,
	}}
	o := &d.domain
	var r result
	if d.handle, r = m.byIndex(index); r != success {
		d.unreadable("the driver does not give access to it: "+r.String(), fixOf(r))
		return d
	}
	o.UUID, _ = m.words(fUUID, d.handle)
	o.Model, _ = m.words(fName, d.handle)
	o.Path = m.busID(d.handle)
	o.MemoryBytes = m.memoryBytes(d.handle)
	o.PowerLimitW = m.watts(fEnforcedLimit, d.handle)
	o.TDPW = m.watts(fDefaultLimit, d.handle)
	o.MaxW = plausible * max(o.PowerLimitW, o.TDPW)
	if o.MaxW == 0 {
		o.MaxW = plausibleW
	}
	d.instances = m.instancesOf(d.handle, o.MemoryBytes)
	m.decide(&d)
	return d
}

// watts is a limit, which the library tells in mW.
func (m *nvidia) watts(f function, d device) float64 {
	mw, r := m.number(f, d)
	if r != success {
		return 0
	}
	return float64(mw) / 1e3
}

// decide chooses what a GPU is counted by: its energy counter, else its mean
// power, else its power of the moment.
func (m *nvidia) decide(d *described) {
	o := &d.domain
	isModule := m.isModule(d.handle, o.Model)
	before := time.Now()
	raw, energy := m.energy(d.handle)
	d.raw, d.at = raw, before.Add(time.Since(before)/2)
	power, why := m.power(d.handle, isModule, o.Model)
	switch {
	case energy == success && isModule:
		d.keepModuleApart()
		why = "the energy counter is the whole module's, so " + why
	case energy == success && raw == 0 && power.by != energyCounter:
		why = "the energy counter stands at 0, so " + why
	case energy == success:
		o.Mode, o.RelError = "energy-counter", counterError
		o.ResolutionJ, o.Update, o.RawJ = 1e-3, update, float64(raw)/1e3
		o.Why = "the GPU with its memory, by its own energy counter"
		return
	default:
		why = "no energy counter (" + energy.String() + "), so " + why
	}
	if power.by == energyCounter {
		d.unreadable(why, fixOf(energy))
		return
	}
	d.by, o.Mode, o.Average, o.RelError, o.Why = power.by, power.mode, power.average, power.err, why
}

// isModule tells whether a GPU is part of a module with a CPU, whose energy its
// counter tells (on a GH200: ml-energy/zeus pull request 172). It is known by its
// name, or by a power of its module. Drivers that do not know of modules tell the
// GPU's own power in its place; so the module's has to be more each time, by more
// than what the power changes from one moment to the next.
func (m *nvidia) isModule(d device, model string) bool {
	if strings.Contains(model, "GH200") {
		return true
	}
	for range 3 {
		module, r := m.averagePower(d, scopeModule)
		if r != success {
			return false
		}
		if gpu, r := m.averagePower(d, scopeGPU); r == success && float64(module) < 1.05*float64(gpu)+5000 {
			return false
		}
	}
	return true
}

// reading is a way to tell a GPU's power; by is energyCounter if there is none.
type reading struct {
	by      source
	mode    string
	average time.Duration
	err     float64
}

// power finds how a GPU tells its power. What nvmlDeviceGetPowerUsage tells is
// the mean of a second on Ampere and later but GA100, and the power of the
// moment on GA100 and before (NVML API reference, nvmlDeviceGetPowerUsage). On
// a module it is not said whose it is, and so it is not taken.
func (m *nvidia) power(d device, isModule bool, model string) (p reading, why string) {
	if mw, r := m.averagePower(d, scopeGPU); r == success && mw > 0 {
		return reading{powerAverage, "power-average", time.Second, averageError}, "its mean power of each second is added up"
	}
	_, r := m.number(fPower, d)
	switch {
	case isModule:
		return reading{}, "nothing is counted: its own power is not told"
	case r != success:
		return reading{}, "nothing is counted: its power is not told either (" + r.String() + ")"
	}
	if arch, r := m.number(fArchitecture, d); r == success && arch >= archAmpere && arch != archUnknown && !isGA100(model) {
		return reading{powerUsage, "power-average", time.Second, averageError}, "its mean power of each second is added up"
	}
	return reading{powerUsage, "power-instant", 0, instantError}, "its power of the moment is added up"
}

// isGA100 tells the GPUs with that chip by their names.
func isGA100(model string) bool {
	for _, name := range []string{"A100", "A800", "A30"} {
		for _, word := range strings.FieldsFunc(model, func(r rune) bool { return r == ' ' || r == '-' }) {
			if word == name || word == name+"X" {
				return true
			}
		}
	}
	return false
}

// keepModuleApart tells the counter that is not the GPU's as a domain of its
// own, which is not counted.
func (d *described) keepModuleApart() {
	d.module = &meter.Domain{
		ID: d.domain.ID + "/module", Kind: lifecycle.KindOther, Device: d.domain.Device, Name: "module of " + d.domain.Name, Path: d.domain.Path,
		Method: lifecycle.Counter, Sensor: "nvml", Mode: "energy-counter", Tool: d.domain.Tool, Version: d.domain.Version,
		RelError: counterError, ResolutionJ: 1e-3, Update: update, RawJ: float64(d.raw) / 1e3,
		LeftOut: "refused", Why: "the counter tells the GPU, the CPU and their memory together",
	}
}

func (d *described) unreadable(why, fix string) {
	d.domain.LeftOut, d.domain.Why, d.domain.Fix = "unreadable", why, fix
}

// see decides whether this process may use a GPU, and by which names.
func (d *described) see(i int, v visibility) {
	o := &d.domain
	if o.UUID != "" {
		o.Aliases = append(o.Aliases, o.UUID)
	}
	for _, in := range d.instances {
		if in.uuid != "" {
			o.Aliases = append(o.Aliases, in.uuid)
		}
	}
	if ordinal, ok := v.ordinals[i]; ok {
		o.Aliases = append(o.Aliases, fmt.Sprintf("cuda:%d", ordinal))
	}
	switch {
	case o.LeftOut != "":
	case !v.sees(i):
		o.LeftOut, o.Why = "refused", "not visible to this process (CUDA_VISIBLE_DEVICES)"
	case v.uncertain && !v.all:
		o.Why += "; CUDA_VISIBLE_DEVICES names GPUs of several models by index, which CUDA counts in another order, so it is counted"
		o.Fix = "set CUDA_DEVICE_ORDER=PCI_BUS_ID, or name GPUs by UUID"
	}
}
