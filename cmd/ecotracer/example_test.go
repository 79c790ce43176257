package main

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/ecotracer/ecotracer/factors"
	"github.com/ecotracer/ecotracer/lifecycle"
)

// measured is the record of a run on a server with counters: all that `show`
// can show.
func measured(t *testing.T) *lifecycle.Record {
	start := time.Date(2026, 5, 4, 22, 30, 0, 0, time.UTC)
	at := func(seconds float64) *time.Time {
		at := start.Add(time.Duration(seconds * 1e9))
		return &at
	}
	row := func(hardware, meter string, joules, seconds float64) lifecycle.Usage {
		u := lifecycle.Usage{
			Hardware: hardware, Meter: meter, Count: new(1), UseS: new(seconds),
			EnergyJ: &lifecycle.Quantity{Value: joules},
		}
		if hardware == "node" {
			u.Share, u.ShareBy = new(0.25), "cores"
		}
		return u
	}
	factor := func(id string, kind factors.Kind, value, low, high float64, unit string, found factors.Found) factors.Factor {
		f := factors.Factor{
			ID: id, Kind: kind, Value: value, Low: low, High: high, Unit: unit, Found: found,
			Source: "made up for tests", SourceYear: 2026, Quality: "C",
		}
		if unit == "gCO2e" || unit == "gCO2e/kWh" {
			f.GWP = "unstated"
		}
		if kind == factors.Grid {
			f.Signal, f.Accounting, f.Basis, f.Mix, f.Geography = "average", "location", "lifecycle", "production", "SE"
			f.ValidFrom, f.ValidTo = "2025-01-01", "2025-12-31"
		}
		return f
	}
	seconds := func(p *lifecycle.Span, each float64) {
		p.MinS, p.P50S, p.P95S, p.P99S, p.MaxS = &each, &each, &each, &each, &each
	}
	units := func(name string, n int64) map[string]lifecycle.Unit {
		return map[string]lifecycle.Unit{name: {Count: n}}
	}
	r := &lifecycle.Record{
		Schema: lifecycle.Schema, SchemaRevision: lifecycle.SchemaRevision, CreatedAt: start.Add(4001 * time.Second),
		Run: lifecycle.RunInfo{
			ID: "019df4e5-8ac0-7000-8000-0123456789ab", Name: "wing beats", Status: lifecycle.Complete,
			StartedAt: &start, EndedAt: at(4000), DurationS: 4000,
			Scope: lifecycle.ScopeProcess, Boundary: lifecycle.BoundaryNode,
		},
		Generator: lifecycle.Generator{Name: "ecotracer", Version: "0.1.0", FactorsVersion: "test", OS: "linux", Arch: "amd64"},
		Publisher: lifecycle.Publisher{Confidentiality: "internal"},
		UseCase:   lifecycle.UseCase{Purpose: "count birds", FunctionalUnit: &lifecycle.FunctionalUnit{Unit: "clips", Path: "serve"}},
		Technology: lifecycle.Technology{Kind: "ml", ML: &lifecycle.ML{
			Task: "audio-classification", TrainingType: "pre-training", Epochs: new(int64(4)),
		}},
		Environments: []lifecycle.Environment{{
			ID: "site", Country: "SE", PlaceFound: "declared", Infrastructure: "on-premise", Virtualisation: "none",
			Factors: lifecycle.EnvironmentFactors{Grid: "grid.SE", PUE: "pue.site", WUE: "wue.site", EWIF: "ewif.SE"},
		}},
		Hardware: []lifecycle.Hardware{
			{ID: "node", Environment: "site", Kind: lifecycle.KindNode, Model: "rack server", Count: 1, Embodied: &lifecycle.Embodied{
				Production: lifecycle.Impacts{GCO2e: "server.production"}, EndOfLife: lifecycle.Impacts{GCO2e: "server.end-of-life"},
				Lifetime: "server.lifetime", Utilisation: "server.utilisation", Covers: []string{"cpu", "dram"},
			}},
			{ID: "cpu", Environment: "site", PartOf: "node", Kind: lifecycle.KindCPU, Vendor: "AMD", Model: "EPYC 9354",
				Count: 1, Cores: new(int64(32)), Threads: new(int64(64)), TDPW: new(280.0)},
			{ID: "dram", Environment: "site", PartOf: "node", Kind: lifecycle.KindMemory, Model: "DDR5", Count: 1, MemoryBytes: new(int64(1 << 37))},
		},
		Phases: []lifecycle.PhaseEntry{
			{Phase: "unassigned", Stage: lifecycle.Unassigned, StartedAt: &start, EndedAt: at(4000), DurationS: new(100.0),
				Usage: []lifecycle.Usage{row("cpu", "rapl", 2000, 100), row("node", "model", 1000, 100)}},
			{Phase: "training", Stage: lifecycle.DataPreparation, StartedAt: at(10), EndedAt: at(310), DurationS: new(300.0),
				Usage: []lifecycle.Usage{row("cpu", "rapl", 21000, 300), row("node", "model", 9000, 300)}},
			{Phase: "training", Stage: lifecycle.PreTraining, StartedAt: at(310), EndedAt: at(3610), DurationS: new(3300.0),
				Usage: []lifecycle.Usage{row("cpu", "rapl", 560000, 3300), row("node", "model", 140000, 3300)}},
			{Phase: "inference", Stage: lifecycle.Serving, StartedAt: at(3650), EndedAt: at(3950), DurationS: new(300.0),
				Usage: []lifecycle.Usage{row("cpu", "rapl", 12000, 300), row("node", "model", 6000, 300)}},
		},
		Spans: []lifecycle.Span{
			{Path: "load", Stage: lifecycle.DataPreparation, Count: 1, SelfS: 300, TotalS: 300, SelfJ: 30000, Units: units("clips", 80000)},
			{Path: "fit", Stage: lifecycle.PreTraining, Count: 1, SelfS: 100, TotalS: 3300, SelfJ: 20000},
			{Path: "fit/epoch", Stage: lifecycle.PreTraining, Count: 4, SelfS: 200, TotalS: 3200, SelfJ: 30000},
			{Path: "fit/epoch/batch a~1b", Stage: lifecycle.PreTraining, Count: 40000, Failed: 2, SelfS: 3000, TotalS: 3000,
				SelfJ: 650000, Units: units("clips", 320000), Flags: []string{"below-resolution"}},
			{Path: "serve", Stage: lifecycle.Serving, Count: 1500, SelfS: 300, TotalS: 300, SelfJ: 18000, Units: units("clips", 1500)},
		},
		Ledger: []lifecycle.LedgerLine{
			{Domain: "cpu0", Hardware: "cpu", Meter: "rapl", Method: lifecycle.Counter, Split: "cpu-time", IdleW: 40, IdleFound: "calibration",
				TotalJ: 745000, SpansJ: 593000, UnattributedJ: 2000, OtherProcessesJ: 50000, IdleJ: 100000, Samples: 4034},
			{Domain: "node0/rest", Hardware: "node", Meter: "model", Method: lifecycle.Modelled, Split: "cpu-time", IdleW: 60, IdleFound: "factor",
				TotalJ: 366000, SpansJ: 155000, UnattributedJ: 1000, OtherProcessesJ: 10000, IdleJ: 200000, Samples: 4034},
		},
		Methods: []lifecycle.MethodEntry{
			{ID: "rapl", Method: lifecycle.Counter, Sensor: "rapl", Mode: "powercap", SamplingS: new(1.0), RelError: 0.05,
				LeftOut: []lifecycle.LeftOut{{Domain: "package-0/core", Reason: "contained"}, {Domain: "dram", Reason: "unreadable"}}},
			{ID: "model", Method: lifecycle.Modelled, Sensor: "model", Mode: "node-rest", SamplingS: new(1.0), RelError: 0.6},
		},
		Factors: []factors.Factor{
			factor("grid.SE", factors.Grid, 36, 20, 60, "gCO2e/kWh", factors.Exact),
			factor("pue.site", factors.PUE, 1.2, 1.15, 1.3, "1", factors.Declared),
			factor("wue.site", factors.WUE, 0.1, 0.05, 0.3, "L/kWh", factors.Class),
			factor("ewif.SE", factors.EWIF, 12, 5, 25, "L/kWh", factors.FromWorld),
			factor("server.production", factors.Production, 1_300_000, 700_000, 2_400_000, "gCO2e", factors.Class),
			factor("server.end-of-life", factors.EndOfLife, 20_000, 8000, 50_000, "gCO2e", factors.Class),
			factor("server.lifetime", factors.Lifetime, 4*365.25*24*3600, 3*365.25*24*3600, 6*365.25*24*3600, "s", factors.Class),
			factor("server.utilisation", factors.Utilisation, 0.5, 0.3, 0.8, "1", factors.Class),
		},
		Missing: []lifecycle.Missing{
			{Path: "/hardware", What: "memory in dram (its counter is for root only)", Reason: "not-measured"},
		},
		Warnings: []lifecycle.Warning{
			{Code: "below-resolution", Path: "/spans/3"},
			{Code: "counter-gap", Path: "/ledger/0", Detail: "a reading came late", Count: new(int64(3))},
		},
		Extensions: map[string]any{},
	}
	for i := range r.Spans {
		seconds(&r.Spans[i], r.Spans[i].TotalS/float64(r.Spans[i].Count))
	}
	require.NoError(t, lifecycle.Assess(r))
	lifecycle.FillMissing(r)
	return r
}

