package parquet

import (
	"context"
	"errors"
	"fmt"
	"os"

	"github.com/parquet-go/parquet-go"

	"github.com/ecotracer/ecotracer/lifecycle/dataset"
)

// Read reads the rows of tables in their order and hands them to use, some at a
// time. They are valid during the call only. A path is a file, or a folder with
// files below it, partitioned or not: what the names of its folders tell
// (country=DE) need not be in the files, and must not be told otherwise there.
// Files may lack optional columns and have others, as those of other programs do;
// what they tell must be right ([dataset.Row.Check]).
//
// What is read is held in memory page by page, of which files can be made that
// say too much: those are refused. An error tells the file; so does one of use,
// which ends the reading.
func Read(ctx context.Context, paths []string, use func(rows []dataset.Row) error) error {
	files, err := tables(paths)
	if err != nil {
		return err
	}
	for _, f := range files {
		t, err := openTable(f)
		if err != nil {
			return err
		}
		b := newRowBatch(t, nil)
		for k := range t.file.RowGroups() {
			err = b.read(ctx, k, func(rows []dataset.Row) error {
				for i := range rows {
					if err := rows[i].Check(); err != nil {
						return fmt.Errorf("row group %d: %w", k, err)
					}
				}
				return use(rows)
			})
			if err != nil {
				break
			}
		}
		b.close()
		t.close()
		if err != nil {
			return fmt.Errorf("parquet: %s: %w", f.path, err)
		}
	}
	return nil
}

// table is an open file.
type table struct {
	tableFile
	disk   *os.File
	file   *parquet.File
	leaves []leaf
	whole  bool // no run is in two row groups
}

// openTable opens a table.
func openTable(f tableFile) (t *table, err error) {
	defer told(f.path, &err)
	info, err := os.Stat(f.path) // to open a pipe may take for ever
	if err != nil {
		return nil, err
	}
	if !info.Mode().IsRegular() {
		return nil, errors.New("it is no file")
	}
	disk, err := os.Open(f.path)
	if err != nil {
		return nil, err
	}
	t = &table{tableFile: f, disk: disk}
	defer func() {
		if err != nil || t.leaves == nil {
			disk.Close()
		}
	}()
	t.file, err = parquet.OpenFile(disk, info.Size(), parquet.SkipPageIndex(true), parquet.SkipBloomFilters(true), parquet.ReadBufferSize(64<<10))
	if err != nil {
		return nil, fmt.Errorf("it is no Parquet file: %w", err)
	}
	if t.leaves, err = leaves(t.file.Schema(), f.folders); err != nil {
		return nil, err
	}
	_, t.whole = t.file.Lookup(Key)
	return t, nil
}

func (t *table) close() { t.disk.Close() }

// told puts the file before an error, and makes one of a panic: the library
// has them for what is not as a file should be.
func told(path string, err *error) {
	if p := recover(); p != nil {
		*err = fmt.Errorf("it is damaged: %v", p)
	}
	if *err != nil {
		*err = fmt.Errorf("parquet: %s: %w", path, *err)
	}
}

// readRows is how many rows are read at once.
const readRows = 1024

// rowBatch reads a table some rows at a time, into the same memory.
type rowBatch struct {
	table   *table
	rows    []dataset.Row
	columns []*column
	leaves  []int
}

// newRowBatch reads the columns that are needed, nil for all.
func newRowBatch(t *table, needed func(name string) bool) *rowBatch {
	b := &rowBatch{table: t, rows: make([]dataset.Row, readRows)}
	var list []leaf
	for _, l := range t.leaves {
		if needed == nil || needed(columns[l.column].Name) || t.inFolders(l.column) {
			list = append(list, l)
			b.columns = append(b.columns, newColumn(l, b.rows))
		}
	}
	b.leaves = leavesOf(list, t.file.Schema())
	return b
}

func (b *rowBatch) close() {
	for _, c := range b.columns {
		c.close()
	}
}

// read reads a row group.
func (b *rowBatch) read(ctx context.Context, group int, use func(rows []dataset.Row) error) (err error) {
	groups := b.table.file.RowGroups()
	if group >= len(groups) {
		return errors.New("it was changed while it was read")
	}
	g := groups[group]
	err = b.guarded(func() error {
		if err := guard(b.table.disk, &b.table.file.Metadata().RowGroups[group], b.leaves); err != nil {
			return err
		}
		chunks := g.ColumnChunks()
		for _, c := range b.columns {
			c.open(chunks)
		}
		return nil
	})
	for left := g.NumRows(); left > 0 && err == nil; {
		if err = ctx.Err(); err != nil {
			break
		}
		n := int(min(left, readRows))
		err = b.guarded(func() error {
			for _, c := range b.columns {
				if err := c.fill(n); err != nil {
					return fmt.Errorf("column %s: %w", c.name, err)
				}
			}
			settle(b.rows[:n])
			return b.table.place(b.rows[:n])
		})
		if err == nil {
			err = use(b.rows[:n])
		}
		left -= int64(n)
	}
	return err
}

// settle makes 0 of the numbers of factors that are not there: their columns are
// null. Of one that is, a null stays NaN, which is no factor.
func settle(rows []dataset.Row) {
	for i := range rows {
		r := &rows[i]
		for _, in := range [...]*dataset.Input{&r.Grid, &r.PUE, &r.WUE, &r.EWIF, &r.Device, &r.Lifetime, &r.Utilisation, &r.Service} {
			if in.ID == "" {
				*in = dataset.Input{}
			}
		}
	}
}

// guarded makes an error of a panic in what reads the file, and of nothing else.
func (b *rowBatch) guarded(read func() error) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("it is damaged: %v", p)
		}
	}()
	return read()
}
