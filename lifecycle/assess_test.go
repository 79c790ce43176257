package lifecycle

import (
	"bytes"
	"encoding/json"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/ecotracer/ecotracer/factors"
)

// sure is a factor without an interval; between is one with.
func sure(id string, kind factors.Kind, value float64, unit string) factors.Factor {
	return between(id, kind, value, value, value, unit)
}

func between(id string, kind factors.Kind, value, low, high float64, unit string) factors.Factor {
	f := factors.Factor{
		ID: id, Kind: kind, Value: value, Low: low, High: high, Unit: unit,
		Found: factors.Declared, Source: "a round number", SourceYear: 2026, Quality: "C",
	}
	if strings.HasPrefix(unit, "gCO2e") {
		f.GWP = "AR6"
	}
	switch kind {
	case factors.Grid:
		f.Signal, f.Accounting, f.Basis, f.Mix = "average", "location", "lifecycle", "production"
	case factors.Residual, factors.Instrument:
		f.Signal, f.Accounting, f.Basis, f.Mix = "average", "market", "lifecycle", "residual"
	case factors.Marginal:
		f.Signal, f.Accounting, f.Basis, f.Mix = "marginal", "location", "lifecycle", "production"
	}
	return f
}

var begin = time.Date(2026, 3, 2, 9, 0, 0, 0, time.UTC)

func after(s float64) *time.Time {
	t := begin.Add(time.Duration(s * float64(time.Second)))
	return &t
}

func joules(v float64) *Quantity { return &Quantity{Value: v} }

// oneHour is a run of an hour whose figures are worked out by hand: 1 kWh of
// training, half a kWh of inference and a quarter that nobody used, on a
// server of 1 t that lives 10⁸ s and is used half of them.
func oneHour() *Record {
	return &Record{
		Schema: Schema, CreatedAt: *after(3601),
		Run: RunInfo{
			ID: "019cadc6-9a80-7000-8000-0123456789ab", Status: Complete, StartedAt: after(0), EndedAt: after(3600), DurationS: 3600,
			Scope: ScopeProcess, Boundary: BoundaryNode,
		},
		Generator: Generator{Name: "ecotracer", Version: "0.1.0", FactorsVersion: "2026.11", OS: "linux", Arch: "amd64"},
		Publisher: Publisher{Confidentiality: "internal", Name: "somebody"},
		UseCase: UseCase{
			Sector: &Sector{Scheme: "NACE-2.1", Code: "T"}, Purpose: "a test", Goal: "figures by hand", Description: "Trains and serves.",
			FunctionalUnit: &FunctionalUnit{Unit: "requests", Path: "serve"},
		},
		Technology: Technology{Kind: "other", Other: &Other{Description: "anything"}},
		Environments: []Environment{{
			ID: "hall", PlaceFound: "declared", Country: "FR", Infrastructure: "on-premise", Virtualisation: "none",
			Factors: EnvironmentFactors{Grid: "grid", PUE: "pue", WUE: "wue", EWIF: "ewif"},
		}},
		Hardware: []Hardware{
			{ID: "node", Environment: "hall", Kind: KindNode, Model: "server", Count: 1, Embodied: &Embodied{
				Production: Impacts{GCO2e: "made"}, EndOfLife: Impacts{GCO2e: "scrapped"}, Lifetime: "life", Utilisation: "used", Covers: []string{"cpu"},
			}},
			{ID: "cpu", Environment: "hall", PartOf: "node", Kind: KindCPU, Model: "processor", Count: 1},
		},
		Phases: []PhaseEntry{
			heldStage(Training, 0, 1800, 1800, 1, 2.4e6, 1.2e6),
			heldStage(Serving, 1800, 3000, 1200, 1, 1.2e6, 0.6e6),
			heldStage(Unassigned, 3000, 3600, 600, 1, 0.6e6, 0.3e6),
		},
		Spans: []Span{
			span("train", Training, 1, 800, 1800, 1.6e6, nil),
			span("train/epoch", Training, 4, 1000, 1000, 2e6, map[string]Unit{"samples": {Count: 1000}}),
			span("serve", Serving, 100, 1200, 1200, 1.8e6, map[string]Unit{"requests": {Count: 100}}),
		},
		Ledger: []LedgerLine{
			{Domain: "cpu0", Hardware: "cpu", Meter: "rapl", Method: Counter, Split: "cpu-time", TotalJ: 4.5e6, SpansJ: 3.6e6, UnattributedJ: 0.6e6, OtherProcessesJ: 0.2e6, IdleJ: 0.1e6, IdleW: 30, IdleFound: "calibration", Samples: 3600},
			{Domain: "node0/rest", Hardware: "node", Meter: "model", Method: Modelled, Split: "cpu-time", TotalJ: 2.1e6, SpansJ: 1.8e6, UnattributedJ: 0.3e6, IdleW: 30, IdleFound: "factor", Samples: 3600},
		},
		Methods: []MethodEntry{
			{ID: "rapl", Method: Counter, Sensor: "rapl", RelError: 0.1},
			{ID: "model", Method: Modelled, Sensor: "model", RelError: 0.5},
		},
		Factors: []factors.Factor{
			between("grid", factors.Grid, 400, 300, 500, "gCO2e/kWh"),
			between("pue", factors.PUE, 1.5, 1.4, 1.6, "1"),
			between("wue", factors.WUE, 2, 1, 4, "L/kWh"),
			between("ewif", factors.EWIF, 4, 2, 8, "L/kWh"),
			between("made", factors.Production, 1e6, 5e5, 2e6, "gCO2e"),
			between("scrapped", factors.EndOfLife, 5e4, 1e4, 1e5, "gCO2e"),
			between("life", factors.Lifetime, 1e8, 9e7, 1.2e8, "s"),
			between("used", factors.Utilisation, 0.5, 0.3, 0.8, "1"),
		},
		Missing: []Missing{}, Warnings: []Warning{}, Extensions: map[string]any{},
	}
}

