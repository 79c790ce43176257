package estimate_test

import (
	"math"
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/ecotracer/ecotracer/lifecycle"
	"github.com/ecotracer/ecotracer/lifecycle/estimate"
)

const pound = 453.59237 // g

// Each row is a calculation as its source prints it: what goes in, and what
// comes out, to the digits printed.
func TestPublishedCalculationsComeOutAsPrinted(t *testing.T) {
	for name, test := range map[string]struct {
		plan estimate.Plan

		facilityKWh, grams float64
		kWhStep, gramStep  float64 // the last digit that is printed
	}{
		// "Hardware Type: A100 PCIe 40GB, Hours used: 150000, Cloud Provider: AWS,
		// Compute Region: US-east, Carbon Emitted: 11250 kg CO2 eq.": the card of
		// CompVis/stable-diffusion-v1-4, by the Machine Learning Impact calculator
		// (Lacoste et al. 2019, arXiv:1910.09700), which has 250 W for the A100
		// PCIe and no PUE; the printed figure is that of 0.3 kg/kWh.
		"ML CO2 Impact: Stable Diffusion v1": {
			plan: estimate.Plan{
				Accelerator: "A100 PCIe 40GB", Hours: given(150_000), PowerW: given(250), PUE: given(1), Intensity: given(300),
			},
			facilityKWh: 37_500, kWhStep: 1, grams: 11_250e3, gramStep: 1e3,
		},

		// Strubell, Ganesh and McCallum 2019, arXiv:1906.02243, table 3: watts,
		// hours, kWh·PUE and pounds; PUE 1.58 and 0.954 lb/kWh in their equations.
		"Strubell: Transformer base": {
			plan:        estimate.Plan{PowerW: given(1415.78), Hours: given(12), PUE: given(1.58), Intensity: given(0.954 * pound)},
			facilityKWh: 27, kWhStep: 1, grams: 26 * pound, gramStep: pound,
		},
		"Strubell: Transformer big": {
			plan:        estimate.Plan{PowerW: given(1515.43), Hours: given(84), PUE: given(1.58), Intensity: given(0.954 * pound)},
			facilityKWh: 201, kWhStep: 1, grams: 192 * pound, gramStep: pound,
		},
		"Strubell: ELMo": {
			plan:        estimate.Plan{PowerW: given(517.66), Hours: given(336), PUE: given(1.58), Intensity: given(0.954 * pound)},
			facilityKWh: 275, kWhStep: 1, grams: 262 * pound, gramStep: pound,
		},
		"Strubell: neural architecture search": {
			plan:        estimate.Plan{PowerW: given(1515.43), Hours: given(274_120), PUE: given(1.58), Intensity: given(0.954 * pound)},
			facilityKWh: 656_347, kWhStep: 1, grams: 626_155 * pound, gramStep: pound,
		},

		// Patterson et al. 2021, arXiv:2104.10350, table 4: chips, measured system
		// power a chip, days, PUE, gross kg/kWh; MWh and tonnes.
		"Patterson: Evolved Transformer search": {
			plan: estimate.Plan{
				Accelerator: "TPU v2", Count: 200, PowerW: given(208), Hours: given(6.8 * 24), PUE: given(1.10), Intensity: given(431),
			},
			facilityKWh: 7.5e3, kWhStep: 100, grams: 3.2e6, gramStep: 1e5,
		},
		"Patterson: Meena": {
			plan: estimate.Plan{
				Accelerator: "TPU v3", Count: 1024, PowerW: given(289), Hours: given(30 * 24), PUE: given(1.09), Intensity: given(415),
			},
			facilityKWh: 232e3, kWhStep: 1e3, grams: 96.4e6, gramStep: 1e5,
		},
		// 14.8 days are rounded; with the energy of the table, 1287 MWh at PUE 1.10:
		"Patterson: GPT-3": {
			plan:        estimate.Plan{EnergyKWh: given(1287e3 / 1.10), PUE: given(1.10), Intensity: given(429)},
			facilityKWh: 1287e3, kWhStep: 1e3, grams: 552.1e6, gramStep: 1e5,
		},

		// Touvron et al. 2023, LLaMA, arXiv:2302.13971, table 15: GPU hours of
		// A100-80GB at 400 W, PUE 1.1, 0.385 kg/kWh; 449 MWh, 173 t.
		"LLaMA 65B": {
			plan: estimate.Plan{
				Accelerator: "A100-SXM4-80GB", PowerW: given(400), Hours: given(1_022_362), PUE: given(1.1), Intensity: given(385),
			},
			facilityKWh: 449e3, kWhStep: 2e3, grams: 173e6, gramStep: 1e6, // 449.8 is printed as 449: cut, not rounded
		},
		// Touvron et al. 2023, Llama 2, arXiv:2307.09288, table 2: 1720320 GPU hours
		// of 400 W "adjusted for power usage efficiency", 291.42 t; PUE and
		// intensity as in the LLaMA paper, which give the printed figures exactly.
		"Llama 2 70B": {
			plan: estimate.Plan{
				Accelerator: "A100-SXM4-80GB", PowerW: given(400), Hours: given(1_720_320), PUE: given(1.1), Intensity: given(385),
			},
			facilityKWh: 756.94e3, kWhStep: 10, grams: 291.42e6, gramStep: 1e4,
		},
		"Llama 2 7B": {
			plan: estimate.Plan{
				Accelerator: "A100-SXM4-80GB", PowerW: given(400), Hours: given(184_320), PUE: given(1.1), Intensity: given(385),
			},
			facilityKWh: 81.1e3, kWhStep: 10, grams: 31.22e6, gramStep: 1e4,
		},

		// Green Algorithms (Lannelongue et al. 2021, doi:10.1002/advs.202100707), as
		// its R implementation greenAlgoR prints it in the reference of ga_footprint:
		// 2 h, 4 cores of 15 W, 16 GB at 0.3725 W/GB, PUE 1.67, 475 g/kWh.
		"Green Algorithms: four cores, world": {
			plan: estimate.Plan{
				Hours: given(2), CPUs: 4, CPUPowerW: given(15), Usage: given(1), MemoryGB: 16, MemoryPowerW: given(16 * 0.3725),
				PUE: given(1.67), Intensity: given(475),
			},
			facilityKWh: 0.2203064, kWhStep: 1e-7, grams: 104.6455, gramStep: 1e-4,
		},
		// 1 h, Core i5-9600KF (6 × 15.8 W), 67.22321 GB, France 51.28 g/kWh.
		"Green Algorithms: Core i5-9600KF, France": {
			plan: estimate.Plan{
				Hours: given(1), CPUs: 6, CPUPowerW: given(15.8), MemoryPowerW: given(67.22321 * 0.3725),
				PUE: given(1.67), Intensity: given(51.28), Country: "FR",
			},
			facilityKWh: 0.2001339, kWhStep: 1e-7, grams: 10.26287, gramStep: 1e-5,
		},
	} {
		t.Run(name, func(t *testing.T) {
			e := of(t, test.plan)
			totals := &e.Record.Totals
			assert.InDelta(t, test.facilityKWh, totals.FacilityEnergyJ.Value/3.6e6, test.kWhStep/2*1.0001)
			assert.InDelta(t, test.grams, totals.OperationalGCO2e.Value, test.gramStep/2*1.0001)
			assert.Zero(t, e.Record.Methods[0].RelError, "what is given is exact unless it is told otherwise")
			assert.InDelta(t, totals.OperationalGCO2e.Low, totals.OperationalGCO2e.High, 1e-4*totals.OperationalGCO2e.Value)
		})
	}
}

