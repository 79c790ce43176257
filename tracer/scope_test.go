package tracer_test

import (
	"context"
	"os"
	"path/filepath"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/ecotracer/ecotracer/lifecycle"
	"github.com/ecotracer/ecotracer/tracer"
	"github.com/ecotracer/ecotracer/tracer/meter"
	"github.com/ecotracer/ecotracer/tracer/tracertest"
)

// watts is a table of idle power by domain, as a user declares it.
func watts(w float64) tracer.Option { return tracer.IdlePower(map[string]float64{"node0": w}) }

// nodeOf is a meter of a whole node with an idle power that its meter tells.
func nodeOf(power tracertest.Curve, idleW float64, found string) *tracertest.Meter {
	return tracertest.NewMeter(tracertest.Domain{Domain: meter.Domain{ID: "node0", IdleW: idleW, IdleFound: found}, Power: power})
}

func TestScopeOfTheControlGroupCountsAllItsProcesses(t *testing.T) {
	boot := "94eed631-dbce-4f6b-a9c8-ddd6e2251cf4"
	t.Setenv("ECOTRACER_RUNTIME_DIR", t.TempDir())
	synctest.Test(t, func(t *testing.T) {
		// Of four CPUs the process keeps half a one busy, its group two, all three.
		config := tracertest.HostConfig{
			Boot: boot, Packages: []tracertest.Curve{tracertest.Constant(90)},
			Process: tracertest.Constant(0.5), Cgroup: tracertest.Constant(2), Busy: tracertest.Constant(3),
		}
		run := func(scope lifecycle.Scope) *tracer.Run {
			_, r := begin(t, append(tracertest.NewHost(t.TempDir(), config).Options(), tracer.Scope(scope), tracer.IdlePower(map[string]float64{"cpu0": 0.0}))...)
			return r
		}
		own := func(rec *lifecycle.Record) float64 {
			l := line(t, rec, "cpu0")
			return l.SpansJ + l.UnattributedJ
		}
		group, second, process := run(lifecycle.ScopeCgroup), run(lifecycle.ScopeCgroup), run(lifecycle.ScopeProcess)
		time.Sleep(10 * time.Second)
		rec := finish(t, group)
		assert.Equal(t, lifecycle.ScopeCgroup, rec.Run.Scope)
		assert.InDelta(t, 900*2.0/3, own(rec), 1)
		assert.InDelta(t, 900*2.0/3, own(finish(t, second)), 1, "runs of one process may share the group")
		assert.InDelta(t, 900*0.5/3, own(finish(t, process)), 1)

		release, err := tracer.HoldHostLock(boot, "cgroup sys/fs/cgroup/job.slice/train.scope/cpu.stat")
		require.NoError(t, err)
		defer release()
		late := run(lifecycle.ScopeCgroup)
		time.Sleep(10 * time.Second)
		rec = finish(t, late)
		assert.Equal(t, lifecycle.ScopeProcess, rec.Run.Scope, "of two processes of a group one has it")
		assert.InDelta(t, 900*0.5/3, own(rec), 1)
		_, told := warned(rec, "machine-taken")
		assert.True(t, told)
	})
}

func TestScopeOfTheControlGroupWithoutOneIsTheProcess(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		host := tracertest.NewHost(t.TempDir(), tracertest.HostConfig{})
		_, run, err := tracer.Begin(t.Context(), append(host.Options(), tracer.Scope(lifecycle.ScopeCgroup), tracer.Sinks(new(tracertest.Recorder)))...)
		require.ErrorContains(t, err, "the scope is the process")
		assert.Equal(t, lifecycle.ScopeProcess, finish(t, run).Run.Scope)
	})
}

