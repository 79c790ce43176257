package live

import (
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/ecotracer/ecotracer/factors"
)

// latest is an answer of Electricity Maps for this hour.
func latest() string {
	return fmt.Sprintf(`{"zone":"DE","carbonIntensity":302,"datetime":%q,"emissionFactorType":"lifecycle","isEstimated":false}`,
		time.Now().UTC().Truncate(time.Hour).Format(time.RFC3339))
}

// What a server may do wrong, over a real socket. Trap 49: nothing of an answer
// is evaluated.
func TestAServerThatAnswersNonsenseIsToldByItsAddress(t *testing.T) {
	elsewhere := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		t.Errorf("the key went to another host: %v", r.Header)
	}))
	defer elsewhere.Close()
	for name, test := range map[string]struct {
		handler http.HandlerFunc
		says    string
		is      error
	}{
		"401 outside the plan": {text(401, "text/plain", "Your key "+key+" has no access to zone DE"), "401 Unauthorized: the key is wrong, or the zone or time is outside its plan", ErrNoAccess},
		"403":                  {text(403, "application/json", `{"error":"Forbidden"}`), "403 Forbidden", ErrNoAccess},
		"404":                  {text(404, "text/plain", "no"), "there is no such zone", factors.ErrNoFactor},
		"400":                  {text(400, "text/plain", key), "it answers 400 Bad Request", nil},
		"a web page":           {text(200, "text/html", "<!DOCTYPE html><html>Please log in"), "the answer is a web page, and not the JSON", nil},
		"XML":                  {text(200, "application/xml", "<a/>"), "the answer is XML", nil},
		"nothing":              {text(200, "application/json", ""), "the answer is empty", nil},
		"null":                 {text(200, "application/json", "null"), "no zone and no value", nil},
		"a broken document":    {text(200, "application/json", `{"zone":"DE","carbonInt`), "JSON of another shape, or broken", nil},
		"another type":         {text(200, "application/json", `{"zone":"DE","carbonIntensity":"302","datetime":"2026-12-01T10:00:00Z"}`), "JSON of another shape", nil},
		"a list":               {text(200, "application/json", `[1,2,3]`), "JSON of another shape", nil},
		"another zone":         {text(200, "application/json", strings.Replace(latest(), "DE", "PL", 1)), "of another zone than DE", nil},
		"another basis":        {text(200, "application/json", strings.Replace(latest(), "lifecycle", "direct", 1)), "of another basis than lifecycle", nil},
		"a negative value":     {text(200, "application/json", strings.Replace(latest(), "302", "-3", 1)), "-3 gCO2e/kWh at ", nil},
		"an absurd value":      {text(200, "application/json", strings.Replace(latest(), "302", "30200", 1)), "30200 gCO2e/kWh at ", nil},
		"a null value":         {text(200, "application/json", strings.Replace(latest(), "302", "null", 1)), "it knows no figure of the last 24h", factors.ErrNoFactor},
		"of years ago":         {text(200, "application/json", `{"zone":"DE","carbonIntensity":302,"datetime":"2018-04-25T18:07:00.350Z"}`), "its last figure is of 2018-04-25T18:00Z, more than 24h", factors.ErrNoFactor},
		"of year 1":            {text(200, "application/json", `{"zone":"DE","carbonIntensity":302,"datetime":"0001-01-02T00:00:00Z"}`), "a value of the year 1", nil},
		"10 MB": {func(w http.ResponseWriter, _ *http.Request) {
			_, _ = io.WriteString(w, `{"zone":"`+strings.Repeat("D", 10<<20)+`"}`)
		}, "the answer is larger than 4 MiB", nil},
		"10 MB, packed": {func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Encoding", "gzip")
			z := gzip.NewWriter(w)
			_, _ = io.WriteString(z, strings.Repeat(" ", 10<<20))
			_ = z.Close()
		}, "the answer is larger than 4 MiB", nil},
		"another host": {func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, elsewhere.URL+"/v3/carbon-intensity/latest", http.StatusFound)
		}, "it sends us to another host", nil},
		"in circles": {func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, r.URL.String(), http.StatusFound)
		}, "it sends us to another host", nil},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			server := httptest.NewServer(test.handler)
			defer server.Close()
			s := &ElectricityMaps{Key: key, Base: server.URL + "/v3", Client: server.Client()}
			_, err := s.Current(t.Context(), grid)
			require.ErrorContains(t, err, test.says)
			assert.ErrorContains(t, err, "Electricity Maps API v3: "+server.URL+"/v3/carbon-intensity/latest?emissionFactorType=lifecycle&zone=DE: ", "the address tells which of many was asked")
			assert.NotContains(t, err.Error(), key)
			assert.Equal(t, errors.Is(test.is, ErrNoAccess), errors.Is(err, ErrNoAccess))
			assert.Equal(t, errors.Is(test.is, factors.ErrNoFactor), errors.Is(err, factors.ErrNoFactor))
		})
	}
}

