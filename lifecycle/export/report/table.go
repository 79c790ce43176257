package report

import (
	"strconv"
	"strings"

	"github.com/ecotracer/ecotracer/internal/inwords"
	"github.com/ecotracer/ecotracer/lifecycle"
)

// table is a table of the page.
type table struct {
	Caption string
	Head    []column
	Rows    []row
	Foot    []row
	More    string // what was left out, in words
}

type column struct {
	Text   string
	Number bool
}

type row struct {
	Class string
	Cells []cell
}

// cell is a text, or a figure with its exact value and where in the record it
// stands.
type cell struct {
	Before string // a word before the figure
	Text   string
	Small  string // bounds of a figure, or a note
	Exact  string // value in the record's unit; "" is no figure
	At     string // JSON Pointer to the value
	Class  string // how a text is shown
	Head   bool   // of the row
	Indent int
}

func head(texts ...string) []column {
	columns := make([]column, len(texts))
	for i, t := range texts {
		columns[i].Text = t
		if t != "" && t[0] == '#' { // a column of numbers
			columns[i] = column{t[1:], true}
		}
	}
	return columns
}

func text(t string) cell { return cell{Text: t} }

func note(t, small string) cell { return cell{Text: t, Small: small} }

func title(t string) cell { return cell{Text: t, Head: true} }

func unknown(why string) cell {
	return cell{Text: "unknown", Small: why, Class: "unknown"}
}

// figure is a cell of a quantity; where it is unknown it says so.
func figure(q *lifecycle.Quantity, units []inwords.Unit, at, why string) cell {
	if q == nil {
		return unknown(why)
	}
	return cell{Text: amount(q.Value, units), Small: bounds(*q, units), Exact: exact(q.Value), At: at}
}

// number is a cell of a figure without bounds.
func number(v float64, units []inwords.Unit, at string) cell {
	return cell{Text: amount(v, units), Exact: exact(v), At: at}
}

// seconds is a cell of a time.
func seconds(v *float64, at string) cell {
	if v == nil {
		return cell{}
	}
	return cell{Text: duration(*v), Exact: exact(*v), At: at}
}

// cut keeps the first n rows and tells how many more there are of what.
func (t *table) cut(n int, what string) {
	if rest := len(t.Rows) - n; rest > 0 {
		t.Rows = t.Rows[:n]
		t.More = inwords.Plural(rest, "more "+what) + " in the record"
	}
}

// With is a row as its columns have it.
func (t table) With(r row) row {
	for i := range r.Cells {
		c := &r.Cells[i]
		if i < len(t.Head) && t.Head[i].Number {
			c.Class += " n"
		}
		if len(c.Text) > 60 {
			c.Class += " wide"
		}
		if c.Indent > 0 {
			c.Class += " i" + strconv.Itoa(c.Indent)
		}
		c.Class = strings.TrimSpace(c.Class)
	}
	return r
}
