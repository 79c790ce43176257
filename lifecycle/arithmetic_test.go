package lifecycle

import (
	"encoding/json"
	"fmt"
	"math"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/ecotracer/ecotracer/factors"
)

// leaf is a number of a record that can be set.
type leaf struct {
	pointer string
	get     func() float64
	set     func(float64)
}

// leaves are all numbers of a record.
func leaves(r *Record) (all []leaf) {
	walkNumbers("", reflect.ValueOf(r).Elem(), &all)
	return all
}

func walkNumbers(at string, v reflect.Value, all *[]leaf) {
	switch v.Kind() {
	case reflect.Pointer:
		if !v.IsNil() {
			walkNumbers(at, v.Elem(), all)
		}
	case reflect.Struct:
		for i := range v.NumField() {
			f := v.Type().Field(i)
			name, _, _ := strings.Cut(f.Tag.Get("json"), ",")
			switch {
			case f.Anonymous:
				walkNumbers(at, v.Field(i), all)
			case f.IsExported() && name != "":
				walkNumbers(at+pointer(name), v.Field(i), all)
			}
		}
	case reflect.Slice:
		for i := range v.Len() {
			walkNumbers(at+pointer(i), v.Index(i), all)
		}
	case reflect.Map:
		if v.Type().Elem().Kind() != reflect.Struct {
			return // extensions
		}
		keys := v.MapKeys()
		slices.SortFunc(keys, func(a, b reflect.Value) int { return strings.Compare(a.String(), b.String()) })
		for _, k := range keys { // what is in a map is set by way of a copy
			entry := reflect.New(v.Type().Elem()).Elem()
			entry.Set(v.MapIndex(k))
			var in []leaf
			walkNumbers(at+pointer(k.String()), entry, &in)
			for _, l := range in {
				*all = append(*all, leaf{l.pointer, l.get, func(x float64) { l.set(x); v.SetMapIndex(k, entry) }})
			}
		}
	case reflect.Float64:
		*all = append(*all, leaf{at, v.Float, v.SetFloat})
	case reflect.Int, reflect.Int64:
		*all = append(*all, leaf{at, func() float64 { return float64(v.Int()) }, func(x float64) { v.SetInt(int64(x)) }})
	}
}

// copyOf is a record that shares nothing with r.
func copyOf(t testing.TB, r *Record) *Record {
	t.Helper()
	b, err := json.Marshal(r)
	require.NoError(t, err)
	c := new(Record)
	require.NoError(t, json.Unmarshal(b, c))
	return c
}

// slip is a mistake of 1 %, or of one where 1 % is nothing.
func slip(l leaf) float64 {
	x := l.get()
	if y := math.Trunc(x * 1.01); x == math.Trunc(x) && y == x {
		return x + 1
	}
	return x * 1.01
}

// What follows from other members, what it follows from, and what no number of
// a record can tell.
var (
	derivedNumber = regexp.MustCompile(`^/totals/` +
		`|^/phases/\d+/(energy_j|facility_energy_j|operational_gco2e|water_l|market_gco2e|marginal_gco2e|loss_gco2e|embodied_\w+)/` +
		`|^/phases/\d+/usage/\d+/(energy_j/|operational_gco2e/|embodied_\w+/|device_s$)` +
		`|^/spans/\d+/(self_j|total_j|units/.*_per_unit)$` +
		`|^/ledger/\d+/(total_j|spans_j|unattributed_j)$` +
		`|^/amortised/\d+/share_gco2e/` +
		`|^/methods/\d+/rel_error$`)
	heldNumber = regexp.MustCompile(`^/run/(duration_s|other_runs_s)$` +
		`|^/factors/\d+/(value|low|high|series/value/\d+)$` +
		`|^/environments/\d+/instruments/\d+/share$` +
		`|^/phases/\d+/(duration_s|profile/\d+/energy_j/\d+)$` +
		`|^/phases/\d+/usage/\d+/(stored/\w+|transferred/\w+|calls/\w+)$` +
		`|^/spans/\d+/self_s$` +
		`|^/ledger/\d+/(other_runs_j|other_processes_j|idle_j|booked/\w+)$` +
		`|^/amortised/\d+/(used|expected|gco2e/\w+)$`)
	plainNumber = regexp.MustCompile(`^/schema_revision$|^/technology/|^/run/rank/` +
		`|^/hardware/\d+/(count|cores|threads|memory_bytes|tdp_w|power_limit_w)$` +
		`|^/phases/\d+/usage/\d+/(count|share|use_s)$` + // device_s follows from those of devices with embodied
		`|^/phases/\d+/profile/\d+/step_s$|^/factors/\d+/(source_year|series/step_s)$` +
		`|^/spans/\d+/(count|failed|open|total_s|min_s|p50_s|p95_s|p99_s|max_s|units/[^/]*/count)$` + // times are held to one another only
		`|^/ledger/\d+/(idle_w|samples|gap_s|extrapolated_s)$|^/methods/\d+/sampling_s$`)
)

