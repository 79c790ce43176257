package detect_test

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"runtime"
	"strings"
	"sync"
	"syscall"
	"testing"
	"testing/fstest"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/ecotracer/ecotracer/internal/hosttest"
	"github.com/ecotracer/ecotracer/lifecycle"
	"github.com/ecotracer/ecotracer/tracer/meter"
	"github.com/ecotracer/ecotracer/tracer/meter/detect"
	"github.com/ecotracer/ecotracer/tracer/tracertest"
)

// found is what was detected: the counted domains with their meter, and all
// that is missing.
func found(t *testing.T, root fs.FS, given ...meter.Meter) (counted []string, r detect.Report, ms []meter.Meter) {
	t.Helper()
	ms, r = detect.Detect(root, given...)
	t.Cleanup(func() {
		for _, m := range ms {
			assert.NoError(t, m.Close())
		}
	})
	for _, d := range r.Domains {
		assert.NotEmpty(t, d.Meter)
		if d.LeftOut == "" {
			counted = append(counted, d.Meter+" "+d.ID)
		}
	}
	return counted, r, ms
}

// told are the domains that the meters tell.
func told(t *testing.T, ms []meter.Meter) map[string]float64 {
	t.Helper()
	joules := map[string]float64{}
	for _, m := range ms {
		samples, err := m.Read(nil)
		require.NoError(t, err)
		for _, s := range samples {
			d := m.Domains()[s.Domain]
			require.Empty(t, d.LeftOut, d.ID)
			require.NotContains(t, joules, d.ID)
			joules[d.ID] = s.Joules
		}
	}
	return joules
}

func missing(r detect.Report) string {
	var b strings.Builder
	for _, m := range r.Missing {
		b.WriteString(m.Error() + "\n")
	}
	return b.String()
}

func TestDetectOnHosts(t *testing.T) {
	for name, want := range map[string]struct {
		counted []string
		missing string
	}{
		"laptop-intel":      {[]string{"powercap cpu0", "powercap node0/rest"}, ""},
		"server-intel-psys": {[]string{"powercap cpu0", "powercap dram0", "powercap cpu1", "powercap dram1", "powercap node0/rest"}, ""},
		"desktop-amd-dies":  {[]string{"powercap cpu0", "model dram0", "model node0/rest"}, ""},
		"container-denied":  {[]string{"model cpu0", "model dram0", "model node0/rest"}, "CAP_PERFMON"},
		"server-intel":      {[]string{"powercap cpu0", "powercap dram0", "powercap cpu1", "powercap dram1", "model node0/rest"}, ""},
		"server-amd":        {[]string{"powercap cpu1", "powercap cpu0", "model dram0", "model node0/rest"}, ""},
		"desktop-root-only": {[]string{"model cpu0", "model dram0", "model node0/rest"}, "rapl package-0: its counter is for root only"},
		"vm-aws":            {[]string{"model cpu0", "model dram0", "model node0/rest"}, "rapl: a virtual machine"},
		"container-masked":  {[]string{"model cpu0", "model cpu1", "model dram0", "model node0/rest"}, "systempaths=unconfined"},
		"board-arm":         {[]string{"model cpu0", "model dram0", "model node0/rest"}, "rapl: this CPU"},
		"board-jetson-nx":   {[]string{"hwmon node0"}, "rapl: this CPU"},
		"board-jetson-agx":  {[]string{"hwmon gpu0", "hwmon cpu0", "hwmon dram0", "model node0/rest"}, "rapl: this CPU"},
		"desktop-amd-gpu":   {[]string{"hwmon cpu0", "hwmon gpu1", "hwmon gpu0", "model dram0", "model node0/rest"}, "modprobe"},
		"laptop-mac":        {[]string{"hwmon node0"}, "rapl: this CPU"},
		"server-mi250":      {[]string{"hwmon gpu0", "hwmon gpu2", "hwmon-slow node0/rest"}, "modprobe"},
	} {
		t.Run(name, func(t *testing.T) {
			counted, r, ms := found(t, hosttest.Open(t, name))
			assert.Equal(t, want.counted, counted)
			assert.Len(t, told(t, ms), len(want.counted), "what is counted is told, and nothing else")
			if want.missing == "" {
				assert.Empty(t, r.Missing)
			} else {
				assert.Len(t, r.Missing, 1)
				assert.Contains(t, missing(r), want.missing)
			}
		})
	}
}

