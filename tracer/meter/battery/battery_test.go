package battery_test

import (
	"errors"
	"io/fs"
	"strconv"
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
	"github.com/ecotracer/ecotracer/tracer/meter/battery"
	"github.com/ecotracer/ecotracer/tracer/tracertest"
)

const bat0 = "sys/class/power_supply/BAT0/"

type files = map[string]func(text []byte, t time.Duration) []byte

func says(s string) func([]byte, time.Duration) []byte {
	return func(text []byte, _ time.Duration) []byte { return append(text, s...) }
}

// laptop is one with a battery that gives so many watts.
func laptop(t *testing.T, watts func(t time.Duration) float64) *tracertest.Host {
	return tracertest.NewHost(t.TempDir(), tracertest.HostConfig{Files: files{
		bat0 + "type": says("Battery\n"), bat0 + "status": says("Discharging\n"), bat0 + "present": says("1\n"),
		bat0 + "power_now": func(text []byte, t time.Duration) []byte {
			return append(strconv.AppendInt(text, int64(watts(t)*1e6), 10), '\n')
		},
		bat0 + "energy_now":                     says("51000000\n"),
		"sys/class/power_supply/AC/type":        says("Mains\n"),
		"sys/class/power_supply/AC/online":      says("0\n"),
		"sys/class/power_supply/hidpp_0/type":   says("Battery\n"),
		"sys/class/power_supply/hidpp_0/scope":  says("Device\n"),
		"sys/class/power_supply/hidpp_0/status": says("Charging\n"),
	}})
}

func constant(watts float64) func(time.Duration) float64 {
	return func(time.Duration) float64 { return watts }
}

func open(t testing.TB, root fs.FS) meter.Meter {
	t.Helper()
	m, err := battery.Open(root)
	require.NoError(t, err)
	t.Cleanup(func() { assert.NoError(t, m.Close()) })
	return m
}

func read(t testing.TB, m meter.Meter) meter.Sample {
	t.Helper()
	samples, err := m.Read(nil)
	require.NoError(t, err)
	require.Len(t, samples, 1)
	return samples[0]
}

func TestMeterKeepsTheRules(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := laptop(t, constant(12))
		tracertest.TestMeter(t, func() (meter.Meter, error) { return battery.Open(h) })
		assert.Zero(t, h.OpenFiles(), "every file is closed")
	})
}

func TestWholeDeviceIsTold(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := open(t, laptop(t, func(t time.Duration) float64 { return 10 + t.Seconds()/10 }))
		d := m.Domains()[0]
		assert.Equal(t, "node0", d.ID)
		assert.Equal(t, lifecycle.KindNode, d.Kind)
		assert.Equal(t, "BAT0", d.Name, "the battery of a mouse is not the device's")
		assert.Equal(t, "power", d.Mode)
		p, ok := m.(meter.Pacer)
		require.True(t, ok, "asking a battery is slow")
		assert.Positive(t, p.Period())
		assert.Zero(t, read(t, m).Joules)
		for range 50 {
			time.Sleep(2 * time.Second)
			require.Equal(t, meter.OK, read(t, m).Condition)
		}
		assert.InDelta(t, 10*100+100*100/20, read(t, m).Joules, 1e-3, "a ramp is integrated exactly")
	})
}

