package tracertest_test

import (
	"context"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"testing/fstest"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/ecotracer/ecotracer/tracer/tracertest"
)

var pkg0 = tracertest.EnergyFile("intel-rapl:0")

func read(t *testing.T, fsys fs.FS, name string) string {
	t.Helper()
	text, err := fs.ReadFile(fsys, name)
	require.NoError(t, err)
	return strings.TrimSpace(string(text))
}

func microjoules(t *testing.T, fsys fs.FS, name string) uint64 {
	t.Helper()
	uj, err := strconv.ParseUint(read(t, fsys, name), 10, 64)
	require.NoError(t, err)
	return uj
}

func TestHostShowsTheJoulesOfItsPlant(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := tracertest.NewHost(t.TempDir(), tracertest.HostConfig{
			Packages: []tracertest.Curve{tracertest.Constant(20), tracertest.Constant(30)},
			DRAM:     []tracertest.Curve{nil, tracertest.Constant(3)},
			Psys:     tracertest.Constant(60),
			StartUJ:  7,
		})
		assert.EqualValues(t, 7, microjoules(t, h, pkg0), "a counter begins where it is told")
		time.Sleep(time.Hour)
		for zone, want := range map[string]struct {
			name string
			uj   uint64
		}{
			"intel-rapl:0":   {"package-0", 20 * 3600e6},
			"intel-rapl:1":   {"package-1", 30 * 3600e6},
			"intel-rapl:1:0": {"dram", 3 * 3600e6},
			"intel-rapl:2":   {"psys", 60 * 3600e6},
		} {
			file := tracertest.EnergyFile(zone)
			assert.Equal(t, want.name, read(t, h, "sys/class/powercap/"+zone+"/name"))
			assert.Equal(t, want.uj+7, microjoules(t, h, file), "%s after an hour", zone)
			assert.InDelta(t, float64(want.uj)/1e6, h.Joules(file), 1e-6)
		}
		_, err := h.Open(tracertest.EnergyFile("intel-rapl:0:0"))
		assert.ErrorIs(t, err, fs.ErrNotExist, "socket 0 has no DRAM counter")
	})
}

func TestHostCounterWrapsAtItsRange(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := tracertest.NewHost(t.TempDir(), tracertest.HostConfig{RangeUJ: 999_999, StartUJ: 999_999})
		time.Sleep(time.Second) // 20 J, 20 wraps
		assert.Equal(t, "999999", read(t, h, "sys/class/powercap/intel-rapl:0/max_energy_range_uj"))
		assert.EqualValues(t, 999_999, microjoules(t, h, pkg0))
		time.Sleep(50 * time.Nanosecond)
		assert.EqualValues(t, 0, microjoules(t, h, pkg0), "one microjoule after the greatest value comes 0")
		assert.InDelta(t, 20.000001, h.Joules(pkg0), 1e-9, "the truth does not wrap")
	})
}

func TestHostCounterMovesAsOftenAsTold(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := tracertest.NewHost(t.TempDir(), tracertest.HostConfig{Update: time.Second})
		time.Sleep(1999 * time.Millisecond)
		assert.EqualValues(t, 20e6, microjoules(t, h, pkg0))
	})
}

func TestHostIsAFileSystem(t *testing.T) {
	h := tracertest.NewHost(t.TempDir(), tracertest.HostConfig{})
	require.NoError(t, h.Refresh())
	sub, err := fs.Sub(h, "sys/devices/system")
	require.NoError(t, err)
	assert.NoError(t, fstest.TestFS(sub, "cpu/online"))
	assert.Zero(t, h.OpenFiles(), "all files are closed")

	_, err = h.Open("/proc/stat")
	assert.ErrorIs(t, err, fs.ErrInvalid, "paths are relative to the root")
	_, err = h.Open("proc/nothing")
	assert.ErrorIs(t, err, fs.ErrNotExist)
}

// Trap 56: a simulated host looks as the kernel's do.
func TestHostListsItsZonesAsTheKernelDoes(t *testing.T) {
	h := tracertest.NewHost(t.TempDir(), tracertest.HostConfig{
		Packages: []tracertest.Curve{tracertest.Constant(20)},
		DRAM:     []tracertest.Curve{tracertest.Constant(1)},
		Zones: []tracertest.Zone{
			{ID: "intel-rapl-mmio:0", Name: "package-0", Power: tracertest.Constant(20)},
		},
	})
	entries, err := fs.ReadDir(h, "sys/class/powercap")
	require.NoError(t, err)
	var names []string
	for _, e := range entries {
		names = append(names, e.Name())
		assert.Equal(t, fs.ModeSymlink, e.Type(), "the class holds symbolic links")
	}
	assert.Equal(t, []string{"intel-rapl", "intel-rapl-mmio", "intel-rapl-mmio:0", "intel-rapl:0", "intel-rapl:0:0"}, names)
	inside, err := fs.Stat(h, "sys/class/powercap/intel-rapl:0/intel-rapl:0:0")
	require.NoError(t, err)
	assert.True(t, inside.IsDir(), "a zone lies inside its parent too")
}

