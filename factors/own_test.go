package factors

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// mine is a grid row of the caller's.
func mine(id, geography, basis string) Factor {
	f := grid()
	f.ID, f.Geography, f.Basis = id, geography, basis
	return f
}

func TestOwnRowsComeBeforeThoseOfTheDataSetAtEachStep(t *testing.T) {
	pue := func(id, geography string) Factor {
		return Factor{ID: id, Kind: PUE, Value: 1.21, Low: 1.2, High: 1.22, Unit: "1", Geography: geography, Source: "own meters", SourceYear: 2026, Quality: "A"}
	}
	life := func(id string) Factor {
		return Factor{ID: id, Kind: Lifetime, Value: 6 * year, Low: 5 * year, High: 7 * year, Unit: "s", Source: "our policy", SourceYear: 2026, Quality: "A"}
	}
	for _, test := range []struct {
		name  string
		q     Query
		own   Factor
		id    string
		found Found
	}{
		{"of the site", Query{Kind: Grid, Country: "DE"}, mine("grid.hall-2", "", "lifecycle"), "grid.hall-2", Declared},
		{"of the site, place unknown", Query{Kind: Grid}, mine("grid.hall-2", "", "lifecycle"), "grid.hall-2", Declared},
		{"of the country", Query{Kind: Grid, Country: "DE"}, mine("mine", "DE", "lifecycle"), "mine", Declared},
		{"of the country, by its id", Query{Kind: Grid, Country: "DE"}, mine("grid.DE", "", "lifecycle"), "grid.DE", Declared},
		{"of the region", Query{Kind: Grid, Region: "DE-BY"}, mine("mine", "DE-BY", "lifecycle"), "mine", Declared},
		{"of the country for a region of it", Query{Kind: Grid, Region: "DE-BY"}, mine("mine", "DE", "lifecycle"), "grid.DE-BY", FromCountry},
		{"of the zone", Query{Kind: Grid, Country: "DE", Zone: "DE-LU"}, mine("mine", "DE-LU", "lifecycle"), "mine", Declared},
		{"of the cloud region", Query{Kind: Grid, Provider: "aws", CloudRegion: "eu-west-1"}, mine("mine", "aws:eu-west-1", "lifecycle"), "mine", Declared},
		{"of the country of the cloud region", Query{Kind: Grid, Provider: "aws", CloudRegion: "eu-west-1"}, mine("mine", "IE", "lifecycle"), "grid.aws:eu-west-1", FromCountry},
		{"of a zone, as the data set writes it", Query{Kind: Grid, Zone: "CAMX"}, mine("grid.CAMX", "US-CAMX", "lifecycle"), "grid.CAMX", Declared},
		{"of a cloud region, for its state", Query{Kind: Grid, Region: "US-VA"}, mine("grid.aws:us-east-1", "US-VA", "lifecycle"), "grid.US-VA", Exact},
		{"pue of a cloud region, for a desk next door", Query{Kind: PUE, Class: "desk", Region: "US-VA"}, pue("pue.aws:us-east-1", "US-VA"), "pue.desk", Class},
		{"of the state, which the data set has as well", Query{Kind: Grid, Region: "US-CA"}, mine("mine", "US-CA", "lifecycle"), "mine", Declared},
		{"of the country, where the data set has the state", Query{Kind: Grid, Region: "US-CA"}, mine("mine", "US", "lifecycle"), "grid.US-CA", Exact},
		{"of the world", Query{Kind: Grid, Country: "DE"}, mine("mine", "world", "lifecycle"), "grid.DE", Exact},
		{"of the world, place unknown", Query{Kind: Grid}, mine("mine", "world", "lifecycle"), "mine", FromWorld},
		{"of the world, country without a figure", Query{Kind: Grid, Country: "AQ"}, mine("mine", "world", "lifecycle"), "mine", FromWorld},
		{"of another country", Query{Kind: Grid, Country: "DE"}, mine("mine", "FR", "lifecycle"), "grid.DE", Exact},
		{"of another country, by its id", Query{Kind: Grid, Country: "DE"}, mine("grid.FR", "", "lifecycle"), "grid.DE", Exact},
		{"of another region", Query{Kind: Grid, Country: "DE"}, mine("mine", "DE-BY", "lifecycle"), "grid.DE", Exact},
		{"of the other basis", Query{Kind: Grid, Country: "DE"}, mine("mine", "", "direct"), "grid.DE", Exact},
		{"of the basis asked for", Query{Kind: Grid, Country: "DE", Basis: "direct"}, mine("mine", "", "direct"), "mine", Declared},
		{"of another kind", Query{Kind: Grid, Country: "DE"}, pue("pue.mine", ""), "grid.DE", Exact},
		{"pue of the site", Query{Kind: PUE, Class: "desk"}, pue("pue.hall-2", ""), "pue.hall-2", Declared},
		{"pue of a named hall", Query{Kind: PUE, Class: "hall-2"}, pue("pue.hall-2", ""), "pue.hall-2", Declared},
		{"pue of the class", Query{Kind: PUE, Class: "desk"}, pue("pue.desk", ""), "pue.desk", Declared},
		{"pue of another class", Query{Kind: PUE, Class: "desk"}, pue("pue.edge", ""), "pue.desk", Class},
		{"pue of the country", Query{Kind: PUE, Class: "desk", Country: "DE"}, pue("pue.mine", "DE"), "pue.mine", Declared},
		{"pue of the class in the country", Query{Kind: PUE, Class: "desk", Country: "DE"}, pue("pue.edge", "DE"), "pue.desk", Class},
		{"pue of another country", Query{Kind: PUE, Class: "desk", Country: "DE"}, pue("pue.mine", "FR"), "pue.desk", Class},
		{"pue of any site", Query{Kind: PUE, Class: "desk"}, pue("pue.mine", "world"), "pue.mine", Declared},
		{"pue of the provider", Query{Kind: PUE, Provider: "aws"}, pue("pue.aws:fleet", ""), "pue.aws:fleet", Declared},
		{"pue of the cloud region", Query{Kind: PUE, Provider: "aws", CloudRegion: "eu-west-1"}, pue("pue.aws:eu-west-1", ""), "pue.aws:eu-west-1", Declared},
		{"lifetime of all", Query{Kind: Lifetime, Class: "laptop"}, life("lifetime.ours"), "lifetime.ours", Declared},
		{"lifetime of the class", Query{Kind: Lifetime, Class: "server"}, life("lifetime.server"), "lifetime.server", Declared},
		{"lifetime of another class", Query{Kind: Lifetime, Class: "laptop"}, life("lifetime.server"), "lifetime.laptop", Class},
	} {
		t.Run(test.name, func(t *testing.T) {
			require.NoError(t, test.own.Check())
			test.q.Own = []Factor{test.own}
			f, err := Lookup(test.q)
			require.NoError(t, err)
			assert.Equal(t, test.id, f.ID)
			assert.Equal(t, test.found, f.Found)
		})
	}
}

