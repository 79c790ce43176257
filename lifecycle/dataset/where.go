package dataset

import (
	"fmt"
	"maps"
	"math"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/ecotracer/ecotracer/internal/spelling"
)

// Where selects rows of the flat table by their columns:
//
//	stage=training,hardware_model=*A100*,month>=2026-01,energy_j>3.6e6
//
// are conditions that must all hold. Each is a column of [Row], one of
// = != < <= > >=, and a value; "a|b" is one value or the other, a * stands for
// any text, and no value at all (country=) for what is unknown. A value that
// holds a comma, a bar, a star or a quote is written in double quotes, a quote
// in it doubled. A stage is also all stages within it, and units=tokens a row
// of a stage that counts tokens. Numbers are in the column's unit (J, s, gCO2e,
// L); times are dates or RFC 3339 in UTC. Text is compared byte by byte. What
// is unknown is neither less nor greater than anything, and differs from every
// value.
//
// The zero value selects every row. A Where may be used concurrently.
type Where struct {
	text       string
	conditions []condition
}

// The limits of what ParseWhere reads: far more than anyone writes.
const (
	maxWhere      = 16 << 10 // bytes
	maxConditions = 64
)

// condition is one of a Where.
type condition struct {
	column *Column
	op     string
	values []wanted // any of them
}

// wanted is a value of a condition.
type wanted struct {
	text  string // as written, without quotes
	parts []wild // of a pattern
	n     float64
}

// wild is a piece of a pattern: a text, then perhaps anything.
type wild struct {
	text string
	star bool
}

// ParseWhere reads conditions; the empty text has none. An error says which
// condition is wrong and, of an unknown column, which there are.
func ParseWhere(text string) (Where, error) {
	w := Where{text: text}
	if len(text) > maxWhere {
		return Where{}, fmt.Errorf("dataset: a selection of %d bytes: write at most %d", len(text), maxWhere)
	}
	if strings.TrimSpace(text) == "" {
		return Where{}, nil
	}
	for _, part := range splitOutside(text, ',') {
		c, err := parseCondition(strings.TrimSpace(part))
		if err != nil {
			return Where{}, fmt.Errorf("dataset: %w", err)
		}
		if w.conditions = append(w.conditions, c); len(w.conditions) > maxConditions {
			return Where{}, fmt.Errorf("dataset: a selection takes at most %d conditions", maxConditions)
		}
	}
	return w, nil
}

// String is the text that the selection was read from.
func (w Where) String() string { return w.text }

// Match tells whether all conditions hold for a row.
func (w Where) Match(row *Row) bool {
	for i := range w.conditions {
		if !w.conditions[i].holds(row) {
			return false
		}
	}
	return true
}

// operators are tried in this order, so that <= is not taken for <.
var operators = []string{"!=", "<=", ">=", "=", "<", ">"}

func parseCondition(text string) (condition, error) {
	at := strings.IndexAny(text, "!<>=")
	op := ""
	if at >= 0 {
		for _, o := range operators {
			if strings.HasPrefix(text[at:], o) {
				op = o
				break
			}
		}
	}
	if op == "" {
		return condition{}, fmt.Errorf("%q is no condition: write a column, one of = != < <= > >= and a value, such as stage=training", text)
	}
	name := strings.TrimSpace(text[:at])
	column, ok := columnByName()[name]
	if !ok {
		return condition{}, fmt.Errorf("%q: there is no column %q%s; there are %s", text, name, meant(name), strings.Join(columnNames(), ", "))
	}
	c := condition{column: column, op: op}
	ordered := op != "=" && op != "!="
	if ordered && column.Type == UnitsColumn {
		return condition{}, fmt.Errorf("%q: %s is compared by = and != alone", text, name)
	}
	values := splitOutside(strings.TrimSpace(text[at+len(op):]), '|')
	if ordered && len(values) > 1 {
		return condition{}, fmt.Errorf("%q: %s takes one value", text, op)
	}
	for _, v := range values {
		w, err := parseWanted(strings.TrimSpace(v), column, ordered)
		if err != nil {
			return condition{}, fmt.Errorf("%q: %w", text, err)
		}
		c.values = append(c.values, w)
	}
	return c, nil
}

// meant is a column near a misspelt one, as a question.
func meant(name string) string {
	if len(name) > 40 {
		return ""
	}
	for _, column := range columnNames() {
		if spelling.Distance(name, column) <= 2 {
			return fmt.Sprintf(" (did you mean %s?)", column)
		}
	}
	return ""
}

