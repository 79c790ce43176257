package otel_test

import (
	"context"
	"errors"
	"math"
	"math/rand/v2"
	"runtime"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	sdk "go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"
	"go.opentelemetry.io/otel/trace"

	"github.com/ecotracer/ecotracer/lifecycle"
	"github.com/ecotracer/ecotracer/tracer"
	"github.com/ecotracer/ecotracer/tracer/meter"
	"github.com/ecotracer/ecotracer/tracer/otel"
	"github.com/ecotracer/ecotracer/tracer/tracertest"
)

func TestAProgramFullOfSpansHasEnergyOnThem(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, run := begin(t)
		provider, p, memory := processed(run)
		tr := provider.Tracer("a program's own")
		time.Sleep(time.Second / 2)
		request, s := tr.Start(ctx, "GET /predict", trace.WithAttributes(attribute.String("http.route", "/predict")))
		time.Sleep(time.Second / 2)
		sleeping(tr, request, "load", time.Second/2)
		_, predict := tr.Start(request, "predict")
		time.Sleep(time.Second)
		predict.SetStatus(codes.Error, "no")
		predict.End()
		s.End()
		assert.Empty(t, memory.GetSpans(), "their energy is not known yet")
		require.NoError(t, provider.ForceFlush(ctx))
		spans := memory.GetSpans()
		require.NoError(t, provider.Shutdown(ctx))
		rec := finish(t, run)

		require.Len(t, spans, 3)
		watts := 0.0
		for _, l := range rec.Ledger {
			watts += l.TotalJ / rec.Run.DurationS
		}
		require.Greater(t, watts, 20.0)
		for name, want := range map[string]struct {
			path        string
			self, total float64 // s of the machine's power
		}{
			"GET /predict": {"GET ~1predict", 0.5, 2},
			"load":         {"GET ~1predict/load", 0.5, 0.5},
			"predict":      {"GET ~1predict/predict", 1, 1},
		} {
			s := named(t, spans, name)
			assert.Equal(t, want.path, text(t, s, "ecotracer.path"))
			assert.InDelta(t, want.self*watts, joules(t, s, "self_j"), 1e-6, name)
			assert.InDelta(t, want.total*watts, joules(t, s, "total_j"), 1e-6, name)
			assert.Equal(t, run.ID(), text(t, s, "ecotracer.run.id"))
			assert.NotEmpty(t, text(t, s, "ecotracer.stage"))
			assert.Equal(t, string(rec.Totals.EnergyJ.Method), text(t, s, "ecotracer.energy.method"))
		}
		assert.Equal(t, "/predict", text(t, named(t, spans, "GET /predict"), "http.route"), "what it told itself is there")
		requireConserved(t, rec, spans)
		for _, s := range rec.Spans {
			assert.EqualValues(t, 1, s.Count)
			assert.Equal(t, s.Path == "GET ~1predict/predict", s.Failed == 1, s.Path)
		}
		assert.EqualValues(t, 3, p.Stats().Energised)
		assert.Zero(t, p.Stats().Bare)
	})
}

