package slogspan_test

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"log"
	"log/slog"
	"sync"
	"testing"
	"testing/slogtest"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/ecotracer/ecotracer/lifecycle"
	"github.com/ecotracer/ecotracer/tracer"
	"github.com/ecotracer/ecotracer/tracer/slogspan"
	"github.com/ecotracer/ecotracer/tracer/tracertest"
)

func begin(t testing.TB) (context.Context, *tracer.Run) {
	t.Helper()
	host := tracertest.NewHost(t.TempDir(), tracertest.HostConfig{})
	ctx, run, err := tracer.Begin(context.Background(), append(host.Options(), tracer.Sinks(new(tracertest.Recorder)))...)
	require.NoError(t, err)
	t.Cleanup(func() { _, _ = run.End() })
	return ctx, run
}

// within logs all in one context, as slogtest cannot choose its own.
type within struct {
	slog.Handler
	ctx context.Context
}

func (w within) Handle(_ context.Context, r slog.Record) error { return w.Handler.Handle(w.ctx, r) }
func (w within) WithAttrs(a []slog.Attr) slog.Handler          { return within{w.Handler.WithAttrs(a), w.ctx} }
func (w within) WithGroup(name string) slog.Handler            { return within{w.Handler.WithGroup(name), w.ctx} }

func TestItIsAHandlerByTheRulesWithARunAndWithout(t *testing.T) {
	for name, start := range map[string]func(t *testing.T) context.Context{
		"no run": func(t *testing.T) context.Context { return t.Context() },
		"a run": func(t *testing.T) context.Context {
			ctx, _ := begin(t)
			return ctx
		},
		"a span": func(t *testing.T) context.Context {
			ctx, _ := begin(t)
			ctx, span := tracer.Start(ctx, "train")
			t.Cleanup(span.End)
			return ctx
		},
	} {
		t.Run(name, func(t *testing.T) {
			ctx := start(t)
			var b bytes.Buffer
			slogtest.Run(t, func(*testing.T) slog.Handler {
				b.Reset()
				return within{slogspan.Handler(slog.NewJSONHandler(&b, nil)), ctx}
			}, func(t *testing.T) map[string]any {
				m := map[string]any{}
				require.NoError(t, json.Unmarshal(b.Bytes(), &m))
				assert.Equal(t, name != "no run", m["ecotracer"] != nil, "at the top, whatever groups are open")
				delete(m, "ecotracer")
				return m
			})
		})
	}
}

// logged is what a logger that is made by with writes in ctx.
func logged(t *testing.T, ctx context.Context, with func(*slog.Logger) *slog.Logger) map[string]any {
	t.Helper()
	var b bytes.Buffer
	l := with(slog.New(slogspan.Handler(slog.NewJSONHandler(&b, &slog.HandlerOptions{AddSource: true}))))
	l.InfoContext(ctx, "done", "loss", 0.5)
	m := map[string]any{}
	require.NoError(t, json.Unmarshal(b.Bytes(), &m))
	assert.Contains(t, m["source"].(map[string]any)["function"], "slogspan_test.logged", "where it was logged")
	for _, k := range []string{"time", "level", "msg", "source"} {
		assert.Contains(t, m, k)
		delete(m, k)
	}
	return m
}

