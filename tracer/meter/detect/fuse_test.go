package detect

import (
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/ecotracer/ecotracer/lifecycle"
	"github.com/ecotracer/ecotracer/tracer/meter"
)

// is makes a domain of a few words: "cpu0/die1 counter rapl in=node0 out=refused".
func is(words string) meter.Domain {
	fields := strings.Fields(words)
	d := meter.Domain{ID: fields[0], Name: fields[0], Method: lifecycle.Counter, Sensor: "test", RelError: 0.05}
	letters := strings.IndexAny(d.ID, "0123456789")
	d.Kind = map[string]lifecycle.HardwareKind{"node": lifecycle.KindNode, "cpu": lifecycle.KindCPU, "dram": lifecycle.KindMemory, "gpu": lifecycle.KindGPU, "module": "board"}[d.ID[:max(letters, 0)]]
	if d.Kind == "" {
		d.Kind = lifecycle.KindCPU
	} else {
		for _, c := range d.ID[letters:] {
			if c < '0' || c > '9' {
				break
			}
			d.Device = d.Device*10 + int(c-'0')
		}
	}
	for _, f := range fields[1:] {
		key, value, ok := strings.Cut(f, "=")
		switch {
		case !ok && rank(lifecycle.Method(f)) > 0 || f == "modelled":
			d.Method = lifecycle.Method(f)
		case !ok:
			d.Sensor = f
		case key == "in":
			d.Within = value
		case key == "out":
			d.LeftOut, d.Why = value, "its meter says so"
		case key == "count":
			d.Count = int(value[0] - '0')
		case key == "uuid":
			d.UUID = value
		case key == "path":
			d.Path = value
		default:
			panic(f)
		}
	}
	return d
}

func reported(sources ...[]string) []listing {
	var list []listing
	for _, s := range sources {
		l := listing{source: s[0]}
		for _, words := range s[1:] {
			l.domains = append(l.domains, is(words))
		}
		list = append(list, l)
	}
	return list
}

// decided tells what became of each domain.
func decided(t tree) []string {
	var list []string
	for _, f := range t.found() {
		text := f.Meter + " " + f.ID
		if f.LeftOut != "" {
			text += " " + f.LeftOut
			if f.By != "" {
				text += " by " + f.By
			}
		}
		list = append(list, text)
	}
	return list
}

func TestGraphicsCardsAreNoPartOfPsysButOfTheWholeMachine(t *testing.T) {
	parts := func(node string) []string {
		tr := fuse(reported([]string{"powercap", "cpu0 rapl in=node0"}, []string{"nvml", "gpu0", "gpu1 in=node0"}, []string{"node", node}))
		var ids []string
		for _, p := range tr.nodes[0].parts {
			ids = append(ids, tr.domain(p).ID)
		}
		return ids
	}
	assert.Equal(t, []string{"cpu0"}, parts("node0 rapl"))
	assert.Equal(t, []string{"cpu0", "gpu0", "gpu1"}, parts("node0 metered redfish"))
}

