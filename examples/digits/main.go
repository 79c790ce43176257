// Command digits trains a small network to read handwritten digits, tests it,
// serves it over HTTP, and tells what each of these cost: in joules, in grams
// of CO2 equivalent, and how sure that is.
//
// It is a program as a user of ecotracer would write it. Read this file from
// top to bottom; the others hold the data (data.go, warp.go), the network
// (mlp.go, train.go), the service (serve.go), what the record says of them
// (describe.go), and the table that is printed at the end (table.go).
package main

import (
	"cmp"
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"os/signal"
	"path/filepath"

	"github.com/ecotracer/ecotracer/lifecycle"
	"github.com/ecotracer/ecotracer/tracer"
)

// config is what may be chosen. The same seed gives the same network on the
// same kind of machine.
type config struct {
	seed     uint64
	epochs   int
	requests int

	copies  int // of each training image, all but one distorted
	hidden  int // neurons
	batch   int // images a training step
	clients int // that send requests at once
	dir     string
}

// defaults are chosen so that a run is over in seconds, and still long beside
// the second in which meters are read.
func defaults() config {
	return config{
		seed: 1, epochs: 30, requests: 50_000,
		copies: 20, hidden: 128, batch: 64, clients: 4,
		dir: cmp.Or(os.Getenv("ECOTRACER_DIR"), "ecotracer-records"),
	}
}

func main() {
	c := defaults()
	flag.Uint64Var(&c.seed, "seed", c.seed, "of the split, the distortions and the first weights")
	flag.IntVar(&c.epochs, "epochs", c.epochs, "times that the network sees all training images")
	flag.IntVar(&c.requests, "requests", c.requests, "sent to the trained network")
	flag.Parse()

	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := run(ctx, c, os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "digits:", err)
		os.Exit(1)
	}
}

// run traces the whole program: it begins a run, does the work inside it, and
// shows the record that the run leaves. A record is shown also if the work
// failed or the record could not be written: nothing that was measured is lost.
func run(ctx context.Context, c config, out io.Writer) error {
	if c.epochs < 1 || c.requests < 1 {
		return errors.New("-epochs and -requests must be at least 1")
	}
	net := newMLP(c.hidden)
	ctx, run, beginErr := tracer.Begin(ctx,
		tracer.Named("digits"),
		tracer.UseCase(useCase()),
		tracer.Technology(technology(c, net, outcome{})),
		tracer.Dir(c.dir),
	)
	if beginErr != nil { // the run measures all the same
		fmt.Fprintf(out, "%v\nGoing on without that.\n\n", beginErr)
	}

	var found outcome
	workErr := work(ctx, c, net, &found, out)
	run.Fail(workErr)
	run.Describe(tracer.Technology(technology(c, net, found)))

	record, endErr := run.End()
	fmt.Fprintln(out)
	if record.Run.ID == "" {
		fmt.Fprintln(out, "Nothing was measured: ECOTRACER_DISABLED is set.")
		return workErr
	}
	printTable(out, record)
	path := filepath.Join(c.dir, record.Run.ID+".json")
	if _, err := os.Stat(path); err == nil {
		fmt.Fprintf(out, "\nRecord: %s\n", path)
	}
	return errors.Join(beginErr, workErr, endErr)
}

// work is the life of a model, from its data to its use. Each part is a span;
// the tracer knows the life-cycle stage by the span's name.
func work(ctx context.Context, c config, net *mlp, found *outcome, out io.Writer) error {
	rng := rand.New(rand.NewPCG(c.seed, 0))
	training, validation, test, err := prepare(ctx, c, found, rng)
	if err != nil {
		return err
	}
	fmt.Fprintf(out, "%d images to train on (with distorted copies), %d to validate, %d to test\n",
		training.len(), validation.len(), test.len())

	if err := train(ctx, c, net, found, training, validation, rng, out); err != nil {
		return err
	}
	accuracy := evaluate(ctx, net, found, test)
	fmt.Fprintf(out, "test accuracy: %.1f %%\n", 100*accuracy)

	served, err := serve(ctx, c, net, found, test)
	if err != nil {
		return fmt.Errorf("serving: %w", err)
	}
	fmt.Fprintf(out, "%d requests answered, %.1f %% of the images read right\n", c.requests, 100*served)
	fmt.Fprintf(out, "(what the %d clients used is unassigned)\n", c.clients)
	return nil
}

