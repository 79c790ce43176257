package dataset

import (
	"cmp"
	"errors"
	"fmt"
	"maps"
	"math"
	"slices"
	"strings"

	"github.com/ecotracer/ecotracer/lifecycle"
)

// Metric is what a value of an evaluation is of. Values are compared if all
// three are the same.
type Metric struct {
	Name      string `json:"metric"`
	Split     string `json:"split,omitempty"`     // test, validation, ...
	Direction string `json:"direction,omitempty"` // that is better: higher, lower
}

// String is the metric in words: f1 (test, higher is better).
func (m Metric) String() string {
	var more []string
	if m.Split != "" {
		more = append(more, m.Split)
	}
	if m.Direction != "" {
		more = append(more, m.Direction+" is better")
	}
	if more == nil {
		return m.Name
	}
	return m.Name + " (" + strings.Join(more, ", ") + ")"
}

// ParetoOptions tell what is weighed. The zero value weighs the one metric that
// there is against energy.
type ParetoOptions struct {
	Metric Metric // an empty member is whichever there is, if there is but one; Direction is also taken for runs that tell none
	Cost   string // energy_j, facility_energy_j, operational_gco2e or gco2e; "" is energy_j
	Unit   string // the cost is that of one; "" is of the whole run

}

// Front tells which runs nothing beats: none is better for less, or as good for
// less.
type Front struct {
	Metric  Metric         `json:"metric"`
	Cost    string         `json:"cost"`
	Unit    string         `json:"unit,omitempty"`
	Runs    int            `json:"runs"`     // that are weighed
	LeftOut map[string]int `json:"left_out"` // how many are not, by why
	Front   []Weighed      `json:"front"`    // the best last
	Knee    int            `json:"knee"`     // place in Front of the run beyond which more costs most for what it brings; -1: no more than two runs, or no bend
	Steps   []Step         `json:"steps"`    // from each run of the front to the next
	Beaten  []Weighed      `json:"beaten"`   // the others, the cheapest first
	Caveats []string       `json:"caveats,omitempty"`
}

// Standing is how a run stands to those that beat it.
type Standing string

// The standings. Intervals of two runs are taken as independent, which calls
// fewer of them surely beaten than are.
const (
	OnFront       Standing = "on-front"
	PerhapsBeaten Standing = "perhaps-beaten" // by best estimates, but the intervals of cost overlap
	SurelyBeaten  Standing = "surely-beaten"  // by a run at least as good, whose cost is below it for certain
)

// Weighed is a run with its metric and cost.
type Weighed struct {
	Run      string             `json:"run"`
	Name     string             `json:"name,omitempty"`
	Value    float64            `json:"value"`
	Cost     lifecycle.Interval `json:"cost"` // J or gCO2e
	Standing Standing           `json:"standing"`
	Sure     bool               `json:"sure,omitempty"` // on the front whatever the costs are within their intervals
	By       string             `json:"by,omitempty"`   // the run that beats it: at least as good, for the least

	point *Point
}

// Step is what it costs to go from one run of the front to the next better.
type Step struct {
	Gain  float64 `json:"gain"`  // of the metric, towards the better; 0 of runs alike
	Times float64 `json:"times"` // the cost
	More  float64 `json:"more"`  // J or gCO2e
}

// LastStep is the one to the best runs of the front, nil if they are all alike.
func (f *Front) LastStep() *Step {
	for i := len(f.Steps) - 1; i >= 0; i-- {
		if f.Steps[i].Gain > 0 {
			return &f.Steps[i]
		}
	}
	return nil
}

// Costs are the figures that runs are weighed, judged and compared by.
var Costs = []string{"energy_j", "facility_energy_j", "operational_gco2e", "gco2e"}

// cost is a figure of the run; false if it is unknown.
func (p *Point) cost(figure string) (spanned, bool) {
	var b spanned
	switch figure {
	case "energy_j":
		b = p.energy
	case "facility_energy_j":
		b = p.facility
	case "operational_gco2e":
		b = p.grams
	case "gco2e":
		b = p.all
	}
	return b, b.value > 0
}

// count is how many of a unit the run's stages count.
func (p *Point) count(unit string) (n float64) {
	for i := range p.stages {
		if p.stages[i].unit.String() == unit {
			n += float64(p.stages[i].count)
		}
	}
	return n
}

func checkCost(figure string) error {
	if !slices.Contains(Costs, figure) {
		return fmt.Errorf("dataset: %q is no figure to go by: write one of %s", figure, strings.Join(Costs, ", "))
	}
	return nil
}

