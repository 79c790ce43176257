package live

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/ecotracer/ecotracer/factors"
)

// Fallback asks sources one after another until one has the figure, and then
// takes that of the data set (factors.Lookup), so that a run is assessed
// whatever happens on the network. A figure of the data set has no Series, its
// Found tells how close it is, and its Source why there is no live one.
//
//	Fallback{Sources: []factors.GridSource{&Cache{Source: &ElectricityMaps{Key: key}, Dir: dir}}}
type Fallback struct {
	Sources []factors.GridSource
	NoTable bool // an error instead of a figure of the data set
}

var _ factors.GridSource = Fallback{}

// Current is the first that a source knows.
func (f Fallback) Current(ctx context.Context, q factors.Query) (factors.Factor, error) {
	return f.first(q, func(s factors.GridSource) (factors.Factor, error) { return s.Current(ctx, q) })
}

// History is the first that a source knows.
func (f Fallback) History(ctx context.Context, q factors.Query, from, to time.Time) (factors.Factor, error) {
	return f.first(q, func(s factors.GridSource) (factors.Factor, error) { return s.History(ctx, q, from, to) })
}

// Forecast is the first that a source knows.
func (f Fallback) Forecast(ctx context.Context, q factors.Query, from, to time.Time) (factors.Factor, error) {
	return f.first(q, func(s factors.GridSource) (factors.Factor, error) { return s.Forecast(ctx, q, from, to) })
}

func (f Fallback) first(q factors.Query, ask func(factors.GridSource) (factors.Factor, error)) (factors.Factor, error) {
	var errs []error
	for _, s := range f.Sources {
		found, err := ask(s)
		if err == nil {
			if why := asked(errs); len(why) > 0 {
				found.Source += "; asked because " + reason(errors.Join(why...))
			}
			return found, nil
		}
		errs = append(errs, err)
	}
	if f.NoTable {
		if len(errs) == 0 {
			errs = []error{fmt.Errorf("%w: there is no source to ask", factors.ErrNoFactor)}
		}
		return factors.Factor{}, errors.Join(errs...)
	}
	found, err := factors.Lookup(q)
	if err != nil && q.Zone != "" { // it may be a name that only a source knows
		q.Zone = ""
		found, err = factors.Lookup(q)
	}
	if err != nil {
		return factors.Factor{}, errors.Join(append(errs, err)...)
	}
	why := asked(errs)
	if len(why) == 0 {
		why = errs
	}
	if len(why) > 0 {
		found.Source += "; not live, because " + reason(errors.Join(why...))
	}
	return found, nil
}

// asked are the errors of sources that should have known. That the others do
// not tell of such a place or kind is no reason for anything.
func asked(errs []error) (of []error) {
	for _, err := range errs {
		if f := (*failure)(nil); !errors.As(err, &f) || f.url != "" || !errors.Is(err, factors.ErrNoFactor) {
			of = append(of, err)
		}
	}
	return of
}
