package dataset_test

import (
	"context"
	"strconv"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/ecotracer/ecotracer/lifecycle"
	"github.com/ecotracer/ecotracer/tracer"
)

// hostJ is what the simulated socket used in a job of so many ranks, each of
// which keeps one CPU busy.
func hostJ(ranks int) float64 { return (idleW + (hostOther+float64(ranks))*busyW) * lengthOf.Seconds() }

// gpuRanks are the ranks of a host with four GPUs, each of which uses its own
// and sees all.
func gpuRanks() (ps []process) {
	for i := range 4 {
		p := process{boot: bootA, cpus: 0.5, until: lengthOf, gpus: map[int]float64{i: 200}}
		for k := range 4 {
			p.sees = append(p.sees, k)
		}
		ps = append(ps, p)
	}
	return ps
}

func TestRanksOfOneHostAreOneHost(t *testing.T) {
	var ps []process
	for i := range 4 {
		ps = append(ps, process{boot: bootA, cpus: 1, until: lengthOf, gpus: map[int]float64{i: 200}, claims: true})
	}
	shards := simulated(t, ps...)
	m := merged(t, shards...)

	cpu := line(t, m, "cpu0")
	assert.InDelta(t, hostJ(4), cpu.TotalJ, 1e-3, "trap 38: the joules of one host, not of four")
	assert.InDelta(t, 4*(busyW*100+idleW*100/threads), own(cpu), 1e-3, "each rank's share, and no more")
	assert.InDelta(t, hostOther*busyW*100, cpu.OtherProcessesJ, 1e-3, "ranks are no other processes to one another any more")
	assert.InDelta(t, idleW*100*(threads-4)/threads, cpu.IdleJ, 1e-3, "trap 42: what of the idle joules no rank had")
	for i := range 4 {
		gpu := line(t, m, "gpu"+strconv.Itoa(i))
		assert.InDelta(t, (gpuIdleW+200)*100, own(gpu), 1e-3, "a GPU that one rank used is all that rank's")
		assert.InDelta(t, gpu.TotalJ, own(gpu), 1e-3)
	}
	require.Len(t, m.Hardware, 4)
	for i, want := range []struct {
		id    string
		count int
	}{{"node", 1}, {"cpu", 1}, {"memory", 1}, {"gpu", 4}} {
		assert.Equal(t, want.id, m.Hardware[i].ID)
		assert.Equal(t, want.count, m.Hardware[i].Count, want.id)
		assert.Len(t, m.Hardware[i].Instance, want.count, "of each device once")
	}
	assert.Empty(t, warned(m, "merge-overlap"), "there is nothing to flag")
	assert.Empty(t, m.Missing[0].What, "no rank is missing")
	assert.Equal(t, 1.0, *m.Run.Coverage)

	var fit lifecycle.Span
	for _, s := range m.Spans {
		if s.Path == "fit/epoch" {
			fit = s
		}
	}
	assert.Equal(t, int64(16), fit.Count)
	assert.Equal(t, int64(4000), fit.Units["samples"].Count)
	assert.InDelta(t, 4*shards[0].Spans[2].SelfJ, fit.SelfJ, 1e-3)
}

func TestAMergedRecordKeepsWhatIsASpansOwnApartFromItsTotal(t *testing.T) { // trap 41
	p := process{boot: bootA, cpus: 1, until: lengthOf}
	m := merged(t, simulated(t, p, p)...)
	self := 0.0
	for _, s := range m.Spans {
		self += s.SelfJ
		if s.Path == "fit" {
			assert.Zero(t, s.SelfJ, "it only waited for its epochs")
			assert.Positive(t, s.TotalJ)
		}
	}
	un := 0.0
	for _, l := range m.Ledger {
		un += l.UnattributedJ
	}
	assert.InEpsilon(t, m.Totals.EnergyJ.Value, self+un, 1e-9, "what is spans' own adds up to the energy; totals would count children twice")
}

