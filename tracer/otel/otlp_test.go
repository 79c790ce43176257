package otel_test

import (
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/otel/exporters/otlp/otlpmetric/otlpmetrichttp"
	"go.opentelemetry.io/otel/exporters/otlp/otlptrace/otlptracehttp"
	sdkmetric "go.opentelemetry.io/otel/sdk/metric"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	collectormetrics "go.opentelemetry.io/proto/otlp/collector/metrics/v1"
	collectortrace "go.opentelemetry.io/proto/otlp/collector/trace/v1"
	common "go.opentelemetry.io/proto/otlp/common/v1"
	metricspb "go.opentelemetry.io/proto/otlp/metrics/v1"
	tracepb "go.opentelemetry.io/proto/otlp/trace/v1"
	"google.golang.org/protobuf/proto"

	"github.com/ecotracer/ecotracer/tracer"
	"github.com/ecotracer/ecotracer/tracer/otel"
	"github.com/ecotracer/ecotracer/tracer/tracertest"
)

// collector is a receiver of OTLP over HTTP, as a collector is one.
type collector struct {
	*httptest.Server
	mu      sync.Mutex
	spans   []*tracepb.Span
	metrics []*metricspb.Metric
	errs    []error
}

func newCollector(t *testing.T) *collector {
	c := new(collector)
	c.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		c.mu.Lock()
		defer c.mu.Unlock()
		var reply proto.Message
		switch {
		case err != nil:
		case r.URL.Path == "/v1/traces":
			var req collectortrace.ExportTraceServiceRequest
			err = proto.Unmarshal(body, &req)
			for _, res := range req.ResourceSpans {
				for _, scope := range res.ScopeSpans {
					c.spans = append(c.spans, scope.Spans...)
				}
			}
			reply = new(collectortrace.ExportTraceServiceResponse)
		case r.URL.Path == "/v1/metrics":
			var req collectormetrics.ExportMetricsServiceRequest
			err = proto.Unmarshal(body, &req)
			for _, res := range req.ResourceMetrics {
				for _, scope := range res.ScopeMetrics {
					c.metrics = append(c.metrics, scope.Metrics...)
				}
			}
			reply = new(collectormetrics.ExportMetricsServiceResponse)
		}
		if err != nil || reply == nil {
			c.errs = append(c.errs, err)
			w.WriteHeader(http.StatusBadRequest)
			return
		}
		out, _ := proto.Marshal(reply)
		w.Header().Set("Content-Type", "application/x-protobuf")
		_, _ = w.Write(out)
	}))
	t.Cleanup(c.Close)
	return c
}

func (c *collector) endpoint() string { return strings.TrimPrefix(c.URL, "http://") }

func tells(kv []*common.KeyValue, key string) *common.AnyValue {
	for _, a := range kv {
		if a.Key == key {
			return a.Value
		}
	}
	return nil
}

func TestACollectorReceivesEnergy(t *testing.T) {
	c := newCollector(t)
	exporter, err := otlptracehttp.New(t.Context(), otlptracehttp.WithEndpoint(c.endpoint()), otlptracehttp.WithInsecure())
	require.NoError(t, err)
	sender, err := otlpmetrichttp.New(t.Context(), otlpmetrichttp.WithEndpoint(c.endpoint()), otlpmetrichttp.WithInsecure())
	require.NoError(t, err)

	ctx, run := begin(t)
	provider := sdktrace.NewTracerProvider(sdktrace.WithSpanProcessor(otel.NewProcessor(run, sdktrace.NewBatchSpanProcessor(exporter))))
	bridge := otel.NewBridge(run, provider)
	meters := sdkmetric.NewMeterProvider(sdkmetric.WithReader(sdkmetric.NewPeriodicReader(sender)))
	_, err = otel.RegisterMetrics(run, meters)
	require.NoError(t, err)

	request, s := provider.Tracer("").Start(ctx, "request")
	_, n := tracer.Start(request, "predict")
	n.Count("tokens", 7)
	tracertest.Burn(ctx, 20*time.Millisecond)
	n.End()
	s.End()
	require.NoError(t, bridge.Shutdown(ctx))
	require.NoError(t, provider.Shutdown(ctx))
	rec := finish(t, run)
	require.NoError(t, meters.Shutdown(ctx)) // which collects once more

	require.Empty(t, c.errs)
	require.Len(t, c.spans, 2)
	var sum float64
	for _, s := range c.spans {
		j := tells(s.Attributes, "ecotracer.energy.self_j").GetDoubleValue()
		assert.Positive(t, j, s.Name)
		sum += j
		assert.Equal(t, run.ID(), tells(s.Attributes, "ecotracer.run.id").GetStringValue())
	}
	predict, outer := c.spans[0], c.spans[1]
	if predict.Name != "predict" {
		predict, outer = outer, predict
	}
	assert.EqualValues(t, 7, tells(predict.Attributes, "ecotracer.units.tokens").GetIntValue())
	assert.Equal(t, outer.SpanId, predict.ParentSpanId)
	assert.InEpsilon(t, sum, tells(outer.Attributes, "ecotracer.energy.total_j").GetDoubleValue(), 1e-9)
	for _, s := range rec.Spans {
		sum -= s.SelfJ
	}
	assert.InDelta(t, 0, sum, 1e-9*rec.Totals.EnergyJ.Value)

	got := map[string]float64{}
	for _, m := range c.metrics {
		require.True(t, m.GetSum().IsMonotonic, m.Name)
		assert.Equal(t, map[bool]string{true: "g", false: "J"}[strings.Contains(m.Name, "emissions")], m.Unit)
		for _, p := range m.GetSum().DataPoints {
			got[m.Name] += p.GetAsDouble()
		}
	}
	assert.InEpsilon(t, rec.Totals.EnergyJ.Value, got["ecotracer.process.energy"], 1e-9)
	assert.InEpsilon(t, rec.Totals.OperationalGCO2e.Value, got["ecotracer.operational.emissions"], 1e-9)
	assert.Positive(t, got["hw.energy"])
	assert.Zero(t, got["hw.host.energy"])
}
