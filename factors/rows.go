package factors

import (
	"cmp"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"strings"
)

// eachRow calls f for each row of an embedded table but the header. The cells
// are only good until f returns, what they hold for ever. Most lines have no
// quotes, and are cut at their commas: encoding/csv takes four times as long.
func eachRow(name string, f func(row []string) error) error {
	b, err := data.ReadFile("data/" + name)
	if err != nil {
		return err
	}
	text := string(b)
	header, text, _ := strings.Cut(text, "\n")
	columns := strings.Count(header, ",") + 1
	row := make([]string, 0, columns)
	for n := 2; text != ""; n++ {
		var line string
		line, text, _ = strings.Cut(text, "\n")
		row = row[:0]
		if strings.Contains(line, `"`) {
			row, err = quoted(line)
		} else {
			for cell := range strings.SplitSeq(line, ",") {
				row = append(row, cell)
			}
		}
		if err == nil && len(row) != columns {
			err = fmt.Errorf("%d cells, not %d", len(row), columns)
		}
		if err == nil {
			err = f(row)
		}
		if err != nil {
			return fmt.Errorf("embedded %s, line %d: %w", name, n, err)
		}
	}
	return nil
}

func quoted(line string) ([]string, error) {
	row, err := csv.NewReader(strings.NewReader(line)).Read()
	if errors.Is(err, io.EOF) {
		err = errors.New("empty")
	}
	return row, err
}

// fields reads cells and keeps the first error. An empty cell is 0.
type fields struct{ err error }

func (f *fields) float(cell string) float64 {
	if cell == "" {
		return 0
	}
	x, err := number(cell)
	f.err = cmp.Or(f.err, err)
	return x
}

func (f *fields) int(cell string) int {
	return int(f.float(cell))
}

// quantity reads a figure and its bounds. Bounds that are not given are the
// figure.
func (f *fields) quantity(value, low, high string) quantity {
	q := quantity{f.float(value), f.float(low), f.float(high)}
	q.low, q.high = cmp.Or(q.low, q.value), cmp.Or(q.high, q.value)
	return q
}

// sourceOf is where figures are from, as the rows of a source table tell.
type sourceOf struct {
	text, licence string
	year          int
}

// source is a listed one.
func (f *fields) source(listed map[string]*sourceOf, id string) *sourceOf {
	s, ok := listed[id]
	if !ok {
		f.err = cmp.Or(f.err, fmt.Errorf("source %q is not listed", id))
		return &sourceOf{}
	}
	return s
}

// sourcesOf reads a source table: id, source, source_year, licence.
func sourcesOf(name string) (map[string]*sourceOf, error) {
	all := map[string]*sourceOf{}
	err := eachRow(name, func(row []string) error {
		var f fields
		all[row[0]] = &sourceOf{text: row[1], year: f.int(row[2]), licence: row[3]}
		return f.err
	})
	return all, err
}