func TestZonesAloneAreAllThatThereAre(t *testing.T) {
	die := tracertest.Constant(40)
	h := tracertest.NewHost(t.TempDir(), tracertest.HostConfig{Zones: []tracertest.Zone{
		{ID: "intel-rapl:0", Name: "package-0-die-0", Power: die},
		{ID: "intel-rapl:1", Name: "package-0-die-1", Power: die, StartUJ: 1e9},
	}})
	entries, err := fs.ReadDir(h, "sys/class/powercap")
	require.NoError(t, err)
	assert.Len(t, entries, 3)
	assert.Equal(t, "package-0-die-1", read(t, h, "sys/class/powercap/intel-rapl:1/name"))
	assert.Equal(t, "0-3", read(t, h, "sys/devices/system/cpu/online"), "one socket")
}

func TestFilesOfOnesOwnSayWhatIsTrueWhenTheyAreRead(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const sensor = "sys/class/hwmon/hwmon0/energy1_input"
		h := tracertest.NewHost(t.TempDir(), tracertest.HostConfig{VM: true, Files: map[string]func([]byte, time.Duration) []byte{
			sensor: func(text []byte, t time.Duration) []byte { return strconv.AppendInt(text, 20*t.Microseconds(), 10) },
		}})
		assert.Equal(t, uint64(0), microjoules(t, h, sensor))
		time.Sleep(3 * time.Second)
		assert.Equal(t, uint64(60_000_000), microjoules(t, h, sensor))
		h.Fail(sensor, syscall.EIO)
		_, err := fs.ReadFile(h, sensor)
		require.ErrorIs(t, err, syscall.EIO, "and fail as others do")
		h.Heal(sensor)
		entries, err := fs.ReadDir(h, "sys/class/hwmon/hwmon0")
		require.NoError(t, err)
		assert.Len(t, entries, 1)
	})
}

func TestAContradictoryHostIsAMistakeOfTheTest(t *testing.T) {
	for name, c := range map[string]tracertest.HostConfig{
		"an unknown vendor":    {Vendor: "Acorn"},
		"more DRAM than CPUs":  {DRAM: []tracertest.Curve{nil, tracertest.Constant(1)}},
		"a zone without power": {Zones: []tracertest.Zone{{ID: "intel-rapl:0", Name: "package-0"}}},
		"a zone of no tree":    {Zones: []tracertest.Zone{{ID: "package", Power: tracertest.Constant(1)}}},
		"a zone twice":         {Packages: []tracertest.Curve{tracertest.Constant(1)}, Zones: []tracertest.Zone{{ID: "intel-rapl:0", Power: tracertest.Constant(1)}}},
		"fewer than no cores":  {Cores: -1},
	} {
		assert.Panics(t, func() { tracertest.NewHost(t.TempDir(), c) }, name)
	}
}

func TestReadingAFolderIsAnError(t *testing.T) {
	h := tracertest.NewHost(t.TempDir(), tracertest.HostConfig{})
	_, err := fs.ReadFile(h, "proc")
	assert.ErrorIs(t, err, syscall.EISDIR)
}

func TestVirtualMachineHasNoCounters(t *testing.T) {
	h := tracertest.NewHost(t.TempDir(), tracertest.HostConfig{VM: true})
	_, err := fs.ReadDir(h, "sys/class/powercap")
	assert.ErrorIs(t, err, fs.ErrNotExist)
	assert.Contains(t, read(t, h, "proc/cpuinfo"), "hypervisor")
	assert.Equal(t, "QEMU", read(t, h, "sys/class/dmi/id/sys_vendor"))
}

func TestAnOpenFileSaysWhatIsTrueWhenItIsRead(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := tracertest.NewHost(t.TempDir(), tracertest.HostConfig{})
		f, err := h.Open(pkg0)
		require.NoError(t, err)
		defer f.Close()
		var buf [32]byte
		for second := range 3 {
			n, err := f.(io.ReaderAt).ReadAt(buf[:], 0)
			assert.ErrorIs(t, err, io.EOF, "as os.File, a short read ends with EOF")
			assert.Equal(t, strconv.Itoa(second*20e6)+"\n", string(buf[:n]))
			onDisk, err := os.ReadFile(filepath.Join(h.Dir(), pkg0))
			require.NoError(t, err)
			assert.Equal(t, string(buf[:n]), string(onDisk), "the true file follows")
			time.Sleep(time.Second)
		}
	})
}

