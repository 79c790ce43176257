package rapl_test

import (
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/ecotracer/ecotracer/internal/host"
	"github.com/ecotracer/ecotracer/lifecycle"
	"github.com/ecotracer/ecotracer/tracer/meter"
	"github.com/ecotracer/ecotracer/tracer/meter/internal/rapl"
)

func TestParse(t *testing.T) {
	for name, want := range map[string]rapl.Part{
		"package-0":        {Kind: rapl.Package, Die: -1},
		"package-12":       {Kind: rapl.Package, Package: 12, Die: -1}, // trap 16
		"package-1-die-10": {Kind: rapl.Package, Package: 1, Die: 10},  // trap 10
		"psys":             {Kind: rapl.Psys, Die: -1},
		"psys-1":           {Kind: rapl.Psys, Package: 1, Die: -1},
	} {
		assert.Equal(t, want, rapl.Parse(name), name)
		if want.Kind == rapl.Package {
			assert.Equal(t, name, want.Label(), "the way back")
		}
	}
	for _, name := range []string{"", "package", "package-", "package-x", "package--1", "package-0-die", "package-0-die-", "package-0-dye-1", "package-0-die-1-2", "package-99999999999", "psys-", "psys-x", "psys-0-die-1", "dram", "core"} {
		assert.Zero(t, rapl.Parse(name), name)
	}
}

func TestIDsAreThoseOfTheHost(t *testing.T) {
	for want, part := range map[string]rapl.Part{
		"cpu1":       {Kind: rapl.Package, Package: 7, Die: -1},
		"cpu1/die3":  {Kind: rapl.Package, Package: 7, Die: 3},
		"dram1":      {Kind: rapl.DRAM, Package: 7, Die: -1},
		"dram1/die0": {Kind: rapl.DRAM, Package: 7},
		"node0":      {Kind: rapl.Psys, Package: 7, Die: -1},
	} {
		assert.Equal(t, want, part.ID(1))
	}
	assert.Equal(t, []int{1, 3, 36}, rapl.Packages([]rapl.Part{
		{Kind: rapl.Package, Package: 36}, {Kind: rapl.DRAM, Package: 9}, {Kind: rapl.Package, Package: 1, Die: 1},
		{Kind: rapl.Package, Package: 1}, {Kind: rapl.Package, Package: 3}, {Kind: rapl.Psys},
	}))
}

// Every part that is counted has a greatest power, by which a wrap is told from
// a reset.
func TestPartsHaveAGreatestPower(t *testing.T) {
	for kind, want := range map[string]lifecycle.HardwareKind{
		rapl.Package: lifecycle.KindCPU, rapl.Core: lifecycle.KindCPU, rapl.Uncore: lifecycle.KindCPU,
		rapl.DRAM: lifecycle.KindMemory, rapl.Psys: lifecycle.KindNode,
	} {
		hardware, most := rapl.Part{Kind: kind}.Hardware()
		assert.Equal(t, want, hardware)
		assert.Positive(t, most)
	}
	hardware, most := rapl.Part{}.Hardware()
	assert.Equal(t, lifecycle.KindOther, hardware)
	assert.Zero(t, most)
}

func TestMemoryThatCannotBeReadKeepsItsPartOfTheIdlePower(t *testing.T) {
	facts := host.Facts{MemoryBytes: 64e9, CPU: host.CPU{Vendor: "Intel", Model: "Intel(R) Xeon(R) Gold 6148 CPU @ 2.40GHz", Sockets: 2, Cores: 40, Threads: 80}}
	idle := func(leftOut string) float64 {
		domains := []meter.Domain{{ID: "dram0", Kind: lifecycle.KindMemory, LeftOut: leftOut}, {ID: "dram1", Kind: lifecycle.KindMemory}}
		rapl.Describe(domains, facts)
		return domains[1].IdleW
	}
	assert.Positive(t, idle(""))
	assert.Equal(t, idle(""), idle("unreadable"), "the other socket's memory idles for itself")
	assert.Equal(t, 2*idle(""), idle("mirrored"), "a mirror is no memory")
}

func TestWhatIsLeftOutHasNoIdlePower(t *testing.T) {
	domains := []meter.Domain{
		{ID: "cpu0", Kind: lifecycle.KindCPU, IdleFound: "unknown"},
		{ID: "mirror", Kind: lifecycle.KindCPU, LeftOut: "mirrored", IdleFound: "unknown"},
		{ID: "node0", Kind: lifecycle.KindNode, IdleFound: "unknown"},
	}
	facts := host.Facts{CPU: host.CPU{Vendor: "Intel", Model: "Intel(R) Xeon(R) Gold 6148 CPU @ 2.40GHz", Sockets: 1, Cores: 20, Threads: 40}}
	rapl.Describe(domains, facts)
	assert.Positive(t, domains[0].IdleW)
	assert.Equal(t, "factor", domains[0].IdleFound)
	assert.Zero(t, domains[1].IdleW+domains[2].IdleW)
	assert.Greater(t, domains[2].RelError, domains[0].RelError, "what a board's psys is wired to is up to its maker")

	facts.VM = true
	domains[0].IdleW, domains[0].IdleFound = 0, "unknown"
	rapl.Describe(domains, facts)
	assert.Zero(t, domains[0].IdleW, "a virtual machine does not have its host's idle power")
}
