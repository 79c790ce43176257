package lifecycle

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"

	"github.com/ecotracer/ecotracer/factors"
	"github.com/ecotracer/ecotracer/internal/lognormal"
)

// Comparison tells whether run A came to less than run B, figure by figure.
type Comparison struct {
	Draws   int          `json:"draws"`             // of the inputs, that the probabilities are shares of
	Figures []Difference `json:"figures"`           // of the whole run, then of a functional unit that both have
	Caveats []string     `json:"caveats,omitempty"` // what to mind though it keeps nothing from being compared
}

// Verdict is what a comparison comes to.
type Verdict string

// The verdicts, of run A seen from run B.
const (
	Lower         Verdict = "lower"          // with a probability of 97.5 % or more
	Higher        Verdict = "higher"         // likewise
	NotToldApart  Verdict = "not-told-apart" // the interval of the difference holds 0
	NotComparable Verdict = "not-comparable" // the figures are of different things, or one is unknown
)

// Difference is what is told of one figure.
type Difference struct {
	Figure string `json:"figure"`         // as in totals: gco2e, energy_j, ...
	Unit   string `json:"unit,omitempty"` // functional unit that it is told for one of; "" for the whole run

	A *Quantity `json:"a,omitempty"` // nil if unknown
	B *Quantity `json:"b,omitempty"`

	Verdict Verdict  `json:"verdict"`
	Reasons []string `json:"reasons,omitempty"` // why it is not comparable; then nothing below is told

	Lower  float64 `json:"lower"`  // probability that A is lower than B
	Higher float64 `json:"higher"` // that it is higher; the rest is that both are the same to 1e-9
	Error  float64 `json:"error"`  // 95 % bound on the error of either, for the draws are finite

	Difference *Interval `json:"difference,omitempty"` // A − B
	Ratio      *Interval `json:"ratio,omitempty"`      // A / B; nil if B is 0
	Drivers    []Driver  `json:"drivers,omitempty"`    // of the difference, the largest first
}

// Interval is a best estimate that may be negative, with its 95 % bounds.
type Interval struct {
	Value float64 `json:"value"`
	Low   float64 `json:"low"`
	High  float64 `json:"high"`
}

// Driver is a part of a difference: what one input of one row adds to A − B.
type Driver struct {
	Stage      Stage   `json:"stage"`
	Hardware   string  `json:"hardware"`
	Input      string  `json:"input"`      // use (of joules, device-seconds, bytes or calls, and when), or the kind of a factor
	Difference float64 `json:"difference"` // in the unit of the figure
}

// comparisonDraws makes probabilities good to 0.0031, and to 0.001 where a
// verdict turns (95 %), and bounds to about 1 % of an interval's width.
const comparisonDraws = 100_000

// surely is the probability from which on a run is called lower or higher.
// Then the 95 % interval of the difference does not hold 0.
const surely = 0.975

// maxDrivers is how many drivers are told of a difference.
const maxDrivers = 5

// sides are what the two runs are called.
var sides = [2]string{"A", "B"}

// Compare tells whether run a came to less than run b: in emissions, those of
// operation and of the devices apart, energy, facility energy and water, for
// the whole run and for one functional unit if both count the same.
//
// Figures have errors, and two runs have many of them in common: the same grid
// factor, the same counter. So the inputs of both runs are drawn together, an
// input that they share once (see below), and the verdict is that of the
// draws. Two runs at one place differ as surely in grams as they do in joules,
// however little is known of the grid. Inputs are lognormal as in the record's
// intervals (R31); the draws are seeded, so that the same two records always
// get the same answer, and a and b in turn the opposite one.
//
// A factor is shared if its id, value, bounds, unit and source are the same
// and it is not the whole world's; a meter's error if sensor, mode, method and
// error are the same and both records hold a device that it read, by its
// instance. All else is taken as independent, which never makes a difference
// look surer than it is. So two devices of one class whose production nobody
// published are compared as if they were alike, and two unknown places are not.
//
// It is two executions that are compared. How much a program's runs differ from
// one another by chance no two records can tell: compare several of each.
//
// What drives a difference is found by the logarithmic mean Divisia index
// (Ang, Energy Policy 33, 2005), by which the parts add up exactly and are the
// opposite for b and a.
//
// Figures that are of different things (boundary, scope, basis of the grid
// factors, what was not measured) or of which one is unknown are not compared,
// and the reasons are told. What is amortised is in none of them.
//
// Both records must be valid ([Validate]); a fact that is not usable is an
// error as in [Assess]. Compare changes neither record.
func Compare(a, b *Record) (Comparison, error) {
	return compare(a, b, comparisonDraws)
}

