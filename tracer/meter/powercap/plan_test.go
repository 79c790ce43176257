package powercap

import (
	"io/fs"
	"math"
	"slices"
	"strings"
	"syscall"
	"testing"
	"unicode/utf8"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/ecotracer/ecotracer/internal/hosttest"
	"github.com/ecotracer/ecotracer/tracer/meter"
	"github.com/ecotracer/ecotracer/tracer/meter/internal/rapl"
)

// decision is what a plan must say of a zone: "cpu0 within node0", or
// "package-0/core contained within cpu0".
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

func decisions(zones []zone) []string {
	var out []string
	for i, d := range plan(zones) {
		out = append(out, zones[i].id+" "+decision(d))
	}
	return out
}

func TestPlanOfHosts(t *testing.T) {
	want := map[string][]string{
		"laptop-intel": {
			"intel-rapl:0 cpu0 within node0",
			"intel-rapl:0:0 package-0/core contained within cpu0",
			"intel-rapl:0:1 package-0/uncore contained within cpu0",
			"intel-rapl:1 node0",
			"intel-rapl-mmio:0 intel-rapl-mmio/package-0 mirrored",
		},
		"server-intel": {
			"intel-rapl:0 cpu0",
			"intel-rapl:0:0 dram0",
			"intel-rapl:1 cpu1",
			"intel-rapl:1:0 dram1",
		},
		"server-amd": {
			"intel-rapl:0 cpu1",
			"intel-rapl:0:0 package-1/core contained within cpu1",
			"intel-rapl:1 cpu0",
			"intel-rapl:1:0 package-0/core contained within cpu0",
		},
		"server-multi-die": {
			"intel-rapl:0 cpu0/die0", "intel-rapl:0:0 dram0/die0",
			"intel-rapl:1 cpu0/die1", "intel-rapl:1:0 dram0/die1",
			"intel-rapl:2 cpu1/die0", "intel-rapl:2:0 dram1/die0",
			"intel-rapl:3 cpu1/die1", "intel-rapl:3:0 dram1/die1",
		},
		"server-intel-core": {
			"intel-rapl:0 cpu0", "intel-rapl:0:0 package-0/core contained within cpu0", "intel-rapl:0:1 dram0",
			"intel-rapl:1 cpu1", "intel-rapl:1:0 package-1/core contained within cpu1", "intel-rapl:1:1 dram1",
		},
		"desktop-amd-dies": { // trap 8
			"intel-rapl:0 cpu0", "intel-rapl:0:0 package-0-die-0/core contained within cpu0",
			"intel-rapl:1 package-0-die-1 mirrored", "intel-rapl:1:0 package-0-die-1/core contained within cpu0",
		},
		"server-intel-psys": {
			"intel-rapl:0 cpu0 within node0", "intel-rapl:0:0 dram0 within node0",
			"intel-rapl:1 cpu1 within node0", "intel-rapl:1:0 dram1 within node0",
			"intel-rapl:2 node0",
		},
		"server-bad-zone": { // trap 15
			"intel-rapl:0 cpu0", "intel-rapl:0:0 package-0/dram unreadable",
			"intel-rapl:1 package-1 unreadable", "intel-rapl:1:0 dram1",
		},
		"container-denied": {"intel-rapl:0 package-0 unreadable", "intel-rapl:0:0 package-0/dram unreadable"},
		"desktop-root-only": {
			"intel-rapl:0 package-0 unreadable",
			"intel-rapl:0:0 package-0/core unreadable within package-0",
		},
	}
	for name, decided := range want {
		t.Run(name, func(t *testing.T) {
			zones, err := list(hosttest.Open(t, name))
			require.NoError(t, err)
			watch(zones)
			assert.Equal(t, decided, decisions(zones))
			for i := range zones {
				zones[i].close()
			}
		})
	}
}

