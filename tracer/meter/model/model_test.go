package model_test

import (
	"fmt"
	"io/fs"
	"syscall"
	"testing"
	"testing/fstest"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/ecotracer/ecotracer/factors"
	"github.com/ecotracer/ecotracer/internal/hosttest"
	"github.com/ecotracer/ecotracer/lifecycle"
	"github.com/ecotracer/ecotracer/tracer/meter"
	"github.com/ecotracer/ecotracer/tracer/meter/model"
	"github.com/ecotracer/ecotracer/tracer/tracertest"
)

func open(t testing.TB, root fs.FS, counted ...meter.Domain) meter.Meter {
	t.Helper()
	m, err := model.Open(root, counted...)
	require.NoError(t, err)
	t.Cleanup(func() { assert.NoError(t, m.Close()) })
	return m
}

func readings(t testing.TB, m meter.Meter) map[string]meter.Sample {
	t.Helper()
	samples, err := m.Read(nil)
	require.NoError(t, err)
	byID := map[string]meter.Sample{}
	for _, s := range samples {
		byID[m.Domains()[s.Domain].ID] = s
	}
	return byID
}

func ids(m meter.Meter) []string {
	var out []string
	for _, d := range m.Domains() {
		out = append(out, d.ID)
	}
	return out
}

func TestMeterKeepsTheRules(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := tracertest.NewHost(t.TempDir(), tracertest.HostConfig{VM: true})
		tracertest.TestMeter(t, func() (meter.Meter, error) { return model.Open(h) })
		assert.Zero(t, h.OpenFiles(), "every file is closed")
	})
}

// cpuPower is what the factors say of the simulated processor.
func cpuPower(t *testing.T) (idle, full float64) {
	c, err := factors.LookupCPU("Intel(R) Xeon(R) Gold 6248 CPU @ 2.50GHz", "", 0)
	require.NoError(t, err)
	return c.Idle.Value, c.Full.Value
}

func TestEnergyIsIdlePowerAndTheBusyShare(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		// Two sockets of four cores: busy 2 of 8, waiting 1, stolen 1.
		h := tracertest.NewHost(t.TempDir(), tracertest.HostConfig{
			Packages: []tracertest.Curve{tracertest.Constant(1), tracertest.Constant(1)},
			Busy:     tracertest.Constant(2),
			Waiting:  tracertest.Constant(1),
			Stolen:   tracertest.Constant(1),
		})
		m := open(t, h)
		assert.Equal(t, []string{"cpu0", "cpu1", "dram0", "node0/rest"}, ids(m))
		opened := time.Now()
		idle, full := cpuPower(t)
		for _, pause := range []time.Duration{0, 10 * time.Millisecond, 3 * time.Second, time.Hour, 1000 * time.Hour} {
			time.Sleep(pause)
			s := readings(t, m)
			want := (idle + (full-idle)*2/8) * time.Since(opened).Seconds()
			assert.InDelta(t, want, s["cpu0"].Joules, (full-idle)*0.011, "to the tick of proc/stat")
			assert.Equal(t, s["cpu0"].Joules, s["cpu1"].Joules, "load is taken to be even")
			assert.Equal(t, meter.OK, s["cpu0"].Condition)
		}
	})
}

func TestReadingOftenOrSeldomMakesNoDifference(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := tracertest.NewHost(t.TempDir(), tracertest.HostConfig{Busy: tracertest.Ramp(0, 4, time.Hour)})
		often, seldom := open(t, h), open(t, h)
		for range 3600 * 2 {
			time.Sleep(500 * time.Millisecond)
			readings(t, often)
		}
		a, b := readings(t, often), readings(t, seldom)
		for id := range a {
			assert.InEpsilon(t, b[id].Joules, a[id].Joules, 1e-9, id)
		}
		idle, full := cpuPower(t)
		assert.InEpsilon(t, (idle+full)/2*3600, a["cpu0"].Joules, 1e-4)
	})
}

