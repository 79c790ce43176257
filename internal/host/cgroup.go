package host

import (
	"io/fs"
	"path"
	"strconv"
	"strings"
)

// limits reads what the control groups of this process allow: those of its
// own group and of all above it, of which the tightest holds. Inside a
// container the path that the kernel tells may lead nowhere, as the container
// sees its own group as the top.
func limits(root fs.FS, memory int64) Limits {
	var l Limits
	b, _ := ReadFile(root, "proc/self/cgroup", 16<<10)
	unified, byController := parseCgroups(string(b))
	const top = "sys/fs/cgroup"
	for dir := range upwards(top, unified) {
		l.cpus(parseCPUMax(text(root, dir+"/cpu.max")))
		l.memory(text(root, dir+"/memory.max"), memory)
	}
	for _, mount := range []string{"cpu", "cpu,cpuacct"} {
		for dir := range upwards(top+"/"+mount, byController["cpu"]) {
			l.cpus(parseCPUMax(text(root, dir+"/cpu.cfs_quota_us") + " " + text(root, dir+"/cpu.cfs_period_us")))
		}
	}
	for dir := range upwards(top+"/memory", byController["memory"]) {
		l.memory(text(root, dir+"/memory.limit_in_bytes"), memory)
	}
	return l
}

func (l *Limits) cpus(n float64) {
	if n > 0 && (l.CPUs == 0 || n < l.CPUs) {
		l.CPUs = n
	}
}

// memory takes a limit that is below what the host has: above it, it limits
// nothing.
func (l *Limits) memory(limit string, host int64) {
	n, err := strconv.ParseInt(limit, 10, 64)
	if err != nil || n <= 0 || host > 0 && n >= host || n >= 1<<60 {
		return
	}
	if l.MemoryBytes == 0 || n < l.MemoryBytes {
		l.MemoryBytes = n
	}
}

// parseCgroups reads the lines of proc/self/cgroup: the path in the unified
// hierarchy (version 2), and those of the controllers of version 1.
func parseCgroups(s string) (unified string, byController map[string]string) {
	byController = map[string]string{}
	for line := range strings.Lines(s) {
		_, rest, ok := strings.Cut(strings.TrimSpace(line), ":")
		controllers, dir, ok2 := strings.Cut(rest, ":")
		if !ok || !ok2 {
			continue
		}
		if controllers == "" {
			unified = dir
		}
		for c := range strings.SplitSeq(controllers, ",") {
			byController[c] = dir
		}
	}
	return unified, byController
}

// upwards yields the folder of a group and those above it, up to the top.
func upwards(top, group string) func(yield func(string) bool) {
	return func(yield func(string) bool) {
		group = path.Clean("/" + group)
		for range 64 { // groups are never nested deeper than this
			if !yield(path.Join(top, group)) || group == "/" {
				return
			}
			group = path.Dir(group)
		}
	}
}

// parseCPUMax reads a quota and a period, both in µs, as CPUs: 0 if there is
// no limit.
func parseCPUMax(s string) float64 {
	quota, period, _ := strings.Cut(s, " ")
	q, err1 := strconv.ParseInt(quota, 10, 64)
	p, err2 := strconv.ParseInt(period, 10, 64)
	if err1 != nil || err2 != nil || q <= 0 || p <= 0 {
		return 0
	}
	return float64(q) / float64(p)
}