// What a program does is random: spans begin below others, in other traces,
// beside spans of the tracer's own and of another run, end in any order and some
// never, claim a device, and energy is settled at any moment.
func TestTheEnergyOfSpansAddsUp(t *testing.T) {
	revised := 0
	for seed := range uint64(8) {
		synctest.Test(t, func(t *testing.T) {
			random := rand.New(rand.NewPCG(seed, 3))
			host := tracertest.NewHost(t.TempDir(), tracertest.HostConfig{
				Packages: []tracertest.Curve{tracertest.Ramp(90, 30, time.Minute), tracertest.Constant(25)},
				Process:  tracertest.Constant(0.5).Then(20*time.Second, tracertest.Constant(3)), Busy: tracertest.Constant(3.5),
			})
			gpu := tracertest.NewMeter(tracertest.Domain{Domain: meter.Domain{ID: "gpu0", Model: "H100 PCIe 80GB", TDPW: 350}, Power: tracertest.Constant(200)})
			opts := append(host.Options(), tracer.Sinks(new(tracertest.Recorder)), tracer.Meters(gpu))
			if seed%2 == 0 { // else it is found out
				opts = append(opts, tracer.IdlePower(map[string]float64{"cpu0": 10, "cpu1": 5}))
			}
			ctx, run, err := tracer.Begin(context.Background(), opts...)
			require.NoError(t, err)
			otherCtx, other, err := tracer.Begin(context.Background(), opts...)
			require.NoError(t, err)
			provider, p, memory := processed(run, otel.Settle(time.Duration(1+random.IntN(8))*time.Second))
			tr := provider.Tracer("random")
			type open struct {
				ctx context.Context
				end func()
			}
			all := []open{}
			for range 300 {
				time.Sleep(time.Duration(random.IntN(400)) * time.Millisecond)
				in := ctx
				if len(all) > 0 && random.IntN(4) > 0 {
					in = all[random.IntN(len(all))].ctx
				}
				switch random.IntN(11) {
				case 0, 1, 2, 3:
					c, s := tr.Start(in, string(rune('a'+random.IntN(4))))
					all = append(all, open{c, func() { s.End() }})
				case 4:
					var opts []tracer.StartOption
					if random.IntN(2) == 0 {
						opts = append(opts, tracer.Async())
					}
					if seed%4 == 3 && random.IntN(4) == 0 {
						opts = append(opts, tracer.OnDevices("gpu0"))
					}
					c, s := tracer.Start(in, string(rune('v'+random.IntN(4))), opts...)
					all = append(all, open{c, s.End})
				case 5, 6, 7, 8:
					if len(all) > 0 {
						i := random.IntN(len(all))
						all[i].end()
						all = append(all[:i], all[i+1:]...)
					}
				case 9:
					require.NoError(t, provider.ForceFlush(ctx))
				case 10:
					c, s := tracer.Start(otherCtx, "other")
					all = append(all, open{c, s.End})
				}
			}
			for _, o := range all {
				o.end()
			}
			require.NoError(t, provider.Shutdown(ctx))
			rec := finish(t, run)
			finish(t, other)
			sums := byPath(t, memory.GetSpans())
			var sum, off float64
			for _, s := range rec.Spans {
				if name := s.Path[len(s.Path)-1]; name < 'v' && name != 'r' { // not of the tracer's own
					off += math.Abs(s.SelfJ - sums[s.Path+" "+string(s.Stage)])
					sum += s.SelfJ
				} else {
					assert.NotContains(t, sums, s.Path+" "+string(s.Stage))
				}
			}
			require.Greater(t, sum, 100.0)
			if p.Stats().RevisedJ > 0 {
				revised++
			}
			assert.LessOrEqual(t, off, p.Stats().RevisedJ+1e-9*sum)
			assert.Len(t, memory.GetSpans(), int(p.Stats().Energised))
			for _, s := range memory.GetSpans() {
				assert.GreaterOrEqual(t, joules(t, s, "total_j"), joules(t, s, "self_j"))
				assert.GreaterOrEqual(t, joules(t, s, "self_j"), 0.0)
			}
		})
	}
	assert.Greater(t, revised, 0, "or this says nothing of what is revised")
	assert.Less(t, revised, 3, "only late claims are, here")
}

func TestSpansOfOnePathShareItsEnergyByTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, run := begin(t)
		provider, _, memory := processed(run, otel.Settle(time.Second))
		tr := provider.Tracer("")
		var wg sync.WaitGroup
		for _, d := range []time.Duration{2 * time.Second, 6 * time.Second} {
			wg.Go(func() { sleeping(tr, ctx, "work", d) })
		}
		wg.Wait()
		require.NoError(t, provider.Shutdown(ctx))
		rec := finish(t, run)
		requireConserved(t, rec, memory.GetSpans())
		watts := rec.Spans[0].SelfJ / 6
		spans := memory.GetSpans()
		assert.InEpsilon(t, 1*watts, joules(t, spans[0], "self_j"), 1e-6, "half of two seconds")
		assert.InEpsilon(t, 5*watts, joules(t, spans[1], "self_j"), 1e-6, "the other half, and four more")
	})
}

