package tracer_test

import (
	"bytes"
	"errors"
	"io"
	"runtime/trace"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	exptrace "golang.org/x/exp/trace"

	"github.com/ecotracer/ecotracer/tracer"
	"github.com/ecotracer/ecotracer/tracer/tracertest"
)

// The samples of the profiler are held to the CPU time that the kernel says each
// goroutine got; in an execution trace a goroutine runs for as long at the least,
// and longer where its thread has to wait for a CPU that others use. Three spans
// compute as 10 : 5 : 2, one with breaks as long as its work. The profiler
// takes 100 samples a second of CPU time: two windows are some 250 of them at
// least, of which a share of 59 % has a standard deviation of 3.1 %, and 15 %
// are more than four. What the first tenth of a second, booked by wall share,
// and the gap, booked by rates, add is below 2 %.
func TestCPUTimeWeightsAgreeWithAnExecutionTrace(t *testing.T) {
	if trace.IsEnabled() {
		t.Skip("these tests are being traced")
	}
	ctx, run := profiled(t)
	var log bytes.Buffer
	require.NoError(t, trace.Start(&log))
	work := map[string]time.Duration{"ten": 10 * time.Millisecond, "five": 5 * time.Millisecond, "two": 2 * time.Millisecond}
	turns := map[string]chan struct{}{"five": make(chan struct{}, 1), "two": make(chan struct{}, 1)}
	var wg sync.WaitGroup
	var mu sync.Mutex
	used := map[string]time.Duration{} // by the kernel
	compute := func(path string, again func() bool) {
		wg.Go(func() {
			ctx, s := tracer.Start(ctx, path)
			defer s.End()
			trace.WithRegion(ctx, path, func() { // its goroutine, in the trace
				var cpu time.Duration
				for again() {
					cpu += tracertest.Burn(ctx, work[path])
				}
				mu.Lock()
				defer mu.Unlock()
				used[path] = cpu
			})
		})
	}
	compute("ten", func() bool {
		if tracer.Windows(run) >= 2 {
			close(turns["five"])
			close(turns["two"])
			return false
		}
		turns["five"] <- struct{}{}
		turns["two"] <- struct{}{}
		return true
	})
	for path, turn := range turns {
		compute(path, func() bool { _, ok := <-turn; return ok })
	}
	wg.Wait()
	rec := finish(t, run)
	trace.Stop()
	running := onCPU(t, &log)
	require.Len(t, running, 3)
	for path, cpu := range used {
		assert.Greater(t, running[path], cpu*95/100, "what computes is running, %s too", path)
	}
	compareShares(t, rec, used, 0.15)
}

// onCPU is for how long the goroutine of each region was running.
func onCPU(t *testing.T, log io.Reader) map[string]time.Duration {
	t.Helper()
	r, err := exptrace.NewReader(log)
	require.NoError(t, err)
	running := map[exptrace.GoID]exptrace.Time{}
	used := map[exptrace.GoID]time.Duration{}
	path := map[exptrace.GoID]string{}
	for {
		e, err := r.ReadEvent()
		if errors.Is(err, io.EOF) {
			break
		}
		require.NoError(t, err)
		switch e.Kind() {
		case exptrace.EventRegionBegin:
			path[e.Goroutine()] = e.Region().Type
		case exptrace.EventStateTransition:
			s := e.StateTransition()
			if s.Resource.Kind != exptrace.ResourceGoroutine {
				continue
			}
			id := s.Resource.Goroutine()
			from, to := s.Goroutine()
			if from == exptrace.GoRunning {
				used[id] += e.Time().Sub(running[id])
			}
			if to == exptrace.GoRunning {
				running[id] = e.Time()
			}
		}
	}
	out := map[string]time.Duration{}
	for id, p := range path {
		out[p] += used[id]
	}
	return out
}
