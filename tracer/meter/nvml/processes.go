//go:build linux && (amd64 || arm64)

package nvml

import (
	"encoding/binary"
	"slices"
	"unsafe"
)

// mostListed bounds what is believed of a list's length.
const mostListed = 4096

// fill has the library write a list of entries of that size: f is called with
// the device, a pointer to the number of entries that there is room for and a
// pointer to the room, in the order in which the library takes them.
func (c *caller) fill(size int, ask func(c *caller, room unsafe.Pointer) result) ([]byte, result) {
	for tries := 0; ; tries++ {
		c.u32 = uint32(len(c.list) / longProcessInfo)
		room := c.u32
		r := ask(c, unsafe.Pointer(&c.list[0]))
		switch {
		case r == success && c.u32 <= room:
			return c.list[:int(c.u32)*size], success
		case r == success:
			return nil, unknownError // more than it was given room for
		case r != insufficientSize || tries > 2:
			return nil, r
		}
		c.list = make([]byte, longProcessInfo*(min(max(c.u32, room), mostListed)+8))
	}
}

// running adds the IDs of the processes that hold a context of one kind on a
// device to those in pids, each once.
func (c *caller) running(f function, d device, pids []uint32) ([]uint32, result) {
	size := processInfoSize
	if c.long && c.third[f] {
		size = longProcessInfo
	}
	c.args[0] = uintptr(d)
	c.asked = f
	list, r := c.fill(size, askRunning)
	for ; len(list) >= size; list = list[size:] {
		if pid := binary.NativeEndian.Uint32(list); pid != 0 && !slices.Contains(pids, pid) {
			pids = append(pids, pid)
		}
	}
	return pids, r
}

func askRunning(c *caller, room unsafe.Pointer) result {
	c.args[1], c.args[2] = uintptr(unsafe.Pointer(&c.u32)), uintptr(room)
	return c.call(c.asked, 3)
}

// utilization sums the percentages of time for which processes kept the
// multiprocessors of a device busy, as sampled since a time: those of pids, and
// of all. Latest is the time of the last sample, in µs, to be asked from next.
func (c *caller) utilization(d device, pids []int, since uint64) (ours, all float64, latest uint64, r result) {
	c.args[0], c.args[3] = uintptr(d), uintptr(since)
	list, r := c.fill(utilizationSize, askUtilization)
	latest = since
	for ; len(list) >= utilizationSize; list = list[utilizationSize:] {
		pid := binary.NativeEndian.Uint32(list)
		at := binary.NativeEndian.Uint64(list[8:])
		sm := binary.NativeEndian.Uint32(list[16:])
		if at <= since || pid == 0 || sm > 100 { // not filled in, or no percentage
			continue
		}
		latest = max(latest, at)
		all += float64(sm)
		if slices.Contains(pids, int(pid)) {
			ours += float64(sm)
		}
	}
	return ours, all, latest, r
}

func askUtilization(c *caller, room unsafe.Pointer) result {
	c.args[1], c.args[2] = uintptr(room), uintptr(unsafe.Pointer(&c.u32))
	return c.call(fUtilization, 4)
}
