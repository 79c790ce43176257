package live

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/ecotracer/ecotracer/factors"
)

// The secrets of the tests. None of them may ever be seen.
const (
	key      = "k3y-0f-the-t3sts"
	password = "pa55w0rd/of+the=tests"
)

// wire answers requests without a network, so that a bubble's time moves on
// while one waits.
type wire struct{ http.Handler }

func (w wire) RoundTrip(r *http.Request) (*http.Response, error) {
	if err := r.Context().Err(); err != nil {
		return nil, err
	}
	rec := httptest.NewRecorder()
	w.ServeHTTP(rec, r)
	if err := r.Context().Err(); err != nil {
		return nil, err
	}
	res := rec.Result()
	res.Request = r
	return res, nil
}

// over is a client whose requests go to a handler.
func over(h http.HandlerFunc) *http.Client { return &http.Client{Transport: wire{h}} }

// clock is the time at which a test asks.
func clock(t *testing.T, at string, f func(t *testing.T)) {
	t.Helper()
	when, err := time.Parse(time.RFC3339, at)
	require.NoError(t, err)
	synctest.Test(t, func(t *testing.T) {
		time.Sleep(time.Until(when))
		f(t)
	})
}

func utc(t *testing.T, s string) time.Time {
	t.Helper()
	at, err := time.Parse(time.RFC3339, s)
	require.NoError(t, err)
	return at
}

// hours writes one element for each hour from start on, joined by commas.
func hours(start time.Time, step time.Duration, n int, element func(k int, at time.Time) string) string {
	var all []string
	for k := range n {
		if e := element(k, start.Add(time.Duration(k)*step)); e != "" {
			all = append(all, e)
		}
	}
	return strings.Join(all, ",")
}

var grid = factors.Query{Kind: factors.Grid, Country: "DE"}

// good checks what must hold of every live factor.
func good(t *testing.T, f factors.Factor, err error) factors.Factor {
	t.Helper()
	require.NoError(t, err)
	require.NoError(t, f.Check())
	require.Equal(t, factors.Live, f.Found)
	require.Contains(t, f.Source, "zone ")
	require.Contains(t, f.Source, "retrieved ")
	if s := f.Series; s != nil {
		var mean float64
		for _, v := range s.Value {
			mean += v / float64(len(s.Value))
		}
		require.InDelta(t, mean, f.Value, 1e-9*(1+mean), "the value of a factor with a series is its mean (R36)")
		start, err := time.Parse(time.RFC3339, s.Start)
		require.NoError(t, err)
		require.Equal(t, time.UTC, start.Location())
		require.Equal(t, f.ValidFrom, start.Format(time.DateOnly))
	}
	return f
}

// covers tells whether a series covers a time, as the assessment of a run
// needs it.
func covers(t *testing.T, f factors.Factor, from, to time.Time) {
	t.Helper()
	start, err := time.Parse(time.RFC3339, f.Series.Start)
	require.NoError(t, err)
	end := start.Add(time.Duration(f.Series.StepS * float64(len(f.Series.Value)) * 1e9))
	require.False(t, start.After(from), "from %s: %s", from, start)
	require.False(t, end.Before(to), "to %s: %s", to, end)
}

func text(status int, kind, body string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", kind)
		w.WriteHeader(status)
		_, _ = fmt.Fprint(w, body)
	}
}

func jsonOf(v any) string {
	b, err := json.Marshal(v)
	if err != nil {
		return fmt.Sprintf("%+v %v", v, err)
	}
	return string(b)
}

// everySource makes one source of each kind that asks a handler, and a query
// that it answers.
func everySource(h *http.Client, base string) map[string]struct {
	factors.GridSource
	factors.Query
} {
	type pair = struct {
		factors.GridSource
		factors.Query
	}
	direct := func(kind factors.Kind, country string) factors.Query {
		return factors.Query{Kind: kind, Country: country, Basis: "direct"}
	}
	return map[string]pair{
		"electricitymaps": {&ElectricityMaps{Key: key, Client: h, Base: base}, grid},
		"watttime":        {&WattTime{User: "somebody", Password: password, Client: h, Base: base}, direct(factors.Marginal, "FR")},
		"gb":              {&GreatBritain{Client: h, Base: base}, direct(factors.Grid, "GB")},
		"gb-region":       {&GreatBritain{Zone: "13", Client: h, Base: base}, direct(factors.Grid, "GB")},
		"entsoe":          {&ENTSOE{Token: key, Client: h, Base: base}, grid},
		"eia":             {&EIA{Key: key, Client: h, Base: base}, factors.Query{Kind: factors.Grid, Country: "US"}},
		"carbon-aware": {&CarbonAware{Base: nonEmpty(base), Signal: "average", Basis: "lifecycle", Client: h},
			factors.Query{Kind: factors.Grid, Provider: "azure", CloudRegion: "eastus"}},
	}
}

func nonEmpty(base string) string {
	if base == "" {
		return "https://carbon-aware.example.org"
	}
	return base
}

// allThree asks all three questions.
func allThree(ctx context.Context, s factors.GridSource, q factors.Query) map[string]struct {
	factors.Factor
	error
} {
	type result = struct {
		factors.Factor
		error
	}
	now := time.Now()
	out := map[string]result{}
	f, err := s.Current(ctx, q)
	out["current"] = result{f, err}
	f, err = s.History(ctx, q, now.Add(-30*time.Hour), now.Add(-26*time.Hour))
	out["history"] = result{f, err}
	f, err = s.Forecast(ctx, q, now, now.Add(12*time.Hour))
	out["forecast"] = result{f, err}
	return out
}
