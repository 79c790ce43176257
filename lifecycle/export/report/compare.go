package report

import (
	"fmt"
	"math"
	"strings"

	"github.com/ecotracer/ecotracer/lifecycle"
)

// comparison tells how runs compare with the first of them.
type comparison struct {
	Runs         []fact // which letter is which run
	Verdicts     []string
	Tables       []table // of the whole run, and of one unit of work
	Drivers      []table
	Incomparable []string
	Caveats      []string
}

// contrast is a figure of all runs, side by side.
type contrast struct {
	Figure string `json:"figure"`
	Unit   string `json:"unit"`
	Bars   []side `json:"bars"`
}

// side is the figure of one run; unknown without a value.
type side struct {
	Run   string   `json:"run"`
	Value *float64 `json:"value,omitempty"` // in the contrast's unit
	Low   *float64 `json:"low,omitempty"`
	High  *float64 `json:"high,omitempty"`
	Label string   `json:"label"`
}

// comparedFigures are the figures of a comparison in words.
var comparedFigures = []struct {
	figure, name, does, of string
	units                  []unit
}{
	{"gco2e", "Emissions in all", "emits", "", co2e},
	{"operational_gco2e", "of electricity", "emits", " by its electricity", co2e},
	{"embodied_gco2e", "of devices", "carries", " of its devices’ production and end of life", co2e},
	{"energy_j", "Energy", "uses", " energy", wattHours},
	{"facility_energy_j", "Energy with the site", "uses", " energy with its site", wattHours},
	{"water_l", "Water", "uses", " water", litres},
}

// compareAll compares each run but the first with the first.
func compareAll(records []*lifecycle.Record) ([]lifecycle.Comparison, error) {
	var against []lifecycle.Comparison
	for i, r := range records[1:] {
		told, err := lifecycle.Compare(r, records[0])
		if err != nil {
			return nil, fmt.Errorf("report: records %d and 1: %w", i+2, err)
		}
		against = append(against, told)
	}
	return against, nil
}

// compare tells how each run but the first compares with the first.
func compare(runs []*run, against []lifecycle.Comparison) (*comparison, []contrast) {
	c := &comparison{}
	for _, v := range runs {
		c.Runs = append(c.Runs, fact{v.Letter, joined(" · ", append([]string{v.Name}, v.Facts...)...)})
	}
	columns := []string{"Figure", "#" + runs[0].Letter}
	for i, v := range runs[1:] {
		told := against[i]
		columns = append(columns, "#"+v.Letter, v.Letter+" is")
		lead := foremost(told.Figures)
		verdict := v.Letter + " and " + runs[0].Letter + " cannot be compared as a whole."
		if lead != nil {
			verdict = verdictInWords(lead, v.Letter, runs[0].Letter)
			if d := drivers(lead, v.Letter, runs[0].Letter); len(d.Rows) > 0 {
				c.Drivers = append(c.Drivers, d)
			}
		}
		c.Verdicts = append(c.Verdicts, verdict)
		c.caveats(told, v.Letter, runs[0].Letter, len(runs) > 2)
	}
	for _, of := range unitsOf(against) {
		caption := "The whole runs; in small: 95 % interval, ratio to " + runs[0].Letter + " and probability"
		if of != "" {
			caption = "One of the " + name(of)
		}
		t := table{Caption: caption, Head: head(columns...)}
		for k := range comparedFigures {
			if r := differences(against, k, of); len(r.Cells) > 0 {
				t.Rows = append(t.Rows, r)
			}
		}
		c.Tables = append(c.Tables, t)
	}
	var charts []contrast
	for k := range comparedFigures {
		if of := contrasted(runs, against, k); len(of.Bars) > 0 {
			charts = append(charts, of)
		}
	}
	return c, charts
}

// foremost is the figure that a verdict is told for, nil if none can be compared
// but that of the devices: the first of the whole run, unless the runs did not
// the same amount of work.
func foremost(figures []lifecycle.Difference) (lead *lifecycle.Difference) {
	for i := range figures {
		d := &figures[i]
		switch {
		case d.Verdict == lifecycle.NotComparable || d.Figure == "embodied_gco2e":
		case lead == nil:
			lead = d
		case d.Figure == lead.Figure && d.Unit != "" && d.Ratio != nil && lead.Ratio != nil && math.Abs(d.Ratio.Value/lead.Ratio.Value-1) > 1e-9:
			lead = d
		}
	}
	return lead
}

