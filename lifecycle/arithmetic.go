package lifecycle

import (
	"cmp"
	"errors"
	"fmt"
	"math"
	"slices"
	"strconv"
	"sync"
)

// The tolerances of the rules, relative to the larger side.
const (
	sumTolerance   = 1e-9
	boundTolerance = 1e-5
)

// checkArithmetic redoes every derived figure of a record (rules R9 to R11,
// R13 to R32, R36, R37 and R39) and tells add what does not agree. Each rule is
// redone from the members that stand in it, not from a whole new assessment:
// one wrong number is told where it is, and then by the sums that it is in.
// Where a sum alone cannot say which of its members is wrong, the other sums
// that they are in decide.
//
// What a figure cannot be computed from (an unknown id, say) is left to the
// rules of the record's form.
//
// It is done in a hush first, and again if anything is wrong.
func checkArithmetic(r *Record, add func(Finding)) {
	a := checks.Get().(*arithmetic)
	defer a.release()
	if a.redo(r, true); a.nothing {
		return
	}
	a.redo(r, false)
	for _, f := range a.findings {
		add(f)
	}
}

// checks are what checks of other records have left, to be used again.
var checks = sync.Pool{New: func() any { return new(arithmetic) }}

// release lets go of the record and hands the memory on, if it is that of a
// record of ordinary size.
func (a *arithmetic) release() {
	r := a.record
	size := len(r.Environments) + len(r.Hardware) + len(r.Phases) + len(r.Spans) + len(r.Ledger) + len(r.Methods) + len(r.Factors)
	for i := range r.Phases {
		size += len(r.Phases[i].Usage)
	}
	if size > 1000 {
		return
	}
	a.begin(&noRecord, true)
	checks.Put(a)
}

var noRecord Record

// begin forgets another check, but keeps its memory.
func (a *arithmetic) begin(r *Record, quiet hush) {
	a.columns.reset((*columns).empty)
	a.terms.reset(nil)
	a.rest(r, quiet)
	a.findings, a.told, a.nothing = nil, nil, true
	clear(a.agreed[:cap(a.agreed)])
	a.agreed = a.agreed[:0]
	clear(a.names)
	a.stages, a.spoilt = zeroes(a.stages, len(r.Phases)), zeroes(a.spoilt, len(r.Phases))
	a.values.reset(len(a.Sources))
	a.bounds.reset(len(a.Sources))
	s := &a.sums
	s.read.reset()
	s.spans.reset()
	s.entry.reset()
	*s = sums{read: s.read, spans: s.spans, entry: s.entry}
}

// zeroes is s with n zero values.
func zeroes[T any](s []T, n int) []T {
	clear(s)
	s = slices.Grow(s[:0], n)[:n]
	clear(s)
	return s
}

// redo redoes the figures of a record.
func (a *arithmetic) redo(r *Record, quiet hush) {
	a.begin(r, quiet)
	a.addUp()
	a.checkRows()
	a.checkLedger()
	a.checkSpans()
	a.checkServiceStages()
	a.checkDeviceStages()
	a.checkTimes()
	a.checkPower()
	a.checkTotals()
	a.checkPhaseTotals()
	a.checkAmortised()
	a.suspect()
}

// arithmetic is the state of one check.
type arithmetic struct {
	basis
	findings []Finding
	nothing  bool // nothing is wrong
	told     map[fault]bool

	stages []*columns // recomputed from the record's rows; nil where they cannot be
	spoilt []bool     // by stage: a row of it is wrong
	sums   sums       // what several rules compare
	agreed []agreed
	names  []string // of the units of one span

	values, bounds blame
}

// find adds a finding.
func (a *arithmetic) find(rule, at, found, expected, message string) {
	a.tell(Finding{Rule: rule, Pointer: at, Found: found, Expected: expected, Message: message})
}

