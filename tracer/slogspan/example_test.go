package slogspan_test

import (
	"context"
	"log/slog"
	"os"

	"github.com/ecotracer/ecotracer/tracer"
	"github.com/ecotracer/ecotracer/tracer/slogspan"
	"github.com/ecotracer/ecotracer/tracer/tracertest"
)

func Example() {
	// A Recorder in place of the folder for records, as this is a test.
	ctx, run, err := tracer.Begin(context.Background(), tracer.Sinks(new(tracertest.Recorder)))
	if err != nil {
		panic(err)
	}
	defer run.End()

	// Without what differs from run to run.
	strip := func(_ []string, a slog.Attr) slog.Attr {
		switch a.Key {
		case "time", "run", "trace":
			return slog.Attr{}
		}
		return a
	}
	log := slog.New(slogspan.Handler(slog.NewTextHandler(os.Stdout, &slog.HandlerOptions{ReplaceAttr: strip})))

	ctx, span := tracer.Start(ctx, "train")
	defer span.End()
	log.InfoContext(ctx, "epoch done", "loss", 0.1)
	// Output:
	// level=INFO msg="epoch done" loss=0.1 ecotracer.span=train ecotracer.stage=training/training
}
