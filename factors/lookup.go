package factors

import (
	"errors"
	"fmt"
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
// are looked up by place; PUE, WUE and CarbonFree by cloud region, provider
// and class; all other kinds by class. The fields that a kind does not need
// are not looked at. The package documentation lists the classes.
type Query struct {
	Kind    Kind
	Country string // ISO 3166-1 alpha-2, or XK; "" is unknown
	Region  string // ISO 3166-2, such as US-CA; only its form is checked; "" is the whole country
	Zone    string // of a grid, such as the eGRID subregion CAMX; goes before Region; "" is unknown
	Class   string // such as public-cloud or server; "" is unknown
	Unit    string // of devices' impacts: gCO2e (also ""), kgSbeq, J or kg; of services Wh (also "") or gCO2e

	// A cloud region is also a place: CloudPlace tells which. Country and Region
	// may say more of it, and may not be of another country.
	Provider    string // of a cloud: aws, azure, gcp, ...
	CloudRegion string // of that cloud: eu-west-1

	// Basis of electricity: lifecycle (also "") or direct. A figure of the
	// other basis is never taken.
	Basis string

	// Own are rows of the caller's, by Load or written in Go. At each step from
	// the closest place to the widest they come before those of the data set. A
	// row is of the place that its Geography names, or the key of its ID
	// (grid.US-CA); one that names neither a place nor a class is of the site
	// itself and is taken at once. A row of another place, class, unit, basis,
	// signal or accounting is never taken.
	Own []Factor
}

// Lookup returns the factor that q asks for, with Found telling how close it
// is:
//
//   - Exact: the figure of that country, region, grid zone or cloud region.
//   - Declared: a row of Own of that place, or of the site.
//   - FromRegion: the region's figure stands for a place in it.
//   - FromCountry: the country's figure stands for a place in it.
//   - FromWorld: the place is unknown, or nothing closer has a figure. The
//     interval is the range over all places; also for an unknown class.
//   - Class: the figure of that class, or of all sites of that provider.
//
// What stands for a place in it has its interval widened, its quality lowered
// and the ID of the place that was asked for; Geography tells whose figure it
// is.
//
// Lookup never guesses: a country, region, provider or class that does not
// exist is an error (ErrUnknownCountry, ErrUnknownRegion, ErrUnknownClass), and
// so is a kind, unit or basis of which there is no figure (ErrNoFactor). The
// same query always has the same answer; a figure of a past year is returned
// with the period that it describes (ValidFrom, ValidTo). Lookup is safe for
// concurrent use. Explain tells why.
func Lookup(q Query) (Factor, error) { return q.walk(nil) }

// walk looks at each candidate in turn, tells look (unless it is nil) of those
// that were passed over, and returns the first that fits.
func (q *Query) walk(look func(Candidate)) (Factor, error) {
	t, err := q.check()
	if err != nil {
		return Factor{}, err
	}
	steps, err := q.steps(t)
	if err != nil {
		return Factor{}, err
	}
	own := q.ownRows(t, steps, look)
	for _, f := range own {
		if f.key == "" {
			return f.declared(), nil
		}
	}
	for _, st := range steps {
		for _, f := range own {
			if f.key == st.key {
				return st.apply(f.declared(), q, steps[0].key), nil
			}
		}
		if st.ownOnly {
			continue
		}
		if f, ok := t.find(*q, st.key); ok {
			f.Found = Exact
			return st.apply(f, q, steps[0].key), nil
		}
		if look != nil {
			look(Candidate{ID: string(q.Kind) + "." + st.key + q.suffix(), Why: "no figure of " + st.key + q.qualities()})
		}
	}
	return Factor{}, q.noFigure(t, steps)
}

// check refuses what no table could answer.
func (q *Query) check() (figures, error) {
	fits, known := units[q.Kind]
	if !known {
		return nil, fmt.Errorf("%w: kind %q: write one of %s", ErrNoFactor, q.Kind, kindNames())
	}
	if q.Unit != "" && !slices.Contains(fits, q.Unit) {
		return nil, fmt.Errorf("%w: %s in %q: write %s", ErrNoFactor, q.Kind, q.Unit, strings.Join(fits, " or "))
	}
	if isElectric(q.Kind) && q.Basis != "" && q.Basis != "lifecycle" && q.Basis != "direct" {
		return nil, fmt.Errorf("%w: %s of basis %q: write lifecycle or direct", ErrNoFactor, q.Kind, q.Basis)
	}
	return figuresOf(q.Kind)
}

// noFigure says that no step had a figure, and what to do.
func (q *Query) noFigure(t figures, steps []step) error {
	classes := strings.Join(t.classes(*q), ", ")
	switch {
	case len(t) == 0 || byPlace(q.Kind) || q.Kind == CarbonFree || classes == "":
		of := ""
		if len(t) > 0 && len(steps) > 0 && steps[0].key != world && steps[0].key != unknown {
			of = " of " + steps[0].key
		}
		return fmt.Errorf("%w: the data set has no %s%s: declare one", ErrNoFactor, q.figure(), of)
	case q.Class == "":
		return fmt.Errorf("%w: %s needs a class: write one of %s", ErrUnknownClass, q.figure(), classes)
	default:
		return fmt.Errorf("%w: %s of %q: write one of %s", ErrUnknownClass, q.figure(), q.Class, classes)
	}
}

// figure is what is looked for, in words.
func (q *Query) figure() string { return string(q.Kind) + q.qualities() }

func (q *Query) qualities() (words string) {
	if q.Unit != "" {
		words += " in " + q.Unit
	}
	if isElectric(q.Kind) {
		words += " of basis " + q.basis()
	}
	return words
}
