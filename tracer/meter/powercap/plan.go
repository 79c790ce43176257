package powercap

import (
	"errors"
	"fmt"
	"io/fs"
	"math"
	"path"
	"slices"
	"strconv"

	"github.com/ecotracer/ecotracer/lifecycle"
	"github.com/ecotracer/ecotracer/tracer/meter"
	"github.com/ecotracer/ecotracer/tracer/meter/internal/rapl"
)

// plan decides which zones are counted. It is a pure function of the listing,
// which is in the order of compareIDs, and of what the zones showed; domain i
// is zone i.
func plan(zones []zone) []meter.Domain {
	p := planner{zones: zones, parts: partsOf(zones), mirrors: mirrored(zones)}
	p.chosen = choose(zones, p.parts)
	packages := rapl.Packages(p.parts)
	domains := make([]meter.Domain, len(zones))
	for i, z := range zones {
		part := p.parts[i]
		d := &domains[i]
		*d = meter.Domain{
			ID:        z.label(zones),
			Name:      z.name,
			Path:      path.Join(class, z.id),
			Method:    lifecycle.Counter,
			Sensor:    "rapl",
			Mode:      "powercap",
			Update:    rapl.Update,
			RangeJ:    float64(z.rangeUJ) / 1e6,
			RawJ:      float64(z.rawUJ) / 1e6,
			IdleFound: "unknown",
		}
		// The kernel tells the range as 2³²−1 steps.
		d.ResolutionJ = d.RangeJ / math.MaxUint32
		d.Kind, d.MaxW = part.Hardware()
		if part.Kind != "" && part.Kind != rapl.Psys {
			d.Device = slices.Index(packages, part.Package)
		}
		p.decide(d, i)
	}
	for i := range zones { // once it is known which packages are counted
		if p.parts[i].Inner() {
			p.decideInner(domains, i)
		}
	}
	within(domains, p.parts)
	unique(domains, zones)
	return domains
}

// planner is what the decisions are made from.
type planner struct {
	zones   []zone
	parts   []rapl.Part
	chosen  map[rapl.Part]int // which zone is read of those that cover the same part
	mirrors map[int]int       // which zone a zone is a mirror of
}

// decide fills in what becomes of zone i.
func (p planner) decide(d *meter.Domain, i int) {
	z, part, chosen := p.zones[i], p.parts[i], p.chosen[p.parts[i]]
	of, mirror := p.mirrors[i]
	switch {
	case part.Kind == "" && z.name == "":
		d.LeftOut, d.Why = "unreadable", "its name cannot be read: "+reason(z.err)
	case part.Kind == "":
		d.LeftOut, d.Why = "refused", fmt.Sprintf("what a zone called %q covers is not known", z.name)
	case part.Inner():
		return // decideInner
	case chosen != i:
		d.LeftOut, d.Why = "mirrored", "the same registers as "+p.zones[chosen].id
	case z.err != nil:
		unreadable(d, z.err)
	case mirror:
		d.LeftOut = "mirrored"
		d.Why = fmt.Sprintf("it showed the same count as %s, %s, in %d readings in a row: one counter, counted once", p.zones[of].id, p.zones[of].name, looks)
	case part.Kind == rapl.Psys:
		p.decideBoard(d, i)
	default:
		all := p.ofAllDies(i)
		if all {
			part.Die = -1
		}
		d.ID = part.ID(d.Device)
		d.Why = "outermost zone of package " + strconv.Itoa(part.Package)
		if part.Kind == rapl.DRAM {
			d.Why = "memory of package " + strconv.Itoa(part.Package) + ", no part of it"
		}
		if all && p.parts[i].Die >= 0 {
			d.Why += "; each of its dies shows the count of all"
		}
		noRange(d, z)
	}
}

func noRange(d *meter.Domain, z zone) {
	if z.rangeUJ == 0 {
		d.Why += "; where its counter wraps is not told, so that what a wrap hides is lost"
	}
}

