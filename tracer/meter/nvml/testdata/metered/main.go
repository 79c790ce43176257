// Command metered traces a run with NVIDIA GPUs.
package main

import (
	"context"
	"fmt"
	"os"

	"github.com/ecotracer/ecotracer/lifecycle"
	"github.com/ecotracer/ecotracer/tracer"
	_ "github.com/ecotracer/ecotracer/tracer/meter/nvml"
)

// nowhere is a sink.
type nowhere struct{}

func (nowhere) Write(context.Context, *lifecycle.Record) error { return nil }

func main() {
	ctx, run, err := tracer.Begin(context.Background(), tracer.Sinks(nowhere{}))
	if err != nil {
		fmt.Println(err)
		os.Exit(1)
	}
	_, span := tracer.Start(ctx, "train")
	span.End()
	record, err := run.End()
	if err != nil {
		fmt.Println(err)
		os.Exit(1)
	}
	fmt.Println(len(record.Spans), "span traced")
}
