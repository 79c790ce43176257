// Command distributed trains a model on four processes at once, each on its part of
// the data, and makes one record of those that they leave.
//
// It starts four of itself, as a launcher such as torchrun does. In each epoch every
// rank works out the gradient of its own samples, rank 0 adds them up and sends the
// sum back, so that all have the same model. What the ranks wait for one another is
// in a span of its own, "all-reduce".
package main

import (
	"bufio"
	"cmp"
	"context"
	"encoding/binary"
	"errors"
	"flag"
	"fmt"
	"io"
	"log"
	"math"
	"math/rand/v2"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"

	"github.com/ecotracer/ecotracer/lifecycle"
	"github.com/ecotracer/ecotracer/lifecycle/dataset"
	"github.com/ecotracer/ecotracer/tracer"
)

const (
	ranks   = 4
	epochs  = 40
	samples = 60_000 // of each rank
	inputs  = 32
	rate    = 2.0
)

func main() {
	dir := flag.String("dir", cmp.Or(os.Getenv("ECOTRACER_DIR"), "ecotracer-records"), "folder for the records")
	flag.Parse()
	var err error
	if rank, is := os.LookupEnv("RANK"); is {
		err = work(context.Background(), rank)
	} else {
		err = launch(*dir, os.Stdout)
	}
	if err != nil {
		log.Fatal(err)
	}
}

// work is what each rank does. That it is a rank, and of which job, the tracer
// learns from the environment.
func work(ctx context.Context, rank string) error {
	n, err := strconv.Atoi(rank)
	if err != nil {
		return fmt.Errorf("RANK: %w", err)
	}
	ctx, run, err := tracer.Begin(ctx, tracer.Named("distributed"))
	if err != nil {
		log.Print(err) // the run measures all the same
	}
	found, workErr := train(ctx, n)
	run.Fail(workErr)
	of := func(n int) *int64 { v := int64(n); return &v }
	_ = run.Describe(tracer.Technology(lifecycle.Technology{Kind: "ml", ML: &lifecycle.ML{ // End tells what is wrong with it
		Task: "classification", Algorithm: &lifecycle.Algorithm{Name: "logistic regression"}, TrainingType: "from-scratch",
		Parameters: &lifecycle.Parameters{Total: of(inputs), Trainable: of(inputs)}, Epochs: of(epochs), BatchSize: of(ranks * samples),
		Evaluation: []lifecycle.Evaluation{{Metric: "loss", Value: found, Split: "train", Direction: "lower"}},
	}}))
	_, err = run.End()
	return errors.Join(workErr, err)
}

// train is one rank's part of the training. The loss that it returns is that of all.
func train(ctx context.Context, rank int) (loss float64, err error) {
	ctx, span := tracer.Start(ctx, "train")
	defer span.End()
	defer func() { span.Fail(err) }()
	span.Expect("epoch", epochs)
	peers, err := meet(rank)
	if err != nil {
		return 0, err
	}
	defer peers.close()
	x, y := data(rank)
	weights := make([]float64, inputs)
	sum := make([]float64, inputs+1) // of gradients, and of losses
	for range epochs {
		err := tracer.Do(ctx, "epoch", func(ctx context.Context) error {
			gradient(weights, x, y, sum)
			_, wait := tracer.Start(ctx, "all-reduce")
			defer wait.End()
			return peers.add(sum)
		})
		if err != nil {
			return 0, err
		}
		span.Count("samples", samples)
		for i := range weights {
			weights[i] -= rate * sum[i] / (ranks * samples)
		}
		loss = sum[inputs] / (ranks * samples)
	}
	return loss, nil
}

// data is a rank's samples, made up from the same law and another seed.
func data(rank int) (x [][inputs]float64, y []float64) {
	law, rng := rand.New(rand.NewPCG(9, 9)), rand.New(rand.NewPCG(1, uint64(rank)))
	var truth [inputs]float64
	for i := range truth {
		truth[i] = law.NormFloat64()
	}
	x, y = make([][inputs]float64, samples), make([]float64, samples)
	for k := range x {
		z := 0.0
		for i := range x[k] {
			x[k][i] = rng.NormFloat64()
			z += truth[i] * x[k][i]
		}
		if rng.Float64() < 1/(1+math.Exp(-z)) {
			y[k] = 1
		}
	}
	return x, y
}

