package main

import (
	"bufio"
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"

	"github.com/ecotracer/ecotracer/internal/spill"
	"github.com/ecotracer/ecotracer/lifecycle"
	"github.com/ecotracer/ecotracer/lifecycle/dataset"
	"github.com/ecotracer/ecotracer/lifecycle/dataset/parquet"
	"github.com/ecotracer/ecotracer/lifecycle/dataset/publish"
)

// spool keeps the records of an export until all are there: in the form that they
// are written in or, for Parquet, as they are.
type spool struct {
	*spill.Sorter
	to      string
	workers []spoolWorker
	rows    atomic.Int64
}

type spoolWorker struct {
	text bytes.Buffer
	csv  *dataset.CSVWriter
	rows []dataset.Row
}

// add keeps a record.
func (s *spool) add(worker int, r *lifecycle.Record) error {
	w := &s.workers[worker]
	w.text.Reset()
	var err error
	switch {
	case s.to != "csv":
		err = lifecycle.EncodeLine(&w.text, r)
	case w.csv == nil:
		w.csv = dataset.NewCSVWriter(&w.text)
		err = w.csv.Flush()
		w.text.Reset() // of the header
		fallthrough
	default:
		w.rows = dataset.AppendRows(w.rows[:0], r)
		s.rows.Add(int64(len(w.rows)))
		err = errors.Join(err, w.csv.Write(w.rows), w.csv.Flush())
		clear(w.rows)
	}
	if err != nil {
		return err
	}
	return s.Add([]byte(r.Run.ID), w.text.Bytes())
}

// writeText writes what was kept, in the order of run ids.
func (s *spool) writeText(ctx context.Context, out io.Writer) error {
	w := bufio.NewWriterSize(out, 256<<10)
	if s.to == "csv" {
		if err := dataset.NewCSVWriter(w).Flush(); err != nil { // the header
			return err
		}
	}
	err := s.Each(func(_, text []byte) error {
		if _, err := w.Write(text); err != nil {
			return err
		}
		return ctx.Err()
	})
	return errors.Join(err, w.Flush())
}

// writeTable does the same with the rows of what was kept, which are made of some
// records at once.
func (s *spool) writeTable(ctx context.Context, table publish.TableWriter) error {
	type made struct {
		rows []dataset.Row
		err  error
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	queue := make(chan chan made, len(s.workers))
	failed := make(chan error, 1)
	go func() {
		defer close(queue)
		failed <- s.Each(func(_, text []byte) error {
			text, next := bytes.Clone(text), make(chan made, 1)
			select {
			case queue <- next:
			case <-ctx.Done():
				return ctx.Err()
			}
			go func() {
				r, err := lifecycle.Decode(bytes.NewReader(text))
				if err != nil {
					next <- made{err: err}
					return
				}
				next <- made{rows: dataset.Rows(r)}
			}()
			return nil
		})
	}()
	var err error
	for next := range queue { // to its end
		m := <-next
		s.rows.Add(int64(len(m.rows)))
		if err == nil {
			if err = m.err; err == nil {
				err = table.Write(m.rows)
			}
			if err != nil {
				cancel()
			}
		}
	}
	closed := table.Close()
	return cmp.Or(err, <-failed, closed)
}

// destination is where an export goes: under another name until all of it is
// there.
type destination struct {
	exportingAll
	text  io.Writer
	table publish.TableWriter // instead of text
	file  *os.File
	work  string // a folder beside that of a partitioned table
}

// errAsked is told of what cannot be asked for.
var errAsked = errors.New("it cannot be exported so")

// open makes what an export is written to.
func (x exportingAll) open(out io.Writer) (d *destination, err error) {
	d = &destination{exportingAll: x, text: out}
	switch {
	case len(x.partition) > 0:
		switch list, err := os.ReadDir(x.out); {
		case err == nil && len(list) > 0:
			return nil, fmt.Errorf("%w: %s is not empty: give a folder of its own", errAsked, x.out)
		case err != nil && !errors.Is(err, os.ErrNotExist):
			return nil, fmt.Errorf("%w: %s is no folder that can be read", errAsked, x.out)
		}
		parent, name := filepath.Dir(x.out), filepath.Base(x.out)
		if name == "." || name == ".." {
			return nil, fmt.Errorf("%w: give the name of a folder, which is made", errAsked)
		}
		if err := os.MkdirAll(parent, 0o777); err != nil {
			return nil, err
		}
		if d.work, err = os.MkdirTemp(parent, "."+name+".*"); err != nil {
			return nil, err
		}
		if d.table, err = parquet.NewFolder(filepath.Join(d.work, "table"), x.partition...); err != nil {
			d.drop()
			return nil, fmt.Errorf("%w: %s", errAsked, strings.TrimPrefix(bare(err), "parquet: "))
		}
	case x.out != "":
		if d.file, err = os.OpenFile(tempName(x.out), os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o666); err != nil {
			return nil, err
		}
		d.text = d.file
		if x.to == "parquet" {
			d.table = parquet.NewWriter(d.file)
		}
	}
	return d, nil
}

// write writes what was kept and gives it its name.
func (d *destination) write(ctx context.Context, kept *spool) (err error) {
	if d.table != nil {
		err = kept.writeTable(ctx, d.table)
	} else {
		err = kept.writeText(ctx, d.text)
	}
	switch {
	case err != nil:
		return err
	case d.work != "":
		if err := os.Remove(d.out); err != nil && !errors.Is(err, os.ErrNotExist) { // an empty one
			return err
		}
		return os.Rename(filepath.Join(d.work, "table"), d.out)
	case d.file != nil:
		if err := errors.Join(d.file.Sync(), d.file.Close()); err != nil {
			return err
		}
		return os.Rename(d.file.Name(), d.out)
	}
	return nil
}

// drop removes what was not given its name.
func (d *destination) drop() {
	if d.work != "" {
		os.RemoveAll(d.work)
	}
	if d.file != nil {
		d.file.Close()
		os.Remove(d.file.Name())
	}
}
