package export_test

import (
	"encoding/json"
	"fmt"
	"os"

	"github.com/ecotracer/ecotracer/lifecycle"
	"github.com/ecotracer/ecotracer/lifecycle/export"
)

// A BOM that a build has made gets what training its model cost.
func ExampleIntoCycloneDX() {
	f, err := os.Open("../testdata/small.json")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer f.Close()
	record, err := lifecycle.Decode(f)
	if err != nil {
		fmt.Println(err)
		return
	}
	bom := []byte(`{"bomFormat": "CycloneDX", "specVersion": "1.7", "version": 1,
		"components": [{"type": "machine-learning-model", "name": "small"}]}`)

	bom, losses, err := export.IntoCycloneDX(bom, record, export.Options{Record: "small.json"})
	if err != nil {
		fmt.Println(err)
		return
	}
	var read struct {
		Version    int
		Components []struct {
			ModelCard struct {
				Considerations struct {
					EnvironmentalConsiderations struct {
						EnergyConsumptions []struct {
							Activity           string
							ActivityEnergyCost struct{ Value json.Number }
							CO2CostEquivalent  struct{ Value json.Number }
						}
					}
				}
			}
		}
	}
	if err := json.Unmarshal(bom, &read); err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println("version", read.Version)
	for _, e := range read.Components[0].ModelCard.Considerations.EnvironmentalConsiderations.EnergyConsumptions {
		fmt.Println(e.Activity, e.ActivityEnergyCost.Value, "kWh,", e.CO2CostEquivalent.Value, "tCO2eq")
	}
	fmt.Println("not held:", losses[0].Path, "and others")
	// Output:
	// version 2
	// other 0.002840277777777778 kWh, 0.00000007952777777777778 tCO2eq
	// data-preparation 0.0040625 kWh, 0.00000011375 tCO2eq
	// training 0.140625 kWh, 0.0000039375 tCO2eq
	// inference 0.0034375 kWh, 0.00000009625 tCO2eq
	// not held: /schema and others
}
