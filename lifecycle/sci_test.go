package lifecycle

import (
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/ecotracer/ecotracer/factors"
	"github.com/ecotracer/ecotracer/internal/race"
)

func TestAScoreIsWhatIsWorkedOutByHand(t *testing.T) {
	r := oneHour()
	r.Environments[0].Factors.Residual = "residual"
	r.Environments[0].Instruments = []Instrument{{Kind: "PPA", Share: 0.9, Factor: "wind"}}
	r.Factors = append(r.Factors, between("residual", factors.Residual, 450, 400, 520, "gCO2e/kWh"), between("wind", factors.Instrument, 11, 7, 20, "gCO2e/kWh"))
	assess(t, r)
	before := everythingIn(r)
	s, err := SCI(r, "", "")
	require.NoError(t, err)
	assert.Equal(t, before, everythingIn(r), "the record stays as it was")

	assert.InEpsilon(t, 6.3/3.6*1.5, s.EnergyKWh.Value, 1e-12, "6.3 MJ with PUE 1.5")
	assert.InEpsilon(t, 400, s.Intensity.Value, 1e-12)
	assert.InEpsilon(t, 300, s.Intensity.Low, 1e-5, "its interval is the factor's")
	assert.InEpsilon(t, 1050, s.OperationalGCO2e.Value, 1e-12, "no instrument changes it")
	assert.InEpsilon(t, 75.6/2, s.EmbodiedGCO2e.Value, 1e-12, "a device in use half of its life, at utilisation 1")
	assert.InEpsilon(t, (1050+37.8)/100, s.Score.Value, 1e-12)
	assert.Equal(t, []any{"requests", 100.0}, []any{s.Unit, s.Count})
	assert.InEpsilon(t, 4.2/6.3, s.MeasuredShare, 1e-12)
	assert.Equal(t, []Stage{Training, Serving, Unassigned}, s.Stages)
	assert.Equal(t, []any{BoundaryNode, ScopeProcess}, []any{s.Boundary, s.Scope})
	assert.Empty(t, s.LeftOut)

	r.Factors[7] = sure("used", factors.Utilisation, 1, "1")
	assess(t, r)
	s, err = SCI(r, "", "requests")
	require.NoError(t, err)
	assert.Equal(t, r.Totals.PerUnit.GCO2e, s.Score, "where devices are in use all their life, per_unit is the score")
	assert.Equal(t, *r.Totals.EmbodiedGCO2e, s.EmbodiedGCO2e)
}

func TestPersonasShareARunBetweenThem(t *testing.T) {
	r := assess(t, oneHour())
	whole, err := SCI(r, "", "")
	require.NoError(t, err)
	consumer, err := SCI(r, Consumer, "")
	require.NoError(t, err)
	provider, err := SCI(r, Provider, "requests")
	require.NoError(t, err)

	assert.Equal(t, []Stage{Serving}, consumer.Stages)
	assert.Equal(t, []string{"stage training/training", "stage unassigned"}, consumer.LeftOut, "what no span used is neither's")
	assert.InEpsilon(t, 300, consumer.OperationalGCO2e.Value, 1e-12)
	assert.InEpsilon(t, 1.05e6*1200/1e8, consumer.EmbodiedGCO2e.Value, 1e-12, "the server was held for 1200 s of 10⁸")
	assert.InEpsilon(t, 600, provider.OperationalGCO2e.Value, 1e-12)
	assert.InEpsilon(t, 1.05e6*1800/1e8, provider.EmbodiedGCO2e.Value, 1e-12)
	assert.InEpsilon(t, whole.OperationalGCO2e.Value, provider.OperationalGCO2e.Value+consumer.OperationalGCO2e.Value+150, 1e-12)

	r.Phases = append(r.Phases[:0:0], r.Phases[1:]...) // serving alone
	r.Spans = r.Spans[2:]
	assess(t, r)
	consumer, err = SCI(r, Consumer, "")
	require.NoError(t, err)
	assert.Equal(t, []Stage{Serving, Unassigned}, consumer.Stages, "who alone has stages has the idle time too")
	assert.InEpsilon(t, 450, consumer.OperationalGCO2e.Value, 1e-12)
}

func TestAScoreKnowsServicesPlacesAndTransport(t *testing.T) {
	r := assess(t, everything())
	r.Missing = append(r.Missing, Missing{Path: "/hardware", What: "network in the hall", Reason: "not-measured"})
	r.Factors[7] = sure("used", factors.Utilisation, 1, "1")
	assess(t, r)
	s, err := SCI(r, "", "")
	require.NoError(t, err)
	assert.InEpsilon(t, r.Totals.OperationalGCO2e.Value, s.OperationalGCO2e.Value, 1e-12)
	assert.InEpsilon(t, r.Totals.EmbodiedGCO2e.Value, s.EmbodiedGCO2e.Value, 1e-12, "making, moving and discarding")
	assert.InEpsilon(t, r.Totals.FacilityEnergyJ.Value/3.6e6, s.EnergyKWh.Value, 1e-12)
	assert.InEpsilon(t, s.OperationalGCO2e.Value-8, s.EnergyKWh.Value*s.Intensity.Value, 1e-12, "O = E × I but for the 8 g that a service tells of itself")
	assert.Equal(t, []string{"network in the hall: not-measured", "what is amortised"}, s.LeftOut)
}

