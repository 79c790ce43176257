package report

import (
	"fmt"
	"math"
	"strings"

	"github.com/ecotracer/ecotracer/internal/inwords"
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
		_, lead := inwords.Foremost(told.Figures)
		verdict := v.Letter + " and " + runs[0].Letter + " cannot be compared as a whole."
		if lead != nil {
			short := *lead
			short.Unit = name(short.Unit)
			verdict = inwords.Verdict(&short, v.Letter, runs[0].Letter)
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
			caption = "One " + inwords.One(name(of))
		}
		t := table{Caption: caption, Head: head(columns...)}
		for k := range inwords.ComparedFigures {
			if r := differences(against, k, of); len(r.Cells) > 0 {
				t.Rows = append(t.Rows, r)
			}
		}
		c.Tables = append(c.Tables, t)
	}
	var charts []contrast
	for k := range inwords.ComparedFigures {
		if of := contrasted(runs, against, k); len(of.Bars) > 0 {
			charts = append(charts, of)
		}
	}
	return c, charts
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
	figureOf := &inwords.ComparedFigures[k]
	cells := []cell{title(capital(figureOf.Name))}
	for i := range against {
		d := find(&against[i], figureOf.Figure, unit)
		if d == nil {
			return row{}
		}
		if i == 0 {
			cells = append(cells, figure(d.B, figureOf.Units, "", ""))
		}
		cells = append(cells, figure(d.A, figureOf.Units, "", ""), verdict(d))
	}
	return row{Cells: cells}
}

// verdict is a verdict in a table.
func verdict(d *lifecycle.Difference) cell {
	c := cell{Class: "verdict " + string(d.Verdict)}
	if d.Ratio != nil {
		c.Small = inwords.Ratio(d) + inwords.Bracketed(inwords.Bounds(d.Ratio.Low, d.Ratio.High)) + ", "
	}
	switch {
	case d.Verdict == lifecycle.NotComparable:
		return cell{Text: "not comparable", Class: "unknown"}
	case inwords.Alike(d):
		return cell{Text: "the same"}
	case d.Verdict == lifecycle.Lower:
		c.Text, c.Small = "lower", c.Small+inwords.Probability(d.Lower)
	case d.Verdict == lifecycle.Higher:
		c.Text, c.Small = "higher", c.Small+inwords.Probability(d.Higher)
	case d.Higher > d.Lower:
		c.Text, c.Small = "not told apart, maybe higher", c.Small+inwords.Probability(d.Higher)
	default:
		c.Text, c.Small = "not told apart, maybe lower", c.Small+inwords.Probability(d.Lower)
	}
	return c
}

// drivers tells what the difference of a figure is made of.
func drivers(d *lifecycle.Difference, a, b string) table {
	t := table{Head: head("#Adds", "Input", "Device", "Stage")}
	if d.Difference == nil || len(d.Drivers) == 0 {
		return t
	}
	u := inwords.UnitFor(d.Difference.Value, inwords.ComparedFigure(d.Figure).Units) // for all: parts are to be seen beside the whole
	t.Caption = fmt.Sprintf("What makes the difference between %s and %s of %s %s (%s to %s)", a, b, inwords.Signed(d.Difference.Value/u.Size), u.Name, inwords.Signed(d.Difference.Low/u.Size), inwords.Signed(d.Difference.High/u.Size))
	rest := d.Difference.Value
	add := func(value float64, cells ...cell) {
		t.Rows = append(t.Rows, row{Cells: append([]cell{{Text: inwords.Signed(value/u.Size) + nbsp + u.Name, Exact: exact(value)}}, cells...)})
	}
	for _, by := range d.Drivers {
		rest -= by.Difference
		add(by.Difference, text(name(inwords.Input(by))), text(name(by.Hardware)), text(name(string(by.Stage))))
	}
	if math.Abs(rest) > 0.01*math.Abs(d.Difference.Value) {
		add(rest, text("all else"), cell{}, cell{})
	}
	return t
}

// caveats collects what cannot be compared, and what to keep in mind.
func (c *comparison) caveats(told lifecycle.Comparison, a, b string, several bool) {
	which := ""
	if several {
		which = a + " and " + b + ": "
	}
	// Compare calls its first run A.
	sides := strings.NewReplacer("run A", "run "+a, "run B", "run "+b, ": A ", ": "+a+" ", ", B ", ", "+b+" ")
	for _, o := range inwords.Obstacles(told.Figures) {
		if len(c.Incomparable) < 40 {
			c.Incomparable = append(c.Incomparable, which+capital(o.Figures)+": "+prose(sides.Replace(o.Reason)))
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
	f := &inwords.ComparedFigures[k]
	all := make([]*lifecycle.Quantity, len(runs))
	largest := 0.0
	for i := range runs {
		if i == 0 {
			all[i] = find(&against[0], f.Figure, "").B
		} else {
			all[i] = find(&against[i-1], f.Figure, "").A
		}
		if all[i] != nil {
			largest = max(largest, all[i].Value)
		}
	}
	u := inwords.UnitFor(largest, f.Units)
	c := contrast{Figure: capital(f.Name), Unit: u.Name}
	known := false
	for i, q := range all {
		s := side{Run: runs[i].Letter, Label: "unknown"}
		if q != nil {
			known = true
			value, low, high := q.Value/u.Size, q.Low/u.Size, q.High/u.Size
			s = side{runs[i].Letter, &value, &low, &high, withBounds(*q, f.Units)}
		}
		c.Bars = append(c.Bars, s)
	}
	if !known {
		return contrast{}
	}
	return c
}
