package main

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"slices"
	"strings"

	"github.com/ecotracer/ecotracer/factors"
	"github.com/ecotracer/ecotracer/internal/inwords"
	"github.com/ecotracer/ecotracer/lifecycle"
	"github.com/ecotracer/ecotracer/tracer"
)

// The exit codes of `run` when the program's own does not stand, as those of
// env(1), nice(1) and timeout(1).
const (
	exitRun       = 125 // the command line is wrong, or we are
	exitCannotRun = 126 // the program was found and could not be started
	exitNotFound  = 127
)

// defaultDir is where records go if nobody says otherwise.
const defaultDir = "ecotracer-records"

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
	flags.StringVar(&f.dir, "dir", cmp.Or(os.Getenv("ECOTRACER_DIR"), defaultDir), "")
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
		return c.cannotRun(argv[0], argv[0], err)
	}
	program, err := newProgram()
	if err != nil {
		c.complain("run", "%v: of what outlives its parent, the CPU time will be missing", err)
	}
	program.meterGPUs(f.scope)
	to := folder{sink: discard{}}
	if !off() {
		to = c.openFolder(cmp.Or(f.dir, defaultDir))
	}
	options = append(options, tracer.Sinks(to.sink), tracer.CPUTime(program.cpuTime))
	ctx, run, err := tracer.Begin(context.Background(), options...)
	if err != nil {
		c.complain("run", "%s", bare(err))
	}
	_, span := tracer.Start(ctx, "run", start...)
	if err := program.start(path, argv, environ(ctx, run)); err != nil {
		to.drop(run)
		return c.cannotRun(path, argv[0], err)
	}
	stop := func() {}
	if to.dir != "" && terminal(c.err) != nil && !f.quiet && !f.asJSON {
		stop = c.follow(to.dir, run)
	}
	code, err := program.wait()
	stop()
	if err != nil {
		c.complain("run", "cannot tell how %s ends: %v", argv[0], err)
		code = exitRun
	} else if code != 0 {
		err = fmt.Errorf("exit code %d", code)
	}
	span.Fail(err)
	span.End()
	run.Fail(err)
	record, path := c.endRun(run, to)
	c.tellRun(f, record, path, program.left(), code)
	return code
}

// environ is the program's environment: its own record, if it leaves one, is to
// say that this run counts it too.
func environ(ctx context.Context, run *tracer.Run) []string {
	const counted = "ECOTRACER_COUNTED="
	env := tracer.Environ(ctx)
	if run.ID() == "" {
		return env
	}
	env = slices.DeleteFunc(env, func(s string) bool { return strings.HasPrefix(s, counted) })
	return append(env, counted+run.ID())
}

// off tells whether tracing is switched off: then there is no folder to make.
func off() bool {
	switch strings.ToLower(os.Getenv("ECOTRACER_DISABLED")) {
	case "", "0", "false", "no", "off":
		return false
	}
	return true
}

// options are the options of the run and of its span.
func (f runFlags) options() ([]tracer.Option, []tracer.StartOption, error) {
	var options []tracer.Option
	if f.name != "" {
		options = append(options, tracer.Named(f.name))
	}
	if f.country != "" || f.region != "" {
		site, err := siteOf(f.country, f.region)
		if err != nil {
			return nil, nil, err
		}
		options = append(options, tracer.At(site))
	}
	switch scope := lifecycle.Scope(f.scope); scope {
	case "":
	case lifecycle.ScopeProcess, lifecycle.ScopeCgroup, lifecycle.ScopeMachine:
		options = append(options, tracer.Scope(scope))
	default:
		return nil, nil, fmt.Errorf("--scope is process, cgroup or machine, not %q", f.scope)
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

// siteOf is the place that codes name. A region alone is in the country that
// its code begins with.
func siteOf(country, region string) (tracer.Site, error) {
	site := tracer.Site{Country: strings.ToUpper(country), Subdivision: strings.ToUpper(region)}
	if site.Country == "UK" {
		return site, fmt.Errorf("--country %s: write GB, the ISO 3166-1 code", country)
	}
	ask := factors.Query{Kind: factors.Grid, Country: country}
	if factors.IsCountry(site.Country) {
		ask.Country = site.Country
	}
	if _, err := factors.Lookup(ask); errors.Is(err, factors.ErrUnknownCountry) {
		return site, fmt.Errorf("--country %s", strings.TrimPrefix(err.Error(), factors.ErrUnknownCountry.Error()+": "))
	}
	if site.Subdivision == "" {
		return site, nil
	}
	of, _, _ := strings.Cut(site.Subdivision, "-")
	ask = factors.Query{Kind: factors.Grid, Region: site.Subdivision}
	switch _, err := factors.Lookup(ask); {
	case errors.Is(err, factors.ErrUnknownRegion), errors.Is(err, factors.ErrUnknownCountry):
		return site, fmt.Errorf("--region %q is not known: write an ISO 3166-2 code such as US-CA", region)
	case site.Country == "":
		site.Country = of
	case site.Country != of:
		return site, fmt.Errorf("--region %q is not in --country %q: write an ISO 3166-2 code of a region that is, or leave the country out", region, country)
	}
	return site, nil
}

// tellRun tells in one line what the run came to.
func (c *cli) tellRun(f runFlags, record *lifecycle.Record, path string, left, code int) {
	if record == nil { // tracing is off, or there is none to tell of
		return
	}
	for _, m := range record.Missing {
		// These are looked for only where the environment names them.
		if source := strings.TrimRight(m.What, "0123456789"); m.Path == "/hardware" && (source == "prom" || source == "redfish") {
			c.complain("run", "nothing was read from ECOTRACER_%s_URL; `ecotracer doctor` tells why", strings.ToUpper(source))
		}
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
	energy, bounds := interval(record.Totals.EnergyJ, inwords.Joules)
	parts := []string{
		strings.TrimSpace(energy+" "+bounds) + " " + howMeasured(&record.Totals),
		gramsOf(record),
		inwords.Duration(record.Run.DurationS),
	}
	if what := unmeasured(record); len(what) > 0 { // nothing told is not nothing used
		parts = append(parts, "without "+strings.Join(what, ", ")+", which could not be measured")
	}
	parts = append(parts, cmp.Or(path, "no record"))
	switch left {
	case 0:
	case 1:
		parts = append(parts, "1 process of it still runs and is no longer counted")
	default:
		parts = append(parts, fmt.Sprintf("%d processes of it still run and are no longer counted", left))
	}
	tell(c.err, "ecotracer: "+strings.Join(parts, " · "))
}

// howMeasured tells how the energy was obtained. Its method is that of its worst
// part, which may be the least of it.
func howMeasured(t *lifecycle.Totals) string {
	if share := t.MeasuredShare; share > 0 && t.EnergyJ.Method == lifecycle.Modelled {
		return inwords.Percent(share) + " of it measured"
	}
	return string(t.EnergyJ.Method)
}

// unmeasured are the domains of which no meter told anything.
func unmeasured(r *lifecycle.Record) (domains []string) {
	for _, m := range r.Missing {
		if m.Path == "/ledger" {
			domains = append(domains, inwords.Visible(m.What))
		}
	}
	return domains
}

// gramsOf tells the emissions of a record: with the devices' share if that is
// known.
func gramsOf(r *lifecycle.Record) string {
	q, of := r.Totals.OperationalGCO2e, " of electricity"
	if r.Totals.GCO2e != nil {
		q, of = *r.Totals.GCO2e, ""
	}
	value, bounds := interval(q, inwords.CO2e)
	return strings.TrimSpace(value+" "+bounds) + of
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
