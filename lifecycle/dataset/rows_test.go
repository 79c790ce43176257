package dataset_test

import (
	"math"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/ecotracer/ecotracer/factors"
	"github.com/ecotracer/ecotracer/internal/race"
	"github.com/ecotracer/ecotracer/internal/recordtest"
	"github.com/ecotracer/ecotracer/lifecycle"
	"github.com/ecotracer/ecotracer/lifecycle/dataset"
)

// figuresOf are the figures of rows that stages and totals have by the same
// name.
var figuresOf = []struct {
	name  string
	row   func(*dataset.Row) *float64
	stage func(*lifecycle.PhaseEntry) *lifecycle.Quantity
	total func(*lifecycle.Totals) *lifecycle.Quantity
}{
	{"energy", func(r *dataset.Row) *float64 { return r.Energy.Value }, func(p *lifecycle.PhaseEntry) *lifecycle.Quantity { return p.EnergyJ }, func(t *lifecycle.Totals) *lifecycle.Quantity { return &t.EnergyJ }},
	{"facility", func(r *dataset.Row) *float64 { return r.Facility.Value }, func(p *lifecycle.PhaseEntry) *lifecycle.Quantity { return p.FacilityEnergyJ }, func(t *lifecycle.Totals) *lifecycle.Quantity { return &t.FacilityEnergyJ }},
	{"operational", func(r *dataset.Row) *float64 { return r.Operational.Value }, func(p *lifecycle.PhaseEntry) *lifecycle.Quantity { return p.OperationalGCO2e }, func(t *lifecycle.Totals) *lifecycle.Quantity { return &t.OperationalGCO2e }},
	{"water", func(r *dataset.Row) *float64 { return r.Water.Value }, func(p *lifecycle.PhaseEntry) *lifecycle.Quantity { return p.WaterL }, func(t *lifecycle.Totals) *lifecycle.Quantity { return t.WaterL }},
	{"embodied", func(r *dataset.Row) *float64 { return r.Embodied.Value }, func(p *lifecycle.PhaseEntry) *lifecycle.Quantity { return p.EmbodiedGCO2e }, func(t *lifecycle.Totals) *lifecycle.Quantity { return t.EmbodiedGCO2e }},
	{"adpe", func(r *dataset.Row) *float64 { return r.ADPe }, func(p *lifecycle.PhaseEntry) *lifecycle.Quantity { return p.EmbodiedADPeKgSbeq }, func(t *lifecycle.Totals) *lifecycle.Quantity { return t.EmbodiedADPeKgSbeq }},
	{"primary energy", func(r *dataset.Row) *float64 { return r.PrimaryEnergy }, func(p *lifecycle.PhaseEntry) *lifecycle.Quantity { return p.EmbodiedPrimaryEnergyJ }, func(t *lifecycle.Totals) *lifecycle.Quantity { return t.EmbodiedPrimaryEnergyJ }},
	{"waste", func(r *dataset.Row) *float64 { return r.Waste }, func(p *lifecycle.PhaseEntry) *lifecycle.Quantity { return p.EmbodiedWasteKg }, func(t *lifecycle.Totals) *lifecycle.Quantity { return t.EmbodiedWasteKg }},
}

// known are rows but those of devices whose production is unknown.
func known(rows []dataset.Row) []dataset.Row {
	return slices.DeleteFunc(rows, func(r dataset.Row) bool { return isUnknownDevice(&r) })
}

func isUnknownDevice(r *dataset.Row) bool {
	return r.Phase == string(lifecycle.PhaseProduction) && r.Stage != string(lifecycle.Transport) && r.AllocatedS == nil
}

// A record tells its emissions if its operation and all its devices are known:
// so do its rows, each by itself and summarised.
func TestADeviceWhoseProductionIsUnknownIsNotFree(t *testing.T) {
	devices, known, unknown := 0, 0, 0
	for seed := range uint64(400) {
		r := recordtest.Random(seed)
		here, stages := 0, []string{}
		for _, row := range dataset.Rows(r) {
			if len(stages) == 0 || stages[len(stages)-1] != row.Stage {
				require.NotContains(t, stages, row.Stage, "rows of a stage follow one another")
				stages = append(stages, row.Stage)
			}
			if isUnknownDevice(&row) {
				here++
				require.NoError(t, row.Check())
				require.Nil(t, row.Embodied.Value)
				require.NotEmpty(t, row.HardwareKind)
			}
		}
		devices += here
		s, err := dataset.NewSummary("task")
		require.NoError(t, err)
		s.Add(r)
		g := s.Total()
		if g.Runs == 0 {
			continue
		}
		if r.Totals.GCO2e != nil {
			known++
			require.Zero(t, here)
			require.EqualValues(t, 1, g.GCO2e.Known, "seed %d", seed)
		} else {
			unknown++
			require.EqualValues(t, 1, g.GCO2e.Unknown, "seed %d", seed)
		}
	}
	assert.Positive(t, devices)
	assert.Positive(t, known)
	assert.Positive(t, unknown)
}

