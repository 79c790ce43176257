package live

import (
	"context"
	"encoding/json"
	"fmt"
	"math"
	"net/http"
	"net/url"
	"time"

	"github.com/ecotracer/ecotracer/factors"
)

// ElectricityMaps asks the API of Electricity Maps (v3): the average intensity
// of consumption, with imports traced, on both bases. A zone and a time have to
// be in the key's plan.
//
// A query's Zone is that of Electricity Maps, such as DE or SE-SE3. Countries
// that are one zone, Canadian provinces, Australian states and most cloud
// regions are found by themselves. The terms forbid to publish raw series.
type ElectricityMaps struct {
	Key    Secret
	Zone   string       // for its country, and for places that tell none for certain
	Base   string       // https://api.electricitymaps.com/v3 if empty
	Client *http.Client // one of its own if nil

	api client
}

var _ factors.GridSource = (*ElectricityMaps)(nil)

// Current is the intensity of the last hour.
func (s *ElectricityMaps) Current(ctx context.Context, q factors.Query) (factors.Factor, error) {
	return ask(ctx, s, current, q, time.Time{}, time.Time{})
}

// History is the intensity hour by hour.
func (s *ElectricityMaps) History(ctx context.Context, q factors.Query, from, to time.Time) (factors.Factor, error) {
	return ask(ctx, s, past, q, from, to)
}

// Forecast is the intensity of up to the next 72 hours.
func (s *ElectricityMaps) Forecast(ctx context.Context, q factors.Query, from, to time.Time) (factors.Factor, error) {
	return ask(ctx, s, future, q, from, to)
}

const electricityMapsName = "Electricity Maps API v3"

func (s *ElectricityMaps) traits() (traits, error) {
	t := traits{
		slug: "electricitymaps", base: s.Base, name: electricityMapsName, licence: "Electricity Maps API terms; no republication of series",
		quality: "B", kind: factors.Grid, bases: []string{"lifecycle", "direct"}, mix: "consumption",
		spread: both(lifecycleSpread), rough: both(estimatedSpread),
	}
	switch {
	case s.Key == "":
		return t, noKey(t.name, "Key", "ELECTRICITYMAPS_KEY")
	case !printable(string(s.Key)):
		return t, &failure{source: t.name, why: "Key has a blank or another sign that no key has", err: ErrNoAccess}
	}
	return t, nil
}

// noKey says which key is missing.
func noKey(source, field, variable string) error {
	return &failure{source: source, why: "no key: set " + field + ", or $ECOTRACER_" + variable, err: ErrNoAccess}
}

func (s *ElectricityMaps) locate(q factors.Query) (zone, error) {
	p, err := spotOf(q)
	name := q.Zone
	switch {
	case err != nil:
	case emZone(name):
		err = p.agrees(name)
	default: // also if it is of another scheme, such as eGRID
		name, err = p.choose(s.Zone, geography(s.Zone), p.emZoneOf)
	}
	if err == nil && !emZone(name) {
		err = fmt.Errorf("zone %q is none of its names, such as DE or US-CAL-CISO", name)
	}
	return zone{name, geography(name)}, err
}

// emValue is a value as all endpoints tell it.
type emValue struct {
	Zone      string    `json:"zone"`
	Value     *float64  `json:"carbonIntensity"`
	At        time.Time `json:"datetime"`
	Basis     string    `json:"emissionFactorType"`
	Estimated bool      `json:"isEstimated"`
}

func (s *ElectricityMaps) answer(ctx context.Context, z zone, r request) (answer, error) {
	c := s.api.ready(options{
		name: electricityMapsName, client: s.Client, base: s.Base,
		address: "https://api.electricitymaps.com/v3", secret: true, every: 250 * time.Millisecond,
	})
	sign := func(q *http.Request) { q.Header.Set("auth-token", string(s.Key)) }
	query := url.Values{"zone": {z.name}, "emissionFactorType": {r.basis}}
	var a answer
	get := func(path string) (answer, error) {
		got, err := c.get(ctx, path, query, sign)
		if err != nil {
			return a, err
		}
		a.endpoint, a.url = path, got.url
		points, err := decodeElectricityMaps(got.body, z.name, r.basis)
		a.points = append(a.points, points...)
		return a, err
	}
	switch {
	case r.tense == current:
		a, err := get("carbon-intensity/latest")
		a.step = time.Hour
		for i := range a.points { // older answers tell the minute of the request
			a.points[i].at = a.points[i].at.Truncate(time.Hour)
		}
		return a, err
	case r.tense == future:
		// The least horizon that is enough: plans differ in it.
		for _, hours := range []string{"24", "48", "72"} {
			query.Set("horizonHours", hours)
			if h, _ := time.ParseDuration(hours + "h"); time.Until(r.to) <= h {
				break
			}
		}
		return get("carbon-intensity/forecast")
	case time.Since(r.from) < 23*time.Hour:
		return get("carbon-intensity/history") // of 24 hours, in every plan
	}
	for _, part := range parts(r.from, r.to, time.Hour, 10*24*time.Hour) {
		query.Set("start", stamp(part.from))
		query.Set("end", stamp(part.to))
		if _, err := get("carbon-intensity/past-range"); err != nil {
			return a, err
		}
	}
	return a, nil
}

// decodeElectricityMaps reads an answer of any endpoint.
func decodeElectricityMaps(body []byte, zone, basis string) ([]point, error) {
	var a struct {
		emValue
		History  []emValue `json:"history"`
		Data     []emValue `json:"data"`
		Forecast []emValue `json:"forecast"`
	}
	if err := decodeJSON(body, &a); err != nil {
		return nil, err
	}
	values := append(append(a.History, a.Data...), a.Forecast...)
	if !a.At.IsZero() {
		values = append(values, a.emValue)
	}
	if a.Zone == "" && len(values) == 0 {
		return nil, garbled("the answer tells no zone and no value")
	}
	var points []point
	for _, v := range values {
		if v.Zone == "" {
			v.Zone = a.Zone
		}
		if v.Basis == "" {
			v.Basis = a.Basis
		}
		switch {
		case v.Zone != zone:
			return nil, garbled("the answer is of another zone than %s", zone)
		case v.Basis != "" && v.Basis != basis:
			return nil, garbled("the answer is of another basis than %s", basis)
		case v.At.IsZero():
			return nil, garbled("a value tells no time")
		}
		points = append(points, newPoint(v.At, v.Value, 1, v.Estimated))
	}
	return points, nil
}

// newPoint is a value, or none, in a unit that factor brings to gCO2e/kWh.
func newPoint(at time.Time, value *float64, factor float64, estimated bool) point {
	if value == nil {
		return point{at: at.UTC(), value: math.NaN()}
	}
	return point{at.UTC(), *value * factor, estimated}
}

// decodeJSON reads a body. What it says is wrong quotes nothing of it.
func decodeJSON(body []byte, into any) error {
	if err := json.Unmarshal(body, into); err != nil {
		return garbled("the answer is %s, and not the JSON that its documentation shows", looksLike(body))
	}
	return nil
}

// span is a part of the time that is asked for.
type span struct{ from, to time.Time }

// parts cuts a time into parts that may be asked for at once, on whole steps.
func parts(from, to time.Time, step, most time.Duration) []span {
	from, end := from.Truncate(step), to.Truncate(step)
	if end.Before(to) {
		end = end.Add(step)
	}
	var out []span
	for from.Before(end) {
		next := from.Add(most)
		if next.After(end) {
			next = end
		}
		out = append(out, span{from, next})
		from = next
	}
	return out
}
