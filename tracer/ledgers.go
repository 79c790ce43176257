package tracer

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"time"

	"github.com/ecotracer/ecotracer/factors"
	"github.com/ecotracer/ecotracer/internal/calibration"
	"github.com/ecotracer/ecotracer/internal/host"
	"github.com/ecotracer/ecotracer/lifecycle"
	"github.com/ecotracer/ecotracer/tracer/meter"
	"github.com/ecotracer/ecotracer/tracer/meter/detect"
)

// ledgerSet is the ledgers of the process: one for its host, and one for each
// run that brings its own host, meters or clock.
type ledgerSet struct {
	mu   sync.Mutex
	host *ledger
	all  []*ledger
}

var ledgers ledgerSet

func (ls *ledgerSet) open() []*ledger {
	ls.mu.Lock()
	defer ls.mu.Unlock()
	return slices.Clone(ls.all)
}

// join puts a run on the ledger of its host, and opens that if there is none.
func (ls *ledgerSet) join(r *Run) error {
	c := &r.cfg
	own := c.root != nil || len(c.meters) > 0 || c.cpuTime != nil || c.scope == lifecycle.ScopeCgroup || virtualTime()
	ls.mu.Lock()
	defer ls.mu.Unlock()
	var err error
	l := ls.host
	if own || l == nil {
		l, err = newLedger(c)
		l.sampler.turns = turns{boot: l.boot, job: r.job.trace, ranks: r.job.local}
		l.divideDevices(r.job.local)
		ls.all = append(ls.all, l)
		if !own {
			ls.host = l
		}
	}
	r.ledger = l
	err = errors.Join(err, r.claimMachine())
	if l.sampler.stop != nil {
		l.freshen()
	}
	l.tickThen(func(l *ledger) {
		r.enter(l)
		l.sampler.early = l.t + int64(earlyFor)
		if l.sampler.period == 0 || c.sampling < l.sampler.period {
			l.sampler.period = c.sampling
		}
	})
	if l.sampler.stop == nil {
		l.startSampler()
	}
	return err
}

// claimMachine sees to it that of all processes of a host one at most counts
// all that the host uses as its own: the others have their share. It tells
// what keeps it from that.
func (r *Run) claimMachine() error {
	if r.cfg.scope != lifecycle.ScopeMachine {
		return nil
	}
	var err error
	switch r.machine, err = takeHostLock(r.ledger.boot, "machine"); {
	case err == nil, err == errNoLocks:
		return nil
	case errors.Is(err, errRuns):
		r.cfg.scope, r.cfg.taken = lifecycle.ScopeProcess, true
		return nil
	}
	return fmt.Errorf("tracer: whether another process counts all of this machine too cannot be told: %w; name a folder for locks in ECOTRACER_RUNTIME_DIR", err)
}

// leave closes the ledger of a run that has left it, if it was the last.
func (ls *ledgerSet) leave(r *Run) {
	l := r.ledger
	ls.mu.Lock()
	l.mu.Lock()
	// Of runs that end at the same moment each may find that none is left.
	last := len(l.runs) == 0 && slices.Contains(ls.all, l)
	l.mu.Unlock()
	if last {
		ls.all = slices.DeleteFunc(ls.all, func(o *ledger) bool { return o == l })
		if ls.host == l {
			ls.host = nil
		}
	}
	ls.mu.Unlock()
	if last {
		l.stopSampler()
	}
}

// newLedger opens a host's meters. Where none can be opened the ledger has no
// domain, and the records say what is missing.
func newLedger(c *config) (*ledger, error) {
	l := &ledger{base: time.Now(), machine: machineOf(host.Facts{}), tracedSince: -1}
	root := c.root
	if root == nil {
		root = os.DirFS("/")
	}
	var errs []error
	if c.scope == lifecycle.ScopeCgroup {
		l.boot = host.BootID(root)
		if err := l.usage.openGroup(root, l.boot); err != nil {
			c.scope, c.taken = lifecycle.ScopeProcess, errors.Is(err, errRuns)
			if !c.taken {
				errs = append(errs, fmt.Errorf("tracer: the CPU time of the control group cannot be read, so the scope is the process: %w", err))
			}
		}
	}
	if l.usage.group == nil {
		l.usage.cpu = lasting(c.cpuTime)
	}
	attempt := func(what string, f func() error) {
		if err := guard(what, f); err != nil {
			errs = append(errs, err)
		}
	}
	attempt("reading the host", func() error {
		l.facts, l.boot = host.Read(root), host.BootID(root)
		l.machine = machineOf(l.facts)
		return nil
	})
	var given []meter.Meter
	for _, m := range c.meters {
		attempt(fmt.Sprintf("opening the meter %T", m), func() error {
			m.Domains()
			given = append(given, m)
			return nil
		})
	}
	attempt("opening the meters", func() error {
		var ms []meter.Meter
		ms, l.report = detect.Detect(root, given...)
		for _, m := range ms {
			l.addMeter(m)
		}
		l.usage.busy = busyOf(ms)
		l.idleByFactor()
		return l.idleByCalibration(root)
	})
	attempt("reading the host's CPU time", func() error {
		if l.usage.busy != nil {
			return nil
		}
		stat, err := host.OpenStat(root)
		if errors.Is(err, fs.ErrNotExist) {
			return nil
		}
		if err == nil {
			l.usage.stat, l.usage.busy = stat, stat.Read
		}
		return err
	})
	u := l.usage.read(l)
	for _, g := range l.groups {
		g.last = u
	}
	return l, errors.Join(errs...)
}

