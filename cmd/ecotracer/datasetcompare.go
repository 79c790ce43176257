package main

import (
	"flag"
	"fmt"
	"math"
	"os"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/ecotracer/ecotracer/internal/inwords"
	"github.com/ecotracer/ecotracer/lifecycle"
	"github.com/ecotracer/ecotracer/lifecycle/dataset"
)

func declareCompareCohorts(c *cli, flags *flag.FlagSet) func([]string) int {
	q := comparing{inquiry: c.ask("dataset compare", flags).asJSON(flags)}
	flags.StringVar(&q.a, "a", "", "")
	flags.StringVar(&q.b, "b", "", "")
	flags.StringVar(&q.unit, "unit", "", "")
	return func(paths []string) int {
		switch selected := q.a != "" || q.b != ""; {
		case selected && (q.a == "" || q.b == ""):
			return c.usage(q.command, "one group is selected: write --a and --b, each with its rows, such as --a precision=bf16 --b precision=fp32")
		case selected && len(paths) == 0, !selected && len(paths) != 2:
			return c.usage(q.command, "it takes two runs or folders, or selections: write `ecotracer dataset compare A B`, or `… --a precision=bf16 --b precision=fp32 PATH…`")
		case !selected && q.where == "" && q.unit == "" && c.oneRun(paths[0]) && c.oneRun(paths[1]):
			return c.compare(paths, q.json)
		}
		return c.compareCohorts(&q, paths)
	}
}

// comparing is what one call of `dataset compare` is to do.
type comparing struct {
	*inquiry
	a, b string // selections
	unit string
}

// oneRun tells whether a file holds one record and nothing else.
func (c *cli) oneRun(path string) bool {
	st, err := os.Stat(path)
	if err != nil || !st.Mode().IsRegular() {
		return false
	}
	f, err := os.Open(path)
	if err != nil {
		return false
	}
	defer f.Close()
	_, err = lifecycle.Decode(f)
	return err == nil
}

// compareCohorts tells whether the runs of one group came to less than those of
// another.
func (c *cli) compareCohorts(q *comparing, paths []string) int {
	if c.askedTable(q.command, paths) {
		return exitUsage
	}
	both := func(more string) string { return strings.Trim(q.where+","+more, ",") }
	selections := make([]dataset.Where, 2)
	for i, text := range []string{q.a, q.b} {
		name := "where"
		if text != "" {
			name = "ab"[i : i+1]
		}
		var ok bool
		if selections[i], ok = c.selection(q.command, name, both(text)); !ok {
			return exitUsage
		}
	}
	ctx, stop := interrupted()
	defer stop()
	sides := [2]string{both(q.a), both(q.b)}
	cohorts := make([]*dataset.Cohort, 2)
	code := exitOK
	if q.a != "" {
		reader, done := q.open()
		all, report, err := dataset.ReadCohorts(ctx, reader, paths, q.unit, selections...)
		done(report)
		if err != nil {
			c.complain(q.command, "%s", ours(err))
			return exitFound
		}
		copy(cohorts, all)
		for i, cohort := range cohorts {
			code = max(code, c.readable(q.command, report, cohort.Runs(), sides[i]))
			if report.Counted == 0 {
				return code
			}
		}
	} else {
		for i, path := range paths {
			sides[i] = path
			reader, done := q.open()
			all, report, err := dataset.ReadCohorts(ctx, reader, []string{path}, q.unit, selections[i])
			done(report)
			if err != nil {
				c.complain(q.command, "%s: %s", path, ours(err))
				return exitFound
			}
			cohorts[i] = all[0]
			code = max(code, c.readable(q.command, report, cohorts[i].Runs(), q.where))
		}
	}
	if cohorts[0].Runs() == 0 || cohorts[1].Runs() == 0 {
		return code
	}
	comparison := dataset.CompareCohorts(cohorts[0], cohorts[1])
	if q.unit != "" && !slices.ContainsFunc(comparison.Figures, func(d dataset.CohortDifference) bool { return d.Unit == q.unit }) {
		c.complain(q.command, "--unit %s: no run of A, or none of B, counts it; `ecotracer dataset summarise --unit %s` tells what is counted", q.unit, q.unit)
		code = exitFound
	}
	if q.json {
		return max(code, c.json(comparison))
	}
	p := page{style: styleOf(c.out)}
	for i, side := range sides {
		p.line("%s  %s", p.bold("AB"[i:i+1]), inwords.Visible(side))
		p.words("   ", inwords.Plural(cohorts[i].Runs(), "run"))
	}
	p.cohorts(comparison)
	p.printTo(c.out)
	return code
}

