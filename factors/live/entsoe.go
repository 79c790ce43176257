package live

import (
	"cmp"
	"context"
	"encoding/xml"
	"errors"
	"fmt"
	"math"
	"net/http"
	"net/url"
	"time"

	"github.com/ecotracer/ecotracer/factors"
)

// ENTSOE asks the Transparency Platform of the European grid operators for the
// generation by plant type (A75), and computes the average intensity of
// production by the emissions of the fuels, on both bases. Imports are not in
// it. It tells the past, an hour or a few late, and no forecast.
//
// A query's Zone is a zone's EIC, such as 10Y1001A1001A83F, or its name at
// Electricity Maps, such as SE-SE3. Countries and their mainland regions are
// found by themselves. Great Britain no longer publishes there.
type ENTSOE struct {
	Token  Secret
	Zone   string       // for its country, and for places that tell none for certain
	Base   string       // https://web-api.tp.entsoe.eu if empty
	Client *http.Client // one of its own if nil

	api client
}

var _ factors.GridSource = (*ENTSOE)(nil)

// Current is the intensity of the last step that is complete.
func (s *ENTSOE) Current(ctx context.Context, q factors.Query) (factors.Factor, error) {
	return ask(ctx, s, current, q, time.Time{}, time.Time{})
}

// History is the intensity in steps of 15, 30 or 60 minutes, as published.
func (s *ENTSOE) History(ctx context.Context, q factors.Query, from, to time.Time) (factors.Factor, error) {
	return ask(ctx, s, past, q, from, to)
}

// Forecast is refused: the platform tells no forecast of the whole mix.
func (s *ENTSOE) Forecast(context.Context, factors.Query, time.Time, time.Time) (factors.Factor, error) {
	return factors.Factor{}, noFigure(entsoeName, "it tells what was generated, and no forecast of it")
}

const entsoeName = "ENTSO-E Transparency Platform"

func (s *ENTSOE) traits() (traits, error) {
	t := traits{
		slug: "entsoe", base: s.Base, name: entsoeName, licence: "ENTSO-E Transparency Platform terms", quality: "B",
		kind: factors.Grid, bases: []string{"lifecycle", "direct"}, mix: "production",
	}
	if s.Token == "" {
		return t, noKey(entsoeName, "Token", "ENTSOE_TOKEN")
	}
	return t, nil
}

var eic = form(`^[0-9]{2}[A-Z0-9-]{14}$`)

// entsoeZones are the areas of countries and bidding zones, the latter by
// their names at Electricity Maps. Source: the platform's list of areas.
var entsoeZones = map[string]string{
	"AL": "10YAL-KESH-----5", "AT": "10YAT-APG------L", "BA": "10YBA-JPCC-----D", "BE": "10YBE----------2",
	"BG": "10YCA-BULGARIA-R", "CH": "10YCH-SWISSGRIDZ", "CY": "10YCY-1001A0003J", "CZ": "10YCZ-CEPS-----N",
	"DE": "10Y1001A1001A83F", "DK": "10Y1001A1001A65H", "EE": "10Y1001A1001A39I", "ES": "10YES-REE------0",
	"FI": "10YFI-1--------U", "FR": "10YFR-RTE------C", "GE": "10Y1001A1001B012", "GR": "10YGR-HTSO-----Y",
	"HR": "10YHR-HEP------M", "HU": "10YHU-MAVIR----U", "IE": "10YIE-1001A00010", "IT": "10YIT-GRTN-----B",
	"LT": "10YLT-1001A0008Q", "LU": "10YLU-CEGEDEL-NQ", "LV": "10YLV-1001A00074", "MD": "10Y1001A1001A990",
	"ME": "10YCS-CG-TSO---S", "MK": "10YMK-MEPSO----8", "NL": "10YNL----------L", "NO": "10YNO-0--------C",
	"PL": "10YPL-AREA-----S", "PT": "10YPT-REN------W", "RO": "10YRO-TEL------P", "RS": "10YCS-SERBIATSOV",
	"SE": "10YSE-1--------K", "SI": "10YSI-ELES-----O", "SK": "10YSK-SEPS-----K", "XK": "10Y1001C--00100H",

	"DK-DK1": "10YDK-1--------W", "DK-DK2": "10YDK-2--------M", "GB-NIR": "10Y1001A1001A016",
	"IT-NO": "10Y1001A1001A73I", "IT-CNO": "10Y1001A1001A70O", "IT-CSO": "10Y1001A1001A71M", "IT-SO": "10Y1001A1001A788",
	"IT-SAR": "10Y1001A1001A74G", "IT-SIC": "10Y1001A1001A75E",
	"NO-NO1": "10YNO-1--------2", "NO-NO2": "10YNO-2--------T", "NO-NO3": "10YNO-3--------J", "NO-NO4": "10YNO-4--------9",
	"NO-NO5": "10Y1001A1001A48H", "SE-SE1": "10Y1001A1001A44P", "SE-SE2": "10Y1001A1001A45N", "SE-SE3": "10Y1001A1001A46L",
	"SE-SE4": "10Y1001A1001A47J",
}

