package hwmon

import (
	"errors"
	"io/fs"
	"math"
	"strings"
	"syscall"
	"testing"
	"testing/fstest"
	"time"
	"unicode/utf8"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/ecotracer/ecotracer/internal/hosttest"
	"github.com/ecotracer/ecotracer/lifecycle"
	"github.com/ecotracer/ecotracer/tracer/meter"
)

// decision is what a plan must say of a sensor: "gpu0", or "ID left out".
func decision(d meter.Domain) string {
	s := d.ID
	if d.LeftOut != "" {
		s += " " + d.LeftOut
	}
	if d.Within != "" {
		s += " within " + d.Within
	}
	return s
}

func decisions(t *testing.T, root fs.FS) []string {
	t.Helper()
	var out []string
	for _, p := range planAll(t, root) {
		out = append(out, decision(p.Domain))
	}
	return out
}

// planAll is what becomes of the slow sensors and of all others.
func planAll(t *testing.T, root fs.FS) []planned {
	t.Helper()
	chips, err := list(root, func(driver) bool { return true })
	require.NoError(t, err)
	all := plan(chips, nvidiaGPUs(root))
	for i := range all {
		s := newSource(root, i, &all[i], all[i].channel.take())
		s.close()
	}
	return all
}

func TestPlanOfHosts(t *testing.T) {
	for name, want := range map[string][]string{
		"desktop-amd-gpu": {"cpu0", "gpu1", "gpu0"},
		// Trap 22: the second die tells 0 W; the first tells for both.
		"server-mi250": {"gpu0", "amdgpu/gpu1 contained within gpu0", "gpu2", "amdgpu/gpu3 contained within gpu2", "node0"},
		"workstation-intel-gpu": {
			"gpu0",
			"gpu1", "xe/pkg contained within gpu1",
			"gpu2", "i915_gt0/energy1 contained within gpu2", "i915_gt1/energy1 contained within gpu2",
		},
		"board-jetson-nx":  {"node0", "ina3221/VDD_CPU_GPU_CV contained within node0", "ina3221/VDD_SOC contained within node0"},
		"board-jetson-agx": {"gpu0", "cpu0", "ina3221/VIN_SYS_5V0 refused", "dram0"},
		"board-jetson-tx2": {"gpu0", "ina3221x/VDD_SYS_SOC contained within node0", "ina3221x/VDD_4V0_WIFI contained within node0", "node0", "cpu0", "dram0", "ina3221x/VDD_MUX refused"},
		"laptop-mac":       {"node0", "macsmc_hwmon/AC Input Power refused", "macsmc_hwmon/3.8 V Rail Power contained within node0", "macsmc_hwmon/Heatpipe Power contained within node0"},
		"server-amd-energy": {
			"amd_energy/Ecore000 to Ecore015 contained", "cpu0", "cpu1",
			"ina226_u76/power1 refused", "pmbus/pin refused",
		},
	} {
		t.Run(name, func(t *testing.T) {
			assert.Equal(t, want, decisions(t, hosttest.Open(t, name)))
		})
	}
}

// files makes a file system of what files say.
func files(text map[string]string) fstest.MapFS {
	root := fstest.MapFS{}
	for name, s := range text {
		root[name] = &fstest.MapFile{Data: []byte(s)}
	}
	return root
}

// chipFiles are the files of one chip.
func chipFiles(folder string, text map[string]string) map[string]string {
	out := map[string]string{}
	for name, s := range text {
		out["sys/class/hwmon/"+folder+"/"+name] = s
	}
	return out
}

func merge(all ...map[string]string) map[string]string {
	out := map[string]string{}
	for _, m := range all {
		for k, v := range m {
			out[k] = v
		}
	}
	return out
}

