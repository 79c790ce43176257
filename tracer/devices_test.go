package tracer_test

import (
	"context"
	"errors"
	"strings"
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

// twoGPUs draw 100 W and 200 W.
func twoGPUs() *tracertest.Meter {
	gpu := func(id string, device int, w float64) tracertest.Domain {
		return tracertest.Domain{
			Domain: meter.Domain{ID: id, Kind: lifecycle.KindGPU, Device: device, Model: "NVIDIA H100 PCIe", TDPW: 350},
			Power:  tracertest.Constant(w),
		}
	}
	return tracertest.NewMeter(domain("node0", tracertest.Constant(50)), gpu("gpu0", 0, 100), gpu("gpu1", 1, 200))
}

// with runs a span for so long.
func with(ctx context.Context, d time.Duration, name string, opts ...tracer.StartOption) {
	_, s := tracer.Start(ctx, name, opts...)
	time.Sleep(d)
	s.End()
}

// row is the usage row of a device in a stage.
func row(rec *lifecycle.Record, stage lifecycle.Stage, hardware string) *lifecycle.Usage {
	for i := range rec.Phases {
		if rec.Phases[i].Stage != stage {
			continue
		}
		for j := range rec.Phases[i].Usage {
			if u := &rec.Phases[i].Usage[j]; u.Hardware == hardware {
				return u
			}
		}
	}
	return nil
}

func TestDevicesGoToTheirClaimers(t *testing.T) {
	type energy struct{ spans, none float64 }
	for name, c := range map[string]struct {
		program    func(ctx context.Context)
		gpu0, gpu1 energy
		self       map[string]float64 // of both GPUs, by path
	}{
		"nobody claims": {
			func(ctx context.Context) {
				with(ctx, 5*time.Second, "work")
				time.Sleep(5 * time.Second)
			},
			energy{500, 500}, energy{1000, 1000}, map[string]float64{"work": 1500},
		},
		"one is claimed": {
			func(ctx context.Context) { with(ctx, 10*time.Second, "work", tracer.OnDevices("gpu0")) },
			energy{1000, 0}, energy{2000, 0}, map[string]float64{"work": 3000},
		},
		"claimed late: before it nobody's, though a span was active": {
			func(ctx context.Context) {
				with(ctx, 4*time.Second, "prepare")
				with(ctx, 6*time.Second, "work", tracer.OnDevices("gpu0"))
			},
			energy{600, 400}, energy{2000, 0}, map[string]float64{"prepare": 800, "work": 600 + 1200},
		},
		"claimed and left": {
			func(ctx context.Context) {
				with(ctx, 4*time.Second, "work", tracer.OnDevices("gpu1"))
				with(ctx, 6*time.Second, "report")
			},
			energy{1000, 0}, energy{800, 1200}, map[string]float64{"work": 400 + 800, "report": 600},
		},
		"children claim what their parents claim": {
			func(ctx context.Context) {
				ctx, s := tracer.Start(ctx, "work", tracer.OnDevices("gpu0"))
				time.Sleep(3 * time.Second)
				with(ctx, 4*time.Second, "step", tracer.OnDevices("gpu1"))
				time.Sleep(3 * time.Second)
				s.End()
			},
			energy{1000, 0}, energy{800, 1200}, map[string]float64{"work": 600, "work/step": 400 + 800},
		},
		"two claimers share by wall time": {
			func(ctx context.Context) {
				_, a := tracer.Start(ctx, "a", tracer.OnDevices("gpu0"))
				time.Sleep(4 * time.Second)
				with(ctx, 6*time.Second, "b", tracer.OnDevices("gpu0"))
				a.End()
			},
			energy{1000, 0}, energy{2000, 0}, map[string]float64{"a": 400 + 300 + 800 + 600, "b": 300 + 600},
		},
		"who claims does not share with who does not": {
			func(ctx context.Context) {
				_, a := tracer.Start(ctx, "a", tracer.OnDevices("gpu0", "gpu1"))
				with(ctx, 10*time.Second, "b")
				a.End()
			},
			energy{1000, 0}, energy{2000, 0}, map[string]float64{"a": 3000, "b": 0},
		},
		"two spans of one path on two devices": {
			func(ctx context.Context) {
				_, a := tracer.Start(ctx, "rank", tracer.OnDevices("gpu0"))
				_, b := tracer.Start(ctx, "rank", tracer.OnDevices("gpu1"))
				time.Sleep(6 * time.Second)
				a.End()
				time.Sleep(4 * time.Second)
				b.End()
			},
			energy{600, 400}, energy{2000, 0}, map[string]float64{"rank": 2600},
		},
		"a claimer that waits for a child lets it have the device": {
			func(ctx context.Context) {
				ctx, s := tracer.Start(ctx, "work", tracer.OnDevices("gpu0", "gpu1"))
				with(ctx, 10*time.Second, "step")
				s.End()
			},
			energy{1000, 0}, energy{2000, 0}, map[string]float64{"work": 0, "work/step": 3000},
		},
		"a claim of what is claimed already": {
			func(ctx context.Context) {
				ctx, s := tracer.Start(ctx, "work", tracer.OnDevices("gpu0"))
				with(ctx, 10*time.Second, "step", tracer.OnDevices("gpu0", "gpu0"))
				s.End()
			},
			energy{1000, 0}, energy{2000, 0}, map[string]float64{"work": 0, "work/step": 3000},
		},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				host := newPlant(4, cpus(1), cpus(2))
				ctx, run := begin(t, append(host.options(twoGPUs()), watts(0), tracer.Scope(lifecycle.ScopeMachine))...)
				c.program(ctx)
				rec := finish(t, run)
				for id, want := range map[string]energy{"gpu0": c.gpu0, "gpu1": c.gpu1} {
					l := line(t, rec, id)
					assert.InDelta(t, want.spans, l.SpansJ, 1e-6, "%s to spans", id)
					assert.InDelta(t, want.none, l.UnattributedJ, 1e-6, "%s to nobody", id)
					assert.Zero(t, l.OtherProcessesJ, "no CPU time tells who uses %s", id)
				}
				var spans, gpus float64
				for path, want := range c.self {
					// The node's 50 W go to the spans too, by wall share.
					s := span(t, rec, path)
					spans += s.SelfJ
					gpus += want
					assert.InDelta(t, want+50*s.SelfS, s.SelfJ, 1e-6, path)
				}
				assert.InDelta(t, gpus, line(t, rec, "gpu0").SpansJ+line(t, rec, "gpu1").SpansJ, 1e-6)
			})
		})
	}
}