// unitsOf are the units of work that figures are told for; "" is the whole run.
// All runs must count the same.
func unitsOf(against []lifecycle.Comparison) []string {
	units := []string{""}
	unit, different := "", false
	for _, c := range against {
		own := ""
		var whole float64
		for _, d := range c.Figures {
			if d.Ratio == nil || d.Figure != "energy_j" {
				continue
			}
			if d.Unit == "" {
				whole = d.Ratio.Value
			} else {
				own = d.Unit
				different = different || math.Abs(d.Ratio.Value/whole-1) > 1e-9
			}
		}
		if own == "" || unit != "" && own != unit {
			return units
		}
		unit = own
	}
	if different {
		units = append(units, unit)
	}
	return units
}

// find is a figure of a comparison, nil if it is not in it.
func find(c *lifecycle.Comparison, figure, unit string) *lifecycle.Difference {
	for i := range c.Figures {
		if d := &c.Figures[i]; d.Figure == figure && d.Unit == unit {
			return d
		}
	}
	return nil
}

// differences is a row of the table of figures.
func differences(against []lifecycle.Comparison, k int, unit string) row {
	figureOf := &comparedFigures[k]
	cells := []cell{title(figureOf.name)}
	for i := range against {
		d := find(&against[i], figureOf.figure, unit)
		if d == nil {
			return row{}
		}
		if i == 0 {
			cells = append(cells, figure(d.B, figureOf.units, "", ""))
		}
		cells = append(cells, figure(d.A, figureOf.units, "", ""), verdict(d))
	}
	return row{Cells: cells}
}

// verdict is a verdict in a table.
func verdict(d *lifecycle.Difference) cell {
	c := cell{Class: "verdict " + string(d.Verdict)}
	if d.Ratio != nil {
		c.Small = trimmed(d.Ratio.Value) + " × (" + trimmed(d.Ratio.Low) + "–" + trimmed(d.Ratio.High) + "), "
	}
	switch {
	case d.Verdict == lifecycle.NotComparable:
		return cell{Text: "not comparable", Class: "unknown"}
	case d.Lower+d.Higher == 0:
		return cell{Text: "the same"}
	case d.Verdict == lifecycle.Lower:
		c.Text, c.Small = "lower", c.Small+probability(d.Lower)
	case d.Verdict == lifecycle.Higher:
		c.Text, c.Small = "higher", c.Small+probability(d.Higher)
	case d.Higher > d.Lower:
		c.Text, c.Small = "not told apart, maybe higher", c.Small+probability(d.Higher)
	default:
		c.Text, c.Small = "not told apart, maybe lower", c.Small+probability(d.Lower)
	}
	return c
}

// probability writes a share of the draws, to the digits that they are good for.
func probability(x float64) string {
	scale := 100.0
	switch {
	case x >= 0.9995:
		return "over 99.9 %"
	case x >= 0.975:
		scale = 1000
	}
	return percent(math.Round(x*scale) / scale)
}

// verdictInWords tells of one figure which of two runs came to less.
func verdictInWords(d *lifecycle.Difference, a, b string) string {
	var figureOf = comparedFigures[0]
	for _, f := range comparedFigures {
		if f.figure == d.Figure {
			figureOf = f
		}
	}
	before := ""
	if d.Unit != "" {
		before = "For one of the " + name(d.Unit) + ", "
	}
	if d.Lower+d.Higher == 0 {
		return fmt.Sprintf("%s%s %s as much%s as %s.", before, a, figureOf.does, figureOf.of, b)
	}
	times := "another amount"
	if d.Ratio != nil {
		times = fmt.Sprintf("%s times as much (95 %%: %s–%s)", trimmed(d.Ratio.Value), trimmed(d.Ratio.Low), trimmed(d.Ratio.High))
	}
	less, sure := "less", d.Lower
	if d.Higher > d.Lower {
		less, sure = "more", d.Higher
	}
	if d.Verdict == lifecycle.NotToldApart {
		return fmt.Sprintf("%s%s and %s cannot be told apart: %s %s %s%s, and %s than %s with a probability of only %s.", before, a, b, a, figureOf.does, times, figureOf.of, less, b, probability(sure))
	}
	return fmt.Sprintf("%s%s %s %s%s than %s: %s, with a probability of %s.", before, a, figureOf.does, less, figureOf.of, b, times, probability(sure))
}

