package dataset

import (
	"cmp"
	"maps"
	"math"
	"slices"
	"strings"

	"github.com/google/uuid"

	"github.com/ecotracer/ecotracer/internal/lognormal"
	"github.com/ecotracer/ecotracer/lifecycle"
)

// Cohort is an account of runs that are compared with those of another, in
// memory that does not grow with their energy, stages or devices, only by some
// 50 bytes a run. Its zero value is empty. It must not be used concurrently:
// have one a goroutine, and Merge them.
type Cohort struct {
	// Unit is the functional unit that figures are also told for one of; "" is
	// that which all runs of both groups declare, if they do. Set it before Add.
	Unit string

	runs    map[uuid.UUID]struct{}
	tallies map[string]*cohortTally // by unit; "" is of whole runs
	traits  [len(cohortTraits)]map[string]int
	metrics map[Metric]*average
}

// The bounds of what a group keeps of texts from outside. What is beyond is
// "(other)", which no group shares with another.
const (
	mostUnits  = 16
	mostCells  = 4096
	mostInputs = 4096
	mostValues = 256
)

// cohortFigures are the figures that groups are compared by.
var cohortFigures = [...]struct {
	name              string
	grid, use, making bool // it rests on a grid factor, on energy, on devices
}{
	{"gco2e", true, true, true},
	{"operational_gco2e", true, true, false},
	{"embodied_gco2e", false, false, true},
	{"energy_j", false, true, false},
	{"facility_energy_j", false, true, false},
	{"water_l", false, true, false},
}

// cohortTally is the account of one figure of a run, or of one unit, for each figure.
type cohortTally [len(cohortFigures)]figureTally

// figureTally is the account of one figure.
type figureTally struct {
	n     int     // runs
	mean  float64 // of logarithms
	m2    float64 // sum of squares of their distances from it
	sum   float64 // of the figure
	units float64 // that sum is of: runs, or functional units

	inputs map[string]moments // by identity
	cells  map[tallyCell]cellSum
}

// moments are sums of what an input does to the logarithm of a run's figure: by
// how much it moves for one standard deviation of the input.
type moments struct{ sum, squares float64 }

// cell is a place in a figure.
type tallyCell struct{ stage, hardware string }

// cellSum is what the rows of a cell add up to.
type cellSum struct {
	value    float64 // of the figure
	energy   float64 // J
	facility float64 // J
	seconds  float64 // device-seconds; of device stages, those that production is shared out by
}

// average is the mean of a metric.
type average struct {
	n   int
	sum float64
}

// cohortTraits are what groups are held to one another by.
var cohortTraits = [...]struct {
	name                string
	of                  func(*lifecycle.Record, []Row) string
	energy, grid, every bool // groups that have none in common cannot be compared: in what rests on energy; on a grid factor; in anything
}{
	{"boundary of the energy", func(r *lifecycle.Record, _ []Row) string { return string(r.Run.Boundary) }, true, false, false},
	{"whose joules are counted", func(r *lifecycle.Record, _ []Row) string {
		if r.Run.Scope == lifecycle.ScopeMachine {
			return "machine"
		}
		return "process"
	}, true, false, true},
	{"what was not measured", func(r *lifecycle.Record, _ []Row) string { return cmp.Or(lacksOf(r), "nothing") }, true, false, false},
	{"basis of the grid factors", func(r *lifecycle.Record, _ []Row) string { return basisOf(r) }, false, true, false},
	{"how energy was obtained", func(_ *lifecycle.Record, rows []Row) string { return methodOf(rows) }, false, false, false},
	{"status", func(r *lifecycle.Record, _ []Row) string { return string(r.Run.Status) }, false, false, false},
	{"task", func(r *lifecycle.Record, _ []Row) string {
		if r.Technology.ML == nil {
			return "none"
		}
		return cmp.Or(r.Technology.ML.Task, "unknown")
	}, false, false, false},
	{"functional unit", func(r *lifecycle.Record, _ []Row) string {
		if r.UseCase.FunctionalUnit == nil {
			return "none"
		}
		return r.UseCase.FunctionalUnit.Unit
	}, false, false, false},
}

// basisOf is the basis of a record's grid factors.
func basisOf(r *lifecycle.Record) string {
	var all []string
	for i := range r.Factors {
		if f := &r.Factors[i]; f.Kind == "grid" && !slices.Contains(all, f.Basis) {
			all = append(all, f.Basis)
		}
	}
	slices.Sort(all)
	return strings.Join(all, " and ")
}

// methodOf is how most of the energy of rows was obtained.
func methodOf(rows []Row) string {
	joules := map[string]float64{}
	for i := range rows {
		if !lifecycle.Stage(rows[i].Stage).Device() {
			joules[rows[i].Method] += known(rows[i].Energy.Value)
		}
	}
	most := ""
	for _, m := range slices.Sorted(maps.Keys(joules)) {
		if most == "" || joules[m] > joules[most] {
			most = m
		}
	}
	return cmp.Or(most, "none")
}

