package meter_test

import (
	"fmt"
	"time"

	"github.com/ecotracer/ecotracer/tracer/meter"
)

// A counter of 32 bits of 61 µJ begins anew every 262 kJ. Read often enough,
// it loses nothing.
func ExampleCounter() {
	c := meter.Counter{RangeUJ: 262_143_328_850, MaxW: 1000}
	now := time.Now()
	for _, raw := range []uint64{262_100_000_000, 262_140_000_000, 36_671_149} {
		c.Add(raw, now)
		fmt.Printf("%.0f J\n", c.Joules())
		now = now.Add(time.Second)
	}

	now = now.Add(time.Hour) // it may have wrapped any number of times
	condition := c.Add(100_036_671_149, now)
	fmt.Printf("at least %.0f J: %s\n", c.Joules(), condition)
	// Output:
	// 0 J
	// 40 J
	// 80 J
	// at least 100080 J: counter-gap
}
