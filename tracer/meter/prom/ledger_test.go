package prom

import (
	"io/fs"
	"net/http"
	"testing"
	"testing/fstest"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/ecotracer/ecotracer/lifecycle"
	"github.com/ecotracer/ecotracer/tracer"
	"github.com/ecotracer/ecotracer/tracer/meter"
	"github.com/ecotracer/ecotracer/tracer/tracertest"
)

// trap 14: what an agent tells is booked once, and nothing is made up beside it. A pod of two sockets without counters has them from its node.
func TestRunInAPod(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		body := exposition(t, "kepler.prom")
		_, dial := bubble(t, text(body))
		m, err := open(t.Context(), Config{URL: "http://node/metrics"}, dial, noEnv)
		require.NoError(t, err)
		pod := tracertest.NewHost(t.TempDir(), tracertest.HostConfig{Packages: []tracertest.Curve{tracertest.Constant(100), tracertest.Constant(100)}})
		pod.Vanish("sys/class/powercap")
		rec := record(t, pod, m, func() {})
		var lines []string
		for _, l := range rec.Ledger {
			lines = append(lines, l.Domain+" "+string(l.Method))
		}
		assert.Contains(t, lines, "cpu0 counter")
		assert.Contains(t, lines, "dram0 counter")
		assert.NotContains(t, lines, "cpu1 modelled", "Kepler told both sockets")
		for _, method := range rec.Methods {
			assert.NotContains(t, method.Tool, "worker", "no node name")
		}
	})
}

// trap 3: nothing is lost between the looks of an exporter that looks every 30 s.
func TestEnergyOfARunIsThatOfThePlant(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		_, dial := bubble(t, plant(700, 2, 30*time.Second))
		m, err := open(t.Context(), Config{URL: "http://node/metrics"}, dial, noEnv)
		require.NoError(t, err)
		rec := record(t, fstest.MapFS{}, m, func() { time.Sleep(time.Hour + 7*time.Second) })
		found := 0
		for _, l := range rec.Ledger {
			if l.Domain != "gpu0" && l.Domain != "gpu1" {
				continue
			}
			found++
			assert.InDelta(t, 700*3607, l.TotalJ, 700*30, "but for what the exporter has not seen yet")
			if l.GapS != nil {
				assert.InDelta(t, 0, *l.GapS, 0.2)
			}
		}
		assert.Equal(t, 2, found)
		for _, w := range rec.Warnings {
			assert.NotContains(t, []string{"counter-stuck", "counter-reset", "counter-gap", "counter-unreadable"}, w.Code)
		}
	})
}

// An agent that is down for a while loses nothing; the record says so.
func TestRunBesideAnAgentThatIsDownForAWhile(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		up := plant(100, 1, 0)
		e, dial := bubble(t, up)
		m, err := open(t.Context(), Config{URL: "http://node/metrics"}, dial, noEnv)
		require.NoError(t, err)
		rec := record(t, fstest.MapFS{}, m, func() {
			time.Sleep(time.Minute)
			e.set(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusForbidden) })
			time.Sleep(3 * time.Minute)
			e.set(up)
			time.Sleep(time.Minute)
		})
		codes := map[string]bool{}
		for _, w := range rec.Warnings {
			codes[w.Code] = true
		}
		assert.True(t, codes["permission-denied"], "%v", rec.Warnings)
		for _, l := range rec.Ledger {
			if l.Domain == "gpu0" {
				assert.InDelta(t, 100*310, l.TotalJ, 600)
				require.NotNil(t, l.GapS)
				assert.InDelta(t, 180, *l.GapS, 10)
			}
		}
	})
}

// record is that of a run which does some work beside a meter.
func record(t *testing.T, root fs.FS, m meter.Meter, work func()) *lifecycle.Record {
	t.Helper()
	var records tracertest.Recorder
	ctx, run, err := tracer.Begin(t.Context(), tracer.Host(root), tracer.Meters(m), tracer.Sinks(&records), tracer.Scope(lifecycle.ScopeMachine))
	require.NoError(t, err)
	_, span := tracer.Start(ctx, "train")
	work()
	time.Sleep(10 * time.Second)
	span.End()
	rec, err := run.End()
	require.NoError(t, err)
	return rec
}
