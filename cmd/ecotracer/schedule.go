package main

import (
	"cmp"
	"context"
	_ "embed"
	"errors"
	"flag"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/ecotracer/ecotracer/factors"
	"github.com/ecotracer/ecotracer/factors/live"
	"github.com/ecotracer/ecotracer/lifecycle/schedule"
)

// patience is how long all forecasts together are waited for.
const patience = 2 * time.Minute

func declareSchedule(c *cli, flags *flag.FlagSet) func([]string) int {
	var s scheduling
	flags.DurationVar(&s.duration, "duration", 0, "")
	flags.StringVar(&s.before, "before", "", "")
	flags.StringVar(&s.after, "after", "", "")
	flags.StringVar(&s.regions, "regions", "", "")
	flags.Float64Var(&s.powerW, "power-w", 0, "")
	flags.StringVar(&s.source, "source", "", "")
	flags.StringVar(&s.basis, "basis", "", "")
	flags.StringVar(&s.file, "file", "", "")
	flags.BoolVar(&s.json, "json", false, "")
	example := flags.Bool("example", false, "")
	return func(args []string) int {
		switch {
		case len(args) > 0:
			return c.usage("schedule", "takes no argument, not %q; places are given by --regions", args[0])
		case *example:
			return c.exampleForecast(time.Now())
		}
		return c.schedule(s, time.Now())
	}
}

// scheduling is what one call of `schedule` is to do.
type scheduling struct {
	duration      time.Duration
	before, after string
	regions       string
	powerW        float64
	source, basis string
	file          string
	json          bool
}

// question is one place that is asked for.
type question struct {
	name  string // as it was written
	query factors.Query
}

// schedule finds the best window of each place and prints them.
func (c *cli) schedule(s scheduling, now time.Time) int {
	job, err := s.job(now)
	if err != nil {
		return c.usage("schedule", "%s", plainError(err))
	}
	source, questions, code, err := c.forecasts(s)
	if err != nil {
		c.complain("schedule", "%s", plainError(err))
		return code
	}
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	plan := plan{job: job, from: job.Now, home: questions[0].name}
	if job.Earliest.After(job.Now) {
		plan.from = job.Earliest
	}
	for _, q := range questions {
		f, err := source.Forecast(ctx, q.query, plan.from, job.Deadline)
		if err != nil {
			plan.missing = append(plan.missing, missingPlace{q.name, plainError(err)})
			continue
		}
		plan.places = append(plan.places, schedule.Place{Name: q.name, Forecast: f})
	}
	if len(plan.places) > 0 {
		if err := plan.make(); err != nil {
			c.complain("schedule", "%s", plainError(err))
			return exitFound
		}
	}
	for _, m := range plan.missing {
		c.complain("schedule", "%s: %s", m.Place, m.Why)
	}
	switch {
	case len(plan.windows) == 0:
		return exitFound
	case s.json:
		return c.json(plan.forPrograms())
	}
	p := page{style: styleOf(c.out)}
	p.plan(&plan)
	p.printTo(c.out)
	return exitOK
}

// job is what is to be placed in time.
func (s *scheduling) job(now time.Time) (schedule.Job, error) {
	now = now.Round(0).Add(time.Minute - 1).Truncate(time.Minute) // no job begins within the minute
	job := schedule.Job{Duration: s.duration, Now: now, PowerW: s.powerW}
	if s.duration <= 0 {
		return job, errors.New("how long does the job run? write --duration 6h")
	}
	if s.before == "" {
		return job, errors.New("when must it have ended? write --before 2026-12-02T06:00Z, or --before +24h")
	}
	var err error
	if job.Deadline, err = readTime(s.before, now); err != nil {
		return job, fmt.Errorf("--before %w", err)
	}
	if s.after != "" {
		if job.Earliest, err = readTime(s.after, now); err != nil {
			return job, fmt.Errorf("--after %w", err)
		}
	}
	if !(s.powerW >= 0 && s.powerW <= 1e12) {
		return job, fmt.Errorf("--power-w %g: a power in W, at least 0", s.powerW)
	}
	return job, job.Check()
}

