package estimate_test

import (
	"bytes"
	"errors"
	"maps"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/ecotracer/ecotracer/factors"
	"github.com/ecotracer/ecotracer/lifecycle"
	"github.com/ecotracer/ecotracer/lifecycle/estimate"
)

// complete gives a plan what each record needs.
func complete(p estimate.Plan) estimate.Plan {
	p.ID = "019cadc6-9a80-7000-8000-0123456789ab"
	p.CreatedAt = time.Date(2026, 3, 2, 9, 0, 0, 0, time.UTC)
	p.Generator = lifecycle.Generator{Name: "ecotracer", Version: "test", OS: "linux", Arch: "amd64"}
	return p
}

// of estimates a plan, which must make a record without any finding.
func of(t *testing.T, p estimate.Plan) *estimate.Estimate {
	t.Helper()
	e, err := estimate.Of(complete(p))
	require.NoError(t, err)
	require.Empty(t, lifecycle.Validate(e.Record), "the record breaks no rule and needs no warning")
	return e
}

func given(v float64) *estimate.Given { return &estimate.Given{Value: v} }

const a100 = "A100-SXM4-80GB"

// plans are one of each shape.
var plans = map[string]estimate.Plan{
	"accelerators":      {Accelerator: a100, Count: 8, Hours: given(72), Provider: "aws", Region: "eu-west-1"},
	"one of eight":      {Accelerator: a100, Hours: given(1), Country: "FR"},
	"for consumers":     {Accelerator: "GeForce RTX 4090", Hours: given(10), Country: "DE"},
	"processors":        {CPU: "AMD EPYC 7543", CPUs: 2, MemoryGB: 256, Hours: given(1), Country: "FR"},
	"processors, no GB": {CPU: "AMD EPYC 7543", Hours: given(1), Country: "FR"},
	"a laptop":          {CPU: "Intel(R) Core(TM) i7-1165G7", MemoryGB: 16, Hours: given(3), Country: "IT"},
	"both":              {Accelerator: a100, Count: 8, CPU: "AMD EPYC 7543", CPUs: 2, MemoryGB: 1024, Hours: given(72), Country: "US", Subdivision: "US-CA"},
	"power":             {PowerW: given(1515.43), Hours: given(84)},
	"power of a device": {Accelerator: a100, Count: 384, PowerW: given(400), Hours: given(2820), Country: "FR", NodeProductionKg: given(2500)},
	"energy":            {EnergyKWh: given(1170), Country: "US"},
	"energy of devices": {Accelerator: a100, Count: 16, EnergyKWh: given(1170), Country: "US"},
	"energy and hours":  {Accelerator: a100, Count: 16, EnergyKWh: given(1170), Hours: given(300), Country: "US"},
	"training":          {Accelerator: a100, Count: 2048, Parameters: 65.2e9, Tokens: 1.4e12, Country: "US"},
	"a mixture":         {Accelerator: a100, Count: 2048, Parameters: 671e9, Active: 37e9, Tokens: 14.8e12, Country: "CN", Stage: lifecycle.PreTraining},
	"inference":         {Accelerator: a100, Count: 8, Parameters: 70e9, Tokens: 1e9, Requests: 1e6, Country: "SE"},
	"a pipeline":        {CPU: "AMD EPYC 7543", MemoryGB: 64, Hours: given(5), Stage: lifecycle.Processing, Country: "NO"},
	"an instance":       {Provider: "aws", Instance: "m5.xlarge", Count: 3, Hours: given(24), Region: "us-east-1"},
	"one with GPUs":     {Provider: "aws", Instance: "p4d.24xlarge", Hours: given(24), Region: "us-east-1"},
	"a part of a GPU":   {Provider: "azure", Instance: "Standard_NV6ads_A10_v5", Hours: given(24), Country: "NL"},
	"a share":           {Accelerator: a100, Hours: given(5), Share: 0.25, Country: "NO"},
	"nothing drawn":     {PowerW: given(0), Hours: given(1)},
	"an interval": {
		PowerW: &estimate.Given{Value: 300, Low: 200, High: 400}, Hours: &estimate.Given{Value: 10, Low: 8, High: 12},
		PUE: &estimate.Given{Value: 1.2, Low: 1.1, High: 1.4},
	},
}

