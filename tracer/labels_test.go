package tracer_test

import (
	"bytes"
	"context"
	"regexp"
	"runtime/pprof"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/ecotracer/ecotracer/tracer"
	"github.com/ecotracer/ecotracer/tracer/tracertest"
)

// labelled begins a run whose spans label their goroutines, as they do outside
// of tests. The profiler is not used.
func labelled(t *testing.T) (context.Context, *tracer.Run) {
	t.Helper()
	tracer.LetTestsProfile(true)
	resume := tracer.PauseProfiling()
	ctx, run := begin(t, newPlant(1, cpus(1), cpus(1)).options(tracertest.NewMeter(domain("node0", nil)))...)
	t.Cleanup(func() {
		finish(t, run)
		tracer.LetTestsProfile(false)
		resume()
	})
	return ctx, run
}

// labelsHere are the profiler's labels of the calling goroutine; of ours only
// the path is told.
func labelsHere(t *testing.T) map[string]string {
	t.Helper()
	var b bytes.Buffer
	require.NoError(t, pprof.Lookup("goroutine").WriteTo(&b, 1))
	for part := range strings.SplitSeq(b.String(), "\n\n") {
		if !strings.Contains(part, "tracer_test.labelsHere") {
			continue
		}
		labels := map[string]string{}
		text := regexp.MustCompile(`(?m)^# labels: \{(.*)\}$`).FindStringSubmatch(part)
		if text == nil {
			return labels
		}
		for _, l := range regexp.MustCompile(`"([^"]*)":"([^"]*)"`).FindAllStringSubmatch(text[1], -1) {
			labels[l[1]] = l[2]
			if l[1] == tracer.LabelKey {
				labels[l[1]], _, _ = strings.Cut(l[2], "#")
			}
		}
		return labels
	}
	require.Fail(t, "the profile does not show this goroutine")
	return nil
}

// ours is the label of a path, and what the host set beside it.
func ours(path string, host ...string) map[string]string {
	labels := map[string]string{tracer.LabelKey: path}
	for i := 0; i < len(host); i += 2 {
		labels[host[i]] = host[i+1]
	}
	return labels
}

func TestASpanLabelsItsGoroutineUntilItsEnd(t *testing.T) {
	ctx, _ := labelled(t)
	none := map[string]string{}
	assert.Equal(t, none, labelsHere(t))
	outer, a := tracer.Start(ctx, "a")
	assert.Equal(t, ours("a"), labelsHere(t))
	_, b := tracer.Start(outer, "b")
	assert.Equal(t, ours("a/b"), labelsHere(t))
	inherited := make(chan map[string]string)
	go func() { inherited <- labelsHere(t) }()
	assert.Equal(t, ours("a/b"), <-inherited, "goroutines that it starts are labelled too")
	b.End()
	assert.Equal(t, ours("a"), labelsHere(t), "the parent's label is back")
	b.End()
	a.End()
	assert.Equal(t, none, labelsHere(t))
}

func TestTheHostsLabelsStay(t *testing.T) {
	ctx, _ := labelled(t)
	pprof.Do(ctx, pprof.Labels("host", "outside"), func(ctx context.Context) {
		for range 3 { // the merged set is remembered
			ctx, a := tracer.Start(ctx, "a")
			assert.Equal(t, ours("a", "host", "outside"), labelsHere(t))
			pprof.Do(ctx, pprof.Labels("host", "inside", "more", "1"), func(ctx context.Context) {
				assert.Equal(t, ours("a", "host", "inside", "more", "1"), labelsHere(t))
				_, b := tracer.Start(ctx, "b")
				assert.Equal(t, ours("a/b", "host", "inside", "more", "1"), labelsHere(t))
				b.End()
				assert.Equal(t, ours("a", "host", "inside", "more", "1"), labelsHere(t))
			})
			assert.Equal(t, ours("a", "host", "outside"), labelsHere(t))
			_, c := tracer.Start(ctx, "c")
			assert.Equal(t, ours("a/c", "host", "outside"), labelsHere(t), "below a span that has both")
			c.End()
			a.End()
			assert.Equal(t, map[string]string{"host": "outside"}, labelsHere(t))
		}
	})
}

func TestManySetsOfLabelsOfTheHostAreNotMixedUp(t *testing.T) {
	ctx, _ := labelled(t)
	for i := range 300 { // more than are remembered
		value := strings.Repeat("x", i%150)
		pprof.Do(ctx, pprof.Labels("request", value), func(ctx context.Context) {
			_, a := tracer.Start(ctx, "serve")
			if i%29 == 0 {
				assert.Equal(t, ours("serve", "request", value), labelsHere(t))
			}
			a.End()
		})
	}
}

func TestEndOnAnotherGoroutineGivesThatOneTheLabelsOfStart(t *testing.T) {
	ctx, _ := labelled(t)
	pprof.Do(ctx, pprof.Labels("host", "a"), func(ctx context.Context) {
		_, s := tracer.Start(ctx, "work")
		after := make(chan map[string]string)
		go func() {
			s.End()
			after <- labelsHere(t)
		}()
		assert.Equal(t, map[string]string{"host": "a"}, <-after)
		assert.Equal(t, ours("work", "host", "a"), labelsHere(t), "this goroutine has its own")
	})
}

func TestInATestBinaryNoGoroutineIsLabelled(t *testing.T) {
	ctx, run := begin(t, newPlant(1, cpus(1), cpus(1)).options(tracertest.NewMeter(domain("node0", nil)))...)
	pprof.Do(ctx, pprof.Labels("host", "a"), func(ctx context.Context) {
		_, s := tracer.Start(ctx, "work")
		assert.Equal(t, map[string]string{"host": "a"}, labelsHere(t))
		s.End()
	})
	finish(t, run)
}

func TestSwitchedOffNoGoroutineIsLabelled(t *testing.T) {
	t.Setenv("ECOTRACER_CPU_WEIGHTS", "off")
	ctx, _ := labelled(t)
	_, s := tracer.Start(ctx, "work")
	assert.Empty(t, labelsHere(t))
	s.End()
}

func TestTheSamplerIsNoPartOfTheSpanThatBeganARun(t *testing.T) {
	ctx, _ := labelled(t)
	ctx, s := tracer.Start(ctx, "outer")
	_, inner := begin(t, newPlant(1, cpus(1), cpus(1)).options(tracertest.NewMeter(domain("node0", nil)))...)
	_, _ = tracer.Start(ctx, "other")
	var b bytes.Buffer
	for !strings.Contains(b.String(), "tracer.(*ledger).sample") { // it may not have begun yet
		b.Reset()
		require.NoError(t, pprof.Lookup("goroutine").WriteTo(&b, 1))
	}
	samplers := 0
	for part := range strings.SplitSeq(b.String(), "\n\n") {
		if strings.Contains(part, "tracer.(*ledger).sample+") {
			samplers++
			assert.NotContains(t, part, "outer")
		}
	}
	assert.Positive(t, samplers)
	s.End()
	finish(t, inner)
}
