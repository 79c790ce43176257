package powercap_test

import (
	"errors"
	"io/fs"
	"runtime"
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
	"github.com/ecotracer/ecotracer/tracer/meter/powercap"
	"github.com/ecotracer/ecotracer/tracer/tracertest"
)

const (
	pkg  = "sys/class/powercap/intel-rapl:0/energy_uj"
	pkg1 = "sys/class/powercap/intel-rapl:1/energy_uj"
)

func open(t testing.TB, root fs.FS) meter.Meter {
	t.Helper()
	m, err := powercap.Open(root)
	require.NoError(t, err)
	t.Cleanup(func() { assert.NoError(t, m.Close()) })
	return m
}

// readings are the samples by domain ID.
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

func TestMeterKeepsTheRules(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := tracertest.NewHost(t.TempDir(), tracertest.HostConfig{
			Packages: []tracertest.Curve{tracertest.Constant(100), tracertest.Constant(50)},
			DRAM:     []tracertest.Curve{tracertest.Constant(10), tracertest.Constant(5)},
			Psys:     tracertest.Constant(200),
			Zones:    []tracertest.Zone{{ID: "intel-rapl:0:1", Name: "core", Power: tracertest.Constant(70)}, {ID: "intel-rapl-mmio:0", Name: "package-0", Power: tracertest.Constant(100)}},
		})
		tracertest.TestMeter(t, func() (meter.Meter, error) { return powercap.Open(h) })
		assert.Zero(t, h.OpenFiles(), "every file is closed")
	})
}

func TestMeterOfHosts(t *testing.T) {
	for name, counted := range map[string]int{"laptop-intel": 2, "server-intel": 4, "server-amd": 2, "server-multi-die": 8, "desktop-root-only": 0, "server-intel-core": 4, "desktop-amd-dies": 1, "server-intel-psys": 5, "server-bad-zone": 2, "container-denied": 0} {
		t.Run(name, func(t *testing.T) {
			m := open(t, hosttest.Open(t, name))
			assert.Len(t, readings(t, m), counted)
			for id, s := range readings(t, m) {
				assert.Zero(t, s.Joules, "%s: what was used before opening is not ours", id)
				assert.Equal(t, meter.OK, s.Condition, id)
			}
			for _, d := range m.Domains() {
				if d.LeftOut == "" {
					assert.Positive(t, d.RawJ, "%s: doctor shows the raw reading", d.ID)
					assert.Positive(t, d.RangeJ, d.ID)
				}
			}
		})
	}
}

// Trap 2, trap 3, trap 5: a wrap is mended by the zone's own range, and the step
// that wraps is kept.
func TestEveryJouleOfEveryZoneIsToldThroughWraps(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := tracertest.NewHost(t.TempDir(), tracertest.HostConfig{
			Packages: []tracertest.Curve{tracertest.Constant(300), tracertest.Ramp(10, 400, time.Hour)},
			DRAM:     []tracertest.Curve{tracertest.Constant(40), tracertest.Constant(20)},
			StartUJ:  262_143_000_000,
			DRAMUJ:   262_143_328_850 / 4,
		})
		m := open(t, h)
		for range 3 * 3600 { // a dozen wraps of package 0, half a dozen of dram0
			time.Sleep(time.Second)
			samples, err := m.Read(nil)
			require.NoError(t, err)
			for _, s := range samples {
				require.Equal(t, meter.OK, s.Condition)
				require.Equal(t, time.Now(), s.Time)
			}
		}
		for id, zone := range map[string]string{"cpu0": "intel-rapl:0", "cpu1": "intel-rapl:1", "dram0": "intel-rapl:0:0", "dram1": "intel-rapl:1:0"} {
			assert.InDelta(t, h.Joules(tracertest.EnergyFile(zone)), readings(t, m)[id].Joules, 2e-6, "%s, to the microjoule", id)
		}
	})
}

