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
//
// Where the records drift over the years, what comes later is not what came
// before, and leaving out tells nothing of it: there runs are told from those
// before them (a rolling origin; Tashman 2000).
type conformal struct {
	whole   reach                       // of a new series
	sibling reach                       // of one that is known
	student float64                     // what few runs reach to, whatever they were off
	groups  [groupings]map[string]reach // of new series
	missed  Error                       // how far off, leaving series out (runs, of a single series)
}

// reach is how many standard deviations an interval reaches to, and how much of
// what was learned counts.
type reach struct {
	at   float64 // the quantile; +Inf if there are too few
	n    int     // what it is told from
	gain float64 // part of the correction of physics, 0 to 1
}

// part is what is told with that part of a correction, and its variance.
func (r reach) part(mean, variance float64) (float64, float64) {
	left := (1 - r.gain) * mean
	return r.gain * mean, variance + left*left
}

const (
	coverage90 = 0.90 // of the intervals
	maxFolds   = 10
	fewSeries  = 9    // (1 − α)(G + 1)/G is at most 1 from here on
	manySeries = 50.0 // from here on nothing else is minded
	ownGroup   = 60   // series, or runs, from which on a group has its own quantile
	priorGain  = 3.0  // series that the gain of all counts for in that of a group
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
	Without    string  `json:"without"`     // what each was told without: its program, or run (itself); with " and later" also all that ran later
}

// leftOut is a run that was left out.
type leftOut struct {
	ob             *observed
	key            int     // what has the same was left out with it
	mean, variance float64 // told, in units of the sigma of physics
	off            float64 // was − told, with the part of it that counts
	distance       float64 // |off| in standard deviations
}

func ownRun(ob *observed) string { return ob.run }

func ownSeries(ob *observed) string { return cmp.Or(ob.in[bySeries], "\x00"+ob.run) }

// calibrate leaves runs out and sees how far off what is told is, and how much
// better than physics.
func (m *pooled) calibrate(list []*observed) {
	m.whole, m.sibling = reach{math.Inf(1), 0, 1}, reach{math.Inf(1), 0, 1}
	if m.n > 0 {
		m.student = studentBound(float64(4+m.n), 1-coverage90)
	}
	if len(list) < 2 || m.b == nil {
		return
	}
	out := m.leave(list, ownSeries)
	var siblings []*leftOut
	if len(m.levels[bySeries]) > 0 {
		siblings = m.leave(list, ownRun)
	}
	siblings = slices.DeleteFunc(siblings, func(l *leftOut) bool { _, ok := m.levels[bySeries][l.ob.in[bySeries]]; return !ok })
	m.sibling.gain = m.gainOf(siblings, 1, 0)
	for _, l := range siblings {
		l.weigh(m.quantity, m.sibling.gain)
	}
	m.sibling.at, m.sibling.n = quantile90(siblings)
	without, r := "program", &m.whole
	if out == nil { // of a single program
		out, without, r = siblings, "run", &m.sibling
	} else {
		m.pool(out)
	}
	if m.trend > 0 {
		without += " and later"
	}
	m.missed = m.missedBy(out, *r, without)
}

// pool tells of new series, by group.
func (m *pooled) pool(out []*leftOut) {
	m.whole.gain = m.gainOf(out, 1, 0)
	byGroup := [groupings]map[string][]*leftOut{}
	for g := range bySeries {
		m.groups[g], byGroup[g] = map[string]reach{}, map[string][]*leftOut{}
		for _, l := range out {
			if name := l.ob.in[g]; name != "" {
				byGroup[g][name] = append(byGroup[g][name], l)
			}
		}
		for name, of := range byGroup[g] {
			m.groups[g][name] = reach{math.Inf(1), 0, m.gainOf(of, m.whole.gain, priorGain)}
		}
	}
	for _, l := range out {
		l.weigh(m.quantity, m.gainOfNew(l.ob.in))
	}
	m.whole.at, m.whole.n = quantile90(out)
	for _, g := range []int{byModel, byRegime} {
		for name, r := range m.groups[g] {
			if at, n := quantile90(byGroup[g][name]); n >= ownGroup {
				r.at, r.n = at, n
				m.groups[g][name] = r
			}
		}
	}
}

