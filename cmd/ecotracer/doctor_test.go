package main

import (
	"encoding/json"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/ecotracer/ecotracer/internal/hosttest"
	"github.com/ecotracer/ecotracer/lifecycle"
	"github.com/ecotracer/ecotracer/tracer/tracertest"
)

// server is a host with all kinds of zones: two that count, one inside, one
// twice, one that covers everything.
func server(t *testing.T) *tracertest.Host {
	nothing := tracertest.Constant(0)
	return tracertest.NewHost(t.TempDir(), tracertest.HostConfig{
		StartUJ:  1_500_000,
		Packages: []tracertest.Curve{nothing},
		DRAM:     []tracertest.Curve{nothing},
		Psys:     nothing,
		Zones: []tracertest.Zone{
			{ID: "intel-rapl:0:1", Name: "core", Power: nothing},
			{ID: "intel-rapl-mmio:0", Name: "package-0", Power: nothing},
		},
	})
}

func diagnosed(t *testing.T, root string) (diagnosis, int) {
	t.Helper()
	r := call("", "doctor", "--root", root, "--json")
	require.Empty(t, r.err)
	var d diagnosis
	require.NoError(t, json.Unmarshal([]byte(r.out), &d))
	return d, r.code
}

func byPath(d diagnosis) map[string]diagnosedDomain {
	m := map[string]diagnosedDomain{}
	for _, domain := range d.Domains {
		if domain.Meter == "powercap" {
			m[filepath.Base(domain.Path)] = domain
		}
	}
	return m
}

func TestDoctorTellsWhatBecomesOfEachDomain(t *testing.T) {
	d, _ := diagnosed(t, server(t).Dir())
	zones := byPath(d)
	require.Len(t, zones, 5, "every domain must be listed, counted or not")
	for zone, decision := range map[string]string{
		"intel-rapl:0":      "counted",
		"intel-rapl:0:0":    "counted",
		"intel-rapl:0:1":    "contained",
		"intel-rapl-mmio:0": "mirrored",
		"intel-rapl:1":      "counted",
	} {
		assert.Equal(t, decision, zones[zone].Decision, zone)
		assert.NotEmpty(t, zones[zone].Why, "%s must have a reason", zone)
	}
	cpu := zones["intel-rapl:0"]
	assert.Equal(t, "cpu0", cpu.ID)
	assert.Equal(t, "package-0", cpu.Name)
	assert.Equal(t, lifecycle.Counter, cpu.Method)
	require.NotNil(t, cpu.RawJ)
	assert.InDelta(t, 1.5, *cpu.RawJ, 1e-9, "the raw reading")
	require.NotNil(t, cpu.RangeJ)
	assert.InDelta(t, 262143.328850, *cpu.RangeJ, 1e-6, "where the counter wraps")
	assert.Equal(t, "cpu0", zones["intel-rapl:0:1"].Within)
}

func TestDoctorTellsWhyACounterCannotBeRead(t *testing.T) {
	host := server(t)
	energy := filepath.Join(host.Dir(), tracertest.EnergyFile("intel-rapl:0:0"))
	require.NoError(t, os.WriteFile(energy, []byte("not a number\n"), 0o644))
	d, _ := diagnosed(t, host.Dir())
	dram := byPath(d)["intel-rapl:0:0"]
	assert.Equal(t, "unreadable", dram.Decision)
	assert.Nil(t, dram.RawJ, "a reading that is not there is not zero")
	assert.Equal(t, "counted", byPath(d)["intel-rapl:0"].Decision, "one bad zone takes no other with it")
	require.NotEmpty(t, d.Missing)
	r := call("", "doctor", "--root", host.Dir())
	assert.Contains(t, r.out, "unreadable")
	assert.Contains(t, r.out, "Missing")
}

func TestDoctorOfAVirtualMachineModels(t *testing.T) {
	host := tracertest.NewHost(t.TempDir(), tracertest.HostConfig{VM: true})
	d, code := diagnosed(t, host.Dir())
	require.NotEmpty(t, d.Domains)
	for _, domain := range d.Domains {
		assert.Equal(t, lifecycle.Modelled, domain.Method)
		assert.Nil(t, domain.RawJ, "a model has no reading")
		assert.Positive(t, domain.RelError)
	}
	require.NotEmpty(t, d.Missing)
	assert.Equal(t, "rapl", d.Missing[0].What)
	mended := false
	for _, m := range d.Missing {
		mended = mended || m.Fix != ""
	}
	assert.Equal(t, mended, code == 1, "exit code 1 is for what can be mended")
}

func TestDoctorForPeople(t *testing.T) {
	r := call("", "doctor", "--root", server(t).Dir())
	require.Empty(t, r.err)
	for _, want := range []string{"Host", "Xeon", "Domains", "cpu0", "counted", "contained", "mirrored", "node0/rest", "└─ ", "±5 %", "18.0 W"} {
		assert.Contains(t, r.out, want)
	}
	assert.NotContains(t, r.out, "\x1b", "no colour into a pipe")
}