// heldStage is a stage in which the server was held with this share.
func heldStage(s Stage, from, to, duration, share, cpuJ, nodeJ float64) PhaseEntry {
	one := 1
	held := to - from
	return PhaseEntry{
		Phase: s.Phase(), Stage: s, StartedAt: after(from), EndedAt: after(to), DurationS: &duration,
		Usage: []Usage{
			{Hardware: "cpu", Count: &one, UseS: &held, Meter: "rapl", EnergyJ: joules(cpuJ)},
			{Hardware: "node", Count: &one, Share: &share, ShareBy: "cores", UseS: &held, Meter: "model", EnergyJ: joules(nodeJ)},
		},
	}
}

func span(path string, s Stage, count int64, selfS, totalS, selfJ float64, units map[string]Unit) Span {
	each := totalS / float64(count)
	return Span{
		Path: path, Stage: s, Count: count, SelfS: selfS, TotalS: totalS, SelfJ: selfJ, Units: units,
		MinS: &each, P50S: &each, P95S: &each, P99S: &each, MaxS: &each,
	}
}

func assess(t *testing.T, r *Record) *Record {
	t.Helper()
	require.NoError(t, Assess(r))
	return r
}

func findings(r *Record) (found []Finding) {
	checkArithmetic(r, func(f Finding) { found = append(found, f) })
	return found
}

func document(t *testing.T, r *Record) []byte {
	t.Helper()
	b, err := json.Marshal(r)
	require.NoError(t, err)
	return b
}

// example is the published example, where it is at hand.
func example(t testing.TB) *Record {
	t.Helper()
	b, err := os.ReadFile("../../shared/reference/record-example.json")
	if err != nil {
		t.Skip("the published example is not beside this checkout: ", err)
	}
	r, err := Decode(bytes.NewReader(b))
	require.NoError(t, err)
	return r
}

