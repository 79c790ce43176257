package factors

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
)

// cloudRegion is where a region of a cloud is. The subdivision is told where
// it decides which grid figure is the closest.
type cloudRegion struct{ country, subdivision string }

// clouds are the regions of each provider. An operator whose regions are not
// listed has none.
var clouds = sync.OnceValues(func() (map[string]map[string]cloudRegion, error) {
	out := map[string]map[string]cloudRegion{}
	err := eachRow("cloud.csv", func(row []string) error {
		regions := out[row[0]]
		if regions == nil {
			regions = map[string]cloudRegion{}
			out[row[0]] = regions
		}
		if row[1] != "" {
			regions[row[1]] = cloudRegion{country: row[2], subdivision: row[3]}
		}
		return nil
	})
	return out, err
})

// CloudPlace tells the country (ISO 3166-1 alpha-2) of a region of a cloud,
// such as aws and eu-west-1, and its subdivision (ISO 3166-2) in the countries
// whose subdivisions have grid figures of their own; else "". Providers are
// named as in a record: aws, azure, gcp, ovhcloud, scaleway. An unknown one,
// or an unknown region of a known one, is an error that wraps ErrUnknownRegion
// and lists what is known. CloudPlace is safe for concurrent use.
func CloudPlace(provider, region string) (country, subdivision string, err error) {
	at, err := cloudOf(provider, region)
	if err == nil && region == "" {
		err = fmt.Errorf("%w: no region of %s is named", ErrUnknownRegion, provider)
	}
	return at.country, at.subdivision, err
}

// cloudOf finds a region; region "" is the provider as a whole.
func cloudOf(provider, region string) (cloudRegion, error) {
	all, err := clouds()
	if err != nil {
		return cloudRegion{}, err
	}
	regions, known := all[provider]
	switch {
	case !known && provider == "":
		return cloudRegion{}, fmt.Errorf("%w: %q: name its provider too: one of %s", ErrUnknownRegion, region, list(all))
	case !known:
		return cloudRegion{}, fmt.Errorf("%w: provider %q: write one of %s, or leave it out", ErrUnknownRegion, provider, list(all))
	case region == "":
		return cloudRegion{}, nil
	case len(regions) == 0:
		return cloudRegion{}, fmt.Errorf("%w: no regions of %s are listed: leave %q out", ErrUnknownRegion, provider, region)
	}
	at, known := regions[region]
	if !known {
		return at, fmt.Errorf("%w: %s has no %q: write one of %s", ErrUnknownRegion, provider, region, list(regions))
	}
	return at, nil
}

func list[T any](names map[string]T) string {
	return strings.Join(slices.Sorted(maps.Keys(names)), ", ")
}
