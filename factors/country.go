package factors

import (
	"encoding/csv"
	"fmt"
	"strings"
	"sync"
)

// countryNames maps assigned codes to names, as the tz database lists ISO
// 3166-1, and XK for Kosovo.
var countryNames = sync.OnceValue(func() map[string]string {
	names := map[string]string{}
	file, err := data.Open("data/country.csv")
	if err != nil {
		return names // a broken build; a test counts the countries
	}
	for rows := csv.NewReader(file); ; {
		row, err := rows.Read()
		if err != nil {
			return names
		}
		if len(row[0]) == 2 { // not the header
			names[row[0]] = row[1]
		}
	}
})

// IsCountry tells whether code is an assigned ISO 3166-1 alpha-2 code, or XK,
// in capital letters. It is safe for concurrent use.
func IsCountry(code string) bool {
	_, ok := countryNames()[code]
	return ok
}

// unknownCountry says what is wrong with a code and, where it can tell, what
// was meant.
func unknownCountry(code string) error {
	const write = "write the ISO 3166-1 alpha-2 code"
	if up := strings.ToUpper(code); up != code && IsCountry(up) {
		return fmt.Errorf("%w: %q: %s in capitals, %s", ErrUnknownCountry, code, write, up)
	}
	if code == "UK" {
		return fmt.Errorf("%w: %q: %s, GB", ErrUnknownCountry, code, write)
	}
	for c, name := range countryNames() {
		if strings.EqualFold(name, code) {
			return fmt.Errorf("%w: %q: %s, %s", ErrUnknownCountry, code, write, c)
		}
	}
	return fmt.Errorf("%w: %q: %s, such as DE, or leave it empty if it is unknown", ErrUnknownCountry, code, write)
}
