package lifecycle

import (
	"cmp"
	"slices"
	"strings"
)

// kin tells of each span which span it is a part of.
type kin struct {
	parent  []int // index of the parent's account; -1 for a root, or if it is not there
	deepest []int // all spans, children before parents
}

// parentPath is the path without its last name; "" for a root.
func parentPath(path string) string {
	return path[:max(0, strings.LastIndexByte(path, '/'))]
}

// kinship finds the parents. A path that has accounts in several stages takes
// its children to the account of their stage if there is one, else to its
// first.
func kinship(spans []Span) kin {
	type account struct {
		path  string
		stage Stage
	}
	exact := make(map[account]int, len(spans))
	first := make(map[string]int, len(spans))
	for i := range spans {
		s := &spans[i]
		exact[account{s.Path, s.Stage}] = i
		if _, ok := first[s.Path]; !ok {
			first[s.Path] = i
		}
	}
	k := kin{make([]int, len(spans)), make([]int, len(spans))}
	for i := range spans {
		s := &spans[i]
		k.deepest[i], k.parent[i] = i, -1
		path := parentPath(s.Path)
		if p, ok := exact[account{path, s.Stage}]; ok && path != "" {
			k.parent[i] = p
		} else if p, ok := first[path]; ok && path != "" {
			k.parent[i] = p
		}
	}
	slices.SortStableFunc(k.deepest, func(a, b int) int { return cmp.Compare(len(spans[b].Path), len(spans[a].Path)) })
	return k
}

// refreshSpans computes what each span used with its descendants (R27) and
// what one of its units cost (R29).
func (b *basis) refreshSpans() error {
	spans := slices.Clone(b.record.Spans)
	for i := range spans {
		if !isAmount(spans[i].SelfJ) {
			return amount(spans[i].SelfJ, b.pointer("spans", i, "self_j"))
		}
		spans[i].TotalJ = spans[i].SelfJ
	}
	k := kinship(spans)
	for _, i := range k.deepest {
		if p := k.parent[i]; p >= 0 {
			spans[p].TotalJ += spans[i].TotalJ
		}
	}
	intensity, told := b.spanIntensity()
	for i := range spans {
		s := &spans[i]
		if len(s.Units) == 0 {
			continue
		}
		units := make(map[string]Unit, len(s.Units))
		for name, u := range s.Units {
			if u.Count < 0 {
				return amount(float64(u.Count), b.pointer("spans", i, "units", name, "count"))
			}
			n := Unit{Count: u.Count}
			if u.Count > 0 {
				j := s.TotalJ / float64(u.Count)
				n.JPerUnit = &j
				if told {
					g := j * intensity
					n.GCO2ePerUnit = &g
				}
			}
			units[name] = n
		}
		s.Units = units
	}
	b.record.Spans = spans
	return nil
}

// spanIntensity is the operational grams of a joule, PUE × grid / 3.6e6, where
// it is the same for all of the run: with one environment and no profile.
func (b *basis) spanIntensity() (g float64, ok bool) {
	if len(b.record.Environments) != 1 {
		return 0, false
	}
	for i := range b.record.Phases {
		if len(b.record.Phases[i].Profile) > 0 {
			return 0, false
		}
	}
	p := b.places[b.record.Environments[0].ID]
	if p == nil || p.err != nil {
		return 0, false
	}
	return b.value(p.pue) * b.value(p.grid) / joulesPerKWh, true
}
