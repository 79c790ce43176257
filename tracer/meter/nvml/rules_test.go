//go:build linux && (amd64 || arm64)

package nvml_test

import (
	"os"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/ecotracer/ecotracer/tracer/meter"
	"github.com/ecotracer/ecotracer/tracer/meter/detect"
	"github.com/ecotracer/ecotracer/tracer/meter/nvml"
	"github.com/ecotracer/ecotracer/tracer/meter/nvml/nvmltest"
	"github.com/ecotracer/ecotracer/tracer/tracertest"
)

// hosts are the drivers that are simulated.
func hosts() map[string]*nvmltest.Script {
	lost := nvmltest.Fleet(3, nvmltest.H100, steady(100))
	lost.GPUs[1].Fail = map[string]int{energyOf: 15}
	shared := nvmltest.Fleet(1, nvmltest.A100, steady(100))
	shared.GPUs[0].Processes = []nvmltest.Process{{PID: os.Getpid(), SM: 10}, {PID: other, SM: 20}}
	return map[string]*nvmltest.Script{
		"one H100":            nvmltest.Fleet(1, nvmltest.H100, steady(300)),
		"eight A100":          nvmltest.Fleet(8, nvmltest.A100, steady(300)),
		"twelve GPUs":         nvmltest.Fleet(12, nvmltest.H100, steady(300)),
		"MIG":                 {GPUs: []nvmltest.GPU{split(nvmltest.Process{PID: os.Getpid(), Instance: 1})}},
		"no counter":          nvmltest.Fleet(2, nvmltest.P100, steady(100)),
		"Grace Hopper":        {GPUs: []nvmltest.GPU{nvmltest.GH200(0, 200, steady(700))}},
		"one of three lost":   lost,
		"shared with another": shared,
		"with and without":    {GPUs: []nvmltest.GPU{nvmltest.P100(0, steady(30)), nvmltest.H100(1, steady(100))}},
	}
}

func TestMeterKeepsTheRules(t *testing.T) {
	for name, s := range hosts() {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				h := simulate(t, s)
				tracertest.TestMeter(t, func() (meter.Meter, error) {
					h.pass(0)
					return nvml.Open(nvml.Config{})
				})
			})
		})
	}
}

// Trap 24.
func TestGPUsThatAreHiddenAreNotCounted(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := nvmltest.Fleet(4, nvmltest.H100, steady(100))
		h := simulate(t, s)
		t.Setenv("CUDA_VISIBLE_DEVICES", "3,1")
		domains := h.open(nvml.Config{})
		assert.Equal(t, []string{"gpu0 refused", "gpu1 energy-counter", "gpu2 refused", "gpu3 energy-counter"}, decisions(domains))
		assert.Contains(t, domains[0].Why, "CUDA_VISIBLE_DEVICES")
		assert.Equal(t, []string{s.GPUs[3].UUID, "cuda:0"}, domains[3].Aliases, "CUDA numbers what it shows")
		assert.Equal(t, []string{s.GPUs[1].UUID, "cuda:1"}, domains[1].Aliases)
		h.pass(time.Second)
		assert.Len(t, h.read(), 2)
	})
}

func TestHiddenGPUsAreCountedForTheWholeMachine(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := simulate(t, nvmltest.Fleet(2, nvmltest.H100, steady(100)))
		t.Setenv("CUDA_VISIBLE_DEVICES", "1")
		all := []string{"gpu0 energy-counter", "gpu1 energy-counter"}
		assert.Equal(t, all, decisions(h.open(nvml.Config{All: true})))
		t.Setenv("ECOTRACER_SCOPE", "Machine")
		assert.Equal(t, all, decisions(h.open(nvml.Config{})))
		assert.Equal(t, "cuda:0", h.m.Domains()[1].Aliases[1])
	})
}

func TestGPUsOfSeveralModelsAreAllCountedWhereNumbersAreNotCertain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := nvmltest.Fleet(2, nvmltest.H100, steady(100))
		s.GPUs[0].Name = "NVIDIA GT 1030"
		h := simulate(t, s)
		t.Setenv("CUDA_VISIBLE_DEVICES", "0")
		domains := h.open(nvml.Config{})
		assert.Equal(t, []string{"gpu0 energy-counter", "gpu1 energy-counter"}, decisions(domains))
		assert.Contains(t, domains[0].Fix, "CUDA_DEVICE_ORDER=PCI_BUS_ID")
		assert.Len(t, domains[0].Aliases, 1, "no CUDA number is made up")
	})
}

func TestDetectionFindsTheGPUs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		simulate(t, nvmltest.Fleet(2, nvmltest.H100, steady(100)))
		nvml.Use(nvml.Config{PIDs: func() []int { return nil }})
		t.Cleanup(func() { nvml.Use(nvml.Config{}) })
		meters, report := detect.Detect(os.DirFS(t.TempDir()))
		ids := []string{}
		for _, d := range report.Domains {
			ids = append(ids, d.Meter+" "+d.ID)
		}
		assert.Equal(t, []string{"nvml gpu0", "nvml gpu1"}, ids)
		for _, m := range meters {
			require.NoError(t, m.Close())
		}
	})
}

// BenchmarkRead reads eight GPUs, each held by two processes, of a library that
// answers at once: what is left is the way there and back.
func BenchmarkRead(b *testing.B) {
	for _, n := range []int{1, 8} {
		b.Run(map[int]string{1: "1 GPU", 8: "8 GPUs"}[n], func(b *testing.B) {
			s := nvmltest.Fleet(n, nvmltest.H100)
			for i := range s.GPUs {
				s.GPUs[i].Processes = []nvmltest.Process{{PID: os.Getpid(), SM: 10}, {PID: other, SM: 20}}
			}
			s.Start(b)
			m, err := nvml.Open(nvml.Config{})
			require.NoError(b, err)
			defer m.Close()
			var samples []meter.Sample
			b.ReportAllocs()
			for b.Loop() {
				if samples, err = m.Read(samples[:0]); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func BenchmarkOpen(b *testing.B) {
	nvmltest.Fleet(8, nvmltest.H100).Start(b)
	for b.Loop() {
		m, err := nvml.Open(nvml.Config{})
		require.NoError(b, err)
		require.NoError(b, m.Close())
	}
}
