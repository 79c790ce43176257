package tracer_test

import (
	"context"
	"errors"
	"io"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/ecotracer/ecotracer/lifecycle"
	"github.com/ecotracer/ecotracer/tracer"
	"github.com/ecotracer/ecotracer/tracer/tracertest"
)

// fakeProfiler is a CPU profiler for virtual time: its profiles say what the
// test wants.
type fakeProfiler struct {
	run     *tracer.Run
	begun   time.Time
	rates   samples       // CPU seconds per second, by path
	refuse  atomic.Bool   // Start fails
	garbage bool          // what it writes is no profile
	takes   time.Duration // Stop

	mu  sync.Mutex
	out io.Writer
	log seen
}

// seen is when windows were opened and closed, and when the profiler was not
// to be had.
type seen struct{ opened, closed, refused []time.Duration }

// seen tells what happened up to now.
func (p *fakeProfiler) seen() seen {
	p.mu.Lock()
	defer p.mu.Unlock()
	return seen{slices.Clone(p.log.opened), slices.Clone(p.log.closed), slices.Clone(p.log.refused)}
}

func (p *fakeProfiler) start(w io.Writer) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.refuse.Load() {
		p.log.refused = append(p.log.refused, time.Since(p.begun))
		return errors.New("cpu profiling already in use")
	}
	p.log.opened = append(p.log.opened, time.Since(p.begun))
	p.out = w
	return nil
}

func (p *fakeProfiler) stop() {
	time.Sleep(p.takes)
	p.mu.Lock()
	defer p.mu.Unlock()
	p.log.closed = append(p.log.closed, time.Since(p.begun))
	if p.garbage {
		_, _ = io.WriteString(p.out, "no profile")
		return
	}
	length := p.log.closed[len(p.log.closed)-1] - p.log.opened[len(p.log.opened)-1]
	table := []string{"", tracer.LabelKey}
	m := message{}
	for path, rate := range p.rates {
		nanos := uint64(rate * float64(length))
		m = m.bytes(2, message{}.packed(2, 1, nanos).bytes(3, label(1, uint64(len(table)))))
		table = append(table, tracer.LabelOf(p.run, path))
	}
	for _, s := range table {
		m = m.bytes(6, []byte(s))
	}
	_, _ = p.out.Write(zipped(m))
}

// windowed begins a run on a node of 100 W that uses a fake profiler.
func windowed(t *testing.T, p *fakeProfiler) (context.Context, *tracer.Run) {
	t.Helper()
	tracer.LetTestsProfile(true)
	restore := tracer.UseProfiler(p.start, p.stop)
	t.Cleanup(func() { restore(); tracer.LetTestsProfile(false) })
	host := newPlant(4, cpus(1), cpus(1))
	ctx, run := begin(t, append(host.options(nodeOf(tracertest.Constant(100), 0, "")), watts(0), tracer.Scope(lifecycle.ScopeMachine))...)
	p.run, p.begun = run, time.Now()
	return ctx, run
}

// gaps are the times between windows.
func (s seen) gaps() (gaps []float64) {
	for i := 1; i < len(s.opened); i++ {
		gaps = append(gaps, (s.opened[i] - s.closed[i-1]).Seconds())
	}
	return gaps
}

// tick is by how much later than planned a window may open.
const tick = 1.0

func requireGaps(t *testing.T, want, got []float64) {
	t.Helper()
	require.GreaterOrEqual(t, len(got), len(want))
	for i, gap := range want {
		require.GreaterOrEqual(t, got[i], gap-1e-9, "gap %d of %v", i, got)
		require.LessOrEqual(t, got[i], gap+tick+0.01, "gap %d of %v", i, got)
	}
}

func TestGapsBetweenWindowsDoubleUpToFifteenSeconds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := &fakeProfiler{rates: samples{"a": 1}}
		ctx, run := windowed(t, p)
		end := twoSpans(ctx)
		time.Sleep(10 * time.Minute)
		end()
		requireGaps(t, []float64{1, 2, 4, 8, 15, 15, 15, 15}, p.seen().gaps())
		for i, closed := range p.seen().closed {
			require.Equal(t, time.Second, closed-p.seen().opened[i], "a window is a second long")
		}
		rec := finish(t, run)
		assert.Greater(t, span(t, rec, "a").SelfJ/line(t, rec, "node0").TotalJ, 0.999)
	})
}

func TestAPathThatIsNewBringsAWindowSoon(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := &fakeProfiler{rates: samples{"a": 1, "new": 3}}
		ctx, run := windowed(t, p)
		end := twoSpans(ctx)
		time.Sleep(2 * time.Minute)
		before := len(p.seen().opened)
		_, s := tracer.Start(ctx, "new")
		came := time.Since(p.begun)
		time.Sleep(2 * time.Minute)
		require.Less(t, (p.seen().opened[before] - came).Seconds(), 1+2*tick)
		requireGaps(t, []float64{1, 2, 4, 8, 15, 15}, p.seen().gaps()[before:])

		// It is known now: coming back it brings none.
		s.End()
		time.Sleep(3500 * time.Millisecond)
		before = len(p.seen().opened)
		_, s = tracer.Start(ctx, "new")
		time.Sleep(time.Minute)
		requireGaps(t, []float64{15, 15}, p.seen().gaps()[before:])
		s.End()
		end()
		finish(t, run)
	})
}

