package tracertest

import (
	"fmt"
	"syscall"
	"time"
	"unsafe"
)

// The CPU clocks of clock_gettime(2).
const (
	clockProcess = 2
	clockThread  = 3
)

func processCPU() time.Duration { return cpuClock(clockProcess) }
func threadCPU() time.Duration  { return cpuClock(clockThread) }

func cpuClock(id uintptr) time.Duration {
	var ts syscall.Timespec
	_, _, errno := syscall.RawSyscall(syscall.SYS_CLOCK_GETTIME, id, uintptr(unsafe.Pointer(&ts)), 0)
	if errno != 0 {
		panic(fmt.Sprintf("tracertest: clock_gettime(%d): %v", id, errno))
	}
	return time.Duration(ts.Nano())
}
