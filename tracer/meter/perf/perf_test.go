package perf_test

import (
	"fmt"
	"io/fs"
	"math"
	"os"
	"path"
	"runtime"
	"strings"
	"syscall"
	"testing"
	"testing/fstest"
	"testing/synctest"
	"time"
	"unsafe"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/ecotracer/ecotracer/internal/host"
	"github.com/ecotracer/ecotracer/internal/hosttest"
	"github.com/ecotracer/ecotracer/lifecycle"
	"github.com/ecotracer/ecotracer/tracer/meter"
	"github.com/ecotracer/ecotracer/tracer/meter/detect"
	"github.com/ecotracer/ecotracer/tracer/meter/perf"
	"github.com/ecotracer/ecotracer/tracer/meter/powercap"
	"github.com/ecotracer/ecotracer/tracer/tracertest"
)

// The numbers of the kernel's events (arch/x86/events/rapl.c).
const (
	cores = 1 + iota
	pkg
	ram
	gpu
	psys
)

// kernel is a simulated one: it opens events that count a steady power.
type kernel struct {
	watts  func(config uint64, cpu int) float64
	refuse func(config uint64, cpu int) error
	begun  time.Time
	open   int
	jump   uint64 // counts that nobody used
	fail   error  // of each reading
}

func newKernel() *kernel {
	return &kernel{
		begun:  time.Now(),
		watts:  func(config uint64, cpu int) float64 { return float64(100 * config) },
		refuse: func(uint64, int) error { return nil },
	}
}

func (k *kernel) openEvent(pmuType uint32, config uint64, cpu int) (perf.Event, error) {
	if pmuType < 9 || pmuType > 12 {
		return nil, fmt.Errorf("PMU %d: %w", pmuType, syscall.ENOENT)
	}
	if err := k.refuse(config, cpu); err != nil {
		return nil, os.NewSyscallError("perf_event_open", err)
	}
	k.open++
	return &event{k, time.Now(), k.watts(config, cpu), false}, nil
}

type event struct {
	*kernel
	opened time.Time
	watts  float64
	closed bool
}

func (e *event) Read() (uint64, error) {
	if e.closed {
		return 0, syscall.EBADF
	}
	const step = 1 << 18 // counts: the register's 2^-14 J
	joules := e.watts * time.Since(e.opened).Seconds()
	return uint64(math.Ldexp(joules, 32))/step*step + e.jump, e.fail
}

func (e *event) Close() error {
	if !e.closed {
		e.open--
	}
	e.closed = true
	return nil
}

func open(t testing.TB, root fs.FS, k *kernel) meter.Meter {
	t.Helper()
	m, err := perf.OpenWith(root, k.openEvent)
	require.NoError(t, err)
	t.Cleanup(func() {
		assert.NoError(t, m.Close())
		assert.Zero(t, k.open, "every event is closed")
	})
	return m
}

// readings are the samples by domain ID.
func readings(t testing.TB, m meter.Meter) map[string]meter.Sample {
	t.Helper()
	samples, err := m.Read(nil)
	require.NoError(t, err)
	byID := map[string]meter.Sample{}
	for _, s := range samples {
		byID[m.Domains()[s.Domain].ID] = s
	}
	return byID
}

func TestMeterKeepsTheRules(t *testing.T) {
	for _, name := range []string{"server-intel-core", "server-multi-die", "desktop-amd-dies", "server-amd", "laptop-intel", "server-intel-psys"} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				root, k := hosttest.Open(t, name), newKernel()
				tracertest.TestMeter(t, func() (meter.Meter, error) { return perf.OpenWith(root, k.openEvent) })
				assert.Zero(t, k.open, "every event is closed")
			})
		})
	}
}

func TestPlanOfHosts(t *testing.T) {
	for name, want := range map[string][]string{
		"server-intel-core": {"cpu0", "cpu1", "dram0", "dram1", "package-0/energy-cores contained", "package-1/energy-cores contained"},
		"server-multi-die":  {"cpu0/die0", "cpu0/die1", "cpu1/die0", "cpu1/die1", "dram0/die0", "dram0/die1", "dram1/die0", "dram1/die1"},
		"desktop-amd-dies":  {"cpu0", "package-0-die-1/energy-pkg mirrored"},
		"server-amd":        {"cpu0", "cpu1"},
		"container-denied":  {"cpu0", "dram0"},
		"laptop-intel":      {"cpu0", "package-0/energy-cores contained", "package-0/energy-gpu contained", "node0"},
		"server-intel-psys": {"cpu0", "cpu1", "dram0", "dram1", "package-0/energy-psys refused", "node0"},
	} {
		t.Run(name, func(t *testing.T) {
			m := open(t, hosttest.Open(t, name), newKernel())
			var got []string
			for _, d := range m.Domains() {
				s := d.ID
				if d.LeftOut != "" {
					s += " " + d.LeftOut
				} else {
					assert.Contains(t, d.Why, "powercap shows it too")
					assert.Contains(t, d.Why, "64 bits")
				}
				assert.Equal(t, lifecycle.Counter, d.Method)
				assert.Equal(t, "rapl perf", d.Sensor+" "+d.Mode)
				got = append(got, s)
			}
			assert.Equal(t, want, got)
		})
	}
}

