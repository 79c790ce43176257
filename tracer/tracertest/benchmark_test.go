package tracertest_test

import (
	"context"
	"flag"
	"os"
	"path/filepath"
	"runtime"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/ecotracer/ecotracer/lifecycle"
	"github.com/ecotracer/ecotracer/tracer"
	"github.com/ecotracer/ecotracer/tracer/meter"
	"github.com/ecotracer/ecotracer/tracer/tracertest"
)

// benchtime is how long the benchmarks of a test run.
func benchtime(t *testing.T, d string) {
	t.Helper()
	f := flag.Lookup("test.benchtime")
	before := f.Value.String()
	require.NoError(t, f.Value.Set(d))
	t.Cleanup(func() { require.NoError(t, f.Value.Set(before)) })
	t.Setenv("ECOTRACER_DIR", "")
	t.Setenv("ECOTRACER_DISABLED", "")
	t.Setenv("ECOTRACER_COUNTRY", "FR")
}

// burning is a machine that draws 1 W, and 50 W more for each CPU that the
// test keeps busy.
func burning(t testing.TB) (*tracertest.Host, []tracer.Option) {
	h := tracertest.NewHost(t.TempDir(), tracertest.HostConfig{
		Packages: []tracertest.Curve{tracertest.Constant(1).Plus(tracertest.TrueCPU().Times(50))},
		Process:  tracertest.TrueCPU(),
	})
	return h, append(h.Options(), tracer.Scope(lifecycle.ScopeMachine))
}

const op = 2 * time.Millisecond

func TestABenchmarkTellsWhatItsOperationsDrew(t *testing.T) {
	benchtime(t, "220ms")
	loops := map[string]func(b *testing.B){
		"b.Loop": func(b *testing.B) {
			for b.Loop() {
				tracertest.Burn(context.Background(), op)
			}
		},
		"b.N": func(b *testing.B) {
			for range b.N {
				tracertest.Burn(context.Background(), op)
			}
		},
		"b.RunParallel": func(b *testing.B) {
			b.RunParallel(func(pb *testing.PB) {
				for pb.Next() {
					tracertest.Burn(context.Background(), op)
				}
			})
		},
	}
	for name, loop := range loops {
		t.Run(name, func(t *testing.T) {
			host, opts := burning(t)
			var drawn, seconds float64
			r := testing.Benchmark(func(b *testing.B) {
				tracertest.ReportEnergy(b, opts...)
				before, at := host.Joules(tracertest.EnergyFile("intel-rapl:0")), time.Now()
				loop(b)
				drawn = (host.Joules(tracertest.EnergyFile("intel-rapl:0")) - before) / float64(b.N)
				seconds = time.Since(at).Seconds() / float64(b.N)
			})
			require.Contains(t, r.Extra, "nJ/op")
			assert.NotContains(t, r.Extra, "modelled-nJ/op")
			told := r.Extra["nJ/op"] / 1e9
			assert.Greater(t, told, 0.75*drawn, "less is what a busy host takes between the loop and the end")
			assert.Less(t, told, 1.1*(drawn+15*seconds), "at most what the model adds for memory and the rest of the machine")
			assert.Positive(t, r.Extra["ngCO2e/op"])
			assert.Less(t, r.Extra["ngCO2e/op"], 100*r.Extra["nJ/op"]*1e3/3.6e6, "the grid of France: well below 100 g/kWh")
		})
	}
}

func TestWhatStopTimerLeavesOutIsNotTold(t *testing.T) {
	benchtime(t, "220ms")
	_, opts := burning(t)
	run := func(untimed time.Duration) testing.BenchmarkResult {
		return testing.Benchmark(func(b *testing.B) {
			tracertest.ReportEnergy(b, opts...)
			for range b.N {
				tracertest.Burn(context.Background(), op)
				b.StopTimer()
				tracertest.Burn(context.Background(), untimed)
				b.StartTimer()
			}
		})
	}
	all, half := run(0), run(op)
	ratio := half.Extra["nJ/op"] / all.Extra["nJ/op"]
	assert.Greater(t, ratio, 0.7)
	assert.Less(t, ratio, 1.4, "as many joules an operation, though twice as many were used")
}

func TestTheTimerIsLeftAsItWas(t *testing.T) {
	benchtime(t, "1x")
	testing.Benchmark(func(b *testing.B) {
		b.StopTimer()
		b.ResetTimer()
		tracertest.ReportEnergy(b)
		assert.Zero(t, b.Elapsed(), "a timer that was stopped stays so")
		b.StartTimer()
		tracertest.ReportEnergy(b)
		for before := b.Elapsed(); b.Elapsed() == before; {
			runtime.Gosched() // a timer that ran does again
		}
	})
}