// guard turns a panic of what the host program gave us into an error.
func guard(what string, f func() error) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("tracer: %s panicked: %v", what, p)
		}
	}()
	return f()
}

// lasting is a process's CPU time that falls back on what it told last when
// it panics; by default that of this process.
func lasting(cpuTime func() time.Duration) func() time.Duration {
	if cpuTime == nil {
		return processCPUTime
	}
	var last time.Duration
	return func() time.Duration {
		_ = guard("CPUTime", func() error {
			last = cpuTime()
			return nil
		})
		return last
	}
}

// addMeter gives a meter's counted domains a group.
func (l *ledger) addMeter(m meter.Meter) {
	g := &group{id: len(l.groups), meter: m, t: -1}
	for i, md := range m.Domains() {
		g.index = append(g.index, -1)
		if md.LeftOut != "" {
			continue
		}
		d := &domain{Domain: md, group: g, slot: len(g.domains), device: -1, among: 1, minW: -1, hw: hardwareID(md.Kind, md.ID), conds: map[meter.Condition]int64{}}
		g.index[i] = d.slot
		if isAccelerator(md.Kind) {
			d.device = len(l.devices)
			l.devices = append(l.devices, deviceClock{id: md.ID, aliases: md.Aliases})
			g.own = append(g.own, d.slot)
		} else {
			g.shared = append(g.shared, d.slot)
		}
		g.domains = append(g.domains, d)
	}
	n := len(g.domains)
	if n == 0 {
		closeMeter(m)
		return
	}
	g.scratch, g.ownE = make([]float64, n), make([]float64, n)
	g.pool, g.unowned, g.window = make([]float64, n), make([]float64, n), make([]float64, n)
	g.sumE, g.sumSE, g.sumOE = make([]float64, n), make([]float64, n), make([]float64, n)
	g.buf = make([]meter.Sample, 0, len(g.index))
	if p, ok := m.(meter.Pacer); ok {
		g.slow = newSlowReader(m, p)
	}
	l.groups = append(l.groups, g)
}

// divideDevices says that the ranks of a job have in common what devices they
// see, where nobody tells who uses which: in a container the driver does not.
// A rank that sees only some of the host's devices has been given those.
func (l *ledger) divideDevices(ranks int) {
	if ranks < 2 {
		return
	}
	var devices []*domain
	type place struct {
		kind   lifecycle.HardwareKind
		number int
	}
	seen := map[place]bool{}
	for _, g := range l.groups {
		for _, i := range g.own {
			d := g.domains[i]
			devices = append(devices, d)
			seen[place{d.Kind, d.Device}] = true
		}
	}
	for _, f := range l.report.Domains {
		if isAccelerator(f.Kind) && f.LeftOut != "" && !seen[place{f.Kind, f.Device}] {
			return
		}
	}
	for _, d := range devices {
		if !d.Owned {
			d.among = ranks
		}
	}
}

// isAccelerator tells whether devices of a kind can be claimed.
func isAccelerator(kind lifecycle.HardwareKind) bool {
	return kind == lifecycle.KindGPU || kind == "npu" || kind == "fpga"
}

// idleByCalibration takes the idle power that was measured on this host, which
// is better than what others know of its kind.
func (l *ledger) idleByCalibration(root fs.FS) error {
	name := calibration.Path
	if own := os.Getenv("ECOTRACER_CALIBRATION"); own != "" {
		root, name = os.DirFS(filepath.Dir(own)), filepath.Base(own)
	}
	idle, err := calibration.Read(root, name, l.facts)
	if err != nil {
		return fmt.Errorf("tracer: the idle power that was measured is not used: %w; run `ecotracer calibrate` on this host", err)
	}
	for _, g := range l.groups {
		for _, d := range g.domains {
			if w := idle[d.ID]; w > 0 && d.Method != lifecycle.Modelled {
				d.IdleW, d.IdleFound = w, "calibration"
			}
		}
	}
	return nil
}

// idleByFactor takes the factors' idle power for domains of which the meter
// knows none. A counter tells what was used, not what idling would have.
func (l *ledger) idleByFactor() {
	cpu, err := factors.LookupCPU(l.facts.CPU.Model, "", 0)
	if err != nil || l.facts.VM {
		return
	}
	memory, err := factors.Lookup(factors.Query{Kind: factors.IdlePower, Class: "memory"})
	if err != nil {
		return
	}
	for _, g := range l.groups {
		for _, d := range g.domains {
			if d.IdleW > 0 || d.Method != lifecycle.Counter {
				continue
			}
			switch d.Kind {
			case lifecycle.KindCPU:
				d.IdleW, d.IdleFound = cpu.Idle.Value*float64(max(d.Count, 1)), "factor"
			case lifecycle.KindMemory:
				gb := float64(l.facts.MemoryBytes) / 1e9 * min(float64(max(d.Count, 1))/float64(max(l.facts.CPU.Sockets, 1)), 1)
				d.IdleW, d.IdleFound = memory.Value*gb, "factor"
			}
		}
	}
}