func TestSeveralHostsAddUp(t *testing.T) {
	a, b := process{boot: bootA, cpus: 1, until: lengthOf}, process{boot: bootB, cpus: 1, until: lengthOf}
	m := merged(t, simulated(t, a, b, b)...)
	assert.InDelta(t, hostJ(1), line(t, m, "cpu0").TotalJ, 1e-3)
	assert.InDelta(t, hostJ(2), line(t, m, "cpu0@2").TotalJ, 1e-3, "trap 11: what has one name on two hosts is not one")
	assert.Equal(t, "node", m.Hardware[0].ID)
	assert.Equal(t, 2, m.Hardware[0].Count, "two nodes of one model")
	assert.Len(t, m.Hardware[0].Instance, 2)
}

func TestAHostThatOneRankAnswersForCountsOnce(t *testing.T) { // trap 38
	leader := process{boot: bootA, cpus: 1, until: lengthOf, scope: lifecycle.ScopeMachine}
	follower := process{boot: bootA, cpus: 1, from: 10 * time.Second, until: lengthOf - 10*time.Second}
	shards := simulated(t, leader, follower, follower)
	m := merged(t, shards...)
	assert.Equal(t, lifecycle.ScopeMachine, m.Run.Scope)
	for _, domain := range []string{"cpu0", "dram0", "node0/rest"} {
		l := line(t, m, domain)
		assert.InEpsilon(t, line(t, shards[0], domain).TotalJ, l.TotalJ, 1e-9, "%s: all of it, once", domain)
		assert.InEpsilon(t, l.TotalJ, own(l), 1e-9, "%s: and all of it the run's", domain)
	}
	cpu := line(t, m, "cpu0")
	assert.InDelta(t, hostOther*busyW*100, cpu.OfWhich.OtherProcessesJ, 1, "what no rank used is told")
	spans := func(r *lifecycle.Record) (j float64) {
		for _, s := range r.Spans {
			j += s.SelfJ
		}
		return j
	}
	took := 0.0
	for _, l := range append(shards[1].Ledger, shards[2].Ledger...) {
		of := line(t, shards[0], l.Domain)
		took += own(l) * of.SpansJ / of.TotalJ
	}
	kept := spans(shards[1]) + spans(shards[2])
	assert.InEpsilon(t, spans(shards[0])-took+kept, spans(m), 1e-9, "the followers keep their own; what was theirs is taken from the leader's, in proportion")
	assert.Empty(t, warned(m, "merge-overlap"))
}

func TestRanksThatTakeTheHostForTheirsAloneCountItOnce(t *testing.T) { // trap 38
	long := process{boot: bootA, cpus: 1, until: lengthOf, scope: lifecycle.ScopeMachine}
	late := process{boot: bootA, cpus: 1, from: 50 * time.Second, until: 120 * time.Second, scope: lifecycle.ScopeMachine}
	shards := simulated(t, long, late)
	m := merged(t, shards...)
	cpu := line(t, m, "cpu0")
	outside := 20.0 / 70 * line(t, shards[1], "cpu0").TotalJ
	assert.InEpsilon(t, line(t, shards[0], "cpu0").TotalJ+outside, cpu.TotalJ, 1e-9, "of the later shard the time that it alone saw")
	assert.InEpsilon(t, cpu.TotalJ, own(cpu), 1e-9)
	require.NotEmpty(t, warned(m, "merge-overlap"))
	assert.Contains(t, warned(m, "merge-overlap")[0], "several shards tell all that the host used of it")
	assert.Equal(t, lifecycle.ScopeMachine, m.Run.Scope)
}

func TestHostsOfBothScopesAreToldApart(t *testing.T) {
	m := merged(t, simulated(t,
		process{boot: bootA, cpus: 1, until: lengthOf, scope: lifecycle.ScopeMachine},
		process{boot: bootB, cpus: 1, until: lengthOf})...)
	assert.Equal(t, lifecycle.ScopeProcess, m.Run.Scope)
	assert.InDelta(t, hostJ(1), own(line(t, m, "cpu0")), 1e-3, "all of the host that was the rank's alone")
	assert.InDelta(t, busyW*100+idleW*100/threads, own(line(t, m, "cpu0@2")), 1e-3, "the rank's share of the other")
	assert.Contains(t, warned(m, "merge-conflict"), "/run/scope: some shards tell all that their host used, others their process's share of theirs: the figures are the sum of both")
}

