package dataset

import (
	"cmp"
	"maps"
	"math"
	"slices"
)

// A pooled of physics and records, of one quantity of one phase. Of run i physics tells the logarithm m_i
// and its standard deviation s_i; what it was is
//
//	log y_i = m_i + s_i · (b0 + Σ u_g(i) + Σ b_k · x_ik + e_i)
//
// b0 is what all runs have in common, u the offset of a group (model of the
// devices, regime, task, training type, series of runs), b the slopes in the
// features x (decades from the middle of the records), e the rest. Where runs
// drift over the years there is a slope in these, too: see drift. All are normal
// with mean 0; their variances have a prior by which they add up to 1, so that
// without records a prediction is what physics tells. The variances are the modes
// of their posterior by expectation and maximisation, the coefficients the mean of
// theirs: few records shrink towards physics, groups of few towards all, and many
// records make it a ridge regression whose shrinkage is chosen by its evidence.
// The rest is Student's t with 8 degrees of freedom, so that a wrong unit moves
// nothing.
//
// Partial pooling and its variances: Gelman and Hill 2007, chapter 12; ridge as a
// prior and its evidence: MacKay 1992; t by weights: Lange, Little and Taylor 1989.
type pooled struct {
	quantity int
	n        int                       // runs
	alone    float64                   // part of them of series without a column, whose offset is in the rest
	levels   [groupings]map[string]int // column of a group
	known    [groupings]map[string]int // runs by group, also of those without a column
	middle   [features]float64
	low      [features]float64 // range of the records; NaN if none tells it
	high     [features]float64
	spread   [features]float64 // variance

	width  int // columns
	trend  int // that of the years; 0 if none is followed
	drift  drift
	b      []float64
	cov    *square // of b, in units of sigma squared
	vars   [variances]float64
	rows   []sparse
	robust []float64 // weights of the t distribution

	conformal
}

// The variances: of groups, of what is common, of slopes, of the rest.
const (
	ofCommon = groupings + iota
	ofSlopes
	ofRest
	variances
)

// priorVariances add up to 1, slopes (a decade away from the middle) apart.
var priorVariances = [variances]float64{
	byModel: 0.10, byRegime: 0.05, byTask: 0.10, byTraining: 0.05, bySeries: 0.20,
	ofCommon: 0.35, ofSlopes: 0.02, ofRest: 0.15,
}

const (
	priorGroups = 3.0 // groups that the prior of their variance counts for
	priorRest   = 3.0 // runs that the prior of the variance of the rest counts for
	tailDegrees = 8.0
	maxLevels   = 64 // of a grouping: those with the most runs
	maxSteps    = 60
	stepRuns    = 20_000 // that variances are told from
)

// sparse is the row of a run: few of its columns are not 0.
type sparse struct {
	at [2 + features + groupings]int32
	v  [2 + features + groupings]float64
	n  int
}

func (s *sparse) put(at int, v float64) {
	if v == 0 {
		return
	}
	s.at[s.n], s.v[s.n] = int32(at), v
	s.n++
}

func (s *sparse) dot(b []float64) (sum float64) {
	for k := range s.n {
		sum += s.v[k] * b[s.at[k]]
	}
	return sum
}

// form is xᵀ·m·x.
func (s *sparse) form(m *square) (sum float64) {
	for i := range s.n {
		row := m.row(int(s.at[i]))
		for k := range s.n {
			sum += s.v[i] * s.v[k] * row[s.at[k]]
		}
	}
	return sum
}

// learn fits a model to those of the runs that tell the quantity.
func learn(runs []observed, quantity int) *pooled {
	m := &pooled{quantity: quantity, vars: priorVariances, width: 1 + features}
	var list []*observed
	for i := range runs {
		if !math.IsNaN(runs[i].ratio[quantity]) {
			list = append(list, &runs[i])
		}
	}
	m.n = len(list)
	m.describe(list)
	m.settle(list)
	if m.n >= fewDrifting {
		m.follow(list)
	}
	m.calibrate(list)
	m.rows = nil // what else needs them makes them anew
	return m
}