func TestAPathThatIsNewInAWindowIsKnownAfterIt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := &fakeProfiler{rates: samples{"a": 1, "new": 3}}
		ctx, run := windowed(t, p)
		end := twoSpans(ctx)
		for len(p.seen().opened) < 5 || len(p.seen().closed) == len(p.seen().opened) {
			time.Sleep(100 * time.Millisecond)
		}
		with(ctx, 5*time.Second, "new")
		time.Sleep(time.Minute)
		end()
		requireGaps(t, []float64{1, 2, 4, 8, 15, 15}, p.seen().gaps())
		finish(t, run)
	})
}

func TestTimeBeforeAWindowIsNotWeighedByIt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := &fakeProfiler{rates: samples{"a": 1}}
		ctx, run := windowed(t, p)
		_, x := tracer.Start(ctx, "x")
		with(ctx, 50*time.Millisecond, "y") // before the first reading, and the window that begins with it
		x.End()
		end := twoSpans(ctx)
		time.Sleep(3 * time.Second)
		end()
		rec := finish(t, run)
		require.Equal(t, 100*time.Millisecond, p.seen().opened[0])
		assert.InDelta(t, 2.5, span(t, rec, "x").SelfJ, 1e-6)
		assert.InDelta(t, 2.5, span(t, rec, "y").SelfJ, 1e-6)
		assert.InDelta(t, 2.5, span(t, rec, "b").SelfJ, 1e-6, "by wall share, of the rest before the window")
	})
}

func TestAProfilerThatIsNotToBeHadIsAskedForRarely(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := &fakeProfiler{rates: samples{"a": 1}}
		p.refuse.Store(true)
		ctx, run := windowed(t, p)
		end := twoSpans(ctx)
		time.Sleep(5 * time.Hour)
		var waits []float64
		for i := 1; i < len(p.seen().refused); i++ {
			waits = append(waits, (p.seen().refused[i] - p.seen().refused[i-1]).Seconds())
		}
		requireGaps(t, []float64{60, 120, 240, 480, 960, 1920, 3600, 3600}, waits)
		p.refuse.Store(false)
		time.Sleep(2 * time.Hour)
		assert.Greater(t, len(p.seen().opened), 100, "once it is to be had all is as before")
		p.refuse.Store(true)
		before := len(p.seen().refused)
		time.Sleep(20 * time.Minute)
		waits = nil
		for i := before + 1; i < len(p.seen().refused); i++ {
			waits = append(waits, (p.seen().refused[i] - p.seen().refused[i-1]).Seconds())
		}
		requireGaps(t, []float64{60, 120, 240}, waits)
		end()
		finish(t, run)
	})
}

func TestAWindowThatCannotBeReadIsLeftOut(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := &fakeProfiler{garbage: true}
		ctx, run := windowed(t, p)
		end := twoSpans(ctx)
		time.Sleep(time.Minute)
		end()
		assert.Greater(t, len(p.seen().closed), 3, "it is tried again")
		rec := finish(t, run)
		assert.InDelta(t, 3000, span(t, rec, "a").SelfJ, 1e-6)
		assert.Equal(t, "wall", line(t, rec, "node0").Split)
	})
}

func TestEndDoesNotWaitForAProfile(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := &fakeProfiler{rates: samples{"a": 1}, takes: 40 * time.Millisecond}
		ctx, run := windowed(t, p)
		end := twoSpans(ctx)
		time.Sleep(600 * time.Millisecond)
		end()
		ending := time.Now()
		rec := finish(t, run)
		assert.Zero(t, time.Since(ending))
		assert.Len(t, p.seen().opened, 1)
		assert.Empty(t, p.seen().closed)
		assert.InDelta(t, 30, span(t, rec, "a").SelfJ, 1e-6, "by wall share: no rate was known")
		time.Sleep(50 * time.Millisecond)
		assert.Len(t, p.seen().closed, 1, "it is stopped all the same")
	})
}

func TestPausingCutsAWindowShort(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := &fakeProfiler{rates: samples{"a": 1}, takes: 40 * time.Millisecond}
		ctx, run := windowed(t, p)
		end := twoSpans(ctx)
		time.Sleep(500 * time.Millisecond)
		resume := tracer.PauseProfiling()
		require.Len(t, p.seen().closed, 1, "it is free when PauseProfiling returns")
		time.Sleep(10 * time.Minute)
		assert.Len(t, p.seen().opened, 1, "and stays so")
		resume()
		time.Sleep(3 * time.Second)
		assert.Len(t, p.seen().opened, 2)
		end()
		rec := finish(t, run)
		assert.Greater(t, span(t, rec, "a").SelfJ/line(t, rec, "node0").TotalJ, 0.999, "what the short window told is used")
	})
}
