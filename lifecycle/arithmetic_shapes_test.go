package lifecycle

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// The shapes that a record may have beside that of one run on one machine.

func TestAnEstimateHasNoTimes(t *testing.T) {
	r := oneHour()
	r.Run.Status, r.Run.StartedAt, r.Run.EndedAt = Estimated, nil, nil
	r.Factors[0].ValidTo = "2020-12-31"
	for i := range r.Phases {
		r.Phases[i].StartedAt, r.Phases[i].EndedAt = nil, nil
	}
	assess(t, r)
	assert.Empty(t, findings(r))
	assert.Empty(t, r.Warnings, "what has no time is in no period")
}

func TestAMergedRunIsHeldToItsShards(t *testing.T) {
	// Two ranks of 2000 s and 1600 s ran side by side for 2000 s.
	r := oneHour()
	r.Run.DurationS = 2000
	r.Run.Merged = []MergedShard{{ID: "a", Rank: 0, DurationS: 2000}, {ID: "b", Rank: 1, DurationS: 1600}}
	r.Hardware[0].Count, r.Hardware[1].Count = 2, 2
	for i := range r.Phases {
		for j := range r.Phases[i].Usage {
			u := &r.Phases[i].Usage[j]
			two := 2
			*u.UseS /= 2
			u.Count = &two
		}
	}
	assess(t, r)
	assert.Empty(t, findings(r), "the stages fill Σ duration of the shards")

	r.Run.Merged[1].DurationS = 1500
	assert.Contains(t, rules(findings(r)), "R9")
}

func rules(found []Finding) (all []string) {
	for _, f := range found {
		all = append(all, f.Rule)
	}
	return all
}

func TestAMachineThatServesTheRunAloneTellsWhatItWouldLeaveOut(t *testing.T) {
	r := oneHour()
	r.Run.Scope = ScopeMachine
	for i := range r.Ledger {
		l := &r.Ledger[i]
		l.OtherProcessesJ, l.IdleJ = 0, 0
		l.TotalJ = l.SpansJ + l.UnattributedJ
		l.OfWhich = &OfWhich{OtherProcessesJ: l.UnattributedJ, IdleJ: l.SpansJ}
	}
	assess(t, r)
	assert.Empty(t, findings(r))
}

func TestACheckpointHasOpenSpans(t *testing.T) {
	r := oneHour()
	r.Run.Status = Running
	one := int64(1)
	s := &r.Spans[2]
	s.Count, s.Open = 0, &one
	s.MinS, s.P50S, s.P95S, s.P99S, s.MaxS = nil, nil, nil, nil, nil
	s.Units = nil
	assess(t, r)
	assert.Empty(t, findings(r))
	assert.Nil(t, r.Totals.PerUnit, "no unit is done yet")
}

func TestUnassignedIsAllTheTimeOfItsSpansOrMore(t *testing.T) {
	for seconds, valid := range map[float64]bool{0: true, 1: true, 600: true, 600 + 1e-7: true, 601: false} {
		r := oneHour()
		r.Spans = append(r.Spans, span("odd", Unassigned, 1, seconds, seconds, 0, nil))
		assess(t, r)
		assert.Equal(t, valid, len(findings(r)) == 0, "%v of 600 s", seconds)
	}
}

func TestAPathWithoutSpansUsedNothing(t *testing.T) {
	r := oneHour()
	r.Spans = append(r.Spans, Span{Path: "serve/never", Stage: Serving})
	assess(t, r)
	assert.Empty(t, findings(r))
	r.Spans[3].TotalS = 1
	assert.Equal(t, []string{"R28"}, rules(findings(r)))
	r.Spans[3].Open = to(int64(1))
	assert.Empty(t, findings(r))
}

func TestARunOfNoTimeIsValid(t *testing.T) {
	r := oneHour()
	r.Run.DurationS, r.Run.EndedAt = 0, r.Run.StartedAt
	for i := range r.Phases {
		p := &r.Phases[i]
		zero := 0.0
		p.DurationS, p.EndedAt = &zero, p.StartedAt
		for j := range p.Usage {
			p.Usage[j].UseS, p.Usage[j].EnergyJ = &zero, joules(0)
		}
	}
	for i := range r.Spans {
		s := &r.Spans[i]
		s.SelfS, s.TotalS, s.SelfJ = 0, 0, 0
		zero := 0.0
		s.MinS, s.P50S, s.P95S, s.P99S, s.MaxS = &zero, &zero, &zero, &zero, &zero
	}
	for i := range r.Ledger {
		l := &r.Ledger[i]
		l.TotalJ, l.SpansJ, l.UnattributedJ, l.OtherProcessesJ, l.IdleJ = 0, 0, 0, 0, 0
	}
	assess(t, r)
	require.Empty(t, findings(r))
	assert.Equal(t, Quantity{Method: Modelled}, *r.Totals.GCO2e)
	assert.Zero(t, r.Totals.MeasuredShare)
}

func TestRetiringAServiceIsOperational(t *testing.T) {
	r := assess(t, oneHour())
	r.Phases = append(r.Phases, PhaseEntry{Phase: PhaseEndOfLife, Stage: Retirement, Usage: r.Phases[2].Usage[:0]})
	zero := 0.0
	r.Phases[5].DurationS = &zero
	assess(t, r)
	require.Empty(t, findings(r), "it is beside the devices' end of life")
	end := r.Totals.ByPhase[PhaseEndOfLife]
	assert.Zero(t, end.EnergyJ.Value)
	assert.InEpsilon(t, 3.6, end.GCO2e.Value, 1e-12)
}
