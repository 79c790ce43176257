//go:build !linux || !(amd64 || arm64)

package nvml

import (
	"runtime"

	"github.com/ecotracer/ecotracer/tracer/meter"
)

// Open tells that NVIDIA GPUs are not metered on this platform.
func Open(Config) (meter.Meter, error) {
	return nil, &meter.Missing{
		What: "nvml",
		Why:  "NVIDIA GPUs are metered on Linux on amd64 and arm64, and this is " + runtime.GOOS + "/" + runtime.GOARCH,
	}
}