func (a *arithmetic) tell(f Finding) {
	a.nothing = false
	if len(a.findings) < 2*maxFindings { // more is not told of a record
		a.findings = append(a.findings, f)
	}
}

// fault tells of a fact that figures cannot be computed from, unless the rules
// of the record's form do.
func (a *arithmetic) fault(err error) {
	a.nothing = false
	var f *fault
	if !errors.As(err, &f) || a.told[*f] {
		return
	}
	if a.told == nil {
		a.told = map[fault]bool{}
	}
	a.told[*f] = true
	switch f.rule {
	case "R1", "R3", "R4", "R5", "R6", "R12":
		return
	}
	a.find(f.rule, f.pointer, "", "", f.message)
}

// equal finds fault with a number that is not what a rule makes it.
func (a *arithmetic) equal(rule, at string, found, expected float64, message string) bool {
	if near(found, expected, sumTolerance) {
		return true
	}
	a.find(rule, at, number(found), number(expected), message)
	return false
}

// atMost finds fault with a number that is greater than a rule allows.
func (a *arithmetic) atMost(rule, at string, found, limit float64, message string) bool {
	if found <= limit || near(found, limit, sumTolerance) {
		return true
	}
	a.find(rule, at, number(found), "at most "+number(limit), message)
	return false
}

// quantity redoes a figure: its value by a rule, its method by R30, and once
// the value is right its interval by R31.
//
// An interval is redone from the rows. Where one of those is wrong, spoilt says
// so, and the interval is let be: it would only tell the same again.
func (a *arithmetic) quantity(rule, at string, q *Quantity, value float64, f *figure, spoilt bool, message string) bool {
	ok := a.equal(rule, at+"/value", q.Value, value, message)
	a.method(at, q, f)
	if ok && !spoilt {
		a.interval(at, q, value, f)
	}
	return ok
}

// method redoes the method of a figure. A sum of nothing may have any.
func (a *arithmetic) method(at string, q *Quantity, f *figure) {
	if want := f.parts.method(); f.parts != 0 && q.Method != want {
		a.find("R30", at+"/method", string(q.Method), string(want), "a figure is obtained no more directly than its parts, and with a factor it is modelled")
	}
}

// interval redoes the bounds of a figure.
func (a *arithmetic) interval(at string, q *Quantity, value float64, f *figure) {
	before := len(a.findings)
	if a.agrees(q, f) || a.intervals.Hold(value, q.Low, q.High, f.terms, boundTolerance) {
		if len(a.agreed) < maxAgreed {
			a.agreed = append(a.agreed, agreed{q, f})
		}
		a.bounds.note(f.terms, true, before)
		return
	}
	low, high := a.intervals.Bounds(value, f.terms)
	for _, b := range []struct {
		member          string
		found, expected float64
	}{{"low", q.Low, low}, {"high", q.High, high}} {
		if !near(b.found, b.expected, boundTolerance) {
			a.find("R31", at+"/"+b.member, number(b.found), number(b.expected), "the 95 % bound follows from those of the factors and meters (section 4 of the rules)")
		}
	}
	a.bounds.note(f.terms, len(a.findings) == before, before)
}

// agreed is a figure whose interval is right, with what it was redone from.
type agreed struct {
	q *Quantity
	f *figure
}

// maxAgreed is how many are remembered.
const maxAgreed = 64

// agrees reports whether the same figure was right before: the total of a phase
// is often that of its only stage.
func (a *arithmetic) agrees(q *Quantity, f *figure) bool {
	for _, b := range a.agreed {
		if b.q.Value == q.Value && b.q.Low == q.Low && b.q.High == q.High && slices.Equal(b.f.terms, f.terms) {
			return true
		}
	}
	return false
}

// blame counts how often the figures of a source were right and wrong.
type blame struct {
	first       int   // finding: the first figure that is wrong
	wrong       int   // figures that are
	figures     int   // all that were looked at
	used, fails []int // by source: its figures, and those that are wrong
	seen        []int // by source: the last figure that it was noted for
}