func TestPower(t *testing.T) {
	battery0 := func(status string, more map[string]string) map[string]string {
		all := map[string]string{bat0 + "type": "Battery\n", bat0 + "status": status + "\n"}
		for name, s := range more {
			all[bat0+name] = s
		}
		return all
	}
	with := func(a map[string]string, name, s string) map[string]string {
		a["sys/class/power_supply/"+name] = s
		return a
	}
	second := func(a map[string]string, status, power string) map[string]string {
		return with(with(with(a, "BAT1/type", "Battery\n"), "BAT1/status", status+"\n"), "BAT1/power_now", power)
	}
	ten := map[string]string{"power_now": "10000000\n"}
	tests := map[string]struct {
		files   map[string]string
		watts   float64
		leftOut string
	}{
		"power":                                {battery0("Discharging", ten), 10, ""},
		"power with a sign":                    {battery0("Discharging", map[string]string{"power_now": "-10000000\n"}), 10, ""},
		"current and voltage":                  {battery0("Discharging", map[string]string{"current_now": "1000000\n", "voltage_now": "12500000\n"}), 12.5, ""},
		"current with a sign":                  {battery0("Discharging", map[string]string{"current_now": "-1000000\n", "voltage_now": "12500000\n"}), 12.5, ""},
		"two in use":                           {second(battery0("Discharging", ten), "Discharging", "3000000\n"), 13, ""},
		"two, of which one rests":              {second(battery0("Discharging", ten), "Not charging", "0\n"), 10, ""},
		"two, of which one charges the other":  {second(battery0("Discharging", ten), "Charging", "5\n"), 0, "refused"},
		"charging":                             {battery0("Charging", ten), 0, "refused"},
		"full":                                 {battery0("Full", ten), 0, "refused"},
		"a status that nobody knows":           {battery0("Exploding", ten), 0, "refused"},
		"plugged into a charger that is weak":  {with(with(battery0("Discharging", ten), "ADP1/type", "Mains\n"), "ADP1/online", "1\n"), 0, "refused"},
		"plugged into USB":                     {with(with(battery0("Discharging", ten), "ucsi/type", "USB_PD\n"), "ucsi/online", "1\n"), 0, "refused"},
		"a charger that is not plugged in":     {with(with(battery0("Discharging", ten), "ucsi/type", "USB\n"), "ucsi/online", "0\n"), 10, ""},
		"trap 6: no power is no reading of 0":  {battery0("Discharging", map[string]string{"power_now": "0\n"}), 0, "unreadable"},
		"garbage":                              {battery0("Discharging", map[string]string{"power_now": "many\n"}), 0, "unreadable"},
		"neither power nor current":            {battery0("Discharging", nil), 0, "unreadable"},
		"a current without a voltage":          {battery0("Discharging", map[string]string{"current_now": "5\n"}), 0, "unreadable"},
		"an empty bay beside a battery in use": {with(second(battery0("Discharging", ten), "Unknown", "9\n"), "BAT1/present", "0\n"), 10, ""},
		"a battery without a status":           {map[string]string{bat0 + "type": "Battery\n"}, 0, "unreadable"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				root := fstest.MapFS{}
				for file, s := range test.files {
					root[file] = &fstest.MapFile{Data: []byte(s)}
				}
				m := open(t, root)
				d := m.Domains()[0]
				require.Equal(t, test.leftOut, d.LeftOut, d.Why)
				samples, err := m.Read(nil)
				require.NoError(t, err)
				if test.leftOut != "" {
					assert.Empty(t, samples, "what is left out is not told")
					assert.NotEmpty(t, d.Why)
					assert.Equal(t, test.leftOut == "refused", d.Fix != "", "unplugging mends it, or nothing does")
					return
				}
				time.Sleep(time.Second)
				assert.InDelta(t, test.watts, read(t, m).Joules, 1e-9)
			})
		})
	}
}

func TestPluggedInForAWhile(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := laptop(t, constant(10))
		m := open(t, h)
		read(t, m)
		time.Sleep(10 * time.Second)
		assert.InDelta(t, 100, read(t, m).Joules, 1e-6)

		h.Say("sys/class/power_supply/AC/online", "1\n")
		h.Say(bat0+"status", "Charging\n")
		h.Say(bat0+"power_now", "45000000\n")
		for range 10 {
			time.Sleep(time.Second)
			s := read(t, m)
			assert.Equal(t, meter.Unreadable, s.Condition, "what charges it says nothing of what it draws")
			assert.InDelta(t, 100, s.Joules, 1e-6, "not told yet, and not 45 W")
		}
		h.Heal("sys/class/power_supply/AC/online")
		h.Heal(bat0 + "status")
		h.Heal(bat0 + "power_now")
		time.Sleep(time.Second)
		s := read(t, m)
		assert.Equal(t, meter.OK, s.Condition)
		assert.InDelta(t, 210, s.Joules, 1e-6, "the time in between is bridged, not taken for 0 W")
	})
}

