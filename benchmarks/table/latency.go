package main

import (
	"context"
	"fmt"
	"os"
	"slices"
	"time"

	"github.com/ecotracer/ecotracer/tracer"
)

// latency begins and ends runs on this host, with a record in a folder.
func latency(r *report) error {
	dir, err := os.MkdirTemp("", "ecotracer")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	var begins, ends []time.Duration
	for range 50 {
		t := time.Now()
		ctx, run, err := tracer.Begin(context.Background(), tracer.Dir(dir))
		if err != nil {
			return err
		}
		begins = append(begins, time.Since(t))
		_, s := tracer.Start(ctx, "train")
		s.End()
		t = time.Now()
		if _, err := run.End(); err != nil {
			return err
		}
		ends = append(ends, time.Since(t))
	}
	r.row("", "first", "median", "worst")
	for name, d := range map[string][]time.Duration{"Begin": begins, "End": ends} {
		first := d[0]
		slices.Sort(d)
		r.row(name, ms(first), ms(d[len(d)/2]), ms(d[len(d)-1]))
	}
	return nil
}

func ms(d time.Duration) string { return fmt.Sprintf("%.2f ms", d.Seconds()*1e3) }
