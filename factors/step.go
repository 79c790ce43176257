package factors

import (
	"fmt"
	"strings"
)

// step is a key of the tables that a lookup tries.
type step struct {
	key     string  // a place, a site or a class
	found   Found   // what a figure of it is to what was asked for; "" is that itself
	spread  float64 // by how much the two may differ, 95 %, as a factor; 0 if its interval has that
	ownOnly bool    // the data set has no figures by this key
}

// By how much a place differs from what stands for it, 95 %, as a factor.
const (
	// siteSpread is that of a place from its state, or from its country where
	// one grid serves all: cloud regions against an independent data set.
	siteSpread = 1.2
	// regionSpread is that of a region from its country: grid zones of Brazil,
	// India, Italy, Japan and Sweden are 0.4 to 1.7 times the national figure.
	regionSpread = 2.5
)

// wideCountries are those that differ more within: US states are 0.14 to 2.7
// times the national figure (EPA eGRID2023), Canadian provinces 0.15 to 5.5
// times (ECCC, NIR 1990-2023), Australian states 0.3 to 1.6 times (NGA 2025).
// It is so much that no region's own figure is less sure than its country's.
var wideCountries = map[string]float64{"US": 4.5, "CA": 6, "AU": 4}

// byPlace tells the kinds that are looked up by place, bySite those by cloud
// region, provider and class. All others are looked up by class.
func byPlace(k Kind) bool {
	return k == Grid || k == EWIF || k == Residual || k == Marginal || k == Loss
}

func bySite(k Kind) bool { return k == PUE || k == WUE || k == CarbonFree }

// apply lets a figure stand for what was asked for: two independent lognormal
// errors, whose logarithms add in quadrature. The ID becomes that of what was
// asked for, so that it is not taken for the wider place's own entry.
func (st step) apply(f Factor, q *Query, asked string) Factor {
	if st.found == "" {
		return f
	}
	if f.Found == Exact || st.key == world || st.spread > 0 {
		f.Found = st.found
	}
	if st.spread == 0 { // its interval holds all that it may stand for
		return f
	}
	f.ID = string(f.Kind) + "." + asked + q.suffix()
	wide := quantity{f.Value, f.Low, f.High}.times(about(1, st.spread))
	f.Low, f.High = wide.low, wide.high
	switch f.Quality {
	case "A":
		f.Quality = "B"
	case "B":
		f.Quality = "C"
	default:
		f.Quality = "D"
	}
	return f
}

// steps are what a lookup tries, from the closest to the widest.
func (q *Query) steps(t figures) ([]step, error) {
	switch {
	case byPlace(q.Kind):
		return q.placeSteps(t)
	case bySite(q.Kind):
		return q.siteSteps(t)
	case q.Class == "" || q.Class == unknown:
		return []step{{key: unknown, found: FromWorld}}, nil
	default:
		return []step{{key: q.Class, found: Class}}, nil
	}
}

// placeSteps are cloud region, grid zone, region, country and world.
func (q *Query) placeSteps(t figures) ([]step, error) {
	cloud, country, region, err := q.place()
	if err != nil {
		return nil, err
	}
	zone := q.Zone
	if zone == country || zone == region {
		zone = ""
	}
	var steps []step
	add := func(key string, found Found, spread float64) {
		if key == "" {
			return
		}
		if len(steps) == 0 { // it is what was asked for
			found, spread = "", 0
		}
		steps = append(steps, step{key: key, found: found, spread: spread})
	}
	add(cloud, "", 0)
	add(zone, FromRegion, siteSpread)
	add(region, FromRegion, siteSpread)
	spread := regionSpread
	if wide, ok := wideCountries[country]; ok {
		spread = wide
	} else if zone == "" && region == "" {
		spread = siteSpread // a cloud region where no subdivision matters
	}
	if q.Kind == Residual {
		spread = siteSpread // a market is a country's
	}
	add(country, FromCountry, spread)
	return append(steps, step{key: world, found: FromWorld}), nil
}

