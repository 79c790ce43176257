package tracer

import (
	"errors"
	"io/fs"
	"runtime"
	"time"

	"github.com/ecotracer/ecotracer/internal/host"
	"github.com/ecotracer/ecotracer/tracer/meter"
)

// busyTime tells how long the host's CPUs have been busy, over all of them, and
// how many are online.
type busyTime func() (busy time.Duration, cpus int, err error)

// busyOf is the busy time that one of the meters knows from its last reading,
// or nil: meters are read just before it is asked for.
func busyOf(meters []meter.Meter) busyTime {
	for _, m := range meters {
		if m, ok := m.(interface {
			Busy() (time.Duration, int, error)
		}); ok {
			if _, _, err := m.Busy(); err == nil {
				return m.Busy
			}
		}
	}
	return nil
}

// usage reads who uses the host's CPUs: the process, and all together.
type usage struct {
	cpu   func() time.Duration // of the process; never falling
	busy  busyTime             // of the host; nil where the kernel does not tell
	stat  *host.Stat           // what busy reads, unless a meter reads it anyway
	group *host.CgroupCPU      // what cpu reads, if the scope is the control group
	cpus  int                  // online, when last told
	lock  *hostLock            // that no other process counts the group as its own
}

// openGroup makes the control group of this process what counts as the process.
// It tells errRuns if another process has done so.
func (u *usage) openGroup(root fs.FS, boot string) error {
	return guard("reading the control group", func() error {
		group, err := host.OpenCgroupCPU(root)
		if err != nil {
			return err
		}
		if u.lock, err = takeHostLock(boot, "cgroup "+group.Name()); errors.Is(err, errRuns) {
			_ = group.Close() // it was only read
			return err
		}
		u.group = group
		u.cpu = lasting(func() time.Duration {
			d, _ := u.group.Read() // which is as it was
			return d
		})
		return nil
	})
}

func (u *usage) close() {
	if u.stat != nil {
		_ = guard("closing the host", u.stat.Close)
	}
	if u.group != nil {
		_ = guard("closing the control group", u.group.Close)
	}
	u.lock.release()
}

// usageReading is one reading. Without ok the host's busy time is unknown.
type usageReading struct {
	t          int64
	proc, busy time.Duration
	cpus       int
	ok         bool
}

func (u *usage) read(l *ledger) usageReading {
	if u.cpus == 0 {
		u.cpus = runtime.NumCPU()
	}
	r := usageReading{}
	if u.busy != nil {
		_ = guard("reading the host's CPU time", func() error {
			if busy, cpus, err := u.busy(); err == nil && cpus > 0 {
				r.busy, u.cpus, r.ok = busy, cpus, true
			}
			return nil
		})
	}
	r.cpus = u.cpus
	r.proc = u.cpu()
	r.t = l.now()
	return r
}

// mark notes a reading that windows may begin at. The readings that are kept
// lie far enough apart that a share over two of them is over a second or more,
// however often runs begin and end.
func (g *group) mark(u usageReading) {
	if u.t-g.last.t >= int64(windowLength)*9/10 && (u.ok || !g.last.ok) {
		g.prev, g.last = g.last, u
	}
}

// share is the process's share of the host since the last reading that was
// kept, or the one before, so that it is over at least a second (the kernel
// tells busy time in jiffies): s of what is above idle power, q of idle power. While the host's busy time cannot be read
// s is as it was; where it is unknown all that is active is the process's.
func (g *group) share(u usageReading) (s, q float64) {
	ref := g.last
	if u.t-ref.t < int64(time.Second) && g.prev.cpus > 0 {
		ref = g.prev
	}
	dt := time.Duration(u.t - ref.t)
	if dt <= 0 || ref.cpus == 0 {
		return 1, 1
	}
	proc := max(u.proc-ref.proc, 0)
	q = min(proc.Seconds()/(float64(u.cpus)*dt.Seconds()), 1)
	switch {
	case !ref.ok:
		return 1, q
	case u.ok:
		g.s = 0
		if busy := max(u.busy-ref.busy, proc); busy > 0 {
			g.s = proc.Seconds() / busy.Seconds()
		}
	}
	return g.s, q
}