// leave tells of each run what is predicted without it and all that has the same
// key; nil if all have. Where a trend is followed, it is predicted without what is
// later, too: from what was before the last of two days that came before it. Those
// before both are not told of.
func (m *pooled) leave(list []*observed, key func(*observed) string) []*leftOut {
	known, at := map[string]int{}, make([]int, len(list)) // keys, and those of runs
	var keys []string
	for i, ob := range list {
		k := key(ob)
		if _, ok := known[k]; !ok {
			known[k] = len(keys)
			keys = append(keys, k)
		}
		at[i] = known[k]
	}
	if len(keys) < 2 {
		return nil
	}
	slices.SortFunc(keys, func(a, b string) int { return cmp.Or(cmp.Compare(runHash(a), runHash(b)), cmp.Compare(a, b)) })
	folds := make([]int, len(keys))
	n := min(len(keys), maxFolds)
	if len(keys) <= 30 {
		n = len(keys)
	}
	for i, k := range keys {
		folds[known[k]] = i % n
	}
	days := []float64{math.Inf(1)}
	if m.trend > 0 {
		days = originsOf(list)
	}
	out := make([]*leftOut, 0, len(list))
	precisions := m.precisions()
	for d, day := range days {
		before := func(ob *observed) bool { return m.trend == 0 || ob.year <= day }
		all, told := newSystem(m.width), make([][]int, n)
		with := make([][]int, n)
		for i, ob := range list {
			f := folds[at[i]]
			if before(ob) {
				all.add(&m.rows[i], ob.ratio[m.quantity], m.influence(i, ob))
				with[f] = append(with[f], i)
			}
			if m.trend == 0 || ob.year > day && (d+1 == len(days) || ob.year <= days[d+1]) {
				told[f] = append(told[f], i)
			}
		}
		for f := range n {
			if len(told[f]) == 0 {
				continue
			}
			s := &system{&square{m.width, slices.Clone(all.a.a)}, slices.Clone(all.r)}
			for _, i := range with[f] {
				s.add(&m.rows[i], list[i].ratio[m.quantity], -m.influence(i, list[i]))
			}
			b, cov := s.solve(precisions)
			if b == nil {
				continue
			}
			for _, i := range told[f] {
				l := &leftOut{ob: list[i], key: at[i]}
				l.mean, l.variance = m.tell(&m.rows[i], l.ob.in, b, cov)
				l.weigh(m.quantity, 1)
				out = append(out, l)
			}
		}
	}
	return out
}

// originsOf are two days, before which four and seven in ten of the runs began, and
// something later.
func originsOf(list []*observed) (days []float64) {
	var years []float64
	for _, ob := range list {
		if !math.IsNaN(ob.year) {
			years = append(years, ob.year)
		}
	}
	slices.Sort(years)
	last, _ := slices.BinarySearch(years, years[len(years)-1])
	for _, part := range []float64{0.4, 0.7} {
		days = append(days, min(quantile(years, part), years[max(last-1, 0)]))
	}
	return slices.Compact(days)
}

// weigh takes that part of what was told.
func (l *leftOut) weigh(quantity int, gain float64) {
	mean, variance := reach{gain: gain}.part(l.mean, l.variance)
	l.off = l.ob.ratio[quantity] - mean
	l.distance = math.Abs(l.off) / math.Sqrt(variance)
}