// GPT-3: 174.6 billion parameters and 300 billion tokens are 3.14E+23 FLOP
// (Brown et al. 2020, arXiv:2005.14165, table D.1), and take 10,000 V100, of a
// peak of 125 TFLOP/s, at 24.6 TFLOP/s each 14.8 days (Patterson et al. 2021,
// table 4 and its note 12).
func TestParametersTimesTokensTellTheTimeOfGPT3(t *testing.T) {
	e := of(t, estimate.Plan{
		Accelerator: "V100-SXM2-32GB", Count: 10_000, Parameters: 174.6e9, Tokens: 300e9,
		MFU: &estimate.Given{Value: 24.6 / 125},
	})
	ml := e.Record.Technology.ML
	assert.InDelta(t, 3.14e23, *ml.FLOPs, 0.005e23)
	assert.InDelta(t, 14.8, e.Record.Run.DurationS/86400, 0.05)
	assert.EqualValues(t, 174_600_000_000, *ml.Parameters.Total)
	assert.EqualValues(t, 300_000_000_000, *ml.TokensIn)
}

// LLaMA 65B took 1,022,362 GPU hours for 1.4 T tokens: the assumed share of the
// peak must allow for it. So must what is assumed of power: the paper's 400 W
// a GPU are the least that it can have been if the GPUs were busy.
func TestWhatIsAssumedHoldsWhatWasPublished(t *testing.T) {
	e := of(t, estimate.Plan{Accelerator: "A100-SXM4-80GB", Count: 2048, Parameters: 65.2e9, Tokens: 1.4e12, Country: "US"})
	hours := e.Record.Run.DurationS / 3600 * 2048
	assert.Less(t, math.Abs(math.Log(hours/1_022_362)), math.Log(2), "%v GPU hours", hours)
	energy := e.Record.Totals.EnergyJ
	published := 1_022_362 * 400 * 3600.0
	assert.Less(t, energy.Low, published)
	assert.Greater(t, energy.High, published)
	assert.Equal(t, lifecycle.Modelled, energy.Method)
}