func TestTheRowsOfARecordAddUpToItsStagesAndTotals(t *testing.T) {
	hourly, services := 0, 0
	for seed := range race.Few(uint64(500)) {
		r := recordtest.Random(seed)
		rows := known(dataset.Rows(r))
		for _, f := range figuresOf {
			var total float64
			k := 0
			for i := range r.Phases {
				p := &r.Phases[i]
				var sum float64
				for range p.Usage {
					require.Equal(t, string(p.Stage), rows[k].Stage)
					if v := f.row(&rows[k]); v != nil {
						sum += *v
					}
					if rows[k].Service.ID != "" {
						services++
					}
					k++
				}
				if q := f.stage(p); q != nil {
					require.InEpsilonf(t, q.Value+1e-300, sum+1e-300, 1e-9, "seed %d: %s of %s", seed, f.name, p.Stage)
					if len(p.Profile) > 0 {
						hourly++
					}
				}
				total += sum
			}
			require.Len(t, rows, k)
			if q := f.total(&r.Totals); q != nil {
				require.InEpsilonf(t, q.Value+1e-300, total+1e-300, 1e-9, "seed %d: total %s", seed, f.name)
			}
		}
	}
	assert.Positive(t, hourly, "records with hourly values")
	assert.Positive(t, services, "rows of services")
}

// The intervals of a summary of one run are those of its record: factors and
// meters are told apart in the same way (R31).
func TestASummaryOfOneRunIsAsSureAsItsRecord(t *testing.T) {
	checked := 0
	for seed := range uint64(200) {
		r := recordtest.Random(seed)
		s, err := dataset.NewSummary("task")
		require.NoError(t, err)
		s.Add(r)
		g := s.Total()
		for name, of := range map[string]struct {
			want *lifecycle.Quantity
			got  dataset.Sum
		}{
			"energy": {&r.Totals.EnergyJ, g.Energy}, "facility": {&r.Totals.FacilityEnergyJ, g.Facility}, "operational": {&r.Totals.OperationalGCO2e, g.Operational},
			"embodied": {r.Totals.EmbodiedGCO2e, g.Embodied}, "gco2e": {r.Totals.GCO2e, g.GCO2e}, "water": {r.Totals.WaterL, g.Water},
		} {
			if of.want == nil || of.got.Known == 0 || of.want.Value == 0 {
				continue
			}
			checked++
			require.InEpsilon(t, of.want.Low, *of.got.Low, 5e-5, "seed %d: low of %s", seed, name)
			require.InEpsilon(t, of.want.High, *of.got.High, 5e-5, "seed %d: high of %s", seed, name)
		}
	}
	assert.Greater(t, checked, 400)
}

func TestARowThatIsAllOfItsStageHasItsInterval(t *testing.T) {
	same := func(q *lifecycle.Quantity, f dataset.Figure, what string, seed uint64) {
		if q == nil {
			return
		}
		require.NotNilf(t, f.Value, "seed %d: %s", seed, what)
		require.InEpsilonf(t, q.Low+1e-300, *f.Low+1e-300, 2e-5, "seed %d: low of %s", seed, what)
		require.InEpsilonf(t, q.High+1e-300, *f.High+1e-300, 2e-5, "seed %d: high of %s", seed, what)
	}
	alone := 0
	for seed := range race.Few(uint64(1000)) {
		r := recordtest.Random(seed)
		for i := range r.Phases {
			p := &r.Phases[i]
			if len(p.Usage) != 1 {
				continue
			}
			one := *r
			one.Phases = []lifecycle.PhaseEntry{*p}
			row := dataset.Rows(&one)[0]
			same(p.EmbodiedGCO2e, row.Embodied, "embodied", seed)
			same(p.OperationalGCO2e, row.Operational, "operational", seed)
			if p.EnergyJ != nil && p.Usage[0].EnergyJ != nil {
				alone++
				same(p.EnergyJ, row.Energy, "energy", seed)
				same(p.FacilityEnergyJ, row.Facility, "facility", seed)
				same(p.WaterL, row.Water, "water", seed)
			}
		}
	}
	assert.Greater(t, alone, race.Few(50))
}

