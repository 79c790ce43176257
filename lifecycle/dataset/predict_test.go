package dataset_test

import (
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/ecotracer/ecotracer/internal/race"
	"github.com/ecotracer/ecotracer/internal/recordtest"
	"github.com/ecotracer/ecotracer/lifecycle"
	"github.com/ecotracer/ecotracer/lifecycle/dataset"
	"github.com/ecotracer/ecotracer/lifecycle/estimate"
)

// trained is what of a record a prediction is learned from: one training on one
// kind of accelerators.
func trained(id, name string, ml *lifecycle.ML, device string, count int, seconds, joules float64) *lifecycle.Record {
	return &lifecycle.Record{
		Run:          lifecycle.RunInfo{ID: id, Name: name, Status: lifecycle.Complete, Boundary: lifecycle.BoundaryNode},
		Technology:   lifecycle.Technology{Kind: "ml", ML: ml},
		Environments: []lifecycle.Environment{{ID: "site", Country: "SE"}},
		Hardware:     []lifecycle.Hardware{{ID: "gpu", Environment: "site", Kind: lifecycle.KindGPU, Model: device, Count: count}},
		Phases: []lifecycle.PhaseEntry{{
			Phase: lifecycle.PhaseTraining, Stage: lifecycle.FineTuning, DurationS: &seconds,
			Usage:   []lifecycle.Usage{{Hardware: "gpu", Count: &count, UseS: &seconds, EnergyJ: &lifecycle.Quantity{Value: joules, Method: lifecycle.Counter}}},
			EnergyJ: &lifecycle.Quantity{Value: joules, Method: lifecycle.Counter},
		}},
	}
}

// The prediction without records is the estimate that `ecotracer estimate` makes
// of the same plan.
func TestWithoutRecordsAPredictionIsThePhysicalEstimate(t *testing.T) {
	plan := dataset.Plan{}
	plan.Accelerator, plan.Count, plan.Country = "A100 SXM4 80GB", 64, "FR"
	plan.Parameters, plan.Tokens = 7e9, 1e12
	got, err := physics.Predict(plan)
	require.NoError(t, err)
	given := plan.Plan
	given.CreatedAt = time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	given.ID, given.Generator = "019cadc6-9a80-7000-8000-000000000000", lifecycle.Generator{Name: "test", Version: "0", OS: "any", Arch: "any"}
	e, err := estimate.Of(given)
	require.NoError(t, err)
	assert.InEpsilon(t, e.Record.Run.DurationS, got.DurationS.Value, 1e-9)
	assert.InEpsilon(t, e.Record.Totals.EnergyJ.Value, got.EnergyJ.Value, 1e-9)
	assert.InEpsilon(t, e.Record.Totals.FacilityEnergyJ.Value, got.FacilityEnergyJ.Value, 1e-9)
	assert.InEpsilon(t, e.Record.Totals.OperationalGCO2e.Value, got.OperationalGCO2e.Value, 1e-9)
	assert.InEpsilon(t, e.Record.Totals.EmbodiedGCO2e.Value, got.EmbodiedGCO2e.Value, 1e-9)
	assert.InEpsilon(t, got.OperationalGCO2e.Value+got.EmbodiedGCO2e.Value, got.GCO2e.Value, 1e-12)
	assert.Equal(t, dataset.Prior, got.Basis)
	assert.InEpsilon(t, got.Physics.Value, got.EnergyJ.Value, 1e-12)
	assert.Nil(t, got.EnergyError)

	// By hand: 6 · 7e9 · 1e12 FLOP over 64 · 312e12 · 0.35 a second.
	assert.InEpsilon(t, 6*7e9*1e12/(64*312e12*0.35), got.DurationS.Value, 1e-6)
	// Half of an interval is 1.645 standard deviations of the logarithms of the
	// share of the peak (0.35, 0.2 to 0.6) and of the arithmetic (a quarter).
	sd := math.Hypot(math.Log(0.35/0.2), math.Log(1.25)) / 1.959964
	assert.InEpsilon(t, 1.644854*sd, math.Log(got.DurationS.High/got.DurationS.Value), 1e-6)
	assert.InEpsilon(t, 1.644854*sd, math.Log(got.DurationS.Value/got.DurationS.Low), 1e-6)
}

