// Package model estimates the energy of what has no counter: processors from
// how busy they are, memory from its size, the rest of the machine from its
// class. It is the ordinary case in virtual machines and containers.
//
// Between two readings a processor is taken to draw
//
//	P = idle + (full − idle) · busy share
//
// and to do so all the time since opening, so that what is told is exact for
// that model at whatever times it is read:
//
//	E = idle · t + (full − idle) · Σ busy seconds / CPUs
//
// Idle and full power come from the factors, with their source and interval:
// of the very model if it is listed, else of its family or class. A virtual
// machine is taken for the share of a socket that its CPUs are of the socket's
// threads, and is one domain. The interval is that of half load, wider in a
// virtual machine. Memory and the rest of the machine follow the same formula.
package model

import (
	"errors"
	"fmt"
	"io/fs"
	"strconv"
	"sync"
	"time"

	"github.com/ecotracer/ecotracer/internal/host"
	"github.com/ecotracer/ecotracer/lifecycle"
	"github.com/ecotracer/ecotracer/tracer/meter"
	"github.com/ecotracer/ecotracer/tracer/meter/internal/profile"
)

// modelled is the open meter.
type modelled struct {
	domains []meter.Domain
	loads   []profile.Load // beside domains
	stat    *host.Stat     // nil if no domain follows the load
	opened  time.Time

	mu     sync.Mutex
	busy   time.Duration // at the last reading
	cpus   int           // online then
	err    error         // why it could not be read then
	share  float64       // Σ busy seconds / CPUs: how long all CPUs would have been busy
	told   float64       // of share
	at     time.Time     // of the last reading of the load
	closed bool
}

// ErrNothingLeft is that other meters tell all that there is to model.
var ErrNothingLeft = errors.New("model: other meters tell everything")

// Open models the host below root, but for what the counted domains of other
// meters tell. It returns ErrNothingLeft if that is everything, and a
// *meter.Missing if the host's files tell too little.
func Open(root fs.FS, counted ...meter.Domain) (meter.Meter, error) {
	facts := host.Read(root)
	power := profile.Of(facts)
	has := coverage(counted)
	m := &modelled{}
	if has.node {
		return nil, ErrNothingLeft
	}
	sockets := facts.CPU.Sockets
	if facts.VM && sockets > 0 {
		sockets = 1 // what a hypervisor calls sockets is up to it
	}
	for device := range sockets {
		if !has.cpu[device] && power.CPU.Known() {
			m.add(lifecycle.KindCPU, "cpu"+strconv.Itoa(device), device, facts.CPU.Model, power.CPU)
		}
	}
	if !has.memory && power.Memory.Known() {
		m.add(lifecycle.KindMemory, "dram0", 0, "", power.Memory)
	}
	if !has.rest && power.Rest.Known() {
		m.add(lifecycle.KindNode, "node0/rest", 0, "", power.Rest)
	}
	if len(m.domains) == 0 {
		if power.CPU.Known() || power.Memory.Known() {
			return nil, ErrNothingLeft
		}
		return nil, &meter.Missing{What: "model", Why: "neither the CPUs nor the memory of this host are known: it has no proc/stat and no proc/meminfo, which only Linux has"}
	}
	if err := m.open(root); err != nil {
		return nil, err
	}
	return m, nil
}

// covered is what other meters tell.
type covered struct {
	cpu                map[int]bool
	memory, node, rest bool
}

func coverage(counted []meter.Domain) covered {
	c := covered{cpu: map[int]bool{}}
	for _, d := range counted {
		switch {
		case d.LeftOut != "":
		case d.Kind == lifecycle.KindCPU:
			for i := range max(d.Count, 1) {
				c.cpu[d.Device+i] = true
			}
		case d.Kind == lifecycle.KindMemory:
			c.memory = true
		case d.ID == "node"+strconv.Itoa(d.Device)+"/rest":
			c.rest = true
		case d.Kind == lifecycle.KindNode:
			c.node = true
		}
	}
	return c
}

func (m *modelled) add(kind lifecycle.HardwareKind, id string, device int, model string, l profile.Load) {
	m.domains = append(m.domains, meter.Domain{
		ID:        id,
		Kind:      kind,
		Device:    device,
		Name:      id,
		Model:     model,
		Method:    lifecycle.Modelled,
		Sensor:    "model",
		Mode:      l.Mode,
		RelError:  l.RelError,
		TDPW:      l.TDPW,
		IdleW:     l.IdleW,
		IdleFound: "factor",
		Why:       l.Why,
	})
	m.loads = append(m.loads, l)
}

// open begins to count.
func (m *modelled) open(root fs.FS) error {
	m.opened = time.Now()
	m.at = m.opened
	for _, l := range m.loads {
		if l.FullW == l.IdleW || m.stat != nil {
			continue
		}
		stat, err := host.OpenStat(root)
		if err != nil {
			return &meter.Missing{What: "model", Why: "how busy the CPUs are cannot be told: " + err.Error(), Fix: "let the program read /proc/stat", Err: err}
		}
		m.stat = stat
		m.busy, m.cpus, err = stat.Read()
		if err != nil {
			return fmt.Errorf("model: %w", err)
		}
	}
	return nil
}

// Domains lists what is modelled.
func (m *modelled) Domains() []meter.Domain { return m.domains }

// Read works out what each domain has used. While proc/stat cannot be read,
// what follows the load is told without what is above idle.
func (m *modelled) Read(dst []meter.Sample) ([]meter.Sample, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.closed {
		return dst, fmt.Errorf("model: read: %w", fs.ErrClosed)
	}
	var err error
	now := time.Now()
	if m.stat != nil {
		var busy time.Duration
		var cpus int
		if busy, cpus, err = m.stat.Read(); err == nil {
			m.share += (busy - m.busy).Seconds() / float64(cpus)
			m.busy, m.cpus = busy, cpus
			// The kernel counts in hundredths of a second: in a shorter
			// interval no more is told than fits into it, the rest in the next.
			m.told += min(m.share-m.told, max(now.Sub(m.at).Seconds(), 0))
			m.at = now
		}
		m.err = err
	}
	elapsed := now.Sub(m.opened).Seconds()
	for i, l := range m.loads {
		s := meter.Sample{Domain: i, Time: now, Joules: l.IdleW*elapsed + (l.FullW-l.IdleW)*m.told}
		if l.FullW != l.IdleW {
			s.Condition = meter.ConditionOf(err)
		}
		dst = append(dst, s)
	}
	return dst, nil
}

// Busy tells how long the host's CPUs had been busy at the last Read, as
// host.Stat does, and how many were online, so that nobody has to read proc/stat
// a second time. The error is errors.ErrUnsupported if nothing that is modelled
// follows the load.
func (m *modelled) Busy() (busy time.Duration, cpus int, err error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.stat == nil {
		return 0, 0, errors.ErrUnsupported
	}
	return m.busy, m.cpus, m.err
}

// Close closes proc/stat.
func (m *modelled) Close() error {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.closed = true
	if m.stat == nil {
		return nil
	}
	return m.stat.Close()
}