func TestHostWithoutAnyFilesIsNoFailure(t *testing.T) {
	counted, r, ms := found(t, os.DirFS(t.TempDir()))
	assert.Empty(t, counted)
	assert.Empty(t, ms)
	assert.Contains(t, missing(r), "model: ")
	assert.Contains(t, missing(r), "rapl: ")
}

// Trap 54: what a model stands in for is listed as missing.
func TestOneSocketThatCannotBeReadIsModelled(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := tracertest.NewHost(t.TempDir(), tracertest.HostConfig{Packages: []tracertest.Curve{tracertest.Constant(1), tracertest.Constant(2)}, DRAM: []tracertest.Curve{tracertest.Constant(1)}})
		h.Fail(tracertest.EnergyFile("intel-rapl:0"), syscall.EACCES)
		h.Fail(tracertest.EnergyFile("intel-rapl:0:0"), syscall.EACCES)
		counted, r, _ := found(t, h)
		assert.Equal(t, []string{"powercap cpu1", "model cpu0", "model dram0", "model node0/rest"}, counted)
		require.Len(t, r.Missing, 1)
		assert.Equal(t, "rapl package-0, package-0/dram", r.Missing[0].What, "one line for one cause")
		assert.NotEmpty(t, r.Missing[0].Fix)
	})
}

// Powercap and perf read the same counters: what one of them may not read and
// the other does is not missing.
func TestCounterThatIsReadAnotherWayIsNotMissing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := tracertest.NewHost(t.TempDir(), tracertest.HostConfig{Packages: []tracertest.Curve{tracertest.Constant(1), tracertest.Constant(2)}})
		h.Fail(tracertest.EnergyFile("intel-rapl:0"), syscall.EACCES)
		h.Fail(tracertest.EnergyFile("intel-rapl:1"), syscall.EACCES)
		events := tracertest.NewMeter(tracertest.Domain{Domain: meter.Domain{ID: "cpu0", Sensor: "rapl"}})
		_, r, _ := found(t, h, events)
		require.Len(t, r.Missing, 1)
		assert.Equal(t, "rapl package-1", r.Missing[0].What)
	})
}

func TestGivenMeterTakesPlaceOfWhatItTellsBetter(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := tracertest.NewHost(t.TempDir(), tracertest.HostConfig{Packages: []tracertest.Curve{tracertest.Constant(1), tracertest.Constant(2)}})
		outlet := tracertest.NewMeter(
			tracertest.Domain{Domain: meter.Domain{ID: "cpu1", Method: lifecycle.Metered}, Power: tracertest.Constant(7)},
			tracertest.Domain{Domain: meter.Domain{ID: "cpu0", Method: lifecycle.Modelled}, Power: tracertest.Constant(9)},
			tracertest.Domain{Domain: meter.Domain{ID: "gpu0"}, Power: tracertest.Constant(11)},
		)
		counted, r, ms := found(t, h, outlet)
		assert.Equal(t, []string{"given cpu1", "given gpu0", "powercap cpu0", "model dram0", "model node0/rest"}, counted)
		time.Sleep(10 * time.Second)
		j := told(t, ms)
		assert.InDelta(t, 70, j["cpu1"], 1e-4, "metered before counter")
		assert.InDelta(t, 10, j["cpu0"], 1e-4, "counter before modelled")
		assert.InDelta(t, 110, j["gpu0"], 1e-4)
		assert.Len(t, j, 5)
		whys := map[string]string{}
		for _, d := range r.Domains {
			if d.LeftOut != "" {
				whys[d.Meter+" "+d.ID] = d.LeftOut + ": " + d.Why
			}
		}
		assert.Equal(t, map[string]string{
			"given given:cpu0":       "mirrored: powercap tells the same device",
			"powercap powercap:cpu1": "mirrored: given tells the same device",
		}, whys)
	})
}

