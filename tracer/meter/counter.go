package meter

import (
	"math"
	"time"
)

// Counter makes cumulative energy of the raw readings of one hardware counter.
// It is arithmetic only: it reads no file and no clock. Set RangeUJ, MaxW and
// Rest before the first reading; a Counter is not safe for concurrent use.
//
// Microjoules are added up as integers, so nothing drifts: 2^64 µJ are 5.1 GWh.
// The total never falls. What cannot be told is left out of it: after any
// condition but OK and Stuck it is a lower bound.
type Counter struct {
	RangeUJ uint64        // the greatest raw reading, after which comes 0, µJ; 0 if unknown
	MaxW    float64       // greatest plausible power, W; 0 if unknown: then every fall is believed to be a wrap
	Rest    time.Duration // how long the reading may stay as it is; 0 is for ever

	total  uint64 // µJ
	last   reading
	before reading   // the reading and the total before a doubtful one
	was    uint64    // the total then
	moved  time.Time // when the reading last changed
}

type reading struct {
	uj uint64
	at time.Time // zero: there is none
}

// updateSlack is added to every interval, as counters move once in a while (1 ms
// for RAPL, up to 100 ms for NVML) and so carry energy from before it.
const updateSlack = 0.2 // s

// Add takes the raw reading, in µJ, of time t, and tells what is wrong with it.
// The first reading is the zero; each other one adds what was used since the
// last. Readings come in the order of time. With "most" for MaxW times the time
// since the last reading, the rules are:
//
//   - It rose by at most most: that was used.
//   - It fell, and one wrap makes at most most: that was used. But if the host
//     was suspended meanwhile and one wrap makes more than can have been used
//     awake, it may as well have begun anew, as many do: what it shows is added,
//     which is less than either. Reset.
//   - In both cases, if one wrap more would make at most most too, the number
//     of wraps is unknown. The least is added: Gap.
//   - It fell and is itself at most most: it began anew. What it shows was used
//     since, what came before that is lost: Reset.
//   - It fell otherwise (Backwards), or rose by more than most (Unreadable):
//     nothing is added, and the next step is counted from here.
//   - It fell, and RangeUJ is unknown or less than the last reading. What it
//     shows is added if it is at most most: NoRange.
//
// After a reset, a fall or too great a rise, the next reading may show that the
// sensor was misread once: if it follows from the reading before, the step is
// counted from there.
func (c *Counter) Add(rawUJ uint64, t time.Time) Condition {
	now := reading{rawUJ, t}
	if c.last.at.IsZero() {
		c.last, c.moved = now, t
		return OK
	}
	if rise := rawUJ - c.before.uj; !c.before.at.IsZero() && rawUJ >= c.before.uj && float64(rise) <= c.most(c.before, t) {
		c.total = max(c.total, c.was+rise)
		c.last, c.before, c.moved = now, reading{}, t
		return OK
	}

	step, condition := c.step(now)
	switch condition {
	case Reset, Backwards, Unreadable, NoRange:
		c.before, c.was = c.last, c.total
	default:
		c.before = reading{}
	}
	if rawUJ != c.last.uj {
		c.moved = t
	} else if condition == OK && c.Rest > 0 && t.Sub(c.moved) > c.Rest {
		condition = Stuck
	}
	c.total += min(step, math.MaxUint64-c.total)
	c.last = now
	return condition
}

// Joules is what was used since the first reading, in J.
func (c *Counter) Joules() float64 { return float64(c.total) / 1e6 }

// step tells how many µJ a reading adds.
func (c *Counter) step(now reading) (uint64, Condition) {
	most := c.most(c.last, now.at)
	if now.uj >= c.last.uj {
		rise := now.uj - c.last.uj
		if float64(rise) > most {
			return 0, Unreadable
		}
		return rise, c.onceMore(rise, most)
	}
	if c.RangeUJ < c.last.uj { // also if it is unknown
		if c.MaxW > 0 && float64(now.uj) <= most {
			return now.uj, NoRange
		}
		return 0, NoRange
	}
	wrapped := c.RangeUJ - c.last.uj + now.uj + 1
	switch {
	case c.asleep(now.at) && float64(wrapped) > c.awake(now.at) && float64(now.uj) <= most:
		return now.uj, Reset
	case float64(wrapped) <= most:
		return wrapped, c.onceMore(wrapped, most)
	case float64(now.uj) <= most:
		return now.uj, Reset
	}
	return 0, Backwards
}

// onceMore is Gap if the counter may have wrapped once more than step tells.
func (c *Counter) onceMore(step uint64, most float64) Condition {
	if c.RangeUJ > 0 && c.MaxW > 0 && float64(step)+float64(c.RangeUJ) <= most {
		return Gap
	}
	return OK
}

// most is the most energy, in µJ, that can have been used since a reading. The
// time is the longer of what the monotonic and the wall clock tell: while a
// host is suspended only the second goes on, and so may the counter.
func (c *Counter) most(since reading, t time.Time) float64 {
	return c.within(max(t.Sub(since.at), wall(since.at, t)))
}

// awake is the most energy, in µJ, that can have been used since the last
// reading while the host was not suspended.
func (c *Counter) awake(t time.Time) float64 { return c.within(t.Sub(c.last.at)) }

// asleep tells whether the host was suspended since the last reading: the wall
// clock went on without the monotonic one. (Setting the clock looks the same.)
func (c *Counter) asleep(t time.Time) bool { return wall(c.last.at, t)-t.Sub(c.last.at) > time.Second }

// within is the most energy, in µJ, that can be used in a time.
func (c *Counter) within(d time.Duration) float64 {
	if c.MaxW <= 0 {
		return math.Inf(1)
	}
	return c.MaxW * (max(d, 0).Seconds() + updateSlack) * 1e6
}

// wall is the time between two readings by the wall clock.
func wall(from, to time.Time) time.Duration { return to.Round(0).Sub(from.Round(0)) }