func TestARecordTellsTheSpanThatItWasLoggedIn(t *testing.T) {
	ctx, run := begin(t)
	inside, train := tracer.Start(ctx, "train")
	inside, epoch := tracer.Start(inside, "epoch", tracer.In(lifecycle.FineTuning))
	record, err := run.Snapshot(ctx)
	require.NoError(t, err)
	ofRun := map[string]any{"run": run.ID(), "trace": record.Run.TraceID}
	ofSpan := map[string]any{"run": run.ID(), "trace": record.Run.TraceID, "span": "train/epoch", "stage": "training/fine-tuning"}

	plain := func(l *slog.Logger) *slog.Logger { return l }
	grouped := func(l *slog.Logger) *slog.Logger {
		return l.With("a", 1).WithGroup("g").With("b", 2).WithGroup("h").With("c", 3)
	}
	attrs := map[string]any{"a": 1.0, "g": map[string]any{"b": 2.0, "h": map[string]any{"c": 3.0, "loss": 0.5}}}
	with := func(m map[string]any, own map[string]any) map[string]any {
		n := map[string]any{"ecotracer": own}
		for k, v := range m {
			n[k] = v
		}
		return n
	}
	loss := map[string]any{"loss": 0.5}
	assert.Equal(t, with(loss, ofSpan), logged(t, inside, plain))
	assert.Equal(t, with(attrs, ofSpan), logged(t, inside, grouped))
	assert.Equal(t, with(loss, ofRun), logged(t, ctx, plain))
	assert.Equal(t, with(attrs, ofRun), logged(t, ctx, grouped))

	epoch.End()
	train.End()
	_, err = run.End()
	require.NoError(t, err)
	assert.Equal(t, with(loss, ofSpan), logged(t, inside, plain), "what the context says holds after the end, too")
	assert.Equal(t, loss, logged(t, t.Context(), plain))
	assert.Equal(t, attrs, logged(t, t.Context(), grouped))
}

func TestLoggersOfOneAnotherDoNotMix(t *testing.T) {
	ctx, _ := begin(t)
	ctx, span := tracer.Start(ctx, "train")
	defer span.End()
	var wg sync.WaitGroup
	base := func(l *slog.Logger) *slog.Logger { return l.WithGroup("g").With("a", 1) }
	for i := range 8 {
		wg.Go(func() {
			m := logged(t, ctx, func(l *slog.Logger) *slog.Logger {
				l = base(l)
				_ = l.With("not", "mine").WithGroup("neither")
				return l.With("i", i)
			})
			assert.Equal(t, map[string]any{"a": 1.0, "i": float64(i), "loss": 0.5}, m["g"])
		})
	}
	wg.Wait()
}

func TestSlogsFirstHandlerIsWrappedAndDoesNotWaitForItself(t *testing.T) {
	first, flags, to := slog.Default(), log.Flags(), log.Writer()
	t.Cleanup(func() {
		slog.SetDefault(first)
		log.SetFlags(flags)
		log.SetOutput(to)
	})
	var b bytes.Buffer
	log.SetOutput(&b)
	slog.SetDefault(slog.New(slogspan.Handler(slog.Default().Handler())))
	ctx, run := begin(t)
	slog.InfoContext(ctx, "by slog", "n", 1)
	log.Print("by log")
	assert.Contains(t, b.String(), `level=INFO msg="by slog" n=1 ecotracer.run=`+run.ID())
	assert.Contains(t, b.String(), `level=INFO msg="by log"`)
}

// discard takes all and keeps nothing.
type discard struct{ slog.Handler }

func (discard) Handle(context.Context, slog.Record) error { return nil }

func TestWithoutASpanNothingIsAllocated(t *testing.T) {
	log := slog.New(slogspan.Handler(discard{slog.NewTextHandler(io.Discard, nil)}))
	allocs := func(ctx context.Context) float64 {
		return testing.AllocsPerRun(100, func() { log.LogAttrs(ctx, slog.LevelInfo, "done", slog.Int("n", 1)) })
	}
	assert.Zero(t, allocs(t.Context()))
	ctx, _ := begin(t)
	assert.Zero(t, allocs(ctx), "a run without a span")
}

func BenchmarkHandler(b *testing.B) {
	bench := func(name string, ctx context.Context, h slog.Handler) {
		b.Run(name, func(b *testing.B) {
			log := slog.New(h)
			b.ReportAllocs()
			for b.Loop() {
				log.LogAttrs(ctx, slog.LevelInfo, "done", slog.Int("n", 1))
			}
		})
	}
	text := slog.NewTextHandler(io.Discard, nil)
	bench("bare", b.Context(), text)
	bench("off", b.Context(), slogspan.Handler(text))
	ctx, _ := begin(b)
	bench("run", ctx, slogspan.Handler(text))
	ctx, span := tracer.Start(ctx, "train")
	defer span.End()
	bench("span", ctx, slogspan.Handler(text))
}
