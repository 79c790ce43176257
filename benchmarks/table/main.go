// Command table measures the tracer beside its peers, in one process, and
// prints the table of the README:
//
//	go run ./benchmarks/table          all of it, some minutes
//	go run ./benchmarks/table -short   the same with less patience
//
// On a noisy machine only the ratios of one run mean something.
package main

import (
	"flag"
	"fmt"
	"io"
	"os"
	"runtime"
	"strings"
	"text/tabwriter"
)

func main() {
	if root := os.Getenv(rankOf); root != "" {
		os.Exit(beRank(root, os.Stdout, os.Stderr))
	}
	if file := os.Getenv(datasetOf); file != "" {
		if err := answerDataset(file); err != nil {
			fmt.Fprintln(os.Stderr, "table:", err)
			os.Exit(1)
		}
		return
	}
	short := flag.Bool("short", false, "less patience: fewer spans, shorter windows")
	only := flag.String("only", "", "a part alone: spans, otel, sampler, weights, memory, latency, attribution, deep, ranks, dataset or import")
	flag.Parse()
	if err := run(os.Stdout, *short, *only); err != nil {
		fmt.Fprintln(os.Stderr, "table:", err)
		os.Exit(1)
	}
}

// report is what is printed; its lines are aligned when a part is done.
type report struct {
	w     *tabwriter.Writer
	short bool
}

func (r *report) row(cells ...string) { fmt.Fprintln(r.w, strings.Join(cells, "\t")) }

func run(w io.Writer, short bool, only string) error {
	fmt.Fprintf(w, "%s, %s/%s, GOMAXPROCS %d, %s\n", runtime.Version(), runtime.GOOS, runtime.GOARCH, runtime.GOMAXPROCS(0), cpuModel())
	parts := []struct {
		name, title string
		measure     func(*report) error
	}{
		{"spans", "one Start and End around nothing", spans},
		{"otel", "one span that both worlds have", joined},
		{"sampler", "the sampler, by the CPU time of the process", sampler},
		{"weights", "work done while two spans compute, with and without windows of the CPU profiler", weights},
		{"memory", "heap in use after so many spans of one path", memory},
		{"latency", "Begin and End of a run on this host", latency},
		{"attribution", "share of the energy that belongs elsewhere, on a simulated power plant", attribution},
		{"deep", "the same by wall share, by CPU samples and by an execution trace (ecotracer attribute)", deepMode},
		{"ranks", "CPU time of tracing, at 64 zones", ranks},
		{"dataset", "one question to a data set, by stage and hardware, beside DuckDB", datasets},
		{"import", "what the import adds to a program", importCost},
	}
	for _, p := range parts {
		if only != "" && only != p.name {
			continue
		}
		fmt.Fprintf(w, "\n%s: %s\n", p.name, p.title)
		r := &report{tabwriter.NewWriter(w, 0, 0, 2, ' ', 0), short}
		if err := p.measure(r); err != nil {
			return fmt.Errorf("%s: %w", p.name, err)
		}
		if err := r.w.Flush(); err != nil {
			return err
		}
	}
	return nil
}

func cpuModel() string {
	text, err := os.ReadFile("/proc/cpuinfo")
	if err != nil {
		return "CPU unknown"
	}
	for line := range strings.Lines(string(text)) {
		if key, value, ok := strings.Cut(line, ":"); ok && strings.TrimSpace(key) == "model name" {
			return strings.TrimSpace(value)
		}
	}
	return "CPU unknown"
}
