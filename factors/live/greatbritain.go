package live

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"time"

	"github.com/ecotracer/ecotracer/factors"
)

// GreatBritain asks the Carbon Intensity API of the National Energy System
// Operator, which needs no key: the average intensity of consumption in Great
// Britain, every half hour, direct (CO2 of combustion). It answers queries of
// kind Grid and basis direct.
//
// Of the whole it tells forecast and, once it is past, an estimate of what was;
// of a region only the forecast. A query of country GB is of the whole, of
// GB-ENG, GB-SCT and GB-WLS of that region; a query's Zone is the number of
// one of its regions, 1 to 17, such as 13 for London.
type GreatBritain struct {
	Zone   string       // for its country, and for places that tell none for certain
	Base   string       // https://api.carbonintensity.org.uk if empty
	Client *http.Client // one of its own if nil

	api client
}

var _ factors.GridSource = (*GreatBritain)(nil)

// Current is the intensity of this half hour.
func (s *GreatBritain) Current(ctx context.Context, q factors.Query) (factors.Factor, error) {
	return ask(ctx, s, current, q, time.Time{}, time.Time{})
}

// History is the intensity by the half hour.
func (s *GreatBritain) History(ctx context.Context, q factors.Query, from, to time.Time) (factors.Factor, error) {
	return ask(ctx, s, past, q, from, to)
}

// Forecast is the intensity of up to the next 96 hours.
func (s *GreatBritain) Forecast(ctx context.Context, q factors.Query, from, to time.Time) (factors.Factor, error) {
	return ask(ctx, s, future, q, from, to)
}

const gbName = "GB Carbon Intensity API"

func (s *GreatBritain) traits() (traits, error) {
	return traits{
		slug: "gb", base: s.Base, name: gbName, licence: "CC-BY-4.0", quality: "A",
		kind: factors.Grid, bases: []string{"direct"}, mix: "consumption",
		spread: both(directSpread), rough: both(estimatedSpread),
	}, nil
}

func (s *GreatBritain) locate(q factors.Query) (zone, error) {
	p, err := spotOf(q)
	if err == nil && p.country != "" && p.country != "GB" {
		err = fmt.Errorf("it tells of Great Britain, not of %s", p.country)
	}
	name := q.Zone
	if n, bad := strconv.Atoi(name); err == nil && name != "GB" && (bad != nil || n < 1) {
		name, err = p.choose(s.Zone, "GB", p.gbZone)
	}
	n, bad := strconv.Atoi(name)
	if err == nil && name != "GB" && (bad != nil || n < 1 || n > 17) {
		err = fmt.Errorf("zone %q is none of its regions, 1 to 17", name)
	}
	return zone{name, cmp.Or(map[string]string{"15": "GB-ENG", "16": "GB-SCT", "17": "GB-WLS"}[name], "GB")}, err
}

// gbZone is the region that a place is, or GB for the whole.
func (p spot) gbZone() (string, error) {
	if p.country == "GB" && p.region == "" {
		return "GB", nil
	}
	name, known := map[string]string{"GB-ENG": "15", "GB-SCT": "16", "GB-WLS": "17"}[p.region]
	if !known {
		return "", errors.New("give country GB, or Zone: the number of its region, 1 to 17")
	}
	return name, nil
}

func (s *GreatBritain) answer(ctx context.Context, z zone, r request) (answer, error) {
	c := s.api.ready(options{
		name: gbName, client: s.Client, base: s.Base,
		address: "https://api.carbonintensity.org.uk", every: 250 * time.Millisecond,
	})
	const step = 30 * time.Minute
	a := answer{step: step, endpoint: "intensity", notes: []string{"CO2 only"}}
	if z.name != "GB" {
		a.endpoint, a.spread = "regional/intensity", both(regionalSpread)
	}
	const most = 13 * 24 * time.Hour // it allows 14 days
	switch r.tense {
	case current:
		r.from = r.to.Add(-2 * time.Hour)
	case future:
		r.to = earlier(r.to, r.from.Add(most))
	}
	for _, part := range parts(r.from, r.to, step, most) {
		path := a.endpoint + "/" + minute(part.from) + "/" + minute(part.to)
		if z.name != "GB" {
			path += "/regionid/" + z.name
		}
		got, err := c.get(ctx, path, nil, nil)
		if err != nil {
			return a, err
		}
		a.url = got.url
		points, err := decodeGreatBritain(got.body, z.name, time.Now())
		if err != nil {
			return a, err
		}
		a.points = append(a.points, points...)
	}
	return a, nil
}

// decodeGreatBritain reads an answer of intensity, or of regional/intensity for
// one region. A half hour that has begun and has no measured value has its
// forecast, as an estimate.
func decodeGreatBritain(body []byte, zone string, now time.Time) ([]point, error) {
	type halfHour struct {
		From      string `json:"from"`
		To        string `json:"to"`
		Intensity struct {
			Forecast *float64 `json:"forecast"`
			Actual   *float64 `json:"actual"`
		} `json:"intensity"`
	}
	type region struct {
		ID   int        `json:"regionid"`
		Data []halfHour `json:"data"`
	}
	var data []halfHour
	var err error
	if zone == "GB" {
		var a struct {
			Data *[]halfHour `json:"data"`
		}
		if err = decodeJSON(body, &a); err == nil && a.Data == nil {
			err = garbled("the answer holds no data")
		}
		if err == nil {
			data = *a.Data
		}
	} else {
		var a struct {
			Data json.RawMessage `json:"data"`
		}
		var r region
		if err = decodeJSON(body, &a); err == nil {
			if err = json.Unmarshal(a.Data, &r); err != nil { // in a list, as other endpoints have it
				var list []region
				if err = decodeJSON(a.Data, &list); err == nil && len(list) == 1 {
					r = list[0]
				}
			}
		}
		if err == nil && strconv.Itoa(r.ID) != zone {
			err = garbled("the answer is of another region than %s", zone)
		}
		data = r.Data
	}
	if err != nil {
		return nil, err
	}
	var points []point
	for _, h := range data {
		from, errFrom := time.Parse("2006-01-02T15:04Z07:00", h.From)
		to, errTo := time.Parse("2006-01-02T15:04Z07:00", h.To)
		if errFrom != nil || errTo != nil || to.Sub(from) != 30*time.Minute {
			return nil, garbled("a value is not of half an hour")
		}
		i := h.Intensity
		p := newPoint(from, i.Actual, 1, false)
		if i.Actual == nil {
			p = newPoint(from, i.Forecast, 1, !from.After(now))
		}
		points = append(points, p)
	}
	return points, nil
}
