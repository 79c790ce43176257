package dataset

import (
	"cmp"
	"math"
	"slices"
)

// conformal tells how far off predictions were of runs that they were not
// learned from, in units of the standard deviations that they were told with.
//
// Runs are left out by series, in at most ten folds, so that siblings tell
// nothing of one another; for plans of a series that is known they are left out
// one by one, in folds of runs. The quantile of these distances, at the level
// (1 − α)(G + 1)/G of G series, is what the interval reaches to: cross-conformal
// prediction with normalised residuals (Vovk 2015; Barber et al. 2021), where
// series count alike (Lee, Barber and Willett 2023), by group where a group is
// large enough (Mondrian; Vovk, Gammerman and Shafer 2005).
type conformal struct {
	whole   reach            // of a new series
	sibling reach            // of one that is known
	student float64          // what few runs reach to, whatever they were off
	groups  map[string]reach // of a model of devices, or a regime, as new series
	missed  Error            // how far off, leaving series out (runs, of a single series)
	drift   drift            // over the years
}

// reach is how many standard deviations an interval reaches to.
type reach struct {
	at float64 // the quantile; +Inf if there are too few
	n  int     // what it is told from
}

const (
	coverage90 = 0.90 // of the intervals
	maxFolds   = 10
	fewSeries  = 9    // (1 − α)(G + 1)/G is at most 1 from here on
	manySeries = 50.0 // from here on nothing else is minded
	ownGroup   = 60   // series, or runs, from which on a group has its own quantile
)

// Error is how far off predictions were of runs that they were not learned from.
// Factors are ratios of the larger to the smaller: 1.3 is 30 % too much, or what
// that would be too little for.
type Error struct {
	Runs       int     `json:"runs"`
	Factor     float64 `json:"factor"`      // median
	Factor90   float64 `json:"factor_90"`   // of nine in ten
	Percent    float64 `json:"percent"`     // median of |predicted/was − 1|, %
	PriorAlone float64 `json:"prior_alone"` // median factor of physics alone
	Covered    float64 `json:"covered"`     // share of runs within their 90 % interval
	Without    string  `json:"without"`     // what each was told without: its program, or run (itself)
}

// leftOut is a run that was left out.
type leftOut struct {
	ob       *observed
	off      float64 // was − told, in units of the sigma of physics
	distance float64 // |off| in standard deviations
	sd       float64
}

// calibrate leaves runs out and sees how far off what is told is.
func (m *pooled) calibrate(list []*observed) {
	m.whole, m.sibling = reach{math.Inf(1), 0}, reach{math.Inf(1), 0}
	if m.n > 0 {
		m.student = studentBound(float64(4+m.n), 1-coverage90)
	}
	if len(list) < 2 || m.b == nil {
		return
	}
	all := m.gather(list)
	own := func(ob *observed) string { return cmp.Or(ob.in[bySeries], "\x00"+ob.run) }
	out := m.leave(list, all, own)
	if len(m.levels[bySeries]) > 0 {
		siblings := m.leave(list, all, func(ob *observed) string { return ob.run })
		if out == nil {
			m.missed = m.missedBy(siblings, reach{})
			m.missed.Without = "run"
		}
		siblings = slices.DeleteFunc(siblings, func(l leftOut) bool { _, ok := m.levels[bySeries][l.ob.in[bySeries]]; return !ok })
		m.sibling = reachOf(siblings, func(ob *observed) string { return ob.run })
		if out == nil {
			m.missed.Covered = m.coveredBy(siblings, m.sibling)
		}
	}
	if out == nil {
		return
	}
	m.whole = reachOf(out, own)
	m.groups = map[string]reach{}
	byGroup := map[string][]leftOut{}
	for _, l := range out {
		for _, g := range []int{byModel, byRegime} {
			byGroup[l.ob.in[g]] = append(byGroup[l.ob.in[g]], l)
		}
	}
	for name, of := range byGroup {
		if r := reachOf(of, own); r.n >= ownGroup && name != "" {
			m.groups[name] = r
		}
	}
	m.missed = m.missedBy(out, m.whole)
	m.drift = m.driftOf(out, own)
}

