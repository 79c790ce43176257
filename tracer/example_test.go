package tracer_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log"
	"os"
	"path/filepath"
	"runtime/pprof"
	"strings"
	"time"

	"github.com/ecotracer/ecotracer/factors"
	"github.com/ecotracer/ecotracer/lifecycle"
	"github.com/ecotracer/ecotracer/tracer"
	"github.com/ecotracer/ecotracer/tracer/meter"
	"github.com/ecotracer/ecotracer/tracer/tracertest"
)

// A program begins a run, and its parts start spans.
func Example() {
	dir, err := os.MkdirTemp("", "records")
	if err != nil {
		log.Fatal(err)
	}
	defer os.RemoveAll(dir)

	ctx, run, err := tracer.Begin(context.Background(), tracer.Named("digits"), tracer.Dir(dir))
	if err != nil {
		log.Print(err) // the run measures all the same
	}

	train := func(ctx context.Context) {
		ctx, span := tracer.Start(ctx, "train")
		defer span.End()
		for range 3 {
			_, epoch := tracer.Start(ctx, "epoch")
			epoch.Count("samples", 60000)
			epoch.End()
		}
	}
	train(ctx)

	record, err := run.End()
	if err != nil {
		log.Print(err) // the record is not written, but here
	}
	fmt.Println(record.Run.Name, record.Run.Status)
	for _, s := range record.Spans {
		fmt.Println(s.Path, s.Stage, s.Count, s.Units["samples"].Count)
	}
	files, _ := filepath.Glob(filepath.Join(dir, run.ID()+".json"))
	fmt.Println(len(files), "record")
	// Output:
	// digits complete
	// train training/training 1 0
	// train/epoch training/training 3 180000
	// 1 record
}

// A library only calls Start. In a program without a run that costs nothing.
func ExampleStart_library() {
	tokenize := func(ctx context.Context, text []byte) int {
		_, span := tracer.Start(ctx, "tokenize")
		defer span.End()
		n := len(bytes.Fields(text))
		span.Count("tokens", n)
		return n
	}
	fmt.Println(tokenize(context.Background(), []byte("missing is never zero")))
	// Output: 4
}

// Do ends its span whatever happens, and marks it as failed where f fails.
func ExampleDo() {
	var records tracertest.Recorder
	ctx, run, _ := tracer.Begin(context.Background(), tracer.Sinks(&records))
	err := tracer.Do(ctx, "train", func(ctx context.Context) error {
		return errors.New("the loss is NaN")
	})
	run.Fail(err)
	run.End()
	fmt.Println(err)
	fmt.Println(records.Last().Run.Status, records.Span("train").Failed)
	// Output:
	// the loss is NaN
	// failed 1
}

// In says what a name does not.
func ExampleIn() {
	var records tracertest.Recorder
	ctx, run, _ := tracer.Begin(context.Background(), tracer.Sinks(&records))
	_, span := tracer.Start(ctx, "lora", tracer.In(lifecycle.FineTuning))
	span.End()
	run.End()
	fmt.Println(records.Span("lora").Stage)
	// Output: training/fine-tuning
}

// Async is for what goes on beside its parent, which is then not taken to wait.
func ExampleAsync() {
	var records tracertest.Recorder
	ctx, run, _ := tracer.Begin(context.Background(), tracer.Sinks(&records))
	ctx, train := tracer.Start(ctx, "train")
	done := make(chan struct{})
	go func() {
		defer close(done)
		_, load := tracer.Start(ctx, "load next batch", tracer.Async())
		defer load.End()
	}()
	// … train on this batch …
	<-done
	train.End()
	run.End()
	fmt.Println(records.Span("train/load next batch").Count)
	// Output: 1
}

// Who claims a device is booked what it draws. Here two GPUs are simulated.
func ExampleOnDevices() {
	gpus := tracertest.NewMeter(
		tracertest.Domain{Domain: meter.Domain{ID: "gpu0"}, Power: tracertest.Constant(200)},
		tracertest.Domain{Domain: meter.Domain{ID: "gpu1"}, Power: tracertest.Constant(25)})
	var records tracertest.Recorder
	ctx, run, _ := tracer.Begin(context.Background(), tracer.Meters(gpus), tracer.Sinks(&records))
	ctx, train := tracer.Start(ctx, "train", tracer.OnDevices("gpu0"))
	_, batch := tracer.Start(ctx, "batch") // claims what its parent claims
	batch.End()
	train.End()
	run.End()
	for _, line := range records.Last().Ledger {
		if strings.HasPrefix(line.Domain, "gpu") {
			fmt.Println(line.Domain, "by", line.Split)
		}
	}
	// Output:
	// gpu0 by claimed
	// gpu1 by wall
}

