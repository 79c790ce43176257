package estimate

import (
	"cmp"
	"math"
	"strings"

	"github.com/ecotracer/ecotracer/factors"
	"github.com/ecotracer/ecotracer/internal/inventory"
	"github.com/ecotracer/ecotracer/lifecycle"
)

// perHost is how many accelerators for data centres a machine is taken to hold,
// as HGX and DGX boards and the largest cloud instances do.
const perHost = 8

// accelerators is how many there are; of an instance, its own times the number
// of instances.
func (d *draft) accelerators() float64 {
	if d.plan.Accelerator == "" {
		return 0
	}
	n := float64(d.plan.Count)
	if d.plan.Instance != "" && d.instance.Accelerators > 0 {
		n *= d.instance.Accelerators
	}
	return n
}

// givesPower tells whether the caller says what is drawn: then that is all that
// is meant.
func (p *Plan) givesPower() bool {
	return p.PowerW != nil || p.CPUPowerW != nil || p.MemoryPowerW != nil || p.RestPowerW != nil || p.EnergyKWh != nil
}

// machines draws up the hardware and its power: the machine, and what is in it.
func (d *draft) machines() error {
	p := &d.plan
	bare := p.Accelerator == "" && !d.hasCPU && p.CPUs == 0 && p.CPUPowerW == nil && p.MemoryGB == 0 && p.MemoryPowerW == nil
	host := d.hasCPU || p.Accelerator != "" && !p.givesPower() || p.NodeProductionKg != nil || p.RestPowerW != nil || bare
	if host {
		d.addNode(bare)
	}
	if d.hasCPU || p.CPUs > 0 || p.CPUPowerW != nil {
		d.addCPU()
	}
	if p.MemoryGB > 0 || p.MemoryPowerW != nil {
		d.addMemory()
	}
	if p.Accelerator != "" {
		d.addAccelerator()
	}
	d.rec.Run.Boundary = d.boundary()
	switch {
	case bare && !p.givesPower():
		return wrong("device", "nothing says what draws power: name accelerators or processors, or give the power or the energy")
	case p.MemoryGB > 0 && p.Accelerator != "" && !d.hasCPU && !p.givesPower():
		return wrong("memory-gb", "it is in the host that is assumed for the accelerators: name its processors, too, or leave it out")
	case p.PowerW != nil && p.Accelerator == "" && !bare:
		return wrong("power-w", "it is that of an accelerator: name one, or give the power of processors and memory")
	case p.Count > 1 && p.Accelerator == "" && p.Instance == "" && !bare:
		return wrong("count", "it is that of accelerators or of an instance: of processors, give how many there are in all")
	case p.Utilisation != nil && !d.inputs.has("utilisation"):
		return wrong("utilisation", "it is that of accelerators, of which there are none; of processors, give their usage")
	case p.Usage != nil && !d.inputs.has("usage"):
		return wrong("usage", "it is that of processors: name them, or give their power")
	}
	return nil
}

// boundary is what the energy covers.
func (d *draft) boundary() lifecycle.Boundary {
	all := lifecycle.BoundaryAccelerators
	for _, part := range d.parts {
		switch {
		case part.hw.ID == nodeID && part.watts != nil, d.plan.EnergyKWh != nil && part.hw.ID == nodeID:
			return lifecycle.BoundaryNode
		case part.hw.ID != acceleratorID && part.hw.ID != nodeID:
			all = lifecycle.BoundaryComponent
		}
	}
	return all
}

// add adds an entry of the hardware.
func (d *draft) add(id string, kind lifecycle.HardwareKind, model string, count int) *part {
	part := &part{
		hw:    lifecycle.Hardware{ID: id, Environment: siteID, Kind: kind, Model: strings.TrimSpace(model), Count: count},
		share: 1, by: "exclusive",
	}
	if len(d.parts) > 0 && d.parts[0].hw.ID == nodeID {
		part.hw.PartOf = nodeID
	}
	if d.plan.Share < 1 {
		part.share, part.by = d.plan.Share, "declared"
	}
	d.parts = append(d.parts, part)
	return part
}

// class is what kind of machine the factors should take the host for.
func (d *draft) class() string {
	switch d.accelerator.Class {
	case "gpu-consumer":
		if !d.hasCPU {
			return "desktop"
		}
	case "gpu-inference", "":
	default:
		return "ai-server"
	}
	switch class := d.cpu.Class; {
	case d.plan.Instance != "" && (class == "server" || class == ""):
		return "cloud-server"
	case class == "embedded":
		return "single-board"
	case class == "" && d.plan.Accelerator != "":
		return "server"
	case class == "unknown":
		return ""
	default:
		return class
	}
}

