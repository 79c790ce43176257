package lifecycle

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// trainingRun is the hour without its serving: 750 g of operation, and 50.4 g
// of making and discarding the server, which was held for 2400 s.
func trainingRun(t *testing.T) *Record {
	t.Helper()
	r := oneHour()
	r.Run.ID = "019cadc6-9a80-7000-8000-0000000000cc"
	r.Phases = append(r.Phases[:1:1], r.Phases[2])
	r.Spans = r.Spans[:2]
	r.UseCase.FunctionalUnit = nil
	return assess(t, r)
}

func TestARunCarriesItsPartOfATraining(t *testing.T) {
	serving, training := assess(t, oneHour()), trainingRun(t)
	before, untouched := serving.Totals, everythingIn(training)
	require.NoError(t, Amortise(serving, training, "requests", 1e6))
	assert.Empty(t, findings(serving))
	assert.Equal(t, before, serving.Totals, "it is beside the totals")
	assert.Equal(t, untouched, everythingIn(training))

	digest, err := training.SHA256()
	require.NoError(t, err)
	require.Len(t, serving.Amortised, 2)
	operation, devices := serving.Amortised[0], serving.Amortised[1]
	assert.Equal(t, "training", operation.What)
	assert.Equal(t, training.Totals.OperationalGCO2e, operation.GCO2e, "600 g of training and 150 g of no span")
	assert.InEpsilon(t, 750, operation.GCO2e.Value, 1e-12)
	assert.InEpsilon(t, 750*100/1e6, operation.ShareGCO2e.Value, 1e-12, "100 of a million requests")
	assert.Equal(t, "production", devices.What)
	assert.Equal(t, *training.Totals.EmbodiedGCO2e, devices.GCO2e, "with the end of life")
	assert.InEpsilon(t, 1.05e6*2400/(1e8*0.5), devices.GCO2e.Value, 1e-12)
	for _, a := range serving.Amortised {
		assert.Equal(t, []any{training.Run.ID, digest, "requests", 1e6, 100.0}, []any{a.Run, a.Digest, a.Unit, a.Expected, a.Used})
	}

	require.NoError(t, Amortise(serving, training, "requests", 2e6))
	require.Len(t, serving.Amortised, 2, "a training is carried once")
	assert.Equal(t, 2e6, serving.Amortised[0].Expected)

	tuning := other(t, training)
	require.NoError(t, Amortise(serving, assess(t, tuning), "requests", 5e5))
	assert.Len(t, serving.Amortised, 4, "another one as well")
	FillMissing(serving)
	assert.Empty(t, Validate(serving))
}

func TestWhatATrainingDoesNotTellIsListed(t *testing.T) {
	serving, training := assess(t, oneHour()), trainingRun(t)
	training.Hardware = append(training.Hardware, Hardware{ID: "tpu", Environment: "hall", Kind: KindOther, Model: "tensor", Count: 1})
	training.Missing = append(training.Missing, Missing{Path: "/hardware/2/embodied", Reason: "unknown"})
	assess(t, training)
	require.NoError(t, Amortise(serving, training, "requests", 1e6))
	require.NoError(t, Amortise(serving, training, "requests", 1e6))
	want := Missing{Path: "/amortised", What: "what the devices of run " + training.Run.ID + " took to make", Reason: "unknown"}
	assert.Equal(t, []Missing{want}, serving.Missing)
	assert.Len(t, serving.Amortised, 2, "what is known is told")
	assert.Empty(t, Validate(serving))
	_, err := FootprintPerUnit(serving)
	assert.EqualError(t, err, "lifecycle: /missing/0: the footprint is unknown, for so is "+want.What)

	training.Hardware[0].Embodied = nil
	training.Missing = append(training.Missing, Missing{Path: "/hardware/0/embodied", Reason: "unknown"}, Missing{Path: "/hardware/1/embodied", Reason: "unknown"})
	assess(t, training)
	require.NoError(t, Amortise(serving, training, "requests", 1e6))
	assert.Len(t, serving.Amortised, 1, "nothing is known of any device")
	assert.Equal(t, []Missing{want}, serving.Missing)

	require.NoError(t, Amortise(serving, trainingRun(t), "requests", 1e6))
	assert.Empty(t, serving.Missing, "what is known is no longer missing")
}

