package lifecycle_test

import (
	"fmt"
	"os"

	"github.com/ecotracer/ecotracer/lifecycle"
)

func read(file string) *lifecycle.Record {
	f, err := os.Open(file)
	if err != nil {
		panic(err)
	}
	defer f.Close()
	r, err := lifecycle.Decode(f)
	if err != nil {
		panic(err)
	}
	return r
}

// Is the second run really lower than the first?
func ExampleCompare() {
	before, after := read("testdata/small.json"), read("testdata/small.json")
	after.Run.ID = "019df184-1c00-7000-8000-000000000002"
	fit := &after.Phases[2]
	for i := range fit.Usage { // the training was made better by a third
		fit.Usage[i].EnergyJ.Value *= 2. / 3
	}
	c, err := lifecycle.Compare(after, before)
	if err != nil {
		panic(err)
	}
	for _, d := range c.Figures[:4] {
		fmt.Printf("%s is %s: probability %.3f, ratio %.2f (%.2f to %.2f)\n", d.Figure, d.Verdict, d.Lower, d.Ratio.Value, d.Ratio.Low, d.Ratio.High)
	}
	d := c.Figures[1].Drivers[0]
	fmt.Printf("most by the %s of %s in %s: %.2f g\n", d.Input, d.Hardware, d.Stage, d.Difference)
	// Output:
	// gco2e is lower: probability 1.000, ratio 0.87 (0.82 to 0.93)
	// operational_gco2e is lower: probability 1.000, ratio 0.69 (0.65 to 0.73)
	// embodied_gco2e is not-told-apart: probability 0.000, ratio 1.00 (1.00 to 1.00)
	// energy_j is lower: probability 1.000, ratio 0.69 (0.65 to 0.73)
	// most by the use of gpu in training/training: -0.97 g
}

// The Software Carbon Intensity of a run, and of who serves the model.
func ExampleSCI() {
	r := read("testdata/small.json")
	for _, persona := range []lifecycle.Persona{"", lifecycle.Consumer} {
		s, err := lifecycle.SCI(r, persona, "")
		if err != nil {
			panic(err)
		}
		fmt.Printf("%.3f gCO2e (%.3f to %.3f) per one of %g %s: O %.2f g = %.4f kWh × %.0f g/kWh, M %.2f g, stages %v\n",
			s.Score.Value, s.Score.Low, s.Score.High, s.Count, s.Unit, s.OperationalGCO2e.Value, s.EnergyKWh.Value, s.Intensity.Value, s.EmbodiedGCO2e.Value, s.Stages)
	}
	// Output:
	// 0.153 gCO2e (0.118 to 0.220) per one of 50 requests: O 4.23 g = 0.1510 kWh × 28 g/kWh, M 3.42 g, stages [unassigned training/data-preparation training/training inference/serving]
	// 0.009 gCO2e (0.006 to 0.014) per one of 50 requests: O 0.10 g = 0.0034 kWh × 28 g/kWh, M 0.34 g, stages [inference/serving]
}
