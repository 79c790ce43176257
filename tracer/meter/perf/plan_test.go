package perf

import (
	"errors"
	"io/fs"
	"testing"
	"testing/fstest"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/ecotracer/ecotracer/lifecycle"
	"github.com/ecotracer/ecotracer/tracer/meter"
	"github.com/ecotracer/ecotracer/tracer/meter/internal/rapl"
)

const scaleUJ = 1e6 / (1 << 32)

func events(names ...string) []eventFile {
	var list []eventFile
	for _, name := range names {
		list = append(list, eventFile{name: name, kind: kinds[name], scaleUJ: scaleUJ})
	}
	return list
}

func decisions(plans []planned) []string {
	var domains []meter.Domain
	for _, p := range plans {
		domains = append(domains, p.Domain)
	}
	relate(domains)
	return words(domains)
}

// words are what becomes of domains: "cpu0", or "package-0/energy-cores left
// out within cpu0".
func words(domains []meter.Domain) []string {
	var out []string
	for _, d := range domains {
		s := d.ID
		if d.LeftOut != "" {
			s += " " + d.LeftOut
		}
		if d.Within != "" {
			s += " within " + d.Within
		}
		out = append(out, s)
	}
	return out
}

func TestPlan(t *testing.T) {
	one := []place{{cpu: 0}}
	sockets := []place{{cpu: 0, pkg: 0}, {cpu: 8, pkg: 1}}
	dies := []place{{cpu: 0}, {cpu: 8, die: 1}}
	zone := func(id, name string, kind lifecycle.HardwareKind) meter.Domain {
		return meter.Domain{ID: id, Name: name, Kind: kind}
	}
	leftOut := func(d meter.Domain, as string) meter.Domain {
		d.LeftOut = as
		return d
	}
	const cpu, memory, node = lifecycle.KindCPU, lifecycle.KindMemory, lifecycle.KindNode
	for name, test := range map[string]struct {
		places []place
		events []eventFile
		vendor string
		zones  []meter.Domain
		want   []string
	}{
		"trap 12: memory is no part of its package, cores are": {
			one, events("energy-pkg", "energy-ram", "energy-cores", "energy-gpu"), "Intel", nil,
			[]string{"cpu0", "dram0", "package-0/energy-cores contained within cpu0", "package-0/energy-gpu contained within cpu0"},
		},
		"trap 11: each socket has its memory": {
			sockets, events("energy-pkg", "energy-ram"), "Intel", nil,
			[]string{"cpu0", "cpu1", "dram0", "dram1"},
		},
		"trap 13: the order of CPUs is not that of packages": {
			[]place{{cpu: 0, pkg: 7}, {cpu: 8, pkg: 3}}, events("energy-pkg"), "Intel", nil,
			[]string{"cpu1", "cpu0"},
		},
		"trap 10: dies of an Intel package are apart": {
			dies, events("energy-pkg", "energy-ram"), "Intel", nil,
			[]string{"cpu0/die0", "cpu0/die1", "dram0/die0", "dram0/die1"},
		},
		"trap 8: dies that powercap found to be mirrors are counted once": {
			dies, events("energy-pkg", "energy-cores"), "Intel",
			[]meter.Domain{zone("cpu0", "package-0-die-0", cpu), leftOut(zone("package-0-die-1", "package-0-die-1", cpu), "mirrored")},
			[]string{"cpu0", "package-0-die-1/energy-pkg mirrored", "package-0-die-0/energy-cores contained within cpu0", "package-0-die-1/energy-cores contained within cpu0"},
		},
		"trap 8: dies of an AMD socket are counted once": {
			[]place{{cpu: 0}, {cpu: 8, die: 1}, {cpu: 16, pkg: 1}, {cpu: 24, pkg: 1, die: 1}}, events("energy-pkg"), "AMD", nil,
			[]string{"cpu0", "package-0-die-1/energy-pkg mirrored", "cpu1", "package-1-die-1/energy-pkg mirrored"},
		},
		"dies of an AMD socket that powercap found to count apart are": {
			dies, events("energy-pkg"), "AMD",
			[]meter.Domain{zone("cpu0/die0", "package-0-die-0", cpu), zone("cpu0/die1", "package-0-die-1", cpu)},
			[]string{"cpu0/die0", "cpu0/die1"},
		},
		"dies that powercap may not read are those of the vendor": {
			dies, events("energy-pkg"), "Hygon",
			[]meter.Domain{leftOut(zone("package-0-die-0", "package-0-die-0", cpu), "unreadable")},
			[]string{"cpu0", "package-0-die-1/energy-pkg mirrored"},
		},
		"trap 9: psys is no CPU, and packages and memory are parts of it": {
			one, events("energy-pkg", "energy-ram", "energy-psys"), "Intel", nil,
			[]string{"cpu0 within node0", "dram0 within node0", "node0"},
		},
		"trap 9: of several packages the one counts the board that powercap says": {
			sockets, events("energy-pkg", "energy-psys"), "Intel",
			[]meter.Domain{zone("cpu0", "package-0", cpu), zone("node0", "psys-1", node)},
			[]string{"cpu0 within node0", "cpu1 within node0", "package-0/energy-psys refused", "node0"},
		},
		"trap 9: which of several packages counts the board is not guessed": {
			sockets, events("energy-pkg", "energy-psys"), "Intel", nil,
			[]string{"cpu0", "cpu1", "package-0/energy-psys refused", "package-1/energy-psys refused"},
		},
		"trap 9: a board that powercap shows to count nothing is none": {
			one, events("energy-pkg", "energy-psys"), "Intel",
			[]meter.Domain{zone("cpu0", "package-0", cpu), leftOut(zone("psys", "psys", node), "refused")},
			[]string{"cpu0", "package-0/energy-psys refused"},
		},
		"trap 14: cores are not added up in place of a package": {
			one, append(events("energy-cores"), eventFile{name: "energy-pkg", kind: rapl.Package, err: errors.New("garbled")}), "Intel", nil,
			[]string{"package-0/energy-cores refused within cpu0", "package-0/energy-pkg unreadable"},
		},
		"trap 15: a CPU that is nowhere takes no other with it": {
			[]place{{cpu: 0, err: fs.ErrPermission}, {cpu: 8, pkg: 1}}, events("energy-pkg"), "Intel", []meter.Domain{zone("dram0", "dram", memory)},
			[]string{"cpu-0/energy-pkg unreadable", "cpu0"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			plans := plan(pmu{places: test.places, events: test.events}, test.vendor, test.zones)
			assert.Equal(t, test.want, decisions(plans))
			for _, p := range plans {
				assert.NotEmpty(t, p.Why, "%s is decided upon without a reason", p.ID)
				assert.GreaterOrEqual(t, p.Device, 0)
			}
		})
	}
}