func TestARedirectOnTheSameHostIsFollowed(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if strings.HasPrefix(r.URL.Path, "/v3") {
			http.Redirect(w, r, "/v4"+strings.TrimPrefix(r.URL.Path, "/v3"), http.StatusMovedPermanently)
			return
		}
		_, _ = io.WriteString(w, latest())
	}))
	defer server.Close()
	s := &ElectricityMaps{Key: key, Base: server.URL + "/v3", Client: server.Client()}
	f, err := s.Current(t.Context(), grid)
	assert.Equal(t, 302., good(t, f, err).Value)
}

// An answer that breaks off is tried again.
func TestAConnectionThatBreaksIsTriedAgain(t *testing.T) {
	clock(t, "2026-12-01T10:20:00Z", func(t *testing.T) {
		n := 0
		s := &ElectricityMaps{Key: key, Client: &http.Client{Transport: roundTrip(func(r *http.Request) (*http.Response, error) {
			switch n++; n {
			case 1:
				return nil, io.ErrUnexpectedEOF
			case 2:
				return &http.Response{StatusCode: 200, Header: http.Header{}, Request: r, Body: io.NopCloser(io.MultiReader(strings.NewReader(`{"zo`), broken{}))}, nil
			}
			return wire{text(200, "application/json", latest())}.RoundTrip(r)
		})}}
		f, err := s.Current(t.Context(), grid)
		assert.Equal(t, 302., good(t, f, err).Value)
		assert.Equal(t, 3, n)
	})
}

type roundTrip func(*http.Request) (*http.Response, error)

func (f roundTrip) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

type broken struct{}

func (broken) Read([]byte) (int, error) { return 0, io.ErrUnexpectedEOF }

func TestTriesAndTheWaitsBetweenThem(t *testing.T) {
	type step struct {
		status int
		after  string // Retry-After
	}
	for name, test := range map[string]struct {
		steps    []step // the last is repeated
		requests int
		least    time.Duration
		most     time.Duration
		says     string // "" for success
	}{
		"at once":                {[]step{{200, ""}}, 1, 0, 0, ""},
		"500, then 200":          {[]step{{500, ""}, {200, ""}}, 2, 500 * time.Millisecond, time.Second, ""},
		"three times 503":        {[]step{{503, ""}, {503, ""}, {503, ""}, {200, ""}}, 4, 3500 * time.Millisecond, 7 * time.Second, ""},
		"503 for ever":           {[]step{{503, ""}}, 4, 3500 * time.Millisecond, 7 * time.Second, "503 Service Unavailable (4 tries)"},
		"429 with Retry-After":   {[]step{{429, "7"}, {200, ""}}, 2, 7 * time.Second, 7 * time.Second, ""},
		"429 until a date":       {[]step{{429, "Tue, 01 Dec 2026 10:20:12 GMT"}, {200, ""}}, 2, 12 * time.Second, 12 * time.Second, ""},
		"429 for an hour":        {[]step{{429, "3600"}}, 1, 0, 0, "429 Too Many Requests; it asks us to come back in 1h0m0s"},
		"Retry-After of nothing": {[]step{{429, "soon"}, {200, ""}}, 2, 500 * time.Millisecond, time.Second, ""},
		"Retry-After, negative":  {[]step{{503, "-5"}, {200, ""}}, 2, 500 * time.Millisecond, time.Second, ""},
		"401 is final":           {[]step{{401, ""}, {200, ""}}, 1, 0, 0, "401"},
		"403 is final":           {[]step{{403, ""}, {200, ""}}, 1, 0, 0, "403"},
		"404 is final":           {[]step{{404, ""}, {200, ""}}, 1, 0, 0, "404"},
	} {
		t.Run(name, func(t *testing.T) {
			clock(t, "2026-12-01T10:20:00Z", func(t *testing.T) {
				n := 0
				s := &ElectricityMaps{Key: key, Client: over(func(w http.ResponseWriter, _ *http.Request) {
					step := test.steps[min(n, len(test.steps)-1)]
					n++
					if step.after != "" {
						w.Header().Set("Retry-After", step.after)
					}
					w.WriteHeader(step.status)
					if step.status == 200 {
						_, _ = io.WriteString(w, latest())
					}
				})}
				start := time.Now()
				f, err := s.Current(t.Context(), grid)
				took := time.Since(start)
				if test.says == "" {
					good(t, f, err)
				} else {
					require.ErrorContains(t, err, test.says)
				}
				assert.Equal(t, test.requests, n)
				assert.GreaterOrEqual(t, took, test.least)
				assert.LessOrEqual(t, took, test.most)
			})
		})
	}
}

