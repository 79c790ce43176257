package tracertest

import (
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"

	"github.com/google/uuid"

	"github.com/ecotracer/ecotracer/factors"
	"github.com/ecotracer/ecotracer/lifecycle"
)

// padding is the extension that makes records of the suite longer or shorter.
const padding = "com.github.ecotracer.tracertest"

// newID is a new run ID.
func newID() string { return uuid.Must(uuid.NewV7()).String() }

// sample is a small and valid record: two seconds at 36 W. Size makes it
// longer by so many KiB, and is told three times over in the record, so that
// a reader sees whether all parts are of one record.
func sample(id string, status lifecycle.Status, size int) *lifecycle.Record {
	const (
		seconds = 2.0
		joules  = 72.0
		relErr  = 0.05
		perKWh  = 400.0 // gCO2e
		kWh     = 3.6e6 // J
		spread  = 2.0   // of the grid factor, 95 %
	)
	ended := time.Date(2026, time.March, 2, 9, 0, 2, 0, time.UTC)
	started := ended.Add(-2 * time.Second)
	between := func(value, logError float64, m lifecycle.Method) lifecycle.Quantity {
		return lifecycle.Quantity{Value: value, Low: value * math.Exp(-logError), High: value * math.Exp(logError), Method: m}
	}
	of := func(q lifecycle.Quantity) *lifecycle.Quantity { return &q }
	// Of a product of lognormals with the best estimate as its median, the
	// logarithmic errors add up as squares.
	meterError := math.Log1p(relErr)
	energy := between(joules, meterError, lifecycle.Counter)
	facility := between(joules, meterError, lifecycle.Modelled)
	grams := between(joules*perKWh/kWh, math.Hypot(meterError, math.Log(spread)), lifecycle.Modelled)

	r := &lifecycle.Record{
		Schema:         lifecycle.Schema,
		SchemaRevision: lifecycle.SchemaRevision,
		CreatedAt:      ended,
		Run: lifecycle.RunInfo{
			ID: id, Name: "sample of " + strconv.Itoa(size), Status: status,
			StartedAt: &started, EndedAt: &ended, DurationS: seconds,
			Scope: lifecycle.ScopeMachine, Boundary: lifecycle.BoundaryComponent,
		},
		Generator: lifecycle.Generator{Name: "tracertest", Version: "0", FactorsVersion: "0", OS: "linux", Arch: "amd64"},
		Publisher: lifecycle.Publisher{Confidentiality: "internal"},
		UseCase:   lifecycle.UseCase{Description: "sample of " + strconv.Itoa(size)},
		Environments: []lifecycle.Environment{{
			ID: "site", PlaceFound: "unknown",
			Factors: lifecycle.EnvironmentFactors{Grid: "grid", PUE: "pue"},
		}},
		Hardware: []lifecycle.Hardware{{ID: "cpu", Environment: "site", Kind: lifecycle.KindCPU, Count: 1}},
		Phases: []lifecycle.PhaseEntry{{
			Phase: lifecycle.PhaseUnassigned, Stage: lifecycle.Unassigned,
			StartedAt: &started, EndedAt: &ended, DurationS: new(seconds),
			Usage:   []lifecycle.Usage{{Hardware: "cpu", Count: new(1), UseS: new(seconds), Meter: "rapl", EnergyJ: of(energy)}},
			EnergyJ: of(energy), FacilityEnergyJ: of(facility), OperationalGCO2e: of(grams),
		}},
		Spans: []lifecycle.Span{{
			Path: "work", Stage: lifecycle.Unassigned, Count: 1, SelfS: seconds, TotalS: seconds,
			MinS: new(seconds), P50S: new(seconds), P95S: new(seconds), P99S: new(seconds), MaxS: new(seconds),
			SelfJ: joules, TotalJ: joules,
		}},
		Ledger: []lifecycle.LedgerLine{{
			Domain: "cpu0", Hardware: "cpu", Meter: "rapl", Method: lifecycle.Counter, Split: "wall",
			TotalJ: joules, SpansJ: joules, IdleFound: "unknown", Samples: 2,
			Booked: &lifecycle.Booked{AloneJ: new(joules)},
		}},
		Totals: lifecycle.Totals{
			EnergyJ: energy, FacilityEnergyJ: facility, OperationalGCO2e: grams, MeasuredShare: 1,
			ByPhase: map[lifecycle.Phase]lifecycle.PhaseTotal{
				lifecycle.PhaseUnassigned: {EnergyJ: of(energy), FacilityEnergyJ: of(facility), GCO2e: of(grams)},
			},
		},
		Methods: []lifecycle.MethodEntry{{ID: "rapl", Method: lifecycle.Counter, Sensor: "rapl", RelError: relErr}},
		Factors: []factors.Factor{
			{
				ID: "grid", Kind: factors.Grid, Value: perKWh, Low: perKWh / spread, High: perKWh * spread, Unit: "gCO2e/kWh",
				Signal: "average", Accounting: "location", Basis: "lifecycle", Mix: "production", GWP: "unstated",
				Found: factors.Declared, Source: "tracertest", SourceYear: 2026, Quality: "D",
			},
			{
				ID: "pue", Kind: factors.PUE, Value: 1, Low: 1, High: 1, Unit: "1",
				Found: factors.Declared, Source: "tracertest", SourceYear: 2026, Quality: "D",
			},
		},
		Warnings:   []lifecycle.Warning{},
		Extensions: map[string]any{padding: strings.Repeat(letter(size), size*1024)},
	}
	for _, path := range []string{
		"/publisher/name", "/use_case/sector", "/use_case/purpose", "/use_case/goal", "/technology/kind",
		"/environments/0/country", "/environments/0/infrastructure", "/environments/0/virtualisation",
		"/environments/0/factors/wue", "/environments/0/factors/ewif", "/hardware/0/model", "/hardware/0/embodied",
		"/phases/0/water_l", "/totals/embodied_gco2e", "/totals/gco2e", "/totals/water_l",
	} {
		r.Missing = append(r.Missing, lifecycle.Missing{Path: path, Reason: "unknown"})
	}
	return r
}

func letter(size int) string { return string(rune('a' + size%26)) }

// whole tells what is wrong with a sample whose parts are not of one record.
func whole(r *lifecycle.Record) error {
	size, err := strconv.Atoi(strings.TrimPrefix(r.Run.Name, "sample of "))
	if err != nil {
		return fmt.Errorf("a record named %q, which was never written", r.Run.Name)
	}
	text, _ := r.Extensions[padding].(string)
	if r.UseCase.Description != r.Run.Name || text != strings.Repeat(letter(size), size*1024) {
		return fmt.Errorf("a record named %q with parts of another", r.Run.Name)
	}
	return nil
}