// A watt-hour before a span began is none of its own.
func TestASpanHasTheEnergyOfItsOwnTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		host := tracertest.NewHost(t.TempDir(), tracertest.HostConfig{
			Packages: []tracertest.Curve{tracertest.Constant(20).Then(10*time.Second, tracertest.Constant(90))},
		})
		ctx, run, err := tracer.Begin(context.Background(), append(host.Options(), tracer.Sinks(new(tracertest.Recorder)),
			tracer.Scope(lifecycle.ScopeMachine))...)
		require.NoError(t, err)
		provider, _, memory := processed(run, otel.Settle(time.Second))
		tr := provider.Tracer("")
		sleeping(tr, ctx, "work", 10*time.Second)
		sleeping(tr, ctx, "work", 10*time.Second)
		require.NoError(t, provider.Shutdown(ctx))
		rec := finish(t, run)
		spans := memory.GetSpans()
		var counted float64
		for _, l := range rec.Ledger {
			if l.Method == lifecycle.Counter {
				counted += l.TotalJ
			}
		}
		assert.InEpsilon(t, 1100, counted, 1e-9)
		assert.InEpsilon(t, 700, joules(t, spans[1], "self_j")-joules(t, spans[0], "self_j"), 1e-6)
		requireConserved(t, rec, spans)
	})
}

// gate is a processor that keeps whoever passes on spans with energy waiting.
type gate struct {
	keeper
	open chan struct{}
}

func (g gate) OnEnd(s sdktrace.ReadOnlySpan) {
	for _, kv := range s.Attributes() {
		if kv.Key == "ecotracer.energy.self_j" {
			<-g.open
		}
	}
	g.keeper.OnEnd(s)
}

func TestBeyondTheBoundSpansPassOnAtOnceWithoutEnergy(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, run := begin(t)
		next := gate{keeper{tracetest.NewInMemoryExporter()}, make(chan struct{})}
		p := otel.NewProcessor(run, next, otel.Hold(4))
		provider := sdktrace.NewTracerProvider(sdktrace.WithSpanProcessor(p))
		tr := provider.Tracer("")
		work := func(spans int) {
			for range spans {
				_, s := tr.Start(ctx, "work")
				s.End()
			}
		}
		work(2) // that many wait is a reason to settle
		synctest.Wait()
		work(10) // which nobody does now
		assert.Len(t, next.GetSpans(), 6)
		close(next.open)
		time.Sleep(time.Second)
		assert.Len(t, next.GetSpans(), 12)
		require.NoError(t, provider.Shutdown(ctx))
		finish(t, run)
		assert.Equal(t, int64(6), p.Stats().Energised)
		assert.Equal(t, int64(6), p.Stats().Bare)
		for i, s := range next.GetSpans() {
			_, told := value(s, "ecotracer.energy.self_j")
			assert.Equal(t, i >= 6, told)
			assert.Equal(t, "work", text(t, s, "ecotracer.path"), "where it is is known all the same")
		}
	})
}

func TestWhatIsPassedOnWithoutEnergyLeavesItsPartToNobody(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, run := begin(t)
		provider, p, memory := processed(run, otel.Hold(1))
		tr := provider.Tracer("")
		_, a := tr.Start(ctx, "work")
		_, b := tr.Start(ctx, "work")
		time.Sleep(2 * time.Second)
		a.End() // waits
		b.End() // is one too many
		require.NoError(t, provider.Shutdown(ctx))
		rec := finish(t, run)
		require.Len(t, memory.GetSpans(), 2)
		assert.Equal(t, otel.Stats{Energised: 1, Bare: 1, SelfJ: p.Stats().SelfJ}, p.Stats())
		assert.InEpsilon(t, rec.Spans[0].SelfJ/2, p.Stats().SelfJ, 1e-9)
	})
}

// Who claims a device holds it from the run's begin on, so that a span that has
// been passed on may have had too much of it.
func TestAPathThatIsRevisedDownwardsMakesUpForIt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		gpu := tracertest.NewMeter(tracertest.Domain{Domain: meter.Domain{ID: "gpu0", Model: "H100 PCIe 80GB", TDPW: 350}, Power: tracertest.Constant(200)})
		ctx, run := begin(t, tracer.Meters(gpu))
		provider, p, memory := processed(run)
		tr := provider.Tracer("")
		for i := range 4 {
			if i == 2 {
				sums := byPath(t, memory.GetSpans())
				rec, err := run.Snapshot(ctx)
				require.NoError(t, err)
				assert.InEpsilon(t, sums["work unassigned"]-rec.Spans[0].SelfJ, p.Stats().RevisedJ, 1e-9, "which is told")
				assert.Greater(t, p.Stats().RevisedJ, 1000.0)
			}
			if i == 1 {
				_, s := tracer.Start(ctx, "claims", tracer.OnDevices("gpu0"))
				s.End()
			}
			sleeping(tr, ctx, "work", 10*time.Second)
			require.NoError(t, provider.ForceFlush(ctx))
		}
		sleeping(tr, ctx, "work", 10*time.Minute)
		require.NoError(t, provider.Shutdown(ctx))
		assert.Zero(t, p.Stats().RevisedJ)
		rec := finish(t, run)
		spans := memory.GetSpans()
		assert.Greater(t, joules(t, spans[0], "self_j"), 2000.0)
		assert.Zero(t, joules(t, spans[1], "self_j"), "nothing, and never less")
		for _, r := range rec.Spans {
			if r.Path == "work" {
				assert.InEpsilon(t, r.SelfJ, byPath(t, spans)["work unassigned"], 1e-9)
			}
		}
	})
}