// prepare reads, splits and distorts the images: training/data-preparation.
func prepare(ctx context.Context, c config, found *outcome, rng *rand.Rand) (training, validation, test images, err error) {
	_, span := tracer.Start(ctx, "prepare")
	defer span.End()

	all, err := loadDigits()
	if err != nil {
		span.Fail(err)
		return
	}
	training, validation, test = all.split(rng)
	found.datasets = []lifecycle.Dataset{
		datasetOf("train", training), datasetOf("validation", validation), datasetOf("test", test),
	}
	training = training.distorted(c.copies, rng)
	span.Count("images", training.len()+validation.len()+test.len())
	return
}

// train teaches the network: training/training. Spans may nest, and be as
// short as a batch: what they cost is summed by path (train/epoch/batch).
func train(ctx context.Context, c config, net *mlp, found *outcome, training, validation images, rng *rand.Rand, out io.Writer) (err error) {
	ctx, span := tracer.Start(ctx, "train")
	defer span.End()
	defer func() { span.Fail(err) }()
	span.Expect("epoch", c.epochs) // so that the record tells what the training will come to

	net.randomise(rng)
	batches := training.len() / c.batch
	trainer := newTrainer(net, c.batch, c.epochs*batches)
	for epoch := 1; epoch <= c.epochs; epoch++ {
		ctx, span := tracer.Start(ctx, "epoch")
		loss := 0.0
		for batch := range training.batches(c.batch, rng) {
			_, span := tracer.Start(ctx, "batch")
			loss += trainer.learn(training, batch) / float64(batches)
			span.Count("samples", len(batch))
			span.End()
		}
		accuracy := validate(ctx, net, validation)
		err := context.Cause(ctx)
		span.Fail(err)
		span.End()

		found.steps = trainer.step
		found.validationAccuracy = accuracy
		if epoch%10 == 0 || epoch == c.epochs {
			fmt.Fprintf(out, "epoch %d: loss %.4f, validation accuracy %.1f %%\n", epoch, loss, 100*accuracy)
		}
		if err != nil {
			return fmt.Errorf("stopped after epoch %d of %d: %w", epoch, c.epochs, err)
		}
	}
	return nil
}

// validate looks at images that are not trained on: training/evaluation, also
// inside train, because its name says so.
func validate(ctx context.Context, net *mlp, validation images) float64 {
	_, span := tracer.Start(ctx, "validate")
	defer span.End()
	span.Count("images", validation.len())
	return net.accuracy(validation)
}

// evaluate looks at images that were kept away until now: training/evaluation.
func evaluate(ctx context.Context, net *mlp, found *outcome, test images) float64 {
	_, span := tracer.Start(ctx, "evaluate")
	defer span.End()
	span.Count("images", test.len())
	found.testAccuracy = net.accuracy(test)
	return found.testAccuracy
}

// serve answers a burst of requests and returns the share of the images that
// were read right: inference/serving.
//
// The clients run in this process, beside the server, and are no part of the
// service. They have a span of their own, outside "serve": spans that are
// active at the same time share the energy by their CPU time. No stage goes by
// the name "clients", so what they use is unassigned.
func serve(ctx context.Context, c config, net *mlp, found *outcome, test images) (accuracy float64, err error) {
	serving, server := tracer.Start(ctx, "serve")
	defer server.End()
	defer func() { server.Fail(err) }()
	url, stop, err := listen(serving, service(net))
	if err != nil {
		return 0, err
	}

	ctx, clients := tracer.Start(ctx, "clients")
	accuracy, err = burst(ctx, url, test, c.requests, c.clients)
	clients.Fail(err)
	clients.End()
	if err == nil {
		found.requests = c.requests
		server.Count("requests", c.requests)
	}
	return accuracy, errors.Join(err, stop())
}
