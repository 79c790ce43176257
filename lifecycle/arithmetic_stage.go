package lifecycle

import (
	"fmt"
	"math"
)

// checkServiceStages redoes the figures of the operational stages (R15, R17 to
// R20, R36).
func (a *arithmetic) checkServiceStages() {
	for i := range a.record.Phases {
		p := &a.record.Phases[i]
		if p.Stage.Device() {
			continue
		}
		c, err := a.operational(i)
		if err != nil {
			a.fault(err)
		}
		a.stages[i] = c
		rows := a.checkColumns(i)
		a.checkStageJoules(i, rows)
		a.checkProfile(i)
	}
	a.checkHomeless()
	for k := range a.record.Factors {
		if s := a.record.Factors[k].Series; s != nil && len(s.Value) > 0 {
			var sum float64
			for _, x := range s.Value {
				sum += x
			}
			a.equal("R36", a.pointer("factors", k, "value"), a.record.Factors[k].Value, sum/float64(len(s.Value)), "the value of a factor with a series is the series' mean")
		}
	}
}

// checkColumns redoes the sums of a stage's rows, and reports whether its
// energy is that.
func (a *arithmetic) checkColumns(i int) (energy bool) {
	p := &a.record.Phases[i]
	energy = true
	for k := range embodiedGCO2e {
		q := *k.of(p)
		if q == nil || a.stages[i] == nil {
			continue
		}
		f := &a.stages[i][k]
		at, t := a.pointer("phases", i, k), columnTable[k]
		if f.unknown {
			a.find(t.rule, at, number(q.Value), "absent", "the environment of a row has no factors for it: name them in the environment, or list the figure in /missing")
			continue
		}
		before := len(a.findings)
		ok := a.quantity(t.rule, at, q, f.value, f, a.spoilt[i], t.sum)
		a.values.note(f.terms, ok, before)
		if k == energyJ {
			energy = ok
		}
	}
	return energy
}

// checkStageJoules holds the energy and duration of a stage to its spans
// (R15). Where the stage agrees with its rows, a span is wrong: the one that
// its children disown, or the only one.
func (a *arithmetic) checkStageJoules(i int, rows bool) {
	p := &a.record.Phases[i]
	spans, _ := a.sums.spans.get(p.Stage)
	if want := a.stageJoules(p.Stage); p.EnergyJ != nil && !near(p.EnergyJ.Value, want, sumTolerance) {
		message := "the energy of a stage is the sum of its spans' self_j"
		if p.Stage == Unassigned {
			message = "what is unassigned is unattributed_j of the ledger, and self_j of spans of no known stage"
		}
		k, blamed := a.sums.blamed[p.Stage]
		if !blamed && spans.count == 1 && p.Stage != Unassigned {
			k, blamed = spans.first, true
		}
		if rows && blamed {
			self := a.record.Spans[k].SelfJ
			a.find("R15", a.pointer("spans", k, "self_j"), number(self), number(self+p.EnergyJ.Value-want), message)
		} else {
			a.find("R15", a.pointer("phases", i, energyJ, "value"), number(p.EnergyJ.Value), number(want), message)
		}
	}

	if p.DurationS == nil {
		return
	}
	seconds := spans.seconds
	if p.Stage == Unassigned {
		// It is what the other stages leave of the run (R9), and as exact as that.
		if seconds-*p.DurationS > sumTolerance*max(seconds, a.sums.run) {
			a.find("R15", a.pointer("phases", i, "duration_s"), number(*p.DurationS), "at least "+number(seconds), "what is unassigned lasts as long as the self_s of its spans, or longer")
		}
		return
	}
	switch {
	case near(*p.DurationS, seconds, sumTolerance):
	case spans.count == 1 && a.sums.timed && near(a.sums.stages, a.sums.run, sumTolerance):
		a.find("R15", a.pointer("spans", spans.first, "self_s"), number(seconds), number(*p.DurationS), "the spans of a stage take its time")
	default:
		a.find("R15", a.pointer("phases", i, "duration_s"), number(*p.DurationS), number(seconds), "the duration of a stage is the sum of its spans' self_s")
	}
}

