package factors

import (
	"encoding/csv"
	"os"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestCountriesAreTheAssignedCodes(t *testing.T) {
	assert.Len(t, countries(), 250, "249 assigned codes of ISO 3166-1, and XK")
	for _, code := range []string{"DE", "US", "GB", "XK", "TW", "AX", "SS"} {
		assert.True(t, IsCountry(code), code)
	}
	for _, code := range []string{"", "de", "UK", "EU", "ZZ", "AN", "SU", "YU", "DEU", "Germany", "co", "code", "name"} {
		assert.False(t, IsCountry(code), code)
	}
	for code, c := range countries() {
		assert.Regexp(t, "^[A-Z]{2}$", code)
		assert.NotEmpty(t, c.name)
	}
}

func TestACountryIsKnownByTheNamesThatPeopleWrite(t *testing.T) {
	for name, want := range map[string]string{
		"DE": "DE", "de": "DE", "DEU": "DE", "deu": "DE", "Germany": "DE", " germany ": "DE", "GERMANY": "DE",
		"USA": "US", "usa": "US", "U.S.A.": "US", "US": "US", "United States": "US", "the United States of America": "US",
		"UK": "GB", "GBR": "GB", "Great Britain": "GB", "United Kingdom": "GB",
		"South Korea": "KR", "Korea (South)": "KR", "Republic of Korea": "KR", "Korea, Republic of": "KR", "North Korea": "KP", "Iran (Islamic Republic of)": "IR", "Guinea (Equatorial)": "GQ",
		"Czech Republic": "CZ", "Czechia": "CZ", "CZE": "CZ",
		"Russia": "RU", "Russian Federation": "RU", "Viet Nam": "VN", "vietnam": "VN", "Turkey": "TR", "Türkiye": "TR", "turkiye": "TR",
		"Ivory Coast": "CI", "Côte d'Ivoire": "CI", "cote divoire": "CI", "Côte d’Ivoire": "CI",
		"Holland": "NL", "The Netherlands": "NL", "UAE": "AE", "Hong Kong": "HK", "Macao": "MO", "Macau": "MO", "Taiwan": "TW",
		"Bosnia and Herzegovina": "BA", "Trinidad & Tobago": "TT", "Saint Lucia": "LC", "St. Lucia": "LC", "Kosovo": "XK", "XKX": "XK",
		"Swaziland": "SZ", "Eswatini": "SZ", "Burma": "MM", "Samoa": "WS", "American Samoa": "AS", "Georgia": "GE", "Guinea-Bissau": "GW", "Guinea": "GN",
		"Democratic Republic of the Congo": "CD", "Niger": "NE", "Nigeria": "NG", "Dominica": "DM", "Réunion": "RE", "Reunion": "RE",
	} {
		code, err := Country(name)
		require.NoError(t, err, name)
		assert.Equal(t, want, code, name)
	}
}

func TestEveryCountryIsKnownByItsCodesAndItsName(t *testing.T) {
	file, err := os.Open("data/country.csv")
	require.NoError(t, err)
	defer file.Close()
	rows, err := csv.NewReader(file).ReadAll()
	require.NoError(t, err)
	for _, row := range rows[1:] {
		assert.Regexp(t, "^[A-Z]{3}$", row[2])
		for _, name := range row[:3] {
			code, err := Country(name)
			require.NoError(t, err, name)
			assert.Equal(t, row[0], code, name)
		}
	}
	for name, codes := range spellings() {
		if len(codes) > 1 {
			assert.Contains(t, []string{"korea", "congo", "virgin islands"}, name, "is more than one country")
		}
	}
}

func TestACodeHasANameAndALongerCodeThatLeadBackToIt(t *testing.T) {
	for code := range countries() {
		name, alpha3 := CountryName(code)
		back, err := Country(name)
		require.NoError(t, err, code)
		assert.Equal(t, code, back)
		if alpha3 != "" {
			back, err = Country(alpha3)
			require.NoError(t, err, code)
			assert.Equal(t, code, back)
		}
	}
	name, alpha3 := CountryName("FR")
	assert.Equal(t, []string{"France", "FRA"}, []string{name, alpha3})
	name, alpha3 = CountryName("ZZ")
	assert.Empty(t, name+alpha3)
}

func TestANameThatIsNoneOrTwoIsAnErrorWithASuggestion(t *testing.T) {
	for name, want := range map[string]string{
		"Korea":          `unknown country: "Korea" is more than one: write KP (Korea (North)) or KR (Korea (South))`,
		"congo":          `"congo" is more than one: write CD (Congo (Dem. Rep.)) or CG (Congo (Rep.))`,
		"Virgin Islands": `"Virgin Islands" is more than one: write VG`,
		"Germny":         `"Germny": write the ISO 3166-1 alpha-2 code; Germany is DE`,
		"Irelnd":         "Ireland is IE",
		"Atlantis":       `"Atlantis": write the ISO 3166-1 alpha-2 code, such as DE, or leave it empty if it is unknown`,
		"ZZ":             `"ZZ": write the ISO 3166-1 alpha-2 code, such as DE`,
		"":               `""`,
		"Europe":         `"Europe"`,
		"world":          `"world"`,
	} {
		_, err := Country(name)
		require.ErrorIs(t, err, ErrUnknownCountry, name)
		assert.ErrorContains(t, err, want)
	}
}

func TestTheCountriesOfTheReferenceAreKnown(t *testing.T) {
	for _, row := range reference(t, "grid_country.csv") {
		if row["kind"] != "country" {
			continue
		}
		for _, name := range []string{row["iso2"], row["iso3"], row["name"]} {
			if name == "Congo" { // CG in ISO 3166, but people mean either
				continue
			}
			code, err := Country(name)
			require.NoError(t, err, name)
			assert.Equal(t, row["iso2"], code, name)
		}
	}
}
