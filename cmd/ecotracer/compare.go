package main

import (
	"flag"
	"fmt"
	"math"
	"slices"
	"strings"

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
	_, _ = c.out.Write(p.Bytes())
	return exitOK
}

// comparand tells which run stands on one side.
func (p *page) comparand(side, file string, r *lifecycle.Record) {
	p.line("%s  %s", p.bold(side), plain(file))
	var texts []string
	if r.Run.Name != "" {
		texts = append(texts, r.Run.Name)
	}
	texts = append(texts, string(r.Run.Status))
	if r.Run.DurationS > 0 {
		texts = append(texts, duration(r.Run.DurationS))
	}
	p.words("   ", append(texts, places(r)...)...)
}

// comparedFigures are the figures of a comparison in words, and what a run is
// said to do of them.
var comparedFigures = map[string]struct {
	name, does, of string
	units          []unit
}{
	"gco2e":             {"CO2e in all", "emits", "", grams},
	"operational_gco2e": {"electricity", "emits", " by its electricity", grams},
	"embodied_gco2e":    {"devices", "", "", grams},
	"energy_j":          {"energy", "uses", " energy", wattHours},
	"facility_energy_j": {"facility", "uses", " energy with its facility", wattHours},
	"water_l":           {"water", "uses", " water", litres},
}

