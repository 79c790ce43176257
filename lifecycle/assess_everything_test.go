package lifecycle

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/ecotracer/ecotracer/factors"
	"github.com/ecotracer/ecotracer/internal/series"
)

// everything is a run that uses all that the rules know: two places, one with
// hourly grid values, market instruments, marginal and loss factors; claimed
// devices with all impacts and transport told apart; storage, transfer and
// services; other runs in the process; a path in two stages; a training that
// is carried by its use.
func everything() *Record {
	r := oneHour()
	f := func(v float64) *float64 { return &v }
	n := func(v int) *int { return &v }

	r.Run.DurationS, r.Run.OtherRunsS = 3600, f(100)
	r.UseCase.FunctionalUnit.Path = "train/epoch"
	r.UseCase.FunctionalUnit.Unit = "samples"

	hall := &r.Environments[0]
	hall.Factors.Residual, hall.Factors.Marginal, hall.Factors.Loss = "residual", "marginal", "loss"
	hall.Instruments = []Instrument{{Kind: "PPA", Share: 0.5, Factor: "wind"}, {Kind: "GoO", Share: 0.2, Factor: "hydro"}}
	r.Environments = append(r.Environments, Environment{
		ID: "far", PlaceFound: "provider", Country: "US", Infrastructure: "public-cloud", Virtualisation: "container",
		Factors:     EnvironmentFactors{Grid: "grid.world", PUE: "pue.far", WUE: "wue", EWIF: "ewif", Marginal: "marginal", Loss: "loss"},
		Instruments: []Instrument{{Kind: "supplier", Share: 1, Factor: "wind"}},
	})

	impacts := func(prefix string) Impacts {
		return Impacts{GCO2e: prefix, ADPeKgSbeq: prefix + ".adpe", PrimaryEnergyJ: prefix + ".pe", WasteKg: prefix + ".waste"}
	}
	moved := impacts("moved")
	node := r.Hardware[0].Embodied
	node.Production, node.EndOfLife, node.Transport = impacts("made"), impacts("scrapped"), &moved
	r.Hardware = append(r.Hardware,
		Hardware{ID: "gpu", Environment: "hall", PartOf: "node", Kind: KindGPU, Model: "accelerator", Count: 2, TDPW: f(700), Embodied: &Embodied{
			Production: impacts("gpu.made"), EndOfLife: impacts("scrapped"), Transport: &moved, Lifetime: "life.gpu", Utilisation: "used",
		}},
		Hardware{ID: "bucket", Environment: "far", Kind: "storage", Model: "object store", Count: 1},
		Hardware{ID: "link", Environment: "far", Kind: "network", Model: "long haul", Count: 1},
		Hardware{ID: "api", Environment: "far", Kind: "service", Model: "embeddings", Count: 1},
	)

	training := &r.Phases[0]
	one := 1
	training.Usage = append(training.Usage,
		Usage{Hardware: "gpu", Count: n(2), Share: f(1), ShareBy: "exclusive", UseS: f(1800), Meter: "nvml", EnergyJ: joules(1.5e6)},
		Usage{Hardware: "bucket", Count: &one, UseS: f(1800), Meter: "services", Factor: "per.tbh", Stored: &Stored{Bytes: 1e12, Seconds: 3600, Replicas: 2}},
		Usage{Hardware: "link", Count: &one, UseS: f(1800), Meter: "services", Factor: "per.gb", Transferred: &Transferred{Bytes: 5e9}},
		Usage{Hardware: "api", Count: &one, UseS: f(1800), Meter: "services", Factor: "per.call", Calls: &Calls{Unit: "calls", Count: 100}},
		Usage{Hardware: "api", Count: &one, UseS: f(0), Meter: "services", Factor: "per.gram", Calls: &Calls{Unit: "calls", Count: 40}},
	)
	// 7 200 J stored, 180 000 J transferred, 180 000 J called.
	training.Profile = []Profile{{Environment: "hall", Start: begin, StepS: 1800, EnergyJ: []float64{1.1e6, 4e6}}}
	evaluation := heldStage(ModelEvaluation, 1700, 1900, 50, 1, 1e5, 5e4)
	*evaluation.Usage[0].UseS, *evaluation.Usage[1].UseS = 100, 100
	*training.Usage[0].UseS, *training.Usage[1].UseS = 1700, 1700
	r.Phases = append(r.Phases, evaluation)
	unassigned := &r.Phases[2]
	unassigned.DurationS = f(450)
	unassigned.Usage = append(unassigned.Usage, Usage{Hardware: "gpu", Count: n(2), Share: f(1), ShareBy: "exclusive", UseS: f(600), Meter: "nvml", EnergyJ: joules(3e5)})

	r.Spans[0].SelfJ = 1.6e6 + 1.5e6 + 7200 + 180000 + 180000 - 4e5
	r.Spans = append(r.Spans,
		span("train/epoch", ModelEvaluation, 2, 30, 30, 1e5, nil),
		span("train/epoch/step", Training, 10, 0, 10, 3e5, nil),
		span("train/epoch/step/a~1b", Training, 10, 0, 10, 1e5, map[string]Unit{"a/b": {Count: 10}, "none": {}}),
		span("train/epoch/judge", ModelEvaluation, 2, 20, 20, 5e4, nil),
	)

	cpu, rest := &r.Ledger[0], &r.Ledger[1]
	cpu.SpansJ, cpu.OtherRunsJ, cpu.TotalJ = 3.7e6, f(1e5), 4.7e6
	cpu.Booked = &Booked{AloneJ: f(3e6), WindowJ: f(4e5), RateJ: f(2e5), WallJ: f(1e5)}
	rest.SpansJ, rest.OtherRunsJ, rest.TotalJ = 1.85e6, f(0), 2.15e6
	r.Ledger = append(r.Ledger,
		LedgerLine{Domain: "gpu0", Hardware: "gpu", Meter: "nvml", Method: Metered, Split: "claimed", TotalJ: 1e6, SpansJ: 8.5e5, UnattributedJ: 1.5e5, Booked: &Booked{ClaimedJ: f(8.5e5)}, IdleFound: "unknown", Samples: 3600},
		LedgerLine{Domain: "gpu1", Hardware: "gpu", Meter: "nvml", Method: Metered, Split: "claimed", TotalJ: 8e5, SpansJ: 6.5e5, UnattributedJ: 1.5e5, IdleFound: "unknown", Samples: 3600},
		LedgerLine{Domain: "bucket", Hardware: "bucket", Meter: "services", Method: Declared, Split: "declared", TotalJ: 7200, SpansJ: 7200, IdleFound: "unknown", Samples: 1},
		LedgerLine{Domain: "link", Hardware: "link", Meter: "services", Method: Declared, Split: "declared", TotalJ: 180000, SpansJ: 180000, IdleFound: "unknown", Samples: 1},
		LedgerLine{Domain: "api", Hardware: "api", Meter: "services", Method: Declared, Split: "declared", TotalJ: 180000, SpansJ: 180000, IdleFound: "unknown", Samples: 1},
	)
	r.Methods = append(r.Methods,
		MethodEntry{ID: "nvml", Method: Metered, Sensor: "nvml", RelError: 0.05},
		MethodEntry{ID: "services", Method: Declared, Sensor: "bill", RelError: 0.2},
	)

	r.Factors[0].Series = &factors.Series{Start: "2026-03-02T08:00:00Z", StepS: 1800, Value: []float64{300, 200, 600, 500}}
	for i, p := range []struct {
		prefix string
		kind   factors.Kind
		scale  float64
	}{{"made", factors.Production, 1}, {"scrapped", factors.EndOfLife, 0.05}, {"moved", factors.Transport, 0.03}, {"gpu.made", factors.Production, 0.3}} {
		if i >= 2 {
			r.Factors = append(r.Factors, between(p.prefix, p.kind, 1e6*p.scale, 6e5*p.scale, 1.5e6*p.scale, "gCO2e"))
		}
		r.Factors = append(r.Factors,
			between(p.prefix+".adpe", p.kind, 0.03*p.scale, 0.01*p.scale, 0.1*p.scale, "kgSbeq"),
			between(p.prefix+".pe", p.kind, 1.2e10*p.scale, 9e9*p.scale, 2e10*p.scale, "J"),
			sure(p.prefix+".waste", p.kind, 20*p.scale, "kg"))
	}
	r.Factors = append(r.Factors,
		between("life.gpu", factors.Lifetime, 1.2e8, 9e7, 1.6e8, "s"),
		between("residual", factors.Residual, 450, 400, 520, "gCO2e/kWh"),
		between("wind", factors.Instrument, 11, 7, 20, "gCO2e/kWh"),
		between("hydro", factors.Instrument, 24, 10, 40, "gCO2e/kWh"),
		between("marginal", factors.Marginal, 700, 500, 900, "gCO2e/kWh"),
		between("loss", factors.Loss, 0.06, 0.04, 0.08, "1"),
		between("grid.world", factors.Grid, 470, 20, 1000, "gCO2e/kWh"),
		sure("pue.far", factors.PUE, 1.2, "1"),
		between("per.tbh", factors.Storage, 1, 0.5, 2, "Wh/TBh"),
		between("per.gb", factors.Transfer, 0.01, 0.005, 0.03, "kWh/GB"),
		between("per.call", factors.Service, 0.5, 0.2, 1, "Wh/call"),
		between("per.gram", factors.Service, 0.2, 0.1, 0.5, "gCO2e/call"),
	)
	for _, h := range []string{"3", "4", "5"} {
		r.Missing = append(r.Missing, Missing{Path: "/hardware/" + h + "/embodied", Reason: "not-applicable"})
	}
	r.Amortised = []Amortised{{
		Run: "019cadc6-9a80-7000-8000-0123456789aa", What: "training", Unit: "samples", Expected: 1e6, Used: 1000,
		GCO2e: Quantity{Value: 5e5, Low: 4e5, High: 7e5, Method: Modelled},
	}}
	return r
}