// Trap 42: idle joules have a line of their own. Trap 44: a record says whose
// joules it tells, the process's or the machine's. Trap 40: a process that used
// more than its host tells is no error.
func TestScopeDividesTheHostBetweenTheRunAndTheRest(t *testing.T) {
	type want struct{ spans, others, idle, idleW float64 }
	hundred := tracertest.Constant(100)
	quarter, half := cpus(1), cpus(2) // of four CPUs: this process, and all of them
	for name, c := range map[string]struct {
		power     tracertest.Curve
		own, busy load
		meterIdle float64
		opts      []tracer.Option
		want      want
		found     string
		ofWhich   *lifecycle.OfWhich
	}{
		"process, idle power declared": {
			hundred, quarter, half, 0, []tracer.Option{watts(40)},
			want{40*0.25*10 + 60*0.5*10, 60 * 0.5 * 10, 40 * 0.75 * 10, 40}, "declared", nil,
		},
		"machine, idle power declared": {
			hundred, quarter, half, 0, []tracer.Option{watts(40), tracer.Scope(lifecycle.ScopeMachine)},
			want{1000, 0, 0, 40}, "declared", &lifecycle.OfWhich{OtherProcessesJ: 300, IdleJ: 300},
		},
		"process, idle power unknown": {
			hundred, quarter, half, 0, []tracer.Option{watts(0)},
			want{500, 500, 0, 0}, "unknown", nil,
		},
		"process, idle power by factor": {
			hundred, quarter, half, 30, nil,
			want{30*0.25*10 + 70*0.5*10, 70 * 0.5 * 10, 30 * 0.75 * 10, 30}, "factor", nil,
		},
		"what is declared comes before the factor": {
			hundred, quarter, half, 30, []tracer.Option{watts(20)},
			want{20*0.25*10 + 80*0.5*10, 80 * 0.5 * 10, 20 * 0.75 * 10, 20}, "declared", nil,
		},
		"idle power is not above the least power seen": {
			hundred.Then(5*time.Second, tracertest.Constant(20)), quarter, half, 0, []tracer.Option{watts(40)},
			want{20*0.25*10 + 80*0.5*5, 80 * 0.5 * 5, 20 * 0.75 * 10, 20}, "declared", nil,
		},
		"the process is all that runs": {
			hundred, cpus(4), cpus(4), 0, []tracer.Option{watts(40)},
			want{1000, 0, 0, 40}, "declared", nil,
		},
		"the host tells less than the process used": {
			hundred, half, quarter, 0, []tracer.Option{watts(40)},
			want{40*0.5*10 + 600, 0, 40 * 0.5 * 10, 40}, "declared", nil,
		},
		"the process sleeps on a busy host": {
			hundred, cpus(0), half, 0, []tracer.Option{watts(40)},
			want{0, 600, 400, 40}, "declared", nil,
		},
		"the whole host sleeps": {
			tracertest.Constant(40), cpus(0), cpus(0), 0, []tracer.Option{watts(40)},
			want{0, 0, 400, 40}, "declared", nil,
		},
		"the share is that of its time": { // the process works first, then the others
			hundred,
			func(t time.Duration) time.Duration { return min(t, 5*time.Second) },
			func(t time.Duration) time.Duration { return t },
			0, []tracer.Option{watts(40), tracer.Sampling(100 * time.Millisecond)},
			want{40*0.25*5 + 60*5, 60 * 5, 40*0.75*5 + 40*5, 40}, "declared", nil,
		},
		"no power at all": {
			tracertest.Constant(0), quarter, half, 0, []tracer.Option{watts(40)},
			want{0, 0, 0, 0}, "declared", nil,
		},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				host := newPlant(4, c.own, c.busy)
				ctx, run := begin(t, append(host.options(nodeOf(c.power, c.meterIdle, "factor")), c.opts...)...)
				_, work := tracer.Start(ctx, "work")
				time.Sleep(10 * time.Second)
				work.End()
				rec := finish(t, run)
				l := line(t, rec, "node0")
				got := want{l.SpansJ, l.OtherProcessesJ, l.IdleJ, l.IdleW}
				// A window that the change of load falls in is a mixture.
				near := 1e-6
				if name == "the share is that of its time" {
					near = 60
				}
				assert.InDelta(t, c.want.spans, got.spans, near, "spans_j")
				assert.InDelta(t, c.want.others, got.others, near, "other_processes_j")
				assert.InDelta(t, c.want.idle, got.idle, near, "idle_j")
				assert.InDelta(t, c.want.idleW, got.idleW, 1e-9, "idle_w")
				assert.Equal(t, c.found, l.IdleFound)
				assert.Zero(t, l.UnattributedJ, "a span was open all the time")
				if c.ofWhich == nil {
					assert.Nil(t, l.OfWhich)
					return
				}
				require.NotNil(t, l.OfWhich)
				assert.InDelta(t, c.ofWhich.OtherProcessesJ, l.OfWhich.OtherProcessesJ, near)
				assert.InDelta(t, c.ofWhich.IdleJ, l.OfWhich.IdleJ, near)
			})
		})
	}
}

