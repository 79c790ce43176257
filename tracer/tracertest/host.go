package tracertest

import (
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path"
	"path/filepath"
	"slices"
	"sync"
	"time"

	"github.com/ecotracer/ecotracer/tracer"
)

// HostConfig describes a simulated host. The zero value is an Intel machine
// with one socket of four cores that draws 20 W, serves one process alone,
// and that process keeps one CPU busy.
type HostConfig struct {
	Vendor string // Intel (default) or AMD
	Model  string // CPU model; default a server CPU of the vendor
	Cores  int    // per socket, one thread each; default 4
	Memory int64  // bytes; default 16 GiB

	// Boot is the id of the host's boot, by which records of several processes
	// of it know that they are of one host; default none, as where the kernel
	// does not tell.
	Boot string

	// VM hides the CPU and memory counters, as a virtual machine does; the
	// host still draws its power.
	VM bool

	Packages []Curve // power of each socket; default one of Constant(20), or Zones alone
	DRAM     []Curve // power of the memory of each socket; default no counter
	Psys     Curve   // power of the whole board, all of the above included; default no counter
	Zones    []Zone  // further powercap zones: without Packages, all that there are
	GPUs     []Curve // power of each device: without files, see the method GPUs

	RangeUJ uint64        // where package and psys counters wrap, µJ; default 262143328850
	DRAMUJ  uint64        // where DRAM counters wrap, µJ; default 65712999613
	StartUJ uint64        // what every counter shows at first, µJ
	Update  time.Duration // how often counters move; default at every reading

	Process Curve // CPU seconds of the traced process; default Constant(1)
	Busy    Curve // CPU seconds of all processes; default those of Process
	Cgroup  Curve // CPU seconds of the control group of the process; default no control groups
	Waiting Curve // CPU seconds spent idle, waiting for the disk; default none
	Stolen  Curve // CPU seconds taken by other virtual machines; default none

	// Files are further files, by path below the root: what each appends to
	// text is what the file says at a time since the host was made. A folder
	// is made for each path's folders. A sensor of power, for one:
	//
	//	"sys/class/hwmon/hwmon0/power1_input": func(text []byte, t time.Duration) []byte {
	//		return strconv.AppendInt(text, 20_000_000, 10) // µW
	//	},
	Files map[string]func(text []byte, t time.Duration) []byte
}

// Zone is a powercap zone.
type Zone struct {
	ID      string // folder in sys/class/powercap, such as intel-rapl:0:0
	Name    string // what the zone calls itself, such as core
	Power   Curve
	RangeUJ uint64 // default that of the host
	StartUJ uint64
}

// Host is a simulated host. It is an fs.FS with the files of sys and proc that
// a tracer reads, for tracer.Host: what a file says is worked out from the
// plant when it is read. The same files lie in the folder Dir.
//
// Time is what time.Now says, so a Host made inside a testing/synctest bubble
// gives the exact figures of virtual hours, if its curves do: all but TrueCPU.
// All methods may be called from several goroutines at once.
type Host struct {
	config  HostConfig
	dir     string // root of the simulated host
	gone    string // where what has vanished is kept
	start   time.Time
	live    map[string]source // files that change, by true path below the root
	process Curve

	mu       sync.Mutex
	faults   map[string]fault  // by true path below the root
	vanished map[string][]move // by the path that was asked for
	open     map[*file]struct{}
}

// source is what stands behind a file that changes.
type source interface {
	// append appends what the file says at time t.
	append(buf []byte, t time.Duration) []byte
}

// textFile is a file of HostConfig.Files.
type textFile func(text []byte, t time.Duration) []byte

func (f textFile) append(buf []byte, t time.Duration) []byte { return f(buf, t) }

// NewHost makes a simulated host with its files below a folder, which is best
// t.TempDir(). Inside testing/synctest, make it inside the bubble. It panics
// if the files cannot be written or the description contradicts itself.
func NewHost(folder string, c HostConfig) *Host {
	h := &Host{
		config:   c.withDefaults(),
		dir:      filepath.Join(folder, "root"),
		gone:     filepath.Join(folder, "gone"),
		start:    time.Now(),
		live:     map[string]source{},
		faults:   map[string]fault{},
		vanished: map[string][]move{},
		open:     map[*file]struct{}{},
	}
	h.process = h.config.Process.fromNow()
	if err := h.build(); err != nil {
		panic(fmt.Errorf("tracertest: make simulated host in %s: %w", folder, err))
	}
	return h
}

