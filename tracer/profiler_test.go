package tracer_test

import (
	"bytes"
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	hostpprof "net/http/pprof"
	"runtime/pprof"
	"strconv"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/ecotracer/ecotracer/lifecycle"
	"github.com/ecotracer/ecotracer/tracer"
	"github.com/ecotracer/ecotracer/tracer/tracertest"
)

// The tests of this file use the profiler, true CPU time and true windows of a
// second. They compare shares, and wait for windows, not for times.

// letProfile lets the runs of a test use the profiler, unless someone does.
func letProfile(t *testing.T) {
	t.Helper()
	if err := pprof.StartCPUProfile(io.Discard); err != nil {
		t.Skip("these tests are being profiled: ", err)
	}
	pprof.StopCPUProfile()
	tracer.LetTestsProfile(true)
	t.Cleanup(func() { tracer.LetTestsProfile(false) })
}

// profiled begins a run that may use the profiler, on a node that draws 25 W
// for each CPU that this process keeps busy, and nothing else.
func profiled(t *testing.T) (context.Context, *tracer.Run) {
	t.Helper()
	letProfile(t)
	host := newPlant(4, cpus(1), cpus(1))
	m := tracertest.NewMeter(domain("node0", tracertest.TrueCPU().Times(25)))
	return begin(t, append(host.options(m), watts(0), tracer.Scope(lifecycle.ScopeMachine))...)
}

// burnUntil computes until so many windows of the run have been closed.
func burnUntil(ctx context.Context, run *tracer.Run, windows int64) (cpu time.Duration) {
	for tracer.Windows(run) < windows {
		cpu += tracertest.Burn(ctx, 10*time.Millisecond)
	}
	return cpu
}

func TestAComputingSpanBesideAWaitingOneHasTheActiveEnergy(t *testing.T) {
	ctx, run := profiled(t)
	ready, done := make(chan struct{}), make(chan struct{})
	var wg sync.WaitGroup
	wg.Go(func() {
		_, s := tracer.Start(ctx, "wait")
		close(ready)
		<-done
		s.End()
	})
	<-ready
	outer, s := tracer.Start(ctx, "compute")
	inner, n := tracer.Start(outer, "nested") // has it all: its parent waits
	burnUntil(inner, run, 2)
	n.End()
	s.End()
	close(done)
	wg.Wait()
	rec := finish(t, run)
	nested, waiting := span(t, rec, "compute/nested").SelfJ, span(t, rec, "wait").SelfJ
	assert.Greater(t, nested/(nested+waiting), 0.95, "of %v J", nested+waiting)
	assert.Less(t, span(t, rec, "compute").SelfJ, 0.01*nested)
	l := line(t, rec, "node0")
	assert.Equal(t, "cpu-time", l.Split)
	assert.Positive(t, of(l.Booked.WindowJ))
	assert.Positive(t, of(l.Booked.RateJ))
}

// A hundred goroutines of five paths, which use CPU time as 4 : 3 : 2 : 1 : 0.
// The samples of a window, a hundred for each second of CPU time, are few: with
// one CPU and two windows they are some 200, so that a share of 40 % has a
// standard deviation of 3.5 %, of which 15 % are more than four.
func TestAHundredGoroutinesShareByCPUTime(t *testing.T) {
	ctx, run := profiled(t)
	var mu sync.Mutex
	used := map[string]time.Duration{}
	stop := make(chan struct{})
	turns := make(chan struct{}, 2) // two compute at a time, each in its turn
	var burning, waiting sync.WaitGroup
	for i := range 100 {
		work, wg := i%5, &burning
		if work == 0 {
			wg = &waiting
		}
		wg.Go(func() {
			path := "path " + strconv.Itoa(work)
			ctx, s := tracer.Start(ctx, path)
			defer s.End()
			var cpu time.Duration
			defer func() {
				mu.Lock()
				defer mu.Unlock()
				used[path] += cpu
			}()
			if work == 0 {
				<-stop
				return
			}
			for tracer.Windows(run) < 2 {
				turns <- struct{}{}
				cpu += tracertest.Burn(ctx, time.Duration(work)*500*time.Microsecond)
				<-turns
			}
		})
	}
	burning.Wait()
	close(stop)
	waiting.Wait()
	rec := finish(t, run)
	compareShares(t, rec, used, 0.15)
}

// compareShares holds the energy of paths to the CPU time that they used.
func compareShares(t *testing.T, rec *lifecycle.Record, used map[string]time.Duration, near float64) {
	t.Helper()
	var joules, seconds float64
	for path, cpu := range used {
		joules += span(t, rec, path).SelfJ
		seconds += cpu.Seconds()
	}
	for path, cpu := range used {
		got, want := span(t, rec, path).SelfJ/joules, cpu.Seconds()/seconds
		assert.InDelta(t, want, got, near, "the share of %s", path)
		t.Logf("%s: %.1f %% of the CPU time, %.1f %% of the energy", path, 100*want, 100*got)
	}
}

