package parquet

import (
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"unsafe"

	"github.com/parquet-go/parquet-go"

	"github.com/ecotracer/ecotracer/lifecycle/dataset"
)

// groupRows is how many rows a row group has, a run more or less: enough that
// dictionaries pay, and few enough that one is held in memory (some 30 MB).
const groupRows = 128 << 10

// Writer writes rows into a Parquet file, compressed by zstd. It holds one row
// group at a time, and no row that it was given. The same rows, in whatever
// pieces, are the same bytes. A Writer is not safe for concurrent use.
type Writer struct {
	w      *parquet.GenericWriter[any]
	leaves []leaf
	values [2][]parquet.Value // of the column that is written; of units the names and the counts
	group  int                // rows of the row group so far
	most   int                // of a row group, but for its last run
	run    string             // of the last row
	err    error
}

// batch is how many rows are taken apart at once.
const batch = 256

// NewWriter writes to w.
func NewWriter(w io.Writer) *Writer { return newWriter(w, 256<<10) }

// newWriter writes pages of so many bytes, of which it holds one a column.
func newWriter(w io.Writer, page int) *Writer {
	list, err := leaves(schema(), nil)
	return &Writer{leaves: list, most: groupRows, err: err, w: parquet.NewGenericWriter[any](w, schema(),
		parquet.Compression(&parquet.Zstd),
		parquet.CreatedBy("ecotracer", Version, ""),
		parquet.KeyValueMetadata(Key, Version),
		parquet.PageBufferSize(page),
	)}
}

// Write writes rows. The rows of a run follow one another. After an error the
// file is of no use.
func (w *Writer) Write(rows []dataset.Row) error {
	for from := 0; from < len(rows) && w.err == nil; {
		n := from
		for ; n < len(rows) && n-from < batch; n++ {
			if rows[n].RunID == w.run {
				continue
			}
			if w.group+n-from >= w.most {
				break
			}
			w.run = strings.Clone(rows[n].RunID)
		}
		if n == from {
			w.cut()
			continue
		}
		w.add(rows[from:n])
		from = n
	}
	return w.err
}

// add writes some rows column by column.
func (w *Writer) add(rows []dataset.Row) {
	to := w.w.ColumnWriters()
	for _, l := range w.leaves {
		c, parts := &columns[l.column], 1
		w.values[0], w.values[1] = w.values[0][:0], w.values[1][:0]
		for i := range rows {
			v := c.Cell(&rows[i])
			if c.Type == dataset.UnitsColumn {
				w.addUnits(l, v.Units)
				parts = 2
				continue
			}
			if !v.Known && l.level == 0 {
				w.err = fmt.Errorf("parquet: a row of run %q tells no %s, which every row tells", rows[i].RunID, c.Name)
				return
			}
			w.values[0] = append(w.values[0], value(c.Type, v).Level(0, level(v.Known, l.level), l.index))
		}
		for k := range parts {
			if _, w.err = to[l.index+k].WriteRowValues(w.values[k]); w.err != nil {
				return
			}
		}
	}
	w.group += len(rows)
}

// value is a cell as Parquet has it.
func value(t dataset.ColumnType, v dataset.Cell) parquet.Value {
	switch {
	case !v.Known:
		return parquet.NullValue()
	case t == dataset.TextColumn:
		return textValue(v.Text)
	case t == dataset.NumberColumn:
		return parquet.DoubleValue(v.Number)
	}
	return parquet.Int64Value(v.Count)
}

// textValue is a text, which is not copied before the column has it.
func textValue(s string) parquet.Value {
	return parquet.ByteArrayValue(unsafe.Slice(unsafe.StringData(s), len(s)))
}

func level(known bool, level int) int {
	if known {
		return level
	}
	return 0
}

// addUnits takes a map apart: a null, or a key and a value of each unit.
func (w *Writer) addUnits(l leaf, units map[string]int64) {
	if len(units) == 0 {
		for k := range w.values {
			w.values[k] = append(w.values[k], parquet.NullValue().Level(0, 0, l.index+k))
		}
	}
	again := 0
	for _, name := range slices.Sorted(maps.Keys(units)) {
		w.values[0] = append(w.values[0], textValue(name).Level(again, l.level, l.index))
		w.values[1] = append(w.values[1], parquet.Int64Value(units[name]).Level(again, l.level, l.index+1))
		again = 1
	}
}

// cut ends the row group. A run may be the first of the next.
func (w *Writer) cut() {
	if w.err == nil {
		w.err = w.w.Flush()
	}
	w.group = 0
}

// Close ends the file; it does not close what it is written to.
func (w *Writer) Close() error {
	err := w.err
	w.err = errors.New("parquet: the file is closed")
	if err != nil {
		return err
	}
	return w.w.Close()
}