func TestOfEqualsTheGivenMeterIsCounted(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := tracertest.NewHost(t.TempDir(), tracertest.HostConfig{})
		counted, _, _ := found(t, h, tracertest.NewMeter(tracertest.Domain{Domain: meter.Domain{ID: "socket0", Kind: lifecycle.KindCPU}}))
		assert.Equal(t, []string{"given socket0", "model dram0", "model node0/rest"}, counted)
		assert.Zero(t, openCounters(h), "a meter that is left with nothing is closed")
	})
}

// openCounters is how many files are open beside the model's proc/stat.
func openCounters(h *tracertest.Host) int { return h.OpenFiles() - 1 }

func TestNodeThatIsMeteredKeepsItsPartsApart(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := tracertest.NewHost(t.TempDir(), tracertest.HostConfig{DRAM: []tracertest.Curve{tracertest.Constant(3)}})
		node := tracertest.NewMeter(tracertest.Domain{Domain: meter.Domain{ID: "node0", Method: lifecycle.Metered}, Power: tracertest.Constant(300)})
		counted, r, ms := found(t, h, node)
		assert.Equal(t, []string{"given node0/rest", "powercap cpu0", "powercap dram0"}, counted, "trap 9: parts and whole are not added up")
		assert.Empty(t, r.Missing)
		assert.Equal(t, lifecycle.Counter, r.Domains[0].Method, "a difference is no better than what it is made of")
		assert.Equal(t, "what the node (node0) draws beyond cpu0 and dram0", r.Domains[0].Why)
		told(t, ms)
		time.Sleep(10 * time.Second)
		j := told(t, ms)
		assert.InDelta(t, 200, j["cpu0"], 1e-4)
		assert.InDelta(t, 30, j["dram0"], 1e-4)
		assert.InDelta(t, 3000, j["cpu0"]+j["dram0"]+j["node0/rest"], 1e-3, "trap 39: all together are what the node used")
	})
}

func TestNodeWithoutMeteredPartsIsAllThatIsCounted(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := tracertest.NewHost(t.TempDir(), tracertest.HostConfig{VM: true})
		node := tracertest.NewMeter(tracertest.Domain{Domain: meter.Domain{ID: "node0", Method: lifecycle.Metered}, Power: tracertest.Constant(300)})
		counted, _, ms := found(t, h, node)
		assert.Equal(t, []string{"given node0"}, counted, "nothing of it is modelled once more")
		time.Sleep(10 * time.Second)
		assert.Equal(t, map[string]float64{"node0": 3000}, told(t, ms))
	})
}

func TestPaceOfAMeterIsKept(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := tracertest.NewHost(t.TempDir(), tracertest.HostConfig{})
		slow := &tracertest.Slow{Meter: tracertest.NewMeter(
			tracertest.Domain{Domain: meter.Domain{ID: "gpu0"}},
			tracertest.Domain{Domain: meter.Domain{ID: "cpu0", Method: lifecycle.Modelled}},
		), Every: 3 * time.Second, Limit: time.Second}
		_, _, ms := found(t, h, slow)
		p, ok := ms[0].(meter.Pacer)
		require.True(t, ok, "also where one of its domains is left out")
		assert.Equal(t, 3*time.Second, p.Period())
		assert.Equal(t, map[string]float64{"gpu0": 0}, told(t, ms[:1]))
	})
}

func TestMetersFromDetectionKeepTheRules(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := tracertest.NewHost(t.TempDir(), tracertest.HostConfig{Packages: []tracertest.Curve{tracertest.Constant(1), tracertest.Constant(2)}})
		tracertest.TestMeter(t, func() (meter.Meter, error) {
			ms, _ := detect.Detect(h, tracertest.NewMeter(tracertest.Domain{Domain: meter.Domain{ID: "socket0", Kind: lifecycle.KindCPU, Method: lifecycle.Metered}}))
			for i, m := range ms {
				if i != 1 {
					require.NoError(t, m.Close())
				}
			}
			require.Equal(t, "mirrored", ms[1].Domains()[0].LeftOut)
			return ms[1], nil // powercap without cpu0
		})
	})
}

