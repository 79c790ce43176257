package inventory_test

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/ecotracer/ecotracer/factors"
	"github.com/ecotracer/ecotracer/internal/inventory"
	"github.com/ecotracer/ecotracer/lifecycle"
)

func factor(id string, kind factors.Kind, value float64, unit string) factors.Factor {
	f := factors.Factor{ID: id, Kind: kind, Value: value, Low: value, High: value, Unit: unit, Source: "own meters", SourceYear: 2026, Quality: "A"}
	if kind == factors.Grid {
		f.Signal, f.Accounting, f.Basis, f.Mix = "average", "location", "lifecycle", "production"
	}
	return f
}

// place adds an environment and returns it with its record.
func place(t *testing.T, e lifecycle.Environment, own ...factors.Factor) (lifecycle.Environment, *lifecycle.Record) {
	t.Helper()
	r := &lifecycle.Record{}
	book := inventory.Book{Record: r, Own: own}
	require.NoError(t, book.Place(e, "say where it is"))
	return r.Environments[0], r
}

func valueOf(t *testing.T, r *lifecycle.Record, id string) factors.Factor {
	t.Helper()
	for _, f := range r.Factors {
		if f.ID == id {
			return f
		}
	}
	t.Fatalf("there is no factor %q", id)
	return factors.Factor{}
}

func TestAPlaceHasTheFactorsOfItsCountry(t *testing.T) {
	e, r := place(t, lifecycle.Environment{ID: "site", Country: "FR", Infrastructure: "on-premise"})
	assert.Equal(t, "declared", e.PlaceFound)
	assert.Equal(t, lifecycle.EnvironmentFactors{Grid: "grid.FR", PUE: "pue.on-premise", WUE: "wue.on-premise", EWIF: "ewif.FR"}, e.Factors)
	assert.Len(t, r.Factors, 4)
	assert.Empty(t, r.Missing)
	assert.Empty(t, r.Warnings)
}

// Trap 50: nobody is taken to be anywhere.
func TestAPlaceThatIsUnknownIsMissingAndWarnedOf(t *testing.T) {
	r := &lifecycle.Record{}
	book := inventory.Book{Record: r}
	require.NoError(t, book.Place(lifecycle.Environment{ID: "here", Country: "SE"}, "say where it is"))
	require.NoError(t, book.Place(lifecycle.Environment{ID: "there"}, "say where it is"))
	e := r.Environments[1]
	assert.Equal(t, "unknown", e.PlaceFound)
	assert.Equal(t, []lifecycle.Missing{{Path: "/environments/1/country", Reason: "unknown"}}, r.Missing)
	require.Len(t, r.Warnings, 1)
	assert.Equal(t, "place-unknown", r.Warnings[0].Code)
	assert.Equal(t, "/environments/1", r.Warnings[0].Path)
	assert.Contains(t, r.Warnings[0].Detail, "say where it is")
	assert.Equal(t, factors.FromWorld, valueOf(t, r, e.Factors.Grid).Found)
}

func TestACloudsRegionTellsCountryAndSubdivision(t *testing.T) {
	for name, test := range map[string]struct{ provider, region, country, subdivision string }{
		"aws in Ireland":  {"aws", "eu-west-1", "IE", ""},
		"aws in Virginia": {"aws", "us-east-1", "US", "US-VA"},
		"gcp in Belgium":  {"gcp", "europe-west1", "BE", ""},
	} {
		t.Run(name, func(t *testing.T) {
			e, r := place(t, lifecycle.Environment{ID: "site", Provider: test.provider, Region: test.region})
			assert.Equal(t, test.country, e.Country)
			assert.Equal(t, test.subdivision, e.Subdivision)
			assert.Equal(t, "provider", e.PlaceFound)
			assert.Equal(t, "public-cloud", e.Infrastructure)
			assert.Empty(t, r.Warnings)
			assert.NotEqual(t, factors.FromWorld, valueOf(t, r, e.Factors.Grid).Found)
		})
	}
}

