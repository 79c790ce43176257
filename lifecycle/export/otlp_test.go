package export

import (
	"bytes"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	common "go.opentelemetry.io/proto/otlp/common/v1"
	metrics "go.opentelemetry.io/proto/otlp/metrics/v1"
	trace "go.opentelemetry.io/proto/otlp/trace/v1"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"

	"github.com/ecotracer/ecotracer/lifecycle"
)

// receive reads a line with the official types, strictly. Their JSON has ids in
// base64, where OTLP has hex.
func receive(t testing.TB, line []byte, into proto.Message) {
	t.Helper()
	var v any
	d := json.NewDecoder(bytes.NewReader(line))
	d.UseNumber()
	require.NoError(t, d.Decode(&v))
	var walk func(v any)
	walk = func(v any) {
		switch v := v.(type) {
		case map[string]any:
			for key, member := range v {
				switch key {
				case "traceId", "spanId", "parentSpanId":
					id, err := hex.DecodeString(member.(string))
					require.NoError(t, err)
					require.Equal(t, strings.ToLower(member.(string)), member)
					require.Len(t, id, map[bool]int{true: 16, false: 8}[key == "traceId"])
					require.NotEqual(t, make([]byte, len(id)), id)
					v[key] = base64.StdEncoding.EncodeToString(id)
				case "startTimeUnixNano", "endTimeUnixNano", "timeUnixNano", "intValue":
					require.IsType(t, "", member, "64-bit numbers are texts")
				case "kind", "code", "aggregationTemporality":
					require.IsType(t, json.Number(""), member, "enums are numbers")
				}
				walk(member)
			}
		case []any:
			for _, entry := range v {
				walk(entry)
			}
		}
	}
	walk(v)
	text, err := json.Marshal(v)
	require.NoError(t, err)
	require.NoError(t, protojson.Unmarshal(text, into))
}

// attributes are a span's or point's, as text or number.
func attributes(all []*common.KeyValue) map[string]any {
	m := map[string]any{}
	for _, a := range all {
		switch v := a.Value.Value.(type) {
		case *common.AnyValue_StringValue:
			m[a.Key] = v.StringValue
		case *common.AnyValue_DoubleValue:
			m[a.Key] = v.DoubleValue
		case *common.AnyValue_IntValue:
			m[a.Key] = v.IntValue
		case *common.AnyValue_BoolValue:
			m[a.Key] = v.BoolValue
		}
	}
	return m
}

func receivedSpans(t testing.TB, text []byte) (all []*trace.Span) {
	t.Helper()
	for line := range bytes.Lines(text) {
		var data trace.TracesData
		receive(t, line, &data)
		require.Len(t, data.ResourceSpans, 1)
		resource := attributes(data.ResourceSpans[0].Resource.Attributes)
		assert.Equal(t, "small", resource["service.name"])
		assert.Equal(t, "IS", resource["geo.country.iso_code"])
		all = append(all, data.ResourceSpans[0].ScopeSpans[0].Spans...)
	}
	return all
}

func TestPathsBecomeSpansThatSayWhatTheyStandFor(t *testing.T) {
	r := exampleRecord(t)
	text, losses := exported(t, OTLPTraces, r, Options{})
	assert.Equal(t, 1, bytes.Count(text, []byte("\n")))
	spans := receivedSpans(t, text)
	require.Len(t, spans, 1+len(r.Spans))
	root, byName := spans[0], map[string]*trace.Span{}
	assert.Equal(t, "small", root.Name)
	assert.Equal(t, "0af7651916cd43dd8448eb211c80319c", hex.EncodeToString(root.TraceId))
	var self float64
	for _, s := range spans[1:] {
		byName[s.Name] = s
		a := attributes(s.Attributes)
		assert.Equal(t, true, a["ecotracer.span.aggregated"])
		self += a["ecotracer.energy.self_j"].(float64)
		assert.Equal(t, trace.Span_SPAN_KIND_INTERNAL, s.Kind)
		assert.LessOrEqual(t, s.StartTimeUnixNano, s.EndTimeUnixNano)
	}
	assert.Equal(t, byName["fit"].SpanId, byName["epoch"].ParentSpanId)
	assert.Equal(t, root.SpanId, byName["fit"].ParentSpanId)
	assert.Equal(t, map[string]any{
		"ecotracer.path": "fit/epoch", "ecotracer.phase": "training", "ecotracer.stage": "training/training", "ecotracer.span.aggregated": true,
		"ecotracer.span.count": int64(5), "ecotracer.span.failed": int64(0), "ecotracer.span.self_s": 690., "ecotracer.span.total_s": 690.,
		"ecotracer.span.min_s": 138., "ecotracer.span.p50_s": 138., "ecotracer.span.p95_s": 138., "ecotracer.span.p99_s": 138., "ecotracer.span.max_s": 138.,
		"ecotracer.energy.self_j": 400000., "ecotracer.energy.total_j": 400000.,
		"ecotracer.units.samples.count": int64(45000), "ecotracer.units.samples.j_per_unit": 8.88888888888889, "ecotracer.units.samples.gco2e_per_unit": 0.00008641975308641976,
	}, attributes(byName["epoch"].Attributes))
	unattributed := 0.
	for _, l := range r.Ledger {
		unattributed += l.UnattributedJ
	}
	assert.InEpsilon(t, attributes(root.Attributes)["ecotracer.energy.total_j"], self+unattributed, 1e-9, "self energies and what is unattributed add up")
	assert.EqualValues(t, r.Run.StartedAt.UnixNano(), root.StartTimeUnixNano)
	assert.NotContains(t, lossPaths(losses), "/spans")
	assert.Contains(t, lossPaths(losses), "/hardware")

	again, _ := exported(t, OTLPTraces, r, Options{})
	assert.Equal(t, string(text), string(again), "the same record is the same file")
	r.Run.TraceID = ""
	other := receivedSpans(t, must(exported(t, OTLPTraces, r, Options{})))
	assert.Len(t, other[0].TraceId, 16, "a record without a trace has one of its own")
	assert.NotEqual(t, other[0].TraceId, root.TraceId)
}

