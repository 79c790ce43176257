// Program rank is one rank of a job: it works when it is told to, on the host
// below HOST. It says what it did, and its CPU time, line by line.
package main

import (
	"bufio"
	"context"
	"fmt"
	"os"
	"time"

	"github.com/ecotracer/ecotracer/tracer"
	_ "github.com/ecotracer/ecotracer/tracer/meter/nvml"
)

func main() {
	in := bufio.NewScanner(os.Stdin)
	var stop context.CancelFunc = func() {}
	var run *tracer.Run
	ctx := context.Background()
	work, done := context.Background(), make(chan struct{})
	for in.Scan() {
		var err error
		switch in.Text() {
		case "begin":
			// Idle power: a socket's 40 W are nobody's work.
			ctx, run, err = tracer.Begin(ctx, tracer.Host(os.DirFS(os.Getenv("HOST"))), tracer.Dir(os.Getenv("RECORDS")),
				tracer.IdlePower(map[string]float64{"cpu0": 40, "cpu1": 40}))
			work, stop = context.WithCancel(ctx)
			go func() {
				defer close(done)
				train(work)
			}()
		case "end":
			stop()
			<-done
			_, err = run.End()
		}
		if err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		fmt.Println(in.Text())
	}
}

// train computes for a part of the time on its GPU, and waits for the rest.
func train(ctx context.Context) {
	ctx, s := tracer.Start(ctx, "train", tracer.OnDevices("cuda:0"))
	defer s.End()
	for x := 1.0; ctx.Err() == nil; time.Sleep(20 * time.Millisecond) {
		_, step := tracer.Start(ctx, "step")
		for until := time.Now().Add(5 * time.Millisecond); time.Now().Before(until); {
			x = x*1.0000001 + 1
		}
		step.Count("samples", 1)
		step.End()
	}
}
