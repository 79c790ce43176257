//go:build linux && (amd64 || arm64)

package nvml

import (
	"os"
	"slices"

	"github.com/ecotracer/ecotracer/tracer/meter"
)

// owning is how a GPU's energy is parted between this process and others.
type owning int

const (
	notOwned     owning = iota
	byProcesses         // by who holds a context, and by use where several do
	byInstances         // by the slices of the instances in which our processes are
	bySlicesOnly        // by the slices of the instances that we may use
)

// holders is how many processes hold a device, and how many of them are ours.
type holders struct{ ours, all int }

// others tells whether some are not ours.
func (h holders) others() bool { return h.all > h.ours }

// share is our part of those who hold a device now or did before. It is 1 if we
// alone did at either end: a device draws most of its energy while it is held.
func (h holders) share(before holders) float64 {
	if h.all+before.all == 0 {
		return 0
	}
	return min(float64(h.ours+before.ours)/float64(h.all+before.all), 1)
}

// instance is a MIG device: a part of a GPU.
type instance struct {
	uuid   string
	handle device
	part   float64 // of the GPU's compute slices, or of its memory
	held   holders // at the last reading
}

// ownership is the account of what this process used of a GPU.
type ownership struct {
	how       owning
	held      holders // at the last reading
	since     uint64  // time of the last utilisation sample, µs
	joules    float64 // used by us
	total     float64 // of the GPU, at the last reading
	slices    float64 // of the instances that we may use
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

// book takes what a GPU has used in all and tells what of it is ours.
func (m *nvidia) book(g *gpu, s *meter.Sample) {
	o := &g.own
	if o.how == notOwned {
		return
	}
	o.joules = min(o.joules+max(s.Joules-o.total, 0)*m.share(g), s.Joules)
	o.total = s.Joules
	s.OwnJ = o.joules
}

// share is our part of what a GPU used since the last reading: by use of its
// multiprocessors if several processes held it and the driver tells it, else by
// who held it, equal parts each. Where the driver does not say who does, it is
// believed to be as it was.
func (m *nvidia) share(g *gpu) float64 {
	o := &g.own
	switch o.how {
	case bySlicesOnly:
		return o.slices
	case byInstances:
		return m.instancesShare(o.instances)
	}
	before := o.held
	if held, r := m.holders(g.handle); r == success {
		o.held = held
	}
	if (before.others() || o.held.others()) && before.ours+o.held.ours > 0 {
		ours, all, latest, r := m.utilization(g.handle, m.pids(), o.since)
		if r == success {
			o.since = latest
			if all > 0 {
				return ours / all
			}
		}
	}
	return o.held.share(before)
}

// instancesShare is our part of the instances of a GPU.
func (m *nvidia) instancesShare(instances []instance) float64 {
	sum := 0.0
	for i := range instances {
		in := &instances[i]
		before := in.held
		if held, r := m.holders(in.handle); r == success {
			in.held = held
		}
		sum += in.part * in.held.share(before)
	}
	return min(sum, 1)
}

// holders counts the processes that hold a device. Clients of the multi-process
// service are told apart from its server, which holds a context for them and is
// not counted.
func (m *nvidia) holders(d device) (holders, result) {
	list, r := m.running(fCompute, d, m.list32[:0])
	if r != success {
		return holders{}, r
	}
	h, compute := holders{}, len(list)
	if with, r := m.running(fMPS, d, list); r == success {
		if list = with; len(list) > compute && compute > 0 {
			h.all-- // one of those before is the server
		}
	}
	if with, r := m.running(fGraphics, d, list); r == success {
		list = with
	}
	m.list32 = list
	pids := m.pids()
	for _, pid := range list {
		h.all++
		if slices.Contains(pids, int(pid)) {
			h.ours++
		}
	}
	h.all = max(h.all, h.ours)
	return h, success
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
			in.part = float64(a.computeSlices) / float64(most)
		case memoryBytes > 0:
			in.part = min(float64(c.memoryBytes(handle))/float64(memoryBytes), 1)
		}
		list = append(list, in)
	}
	return list
}
