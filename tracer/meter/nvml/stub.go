//go:build !linux || !(amd64 || arm64)

package nvml

import (
	"runtime"

	"github.com/ecotracer/ecotracer/tracer/meter"
)

// Open tells that NVIDIA GPUs are not metered on this platform.
func Open(Config) (meter.Meter, error) {
	return nil, missingPlatform(runtime.GOOS + "/" + runtime.GOARCH)
}