func TestFaults(t *testing.T) {
	for name, test := range map[string]struct {
		fault func(h *tracertest.Host)
		want  meter.Condition
	}{
		"a battery that is taken out": {func(h *tracertest.Host) { h.Vanish("sys/class/power_supply/BAT0") }, meter.Unplugged},
		"a controller that is busy":   {func(h *tracertest.Host) { h.Fail(bat0+"power_now", syscall.EAGAIN) }, meter.Unreadable},
		"no news yet":                 {func(h *tracertest.Host) { h.Fail(bat0+"power_now", syscall.ENODATA) }, meter.Unreadable},
		"a status that fails":         {func(h *tracertest.Host) { h.Fail(bat0+"status", syscall.EIO) }, meter.Unreadable},
		"permission taken away":       {func(h *tracertest.Host) { h.Fail(bat0+"status", syscall.EACCES) }, meter.Denied},
		"garbage":                     {func(h *tracertest.Host) { h.Say(bat0+"power_now", "?\n") }, meter.Unreadable},
		"more than any battery gives": {func(h *tracertest.Host) { h.Say(bat0+"power_now", "4294967295000\n") }, meter.Unreadable},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				h := laptop(t, constant(10))
				m := open(t, h)
				read(t, m)
				time.Sleep(time.Second)
				assert.InDelta(t, 10, read(t, m).Joules, 1e-6)
				test.fault(h)
				time.Sleep(time.Second)
				s := read(t, m)
				assert.Equal(t, test.want, s.Condition)
				assert.InDelta(t, 10, s.Joules, 1e-6)
				for _, file := range []string{"sys/class/power_supply/BAT0", bat0 + "power_now", bat0 + "status"} {
					h.Heal(file)
				}
				time.Sleep(time.Second)
				s = read(t, m)
				assert.Equal(t, meter.OK, s.Condition, "healed")
				assert.InDelta(t, 30, s.Joules, 1e-6)
			})
		})
	}
}

func TestHostsWithoutABattery(t *testing.T) {
	for _, name := range []string{"server-intel", "board-arm", "vm-aws"} {
		_, err := battery.Open(hosttest.Open(t, name))
		require.ErrorIs(t, err, fs.ErrNotExist, name)
		assert.False(t, errors.As(err, new(*meter.Missing)), "who has none needs no advice")
	}
	_, err := battery.Open(fstest.MapFS{"sys/class/power_supply/AC/type": {Data: []byte("Mains\n")}})
	require.ErrorIs(t, err, fs.ErrNotExist)
}

func TestBatteryOfAMac(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := open(t, hosttest.Open(t, "laptop-mac"))
		assert.Equal(t, "macsmc-battery", m.Domains()[0].Name)
		assert.Empty(t, m.Domains()[0].LeftOut)
		read(t, m)
		time.Sleep(time.Second)
		assert.InDelta(t, 11.3, read(t, m).Joules, 1e-6, "the power has a sign")
	})
}

// Files are held open and nothing is made per reading (trap 17).
func TestReadAllocatesNothing(t *testing.T) {
	m := open(t, hosttest.Open(t, "laptop-mac"))
	dst := make([]meter.Sample, 0, 1)
	dst, err := m.Read(dst)
	require.NoError(t, err)
	assert.Zero(t, testing.AllocsPerRun(100, func() {
		if dst, err = m.Read(dst[:0]); err != nil || len(dst) != 1 {
			t.Fatal(dst, err)
		}
	}))
}

// FuzzOpen reads batteries whose files say anything.
func FuzzOpen(f *testing.F) {
	f.Add("Battery\n", "Discharging\n", "System\n", "10000000\n", "-5\n", "1\n")
	f.Add("Battery", "Charging", "", "-", "18446744073709551616", "0")
	f.Add("Mains", "", "Device", "", "", "\n\n")
	f.Fuzz(func(t *testing.T, kind, status, scope, power, current, online string) {
		live := &fstest.MapFile{Data: []byte(power)}
		m, err := battery.Open(fstest.MapFS{
			bat0 + "type": {Data: []byte(kind)}, bat0 + "status": {Data: []byte(status)}, bat0 + "scope": {Data: []byte(scope)}, bat0 + "power_now": live,
			"sys/class/power_supply/BAT1/type": {Data: []byte("Battery\n")}, "sys/class/power_supply/BAT1/status": {Data: []byte("Discharging\n")},
			"sys/class/power_supply/BAT1/current_now": {Data: []byte(current)}, "sys/class/power_supply/BAT1/voltage_now": {Data: []byte(power)},
			"sys/class/power_supply/AC/type": {Data: []byte("Mains\n")}, "sys/class/power_supply/AC/online": {Data: []byte(online)},
		})
		require.NoError(t, err)
		defer m.Close()
		assert.NotEmpty(t, m.Domains()[0].Why)
		for _, text := range []string{power, current, power} {
			live.Data = []byte(text)
			samples, err := m.Read(nil)
			require.NoError(t, err)
			for _, s := range samples {
				assert.GreaterOrEqual(t, s.Joules, 0.0)
			}
		}
	})
}