// Trap 29, trap 30: joules, kWh, grams and litres are each in their unit, and PUE
// is in grams and in water where it belongs.
func TestAssessComesToWhatIsWorkedOutByHand(t *testing.T) {
	r := assess(t, oneHour())
	require.Empty(t, Validate(r))

	value := func(q *Quantity) float64 {
		t.Helper()
		require.NotNil(t, q)
		return q.Value
	}
	type figures struct{ energy, facility, grams, water float64 }
	for i, want := range []figures{
		{3.6e6, 5.4e6, 600, 2 + 1.5*4}, // 1 kWh × 1.5 × 400 g; 1 kWh × 2 L + 1.5 kWh × 4 L
		{1.8e6, 2.7e6, 300, 4},
		{0.9e6, 1.35e6, 150, 2},
	} {
		p := &r.Phases[i]
		assert.InEpsilon(t, want.energy, value(p.EnergyJ), 1e-12, "energy of %s", p.Stage)
		assert.InEpsilon(t, want.facility, value(p.FacilityEnergyJ), 1e-12, "facility energy of %s", p.Stage)
		assert.InEpsilon(t, want.grams, value(p.OperationalGCO2e), 1e-12, "grams of %s", p.Stage)
		assert.InEpsilon(t, want.water, value(p.WaterL), 1e-12, "water of %s", p.Stage)
		assert.Nil(t, p.MarketGCO2e, "no market factor is declared")
		assert.Nil(t, p.EmbodiedGCO2e, "a service has no production")
	}

	require.Len(t, r.Phases, 5, "production and end of life follow")
	for i, want := range []struct {
		stage Stage
		grams float64
	}{
		{Production, 72}, // 1 t × 3600 s / (10⁸ s × 0.5)
		{EndOfLife, 3.6},
	} {
		p := &r.Phases[3+i]
		assert.Equal(t, want.stage, p.Stage)
		assert.Equal(t, want.stage.Phase(), p.Phase)
		require.Len(t, p.Usage, 1, "the server covers its processor")
		assert.Equal(t, "node", p.Usage[0].Hardware)
		assert.Equal(t, 3600.0, *p.Usage[0].DeviceS)
		assert.InEpsilon(t, want.grams, value(p.Usage[0].EmbodiedGCO2e), 1e-12)
		assert.InEpsilon(t, want.grams, value(p.EmbodiedGCO2e), 1e-12)
		assert.Nil(t, p.EnergyJ, "devices use no energy in %s", want.stage)
	}

	total := &r.Totals
	assert.InEpsilon(t, 6.3e6, total.EnergyJ.Value, 1e-12)
	assert.InEpsilon(t, 9.45e6, total.FacilityEnergyJ.Value, 1e-12)
	assert.InEpsilon(t, 1050, total.OperationalGCO2e.Value, 1e-12)
	assert.InEpsilon(t, 75.6, value(total.EmbodiedGCO2e), 1e-12)
	assert.InEpsilon(t, 1125.6, value(total.GCO2e), 1e-12)
	assert.InEpsilon(t, 14, value(total.WaterL), 1e-12)
	assert.InEpsilon(t, 4.2/6.3, total.MeasuredShare, 1e-12)
	assert.Equal(t, int64(100), total.PerUnit.Count)
	assert.InEpsilon(t, 11.256, total.PerUnit.GCO2e.Value, 1e-12)

	assert.Len(t, total.ByPhase, 5)
	assert.InEpsilon(t, 600, value(total.ByPhase[PhaseTraining].GCO2e), 1e-12)
	assert.InEpsilon(t, 72, value(total.ByPhase[PhaseProduction].GCO2e), 1e-12)
	assert.Nil(t, total.ByPhase[PhaseProduction].EnergyJ)
	assert.InEpsilon(t, 2, value(total.ByPhase[PhaseUnassigned].WaterL), 1e-12)

	assert.InEpsilon(t, 3.6e6, r.Spans[0].TotalJ, 1e-12, "train with its epochs")
	assert.InEpsilon(t, 2e6, r.Spans[1].TotalJ, 1e-12)
	assert.InEpsilon(t, 2000, *r.Spans[1].Units["samples"].JPerUnit, 1e-12)
	assert.InEpsilon(t, 3, *r.Spans[2].Units["requests"].GCO2ePerUnit, 1e-12, "18 kJ × 1.5 × 400 g/kWh")

	cpu := r.Phases[0].Usage[0].EnergyJ
	assert.InEpsilon(t, 2.4e6/1.1, cpu.Low, 1e-5)
	assert.InEpsilon(t, 2.4e6*1.1, cpu.High, 1e-5)
	assert.Equal(t, Counter, cpu.Method)
	assert.Equal(t, Modelled, r.Phases[0].EnergyJ.Method, "the rest of the node is modelled")
	assert.Empty(t, r.Missing)
	assert.Empty(t, r.Warnings)
}

