package lifecycle

import (
	"fmt"
	"math"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/ecotracer/ecotracer/factors"
)

// Trap 33: there are no negative amounts or bounds. Trap 35: a factor of another
// kind or unit is refused.
func TestAssessRefusesWhatItCannotUse(t *testing.T) {
	f := func(v float64) *float64 { return &v }
	for _, c := range []struct {
		name  string
		spoil func(*Record)
		want  string
	}{
		{"an unknown grid factor", func(r *Record) { r.Environments[0].Factors.Grid = "grid.ZZ" },
			`/environments/0/factors/grid: there is no factor "grid.ZZ": add it to /factors or correct the id`},
		{"no PUE", func(r *Record) { r.Environments[0].Factors.PUE = "" },
			`/environments/0/factors/pue: a pue factor is needed here: name one of /factors`},
		{"a factor of another kind", func(r *Record) { r.Environments[0].Factors.WUE = "ewif" },
			`/environments/0/factors/wue: factor "ewif" is of kind "ewif": name one of kind "wue"`},
		{"a factor that is no number", func(r *Record) { r.Factors[0].Value = math.NaN() },
			`/factors/0/value: NaN is no number that a record can hold: leave it out and list it in /missing`},
		{"a negative factor", func(r *Record) { r.Factors[0].Low = -1 },
			`/factors/0/low: -1 is negative: a record holds amounts from 0 on`},
		{"bounds that do not hold the value", func(r *Record) { r.Factors[0].High = 390 },
			`/factors/0: low ≤ value ≤ high must hold, and low > 0 unless all three are 0: correct the bounds`},
		{"a bound of nothing", func(r *Record) { r.Factors[0].Low = 0 },
			`/factors/0: low ≤ value ≤ high must hold, and low > 0 unless all three are 0: correct the bounds`},
		{"a factor twice", func(r *Record) { r.Factors = append(r.Factors, r.Factors[0]) },
			`/factors/34/id: "grid" is there twice: give each an id of its own`},
		{"an unknown device", func(r *Record) { r.Phases[0].Usage[0].Hardware = "tpu" },
			`/phases/0/usage/0/hardware: there is no device "tpu": add it to /hardware or correct the id`},
		{"an unknown meter", func(r *Record) { r.Phases[0].Usage[0].Meter = "perf" },
			`/phases/0/usage/0/meter: there is no meter "perf": add it to /methods or correct the id`},
		{"an unknown place", func(r *Record) { r.Hardware[1].Environment = "moon" },
			`/hardware/1/environment: there is no environment "moon": add it to /environments or correct the id`},
		{"a row without energy", func(r *Record) { r.Phases[0].Usage[0].EnergyJ = nil },
			`/phases/0/usage/0/energy_j: the row tells no energy: give what the meter read, or leave the row out and list it in /missing`},
		{"negative energy", func(r *Record) { r.Phases[0].Usage[0].EnergyJ.Value = -3 },
			`/phases/0/usage/0/energy_j/value: -3 is negative: a record holds amounts from 0 on`},
		{"a device held for nobody knows how long", func(r *Record) { r.Phases[0].Usage[1].UseS = nil },
			`/phases/0/usage/1/use_s: tell how long the device was held: its production is shared out by it`},
		{"a device held by nobody knows how much", func(r *Record) { r.Phases[0].Usage[1].Share = nil },
			`/phases/0/usage/1/share: tell which share of the device was held: its production is shared out by it`},
		{"nobody knows how many devices", func(r *Record) { r.Phases[0].Usage[1].Count = nil },
			`/phases/0/usage/1/count: tell how many of the devices were held: their production is shared out by it`},
		{"an endless share", func(r *Record) { r.Phases[0].Usage[1].Share = f(math.Inf(1)) },
			`/phases/0/usage/1/share: +Inf is no number that a record can hold: leave it out and list it in /missing`},
		{"a meter of no error", func(r *Record) { r.Methods[0].RelError = math.NaN() },
			`/methods/0/rel_error: NaN is no number that a record can hold: leave it out and list it in /missing`},
		{"a device that is never in use", func(r *Record) { r.Factors[7] = sure("used", factors.Utilisation, 0, "1") },
			`/hardware/0/embodied: lifetime × utilisation is 0, so the device has no time to share its production over: give both a value above 0`},
		{"production under two names", func(r *Record) {
			r.Phases = append(r.Phases, PhaseEntry{Phase: PhaseProduction, Stage: Production}, PhaseEntry{Phase: PhaseProduction, Stage: Manufacturing})
		},
			`/phases/5/stage: production/manufacturing tells again what production tells at /phases/4: keep one of them`},
		{"instruments for more than all", func(r *Record) { r.Environments[0].Instruments[0].Share = 0.9 },
			`/environments/0/instruments: the shares come to more than 1: let them sum to at most 1`},
		{"a service of no amount", func(r *Record) { r.Phases[0].Usage[3].Stored = nil },
			`/phases/0/usage/3/factor: a row with a factor tells what was stored, transferred or called: add one of these`},
		{"a service in another unit", func(r *Record) { r.Factors[32].Unit = "kg/call" },
			`/factors/32/unit: a service factor is in Wh or gCO2e a call, not in "kg/call"`},
		{"grams and joules of one call", func(r *Record) { r.Phases[0].Usage[6].EnergyJ = joules(1) },
			`/phases/0/usage/6/energy_j: factor "per.gram" tells the grams of a call, so the row has no energy: leave it out`},
		{"hours that nobody knows", func(r *Record) { r.Factors[0].Series.Value = r.Factors[0].Series.Value[:2] },
			`/phases/0/profile/0: the series of factor "grid" does not cover the profile: give the factor's values for all of its steps`},
		{"hours from never on", func(r *Record) { r.Factors[0].Series.Start = "noon" },
			`/factors/0/series/start: the begin of the series must be an RFC 3339 time`},
		{"a span of negative energy", func(r *Record) { r.Spans[1].SelfJ = -1 },
			`/spans/1/self_j: -1 is negative: a record holds amounts from 0 on`},
		{"a negative count", func(r *Record) { r.Spans[2].Units["requests"] = Unit{Count: -1} },
			`/spans/2/units/requests/count: -1 is negative: a record holds amounts from 0 on`},
		{"more use than is expected", func(r *Record) { r.Amortised[0].Used = 2e6 },
			`/amortised/0/used: 2e+06 of 1e+06 samples cannot be used: expected must be above 0 and no less than used`},
		{"figures beyond all numbers", func(r *Record) { r.Phases[0].Usage[0].EnergyJ.Value = 1.7e308 },
			`/totals/energy_j: the figure is too great for a number: check the bounds of its factors and the units of its inputs`},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := everything()
			c.spoil(r)
			before := fmt.Sprint(everythingIn(r))
			err := Assess(r)
			require.Error(t, err)
			assert.Equal(t, "lifecycle: "+c.want, err.Error())
			assert.Equal(t, before, fmt.Sprint(everythingIn(r)), "the record is as it was")
		})
	}
}

