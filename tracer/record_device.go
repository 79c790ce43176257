package tracer

import (
	"errors"
	"fmt"
	"slices"

	"github.com/ecotracer/ecotracer/factors"
	"github.com/ecotracer/ecotracer/internal/host"
	"github.com/ecotracer/ecotracer/internal/inventory"
	"github.com/ecotracer/ecotracer/lifecycle"
)

// devices tells what it took to make each device, and what it takes to discard
// it: the node by what is published of its model, else by its components, else
// by its class; and what is in it in the node's figures or in its own, never
// both. An accelerator on a card always has its own, for it may be held apart.
func (b *recordBuilder) devices() {
	hw := b.rec.Hardware
	class := b.class()
	var inside []string
	if len(hw) > 0 && hw[0].ID == nodeID {
		var node factors.Device
		node, inside = b.machine(class)
		e, err := b.book().Device(node, inside...)
		switch {
		case err != nil:
			b.missing("/hardware/0/embodied", "", "unknown")
			inside = nil
		case len(e.Covers) == 0:
			// Of what has an entry, the sum of its components has its drives
			// and its board.
			inside = slices.DeleteFunc(inside, func(id string) bool {
				kind := b.hardwareOf(id).Kind
				return kind != lifecycle.KindStorage && kind != "board"
			})
			e.Covers = inside
		}
		hw[0].Embodied = e
	} else if len(hw) > 0 {
		b.missing("/hardware", "production of the machine that these devices are in", "unknown")
	}
	for i := range hw {
		if hw[i].ID != nodeID && !slices.Contains(inside, hw[i].ID) {
			b.embody(i, class)
		}
	}
}

// embody gives a device the factors of its making and discarding, if they are
// known.
func (b *recordBuilder) embody(i int, class string) {
	h := &b.rec.Hardware[i]
	e, err := b.book().Device(b.device(h, class))
	switch {
	case err == nil:
		h.Embodied = e
	case b.inChip(h) && b.hardwareOf("cpu").Kind != "":
		b.missing(fmt.Sprintf("/hardware/%d/embodied", i), "", "not-applicable") // it is in the processor's
	default:
		b.missing(fmt.Sprintf("/hardware/%d/embodied", i), "", "unknown")
	}
}

// device is an entry of the record's hardware as the factors take it.
func (b *recordBuilder) device(h *lifecycle.Hardware, class string) factors.Device {
	d := factors.Device{Kind: string(h.Kind), Model: h.Model, Class: class}
	switch {
	case isAccelerator(h.Kind):
		d.Class = "" // its model tells
	case h.Kind == lifecycle.KindMemory:
		d.Model = ""
	}
	if h.MemoryBytes != nil {
		d.Bytes = *h.MemoryBytes
	}
	return d
}

// inChip tells whether an accelerator is made with the processor that it is
// part of.
func (b *recordBuilder) inChip(h *lifecycle.Hardware) bool {
	if h.Kind != lifecycle.KindGPU && h.Kind != "npu" {
		return false
	}
	if b.run.ledger.machine.class == "single-board" {
		return true
	}
	_, err := b.run.ledger.lookupDevice(b.device(h, ""))
	return errors.Is(err, factors.ErrNoFactor)
}

// lookupDevice is factors.LookupDevice, asked once for each device: a host's are
// the same at every checkpoint, and what they are built of is much to add up.
func (l *ledger) lookupDevice(d factors.Device) (factors.Embodied, error) {
	type known struct {
		factors.Embodied
		err error
	}
	key := fmt.Sprintf("%#v", d)
	if k, ok := l.made.Load(key); ok {
		return k.(known).Embodied, k.(known).err
	}
	e, err := factors.LookupDevice(d)
	l.made.Store(key, known{e, err})
	return e, err
}

// gpusOfAnAIServer make a server one that was built for them.
const gpusOfAnAIServer = 4

// class is that of the machine, with what the record has in it.
func (b *recordBuilder) class() string {
	class := b.run.ledger.machine.class
	if !inventory.IsServer(class) {
		return class
	}
	gpus := 0
	for i := range b.rec.Hardware {
		h := &b.rec.Hardware[i]
		if !isAccelerator(h.Kind) {
			continue
		}
		if a, err := factors.LookupAccelerator(h.Model, value(h.MemoryBytes)); err == nil && a.Class == "gpu-datacentre" {
			gpus += h.Count
		}
	}
	if gpus >= gpusOfAnAIServer {
		return "ai-server"
	}
	return class
}

// machine is the host as the factors take it: what it is built of, and the ids
// of the entries that a figure of the whole has in it. What has no entry,
// because no meter tells it apart, is in the figures of the node in any case.
func (b *recordBuilder) machine(class string) (node factors.Device, inside []string) {
	facts, m := b.run.ledger.facts, b.run.ledger.machine
	node = factors.Device{Kind: "node", Model: facts.Product, Class: class}
	if facts.VM {
		node.Model = "" // that of the hypervisor
	}
	cpus, memory := 0, false // that have entries
	for i := range b.rec.Hardware {
		h := &b.rec.Hardware[i]
		switch {
		case h.ID == nodeID, isAccelerator(h.Kind) && !b.inChip(h):
			continue
		case h.Kind == lifecycle.KindCPU:
			cpus = h.Count
		case h.Kind == lifecycle.KindMemory:
			memory = true
		}
		inside = append(inside, h.ID)
	}
	has := func(count int, within bool, d factors.Device) {
		if count > 0 {
			node.Parts = append(node.Parts, factors.Part{Count: count, Within: within, Device: d})
		}
	}
	cpu := factors.Device{Kind: "cpu", Model: facts.CPU.Model, Class: class}
	has(cpus, false, cpu)
	if !facts.VM || cpus == 0 {
		has(m.Sockets-cpus, true, cpu)
	}
	if facts.MemoryBytes > 0 {
		bytes := facts.MemoryBytes
		if !memory { // its part of the machine's is what a virtual machine has
			bytes = int64(float64(bytes) / m.Share)
		}
		has(1, !memory, factors.Device{Kind: "memory", Bytes: bytes, Class: class})
	}
	drives := map[host.Disk]int{}
	for _, d := range facts.Disks {
		drives[d]++
	}
	for _, d := range facts.Disks {
		kind := "ssd"
		if d.Rotational {
			kind = "hdd"
		}
		has(drives[d], true, factors.Device{Kind: "storage", Bytes: d.Bytes, Class: kind})
		delete(drives, d)
	}
	return node, inside
}

// rented is what of each device of an entry is a virtual machine's: its CPUs of
// all that there are. Its memory and its devices it has for itself.
func (b *recordBuilder) rented(h *lifecycle.Hardware) float64 {
	m := &b.run.ledger.machine
	switch {
	case !b.run.ledger.facts.VM:
	case h.Kind == lifecycle.KindNode:
		return m.Share
	case h.Kind == lifecycle.KindCPU:
		return m.CPUShare(h.Count)
	}
	return 1
}