func TestRefreshBringsTheFolderUpToDate(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := tracertest.NewHost(t.TempDir(), tracertest.HostConfig{})
		time.Sleep(time.Minute)
		require.NoError(t, h.Refresh())
		assert.EqualValues(t, 1200e6, microjoules(t, os.DirFS(h.Dir()), pkg0))
	})
}

func TestProcStatShowsTheScriptedLoad(t *testing.T) {
	busy := func(t *testing.T, h *tracertest.Host) (user, idle, wait, steal int) {
		line, _, _ := strings.Cut(read(t, h, "proc/stat"), "\n")
		f := strings.Fields(line)
		require.Len(t, f, 11)
		at := func(i int) int { n, err := strconv.Atoi(f[i]); require.NoError(t, err); return n }
		return at(1), at(4), at(5), at(8)
	}
	synctest.Test(t, func(t *testing.T) {
		h := tracertest.NewHost(t.TempDir(), tracertest.HostConfig{
			Cores:   2,
			Process: tracertest.Constant(0.5),
			Busy:    tracertest.Constant(0.75),
			Waiting: tracertest.Constant(0.1),
			Stolen:  tracertest.Constant(0.2),
		})
		u0, i0, w0, s0 := busy(t, h)
		time.Sleep(time.Minute)
		u1, i1, w1, s1 := busy(t, h)
		assert.Equal(t, 30*time.Second, h.CPUTime(), "the process used half a CPU")
		assert.Equal(t, 4500, u1-u0, "all processes used three quarters of one, in 1/100 s")
		assert.Equal(t, 600, w1-w0)
		assert.Equal(t, 1200, s1-s0)
		assert.Equal(t, 2*6000-4500-600-1200, i1-i0, "two CPUs had this left")
	})
}

func TestFaultsOfFiles(t *testing.T) {
	const zone = "sys/class/powercap/intel-rapl:0"
	get := func(f fs.File) (string, error) {
		var buf [64]byte
		n, err := f.(io.ReaderAt).ReadAt(buf[:], 0)
		if err == io.EOF {
			err = nil
		}
		return strings.TrimSpace(string(buf[:n])), err
	}
	for name, c := range map[string]struct {
		fault func(h *tracertest.Host)
		want  string // what a reader sees after 10 s in which 200 J were used
		err   error
		open  error // what opening anew gives
	}{
		"EACCES":          {func(h *tracertest.Host) { h.Fail(pkg0, syscall.EACCES) }, "", fs.ErrPermission, fs.ErrPermission},
		"EIO":             {func(h *tracertest.Host) { h.Fail(pkg0, syscall.EIO) }, "", syscall.EIO, syscall.EIO},
		"EAGAIN":          {func(h *tracertest.Host) { h.Fail(pkg0, syscall.EAGAIN) }, "", syscall.EAGAIN, syscall.EAGAIN},
		"a folder":        {func(h *tracertest.Host) { h.Fail("sys/class/powercap", syscall.EACCES) }, "200000000", nil, nil},
		"the true folder": {func(h *tracertest.Host) { h.Fail("sys/devices/virtual", syscall.EACCES) }, "", syscall.EACCES, syscall.EACCES},
		"a gap":           {func(h *tracertest.Host) { h.FailFor(pkg0, syscall.EIO, 11*time.Second) }, "", syscall.EIO, syscall.EIO},
		"a gap is over":   {func(h *tracertest.Host) { h.FailFor(pkg0, syscall.EIO, 9*time.Second) }, "200000000", nil, nil},
		"garbage":         {func(h *tracertest.Host) { h.Say(pkg0, "<garbage>") }, "<garbage>", nil, nil},
		"an empty file":   {func(h *tracertest.Host) { h.Say(pkg0, "") }, "", nil, nil},
		"stuck":           {func(h *tracertest.Host) { h.Stick(pkg0) }, "0", nil, nil},
		"reset":           {func(h *tracertest.Host) { h.Jump(pkg0, 50); h.Reset(pkg0) }, "200000000", nil, nil},
		"forwards":        {func(h *tracertest.Host) { h.Jump(pkg0, 50) }, "250000000", nil, nil},
		"backwards":       {func(h *tracertest.Host) { h.Jump(pkg0, -1) }, "199000000", nil, nil},
		"vanished":        {func(h *tracertest.Host) { h.Vanish(zone) }, "", syscall.ENODEV, fs.ErrNotExist},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				h := tracertest.NewHost(t.TempDir(), tracertest.HostConfig{})
				f, err := h.Open(pkg0)
				require.NoError(t, err)
				defer f.Close()
				c.fault(h)
				time.Sleep(10 * time.Second)
				got, err := get(f)
				assert.ErrorIs(t, err, c.err)
				assert.Equal(t, c.want, got)
				again, err := h.Open(pkg0)
				assert.ErrorIs(t, err, c.open)
				if err == nil {
					again.Close()
				}
				assert.InDelta(t, 200, truth(h, name), 1e-6, "faults do not change the truth")
			})
		})
	}
}