// modelled is the record of a run in a virtual machine, of which little is
// known, that was killed.
func modelled(t *testing.T) *lifecycle.Record {
	r := measured(t)
	r.Run.Name, r.Run.Status, r.Run.Boundary = "", lifecycle.Interrupted, lifecycle.BoundaryIT
	e := &r.Environments[0]
	e.Country, e.PlaceFound, e.Infrastructure, e.Virtualisation = "", "unknown", "", "vm"
	for i := range r.Methods {
		r.Methods[i].Method, r.Methods[i].Sensor, r.Methods[i].Mode = lifecycle.Modelled, "model", ""
		r.Methods[i].LeftOut, r.Methods[i].RelError = nil, 1.5
	}
	for i := range r.Ledger {
		r.Ledger[i].Method = lifecycle.Modelled
	}
	e.Factors.WUE, e.Factors.EWIF = "", ""
	r.Hardware[0].Embodied = nil
	r.Factors = r.Factors[:2]
	r.Factors[0].Found = factors.FromWorld
	r.Phases = r.Phases[:4]
	r.UseCase.FunctionalUnit = nil
	r.Spans[4].Open = new(int64(1))
	r.Missing, r.Warnings = nil, nil
	for i := range r.Hardware {
		r.Missing = append(r.Missing, lifecycle.Missing{Path: fmt.Sprintf("/hardware/%d/embodied", i), Reason: "unknown"})
	}
	require.NoError(t, lifecycle.Assess(r))
	lifecycle.FillMissing(r)
	return r
}

