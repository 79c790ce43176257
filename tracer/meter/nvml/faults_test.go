//go:build linux && (amd64 || arm64)

package nvml_test

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/ecotracer/ecotracer/tracer/meter"
	"github.com/ecotracer/ecotracer/tracer/meter/nvml"
	"github.com/ecotracer/ecotracer/tracer/meter/nvml/nvmltest"
)

const energyOf = "nvmlDeviceGetTotalEnergyConsumption"

func TestGPUThatIsLostTakesNoOtherWithItAndIsFoundAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := nvmltest.Fleet(3, nvmltest.H100, steady(100))
		h := simulate(t, s)
		h.open(nvml.Config{})
		h.pass(10 * time.Second)
		assert.Equal(t, 1000.0, h.read()["gpu1"].Joules)

		s.GPUs[1].Fail = map[string]int{"*": 15}
		h.pass(10 * time.Second)
		got := h.read()
		assert.Equal(t, meter.Unplugged, got["gpu1"].Condition)
		assert.Equal(t, 1000.0, got["gpu1"].Joules, "what was told so far")
		for _, id := range []string{"gpu0", "gpu2"} {
			assert.Equal(t, meter.OK, got[id].Condition)
			assert.Equal(t, 2000.0, got[id].Joules, id)
		}

		// After its reset it has another handle, and its counter begins anew.
		s.GPUs[1].Fail = nil
		s.Generation++
		s.GPUs[1].CounterJ = 0
		s.GPUs[1].Plant = []nvmltest.Step{{From: h.Clock.Add(8 * time.Second), Watts: 100}}
		h.pass(10 * time.Second)
		got = h.read()
		assert.Equal(t, meter.Reset, got["gpu1"].Condition)
		assert.Equal(t, 1200.0, got["gpu1"].Joules, "what it used since the reset")
		assert.Equal(t, 3000.0, got["gpu2"].Joules, "the others have new handles too")
		h.pass(time.Second)
		got = h.read()
		assert.Equal(t, meter.OK, got["gpu1"].Condition)
		assert.Equal(t, 1300.0, got["gpu1"].Joules)
	})
}

func TestGPUIsFoundAgainByItsUUIDAndNotByItsNumber(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := nvmltest.Fleet(2, nvmltest.H100)
		s.GPUs[0].Plant = []nvmltest.Step{steady(100)}
		s.GPUs[1].Plant = []nvmltest.Step{steady(300)}
		h := simulate(t, s)
		h.open(nvml.Config{})
		s.Generation++
		s.GPUs[0], s.GPUs[1] = s.GPUs[1], s.GPUs[0]
		h.pass(10 * time.Second)
		got := h.read()
		assert.Equal(t, 1000.0, got["gpu0"].Joules)
		assert.Equal(t, 3000.0, got["gpu1"].Joules)
	})
}

// Trap 2: a counter that begins anew is no wrap of 2^64.
func TestReloadOfTheDriverIsAReset(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := nvmltest.Fleet(2, nvmltest.A100, steady(200))
		h := simulate(t, s)
		h.open(nvml.Config{})
		h.pass(10 * time.Second)
		h.read()

		s.Epoch++
		s.Generation++
		for i := range s.GPUs {
			s.GPUs[i].CounterJ = 0
			s.GPUs[i].Plant = []nvmltest.Step{{From: h.Clock.Add(time.Second), Watts: 200}}
		}
		h.pass(3 * time.Second)
		for id, sample := range h.read() {
			assert.Equal(t, meter.Reset, sample.Condition, id)
			assert.Equal(t, 2400.0, sample.Joules, id)
		}
	})
}

