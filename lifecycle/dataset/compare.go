package dataset

import (
	"cmp"
	"fmt"
	"maps"
	"math"
	"slices"
	"strings"

	"github.com/ecotracer/ecotracer/internal/inwords"
	"github.com/ecotracer/ecotracer/internal/lognormal"
	"github.com/ecotracer/ecotracer/lifecycle"
)

// CohortComparison tells whether runs of group A come to less than those of B.
type CohortComparison struct {
	A       int                `json:"a"` // runs
	B       int                `json:"b"`
	Figures []CohortDifference `json:"figures"` // of a run, then of a functional unit
	Caveats []string           `json:"caveats,omitempty"`
}

// CohortDifference is what is told of one figure.
type CohortDifference struct {
	Figure string `json:"figure"`         // as in totals: gco2e, energy_j, ...
	Unit   string `json:"unit,omitempty"` // functional unit that it is told for one of; "" is a run

	A *CohortFigure `json:"a,omitempty"` // nil if no run tells it
	B *CohortFigure `json:"b,omitempty"`

	Verdict lifecycle.Verdict `json:"verdict"`
	Reasons []string          `json:"reasons,omitempty"` // why it is not comparable; then nothing below is told

	Lower   float64             `json:"lower"`           // probability that the typical run of A comes to less
	Higher  float64             `json:"higher"`          // to more
	Ratio   *lifecycle.Interval `json:"ratio,omitempty"` // of the typical runs, A / B
	Scatter float64             `json:"scatter"`         // share of the uncertainty (variance) of the ratio that more runs would lessen; the rest is that of inputs

	Difference float64            `json:"difference"`        // of the means, A − B
	Drivers    []lifecycle.Driver `json:"drivers,omitempty"` // of that difference, the largest first
}

// CohortFigure is a figure of a group's runs.
type CohortFigure struct {
	Runs    int                `json:"runs"`    // that tell it
	Typical lifecycle.Interval `json:"typical"` // geometric mean
	Mean    float64            `json:"mean"`    // arithmetic: of a run, or all over all units
	Spread  float64            `json:"spread"`  // factor within which 68 % of lognormal runs are of the typical one; 0 of one run
}

// fewest are the runs that a group must have to tell how much runs scatter.
const fewest = 2

// maxDrivers is how many drivers are told of a difference.
const maxDrivers = 5

// CompareCohorts tells whether the typical run of group a comes to less than
// that of b, in each figure, for a run and, where all runs of both count one
// unit, for one of it.
//
// The typical run is the geometric mean; the ratio of two is tested by Welch's
// t on logarithms (Biometrika 34, 1947), with its degrees of freedom. To the
// variance of that is added what runs have in common and so do not show by
// their scatter: an input that moves the logarithm by a (one standard
// deviation, in the mean of each group) adds (a of A − a of B)², less what the
// scatter of a among runs already tells. What both groups share to the same
// degree cancels out, as the grid of one place does. From a probability of
// 97.5 % on a group is called lower or higher.
//
// The drivers are of the difference of the arithmetic means, by the logarithmic
// mean Divisia index as in [lifecycle.Compare]: time held, power, PUE and grid
// of each stage and hardware.
//
// Groups that have no boundary, scope, or set of what was not measured in
// common, or no basis of grid factors, are not compared in what rests on it.
// CompareCohorts changes neither group.
func CompareCohorts(a, b *Cohort) CohortComparison {
	c := CohortComparison{A: a.Runs(), B: b.Runs(), Caveats: cohortCaveats(a, b)}
	units := []string{""}
	for _, unit := range slices.Sorted(maps.Keys(a.tallies)) {
		const energy = 3
		if unit == "" || b.tallies[unit] == nil {
			continue
		}
		whole := func(g *Cohort) bool { return g.tallies[unit][energy].n == g.tallies[""][energy].n }
		if unit == a.Unit || whole(a) && whole(b) {
			units = append(units, unit)
		}
	}
	for _, unit := range units {
		for k := range cohortFigures {
			c.Figures = append(c.Figures, compareFigure(a, b, unit, k))
		}
	}
	return c
}