func TestWhatIsDeclaredOfAPlaceStands(t *testing.T) {
	e, _ := place(t, lifecycle.Environment{ID: "site", Country: "US", Subdivision: "US-VA", Provider: "aws", Region: "us-east-1", Infrastructure: "edge"})
	assert.Equal(t, "declared", e.PlaceFound)
	assert.Equal(t, "edge", e.Infrastructure)

	e, r := place(t, lifecycle.Environment{ID: "site", Country: "FR", Factors: lifecycle.EnvironmentFactors{Grid: "mine"}})
	assert.Equal(t, "mine", e.Factors.Grid, "a factor that is named already is not looked up")
	for _, f := range r.Factors {
		assert.NotEqual(t, factors.Grid, f.Kind)
	}
}

// What detection or a user says may be wrong; a record must come of it all the
// same, and nobody may take the wider figure for the closer one. Trap 54.
func TestWhatThePlaceIsNotKnownForIsToldAndAWiderOneStandsForIt(t *testing.T) {
	for name, test := range map[string]struct {
		e     lifecycle.Environment
		is    error
		found string
		grid  string
	}{
		"no such region":    {lifecycle.Environment{Provider: "aws", Region: "mars-1"}, factors.ErrUnknownRegion, "unknown", "grid.world"},
		"no such provider":  {lifecycle.Environment{Country: "DE", Provider: "acme"}, factors.ErrUnknownRegion, "declared", "grid.DE"},
		"another's country": {lifecycle.Environment{Country: "FR", Provider: "aws", Region: "eu-west-1"}, factors.ErrUnknownRegion, "declared", "grid.FR"},
	} {
		t.Run(name, func(t *testing.T) {
			r := &lifecycle.Record{}
			book := inventory.Book{Record: r}
			test.e.ID = "site"
			assert.ErrorIs(t, book.Place(test.e, "say where it is"), test.is)
			assert.Equal(t, test.found, r.Environments[0].PlaceFound)
			assert.Equal(t, test.grid, r.Environments[0].Factors.Grid)
			assert.NotEmpty(t, r.Environments[0].Factors.PUE)
		})
	}
}

func TestTheOperatorsOwnFactorsGoFirst(t *testing.T) {
	e, r := place(t, lifecycle.Environment{ID: "site", Country: "FR"},
		factor("grid.site", factors.Grid, 12, "gCO2e/kWh"), factor("pue.hall-2", factors.PUE, 1.21, "1"), factor("grid.DE", factors.Grid, 1, "gCO2e/kWh"))
	assert.Equal(t, 12.0, valueOf(t, r, e.Factors.Grid).Value, "a row of another country is not that of this one")
	assert.Equal(t, 1.21, valueOf(t, r, e.Factors.PUE).Value)
	assert.Equal(t, factors.Declared, valueOf(t, r, e.Factors.PUE).Found)
	assert.Equal(t, "ewif.FR", e.Factors.EWIF)
}

func TestFurtherKindsAreAskedForByName(t *testing.T) {
	ask := func(country string, kinds ...factors.Kind) lifecycle.EnvironmentFactors {
		r := &lifecycle.Record{}
		book := inventory.Book{Record: r}
		require.NoError(t, book.Place(lifecycle.Environment{ID: "site", Country: country}, "", kinds...))
		return r.Environments[0].Factors
	}
	assert.Equal(t, "residual.BE", ask("BE", factors.Residual).Residual)
	assert.Empty(t, ask("BE").Residual)
	assert.NotEmpty(t, ask("US", factors.Loss).Loss)
	assert.Empty(t, ask("BE", factors.Marginal).Marginal, "what the data set does not have is not made up")
}

func TestOneIDNamesOneFigure(t *testing.T) {
	r := &lifecycle.Record{}
	book := inventory.Book{Record: r}
	a := factor("production.cpu", factors.Production, 10, "gCO2e")
	b := factor("production.cpu", factors.Production, 20, "gCO2e")
	assert.Equal(t, "production.cpu", book.Add(a))
	assert.Equal(t, "production.cpu", book.Add(a), "the same is there once")
	second := book.Add(b)
	assert.NotEqual(t, "production.cpu", second)
	assert.Equal(t, second, book.Add(b))
	assert.Len(t, r.Factors, 2)
	assert.Equal(t, 20.0, valueOf(t, r, second).Value, "each keeps its own")
}