func TestGPUsBelongToTheRanksThatUseThem(t *testing.T) {
	watts := (gpuIdleW + 200) * lengthOf.Seconds()
	t.Run("the driver tells whose", func(t *testing.T) {
		ps := gpuRanks()
		for i := range ps {
			ps[i].shared = true
		}
		m := merged(t, simulated(t, ps...)...)
		for i := range 4 {
			l := line(t, m, "gpu"+strconv.Itoa(i))
			assert.InDelta(t, watts, l.TotalJ, 1e-3, "trap 38")
			assert.InDelta(t, 200*100, own(l), 1e-3, "what the driver told of the rank")
		}
		assert.Equal(t, 4, m.Hardware[len(m.Hardware)-1].Count)
		assert.Empty(t, warned(m, "merge-overlap"))
	})
	t.Run("ranks claim theirs and see all", func(t *testing.T) {
		ps := gpuRanks()
		for i := range ps {
			ps[i].claims = true
		}
		m := merged(t, simulated(t, ps...)...)
		for i := range 4 {
			l := line(t, m, "gpu"+strconv.Itoa(i))
			assert.InDelta(t, watts, l.TotalJ, 1e-3)
			assert.InDelta(t, watts, own(l), 1e-3, "all of it the claimer's, nothing that of those who only saw it")
			assert.Equal(t, "claimed", l.Split)
		}
		require.Equal(t, 4, m.Hardware[len(m.Hardware)-1].Count)
		for _, p := range m.Phases {
			for _, u := range p.Usage {
				if p.Stage == lifecycle.DataPreparation {
					assert.NotEqual(t, "gpu", u.Hardware, "in which nobody claimed a GPU")
				}
				if u.DeviceS != nil && u.Hardware == "gpu" {
					assert.InDelta(t, 400, *u.DeviceS, 1e-6, "each is held by one rank")
				}
			}
		}
	})
	t.Run("nobody knows whose", func(t *testing.T) {
		m := merged(t, simulated(t, gpuRanks()...)...)
		for i := range 4 {
			l := line(t, m, "gpu"+strconv.Itoa(i))
			assert.InDelta(t, watts, l.TotalJ, 1e-3, "trap 38: one GPU, not four")
			assert.InDelta(t, watts, own(l), 1e-3, "trap 40: booked four times over, it is clamped")
		}
		require.Len(t, warned(m, "merge-overlap"), 5, "trap 40: and flagged, for each GPU")
		assert.Contains(t, warned(m, "merge-overlap")[4], "held it for 1200 device-seconds more", "and so is their making, of four GPUs for 100 s")
		for _, p := range m.Phases {
			for _, u := range p.Usage {
				if u.DeviceS != nil && u.Hardware == "gpu" {
					assert.InDelta(t, 400, *u.DeviceS, 1e-6, "trap 34: which counts once")
				}
			}
		}
	})
	t.Run("one that containers number each in its own way", func(t *testing.T) {
		ps := gpuRanks()[:2]
		for i := range ps {
			ps[i].claims, ps[i].sees = true, nil
		}
		shards := simulated(t, ps...)
		renameDomain(shards[1], "gpu1", "gpu0")
		renameDevice(shards[1], "gpu1", "gpu0")
		m := merged(t, shards...)
		assert.InDelta(t, watts, line(t, m, "gpu0").TotalJ, 1e-3)
		assert.InDelta(t, watts, line(t, m, "gpu0-2").TotalJ, 1e-3, "the other GPU of the same name")
		for i := range shards[1].Hardware {
			if h := &shards[1].Hardware[i]; h.ID == "gpu0" {
				h.Instance = shards[0].Hardware[len(shards[0].Hardware)-1].Instance
			}
		}
		renameDomain(shards[1], "gpu0", "gpu7")
		m = merged(t, shards...)
		l := line(t, m, "gpu0")
		assert.InDelta(t, watts, l.TotalJ, 1e-3, "the same GPU of another name counts once")
		assert.InDelta(t, watts, own(l), 1e-3)
		require.Len(t, warned(m, "merge-overlap"), 2)
		assert.Contains(t, warned(m, "merge-overlap")[1], "device-seconds more than there were", "trap 38: nor is its production taken twice")
	})
}