func TestASpanThatIsNeverEndedIsNotPassedOn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, run := begin(t)
		provider, p, memory := processed(run)
		tr := provider.Tracer("")
		outer, s := tr.Start(ctx, "outer")
		sleeping(tr, outer, "inner", 2*time.Second)
		time.Sleep(time.Minute)
		require.NoError(t, p.Shutdown(ctx))
		rec := finish(t, run)
		spans := memory.GetSpans()
		require.Len(t, spans, 1)
		for _, r := range rec.Spans {
			if r.Path == "outer/inner" {
				assert.InEpsilon(t, r.SelfJ, joules(t, spans[0], "self_j"), 1e-9)
				assert.InEpsilon(t, r.SelfJ, p.Stats().SelfJ, 1e-9)
			}
		}
		s.End()
		assert.Len(t, memory.GetSpans(), 2, "after the end of all it passes on as it is")
		_, told := value(memory.GetSpans()[1], "ecotracer.energy.self_j")
		assert.False(t, told)
	})
}

func TestASpanThatEndsAfterItsRunHasWhatItUsedInIt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, run := begin(t)
		provider, _, memory := processed(run)
		tr := provider.Tracer("")
		_, s := tr.Start(ctx, "work")
		time.Sleep(3 * time.Second)
		rec := finish(t, run)
		time.Sleep(3 * time.Second)
		s.End()
		_, late := tr.Start(ctx, "late")
		late.End()
		require.NoError(t, provider.Shutdown(ctx))
		spans := memory.GetSpans()
		require.Len(t, spans, 2)
		_, told := value(named(t, spans, "late"), "ecotracer.run.id")
		assert.False(t, told, "it is none of the run")
		assert.InEpsilon(t, rec.Spans[0].SelfJ, joules(t, named(t, spans, "work"), "self_j"), 1e-9)
	})
}

func TestWithoutARunSpansPassAsTheyAre(t *testing.T) {
	other, defaultRun := begin(t)
	defer defaultRun.End()
	t.Setenv("ECOTRACER_DISABLED", "1")
	_, disabled, err := tracer.Begin(context.Background())
	require.NoError(t, err)
	for name, run := range map[string]*tracer.Run{"nil": nil, "disabled": disabled} {
		t.Run(name, func(t *testing.T) {
			provider, p, memory := processed(run)
			_, s := provider.Tracer("").Start(other, "work")
			s.End()
			require.NoError(t, provider.ForceFlush(t.Context()))
			assert.Len(t, memory.GetSpans(), 1)
			require.NoError(t, provider.Shutdown(t.Context()))
			assert.Equal(t, otel.Stats{Bare: 1}, p.Stats())
			b := otel.NewBridge(run, provider)
			assert.NoError(t, b.ForceFlush(t.Context()))
			assert.NoError(t, b.Shutdown(t.Context()))
		})
	}
}

