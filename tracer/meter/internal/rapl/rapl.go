// Package rapl is what the ways to the RAPL counters of Intel and AMD
// processors have in common: which parts of a machine they count, how wrong
// they are, and how much they can count at most.
package rapl

import (
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/ecotracer/ecotracer/internal/host"
	"github.com/ecotracer/ecotracer/lifecycle"
	"github.com/ecotracer/ecotracer/tracer/meter"
	"github.com/ecotracer/ecotracer/tracer/meter/internal/profile"
)

// The kinds of parts that are counted.
const (
	Package = "package" // a processor with all that is on it
	Core    = "core"    // its cores
	Uncore  = "uncore"  // its graphics
	DRAM    = "dram"    // the memory beside it, no part of it
	Psys    = "psys"    // the whole board
)

// Part is what one counter counts. The zero value is nothing that is known.
type Part struct {
	Kind    string
	Package int // the kernel's number
	Die     int // the kernel's number, or -1 where the counter is for all dies
}

// Parse tells what a zone of powercap that is in no other covers, by its name:
// package-P, package-P-die-D, psys, and psys-P, which is the board as package P
// tells of it. Other names give the zero value.
func Parse(name string) Part {
	fields := strings.Split(name, "-")
	p := Part{Kind: fields[0], Die: -1}
	numbers := []*int{&p.Package}
	switch {
	case p.Kind == Psys && len(fields) <= 2:
	case p.Kind == Package && len(fields) == 2:
	case p.Kind == Package && len(fields) == 4 && fields[2] == "die":
		numbers = append(numbers, &p.Die)
	default:
		return Part{}
	}
	for i, n := range numbers {
		if len(fields) == 1 {
			break
		}
		v, err := strconv.ParseUint(fields[1+2*i], 10, 31)
		if err != nil {
			return Part{}
		}
		*n = int(v)
	}
	return p
}

// Inner tells whether it is a part of a package.
func (p Part) Inner() bool { return p.Kind == Core || p.Kind == Uncore }

// Whole is the package, or the die of it, that it belongs to.
func (p Part) Whole() Part { return Part{Package, p.Package, p.Die} }

// Label is how the kernel names a package: package-P or package-P-die-D.
func (p Part) Label() string {
	label := Package + "-" + strconv.Itoa(p.Package)
	if p.Die >= 0 {
		label += "-die-" + strconv.Itoa(p.Die)
	}
	return label
}

// ID names the domain of a package, a memory or a board: cpu0, dram1,
// cpu0/die1, node0.
func (p Part) ID(device int) string {
	id := "cpu"
	switch p.Kind {
	case DRAM:
		id = "dram"
	case Psys:
		return Node
	}
	id += strconv.Itoa(device)
	if p.Die >= 0 {
		id += "/die" + strconv.Itoa(p.Die)
	}
	return id
}

// Node is the ID of the domain of a whole board.
const Node = "node0"

// Hardware is the kind of device that it is, and the most that it can draw, W.
// That tells a wrap from a reset, so it is far above any product: packages of
// 500 W, 24 modules of 15 W a socket, boards with eight sockets of that.
func (p Part) Hardware() (kind lifecycle.HardwareKind, maxW float64) {
	switch p.Kind {
	case Package, Core, Uncore:
		return lifecycle.KindCPU, 1000
	case DRAM:
		return lifecycle.KindMemory, 500
	case Psys:
		return lifecycle.KindNode, 10_000
	}
	return lifecycle.KindOther, 0
}

// Packages lists the packages that the parts are of: the device number of a
// package is its index. The kernel does not always number without holes.
func Packages(parts []Part) []int {
	var numbers []int
	for _, p := range parts {
		if p.Kind == Package {
			numbers = append(numbers, p.Package)
		}
	}
	slices.Sort(numbers)
	return slices.Compact(numbers)
}

const (
	// Update is how often the counters move (Intel SDM vol. 3, 16.10).
	Update = time.Millisecond

	// Rest is how long a counter may stay as it is. A package in its deepest
	// sleep draws milliwatts, and a step is 61 µJ.
	Rest = 10 * time.Second
)

// How wrong the counters are, at 95 %. Intel's measure current since Haswell-EP
// (Hackenberg et al. 2015, doi:10.1109/IPDPSW.2015.70), memory with an offset
// on some boards (Desrochers et al. 2016, doi:10.1145/2989081.2989088). AMD's
// are worked out from activity and miss what depends on the data (Schöne et
// al. 2021, arXiv:2108.00808). Of boards it is up to the maker of each.
const (
	intelError = 0.05
	otherError = 0.10
)

// Describe fills in what the counters do not tell of domains: how wrong they
// are, and what the factors say of the idle power. Dies share that of their
// package, and sockets that of the memory.
func Describe(domains []meter.Domain, facts host.Facts) {
	power := profile.Of(facts)
	memories, dies := 0, map[int]int{} // dies by package
	for _, d := range domains {
		switch {
		case d.LeftOut != "" && d.LeftOut != "unreadable": // which has its part all the same
		case d.Kind == lifecycle.KindMemory:
			memories++
		case d.Kind == lifecycle.KindCPU:
			dies[d.Device]++
		}
	}
	for i := range domains {
		d := &domains[i]
		d.RelError = otherError
		if facts.CPU.Vendor == "Intel" && d.Kind != lifecycle.KindNode {
			d.RelError = intelError
		}
		switch {
		case d.LeftOut != "" || facts.VM:
			continue
		case d.Kind == lifecycle.KindCPU:
			d.Model, d.IdleW = facts.CPU.Model, power.CPU.IdleW/float64(dies[d.Device])
		case d.Kind == lifecycle.KindMemory:
			d.IdleW = power.Memory.IdleW / float64(memories)
		}
		if d.IdleW > 0 {
			d.IdleFound = "factor"
		}
	}
}
