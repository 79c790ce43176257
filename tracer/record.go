package tracer

import (
	"fmt"
	"math"
	"runtime"
	"runtime/debug"
	"sort"
	"strconv"
	"strings"
	"time"

	"github.com/ecotracer/ecotracer/factors"
	"github.com/ecotracer/ecotracer/lifecycle"
)

// Version is the version of the module, written into each record.
const Version = "0.1.0"

// record makes the record of a run from its books. It is returned also with
// an error: what was measured is in it, and what could not be derived is not.
func (r *Run) record(s *snapshot, status lifecycle.Status) (*lifecycle.Record, error) {
	started := r.started.UTC().Round(0)
	duration := s.duration / 1e9
	ended := started.Add(time.Duration(s.duration))
	b := &recordBuilder{run: r, snap: s, started: started, ended: ended}
	rec := &b.rec
	rec.Schema, rec.SchemaRevision = lifecycle.Schema, lifecycle.SchemaRevision
	rec.Run = lifecycle.RunInfo{
		ID: r.id, Name: r.cfg.name, Status: status, DurationS: duration,
		StartedAt: &started, EndedAt: &ended, Scope: r.cfg.scope,
		TraceID: r.job.trace, Rank: r.job.rank, Parent: r.job.parent,
	}
	rec.Missing, rec.Warnings = []lifecycle.Missing{}, []lifecycle.Warning{}
	rec.Extensions = map[string]any{}
	b.clock()
	rec.Generator = lifecycle.Generator{
		Name: "ecotracer", Version: Version, FactorsVersion: factors.Version,
		Go: goVersion(), OS: runtime.GOOS, Arch: runtime.GOARCH,
	}
	rec.Publisher, rec.UseCase, rec.Technology = r.cfg.publisher, r.cfg.useCase, r.cfg.technology
	if rec.Publisher.Confidentiality == "" {
		rec.Publisher.Confidentiality = defaultConfidentiality
	}
	b.place()
	b.hardware()
	b.ledger()
	b.services()
	b.spans()
	b.timeline()
	b.phases()
	b.market()
	b.warnings()
	rec.CreatedAt = time.Now().UTC().Round(0)
	if rec.CreatedAt.Before(*rec.Run.EndedAt) {
		rec.CreatedAt = *rec.Run.EndedAt
	}
	if err := lifecycle.Assess(rec); err != nil {
		return rec, fmt.Errorf("tracer: assessment of run %s: %w", r.id, err)
	}
	lifecycle.FillMissing(rec)
	b.forecasts()
	return rec, nil
}

// goVersion is the toolchain's release, without what a vendor may add.
func goVersion() string {
	v, _, _ := strings.Cut(runtime.Version(), " ")
	if bi, ok := debug.ReadBuildInfo(); ok && bi.GoVersion != "" {
		v, _, _ = strings.Cut(bi.GoVersion, " ")
	}
	return v
}

// recordBuilder collects what a record is made of.
type recordBuilder struct {
	run            *Run
	snap           *snapshot
	rec            lifecycle.Record
	started, ended time.Time

	domains []*bookedDomain
	methods map[string]string // by sensor, mode and error: method id
	stages  map[lifecycle.Stage]*stageSum
	spanOf  []int // by account: its entry in the record's spans
	booked  []*bookedService
	hours   *hourlyBook // nil: the record tells none
}

// bookedDomain is one domain as the run has it.
type bookedDomain struct {
	*domain
	snap  domainSnapshot
	group int
	meter string  // method id
	idleW float64 // as chosen
	found string  // how
	line  lifecycle.LedgerLine

	own     []float64 // J by account
	none    float64   // J unattributed
	claimed bool      // claims decide
	share   float64   // of a device: what of its energy was this process's, and so of its making
}

func (b *recordBuilder) warn(code, path, detail string, count int64) {
	w := lifecycle.Warning{Code: code, Path: path, Detail: detail}
	if count > 0 {
		w.Count = &count
	}
	b.rec.Warnings = append(b.rec.Warnings, w)
}

