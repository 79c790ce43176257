package inventory

import (
	"strings"

	"github.com/ecotracer/ecotracer/factors"
)

// SocketsOfAServer is how many processors a server is taken to have whose number
// nobody tells, as most servers do whose production is published.
const SocketsOfAServer = 2

// Machine is what a host is of the machine that it is, or is a part of.
type Machine struct {
	Sockets int     // processors of the machine
	CPUs    int     // of these, that are the host's, or that its virtual CPUs are in
	Share   float64 // what of the machine is the host's: below 1 for a virtual one
}

// MachineOf tells in what machine of a class a number of virtual CPUs are, and
// which part of it they are, by the threads that its processors have: by their
// cores, where nobody tells threads. Of processors that tell neither, or without
// a number of virtual CPUs, it is all.
func MachineOf(class string, cpu factors.CPU, threads int) Machine {
	m := Machine{Sockets: 1, CPUs: 1, Share: 1}
	if IsServer(class) {
		m.Sockets = SocketsOfAServer
	}
	if each := max(cpu.Threads, cpu.Cores); each > 0 && threads > 0 {
		m.CPUs = (threads + each - 1) / each
		m.Sockets = max(m.Sockets, m.CPUs)
		m.Share = float64(threads) / float64(each*m.Sockets)
	}
	return m
}

// CPUShare is what of each of count processors is the host's.
func (m Machine) CPUShare(count int) float64 {
	return min(m.Share*float64(m.Sockets)/float64(count), 1)
}

// IsServer tells whether a class is one of servers, in a cloud or not.
func IsServer(class string) bool { return strings.HasSuffix(class, "server") }
