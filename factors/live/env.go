package live

import (
	"fmt"
	"os"
	"slices"
	"strings"

	"github.com/ecotracer/ecotracer/factors"
)

// sources are those that FromEnv can make, in the order in which they are
// asked. Each is made from the environment; nil if nothing there names it.
var sources = []struct {
	name string
	make func(get func(string) string) (source factors.GridSource, need string)
}{
	{"electricitymaps", func(get func(string) string) (factors.GridSource, string) {
		s := &ElectricityMaps{Key: Secret(get("ELECTRICITYMAPS_KEY")), Zone: get("ELECTRICITYMAPS_ZONE")}
		return some(s, s.Key != ""), "ECOTRACER_ELECTRICITYMAPS_KEY"
	}},
	{"entsoe", func(get func(string) string) (factors.GridSource, string) {
		s := &ENTSOE{Token: Secret(get("ENTSOE_TOKEN")), Zone: get("ENTSOE_ZONE")}
		return some(s, s.Token != ""), "ECOTRACER_ENTSOE_TOKEN"
	}},
	{"eia", func(get func(string) string) (factors.GridSource, string) {
		s := &EIA{Key: Secret(get("EIA_KEY")), Zone: get("EIA_ZONE")}
		return some(s, s.Key != ""), "ECOTRACER_EIA_KEY"
	}},
	{"carbon-aware", func(get func(string) string) (factors.GridSource, string) {
		s := &CarbonAware{
			Base: get("CARBON_AWARE_URL"), Signal: get("CARBON_AWARE_SIGNAL"), Basis: get("CARBON_AWARE_BASIS"), Zone: get("CARBON_AWARE_ZONE"),
		}
		return some(s, s.Base != ""), "ECOTRACER_CARBON_AWARE_URL, ECOTRACER_CARBON_AWARE_SIGNAL and ECOTRACER_CARBON_AWARE_BASIS"
	}},
	{"watttime", func(get func(string) string) (factors.GridSource, string) {
		s := &WattTime{User: get("WATTTIME_USER"), Password: Secret(get("WATTTIME_PASSWORD")), Zone: get("WATTTIME_ZONE")}
		return some(s, s.User != "" && s.Password != ""), "ECOTRACER_WATTTIME_USER and ECOTRACER_WATTTIME_PASSWORD"
	}},
	{"gb", func(get func(string) string) (factors.GridSource, string) {
		return &GreatBritain{Zone: get("GB_ZONE")}, ""
	}},
}

func some(s factors.GridSource, there bool) factors.GridSource {
	if there {
		return s
	}
	return nil
}

// FromEnv makes the sources that the environment has keys for, or those that
// are named: electricitymaps, entsoe, eia, carbon-aware, watttime, gb. The
// package documentation lists the variables. gb needs no key and is taken only
// if it is named. A source that is named and has no key is an error that wraps
// ErrNoAccess and says which variable to set; so is an environment without any
// key.
func FromEnv(names ...string) (Fallback, error) {
	get := func(name string) string { return strings.TrimSpace(os.Getenv("ECOTRACER_" + name)) }
	cache := get("GRID_CACHE")
	var f Fallback
	var known, needs []string
	for _, s := range sources {
		known = append(known, s.name)
		named := slices.Contains(names, s.name)
		if !named && (len(names) > 0 || s.name == "gb") {
			continue
		}
		made, need := s.make(get)
		if made == nil {
			needs = append(needs, need+" for "+s.name)
			if named {
				return Fallback{}, fmt.Errorf("live: %w: %s: set %s", ErrNoAccess, s.name, need)
			}
			continue
		}
		if cache != "" {
			made = &Cache{Source: made, Dir: cache}
		}
		f.Sources = append(f.Sources, made)
	}
	for _, n := range names {
		if !slices.Contains(known, n) {
			return Fallback{}, fmt.Errorf("live: source %q is unknown: write one of %s", n, strings.Join(known, ", "))
		}
	}
	if len(f.Sources) == 0 {
		return Fallback{}, fmt.Errorf("live: %w: no key is set: set %s, or name the source gb, which needs none", ErrNoAccess, strings.Join(needs, ", "))
	}
	return f, nil
}
