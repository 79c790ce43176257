package tracer_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/ecotracer/ecotracer/internal/race"
	"github.com/ecotracer/ecotracer/lifecycle"
	"github.com/ecotracer/ecotracer/tracer"
	"github.com/ecotracer/ecotracer/tracer/meter"
	"github.com/ecotracer/ecotracer/tracer/tracertest"
)

// beside begins a run on the ledger of another.
func beside(other *tracer.Run, opts ...tracer.Option) (context.Context, *tracer.Run) {
	run := tracer.BeginBeside(other, append(opts, tracer.Checkpoints(-1), tracer.Sinks(new(tracertest.Recorder)))...)
	return tracer.ContextOf(context.Background(), run), run
}

// ofRun is what a record holds as the run's own.
func ofRun(l lifecycle.LedgerLine) float64 { return l.SpansJ + l.UnattributedJ }

func TestTwoRunsShareWhatTheyUseAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		host := newPlant(4, cpus(1), cpus(1))
		ctxA, a := begin(t, append(host.options(nodeOf(tracertest.Constant(10), 0, "")), watts(0))...)
		_, spanA := tracer.Start(ctxA, "a")
		time.Sleep(4 * time.Second)
		ctxB, b := beside(a, watts(0))
		_, spanB := tracer.Start(ctxB, "b")
		time.Sleep(3 * time.Second)
		spanB.End()
		time.Sleep(time.Second)
		recB := finish(t, b)
		time.Sleep(2 * time.Second)
		spanA.End()
		time.Sleep(5 * time.Second)
		recA := finish(t, a)

		l := line(t, recB, "node0")
		assert.InDelta(t, 40, l.TotalJ, 1e-9, "of b: what was used during b")
		assert.InDelta(t, 15, l.SpansJ, 1e-9, "three seconds were shared with a")
		assert.Zero(t, l.UnattributedJ, "a had a span all the time")
		assert.InDelta(t, 25, of(l.OtherRunsJ), 1e-9)
		assert.InDelta(t, 2.5, of(recB.Run.OtherRunsS), 1e-9)
		l = line(t, recA, "node0")
		assert.InDelta(t, 150, l.TotalJ, 1e-9)
		assert.InDelta(t, 100-15, l.SpansJ, 1e-9, "of a: all but what b had")
		assert.InDelta(t, 50, l.UnattributedJ, 1e-9)
		assert.InDelta(t, 15, of(l.OtherRunsJ), 1e-9)
		assert.InDelta(t, 1.5, of(recA.Run.OtherRunsS), 1e-9)
	})
}

// Servers run many jobs in one process, and these end as they like.
func TestRunsMayEndAtTheSameMoment(t *testing.T) {
	for range 100 {
		begun := make([]*tracer.Run, 4)
		for i := range begun {
			_, begun[i] = begin(t, tracer.Checkpoints(-1))
		}
		start := make(chan struct{})
		var ended sync.WaitGroup
		for _, run := range begun {
			ended.Go(func() {
				<-start
				_, err := run.End()
				assert.NoError(t, err)
			})
		}
		close(start)
		ended.Wait()
	}
}

func TestTimeWithoutASpanIsSharedAmongTheOpenRuns(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		host := newPlant(4, cpus(1), cpus(1))
		_, a := begin(t, append(host.options(nodeOf(tracertest.Constant(10), 0, "")), watts(0))...)
		time.Sleep(2 * time.Second)
		_, b := beside(a, watts(0))
		time.Sleep(4 * time.Second)
		_, c := beside(a, watts(0))
		time.Sleep(6 * time.Second)
		recB, recC := finish(t, b), finish(t, c)
		recA := finish(t, a)
		assert.InDelta(t, 20+20+20, line(t, recA, "node0").UnattributedJ, 1e-9)
		assert.InDelta(t, 20+20, line(t, recB, "node0").UnattributedJ, 1e-9)
		assert.InDelta(t, 20, line(t, recC, "node0").UnattributedJ, 1e-9)
		assert.InDelta(t, 2+4, of(recA.Run.OtherRunsS), 1e-9)
		assert.InDelta(t, 12, recA.Run.DurationS, 1e-9)
	})
}

