package main

import (
	"bytes"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/prometheus/client_golang/prometheus/testutil/promlint"
	dto "github.com/prometheus/client_model/go"
	"github.com/prometheus/common/expfmt"
	"github.com/prometheus/common/model"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/ecotracer/ecotracer/lifecycle"
	"github.com/ecotracer/ecotracer/tracer"
	"github.com/ecotracer/ecotracer/tracer/slogspan"
	"github.com/ecotracer/ecotracer/tracer/tracertest"
)

func TestTheServiceTellsWhatItsRoutesCost(t *testing.T) {
	t.Setenv("ECOTRACER_DISABLED", "")
	var out, logs bytes.Buffer
	ctx, run, err := tracer.Begin(t.Context(), tracer.Sinks(new(tracertest.Recorder)))
	require.NoError(t, err)
	log := slog.New(slogspan.Handler(slog.NewTextHandler(&logs, nil)))
	require.NoError(t, serve(ctx, service(run, log), 20, &out))
	r, err := run.End()
	require.NoError(t, err)
	t.Log("\n" + out.String())
	assert.Contains(t, out.String(), `ecotracer_spans_total{path="POST ~1digest~1{times}",stage="inference/serving"} 20`)
	assert.Contains(t, out.String(), `ecotracer_span_units_total{path="POST ~1digest~1{times}/hash",stage="inference/serving",unit="hashes"} 136000`)
	assert.Equal(t, 2, strings.Count(logs.String(), "a large request"))
	assert.Contains(t, logs.String(), `ecotracer.span="POST ~1digest~1{times}" ecotracer.stage=inference/serving`)

	for _, f := range lifecycle.Validate(r) {
		assert.True(t, f.Warning, "%+v", f)
	}
	counts := map[string]int64{}
	for _, s := range r.Spans {
		counts[s.Path] = s.Count
		assert.Zero(t, s.Failed, s.Path)
	}
	assert.Equal(t, map[string]int64{
		"POST ~1digest~1{times}": 20, "POST ~1digest~1{times}/hash": 20,
		"client": 1, "client/HTTP POST": 20, "HTTP GET": 1,
	}, counts, "what asks for metrics is no request of the service's")
}

// metrics are those of the service as Prometheus's own parser reads them.
func metrics(t *testing.T, h http.Handler) (text string, families map[string]*dto.MetricFamily) {
	t.Helper()
	w := httptest.NewRecorder()
	h.ServeHTTP(w, httptest.NewRequest("GET", "/metrics/energy", nil))
	require.Equal(t, 200, w.Code)
	require.Equal(t, expfmt.NewFormat(expfmt.TypeTextPlain), expfmt.ResponseFormat(w.Header()))
	text = w.Body.String()
	parser := expfmt.NewTextParser(model.LegacyValidation)
	families, err := parser.TextToMetricFamilies(strings.NewReader(text))
	require.NoError(t, err)
	return text, families
}

// TestPrometheusReadsWhatIsExposed: the parser and the linter of Prometheus find
// no fault, whatever spans are called.
func TestPrometheusReadsWhatIsExposed(t *testing.T) {
	t.Setenv("ECOTRACER_DISABLED", "")
	host := tracertest.NewHost(t.TempDir(), tracertest.HostConfig{})
	ctx, run, err := tracer.Begin(t.Context(), append(host.Options(), tracer.Sinks(new(tracertest.Recorder)), tracer.Named("a \"name\"\n"))...)
	require.NoError(t, err)
	hostile := []string{`quo"ted`, `back\slash`, "two\nlines", "\xff\xfe", "} 1\n# EOF", "{path=\"x\"}", "ünïcödé", strings.Repeat("long", 1000)}
	for _, name := range hostile {
		_, span := tracer.Start(ctx, name)
		span.Count(name, 3)
		span.End()
	}
	h := service(run, slog.New(slog.DiscardHandler))
	text, families := metrics(t, h)

	paths := map[string]bool{}
	for _, m := range families["ecotracer_span_energy_joules_total"].Metric {
		for _, l := range m.Label {
			if l.GetName() == "path" {
				paths[l.GetValue()] = true
			}
		}
	}
	for _, want := range []string{`quo"ted`, `back\slash`, "two\nlines", "} 1\n# EOF", "{path=\"x\"}", "ünïcödé"} {
		assert.True(t, paths[want], "%q is not among %q", want, paths)
	}
	assert.Equal(t, dto.MetricType_COUNTER, families["ecotracer_span_energy_joules_total"].GetType())
	assert.Equal(t, dto.MetricType_GAUGE, families["ecotracer_run_energy_joules"].GetType())
	problems, err := promlint.New(strings.NewReader(text)).Lint()
	require.NoError(t, err)
	assert.Empty(t, problems)

	record, err := run.End()
	require.NoError(t, err)
	sum := 0.0
	for _, m := range families["ecotracer_stage_energy_joules_total"].Metric {
		sum += m.Counter.GetValue()
	}
	assert.Positive(t, sum)
	assert.LessOrEqual(t, sum, record.Totals.EnergyJ.Value*(1+1e-9))
}

func TestBadRequestsAreAnsweredWithWhatIsWrong(t *testing.T) {
	for _, times := range []string{"0", "x", "2000000"} {
		w := httptest.NewRecorder()
		service(nil, slog.New(slog.DiscardHandler)).ServeHTTP(w, httptest.NewRequest("POST", "/digest/"+times, io.LimitReader(nil, 0)))
		assert.Equal(t, http.StatusBadRequest, w.Code, times)
		assert.Contains(t, w.Body.String(), "a number from 1", times)
	}
}
