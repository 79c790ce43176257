package scenario

import (
	"math"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/ecotracer/ecotracer/factors"
	"github.com/ecotracer/ecotracer/lifecycle"
)

func example(t testing.TB, name string) *Scenario {
	t.Helper()
	text, err := Example(name)
	require.NoError(t, err)
	s, err := Parse(name+".yaml", text, nil)
	require.NoError(t, err)
	return s
}

// The validator by hand, with a pocket calculator and none of the model's code.
//
// Factors: a kWh in Germany has 342.06 gCO2e (228.04 to 571.425) and 1.947 L
// (0.974 to 3.894); at a desk PUE is 1 and WUE 0. A year has 8766 h.
//
//	energy      22 W × 8766 h               = 192.852 kWh a year = 694 267 200 J
//	use         192.852 × 342.06            = 65 966.955 12 g
//	water       192.852 × 1.947             = 375.482 844 L
//	electricity 192.852 × 0.35              = 67.498 2 EUR
//	production  150 000 g / 3 years         = 50 000 g a year by use
//	end of life 2 000 g / 3 years           = 666.666 7 g a year by use
//	price       700 EUR / 3 years           = 233.333 3 EUR a year by use
//
// The computer is one year old at the start of 2026, lasts for three, and so
// ends with 2027. The next serves 2028 to 2030, the third from 2031 on, of whose
// three years two are left when 2031 is over.
//
//	as it occurs   2026      2027      2028      2029      2030      2031
//	production        .         .   150 000         .         .   150 000
//	end of life       .     2 000         .         .     2 000         .
//	price             .         .       700         .         .       700
//
// Attestations: 225 × 365.25 = 82 181.25 a year, 493 087.5 in six.
func TestTheValidatorIsWhatItIsByHand(t *testing.T) {
	grid, err := factors.Lookup(factors.Query{Kind: factors.Grid, Country: "DE"})
	require.NoError(t, err)
	require.Equal(t, [3]float64{342.06, 228.04, 571.425}, [3]float64{grid.Value, grid.Low, grid.High}, "the factor is another: compute the table above anew")
	ewif, err := factors.Lookup(factors.Query{Kind: factors.EWIF, Country: "DE"})
	require.NoError(t, err)
	require.Equal(t, 1.947, ewif.Value)

	r, err := example(t, "validator").Run()
	require.NoError(t, err)
	near := func(want, got float64, what ...any) {
		t.Helper()
		assert.InDelta(t, want, got, 1e-9*max(1, math.Abs(want)), what...)
	}
	const joules, use, water, power = 694_267_200, 65_966.95512, 375.482844, 67.4982
	type year struct{ production, endOfLife, price float64 }
	byUse := year{50_000, 2000. / 3, 700. / 3}
	for _, view := range []struct {
		name  string
		of    *View
		years []year
	}{
		{"by use", &r.Amortised, []year{byUse, byUse, byUse, byUse, byUse, byUse}},
		{"as it occurs", &r.Occurring, []year{{}, {0, 2000, 0}, {150_000, 0, 700}, {}, {0, 2000, 0}, {150_000, 0, 700}}},
	} {
		require.Len(t, view.of.Phases, 3, "no model is trained, and none is asked")
		require.Equal(t, [3]lifecycle.Phase{"production", "use", "end-of-life"}, [3]lifecycle.Phase{view.of.Phases[0].Phase, view.of.Phases[1].Phase, view.of.Phases[2].Phase})
		sum := 0.0
		for y, want := range view.years {
			near(want.production, view.of.Phases[0].ByYear[y].GCO2e.Value, view.name, y)
			near(use, view.of.Phases[1].ByYear[y].GCO2e.Value, view.name, y)
			near(want.endOfLife, view.of.Phases[2].ByYear[y].GCO2e.Value, view.name, y)
			all := view.of.ByYear[y]
			near(joules, all.EnergyJ.Value)
			near(joules, all.FacilityEnergyJ.Value)
			near(water, all.WaterL.Value)
			near(want.production+use+want.endOfLife, all.GCO2e.Value)
			near(power+want.price, all.Cost.Value)
			sum += want.production + use + want.endOfLife
			near(sum, view.of.Cumulative[y].GCO2e.Value)
		}
		// Both ways have two computers: 6 years / 3, and two that are bought.
		near(300_000, view.of.Phases[0].Total.GCO2e.Value)
		near(395_801.73072, view.of.Phases[1].Total.GCO2e.Value) // 6 × 65 966.955 12
		near(4_000, view.of.Phases[2].Total.GCO2e.Value)
		near(699_801.73072, view.of.Total.GCO2e.Value)
		near(4_165_603_200, view.of.Total.EnergyJ.Value) // 6 × 694 267 200
		near(4_165_603_200, view.of.Total.FacilityEnergyJ.Value)
		near(2_252.897064, view.of.Total.WaterL.Value) // 6 × 375.482 844
		near(1_804.9892, view.of.Total.Cost.Value)     // 6 × 67.498 2 + 1400
	}
	near(100_000, r.LeftGCO2e.Value) // 150 000 × 2 / 3
	near(493_087.5, r.Units.Value)
	near(1.4192242365, r.PerUnit.GCO2e.Value, "699 801.730 72 / 493 087.5")

	// What rests on one input has its bounds. 22 W is 16.5 to 29.5.
	width := func(value, low, high float64, q lifecycle.Interval) {
		t.Helper()
		assert.Equal(t, value, math.Round(q.Value))
		assert.InEpsilon(t, low, q.Low, 0.002)
		assert.InEpsilon(t, high, q.High, 0.002)
	}
	width(300_000, 180_000, 500_000, r.Amortised.Phases[0].Total.GCO2e)           // 2 × 90 000, 2 × 250 000
	width(4_000, 1_000, 12_000, r.Amortised.Phases[2].Total.GCO2e)                // 2 × 500, 2 × 6000
	width(4_165_603_200, 3_124_202_400, 5_585_695_200, r.Amortised.Total.EnergyJ) // × 16.5/22, × 29.5/22
	width(100_000, 60_000, 500_000./3, r.LeftGCO2e)                               // 2/3 of a computer
	// Two lognormal inputs: medians √(16.5 × 29.5) = 22.0624 W and
	// √(228.04 × 571.425) = 360.981 g/kWh, logarithms of the widths 0.58105 and
	// 0.91859, together √(0.58105² + 0.91859²) = 1.08694, half of it 0.54347:
	// 52.596 kWh/W × 22.0624 × 360.981 = 418 877 g, ÷ and × e^0.54347 = 1.72197.
	q := r.Amortised.Phases[1].Total.GCO2e
	assert.InEpsilon(t, 243_254, q.Low, 0.015)
	assert.InEpsilon(t, 721_293, q.High, 0.015)
}
