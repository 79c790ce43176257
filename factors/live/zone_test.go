package live

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/ecotracer/ecotracer/factors"
)

func place(country, region, zone, provider, cloud string) factors.Query {
	return factors.Query{Country: country, Region: region, Zone: zone, Provider: provider, CloudRegion: cloud}
}

// A place is brought to a zone where that is certain, and else the error says
// what to give: nothing is guessed (trap 50).
func TestAPlaceIsBroughtToAZone(t *testing.T) {
	em, wt, tp, us := &ElectricityMaps{}, &WattTime{}, &ENTSOE{}, &EIA{}
	for name, test := range map[string]struct {
		source source
		query  factors.Query
		zone   string
		says   string
	}{
		"a country":                           {em, place("DE", "", "", "", ""), "DE", ""},
		"a province":                          {em, place("", "CA-QC", "", "", ""), "CA-QC", ""},
		"a state of Australia":                {em, place("AU", "AU-NSW", "", "", ""), "AU-NSW", ""},
		"a region of a country with one zone": {em, place("", "DE-BY", "", "", ""), "DE", ""},
		"a region of mainland France":         {em, place("", "FR-IDF", "", "", ""), "FR", ""},
		"an island":                           {em, place("", "FR-20R", "", "", ""), "", "whether FR-20R is in the grid zone FR is not known here: give Zone, such as FR"},
		"another":                             {em, place("", "ES-CN", "", "", ""), "", "give Zone, such as ES"},
		"Northern Ireland":                    {em, place("", "GB-NIR", "", "", ""), "GB-NIR", ""},
		"a country with several zones":        {em, place("SE", "", "", "", ""), "", "SE has several grid zones: give Zone, such as SE-SE3"},
		"a US state":                          {em, place("", "US-CA", "", "", ""), "", "US has several grid zones: give Zone, such as US-CAL-CISO"},
		"a zone":                              {em, place("SE", "", "SE-SE3", "", ""), "SE-SE3", ""},
		"a zone of another country":           {em, place("NO", "", "SE-SE3", "", ""), "", "zone SE-SE3 is not in NO"},
		"a zone of another scheme":            {em, place("", "", "CAMX", "", ""), "", "no place: give a country"},
		"a cloud region":                      {em, place("", "", "", "aws", "eu-west-1"), "IE", ""},
		"a cloud region in a divided country": {em, place("", "", "", "aws", "eu-north-1"), "SE-SE3", ""},
		"a cloud region of no certain grid":   {em, place("", "", "", "aws", "us-west-2"), "", "US has several grid zones"},
		"a cloud region that is not known":    {em, place("", "", "", "aws", "eu-moon-1"), "", "cloud region aws:eu-moon-1 is not known here: give its country or its zone"},
		"the same, with its country":          {em, place("DE", "", "", "aws", "eu-moon-1"), "DE", ""},
		"a cloud region in a province":        {em, place("", "", "", "aws", "ca-central-1"), "CA-QC", ""},
		"a cloud region in Canberra":          {em, place("", "", "", "azure", "australiacentral"), "AU-NSW", ""},
		"a cloud region and another zone":     {em, place("", "", "CA-ON", "aws", "ca-central-1"), "", "zone CA-ON is not that of the place, which is CA-QC"},
		"a cloud region and another region":   {em, place("", "US-CA", "", "aws", "us-east-1"), "", "US has several grid zones"},
		"a cloud region in another country":   {em, place("FR", "", "", "aws", "eu-west-1"), "", "aws:eu-west-1 is in IE, not in FR"},
		"no country":                          {em, place("QQ", "", "", "", ""), "", `unknown country: "QQ"`},
		"no region":                           {em, place("", "California", "", "", ""), "", `unknown region: "California": write the ISO 3166-2 code`},
		"a region of another country":         {em, place("FR", "US-CA", "", "", ""), "", "US-CA is not in FR"},
		"nowhere":                             {em, place("", "", "", "", ""), "", "no place"},

		"WattTime: a country":               {wt, place("GB", "", "", "", ""), "UK", ""},
		"WattTime: a state":                 {wt, place("", "AU-NSW", "", "", ""), "NEM_NSW", ""},
		"WattTime: a cloud region":          {wt, place("", "", "", "gcp", "us-east4"), "PJM_DC", ""},
		"WattTime: its own":                 {wt, place("US", "", "CAISO_NORTH", "", ""), "CAISO_NORTH", ""},
		"WattTime: a country with many":     {wt, place("US", "", "", "", ""), "", "give Zone, such as CAISO_NORTH"},
		"WattTime: another country's":       {wt, place("FR", "", "CAISO_NORTH", "", ""), "", "region CAISO_NORTH is not in FR"},
		"ENTSO-E: a country":                {tp, place("DE", "", "", "", ""), germany, ""},
		"ENTSO-E: a divided country is one": {tp, place("SE", "", "", "", ""), "10YSE-1--------K", ""},
		"ENTSO-E: a bidding zone":           {tp, place("", "", "SE-SE3", "", ""), "10Y1001A1001A46L", ""},
		"ENTSO-E: a cloud region":           {tp, place("", "", "", "azure", "norwayeast"), "10YNO-1--------2", ""},
		"ENTSO-E: an EIC":                   {tp, place("", "", "10YDE-VE-------2", "", ""), "10YDE-VE-------2", ""},
		"ENTSO-E: another country's EIC":    {tp, place("FR", "", germany, "", ""), "", "zone DE is not in FR"},
		"ENTSO-E: a region of Sweden":       {tp, place("", "SE-AB", "", "", ""), "", "SE has several grid zones"},
		"ENTSO-E: Great Britain":            {tp, place("GB", "", "", "", ""), "", "nothing of Great Britain was published there since 2021"},
		"ENTSO-E: Northern Ireland":         {tp, place("", "GB-NIR", "", "", ""), "10Y1001A1001A016", ""},
		"ENTSO-E: not in Europe":            {tp, place("JP", "", "", "", ""), "", "it does not tell of JP"},
		"ENTSO-E: a cloud elsewhere":        {tp, place("", "", "", "aws", "us-west-2"), "", "it does not tell of US"},
		"EIA: the contiguous states":        {us, place("US", "", "", "", ""), "US48", ""},
		"EIA: a balancing authority":        {us, place("", "", "PJM", "", ""), "PJM", ""},
		"EIA: by its name elsewhere":        {us, place("US", "", "US-CAL-CISO", "", ""), "CISO", ""},
		"EIA: a cloud region":               {us, place("", "", "", "aws", "us-east-1"), "PJM", ""},
		"EIA: a state":                      {us, place("", "US-CA", "", "", ""), "", "which balancing authority that is, is not known here"},
		"EIA: a cloud of no certain grid":   {us, place("", "", "", "aws", "us-west-2"), "", "give Zone, such as CISO"},
		"EIA: another country":              {us, place("DE", "", "", "", ""), "", "not of DE"},
	} {
		t.Run(name, func(t *testing.T) {
			z, err := zoneOf(test.source, test.query)
			if test.says != "" {
				require.ErrorContains(t, err, test.says)
				require.ErrorIs(t, err, factors.ErrNoFactor)
				return
			}
			require.NoError(t, err)
			assert.Equal(t, test.zone, z.name)
			if z.geography != "" {
				assert.True(t, factors.IsCountry(z.geography[:2]), z.geography)
			}
		})
	}
}

