package dataset

import (
	"cmp"
	"errors"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"

	"github.com/ecotracer/ecotracer/internal/inwords"
)

// Axis is a member of a plan (see [Plan.Set]) and the values that it is to be
// tried with.
type Axis struct {
	Name   string   `json:"name"`
	Values []string `json:"values"`
}

// maxAxis is how many values an axis may have, and maxPoints how many points a
// sweep.
const (
	maxAxis   = 10_000
	maxPoints = 100_000
)

// ParseAxis reads an axis as the command line has it:
//
//	epochs=1..20          every whole number
//	batch=32..256/32      in steps of 32
//	params=1B..64B*2      each twice the last
//	device=A100-SXM4-80GB,H100-SXM5-80GB
func ParseAxis(text string) (Axis, error) {
	name, list, ok := strings.Cut(text, "=")
	if name = strings.TrimSpace(name); !ok || name == "" || list == "" {
		return Axis{}, fmt.Errorf("%q: write a name and its values, such as epochs=1..20 or device=A100-SXM4-80GB,H100-SXM5-80GB", text)
	}
	a := Axis{Name: name}
	from, to, isRange := strings.Cut(list, "..")
	if !isRange || planMembers[name].number == nil && name != "count" {
		for _, v := range strings.Split(list, ",") {
			if v = strings.TrimSpace(v); v != "" && !slices.Contains(a.Values, v) {
				a.Values = append(a.Values, v)
			}
		}
		if len(a.Values) == 0 || len(a.Values) > maxAxis {
			return Axis{}, fmt.Errorf("%s: it has %d values: give 1 to %d", name, len(a.Values), maxAxis)
		}
		return a, nil
	}
	by, times := 1.0, 0.0
	var err error
	if at := strings.IndexAny(to, "/*"); at >= 0 {
		step, e := amountOf(to[at+1:])
		if err = e; to[at] == '*' {
			times = step
		} else {
			by = step
		}
		to = to[:at]
	}
	low, err1 := amountOf(from)
	high, err2 := amountOf(to)
	if err = errors.Join(err, err1, err2); err != nil {
		return Axis{}, fmt.Errorf("%s: a range is written 1..20, 32..256/32 or 1B..64B*2: %w", name, err)
	}
	switch {
	case high < low:
		return Axis{}, fmt.Errorf("%s: %v is below %v", name, high, low)
	case times != 0 && times <= 1:
		return Axis{}, fmt.Errorf("%s: a factor is above 1", name)
	case times == 0 && (high-low)/by >= maxAxis, times > 1 && math.Log(high/low)/math.Log(times) >= maxAxis:
		return Axis{}, fmt.Errorf("%s: it has more than %d values: take a larger step", name, maxAxis)
	}
	for i := 0; ; i++ {
		x := low + float64(i)*by
		if times > 1 {
			x = low * math.Pow(times, float64(i))
		}
		if x > high*(1+1e-9) {
			break
		}
		a.Values = append(a.Values, strconv.FormatFloat(inwords.Rounded(x, 12), 'g', -1, 64))
	}
	return a, nil
}

// Goal is what a sweep looks for: the least Cost, among what reaches a metric
// where one is given.
type Goal struct {
	Cost       string  // energy (""), gco2e or time
	Metric     string  // "" if none is to be reached
	Value      float64 // of the metric: at least, or at most where lower is better
	Confidence float64 // that it is reached, at least; 0 is 0.9
}

// Configuration is one configuration of a sweep.
type Configuration struct {
	Values    []string `json:"values"` // by axis
	DurationS *Range   `json:"duration_s,omitempty"`
	EnergyJ   Range    `json:"energy_j"`
	GCO2e     Range    `json:"gco2e"`
	Expected  *float64 `json:"expected,omitempty"` // of the metric
	Reaches   *float64 `json:"reaches,omitempty"`  // the target, with this probability
	Warnings  []string `json:"warnings,omitempty"`
}

