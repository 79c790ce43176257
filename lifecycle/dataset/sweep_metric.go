package dataset

import (
	"cmp"
	"fmt"
	"maps"
	"math"
	"slices"
	"strings"
	"unique"

	"github.com/ecotracer/ecotracer/internal/inwords"
	"github.com/ecotracer/ecotracer/lifecycle"
)

// scored is a metric that a training reached.
type scored struct {
	run, metric, series, task string
	hash                      uint64
	value                     float64
	lower                     bool // is better
	x                         [features]float64
}

// scoreSplits are the parts of the data that a metric is told of, the best first.
var scoreSplits = []string{"test", "", "validation"}

// score keeps the metrics of a run, each of one split.
func (f *Fitter) score(run string, p *Plan, ml *lifecycle.ML) {
	best := map[string]*lifecycle.Evaluation{}
	at := func(e *lifecycle.Evaluation) int {
		if i := slices.Index(scoreSplits, e.Split); i >= 0 {
			return i
		}
		return len(scoreSplits)
	}
	for i := range ml.Evaluation {
		e := &ml.Evaluation[i]
		name := strings.ToLower(e.Metric)
		if e.Split == "train" || name == "" {
			continue
		}
		if old := best[name]; old == nil || at(e) < at(old) {
			best[name] = e
		}
	}
	for _, name := range slices.Sorted(maps.Keys(best)) {
		e := best[name]
		f.scores = append(f.scores, scored{
			strings.Clone(run), unique.Make(strings.Clone(name)).Value(), unique.Make(strings.Clone(p.Series)).Value(), unique.Make(strings.Clone(p.Task)).Value(), runHash(run), e.Value,
			e.Direction == "lower" || e.Direction == "" && lowerIsBetter(name), featuresOf(p),
		})
	}
	f.trimScores()
}

// lowerIsBetter tells of metrics of which no record tells it.
func lowerIsBetter(name string) bool {
	return slices.ContainsFunc([]string{"loss", "error", "perplexity", "wer", "cer", "mae", "mse", "rmse"}, func(s string) bool { return strings.Contains(name, s) })
}

func (f *Fitter) trimScores() {
	limit := cmp.Or(f.limit, maxObserved)
	if len(f.scores) < 2*limit {
		return
	}
	slices.SortFunc(f.scores, func(a, b scored) int { return cmp.Or(cmp.Compare(a.hash, b.hash), cmp.Compare(a.metric, b.metric)) })
	f.scores = f.scores[:limit]
}

// curve is what a metric follows from: what is left to the best that it can be,
// e, falls with the features x (decades) as a power law that saturates,
//
//	log(e − e∞) = a + Σ b_k · x_k + u + rest
//
// u being the program's own (Hestness et al. 2017, arXiv:1712.00409; Kaplan et al.
// 2020). The floor e∞ is one of several shares of the least e that was seen, each
// weighted by its evidence; a, b and u are normal about 0 (b: an exponent within
// 0.85 of 0 with 95 %).
type curve struct {
	lower    bool
	best     float64 // that a metric can be where higher is better: 1 or 100
	n        int
	middle   [features]float64
	low      [features]float64
	high     [features]float64
	series   map[string]int
	floors   []floored
	programs int
}

// floored is the curve above one floor.
type floored struct {
	floor, weight float64
	mean          float64 // of the logarithms
	rest          float64 // variance
	b             []float64
	cov           *square
}

const (
	fewScores   = 5
	slopeOfAxis = 1.0  // standard deviation of b, of a natural logarithm a decade
	ofProgram   = 0.25 // variance of u
)

var floorShares = []float64{0, 0.25, 0.5, 0.7, 0.85, 0.95}

// inMetric are the features that a metric may follow from: the number of devices
// is none, for the same steps are taken on more of them.
var inMetric = [features]bool{true, true, false, true, true, true}

