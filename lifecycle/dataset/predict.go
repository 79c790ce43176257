package dataset

import (
	"cmp"
	"fmt"
	"maps"
	"math"
	"slices"
	"strings"
	"time"

	"github.com/ecotracer/ecotracer/internal/inwords"
	"github.com/ecotracer/ecotracer/internal/lognormal"
	"github.com/ecotracer/ecotracer/lifecycle"
	"github.com/ecotracer/ecotracer/lifecycle/estimate"
)

// Predictor predicts what runs come to, from physics and from the records that
// it was fitted to. It does not change and is safe for concurrent use.
//
//	p := dataset.Fit(records)
//	f, err := p.Predict(plan)
//
// Without records a prediction is the physical estimate: floating-point
// operations over the share of the peak that is reached, times power, as package
// estimate has them. Few records correct it, shrunk towards it and towards one
// another by device, kind of work and program; many make it a regression in
// logarithms. All intervals are of 90 %, and wider outside of what the records
// hold, which is told. Where the records drift over the years that trend is
// followed to when the plan begins, which is told; otherwise they hold for runs
// that might as well be among the records. What records would correct counts by
// how much closer than physics they have told one another.
type Predictor struct {
	runs   [2][]observed
	seen   [2]int
	models [2][outcomes]*pooled
	scores []scored
	left   map[string]int
}

// Range is a prediction, within Low and High with 90 %. Time and energy are as
// likely below Value as above; what follows from them by factors has the best
// estimate of these.
type Range struct {
	Value float64 `json:"value"`
	Low   float64 `json:"low"`
	High  float64 `json:"high"`
}

// How a prediction was obtained.
const (
	Prior      = "prior"      // from physics alone
	Corrected  = "corrected"  // from physics, corrected by records
	Regression = "regression" // from so many records that they outweigh physics
)

// regressionRuns is from how many runs on a prediction is called a regression.
const regressionRuns = 50

// Prediction is what a plan comes to.
type Prediction struct {
	DurationS        *Range `json:"duration_s,omitempty"` // nil where hours are given as exact
	EnergyJ          Range  `json:"energy_j"`             // of the devices, within the plan's boundary
	FacilityEnergyJ  Range  `json:"facility_energy_j"`
	OperationalGCO2e Range  `json:"operational_gco2e"`
	EmbodiedGCO2e    *Range `json:"embodied_gco2e,omitempty"` // the run's share of production and end of life; nil if unknown
	GCO2e            *Range `json:"gco2e,omitempty"`          // both; nil if one is unknown

	Basis    string   `json:"basis"`            // Prior, Corrected or Regression
	Runs     int      `json:"runs"`             // of the same phase that it was learned from
	Of       int      `json:"of"`               // that there were; more only if that was too many
	Physics  Range    `json:"physics_energy_j"` // the energy by physics alone
	Reach    string   `json:"reach,omitempty"`  // whose errors tell the width of the interval: "series", a device or kind of work, "" all
	Warnings []string `json:"warnings,omitempty"`

	DurationError *Error `json:"duration_error,omitempty"` // nil with fewer than two runs to tell it from
	EnergyError   *Error `json:"energy_error,omitempty"`

	Inputs []estimate.Input `json:"inputs"` // of the physics, and of the place
}

// Left tells how many runs or stages were not learned from, by the reason.
func (p *Predictor) Left() map[string]int { return p.left }

// Runs is how many runs of a phase were learned from.
func (p *Predictor) Runs(phase lifecycle.Phase) int {
	if phase == lifecycle.PhaseInference {
		return len(p.runs[1])
	}
	return len(p.runs[0])
}

// Predict tells what a plan comes to. The zero Stage is training/training. An
// error of type *[UnknownError] names what is missing to tell how much arithmetic
// the run is, or what of it is not known; one of type *[estimate.FieldError]
// which member cannot be used.
func (p *Predictor) Predict(plan Plan) (*Prediction, error) {
	f, _, err := p.predict(&plan)
	return f, err
}

// complete tells the stage and the day where they are not given.
func (p *Plan) complete() {
	if p.When.IsZero() {
		p.When = time.Now()
	}
	if p.Stage == "" {
		p.Stage = lifecycle.Training
		if p.Requests > 0 && p.Epochs == 0 {
			p.Stage = lifecycle.Serving
		}
	}
}

