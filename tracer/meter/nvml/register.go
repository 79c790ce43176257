package nvml

import (
	"io/fs"

	"github.com/ecotracer/ecotracer/tracer/meter"
)

func init() {
	meter.Register("nvml", func(root fs.FS) (meter.Meter, error) { return Open(Config{Root: root}) })
}
