package hwmon_test

import (
	"errors"
	"io/fs"
	"math"
	"runtime"
	"strconv"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/ecotracer/ecotracer/internal/hosttest"
	"github.com/ecotracer/ecotracer/tracer/meter"
	"github.com/ecotracer/ecotracer/tracer/meter/hwmon"
	"github.com/ecotracer/ecotracer/tracer/tracertest"
)

type files = map[string]func(text []byte, t time.Duration) []byte

func says(s string) func([]byte, time.Duration) []byte {
	return func(text []byte, _ time.Duration) []byte { return append(text, s...) }
}

func number(value func(t time.Duration) float64) func([]byte, time.Duration) []byte {
	return func(text []byte, t time.Duration) []byte {
		return append(strconv.AppendInt(text, int64(math.Round(value(t))), 10), '\n')
	}
}

// steady is what a sensor of so many watts says, in µW.
func steady(watts float64) func([]byte, time.Duration) []byte {
	return number(func(time.Duration) float64 { return watts * 1e6 })
}

// counter is what a counter says that stood at start, in µJ, while so many
// watts are used.
func counter(start, watts float64) func([]byte, time.Duration) []byte {
	return number(func(t time.Duration) float64 { return start + watts*1e6*t.Seconds() })
}

const (
	amd   = "sys/class/hwmon/hwmon4/"
	arc   = "sys/class/hwmon/hwmon11/"
	board = "sys/class/hwmon/hwmon2/"
)

// workstation is a host with a card of AMD, which may sleep, one of Intel, and
// a board whose input is measured.
func workstation(t *testing.T, change files) *tracertest.Host {
	all := files{
		amd + "name": says("amdgpu\n"), amd + "power1_average": steady(30), amd + "power1_cap": says("255000000\n"),
		amd + "device/uevent": says("DRIVER=amdgpu\nPCI_ID=1002:73BF\nPCI_SLOT_NAME=0000:03:00.0\n"), amd + "device/drm/card1/dev": says("226:1\n"),
		amd + "device/power/runtime_status": says("active\n"),
		arc + "name":                        says("xe\n"), arc + "energy1_label": says("card\n"), arc + "energy1_input": counter(5e9, 50),
		arc + "energy2_label": says("pkg\n"), arc + "energy2_input": counter(4e9, 40),
		arc + "device/uevent": says("DRIVER=xe\nPCI_ID=8086:E20B\nPCI_SLOT_NAME=0000:06:00.0\n"), arc + "device/drm/card2/dev": says("226:2\n"),
		arc + "device/power/runtime_status": says("active\n"),
		board + "name":                      says("ina3221\n"), board + "in1_label": says("VDD_IN\n"), board + "in1_input": says("19200\n"), board + "curr1_input": says("1000\n"),
		board + "in2_label": says("VDD_SOC\n"), board + "in2_input": says("19200\n"), board + "curr2_input": says("100\n"),
	}
	for name, say := range change {
		all[name] = say
		if say == nil {
			delete(all, name)
		}
	}
	return tracertest.NewHost(t.TempDir(), tracertest.HostConfig{Files: all})
}

func open(t testing.TB, root fs.FS) meter.Meter {
	t.Helper()
	m, err := hwmon.Open(root)
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
		h := workstation(t, nil)
		tracertest.TestMeter(t, func() (meter.Meter, error) { return hwmon.Open(h) })
		assert.Zero(t, h.OpenFiles(), "every file is closed")
	})
}

func TestSlowMeterKeepsTheRules(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := tracertest.NewHost(t.TempDir(), tracertest.HostConfig{Files: files{
			board + "name": says("power_meter\n"), board + "power1_average": steady(400), board + "power1_average_interval": says("1000\n"),
		}})
		tracertest.TestMeter(t, func() (meter.Meter, error) { return hwmon.OpenSlow(h) })
		assert.Zero(t, h.OpenFiles())
		m, err := hwmon.OpenSlow(h)
		require.NoError(t, err)
		defer m.Close()
		_, slow := m.(meter.Pacer)
		assert.True(t, slow, "a management controller takes its time")
		_, err = hwmon.Open(h)
		require.ErrorIs(t, err, fs.ErrNotExist, "nobody else has to wait for it")
	})
}

