//go:build unix && !linux

package tracer

import (
	"syscall"
	"time"
)

// processCPUTime is the user and system time of this process.
func processCPUTime() time.Duration {
	var ru syscall.Rusage
	if syscall.Getrusage(syscall.RUSAGE_SELF, &ru) != nil {
		return 0
	}
	return time.Duration(ru.Utime.Nano() + ru.Stime.Nano())
}

// suspended is not told here.
func suspended() time.Duration { return 0 }

func realUnix() int64 {
	var tv syscall.Timeval
	if syscall.Gettimeofday(&tv) != nil {
		return time.Now().Unix()
	}
	sec, _ := tv.Unix()
	return sec
}
