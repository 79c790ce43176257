package factors

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"
)

// What Lookup refuses. The errors that it returns wrap one of these and say
// what to write.
var (
	ErrUnknownCountry = errors.New("unknown country")
	ErrUnknownRegion  = errors.New("unknown region")
	ErrUnknownClass   = errors.New("unknown class")
	ErrNoFactor       = errors.New("no such factor")
)

// Query says which factor is wanted. Grid, EWIF, Residual, Marginal and Loss
// are looked up by place, all other kinds by class; the fields that a kind
// does not need are not looked at. The package documentation lists the
// classes.
type Query struct {
	Kind    Kind
	Country string // ISO 3166-1 alpha-2, or XK; "" is unknown
	Region  string // ISO 3166-2, such as US-CA; only its form is checked; "" is the whole country
	Class   string // such as public-cloud or server; "" is unknown
	Unit    string // of devices' impacts: gCO2e (also ""), kgSbeq, J or kg
}

// Lookup returns the factor of the data set that q asks for, with Found
// telling how close it is:
//
//   - Exact: the figure of that country or region.
//   - FromCountry: the region has no figure of its own. The country's stands
//     for it, its interval widened and its quality lowered.
//   - FromWorld: the place is unknown, or the country has no figure. The
//     interval is the range over all places; also for an unknown class.
//   - Class: the figure of that class.
//
// It never guesses: a country, region or class that does not exist is an
// error (ErrUnknownCountry, ErrUnknownRegion, ErrUnknownClass), and so is a
// kind or unit of which the data set has no figure (ErrNoFactor). The same
// query always has the same answer. Lookup is safe for concurrent use.
func Lookup(q Query) (Factor, error) {
	fits, known := units[q.Kind]
	if !known {
		return Factor{}, fmt.Errorf("%w: kind %q: write one of %s", ErrNoFactor, q.Kind, kindNames())
	}
	if q.Unit != "" && !slices.Contains(fits, q.Unit) {
		return Factor{}, fmt.Errorf("%w: %s in %q: write %s", ErrNoFactor, q.Kind, q.Unit, strings.Join(fits, " or "))
	}
	tables, err := embedded()
	if err != nil {
		return Factor{}, err
	}
	switch q.Kind {
	case Grid, EWIF, Residual, Marginal, Loss:
		return tables.byPlace(q)
	default:
		return tables.byClass(q)
	}
}

// isRegion tells whether code has the form of ISO 3166-2: US-CA, FR-75C.
func isRegion(code string) bool {
	if len(code) < 4 || len(code) > 6 || code[2] != '-' {
		return false
	}
	for i, c := range []byte(code) {
		letter, digit := c >= 'A' && c <= 'Z', c >= '0' && c <= '9'
		if i != 2 && !letter && (i < 2 || !digit) {
			return false
		}
	}
	return true
}

func (s set) byPlace(q Query) (Factor, error) {
	if q.Region != "" {
		if !isRegion(q.Region) {
			return Factor{}, fmt.Errorf("%w: %q: write the ISO 3166-2 code, such as US-CA", ErrUnknownRegion, q.Region)
		}
		if q.Country == "" {
			q.Country = q.Region[:2]
		}
		if q.Region[:2] != q.Country {
			return Factor{}, fmt.Errorf("%w: %s is not in %s", ErrUnknownRegion, q.Region, q.Country)
		}
	}
	if q.Country != "" && !IsCountry(q.Country) {
		return Factor{}, unknownCountry(q.Country)
	}
	if f, ok := s.find(q, q.Region); ok && q.Region != "" {
		f.Found = Exact
		return f, nil
	}
	if f, ok := s.find(q, q.Country); ok && q.Country != "" {
		f.Found = Exact
		if q.Region != "" {
			f = asRegion(f, q.Region)
		}
		return f, nil
	}
	if f, ok := s.find(q, world); ok {
		f.Found = FromWorld
		return f, nil
	}
	return Factor{}, fmt.Errorf("%w: the data set has no %s yet: declare one", ErrNoFactor, q.Kind)
}

// regionSpread is by how much a region differs from its country, 95 %: US
// states are 0.35 to 2.35 times the national figure (EPA eGRID2023),
// Australian states 0.3 to 1.3 times (NGA 2025).
const regionSpread = 2.5

// asRegion lets a country's figure stand for a region of it: two independent
// lognormal errors, whose logarithms add in quadrature.
func asRegion(f Factor, region string) Factor {
	f.ID = string(f.Kind) + "." + region
	f.Found = FromCountry
	if f.Low > 0 {
		spread := math.Log(regionSpread)
		f.Low, f.High = f.Value*math.Exp(-math.Hypot(math.Log(f.Value/f.Low), spread)),
			f.Value*math.Exp(math.Hypot(math.Log(f.High/f.Value), spread))
	}
	f.Quality = map[string]string{"A": "B", "B": "C"}[f.Quality]
	if f.Quality == "" {
		f.Quality = "D"
	}
	return f
}

func (s set) byClass(q Query) (Factor, error) {
	class := q.Class
	if class == "" {
		class = unknown
	}
	if f, ok := s.find(q, class); ok {
		f.Found = Class
		if class == unknown {
			f.Found = FromWorld
		}
		return f, nil
	}
	classes := strings.Join(s.classes(q), ", ")
	switch {
	case classes == "":
		return Factor{}, fmt.Errorf("%w: the data set has no %s yet: declare one", ErrNoFactor, what(q))
	case q.Class == "":
		return Factor{}, fmt.Errorf("%w: %s needs a class: write one of %s", ErrUnknownClass, what(q), classes)
	default:
		return Factor{}, fmt.Errorf("%w: %s of %q: write one of %s", ErrUnknownClass, what(q), q.Class, classes)
	}
}

// what is looked for, in words.
func what(q Query) string {
	if q.Unit == "" {
		return string(q.Kind)
	}
	return string(q.Kind) + " in " + q.Unit
}