func (b *blame) reset(sources int) {
	*b = blame{used: zeroes(b.used, sources), fails: zeroes(b.fails, sources), seen: zeroes(b.seen, sources)}
}

// note counts a figure with these terms; if it is wrong, finding tells of it.
func (b *blame) note(terms []term, ok bool, finding int) {
	b.figures++
	if !ok {
		if b.wrong == 0 {
			b.first = finding
		}
		b.wrong++
	}
	for _, t := range terms {
		for _, k := range t.Product {
			s := max(k, -k) - 1
			if k == 0 || b.seen[s] == b.figures {
				continue
			}
			b.seen[s] = b.figures
			b.used[s]++
			if !ok {
				b.fails[s]++
			}
		}
	}
}

// suspects are the sources that all wrong figures use and no right one does.
// One wrong figure alone is rather wrong itself, and so is what is found to be
// wrong before any.
func (b *blame) suspects() (sources []int) {
	if b.wrong < 2 || b.first > 0 {
		return nil
	}
	for s, n := range b.fails {
		if n == b.wrong && n == b.used[s] {
			sources = append(sources, s)
		}
	}
	return sources
}

// suspect tells first of factors that every figure disagrees with.
func (a *arithmetic) suspect() {
	var first []Finding
	for _, s := range []struct {
		blame  *blame
		member string
	}{{&a.values, "/value"}, {&a.bounds, ""}} {
		for _, k := range s.blame.suspects() {
			if k < len(a.record.Factors) {
				first = append(first, Finding{
					Rule:    a.findings[0].Rule,
					Pointer: a.pointer("factors", k) + s.member,
					Message: fmt.Sprintf("all %d figures that use this factor disagree with it", s.blame.wrong),
				})
			}
		}
	}
	a.findings = append(first, a.findings...)
}

// near reports whether two numbers agree to a tolerance relative to the larger.
func near(x, y, tolerance float64) bool {
	return math.Abs(x-y) <= tolerance*max(math.Abs(x), math.Abs(y))
}

// number is a number for people: as many digits as could matter.
func number(x float64) string { return strconv.FormatFloat(x, 'g', 12, 64) }

// checkTotals redoes the sums over all stages (R23 to R26).
func (a *arithmetic) checkTotals() {
	t := &a.record.Totals
	all := a.sum(a.stages, func(*PhaseEntry) bool { return true })
	complete, spoilt := !slices.Contains(a.stages, nil), slices.Contains(a.spoilt, true)
	for k := range numColumns {
		q := k.total(t)
		if q == nil {
			continue
		}
		at := a.pointer("totals", k)
		value, absent := a.sumOfStages(k, nil)
		switch {
		case absent != "" && k < waterL: // required, so the form finds it
		case absent != "" && (k == waterL || k == embodiedGCO2e):
			a.find("R23", at, number(q.Value), "absent", "a total is unknown as long as a part of it is: "+absent+" is absent")
		case complete:
			a.quantity("R23", at, q, value, &all[k], spoilt, "a total is the sum of the stages'")
		default:
			a.equal("R23", at+"/value", q.Value, value, "a total is the sum of the stages'")
		}
	}
	if t.GCO2e != nil {
		a.checkGrams(all, complete, spoilt)
	}
	if t.EnergyJ.Value > 0 {
		a.equal("R25", "/totals/measured_share", t.MeasuredShare, a.measuredShare(t.EnergyJ.Value),
			"the share is the joules of metered and counter meters over energy_j")
	}
	if t.PerUnit != nil {
		a.checkPerUnit()
	}
}