func TestMeterOfHosts(t *testing.T) {
	for name, counted := range map[string]int{
		"desktop-amd-gpu": 3, "server-mi250": 2, "workstation-intel-gpu": 3, "board-jetson-nx": 1, "board-jetson-agx": 3, "board-jetson-tx2": 4, "laptop-mac": 1, "server-amd-energy": 2,
	} {
		t.Run(name, func(t *testing.T) {
			m := open(t, hosttest.Open(t, name))
			assert.Len(t, readings(t, m), counted)
			for id, s := range readings(t, m) {
				assert.Less(t, s.Joules, 2000.0, "%s: what was used before opening is not ours", id)
				assert.Equal(t, meter.OK, s.Condition, id)
			}
			_, slow := m.(meter.Pacer)
			assert.False(t, slow, "a pace of its own only where it is needed")
			_, err := hwmon.OpenSlow(hosttest.Open(t, name))
			assert.Equal(t, name != "server-mi250", errors.Is(err, fs.ErrNotExist), "an ACPI meter is there or not")
		})
	}
}

func TestPowerIsIntegratedAndEnergyIsNot(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := open(t, workstation(t, files{amd + "power1_average": number(func(t time.Duration) float64 { return 30e6 + 1e6*t.Seconds() })}))
		readings(t, m)
		for range 100 {
			time.Sleep(time.Second)
			for id, s := range readings(t, m) {
				require.Equal(t, meter.OK, s.Condition, id)
				require.Equal(t, time.Now(), s.Time)
			}
		}
		s := readings(t, m)
		assert.InDelta(t, 30*100+100*100/2, s["gpu0"].Joules, 1e-3, "power of the card, a ramp")
		assert.InDelta(t, 50*100, s["gpu1"].Joules, 1e-6, "trap 28: a counter is read as one, also after a hundred seconds")
		assert.InDelta(t, 19.2*100, s["node0"].Joules, 1e-6, "19.2 V × 1 A")
		assert.Len(t, s, 3, "neither the package on the card nor a rail behind the input is added")
	})
}

// The mean of a time says nothing of the time after it (trap 21).
func TestMeanPowerIsTakenForThePastItIsOf(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m, err := hwmon.OpenSlow(tracertest.NewHost(t.TempDir(), tracertest.HostConfig{Files: files{
			board + "name": says("power_meter\n"), board + "power1_average_interval": says("1000\n"),
			board + "power1_average": number(func(t time.Duration) float64 { return 100e6 * max(1, math.Floor(t.Seconds())) }),
		}}))
		require.NoError(t, err)
		defer m.Close()
		readings(t, m)
		for range 3 {
			time.Sleep(time.Second)
			readings(t, m)
		}
		assert.InDelta(t, 100+200+300, readings(t, m)["node0"].Joules, 1e-6)
	})
}

func TestPowerInMilliwatts(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := open(t, hosttest.Open(t, "board-jetson-tx2"))
		readings(t, m)
		time.Sleep(10 * time.Second)
		s := readings(t, m)
		assert.InDelta(t, 10*3.356, s["node0"].Joules, 1e-6)
		assert.InDelta(t, 10*0.228, s["gpu0"].Joules, 1e-6)
	})
}

func TestCardThatSleepsIsLeftAsleep(t *testing.T) {
	for _, atFirst := range []bool{false, true} {
		t.Run("asleep when opened "+strconv.FormatBool(atFirst), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				woken := 0
				waking := func(say func([]byte, time.Duration) []byte) func([]byte, time.Duration) []byte {
					return func(text []byte, t time.Duration) []byte { woken++; return say(text, t) }
				}
				h := workstation(t, files{
					amd + "power1_average": waking(steady(30)), amd + "power1_cap": waking(says("255000000\n")),
					arc + "energy1_input": waking(counter(5e9, 50)), arc + "energy2_input": waking(counter(4e9, 40)),
				})
				statuses := []string{amd + "device/power/runtime_status", arc + "device/power/runtime_status"}
				sleep := func() {
					for _, s := range statuses {
						h.Say(s, "suspended\n")
					}
				}
				if atFirst {
					sleep()
				}
				woken = 0
				m := open(t, h)
				before := 0.0
				if !atFirst {
					readings(t, m)
					time.Sleep(10 * time.Second)
					assert.InDelta(t, 300, readings(t, m)["gpu0"].Joules, 1e-6)
					sleep()
					before = 300 + 15 // half a second each way is not known
				}
				woken = 0
				for range 200 { // longer than a register of 32 bits lasts
					time.Sleep(time.Second)
					s := readings(t, m)
					require.Equal(t, meter.OK, s["gpu0"].Condition)
					require.Equal(t, meter.OK, s["gpu1"].Condition)
					require.InDelta(t, before, s["gpu0"].Joules, 1e-6, "a card that is off draws nothing")
				}
				assert.Zero(t, woken, "nobody read what would wake it")

				for _, s := range statuses {
					h.Heal(s)
				}
				time.Sleep(time.Second)
				woke := readings(t, m)
				assert.Equal(t, meter.OK, woke["gpu1"].Condition, "nothing can have wrapped while it was off")
				time.Sleep(time.Second)
				s := readings(t, m)
				assert.Equal(t, meter.OK, s["gpu0"].Condition)
				assert.InDelta(t, 30, s["gpu0"].Joules-woke["gpu0"].Joules, 1e-6)
				assert.InDelta(t, 50, s["gpu1"].Joules-woke["gpu1"].Joules, 1e-6)
			})
		})
	}
}

