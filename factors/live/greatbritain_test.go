package live

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/ecotracer/ecotracer/factors"
)

var britain = factors.Query{Kind: factors.Grid, Country: "GB", Basis: "direct"}

// gb is a server in the shapes of the documentation: forecast 266, actual 263,
// which is not there for the last hour.
func gb(t *testing.T, change func(string) string) *http.Client {
	return over(func(w http.ResponseWriter, r *http.Request) {
		part := strings.Split(strings.Trim(r.URL.Path, "/"), "/")
		regional := part[0] == "regional"
		if regional {
			part = part[1:]
		}
		if part[0] != "intensity" || len(part) < 3 {
			w.WriteHeader(http.StatusBadRequest)
			_, _ = fmt.Fprint(w, `{"error":{"code":"400 Bad Request","message":"Please enter a valid path"}}`)
			return
		}
		const format = "2006-01-02T15:04Z"
		from, err1 := time.Parse(format, part[1])
		to, err2 := time.Parse(format, part[2])
		assert.NoError(t, err1)
		assert.NoError(t, err2)
		assert.LessOrEqual(t, to.Sub(from), 14*24*time.Hour, "more is refused")
		from = from.Add(-30 * time.Minute) // it begins with the half hour that ends then
		body := hours(from, 30*time.Minute, int(to.Sub(from)/(30*time.Minute)), func(_ int, at time.Time) string {
			actual := "263"
			if at.After(time.Now().Add(-90 * time.Minute)) {
				actual = "null"
			}
			intensity := fmt.Sprintf(`{"forecast":266,"actual":%s,"index":"moderate"}`, actual)
			if regional {
				intensity = `{"forecast":266,"index":"moderate"}`
			}
			if at.After(time.Now().Add(96 * time.Hour)) {
				intensity = `{"forecast":null,"index":"moderate"}`
			}
			e := fmt.Sprintf(`{"from":"%s","to":"%s","intensity":%s`, at.Format(format), at.Add(30*time.Minute).Format(format), intensity)
			if regional {
				e += `,"generationmix":[{"fuel":"gas","perc":43.6},{"fuel":"wind","perc":56.4}]`
			}
			return e + "}"
		})
		if regional {
			body = fmt.Sprintf(`{"data":{"regionid":%s,"dnoregion":"UKPN London","shortname":"London","data":[%s]}}`, part[4], body)
		} else {
			body = fmt.Sprintf(`{"data":[%s]}`, body)
		}
		if change != nil {
			body = change(body)
		}
		_, _ = fmt.Fprint(w, body)
	})
}

func TestGreatBritainTellsMeasurementAndForecast(t *testing.T) {
	clock(t, "2026-12-01T10:20:00Z", func(t *testing.T) {
		s := &GreatBritain{Client: gb(t, nil)}
		now := time.Now()
		f, err := s.History(t.Context(), britain, now.Add(-5*time.Hour), now.Add(-4*time.Hour))
		good(t, f, err)
		assert.Equal(t, []float64{263, 263, 263}, f.Series.Value)
		assert.Equal(t, 1800., f.Series.StepS)
		assert.Equal(t, []string{"A", "CC-BY-4.0", "direct", "GB"}, []string{f.Quality, f.Licence, f.Basis, f.Geography})

		f, err = s.History(t.Context(), britain, now.Add(-2*time.Hour), now.Add(-time.Hour))
		good(t, f, err)
		assert.Equal(t, []float64{263, 263, 266}, f.Series.Value, "what was not measured yet has its forecast")
		assert.Contains(t, f.Source, "; 1 of 3 values estimated by it")
		assert.Equal(t, "B", f.Quality)

		f, err = s.Current(t.Context(), britain)
		good(t, f, err)
		assert.Equal(t, 266., f.Value)
		assert.Equal(t, "B", f.Quality, "of this half hour there is but the forecast")

		f, err = s.Forecast(t.Context(), britain, now, now.Add(24*time.Hour))
		good(t, f, err)
		covers(t, f, now, now.Add(24*time.Hour))
		assert.Equal(t, "B", f.Quality)

		f, err = s.Forecast(t.Context(), britain, now, now.Add(200*time.Hour))
		good(t, f, err)
		assert.Contains(t, f.Source, "the forecast ends at 2026-12-05T10:30Z")

		f, err = s.History(t.Context(), britain, now.Add(-30*24*time.Hour), now.Add(-24*time.Hour))
		good(t, f, err)
		assert.Len(t, f.Series.Value, 29*48+1, "in parts of 13 days")

		scotland := britain
		scotland.Region = "GB-SCT"
		f, err = s.Current(t.Context(), scotland)
		good(t, f, err)
		assert.Contains(t, f.Source, "regional/intensity, zone 16")
		assert.Equal(t, "GB-SCT", f.Geography)

		london := &GreatBritain{Client: gb(t, nil), Zone: "13"}
		f, err = london.Forecast(t.Context(), britain, now, now.Add(24*time.Hour))
		good(t, f, err)
		assert.Contains(t, f.Source, "zone 13")
		assert.Equal(t, "GB", f.Geography)
		assert.GreaterOrEqual(t, f.High/f.Value, 1.3, "trade inside a country is modelled")
	})
}

