//go:build linux && (amd64 || arm64)

package nvml

import (
	"os"
	"slices"

	"github.com/ecotracer/ecotracer/tracer/meter"
)

// instance is a MIG device: a part of a GPU.
type instance struct {
	uuid   string
	handle device
	share  float64 // of the GPU's compute slices, or of its memory
}

// owning is how a GPU's energy is parted between this process and others.
type owning int

const (
	notOwned     owning = iota
	byProcesses         // by who holds a context, and by use where several do
	byInstances         // by the slices of the instances in which our processes are
	bySlicesOnly        // by the slices of the instances that we may use
)

// ownership is the account of what this process used of a GPU.
type ownership struct {
	how       owning
	presence  float64 // share by who was there at the last reading
	several   bool    // others were there too
	since     uint64  // time of the last utilisation sample, µs
	joules    float64 // used by us
	total     float64 // of the GPU, at the last reading
	instances []instance
}

// initialPIDNamespace is what the kernel calls the outermost namespace of
// processes (PROC_PID_INIT_INO, include/linux/proc_ns.h). The driver tells
// processes by their numbers there; in another, as in most containers, ours
// are not to be found among them, or by chance only.
const initialPIDNamespace = "pid:[4026531836]"

// knowsPIDs tells whether our process numbers are those that the library tells.
// A library that the environment names is a test's, or knows what it does.
func knowsPIDs() bool {
	link, err := os.Readlink("/proc/self/ns/pid")
	return err == nil && link == initialPIDNamespace || named() != ""
}

// book takes what a GPU has used in all and tells what of it is ours. The share
// of the time since the last reading is by use of the multiprocessors if several
// processes hold the GPU and the driver tells it; else by who held the GPU,
// equal parts each, on average at both ends of that time.
func (m *nvidia) book(g *gpu, s *meter.Sample) {
	o := &g.own
	if o.how == notOwned {
		return
	}
	before, wereSeveral := o.presence, o.several
	if share, several, r := m.presence(g); r == success { // else they are believed to be as they were
		o.presence, o.several = share, several
	}
	share := (before + o.presence) / 2
	if o.how == byProcesses && (wereSeveral || o.several) {
		if ours, all, latest, r := m.utilization(g.handle, m.pids(), o.since); r == success {
			o.since = latest
			if all > 0 {
				share = ours / all
			}
		}
	}
	o.joules = min(o.joules+max(s.Joules-o.total, 0)*share, s.Joules)
	o.total = s.Joules
	s.OwnJ = o.joules
}

// presence is our share of those who hold a GPU now, and whether others do.
func (m *nvidia) presence(g *gpu) (share float64, several bool, r result) {
	switch g.own.how {
	case byProcesses:
		return m.part(g.handle)
	case byInstances:
		for _, in := range g.own.instances {
			part, _, r := m.part(in.handle)
			if r != success {
				return 0, false, r
			}
			share += in.share * part
		}
		return min(share, 1), false, success
	}
	return g.own.presence, false, success
}

// part is which part of the processes that hold a device are ours. Clients of
// the multi-process service are told apart from its server, which holds a
// context for them and is not counted.
func (m *nvidia) part(d device) (share float64, several bool, r result) {
	running, r := m.running(fCompute, d, m.holders[:0])
	if r != success {
		return 0, false, r
	}
	compute := len(running)
	if with, r := m.running(fMPS, d, running); r == success {
		if running = with; len(running) > compute && compute > 0 {
			compute = -1 // one of them is the server
		}
	}
	if with, r := m.running(fGraphics, d, running); r == success {
		running = with
	}
	m.holders = running
	n, ours := len(running), 0
	if compute < 0 {
		n--
	}
	pids := m.pids()
	for _, pid := range running {
		if slices.Contains(pids, int(pid)) {
			ours++
		}
	}
	if ours == 0 || n <= 0 {
		return 0, n > 1, success
	}
	return min(float64(ours)/float64(n), 1), n > ours, success
}

// instancesOf lists the MIG devices of a GPU, each with its share of it: by its
// compute slices of as many as there can be instances (NVML API reference,
// "Multi Instance GPU Management"), or by its memory where the driver does not
// tell the slices.
func (c *caller) instancesOf(d device, memoryBytes int64) []instance {
	if !c.migEnabled(d) {
		return nil
	}
	most, r := c.number(fMaxMig, d)
	if r != success {
		return nil
	}
	var list []instance
	for i := range int(min(most, mostInstances)) {
		handle, r := c.migByIndex(d, i)
		if r != success {
			continue
		}
		in := instance{handle: handle}
		in.uuid, _ = c.words(fUUID, handle)
		a, r := c.attributes(handle)
		switch {
		case r == success && a.computeSlices > 0 && a.computeSlices <= most:
			in.share = float64(a.computeSlices) / float64(most)
		case memoryBytes > 0:
			in.share = min(float64(c.memoryBytes(handle))/float64(memoryBytes), 1)
		}
		list = append(list, in)
	}
	return list
}