// leave tells of each run what is predicted without it and all that has the same
// key; nil if all have.
func (m *pooled) leave(list []*observed, all *system, key func(*observed) string) []leftOut {
	folds := map[string]int{}
	var keys []string
	for _, ob := range list {
		k := key(ob)
		if _, ok := folds[k]; !ok {
			folds[k] = 0
			keys = append(keys, k)
		}
	}
	if len(keys) < 2 {
		return nil
	}
	slices.SortFunc(keys, func(a, b string) int { return cmp.Or(cmp.Compare(runHash(a), runHash(b)), cmp.Compare(a, b)) })
	n := min(len(keys), maxFolds)
	if len(keys) <= 30 {
		n = len(keys)
	}
	for i, k := range keys {
		folds[k] = i % n
	}
	in := make([][]int, n)
	for i, ob := range list {
		f := folds[key(ob)]
		in[f] = append(in[f], i)
	}
	out := make([]leftOut, 0, len(list))
	precisions := m.precisions()
	for _, fold := range in {
		s := &system{&square{m.width, slices.Clone(all.a.a)}, slices.Clone(all.r)}
		for _, i := range fold {
			s.add(&m.rows[i], list[i].ratio[m.quantity], -m.influence(i, list[i]))
		}
		b, cov := s.solve(precisions)
		if b == nil {
			continue
		}
		for _, i := range fold {
			ob := list[i]
			mean, variance := m.tell(&m.rows[i], ob.in, b, cov)
			l := leftOut{ob: ob, off: ob.ratio[m.quantity] - mean, sd: math.Sqrt(variance)}
			l.distance = math.Abs(l.off) / l.sd
			out = append(out, l)
		}
	}
	return out
}

// reachOf is the quantile of distances, where what has the same key counts as
// one.
func reachOf(out []leftOut, key func(*observed) string) reach {
	n := map[string]float64{}
	for _, l := range out {
		n[key(l.ob)]++
	}
	groups := float64(len(n))
	r := reach{math.Inf(1), len(n)}
	if len(n) < fewSeries {
		return r
	}
	sorted := slices.Clone(out)
	slices.SortFunc(sorted, func(a, b leftOut) int { return cmp.Compare(a.distance, b.distance) })
	want, sum := coverage90*(groups+1)-1e-9, 0.0
	for _, l := range sorted {
		if sum += 1 / n[key(l.ob)]; sum >= want {
			r.at = l.distance
			break
		}
	}
	return r
}

func (m *pooled) coveredBy(out []leftOut, r reach) float64 {
	n, at := 0, m.reachWith(r)
	for _, l := range out {
		if l.distance <= at {
			n++
		}
	}
	return float64(n) / float64(max(len(out), 1))
}

// missedBy sums up.
func (m *pooled) missedBy(out []leftOut, r reach) Error {
	e := Error{Runs: len(out), Covered: m.coveredBy(out, r), Without: "program"}
	var off, percent, alone []float64
	for _, l := range out {
		s := l.ob.sigma[m.quantity]
		off = append(off, math.Abs(l.off)*s)
		percent = append(percent, 100*math.Abs(math.Expm1(-l.off*s)))
		alone = append(alone, math.Abs(l.ob.ratio[m.quantity])*s)
	}
	e.Factor, e.Factor90 = math.Exp(quantileOf(off, 0.5)), math.Exp(quantileOf(off, 0.9))
	e.Percent, e.PriorAlone = quantileOf(percent, 0.5), math.Exp(quantileOf(alone, 0.5))
	return e
}

// quantileOf is a quantile of numbers in any order, which it sorts.
func quantileOf(x []float64, p float64) float64 {
	if len(x) == 0 {
		return math.NaN()
	}
	slices.Sort(x)
	at := p * float64(len(x)-1)
	i := int(at)
	if i+1 == len(x) {
		return x[i]
	}
	return x[i] + (at-float64(i))*(x[i+1]-x[i])
}

// reachWith is how many standard deviations an interval reaches to: the quantile,
// or where there are too few to tell it, that of Student's t with four degrees of
// freedom more than runs; without any it is that of physics. In between what the
// quantile is less than that counts the more the more there are.
func (m *pooled) reachWith(r reach) float64 {
	t := cmp.Or(m.student, z90)
	switch {
	case math.IsInf(r.at, 1):
		return t
	case r.at < t && r.n < manySeries:
		return r.at + (t-r.at)*(manySeries-float64(r.n))/(manySeries-fewSeries)
	}
	return r.at
}

// reachFor is that of a plan.
func (m *pooled) reachFor(in [groupings]string) (at float64, from string) {
	if _, known := m.levels[bySeries][in[bySeries]]; known && in[bySeries] != "" {
		return m.reachWith(m.sibling), "series"
	}
	for _, g := range []int{byModel, byRegime} {
		if r, ok := m.groups[in[g]]; ok && in[g] != "" && !math.IsInf(r.at, 1) {
			return m.reachWith(r), in[g]
		}
	}
	return m.reachWith(m.whole), ""
}