func TestRanksThatStartOneAfterAnotherSeeTheHostForAllThatTime(t *testing.T) {
	var ps []process
	for i := range 3 {
		ps = append(ps, process{boot: bootA, cpus: 1, from: time.Duration(i) * 20 * time.Second, until: lengthOf + time.Duration(i)*20*time.Second})
	}
	m := merged(t, simulated(t, ps...)...)
	cpu := line(t, m, "cpu0")
	assert.InEpsilon(t, (idleW+hostOther*busyW)*140+3*busyW*100, cpu.TotalJ, 0.1, "140 s, about")
	assert.InEpsilon(t, 3*(busyW*100+idleW*100/threads), own(cpu), 1e-4)
	assert.InDelta(t, 140, m.Run.DurationS, 1e-9)
}

func TestTheLongestShardTellsWhatAHostUsed(t *testing.T) {
	shards := simulated(t, process{boot: bootA, cpus: 1, until: lengthOf / 10}, process{boot: bootA, cpus: 1, until: lengthOf})
	l := &shards[0].Ledger[0] // in its short time others had a burst, which the long one saw too
	require.Equal(t, "cpu0", l.Domain)
	l.TotalJ += 5000
	l.OtherProcessesJ += 5000
	m := merged(t, shards...)
	want := line(t, shards[1], "cpu0")
	assert.InEpsilon(t, want.TotalJ, line(t, m, "cpu0").TotalJ, 1e-9, "as it is, and not by the parts of time")

	l.TotalJ += 50000
	l.OtherProcessesJ += 50000
	m = merged(t, shards...)
	assert.InEpsilon(t, l.TotalJ, line(t, m, "cpu0").TotalJ, 1e-9, "but it used no less than any of them saw")
}

func TestNodesReadAsAWholeAndByPartsAreFlagged(t *testing.T) {
	shards := simulated(t, process{boot: bootA, cpus: 1, until: lengthOf}, process{boot: bootA, cpus: 1, until: lengthOf})
	assert.Empty(t, warned(merged(t, shards...), "merge-overlap"))
	renameDomain(shards[1], "node0/rest", "node0")
	assert.Equal(t, []string{"/hardware/0: some shards read a node as a whole, others by its parts: what they both saw of it counts twice"},
		warned(merged(t, shards...), "merge-overlap"))
}

func TestEntriesThatNameSomeOfTheSameDevices(t *testing.T) {
	a, b := everything(t, 0, 2, "a"), everything(t, 1, 2, "a")
	for i := range a.Hardware {
		if h := &a.Hardware[i]; h.ID == "gpu" { // two GPUs each, one of them the same
			b.Hardware[i].Instance[1] = "00000000000000ff"
			h.Instance[0], h.Instance[1] = h.Instance[1], h.Instance[0]
			b.Hardware[i].Instance[0] = h.Instance[0]
		}
	}
	m := merged(t, a, b)
	for _, h := range m.Hardware {
		if h.ID == "gpu" {
			assert.Equal(t, 3, h.Count, "three GPUs in all")
			assert.Len(t, h.Instance, 3)
		}
	}
	c := everything(t, 2, 3, "a")
	a.Run.Rank.Count, b.Run.Rank.Count = 3, 3
	for i := range c.Hardware {
		if h := &c.Hardware[i]; h.ID == "gpu" { // of which it names but one
			h.Instance = []string{"00000000000000ff"}
		}
	}
	for _, h := range merged(t, a, b, c).Hardware {
		if h.ID == "gpu" {
			assert.Equal(t, 3, h.Count, "no more than are named, or than one of them tells")
		}
	}
}

