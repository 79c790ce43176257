package main

import (
	"flag"
	"math"
	"os"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/ecotracer/ecotracer/factors"
	"github.com/ecotracer/ecotracer/lifecycle"
)

var update = flag.Bool("update", false, "write the golden files anew")

func TestTable(t *testing.T) {
	grams := func(v float64) *lifecycle.Quantity {
		return &lifecycle.Quantity{Value: v, Low: v / 3, High: 3 * v, Method: lifecycle.Modelled}
	}
	joules := func(v float64) *lifecycle.Quantity {
		return &lifecycle.Quantity{Value: v, Low: v / 1.05, High: v * 1.05, Method: lifecycle.Counter}
	}
	seconds := func(v float64) *float64 { return &v }
	rapl := func(v float64) []lifecycle.Usage {
		return []lifecycle.Usage{{Hardware: "cpu", Meter: "rapl", EnergyJ: joules(v)}}
	}
	share := func(v float64) []lifecycle.Usage {
		return []lifecycle.Usage{{Hardware: "node", EmbodiedImpacts: lifecycle.EmbodiedImpacts{EmbodiedGCO2e: grams(v)}}}
	}
	r := &lifecycle.Record{
		Run: lifecycle.RunInfo{DurationS: 9.5},
		Environments: []lifecycle.Environment{
			{ID: "here", PlaceFound: "unknown", Factors: lifecycle.EnvironmentFactors{Grid: "grid.world"}},
		},
		Hardware: []lifecycle.Hardware{{ID: "node", Embodied: &lifecycle.Embodied{
			Production: lifecycle.Impacts{GCO2e: "production"}, EndOfLife: lifecycle.Impacts{GCO2e: "end"},
		}}},
		Phases: []lifecycle.PhaseEntry{
			{Phase: "unassigned", Stage: "unassigned", DurationS: seconds(0.25), Usage: rapl(2.5), EnergyJ: joules(2.5), OperationalGCO2e: grams(0.0003)},
			{Phase: "training", Stage: "training/data-preparation", DurationS: seconds(0.05), Usage: rapl(0.5), EnergyJ: joules(0.5), OperationalGCO2e: grams(0.00006)},
			{Phase: "training", Stage: "training/training", DurationS: seconds(6.2), Usage: rapl(124), EnergyJ: joules(124), OperationalGCO2e: grams(0.0155)},
			{Phase: "inference", Stage: "inference/serving", DurationS: seconds(3), Usage: rapl(60), EnergyJ: joules(60), OperationalGCO2e: grams(0.0075)},
			{Phase: "production", Stage: "production", Usage: share(0.1234)},
			{Phase: "end-of-life", Stage: "end-of-life", Usage: share(0.002)},
		},
		Spans: []lifecycle.Span{
			{Path: "train/epoch/batch", Units: map[string]lifecycle.Unit{"samples": {Count: 400_000, JPerUnit: seconds(0.00031)}}},
			{Path: "serve/request", Units: map[string]lifecycle.Unit{"requests": {Count: 1000, JPerUnit: seconds(0.06)}}},
			{Path: "serve", Units: map[string]lifecycle.Unit{"requests": {Count: 1000, JPerUnit: seconds(0.1)}}},
			{Path: "elsewhere", Units: map[string]lifecycle.Unit{"requests": {Count: 7, JPerUnit: seconds(7)}}},
		},
		Totals: lifecycle.Totals{
			EnergyJ: *joules(187), GCO2e: grams(0.1487), MeasuredShare: 1,
			PerUnit: &lifecycle.PerUnit{Unit: "requests", Count: 1000, GCO2e: *grams(0.0001487)},
			ByPhase: map[lifecycle.Phase]lifecycle.PhaseTotal{
				"production":  {GCO2e: grams(0.1234)},
				"training":    {EnergyJ: joules(124.5), GCO2e: grams(0.01556)},
				"inference":   {EnergyJ: joules(60), GCO2e: grams(0.0075)},
				"end-of-life": {GCO2e: grams(0.002)},
				"unassigned":  {EnergyJ: joules(2.5), GCO2e: grams(0.0003)},
			},
		},
		Methods: []lifecycle.MethodEntry{{ID: "rapl", Method: lifecycle.Counter, Sensor: "rapl", Mode: "powercap"}},
		Factors: []factors.Factor{
			{ID: "grid.world", Value: 480, Low: 21, High: 1143, Unit: "gCO2e/kWh"},
			{ID: "production", Found: "class", SourceYear: 2021},
			{ID: "end", Found: "class", SourceYear: 2022},
		},
		Missing:  make([]lifecycle.Missing, 4),
		Warnings: make([]lifecycle.Warning, 1),
	}

	for _, test := range []struct {
		golden string
		change func()
	}{
		{"testdata/counted.txt", func() {}},
		{"testdata/modelled.txt", func() {
			r.Environments[0].PlaceFound = "declared"
			r.Totals.MeasuredShare = 0
			r.Totals.GCO2e, r.Totals.PerUnit = nil, nil // a part of it is unknown
			r.Methods[0] = lifecycle.MethodEntry{ID: "rapl", Method: lifecycle.Modelled, Sensor: "model"}
			r.Missing, r.Warnings = nil, nil
		}},
	} {
		test.change()
		var out strings.Builder
		printTable(&out, r)
		if *update {
			require.NoError(t, os.WriteFile(test.golden, []byte(out.String()), 0o644))
		}
		want, err := os.ReadFile(test.golden)
		require.NoError(t, err)
		assert.Equal(t, string(want), out.String(), "%s", test.golden)
	}
}

func TestNumberWritesSignificantDigitsWithoutExponent(t *testing.T) {
	for _, test := range []struct {
		v      float64
		digits int
		want   string
	}{
		{0, 3, "0"},
		{1, 3, "1.00"},
		{123.456, 3, "123"},
		{123456, 3, "123000"},
		{0.000012345, 2, "0.000012"},
		{9.999, 3, "10.0"},
		{99.96, 3, "100"},
		{0.0999, 2, "0.10"},
		{-12.34, 2, "-12"},
		{math.Inf(1), 2, "+Inf"},
	} {
		assert.Equal(t, test.want, number(test.v, test.digits), "%v to %d digits", test.v, test.digits)
	}
}

func TestPrefixedChoosesAReadableUnit(t *testing.T) {
	for v, want := range map[float64]string{
		0:       "0 J",
		3.2e-11: "0.0320 nJ",
		2.5e-7:  "250 nJ",
		0.00031: "310 µJ",
		0.06:    "60.0 mJ",
		7:       "7.00 J",
		1234:    "1.23 kJ",
		5e7:     "50.0 MJ",
		0.99999: "1.00 J",
	} {
		assert.Equal(t, want, prefixed(v, "J"), "%v J", v)
	}
}