// curveOf fits a metric; an error says why it cannot.
func (p *Predictor) curveOf(plan *Plan, metric string) (*curve, error) {
	name := strings.ToLower(metric)
	var list []*scored
	others, tasks := map[string]bool{}, map[string]bool{}
	for i := range p.scores {
		s := &p.scores[i]
		others[s.metric] = true
		if s.metric == name && (plan.Task == "" || s.task == plan.Task) {
			list = append(list, s)
			tasks[s.task] = true
		}
	}
	if len(tasks) > 1 {
		return nil, fmt.Errorf("%s: it is told of several tasks, which differ in it (%s): say which (task)", metric, inwords.Few(slices.Sorted(maps.Keys(tasks)), 5))
	}
	if len(list) < fewScores {
		of := ""
		if plan.Task != "" {
			of = " of " + plan.Task
		}
		told := "no record tells any"
		if len(others) > 0 {
			told = "records tell " + strings.Join(slices.Sorted(maps.Keys(others)), ", ")
		}
		return nil, fmt.Errorf("%s: %d records%s tell it, and it takes %d to learn how it follows from epochs, data and size; %s", metric, len(list), of, fewScores, told)
	}
	c := &curve{lower: list[0].lower, n: len(list), series: map[string]int{}}
	most := math.Inf(-1)
	for _, s := range list {
		if s.lower != c.lower {
			return nil, fmt.Errorf("%s: some records say that higher is better, some that lower is", metric)
		}
		most = max(most, s.value)
		if s.value < 0 {
			return nil, fmt.Errorf("%s: it is %v in run %s: how a metric approaches its best is only told of one that is 0 or more", metric, s.value, s.run)
		}
	}
	switch {
	case c.lower:
	case most <= 1:
		c.best = 1
	case most <= 100:
		c.best = 100
	default:
		return nil, fmt.Errorf("%s: it goes up to %v, and to what best it could go nobody tells", metric, most)
	}
	c.fit(list)
	return c, nil
}

// left is what is left to the best that a metric can be.
func (c *curve) left(value float64) float64 {
	if c.lower {
		return value
	}
	return c.best - value
}

func (c *curve) fit(list []*scored) {
	counts := map[string]int{}
	for k := range features {
		c.low[k], c.high[k] = math.Inf(1), math.Inf(-1)
	}
	var n [features]float64
	for _, s := range list {
		if s.series != "" {
			counts[s.series]++
		}
		for k, x := range s.x {
			if !math.IsNaN(x) {
				c.low[k], c.high[k] = min(c.low[k], x), max(c.high[k], x)
				c.middle[k] += x
				n[k]++
			}
		}
	}
	for k := range features {
		c.middle[k] /= max(n[k], 1)
	}
	width := 1 + features
	c.programs = len(counts)
	names := slices.SortedFunc(maps.Keys(counts), func(a, b string) int { return cmp.Or(cmp.Compare(counts[b], counts[a]), cmp.Compare(a, b)) })
	for _, name := range names[:min(len(names), maxLevels)] {
		c.series[name] = width
		width++
	}
	least := math.Inf(1)
	scale := max(c.best, 1)
	e := make([]float64, len(list))
	for i, s := range list {
		e[i] = max(c.left(s.value), 1e-4*scale) // what is all right is so but for what its data can show
		least = min(least, e[i])
	}
	precisions := make([]float64, width)
	precisions[0] = 1.0 / 4
	for k := range features {
		precisions[1+k] = 1 / (slopeOfAxis * slopeOfAxis)
	}
	for _, at := range c.series {
		precisions[at] = 1 / ofProgram
	}
	rows := make([]sparse, len(list))
	for i, s := range list {
		rows[i] = c.row(s.series, s.x)
	}
	var evidence []float64
	for _, share := range floorShares {
		f := floored{floor: share * least, rest: 0.04}
		y := make([]float64, len(e))
		jacobian := 0.0
		for i := range e {
			y[i] = math.Log(e[i] - f.floor)
			f.mean += y[i] / float64(len(y))
			jacobian -= y[i]
		}
		var log float64
		for range 30 {
			s := newSystem(width)
			squares := 0.0
			for i := range rows {
				d := y[i] - f.mean
				s.add(&rows[i], d, 1/f.rest)
				squares += d * d / f.rest
			}
			a := &square{width, slices.Clone(s.a.a)}
			for k, v := range precisions {
				a.a[k*width+k] += v
			}
			if f.b, f.cov = s.solve(precisions); f.b == nil || !a.factor() {
				break
			}
			log = -0.5*(float64(len(y))*math.Log(f.rest)+squares) + jacobian
			for k, v := range precisions {
				log += 0.5*math.Log(v) - math.Log(a.a[k*width+k])
			}
			rest := 0.0
			for i := range rows {
				d := y[i] - f.mean - rows[i].dot(f.b)
				rest += d*d + rows[i].form(f.cov)
			}
			for k := range s.r {
				log += 0.5 * s.r[k] * f.b[k]
			}
			next := (3*0.01 + rest) / (3 + float64(len(y)))
			if math.Abs(math.Log(next/f.rest)) < 1e-3 {
				break
			}
			f.rest = next
		}
		if f.b != nil {
			c.floors, evidence = append(c.floors, f), append(evidence, log)
		}
	}
	top, sum := slices.Max(evidence), 0.0
	for i := range c.floors {
		c.floors[i].weight = math.Exp(evidence[i] - top)
		sum += c.floors[i].weight
	}
	for i := range c.floors {
		c.floors[i].weight /= sum
	}
}