// describe finds the groups and the ranges of the features.
func (m *pooled) describe(list []*observed) {
	for g := range groupings {
		m.known[g], m.levels[g] = map[string]int{}, map[string]int{}
		for _, ob := range list {
			if ob.in[g] != "" {
				m.known[g][ob.in[g]]++
			}
		}
		least := 1
		if g == bySeries {
			least = 3 // of fewer the offset cannot be told from the rest
		}
		names := slices.SortedFunc(maps.Keys(m.known[g]), func(a, b string) int {
			return cmp.Or(cmp.Compare(m.known[g][b], m.known[g][a]), cmp.Compare(a, b))
		})
		for _, name := range names[:min(len(names), maxLevels)] {
			if m.known[g][name] >= least {
				m.levels[g][name] = m.width
				m.width++
			}
		}
	}
	alone := 0.0
	for _, ob := range list {
		if _, ok := m.levels[bySeries][ob.in[bySeries]]; !ok {
			alone++
		}
	}
	if alone > 0 {
		m.alone = alone / float64(len(list)) * alone / (alone + 10)
	}
	for k := range features {
		m.low[k], m.high[k] = math.NaN(), math.NaN()
		var n, sum, squares float64
		for _, ob := range list {
			x := ob.x[k]
			if math.IsNaN(x) {
				continue
			}
			if n == 0 {
				m.low[k], m.high[k] = x, x
			}
			m.low[k], m.high[k] = min(m.low[k], x), max(m.high[k], x)
			n++
			d := x - sum/max(n-1, 1) // of Welford
			sum += x
			squares += d * (x - sum/n)
		}
		if n > 0 {
			m.middle[k], m.spread[k] = sum/n, squares/n
		}
	}
}

// row is that of a run or a plan, of so many years (see elapsed).
func (m *pooled) row(in [groupings]string, x [features]float64, years float64) (s sparse) {
	s.put(0, 1)
	s.put(m.trend, years)
	for k := range features {
		if !math.IsNaN(x[k]) && !math.IsNaN(m.low[k]) {
			s.put(1+k, x[k]-m.middle[k])
		}
	}
	for g := range groupings {
		if at, ok := m.levels[g][in[g]]; ok {
			s.put(at, 1)
		}
	}
	return s
}

// variance is the prior variance of a column.
func (m *pooled) variance(column int) float64 {
	switch {
	case column == 0:
		return m.vars[ofCommon]
	case column <= features:
		return m.vars[ofSlopes]
	}
	return 0
}

// precisions are the inverse prior variances of the columns.
func (m *pooled) precisions() []float64 {
	d := make([]float64, m.width)
	if m.trend > 0 {
		d[m.trend] = 1 / priorTrend
	}
	for c := range 1 + features {
		d[c] = 1 / m.variance(c)
	}
	for g := range groupings {
		for _, at := range m.levels[g] {
			d[at] = 1 / m.vars[g]
		}
	}
	return d
}

// system is what coefficients follow from: a·b = r.
type system struct {
	a *square
	r []float64
}

func newSystem(n int) *system { return &system{newSquare(n), make([]float64, n)} }

// add adds a run, or takes it away by a negative weight. Only the lower triangle
// is kept.
func (s *system) add(row *sparse, y, w float64) {
	for i := range row.n {
		at := int(row.at[i])
		to := s.a.row(at)
		wv := w * row.v[i]
		for k := range row.n {
			if int(row.at[k]) <= at {
				to[row.at[k]] += wv * row.v[k]
			}
		}
		s.r[at] += wv * y
	}
}

// solve gives coefficients and their covariance.
func (s *system) solve(precisions []float64) (b []float64, cov *square) {
	a := &square{s.a.n, slices.Clone(s.a.a)}
	for c, p := range precisions {
		a.a[c*a.n+c] += p
	}
	b = slices.Clone(s.r)
	if !a.factor() {
		return nil, nil
	}
	a.solve(b)
	return b, a.inverse()
}

// settle finds variances and coefficients.
func (m *pooled) settle(list []*observed) {
	m.rows = make([]sparse, len(list))
	for i, ob := range list {
		m.rows[i] = m.row(ob.in, ob.x, m.elapsed(ob.year, ob.sigma[m.quantity]))
	}
	m.robust = make([]float64, len(list))
	for i := range m.robust {
		m.robust[i] = 1
	}
	sample := list[:min(len(list), stepRuns)] // by their hashes: a draw
	for range maxSteps {
		if len(sample) == 0 {
			break
		}
		if !m.coefficients(sample) {
			break
		}
		if m.update(sample) < 2e-3 {
			break
		}
	}
	m.coefficients(sample)
	if len(list) > len(sample) {
		m.weigh(list)
		m.coefficients(list)
	}
}

// coefficients solves for them; false if that fails, which leaves them as they
// were.
func (m *pooled) coefficients(list []*observed) bool {
	b, cov := m.gather(list).solve(m.precisions())
	if b == nil {
		return false
	}
	m.b, m.cov = b, cov
	return true
}