// differenceOf is what is told of a figure as one of two runs: of the typical
// ones.
func differenceOf(d *dataset.CohortDifference) lifecycle.Difference {
	of := func(f *dataset.CohortFigure) *lifecycle.Quantity {
		if f == nil {
			return nil
		}
		return &lifecycle.Quantity{Value: f.Typical.Value, Low: f.Typical.Low, High: f.Typical.High}
	}
	return lifecycle.Difference{
		Figure: d.Figure, Unit: d.Unit, A: of(d.A), B: of(d.B), Verdict: d.Verdict, Reasons: d.Reasons,
		Lower: d.Lower, Higher: d.Higher, Ratio: d.Ratio, Drivers: d.Drivers,
	}
}

// cohorts tells how two groups of runs compare.
func (p *page) cohorts(c dataset.CohortComparison) {
	var figures []lifecycle.Difference
	for i := range c.Figures {
		figures = append(figures, differenceOf(&c.Figures[i]))
	}
	units, lead := inwords.Foremost(figures)
	verdict := "A and B cannot be compared as a whole."
	if lead != nil {
		verdict = capital(inwords.Verdict(lead, "the typical run of A", "that of B"))
	}
	p.line("")
	p.flow("", " ", pieces(inwords.Visible(verdict)), p.bold)
	for _, u := range units {
		p.differences(figures, u)
	}
	p.line("%s", p.dim("  of the typical (geometric mean) run; in parentheses: 95 % interval"))
	if lead != nil {
		for i := range c.Figures {
			if d := &c.Figures[i]; d.Figure == lead.Figure && d.Unit == lead.Unit {
				p.scatter(d)
				p.meanDrivers(d)
			}
		}
	}
	p.incomparable(figures)
	if len(c.Caveats) > 0 {
		p.heading("Keep in mind")
		for _, text := range c.Caveats {
			p.prose("  ", text)
		}
	}
}

// capital begins a sentence.
func capital(text string) string {
	r, n := utf8.DecodeRuneInString(text)
	return string(unicode.ToUpper(r)) + text[n:]
}

// scatter tells what the uncertainty of a ratio is made of.
func (p *page) scatter(d *dataset.CohortDifference) {
	if d.A.Spread > 0 && d.B.Spread > 0 {
		p.line("")
		p.prose("", fmt.Sprintf("Two thirds of the runs are within a factor of %s (A) and %s (B) of the typical one. Of what is unsure of the ratio, %s is that scatter, which more runs would lessen; the rest is that of meters and factors.",
			inwords.Trimmed(d.A.Spread), inwords.Trimmed(d.B.Spread), inwords.Percent(inwords.Rounded(d.Scatter, 2))))
	}
}

// meanDrivers tells what the difference of the means is made of.
func (p *page) meanDrivers(d *dataset.CohortDifference) {
	if len(d.Drivers) == 0 {
		return
	}
	largest := math.Abs(d.Difference)
	for _, by := range d.Drivers {
		largest = max(largest, math.Abs(by.Difference))
	}
	u := inwords.UnitFor(largest, inwords.ComparedFigure(d.Figure).Units)
	in := func(v float64) string { return inwords.Signed(v/u.Size) + " " + u.Name }
	each := " a run"
	if d.Unit != "" {
		each = " for one " + inwords.One(d.Unit)
	}
	p.heading(fmt.Sprintf("What makes the difference of the means, %s%s", in(d.Difference), each))
	t := newTable(true, false, false, false)
	rest := d.Difference
	for _, by := range d.Drivers {
		rest -= by.Difference
		t.add(cell{in(by.Difference), p.bold}, cell{inwords.Input(by), nil}, cell{by.Hardware, nil}, cell{string(by.Stage), p.dim})
	}
	if math.Abs(rest) > 0.01*math.Abs(d.Difference) {
		t.add(cell{in(rest), p.bold}, cell{"all else", nil}, cell{}, cell{})
	}
	p.table(t)
}
