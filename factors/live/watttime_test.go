package live

import (
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/ecotracer/ecotracer/factors"
)

var oneMore = factors.Query{Kind: factors.Marginal, Basis: "direct", Zone: "CAISO_NORTH"}

// wattTime is a server in the shapes of the documentation. Its value is 1000
// lbs/MWh; tokens are good for 30 minutes.
type wattTime struct {
	t      *testing.T
	mu     sync.Mutex
	logins int
	since  time.Time
	change func(body string) string
}

func (s *wattTime) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if r.URL.Path == "/login" {
		user, pass, ok := r.BasicAuth()
		if !ok || user != "somebody" || pass != password {
			w.WriteHeader(http.StatusForbidden)
			return
		}
		s.logins++
		s.since = time.Now()
		_, _ = fmt.Fprintf(w, `{"token":"t0ken.%d"}`, s.logins)
		return
	}
	if r.Header.Get("Authorization") != fmt.Sprintf("Bearer t0ken.%d", s.logins) || time.Since(s.since) > 30*time.Minute {
		w.WriteHeader(http.StatusUnauthorized)
		_, _ = fmt.Fprint(w, `{"error":"Invalid token"}`)
		return
	}
	q := r.URL.Query()
	assert.Equal(s.t, "co2_moer", q.Get("signal_type"))
	if q.Get("region") != "CAISO_NORTH" {
		w.WriteHeader(http.StatusForbidden)
		_, _ = fmt.Fprint(w, `{"error":"INVALID_SCOPE"}`)
		return
	}
	from, n := time.Now().UTC().Truncate(5*time.Minute), 0
	switch r.URL.Path {
	case "/v3/forecast":
		_, err := fmt.Sscan(q.Get("horizon_hours"), &n)
		assert.NoError(s.t, err)
		n = n*12 + 1
	case "/v3/historical":
		from = utc(s.t, q.Get("start"))
		to := utc(s.t, q.Get("end"))
		assert.LessOrEqual(s.t, to.Sub(from), 32*24*time.Hour, "more is refused")
		if to.After(time.Now()) {
			to = time.Now().Add(5 * time.Minute) // nothing is history yet
		}
		n = int(to.Sub(from) / (5 * time.Minute))
	}
	body := fmt.Sprintf(`{"data":[%s],"meta":{"data_point_period_seconds":300,"region":"CAISO_NORTH","warnings":[],"signal_type":"co2_moer","model":{"date":"2026-03-01"},"units":"lbs_co2_per_mwh"}}`,
		hours(from, 5*time.Minute, n, func(_ int, at time.Time) string {
			return fmt.Sprintf(`{"point_time":"%s","value":1000.0}`, at.Format("2006-01-02T15:04:05+00:00"))
		}))
	if s.change != nil {
		body = s.change(body)
	}
	_, _ = fmt.Fprint(w, body)
}

func watt(h http.Handler) *WattTime {
	return &WattTime{User: "somebody", Password: password, Client: &http.Client{Transport: wire{h}}}
}

func TestWattTimeTellsWhatOneMoreKWhEmits(t *testing.T) {
	clock(t, "2026-12-01T10:22:00Z", func(t *testing.T) {
		server := &wattTime{t: t}
		s := watt(server)
		now := time.Now()
		f, err := s.Current(t.Context(), oneMore)
		good(t, f, err)
		assert.InDelta(t, 453.59237, f.Value, 1e-9, "1000 lbs/MWh")
		assert.Equal(t, []string{"marginal", "direct", "production", "C"}, []string{f.Signal, f.Basis, f.Mix, f.Quality})
		assert.Contains(t, f.Source, "5 min of 2026-12-01T10:20Z")

		f, err = s.History(t.Context(), oneMore, now.Add(-3*time.Hour), now.Add(-time.Hour))
		good(t, f, err)
		assert.Equal(t, 300., f.Series.StepS)
		assert.Len(t, f.Series.Value, 25)
		covers(t, f, now.Add(-3*time.Hour), now.Add(-time.Hour))

		f, err = s.History(t.Context(), oneMore, now.Add(-70*24*time.Hour), now.Add(-time.Hour))
		good(t, f, err)
		assert.Len(t, f.Series.Value, (70*24-1)*12+1, "in parts of 31 days")

		f, err = s.History(t.Context(), oneMore, now.Add(-time.Hour), now.Add(40*time.Minute))
		good(t, f, err)
		covers(t, f, now.Add(-time.Hour), now)
		assert.NotContains(t, f.Source, "bridged", "history ends now, whatever is asked")

		f, err = s.Forecast(t.Context(), oneMore, now, now.Add(5*time.Hour))
		good(t, f, err)
		covers(t, f, now, now.Add(5*time.Hour))

		f, err = s.Forecast(t.Context(), oneMore, now, now.Add(100*time.Hour))
		good(t, f, err)
		assert.Contains(t, f.Source, "the forecast ends at 2026-12-04T10:25Z", "72 hours are told")
		assert.Equal(t, 1, server.logins, "one token for all of it")
	})
}