// comparison tells how two runs compare: first in a sentence, then figure by
// figure, then what makes the difference and what to keep in mind.
func (p *page) comparison(c lifecycle.Comparison) {
	units, lead := foremost(c.Figures)
	verdict := "A and B cannot be compared as a whole."
	if lead != nil {
		verdict = verdictInWords(lead)
	}
	p.line("")
	p.flow("", " ", pieces(plain(verdict)), p.bold)
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

// foremost tells by which units of work figures are told ("" is the whole run),
// and the figure that the verdict is told for, nil if none can be compared but
// that of the devices, which is no verdict on what was done with them. Runs that
// did the same amount of work differ by unit as they do as a whole.
func foremost(figures []lifecycle.Difference) (units []string, lead *lifecycle.Difference) {
	units = []string{""}
	for i := range figures {
		d := &figures[i]
		switch {
		case d.Verdict == lifecycle.NotComparable || d.Figure == "embodied_gco2e":
		case lead == nil:
			lead = d
		case d.Figure == lead.Figure && d.Ratio != nil && lead.Ratio != nil && math.Abs(d.Ratio.Value/lead.Ratio.Value-1) > 1e-9:
			units, lead = append(units, d.Unit), d
		}
	}
	return units, lead
}

// verdictInWords tells of one figure which run came to less.
func verdictInWords(d *lifecycle.Difference) string {
	of := comparedFigures[d.Figure]
	text := ""
	if d.Unit != "" {
		text = "For one " + one(d.Unit) + ", "
	}
	times := "as much"
	if d.Ratio != nil {
		times = fmt.Sprintf("%s times as much (%s–%s)", trimmed(d.Ratio.Value), trimmed(d.Ratio.Low), trimmed(d.Ratio.High))
	}
	less, sure := "less", d.Lower
	if d.Higher > d.Lower {
		less, sure = "more", d.Higher
	}
	switch {
	case same(d):
		return text + fmt.Sprintf("A %s as much%s as B.", of.does, of.of)
	case d.Verdict == lifecycle.NotToldApart:
		return text + fmt.Sprintf("A and B cannot be told apart: A %s %s%s, %s than B with a probability of %s.", of.does, times, of.of, less, probability(sure))
	}
	return text + fmt.Sprintf("A %s %s%s than B: %s, with a probability of %s.", of.does, less, of.of, times, probability(sure))
}

// same tells whether all draws found the two alike.
func same(d *lifecycle.Difference) bool { return d.Lower+d.Higher == 0 }

// one is a unit of work in the singular.
func one(unit string) string { return strings.TrimSuffix(unit, "s") }

// probability writes a share of the draws, to the digits that they are good
// for.
func probability(x float64) string {
	digits := 100.0
	switch {
	case x >= 0.9995:
		return "over 99.9 %"
	case x >= 0.975:
		digits = 1000
	}
	return percent(math.Round(x*digits) / digits)
}

// differences is the table of the figures of the whole run, or of one unit.
func (p *page) differences(figures []lifecycle.Difference, of string) {
	title := "The whole run"
	if of != "" {
		title = "One " + one(of)
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
		figure := comparedFigures[d.Figure]
		cells := make([]cell, 6)
		cells[0].text = figure.name
		for side, q := range []*lifecycle.Quantity{d.A, d.B} {
			if q != nil {
				cells[1+side].text = amount(q.Value, figure.units)
			}
		}
		if d.Ratio != nil && !same(d) {
			cells[3].text = trimmed(d.Ratio.Value)
			cells[4] = cell{"(" + trimmed(d.Ratio.Low) + "–" + trimmed(d.Ratio.High) + ")", p.dim}
		}
		cells[5] = p.verdict(d)
		t.add(cells...)
	}
	p.heading(title)
	p.table(t)
}

// verdict is a verdict in a table.
func (p *page) verdict(d *lifecycle.Difference) cell {
	sure := func(x float64) string { return strings.Replace(probability(x), "over ", ">", 1) }
	switch {
	case d.Verdict == lifecycle.NotComparable:
		return cell{"not comparable", p.dim}
	case same(d):
		return cell{"the same", nil}
	case d.Verdict == lifecycle.Lower:
		return cell{"lower, " + sure(d.Lower), p.green}
	case d.Verdict == lifecycle.Higher:
		return cell{"higher, " + sure(d.Higher), p.red}
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
	units, each := comparedFigures[d.Figure].units, ""
	if strings.HasSuffix(d.Figure, "gco2e") {
		units = co2e
	}
	if d.Unit != "" {
		each = " for one " + one(d.Unit)
	}
	largest := math.Abs(d.Difference.Value) // of what nearly cancels out, a part
	for _, by := range d.Drivers {
		largest = max(largest, math.Abs(by.Difference))
	}
	u := unitFor(largest, units) // for all: parts are to be seen beside the whole
	in := func(v float64) string { return signed(v/u.size) + " " + u.name }
	low, high := strings.TrimPrefix(signed(d.Difference.Low/u.size), "+"), strings.TrimPrefix(signed(d.Difference.High/u.size), "+")
	p.heading(fmt.Sprintf("What makes the difference of %s (%s to %s)%s", in(d.Difference.Value), low, high, each))
	t := newTable(true, false, false, false)
	rest := d.Difference.Value
	for _, by := range d.Drivers {
		rest -= by.Difference
		t.add(cell{in(by.Difference), p.bold}, cell{driverInWords(by), nil}, cell{by.Hardware, nil}, cell{string(by.Stage), p.dim})
	}
	if math.Abs(rest) > 0.01*math.Abs(d.Difference.Value) {
		t.add(cell{in(rest), p.bold}, cell{"all else", nil}, cell{}, cell{})
	}
	p.table(t)
}

// driverInWords tells what of a row differs.
func driverInWords(by lifecycle.Driver) string {
	switch by.Input {
	case "use":
		if by.Stage.Device() {
			return "time held"
		}
		return "use"
	case "pue", "wue", "ewif":
		return strings.ToUpper(by.Input)
	case "utilisation":
		return "share in use"
	}
	return inWords(by.Input)
}

// signed is a number with its sign.
func signed(v float64) string {
	if v < 0 {
		return "−" + digits(-v)
	}
	return "+" + digits(v)
}

// incomparable tells which figures cannot be compared, and why.
func (p *page) incomparable(figures []lifecycle.Difference) {
	var reasons []string
	of := map[string][]string{} // by reason: the names of figures
	for _, d := range figures {
		name := comparedFigures[d.Figure].name
		for _, reason := range d.Reasons {
			reason = strings.Replace(reason, "/totals/"+d.Figure+" is unknown", "it is unknown", 1)
			if of[reason] == nil {
				reasons = append(reasons, reason)
			}
			if !slices.Contains(of[reason], name) {
				of[reason] = append(of[reason], name)
			}
		}
	}
	if len(reasons) == 0 {
		return
	}
	p.heading("What cannot be compared, and why")
	for _, reason := range reasons {
		names := strings.Join(of[reason], ", ")
		if len(of[reason]) == len(comparedFigures) {
			names = "anything"
		}
		p.prose("  ", names+": "+reason)
	}
}
