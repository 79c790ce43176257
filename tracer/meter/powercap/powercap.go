// Package powercap meters CPU packages and their memory by the RAPL energy
// counters of Intel and AMD processors, as the Linux kernel shows them in
// sys/class/powercap.
//
// Which zones are counted is decided once, when the meter is opened, and told
// with a reason in its domains:
//
//   - Every package (every die, where a package has several) and the memory
//     beside it is counted. Memory is no part of its package, and memory of two
//     sockets is two domains, though the kernel calls both dram.
//   - Dies of one package that show one count, as those of AMD processors do,
//     are counted once: the others are mirrors.
//   - The cores and the graphics ("uncore") are part of their package.
//   - intel-rapl-mmio shows the same registers as intel-rapl another way. It is
//     read in its place only where that cannot be read.
//   - psys is the whole board, packages and memory included, where the maker
//     has wired it up: domain node0, within which the packages and the memory
//     then are. It is not to be added to them (package detect makes node0/rest
//     of it, what it is more than they). One that shows 0 is not wired up; of
//     several that count, none is believed.
//   - A zone that cannot be read is left out; it takes no other with it.
//
// Since Linux 5.10 the counters are for root only (CVE-2020-8694), virtual
// machines have none, and containers hide them: not to find any is the
// ordinary case. [Open] then returns an error, or a meter that counts nothing,
// either of which says what would mend it.
package powercap

import (
	"fmt"
	"io/fs"
	"sync"
	"time"

	"github.com/ecotracer/ecotracer/internal/host"
	"github.com/ecotracer/ecotracer/tracer/meter"
	"github.com/ecotracer/ecotracer/tracer/meter/internal/rapl"
)

// powercap is the open meter.
type powercap struct {
	domains []meter.Domain
	now     func() time.Time

	mu      sync.Mutex
	counted []counted
	closed  bool
}

// counted is a zone that is read.
type counted struct {
	domain  int // index into domains
	file    *host.File
	counter meter.Counter
}

// Open opens the zones below root. Where there is none that could be named, it
// returns a *meter.Missing; where no zone can be read, a meter whose domains
// are all left out.
func Open(root fs.FS) (meter.Meter, error) {
	zones, err := list(root)
	if err != nil {
		return nil, missing(root, err)
	}
	watch(zones)
	m := &powercap{domains: plan(zones), now: time.Now}
	rapl.Describe(m.domains, host.Read(root))
	for i := range m.domains {
		d, z := &m.domains[i], &zones[i]
		if d.LeftOut != "" {
			z.close()
			continue
		}
		c := counted{domain: i, file: z.file}
		c.counter = meter.Counter{RangeUJ: z.rangeUJ, MaxW: d.MaxW, Rest: rapl.Rest}
		c.counter.Add(z.rawUJ, z.at)
		m.counted = append(m.counted, c)
	}
	return m, nil
}

// Domains lists the zones in the kernel's order.
func (m *powercap) Domains() []meter.Domain { return m.domains }

// Read reads each counted zone.
func (m *powercap) Read(dst []meter.Sample) ([]meter.Sample, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.closed {
		return dst, fmt.Errorf("powercap: read: %w", fs.ErrClosed)
	}
	before := m.now()
	for i := range m.counted {
		c := &m.counted[i]
		raw, err := readCounter(c.file)
		after := m.now()
		s := meter.Sample{Domain: c.domain, Time: before.Add(after.Sub(before) / 2)}
		if err != nil {
			s.Condition = meter.ConditionOf(err)
		} else {
			s.Condition = c.counter.Add(raw, s.Time)
		}
		s.Joules = c.counter.Joules()
		dst = append(dst, s)
		before = after
	}
	return dst, nil
}

// Close closes the files.
func (m *powercap) Close() error {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.closed = true
	for i := range m.counted {
		_ = m.counted[i].file.Close() // it was only read
	}
	return nil
}