// What is not known is named, by the flag that would tell it; nothing is taken to
// be 0 or 1.
func TestWhatIsMissingIsNamed(t *testing.T) {
	on := func(change func(*dataset.Plan)) dataset.Plan {
		p := dataset.Plan{}
		p.Accelerator = "A100 SXM4 80GB"
		change(&p)
		return p
	}
	for name, test := range map[string]struct {
		plan dataset.Plan
		want []string
	}{
		"nothing":            {on(func(*dataset.Plan) {}), []string{"params", "tokens"}},
		"no parameters":      {on(func(p *dataset.Plan) { p.Tokens = 1e9 }), []string{"params"}},
		"no tokens":          {on(func(p *dataset.Plan) { p.Parameters = 1e9 }), []string{"tokens"}},
		"no epochs":          {on(func(p *dataset.Plan) { p.Parameters, p.DatasetTokens = 1e9, 1e9 }), []string{"epochs"}},
		"texts of any size":  {on(func(p *dataset.Plan) { p.Parameters, p.Items, p.Epochs, p.DataType = 1e9, 1e4, 3, "text" }), []string{"tokens"}},
		"items of any kind":  {on(func(p *dataset.Plan) { p.Parameters, p.Items, p.Epochs = 1e7, 1e4, 3 }), []string{"data-type"}},
		"images, no epochs":  {on(func(p *dataset.Plan) { p.Parameters, p.Items, p.DataType = 1e7, 1e4, "image" }), []string{"epochs"}},
		"no device":          {dataset.Plan{FLOP: 1e20}, []string{"device"}},
		"a device without":   {on(func(p *dataset.Plan) { p.FLOP, p.Accelerator = 1e20, "A100" }), []string{"no peak is known"}},
		"a strange number":   {on(func(p *dataset.Plan) { p.FLOP, p.Precision = 1e20, "posit" }), []string{"precision"}},
		"requests of a chat": {on(func(p *dataset.Plan) { p.Parameters, p.Requests = 1e9, 1e6 }), []string{"tokens"}},
	} {
		_, err := physics.Predict(test.plan)
		var unknown *dataset.UnknownError
		if assert.ErrorAs(t, err, &unknown, name) {
			for _, want := range test.want {
				assert.Contains(t, err.Error(), want, name)
			}
		}
	}
	for name, bad := range map[string]func(*dataset.Plan){
		"epochs":    func(p *dataset.Plan) { p.FLOP, p.Epochs = 1e20, -3 },
		"active":    func(p *dataset.Plan) { p.Parameters, p.Active, p.Tokens = 7e9, 9e9, 1e12 },
		"trainable": func(p *dataset.Plan) { p.Parameters, p.Trainable, p.Tokens = 7e9, 9e9, 1e12 },
		"mfu":       func(p *dataset.Plan) { p.FLOP, p.MFU = 1e20, &estimate.Given{Value: 3} },
	} {
		_, err := physics.Predict(on(bad))
		var field *estimate.FieldError
		require.ErrorAs(t, err, &field, name)
		assert.Equal(t, name, field.Field)
		assert.NotContains(t, err.Error(), "0 to 0")
	}
}

// The rules of arithmetic, by hand.
func TestArithmeticIsCountedByItsRules(t *testing.T) {
	flop := func(change func(*dataset.Plan)) float64 {
		p := dataset.Plan{}
		p.Accelerator = "A100 SXM4 80GB"
		change(&p)
		got, err := physics.Predict(p)
		require.NoError(t, err)
		return got.Inputs[0].Value
	}
	for name, test := range map[string]struct {
		want float64
		plan func(*dataset.Plan)
	}{
		"a language model":     {6 * 1e9 * 2e10, func(p *dataset.Plan) { p.Parameters, p.Tokens = 1e9, 2e10 }},
		"by epochs":            {6 * 1e9 * 2e10, func(p *dataset.Plan) { p.Parameters, p.DatasetTokens, p.Epochs = 1e9, 1e10, 2 }},
		"a mixture of experts": {6 * 1e9 * 2e10, func(p *dataset.Plan) { p.Parameters, p.Active, p.Tokens = 8e9, 1e9, 2e10 }},
		"an adapter":           {(4*1e9 + 2*1e7) * 2e10, func(p *dataset.Plan) { p.Parameters, p.Trainable, p.Tokens = 1e9, 1e7, 2e10 }},
		"inference":            {2 * 1e9 * 2e10, func(p *dataset.Plan) { p.Parameters, p.Tokens, p.Stage = 1e9, 2e10, lifecycle.Serving }},
		"a dense network":      {6 * 1e6 * 5e4 * 3, func(p *dataset.Plan) { p.Parameters, p.Items, p.Epochs, p.DataType = 1e6, 5e4, 3, "tabular" }},
		"by steps":             {6 * 1e6 * 100 * 64, func(p *dataset.Plan) { p.Parameters, p.Steps, p.Batch, p.DataType = 1e6, 100, 64, "tabular" }},
		"a convolutional one":  {6 * 25.6e6 * 150 * 1.28e6 * 90, func(p *dataset.Plan) { p.Parameters, p.Items, p.Epochs, p.DataType = 25.6e6, 1.28e6, 90, "image" }},
		"a perceptron on images": {6 * 1e6 * 5e4 * 3, func(p *dataset.Plan) {
			p.Parameters, p.Items, p.Epochs, p.DataType, p.Algorithm = 1e6, 5e4, 3, "image", "multilayer perceptron"
		}},
		"what the caller counts": {1e18, func(p *dataset.Plan) { p.FLOP = 1e18 }},
		"a text of bytes":        {6 * 1e9 * 4.2e9 / 4.2, func(p *dataset.Plan) { p.Parameters, p.Bytes, p.Epochs, p.DataType = 1e9, 4.2e9, 1, "text" }},
	} {
		assert.InEpsilon(t, test.want, flop(test.plan), 1e-9, name)
	}
}

