package tracer

import (
	"cmp"
	"os"
	"path/filepath"
	"sync"
	"time"
)

// hostLock is held by one process of a host for all its runs. The system frees
// it when the process ends, however that happens, and so the next one that
// asks has it.
type hostLock struct {
	name string
	file *os.File
	refs int
}

// hostLocks are those that this process holds.
var hostLocks struct {
	sync.Mutex
	held map[string]*hostLock
}

// runtimeDir is the folder that the processes of a host have in common, or ""
// in tests, which run side by side and know nothing of one another.
func runtimeDir() string {
	if dir := os.Getenv("ECOTRACER_RUNTIME_DIR"); dir != "" {
		return dir
	}
	if testBinary() {
		return ""
	}
	return cmp.Or(os.Getenv("XDG_RUNTIME_DIR"), os.TempDir())
}

// takeHostLock takes a lock of the host that booted under that id. It tells
// errRuns if another process has it, and another error where there are none.
func takeHostLock(boot, what string) (*hostLock, error) {
	dir := runtimeDir()
	if boot == "" || dir == "" {
		return nil, errNoLocks
	}
	name := filepath.Join(dir, "ecotracer-"+digest(boot, what)+lockSuffix)
	hostLocks.Lock()
	defer hostLocks.Unlock()
	l := hostLocks.held[name]
	if l == nil {
		f, err := openHostLock(name)
		if err != nil {
			return nil, err
		}
		l = &hostLock{name: name, file: f}
		if hostLocks.held == nil {
			hostLocks.held = map[string]*hostLock{}
		}
		hostLocks.held[name] = l
	}
	l.refs++
	return l, nil
}

// release gives the lock back. Its file stays: to remove it would let two
// processes have it.
func (l *hostLock) release() {
	if l == nil {
		return
	}
	hostLocks.Lock()
	defer hostLocks.Unlock()
	if l.refs--; l.refs == 0 {
		delete(hostLocks.held, l.name)
		_ = l.file.Close()
	}
}

// turns says how often the ranks of a job on one host read the meters that
// they have in common, and write their records while they run. One does so at
// the full rate, and the others a fraction of it, so that all of them together
// cost little more than one. Counters add up, so that nobody's joules are lost
// by it as long as they do not wrap; of the others, power is taken as constant
// for longer.
//
// Only the sampler uses it.
type turns struct {
	boot, job string
	ranks     int
	lock      *hostLock
	alone     bool // there are no locks
}

// However many ranks there are, one that follows reads and writes that often.
// Some counters wrap after 65 kJ, and it must be known how often they did.
const (
	seldomRead    = 30 * time.Second
	seldomWritten = time.Minute
)

// times is a period that is so many times as long, but no longer than most
// unless it was.
func times(period time.Duration, every int64, most time.Duration) time.Duration {
	return max(period, min(period*time.Duration(max(every, 1)), most))
}

// every is how many of its periods a rank lets pass between two readings. It
// takes the place of a first reader that has ended.
func (t *turns) every() int {
	if t.ranks < 2 || t.alone || t.lock != nil {
		return 1
	}
	lock, err := takeHostLock(t.boot, "job "+t.job)
	switch err {
	case nil:
		t.lock = lock
		return 1
	case errRuns:
		return t.ranks
	}
	t.alone = true
	return 1
}
