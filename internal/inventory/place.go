package inventory

import (
	"cmp"
	"strconv"

	"github.com/ecotracer/ecotracer/factors"
	"github.com/ecotracer/ecotracer/lifecycle"
)

// Place adds an environment to the record, with the factors of its place: grid,
// pue, wue, ewif, and those of more (residual, marginal, loss). A factor that
// the environment names already stays. What cloud and region tell of the
// country is filled in and said to be found by provider. A place that is not
// known is missing, and warned of; mend tells its reader what to do.
//
// The record always gets its factors. An error says what of the place the
// data set does not know, so that a wider one stands for it.
func (b *Book) Place(e lifecycle.Environment, mend string, more ...factors.Kind) error {
	if e.Infrastructure == "" && e.Provider != "" {
		e.Infrastructure = "public-cloud"
	}
	at, err := b.locate(&e)
	i := "/environments/" + strconv.Itoa(len(b.Record.Environments))
	if e.Country == "" {
		b.missing(i + "/country")
		if e.Factors.Grid == "" {
			b.Record.Warnings = append(b.Record.Warnings, lifecycle.Warning{
				Code: "place-unknown", Path: i, Detail: "the grid figure is the world's, with its whole range; " + mend,
			})
		}
	}
	at.Class = e.Infrastructure
	f := &e.Factors
	ask := func(to *string, kind factors.Kind) {
		if *to == "" {
			at.Kind = kind
			*to = b.Factor(at)
		}
	}
	ask(&f.Grid, factors.Grid)
	ask(&f.PUE, factors.PUE)
	ask(&f.WUE, factors.WUE)
	ask(&f.EWIF, factors.EWIF)
	for _, kind := range more {
		switch kind {
		case factors.Residual:
			ask(&f.Residual, kind)
		case factors.Marginal:
			ask(&f.Marginal, kind)
		case factors.Loss:
			ask(&f.Loss, kind)
		}
	}
	b.Record.Environments = append(b.Record.Environments, e)
	return err
}

// locate is the closest place that the data set knows: first as it is told,
// then without the cloud, the grid zone, the subdivision and the country. It
// completes the environment by what the cloud's region is known for.
func (b *Book) locate(e *lifecycle.Environment) (at factors.Query, err error) {
	at = factors.Query{
		Kind: factors.Grid, Country: e.Country, Region: e.Subdivision, Zone: e.GridZone,
		Provider: e.Provider, CloudRegion: e.Region,
	}
	for _, forget := range []func(){
		func() { at.Provider, at.CloudRegion = "", "" },
		func() { at.Zone = "" },
		func() { at.Region = "" },
		func() { at.Country = "" },
	} {
		_, failed := factors.Lookup(at)
		if failed == nil {
			break
		}
		err = cmp.Or(err, failed)
		forget()
	}
	e.PlaceFound = "declared"
	if e.Country == "" {
		e.PlaceFound = "unknown"
		if country, subdivision, _ := factors.CloudPlace(at.Provider, at.CloudRegion); country != "" {
			e.Country, e.PlaceFound = country, "provider"
			e.Subdivision = cmp.Or(e.Subdivision, subdivision)
		}
	}
	return at, err
}