func (s *ENTSOE) locate(q factors.Query) (zone, error) {
	p, err := spotOf(q)
	if err != nil {
		return zone{}, err
	}
	name := q.Zone
	if eic(name) || entsoeZones[name] != "" {
		if known := entsoeNamed(name); known != "" {
			err = p.agrees(known)
		}
	} else {
		name, err = p.choose(s.Zone, geography(entsoeNamed(s.Zone)), p.entsoeZone)
	}
	switch {
	case err != nil:
		return zone{}, err
	case entsoeZones[name] != "":
		return zone{entsoeZones[name], geography(name)}, nil
	case eic(name):
		return zone{name, cmp.Or(geography(entsoeNamed(name)), p.country)}, nil
	}
	return zone{}, fmt.Errorf("zone %q is none of its areas, such as 10Y1001A1001A83F or SE-SE3", name)
}

// entsoeNamed is our name for an area that is told by name or EIC; "" if it is
// not known.
func entsoeNamed(zone string) string {
	if entsoeZones[zone] != "" {
		return zone
	}
	for name, code := range entsoeZones {
		if code == zone {
			return name
		}
	}
	return ""
}

// entsoeZone is the area that a place is. A country with several zones has an
// area of its own here.
func (p spot) entsoeZone() (name string, err error) {
	switch {
	case p.country == "":
		return "", errors.New("no place: give a country, a zone, or a cloud's provider and region")
	case p.country == "GB" && p.region != "GB-NIR":
		return "", errors.New("nothing of Great Britain was published there since 2021: ask the GB Carbon Intensity API")
	case p.country != "GB" && entsoeZones[p.country] == "":
		return "", fmt.Errorf("it does not tell of %s: give Zone, the EIC of an area, if it does", p.country)
	case p.region == "" && p.grid == "":
		return p.country, nil
	}
	return p.emZoneOf()
}

// psrTypes are the plant types of the platform's list, as classes of the data
// set.
var psrTypes = map[string]string{
	"B01": "biomass", "B02": "lignite", "B03": "coal-gas", "B04": "gas", "B05": "coal", "B06": "oil", "B07": "oil-shale",
	"B08": "peat", "B09": "geothermal", "B10": storage, "B11": "hydro-temperate", "B12": "hydro-temperate", "B13": "ocean",
	"B14": "nuclear", "B15": "other-renewable", "B16": "solar", "B17": "waste", "B18": "wind", "B19": "wind", "B20": "other",
	"B25": storage,
}

func (s *ENTSOE) answer(ctx context.Context, z zone, r request) (answer, error) {
	c := s.api.ready(options{
		name: entsoeName, client: s.Client, base: s.Base, address: "https://web-api.tp.entsoe.eu",
		secret: true, every: 200 * time.Millisecond, // it allows 400 a minute
	})
	sign := func(q *http.Request) {
		v := q.URL.Query()
		v.Set("securityToken", string(s.Token))
		q.URL.RawQuery = v.Encode()
	}
	a := answer{endpoint: "actual generation per type (A75)"}
	const format = "200601021504"
	var blocks []block
	var none error
	for _, part := range parts(r.from, r.to, time.Hour, entsoeDays*24*time.Hour) {
		query := url.Values{
			"documentType": {"A75"}, "processType": {"A16"}, "in_Domain": {z.name},
			"periodStart": {part.from.Format(format)}, "periodEnd": {part.to.Format(format)},
		}
		got, err := c.get(ctx, "api", query, sign, http.StatusBadRequest)
		if err != nil {
			return a, err
		}
		a.url = got.url
		more, err := decodeENTSOE(got.body, z.name)
		if err == nil && got.status != http.StatusOK {
			err = garbled("it answers %d %s", got.status, http.StatusText(got.status))
		}
		if errors.Is(err, factors.ErrNoFactor) { // of a part: then it is a hole
			none = err
		} else if err != nil {
			return a, err
		}
		blocks = append(blocks, more...)
	}
	if len(blocks) == 0 {
		return a, none
	}
	m, err := mixOf(blocks, r.from, r.to)
	if err == nil {
		a.step, a.notes = m.step, m.notes(r.basis)
		a.points, a.spread, err = m.intensity(r.basis)
	}
	return a, err
}

// entsoeDocument is a GL_MarketDocument, or an Acknowledgement_MarketDocument
// that says why there is none.
type entsoeDocument struct {
	XMLName xml.Name
	Reason  []struct {
		Code string `xml:"code"`
	} `xml:"Reason"`
	Series []entsoeSeries `xml:"TimeSeries"`
}

