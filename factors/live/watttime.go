package live

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"github.com/ecotracer/ecotracer/factors"
)

// WattTime asks the API of WattTime (v3): what one more kWh emits (MOER, CO2 of
// combustion), every five minutes. It answers queries of kind Marginal and
// basis direct. Without a plan there is one region to try, CAISO_NORTH.
//
// A query's Zone is a region of WattTime, such as CAISO_NORTH. Countries that
// are one region and most cloud regions are found by themselves.
type WattTime struct {
	User     string
	Password Secret
	Zone     string       // for its country, and for places that tell none for certain
	Base     string       // https://api.watttime.org if empty
	Client   *http.Client // one of its own if nil

	api   client
	login turn
	token func() string // a closure, so that no dump shows it; nil if there is none
	since time.Time     // of the token
}

var _ factors.GridSource = (*WattTime)(nil)

// Current is the intensity of the last five minutes.
func (s *WattTime) Current(ctx context.Context, q factors.Query) (factors.Factor, error) {
	return ask(ctx, s, current, q, time.Time{}, time.Time{})
}

// History is the intensity every five minutes.
func (s *WattTime) History(ctx context.Context, q factors.Query, from, to time.Time) (factors.Factor, error) {
	return ask(ctx, s, past, q, from, to)
}

// Forecast is the intensity of up to the next 72 hours.
func (s *WattTime) Forecast(ctx context.Context, q factors.Query, from, to time.Time) (factors.Factor, error) {
	return ask(ctx, s, future, q, from, to)
}

const wattTimeName = "WattTime API v3"

func (s *WattTime) traits() (traits, error) {
	t := traits{
		slug: "watttime", base: s.Base, name: wattTimeName, licence: "WattTime API terms",
		quality: "C", kind: factors.Marginal, bases: []string{"direct"}, mix: "production", spread: both(marginalSpread),
	}
	if s.User == "" || s.Password == "" {
		return t, &failure{source: wattTimeName, err: ErrNoAccess,
			why: "no account: set User and Password, or $ECOTRACER_WATTTIME_USER and $ECOTRACER_WATTTIME_PASSWORD"}
	}
	return t, nil
}

var wattTimeZone = form(`^[A-Z][A-Z0-9_]{1,63}$`)

// wattTimeZones are the countries and regions that are one region of WattTime,
// or are all in one, by its name. Source: real-time cloud metadata of the Green
// Software Foundation.
var wattTimeZones = map[string]string{
	"AE": "ARE", "AT": "AT", "BE": "BE", "BH": "BHR", "BR": "BRA", "CH": "CH", "CL": "CHL", "CN": "CHN", "DE": "DE",
	"DK": "DK", "ES": "ES", "FI": "FI", "FR": "FR", "GB": "UK", "GR": "GR", "IE": "IE", "IN": "IND", "IT": "IT",
	"KR": "KOR", "NL": "NL", "NZ": "NZL", "PL": "PL", "QA": "QAT", "SA": "SAU", "SE": "SE", "SG": "SGP", "TW": "TWN",
	"ZA": "ZAF", "AU-ACT": "NEM_NSW", "AU-NSW": "NEM_NSW", "AU-VIC": "NEM_VIC", "CA-QC": "HQ",
}

func (s *WattTime) locate(q factors.Query) (zone, error) {
	p, err := spotOf(q)
	name := q.Zone
	switch {
	case err != nil:
	case wattTimeZone(name):
		if in := wattTimeCountry(name); p.country != "" && in != p.country && (in != "" || wattTimeZones[p.country] != "") {
			err = fmt.Errorf("region %s is not in %s", name, p.country)
		}
	default:
		name, err = p.choose(s.Zone, wattTimeCountry(s.Zone), func() (string, error) {
			if region := cmp.Or(p.watttime, wattTimeZones[p.region], wattTimeZones[p.country]); region != "" {
				return region, nil
			}
			return "", errors.New("which of its regions that is, is not known here: give Zone, such as CAISO_NORTH")
		})
	}
	if err == nil && !wattTimeZone(name) {
		err = fmt.Errorf("zone %q is none of its regions, such as CAISO_NORTH", name)
	}
	return zone{name, p.country}, err
}

// wattTimeCountry is the country that a region is in; "" if it is not known.
func wattTimeCountry(region string) string {
	for place, name := range wattTimeZones {
		if name == region {
			return place[:2]
		}
	}
	return ""
}

func (s *WattTime) client() *client {
	return s.api.ready(options{
		name: wattTimeName, client: s.Client, base: s.Base, address: "https://api.watttime.org",
		secret: true, every: 125 * time.Millisecond, // it allows ten a second
	})
}

