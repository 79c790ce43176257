package powercap

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"math"
	"path"
	"slices"
	"strconv"
	"strings"

	"github.com/ecotracer/ecotracer/lifecycle"
	"github.com/ecotracer/ecotracer/tracer/meter"
)

// part is what a zone covers, as its name tells.
type part struct {
	kind     string // package, core, uncore, dram, psys; "" if the name says nothing
	pkg, die int    // die is -1 where a package has one zone
}

func (p part) whole() part { return part{"package", p.pkg, p.die} }

// inner tells whether it is a part of a package.
func (p part) inner() bool { return p.kind == "core" || p.kind == "uncore" }

// plan decides which zones are counted. It is a pure function of the listing,
// which is in the order of compareIDs; domain i is zone i.
func plan(zones []zone) []meter.Domain {
	parts := partsOf(zones)
	chosen := choose(zones, parts)
	packages := packageNumbers(parts)
	domains := make([]meter.Domain, len(zones))
	for i, z := range zones {
		domains[i] = meter.Domain{
			ID:        z.label(zones),
			Kind:      lifecycle.KindOther,
			Name:      z.name,
			Path:      path.Join(class, z.id),
			Method:    lifecycle.Counter,
			Sensor:    "rapl",
			Mode:      "powercap",
			Update:    update,
			RangeJ:    float64(z.rangeUJ) / 1e6,
			RawJ:      float64(z.rawUJ) / 1e6,
			IdleFound: "unknown",
		}
		// The kernel tells the range as 2³²−1 steps.
		domains[i].ResolutionJ = domains[i].RangeJ / math.MaxUint32
		if p := parts[i]; p.kind != "" && p.kind != "psys" {
			domains[i].Device = slices.Index(packages, p.pkg)
		}
	}
	for i, z := range zones {
		decide(&domains[i], z, parts[i], zones[chosen[parts[i]]].id)
	}
	for i, z := range zones { // once it is known which packages are counted
		if p := parts[i]; p.inner() {
			decideInner(&domains[i], z, &domains[chosen[p.whole()]])
		}
	}
	unique(domains, zones)
	return domains
}

// decide fills in what becomes of a zone. Chosen is the zone that is read of
// those that cover the same part.
func decide(d *meter.Domain, z zone, p part, chosen string) {
	switch p.kind {
	case "package", "core", "uncore":
		d.Kind, d.MaxW = lifecycle.KindCPU, maxPackage
	case "dram":
		d.Kind, d.MaxW = lifecycle.KindMemory, maxMemory
	case "psys":
		d.Kind = lifecycle.KindNode
	}
	switch {
	case p.kind == "" && z.name == "":
		d.LeftOut, d.Why = "unreadable", "its name cannot be read: "+reason(z.err)
	case p.kind == "":
		d.LeftOut, d.Why = "refused", fmt.Sprintf("what a zone called %q covers is not known", z.name)
	case p.kind == "psys":
		d.LeftOut, d.Why = "refused", "it covers the whole board, packages and memory included, where the maker has wired it up"
	case p.inner():
		return // decideInner
	case chosen != z.id:
		d.LeftOut, d.Why = "mirrored", "the same registers as "+chosen
	case z.err != nil:
		unreadable(d, z.err)
	default:
		d.ID = p.id(d.Device)
		d.Why = "outermost zone of package " + strconv.Itoa(p.pkg)
		if p.kind == "dram" {
			d.Why = "memory of package " + strconv.Itoa(p.pkg) + ", no part of it"
		}
		if z.rangeUJ == 0 {
			d.Why += "; where its counter wraps is not told, so that what a wrap hides is lost"
		}
	}
}

// decideInner fills in what becomes of the cores or the graphics of a package.
func decideInner(d *meter.Domain, z zone, whole *meter.Domain) {
	d.Within = whole.ID
	switch {
	case whole.LeftOut == "":
		d.LeftOut, d.Why = "contained", "part of "+whole.Name
	case z.err != nil:
		unreadable(d, z.err)
	default:
		d.LeftOut, d.Why = "refused", "part of "+whole.Name+", which cannot be read; alone it would leave out the rest"
	}
}