// Trap 9: psys is told beside its parts, and says so; nothing of it is told of
// a CPU, and the memory that is a part of it is told once.
func TestTrap9_PsysIsTheNodeAndTellsItsOwnJoules(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := tracertest.NewHost(t.TempDir(), tracertest.HostConfig{
			Packages: []tracertest.Curve{tracertest.Constant(30)},
			DRAM:     []tracertest.Curve{tracertest.Constant(5)},
			Psys:     tracertest.Constant(55),
			StartUJ:  7e9,
		})
		m := open(t, h)
		time.Sleep(time.Hour)
		s := readings(t, m)
		for id, watts := range map[string]float64{"cpu0": 30, "dram0": 5, "node0": 55} {
			assert.InDelta(t, watts*3600, s[id].Joules, 1e-3, id)
		}
		for _, d := range m.Domains() {
			if d.ID == "node0" {
				assert.Equal(t, lifecycle.KindNode, d.Kind)
				assert.Contains(t, d.Why, "whole board")
				assert.Empty(t, d.Model)
				assert.Zero(t, d.IdleW, "nobody knows")
			} else {
				assert.Equal(t, "node0", d.Within, d.ID)
			}
		}
	})
}

func TestFaults(t *testing.T) {
	tests := map[string]struct {
		fault     func(h *tracertest.Host)
		condition meter.Condition // of the reading after the fault
		joules    float64         // then: 100 J were used before it, 100 J since
		healed    float64         // a second after it was healed: 300 J were used
	}{
		"permission taken away":     {func(h *tracertest.Host) { h.Fail(pkg, syscall.EACCES) }, meter.Denied, 100, 300},
		"a driver that fails":       {func(h *tracertest.Host) { h.Fail(pkg, syscall.EIO) }, meter.Unreadable, 100, 300},
		"a driver that is busy":     {func(h *tracertest.Host) { h.Fail(pkg, syscall.EAGAIN) }, meter.Unreadable, 100, 300},
		"garbage":                   {func(h *tracertest.Host) { h.Say(pkg, "<unknown>\n") }, meter.Unreadable, 100, 300},
		"nothing":                   {func(h *tracertest.Host) { h.Say(pkg, "") }, meter.Unreadable, 100, 300},
		"negative":                  {func(h *tracertest.Host) { h.Say(pkg, "-1\n") }, meter.Unreadable, 100, 300},
		"0 in place of a failure":   {func(h *tracertest.Host) { h.Say(pkg, "0\n") }, meter.Reset, 100, 300},
		"trap 6: no answer at all":  {func(h *tracertest.Host) { h.FailFor(pkg, syscall.ENODATA, 1500*time.Millisecond) }, meter.Unreadable, 100, 300},
		"a zone that vanishes":      {func(h *tracertest.Host) { h.Vanish("sys/class/powercap/intel-rapl:0") }, meter.Unplugged, 100, 300},
		"a counter that begins new": {func(h *tracertest.Host) { h.Reset(pkg) }, meter.Reset, 200, 300},
		"a counter that runs back":  {func(h *tracertest.Host) { h.Jump(pkg, -50_000) }, meter.Backwards, 100, 200},
		"a counter that leaps":      {func(h *tracertest.Host) { h.Jump(pkg, 50_000) }, meter.Unreadable, 100, 200},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				h := tracertest.NewHost(t.TempDir(), tracertest.HostConfig{
					Packages: []tracertest.Curve{tracertest.Constant(100), tracertest.Constant(7)},
					StartUJ:  100_000_000_000,
				})
				m := open(t, h)
				time.Sleep(time.Second)
				assert.InDelta(t, 100, readings(t, m)["cpu0"].Joules, 1e-5)

				test.fault(h)
				time.Sleep(time.Second)
				s := readings(t, m)
				assert.Equal(t, test.condition, s["cpu0"].Condition)
				assert.InDelta(t, test.joules, s["cpu0"].Joules, 1e-5)
				assert.Equal(t, meter.OK, s["cpu1"].Condition, "trap 15: the other zone is not touched")
				assert.InDelta(t, 14, s["cpu1"].Joules, 1e-5)

				h.Heal(pkg)
				h.Heal("sys/class/powercap/intel-rapl:0")
				time.Sleep(time.Second)
				s = readings(t, m)
				assert.Equal(t, meter.OK, s["cpu0"].Condition, "healed")
				assert.InDelta(t, test.healed, s["cpu0"].Joules, 1e-5)
			})
		})
	}
}

