package estimate

import (
	"github.com/ecotracer/ecotracer/factors"
)

// What is assumed where nobody tells: see the package comment.
var (
	acceleratorBusy = Input{
		Name: "utilisation of the accelerators", Field: "utilisation", Value: 0.8, Low: 0.5, High: 1, Unit: "1", Found: Assumed, Quality: "C",
		Source: "analyst range: with what busy devices stay below their rating, it spans 0.4 to 1 of that; Newkirk et al. 2025 (H100 nodes at intensive training: 0.76)",
	}
	cpuBusy = Input{
		Name: "utilisation of the processors", Field: "usage", Value: 0.7, Low: 0.3, High: 1, Unit: "1", Found: Assumed, Quality: "D",
		Source: "analyst range for processors that work for themselves",
	}
	hostBusy = Input{
		Name: "utilisation of the processors", Field: "usage", Value: 0.3, Low: 0.05, High: 1, Unit: "1", Found: Assumed, Quality: "D",
		Source: "analyst range for processors beside accelerators",
	}
	hostShare = Input{
		Name: "host, for each watt of its accelerators", Field: "rest-power-w", Value: 0.5, Low: 0.1, High: 1, Unit: "W/W", Found: Assumed, Quality: "C",
		Source: "Latif et al. 2025 (HGX H100 node: 0.5); DGX A100 as rated (1.0); Patterson et al. 2021 (V100: 0.1)",
	}
	chassisShare = Input{
		Name: "rest of the machines, for each watt of their accelerators", Field: "rest-power-w", Value: 0.3, Low: 0.05, High: 0.6, Unit: "W/W", Found: Assumed, Quality: "D",
		Source: "what two processors and 2 TB of memory leave of the host of Latif et al. 2025 (HGX H100 node: 0.5): fans, switches, network",
	}
	virtualShare = Input{
		Name: "virtual machine, for its share of the processors", Field: "cpu-power-w", Value: 1, Low: 1 / 1.5, High: 1.5, Unit: "W/W", Found: Assumed, Quality: "D",
		Source: "analyst range: a thread that has its core to itself draws most of what two do",
	}
)

// watts is a power that depends on the inputs.
type watts func(x []float64) float64

// between is the power of something busy for a share of what it can do: n
// times idle + (full − idle) · busy.
func between(n float64, idle, full, busy watts) watts {
	return func(x []float64) float64 {
		least := idle(x)
		return n * (least + max(full(x)-least, 0)*busy(x))
	}
}

func (w watts) times(n float64) watts {
	return func(x []float64) float64 { return n * w(x) }
}

// declared adds an input that the caller gives.
func (d *draft) declared(g Given, name, field, unit string) watts {
	low, high := g.bounds()
	return d.inputs.add(Input{
		Name: name, Field: field, Value: g.Value, Low: low, High: high, Unit: unit, Found: factors.Declared, Source: d.plan.Source, Quality: "C",
	})
}

// busy adds a utilisation: the caller's, else the one that is assumed.
func (d *draft) busy(g *Given, assumed Input) watts {
	if g == nil {
		return d.inputs.add(assumed)
	}
	return d.declared(*g, assumed.Name, assumed.Field, assumed.Unit)
}

// looked adds a power of the data set, n times.
func (d *draft) looked(f factors.Factor, n float64, name, field string) watts {
	return d.inputs.add(Input{
		Name: name, Field: field, Value: f.Value * n, Low: f.Low * n, High: f.High * n, Unit: "W",
		Found: f.Found, Source: f.Source, Quality: f.Quality,
	})
}

// drawn adds a power that the caller gives: the mean of what is drawn, or, if
// it is told how busy the device is, what it draws when it is busy.
func (d *draft) drawn(power, busy *Given, name, field string, assumed Input) watts {
	w := d.declared(*power, name, field, "W")
	if busy == nil {
		return w
	}
	share := d.busy(busy, assumed)
	return func(x []float64) float64 { return w(x) * share(x) }
}

// usage is how busy the processors are; memory and the rest of the machines
// follow them.
func (d *draft) usage() watts {
	if d.cpuUsage == nil {
		assumed := cpuBusy
		if d.plan.Accelerator != "" {
			assumed = hostBusy
		}
		d.cpuUsage = d.busy(d.plan.Usage, assumed)
	}
	return d.cpuUsage
}

