package lifecycle

import (
	"fmt"
	"math"
	"slices"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/ecotracer/ecotracer/factors"
)

// Published calculations, redone as records: what is printed as input goes in,
// and what is printed as result comes out, within its rounding.

// printed is a device as a paper tells it.
type printed struct {
	id    string
	kind  HardwareKind
	count int
	hours float64 // that each was held
	kWh   float64 // of all of them
	share float64 // of each; 0 is all

	made       float64 // gCO2e each; 0 if the paper tells none
	life, used float64 // hours; share of it in use
}

const hour = 3600.0

// redone is an estimate in one stage, for a supply of so many gCO2e/kWh, that
// did count units.
func redone(t *testing.T, stage Stage, grid, pue float64, unit string, count int64, devices ...printed) *Record {
	t.Helper()
	r := oneHour()
	r.Run.Status, r.Run.StartedAt, r.Run.EndedAt, r.Run.DurationS, r.Run.Boundary = Estimated, nil, nil, 0, BoundaryIT
	r.UseCase.FunctionalUnit = nil
	r.Environments[0].Factors = EnvironmentFactors{Grid: "grid", PUE: "pue"}
	r.Methods = []MethodEntry{{ID: "paper", Method: Declared, Sensor: "published"}}
	r.Factors = []factors.Factor{sure("grid", factors.Grid, grid, "gCO2e/kWh"), sure("pue", factors.PUE, pue, "1")}
	r.Hardware, r.Ledger, r.Phases, r.Spans = nil, nil, nil, nil
	p := PhaseEntry{Phase: stage.Phase(), Stage: stage}
	var joule float64
	for i, d := range devices {
		h := Hardware{ID: d.id, Environment: "hall", Kind: d.kind, Model: d.id, Count: d.count}
		share, seconds := d.share, d.hours*hour
		if share == 0 {
			share = 1
		}
		if d.made > 0 {
			h.Embodied = &Embodied{Production: Impacts{GCO2e: "made." + d.id}, EndOfLife: Impacts{GCO2e: "gone." + d.id}, Lifetime: "life." + d.id, Utilisation: "used." + d.id}
			r.Factors = append(r.Factors,
				sure("made."+d.id, factors.Production, d.made, "gCO2e"), sure("gone."+d.id, factors.EndOfLife, 0, "gCO2e"),
				sure("life."+d.id, factors.Lifetime, d.life*hour, "s"), sure("used."+d.id, factors.Utilisation, d.used, "1"))
		} else {
			r.Missing = append(r.Missing, Missing{Path: pointer("hardware", i, "embodied"), Reason: "not-applicable"})
		}
		j := d.kWh * joulesPerKWh
		r.Hardware = append(r.Hardware, h)
		p.Usage = append(p.Usage, Usage{Hardware: d.id, Count: &d.count, Share: &share, ShareBy: "declared", UseS: &seconds, Meter: "paper", EnergyJ: joules(j)})
		r.Ledger = append(r.Ledger, LedgerLine{Domain: d.id, Hardware: d.id, Meter: "paper", Method: Declared, Split: "declared", TotalJ: j, SpansJ: j, IdleFound: "unknown"})
		r.Run.DurationS = max(r.Run.DurationS, seconds)
		joule += j
	}
	p.DurationS = &r.Run.DurationS
	r.Phases = []PhaseEntry{p}
	var units map[string]Unit
	if unit != "" {
		units = map[string]Unit{unit: {Count: count}}
		r.UseCase.FunctionalUnit = &FunctionalUnit{Unit: unit, Path: "work"}
	}
	r.Spans = []Span{span("work", stage, 1, r.Run.DurationS, r.Run.DurationS, joule, units)}
	assess(t, r)
	FillMissing(r)
	require.Empty(t, slices.DeleteFunc(Validate(r), func(f Finding) bool { return f.Warning }))
	return r
}

// roundsTo requires that a figure is printed as it is, to half a step.
func roundsTo(t *testing.T, want, step, got float64, what string, args ...any) {
	t.Helper()
	assert.InDelta(t, want, got, step/2+1e-9*want, "%s: %v", fmt.Sprintf(what, args...), got)
}

