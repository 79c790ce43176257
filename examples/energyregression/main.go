// Command energyregression fails where a change makes a program's benchmarks use
// more energy, and says how sure that is. It is for a job of a continuous
// integration: workflow.yml shows one.
//
//	energyregression -runs 10 before.test after.test
//	energyregression before.txt after.txt
//
// The first runs two test binaries (go test -c), the one of the commit before
// and the one after, by turns, so that what else happens on the machine meets
// both; it leaves what they print in before.test.txt and after.test.txt. The
// second reads what benchmarks printed. They report their energy with
// tracertest.ReportEnergy.
//
// Exit status: 0, no benchmark uses more by -least or more, and that is as sure
// as -confidence; 1, one does, as surely; 2, neither can be told, or something
// is wrong. See decide.go for what that means.
package main

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"text/tabwriter"
)

// The exit status.
const (
	fine       = 0
	regression = 1
	cannotTell = 2
)

type config struct {
	confidence, least float64
	runs              int
	bench             string
}

func main() {
	var c config
	flag.Float64Var(&c.confidence, "confidence", 0.99, "probability that a change which is none is not called a regression, over all benchmarks together")
	flag.Float64Var(&c.least, "least", 0.05, "least increase that counts: 0.05 is 5 %")
	flag.IntVar(&c.runs, "runs", 0, "times that each of two test binaries is run; 0: the arguments are what they printed")
	flag.StringVar(&c.bench, "bench", ".", "benchmarks to run, as of go test")
	flag.Parse()
	status, err := run(c, flag.Args(), os.Stdout)
	if err != nil {
		fmt.Fprintln(os.Stderr, "energyregression:", err)
	}
	os.Exit(status)
}

func run(c config, args []string, out io.Writer) (status int, err error) {
	if len(args) != 2 {
		return cannotTell, errors.New("tell two files: what benchmarks printed before a change and after it, or with -runs two test binaries")
	}
	if !(c.confidence > 0.5 && c.confidence < 1) || !(c.least >= 0 && c.least < 10) {
		return cannotTell, errors.New("-confidence is between 0.5 and 1, and -least is not negative")
	}
	if c.runs > 0 {
		if args, err = measure(c, args); err != nil {
			return cannotTell, err
		}
	}
	var sides [2]*results
	for i, name := range args {
		if sides[i], err = read(name); err != nil {
			return cannotTell, err
		}
	}
	if !slices.Equal(sides[0].cpus, sides[1].cpus) {
		return cannotTell, fmt.Errorf("before was measured on %q and after on %q: run both on one machine", sides[0].cpus, sides[1].cpus)
	}
	return report(c, sides[0], sides[1], out)
}

// measure runs two test binaries by turns, and returns the names of the files
// with what they printed.
func measure(c config, binaries []string) (names []string, err error) {
	var files []*os.File
	for _, b := range binaries {
		f, err := os.Create(b + ".txt")
		if err != nil {
			return nil, err
		}
		defer f.Close()
		files, names = append(files, f), append(names, f.Name())
	}
	for range c.runs {
		for i, b := range binaries {
			if b, err = filepath.Abs(b); err != nil {
				return nil, err
			}
			cmd := exec.Command(b, "-test.run", "^$", "-test.bench", c.bench)
			cmd.Stdout, cmd.Stderr = files[i], os.Stderr
			if err := cmd.Run(); err != nil {
				return nil, fmt.Errorf("%s: %w; see %s", b, err, names[i])
			}
		}
	}
	for _, f := range files {
		if err := f.Close(); err != nil {
			return nil, err
		}
	}
	return names, nil
}

// report prints what can be told of each benchmark, and returns the exit status.
func report(c config, before, after *results, out io.Writer) (int, error) {
	keys := slices.Clone(before.order)
	for _, k := range after.order {
		if before.values[k] == nil {
			keys = append(keys, k)
		}
	}
	if len(keys) == 0 {
		return cannotTell, errors.New("no benchmark has told its energy: call tracertest.ReportEnergy(b) in them, and give them the time that it takes")
	}
	// One wrong alarm in all of them together is to be as unlikely as was asked
	// for (Bonferroni).
	alpha := (1 - c.confidence) / float64(len(keys))

	status := fine
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	fmt.Fprintf(w, "benchmark\tunit\tchange\t%g %% sure\t\n", 100*c.confidence)
	for _, k := range keys {
		d, err := decide(before.values[k], after.values[k], alpha, c.least)
		if err != nil {
			return cannotTell, fmt.Errorf("%s, %s: %w", k.name, k.unit, err)
		}
		fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\n", k.name, k.unit, d.change(), d.bounds(), d.verdict(c.least, alpha))
		if s := d.status(c.least); s == regression || status == fine {
			status = s
		}
	}
	if err := w.Flush(); err != nil {
		return cannotTell, err
	}
	switch status {
	case fine:
		fmt.Fprintf(out, "No benchmark uses %g %% more.\n", 100*c.least)
	case regression:
		fmt.Fprintf(out, "Regression: more than %g %% more energy.\n", 100*c.least)
	default:
		fmt.Fprintf(out, "It cannot be told whether a benchmark uses %g %% more: the runs differ too much, or are too few.\n", 100*c.least)
	}
	return status, nil
}