func TestAnEstimateIsARecordWithoutTimes(t *testing.T) {
	for name, plan := range plans {
		t.Run(name, func(t *testing.T) {
			r := of(t, plan).Record
			assert.Equal(t, lifecycle.Estimated, r.Run.Status)
			assert.Nil(t, r.Run.StartedAt)
			assert.Len(t, r.Spans, 1, "one span a stage")
			method := lifecycle.Modelled
			if plan.EnergyKWh != nil {
				method = lifecycle.Declared
			}
			assert.Equal(t, method, r.Totals.EnergyJ.Method)
			var ledger float64
			for _, l := range r.Ledger {
				ledger += l.TotalJ
			}
			assert.InEpsilon(t, r.Totals.EnergyJ.Value+1, ledger+1, 1e-9)
			assert.Contains(t, r.Extensions, estimate.Extension)

			var text bytes.Buffer
			require.NoError(t, lifecycle.Encode(&text, r))
			again, findings, err := lifecycle.Check(bytes.NewReader(text.Bytes()))
			require.NoError(t, err)
			assert.Empty(t, findings, "nor as a document")
			assert.Equal(t, r.Totals.EnergyJ, again.Totals.EnergyJ)
		})
	}
}

func TestTheSamePlanIsTheSameRecord(t *testing.T) {
	for name, plan := range plans {
		var texts [2]bytes.Buffer
		for i := range texts {
			require.NoError(t, lifecycle.Encode(&texts[i], of(t, plan).Record))
		}
		assert.Equal(t, texts[0].String(), texts[1].String(), name)
	}
}

func TestEveryFactorOfAnEstimateIsUsedAndSourced(t *testing.T) {
	for name, plan := range plans {
		r := of(t, plan).Record
		var used []string
		e := r.Environments[0].Factors
		used = append(used, e.Grid, e.PUE, e.WUE, e.EWIF)
		for _, h := range r.Hardware {
			if m := h.Embodied; m != nil {
				used = append(used, m.Lifetime, m.Utilisation)
				for _, i := range []*lifecycle.Impacts{&m.Production, &m.EndOfLife, m.Transport} {
					if i != nil {
						used = append(used, i.GCO2e, i.ADPeKgSbeq, i.PrimaryEnergyJ, i.WasteKg)
					}
				}
			}
		}
		for _, f := range r.Factors {
			assert.Contains(t, used, f.ID, name)
			assert.NotEmpty(t, f.Source, "%s: %s", name, f.ID)
		}
	}
}

func TestWhatIsGivenReplacesWhatWouldBeLookedUp(t *testing.T) {
	plan := estimate.Plan{
		Accelerator: a100, Count: 8, Hours: given(100), Country: "FR",
		PUE: given(1.25), Intensity: &estimate.Given{Value: 100, Low: 80, High: 130}, WUE: given(0.5), EWIF: given(2),
		DeviceProductionKg: given(150), NodeProductionKg: given(2500), LifetimeYears: given(6), DeviceUse: given(0.8),
		PowerW: given(350), RestPowerW: given(800), Source: "the paper",
	}
	r := of(t, plan).Record
	kwh := (8*350 + 800) * 100 / 1e3
	assert.InDelta(t, kwh, r.Totals.EnergyJ.Value/3.6e6, 1e-9)
	assert.InDelta(t, kwh*1.25*100, r.Totals.OperationalGCO2e.Value, 1e-6)
	assert.InDelta(t, kwh*(0.5+1.25*2), r.Totals.WaterL.Value, 1e-9)
	assert.InEpsilon(t, kwh*1.25*80, r.Totals.OperationalGCO2e.Low, 1e-3, "the interval that is given with a figure is its own")
	share := 100 * 3600 / (6 * 365.25 * 86400 * 0.8)
	assert.InEpsilon(t, (8*150e3+2500e3)*share, production(r), 1e-9)
	for _, f := range r.Factors {
		switch f.Kind {
		case factors.EndOfLife, factors.Transport:
			continue
		case factors.Production:
			if f.Unit != "gCO2e" {
				continue
			}
		}
		assert.Equal(t, factors.Declared, f.Found, f.ID)
		assert.Contains(t, f.Source, "the paper", f.ID)
		assert.Equal(t, "C", f.Quality)
	}
}

