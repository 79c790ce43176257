package tracertest_test

import (
	"context"
	"fmt"
	"os"
	"time"

	"github.com/ecotracer/ecotracer/lifecycle"
	"github.com/ecotracer/ecotracer/tracer"
	"github.com/ecotracer/ecotracer/tracer/tracertest"
)

// prepareAndTrain is the program under test: it waits for its data, then
// computes.
func prepareAndTrain(ctx context.Context) {
	_, wait := tracer.Start(ctx, "download")
	<-time.After(60 * time.Millisecond)
	wait.End()

	_, train := tracer.Start(ctx, "train")
	tracertest.Burn(ctx, 60*time.Millisecond)
	train.Count("samples", 1000)
	train.End()
}

// A program is run on a simulated host that draws 50 W for each busy CPU: as
// the test's own process computes, its counters move. A Recorder keeps the
// record.
func Example() {
	dir, err := os.MkdirTemp("", "") // in a test: t.TempDir()
	if err != nil {
		panic(err)
	}
	defer os.RemoveAll(dir)
	host := tracertest.NewHost(dir, tracertest.HostConfig{
		Packages: []tracertest.Curve{tracertest.TrueCPU().Times(50)},
		Process:  tracertest.TrueCPU(),
	})
	var records tracertest.Recorder

	opts := append(host.Options(), tracer.Sinks(&records), tracer.Scope(lifecycle.ScopeMachine))
	ctx, run, err := tracer.Begin(context.Background(), opts...)
	if err != nil {
		panic(err)
	}
	prepareAndTrain(ctx)
	if _, err := run.End(); err != nil {
		panic(err)
	}

	train, download := records.Span("train"), records.Span("download")
	fmt.Println("stage:", train.Stage)
	fmt.Println("samples:", train.Units["samples"].Count)
	fmt.Println("training cost more than waiting:", train.SelfJ > download.SelfJ)
	// Output:
	// stage: training/training
	// samples: 1000
	// training cost more than waiting: true
}