func TestParentsAreThoseOfBothWorlds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, run := begin(t)
		provider, _, memory := processed(run)
		tr := provider.Tracer("")
		aCtx, a := tr.Start(ctx, "a")
		nCtx, n := tracer.Start(aCtx, "n")
		assert.Equal(t, "a/n", n.Path(), "a span of OpenTelemetry is the parent of ours")
		mCtx, m := tracer.Start(nCtx, "m")
		assert.Equal(t, "a/n/m", m.Path())
		bCtx, b := tr.Start(mCtx, "b")
		_, o := tracer.Start(bCtx, "o")
		assert.Equal(t, "a/n/m/b/o", o.Path(), "and ours of theirs")
		_, beside := tr.Start(aCtx, "beside")
		_, root := tr.Start(bCtx, "root", trace.WithNewRoot())
		remote := trace.ContextWithRemoteSpanContext(ctx, trace.NewSpanContext(trace.SpanContextConfig{
			TraceID: trace.TraceID{1}, SpanID: trace.SpanID{2}, TraceFlags: trace.FlagsSampled,
		}))
		_, far := tr.Start(remote, "far")
		// A context of another, such as a request's, holds no run: it is the
		// processor's all the same.
		_, bare := tr.Start(trace.ContextWithSpan(context.Background(), a), "bare")
		o.End()
		m.End()
		n.End()
		for _, s := range []trace.Span{bare, far, root, beside, b, a} {
			s.End()
		}
		require.NoError(t, provider.Shutdown(ctx))
		rec := finish(t, run)
		for name, path := range map[string]string{"a": "a", "b": "a/n/m/b", "beside": "a/beside", "far": "far", "bare": "a/bare", "root": "a/n/m/root"} {
			assert.Equal(t, path, text(t, named(t, memory.GetSpans(), name), "ecotracer.path"))
		}
		assert.Len(t, rec.Spans, 9)
	})
}

func TestASpanOfAnotherRunIsNoParent(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, run := begin(t)
		otherCtx, other := begin(t)
		provider, _, memory := processed(run)
		inOther, s := tracer.Start(otherCtx, "other")
		_, o := provider.Tracer("").Start(inOther, "work")
		o.End()
		s.End()
		require.NoError(t, provider.Shutdown(ctx))
		assert.Equal(t, "work", text(t, memory.GetSpans()[0], "ecotracer.path"))
		assert.Len(t, finish(t, run).Spans, 1)
		assert.Len(t, finish(t, other).Spans, 1)
	})
}

func TestWhatTheSamplerDropsIsItsParents(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, run := begin(t)
		provider, _, memory := sampled(run, dropping("quiet"))
		tr := provider.Tracer("")
		outer, s := tr.Start(ctx, "outer")
		sleeping(tr, outer, "quiet", time.Second)
		s.End()
		require.NoError(t, provider.Shutdown(ctx))
		rec := finish(t, run)
		require.Len(t, rec.Spans, 1)
		requireConserved(t, rec, memory.GetSpans())
	})
}

// Of two requests at a time one is not sampled: it has its energy all the same.
func TestEnergyDoesNotDependOnWhatIsSampledIfAllIsRecorded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, run := begin(t)
		provider, p, memory := sampled(run, sdktrace.AlwaysRecord(dropping("quiet")))
		tr := provider.Tracer("")
		var wg sync.WaitGroup
		for _, name := range []string{"quiet", "loud"} {
			wg.Go(func() { sleeping(tr, ctx, name, 2*time.Second) })
		}
		wg.Wait()
		require.NoError(t, provider.Shutdown(ctx))
		rec := finish(t, run)
		require.Len(t, rec.Spans, 2)
		assert.InEpsilon(t, rec.Spans[0].SelfJ, rec.Spans[1].SelfJ, 1e-6)
		assert.InEpsilon(t, rec.Spans[0].SelfJ, joules(t, named(t, memory.GetSpans(), "loud"), "self_j"), 1e-6)
		_, told := value(named(t, memory.GetSpans(), "quiet"), "ecotracer.energy.self_j")
		assert.False(t, told, "nobody exports it, so that it is passed on at once")
		assert.EqualValues(t, 1, p.Stats().Energised)
		assert.Zero(t, p.Stats().Bare)
		assert.Zero(t, otel.Left(p))
	})
}

func sampled(run *tracer.Run, s sdktrace.Sampler) (*sdktrace.TracerProvider, *otel.Processor, *tracetest.InMemoryExporter) {
	memory := tracetest.NewInMemoryExporter()
	p := otel.NewProcessor(run, keeper{memory})
	return sdktrace.NewTracerProvider(sdktrace.WithSpanProcessor(p), sdktrace.WithSampler(s)), p, memory
}