func amdCard(folder, pci, card, power string) map[string]string {
	return chipFiles(folder, map[string]string{
		"name": "amdgpu\n", "power1_average": power + "\n", "power1_cap": "300000000\n",
		"device/uevent": "DRIVER=amdgpu\nPCI_ID=1002:73BF\nPCI_SLOT_NAME=" + pci + "\n", "device/drm/" + card + "/dev": "",
	})
}

func TestPlan(t *testing.T) {
	tests := map[string]struct {
		files map[string]string
		want  []string
	}{
		"trap 16: numbers have more than one digit, of chips, of cards and of sensors": {
			merge(amdCard("hwmon10", "0000:03:00.0", "card10", "1"), amdCard("hwmon2", "0000:04:00.0", "card9", "1"),
				chipFiles("hwmon11", map[string]string{"name": "corsairpsu\n", "power2_input": "1\n", "power10_input": "1\n", "power10_label": "power total\n"})),
			[]string{"gpu0", "gpu1", "corsairpsu/power2 refused", "node0"},
		},
		"cards have the numbers of their DRM devices, after those of NVIDIA": {
			merge(amdCard("hwmon1", "0000:03:00.0", "card2", "1"), map[string]string{"proc/driver/nvidia/gpus/0000:01:00.0/information": "", "proc/driver/nvidia/gpus/0000:02:00.0/information": ""}),
			[]string{"gpu2"},
		},
		"trap 22: a card that reads 0 W and is no second die is refused": {
			amdCard("hwmon1", "0000:03:00.0", "card0", "0"),
			[]string{"amdgpu/gpu0 refused"},
		},
		"trap 22: nor is one beside another of its model, unless they are two dies": {
			merge(amdCard("hwmon1", "0000:03:00.0", "card0", "5"), amdCard("hwmon2", "0000:04:00.0", "card1", "0")),
			[]string{"gpu0", "amdgpu/gpu1 refused"},
		},
		"trap 22: a die that has a limit of its own should tell its power": {
			merge(amdCard("hwmon1", "0000:03:00.0", "card0", "5"), amdCard("hwmon2", "0000:04:00.0", "card1", "0"), map[string]string{
				"sys/class/hwmon/hwmon1/device/uevent": "PCI_ID=1002:740C\nPCI_SLOT_NAME=0000:03:00.0\n", "sys/class/hwmon/hwmon2/device/uevent": "PCI_ID=1002:740C\nPCI_SLOT_NAME=0000:04:00.0\n",
			}),
			[]string{"gpu0", "amdgpu/gpu1 refused"},
		},
		"trap 23: an energy counter that amdgpu does not document is not trusted": {
			merge(amdCard("hwmon1", "0000:03:00.0", "card0", "7"), chipFiles("hwmon1", map[string]string{"energy1_input": "123\n"})),
			[]string{"amdgpu/energy1 refused", "gpu0"},
		},
		"the mean power is read where there is that of the moment too": {
			merge(amdCard("hwmon1", "0000:03:00.0", "card0", "7"), chipFiles("hwmon1", map[string]string{"power1_input": "9\n"})),
			[]string{"gpu0", "amdgpu/power1 mirrored"},
		},
		"the power of the moment is read where the mean cannot be": {
			merge(amdCard("hwmon1", "0000:03:00.0", "card0", "x"), chipFiles("hwmon1", map[string]string{"power1_input": "9\n"})),
			[]string{"amdgpu/power1 mirrored", "gpu0"},
		},
		"trap 15: one bad sensor takes no other with it": {
			merge(amdCard("hwmon1", "0000:03:00.0", "card0", "garbage"), amdCard("hwmon2", "0000:04:00.0", "card1", "7")),
			[]string{"gpu0 unreadable", "gpu1"},
		},
		"trap 23: of xe the card's counter is not believed that stands at 0 while the package's does not": {
			chipFiles("hwmon0", map[string]string{"name": "xe\n", "energy1_label": "card\n", "energy1_input": "0\n", "energy2_label": "pkg\n", "energy2_input": "5\n"}),
			[]string{"xe/card refused", "gpu0"},
		},
		"xe with the package alone": {
			chipFiles("hwmon0", map[string]string{"name": "xe\n", "energy2_label": "pkg\n", "energy2_input": "5\n"}),
			[]string{"gpu0"},
		},
		"tiles of a card that tells nothing are refused": {
			chipFiles("hwmon0", map[string]string{"name": "i915_gt0\n", "energy1_input": "5\n", "device/uevent": "PCI_SLOT_NAME=0000:17:00.0\n"}),
			[]string{"i915_gt0/energy1 refused"},
		},
		"trap 14: rails are not added up in the dark": {
			chipFiles("hwmon0", map[string]string{
				"name": "ina3221\n", "in1_input": "5000\n", "curr1_input": "100\n", "in2_label": "VDD_FAN\n", "in2_input": "5000\n", "curr2_input": "100\n",
				"in3_label": "VDD_SOC\n", "in3_input": "1\n", "curr3_input": "1\n", "in5_input": "40\n", "in7_input": "1\n", "curr4_input": "3\n",
			}),
			[]string{"ina3221/in1 refused", "ina3221/VDD_FAN refused", "ina3221/VDD_SOC refused"},
		},
		"a rail may have its label from the device tree": {
			chipFiles("hwmon0", map[string]string{"name": "ina226\n", "label": "VDD_IN\n", "power1_input": "5000\n", "in1_input": "5\n", "curr1_input": "1\n"}),
			[]string{"node0"},
		},
		"the whole machine is counted once": {
			merge(chipFiles("hwmon0", map[string]string{"name": "power_meter\n", "power1_average": "5000\n"}), chipFiles("hwmon1", map[string]string{"name": "power_meter\n", "power1_average": "5000\n"})),
			[]string{"node0", "hwmon1/node0 mirrored"},
		},
		"an ACPI meter of a battery, or of some devices": {
			merge(chipFiles("hwmon0", map[string]string{"name": "power_meter\n", "power1_average": "5000\n", "power1_is_battery": "1\n"}),
				chipFiles("hwmon1", map[string]string{"name": "power_meter\n", "power1_average": "5000\n", "measures/PNP0A08:00": ""})),
			[]string{"power_meter/power1 refused", "hwmon1/power_meter/power1 refused"},
		},
		"trap 56: a driver of which nothing is known is refused, not guessed at": {
			chipFiles("hwmon0", map[string]string{"name": "nouveau\n", "power1_input": "5000\n", "energy1_input": "1\n", "temp1_input": "1\n"}),
			[]string{"nouveau/energy1 refused", "nouveau/power1 refused"},
		},
		"a label of the chip is not that of each of its rails": {
			chipFiles("hwmon0", map[string]string{"name": "ina3221\n", "label": "VDD_IN\n", "in1_input": "5\n", "curr1_input": "1\n"}),
			[]string{"ina3221/in1 refused"},
		},
		"sensors that tell neither power nor energy are no concern of ours": {
			merge(chipFiles("hwmon0", map[string]string{"name": "nct6798\n", "in1_input": "1000\n", "curr1_input": "3\n", "power1_cap": "5\n"}),
				chipFiles("hwmon1", map[string]string{"name": "xe\n", "power1_max": "5\n"}), chipFiles("hwmonx", map[string]string{"name": "xe\n", "energy1_input": "5\n"})),
			nil,
		},
		"a battery that is shown as a sensor is package battery's": {
			chipFiles("hwmon0", map[string]string{"name": "BAT0\n", "power1_input": "5\n", "device/uevent": "POWER_SUPPLY_NAME=BAT0\nPOWER_SUPPLY_TYPE=Battery\n"}),
			nil,
		},
		"a socket or core with a strange name": {
			chipFiles("hwmon0", map[string]string{"name": "amd_energy\n", "energy1_label": "Esocket-1\n", "energy1_input": "1\n", "energy2_label": "Ecore000\n", "energy2_input": "1\n", "energy3_input": "1\n"}),
			[]string{"amd_energy/Esocket-1 refused", "amd_energy/Ecore000 contained", "amd_energy/energy3 refused"},
		},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			assert.Equal(t, test.want, decisions(t, files(test.files)))
		})
	}
}

