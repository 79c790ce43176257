package main

import (
	"bytes"
	"cmp"
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/ecotracer/ecotracer/factors"
	"github.com/ecotracer/ecotracer/internal/inwords"
	"github.com/ecotracer/ecotracer/lifecycle"
	"github.com/ecotracer/ecotracer/lifecycle/dataset"
	"github.com/ecotracer/ecotracer/lifecycle/estimate"
)

// reassessingAll is what one call of `dataset reassess` is to do.
type reassessingAll struct {
	dataset.Reassessment
	country, region, file, out string
	given                      map[factors.Kind]*estimate.Given
	json                       bool
}

func declareDatasetReassess(c *cli, flags *flag.FlagSet) func([]string) int {
	const name = "dataset reassess"
	open := c.reader(name, flags)
	x := reassessingAll{given: map[factors.Kind]*estimate.Given{}}
	flags.StringVar(&x.out, "o", "", "")
	flags.StringVar(&x.country, "country", "", "")
	flags.StringVar(&x.region, "region", "", "")
	flags.StringVar(&x.file, "factors", "", "")
	flags.StringVar(&x.Environment, "environment", "", "")
	flags.BoolVar(&x.Refresh, "refresh", false, "")
	flags.BoolVar(&x.json, "json", false, "")
	for kind, flagName := range placeFlags {
		flags.Func(flagName, "", func(text string) error {
			g, err := givenIn(text)
			x.given[kind] = g
			return err
		})
	}
	return func(paths []string) int {
		switch {
		case len(paths) == 0:
			return c.noPath(name, " -o DIR --country FR")
		case x.out == "":
			return c.usage(name, "the new records need a folder: write -o DIR")
		case sameFile(x.out, paths...):
			return c.overwriting(name, x.out)
		}
		if c.askedTable(name, paths) {
			return exitUsage
		}
		if err := x.read(); err != nil {
			return c.usage(name, "%v", err)
		}
		own, ok := c.ownFactors(name, x.file)
		if !ok {
			return exitFound
		}
		x.Own = append(x.Own, own...)
		if x.Place == nil && len(x.Own) == 0 && !x.Refresh {
			return c.usage(name, "say what is to change: --refresh, --country, --region, --factors, --intensity, --pue, --wue or --ewif")
		}
		if err := os.MkdirAll(x.out, 0o777); err != nil {
			c.complain(name, "%s: it cannot be made (%s)", x.out, cause(err))
			return exitFound
		}
		r, done := open()
		return c.reassess(name, &x, r, done, paths)
	}
}

// placeFlags is the flag that gives a figure of a place.
var placeFlags = map[factors.Kind]string{factors.Grid: "intensity", factors.PUE: "pue", factors.WUE: "wue", factors.EWIF: "ewif"}

// read takes the words of the command line apart.
func (x *reassessingAll) read() error {
	provider, region, subdivision, err := regionIn(x.region)
	if err != nil {
		return fmt.Errorf("--%w", err)
	}
	if x.country != "" || x.region != "" {
		x.Place = &dataset.Location{Provider: provider, Region: region, Subdivision: subdivision}
		if x.country != "" {
			if x.Place.Country, err = factors.Country(x.country); err != nil {
				return fmt.Errorf("--country: %w", err)
			}
		} else if subdivision != "" {
			x.Place.Country, _, _ = strings.Cut(subdivision, "-")
		}
	}
	units := map[factors.Kind]string{factors.Grid: "gCO2e/kWh", factors.PUE: "1", factors.WUE: "L/kWh", factors.EWIF: "L/kWh"}
	for _, kind := range []factors.Kind{factors.Grid, factors.PUE, factors.WUE, factors.EWIF} {
		g := x.given[kind]
		if g == nil {
			continue
		}
		f := factors.Factor{
			ID: string(kind) + ".given", Kind: kind, Value: g.Value, Low: cmp.Or(g.Low, g.Value), High: cmp.Or(g.High, g.Value), Unit: units[kind],
			Found: factors.Declared, Source: "given on the command line", SourceYear: time.Now().Year(), Quality: "C",
		}
		if kind == factors.Grid {
			f.Signal, f.Accounting, f.Basis, f.Mix, f.GWP = "average", "location", "lifecycle", "production", "unstated"
			f.Source += "; taken for the life-cycle intensity of the production mix"
		}
		if kind == factors.PUE && f.Low < 1 {
			return errors.New("--pue: it is 1 or more")
		}
		if err := f.Check(); err != nil {
			return fmt.Errorf("--%s: %w", placeFlags[kind], err)
		}
		x.Own = append(x.Own, f)
	}
	return nil
}

