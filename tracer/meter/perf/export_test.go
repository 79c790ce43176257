package perf

import (
	"io/fs"
	"time"

	"github.com/ecotracer/ecotracer/tracer/meter"
)

// Event is an open event.
type Event = event

// OpenEvent opens an event of the kernel that runs here.
var OpenEvent = openEvent

// OpenWith opens the meter on the events of a simulated kernel.
func OpenWith(root fs.FS, openEvent func(pmuType uint32, config uint64, cpu int) (Event, error)) (meter.Meter, error) {
	return open(root, openEvent)
}

// SetClock makes an open meter go by another clock.
func SetClock(m meter.Meter, now func() time.Time) { m.(*perf).now = now }
