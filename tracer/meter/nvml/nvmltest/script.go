package nvmltest

import (
	"bytes"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"
)

// Script is what the library answers. The zero Script is a driver without any
// GPU.
type Script struct {
	Driver string // its version; "" is 550.54.15
	GPUs   []GPU

	// Clock is what the library takes for now. The zero Time is the true
	// clock, which all processes share.
	Clock time.Time

	// Epoch tells one load of the driver from the next: when it changes, the
	// library has to be initialised anew. Generation tells the resets of the
	// GPUs: when it changes, handles of devices are no longer good.
	Epoch, Generation int

	// Told names a file that the library makes when it tells somebody of a
	// process that holds a GPU, for those who have to wait for it.
	Told string

	// Fail gives functions a return code (nvmlReturn_t), Hang keeps them from
	// returning for so long, or until the script is rewritten without it. The
	// name of the function is that of its symbol; "*" is every function.
	Fail map[string]int
	Hang map[string]time.Duration
}

// GPU is one device. What is 0 is not supported by it, if nothing else is said.
type GPU struct {
	UUID, Name  string
	PCI         string // bus ID: 00000000:17:00.0
	Arch        int    // NVML_DEVICE_ARCH_*: 2 is Kepler, 5 Volta, 7 Ampere, 9 Hopper
	MemoryBytes int64
	LimitW      float64 // enforced power limit
	DefaultW    float64 // default power limit

	// The plant: from each Step's time on the GPU draws its power. The energy
	// counter, if HasCounter, shows CounterJ and what was drawn since the first
	// step, in whole millijoules; the power is that of the moment. At most 64
	// steps, in the order of time.
	HasCounter bool
	CounterJ   float64
	Plant      []Step

	// What power readings say in place of the plant's, W: PowerW that of
	// nvmlDeviceGetPowerUsage, AverageW and InstantW those of the field values of
	// the GPU, ModuleW those of the module that it is a part of. Below 0 is 0.
	PowerW, AverageW, InstantW, ModuleW float64

	// NoScopes is a driver that does not know of modules, and tells the GPU's
	// own power in place of its module's.
	NoScopes bool

	Processes []Process

	MIG       bool // supported and enabled
	MaxMIG    int  // how many instances there may be: compute slices of the GPU
	Instances []Instance

	Fail map[string]int // as of Script, for this GPU only
	Hang map[string]time.Duration
}

// Step is a change of power.
type Step struct {
	From  time.Time
	Watts float64
}

// Process is one that holds a context on a GPU.
type Process struct {
	PID         int
	MemoryBytes int64
	SM          int  // utilisation, percent
	Instance    int  // which MIG instance, from 1; 0: none
	Graphics    bool // not compute
	MPS         bool // a client of the multi-process service; its server is a process like others
}

// Instance is a MIG device.
type Instance struct {
	UUID     string
	GI, CI   int // numbers of its GPU instance and compute instance
	GISlices int
	CISlices int
	MemoryMB int64
}

// EnergyJ is what the plant has drawn by a time, in J: the truth.
func (g *GPU) EnergyJ(by time.Time) float64 {
	sum := 0.0
	for i, s := range g.Plant {
		to := by
		if i+1 < len(g.Plant) && g.Plant[i+1].From.Before(by) {
			to = g.Plant[i+1].From
		}
		if to.After(s.From) {
			sum += s.Watts * to.Sub(s.From).Seconds()
		}
	}
	return sum
}

// Write puts the script in place of what is at path, at once. Running processes
// notice it at their next call.
func (s *Script) Write(t testing.TB, path string) {
	t.Helper()
	f, err := os.CreateTemp(filepath.Dir(path), "script-*")
	if err != nil {
		t.Fatal(err)
	}
	_, err = f.Write(s.text())
	if closeErr := f.Close(); err == nil {
		err = closeErr
	}
	if err == nil {
		err = os.Rename(f.Name(), path)
	}
	if err != nil {
		t.Fatal(err)
	}
}

// text is the script as the library reads it: a word and its values a line;
// what stands behind "gpu" is of that one.
func (s *Script) text() []byte {
	var b bytes.Buffer
	line := func(word string, values ...any) {
		fmt.Fprintln(&b, append([]any{word}, values...)...)
	}
	rules := func(fail map[string]int, hang map[string]time.Duration) {
		for _, function := range slices.Sorted(maps.Keys(fail)) {
			line("fail", function, fail[function])
		}
		for _, function := range slices.Sorted(maps.Keys(hang)) {
			line("hang", function, hang[function].Seconds())
		}
	}
	if s.Driver != "" {
		line("driver", s.Driver)
	}
	if s.Told != "" {
		line("told", s.Told)
	}
	if !s.Clock.IsZero() {
		line("clock", s.Clock.UnixNano())
	}
	line("epoch", s.Epoch)
	line("generation", s.Generation)
	rules(s.Fail, s.Hang)
	for _, g := range s.GPUs {
		line("gpu")
		g.write(line)
		rules(g.Fail, g.Hang)
	}
	return b.Bytes()
}

func (g *GPU) write(line func(word string, values ...any)) {
	line("uuid", g.UUID)
	line("name", g.Name)
	line("pci", g.PCI)
	line("arch", g.Arch)
	line("memory", g.MemoryBytes)
	line("limit", milli(g.LimitW), milli(g.DefaultW))
	if g.HasCounter {
		line("energy", milli(g.CounterJ))
	}
	for _, s := range g.Plant {
		line("watts", s.From.UnixNano(), s.Watts)
	}
	for _, said := range []struct {
		word  string
		watts float64
	}{{"power", g.PowerW}, {"average", g.AverageW}, {"instant", g.InstantW}, {"module", g.ModuleW}} {
		if said.watts != 0 {
			line(said.word, milli(said.watts))
		}
	}
	if g.NoScopes {
		line("scopeless")
	}
	if g.MIG || g.MaxMIG > 0 {
		enabled := 0
		if g.MIG {
			enabled = 1
		}
		line("mig", enabled, g.MaxMIG)
	}
	for _, m := range g.Instances {
		line("instance", m.UUID, m.GI, m.CI, m.GISlices, m.CISlices, m.MemoryMB)
	}
	for _, p := range g.Processes {
		kind := "C"
		switch {
		case p.Graphics:
			kind = "G"
		case p.MPS:
			kind = "M"
		}
		line("process", p.PID, p.MemoryBytes, p.SM, p.Instance, kind)
	}
}

// milli is a figure in thousandths.
func milli(v float64) uint64 { return uint64(max(v, 0) * 1000) }