// ofAllDies tells whether zone i counts all dies of its package: the zones of
// all others are mirrors of it.
func (p planner) ofAllDies(i int) bool {
	others := false
	for j := range p.zones {
		if !rivals(p.parts[i], p.parts[j]) || p.chosen[p.parts[j]] != j {
			continue
		}
		if of, mirror := p.mirrors[j]; !mirror || of != i {
			return false
		}
		others = true
	}
	return others
}

// decideBoard fills in what becomes of a psys zone that can be read.
func (p planner) decideBoard(d *meter.Domain, i int) {
	switch board, sure := p.board(); {
	case board == i:
		d.ID = p.parts[i].ID(0)
		d.Why = "the whole board, packages and memory included, as far as its maker has wired it up"
		noRange(d, p.zones[i])
	case p.zones[i].rawUJ == 0:
		d.LeftOut, d.Why = "refused", "it shows 0: its maker has not wired it up, or another package tells of the board"
	case !sure:
		d.LeftOut, d.Why = "refused", "several zones tell of boards, and whether one is a part of another is not known"
	}
}

// board is the zone that tells of the whole board, or -1. A host has one board.
// Where several packages tell of it, one of them tells the truth and the others
// 0, as on Sapphire Rapids with its "Psys master package" (Linux commit "perf/x86/
// rapl: Fix psys-energy event on Intel SPR platform", 2021). Sure is false if
// there are several that count.
func (p planner) board() (at int, sure bool) {
	var zero, counting []int
	moved := false // whether any package shows more than 0
	for j, z := range p.zones {
		if _, mirror := p.mirrors[j]; mirror || z.err != nil || p.chosen[p.parts[j]] != j {
			continue
		}
		switch kind := p.parts[j].Kind; {
		case kind == rapl.Package:
			moved = moved || z.rawUJ > 0
		case kind == rapl.Psys && z.rawUJ > 0:
			counting = append(counting, j)
		case kind == rapl.Psys:
			zero = append(zero, j)
		}
	}
	switch {
	case len(counting) > 1:
		return -1, false
	case len(counting) == 1:
		return counting[0], true
	case len(zero) > 0 && !moved: // all begin at 0
		return zero[0], true
	}
	return -1, true
}

// decideInner fills in what becomes of the cores or the graphics of a package.
func (p planner) decideInner(domains []meter.Domain, i int) {
	d, z := &domains[i], p.zones[i]
	at := p.chosen[p.parts[i].Whole()]
	if of, mirror := p.mirrors[at]; mirror {
		at = of
	}
	whole, name := domains[at], domains[at].Name
	if part := p.parts[at]; p.ofAllDies(at) {
		part.Die = -1
		name = part.Label()
	}
	d.Within = whole.ID
	switch {
	case whole.LeftOut == "":
		d.LeftOut, d.Why = "contained", "part of "+name
	case z.err != nil:
		unreadable(d, z.err)
	default:
		d.LeftOut, d.Why = "refused", "part of "+name+", which cannot be read; alone it would leave out the rest"
	}
}

// within tells of packages and memory that they are parts of the board, where
// that is counted too.
func within(domains []meter.Domain, parts []rapl.Part) {
	board := slices.ContainsFunc(domains, func(d meter.Domain) bool { return d.ID == rapl.Node && d.LeftOut == "" })
	for i := range domains {
		if k := parts[i].Kind; board && domains[i].LeftOut == "" && (k == rapl.Package || k == rapl.DRAM) {
			domains[i].Within = rapl.Node
		}
	}
}

func unreadable(d *meter.Domain, err error) {
	d.LeftOut, d.Why = "unreadable", "its counter cannot be read: "+reason(err)
	if errors.Is(err, fs.ErrPermission) {
		d.Why = "its counter is for root only, as in Linux since 5.10"
		d.Fix = "run as root, or with CAP_PERFMON (Linux 5.8 or later) or CAP_DAC_READ_SEARCH; or, as root, chmod a+r /sys/class/powercap/*/energy_uj (until the next start; let a udev rule do it for good)"
	}
}

// reason is the cause of a failure, without the path that the domain has.
func reason(err error) string {
	if e := (*fs.PathError)(nil); errors.As(err, &e) {
		return e.Err.Error()
	}
	return err.Error()
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
