package dataset

import (
	"cmp"
	"fmt"
	"math"
	"slices"

	"github.com/ecotracer/ecotracer/internal/inwords"
	"github.com/ecotracer/ecotracer/lifecycle"
)

// Cause is why a stage of a run may be an outlier: wrong-unit, waited,
// held-not-used, devices, method, meters, below-resolution, boundary, scope,
// not-covered, other-programs, not-finished, spans-failed, pue, grid, model-size,
// batch-size or precision.
type Cause struct {
	Cause    string  `json:"cause"`
	Text     string  `json:"text"`     // what speaks for it, in plain words
	Explains float64 `json:"explains"` // share of the deviation (of its logarithm) that it accounts for, at most 1
	Proven   bool    `json:"proven"`   // Explains follows from figures, not from what such a cause can do
}

// The causes.
const (
	wrongUnit       = "wrong-unit"       // a figure that is off by what two units differ by
	waited          = "waited"           // long for its work, at little power
	heldNotUsed     = "held-not-used"    // devices held for longer than the work took
	otherDevices    = "devices"          // another number of them
	otherMethod     = "method"           // told by a model among counters
	otherMeters     = "meters"           // other sensors
	belowResolution = "below-resolution" // shorter than its meter resolves
	otherBoundary   = "boundary"
	otherScope      = "scope"
	notCovered      = "not-covered" // a component that was not measured
	otherPrograms   = "other-programs"
	notFinished     = "not-finished" // failed, interrupted, still running, or only estimated
	spansFailed     = "spans-failed"
	otherPUE        = "pue"
	otherGrid       = "grid"
	modelSize       = "model-size"
	batchSize       = "batch-size"
	otherPrecision  = "precision"
)

// usual is what is usual in a group: medians of logarithms.
type usual struct {
	members       []judged
	figure        string
	median, scale float64

	time, devices, held, power, pue, grid float64
	parameters, batch                     float64
	idle, others, failed                  float64
	shortShare                            float64
}

// The parts of a measure are logarithms that add up to its own: those of a
// functional unit to that of energy, with PUE and grid to that of grams. NaN is
// unknown.
func timeOf(j *judged) float64    { return logRatio(j.stage.seconds, float64(j.stage.count)) }
func devicesOf(j *judged) float64 { return logRatio(j.stage.devices, 1) }
func heldOf(j *judged) float64 {
	return logRatio(j.stage.deviceS, j.stage.devices*j.stage.seconds)
}
func powerOf(j *judged) float64 { return logRatio(j.stage.energy, j.stage.deviceS) }
func pueOf(j *judged) float64   { return logRatio(j.stage.facility, j.stage.energy) }
func gridOf(j *judged) float64  { return logRatio(j.stage.grams, j.stage.facility) }

func logRatio(a, b float64) float64 {
	if !(a > 0) || !(b > 0) {
		return math.NaN()
	}
	return math.Log(a / b)
}

func newUsual(members []judged, figure string) *usual {
	u := &usual{members: members, figure: figure}
	xs := make([]float64, 0, len(members))
	of := func(get func(*judged) float64) float64 {
		xs = xs[:0]
		for i := range members {
			if x := get(&members[i]); !math.IsNaN(x) {
				xs = append(xs, x)
			}
		}
		if len(xs)*2 < len(members) { // usual is what half of them tell
			return math.NaN()
		}
		return medianOf(xs)
	}
	u.time, u.devices, u.held, u.power, u.pue, u.grid = of(timeOf), of(devicesOf), of(heldOf), of(powerOf), of(pueOf), of(gridOf)
	u.parameters = of(func(j *judged) float64 { return logRatio(j.point.parameters, 1) })
	u.batch = of(func(j *judged) float64 { return logRatio(j.point.batch, 1) })
	u.idle = of(func(j *judged) float64 {
		if j.point.idleShare < 0 {
			return math.NaN()
		}
		return float64(j.point.idleShare)
	})
	u.others = of(func(j *judged) float64 { return float64(j.point.othersShare) })
	u.failed = of(func(j *judged) float64 { return float64(j.point.failedShare) })
	short := 0
	for i := range members {
		if isShort(&members[i]) {
			short++
		}
	}
	u.shortShare = float64(short) / float64(len(members))
	u.median = of(func(j *judged) float64 { return j.x })
	u.scale = max(qn(xs), leastScale)
	return u
}

// isShort tells whether a stage was too short for its meter.
func isShort(j *judged) bool {
	return j.stage.short || j.stage.seconds > 0 && j.stage.seconds < 2*float64(j.point.samplingS)
}

