package prom

import (
	"math"
	"time"

	"github.com/ecotracer/ecotracer/tracer/meter"
)

const (
	// stale is how old a figure with a time may be; Prometheus itself takes
	// none that is older (its lookback of 5 minutes).
	stale = 5 * time.Minute

	// rest is how long a counter may stay as it is: what is switched on draws
	// power, so an exporter whose counters stand still is stuck itself.
	rest = 5 * time.Minute
)

// tracked is a domain that is counted.
type tracked struct {
	domain int
	rule   *rule
	uuid   string
	parts  map[string]int // slots by part
	now    []slot

	counter meter.Counter
	raw     uint64    // the last reading, µJ
	stamp   time.Time // the time that came with it, if any
	moved   time.Time // when it changed
	before  float64   // J of its first step that were used before the first reading
	steps   int       // that it changed
	longest time.Duration
	period  time.Duration
	update  time.Duration
	read    bool
	missed  bool // a reading failed since it moved

	power *oneGauge // nil for a counter
	watts meter.Meter
	buf   []meter.Sample
	last  time.Time // of the last sample
}

// slot is what one part of a domain said this time.
type slot struct {
	value float64 // J or W
	at    time.Time
	told  bool
}

func newTracked(domain int, c *candidate) *tracked {
	t := &tracked{domain: domain, rule: c.series[0].rule, uuid: c.series[0].place.uuid, parts: map[string]int{}, now: make([]slot, len(c.series))}
	for i, s := range c.series {
		t.parts[s.place.part] = i
	}
	return t
}

// begin makes ready what counts. The bound on the power is widened: an
// exporter may tell in one step what it gathered before the last reading.
func (t *tracked) begin(d meter.Domain, period time.Duration) {
	r := t.rule
	t.period, t.update = period, d.Update
	if r.power {
		t.power = &oneGauge{domain: d}
		t.watts = meter.Integrate(t.power)
		return
	}
	t.counter.MaxW = d.MaxW * (1 + d.Update.Seconds()/period.Seconds())
	if !r.wraps {
		// Nothing wraps: what falls began anew.
		t.counter.RangeUJ = math.MaxUint64
	}
}

// take notes a point. Of two of one part the greater is the newer.
func (t *tracked) take(part string, value float64, at time.Time) {
	i, ok := t.parts[part]
	if !ok {
		return
	}
	s := &t.now[i]
	if !s.told || value > s.value {
		*s = slot{value, at, true}
	}
}

// forget makes ready for the next reading.
func (t *tracked) forget() { clear(t.now) }

// joules are what was told so far.
func (t *tracked) joules() float64 {
	if t.power == nil {
		return t.counter.Joules() - t.before
	}
	if len(t.buf) == 0 {
		return 0
	}
	return t.buf[0].Joules
}

// sample is one with what was told so far. Its time never runs backwards.
func (t *tracked) sample(at time.Time, c meter.Condition) meter.Sample {
	if at.Before(t.last) {
		at = t.last
	}
	t.last = at
	t.missed = t.missed || c != meter.OK && c != meter.Stuck
	return meter.Sample{Domain: t.domain, Time: at, Joules: t.joules(), Condition: c}
}

// tell is the sample of what was noted, read at the given time. It is none
// where the counter did not move and that may well be because the exporter has
// not looked again: told as it is, it would say that no power was drawn until
// now, and too much with the next step.
func (t *tracked) tell(now time.Time) (meter.Sample, bool) {
	at := now
	var sum float64
	var stamp time.Time
	for _, s := range t.now {
		if !s.told {
			return t.sample(at, meter.Unplugged), true
		}
		if !believable(s.value) {
			return t.sample(at, meter.Unreadable), true
		}
		sum += s.value
		if stamp.IsZero() || !s.at.IsZero() && s.at.Before(stamp) {
			stamp = s.at
		}
	}
	if !believable(sum) {
		return t.sample(now, meter.Unreadable), true
	}
	if !stamp.IsZero() {
		age := max(now.Round(0).Sub(stamp), 0)
		if age > stale {
			return t.sample(now, meter.Unplugged), true
		}
		at = now.Add(-age)
	}
	if t.power != nil {
		t.power.now = meter.Power{Time: at, Watts: sum}
		t.buf, _ = t.watts.Read(t.buf[:0]) // it cannot fail
		return t.sample(at, t.buf[0].Condition), true
	}
	raw := uint64(math.Round(sum * 1e6))
	if t.read && raw == t.raw && stamp.Equal(t.stamp) {
		still := now.Sub(t.moved)
		switch {
		case still > rest:
			return t.sample(now, meter.Stuck), true
		case still <= max(t.update, t.longest)+t.period:
			return meter.Sample{}, false
		}
		return t.sample(now, meter.OK), true
	}
	condition := t.counter.Add(raw, at)
	if t.read {
		t.firstStep(now)
	}
	if t.read && !t.missed {
		t.longest = max(t.longest, min(now.Sub(t.moved), rest))
	}
	t.raw, t.stamp, t.moved, t.read, t.missed = raw, stamp, now, true, false
	return t.sample(at, condition), true
}

// firstStep sees to the first step of a counter that is brought up to date from
// time to time. It comes sooner after the first reading than the exporter takes
// for a step: the rest of it is of before that.
func (t *tracked) firstStep(now time.Time) {
	if t.steps++; t.steps > 1 || t.update <= 0 {
		return
	}
	if since := now.Sub(t.moved); since < t.update {
		t.before = t.counter.Joules() * (1 - since.Seconds()/t.update.Seconds())
	}
}

// oneGauge is the power of one domain, for meter.Integrate.
type oneGauge struct {
	domain meter.Domain
	now    meter.Power
}

func (g *oneGauge) Domains() []meter.Domain { return []meter.Domain{g.domain} }

func (g *oneGauge) Read(dst []meter.Power) ([]meter.Power, error) { return append(dst, g.now), nil }

func (g *oneGauge) Close() error { return nil }