func TestAWattTimeTokenIsRenewed(t *testing.T) {
	clock(t, "2026-12-01T10:22:00Z", func(t *testing.T) {
		server := &wattTime{t: t}
		s := watt(server)
		for range 3 {
			_, err := s.Current(t.Context(), oneMore)
			require.NoError(t, err)
			time.Sleep(26 * time.Minute)
		}
		assert.Equal(t, 3, server.logins, "before its 30 minutes are over")

		_, err := s.Current(t.Context(), oneMore)
		require.NoError(t, err)
		server.logins++ // it forgets its tokens, as when it restarts
		_, err = s.Current(t.Context(), oneMore)
		require.NoError(t, err, "a 401 is answered with a new login")
		assert.Equal(t, 6, server.logins)
	})
}

func TestManyWhoAskAtOnceLogInOnce(t *testing.T) {
	clock(t, "2026-12-01T10:22:00Z", func(t *testing.T) {
		server := &wattTime{t: t}
		s := watt(server)
		var all sync.WaitGroup
		for range 8 {
			all.Go(func() {
				_, err := s.Current(t.Context(), oneMore)
				assert.NoError(t, err)
			})
		}
		all.Wait()
		assert.Equal(t, 1, server.logins)
	})
}

func TestWattTimeRefusesWhatItDoesNotTell(t *testing.T) {
	clock(t, "2026-12-01T10:22:00Z", func(t *testing.T) {
		s := watt(&wattTime{t: t})
		_, err := s.Current(t.Context(), factors.Query{Kind: factors.Grid, Zone: "CAISO_NORTH", Basis: "direct"})
		require.ErrorContains(t, err, `it tells what one more kWh emits: ask for kind marginal, not "grid"`) // trap 37
		require.ErrorIs(t, err, factors.ErrNoFactor)
		_, err = s.Current(t.Context(), factors.Query{Kind: factors.Marginal, Zone: "CAISO_NORTH"})
		require.ErrorContains(t, err, `it tells direct intensity: ask for basis direct, not "lifecycle"`)
		_, err = s.Current(t.Context(), factors.Query{Kind: factors.Marginal, Basis: "direct", Country: "FR"})
		require.ErrorIs(t, err, ErrNoAccess, "a region outside the plan")

		wrong := watt(&wattTime{t: t})
		wrong.Password = "0ther"
		_, err = wrong.Current(t.Context(), oneMore)
		require.ErrorIs(t, err, ErrNoAccess)
		assert.Contains(t, err.Error(), "/login: it answers 403")

		for says, change := range map[string]func(string) string{
			"of another region than CAISO_NORTH": func(b string) string { return strings.Replace(b, "CAISO_NORTH", "PJM_DC", 1) },
			"another signal":                     func(b string) string { return strings.Replace(b, "co2_moer", "health_damage", 1) },
			"another unit":                       func(b string) string { return strings.Replace(b, "lbs_co2_per_mwh", "percentile", 1) },
			"steps of 0 s":                       func(b string) string { return strings.Replace(b, ":300,", ":0,", 1) },
			"steps of -1 s":                      func(b string) string { return strings.Replace(b, ":300,", ":-1,", 1) },
			"tells no time":                      func(b string) string { return strings.Replace(b, `"point_time"`, `"time"`, 1) },
			"9071.8474 gCO2e/kWh":                func(b string) string { return strings.Replace(b, "1000.0", "20000.0", 1) },
		} {
			s := watt(&wattTime{t: t, change: change})
			_, err := s.Current(t.Context(), oneMore)
			assert.ErrorContains(t, err, says)
		}
		for _, token := range []string{`{"token":""}`, `{}`, `{"token":"a\nb"}`, `[]`, ``} {
			s := watt(text(200, "application/json", token))
			_, err := s.Current(t.Context(), oneMore)
			assert.Error(t, err, token)
		}
	})
}