// ResNet-50 over ImageNet for 90 epochs is about 2.8e18 FLOP: 3 times 8.2 GFLOP an
// image. The rule must allow for it.
func TestTheRuleOfConvolutionsAllowsForResNet(t *testing.T) {
	p := dataset.Plan{DataType: "image", Items: 1.28e6, Epochs: 90}
	p.Parameters, p.Accelerator = 25.6e6, "A100 SXM4 80GB"
	got, err := physics.Predict(p)
	require.NoError(t, err)
	is := 3 * 8.2e9 * 1.28e6 * 90
	assert.Less(t, got.Inputs[0].Low, is)
	assert.Greater(t, got.Inputs[0].High, is)
}

// A record tells its plan: what worked, where, on what, and how much of it.
func TestARecordTellsItsPlan(t *testing.T) {
	n := func(x int64) *int64 { return &x }
	flop := 1e18
	r := trained("a", "tickets", &lifecycle.ML{
		Task: "text-classification", TrainingType: "fine-tuning", Parameters: &lifecycle.Parameters{Total: n(109e6)}, Epochs: n(10), Steps: n(5000), BatchSize: n(32), Precision: "bf16",
		FLOPs: &flop, Datasets: []lifecycle.Dataset{{Role: "train", DataType: "text", Items: n(40000), Tokens: n(4e6)}, {Role: "test", Items: n(9), Tokens: n(9)}},
	}, "H100 SXM5 80GB", 2, 3600, 4e6)
	p, err := dataset.PlanOf(r, lifecycle.PhaseTraining)
	require.NoError(t, err)
	assert.Equal(t, "H100 SXM5 80GB", p.Accelerator)
	assert.Equal(t, 2, p.Count)
	assert.Equal(t, "SE", p.Country)
	assert.Equal(t, "tickets", p.Series)
	assert.Equal(t, lifecycle.FineTuning, p.Stage)
	assert.Equal(t, []float64{109e6, 4e6, 40000, 10, 5000, 32, 1e18}, []float64{p.Parameters, p.DatasetTokens, p.Items, p.Epochs, p.Steps, p.Batch, p.FLOP})
	_, err = dataset.PlanOf(r, lifecycle.PhaseInference)
	assert.ErrorIs(t, err, dataset.ErrNothingToPredict)

	// With twice the epochs all that follows from them is twice as much.
	require.NoError(t, p.Set("epochs", "20"))
	assert.Equal(t, []float64{20, 10000}, []float64{p.Epochs, p.Steps})
	assert.InEpsilon(t, 2e18, p.FLOP, 1e-9)
	// With ten times the parameters so is the arithmetic.
	require.NoError(t, p.Set("params", "1.09B"))
	assert.InEpsilon(t, 2e19, p.FLOP, 1e-9)
	// A larger batch takes fewer steps for the same.
	require.NoError(t, p.Set("batch", "64"))
	assert.Equal(t, 5000.0, p.Steps)
	assert.InEpsilon(t, 2e19, p.FLOP, 1e-9)
	assert.ErrorIs(t, p.Set("lr", "1e-4"), dataset.ErrUnknownMember)
	for name, value := range map[string]string{"epochs": "-1", "count": "2.5", "params": "many", "country": "Atlantis", "items": "0", "tokens": "NaN", "steps": "Inf"} {
		assert.Error(t, p.Set(name, value), name)
	}
}

