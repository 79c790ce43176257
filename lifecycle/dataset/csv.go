package dataset

import (
	"bufio"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"iter"
	"maps"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"
)

// CSVWriter writes rows as comma-separated values (RFC 4180) with a header:
// UTF-8, lines that end with CR LF, cells with a comma, a quote or a line break
// in quotes. The same rows are the same bytes.
//
// An empty cell is unknown. A number has as many digits as tell it apart, such
// as 0.25, 1500000 or 1e-7; a time is RFC 3339 in UTC; functional units are
// samples=60000;tokens=7680000, sorted by name, with a backslash before =, ;
// and \ in names. A text that a spreadsheet would take for a formula (that
// begins with =, +, -, @ or a tab) has an apostrophe before it, and so has one
// that begins with an apostrophe; [ReadCSV] takes it away. Line breaks in texts
// are LF.
//
// A CSVWriter is not safe for concurrent use.
type CSVWriter struct {
	w    *bufio.Writer
	line []byte
	head bool // it is written
}

// NewCSVWriter writes to w.
func NewCSVWriter(w io.Writer) *CSVWriter { return &CSVWriter{w: bufio.NewWriterSize(w, 64<<10)} }

// Write writes rows.
func (c *CSVWriter) Write(rows []Row) error {
	if err := c.header(); err != nil {
		return err
	}
	for i := range rows {
		c.line = c.line[:0]
		for k := range columns {
			if k > 0 {
				c.line = append(c.line, ',')
			}
			c.line = columns[k].appendCSV(c.line, &rows[i])
		}
		c.line = append(c.line, "\r\n"...)
		if _, err := c.w.Write(c.line); err != nil {
			return err
		}
	}
	return nil
}

// Flush writes what is held back; the header is there even without rows.
func (c *CSVWriter) Flush() error {
	if err := c.header(); err != nil {
		return err
	}
	return c.w.Flush()
}

func (c *CSVWriter) header() error {
	if c.head {
		return nil
	}
	c.head = true
	for k := range columns {
		if k > 0 {
			c.line = append(c.line, ',')
		}
		c.line = append(c.line, columns[k].Name...)
	}
	_, err := c.w.Write(append(c.line, "\r\n"...))
	return err
}

// appendCSV appends the cell of a row.
func (c *Column) appendCSV(b []byte, r *Row) []byte {
	v := c.Cell(r)
	if !v.Known {
		return b
	}
	switch c.Type {
	case NumberColumn:
		return appendNumber(b, v.Number)
	case CountColumn:
		return strconv.AppendInt(b, v.Count, 10)
	case TimeColumn:
		return time.UnixMilli(v.Count).UTC().AppendFormat(b, time.RFC3339Nano)
	case UnitsColumn:
		return appendQuoted(b, unitsText(v.Units))
	}
	return appendQuoted(b, v.Text)
}

// appendNumber appends a number as JSON writes it: never 1e+06.
func appendNumber(b []byte, x float64) []byte {
	if a := math.Abs(x); a != 0 && (a < 1e-6 || a >= 1e21) {
		return strconv.AppendFloat(b, x, 'e', -1, 64)
	}
	return strconv.AppendFloat(b, x, 'f', -1, 64)
}

// formula are the characters that a cell of a formula begins with, and the one
// that says that it is none.
const formula = "=+-@\t\r'"

func appendQuoted(b []byte, s string) []byte {
	if strings.ContainsRune(s, '\r') {
		s = strings.ReplaceAll(strings.ReplaceAll(s, "\r\n", "\n"), "\r", "\n")
	}
	safe := s != "" && strings.IndexByte(formula, s[0]) < 0
	if !strings.ContainsAny(s, ",\"\n") && safe && s[0] != ' ' {
		return append(b, s...)
	}
	b = append(b, '"')
	if !safe {
		b = append(b, '\'')
	}
	for i := range len(s) {
		if s[i] == '"' {
			b = append(b, '"')
		}
		b = append(b, s[i])
	}
	return append(b, '"')
}