func (c *curve) row(series string, x [features]float64) (s sparse) {
	s.put(0, 1)
	for k := range features {
		if inMetric[k] && !math.IsNaN(x[k]) && c.low[k] < c.high[k] {
			s.put(1+k, x[k]-c.middle[k])
		}
	}
	if at, ok := c.series[series]; ok {
		s.put(at, 1)
	}
	return s
}

// reaches is the probability that a plan's metric is at least (at most, where
// lower is better) the target.
func (c *curve) reaches(series string, x [features]float64, target float64) (p float64) {
	row := c.row(series, x)
	e := c.left(target)
	for i := range c.floors {
		f := &c.floors[i]
		if e <= f.floor {
			continue
		}
		variance := f.rest + row.form(f.cov)
		if _, ok := c.series[series]; !ok {
			variance += ofProgram
		}
		t := (math.Log(e-f.floor) - f.mean - row.dot(f.b)) / math.Sqrt(variance)
		beyond := studentBeyond(t, float64(c.n)) / 2
		if t > 0 {
			beyond = 1 - beyond
		}
		p += f.weight * beyond
	}
	return p
}

// middleOf is the metric that is as likely exceeded as not.
func (c *curve) middleOf(series string, x [features]float64) float64 {
	row := c.row(series, x)
	e := 0.0
	for i := range c.floors {
		f := &c.floors[i]
		e += f.weight * (f.floor + math.Exp(f.mean+row.dot(f.b)))
	}
	if c.lower {
		return e
	}
	return c.best - e
}

// learned tells by which part the records have narrowed what a step from x to y
// does to the metric: 0 if nothing is known of it, 1 if all. NaN is of a step
// that the metric does not follow from.
func (c *curve) learned(x, y [features]float64) float64 {
	var d sparse
	var prior, unseen float64
	for k := range features {
		if !inMetric[k] || math.IsNaN(x[k]) && math.IsNaN(y[k]) || x[k] == y[k] {
			continue
		}
		step := y[k] - x[k]
		if math.IsNaN(step) || c.low[k] >= c.high[k] {
			unseen++
			continue
		}
		d.put(1+k, step)
		prior += step * step * slopeOfAxis * slopeOfAxis
	}
	if prior == 0 {
		if unseen > 0 {
			return 0
		}
		return math.NaN()
	}
	after := 0.0
	for i := range c.floors {
		after += c.floors[i].weight * d.form(c.floors[i].cov)
	}
	return 1 - math.Sqrt(after/prior)
}
