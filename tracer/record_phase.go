package tracer

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/ecotracer/ecotracer/lifecycle"
)

// phases draws up one entry for each stage that occurred, with a row for each
// device entry and meter. The time and energy of no span is unassigned.
func (b *recordBuilder) phases() {
	s := b.snap
	un := b.stage(lifecycle.Unassigned)
	un.first, un.last = b.run.begin, s.end
	var assigned float64
	for _, st := range b.stages {
		if st != un {
			assigned += st.wall / 1e9
		}
	}
	duration := b.rec.Run.DurationS
	other := 0.0
	if !s.alone {
		own := s.noneT
		for _, st := range b.stages {
			own += st.wall
		}
		other = max((s.duration-own)/1e9, 0)
		b.rec.Run.OtherRunsS = ptr(other)
	}
	// What rounding leaves below zero is nothing.
	unassigned := max(duration-assigned-other, 0)
	un.wall = unassigned * 1e9
	for i, d := range b.domains {
		un.energy[i] += d.none
	}
	if len(s.books) > 0 {
		un.held += s.books[0].none.q
	}
	b.rec.Phases = []lifecycle.PhaseEntry{}
	for _, st := range b.sortedStages() {
		b.phase(st)
	}
}

func (b *recordBuilder) phase(st *stageSum) {
	seconds := st.wall / 1e9
	p := lifecycle.PhaseEntry{
		Phase: st.stage.Phase(), Stage: st.stage, DurationS: &seconds,
		StartedAt: ptr(b.at(st.first)), EndedAt: ptr(b.at(st.last)), Usage: []lifecycle.Usage{},
	}
	ofHost, machine := b.share(st), b.run.cfg.scope == lifecycle.ScopeMachine
	type rowKey struct{ hw, meter string }
	rows := map[rowKey]*lifecycle.Usage{}
	var order []rowKey
	for i, d := range b.domains {
		if d.device >= 0 && d.claimed && st.stage != lifecycle.Unassigned && !st.claims[d.device] {
			continue // held, but not by this stage
		}
		if d.device >= 0 && !d.claimed && st.energy[i] == 0 && (!b.snap.alone || asleep(d) && !machine) {
			continue // another run's, or nobody's
		}
		k := rowKey{d.hw, d.meter}
		row := rows[k]
		if row == nil {
			hw := b.hardwareOf(d.hw)
			row = &lifecycle.Usage{
				Hardware: d.hw, Count: ptr(b.held(d, hw.Count)), UseS: ptr(b.useS(st, d)), Meter: d.meter,
				EnergyJ: &lifecycle.Quantity{Method: d.Method},
			}
			if share, by := b.shareOf(d, hw, ofHost); hw.Embodied != nil || by != "cpu-time" || d.claimed {
				row.Share, row.ShareBy = ptr(max(share, 1e-9)), by
			}
			rows[k] = row
			order = append(order, k)
		}
		row.EnergyJ.Value += st.energy[i]
	}
	for _, k := range order {
		p.Usage = append(p.Usage, *rows[k])
	}
	p.Usage = append(p.Usage, b.serviceRows(st)...)
	p.Profile = b.profile(st)
	b.rec.Phases = append(b.rec.Phases, p)
}

// held is how many of the devices of an entry a domain's meter tells: another
// may tell the rest of them, in a row of its own.
func (b *recordBuilder) held(of *bookedDomain, all int) int {
	if of.Kind != lifecycle.KindCPU || b.count(of.Kind) == 1 { // which a virtual machine may have in several
		return all
	}
	var same []*domain
	for _, d := range b.domains {
		if d.hw == of.hw && d.meter == of.meter {
			same = append(same, d.domain)
		}
	}
	return min(coveredBy(same), all)
}

// useS is how long a stage held a device: its wall share of the run; of a
// claimed device what no stage held is unassigned, so that the run answers for
// it from its begin to its end.
func (b *recordBuilder) useS(st *stageSum, d *bookedDomain) float64 {
	if d.device < 0 || !d.claimed || st.stage != lifecycle.Unassigned {
		return st.wall / 1e9
	}
	held := 0.0
	for _, o := range b.stages {
		if o.stage != lifecycle.Unassigned && o.claims[d.device] {
			held += o.wall / 1e9
		}
	}
	return max(b.rec.Run.DurationS-held, 0)
}

