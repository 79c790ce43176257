// Command minimal is the least that a program does to leave a record of what
// it cost. The README shows it, shortened.
package main

import (
	"context"
	"fmt"
	"log"
	"math"
	"runtime"

	"github.com/ecotracer/ecotracer/tracer"
)

func main() {
	ctx, run, err := tracer.Begin(context.Background(), tracer.Named("minimal"))
	if err != nil {
		log.Print(err) // the run measures all the same
	}
	_, span := tracer.Start(ctx, "train") // the name tells the phase
	span.Count("samples", train())
	span.End()

	record, err := run.End() // written to ecotracer-records/<run id>.json
	if err != nil {
		log.Print(err)
	}
	energy, grams := record.Totals.EnergyJ, record.Totals.OperationalGCO2e
	fmt.Printf("%.1f J (95 %%: %.1f to %.1f), %s\n", energy.Value, energy.Low, energy.High, energy.Method)
	fmt.Printf("%.1g gCO2e (95 %%: %.1g to %.1g)\n", grams.Value, grams.Low, grams.High)
}

// train stands for a second or so of work. It returns the number of samples.
func train() int {
	const samples = 300_000_000
	sum := 0.0
	for i := range samples {
		sum += math.Sqrt(float64(i))
	}
	runtime.KeepAlive(sum)
	return samples
}