// Records of all kinds are learned from or left out for a reason, none harms.
func TestAnyValidRecordIsLearnedFromOrLeftOutForAReason(t *testing.T) {
	var f dataset.Fitter
	added := 0
	for seed := range race.Few(uint64(300)) {
		f.Add(recordtest.Random(seed))
		added++
	}
	p := f.Fit()
	left := 0
	for _, n := range p.Left() {
		left += n
	}
	assert.GreaterOrEqual(t, left+p.Runs(lifecycle.PhaseTraining)+p.Runs(lifecycle.PhaseInference), added)
}

// Where hours are given they are no prediction, and the energy follows from the
// power that records tell.
func TestGivenHoursAreTaken(t *testing.T) {
	var f dataset.Fitter
	plan := dataset.Plan{}
	plan.Accelerator, plan.Count, plan.Country = "A100 SXM4 80GB", 8, "FR"
	for i := range 30 { // nothing tells how much arithmetic they did
		f.Observe(fmt.Sprint(i), plan, dataset.Outcome{DurationS: 3600, EnergyJ: 8 * 600 * 3600 * (1 + 0.01*float64(i%3)), Method: lifecycle.Counter})
	}
	p := f.Fit()
	plan.Hours = &estimate.Given{Value: 10}
	got, err := p.Predict(plan)
	require.NoError(t, err)
	assert.Nil(t, got.DurationS)
	assert.InEpsilon(t, 8*600*36000*1.01, got.EnergyJ.Value, 0.05)
	assert.Less(t, got.EnergyJ.High/got.EnergyJ.Low, 1.9)
	plan.Hours = &estimate.Given{Value: 10, Low: 5, High: 20}
	wide, err := p.Predict(plan)
	require.NoError(t, err)
	assert.Greater(t, wide.EnergyJ.High/wide.EnergyJ.Low, 2.5)
	assert.InEpsilon(t, math.Pow(2, 1.644854/1.959964), wide.DurationS.High/wide.DurationS.Value, 1e-6)
	require.NotEmpty(t, p.Left(), "that only power is learned is told")
}

// Learning curves of a known law: 1 − accuracy = 0.03 + 0.4 · epochs^−0.7, a
// program's own level, and some noise.
func scoredRuns(n int, vary bool) *dataset.Predictor {
	rng := rand.New(rand.NewPCG(17, 18))
	num := func(x float64) *int64 { v := int64(x); return &v }
	var f dataset.Fitter
	for i := range n {
		epochs := math.Round(math.Pow(30, rng.Float64()))
		items := 50000.0
		if vary {
			items = math.Round(20000 * math.Pow(10, rng.Float64()))
		}
		e := 0.03 + 0.4*math.Pow(epochs, -0.7)*math.Pow(items/50000, -0.3)*math.Exp(0.03*rng.NormFloat64())
		ml := &lifecycle.ML{
			Task: "image-classification", Parameters: &lifecycle.Parameters{Total: num(25.6e6)}, Epochs: num(epochs), BatchSize: num(256), Precision: "bf16",
			Datasets:   []lifecycle.Dataset{{Role: "train", DataType: "image", Items: num(items)}},
			Evaluation: []lifecycle.Evaluation{{Metric: "accuracy", Value: 1 - e, Split: "test", Direction: "higher"}, {Metric: "Loss", Value: e, Split: "train"}},
		}
		seconds := epochs * items / 2500 * math.Exp(0.05*rng.NormFloat64())
		f.Add(trained(fmt.Sprint(i), "classifier", ml, "A100 SXM4 80GB", 1, seconds, seconds*450))
	}
	return f.Fit()
}

func sweepPlan() dataset.Plan {
	p := dataset.Plan{Series: "classifier", Kind: "ml", Task: "image-classification", DataType: "image", Items: 50000, Epochs: 5, Batch: 256, Precision: "bf16"}
	p.Accelerator, p.Count, p.Parameters, p.Country, p.Stage = "A100 SXM4 80GB", 1, 25.6e6, "SE", lifecycle.FineTuning
	return p
}

func axes(t *testing.T, texts ...string) (list []dataset.Axis) {
	for _, text := range texts {
		a, err := dataset.ParseAxis(text)
		require.NoError(t, err)
		list = append(list, a)
	}
	return list
}