func compare(a, b *Record, draws int) (Comparison, error) {
	var runs [2]*comparand
	for i, r := range []*Record{a, b} {
		var err error
		if runs[i], err = newComparand(r); err != nil {
			return Comparison{}, fmt.Errorf("%w (run %s)", err, sides[i])
		}
	}
	// In one order, whichever of the two is called a.
	turned := runs[1].digest < runs[0].digest
	first, second := runs[0], runs[1]
	if turned {
		first, second = second, first
	}
	p := newPool(first.basis, second.basis)

	c := Comparison{Draws: draws, Caveats: caveats(runs[0], runs[1])}
	for m := range first.record.Methods {
		if first.record.Methods[m].Method == Modelled && !oneRun(first.basis, second.basis) && slices.Contains(p.of[1], p.of[0][first.gain(m)]) {
			c.Caveats = append(c.Caveats, "a model told the energy of both runs and is taken to err alike for both, as it does for work of one kind")
			break
		}
	}
	units := []string{""}
	if u := runs[0].unit; u != "" && u == runs[1].unit {
		units = append(units, u)
	}
	var pairs []pair
	var drawn []int // by pair: its place in figures
	for _, per := range units {
		for k := range comparedFigures {
			d := Difference{Figure: comparedFigures[k].name, Unit: per, Reasons: reasons(runs[0], runs[1], k)}
			d.A, d.B = runs[0].quantity(k, per), runs[1].quantity(k, per)
			if d.Verdict = NotComparable; len(d.Reasons) == 0 {
				drawn = append(drawn, len(c.Figures))
				pairs = append(pairs, pair{
					p.terms(0, &first.figures[k], first.times(per)),
					p.terms(1, &second.figures[k], second.times(per)),
				})
				all := drivers(runs[0].cells(k, per), runs[1].cells(k, per))
				d.Drivers = all[:min(len(all), maxDrivers)]
			}
			c.Figures = append(c.Figures, d)
		}
	}
	outcomes, err := p.draw(pairs, draws)
	if err != nil {
		return Comparison{}, err
	}
	for i, o := range outcomes {
		if turned {
			o.turn()
		}
		c.Figures[drawn[i]].take(&o, draws)
	}
	return c, nil
}

// take takes over what drawing came to.
func (d *Difference) take(o *outcome, draws int) {
	n := float64(draws)
	d.Lower, d.Higher = float64(o.lower)/n, float64(o.higher)/n
	for _, p := range []float64{d.Lower, d.Higher} {
		d.Error = max(d.Error, lognormal.Z95*math.Sqrt(p*(1-p)/n), 3/n) // the rule of three where all draws agree
	}
	switch {
	case d.Lower >= surely:
		d.Verdict = Lower
	case d.Higher >= surely:
		d.Verdict = Higher
	default:
		d.Verdict = NotToldApart
	}
	d.Difference = newInterval(d.A.Value-d.B.Value, o.difference)
	if d.B.Value > 0 {
		d.Ratio = newInterval(d.A.Value/d.B.Value, o.ratio)
	}
}

// newInterval has bounds of six digits, which hold the best estimate.
func newInterval(value float64, bounds [2]float64) *Interval {
	return &Interval{value, min(value, sixDigits(bounds[0])), max(value, sixDigits(bounds[1]))}
}

// comparedFigures are the figures that are compared, and what they rest on.
var comparedFigures = [...]struct {
	name              string
	of                []column
	grid, use, making bool // on a grid factor, on energy, on the devices
}{
	{"gco2e", []column{operationalGCO2e, embodiedGCO2e}, true, true, true},
	{"operational_gco2e", []column{operationalGCO2e}, true, true, false},
	{"embodied_gco2e", []column{embodiedGCO2e}, false, false, true},
	{"energy_j", []column{energyJ}, false, true, false},
	{"facility_energy_j", []column{facilityEnergyJ}, false, true, false},
	{"water_l", []column{waterL}, false, true, false},
}

// comparand is one of two runs.
type comparand struct {
	*basis
	digest  string
	rows    []contribution
	figures [len(comparedFigures)]figure
	unknown [len(comparedFigures)]string // why the figure is, if it is
	unit    string                       // functional unit, if any was counted
	count   int64
}

func newComparand(r *Record) (c *comparand, err error) {
	c = &comparand{basis: newBasis(r)}
	if err = c.distinct(); err != nil {
		return nil, err
	}
	if c.digest, err = r.SHA256(); err != nil {
		return nil, err
	}
	if c.rows, err = c.contributions(func(Stage) bool { return true }); err != nil {
		return nil, err
	}
	total, _, err := c.basis.totals()
	if err != nil {
		return nil, err
	}
	for k := range comparedFigures {
		c.figures[k] = pick(total, k)
		if c.figures[k].unknown {
			c.unknown[k] = "/totals/" + comparedFigures[k].name + " is unknown"
		}
		if h, unknown := c.unknownDevice(); unknown && comparedFigures[k].making {
			c.unknown[k] = "what " + r.Hardware[h].ID + " took to make is unknown"
		}
	}
	if u := r.UseCase.FunctionalUnit; u != nil {
		if c.count, err = c.basis.count(u); err != nil {
			return nil, err
		}
		if c.count > 0 {
			c.unit = u.Unit
		}
	}
	return c, nil
}

