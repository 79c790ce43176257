package prom

import (
	"context"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/ecotracer/ecotracer/tracer/meter"
	"github.com/ecotracer/ecotracer/tracer/tracertest"
)

func contextWithCancel(t *testing.T) (context.Context, context.CancelFunc) {
	return context.WithCancel(t.Context())
}

func quiet() *log.Logger { return log.New(io.Discard, "", 0) }

// plant answers as a DCGM exporter whose GPUs draw so many watts each and that
// looks at them once in a while. With no while, they have moved a little
// whenever it is asked.
func plant(watts float64, gpus int, every time.Duration) http.HandlerFunc {
	begin := time.Now()
	var asks atomic.Int64
	return func(w http.ResponseWriter, r *http.Request) {
		asked := asks.Add(1)
		since := time.Since(begin)
		if every > 0 {
			since, asked = since.Truncate(every), 0
		}
		var b strings.Builder
		for i := range gpus {
			fmt.Fprintf(&b, "DCGM_FI_DEV_TOTAL_ENERGY_CONSUMPTION{gpu=\"%d\",UUID=\"GPU-%d\"} %d\n", i, i, 1e9+int64(watts*since.Seconds()*1000)+asked)
		}
		text(b.String())(w, r)
	}
}

func TestCounterThatMovesNowAndThenMakesNoStairs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e, dial := bubble(t, plant(700, 1, 30*time.Second))
		m, err := open(t.Context(), Config{URL: "http://node/metrics"}, dial, noEnv)
		require.NoError(t, err)
		defer func() { _ = m.Close() }()
		var last meter.Sample
		readings := 0
		for at := time.Duration(0); at <= 10*time.Minute; at += 5 * time.Second {
			if s, ok := samples(t, m)["gpu0"]; ok {
				if readings > 0 {
					assert.InDelta(t, 700, (s.Joules-last.Joules)/s.Time.Sub(last.Time).Seconds(), 1e-6, "the power between two readings is the true one")
				}
				last = s
				readings++
			}
			time.Sleep(5 * time.Second)
		}
		assert.Equal(t, 21, readings, "one for each time the exporter looked")
		assert.Equal(t, 600*700.0, last.Joules)
		assert.Equal(t, 1+121, e.asked)

		// A counter that stands still for longer is told as it is.
		e.say("DCGM_FI_DEV_TOTAL_ENERGY_CONSUMPTION{gpu=\"0\",UUID=\"GPU-0\"} %d\n", int64(1e9+600*700e3))
		var first, stuck time.Duration
		for at := 5 * time.Second; at <= 6*time.Minute; at += 5 * time.Second {
			s, ok := samples(t, m)["gpu0"]
			if ok && first == 0 {
				first = at
				assert.Equal(t, meter.OK, s.Condition)
			}
			if ok && s.Condition == meter.Stuck && stuck == 0 {
				stuck = at
			}
			time.Sleep(5 * time.Second)
		}
		assert.InDelta(t, 35, first.Seconds(), 5)
		assert.InDelta(t, 300, stuck.Seconds(), 10)

		// The step after it is no nonsense, though it is of a long time.
		e.say("DCGM_FI_DEV_TOTAL_ENERGY_CONSUMPTION{gpu=\"0\",UUID=\"GPU-0\"} %d\n", int64(1e9+960*700e3))
		s := samples(t, m)["gpu0"]
		assert.Equal(t, meter.OK, s.Condition)
		assert.Equal(t, 960*700.0, s.Joules)
	})
}

// Of the first step of an exporter that looks every 30 s, what was used before
// the meter was opened is not told: it is of no run.
func TestTheFirstStepHoldsNothingOfTheTimeBefore(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		_, dial := bubble(t, plant(700, 1, 30*time.Second))
		time.Sleep(20 * time.Second)
		m, err := open(t.Context(), Config{URL: "http://node/metrics", Period: time.Second}, dial, noEnv)
		require.NoError(t, err)
		defer func() { _ = m.Close() }()
		for at := range 51 {
			if s, ok := samples(t, m)["gpu0"]; ok && at > 0 {
				assert.InDelta(t, 700*float64(at), s.Joules, 1e-3, "after %d s", at)
			}
			time.Sleep(time.Second)
		}
	})
}

func TestExporterThatIsSlowerThanWeThinkIsWaitedFor(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		_, dial := bubble(t, plant(700, 1, 2*time.Minute))
		m, err := open(t.Context(), Config{URL: "http://node/metrics"}, dial, noEnv)
		require.NoError(t, err)
		defer func() { _ = m.Close() }()
		readings := 0
		for at := time.Duration(0); at < 20*time.Minute; at += 5 * time.Second {
			if _, ok := samples(t, m)["gpu0"]; ok && at > 2*time.Minute {
				readings++
			}
			time.Sleep(5 * time.Second)
		}
		assert.Equal(t, 8, readings, "once it is known to look every two minutes")
	})
}