// Trap 31: no constant of W/GB is added to memory that is counted.
func TestOnlyWhatNobodyCountsIsModelled(t *testing.T) {
	cpu := func(n int) meter.Domain {
		return meter.Domain{ID: fmt.Sprintf("cpu%d", n), Kind: lifecycle.KindCPU, Device: n}
	}
	both := cpu(0)
	both.Count = 2
	left := cpu(0)
	left.LeftOut = "unreadable"
	dram := meter.Domain{ID: "dram0", Kind: lifecycle.KindMemory}
	rest := meter.Domain{ID: "node0/rest", Kind: lifecycle.KindNode}
	node := meter.Domain{ID: "node0", Kind: lifecycle.KindNode}
	gpu := meter.Domain{ID: "gpu0", Kind: lifecycle.KindGPU}
	for name, test := range map[string]struct {
		counted []meter.Domain
		want    []string
	}{
		"nothing is counted":         {nil, []string{"cpu0", "cpu1", "dram0", "node0/rest"}},
		"one socket is counted":      {[]meter.Domain{cpu(1)}, []string{"cpu0", "dram0", "node0/rest"}},
		"both sockets as one":        {[]meter.Domain{both}, []string{"dram0", "node0/rest"}},
		"what is left out is not":    {[]meter.Domain{left}, []string{"cpu0", "cpu1", "dram0", "node0/rest"}},
		"memory is counted":          {[]meter.Domain{dram}, []string{"cpu0", "cpu1", "node0/rest"}},
		"all but the rest":           {[]meter.Domain{cpu(0), cpu(1), dram, gpu}, []string{"node0/rest"}},
		"the rest and the GPU alone": {[]meter.Domain{rest, gpu}, []string{"cpu0", "cpu1", "dram0"}},
	} {
		assert.Equal(t, test.want, ids(open(t, hosttest.Open(t, "server-intel"), test.counted...)), name)
	}
	for name, counted := range map[string][]meter.Domain{"the whole node": {node}, "each part": {cpu(0), cpu(1), dram, rest}} {
		_, err := model.Open(hosttest.Open(t, "server-intel"), counted...)
		assert.ErrorIs(t, err, model.ErrNothingLeft, name)
	}
}

func TestVirtualMachineIsOneDomain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := tracertest.NewHost(t.TempDir(), tracertest.HostConfig{
			VM: true, Cores: 1, Packages: []tracertest.Curve{tracertest.Constant(1), tracertest.Constant(1), tracertest.Constant(1), tracertest.Constant(1)},
		})
		assert.Equal(t, []string{"cpu0", "dram0", "node0/rest"}, ids(open(t, h)), "its four sockets are the hypervisor's invention")
	})
}

// Trap 54: a model is never told as a counter.
func TestEveryDomainSaysThatItIsModelled(t *testing.T) {
	for _, name := range hosttest.Names() {
		m := open(t, hosttest.Open(t, name))
		for _, d := range m.Domains() {
			assert.Equal(t, lifecycle.Modelled, d.Method, "%s: %s", name, d.ID)
			assert.Equal(t, "model", d.Sensor)
			assert.Equal(t, "factor", d.IdleFound)
			assert.Positive(t, d.IdleW, "%s: %s", name, d.ID)
			assert.Positive(t, d.RelError, "%s: %s", name, d.ID)
			assert.NotEmpty(t, d.Why, "%s: %s", name, d.ID)
		}
	}
}

func TestWhileLoadIsUnknownOnlyIdlePowerIsAdded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := tracertest.NewHost(t.TempDir(), tracertest.HostConfig{Busy: tracertest.Constant(4)})
		m := open(t, h)
		idle, full := cpuPower(t)
		for err, want := range map[error]meter.Condition{syscall.EIO: meter.Unreadable, syscall.EACCES: meter.Denied} {
			before := readings(t, m)["cpu0"]
			assert.Equal(t, meter.OK, before.Condition)
			h.Fail("proc/stat", err)
			time.Sleep(10 * time.Second)
			s := readings(t, m)["cpu0"]
			assert.Equal(t, want, s.Condition)
			assert.InDelta(t, 10*idle, s.Joules-before.Joules, 0.01)
			h.Heal("proc/stat")
			s = readings(t, m)["cpu0"]
			assert.Equal(t, meter.OK, s.Condition, "healed")
			assert.InDelta(t, 10*full, s.Joules-before.Joules, 0.02*full, "nothing is lost")
		}
	})
}

func TestHostsThatTellTooLittle(t *testing.T) {
	var missing *meter.Missing
	_, err := model.Open(fstest.MapFS{})
	require.ErrorAs(t, err, &missing, "no proc at all, as on other systems than Linux")
	assert.Contains(t, err.Error(), "only Linux")

	_, err = model.Open(fstest.MapFS{
		"proc/cpuinfo":                  {Data: []byte("processor: 0\nmodel name: AMD EPYC 7543\n")},
		"sys/devices/system/cpu/online": {Data: []byte("0-63\n")},
	})
	require.ErrorAs(t, err, &missing, "no proc/stat")
	assert.ErrorIs(t, err, fs.ErrNotExist)
	assert.Contains(t, err.Error(), "/proc/stat")
}

func TestReadAllocatesNothing(t *testing.T) {
	m := open(t, hosttest.Open(t, "server-intel"))
	dst := make([]meter.Sample, 0, 8)
	assert.Zero(t, testing.AllocsPerRun(100, func() { dst, _ = m.Read(dst[:0]) }))
	assert.Len(t, dst, 4)
}

func TestClosedMeterTellsNothing(t *testing.T) {
	m, err := model.Open(hosttest.Open(t, "laptop-intel"))
	require.NoError(t, err)
	require.NoError(t, m.Close())
	require.NoError(t, m.Close(), "closing twice does no harm")
	s, err := m.Read(nil)
	require.ErrorIs(t, err, fs.ErrClosed)
	assert.Empty(t, s)
}
