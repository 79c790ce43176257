package prom

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"strconv"

	"github.com/ecotracer/ecotracer/lifecycle"
	"github.com/ecotracer/ecotracer/tracer/meter"
)

// How wrong the figures are, at 95 %. Intel's registers measure current since
// Haswell-EP (Hackenberg et al. 2015, doi:10.1109/IPDPSW.2015.70), AMD's are
// worked out from activity (Schöne et al. 2021, arXiv:2108.00808); NVIDIA's
// sensors are good to 5 % (Yang et al. 2023, arXiv:2312.02741). An estimate of
// Kepler's model server may be off by twice (its issue 1349).
const (
	intelError    = 0.05
	gpuError      = 0.05
	otherError    = 0.10
	estimateError = 1.0
)

// mostW is the greatest plausible power of one device, W: far above any
// product, as it only tells a new start of a counter from nonsense.
var mostW = map[lifecycle.HardwareKind]float64{
	lifecycle.KindCPU: 1000, lifecycle.KindMemory: 500, lifecycle.KindGPU: 3000, lifecycle.KindNode: 50_000,
}

// series is one point that a rule places.
type series struct {
	rule  *rule
	place place
	point point
}

// facts are what an exposition tells beside energy.
type facts struct {
	version    map[string]string // of a tool
	components string            // where old Kepler has the joules of components from
	platform   string            // and those of the node
	vendor     string
	model      string
	sockets    map[string]bool
	server     bool // it is of a Prometheus server
}

// factFamilies are those that facts come from.
var factFamilies = []string{
	"kepler_build_info", "kepler_exporter_build_info", "kepler_node_info", "kepler_node_cpu_info",
	"scaph_self_version", "prometheus_build_info",
}

func (f *facts) take(family string, p point) {
	switch family {
	case "kepler_build_info", "kepler_exporter_build_info":
		f.version[kepler] = p.labels.get("version")
	case "scaph_self_version":
		f.version[scaphandre] = p.text
	case "kepler_node_info":
		f.components = p.labels.get("components_power_source")
		f.platform = p.labels.get("platform_power_source")
	case "kepler_node_cpu_info":
		f.vendor, f.model = p.labels.get("vendor_id"), p.labels.get("model_name")
		if id := p.labels.get("physical_id"); len(f.sockets) < maxDevice {
			f.sockets[id] = true
		}
	case "prometheus_build_info":
		f.server = true
	}
}

// candidate is a domain as the families of one rank tell it.
type candidate struct {
	rank   int
	series []series // one for each part
}

// rivals are the candidates of one domain.
type rivals struct {
	id   string
	list []candidate
}

// group sorts the series by domain and rank. Two series of one part are one
// device told twice, as by its MIG instances: the greater is the newer.
func group(all []series) ([]*rivals, error) {
	byID := map[string]*rivals{}
	var order []*rivals
	for _, s := range all {
		r := byID[s.place.id]
		if r == nil {
			r = &rivals{id: s.place.id}
			byID[s.place.id] = r
			order = append(order, r)
		}
		i := slices.IndexFunc(r.list, func(c candidate) bool { return c.rank == s.rule.rank })
		if i < 0 {
			r.list = append(r.list, candidate{rank: s.rule.rank})
			i = len(r.list) - 1
		}
		c := &r.list[i]
		j := slices.IndexFunc(c.series, func(o series) bool { return o.place.part == s.place.part })
		switch {
		case j < 0:
			c.series = append(c.series, s)
		case s.rule.strict || c.series[j].rule.strict:
			return nil, fmt.Errorf("several series of %s are of one device: say in Label what numbers the devices, or in Match which it is", s.rule.family)
		case c.series[j].place.uuid != s.place.uuid:
			return nil, errSeveralNodes
		case s.point.value > c.series[j].point.value:
			c.series[j] = s
		}
	}
	for _, r := range order {
		slices.SortFunc(r.list, func(a, b candidate) int { return cmp.Compare(b.rank, a.rank) })
	}
	slices.SortStableFunc(order, func(a, b *rivals) int { return compareIDs(a.place(), b.place()) })
	return order, nil
}

func (r *rivals) place() place { return r.list[0].series[0].place }

// compareIDs orders domains: nodes, CPUs, memory, GPUs, each by number.
func compareIDs(a, b place) int {
	kinds := []lifecycle.HardwareKind{lifecycle.KindNode, lifecycle.KindCPU, lifecycle.KindMemory, lifecycle.KindGPU}
	return cmp.Or(
		cmp.Compare(slices.Index(kinds, a.kind), slices.Index(kinds, b.kind)),
		cmp.Compare(a.device, b.device),
		cmp.Compare(a.id, b.id),
	)
}

// best is the first candidate that tells something, or why none does.
func (r *rivals) best() (*candidate, string) {
	why := ""
	for i := range r.list {
		c := &r.list[i]
		raw, bad := c.raw()
		switch first := c.series[0].rule; {
		case len(c.series) < first.parts:
			why = "a part of it is not told, as the idle joules are not where Kepler is configured so"
		case bad:
			why = "what the exporter tells is no number"
		case raw == 0 && !first.power && first.tool != "":
			why = "the counter stands at 0, as exporters tell of what they cannot read"
		default:
			return c, ""
		}
	}
	return &r.list[0], why
}