func (b *recordBuilder) missing(path, what, reason string) {
	b.rec.Missing = append(b.rec.Missing, lifecycle.Missing{Path: path, What: what, Reason: reason})
}

// leastSleep is the shortest time of which it is told that the host slept: two
// clocks are not read at the same moment.
const leastSleep = 2 * time.Second

// clock holds the wall clock against the monotonic one: the host may have
// slept, or someone may have set the clock.
func (b *recordBuilder) clock() {
	r := b.run
	off := time.Now().Round(0).Sub(r.started.Round(0)) - time.Since(r.started)
	b.clockOff(off, suspended()-r.asleep)
}

// clockOff tells by how much the clocks drifted apart, and for how much of it
// the host slept.
func (b *recordBuilder) clockOff(off, slept time.Duration) {
	switch {
	case slept > leastSleep:
		b.ended = b.ended.Add(slept)
		b.rec.Run.EndedAt = &b.ended
		b.warn("suspended", "/run/duration_s", "the host slept for "+slept.Round(time.Second).String()+", which is not in the duration", 0)
	case off > 2*time.Second || off < -2*time.Second:
		b.warn("clock-step", "/run/started_at", "the clock was set by "+off.Round(time.Second).String()+" during the run; times count from its start", 0)
	}
}

// ledger chooses the idle power of each domain and draws up its line.
func (b *recordBuilder) ledger() {
	b.methods = map[string]string{}
	s := b.snap
	for gi, g := range b.run.ledger.groups {
		for _, d := range g.domains {
			if b.unused(d) {
				continue
			}
			bd := &bookedDomain{domain: d, snap: s.domains[gi][d.slot], group: gi}
			b.domains = append(b.domains, bd)
			bd.meter = b.method(bd)
			if d.device >= 0 {
				b.bookDevice(bd)
			} else {
				b.bookShared(bd)
			}
			b.finishLine(bd)
		}
	}
	if len(b.domains) == 0 {
		b.missing("/ledger", "energy", "not-measured") // no meter is not nothing used
	}
	b.leftOut()
}

// idleOf is the idle power of a domain, W, as it was declared or the meter or
// the factors know it, and how it was found.
func (b *recordBuilder) idleOf(d *bookedDomain) (w float64, found string) {
	w, found = d.IdleW, d.IdleFound
	if v, ok := b.run.cfg.idle[d.ID]; ok && v >= 0 {
		w, found = v, "declared"
	}
	if found != "" && w > 0 && w <= math.MaxFloat64 {
		return w, found
	}
	return 0, "unknown"
}