// truth is what the zone truly used; a zone that is gone cannot be asked.
func truth(h *tracertest.Host, name string) float64 {
	if name == "vanished" {
		h.Heal("sys/class/powercap/intel-rapl:0")
	}
	return h.Joules(pkg0)
}

func TestHealBringsBackWhatVanished(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const zone = "sys/class/powercap/intel-rapl:0"
		h := tracertest.NewHost(t.TempDir(), tracertest.HostConfig{DRAM: []tracertest.Curve{tracertest.Constant(1)}})
		f, err := h.Open(pkg0)
		require.NoError(t, err)
		defer f.Close()
		h.Vanish(zone)
		entries, err := fs.ReadDir(h, "sys/class/powercap")
		require.NoError(t, err)
		assert.Len(t, entries, 1, "the links to the zone and to its DRAM are gone, intel-rapl stays")
		time.Sleep(time.Second)
		h.Heal(zone)
		assert.EqualValues(t, 20e6, microjoules(t, h, pkg0))
		assert.EqualValues(t, 1e6, microjoules(t, h, tracertest.EnergyFile("intel-rapl:0:0")))
		_, err = f.(io.ReaderAt).ReadAt(make([]byte, 8), 0)
		assert.ErrorIs(t, err, syscall.ENODEV, "who held the file must open it again")
	})
}

func TestHealBringsBackWhatFailed(t *testing.T) {
	h := tracertest.NewHost(t.TempDir(), tracertest.HostConfig{})
	for _, name := range []string{pkg0, "proc/cpuinfo", "sys/class/dmi"} {
		h.Fail(name, syscall.EIO)
		h.Heal(name)
	}
	read(t, h, pkg0)
	read(t, h, "proc/cpuinfo")
	read(t, h, "sys/class/dmi/id/sys_vendor")
}

func TestAFaultOfAFileThatIsNotThereIsAMistakeOfTheTest(t *testing.T) {
	h := tracertest.NewHost(t.TempDir(), tracertest.HostConfig{})
	assert.Panics(t, func() { h.Fail("sys/class/powercap/intel-rapl:9/energy_uj", syscall.EIO) })
	assert.Panics(t, func() { h.Fail(pkg0, nil) })
	assert.Panics(t, func() { h.Reset("proc/stat") })
	assert.Panics(t, func() { h.Stick("proc/cpuinfo") })
	assert.Panics(t, func() { h.Vanish("proc/nothing") })
}

func TestReadingAKeptFileAllocatesNothing(t *testing.T) {
	h := tracertest.NewHost(t.TempDir(), tracertest.HostConfig{})
	for _, name := range []string{pkg0, "proc/stat"} {
		f, err := h.Open(name)
		require.NoError(t, err)
		defer f.Close()
		at := f.(io.ReaderAt)
		buf := make([]byte, 4096)
		assert.Zero(t, testing.AllocsPerRun(100, func() { _, _ = at.ReadAt(buf, 0) }), name)
	}
}

// Driven by true CPU time: not in synctest.
func TestAPlantOfTrueCPUTimeBurnsWhatTheProgramBurns(t *testing.T) {
	h := tracertest.NewHost(t.TempDir(), tracertest.HostConfig{
		Packages: []tracertest.Curve{tracertest.TrueCPU().Times(1000)},
		Process:  tracertest.TrueCPU(),
	})
	used := tracertest.Burn(context.Background(), 30*time.Millisecond)
	cpu := h.CPUTime()
	joules := float64(microjoules(t, h, pkg0)) / 1e6
	assert.GreaterOrEqual(t, used, 30*time.Millisecond)
	assert.GreaterOrEqual(t, cpu, used, "the process used at least what this goroutine used")
	assert.GreaterOrEqual(t, joules, 1000*used.Seconds())
	assert.LessOrEqual(t, joules, h.Joules(pkg0))
}

func TestBurnStopsWhenTheContextIsDone(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	assert.Less(t, tracertest.Burn(ctx, time.Hour), time.Hour)
}
