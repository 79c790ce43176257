package main

import (
	"flag"
	"fmt"
	"math"
	"strings"

	"github.com/ecotracer/ecotracer/internal/inwords"
	"github.com/ecotracer/ecotracer/lifecycle"
)

func declareCompare(c *cli, flags *flag.FlagSet) func([]string) int {
	asJSON := flags.Bool("json", false, "")
	return func(files []string) int {
		if len(files) != 2 {
			return c.usage("compare", "it takes two records; write `ecotracer compare A.json B.json`")
		}
		return c.compare(files, *asJSON)
	}
}

// compare tells which of two runs came to less.
func (c *cli) compare(files []string, asJSON bool) int {
	var runs [2]*lifecycle.Record
	for i, file := range files {
		if runs[i] = c.valid("compare", file); runs[i] == nil {
			return exitFound
		}
	}
	comparison, err := lifecycle.Compare(runs[0], runs[1])
	if err != nil {
		c.complain("compare", "%s", bare(err))
		return exitFound
	}
	if asJSON {
		return c.json(comparison)
	}
	p := page{style: styleOf(c.out)}
	for i, run := range runs {
		p.comparand("AB"[i:i+1], files[i], run)
	}
	p.comparison(comparison)
	p.printTo(c.out)
	return exitOK
}

// comparand tells which run stands on one side.
func (p *page) comparand(side, file string, r *lifecycle.Record) {
	p.line("%s  %s", p.bold(side), inwords.Visible(file))
	var texts []string
	if r.Run.Name != "" {
		texts = append(texts, r.Run.Name)
	}
	texts = append(texts, string(r.Run.Status))
	if r.Run.DurationS > 0 {
		texts = append(texts, inwords.Duration(r.Run.DurationS))
	}
	p.words("   ", append(texts, places(r)...)...)
}

// comparison tells how two runs compare: first in a sentence, then figure by
// figure, then what makes the difference and what to keep in mind.
func (p *page) comparison(c lifecycle.Comparison) {
	units, lead := inwords.Foremost(c.Figures)
	verdict := "A and B cannot be compared as a whole."
	if lead != nil {
		verdict = inwords.Verdict(lead, "A", "B")
	}
	p.line("")
	p.flow("", " ", pieces(inwords.Visible(verdict)), p.bold)
	for _, u := range units {
		p.differences(c.Figures, u)
	}
	p.line("%s", p.dim("  in parentheses: 95 % interval; in %: probability"))
	if lead != nil {
		p.drivers(lead)
	}
	p.incomparable(c.Figures)
	if len(c.Caveats) > 0 {
		p.heading("Keep in mind")
		for _, text := range c.Caveats {
			p.prose("  ", text)
		}
	}
}

// differences is the table of the figures of the whole run, or of one unit.
func (p *page) differences(figures []lifecycle.Difference, of string) {
	title := "The whole run"
	if of != "" {
		title = "One " + inwords.One(of)
	}
	t := newTable(false, true, true, true, false, false)
	head := make([]cell, 6)
	for i, text := range []string{"", "A", "B", "A / B", "", "A is"} {
		head[i] = cell{text, p.dim}
	}
	t.add(head...)
	for i := range figures {
		d := &figures[i]
		if d.Unit != of || d.A == nil && d.B == nil {
			continue
		}
		figure := inwords.ComparedFigure(d.Figure)
		cells := make([]cell, 6)
		cells[0].text = figure.Name
		for side, q := range []*lifecycle.Quantity{d.A, d.B} {
			if q != nil {
				cells[1+side].text = strings.TrimSuffix(inwords.Amount(q.Value, figure.Units), "CO2e")
			}
		}
		if d.Ratio != nil && !inwords.Alike(d) {
			cells[3].text = inwords.Trimmed(d.Ratio.Value)
			cells[4] = cell{strings.TrimSpace(inwords.Bracketed(inwords.Bounds(d.Ratio.Low, d.Ratio.High))), p.dim}
		}
		cells[5] = p.verdict(d)
		t.add(cells...)
	}
	p.heading(title)
	p.table(t)
}

// verdict is a verdict in a table.
func (p *page) verdict(d *lifecycle.Difference) cell {
	sure := func(x float64) string { return strings.Replace(inwords.Probability(x), "over ", ">", 1) }
	switch {
	case d.Verdict == lifecycle.NotComparable:
		return cell{"not comparable", p.dim}
	case inwords.Alike(d):
		return cell{"the same", nil}
	case d.Verdict == lifecycle.Lower:
		return cell{"lower, " + sure(d.Lower), p.green}
	case d.Verdict == lifecycle.Higher:
		return cell{"higher, " + sure(d.Higher), p.red}
	case max(d.Lower, d.Higher) < 0.525: // as likely as not, to the draws' error
		return cell{"undecided", nil}
	case d.Higher > d.Lower:
		return cell{"maybe higher, " + sure(d.Higher), nil}
	}
	return cell{"maybe lower, " + sure(d.Lower), nil}
}

// drivers tells what the difference of a figure is made of.
func (p *page) drivers(d *lifecycle.Difference) {
	if len(d.Drivers) == 0 {
		return
	}
	each := ""
	if d.Unit != "" {
		each = " for one " + inwords.One(d.Unit)
	}
	largest := math.Abs(d.Difference.Value) // of what nearly cancels out, a part
	for _, by := range d.Drivers {
		largest = max(largest, math.Abs(by.Difference))
	}
	u := inwords.UnitFor(largest, inwords.ComparedFigure(d.Figure).Units) // for all: parts are to be seen beside the whole
	in := func(v float64) string { return inwords.Signed(v/u.Size) + " " + u.Name }
	low, high := strings.TrimPrefix(inwords.Signed(d.Difference.Low/u.Size), "+"), strings.TrimPrefix(inwords.Signed(d.Difference.High/u.Size), "+")
	p.heading(fmt.Sprintf("What makes the difference of %s (%s to %s)%s", in(d.Difference.Value), low, high, each))
	t := newTable(true, false, false, false)
	rest := d.Difference.Value
	for _, by := range d.Drivers {
		rest -= by.Difference
		t.add(cell{in(by.Difference), p.bold}, cell{inwords.Input(by), nil}, cell{by.Hardware, nil}, cell{string(by.Stage), p.dim})
	}
	if math.Abs(rest) > 0.01*math.Abs(d.Difference.Value) {
		t.add(cell{in(rest), p.bold}, cell{"all else", nil}, cell{}, cell{})
	}
	p.table(t)
}

// incomparable tells which figures cannot be compared, and why.
func (p *page) incomparable(figures []lifecycle.Difference) {
	list := inwords.Obstacles(figures)
	if len(list) == 0 {
		return
	}
	p.heading("What cannot be compared, and why")
	for _, o := range list {
		p.prose("  ", o.Figures+": "+o.Reason)
	}
}