// bookShared books a domain that processes share, at the idle power that is
// known of it: never above the least power of any second or more, and lowered
// where it would make a part negative. A single account may have met less than
// that, as when the counter rested while it was active; it is not let to lower
// the idle power of all, but has nothing, and the others so much less; nor is the
// time of no span.
func (b *recordBuilder) bookShared(d *bookedDomain) {
	s, first, last := b.snap, b.run.first[d.group], b.snap.last[d.group]
	i := d.slot
	book := s.books[d.group]
	total := last.sumE[i] - first.sumE[i]
	sE := last.sumSE[i] - first.sumSE[i]
	T, sT, qT := last.sumT-first.sumT, last.sumST-first.sumST, last.sumQT-first.sumQT

	w, found := b.idleOf(d)
	if d.snap.minW >= 0 {
		w = min(w, d.snap.minW)
	}
	if T > 0 {
		w = min(w, max(total, 0)/(T/1e9))
	}
	limit := func(u *sums) {
		if c := (u.c - u.q) / 1e9; c > 0 {
			w = min(w, max(u.f[i], 0)/c)
		}
	}
	run := sums{f: singleton(i, book.none.f[i]), c: book.none.c, q: book.none.q}
	for k := range book.by {
		run.f[i] += book.by[k].f[i]
		run.c += book.by[k].c
		run.q += book.by[k].q
	}
	limit(&run)
	limit(&book.others)
	limit(&sums{f: singleton(i, total-sE), c: T - sT})
	d.idleW, d.found = w, found

	for k := range s.accounts {
		d.own = append(d.own, s.accounts[k].groups[d.group].joules(i, w))
	}
	d.own = append(d.own, book.none.joules(i, w))
	level(d.own, run.joules(i, w))
	d.none, d.own = d.own[len(s.accounts)], d.own[:len(s.accounts)]
	var spans float64
	for _, j := range d.own {
		spans += j
	}
	line := &d.line
	others := clampTiny(total - sE - w*(T-sT)/1e9)
	idle := clampTiny(w * (T - qT) / 1e9)
	if b.run.cfg.scope == lifecycle.ScopeMachine {
		if !s.alone && total > 0 {
			// The other runs would have left out theirs.
			part := 1 - clampTiny(book.others.joules(i, w))/total
			others, idle = others*part, idle*part
		}
		line.OfWhich = &lifecycle.OfWhich{OtherProcessesJ: others, IdleJ: idle}
	} else {
		line.OtherProcessesJ, line.IdleJ = others, idle
	}
	if !s.alone {
		v := clampTiny(book.others.joules(i, w))
		line.OtherRunsJ = &v
	}
	var by [bookings]float64
	for k := range by {
		by[k] = book.by[k].joules(i, w)
	}
	level(by[:], spans)
	line.Booked = &lifecycle.Booked{
		AloneJ: positive(by[byAlone]), WindowJ: positive(by[byWindow]), RateJ: positive(by[byRate]), WallJ: positive(by[byWall]),
	}
	line.Split = "cpu-time"
	if by[byWall] > 0 && by[byWindow]+by[byRate] == 0 {
		line.Split = "wall"
	}
}

// unused tells whether a device was another process's all the time: then it is
// no hardware of this run.
func (b *recordBuilder) unused(d *domain) bool {
	if !d.Owned || d.device < 0 || b.run.cfg.scope == lifecycle.ScopeMachine || b.snap.claimed[d.device] {
		return false
	}
	first, last := b.run.first[d.group.id], b.snap.last[d.group.id]
	return d.read && last.sumOE[d.slot] == first.sumOE[d.slot]
}

// bookDevice books a device of its own. A run that claims a device holds it
// from its begin: what its spans had by wall share before the first claim is
// then nobody's, as is what none of them claimed.
func (b *recordBuilder) bookDevice(d *bookedDomain) {
	s, first, last := b.snap, b.run.first[d.group], b.snap.last[d.group]
	i := d.slot
	book := s.books[d.group]
	d.claimed = s.claimed[d.device]
	d.idleW, d.found = b.idleOf(d)
	var own float64
	d.none = book.none.f[i] + book.held[i]
	for k := range s.accounts {
		g := &s.accounts[k].groups[d.group]
		j := g.f[i]
		if d.claimed {
			d.none += g.f[i]
			j = g.d[i]
		}
		d.own = append(d.own, j)
		own += j
	}
	d.none = clampTiny(d.none)
	line := &d.line
	total := last.told[i] - first.told[i]
	process := total
	partly := d.Owned || d.among > 1
	if partly {
		process = min(last.sumOE[i]-first.sumOE[i], total)
	}
	d.share = 1
	switch divided := d.among > 1 && !d.claimed; {
	case total > 0 && (d.Owned || divided):
		d.share = process / total
	case divided:
		d.share = 1 / float64(d.among)
	}
	mine := process // what runs of this scope share
	switch {
	case !partly:
	case b.run.cfg.scope == lifecycle.ScopeMachine:
		mine = total
		line.OfWhich = &lifecycle.OfWhich{OtherProcessesJ: min(clampTiny(total-process), own+d.none)}
	default:
		line.OtherProcessesJ = clampTiny(total - process)
	}
	if !s.alone {
		v := clampTiny(mine - own - d.none)
		line.OtherRunsJ = &v
	}
	line.Split = "wall"
	line.Booked = &lifecycle.Booked{WallJ: positive(own)}
	if d.claimed {
		line.Split = "claimed"
		line.Booked = &lifecycle.Booked{ClaimedJ: positive(own)}
	}
}

