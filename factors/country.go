package factors

import (
	"fmt"
	"slices"
	"strings"
	"sync"

	"github.com/ecotracer/ecotracer/internal/spelling"
)

// country is a line of ISO 3166-1, or XK for Kosovo.
type country struct {
	name   string // in English, as the tz database has it
	alpha3 string
	also   string // other names, each after "; "
}

// countries are those that have a code, by alpha-2.
var countries = sync.OnceValue(readCountries)

func readCountries() map[string]country {
	out := map[string]country{}
	_ = eachRow("country.csv", func(row []string) error { // fails in a broken build; a test counts the countries
		out[row[0]] = country{name: row[1], alpha3: row[2], also: row[3]}
		return nil
	})
	return out
}

// spellings are the alpha-2 codes that a folded name or code may mean.
var spellings = sync.OnceValue(func() map[string][]string {
	out := map[string][]string{ // each of these is two countries
		"korea":          {"KP", "KR"},
		"congo":          {"CD", "CG"},
		"virgin islands": {"VG", "VI"},
	}
	for code, c := range countries() {
		for _, name := range append(strings.Split(c.also, "; "), code, c.name, c.alpha3) {
			if name = fold(name); name != "" && !slices.Contains(out[name], code) {
				out[name] = append(out[name], code)
			}
		}
	}
	return out
})

// IsCountry tells whether code is an assigned ISO 3166-1 alpha-2 code, or XK,
// in capital letters. It is safe for concurrent use.
func IsCountry(code string) bool {
	_, ok := countries()[code]
	return ok
}

// CountryName returns the English name and the ISO 3166-1 alpha-3 code of a
// country by its alpha-2 code, both "" if that is not assigned. It is safe for
// concurrent use.
func CountryName(alpha2 string) (name, alpha3 string) {
	c := countries()[alpha2]
	return c.name, c.alpha3
}

// Country returns the ISO 3166-1 alpha-2 code of a country by its alpha-2 or
// alpha-3 code or its English name, short or official, in any case and with or
// without accents: de, DEU, Germany; UK, South Korea, Czech Republic. A name
// that is none, or that two countries share, is an error that wraps
// ErrUnknownCountry and says what may have been meant. It is safe for
// concurrent use.
func Country(name string) (alpha2 string, err error) {
	codes := named(name)
	switch len(codes) {
	case 0:
		return "", unknownCountry(name)
	case 1:
		return codes[0], nil
	}
	said := make([]string, len(codes))
	for i, code := range codes {
		said[i] = code + " (" + countries()[code].name + ")"
	}
	return "", fmt.Errorf("%w: %q is more than one: write %s", ErrUnknownCountry, name, strings.Join(said, " or "))
}

// named are the countries that a name may mean, also in the order in which
// ISO and the UN write it: Korea, Republic of; Korea (Republic of).
func named(name string) []string {
	if codes := spellings()[fold(name)]; codes != nil {
		return codes
	}
	if i := strings.IndexAny(name, ",("); i >= 0 {
		return spellings()[fold(strings.TrimRight(name[i+1:], ") ")+" "+name[:i])]
	}
	return nil
}

// unknownCountry says what is wrong with a code and, where it can tell, what
// was meant.
func unknownCountry(code string) error {
	const write = "write the ISO 3166-1 alpha-2 code"
	if up := strings.ToUpper(code); up != code && IsCountry(up) {
		return fmt.Errorf("%w: %q: %s in capitals, %s", ErrUnknownCountry, code, write, up)
	}
	if codes := named(code); len(codes) > 0 {
		return fmt.Errorf("%w: %q: %s, %s", ErrUnknownCountry, code, write, strings.Join(codes, " or "))
	}
	if near := nearest(fold(code)); near != "" {
		return fmt.Errorf("%w: %q: %s; %s is %s", ErrUnknownCountry, code, write, countries()[near].name, near)
	}
	return fmt.Errorf("%w: %q: %s, such as DE, or leave it empty if it is unknown", ErrUnknownCountry, code, write)
}

// nearest is the country whose name one or two letters make of a misspelt one;
// "" if there is none or several. Codes are too short to guess.
func nearest(folded string) string {
	if n := len(folded); n < 5 || n > 40 { // Peru and Cuba are near too much
		return ""
	}
	const far = 3
	best, found := far, ""
	for name, codes := range spellings() {
		if long := len(name) - len(folded); len(name) < 5 || long <= -far || long >= far {
			continue
		}
		switch d := spelling.Distance(folded, name); {
		case d >= far:
		case d < best:
			best, found = d, codes[0]
		case d == best && codes[0] != found:
			found = ""
		}
	}
	return found
}

var accents = strings.NewReplacer(
	"á", "a", "à", "a", "â", "a", "ã", "a", "ä", "a", "å", "a", "ç", "c", "é", "e", "è", "e", "ê", "e", "ë", "e",
	"í", "i", "ì", "i", "î", "i", "ï", "i", "ı", "i", "i̇", "i", "ñ", "n", "ó", "o", "ò", "o", "ô", "o", "õ", "o", "ö", "o",
	"ú", "u", "ù", "u", "û", "u", "ü", "u",
	"&", " and ", "(", " ", ")", " ", ",", " ", ".", "", "'", "", "’", "", "-", " ",
)

// fold brings a name to the form in which names are compared.
func fold(name string) string {
	if len(name) > 100 {
		return ""
	}
	words := strings.Fields(accents.Replace(strings.ToLower(name)))
	if len(words) > 1 && words[0] == "the" {
		words = words[1:]
	}
	for i, w := range words {
		if w == "saint" {
			words[i] = "st"
		}
	}
	return strings.Join(words, " ")
}
