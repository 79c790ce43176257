package factors

import (
	"testing"

	"github.com/stretchr/testify/assert"
)

func TestCountriesAreTheAssignedCodes(t *testing.T) {
	assert.Len(t, countryNames(), 250, "249 assigned codes of ISO 3166-1, and XK")
	for _, code := range []string{"DE", "US", "GB", "XK", "TW", "AX", "SS"} {
		assert.True(t, IsCountry(code), code)
	}
	for _, code := range []string{"", "de", "UK", "EU", "ZZ", "AN", "SU", "YU", "DEU", "Germany", "co", "code", "name"} {
		assert.False(t, IsCountry(code), code)
	}
	for code, name := range countryNames() {
		assert.Regexp(t, "^[A-Z]{2}$", code)
		assert.NotEmpty(t, name)
	}
}