// checkHomeless finds energy and time of spans, and energy of the ledger, that
// no stage tells (R15).
func (a *arithmetic) checkHomeless() {
	for i := range a.record.Spans {
		s := &a.record.Spans[i]
		if _, ok := a.sums.entry.find(s.Stage); !ok && (s.SelfJ != 0 || s.SelfS != 0) {
			a.find("R15", a.pointer("spans", i, "stage"), string(s.Stage), "a stage of /phases", "what a span used is in the figures of its stage")
		}
	}
	if _, ok := a.sums.entry.find(Unassigned); !ok && a.sums.unattributed > 0 {
		a.find("R15", "/phases", "", string(Unassigned), fmt.Sprintf("the ledger has %s J that no span used: they are in the stage unassigned", number(a.sums.unattributed)))
	}
}

// checkProfile holds the profile of a stage to its rows (R36).
func (a *arithmetic) checkProfile(i int) {
	p := &a.record.Phases[i]
	if len(p.Profile) == 0 {
		return
	}
	rows, steps, first := map[string]float64{}, map[string]float64{}, map[string]int{}
	for j := range p.Usage {
		u := &p.Usage[j]
		if h, ok := a.hardware.get(u.Hardware); ok && u.EnergyJ != nil {
			rows[a.record.Hardware[h].Environment] += u.EnergyJ.Value
		}
	}
	for n := range p.Profile {
		f := &p.Profile[n]
		if _, met := first[f.Environment]; !met {
			first[f.Environment] = n
		}
		for _, e := range f.EnergyJ {
			steps[f.Environment] += e
		}
	}
	for n := range p.Profile {
		id := p.Profile[n].Environment
		if first[id] == n {
			a.equal("R36", a.pointer("phases", i, "profile", n, energyJ), steps[id], rows[id], "the steps of a profile sum to the energy of the rows in its environment")
		}
	}
}

// checkDeviceStages redoes device-seconds and shares of the devices (R11,
// R21).
func (a *arithmetic) checkDeviceStages() {
	first := map[string]int{} // entry, by the member of embodied that it tells
	for i := range a.record.Phases {
		p := &a.record.Phases[i]
		if !p.Stage.Device() {
			continue
		}
		_, _, member := new(Embodied).impacts(p.Stage)
		if k, twice := first[member]; twice {
			a.find("R21", a.pointer("phases", i, "stage"), string(p.Stage), "", fmt.Sprintf("it tells again what %s tells: nothing is counted twice", a.pointer("phases", k)))
		} else {
			first[member] = i
		}
		before := len(a.findings)
		for j := range p.Usage {
			a.checkDeviceRow(i, j)
		}
		a.spoilt[i] = len(a.findings) > before
		c, err := a.embodied(i)
		if err != nil {
			a.fault(err)
		}
		a.stages[i] = c
		for k := embodiedGCO2e; k < numColumns; k++ {
			a.checkDeviceStage(i, k)
		}
	}
}

func (a *arithmetic) checkDeviceRow(i, j int) {
	u := &a.record.Phases[i].Usage[j]
	at := a.pointer("phases", i, "usage", j)
	if h, ok := a.hardware.get(u.Hardware); ok && u.DeviceS != nil && a.record.Hardware[h].Embodied != nil && a.held[h].err == nil &&
		!near(*u.DeviceS, a.held[h].seconds, sumTolerance) {
		a.find("R11", at+"/device_s", number(*u.DeviceS), number(a.held[h].seconds), "the device-seconds of "+u.Hardware+" are count × share × use_s of its rows in the operational stages")
	}
	share, err := a.deviceRow(i, j)
	if err != nil {
		a.fault(err)
		return
	}
	for k := embodiedGCO2e; k < numColumns; k++ {
		q, f := *k.ofRow(&u.EmbodiedImpacts), &share[k]
		at := at + a.pointer(k)
		switch {
		case q == nil && f.unknown:
		case q == nil:
			a.find("R21", at, "absent", number(f.value), "the device has a factor for it")
		case f.unknown:
			a.find("R21", at, number(q.Value), "absent", "the device has no factor for it: name one in its embodied, or leave the figure out")
		default:
			before := len(a.findings)
			ok := a.quantity("R21", at, q, f.value, f, false, "it is factor × device_s / (lifetime × utilisation)")
			a.values.note(f.terms, ok, before)
		}
	}
}