// finishLine fills in what is the same for all lines, and holds the sum of
// the books against the meter's own difference.
func (b *recordBuilder) finishLine(d *bookedDomain) {
	first, last := b.run.first[d.group], b.snap.last[d.group]
	line := &d.line
	line.Domain, line.Hardware, line.Meter = d.ID, d.hw, d.meter
	line.Method = d.Method
	line.IdleW, line.IdleFound = d.idleW, d.found
	var sum float64
	for _, j := range d.own {
		sum += j
	}
	line.SpansJ, line.UnattributedJ = sum, d.none
	line.Samples = last.samples[d.slot] - first.samples[d.slot]
	gap := last.gap[d.slot] - first.gap[d.slot]
	switch {
	case !d.snap.power: // nothing told is not nothing used
		b.missing("/ledger", d.ID, "not-measured")
		if d.snap.read {
			gap += d.snap.silent
		}
	case d.snap.silent > 0:
		line.ExtrapolatedS = ptr(min(d.snap.silent.Seconds(), b.snap.duration/1e9))
	}
	if gap > 0 {
		line.GapS = ptr(min(gap.Seconds(), b.snap.duration/1e9))
	}
	line.TotalJ = last.told[d.slot] - first.told[d.slot]
	booked := sum + d.none + line.OtherProcessesJ + line.IdleJ
	if line.OtherRunsJ != nil {
		booked += *line.OtherRunsJ
	}
	n := len(b.rec.Ledger)
	if off := math.Abs(booked - line.TotalJ); off > 1e-9*max(booked, line.TotalJ) {
		b.warn("ledger-imbalance", "/ledger/"+strconv.Itoa(n),
			fmt.Sprintf("the books hold %g J, the meter told %g J", booked, line.TotalJ), 0)
		line.TotalJ = booked
	}
	b.rec.Ledger = append(b.rec.Ledger, *line)
}

// spans merges the accounts of one path and stage (they differ in what they
// claim) into one entry each.
func (b *recordBuilder) spans() {
	type key struct {
		path  string
		stage lifecycle.Stage
	}
	at := map[key]int{}
	b.stages = map[lifecycle.Stage]*stageSum{}
	b.rec.Spans = []lifecycle.Span{}
	resolution := math.Inf(1)
	for _, d := range b.domains {
		if n := d.line.Samples; n > 0 {
			resolution = min(resolution, b.snap.duration/float64(n))
		}
	}
	for k := range b.snap.accounts {
		a := &b.snap.accounts[k]
		joules := b.usedJ(a)
		for _, d := range b.domains {
			joules += d.own[k]
		}
		b.addToStage(a, k)
		id := key{a.path, a.stage}
		i, known := at[id]
		if !known {
			i = len(b.rec.Spans)
			at[id] = i
			b.rec.Spans = append(b.rec.Spans, lifecycle.Span{Path: a.path, Stage: a.stage})
		}
		b.spanOf = append(b.spanOf, i)
		sp := &b.rec.Spans[i]
		sp.SelfJ += joules
		sp.SelfS += a.wall / 1e9
		sp.TotalS += a.totalNS / 1e9
		sp.Failed += a.failed
		if a.open > 0 {
			sp.Open = ptr(a.open + value(sp.Open))
		}
		if a.count > 0 {
			first := sp.Count == 0
			sp.MinS = bound(sp.MinS, float64(a.minNS)/1e9, math.Min, first)
			sp.MaxS = bound(sp.MaxS, float64(a.maxNS)/1e9, math.Max, first)
			// Of accounts that differ in their claims the largest tells.
			if first || a.count > sp.Count {
				sp.P50S, sp.P95S, sp.P99S = ptr(a.p50/1e9), ptr(a.p95/1e9), ptr(a.p99/1e9)
			}
		}
		sp.Count += a.count
		for _, u := range a.units {
			if sp.Units == nil {
				sp.Units = map[string]lifecycle.Unit{}
			}
			unit := sp.Units[u.unit]
			unit.Count += u.n
			sp.Units[u.unit] = unit
		}
	}
	for i := range b.rec.Spans {
		sp := &b.rec.Spans[i]
		sp.SelfS = min(sp.SelfS, sp.TotalS)
		if sp.Path == otherNames || strings.HasSuffix(sp.Path, "/"+otherNames) {
			sp.Flags = append(sp.Flags, "paths-bounded")
		}
		if sp.Count == 0 {
			continue
		}
		for _, p := range []**float64{&sp.P50S, &sp.P95S, &sp.P99S} {
			*p = ptr(min(max(**p, *sp.MinS), *sp.MaxS))
		}
		if *sp.P50S*1e9 < resolution && resolution < math.Inf(1) {
			sp.Flags = append(sp.Flags, "below-resolution")
		}
	}
}