func TestDoctorListsDomainsAsPeopleCount(t *testing.T) {
	d, _ := diagnosed(t, hosttest.Dir(t, "server-amd"))
	var ids []string
	for _, domain := range d.Domains {
		ids = append(ids, domain.ID)
	}
	assert.Equal(t, []string{"cpu0", "package-0/core", "cpu1", "package-1/core", "dram0", "node0/rest"}, ids,
		"whatever numbers the kernel gave the zones")

	list := []diagnosedDomain{{ID: "gpu10", Meter: "b"}, {ID: "gpu9", Meter: "b"}, {ID: "cpu2", Meter: "a"}, {ID: "core", Meter: "a", Within: "cpu2"}, {ID: "cpu10", Meter: "a"}, {ID: "cpu", Meter: "a"}}
	for i := range list {
		list[i].Decision = counted
	}
	slices.Reverse(list)
	ids = nil
	for _, domain := range treeOf(list).list() {
		ids = append(ids, domain.ID)
	}
	assert.Equal(t, []string{"cpu", "cpu2", "core", "cpu10", "gpu9", "gpu10"}, ids)
}

func TestDoctorDrawsWhatLiesWithinItself(t *testing.T) {
	root := treeOf([]diagnosedDomain{
		{ID: "a", Within: "b", Decision: counted}, {ID: "b", Within: "a", Decision: counted},
		{ID: "c", Within: "c", Decision: counted}, {ID: "c", By: "d", Decision: "mirrored"},
	})
	assert.Len(t, root.list(), 4, "each domain once, whatever sources say of each other")
}

func TestDoctorTellsOnceHowAProgramCountsGPUs(t *testing.T) {
	p := page{style: style{width: 80}}
	p.tree(treeOf([]diagnosedDomain{
		{ID: "gpu0", Kind: lifecycle.KindGPU, Meter: "nvml", Decision: counted}, {ID: "gpu1", Kind: lifecycle.KindGPU, Meter: "nvml", Decision: counted},
	}), map[string]bool{})
	assert.Equal(t, 1, strings.Count(p.String(), `"github.com/ecotracer/ecotracer/tracer/meter/nvml"`), "%s", p.String())
}

// doctorOf is what doctor prints of a host.
func doctorOf(host fs.FS, width int) string {
	d := diagnose(host)
	p := page{style: style{width: width}, record: d.record}
	p.diagnosis(d)
	return p.String()
}

// TestDoctorForAdministrators holds what doctor prints of hosts to texts that
// were read by a person. -update writes them anew.
func TestDoctorForAdministrators(t *testing.T) {
	for _, name := range []string{
		"vm-aws", "server-intel", "server-intel-psys", "server-mi250", "server-bad-zone", "server-multi-die", "desktop-amd-dies", "desktop-amd-gpu",
		"laptop-intel", "laptop-mac", "board-jetson-nx", "board-jetson-agx", "container-masked", "container-denied", "desktop-root-only",
	} {
		t.Run(name, func(t *testing.T) {
			text := doctorOf(hosttest.Open(t, name), 80)
			file := filepath.Join("testdata", "doctor", name+".txt")
			if *update {
				require.NoError(t, os.MkdirAll(filepath.Dir(file), 0o755))
				require.NoError(t, os.WriteFile(file, []byte(text), 0o644))
			}
			want, err := os.ReadFile(file)
			require.NoError(t, err)
			assert.Equal(t, string(want), text)
			for line := range strings.Lines(text) {
				assert.LessOrEqual(t, utf8.RuneCountInString(strings.TrimSuffix(line, "\n")), 80, "%s", line)
			}
		})
	}
}

func TestDoctorOfThisHost(t *testing.T) {
	r := call("", "doctor")
	require.Empty(t, r.err)
	assert.Contains(t, r.out, "Domains")
}

func TestDoctorOfNoHostSaysHowToGetOne(t *testing.T) {
	for name, root := range map[string]string{"an empty folder": t.TempDir(), "nothing": filepath.Join(t.TempDir(), "none")} {
		t.Run(name, func(t *testing.T) {
			r := call("", "doctor", "--root", root)
			assert.Equal(t, 1, r.code)
			assert.Empty(t, r.out)
			assert.Contains(t, r.err, root)
		})
	}
	assert.Contains(t, call("", "doctor", "--root", t.TempDir()).err, "ecotracer help doctor")
}

func TestDoctorStaysInsideTheCopy(t *testing.T) {
	other := server(t)
	root := t.TempDir()
	require.NoError(t, os.MkdirAll(filepath.Join(root, "proc"), 0o755))
	require.NoError(t, os.MkdirAll(filepath.Join(root, "sys/class"), 0o755))
	require.NoError(t, os.Symlink(filepath.Join(other.Dir(), "sys/class/powercap"), filepath.Join(root, "sys/class/powercap")))
	d, _ := diagnosed(t, root)
	assert.Empty(t, byPath(d), "a link must not lead to another host's counters")
}

func TestDoctorTellsOfWrongSettings(t *testing.T) {
	t.Setenv("ECOTRACER_COUNTRY", "QQ")
	r := call("", "doctor")
	assert.Equal(t, 1, r.code)
	assert.Contains(t, r.out, "QQ")
}
