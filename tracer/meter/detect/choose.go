package detect

import (
	"slices"
	"strings"

	"github.com/ecotracer/ecotracer/lifecycle"
	"github.com/ecotracer/ecotracer/tracer/meter"
)

// source is an open meter and what becomes of its domains.
type source struct {
	name    string
	open    meter.Meter
	domains []meter.Domain
	changed bool // domains are no longer those of the meter
}

func newSource(name string, m meter.Meter) source {
	return source{name: name, open: m, domains: slices.Clone(m.Domains())}
}

// device is what two meters must not both count.
type device struct {
	kind   lifecycle.HardwareKind
	number int
	rest   bool // of a node: what is beyond its parts
}

func deviceOf(d meter.Domain) device {
	return device{d.Kind, d.Device, strings.HasSuffix(d.ID, "/rest")}
}

// rank orders the methods, the best first.
func rank(m lifecycle.Method) int {
	return slices.Index([]lifecycle.Method{lifecycle.Modelled, lifecycle.Declared, lifecycle.Counter, lifecycle.Metered}, m)
}

// choose leaves out what another source tells better, and the parts of a node
// that is counted as a whole.
func choose(sources []source) {
	best := map[device]int{} // source, by what it tells
	rankOf := map[device]int{}
	node := -1
	for i, s := range sources {
		for _, d := range s.domains {
			if d.LeftOut != "" {
				continue
			}
			k := deviceOf(d)
			if at, ok := rankOf[k]; !ok || rank(d.Method) > at {
				best[k], rankOf[k] = i, rank(d.Method)
			}
			if k.kind == lifecycle.KindNode && !k.rest {
				node = best[k]
			}
		}
	}
	for i := range sources {
		s := &sources[i]
		for j := range s.domains {
			d := &s.domains[j]
			if d.LeftOut != "" {
				continue
			}
			by := best[deviceOf(*d)]
			switch {
			case by != i:
				d.LeftOut, d.Why = "mirrored", sources[by].name+" tells the same device"
				s.changed = true
			case node >= 0 && node != i:
				d.LeftOut, d.Why = "contained", "part of the node, which "+sources[node].name+" tells as a whole"
				s.changed = true
			}
		}
	}
}

// name sees to it that the IDs are unique on the host, over all meters. What
// is counted keeps its ID before what is left out.
func name(sources []source) {
	taken := map[string]bool{}
	for _, counted := range []bool{true, false} {
		for i := range sources {
			s := &sources[i]
			for j := range s.domains {
				d := &s.domains[j]
				if (d.LeftOut == "") != counted {
					continue
				}
				if taken[d.ID] {
					d.ID = s.name + ":" + d.ID
					s.changed = true
				}
				taken[d.ID] = true
			}
		}
	}
}

func countedOf(sources []source) []meter.Domain {
	var counted []meter.Domain
	for _, s := range sources {
		for _, d := range s.domains {
			if d.LeftOut == "" {
				counted = append(counted, d)
			}
		}
	}
	return counted
}

// meter is the source's meter, without the domains that were left out; nil,
// and closed, if none is left.
func (s source) meter() meter.Meter {
	if !slices.ContainsFunc(s.domains, func(d meter.Domain) bool { return d.LeftOut == "" }) {
		defer func() { _ = recover() }() // it is not ours, and nothing was read of it
		_ = s.open.Close()
		return nil
	}
	if !s.changed {
		return s.open
	}
	m := selected{s.open, s.domains}
	if p, ok := s.open.(meter.Pacer); ok {
		return struct {
			selected
			meter.Pacer
		}{m, p}
	}
	return m
}

// selected is a meter without some of its domains.
type selected struct {
	meter.Meter
	domains []meter.Domain
}

func (m selected) Domains() []meter.Domain { return m.domains }

func (m selected) Read(dst []meter.Sample) ([]meter.Sample, error) {
	kept := len(dst)
	dst, err := m.Meter.Read(dst)
	for _, s := range dst[kept:] {
		if s.Domain < 0 || s.Domain >= len(m.domains) || m.domains[s.Domain].LeftOut != "" {
			continue
		}
		dst[kept] = s
		kept++
	}
	return dst[:kept], err
}
