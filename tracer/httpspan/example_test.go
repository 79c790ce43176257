package httpspan_test

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"

	"github.com/ecotracer/ecotracer/tracer"
	"github.com/ecotracer/ecotracer/tracer/httpspan"
	"github.com/ecotracer/ecotracer/tracer/tracertest"
)

// A service and a client of it: each request is a span at either end.
func Example() {
	// A Recorder in place of the folder for records, as this is a test.
	ctx, run, err := tracer.Begin(context.Background(), tracer.Sinks(new(tracertest.Recorder)))
	if err != nil {
		panic(err)
	}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /digits/{id}", func(w http.ResponseWriter, r *http.Request) {
		_, span := tracer.Start(r.Context(), "classify")
		defer span.End()
		fmt.Fprintln(w, "seven")
	})
	server := httptest.NewServer(httpspan.Handler(mux))
	defer server.Close()

	client := &http.Client{Transport: &httpspan.Transport{}}
	for id := range 3 {
		request, err := http.NewRequestWithContext(ctx, "GET", fmt.Sprint(server.URL, "/digits/", id), nil)
		if err != nil {
			panic(err)
		}
		response, err := client.Do(request)
		if err != nil {
			panic(err)
		}
		_, _ = io.Copy(io.Discard, response.Body)
		response.Body.Close()
	}
	server.Close() // waits for what is being answered

	record, err := run.End()
	if err != nil {
		panic(err)
	}
	var lines []string
	for _, s := range record.Spans {
		lines = append(lines, fmt.Sprintf("%s: %d times, %s", s.Path, s.Count, s.Stage))
	}
	slices.Sort(lines)
	for _, l := range lines {
		fmt.Println(l)
	}
	// Output:
	// GET ~1digits~1{id}/classify: 3 times, inference/serving
	// GET ~1digits~1{id}: 3 times, inference/serving
	// HTTP GET: 3 times, unassigned
}