// A run may have worked for long before anyone asks for single spans.
func TestWhatAPathUsedBeforeIsNoSpansOfIt(t *testing.T) {
	for _, open := range []bool{false, true} {
		synctest.Test(t, func(t *testing.T) {
			ctx, run := begin(t)
			_, s := tracer.Start(ctx, "work")
			time.Sleep(time.Minute)
			if !open {
				s.End()
			}
			provider, p, memory := processed(run)
			if open {
				time.Sleep(time.Minute)
				require.NoError(t, provider.ForceFlush(ctx))
				s.End()
				require.NoError(t, provider.ForceFlush(ctx))
			}
			tr := provider.Tracer("")
			sleeping(tr, ctx, "work", time.Second)
			sleeping(tr, ctx, "work", time.Second)
			require.NoError(t, provider.Shutdown(ctx))
			rec := finish(t, run)
			for _, s := range memory.GetSpans() {
				assert.InEpsilon(t, rec.Spans[0].SelfJ/rec.Run.DurationS, joules(t, s, "self_j"), 1e-6, "a second's")
			}
			assert.Zero(t, p.Stats().RevisedJ)
		})
	}
}

func TestSpansMayBeForTheRecordAlone(t *testing.T) {
	ctx, run := begin(t)
	provider := sdktrace.NewTracerProvider(sdktrace.WithSpanProcessor(otel.NewProcessor(run, nil)))
	_, s := provider.Tracer("").Start(ctx, "work")
	s.End()
	require.NoError(t, provider.ForceFlush(ctx))
	require.NoError(t, provider.Shutdown(ctx))
	assert.Len(t, finish(t, run).Spans, 1)
}

type dropping string

func (d dropping) ShouldSample(p sdktrace.SamplingParameters) sdktrace.SamplingResult {
	if p.Name == string(d) {
		return sdktrace.SamplingResult{Decision: sdktrace.Drop}
	}
	return sdktrace.SamplingResult{Decision: sdktrace.RecordAndSample}
}
func (dropping) Description() string { return "drops" }

// broken is a processor that panics, and cannot be shut down.
type broken struct{ keeper }

func (broken) OnEnd(sdktrace.ReadOnlySpan)    { panic("broken") }
func (broken) Shutdown(context.Context) error { return errors.New("broken") }

func TestAProcessorThatBreaksIsTold(t *testing.T) {
	var mu sync.Mutex
	var told []error
	sdk.SetErrorHandler(sdk.ErrorHandlerFunc(func(err error) {
		mu.Lock()
		defer mu.Unlock()
		told = append(told, err)
	}))
	synctest.Test(t, func(t *testing.T) {
		ctx, run := begin(t)
		p := otel.NewProcessor(run, broken{})
		tr := sdktrace.NewTracerProvider(sdktrace.WithSpanProcessor(p)).Tracer("")
		sleeping(tr, ctx, "work", time.Second)
		time.Sleep(time.Minute)
		require.EqualError(t, p.Shutdown(ctx), "broken")
		require.NoError(t, p.Shutdown(ctx), "only the first call counts")
		finish(t, run)
	})
	mu.Lock()
	defer mu.Unlock()
	require.Len(t, told, 1)
	assert.ErrorContains(t, told[0], "broken")
}

func TestShutdownKeepsToItsTime(t *testing.T) {
	ctx, run := begin(t)
	provider, p, memory := processed(run)
	tr := provider.Tracer("")
	_, s := tr.Start(ctx, "work")
	s.End()
	done, cancel := context.WithCancel(ctx)
	cancel()
	require.ErrorIs(t, p.Shutdown(done), context.Canceled)
	assert.Len(t, memory.GetSpans(), 1, "no span is lost for it")
	finish(t, run)
}

func TestSpansThatNobodyEndsAreBounded(t *testing.T) {
	ctx, run := begin(t)
	provider, p, memory := processed(run)
	tr := provider.Tracer("")
	var last trace.Span
	for range 1<<16 + 5 {
		_, last = tr.Start(ctx, "forgotten")
	}
	last.End()
	assert.Equal(t, otel.Stats{Bare: 1}, p.Stats())
	assert.Len(t, memory.GetSpans(), 1)
	require.NoError(t, provider.Shutdown(ctx))
	rec, err := run.End()
	require.NoError(t, err)
	assert.EqualValues(t, 5, rec.Spans[0].Count, "those that are not observed have ended at once")
	assert.EqualValues(t, 1<<16, *rec.Spans[0].Open)
}