// The same component has the same ID, device and step both ways, so that one of
// them can take the other's place.
func TestDomainsAreThoseOfPowercap(t *testing.T) {
	for _, name := range []string{"server-intel-core", "server-multi-die", "desktop-amd-dies", "server-amd", "laptop-intel", "server-intel-psys"} {
		root := hosttest.Open(t, name)
		p, err := powercap.Open(root)
		require.NoError(t, err)
		want, got := map[string]meter.Domain{}, map[string]meter.Domain{}
		for _, d := range p.Domains() {
			if d.LeftOut == "" {
				want[d.ID] = meter.Domain{Kind: d.Kind, Device: d.Device, ResolutionJ: d.ResolutionJ, MaxW: d.MaxW, RelError: d.RelError, IdleW: d.IdleW, Model: d.Model}
			}
		}
		require.NoError(t, p.Close())
		for _, d := range open(t, root, newKernel()).Domains() {
			if d.LeftOut == "" {
				got[d.ID] = meter.Domain{Kind: d.Kind, Device: d.Device, ResolutionJ: d.ResolutionJ, MaxW: d.MaxW, RelError: d.RelError, IdleW: d.IdleW, Model: d.Model}
			}
		}
		assert.Equal(t, want, got, name)
	}
}

// Powercap's counter of a package wraps every 262 kJ.
func TestTrap4_NoWrapIsLostHoweverSeldomItIsRead(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := open(t, hosttest.Open(t, "server-intel-core"), newKernel())
		time.Sleep(48 * time.Hour)
		for id, s := range readings(t, m) {
			assert.Equal(t, meter.OK, s.Condition, id)
			watts := 200.0
			if strings.HasPrefix(id, "dram") {
				watts = 300
			}
			assert.InDelta(t, watts*48*3600, s.Joules, 1e-4, id)
		}
	})
}

// coarse is a host on which an event has another step than the others, as the
// memory of some Xeons has.
type coarse struct {
	fs.FS
	event, scale string
}

func (c coarse) Open(name string) (fs.File, error) {
	if path.Base(name) == c.event+".scale" {
		return fstest.MapFS{name: {Data: []byte(c.scale + "\n")}}.Open(name)
	}
	return c.FS.Open(name)
}

func TestEachEventIsCountedInItsOwnStep(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		root := hosttest.Open(t, "server-intel-core")
		one := open(t, root, newKernel())
		other := open(t, coarse{root, "energy-ram", "1.16415321826934814453125e-10"}, newKernel()) // 2^-33 J
		time.Sleep(time.Hour)
		a, b := readings(t, one), readings(t, other)
		require.Contains(t, a, "dram0")
		for id := range a {
			times := 1.0
			if strings.HasPrefix(id, "dram") {
				times = 0.5
			}
			assert.InEpsilon(t, times*a[id].Joules, b[id].Joules, 1e-9, id)
		}
	})
}

func TestKernelThatRefusesSaysWhatWouldMend(t *testing.T) {
	for name, test := range map[string]struct {
		err  error
		want string
	}{
		"perf_event_paranoid":       {syscall.EACCES, "CAP_PERFMON"},
		"a container's seccomp":     {syscall.EPERM, "CAP_PERFMON"},
		"a driver that was removed": {syscall.ENODEV, "no such device"},
	} {
		t.Run(name, func(t *testing.T) {
			k := newKernel()
			k.refuse = func(uint64, int) error { return test.err }
			_, err := perf.OpenWith(hosttest.Open(t, "container-denied"), k.openEvent)
			var missing *meter.Missing
			require.ErrorAs(t, err, &missing)
			assert.ErrorContains(t, err, test.want)
			assert.ErrorIs(t, err, test.err)
			assert.Zero(t, k.open)
		})
	}
}

func TestHostsWithoutThePMU(t *testing.T) {
	for _, name := range []string{"vm-aws", "container-masked", "board-arm"} {
		_, err := perf.OpenWith(hosttest.Open(t, name), newKernel().openEvent)
		require.ErrorIs(t, err, fs.ErrNotExist, name)
	}
	_, err := perf.OpenWith(fstest.MapFS{}, newKernel().openEvent)
	require.ErrorIs(t, err, fs.ErrNotExist)
}