func TestAHostThatProfilesItselfIsLeftAlone(t *testing.T) {
	letProfile(t)
	var host bytes.Buffer
	require.NoError(t, pprof.StartCPUProfile(&host))
	synctest.Test(t, func(t *testing.T) {
		host := newPlant(4, cpus(1), cpus(1))
		ctx, run := begin(t, host.options(nodeOf(tracertest.Constant(10), 0, ""))...)
		_, a := tracer.Start(ctx, "a")
		_, b := tracer.Start(ctx, "b")
		var waits []time.Duration
		begun := time.Now()
		for time.Since(begun) < 4*time.Hour {
			if w := tracer.ProfilerWait(run); w > 0 && (len(waits) == 0 || waits[len(waits)-1] != w) {
				waits = append(waits, w)
			}
			time.Sleep(30 * time.Second)
		}
		a.End()
		b.End()
		assert.Equal(t, []time.Duration{
			time.Minute, 2 * time.Minute, 4 * time.Minute, 8 * time.Minute, 16 * time.Minute, 32 * time.Minute, time.Hour,
		}, waits, "it asks more and more rarely")
		assert.Zero(t, tracer.Windows(run))
		rec := finish(t, run)
		assert.Equal(t, "wall", line(t, rec, "node0").Split)
	})
	assert.Error(t, pprof.StartCPUProfile(io.Discard), "the host's profile goes on")
	pprof.StopCPUProfile()
	assert.NotZero(t, host.Len())
}

// twoSpans keeps two spans open, so that the run wants the profiler, until the
// returned function is called.
func twoSpans(ctx context.Context) (end func()) {
	_, a := tracer.Start(ctx, "a")
	_, b := tracer.Start(ctx, "b")
	return func() {
		a.End()
		b.End()
	}
}

// burnUntilInWindow computes until the run has the profiler.
func burnUntilInWindow(ctx context.Context, run *tracer.Run) {
	for !tracer.InWindow(run) {
		tracertest.Burn(ctx, time.Millisecond)
	}
}

func TestPausingFreesTheProfilerAtOnce(t *testing.T) {
	ctx, run := profiled(t)
	end := twoSpans(ctx)
	burnUntilInWindow(ctx, run)
	resume := tracer.PauseProfiling()
	other := tracer.PauseProfiling() // two may ask
	require.NoError(t, pprof.StartCPUProfile(io.Discard), "it is free")
	pprof.StopCPUProfile()
	resume()
	resume() // more than once does no harm

	// A host that serves its profile, as net/http/pprof does.
	server := httptest.NewServer(http.HandlerFunc(hostpprof.Profile))
	defer server.Close()
	got, err := http.Get(server.URL + "?seconds=1")
	require.NoError(t, err)
	defer got.Body.Close()
	body, err := io.ReadAll(got.Body)
	require.NoError(t, err)
	assert.Equal(t, http.StatusOK, got.StatusCode, "%s", body)
	_, _, _, err = tracer.ReadCPUProfile(body)
	assert.NoError(t, err)
	paused := tracer.Windows(run)
	other()
	burnUntil(ctx, run, paused+1) // it has windows again
	end()
	finish(t, run)
}

// A host that starts a profile while a window is open is refused. If it does
// not look at the error, it stops our profile; what it starts next is its own.
func TestWhatIsNotOursIsNotStopped(t *testing.T) {
	ctx, run := profiled(t)
	end := twoSpans(ctx)
	burnUntilInWindow(ctx, run)
	assert.Error(t, pprof.StartCPUProfile(io.Discard))
	pprof.StopCPUProfile()
	var host bytes.Buffer
	require.NoError(t, pprof.StartCPUProfile(&host))
	burnUntil(ctx, run, 1)
	assert.Error(t, pprof.StartCPUProfile(io.Discard), "the host's profile goes on")
	pprof.StopCPUProfile()
	assert.NotZero(t, host.Len())
	end()
	finish(t, run)
}

func TestEndLeavesAnOpenWindow(t *testing.T) {
	for range 3 {
		ctx, run := profiled(t)
		end := twoSpans(ctx)
		burnUntilInWindow(ctx, run)
		end()
		finish(t, run)
		resume := tracer.PauseProfiling() // returns when the profiler is free
		require.NoError(t, pprof.StartCPUProfile(io.Discard))
		pprof.StopCPUProfile()
		resume()
	}
}

func TestOneActiveSpanNeedsNoProfiler(t *testing.T) {
	ctx, run := profiled(t)
	ctx, a := tracer.Start(ctx, "a")
	_, b := tracer.Start(ctx, "b") // a waits for it
	for tracer.Samples(run) < 5 {
		tracertest.Burn(ctx, 10*time.Millisecond)
		assert.False(t, tracer.InWindow(run))
	}
	b.End()
	a.End()
	finish(t, run)
}
