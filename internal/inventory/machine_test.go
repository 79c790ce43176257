package inventory_test

import (
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/ecotracer/ecotracer/factors"
	"github.com/ecotracer/ecotracer/internal/inventory"
)

func TestAVirtualMachineIsThePartOfAMachineThatItsCPUsAre(t *testing.T) {
	type machine = inventory.Machine
	for name, c := range map[string]struct {
		class          string
		cores, threads int // of a processor
		cpus           int // virtual ones
		want           machine
	}{
		"a part of one processor":             {"cloud-server", 24, 48, 12, machine{2, 1, 0.125}},
		"both processors":                     {"server", 24, 48, 96, machine{2, 2, 1}},
		"more than a server has":              {"ai-server", 28, 56, 448, machine{8, 8, 1}},
		"of a processor that tells its cores": {"cloud-server", 8, 0, 4, machine{2, 1, 0.25}},
		"of a processor that tells neither":   {"cloud-server", 0, 0, 4, machine{2, 1, 1}},
		"without a number of its CPUs":        {"cloud-server", 24, 48, 0, machine{2, 1, 1}},
		"no server":                           {"desktop", 8, 8, 8, machine{1, 1, 1}},
		"of a class that nobody tells":        {"", 8, 16, 4, machine{1, 1, 0.25}},
	} {
		got := inventory.MachineOf(c.class, factors.CPU{Cores: c.cores, Threads: c.threads}, c.cpus)
		assert.Equal(t, c.want, got, name)
	}
	assert.Equal(t, 0.25, machine{2, 1, 0.125}.CPUShare(1))
	assert.Equal(t, 1.0, machine{2, 2, 1}.CPUShare(1), "no more than there is")
}