func (p *Predictor) predict(plan *Plan) (*Prediction, *physical, error) {
	if err := plan.check(); err != nil {
		return nil, nil, err
	}
	plan.complete()
	ph, err := knownFacts.physics(plan)
	if err != nil {
		return nil, nil, err
	}
	ph.place = knownFacts.place(&plan.Plan)
	if ph.place.unknown != "" {
		return nil, nil, &UnknownError{Why: ph.place.unknown}
	}
	k := phaseAt(plan)
	f := &Prediction{Basis: Prior, Runs: len(p.runs[k]), Of: p.seen[k]}
	in, x, year := groupsOf(plan, &ph), featuresOf(plan), yearOf(plan.When)
	left := 0.0
	tell := func(q int) logRange {
		m, is := p.models[k][q], ph.is[q]
		g := m.predict(in, x, year, is.sigma)
		reach := m.reachWith(g.reach)
		if g.away > 0 {
			reach = max(reach, z90)
		}
		if q != ofDuration {
			left = g.left * is.sigma
			if g.away == 0 {
				f.Reach = g.of
			}
		}
		half := math.Hypot(reach*g.sd, z90*g.beyond) * is.sigma
		return logRange{is.log + g.mean*is.sigma, half, half}
	}
	var energy, duration logRange
	if plan.Hours != nil {
		duration = ofSigma(ph.is[ofDuration])
		energy = tell(ofPower).times(duration)
	} else {
		duration, energy = tell(ofDuration), tell(ofEnergy)
	}
	if plan.Hours == nil || duration.up > 0 {
		r := duration.is()
		f.DurationS = &r
	}
	f.EnergyJ = energy.is()
	f.Physics = ofSigma(ph.is[ofEnergy]).is()
	f.place(plan, &ph, energy, duration)
	f.basis(p.models[k], plan)
	p.warn(f, plan, &ph, in, x, year, left)
	f.Inputs = append(slices.Clip(ph.inputs), ph.place.grid, ph.place.pue)
	return f, &ph, nil
}

// logRange is an interval of 90 % of a logarithm.
type logRange struct{ log, down, up float64 }

func ofSigma(x logNormal) logRange { return logRange{x.log, z90 * x.sigma, z90 * x.sigma} }

// times is the product of independent figures.
func (a logRange) times(b logRange) logRange {
	return logRange{a.log + b.log, math.Hypot(a.down, b.down), math.Hypot(a.up, b.up)}
}

func (a logRange) is() Range {
	return Range{math.Exp(a.log), math.Exp(a.log - a.down), math.Exp(a.log + a.up)}
}

// ofInput is a factor with its 95 % bounds as what it may be with 90 %.
func ofInput(in *estimate.Input) logRange {
	if in.Value <= 0 {
		return logRange{math.Inf(-1), 0, 0}
	}
	part := z90 / lognormal.Z95
	return logRange{math.Log(in.Value), part * math.Log(in.Value/max(in.Low, math.SmallestNonzeroFloat64)), part * math.Log(max(in.High/in.Value, 1))}
}

// place tells what energy and time come to there.
func (f *Prediction) place(plan *Plan, ph *physical, energy, duration logRange) {
	facility := energy.times(ofInput(&ph.place.pue))
	f.FacilityEnergyJ = facility.is()
	grams := facility.times(ofInput(&ph.place.grid))
	grams.log -= math.Log(joulesOfKWh)
	f.OperationalGCO2e = grams.is()
	if !ph.facts.made {
		return
	}
	_, times := plannedDevices(&plan.Plan)
	making := duration.times(ofInput(&ph.facts.making))
	making.log += math.Log(times)
	made := making.is()
	f.EmbodiedGCO2e = &made
	// Both follow from the same time, which is most of what is not sure of either:
	// their bounds add up as if nothing else were.
	f.GCO2e = &Range{made.Value + f.OperationalGCO2e.Value, made.Low + f.OperationalGCO2e.Low, made.High + f.OperationalGCO2e.High}
}

const joulesOfKWh = 3.6e6