// A source's own zone refines a country, and stands in where a place tells none
// for certain; it is never given out as another place's.
func TestTheZoneOfASource(t *testing.T) {
	for name, test := range map[string]struct {
		source source
		query  factors.Query
		zone   string
		says   string
	}{
		"its country":                   {&ElectricityMaps{Zone: "SE-SE3"}, place("SE", "", "", "", ""), "SE-SE3", ""},
		"no place":                      {&ElectricityMaps{Zone: "SE-SE3"}, place("", "", "", "", ""), "SE-SE3", ""},
		"a zone of the query":           {&ElectricityMaps{Zone: "SE-SE3"}, place("SE", "", "SE-SE1", "", ""), "SE-SE1", ""},
		"another country":               {&ElectricityMaps{Zone: "SE-SE3"}, place("FR", "", "", "", ""), "FR", ""},
		"another country, divided":      {&ElectricityMaps{Zone: "SE-SE3"}, place("NO", "", "", "", ""), "", "NO has several grid zones"},
		"a cloud of another grid":       {&ElectricityMaps{Zone: "US-CAL-CISO"}, place("", "", "", "aws", "us-east-1"), "US-MIDA-PJM", ""},
		"a cloud of no certain grid":    {&ElectricityMaps{Zone: "US-NW-BPAT"}, place("", "", "", "aws", "us-west-2"), "US-NW-BPAT", ""},
		"a state":                       {&ElectricityMaps{Zone: "US-CAL-CISO"}, place("", "US-CA", "", "", ""), "US-CAL-CISO", ""},
		"garbage":                       {&ElectricityMaps{Zone: "Sweden"}, place("SE", "", "", "", ""), "", `zone "Sweden" is none of its names`},
		"garbage, no place":             {&ElectricityMaps{Zone: "Sweden"}, place("", "", "", "", ""), "", `zone "Sweden" is none of its names`},
		"WattTime, its country":         {&WattTime{Zone: "CAISO_NORTH"}, place("US", "", "", "", ""), "CAISO_NORTH", ""},
		"WattTime, a country's region":  {&WattTime{Zone: "FR"}, place("US", "", "", "", ""), "", "give Zone, such as CAISO_NORTH"},
		"WattTime, another country":     {&WattTime{Zone: "CAISO_NORTH"}, place("FR", "", "", "", ""), "FR", ""},
		"Britain, a region":             {&GreatBritain{Zone: "13"}, place("GB", "", "", "", ""), "13", ""},
		"Britain, another region":       {&GreatBritain{Zone: "13"}, place("", "GB-SCT", "", "", ""), "16", ""},
		"Britain, in London":            {&GreatBritain{Zone: "13"}, place("", "GB-LND", "", "", ""), "13", ""},
		"ENTSO-E, its country":          {&ENTSOE{Zone: "SE-SE3"}, place("SE", "", "", "", ""), "10Y1001A1001A46L", ""},
		"ENTSO-E, another country":      {&ENTSOE{Zone: "FR"}, place("DE", "", "", "", ""), germany, ""},
		"ENTSO-E, an area not known":    {&ENTSOE{Zone: "10YDE-VE-------2"}, place("FR", "", "", "", ""), "10YFR-RTE------C", ""},
		"ENTSO-E, the same, no place":   {&ENTSOE{Zone: "10YDE-VE-------2"}, place("", "", "", "", ""), "10YDE-VE-------2", ""},
		"EIA, its country":              {&EIA{Zone: "CISO"}, place("US", "", "", "", ""), "CISO", ""},
		"EIA, a cloud of another grid":  {&EIA{Zone: "CISO"}, place("", "", "", "aws", "us-east-1"), "PJM", ""},
		"EIA, Canada":                   {&EIA{Zone: "CISO"}, place("CA", "", "", "", ""), "", "not of CA"},
		"Carbon Aware, its country":     {&CarbonAware{Zone: "eastus"}, place("US", "", "", "", ""), "eastus", ""},
		"Carbon Aware, another country": {&CarbonAware{Zone: "eastus"}, place("FR", "", "", "", ""), "", "give Zone: a location"},
		"Carbon Aware, a cloud region":  {&CarbonAware{Zone: "eastus"}, place("", "", "", "azure", "westus"), "westus", ""},
		"Carbon Aware, one of its own":  {&CarbonAware{}, place("", "", "", "own", "cellar"), "cellar", ""},
	} {
		t.Run(name, func(t *testing.T) {
			z, err := zoneOf(test.source, test.query)
			if test.says != "" {
				require.ErrorContains(t, err, test.says)
				return
			}
			require.NoError(t, err)
			assert.Equal(t, test.zone, z.name)
		})
	}
}