// disordered reports whether a factor has low ≤ value ≤ high no longer.
func disordered(r *Record) bool {
	return slices.ContainsFunc(r.Factors, func(f factors.Factor) bool { return f.Low > f.Value || f.Value > f.High })
}

// TestAOnePerCentMistakeIsFoundWhereItIs holds Validate to telling first where
// the mistake is: people read the first finding. Only the error of a meter
// whose rows all go by factors follows from nothing and leads to nothing.
func TestAOnePerCentMistakeIsFoundWhereItIs(t *testing.T) {
	t.Parallel()
	records := map[string]func(*testing.T) *Record{
		"one hour":    func(t *testing.T) *Record { return assess(t, oneHour()) },
		"everything":  func(t *testing.T) *Record { return assess(t, everything()) },
		"the example": func(t *testing.T) *Record { return example(t) },
	}
	for name, make := range records {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := make(t)
			require.Empty(t, Validate(r))
			right := document(t, r)
			var derived, held int
			for _, l := range leaves(r) {
				if plainNumber.MatchString(l.pointer) || !sampled(l.pointer) {
					continue
				}
				was := l.get()
				l.set(slip(l))
				switch {
				case disordered(r): // R6 finds it
				case name == "everything" && l.pointer == "/methods/3/rel_error":
					assert.Empty(t, Validate(r), "what a factor tells has the factor's interval")
				case derivedNumber.MatchString(l.pointer):
					derived++
					found := Validate(r)
					if assert.NotEmpty(t, found, "%s: %v instead of %v", l.pointer, l.get(), was) {
						assert.Equal(t, l.pointer, found[0].Pointer, "%v", found)
					}
				case heldNumber.MatchString(l.pointer):
					held++
					assert.NotEmpty(t, findings(r), "%s: %v instead of %v", l.pointer, l.get(), was)
				default:
					assert.Fail(t, "a number that the test does not know", l.pointer)
				}
				l.set(was)
			}
			require.Equal(t, string(right), string(document(t, r)), "each mistake is undone")
			t.Logf("%d derived numbers, %d that they follow from", derived, held)
			assert.Greater(t, derived, sampledOf(150))
			assert.Greater(t, held, sampledOf(20))
		})
	}
}

func TestAWrongFactorIsSuspectedBeforeAllThatUseIt(t *testing.T) {
	right := assess(t, oneHour())
	for i, f := range right.Factors {
		r := copyOf(t, right)
		r.Factors[i].Value *= 1.01
		found := findings(r)
		require.NotEmpty(t, found)
		switch f.ID {
		case "grid", "pue":
			assert.Equal(t, pointer("factors", i, "value"), found[0].Pointer, "%v", found)
		case "wue", "ewif": // they are only used together
			assert.Equal(t, "/factors/2/value", found[0].Pointer, "%v", found)
			assert.Equal(t, "/factors/3/value", found[1].Pointer, "%v", found)
		default: // one figure or none but the rows of one device: it may be wrong itself
		}
	}
}

