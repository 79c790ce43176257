package detect

import (
	"slices"

	"github.com/ecotracer/ecotracer/tracer/meter"
)

// add puts what a source tells that knows of all the others into the tree: it
// tells nothing that another does.
func (t *tree) add(source string, domains []meter.Domain) {
	t.sources = append(t.sources, listing{source, slices.Clone(domains)})
	t.name()
}

// covered is what is counted, and the nodes that cover their parts.
func (t *tree) covered() []meter.Domain {
	var list []meter.Domain
	for _, p := range t.counted() {
		list = append(list, *t.domain(p))
	}
	for _, n := range t.nodes {
		list = append(list, n.whole)
	}
	return list
}

// found are all domains, for the report.
func (t *tree) found() []Found {
	var list []Found
	for i, s := range t.sources {
		for j, d := range s.domains {
			f := Found{Meter: s.source, Domain: d}
			if by, ok := t.by[place{i, j}]; ok {
				f.By = t.domain(by).ID
			}
			list = append(list, f)
		}
	}
	return list
}

// meters are the sources' meters as the tree has them. One with nothing to
// count is closed. Those that tell the rest of a node come last, so that they
// are read when its parts have been.
func (t *tree) meters(open []source) []meter.Meter {
	roles := make([][]role, len(t.sources))
	last := make([]bool, len(t.sources))
	for i, s := range t.sources {
		roles[i] = make([]role, len(s.domains))
	}
	for _, n := range t.nodes {
		if len(n.parts) == 0 {
			continue
		}
		r := newRest(len(n.parts))
		roles[n.at.source][n.at.domain] = role{r, -1}
		last[n.at.source] = true
		for k, p := range n.parts {
			roles[p.source][p.domain] = role{r, k}
			if pacer, ok := open[p.source].open.(meter.Pacer); ok {
				r.parts[k].period, r.parts[k].late = pacer.Period(), pacer.Timeout()
			}
		}
	}
	var meters, rests []meter.Meter
	for i, s := range t.sources {
		m := open[i].open
		switch {
		case !slices.ContainsFunc(s.domains, func(d meter.Domain) bool { return d.LeftOut == "" }):
			discard(m)
		case last[i]:
			rests = append(rests, newSelected(m, s.domains, roles[i]))
		default:
			meters = append(meters, newSelected(m, s.domains, roles[i]))
		}
	}
	return append(meters, rests...)
}

// discard closes a meter that nothing was read of. It is not ours.
func discard(m meter.Meter) {
	defer func() { _ = recover() }()
	_ = m.Close()
}