// sumOfStages adds up what the record's stages say of a column, in one phase
// or in all (nil), and names the first stage that does not tell.
func (a *arithmetic) sumOfStages(k column, phase *Phase) (sum float64, absent string) {
	for i := range a.record.Phases {
		p := &a.record.Phases[i]
		if !k.in(p.Stage) || phase != nil && p.Phase != *phase {
			continue
		}
		if q := *k.of(p); q != nil {
			sum += q.Value
		} else if absent == "" {
			absent = pointer("phases", i, k)
		}
	}
	return sum, absent
}

// checkGrams redoes the total of grams (R24).
func (a *arithmetic) checkGrams(all *columns, complete, spoilt bool) {
	t := &a.record.Totals
	const why = "the total of grams is unknown as long as a part of it is: "
	if t.EmbodiedGCO2e == nil {
		a.find("R24", "/totals/gco2e", number(t.GCO2e.Value), "absent", why+"/totals/embodied_gco2e is absent")
		return
	}
	if h, unknown := a.unknownDevice(); unknown {
		a.find("R24", "/totals/gco2e", number(t.GCO2e.Value), "absent", why+a.pointer("hardware", h)+" has no embodied factors and nothing covers it")
		return
	}
	value, message := t.OperationalGCO2e.Value+t.EmbodiedGCO2e.Value, "gco2e is operational_gco2e + embodied_gco2e"
	if complete {
		a.quantity("R24", "/totals/gco2e", t.GCO2e, value, a.both(all), spoilt, message)
	} else {
		a.equal("R24", "/totals/gco2e/value", t.GCO2e.Value, value, message)
	}
}

// checkPerUnit redoes the emissions per functional unit (R26).
func (a *arithmetic) checkPerUnit() {
	t := &a.record.Totals
	unit := a.record.UseCase.FunctionalUnit
	if unit == nil {
		a.find("R26", "/totals/per_unit", t.PerUnit.Unit, "absent", "emissions per unit need a functional unit in /use_case/functional_unit")
		return
	}
	if t.PerUnit.Unit != unit.Unit {
		a.find("R26", "/totals/per_unit/unit", t.PerUnit.Unit, unit.Unit, "the unit is that of /use_case/functional_unit")
	}
	if n, err := a.count(unit); err == nil && t.PerUnit.Count != n {
		a.find("R26", "/totals/per_unit/count", strconv.FormatInt(t.PerUnit.Count, 10), strconv.FormatInt(n, 10),
			fmt.Sprintf("the count is that of %s in the spans of path %s", unit.Unit, unit.Path))
	}
	switch {
	case t.GCO2e == nil:
		a.find("R26", "/totals/per_unit", number(t.PerUnit.GCO2e.Value), "absent", "emissions per unit are unknown as long as the total of grams is: /totals/gco2e is absent")
	case t.PerUnit.Count <= 0:
		a.find("R26", "/totals/per_unit/count", strconv.FormatInt(t.PerUnit.Count, 10), "above 0", "emissions per unit need units")
	default:
		a.scaled("R26", "/totals/per_unit/gco2e", &t.PerUnit.GCO2e, t.GCO2e, 1/float64(t.PerUnit.Count), "emissions per unit are the total of grams over the count")
	}
}

// scaled redoes a figure that is another × an exact number.
func (a *arithmetic) scaled(rule, at string, q, of *Quantity, x float64, message string) {
	if a.equal(rule, at+"/value", q.Value, of.Value*x, message) {
		for _, b := range []struct {
			member          string
			found, expected float64
		}{{"low", q.Low, of.Low * x}, {"high", q.High, of.High * x}} {
			if !near(b.found, b.expected, boundTolerance) {
				a.find("R31", at+"/"+b.member, number(b.found), number(b.expected), "the bounds scale as the value does")
			}
		}
	}
	if q.Method != of.Method {
		a.find("R30", at+"/method", string(q.Method), string(of.Method), "a share of a figure is obtained as the figure is")
	}
}

