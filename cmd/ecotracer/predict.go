package main

import (
	"errors"
	"flag"
	"fmt"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/google/uuid"

	"github.com/ecotracer/ecotracer/factors"
	"github.com/ecotracer/ecotracer/lifecycle"
	"github.com/ecotracer/ecotracer/lifecycle/dataset"
	"github.com/ecotracer/ecotracer/lifecycle/estimate"
)

// predicting is what one call of `predict` is to do.
type predicting struct {
	plan             dataset.Plan
	given            map[string]string // flags of the plan
	like, stage, out string
	from             []string
	own              string
	sweep            []dataset.Axis
	goal             dataset.Goal
	all, json        bool
}

// planFlags are the flags of a plan, in the order in which they are applied: what
// follows from others comes behind them.
var planFlags = []string{
	"device", "cpu", "instance", "count", "cpus", "memory-gb", "share",
	"region", "country", "pue", "intensity", "wue", "ewif",
	"kind", "task", "training-type", "algorithm", "data-type", "precision", "series", "name", "when",
	"params", "trainable", "layers", "items", "bytes", "dataset-tokens", "batch", "tokens", "steps", "epochs", "requests", "flop",
	"hours", "mfu", "utilisation", "usage", "power-w", "cpu-power-w", "memory-power-w", "rest-power-w",
	"device-production-kg", "node-production-kg", "lifetime-years", "device-use",
}

func declarePredict(c *cli, flags *flag.FlagSet) func([]string) int {
	p := predicting{given: map[string]string{}}
	for _, name := range planFlags {
		flags.Func(name, "", func(text string) error {
			p.given[name] = text
			return nil
		})
	}
	flags.StringVar(&p.like, "like", "", "")
	flags.StringVar(&p.stage, "stage", "", "")
	flags.StringVar(&p.own, "file", "", "")
	flags.StringVar(&p.out, "o", "", "")
	flags.BoolVar(&p.all, "all", false, "")
	flags.BoolVar(&p.json, "json", false, "")
	flags.StringVar(&p.goal.Cost, "cost", "", "")
	flags.Float64Var(&p.goal.Confidence, "confidence", 0, "")
	flags.Func("from", "", func(text string) error {
		p.from = append(p.from, text)
		return nil
	})
	flags.Func("sweep", "", func(text string) error {
		a, err := dataset.ParseAxis(text)
		p.sweep = append(p.sweep, a)
		return err
	})
	flags.Func("target", "", func(text string) (err error) {
		name, value, ok := strings.Cut(text, "=")
		if p.goal.Metric = strings.TrimSpace(name); ok && p.goal.Metric != "" {
			p.goal.Value, err = strconv.ParseFloat(value, 64)
		}
		if !ok || p.goal.Metric == "" || err != nil {
			return errors.New("write a metric and its value, such as accuracy=0.92")
		}
		return nil
	})
	open := c.reader("predict", flags)
	return func(paths []string) int {
		p.from = append(p.from, paths...)
		return c.predict(&p, open)
	}
}

// predict tells what a plan will come to.
func (c *cli) predict(p *predicting, open func() (dataset.Reader, func(dataset.Report))) int {
	if len(p.given) == 0 && p.like == "" {
		return c.usage("predict", "it takes a plan; write for example `ecotracer predict --params 7B --tokens 1T --device A100-SXM4-80GB --count 64 --country FR`, or --like RECORD.json")
	}
	if p.goal.Metric != "" && len(p.sweep) == 0 {
		return c.usage("predict", "--target %s: say what may be changed to reach it, such as --sweep epochs=1..20", p.goal.Metric)
	}
	if p.out != "" && len(p.sweep) > 0 {
		return c.usage("predict", "-o: a sweep has many plans; predict the one that you choose")
	}
	if p.like != "" {
		r := c.valid("predict", p.like)
		if r == nil {
			return exitFound
		}
		var err error
		if p.plan, err = dataset.PlanOf(r, p.phase()); err != nil {
			c.complain("predict", "%s: it cannot be planned like this record: %s", p.like, bare(err))
			return exitFound
		}
	}
	if err := p.apply(); err != nil {
		return c.usage("predict", "--%v", err)
	}
	var ok bool
	if p.plan.Own, ok = c.ownFactors("predict", p.own); !ok {
		return exitFound
	}
	predictor, code := c.learn(p.from, open)
	if predictor == nil {
		return code
	}
	return max(code, c.tellPrediction(p, predictor))
}