// Pareto weighs what runs' models are worth against what they cost. It refuses
// to mix metrics, splits or directions: where there are several, Metric must
// choose, and the error lists them. The order of points does not matter.
//
// The knee is the run of the front that is farthest from the line between its
// ends, the metric and the logarithm of the cost each taken from 0 to 1
// (Satopää et al., Finding a "kneedle" in a haystack, ICDCS 2011).
func Pareto(points []Point, o ParetoOptions) (*Front, error) {
	o.Cost = cmp.Or(o.Cost, "energy_j")
	if err := checkCost(o.Cost); err != nil {
		return nil, err
	}
	if d := o.Metric.Direction; d != "" && d != "higher" && d != "lower" {
		return nil, fmt.Errorf("dataset: direction %q: write higher or lower", d)
	}
	metric, err := chooseMetric(points, o.Metric)
	if err != nil {
		return nil, err
	}
	f := &Front{Metric: metric, Cost: o.Cost, Unit: o.Unit, Knee: -1, LeftOut: map[string]int{}, Front: []Weighed{}, Steps: []Step{}, Beaten: []Weighed{}}
	sign := 1.0
	if metric.Direction == "lower" {
		sign = -1
	}
	left := map[string]int{}
	var all []Weighed
	for i := range points {
		p := &points[i]
		w, why := weigh(p, metric, o)
		if why != "" {
			left[why]++
			continue
		}
		all = append(all, w)
	}
	f.Runs = len(all)
	f.LeftOut = left
	stand(all, sign)
	for _, w := range all {
		if w.Standing == OnFront {
			f.Front = append(f.Front, w)
		} else {
			f.Beaten = append(f.Beaten, w)
		}
	}
	slices.SortFunc(f.Front, func(a, b Weighed) int {
		return cmp.Or(cmp.Compare(sign*a.Value, sign*b.Value), cmp.Compare(a.Cost.Value, b.Cost.Value), cmp.Compare(a.Run, b.Run))
	})
	slices.SortFunc(f.Beaten, func(a, b Weighed) int {
		return cmp.Or(cmp.Compare(a.Cost.Value, b.Cost.Value), cmp.Compare(a.Run, b.Run))
	})
	for i := 1; i < len(f.Front); i++ {
		a, b := &f.Front[i-1], &f.Front[i]
		f.Steps = append(f.Steps, Step{sign * (b.Value - a.Value), b.Cost.Value / a.Cost.Value, b.Cost.Value - a.Cost.Value})
	}
	f.Knee = knee(f.Front)
	f.Caveats = paretoCaveats(all)
	return f, nil
}

// chooseMetric is the one metric that is wanted.
func chooseMetric(points []Point, want Metric) (Metric, error) {
	n := map[Metric]int{}
	all := map[Metric]int{}
	for i := range points {
		for _, m := range points[i].metrics {
			of := m.of.Value()
			all[of]++
			if want.Name != "" && of.Name != want.Name || want.Split != "" && of.Split != want.Split {
				continue
			}
			if of.Direction == "" {
				of.Direction = want.Direction
			}
			if want.Direction == "" || of.Direction == want.Direction {
				n[of]++
			}
		}
	}
	if len(all) == 0 {
		return Metric{}, errors.New("dataset: no run tells how good its model is: technology.ml.evaluation is in no record")
	}
	if len(n) == 0 {
		return Metric{}, fmt.Errorf("dataset: no run tells %s; there are %s", want, metricList(all))
	}
	if len(n) > 1 {
		return Metric{}, fmt.Errorf("dataset: metrics, splits and directions are not mixed: choose one of %s", metricList(n))
	}
	for m := range n {
		if m.Direction == "" {
			return Metric{}, fmt.Errorf("dataset: no record tells whether a higher or a lower %s is better: say which", m)
		}
		want = m
	}
	return want, nil
}

// metricList names metrics, the commonest first.
func metricList(n map[Metric]int) string {
	var list []Metric
	for m := range n {
		list = append(list, m)
	}
	slices.SortFunc(list, func(a, b Metric) int {
		return cmp.Or(cmp.Compare(n[b], n[a]), cmp.Compare(a.String(), b.String()))
	})
	var texts []string
	for i, m := range list {
		if i == 12 {
			texts = append(texts, fmt.Sprintf("%d more", len(list)-i))
			break
		}
		texts = append(texts, fmt.Sprintf("%s: %d", m, n[m]))
	}
	return strings.Join(texts, "; ")
}