// Sweep is what the configurations of a plan come to.
type Sweep struct {
	Axes    []Axis          `json:"axes"`
	Cost    string          `json:"cost"`
	Tried   int             `json:"tried"`
	Reached int             `json:"reached"` // of them, with the confidence that was asked for; all without a metric
	Points  []Configuration `json:"points"`  // those that reach it first, the cheapest first; at most 1,000
	Best    *Configuration  `json:"best,omitempty"`
	Why     string          `json:"why"`

	// Neighbours are Best with one axis a step on or back.
	Neighbours []Neighbour `json:"neighbours,omitempty"`
	MetricRuns int         `json:"metric_runs,omitempty"` // that the metric was learned from
	Notes      []string    `json:"notes,omitempty"`
}

// Neighbour is a configuration that differs in one axis.
type Neighbour struct {
	Axis    string   `json:"axis"`
	Value   string   `json:"value"`
	Cost    float64  `json:"cost"` // over that of the best
	Reaches *float64 `json:"reaches,omitempty"`
}

// AxisError is of an axis that cannot be swept over.
type AxisError struct {
	Name string
	Err  error
}

func (e *AxisError) Error() string { return e.Name + ": " + e.Err.Error() }

// Unwrap returns why.
func (e *AxisError) Unwrap() error { return e.Err }

// keptPoints is how many points are told.
const keptPoints = 1000

// Sweep predicts a plan with every combination of the axes' values, at most
// 100,000 of them, and finds the cheapest that reaches the goal. What the metric
// follows from is learned from the records that tell it; an axis that it may
// follow from and that the records do not vary is refused by name, as is one that
// changes nothing that is predicted: an error of type *[AxisError].
func (p *Predictor) Sweep(plan Plan, axes []Axis, goal Goal) (*Sweep, error) {
	goal.Cost = cmp.Or(goal.Cost, "energy")
	if !slices.Contains([]string{"energy", "gco2e", "time"}, goal.Cost) {
		return nil, fmt.Errorf("cost %q: write energy, gco2e or time", goal.Cost)
	}
	goal.Confidence = cmp.Or(goal.Confidence, 0.9)
	if !(goal.Confidence > 0 && goal.Confidence < 1) {
		return nil, fmt.Errorf("confidence %v: write a number between 0 and 1", goal.Confidence)
	}
	points := 1
	for i, a := range axes {
		for _, b := range axes[:i] {
			if a.Name == b.Name {
				return nil, &AxisError{a.Name, errors.New("it is given twice")}
			}
		}
		if len(a.Values) == 0 {
			return nil, &AxisError{a.Name, errors.New("it has no values")}
		}
		if points *= len(a.Values); points > maxPoints {
			return nil, &AxisError{a.Name, fmt.Errorf("with it there are more than %d configurations: take larger steps, or fewer axes", maxPoints)}
		}
	}
	plan.complete()
	s := &sweep{predictor: p, plan: plan, axes: axes, goal: goal}
	if goal.Metric != "" {
		if plan.Stage.Phase() != "training" {
			return nil, fmt.Errorf("%s: a metric is reached by training, and this plan is of %s", goal.Metric, plan.Stage)
		}
		var err error
		if s.curve, err = p.curveOf(&plan, goal.Metric); err != nil {
			return nil, err
		}
	}
	for i := range axes {
		if err := s.matters(i); err != nil {
			return nil, &AxisError{axes[i].Name, err}
		}
	}
	return s.all(points)
}

// sweep is one in the making.
type sweep struct {
	predictor *Predictor
	plan      Plan
	axes      []Axis
	goal      Goal
	curve     *curve
}

// with is the plan with the values at these places.
func (s *sweep) with(at []int) (Plan, error) {
	plan := s.plan
	for i, a := range s.axes {
		if err := plan.Set(a.Name, a.Values[at[i]]); err != nil {
			return plan, &AxisError{a.Name, err}
		}
	}
	return plan, nil
}

