package otel_test

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/otel/attribute"
	sdkmetric "go.opentelemetry.io/otel/sdk/metric"
	"go.opentelemetry.io/otel/sdk/metric/metricdata"

	"github.com/ecotracer/ecotracer/lifecycle"
	"github.com/ecotracer/ecotracer/tracer"
	"github.com/ecotracer/ecotracer/tracer/meter"
	"github.com/ecotracer/ecotracer/tracer/otel"
	"github.com/ecotracer/ecotracer/tracer/tracertest"
)

// collect is what the counters say, by instrument and then by the attribute that
// tells them apart.
func collect(t *testing.T, r *sdkmetric.ManualReader) map[string]map[string]float64 {
	t.Helper()
	var all metricdata.ResourceMetrics
	require.NoError(t, r.Collect(t.Context(), &all))
	got := map[string]map[string]float64{}
	for _, scope := range all.ScopeMetrics {
		for _, m := range scope.Metrics {
			sum, ok := m.Data.(metricdata.Sum[float64])
			require.True(t, ok, m.Name)
			assert.True(t, sum.IsMonotonic)
			assert.Equal(t, metricdata.CumulativeTemporality, sum.Temporality)
			got[m.Name] = map[string]float64{}
			for _, p := range sum.DataPoints {
				run, _ := p.Attributes.Value("ecotracer.run.id")
				assert.Len(t, run.AsString(), 36)
				key := attribute.Key("ecotracer.stage")
				if _, told := p.Attributes.Value("hw.id"); told {
					key = "hw.id"
				}
				v, _ := p.Attributes.Value(key)
				got[m.Name][v.AsString()] = p.Value
			}
		}
	}
	return got
}

func TestTheMetricsAreThoseOfTheRecord(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		gpu := tracertest.NewMeter(tracertest.Domain{Domain: meter.Domain{ID: "gpu0", Model: "H100 PCIe 80GB", TDPW: 350}, Power: tracertest.Constant(200)})
		ctx, run := begin(t, tracer.Meters(gpu), tracer.At(tracer.Site{Country: "FR"}))
		reader := sdkmetric.NewManualReader()
		provider := sdkmetric.NewMeterProvider(sdkmetric.WithReader(reader))
		registered, err := otel.RegisterMetrics(run, provider)
		require.NoError(t, err)
		train, s := tracer.Start(ctx, "train")
		time.Sleep(1500 * time.Millisecond)
		first := collect(t, reader)
		time.Sleep(time.Second / 3)
		_, e := tracer.Start(train, "evaluate")
		e.Call("text-generation", 5)
		e.Transfer("fixed", 1e9)
		time.Sleep(time.Second)
		e.End()
		s.End()
		rec := finish(t, run)
		last := collect(t, reader)

		assert.InDelta(t, 30, first["hw.energy"]["cpu0"], 1e-5)
		assert.InDelta(t, 300, first["hw.energy"]["gpu0"], 1e-5)
		var sum, grams, metered float64
		for _, v := range last["ecotracer.process.energy"] {
			sum += v
		}
		for _, v := range last["ecotracer.operational.emissions"] {
			grams += v
		}
		assert.InEpsilon(t, rec.Totals.EnergyJ.Value, sum, 1e-9)
		assert.InEpsilon(t, rec.Totals.OperationalGCO2e.Value, grams, 1e-9)
		for _, l := range rec.Ledger {
			if l.Split == "declared" {
				assert.NotContains(t, last["hw.energy"], l.Domain, "what others' machines use is none of this one's")
				continue
			}
			assert.InEpsilon(t, l.TotalJ, last["hw.energy"][l.Domain], 1e-9, l.Domain)
			metered++
		}
		assert.Len(t, last["hw.energy"], int(metered))
		assert.NotContains(t, last, "hw.host.energy", "no meter tells that")
		assert.NotEqual(t, float64(int64(sum)), sum, "fractions of a joule are told")

		require.NoError(t, registered.Unregister())
		assert.Empty(t, collect(t, reader))
	})
}

func TestWhatIsToldByDifferencesAddsUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, run := begin(t)
		reader := sdkmetric.NewManualReader(sdkmetric.WithTemporalitySelector(func(sdkmetric.InstrumentKind) metricdata.Temporality {
			return metricdata.DeltaTemporality
		}))
		_, err := otel.RegisterMetrics(run, sdkmetric.NewMeterProvider(sdkmetric.WithReader(reader)))
		require.NoError(t, err)
		_, s := tracer.Start(ctx, "train")
		var sum float64
		for range 3 {
			time.Sleep(time.Second)
			var all metricdata.ResourceMetrics
			require.NoError(t, reader.Collect(t.Context(), &all))
			for _, m := range all.ScopeMetrics[0].Metrics {
				if m.Name != "ecotracer.process.energy" {
					continue
				}
				assert.Equal(t, "J", m.Unit)
				for _, p := range m.Data.(metricdata.Sum[float64]).DataPoints {
					assert.GreaterOrEqual(t, p.Value, 0.0)
					sum += p.Value
				}
			}
		}
		s.End()
		assert.InEpsilon(t, finish(t, run).Totals.EnergyJ.Value, sum, 1e-9)
	})
}

func TestAHostsTotalIsNoDevices(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		node := tracertest.NewMeter(tracertest.Domain{Domain: meter.Domain{ID: "node0", Kind: lifecycle.KindNode, Sensor: "acpi"}, Power: tracertest.Constant(300)})
		host := tracertest.NewHost(t.TempDir(), tracertest.HostConfig{VM: true})
		ctx, run, err := tracer.Begin(context.Background(), append(host.Options(), tracer.Sinks(new(tracertest.Recorder)), tracer.Meters(node))...)
		require.NoError(t, err)
		reader := sdkmetric.NewManualReader()
		_, err = otel.RegisterMetrics(run, sdkmetric.NewMeterProvider(sdkmetric.WithReader(reader)))
		require.NoError(t, err)
		_, s := tracer.Start(ctx, "work")
		time.Sleep(10 * time.Second)
		s.End()
		got := collect(t, reader)
		assert.InDelta(t, 3000, got["hw.host.energy"]["node0"], 1e-6)
		assert.NotContains(t, got, "hw.energy")
		finish(t, run)
	})
}

// Who claims a device holds it from the run's begin on: what the others had of it
// by wall share is not theirs any more.
func TestCountersNeverFall(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		gpu := tracertest.NewMeter(tracertest.Domain{Domain: meter.Domain{ID: "gpu0", Model: "H100 PCIe 80GB", TDPW: 350}, Power: tracertest.Constant(200)})
		ctx, run := begin(t, tracer.Meters(gpu))
		reader := sdkmetric.NewManualReader()
		_, err := otel.RegisterMetrics(run, sdkmetric.NewMeterProvider(sdkmetric.WithReader(reader)))
		require.NoError(t, err)
		_, s := tracer.Start(ctx, "train")
		time.Sleep(10 * time.Second)
		before := collect(t, reader)
		_, e := tracer.Start(ctx, "evaluate", tracer.OnDevices("gpu0"))
		time.Sleep(time.Second)
		after := collect(t, reader)
		e.End()
		s.End()
		rec := finish(t, run)
		var train float64
		for _, s := range rec.Spans {
			if s.Path == "train" {
				train = s.SelfJ
			}
		}
		const counter, stage = "ecotracer.process.energy", string(lifecycle.Training)
		require.Less(t, train, before[counter][stage]-1000, "it was revised downwards, or this tests nothing")
		assert.Equal(t, before[counter][stage], after[counter][stage])
		assert.Equal(t, before[counter][stage], collect(t, reader)[counter][stage])
	})
}

func TestOfNoRunThereIsNothingToTell(t *testing.T) {
	reader := sdkmetric.NewManualReader()
	_, err := otel.RegisterMetrics(nil, sdkmetric.NewMeterProvider(sdkmetric.WithReader(reader)))
	require.NoError(t, err)
	assert.Empty(t, collect(t, reader))
}