func TestGreatBritainRefusesWhatItDoesNotTell(t *testing.T) {
	clock(t, "2026-12-01T10:20:00Z", func(t *testing.T) {
		s := &GreatBritain{Client: gb(t, nil)}
		for says, q := range map[string]factors.Query{
			`ask for basis direct, not "lifecycle"`:                    {Kind: factors.Grid, Country: "GB"},
			`ask for kind grid, not "marginal"`:                        {Kind: factors.Marginal, Country: "GB", Basis: "direct"},
			"it tells of Great Britain, not of FR":                     {Kind: factors.Grid, Country: "FR", Basis: "direct"},
			"give country GB, or Zone: the number of its region":       {Kind: factors.Grid, Region: "GB-NIR", Basis: "direct"},
			`zone "18" is none of its regions, 1 to 17`:                {Kind: factors.Grid, Zone: "18", Basis: "direct"},
			"give country GB, or Zone: the number of its region, 1 to": {Kind: factors.Grid, Basis: "direct"},
		} {
			_, err := s.Current(t.Context(), q)
			assert.ErrorContains(t, err, says)
			assert.ErrorIs(t, err, factors.ErrNoFactor)
		}
		for says, change := range map[string]func(string) string{
			"holds no data":         func(string) string { return `{"error":{"code":"x"}}` },
			"not of half an hour":   func(b string) string { return strings.Replace(b, "09:30Z", "09:31Z", 1) },
			"a value is not of":     func(b string) string { return strings.Replace(b, "2026-12-01T09:30Z", "yesterday", 1) },
			"-263 gCO2e/kWh":        func(b string) string { return strings.Replace(b, "263", "-263", 1) },
			"JSON of another shape": func(b string) string { return strings.Replace(b, "266", `"266"`, 1) },
			"nothing of 2026":       func(string) string { return `{"data":[]}` },
		} {
			s := &GreatBritain{Client: gb(t, change)}
			_, err := s.History(t.Context(), britain, ten.Add(-2*time.Hour), ten)
			assert.ErrorContains(t, err, says)
		}
		other := &GreatBritain{Zone: "13", Client: gb(t, func(b string) string { return strings.Replace(b, `"regionid":13`, `"regionid":14`, 1) })}
		_, err := other.Current(t.Context(), britain)
		require.ErrorContains(t, err, "of another region than 13")
		list := &GreatBritain{Zone: "13", Client: gb(t, func(b string) string {
			return `{"data":[` + strings.TrimPrefix(strings.TrimSuffix(b, "}"), `{"data":`) + `]}`
		})}
		f, err := list.Current(t.Context(), britain)
		good(t, f, err)
	})
}