func TestARunThatWasAlwaysAloneTellsOfNoOthers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		host := newPlant(4, cpus(1), cpus(1))
		_, a := begin(t, append(host.options(nodeOf(tracertest.Constant(10), 0, "")), watts(0))...)
		time.Sleep(2 * time.Second)
		rec := finish(t, a)
		assert.Nil(t, line(t, rec, "node0").OtherRunsJ)
		assert.Nil(t, rec.Run.OtherRunsS)
	})
}

func TestRunsOfDifferentScopeShareALedger(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		host := newPlant(4, cpus(1), cpus(2))
		ctxA, a := begin(t, append(host.options(nodeOf(tracertest.Constant(100), 0, "")), watts(40))...)
		ctxB, b := beside(a, watts(40), tracer.Scope(lifecycle.ScopeMachine))
		_, spanA := tracer.Start(ctxA, "a")
		_, spanB := tracer.Start(ctxB, "b")
		time.Sleep(10 * time.Second)
		spanA.End()
		spanB.End()
		recA, recB := finish(t, a), finish(t, b)
		l := line(t, recA, "node0")
		assert.InDelta(t, (40*0.25+60*0.5)*10/2, l.SpansJ, 1e-6)
		assert.InDelta(t, (40*0.25+60*0.5)*10/2, of(l.OtherRunsJ), 1e-6)
		assert.InDelta(t, 300, l.OtherProcessesJ, 1e-6)
		l = line(t, recB, "node0")
		assert.InDelta(t, 500, l.SpansJ, 1e-6)
		assert.InDelta(t, 500, of(l.OtherRunsJ), 1e-6)
		assert.Zero(t, l.OtherProcessesJ)
	})
}

// Runs that begin and end all the time settle windows that are too short to
// compare CPU times in: the kernel tells busy time in hundredths of a second.
func TestShortRunsDoNotBlurTheShareOfALongOne(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		host := newPlant(1, cpus(0.1), cpus(0.4))
		ctx, long := begin(t, append(host.options(nodeOf(tracertest.Constant(100), 0, "")), watts(0))...)
		_, s := tracer.Start(ctx, "work")
		for range 400 {
			time.Sleep(5 * time.Millisecond)
			_, short := beside(long, watts(0))
			finish(t, short)
		}
		s.End()
		rec := finish(t, long)
		assert.InEpsilon(t, 150, line(t, rec, "node0").OtherProcessesJ, 0.02, "a quarter of what was busy was the process's")
	})
}

