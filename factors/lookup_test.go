package factors

import (
	"math"
	"sync"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestACountryHasItsOwnFigure(t *testing.T) {
	f, err := Lookup(Query{Kind: Grid, Country: "FR"})
	require.NoError(t, err)
	assert.Equal(t, "grid.FR", f.ID)
	assert.Equal(t, Exact, f.Found)
	assert.Equal(t, 44.18, f.Value)
	assert.Equal(t, "FR", f.Geography)
	assert.Equal(t, "2024-01-01", f.ValidFrom)
	assert.Equal(t, "production", f.Mix)
}

// Trap 50: no place is no country, but the world with all its range.
func TestAnUnknownPlaceIsTheWorldWithItsWholeRange(t *testing.T) {
	f, err := Lookup(Query{Kind: Grid})
	require.NoError(t, err)
	assert.Equal(t, "grid.world", f.ID)
	assert.Equal(t, FromWorld, f.Found)
	assert.Equal(t, []float64{20, 472.94, 1000}, []float64{f.Low, f.Value, f.High})
}

func TestACountryWithoutAFigureIsTheWorldAndSaysSo(t *testing.T) {
	for _, q := range []Query{{Kind: Grid, Country: "AQ"}, {Kind: EWIF, Country: "KE"}, {Kind: EWIF, Country: "KE", Region: "KE-30"}} {
		f, err := Lookup(q)
		require.NoError(t, err)
		assert.Equal(t, FromWorld, f.Found)
		assert.Equal(t, "world", f.Geography)
	}
}

func TestARegionWithoutAFigureIsItsCountryWithAWiderInterval(t *testing.T) {
	country, err := Lookup(Query{Kind: Grid, Country: "IN"})
	require.NoError(t, err)
	for _, q := range []Query{{Kind: Grid, Country: "IN", Region: "IN-MH"}, {Kind: Grid, Region: "IN-MH"}, {Kind: Grid, Zone: "IN-WE"}} {
		region, err := Lookup(q)
		require.NoError(t, err)
		assert.Equal(t, FromCountry, region.Found)
		assert.Equal(t, "grid."+q.Zone+q.Region, region.ID, "it must not be taken for the country's own entry")
		assert.Equal(t, "IN", region.Geography)
		assert.Equal(t, country.Value, region.Value)
		// Quadrature of logarithms, worked by hand: √(ln²(v/low) + ln² 2.5).
		want := country.Value / math.Exp(math.Sqrt(math.Pow(math.Log(country.Value/country.Low), 2)+math.Pow(math.Log(2.5), 2)))
		assert.InEpsilon(t, want, region.Low, 1e-12)
		assert.Greater(t, region.High, country.High*1.5)
		assert.Greater(t, region.Quality, country.Quality, "later in the alphabet is worse")
	}
}

// A run in California is told California's figure of the basis that it asks
// for; by default life cycle, as everywhere.
func TestAStateHasFiguresOfBothBases(t *testing.T) {
	for _, test := range []struct {
		q     Query
		id    string
		value float64
	}{
		{Query{Kind: Grid, Region: "US-CA"}, "grid.US-CA", 224.148},
		{Query{Kind: Grid, Region: "US-CA", Basis: "lifecycle"}, "grid.US-CA", 224.148},
		{Query{Kind: Grid, Region: "US-CA", Basis: "direct"}, "grid.US-CA.direct", 179.1},
		{Query{Kind: Grid, Zone: "CAMX", Basis: "direct"}, "grid.CAMX.direct", 195.04},
		{Query{Kind: Grid, Region: "US-NV", Zone: "CAMX", Basis: "direct"}, "grid.CAMX.direct", 195.04},
		{Query{Kind: Grid, Country: "CA", Region: "CA-QC", Basis: "direct"}, "grid.CA-QC.direct", 1.9},
		{Query{Kind: Grid, Region: "AU-ACT"}, "grid.AU-ACT", 742.4},
		{Query{Kind: Grid, Country: "PR", Zone: "PRMS"}, "grid.PRMS", 814.784},
		{Query{Kind: Grid, Country: "GB", Basis: "direct"}, "grid.GB.direct", 130.96},
	} {
		f, err := Lookup(test.q)
		require.NoError(t, err)
		assert.Equal(t, test.id, f.ID)
		assert.InDelta(t, test.value, f.Value, 0.001, test.id)
		assert.Equal(t, Exact, f.Found)
		assert.Equal(t, test.q.basis(), f.Basis)
	}
}

func TestALossIsOfWhatIsDelivered(t *testing.T) {
	f, err := Lookup(Query{Kind: Loss, Zone: "CAMX"})
	require.NoError(t, err)
	assert.InDelta(t, 0.041/(1-0.041), f.Value, 1e-6, "eGRID tells the loss per kWh fed in")
	f, err = Lookup(Query{Kind: Loss, Region: "US-CA"})
	require.NoError(t, err)
	assert.Equal(t, FromCountry, f.Found)
	_, err = Lookup(Query{Kind: Loss, Country: "DE"})
	require.ErrorIs(t, err, ErrNoFactor, "nobody guesses the losses of Germany")
}

// What no instrument covers takes the residual mix of the country, never an
// average of the grid.
func TestTheResidualMixIsOfTheCountry(t *testing.T) {
	f, err := Lookup(Query{Kind: Residual, Country: "FR", Basis: "direct"})
	require.NoError(t, err)
	assert.Equal(t, 23.52, f.Value)
	assert.Equal(t, "market", f.Accounting)
	f, err = Lookup(Query{Kind: Residual, Region: "DE-BY"})
	require.NoError(t, err)
	assert.Equal(t, FromCountry, f.Found)
	assert.Equal(t, "residual", f.Mix)
	_, err = Lookup(Query{Kind: Residual, Country: "US"})
	require.ErrorIs(t, err, ErrNoFactor)
	assert.EqualError(t, err, "no such factor: the data set has no residual of basis lifecycle of US: declare one")
}

func TestFuelsHaveIntensitiesOfBothBases(t *testing.T) {
	for _, test := range []struct {
		fuel              string
		lifeCycle, direct float64
	}{
		{"coal", 820, 760}, {"gas", 490, 370}, {"oil", 851, 733}, {"lignite", 1070, 1010}, {"peat", 1120, 1060}, {"waste", 660, 660}, {"biomass", 230, 0}, {"nuclear", 12, 0},
		{"hydro", 24, 0}, {"wind", 11, 0}, {"solar", 45, 0}, {"geothermal", 38, 0}, {"other", 700, 575},
	} {
		for basis, want := range map[string]float64{"": test.lifeCycle, "direct": test.direct} {
			f, err := Lookup(Query{Kind: Instrument, Class: test.fuel, Basis: basis})
			require.NoError(t, err)
			assert.Equal(t, want, f.Value, "%s %s", test.fuel, basis)
			assert.Equal(t, Class, f.Found)
		}
	}
	_, err := Lookup(Query{Kind: Instrument})
	require.ErrorIs(t, err, ErrUnknownClass, "an instrument of no technology has no figure")
	_, err = Lookup(Query{Kind: Instrument, Class: "gb-coal"})
	require.ErrorIs(t, err, ErrUnknownClass, "NESO tells direct figures alone")
	_, err = Lookup(Query{Kind: Grid, Basis: "stack"})
	assert.EqualError(t, err, `no such factor: grid of basis "stack": write lifecycle or direct`)
}

func TestServicesAreInEnergyOrInGrams(t *testing.T) {
	for _, test := range []struct {
		class, unit, id string
		value           float64
		quality         string
	}{
		{"gemini-prompt", "", "service.gemini-prompt", 0.24, "A"},
		{"gemini-prompt", "Wh", "service.gemini-prompt", 0.24, "A"},
		{"gemini-prompt", "gCO2e", "service.gemini-prompt.gco2e", 0.03, "A"},
		{"email-stored-year", "", "service.email-stored-year.gco2e", 10, "D"},
		{"email-mailing", "gCO2e", "service.email-mailing.gco2e", 0.117, "D"},
	} {
		f, err := Lookup(Query{Kind: Service, Class: test.class, Unit: test.unit})
		require.NoError(t, err)
		assert.Equal(t, test.id, f.ID)
		assert.Equal(t, test.value, f.Value)
		assert.Equal(t, test.quality, f.Quality)
	}
	_, err := Lookup(Query{Kind: Service, Class: "email-mailing", Unit: "Wh"})
	require.ErrorIs(t, err, ErrUnknownClass)
	assert.NotContains(t, err.Error(), "email-spam", "what has no figure in Wh must not be listed")
	_, err = Lookup(Query{Kind: Service})
	require.ErrorContains(t, err, "service needs a class: write one of chatgpt-query, ")
}

func TestAPlaceThatDoesNotExistIsAnErrorThatSaysWhatToWrite(t *testing.T) {
	for _, test := range []struct {
		country, region string
		is              error
		want            string
	}{
		{"Germany", "", ErrUnknownCountry, `unknown country: "Germany": write the ISO 3166-1 alpha-2 code, DE`},
		{"de", "", ErrUnknownCountry, `"de": write the ISO 3166-1 alpha-2 code in capitals, DE`},
		{"DEU", "", ErrUnknownCountry, `"DEU": write the ISO 3166-1 alpha-2 code, DE`},
		{"Germoney", "", ErrUnknownCountry, `"Germoney": write the ISO 3166-1 alpha-2 code; Germany is DE`},
		{"Atlantis", "", ErrUnknownCountry, `"Atlantis": write the ISO 3166-1 alpha-2 code, such as DE, or leave it empty`},
		{"ZZ", "", ErrUnknownCountry, `"ZZ": write the ISO 3166-1 alpha-2 code, such as DE`},
		{"UK", "", ErrUnknownCountry, `"UK": write the ISO 3166-1 alpha-2 code, GB`},
		{"EU", "", ErrUnknownCountry, `"EU"`},
		{"world", "", ErrUnknownCountry, `"world"`},
		{" ", "", ErrUnknownCountry, `" "`},
		{"US", "California", ErrUnknownRegion, `unknown region: "California": write the ISO 3166-2 code, such as US-CA`},
		{"US", "us-ca", ErrUnknownRegion, `"us-ca"`},
		{"US", "US-", ErrUnknownRegion, `"US-"`},
		{"US", "US-CALI", ErrUnknownRegion, `"US-CALI"`},
		{"US", "DE-BY", ErrUnknownRegion, "DE-BY is not in US"},
		{"", "ZZ-AA", ErrUnknownCountry, `"ZZ"`},
	} {
		_, err := Lookup(Query{Kind: Grid, Country: test.country, Region: test.region})
		require.ErrorIs(t, err, test.is, "%s %s", test.country, test.region)
		assert.ErrorContains(t, err, test.want)
	}
}

func TestAClassThatDoesNotExistIsAnErrorThatListsThoseThatDo(t *testing.T) {
	_, err := Lookup(Query{Kind: PUE, Class: "on-prem"})
	require.ErrorIs(t, err, ErrUnknownClass)
	assert.EqualError(t, err, `unknown class: pue of "on-prem": write one of desk, edge, hpc, on-premise, other, private-cloud, public-cloud, server-room, unknown`)
	for _, class := range []string{"aws:fleet", "aws:us-east-1", "public-cloud.direct"} {
		_, err = Lookup(Query{Kind: PUE, Class: class})
		require.ErrorIs(t, err, ErrUnknownClass, class)
	}

	_, err = Lookup(Query{Kind: Transport})
	require.ErrorIs(t, err, ErrUnknownClass)
	assert.ErrorContains(t, err, "unknown class: transport needs a class: write one of ai-server, cloud-server, gpu-consumer, ")
}

func TestAKindWithoutFiguresIsAnError(t *testing.T) {
	for _, test := range []struct {
		q    Query
		want string
	}{
		{Query{Kind: Marginal, Country: "DE"}, "no such factor: the data set has no marginal of basis lifecycle: declare one"},
		{Query{Kind: Transport, Class: "server", Unit: "kg"}, "no such factor: the data set has no transport in kg of server: declare one"},
		{Query{Kind: Production, Class: "server", Unit: "kgCO2e"}, `no such factor: production in "kgCO2e": write gCO2e or kgSbeq or J or kg`},
		{Query{Kind: "gird"}, `no such factor: kind "gird": write one of `},
		{Query{}, `no such factor: kind ""`},
	} {
		_, err := Lookup(test.q)
		require.ErrorIs(t, err, ErrNoFactor)
		assert.ErrorContains(t, err, test.want)
	}
}

func TestAClassHasItsFigureInItsUnit(t *testing.T) {
	for _, test := range []struct {
		q    Query
		unit string
	}{
		{Query{Kind: PUE, Class: "public-cloud"}, "1"},
		{Query{Kind: WUE, Class: "desk"}, "L/kWh"},
		{Query{Kind: Production, Class: "server"}, "gCO2e"},
		{Query{Kind: Production, Class: "server", Unit: "gCO2e"}, "gCO2e"},
		{Query{Kind: Lifetime, Class: "laptop"}, "s"},
		{Query{Kind: IdlePower, Class: "memory"}, "W/GB"},
		{Query{Kind: FullPower, Class: "rest-server"}, "W/thread"},
		{Query{Kind: FullPower, Class: "rest-laptop"}, "W"},
		{Query{Kind: IdlePower, Class: "cpu-server"}, "W/W"},
		{Query{Kind: Storage, Class: "ssd"}, "Wh/TBh"},
		{Query{Kind: Transfer, Class: "fixed"}, "kWh/GB"},
	} {
		f, err := Lookup(test.q)
		require.NoError(t, err)
		assert.Equal(t, Class, f.Found)
		assert.Equal(t, test.unit, f.Unit)
	}
	_, err := Lookup(Query{Kind: IdlePower, Class: "memory", Unit: "W"})
	require.ErrorIs(t, err, ErrUnknownClass, "memory has no figure in W")
}

// The tables are the library's: no caller can change them.
func TestLookupIsSafeForConcurrentUse(t *testing.T) {
	var group sync.WaitGroup
	for range 8 {
		group.Go(func() {
			for _, country := range []string{"DE", "FR", ""} {
				f, err := Lookup(Query{Kind: Grid, Country: country})
				assert.NoError(t, err)
				f.Value, f.Found = -1, Live
			}
			_, err := LookupCPU("AMD EPYC 7763 64-Core Processor", "", 64)
			assert.NoError(t, err)
		})
	}
	group.Wait()
	f, err := Lookup(Query{Kind: Grid, Country: "DE"})
	require.NoError(t, err)
	assert.Equal(t, 342.06, f.Value)
	assert.Equal(t, Exact, f.Found)
}