func TestAssessKnowsWhatTheRulesKnow(t *testing.T) {
	r := assess(t, everything())
	require.Empty(t, Validate(r))

	p := &r.Phases[0]
	value := func(q *Quantity) float64 {
		t.Helper()
		require.NotNil(t, q)
		return q.Value
	}
	assert.InEpsilon(t, 7200, value(p.Usage[3].EnergyJ), 1e-12, "1 TB × 1 h × 2 replicas × 1 Wh/TBh")
	assert.InEpsilon(t, 7200*2, p.Usage[3].EnergyJ.High, 1e-5, "its interval is the factor's")
	assert.Equal(t, Modelled, p.Usage[3].EnergyJ.Method, "a factor is a model")
	assert.InEpsilon(t, 180000, value(p.Usage[4].EnergyJ), 1e-12, "5 GB × 0.01 kWh/GB")
	assert.InEpsilon(t, 180000, value(p.Usage[5].EnergyJ), 1e-12, "100 calls × 0.5 Wh")
	assert.InEpsilon(t, 8, value(p.Usage[6].OperationalGCO2e), 1e-12, "40 calls × 0.2 g")
	assert.Nil(t, p.Usage[6].EnergyJ)

	const hall, far = 5.1e6, 367200.0 // J of the stage at either place
	hourly := (1.1e6*600 + 4e6*500) / hall
	assert.InEpsilon(t, hall+far, value(p.EnergyJ), 1e-12)
	assert.InEpsilon(t, hall*1.5+far*1.2, value(p.FacilityEnergyJ), 1e-12)
	assert.InEpsilon(t, (hall*1.5*hourly+far*1.2*470)/3.6e6+8, value(p.OperationalGCO2e), 1e-12, "hourly at the hall; 8 g of calls without PUE and grid")
	assert.InEpsilon(t, (hall*(2+1.5*4)+far*(2+1.2*4))/3.6e6, value(p.WaterL), 1e-12)
	assert.InEpsilon(t, (hall*1.5*(0.5*11+0.2*24+0.3*450)+far*1.2*11)/3.6e6, value(p.MarketGCO2e), 1e-12)
	assert.InEpsilon(t, (hall*1.5+far*1.2)*700/3.6e6, value(p.MarginalGCO2e), 1e-12)
	assert.InEpsilon(t, (hall*1.5*400+far*1.2*470)*0.06/3.6e6, value(p.LossGCO2e), 1e-12)

	var stages []Stage
	for _, p := range r.Phases[4:] {
		stages = append(stages, p.Stage)
	}
	assert.Equal(t, []Stage{Production, Transport, EndOfLife}, stages)
	nodeS, gpuS := 1700.0+100+1200+600, 2*(1800.0+600)
	node, gpu := nodeS/(1e8*0.5), gpuS/(1.2e8*0.5)
	assert.InEpsilon(t, 1e6*node+3e5*gpu, value(r.Phases[4].EmbodiedGCO2e), 1e-12)
	assert.InEpsilon(t, 3e4*(node+gpu), value(r.Phases[5].EmbodiedGCO2e), 1e-12, "both are moved")
	assert.InEpsilon(t, 1.5e-3*(node+gpu), value(r.Phases[6].EmbodiedADPeKgSbeq), 1e-12, "and scrapped")
	assert.InEpsilon(t, 1.2e10*node+3.6e9*gpu+6e8*(node+gpu)+3.6e8*(node+gpu), value(r.Totals.EmbodiedPrimaryEnergyJ), 1e-12)
	assert.NotNil(t, r.Totals.EmbodiedWasteKg)

	assert.InEpsilon(t, r.Totals.OperationalGCO2e.Value+r.Totals.EmbodiedGCO2e.Value, value(r.Totals.GCO2e), 1e-12, "market, marginal, loss and amortised grams are only beside it")
	assert.InEpsilon(t, 500, r.Amortised[0].ShareGCO2e.Value, 1e-12)
	assert.InEpsilon(t, 700, r.Amortised[0].ShareGCO2e.High, 1e-12)

	assert.InEpsilon(t, 2e6+4e5, r.Spans[1].TotalJ, 1e-12, "the epoch of the training has its step")
	assert.InEpsilon(t, 1e5+5e4, r.Spans[3].TotalJ, 1e-12, "that of the evaluation its judging")
	assert.InEpsilon(t, r.Spans[0].SelfJ+2.4e6+1.5e5, r.Spans[0].TotalJ, 1e-12)
	assert.Nil(t, r.Spans[5].Units["a/b"].GCO2ePerUnit, "a joule is not worth the same everywhere")
	assert.NotNil(t, r.Spans[5].Units["a/b"].JPerUnit)
	assert.Nil(t, r.Spans[5].Units["none"].JPerUnit, "what did not occur cost nothing")
}

