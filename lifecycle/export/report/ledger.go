package report

import (
	"math"
	"slices"
	"strconv"

	"github.com/ecotracer/ecotracer/internal/inwords"
	"github.com/ecotracer/ecotracer/lifecycle"
)

// share is a part of what a domain's meter told, in the chart of the ledger.
type share struct {
	Domain string  `json:"domain"`
	Part   string  `json:"part"`
	Value  float64 `json:"value"` // J
}

// book is what became of the joules that meters told, over all domains.
type book struct {
	total, spans, unattributed, otherRuns, otherProcesses, idle float64
}

func sumLedger(r *lifecycle.Record) (b book) {
	for i := range r.Ledger {
		b.add(&r.Ledger[i])
	}
	return b
}

func (b *book) add(l *lifecycle.LedgerLine) {
	b.total += l.TotalJ
	b.spans += l.SpansJ
	b.unattributed += l.UnattributedJ
	if l.OtherRunsJ != nil {
		b.otherRuns += *l.OtherRunsJ
	}
	b.otherProcesses += l.OtherProcessesJ
	b.idle += l.IdleJ
}

func (b *book) booked() float64 {
	return b.spans + b.unattributed + b.otherRuns + b.otherProcesses + b.idle
}

// ledger tells where the joules of each domain went, and that none is lost.
func (v *run) ledger() {
	r := v.record
	t := table{Caption: "Where the joules of each domain went", Head: head("Domain", "#Meter told", "#Spans", "#No span", "#Other runs", "#Other programs", "#Idle", "Shared among spans by", "#Idle power", "#Readings")}
	worst := 0.0
	for i := range r.Ledger {
		l := &r.Ledger[i]
		at := "/ledger/" + strconv.Itoa(i) + "/"
		others := cell{}
		if l.OtherRunsJ != nil {
			others = number(*l.OtherRunsJ, inwords.WattHours, at+"other_runs_j")
		}
		var own book
		own.add(l)
		if own.total > 0 {
			worst = max(worst, math.Abs(own.booked()-own.total)/own.total)
		}
		idle := cell{Text: "unknown", Class: "unknown"}
		if l.IdleFound != "unknown" {
			idle = number(l.IdleW, inwords.Watts, at+"idle_w")
			idle.Small = inWords(l.IdleFound)
		}
		first := title(name(l.Domain))
		first.Small = name(string(l.Method))
		if l.GapS != nil && *l.GapS > 0 {
			first.Small += ", not read for " + duration(*l.GapS)
		}
		if l.ExtrapolatedS != nil && *l.ExtrapolatedS > 0 {
			first.Small += ", " + duration(*l.ExtrapolatedS) + " by its last power"
		}
		t.Rows = append(t.Rows, row{Cells: []cell{first,
			number(l.TotalJ, inwords.WattHours, at+"total_j"), number(l.SpansJ, inwords.WattHours, at+"spans_j"), number(l.UnattributedJ, inwords.WattHours, at+"unattributed_j"),
			others, number(l.OtherProcessesJ, inwords.WattHours, at+"other_processes_j"), number(l.IdleJ, inwords.WattHours, at+"idle_j"), text(inWords(l.Split)), idle, text(count(l.Samples))}})
		if i < 2*v.rows {
			for _, s := range []share{{Part: "spans", Value: l.SpansJ}, {Part: "no span", Value: l.UnattributedJ}, {Part: "other runs", Value: deref(l.OtherRunsJ)},
				{Part: "other programs", Value: l.OtherProcessesJ}, {Part: "idle", Value: l.IdleJ}} {
				if s.Value > 0 {
					s.Domain = shortened(l.Domain, 40)
					v.charts.Ledger = append(v.charts.Ledger, s)
				}
			}
		}
	}
	if len(r.Ledger) == 0 {
		v.LedgerNote = "No meter told anything: the ledger is empty."
		return
	}
	b := sumLedger(r)
	others := cell{}
	if slices.ContainsFunc(r.Ledger, func(l lifecycle.LedgerLine) bool { return l.OtherRunsJ != nil }) {
		others = number(b.otherRuns, inwords.WattHours, "")
	}
	t.Foot = []row{{Cells: []cell{title("all"), number(b.total, inwords.WattHours, ""), number(b.spans, inwords.WattHours, ""), number(b.unattributed, inwords.WattHours, ""),
		others, number(b.otherProcesses, inwords.WattHours, ""), number(b.idle, inwords.WattHours, ""), {}, {}, {}}}}
	v.LedgerNote = "Each joule that a meter told is booked exactly once. "
	if worst < 1e-9 {
		v.LedgerNote += "Added up here, the columns make what the meter told of every domain, to a billionth."
	} else {
		v.LedgerNote += "Added up here, the columns differ from what the meter told by " + inwords.Trimmed(100*worst) + " %."
	}
	t.cut(6*v.rows, "domain")
	v.Ledger = t
}

func deref(p *float64) float64 {
	if p == nil {
		return 0
	}
	return *p
}