func TestAShortBenchmarkTellsNoNoise(t *testing.T) {
	benchtime(t, "1x")
	_, opts := burning(t)
	rounds := 0
	r := testing.Benchmark(func(b *testing.B) {
		rounds++
		tracertest.ReportEnergy(b, opts...)
		for b.Loop() {
		}
	})
	assert.Positive(t, rounds)
	assert.Equal(t, 1, r.N)
	assert.Empty(t, r.Extra)
}

func TestAMeterThatIsSlowerThanTheBenchmarkTellsNothing(t *testing.T) {
	benchtime(t, "220ms")
	_, opts := burning(t)
	for name, slow := range map[string]tracertest.Slow{
		"it is seldom read":       {Every: 10 * time.Second, Limit: time.Second},
		"it is long in answering": {Every: time.Second, Limit: time.Minute, Latency: time.Minute},
	} {
		t.Run(name, func(t *testing.T) {
			r := testing.Benchmark(func(b *testing.B) {
				plug := slow
				plug.Meter = tracertest.NewMeter(tracertest.Domain{Domain: meter.Domain{ID: "node0"}, Power: tracertest.Constant(100)})
				tracertest.ReportEnergy(b, append(opts, tracer.Meters(&plug))...)
				for b.Loop() {
					tracertest.Burn(context.Background(), op)
				}
			})
			assert.Positive(t, r.N)
			assert.Empty(t, r.Extra)
		})
	}
}

func TestAModelledFigureSaysSoInItsName(t *testing.T) {
	benchtime(t, "220ms")
	host := tracertest.NewHost(t.TempDir(), tracertest.HostConfig{VM: true, Process: tracertest.TrueCPU()})
	r := testing.Benchmark(func(b *testing.B) {
		tracertest.ReportEnergy(b, host.Options()...)
		for b.Loop() {
			tracertest.Burn(context.Background(), op)
		}
	})
	assert.NotContains(t, r.Extra, "nJ/op")
	assert.Positive(t, r.Extra["modelled-nJ/op"])
	assert.Positive(t, r.Extra["ngCO2e/op"])
}

func TestSubBenchmarksAreMeasuredEachByItself(t *testing.T) {
	benchtime(t, "1x")
	_, opts := burning(t)
	var records tracertest.Recorder
	testing.Benchmark(func(b *testing.B) {
		tracertest.ReportEnergy(b, append(opts, tracer.Sinks(&records), tracer.Named("outer"))...)
		for _, name := range []string{"first", "second"} {
			b.Run(name, func(b *testing.B) {
				tracertest.ReportEnergy(b, append(opts, tracer.Sinks(&records), tracer.Named(name))...)
				for b.Loop() {
					tracertest.Burn(context.Background(), op)
				}
			})
		}
	})
	var names []string
	for _, r := range records.Records() {
		names = append(names, r.Run.Name)
		assert.Nil(t, r.Run.OtherRunsS, "a run that is open beside it has a part of its joules")
	}
	assert.Equal(t, []string{"outer", "first", "second"}, names)
}

func TestOnlyTheLastRoundLeavesARecordAndOnlyIfAFolderIsNamed(t *testing.T) {
	benchtime(t, "220ms")
	t.Chdir(t.TempDir())
	_, opts := burning(t)
	rounds := 0
	bench := func(b *testing.B) {
		rounds++
		tracertest.ReportEnergy(b, opts...)
		for range b.N {
			tracertest.Burn(context.Background(), op)
		}
	}
	testing.Benchmark(bench)
	files, err := os.ReadDir(".")
	require.NoError(t, err)
	assert.Empty(t, files)

	t.Setenv("ECOTRACER_DIR", "records")
	rounds = 0
	result := testing.Benchmark(bench)
	assert.Greater(t, rounds, 1)
	names, err := filepath.Glob("records/*.json")
	require.NoError(t, err)
	require.Len(t, names, 1)
	file, err := os.Open(names[0])
	require.NoError(t, err)
	defer file.Close()
	r, err := lifecycle.Decode(file)
	require.NoError(t, err)
	for _, f := range lifecycle.Validate(r) {
		assert.True(t, f.Warning, "%v", f)
	}
	require.Len(t, r.Spans, 1)
	assert.EqualValues(t, result.N, r.Spans[0].Units["ops"].Count)
}

func TestADisabledTracerLeavesABenchmarkAlone(t *testing.T) {
	benchtime(t, "1x")
	t.Setenv("ECOTRACER_DISABLED", "1")
	r := testing.Benchmark(func(b *testing.B) {
		tracertest.ReportEnergy(b)
		for b.Loop() {
		}
	})
	assert.Equal(t, 1, r.N)
	assert.Empty(t, r.Extra)
}

func BenchmarkBurn(b *testing.B) {
	tracertest.ReportEnergy(b)
	for b.Loop() {
		tracertest.Burn(context.Background(), op)
	}
}