// share is the part of the host that a stage held: of the process's CPU time in
// all that the host's CPUs could give.
func (b *recordBuilder) share(st *stageSum) float64 {
	if st.wall > 0 && st.held > 0 {
		return st.held / st.wall
	}
	var held, wall float64
	for _, o := range b.stages {
		held, wall = held+o.held, wall+o.wall
	}
	if wall > 0 {
		return held / wall
	}
	return 0
}

// asleep tells whether a device drew nothing.
func asleep(d *bookedDomain) bool { return d.line.TotalJ == 0 }

// shareOf is what of each device of a row is the run's, while a stage holds so
// much of the host. Who has all joules of a device that no processes share by
// CPU time, at work or idle, answers for all of its making.
func (b *recordBuilder) shareOf(d *bookedDomain, hw *lifecycle.Hardware, ofHost float64) (share float64, by string) {
	machine := b.run.cfg.scope == lifecycle.ScopeMachine
	switch {
	case d.device < 0 && machine:
		share, by = b.rented(hw), "cores"
	case d.device < 0:
		return min(ofHost*b.rented(hw), 1), "cpu-time"
	case machine:
		share = 1
	default:
		share, by = d.share, "cpu-time" // of the device's own processors
		if !d.Owned {
			by = "declared" // by the job: so many ranks
		}
	}
	if share == 1 {
		by = "exclusive"
	}
	return share, by
}

// at is the wall clock at a time of the ledger.
func (b *recordBuilder) at(t int64) time.Time {
	w := b.started.Add(time.Duration(t - b.run.begin))
	if w.After(b.ended) {
		w = b.ended
	}
	if w.Before(b.started) {
		w = b.started
	}
	return w
}