var unitEscaper = strings.NewReplacer(`\`, `\\`, `=`, `\=`, `;`, `\;`)

// unitsText is samples=60000;tokens=7680000.
func unitsText(units map[string]int64) string {
	var b []byte
	for _, name := range slices.Sorted(maps.Keys(units)) {
		if len(b) > 0 {
			b = append(b, ';')
		}
		b = append(b, unitEscaper.Replace(name)...)
		b = strconv.AppendInt(append(b, '='), units[name], 10)
	}
	return string(b)
}

// parseUnits reads what unitsText writes.
func parseUnits(s string) (map[string]int64, error) {
	units := map[string]int64{}
	var name []byte
	for s != "" {
		name = name[:0]
		for s != "" && s[0] != '=' {
			if s[0] == '\\' && len(s) > 1 {
				s = s[1:]
			} else if s[0] == ';' {
				break
			}
			name, s = append(name, s[0]), s[1:]
		}
		if s == "" || s[0] != '=' {
			return nil, fmt.Errorf("%q has no count: write name=count", name)
		}
		count, rest, more := strings.Cut(s[1:], ";")
		n, err := parseCount(count)
		if err != nil {
			return nil, err
		}
		if _, twice := units[string(name)]; twice || more && rest == "" {
			return nil, fmt.Errorf("%q is there twice, or nothing follows it", name)
		}
		units[string(name)], s = n, rest
	}
	return units, nil
}

// maxCSVRecord bounds the bytes of one row.
const maxCSVRecord = 16 << 20

// ReadCSV reads rows as [CSVWriter] writes them, with either line end. It is
// strict: every column is known and there once, what a row always tells is
// there, and every cell has the form of its column; columns that a row need not
// tell may be absent. What is wrong is told with its line, and ends the
// reading. One row of at most 16 MiB is held at a time; it is the caller's.
func ReadCSV(r io.Reader) iter.Seq2[*Row, error] {
	return func(yield func(*Row, error) bool) {
		in := &limited{r: r}
		c := csv.NewReader(in)
		c.ReuseRecord = true
		line := 0 // the last that was read
		fail := func(err error) {
			var syntax *csv.ParseError
			switch {
			case in.over:
				err = fmt.Errorf("dataset: CSV: the row after line %d is longer than %d MiB: the file is no flat table", line, maxCSVRecord>>20)
			case errors.As(err, &syntax):
				err = fmt.Errorf("dataset: CSV: line %d: %w", syntax.Line, syntax.Err)
			default:
				err = fmt.Errorf("dataset: CSV: line %d: %w", line, err)
			}
			yield(nil, err)
		}
		names, err := c.Read()
		if err == io.EOF {
			yield(nil, errors.New("dataset: CSV: the file is empty: a table has at least its header"))
			return
		}
		if err != nil {
			fail(err)
			return
		}
		line = 1
		list, err := named(names)
		if err != nil {
			fail(err)
			return
		}
		for {
			in.read = 0
			cells, err := c.Read()
			if err == io.EOF {
				return
			}
			if err != nil {
				fail(err)
				return
			}
			line, _ = c.FieldPos(0)
			row := new(Row)
			for k, text := range cells {
				v, err := list[k].parse(text)
				if err != nil {
					fail(fmt.Errorf("%s: %w", list[k].Name, err))
					return
				}
				list[k].set(row, v)
			}
			if err := row.Check(); err != nil {
				fail(err)
				return
			}
			if !yield(row, nil) {
				return
			}
		}
	}
}

// limited is a reader of rows that are not too long.
type limited struct {
	r    io.Reader
	read int
	over bool
}

func (l *limited) Read(b []byte) (int, error) {
	if l.read > maxCSVRecord {
		l.over = true
		return 0, errors.New("too long")
	}
	n, err := l.r.Read(b)
	l.read += n
	return n, err
}

// named are the columns that a header names.
func named(names []string) ([]*Column, error) {
	byName := make(map[string]*Column, len(columns))
	for k := range columns {
		byName[columns[k].Name] = &columns[k]
	}
	list := make([]*Column, len(names))
	for i, name := range names {
		if i == 0 {
			name = strings.TrimPrefix(name, "\ufeff") // of a spreadsheet
		}
		if list[i] = byName[name]; list[i] == nil {
			return nil, fmt.Errorf("column %q is not known, or there twice", name)
		}
		delete(byName, name)
	}
	if err := CheckColumns(func(name string) bool { return byName[name] == nil }); err != nil {
		return nil, err
	}
	return list, nil
}

// parse reads a cell of the column.
func (c *Column) parse(s string) (Cell, error) {
	if s == "" {
		return Cell{}, nil
	}
	if !utf8.ValidString(s) {
		return Cell{}, errors.New("the text is not UTF-8")
	}
	if (c.Type == TextColumn || c.Type == UnitsColumn) && s[0] == '\'' {
		s = s[1:]
	}
	v := Cell{Known: true, Text: s}
	var err error
	switch c.Type {
	case NumberColumn:
		v.Number, err = strconv.ParseFloat(s, 64)
		if err != nil {
			err = fmt.Errorf("%q is no number", s)
		}
	case CountColumn:
		v.Count, err = parseCount(s)
	case TimeColumn:
		var t time.Time
		if t, err = time.Parse(time.RFC3339, s); err != nil {
			err = fmt.Errorf("%q is no time such as 2026-03-02T09:00:00Z", s)
		}
		v.Count = t.UnixMilli()
	case UnitsColumn:
		v.Units, err = parseUnits(s)
	}
	return v, err
}

func parseCount(s string) (int64, error) {
	n, err := strconv.ParseInt(s, 10, 64)
	if err != nil || n < 0 {
		return 0, fmt.Errorf("%q is no count", s)
	}
	return n, nil
}
