package dataset

import (
	"cmp"
	"math"
	"slices"

	"github.com/ecotracer/ecotracer/internal/lognormal"
	"github.com/ecotracer/ecotracer/lifecycle"
)

// Group is what a group of a summary came to.
type Group struct {
	Key   []string `json:"key"`             // a text a dimension; "" is unknown
	Other bool     `json:"other,omitempty"` // what was not kept apart; Key is empty then, and a run counts once for each group it was in

	Runs        int64            `json:"runs"`                  // distinct runs
	Overlapping bool             `json:"overlapping,omitempty"` // but a run may count several times: the group was made of several in which it was
	Statuses    map[string]int64 `json:"statuses"`              // of them by status
	Rows        int64            `json:"rows"`                  // of the flat table

	StageS  float64 `json:"stage_s"`  // Σ of distinct stages of runs; 0 if none tells it
	DeviceS float64 `json:"device_s"` // devices held: Σ count × time × share

	Energy      Sum `json:"energy_j"` // IT energy, without PUE
	Facility    Sum `json:"facility_energy_j"`
	Operational Sum `json:"operational_gco2e"`
	Embodied    Sum `json:"embodied_gco2e"`
	GCO2e       Sum `json:"gco2e"` // operational and embodied
	Water       Sum `json:"water_l"`

	// Without intervals: rows do not tell by which factors.
	ADPe          Sum `json:"embodied_adpe_kgsbeq"`
	PrimaryEnergy Sum `json:"embodied_primary_energy_j"`
	Waste         Sum `json:"embodied_waste_kg"`

	MeasuredShare *float64 `json:"measured_share,omitempty"` // of the energy, by meters and counters; nil without energy, and if shared

	EnergyPerRun *Distribution `json:"energy_j_per_run,omitempty"` // of runs that tell it in full; nil if none does
	GCO2ePerRun  *Distribution `json:"gco2e_per_run,omitempty"`

	PerUnit   map[string]PerUnit `json:"per_unit,omitempty"`   // by functional unit
	MoreUnits bool               `json:"more_units,omitempty"` // there were too many to keep all
}

// Sum is a sum over the runs of a group, with its 95 % interval.
type Sum struct {
	Value *float64 `json:"value,omitempty"` // of what is known; nil if no row tells it
	Low   *float64 `json:"low,omitempty"`   // nil too if the interval is unknown
	High  *float64 `json:"high,omitempty"`

	Known   int64 `json:"known"`   // runs that tell it in full
	Unknown int64 `json:"unknown"` // runs that do not, or in part
}

// Distribution is how a figure is distributed among the runs of a group. P95 is
// what 95 % of them, or more, do not exceed: of fewer than 20 that is the
// greatest. Quantiles are off by 0.8 % at most, the extremes are exact.
type Distribution struct {
	Runs int64   `json:"runs"`
	Min  float64 `json:"min"`
	P5   float64 `json:"p5"`
	P25  float64 `json:"p25"`
	P50  float64 `json:"p50"`
	P75  float64 `json:"p75"`
	P95  float64 `json:"p95"`
	Max  float64 `json:"max"`
}

// PerUnit is what one functional unit took. Numerator and denominator are of
// the same stages: those that count the unit. What several stages of a run count
// (a reading that is taken in, cleaned and stored) is counted in each: then there
// are more stages than runs, and groups by stage tell what one took in each.
type PerUnit struct {
	Count  float64 `json:"count"`
	Runs   int64   `json:"runs"`   // distinct ones that count it
	Stages int64   `json:"stages"` // distinct ones of them

	Energy      *lifecycle.Interval `json:"energy_j,omitempty"` // J a unit; nil if none is known
	Operational *lifecycle.Interval `json:"operational_gco2e,omitempty"`

	EnergyLacking      int64 `json:"energy_lacking,omitempty"` // rows of these stages that do not tell it: more than 0, and the ratio is too low
	OperationalLacking int64 `json:"operational_lacking,omitempty"`
}

// settle brings the summary to the one form that what it has seen has.
func (s *Summary) settle() {
	s.flush()
	s.prune()
	if s.shared > 0 {
		s.total = &tally{}
	}
}

// Groups are the groups, sorted by key, and after them what was not kept apart,
// if there is such.
func (s *Summary) Groups() []Group {
	s.settle()
	r := s.newTelling()
	list := make([]*tally, 0, len(s.groups)+1)
	for _, t := range s.groups {
		list = append(list, t)
	}
	slices.SortFunc(list, func(a, b *tally) int { return slices.Compare(a.texts, b.texts) })
	groups := make([]Group, 0, len(list)+1)
	for _, t := range list {
		groups = append(groups, r.group(t, t.cells, t.rest))
	}
	if s.others != nil {
		g := r.group(s.others, nil, s.others.rest)
		g.Other = true
		groups = append(groups, g)
	}
	return groups
}

