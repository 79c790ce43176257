package detect

import (
	"io/fs"

	"github.com/ecotracer/ecotracer/internal/host"
	"github.com/ecotracer/ecotracer/lifecycle"
	"github.com/ecotracer/ecotracer/tracer/meter"
	"github.com/ecotracer/ecotracer/tracer/meter/internal/profile"
)

// idle fills in what the factors say of the idle power of nodes, or of what is
// left of them beyond their parts, where their meters do not know it.
func (t *tree) idle(root fs.FS) {
	if len(t.nodes) == 0 {
		return
	}
	facts := host.Read(root)
	if facts.VM {
		return // what the node of a virtual machine is, no factor knows
	}
	power := profile.Of(facts)
	for _, n := range t.nodes {
		d := t.domain(n.at)
		if d.IdleW > 0 || n.whole.Device > 0 {
			continue
		}
		var parts []meter.Domain
		for _, p := range n.parts {
			parts = append(parts, *t.domain(p))
		}
		if w := idleBeyond(parts, power, facts.CPU.Sockets); w > 0 {
			d.IdleW, d.IdleFound = w, "factor"
		}
	}
}

// idleBeyond is the idle power of a host without some of its parts, W; 0 if the
// factors do not know all of it.
func idleBeyond(parts []meter.Domain, power profile.Profile, sockets int) float64 {
	counted := map[int]bool{}
	memory := false
	for _, p := range parts {
		switch p.Kind {
		case lifecycle.KindCPU:
			counted[p.Device] = true
		case lifecycle.KindMemory:
			memory = true
		}
	}
	if !power.CPU.Known() || !power.Memory.Known() || !power.Rest.Known() {
		return 0
	}
	w := power.Rest.IdleW + power.CPU.IdleW*float64(max(sockets-len(counted), 0))
	if !memory {
		w += power.Memory.IdleW
	}
	return w
}
