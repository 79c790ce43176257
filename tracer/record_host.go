package tracer

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/ecotracer/ecotracer/factors"
	"github.com/ecotracer/ecotracer/internal/host"
	"github.com/ecotracer/ecotracer/internal/inventory"
	"github.com/ecotracer/ecotracer/lifecycle"
	"github.com/ecotracer/ecotracer/tracer/meter/detect"
)

const (
	siteID = "site"
	nodeID = "node"
)

// book puts factors into the record; an operator's own come first.
func (b *recordBuilder) book() *inventory.Book {
	return &inventory.Book{Record: &b.rec, Own: b.run.cfg.site.Factors, Known: b.run.ledger.lookupDevice}
}

// place draws up the environment: where the run was, as it was declared or is
// known of the provider, and the factors of that place. It is never guessed.
func (b *recordBuilder) place() {
	site, facts := b.run.cfg.site, b.run.ledger.facts
	e := lifecycle.Environment{
		ID: siteID, Country: site.Country, Subdivision: site.Subdivision, GridZone: site.GridZone,
		Infrastructure: site.Infrastructure, Virtualisation: facts.Virtualisation,
		Provider: site.Provider, Region: site.Region, InstanceType: site.InstanceType,
	}
	if e.Provider == "" {
		e.Provider = facts.Provider
	}
	if e.InstanceType == "" && facts.Provider == e.Provider {
		e.InstanceType = facts.InstanceType
	}
	var more []factors.Kind
	if len(site.Instruments) > 0 {
		more = append(more, factors.Residual)
	}
	b.liveGrid(&e)
	// What is not known of the place Begin has told.
	_ = b.book().Place(e, "say tracer.At(tracer.Site{Country: ...}) or set ECOTRACER_COUNTRY", more...)
}

// hardware draws up the devices: the node and what is in it.
func (b *recordBuilder) hardware() {
	facts := b.run.ledger.facts
	class := b.run.ledger.machine.class
	hw := []lifecycle.Hardware{}
	var kinds = map[string]bool{}
	for _, g := range b.run.ledger.groups {
		for _, d := range g.domains {
			kinds[d.hw] = true
		}
	}
	// The node is the device whose production is known, if a meter tells what
	// it uses; else the parts stand alone.
	node := kinds[nodeID]
	b.rec.Run.Boundary = lifecycle.BoundaryComponent
	if node {
		b.rec.Run.Boundary = lifecycle.BoundaryNode
		n := lifecycle.Hardware{ID: nodeID, Environment: siteID, Kind: lifecycle.KindNode, Vendor: facts.Vendor, Model: facts.Product, Count: 1}
		if n.Model == "" {
			n.Model = modelOfNode(facts, class)
		}
		hw = append(hw, n)
	}
	if kinds["cpu"] {
		c := lifecycle.Hardware{ID: "cpu", Environment: siteID, Kind: lifecycle.KindCPU, Vendor: facts.CPU.Vendor, Model: facts.CPU.Model, Count: b.count(lifecycle.KindCPU)}
		if facts.VM && c.Count == 1 {
			c.Count = b.run.ledger.machine.CPUs
		}
		if facts.CPU.Cores > 0 {
			c.Cores = ptr(int64(max(facts.CPU.Cores/c.Count, 1)))
		}
		if facts.CPU.Threads > 0 {
			c.Threads = ptr(int64(max(facts.CPU.Threads/c.Count, 1)))
		}
		hw = append(hw, c)
	}
	if kinds["memory"] {
		m := lifecycle.Hardware{ID: "memory", Environment: siteID, Kind: lifecycle.KindMemory, Count: 1}
		if facts.MemoryBytes > 0 {
			m.MemoryBytes = ptr(facts.MemoryBytes)
		}
		hw = append(hw, m)
	}
	for _, g := range b.run.ledger.groups {
		for _, d := range g.domains {
			if d.device < 0 && d.hw != "cpu" && d.hw != "memory" && d.hw != nodeID || d.device >= 0 && !b.unused(d) {
				hw = b.addDevice(hw, d)
			}
		}
	}
	for i := range hw {
		h := &hw[i]
		h.Model = strings.TrimSpace(h.Model)
		for _, g := range b.run.ledger.groups {
			for _, d := range g.domains {
				if d.hw != h.ID {
					continue
				}
				if d.TDPW > 0 && h.TDPW == nil {
					h.TDPW = ptr(d.TDPW)
				}
				if d.PowerLimitW > 0 && h.PowerLimitW == nil {
					h.PowerLimitW = ptr(d.PowerLimitW)
				}
				if d.MemoryBytes > 0 && h.MemoryBytes == nil {
					h.MemoryBytes = ptr(d.MemoryBytes)
				}
				if h.Model == "" {
					h.Model = d.Model
				}
				b.instance(h, d)
			}
		}
		slices.Sort(h.Instance)
		if h.ID != nodeID && node {
			h.PartOf = nodeID
		}
		if h.Model == "" {
			b.missing(fmt.Sprintf("/hardware/%d/model", i), "", "unknown")
		}
	}
	b.rec.Hardware = hw
	b.devices()
	for _, m := range b.run.ledger.report.Missing {
		b.missing("/hardware", m.What, "not-measured")
	}
}

