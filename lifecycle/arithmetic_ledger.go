package lifecycle

import "math"

// reading is what one meter read of one device entry.
type reading struct{ hardware, meter string }

// sums are what several rules compare. Together they tell which member of a
// sum that does not agree is the wrong one.
type sums struct {
	read  table[reading, balance] // as they are met
	spans table[Stage, spansOf]
	entry table[Stage, int] // in /phases

	blamed map[Stage]int // the span whose self_j R27 found to be wrong

	self, booked, unattributed float64 // Σ self_j; of the ledger, Σ spans_j and Σ unattributed_j
	run, stages                float64 // s, the two sides of R9
	timed                      bool    // every stage tells its duration
}

// spansOf are the spans of one stage.
type spansOf struct {
	joules, seconds float64 // Σ self_j, Σ self_s
	count           int
	first           int // of them
}

// balance is the two sides of R14 for one reading, and where each begins.
type balance struct {
	rows  float64 // Σ energy_j of the stages' rows
	lines float64 // Σ spans_j + unattributed_j of the ledger
	at    string
}

func (b *balance) even() bool { return near(b.rows, b.lines, sumTolerance) }

func (a *arithmetic) addUp() {
	r, s := a.record, &a.sums
	s.timed = true
	for i := range r.Phases {
		p := &r.Phases[i]
		*s.entry.of(p.Stage) = i
		if p.Stage.Device() {
			continue
		}
		if p.DurationS != nil {
			s.stages += *p.DurationS
		} else {
			s.timed = false
		}
		for j := range p.Usage {
			u := &p.Usage[j]
			if u.EnergyJ != nil {
				b := s.read.of(reading{u.Hardware, u.Meter})
				b.rows += u.EnergyJ.Value
				if b.at == "" {
					b.at = a.pointer("phases", i, "usage", j, energyJ, "value")
				}
			}
		}
	}
	for i := range r.Ledger {
		l := &r.Ledger[i]
		b := s.read.of(reading{l.Hardware, l.Meter})
		b.lines += l.SpansJ + l.UnattributedJ
		if b.at == "" {
			b.at = a.pointer("ledger", i, "spans_j")
		}
		s.booked += l.SpansJ
		s.unattributed += l.UnattributedJ
	}
	for i := range r.Spans {
		p := &r.Spans[i]
		of := s.spans.of(p.Stage)
		if of.count == 0 {
			of.first = i
		}
		of.count++
		of.joules += p.SelfJ
		of.seconds += p.SelfS
		s.self += p.SelfJ
	}
	s.run = r.Run.DurationS
	if len(r.Run.Merged) > 0 {
		s.run = a.shardSeconds()
	}
	if r.Run.OtherRunsS != nil {
		s.stages += *r.Run.OtherRunsS
	}
}

// shardSeconds is Σ duration_s of the shards of a merged record.
func (a *arithmetic) shardSeconds() (sum float64) {
	for i := range a.record.Run.Merged {
		sum += a.record.Run.Merged[i].DurationS
	}
	return sum
}

// stageJoules is what the spans, and for unassigned the ledger, say of a stage
// (R15).
func (a *arithmetic) stageJoules(s Stage) float64 {
	spans, _ := a.sums.spans.get(s)
	if s == Unassigned {
		return spans.joules + a.sums.unattributed
	}
	return spans.joules
}

// checkRows holds each row of the operational stages to its meter (R14) or to
// its factor (R37).
func (a *arithmetic) checkRows() {
	spread := make(map[int]bool) // meters whose rel_error was told of
	for i := range a.record.Phases {
		p := &a.record.Phases[i]
		if p.Stage.Device() {
			continue
		}
		before := len(a.findings)
		for j := range p.Usage {
			l, err := a.line(i, j)
			if err != nil {
				a.fault(err)
				continue
			}
			a.checkRow(&p.Usage[j], &l, a.pointer("phases", i, "usage", j), spread)
		}
		a.spoilt[i] = len(a.findings) > before
	}
}

func (a *arithmetic) checkRow(u *Usage, l *line, at string, spread map[int]bool) {
	q := u.EnergyJ
	if l.column == operationalGCO2e {
		q = u.OperationalGCO2e
	} else if u.OperationalGCO2e != nil {
		a.find("R37", at+a.pointer(operationalGCO2e), number(u.OperationalGCO2e.Value), "absent",
			"only a service whose factor is in grams tells grams in its row; those of energy are in the stage")
	}
	at += a.pointer(l.column)
	switch {
	case l.meter >= 0:
		a.checkMeterRow(at, u, l, spread)
	case q == nil:
		a.find("R37", at, "absent", number(l.figure.value), "the row of a service tells its amount × factor")
	default:
		f := l.figure
		a.quantity("R37", at, q, f.value, &f, false, "the figure of a service is its amount × factor")
	}
}