// place checks and completes what q says of the place.
func (q *Query) place() (cloud, country, region string, err error) {
	country, region = q.Country, q.Region
	if region != "" {
		if !isRegion(region) {
			return "", "", "", fmt.Errorf("%w: %q: write the ISO 3166-2 code, such as US-CA", ErrUnknownRegion, region)
		}
		if country == "" {
			country = region[:2]
		}
		if region[:2] != country {
			return "", "", "", fmt.Errorf("%w: %s is not in %s", ErrUnknownRegion, region, country)
		}
	}
	if country != "" && !IsCountry(country) {
		return "", "", "", unknownCountry(country)
	}
	if q.Provider != "" || q.CloudRegion != "" {
		at, err := cloudOf(q.Provider, q.CloudRegion)
		if err != nil {
			return "", "", "", err
		}
		if q.CloudRegion != "" {
			cloud = q.Provider + ":" + q.CloudRegion
			if country != "" && country != at.country {
				return "", "", "", fmt.Errorf("%w: %s is in %s, not in %s", ErrUnknownRegion, cloud, at.country, country)
			}
			country = at.country
			if region == "" {
				region = at.subdivision
			}
		}
	}
	if q.Zone != "" {
		at, err := countryOfZone(q.Zone)
		if err != nil {
			return "", "", "", err
		}
		if country == "" {
			country = at
		}
		if at != "" && at != country {
			return "", "", "", fmt.Errorf("%w: zone %s is in %s, not in %s", ErrUnknownRegion, q.Zone, at, country)
		}
	}
	return cloud, country, region, nil
}

// countryOfZone is that of a grid zone that has figures, or that is named after
// a country (US-CAL-CISO, DE-LU); else "".
func countryOfZone(zone string) (string, error) {
	if zone == world || strings.ContainsAny(zone, ".:") {
		return "", fmt.Errorf("%w: zone %q: leave it out if it is unknown", ErrUnknownRegion, zone)
	}
	if code, _, _ := strings.Cut(zone, "-"); IsCountry(code) {
		return code, nil
	}
	t, err := figuresOf(Grid)
	if err != nil {
		return "", err
	}
	if f, ok := t.find(Query{Kind: Grid}, zone); ok {
		return f.Geography[:2], nil
	}
	return "", nil
}

// siteSteps are cloud region, provider and class. Own rows may be of a country
// as well.
func (q *Query) siteSteps(t figures) ([]step, error) {
	at, country, region := cloudRegion{}, q.Country, q.Region
	var steps []step
	if q.Provider != "" || q.CloudRegion != "" {
		var err error
		if at, err = cloudOf(q.Provider, q.CloudRegion); err != nil {
			return nil, err
		}
	}
	if q.CloudRegion != "" {
		steps = append(steps, step{key: q.Provider + ":" + q.CloudRegion})
		country = at.country
		if region == "" {
			region = at.subdivision
		}
	}
	for _, key := range []string{region, country} {
		if key != "" {
			steps = append(steps, step{key: key, ownOnly: true})
		}
	}
	if q.Kind == CarbonFree {
		if q.CloudRegion == "" {
			return steps, fmt.Errorf("%w: %s is told of cloud regions: name Provider and CloudRegion", ErrNoFactor, q.Kind)
		}
		return steps, nil
	}
	class := q.Class
	if q.Provider != "" {
		steps = append(steps, step{key: q.Provider + ":fleet", found: Class})
		if class == "" {
			class = "public-cloud"
		}
	}
	if class == "" || class == unknown {
		return append(steps, step{key: unknown, found: FromWorld}), nil
	}
	if _, known := t.find(*q, class); (!known || strings.Contains(class, ":")) && !q.owns(class) {
		return nil, q.noFigure(t, nil)
	}
	return append(steps, step{key: class, found: Class}), nil
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
