package parquet

import (
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"

	"github.com/parquet-go/parquet-go"

	"github.com/ecotracer/ecotracer/lifecycle/dataset"
)

// groupRows is how many rows a row group has, a run more or less: enough that
// dictionaries pay, and few enough that one is held in memory (some 30 MB).
const groupRows = 128 << 10

// Writer writes rows into a Parquet file, compressed by zstd. It holds one row
// group at a time. The same rows are the same bytes. A Writer is not safe for
// concurrent use.
type Writer struct {
	w      *parquet.Writer
	leaves []leaf
	values [][]parquet.Value // by leaf: of the rows that are not written yet
	rows   int               // that are not written yet
	group  int               // of the row group so far
	run    string            // of the last row
	err    error
}

// batch is how many rows are written at once.
const batch = 1024

// NewWriter writes to w.
func NewWriter(w io.Writer) *Writer { return newWriter(w, 256<<10) }

// newWriter writes pages of so many bytes, of which it holds one a column.
func newWriter(w io.Writer, page int) *Writer {
	list, err := leaves(schema)
	out := &Writer{leaves: list, err: err}
	out.w = parquet.NewWriter(w, schema,
		parquet.Compression(&parquet.Zstd),
		parquet.CreatedBy("ecotracer", Version, ""),
		parquet.KeyValueMetadata(Key, Version),
		parquet.PageBufferSize(page),
	)
	out.values = make([][]parquet.Value, len(schema.Columns()))
	return out
}

// Write writes rows. The rows of a run follow one another. After an error the
// file is of no use.
func (w *Writer) Write(rows []dataset.Row) error {
	for i := range rows {
		row := &rows[i]
		if row.RunID != w.run {
			if w.group >= groupRows {
				w.cut()
			}
			w.run = row.RunID
		}
		w.add(row)
		if w.rows == batch {
			w.flush()
		}
		if w.err != nil {
			return w.err
		}
	}
	return nil
}

// add takes a row apart.
func (w *Writer) add(row *dataset.Row) {
	for _, l := range w.leaves {
		v := columns[l.column].Cell(row)
		if columns[l.column].Type == dataset.UnitsColumn {
			w.addUnits(l, v.Units)
			continue
		}
		at := &w.values[l.index]
		if !v.Known {
			if l.level == 0 && w.err == nil {
				w.err = fmt.Errorf("parquet: a row of run %s tells no %s, which every row tells", row.RunID, columns[l.column].Name)
			}
			*at = append(*at, parquet.NullValue().Level(0, 0, l.index))
			continue
		}
		var x parquet.Value
		switch columns[l.column].Type {
		case dataset.TextColumn:
			x = parquet.ByteArrayValue([]byte(v.Text))
		case dataset.NumberColumn:
			x = parquet.DoubleValue(v.Number)
		default:
			x = parquet.Int64Value(v.Count)
		}
		*at = append(*at, x.Level(0, l.level, l.index))
	}
	w.rows++
	w.group++
}

// addUnits takes a map apart: a null, or a key and a value of each unit.
func (w *Writer) addUnits(l leaf, units map[string]int64) {
	keys, values := &w.values[l.index], &w.values[l.index+1]
	if len(units) == 0 {
		*keys = append(*keys, parquet.NullValue().Level(0, 0, l.index))
		*values = append(*values, parquet.NullValue().Level(0, 0, l.index+1))
	}
	again := 0
	for _, name := range slices.Sorted(maps.Keys(units)) {
		*keys = append(*keys, parquet.ByteArrayValue([]byte(name)).Level(again, l.level, l.index))
		*values = append(*values, parquet.Int64Value(units[name]).Level(again, l.level, l.index+1))
		again = 1
	}
}

// flush hands the rows that wait to the columns.
func (w *Writer) flush() {
	for k, c := range w.w.ColumnWriters() {
		if w.err == nil {
			_, w.err = c.WriteRowValues(w.values[k])
		}
		clear(w.values[k])
		w.values[k] = w.values[k][:0]
	}
	w.rows = 0
}

// cut ends the row group.
func (w *Writer) cut() {
	w.flush()
	if w.err == nil {
		w.err = w.w.Flush()
	}
	w.group = 0
}

// Close ends the file; it does not close what it is written to.
func (w *Writer) Close() error {
	w.flush()
	err := w.err
	w.err = errors.New("parquet: the file is closed")
	if err != nil {
		return err
	}
	return w.w.Close()
}
