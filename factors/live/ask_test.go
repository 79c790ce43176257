package live

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/ecotracer/ecotracer/factors"
)

// A deadline may lie beyond all that a source forecasts, and beyond what may be
// asked for: there is a forecast all the same, and it says where it ends.
func TestAForecastIsAskedForBeyondWhereItEnds(t *testing.T) {
	clock(t, "2026-12-01T10:20:00Z", func(t *testing.T) {
		for _, s := range []struct {
			factors.GridSource
			q factors.Query
		}{
			{&ElectricityMaps{Key: key, Client: electricityMaps(t, nil)}, grid}, {&GreatBritain{Client: gb(t, nil)}, britain},
			{&GreatBritain{Zone: "13", Client: gb(t, nil)}, britain}, {watt(&wattTime{t: t}), oneMore}, {carbonAware(t, sdkValue("30"), nil), eastUS},
		} {
			for _, deadline := range []time.Time{time.Now().Add(40 * 24 * time.Hour), utc(t, "9999-12-31T00:00:00Z")} {
				f, err := s.Forecast(t.Context(), s.q, time.Now(), deadline)
				good(t, f, err)
				assert.Contains(t, f.Source, "; the forecast ends at 2026-12-0", "%T", s.GridSource)
			}
			_, err := s.Forecast(t.Context(), s.q, time.Now().Add(60*24*time.Hour), time.Now().Add(90*24*time.Hour))
			require.ErrorIs(t, err, factors.ErrNoFactor, "%T", s.GridSource)
		}
	})
}

func TestAYearIsTheMostOfHistory(t *testing.T) {
	clock(t, "2026-12-01T10:20:00Z", func(t *testing.T) {
		s := &ElectricityMaps{Key: key, Client: electricityMaps(t, nil)}
		_, err := s.History(t.Context(), grid, time.Now().Add(-500*24*time.Hour), time.Now())
		require.ErrorContains(t, err, "500 days are more than can be asked for at once")
		f, err := s.History(t.Context(), grid, time.Now().Add(-2*time.Hour), utc(t, "9999-12-31T00:00:00Z"))
		good(t, f, err)
		assert.Len(t, f.Series.Value, 3, "history ends now")
	})
}

// Two servers may tell different figures of a place of one name.
func TestACacheTellsServersApart(t *testing.T) {
	clock(t, "2026-12-01T10:20:00Z", func(t *testing.T) {
		dir := t.TempDir()
		for k, base := range []string{"", "https://a.example", "https://b.example", "https://a.example"} {
			asked := false
			server := carbonAware(t, func(time.Time) string {
				asked = true
				return fmt.Sprintf(`{"location":"x","timestamp":"2026-12-01T10:00:00Z","duration":60,"value":%d}`, 100+k)
			}, nil)
			if base != "" {
				server.Base = base
			}
			_, err := (&Cache{Source: server, Dir: dir}).Current(t.Context(), eastUS)
			require.NoError(t, err)
			assert.Equal(t, k < 3, asked, "%d %s", k, base)
		}
	})
}
