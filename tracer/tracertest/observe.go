package tracertest

import (
	"errors"
	"fmt"
	"runtime"
	"time"

	"github.com/ecotracer/ecotracer/tracer/meter"
)

// readings is how many a rule looks at.
const readings = 6

// reading is what one Read told, and when it was called and came back.
type reading struct {
	samples       []meter.Sample
	before, after time.Time
}

// observe opens a meter, reads it several times and closes it.
func observe(open openMeter) (domains []meter.Domain, opened time.Time, all []reading, err error) {
	opened = time.Now()
	m, err := open()
	if err != nil {
		return nil, opened, nil, fmt.Errorf("open: %w", err)
	}
	defer func() { err = errors.Join(err, m.Close()) }()
	domains = m.Domains()
	for i := range readings {
		if i > 0 {
			rest(m, readings-i)
		}
		r := reading{before: time.Now()}
		r.samples, err = m.Read(nil)
		r.after = time.Now()
		if err != nil {
			return domains, opened, all, fmt.Errorf("Read number %d: %w", i+1, err)
		}
		all = append(all, r)
	}
	return domains, opened, all, nil
}

// longestWait is the longest that a counter is given to move, in real time.
const longestWait = 20 * time.Millisecond

// rest waits until the counters of a meter have moved so many times. Observe
// waits less each time: a meter that tells what was used since its last
// reading then seems to fall.
func rest(m meter.Meter, moves int) {
	wait := time.Millisecond
	for _, d := range m.Domains() {
		wait = max(wait, d.Update)
	}
	if p, ok := m.(meter.Pacer); ok {
		wait = max(wait, p.Period())
	}
	if monotonic(time.Now()) { // not in a bubble, where waiting is free
		wait = min(wait, longestWait)
	}
	time.Sleep(time.Duration(moves) * wait)
}

// with opens a meter for a check and closes it.
func with(open openMeter, check func(m meter.Meter) error) error {
	m, err := open()
	if err != nil {
		return fmt.Errorf("open: %w", err)
	}
	return errors.Join(check(m), m.Close())
}

// monotonic tells whether a time holds a reading of the monotonic clock, which
// Round drops. In a testing/synctest bubble none does.
func monotonic(t time.Time) bool { return t != t.Round(0) }

// mallocs is how often the process allocates during one call of f.
func mallocs(times int, f func()) float64 {
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	for range times {
		f()
	}
	runtime.ReadMemStats(&after)
	return float64(after.Mallocs-before.Mallocs) / float64(times)
}
