package live

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/ecotracer/ecotracer/factors"
)

func isNoFactor(err error) bool { return errors.Is(err, factors.ErrNoFactor) }

var california = factors.Query{Kind: factors.Grid, Provider: "aws", CloudRegion: "us-west-1"}

// eia is a server in the shapes of the documentation: 300 MWh of gas and 100 of
// the sun in each hour, 40 that batteries take; it tells the key that it was
// asked with.
func eia(t *testing.T, change func(string) string, requests *int) *EIA {
	return &EIA{Key: key, Client: over(func(w http.ResponseWriter, r *http.Request) {
		q := r.URL.Query()
		if q.Get("api_key") != key {
			w.WriteHeader(http.StatusForbidden)
			_, _ = fmt.Fprint(w, `{"error":{"code":"API_KEY_MISSING"}}`)
			return
		}
		assert.Equal(t, "/v2/electricity/rto/fuel-type-data/data/", r.URL.Path)
		assert.Equal(t, []string{"hourly", "value"}, []string{q.Get("frequency"), q.Get("data[0]")})
		from, err1 := time.Parse(eiaHour, q.Get("start"))
		to, err2 := time.Parse(eiaHour, q.Get("end"))
		offset, err3 := strconv.Atoi(q.Get("offset"))
		assert.NoError(t, errors.Join(err1, err2, err3))
		var rows []string
		for at := from; !at.After(to); at = at.Add(time.Hour) {
			for fuel, mwh := range map[string]string{"NG": `"300"`, "SUN": `"100"`, "BAT": `"-40"`, "OIL": `null`} {
				rows = append(rows, fmt.Sprintf(`{"period":%q,"respondent":%q,"respondent-name":"California Independent System Operator","fueltype":%q,"type-name":"x","value":%s,"value-units":"megawatthours"}`,
					at.Format(eiaHour), q.Get("facets[respondent][]"), fuel, mwh))
			}
		}
		page := rows[min(offset, len(rows)):min(offset+eiaRows, len(rows))]
		body := fmt.Sprintf(`{"response":{"total":"%d","dateFormat":"YYYY-MM-DD\"T\"HH24","frequency":"hourly","data":[%s]},"request":{"command":"/v2/","params":{"api_key":%q}},"apiVersion":"2.1.8"}`,
			len(rows), strings.Join(page, ","), key)
		if change != nil {
			body = change(body)
		}
		if requests != nil {
			*requests++
		}
		_, _ = fmt.Fprint(w, body)
	})}
}

func TestEIAComputesTheIntensityOfAMix(t *testing.T) {
	clock(t, "2026-12-01T20:20:00Z", func(t *testing.T) {
		n := 0
		s := eia(t, nil, &n)
		f, err := s.History(t.Context(), california, ten.Add(20*time.Minute), ten.Add(2*time.Hour))
		good(t, f, err)
		gasAndSun := 0.75*490 + 0.25*45
		assert.InDeltaSlice(t, []float64{gasAndSun, gasAndSun}, f.Series.Value, 1e-9)
		assert.Equal(t, "2026-12-01T10:00:00Z", f.Series.Start, "a period is told by its end")
		assert.Contains(t, f.Source, "EIA API v2, electricity/rto/fuel-type-data, zone CISO")
		assert.Contains(t, f.Source, "without what storage gives back")
		assert.Equal(t, []string{"US", "public domain"}, []string{f.Geography, f.Licence})

		n = 0
		f, err = s.History(t.Context(), california, ten.Add(-60*24*time.Hour), ten)
		good(t, f, err)
		assert.Len(t, f.Series.Value, 60*24)
		assert.Equal(t, 2, n, "31 and 29 days of 4 fuels have less than 5000 rows each")

		f, err = s.Current(t.Context(), factors.Query{Kind: factors.Grid, Country: "US"})
		good(t, f, err)
		assert.Contains(t, f.Source, "zone US48")
		assert.Contains(t, f.Source, "without Alaska and Hawaii")

		_, err = s.Forecast(t.Context(), california, ten, ten.Add(time.Hour))
		require.ErrorIs(t, err, factors.ErrNoFactor)
	})
}

func TestEIAReadsPageAfterPage(t *testing.T) {
	var all []string
	for k := range 12_000 {
		all = append(all, fmt.Sprintf(`{"period":%q,"respondent":"CISO","fueltype":"NG","value":%d,"value-units":"megawatthours"}`,
			ten.Add(time.Duration(-k)*time.Hour).Format(eiaHour), 300))
	}
	serve := func(total func(offset int) string, n *int) *EIA {
		return &EIA{Key: key, Client: over(func(w http.ResponseWriter, r *http.Request) {
			offset, err := strconv.Atoi(r.URL.Query().Get("offset"))
			assert.NoError(t, err)
			*n++
			page := all[min(offset, len(all)):min(offset+eiaRows, len(all))]
			_, _ = fmt.Fprintf(w, `{"response":{"total":%s,"data":[%s]}}`, total(offset), strings.Join(page, ","))
		})}
	}
	clock(t, "2026-12-01T10:20:00Z", func(t *testing.T) {
		n := 0
		f, err := serve(func(int) string { return "12000" }, &n).History(t.Context(), california, ten.Add(-3*time.Hour), ten)
		good(t, f, err)
		assert.Equal(t, 3, n)
		n = 0
		f, err = serve(func(int) string { return `"200000"` }, &n).History(t.Context(), california, ten.Add(-3*time.Hour), ten)
		good(t, f, err)
		assert.Equal(t, 4, n, "a total that is never reached ends with an empty page")
		n = 0
		_, err = serve(func(int) string { return "-1" }, &n).History(t.Context(), california, ten.Add(-3*time.Hour), ten)
		require.ErrorContains(t, err, "tells no total")
	})
}

func TestEIARefusesGarbage(t *testing.T) {
	clock(t, "2026-12-01T20:20:00Z", func(t *testing.T) {
		once := func(old, new string) func(string) string {
			return func(b string) string { return strings.Replace(b, old, new, 1) }
		}
		for says, change := range map[string]func(string) string{
			"holds no response":     once(`"response"`, `"reply"`),
			"tells no total":        once(`"total":"`, `"total":"99999999`),
			"of another respondent": once(`"respondent":"CISO"`, `"respondent":"PJM"`),
			"fuel type that is not": once(`"NG"`, `"COKE"`),
			"another unit":          once(`"megawatthours"`, `"kilowatthours"`),
			"no period such as":     once(`"2026-12-01T11"`, `"yesterday"`),
			"value is no number":    once(`"300"`, `"many"`),
			"is said to give 3e+06": once(`"300"`, `"3000000"`),
			"plants are said to":    once(`"100"`, `"-100"`),
			"JSON of another shape": once(`"data":[`, `"data":{`),
		} {
			_, err := eia(t, change, nil).History(t.Context(), california, ten, ten.Add(time.Hour))
			require.ErrorContains(t, err, says, says)
			assert.NotContains(t, err.Error(), key)
			assert.Contains(t, err.Error(), "EIA API v2: https://api.eia.gov/v2/electricity/rto/fuel-type-data/data/?", says)
		}
		for _, raw := range []string{`"NaN"`, `"Inf"`, `"1e999"`, `"0x10"x`, `{}`} {
			_, _, err := looseNumber(json.RawMessage(raw))
			assert.Error(t, err, raw)
		}
	})
}