func TestOnlyATrainingIsAmortised(t *testing.T) {
	for _, c := range []struct {
		name     string
		change   func(serving, training *Record)
		unit     string
		expected float64
		want     string
	}{
		{"another unit", func(_, _ *Record) {}, "tokens", 1e6,
			`/use_case/functional_unit: the run is to carry its part by "tokens", so that must be its functional unit`},
		{"no unit", func(s, _ *Record) { s.UseCase.FunctionalUnit = nil }, "requests", 1e6,
			`/use_case/functional_unit: the run is to carry its part by "requests", so that must be its functional unit`},
		{"fewer than were served", func(_, _ *Record) {}, "requests", 99,
			"/amortised/0/used: 100 of 99 requests cannot be used: expected must be above 0 and no less than used"},
		{"itself", func(s, r *Record) { s.Run.ID = r.Run.ID }, "requests", 1e6,
			"/run/id: a run does not carry itself: its own grams are in its totals"},
		{"a run that serves too", func(_, r *Record) { *r = *oneHour(); r.Run.ID = "x" }, "requests", 1e6,
			"/phases/1: the record also tells of inference/serving, which is no part of a training: make a record of the training alone (the training record)"},
		{"a training that cannot be used", func(_, r *Record) { r.Factors[0].High = 1 }, "requests", 1e6,
			"/factors/0: low ≤ value ≤ high must hold, and low > 0 unless all three are 0: correct the bounds (the training record)"},
	} {
		t.Run(c.name, func(t *testing.T) {
			serving, training := assess(t, oneHour()), trainingRun(t)
			c.change(serving, training)
			before := everythingIn(serving)
			assert.EqualError(t, Amortise(serving, training, c.unit, c.expected), "lifecycle: "+c.want)
			assert.Equal(t, before, everythingIn(serving), "the record is as it was")
		})
	}
	training := trainingRun(t)
	training.Phases[0].Phase, training.Phases[0].Stage = PhaseInference, Deployment
	training.Spans[0].Stage, training.Spans[1].Stage = Deployment, Deployment
	assert.NoError(t, Amortise(assess(t, oneHour()), assess(t, training), "requests", 1e6), "deploying is the provider's")
}

func TestTheFootprintOfAPrediction(t *testing.T) {
	serving, training := assess(t, oneHour()), trainingRun(t)
	own, err := FootprintPerUnit(serving)
	require.NoError(t, err)
	assert.Equal(t, *serving.Totals.PerUnit, own, "a run that carries nothing")

	const expected = 200
	require.NoError(t, Amortise(serving, training, "requests", expected))
	want := 11.256 + (750+50.4)/expected
	shared, err := FootprintPerUnit(serving, training)
	require.NoError(t, err)
	apart, err := FootprintPerUnit(serving)
	require.NoError(t, err)
	assert.InEpsilon(t, want, shared.GCO2e.Value, 1e-12)
	assert.InEpsilon(t, want, apart.GCO2e.Value, 1e-12)
	assert.Equal(t, []any{"requests", int64(100)}, []any{shared.Unit, shared.Count})
	assert.Less(t, shared.GCO2e.Low, apart.GCO2e.Low, "both were on one grid, whose error is one error")
	assert.Greater(t, shared.GCO2e.High, apart.GCO2e.High)

	t.Run("as a Monte Carlo has it", func(t *testing.T) {
		p := newPool(newBasis(serving), newBasis(training))
		run, err := newComparand(serving)
		require.NoError(t, err)
		c, err := newCarried(training)
		require.NoError(t, err)
		terms := p.terms(0, &run.figures[0], 0.01)
		terms = append(terms, p.terms(1, c.part("training"), 1./expected)...)
		terms = append(terms, p.terms(1, c.part("production"), 1./expected)...)
		o, err := p.draw([]pair{{first: terms}}, comparisonDraws)
		require.NoError(t, err)
		assert.InEpsilon(t, o[0].difference[0], shared.GCO2e.Low, 0.02)
		assert.InEpsilon(t, o[0].difference[1], shared.GCO2e.High, 0.02)
	})
	t.Run("what does not fit is refused", func(t *testing.T) {
		changed := copyOf(t, training)
		changed.Phases[0].Usage[0].EnergyJ.Value *= 2
		_, err := FootprintPerUnit(serving, assess(t, changed))
		assert.ErrorContains(t, err, "/amortised/0/gco2e: record "+training.Run.ID+" does not tell this")
		_, err = FootprintPerUnit(serving, other(t, training))
		assert.ErrorContains(t, err, "the run carries nothing of run")
		serving := copyOf(t, serving)
		serving.Amortised[1].Unit = "tokens"
		_, err = FootprintPerUnit(serving)
		assert.EqualError(t, err, "lifecycle: /amortised/1: it is amortised over 200 tokens, and the functional unit is requests")
		serving.UseCase.FunctionalUnit = nil
		_, err = FootprintPerUnit(serving)
		assert.ErrorContains(t, err, "there is no unit to tell the footprint of")
		unknown := oneHour()
		unknown.Hardware[0].Embodied = nil
		_, err = FootprintPerUnit(assess(t, unknown))
		assert.ErrorContains(t, err, "/totals/gco2e: the footprint is unknown: what node took to make is unknown")
	})
}
