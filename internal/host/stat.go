package host

import (
	"bytes"
	"fmt"
	"io/fs"
	"math"
	"time"
)

// tick is the unit of proc/stat: USER_HZ is 100 on every architecture that Go
// runs on (proc_stat(5)).
const tick = 10 * time.Millisecond

// Stat reads how busy the CPUs of the host are. It keeps proc/stat open and
// allocates nothing per Read. It is not safe for concurrent use.
type Stat struct {
	file *File
	busy time.Duration
}

// OpenStat opens proc/stat below root. The error tells what is wrong with it.
func OpenStat(root fs.FS) (*Stat, error) {
	f, err := OpenFile(root, "proc/stat", 4096)
	if err != nil {
		return nil, err
	}
	s := &Stat{file: f}
	if _, _, err := s.Read(); err != nil {
		_ = f.Close() // it was only read
		return nil, err
	}
	return s, nil
}

// Read tells how long the CPUs have been busy since the host was started, over
// all of them, and how many are online. Busy is everything but idle, waiting
// for a disk, and stolen by other virtual machines; what guests used is part
// of it, once. It never falls.
func (s *Stat) Read() (busy time.Duration, cpus int, err error) {
	b, err := s.file.Read()
	if err != nil {
		return s.busy, 0, err
	}
	busy, cpus, ok := parseStat(b)
	if !ok {
		return s.busy, 0, fmt.Errorf("read proc/stat: want a line of CPU times, got %.40q", b)
	}
	s.busy = max(s.busy, busy)
	return s.busy, cpus, nil
}

// Close closes the file. Read fails after it.
func (s *Stat) Close() error { return s.file.Close() }

// parseStat reads the line of sums and counts the CPUs. The fields are user,
// nice, system, idle, iowait, irq, softirq, steal, guest and guest_nice; the
// last two are in user and nice already.
func parseStat(b []byte) (busy time.Duration, cpus int, ok bool) {
	const userTicks, niceTicks, systemTicks, irqTicks, softirqTicks = 0, 1, 2, 5, 6
	line, rest := cutLine(b)
	line, found := bytes.CutPrefix(line, []byte("cpu "))
	if !found {
		return 0, 0, false
	}
	var ticks uint64
	field := 0
	for ; len(line) > 0; field++ {
		for len(line) > 0 && line[0] == ' ' {
			line = line[1:]
		}
		end := bytes.IndexByte(line, ' ')
		if end < 0 {
			end = len(line)
		}
		if end == 0 {
			break
		}
		n, isNumber := ParseUint(line[:end])
		if !isNumber || n > math.MaxInt64/10/uint64(tick) {
			return 0, 0, false
		}
		switch field {
		case userTicks, niceTicks, systemTicks, irqTicks, softirqTicks:
			ticks += n
		}
		line = line[end:]
	}
	if field < 4 { // old kernels told no more than these
		return 0, 0, false
	}
	for len(rest) > 0 {
		line, rest = cutLine(rest)
		if len(line) < 4 || line[0] != 'c' || line[1] != 'p' || line[2] != 'u' {
			break
		}
		cpus++
	}
	return time.Duration(ticks) * tick, max(cpus, 1), true
}

func cutLine(b []byte) (line, rest []byte) {
	if i := bytes.IndexByte(b, '\n'); i >= 0 {
		return b[:i], b[i+1:]
	}
	return b, nil
}

// statCPUs counts the CPUs that are online where sysfs does not tell.
func statCPUs(root fs.FS) int {
	b, err := ReadFile(root, "proc/stat", maxFile)
	if err != nil {
		return 0
	}
	_, cpus, _ := parseStat(b)
	return cpus
}