// sharedGPU draws 100 W, of which this process uses 30, beside another that is
// not used by it at all.
func sharedGPUs() *tracertest.Meter {
	gpu := func(id string, uuid string, own float64) tracertest.Domain {
		return tracertest.Domain{
			Domain: meter.Domain{ID: id, Model: "NVIDIA H100 PCIe", UUID: uuid, Aliases: []string{uuid, "cuda:" + strings.TrimPrefix(id, "gpu")}, PowerLimitW: 300, MemoryBytes: 80 << 30, Tool: "NVIDIA driver", Version: "575.1"},
			Power:  tracertest.Constant(100), Own: tracertest.Constant(own),
		}
	}
	return tracertest.NewMeter(gpu("gpu0", "GPU-a", 30), gpu("gpu1", "GPU-b", 0))
}

func TestOnlyWhatTheProcessUsedOfADeviceIsItsOwn(t *testing.T) {
	for name, c := range map[string]struct {
		opts                           []tracer.StartOption
		scope                          lifecycle.Scope
		spans, none, others, otherGPUs float64
	}{
		"unclaimed":                 {nil, lifecycle.ScopeProcess, 240, 60, 700, 0},
		"claimed by id":             {[]tracer.StartOption{tracer.OnDevices("gpu0")}, lifecycle.ScopeProcess, 240, 60, 700, 0},
		"claimed by UUID":           {[]tracer.StartOption{tracer.OnDevices("GPU-a")}, lifecycle.ScopeProcess, 240, 60, 700, 0},
		"claimed as CUDA counts it": {[]tracer.StartOption{tracer.OnDevices("cuda:0")}, lifecycle.ScopeProcess, 240, 60, 700, 0},
		"the machine is the run's":  {nil, lifecycle.ScopeMachine, 800, 200, 0, 1000},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				host := newPlant(4, cpus(1), cpus(2))
				ctx, run := begin(t, append(host.options(sharedGPUs()), tracer.Scope(c.scope))...)
				with(ctx, 8*time.Second, "train", c.opts...)
				time.Sleep(2 * time.Second)
				rec := finish(t, run)
				l := line(t, rec, "gpu0")
				assert.InDelta(t, 1000, l.TotalJ, 1e-6, "what the device drew")
				assert.InDelta(t, c.spans, l.SpansJ, 1e-6)
				assert.InDelta(t, c.none, l.UnattributedJ, 1e-6)
				assert.InDelta(t, c.others, l.OtherProcessesJ, 1e-6, "what other processes used of it")
				if c.scope == lifecycle.ScopeMachine {
					assert.InDelta(t, 700, l.OfWhich.OtherProcessesJ, 1e-6)
					assert.InDelta(t, 1000, line(t, rec, "gpu1").TotalJ, 1e-6)
				} else {
					for _, h := range rec.Hardware {
						assert.NotEqual(t, "gpu1", h.ID, "trap 24: a device that the process did not use is none of its hardware")
					}
				}
				if c.scope != lifecycle.ScopeMachine {
					assert.InDelta(t, 0.3, of(row(rec, lifecycle.Training, "gpu0").Share), 1e-6, "nor is its whole production the run's")
				}
			})
		})
	}
}