// Add adds the rows of a valid record that a selection matches; it tells
// whether there were any.
func (g *Cohort) Add(r *lifecycle.Record, where Where) bool { return g.add(r, Rows(r), where) }

func (g *Cohort) add(r *lifecycle.Record, rows []Row, where Where) bool {
	rows = slices.DeleteFunc(slices.Clone(rows), func(row Row) bool { return !where.Match(&row) })
	id, err := uuid.Parse(r.Run.ID)
	if len(rows) == 0 || err != nil {
		return false
	}
	g.make()
	g.runs[id] = struct{}{}
	for i := range cohortTraits {
		countValue(g.traits[i], strings.Clone(brief(cohortTraits[i].of(r, rows))), 1)
	}
	if ml := r.Technology.ML; ml != nil {
		for _, e := range ml.Evaluation {
			m := Metric{strings.Clone(brief(e.Metric)), strings.Clone(brief(e.Split)), strings.Clone(e.Direction)}
			a := g.metrics[m]
			if a == nil && len(g.metrics) < mostValues {
				a = &average{}
				g.metrics[m] = a
			}
			if a != nil {
				a.n, a.sum = a.n+1, a.sum+e.Value
			}
		}
	}
	whole := tellsDevices(r, rows)
	g.tally("").take(rows, 1, whole)
	unit := g.Unit
	if unit == "" && r.UseCase.FunctionalUnit != nil {
		unit = strings.Clone(r.UseCase.FunctionalUnit.Unit)
	}
	if n := unitsIn(rows, unit); n > 0 && (g.tallies[unit] != nil || len(g.tallies) < mostUnits) {
		g.tally(unit).take(rows, n, whole)
	}
	return true
}

func (g *Cohort) make() {
	if g.runs != nil {
		return
	}
	g.runs, g.tallies, g.metrics = map[uuid.UUID]struct{}{}, map[string]*cohortTally{}, map[Metric]*average{}
	for i := range g.traits {
		g.traits[i] = map[string]int{}
	}
}

func (g *Cohort) tally(unit string) *cohortTally {
	t := g.tallies[unit]
	if t == nil {
		t = &cohortTally{}
		for k := range t {
			t[k].inputs, t[k].cells = map[string]moments{}, map[tallyCell]cellSum{}
		}
		g.tallies[unit] = t
	}
	return t
}

// countValue counts a value, and what is beyond the bound together.
func countValue(n map[string]int, value string, k int) {
	if _, there := n[value]; !there && len(n) >= mostValues {
		value = "(other)"
	}
	n[value] += k
}

// unitsIn is how many functional units rows are of, each stage once.
func unitsIn(rows []Row, unit string) (n float64) {
	if unit == "" {
		return 0
	}
	for i := range rows {
		if i == 0 || rows[i].Stage != rows[i-1].Stage {
			n += float64(rows[i].Units[unit])
		}
	}
	return n
}

// take adds one run that counts so many units. A figure that is unknown for a
// row that should have it, or zero, is not of the run; nor are figures of
// devices unless devices says that all of them are told.
func (t *cohortTally) take(rows []Row, units float64, devices bool) {
	for k := range t {
		if devices || !cohortFigures[k].making {
			t[k].take(rows, k, units)
		}
	}
}

// pull is what an input does to a figure.
type pull struct {
	input string
	by    float64
}

func (f *figureTally) take(rows []Row, k int, units float64) {
	var value float64
	pulls := make([]pull, 0, 32)
	for i := range rows {
		v, unknown := figureOf(&rows[i], k)
		if unknown {
			return
		}
		if v > 0 {
			value += v
			pulls = appendPulls(pulls, &rows[i], k, v)
		}
	}
	if !(value > 0) || math.IsInf(value, 0) {
		return
	}
	x := math.Log(value / units)
	f.n++
	d := x - f.mean
	f.mean += d / float64(f.n)
	f.m2 += d * (x - f.mean)
	f.sum += value
	f.units += units
	slices.SortFunc(pulls, func(a, b pull) int { return cmp.Compare(a.input, b.input) })
	for i := 0; i < len(pulls); {
		input, by := pulls[i].input, 0.0
		for ; i < len(pulls) && pulls[i].input == input; i++ {
			by += pulls[i].by / value
		}
		m, there := f.inputs[input]
		if !there && len(f.inputs) >= mostInputs {
			continue // one of so many is shared by few runs, and the scatter among runs tells of it
		}
		f.inputs[strings.Clone(input)] = moments{m.sum + by, m.squares + by*by}
	}
	for i := range rows {
		v, _ := figureOf(&rows[i], k)
		row := &rows[i]
		if !(v > 0) {
			continue
		}
		at := tallyCell{row.Stage, brief(cmp.Or(row.HardwareModel, row.HardwareClass, row.HardwareKind))}
		c, there := f.cells[at]
		if !there {
			if at = (tallyCell{strings.Clone(at.stage), strings.Clone(at.hardware)}); len(f.cells) >= mostCells {
				at = tallyCell{"(other)", "(other)"}
				c = f.cells[at]
			}
		}
		c.value += v
		c.energy += known(row.Energy.Value)
		c.facility += known(row.Facility.Value)
		switch {
		case lifecycle.Stage(row.Stage).Device():
			c.seconds += known(row.AllocatedS)
		case row.DeviceS != nil:
			c.seconds += *row.DeviceS
		case row.HardwareCount != nil:
			c.seconds += float64(*row.HardwareCount) * known(row.UseS)
		}
		f.cells[at] = c
	}
}