// gainOf is the part of what is told beyond physics by which that is least off on
// the mean, of factors, where what has the same key counts as one: the weighted
// median of what was over what was told, within 0 and 1 (stacking of the two;
// Wolpert 1992, Breiman 1996). What was learned is believed where it is no worse
// than physics: of what is within a standard error of the least (Breiman et al.
// 1984) it is the largest part. A prior of so many keys holds it where few tell.
func (m *pooled) gainOf(out []*leftOut, prior, keys float64) float64 {
	n := map[int]float64{}
	for _, l := range out {
		n[l.key]++
	}
	type point struct{ part, weight float64 }
	var list []point
	var sum, squares float64
	for _, l := range out {
		if w := math.Abs(l.mean) * l.ob.sigma[m.quantity] / n[l.key]; w > 0 {
			list = append(list, point{l.ob.ratio[m.quantity] / l.mean, w})
			sum, squares = sum+w, squares+w*w
		}
	}
	if sum == 0 {
		return prior
	}
	w := keys * sum / float64(len(n))
	list, sum, squares = append(list, point{prior, w}), sum+w, squares+w*w
	slices.SortFunc(list, func(a, b point) int { return cmp.Or(cmp.Compare(a.part, b.part), cmp.Compare(a.weight, b.weight)) })
	at := func(share float64) float64 {
		for _, p := range list {
			if share -= p.weight / sum; share <= 0 {
				return max(0, min(p.part, 1))
			}
		}
		return 1
	}
	off := func(gain float64) (sum float64) {
		for _, p := range list {
			sum += p.weight * math.Abs(p.part-gain)
		}
		return sum
	}
	gain := at(0.5 + math.Sqrt(squares)/sum/2)
	if off(gain) > off(0) {
		gain = at(0.5)
	}
	return gain
}

// quantile90 is the quantile of distances, where what has the same key counts as
// one, and how many there are.
func quantile90(out []*leftOut) (at float64, keys int) {
	n := map[int]float64{}
	for _, l := range out {
		n[l.key]++
	}
	if len(n) < fewSeries {
		return math.Inf(1), len(n)
	}
	sorted := slices.Clone(out)
	slices.SortFunc(sorted, func(a, b *leftOut) int { return cmp.Compare(a.distance, b.distance) })
	want, sum := coverage90*float64(len(n)+1)-1e-9, 0.0
	for _, l := range sorted {
		if sum += 1 / n[l.key]; sum >= want {
			return l.distance, len(n)
		}
	}
	return math.Inf(1), len(n)
}

func (m *pooled) coveredBy(out []*leftOut, r reach) float64 {
	n, at := 0, m.reachWith(r)
	for _, l := range out {
		if l.distance <= at {
			n++
		}
	}
	return float64(n) / float64(max(len(out), 1))
}

// missedBy sums up.
func (m *pooled) missedBy(out []*leftOut, r reach, without string) Error {
	e := Error{Runs: len(out), Covered: m.coveredBy(out, r), Without: without}
	var off, percent, alone []float64
	for _, l := range out {
		s := l.ob.sigma[m.quantity]
		off = append(off, math.Abs(l.off)*s)
		percent = append(percent, 100*math.Abs(math.Expm1(-l.off*s)))
		alone = append(alone, math.Abs(l.ob.ratio[m.quantity])*s)
	}
	e.Factor, e.Percent, e.PriorAlone = math.Exp(medianOf(off)), medianOf(percent), math.Exp(medianOf(alone))
	e.Factor90 = math.Exp(quantile(off, 0.9)) // they are sorted
	return e
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
func (m *pooled) reachFor(in [groupings]string) (r reach, from string) {
	if _, known := m.levels[bySeries][in[bySeries]]; known && in[bySeries] != "" {
		return m.sibling, "series"
	}
	r, from = m.whole, ""
	for _, g := range []int{byRegime, byModel} {
		if own, ok := m.groups[g][in[g]]; ok && own.n > 0 && !math.IsInf(own.at, 1) {
			r, from = own, in[g]
		}
	}
	r.gain = m.gainOfNew(in)
	return r, from
}

// gainOfNew is the least of those of the groups that a new series is in.
func (m *pooled) gainOfNew(in [groupings]string) float64 {
	gain := m.whole.gain
	for g := range bySeries {
		if own, ok := m.groups[g][in[g]]; ok {
			gain = min(gain, own.gain)
		}
	}
	return gain
}