func TestNoScoreIsMadeOfWhatIsUnknown(t *testing.T) {
	flop := 1e20
	for _, c := range []struct {
		name    string
		change  func(*Record)
		persona Persona
		unit    string
		want    string
	}{
		{"no functional unit", func(r *Record) { r.UseCase.FunctionalUnit = nil }, "", "",
			"/use_case/functional_unit: a score is told for one unit of work: declare the functional unit"},
		{"a unit that was never counted", func(r *Record) { r.UseCase.FunctionalUnit.Path = "nowhere" }, "", "",
			"/use_case/functional_unit: no requests was counted, so there is no score"},
		{"another unit", func(*Record) {}, "", "tokens",
			`/use_case/functional_unit: "tokens" is not the functional unit; a provider's score may also be told per FLOP, parameter or training-token`},
		{"a provider's unit for a consumer", func(r *Record) { r.Technology.ML = &ML{FLOPs: &flop} }, Consumer, "FLOP",
			`/use_case/functional_unit: "FLOP" is not the functional unit; a provider's score may also be told per FLOP, parameter or training-token`},
		{"no model", func(*Record) {}, Provider, "FLOP", "/technology/ml: the record does not tell how many of FLOP there were"},
		{"tokens that nobody counted", func(r *Record) { r.Technology.ML = &ML{Datasets: []Dataset{{Role: "train"}}} }, Provider, "training-token",
			"/technology/ml: no training-token was counted, so there is no score"},
		{"a device of which nothing is known", func(r *Record) {
			r.Hardware = append(r.Hardware, Hardware{ID: "tpu", Environment: "hall", Kind: KindOther, Count: 1})
		}, "", "", "/hardware/2: what the device took to make is unknown, and the score needs an estimate for all hardware: give it embodied factors, or list them as not-applicable"},
		{"a device that tells other impacts alone", func(r *Record) {
			r.Hardware[0].Embodied.EndOfLife = Impacts{WasteKg: "waste"}
			r.Factors[5] = sure("waste", factors.EndOfLife, 20, "kg")
		}, "", "", "/hardware/0/embodied/end_of_life: it tells no gCO2e, and the score needs an estimate for all hardware"},
		{"no device that tells anything", func(r *Record) {
			r.Hardware[0].Embodied = nil
			r.Missing = append(r.Missing, Missing{Path: "/hardware/0/embodied", Reason: "not-applicable"}, Missing{Path: "/hardware/1/embodied", Reason: "not-applicable"})
		}, "", "", "/hardware: no device tells what it took to make, and the score needs an estimate"},
		{"a stage that is not there", func(r *Record) { r.Phases = r.Phases[1:] }, Provider, "",
			"/phases: no stage of the record is a provider's: leave the persona out to have the score of the run"},
		{"an unknown grid", func(r *Record) { r.Environments[0].Factors.Grid = "" }, "", "",
			"/environments/0/factors/grid: a grid factor is needed here: name one of /factors"},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := assess(t, oneHour())
			c.change(r)
			_, err := SCI(r, c.persona, c.unit)
			assert.EqualError(t, err, "lifecycle: "+c.want)
		})
	}
	_, err := SCI(oneHour(), "seller", "")
	assert.EqualError(t, err, `lifecycle: SCI: there is no persona "seller": write "provider", "consumer" or nothing`)
}

func TestTheScoreOfARunIsAtMostItsGramsPerUnit(t *testing.T) {
	t.Parallel()
	scores := 0
	for seed := range race.Few(uint64(100)) {
		r := assess(t, dice{rand.New(rand.NewPCG(seed, 9))}.record())
		s, err := SCI(r, "", "")
		if r.Totals.PerUnit == nil {
			require.Error(t, err, "record %d", seed)
			continue
		}
		require.NoError(t, err, "record %d", seed)
		scores++
		require.LessOrEqual(t, s.Score.Value, r.Totals.PerUnit.GCO2e.Value*(1+1e-12), "record %d", seed)
		require.True(t, near(s.OperationalGCO2e.Value, r.Totals.OperationalGCO2e.Value, 1e-12), "record %d", seed)
		require.True(t, near(s.Score.Value*s.Count, s.OperationalGCO2e.Value+s.EmbodiedGCO2e.Value, 1e-12), "record %d", seed)
	}
	assert.Positive(t, scores)
}