func TestDeviceSecondsAddUpToTheirAllocation(t *testing.T) {
	checked := 0
	for seed := range race.Few(uint64(200)) {
		r := recordtest.Random(seed)
		var held, allocated float64
		embodied := map[string]bool{}
		for _, h := range r.Hardware {
			embodied[h.ID] = h.Embodied != nil
		}
		rows, k, stages := known(dataset.Rows(r)), 0, map[string]bool{}
		for _, p := range r.Phases {
			for _, u := range p.Usage {
				row := &rows[k]
				k++
				switch {
				case !p.Stage.Device() && embodied[u.Hardware]:
					require.Nil(t, row.AllocatedS)
					held += *row.DeviceS
				case p.Stage.Phase() == lifecycle.PhaseProduction && p.Stage != lifecycle.Transport:
					require.Nil(t, row.DeviceS)
					allocated += *row.AllocatedS
					stages[row.Stage] = true
				}
			}
		}
		if len(stages) > 0 {
			checked++
			require.InEpsilon(t, held+1e-300, allocated+1e-300, 1e-9)
		}
	}
	assert.Positive(t, checked)
}

func TestRowsTellWhatTheTableDocuments(t *testing.T) {
	rows := dataset.Rows(example(t))
	var gpu, production *dataset.Row
	for i := range rows {
		switch {
		case rows[i].Stage == "training/fine-tuning" && rows[i].HardwareKind == "gpu":
			gpu = &rows[i]
		case rows[i].Stage == "production" && rows[i].HardwareKind == "gpu":
			production = &rows[i]
		}
	}
	require.NotNil(t, gpu)
	assert.Equal(t, "2026-03", gpu.Month)
	assert.Equal(t, "gpu-datacentre", gpu.HardwareClass)
	assert.Equal(t, "H100 PCIe 80GB", gpu.HardwareModel)
	assert.Equal(t, "nvml", gpu.Sensor)
	assert.InDelta(t, 2340000, *gpu.Energy.Value, 0)
	assert.InDelta(t, 2340000*1.25, *gpu.Facility.Value, 1e-6)
	assert.InDelta(t, 2340000*1.25*56/3.6e6, *gpu.Operational.Value, 1e-9)
	assert.InDelta(t, 2340000*(0.2+1.25*3.5)/3.6e6, *gpu.Water.Value, 1e-9)
	assert.InDelta(t, 56, gpu.Grid.Value, 0)
	assert.Regexp(t, `^grid-[0-9a-f]{16}$`, gpu.Grid.ID)
	assert.Regexp(t, `^meter-[0-9a-f]{16}$`, gpu.Meter)
	assert.Nil(t, gpu.Embodied.Value)
	require.NotNil(t, production)
	assert.Nil(t, production.Energy.Value)
	assert.InDelta(t, 150000**production.AllocatedS/(126230400*0.5), *production.Embodied.Value, 1e-9)
	assert.Equal(t, production.Lifetime.ID, deviceRow(rows, "end-of-life", "gpu").Lifetime.ID)
	assert.NotEqual(t, production.Device.ID, deviceRow(rows, "end-of-life", "gpu").Device.ID)
	assert.NotEqual(t, production.Device.ID, deviceRow(rows, "production", "node").Device.ID)
}

func deviceRow(rows []dataset.Row, stage, kind string) *dataset.Row {
	for i := range rows {
		if rows[i].Stage == stage && rows[i].HardwareKind == kind {
			return &rows[i]
		}
	}
	return nil
}

func TestUnitsAreThoseOfTheOutermostSpansThatTellThem(t *testing.T) {
	unit := func(n int64) map[string]lifecycle.Unit { return map[string]lifecycle.Unit{"samples": {Count: n}} }
	r := &lifecycle.Record{
		Hardware: []lifecycle.Hardware{{ID: "cpu"}},
		Phases: []lifecycle.PhaseEntry{
			{Stage: lifecycle.Training, Usage: []lifecycle.Usage{{Hardware: "cpu"}, {Hardware: "cpu"}}},
			{Stage: lifecycle.ModelEvaluation, Usage: []lifecycle.Usage{{Hardware: "cpu"}}},
		},
		Spans: []lifecycle.Span{
			{Path: "fit/epoch/batch", Stage: lifecycle.Training, Units: unit(60)},
			{Path: "fit", Stage: lifecycle.Training, Units: unit(60)},
			{Path: "fit/epoch", Stage: lifecycle.Training, Units: map[string]lifecycle.Unit{"epochs": {Count: 3}}},
			{Path: "fit again", Stage: lifecycle.Training, Units: unit(5)},
			{Path: "fit/check", Stage: lifecycle.ModelEvaluation, Units: unit(10)}, // another stage's work
			{Path: "fit/check/one", Stage: lifecycle.ModelEvaluation, Units: map[string]lifecycle.Unit{"samples": {Count: 10}, "tokens": {Count: math.MaxInt64}}},
			{Path: "more", Stage: lifecycle.ModelEvaluation, Units: map[string]lifecycle.Unit{"tokens": {Count: 9}}},
		},
	}
	rows := dataset.Rows(r)
	assert.Equal(t, map[string]int64{"samples": 65, "epochs": 3}, rows[0].Units)
	assert.Equal(t, rows[0].Units, rows[1].Units)
	assert.Equal(t, map[string]int64{"samples": 10, "tokens": math.MaxInt64}, rows[2].Units, "a sum that no count can hold stays the greatest")
}