func TestRecordsOfOneHostKnowTheirDevicesAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		record := func(boot, confidentiality string) *lifecycle.Record {
			host := tracertest.NewHost(t.TempDir(), tracertest.HostConfig{Boot: boot, Packages: []tracertest.Curve{tracertest.Constant(9), tracertest.Constant(8)}})
			_, run := begin(t, append(host.Options(), tracer.Meters(sharedGPUs()), tracer.Publisher(lifecycle.Publisher{Confidentiality: confidentiality}), tracer.Scope(lifecycle.ScopeMachine))...)
			time.Sleep(time.Second)
			return finish(t, run)
		}
		instances := func(rec *lifecycle.Record) map[string][]string {
			m := map[string][]string{}
			for _, h := range rec.Hardware {
				m[h.ID] = h.Instance
			}
			return m
		}
		const boot = "94eed631-dbce-4f6b-a9c8-ddd6e2251cf4"
		one, again := instances(record(boot, "")), instances(record(boot, ""))
		assert.Equal(t, one, again)
		assert.Len(t, one["cpu"], 2, "one for each socket")
		assert.Len(t, one["gpu0"], 1)
		assert.NotEqual(t, one["gpu0"], one["gpu1"])
		for id, other := range instances(record("4bf92f35-77b3-4da6-a3ce-929d0e0e4736", "")) {
			assert.NotEqual(t, one[id], other, "%s: nobody can follow a machine longer than one boot", id)
		}
		for id, none := range instances(record(boot, "public")) {
			assert.Empty(t, none, "%s: a public record tells no machine from another", id)
		}
		for id, none := range instances(record("", "")) {
			assert.Empty(t, none, id)
		}
		gpu := record(boot, "")
		var text strings.Builder
		require.NoError(t, lifecycle.Encode(&text, gpu))
		assert.NotContains(t, text.String(), "GPU-a", "the UUID itself is nobody's business")
		assert.NotContains(t, text.String(), boot)
		for _, h := range gpu.Hardware {
			if h.ID == "gpu0" {
				assert.Equal(t, int64(80<<30), *h.MemoryBytes)
				assert.Equal(t, 300.0, *h.PowerLimitW)
			}
		}
	})
}

