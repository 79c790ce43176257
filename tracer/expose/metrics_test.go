package expose

import (
	"context"
	"flag"
	"fmt"
	"net/http/httptest"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/ecotracer/ecotracer/lifecycle"
)

var update = flag.Bool("update", false, "rewrite golden files")

func ptr[T any](v T) *T { return &v }

func quantity(v float64) *lifecycle.Quantity {
	return &lifecycle.Quantity{Value: v, Low: v / 2, High: v * 2, Method: lifecycle.Modelled}
}

// small is a record with one of everything, and names that nobody would choose.
func small() *lifecycle.Record {
	started := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	r := &lifecycle.Record{
		CreatedAt: started.Add(time.Minute),
		Run: lifecycle.RunInfo{
			ID: "019b7d2c-0000-7000-8000-000000000000", Name: "a \"name\"\nwith a line\\", Status: lifecycle.Running,
			StartedAt: &started, DurationS: 60, Scope: lifecycle.ScopeProcess, Boundary: lifecycle.BoundaryNode,
		},
		Generator: lifecycle.Generator{Version: "1.2.3", FactorsVersion: "2026.1"},
		Ledger: []lifecycle.LedgerLine{{
			Domain: "cpu0", Meter: "rapl", Method: lifecycle.Counter,
			TotalJ: 100, SpansJ: 50, UnattributedJ: 10, OtherRunsJ: ptr(5.0), OtherProcessesJ: 20, IdleJ: 15,
		}},
		Phases: []lifecycle.PhaseEntry{
			{Stage: lifecycle.Serving, EnergyJ: quantity(50), OperationalGCO2e: quantity(0.005)},
			{Stage: lifecycle.Unassigned, EnergyJ: quantity(10), OperationalGCO2e: quantity(0.001)},
			{Stage: lifecycle.Production, EmbodiedImpacts: lifecycle.EmbodiedImpacts{EmbodiedGCO2e: quantity(0.25)}},
		},
		Spans: []lifecycle.Span{
			{Path: "GET ~1", Stage: lifecycle.Serving, Count: 3, Failed: 1, Open: ptr(int64(2)), TotalS: 1.5, SelfJ: 40,
				Units: map[string]lifecycle.Unit{"requests": {Count: 3}, "tokens": {Count: 1e6}}},
			{Path: "GET ~1/\"}\n# EOF\\\xff", Stage: lifecycle.Serving, Count: 1, TotalS: 0.5, SelfJ: 10},
		},
		Totals: lifecycle.Totals{
			EnergyJ: *quantity(60), FacilityEnergyJ: *quantity(72), OperationalGCO2e: *quantity(0.006), GCO2e: quantity(0.256),
			MeasuredShare: 0.75,
		},
		Warnings: []lifecycle.Warning{{Code: "place-unknown"}},
	}
	return r
}

func TestBothFormatsLookLikeThis(t *testing.T) {
	all := newMetrics().of(small())
	for f, name := range map[format]string{prometheusText: "testdata/small.prom", openMetrics: "testdata/small.openmetrics"} {
		have := string(f.write(all))
		if *update {
			require.NoError(t, os.WriteFile(name, []byte(have), 0o644))
		}
		want, err := os.ReadFile(name)
		require.NoError(t, err)
		assert.Equal(t, string(want), have, name)
	}
}

// series are those of a text, by name and labels.
func series(t *testing.T, text string) map[string]float64 {
	t.Helper()
	values := map[string]float64{}
	for line := range strings.Lines(text) {
		if strings.HasPrefix(line, "#") {
			continue
		}
		i := strings.LastIndexByte(line, ' ')
		var v float64
		_, err := fmt.Sscan(line[i+1:], &v)
		require.NoError(t, err, line)
		_, twice := values[line[:i]]
		assert.False(t, twice, "twice: %s", line)
		values[line[:i]] = v
	}
	return values
}

func TestCountersNeverFallAndGaugesAreAsInTheRecord(t *testing.T) {
	m := newMetrics()
	text := func(r *lifecycle.Record) map[string]float64 { return series(t, string(prometheusText.write(m.of(r)))) }
	first := text(small())
	settled := small() // as it stands a moment later, with some joules booked elsewhere
	settled.Run.Status = lifecycle.Complete
	settled.Ledger[0].SpansJ, settled.Ledger[0].OtherProcessesJ = 45, 25
	settled.Spans[0].SelfJ = 35
	settled.Totals.EnergyJ.Value = 55
	second := text(settled)
	for name, v := range first {
		if strings.Contains(name, "_total") {
			assert.GreaterOrEqual(t, second[name], v, name)
		}
	}
	assert.Equal(t, 60.0, second[`ecotracer_energy_joules_total{domain="cpu0",meter="rapl",method="counter"}`])
	assert.Equal(t, 25.0, second[`ecotracer_host_energy_joules_total{domain="cpu0",booked="other_processes"}`])
	assert.Equal(t, 55.0, second["ecotracer_run_energy_joules"])
	assert.Equal(t, 1.0, second["ecotracer_run_ended"])
}