// Strubell, Ganesh, McCallum: Energy and Policy Considerations for Deep
// Learning in NLP (ACL 2019, arXiv:1906.02243), equations 1 and 2 and table 3:
// average power of CPU, DRAM and GPUs × hours × PUE 1.58, and 0.954 lb/kWh (EPA
// 2018).
func TestStrubellsTrainingRows(t *testing.T) {
	const gramsOfAPound = 453.59237
	for _, row := range []struct {
		model        string
		hardware     int
		watts, hours float64
		kWh, pounds  float64
	}{
		{"Transformer base", 8, 1415.78, 12, 27, 26},
		{"Transformer big", 8, 1515.43, 84, 201, 192},
		{"ELMo", 3, 517.66, 336, 275, 262},
		{"BERT base", 64, 12041.51, 79.2, 1507, 1438}, // 3.3 days, section 2.1; printed as 79 in the table
		{"NAS", 8, 1515.43, 274120, 656347, 626155},
	} {
		r := redone(t, Training, 0.954*gramsOfAPound, 1.58, "", 0,
			printed{id: "gpu", kind: KindGPU, count: row.hardware, hours: row.hours, kWh: row.watts * row.hours / 1000})
		roundsTo(t, row.kWh, 1, r.Totals.FacilityEnergyJ.Value/joulesPerKWh, "%s, kWh × PUE", row.model)
		roundsTo(t, row.pounds, 1, r.Totals.OperationalGCO2e.Value/gramsOfAPound, "%s, lb", row.model)
	}
}

// Patterson et al.: Carbon Emissions and Large Neural Network Training
// (arXiv:2104.10350v3), table 4: chips × measured average system power × days
// × PUE, and gross CO2e. Days are rounded, and with them the energy.
func TestPattersonsTrainingRows(t *testing.T) {
	for _, row := range []struct {
		model           string
		chips           int
		watts           float64
		days, step      float64
		pue, kgPerKWh   float64
		mWh, mWhStep    float64
		tonnes, tonStep float64
	}{
		{"Evolved Transformer NAS", 200, 208, 6.8, 0.1, 1.10, 0.431, 7.5, 0.1, 3.2, 0.1},
		{"T5", 512, 310, 20, 1, 1.12, 0.545, 85.7, 0.1, 46.7, 0.1},
		{"Meena", 1024, 289, 30, 1, 1.09, 0.415, 232, 1, 96.4, 0.1},
		{"GShard-600B", 1024, 288, 3.1, 0.1, 1.09, 0.201, 24.1, 0.1, 4.8, 0.1},
		{"Switch Transformer", 1024, 245, 27, 1, 1.10, 0.403, 179, 1, 72.2, 0.1},
		{"GPT-3", 10000, 330, 14.8, 0.1, 1.10, 0.429, 1287, 1, 552.1, 0.1},
	} {
		train := func(days float64) *Record {
			return redone(t, Training, 1000*row.kgPerKWh, row.pue, "", 0,
				printed{id: "accelerator", kind: KindOther, count: row.chips, hours: 24 * days, kWh: float64(row.chips) * row.watts * 24 * days / 1000})
		}
		least, most := train(row.days-row.step/2), train(row.days+row.step/2)
		for _, c := range []struct {
			unit       string
			want, step float64
			of         func(*Record) float64
		}{
			{"MWh", row.mWh, row.mWhStep, func(r *Record) float64 { return r.Totals.FacilityEnergyJ.Value / joulesPerKWh / 1000 }},
			{"t", row.tonnes, row.tonStep, func(r *Record) float64 { return r.Totals.OperationalGCO2e.Value / 1e6 }},
		} {
			assert.LessOrEqual(t, c.of(least)-c.step/2, c.want, "%s, %s", row.model, c.unit)
			assert.GreaterOrEqual(t, c.of(most)+c.step/2, c.want, "%s, %s", row.model, c.unit)
		}
		// From the energy as it is printed the grams follow without the days.
		r := redone(t, Training, 1000*row.kgPerKWh, row.pue, "", 0,
			printed{id: "accelerator", kind: KindOther, count: row.chips, hours: 24 * row.days, kWh: row.mWh * 1000 / row.pue})
		roundsTo(t, row.tonnes, row.tonStep+row.mWhStep*row.kgPerKWh, r.Totals.OperationalGCO2e.Value/1e6, "%s, t", row.model)
	}
}

// Luccioni, Viguier, Ligozat: Estimating the Carbon Footprint of BLOOM, a 176B
// Parameter Language Model (JMLR 24, 2023, arXiv:2211.02001), 4.1 to 4.3 and
// table 3: 1,082,990 GPU-hours of 0.4 kW on 384 GPUs in 48 nodes, 256,646 kWh
// of idle nodes, 57 gCO2e/kWh; 2500 kg a server and 150 kg a GPU over six years
// at 85 % use.
func bloom(t *testing.T) *Record {
	t.Helper()
	const hours = 1_082_990.0 / 384
	const life = 6 * 8760
	r := redone(t, PreTraining, 57, 1, "", 0,
		printed{id: "gpu", kind: KindGPU, count: 384, hours: hours, kWh: 433_196, made: 150e3, life: life, used: 0.85},
		printed{id: "node", kind: KindNode, count: 48, hours: hours, kWh: 256_646, made: 2500e3, life: life, used: 0.85})
	r.Run.ID = "019cadc6-9a80-7000-8000-0000000000bb"
	return r
}

