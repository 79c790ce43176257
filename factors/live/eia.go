package live

import (
	"bytes"
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

// EIA asks the US Energy Information Administration (API v2, form EIA-930) for
// the hourly generation by fuel of a balancing authority, and computes the
// average intensity of production by the emissions of the fuels, on both bases.
// Imports are not in it. It tells the past, some hours late, and no forecast.
//
// A query's Zone is a balancing authority or region of EIA, such as CISO or
// US48, or its name at Electricity Maps, such as US-CAL-CISO. Country US is the
// 48 contiguous states; most cloud regions are found by themselves.
type EIA struct {
	Key    Secret
	Zone   string       // for its country, and for places that tell none for certain
	Base   string       // https://api.eia.gov/v2 if empty
	Client *http.Client // one of its own if nil

	api client
}

var _ factors.GridSource = (*EIA)(nil)

// Current is the intensity of the last hour that is complete.
func (s *EIA) Current(ctx context.Context, q factors.Query) (factors.Factor, error) {
	return ask(ctx, s, current, q, time.Time{}, time.Time{})
}

// History is the intensity by the hour.
func (s *EIA) History(ctx context.Context, q factors.Query, from, to time.Time) (factors.Factor, error) {
	return ask(ctx, s, past, q, from, to)
}

// Forecast is refused: EIA tells no forecast of the mix.
func (s *EIA) Forecast(context.Context, factors.Query, time.Time, time.Time) (factors.Factor, error) {
	return factors.Factor{}, noFigure(eiaName, "it tells what was generated, and no forecast of it")
}

const eiaName = "EIA API v2"

func (s *EIA) traits() (traits, error) {
	t := traits{
		slug: "eia", base: s.Base, name: eiaName, licence: "public domain", quality: "B",
		kind: factors.Grid, bases: []string{"lifecycle", "direct"}, mix: "production", lag: 48 * time.Hour,
	}
	if s.Key == "" {
		return t, noKey(eiaName, "Key", "EIA_KEY")
	}
	return t, nil
}

var eiaZone = form(`^[A-Z][A-Z0-9]{1,4}$`)

func (s *EIA) locate(q factors.Query) (zone, error) {
	p, err := spotOf(q)
	if err == nil && p.country != "" && p.country != "US" {
		err = fmt.Errorf("it tells of the United States, not of %s", p.country)
	}
	name := q.Zone
	if err == nil && (name == "" || name == "US") {
		name, err = p.choose(s.Zone, "US", p.eiaZone)
	}
	if emZone(name) && strings.HasPrefix(name, "US-") {
		name = name[strings.LastIndexByte(name, '-')+1:] // that is the balancing authority
	}
	if err == nil && !eiaZone(name) {
		err = fmt.Errorf("zone %q is none of its balancing authorities, such as CISO", name)
	}
	return zone{name, "US"}, err
}

// eiaZone is the balancing authority that a place is in.
func (p spot) eiaZone() (string, error) {
	switch {
	case p.grid != "":
		return p.grid, nil
	case p.country == "US" && p.region == "" && !p.cloud:
		return "US48", nil
	}
	return "", errors.New("which balancing authority that is, is not known here: give Zone, such as CISO, or US48 for the contiguous states")
}

// eiaFuels are the energy sources of form EIA-930, as classes of the data set.
var eiaFuels = map[string]string{
	"COL": "coal", "NG": "gas", "OIL": "oil", "NUC": "nuclear", "WAT": "hydro-temperate", "SUN": "solar", "WND": "wind",
	"GEO": "geothermal", "OTH": "other", "UNK": "other", "SNB": "solar", "WNB": "wind",
	"BAT": storage, "PS": storage, "OES": storage, "UES": storage,
}

const (
	eiaRows  = 5000 // of a page
	eiaPages = 12   // of a request: 31 days have at most 3
	eiaHour  = "2006-01-02T15"
)

func (s *EIA) answer(ctx context.Context, z zone, r request) (answer, error) {
	c := s.api.ready(options{
		name: eiaName, client: s.Client, base: s.Base, address: "https://api.eia.gov/v2",
		secret: true, every: 250 * time.Millisecond,
	})
	sign := func(q *http.Request) {
		v := q.URL.Query()
		v.Set("api_key", string(s.Key))
		q.URL.RawQuery = v.Encode()
	}
	a := answer{endpoint: "electricity/rto/fuel-type-data", step: time.Hour}
	m, err := newMix(r.from, r.to, a.step)
	if err != nil {
		return a, err
	}
	for _, part := range parts(r.from, r.to, time.Hour, 31*24*time.Hour) {
		query := url.Values{
			"frequency": {"hourly"}, "data[0]": {"value"}, "facets[respondent][]": {z.name},
			"start": {part.from.Add(time.Hour).Format(eiaHour)}, "end": {part.to.Format(eiaHour)}, // the hours' ends
			"sort[0][column]": {"period"}, "sort[0][direction]": {"asc"},
			"sort[1][column]": {"fueltype"}, "sort[1][direction]": {"asc"},
			"length": {strconv.Itoa(eiaRows)},
		}
		for page, read := 0, 0; ; page++ {
			query.Set("offset", strconv.Itoa(read))
			got, err := c.get(ctx, a.endpoint+"/data/", query, sign)
			if err != nil {
				return a, err
			}
			a.url = got.url
			rows, total, err := decodeEIA(got.body, z.name, m)
			if err == nil && page == eiaPages {
				err = garbled("the answer has more pages than there are hours")
			}
			if err != nil {
				return a, err
			}
			if read += rows; rows == 0 || read >= total {
				break
			}
		}
	}
	if a.points, a.spread, err = m.intensity(r.basis); err != nil {
		return a, err
	}
	a.notes = m.notes(r.basis)
	if z.name == "US48" {
		a.notes = append(a.notes, "without Alaska and Hawaii")
	}
	return a, nil
}

// decodeEIA adds the generation of a page to a mix, and returns how many rows
// it has and how many there are in all.
func decodeEIA(body []byte, respondent string, into *mix) (rows, total int, err error) {
	var a struct {
		Response *struct {
			Total json.RawMessage `json:"total"` // a number, in a string or not
			Data  []struct {
				Period     string          `json:"period"`
				Respondent string          `json:"respondent"`
				Fuel       string          `json:"fueltype"`
				Value      json.RawMessage `json:"value"` // likewise, or null
				Units      string          `json:"value-units"`
			} `json:"data"`
		} `json:"response"`
	}
	if err := decodeJSON(body, &a); err != nil {
		return 0, 0, err
	}
	if a.Response == nil {
		return 0, 0, garbled("the answer holds no response")
	}
	whole, _, err := looseNumber(a.Response.Total)
	if err != nil || whole < 0 || whole > maxPoints {
		return 0, 0, garbled("the answer tells no total, or one of more than %d rows", maxPoints)
	}
	for _, row := range a.Response.Data {
		end, err := time.Parse(eiaHour, row.Period)
		mwh, known, errValue := looseNumber(row.Value)
		switch {
		case err != nil || end.Year() < 1990:
			return 0, 0, garbled("a row has no period such as 2024-01-01T00")
		case row.Respondent != respondent:
			return 0, 0, garbled("the answer is of another respondent than %s", respondent)
		case eiaFuels[row.Fuel] == "":
			return 0, 0, garbled("a row has a fuel type that is not known here")
		case row.Units != "megawatthours":
			return 0, 0, garbled("a row is in another unit than megawatthours")
		case errValue != nil:
			return 0, 0, garbled("a row's value is no number")
		case !known:
			continue
		}
		if err := into.set(plant{row.Fuel, eiaFuels[row.Fuel]}, end.Add(-time.Hour), mwh); err != nil {
			return 0, 0, err
		}
	}
	return len(a.Response.Data), int(whole), nil
}

// looseNumber reads a number, in a string or not; null and "" are none.
func looseNumber(raw json.RawMessage) (x float64, known bool, err error) {
	text := string(bytes.Trim(raw, `"`))
	if text == "" || text == "null" {
		return 0, false, nil
	}
	x, err = strconv.ParseFloat(text, 64)
	if err == nil && (x != x || x > 1e12 || x < -1e12) {
		err = strconv.ErrRange
	}
	return x, true, err
}