func TestCounterThatNoLongerMovesIsFlagged(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := tracertest.NewHost(t.TempDir(), tracertest.HostConfig{})
		m := open(t, h)
		h.Stick(pkg)
		for range 10 {
			time.Sleep(time.Second)
			assert.Equal(t, meter.OK, readings(t, m)["cpu0"].Condition)
		}
		time.Sleep(time.Second)
		assert.Equal(t, meter.Stuck, readings(t, m)["cpu0"].Condition)
	})
}

// Trap 1: a range that is not told is no range of 0.
func TestZonesWithoutARange(t *testing.T) {
	for name, text := range map[string]string{"missing": "", "0": "0\n", "garbage": "-5\n"} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				h := tracertest.NewHost(t.TempDir(), tracertest.HostConfig{Packages: []tracertest.Curve{tracertest.Constant(100)}, StartUJ: 262_143_000_000})
				const file = "sys/class/powercap/intel-rapl:0/max_energy_range_uj"
				if text == "" {
					h.Vanish(file)
				} else {
					h.Say(file, text)
				}
				m := open(t, h)
				assert.Zero(t, m.Domains()[0].RangeJ)
				assert.Contains(t, m.Domains()[0].Why, "not told")
				time.Sleep(time.Second)
				s := readings(t, m)["cpu0"]
				assert.Equal(t, meter.NoRange, s.Condition, "the counter has wrapped")
				assert.InDelta(t, 100-0.328850, s.Joules, 1e-3, "what it shows since")
				time.Sleep(time.Second)
				assert.Equal(t, meter.OK, readings(t, m)["cpu0"].Condition)
			})
		})
	}
}

func TestRootOnlyCountersAreListedWithWhatWouldMend(t *testing.T) {
	m := open(t, hosttest.Open(t, "desktop-root-only"))
	d := m.Domains()[0]
	assert.Equal(t, "unreadable", d.LeftOut)
	assert.Contains(t, d.Fix, "chmod")
	samples, err := m.Read(nil)
	require.NoError(t, err)
	assert.Empty(t, samples, "trap 6: no counter is no reading of 0")
}

func TestHostsWithoutCountersSayWhy(t *testing.T) {
	for name, want := range map[string]string{
		"vm-aws":           "virtual machine",
		"vm-arm":           "virtual machine",
		"board-arm":        "no RAPL",
		"container-masked": "systempaths=unconfined",
		"container-v1":     "modprobe intel_rapl_msr",
	} {
		t.Run(name, func(t *testing.T) {
			_, err := powercap.Open(hosttest.Open(t, name))
			var missing *meter.Missing
			require.ErrorAs(t, err, &missing)
			assert.Contains(t, err.Error(), want)
			assert.ErrorIs(t, err, fs.ErrNotExist)
		})
	}
	_, err := powercap.Open(fstest.MapFS{})
	assert.ErrorContains(t, err, "only Linux")
}

func TestFolderThatCannotBeListedSaysWhy(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		for err, want := range map[error]string{syscall.EACCES: "not readable", syscall.EIO: "input/output error"} {
			h := tracertest.NewHost(t.TempDir(), tracertest.HostConfig{})
			h.Fail("sys/class/powercap", err)
			_, got := powercap.Open(h)
			require.ErrorContains(t, got, want)
		}
	})
}

// A zone that fails only while it is opened is left out; the others are read.
func TestZoneThatFailsWhileOpening(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := tracertest.NewHost(t.TempDir(), tracertest.HostConfig{Packages: []tracertest.Curve{tracertest.Constant(1), tracertest.Constant(2)}})
		h.Fail(pkg, syscall.EIO)
		m := open(t, h)
		assert.Equal(t, "unreadable", m.Domains()[0].LeftOut)
		assert.Contains(t, m.Domains()[0].Why, "input/output error")
		h.Heal(pkg)
		time.Sleep(time.Second)
		s := readings(t, m)
		assert.Len(t, s, 1, "what is counted does not change once the meter is open")
		assert.InDelta(t, 2, s["cpu1"].Joules, 1e-5)
	})
}

func TestDomainsSayHowWrongAndHowIdle(t *testing.T) {
	for name, relError := range map[string]float64{"server-intel": 0.05, "server-amd": 0.10, "server-multi-die": 0.05} {
		for _, d := range open(t, hosttest.Open(t, name)).Domains() {
			assert.Equal(t, relError, d.RelError, name)
			assert.Equal(t, lifecycle.Counter, d.Method)
			if d.LeftOut == "" {
				assert.Positive(t, d.IdleW, "%s: %s", name, d.ID)
				assert.Equal(t, "factor", d.IdleFound)
			}
		}
	}
}

