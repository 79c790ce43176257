package dataset

import (
	"encoding/binary"
	"slices"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/ecotracer/ecotracer/factors"
	"github.com/ecotracer/ecotracer/lifecycle"
)

// made is a run that tests say: one stage on some devices of one kind, whose
// power goes in part to idling.
type made struct {
	n                    int // its number, which its id is made of
	stage                lifecycle.Stage
	seconds, watts, idle float64 // of the stage; of one device, of which idle
	devices              int
	hardware             string
	hardwareKind         lifecycle.HardwareKind
	unit                 string
	count                int64
	task, training       string
	parameters, batch    int64
	status               lifecycle.Status
	scope                lifecycle.Scope
	boundary             lifecycle.Boundary
	method               lifecycle.Method
	relError, sampling   float64
	sensor               string
	pue, grid            float64
	country              string
	found                factors.Found
	failed               int64
	others               float64 // J of other programs
	held                 float64 // times the seconds of the stage that devices were held: the rest before it
	lacks                string
	short                bool
	evaluations          []lifecycle.Evaluation
	started              time.Time
	precision            string
	gridLow, gridHigh    float64 // times grid
}

// usualRun is one like others.
func usualRun(n int) made {
	return made{
		n: n, stage: lifecycle.FineTuning, seconds: 3600, watts: 300, idle: 60, devices: 2, hardware: "NVIDIA H100", hardwareKind: lifecycle.KindGPU,
		unit: "tokens", count: 1e6, task: "text-classification", training: "fine-tuning", parameters: 1e8, batch: 32,
		status: lifecycle.Complete, scope: lifecycle.ScopeProcess, boundary: lifecycle.BoundaryAccelerators, method: lifecycle.Counter, relError: 0.05, sampling: 1, sensor: "nvml",
		pue: 1, grid: 56, country: "FR", found: factors.Exact, held: 1, started: time.Date(2026, 3, 2, 9, 0, 0, 0, time.UTC).AddDate(0, 0, n%200), gridLow: 0.8, gridHigh: 1.25,
	}
}

func (m made) id() string {
	var id uuid.UUID
	id[0], id[1], id[6], id[8] = 0x01, 0x9c, 0x70, 0x80
	binary.BigEndian.PutUint32(id[12:], uint32(m.n))
	return id.String()
}

