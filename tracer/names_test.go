package tracer_test

import (
	"runtime"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/ecotracer/ecotracer/tracer"
)

func TestNamesBecomePaths(t *testing.T) {
	for name, want := range map[string]string{
		"train":                      "train",
		"":                           "(unnamed)",
		"GET /api/predict":           "GET ~1api~1predict",
		"~":                          "~0",
		"a~1b":                       "a~01b",
		"zürich 日本":                  "zürich 日本",
		"a\xffb":                     "a\uFFFDb",
		"\xff":                       "\uFFFD",
		"a\nb":                       "a\nb",
		strings.Repeat("x", 1000):    strings.Repeat("x", 256),
		strings.Repeat("日", 1000):    strings.Repeat("日", 85),
		strings.Repeat("/", 1000):    strings.Repeat("~1", 256),
		strings.Repeat("\x80", 1000): strings.Repeat("\uFFFD", 1),
	} {
		ctx, run := simple(t)
		_, s := tracer.Start(ctx, name)
		s.End()
		span(t, finish(t, run), want)
	}
}

func TestALongPathEndsInOther(t *testing.T) {
	t.Run("it is deep", func(t *testing.T) {
		outer, run := simple(t)
		var spans []*tracer.Span
		ctx := outer
		for range 200 {
			var s *tracer.Span
			ctx, s = tracer.Start(ctx, "a")
			spans = append(spans, s)
		}
		for i := len(spans) - 1; i >= 0; i-- {
			spans[i].End()
		}
		rec := finish(t, run)
		assert.Len(t, rec.Spans, 64)
		assert.EqualValues(t, 200-63, span(t, rec, strings.Repeat("a/", 63)+"(other)").Count)
		_, flagged := warned(rec, "paths-bounded")
		assert.True(t, flagged)
	})
	t.Run("its names are long", func(t *testing.T) {
		ctx, run := simple(t)
		for range 30 {
			var s *tracer.Span
			ctx, s = tracer.Start(ctx, strings.Repeat("a", 256))
			defer s.End()
		}
		rec := finish(t, run)
		for _, s := range rec.Spans {
			assert.LessOrEqual(t, len(s.Path), 4096)
		}
		_, flagged := warned(rec, "paths-bounded")
		assert.True(t, flagged)
	})
}

func TestManyNamesCostNoMoreThanThePathsThatAreKept(t *testing.T) {
	const names = 100_000
	long := strings.Repeat("x", 300)
	for what, start := range map[string]func(*tracer.Run, int) (string, []tracer.StartOption){
		"long names with a common begin": func(_ *tracer.Run, i int) (string, []tracer.StartOption) { return long + strconv.Itoa(i), nil },
		"devices that nobody knows": func(_ *tracer.Run, i int) (string, []tracer.StartOption) {
			return "a", []tracer.StartOption{tracer.OnDevices(long + strconv.Itoa(i))}
		},
	} {
		t.Run(what, func(t *testing.T) {
			ctx, run := simple(t)
			before := heap()
			for i := range names {
				name, opts := start(run, i)
				_, s := tracer.Start(ctx, name, opts...)
				s.End()
			}
			assert.Less(t, heap()-before, int64(20<<20), "bytes after %d names of 300 bytes", names)
			assert.Equal(t, 1, tracer.Accounts(run))
			finish(t, run)
		})
	}
	t.Run("names in the thousands", func(t *testing.T) {
		ctx, run := simple(t)
		for i := range 3 * names / 10 {
			_, s := tracer.Start(ctx, "batch "+strconv.Itoa(i))
			s.End()
		}
		assert.LessOrEqual(t, tracer.Accounts(run), 10_001)
		rec, err := run.End()
		assert.NoError(t, err)
		assert.EqualValues(t, 20_000, span(t, rec, "(other)").Count)
		_, flagged := warned(rec, "paths-bounded")
		assert.True(t, flagged)
	})
}

func heap() int64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc)
}
