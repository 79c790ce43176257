// Package perf meters CPU packages and their memory by the RAPL energy counters
// of Intel and AMD processors, as the Linux kernel shows them in events of the
// PMU "power" (perf_event_open).
//
// The counters are those of package powercap, read another way: here the kernel
// follows them itself and makes 64 bits of their 32, so that no wrap is lost
// however seldom they are read. It takes CAP_PERFMON (Linux 5.8 or later), root,
// or a kernel.perf_event_paranoid below 1, but no right to any file. Where both
// ways are open this one is to be preferred, and only one of them counted.
//
// An event counts on one CPU of each package or die, those of the PMU's cpumask.
// Which are counted is decided once, when the meter is opened, and told with a
// reason in its domains, which have the IDs that powercap gives them:
//
//   - Every package or die, and its memory, is counted. Cores and graphics are
//     parts of their package.
//   - Dies of one package are one where powercap found their counters to be
//     mirrors of one another or, where it could not look, on AMD and Hygon
//     processors: their register is the socket's, and since Linux 6.12 they have
//     one event a package (commit 8d72eba1cf8c).
//   - psys is the whole board, domain node0, within which the others then are.
//     It is counted where powercap counts it or, where it could not look, on
//     hosts with one package.
//
// What only one of the two ways shows is told: by the reason of a domain that
// powercap does not show, and by a domain that is left out for what only
// powercap does.
package perf

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"sync"
	"time"

	"github.com/ecotracer/ecotracer/internal/host"
	"github.com/ecotracer/ecotracer/tracer/meter"
	"github.com/ecotracer/ecotracer/tracer/meter/internal/rapl"
	"github.com/ecotracer/ecotracer/tracer/meter/powercap"
)

// perf is the open meter.
type perf struct {
	domains []meter.Domain
	now     func() time.Time

	mu      sync.Mutex
	counted []counted
	closed  bool
}

// counted is a domain that is read.
type counted struct {
	domain int // index into domains
	event  event
	count
}

// event is an open event of the kernel.
type event interface {
	Read() (uint64, error) // counts since it was opened
	Close() error
}

// opener opens the event of a CPU: openEvent, but in tests.
type opener func(pmuType uint32, config uint64, cpu int) (event, error)

// Open opens the events that the files below root show. The events are those of
// the kernel that the program runs on, so root must be of this host, wherever
// it is mounted. The error is a *meter.Missing where there is no PMU "power" or
// no event of it may be opened: that is the ordinary case.
func Open(root fs.FS) (meter.Meter, error) {
	id := host.BootID(root)
	if id == "" || id != host.BootID(os.DirFS("/")) {
		return nil, &meter.Missing{What: what, Why: "only the kernel that runs here opens events, and these are the files of another host", Err: fs.ErrNotExist}
	}
	return open(root, openEvent)
}

// what is missing where none can be opened.
const what = "rapl (perf)"

func open(root fs.FS, openEvent opener) (meter.Meter, error) {
	p, err := readPMU(root)
	if err != nil {
		return nil, &meter.Missing{What: what, Why: "no PMU of energy counters can be read: " + err.Error(), Err: err}
	}
	facts := host.Read(root)
	zones := zonesOf(root)
	plans := plan(p, facts.CPU.Vendor, zones)
	m := &perf{now: time.Now}
	var failed error
	for i := range plans {
		d := &plans[i].Domain
		if d.LeftOut != "" {
			continue
		}
		c := counted{domain: i, count: newCount(plans[i].scaleUJ, d.MaxW)}
		if c.event, err = openEvent(p.typ, plans[i].config, plans[i].cpu); err == nil {
			_, err = c.read(m.now)
		}
		if err != nil {
			failed = errors.Join(failed, err)
			unreadable(d, err)
			c.close()
			continue
		}
		m.counted = append(m.counted, c)
	}
	if len(m.counted) == 0 {
		return nil, refused(failed)
	}
	for _, p := range plans {
		m.domains = append(m.domains, p.Domain)
	}
	relate(m.domains)
	m.domains = compare(m.domains, zones)
	rapl.Describe(m.domains, facts)
	return m, nil
}

// zonesOf are the domains of powercap, to check by; none where it shows none.
func zonesOf(root fs.FS) []meter.Domain {
	m, err := powercap.Open(root)
	if err != nil {
		return nil
	}
	defer m.Close()
	return m.Domains()
}

// permit is what mends a refusal, for people.
const permit = "give the program CAP_PERFMON (Linux 5.8 or later), run it as root or, as root, sysctl kernel.perf_event_paranoid=0"

// refused says why no event could be opened.
func refused(err error) error {
	m := &meter.Missing{What: what, Why: "the PMU shows no event of a package", Err: err}
	switch {
	case errors.Is(err, fs.ErrPermission):
		m.Why, m.Fix = "the kernel does not let this program open the events of energy counters", permit
	case err != nil:
		m.Why = "no event of an energy counter can be opened: " + err.Error()
	default:
		m.Err = fs.ErrNotExist
	}
	return m
}

func unreadable(d *meter.Domain, err error) {
	d.LeftOut, d.Why = "unreadable", "its event cannot be opened: "+err.Error()
	if errors.Is(err, fs.ErrPermission) {
		d.Fix = permit
	}
}

// Domains lists the events by what they count, then by package and die.
func (m *perf) Domains() []meter.Domain { return m.domains }

// Read reads each counted event.
func (m *perf) Read(dst []meter.Sample) ([]meter.Sample, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.closed {
		return dst, fmt.Errorf("perf: read: %w", fs.ErrClosed)
	}
	for i := range m.counted {
		c := &m.counted[i]
		s, err := c.read(m.now)
		if err != nil {
			s.Condition = meter.ConditionOf(err)
		}
		s.Domain, s.Joules = c.domain, c.counter.Joules()
		dst = append(dst, s)
	}
	return dst, nil
}

// read reads the event and counts what it tells, half way between the times
// before and after.
func (c *counted) read(now func() time.Time) (s meter.Sample, err error) {
	before := now()
	raw, err := c.event.Read()
	s.Time = before.Add(now().Sub(before) / 2)
	if err == nil {
		s.Condition = c.add(raw, s.Time)
	}
	return s, err
}

func (c *counted) close() {
	if c.event != nil {
		_ = c.event.Close() // it was only read
		c.event = nil
	}
}

// Close closes the events.
func (m *perf) Close() error {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.closed = true
	for i := range m.counted {
		m.counted[i].close()
	}
	m.counted = nil
	return nil
}