// checkPhaseTotals redoes the sums by phase (R22).
func (a *arithmetic) checkPhaseTotals() {
	byPhase := a.record.Totals.ByPhase
	var occur []Phase
	for i := range a.record.Phases {
		if p := a.record.Phases[i].Phase; p.Valid() && !slices.Contains(occur, p) {
			occur = append(occur, p)
		}
	}
	var extra []Phase
	for p := range byPhase {
		if p.Valid() && !slices.Contains(occur, p) {
			extra = append(extra, p)
		}
	}
	slices.Sort(extra)
	for _, p := range extra {
		a.find("R22", a.pointer("totals", "by_phase", string(p)), string(p), "absent", "no stage of the record is in this phase")
	}
	for _, p := range occur {
		t, ok := byPhase[p]
		if !ok {
			a.find("R22", a.pointer("totals", "by_phase", string(p)), "absent", "a total", "every phase that occurs has its total")
			continue
		}
		a.checkPhaseTotal(p, &t)
	}
}

func (a *arithmetic) checkPhaseTotal(phase Phase, t *PhaseTotal) {
	of := func(p *PhaseEntry) bool { return p.Phase == phase }
	all := a.sum(a.stages, of)
	complete, spoilt := true, false
	for i := range a.record.Phases {
		if of(&a.record.Phases[i]) {
			complete = complete && a.stages[i] != nil
			spoilt = spoilt || a.spoilt[i]
		}
	}
	grams, absent := a.gramsOfPhase(phase)
	figures := []struct {
		name   string
		q      *Quantity
		value  float64
		absent string
		figure *figure
	}{
		{name: energyJ.String(), q: t.EnergyJ, figure: &all[energyJ]},
		{name: facilityEnergyJ.String(), q: t.FacilityEnergyJ, figure: &all[facilityEnergyJ]},
		{name: waterL.String(), q: t.WaterL, figure: &all[waterL]},
		{name: "gco2e", q: t.GCO2e, value: grams, absent: absent, figure: a.phaseGrams(all, phase)},
	}
	for i, k := range []column{energyJ, facilityEnergyJ, waterL} {
		figures[i].value, figures[i].absent = a.sumOfStages(k, &phase)
		occurs := false
		for j := range a.record.Phases {
			p := &a.record.Phases[j]
			occurs = occurs || of(p) && k.in(p.Stage)
		}
		if !occurs {
			figures[i].absent = "it"
		}
	}
	for _, f := range figures {
		at := a.pointer("totals", "by_phase", string(phase), f.name)
		const message = "the total of a phase is the sum of its stages'"
		switch {
		case f.q == nil && f.absent == "":
			a.find("R22", at, "absent", number(f.value), message)
		case f.q == nil:
		case f.absent != "":
			a.find("R22", at, number(f.q.Value), "absent", "the total of a phase is there if its stages tell the figure: "+f.absent+" is absent")
		case complete:
			a.quantity("R22", at, f.q, f.value, f.figure, spoilt, message)
		default:
			a.equal("R22", at+"/value", f.q.Value, f.value, message)
		}
	}
}

// gramsOfPhase adds up the operational and embodied grams of a phase's stages.
func (a *arithmetic) gramsOfPhase(phase Phase) (sum float64, absent string) {
	for _, k := range []column{operationalGCO2e, embodiedGCO2e} {
		s, none := a.sumOfStages(k, &phase)
		sum += s
		absent = cmp.Or(absent, none)
	}
	return sum, absent
}

// checkAmortised redoes the share that this run carries of another's grams
// (R39).
func (a *arithmetic) checkAmortised() {
	for i := range a.record.Amortised {
		m := &a.record.Amortised[i]
		at := a.pointer("amortised", i)
		if !a.atMost("R39", at+"/used", m.Used, m.Expected, "no more can be used than is expected over all") || m.Expected == 0 {
			continue
		}
		a.scaled("R39", at+"/share_gco2e", &m.ShareGCO2e, &m.GCO2e, m.Used/m.Expected, "the share is gco2e × used / expected")
	}
}