// The cheapest configuration that reaches an accuracy is the one with the fewest
// epochs that do, and no fewer than the law says.
func TestASweepFindsTheCheapestThatReachesTheTarget(t *testing.T) {
	p := scoredRuns(60, true)
	goal := dataset.Goal{Metric: "accuracy", Value: 0.9}
	s, err := p.Sweep(sweepPlan(), axes(t, "epochs=1..20"), goal)
	require.NoError(t, err)
	require.NotNil(t, s.Best, s.Why)
	need := math.Pow(0.4/(0.1-0.03), 1/0.7) // 12.1
	var epochs float64
	_, err = fmt.Sscan(s.Best.Values[0], &epochs)
	require.NoError(t, err)
	assert.GreaterOrEqual(t, epochs, math.Floor(need))
	assert.LessOrEqual(t, epochs, need+3)
	assert.GreaterOrEqual(t, *s.Best.Reaches, 0.9)
	assert.Equal(t, 60, s.MetricRuns)
	assert.Equal(t, 20, s.Tried)
	for _, pt := range s.Points[1:s.Reached] {
		assert.GreaterOrEqual(t, pt.EnergyJ.Value, s.Best.EnergyJ.Value, "nothing that reaches it is cheaper")
	}
	require.Len(t, s.Neighbours, 2)
	assert.Less(t, s.Neighbours[0].Cost, 1.0)
	assert.Less(t, *s.Neighbours[0].Reaches, 0.9, "an epoch less would not do")
	first := s.Best.EnergyJ.Value

	// Of two devices it takes the one that needs less; 0.9 with less confidence in
	// fewer epochs.
	s, err = p.Sweep(sweepPlan(), axes(t, "epochs=1..20", "device=A100 SXM4 80GB,H100 SXM5 80GB,Tesla V100 SXM2 32GB"), dataset.Goal{Cost: "time", Metric: "accuracy", Value: 0.9})
	require.NoError(t, err)
	assert.Equal(t, "H100 SXM5 80GB", s.Best.Values[1])
	surer, err := p.Sweep(sweepPlan(), axes(t, "epochs=1..30"), dataset.Goal{Metric: "accuracy", Value: 0.9, Confidence: 0.999})
	require.NoError(t, err)
	assert.Greater(t, surer.Best.EnergyJ.Value, first, "to be surer takes more epochs")

	s, err = p.Sweep(sweepPlan(), axes(t, "epochs=1..20"), dataset.Goal{Metric: "accuracy", Value: 0.99})
	require.NoError(t, err)
	assert.Nil(t, s.Best)
	assert.Contains(t, s.Why, "none of 20 reaches")
}

// The probability to reach a target is one: over many data sets, of what is said
// to be reached with p that part is.
func TestProbabilitiesToReachATargetHold(t *testing.T) {
	p := scoredRuns(60, true)
	rng := rand.New(rand.NewPCG(19, 20))
	var said, was, n float64
	s, err := p.Sweep(sweepPlan(), axes(t, "epochs=8..16"), dataset.Goal{Metric: "accuracy", Value: 0.9})
	require.NoError(t, err)
	for _, pt := range s.Points {
		var epochs float64
		_, _ = fmt.Sscan(pt.Values[0], &epochs)
		for range 400 {
			e := 0.03 + 0.4*math.Pow(epochs, -0.7)*math.Exp(0.03*rng.NormFloat64())
			if n++; 1-e >= 0.9 {
				was++
			}
			said += *pt.Reaches
		}
	}
	assert.InDelta(t, was/n, said/n, 0.12)
}

// Devices that do the work in less time take no less energy by physics: rounding
// does not choose among them, and the sweep says so.
func TestOfWhatCostsTheSameTheQuickestIsTheBest(t *testing.T) {
	plan := dataset.Plan{}
	plan.Parameters, plan.Tokens, plan.Accelerator, plan.Country = 7e9, 1e12, "A100 SXM4 80GB", "FR"
	s, err := physics.Sweep(plan, axes(t, "count=1..7"), dataset.Goal{})
	require.NoError(t, err)
	assert.Equal(t, []string{"7"}, s.Best.Values)
	assert.Contains(t, s.Why, "as much as 6 others, and of these takes the least time")
	s, err = physics.Sweep(plan, axes(t, "count=1..7"), dataset.Goal{Cost: "time"})
	require.NoError(t, err)
	assert.Equal(t, []string{"7"}, s.Best.Values)
	assert.NotContains(t, s.Why, "other")
	s, err = physics.Sweep(plan, axes(t, "params=1B..64B*2"), dataset.Goal{})
	require.NoError(t, err)
	assert.Equal(t, []string{"1e+09"}, s.Best.Values)
	assert.NotContains(t, s.Why, "other")
}

