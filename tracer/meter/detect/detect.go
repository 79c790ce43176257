// Package detect finds the meters of a host: those that need no more than
// files, and those that were registered. It starts no process and opens no
// network connection, and it can tell what it decided and why.
//
// What meters tell contains one another: a node its packages, memory and cards,
// a package its dies and cores. detect makes one tree of all of it, in which
// each joule is counted once: by the best source of each device, and of a node
// that has a meter of its own by that and the meters of its parts together.
package detect

import (
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strings"

	"github.com/ecotracer/ecotracer/lifecycle"
	"github.com/ecotracer/ecotracer/tracer/meter"
	"github.com/ecotracer/ecotracer/tracer/meter/battery"
	"github.com/ecotracer/ecotracer/tracer/meter/hwmon"
	"github.com/ecotracer/ecotracer/tracer/meter/model"
	"github.com/ecotracer/ecotracer/tracer/meter/perf"
	"github.com/ecotracer/ecotracer/tracer/meter/powercap"
)

// Report is what detection found.
type Report struct {
	Domains []Found         // every domain that was seen, counted or not
	Missing []meter.Missing // what could be metered and is not, and what would mend it
}

// Found is a domain and the meter that tells it.
type Found struct {
	Meter string // powercap, model, a registered name, or given
	meter.Domain
	By string // ID of the domain that is counted in its place, where one is
}

// opener is a kind of meter that needs no more than files.
type opener struct {
	name string
	open func(root fs.FS) (meter.Meter, error)
}

// files are the kinds of meters that need no more than files, in the order in
// which they win over equals.
var files = []opener{
	{"perf", perf.Open},
	{"powercap", powercap.Open},
	{"hwmon", hwmon.Open},
	{"hwmon-slow", hwmon.OpenSlow},
	{"battery", battery.Open},
}

// source is an open meter.
type source struct {
	name string
	open meter.Meter
}

// Detect opens the meters of the host below root (os.DirFS("/") is this host)
// and returns those that have something to count, with those that are given;
// the caller closes them. Of several that tell the same device the best is
// counted: metered before counter before declared before modelled, and of
// equals the one that comes first, the given ones before all. What none of them
// tells is modelled as far as the factors know of it. A given meter that is
// left with nothing to count is closed.
//
// Where a meter tells a whole node, its parts that have a meter of their own
// are counted by that, and the node's by what it draws beyond them, in the
// domain node0/rest. The meters then belong together: what is beyond the parts
// is known from the reading of all.
//
// It never fails: what could not be opened is in the report.
func Detect(root fs.FS, given ...meter.Meter) ([]meter.Meter, Report) {
	var r Report
	var found []source
	var reported []listing
	try := func(name string, open func(fs.FS) (meter.Meter, error)) {
		m, err := guard(name, root, open)
		if err != nil {
			r.miss(name, err)
			return
		}
		found = append(found, source{name, m})
		reported = append(reported, listing{name, m.Domains()})
	}
	for _, m := range given {
		found = append(found, source{"given", m})
		reported = append(reported, listing{"given", m.Domains()})
	}
	for _, f := range files {
		try(f.name, f.open)
	}
	for name, open := range meter.Sources() {
		try(name, open)
	}
	t := fuse(reported)
	t.idle(root)
	m, err := guard("model", root, func(root fs.FS) (meter.Meter, error) { return model.Open(root, t.covered()...) })
	switch {
	case err == nil:
		found = append(found, source{"model", m})
		t.add("model", m.Domains())
	case !errors.Is(err, model.ErrNothingLeft):
		r.miss("model", err)
	}
	r.Domains = t.found()
	r.forgive()
	r.missUnreadable()
	r.missHardware(root)
	return t.meters(found), r
}

// guard opens a meter and turns a panic into an error: detection runs in
// programs that never asked for this very meter.
func guard(name string, root fs.FS, open func(fs.FS) (meter.Meter, error)) (m meter.Meter, err error) {
	defer func() {
		if p := recover(); p != nil {
			m, err = nil, fmt.Errorf("opening the meter %s panicked: %v", name, p)
		}
	}()
	m, err = open(root)
	if err == nil && m == nil {
		err = fmt.Errorf("opening the meter %s gave none", name)
	}
	return m, err
}

// miss lists what could not be opened. A source that finds none of its hardware
// is nothing to mend, but for the counters of the CPU, which are looked for.
func (r *Report) miss(name string, err error) {
	m := (*meter.Missing)(nil)
	if !errors.As(err, &m) {
		m = &meter.Missing{What: name, Why: strings.TrimPrefix(err.Error(), name+": "), Err: err}
	}
	if errors.Is(err, meter.ErrNoHardware) || name != "powercap" && m.Fix == "" && errors.Is(m.Err, fs.ErrNotExist) {
		return
	}
	r.Missing = append(r.Missing, *m)
}

// forgive takes from what is missing the counters that another source reads:
// those that perf may not read and powercap does.
func (r *Report) forgive() {
	r.Missing = slices.DeleteFunc(r.Missing, func(m meter.Missing) bool {
		return slices.ContainsFunc(r.Domains, func(d Found) bool {
			what, _, _ := strings.Cut(m.What, " (") // rapl (perf)
			return d.LeftOut == "" && d.Sensor == what
		})
	})
}

// readsToo tells whether another meter reads the sensor of a domain.
func (r *Report) readsToo(d Found) bool {
	return slices.ContainsFunc(r.Domains, func(o Found) bool {
		return o.LeftOut == "" && o.Meter != d.Meter && o.Sensor == d.Sensor && same(&o.Domain, &d.Domain)
	})
}

// node is the domain that tells what the whole machine draws, if there is one;
// psys does not, as no card is in it.
func (r *Report) node() (id string) {
	for _, d := range r.Domains {
		if d.Kind == lifecycle.KindNode && d.LeftOut == "" && d.Method != lifecycle.Modelled && d.Sensor != "rapl" {
			id = d.ID
		}
	}
	return id
}

// missUnreadable lists the domains that were seen and cannot be read, and that
// nothing is counted in place of, those with the same cause in one line.
func (r *Report) missUnreadable() {
	type cause struct {
		sensor, why, fix string
		uncounted        bool
	}
	at := map[cause]int{}
	for _, d := range r.Domains {
		if d.LeftOut != "unreadable" || d.Within != "" || d.By != "" || r.readsToo(d) {
			continue
		}
		modelled := d.Kind == lifecycle.KindCPU || d.Kind == lifecycle.KindMemory || d.Kind == lifecycle.KindNode
		of := cause{d.Sensor, d.Why, d.Fix, !modelled && r.node() == ""}
		if i, ok := at[of]; ok {
			r.Missing[i].What += ", " + d.ID
			continue
		}
		at[of] = len(r.Missing)
		r.Missing = append(r.Missing, meter.Missing{What: d.Sensor + " " + d.ID, Why: d.Why, Fix: d.Fix, Uncounted: of.uncounted})
	}
}