func TestAServerThatHangsIsGivenUp(t *testing.T) {
	clock(t, "2026-12-01T10:20:00Z", func(t *testing.T) {
		n := 0
		s := &ElectricityMaps{Key: key, Client: over(func(_ http.ResponseWriter, r *http.Request) {
			n++
			<-r.Context().Done()
		})}
		start := time.Now()
		_, err := s.Current(t.Context(), grid)
		require.ErrorContains(t, err, "no answer within 10s (4 tries)")
		require.ErrorIs(t, err, context.DeadlineExceeded)
		assert.Equal(t, 4, n)
		assert.LessOrEqual(t, time.Since(start), 47*time.Second)
		assert.GreaterOrEqual(t, time.Since(start), 43*time.Second)
	})
}

func TestACallerWithoutPatienceIsNotKept(t *testing.T) {
	for name, h := range map[string]http.HandlerFunc{
		"while it hangs":        func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() },
		"between two tries":     text(503, "", ""),
		"while it is told wait": func(w http.ResponseWriter, _ *http.Request) { w.Header().Set("Retry-After", "20"); w.WriteHeader(429) },
	} {
		for source, s := range everySource(over(h), "") {
			t.Run(name+" "+source, func(t *testing.T) {
				clock(t, "2026-12-01T10:20:00Z", func(t *testing.T) {
					ctx, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
					defer cancel()
					start := time.Now()
					_, err := s.Current(ctx, s.Query)
					require.ErrorIs(t, err, context.DeadlineExceeded)
					assert.Equal(t, 300*time.Millisecond, time.Since(start))
				})
			})
		}
	}
}

func TestASourceKeepsToItsRate(t *testing.T) {
	clock(t, "2026-12-01T10:20:00Z", func(t *testing.T) {
		var mu sync.Mutex
		var at []time.Time
		s := &ElectricityMaps{Key: key, Client: over(func(w http.ResponseWriter, _ *http.Request) {
			mu.Lock()
			at = append(at, time.Now())
			mu.Unlock()
			_, _ = io.WriteString(w, latest())
		})}
		var all sync.WaitGroup
		for range 9 {
			all.Go(func() {
				_, err := s.Current(t.Context(), grid)
				assert.NoError(t, err)
			})
		}
		start := time.Now()
		all.Wait()
		assert.Equal(t, 8*250*time.Millisecond, time.Since(start), "nine requests, four a second")
		for i := 1; i < len(at); i++ {
			assert.Equal(t, 250*time.Millisecond, at[i].Sub(at[i-1]))
		}
		time.Sleep(time.Minute)
		start = time.Now()
		_, err := s.Current(t.Context(), grid)
		require.NoError(t, err)
		assert.Zero(t, time.Since(start), "what was not asked for a while is asked at once")
	})
}

func TestAnAddressThatWouldGiveTheKeyAwayIsRefused(t *testing.T) {
	for base, says := range map[string]string{
		"http://api.example.org":               "in the clear: use https://",
		"https://user:" + key + "@example.org": "Base is no address",
		"https://example.org/?key=" + key:      "Base is no address",
		"api.example.org":                      "Base is no address",
		"ftp://example.org":                    "Base is no address",
		"https://exa mple.org":                 "Base is no address",
	} {
		s := &ElectricityMaps{Key: key, Base: base, Client: over(text(200, "", ""))}
		_, err := s.Current(t.Context(), grid)
		require.ErrorContains(t, err, says, base)
		assert.NotContains(t, err.Error(), key)
	}
	for _, base := range []string{"http://localhost:8080", "http://127.0.0.1:8080", "http://[::1]:8080"} {
		s := &ElectricityMaps{Key: key, Base: base, Client: over(text(401, "", ""))}
		_, err := s.Current(t.Context(), grid)
		require.ErrorContains(t, err, "401", "this very machine may be asked: %s", base)
	}
}

// A key that was copied with the end of its line could never be sent.
func TestAKeyThatIsNoneIsToldWithoutAsking(t *testing.T) {
	for _, wrong := range []Secret{"k3y\n", "k3 y", "k3y\u00a0"} {
		_, err := (&ElectricityMaps{Key: wrong, Client: over(func(http.ResponseWriter, *http.Request) { t.Error("it was asked") })}).Current(t.Context(), grid)
		require.ErrorIs(t, err, ErrNoAccess)
		assert.EqualError(t, err, "Electricity Maps API v3: Key has a blank or another sign that no key has")
	}
}

func TestASourceMayBeUsedBySeveralGoroutinesAtOnce(t *testing.T) {
	clock(t, "2026-12-01T10:20:00Z", func(t *testing.T) {
		var n atomic.Int32
		sources := everySource(over(func(w http.ResponseWriter, _ *http.Request) {
			n.Add(1)
			_, _ = io.WriteString(w, latest())
		}), "")
		var all sync.WaitGroup
		for _, s := range sources {
			for range 4 {
				all.Go(func() { _, _ = s.Current(t.Context(), s.Query) })
			}
		}
		all.Wait()
		assert.Equal(t, int32(4*len(sources)), n.Load())
	})
}
