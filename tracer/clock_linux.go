package tracer

import (
	"syscall"
	"time"
	"unsafe"
)

const (
	clockProcessCPUTime = 2 // CLOCK_PROCESS_CPUTIME_ID
	clockMonotonic      = 1 // CLOCK_MONOTONIC: stands still in suspend
	clockBoottime       = 7 // CLOCK_BOOTTIME: does not
)

func clockGettime(id uintptr) time.Duration {
	var ts syscall.Timespec
	if _, _, errno := syscall.RawSyscall(syscall.SYS_CLOCK_GETTIME, id, uintptr(unsafe.Pointer(&ts)), 0); errno != 0 {
		return 0
	}
	return time.Duration(ts.Nano())
}

// processCPUTime is the user and system time of this process, to the
// nanosecond where /proc tells jiffies.
func processCPUTime() time.Duration { return clockGettime(clockProcessCPUTime) }

// suspended is the time that the machine has slept since it booted.
func suspended() time.Duration { return clockGettime(clockBoottime) - clockGettime(clockMonotonic) }

func realUnix() int64 {
	var tv syscall.Timeval
	if syscall.Gettimeofday(&tv) != nil {
		return time.Now().Unix()
	}
	sec, _ := tv.Unix()
	return sec
}