func domainsOf(t *testing.T, name string) map[string]planned {
	t.Helper()
	out := map[string]planned{}
	for _, p := range planAll(t, hosttest.Open(t, name)) {
		out[p.ID] = p
	}
	return out
}

func TestPlanSaysWhatIsKnownOfADevice(t *testing.T) {
	amd := domainsOf(t, "desktop-amd-gpu")
	d := amd["gpu1"].Domain
	assert.Equal(t, lifecycle.KindGPU, d.Kind)
	assert.Equal(t, 1, d.Device)
	assert.Equal(t, "amdgpu", d.Sensor)
	assert.Equal(t, "hwmon", d.Mode)
	assert.Equal(t, "AMD GPU (1002:73BF)", d.Model, "without a name of its product")
	assert.Equal(t, "GPU-a1b2c3d4e5f60718", d.UUID, "as ROCm calls it")
	assert.Equal(t, []string{"GPU-a1b2c3d4e5f60718", "0000:03:00.0"}, d.Aliases)
	assert.Equal(t, "sys/bus/pci/devices/0000:03:00.0/hwmon/hwmon4", d.Path, "the PCI address is there for other meters")
	assert.Equal(t, int64(17163091968), d.MemoryBytes)
	assert.Equal(t, 255.0, d.PowerLimitW)
	assert.Equal(t, lifecycle.KindCPU, amd["cpu0"].Kind, "the graphics of a processor are part of it, and its power is told for both")
	assert.Contains(t, amd["cpu0"].Why, "both")

	assert.Equal(t, "AMD INSTINCT MI250X (MCM) OAM AC MBA", domainsOf(t, "server-mi250")["gpu0"].Model)

	intel := domainsOf(t, "workstation-intel-gpu")["gpu0"].Domain
	assert.Equal(t, "Intel GPU (8086:56A0)", intel.Model)
	assert.Equal(t, 190.0, intel.PowerLimitW)
	assert.Equal(t, 190.0, intel.TDPW)
	assert.Equal(t, 43217.8, intel.RawJ)
	assert.InDelta(t, 61.035e-6, intel.ResolutionJ, 1e-9)

	for id, p := range domainsOf(t, "server-amd-energy") {
		assert.NotEmpty(t, p.Why, id)
	}
}