func TestComponentsThatOnlyOneWayShowsAreTold(t *testing.T) {
	cpu := func(id, name string, device int) meter.Domain {
		return meter.Domain{ID: id, Name: name, Kind: lifecycle.KindCPU, Device: device, ResolutionJ: 61e-6}
	}
	domains := []meter.Domain{cpu("cpu0", "package-0/energy-pkg", 0), cpu("cpu1", "package-1/energy-pkg", 1)}
	zones := []meter.Domain{
		cpu("cpu0", "package-0", 0),
		{ID: "package-0/core", Name: "core", Kind: lifecycle.KindCPU, Device: 3, LeftOut: "contained"},
		{ID: "dram0", Name: "dram", Kind: lifecycle.KindMemory},
		{ID: "package-0-die-1/dram", Name: "dram", Kind: lifecycle.KindMemory, LeftOut: "unreadable"},
	}
	got := compare(domains, zones)
	assert.Equal(t, []string{"cpu0", "cpu1", "dram0 refused"}, words(got))
	assert.Contains(t, got[0].Why, "powercap shows it too")
	assert.Equal(t, 61e-6, got[0].ResolutionJ, "the step of the register, not that of the event")
	assert.Contains(t, got[1].Why, "powercap does not show it")
	assert.Contains(t, got[2].Why, "only powercap shows it")
	assert.Empty(t, domains[0].Why, "what it is given stays as it is")
	assert.Contains(t, compare(domains, nil)[0].Why, "nothing to check it by")
}

func files(change map[string]string) fstest.MapFS {
	root := fstest.MapFS{}
	for name, text := range map[string]string{
		folder + "/type":                                           "9\n",
		folder + "/cpumask":                                        "0,8\n",
		folder + "/format/event":                                   "config:0-7\n",
		folder + "/format/umask":                                   "config:8-15\n",
		folder + "/events/energy-pkg":                              "event=0x02\n",
		folder + "/events/energy-pkg.scale":                        "2.3283064365386962890625e-10\n",
		folder + "/events/energy-pkg.unit":                         "Joules\n",
		"sys/devices/system/cpu/cpu0/topology/die_id":              "0\n",
		"sys/devices/system/cpu/cpu8/topology/die_id":              "0\n",
		"sys/devices/system/cpu/cpu0/topology/physical_package_id": "0\n",
		"sys/devices/system/cpu/cpu8/topology/physical_package_id": "1\n",
	} {
		if changed, ok := change[name]; ok {
			text = changed
		}
		if text != "-" {
			root[name] = &fstest.MapFile{Data: []byte(text)}
		}
	}
	return root
}