// readTime reads a time: with an offset, without one in this host's zone, or from
// now. A time that a change of clocks skips or repeats says too little.
func readTime(text string, now time.Time) (time.Time, error) {
	if wait, ok := strings.CutPrefix(text, "+"); ok {
		d, err := time.ParseDuration(wait)
		if err != nil || d < 0 {
			return time.Time{}, fmt.Errorf("%q: write +36h or +90m", text)
		}
		return now.Add(d), nil
	}
	for _, layout := range []string{time.RFC3339, "2006-01-02T15:04Z07:00"} {
		if t, err := time.Parse(layout, text); err == nil {
			return t, nil
		}
	}
	for _, layout := range []string{"2006-01-02T15:04:05", "2006-01-02T15:04", time.DateOnly} {
		t, err := time.ParseInLocation(layout, text, time.Local)
		if err != nil {
			continue
		}
		const write = "write an offset, such as 2006-01-02T15:04Z07:00"
		if t.Format(layout) != text {
			return t, fmt.Errorf("%q: the clocks of this host skip that time: %s", text, t.Format(write))
		}
		for _, change := range []time.Duration{-time.Hour, -30 * time.Minute, 30 * time.Minute, time.Hour} {
			if t.Add(change).Format(time.DateTime) == t.Format(time.DateTime) {
				return t, fmt.Errorf("%q: the clocks of this host show that time twice: %s", text, t.Format(write))
			}
		}
		return t, nil
	}
	return time.Time{}, fmt.Errorf("%q is no time: write 2026-12-02T06:00Z, with an offset such as +01:00 in the place of Z, or +36h from now", text)
}

// forecasters are the sources that tell forecasts, in the order in which they
// are tried. gb is of one country: it is tried only if it is meant.
var forecasters = []string{"electricitymaps", "watttime", "carbon-aware", "gb"}

// told is what a source tells: its kind, and its basis if none is asked for.
func told(source factors.GridSource) factors.Query {
	if cache, ok := source.(*live.Cache); ok {
		source = cache.Source
	}
	q := factors.Query{Kind: factors.Grid, Basis: "lifecycle"}
	switch s := source.(type) {
	case *live.WattTime:
		q.Kind, q.Basis = factors.Marginal, "direct"
	case *live.GreatBritain:
		q.Basis = "direct"
	case *live.CarbonAware:
		q.Basis = s.Basis
		if s.Signal == "marginal" {
			q.Kind = factors.Marginal
		}
	}
	return q
}

// forecasts opens the source and says what it is asked. The code is for when
// that fails.
func (c *cli) forecasts(s scheduling) (factors.GridSource, []question, int, error) {
	if s.basis != "" && s.basis != "lifecycle" && s.basis != "direct" {
		return nil, nil, exitUsage, fmt.Errorf("--basis %s: write lifecycle or direct", s.basis)
	}
	if s.file != "" {
		return c.forecastFile(s)
	}
	if s.regions == "" {
		return nil, nil, exitUsage, errors.New("where could it run? write --regions DE,FR,aws:eu-west-1")
	}
	names := forecasters[:len(forecasters)-1]
	if s.source != "" {
		if !slices.Contains(forecasters, s.source) {
			return nil, nil, exitUsage, noForecasts(s.source)
		}
		names = []string{s.source}
	}
	var errs []string
	for _, name := range names {
		source, err := live.FromEnv(name)
		if err != nil {
			errs = append(errs, strings.TrimPrefix(err.Error(), "live: no access: "))
			continue
		}
		source.NoTable = true // a year's mean has no better hours
		like := told(source.Sources[0])
		like.Basis = cmp.Or(s.basis, like.Basis)
		questions, err := askedRegions(s.regions, like)
		return source, questions, exitUsage, err
	}
	why := strings.Join(errs, "; ")
	if s.source == "" {
		why = "no source has a key: " + why + "; or write --source gb (Great Britain, no key), or --file"
	}
	return nil, nil, exitFound, errors.New(why)
}