// Trap 21: a power that is the mean of a time is told as such.
func TestMeanPowerIsToldAsSuch(t *testing.T) {
	d := domainsOf(t, "server-mi250")["node0"].Domain
	assert.Equal(t, time.Second, d.Average)
	assert.Equal(t, lifecycle.Metered, d.Method)
	assert.Equal(t, lifecycle.KindNode, d.Kind)
	assert.InDelta(t, 0.05, d.RelError, 1e-9, "the accuracy that the meter tells")
	assert.Equal(t, "sys/class/hwmon/hwmon12/device", d.Path)
	assert.True(t, domainsOf(t, "server-mi250")["node0"].chip.driver.slow)
}

func TestFileThatIsForRootOnlySaysWhatWouldMend(t *testing.T) {
	p := planned{chip: &chip{dir: "sys/class/hwmon/hwmon3"}, channel: &channel{names: [2]string{"energy17_input"}}}
	p.unreadable(&fs.PathError{Op: "open", Path: "x", Err: fs.ErrPermission})
	assert.Equal(t, "unreadable", p.LeftOut)
	assert.Contains(t, p.Fix, "chmod a+r /sys/class/hwmon/hwmon3/energy17_input")
	p.unreadable(&fs.PathError{Op: "read", Path: "x", Err: syscall.ENODATA})
	assert.NotContains(t, p.Why, "x:", "the path is told apart")
}

