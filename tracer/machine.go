package tracer

import (
	"strings"

	"github.com/ecotracer/ecotracer/factors"
	"github.com/ecotracer/ecotracer/internal/host"
)

// machine is what the host is, or is a part of, as the factors take it.
type machine struct {
	class   string  // server, laptop, ...; "" if nothing tells
	sockets int     // that it has
	cpus    int     // packages that are the host's, or that a virtual machine's CPUs are in
	share   float64 // what of the machine is the host: 1, or a virtual machine's part
}

// socketsOfAServer is how many processors the machine below a virtual one is
// taken to have, as most servers do whose production is published.
const socketsOfAServer = 2

// machineOf tells what kind of machine a host is. Its class is that of its
// case, where the firmware tells, else that of its processor. A virtual machine
// is the part of the machine below that its CPUs are of that machine's threads.
func machineOf(f host.Facts) machine {
	m := machine{class: f.Class, sockets: max(f.CPU.Sockets, 1), share: 1}
	m.cpus = m.sockets
	cores := 0
	if !f.VM {
		cores = f.CPU.Cores / m.sockets
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
	if !f.VM {
		return m
	}
	m.sockets, m.cpus = 1, 1 // what a hypervisor calls sockets is up to it
	if isServer(m.class) {
		m.sockets = socketsOfAServer
	}
	if threads := max(cpu.Threads, cpu.Cores); threads > 0 && f.CPU.Threads > 0 {
		m.cpus = (f.CPU.Threads + threads - 1) / threads
		m.sockets = max(m.sockets, m.cpus)
		m.share = float64(f.CPU.Threads) / float64(threads*m.sockets)
	}
	return m
}

// isServer tells whether a class is one of servers, in a cloud or not.
func isServer(class string) bool { return strings.HasSuffix(class, "server") }
