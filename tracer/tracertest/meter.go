package tracertest

import (
	"fmt"
	"io/fs"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/ecotracer/ecotracer/lifecycle"
	"github.com/ecotracer/ecotracer/tracer/meter"
)

// Domain is a domain of a simulated Meter: what the meter says of it, and the
// power that it draws.
type Domain struct {
	meter.Domain
	Power Curve
	Own   Curve // what this process uses of it; default: the meter does not tell
}

// Meter is a simulated meter.Meter. It tells the exact integral of the power
// of its domains since it was made, at the time of reading, inside and outside
// of testing/synctest, and does as badly as a test asks for. It allocates
// nothing per Read. All methods may be called from several goroutines at once.
type Meter struct {
	start   time.Time
	domains []meter.Domain
	power   []Curve
	own     []Curve // nil where it does not tell

	mu     sync.Mutex
	state  []state
	broken error
	closed bool
	done   chan struct{} // closed by Close
}

// state is what is wrong with one domain.
type state struct {
	condition meter.Condition
	silent    bool    // told in no Sample
	joules    float64 // told in place of the truth, if instead
	instead   bool
	stuck     bool
	shift     float64 // added to the truth, J
}

// NewMeter makes a simulated meter. A domain needs no more than an ID and a
// Power (none is 0 W): by default its kind and device number follow from the
// ID (cpu0, dram0, gpu0, node0), its method is counter, its sensor and mode
// "simulated", and its idle power unknown. Inside testing/synctest, make it
// inside the bubble. It panics if a domain has no ID.
func NewMeter(domains ...Domain) *Meter {
	m := &Meter{start: time.Now(), state: make([]state, len(domains)), done: make(chan struct{})}
	for _, d := range domains {
		power := d.Power
		if power == nil {
			power = Constant(0)
		}
		d.Owned = d.Own != nil
		m.domains = append(m.domains, withDefaults(d.Domain))
		m.power = append(m.power, power.fromNow())
		if d.Own != nil {
			d.Own = d.Own.fromNow()
		}
		m.own = append(m.own, d.Own)
	}
	return m
}

func withDefaults(d meter.Domain) meter.Domain {
	if d.ID == "" {
		panic("tracertest: a Domain of a simulated Meter needs an ID, such as gpu0")
	}
	kind, number := d.ID, 0
	if i := strings.IndexAny(d.ID, "0123456789"); i >= 0 {
		kind = d.ID[:i]
		_, _ = fmt.Sscanf(d.ID[i:], "%d", &number) // stays 0 if it is no number
	}
	if d.Kind == "" {
		d.Kind = lifecycle.KindOther
		switch kind {
		case "cpu", "gpu", "node":
			d.Kind = lifecycle.HardwareKind(kind)
		case "dram":
			d.Kind = lifecycle.KindMemory
		}
	}
	if d.Device == 0 {
		d.Device = number
	}
	for _, s := range []struct {
		field *string
		value string
	}{{&d.Name, d.ID}, {&d.Sensor, "simulated"}, {&d.Mode, "simulated"}, {&d.IdleFound, "unknown"}} {
		if *s.field == "" {
			*s.field = s.value
		}
	}
	if d.Method == "" {
		d.Method = lifecycle.Counter
	}
	return d
}

// GPUs is a simulated meter of the GPUs of this host: domains gpu0, gpu1 and so
// on. Each call makes a new one, which begins at 0 J.
func (h *Host) GPUs() *Meter {
	began := time.Since(h.start)
	var domains []Domain
	for i, power := range h.config.GPUs {
		domains = append(domains, Domain{
			Domain: meter.Domain{ID: fmt.Sprintf("gpu%d", i)},
			Power:  func(t time.Duration) float64 { return power(began + t) },
		})
	}
	return NewMeter(domains...)
}

// Domains lists the domains. The caller must not change them.
func (m *Meter) Domains() []meter.Domain { return m.domains }