func TestPlan(t *testing.T) {
	denied := &fs.PathError{Op: "open", Path: "x", Err: fs.ErrPermission}
	broken := &fs.PathError{Op: "read", Path: "x", Err: syscall.EIO}
	tests := map[string]struct {
		zones []zone
		want  []string
	}{
		"the MSR and MMIO zones of one package are counted once": {
			[]zone{{id: "intel-rapl:0", name: "package-0"}, {id: "intel-rapl-mmio:0", name: "package-0"}},
			[]string{"intel-rapl:0 cpu0", "intel-rapl-mmio:0 intel-rapl-mmio/package-0 mirrored"},
		},
		"MMIO is read where MSR cannot be": {
			[]zone{{id: "intel-rapl:0", name: "package-0", err: broken}, {id: "intel-rapl-mmio:0", name: "package-0"}},
			[]string{"intel-rapl:0 package-0 mirrored", "intel-rapl-mmio:0 cpu0"},
		},
		"trap 9: psys is no CPU: it is the node, and the packages and their memory are parts of it": {
			[]zone{
				{id: "intel-rapl:0", name: "psys", rawUJ: 9e9}, {id: "intel-rapl:1", name: "package-0", rawUJ: 5e9},
				{id: "intel-rapl:1:0", name: "dram", rawUJ: 1e9}, {id: "intel-rapl:1:1", name: "core", rawUJ: 1e9},
				{id: "intel-rapl:2", name: "package-1", err: broken},
			},
			[]string{
				"intel-rapl:0 node0", "intel-rapl:1 cpu0 within node0", "intel-rapl:1:0 dram0 within node0",
				"intel-rapl:1:1 package-0/core contained within cpu0", "intel-rapl:2 package-1 unreadable",
			},
		},
		"trap 9: psys that shows nothing is not wired up": {
			[]zone{{id: "intel-rapl:0", name: "package-0", rawUJ: 5e9}, {id: "intel-rapl:1", name: "psys"}},
			[]string{"intel-rapl:0 cpu0", "intel-rapl:1 psys refused"},
		},
		"trap 9: of several packages one tells of the board": {
			[]zone{{id: "intel-rapl:0", name: "package-0", rawUJ: 5e9}, {id: "intel-rapl:1", name: "psys"}, {id: "intel-rapl:2", name: "package-1", rawUJ: 5e9}, {id: "intel-rapl:3", name: "psys-1", rawUJ: 7e9}},
			[]string{"intel-rapl:0 cpu0 within node0", "intel-rapl:1 psys refused", "intel-rapl:2 cpu1 within node0", "intel-rapl:3 node0"},
		},
		"trap 9: several packages that show one count of the board are one board": {
			[]zone{{id: "intel-rapl:0", name: "psys", rawUJ: 7e9}, {id: "intel-rapl:1", name: "package-0", rawUJ: 5e9}, {id: "intel-rapl:2", name: "psys-1", rawUJ: 7e9, looks: same(0, 7e9)}},
			[]string{"intel-rapl:0 node0", "intel-rapl:1 cpu0 within node0", "intel-rapl:2 psys-1 mirrored"},
		},
		"trap 9: of several boards with counts of their own none is believed": {
			[]zone{{id: "intel-rapl:0", name: "psys", rawUJ: 8e9}, {id: "intel-rapl:1", name: "package-0", rawUJ: 5e9}, {id: "intel-rapl:2", name: "psys-1", rawUJ: 7e9}, {id: "intel-rapl:3", name: "psys-2"}},
			[]string{"intel-rapl:0 psys refused", "intel-rapl:1 cpu0", "intel-rapl:2 psys-1 refused", "intel-rapl:3 psys-2 refused"},
		},
		"trap 9: where all counters begin at 0 one board is counted": {
			[]zone{{id: "intel-rapl:0", name: "psys"}, {id: "intel-rapl:1", name: "package-0"}, {id: "intel-rapl:2", name: "psys-1"}},
			[]string{"intel-rapl:0 node0", "intel-rapl:1 cpu0 within node0", "intel-rapl:2 psys-1 refused"},
		},
		"trap 9: psys that cannot be read leaves the packages as they are": {
			[]zone{{id: "intel-rapl:0", name: "package-0", rawUJ: 5e9}, {id: "intel-rapl:1", name: "psys", err: denied}, {id: "intel-rapl-mmio:0", name: "psys-x"}},
			[]string{"intel-rapl:0 cpu0", "intel-rapl:1 psys unreadable", "intel-rapl-mmio:0 intel-rapl-mmio/psys-x refused"},
		},
		"trap 8: dies that show one count are counted once, as the package that they are": {
			[]zone{
				{id: "intel-rapl:0", name: "package-0-die-0", rawUJ: 5e9},
				{id: "intel-rapl:0:0", name: "dram", rawUJ: 4e9},
				{id: "intel-rapl:1", name: "package-0-die-1", rawUJ: 5e9, looks: same(0, 5e9)},
				{id: "intel-rapl:1:0", name: "dram", rawUJ: 4e9, looks: same(1, 4e9)},
				{id: "intel-rapl:2", name: "package-0-die-2", rawUJ: 5e9, looks: same(0, 5e9)},
				{id: "intel-rapl:3", name: "package-1", rawUJ: 5e9},
			},
			[]string{
				"intel-rapl:0 cpu0", "intel-rapl:0:0 dram0", "intel-rapl:1 package-0-die-1 mirrored", "intel-rapl:1:0 package-0-die-1/dram mirrored",
				"intel-rapl:2 package-0-die-2 mirrored", "intel-rapl:3 cpu1",
			},
		},
		"trap 8: dies that show one count in pairs are two": {
			[]zone{
				{id: "intel-rapl:0", name: "package-0-die-0", rawUJ: 5e9},
				{id: "intel-rapl:1", name: "package-0-die-1", rawUJ: 5e9, looks: same(0, 5e9)},
				{id: "intel-rapl:2", name: "package-0-die-2", rawUJ: 7e9},
				{id: "intel-rapl:3", name: "package-0-die-3", rawUJ: 7e9, looks: same(2, 7e9)},
			},
			[]string{
				"intel-rapl:0 cpu0/die0", "intel-rapl:1 package-0-die-1 mirrored",
				"intel-rapl:2 cpu0/die2", "intel-rapl:3 package-0-die-3 mirrored",
			},
		},
		"trap 8: dies that agree only some of the time are two": {
			[]zone{
				{id: "intel-rapl:0", name: "package-0-die-0", rawUJ: 5e9},
				{id: "intel-rapl:1", name: "package-0-die-1", rawUJ: 5e9, looks: append(same(0, 5e9), look{0, 5e9, 5.1e9, 5e9})},
			},
			[]string{"intel-rapl:0 cpu0/die0", "intel-rapl:1 cpu0/die1"},
		},
		"trap 8: a die that was not looked at, or that shows 0, is a die": {
			[]zone{
				{id: "intel-rapl:0", name: "package-0-die-0"},
				{id: "intel-rapl:1", name: "package-0-die-1", looks: same(0, 0)},
				{id: "intel-rapl:2", name: "package-0-die-2", looks: same(0, 5e9)[:looks-1]},
			},
			[]string{"intel-rapl:0 cpu0/die0", "intel-rapl:1 cpu0/die1", "intel-rapl:2 cpu0/die2"},
		},
		"trap 8: cores of a die whose package cannot be read": {
			[]zone{
				{id: "intel-rapl:0", name: "package-0-die-0", err: broken}, {id: "intel-rapl:0:0", name: "core"},
				{id: "intel-rapl:1", name: "package-0-die-1"},
			},
			[]string{"intel-rapl:0 package-0-die-0 unreadable", "intel-rapl:0:0 package-0-die-0/core refused within package-0-die-0", "intel-rapl:1 cpu0/die1"},
		},
		"trap 10: package-0-die-1 is understood": {
			[]zone{{id: "intel-rapl:0", name: "package-0-die-0"}, {id: "intel-rapl:1", name: "package-0-die-1"}},
			[]string{"intel-rapl:0 cpu0/die0", "intel-rapl:1 cpu0/die1"},
		},
		"trap 11: memory of several sockets is kept apart though all of it is called dram": {
			[]zone{
				{id: "intel-rapl:0", name: "package-0"}, {id: "intel-rapl:0:0", name: "dram"},
				{id: "intel-rapl:1", name: "package-1"}, {id: "intel-rapl:1:0", name: "dram"},
				{id: "intel-rapl:2", name: "package-2"}, {id: "intel-rapl:2:0", name: "dram"},
				{id: "intel-rapl:3", name: "package-3"}, {id: "intel-rapl:3:0", name: "dram"},
			},
			[]string{
				"intel-rapl:0 cpu0", "intel-rapl:0:0 dram0", "intel-rapl:1 cpu1", "intel-rapl:1:0 dram1",
				"intel-rapl:2 cpu2", "intel-rapl:2:0 dram2", "intel-rapl:3 cpu3", "intel-rapl:3:0 dram3",
			},
		},
		"trap 12: memory is no part of its package": {
			[]zone{{id: "intel-rapl:0", name: "package-0"}, {id: "intel-rapl:0:0", name: "core"}, {id: "intel-rapl:0:1", name: "dram"}},
			[]string{"intel-rapl:0 cpu0", "intel-rapl:0:0 package-0/core contained within cpu0", "intel-rapl:0:1 dram0"},
		},
		"trap 13: a zone's number is not its package's": {
			[]zone{{id: "intel-rapl:0", name: "package-1"}, {id: "intel-rapl:0:0", name: "dram"}, {id: "intel-rapl:1", name: "package-0"}},
			[]string{"intel-rapl:0 cpu1", "intel-rapl:0:0 dram1", "intel-rapl:1 cpu0"},
		},
		"packages are numbered from 0, whatever the kernel calls them": {
			[]zone{{id: "intel-rapl:0", name: "package-3"}, {id: "intel-rapl:1", name: "package-36"}},
			[]string{"intel-rapl:0 cpu0", "intel-rapl:1 cpu1"},
		},
		"trap 14: parts are not added up in place of a package that cannot be read": {
			[]zone{{id: "intel-rapl:0", name: "package-0", err: broken}, {id: "intel-rapl:0:0", name: "core"}, {id: "intel-rapl:0:1", name: "uncore"}},
			[]string{"intel-rapl:0 package-0 unreadable", "intel-rapl:0:0 package-0/core refused within package-0", "intel-rapl:0:1 package-0/uncore refused within package-0"},
		},
		"trap 15: one bad zone takes no other with it": {
			[]zone{
				{id: "intel-rapl:0", name: "package-0", err: broken}, {id: "intel-rapl:0:0", name: "dram"},
				{id: "intel-rapl:1", err: denied}, {id: "intel-rapl:2", name: "package-1"},
			},
			[]string{"intel-rapl:0 package-0 unreadable", "intel-rapl:0:0 dram0", "intel-rapl:1 intel-rapl:1 unreadable", "intel-rapl:2 cpu1"},
		},
		"trap 16: numbers have more than one digit": {
			[]zone{{id: "intel-rapl:2", name: "package-2"}, {id: "intel-rapl:10", name: "package-10"}, {id: "intel-rapl:10:11", name: "dram"}},
			[]string{"intel-rapl:2 cpu0", "intel-rapl:10 cpu1", "intel-rapl:10:11 dram1"},
		},
		"trap 56: a layout that does not exist is refused, not guessed at": {
			[]zone{{id: "intel-rapl:0", name: "package-0"}, {id: "intel-rapl:1", name: "dram"}, {id: "intel-rapl:2", name: "package-x"}, {id: "intel-rapl:3", name: "package-0-die"}, {id: "intel-rapl:0:0", name: "gfx"}},
			[]string{"intel-rapl:0 cpu0", "intel-rapl:1 dram refused", "intel-rapl:2 package-x refused", "intel-rapl:3 package-0-die refused", "intel-rapl:0:0 package-0/gfx refused"},
		},
		"a name that occurs twice is one package, and IDs are unique": {
			[]zone{{id: "intel-rapl:0", name: "package-0"}, {id: "intel-rapl:1", name: "package-0"}, {id: "intel-rapl:2", name: "package-0"}},
			[]string{"intel-rapl:0 cpu0", "intel-rapl:1 package-0 mirrored", "intel-rapl:2 intel-rapl:2 mirrored"},
		},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			assert.Equal(t, test.want, decisions(test.zones))
		})
	}
}

