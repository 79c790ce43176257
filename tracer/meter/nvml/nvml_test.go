//go:build linux && (amd64 || arm64)

package nvml_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/ecotracer/ecotracer/lifecycle"
	"github.com/ecotracer/ecotracer/tracer/meter"
	"github.com/ecotracer/ecotracer/tracer/meter/nvml"
	"github.com/ecotracer/ecotracer/tracer/meter/nvml/nvmltest"
)

// host is a simulated driver. Its time is that of the bubble it is in.
type host struct {
	*nvmltest.Script
	t    *testing.T
	path string
	m    meter.Meter
}

// start is the time at which a bubble begins.
var start = time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC)

// simulate begins with a script, in a testing/synctest bubble.
func simulate(t *testing.T, s *nvmltest.Script, without ...string) *host {
	t.Helper()
	for _, name := range []string{"CUDA_VISIBLE_DEVICES", "CUDA_DEVICE_ORDER", "ECOTRACER_SCOPE"} {
		t.Setenv(name, "") // to be restored
		require.NoError(t, os.Unsetenv(name))
	}
	s.Clock = time.Now()
	return &host{Script: s, t: t, path: s.Start(t, without...)}
}

// open opens the meter.
func (h *host) open(c nvml.Config) []meter.Domain {
	h.t.Helper()
	m, err := nvml.Open(c)
	require.NoError(h.t, err)
	h.t.Cleanup(func() { assert.NoError(h.t, m.Close()) })
	h.m = m
	return m.Domains()
}

// say has the library answer by the script as it is now.
func (h *host) say() { h.Write(h.t, h.path) }

// pass lets simulated time pass.
func (h *host) pass(d time.Duration) {
	time.Sleep(d)
	h.Clock = time.Now()
	h.say()
}

// read reads the meter: samples by the ID of their domain.
func (h *host) read() map[string]meter.Sample {
	h.t.Helper()
	samples, err := h.m.Read(nil)
	require.NoError(h.t, err)
	got := map[string]meter.Sample{}
	for _, s := range samples {
		id := h.m.Domains()[s.Domain].ID
		require.NotContains(h.t, got, id)
		got[id] = s
	}
	return got
}

func steady(watts float64) nvmltest.Step { return nvmltest.Step{From: start, Watts: watts} }

func decisions(domains []meter.Domain) []string {
	var out []string
	for _, d := range domains {
		s := d.ID + " " + d.Mode
		if d.LeftOut != "" {
			s = d.ID + " " + d.LeftOut
		}
		out = append(out, s)
	}
	return out
}

func TestOneH100IsCountedByItsEnergyCounter(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := simulate(t, nvmltest.Fleet(1, nvmltest.H100, steady(700)))
		d := h.open(nvml.Config{})[0]
		assert.Equal(t, meter.Domain{
			ID: "gpu0", Kind: lifecycle.KindGPU, Name: "GPU 0", Path: "00000000:10:00.0", Model: "NVIDIA H100 80GB HBM3",
			UUID: "GPU-a0000000-1111-2222-3333-000000000000", Aliases: []string{"GPU-a0000000-1111-2222-3333-000000000000", "cuda:0"},
			Method: lifecycle.Counter, Sensor: "nvml", Mode: "energy-counter", Tool: "NVIDIA driver", Version: "550.54.15", RelError: 0.05,
			ResolutionJ: 0.001, Update: 100 * time.Millisecond, RawJ: 12345.678, MaxW: 2800, TDPW: 700, PowerLimitW: 700, MemoryBytes: 85520809984,
			Owned: true, Why: d.Why,
		}, d)
		assert.Contains(t, d.Why, "energy counter")
		assert.Zero(t, h.read()["gpu0"].Joules, "joules count from opening")
	})
}

