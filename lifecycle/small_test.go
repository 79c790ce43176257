package lifecycle

import (
	"bytes"
	"os"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/ecotracer/ecotracer/factors"
)

func to[T any](v T) *T { return &v }

// small is a valid record of a quarter of an hour: data are prepared, a model
// is trained and serves; a node with a processor and memory, and two GPUs that
// the run holds from its begin.
func small(t testing.TB) *Record {
	begin := time.Date(2026, 5, 4, 6, 0, 0, 0, time.UTC)
	at := func(s int) *time.Time { return to(begin.Add(time.Duration(s) * time.Second)) }
	rows := func(useS, gpuS, cpu, dram, gpu, rest float64) (rows []Usage) {
		held := func(hardware, meter string, useS, j float64) Usage {
			return Usage{Hardware: hardware, Meter: meter, Count: to(1), UseS: to(useS), EnergyJ: &Quantity{Value: j}}
		}
		rows = append(rows, held("cpu", "rapl", useS, cpu), held("dram", "rapl", useS, dram))
		if gpuS > 0 {
			u := held("gpu", "nvml", gpuS, gpu)
			u.Count, u.Share, u.ShareBy = to(2), to(1.0), "exclusive"
			rows = append(rows, u)
		}
		u := held("node", "node-model", useS, rest)
		u.Share, u.ShareBy = to(0.25), "cores"
		return append(rows, u)
	}
	stage := func(s Stage, from, until int, durationS float64, rows []Usage) PhaseEntry {
		return PhaseEntry{Phase: s.Phase(), Stage: s, StartedAt: at(from), EndedAt: at(until), DurationS: &durationS, Usage: rows}
	}
	span := func(path string, s Stage, count int64, selfS, each, selfJ float64) Span {
		return Span{
			Path: path, Stage: s, Count: count, SelfS: selfS, TotalS: each * float64(count), SelfJ: selfJ,
			MinS: &each, P50S: &each, P95S: &each, P99S: &each, MaxS: &each,
		}
	}
	counted := func(s Span, unit string, n int64) Span {
		s.Units = map[string]Unit{unit: {Count: n}}
		return s
	}
	line := func(domain, hardware, meter, split string, m Method, spans, unattributed, others, idle, idleW float64) LedgerLine {
		return LedgerLine{
			Domain: domain, Hardware: hardware, Meter: meter, Method: m, Split: split, SpansJ: spans, UnattributedJ: unattributed,
			OtherProcessesJ: others, IdleJ: idle, TotalJ: spans + unattributed + others + idle, IdleW: idleW, IdleFound: "factor", Samples: 900,
		}
	}
	factor := func(id string, k factors.Kind, value, low, high float64, unit string) factors.Factor {
		f := factors.Factor{
			ID: id, Kind: k, Value: value, Low: low, High: high, Unit: unit,
			Found: factors.Declared, Source: "made up for a test", SourceYear: 2026, Quality: "C",
		}
		switch unit {
		case "gCO2e/kWh":
			f.Signal, f.Accounting, f.Basis, f.Mix = "average", "location", "lifecycle", "production"
			f.GWP, f.ValidFrom, f.ValidTo = "AR6", "2025-01-01", "2025-12-31"
		case "gCO2e":
			f.GWP = "AR6"
		}
		return f
	}
	r := &Record{
		Schema:    Schema,
		CreatedAt: *at(1001),
		Run: RunInfo{
			ID: "019df184-1c00-7000-8000-000000000001", Name: "small", Status: Complete, StartedAt: at(0), EndedAt: at(1000), DurationS: 1000,
			Scope: ScopeProcess, Boundary: BoundaryNode, TraceID: "0af7651916cd43dd8448eb211c80319c", Rank: &Rank{Index: 0, Count: 1},
		},
		Generator: Generator{Name: "ecotracer", Version: "0.0.0-test", FactorsVersion: "none", OS: "linux", Arch: "arm64"},
		Publisher: Publisher{Confidentiality: "public", Licence: "CC0-1.0"},
		UseCase: UseCase{
			Sector:  &Sector{Scheme: "NACE-2.1", Code: "M"},
			Purpose: "test", Goal: "a record that is small and whole", Description: "Made by a test; nothing ran.",
			FunctionalUnit: &FunctionalUnit{Unit: "requests", Path: "serve"},
		},
		Technology: Technology{Kind: "ml", ML: &ML{
			Task: "tabular-classification", Algorithm: &Algorithm{Name: "MLP"},
			Model:      &Model{Name: "small", Digest: &Digest{SHA256: "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"}},
			Parameters: &Parameters{Total: to(int64(2410))}, Layers: to(int64(3)),
			TrainingType: "from-scratch", LearningParadigm: "supervised", Optimizer: "SGD", Epochs: to(int64(5)),
			TrainingRuns: &TrainingRuns{Count: 1, Role: "single"}, Tuning: &Tuning{},
			Datasets:   []Dataset{{Role: "train", DataType: "tabular", Items: to(int64(9000)), ItemUnit: "row"}},
			Evaluation: []Evaluation{{Metric: "log-likelihood", Value: -0.25, Split: "test", Direction: "higher"}},
		}},
		Environments: []Environment{{
			ID: "hall", Country: "IS", PlaceFound: "declared", Infrastructure: "on-premise", Virtualisation: "none",
			Factors: EnvironmentFactors{Grid: "grid", PUE: "pue", WUE: "wue", EWIF: "ewif"},
		}},
		Hardware: []Hardware{
			{ID: "node", Environment: "hall", Kind: KindNode, Model: "one socket", Count: 1, Embodied: &Embodied{
				Production: Impacts{GCO2e: "node.production"}, EndOfLife: Impacts{GCO2e: "node.end"},
				Lifetime: "lifetime", Utilisation: "utilisation", Covers: []string{"cpu", "dram"},
			}},
			{ID: "cpu", Environment: "hall", PartOf: "node", Kind: KindCPU, Model: "16 cores", Count: 1, Cores: to(int64(16)), TDPW: to(200.0)},
			{ID: "dram", Environment: "hall", PartOf: "node", Kind: KindMemory, Model: "DDR5", Count: 1, MemoryBytes: to(int64(1) << 36)},
			{ID: "gpu", Environment: "hall", PartOf: "node", Kind: KindGPU, Model: "accelerator", Count: 2, TDPW: to(350.0), Embodied: &Embodied{
				Production: Impacts{GCO2e: "gpu.production"}, EndOfLife: Impacts{GCO2e: "gpu.end"}, Lifetime: "lifetime", Utilisation: "utilisation",
			}},
		},
		Phases: []PhaseEntry{
			stage(Unassigned, 0, 200, 20, rows(20, 200, 100, 20, 8000, 60)),
			stage(DataPreparation, 20, 200, 180, rows(180, 0, 9000, 900, 0, 1800)),
			stage(Training, 200, 900, 700, rows(700, 700, 70000, 14000, 300000, 21000)),
			stage(Serving, 900, 1000, 100, rows(100, 100, 3000, 300, 6000, 600)),
		},
		Spans: []Span{
			counted(span("prepare", DataPreparation, 1, 180, 180, 11700), "rows", 9000),
			span("fit", Training, 1, 10, 700, 5000),
			counted(span("fit/epoch", Training, 5, 690, 138, 400000), "samples", 45000),
			counted(span("serve", Serving, 50, 100, 2, 9900), "requests", 50),
		},
		Ledger: []LedgerLine{
			line("cpu0", "cpu", "rapl", "cpu-time", Counter, 82000, 100, 10000, 20000, 25),
			line("dram0", "dram", "rapl", "cpu-time", Counter, 15200, 20, 1000, 3000, 4),
			line("gpu0", "gpu", "nvml", "claimed", Counter, 160000, 4000, 0, 0, 50),
			line("gpu1", "gpu", "nvml", "claimed", Counter, 146000, 4000, 0, 0, 50),
			line("node0/rest", "node", "node-model", "cpu-time", Modelled, 23400, 60, 2000, 5000, 10),
		},
		Methods: []MethodEntry{
			{ID: "rapl", Method: Counter, Sensor: "rapl", Mode: "powercap", RelError: 0.05, LeftOut: []LeftOut{{Domain: "package-0/core", Reason: "contained"}}},
			{ID: "nvml", Method: Counter, Sensor: "nvml", RelError: 0.05},
			{ID: "node-model", Method: Modelled, Sensor: "model", RelError: 0.5},
		},
		Factors: []factors.Factor{
			factor("grid", factors.Grid, 28, 20, 40, "gCO2e/kWh"),
			factor("ewif", factors.EWIF, 6, 2, 16, "L/kWh"),
			factor("pue", factors.PUE, 1.25, 1.1, 1.4, "1"),
			factor("wue", factors.WUE, 0.1, 0.05, 0.3, "L/kWh"),
			factor("node.production", factors.Production, 9e5, 5e5, 1.6e6, "gCO2e"),
			factor("node.end", factors.EndOfLife, 1.5e4, 6e3, 4e4, "gCO2e"),
			factor("gpu.production", factors.Production, 1.4e5, 8e4, 2.4e5, "gCO2e"),
			factor("gpu.end", factors.EndOfLife, 1900, 800, 4800, "gCO2e"),
			factor("lifetime", factors.Lifetime, 1.5e8, 1e8, 2e8, "s"),
			factor("utilisation", factors.Utilisation, 0.6, 0.4, 0.8, "1"),
		},
		Missing: []Missing{
			{Path: "/publisher/name", Reason: "withheld"},
			{Path: "/technology/ml/neurons", Reason: "not-applicable"},
			{Path: "/hardware", What: "network beyond the node", Reason: "not-measured"},
		},
		Warnings: []Warning{
			{Code: outsideValidity, Path: "/factors/0", Detail: "figure of 2025, run of 2026"},
			{Code: "below-resolution", Path: "/spans/3"},
		},
		Extensions: map[string]any{"org.example.test": map[string]any{"note": "kept as it is", "numbers": []any{-1.5, 2e-7, true}}},
	}
	require.NoError(t, Assess(r))
	return r
}