func TestNoHardwareIsNotMissing(t *testing.T) {
	_, err := Open(fstest.MapFS{})
	require.ErrorIs(t, err, fs.ErrNotExist)
	assert.False(t, errors.As(err, new(*meter.Missing)), "who has none needs no advice")
	_, err = Open(hosttest.Open(t, "server-intel"))
	require.ErrorIs(t, err, fs.ErrNotExist)
	_, err = Open(files(chipFiles("hwmon0", map[string]string{"name": "nvme\n", "temp1_input": "5\n"})))
	require.ErrorIs(t, err, fs.ErrNotExist)
}

func TestParse(t *testing.T) {
	for name, want := range map[string]channel{
		"energy1_input":                   {quantity: energy, index: 1},
		"power12_input":                   {quantity: power, index: 12},
		"power2_average":                  {quantity: power, index: 2, average: true},
		"in3_input":                       {quantity: rail, index: 3},
		"power1_cap":                      {index: -1},
		"power_input":                     {index: -1},
		"power1_input_x":                  {index: -1},
		"energy1_average":                 {index: -1},
		"in0_input":                       {index: -1},
		"in7_input":                       {index: -1},
		"temp1_input":                     {index: -1},
		"":                                {index: -1},
		"_":                               {index: -1},
		"power99999999999999999999_input": {index: -1},
	} {
		q, index, average, ok := parse(name)
		if !ok {
			assert.Equal(t, -1, want.index, "%q is one of ours", name)
			continue
		}
		assert.Equal(t, want, channel{quantity: q, index: index, average: average}, name)
	}
}

// Whatever the files of a chip say, every sensor is decided upon with a
// reason, and no two have one ID.
func FuzzPlan(f *testing.F) {
	f.Add("amdgpu", "power1_average", "5\n", "PPT", "PCI_SLOT_NAME=0000:03:00.0\nPCI_ID=1002:740c")
	f.Add("xe", "energy2_input", "18446744073709551616", "pkg", "")
	f.Add("ina3221", "in1_input", "-5", "VDD_IN", "=\n=")
	f.Add("amd_energy", "energy1_input", "0", "Esocket99999999999999999999", "")
	f.Add("power_meter", "power1_average", "", "", "POWER_SUPPLY_NAME=BAT0")
	f.Add("macsmc_hwmon", "power1_input", "1e9", "Total System Power", "")
	f.Fuzz(func(t *testing.T, name, file, value, label, uevent string) {
		if !fs.ValidPath(file) || strings.ContainsAny(file, "/\\") || file == "." || !utf8.ValidString(file) {
			return
		}
		text := map[string]string{"name": name, file: value, "power1_label": label, "energy1_label": label, "in1_label": label, "curr1_input": value, "device/uevent": uevent, "energy2_input": "7", "power1_input": "3"}
		root := files(merge(chipFiles("hwmon0", text), chipFiles("hwmon1", text)))
		m, err := open(root, func(driver) bool { return true })
		if err != nil {
			require.ErrorIs(t, err, fs.ErrNotExist)
			return
		}
		defer m.Close()
		seen := map[string]bool{}
		for _, d := range m.Domains() {
			assert.NotEmpty(t, d.Why, d.ID)
			assert.False(t, seen[d.ID], "two sensors are called %s", d.ID)
			seen[d.ID] = true
			assert.GreaterOrEqual(t, d.Device, 0)
			assert.False(t, math.IsNaN(d.RelError) || d.RelError < 0)
			if d.LeftOut == "" {
				assert.Positive(t, d.MaxW, d.ID)
				assert.Positive(t, d.RelError, d.ID)
			}
		}
		for range 2 {
			samples, err := m.Read(nil)
			require.NoError(t, err)
			for _, s := range samples {
				assert.GreaterOrEqual(t, s.Joules, 0.0)
			}
		}
	})
}