func TestAnOwnRowOfAWiderPlaceIsWidenedAsAnyOther(t *testing.T) {
	f, err := Lookup(Query{Kind: Grid, Region: "DE-BY", Own: []Factor{mine("mine", "DE", "lifecycle")}})
	require.NoError(t, err)
	assert.Equal(t, 56.0, f.Value)
	assert.Less(t, f.Low, 30.0)
	assert.Greater(t, f.High, 100.0)
	assert.Equal(t, "C", f.Quality)
	assert.Equal(t, "the operator", f.Source)
}

func TestAnOwnRowOfAnotherSignalOrAccountingIsNeverTaken(t *testing.T) {
	marginal, market, residual := mine("m", "", "lifecycle"), mine("m", "", "lifecycle"), mine("m", "", "lifecycle")
	marginal.Signal, market.Accounting, residual.Mix = "marginal", "market", "residual"
	f, err := Lookup(Query{Kind: Grid, Country: "DE", Own: []Factor{marginal, market, residual}})
	require.NoError(t, err)
	assert.Equal(t, "grid.DE", f.ID)

	asked := marginal
	asked.Kind = Marginal
	f, err = Lookup(Query{Kind: Marginal, Country: "DE", Own: []Factor{asked}})
	require.NoError(t, err, "a kind without a table has what the caller declares")
	assert.Equal(t, Declared, f.Found)
}

func TestALiveFigureStaysLive(t *testing.T) {
	live := mine("grid.now", "DE", "lifecycle")
	live.Found = Live
	f, err := Lookup(Query{Kind: Grid, Country: "DE", Own: []Factor{live}})
	require.NoError(t, err)
	assert.Equal(t, Live, f.Found)
}

func TestOwnRowsOfOtherImpactsAreNotTakenForGrams(t *testing.T) {
	antimony := Factor{ID: "production.ours.adpe", Kind: Production, Value: 1, Low: 1, High: 1, Unit: "kgSbeq", Source: "the maker", SourceYear: 2026, Quality: "A"}
	f, err := Lookup(Query{Kind: Production, Class: "server", Own: []Factor{antimony}})
	require.NoError(t, err)
	assert.Equal(t, "production.server", f.ID)
	f, err = Lookup(Query{Kind: Production, Class: "server", Unit: "kgSbeq", Own: []Factor{antimony}})
	require.NoError(t, err)
	assert.Equal(t, "production.ours.adpe", f.ID)
}

// One service's figure is not that of another.
func TestAnOwnServiceIsThatServiceAlone(t *testing.T) {
	own := []Factor{{ID: "service.embeddings", Kind: Service, Value: 2, Low: 1, High: 4, Unit: "Wh", Source: "the provider", SourceYear: 2026, Quality: "B"}}
	f, err := Lookup(Query{Kind: Service, Class: "embeddings", Own: own})
	require.NoError(t, err)
	assert.Equal(t, Declared, f.Found)
	f, err = Lookup(Query{Kind: Service, Class: "web-search", Own: own})
	require.NoError(t, err)
	assert.Equal(t, "service.web-search", f.ID)
	_, err = Lookup(Query{Kind: Service, Class: "oracle", Own: own})
	require.ErrorIs(t, err, ErrUnknownClass)

	for _, id := range []string{"service.llama-3.1:8b.gco2e", "service.llama-3.1:8b", "llama-3.1:8b"} {
		own[0].ID, own[0].Unit = id, "gCO2e"
		f, err = Lookup(Query{Kind: Service, Class: "llama-3.1:8b", Unit: "gCO2e", Own: own})
		require.NoError(t, err, id)
		assert.Equal(t, Declared, f.Found)
		_, err = Lookup(Query{Kind: Service, Class: "llama-3.1:8b", Own: own})
		require.ErrorIs(t, err, ErrUnknownClass, "%s: grams are not Wh", id)
		_, err = Lookup(Query{Kind: Service, Class: "llama-3", Unit: "gCO2e", Own: own})
		require.ErrorIs(t, err, ErrUnknownClass)
	}
}
