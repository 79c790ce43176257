// Command ranks is a job of several processes: it starts four of itself, as a
// launcher such as torchrun does, and makes one record of those that they leave.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"log"
	"math"
	"os"
	"os/exec"
	"path/filepath"

	"github.com/ecotracer/ecotracer/lifecycle"
	"github.com/ecotracer/ecotracer/lifecycle/dataset"
	"github.com/ecotracer/ecotracer/tracer"
)

const ranks = 4

func main() {
	dir := flag.String("dir", "ecotracer-records", "folder for the records")
	flag.Parse()
	var err error
	if os.Getenv("RANK") != "" {
		err = work()
	} else {
		err = launch(*dir, os.Stdout)
	}
	if err != nil {
		log.Fatal(err)
	}
}

// work is what each rank does. That it is a rank, and of which job, the tracer
// learns from the environment.
func work() error {
	ctx, run, err := tracer.Begin(context.Background(), tracer.Named("ranks"))
	if err != nil {
		log.Print(err) // the run measures all the same
	}
	_, span := tracer.Start(ctx, "train")
	const samples = 50_000_000
	sum := 0.0
	for i := range samples {
		sum += math.Sqrt(float64(i))
	}
	span.Count("samples", samples)
	span.End()
	if math.IsNaN(sum) {
		return errors.New("the sum of roots is no number")
	}
	_, err = run.End()
	return err
}

// launch starts the ranks, waits for them and merges their records.
func launch(dir string, out io.Writer) error {
	dir, err := filepath.Abs(dir)
	if err != nil {
		return err
	}
	job := filepath.Join(dir, fmt.Sprint("job-", os.Getpid())) // a folder for the shards of this job
	var started []*exec.Cmd
	for rank := range ranks {
		cmd := exec.Command(os.Args[0])
		cmd.Stderr = os.Stderr
		cmd.Env = append(os.Environ(), "ECOTRACER_DIR="+job,
			fmt.Sprint("RANK=", rank), fmt.Sprint("WORLD_SIZE=", ranks), fmt.Sprint("LOCAL_WORLD_SIZE=", ranks))
		if err = cmd.Start(); err != nil {
			break
		}
		started = append(started, cmd)
	}
	for _, cmd := range started {
		err = errors.Join(err, cmd.Wait())
	}
	if err != nil {
		return err
	}

	shards, err := read(job)
	if err != nil {
		return err
	}
	merged, err := dataset.Merge(shards...)
	if err != nil {
		return err
	}
	sink, err := tracer.NewDirSink(dir)
	if err != nil {
		return err
	}
	for _, s := range shards {
		fmt.Fprintf(out, "rank %d: %.2f J\n", s.Run.Rank.Index, s.Totals.EnergyJ.Value)
	}
	energy := merged.Totals.EnergyJ
	fmt.Fprintf(out, "the job: %.2f J (95 %%: %.2f to %.2f), %s\n", energy.Value, energy.Low, energy.High, energy.Method)
	fmt.Fprintln(out, filepath.Join(dir, merged.Run.ID+".json"))
	return sink.Write(context.Background(), merged)
}

// read reads the records in a folder.
func read(dir string) ([]*lifecycle.Record, error) {
	names, err := filepath.Glob(filepath.Join(dir, "*.json"))
	if err != nil {
		return nil, err
	}
	var records []*lifecycle.Record
	for _, name := range names {
		f, err := os.Open(name)
		if err != nil {
			return nil, err
		}
		r, err := lifecycle.Decode(f)
		_ = f.Close() // it was only read
		if err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
		records = append(records, r)
	}
	return records, nil
}
