package factors

import (
	"math"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func grid() Factor {
	return Factor{
		ID: "grid.mine", Kind: Grid, Value: 56, Low: 48, High: 65, Unit: "gCO2e/kWh",
		Signal: "average", Accounting: "location", Basis: "lifecycle", Mix: "production", GWP: "AR6",
		ValidFrom: "2024-01-01", ValidTo: "2024-12-31",
		Source: "the operator", SourceYear: 2025, Quality: "B",
	}
}

// Trap 35: a factor without its unit is none. Trap 37: nor is one of electricity
// that does not say whether it is marginal or average. Trap 33: nor one whose bounds
// are reversed or negative.
func TestCheckNamesEachFault(t *testing.T) {
	require.NoError(t, grid().Check())
	for _, test := range []struct {
		name  string
		spoil func(*Factor)
		want  string
	}{
		{"no id", func(f *Factor) { f.ID = "" }, "id is empty"},
		{"unknown kind", func(f *Factor) { f.Kind = "gird" }, `kind "gird" is unknown: write one of carbon-free, end-of-life, ewif, `},
		{"unit of another kind", func(f *Factor) { f.Unit = "kg/kWh" }, `unit "kg/kWh" does not fit kind grid: write gCO2e/kWh`},
		{"value below low", func(f *Factor) { f.Value = 40 }, "low ≤ value ≤ high does not hold: 48, 40, 65"},
		{"value above high", func(f *Factor) { f.Value = 70 }, "low ≤ value ≤ high does not hold: 48, 70, 65"},
		{"low of zero", func(f *Factor) { f.Low = 0 }, "low is 0: it must be above 0"},
		{"negative", func(f *Factor) { f.Low = -1 }, "low is -1: it must be above 0"},
		{"not a number", func(f *Factor) { f.Value = math.NaN() }, "must be finite"},
		{"infinite", func(f *Factor) { f.High = math.Inf(1) }, "must be finite"},
		{"no source", func(f *Factor) { f.Source = "" }, "source is empty"},
		{"no year", func(f *Factor) { f.SourceYear = 0 }, "source_year 0 is no year"},
		{"quality", func(f *Factor) { f.Quality = "E" }, `quality "E": write A, B, C or D`},
		{"no signal", func(f *Factor) { f.Signal = "" }, `signal "": write average or marginal`},
		{"accounting", func(f *Factor) { f.Accounting = "site" }, `accounting "site": write location or market`},
		{"basis", func(f *Factor) { f.Basis = "stack" }, `basis "stack": write lifecycle or direct`},
		{"mix", func(f *Factor) { f.Mix = "" }, `mix "": write production or consumption or residual`},
		{"no gwp", func(f *Factor) { f.GWP = "" }, `gwp "": write AR5 or AR6 or unstated`},
		{"bad date", func(f *Factor) { f.ValidTo = "31.12.2024" }, `"31.12.2024" is no date`},
		{"ends before it begins", func(f *Factor) { f.ValidTo = "2023-01-01" }, "valid_to 2023-01-01 is before valid_from 2024-01-01"},
		{"pue below one", func(f *Factor) {
			*f = Factor{ID: "pue.mine", Kind: PUE, Value: 1.1, Low: 0.9, High: 1.2, Unit: "1", Source: "x", SourceYear: 2025, Quality: "A"}
		}, "a PUE is at least 1: low is 0.9"},
		{"utilisation above one", func(f *Factor) {
			*f = Factor{ID: "u", Kind: Utilisation, Value: 0.9, Low: 0.8, High: 1.1, Unit: "1", Source: "x", SourceYear: 2025, Quality: "A"}
		}, "a utilisation is above 0 and at most 1"},
		{"lifetime of zero", func(f *Factor) {
			*f = Factor{ID: "l", Kind: Lifetime, Unit: "s", Source: "x", SourceYear: 2025, Quality: "A"}
		}, "a lifetime is above 0"},
		{"absurd grid", func(f *Factor) { f.High = 56000 }, "high 56000 gCO2e/kWh is absurd: grid is at most 5000; is the unit right?"},
		{"absurd value", func(f *Factor) { f.Value, f.High = 5600, 6000 }, "value 5600 gCO2e/kWh is absurd"},
		{"absurd pue", func(f *Factor) {
			*f = Factor{ID: "pue.mine", Kind: PUE, Value: 12, Low: 11, High: 13, Unit: "1", Source: "x", SourceYear: 2025, Quality: "A"}
		}, "value 12 1 is absurd: pue is at most 10"},
		{"absurd water", func(f *Factor) {
			*f = Factor{ID: "w", Kind: EWIF, Value: 3130, Low: 2000, High: 4000, Unit: "L/kWh", Source: "x", SourceYear: 2025, Quality: "A"}
		}, "value 3130 L/kWh is absurd: ewif is at most 200"},
		{"lifetime of two centuries", func(f *Factor) {
			*f = Factor{ID: "l", Kind: Lifetime, Value: 200 * year, Low: 200 * year, High: 200 * year, Unit: "s", Source: "x", SourceYear: 2025, Quality: "A"}
		}, "s is absurd: lifetime is at most"},
		{"country that is none", func(f *Factor) { f.Geography = "EU" }, `geography "EU": there is no country EU`},
		{"region of no country", func(f *Factor) { f.Geography = "UK-ENG" }, `geography "UK-ENG": there is no country UK`},
		{"country by name", func(f *Factor) { f.Geography = "germany" }, `geography "germany": write the ISO 3166-1 alpha-2 code, DE`},
		{"region in small letters", func(f *Factor) { f.Geography = "us-ca" }, `geography "us-ca": write the ISO 3166-2 code in capitals, US-CA`},
		{"country by alpha-3", func(f *Factor) { f.Geography = "DEU" }, `geography "DEU": write the ISO 3166-1 alpha-2 code, DE`},
		{"gwp where no gram is", func(f *Factor) {
			*f = Factor{ID: "w", Kind: WUE, Unit: "L/kWh", GWP: "AR5", Source: "x", SourceYear: 2025, Quality: "A"}
		}, `gwp "AR5"`},
	} {
		t.Run(test.name, func(t *testing.T) {
			f := grid()
			test.spoil(&f)
			require.ErrorContains(t, f.Check(), test.want)
		})
	}
}

func TestCheckTellsAllFaultsAtOnce(t *testing.T) {
	err := Factor{ID: "x", Kind: Grid, Unit: "g"}.Check()
	for _, fault := range []string{"unit", "source is empty", "source_year", "quality", "signal", "accounting", "basis", "mix"} {
		assert.ErrorContains(t, err, fault)
	}
}

func TestZeroIsAFigureWhenItIsCertain(t *testing.T) {
	assert.NoError(t, Factor{ID: "wue.mine", Kind: WUE, Unit: "L/kWh", Source: "closed loop", SourceYear: 2025, Quality: "B"}.Check())
}

func TestTimesScalesTheIntervalAsWell(t *testing.T) {
	f := Factor{Value: 0.3, Low: 0.1, High: 0.6, Unit: "W/GB", Source: "s"}.Times(64, "W")
	assert.InDelta(t, 19.2, f.Value, 1e-12)
	assert.InDelta(t, 6.4, f.Low, 1e-12)
	assert.InDelta(t, 38.4, f.High, 1e-12)
	assert.Equal(t, "W", f.Unit)
	assert.Equal(t, "s", f.Source)
}

// A wrong unit is refused, a surprise is not.
func TestASurprisingFigurePasses(t *testing.T) {
	surprising := []Factor{
		{ID: "grid.island", Kind: Grid, Value: 1800, Low: 1500, High: 2200, Unit: "gCO2e/kWh", Geography: "ES-CN-TE",
			Signal: "average", Accounting: "location", Basis: "lifecycle", Mix: "production", GWP: "AR6"},
		{ID: "pue.shed", Kind: PUE, Value: 4, Low: 3, High: 5, Unit: "1", Geography: "aws:us-east-1"},
		{ID: "lifetime.sensor", Kind: Lifetime, Value: 40 * year, Low: 30 * year, High: 50 * year, Unit: "s", Geography: "world"},
		{ID: "ewif.dam", Kind: EWIF, Value: 90, Low: 50, High: 150, Unit: "L/kWh", Geography: "CAMX"},
	}
	for _, f := range surprising {
		f.Source, f.SourceYear, f.Quality = "own meters", 2026, "A"
		assert.NoError(t, f.Check())
	}
}