func TestFuse(t *testing.T) {
	for name, test := range map[string]struct {
		sources [][]string
		want    []string
	}{
		"parts alone": {
			[][]string{{"powercap", "cpu0", "dram0"}},
			[]string{"powercap cpu0", "powercap dram0"},
		},
		"of equals the first source is counted": {
			[][]string{{"perf", "cpu0 rapl"}, {"powercap", "cpu0 rapl", "dram0 rapl"}},
			[]string{"perf cpu0", "powercap powercap:cpu0 mirrored by cpu0", "powercap dram0"},
		},
		"the better method is counted, whatever the order": {
			[][]string{{"given", "cpu0 modelled", "cpu1 declared"}, {"powercap", "cpu0", "cpu1"}, {"prom", "cpu1 metered"}},
			[]string{"given given:cpu0 mirrored by cpu0", "given given:cpu1 mirrored by cpu1", "powercap cpu0", "powercap powercap:cpu1 mirrored by cpu1", "prom cpu1"},
		},
		"a package is not added to the dies that another source tells": {
			[][]string{{"perf", "cpu0"}, {"powercap", "cpu0/die0", "cpu0/die1"}},
			[]string{"perf cpu0", "powercap cpu0/die0 mirrored by cpu0", "powercap cpu0/die1 mirrored by cpu0"},
		},
		"nor dies to the package": {
			[][]string{{"perf", "cpu0/die0", "cpu0/die1"}, {"powercap", "cpu0"}},
			[]string{"perf cpu0/die0", "perf cpu0/die1", "powercap cpu0 mirrored by cpu0/die0"},
		},
		"trap 11: memory of two sockets is two devices, also over two sources": {
			[][]string{{"perf", "dram0", "dram1"}, {"powercap", "dram0", "dram1"}},
			[]string{"perf dram0", "perf dram1", "powercap powercap:dram0 mirrored by dram0", "powercap powercap:dram1 mirrored by dram1"},
		},
		"sockets that a source tells together are not added to those another tells": {
			[][]string{{"prom", "cpu0 count=2", "dram0 count=2"}, {"powercap", "cpu0", "cpu1", "cpu2", "dram1"}},
			[]string{"prom cpu0", "prom dram0", "powercap powercap:cpu0 mirrored by cpu0", "powercap cpu1 mirrored by cpu0", "powercap cpu2", "powercap dram1 mirrored by dram0"},
		},
		"nor together to each": {
			[][]string{{"powercap", "cpu0", "cpu1"}, {"prom", "cpu0 count=2"}},
			[]string{"powercap cpu0", "powercap cpu1", "prom prom:cpu0 mirrored by cpu0"},
		},
		"what another source tells within a counted device is contained": {
			[][]string{{"powercap", "cpu0"}, {"hwmon", "gpu0 in=cpu0"}},
			[]string{"powercap cpu0", "hwmon gpu0 contained by cpu0"},
		},
		"trap 14: a part does not stand for a package that cannot be read": {
			[][]string{{"powercap", "cpu0 out=unreadable"}, {"hwmon", "gpu0 in=cpu0", "gpu1"}},
			[]string{"powercap cpu0 unreadable", "hwmon gpu0 refused by cpu0", "hwmon gpu1"},
		},
		"trap 15: one bad zone takes no other with it": {
			[][]string{{"perf", "cpu0 out=unreadable", "cpu1"}, {"powercap", "cpu0", "cpu1", "dram0 out=unreadable"}},
			[]string{"perf perf:cpu0 unreadable by cpu0", "perf cpu1", "powercap cpu0", "powercap powercap:cpu1 mirrored by cpu1", "powercap dram0 unreadable"},
		},
		"trap 8: what its meter calls a mirror stays one": {
			[][]string{{"powercap", "cpu0/die0", "cpu0/die1 out=mirrored"}},
			[]string{"powercap cpu0/die0", "powercap cpu0/die1 mirrored"},
		},
		"trap 22: a GPU is not added to the module that it is on": {
			[][]string{{"nvml", "module0", "gpu0 in=module0"}},
			[]string{"nvml module0", "nvml gpu0 contained by module0"},
		},
		"trap 24: devices that only one source sees are counted, and no other's number is taken for them": {
			[][]string{{"nvml", "gpu0 uuid=GPU-a"}, {"prom", "gpu0 uuid=GPU-b", "gpu1 uuid=gpu-A"}},
			[]string{"nvml gpu0", "prom prom:gpu0", "prom gpu1 mirrored by gpu0"},
		},
		"devices are told apart by their PCI addresses": {
			[][]string{{"hwmon", "gpu0 path=sys/bus/pci/devices/0000:03:00.0/hwmon/hwmon3"}, {"nvml", "gpu0 path=00000000:17:00.0", "gpu1 path=00000000:03:00.0"}},
			[]string{"hwmon gpu0", "nvml nvml:gpu0", "nvml gpu1 mirrored by gpu0"},
		},
		"a device without UUID or address goes by its number": {
			[][]string{{"nvml", "gpu0 uuid=GPU-a path=00000000:17:00.0"}, {"prom", "gpu0"}},
			[]string{"nvml gpu0", "prom prom:gpu0 mirrored by gpu0"},
		},
		"trap 9: psys is no CPU and is not added to the packages": {
			[][]string{{"powercap", "cpu0 rapl in=node0", "dram0 rapl in=node0", "node0 rapl"}},
			[]string{"powercap cpu0", "powercap dram0", "powercap node0/rest"},
		},
		"trap 12: what a node has beyond its package holds the memory": {
			[][]string{{"powercap", "cpu0 rapl in=node0", "node0 rapl"}},
			[]string{"powercap cpu0", "powercap node0/rest"},
		},
		"graphics cards are no part of psys": {
			[][]string{{"powercap", "cpu0 rapl in=node0", "node0 rapl"}, {"nvml", "gpu0", "gpu1 in=node0"}},
			[]string{"powercap cpu0", "powercap node0/rest", "nvml gpu0", "nvml gpu1"},
		},
		"a node alone is the node": {
			[][]string{{"redfish", "node0 metered"}},
			[]string{"redfish node0"},
		},
		"modelled parts are in the node": {
			[][]string{{"given", "gpu0 modelled", "dram0 modelled"}, {"redfish", "node0 metered"}},
			[]string{"given gpu0 contained by node0", "given dram0 contained by node0", "redfish node0"},
		},
		"a rest that some meter tells is in the node": {
			[][]string{{"given", "node0/rest", "cpu0"}, {"redfish", "node0 metered"}},
			[]string{"given given:node0/rest contained by node0/rest", "given cpu0", "redfish node0/rest"},
		},
		"of several nodes the metered one is counted, and a battery last": {
			[][]string{{"powercap", "cpu0 rapl in=node0", "node0 rapl"}, {"battery", "node0 metered battery"}, {"redfish", "node0 metered"}},
			[]string{"powercap cpu0", "powercap powercap:node0 mirrored by node0/rest", "battery battery:node0 mirrored by node0/rest", "redfish node0/rest"},
		},
		"a battery is better than nothing": {
			[][]string{{"battery", "node0 metered battery"}},
			[]string{"battery node0"},
		},
		"a battery that is being charged stands for nothing": {
			[][]string{{"powercap", "cpu0"}, {"battery", "node0 metered battery out=refused"}},
			[]string{"powercap cpu0", "battery node0 refused"},
		},
		"a guess of the whole is not set off against its parts": {
			[][]string{{"given", "node0 modelled"}, {"powercap", "cpu0"}},
			[]string{"given node0 refused by cpu0", "powercap cpu0"},
		},
		"a guess of the whole is better than nothing": {
			[][]string{{"given", "node0 modelled", "cpu0 modelled"}},
			[]string{"given node0", "given cpu0 contained by node0"},
		},
		"nodes of one chassis have their own parts": {
			[][]string{{"redfish", "node0 metered", "node1 metered", "cpu0 in=node1"}, {"powercap", "dram0"}},
			[]string{"redfish node0/rest", "redfish node1/rest", "redfish cpu0", "powercap dram0"},
		},
		"rails of a board are parts of its input": {
			[][]string{{"hwmon", "node0", "cpu0 in=node0", "gpu0 in=node0", "cpu0/core in=cpu0"}},
			[]string{"hwmon node0/rest", "hwmon cpu0", "hwmon gpu0", "hwmon cpu0/core contained by cpu0"},
		},
		"what lies within itself is counted once": {
			[][]string{{"given", "cpu0 in=cpu1", "cpu1 in=cpu0"}},
			[]string{"given cpu0 contained by cpu1", "given cpu1"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			list := reported(test.sources...)
			before := reported(test.sources...)
			assert.Equal(t, test.want, decided(fuse(list)))
			assert.Equal(t, before, list, "what was reported is not changed")
		})
	}
}