// Trap 19: each device is told by itself, and trap 16: number 10 is not 1.
func TestEachOfManyGPUsIsToldByItself(t *testing.T) {
	for _, n := range []int{8, 12} {
		t.Run(fmt.Sprint(n), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := nvmltest.Fleet(n, nvmltest.A100)
				for i := range s.GPUs {
					s.GPUs[i].Plant = []nvmltest.Step{steady(float64(i+1) / 100)}
				}
				h := simulate(t, s)
				domains := h.open(nvml.Config{})
				require.Len(t, domains, n)
				h.pass(100 * time.Second)
				got := h.read()
				for i, d := range domains {
					assert.Equal(t, fmt.Sprint("gpu", i), d.ID)
					assert.Equal(t, i, d.Device)
					assert.Equal(t, s.GPUs[i].UUID, d.UUID)
					assert.InDelta(t, float64(i+1), got[d.ID].Joules, 1e-9, d.ID)
					assert.Equal(t, meter.OK, got[d.ID].Condition)
				}
			})
		})
	}
}

func TestWhatIsMissingIsToldWithWhatWouldMendIt(t *testing.T) {
	for name, test := range map[string]struct {
		script nvmltest.Script
		why    string
		fix    string
	}{
		"the driver is not loaded":      {nvmltest.Script{Fail: map[string]int{"nvmlInit_v2": 9}}, "not loaded", "modprobe nvidia"},
		"driver and library differ":     {nvmltest.Script{Fail: map[string]int{"nvmlInit_v2": 18}}, "different versions", "restart"},
		"no permission":                 {nvmltest.Script{Fail: map[string]int{"nvmlInit_v2": 4}}, "no permission", "/dev/nvidiactl"},
		"a failure that has no name":    {nvmltest.Script{Fail: map[string]int{"nvmlInit_v2": 777}}, "error 777", ""},
		"no GPU":                        {nvmltest.Script{}, "no GPU", "--gpus all"},
		"GPUs that cannot be told":      {nvmltest.Script{Fail: map[string]int{"nvmlDeviceGetCount_v2": 999}}, "does not tell its GPUs", ""},
		"a device blocked for a cgroup": {nvmltest.Script{Fail: map[string]int{"nvmlInit_v2": 17}}, "blocks", "container"},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				simulate(t, &test.script)
				_, err := nvml.Open(nvml.Config{})
				var m *meter.Missing
				require.ErrorAs(t, err, &m)
				assert.Equal(t, "nvml", m.What)
				assert.Contains(t, m.Why, test.why)
				assert.Contains(t, m.Fix, test.fix)
			})
		})
	}
}

func TestLibraryThatLacksAFunctionIsNoMeter(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		simulate(t, nvmltest.Fleet(1, nvmltest.H100), "nvmlDeviceGetCount_v2")
		_, err := nvml.Open(nvml.Config{})
		var m *meter.Missing
		require.ErrorAs(t, err, &m)
		assert.Contains(t, m.Why, "nvmlDeviceGetCount_v2")
		assert.NotEmpty(t, m.Fix)
	})
}

func TestLibraryThatIsNotThereIsNoMeter(t *testing.T) {
	dir := t.TempDir()
	t.Setenv(nvml.EnvLibrary, dir+"/libnvidia-ml.so.1")
	_, err := nvml.Open(nvml.Config{})
	var m *meter.Missing
	require.ErrorAs(t, err, &m)
	assert.Contains(t, m.Fix, nvml.EnvLibrary)
	assert.NotContains(t, m.Error(), dir, "a path is not recorded")
	assert.False(t, strings.HasSuffix(m.Why, " "))
}

func TestFileThatIsNoLibraryIsNoMeter(t *testing.T) {
	file := filepath.Join(t.TempDir(), "libnvidia-ml.so.1")
	require.NoError(t, os.WriteFile(file, []byte("not a library"), 0o700))
	t.Setenv(nvml.EnvLibrary, file)
	_, err := nvml.Open(nvml.Config{})
	var m *meter.Missing
	require.ErrorAs(t, err, &m)
	assert.Contains(t, m.Why, "cannot be loaded")
}

func TestPanicAtOpeningDoesNotHarmTheProgram(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		simulate(t, nvmltest.Fleet(1, nvmltest.H100))
		_, err := nvml.Open(nvml.Config{PIDs: func() []int { panic("a nil map") }})
		var m *meter.Missing
		require.ErrorAs(t, err, &m)
		assert.Contains(t, m.Why, "a nil map")
	})
}
