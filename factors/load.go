package factors

import (
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"math"
	"strconv"
	"strings"
)

// What Load accepts at most.
const (
	maxBytes = 16 << 20
	maxRows  = 100_000
	maxCell  = 4 << 10
)

// columns of a factor table. Required ones come first.
var columns = []string{
	"id", "kind", "value", "low", "high", "unit", "source", "source_year", "quality",
	"bounds", "geography", "signal", "accounting", "basis", "mix", "gwp",
	"valid_from", "valid_to", "licence", "note",
}

const requiredColumns = 9

// widen brings published bounds to 95 %: the power to which value/low and
// high/value are raised. In log space, the 95 % interval of a normal
// distribution is 1.959964/1.644854 = 1.19 times as wide as its P5–P95 and
// 1.959964/1.281552 = 1.53 times as wide as its P10–P90. A least and greatest
// value seen is taken as it is.
var widen = map[string]float64{
	"":        1,
	"95":      1,
	"min-max": 1,
	"p5-p95":  1.19,
	"p10-p90": 1.53,
}

// Load reads a table of factors from CSV (RFC 4180, UTF-8): a header with the
// columns id, kind, value, low, high, unit, source, source_year and quality,
// and any of bounds, geography, signal, accounting, basis, mix, gwp,
// valid_from, valid_to, licence and note, in any order. A cell is at most
// 4 KiB, a table at most 16 MiB and 100,000 rows.
//
// bounds tells what low and high are: 95 (the default), min-max, p5-p95 or
// p10-p90, the last two of which are widened to 95 %. note is for people and
// not kept. What is read is Found declared: it is the caller's, not the data
// set's.
//
// Load is strict: a column it does not know, a doubled id or a row that
// fails Check is an error that names the line. It then returns no factor.
func Load(r io.Reader) ([]Factor, error) { return read(r, nil) }

// read is Load for tables that may name listed sources, as @id.
func read(r io.Reader, sources map[string]*sourceOf) ([]Factor, error) {
	limited := &io.LimitedReader{R: r, N: maxBytes + 1}
	table := csv.NewReader(limited)
	table.ReuseRecord = true
	header, err := table.Read()
	if errors.Is(err, io.EOF) {
		return nil, errors.New("factor table: empty: the first line must name the columns")
	}
	if err != nil {
		return nil, fmt.Errorf("factor table: %w", err)
	}
	at, err := layout(header, sources != nil)
	if err != nil {
		return nil, fmt.Errorf("factor table: %w", err)
	}

	var out []Factor
	lineOf := map[string]int{}
	for {
		row, err := table.Read()
		if errors.Is(err, io.EOF) && limited.N > 0 {
			return out, nil
		}
		if limited.N <= 0 || len(out) == maxRows {
			return nil, fmt.Errorf("factor table: more than %d bytes or %d rows: split it", maxBytes, maxRows)
		}
		if err != nil {
			return nil, fmt.Errorf("factor table: %w", err)
		}
		line, _ := table.FieldPos(0)
		f, err := parse(row, at, sources)
		if err == nil {
			err = f.Check()
		}
		if err != nil {
			return nil, fmt.Errorf("factor table: line %d: %w", line, err)
		}
		if first, doubled := lineOf[f.ID]; doubled {
			return nil, fmt.Errorf("factor table: line %d: id %q is already on line %d", line, f.ID, first)
		}
		lineOf[f.ID] = line
		out = append(out, f)
	}
}

// layout finds each column in the header; what is not there is -1. With listed
// sources no year is needed.
func layout(header []string, listed bool) (map[string]int, error) {
	at := make(map[string]int, len(columns))
	for _, c := range columns {
		at[c] = -1
	}
	for i, c := range header {
		old, known := at[c]
		if !known {
			return nil, fmt.Errorf("column %q is unknown: the columns are %s", c, strings.Join(columns, ", "))
		}
		if old >= 0 {
			return nil, fmt.Errorf("column %q is there twice", c)
		}
		at[c] = i
	}
	for _, c := range columns[:requiredColumns] {
		if at[c] < 0 && !(listed && c == "source_year") {
			return nil, fmt.Errorf("column %q is missing", c)
		}
	}
	return at, nil
}

func parse(row []string, at map[string]int, sources map[string]*sourceOf) (Factor, error) {
	for _, c := range row {
		if len(c) > maxCell {
			return Factor{}, fmt.Errorf("a cell of %d bytes: at most %d", len(c), maxCell)
		}
	}
	cell := func(column string) string {
		if i := at[column]; i >= 0 {
			return row[i]
		}
		return ""
	}
	f := Factor{
		ID: cell("id"), Kind: Kind(cell("kind")), Unit: cell("unit"),
		Geography: cell("geography"), Signal: cell("signal"), Accounting: cell("accounting"),
		Basis: cell("basis"), Mix: cell("mix"), GWP: cell("gwp"),
		ValidFrom: cell("valid_from"), ValidTo: cell("valid_to"),
		Licence: cell("licence"), Found: Declared, Source: cell("source"), Quality: cell("quality"),
	}
	for _, n := range []struct {
		column string
		to     *float64
	}{{"value", &f.Value}, {"low", &f.Low}, {"high", &f.High}} {
		x, err := number(cell(n.column))
		if err != nil {
			return Factor{}, fmt.Errorf("%s: %w", n.column, err)
		}
		*n.to = x
	}
	if id, named := strings.CutPrefix(f.Source, "@"); named && sources != nil {
		from, ok := sources[id]
		if !ok {
			return Factor{}, fmt.Errorf("source %q is not listed", id)
		}
		f.Source, f.SourceYear, f.Licence = from.text, from.year, from.licence
	} else {
		year, err := strconv.Atoi(cell("source_year"))
		if err != nil {
			return Factor{}, fmt.Errorf("source_year %q is no year", cell("source_year"))
		}
		f.SourceYear = year
	}

	power, known := widen[cell("bounds")]
	if !known {
		return Factor{}, fmt.Errorf("bounds %q: write 95, min-max, p5-p95 or p10-p90", cell("bounds"))
	}
	if power != 1 && 0 < f.Low && f.Low <= f.Value && f.Value <= f.High {
		f.Low = f.Value * math.Pow(f.Low/f.Value, power)
		f.High = f.Value * math.Pow(f.High/f.Value, power)
	}
	return f, nil
}

// number reads a decimal number; strconv alone would take hexadecimal,
// underscores, infinities and NaN as well.
func number(s string) (float64, error) {
	if strings.IndexFunc(s, func(r rune) bool { return !strings.ContainsRune("0123456789+-.eE", r) }) >= 0 {
		return 0, fmt.Errorf("%q is no decimal number", s)
	}
	x, err := strconv.ParseFloat(s, 64)
	if err != nil {
		return 0, fmt.Errorf("%q is no decimal number", s)
	}
	return x, nil
}
