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

// op is one operation; enough of them take as long as it takes to tell their
// energy.
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
			joules := func() float64 { return host.Joules(tracertest.EnergyFile("intel-rapl:0")) }
			var records tracertest.Recorder
			var before, inside float64
			r := testing.Benchmark(func(b *testing.B) {
				before = joules()
				tracertest.ReportEnergy(b, append(opts, tracer.Sinks(&records))...)
				inside = joules()
				c.loop(b)
				inside = joules() - inside
			})
			around := joules() - before
			record := records.Records()[len(records.Records())-1]
			for unit := range r.Extra {
				assert.NotContains(t, unit, "modelled")
			}
			tellsOf(t, record, r)
			cpu := record.Ledger[0].TotalJ
			assert.GreaterOrEqual(t, cpu, inside-1e-5, "all that the operations drew")
			assert.LessOrEqual(t, cpu, around+1e-5, "and nothing from before")
			assert.Greater(t, record.Totals.EnergyJ.Value, cpu, "with what the model adds for the rest of the machine")
		})
	}
}

// tellsOf holds the metrics of a benchmark to the record of its last round: its
// mean power and emissions, for the time that the timer ran.
func tellsOf(t *testing.T, record *lifecycle.Record, r testing.BenchmarkResult) {
	t.Helper()
	share := r.T.Seconds() / record.Run.DurationS / float64(r.N)
	assert.InEpsilon(t, share*record.Totals.EnergyJ.Value, r.Extra["J/op"], 1e-9)
	assert.InEpsilon(t, share*record.Totals.OperationalGCO2e.Value*1e9, r.Extra["ngCO2e/op"], 1e-9)
}

func TestWhatStopTimerLeavesOutIsNotTold(t *testing.T) {
	benchtime(t, enough)
	_, opts := burning(t)
	var records tracertest.Recorder
	var spent time.Duration
	r := testing.Benchmark(func(b *testing.B) {
		tracertest.ReportEnergy(b, append(opts, tracer.Sinks(&records))...)
		at := time.Now()
		for range b.N {
			tracertest.Burn(context.Background(), op)
			b.StopTimer()
			tracertest.Burn(context.Background(), op)
			b.StartTimer()
		}
		spent = time.Since(at)
	})
	assert.Less(t, r.T, spent)
	record := records.Records()[len(records.Records())-1]
	assert.Greater(t, record.Run.DurationS, 0.99*spent.Seconds())
	tellsOf(t, record, r)
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
					time.Sleep(op)
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
					time.Sleep(op)
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
			time.Sleep(op)
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