// TestTrap14RandomListingsAreCountedOnce holds what is counted of any listing to
// the rules that keep a joule from being counted twice.
//
// It guards trap 14.
func TestTrap14RandomListingsAreCountedOnce(t *testing.T) {
	rnd := rand.New(rand.NewPCG(14, 39))
	one := func(words ...string) string { return words[rnd.IntN(len(words))] }
	ids := []string{"cpu0", "cpu1", "cpu0/die1", "dram0", "dram1", "gpu0", "gpu1", "node0", "node1", "node0/rest", "module0"}
	for range 5000 {
		var sources [][]string
		for i := range 1 + rnd.IntN(4) {
			s := []string{string(rune('a' + i))}
			for _, id := range ids {
				if rnd.IntN(3) > 0 {
					continue
				}
				s = append(s, strings.Join([]string{id, one("metered", "counter", "modelled", "declared"), one("rapl", "battery", "nvml"),
					one("", "", "in="+ids[rnd.IntN(len(ids))]), one("", "", "", "out=unreadable", "out=mirrored"), one("", "uuid=x", "uuid=y"), one("", "path=0000:01:00.0")}, " "))
			}
			sources = append(sources, s)
		}
		tr := fuse(reported(sources...))
		all := map[string]bool{}
		for _, f := range tr.found() {
			require.False(t, all[f.ID], "IDs are unique: %s of %v", f.ID, sources)
			all[f.ID] = true
			require.True(t, f.LeftOut == "" || f.Why != "", "what is left out says why: %s of %v", f.ID, sources)
		}
		parts := map[place]int{}
		for _, n := range tr.nodes {
			for _, p := range n.parts {
				parts[p]++
			}
		}
		counted := tr.counted()
		for i, p := range counted {
			d := tr.domain(p)
			for _, q := range counted[:i] {
				e := tr.domain(q)
				require.False(t, p.source != q.source && same(d, e), "%s and %s are one device: %v", d.ID, e.ID, sources)
			}
			require.LessOrEqual(t, parts[p], 1, "%s is part of one node: %v", d.ID, sources)
			for _, n := range tr.nodes {
				if p == n.at || isPsys(&n.whole) || !tr.covers(n.at, p) {
					continue
				}
				require.Equal(t, 1, parts[p], "%s is in a node and taken from it: %v", d.ID, sources)
			}
			in, ok := tr.container(p)
			if ok && in != p && !isNode(tr.domain(in)) && !isRest(tr.domain(in)) {
				require.NotEmpty(t, tr.domain(in).LeftOut, "%s lies within %s, which is counted: %v", d.ID, tr.domain(in).ID, sources)
			}
		}
		for _, s := range tr.sources {
			nodes := 0
			for _, d := range s.domains {
				if isNode(&d) && d.LeftOut == "" && d.Device == 0 {
					nodes++
				}
			}
			require.LessOrEqual(t, nodes, 1)
		}
	}
}

func TestADeviceIsNotCountedWhateverElseCannotBeReadForTheSameCause(t *testing.T) {
	unreadable := func(id string, kind lifecycle.HardwareKind) Found {
		return Found{Domain: meter.Domain{ID: id, Kind: kind, Sensor: "hwmon", LeftOut: "unreadable", Why: "permission denied"}}
	}
	r := Report{Domains: []Found{unreadable("cpu0", lifecycle.KindCPU), unreadable("gpu0", lifecycle.KindGPU)}}
	r.missUnreadable()
	uncounted := map[string]bool{}
	for _, m := range r.Missing {
		uncounted[m.What] = m.Uncounted
	}
	assert.Equal(t, map[string]bool{"hwmon cpu0": false, "hwmon gpu0": true}, uncounted)
}