// Total is what all runs came to; its key is empty. A run counts once; of a
// summary that was shared the total is of the groups that were, in which a run
// may count several times.
func (s *Summary) Total() Group {
	s.settle()
	all := tally{}
	all.mergeRuns(s.total)
	add := func(t *tally) {
		if s.shared > 0 {
			all.mergeRuns(t)
		}
		all.mergeRows(t)
		for i := range t.cells {
			c, _ := all.cell(t.cells[i].blend)
			for k := range c.sums {
				c.sums[k].merge(&t.cells[i].sums[k])
			}
		}
		for name, u := range t.units {
			if of := all.units[name]; of != nil && s.shared == 0 {
				for i := range unitFigures {
					of.rest[i].merge(&u.rest[i])
				}
			}
		}
	}
	for _, t := range s.groups {
		add(t)
	}
	if s.others != nil {
		add(s.others)
	}
	g := s.newTelling().group(&all, all.cells, all.rest)
	g.Overlapping = g.Overlapping || s.shared > 0 && !s.whole
	return g
}

// telling computes intervals.
type telling struct {
	*Summary
	intervals lognormal.Intervals
	variable  []int32   // by input: which one of intervals
	skew      []float64 // by input
	sigma     []float64
	rank      []int32 // by blend: its place in an order that does not depend on how it was numbered
}

func (s *Summary) newTelling() *telling {
	r := &telling{Summary: s, variable: make([]int32, len(s.inputs)), skew: make([]float64, len(s.inputs)), sigma: make([]float64, len(s.inputs)), rank: make([]int32, len(s.blends))}
	inputs := ranked(len(s.inputs), func(i, j int32) int { return s.inputs[i].compare(&s.inputs[j]) })
	var before *uncertain
	for _, k := range inputs {
		u := &s.inputs[k]
		of := u.lognormal()
		if before == nil || before.kind != u.kind || before.id != u.id {
			r.intervals.Sources = append(r.intervals.Sources, lognormal.Source{Skew: 1})
		}
		before = u
		r.variable[k], r.skew[k], r.sigma[k] = int32(len(r.intervals.Sources)-1), of.Skew, of.Sigma
	}
	r.intervals.Sources = append(r.intervals.Sources, lognormal.Source{Skew: 1}) // of rests
	for place, k := range ranked(len(s.blends), func(i, j int32) int { return s.compareBlends(&s.blends[i], &s.blends[j]) }) {
		r.rank[k] = int32(place)
	}
	return r
}

// ranked are the numbers below n in an order.
func ranked(n int, compare func(i, j int32) int) []int32 {
	list := make([]int32, n)
	for i := range list {
		list[i] = int32(i)
	}
	slices.SortFunc(list, compare)
	return list
}

func (r *telling) group(t *tally, cells []sumCell, rest *remainder) Group {
	cells = slices.Clone(cells)
	for i := range cells { // one input of several intervals has the widest that occurs
		for _, u := range r.blends[cells[i].blend].of {
			r.intervals.Sources[r.variable[u]].Sigma = 0
		}
	}
	for i := range cells {
		for _, u := range r.blends[cells[i].blend].of {
			of := &r.intervals.Sources[r.variable[u]]
			of.Sigma = max(of.Sigma, r.sigma[u])
		}
	}
	slices.SortFunc(cells, func(a, b sumCell) int { return cmp.Compare(r.rank[a.blend], r.rank[b.blend]) })
	g := Group{
		Key: append([]string{}, t.texts...), Runs: t.runs, Overlapping: r.overlapping, Statuses: map[string]int64{}, Rows: t.rows,
		StageS: t.seconds.value(), DeviceS: t.held.value(), MoreUnits: t.moreUnits,
		EnergyPerRun: t.perRun[0].distribution(), GCO2ePerRun: t.perRun[1].distribution(),
	}
	for i, n := range t.status {
		if n > 0 {
			g.Statuses[statuses[i]] = n
		}
	}
	for f, to := range [gco2eSum + 1]*Sum{
		energySum: &g.Energy, facilitySum: &g.Facility, operationalSum: &g.Operational, waterSum: &g.Water, embodiedSum: &g.Embodied,
		adpeSum: &g.ADPe, primarySum: &g.PrimaryEnergy, wasteSum: &g.Waste, gco2eSum: &g.GCO2e,
	} {
		*to = r.estimate(sumOf(f), cells, rest)
		to.Known, to.Unknown = t.known[f], t.unknown[f]
		if to.Known == 0 && to.Value != nil && *to.Value == 0 {
			*to = Sum{Unknown: to.Unknown}
		}
	}
	if r.shared == 0 && g.Energy.Value != nil && *g.Energy.Value > 0 {
		var of exact
		for i := range cells {
			if r.blends[cells[i].blend].kind&measured != 0 {
				of.merge(&cells[i].sums[energySum])
			}
		}
		if rest != nil {
			of.merge(&rest.measured)
		}
		g.MeasuredShare = new(min(1, of.value() / *g.Energy.Value))
	}
	for name, u := range t.units {
		per := PerUnit{Count: u.count.value(), Runs: u.runs, Stages: u.stages, EnergyLacking: u.lacking[0], OperationalLacking: u.lacking[1]}
		if per.Count > 0 {
			per.Energy = r.perUnit(name, u, 0, cells, rest)
			per.Operational = r.perUnit(name, u, 1, cells, rest)
		}
		if g.PerUnit == nil {
			g.PerUnit = map[string]PerUnit{}
		}
		g.PerUnit[name] = per
	}
	return g
}