// registered is what the sources of this test binary do; there is only one
// list of sources.
var registered = map[string]func(fs.FS) (meter.Meter, error){}

var register = sync.OnceFunc(func() {
	for _, name := range []string{"a", "b"} {
		meter.Register(name, func(root fs.FS) (meter.Meter, error) {
			if open := registered[name]; open != nil {
				return open(root)
			}
			return nil, &meter.Missing{What: name, Why: "not in this test", Err: meter.ErrNoHardware}
		})
	}
})

func TestRegisteredSources(t *testing.T) {
	register()
	t.Cleanup(func() { clear(registered) })
	gpu := func(fs.FS) (meter.Meter, error) {
		return tracertest.NewMeter(tracertest.Domain{Domain: meter.Domain{ID: "gpu0"}}), nil
	}
	registered["a"] = gpu
	registered["b"] = func(fs.FS) (meter.Meter, error) { return nil, errors.New("b: libvendor.so: not found") }
	counted, r, _ := found(t, hosttest.Open(t, "laptop-intel"))
	assert.Equal(t, []string{"powercap cpu0", "powercap node0/rest", "a gpu0"}, counted)
	assert.Equal(t, "b: libvendor.so: not found\n", missing(r), "its name is told once")

	registered["b"] = func(fs.FS) (meter.Meter, error) { panic("nil map in a driver") }
	counted, r, _ = found(t, hosttest.Open(t, "laptop-intel"))
	assert.Len(t, counted, 3, "the host program and the other meters are unharmed")
	assert.Contains(t, missing(r), "nil map in a driver")

	registered["b"] = func(fs.FS) (meter.Meter, error) { return nil, nil }
	_, r, _ = found(t, hosttest.Open(t, "laptop-intel"))
	assert.Contains(t, missing(r), "b: ")

	registered["b"] = func(fs.FS) (meter.Meter, error) {
		return nil, &meter.Missing{What: "b", Why: "no such card", Err: meter.ErrNoHardware}
	}
	_, r, _ = found(t, hosttest.Open(t, "laptop-intel"))
	assert.Empty(t, missing(r), "hardware that the host does not have is not missing")

	registered["b"] = gpu
	counted, _, _ = found(t, hosttest.Open(t, "laptop-intel"))
	assert.Len(t, counted, 3, "two that tell one device count once")
}

// cards are GPUs of all makers, as their drivers show them.
func cards() fstest.MapFS {
	return fstest.MapFS{
		"proc/driver/nvidia/gpus/0000:17:00.0/information": {Data: []byte("Model: \t\t NVIDIA H100 PCIe\nIRQ:   \t\t 150\nGPU UUID: \t GPU-secret\n")},
		"proc/driver/nvidia/gpus/0000:65:00.0/information": {Data: []byte("Model: \t\t NVIDIA H100 PCIe\nGPU UUID: \t GPU-secret\n")},
		"proc/driver/nvidia/gpus/0000:ca:00.0/information": {Data: []byte("garbage")},
		"sys/class/drm/card0/device/vendor":                {Data: []byte("0x1002\n")},
		"sys/class/drm/card0/device/uevent":                {Data: []byte("DRIVER=amdgpu\nPCI_SLOT_NAME=0000:03:00.0\n")},
		"sys/class/drm/card0-HDMI-A-1/device/vendor":       {Data: []byte("0x1002\n")},
		"sys/class/drm/card1/device/vendor":                {Data: []byte("0x8086\n")},
		"sys/class/drm/card1/device/uevent":                {Data: []byte("DRIVER=i915\nPCI_SLOT_NAME=0000:00:02.0\n")},
		"sys/class/drm/card2/device/vendor":                {Data: []byte("0x10de\n")},
		"sys/class/drm/card2/device/uevent":                {Data: []byte("DRIVER=nvidia\nPCI_SLOT_NAME=0000:17:00.0\n")},
		"sys/class/drm/card3/device/vendor":                {Data: []byte("0x8086\n")},
		"sys/class/drm/card3/device/uevent":                {Data: []byte("DRIVER=xe\nPCI_SLOT_NAME=0000:51:00.0\n")},
		"sys/class/drm/card4/device/vendor":                {Data: []byte("0x1a03\n")},
	}
}

