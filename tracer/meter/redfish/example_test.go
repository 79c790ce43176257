package redfish_test

import (
	"context"
	"fmt"
	"log"
	"net/http"
	"net/http/httptest"

	"github.com/ecotracer/ecotracer/tracer"
	"github.com/ecotracer/ecotracer/tracer/meter/redfish"
)

// A program meters the node that it runs on by the node's management
// controller; here that is simulated.
func Example() {
	controller := httptest.NewTLSServer(http.HandlerFunc(simulated))
	defer controller.Close()

	bmc, err := redfish.Open(context.Background(), redfish.Config{
		URL:         controller.URL,
		Username:    "power",
		Password:    redfish.Hidden("secret"), // or PasswordFile
		Fingerprint: fingerprint(controller.Certificate()),
	})
	if err != nil {
		log.Fatal(err)
	}
	for _, d := range bmc.Domains() {
		fmt.Println(d.ID, d.Method, d.Mode, d.Name, d.Tool, d.Version)
	}

	ctx, run, err := tracer.Begin(context.Background(), tracer.Meters(bmc), tracer.Sinks(nowhere{}))
	if err != nil {
		log.Fatal(err)
	}
	_, span := tracer.Start(ctx, "train")
	// ...
	span.End()
	_, _ = run.End()
	// Output:
	// node0 metered environment-metrics EnvironmentMetrics#/PowerWatts iLO 6 iLO 6 v1.53
}
