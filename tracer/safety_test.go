package tracer_test

import (
	"context"
	"io/fs"
	"runtime"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/ecotracer/ecotracer/tracer"
	"github.com/ecotracer/ecotracer/tracer/meter"
	"github.com/ecotracer/ecotracer/tracer/tracertest"
)

// stacksOfOurs are the goroutines of the tracer, without this test's own.
func stacksOfOurs() (stacks []string) {
	b := make([]byte, 1<<20)
	b = b[:runtime.Stack(b, true)]
	for g := range strings.SplitSeq(string(b), "\n\n") {
		if strings.Contains(g, "ecotracer/tracer.") && !strings.Contains(g, "_test.go") {
			stacks = append(stacks, g)
		}
	}
	return stacks
}

// Trap 18: no poller is left behind.
func TestNoGoroutineOutlivesItsRun(t *testing.T) {
	// A bubble does not end before all goroutines in it have.
	synctest.Test(t, func(t *testing.T) {
		for range 3 {
			ctx, run, err := inFolder(t.TempDir(), tracer.Meters(slow(ten(), time.Second, 10*time.Millisecond)))
			require.NoError(t, err)
			_, s := tracer.Start(ctx, "work")
			time.Sleep(10 * time.Second)
			s.End()
			_, err = run.End()
			require.NoError(t, err)
		}
	})
	// On the true host, with the profiler, which takes its time to stop.
	tracer.LetTestsProfile(true)
	defer tracer.LetTestsProfile(false)
	ctx, run, err := tracer.Begin(context.Background(), tracer.Dir(t.TempDir()), tracer.Checkpoints(time.Millisecond), tracer.Sampling(10*time.Millisecond))
	require.NoError(t, err)
	assert.NotEmpty(t, stacksOfOurs(), "while it is open it has some")
	_, a := tracer.Start(ctx, "a")
	_, b := tracer.Start(ctx, "b")
	for began := time.Now(); time.Since(began) < 300*time.Millisecond; { // into a window
	}
	a.End()
	b.End()
	_, err = run.End()
	require.NoError(t, err)
	require.Eventually(t, func() bool { return len(stacksOfOurs()) == 0 }, 10*time.Second, time.Millisecond, "%q", stacksOfOurs())
}

// broken panics in one of its methods from some time on.
type broken struct {
	*tracertest.Meter
	in   string
	from time.Time
}

func (m *broken) at(method string) {
	if m.in == method && !time.Now().Before(m.from) {
		panic("the driver is gone")
	}
}

func (m *broken) Domains() []meter.Domain { m.at("Domains"); return m.Meter.Domains() }
func (m *broken) Close() error            { m.at("Close"); return m.Meter.Close() }
func (m *broken) Read(dst []meter.Sample) ([]meter.Sample, error) {
	m.at("Read")
	return m.Meter.Read(dst)
}

// paced is broken and slow.
type paced struct{ *broken }

func (m paced) Period() time.Duration  { m.at("Period"); return time.Second }
func (m paced) Timeout() time.Duration { m.at("Timeout"); return time.Second }

// brokenHost panics when a file of it is opened or read.
type brokenHost struct {
	fs.FS
	in   string
	from time.Time
}

func (h *brokenHost) at(method string) {
	if h.in == method && !time.Now().Before(h.from) {
		panic("the file system is gone")
	}
}

func (h *brokenHost) Open(name string) (fs.File, error) {
	h.at("Open")
	f, err := h.FS.Open(name)
	if err != nil {
		return nil, err
	}
	return &brokenFile{f, h}, nil
}

type brokenFile struct {
	fs.File
	host *brokenHost
}

func (f *brokenFile) Read(b []byte) (int, error) { f.host.at("Read"); return f.File.Read(b) }
func (f *brokenFile) Close() error               { f.host.at("Close"); return f.File.Close() }

// besides begins a run with a processor that draws 10 W, on a host that works
// unless the options have another.
func besides(opts ...tracer.Option) (context.Context, *tracer.Run, error) {
	return tracer.Begin(context.Background(), append([]tracer.Option{
		tracer.Host(newPlant(1, cpus(1), cpus(1))), tracer.Sinks(new(tracertest.Recorder)),
		tracer.Meters(tracertest.NewMeter(domain("cpu0", tracertest.Constant(10)))),
	}, opts...)...)
}

// Trap 45: whatever breaks, the host program goes on.
func TestWhatTheHostGivesMayPanic(t *testing.T) {
	type gives func(from time.Time) []tracer.Option
	meterIn := func(method string) gives {
		return func(from time.Time) []tracer.Option {
			return []tracer.Option{tracer.Meters(&broken{tracertest.NewMeter(domain("gpu0", tracertest.Constant(5))), method, from})}
		}
	}
	slowIn := func(method string) gives {
		return func(from time.Time) []tracer.Option {
			return []tracer.Option{tracer.Meters(paced{&broken{tracertest.NewMeter(domain("gpu0", tracertest.Constant(5))), method, from}})}
		}
	}
	hostIn := func(method string) gives {
		return func(from time.Time) []tracer.Option {
			return []tracer.Option{tracer.Host(&brokenHost{newPlant(1, cpus(1), cpus(1)), method, from})}
		}
	}
	for name, c := range map[string]struct {
		what gives
		told bool // by Begin, if it panics from the begin on
	}{
		"Meter.Domains":        {meterIn("Domains"), true},
		"Meter.Read":           {meterIn("Read"), false},
		"Meter.Close":          {meterIn("Close"), false},
		"a slow Meter.Domains": {slowIn("Domains"), true},
		"a slow Meter.Read":    {slowIn("Read"), false},
		"a slow Meter.Close":   {slowIn("Close"), false},
		"Pacer.Period":         {slowIn("Period"), true},
		"Pacer.Timeout":        {slowIn("Timeout"), true},
		"FS.Open":              {hostIn("Open"), true},
		"File.Read":            {hostIn("Read"), true},
		"File.Close":           {hostIn("Close"), true},
		"CPUTime": {func(from time.Time) []tracer.Option {
			return []tracer.Option{tracer.CPUTime(func() time.Duration {
				if !time.Now().Before(from) {
					panic("no such process")
				}
				return time.Since(from) / 2
			})}
		}, false},
	} {
		for when, after := range map[string]time.Duration{"at the begin": 0, "later": 3500 * time.Millisecond} {
			t.Run(name+" "+when, func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					ctx, run, err := besides(c.what(time.Now().Add(after))...)
					if after == 0 && c.told {
						require.ErrorContains(t, err, "panicked")
					} else {
						require.NoError(t, err)
					}
					_, s := tracer.Start(ctx, "work")
					time.Sleep(10 * time.Second)
					s.End()
					rec, err := run.End()
					require.NoError(t, err)
					requireValid(t, rec)
					assert.InDelta(t, 10, span(t, rec, "work").TotalS, 1e-9, "the program is measured all the same")
					if !strings.HasPrefix(name, "F") || after > 0 {
						assert.InDelta(t, 100, line(t, rec, "cpu0").TotalJ, 1e-9, "and so is what can be")
					}
				})
			})
		}
	}
}