// basis tells how the prediction was obtained, and how far off the like were.
func (f *Prediction) basis(of [outcomes]*pooled, plan *Plan) {
	q := ofEnergy
	if plan.Hours != nil {
		q = ofPower
	} else if m := of[ofDuration]; m.missed.Runs > 1 {
		f.DurationError = &m.missed
	}
	m := of[q]
	switch {
	case m.n >= regressionRuns:
		f.Basis = Regression
	case m.n > 0:
		f.Basis = Corrected
	}
	if m.missed.Runs > 1 {
		f.EnergyError = &m.missed
	}
}

// leastLeft is the logarithm of what is left out of a correction from which on it
// is told: 1.1.
const leastLeft = 0.0953

// warn tells in what a plan is unlike the records, and what else to mind; left is
// the logarithm of what they would correct and is left out.
func (p *Predictor) warn(f *Prediction, plan *Plan, ph *physical, in [groupings]string, x [features]float64, year, left float64) {
	say := func(format string, args ...any) { f.Warnings = append(f.Warnings, fmt.Sprintf(format, args...)) }
	q := ofEnergy
	if plan.Hours != nil {
		q = ofPower
	}
	m := p.models[phaseAt(plan)][q]
	if name := cmp.Or(plan.Accelerator, plan.CPU, plan.Instance); name != "" && !ph.facts.listed {
		say("%q is not listed: its figures are those of a class or family", name)
	}
	if m.n == 0 {
		return
	}
	for g, what := range [groupings]string{"runs on %s", "%s", "work of the kind %q", "training of the type %q", ""} {
		if what != "" && in[g] != "" && m.known[g][in[g]] == 0 {
			say("no record has "+what+": what it has of its own is not in the figures, only in their interval", in[g])
		}
	}
	for k := range features {
		if math.IsNaN(x[k]) || math.IsNaN(m.low[k]) {
			continue
		}
		end, than := m.high[k], "the most"
		if x[k] < m.low[k] {
			end, than = m.low[k], "the least"
		}
		if d := math.Abs(x[k] - end); (x[k] < m.low[k] || x[k] > m.high[k]) && d > 0.005 {
			ratio := inwords.Trimmed(math.Pow(10, d)) + " times"
			if x[k] < m.low[k] {
				ratio = "1/" + inwords.Trimmed(math.Pow(10, d)) + " of"
			}
			say("outside of the records: %s are %s, %s %s that any of them has (%s); what was learned counts for less, and the interval is wider",
				featureWords[k], amountInWords(math.Pow(10, x[k])), ratio, than, amountInWords(math.Pow(10, end)))
		}
	}
	if m.trend > 0 {
		say("%s", m.drift.words("the records drift", year))
	} else if m := p.models[phaseAt(plan)][ofDuration]; plan.Hours == nil && m.trend > 0 {
		say("%s", m.drift.words("the time of the records drifts", year))
	}
	if math.Abs(left) > leastLeft {
		say("told of one another, these records are no closer than physics: what they would make of it, %s times as much, is left out", inwords.Trimmed(math.Exp(left)))
	}
	if f.Of > f.Runs {
		say("of %d runs %d were drawn to learn from", f.Of, f.Runs)
	}
}

// amountInWords writes an amount as people do: 7 B, 300 k, 12.
func amountInWords(x float64) string {
	for _, u := range []struct {
		size float64
		name string
	}{{1e12, "T"}, {1e9, "B"}, {1e6, "M"}, {1e4, ""}} {
		if x >= u.size*0.9995 && u.name != "" {
			return inwords.Trimmed(x/u.size) + u.name
		}
	}
	return inwords.Trimmed(x)
}

// mostOfAnything is more than any run has of what plans count: a million times the
// arithmetic of the largest so far.
const mostOfAnything = 1e32