// production is the share of making the devices, without bringing them.
func production(r *lifecycle.Record) float64 {
	i := slices.IndexFunc(r.Phases, func(p lifecycle.PhaseEntry) bool { return p.Stage == lifecycle.Production })
	return r.Phases[i].EmbodiedGCO2e.Value
}

// SCI (ISO/IEC 21031): M = TE × TS × RS, the time share of the lifetime and the
// share of the resources, with no time that the device stands idle.
func TestProductionIsSharedOutAsTheSCIDoes(t *testing.T) {
	r := of(t, estimate.Plan{
		PowerW: given(100), Hours: given(24), Share: 0.25, NodeProductionKg: given(1000), LifetimeYears: given(4), DeviceUse: given(1), Country: "FR",
	}).Record
	assert.InEpsilon(t, 1000e3*(24*3600/(4*365.25*86400))*0.25, production(r), 1e-9)
	assert.InEpsilon(t, 0.25*2.4, r.Totals.EnergyJ.Value/3.6e6, 1e-9, "a share of the device is a share of its power, too")
}

func TestAProductionThatIsGivenOfAMachineIsThatOfAllInIt(t *testing.T) {
	plan := plans["processors"]
	plan.NodeProductionKg, plan.LifetimeYears, plan.DeviceUse = given(1000), given(5), given(1)
	r := of(t, plan).Record
	assert.InEpsilon(t, 1000e3*3600/(5*365.25*86400), production(r), 1e-9, "processors and memory are in it")
	assert.ElementsMatch(t, []string{"cpu", "memory"}, r.Hardware[0].Embodied.Covers)
}

func TestWhereNobodyTellsHowBusyTheDevicesAreThatIsSaidAndWide(t *testing.T) {
	busy := func(e *estimate.Estimate) estimate.Input {
		i := slices.IndexFunc(e.Inputs, func(i estimate.Input) bool { return i.Field == "utilisation" })
		require.NotEqual(t, -1, i)
		return e.Inputs[i]
	}
	plan := plans["accelerators"]
	e := of(t, plan)
	assumed := busy(e)
	assert.Equal(t, estimate.Assumed, assumed.Found)
	assert.GreaterOrEqual(t, assumed.High/assumed.Low, 2.0)
	assert.NotEmpty(t, assumed.Source)

	plan.Utilisation = given(assumed.Value)
	told := of(t, plan)
	assert.Equal(t, factors.Declared, busy(told).Found)
	assert.Equal(t, e.Record.Totals.EnergyJ.Value, told.Record.Totals.EnergyJ.Value)
	assert.Less(t, told.Record.Methods[0].RelError, e.Record.Methods[0].RelError)
}

func TestAPowerThatIsGivenIsAllThatIsCounted(t *testing.T) {
	plan := estimate.Plan{Accelerator: a100, Count: 8, Hours: given(10), Country: "FR"}
	with := of(t, plan).Record
	assert.Equal(t, lifecycle.BoundaryNode, with.Run.Boundary)
	plan.PowerW = given(400)
	without := of(t, plan).Record
	assert.Equal(t, lifecycle.BoundaryAccelerators, without.Run.Boundary)
	assert.InDelta(t, 8*400*10*3600, without.Totals.EnergyJ.Value, 1e-3)
	assert.Contains(t, codes(without), "boundary-below-it")

	plan.Utilisation = given(0.5)
	assert.InDelta(t, 8*200*10*3600, of(t, plan).Record.Totals.EnergyJ.Value, 1e-3, "a given power is what a busy device draws, if it is told how busy it is")
}

func TestAnEnergyThatIsGivenIsDividedByPower(t *testing.T) {
	plan := plans["both"]
	modelled := of(t, plan).Record
	plan.EnergyKWh = given(200)
	r := of(t, plan).Record
	assert.InDelta(t, 200, r.Totals.EnergyJ.Value/3.6e6, 1e-9)
	assert.Zero(t, r.Methods[0].RelError)
	of := func(r *lifecycle.Record, id string) float64 {
		for _, l := range r.Ledger {
			if l.Hardware == id {
				return l.TotalJ
			}
		}
		return math.NaN()
	}
	assert.InEpsilon(t, of(modelled, "accelerator")/of(modelled, "cpu"), of(r, "accelerator")/of(r, "cpu"), 1e-9)
	for _, i := range estimateInputs(t, plan) {
		assert.Contains(t, []string{"energy-kwh", "hours"}, i.Field, "power is not what it rests on")
	}
}