// warnings flags what deserves care.
func (b *recordBuilder) warnings() {
	s := b.snap
	short := false
	for i, d := range b.domains {
		path := "/ledger/" + strconv.Itoa(i)
		for _, c := range slices.Sorted(maps.Keys(d.snap.conds)) {
			b.warn(string(c), path, "domain "+d.ID, d.snap.conds[c])
		}
		if w := d.line.Booked.WallJ; d.device < 0 && w != nil && *w > 0.2*d.line.SpansJ {
			b.warn("split-by-wall", path, "while several paths were active their energy went by wall share: there were no CPU-time weights", 0)
		}
		if d.snap.read && !d.snap.power {
			b.warn("counter-gap", path, "the run was too short for the meter, which was read once: what "+d.ID+" used is not known", 0)
		}
		if d.line.ExtrapolatedS != nil {
			b.warn("meter-extrapolated", path, "the meter was silent at the end; its last power was taken", 0)
		}
		switch {
		case d.device < 0 || d.claimed || d.line.SpansJ <= 0:
		case d.among > 1 && b.rec.Run.Scope != lifecycle.ScopeMachine:
			b.warn("device-divided", path, fmt.Sprintf("nobody tells which of %d ranks uses the device: each has an equal part; say tracer.OnDevices(\""+d.ID+"\"), or show each rank its own", d.among), 0)
		case len(s.accounts) > 1: // one alone shares with nobody
			b.warn("device-unclaimed", path, "no span claimed the device: its energy went by wall share; say tracer.OnDevices(\""+d.ID+"\")", 0)
		}
		if n := b.run.unsynchronised.Load(); d.claimed && n > 0 {
			b.warn("device-unsynchronised", path, "spans that claim the device began or ended without waiting for it, so that what they had queued may be booked to the next; give tracer.Synchronise a way to wait", n)
		}
		if !short && b.rec.Run.Scope != lifecycle.ScopeMachine && s.duration < 1e9 && d.device < 0 {
			short = true
			b.warn("short-run", path, "shorter than a second: the process's share of the host is over all of it", 0)
		}
	}
	for i := range b.rec.Spans {
		for _, f := range b.rec.Spans[i].Flags {
			if f == "below-resolution" {
				b.warn(f, "/spans/"+strconv.Itoa(i), "", 0)
			}
		}
		if len(b.rec.Warnings) > maxWarnings {
			break
		}
	}
	if s.bounded > 0 {
		b.warn("paths-bounded", "/spans", fmt.Sprintf("beyond %d paths, or %d names deep, spans are in %s", b.run.cfg.maxPaths, maxDepth, otherNames), s.bounded)
	}
	if b.run.ledger.usage.busy == nil && b.rec.Run.Scope != lifecycle.ScopeMachine && len(b.domains) > 0 {
		b.warn("busy-time-unknown", "/ledger", "the host does not tell how busy it is: all that was above idle power counts as the process's", 0)
	}
	if s.strayed > 0 {
		b.warn("cpu-time-unlabelled", "/ledger", "windows in which code of no span took more than a fifth of the CPU time: threads that Go did not start, or goroutines from before the span, which should call Start with the context of their job; it went by wall share", s.strayed)
	}
	if b.run.job.counted {
		b.warn("counted-by-parent", "/run/parent", "that run counts all that it started, this process too: add up one of the two records", 0)
	}
	if b.run.cfg.taken {
		b.warn("machine-taken", "/run/scope", "another process counts all of this host, or of its control group, as its own; this record has the process's share", 0)
	}
	if s.alien > 0 {
		b.warn("clock-foreign", "/spans", "spans were started or ended under another clock", s.alien)
	}
	for _, id := range slices.Sorted(maps.Keys(s.unknown)) {
		b.warn("device-unknown", "/hardware", "spans claim "+strconv.Quote(id)+", which no meter covers", s.unknown[id])
	}
	if s.badStages > 0 {
		b.warn("stage-unknown", "/spans", "paths were to be in a stage that is none of a service's; it was inferred from the name", s.badStages)
	}
	if s.badCounts > 0 {
		b.warn("units-refused", "/spans", fmt.Sprintf("counts were negative, beyond %d, or of more than %d units of one path", maxCount, maxUnits), s.badCounts)
	}
	if s.badUses > 0 {
		b.warn("services-refused", "/spans", fmt.Sprintf("what was stored, transferred or called was negative, no number, or of more than %d media, networks and services, %d of one path", maxServices, maxUnits), s.badUses)
	}
	for _, o := range s.overspent {
		path, limit := "/run", fmt.Sprintf("%g %s", o.limit, o.unit)
		if o.path != "" {
			path = "/spans/" + strconv.Itoa(slices.IndexFunc(b.rec.Spans, func(s lifecycle.Span) bool { return s.Path == o.path }))
		}
		switch {
		case o.unwatched != "":
			b.warn("budget-unwatched", path, limit+": "+o.unwatched, o.count)
		case o.spent:
			b.warn("budget-spent", path, limit, o.count)
		default:
			b.warn("budget-likely-spent", path, limit, o.count)
		}
	}
	if s.badPlans > 0 {
		b.warn("plans-refused", "/spans", fmt.Sprintf("what was expected or budgeted had no name or limit, was negative or no number, or of more than %d paths that expect something or %d budgets at a time", maxExpected, maxBudgets), s.badPlans)
	}
	for _, path := range b.run.cfg.refused {
		// The member itself may not be there now: its parent always is.
		parent, _, _ := strings.Cut(path[1:], "/")
		if parent == "environments" {
			parent += "/0"
		}
		// A text with a path in it may be in no public record.
		b.warn("metadata-refused", "/"+parent, "what was declared for "+path[1:]+" broke a rule and was left out", 0)
	}
	if open := openSpans(b.rec.Spans); open > 0 && b.rec.Run.Status != lifecycle.Running {
		b.warn("spans-open", "/spans", "spans that were not ended are booked up to the run's end", open)
	}
	if s.lost > 0 {
		b.warn("spans-lost", "/spans", "single spans did not come to the stream that Spans was given; the figures have them all the same", s.lost)
	}
	if b.run.failures > 0 {
		b.warn("checkpoint-failed", "", "checkpoints could not be written", b.run.failures)
	}
}

const maxWarnings = 1000

func openSpans(spans []lifecycle.Span) (n int64) {
	for i := range spans {
		n += value(spans[i].Open)
	}
	return n
}