func TestManyGoroutinesHaveSpans(t *testing.T) {
	ctx, run := begin(t)
	provider, p, memory := processed(run, otel.Settle(time.Millisecond), otel.Hold(1<<20))
	bridge := otel.NewBridge(run, provider)
	tr := provider.Tracer("")
	const spans = 300
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			for range spans {
				outer, o := tr.Start(ctx, "outer")
				in, n := tracer.Start(outer, "native")
				_, i := tr.Start(in, "inner")
				runtime.Gosched()
				i.End()
				n.End()
				o.End()
			}
		})
	}
	for range 5 {
		wg.Go(func() { assert.NoError(t, provider.ForceFlush(ctx)) })
	}
	wg.Wait()
	require.NoError(t, bridge.Shutdown(ctx))
	require.NoError(t, provider.Shutdown(ctx))
	rec := finish(t, run)
	require.Len(t, memory.GetSpans(), 8*spans*3)
	assert.Zero(t, otel.Left(p), "what is done is forgotten")
	var sum float64
	for _, s := range rec.Spans {
		sum += s.SelfJ
	}
	assert.InEpsilon(t, sum, p.Stats().SelfJ+bridge.Stats().SelfJ, 1e-9)
	requireConserved(t, rec, memory.GetSpans())
}

// slow is an exporter that takes its time for each batch.
type slow struct {
	*tracetest.InMemoryExporter
	took time.Duration
}

func (e slow) ExportSpans(ctx context.Context, spans []sdktrace.ReadOnlySpan) error {
	time.Sleep(e.took)
	return e.InMemoryExporter.ExportSpans(ctx, spans)
}
func (slow) Shutdown(context.Context) error { return nil }

// The SDK's batch processor drops what does not fit in its queue, and energy
// comes to many spans at once.
func TestABatchProcessorDropsNoMoreThanWithoutUs(t *testing.T) {
	const spans, tick, perTick = 15_000, 10 * time.Millisecond, 15
	for _, way := range []string{"alone", "processor", "bridge"} {
		t.Run(way, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				ctx, run := begin(t)
				e := slow{tracetest.NewInMemoryExporter(), 20 * time.Millisecond}
				batch := sdktrace.NewBatchSpanProcessor(e)
				next := batch
				if way == "processor" {
					next = otel.NewProcessor(run, batch)
				}
				provider := sdktrace.NewTracerProvider(sdktrace.WithSpanProcessor(next))
				tr := provider.Tracer("")
				work := func() { _, s := tr.Start(ctx, "work"); s.End() }
				down := func() {}
				if way == "bridge" {
					bridge := otel.NewBridge(run, provider)
					work = func() { _, s := tracer.Start(ctx, "work"); s.End() }
					down = func() { assert.NoError(t, bridge.Shutdown(ctx)) }
				}
				for i := range spans {
					if i%perTick == 0 {
						time.Sleep(tick)
					}
					work()
				}
				down()
				require.NoError(t, provider.Shutdown(ctx))
				assert.Equal(t, spans, len(e.GetSpans()))
				finish(t, run)
			})
		})
	}
}

// hung is a processor whose exporter hangs, so that flushing it takes as long as
// one waits.
type hung struct{ keeper }

func (hung) ForceFlush(ctx context.Context) error { <-ctx.Done(); return ctx.Err() }
func (hung) Shutdown(ctx context.Context) error   { <-ctx.Done(); return ctx.Err() }

// An exporter may hang, and a host may flush and shut down at once.
func TestAnExporterThatHangsKeepsNobodyWaiting(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, run := begin(t)
		const spans, held = 20_000, 2000
		next := hung{keeper{tracetest.NewInMemoryExporter()}}
		p := otel.NewProcessor(run, next, otel.Hold(held))
		provider := sdktrace.NewTracerProvider(sdktrace.WithSpanProcessor(p))
		tr := provider.Tracer("")
		began := time.Now()
		for range spans {
			_, s := tr.Start(ctx, "work")
			s.End()
		}
		time.Sleep(time.Minute)
		assert.Equal(t, time.Minute, time.Since(began), "no span has waited")
		assert.LessOrEqual(t, otel.Left(p), held)
		short, cancel := context.WithTimeout(ctx, time.Second)
		defer cancel()
		began = time.Now()
		var wg sync.WaitGroup
		for range 3 {
			wg.Go(func() { assert.ErrorIs(t, p.ForceFlush(short), context.DeadlineExceeded) })
		}
		wg.Go(func() { assert.ErrorIs(t, p.Shutdown(short), context.DeadlineExceeded) })
		wg.Wait()
		assert.Equal(t, time.Second, time.Since(began))
		assert.Equal(t, spans, len(next.GetSpans()), "and none is lost")
		assert.Zero(t, otel.Left(p))
		finish(t, run)
	})
}
