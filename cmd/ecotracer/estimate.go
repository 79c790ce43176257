package main

import (
	"errors"
	"flag"
	"fmt"
	"math"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/google/uuid"

	"github.com/ecotracer/ecotracer/factors"
	"github.com/ecotracer/ecotracer/lifecycle"
	"github.com/ecotracer/ecotracer/lifecycle/estimate"
)

// estimating is what one call of `estimate` is to do.
type estimating struct {
	estimate.Plan
	stage, country, region, instance string

	own, out  string // files
	all, json bool
}

func declareEstimate(c *cli, flags *flag.FlagSet) func([]string) int {
	e := estimating{Plan: estimate.Plan{Source: "given on the command line"}}
	flags.StringVar(&e.Accelerator, "device", "", "")
	flags.StringVar(&e.CPU, "cpu", "", "")
	flags.StringVar(&e.instance, "instance", "", "")
	flags.StringVar(&e.region, "region", "", "")
	flags.StringVar(&e.country, "country", "", "")
	flags.StringVar(&e.stage, "stage", "", "")
	flags.StringVar(&e.Name, "name", "", "")
	flags.StringVar(&e.own, "file", "", "")
	flags.StringVar(&e.out, "o", "", "")
	flags.BoolVar(&e.all, "all", false, "")
	flags.BoolVar(&e.json, "json", false, "")
	for name, to := range map[string]**estimate.Given{
		"hours":                &e.Hours,
		"utilisation":          &e.Utilisation,
		"usage":                &e.Usage,
		"mfu":                  &e.MFU,
		"power-w":              &e.PowerW,
		"cpu-power-w":          &e.CPUPowerW,
		"memory-power-w":       &e.MemoryPowerW,
		"rest-power-w":         &e.RestPowerW,
		"energy-kwh":           &e.EnergyKWh,
		"pue":                  &e.PUE,
		"intensity":            &e.Intensity,
		"wue":                  &e.WUE,
		"ewif":                 &e.EWIF,
		"device-production-kg": &e.DeviceProductionKg,
		"node-production-kg":   &e.NodeProductionKg,
		"lifetime-years":       &e.LifetimeYears,
		"device-use":           &e.DeviceUse,
	} {
		flags.Func(name, "", func(text string) (err error) {
			*to, err = givenIn(text)
			return err
		})
	}
	number := func(name string, to *int) {
		flags.Func(name, "", func(text string) (err error) {
			if *to, err = strconv.Atoi(text); err != nil || *to < 1 {
				return errors.New("write a whole number above 0, without a unit")
			}
			return nil
		})
	}
	number("count", &e.Count)
	number("cpus", &e.CPUs)
	amount := func(name string, to *float64) {
		flags.Func(name, "", func(text string) (err error) {
			*to, err = amountIn(text)
			return err
		})
	}
	amount("memory-gb", &e.MemoryGB)
	amount("tokens", &e.Tokens)
	flags.Func("share", "", func(text string) (err error) {
		if e.Share, err = strconv.ParseFloat(text, 64); err != nil || !(e.Share > 0 && e.Share <= 1) {
			return errors.New("write a number above 0, up to 1")
		}
		return nil
	})
	flags.Func("params", "", func(text string) (err error) {
		all, active, mixture := strings.Cut(text, "/")
		if e.Parameters, err = amountIn(all); err == nil && mixture {
			e.Active, err = amountIn(active)
		}
		return err
	})
	flags.Func("requests", "", func(text string) error {
		n, err := amountIn(text)
		if err != nil || n != math.Trunc(n) || n > 1<<53 {
			return errors.New("write a whole number above 0, such as 1000 or 4M")
		}
		e.Requests = int64(n)
		return nil
	})
	return func(args []string) int {
		if len(args) > 0 {
			return c.usage("estimate", "%q is no flag; write for example `ecotracer estimate --device A100-SXM4-80GB --count 8 --hours 72 --country IE`", args[0])
		}
		return c.estimate(e)
	}
}

// givenIn reads a figure, and its interval where that is told: 250, or
// 250,200,300.
func givenIn(text string) (*estimate.Given, error) {
	wrong := errors.New("write a number from 0 on, without a unit, such as 1.2, or with its 95 % interval 1.2,1.1,1.4")
	parts := strings.Split(text, ",")
	if len(parts) != 1 && len(parts) != 3 {
		return nil, wrong
	}
	var x [3]float64
	for i, part := range parts {
		v, err := strconv.ParseFloat(part, 64)
		if err != nil || v < 0 {
			return nil, wrong
		}
		x[i] = v
	}
	return &estimate.Given{Value: x[0], Low: x[1], High: x[2]}, nil
}