func TestWhoClaimsADeviceHoldsItFromTheRunsBegin(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		host := newPlant(4, cpus(1), cpus(2))
		ctx, run := begin(t, append(host.options(twoGPUs()), watts(0))...)
		time.Sleep(3 * time.Second)
		with(ctx, 5*time.Second, "train", tracer.OnDevices("gpu0"))
		with(ctx, 2*time.Second, "evaluate", tracer.OnDevices("gpu0"))
		with(ctx, 4*time.Second, "deploy")
		time.Sleep(6 * time.Second)
		rec := finish(t, run)

		held := map[lifecycle.Stage]float64{lifecycle.Training: 5, lifecycle.ModelEvaluation: 2, lifecycle.Unassigned: 13}
		for stage, seconds := range held {
			u := row(rec, stage, "gpu0")
			require.NotNil(t, u, stage)
			assert.InDelta(t, seconds, of(u.UseS), 1e-9, "%s holds it", stage)
			assert.InDelta(t, 100*seconds, u.EnergyJ.Value, 1e-6, "and answers for its joules")
			assert.Equal(t, 1.0, of(u.Share), "whole")
			assert.Equal(t, "exclusive", u.ShareBy)
		}
		assert.Nil(t, row(rec, lifecycle.Deployment, "gpu0"), "who claims nothing holds nothing")
		u := row(rec, lifecycle.Production, "gpu0")
		require.NotNil(t, u, "the production of a claimed device is the run's")
		assert.InDelta(t, 20, of(u.DeviceS), 1e-9, "for as long as it held it")
		assert.Positive(t, u.EmbodiedGCO2e.Value)
		assert.InDelta(t, 20, of(row(rec, lifecycle.Production, "gpu1").DeviceS), 1e-9, "so is that of another whose joules are the run's, by wall share")
		assert.Equal(t, "claimed", line(t, rec, "gpu0").Split)
		assert.Equal(t, "wall", line(t, rec, "gpu1").Split)
		_, flagged := warned(rec, "device-unclaimed")
		assert.True(t, flagged, "gpu1 is flagged")
	})
}

func TestAClaimOfAnUnknownDeviceIsFlagged(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		host := newPlant(4, cpus(1), cpus(2))
		ctx, run := begin(t, append(host.options(twoGPUs()), watts(0))...)
		with(ctx, time.Second, "work", tracer.OnDevices("gpu7", "gpu0"))
		with(ctx, time.Second, "work", tracer.OnDevices("node0"))
		rec := finish(t, run)
		var details []string
		for _, w := range rec.Warnings {
			if w.Code == "device-unknown" {
				details = append(details, w.Detail)
			}
		}
		require.Len(t, details, 2)
		assert.Contains(t, details[0], `"gpu7"`)
		assert.Contains(t, details[1], `"node0"`, "only devices of their own can be claimed")
		assert.InDelta(t, 100, line(t, rec, "gpu0").SpansJ, 1e-6, "what is known is claimed")
	})
}

// queue is a device that works on behind the program: each piece of work is
// done some time after it was given.
type queue struct{ until time.Time }

func (q *queue) give(d time.Duration) { q.until = time.Now().Add(d) }

func (q *queue) wait() { time.Sleep(time.Until(q.until)) }