func TestAssessGivesBackThePublishedExample(t *testing.T) {
	want := example(t)
	require.Empty(t, findings(want), "the example agrees with itself")

	r := example(t)
	strip(r)
	require.NotEmpty(t, findings(r), "a stripped record does not agree with itself")
	assess(t, r)
	sameRecord(t, want, r)
	require.Empty(t, findings(r))
}

// strip takes away whatever Assess derives.
func strip(r *Record) {
	var phases []PhaseEntry
	for _, p := range r.Phases {
		if p.Stage.Device() {
			continue
		}
		for k := range numColumns {
			*k.of(&p) = nil
		}
		for j := range p.Usage {
			u := &p.Usage[j]
			if u.OperationalGCO2e = nil; u.Factor != "" {
				u.EnergyJ = nil
			} else {
				u.EnergyJ = joules(u.EnergyJ.Value)
			}
		}
		phases = append(phases, p)
	}
	r.Phases = phases
	for i := range r.Spans {
		s := &r.Spans[i]
		s.TotalJ = 0
		for name, u := range s.Units {
			s.Units[name] = Unit{Count: u.Count}
		}
	}
	r.Totals = Totals{}
	for i := range r.Amortised {
		r.Amortised[i].ShareGCO2e = Quantity{}
	}
}

// sameRecord requires that two records tell the same: numbers to 1e-9, bounds
// to 1e-5.
func sameRecord(t *testing.T, want, got *Record) {
	t.Helper()
	var w, g any
	require.NoError(t, json.Unmarshal(document(t, want), &w))
	require.NoError(t, json.Unmarshal(document(t, got), &g))
	same(t, "", w, g)
}

func same(t *testing.T, at string, want, got any) {
	t.Helper()
	switch w := want.(type) {
	case map[string]any:
		g, ok := got.(map[string]any)
		require.True(t, ok, at)
		for k := range g {
			require.Contains(t, w, k, "%s: only what was there", at)
		}
		for k := range w {
			require.Contains(t, g, k, "%s: all that was there", at)
			same(t, at+"/"+k, w[k], g[k])
		}
	case []any:
		g, ok := got.([]any)
		require.True(t, ok, at)
		require.Len(t, g, len(w), at)
		for i := range w {
			same(t, pointer(at, i), w[i], g[i])
		}
	case float64:
		tolerance := 1e-9
		if bytes.HasSuffix([]byte(at), []byte("/low")) || bytes.HasSuffix([]byte(at), []byte("/high")) {
			tolerance = 1e-5
		}
		require.True(t, near(w, got.(float64), tolerance), "%s: want %v, got %v", at, w, got)
	default:
		require.Equal(t, want, got, at)
	}
}

func TestAssessingTwiceChangesNothing(t *testing.T) {
	for name, r := range map[string]*Record{"one hour": oneHour(), "everything": everything()} {
		t.Run(name, func(t *testing.T) {
			once := document(t, assess(t, r))
			assert.Equal(t, string(once), string(document(t, assess(t, r))))
		})
	}
}