// drivers tells what the difference of a figure is made of.
func drivers(d *lifecycle.Difference, a, b string) table {
	units := co2e
	for _, f := range comparedFigures {
		if f.figure == d.Figure {
			units = f.units
		}
	}
	t := table{Head: head("#Adds", "Input", "Device", "Stage")}
	if d.Difference == nil || len(d.Drivers) == 0 {
		return t
	}
	u := unitFor(d.Difference.Value, units) // for all: parts are to be seen beside the whole
	t.Caption = fmt.Sprintf("What makes the difference between %s and %s of %s %s (%s to %s)", a, b, signed(d.Difference.Value/u.size), u.name, signed(d.Difference.Low/u.size), signed(d.Difference.High/u.size))
	rest := d.Difference.Value
	add := func(value float64, cells ...cell) {
		t.Rows = append(t.Rows, row{Cells: append([]cell{{Text: signed(value/u.size) + nbsp + u.name, Exact: exact(value)}}, cells...)})
	}
	for _, by := range d.Drivers {
		rest -= by.Difference
		add(by.Difference, text(inputInWords(by)), text(name(by.Hardware)), text(name(string(by.Stage))))
	}
	if math.Abs(rest) > 0.01*math.Abs(d.Difference.Value) {
		add(rest, text("all else"), cell{}, cell{})
	}
	return t
}

// inputInWords tells what of a row differs.
func inputInWords(by lifecycle.Driver) string {
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

// caveats collects what cannot be compared, and what to keep in mind.
func (c *comparison) caveats(told lifecycle.Comparison, a, b string, several bool) {
	which := ""
	if several {
		which = a + " and " + b + ": "
	}
	// Compare calls its first run A.
	sides := strings.NewReplacer("run A", "run "+a, "run B", "run "+b, ": A ", ": "+a+" ", ", B ", ", "+b+" ")
	seen := map[string]bool{}
	for _, d := range told.Figures {
		for _, reason := range d.Reasons {
			reason = strings.Replace(reason, "/totals/"+d.Figure+" is unknown", "it is unknown", 1)
			text := ""
			for _, f := range comparedFigures {
				if f.figure == d.Figure {
					text = f.name
				}
			}
			text = which + text + ": " + prose(sides.Replace(reason))
			if !seen[text] && len(c.Incomparable) < 40 {
				seen[text] = true
				c.Incomparable = append(c.Incomparable, text)
			}
		}
	}
	for _, text := range told.Caveats {
		if len(c.Caveats) < 40 {
			c.Caveats = append(c.Caveats, which+prose(sides.Replace(text)))
		}
	}
}

// contrasted is a figure of all runs in one unit; of unknown ones alone there is
// no chart.
func contrasted(runs []*run, against []lifecycle.Comparison, k int) contrast {
	f := &comparedFigures[k]
	all := make([]*lifecycle.Quantity, len(runs))
	largest := 0.0
	for i := range runs {
		if i == 0 {
			all[i] = find(&against[0], f.figure, "").B
		} else {
			all[i] = find(&against[i-1], f.figure, "").A
		}
		if all[i] != nil {
			largest = max(largest, all[i].Value)
		}
	}
	u := unitFor(largest, f.units)
	c := contrast{Figure: capital(f.name), Unit: u.name}
	known := false
	for i, q := range all {
		s := side{Run: runs[i].Letter, Label: "unknown"}
		if q != nil {
			known = true
			value, low, high := q.Value/u.size, q.Low/u.size, q.High/u.size
			s = side{runs[i].Letter, &value, &low, &high, joined(" ", amount(q.Value, f.units), inBrackets(bounds(*q, f.units)))}
		}
		c.Bars = append(c.Bars, s)
	}
	if !known {
		return contrast{}
	}
	return c
}
