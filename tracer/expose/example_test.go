package expose_test

import (
	"bufio"
	"context"
	"expvar"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"

	"github.com/ecotracer/ecotracer/tracer"
	"github.com/ecotracer/ecotracer/tracer/expose"
	"github.com/ecotracer/ecotracer/tracer/tracertest"
)

// A service shows its run to Prometheus, beside what it does.
func ExampleHandler() {
	// A Recorder in place of the folder for records, as this is a test.
	ctx, run, err := tracer.Begin(context.Background(), tracer.Sinks(new(tracertest.Recorder)))
	if err != nil {
		panic(err)
	}
	defer run.End()
	mux := http.NewServeMux()
	mux.Handle("GET /metrics/energy", expose.Handler(run))
	server := httptest.NewServer(mux)
	defer server.Close()

	for range 3 {
		_, span := tracer.Start(ctx, "classify")
		span.Count("images", 10)
		span.End()
	}

	response, err := http.Get(server.URL + "/metrics/energy")
	if err != nil {
		panic(err)
	}
	defer response.Body.Close()
	lines := bufio.NewScanner(response.Body)
	for lines.Scan() {
		if strings.HasPrefix(lines.Text(), "ecotracer_spans_total") || strings.HasPrefix(lines.Text(), "ecotracer_span_units") {
			fmt.Println(lines.Text())
		}
	}
	// Output:
	// ecotracer_spans_total{path="classify",stage="inference/serving"} 3
	// ecotracer_span_units_total{path="classify",stage="inference/serving",unit="images"} 30
}

// expvar's own handler, /debug/vars, then shows the run, too.
func ExampleVar() {
	_, run, err := tracer.Begin(context.Background(), tracer.Sinks(new(tracertest.Recorder)))
	if err != nil {
		panic(err)
	}
	defer run.End()
	expvar.Publish("ecotracer", expose.Var(run))
}
