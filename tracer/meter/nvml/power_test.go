//go:build linux && (amd64 || arm64)

package nvml_test

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"

	"github.com/ecotracer/ecotracer/tracer/meter"
	"github.com/ecotracer/ecotracer/tracer/meter/nvml"
	"github.com/ecotracer/ecotracer/tracer/meter/nvml/nvmltest"
)

// TestPowerIsWhatTheDriverSaysItIs: trap 20, a GPU without a counter is not
// told to use nothing; trap 21, a mean of a second is not taken for the power of
// the moment.
func TestPowerIsWhatTheDriverSaysItIs(t *testing.T) {
	for name, test := range map[string]struct {
		gpu     nvmltest.GPU
		without []string
		mode    string
		average time.Duration
		period  time.Duration
	}{
		"Pascal tells its power of the moment":      {gpu: nvmltest.P100(0), mode: "power-instant", period: 200 * time.Millisecond},
		"Kepler does":                               {gpu: nvmltest.GPU{Name: "Tesla K80", UUID: "GPU-k", Arch: 2, PowerW: 60}, mode: "power-instant", period: 200 * time.Millisecond},
		"GA100 does":                                {gpu: nvmltest.GPU{Name: "NVIDIA A100-PCIE-40GB", UUID: "GPU-a", Arch: 7, PowerW: 60}, mode: "power-instant", period: 200 * time.Millisecond},
		"other Ampere tells the mean of a second":   {gpu: nvmltest.GPU{Name: "NVIDIA RTX A4000", UUID: "GPU-a", Arch: 7, PowerW: 60}, mode: "power-average", average: time.Second, period: time.Second},
		"Ada does":                                  {gpu: nvmltest.GPU{Name: "NVIDIA GeForce RTX 4090", UUID: "GPU-a", Arch: 8, PowerW: 60}, mode: "power-average", average: time.Second, period: time.Second},
		"the field value is a mean on any":          {gpu: nvmltest.GPU{Name: "Tesla V100", UUID: "GPU-v", Arch: 5, PowerW: 60, AverageW: 55}, mode: "power-average", average: time.Second, period: time.Second},
		"a library that knows no architecture":      {gpu: nvmltest.GPU{Name: "NVIDIA RTX A4000", UUID: "GPU-a", Arch: 7, PowerW: 60}, without: []string{"nvmlDeviceGetArchitecture"}, mode: "power-instant", period: 200 * time.Millisecond},
		"a library that knows no counter and field": {gpu: nvmltest.H100(0), without: []string{energyOf, "nvmlDeviceGetFieldValues"}, mode: "power-average", average: time.Second, period: time.Second},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				h := simulate(t, &nvmltest.Script{GPUs: []nvmltest.GPU{test.gpu}}, test.without...)
				if test.gpu.Plant != nil {
					h.GPUs[0].Plant = []nvmltest.Step{steady(30)}
					h.say()
				}
				d := h.open(nvml.Config{})[0]
				assert.Equal(t, test.mode, d.Mode)
				assert.Equal(t, test.average, d.Average)
				assert.Equal(t, test.period, h.m.(meter.Pacer).Period())
				assert.Empty(t, d.LeftOut)
				assert.Contains(t, d.Why, "no energy counter")
				assert.GreaterOrEqual(t, d.RelError, 0.1, "power is known less well than energy")
			})
		})
	}
}

func TestCountersAndPowersAreToldByOneMeter(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &nvmltest.Script{GPUs: []nvmltest.GPU{nvmltest.P100(0, steady(30)), nvmltest.H100(1, steady(100)), nvmltest.P100(2, steady(50))}}
		h := simulate(t, s)
		assert.Equal(t, []string{"gpu0 power-instant", "gpu1 energy-counter", "gpu2 power-instant"}, decisions(h.open(nvml.Config{})))
		h.pass(10 * time.Second)
		got := h.read()
		assert.Equal(t, 300.0, got["gpu0"].Joules)
		assert.Equal(t, 1000.0, got["gpu1"].Joules)
		assert.Equal(t, 500.0, got["gpu2"].Joules)
	})
}

