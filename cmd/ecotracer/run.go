package main

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"github.com/ecotracer/ecotracer/factors"
	"github.com/ecotracer/ecotracer/lifecycle"
	"github.com/ecotracer/ecotracer/tracer"
)

// The exit codes of `run` when the program's own does not stand, as those of
// env(1), nice(1) and timeout(1).
const (
	exitRun       = 125 // the command line is wrong
	exitCannotRun = 126 // the program was found and could not be started
	exitNotFound  = 127
)

// runFlags are the flags of `run`.
type runFlags struct {
	name, stage, country, region, dir, scope string

	asJSON, quiet bool
}

func declareRun(c *cli, flags *flag.FlagSet) func([]string) int {
	var f runFlags
	flags.StringVar(&f.name, "name", "", "")
	flags.StringVar(&f.stage, "stage", "", "")
	flags.StringVar(&f.country, "country", "", "")
	flags.StringVar(&f.region, "region", "", "")
	flags.StringVar(&f.dir, "dir", cmp.Or(os.Getenv("ECOTRACER_DIR"), "ecotracer-records"), "")
	flags.StringVar(&f.scope, "scope", "", "")
	flags.BoolVar(&f.asJSON, "json", false, "")
	flags.BoolVar(&f.quiet, "quiet", false, "")
	return func(args []string) int { return c.run(f, args) }
}

// run traces a program. What goes wrong with the tracing never keeps the
// program from running, and its exit code stands.
func (c *cli) run(f runFlags, argv []string) int {
	if len(argv) == 0 {
		c.usage("run", "no program to run; write `ecotracer run -- CMD ARG…`")
		return exitRun
	}
	options, start, err := f.options()
	if err != nil {
		c.usage("run", "%v", err)
		return exitRun
	}
	path, err := exec.LookPath(argv[0])
	if err != nil && !errors.Is(err, exec.ErrDot) {
		return c.cannotRun(argv[0], err)
	}
	program, err := newProgram()
	if err != nil {
		c.complain("run", "%v: of what outlives its parent, the CPU time will be missing", err)
	}
	ctx, run, err := tracer.Begin(context.Background(), append(options, tracer.CPUTime(program.cpuTime))...)
	if err != nil {
		c.complain("run", "%v", err)
	}
	_, span := tracer.Start(ctx, "run", start...)
	code, err := program.run(path, argv)
	if err != nil {
		code = c.cannotRun(argv[0], err)
	} else if code != 0 {
		err = fmt.Errorf("exit code %d", code)
	}
	span.Fail(err)
	span.End()
	run.Fail(err)
	c.tellRun(f, run, program.left(), code)
	return code
}

// options are the options of the run and of its span.
func (f runFlags) options() ([]tracer.Option, []tracer.StartOption, error) {
	options := []tracer.Option{tracer.Dir(f.dir)}
	if f.name != "" {
		options = append(options, tracer.Named(f.name))
	}
	if f.country != "" || f.region != "" {
		site := tracer.Site{
			Country:     strings.ToUpper(cmp.Or(f.country, os.Getenv("ECOTRACER_COUNTRY"))),
			Subdivision: strings.ToUpper(f.region),
		}
		if !factors.IsCountry(site.Country) {
			return nil, nil, fmt.Errorf("--country %q is not known; write an ISO 3166-1 code such as FR or US", site.Country)
		}
		if site.Subdivision != "" && !strings.HasPrefix(site.Subdivision, site.Country+"-") {
			return nil, nil, fmt.Errorf("--region %q is not in %s; write an ISO 3166-2 code such as US-CA", site.Subdivision, site.Country)
		}
		options = append(options, tracer.At(site))
	}
	switch scope := lifecycle.Scope(f.scope); scope {
	case "":
	case lifecycle.ScopeProcess, lifecycle.ScopeMachine:
		options = append(options, tracer.Scope(scope))
	default:
		return nil, nil, fmt.Errorf("--scope is process or machine, not %q", f.scope)
	}
	if f.stage == "" {
		return options, nil, nil
	}
	stage := lifecycle.Stage(f.stage)
	if !stage.Valid() {
		stage = lifecycle.StageOf(f.stage) // a word for it: train, serve
	}
	if stage == "" || stage.Device() {
		return nil, nil, fmt.Errorf("--stage does not know %q; write one such as training/fine-tuning, inference/serving or use/processing", f.stage)
	}
	return options, []tracer.StartOption{tracer.In(stage)}, nil
}