func TestFailuresOfAReadingAreToldApart(t *testing.T) {
	for name, test := range map[string]struct {
		code int
		want meter.Condition
	}{
		"the GPU is lost":            {15, meter.Unplugged},
		"a reset is required":        {16, meter.Unplugged},
		"no permission":              {4, meter.Denied},
		"blocked by the system":      {17, meter.Denied},
		"not supported any more":     {3, meter.Unreadable},
		"timed out":                  {10, meter.Unreadable},
		"an error without a meaning": {999, meter.Unreadable},
		"not initialised":            {1, meter.Unreadable},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := nvmltest.Fleet(2, nvmltest.H100, steady(100))
				h := simulate(t, s)
				h.open(nvml.Config{})
				h.pass(time.Second)
				h.read()
				s.GPUs[0].Fail = map[string]int{energyOf: test.code}
				h.pass(time.Second)
				got := h.read()
				assert.Equal(t, test.want, got["gpu0"].Condition)
				assert.Equal(t, 100.0, got["gpu0"].Joules)
				assert.Equal(t, 200.0, got["gpu1"].Joules)
				s.GPUs[0].Fail = nil
				h.pass(time.Second)
				got = h.read()
				assert.Equal(t, meter.OK, got["gpu0"].Condition)
				assert.Equal(t, 300.0, got["gpu0"].Joules, "a counter bridges what could not be read")
			})
		})
	}
}

// Trap 23: what a counter says is held against what its GPU can draw.
func TestCounterThatTellsMoreThanItsGPUCanDrawIsNotBelieved(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := nvmltest.Fleet(1, nvmltest.H100, steady(100))
		h := simulate(t, s)
		h.open(nvml.Config{})
		h.pass(time.Second)
		h.read()
		s.GPUs[0].CounterJ += 1e9
		h.pass(time.Second)
		got := h.read()["gpu0"]
		assert.Equal(t, meter.Unreadable, got.Condition)
		assert.Equal(t, 100.0, got.Joules)
		h.pass(time.Second)
		assert.Equal(t, 200.0, h.read()["gpu0"].Joules, "the next step counts again")
	})
}

// Trap 23, and trap 20: a counter that stands at 0 would tell that the GPU uses
// nothing.
func TestCounterThatStandsAtZeroGivesWayToPower(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := nvmltest.Fleet(1, nvmltest.H100)
		s.GPUs[0].CounterJ, s.GPUs[0].Plant = 0, nil
		s.GPUs[0].AverageW, s.GPUs[0].PowerW = 100, 100
		h := simulate(t, s)
		d := h.open(nvml.Config{})[0]
		assert.Equal(t, "power-average", d.Mode)
		assert.Contains(t, d.Why, "stands at 0")
	})
}

func TestCounterThatStandsStillIsFlagged(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := nvmltest.Fleet(1, nvmltest.H100, steady(0))
		h := simulate(t, s)
		h.open(nvml.Config{})
		h.pass(10 * time.Second)
		assert.Equal(t, meter.OK, h.read()["gpu0"].Condition)
		h.pass(time.Minute)
		assert.Equal(t, meter.Stuck, h.read()["gpu0"].Condition)
	})
}

func TestReadingThatHangsKeepsNobodyFromClosing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := nvmltest.Fleet(1, nvmltest.H100, steady(100))
		h := simulate(t, s)
		m, err := nvml.Open(nvml.Config{})
		require.NoError(t, err)
		p, ok := m.(meter.Pacer)
		require.True(t, ok, "it is read beside the sampler")
		assert.Equal(t, time.Second, p.Period())
		assert.Equal(t, time.Second, p.Timeout())

		s.Hang = map[string]time.Duration{energyOf: time.Hour}
		h.say()
		begun, ended := make(chan struct{}), make(chan error)
		go func() {
			close(begun)
			samples, err := m.Read(nil)
			assert.Empty(t, samples)
			ended <- err
		}()
		<-begun
		assert.NoError(t, m.Close())
		s.Hang = nil
		h.say()
		assert.ErrorContains(t, <-ended, "closed")
		assert.NoError(t, m.Close(), "twice")
	})
}
