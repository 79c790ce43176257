package redfish_test

import (
	stdjson "encoding/json"
	"net/http"
	"strconv"
	"strings"
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
