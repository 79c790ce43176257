package perf

import (
	"errors"
	"fmt"
	"io/fs"
	"math"
	"path"
	"slices"
	"strconv"
	"strings"

	"github.com/ecotracer/ecotracer/internal/host"
	"github.com/ecotracer/ecotracer/tracer/meter/internal/rapl"
)

// folder is the PMU of the kernel's driver rapl
// (Documentation/ABI/testing/sysfs-bus-event_source-devices-events).
const folder = "sys/bus/event_source/devices/power"

// pmu is what the files of the PMU and the topology of its CPUs say.
type pmu struct {
	typ    uint32
	places []place     // one of each die, as the kernel has it
	events []eventFile // in the order of names
}

// place is a CPU on which events count, and what it is of.
type place struct {
	cpu, pkg, die int
	err           error // why that cannot be told
}

// eventFile is one kind of event.
type eventFile struct {
	name    string // energy-pkg
	kind    string // of part; "" if it is not known
	config  uint64
	scaleUJ float64 // µJ a count
	err     error   // why it cannot be understood
}

// kinds are the parts that events count, by name.
var kinds = map[string]string{
	"energy-pkg":   rapl.Package,
	"energy-ram":   rapl.DRAM,
	"energy-cores": rapl.Core,
	"energy-gpu":   rapl.Uncore,
	"energy-psys":  rapl.Psys,
}

// order is that of the events.
var order = []string{"energy-pkg", "energy-ram", "energy-cores", "energy-gpu", "energy-psys"}

// readPMU reads the PMU. It fails if it could not be used at all; an event or a
// CPU that is not understood takes no other with it.
func readPMU(root fs.FS) (pmu, error) {
	var p pmu
	typ, err := text(root, path.Join(folder, "type"))
	if err != nil {
		return p, err
	}
	n, err := strconv.ParseUint(typ, 10, 32)
	if err != nil {
		return p, fmt.Errorf("type: %q is no number of a PMU", typ)
	}
	p.typ = uint32(n)
	mask, err := text(root, path.Join(folder, "cpumask"))
	if err != nil {
		return p, err
	}
	cpus, err := parseCPUs(mask)
	if err != nil {
		return p, fmt.Errorf("cpumask: %w", err)
	}
	for _, cpu := range cpus {
		if at := readPlace(root, cpu); !slices.ContainsFunc(p.places, at.same) {
			p.places = append(p.places, at)
		}
	}
	for _, name := range order {
		e, err := readEvent(root, name)
		if err != nil && errors.Is(err, fs.ErrNotExist) {
			continue
		}
		e.err = err
		p.events = append(p.events, e)
	}
	return p, nil
}

// readPlace reads what a CPU is of. Before Linux 5.2 there are no dies.
func readPlace(root fs.FS, cpu int) place {
	p := place{cpu: cpu}
	dir := fmt.Sprintf("sys/devices/system/cpu/cpu%d/topology/", cpu)
	if p.pkg, p.err = number(root, dir+"physical_package_id"); p.err != nil {
		return p
	}
	if p.die, p.err = number(root, dir+"die_id"); errors.Is(p.err, fs.ErrNotExist) {
		p.die, p.err = 0, nil
	}
	return p
}

// same tells whether events count the same at both places: on one CPU, or on two
// of one die.
func (p place) same(o place) bool {
	return p.cpu == o.cpu || p.err == nil && o.err == nil && p.pkg == o.pkg && p.die == o.die
}

func number(root fs.FS, name string) (int, error) {
	s, err := text(root, name)
	if err != nil {
		return 0, err
	}
	n, err := strconv.ParseUint(s, 10, 31)
	if err != nil {
		return 0, fmt.Errorf("%s: %q is no number", path.Base(name), s)
	}
	return int(n), nil
}

