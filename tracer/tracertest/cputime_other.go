//go:build !linux

package tracertest

import (
	"runtime"
	"time"
)

func processCPU() time.Duration { return noClock() }
func threadCPU() time.Duration  { return noClock() }

func noClock() time.Duration {
	panic("tracertest: true CPU time needs Linux, this is " + runtime.GOOS)
}