func TestBookingMoreThanThereIsIsClampedAndFlagged(t *testing.T) { // trap 39, trap 40
	shards := simulated(t, process{boot: bootA, cpus: 1, until: lengthOf}, process{boot: bootA, cpus: 1, until: lengthOf})
	for _, r := range shards {
		for i := range r.Ledger { // each says that all active joules were its own
			l := &r.Ledger[i]
			factor := (own(*l) + l.OtherProcessesJ + l.IdleJ) / own(*l)
			l.SpansJ, l.UnattributedJ, l.OtherProcessesJ, l.IdleJ, l.Booked = l.SpansJ*factor, l.UnattributedJ*factor, 0, 0, nil
			for p := range r.Phases {
				for u := range r.Phases[p].Usage {
					if row := &r.Phases[p].Usage[u]; row.Hardware == l.Hardware && row.EnergyJ != nil {
						row.EnergyJ = &lifecycle.Quantity{Value: row.EnergyJ.Value * factor}
					}
				}
			}
		}
		rebook(t, r)
	}
	m := merged(t, shards...)
	for _, l := range m.Ledger {
		assert.InEpsilon(t, l.TotalJ, own(l), 1e-9, "%s: no more than the meter saw", l.Domain)
		assert.InEpsilon(t, line(t, shards[0], l.Domain).TotalJ, l.TotalJ, 1e-9)
		assert.Zero(t, l.OtherProcessesJ)
	}
	assert.Len(t, warned(m, "merge-overlap"), 3)
	assert.InEpsilon(t, shards[0].Totals.EnergyJ.Value, m.Totals.EnergyJ.Value, 1e-9)
}

func TestOneRankMeasuresAndAnotherModels(t *testing.T) {
	shards := simulated(t, process{boot: bootA, cpus: 1, until: lengthOf}, process{boot: bootA, cpus: 1, until: lengthOf})
	r := shards[1]
	for i := range r.Methods {
		if m := &r.Methods[i]; m.ID == "rapl" {
			m.Method, m.Sensor, m.Mode, m.RelError = lifecycle.Modelled, "model", "", 1
		}
	}
	for i := range r.Ledger {
		if l := &r.Ledger[i]; l.Meter == "rapl" {
			l.Method = lifecycle.Modelled
		}
	}
	rebook(t, r)
	m := merged(t, shards...)
	counter, model := line(t, m, "cpu0"), line(t, m, "cpu0 by rapl-2")
	assert.Equal(t, lifecycle.Counter, counter.Method)
	assert.Equal(t, lifecycle.Modelled, model.Method)
	assert.InDelta(t, hostJ(2), counter.TotalJ+model.TotalJ, 1e-3, "each joule is in one of them")
	assert.InDelta(t, own(counter), own(model), 1e-3)
	assert.Equal(t, model.TotalJ, own(model), "what is nobody's is told by the better meter")

	// The one that measures for a part of the time knows nothing of idling.
	shards = simulated(t, process{boot: bootA, cpus: 1, until: lengthOf / 2}, process{boot: bootA, cpus: 1, until: lengthOf})
	for _, r := range shards[1:] {
		for i := range r.Methods {
			if m := &r.Methods[i]; m.ID == "rapl" {
				m.Method, m.Sensor, m.Mode, m.RelError = lifecycle.Modelled, "model", "", 1
			}
		}
		for i := range r.Ledger {
			if l := &r.Ledger[i]; l.Meter == "rapl" {
				l.Method = lifecycle.Modelled
			}
		}
		rebook(t, r)
	}
	for i := range shards[0].Ledger {
		l := &shards[0].Ledger[i]
		l.OtherProcessesJ, l.IdleJ, l.IdleW, l.IdleFound = l.OtherProcessesJ+l.IdleJ, 0, 0, "unknown"
	}
	m = merged(t, shards...)
	assert.Positive(t, line(t, m, "cpu0").IdleJ, "what was idle in the rest of the time is told, with the power that tells it")
	assert.Equal(t, idleW, line(t, m, "cpu0").IdleW)
}

func TestRecordsWithoutInstancesCountAsDifferentHosts(t *testing.T) {
	shards := simulated(t, process{boot: bootA, cpus: 1, until: lengthOf}, process{boot: bootA, cpus: 1, until: lengthOf})
	for _, r := range shards {
		r.Publisher.Confidentiality = "public"
		for i := range r.Hardware {
			r.Hardware[i].Instance = nil
		}
	}
	m := merged(t, shards...)
	assert.Equal(t, 2, m.Hardware[0].Count)
	assert.InDelta(t, 2*hostJ(2), line(t, m, "cpu0").TotalJ+line(t, m, "cpu0@2").TotalJ, 1e-3)
	assert.Len(t, warned(m, "merge-unrecognised"), 1, "it cannot be known that they are one, and that is told")
	assert.Equal(t, "public", m.Publisher.Confidentiality)
}