func must(text []byte, _ []Loss) []byte { return text }

// stream is the single spans of the example record: five epochs in fit, and
// fifty requests of which two run at a time.
func stream(r *lifecycle.Record) string {
	var b strings.Builder
	line := func(path string, stage lifecycle.Stage, begin, end, self float64, failed bool) {
		text, _ := json.Marshal(map[string]any{"path": path, "stage": stage, "begin_s": begin, "end_s": end, "self_s": self})
		if failed {
			text = append(text[:len(text)-1], `,"failed":true}`...)
		}
		fmt.Fprintf(&b, "%s\n", text)
	}
	line("prepare", lifecycle.DataPreparation, 20, 200, 180, false)
	for i := range 5 {
		line("fit/epoch", lifecycle.Training, 200+138*float64(i), 338+138*float64(i), 138, false)
	}
	line("fit", lifecycle.Training, 200, 900, 10, false)
	for i := range 50 {
		line("serve", lifecycle.Serving, 900+float64(i)*1.5, 902+float64(i)*1.5, 2, i == 7)
	}
	return b.String()
}

func TestSingleSpansKeepTheirTimes(t *testing.T) {
	r := exampleRecord(t)
	text, losses := exported(t, OTLPTraces, r, Options{Spans: strings.NewReader(stream(r))})
	spans := receivedSpans(t, text)
	require.Len(t, spans, 1+57)
	joules, roots := map[string]float64{}, 0.0
	byID, failed := map[string]*trace.Span{}, 0
	for _, s := range spans {
		byID[string(s.SpanId)] = s
	}
	assert.Len(t, byID, len(spans), "ids are unique")
	for _, s := range spans[1:] {
		a := attributes(s.Attributes)
		joules[a["ecotracer.path"].(string)] += a["ecotracer.energy.self_j"].(float64)
		if string(s.ParentSpanId) == string(spans[0].SpanId) {
			roots += a["ecotracer.energy.total_j"].(float64)
		}
		above := byID[string(s.ParentSpanId)]
		require.NotNil(t, above)
		assert.Equal(t, s.Name == "epoch", above.Name == "fit")
		assert.LessOrEqual(t, above.StartTimeUnixNano, s.StartTimeUnixNano)
		assert.GreaterOrEqual(t, above.EndTimeUnixNano, s.EndTimeUnixNano)
		if s.Status.GetCode() == trace.Status_STATUS_CODE_ERROR {
			failed++
			assert.Equal(t, "serve", s.Name)
		}
	}
	assert.Equal(t, 1, failed)
	for i := range r.Spans {
		assert.InEpsilon(t, r.Spans[i].SelfJ, joules[r.Spans[i].Path], 1e-9)
	}
	assert.InEpsilon(t, 11700+405000+9900, roots, 1e-9, "children are in the total of their parents, once")
	assert.Contains(t, lossPaths(losses), "/spans/0/total_j")
	assert.NotContains(t, lossPaths(losses), "/spans/0/self_j")

	_, losses = exported(t, OTLPTraces, r, Options{Spans: strings.NewReader(`{"path":"prepare","stage":"training/data-preparation","begin_s":20,"end_s":200,"self_s":180}
		{"path":"serve","stage":"inference/serving","begin_s":900,"end_s":902,"self_s":2}`)})
	assert.Contains(t, lossPaths(losses), "/spans/1", "of which the stream has none")
	assert.NotContains(t, lossPaths(losses), "/spans/0/self_j")
	assert.Contains(t, lossPaths(losses), "/spans/3/self_j", "of fifty spans one tells nothing of all")
}