func estimateInputs(t *testing.T, p estimate.Plan) []estimate.Input { return of(t, p).Inputs }

// Of a virtual machine only its part of the host counts, in power and in
// production: all of them together are the host.
func TestAnInstanceIsItsPartOfTheHost(t *testing.T) {
	plan := estimate.Plan{Provider: "aws", Instance: "m5.xlarge", Hours: given(24), Region: "us-east-1"}
	small := of(t, plan).Record
	plan.Instance = "m5.24xlarge" // 24 times as much of the same
	large := of(t, plan).Record
	assert.InEpsilon(t, 24*small.Totals.EnergyJ.Value, large.Totals.EnergyJ.Value, 1e-6)
	around := func(r *lifecycle.Record) float64 { // memory comes in modules
		var s float64
		for _, u := range r.Phases[1].Usage {
			if u.Hardware != "memory" {
				s += u.EmbodiedGCO2e.Value
			}
		}
		return s
	}
	assert.InEpsilon(t, 24*around(small), around(large), 1e-6)
	assert.Equal(t, 1.0, *large.Phases[0].Usage[0].Share, "the largest has the host to itself")

	plan.Instance, plan.Count = "m5.xlarge", 24
	assert.InEpsilon(t, large.Totals.EnergyJ.Value, of(t, plan).Record.Totals.EnergyJ.Value, 1e-6)
}

// Of a processor whose threads nobody tells its cores count, a machine may have
// more processors than most servers, and a Mac has one.
func TestTheHostOfAnInstanceHasTheProcessorsThatItsThreadsNeed(t *testing.T) {
	for _, c := range []struct {
		provider, instance string
		processors         int     // that the instance has a part of
		ofEach, ofHost     float64 // of them, and of the machine
	}{
		{"aws", "m5.24xlarge", 2, 1, 1},
		{"aws", "m5.xlarge", 1, 1. / 12, 1. / 24},
		{"azure", "dc2s_v2", 1, 2. / 8, 2. / 16}, // of eight cores
		{"aws", "u-6tb1.112xlarge", 8, 1, 1},
		{"aws", "mac2.metal", 1, 1, 1},
	} {
		r := of(t, estimate.Plan{Provider: c.provider, Instance: c.instance, Hours: given(1)}).Record
		node, cpu := r.Phases[0].Usage[0], r.Phases[0].Usage[1]
		assert.Equal(t, c.processors, *cpu.Count, c.instance)
		assert.InEpsilon(t, c.ofEach, *cpu.Share, 1e-9, c.instance)
		assert.InEpsilon(t, c.ofHost, *node.Share, 1e-9, c.instance)
	}
}

func TestInferenceIsToldByRequestOrToken(t *testing.T) {
	plan := plans["inference"]
	r := of(t, plan).Record
	assert.Equal(t, lifecycle.Serving, r.Spans[0].Stage)
	assert.Equal(t, "requests", r.Totals.PerUnit.Unit)
	assert.InEpsilon(t, r.Totals.GCO2e.Value/1e6, r.Totals.PerUnit.GCO2e.Value, 1e-12)
	assert.EqualValues(t, 2*70e9*1e9, *r.Technology.ML.FLOPs)
	assert.NotNil(t, r.Spans[0].Units["tokens"].GCO2ePerUnit)

	plan.Requests, plan.Stage = 0, lifecycle.Serving
	assert.Equal(t, "tokens", of(t, plan).Record.Totals.PerUnit.Unit)
}

func TestOfAMixtureOfExpertsTheActiveParametersCount(t *testing.T) {
	ml := of(t, plans["a mixture"]).Record.Technology.ML
	assert.InEpsilon(t, 6*37e9*14.8e12, *ml.FLOPs, 1e-12)
	assert.EqualValues(t, 671_000_000_000, *ml.Parameters.Total)
	assert.EqualValues(t, 37_000_000_000, *ml.Parameters.Active)
	assert.Equal(t, "pre-training", ml.TrainingType)
}