func compareFigure(a, b *Cohort, unit string, k int) CohortDifference {
	d := CohortDifference{Figure: cohortFigures[k].name, Unit: unit, Verdict: lifecycle.NotComparable}
	var of [2]*figureTally
	for i, g := range []*Cohort{a, b} {
		if t := g.tallies[unit]; t != nil {
			of[i] = &t[k]
		} else {
			of[i] = &figureTally{}
		}
		if side := "AB"[i : i+1]; of[i].n == 0 {
			d.Reasons = append(d.Reasons, fmt.Sprintf("no run of %s tells it", side))
		} else if of[i].n < fewest {
			d.Reasons = append(d.Reasons, fmt.Sprintf("one run of %s does not tell how much its runs scatter", side))
		}
	}
	if of[0].n+of[1].n == 0 {
		d.Reasons = []string{"no run tells it"}
	}
	d.A, d.B = of[0].figure(), of[1].figure()
	d.Reasons = append(d.Reasons, cohortReasons(a, b, k)...)
	if len(d.Reasons) > 0 {
		return d
	}
	off := of[0].mean - of[1].mean
	va, vb := of[0].variance(), of[1].variance()
	shared := sharedVariance(of[0], of[1])
	total := va + vb + shared
	wide, degrees := math.Sqrt(total), math.Inf(1)
	if below := va*va/float64(of[0].n-1) + vb*vb/float64(of[1].n-1); below > 0 {
		degrees = total * total / below
	}
	bound := studentBound(degrees, 0.05) * wide
	d.Ratio = &lifecycle.Interval{Value: sixDigits(math.Exp(off)), Low: sixDigits(math.Exp(off - bound)), High: sixDigits(math.Exp(off + bound))}
	const alike = 1e-9
	switch {
	case total > 0:
		beyond := sixDigits(studentBeyond(off/wide, degrees) / 2)
		d.Scatter = sixDigits((va + vb) / total)
		if d.Lower, d.Higher = 1-beyond, beyond; off > 0 {
			d.Lower, d.Higher = beyond, 1-beyond
		}
	case off > alike:
		d.Higher = 1
	case off < -alike:
		d.Lower = 1
	}
	const surely = 0.975
	switch {
	case d.Lower >= surely:
		d.Verdict = lifecycle.Lower
	case d.Higher >= surely:
		d.Verdict = lifecycle.Higher
	default:
		d.Verdict = lifecycle.NotToldApart
	}
	d.Difference = sixDigits(d.A.Mean - d.B.Mean)
	d.Drivers = cohortDrivers(of[0], of[1], k)
	return d
}

// variance is that of the mean of logarithms, by the scatter among runs.
func (f *figureTally) variance() float64 {
	if f.n < 2 {
		return 0
	}
	return f.m2 / float64(f.n-1) / float64(f.n)
}

// pull is the mean of what an input does, and the variance of that mean.
func (f *figureTally) pull(input string) (mean, variance float64) {
	m := f.inputs[input]
	if f.n == 0 {
		return 0, 0
	}
	n := float64(f.n)
	mean = m.sum / n
	if f.n > 1 {
		variance = max(0, m.squares-m.sum*mean) / (n - 1) / n
	}
	return mean, variance
}

// sharedVariance is what inputs add to the variance of the difference of means
// beyond the scatter among runs, which tells of those that few runs share.
func sharedVariance(a, b *figureTally) (total float64) {
	inputs := maps.Clone(a.inputs)
	if inputs == nil {
		inputs = map[string]moments{}
	}
	maps.Copy(inputs, b.inputs)
	for _, input := range slices.Sorted(maps.Keys(inputs)) {
		ma, va := a.pull(input)
		mb, vb := b.pull(input)
		total += max(0, (ma-mb)*(ma-mb)-va-vb)
	}
	return total
}

// figure is the figure of a group; nil if no run tells it.
func (f *figureTally) figure() *CohortFigure {
	if f.n == 0 {
		return nil
	}
	g := &CohortFigure{Runs: f.n, Mean: sixDigits(f.sum / f.units)}
	v, shared := f.variance(), sharedVariance(f, &figureTally{})
	bound := lognormal.Z95 * math.Sqrt(shared)
	if f.n > 1 {
		g.Spread = sixDigits(math.Exp(math.Sqrt(f.m2 / float64(f.n-1))))
		degrees := math.Inf(1)
		if v > 0 {
			degrees = (v + shared) * (v + shared) / (v * v) * float64(f.n-1)
		}
		bound = studentBound(degrees, 0.05) * math.Sqrt(v+shared)
	}
	typical := math.Exp(f.mean)
	g.Typical = lifecycle.Interval{Value: sixDigits(typical), Low: sixDigits(typical * math.Exp(-bound)), High: sixDigits(typical * math.Exp(bound))}
	return g
}

// cohortReasons tells why a figure of two groups is not comparable.
func cohortReasons(a, b *Cohort, k int) (why []string) {
	of := &cohortFigures[k]
	for i := range cohortTraits {
		t := &cohortTraits[i]
		if !(t.energy && of.use || t.grid && of.grid || t.every) || len(a.traits[i]) == 0 || len(b.traits[i]) == 0 {
			continue
		}
		common := false
		for value := range a.traits[i] {
			if _, there := b.traits[i][value]; there && value != "(other)" {
				common = true
			}
		}
		if !common {
			why = append(why, fmt.Sprintf("%s: A %s, B %s", t.name, shares(a.traits[i]), shares(b.traits[i])))
		}
	}
	return why
}