// Both ways at once, as detection finds them: each component is counted once,
// by an event where there is one.
func TestEventsTakeThePlaceOfPowercap(t *testing.T) {
	for name, test := range map[string]struct {
		refused uint64 // a kind of event that cannot be opened
		want    []string
	}{
		"server-intel-core": {0, []string{"given cpu0", "given cpu1", "given dram0", "given dram1", "model node0/rest"}},
		"server-amd":        {0, []string{"given cpu0", "given cpu1", "model dram0", "model node0/rest"}},
		"desktop-amd-dies":  {0, []string{"given cpu0", "model dram0", "model node0/rest"}},
		"laptop-intel":      {0, []string{"given cpu0", "given node0/rest"}},
		"server-intel-psys": {ram, []string{"given cpu0", "given cpu1", "given node0/rest", "powercap dram0", "powercap dram1"}},
	} {
		t.Run(name, func(t *testing.T) {
			root, k := hosttest.Open(t, name), newKernel()
			k.refuse = func(config uint64, cpu int) error {
				if config == test.refused {
					return syscall.EINVAL
				}
				return nil
			}
			m, err := perf.OpenWith(root, k.openEvent)
			require.NoError(t, err)
			meters, report := detect.Detect(root, m)
			var counted []string
			for _, d := range report.Domains {
				if d.LeftOut == "" {
					counted = append(counted, d.Meter+" "+d.ID)
				}
			}
			assert.Equal(t, test.want, counted)
			assert.Empty(t, report.Missing, "what is read one way is not missing")
			for _, m := range meters {
				require.NoError(t, m.Close())
			}
			assert.Zero(t, k.open)
		})
	}
}

// Trap 15: one event that cannot be opened takes no other with it.
func TestOneEventThatCannotBeOpened(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		k := newKernel()
		k.refuse = func(config uint64, cpu int) error {
			if config == pkg && cpu == 8 {
				return syscall.EINVAL
			}
			return nil
		}
		m := open(t, hosttest.Open(t, "server-intel-core"), k)
		why := map[string]string{}
		for _, d := range m.Domains() {
			if d.LeftOut != "" {
				why[d.Name] = d.LeftOut + ": " + d.Why
			}
		}
		assert.Contains(t, why["package-1/energy-pkg"], "unreadable: its event cannot be opened")
		assert.Contains(t, why["package-1/energy-cores"], "refused: part of package-1, which cannot be counted", "trap 14")
		assert.Contains(t, why["package-0/energy-cores"], "contained")
		time.Sleep(time.Second)
		s := readings(t, m)
		assert.Len(t, s, 3)
		assert.InDelta(t, 200, s["cpu0"].Joules, 1e-3)
	})
}

func TestFaultsOfReading(t *testing.T) {
	for err, want := range map[error]meter.Condition{
		syscall.EIO: meter.Unreadable, syscall.ENODEV: meter.Unplugged, syscall.EACCES: meter.Denied,
	} {
		synctest.Test(t, func(t *testing.T) {
			k := newKernel()
			m := open(t, hosttest.Open(t, "server-amd"), k)
			time.Sleep(time.Second)
			readings(t, m)
			k.fail = err
			time.Sleep(time.Second)
			s := readings(t, m)["cpu0"]
			assert.Equal(t, want, s.Condition)
			assert.InDelta(t, 200, s.Joules, 1e-3, "what was told stays")
			k.fail = nil
			time.Sleep(time.Second)
			s = readings(t, m)["cpu0"]
			assert.Equal(t, meter.OK, s.Condition)
			assert.InDelta(t, 600, s.Joules, 1e-3, "and nothing is lost")
		})
	}
}

// monotonic is a time of the true clocks: those of a bubble are one.
var monotonic = time.Now()

// asleep is the time at after a suspend of whole seconds: the wall clock went
// on, the monotonic one stood still. No clock of a test does that by itself, so
// it moves the seconds in the words of the Time.
func asleep(t *testing.T, at time.Time, d time.Duration) time.Time {
	later := at
	*(*uint64)(unsafe.Pointer(&later)) += uint64(d/time.Second) << 30
	require.Zero(t, later.Sub(at), "the monotonic clock")
	require.Equal(t, d, later.Round(0).Sub(at.Round(0)), "the wall clock")
	return later
}