// gradient sums that of the logarithmic loss, and in the last place the loss.
func gradient(weights []float64, x [][inputs]float64, y, sum []float64) {
	clear(sum)
	for k := range x {
		z := 0.0
		for i, w := range weights {
			z += w * x[k][i]
		}
		p := 1 / (1 + math.Exp(-z))
		for i := range weights {
			sum[i] += (p - y[k]) * x[k][i]
		}
		if y[k] == 0 {
			p = 1 - p
		}
		sum[inputs] -= math.Log(max(p, math.SmallestNonzeroFloat64))
	}
}

// group is the connections between the ranks: of rank 0 to all others, of the others
// to it.
type group struct {
	rank  int
	conns []net.Conn
}

// meet connects the ranks. Rank 0 tells the launcher where it is to be found, and
// the launcher tells the others.
func meet(rank int) (*group, error) {
	g := &group{rank: rank}
	if rank > 0 {
		c, err := net.Dial("tcp", os.Getenv("MASTER_ADDR"))
		g.conns = []net.Conn{c}
		return g, err
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	defer listener.Close()
	fmt.Println(listener.Addr())
	for range ranks - 1 {
		c, err := listener.Accept()
		if err != nil {
			return nil, err
		}
		g.conns = append(g.conns, c)
	}
	return g, nil
}

// add makes of v the sum over all ranks.
func (g *group) add(v []float64) error {
	if g.rank > 0 {
		if err := binary.Write(g.conns[0], binary.LittleEndian, v); err != nil {
			return err
		}
		return binary.Read(g.conns[0], binary.LittleEndian, v)
	}
	theirs := make([]float64, len(v))
	for _, c := range g.conns {
		if err := binary.Read(c, binary.LittleEndian, theirs); err != nil {
			return err
		}
		for i := range v {
			v[i] += theirs[i]
		}
	}
	for _, c := range g.conns {
		if err := binary.Write(c, binary.LittleEndian, v); err != nil {
			return err
		}
	}
	return nil
}

func (g *group) close() {
	for _, c := range g.conns {
		_ = c.Close() // all that was to be said is said
	}
}

// launch starts the ranks, waits for them and merges their records.
func launch(dir string, out io.Writer) error {
	dir, err := filepath.Abs(dir)
	if err != nil {
		return err
	}
	job := filepath.Join(dir, fmt.Sprint("job-", os.Getpid())) // a folder for the shards of this job
	if err := start(job); err != nil {
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
		fmt.Fprintf(out, "rank %d: %.2f J, loss %.4f\n", s.Run.Rank.Index, s.Totals.EnergyJ.Value, s.Technology.ML.Evaluation[0].Value)
	}
	energy := merged.Totals.EnergyJ
	fmt.Fprintf(out, "the job: %.2f J (95 %%: %.2f to %.2f), %s\n", energy.Value, energy.Low, energy.High, energy.Method)
	fmt.Fprintln(out, filepath.Join(dir, merged.Run.ID+".json"))
	return sink.Write(context.Background(), merged)
}

// start runs the ranks and waits for them. One that fails takes the others with it.
func start(job string) (err error) {
	ctx, stop := context.WithCancelCause(context.Background())
	var all sync.WaitGroup
	defer func() {
		if err != nil {
			stop(err)
		}
		all.Wait()
		err = context.Cause(ctx)
		stop(nil)
	}()
	master := ""
	for rank := range ranks {
		cmd := exec.CommandContext(ctx, os.Args[0])
		cmd.Stderr = os.Stderr
		cmd.Env = append(os.Environ(), "ECOTRACER_DIR="+job, "MASTER_ADDR="+master,
			fmt.Sprint("RANK=", rank), fmt.Sprint("WORLD_SIZE=", ranks), fmt.Sprint("LOCAL_WORLD_SIZE=", ranks))
		var said io.Reader
		if rank == 0 {
			if said, err = cmd.StdoutPipe(); err != nil {
				return err
			}
		}
		if err := cmd.Start(); err != nil {
			return err
		}
		if rank == 0 {
			line, err := bufio.NewReader(said).ReadString('\n')
			if err != nil {
				_ = cmd.Process.Kill() // if it is not dead already
				return fmt.Errorf("rank 0 did not tell where it is: %w", errors.Join(err, cmd.Wait()))
			}
			master = strings.TrimSpace(line)
		}
		all.Go(func() {
			if err := cmd.Wait(); err != nil {
				stop(fmt.Errorf("rank %d: %w", rank, err))
			}
		})
	}
	return nil
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
