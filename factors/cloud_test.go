package factors

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestACloudRegionHasThePlaceThatItIsIn(t *testing.T) {
	for _, test := range []struct{ provider, region, country, subdivision string }{
		{"aws", "us-east-1", "US", "US-VA"},
		{"aws", "eu-west-1", "IE", ""},
		{"aws", "eu-north-1", "SE", ""},
		{"azure", "westus2", "US", "US-WA"},
		{"azure", "canadaeast", "CA", "CA-QC"},
		{"gcp", "europe-north1", "FI", ""},
		{"gcp", "australia-southeast2", "AU", "AU-VIC"},
		{"ovhcloud", "us-west-hil", "US", "US-OR"},
		{"scaleway", "fr-par", "FR", ""},
	} {
		country, subdivision, err := CloudPlace(test.provider, test.region)
		require.NoError(t, err)
		assert.Equal(t, []string{test.country, test.subdivision}, []string{country, subdivision}, "%s %s", test.provider, test.region)
	}
}

func TestAnUnknownCloudIsAnErrorThatListsTheKnown(t *testing.T) {
	for _, test := range []struct{ provider, region, want string }{
		{"hetzner", "fsn1", `unknown region: provider "hetzner": write one of alibaba, aws, azure, equinix, gcp, meta, oracle, ovhcloud, scaleway, or leave it out`},
		{"scaleway", "fr-lyo", `unknown region: scaleway has no "fr-lyo": write one of fr-par, nl-ams, pl-waw`},
		{"", "eu-west-1", `unknown region: "eu-west-1": name its provider too: one of alibaba, aws, `},
		{"equinix", "FR5", `unknown region: no regions of equinix are listed: leave "FR5" out`},
		{"aws", "", `unknown region: no region of aws is named`},
		{"AWS", "eu-west-1", `unknown region: provider "AWS"`},
	} {
		_, _, err := CloudPlace(test.provider, test.region)
		require.ErrorIs(t, err, ErrUnknownRegion)
		require.ErrorContains(t, err, test.want)
		if test.region == "" {
			continue
		}
		for _, kind := range []Kind{Grid, EWIF, PUE, WUE, CarbonFree} {
			_, err := Lookup(Query{Kind: kind, Provider: test.provider, CloudRegion: test.region})
			require.ErrorIs(t, err, ErrUnknownRegion, kind)
		}
	}
	_, err := Lookup(Query{Kind: Lifetime, Class: "server", Provider: "hetzner"})
	require.NoError(t, err, "a lifetime needs no provider")
}

func TestEveryCloudRegionIsInAKnownPlaceWithAGridFigure(t *testing.T) {
	all, err := clouds()
	require.NoError(t, err)
	for provider, regions := range all {
		for region, at := range regions {
			name := provider + ":" + region
			assert.True(t, IsCountry(at.country), name)
			if at.subdivision == "" {
				continue
			}
			assert.Equal(t, at.country, at.subdivision[:2], name)
			f, err := Lookup(Query{Kind: Grid, Region: at.subdivision})
			require.NoError(t, err)
			assert.Equal(t, Exact, f.Found, "%s: a subdivision is told where it has a figure", name)
		}
	}
	// And every figure of a region is of a listed one.
	figures, err := embedded()
	require.NoError(t, err)
	for id, f := range figures {
		if provider, region, ok := cutCloud(id, f); ok && region != "fleet" {
			_, known := all[provider][region]
			assert.True(t, known, id)
		}
	}
}

func TestAGridOfACloudRegionIsThatOfItsPlace(t *testing.T) {
	for _, test := range []struct {
		q         Query
		id        string
		found     Found
		geography string
	}{
		{Query{Provider: "aws", CloudRegion: "us-east-1"}, "grid.aws:us-east-1", FromRegion, "US-VA"},
		{Query{Provider: "aws", CloudRegion: "us-east-1", Basis: "direct"}, "grid.aws:us-east-1.direct", FromRegion, "US-VA"},
		{Query{Provider: "aws", CloudRegion: "eu-west-1", Country: "IE"}, "grid.aws:eu-west-1", FromCountry, "IE"},
		{Query{Provider: "gcp", CloudRegion: "us-east4"}, "grid.gcp:us-east4", FromRegion, "US-VA"},
		{Query{Provider: "gcp", CloudRegion: "us-east4", Basis: "direct"}, "grid.gcp:us-east4.direct", Exact, "US-VA"},
		{Query{Provider: "aws", CloudRegion: "us-east-1", Region: "US-MA"}, "grid.aws:us-east-1", FromRegion, "US-MA"},
		{Query{Provider: "aws", CloudRegion: "us-gov-east-1"}, "grid.aws:us-gov-east-1", FromCountry, "US"},
		{Query{Provider: "aws"}, "grid.world", FromWorld, "world"},
		{Query{Provider: "aws", Country: "SE"}, "grid.SE", Exact, "SE"},
	} {
		test.q.Kind = Grid
		f, err := Lookup(test.q)
		require.NoError(t, err)
		assert.Equal(t, test.id, f.ID)
		assert.Equal(t, test.found, f.Found, test.id)
		assert.Equal(t, test.geography, f.Geography, test.id)
	}
	state, err := Lookup(Query{Kind: Grid, Region: "US-VA"})
	require.NoError(t, err)
	region, err := Lookup(Query{Kind: Grid, Provider: "aws", CloudRegion: "us-east-1"})
	require.NoError(t, err)
	assert.Less(t, region.Low, state.Low)
	assert.Greater(t, region.High, state.High)
	assert.Greater(t, region.Quality, state.Quality)

	_, err = Lookup(Query{Kind: Grid, Provider: "aws", CloudRegion: "eu-west-1", Country: "DE"})
	require.ErrorIs(t, err, ErrUnknownRegion)
	assert.EqualError(t, err, "unknown region: aws:eu-west-1 is in IE, not in DE")
}