// everything is measured, and all else that a record may tell: hourly values of
// the grid, contracts for electricity, what was stored, sent and asked of
// services, and a training that is carried.
func everything(t *testing.T) *lifecycle.Record {
	r := measured(t)
	add := func(id string, kind factors.Kind, value, low, high float64, unit string) {
		f := factors.Factor{
			ID: id, Kind: kind, Value: value, Low: low, High: high, Unit: unit, Found: factors.Exact,
			Source: "made up for tests", SourceYear: 2026, Quality: "C",
		}
		if strings.HasPrefix(unit, "gCO2e") {
			f.GWP = "unstated"
		}
		if unit == "gCO2e/kWh" {
			f.Signal, f.Accounting, f.Basis, f.Mix = "average", "location", "lifecycle", "production"
			switch kind {
			case factors.Marginal:
				f.Signal = "marginal"
			case factors.Residual, factors.Instrument:
				f.Accounting, f.Mix = "market", "residual"
			}
		}
		r.Factors = append(r.Factors, f)
	}
	add("residual.SE", factors.Residual, 80, 60, 120, "gCO2e/kWh")
	add("wind", factors.Instrument, 11, 7, 20, "gCO2e/kWh")
	add("marginal.SE", factors.Marginal, 400, 200, 800, "gCO2e/kWh")
	add("loss.SE", factors.Loss, 0.06, 0.04, 0.08, "1")
	add("storage.hdd", factors.Storage, 0.65, 0.3, 1.4, "Wh/TBh")
	add("transfer.fixed", factors.Transfer, 0.06, 0.02, 0.2, "kWh/GB")
	add("service.embedding", factors.Service, 0.01, 0.003, 0.03, "gCO2e/call")
	site := &r.Environments[0]
	site.Factors.Residual, site.Factors.Marginal, site.Factors.Loss = "residual.SE", "marginal.SE", "loss.SE"
	site.Instruments = []lifecycle.Instrument{{Kind: "PPA", Share: 0.6, Factor: "wind"}}
	r.Factors[0].Series = &factors.Series{Start: "2026-05-04T22:00:00Z", StepS: 3600, Value: []float64{30, 42, 36}}

	training := &r.Phases[2]
	training.Profile = []lifecycle.Profile{{Environment: "site", Start: *r.Run.StartedAt, StepS: 3600, EnergyJ: []float64{600_000, 100_000}}}
	r.Methods = append(r.Methods, lifecycle.MethodEntry{ID: "services", Method: lifecycle.Modelled, Sensor: "model", Mode: "factor"})
	far := *site
	far.ID, far.Instruments = "cloud", []lifecycle.Instrument{{Kind: "supplier", Share: 1, Factor: "wind"}}
	far.Factors.Grid = "grid.cloud"
	add("grid.cloud", factors.Grid, 36, 20, 60, "gCO2e/kWh")
	r.Environments = append(r.Environments, far)
	for _, s := range []struct {
		id     string
		kind   lifecycle.HardwareKind
		factor string
		joules float64 // as the factors make them
		row    lifecycle.Usage
	}{
		{"bucket", lifecycle.KindStorage, "storage.hdd", 2 * 168 * 3 * 0.65 * 3600, lifecycle.Usage{Stored: &lifecycle.Stored{Bytes: 2e12, Seconds: 7 * 86400, Replicas: 3}}},
		{"link", lifecycle.KindNetwork, "transfer.fixed", 5 * 0.06 * 3.6e6, lifecycle.Usage{Transferred: &lifecycle.Transferred{Bytes: 5e9}}},
		{"embeddings", "service", "service.embedding", 0, lifecycle.Usage{Calls: &lifecycle.Calls{Unit: "calls", Count: 4000}}},
	} {
		r.Missing = append(r.Missing, lifecycle.Missing{Path: fmt.Sprintf("/hardware/%d/embodied", len(r.Hardware)), Reason: "not-applicable"})
		r.Hardware = append(r.Hardware, lifecycle.Hardware{ID: s.id, Environment: "cloud", Kind: s.kind, Model: s.id, Count: 1})
		s.row.Hardware, s.row.Count, s.row.UseS, s.row.Meter, s.row.Factor = s.id, new(1), training.DurationS, "services", s.factor
		training.Usage = append(training.Usage, s.row)
		if s.joules > 0 {
			r.Ledger = append(r.Ledger, lifecycle.LedgerLine{
				Domain: s.id, Hardware: s.id, Meter: "services", Method: lifecycle.Modelled, Split: "declared", IdleFound: "unknown", TotalJ: s.joules, SpansJ: s.joules,
			})
			r.Spans[1].SelfJ += s.joules
		}
	}
	r.Amortised = []lifecycle.Amortised{{
		Run: "019cadc6-9a80-7000-8000-0123456789aa", What: "training", Unit: "clips", Expected: 1e6, Used: 1500,
		GCO2e: lifecycle.Quantity{Value: 5e5, Low: 4e5, High: 7e5, Method: lifecycle.Modelled},
	}, {
		Run: "019cadc6-9a80-7000-8000-0123456789aa", What: "production", Unit: "clips", Expected: 1e6, Used: 1500,
		GCO2e: lifecycle.Quantity{Value: 2e5, Low: 1e5, High: 9e5, Method: lifecycle.Modelled},
	}}
	require.NoError(t, lifecycle.Assess(r))
	lifecycle.FillMissing(r)
	return r
}

// file writes a record into a folder of the test.
func file(t *testing.T, r *lifecycle.Record) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "record.json")
	require.NoError(t, os.WriteFile(path, encoded(t, r), 0o644))
	return path
}

func encoded(t *testing.T, r *lifecycle.Record) []byte {
	t.Helper()
	var b bytes.Buffer
	require.NoError(t, lifecycle.Encode(&b, r))
	return b.Bytes()
}