// explanation collects why one member is unlike its group.
type explanation struct {
	*usual
	*judged
	off    float64 // logarithm of how many times the usual it is
	causes []Cause
}

// explain tells of what a deviation is made, and what may have caused it.
func (u *usual) explain(j *judged) (o Outlier) {
	e := &explanation{usual: u, judged: j, off: j.x - u.median}
	o.Parts, o.Causes = e.parts(), []Cause{}
	e.units()
	e.work()
	e.place()
	e.habits()
	e.loads()
	slices.SortStableFunc(e.causes, func(a, b Cause) int { return cmp.Compare(b.Explains, a.Explains) })
	o.Causes = append(o.Causes, e.causes...)
	return o
}

// parts are the factors of the deviation that are known.
func (e *explanation) parts() []Part {
	parts := []Part{}
	add := func(what string, own, usual float64) {
		if d := own - usual; !math.IsNaN(d) {
			parts = append(parts, Part{what, math.Exp(d)})
		}
	}
	if e.stage.count > 0 {
		add("time per "+inwords.One(e.stage.unit.String()), timeOf(e.judged), e.time)
		add("devices", devicesOf(e.judged), e.devices)
		add("time held per time of work", heldOf(e.judged), e.held)
	}
	add("power per device", powerOf(e.judged), e.power)
	if e.figure != "energy_j" {
		add("PUE", pueOf(e.judged), e.pue)
	}
	if e.figure == "operational_gco2e" {
		add("grid", gridOf(e.judged), e.grid)
	}
	return parts
}

// add adds a cause if it accounts for a tenth of the deviation or more.
func (e *explanation) add(kind string, explains float64, proven bool, format string, args ...any) {
	if explains >= 0.1 {
		e.causes = append(e.causes, Cause{kind, fmt.Sprintf(format, args...), min(explains, 1), proven})
	}
}

// times writes how many times something is.
func times(log float64) string { return inwords.Trimmed(math.Exp(log)) + " times" }

// mistakes are what units differ by that are taken for one another.
var mistakes = []struct {
	factor float64
	what   string
	rare   float64 // how seldom runs differ so much by themselves
}{
	{3.6, "Wh and kJ, or kWh and MJ, differ by it", 0.6},
	{60, "minutes and seconds differ by it", 0.6},
	{1000, "kWh and Wh, kJ and J, or thousands and single units differ by it", 1},
	{3600, "Wh and J, or hours and seconds differ by it", 1},
	{1e6, "MJ and J, or millions and single units differ by it", 1},
	{3.6e6, "kWh and J differ by it", 1},
	{1e9, "GJ and J, or billions and single units differ by it", 1},
}

// units tests whether the deviation, or what it is made of, is just what two
// units differ by. That is told only where the group is much narrower than the
// mistake is large: in a wide group, some ratio is always near.
func (e *explanation) units() {
	near := math.Min(math.Log(1.6), 2.5*e.scale)
	parts := []struct {
		what string
		off  float64
	}{
		{"the energy of a device-second", powerOf(e.judged) - e.power},
		{"the time of one " + inwords.One(e.stage.unit.String()), timeOf(e.judged) - e.time},
	}
	for _, m := range mistakes {
		size := math.Log(m.factor)
		if math.Abs(math.Abs(e.off)-size) > near || e.scale > size/6 {
			continue
		}
		where, known := "it", false
		for _, part := range parts {
			if math.IsNaN(part.off) {
				continue
			}
			known = true
			if math.Abs(part.off-math.Copysign(size, e.off)) <= math.Max(near, 0.1) {
				where = part.what
				break
			}
		}
		if known && where == "it" {
			continue // the deviation has several parts, and none is off by so much
		}
		factor := inwords.Trimmed(m.factor)
		if e.off < 0 {
			factor = "1/" + factor
		}
		e.add(wrongUnit, m.rare*(1-math.Abs(math.Abs(e.off)-size)/size), false,
			"a unit may be wrong: %s is %s what is usual, and %s is close to %s: %s", where, times(e.off), inwords.Trimmed(math.Exp(e.off)), factor, m.what)
	}
}

