package main

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestServiceReadsWhatTheNetworkReads(t *testing.T) {
	c := quick(t)
	c.epochs, c.copies = 2, 2
	net, test := learned(t, c)
	var found outcome
	served, err := serve(t.Context(), c, net, &found, test.pick([]int{0, 1, 2, 3, 4, 5, 6, 7, 8, 9}))
	require.NoError(t, err)
	assert.InDelta(t, net.accuracy(test.pick([]int{0, 1, 2, 3, 4, 5, 6, 7, 8, 9})), served, 1e-12)
	assert.Equal(t, c.requests, found.requests)
}

func TestBadRequestsAreAnsweredWithWhatIsWrong(t *testing.T) {
	image := func(pixel string, n int) string {
		return `{"pixels":[` + strings.TrimSuffix(strings.Repeat(pixel+",", n), ",") + `]}`
	}
	for name, test := range map[string]struct {
		method, body string
		status       int
		want         string
	}{
		"an image":          {"POST", image("0", 64), 200, `"digit":`},
		"nothing":           {"POST", "", 400, "64 numbers from 0 to 16"},
		"no JSON":           {"POST", "\x00", 400, "64 numbers from 0 to 16"},
		"a pixel too few":   {"POST", image("0", 63), 400, "63 pixels, want 64"},
		"a pixel too black": {"POST", image("17", 64), 400, "pixel 0 is 17, want 0 to 16"},
		"a negative pixel":  {"POST", image("-1", 64), 400, "pixel 0 is -1, want 0 to 16"},
		"a fraction":        {"POST", image("0.5", 64), 400, "64 numbers"},
		"far too much":      {"POST", image("0", 10_000), 400, "too large"},
		"another method":    {"GET", "", 405, "Method Not Allowed"},
	} {
		t.Run(name, func(t *testing.T) {
			w := httptest.NewRecorder()
			service(newMLP(2)).ServeHTTP(w, httptest.NewRequest(test.method, "/classify", strings.NewReader(test.body)))
			assert.Equal(t, test.status, w.Code)
			assert.Contains(t, w.Body.String(), test.want)
		})
	}
}

func TestBurstStopsAtTheFirstFailureAndTellsIt(t *testing.T) {
	url, stop, err := listen(t.Context(), http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		http.Error(w, "out of ink", http.StatusTeapot)
	}))
	require.NoError(t, err)
	_, err = burst(t.Context(), url, newImages(1), 1_000_000, 2)
	assert.ErrorContains(t, err, "418 I'm a teapot: out of ink")
	assert.NoError(t, stop())
}

func TestBurstStopsWhenTheProgramIsStopped(t *testing.T) {
	stopped := errors.New("stopped by the user")
	ctx, cancel := context.WithCancelCause(t.Context())
	url, stop, err := listen(ctx, service(newMLP(2)))
	require.NoError(t, err)
	cancel(stopped)
	_, err = burst(ctx, url, newImages(1), 1_000_000, 2)
	assert.ErrorIs(t, err, stopped)
	assert.NoError(t, stop(), "the server shuts down in order all the same")
}

func FuzzReadQuestion(f *testing.F) {
	f.Add(`{"pixels":[1,2]}`)
	f.Add(`{"pixels":[` + strings.Repeat("16,", 63) + `0]}`)
	f.Add(`{"pixels":null}`)
	f.Fuzz(func(t *testing.T, body string) {
		image, err := readQuestion(strings.NewReader(body))
		if err != nil {
			return
		}
		require.Len(t, image, pixels)
		for i, v := range image {
			require.True(t, v >= 0 && v <= 1, "pixel %d is %v", i, v)
		}
	})
}