func TestADeviceIsWaitedForAtTheBoundsOfItsSpans(t *testing.T) {
	for name, c := range map[string]struct {
		hook    func(*queue, *[][]string) func(context.Context, []string) error
		spans   float64 // J of 100 W, of 6 s of work that each of two spans queues in 1 s
		flagged bool
	}{
		"with a hook": {func(q *queue, calls *[][]string) func(context.Context, []string) error {
			return func(_ context.Context, devices []string) error {
				*calls = append(*calls, devices)
				q.wait()
				return nil
			}
		}, 1200, false},
		"without": {func(*queue, *[][]string) func(context.Context, []string) error { return nil }, 200, true},
		"with one that fails": {func(*queue, *[][]string) func(context.Context, []string) error {
			return func(context.Context, []string) error { return errors.New("device lost") }
		}, 200, true},
		"with one that panics": {func(*queue, *[][]string) func(context.Context, []string) error {
			return func(context.Context, []string) error { panic("driver") }
		}, 200, true},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				host := newPlant(4, cpus(1), cpus(2))
				var q queue
				var calls [][]string
				ctx, run := begin(t, append(host.options(twoGPUs()), watts(0), tracer.Synchronise(c.hook(&q, &calls)))...)
				for _, name := range []string{"first", "second"} {
					ctx, s := tracer.Start(ctx, name, tracer.OnDevices("gpu0"))
					q.give(6 * time.Second)
					with(ctx, time.Second, "launch")
					s.End()
					s.End() // nothing is waited for twice
				}
				q.wait()
				rec := finish(t, run)
				l := line(t, rec, "gpu0")
				assert.InDelta(t, c.spans, l.SpansJ, 1e-6)
				_, flagged := warned(rec, "device-unsynchronised")
				assert.Equal(t, c.flagged, flagged, "the record says whether anyone waited")
				if len(calls) > 0 {
					assert.Equal(t, [][]string{{"gpu0"}, {"gpu0"}, {"gpu0"}, {"gpu0"}}, calls, "at both bounds, and not at those of children that claim nothing")
				}
			})
		})
	}
}

// Trap 38, of GPUs: in a container the driver tells nobody who uses them, and
// each of eight ranks would report all eight.
func TestRanksShareDevicesOfWhichNobodyTellsWhoUsesThem(t *testing.T) {
	for name, value := range map[string]string{"RANK": "3", "WORLD_SIZE": "8", "LOCAL_WORLD_SIZE": "8"} {
		t.Setenv(name, value)
	}
	hidden := tracertest.Domain{Domain: meter.Domain{ID: "gpu2", LeftOut: "refused", Why: "not visible to this process"}}
	for name, c := range map[string]struct {
		claims  []tracer.StartOption
		scope   lifecycle.Scope
		more    []tracertest.Domain
		own     float64 // of gpu0's 1000 J
		divided bool
	}{
		"unclaimed":                     {nil, lifecycle.ScopeProcess, nil, 125, true},
		"claimed":                       {[]tracer.StartOption{tracer.OnDevices("gpu0")}, lifecycle.ScopeProcess, nil, 1000, true},
		"the rank sees only its own":    {nil, lifecycle.ScopeProcess, []tracertest.Domain{hidden}, 1000, false},
		"the machine is this process's": {nil, lifecycle.ScopeMachine, nil, 1000, false},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				host := newPlant(4, cpus(1), cpus(2))
				domains := append([]tracertest.Domain{domain("gpu0", tracertest.Constant(100)), domain("gpu1", tracertest.Constant(100))}, c.more...)
				ctx, run := begin(t, append(host.options(tracertest.NewMeter(domains...)), tracer.Scope(c.scope))...)
				with(ctx, 8*time.Second, "train", c.claims...)
				time.Sleep(2 * time.Second)
				rec := finish(t, run)
				l := line(t, rec, "gpu0")
				assert.InDelta(t, 1000, l.TotalJ, 1e-6)
				assert.InDelta(t, c.own, l.SpansJ+l.UnattributedJ, 1e-6)
				if c.scope == lifecycle.ScopeProcess {
					assert.InDelta(t, 1000-c.own, l.OtherProcessesJ, 1e-6, "the rest is the other ranks'")
				}
				_, divided := warned(rec, "device-divided")
				assert.Equal(t, c.divided, divided, "the record says that it is a guess")
			})
		})
	}
}

// A program that was run as a whole has no span that could claim its GPU.
func TestADeviceOfOneSpanAloneNeedsNoClaim(t *testing.T) {
	for name, spans := range map[string][]string{"one": {"run"}, "two": {"run", "more"}} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				host := newPlant(4, cpus(1), cpus(1))
				ctx, run := begin(t, host.options(tracertest.NewMeter(domain("gpu0", tracertest.Constant(50))))...)
				for _, span := range spans {
					with(ctx, 5*time.Second, span)
				}
				_, flagged := warned(finish(t, run), "device-unclaimed")
				assert.Equal(t, len(spans) > 1, flagged)
			})
		})
	}
}
