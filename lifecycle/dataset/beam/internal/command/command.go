// Package command is the program ecotracer-beam.
package command

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"strings"

	sdk "github.com/apache/beam/sdks/v2/go/pkg/beam"
	"github.com/apache/beam/sdks/v2/go/pkg/beam/x/beamx"

	"github.com/ecotracer/ecotracer/lifecycle/dataset"
	"github.com/ecotracer/ecotracer/lifecycle/dataset/beam"
)

const usage = `usage: ecotracer-beam [--by DIMENSION,…] -o SUMMARY.json [options] PATH…

Summarises the records in files, folders and patterns (gs://bucket/runs/**), as
` + "`ecotracer dataset summarise -o`" + ` does, and writes the same file. It runs on this
machine; with --runner=flink, spark or dataflow, and Beam's flags for that runner,
on many: then all workers must reach the paths and the files that are written.

  --by DIMENSION,…   what runs are told apart by (phase)
  -o FILE            where the summary is written
  --report FILE      what became of all that was read, as JSON
  --refused FILE     what was refused and why, one JSON object a line
  --estimates        records of runs that were only estimated count
  --running          so do checkpoints of runs of which nothing later is there

Exit codes: 0 done; 1 something was refused or contradicts, or it failed; 2 wrong
command line. Of Beam's own flags --help-beam tells.
`

// Run is the program, with its flags beside those that are there: Beam's are those
// of the command line as a whole, and a worker is started by them alone.
func Run(ctx context.Context, flags *flag.FlagSet, args []string, out, complaints io.Writer) int {
	var file, report, refused string
	var r beam.Reading
	by := flags.String("by", "phase", "dimensions of the summary, with commas between")
	flags.StringVar(&file, "o", "", "file of the summary")
	flags.StringVar(&report, "report", "", "file of the report")
	flags.StringVar(&refused, "refused", "", "file of what was refused")
	flags.BoolVar(&r.Estimates, "estimates", false, "estimates count")
	flags.BoolVar(&r.Running, "running", false, "checkpoints count")
	beamHelp := flags.Bool("help-beam", false, "tell of all flags")
	flags.Init("ecotracer-beam", flag.ContinueOnError)
	flags.SetOutput(io.Discard)
	wrong := func(format string, args ...any) int {
		fmt.Fprintf(complaints, "ecotracer-beam: "+format+"\n", args...)
		return 2
	}
	switch err := flags.Parse(args); {
	case err == flag.ErrHelp:
		fmt.Fprint(out, usage)
		return 0
	case err != nil:
		return wrong("%v; --help tells what there is", err)
	case *beamHelp:
		flags.SetOutput(out)
		flags.PrintDefaults()
		return 0
	}
	sdk.Init() // a worker goes on from here, and does not return
	r.Paths = flags.Args()
	for name := range strings.SplitSeq(*by, ",") {
		if name = strings.TrimSpace(name); name != "" {
			r.By = append(r.By, dataset.Dimension(name))
		}
	}
	if len(r.Paths) == 0 || file == "" {
		return wrong("there are no records or no -o FILE; write `ecotracer-beam -o summary.json PATH…`")
	}
	p, s := sdk.NewPipelineWithRoot()
	results, err := beam.Summarise(s, r)
	if err != nil {
		return wrong("%s", strings.TrimPrefix(strings.TrimPrefix(err.Error(), "dataset: "), "summary: "))
	}
	results.WriteSummary(s, file)
	if report != "" {
		results.WriteReport(s, report)
	}
	if refused != "" {
		results.WriteRefused(s, refused)
	}
	done, err := beamx.RunWithMetrics(ctx, p)
	if err != nil {
		fmt.Fprintf(complaints, "ecotracer-beam: %v\n", err)
		return 1
	}
	return tell(done, out)
}

// tell tells what became of all that was read, as far as the runner counted.
func tell(done sdk.PipelineResult, out io.Writer) int {
	if done == nil {
		return 0 // it was only submitted (--async)
	}
	n := map[string]int64{}
	for _, c := range done.Metrics().AllMetrics().Counters() {
		if c.Namespace() == beam.Namespace {
			n[c.Name()] += c.Result()
		}
	}
	text, _ := json.Marshal(n)
	fmt.Fprintf(out, "%s\n", text)
	if n[beam.Refused] > 0 || n[beam.Conflicts] > 0 {
		return 1
	}
	return 0
}