// Read appends a Sample of every domain that is counted. After Close it fails
// with fs.ErrClosed.
func (m *Meter) Read(dst []meter.Sample) ([]meter.Sample, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.closed {
		return dst, fmt.Errorf("tracertest: read simulated meter: %w", fs.ErrClosed)
	}
	if m.broken != nil {
		return dst, m.broken
	}
	now := time.Now()
	for i := range m.domains {
		s := &m.state[i]
		if m.domains[i].LeftOut != "" || s.silent {
			continue
		}
		joules := m.joules(i, now) + s.shift
		if s.instead || s.stuck {
			joules = s.joules
		}
		sample := meter.Sample{Domain: i, Time: now, Joules: joules, Condition: s.condition}
		if m.own[i] != nil {
			sample.OwnJ = m.own[i](now.Sub(m.start))
		}
		dst = append(dst, sample)
	}
	return dst, nil
}

// joules is what a domain has truly used.
func (m *Meter) joules(i int, now time.Time) float64 {
	return m.power[i](now.Sub(m.start))
}

// Joules is what a domain has truly used since the meter was made, whatever
// the meter says.
func (m *Meter) Joules(id string) float64 { return m.joules(m.index(id), time.Now()) }

// Close closes the meter; more than once does no harm.
func (m *Meter) Close() error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if !m.closed {
		m.closed = true
		close(m.done)
	}
	return nil
}

// Closed tells whether Close was called.
func (m *Meter) Closed() bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.closed
}

func (m *Meter) index(id string) int {
	i := slices.IndexFunc(m.domains, func(d meter.Domain) bool { return d.ID == id })
	if i < 0 {
		panic(fmt.Sprintf("tracertest: the simulated meter has no domain %q", id))
	}
	return i
}

func (m *Meter) change(id string, f func(i int, s *state)) {
	i := m.index(id)
	m.mu.Lock()
	defer m.mu.Unlock()
	f(i, &m.state[i])
}

// Flag makes the samples of a domain carry a condition from now on.
func (m *Meter) Flag(id string, c meter.Condition) {
	m.change(id, func(_ int, s *state) { s.condition = c })
}

// Silence makes the meter tell nothing of a domain from now on.
func (m *Meter) Silence(id string) {
	m.change(id, func(_ int, s *state) { s.silent = true })
}

// Say makes a domain say so many joules from now on: NaN, infinity, or a lie.
func (m *Meter) Say(id string, joules float64) {
	m.change(id, func(_ int, s *state) { s.joules, s.instead = joules, true })
}

// Stick makes a domain say for ever what it says now.
func (m *Meter) Stick(id string) {
	now := time.Now()
	m.change(id, func(i int, s *state) { s.joules, s.stuck = m.joules(i, now)+s.shift, true })
}

// Jump moves what a domain says by so many joules that were never used; a
// negative number makes it run backwards once.
func (m *Meter) Jump(id string, joules float64) {
	m.change(id, func(_ int, s *state) { s.shift += joules })
}

// Break makes every Read fail from now on; nil mends it.
func (m *Meter) Break(err error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.broken = err
}

// Heal undoes what was done to a domain, but for Jump.
func (m *Meter) Heal(id string) {
	m.change(id, func(_ int, s *state) { *s = state{shift: s.shift} })
}

// Slow is a Meter that takes its time: it is a meter.Pacer, and its Read
// blocks. Set its fields before it is used.
type Slow struct {
	*Meter
	Every   time.Duration // what Period says
	Limit   time.Duration // what Timeout says
	Latency time.Duration // how long a Read takes; it ends early when the meter is closed
}

// Period is how often the meter wants to be read.
func (s *Slow) Period() time.Duration { return s.Every }

// Timeout is how long a Read may take.
func (s *Slow) Timeout() time.Duration { return s.Limit }

// Read waits, then reads.
func (s *Slow) Read(dst []meter.Sample) ([]meter.Sample, error) {
	wait := time.NewTimer(s.Latency)
	defer wait.Stop()
	select {
	case <-wait.C:
	case <-s.done:
	}
	return s.Meter.Read(dst)
}

var (
	_ meter.Meter = (*Meter)(nil)
	_ meter.Pacer = (*Slow)(nil)
)