func TestATimeThatFollowsFromAModelIsWarnedOf(t *testing.T) {
	plan := plans["training"]
	assert.Contains(t, codes(of(t, plan).Record), "time-modelled")
	plan.Hours = given(1000)
	assert.NotContains(t, codes(of(t, plan).Record), "time-modelled")
	assert.Contains(t, codes(of(t, plans["an interval"]).Record), "time-modelled", "as is one that is given with an interval")
}

// codes are those of a record's warnings.
func codes(r *lifecycle.Record) (list []string) {
	for _, w := range r.Warnings {
		list = append(list, w.Code)
	}
	return list
}

func TestAPlaceThatIsUnknownHasTheRangeOfTheWorld(t *testing.T) {
	e := of(t, estimate.Plan{Accelerator: a100, Hours: given(1)})
	r := e.Record
	assert.Equal(t, "unknown", r.Environments[0].PlaceFound)
	assert.Equal(t, "place-unknown", r.Warnings[0].Code)
	assert.Greater(t, r.Totals.OperationalGCO2e.High/r.Totals.OperationalGCO2e.Low, 10.0)
	assert.Equal(t, "country", e.Widths[0].Field, "it is what widens the result most")
}

func TestACloudsRegionTellsTheCountry(t *testing.T) {
	r := of(t, plans["accelerators"]).Record
	e := r.Environments[0]
	assert.Equal(t, "IE", e.Country)
	assert.Equal(t, "provider", e.PlaceFound)
	assert.Equal(t, "public-cloud", e.Infrastructure)
}

// What the page says: give this, and the interval is shorter by that part.
func TestTheWidthOfAnInputIsWhatItsAbsenceTakesAway(t *testing.T) {
	ratio := func(e *estimate.Estimate) float64 {
		q := e.Record.Totals.GCO2e
		return math.Log(q.High / q.Low)
	}
	plan := estimate.Plan{Accelerator: a100, Count: 8, Hours: given(72), Country: "FR"}
	before := of(t, plan)
	require.NotEmpty(t, before.Widths)
	for _, w := range before.Widths {
		exact := plan
		switch w.Field {
		case "pue":
			exact.PUE = given(factorOf(before, factors.PUE).Value)
		case "intensity":
			exact.Intensity = given(factorOf(before, factors.Grid).Value)
		case "utilisation":
			exact.Utilisation = given(0.8)
		case "lifetime-years":
			exact.LifetimeYears = given(factorOf(before, factors.Lifetime).Value / (365.25 * 86400))
		default:
			continue
		}
		assert.InDelta(t, 1-ratio(of(t, exact))/ratio(before), w.Share, 0.01, w.Field)
	}
	assert.True(t, slices.IsSortedFunc(before.Widths, func(a, b estimate.Width) int {
		return int(math.Copysign(1, b.Share-a.Share))
	}), "the widest first")
}

func factorOf(e *estimate.Estimate, kind factors.Kind) factors.Factor {
	i := slices.IndexFunc(e.Record.Factors, func(f factors.Factor) bool { return f.Kind == kind })
	return e.Record.Factors[i]
}

// The interval of the energy is that of its wider side, so it holds 95 % of
// what independent lognormal inputs make of it, and not much more on that side.
func TestTheIntervalOfEnergyHoldsAgainstMonteCarlo(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	const draws = 100_000
	for _, test := range []struct{ idle, full, busy, host [3]float64 }{
		{[3]float64{60, 50, 70}, [3]float64{400, 350, 450}, [3]float64{0.7, 0.4, 1}, [3]float64{0.5, 0.1, 1}},
		{[3]float64{20, 5, 60}, [3]float64{300, 200, 400}, [3]float64{0.5, 0.4, 0.6}, [3]float64{0.5, 0.4, 0.6}},
		{[3]float64{75, 65, 90}, [3]float64{700, 500, 750}, [3]float64{0.9, 0.8, 1}, [3]float64{0.3, 0.1, 0.9}},
	} {
		draw := func(x [3]float64) float64 {
			median, sigma := math.Sqrt(x[1]*x[2]), math.Log(x[2]/x[1])/3.919928
			return median * math.Exp(sigma*random.NormFloat64())
		}
		list := make([]float64, draws)
		for i := range list {
			idle := draw(test.idle)
			list[i] = (idle + max(draw(test.full)-idle, 0)*draw(test.busy)) * (1 + draw(test.host))
		}
		slices.Sort(list)
		low, high := list[draws*25/1000], list[draws*975/1000]

		e := estimate.RelErrorOf(test.idle, test.full, test.busy, test.host)
		v := (test.idle[0] + (test.full[0]-test.idle[0])*test.busy[0]) * (1 + test.host[0])
		assert.Less(t, v/(1+e), low*1.05)
		assert.Greater(t, v*(1+e), high/1.05)
		wider := max(v/low, high/v)
		assert.Less(t, (1+e)/wider, 1.15, "no wider than it must be")
	}
}