func TestCoresOfMirroredDiesArePartsOfThePackage(t *testing.T) {
	domains := plan([]zone{
		{id: "intel-rapl:0", name: "package-0-die-0", rawUJ: 5e9}, {id: "intel-rapl:0:0", name: "core"},
		{id: "intel-rapl:1", name: "package-0-die-1", rawUJ: 5e9, looks: same(0, 5e9)}, {id: "intel-rapl:1:0", name: "core"},
	})
	assert.Equal(t, "part of package-0", domains[1].Why)
	assert.Equal(t, "part of package-0", domains[3].Why)
	assert.Contains(t, domains[0].Why, "each of its dies shows the count of all")
	assert.Contains(t, domains[2].Why, "intel-rapl:0, package-0-die-0, in 3 readings", "what it is a mirror of, and how that is known")
}

// same are looks at a zone that shows what another shows.
func same(other int, uj uint64) []look {
	return slices.Repeat([]look{{other, uj, uj, uj}}, looks)
}

func TestLooksAtTwoZonesAgree(t *testing.T) {
	const size = 65_532_610_987
	for name, test := range map[string]struct {
		before, own, after uint64
		want               bool
	}{
		"the same":                             {5e9, 5e9, 5e9, true},
		"between two readings":                 {5e9, 5_000_100_000, 5_000_200_000, true},
		"a tick late":                          {5_000_100_000, 5e9, 5_000_100_000, true},
		"a tick early":                         {5e9, 5_000_100_000, 5e9, true},
		"1 J late":                             {5_001_000_001, 5e9, 5_001_000_001, false},
		"1 J early":                            {5e9, 5_001_000_001, 5e9, false},
		"two that began a moment ago":          {50e6, 51e6, 50e6, false},
		"one that began a moment ago":          {50e6, 50_010_000, 50_020_000, true},
		"wrapped before it was read":           {size, 100, 200, true},
		"wrapped after it was read":            {size - 1000, size - 500, 0, true},
		"nothing counted yet":                  {0, 0, 0, false},
		"the other way round, half a lap away": {size/2 + 5e9, 5e9, size/2 + 5e9, false},
	} {
		assert.Equal(t, test.want, look{0, test.before, test.own, test.after}.agrees(size), name)
	}
	assert.True(t, look{0, 5e9, 5e9, 5e9}.agrees(0), "where it wraps is unknown")
	assert.True(t, look{0, math.MaxUint64, math.MaxUint64, math.MaxUint64}.agrees(math.MaxUint64))
}

