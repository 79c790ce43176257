package tracertest

import (
	"fmt"
	"strconv"
	"strings"
	"time"
)

// uptime is how long a host had been up and idle when it was made.
const uptime = time.Hour

// userHZ is the unit of proc/stat, in 1/s (proc_stat(5), USER_HZ).
const userHZ = 100

// stat is proc/stat: how long the CPUs were busy, in hundredths of a second.
type stat struct {
	cpus                  int
	busy, waiting, stolen Curve
	boot                  int64
}

func newStat(h *Host) *stat {
	c := h.config
	return &stat{c.cpus(), c.Busy.fromNow(), c.Waiting.fromNow(), c.Stolen.fromNow(), h.start.Add(-uptime).Unix()}
}

func (s *stat) append(buf []byte, t time.Duration) []byte {
	line := func(name string, number int, share float64) {
		ticks := func(seconds float64) uint64 { return uint64(max(0, seconds) * userHZ * share) }
		user, wait, steal := ticks(s.busy(t)), ticks(s.waiting(t)), ticks(s.stolen(t))
		all := ticks(float64(s.cpus) * (uptime + t).Seconds())
		idle := all - min(all, user+wait+steal)
		buf = append(buf, name...)
		if number >= 0 {
			buf = strconv.AppendInt(buf, int64(number), 10)
		} else {
			buf = append(buf, ' ')
		}
		for _, v := range [...]uint64{user, 0, 0, idle, wait, 0, 0, steal, 0, 0} {
			buf = strconv.AppendUint(append(buf, ' '), v, 10)
		}
		buf = append(buf, '\n')
	}
	line("cpu", -1, 1)
	for i := range s.cpus {
		line("cpu", i, 1/float64(s.cpus))
	}
	buf = append(buf, "intr 0\nctxt 0\nbtime "...)
	buf = strconv.AppendInt(buf, s.boot, 10)
	return append(buf, "\nprocesses 1\nprocs_running 1\nprocs_blocked 0\n"...)
}

// group is the cpu.stat of a control group of version 2.
type group struct{ used Curve }

func (g group) append(buf []byte, t time.Duration) []byte {
	us := uint64(max(0, g.used(t)) * 1e6)
	return fmt.Appendf(buf, "usage_usec %d\nuser_usec %d\nsystem_usec 0\nnr_periods 0\nnr_throttled 0\nthrottled_usec 0\n", us, us)
}

// cpuinfo is proc/cpuinfo.
func (c HostConfig) cpuinfo() string {
	vendor, family, model, flags := "GenuineIntel", 6, 85, "fpu tsc msr"
	if c.Vendor == "AMD" {
		vendor, family, model = "AuthenticAMD", 25, 1
	}
	if c.VM {
		flags += " hypervisor"
	}
	var b strings.Builder
	for cpu := range c.cpus() {
		fmt.Fprintf(&b, "processor\t: %d\nvendor_id\t: %s\ncpu family\t: %d\nmodel\t\t: %d\nmodel name\t: %s\nstepping\t: 1\ncpu MHz\t\t: 2500.000\n", cpu, vendor, family, model, c.Model)
		fmt.Fprintf(&b, "physical id\t: %d\nsiblings\t: %d\ncore id\t\t: %d\ncpu cores\t: %d\napicid\t\t: %d\nflags\t\t: %s\n\n",
			cpu/c.Cores, c.Cores, cpu%c.Cores, c.Cores, cpu, flags)
	}
	return b.String()
}

// meminfo is proc/meminfo, half of the memory free.
func (c HostConfig) meminfo() string {
	kB := c.Memory / 1024
	return fmt.Sprintf("MemTotal:       %d kB\nMemFree:        %d kB\nMemAvailable:   %d kB\nSwapTotal:      0 kB\nSwapFree:       0 kB\n", kB, kB/2, kB/2)
}