func TestFaults(t *testing.T) {
	rest := []string{amd + "power1_average", arc + "energy1_input", board + "curr1_input", "sys/class/hwmon/hwmon4", "sys/class/hwmon/hwmon11", "sys/class/hwmon/hwmon2"}
	tests := map[string]struct {
		fault     func(h *tracertest.Host)
		id        string
		condition meter.Condition
	}{
		"a driver that is busy":                 {func(h *tracertest.Host) { h.Fail(amd+"power1_average", syscall.EAGAIN) }, "gpu0", meter.Unreadable},
		"a card that is being reset":            {func(h *tracertest.Host) { h.Fail(amd+"power1_average", syscall.EPERM) }, "gpu0", meter.Unreadable},
		"a card of which the driver says EBUSY": {func(h *tracertest.Host) { h.Fail(amd+"power1_average", syscall.EBUSY) }, "gpu0", meter.Unreadable},
		"permission taken away":                 {func(h *tracertest.Host) { h.Fail(amd+"power1_average", syscall.EACCES) }, "gpu0", meter.Denied},
		"garbage":                               {func(h *tracertest.Host) { h.Say(amd+"power1_average", "<unknown>\n") }, "gpu0", meter.Unreadable},
		"nothing":                               {func(h *tracertest.Host) { h.Say(amd+"power1_average", "") }, "gpu0", meter.Unreadable},
		"trap 6: 0 W in place of a failure":     {func(h *tracertest.Host) { h.Say(amd+"power1_average", "0\n") }, "gpu0", meter.Unreadable},
		"more than any card draws":              {func(h *tracertest.Host) { h.Say(amd+"power1_average", "4294967295000000\n") }, "gpu0", meter.Unreadable},
		"a card that is lost":                   {func(h *tracertest.Host) { h.Vanish("sys/class/hwmon/hwmon4") }, "gpu0", meter.Unplugged},
		"a counter that fails":                  {func(h *tracertest.Host) { h.Fail(arc+"energy1_input", syscall.EIO) }, "gpu1", meter.Unreadable},
		"a counter with garbage":                {func(h *tracertest.Host) { h.Say(arc+"energy1_input", "-1\n") }, "gpu1", meter.Unreadable},
		"trap 23: a counter that leaps":         {func(h *tracertest.Host) { h.Say(arc+"energy1_input", "18446744073709551615\n") }, "gpu1", meter.Unreadable},
		"trap 23: a counter that begins anew":   {func(h *tracertest.Host) { h.Say(arc+"energy1_input", "0\n") }, "gpu1", meter.Reset},
		"a card of the other driver is lost":    {func(h *tracertest.Host) { h.Vanish("sys/class/hwmon/hwmon11") }, "gpu1", meter.Unplugged},
		"a rail that is switched off":           {func(h *tracertest.Host) { h.Fail(board+"curr1_input", syscall.ENODATA) }, "node0", meter.Unreadable},
		"a current that flows back":             {func(h *tracertest.Host) { h.Say(board+"curr1_input", "-12\n") }, "node0", meter.Unreadable},
		"a product that is no number":           {func(h *tracertest.Host) { h.Say(board+"curr1_input", "18446744073709551615\n") }, "node0", meter.Unreadable},
		"a bus that is lost":                    {func(h *tracertest.Host) { h.Vanish("sys/class/hwmon/hwmon2") }, "node0", meter.Unplugged},
	}
	watts := map[string]float64{"gpu0": 30, "gpu1": 50, "node0": 19.2}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				h := workstation(t, nil)
				m := open(t, h)
				readings(t, m)
				time.Sleep(time.Second)
				for id, s := range readings(t, m) {
					require.InDelta(t, watts[id], s.Joules, 1e-6)
				}

				test.fault(h)
				time.Sleep(time.Second)
				for id, s := range readings(t, m) {
					if id != test.id {
						assert.Equal(t, meter.OK, s.Condition, "trap 15: %s is not touched", id)
						assert.InDelta(t, 2*watts[id], s.Joules, 1e-6, id)
						continue
					}
					assert.Equal(t, test.condition, s.Condition)
					assert.InDelta(t, watts[id], s.Joules, 1e-6, "what cannot be told is not told")
				}

				for _, name := range rest {
					h.Heal(name)
				}
				time.Sleep(time.Second)
				for id, s := range readings(t, m) {
					assert.Equal(t, meter.OK, s.Condition, "%s is healed", id)
					assert.InDelta(t, 3*watts[id], s.Joules, 1e-6, id)
				}
			})
		})
	}
}