// weigh is a run with its metric and cost, or why it has none.
func weigh(p *Point, metric Metric, o ParetoOptions) (w Weighed, why string) {
	n := 0
	for _, m := range p.metrics {
		of := m.of.Value()
		of.Direction = cmp.Or(of.Direction, o.Metric.Direction)
		if of == metric {
			w.Value = m.value
			n++
		}
	}
	switch {
	case n == 0:
		return w, "without this metric"
	case n > 1:
		return w, "tells this metric more than once"
	}
	cost, known := p.cost(o.Cost)
	if !known {
		return w, o.Cost + " is zero or unknown"
	}
	if o.Unit != "" {
		units := p.count(o.Unit)
		if units == 0 {
			return w, "counts no " + o.Unit
		}
		cost = spanned{cost.value / units, cost.low / units, cost.high / units}
	}
	w.Run, w.Name, w.Cost, w.point = p.run.String(), p.name.String(), lifecycle.Interval{Value: cost.value, Low: cost.low, High: cost.high}, p
	return w, ""
}

// stand finds how each stands: it goes from the best to the worst, and knows
// the cheapest so far. Runs that are alike do not beat one another.
func stand(all []Weighed, sign float64) {
	slices.SortFunc(all, func(a, b Weighed) int {
		return cmp.Or(cmp.Compare(sign*b.Value, sign*a.Value), cmp.Compare(a.Cost.Value, b.Cost.Value), cmp.Compare(a.Run, b.Run))
	})
	cheapest := -1 // of those before this value
	leastHigh, leastLow, secondLow := math.Inf(1), math.Inf(1), math.Inf(1)
	for from := 0; from < len(all); {
		to := from
		for to < len(all) && all[to].Value == all[from].Value {
			leastHigh = min(leastHigh, all[to].Cost.High)
			if l := all[to].Cost.Low; l < leastLow {
				leastLow, secondLow = l, leastLow
			} else {
				secondLow = min(secondLow, l)
			}
			to++
		}
		for i := from; i < to; i++ {
			w := &all[i]
			beaten := i > from && all[from].Cost.Value < w.Cost.Value // by one that is as good
			by := from
			if cheapest >= 0 && all[cheapest].Cost.Value <= w.Cost.Value { // by a better one
				beaten = true
				if all[cheapest].Cost.Value <= all[from].Cost.Value {
					by = cheapest
				}
			}
			others := leastLow // the least that another one this good may cost
			if others == w.Cost.Low {
				others = secondLow
			}
			switch {
			case !beaten:
				w.Standing = OnFront
				w.Sure = others > w.Cost.High
			case leastHigh < w.Cost.Low:
				w.Standing, w.By = SurelyBeaten, all[by].Run
			default:
				w.Standing, w.By = PerhapsBeaten, all[by].Run
			}
		}
		if cheapest < 0 || all[from].Cost.Value < all[cheapest].Cost.Value {
			cheapest = from
		}
		from = to
	}
}

// knee is the place of the knee of a front in order, -1 if it has none.
func knee(front []Weighed) int {
	if len(front) < 3 {
		return -1
	}
	first, last := &front[0], &front[len(front)-1]
	wide := math.Abs(last.Value - first.Value)
	high := math.Log(last.Cost.Value / first.Cost.Value)
	best, most := -1, 0.05 // less is no bend
	for i := range front {
		x := math.Log(front[i].Cost.Value/first.Cost.Value) / high
		y := math.Abs(front[i].Value-first.Value) / wide
		if y-x > most {
			best, most = i, y-x
		}
	}
	return best
}

// mostFirst is of what there is most, first.
func mostFirst(n map[string]int) []string {
	return slices.SortedFunc(maps.Keys(n), func(a, b string) int { return cmp.Or(cmp.Compare(n[b], n[a]), cmp.Compare(a, b)) })
}

// paretoCaveats tell in what runs differ that are weighed against one another.
func paretoCaveats(all []Weighed) (caveats []string) {
	for _, of := range []struct {
		what  string
		is    func(*Point) word
		minds string
	}{
		{"task", func(p *Point) word { return p.task }, "a value of one is not worth that of another"},
		{"boundary", func(p *Point) word { return p.boundary }, "their energy is not of the same things"},
		{"scope", func(p *Point) word { return p.scope }, "some count what idles and other programs, some do not"},
		{"status", func(p *Point) word { return p.status }, "some did not come to their end"},
	} {
		n := map[string]int{}
		for i := range all {
			n[cmp.Or(of.is(all[i].point).String(), "unknown")]++
		}
		if len(n) > 1 {
			var texts []string
			for _, what := range mostFirst(n) {
				texts = append(texts, fmt.Sprintf("%s: %d", what, n[what]))
			}
			if len(texts) > 6 {
				texts = append(texts[:6], fmt.Sprintf("%d more", len(n)-6))
			}
			caveats = append(caveats, fmt.Sprintf("the runs differ in %s (%s): %s; select by %s=…", of.what, strings.Join(texts, ", "), of.minds, of.what))
		}
	}
	return caveats
}