func TestTheTablesOfPlacesAreSound(t *testing.T) {
	for name, at := range sites() {
		provider, region, _ := strings.Cut(name, ":")
		country, subdivision, err := factors.CloudPlace(provider, region)
		require.NoError(t, err)
		assert.True(t, emZone(at.grid), name)
		assert.Equal(t, country, at.grid[:2], name)
		assert.NotEmpty(t, divided[country], "%s: %s is one zone", name, country)
		assert.Empty(t, regionZone(subdivision), "%s: %s is a zone", name, subdivision)
		if at.watttime != "" {
			assert.True(t, wattTimeZone(at.watttime), name)
			assert.Empty(t, wattTimeZones[country], "%s: %s is one zone of WattTime", name, country)
		}
	}
	for country, example := range divided {
		assert.True(t, factors.IsCountry(country), country)
		assert.Equal(t, country, example[:2])
	}
	for place, name := range wattTimeZones {
		assert.True(t, factors.IsCountry(place[:2]), place)
		assert.True(t, wattTimeZone(name), place)
	}
	seen := map[string]string{}
	for name, code := range entsoeZones {
		assert.True(t, eic(code), name)
		assert.True(t, validEIC(code), "%s: the check character of %s", name, code)
		assert.Empty(t, seen[code], "%s is %s", code, name)
		seen[code] = name
		assert.True(t, factors.IsCountry(name[:2]), name)
	}
}

// validEIC checks the last character of an Energy Identification Code (ENTSO-E,
// EIC Reference Manual): the sum of the values of the others, weighted by 16
// down to 2.
func validEIC(code string) bool {
	const letters = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ-"
	sum := 0
	for i, c := range []byte(code[:15]) {
		for v := range letters {
			if letters[v] == c {
				sum += v * (16 - i)
			}
		}
	}
	return letters[36-(sum-1)%37] == code[15]
}

func TestTheFuelsOfEachSourceAreInTheDataSet(t *testing.T) {
	for _, types := range []map[string]string{psrTypes, eiaFuels} {
		for code, class := range types {
			if class == storage {
				continue
			}
			for _, basis := range []string{"lifecycle", "direct"} {
				f, err := factors.Lookup(factors.Query{Kind: factors.Instrument, Class: class, Basis: basis})
				require.NoError(t, err, code)
				assert.Equal(t, factors.Class, f.Found, code)
			}
		}
	}
}
