package tracer

import (
	"github.com/ecotracer/ecotracer/factors"
	"github.com/ecotracer/ecotracer/internal/host"
	"github.com/ecotracer/ecotracer/internal/inventory"
)

// machine is what the host is, or is a part of, as the factors take it.
type machine struct {
	class string // server, laptop, ...; "" if nothing tells
	inventory.Machine
}

// machineOf tells what kind of machine a host is. Its class is that of its
// case, where the firmware tells, else that of its processor. A virtual machine
// is the part of the machine below that its CPUs are of that machine's threads.
func machineOf(f host.Facts) machine {
	sockets := max(f.CPU.Sockets, 1)
	m := machine{f.Class, inventory.Machine{Sockets: sockets, CPUs: sockets, Share: 1}}
	cores := 0
	if !f.VM {
		cores = f.CPU.Cores / sockets
	}
	cpu, err := factors.LookupCPU(f.CPU.Model, f.CPUClass(), cores)
	if err != nil {
		return m
	}
	if m.class == "" && cpu.Class != "unknown" {
		m.class = cpu.Class
		if m.class == "embedded" {
			m.class = "single-board"
		}
	}
	if m.class == "server" && f.Provider != "" {
		m.class = "cloud-server"
	}
	if f.VM { // what a hypervisor calls sockets is up to it
		m.Machine = inventory.MachineOf(m.class, cpu, f.CPU.Threads)
	}
	return m
}