func TestWaterWithoutItsFactorsIsMissing(t *testing.T) {
	for _, member := range []string{"wue", "ewif"} {
		t.Run(member, func(t *testing.T) {
			r := oneHour()
			if e := &r.Environments[0].Factors; member == "wue" {
				e.WUE = ""
			} else {
				e.EWIF = ""
			}
			assess(t, r)
			assert.Nil(t, r.Phases[0].WaterL)
			assert.Nil(t, r.Totals.WaterL)
			assert.Nil(t, r.Totals.ByPhase[PhaseTraining].WaterL)
			assert.Equal(t, []Missing{
				{Path: "/totals/water_l", Reason: "unknown"},
				{Path: "/phases/0/water_l", Reason: "unknown"},
				{Path: "/phases/1/water_l", Reason: "unknown"},
				{Path: "/phases/2/water_l", Reason: "unknown"},
			}, r.Missing)
			require.Empty(t, findings(r))

			r.Environments[0].Factors.WUE, r.Environments[0].Factors.EWIF = "wue", "ewif"
			assess(t, r)
			assert.NotNil(t, r.Totals.WaterL)
			assert.Empty(t, r.Missing, "what is known is no longer missing")
		})
	}
}

func TestTotalGramsAreMissingWhileAPartIs(t *testing.T) {
	t.Run("a device without embodied factors", func(t *testing.T) {
		r := oneHour()
		r.Hardware = append(r.Hardware, Hardware{ID: "gpu", Environment: "hall", Kind: KindGPU, Count: 1})
		r.Missing = []Missing{{Path: "/hardware/2/embodied", Reason: "unknown"}}
		assess(t, r)
		assert.Nil(t, r.Totals.GCO2e)
		assert.Nil(t, r.Totals.PerUnit, "nor is there an SCI")
		assert.InEpsilon(t, 75.6, r.Totals.EmbodiedGCO2e.Value, 1e-12, "what is known is told")
		assert.Contains(t, r.Missing, Missing{Path: "/totals/gco2e", Reason: "unknown"})
		require.Empty(t, findings(r))

		r.Missing[0].Reason = "not-applicable"
		assess(t, r)
		assert.NotNil(t, r.Totals.GCO2e, "it has nothing to tell")
		assert.Len(t, r.Missing, 1)
	})
	t.Run("no device with embodied factors", func(t *testing.T) {
		r := oneHour()
		r.Hardware[0].Embodied = nil
		assess(t, r)
		assert.Len(t, r.Phases, 3, "production is not invented")
		assert.Nil(t, r.Totals.EmbodiedGCO2e)
		assert.Nil(t, r.Totals.GCO2e)
		assert.Equal(t, []Missing{{Path: "/totals/gco2e", Reason: "unknown"}, {Path: "/totals/embodied_gco2e", Reason: "unknown"}}, r.Missing)
		require.Empty(t, findings(r))
	})
	t.Run("the reason that was given stays", func(t *testing.T) {
		r := oneHour()
		r.Hardware[0].Embodied = nil
		r.Missing = []Missing{{Path: "/totals", What: "something", Reason: "unknown"}, {Path: "/totals/gco2e", Reason: "withheld"}, {Path: "/totals/embodied_gco2e", Reason: "not-measured"}}
		want := append([]Missing{}, r.Missing...)
		assess(t, r)
		assert.Equal(t, want, r.Missing)
	})
	t.Run("a stage that is no longer told goes", func(t *testing.T) {
		r := assess(t, oneHour())
		r.Hardware[0].Embodied = nil
		assess(t, r)
		assert.Len(t, r.Phases, 3)
	})
}

