package perf

import (
	"encoding/binary"
	"errors"
	"io"
	"os"
	"syscall"
	"unsafe"
)

// attr is struct perf_event_attr as of its first version, which every kernel
// takes (include/uapi/linux/perf_event.h, PERF_ATTR_SIZE_VER0).
type attr struct {
	typ          uint32
	size         uint32
	config       uint64
	samplePeriod uint64
	sampleType   uint64
	readFormat   uint64 // 0: a read gives the count alone
	flags        uint64 // 0: it counts from the beginning, and everybody
	wakeup       uint32
	bpType       uint32
	bpAddr       uint64
}

// kernelEvent is an event by its file descriptor.
type kernelEvent struct {
	fd  int
	buf [8]byte
}

// openEvent opens an event that counts all that a CPU does (perf_event_open(2)).
func openEvent(pmuType uint32, config uint64, cpu int) (event, error) {
	const (
		everybody = ^uintptr(0) // pid -1
		noGroup   = ^uintptr(0) // -1
		closeExec = 1 << 3      // PERF_FLAG_FD_CLOEXEC
	)
	a := attr{typ: pmuType, size: uint32(unsafe.Sizeof(attr{})), config: config}
	for {
		fd, _, errno := syscall.Syscall6(syscall.SYS_PERF_EVENT_OPEN, uintptr(unsafe.Pointer(&a)), everybody, uintptr(cpu), noGroup, closeExec, 0)
		switch errno {
		case 0:
			return &kernelEvent{fd: int(fd)}, nil
		case syscall.EINTR:
			continue
		}
		return nil, os.NewSyscallError("perf_event_open", errno)
	}
}

var errShort = errors.New("the event is in no state to be read")

func (e *kernelEvent) Read() (uint64, error) {
	for {
		n, err := syscall.Read(e.fd, e.buf[:])
		switch {
		case errors.Is(err, syscall.EINTR):
			continue
		case err != nil:
			return 0, os.NewSyscallError("read", err)
		case n == 0:
			return 0, io.EOF // its CPU was taken out
		case n != len(e.buf):
			return 0, errShort
		}
		return binary.NativeEndian.Uint64(e.buf[:]), nil
	}
}

func (e *kernelEvent) Close() error {
	fd := e.fd
	if e.fd = -1; fd < 0 {
		return nil
	}
	return os.NewSyscallError("close", syscall.Close(fd))
}