func TestFindingsTellWhatIsThereAndWhatShouldBe(t *testing.T) {
	r := assess(t, oneHour())
	r.Phases[0].FacilityEnergyJ.Value = 5.5e6
	found := findings(r)
	require.NotEmpty(t, found)
	assert.Equal(t, Finding{
		Rule: "R18", Pointer: "/phases/0/facility_energy_j/value", Found: "5500000", Expected: "5400000",
		Message: "it is the sum of the rows' energy_j × PUE",
	}, found[0])
}

// break is a mistake that is none of a number's size.
func TestEachRuleIsRedone(t *testing.T) {
	f := func(v float64) *float64 { return &v }
	for _, c := range []struct {
		name    string
		rule    string
		pointer string
		spoil   func(*Record)
	}{
		{"stages that do not fill the run", "R9", "/phases/2/duration_s", func(r *Record) { *r.Phases[2].DurationS = 400 }},
		{"a run longer than its stages", "R9", "/run/duration_s", func(r *Record) { r.Run.DurationS = 3700 }},
		{"more devices than there are", "R10", "/phases/0/usage/2/count", func(r *Record) { *r.Phases[0].Usage[2].Count = 3 }},
		{"time of no device", "R10", "/phases/0/usage/4/count", func(r *Record) { *r.Phases[0].Usage[4].Count, r.Phases[0].Usage[4].EnergyJ = 0, nil }},
		{"energy of no device", "R10", "/phases/0/usage/4/count", func(r *Record) { *r.Phases[0].Usage[4].Count, *r.Phases[0].Usage[4].UseS = 0, 0 }},
		{"a device held longer than its stage", "R10", "/phases/3/usage/0/use_s", func(r *Record) { *r.Phases[3].Usage[0].UseS = 210 }},
		{"devices held longer than the run", "R10", "/hardware/2/count", func(r *Record) { *r.Phases[2].Usage[2].UseS = 1900; r.Phases[2].EndedAt = after(6000) }},
		{"half of an exclusive device", "R10", "/phases/0/usage/2/share", func(r *Record) { *r.Phases[0].Usage[2].Share = 0.5 }},
		{"device-seconds of nobody", "R11", "/phases/4/usage/0/device_s", func(r *Record) { *r.Phases[4].Usage[0].DeviceS = 1 }},
		{"a line that does not add up", "R13", "/ledger/0/total_j", func(r *Record) { r.Ledger[0].IdleJ += 100 }},
		{"joules booked by no weight", "R13", "/ledger/0/booked", func(r *Record) { *r.Ledger[0].Booked.RateJ = 0 }},
		{"a row that the ledger does not know", "R14", "/phases/0/usage/0/energy_j/value", func(r *Record) { r.Phases[0].Usage[0].Meter = "nvml" }},
		{"a line whose rows are gone", "R14", "/ledger/1/spans_j", func(r *Record) {
			for i := range r.Phases[:4] {
				r.Phases[i].Usage = slices.DeleteFunc(r.Phases[i].Usage, func(u Usage) bool { return u.Meter == "model" })
			}
		}},
		{"a row better than its meter", "R14", "/phases/0/usage/1/energy_j/method", func(r *Record) { r.Phases[0].Usage[1].EnergyJ.Method = Counter }},
		{"a meter better than its rows", "R14", "/methods/0/rel_error", func(r *Record) { r.Methods[0].RelError = 0.01 }},
		{"spans of a stage that is not there", "R15", "/spans/2/stage", func(r *Record) { r.Spans[2].Stage = Batch }},
		{"unattributed joules in no stage", "R15", "/phases", func(r *Record) { r.Phases[2].Stage, r.Phases[2].Phase = Deployment, PhaseInference }},
		{"spans of no stage longer than what is unassigned", "R15", "/phases/2/duration_s", func(r *Record) { r.Spans = append(r.Spans, span("odd", Unassigned, 1, 451, 451, 0, nil)) }},
		{"more idle than idle power gives", "R16", "/ledger/0/idle_j", func(r *Record) { r.Ledger[0].IdleW = 1 }},
		{"other processes' joules of a machine", "R16", "/ledger/0/other_processes_j", func(r *Record) { r.Run.Scope = ScopeMachine }},
		{"of which more than there is", "R16", "/ledger/2/of_which", func(r *Record) { r.Ledger[2].OfWhich = &OfWhich{OtherProcessesJ: 1e6, IdleJ: 1} }},
		{"water of an unknown factor", "R20", "/phases/1/water_l", func(r *Record) { r.Environments[0].Factors.EWIF = "" }},
		{"a share of a life of no time", "R21", "/hardware/0/embodied", func(r *Record) { r.Factors[6].Value, r.Factors[6].Low, r.Factors[6].High = 0, 0, 0 }},
		{"an impact that the device has no factor for", "R21", "/phases/4/usage/1/embodied_waste_kg", func(r *Record) { r.Hardware[2].Embodied.Production.WasteKg = "" }},
		{"an impact that is not told", "R21", "/phases/4/usage/1/embodied_waste_kg", func(r *Record) { r.Phases[4].Usage[1].EmbodiedWasteKg = nil }},
		{"production that is told twice", "R21", "/phases/7/stage", func(r *Record) {
			twice := r.Phases[4]
			twice.Stage = Manufacturing
			r.Phases = append(r.Phases, twice)
		}},
		{"a phase without its total", "R22", "/totals/by_phase/training", func(r *Record) { delete(r.Totals.ByPhase, PhaseTraining) }},
		{"a total without its phase", "R22", "/totals/by_phase/use", func(r *Record) { r.Totals.ByPhase[PhaseUse] = PhaseTotal{} }},
		{"a figure of a phase that is left out", "R22", "/totals/by_phase/training/water_l", func(r *Record) {
			p := r.Totals.ByPhase[PhaseTraining]
			p.WaterL = nil
			r.Totals.ByPhase[PhaseTraining] = p
		}},
		{"energy of production", "R22", "/totals/by_phase/production/energy_j", func(r *Record) {
			p := r.Totals.ByPhase[PhaseProduction]
			p.EnergyJ = &r.Totals.EnergyJ
			r.Totals.ByPhase[PhaseProduction] = p
		}},
		{"a total that leaves out what is unknown", "R23", "/totals/water_l", func(r *Record) { r.Phases[1].WaterL = nil }},
		{"grams that leave out a device", "R24", "/totals/gco2e", func(r *Record) { r.Missing = nil }},
		{"grams without those of devices", "R24", "/totals/gco2e", func(r *Record) { r.Totals.EmbodiedGCO2e = nil }},
		{"grams per another unit", "R26", "/totals/per_unit/unit", func(r *Record) { r.Totals.PerUnit.Unit = "tokens" }},
		{"grams per unit of nothing", "R26", "/totals/per_unit", func(r *Record) { r.UseCase.FunctionalUnit = nil }},
		{"grams per unit of more units", "R26", "/totals/per_unit/count", func(r *Record) { r.Totals.PerUnit.Count++ }},
		{"an orphan", "R27", "/spans/2/path", func(r *Record) { r.Spans[2].Path = "nobody/serve" }},
		{"more failures than spans", "R28", "/spans/2/failed", func(r *Record) { r.Spans[2].Failed = 101 }},
		{"more of its own time than time", "R28", "/spans/2/self_s", func(r *Record) { r.Spans[2].TotalS = 1100 }},
		{"a median below the least", "R28", "/spans/2/min_s", func(r *Record) { r.Spans[2].P50S = f(1) }},
		{"one span with two durations", "R28", "/spans/0/p95_s", func(r *Record) { r.Spans[0].P95S, r.Spans[0].P99S, r.Spans[0].MaxS = f(1900), f(1900), f(1900) }},
		{"spans longer than the longest", "R28", "/spans/2/total_s", func(r *Record) { r.Spans[2].TotalS = 1201 }},
		{"time of no span", "R28", "/spans/2/total_s", func(r *Record) { r.Spans[2].Count, r.Spans[2].SelfS = 0, 0 }},
		{"own time of no span", "R28", "/spans/2/self_s", func(r *Record) { r.Spans[2].Count = 0 }},
		{"energy of no span", "R28", "/spans/2/self_j", func(r *Record) { r.Spans[2].Count, r.Spans[2].Open = 0, new(int64) }},
		{"failures of no span", "R28", "/spans/2/failed", func(r *Record) { r.Spans[2].Count, r.Spans[2].Failed = 0, 1 }},
		{"grams of joules elsewhere", "R29", "/spans/5/units/none/count", func(r *Record) { r.Spans[5].Units["none"] = Unit{JPerUnit: f(1)} }},
		{"a sum better than its parts", "R30", "/phases/0/energy_j/method", func(r *Record) { r.Phases[0].EnergyJ.Method = Metered }},
		{"a product better than a model", "R30", "/totals/facility_energy_j/method", func(r *Record) { r.Totals.FacilityEnergyJ.Method = Counter }},
		{"a bound out of the air", "R31", "/totals/gco2e/low", func(r *Record) { r.Totals.GCO2e.Low *= 0.999 }},
		{"more power than a device can draw", "R32", "/phases/0/usage/2/energy_j/value", func(r *Record) { r.Hardware[2].TDPW = f(200) }},
		{"market grams of no instrument", "R36", "/phases/0/market_gco2e", func(r *Record) { r.Environments[1].Instruments = nil }},
		{"instruments for more than all", "R36", "/environments/0/instruments", func(r *Record) { r.Environments[0].Instruments[0].Share = 0.9 }},
		{"a profile of other energy", "R36", "/phases/0/profile/0/energy_j", func(r *Record) { r.Phases[0].Profile[0].EnergyJ[1]++ }},
		{"hours before the series begins", "R36", "/phases/0/profile/0", func(r *Record) { r.Factors[0].Series.Start = "2026-03-02T10:00:00Z" }},
		{"a series with another mean", "R36", "/factors/0/value", func(r *Record) { r.Factors[0].Series.Value[0] = 100 }},
		{"grams of a row of energy", "R37", "/phases/0/usage/0/operational_gco2e", func(r *Record) { r.Phases[0].Usage[0].OperationalGCO2e = joules(1) }},
		{"energy of a row of grams", "R37", "/phases/0/usage/6/energy_j", func(r *Record) { r.Phases[0].Usage[6].EnergyJ = joules(1) }},
		{"a factor of nothing", "R37", "/phases/0/usage/3/factor", func(r *Record) { r.Phases[0].Usage[3].Stored = nil }},
		{"a service that is not told", "R37", "/phases/0/usage/3/energy_j", func(r *Record) { r.Phases[0].Usage[3].EnergyJ = nil }},
		{"more use than is expected", "R39", "/amortised/0/used", func(r *Record) { r.Amortised[0].Used = 2e6 }},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := assess(t, everything())
			c.spoil(r)
			found := findings(r)
			assert.Condition(t, func() bool {
				return slices.ContainsFunc(found, func(f Finding) bool {
					return f.Rule == c.rule && f.Pointer == c.pointer && !f.Warning && f.Message != ""
				})
			}, "%s at %s in %v", c.rule, c.pointer, found)
		})
	}
}

func TestPowerAboveTheRatedIsAWarningFirst(t *testing.T) {
	r := assess(t, everything())
	watts := 1.5e6 / (2 * 1800) // what the row says that the devices drew
	for _, c := range []struct {
		rated float64
		found []bool // warnings
	}{{watts / 1.1, nil}, {watts / 1.3, []bool{true}}, {watts / 2.1, []bool{false}}} {
		r.Hardware[2].PowerLimitW = &c.rated
		var warnings []bool
		for _, f := range findings(r) {
			require.Equal(t, "R32", f.Rule)
			if f.Pointer == "/phases/0/usage/2/energy_j/value" {
				warnings = append(warnings, f.Warning)
			}
		}
		assert.Equal(t, c.found, warnings, fmt.Sprint("rated for ", c.rated, " W"))
	}
}