func TestBloomsTraining(t *testing.T) {
	r := bloom(t)
	tonnes := func(q *Quantity) float64 { return q.Value / 1e6 }
	rows := r.Phases[0].Usage
	roundsTo(t, 24.69, 0.01, rows[0].EnergyJ.Value/joulesPerKWh*57/1e6, "dynamic")
	roundsTo(t, 14.6, 0.1, rows[1].EnergyJ.Value/joulesPerKWh*57/1e6, "idle")
	made := r.Phases[1].Usage
	roundsTo(t, 3.64, 0.01, tonnes(made[0].EmbodiedGCO2e), "GPUs")
	roundsTo(t, 7.57, 0.02, tonnes(made[1].EmbodiedGCO2e), "servers, of 0.056 kg an hour as printed")
	roundsTo(t, 11.2, 0.1, tonnes(r.Totals.EmbodiedGCO2e), "embodied")
	roundsTo(t, 50.5, 0.1, tonnes(r.Totals.GCO2e), "in all")
}

func TestBloomOverItsRequests(t *testing.T) {
	// Each of a thousand million requests would carry 50.5 mg of it.
	serving := redone(t, Serving, 394, 1, "requests", 230_768,
		printed{id: "instance of 16 GPUs", kind: KindNode, count: 1, hours: 18 * 24, kWh: 914, made: 2500e3 + 16*150e3, life: 6 * 8760, used: 0.85})
	own := serving.Totals.PerUnit.GCO2e.Value
	require.NoError(t, Amortise(serving, bloom(t), "requests", 1e9))
	per, err := FootprintPerUnit(serving)
	require.NoError(t, err)
	roundsTo(t, 0.0505, 0.0001, per.GCO2e.Value-own, "g a request")
	roundsTo(t, 0.004, 0.001, serving.Totals.FacilityEnergyJ.Value/joulesPerKWh/230_768, "kWh a request, as Luccioni, Jernite and Strubell print it (arXiv:2311.16863, 4.4)")
}

// Luccioni, Jernite, Strubell: Power Hungry Processing (FAccT 2024,
// arXiv:2311.16863v3), table 5: how many inferences use as much energy as the
// training and fine-tuning of a model. Amortised over so many, each carries as
// much as it takes itself.
func TestCostParityOfTrainingAndInference(t *testing.T) {
	for _, row := range []struct {
		model                            string
		training, tuning, inference, par float64
	}{
		{"BLOOMz-7B", 51686, 7571, 1.0e-4, 592_570_000},
		{"BLOOMz-3B", 25634, 3242, 7.3e-5, 395_602_740},
		{"BLOOMz-1B", 17052, 1081, 6.2e-5, 292_467_741},
		{"BLOOMz-560M", 10505, 543, 5.4e-5, 204_592_592},
	} {
		training := redone(t, FineTuning, 57, 1, "", 0,
			printed{id: "training", kind: KindOther, count: 1, hours: 1000, kWh: row.training},
			printed{id: "tuning", kind: KindOther, count: 1, hours: 100, kWh: row.tuning})
		serving := redone(t, Serving, 57, 1, "inferences", 1_000_000,
			printed{id: "gpu", kind: KindGPU, count: 1, hours: 100, kWh: 1e6 * row.inference})
		training.Run.ID = "019cadc6-9a80-7000-8000-0000000000aa"
		require.NoError(t, Amortise(serving, training, "inferences", row.par))
		var carried float64
		for _, a := range serving.Amortised {
			carried += a.ShareGCO2e.Value
		}
		// That of the 3B is printed for 3 kWh more than its row.
		assert.InEpsilon(t, serving.Totals.OperationalGCO2e.Value, carried, 1.1e-4, row.model)
	}
}

// The specification of the SCI (Green Software Foundation, SPEC.md 1.1.0,
// Embodied emissions): 1000 kg over four years, reserved for an hour, are
// "around 28 g".
func TestTheEmbodiedExampleOfTheSCI(t *testing.T) {
	r := redone(t, Operation, 400, 1, "hours", 1, printed{id: "device", kind: KindNode, count: 1, hours: 1, kWh: 0, made: 1e6, life: 4 * 365 * 24, used: 0.5})
	s, err := SCI(r, "", "")
	require.NoError(t, err)
	assert.Equal(t, 28.0, math.Floor(s.EmbodiedGCO2e.Value))
	assert.InEpsilon(t, 2*s.EmbodiedGCO2e.Value, r.Totals.EmbodiedGCO2e.Value, 1e-9, "the record lays idle time on the users, the SCI does not")
	assert.Nil(t, s.Intensity, "there was no energy to have one")
}

