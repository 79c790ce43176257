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
	country, err := Lookup(Query{Kind: Grid, Country: "US"})
	require.NoError(t, err)
	for _, q := range []Query{{Kind: Grid, Country: "US", Region: "US-CA"}, {Kind: Grid, Region: "US-CA"}} {
		region, err := Lookup(q)
		require.NoError(t, err)
		assert.Equal(t, FromCountry, region.Found)
		assert.Equal(t, "grid.US-CA", region.ID, "it must not be taken for the country's own entry")
		assert.Equal(t, "US", region.Geography)
		assert.Equal(t, country.Value, region.Value)
		// Quadrature of logarithms, worked by hand: √(ln²(v/low) + ln² 2.5).
		want := country.Value / math.Exp(math.Sqrt(math.Pow(math.Log(country.Value/country.Low), 2)+math.Pow(math.Log(2.5), 2)))
		assert.InEpsilon(t, want, region.Low, 1e-12)
		assert.Greater(t, region.High, country.High*1.5)
		assert.Greater(t, region.Quality, country.Quality, "later in the alphabet is worse")
	}
}

func TestAPlaceThatDoesNotExistIsAnErrorThatSaysWhatToWrite(t *testing.T) {
	for _, test := range []struct {
		country, region string
		is              error
		want            string
	}{
		{"Germany", "", ErrUnknownCountry, `unknown country: "Germany": write the ISO 3166-1 alpha-2 code, DE`},
		{"de", "", ErrUnknownCountry, `"de": write the ISO 3166-1 alpha-2 code in capitals, DE`},
		{"DEU", "", ErrUnknownCountry, `"DEU": write the ISO 3166-1 alpha-2 code, such as DE, or leave it empty`},
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
	assert.EqualError(t, err, `unknown class: pue of "on-prem": write one of desk, edge, on-premise, other, private-cloud, public-cloud, unknown`)

	_, err = Lookup(Query{Kind: Transport})
	require.ErrorIs(t, err, ErrUnknownClass)
	assert.EqualError(t, err, "unknown class: transport needs a class: write one of desktop, laptop, server")
}

func TestAKindWithoutFiguresIsAnError(t *testing.T) {
	for _, test := range []struct {
		q    Query
		want string
	}{
		{Query{Kind: Marginal, Country: "DE"}, "no such factor: the data set has no marginal yet: declare one"},
		{Query{Kind: Storage}, "no such factor: the data set has no storage yet: declare one"},
		{Query{Kind: Production, Class: "server", Unit: "kgSbeq"}, "no such factor: the data set has no production in kgSbeq yet: declare one"},
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