// `ecotracer run` counts what its program does; so does the program, if it
// traces itself.
func TestARunWithinAnotherMayBeCountedTwice(t *testing.T) {
	for name, c := range map[string]struct {
		boots [2]string
		ranks bool
		want  int
	}{
		"on one host":        {boots: [2]string{bootA, bootA}, want: 1},
		"on another":         {boots: [2]string{bootA, bootB}},
		"but they are ranks": {boots: [2]string{bootA, bootA}, ranks: true},
	} {
		t.Run(name, func(t *testing.T) {
			shards := simulated(t, process{boot: c.boots[0], cpus: 1, until: lengthOf}, process{boot: c.boots[1], cpus: 1, from: lengthOf / 4, until: lengthOf / 2})
			for i, r := range shards {
				if !c.ranks {
					r.Run.Rank = nil
				}
				shards[i].Run.TraceID = shards[0].Run.TraceID
			}
			assert.Len(t, warned(merged(t, shards...), "merge-unrecognised"), c.want)
		})
	}
}

func TestARunThatItsParentCountsIsLeftOut(t *testing.T) {
	shards := simulated(t,
		process{boot: bootA, cpus: 1, until: lengthOf},
		process{boot: bootA, cpus: 1, from: lengthOf / 4, until: lengthOf / 2},
		process{boot: bootA, cpus: 1, from: lengthOf / 4, until: lengthOf / 2})
	outer, inner, innermost := shards[0], shards[1], shards[2]
	for _, r := range shards {
		r.Run.Rank, r.Run.TraceID = nil, outer.Run.TraceID
	}
	counted := lifecycle.Warning{Code: "counted-by-parent", Path: "/run/parent"}
	inner.Run.Parent, inner.Warnings = outer.Run.ID, append(inner.Warnings, counted)
	innermost.Run.Parent, innermost.Warnings = inner.Run.ID, append(innermost.Warnings, counted)

	alone := merged(t, outer)
	all := merged(t, innermost, outer, inner)
	assert.Equal(t, alone.Totals, all.Totals, "each joule once")
	assert.Len(t, all.Run.Merged, 1)
	assert.Equal(t, text(t, all), text(t, merged(t, all, inner, outer)), "and again")

	assert.Len(t, merged(t, inner).Run.Merged, 1, "without the one that counts it, it counts")
	inner.Warnings = inner.Warnings[:len(inner.Warnings)-1]
	assert.Len(t, merged(t, outer, inner).Run.Merged, 2, "a run that its parent only started is none of its parent's")
}

// idle waits without a span.
func idle(context.Context, process) { time.Sleep(lengthOf) }

func TestStagesOfRanksSideBySide(t *testing.T) {
	stage := func(name string, s lifecycle.Stage) func(context.Context, process) {
		return func(ctx context.Context, _ process) {
			_, span := tracer.Start(ctx, name, tracer.In(s))
			time.Sleep(lengthOf)
			span.End()
		}
	}
	p := process{boot: bootA, cpus: 1, until: lengthOf}
	train, serve, wait := p, p, p
	train.program, serve.program, wait.program = stage("fit", lifecycle.Training), stage("serve", lifecycle.Serving), idle
	m := merged(t, simulated(t, train, serve, wait)...)
	use, share := 0.0, 0.0
	for _, ph := range m.Phases {
		for _, u := range ph.Usage {
			if u.Hardware == "node" && u.UseS != nil {
				use += *u.UseS
				share += *u.UseS * *u.Share
			}
		}
	}
	assert.InDelta(t, 100, use, 1e-6, "one node cannot be held for 300 s in a job of 100 s")
	assert.InDelta(t, 3*100.0/threads, share, 1e-6, "and what the ranks held of it adds up")
}