func TestPMUIsReadAsTheKernelWritesIt(t *testing.T) {
	p, err := readPMU(files(nil))
	require.NoError(t, err)
	assert.Equal(t, pmu{
		typ:    9,
		places: []place{{cpu: 0}, {cpu: 8, pkg: 1}},
		events: []eventFile{{name: "energy-pkg", kind: rapl.Package, config: 2, scaleUJ: scaleUJ}},
	}, p)

	p, err = readPMU(files(map[string]string{
		folder + "/cpumask":                           "0-1",
		folder + "/events/energy-pkg":                 "event=0x02,umask=0x1f",
		"sys/devices/system/cpu/cpu0/topology/die_id": "-",
	}))
	require.NoError(t, err)
	assert.Equal(t, uint64(0x1f02), p.events[0].config)
	assert.NoError(t, p.places[0].err, "before Linux 5.2 there are no dies")
	assert.Error(t, p.places[1].err, "a CPU that is not there")
}

func TestPMUThatIsNotUnderstood(t *testing.T) {
	for name, text := range map[string]string{
		folder + "/type":    "x",
		folder + "/cpumask": "0-99999",
	} {
		_, err := readPMU(files(map[string]string{name: text}))
		assert.Error(t, err, name)
	}
	for _, test := range []struct{ file, text string }{
		{"events/energy-pkg", "event"},
		{"events/energy-pkg", "event=two"},
		{"events/energy-pkg", "event=0x100"},
		{"events/energy-pkg", "../../type=1"},
		{"events/energy-pkg", "frequency=1"},
		{"format/event", "config1:0-7"},
		{"format/event", "config:7-0"},
		{"format/event", "-"},
		{"events/energy-pkg.unit", "Watts"},
		{"events/energy-pkg.unit", "-"},
		{"events/energy-pkg.scale", "0"},
		{"events/energy-pkg.scale", "NaN"},
		{"events/energy-pkg.scale", "1e300"},
		{"events/energy-pkg.scale", "-"},
	} {
		p, err := readPMU(files(map[string]string{folder + "/" + test.file: test.text}))
		require.NoError(t, err)
		require.Len(t, p.events, 1)
		assert.Error(t, p.events[0].err, "%s: %s", test.file, test.text)
	}
}

func TestTwoCPUsOfOneDieAreOnePlace(t *testing.T) {
	p, err := readPMU(files(map[string]string{folder + "/cpumask": "0,8,0", "sys/devices/system/cpu/cpu8/topology/physical_package_id": "0"}))
	require.NoError(t, err)
	p.events = events("energy-pkg", "energy-cores", "energy-psys")
	assert.Equal(t, []string{"cpu0 within node0", "package-0/energy-cores contained within cpu0", "node0"}, decisions(plan(p, "Intel", nil)))
}

// Whatever the files say, nothing is opened that is not understood, IDs are
// unique and no part is counted twice.
func FuzzPlan(f *testing.F) {
	f.Add("9", "0,8", "config:0-7", "event=0x02", "2.3283064365386962890625e-10", "Joules", "1", "0", "AMD")
	f.Add("4294967296", "0-3,2", "config:63", "event=1", "1e-9", "Joules", "0", "1", "Intel")
	f.Fuzz(func(t *testing.T, typ, mask, format, terms, scale, unit, pkg, die, vendor string) {
		root := files(map[string]string{
			folder + "/type":                                           typ,
			folder + "/cpumask":                                        mask,
			folder + "/format/event":                                   format,
			folder + "/events/energy-pkg":                              terms,
			folder + "/events/energy-pkg.scale":                        scale,
			folder + "/events/energy-pkg.unit":                         unit,
			"sys/devices/system/cpu/cpu8/topology/physical_package_id": pkg,
			"sys/devices/system/cpu/cpu8/topology/die_id":              die,
		})
		p, err := readPMU(root)
		if err != nil {
			return
		}
		ids := map[string]bool{}
		for _, d := range plan(p, vendor, nil) {
			assert.NotEmpty(t, d.Why)
			if d.LeftOut != "" {
				continue
			}
			assert.False(t, ids[d.ID], "%s is counted twice", d.ID)
			ids[d.ID] = true
			assert.Positive(t, d.scaleUJ)
			assert.Positive(t, d.MaxW)
		}
	})
}