// checkDeviceStage redoes the sum of a device stage's rows (R21), as they are
// or as they should be.
func (a *arithmetic) checkDeviceStage(i int, k column) {
	p := &a.record.Phases[i]
	q := *k.of(p)
	if q == nil {
		return
	}
	at := a.pointer("phases", i, k)
	var sum float64
	for j := range p.Usage {
		row := *k.ofRow(&p.Usage[j].EmbodiedImpacts)
		if row == nil {
			a.find("R21", at, number(q.Value), "absent", "the sum is unknown as long as a part of it is: "+a.pointer("phases", i, "usage", j, k)+" is absent")
			return
		}
		sum += row.Value
	}
	const message = "it is the sum of the rows'"
	switch c := a.stages[i]; {
	case c == nil || c[k].unknown:
		a.equal("R21", at+"/value", q.Value, sum, message)
	case a.spoilt[i] && near(q.Value, c[k].value, sumTolerance):
	default:
		a.quantity("R21", at, q, sum, &c[k], a.spoilt[i], message)
	}
}

// checkTimes holds the time of devices and stages to that of the run (R9,
// R10).
func (a *arithmetic) checkTimes() {
	r := a.record
	if a.sums.timed {
		a.checkRunTime()
	}
	run := r.Run.DurationS
	if len(r.Run.Merged) > 0 { // shards ran side by side
		run = 0
		for i := range r.Run.Merged {
			run = max(run, r.Run.Merged[i].DurationS)
		}
	}
	use := make([]float64, len(r.Hardware))
	for i := range r.Phases {
		p := &r.Phases[i]
		if p.Stage.Device() {
			continue
		}
		for j := range p.Usage {
			u := &p.Usage[j]
			at := a.pointer("phases", i, "usage", j)
			if u.ShareBy == "exclusive" && u.Share != nil && *u.Share != 1 {
				a.find("R10", at+"/share", number(*u.Share), "1", "a device that is held exclusively is held whole")
			}
			if u.Count != nil && *u.Count == 0 && (u.UseS != nil && *u.UseS > 0 || u.EnergyJ != nil && u.EnergyJ.Value > 0) {
				a.find("R10", at+"/count", "0", "at least 1", "no device was held, so none took time or energy")
			}
			if u.UseS != nil && p.StartedAt != nil && p.EndedAt != nil {
				span := p.EndedAt.Sub(*p.StartedAt).Seconds()
				a.atMost("R10", at+"/use_s", *u.UseS, span+a.clockTolerance(span), "a device is held no longer than the stage is open")
			}
			h, ok := a.hardware.get(u.Hardware)
			if !ok || u.Count == nil {
				continue
			}
			if *u.Count > r.Hardware[h].Count {
				a.find("R10", at+"/count", fmt.Sprint(*u.Count), fmt.Sprintf("at most %d", r.Hardware[h].Count), "no more devices are held than there are")
			}
			if u.UseS != nil {
				use[h] += float64(*u.Count) * *u.UseS
			}
		}
	}
	for h := range use {
		if limit := float64(r.Hardware[h].Count) * run; use[h] > limit {
			a.atMost("R10", a.pointer("hardware", h, "count"), use[h], limit,
				"count × use_s of the rows of "+r.Hardware[h].ID+" is at most its count × the run's duration")
		}
	}
}

// clockTolerance is how far dates and durations may differ (R7), in seconds.
func (a *arithmetic) clockTolerance(s float64) float64 {
	t := 2 + 0.001*math.Abs(s)
	if res := a.record.Run.TimeResolutionS; res != nil {
		t += 2 * *res
	}
	return t
}