// Trap 43: the joules between two spans are kept.
func TestTimeWithoutASpanIsTheRunsAndUnattributed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		host := newPlant(4, cpus(1), cpus(2))
		ctx, run := begin(t, append(host.options(nodeOf(tracertest.Constant(100), 0, "")), watts(40))...)
		time.Sleep(3 * time.Second)
		_, work := tracer.Start(ctx, "work")
		time.Sleep(5 * time.Second)
		work.End()
		time.Sleep(2 * time.Second)
		rec := finish(t, run)
		l := line(t, rec, "node0")
		perSecond := 40*0.25 + 60*0.5
		assert.InDelta(t, 5*perSecond, l.SpansJ, 1e-6)
		assert.InDelta(t, 5*perSecond, l.UnattributedJ, 1e-6)
		for _, p := range rec.Phases {
			if p.Stage == lifecycle.Unassigned {
				assert.InDelta(t, 10, of(p.DurationS), 1e-9, "work is of no stage")
			}
		}
	})
}

func TestARunShorterThanASecondIsShared(t *testing.T) {
	for name, domains := range map[string][]tracertest.Domain{
		"a node":           {domain("node0", tracertest.Constant(100))},
		"a GPU and a node": {domain("gpu0", tracertest.Constant(50)), domain("node0", tracertest.Constant(100))},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				host := newPlant(4, cpus(1), cpus(2))
				ctx, run := begin(t, append(host.options(tracertest.NewMeter(domains...)), watts(0))...)
				_, work := tracer.Start(ctx, "work")
				time.Sleep(200 * time.Millisecond)
				work.End()
				rec := finish(t, run)
				assert.InDelta(t, 10, line(t, rec, "node0").SpansJ, 1e-9, "over all of it")
				_, flagged := warned(rec, "short-run")
				assert.True(t, flagged, "and flagged")
			})
		})
	}
}

func TestARunOfNoTimeIsValid(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		host := newPlant(4, cpus(1), cpus(2))
		ctx, run := begin(t, append(host.options(nodeOf(tracertest.Constant(100), 0, "")), watts(40))...)
		_, work := tracer.Start(ctx, "work")
		work.End()
		rec := finish(t, run)
		assert.Zero(t, line(t, rec, "node0").TotalJ)
		assert.EqualValues(t, 1, span(t, rec, "work").Count)
	})
}