// pick is compared figure k of some columns.
func pick(c *columns, k int) figure {
	var g figure
	for _, of := range comparedFigures[k].of {
		g.plus(&c[of])
	}
	return g
}

// times is what a figure of the run is multiplied by to be that of a unit.
func (c *comparand) times(unit string) float64 {
	if unit == "" {
		return 1
	}
	return 1 / float64(c.count)
}

// quantity is compared figure k; nil if it is unknown.
func (c *comparand) quantity(k int, unit string) *Quantity {
	if c.unknown[k] != "" {
		return nil
	}
	q := c.figures[k].quantity(&c.intervals)
	if unit != "" {
		of := q.times(c.times(unit))
		q = &of
	}
	return q
}

// reasons tells why compared figure k of two runs is not comparable.
func reasons(a, b *comparand, k int) (why []string) {
	of := &comparedFigures[k]
	for i, c := range []*comparand{a, b} {
		if c.unknown[k] != "" {
			why = append(why, "run "+sides[i]+": "+c.unknown[k])
		}
	}
	differ := func(what, x, y string) {
		if x != y {
			why = append(why, fmt.Sprintf("%s: A %s, B %s", what, cmp.Or(x, "none"), cmp.Or(y, "none")))
		}
	}
	if of.use {
		differ("boundary of the energy", string(a.record.Run.Boundary), string(b.record.Run.Boundary))
		differ("what was not measured", lacks(a.record, true), lacks(b.record, true))
	}
	if of.making {
		differ("devices that are not in the record", lacks(a.record, false), lacks(b.record, false))
	}
	if (a.record.Run.Scope == ScopeMachine) != (b.record.Run.Scope == ScopeMachine) {
		differ("whose joules and devices are counted", string(a.record.Run.Scope), string(b.record.Run.Scope))
	}
	if of.grid {
		basis := func(f *factors.Factor) string { return f.Basis }
		differ("basis of the grid factors", strings.Join(a.record.gridAxis(basis), " and "), strings.Join(b.record.gridAxis(basis), " and "))
	}
	differ("share of the ranks that are in the record", coverage(a.record), coverage(b.record))
	return why
}

// lacks is what a record is said to lack: energy, or else devices.
func lacks(r *Record, energy bool) string {
	var whats []string
	for _, m := range r.Missing {
		of := m.Path == "/ledger" || m.Path == "/hardware" && m.Reason == "not-measured"
		if m.What != "" && of == energy && (of || m.Path == "/hardware") && !slices.Contains(whats, m.What) {
			whats = append(whats, m.What)
		}
	}
	slices.Sort(whats)
	return strings.Join(whats, ", ")
}

func coverage(r *Record) string {
	if r.Run.Coverage == nil {
		return "1"
	}
	return strconv.FormatFloat(*r.Run.Coverage, 'g', 4, 64)
}

// caveats tells what to mind of two runs that can be compared.
func caveats(a, b *comparand) (all []string) {
	differ := func(what, x, y string) {
		if x != y {
			all = append(all, fmt.Sprintf("%s: A %s, B %s", what, cmp.Or(x, "none"), cmp.Or(y, "none")))
		}
	}
	r, s := a.record, b.record
	if oneRun(a.basis, b.basis) {
		all = append(all, "both records are of one run")
	}
	differ("status", string(r.Run.Status), string(s.Run.Status))
	if r.Run.Scope != ScopeMachine && s.Run.Scope != ScopeMachine {
		differ("whose joules are counted", string(r.Run.Scope), string(s.Run.Scope))
	}
	differ("functional unit", a.unit, b.unit)
	if a.unit == b.unit && a.unit != "" {
		differ("span that counts "+a.unit, r.UseCase.FunctionalUnit.Path, s.UseCase.FunctionalUnit.Path)
	}
	if a.unit == b.unit && a.count != b.count {
		all = append(all, fmt.Sprintf("the runs did not do the same amount of work: A %d, B %d %s", a.count, b.count, a.unit))
	}
	mix := func(f *factors.Factor) string { return f.Mix }
	differ("mix of the grid factors", strings.Join(r.gridAxis(mix), " and "), strings.Join(s.gridAxis(mix), " and "))
	for _, energy := range []bool{true, false} {
		if l := lacks(r, energy); l != "" && l == lacks(s, energy) {
			all = append(all, "neither record has: "+l)
		}
	}
	var unknown []string
	for i := range r.Factors {
		f := &r.Factors[i]
		if k, ok := b.factors.get(f.ID); ok && f.Found == factors.FromWorld && s.Factors[k].Found == factors.FromWorld {
			unknown = append(unknown, f.ID)
		}
	}
	if len(unknown) > 0 && !oneMachine(a.basis, b.basis) {
		all = append(all, "unknown of both runs, and so taken for two, each within the range of the whole world: "+strings.Join(unknown, ", "))
	}
	if len(r.Amortised)+len(s.Amortised) > 0 {
		all = append(all, "what is amortised is in none of the figures")
	}
	return all
}