// checkRunTime holds the durations of the stages to the run's (R9). The dates
// of the run and the spans of the stages tell which is wrong.
func (a *arithmetic) checkRunTime() {
	r := a.record
	if near(a.sums.stages, a.sums.run, sumTolerance) {
		return
	}
	at, found, expected := "/run/duration_s", a.sums.run, a.sums.stages
	unassigned := ""
	for i := range r.Phases {
		p := &r.Phases[i]
		if p.Stage.Device() {
			continue
		}
		if p.Stage == Unassigned {
			unassigned = pointer("phases", i, "duration_s")
			found = *p.DurationS
		} else if spans, _ := a.sums.spans.get(p.Stage); !near(*p.DurationS, spans.seconds, sumTolerance) {
			return // told by R15
		}
	}
	if unassigned != "" && !a.datesDisagree() {
		at, expected = unassigned, found+a.sums.run-a.sums.stages
	} else {
		found = a.sums.run
	}
	a.find("R9", at, number(found), number(expected), "the durations of the stages, and of other runs, sum to the run's")
}

// datesDisagree reports whether the run's duration is not that between its
// dates.
func (a *arithmetic) datesDisagree() bool {
	r := &a.record.Run
	if r.StartedAt == nil || r.EndedAt == nil || len(r.Merged) > 0 {
		return false
	}
	between := r.EndedAt.Sub(*r.StartedAt).Seconds()
	return math.Abs(between-r.DurationS) > a.clockTolerance(max(between, r.DurationS))
}

// checkPower holds rows and ledger lines to what their devices can draw (R32).
func (a *arithmetic) checkPower() {
	r := a.record
	for i := range r.Phases {
		p := &r.Phases[i]
		if p.Stage.Device() {
			continue
		}
		for j := range p.Usage {
			u := &p.Usage[j]
			if u.EnergyJ != nil && u.Count != nil && u.UseS != nil {
				a.checkDraw(a.pointer("phases", i, "usage", j, energyJ, "value"), u.Hardware, u.EnergyJ.Value, float64(*u.Count), a.openSeconds(p, u))
			}
		}
	}
	seconds := r.Run.DurationS
	if len(r.Run.Merged) > 0 {
		seconds = a.shardSeconds()
	}
	for i := range r.Ledger {
		l := &r.Ledger[i]
		if h, ok := a.hardware.get(l.Hardware); ok {
			a.checkDraw(a.pointer("ledger", i, "total_j"), l.Hardware, l.TotalJ, float64(r.Hardware[h].Count), seconds)
		}
	}
}

// openSeconds is the longest that a device can have drawn power for a row: the
// time between begin and end of its stage, as far as the clock tells it. What
// the row held, use_s, is no measure of that. It is a share of the wall clock
// (0.1 s of 5 s beside fifty spans that wait), while the energy of a shared
// device goes by CPU time, and that of a claimed one to its claimers alone,
// however many spans wait beside them. So it may be drawn in a small part of
// use_s as well as in many times that. It stands in only where an estimate has
// no times, or where it is the longer by the tolerance of R10.
func (a *arithmetic) openSeconds(p *PhaseEntry, u *Usage) float64 {
	if p.StartedAt == nil || p.EndedAt == nil {
		return *u.UseS
	}
	open := p.EndedAt.Sub(*p.StartedAt).Seconds()
	if res := a.record.Run.TimeResolutionS; res != nil {
		open += 2 * *res // coarse times may be the same at both ends
	}
	return max(open, *u.UseS)
}

// counterStep is the longest time in s that counters are known to rest between
// two steps (those of GPUs; the kernel's CPU time rests for 0.01 s): what is
// read over a shorter time may be that of a whole step.
const counterStep = 0.1

// checkDraw tells of energy above 1.2 × the rated power, and finds fault with
// it above 2 ×.
func (a *arithmetic) checkDraw(at, hardware string, joules, count, seconds float64) {
	h, ok := a.hardware.get(hardware)
	if !ok {
		return
	}
	watts := a.record.Hardware[h].PowerLimitW
	if watts == nil {
		watts = a.record.Hardware[h].TDPW
	}
	if watts == nil {
		return
	}
	rated := *watts * count * (seconds + counterStep)
	switch {
	case joules > 2*rated*(1+sumTolerance):
		a.find("R32", at, number(joules), "at most "+number(2*rated), "it is more than twice what the device is rated for in that time")
	case joules > 1.2*rated*(1+sumTolerance):
		a.tell(Finding{Rule: "R32", Pointer: at, Found: number(joules), Expected: "at most " + number(1.2*rated), Warning: true,
			Message: "it is more than 1.2 × what the device is rated for in that time"})
	}
}
