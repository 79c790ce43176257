package main

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"strconv"
	"time"

	"github.com/ecotracer/ecotracer/internal/inwords"
	"github.com/ecotracer/ecotracer/lifecycle/dataset"
)

// reader adds the flags that all commands on a data set share, and returns the
// reader that they make: call it once the flags are parsed, and call done when
// Read is over, before anything is printed. Everything that is refused is told
// of on standard error, up to so many; a terminal sees how far it is.
//
//	open := c.reader("dataset summarise", flags)
//	return func(paths []string) int {
//		if len(paths) == 0 { return c.usage(…) }
//		r, done := open()
//		sum, report, err := dataset.Summarise(ctx, r, paths, …)
//		done(report)
func (c *cli) reader(command string, flags *flag.FlagSet) (open func() (r dataset.Reader, done func(dataset.Report))) {
	var r dataset.Reader
	flags.Func("workers", "", func(text string) (err error) {
		if r.Workers, err = strconv.Atoi(text); err != nil || r.Workers < 0 {
			err = errors.New("write a whole number from 0 on")
		}
		return err
	})
	flags.BoolVar(&r.Estimates, "estimates", false, "")
	flags.BoolVar(&r.Running, "running", false, "")
	flags.StringVar(&r.Quarantine, "quarantine", "", "")
	flags.StringVar(&r.TempDir, "temp", "", "")
	return func() (dataset.Reader, func(dataset.Report)) {
		r.Stdin = c.in
		line := &progressLine{out: c.err}
		if terminal(c.err) != nil {
			r.Progress = line.show
		}
		told := 0
		r.Refused = func(bad dataset.Refusal) {
			if told++; told <= mostRefused {
				line.clear()
				c.complain(command, "%s: %s", bad.Place, bad.Text)
			}
		}
		return r, func(report dataset.Report) {
			line.clear()
			if told > mostRefused {
				c.complain(command, "%d more were refused; --quarantine DIR keeps them all, with the reasons", told-mostRefused)
			}
		}
	}
}

// noPath tells that there is nothing to read, and what else the command takes.
func (c *cli) noPath(command, more string) int {
	return c.usage(command, "no file or folder; write `ecotracer %s PATH…%s`, with files, folders, archives, or - for standard input", command, more)
}

// mostRefused is how many refused things are told of one by one.
const mostRefused = 20

// progressLine is a line of a terminal that is written over and over.
type progressLine struct {
	out   io.Writer
	shown bool
	last  time.Time
}

func (l *progressLine) show(p dataset.Progress) {
	if now := time.Now(); now.Sub(l.last) >= 100*time.Millisecond {
		l.last, l.shown = now, true
		what := "found"
		if p.Second {
			what = "counted"
		}
		share := ""
		if p.Of > 0 {
			share = fmt.Sprintf("%3.0f %% of %s, ", 100*float64(p.Bytes)/float64(p.Of), inwords.Amount(float64(p.Of), inwords.Data))
		}
		fmt.Fprintf(l.out, "\r\x1b[K%s%d records %s", share, p.Records, what)
	}
}

func (l *progressLine) clear() {
	if l.shown {
		fmt.Fprint(l.out, "\r\x1b[K")
		l.shown = false
	}
}