// stageSum is what a stage of the run came to.
type stageSum struct {
	stage       lifecycle.Stage
	wall        float64 // ns
	first, last int64   // ns of the ledger
	energy      []float64
	held        float64      // ns: Σ q·w, the part of the node that the stage held
	claims      map[int]bool // devices that it claimed
	uses        []serviceUse // by the run's services
}

func (b *recordBuilder) stage(s lifecycle.Stage) *stageSum {
	st := b.stages[s]
	if st == nil {
		st = &stageSum{stage: s, first: math.MaxInt64, energy: make([]float64, len(b.domains)), claims: map[int]bool{}, uses: make([]serviceUse, len(b.booked))}
		b.stages[s] = st
	}
	return st
}

func (b *recordBuilder) addToStage(a *accountSnapshot, k int) {
	st := b.stage(a.stage)
	st.wall += a.wall
	st.first, st.last = min(st.first, a.firstNS), max(st.last, a.lastNS)
	for i, d := range b.domains {
		st.energy[i] += d.own[k]
	}
	if len(a.groups) > 0 {
		st.held += a.groups[0].q
	}
	for i := range a.claims {
		st.claims[a.claims[i].device] = true
	}
	for _, u := range a.uses {
		st.uses[u.service].add(u)
	}
}

func (b *recordBuilder) sortedStages() []*stageSum {
	out := make([]*stageSum, 0, len(b.stages))
	for _, s := range b.stages {
		out = append(out, s)
	}
	sort.Slice(out, func(i, j int) bool {
		if out[i].first != out[j].first {
			return out[i].first < out[j].first
		}
		return out[i].stage < out[j].stage
	})
	return out
}

func ptr[T any](v T) *T { return &v }

func value(p *int64) int64 {
	if p == nil {
		return 0
	}
	return *p
}

func bound(p *float64, v float64, f func(a, b float64) float64, first bool) *float64 {
	if first || p == nil {
		return &v
	}
	return ptr(f(*p, v))
}

// positive is nil for what did not occur.
func positive(v float64) *float64 {
	if v <= 0 {
		return nil
	}
	return &v
}

// level takes what parts are below zero from those above it, in proportion, so
// that none is negative and they come to sum.
func level(parts []float64, sum float64) {
	var above float64
	for _, v := range parts {
		above += max(v, 0)
	}
	keep := 0.0
	if above > 0 {
		keep = max(sum, 0) / above
	}
	for i, v := range parts {
		parts[i] = max(v, 0) * keep
	}
}

// clampTiny takes what rounding has put below zero as zero.
func clampTiny(v float64) float64 { return max(v, 0) }

func singleton(i int, v float64) []float64 {
	s := make([]float64, i+1)
	s[i] = v
	return s
}
