package redfish_test

import (
	"context"
	stdjson "encoding/json"
	"net/http"
	"os"
	"strconv"
	"strings"

	"github.com/ecotracer/ecotracer/lifecycle"
)

// json is a value as the controller writes it.
func json(text string) stdjson.RawMessage { return stdjson.RawMessage(text) }

func number(v float64) string { return strconv.FormatFloat(v, 'f', -1, 64) }

func link(path string) map[string]any { return map[string]any{"@odata.id": path} }

// endless answers more than anybody should read.
func endless(w http.ResponseWriter, _ *http.Request) {
	_, _ = w.Write([]byte(`{"PowerControl":[{"Name":"` + strings.Repeat("x", 2<<20) + `"}]}`))
}

// broken is a network that fails.
type broken struct {
	http.RoundTripper
	err error
}

func (b *broken) RoundTrip(r *http.Request) (*http.Response, error) {
	if b.err != nil {
		return nil, b.err
	}
	return b.RoundTripper.RoundTrip(r)
}

// nowhere is a sink that keeps nothing.
type nowhere struct{}

func (nowhere) Write(context.Context, *lifecycle.Record) error { return nil }

// simulated is a controller that lets everybody in.
func simulated(w http.ResponseWriter, r *http.Request) {
	text, err := os.ReadFile("testdata/ilo6.json")
	var resources map[string]stdjson.RawMessage
	if err != nil || stdjson.Unmarshal(text, &resources) != nil || resources[r.URL.Path] == nil {
		w.WriteHeader(http.StatusNotFound)
		return
	}
	_, _ = w.Write(resources[r.URL.Path])
}
