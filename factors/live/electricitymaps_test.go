package live

import (
	"fmt"
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/ecotracer/ecotracer/factors"
)

// electricityMaps is a server in the shapes of the documentation, whose value
// is the hour of the day plus 100.
func electricityMaps(t *testing.T, change func(k int, at time.Time, element string) string) *http.Client {
	element := func(k int, at time.Time, basis string, estimated bool) string {
		e := fmt.Sprintf(`{"zone":"DE","carbonIntensity":%d,"datetime":"%s","updatedAt":"2026-12-01T09:00:00.000Z","createdAt":"2026-11-28T09:00:00.000Z","emissionFactorType":"%s","isEstimated":%t,"estimationMethod":null}`,
			100+at.Hour(), at.Format("2006-01-02T15:04:05.000Z"), basis, estimated)
		if change != nil {
			e = change(k, at, e)
		}
		return e
	}
	return over(func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("auth-token") != key {
			w.WriteHeader(http.StatusUnauthorized)
			_, _ = fmt.Fprint(w, "Invalid auth-token")
			return
		}
		q := r.URL.Query()
		if q.Get("zone") != "DE" {
			w.WriteHeader(http.StatusUnauthorized)
			_, _ = fmt.Fprintf(w, "Zone %s is not part of your plan", q.Get("zone"))
			return
		}
		now := time.Now().UTC().Truncate(time.Hour)
		basis := q.Get("emissionFactorType")
		switch r.URL.Path {
		case "/v3/carbon-intensity/latest":
			_, _ = fmt.Fprint(w, element(0, now, basis, true))
		case "/v3/carbon-intensity/history":
			_, _ = fmt.Fprintf(w, `{"zone":"DE","history":[%s]}`, hours(now.Add(-23*time.Hour), time.Hour, 24, func(k int, at time.Time) string {
				return element(k, at, basis, k >= 22) // the last two hours are estimated
			}))
		case "/v3/carbon-intensity/past-range":
			from, to := utc(t, q.Get("start")), utc(t, q.Get("end"))
			assert.LessOrEqual(t, to.Sub(from), 240*time.Hour, "more is refused")
			_, _ = fmt.Fprintf(w, `{"zone":"DE","data":[%s]}`, hours(from, time.Hour, int(to.Sub(from)/time.Hour), func(k int, at time.Time) string {
				return element(k, at, basis, false)
			}))
		case "/v3/carbon-intensity/forecast":
			var n int
			_, err := fmt.Sscan(q.Get("horizonHours"), &n)
			assert.NoError(t, err)
			_, _ = fmt.Fprintf(w, `{"zone":"DE","forecast":[%s],"updatedAt":"2026-12-01T09:00:00.000Z"}`, hours(now, time.Hour, n+1, func(k int, at time.Time) string {
				return fmt.Sprintf(`{"carbonIntensity":%d,"datetime":"%s"}`, 100+at.Hour(), at.Format("2006-01-02T15:04:05.000Z"))
			}))
		default:
			w.WriteHeader(http.StatusNotFound)
		}
	})
}

func TestElectricityMapsTellsNowPastAndFuture(t *testing.T) {
	clock(t, "2026-12-01T10:20:00Z", func(t *testing.T) {
		s := &ElectricityMaps{Key: key, Client: electricityMaps(t, nil)}
		now := time.Now()

		f, err := s.Current(t.Context(), grid)
		good(t, f, err)
		assert.Equal(t, 110., f.Value)
		assert.Nil(t, f.Series)
		assert.Equal(t, "C", f.Quality, "it is estimated")
		assert.Equal(t, "Electricity Maps API v3, carbon-intensity/latest, zone DE, 60 min of 2026-12-01T10:00Z, retrieved 2026-12-01T10:20:00Z; 1 of 1 values estimated by it", f.Source)
		assert.InDelta(t, 110*1.5, f.High, 1e-9)
		assert.Equal(t, []string{"grid.live.electricitymaps.DE", "DE", "average", "location", "lifecycle", "consumption"},
			[]string{f.ID, f.Geography, f.Signal, f.Accounting, f.Basis, f.Mix})

		f, err = s.History(t.Context(), grid, now.Add(-6*time.Hour), now.Add(-4*time.Hour))
		good(t, f, err)
		assert.Equal(t, &factors.Series{Start: "2026-12-01T04:00:00Z", StepS: 3600, Value: []float64{104, 105, 106}}, f.Series)
		covers(t, f, now.Add(-6*time.Hour), now.Add(-4*time.Hour))
		assert.Equal(t, "B", f.Quality)
		assert.InDelta(t, 105*1.25, f.High, 1e-9)

		f, err = s.History(t.Context(), grid, now.Add(-2*time.Hour), now)
		good(t, f, err)
		assert.Contains(t, f.Source, "; 2 of 3 values estimated by it")
		assert.Equal(t, "C", f.Quality)

		f, err = s.History(t.Context(), grid, now.Add(-20*24*time.Hour), now.Add(-24*time.Hour))
		good(t, f, err)
		assert.Len(t, f.Series.Value, 19*24+1)
		assert.Equal(t, "2026-11-11", f.ValidFrom)
		assert.Equal(t, "2026-11-30", f.ValidTo)

		f, err = s.Forecast(t.Context(), grid, now, now.Add(20*time.Hour))
		good(t, f, err)
		assert.Equal(t, "2026-12-01T10:00:00Z", f.Series.Start)
		assert.Len(t, f.Series.Value, 21)
		covers(t, f, now, now.Add(20*time.Hour))
		assert.Equal(t, "C", f.Quality, "a forecast")
		assert.Greater(t, f.High/f.Value, 1.25, "and so less sure than a measurement")

		f, err = s.Forecast(t.Context(), grid, now, now.Add(100*time.Hour))
		good(t, f, err)
		assert.Len(t, f.Series.Value, 73)
		assert.Contains(t, f.Source, "; the forecast ends at 2026-12-04T11:00Z")

		direct := grid
		direct.Basis = "direct"
		f, err = s.Current(t.Context(), direct)
		assert.Equal(t, "direct", good(t, f, err).Basis)
	})
}

