package recordtest

import (
	"fmt"
	"slices"
	"strings"

	"github.com/ecotracer/ecotracer/lifecycle"
)

// spans gives each stage a tree of spans that used its energy and its time.
func (m *maker) spans() {
	r := m.r
	var list []lifecycle.Stage
	for _, p := range r.Phases {
		if sum, ok := m.shared[p.Stage]; ok && (p.Stage != lifecycle.Unassigned || sum.joules > 0) {
			list = append(list, p.Stage)
		}
	}
	for i, s := range list {
		sum, paths := m.shared[s], m.tree(m.size(len(list)-i))
		joules, seconds := m.parts(len(paths)), m.parts(len(paths))
		for k, path := range paths {
			r.Spans = append(r.Spans, m.span(path, s, sum.joules*joules[k], sum.seconds*seconds[k]))
		}
	}
	m.Shuffle(len(r.Spans), func(i, j int) { r.Spans[i], r.Spans[j] = r.Spans[j], r.Spans[i] })
	for i := range r.Spans { // the first that counts anything
		for unit, u := range r.Spans[i].Units {
			if u.Count > 0 && len(r.Spans[i].Units) == 1 && !m.one(4) {
				r.UseCase.FunctionalUnit = &lifecycle.FunctionalUnit{Unit: unit, Path: r.Spans[i].Path}
				return
			}
		}
	}
}

// size is how many paths a stage has, the first of so many.
func (m *maker) size(stages int) int {
	switch {
	case m.plain:
		return max(m.paths-len(m.r.Spans), stages) / stages
	case m.r.Run.Status == lifecycle.Estimated:
		return 1
	}
	return 1 + m.IntN(12)
}

// tree is n paths, parents first. Some trees are as deep as a run allows.
func (m *maker) tree(n int) []string {
	paths := []string{pathEscaper.Replace(fmt.Sprintf("%s %d", m.name(), len(m.r.Spans)))}
	if len(m.r.Spans) > 0 && !m.plain && m.one(4) { // the same code ran in another stage
		root, _, _ := strings.Cut(m.r.Spans[0].Path, "/")
		paths[0] = root
	}
	if n > 1 && !m.plain && m.one(10) {
		for len(paths) < 64 {
			paths = append(paths, paths[len(paths)-1]+"/"+pick(m, "d", "~0", "~1", "(other)"))
		}
		return paths
	}
	for k := 1; k < n; k++ {
		path := paths[m.IntN(min(len(paths), 100))] + "/" + pathEscaper.Replace(fmt.Sprintf("%s %d", m.name(), k))
		if len(path) < 4000 {
			paths = append(paths, path)
		}
	}
	return paths
}

// span is an account that used so much on its own.
func (m *maker) span(path string, stage lifecycle.Stage, joules, seconds float64) lifecycle.Span {
	total := seconds * (1 + m.Float64())
	s := lifecycle.Span{Path: path, Stage: stage, SelfJ: joules, SelfS: seconds, TotalS: total, Count: pick(m, 1, 2, 1+m.whole()>>10)}
	if m.r.Run.Status == lifecycle.Running && m.one(2) {
		s.Open = new(1 + m.Int64N(3))
		s.Count = pick(m, 0, s.Count)
	}
	if s.Count > 0 {
		mean := total / float64(s.Count)
		t := []float64{mean, mean, mean, mean, mean}
		if s.Count > 1 {
			t = []float64{mean * m.Float64(), mean * m.Float64() * 2, mean * m.Float64() * 2, mean * m.Float64() * 2, mean * (1 + m.Float64())}
			slices.Sort(t)
			t[0], t[4] = min(t[0], mean), max(t[4], mean)
		}
		s.MinS, s.P50S, s.P95S, s.P99S, s.MaxS = &t[0], &t[1], &t[2], &t[3], &t[4]
		if m.one(5) {
			s.Failed = m.Int64N(s.Count + 1)
		}
	}
	for m.one(2) {
		if s.Units == nil {
			s.Units = map[string]lifecycle.Unit{}
		}
		s.Units[pick(m, "samples", "tokens", "requests", m.text())] = lifecycle.Unit{Count: pick(m, 0, 1, m.whole())}
	}
	if m.one(8) {
		s.Flags = []string{pick(m, "below-resolution", "split-by-wall", "a-flag-of-tomorrow")}
	}
	return s
}