func TestWhatIsUnknownIsAbsent(t *testing.T) {
	r := small()
	r.Totals.GCO2e, r.Totals.WaterL, r.Phases[2].EmbodiedGCO2e = nil, nil, nil
	r.Totals.EnergyJ = lifecycle.Quantity{} // could not be derived
	text := string(prometheusText.write(newMetrics().of(r)))
	for _, name := range []string{"ecotracer_run_co2e_grams", "water", `part="embodied"`, "ecotracer_run_energy_joules", "measured_ratio"} {
		assert.NotContains(t, text, name)
	}
	assert.Contains(t, text, "ecotracer_run_operational_co2e_grams 0.006")
}

func TestAnyNumberOfPathsIsBoundedAndAddsUp(t *testing.T) {
	r := small()
	r.Spans = nil
	add := func(n int, path string) {
		for i := range n {
			r.Spans = append(r.Spans, lifecycle.Span{
				Path: fmt.Sprint(path, i), Stage: lifecycle.Serving, Count: 1, SelfJ: 2,
				Units: map[string]lifecycle.Unit{"requests": {Count: 1}, "tokens": {Count: 1}, "images": {Count: 1}},
			})
		}
	}
	m := newMetrics()
	sum := func() (joules float64, paths, units int) {
		for name, v := range series(t, string(prometheusText.write(m.of(r)))) {
			if strings.HasPrefix(name, "ecotracer_span_energy_joules_total") {
				joules, paths = joules+v, paths+1
			}
			if strings.HasPrefix(name, "ecotracer_span_units_total") {
				units++
			}
		}
		return joules, paths, units
	}
	add(400, "early")
	add(2, strings.Repeat("long", 200))
	joules, paths, _ := sum()
	assert.Equal(t, 804.0, joules)
	assert.Equal(t, 401, paths)
	add(2000, "late")
	r.Spans[0], r.Spans[len(r.Spans)-1] = r.Spans[len(r.Spans)-1], r.Spans[0] // in whatever order
	joules, paths, units := sum()
	assert.Equal(t, 4804.0, joules, "those without a series of their own are together")
	assert.Equal(t, maxPaths+1, paths)
	assert.Equal(t, maxUnits, units)
	assert.Contains(t, string(prometheusText.write(m.of(r))), `ecotracer_span_energy_joules_total{path="early0",stage="inference/serving"} 2`)
}

func TestOpenMetricsIsForThoseWhoAskForIt(t *testing.T) {
	for accept, want := range map[string]format{
		"":    prometheusText,
		"*/*": prometheusText,
		// Prometheus 2.x and 3.x
		"application/openmetrics-text;version=1.0.0;q=0.5,application/openmetrics-text;version=0.0.1;q=0.4,text/plain;version=0.0.4;q=0.3,*/*;q=0.2":                                              openMetrics,
		"application/vnd.google.protobuf;proto=io.prometheus.client.MetricFamily;encoding=delimited;q=0.6,application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.5,text/plain;q=0.1": openMetrics,
		"text/plain;version=0.0.4":                        prometheusText,
		"application/openmetrics-text":                    openMetrics,
		"application/openmetrics-text;version=2.0.0":      prometheusText,
		"application/openmetrics-text;q=0":                prometheusText,
		"application/openmetrics-text;q=0.1,text/plain":   prometheusText,
		"application/openmetrics-text;q=garbage, ;;;,///": prometheusText,
	} {
		assert.Equal(t, want, formatOf(accept), accept)
	}
}

func TestWhoWaitsInVainIsTold(t *testing.T) {
	run := begin(t)
	h := Handler(run).(*handler)
	<-h.pages.turn // another scrape makes the first record, and does not come back
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	w := httptest.NewRecorder()
	h.ServeHTTP(w, httptest.NewRequest("GET", "/metrics", nil).WithContext(ctx))
	assert.Equal(t, 503, w.Code)
}

func BenchmarkRefresh(b *testing.B) {
	r := small()
	r.Spans = nil
	for i := range 10_000 {
		r.Spans = append(r.Spans, lifecycle.Span{Path: fmt.Sprint("path", i), Stage: lifecycle.Serving, Count: 1, SelfJ: 2})
	}
	m := newMetrics()
	b.ReportAllocs()
	for b.Loop() {
		prometheusText.write(m.of(r))
	}
}

// FuzzLabels: whatever a span is called, its label is one, and reads back.
func FuzzLabels(f *testing.F) {
	for _, s := range []string{"train", `quo"ted`, `back\`, `\n`, "two\nlines", "\xff", `"} 1`} {
		f.Add(s)
	}
	unescape := strings.NewReplacer(`\\`, `\`, `\n`, "\n", `\"`, `"`)
	f.Fuzz(func(t *testing.T, name string) {
		text := labelText([]string{"path", name})
		value := strings.TrimSuffix(strings.TrimPrefix(text, `{path="`), `"}`)
		assert.NotContains(t, value, "\n")
		assert.NotContains(t, strings.NewReplacer(`\\`, "", `\"`, "").Replace(value), `"`)
		assert.Equal(t, strings.ToValidUTF8(name, "\uFFFD"), unescape.Replace(value))
	})
}

func FuzzAccept(f *testing.F) {
	f.Add("application/openmetrics-text;version=1.0.0;q=0.5,text/plain;version=0.0.4;q=0.3,*/*;q=0.2")
	f.Add("text/html, ;;,\x00")
	f.Fuzz(func(t *testing.T, accept string) {
		if formatOf(accept) == openMetrics {
			assert.Contains(t, strings.ToLower(accept), "openmetrics")
		}
	})
}