func parseWanted(text string, column *Column, ordered bool) (w wanted, err error) {
	if strings.Count(text, `"`)%2 == 1 {
		return w, fmt.Errorf("a quote is not closed: within quotes it is doubled")
	}
	// Pieces in quotes are text; a star outside of them is any text.
	var b strings.Builder
	quoted, pattern := false, false
	for i := 0; i < len(text); i++ {
		switch c := text[i]; {
		case c == '"' && quoted && i+1 < len(text) && text[i+1] == '"':
			b.WriteByte('"')
			i++
		case c == '"':
			quoted = !quoted
		case c == '*' && !quoted:
			w.parts = append(w.parts, wild{b.String(), true})
			b.Reset()
			pattern = true
		default:
			b.WriteByte(c)
		}
	}
	if pattern {
		w.parts = append(w.parts, wild{text: b.String()})
		if ordered || column.Type != TextColumn && column.Type != UnitsColumn {
			return w, fmt.Errorf("a * stands for any text, and is no %s to compare with", column.Type)
		}
		return w, nil
	}
	w.text = b.String()
	if w.text == "" {
		if ordered {
			return w, fmt.Errorf("nothing is less or greater than what is unknown: write a value")
		}
		return w, nil
	}
	switch column.Type {
	case NumberColumn, CountColumn:
		if w.n, err = strconv.ParseFloat(w.text, 64); err != nil || math.IsNaN(w.n) || math.IsInf(w.n, 0) {
			return w, fmt.Errorf("%q is no number", w.text)
		}
	case TimeColumn:
		var at time.Time
		for _, layout := range []string{time.DateOnly, time.RFC3339} {
			if at, err = time.Parse(layout, w.text); err == nil {
				w.n = float64(at.UnixMilli())
				return w, nil
			}
		}
		return w, fmt.Errorf("%q is no time: write a date such as 2026-03-02, or 2026-03-02T09:00:00Z", w.text)
	}
	return w, nil
}

// splitOutside splits a text at a byte that is not in quotes.
func splitOutside(text string, at byte) (parts []string) {
	quoted, from := false, 0
	for i := range len(text) {
		switch text[i] {
		case '"':
			quoted = !quoted
		case at:
			if !quoted {
				parts = append(parts, text[from:i])
				from = i + 1
			}
		}
	}
	return append(parts, text[from:])
}

func (c *condition) holds(row *Row) bool {
	cell := c.column.Cell(row)
	switch c.column.Type {
	case NumberColumn:
		return c.numberHolds(cell.Number, cell.Known)
	case CountColumn, TimeColumn:
		return c.numberHolds(float64(cell.Count), cell.Known)
	case UnitsColumn:
		return (c.op == "=") == slices.ContainsFunc(c.values, func(w wanted) bool {
			if w.parts == nil && w.text == "" {
				return len(cell.Units) == 0
			}
			for unit := range cell.Units {
				if w.matches(unit) {
					return true
				}
			}
			return false
		})
	}
	text := cell.Text
	if c.op == "=" || c.op == "!=" {
		return (c.op == "=") == slices.ContainsFunc(c.values, func(w wanted) bool {
			return w.matches(text) || c.column.Name == "stage" && w.text != "" && strings.HasPrefix(text, w.text) && text[len(w.text)] == '/'
		})
	}
	return text != "" && ordered(c.op, strings.Compare(text, c.values[0].text))
}

func (c *condition) numberHolds(n float64, known bool) bool {
	if c.op == "=" || c.op == "!=" {
		return (c.op == "=") == slices.ContainsFunc(c.values, func(w wanted) bool {
			return known == (w.text != "") && (!known || n == w.n)
		})
	}
	if !known {
		return false
	}
	switch w := c.values[0].n; {
	case n < w:
		return ordered(c.op, -1)
	case n > w:
		return ordered(c.op, 1)
	}
	return ordered(c.op, 0)
}

// ordered tells whether an order has the sign that compare gave.
func ordered(op string, sign int) bool {
	switch op {
	case "<":
		return sign < 0
	case "<=":
		return sign <= 0
	case ">":
		return sign > 0
	}
	return sign >= 0
}

// matches tells whether a text is what is wanted. It takes the first place for
// each piece of a pattern, so that the time is linear in the text for each.
func (w *wanted) matches(text string) bool {
	if w.parts == nil {
		return text == w.text
	}
	first, last := w.parts[0].text, w.parts[len(w.parts)-1].text
	if len(text) < len(first)+len(last) || !strings.HasPrefix(text, first) || !strings.HasSuffix(text, last) {
		return false
	}
	text = text[len(first) : len(text)-len(last)]
	for _, p := range w.parts[1 : len(w.parts)-1] {
		at := strings.Index(text, p.text)
		if at < 0 {
			return false
		}
		text = text[at+len(p.text):]
	}
	return true
}

// columnByName are the columns of the table by name.
var columnByName = sync.OnceValue(func() map[string]*Column {
	all := map[string]*Column{}
	for i := range columns {
		all[columns[i].Name] = &columns[i]
	}
	return all
})

// columnNames are their names, in the order of the alphabet.
var columnNames = sync.OnceValue(func() []string { return slices.Sorted(maps.Keys(columnByName())) })