// Of plans of every shape, what their inputs allow is within what is told, to 8 %.
func TestTheEnergiesThatInputsAllowAreWithinWhatIsTold(t *testing.T) {
	random := rand.New(rand.NewPCG(3, 4))
	const draws = 100_000
	for name, plan := range plans {
		inputs, joules, err := estimate.EnergyOf(complete(plan))
		require.NoError(t, err, name)
		told := of(t, plan).Record
		v, e := told.Totals.EnergyJ.Value, told.Methods[0].RelError
		if e == 0 {
			continue
		}
		x, list := make([]float64, len(inputs)), make([]float64, draws)
		for i := range list {
			for k, in := range inputs {
				if x[k] = in.Value; in.Low < in.High {
					x[k] = math.Sqrt(in.Low*in.High) * math.Exp(math.Log(in.High/in.Low)/3.919928*random.NormFloat64())
				}
			}
			list[i] = joules(x)
		}
		slices.Sort(list)
		low, high := list[draws*25/1000], list[draws*975/1000]
		assert.Greater(t, low, v/(1+e)/1.08, name)
		assert.Less(t, high, v*(1+e)*1.08, name)
		assert.Greater(t, high, v*(1+e)*0.37, "%s: no wider than the package comment says", name)
	}
}

func TestAPlanThatCannotBeSaysWhatIsWrong(t *testing.T) {
	hours := given(1)
	for name, test := range map[string]struct {
		plan        estimate.Plan
		field, says string
	}{
		"nothing":               {estimate.Plan{}, "device", "name accelerators or processors"},
		"no devices":            {estimate.Plan{Hours: hours}, "device", "name accelerators or processors"},
		"no hours":              {estimate.Plan{Accelerator: a100}, "hours", "give how long"},
		"negative hours":        {estimate.Plan{Accelerator: a100, Hours: given(-1)}, "hours", "out of range"},
		"no time at all":        {estimate.Plan{Accelerator: a100, Hours: given(0)}, "hours", "out of range"},
		"NaN":                   {estimate.Plan{PowerW: given(math.NaN()), Hours: hours}, "power-w", "out of range"},
		"a PUE below 1":         {estimate.Plan{PowerW: hours, Hours: hours, PUE: given(0.9)}, "pue", "from 1 to 10"},
		"too busy":              {estimate.Plan{Accelerator: a100, Hours: hours, Utilisation: given(70)}, "utilisation", "to 1"},
		"an interval beside":    {estimate.Plan{PowerW: &estimate.Given{Value: 1, Low: 2, High: 3}, Hours: hours}, "power-w", "does not hold"},
		"an interval from 0":    {estimate.Plan{PowerW: &estimate.Given{Value: 1, Low: 0, High: 3}, Hours: hours}, "power-w", "cannot begin at 0"},
		"more than all":         {estimate.Plan{Accelerator: a100, Hours: hours, Share: 1.5}, "share", "up to 1"},
		"no such device":        {estimate.Plan{Accelerator: "Cray-1 vector unit", Hours: hours}, "device", "Cray-1"},
		"one of several":        {estimate.Plan{Accelerator: "H100", Parameters: 7e9, Tokens: 1e12}, "device", "write which model"},
		"no such country":       {estimate.Plan{Accelerator: a100, Hours: hours, Country: "QQ"}, "country", "QQ"},
		"no such region":        {estimate.Plan{Accelerator: a100, Hours: hours, Provider: "aws", Region: "mars-1"}, "region", "mars-1"},
		"another's region":      {estimate.Plan{Accelerator: a100, Hours: hours, Country: "FR", Subdivision: "US-CA"}, "region", "not in FR"},
		"a stage of devices":    {estimate.Plan{Accelerator: a100, Hours: hours, Stage: lifecycle.Production}, "stage", "training/fine-tuning"},
		"whose production":      {estimate.Plan{CPU: "AMD EPYC 7543", Hours: hours, DeviceProductionKg: given(1)}, "device-production-kg", "name one"},
		"whose power":           {estimate.Plan{CPU: "AMD EPYC 7543", Hours: hours, PowerW: given(1)}, "power-w", "processors"},
		"faster than its peak":  {estimate.Plan{Accelerator: a100, Hours: hours, Parameters: 70e9, Tokens: 2e12}, "hours", "times the peak"},
		"hotter than it can be": {estimate.Plan{Accelerator: a100, Hours: hours, PowerW: given(4000)}, "power-w", "rated for"},
		"kilograms for grams":   {estimate.Plan{PowerW: hours, Hours: hours, Intensity: given(0.385)}, "intensity", "if these are kilograms, write 385"},
		"energy and power":      {estimate.Plan{PowerW: hours, EnergyKWh: hours}, "power-w", "the energy is given, too"},
		"processors of no name": {estimate.Plan{CPUs: 2, Hours: hours}, "cpus", "of which model"},
		"memory of a host that is assumed": {
			estimate.Plan{Accelerator: a100, Hours: hours, MemoryGB: 512}, "memory-gb", "name its processors",
		},
		"nothing to share out":   {estimate.Plan{PowerW: hours, Hours: hours, LifetimeYears: given(5)}, "lifetime-years", "production of the machine"},
		"nothing in use":         {estimate.Plan{PowerW: hours, Hours: hours, DeviceUse: given(1)}, "device-use", "production of the machine"},
		"parameters alone":       {estimate.Plan{Accelerator: a100, Parameters: 7e9}, "tokens", "give how many"},
		"tokens alone":           {estimate.Plan{Accelerator: a100, Tokens: 7e9}, "params", "give how many"},
		"more active than there": {estimate.Plan{Accelerator: a100, Parameters: 37e9, Active: 671e9, Tokens: 1e12}, "params", "more than all"},
		"more energy than it can": {
			estimate.Plan{Accelerator: a100, Hours: hours, EnergyKWh: given(4)}, "energy-kwh", "rated for",
		},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := estimate.Of(complete(test.plan))
			wrong := (*estimate.FieldError)(nil)
			require.True(t, errors.As(err, &wrong), "%v", err)
			assert.Equal(t, test.field, wrong.Field)
			assert.Contains(t, wrong.Error(), test.says)
		})
	}
}