func TestWarningsOfFactorsAreKeptExactlyAsLongAsTheyHold(t *testing.T) {
	r := oneHour()
	r.Factors[0].ValidFrom, r.Factors[0].ValidTo = "2024-01-01", "2024-12-31"
	r.Factors[1].ValidFrom = "2026-03-03"
	r.Factors[2].ValidFrom, r.Factors[2].ValidTo = "2026-03-02", "2026-03-02"
	r.Warnings = []Warning{
		{Code: outsideValidity, Path: "/factors/1", Detail: "as I said"},
		{Code: "counter-gap", Path: "/ledger/0"},
		{Code: outsideValidity, Path: "/factors/2"},
		{Code: outsideValidity, Path: "/factors/1", Detail: "twice"},
		{Code: belowBoundary, Path: "/run/boundary"},
	}
	want := []Warning{
		{Code: outsideValidity, Path: "/factors/1", Detail: "as I said"},
		{Code: "counter-gap", Path: "/ledger/0"},
		{Code: outsideValidity, Path: "/factors/0", Detail: "figure up to 2024-12-31, run of 2026-03-02"},
	}
	assess(t, r)
	assert.Equal(t, want, r.Warnings)
	assess(t, r)
	assert.Equal(t, want, r.Warnings, "once each")

	r.Run.Boundary = BoundaryComponent
	assess(t, assess(t, r))
	require.Len(t, r.Warnings, 4)
	assert.Equal(t, belowBoundary, r.Warnings[3].Code)

	r.Factors[1] = sure("pue", factors.PUE, 1, "1")
	r.Factors[0].ValidFrom, r.Factors[0].ValidTo = "", ""
	assess(t, r)
	assert.Equal(t, []Warning{{Code: "counter-gap", Path: "/ledger/0"}}, r.Warnings)
}

func TestFiguresThatNothingConfirmsAreNeverSilent(t *testing.T) {
	r := oneHour()
	r.Factors[5].Quality = "D"
	r.Factors[7].Quality = "D"
	assess(t, assess(t, r))
	require.Empty(t, findings(r))
	require.Len(t, r.Warnings, 2, "once each")
	for i, at := range []string{"/factors/5", "/factors/7"} {
		assert.Equal(t, unverifiedFactor, r.Warnings[i].Code)
		assert.Equal(t, at, r.Warnings[i].Path)
	}

	r.Factors[5].Quality = "A"
	r.Factors[7], r.Factors[6] = r.Factors[6], r.Factors[7]
	assess(t, r)
	require.Len(t, r.Warnings, 1, "what was verified since is no longer flagged")
	assert.Equal(t, "/factors/6", r.Warnings[0].Path, "and the flag is where the factor is")
}

func TestDirectAndLifeCycleFiguresAreNotConfused(t *testing.T) {
	codes := func(r *Record) (codes []string) {
		for _, w := range r.Warnings {
			codes = append(codes, w.Code+" "+w.Path)
		}
		return codes
	}
	r := everything()
	r.Factors[0].Basis = "direct"
	assess(t, r)
	assert.Equal(t, []string{"basis-direct /factors/0", "basis-mixed /environments"}, codes(r), "the far place has a life-cycle figure")
	assert.Empty(t, Validate(r), "it is a flag, not a fault")

	for i := range r.Factors {
		if r.Factors[i].Kind == factors.Grid {
			r.Factors[i].Basis = "direct"
		}
	}
	assess(t, r)
	assert.NotContains(t, codes(r), "basis-mixed /environments", "both places have the same basis")
	for i := range r.Factors {
		if r.Factors[i].Basis == "direct" {
			r.Factors[i].Basis = "lifecycle"
		}
	}
	assess(t, r)
	assert.Empty(t, r.Warnings)
}

// Where all is exact the bounds are the value, whatever it is divided by.
func TestTheGramsOfAUnitLieInTheirInterval(t *testing.T) {
	r := oneHour()
	for i := range r.Factors {
		r.Factors[i].Low, r.Factors[i].High = r.Factors[i].Value, r.Factors[i].Value
	}
	for i := range r.Methods {
		r.Methods[i].RelError = 0
	}
	for count := range int64(300) {
		r.Spans[2].Units["requests"] = Unit{Count: count + 1}
		q := assess(t, r).Totals.PerUnit.GCO2e
		require.True(t, q.Low <= q.Value && q.Value <= q.High, "%d requests: %v", count+1, q)
	}
}