func TestPlanSaysWhyAndWhatWouldMend(t *testing.T) {
	domains := plan([]zone{
		{id: "intel-rapl:0", name: "package-0", rangeUJ: 262143328850, rawUJ: 5_000_000},
		{id: "intel-rapl:1", name: "package-1", err: &fs.PathError{Op: "open", Path: "x", Err: fs.ErrPermission}},
		{id: "intel-rapl:2", name: "package-2"},
	})
	assert.Equal(t, 262143.32885, domains[0].RangeJ)
	assert.Equal(t, 5.0, domains[0].RawJ)
	assert.InDelta(t, 61.035e-6, domains[0].ResolutionJ, 1e-9, "the energy unit of 2^-14 J")
	assert.Contains(t, domains[1].Why, "root only")
	assert.Contains(t, domains[1].Fix, "CAP_DAC_READ_SEARCH")
	assert.Empty(t, domains[0].Fix)
	assert.Contains(t, domains[2].Why, "wrap", "a missing range is told")
	assert.Zero(t, domains[2].ResolutionJ, "unknown")
}

func TestZonesAreInTheOrderOfTheirNumbers(t *testing.T) {
	in := []string{"intel-rapl:0", "intel-rapl:0:0", "intel-rapl:0:1", "intel-rapl:0:10", "intel-rapl:1", "intel-rapl:2", "intel-rapl:10", "intel-rapl-mmio:0"}
	for i := range in {
		for j := range in {
			assert.Equal(t, i < j, compareIDs(in[i], in[j]) < 0, "%s before %s", in[i], in[j])
		}
	}
}