// matters refuses an axis that nothing is known of.
func (s *sweep) matters(axis int) error {
	name := s.axes[axis].Name
	if _, ok := planMembers[name]; !ok {
		if s.goal.Metric != "" {
			return fmt.Errorf("no record tells it, so that nothing is known of what it does to %s: leave it out", s.goal.Metric)
		}
		return errors.New("no record tells it, and nothing that is predicted follows from it: leave it out")
	}
	if len(s.axes[axis].Values) == 1 {
		return nil
	}
	at := make([]int, len(s.axes))
	var first *Prediction
	var firstX [features]float64
	same, step := true, math.NaN()
	for k := range s.axes[axis].Values {
		at[axis] = k
		plan, err := s.with(at)
		if err != nil {
			return errors.Unwrap(err)
		}
		f, _, err := s.predictor.predict(&plan)
		if err != nil {
			return fmt.Errorf("%s: %w", s.axes[axis].Values[k], err)
		}
		x := featuresOf(&plan)
		if first == nil {
			first, firstX = f, x
			continue
		}
		if f.EnergyJ != first.EnergyJ || f.OperationalGCO2e != first.OperationalGCO2e || f.DurationS != nil && *f.DurationS != *first.DurationS {
			same = false
		}
		if s.curve != nil {
			if l := s.curve.learned(firstX, x); !math.IsNaN(l) {
				step = l
			}
		}
		if !same && (s.curve == nil || !math.IsNaN(step)) || k > 50 {
			break
		}
	}
	switch {
	case step < 0.3:
		return fmt.Errorf("the records that tell %s do not vary it by itself, so that nothing is known of what it does to it: leave it out, or add records that do", s.goal.Metric)
	case same:
		return errors.New("it changes nothing that is predicted of this plan: leave it out, or give what it acts on (of epochs, the items or dataset-tokens)")
	}
	return nil
}

func (s *sweep) point(at []int) (Configuration, error) {
	plan, err := s.with(at)
	if err != nil {
		return Configuration{}, err
	}
	f, _, err := s.predictor.predict(&plan)
	if err != nil {
		return Configuration{}, err
	}
	pt := Configuration{DurationS: f.DurationS, EnergyJ: f.EnergyJ, GCO2e: f.OperationalGCO2e, Warnings: f.Warnings}
	if f.GCO2e != nil {
		pt.GCO2e = *f.GCO2e
	}
	for i, a := range s.axes {
		pt.Values = append(pt.Values, a.Values[at[i]])
	}
	if s.curve != nil {
		x := featuresOf(&plan)
		reaches, expected := s.curve.reaches(plan.Series, x, s.goal.Value), s.curve.middleOf(plan.Series, x)
		pt.Reaches, pt.Expected = &reaches, &expected
	}
	return pt, nil
}

// cost is what a point costs.
func (s *sweep) cost(p *Configuration) float64 {
	switch {
	case s.goal.Cost == "gco2e":
		return p.GCO2e.Value
	case s.goal.Cost == "time" && p.DurationS != nil:
		return p.DurationS.Value
	case s.goal.Cost == "time":
		return 0
	}
	return p.EnergyJ.Value
}

// compare compares costs, as they are rounded: arithmetic that is done in another
// order is not cheaper. What costs the same is the better the less time it takes.
func (s *sweep) compare(a, b *Configuration) int {
	c := cmp.Compare(alikeCost(s.cost(a)), alikeCost(s.cost(b)))
	if c == 0 && a.DurationS != nil && b.DurationS != nil {
		c = cmp.Compare(alikeCost(a.DurationS.Value), alikeCost(b.DurationS.Value))
	}
	return c
}

// alikeCost is a cost to nine digits.
func alikeCost(x float64) float64 { return inwords.Rounded(x, 9) }

func (s *sweep) enough(p *Configuration) bool {
	return p.Reaches == nil || *p.Reaches >= s.goal.Confidence
}

// all tries all points.
func (s *sweep) all(points int) (*Sweep, error) {
	out := &Sweep{Axes: s.axes, Cost: s.goal.Cost, Tried: points}
	at := make([]int, len(s.axes))
	less := func(a, b *Configuration) int {
		if x, y := s.enough(a), s.enough(b); x != y {
			if x {
				return -1
			}
			return 1
		} else if !x {
			return cmp.Or(cmp.Compare(*b.Reaches, *a.Reaches), s.compare(a, b))
		}
		return s.compare(a, b)
	}
	trim := func() {
		slices.SortStableFunc(out.Points, func(a, b Configuration) int { return less(&a, &b) })
		out.Points = out.Points[:min(len(out.Points), keptPoints)]
	}
	var best []int
	alike := 0 // others that cost as much as the best
	for range points {
		pt, err := s.point(at)
		if err != nil {
			return nil, err
		}
		if s.enough(&pt) {
			out.Reached++
			if out.Best != nil && alikeCost(s.cost(&pt)) == alikeCost(s.cost(out.Best)) {
				alike++
			} else if out.Best == nil || s.cost(&pt) < s.cost(out.Best) {
				alike = 0
			}
			if out.Best == nil || s.compare(&pt, out.Best) < 0 {
				out.Best, best = &pt, slices.Clone(at)
			}
		}
		if out.Points = append(out.Points, pt); len(out.Points) >= 4*keptPoints {
			trim()
		}
		for i := len(at) - 1; i >= 0; i-- {
			if at[i]++; at[i] < len(s.axes[i].Values) {
				break
			}
			at[i] = 0
		}
	}
	trim()
	if s.curve != nil {
		out.MetricRuns = s.curve.n
	}
	s.explain(out, alike)
	if best != nil {
		return out, s.neighbours(out, best)
	}
	return out, nil
}

