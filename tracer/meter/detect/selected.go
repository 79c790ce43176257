package detect

import (
	"reflect"
	"slices"

	"github.com/ecotracer/ecotracer/tracer/meter"
)

// selected is a meter as detection wants it: without the domains that are left
// out, its parts of a node watched, and a node told without its parts.
type selected struct {
	meter.Meter
	domains []meter.Domain
	roles   []role // beside domains
}

// role is what a domain is in a node of which parts are counted.
type role struct {
	rest *rest // nil: none
	part int   // which part; -1: the node itself
}

// newSelected is the meter itself where nothing of it is changed: it may be able
// to do more than a Meter must.
func newSelected(m meter.Meter, domains []meter.Domain, roles []role) meter.Meter {
	if !slices.ContainsFunc(roles, func(r role) bool { return r.rest != nil }) && reflect.DeepEqual(m.Domains(), domains) {
		return m
	}
	s := selected{m, domains, roles}
	if p, ok := m.(meter.Pacer); ok {
		return struct {
			selected
			meter.Pacer
		}{s, p}
	}
	return s
}

func (m selected) Domains() []meter.Domain { return m.domains }

func (m selected) Read(dst []meter.Sample) ([]meter.Sample, error) {
	from := len(dst)
	dst, err := m.Meter.Read(dst)
	// Parts are watched first: they may be in one reading with their node.
	kept := from
	for _, s := range dst[from:] {
		if s.Domain < 0 || s.Domain >= len(m.domains) || m.domains[s.Domain].LeftOut != "" {
			continue
		}
		if r := m.roles[s.Domain]; r.rest != nil && r.part >= 0 {
			r.rest.observe(r.part, s)
		}
		dst[kept] = s
		kept++
	}
	dst, kept = dst[:kept], from
	for _, s := range dst[from:] {
		if r := m.roles[s.Domain]; r.rest != nil && r.part < 0 {
			var ok bool
			if s, ok = r.rest.sample(s); !ok {
				continue
			}
		}
		dst[kept] = s
		kept++
	}
	return dst[:kept], err
}