func noForecasts(name string) error {
	if name == "entsoe" || name == "eia" {
		return fmt.Errorf("--source %s: it tells what was generated, and no forecast", name)
	}
	return fmt.Errorf("--source %s: write one of %s; a file is given by --file", name, strings.Join(forecasters, ", "))
}

// forecastFile reads a forecast from a file.
func (c *cli) forecastFile(s scheduling) (factors.GridSource, []question, int, error) {
	if s.source != "" && s.source != "file" {
		return nil, nil, exitUsage, fmt.Errorf("--file and --source %s: write one of them", s.source)
	}
	in, err := c.open(s.file)
	if err != nil {
		return nil, nil, exitFound, fmt.Errorf("%s: %s", s.file, cause(err))
	}
	defer in.Close()
	file, err := live.ReadFile(in)
	if err != nil {
		return nil, nil, exitFound, fmt.Errorf("%s: %s", s.file, cause(err))
	}
	var questions []question
	for _, name := range file.Zones() {
		q := file.Query(name)
		q.Basis = cmp.Or(s.basis, q.Basis)
		questions = append(questions, question{name, q})
	}
	if s.regions == "" {
		return file, questions, exitOK, nil
	}
	questions, err = askedRegions(s.regions, questions[0].query, questions...)
	return file, questions, exitUsage, err
}

// askedRegions reads --regions. What is not known by its name is asked for as
// like is.
func askedRegions(list string, like factors.Query, known ...question) ([]question, error) {
	var out []question
	for name := range strings.SplitSeq(list, ",") {
		name = strings.TrimSpace(name)
		if name == "" {
			return nil, fmt.Errorf("--regions %q: write places between commas, such as DE,FR,aws:eu-west-1", list)
		}
		named := func(q question) bool { return q.name == name }
		if slices.ContainsFunc(out, named) {
			return nil, fmt.Errorf("--regions: %s is there twice", name)
		}
		if k := slices.IndexFunc(known, named); k >= 0 {
			out = append(out, known[k])
			continue
		}
		q, err := askedRegion(name)
		if err != nil {
			return nil, fmt.Errorf("--regions %s: %w", name, err)
		}
		q.Kind, q.Basis = like.Kind, like.Basis
		out = append(out, question{name, q})
	}
	return out, nil
}

// askedRegion reads one place.
func askedRegion(name string) (factors.Query, error) {
	before, after, colon := strings.Cut(name, ":")
	up := strings.ToUpper(name)
	country, err := factors.Country(name)
	switch {
	case colon && (before == "" || after == ""):
		return factors.Query{}, errors.New("write provider:region, such as aws:eu-west-1, or zone:NAME")
	case before == "zone":
		return factors.Query{Zone: after}, nil
	case colon:
		return factors.Query{Provider: strings.ToLower(before), CloudRegion: after}, nil
	case err == nil:
		return factors.Query{Country: country}, nil
	case len(up) > 3 && up[2] == '-' && factors.IsCountry(up[:2]):
		return factors.Query{Region: up}, nil
	default:
		return factors.Query{}, errors.New("write a country (DE), a region (CA-QC), a cloud (aws:eu-west-1), or zone:NAME of the source")
	}
}

// plainError is an error in a line, without the names of packages.
func plainError(err error) string {
	text := strings.ReplaceAll(bare(err), "\n", "; ")
	for _, prefix := range []string{"schedule: ", "live: "} {
		text = strings.ReplaceAll(text, prefix, "")
	}
	return text
}

//go:embed testdata/forecast.csv
var madeUp string

// exampleForecast prints a made-up forecast that begins with this hour.
func (c *cli) exampleForecast(now time.Time) int {
	shift := time.Duration(0)
	for line := range strings.Lines(madeUp) {
		cells := strings.Split(line, ",")
		if at, err := time.Parse(time.RFC3339, cells[1]); err == nil {
			if shift == 0 {
				shift = now.UTC().Truncate(time.Hour).Sub(at)
			}
			cells[1] = at.Add(shift).Format(time.RFC3339)
		}
		fmt.Fprint(c.out, strings.Join(cells, ","))
	}
	return exitOK
}