func TestASpanMayOutliveItsParent(t *testing.T) {
	r := exampleRecord(t)
	lines := `{"path":"fit","stage":"training/training","begin_s":200,"end_s":300,"self_s":1}
		{"path":"fit/epoch","stage":"training/training","begin_s":250,"end_s":350,"self_s":69}`
	spans := receivedSpans(t, must(exported(t, OTLPTraces, r, Options{Spans: strings.NewReader(lines)})))
	require.Equal(t, "epoch", spans[2].Name)
	assert.Equal(t, spans[1].SpanId, spans[2].ParentSpanId)
	assert.InEpsilon(t, 500+40000, attributes(spans[1].Attributes)["ecotracer.energy.total_j"], 1e-9)
	checkTrace(t, must(exported(t, Trace, r, Options{Spans: strings.NewReader(lines)})))
}

func TestLongStreamsAreManyMessages(t *testing.T) {
	r := exampleRecord(t)
	one := `{"path":"serve","stage":"inference/serving","begin_s":900,"end_s":902}` + "\n"
	text, _ := exported(t, OTLPTraces, r, Options{Spans: strings.NewReader(strings.Repeat(one, otlpBatch))})
	assert.Equal(t, 2, bytes.Count(text, []byte("\n")))
	assert.Len(t, receivedSpans(t, text), 1+otlpBatch)
}

func TestAStreamThatWasCutOffHasItsWholeLines(t *testing.T) {
	r := exampleRecord(t)
	one := `{"path":"serve","stage":"inference/serving","begin_s":900,"end_s":902}` + "\n"
	for cut := range len(one) - 1 {
		text, _ := exported(t, OTLPTraces, r, Options{Spans: strings.NewReader(one + one[:cut])})
		assert.Len(t, receivedSpans(t, text), 1+1)
	}
}

func TestStreamsThatAreNotOfTheRunAreRefused(t *testing.T) {
	r := exampleRecord(t)
	for name, c := range map[string]struct{ line, want string }{
		"no JSON":             {"\n{]", "line 2"},
		"cut, not at the end": {"{\n{}", "line 1"},
		"another run":         {`{"path":"other","stage":"inference/serving","begin_s":0,"end_s":1}`, "another run"},
		"another stage":       {`{"path":"serve","stage":"inference/batch","begin_s":0,"end_s":1}`, "another run"},
		"ends first":          {`{"path":"serve","stage":"inference/serving","begin_s":2,"end_s":1}`, "from 2 s to 1 s"},
		"before the run":      {`{"path":"serve","stage":"inference/serving","begin_s":-2,"end_s":1}`, "from -2 s"},
		"never":               {`{"path":"serve","stage":"inference/serving","begin_s":2,"end_s":1e300}`, "1e+300 s"},
		"shares below 0":      {`{"path":"serve","stage":"inference/serving","begin_s":0,"end_s":1,"self_s":-1}`, "wall share"},
		"an unknown field":    {`{"path":"serve","x":1}`, "x"},
		"two on a line":       {`{"path":"serve","stage":"inference/serving","begin_s":0,"end_s":1}{}`, "more than one"},
		"a long line":         {strings.Repeat("x", maxSpanLine+1), "too long"},
	} {
		t.Run(name, func(t *testing.T) {
			for _, f := range []Func{OTLPTraces, Trace} {
				_, err := f(&bytes.Buffer{}, r, Options{Spans: strings.NewReader(c.line)})
				assert.ErrorContains(t, err, c.want)
			}
		})
	}
}