func TestElectricityMapsWithGapsAndNulls(t *testing.T) {
	clock(t, "2026-12-01T10:20:00Z", func(t *testing.T) {
		from, to := ten.Add(-12*time.Hour), ten.Add(-4*time.Hour)
		for name, test := range map[string]struct {
			change func(k int, at time.Time, e string) string
			source string
			says   string
		}{
			"a null": {func(_ int, at time.Time, e string) string {
				if at.Hour() == 1 {
					return `{"zone":"DE","carbonIntensity":null,"datetime":"2026-12-01T01:00:00.000Z","emissionFactorType":"lifecycle","isEstimated":false}`
				}
				return e
			}, "; 1 of 8 values missing and bridged by their neighbours", ""},
			"an hour missing": {func(_ int, at time.Time, e string) string {
				if at.Hour() == 1 {
					return ""
				}
				return e
			}, "; 1 of 8 values missing", ""},
			"four hours missing": {func(_ int, at time.Time, e string) string {
				if at.Hour() < 4 {
					return ""
				}
				return e
			}, "", "it does not know 2026-12-01T00:00Z to 2026-12-01T04:00Z (4h0m0s)"},
		} {
			s := &ElectricityMaps{Key: key, Client: electricityMaps(t, test.change)}
			f, err := s.History(t.Context(), grid, from, to)
			if test.says != "" {
				require.ErrorContains(t, err, test.says, name)
				require.ErrorIs(t, err, factors.ErrNoFactor)
				continue
			}
			good(t, f, err)
			assert.Contains(t, f.Source, test.source, name)
			assert.Equal(t, "C", f.Quality, name)
			assert.Equal(t, 101., f.Series.Value[3], "%s: between 100 and 102", name)
		}
	})
}

// Trap 52: the last Sundays of March and October have 23 and 25 hours in Berlin.
func TestLocalDaysOf23And25Hours(t *testing.T) {
	berlin, err := time.LoadLocation("Europe/Berlin")
	if err != nil {
		t.Skip("no time zones here: ", err)
	}
	clock(t, "2026-12-01T10:20:00Z", func(t *testing.T) {
		s := &ElectricityMaps{Key: key, Client: electricityMaps(t, nil)}
		for day, n := range map[time.Time]int{
			time.Date(2026, 3, 29, 0, 0, 0, 0, berlin):  23,
			time.Date(2026, 10, 25, 0, 0, 0, 0, berlin): 25,
			time.Date(2026, 10, 26, 0, 0, 0, 0, berlin): 24,
		} {
			f, err := s.History(t.Context(), grid, day, day.AddDate(0, 0, 1))
			good(t, f, err)
			assert.Len(t, f.Series.Value, n)
			assert.Equal(t, day.UTC().Format(time.RFC3339), f.Series.Start)
			assert.NotContains(t, f.Source, "bridged")
		}
	})
}

func TestAZoneOutsideThePlanIsNoAccessAndNotNoFigure(t *testing.T) {
	clock(t, "2026-12-01T10:20:00Z", func(t *testing.T) {
		s := &ElectricityMaps{Key: key, Client: electricityMaps(t, nil)}
		_, err := s.Current(t.Context(), factors.Query{Kind: factors.Grid, Country: "PL"})
		require.ErrorIs(t, err, ErrNoAccess)
		assert.NotErrorIs(t, err, factors.ErrNoFactor)
		s.Key = "an0ther"
		_, err = s.Current(t.Context(), grid)
		require.ErrorIs(t, err, ErrNoAccess)
		assert.NotContains(t, err.Error(), "an0ther")
	})
}
