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

var eastUS = factors.Query{Kind: factors.Grid, Provider: "azure", CloudRegion: "eastus"}

// carbonAware is a server in the shapes of its documentation; values tell the
// location by the name that its data source has for it.
func carbonAware(t *testing.T, value func(at time.Time) string, change func(string) string) *CarbonAware {
	return &CarbonAware{Base: "http://carbon-aware.internal:8080", Signal: "average", Basis: "lifecycle", Client: over(func(w http.ResponseWriter, r *http.Request) {
		q := r.URL.Query()
		body := ""
		switch r.URL.Path {
		case "/emissions/bylocation":
			from, to := utc(t, q.Get("time")).Truncate(30*time.Minute), utc(t, q.Get("toTime"))
			if from.Before(ten.Add(-48 * time.Hour)) {
				w.WriteHeader(http.StatusNoContent)
				return
			}
			body = fmt.Sprintf(`[%s]`, hours(from, 30*time.Minute, int(to.Sub(from)/(30*time.Minute))+1, func(_ int, at time.Time) string { return value(at) }))
		case "/emissions/forecasts/current":
			start := time.Now().UTC().Truncate(30 * time.Minute)
			body = fmt.Sprintf(`[{"requestedAt":"2026-12-01T10:20:00+00:00","generatedAt":"2026-12-01T10:15:00+00:00","location":%q,"dataStartAt":"x","dataEndAt":"y","windowSize":30,
				"optimalDataPoints":[],"forecastData":[%s]}]`, q.Get("location"), hours(start, 30*time.Minute, 48, func(_ int, at time.Time) string { return value(at) }))
		}
		if change != nil {
			body = change(body)
		}
		_, _ = fmt.Fprint(w, body)
	})}
}

func sdkValue(duration string) func(time.Time) string {
	return func(at time.Time) string {
		return fmt.Sprintf(`{"location":"PJM_DC","timestamp":"%s","duration":%s,"value":%d.5}`, at.Format("2006-01-02T15:04:05+00:00"), duration, 60+at.Hour())
	}
}

func TestACarbonAwareServerMeansWhatItsOperatorSays(t *testing.T) {
	clock(t, "2026-12-01T10:20:00Z", func(t *testing.T) {
		now := time.Now()
		for name, value := range map[string]func(time.Time) string{
			"hours:minutes:seconds": sdkValue(`"00:30:00"`),
			"minutes":               sdkValue("30"),
			"without a duration":    sdkValue("null"),
			"an older version": func(at time.Time) string {
				return fmt.Sprintf(`{"location":"PJM_DC","time":"%s","rating":%d.5}`, at.Format("2006-01-02T15:04:05+00:00"), 60+at.Hour())
			},
		} {
			s := carbonAware(t, value, nil)
			f, err := s.History(t.Context(), eastUS, now.Add(-3*time.Hour), now.Add(-time.Hour))
			good(t, f, err)
			assert.Equal(t, []float64{67.5, 67.5, 68.5, 68.5, 69.5}, f.Series.Value, name)
			assert.Equal(t, 1800., f.Series.StepS, name)
			f, err = s.Forecast(t.Context(), eastUS, now, now.Add(20*time.Hour))
			good(t, f, err)
			assert.Equal(t, 70.5, f.Series.Value[0], name)
			f, err = s.Current(t.Context(), eastUS)
			good(t, f, err)
			assert.Equal(t, 70.5, f.Value, name)
			assert.Contains(t, f.Source, "Carbon Aware SDK server, emissions/bylocation, zone eastus")
			assert.Contains(t, f.Source, "as its operator says: average, lifecycle")
			assert.NotContains(t, f.Source, "carbon-aware.internal", "the name of the server is the operator's affair")
			assert.Equal(t, "US", f.Geography)
		}
		s := carbonAware(t, sdkValue("30"), nil)
		s.Signal, s.Basis = "marginal", "direct"
		f, err := s.Current(t.Context(), factors.Query{Kind: factors.Marginal, Basis: "direct", CloudRegion: "mars-north", Provider: "azure"})
		good(t, f, err)
		assert.Equal(t, []string{"marginal", "direct", "production", ""}, []string{f.Signal, f.Basis, f.Mix, f.Geography})
		_, err = s.Current(t.Context(), eastUS)
		require.ErrorContains(t, err, `ask for kind marginal, not "grid"`) // trap 37
	})
}

func TestACarbonAwareServerThatIsNotToldAboutIsNotAsked(t *testing.T) {
	for says, s := range map[string]*CarbonAware{
		"no address: set Base, or $ECOTRACER_CARBON_AWARE_URL": {},
		"set Signal, or $ECOTRACER_CARBON_AWARE_SIGNAL":        {Base: "http://localhost", Basis: "direct"},
		"set Basis, or $ECOTRACER_CARBON_AWARE_BASIS":          {Base: "http://localhost", Signal: "average"},
	} {
		_, err := s.Current(t.Context(), eastUS)
		require.ErrorContains(t, err, says)
	}
	s := &CarbonAware{Base: "http://localhost", Signal: "average", Basis: "lifecycle"}
	_, err := s.Current(t.Context(), grid)
	require.ErrorContains(t, err, "give Zone: a location of the server, such as eastus", "a country is no location")
}

func TestACarbonAwareServerThatAnswersNonsense(t *testing.T) {
	clock(t, "2026-12-01T10:20:00Z", func(t *testing.T) {
		now := time.Now()
		for says, change := range map[string]func(string) string{
			"not the one forecast of eastus":     func(b string) string { return strings.Replace(b, `"location":"eastus"`, `"location":"westus"`, 1) },
			"not the one forecast":               func(string) string { return "[]" },
			"of several locations":               func(b string) string { return strings.Replace(b, "PJM_DC", "PJM", 1) },
			"steps of 30m0s and 5m0s":            func(b string) string { return replaceLast(b, `"duration":30`, `"duration":5`) },
			"no duration such as 30 or 00:30:00": func(b string) string { return strings.Replace(b, `"duration":30`, `"duration":"soon"`, 1) },
			"a value tells no time":              func(b string) string { return strings.Replace(b, `"timestamp"`, `"when"`, 1) },
			"JSON of another shape":              func(b string) string { return b[:len(b)-9] },
		} {
			_, err := carbonAware(t, sdkValue("30"), change).Forecast(t.Context(), eastUS, now, now.Add(20*time.Hour))
			require.ErrorContains(t, err, says)
			assert.Contains(t, err.Error(), "http://carbon-aware.internal:8080/emissions/forecasts/current?location=eastus: ")
		}
		_, err := carbonAware(t, sdkValue("30"), nil).History(t.Context(), eastUS, ten.Add(-100*time.Hour), ten.Add(-99*time.Hour))
		require.ErrorIs(t, err, factors.ErrNoFactor, "204 is no content")
	})
}

func replaceLast(s, old, new string) string {
	i := strings.LastIndex(s, old)
	return s[:i] + new + s[i+len(old):]
}