// A register that begins anew in a suspend has wrapped to the kernel.
func TestSuspendMakesUpNoEnergy(t *testing.T) {
	for name, test := range map[string]struct {
		jump      float64 // J
		joules    float64
		condition meter.Condition
	}{
		"the register began anew":         {200_000, 200, meter.Gap},
		"it went on as it had been awake": {0, 400, meter.OK},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				k := newKernel()
				m := open(t, hosttest.Open(t, "server-amd"), k)
				begin, night := time.Now(), time.Duration(0)
				perf.SetClock(m, func() time.Time { return asleep(t, monotonic.Add(time.Since(begin)), night) })
				readings(t, m)
				time.Sleep(time.Second)
				require.InDelta(t, 200, readings(t, m)["cpu0"].Joules, 1e-3)
				night, k.jump = 8*time.Hour, uint64(math.Ldexp(test.jump, 32))
				time.Sleep(time.Second)
				s := readings(t, m)["cpu0"]
				assert.Equal(t, test.condition, s.Condition)
				assert.InDelta(t, test.joules, s.Joules, 1e-3)
				time.Sleep(time.Second)
				s = readings(t, m)["cpu0"]
				assert.Equal(t, meter.OK, s.Condition)
				assert.InDelta(t, test.joules+200, s.Joules, 1e-3, "it goes on from there")
			})
		})
	}
}

// The 64 bits of an event wrap after 4.3 GJ.
func TestEventThatWraps(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		k := newKernel()
		k.jump = math.MaxUint64 - 100<<32 // 100 J before the wrap
		m := open(t, hosttest.Open(t, "server-amd"), k)
		for i := range 3 {
			time.Sleep(time.Second)
			s := readings(t, m)["cpu0"]
			assert.Equal(t, meter.OK, s.Condition)
			assert.InDelta(t, 200*float64(i+1), s.Joules, 0.01)
		}
	})
}

// Trap 17, trap 18: reading opens nothing, allocates nothing and starts nothing.
func TestReadAllocatesNothing(t *testing.T) {
	k := newKernel()
	m := open(t, hosttest.Open(t, "server-multi-die"), k)
	dst := make([]meter.Sample, 0, 8)
	goroutines := runtime.NumGoroutine()
	assert.Zero(t, testing.AllocsPerRun(100, func() {
		var err error
		if dst, err = m.Read(dst[:0]); err != nil || len(dst) != 8 {
			t.Fatal(dst, err)
		}
	}))
	assert.Equal(t, 8, k.open)
	assert.Equal(t, goroutines, runtime.NumGoroutine())
}

func TestFilesOfAnotherHostOpenNoEventsOfThisOne(t *testing.T) {
	for _, root := range []fs.FS{
		hosttest.Open(t, "server-intel-core"),
		fstest.MapFS{"proc/sys/kernel/random/boot_id": {Data: []byte("00000000-0000-0000-0000-000000000000\n")}},
	} {
		_, err := perf.Open(root)
		assert.ErrorContains(t, err, "another host")
	}
}

// On this machine: it opens, or says why not.
func TestOpenOnThisMachine(t *testing.T) {
	m, err := perf.Open(os.DirFS("/"))
	if err != nil {
		var missing *meter.Missing
		require.ErrorAs(t, err, &missing)
		t.Skip("no such counters here: ", err)
	}
	require.NoError(t, m.Close())
	tracertest.TestMeter(t, func() (meter.Meter, error) { return perf.Open(os.DirFS("/")) })
}

// The very calls that open and read energy events, on one that every kernel
// has: the clock of CPU 0 (PERF_TYPE_SOFTWARE, PERF_COUNT_SW_CPU_CLOCK), in ns.
func TestEventsOfTheKernelThatRunsHere(t *testing.T) {
	if runtime.GOOS != "linux" || host.BootID(os.DirFS("/")) == "" {
		t.Skip("only Linux has such events")
	}
	const software, cpuClock = 1, 0
	before := time.Now()
	e, err := perf.OpenEvent(software, cpuClock, 0)
	if err != nil {
		t.Skip("the kernel does not let this test open an event: ", err)
	}
	opened := time.Now()
	first, err := e.Read()
	require.NoError(t, err)
	second, err := e.Read()
	require.NoError(t, err)
	after := time.Since(before)
	assert.Greater(t, second, first, "it counts")
	assert.LessOrEqual(t, second-first, uint64(time.Since(opened)), "nanoseconds")
	assert.LessOrEqual(t, second, uint64(after), "since it was opened")
	assert.Zero(t, testing.AllocsPerRun(100, func() { _, _ = e.Read() }))
	require.NoError(t, e.Close())
	require.NoError(t, e.Close(), "closing twice does no harm")
	_, err = e.Read()
	assert.Error(t, err)
	_, err = perf.OpenEvent(1<<31, 0, 0)
	assert.Error(t, err, "a PMU that is not there")
}

func BenchmarkRead(b *testing.B) {
	m := open(b, hosttest.Open(b, "server-multi-die"), newKernel())
	var dst []meter.Sample
	b.ReportAllocs()
	for b.Loop() {
		dst, _ = m.Read(dst[:0])
	}
}