// eShoppen, case study of the SCI (Green-Software-Foundation/sci,
// case-studies/eshoppen.md): two servers of which 2 of 16 vCPUs are reserved, a
// laptop, and the network without embodied emissions; R is the hour of 500
// users.
func TestTheCaseStudyOfTheSCI(t *testing.T) {
	const life = 35040
	r := redone(t, Operation, 951, 1, "hours of 500 users", 1,
		printed{id: "app server", kind: KindNode, count: 1, hours: 1, kWh: 0.0656, share: 2. / 16, made: 1205.52e3, life: life, used: 1},
		printed{id: "database server", kind: KindNode, count: 1, hours: 1, kWh: 0.048, share: 2. / 16, made: 1433.12e3, life: life, used: 1},
		printed{id: "laptop", kind: KindNode, count: 1, hours: 1, kWh: 0.0036 + 0.01216, made: 350e3, life: life, used: 1},
		printed{id: "network", kind: KindNetwork, count: 1, hours: 1, kWh: 0.01529})
	s, err := SCI(r, "", "")
	require.NoError(t, err)
	// Printed: 66.6906 + 50.76 + 24.96 + 14.54 = 156.9586; M of the app server as
	// 4.305 for 4.3005, and of the laptop as 9.98 for 9.9886.
	assert.InDelta(t, 156.9586, s.Score.Value, 0.01)
	for i, m := range []float64{4.305, 5.112, 9.98} {
		assert.InDelta(t, m, r.Phases[1].Usage[i].EmbodiedGCO2e.Value, 0.01)
	}
	assert.InDelta(t, 951, s.Intensity.Value, 1e-9)
}

// SCI for AI (Green-Software-Foundation/sci-ai, SPEC.md at 9b8c158, 9.1 and
// 9.2): the consumer's and the provider's score of a language and of a vision
// model.
func TestTheExamplesOfSCIForAI(t *testing.T) {
	ai := func(stage Stage, operational, embodied float64, unit string, count int64) *Record {
		const week, life = 7 * 24, 4 * 365 * 24
		return redone(t, stage, 1000, 1, unit, count, // 1 kg a kWh
			printed{id: "server", kind: KindNode, count: 1, hours: week, kWh: operational, made: embodied * 1000 * life / week, life: life, used: 0.4})
	}
	score := func(r *Record, p Persona, unit string) SCIReport {
		s, err := SCI(r, p, unit)
		require.NoError(t, err)
		return s
	}

	// Three of the four are printed as a thousandth of what they come to: 0.13 g
	// a million tokens, 4 g per 10¹⁸ FLOP (after 4 × 10⁻¹⁸ kg a FLOP, which is
	// right) and 30 kg a billion parameters. 6,500 kg over 50,000 million tokens
	// are 0.13 kg a million. (Trap 59.)
	s := score(ai(Serving, 5000, 1500, "tokens", 50e9), Consumer, "")
	assert.InEpsilon(t, 0.13, s.Score.Value*1e6/1000, 1e-5, "kg a million tokens")
	assert.InEpsilon(t, 5000e3, s.OperationalGCO2e.Value, 1e-5)
	assert.InEpsilon(t, 1500e3, s.EmbodiedGCO2e.Value, 1e-5)

	flop := 5e22
	r := ai(PreTraining, 180_000, 20_000, "", 0)
	r.Technology = Technology{Kind: "ml", ML: &ML{FLOPs: &flop}}
	s = score(r, Provider, "FLOP")
	assert.InEpsilon(t, 4e-18, s.Score.Value/1000, 1e-5, "kg a FLOP")

	s = score(ai(Batch, 3000, 200, "inferences", 40e6), Consumer, "inferences")
	assert.InEpsilon(t, 0.08, s.Score.Value, 1e-5, "g an inference")

	parameters := int64(2.5e9)
	r = ai(Training, 70_000, 5_000, "", 0)
	r.Technology = Technology{Kind: "ml", ML: &ML{Parameters: &Parameters{Total: &parameters}}}
	s = score(r, Provider, "parameter")
	assert.InEpsilon(t, 30, s.Score.Value*1e9/1e6, 1e-5, "t a billion parameters")
}
