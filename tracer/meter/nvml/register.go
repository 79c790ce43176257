package nvml

import (
	"io/fs"
	"sync/atomic"

	"github.com/ecotracer/ecotracer/tracer/meter"
)

// used is how runs meter GPUs.
var used atomic.Pointer[Config]

func init() {
	meter.Register("nvml", func(root fs.FS) (meter.Meter, error) {
		c := Config{}
		if u := used.Load(); u != nil {
			c = *u
		}
		c.Root = root
		return Open(c)
	})
}

// Use has runs that begin from now on meter the GPUs by c, in place of the zero
// Config. Root is not heeded: it is the run's. A program that traces another
// one calls it, with the processes of that one.
func Use(c Config) { used.Store(&c) }