// Idle power is compared with whole seconds only, so that a shorter dip, or a
// span that was active while the counter rested, may have less than that.
func TestShortDipsNeitherMakeAPartNegativeNorLowerTheIdlePowerOfAll(t *testing.T) {
	const cycle, dip = time.Second, 300 * time.Millisecond
	alone := func(ctx context.Context) {
		with(ctx, dip, "in the dip")
		with(ctx, cycle-dip, "busy")
	}
	for name, program := range map[string]func(context.Context){
		"a span of its own": alone,
		"a span beside another": func(ctx context.Context) {
			_, s := tracer.Start(ctx, "all the time")
			alone(ctx)
			s.End()
		},
		"no span": func(ctx context.Context) {
			time.Sleep(dip)
			with(ctx, cycle-dip, "busy")
		},
		"one span alone, then with another": func(ctx context.Context) {
			_, s := tracer.Start(ctx, "all the time")
			time.Sleep(dip)
			with(ctx, cycle-dip, "busy")
			s.End()
		},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				host := newPlant(10, cpus(1), cpus(1))
				power := tracertest.Constant(0)
				for i := range 13 {
					at := time.Duration(i) * cycle
					power = power.Then(at, tracertest.Constant(0)).Then(at+dip, tracertest.Constant(100))
				}
				ctx, run := begin(t, append(host.options(nodeOf(power, 0, "")), watts(60), tracer.Sampling(100*time.Millisecond))...)
				for range 12 {
					program(ctx)
				}
				rec := finish(t, run) // R1: no figure is negative; R13: the parts add up
				l := line(t, rec, "node0")
				assert.InDelta(t, 12*70, l.TotalJ, 1e-6)
				assert.InDelta(t, 60, l.IdleW, 1e-6)
				assert.InDelta(t, 60*12*0.9, l.IdleJ, 1e-6, "one of ten CPUs was the run's")
			})
		})
	}
}

func TestAStageBeginsWithItsFirstSpan(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		host := newPlant(4, cpus(1), cpus(2))
		ctx, run := begin(t, host.options(nodeOf(tracertest.Constant(100), 0, ""))...)
		_, first := tracer.Start(ctx, "train") // as the run begins
		time.Sleep(5 * time.Second)
		_, second := tracer.Start(ctx, "train")
		time.Sleep(5 * time.Second)
		second.End()
		first.End()
		time.Sleep(5 * time.Second)
		rec := finish(t, run)
		for _, p := range rec.Phases {
			if p.Stage == lifecycle.Training {
				assert.Equal(t, *rec.Run.StartedAt, *p.StartedAt)
				assert.InDelta(t, 10, of(p.DurationS), 1e-9)
			}
		}
	})
}

func TestIdlePowerOfACalibration(t *testing.T) {
	file := func(cpu string) string {
		name := filepath.Join(t.TempDir(), "calibration.json")
		text := `{"schema": "urn:ecotracer:calibration:v1", "taken_at": "2026-11-22T00:00:00Z",
			"host": {"cpu": "` + cpu + `", "sockets": 1, "threads": 4, "memory_bytes": 17179869184}, "idle_w": {"cpu0": 12.5}}`
		require.NoError(t, os.WriteFile(name, []byte(text), 0o644))
		return name
	}
	idle := func(t *testing.T, opts ...tracer.Option) (l lifecycle.LedgerLine, err error) {
		synctest.Test(t, func(t *testing.T) {
			host := tracertest.NewHost(t.TempDir(), tracertest.HostConfig{Model: "Simulated CPU"})
			var run *tracer.Run
			_, run, err = tracer.Begin(t.Context(), append(append(host.Options(), tracer.Sinks(new(tracertest.Recorder))), opts...)...)
			time.Sleep(2 * time.Second)
			l = line(t, finish(t, run), "cpu0")
		})
		return l, err
	}
	t.Setenv("ECOTRACER_CALIBRATION", file("Simulated CPU"))
	l, err := idle(t)
	require.NoError(t, err)
	assert.Equal(t, "calibration", l.IdleFound)
	assert.Equal(t, 12.5, l.IdleW)
	l, err = idle(t, tracer.IdlePower(map[string]float64{"cpu0": 3}))
	require.NoError(t, err)
	assert.Equal(t, "declared", l.IdleFound, "what the program says goes first")
	assert.Equal(t, 3.0, l.IdleW)

	t.Setenv("ECOTRACER_CALIBRATION", file("Another CPU"))
	l, err = idle(t)
	require.ErrorContains(t, err, "another kind of machine")
	assert.NotEqual(t, "calibration", l.IdleFound)
}