// powerAccelerators tells what n accelerators draw.
func (d *draft) powerAccelerators(part *part, n float64) {
	p, a := &d.plan, d.accelerator
	if p.PowerW != nil {
		part.watts = d.drawn(p.PowerW, p.Utilisation, "accelerator", "power-w", acceleratorBusy).times(n)
		return
	}
	full, idle := d.looked(a.Full, 1, "accelerator, busy", "power-w"), d.looked(a.Idle, 1, "accelerator, idle", "power-w")
	part.watts = between(n, idle, full, d.busy(p.Utilisation, acceleratorBusy))
	part.idleW = n * a.Idle.Value
}

// powerCPU tells what n processors draw.
func (d *draft) powerCPU(part *part, n float64) {
	p, c := &d.plan, d.cpu
	switch {
	case p.CPUPowerW != nil:
		part.watts = d.drawn(p.CPUPowerW, p.Usage, "processor", "cpu-power-w", cpuBusy).times(n)
		return
	case !d.hasCPU:
		return
	}
	full, idle := d.looked(c.Full, 1, "processor, busy", "cpu-power-w"), d.looked(c.Idle, 1, "processor, idle", "cpu-power-w")
	part.watts, part.idleW = between(n, idle, full, d.usage()), n*c.Idle.Value
	if p.Instance != "" {
		share, all := d.inputs.add(virtualShare), part.watts
		part.watts = func(x []float64) float64 { return all(x) * share(x) }
	}
}

// powerMemory tells what the memory draws.
func (d *draft) powerMemory(part *part) {
	p := &d.plan
	if p.MemoryPowerW != nil {
		part.watts = d.declared(*p.MemoryPowerW, "memory", "memory-power-w", "W")
		return
	}
	part.watts, part.idleW = d.classPower("memory", "W/GB", p.MemoryGB, "memory", "memory-power-w")
}

// powerNode tells what the machines draw beyond accelerators, processors and
// memory; of machines of which nobody tells what is in them, all of it.
func (d *draft) powerNode(part *part, bare bool) {
	p := &d.plan
	switch {
	case bare && p.PowerW != nil:
		part.watts = d.drawn(p.PowerW, p.Utilisation, "machine", "power-w", acceleratorBusy).times(float64(part.hw.Count))
	case p.RestPowerW != nil:
		part.watts = d.declared(*p.RestPowerW, "rest of the machines", "rest-power-w", "W")
	case p.givesPower() || bare:
	case d.hasCPU && part.made.Class == "ai-server":
		d.besideAccelerators(part, chassisShare)
	case d.hasCPU:
		class, unit, n := d.rest(part.hw.Count)
		part.watts, part.idleW = d.classPower(class, unit, n, "rest of the machines", "rest-power-w")
	default:
		d.besideAccelerators(part, hostShare)
	}
}

// rest is the class of what is in machines beyond processors and memory, and how
// many it counts of what its power is per.
func (d *draft) rest(machines int) (class, unit string, n float64) {
	threads := max(d.cpu.Threads, d.cpu.Cores) * max(d.plan.CPUs, 1)
	switch {
	case d.plan.Instance != "":
		return "rest-vm", "W/thread", float64(d.plan.Count * d.instance.Threads)
	case d.cpu.Class == "embedded":
		return "rest-single-board", "W", float64(machines)
	case d.cpu.Class != "server":
		return "rest-" + d.cpu.Class, "W", float64(machines)
	case threads > 0:
		return "rest-server", "W/thread", float64(threads)
	}
	return "rest-unknown", "W", float64(machines)
}

// besideAccelerators has a part draw its share of what the accelerators do.
func (d *draft) besideAccelerators(part *part, assumed Input) {
	share := d.inputs.add(assumed)
	part.watts = func(x []float64) float64 { return share(x) * d.part(acceleratorID).watts(x) }
}

// classPower is the power of n of a class of the data set, as busy as the
// processors, and that of as many when idle, W.
func (d *draft) classPower(class, unit string, n float64, name, field string) (watts, float64) {
	idle, err1 := factors.Lookup(factors.Query{Kind: factors.IdlePower, Class: class, Unit: unit, Own: d.plan.Own})
	full, err2 := factors.Lookup(factors.Query{Kind: factors.FullPower, Class: class, Unit: unit, Own: d.plan.Own})
	if err1 != nil || err2 != nil {
		return nil, 0
	}
	most, least := d.looked(full, n, name+", busy", field), d.looked(idle, n, name+", idle", field)
	return between(1, least, most, d.usage()), idle.Value * n
}