// missingGPUs are those lines of what is missing.
func missingGPUs(r detect.Report) []string {
	var list []string
	for _, m := range r.Missing {
		if strings.HasPrefix(m.What, "gpu") {
			list = append(list, m.What+": "+m.Why)
		}
	}
	return list
}

// It guards trap 20.
func TestTrap20GPUsThatNoMeterCountsAreMissing(t *testing.T) {
	_, r, _ := found(t, cards())
	assert.Equal(t, []string{
		"gpu NVIDIA H100 PCIe: the kernel shows 2, and no meter counts them",
		"gpu NVIDIA: the kernel shows 1, and no meter counts them",
		"gpu AMD: the kernel shows 1, and no meter counts them (graphics inside a CPU are part of its package)",
		"gpu Intel: the kernel shows 1, and no meter counts them",
	}, missingGPUs(r), "each once, without the graphics on the processor and the BMC's")
	text := missing(r)
	assert.Contains(t, text, `import _ "github.com/ecotracer/ecotracer/tracer/meter/nvml"`, "what would mend it")
	assert.Contains(t, text, "tracer.Meters", "what would mend it")
	assert.NotContains(t, text, "secret", "what tells one device from another is not reported")
}

func TestGPUsThatAreMeteredAreNotMissing(t *testing.T) {
	gpus := func(more func(i int, d *meter.Domain), n int) meter.Meter {
		var domains []tracertest.Domain
		for i := range n {
			d := tracertest.Domain{Domain: meter.Domain{ID: fmt.Sprint("gpu", i)}}
			more(i, &d.Domain)
			domains = append(domains, d)
		}
		return tracertest.NewMeter(domains...)
	}
	for name, test := range map[string]struct {
		meter meter.Meter
		want  []string
	}{
		"by their addresses": {
			gpus(func(i int, d *meter.Domain) { d.Path = []string{"00000000:17:00.0", "0000:03:00.0"}[i] }, 2),
			[]string{"gpu NVIDIA H100 PCIe: the kernel shows 1", "gpu NVIDIA: the kernel shows 1", "gpu Intel: the kernel shows 1"},
		},
		"by who made them": {
			gpus(func(_ int, d *meter.Domain) { d.Sensor = "nvml" }, 3),
			[]string{"gpu AMD: the kernel shows 1", "gpu Intel: the kernel shows 1"},
		},
		"by their number": {gpus(func(int, *meter.Domain) {}, 5), nil},
		"but not those that cannot be read": {
			gpus(func(i int, d *meter.Domain) {
				d.Path = "0000:51:00.0"
				d.LeftOut, d.Why = "refused", "it counts nonsense"
			}, 1),
			[]string{"gpu NVIDIA H100 PCIe: the kernel shows 2", "gpu NVIDIA: the kernel shows 1", "gpu AMD: the kernel shows 1", "gpu Intel: the kernel shows 1"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			_, r, _ := found(t, cards(), test.meter)
			var got []string
			for _, m := range missingGPUs(r) {
				m, _, _ = strings.Cut(m, ",")
				got = append(got, m)
			}
			assert.Equal(t, test.want, got)
		})
	}
}

func TestGPUsThatANodeTellsOfAreMissingOnlyApart(t *testing.T) {
	node := tracertest.NewMeter(tracertest.Domain{Domain: meter.Domain{ID: "node0", Method: lifecycle.Metered}})
	_, r, _ := found(t, cards(), node)
	for _, line := range missingGPUs(r) {
		assert.Contains(t, line, "; what they draw is in node0")
	}
	for _, m := range r.Missing {
		assert.False(t, m.Uncounted, m.What)
	}
}