// readEvent reads one event.
func readEvent(root fs.FS, name string) (eventFile, error) {
	e := eventFile{name: name, kind: kinds[name]}
	file := path.Join(folder, "events", name)
	terms, err := text(root, file)
	if err != nil {
		return e, err
	}
	if e.config, err = parseTerms(terms, func(term string) (string, error) {
		return text(root, path.Join(folder, "format", term))
	}); err != nil {
		return e, notAbsent(name, err)
	}
	unit, err := text(root, file+".unit")
	if err != nil {
		return e, notAbsent(name, err)
	}
	if unit != "Joules" {
		return e, fmt.Errorf("%s.unit: %q, want Joules", name, unit)
	}
	scale, err := text(root, file+".scale")
	if err != nil {
		return e, notAbsent(name, err)
	}
	e.scaleUJ, err = parseScale(scale)
	return e, err
}

// notAbsent is the failure of an event that is there.
func notAbsent(name string, err error) error {
	return fmt.Errorf("%s: %v", name, err) // not %w: a part of it may not exist
}

// parseScale reads the joules of a count. The energy of 64 bits of counts must
// be one that can be counted in µJ.
func parseScale(s string) (scaleUJ float64, err error) {
	scale, err := strconv.ParseFloat(s, 64)
	if err != nil || !(scale > 0) {
		return 0, fmt.Errorf("scale: %q is no joules", s)
	}
	scaleUJ = scale * 1e6
	if whole := math.Ldexp(scaleUJ, 64); whole < 1e6 || whole > math.MaxInt64 {
		return 0, fmt.Errorf("scale: %q J a count is no scale of an energy counter", s)
	}
	return scaleUJ, nil
}

// parseTerms reads an event as the kernel writes it, event=0x02,umask=0x1, with
// the place of each term in the number that opens it: config:0-7.
func parseTerms(terms string, format func(term string) (string, error)) (config uint64, err error) {
	for term := range strings.SplitSeq(terms, ",") {
		name, value, ok := strings.Cut(term, "=")
		v, err := strconv.ParseUint(value, 0, 64)
		if !ok || err != nil || !fs.ValidPath(name) || strings.Contains(name, "/") {
			return 0, fmt.Errorf("%q is no event", terms)
		}
		bits, err := format(name)
		if err != nil {
			return 0, err
		}
		from, to, err := parseFormat(bits)
		if err != nil {
			return 0, err
		}
		if to-from < 63 && v>>(to-from+1) != 0 {
			return 0, fmt.Errorf("%q: %s has only the bits %s", terms, name, bits)
		}
		config |= v << from
	}
	return config, nil
}

// parseFormat reads config:0-7 or config:3.
func parseFormat(s string) (from, to uint64, err error) {
	bits, ok := strings.CutPrefix(s, "config:")
	first, last, isRange := strings.Cut(bits, "-")
	if !isRange {
		last = first
	}
	from, err = strconv.ParseUint(first, 10, 6)
	if err == nil {
		to, err = strconv.ParseUint(last, 10, 6)
	}
	if !ok || err != nil || to < from {
		return 0, 0, fmt.Errorf("format: %q is not understood", s)
	}
	return from, to, nil
}

// maxPlaces is the most CPUs of a cpumask: no host has more dies.
const maxPlaces = 1024

// parseCPUs reads a list of CPUs: 0,8 or 0-3.
func parseCPUs(list string) ([]int, error) {
	var cpus []int
	for part := range strings.SplitSeq(list, ",") {
		first, last, isRange := strings.Cut(part, "-")
		if !isRange {
			last = first
		}
		from, err := strconv.ParseUint(first, 10, 20)
		to, err2 := strconv.ParseUint(last, 10, 20)
		if err != nil || err2 != nil || to < from || to-from >= maxPlaces || len(cpus)+int(to-from) >= maxPlaces {
			return nil, fmt.Errorf("%q is no list of CPUs", list)
		}
		for cpu := from; cpu <= to; cpu++ {
			cpus = append(cpus, int(cpu))
		}
	}
	return cpus, nil
}

// text is what a small file says.
func text(root fs.FS, name string) (string, error) {
	b, err := host.ReadFile(root, name, 4096)
	if err != nil {
		return "", err
	}
	return strings.TrimSpace(string(b)), nil
}
