package tracertest_test

import (
	"errors"
	"io/fs"
	"math"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/ecotracer/ecotracer/lifecycle"
	"github.com/ecotracer/ecotracer/tracer/meter"
	"github.com/ecotracer/ecotracer/tracer/tracertest"
)

func joules(t *testing.T, m meter.Meter) map[string]float64 {
	t.Helper()
	samples, err := m.Read(nil)
	require.NoError(t, err)
	out := map[string]float64{}
	for _, s := range samples {
		out[m.Domains()[s.Domain].ID] = s.Joules
	}
	return out
}

func TestMeterTellsTheExactIntegralSinceItWasMade(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := tracertest.NewMeter(
			tracertest.Domain{Domain: meter.Domain{ID: "gpu3"}, Power: tracertest.Ramp(0, 100, 10*time.Second)},
			tracertest.Domain{Domain: meter.Domain{ID: "dram0"}, Power: tracertest.Constant(5)},
			tracertest.Domain{Domain: meter.Domain{ID: "psys", LeftOut: "contained", Why: "covered by cpu0"}, Power: tracertest.Constant(5)},
		)
		assert.Equal(t, map[string]float64{"gpu3": 0, "dram0": 0}, joules(t, m))
		time.Sleep(20 * time.Second)
		assert.Equal(t, map[string]float64{"gpu3": 1500, "dram0": 100}, joules(t, m))
		d := m.Domains()
		assert.Equal(t, lifecycle.KindGPU, d[0].Kind)
		assert.Equal(t, 3, d[0].Device)
		assert.Equal(t, lifecycle.KindMemory, d[1].Kind)
		assert.Equal(t, lifecycle.KindOther, d[2].Kind)
	})
}

func TestFaultsOfMeters(t *testing.T) {
	boom := errors.New("boom")
	for name, c := range map[string]struct {
		fault     func(m *tracertest.Meter)
		want      float64
		condition meter.Condition
		silent    bool
		err       error
	}{
		"none":          {func(*tracertest.Meter) {}, 200, meter.OK, false, nil},
		"flagged":       {func(m *tracertest.Meter) { m.Flag("cpu0", meter.Gap) }, 200, meter.Gap, false, nil},
		"silent":        {func(m *tracertest.Meter) { m.Silence("cpu0") }, 0, "", true, nil},
		"a lie":         {func(m *tracertest.Meter) { m.Say("cpu0", 7) }, 7, meter.OK, false, nil},
		"not a number":  {func(m *tracertest.Meter) { m.Say("cpu0", math.NaN()) }, math.NaN(), meter.OK, false, nil},
		"stuck":         {func(m *tracertest.Meter) { m.Stick("cpu0") }, 100, meter.OK, false, nil},
		"backwards":     {func(m *tracertest.Meter) { m.Jump("cpu0", -150) }, 50, meter.OK, false, nil},
		"broken":        {func(m *tracertest.Meter) { m.Break(boom) }, 0, "", true, boom},
		"closed":        {func(m *tracertest.Meter) { m.Close() }, 0, "", true, fs.ErrClosed},
		"healed":        {func(m *tracertest.Meter) { m.Say("cpu0", math.NaN()); m.Heal("cpu0") }, 200, meter.OK, false, nil},
		"mended":        {func(m *tracertest.Meter) { m.Break(boom); m.Break(nil) }, 200, meter.OK, false, nil},
		"jumps and all": {func(m *tracertest.Meter) { m.Jump("cpu0", 1); m.Stick("cpu0") }, 101, meter.OK, false, nil},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				m := tracertest.NewMeter(tracertest.Domain{Domain: meter.Domain{ID: "cpu0"}, Power: tracertest.Constant(10)})
				time.Sleep(10 * time.Second)
				c.fault(m)
				time.Sleep(10 * time.Second)
				kept := []meter.Sample{{Joules: 42}}
				got, err := m.Read(kept)
				assert.ErrorIs(t, err, c.err)
				assert.Equal(t, kept[0], got[0], "what was there stays")
				assert.Equal(t, 200.0, m.Joules("cpu0"), "faults do not change the truth")
				if c.silent {
					assert.Len(t, got, 1)
					return
				}
				require.Len(t, got, 2)
				assert.Equal(t, c.condition, got[1].Condition)
				assert.InDelta(t, c.want, got[1].Joules, 1e-9)
			})
		})
	}
}

func TestSlowMeterTakesItsTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := &tracertest.Slow{
			Meter:   tracertest.NewMeter(tracertest.Domain{Domain: meter.Domain{ID: "node0"}, Power: tracertest.Constant(10)}),
			Every:   5 * time.Second,
			Limit:   time.Second,
			Latency: 3 * time.Second,
		}
		begin := time.Now()
		assert.Equal(t, map[string]float64{"node0": 30}, joules(t, m), "it tells the joules at the end of the wait")
		assert.Equal(t, 3*time.Second, time.Since(begin))

		failed := make(chan error)
		go func() { _, err := m.Read(nil); failed <- err }()
		synctest.Wait()
		require.NoError(t, m.Close())
		assert.ErrorIs(t, <-failed, fs.ErrClosed, "Close ends a Read that is waiting")
		assert.Equal(t, 3*time.Second, time.Since(begin))
	})
}

func TestGPUsTellWhatTheHostDraws(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := tracertest.NewHost(t.TempDir(), tracertest.HostConfig{
			GPUs: []tracertest.Curve{tracertest.Ramp(0, 100, 10*time.Second), tracertest.Constant(250)},
		})
		time.Sleep(10 * time.Second)
		m := h.GPUs()
		time.Sleep(time.Second)
		assert.Equal(t, map[string]float64{"gpu0": 100, "gpu1": 250}, joules(t, m), "from when the meter was made")
		assert.Len(t, h.Options(), 3, "files, CPU time and the GPUs")
	})
}
