package perf

import (
	"math"
	"path"
	"slices"
	"strconv"

	"github.com/ecotracer/ecotracer/lifecycle"
	"github.com/ecotracer/ecotracer/tracer/meter"
	"github.com/ecotracer/ecotracer/tracer/meter/internal/rapl"
)

// planned is a domain, and the event that counts it.
type planned struct {
	meter.Domain
	cpu     int
	config  uint64
	scaleUJ float64
}

// plan decides which events are opened. It is a pure function of what the PMU's
// files say, of the vendor of the processors, and of the domains of powercap.
func plan(p pmu, vendor string, zones []meter.Domain) []planned {
	pl := planner{p, vendor, zones}
	packages := rapl.Packages(pl.parts())
	var plans []planned
	for _, e := range p.events {
		for _, at := range p.places {
			part := pl.part(e.kind, at)
			label := part.Whole().Label()
			if at.err != nil {
				label = "cpu-" + strconv.Itoa(at.cpu)
			}
			d := planned{
				Domain: meter.Domain{
					Name:      label + "/" + e.name,
					Path:      path.Join(folder, "events", e.name),
					Method:    lifecycle.Counter,
					Sensor:    "rapl",
					Mode:      "perf",
					Update:    rapl.Update,
					RangeJ:    math.Ldexp(e.scaleUJ/1e6, 64),
					IdleFound: "unknown",
				},
				cpu: at.cpu, config: e.config, scaleUJ: e.scaleUJ,
			}
			d.ID = d.Name
			d.Kind, d.MaxW = part.Hardware()
			if e.kind != rapl.Psys && at.err == nil {
				d.Device = slices.Index(packages, at.pkg)
			}
			pl.decide(&d.Domain, e, at, part)
			plans = append(plans, d)
		}
	}
	return plans
}

// planner is what the decisions are made from.
type planner struct {
	pmu
	vendor string
	zones  []meter.Domain
}

// parts are the packages and dies on which events count.
func (p planner) parts() []rapl.Part {
	var parts []rapl.Part
	for _, at := range p.places {
		if at.err == nil {
			parts = append(parts, p.part(rapl.Package, at))
		}
	}
	return parts
}

// part is what a kind of event counts at a place.
func (p planner) part(kind string, at place) rapl.Part {
	part := rapl.Part{Kind: kind, Package: at.pkg, Die: -1}
	if len(p.dies(at.pkg)) > 1 {
		part.Die = at.die
	}
	return part
}

// dies are the places of a package.
func (p planner) dies(pkg int) []place {
	return slices.DeleteFunc(slices.Clone(p.places), func(at place) bool { return at.err != nil || at.pkg != pkg })
}

// decide fills in what becomes of an event at a place.
func (p planner) decide(d *meter.Domain, e eventFile, at place, part rapl.Part) {
	switch {
	case e.err != nil:
		d.LeftOut, d.Why = "unreadable", "its files cannot be read: "+e.err.Error()
	case at.err != nil:
		d.LeftOut, d.Why = "unreadable", "which package CPU "+strconv.Itoa(at.cpu)+" is of cannot be read: "+at.err.Error()
	case part.Kind == rapl.Psys:
		p.decideBoard(d, at)
	case part.Inner():
		whole := part.Whole()
		if mirrors, _ := p.mirrored(d, whole); mirrors {
			whole.Die = -1
		}
		d.Within = whole.ID(d.Device)
		d.LeftOut, d.Why = "contained", "part of "+part.Whole().Label()
	default:
		p.decideWhole(d, at, part)
	}
}

// decideWhole fills in what becomes of a package or its memory.
func (p planner) decideWhole(d *meter.Domain, at place, part rapl.Part) {
	mirrors, why := p.mirrored(d, part)
	if mirrors && p.dies(at.pkg)[0].cpu != at.cpu {
		d.LeftOut, d.Why = "mirrored", "its dies are one counter, counted once: "+why
		return
	}
	d.Why = "package " + strconv.Itoa(part.Package)
	if part.Die >= 0 && !mirrors {
		d.Why += ", die " + strconv.Itoa(part.Die)
	}
	if part.Kind == rapl.DRAM {
		d.Why = "memory of " + d.Why + ", no part of it"
	}
	d.Why += ", counted by the kernel in 64 bits"
	if mirrors {
		d.Why += "; its dies are one counter: " + why
		part.Die = -1
	}
	d.ID = part.ID(d.Device)
}

// mirrored tells whether the dies of a package have one counter, and why.
func (p planner) mirrored(d *meter.Domain, part rapl.Part) (mirrors bool, why string) {
	if part.Die < 0 {
		return false, ""
	}
	whole := part
	whole.Die = -1
	for _, z := range p.zones {
		if z.LeftOut == "" && z.ID == whole.ID(d.Device) {
			return true, "powercap counts them as one"
		}
		if z.LeftOut == "" && z.ID == part.ID(d.Device) {
			return false, ""
		}
	}
	if p.vendor == "AMD" || p.vendor == "Hygon" {
		return true, "on this processor the register is that of the socket"
	}
	return false, ""
}

// decideBoard fills in what becomes of psys at a place.
func (p planner) decideBoard(d *meter.Domain, at place) {
	board, looked := p.board()
	switch first := p.dies(at.pkg)[0].cpu == at.cpu; {
	case looked && board < 0:
		d.LeftOut, d.Why = "refused", "powercap shows no board that counts"
	case looked && (board != at.pkg && len(p.places) > 1 || !first), !looked && !first:
		d.LeftOut, d.Why = "refused", "another package tells of the board"
	case !looked && len(p.places) > 1:
		d.LeftOut, d.Why = "refused", "one of several packages tells of the board, and which is not known without powercap"
	default:
		d.ID = rapl.Node
		d.Why = "the whole board, packages and memory included, as far as its maker has wired it up, counted by the kernel in 64 bits"
	}
}

// board is the package by which powercap counts the board, or -1; looked is
// false if powercap could read no counter.
func (p planner) board() (pkg int, looked bool) {
	for _, z := range p.zones {
		if z.LeftOut == "" {
			looked = true
			if part := rapl.Parse(z.Name); part.Kind == rapl.Psys {
				return part.Package, true
			}
		}
	}
	return -1, looked
}