func TestPowerIsIntegrated(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const gpu = "DCGM_FI_DEV_POWER_USAGE{gpu=\"0\",UUID=\"GPU-0\"} %v\n"
		e, dial := bubble(t, text(fmt.Sprintf(gpu, 100)))
		m, err := open(t.Context(), Config{URL: "http://node/metrics"}, dial, noEnv)
		require.NoError(t, err)
		defer func() { _ = m.Close() }()
		told(t, m)
		time.Sleep(10 * time.Second)
		e.say(gpu, 300)
		assert.Equal(t, 3000.0, told(t, m)["gpu0"])
		time.Sleep(10 * time.Second)
		e.say(gpu, 1e6)
		s := samples(t, m)["gpu0"]
		assert.Equal(t, meter.Unreadable, s.Condition, "no GPU draws a megawatt")
		assert.Equal(t, 3000.0, s.Joules)
		time.Sleep(10 * time.Second)
		e.set(status(500))
		assert.Equal(t, 3000.0, samples(t, m)["gpu0"].Joules)
	})
}

func TestTimeOfAnExpositionIsTaken(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const line = "scaph_socket_energy_microjoules{socket_id=\"0\"} %d %d\n"
		at := func(back time.Duration) int64 { return time.Now().Add(-back).UnixMilli() }
		e, dial := bubble(t, text(fmt.Sprintf(line, 1_000_000, at(0))))
		m, err := open(t.Context(), Config{URL: "http://node/metrics"}, dial, noEnv)
		require.NoError(t, err)
		defer func() { _ = m.Close() }()
		told(t, m)
		time.Sleep(20 * time.Second)
		e.say(line, 5_000_000, at(3*time.Second))
		s := samples(t, m)["cpu0"]
		assert.Equal(t, 3*time.Second, time.Since(s.Time).Round(time.Millisecond))
		assert.Equal(t, 4.0, s.Joules)
		e.say(line, 5_000_000, at(0))
		assert.Len(t, samples(t, m), 1, "the exporter has looked again: it did not move")
		e.say(line, 5_000_000, at(6*time.Minute))
		assert.Equal(t, meter.Unplugged, samples(t, m)["cpu0"].Condition, "so old it is none")
		e.say(line, 6_000_000, at(-time.Hour))
		assert.Equal(t, 5.0, told(t, m)["cpu0"], "a clock that goes ahead makes no time in the future")

		e.set(openMetrics(fmt.Sprintf("# TYPE scaph_socket_energy_microjoules counter\nscaph_socket_energy_microjoules_total{socket_id=\"0\"} 8000000.0 %d.5 # {trace_id=\"a\"} 1 2\n# EOF\n", time.Now().Unix())))
		time.Sleep(time.Second)
		s = samples(t, m)["cpu0"]
		assert.Equal(t, 7.0, s.Joules, "OpenMetrics: _total, seconds, an exemplar")
		assert.Equal(t, 500*time.Millisecond, time.Since(s.Time).Round(time.Millisecond))
	})
}

func TestOpenMetricsIsAskedFor(t *testing.T) {
	e, url := serve(t, "")
	e.set(func(w http.ResponseWriter, r *http.Request) {
		assert.Contains(t, r.Header.Get("Accept"), "application/openmetrics-text")
		assert.Contains(t, r.Header.Get("Accept"), "text/plain")
		assert.Equal(t, "gzip", r.Header.Get("Accept-Encoding"))
		openMetrics(one+"# EOF\n")(w, r)
	})
	m, err := Open(t.Context(), Config{URL: url})
	require.NoError(t, err)
	assert.Len(t, told(t, m), 1)
	require.NoError(t, m.Close())
}

// trap 17: nothing is opened for each reading.
func TestOneConnectionIsKept(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e, dial := bubble(t, text(one))
		dialled := 0
		m, err := open(t.Context(), Config{URL: "http://node/metrics"}, func(ctx context.Context, n, a string) (net.Conn, error) {
			dialled++
			return dial(ctx, n, a)
		}, noEnv)
		require.NoError(t, err)
		for range 10 {
			samples(t, m)
			time.Sleep(5 * time.Second)
		}
		assert.Equal(t, 1, dialled)
		e.set(openMetrics(one + "# EOF\n"))
		samples(t, m)
		samples(t, m)
		assert.Equal(t, 1, dialled)
		require.NoError(t, m.Close())
	})
}

func TestMeterKeepsTheRules(t *testing.T) {
	for name, every := range map[string]time.Duration{"a counter that always moves": 0, "one that moves every 50 ms": 50 * time.Millisecond} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				_, dial := bubble(t, plant(300, 3, every))
				var except []string
				if every > 0 {
					except = []string{"fixed", "appends", "independent", "error-alone"} // a Read with nothing to tell is an error, as Open says
				}
				tracertest.TestMeter(t, func() (meter.Meter, error) {
					time.Sleep(moment)
					return open(t.Context(), Config{URL: "http://node/metrics", Period: time.Second}, dial, noEnv)
				}, except...)
			})
		})
	}
}
