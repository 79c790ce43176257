// Command energyregression fails where a change makes a program's benchmarks use
// more energy, and says how sure that is. It is for a job of a continuous
// integration: workflow.yml shows one.
//
//	go test -c -o after.test ./encode               # with the change
//	git stash                                       # or check out what was before
//	go test -c -o before.test ./encode
//	energyregression -runs 10 before.test after.test
//
// runs both by turns, so that what else happens on the machine meets both, and
// leaves what they print in before.test.txt and after.test.txt. The benchmarks
// tell their energy by tracertest.ReportEnergy; see bench_test.go. What was
// printed already is compared by
//
//	energyregression before.txt after.txt
//
// and without anything it shows two files of its own: what BenchmarkDigest
// printed before a change and after it.
//
// Exit status: 0, no benchmark uses more by -least or more, and that is as sure
// as -confidence; 1, one does, as surely; 2, something is wrong, as it says; 3,
// neither can be told. See decide.go for what that means.
package main

import (
	_ "embed"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"text/tabwriter"
)

// The exit status.
const (
	fine       = 0
	regression = 1
	wrong      = 2 // that of package flag, too
	cannotTell = 3
)

type config struct {
	confidence, least float64
	runs              int
	bench, benchtime  string
}

func main() {
	var c config
	flag.Float64Var(&c.confidence, "confidence", 0.99, "probability that a change which is none is not called a regression, over all benchmarks together")
	flag.Float64Var(&c.least, "least", 0.05, "least increase that counts: 0.05 is 5 %")
	flag.IntVar(&c.runs, "runs", 0, "times that each of two test binaries is run; 0: the arguments are what they printed")
	flag.StringVar(&c.bench, "bench", ".", "benchmarks to run, as of go test")
	flag.StringVar(&c.benchtime, "benchtime", "1s", "how long each is run, as of go test; longer for slow meters")
	flag.Parse()
	if flag.NArg() == 0 && flag.NFlag() == 0 {
		if err := demo(c, os.Stdout); err != nil {
			fmt.Fprintln(os.Stderr, "energyregression:", err)
			os.Exit(wrong)
		}
		return
	}
	status, err := run(c, flag.Args(), os.Stdout)
	if err != nil {
		fmt.Fprintln(os.Stderr, "energyregression:", err)
	}
	os.Exit(status)
}

func run(c config, args []string, out io.Writer) (status int, err error) {
	if len(args) != 2 {
		return wrong, errors.New("tell two files: what benchmarks printed before a change and after it, or with -runs two test binaries")
	}
	if !(c.confidence > 0.5 && c.confidence < 1) || !(c.least >= 0 && c.least < 10) {
		return wrong, errors.New("-confidence is between 0.5 and 1, and -least is not negative")
	}
	if c.runs > 0 {
		if args, err = measure(c, args); err != nil {
			return wrong, err
		}
	}
	var sides [2]*results
	for i, name := range args {
		f, err := os.Open(name)
		if err != nil {
			return wrong, err
		}
		defer f.Close()
		if sides[i], err = read(f, name); err != nil {
			return wrong, err
		}
	}
	return compare(c, sides[0], sides[1], out)
}

// before and after are what BenchmarkDigest printed on a busy virtual machine,
// as it is and with WASTE=20.
var (
	//go:embed testdata/before.txt
	before string
	//go:embed testdata/after.txt
	after string
)

// demo compares them.
func demo(c config, out io.Writer) error {
	b, err := read(strings.NewReader(before), "testdata/before.txt")
	if err != nil {
		return err
	}
	a, err := read(strings.NewReader(after), "testdata/after.txt")
	if err != nil {
		return err
	}
	fmt.Fprint(out, "A benchmark that was made to do 20 % more, on a busy machine:\n\n")
	_, err = compare(c, b, a, out)
	return err
}

// compare prints what can be told of each benchmark, and returns the exit status.
func compare(c config, before, after *results, out io.Writer) (int, error) {
	if !slices.Equal(before.cpus, after.cpus) {
		return wrong, fmt.Errorf("before was measured on %q and after on %q: run both on one machine", before.cpus, after.cpus)
	}
	keys := slices.Clone(before.order)
	for _, k := range after.order {
		if before.values[k] == nil {
			keys = append(keys, k)
		}
	}
	if len(keys) == 0 {
		return wrong, errors.New("no benchmark has told its energy: call tracertest.ReportEnergy(b) in them, and give them the time that it takes")
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
			return wrong, fmt.Errorf("%s, %s: %w", k.name, k.unit, err)
		}
		fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\n", k.name, k.unit, d.change(), d.bounds(), d.verdict(c.least, alpha))
		if s := d.status(c.least); s == regression || status == fine {
			status = s
		}
	}
	if err := w.Flush(); err != nil {
		return wrong, err
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
	for n := range c.runs {
		for turn := range binaries {
			i := (turn + n) % len(binaries) // a machine that warms up is warmer for each in turn
			b := binaries[i]
			if b, err = filepath.Abs(b); err != nil {
				return nil, err
			}
			cmd := exec.Command(b, "-test.run", "^$", "-test.bench", c.bench, "-test.benchtime", c.benchtime)
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