// Dies share the idle power of their package, and sockets that of the memory:
// the factors are for the whole.
func TestIdlePowerIsSharedAmongDomains(t *testing.T) {
	m := open(t, hosttest.Open(t, "server-multi-die"))
	idle := map[lifecycle.HardwareKind]float64{}
	for _, d := range m.Domains() {
		idle[d.Kind] += d.IdleW
	}
	cpu, err := factors.LookupCPU("Intel(R) Xeon(R) Platinum 9242 CPU @ 2.30GHz", "server", 48)
	require.NoError(t, err)
	assert.InEpsilon(t, 2*cpu.Idle.Value, idle[lifecycle.KindCPU], 1e-9, "two packages")
	memory, err := factors.Lookup(factors.Query{Kind: factors.IdlePower, Class: "memory", Unit: "W/GB"})
	require.NoError(t, err)
	assert.InEpsilon(t, memory.Value*790000000*1024/1e9, idle[lifecycle.KindMemory], 1e-9, "all memory")
}

// Reading costs no allocation and opens nothing (trap 17, trap 18).
func TestReadAllocatesNothing(t *testing.T) {
	m := open(t, hosttest.Open(t, "server-multi-die"))
	dst := make([]meter.Sample, 0, 8)
	goroutines := runtime.NumGoroutine()
	assert.Zero(t, testing.AllocsPerRun(100, func() {
		var err error
		if dst, err = m.Read(dst[:0]); err != nil || len(dst) != 8 {
			t.Fatal(dst, err)
		}
	}))
	assert.Equal(t, goroutines, runtime.NumGoroutine(), "there is no poller that could be left behind")
}

// Trap 17: descriptors are held, not opened for each reading, and not lost.
func TestFilesAreOpenedOnceAndClosed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := tracertest.NewHost(t.TempDir(), tracertest.HostConfig{
			Packages: []tracertest.Curve{tracertest.Constant(1), tracertest.Constant(2)},
			Zones:    []tracertest.Zone{{ID: "intel-rapl:0:0", Name: "core", Power: tracertest.Constant(1)}},
		})
		m, err := powercap.Open(h)
		require.NoError(t, err)
		assert.Equal(t, 2, h.OpenFiles(), "one for each zone that is counted")
		for range 10 {
			readings(t, m)
		}
		assert.Equal(t, 2, h.OpenFiles())
		h.Fail(pkg1, syscall.EIO)
		for range 10 {
			readings(t, m)
		}
		require.NoError(t, m.Close())
		require.NoError(t, m.Close(), "closing twice does no harm")
		assert.Zero(t, h.OpenFiles())
		_, err = m.Read(nil)
		assert.True(t, errors.Is(err, fs.ErrClosed))
	})
}

// FuzzOpen reads zones whose files say anything.
func FuzzOpen(f *testing.F) {
	f.Add("package-0\n", "262143328850\n", "83000000000\n", "83000100000\n")
	f.Add("package-0-die-1", "", "18446744073709551616", "x")
	f.Add("dram", "0", "-1", "0")
	f.Fuzz(func(t *testing.T, name, size, first, second string) {
		energy := &fstest.MapFile{Data: []byte(first)}
		root := fstest.MapFS{
			"sys/class/powercap/intel-rapl:0/name":                {Data: []byte(name)},
			"sys/class/powercap/intel-rapl:0/max_energy_range_uj": {Data: []byte(size)},
			"sys/class/powercap/intel-rapl:0/energy_uj":           energy,
			"sys/class/powercap/intel-rapl:0:0/name":              {Data: []byte("core\n")},
			"sys/class/powercap/intel-rapl:0:0/energy_uj":         {Data: []byte("5\n")},
		}
		m, err := powercap.Open(root)
		if err != nil {
			return
		}
		defer m.Close()
		for _, text := range []string{first, second, first} {
			energy.Data = []byte(text)
			samples, err := m.Read(nil)
			require.NoError(t, err)
			for _, s := range samples {
				assert.GreaterOrEqual(t, s.Joules, 0.0)
			}
		}
	})
}