func (m *pooled) gather(list []*observed) *system {
	s := newSystem(m.width)
	for i, ob := range list {
		s.add(&m.rows[i], ob.ratio[m.quantity], m.influence(i, ob))
	}
	return s
}

// influence is the inverse of the variance of a run's rest.
func (m *pooled) influence(i int, ob *observed) float64 {
	return ob.weight[m.quantity] * m.robust[i] / m.vars[ofRest]
}

// weigh gives what is far off less weight.
func (m *pooled) weigh(list []*observed) {
	for i, ob := range list {
		e := ob.ratio[m.quantity] - m.rows[i].dot(m.b)
		m.robust[i] = (tailDegrees + 1) / (tailDegrees + ob.weight[m.quantity]*e*e/m.vars[ofRest])
	}
}

// update is one step of expectation and maximisation. It returns by how much the
// logarithm of a variance changed most.
func (m *pooled) update(list []*observed) (change float64) {
	var rest float64
	for i, ob := range list {
		e := ob.ratio[m.quantity] - m.rows[i].dot(m.b)
		rest += ob.weight[m.quantity] * m.robust[i] * (e*e + m.rows[i].form(m.cov))
	}
	set := func(k int, squares, n, prior float64) {
		v := (prior*priorVariances[k] + squares) / (prior + n)
		v = max(v, 1e-6)
		change = max(change, math.Abs(math.Log(v/m.vars[k])))
		m.vars[k] = v
	}
	square := func(c int) float64 { return m.b[c]*m.b[c] + m.cov.a[c*m.width+c] }
	set(ofRest, rest, float64(len(list)), priorRest)
	set(ofCommon, square(0), 1, priorGroups)
	slopes, n := 0.0, 0.0
	for k := range features {
		if m.spread[k] > 0 {
			slopes += square(1 + k)
			n++
		}
	}
	set(ofSlopes, slopes, n, priorGroups)
	for g := range groupings {
		sum := 0.0
		for _, at := range slices.Sorted(maps.Values(m.levels[g])) { // in one order, so that sums are the same
			sum += square(at)
		}
		set(g, sum, float64(len(m.levels[g])), priorGroups)
	}
	m.weigh(list)
	return change
}

// guess is what a model tells of a row, in units of the sigma of physics.
type guess struct {
	mean, sd float64
	keep     float64 // part of what was learned that counts
	left     float64 // of the mean, for the records tell one another no better than physics
	beyond   float64 // standard deviation of what the trend may come to where no record is of the year
	away     float64 // decades outside of what the records hold
	reach    reach
	of       string // whose reach it is
}

// tell tells of a plan what records make of it, by given coefficients.
func (m *pooled) tell(row *sparse, in [groupings]string, b []float64, cov *square) (mean, variance float64) {
	if b == nil {
		return 0, 1
	}
	variance = m.vars[ofRest]
	for g := range groupings {
		if _, ok := m.levels[g][in[g]]; ok {
			continue
		}
		if g == bySeries {
			variance += (1 - m.alone) * m.vars[g]
		} else {
			variance += m.vars[g]
		}
	}
	return row.dot(b), variance + row.form(cov)
}

// predict tells of a plan that begins in a year. Of what was learned that part
// counts by which it has proved better than physics; outside of what the records
// hold less, by the distance d in decades: 1/(1+d²) of it, and the rest is physics.
func (m *pooled) predict(in [groupings]string, x [features]float64, year, sigma float64) guess {
	g := guess{}
	g.reach, g.of = m.reachFor(in)
	row := m.row(in, x, m.elapsed(year, sigma))
	mean, variance := m.tell(&row, in, m.b, m.cov)
	if m.b == nil {
		g.sd = math.Sqrt(variance)
		return g
	}
	g.beyond = m.beyond(m.drift.outside(year), sigma)
	for k := range features {
		switch {
		case math.IsNaN(m.low[k]):
		case math.IsNaN(x[k]): // it may be any of the records'
			variance += m.spread[k] * m.b[1+k] * m.b[1+k]
		default:
			g.away = math.Hypot(g.away, max(m.low[k]-x[k], x[k]-m.high[k], 0))
		}
	}
	g.left = (1 - g.reach.gain) * mean
	mean, variance = g.reach.part(mean, variance)
	keep := 1 / (1 + g.away*g.away)
	g.mean, g.sd = keep*mean, math.Sqrt(max(keep*keep*variance+(1-keep*keep), variance*keep))
	g.keep = keep * g.reach.gain
	return g
}