// check refuses what no run can have.
func (p *Plan) check() error {
	for _, name := range slices.Sorted(maps.Keys(planMembers)) {
		m := planMembers[name]
		if m.number == nil {
			continue
		}
		if x := *m.number(p); !(x >= 0 && x <= mostOfAnything) {
			return &estimate.FieldError{Field: name, Err: fmt.Errorf("%v is out of range: write a number above 0, up to %g", x, mostOfAnything)}
		}
	}
	for _, part := range []string{"active", "trainable"} {
		if n := *planMembers[part].number(p); p.Parameters > 0 && n > p.Parameters*(1+1e-9) {
			return &estimate.FieldError{Field: part, Err: fmt.Errorf("%s are more than the %s parameters in all", amountInWords(n), amountInWords(p.Parameters))}
		}
	}
	for _, g := range []struct {
		field string
		given *estimate.Given
		most  float64
	}{{"hours", p.Hours, 1e8}, {"mfu", p.MFU, 1}} {
		if g.given == nil {
			continue
		}
		if v := *g.given; !(v.Value > 0) || v.Value > g.most || v.Low < 0 || v.Low > v.Value || v.High != 0 && v.High < v.Value || (v.Low == 0) != (v.High == 0) {
			return &estimate.FieldError{Field: g.field, Err: fmt.Errorf("%s is out of range: write a figure, or value,low,high, above 0 and up to %v", strings.TrimSuffix(fmt.Sprintf("%v,%v,%v", v.Value, v.Low, v.High), ",0,0"), g.most)}
		}
	}
	if y := p.When.Year(); !p.When.IsZero() && (y < 1970 || y > 2200) {
		return &estimate.FieldError{Field: "when", Err: fmt.Errorf("the year %d is out of range: write a date such as 2027-06-01", y)}
	}
	if p.EnergyKWh != nil {
		return &estimate.FieldError{Field: "energy-kwh", Err: fmt.Errorf("it is what is predicted: `ecotracer estimate` tells what follows from it")}
	}
	if s := p.Stage; s != "" && !slices.Contains(workedStages[s.Phase()], s) {
		var all []string
		for _, phase := range []lifecycle.Phase{lifecycle.PhaseTraining, lifecycle.PhaseInference} {
			for _, s := range workedStages[phase] {
				all = append(all, string(s))
			}
		}
		return &estimate.FieldError{Field: "stage", Err: fmt.Errorf("%q is none that is predicted: write one of %s", s, strings.Join(all, ", "))}
	}
	return nil
}

// Lean is a record that a prediction leans on.
type Lean struct {
	Run    string  `json:"run"`
	Series string  `json:"series,omitempty"`
	Device string  `json:"device"`
	Weight float64 `json:"weight"` // by which part of a change of this run the prediction would change
}

// Lean tells which records a prediction of energy leans on, the most first, and
// how much on all of them: 1 if a factor by which all of them were off would show
// in full, 0 if it is physics alone. It takes a time in proportion to the records.
func (p *Predictor) Lean(plan Plan, most int) (list []Lean, all float64, err error) {
	f, ph, err := p.predict(&plan)
	if err != nil || f.Runs == 0 {
		return nil, 0, err
	}
	k, q := phaseAt(&plan), ofEnergy
	if plan.Hours != nil {
		q = ofPower
	}
	m := p.models[k][q]
	if m.b == nil || m.n == 0 {
		return nil, 0, nil
	}
	in, x := groupsOf(&plan, ph), featuresOf(&plan)
	year, sigma := yearOf(plan.When), ph.is[q].sigma
	row := m.row(in, x, m.elapsed(year, sigma))
	keep := m.predict(in, x, year, sigma).keep
	v := make([]float64, m.width)
	for i := range row.n {
		for c, a := range m.cov.row(int(row.at[i])) {
			v[c] += row.v[i] * a
		}
	}
	i := 0
	for at := range p.runs[k] {
		ob := &p.runs[k][at]
		if math.IsNaN(ob.ratio[q]) {
			continue
		}
		row := m.row(ob.in, ob.x, m.elapsed(ob.year, ob.sigma[q]))
		w := keep * row.dot(v) * m.influence(i, ob)
		all += w
		list = append(list, Lean{ob.run, ob.in[bySeries], ob.in[byModel], w})
		i++
	}
	slices.SortStableFunc(list, func(a, b Lean) int { return cmp.Compare(math.Abs(b.Weight), math.Abs(a.Weight)) })
	return list[:min(len(list), most)], max(0, min(all, 1)), nil
}