func TestAssessTakesARecordOfNothing(t *testing.T) {
	r := &Record{Run: RunInfo{Status: Running}}
	require.NoError(t, Assess(r))
	assert.Equal(t, Quantity{Method: Modelled}, r.Totals.EnergyJ)
	assert.Nil(t, r.Totals.GCO2e)
	assert.Zero(t, r.Totals.MeasuredShare)
	assert.Empty(t, r.Phases)
	assert.Empty(t, findings(r))
}

// manySpans is a run with this many paths.
func manySpans(n int) *Record {
	r := oneHour()
	for i := range n {
		r.Spans = append(r.Spans, Span{Path: fmt.Sprintf("train/epoch/%d", i), Stage: Training, Count: 1, SelfJ: 1,
			Units: map[string]Unit{"samples": {Count: 10}}})
	}
	return r
}

func BenchmarkAssess(b *testing.B) {
	for _, n := range []int{10, 10_000} {
		b.Run(fmt.Sprint(n, " paths"), func(b *testing.B) {
			r := manySpans(n)
			b.ReportAllocs()
			for b.Loop() {
				if err := Assess(r); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func BenchmarkArithmetic(b *testing.B) {
	r := manySpans(10_000)
	if err := Assess(r); err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		checkArithmetic(r, func(Finding) {})
	}
}

func TestAssessingManyPathsAllocatesAFewTimesEach(t *testing.T) {
	small, large := manySpans(1000), manySpans(2000)
	allocs := func(r *Record) float64 {
		return testing.AllocsPerRun(5, func() { require.NoError(t, Assess(r)) })
	}
	perPath := (allocs(large) - allocs(small)) / 1000
	assert.LessOrEqual(t, perPath, 8.0, "a checkpoint of 10,000 paths costs no more than writing it")
}
