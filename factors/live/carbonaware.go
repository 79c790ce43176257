package live

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/ecotracer/ecotracer/factors"
)

// CarbonAware asks a server of the Carbon Aware SDK of the Green Software
// Foundation, which the operator runs. What its figures mean depends on the
// data source behind it, which it does not tell: whoever runs it must say in
// Signal and Basis.
//
// A query's Zone is a location's name there, and so is its CloudRegion.
type CarbonAware struct {
	Base   string       // address of the server
	Signal string       // average or marginal
	Basis  string       // lifecycle or direct
	Zone   string       // for its country, and for places that tell none for certain
	Client *http.Client // one of its own if nil

	api client
}

var _ factors.GridSource = (*CarbonAware)(nil)

// Current is the last figure of the server.
func (s *CarbonAware) Current(ctx context.Context, q factors.Query) (factors.Factor, error) {
	return ask(ctx, s, current, q, time.Time{}, time.Time{})
}

// History is the intensity in the steps of the source behind the server.
func (s *CarbonAware) History(ctx context.Context, q factors.Query, from, to time.Time) (factors.Factor, error) {
	return ask(ctx, s, past, q, from, to)
}

// Forecast is the server's current one.
func (s *CarbonAware) Forecast(ctx context.Context, q factors.Query, from, to time.Time) (factors.Factor, error) {
	return ask(ctx, s, future, q, from, to)
}

const carbonAwareName = "Carbon Aware SDK server"

func (s *CarbonAware) traits() (traits, error) {
	t := traits{
		slug: "carbon-aware", base: s.Base, name: carbonAwareName, licence: "that of the data source behind the server",
		quality: "C", kind: factors.Grid, bases: []string{s.Basis}, mix: "consumption", spread: both(estimatedSpread),
	}
	if s.Signal == "marginal" {
		t.kind, t.mix = factors.Marginal, "production"
	}
	switch {
	case s.Base == "":
		return t, &failure{source: carbonAwareName, why: "no address: set Base, or $ECOTRACER_CARBON_AWARE_URL", err: ErrNoAccess}
	case s.Signal != "average" && s.Signal != "marginal":
		return t, &failure{source: carbonAwareName,
			why: "what its figures mean is not said: set Signal, or $ECOTRACER_CARBON_AWARE_SIGNAL, to average or marginal"}
	case s.Basis != "lifecycle" && s.Basis != "direct":
		return t, &failure{source: carbonAwareName,
			why: "what its figures cover is not said: set Basis, or $ECOTRACER_CARBON_AWARE_BASIS, to lifecycle or direct"}
	}
	return t, nil
}

var carbonAwareZone = form(`^[A-Za-z0-9][A-Za-z0-9_-]{0,63}$`)

func (s *CarbonAware) locate(q factors.Query) (zone, error) {
	p, err := spotOf(q)
	if err != nil && q.CloudRegion != "" && q.Country == "" && q.Region == "" {
		err = nil // a cloud region that only the server knows
	}
	name := q.Zone
	if err == nil && name == "" {
		name, err = p.choose(s.Zone, cloudCountry(s.Zone), func() (string, error) {
			if q.CloudRegion == "" {
				return "", errors.New("give Zone: a location of the server, such as eastus")
			}
			return q.CloudRegion, nil
		})
	}
	if err == nil && !carbonAwareZone(name) {
		err = fmt.Errorf("zone %q is no location, such as eastus", name)
	}
	return zone{name, p.country}, err
}

// cloudCountry is the country of a cloud region by its name alone; "" if it is
// not known.
func cloudCountry(region string) string {
	for _, provider := range []string{"azure", "aws", "gcp"} {
		if country, _, err := factors.CloudPlace(provider, region); err == nil {
			return country
		}
	}
	return ""
}

func (s *CarbonAware) answer(ctx context.Context, z zone, r request) (answer, error) {
	c := s.api.ready(options{name: carbonAwareName, client: s.Client, base: s.Base, every: 50 * time.Millisecond})
	a := answer{notes: []string{"as its operator says: " + s.Signal + ", " + s.Basis}}
	query := url.Values{"location": {z.name}}
	if r.tense == future {
		a.endpoint = "emissions/forecasts/current"
	} else {
		a.endpoint = "emissions/bylocation"
		if r.tense == current {
			r.from = r.to.Add(-3 * time.Hour)
		}
		query.Set("time", stamp(r.from))
		query.Set("toTime", stamp(r.to))
	}
	got, err := c.get(ctx, a.endpoint, query, nil)
	if err != nil {
		return a, err
	}
	a.url = got.url
	if got.status == http.StatusNoContent {
		return a, noFigure("", "it has no figures of this location and time")
	}
	a.points, a.step, err = decodeCarbonAware(got.body, z.name, r.tense == future)
	return a, err
}

// carbonAwareValue is a figure as the versions of the server tell it.
type carbonAwareValue struct {
	Location  string          `json:"location"`
	At        *time.Time      `json:"timestamp"`
	Value     *float64        `json:"value"`
	Duration  json.RawMessage `json:"duration"` // minutes, or hours:minutes:seconds
	OldAt     *time.Time      `json:"time"`
	OldRating *float64        `json:"rating"`
}

// decodeCarbonAware reads the answer of bylocation, or of forecasts/current.
func decodeCarbonAware(body []byte, location string, forecast bool) ([]point, time.Duration, error) {
	var values []carbonAwareValue
	if forecast {
		var list []struct {
			Location string             `json:"location"`
			Data     []carbonAwareValue `json:"forecastData"`
		}
		if err := decodeJSON(body, &list); err != nil {
			return nil, 0, err
		}
		if len(list) != 1 || !strings.EqualFold(list[0].Location, location) {
			return nil, 0, garbled("the answer is not the one forecast of %s", location)
		}
		values = list[0].Data
	} else if err := decodeJSON(body, &values); err != nil {
		return nil, 0, err
	}
	var step time.Duration
	points := make([]point, 0, len(values))
	for i, v := range values {
		// The location of a value is the source's name for it, not ours.
		at, value := cmp.Or(v.At, v.OldAt), cmp.Or(v.Value, v.OldRating)
		d, err := carbonAwareDuration(v.Duration)
		switch {
		case at == nil || at.IsZero():
			return nil, 0, garbled("a value tells no time")
		case v.Location != values[0].Location:
			return nil, 0, garbled("the answer is of several locations")
		case err != nil:
			return nil, 0, err
		case i > 0 && d != step:
			return nil, 0, garbled("the answer has steps of %v and %v", step, d)
		}
		step = d
		points = append(points, newPoint(*at, value, 1, false))
	}
	return points, step, nil
}

// carbonAwareDuration is the step of a value; 0 if it does not tell.
func carbonAwareDuration(raw json.RawMessage) (time.Duration, error) {
	text := strings.Trim(string(raw), `"`)
	if text == "" || text == "null" {
		return 0, nil
	}
	if x, err := strconv.ParseFloat(text, 64); err == nil && x >= 1 && x <= 24*60 {
		return time.Duration(x * float64(time.Minute)), nil
	}
	if t, err := time.Parse(time.TimeOnly, text); err == nil {
		if d := t.Sub(t.Truncate(24 * time.Hour)); d >= time.Minute {
			return d, nil
		}
	}
	return 0, garbled("a value has no duration such as 30 or 00:30:00")
}
