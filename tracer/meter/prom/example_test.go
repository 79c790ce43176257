package prom_test

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"

	"github.com/ecotracer/ecotracer/lifecycle"
	"github.com/ecotracer/ecotracer/tracer/meter/prom"
)

// A rack's power strip has an exporter that the package does not know: its
// outlet 7 feeds this node.
func ExampleOpen_families() {
	strip := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		_, _ = io.WriteString(w, "# TYPE strip_outlet_watthours counter\n"+
			"strip_outlet_watthours{outlet=\"7\"} 1200.5\n"+
			"strip_outlet_watthours{outlet=\"8\"} 88.25\n")
	}))
	defer strip.Close()

	m, err := prom.Open(context.Background(), prom.Config{
		URL: strip.URL,
		Families: []prom.Family{{
			Name: "strip_outlet_watthours", Match: map[string]string{"outlet": "7"},
			Kind: lifecycle.KindNode, Unit: "Wh", Method: lifecycle.Metered, RelError: 0.01,
		}},
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer func() { _ = m.Close() }()
	for _, d := range m.Domains() {
		fmt.Printf("%s %s %.0f J\n", d.ID, d.Method, d.RawJ)
	}
	// Output: node0 metered 4321800 J
}