// A host that profiles itself keeps the tracer from its profiler meanwhile.
func ExamplePauseProfiling() {
	profile := func(seconds func()) ([]byte, error) {
		resume := tracer.PauseProfiling()
		defer resume()
		var b bytes.Buffer
		if err := pprof.StartCPUProfile(&b); err != nil {
			return nil, err
		}
		seconds()
		pprof.StopCPUProfile()
		return b.Bytes(), nil
	}
	b, err := profile(func() {})
	fmt.Println(len(b) > 0, err)
	// Output: true <nil>
}

// In place of a folder a record may go anywhere; in tests it goes nowhere.
func ExampleSinks() {
	var records tracertest.Recorder
	ctx, run, _ := tracer.Begin(context.Background(), tracer.Sinks(&records))
	_, span := tracer.Start(ctx, "serve")
	span.Count("requests", 100)
	span.End()
	run.End()
	fmt.Println(records.Span("serve").Units["requests"].Count)
	// Output: 100
}

// What is known only at the end is said at the end.
func ExampleRun_Describe() {
	var records tracertest.Recorder
	_, run, _ := tracer.Begin(context.Background(), tracer.Sinks(&records))
	err := run.Describe(tracer.Technology(lifecycle.Technology{Kind: "ml", ML: &lifecycle.ML{
		Task:       "classification",
		Evaluation: []lifecycle.Evaluation{{Metric: "accuracy", Value: 0.97, Split: "test"}},
	}}))
	if err != nil {
		log.Print(err) // says what was left out
	}
	run.End()
	fmt.Println(records.Last().Technology.ML.Evaluation[0].Value)
	// Output: 0.97
}

// The grid of the place decides the grams; without a place they have the range
// of the whole world.
func ExampleAt() {
	var records tracertest.Recorder
	_, run, err := tracer.Begin(context.Background(), tracer.Sinks(&records), tracer.At(tracer.Site{Country: "Atlantis"}))
	fmt.Println(err)
	run.End()
	fmt.Println(records.Last().Environments[0].PlaceFound)
	// Output:
	// tracer: unknown country: "Atlantis": write the ISO 3166-1 alpha-2 code, such as DE, or leave it empty if it is unknown (the place counts as unknown)
	// unknown
}

// A program that never calls Begin, but whose user has set ECOTRACER_DIR, ends
// what its libraries have begun.
func ExampleFlush() {
	defer func() {
		if err := tracer.Flush(context.Background()); err != nil {
			log.Print(err)
		}
	}()
	_, span := tracer.Start(context.Background(), "serve")
	span.End()
	// Output:
}

// What no meter of the host sees, spans declare. The operator knows better than
// the data set what it takes.
func ExampleSpan_Transfer() {
	own := []factors.Factor{{
		ID: "transfer.backbone", Kind: factors.Transfer, Value: 0.002, Low: 0.001, High: 0.004, Unit: "kWh/GB",
		Source: "our own routers, 2026", SourceYear: 2026, Quality: "B",
	}}
	ctx, run, _ := tracer.Begin(context.Background(), tracer.Sinks(new(tracertest.Recorder)),
		tracer.At(tracer.Site{Country: "FR", Factors: own}))
	_, span := tracer.Start(ctx, "collect data")
	span.Transfer("backbone", 5e9)                        // bytes
	span.Store("hdd", 200e9, 365*24*time.Hour, 3)         // bytes, for a year, in three replicas
	span.Call("our embeddings, which nobody knows", 1000) // so many times
	span.End()
	record, _ := run.End()
	for _, l := range record.Ledger {
		if l.Split == "declared" {
			fmt.Printf("%s: %.0f kJ\n", l.Domain, l.SpansJ/1e3)
		}
	}
	for _, m := range record.Missing {
		if strings.HasPrefix(m.Path, "/phases") {
			fmt.Println("missing:", m.What)
		}
	}
	// Output:
	// network.backbone: 36 kJ
	// storage.hdd: 12299 kJ
	// missing: service our embeddings, which nobody knows
}