func unreadable(d *meter.Domain, err error) {
	d.LeftOut, d.Why = "unreadable", "its counter cannot be read: "+reason(err)
	if errors.Is(err, fs.ErrPermission) {
		d.Why = "its counter is for root only, as in Linux since 5.10"
		d.Fix = "run as root or with CAP_DAC_READ_SEARCH; or, as root, chmod a+r /sys/class/powercap/*/energy_uj (until the next start; let a udev rule do it for good)"
	}
}

// id names a domain that is counted: cpu0, dram1, or cpu0/die1.
func (p part) id(device int) string {
	id := "cpu"
	if p.kind == "dram" {
		id = "dram"
	}
	id += strconv.Itoa(device)
	if p.die >= 0 {
		id += "/die" + strconv.Itoa(p.die)
	}
	return id
}

// reason is the cause of a failure, without the path that the domain has.
func reason(err error) string {
	if e := (*fs.PathError)(nil); errors.As(err, &e) {
		return e.Err.Error()
	}
	return err.Error()
}

// partsOf tells what each zone covers. A zone inside another belongs to its
// package: dram alone does not say to which.
func partsOf(zones []zone) []part {
	parts := make([]part, len(zones))
	byID := map[string]part{}
	for i, z := range zones {
		p := parsePackage(z.name)
		var parent part
		if id := parentOf(z.id); id != "" {
			parent = byID[id]
		}
		switch {
		case p.kind != "":
		case z.name == "psys", strings.HasPrefix(z.name, "psys-"):
			p = part{kind: "psys"}
		case parent.kind != "package":
		case z.name == "core", z.name == "uncore", z.name == "dram":
			p = part{z.name, parent.pkg, parent.die}
		}
		parts[i], byID[z.id] = p, p
	}
	return parts
}

// parsePackage reads package-P and package-P-die-D.
func parsePackage(name string) part {
	fields := strings.Split(name, "-")
	if fields[0] != "package" || len(fields) != 2 && (len(fields) != 4 || fields[2] != "die") {
		return part{}
	}
	p := part{kind: "package", die: -1}
	var err, err2 error
	if p.pkg, err = strconv.Atoi(fields[1]); len(fields) == 4 {
		p.die, err2 = strconv.Atoi(fields[3])
	}
	if err != nil || err2 != nil {
		return part{}
	}
	return p
}

// parentOf is intel-rapl:0 for intel-rapl:0:1, and "" for a zone at the top.
func parentOf(id string) string {
	at := strings.LastIndexByte(id, ':')
	if at < 0 || !strings.Contains(id[:at], ":") {
		return ""
	}
	return id[:at]
}

// choose picks, of the zones that cover the same part, the first that can be
// read, else the first: intel-rapl comes before intel-rapl-mmio.
func choose(zones []zone, parts []part) map[part]int {
	chosen := map[part]int{}
	for i, z := range zones {
		at, taken := chosen[parts[i]]
		if !taken || zones[at].err != nil && z.err == nil {
			chosen[parts[i]] = i
		}
	}
	return chosen
}

// packageNumbers lists the packages, which the kernel does not always number
// without holes; nor is a zone's number that of its package.
func packageNumbers(parts []part) []int {
	var numbers []int
	for _, p := range parts {
		if p.kind == "package" {
			numbers = append(numbers, p.pkg)
		}
	}
	slices.Sort(numbers)
	return slices.Compact(numbers)
}

// label names a zone that is left out, by the names of the zones that it is
// in: package-0/core.
func (z zone) label(zones []zone) string {
	label := cmp.Or(z.name, z.id)
	parent := parentOf(z.id)
	if at := slices.IndexFunc(zones, func(o zone) bool { return o.id == parent }); parent != "" && at >= 0 {
		return zones[at].label(zones) + "/" + label
	}
	if control, _, _ := strings.Cut(z.id, ":"); control != "intel-rapl" && z.name != "" {
		label = control + "/" + label
	}
	return label
}

// unique sees to it that no two domains have one ID, whatever the zones call
// themselves.
func unique(domains []meter.Domain, zones []zone) {
	taken := map[string]bool{}
	for i := range domains {
		if taken[domains[i].ID] {
			domains[i].ID = zones[i].id
		}
		taken[domains[i].ID] = true
	}
}
