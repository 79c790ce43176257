package main

import (
	"bytes"
	"errors"
	"os"
	"strconv"
	"time"

	"golang.org/x/sys/unix"
)

// kernel is the processes of this host.
//
// A process's own time comes from its CPU clock (clock_getcpuclockid(3)): in
// nanoseconds, one system call, with the threads that have ended. The files
// are coarser: stat tells whole ticks of 10 ms, and schedstat knows live
// threads only.
type kernel struct{}

// tick is the unit of times in stat: USER_HZ is 100 wherever Go runs.
const tick = 10 * time.Millisecond

func (kernel) list() []int {
	dir, err := os.Open("/proc")
	if err != nil {
		return nil
	}
	defer dir.Close()
	names, _ := dir.Readdirnames(-1)
	pids := make([]int, 0, len(names))
	for _, name := range names {
		if pid, err := strconv.Atoi(name); err == nil {
			pids = append(pids, pid)
		}
	}
	return pids
}

func (kernel) status(pid int) (parent int, m member, ok bool) {
	file, err := unix.Open("/proc/"+strconv.Itoa(pid)+"/stat", unix.O_RDONLY|unix.O_CLOEXEC, 0)
	if err != nil {
		return 0, member{}, false
	}
	defer unix.Close(file)
	var line [1024]byte // 52 numbers and a name
	n, err := unix.Read(file, line[:])
	if err != nil {
		return 0, member{}, false
	}
	return parseStat(line[:n])
}

func (k kernel) clock(pid int) (time.Duration, bool) {
	var ts unix.Timespec
	err := unix.ClockGettime(int32(^pid)<<3|2, &ts) // CPUCLOCK_SCHED of the process
	switch {
	case err == nil:
		return time.Duration(ts.Nano()), true
	case errors.Is(err, unix.EINVAL), errors.Is(err, unix.ESRCH):
		return 0, false // it is gone
	}
	_, m, ok := k.status(pid) // the call itself is refused
	return m.own, ok
}

// parseStat reads a line of /proc/PID/stat (proc_pid_stat(5)). The name in
// parentheses may hold anything, parentheses too.
func parseStat(line []byte) (parent int, m member, ok bool) {
	end := bytes.LastIndexByte(line, ')')
	if end < 0 {
		return 0, member{}, false
	}
	const first = 3 // number of the field behind the name
	fields := bytes.Fields(line[end+1:])
	if len(fields) <= 22-first {
		return 0, member{}, false
	}
	ok = true
	number := func(field int) uint64 {
		n, err := strconv.ParseUint(string(fields[field-first]), 10, 63)
		ok = ok && err == nil
		return n
	}
	signed := func(field int) time.Duration { // cutime and cstime are signed
		n, err := strconv.ParseInt(string(fields[field-first]), 10, 48)
		ok = ok && err == nil
		return time.Duration(max(n, 0)) * tick
	}
	parent = int(number(4))
	m = member{start: number(22), own: signed(14) + signed(15), children: signed(16) + signed(17)}
	return parent, m, ok
}