// What nothing is known of is refused by name, never ignored.
func TestAnAxisThatNothingIsKnownOfIsRefused(t *testing.T) {
	p := scoredRuns(40, false)
	goal := dataset.Goal{Metric: "accuracy", Value: 0.9}
	for text, why := range map[string]string{
		"lr=1e-4,3e-4":        "no record tells it",
		"items=10000,100000":  "do not vary it",
		"params=10M..100M*2":  "do not vary it",
		"series=one,another":  "changes nothing that is predicted",
		"epochs=0..3":         "",
		"device=A100,Unknown": "",
	} {
		a, err := dataset.ParseAxis(text)
		if err == nil {
			_, err = p.Sweep(sweepPlan(), []dataset.Axis{a}, goal)
		}
		if assert.Error(t, err, "%s", text) && why != "" {
			var axis *dataset.AxisError
			require.ErrorAs(t, err, &axis)
			assert.Contains(t, err.Error(), why)
			assert.Contains(t, err.Error(), a.Name)
		}
	}
	bare := sweepPlan()
	bare.Items, bare.Epochs, bare.FLOP = 0, 0, 1e18
	_, err := p.Sweep(bare, axes(t, "epochs=1..5"), dataset.Goal{})
	assert.ErrorContains(t, err, "epochs: ", "%v", bare)
	_, err = p.Sweep(sweepPlan(), axes(t, "epochs=1..400", "count=1..400"), dataset.Goal{})
	assert.ErrorContains(t, err, "more than 100000")
	_, err = p.Sweep(sweepPlan(), axes(t, "epochs=1..4"), dataset.Goal{Metric: "f1", Value: 0.9})
	assert.ErrorContains(t, err, "0 records of image-classification tell it")
	assert.ErrorContains(t, err, "records tell accuracy")
}

func TestAxesAreRead(t *testing.T) {
	for text, want := range map[string][]string{
		"epochs=1..5":          {"1", "2", "3", "4", "5"},
		"batch=32..96/32":      {"32", "64", "96"},
		"params=1B..4B*2":      {"1e+09", "2e+09", "4e+09"},
		"lr=1e-4,3e-4":         {"1e-4", "3e-4"},
		"device=A,B ,A":        {"A", "B"},
		"device=One..Two":      {"One..Two"},
		"dataset-tokens=1M":    {"1M"},
		"epochs=0.1..0.3/0.1":  {"0.1", "0.2", "0.3"},
		"epochs=10..10":        {"10"},
		"steps=1000..9000/4k":  {"1000", "5000", "9000"},
		"count=8,16,32,64,128": {"8", "16", "32", "64", "128"},
	} {
		a, err := dataset.ParseAxis(text)
		require.NoError(t, err, text)
		assert.Equal(t, want, a.Values, text)
	}
	for _, text := range []string{"", "epochs", "epochs=", "=1", "epochs=5..1", "epochs=1..1e9", "epochs=1..x", "epochs=1..2*1", "params=1..1e300*1.0001", "epochs=1..5/0", "device=,"} {
		_, err := dataset.ParseAxis(text)
		assert.Error(t, err, text)
	}
}

// Whatever is written for an axis is read or refused, within bounds.
func FuzzParseAxis(f *testing.F) {
	for _, seed := range []string{"epochs=1..20", "batch=32..96/32", "params=1B..4B*2", "lr=1e-4,3e-4", "epochs=1..1e9/1e-9", "a=b..c*d/e"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		a, err := dataset.ParseAxis(text)
		if err != nil {
			return
		}
		if a.Name == "" || len(a.Values) == 0 || len(a.Values) > 10_000+1 || slices.Contains(a.Values, "") {
			t.Fatalf("%q: %v", text, a)
		}
		p := sweepPlan()
		if err := p.Set(a.Name, a.Values[0]); err == nil {
			if _, err := physics.Predict(p); err != nil {
				var unknown *dataset.UnknownError
				var field *estimate.FieldError
				if !errors.As(err, &unknown) && !errors.As(err, &field) {
					t.Fatal(err)
				}
			}
		}
	})
}
