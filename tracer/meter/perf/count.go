package perf

import (
	"math"
	"time"

	"github.com/ecotracer/ecotracer/tracer/meter"
	"github.com/ecotracer/ecotracer/tracer/meter/internal/rapl"
)

// count makes joules of an event's counts.
type count struct {
	counter meter.Counter
	scaleUJ float64 // µJ a count

	last uint64 // µJ
	at   time.Time
	lost uint64 // µJ that were told and not believed
}

// newCount counts in steps of a scale. At RAPL's 2^-32 J a count the 64 bits of
// an event wrap after 4.3 GJ, half a year of 300 W.
func newCount(scaleUJ, maxW float64) count {
	return count{
		scaleUJ: scaleUJ,
		counter: meter.Counter{RangeUJ: uint64(math.Ldexp(scaleUJ, 64)) - 1, MaxW: maxW, Rest: rapl.Rest},
	}
}

// add takes the counts of time t. A counter that begins anew in a suspend has
// wrapped to the kernel, which adds up to 262 kJ that nobody used: what it tells
// after a suspend beyond what can have been used awake is left out.
func (c *count) add(counts uint64, t time.Time) meter.Condition {
	uj := min(uint64(float64(counts)*c.scaleUJ), c.counter.RangeUJ)
	asleep := false
	if !c.at.IsZero() && uj > c.last {
		awake := t.Sub(c.at)
		slept := t.Round(0).Sub(c.at.Round(0)) - awake
		most := c.counter.MaxW * (awake.Seconds() + slack) * 1e6
		if slept > time.Second && float64(uj-c.last) > most {
			c.lost, asleep = c.lost+uj-c.last, true
		}
	}
	c.last, c.at = uj, t
	believed := uj - c.lost
	if uj < c.lost { // the event has wrapped since
		believed += c.counter.RangeUJ + 1
	}
	condition := c.counter.Add(believed, t)
	if asleep && condition == meter.OK {
		return meter.Gap
	}
	return condition
}

// slack is added to the time awake: the kernel looks at the counters, and they
// move, once in a while.
const slack = 0.2 // s