// amountIn reads an amount such as 70B, 1.4T or 2e9.
func amountIn(text string) (float64, error) {
	size := 1.0
	number := strings.TrimRightFunc(text, func(r rune) bool { return strings.ContainsRune("kKmMbBgGtT", r) })
	switch strings.ToUpper(text[len(number):]) {
	case "":
	case "K":
		size = 1e3
	case "M":
		size = 1e6
	case "B", "G":
		size = 1e9
	case "T":
		size = 1e12
	default:
		number = ""
	}
	v, err := strconv.ParseFloat(number, 64)
	if err != nil || v <= 0 {
		return 0, errors.New("write a number above 0, such as 1000, 350M, 70B or 1.4T")
	}
	return v * size, nil
}

// estimate computes the record of a plan and shows it.
func (c *cli) estimate(e estimating) int {
	if err := e.read(); err != nil {
		return c.usage("estimate", "%v", err)
	}
	var ok bool
	if e.Own, ok = c.ownFactors("estimate", e.own); !ok {
		return exitFound
	}
	id, err := uuid.NewV7()
	if err != nil {
		c.complain("estimate", "no id for the record: %v", err)
		return exitFound
	}
	e.ID, e.CreatedAt = id.String(), time.Now().UTC().Round(0)
	e.Generator = lifecycle.Generator{Name: "ecotracer", Version: buildVersion(), Go: runtime.Version(), OS: runtime.GOOS, Arch: runtime.GOARCH}
	result, err := estimate.Of(e.Plan)
	if err != nil {
		if wrong := (*estimate.FieldError)(nil); errors.As(err, &wrong) {
			text := fmt.Sprintf("--%s: %v", wrong.Field, wrong.Err)
			switch {
			case wrong.Field == "device" && e.Accelerator != "":
				text += nearest("; near it: ", e.Accelerator, slices.Collect(factors.Accelerators()))
			case wrong.Field == "device":
				text += "; `ecotracer help estimate` has examples"
			}
			return c.usage("estimate", "%s", text)
		}
		c.complain("estimate", "%v", err)
		return exitFound
	}
	return c.tellEstimate(e, result)
}

// tellEstimate writes the record, and shows it.
func (c *cli) tellEstimate(e estimating, result *estimate.Estimate) int {
	if e.out != "" && !c.write("estimate", e.out, result.Record) || e.json && !c.write("estimate", "", result.Record) {
		return exitFound
	}
	if !e.json {
		p := page{style: styleOf(c.out), record: result.Record, all: e.all}
		p.estimate(result)
		p.printTo(c.out)
	}
	return exitOK
}

// read takes the words of the command line apart.
func (e *estimating) read() error {
	var err error
	if e.Provider, e.Region, e.Subdivision, err = regionIn(e.region); err != nil {
		return fmt.Errorf("--%w", err)
	}
	e.Instance = e.instance
	if provider, typ, told := strings.Cut(e.instance, ":"); told {
		if e.Provider != "" && e.Provider != strings.ToLower(provider) {
			return fmt.Errorf("--instance %s is not of the provider of --region %s", e.instance, e.region)
		}
		e.Provider, e.Instance = strings.ToLower(provider), typ
	}
	if e.Instance != "" && e.Provider == "" {
		return fmt.Errorf("--instance %s: say whose it is, such as aws:%s", e.instance, e.instance)
	}
	if e.country != "" {
		if e.Country, err = factors.Country(e.country); err != nil {
			return fmt.Errorf("--country: %w", err)
		}
	}
	if e.Subdivision != "" && e.Country == "" {
		e.Country, _, _ = strings.Cut(e.Subdivision, "-")
	}
	if e.stage != "" {
		e.Stage = lifecycle.Stage(e.stage)
		if !e.Stage.Valid() {
			e.Stage = lifecycle.StageOf(e.stage) // a word for it: train, serve
		}
		if e.Stage == "" {
			return fmt.Errorf("--stage does not know %q; write one such as training/fine-tuning, inference/serving or use/processing", e.stage)
		}
	}
	return nil
}

// regionIn takes a region apart: one of a cloud, such as aws:eu-west-1, or one of
// ISO 3166-2.
func regionIn(text string) (provider, region, subdivision string, err error) {
	if provider, region, cloud := strings.Cut(text, ":"); cloud {
		return strings.ToLower(provider), strings.ToLower(region), "", nil
	}
	if whose := withProvider(text); whose != "" {
		return "", "", "", fmt.Errorf("region %s: say whose it is: %s", text, whose)
	}
	return "", "", strings.ToUpper(text), nil
}

// withProvider is a region of a cloud with its provider, such as aws:eu-west-1;
// "" if no cloud has it.
func withProvider(region string) string {
	region = strings.ToLower(region)
	for _, provider := range []string{"aws", "azure", "gcp", "ovhcloud", "scaleway"} {
		if _, _, err := factors.CloudPlace(provider, region); region != "" && err == nil {
			return provider + ":" + region
		}
	}
	return ""
}
