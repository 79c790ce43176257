package main

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
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
			factor("server.lifetime", factors.Lifetime, 4*year, 3*year, 6*year, "s", factors.Class),
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
