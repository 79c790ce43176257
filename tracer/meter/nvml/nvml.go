//go:build linux && (amd64 || arm64)

package nvml

import (
	"errors"
	"fmt"
	"io/fs"
	"sync"
	"time"

	"github.com/ecotracer/ecotracer/tracer/meter"
)

// The pace of reading: once a second, as powers that are a mean are the mean of
// one; more often where a GPU tells its power of the moment only.
const (
	period     = time.Second
	fastPeriod = 200 * time.Millisecond
	timeout    = time.Second
)

// nvidia is the open meter.
type nvidia struct {
	caller
	domains []meter.Domain
	gpus    []*gpu // those that are counted
	pids    func() []int
	list32  []uint32 // processes of a device, while they are looked at

	integrated meter.Meter // of the GPUs that tell power only; nil if there are none
	powers     *powers
	samples    []meter.Sample // of integrated
	period     time.Duration

	mu      sync.Mutex
	reading bool
	closed  bool
}

// source is what a GPU is counted by.
type source int

const (
	energyCounter source = iota
	powerAverage         // the field value
	powerUsage           // nvmlDeviceGetPowerUsage
)

// gpu is one that is counted.
type gpu struct {
	domain  int // index into domains
	index   int // the library's
	uuid    string
	handle  device
	by      source
	counter meter.Counter
	own     ownership
}

// Domains lists the GPUs in the driver's order.
func (m *nvidia) Domains() []meter.Domain { return m.domains }

// Period and Timeout make the meter one that is read in a goroutine of its
// own: a GPU that is in trouble can keep the library from answering.
func (m *nvidia) Period() time.Duration  { return m.period }
func (m *nvidia) Timeout() time.Duration { return timeout }

// Read reads each GPU that is counted.
func (m *nvidia) Read(dst []meter.Sample) ([]meter.Sample, error) {
	m.mu.Lock()
	if m.closed || m.reading {
		defer m.mu.Unlock()
		if m.closed {
			return dst, fmt.Errorf("nvml: read: %w", fs.ErrClosed)
		}
		return dst, errors.New("nvml: read: the last reading has not come back yet")
	}
	m.reading = true
	m.mu.Unlock()

	kept := len(dst)
	dst = m.read(dst)

	m.mu.Lock()
	defer m.mu.Unlock()
	m.reading = false
	if m.closed {
		m.giveBack()
		return dst[:kept], fmt.Errorf("nvml: read: %w", fs.ErrClosed)
	}
	return dst, nil
}

func (m *nvidia) read(dst []meter.Sample) []meter.Sample {
	for _, g := range m.gpus {
		if g.by != energyCounter {
			continue
		}
		mj, at, r := m.ask(g)
		s := meter.Sample{Domain: g.domain, Time: at, Condition: condition(r)}
		if r == success {
			s.Condition = g.add(mj, at)
		}
		s.Joules = g.counter.Joules()
		m.book(g, &s)
		dst = append(dst, s)
	}
	if m.integrated == nil {
		return dst
	}
	m.samples, _ = m.integrated.Read(m.samples[:0]) // powers never fails
	for _, s := range m.samples {
		g := m.powers.gpus[s.Domain]
		s.Domain = g.domain
		m.book(g, &s)
		dst = append(dst, s)
	}
	return dst
}

// add takes a reading of the energy counter.
func (g *gpu) add(mj uint64, at time.Time) meter.Condition {
	const most = 1 << 53 // mJ: a megawatt for 285 years; in µJ still a uint64
	return g.counter.Add(min(mj, most)*1000, at)
}

// ask asks for a GPU's energy in mJ, or its power in mW. One that was lost is
// looked for again.
func (m *nvidia) ask(g *gpu) (v uint64, at time.Time, r result) {
	v, at, r = m.askOnce(g)
	switch r {
	case uninitialized, invalidArgument, notFound, gpuNotFound, gpuIsLost, resetRequired, unknownError:
		if m.again(g, r) {
			v, at, r = m.askOnce(g)
		}
	}
	return v, at, r
}

func (m *nvidia) askOnce(g *gpu) (v uint64, at time.Time, r result) {
	before := time.Now()
	switch g.by {
	case energyCounter:
		v, r = m.energy(g.handle)
	case powerAverage:
		v, r = m.averagePower(g.handle, scopeGPU)
	case powerUsage:
		var mw uint32
		mw, r = m.number(fPower, g.handle)
		v = uint64(mw)
	}
	return v, before.Add(time.Since(before) / 2), r
}

// again finds a GPU anew, by its UUID: after a reset it has another handle, and
// after a reload of the driver the library has to be initialised first.
func (m *nvidia) again(g *gpu, r result) bool {
	if r == uninitialized && m.init() != success {
		return false
	}
	handle, r := m.byUUID(g.uuid)
	if r == functionNotFound {
		handle, r = m.byIndex(g.index)
		if uuid, _ := m.words(fUUID, handle); r == success && uuid != g.uuid {
			r = notFound
		}
	}
	if r != success {
		return false
	}
	g.handle = handle
	if g.own.how == byInstances {
		m.instancesAgain(g)
	}
	return true
}

// instancesAgain finds the MIG devices of a GPU anew.
func (m *nvidia) instancesAgain(g *gpu) {
	for i := range g.own.instances {
		in := &g.own.instances[i]
		if handle, r := m.byUUID(in.uuid); r == success {
			in.handle = handle
		}
	}
}

// condition is what a reading that failed is flagged with.
func condition(r result) meter.Condition {
	switch r {
	case success:
		return meter.OK
	case gpuIsLost, notFound, gpuNotFound, resetRequired:
		return meter.Unplugged
	case noPermission, operatingSystem:
		return meter.Denied
	}
	return meter.Unreadable
}

// Close gives the library back. While a reading hangs in it, that is done when
// it comes back.
func (m *nvidia) Close() error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if !m.closed && !m.reading {
		m.giveBack()
	}
	m.closed = true
	return nil
}

// giveBack ends the use of the library, and does not wait for one that hangs.
func (m *nvidia) giveBack() {
	done := make(chan struct{})
	go func() {
		defer close(done)
		m.shutdown()
	}()
	select {
	case <-done:
	case <-time.After(timeout):
	}
}

// powers is the Gauge of the GPUs that tell power only.
type powers struct {
	*nvidia
	domains []meter.Domain
	gpus    []*gpu
}

func (p *powers) Domains() []meter.Domain { return p.domains }

func (p *powers) Read(dst []meter.Power) ([]meter.Power, error) {
	for i, g := range p.gpus {
		mw, at, r := p.ask(g)
		dst = append(dst, meter.Power{Domain: i, Time: at, Watts: float64(mw) / 1e3, Condition: condition(r)})
	}
	return dst, nil
}

func (p *powers) Close() error { return nil }