func TestASourceThatFindsNoneOfItsHardwareIsNothingToMend(t *testing.T) {
	register()
	t.Cleanup(func() { clear(registered) })
	registered["a"] = func(fs.FS) (meter.Meter, error) {
		return nil, &meter.Missing{What: "a", Why: "no such device", Err: fs.ErrNotExist}
	}
	registered["b"] = func(fs.FS) (meter.Meter, error) {
		return nil, &meter.Missing{What: "rapl (perf)", Why: "perf may not be used", Fix: "sysctl", Err: fs.ErrPermission}
	}
	_, r, _ := found(t, hosttest.Open(t, "laptop-intel"))
	assert.Empty(t, missing(r), "and what one way does not tell, another does")
	_, r, _ = found(t, hosttest.Open(t, "vm-aws"))
	assert.Contains(t, missing(r), "perf may not be used")
}

// Trap 17, trap 18: every descriptor is closed, and nothing is left running.
func TestDetectionStartsNothingAndLeavesNothingOpen(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := tracertest.NewHost(t.TempDir(), tracertest.HostConfig{DRAM: []tracertest.Curve{tracertest.Constant(1)}})
		before := runtime.NumGoroutine()
		ms, _ := detect.Detect(h)
		assert.Equal(t, before, runtime.NumGoroutine(), "no goroutine")
		for _, m := range ms {
			require.NoError(t, m.Close())
		}
		assert.Zero(t, h.OpenFiles())
	})
}

func TestDetectOnThisMachine(t *testing.T) {
	counted, r, ms := found(t, os.DirFS("/"))
	if runtime.GOOS != "linux" {
		assert.NotEmpty(t, r.Missing, "what is missing is said")
		return
	}
	assert.NotEmpty(t, counted, missing(r))
	assert.Len(t, told(t, ms), len(counted))
}

// BenchmarkDetect is to take less than 20 ms on every host.
func BenchmarkDetect(b *testing.B) {
	for _, name := range hosttest.Names() {
		b.Run(name, func(b *testing.B) {
			root := hosttest.Open(b, name)
			for b.Loop() {
				ms, _ := detect.Detect(root)
				for _, m := range ms {
					_ = m.Close()
				}
			}
		})
	}
}

func TestIdlePowerOfANodeIsWithoutThatOfItsParts(t *testing.T) {
	idle := func(name string, given ...meter.Meter) map[string]float64 {
		_, r, _ := found(t, hosttest.Open(t, name), given...)
		of := map[string]float64{}
		for _, d := range r.Domains {
			if d.LeftOut == "" {
				of[d.ID] = d.IdleW
			}
		}
		return of
	}
	node := func() meter.Meter {
		return tracertest.NewMeter(tracertest.Domain{Domain: meter.Domain{ID: "node0", Method: lifecycle.Metered}})
	}
	parts := idle("server-intel")
	rest := idle("server-intel", node())
	assert.InDelta(t, parts["node0/rest"], rest["node0/rest"], 1e-9, "packages and memory have theirs")
	laptop := idle("laptop-intel")
	assert.InDelta(t, 6+2.48, laptop["node0/rest"], 0.01, "its memory has no counter")
	whole := idle("container-masked")
	assert.InDelta(t, whole["cpu0"]+whole["cpu1"]+whole["dram0"]+whole["node0/rest"], idle("container-masked", node())["node0"], 1e-9)
	assert.Zero(t, idle("vm-aws", node())["node0"], "nobody knows what is behind a virtual machine")
	known := tracertest.NewMeter(
		tracertest.Domain{Domain: meter.Domain{ID: "node0", IdleW: 100, IdleFound: "calibration", Method: lifecycle.Metered}},
		tracertest.Domain{Domain: meter.Domain{ID: "gpu0", IdleW: 70, IdleFound: "calibration"}})
	assert.Equal(t, map[string]float64{"gpu0": 70, "node0/rest": 30}, idle("container-masked", known), "what the meters know comes first")
}