func TestThePackageCommentTellsWhatIsAssumed(t *testing.T) {
	for _, plan := range plans {
		for _, i := range of(t, plan).Inputs {
			if i.Found == estimate.Assumed {
				assert.Less(t, i.Low, i.Value, i.Name)
				assert.Less(t, i.Value, i.High+1e-9, i.Name)
				assert.True(t, strings.ContainsAny(i.Quality, "CD"), "%s: an assumption is no fact", i.Name)
			}
		}
	}
}

// Whatever is asked for, the answer is a valid record or says what is wrong.
func FuzzOf(f *testing.F) {
	names := slices.Sorted(maps.Keys(plans))
	for i := range names {
		f.Add(i, 10.0, 0.5, 1.2, 300.0, int64(7))
	}
	f.Fuzz(func(t *testing.T, which int, hours, share, pue, power float64, n int64) {
		p := complete(plans[names[int(uint(which)%uint(len(names)))]])
		p.Hours, p.Share, p.PUE, p.Count = given(hours), share, given(pue), int(n%100_000)
		if n%2 == 0 {
			p.PowerW = given(power)
		}
		if n%3 == 0 {
			p.Tokens, p.Parameters = hours*power, power
		}
		e, err := estimate.Of(p)
		if err != nil {
			wrong := (*estimate.FieldError)(nil)
			if !errors.As(err, &wrong) {
				t.Fatalf("%v", err)
			}
			return
		}
		for _, finding := range lifecycle.Validate(e.Record) {
			if !finding.Warning {
				t.Fatal(finding)
			}
		}
	})
}