func TestMetricsAreByTheConventions(t *testing.T) {
	r := exampleRecord(t)
	text, losses := exported(t, OTLPMetrics, r, Options{})
	assert.Equal(t, 1, bytes.Count(text, []byte("\n")))
	var data metrics.MetricsData
	receive(t, text, &data)
	sums := map[string]float64{}
	var hw []map[string]any
	for _, m := range data.ResourceMetrics[0].ScopeMetrics[0].Metrics {
		sum := m.GetSum()
		require.NotNil(t, sum)
		assert.True(t, sum.IsMonotonic)
		assert.Equal(t, metrics.AggregationTemporality_AGGREGATION_TEMPORALITY_CUMULATIVE, sum.AggregationTemporality)
		for _, p := range sum.DataPoints {
			sums[m.Name+" "+m.Unit] += p.GetAsDouble()
			assert.EqualValues(t, r.Run.StartedAt.UnixNano(), p.StartTimeUnixNano)
			assert.EqualValues(t, r.Run.EndedAt.UnixNano(), p.TimeUnixNano)
			if m.Name == "hw.energy" {
				hw = append(hw, attributes(p.Attributes))
			}
		}
	}
	var seen float64
	for _, l := range r.Ledger {
		seen += l.TotalJ
	}
	assert.Equal(t, []map[string]any{
		{"hw.id": "cpu0", "hw.type": "cpu", "hw.model": "16 cores", "ecotracer.hardware": "cpu", "ecotracer.method": "counter"},
		{"hw.id": "dram0", "hw.type": "memory", "hw.model": "DDR5", "ecotracer.hardware": "dram", "ecotracer.method": "counter"},
		{"hw.id": "gpu0", "hw.type": "gpu", "hw.model": "accelerator", "ecotracer.hardware": "gpu", "ecotracer.method": "counter"},
		{"hw.id": "gpu1", "hw.type": "gpu", "hw.model": "accelerator", "ecotracer.hardware": "gpu", "ecotracer.method": "counter"},
		{"hw.id": "node0/rest", "hw.type": "enclosure", "hw.model": "one socket", "ecotracer.hardware": "node", "ecotracer.method": "modelled"},
	}, hw)
	for name, want := range map[string]float64{
		"hw.energy J": seen, "ecotracer.ledger.energy J": seen, "ecotracer.stage.energy J": r.Totals.EnergyJ.Value,
		"ecotracer.stage.facility_energy J": r.Totals.FacilityEnergyJ.Value, "ecotracer.stage.operational_emissions g": r.Totals.OperationalGCO2e.Value,
		"ecotracer.stage.embodied_emissions g": r.Totals.EmbodiedGCO2e.Value, "ecotracer.stage.water L": r.Totals.WaterL.Value,
	} {
		assert.InEpsilon(t, want, sums[name], 1e-9, name)
	}
	assert.NotContains(t, sums, "hw.host.energy J", "no joule is of a part and of its host")
	assert.NotContains(t, lossPaths(losses), "/ledger/0/total_j")
	assert.Contains(t, lossPaths(losses), "/ledger/0/idle_w")
}

// Trap 70: a host's joules as hw.energy would be added to those of its parts.
func TestAHostsJoulesAreNotAComponents(t *testing.T) {
	r := exampleRecord(t)
	r.Ledger = r.Ledger[4:]
	r.Ledger[0].Domain = "node0"
	text, _ := exported(t, OTLPMetrics, r, Options{})
	assert.Contains(t, string(text), `"hw.host.energy"`)
	assert.NotContains(t, string(text), `"hw.energy"`)
}

func TestARecordWithoutTimesIsNoTrace(t *testing.T) {
	r := exampleRecord(t)
	r.Run.StartedAt, r.Run.EndedAt, r.Run.Status = nil, nil, lifecycle.Estimated
	_, err := OTLPTraces(&bytes.Buffer{}, r, Options{})
	assert.EqualError(t, err, "export: the record cannot be written as otlp-traces: it has no times (its run is estimated)")
	_, err = OTLPMetrics(&bytes.Buffer{}, r, Options{})
	assert.ErrorContains(t, err, "otlp-metrics: it has no times")
	old := time.Date(1000, 1, 1, 0, 0, 0, 0, time.UTC)
	r.Run.StartedAt, r.Run.EndedAt = &old, &old
	_, err = OTLPTraces(&bytes.Buffer{}, r, Options{})
	assert.ErrorContains(t, err, "1970")
}

func FuzzSingleSpans(f *testing.F) {
	r := exampleRecord(f)
	f.Add([]byte(stream(r)))
	f.Add([]byte(`{"path":"fit/epoch","stage":"training/training","begin_s":0,"end_s":0}` + "\n" + `{"path":"fit","stage":"training/training","begin_s":0,"end_s":0}`))
	f.Fuzz(func(t *testing.T, text []byte) {
		var b bytes.Buffer
		if _, err := Trace(&b, r, Options{Spans: bytes.NewReader(text)}); err != nil {
			return
		}
		checkTrace(t, b.Bytes())
		spans, err := readSingles(r, bytes.NewReader(text))
		require.NoError(t, err)
		for i, s := range spans {
			if s.parent >= 0 && (s.parent >= i || spans[s.parent].beginNS > s.beginNS || spans[s.parent].endNS < s.beginNS) {
				t.Fatalf("span %d did not begin in its parent", i)
			}
		}
	})
}
