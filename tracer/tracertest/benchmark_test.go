package tracertest_test

import (
	"context"
	"flag"
	"maps"
	"math"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
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

// op is one operation of CPU time; enough of them take as long as it takes to
// tell their energy.
const (
	op     = 2 * time.Millisecond
	enough = "110x"
)

func TestABenchmarkTellsWhatItsOperationsDrew(t *testing.T) {
	for name, c := range map[string]struct {
		benchtime string
		loop      func(b *testing.B)
	}{
		"b.Loop": {"220ms", func(b *testing.B) {
			for b.Loop() {
				tracertest.Burn(context.Background(), op)
			}
		}},
		"b.N": {enough, func(b *testing.B) {
			for range b.N {
				tracertest.Burn(context.Background(), op)
			}
		}},
		"b.RunParallel": {"220ms", func(b *testing.B) {
			b.RunParallel(func(pb *testing.PB) {
				for pb.Next() {
					tracertest.Burn(context.Background(), op)
				}
			})
		}},
	} {
		t.Run(name, func(t *testing.T) {
			benchtime(t, c.benchtime)
			host, opts := burning(t)
			var drawn, seconds float64
			r := testing.Benchmark(func(b *testing.B) {
				tracertest.ReportEnergy(b, opts...)
				before, at := host.Joules(tracertest.EnergyFile("intel-rapl:0")), time.Now()
				c.loop(b)
				drawn = (host.Joules(tracertest.EnergyFile("intel-rapl:0")) - before) / float64(b.N)
				seconds = time.Since(at).Seconds() / float64(b.N)
			})
			told := r.Extra["J/op"]
			assert.ElementsMatch(t, []string{"J/op", "ngCO2e/op"}, slices.Collect(maps.Keys(r.Extra)))
			assert.Greater(t, told, 0.75*drawn, "less is what a busy host takes between the loop and the end")
			assert.Less(t, told, 1.1*(drawn+15*seconds), "at most what the model adds for memory and the rest of the machine")
			assert.Positive(t, r.Extra["ngCO2e/op"])
			assert.Less(t, r.Extra["ngCO2e/op"], 1e9*100*told/3.6e6, "the grid of France: well below 100 g/kWh")
		})
	}
}

func TestWhatStopTimerLeavesOutIsNotTold(t *testing.T) {
	benchtime(t, enough)
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
	ratio := half.Extra["J/op"] / all.Extra["J/op"]
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
	benchtime(t, enough)
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
	benchtime(t, enough)
	host := tracertest.NewHost(t.TempDir(), tracertest.HostConfig{VM: true, Process: tracertest.TrueCPU()})
	for name, more := range map[string]func() []tracer.Option{
		"no meter at all": func() []tracer.Option { return nil },
		"none of the CPUs": func() []tracer.Option {
			return []tracer.Option{tracer.Meters(tracertest.NewMeter(tracertest.Domain{
				Domain: meter.Domain{ID: "gpu0", Kind: lifecycle.KindGPU}, Power: tracertest.Constant(1000),
			}))}
		},
	} {
		t.Run(name, func(t *testing.T) {
			r := testing.Benchmark(func(b *testing.B) {
				tracertest.ReportEnergy(b, append(host.Options(), more()...)...)
				for b.Loop() {
					tracertest.Burn(context.Background(), op)
				}
			})
			require.NotEmpty(t, r.Extra)
			for unit, v := range r.Extra {
				assert.True(t, strings.HasPrefix(unit, "modelled-"), unit)
				assert.Positive(t, v, unit)
			}
		})
	}
}

// TestAFigureHasThreeDigitsAndTwoRunsAUnitInCommon goes through what is read of
// what package testing prints.
func TestAFigureHasThreeDigitsAndTwoRunsAUnitInCommon(t *testing.T) {
	benchtime(t, "1x")
	printed := func(joules float64) map[string]float64 {
		r := testing.Benchmark(func(b *testing.B) { tracertest.Report(b, joules, "", "J/op") })
		read := map[string]float64{}
		fields := strings.Fields(r.String())[1:]
		for i := 0; i < len(fields); i += 2 {
			v, err := strconv.ParseFloat(fields[i], 64)
			require.NoError(t, err)
			read[fields[i+1]] = v
		}
		delete(read, "ns/op")
		return read
	}
	for joules := 1.23456e-12; joules < 1e4; joules *= 9 {
		few := printed(joules)
		require.NotEmpty(t, few)
		for unit, v := range few {
			assert.InEpsilon(t, joules, v*map[string]float64{"J/op": 1, "nJ/op": 1e-9}[unit], 5e-3, "%g J are told as %g %s", joules, v, unit)
		}
		many := printed(joules * 99)
		assert.True(t, slices.ContainsFunc(slices.Collect(maps.Keys(few)), func(unit string) bool { return many[unit] > 0 }),
			"%v and %v", few, many)
	}
	for _, unknown := range []float64{0, math.NaN()} {
		assert.Empty(t, printed(unknown), "missing is never zero")
	}
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
	benchtime(t, enough)
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