// Whatever zones call themselves, each is decided upon, IDs are unique and no
// two counted domains overlap.
func FuzzPlan(f *testing.F) {
	f.Add("intel-rapl:0=package-0,intel-rapl:0:0=core,intel-rapl-mmio:0=package-0,intel-rapl:1=psys")
	f.Add("intel-rapl:0=package-0-die-1,intel-rapl:0:0=dram!,intel-rapl:0=package-0-die-1")
	f.Add("intel-rapl:0=package-0-die-0,intel-rapl:1=package-0-die-1~0,intel-rapl:2=package-0-die-2~1,intel-rapl:3=psys~2")
	f.Add("a:0=package--1,:=package-9999999999999999999999,a:0:0:0=dram,=")
	f.Fuzz(func(t *testing.T, list string) {
		if !utf8.ValidString(list) {
			return
		}
		var zones []zone
		ids := map[string]bool{}
		for part := range strings.SplitSeq(list, ",") {
			id, name, _ := strings.Cut(part, "=")
			if ids[id] || len(zones) == 64 {
				continue // a folder has no two of one name
			}
			ids[id] = true
			z := zone{id: id}
			if n := len(name); n > 1 && name[n-2] == '~' { // looks like an earlier one
				z.looks = same(min(int(name[n-1]-'0'), len(zones)), 7)
				name = name[:n-2]
			}
			var bad bool
			if z.name, bad = strings.CutSuffix(name, "!"); bad || z.name == "" {
				z.err = fs.ErrPermission
			}
			zones = append(zones, z)
		}
		parts := partsOf(zones)
		seen, counted := map[string]bool{}, map[rapl.Part]bool{}
		for i, d := range plan(zones) {
			assert.NotEmpty(t, d.Why, "%s is decided upon without a reason", zones[i].id)
			assert.False(t, seen[d.ID], "two domains are called %s", d.ID)
			seen[d.ID] = true
			assert.GreaterOrEqual(t, d.Device, 0)
			if d.LeftOut == "" {
				assert.NoError(t, zones[i].err, "%s is counted and cannot be read", zones[i].id)
				assert.Contains(t, []string{"package", "dram", "psys"}, parts[i].Kind)
				assert.False(t, counted[parts[i]], "%v is counted twice", parts[i])
				counted[parts[i]] = true
			}
		}
	})
}