// Intel's drivers extend a register of 32 bits when somebody reads it: over a
// night of the host's sleep wraps are lost, which the counter does not show
// (trap 4).
func TestWrapsThatTheDriverMissedAreAGap(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := open(t, workstation(t, nil))
		time.Sleep(time.Second)
		assert.Equal(t, meter.OK, readings(t, m)["gpu1"].Condition)
		time.Sleep(8 * time.Hour)
		assert.Equal(t, meter.Gap, readings(t, m)["gpu1"].Condition)
		time.Sleep(time.Second)
		assert.Equal(t, meter.OK, readings(t, m)["gpu1"].Condition)
	})
}

// A card that is awake draws power: a counter that stands still is not trusted
// (trap 23).
func TestCounterThatNoLongerMovesIsFlagged(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := workstation(t, nil)
		m := open(t, h)
		h.Stick(arc + "energy1_input")
		for range 60 {
			time.Sleep(time.Second)
			require.Equal(t, meter.OK, readings(t, m)["gpu1"].Condition)
		}
		time.Sleep(time.Second)
		assert.Equal(t, meter.Stuck, readings(t, m)["gpu1"].Condition)
	})
}

// Reading costs no allocation and opens nothing (traps 17 and 18).
func TestReadAllocatesNothing(t *testing.T) {
	for _, name := range []string{"desktop-amd-gpu", "workstation-intel-gpu", "board-jetson-agx", "server-amd-energy"} {
		m := open(t, hosttest.Open(t, name))
		dst := make([]meter.Sample, 0, 8)
		goroutines := runtime.NumGoroutine()
		assert.Zero(t, testing.AllocsPerRun(100, func() {
			var err error
			if dst, err = m.Read(dst[:0]); err != nil || len(dst) == 0 {
				t.Fatal(dst, err)
			}
		}), name)
		assert.Equal(t, goroutines, runtime.NumGoroutine(), "there is no poller that could be left behind")
	}
}

func TestFilesAreOpenedOnceAndClosed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := workstation(t, nil)
		m, err := hwmon.Open(h)
		require.NoError(t, err)
		readings(t, m)
		assert.Equal(t, 6, h.OpenFiles(), "power and status, energy and status, voltage and current")
		for range 10 {
			readings(t, m)
		}
		assert.Equal(t, 6, h.OpenFiles())
		h.Fail(amd+"power1_average", syscall.EIO)
		for range 10 {
			readings(t, m)
		}
		require.NoError(t, m.Close())
		require.NoError(t, m.Close(), "closing twice does no harm")
		assert.Zero(t, h.OpenFiles())
		_, err = m.Read(nil)
		require.ErrorIs(t, err, fs.ErrClosed)
		assert.Zero(t, h.OpenFiles(), "and opens nothing again")
	})
}

func BenchmarkRead(b *testing.B) {
	m := open(b, hosttest.Open(b, "desktop-amd-gpu"))
	var dst []meter.Sample
	b.ReportAllocs()
	for b.Loop() {
		dst, _ = m.Read(dst[:0])
	}
}