// work tests how the devices were used.
func (e *explanation) work() {
	if d := devicesOf(e.judged) - e.devices; math.Abs(d) > math.Log(1.2) && e.stage.count > 0 {
		e.add(otherDevices, d/e.off, true, "it held %s of %s, usual are %s", inwords.Trimmed(e.stage.devices), cmp.Or(e.stage.hardware.String(), "its device"), inwords.Trimmed(math.Exp(e.devices)))
	}
	if d := heldOf(e.judged) - e.held; d > math.Log(1.2) && e.stage.count > 0 {
		e.add(heldNotUsed, d/e.off, true, "it held its devices for %s the time that the stage worked, usual are %s", times(heldOf(e.judged)), inwords.Trimmed(math.Exp(e.held)))
	}
	idle := ""
	more := float64(e.point.idleShare) - e.idle // NaN if it is not usual to know it
	if e.point.idleShare >= 0 && more > 0.1 {
		idle = fmt.Sprintf("; idle power is %s of what its meters told, usual are %s", inwords.Percent(rounded(float64(e.point.idleShare))), inwords.Percent(rounded(e.idle)))
	}
	time, power := timeOf(e.judged)-e.time, powerOf(e.judged)-e.power
	if e.stage.count > 0 && e.off > 0 && time > math.Log(1.25) && power < -math.Log(1.1) {
		e.add(waited, time/(time-power), true, "its devices waited: one %s took %s as long as usual, at %s the power%s", inwords.One(e.stage.unit.String()), times(time), times(power), idle)
	}
	if e.stage.count == 0 && e.off < 0 && idle != "" && more > 0.2 {
		e.add(waited, 0.6, false, "its devices waited: they drew %s the usual power%s", times(power), idle)
	}
	if p := e.point.parameters; p > 0 {
		if d := math.Log(p) - e.parameters; math.Abs(d) > math.Log(1.5) && d*e.off > 0 {
			e.add(modelSize, 0.9*min(d/e.off, e.off/d), false, "its model has %s parameters, usual are %s", inPowers(p), inPowers(math.Exp(e.parameters)))
		}
	}
	if b := e.point.batch; b > 0 {
		if d := math.Log(b) - e.batch; math.Abs(d) > math.Log(1.9) && d*e.off < 0 && e.stage.count > 0 {
			e.add(batchSize, 0.3, false, "its batches are of %s, usual are %s", inwords.Trimmed(b), inwords.Trimmed(math.Exp(e.batch)))
		}
	}
}

// rounded is a share to whole percent.
func rounded(share float64) float64 { return math.Round(share*100) / 100 }

// inPowers writes a count as people say it: 7e9.
func inPowers(n float64) string {
	if n < 1e5 {
		return inwords.Trimmed(n)
	}
	exponent := math.Floor(math.Log10(n) + 1e-9)
	return inwords.Trimmed(inwords.Rounded(n/math.Pow(10, exponent), 2)) + "e" + fmt.Sprintf("%.0f", exponent)
}

// place tests what joules become where they are used.
func (e *explanation) place() {
	if e.figure == "energy_j" {
		return
	}
	if d := pueOf(e.judged) - e.pue; math.Abs(d) > math.Log(1.05) {
		e.add(otherPUE, d/e.off, true, "its facility has a PUE of %s, usual are %s", inwords.Trimmed(math.Exp(pueOf(e.judged))), inwords.Trimmed(math.Exp(e.pue)))
	}
	if d := gridOf(e.judged) - e.grid; e.figure == "operational_gco2e" && math.Abs(d) > math.Log(1.05) {
		e.add(otherGrid, d/e.off, true, "its electricity (%s) has %s gCO2e/kWh, usual are %s",
			cmp.Or(e.point.place.String(), "place unknown"), inwords.Trimmed(3.6e6*math.Exp(gridOf(e.judged))), inwords.Trimmed(3.6e6*math.Exp(e.grid)))
	}
}

