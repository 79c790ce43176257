package tracer_test

import (
	"context"
	"runtime/pprof"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/ecotracer/ecotracer/tracer"
	"github.com/ecotracer/ecotracer/tracer/tracertest"
)

// metered begins a run on meters of two domains that are read when Tick says.
func metered(t *testing.T) (context.Context, *tracer.Run) {
	t.Helper()
	m := tracertest.NewMeter(domain("node0", tracertest.Constant(10)), domain("gpu0", tracertest.Constant(10)))
	return begin(t, newPlant(1, cpus(1), cpus(1)).options(m)...)
}

func TestAMillionSpansCostWhatAThousandCost(t *testing.T) {
	ctx, run := metered(t)
	work := func(n int) {
		for i := range n {
			outer, epoch := tracer.Start(ctx, "epoch")
			_, load := tracer.Start(outer, "load", tracer.Async())
			_, step := tracer.Start(outer, "step", tracer.OnDevices("gpu0"))
			step.Count("samples", 32)
			if i%1000 == 0 {
				tracer.Tick(run)
			}
			load.End()
			step.End()
			epoch.End()
		}
	}
	work(1000)
	before := heap()
	work(333_000)
	// The sketches of durations may have grown by the buckets of rare ones.
	assert.Less(t, heap()-before, int64(64<<10), "bytes")
	rec := finish(t, run)
	assert.EqualValues(t, 334_000, span(t, rec, "epoch/step").Count)
	assert.EqualValues(t, 334_000*32, span(t, rec, "epoch/step").Units["samples"].Count)
}

func TestALongNameIsNotKept(t *testing.T) {
	ctx, run := metered(t)
	before := heap()
	for i := range 100 {
		parent, s := tracer.Start(ctx, "parent "+strconv.Itoa(i))
		_, child := tracer.Start(parent, strings.Repeat("x", 1<<20)+strconv.Itoa(i))
		child.End()
		// What is cut from something long must not keep all of it.
		_, part := tracer.Start(parent, strings.Repeat("y", 1<<20)[:10])
		part.End()
		s.End()
	}
	assert.Less(t, heap()-before, int64(10<<20), "bytes after two hundred names of a megabyte")
	finish(t, run)
}

func TestWhatASpanAllocates(t *testing.T) {
	unit := func(s *tracer.Span) {
		s.Count("samples", 1)
		s.End()
	}
	ctx, run := metered(t)
	outer, s := tracer.Start(ctx, "outer")
	inLabels, _ := labelled(t)
	hosts := pprof.WithLabels(inLabels, pprof.Labels("host", "a"))
	for name, c := range map[string]struct {
		start func() *tracer.Span
		most  float64
	}{
		"a span":               {func() *tracer.Span { _, s := tracer.Start(ctx, "a"); return s }, 2},
		"a span in a span":     {func() *tracer.Span { _, s := tracer.Start(outer, "a"); return s }, 2},
		"a span on a device":   {func() *tracer.Span { _, s := tracer.Start(ctx, "a", tracer.OnDevices("gpu0")); return s }, 2},
		"a span with a label":  {func() *tracer.Span { _, s := tracer.Start(inLabels, "a"); return s }, 2},
		"beside host's labels": {func() *tracer.Span { _, s := tracer.Start(hosts, "a"); return s }, 2},
	} {
		assert.LessOrEqual(t, testing.AllocsPerRun(1000, func() { unit(c.start()) }), c.most, name)
	}
	s.End()
	finish(t, run)
}

func TestWithoutARunASpanIsFree(t *testing.T) {
	ended, run := metered(t)
	finish(t, run)
	for name, ctx := range map[string]context.Context{
		"no run":             context.Background(),
		"the run has ended":  ended,
		"a context of hosts": context.WithValue(context.Background(), hostsKey{}, 1),
	} {
		assert.Zero(t, testing.AllocsPerRun(1000, func() {
			inner, s := tracer.Start(ctx, "a", tracer.Async())
			s.Count("samples", 1)
			s.Fail(context.Canceled)
			_, n := tracer.Start(inner, "b")
			n.End()
			s.End()
		}), name)
	}
}

// hostsKey is a context key of a host's own.
type hostsKey struct{}