// raw is the reading, J or W; bad tells that it is none.
func (c *candidate) raw() (sum float64, bad bool) {
	for _, s := range c.series {
		v := s.point.value * s.rule.scale
		bad = bad || !believable(v)
		sum += v
	}
	return sum, bad
}

// believable tells whether a counter in µJ holds so many J: no NaN, no
// infinity, nothing below 0.
func believable(j float64) bool { return j >= 0 && j < math.MaxUint64/2e6 }

// plan decides what of an exposition is counted. It is a pure function of the
// series. Beside the domains it gives what is read for each that is counted.
func plan(all []series, f facts, given []string, getenv func(string) (string, bool)) ([]meter.Domain, []*tracked, error) {
	order, err := group(all)
	if err != nil {
		return nil, nil, err
	}
	var domains []meter.Domain
	var counted []*tracked
	var gpus []device
	for _, r := range order {
		c, why := r.best()
		d := describe(c, f)
		if why != "" && d.LeftOut == "" {
			d.LeftOut, d.Why = "unreadable", why
		}
		if d.Kind == lifecycle.KindGPU {
			gpus = append(gpus, device{d.Device, d.UUID, d.Model, c.series[0].place.split})
		}
		domains = append(domains, d)
		if d.LeftOut == "" {
			counted = append(counted, newTracked(len(domains)-1, c))
		}
	}
	hide(domains, gpus, given, getenv)
	parts(domains)
	counted = slices.DeleteFunc(counted, func(t *tracked) bool { return domains[t.domain].LeftOut != "" })
	return domains, counted, nil
}

// describe makes a domain of a candidate.
func describe(c *candidate, f facts) meter.Domain {
	p, r := c.series[0].place, c.series[0].rule
	d := meter.Domain{
		ID: p.id, Kind: p.kind, Device: p.device, Count: p.count, Name: p.name, Path: r.family,
		Model: p.model, UUID: p.uuid, Within: p.within,
		Method: cmp.Or(r.method, lifecycle.Counter), Sensor: "prom", Mode: r.mode,
		Tool: r.tool, Version: f.version[r.tool],
		Update: r.update, IdleFound: "unknown",
		LeftOut: p.leftOut, Why: cmp.Or(p.why, "told by "+r.family), Fix: p.fix,
	}
	if d.Count > 0 {
		d.Count = max(d.Count, len(f.sockets))
		d.Name += " (all sockets)"
	}
	switch d.Kind {
	case lifecycle.KindCPU:
		d.Model = f.model
		d.RelError = otherError
		if f.vendor == "GenuineIntel" {
			d.RelError = intelError
		}
	case lifecycle.KindGPU:
		d.RelError = gpuError
	default:
		d.RelError = otherError
	}
	if r.tool == kepler {
		f.source(&d)
	}
	d.RelError = cmp.Or(r.relError, d.RelError)
	d.MaxW = cmp.Or(r.maxW, mostW[d.Kind]*float64(max(d.Count, 1)))
	if r.power {
		d.Average = r.update
	} else {
		d.RawJ, _ = c.raw()
		if !believable(d.RawJ) {
			d.RawJ = 0
		}
		if r.mode == "dcgm" {
			d.ResolutionJ = r.scale
		}
	}
	return d
}

// source judges what old Kepler says of where its figures come from. From 0.10
// on it has registers or nothing, and does not tell when it is told to make
// them up for a test (dev.fake-cpu-meter).
func (f *facts) source(d *meter.Domain) {
	if d.Path == "kepler_node_platform_joules_total" {
		switch f.platform {
		case "", "none", "estimator":
			d.LeftOut, d.Why = "refused", "Kepler has no sensor of the whole node"
		default:
			d.Method = lifecycle.Metered
		}
		return
	}
	if f.components == "estimator" && (d.Kind == lifecycle.KindCPU || d.Kind == lifecycle.KindMemory) {
		d.Method, d.RelError = lifecycle.Modelled, estimateError
		d.Why += ", which Kepler estimates as it has no counter"
	}
}

// hide leaves out the GPUs that are not this process's, and names the others
// as CUDA does.
func hide(domains []meter.Domain, gpus []device, given []string, getenv func(string) (string, bool)) {
	v := visible(gpus, given, getenv)
	next := 0
	for i := range domains {
		d := &domains[i]
		if d.Kind != lifecycle.KindGPU {
			continue
		}
		if d.UUID != "" {
			d.Aliases = append(d.Aliases, d.UUID)
		}
		if n := v.ordinal[next]; n >= 0 {
			d.Aliases = append(d.Aliases, "cuda:"+strconv.Itoa(n))
		}
		if !v.mine[next] && d.LeftOut == "" {
			d.LeftOut, d.Why = "refused", "not one of this process's GPUs, as "+v.why+" says"
		}
		next++
	}
}

// parts judges what lies within a package that is not counted.
func parts(domains []meter.Domain) {
	for i := range domains {
		d := &domains[i]
		if d.LeftOut != "contained" {
			continue
		}
		whole := slices.IndexFunc(domains, func(o meter.Domain) bool { return o.ID == d.Within && o.LeftOut == "" })
		if whole < 0 {
			d.LeftOut, d.Why = "refused", "part of a package that is not told; alone it would leave out the rest"
		}
	}
}
