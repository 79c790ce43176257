package dataset_test

import (
	"fmt"

	"github.com/ecotracer/ecotracer/lifecycle/dataset"
)

// What a training will take, by physics alone: no records are at hand.
func ExamplePredictor_Predict() {
	plan := dataset.Plan{Task: "text-generation"}
	plan.Accelerator, plan.Count, plan.Country = "A100 SXM4 80GB", 64, "FR"
	plan.Parameters, plan.Tokens = 7e9, 1e12

	f, err := new(dataset.Fitter).Fit().Predict(plan)
	if err != nil {
		fmt.Println(err)
		return
	}
	days, mwh := f.DurationS.Value/86400, f.EnergyJ.Value/3.6e9
	fmt.Printf("%.0f days (%.0f to %.0f), %.0f MWh, by %s\n", days, f.DurationS.Low/86400, f.DurationS.High/86400, mwh, f.Basis)
	// Output: 70 days (42 to 115), 53 MWh, by prior
}
