package main

import (
	"fmt"
	"strings"
	"unicode/utf8"

	"github.com/ecotracer/ecotracer/internal/inwords"
)

// cell is a text in a table and how it is painted.
type cell struct {
	text  string
	paint func(string) string
}

// table is rows of cells in columns as wide as their widest cell.
type table struct {
	right  []bool // by column: aligned to the right
	widths []int
	rows   []row
}

// row is the cells of a row and the lines below them.
type row struct {
	cells []cell
	notes []string
}

func newTable(right ...bool) *table {
	return &table{right: right, widths: make([]int, len(right))}
}

func (t *table) add(cells ...cell) {
	for i := range cells {
		cells[i].text = inwords.Visible(cells[i].text)
		t.widths[i] = max(t.widths[i], utf8.RuneCountInString(cells[i].text))
	}
	t.rows = append(t.rows, row{cells: cells})
}

// set changes a text.
func (t *table) set(i, column int, text string) {
	t.rows[i].cells[column].text = text
	t.widths[column] = max(t.widths[column], utf8.RuneCountInString(text))
}

// note adds lines below the last row.
func (t *table) note(lines ...string) {
	last := &t.rows[len(t.rows)-1]
	last.notes = append(last.notes, lines...)
}

// drop leaves a column out.
func (t *table) drop(column int) { t.widths[column] = 0 }

// width is that of the whole table, gaps included.
func (t *table) width() int {
	sum := 0
	for _, w := range t.widths {
		if w > 0 {
			sum += w + 2
		}
	}
	return sum
}

// fit leaves out columns, in this order, until a table fits and leaves room.
func (p *page) fit(t *table, room int, columns ...int) {
	for _, column := range columns {
		if t.width()+room > p.tableWidth() {
			t.drop(column)
		}
	}
}

// leastName is how short squeeze leaves a name, in characters.
const leastName = 12

// usualName is the length that names may be shortened to before a column is left
// out.
const usualName = 30

// fitFigures is fit of a table whose names are squeezed.
func (p *page) fitFigures(t *table, columns ...int) {
	p.fit(t, min(0, usualName-t.widths[0]), columns...)
	p.squeeze(t)
}

// squeeze shortens the names in the first column, so that no figure is cut.
func (p *page) squeeze(t *table) {
	over := t.width() - p.tableWidth()
	if over <= 0 {
		return
	}
	n := max(t.widths[0]-over, leastName)
	for _, r := range t.rows {
		r.cells[0].text = cut(r.cells[0].text, n)
	}
	t.widths[0] = min(t.widths[0], n)
}

// tableWidth is the width that tables are laid out for.
func (p *page) tableWidth() int { return max(p.width, tableWidth) }

// table writes a table, two columns in. Columns without a text are left out,
// and the last one is cut at the edge.
func (p *page) table(t *table) {
	for _, row := range t.rows {
		var b strings.Builder
		at, pad := 0, 0
		for i, c := range row.cells {
			if t.widths[i] == 0 {
				continue
			}
			text := cut(c.text, p.tableWidth()-at-2)
			space := t.widths[i] - utf8.RuneCountInString(text)
			before, after := 0, max(space, 0)
			if t.right[i] {
				before, after = after, 0
			}
			if text != "" {
				b.WriteString(strings.Repeat(" ", pad+2+before))
				if c.paint != nil {
					text = c.paint(text)
				}
				b.WriteString(text)
				pad = after
			} else {
				pad += 2 + t.widths[i]
			}
			at += 2 + t.widths[i]
		}
		p.line("%s", b.String())
		for _, note := range row.notes {
			text := strings.TrimLeft(note, " ")
			p.flow("  "+note[:len(note)-len(text)], " ", pieces(inwords.Visible(text)), p.dim)
		}
	}
}

// cut shortens a text to n characters.
func cut(text string, n int) string {
	if utf8.RuneCountInString(text) <= n {
		return text
	}
	runes := []rune(text)
	return strings.TrimRight(string(runes[:max(n-1, 0)]), " ") + "…"
}

// line writes one line. The format's arguments are safe already.
func (p *page) line(format string, args ...any) {
	fmt.Fprintf(p, format+"\n", args...)
}

// heading begins a section.
func (p *page) heading(text string) { p.line("\n%s", p.bold(inwords.Visible(text))) }

// words writes texts one after another, separated by dots, broken at the edge
// between two of them. Every line begins with indent.
func (p *page) words(indent string, texts ...string) {
	for i := range texts {
		texts[i] = inwords.Visible(texts[i])
	}
	p.flow(indent, " · ", texts, nil)
}

// prose writes a text, broken at the edge between two words.
func (p *page) prose(indent, text string) {
	p.flow(indent, " ", pieces(inwords.Visible(text)), nil)
}

// flow writes texts that are safe already.
func (p *page) flow(indent, separator string, texts []string, paint func(string) string) {
	for _, line := range fill(texts, separator, p.width-utf8.RuneCountInString(indent), 0) {
		if paint != nil {
			line = paint(line)
		}
		p.line("%s%s", indent, line)
	}
}