// reassessed is what `dataset reassess --json` tells of one record.
type reassessed struct {
	Run     string           `json:"run"`
	File    string           `json:"file,omitempty"`
	Error   string           `json:"error,omitempty"`
	Changes []dataset.Change `json:"changes"`
}

// reassess writes a new document of each record that counts.
func (c *cli) reassess(name string, x *reassessingAll, r dataset.Reader, done func(dataset.Report), paths []string) int {
	var mu sync.Mutex
	list := []reassessed{}
	written, failed := int64(0), int64(0)
	var before, after float64
	ctx, stop := interrupted()
	defer stop()
	report, err := r.Read(ctx, paths, func(_ int, rec *lifecycle.Record) error {
		one := reassessed{Run: rec.Run.ID, Changes: []dataset.Change{}}
		fresh, changes, err := dataset.Reassess(rec, x.Reassessment)
		if err == nil {
			one.Changes = append(one.Changes, changes...)
			one.File, err = x.write(fresh)
			if err != nil {
				return err
			}
		}
		mu.Lock()
		defer mu.Unlock()
		if err != nil {
			one.Error = strings.TrimPrefix(bare(err), "dataset: reassess: ")
			failed++
		} else {
			written++
			before += rec.Totals.OperationalGCO2e.Value
			after += fresh.Totals.OperationalGCO2e.Value
		}
		if len(list) < mostListed {
			list = append(list, one)
		}
		return nil
	})
	done(report)
	if err != nil {
		c.complain(name, "%s", ours(err))
		return exitFound
	}
	if report.Counted == 0 {
		return c.readable(name, report, 0, "")
	}
	slices.SortFunc(list, func(a, b reassessed) int { return cmp.Compare(a.Run, b.Run) })
	code := exitOK
	if failed > 0 || len(report.Refused) > 0 {
		code = exitFound
	}
	for _, one := range list {
		if one.Error != "" && !x.json {
			c.complain(name, "run %s: %s", one.Run, one.Error)
		}
	}
	if x.json {
		return max(code, c.json(struct {
			Written int64          `json:"written"`
			Failed  int64          `json:"failed"`
			Records []reassessed   `json:"records"` // the first of them
			Report  dataset.Report `json:"report"`
		}{written, failed, list, report}))
	}
	tell(c.out, fmt.Sprintf("%s written to %s; operational emissions were %s and are %s", many(written, "record"), x.out,
		inwords.Amount(before, inwords.CO2e), inwords.Amount(after, inwords.CO2e)))
	if len(list) == 1 && failed == 0 {
		for _, change := range list[0].Changes {
			tell(c.out, "  "+changeInWords(change))
		}
	}
	return code
}

// write writes a record under its run's id.
func (x *reassessingAll) write(rec *lifecycle.Record) (string, error) {
	path := filepath.Join(x.out, rec.Run.ID+".json")
	var text bytes.Buffer
	if err := lifecycle.Encode(&text, rec); err != nil {
		return "", err
	}
	return path, writeFile(path, text.Bytes())
}

// changeInWords tells of a change on one line.
func changeInWords(change dataset.Change) string {
	figure := func(q *lifecycle.Quantity) string {
		if q == nil {
			return "unknown"
		}
		return inwords.Significant(q.Value, 3)
	}
	of := func(f *factors.Factor) string {
		if f == nil {
			return "none"
		}
		return inwords.Factor(f)
	}
	if change.FactorBefore != nil || change.FactorAfter != nil {
		return change.Pointer + ": " + of(change.FactorBefore) + " → " + of(change.FactorAfter)
	}
	return change.Pointer + ": " + figure(change.Before) + " → " + figure(change.After)
}
