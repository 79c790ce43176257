package tracertest

import (
	"context"
	"runtime"
	"time"
)

// TrueCPU is the CPU time that the test's own process has really used, as a
// load. Times the watts of a busy CPU it makes a power plant that burns what
// the program burns:
//
//	Constant(10).Plus(TrueCPU().Times(25)) // 10 W idle, 25 W for each busy CPU
//
// It follows the kernel's clock of the process (CLOCK_PROCESS_CPUTIME_ID), so
// it has no meaning inside a testing/synctest bubble, whose hours cost no CPU
// time. It needs Linux and panics elsewhere.
func TrueCPU() Curve {
	return func(time.Duration) float64 { return processCPU().Seconds() }
}

// CPUOf runs f and tells the CPU time that the calling goroutine used for it,
// by the kernel's clock of its thread (CLOCK_THREAD_CPUTIME_ID): the truth
// that figures of a concurrent program are held against. Goroutines that f
// starts are not in it. It needs Linux and panics elsewhere.
func CPUOf(f func()) time.Duration {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	before := threadCPU()
	f()
	return threadCPU() - before
}

// Burn computes until the calling goroutine has used so much CPU time or ctx
// is done, and tells the CPU time that it really used, a little more than
// asked. Beside a plant driven by TrueCPU, its active joules are that time
// times the watts of a busy CPU. It needs Linux and panics elsewhere.
func Burn(ctx context.Context, cpu time.Duration) time.Duration {
	return CPUOf(func() {
		begin := threadCPU()
		x := uint64(begin) | 1
		for threadCPU()-begin < cpu && ctx.Err() == nil {
			for range 20_000 {
				x ^= x << 13
				x ^= x >> 7
				x ^= x << 17
			}
		}
		runtime.KeepAlive(x)
	})
}