// What several runs book as their own never comes to more than there was, and
// to all of it if one was open at any time.
func TestRandomRunsDoNotBookAJouleTwice(t *testing.T) {
	for seed := range race.Few(uint64(60)) {
		synctest.Test(t, func(t *testing.T) {
			machine := tracer.Scope(lifecycle.ScopeMachine)
			r := rand.New(rand.NewPCG(seed, 8))
			host := newPlant(4, cpus(1), cpus(1))
			domains := []tracertest.Domain{
				domain("node0", randomPower(r, int64(20*time.Second))),
				domain("gpu0", randomPower(r, int64(20*time.Second))), domain("gpu1", randomPower(r, int64(20*time.Second))),
			}
			meters := &logged{Meter: tracertest.NewMeter(domains...), begin: time.Now()}
			ctx, first := begin(t, append(host.options(meters), watts(0), machine)...)
			type open struct {
				ctx   context.Context
				run   *tracer.Run
				spans []*tracer.Span
			}
			runs := []*open{{ctx: ctx, run: first}}
			sums := map[string]float64{}
			end := func(o *open) {
				rec := finish(t, o.run)
				for _, l := range rec.Ledger {
					sums[l.Domain] += ofRun(l)
				}
			}
			for range 60 {
				time.Sleep(time.Duration(r.Int64N(int64(500 * time.Millisecond))))
				o := runs[r.IntN(len(runs))]
				switch n := r.IntN(10); {
				case n == 0 && len(runs) < 5:
					ctx, run := beside(first, watts(0), machine)
					runs = append(runs, &open{ctx: ctx, run: run})
				case n == 1 && len(runs) > 1:
					last := runs[len(runs)-1]
					end(last)
					runs = runs[:len(runs)-1]
				case n < 6:
					var opts []tracer.StartOption
					if r.IntN(3) == 0 {
						opts = append(opts, tracer.OnDevices(fmt.Sprintf("gpu%d", r.IntN(2))))
					}
					_, s := tracer.Start(o.ctx, "work", opts...)
					o.spans = append(o.spans, s)
				case len(o.spans) > 0:
					o.spans[0].End()
					o.spans = o.spans[1:]
				}
			}
			for len(runs) > 0 {
				end(runs[len(runs)-1])
				runs = runs[:len(runs)-1]
			}
			last := meters.log[len(meters.log)-1]
			for i, d := range domains {
				total := last.joules[i] - meters.log[0].joules[i]
				require.InDelta(t, total, sums[d.ID], 1e-9*total, "program %d: the runs together, of %s", seed, d.ID)
			}
		})
	}
}

func TestADeviceIsHeldByTheRunsThatClaimIt(t *testing.T) {
	gpu := func() meter.Meter {
		return tracertest.NewMeter(domain("node0", nil), domain("gpu0", tracertest.Constant(100)))
	}
	synctest.Test(t, func(t *testing.T) {
		host := newPlant(4, cpus(1), cpus(1))
		ctxA, a := begin(t, append(host.options(gpu()), watts(0))...)
		_, spanA := tracer.Start(ctxA, "a")
		time.Sleep(5 * time.Second)
		ctxB, b := beside(a, watts(0))
		with(ctxB, 2*time.Second, "b", tracer.OnDevices("gpu0"))
		time.Sleep(3 * time.Second)
		recB := finish(t, b)
		time.Sleep(5 * time.Second)
		spanA.End()
		recA := finish(t, a)
		l := line(t, recB, "gpu0")
		assert.InDelta(t, 200, l.SpansJ, 1e-6, "b claimed it for two seconds")
		assert.InDelta(t, 300, l.UnattributedJ, 1e-6, "and held it for three more")
		l = line(t, recA, "gpu0")
		assert.InDelta(t, 1000, l.SpansJ, 1e-6, "a, which claims nothing, had it while nobody held it")
		assert.InDelta(t, 500, of(l.OtherRunsJ), 1e-6)
	})
}

func TestRunsOfTheRealHostShareItsLedger(t *testing.T) {
	opts := []tracer.Option{tracer.Checkpoints(-1), tracer.Sinks(new(tracertest.Recorder))}
	ctxA, a := begin(t, opts...)
	ctxB, b := begin(t, opts...)
	_, spanA := tracer.Start(ctxA, "a")
	_, spanB := tracer.Start(ctxB, "b")
	tracertest.Burn(t.Context(), 20*time.Millisecond)
	spanB.End()
	spanA.End()
	recB, recA := finish(t, b), finish(t, a)
	require.NotNil(t, recA.Run.OtherRunsS)
	require.NotNil(t, recB.Run.OtherRunsS)
	assert.InDelta(t, span(t, recB, "b").SelfS, of(recA.Run.OtherRunsS), 0.5*recA.Run.DurationS)
	for i, l := range recA.Ledger {
		require.NotNil(t, l.OtherRunsJ, l.Domain)
		other := recB.Ledger[i]
		assert.LessOrEqual(t, ofRun(l)+ofRun(other), l.TotalJ*(1+1e-6), "together they have no more than there was")
		assert.LessOrEqual(t, other.TotalJ, l.TotalJ*(1+1e-9), "b lies within a")
	}
}