// Trap 36: what some devices tell and others do not is in no sum.
func TestImpactsThatAreNotSourcedForEveryPartAreNotSummed(t *testing.T) {
	r := everything()
	r.Hardware[2].Embodied.EndOfLife.WasteKg = ""
	assess(t, r)
	require.Empty(t, findings(r))
	assert.NotNil(t, r.Phases[6].Usage[0].EmbodiedWasteKg, "the server's is told")
	assert.Nil(t, r.Phases[6].Usage[1].EmbodiedWasteKg)
	assert.Nil(t, r.Phases[6].EmbodiedWasteKg)
	assert.NotNil(t, r.Phases[4].EmbodiedWasteKg)
	assert.Nil(t, r.Totals.EmbodiedWasteKg)
}

func TestOptionalFiguresNeedFactorsEverywhere(t *testing.T) {
	r := everything()
	r.Environments[1].Instruments = nil
	r.Environments[1].Factors.Marginal = ""
	assess(t, r)
	require.Empty(t, findings(r))
	assert.Nil(t, r.Phases[0].MarketGCO2e, "the stage was at both places")
	assert.Nil(t, r.Phases[0].MarginalGCO2e)
	assert.NotNil(t, r.Phases[0].LossGCO2e)
	assert.NotNil(t, r.Phases[1].MarketGCO2e, "this one only at the hall")
	assert.Nil(t, r.Totals.MarketGCO2e)
}

// Trap 52: each instant is in one step of a grid, also that at its end.
func TestHourlyValuesAreAveragedOverLongerSteps(t *testing.T) {
	s := &factors.Series{StepS: 10, Value: []float64{1, 2, 4, 8}}
	for _, c := range []struct{ from, width, want float64 }{
		{0, 10, 1}, {10, 10, 2}, {30, 10, 8}, {0, 20, 1.5}, {0, 40, 3.75}, {5, 10, 1.5}, {12, 3, 2}, {38, 2, 8}, {9, 2, 1.5},
		{10 - 1e-9, 10, 2}, {40, 1e-5, 8}, {20, 1e-300, 4},
	} {
		assert.InDelta(t, c.want, series.Mean(s.Value, s.StepS, c.from, c.width), 1e-8, "%v s from %v s on", c.width, c.from)
	}
}
