package host_test

import (
	"io/fs"
	"os"
	"testing"
	"testing/fstest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/ecotracer/ecotracer/internal/host"
)

func TestCgroupCPU(t *testing.T) {
	type files = map[string]string
	for name, c := range map[string]struct {
		files files
		used  time.Duration // 0: it cannot be told
	}{
		"version 2":                                {files{"proc/self/cgroup": "0::/a.slice/b.scope\n", "sys/fs/cgroup/a.slice/b.scope/cpu.stat": "usage_usec 1500000\nuser_usec 1\n", "sys/fs/cgroup/cpu.stat": "usage_usec 9\n"}, 1500 * time.Millisecond},
		"the line is not the first":                {files{"proc/self/cgroup": "0::/\n", "sys/fs/cgroup/cpu.stat": "nr_periods 3\nusage_usec 7\n"}, 7 * time.Microsecond},
		"a container sees its group as the top":    {files{"proc/self/cgroup": "0::/system.slice/docker-1.scope\n", "sys/fs/cgroup/cpu.stat": "usage_usec 42\n"}, 42 * time.Microsecond},
		"version 1":                                {files{"proc/self/cgroup": "4:cpu,cpuacct:/job\n0::/\n", "sys/fs/cgroup/cpu,cpuacct/job/cpuacct.usage": "123456789\n"}, 123456789},
		"version 1, mounted apart":                 {files{"proc/self/cgroup": "2:cpuacct:/\n1:cpu:/\n", "sys/fs/cgroup/cpuacct/cpuacct.usage": "5\n"}, 5},
		"no groups":                                {files{}, 0},
		"a group without CPU time":                 {files{"proc/self/cgroup": "0::/\n", "sys/fs/cgroup/cpu.stat": "nr_periods 3\n"}, 0},
		"garbage":                                  {files{"proc/self/cgroup": "0::/\n", "sys/fs/cgroup/cpu.stat": "usage_usec many\n"}, 0},
		"more than time holds":                     {files{"proc/self/cgroup": "0::/\n", "sys/fs/cgroup/cpu.stat": "usage_usec 18446744073709551615\n"}, 0},
		"a path that leads out of the file system": {files{"proc/self/cgroup": "0::/../../other\n", "sys/fs/cgroup/cpu.stat": "usage_usec 8\n"}, 8 * time.Microsecond},
	} {
		t.Run(name, func(t *testing.T) {
			root := fstest.MapFS{}
			for name, text := range c.files {
				root[name] = &fstest.MapFile{Data: []byte(text)}
			}
			g, err := host.OpenCgroupCPU(root)
			if c.used == 0 {
				require.Error(t, err)
				return
			}
			require.NoError(t, err)
			used, err := g.Read()
			require.NoError(t, err)
			assert.Equal(t, c.used, used)
			require.NoError(t, g.Close())
			_, err = g.Read()
			require.ErrorIs(t, err, fs.ErrClosed)
		})
	}
}

func TestCgroupCPUOfThisProcess(t *testing.T) {
	g, err := host.OpenCgroupCPU(os.DirFS("/"))
	if err != nil {
		t.Skip("no control group with CPU time here: ", err)
	}
	defer g.Close()
	before, err := g.Read()
	require.NoError(t, err)
	for sum, i := 0, 0; ; i++ {
		sum += i
		if now, err := g.Read(); err != nil || now > before {
			require.NoError(t, err, sum)
			break // it counts what we use
		}
	}
	assert.Zero(t, testing.AllocsPerRun(100, func() { _, _ = g.Read() }))
}

func FuzzCgroupCPU(f *testing.F) {
	f.Add("0::/a\n", "usage_usec 1\n")
	f.Fuzz(func(t *testing.T, groups, stat string) {
		file := &fstest.MapFile{Data: []byte(stat)}
		g, err := host.OpenCgroupCPU(fstest.MapFS{"proc/self/cgroup": {Data: []byte(groups)}, "sys/fs/cgroup/cpu.stat": file})
		if err != nil {
			return
		}
		used, err := g.Read()
		require.NoError(t, err)
		assert.GreaterOrEqual(t, used, time.Duration(0))
	})
}