type entsoeSeries struct {
	In    string `xml:"inBiddingZone_Domain.mRID"`
	Out   string `xml:"outBiddingZone_Domain.mRID"` // then it is consumption, as of pumps
	Unit  string `xml:"quantity_Measure_Unit.name"`
	Curve string `xml:"curveType"`
	Plant string `xml:"MktPSRType>psrType"`

	Periods []struct {
		Start      string `xml:"timeInterval>start"`
		End        string `xml:"timeInterval>end"`
		Resolution string `xml:"resolution"`
		Points     []struct {
			Position int     `xml:"position"`
			Quantity float64 `xml:"quantity"`
		} `xml:"Point"`
	} `xml:"Period"`
}

var resolutions = map[string]time.Duration{
	"PT1M": time.Minute, "PT5M": 5 * time.Minute, "PT15M": 15 * time.Minute, "PT30M": 30 * time.Minute,
	"PT60M": time.Hour, "PT1H": time.Hour,
}

// What a document may hold: 7 days of 20 plant types every minute are 200,000
// steps.
const (
	entsoeDays  = 7 // that are asked for at once
	entsoeSteps = 300_000
)

// block is the generation of a plant type in steps of equal length: MW, NaN
// where it is not told.
type block struct {
	plant plant
	start time.Time
	step  time.Duration
	mw    []float64
}

// decodeENTSOE reads a document.
func decodeENTSOE(body []byte, area string) ([]block, error) {
	var d entsoeDocument
	if err := xml.Unmarshal(body, &d); err != nil {
		return nil, garbled("the answer is %s, and not the XML that its documentation shows", looksLike(body))
	}
	switch d.XMLName.Local {
	case "GL_MarketDocument":
	case "Acknowledgement_MarketDocument":
		for _, r := range d.Reason {
			if r.Code == "999" {
				return nil, noFigure("", "it has no figures of this area and time (reason 999)")
			}
		}
		return nil, garbled("it refuses the request")
	default:
		return nil, garbled("the answer is another document than GL_MarketDocument")
	}
	var blocks []block
	left := entsoeSteps
	for _, s := range d.Series {
		if s.Out != "" {
			continue // what pumps take is generated elsewhere
		}
		more, err := s.blocks(area, &left)
		if err != nil {
			return nil, err
		}
		blocks = append(blocks, more...)
	}
	if len(blocks) == 0 {
		return nil, noFigure("", "it has no generation of this area and time")
	}
	return blocks, nil
}

func (s *entsoeSeries) blocks(area string, left *int) ([]block, error) {
	p := plant{s.Plant, psrTypes[s.Plant]}
	switch {
	case s.In != area:
		return nil, garbled("the answer is of another area than %s", area)
	case s.Unit != "MAW":
		return nil, garbled("the answer is in another unit than MAW")
	case p.fuel == "":
		return nil, garbled("the answer has a plant type that is not known here")
	}
	var blocks []block
	for _, period := range s.Periods {
		const format = "2006-01-02T15:04Z07:00"
		start, err1 := time.Parse(format, period.Start)
		end, err2 := time.Parse(format, period.End)
		step := resolutions[period.Resolution]
		n := 0
		if err1 == nil && err2 == nil && step > 0 {
			n = int(end.Sub(start) / step)
		}
		if *left -= n; n < 1 || *left < 0 || !start.Add(time.Duration(n)*step).Equal(end) {
			return nil, garbled("a period is not of whole steps of PT1M to PT60M, or there are more than %d of them", entsoeSteps)
		}
		b := block{p, start.UTC(), step, make([]float64, n)}
		for k := range b.mw {
			b.mw[k] = math.NaN()
		}
		last := 0
		for _, x := range period.Points {
			if x.Position <= last || x.Position > n {
				return nil, garbled("a period of %d steps has position %d after %d", n, x.Position, last)
			}
			last = x.Position
			b.mw[x.Position-1] = x.Quantity
		}
		if s.Curve == "A03" { // positions are left out where the quantity stays what it was
			for k := 1; k < n; k++ {
				if math.IsNaN(b.mw[k]) {
					b.mw[k] = b.mw[k-1]
				}
			}
		}
		blocks = append(blocks, b)
	}
	return blocks, nil
}

// mixOf puts blocks together in the finest of their steps.
func mixOf(blocks []block, from, to time.Time) (*mix, error) {
	step := blocks[0].step
	for _, b := range blocks {
		step = min(step, b.step)
	}
	m, err := newMix(from, to, step)
	if err != nil {
		return nil, err
	}
	for _, b := range blocks {
		if b.step%step != 0 {
			return nil, garbled("the answer has steps of %v and %v", b.step, step)
		}
		for k, mw := range b.mw {
			at := b.start.Add(time.Duration(k) * b.step)
			if end := at.Add(b.step); !end.After(from) || !at.Before(to) {
				continue
			}
			for end := at.Add(b.step); at.Before(end); at = at.Add(step) {
				if err := m.set(b.plant, at, mw); err != nil {
					return nil, err
				}
			}
		}
	}
	return m, nil
}