func TestASiteIsItsRegionThenItsProviderThenItsClass(t *testing.T) {
	for _, test := range []struct {
		q     Query
		id    string
		value float64
		found Found
	}{
		{Query{Kind: PUE, Provider: "aws", CloudRegion: "us-east-1", Class: "public-cloud"}, "pue.aws:us-east-1", 1.15, Exact},
		{Query{Kind: PUE, Provider: "aws", CloudRegion: "eu-west-3", Class: "public-cloud"}, "pue.aws:fleet", 1.14, Class},
		{Query{Kind: PUE, Provider: "scaleway", CloudRegion: "nl-ams"}, "pue.scaleway:nl-ams", 1.327, Exact},
		{Query{Kind: PUE, Provider: "equinix"}, "pue.equinix:fleet", 1.39, Class},
		{Query{Kind: WUE, Provider: "scaleway", CloudRegion: "pl-waw"}, "wue.public-cloud", 0.27, Class},
		{Query{Kind: WUE, Provider: "scaleway", CloudRegion: "pl-waw", Class: "private-cloud"}, "wue.private-cloud", 0.36, Class},
		{Query{Kind: WUE, Provider: "azure", CloudRegion: "newzealandnorth"}, "wue.azure:newzealandnorth", 0, Exact},
		{Query{Kind: PUE, Class: "public-cloud"}, "pue.public-cloud", 1.14, Class},
		{Query{Kind: PUE}, "pue.unknown", 1.54, FromWorld},
		{Query{Kind: PUE, Country: "Germany"}, "pue.unknown", 1.54, FromWorld},
		{Query{Kind: CarbonFree, Provider: "gcp", CloudRegion: "europe-north1"}, "carbon-free.gcp:europe-north1", 0.98, Exact},
	} {
		f, err := Lookup(test.q)
		require.NoError(t, err)
		assert.Equal(t, test.id, f.ID)
		assert.Equal(t, test.value, f.Value, test.id)
		assert.Equal(t, test.found, f.Found, test.id)
	}
	_, err := Lookup(Query{Kind: CarbonFree, Country: "DE"})
	require.ErrorIs(t, err, ErrNoFactor)
	_, err = Lookup(Query{Kind: CarbonFree, Provider: "aws", CloudRegion: "sa-east-1"})
	assert.EqualError(t, err, "no such factor: the data set has no carbon-free of aws:sa-east-1: declare one")
	_, err = Lookup(Query{Kind: PUE, Provider: "aws", Class: "on-prem"})
	require.ErrorIs(t, err, ErrUnknownClass, "a class that does not exist is told even where it is not needed")
}

func TestTheZoneIsInTheCountry(t *testing.T) {
	for _, test := range []struct{ country, zone, want string }{
		{"DE", "CAMX", "unknown region: zone CAMX is in US, not in DE"},
		{"DE", "FR", "unknown region: zone FR is in FR, not in DE"},
		{"DE", "US-CAL-CISO", "unknown region: zone US-CAL-CISO is in US, not in DE"},
		{"DE", "world", `unknown region: zone "world": leave it out if it is unknown`},
		{"US", "CAMX.direct", `unknown region: zone "CAMX.direct": leave it out if it is unknown`},
		{"US", "aws:us-east-1", `unknown region: zone "aws:us-east-1"`},
	} {
		_, err := Lookup(Query{Kind: Grid, Country: test.country, Zone: test.zone})
		require.ErrorIs(t, err, ErrUnknownRegion)
		require.ErrorContains(t, err, test.want)
	}
	for _, q := range []Query{{Zone: "DE"}, {Country: "DE", Zone: "DE"}} {
		q.Kind = Grid
		f, err := Lookup(q)
		require.NoError(t, err)
		assert.Equal(t, "grid.DE", f.ID, "a zone that is the whole country")
		assert.Equal(t, Exact, f.Found)
	}
	f, err := Lookup(Query{Kind: Grid, Country: "US", Region: "US-CA", Zone: "CAISO_NORTH"})
	require.NoError(t, err)
	assert.Equal(t, FromRegion, f.Found, "a zone without a figure has its region's")
	assert.Equal(t, "grid.CAISO_NORTH", f.ID)
	assert.Equal(t, "US-CA", f.Geography)
}

// cutCloud reads provider and region off an id such as pue.aws:us-east-1.
func cutCloud(id string, f Factor) (provider, region string, ok bool) {
	key, _, _ := strings.Cut(strings.TrimPrefix(id, string(f.Kind)+"."), ".")
	return strings.Cut(key, ":")
}
