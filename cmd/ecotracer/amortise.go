package main

import (
	"cmp"
	"flag"
	"fmt"
	"math"
	"strings"

	"github.com/ecotracer/ecotracer/internal/inwords"
	"github.com/ecotracer/ecotracer/lifecycle"
)

// amortising is what one call of `amortise` is to do.
type amortising struct {
	unit     string
	expected float64
	out      string // "" for standard output
	json     bool
}

func declareAmortise(c *cli, flags *flag.FlagSet) func([]string) int {
	var a amortising
	flags.StringVar(&a.unit, "unit", "", "")
	flags.Func("expected", "", func(text string) (err error) {
		a.expected, err = amountIn(text)
		return err
	})
	flags.StringVar(&a.out, "o", "", "")
	flags.BoolVar(&a.json, "json", false, "")
	return func(files []string) int {
		switch {
		case len(files) != 2:
			return c.usage("amortise", "it takes two records; write `ecotracer amortise SERVING.json TRAINING.json --expected 1B`")
		case a.expected == 0:
			return c.usage("amortise", "over how many units? write --expected N: what the model is expected to serve in all")
		case a.json && a.out == "":
			return c.usage("amortise", "--json needs a file for the record: write -o FILE")
		}
		return c.amortise(a, files[0], files[1])
	}
}

// amortise has the record of a serving run carry its part of a training.
func (c *cli) amortise(a amortising, servingFile, trainingFile string) int {
	serving := c.valid("amortise", servingFile)
	training := c.valid("amortise", trainingFile)
	if serving == nil || training == nil {
		return exitFound
	}
	unit := serving.UseCase.FunctionalUnit
	if unit == nil {
		c.complain("amortise", "%s counts no unit of work: declare its functional unit, or estimate it with --requests", servingFile)
		return exitFound
	}
	if err := lifecycle.Amortise(serving, training, cmp.Or(a.unit, unit.Unit), a.expected); err != nil {
		_, why := wrongAt(err)
		c.complain("amortise", "%s", why)
		return exitFound
	}
	if !c.write("amortise", a.out, serving) {
		return exitFound
	}
	footprint, unknown := lifecycle.FootprintPerUnit(serving, training)
	if a.json {
		told := struct {
			*lifecycle.PerUnit
			Error string `json:"error,omitempty"` // why the footprint is unknown
		}{}
		if unknown != nil {
			_, told.Error = wrongAt(unknown)
		} else {
			told.PerUnit = &footprint
		}
		return c.json(told)
	}
	to := c.out
	if a.out == "" { // there the record is
		to = &results{Writer: c.err}
	}
	p := page{style: styleOf(to), record: serving}
	p.footprint(footprint, unknown)
	p.printTo(to)
	return exitOK
}

// footprint tells what one unit took in all, and of what that is made up.
func (p *page) footprint(f lifecycle.PerUnit, unknown error) {
	if unknown != nil {
		_, why := wrongAt(unknown)
		p.prose("", "One "+inwords.One(p.record.UseCase.FunctionalUnit.Unit)+": "+why)
		p.carried()
		return
	}
	value, bounds := interval(f.GCO2e, inwords.CO2e)
	p.line("%s", p.bold(strings.TrimSpace(fmt.Sprintf("One %s: %s %s", inwords.Visible(inwords.One(f.Unit)), value, bounds))))
	u := inwords.UnitFor(f.GCO2e.Value, inwords.CO2e)
	t := newTable(true, false)
	add := func(q *lifecycle.Quantity, n float64, what string) {
		if q != nil {
			t.add(cell{inwords.Digits(q.Value/n/u.Size) + " " + u.Name, nil}, cell{what, p.dim})
		}
	}
	sums, n := &p.record.Totals, float64(f.Count)
	add(&sums.OperationalGCO2e, n, "its own electricity")
	add(sums.EmbodiedGCO2e, n, "its own devices")
	for _, a := range p.record.Amortised {
		add(&a.GCO2e, a.Expected, carriedInWords(a)+" of run "+short(a.Run))
	}
	p.table(t)
	p.carried()
}

// carriedInWords tells which part of another run is carried.
func carriedInWords(a lifecycle.Amortised) string {
	if a.What == "production" {
		return "devices"
	}
	return "electricity"
}

// carried tells of the runs of whose grams the record carries a part.
func (p *page) carried() {
	type over struct {
		run, unit      string
		expected, used float64
	}
	var runs []over
	of := map[over][]lifecycle.Amortised{}
	for _, a := range p.record.Amortised {
		o := over{a.Run, a.Unit, a.Expected, a.Used}
		if of[o] == nil {
			runs = append(runs, o)
		}
		of[o] = append(of[o], a)
	}
	for _, o := range runs {
		p.heading(fmt.Sprintf("Carried of run %s: %s of %s %s", short(o.run), whole(o.used), whole(o.expected), o.unit))
		t := newTable(false, true, false, false)
		for _, a := range of[o] {
			p.quantity(t, carriedInWords(a), &a.ShareGCO2e, inwords.CO2e, "of "+inwords.Amount(a.GCO2e.Value, inwords.CO2e))
		}
		p.table(t)
	}
}

// whole is a count that may be a fraction.
func whole(x float64) string {
	if x == math.Trunc(x) && x < 1<<53 {
		return inwords.Count(int64(x))
	}
	return inwords.Trimmed(x)
}