// Trap 22: a counter of the whole module is not the GPU's.
func TestModuleOfGraceHopperIsNotTakenForItsGPU(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &nvmltest.Script{GPUs: []nvmltest.GPU{nvmltest.GH200(0, 200, steady(700))}}
		h := simulate(t, s)
		domains := h.open(nvml.Config{})
		assert.Equal(t, []string{"gpu0 power-average", "gpu0/module refused"}, decisions(domains))
		assert.Contains(t, domains[0].Why, "whole module's")
		assert.Contains(t, domains[1].Why, "CPU")
		assert.Equal(t, 555.0, domains[1].RawJ, "it is still told")
		h.pass(time.Hour)
		got := h.read()
		assert.Len(t, got, 1, "the module is not counted")
		assert.Equal(t, 200*3600.0, got["gpu0"].Joules)
	})
}

// Trap 21: a mean is of the time before it was told.
func TestMeanPowerIsOfTheSecondBefore(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := nvmltest.Fleet(1, nvmltest.P100, steady(100))
		s.GPUs[0].AverageW = 100
		h := simulate(t, s)
		h.open(nvml.Config{})
		s.GPUs[0].AverageW = 300
		h.pass(time.Second)
		assert.Equal(t, 300.0, h.read()["gpu0"].Joules, "and not half way between 100 and 300")
	})
}

// Trap 22: where the GPU's own power is not told, it is not guessed from the
// module's.
func TestModuleWithoutPowerOfItsGPUIsNotCounted(t *testing.T) {
	for name, change := range map[string]func(g *nvmltest.GPU){
		"known by the module's power": func(g *nvmltest.GPU) { g.Name = "NVIDIA GB200" },
		"known by its name":           func(g *nvmltest.GPU) { g.ModuleW = 0 },
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				g := nvmltest.GH200(0, 200, steady(700))
				g.AverageW = 0
				change(&g)
				h := simulate(t, &nvmltest.Script{GPUs: []nvmltest.GPU{g}})
				domains := h.open(nvml.Config{})
				assert.Equal(t, []string{"gpu0 unreadable", "gpu0/module refused"}, decisions(domains))
				assert.Empty(t, h.read())
			})
		})
	}
}

func TestDriverThatKnowsNoModulesLeavesTheCounterToTheGPU(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := nvmltest.Fleet(1, nvmltest.H100, steady(100))
		s.GPUs[0].AverageW, s.GPUs[0].NoScopes = 100, true
		h := simulate(t, s)
		assert.Equal(t, []string{"gpu0 energy-counter"}, decisions(h.open(nvml.Config{})))
	})
}

func TestGPUThatTellsNothingIsLeftOut(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := nvmltest.Fleet(2, nvmltest.H100, steady(100))
		s.GPUs[0].HasCounter, s.GPUs[0].Plant = false, nil
		h := simulate(t, s)
		domains := h.open(nvml.Config{})
		assert.Equal(t, []string{"gpu0 unreadable", "gpu1 energy-counter"}, decisions(domains))
		assert.Contains(t, domains[0].Why, "not supported")
		assert.Len(t, h.read(), 1)
	})
}

func TestGPUThatCannotBeOpenedIsLeftOut(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := nvmltest.Fleet(2, nvmltest.H100, steady(100))
		s.GPUs[0].Fail = map[string]int{"nvmlDeviceGetHandleByIndex_v2": 4}
		h := simulate(t, s)
		domains := h.open(nvml.Config{})
		assert.Equal(t, []string{"gpu0 unreadable", "gpu1 energy-counter"}, decisions(domains))
		assert.Contains(t, domains[0].Fix, "/dev/nvidia0")
	})
}
