package host

import (
	"bytes"
	"fmt"
	"io/fs"
	"path"
	"time"
)

// CgroupCPU reads the CPU time of the control group that this process is in:
// of a container, all its processes. It keeps the file open and allocates
// nothing per Read. It is not safe for concurrent use.
type CgroupCPU struct {
	file *File
	unit time.Duration
	key  []byte // of the line; none: the file is the number
	last time.Duration
}

// OpenCgroupCPU opens the group's file: cpu.stat of version 2, which is in µs
// (Documentation/admin-guide/cgroup-v2.rst), or cpuacct.usage of version 1, in
// ns (cgroup-v1/cpuacct.rst). The error tells what was looked for.
func OpenCgroupCPU(root fs.FS) (*CgroupCPU, error) {
	const top = "sys/fs/cgroup"
	b, err := ReadFile(root, "proc/self/cgroup", 16<<10)
	if err != nil {
		return nil, err
	}
	unified, byController := parseCgroups(string(b))
	try := func(dir, group, name string, c CgroupCPU) *CgroupCPU {
		// The path that the kernel tells may lead nowhere: a container sees its
		// own group as the top.
		for _, at := range []string{dir + "/" + group, dir} {
			var err2 error
			if c.file, err2 = OpenFile(root, path.Join(at, name), 512); err2 != nil {
				err = err2
				continue
			}
			if _, err2 = c.Read(); err2 == nil {
				return &c
			}
			err = err2
			_ = c.file.Close() // it was only read
		}
		return nil
	}
	if unified != "" {
		if c := try(top, unified, "cpu.stat", CgroupCPU{unit: time.Microsecond, key: []byte("usage_usec ")}); c != nil {
			return c, nil
		}
	}
	if group, ok := byController["cpuacct"]; ok {
		for _, mount := range []string{"cpuacct", "cpu,cpuacct"} {
			if c := try(top+"/"+mount, group, "cpuacct.usage", CgroupCPU{unit: time.Nanosecond}); c != nil {
				return c, nil
			}
		}
	}
	if err == nil {
		err = fmt.Errorf("proc/self/cgroup names no group with CPU time: %w", fs.ErrNotExist)
	}
	return nil, err
}

// Read tells the CPU time of the group's processes since it was made. It never
// falls.
func (c *CgroupCPU) Read() (time.Duration, error) {
	b, err := c.file.Read()
	if err != nil {
		return c.last, err
	}
	line, rest := cutLine(b)
	for len(c.key) > 0 && !bytes.HasPrefix(line, c.key) {
		if len(rest) == 0 {
			return c.last, fmt.Errorf("read %s: it has no line %q", c.file.name, c.key)
		}
		line, rest = cutLine(rest)
	}
	n, ok := ParseUint(line[len(c.key):])
	if !ok || n > uint64(1<<63-1)/uint64(c.unit) {
		return c.last, fmt.Errorf("read %s: want a CPU time, got %.40q", c.file.name, line)
	}
	c.last = max(c.last, time.Duration(n)*c.unit)
	return c.last, nil
}

// Name is the path of the file, which tells the group.
func (c *CgroupCPU) Name() string { return c.file.name }

// Close closes the file. Read fails after it.
func (c *CgroupCPU) Close() error { return c.file.Close() }