func TestOneFactorHasOneIdentityInAllRecords(t *testing.T) {
	r := example(t)
	grid := func(change func(*factors.Factor)) string {
		n := *r
		n.Factors = append([]factors.Factor(nil), r.Factors...)
		n.Environments = append([]lifecycle.Environment(nil), r.Environments...)
		change(&n.Factors[0])
		n.Environments[0].Factors.Grid = n.Factors[0].ID
		require.Equal(t, factors.Grid, n.Factors[0].Kind)
		id := dataset.Rows(&n)[0].Grid.ID
		require.NotEmpty(t, id)
		return id
	}
	was := grid(func(*factors.Factor) {})
	assert.Equal(t, was, grid(func(f *factors.Factor) { f.ID = "another name of it" }))
	assert.Equal(t, was, grid(func(f *factors.Factor) { f.Value, f.ValidFrom = 60, "2025-01-01" }), "another year of the same source")
	assert.NotEqual(t, was, grid(func(f *factors.Factor) { f.Geography = "DE" }))
	assert.NotEqual(t, was, grid(func(f *factors.Factor) { f.Source = "another source" }))
	assert.NotEqual(t, was, grid(func(f *factors.Factor) { f.Basis = "direct" }))

	live := func(value float64) string {
		return grid(func(f *factors.Factor) { f.Found, f.Value, f.Source = factors.Live, value, "a grid's interface" })
	}
	assert.Equal(t, live(20), live(70), "live values of one zone and source")
	declared := func(value float64) string {
		return grid(func(f *factors.Factor) { f.Found, f.Value, f.Source = factors.Declared, value, "operator" })
	}
	assert.NotEqual(t, declared(20), declared(70), "two operators' statements")
}

func TestRowsOfARecordThatIsNotValidAreNoReasonToStop(t *testing.T) {
	dataset.Rows(&lifecycle.Record{})
	for seed := range race.Few(uint64(60)) {
		r := recordtest.Random(seed)
		switch seed % 4 {
		case 0:
			r.Factors = nil
		case 1:
			r.Environments = nil
		case 2:
			r.Hardware = nil
		case 3:
			r.Methods = nil
			for i := range r.Factors {
				if s := r.Factors[i].Series; s != nil {
					s.Value = nil
				}
			}
		}
		dataset.Rows(r)
	}
}

func TestRowsKeepWhatTheyTellWhenTheRecordIsReused(t *testing.T) {
	r := example(t)
	rows := dataset.Rows(r)
	was := *rows[0].Energy.Value
	at := *rows[0].StartedAt
	for i := range r.Phases {
		for j := range r.Phases[i].Usage {
			if e := r.Phases[i].Usage[j].EnergyJ; e != nil {
				*e = lifecycle.Quantity{}
			}
		}
		if s := r.Phases[i].StartedAt; s != nil {
			*s = time.Time{}
		}
	}
	assert.InDelta(t, was, *rows[0].Energy.Value, 0)
	assert.Equal(t, at, *rows[0].StartedAt)
}

// example is the record of the reference material.
func example(t testing.TB) *lifecycle.Record {
	t.Helper()
	f, err := os.Open(filepath.Join("..", "testdata", "record-example.json"))
	if err != nil {
		f, err = os.Open(filepath.Join("..", "..", "..", "shared", "reference", "record-example.json"))
	}
	if err != nil {
		t.Skip("the example of a record is not here")
	}
	defer f.Close()
	r, err := lifecycle.Decode(f)
	require.NoError(t, err)
	return r
}

func BenchmarkRows(b *testing.B) {
	r := example(b)
	dst := dataset.Rows(r)
	b.ReportMetric(float64(len(dst)), "rows")
	for b.Loop() {
		dst = dataset.AppendRows(dst[:0], r)
	}
}
