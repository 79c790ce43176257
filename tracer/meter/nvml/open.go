//go:build linux && (amd64 || arm64)

package nvml

import (
	"io/fs"
	"os"
	"strings"
	"time"

	"github.com/ecotracer/ecotracer/tracer/meter"
)

// openLimit is how long the driver may take. Where nobody else keeps it awake
// it sets up its GPUs first, which takes seconds.
var openLimit = 5 * time.Second

// mostGPUs bounds what is believed of a count.
const mostGPUs = 256

// Open opens the GPUs of this host. Where they cannot be metered at all, it
// returns a *meter.Missing that says why and what would mend it; GPUs that this
// process cannot use or that tell nothing are left out, with the reason.
func Open(c Config) (meter.Meter, error) {
	if c.Root == nil {
		c.Root = os.DirFS("/")
	}
	if err := present(c.Root); err != nil {
		return nil, err
	}
	type opened struct {
		m   *nvidia
		err error
	}
	answer := make(chan opened)
	given := make(chan struct{})
	go func() {
		m, err := begin(c)
		select {
		case answer <- opened{m, err}:
		case <-given: // nobody waits any more
			if m != nil {
				_ = m.Close()
			}
		}
	}()
	limit := time.NewTimer(openLimit)
	defer limit.Stop()
	select {
	case o := <-answer:
		if o.err != nil {
			return nil, o.err
		}
		return o.m, nil
	case <-limit.C:
		close(given)
		return nil, missingAnswer()
	}
}

// present tells whether the files below root are of this host and show an
// NVIDIA driver: another host's GPUs cannot be asked from here.
func present(root fs.FS) error {
	if named() != "" {
		return nil
	}
	driver := false
	for _, sign := range []string{"proc/driver/nvidia/version", "dev/nvidiactl", "usr/lib/wsl/lib/libnvidia-ml.so.1"} {
		_, err := fs.Stat(root, sign)
		driver = driver || err == nil
	}
	if !driver {
		return missingDriver()
	}
	there, err := fs.Stat(root, "proc")
	here, err2 := os.Stat("/proc")
	if err != nil || err2 != nil || !os.SameFile(there, here) {
		return missingHost()
	}
	return nil
}

// begin loads the library and asks it for its GPUs. It runs in a goroutine of
// our own, where a panic would end the host program.
func begin(c Config) (m *nvidia, err error) {
	defer func() {
		if p := recover(); p != nil {
			m, err = nil, missingPanic(p)
		}
	}()
	from := places
	if name := named(); name != "" {
		from = []string{name}
	}
	l, err := load(from)
	if err != nil {
		return nil, missingLibrary(err)
	}
	m = &nvidia{pids: c.PIDs, period: period}
	m.library = l
	m.list = make([]byte, 64*longProcessInfo)
	if self := []int{os.Getpid()}; m.pids == nil {
		m.pids = func() []int { return self }
	}
	if r := m.init(); r != success {
		return nil, missingInit(r)
	}
	count, r := m.count()
	if r != success || count == 0 || count > mostGPUs {
		m.giveBack()
		return nil, missingGPUs(r, count)
	}
	m.enumerate(int(count), c)
	return m, nil
}

// enumerate decides on each GPU and begins to count.
func (m *nvidia) enumerate(count int, c Config) {
	driver := m.driverVersion()
	m.long = hasLongProcessInfo(driver)
	seen := make([]described, count)
	names := make([]physical, count)
	for i := range seen {
		seen[i] = m.describe(i, driver)
		names[i] = physical{uuid: seen[i].domain.UUID, model: seen[i].domain.Model}
		for _, in := range seen[i].instances {
			names[i].instances = append(names[i].instances, in.uuid)
		}
	}
	list, set := os.LookupEnv("CUDA_VISIBLE_DEVICES")
	v := visible(list, set, os.Getenv("CUDA_DEVICE_ORDER"), names)
	v.all = v.all || c.All || strings.EqualFold(os.Getenv("ECOTRACER_SCOPE"), "machine")

	m.powers = &powers{nvidia: m}
	for i := range seen {
		m.admit(i, &seen[i], v)
	}
	if len(m.powers.gpus) > 0 {
		m.integrated = meter.Integrate(m.powers)
		m.samples, _ = m.integrated.Read(nil) // they count from here
	}
}

// admit takes a GPU into the meter, counted or not.
func (m *nvidia) admit(i int, d *described, v visibility) {
	d.see(i, v)
	g := &gpu{domain: len(m.domains), index: i, uuid: d.domain.UUID, handle: d.handle, by: d.by}
	if d.domain.LeftOut == "" {
		g.own = m.ownership(i, d, v)
		d.domain.Owned = g.own.how != notOwned
		d.domain.Why += ownWords[g.own.how]
		if len(g.own.instances) > 0 {
			d.domain.RelError = migError
			d.domain.Mode += ", MIG by slices"
		}
	}
	m.domains = append(m.domains, d.domain)
	if d.module != nil {
		m.domains = append(m.domains, *d.module)
	}
	if d.domain.LeftOut != "" {
		return
	}
	m.gpus = append(m.gpus, g)
	if d.by == energyCounter {
		g.counter = meter.Counter{RangeUJ: neverWraps, MaxW: d.domain.MaxW, Rest: rest}
		g.add(d.raw, d.at)
		return
	}
	if d.domain.Average == 0 {
		m.period = fastPeriod
	}
	m.powers.gpus = append(m.powers.gpus, g)
	m.powers.domains = append(m.powers.domains, d.domain)
}

// ownership decides how a GPU's energy is parted between this process and
// others.
func (m *nvidia) ownership(i int, d *described, v visibility) ownership {
	if len(d.instances) == 0 {
		held, r := m.holders(d.handle)
		if r != success || !knowsPIDs() {
			return ownership{}
		}
		_, _, since, _ := m.utilization(d.handle, nil, 0)
		return ownership{how: byProcesses, held: held, since: since}
	}
	o := ownership{how: byInstances, instances: d.instances}
	for j := range d.instances {
		in := &d.instances[j]
		var r result
		if in.held, r = m.holders(in.handle); r != success || !knowsPIDs() {
			o.how = bySlicesOnly
		}
		if len(v.instances) == 0 || v.instances[i*mostInstances+j] {
			o.slices = min(o.slices+in.part, 1)
		}
	}
	return o
}

var ownWords = [...]string{
	notOwned:     "; which processes use it is not known here, so all of it counts as this one's",
	byProcesses:  "; this process's share goes by who holds the GPU, and by use of its multiprocessors where several do",
	byInstances:  "; MIG has no counters of its own: this process's share goes by the compute slices of its instances",
	bySlicesOnly: "; MIG has no counters of its own: this process's share goes by the compute slices of the instances that it may use",
}

// hasLongProcessInfo tells the drivers, 535.43 to 535.86, that changed a struct
// without changing the name of the function (NVIDIA/go-nvml issue 75).
func hasLongProcessInfo(driver string) bool {
	minor, ok := strings.CutPrefix(driver, "535.")
	minor, _, _ = strings.Cut(minor, ".")
	return ok && len(minor) == 2 && minor >= "43" && minor <= "86"
}