// tellPrediction tells what one who learned from records predicts.
func (c *cli) tellPrediction(p *predicting, predictor *dataset.Predictor) int {
	if len(p.sweep) > 0 {
		return c.sweep(p, predictor)
	}
	f, err := predictor.Predict(p.plan)
	if err != nil {
		return c.unpredicted(p, err)
	}
	if p.out != "" {
		if code := c.writePrediction(p, f); code != exitOK {
			return code
		}
	}
	list, all, err := predictor.Lean(p.plan, 3)
	if err != nil {
		return c.unpredicted(p, err)
	}
	if p.json {
		return c.json(struct {
			*dataset.Prediction
			LeansOn []dataset.Lean `json:"leans_on,omitempty"`
			Leans   float64        `json:"leans"`
			Left    map[string]int `json:"not_learned_from,omitempty"`
		}{f, list, all, predictor.Left()})
	}
	pg := page{style: styleOf(c.out), all: p.all}
	pg.prediction(p, predictor, f, list, all)
	pg.printTo(c.out)
	return exitOK
}

// phase is that of the stage that is asked for.
func (p *predicting) phase() lifecycle.Phase {
	s := lifecycle.Stage(p.stage)
	if !s.Valid() {
		s = lifecycle.StageOf(p.stage)
	}
	return s.Phase()
}

// apply gives the plan what flags say.
func (p *predicting) apply() error {
	if p.stage != "" {
		s := lifecycle.Stage(p.stage)
		if !s.Valid() {
			s = lifecycle.StageOf(p.stage)
		}
		if s == "" {
			return fmt.Errorf("stage does not know %q; write one such as training/fine-tuning or inference/serving, or a word for it", p.stage)
		}
		p.plan.Stage = s
	}
	for _, name := range planFlags {
		text, ok := p.given[name]
		if !ok {
			continue
		}
		if err := p.applyOne(name, text); err != nil {
			return err
		}
	}
	p.plan.Source = "given on the command line"
	return nil
}

func (p *predicting) applyOne(name, text string) (err error) {
	plan := &p.plan
	given := map[string]**estimate.Given{
		"hours": &plan.Hours, "mfu": &plan.MFU, "utilisation": &plan.Utilisation, "usage": &plan.Usage,
		"power-w": &plan.PowerW, "cpu-power-w": &plan.CPUPowerW, "memory-power-w": &plan.MemoryPowerW, "rest-power-w": &plan.RestPowerW,
		"pue": &plan.PUE, "intensity": &plan.Intensity, "wue": &plan.WUE, "ewif": &plan.EWIF,
		"device-production-kg": &plan.DeviceProductionKg, "node-production-kg": &plan.NodeProductionKg,
		"lifetime-years": &plan.LifetimeYears, "device-use": &plan.DeviceUse,
	}
	if to, ok := given[name]; ok {
		if *to, err = givenIn(text); err != nil {
			return fmt.Errorf("%s %q: %w", name, text, err)
		}
		return nil
	}
	switch name {
	case "name":
		plan.Name = text
	case "instance":
		provider, typ, ok := strings.Cut(text, ":")
		if !ok {
			return fmt.Errorf("%s %s: say whose it is, such as aws:%s", name, text, text)
		}
		plan.Provider, plan.Instance = strings.ToLower(provider), typ
		plan.Accelerator, plan.CPU, plan.CPUs, plan.MemoryGB = "", "", 0, 0
	case "region":
		plan.Country, plan.Zone, plan.Intensity = "", "", nil
		if plan.Provider, plan.Region, plan.Subdivision, err = regionIn(text); plan.Subdivision != "" {
			plan.Country, _, _ = strings.Cut(plan.Subdivision, "-")
		}
	case "memory-gb":
		plan.MemoryGB, err = amountIn(text)
	case "when":
		for _, layout := range []string{"2006", "2006-01", time.DateOnly} {
			if plan.When, err = time.Parse(layout, text); err == nil {
				return nil
			}
		}
		err = errors.New("write a date, such as 2027-06-01")
	case "share":
		if plan.Share, err = strconv.ParseFloat(text, 64); err != nil || !(plan.Share > 0 && plan.Share <= 1) {
			err = errors.New("write a number above 0, up to 1")
		}
	case "cpus":
		if plan.CPUs, err = strconv.Atoi(text); err != nil || plan.CPUs < 1 {
			err = errors.New("write a whole number above 0")
		}
	case "requests":
		var n float64
		if n, err = amountIn(text); err == nil {
			plan.Requests = int64(n)
		}
	case "params":
		all, active, mixture := strings.Cut(text, "/")
		if err = plan.Set("params", all); err == nil && mixture {
			err = plan.Set("active", active)
		}
		return err
	default:
		return plan.Set(name, text)
	}
	if err != nil {
		return fmt.Errorf("%s %q: %w", name, text, err)
	}
	return nil
}

