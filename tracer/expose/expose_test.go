package expose

import (
	"context"
	"encoding/json"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/ecotracer/ecotracer/lifecycle"
	"github.com/ecotracer/ecotracer/tracer"
	"github.com/ecotracer/ecotracer/tracer/tracertest"
)

// begin begins a run on a simulated host.
func begin(t *testing.T) *tracer.Run {
	t.Helper()
	host := tracertest.NewHost(t.TempDir(), tracertest.HostConfig{})
	_, run, err := tracer.Begin(context.Background(), append(host.Options(), tracer.Sinks(new(tracertest.Recorder)), tracer.At(tracer.Site{Country: "FR"}))...)
	require.NoError(t, err)
	t.Cleanup(func() { _, _ = run.End() })
	return run
}

// scrape asks as Prometheus does.
func scrape(t *testing.T, h *handler) map[string]float64 {
	t.Helper()
	w := httptest.NewRecorder()
	h.ServeHTTP(w, httptest.NewRequest("GET", "/metrics", nil))
	require.Equal(t, 200, w.Code)
	require.Equal(t, "text/plain; version=0.0.4; charset=utf-8", w.Header().Get("Content-Type"))
	return series(t, w.Body.String())
}

// total is the sum of all series of a counter.
func total(all map[string]float64, name string) (sum float64) {
	for k, v := range all {
		if n, _, _ := strings.Cut(k, "{"); n == name {
			sum += v
		}
	}
	return sum
}

func TestAScrapeTellsWhatTheRunHasComeTo(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		run := begin(t)
		h := Handler(run).(*handler)
		_, serve := tracer.Start(t.Context(), "serve")
		time.Sleep(time.Minute)
		serve.Count("requests", 7)
		first := scrape(t, h)
		assert.Equal(t, 1.0, first[`ecotracer_spans_open{path="serve",stage="inference/serving"}`])
		assert.Equal(t, 7.0, first[`ecotracer_span_units_total{path="serve",stage="inference/serving",unit="requests"}`])
		assert.Equal(t, 60.0, first["ecotracer_run_duration_seconds"])

		time.Sleep(fresh - time.Second)
		assert.Equal(t, first, scrape(t, h), "shown for %v", fresh)
		time.Sleep(time.Second)
		second := scrape(t, h)
		assert.Equal(t, 65.0, second["ecotracer_run_duration_seconds"])
		assert.Greater(t, total(second, "ecotracer_energy_joules_total"), total(first, "ecotracer_energy_joules_total"))

		serve.End()
		r, err := run.End()
		require.NoError(t, err)
		time.Sleep(fresh)
		final := scrape(t, h)
		assert.Equal(t, 1.0, final["ecotracer_run_ended"])
		assert.Equal(t, r.Totals.EnergyJ.Value, final["ecotracer_run_energy_joules"])
		assert.Equal(t, r.Totals.EnergyJ.Low, final["ecotracer_run_energy_low_joules"])
		assert.Equal(t, r.Totals.GCO2e.High, final["ecotracer_run_co2e_high_grams"])
		for name, want := range map[string]float64{
			"ecotracer_energy_joules_total":          r.Totals.EnergyJ.Value,
			"ecotracer_stage_energy_joules_total":    r.Totals.EnergyJ.Value,
			"ecotracer_facility_energy_joules_total": r.Totals.FacilityEnergyJ.Value,
			"ecotracer_emissions_co2e_grams_total":   r.Totals.GCO2e.Value,
			"ecotracer_water_litres_total":           r.Totals.WaterL.Value,
			"ecotracer_span_energy_joules_total":     r.Spans[0].SelfJ,
			"ecotracer_host_energy_joules_total":     r.Ledger[0].TotalJ + r.Ledger[1].TotalJ + r.Ledger[2].TotalJ,
		} {
			assert.InEpsilon(t, want, total(final, name), 1e-9, name)
		}
		time.Sleep(time.Hour)
		assert.Equal(t, final, scrape(t, h))
	})
}

func TestAVariableIsTheRecordInShort(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		run := begin(t)
		v := Var(run)
		for i := range 2 * maxShown {
			_, s := tracer.Start(t.Context(), "path"+strings.Repeat("x", i))
			time.Sleep(time.Duration(i) * time.Millisecond)
			s.End()
		}
		var shown struct {
			Run      lifecycle.RunInfo
			Totals   lifecycle.Totals
			Spans    []lifecycle.Span
			Warnings []lifecycle.Warning
		}
		require.NoError(t, json.Unmarshal([]byte(v.String()), &shown))
		assert.Equal(t, run.ID(), shown.Run.ID)
		assert.Equal(t, lifecycle.Running, shown.Run.Status)
		require.Len(t, shown.Spans, maxShown)
		assert.Equal(t, "path"+strings.Repeat("x", 2*maxShown-1), shown.Spans[0].Path, "those that used the most")
		assert.Equal(t, v.String(), v.String())
		r, err := run.End()
		require.NoError(t, err)
		time.Sleep(fresh)
		require.NoError(t, json.Unmarshal([]byte(v.String()), &shown))
		assert.Equal(t, lifecycle.Complete, shown.Run.Status)
		assert.Equal(t, r.Totals.EnergyJ, shown.Totals.EnergyJ)
	})
}

func TestARunThatIsNoneHasNoMetrics(t *testing.T) {
	t.Setenv("ECOTRACER_DISABLED", "1")
	_, disabled, err := tracer.Begin(t.Context())
	require.NoError(t, err)
	for name, run := range map[string]*tracer.Run{"nil": nil, "disabled": disabled} {
		t.Run(name, func(t *testing.T) {
			assert.Equal(t, "null", Var(run).String())
			assert.Empty(t, scrape(t, Handler(run).(*handler)))
			w, r := httptest.NewRecorder(), httptest.NewRequest("GET", "/", nil)
			r.Header.Set("Accept", "application/openmetrics-text")
			Handler(run).ServeHTTP(w, r)
			assert.Equal(t, "# EOF\n", w.Body.String())
		})
	}
}

func TestMetricsAreReadOnly(t *testing.T) {
	w := httptest.NewRecorder()
	Handler(nil).ServeHTTP(w, httptest.NewRequest("POST", "/", nil))
	assert.Equal(t, 405, w.Code)
	assert.Equal(t, "GET, HEAD", w.Header().Get("Allow"))
}

func TestManyMayAskAtOnce(t *testing.T) {
	run := begin(t)
	h, v := Handler(run).(*handler), Var(run)
	var wg sync.WaitGroup
	for range 16 {
		wg.Go(func() {
			w, r := httptest.NewRecorder(), httptest.NewRequest("GET", "/", nil)
			r.Header.Set("Accept", "application/openmetrics-text")
			h.ServeHTTP(w, r)
			assert.True(t, strings.HasSuffix(w.Body.String(), "# EOF\n"))
			scrape(t, h)
			assert.True(t, json.Valid([]byte(v.String())))
		})
	}
	_, _ = run.End()
	wg.Wait()
}