// checkMeterRow holds a row to its meter's method and error (R14). The width
// of the interval tells a wrong error from a wrong value.
func (a *arithmetic) checkMeterRow(at string, u *Usage, l *line, told map[int]bool) {
	q := u.EnergyJ
	m := &a.record.Methods[l.meter]
	if q.Method != m.Method {
		a.find("R14", at+"/method", string(q.Method), string(m.Method), "a row is obtained as its meter says")
	}
	gain := 1 + m.RelError
	low, high := near(q.Low, q.Value/gain, boundTolerance), near(q.High, q.Value*gain, boundTolerance)
	middle, width := math.Sqrt(q.Low)*math.Sqrt(q.High), math.Sqrt(q.High/q.Low)
	switch {
	case low && high:
	case !low && !high && near(middle, q.Value, boundTolerance):
		if !told[l.meter] {
			told[l.meter] = true
			a.find("R14", a.pointer("methods", l.meter, "rel_error"), number(m.RelError), number(width-1), "the intervals of the meter's rows are those of another error")
		}
	case !low && !high && near(width, gain, boundTolerance):
		a.sums.read.of(reading{u.Hardware, u.Meter}).at = at + "/value" // then the sum is wrong by it, too
		a.find("R14", at+"/value", number(q.Value), number(middle), "the value is the middle, by ratio, of the interval that its meter's error gives it")
	default:
		const message = "a row's interval is value / (1 + rel_error) to value × (1 + rel_error) of its meter"
		if !low {
			a.find("R14", at+"/low", number(q.Low), number(q.Value/gain), message)
		}
		if !high {
			a.find("R14", at+"/high", number(q.High), number(q.Value*gain), message)
		}
	}
}

// checkLedger redoes the sums of the ledger (R13, R16) and holds the rows of
// the stages to it (R14).
func (a *arithmetic) checkLedger() {
	r := a.record
	for i := range r.Ledger {
		l := &r.Ledger[i]
		at := a.pointer("ledger", i)
		sum := l.SpansJ + l.UnattributedJ + l.OtherProcessesJ + l.IdleJ
		if l.OtherRunsJ != nil {
			sum += *l.OtherRunsJ
		}
		spans := near(l.TotalJ, sum, sumTolerance) || !a.unbalanced(at, l, sum)
		if b := l.Booked; b != nil && spans {
			var booked float64
			for _, j := range []*float64{b.AloneJ, b.WindowJ, b.RateJ, b.WallJ, b.ClaimedJ} {
				if j != nil {
					booked += *j
				}
			}
			if !near(booked, l.SpansJ, sumTolerance) {
				a.find("R13", at+"/booked", number(booked), number(l.SpansJ), "what was booked by each weight sums to spans_j")
			}
		}
		a.checkIdle(at, l)
	}
	for i, m := range a.sums.read.keys {
		if b := &a.sums.read.values[i]; !b.even() {
			a.find("R14", b.at, number(b.rows), number(b.lines),
				"the rows of meter "+m.meter+" on "+m.hardware+" sum to spans_j + unattributed_j of its ledger lines")
		}
	}
}

// unbalanced tells of a line whose parts do not sum to its total (R13). Which
// of them is wrong the rows and spans know; spans reports whether it is
// spans_j.
func (a *arithmetic) unbalanced(at string, l *LedgerLine, sum float64) (spans bool) {
	const message = "what the meter saw is spans_j + unattributed_j + other_runs_j + other_processes_j + idle_j"
	diff := sum - l.TotalJ
	switch {
	case a.sums.read.of(reading{l.Hardware, l.Meter}).even():
		a.find("R13", at+"/total_j", number(l.TotalJ), number(sum), message)
	case !near(a.sums.self, a.sums.booked, sumTolerance):
		a.find("R13", at+"/spans_j", number(l.SpansJ), number(l.SpansJ-diff), message)
		return true
	default:
		a.find("R13", at+"/unattributed_j", number(l.UnattributedJ), number(l.UnattributedJ-diff), message)
	}
	return false
}

// checkIdle holds a line to what its scope and idle power allow (R16).
func (a *arithmetic) checkIdle(at string, l *LedgerLine) {
	r := a.record
	seconds := r.Run.DurationS
	if len(r.Run.Merged) > 0 {
		seconds = a.shardSeconds()
	}
	a.atMost("R16", at+"/idle_j", l.IdleJ, l.IdleW*seconds, "idle energy is at most idle_w × the run's duration")
	if r.Run.Scope == ScopeMachine {
		const message = "with scope machine all that the host used is the run's: what process scope would leave out is told in of_which"
		if l.OtherProcessesJ != 0 {
			a.find("R16", at+"/other_processes_j", number(l.OtherProcessesJ), "0", message)
		}
		if l.IdleJ != 0 {
			a.find("R16", at+"/idle_j", number(l.IdleJ), "0", message)
		}
	}
	if o := l.OfWhich; o != nil {
		a.atMost("R16", at+"/of_which", o.OtherProcessesJ+o.IdleJ, l.SpansJ+l.UnattributedJ, "of_which is a part of spans_j + unattributed_j")
	}
}