// get asks with a token, and once more with a new one if that is refused.
func (s *WattTime) get(ctx context.Context, path string, query url.Values) (answerTo, error) {
	token, err := s.tokenFor(ctx, "")
	if err != nil {
		return answerTo{}, err
	}
	bearer := func(q *http.Request) { q.Header.Set("Authorization", "Bearer "+token) }
	got, err := s.client().get(ctx, path, query, bearer, http.StatusUnauthorized)
	if err == nil && got.status == http.StatusUnauthorized {
		if token, err = s.tokenFor(ctx, token); err != nil {
			return answerTo{}, err
		}
		got, err = s.client().get(ctx, path, query, bearer)
	}
	return got, err
}

// tokenLife is how long a token is used: it is good for 30 minutes.
const tokenLife = 25 * time.Minute

// tokenFor returns a token, a new one if there is none that is good or if refused
// is the one that there is.
func (s *WattTime) tokenFor(ctx context.Context, refused string) (string, error) {
	c := s.client()
	if err := s.login.take(ctx); err != nil { // the others wait for the token
		return "", &failure{source: wattTimeName, why: "no time was left to ask it", err: err}
	}
	defer s.login.give()
	if s.token != nil && s.token() != refused && time.Since(s.since) < tokenLife {
		return s.token(), nil
	}
	got, err := c.get(ctx, "login", nil, func(q *http.Request) { q.SetBasicAuth(s.User, string(s.Password)) })
	if err != nil {
		return "", err
	}
	var a struct {
		Token string `json:"token"`
	}
	err = decodeJSON(got.body, &a)
	if err == nil && (a.Token == "" || len(a.Token) > 8192 || !printable(a.Token)) {
		err = garbled("the answer holds no token")
	}
	if err != nil {
		return "", complete(err, wattTimeName, got.url)
	}
	s.token, s.since = func() string { return a.Token }, time.Now()
	return a.Token, nil
}

// printable tells whether a text can stand in a header.
func printable(s string) bool {
	for _, c := range []byte(s) {
		if c <= ' ' || c > '~' {
			return false
		}
	}
	return true
}

func (s *WattTime) answer(ctx context.Context, z zone, r request) (answer, error) {
	query := url.Values{"region": {z.name}, "signal_type": {"co2_moer"}}
	a := answer{notes: []string{"CO2 only"}}
	get := func(path string) (answer, error) {
		got, err := s.get(ctx, path, query)
		if err != nil {
			return a, err
		}
		a.endpoint, a.url = path, got.url
		points, step, err := decodeWattTime(got.body, z.name)
		if err == nil && a.step != 0 && step != a.step {
			err = garbled("the answers have steps of %v and %v", a.step, step)
		}
		a.step, a.points = step, append(a.points, points...)
		return a, err
	}
	switch r.tense {
	case current:
		query.Set("horizon_hours", "0") // its first point is at most five minutes old
		return get("v3/forecast")
	case future:
		hours := int(time.Until(r.to).Hours()) + 1
		query.Set("horizon_hours", strconv.Itoa(min(max(hours, 1), 72)))
		return get("v3/forecast")
	}
	for _, part := range parts(r.from, r.to, 5*time.Minute, 31*24*time.Hour) { // it allows 32 days
		query.Set("start", stamp(part.from))
		query.Set("end", stamp(part.to))
		if _, err := get("v3/historical"); err != nil {
			return a, err
		}
	}
	return a, nil
}

// perLb is g in a lb, over MWh in kWh.
const perLb = 0.45359237

// decodeWattTime reads the answer of historical or forecast.
func decodeWattTime(body []byte, zone string) ([]point, time.Duration, error) {
	var a struct {
		Data []struct {
			At    time.Time `json:"point_time"`
			Value *float64  `json:"value"`
		} `json:"data"`
		Meta struct {
			Region string  `json:"region"`
			Signal string  `json:"signal_type"`
			Units  string  `json:"units"`
			Step   float64 `json:"data_point_period_seconds"`
		} `json:"meta"`
	}
	if err := decodeJSON(body, &a); err != nil {
		return nil, 0, err
	}
	switch m := a.Meta; {
	case m.Region != zone:
		return nil, 0, garbled("the answer is of another region than %s", zone)
	case m.Signal != "co2_moer":
		return nil, 0, garbled("the answer is of another signal than co2_moer")
	case m.Units != "lbs_co2_per_mwh":
		return nil, 0, garbled("the answer is in another unit than lbs_co2_per_mwh")
	case !(m.Step >= 60 && m.Step <= 86400):
		return nil, 0, garbled("the answer has steps of %g s", m.Step)
	}
	points := make([]point, 0, len(a.Data))
	for _, v := range a.Data {
		if v.At.IsZero() {
			return nil, 0, garbled("a value tells no time")
		}
		points = append(points, newPoint(v.At, v.Value, perLb, false))
	}
	return points, time.Duration(a.Meta.Step * float64(time.Second)), nil
}