// record is the valid record of the run.
func (m made) record(t testing.TB) *lifecycle.Record {
	before := m.seconds * (m.held - 1)
	total := before + m.seconds
	start, end := m.started, m.started.Add(time.Duration(total*1e9))
	middle := start.Add(time.Duration(before * 1e9))
	joules := float64(m.devices) * (m.seconds*m.watts + before*m.idle)
	factor := func(id string, kind factors.Kind, v, low, high float64, unit string) factors.Factor {
		f := factors.Factor{ID: id, Kind: kind, Value: v, Low: low, High: high, Unit: unit, Found: m.found, Source: "test", SourceYear: 2026, Quality: "B"}
		if kind == factors.Grid {
			f.Signal, f.Accounting, f.Basis, f.Mix, f.GWP, f.Geography = "average", "location", "lifecycle", "production", "unstated", m.country
		}
		return f
	}
	r := &lifecycle.Record{
		Schema: lifecycle.Schema, CreatedAt: end,
		Run:       lifecycle.RunInfo{ID: m.id(), Status: m.status, StartedAt: &start, EndedAt: &end, DurationS: total, Scope: m.scope, Boundary: m.boundary},
		Generator: lifecycle.Generator{Name: "test", Version: "0", FactorsVersion: "none", OS: "linux", Arch: "amd64"},
		Publisher: lifecycle.Publisher{Confidentiality: "internal"},
		Technology: lifecycle.Technology{Kind: "ml", ML: &lifecycle.ML{
			Task: m.task, TrainingType: m.training, Precision: m.precision, Evaluation: m.evaluations, BatchSize: &m.batch,
			Parameters: &lifecycle.Parameters{Total: &m.parameters},
		}},
		Environments: []lifecycle.Environment{{ID: "site", Country: m.country, PlaceFound: "declared", Infrastructure: "on-premise", Virtualisation: "none", Factors: lifecycle.EnvironmentFactors{Grid: "grid", PUE: "pue"}}},
		Hardware:     []lifecycle.Hardware{{ID: "device", Environment: "site", Kind: m.hardwareKind, Model: m.hardware, Count: m.devices}},
		Methods:      []lifecycle.MethodEntry{{ID: "meter", Method: m.method, Sensor: m.sensor, RelError: m.relError, SamplingS: &m.sampling}},
		Factors: []factors.Factor{
			factor("grid", factors.Grid, m.grid, m.grid*m.gridLow, m.grid*m.gridHigh, "gCO2e/kWh"),
			factor("pue", factors.PUE, m.pue, m.pue, m.pue, "1"),
		},
		Missing:  []lifecycle.Missing{{Path: "/hardware/0/embodied", Reason: "unknown"}},
		Warnings: []lifecycle.Warning{}, Spans: []lifecycle.Span{}, Extensions: map[string]any{},
		Ledger: []lifecycle.LedgerLine{{
			Domain: "device0", Hardware: "device", Meter: "meter", Method: m.method, Split: "claimed", SpansJ: joules,
			OtherProcessesJ: m.others, TotalJ: joules + m.others, IdleW: float64(m.devices) * m.idle, IdleFound: "calibration", Samples: int64(total),
		}},
	}
	if m.scope == lifecycle.ScopeMachine {
		l := &r.Ledger[0]
		l.OtherProcessesJ, l.TotalJ = 0, joules
		l.OfWhich = &lifecycle.OfWhich{OtherProcessesJ: m.others}
	}
	if m.lacks != "" {
		r.Missing = append(r.Missing, lifecycle.Missing{Path: "/ledger", What: m.lacks, Reason: "not-measured"})
	}
	use := func(seconds, j float64) []lifecycle.Usage {
		return []lifecycle.Usage{{Hardware: "device", Count: &m.devices, Share: new(1.0), ShareBy: "exclusive", UseS: &seconds, Meter: "meter", EnergyJ: &lifecycle.Quantity{Value: j}}}
	}
	// The stage holds its devices from the run's begin on, and works later.
	r.Phases = []lifecycle.PhaseEntry{
		{Phase: lifecycle.PhaseUnassigned, Stage: lifecycle.Unassigned, StartedAt: &start, EndedAt: &middle, DurationS: new(before), Usage: use(0, 0)},
		{Phase: m.stage.Phase(), Stage: m.stage, StartedAt: &start, EndedAt: &end, DurationS: new(m.seconds), Usage: use(total, joules)},
	}
	span := lifecycle.Span{Path: "work", Stage: m.stage, Count: 10, Failed: m.failed, SelfS: m.seconds, TotalS: m.seconds, SelfJ: joules}
	each := m.seconds / 10
	span.MinS, span.P50S, span.P95S, span.P99S, span.MaxS = &each, &each, &each, &each, &each
	if m.unit != "" {
		span.Units = map[string]lifecycle.Unit{m.unit: {Count: m.count}}
	}
	if m.short {
		span.Flags = []string{"below-resolution"}
	}
	r.Spans = append(r.Spans, span)
	require.NoError(t, lifecycle.Assess(r))
	lifecycle.FillMissing(r)
	for _, f := range lifecycle.Validate(r) {
		require.True(t, f.Warning, "%v", f)
	}
	return r
}

// point is the account of the run.
func (m made) point(t testing.TB) Point {
	p, ok := NewPoint(m.record(t), Where{})
	require.True(t, ok)
	return p
}

// shuffled is a list in another order.
func shuffled[T any](list []T) []T {
	turned := slices.Clone(list)
	slices.Reverse(turned)
	for i := 0; i+7 < len(turned); i += 3 {
		turned[i], turned[i+7] = turned[i+7], turned[i]
	}
	return turned
}
