// Command program does what its arguments say, one after the other, as
// programs and libraries use the tracer. The tests of package tracer build it,
// because a default run is never opened in a test binary.
package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"runtime"
	"strings"
	"time"

	"github.com/ecotracer/ecotracer/tracer"
)

type program struct {
	ctx   context.Context
	run   *tracer.Run
	spans []*tracer.Span
	in    *bufio.Reader
}

func main() {
	p := &program{ctx: context.Background(), in: bufio.NewReader(os.Stdin)}
	for _, verb := range os.Args[1:] {
		if err := p.do(verb); err != nil {
			fmt.Printf("%s: %v\n", verb, err)
		}
	}
}

func (p *program) do(verb string) (err error) {
	switch verb {
	case "begin":
		p.ctx, p.run, err = tracer.Begin(p.ctx)
	case "end":
		_, err = p.run.End()
	case "start":
		var s *tracer.Span
		p.ctx, s = tracer.Start(p.ctx, "work")
		p.spans = append(p.spans, s)
	case "stop":
		last := len(p.spans) - 1
		p.spans[last].End()
		p.spans = p.spans[:last]
	case "library":
		_, s := tracer.Start(context.Background(), "library")
		s.Count("calls", 1)
		s.End()
	case "fail":
		p.run.Fail(errors.New("failed"))
	case "flush":
		err = tracer.Flush(context.Background())
	case "hurry":
		ctx, cancel := context.WithCancel(context.Background())
		cancel()
		err = tracer.Flush(ctx)
	case "wait":
		fmt.Println("ready")
		_, err = p.in.ReadString('\n')
	case "name":
		_, err = fmt.Println("id", p.run.ID())
	case "busy":
		p.busy()
	case "cost":
		cost()
	case "goroutines":
		goroutines()
	default:
		err = errors.New("not understood")
	}
	return err
}

// busy works in spans until it is killed, and tells how long it has done so
// and what it has seen in its record.
func (p *program) busy() {
	began := time.Now()
	path := filepath.Join(os.Getenv("ECOTRACER_DIR"), p.run.ID()+".json")
	duration := regexp.MustCompile(`"duration_s": ([0-9.e-]+)`)
	fmt.Println("id", p.run.ID())
	for {
		_, s := tracer.Start(p.ctx, "step")
		s.Count("steps", 1)
		if content, err := os.ReadFile(path); err == nil {
			if m := duration.FindSubmatch(content); m != nil {
				fmt.Printf("seen %s\n", m[1])
			}
		}
		time.Sleep(time.Millisecond)
		s.End()
		fmt.Printf("at %f\n", time.Since(began).Seconds())
	}
}

// cost tells what a span allocates.
func cost() {
	const spans = 1000
	ctx := context.Background()
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	for range spans {
		c, s := tracer.Start(ctx, "work")
		_, t := tracer.Start(c, "below", tracer.Async(), tracer.OnDevices("gpu0"))
		t.Count("samples", 1)
		t.End()
		s.End()
	}
	runtime.ReadMemStats(&after)
	fmt.Println("allocations", (after.Mallocs-before.Mallocs)/spans)
}

// goroutines tells how many of them are the tracer's.
func goroutines() {
	stacks := make([]byte, 1<<20)
	stacks = stacks[:runtime.Stack(stacks, true)]
	n := 0
	for g := range strings.SplitSeq(string(stacks), "\n\n") {
		if strings.Contains(g, "ecotracer/tracer.") {
			n++
		}
	}
	fmt.Println("goroutines", n)
}