// addNode adds the machines around accelerators and processors, and what they
// draw beyond these.
func (d *draft) addNode(bare bool) {
	p := &d.plan
	class := d.class()
	count, share, by := p.Count, 1.0, "exclusive"
	switch {
	case p.Instance != "":
		share, by = d.below().Share, "cores"
	case d.hasCPU && d.cpu.Class == "server":
		count = (max(p.CPUs, 1) + inventory.SocketsOfAServer - 1) / inventory.SocketsOfAServer
	case d.hasCPU:
		count = max(p.CPUs, 1)
	case p.Accelerator != "" && d.accelerator.Class != "gpu-consumer":
		count = (p.Count + perHost - 1) / perHost
		if share = float64(p.Count) / float64(count*perHost); share < 1 {
			by = "reserved"
		}
	case p.Accelerator == "" && !bare:
		count = 1
	}
	node := d.add(nodeID, lifecycle.KindNode, class, count)
	if share < 1 {
		node.by = by
	}
	node.share *= share
	node.made = factors.Device{Kind: "node", Class: class}
	if d.hasCPU && p.MemoryGB > 0 {
		cpus, memory := d.perNode(count, share)
		node.made.Parts = []factors.Part{
			{Count: cpus, Device: factors.Device{Kind: "cpu", Model: p.CPU}},
			{Count: 1, Device: factors.Device{Kind: "memory", Bytes: memory}},
		}
	}
	d.powerNode(node, bare)
}

// perNode is what a machine has of processors and memory: of a virtual one, the
// machine below it, with memory in proportion.
func (d *draft) perNode(nodes int, share float64) (cpus int, memory int64) {
	p := &d.plan
	cpus = (max(p.CPUs, 1) + nodes - 1) / nodes
	if p.Instance != "" {
		cpus = d.below().Sockets
	}
	return cpus, int64(p.MemoryGB * 1e9 / float64(nodes) / share)
}

// addAccelerator adds the accelerators.
func (d *draft) addAccelerator() {
	p, a := &d.plan, d.accelerator
	n := d.accelerators()
	count := max(int(math.Ceil(n)), 1)
	model := cmp.Or(a.Model, p.Accelerator)
	part := d.add(acceleratorID, kindOf(model), model, count)
	if n < float64(count) {
		part.share, part.by = part.share*n/float64(count), "reserved"
	}
	part.hw.Vendor = a.Vendor
	if listed(a.Found) && a.TDPW > 0 {
		part.hw.TDPW = &a.TDPW
	}
	if a.MemoryBytes > 0 {
		part.hw.MemoryBytes = &a.MemoryBytes
	}
	part.made = factors.Device{Kind: string(part.hw.Kind), Model: model, Class: a.Class}
	d.powerAccelerators(part, n)
}

// kindOf tells accelerators that are no GPU.
func kindOf(model string) lifecycle.HardwareKind {
	for _, name := range []string{"TPU", "Trainium", "Inferentia", "Gaudi", "IPU"} {
		if strings.Contains(strings.ToUpper(model), strings.ToUpper(name)) {
			return "npu"
		}
	}
	return lifecycle.KindGPU
}

// below is the machine that an instance is a part of.
func (d *draft) below() inventory.Machine {
	return inventory.MachineOf(d.class(), d.cpu, d.instance.Threads)
}

// addCPU adds the processors; of an instance, its share of them.
func (d *draft) addCPU() {
	p, c := &d.plan, d.cpu
	count, share := max(p.CPUs, 1), 1.0
	if p.Instance != "" {
		m := d.below()
		count, share = p.Count*m.CPUs, m.CPUShare(m.CPUs)
	}
	part := d.add(cpuID, lifecycle.KindCPU, cmp.Or(c.Model, p.CPU), count)
	if share < 1 {
		part.share, part.by = part.share*share, "cores"
	}
	if d.hasCPU {
		part.made = factors.Device{Kind: "cpu", Model: p.CPU, Class: d.class()}
	}
	if d.hasCPU && listed(c.Found) {
		set := func(to **int64, n int) {
			if n > 0 {
				v := int64(n)
				*to = &v
			}
		}
		set(&part.hw.Cores, c.Cores)
		set(&part.hw.Threads, c.Threads)
		part.hw.TDPW = &c.TDPW
	}
	d.powerCPU(part, float64(count)*share)
}

// listed tells whether a figure is that of the very model.
func listed(f factors.Found) bool { return f == factors.Exact || f == factors.Normalised }

// addMemory adds the memory of the machines.
func (d *draft) addMemory() {
	p := &d.plan
	count := 1
	if len(d.parts) > 0 && d.parts[0].hw.ID == nodeID {
		count = d.parts[0].hw.Count
	}
	part := d.add(memoryID, lifecycle.KindMemory, "", count)
	if p.MemoryGB > 0 {
		bytes := int64(p.MemoryGB * 1e9 / float64(count))
		part.hw.MemoryBytes = &bytes
		part.made = factors.Device{Kind: "memory", Bytes: bytes, Class: d.class()}
	}
	d.powerMemory(part)
}
