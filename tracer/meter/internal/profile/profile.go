// Package profile tells what the factors say of a host's power: what its
// processors, its memory and the rest of it draw when idle and when busy.
package profile

import (
	"fmt"
	"math"

	"github.com/ecotracer/ecotracer/factors"
	"github.com/ecotracer/ecotracer/internal/host"
)

// Profile is the power of a host.
type Profile struct {
	CPU    Load // of each socket; of a virtual machine, of all it has of its host's
	Memory Load // of all memory
	Rest   Load // of what else is in the machine
}

// Load is the power of one device, W: IdleW when nothing runs, FullW when all
// CPUs are busy, and in proportion between.
type Load struct {
	IdleW, FullW float64
	TDPW         float64 // rated power of the listed model; 0 if unknown, or for a share of it
	RelError     float64 // 95 %: [v/(1+e), v·(1+e)]
	Mode         string  // how it is modelled: utilisation
	Why          string  // where the figures come from, for people
}

// Known tells whether the factors know of the device.
func (l Load) Known() bool { return l.FullW > 0 }

// shareError is by how much a virtual machine may use more or less of its host
// than its share of the threads, 95 %, analyst estimate: a thread that has its
// core to itself draws most of what two do, and hosts are not always full.
const shareError = 1.5

// Of tells the power of the host that the facts describe.
func Of(f host.Facts) Profile {
	var p Profile
	class := ""
	if f.CPU.Threads > 0 {
		p.CPU, class = cpu(f)
		p.Rest = rest(f, class)
	}
	if f.MemoryBytes > 0 {
		p.Memory = memory(f.MemoryBytes)
	}
	return p
}

// cpu is the power of one socket, or of a virtual machine's share of sockets,
// and the class of the processor.
func cpu(f host.Facts) (Load, string) {
	cores := 0
	if !f.VM && f.CPU.Sockets > 0 {
		cores = f.CPU.Cores / f.CPU.Sockets
	}
	c, err := factors.LookupCPU(f.CPU.Model, f.CPUClass(), cores)
	if err != nil {
		return Load{}, ""
	}
	l := between(c.Idle, c.Full, 1)
	if c.Model != "" && !f.VM {
		// What a vendor says of this very model; a class's, or a share of it,
		// is no fact.
		l.TDPW = c.TDPW
	}
	l.Mode = "utilisation"
	l.Why = origin(f.CPU.Model, c) + fmt.Sprintf(": %.3g to %.3g W a package", l.IdleW, l.FullW)
	if !f.VM {
		return l, c.Class
	}
	threads := max(c.Threads, c.Cores)
	if threads == 0 {
		threads = f.CPU.Threads
	}
	l.scale(float64(f.CPU.Threads) / float64(threads))
	l.RelError = math.Exp(math.Hypot(math.Log1p(l.RelError), math.Log(shareError))) - 1
	l.Why += fmt.Sprintf("; this virtual machine has %d of %d threads", f.CPU.Threads, threads)
	return l, c.Class
}

// origin says whose power a processor's is taken to be.
func origin(model string, c factors.CPU) string {
	if model == "" {
		model = "the processor"
	}
	switch {
	case c.Model != "":
		return fmt.Sprintf("power of %s (%s)", c.Model, c.Found)
	case c.Found == factors.FromWorld:
		return model + " is not listed: power of all processors"
	default:
		return fmt.Sprintf("%s is not listed: power of its %s (%s)", model, c.Found, c.Class)
	}
}

// memory is the power of that many bytes. The factors are for 1e9 of them.
func memory(bytes int64) Load {
	l, ok := lookup("memory", "W/GB", float64(bytes)/1e9)
	if ok {
		l.Why = fmt.Sprintf("%.3g GB of memory at %.3g to %.3g W in all", float64(bytes)/1e9, l.IdleW, l.FullW)
	}
	return l
}

// rest is the power of board, disks, fans, network and losses.
func rest(f host.Facts, cpuClass string) Load {
	class, unit, scale := f.Class, "W", 1.0
	if class == "" {
		class = map[string]string{"server": "server", "desktop": "desktop", "laptop": "laptop", "embedded": "single-board"}[cpuClass]
	}
	switch {
	case f.VM:
		class, unit, scale = "vm", "W/thread", float64(f.CPU.Threads)
	case class == "server":
		unit, scale = "W/thread", float64(f.CPU.Threads)
	case class == "":
		class = "unknown"
	}
	l, ok := lookup("rest-"+class, unit, scale)
	if ok {
		l.Why = fmt.Sprintf("board, disks, fans, network and losses of %s: %.3g to %.3g W", machines[class], l.IdleW, l.FullW)
	}
	return l
}

// machines are the classes in words.
var machines = map[string]string{
	"server": "a server", "desktop": "a desktop", "laptop": "a laptop", "single-board": "a single board",
	"vm": "a server, by this virtual machine's threads", "unknown": "a machine of unknown class",
}

// lookup finds idle and full power of a class, in a unit that is per so many.
func lookup(class, unit string, scale float64) (Load, bool) {
	idle, err1 := factors.Lookup(factors.Query{Kind: factors.IdlePower, Class: class, Unit: unit})
	full, err2 := factors.Lookup(factors.Query{Kind: factors.FullPower, Class: class, Unit: unit})
	if err1 != nil || err2 != nil {
		return Load{}, false
	}
	l := between(idle, full, scale)
	l.Mode = "utilisation"
	return l, true
}

// between is the load from idle to full. Its error is that at half load. It is
// fixed before the load is known: what a process uses, with its share of the
// idle power, follows the full power alone, and what an idle machine uses the
// idle power alone.
func between(idle, full factors.Factor, scale float64) Load {
	value, low, high := idle.Value+full.Value, idle.Low+full.Low, idle.High+full.High
	l := Load{IdleW: idle.Value, FullW: max(full.Value, idle.Value)}
	if low > 0 {
		l.RelError = max(high/value, value/low) - 1
	}
	l.scale(scale)
	return l
}

func (l *Load) scale(by float64) {
	l.IdleW *= by
	l.FullW *= by
}
