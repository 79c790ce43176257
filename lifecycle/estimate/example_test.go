package estimate_test

import (
	"fmt"
	"time"

	"github.com/ecotracer/ecotracer/lifecycle"
	"github.com/ecotracer/ecotracer/lifecycle/estimate"
)

// What a row of a paper comes to: watts, hours, PUE and intensity are given,
// so nothing is looked up for its emissions.
func ExampleOf() {
	e, err := estimate.Of(estimate.Plan{
		ID: "019cadc6-9a80-7000-8000-0123456789ab", CreatedAt: time.Date(2026, 3, 2, 9, 0, 0, 0, time.UTC),
		Generator: lifecycle.Generator{Name: "example", Version: "1", OS: "linux", Arch: "amd64"},

		PowerW:    &estimate.Given{Value: 1515.43},
		Hours:     &estimate.Given{Value: 84},
		PUE:       &estimate.Given{Value: 1.58},
		Intensity: &estimate.Given{Value: 433},
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	t := e.Record.Totals
	fmt.Printf("%s: %.0f kWh, %.0f kgCO2e\n", e.Record.Run.Status, t.FacilityEnergyJ.Value/3.6e6, t.OperationalGCO2e.Value/1e3)

	// The production of the machine is unknown, so the total is.
	fmt.Println(t.GCO2e == nil)

	_, err = estimate.Of(estimate.Plan{PowerW: &estimate.Given{Value: 300}})
	fmt.Println(err)
	// Output:
	// estimated: 201 kWh, 87 kgCO2e
	// true
	// hours: give how long the devices are held; of a language model on named accelerators, parameters and tokens tell it too
}