func encoded(t testing.TB, r *Record) []byte {
	var b bytes.Buffer
	require.NoError(t, Encode(&b, r))
	return b.Bytes()
}

// documents are the records that tests change: our own, and the published
// example where it is at hand. They name the same things in the same order.
func documents(t testing.TB) map[string][]byte {
	docs := map[string][]byte{"small": encoded(t, small(t))}
	if b, err := os.ReadFile("../../shared/reference/record-example.json"); err == nil {
		docs["example"] = b
	} else {
		t.Log("the published example is not beside this checkout: only our own record is tried")
	}
	return docs
}

func TestTheRecordsThatTestsChangeAreValid(t *testing.T) {
	for name, doc := range documents(t) {
		record, findings, err := Check(bytes.NewReader(doc))
		require.NoError(t, err)
		assert.Empty(t, findings, name)
		assert.NotNil(t, record)
	}
}

func TestEncodeIsStableAndReadable(t *testing.T) {
	const golden = "testdata/small.json"
	doc := encoded(t, small(t))
	if *update {
		require.NoError(t, os.MkdirAll("testdata", 0o755))
		require.NoError(t, os.WriteFile(golden, doc, 0o644))
	}
	want, err := os.ReadFile(golden)
	require.NoError(t, err)
	assert.Equal(t, string(want), string(doc))

	for range 10 { // maps have no order
		assert.Equal(t, doc, encoded(t, small(t)))
	}
	assert.True(t, bytes.HasSuffix(doc, []byte("}\n")), "ends its last line")
	for line := range bytes.SplitSeq(doc, []byte("\n")) {
		assert.LessOrEqual(t, len(line), 2*lineWidth, "a line that people can read")
	}
}
