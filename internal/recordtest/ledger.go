package recordtest

import (
	"fmt"

	"github.com/ecotracer/ecotracer/lifecycle"
)

// ledger adds for each device the lines that its rows follow from.
func (m *maker) ledger() {
	for h := range m.r.Hardware {
		if m.watts[h] == 0 && m.spansJ[h] == 0 {
			continue
		}
		parts := m.parts(1 + m.IntN(2))
		for n, part := range parts {
			m.line(h, n, part)
		}
	}
}

func (m *maker) line(h, n int, part float64) {
	r := m.r
	l := lifecycle.LedgerLine{
		Domain: fmt.Sprintf("%s#%d-%d", m.name(), h, n), Hardware: r.Hardware[h].ID, Meter: m.meterOf(h), IdleFound: "unknown",
		Split: pick(m, "wall", "cpu-time", "claimed", "declared"), Samples: m.whole(),
		SpansJ: m.spansJ[h] * part, UnattributedJ: m.openJ[h] * part,
	}
	for _, e := range r.Methods {
		if e.ID == l.Meter {
			l.Method = e.Method
		}
	}
	if m.watts[h] > 0 {
		m.beside(&l, h)
	}
	l.TotalJ = l.SpansJ + l.UnattributedJ + l.OtherProcessesJ + l.IdleJ
	if l.OtherRunsJ != nil {
		l.TotalJ += *l.OtherRunsJ
	}
	if m.one(2) {
		b := &lifecycle.Booked{}
		by := []**float64{&b.AloneJ, &b.WindowJ, &b.RateJ, &b.WallJ, &b.ClaimedJ}
		by = by[:1+m.IntN(len(by))]
		for k, part := range m.parts(len(by)) {
			*by[k] = new(part * l.SpansJ)
		}
		l.Booked = b
	}
	if m.one(4) {
		l.GapS = new(m.bookS * m.Float64())
	}
	if m.one(4) {
		l.ExtrapolatedS = new(m.Float64())
	}
	r.Ledger = append(r.Ledger, l)
}

// beside books what was not the run's.
func (m *maker) beside(l *lifecycle.LedgerLine, h int) {
	r := m.r
	if r.Run.OtherRunsS != nil {
		l.OtherRunsJ = new(m.watts[h] * *r.Run.OtherRunsS * m.Float64())
	}
	if r.Run.Scope == lifecycle.ScopeMachine {
		used := l.SpansJ + l.UnattributedJ
		l.OfWhich = &lifecycle.OfWhich{OtherProcessesJ: used * 0.3 * m.Float64(), IdleJ: used * 0.5 * m.Float64()}
		return
	}
	l.OtherProcessesJ = m.watts[h] * m.bookS * m.Float64() / 4
	if m.one(2) {
		l.IdleW, l.IdleFound = m.watts[h]*m.Float64()/4, pick(m, "calibration", "declared", "factor")
		l.IdleJ = l.IdleW * m.bookS * m.Float64()
	}
}
