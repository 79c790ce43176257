package chart_test

import (
	"bytes"
	"fmt"
	"os"
	"strings"

	"github.com/ecotracer/ecotracer/lifecycle"
	"github.com/ecotracer/ecotracer/lifecycle/export/chart"
)

func ExampleSVG() {
	f, err := os.Open("../../testdata/small.json")
	if err != nil {
		panic(err)
	}
	defer f.Close()
	record, err := lifecycle.Decode(f)
	if err != nil {
		panic(err)
	}
	var picture bytes.Buffer // or a file, phases.svg
	if err := chart.SVG(&picture, record, chart.None); err != nil {
		panic(err)
	}
	alternative, _, _ := strings.Cut(chart.Text(record), ". Energy") // text, of the image
	fmt.Println(alternative)
	// Output:
	// What the run came to, by phase, with 95 % intervals. Emissions: production 5.61 gCO2e (3.39–12.0); training 4.05 gCO2e (2.81–5.89); inference 96.2 mgCO2e (66.8–140); end of life 83.9 mgCO2e (45.5–232); unassigned 79.5 mgCO2e (55.1–115); in all 9.92 gCO2e (7.39–16.7)
}