// habits tests in what its record was made otherwise than most of its group.
func (e *explanation) habits() {
	order := func(list ...string) func(own, most string) float64 {
		return func(own, most string) float64 {
			return float64(cmp.Compare(slices.Index(list, own), slices.Index(list, most)))
		}
	}
	for _, habit := range []struct {
		trait string
		kind  string
		said  func(value string) string
		does  func(own, most string) float64 // the direction in which it can have an effect; 0 is either
	}{
		{"method", otherMethod, func(v string) string { return "its energy was told by " + inwords.Method(lifecycle.Method(v)) }, func(string, string) float64 { return 0 }},
		{"sensors", otherMeters, func(v string) string { return "its meters are " + cmp.Or(v, "unknown") }, func(string, string) float64 { return 0 }},
		{"boundary", otherBoundary, func(v string) string {
			return "its energy covers " + cmp.Or(inwords.Covered(lifecycle.Boundary(v)), "what nobody told")
		}, order("component", "accelerators", "node", "it", "facility")},
		{"scope", otherScope, func(v string) string { return "it counts " + inwords.Scope(lifecycle.Scope(v)) }, order("process", "cgroup", "machine")},
		{"lacks", notCovered, func(v string) string { return "it was not measured of it: " + cmp.Or(v, "nothing") }, func(own, most string) float64 {
			switch {
			case most == "":
				return -1
			case own == "":
				return 1
			}
			return 0
		}},
		{"status", notFinished, func(v string) string { return "its status is " + v }, func(string, string) float64 { return 0 }},
		{"precision", otherPrecision, func(v string) string { return "its precision is " + cmp.Or(v, "unknown") }, func(string, string) float64 { return 0 }},
	} {
		own := e.point.trait(e.stage, habit.trait)
		most, share, alike, xs := e.common(habit.trait, own)
		if own == most || share < 0.5 || float64(alike) > 0.25*float64(len(e.members)) {
			continue
		}
		text := fmt.Sprintf("%s, of %s of its group %s", habit.said(own), inwords.Percent(rounded(share)), shown(habit.trait, most))
		if len(xs) >= 3 { // others like it tell what it does
			d := medianOf(xs) - e.median
			if d*e.off > 0 {
				e.add(habit.kind, d/e.off, true, "%s; the %s like it come to %s the usual", text, inwords.Plural(len(xs), "other"), times(d))
			}
			continue
		}
		if does := habit.does(own, most); does == 0 || does*e.off > 0 {
			e.add(habit.kind, 0.4, false, "%s", text)
		}
	}
}

// shown is the value of a trait that most of a group have.
func shown(trait, value string) string {
	switch trait {
	case "method":
		return "by " + inwords.Method(lifecycle.Method(value))
	case "boundary":
		return cmp.Or(inwords.Covered(lifecycle.Boundary(value)), "what nobody told")
	case "scope":
		return inwords.Scope(lifecycle.Scope(value))
	case "lacks":
		return cmp.Or(value, "nothing")
	}
	return cmp.Or(value, "unknown")
}

// common is the value of a trait that most members have, the share of them, how
// many have the same as own (itself included), and what the others of these come
// to.
func (e *explanation) common(trait, own string) (most string, share float64, alike int, xs []float64) {
	n := map[string]int{}
	for i := range e.members {
		m := &e.members[i]
		value := m.point.trait(m.stage, trait)
		n[value]++
		if value == own && m.point != e.point {
			xs = append(xs, m.x)
		}
	}
	for value, k := range n {
		if k > n[most] || k == n[most] && value < most {
			most = value
		}
	}
	return most, float64(n[most]) / float64(len(e.members)), n[own], xs
}

// loads tests what else went on, and whether the meter could see it.
func (e *explanation) loads() {
	time := timeOf(e.judged) - e.time
	others := float64(e.point.othersShare)
	if more := others - e.others; more > 0.2 && e.off > 0 {
		said := fmt.Sprintf("other programs used %s of what its meters told, usual are %s", inwords.Percent(rounded(others)), inwords.Percent(rounded(e.others)))
		switch {
		case e.point.scope.String() == string(lifecycle.ScopeMachine): // whose joules are in its own
			e.add(otherPrograms, (math.Log1p(-e.others)-math.Log1p(-min(others, 0.999)))/e.off, true, "%s, and they are counted as its own", said)
		case time > math.Log(1.25):
			e.add(otherPrograms, 0.8*time/e.off, false, "%s: they may have slowed it", said)
		}
	}
	if failed := float64(e.point.failedShare); failed > e.failed+0.1 && e.off > 0 {
		e.add(spansFailed, (math.Log1p(-e.failed)-math.Log1p(-min(failed, 0.999)))/e.off, false, "%s of its spans failed, usual are %s", inwords.Percent(rounded(failed)), inwords.Percent(rounded(e.failed)))
	}
	if isShort(e.judged) && e.shortShare <= 0.25 {
		said := "its spans are shorter than its meter resolves"
		if s := float64(e.point.samplingS); e.stage.seconds > 0 && e.stage.seconds < 2*s {
			said = fmt.Sprintf("the stage took %s, and its meter tells a figure every %s", inwords.Duration(e.stage.seconds), inwords.Duration(s))
		}
		e.add(belowResolution, 0.5, false, "%s", said)
	}
}