// shares tells which values there are, the commonest first.
func shares(n map[string]int) string {
	list := mostFirst(n)
	total := 0
	for _, what := range list {
		total += n[what]
	}
	if len(list) == 1 {
		return list[0]
	}
	var texts []string
	for i, what := range list {
		if i == 4 {
			texts = append(texts, fmt.Sprintf("%d more", len(list)-i))
			break
		}
		texts = append(texts, what+" "+inwords.Percent(rounded(float64(n[what])/float64(total))))
	}
	return strings.Join(texts, ", ")
}

// cohortCaveats tells what to mind of two groups.
func cohortCaveats(a, b *Cohort) (all []string) {
	both := 0
	for id := range a.runs {
		if _, there := b.runs[id]; there {
			both++
		}
	}
	if both > 0 {
		all = append(all, fmt.Sprintf("%s are in both groups, which are taken as independent", inwords.Plural(both, "run")))
	}
	for i := range cohortTraits {
		x, y := a.traits[i], b.traits[i]
		if len(x) == 0 || len(y) == 0 || len(x) == 1 && len(y) == 1 && maps.Equal(keysOf(x), keysOf(y)) {
			continue
		}
		if sx, sy := shares(x), shares(y); sx != sy || len(x) > 1 {
			all = append(all, fmt.Sprintf("%s: A %s; B %s", cohortTraits[i].name, sx, sy))
		}
	}
	told := false
	metrics := slices.SortedFunc(maps.Keys(a.metrics), func(x, y Metric) int { return cmp.Compare(x.String(), y.String()) })
	for _, m := range metrics {
		x, y := a.metrics[m], b.metrics[m]
		if y == nil || 2*x.n < a.Runs() || 2*y.n < b.Runs() {
			continue
		}
		told = true
		if mx, my := x.sum/float64(x.n), y.sum/float64(y.n); math.Abs(mx-my) > 1e-3*max(math.Abs(mx), math.Abs(my)) {
			all = append(all, fmt.Sprintf("the models are not alike in %s: A %s, B %s on average", m, inwords.Trimmed(mx), inwords.Trimmed(my)))
		}
	}
	if !told && len(a.metrics)+len(b.metrics) > 0 {
		all = append(all, "how good the models are cannot be compared: most runs of both groups tell no metric in common")
	}
	return all
}

func keysOf(m map[string]int) map[string]bool {
	keys := map[string]bool{}
	for k := range m {
		keys[k] = true
	}
	return keys
}

// cohortDrivers are what the difference of two means is made of.
func cohortDrivers(a, b *figureTally, k int) []lifecycle.Driver {
	sums := map[lifecycle.Driver]float64{} // with a Difference of 0
	keys := maps.Clone(a.cells)
	maps.Copy(keys, b.cells)
	var size float64
	for at := range keys {
		x, y := a.cells[at].over(a.units), b.cells[at].over(b.units)
		size += max(x.value, y.value)
		add := func(input string, by float64) {
			sums[lifecycle.Driver{Stage: lifecycle.Stage(at.stage), Hardware: at.hardware, Input: input}] += by
		}
		if x.value <= 0 || y.value <= 0 {
			add("use", x.value-y.value)
			continue
		}
		mean, rest := x.value, math.Log(x.value/y.value)
		if math.Abs(rest) > 1e-12 {
			mean = (x.value - y.value) / rest
		}
		// x over y is the product of these, as far as they are known of both.
		part := func(input string, ratio float64) {
			if !math.IsNaN(ratio) {
				add(input, mean*ratio)
				rest -= ratio
			}
		}
		device := lifecycle.Stage(at.stage).Device()
		part("time", logRatio(x.seconds, y.seconds))
		switch {
		case device:
			part("production", rest) // of a device, over its lifetime in use
		case cohortFigures[k].name == "energy_j":
		default:
			part("pue", logRatio(x.facility*y.energy, x.energy*y.facility))
			if cohortFigures[k].name == "water_l" {
				part("water", logRatio(x.value*y.facility, x.facility*y.value))
			} else if cohortFigures[k].grid {
				part("grid", logRatio(x.value*y.facility, x.facility*y.value))
			}
		}
		if math.Abs(rest) > 1e-12 {
			add(map[bool]string{true: "use", false: "power"}[math.IsNaN(logRatio(x.seconds, y.seconds))], mean*rest)
		}
	}
	var list []lifecycle.Driver
	for d, by := range sums {
		if d.Difference = sixDigits(by); math.Abs(by) > 1e-9*size {
			list = append(list, d)
		}
	}
	slices.SortFunc(list, func(x, y lifecycle.Driver) int {
		return cmp.Or(cmp.Compare(math.Abs(y.Difference), math.Abs(x.Difference)),
			cmp.Compare(x.Stage, y.Stage), cmp.Compare(x.Hardware, y.Hardware), cmp.Compare(x.Input, y.Input))
	})
	return list[:min(len(list), maxDrivers)]
}

// over is a cell for one run or unit.
func (c cellSum) over(units float64) cellSum {
	if units == 0 {
		return cellSum{}
	}
	return cellSum{c.value / units, c.energy / units, c.facility / units, c.seconds / units}
}