// explain says why the best is that, beside others that cost as much.
func (s *sweep) explain(out *Sweep, alike int) {
	costs := map[string]string{"energy": "energy", "gco2e": "emissions", "time": "time"}[s.goal.Cost]
	sign := "at least"
	if s.curve != nil && s.curve.lower {
		sign = "at most"
	}
	target := fmt.Sprintf("%s of %s %v", s.goal.Metric, sign, s.goal.Value)
	probability := func(x float64) string {
		if x < 0.0005 {
			return "under 0.1 %"
		}
		return inwords.Probability(x)
	}
	switch {
	case s.curve == nil:
		out.Why = fmt.Sprintf("it has the least %s of all %d", costs, out.Tried)
	case out.Best != nil:
		out.Why = fmt.Sprintf("it has the least %s of the %d (of %d) that reach %s with %s or more", costs, out.Reached, out.Tried, target, inwords.Probability(s.goal.Confidence))
	default:
		out.Why = fmt.Sprintf("none of %d reaches %s with %s; the surest does with %s, and is expected to come to %s", out.Tried, target,
			inwords.Probability(s.goal.Confidence), probability(*out.Points[0].Reaches), inwords.Trimmed(*out.Points[0].Expected))
	}
	if out.Best != nil && alike > 0 {
		out.Why += fmt.Sprintf(", as much as %s", inwords.Plural(alike, "other"))
		if s.goal.Cost != "time" && out.Best.DurationS != nil {
			out.Why += ", and of these takes the least time"
		}
	}
	if s.curve == nil {
		return
	}
	out.Notes = append(out.Notes, fmt.Sprintf("%s follows from what varies among %d runs of %s; devices, their number, precision and place are taken not to change it",
		s.goal.Metric, s.curve.n, inwords.Plural(max(s.curve.programs, 1), "program")))
	if _, known := s.curve.series[s.plan.Series]; !known {
		out.Notes = append(out.Notes, "none of these runs is of this program (series), whose own level is not known")
	}
	if out.Best == nil {
		return
	}
	plan := s.plan
	for i, a := range s.axes {
		_ = plan.Set(a.Name, out.Best.Values[i])
	}
	for k, x := range featuresOf(&plan) {
		if inMetric[k] && !math.IsNaN(x) && s.curve.low[k] < s.curve.high[k] && (x < s.curve.low[k]-0.005 || x > s.curve.high[k]+0.005) {
			out.Notes = append(out.Notes, fmt.Sprintf("of the best, %s are outside of what runs that tell %s have (%s to %s): how the curve goes on there is an assumption",
				featureWords[k], s.goal.Metric, amountInWords(math.Pow(10, s.curve.low[k])), amountInWords(math.Pow(10, s.curve.high[k]))))
		}
	}
}

// neighbours are the best with one axis a step on or back.
func (s *sweep) neighbours(out *Sweep, best []int) error {
	for i, a := range s.axes {
		for _, step := range []int{-1, 1} {
			at := slices.Clone(best)
			if at[i] += step; at[i] < 0 || at[i] >= len(a.Values) {
				continue
			}
			pt, err := s.point(at)
			if err != nil {
				return err
			}
			out.Neighbours = append(out.Neighbours, Neighbour{a.Name, a.Values[at[i]], s.cost(&pt) / s.cost(out.Best), pt.Reaches})
		}
	}
	return nil
}