// learn fits to records, nil if they cannot be read. Without those that were
// refused, or with none at all, it predicts all the same; the code tells.
func (c *cli) learn(paths []string, open func() (dataset.Reader, func(dataset.Report))) (*dataset.Predictor, int) {
	if len(paths) == 0 {
		return new(dataset.Fitter).Fit(), exitOK
	}
	ctx, stop := interrupted()
	defer stop()
	r, done := open()
	if r.Workers <= 0 {
		r.Workers = runtime.GOMAXPROCS(0)
	}
	fitters := make([]dataset.Fitter, r.Workers)
	report, err := r.Read(ctx, paths, func(worker int, rec *lifecycle.Record) error {
		fitters[worker].Add(rec)
		return nil
	})
	done(report)
	if err != nil {
		c.complain("predict", "%s", ours(err))
		return nil, exitFound
	}
	code := c.readable("predict", report, int(report.Counted), "")
	all := &fitters[0]
	for i := range fitters[1:] {
		all.Merge(&fitters[1+i])
	}
	return all.Fit(), code
}

// unpredicted tells why there is no prediction.
func (c *cli) unpredicted(p *predicting, err error) int {
	var unknown *dataset.UnknownError
	var field *estimate.FieldError
	var axis *dataset.AxisError
	switch {
	case errors.As(err, &axis):
		return c.usage("predict", "--sweep %v", err)
	case errors.As(err, &unknown) && len(unknown.Missing) > 0:
		var flags []string
		for _, m := range unknown.Missing {
			flags = append(flags, "--"+m)
		}
		return c.usage("predict", "%s: give %s; or --flop, or --hours", unknown.Why, strings.Join(flags, ", and "))
	case errors.As(err, &unknown):
		text := unknown.Why
		if p.plan.Accelerator != "" && strings.Contains(text, "peak") {
			text += nearest("; near it: ", p.plan.Accelerator, slices.Collect(factors.Accelerators()))
		}
		return c.usage("predict", "%s", text)
	case errors.As(err, &field):
		return c.usage("predict", "--%v", err)
	}
	return c.usage("predict", "%s", bare(err))
}

// writePrediction writes a prediction as a record.
func (c *cli) writePrediction(p *predicting, f *dataset.Prediction) int {
	id, err := uuid.NewV7()
	if err == nil {
		p.plan.ID, p.plan.CreatedAt = id.String(), time.Now().UTC().Round(0)
		p.plan.Generator = lifecycle.Generator{Name: "ecotracer", Version: buildVersion(), Go: runtime.Version(), OS: runtime.GOOS, Arch: runtime.GOARCH}
		var r *lifecycle.Record
		if r, err = f.Record(p.plan); err == nil {
			if !c.write("predict", p.out, r) {
				return exitFound
			}
			return exitOK
		}
	}
	c.complain("predict", "-o %s: no record can be made of it: %s", p.out, bare(err))
	return exitFound
}