// addDevice adds a device of its own, such as a GPU.
func (b *recordBuilder) addDevice(hw []lifecycle.Hardware, d *domain) []lifecycle.Hardware {
	for i := range hw {
		if hw[i].ID == d.hw {
			return hw
		}
	}
	h := lifecycle.Hardware{ID: d.hw, Environment: siteID, Kind: d.Kind, Model: d.Model, Count: max(d.Count, 1)}
	return append(hw, h)
}

func modelOfNode(f host.Facts, class string) string {
	if class == "" {
		class = "machine"
	}
	if f.VM {
		return "virtual machine on a " + class
	}
	return class
}

// count is how many devices of a kind the domains tell.
func (b *recordBuilder) count(kind lifecycle.HardwareKind) int {
	var of []*domain
	for _, g := range b.run.ledger.groups {
		for _, d := range g.domains {
			if d.Kind == kind {
				of = append(of, d)
			}
		}
	}
	return max(coveredBy(of), 1)
}

// coveredBy is how many devices of their kind some domains cover.
func coveredBy(of []*domain) int {
	seen := map[int]bool{}
	for _, d := range of {
		for i := range max(d.Count, 1) {
			seen[d.Device+i] = true
		}
	}
	return len(seen)
}

func (b *recordBuilder) hardwareOf(id string) *lifecycle.Hardware {
	for i := range b.rec.Hardware {
		if b.rec.Hardware[i].ID == id {
			return &b.rec.Hardware[i]
		}
	}
	return &lifecycle.Hardware{Count: 1}
}

// hardwareID is the record's entry for a domain: processors and memory have
// one for all of their kind, devices of their own have one each.
func hardwareID(kind lifecycle.HardwareKind, id string) string {
	switch kind {
	case lifecycle.KindCPU:
		return "cpu"
	case lifecycle.KindMemory:
		return "memory"
	case lifecycle.KindNode:
		return nodeID
	}
	return id
}

// method is the entry of methods for a domain: one for each sensor, mode and
// error.
func (b *recordBuilder) method(d *bookedDomain) string {
	key := fmt.Sprintf("%s|%s|%s|%g|%s|%s", d.Sensor, d.Mode, d.Method, d.RelError, d.Tool, d.Version)
	if id := b.methods[key]; id != "" {
		return id
	}
	id := d.Sensor
	for n := 2; b.hasMethod(id); n++ {
		id = d.Sensor + "-" + string(d.Kind)
		if n > 2 {
			id += strconv.Itoa(n)
		}
	}
	b.methods[key] = id
	sampling := b.run.cfg.sampling.Seconds()
	if slow := b.run.ledger.groups[d.group].slow; slow != nil {
		sampling = max(sampling, slow.period.Seconds())
	}
	b.rec.Methods = append(b.rec.Methods, lifecycle.MethodEntry{
		ID: id, Method: d.Method, Sensor: d.Sensor, Mode: d.Mode, SamplingS: &sampling, RelError: d.RelError,
		Tool: d.Tool, Version: d.Version,
	})
	return id
}

func (b *recordBuilder) hasMethod(id string) bool {
	for i := range b.rec.Methods {
		if b.rec.Methods[i].ID == id {
			return true
		}
	}
	return false
}

// leftOut lists the domains that were seen and not counted, with the method
// that saw them. Where a meter counts nothing at all, it has no method: they
// are with the one that counts in their place, else with one of the same kind
// of device.
func (b *recordBuilder) leftOut() {
	report := b.run.ledger.report.Domains
	methodOf := func(d detect.Found) (at int, own bool) {
		for _, is := range []func(m *lifecycle.MethodEntry) bool{
			func(m *lifecycle.MethodEntry) bool { return m.Sensor == d.Sensor && m.Mode == d.Mode },
			func(m *lifecycle.MethodEntry) bool { return d.By != "" && b.tells(m, d.By, "") },
			func(m *lifecycle.MethodEntry) bool { return b.tells(m, "", d.Kind) },
		} {
			for i := range b.rec.Methods {
				if m := &b.rec.Methods[i]; is(m) {
					return i, m.Sensor == d.Sensor
				}
			}
		}
		return 0, false
	}
	for _, d := range report {
		if d.LeftOut == "" || len(b.rec.Methods) == 0 {
			continue
		}
		i, own := methodOf(d)
		name := cmp.Or(d.Name, d.ID)
		if !own {
			name = d.Sensor + " " + name
		}
		m := &b.rec.Methods[i]
		m.LeftOut = append(m.LeftOut, lifecycle.LeftOut{Domain: name, Reason: d.LeftOut})
	}
	if b.rec.Methods == nil {
		b.rec.Methods = []lifecycle.MethodEntry{}
	}
	if b.rec.Ledger == nil {
		b.rec.Ledger = []lifecycle.LedgerLine{}
	}
}

// tells tells whether a method is that of a domain, or of a kind of device.
func (b *recordBuilder) tells(m *lifecycle.MethodEntry, id string, kind lifecycle.HardwareKind) bool {
	return slices.ContainsFunc(b.domains, func(d *bookedDomain) bool {
		return d.meter == m.ID && (d.ID == id || d.Kind == kind)
	})
}