func (c HostConfig) withDefaults() HostConfig {
	def := func(c *Curve, d Curve) {
		if *c == nil {
			*c = d
		}
	}
	if c.Vendor == "" {
		c.Vendor = "Intel"
	}
	if c.Vendor != "Intel" && c.Vendor != "AMD" {
		panic(fmt.Sprintf("tracertest: HostConfig.Vendor is %q, want Intel or AMD", c.Vendor))
	}
	if c.Model == "" {
		c.Model = map[string]string{
			"Intel": "Intel(R) Xeon(R) Gold 6248 CPU @ 2.50GHz",
			"AMD":   "AMD EPYC 7543 32-Core Processor",
		}[c.Vendor]
	}
	if c.Cores == 0 {
		c.Cores = 4
	}
	if c.Memory == 0 {
		c.Memory = 16 << 30
	}
	if c.Cores < 0 || c.Memory < 0 || c.Update < 0 {
		panic(fmt.Sprintf("tracertest: HostConfig has %d Cores, %d bytes of Memory and an Update of %v, want none below 0", c.Cores, c.Memory, c.Update))
	}
	if len(c.Packages) == 0 && len(c.Zones) == 0 {
		c.Packages = []Curve{Constant(20)}
	}
	if len(c.DRAM) > len(c.Packages) {
		panic(fmt.Sprintf("tracertest: HostConfig has DRAM for %d sockets and Packages for %d", len(c.DRAM), len(c.Packages)))
	}
	if c.RangeUJ == 0 {
		c.RangeUJ = 262_143_328_850
	}
	if c.DRAMUJ == 0 {
		c.DRAMUJ = 65_712_999_613
	}
	def(&c.Process, Constant(1))
	def(&c.Busy, c.Process)
	def(&c.Waiting, Constant(0))
	def(&c.Stolen, Constant(0))
	return c
}

// cpus is the number of CPUs of the host.
func (c HostConfig) cpus() int { return c.Cores * max(1, len(c.Packages)) }

// elapsed is the time that the plants run by.
func (h *Host) elapsed() time.Duration {
	t := time.Since(h.start)
	if h.config.Update > 0 {
		t -= t % h.config.Update
	}
	return t
}

// Dir is the folder that holds the files of the host: its root. A file there
// is as new as the last reading of it through the Host, or as Refresh.
func (h *Host) Dir() string { return h.dir }

// Refresh brings all files in Dir up to date, for a reader that goes to the
// folder itself, such as another process. They are written in place, so that
// files which are open there are up to date too.
func (h *Host) Refresh() error {
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, name := range slices.Sorted(maps.Keys(h.live)) {
		full := filepath.Join(h.dir, name)
		if _, err := os.Stat(full); err != nil {
			continue // vanished
		}
		text, err := h.text(nil, name, nil)
		if err != nil {
			continue // a fault of reading, not of the file
		}
		if err := overwrite(full, text); err != nil {
			return err
		}
	}
	return nil
}

// overwrite replaces what a file says in place: who has it open reads the new
// text, and nobody finds it empty.
func overwrite(name string, text []byte) error {
	f, err := os.OpenFile(name, os.O_WRONLY, 0)
	if err != nil {
		return err
	}
	_, err = f.WriteAt(text, 0)
	return errors.Join(err, f.Truncate(int64(len(text))), f.Close())
}

// CPUTime is the CPU time of the traced process, for tracer.CPUTime.
func (h *Host) CPUTime() time.Duration {
	return time.Duration(h.process(time.Since(h.start)) * float64(time.Second))
}

// Joules is what the zone behind an energy_uj file has truly used since the
// host was made, faults and wraps aside.
func (h *Host) Joules(energyFile string) float64 {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.counter(energyFile).joules(h.elapsed())
}

// Options is what tracer.Begin needs to see this host in place of the true
// one: its files, the CPU time of its process and, if it has any, a new meter
// of its GPUs. To make the meter of the GPUs fail, pass these yourself, with
// tracer.Meters of what GPUs gives. Other options may follow.
func (h *Host) Options() []tracer.Option {
	opts := []tracer.Option{tracer.Host(h), tracer.CPUTime(h.CPUTime)}
	if len(h.config.GPUs) > 0 {
		opts = append(opts, tracer.Meters(h.GPUs()))
	}
	return opts
}

// OpenFiles is the number of files and folders that were opened and not
// closed yet.
func (h *Host) OpenFiles() int {
	h.mu.Lock()
	defer h.mu.Unlock()
	return len(h.open)
}

// EnergyFile is the path of the counter of a zone: intel-rapl:0 is the first
// socket, intel-rapl:0:0 its DRAM.
func EnergyFile(zone string) string {
	return path.Join("sys/class/powercap", zone, "energy_uj")
}

// truth is the path below the root with symbolic links followed. The caller
// holds h.mu or is NewHost.
func (h *Host) truth(name string) string {
	name = path.Clean(name)
	full, err := filepath.EvalSymlinks(filepath.Join(h.dir, filepath.FromSlash(name)))
	if err != nil {
		return name
	}
	root, err := filepath.EvalSymlinks(h.dir)
	if err != nil {
		return name
	}
	rel, err := filepath.Rel(root, full)
	if err != nil {
		return name
	}
	return filepath.ToSlash(rel)
}

// counter is the counter behind an energy_uj file.
func (h *Host) counter(energyFile string) *counter {
	c, ok := h.live[h.truth(energyFile)].(*counter)
	if !ok {
		panic(fmt.Sprintf("tracertest: %s is no counter of this host, want a path such as %s", energyFile, EnergyFile("intel-rapl:0")))
	}
	return c
}

var _ interface {
	fs.StatFS
	fs.ReadDirFS
} = (*Host)(nil)