// figureSum is a figure while it is added up.
type figureSum struct {
	of    exact
	terms []lognormal.Term
	sigma float64 // of rests
	told  bool
	sure  bool // an interval can be told
}

// estimate is the sum of a figure over cells.
func (r *telling) estimate(f sumOf, cells []sumCell, rest *remainder) Sum {
	s := figureSum{sure: f < adpeSum || f > wasteSum}
	parts := []sumOf{f}
	if f == gco2eSum {
		parts = []sumOf{operationalSum, embodiedSum}
	}
	for _, f := range parts {
		for i := range cells {
			r.addCell(&s, f, &cells[i])
		}
		if rest != nil {
			r.addRest(&s, f, &rest.sums[f], rest)
		}
	}
	if !s.told {
		return Sum{}
	}
	q := r.bounds(&s, 1)
	if !s.sure {
		return Sum{Value: &q.Value}
	}
	return Sum{Value: &q.Value, Low: &q.Low, High: &q.High}
}

// perUnit is what one unit took of a figure.
func (r *telling) perUnit(name string, u *unitTally, of int, cells []sumCell, rest *remainder) *lifecycle.Interval {
	f := unitFigures[of]
	s := figureSum{sure: true}
	for i := range cells {
		if slices.Contains(r.sets[r.blends[cells[i].blend].units], name) {
			r.addCell(&s, f, &cells[i])
		}
	}
	if rest != nil {
		r.addRest(&s, f, &u.rest[of], rest)
	}
	if !s.told {
		return nil
	}
	return new(r.bounds(&s, u.count.value()))
}

// addCell adds what a cell came to.
func (r *telling) addCell(s *figureSum, f sumOf, c *sumCell) {
	b := &r.blends[c.blend]
	at := b.kind.sumAt(f)
	if at < 0 || b.usable>>f&1 == 0 {
		return
	}
	s.told = true
	s.of.merge(&c.sums[at])
	if !s.sure {
		return
	}
	amounts := [2]float64{c.sums[at].value(), 0}
	if f == waterSum {
		site := min(c.sums[siteWater].value(), amounts[0])
		amounts = [2]float64{site, amounts[0] - site}
	}
	for i, p := range b.kind.products(f) {
		t := lognormal.Term{Median: amounts[i]}
		for _, slot := range p.times {
			t.Median *= r.skew[b.of[slot]]
			t.Product = t.Product.Times(int(r.variable[b.of[slot]]))
		}
		for _, slot := range p.over {
			t.Median /= r.skew[b.of[slot]]
			t.Product = t.Product.Over(int(r.variable[b.of[slot]]))
		}
		s.terms = append(s.terms, t)
	}
}

// addRest adds what cells that were not kept came to.
func (r *telling) addRest(s *figureSum, f sumOf, of *exact, rest *remainder) {
	if of.isZero() {
		return
	}
	s.told = true
	s.of.merge(of)
	source := lognormal.New(1, rest.low[f], rest.high[f])
	s.sigma = max(s.sigma, source.Sigma)
	s.terms = append(s.terms, lognormal.Term{Median: of.value() * source.Skew, Product: lognormal.Product{}.Times(len(r.intervals.Sources) - 1)})
}

// bounds is a sum over n, with its interval.
func (r *telling) bounds(s *figureSum, n float64) lifecycle.Interval {
	r.intervals.Sources[len(r.intervals.Sources)-1].Sigma = s.sigma
	value := s.of.value()
	low, high := r.intervals.Bounds(value, s.terms)
	value /= n
	return lifecycle.Interval{Value: value, Low: min(value, sixDigits(low/n)), High: min(max(value, sixDigits(high/n)), math.MaxFloat64)}
}

// distribution is nil if there is nothing to tell.
func (s *sketch) distribution() *Distribution {
	n := s.count()
	if n == 0 {
		return nil
	}
	return &Distribution{
		Runs: n, Min: s.min, P5: s.quantile(5), P25: s.quantile(25), P50: s.quantile(50),
		P75: s.quantile(75), P95: s.quantile(95), Max: s.max,
	}
}
