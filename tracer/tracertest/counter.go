package tracertest

import (
	"math"
	"strconv"
	"time"
)

// counter is an energy_uj file: microjoules that wrap.
type counter struct {
	power Curve
	size  uint64 // values before it wraps: its greatest value and one more
	first uint64 // what it showed at first, µJ
	shift uint64 // added by faults, modulo size
}

func newCounter(power Curve, rangeUJ, startUJ uint64) *counter {
	size := rangeUJ + 1
	return &counter{power: power.fromNow(), size: size, first: startUJ % size}
}

// joules is what was truly used.
func (c *counter) joules(t time.Duration) float64 { return c.power(t) }

// microjoules is what the counter shows.
func (c *counter) microjoules(t time.Duration) uint64 {
	// The thousandth keeps an exact integral, which floats may show as a
	// little less than it is, from losing a whole microjoule.
	used := uint64(math.Floor(max(0, c.joules(t))*1e6 + 1e-3))
	return (c.first + c.shift + used%c.size) % c.size
}

// set makes the counter show a value now and go on from there.
func (c *counter) set(t time.Duration, uj uint64) {
	now := c.microjoules(t)
	c.shift = (c.shift + c.size - now + uj%c.size) % c.size
}

func (c *counter) append(buf []byte, t time.Duration) []byte {
	return append(strconv.AppendUint(buf, c.microjoules(t), 10), '\n')
}