// cannotRun tells why a program cannot be started.
func (c *cli) cannotRun(name string, err error) int {
	var pathErr *fs.PathError
	var execErr *exec.Error
	switch {
	case errors.As(err, &pathErr):
		err = pathErr.Err
	case errors.As(err, &execErr):
		err = execErr.Err
	}
	code, advice := exitCannotRun, ""
	switch {
	case errors.Is(err, exec.ErrNotFound), errors.Is(err, fs.ErrNotExist):
		code, advice = exitNotFound, "; check the name, or give the path: ./"+filepath.Base(name)
	case errors.Is(err, fs.ErrPermission):
		advice = "; is it a program, and executable (chmod +x)?"
	case strings.Contains(err.Error(), "exec format"):
		advice = "; a script needs a first line such as #!/bin/sh, or its interpreter in front"
	}
	c.complain("run", "cannot run %s: %v%s", name, err, advice)
	return code
}

// tellRun ends the run and tells in one line what it came to.
func (c *cli) tellRun(f runFlags, run *tracer.Run, left, code int) {
	record, err := run.End()
	if err != nil {
		c.complain("run", "the record is not written: %v", err)
	}
	if record == nil || record.Run.ID == "" { // tracing is off
		return
	}
	path := filepath.Join(f.dir, record.Run.ID+".json")
	if _, err := os.Stat(path); err != nil { // Begin or End has told why
		path = ""
	}
	if f.asJSON {
		if line, err := json.Marshal(summaryOf(record, path, left, code)); err == nil { // it is plain values
			fmt.Fprintf(c.err, "%s\n", line)
		}
		return
	}
	if f.quiet {
		return
	}
	energy, bounds := interval(record.Totals.EnergyJ, joules)
	parts := []string{
		energy + " " + bounds + " " + string(record.Totals.EnergyJ.Method),
		gramsOf(record),
		duration(record.Run.DurationS),
	}
	parts = append(parts, cmp.Or(path, "no record"))
	switch left {
	case 0:
	case 1:
		parts = append(parts, "1 process of it still runs and is no longer counted")
	default:
		parts = append(parts, fmt.Sprintf("%d processes of it still run and are no longer counted", left))
	}
	fmt.Fprintf(c.err, "ecotracer: %s\n", plain(strings.Join(parts, " · ")))
}

// gramsOf tells the emissions of a record: with the devices' share if that is
// known.
func gramsOf(r *lifecycle.Record) string {
	q, of := r.Totals.OperationalGCO2e, " of electricity"
	if r.Totals.GCO2e != nil {
		q, of = *r.Totals.GCO2e, ""
	}
	value, bounds := interval(q, grams)
	return value + "CO2e " + bounds + of
}

// runSummary is what `run --json` tells.
type runSummary struct {
	Record    string              `json:"record,omitempty"` // path
	RunID     string              `json:"run_id"`
	ExitCode  int                 `json:"exit_code"`
	DurationS float64             `json:"duration_s"`
	EnergyJ   lifecycle.Quantity  `json:"energy_j"`
	OpGCO2e   lifecycle.Quantity  `json:"operational_gco2e"`
	GCO2e     *lifecycle.Quantity `json:"gco2e,omitempty"`
	Left      int                 `json:"processes_left"`
}

func summaryOf(r *lifecycle.Record, path string, left, code int) runSummary {
	return runSummary{
		Record: path, RunID: r.Run.ID, ExitCode: code, DurationS: r.Run.DurationS,
		EnergyJ: r.Totals.EnergyJ, OpGCO2e: r.Totals.OperationalGCO2e, GCO2e: r.Totals.GCO2e, Left: left,
	}
}