// figureOf is figure k of a row, 0 where a row has no part in it.
func figureOf(row *Row, k int) (v float64, unknown bool) {
	device := lifecycle.Stage(row.Stage).Device()
	var of *float64
	switch cohortFigures[k].name {
	case "gco2e":
		if of = row.Operational.Value; device {
			of = row.Embodied.Value
		}
		return known(of), of == nil
	case "embodied_gco2e":
		return known(row.Embodied.Value), device && row.Embodied.Value == nil
	case "operational_gco2e":
		of = row.Operational.Value
	case "energy_j":
		return known(row.Energy.Value), false // a service may tell grams alone
	case "facility_energy_j":
		return known(row.Facility.Value), row.Energy.Value != nil && row.Facility.Value == nil
	case "water_l":
		return known(row.Water.Value), row.Energy.Value != nil && row.Water.Value == nil
	}
	return known(of), of == nil && !device
}

// appendPulls appends what the inputs of a row do to figure k, v of which are
// the row's.
func appendPulls(pulls []pull, row *Row, k int, v float64) []pull {
	of := func(in *Input, part float64) {
		if in.ID != "" {
			if s := lognormal.New(in.Value, in.Low, in.High).Sigma; s > 0 {
				pulls = append(pulls, pull{in.ID, part * s})
			}
		}
	}
	if lifecycle.Stage(row.Stage).Device() {
		of(&row.Device, v)
		of(&row.Lifetime, -v)
		of(&row.Utilisation, -v)
		return pulls
	}
	if row.Service.ID != "" {
		of(&row.Service, v)
	} else if row.Meter != "" && row.MeterError != nil {
		pulls = append(pulls, pull{row.Meter, v * math.Log1p(*row.MeterError) / lognormal.Z95})
	}
	if row.Energy.Value == nil {
		return pulls // grams by service: no PUE, no grid
	}
	switch cohortFigures[k].name {
	case "facility_energy_j":
		of(&row.PUE, v)
	case "operational_gco2e", "gco2e":
		of(&row.PUE, v)
		of(&row.Grid, v)
	case "water_l":
		site := min(v, known(row.Energy.Value)*row.WUE.Value/joulesPerKWh)
		of(&row.WUE, site)
		of(&row.PUE, v-site)
		of(&row.EWIF, v-site)
	}
	return pulls
}

// Merge adds the runs of o, which it leaves as it is.
func (g *Cohort) Merge(o *Cohort) {
	if o.runs == nil {
		return
	}
	g.make()
	maps.Copy(g.runs, o.runs)
	for i := range o.traits {
		for value, n := range o.traits[i] {
			countValue(g.traits[i], value, n)
		}
	}
	for m, a := range o.metrics {
		if g.metrics[m] == nil && len(g.metrics) < mostValues {
			g.metrics[m] = &average{}
		}
		if to := g.metrics[m]; to != nil {
			to.n, to.sum = to.n+a.n, to.sum+a.sum
		}
	}
	for unit, t := range o.tallies {
		if g.tallies[unit] == nil && len(g.tallies) >= mostUnits {
			continue
		}
		to := g.tally(unit)
		for k := range t {
			to[k].merge(&t[k])
		}
	}
}

// merge adds another account, by the update of Chan, Golub and LeVeque (1979).
func (f *figureTally) merge(o *figureTally) {
	if o.n == 0 {
		return
	}
	n := f.n + o.n
	d := o.mean - f.mean
	f.mean += d * float64(o.n) / float64(n)
	f.m2 += o.m2 + d*d*float64(f.n)*float64(o.n)/float64(n)
	f.n, f.sum, f.units = n, f.sum+o.sum, f.units+o.units
	for input, m := range o.inputs {
		to, there := f.inputs[input]
		if there || len(f.inputs) < mostInputs {
			f.inputs[input] = moments{to.sum + m.sum, to.squares + m.squares}
		}
	}
	for at, c := range o.cells {
		to, there := f.cells[at]
		if !there && len(f.cells) >= mostCells {
			at = tallyCell{"(other)", "(other)"}
			to = f.cells[at]
		}
		f.cells[at] = cellSum{to.value + c.value, to.energy + c.energy, to.facility + c.facility, to.seconds + c.seconds}
	}
}

// Runs is how many runs are in it.
func (g *Cohort) Runs() int { return len(g.runs) }
