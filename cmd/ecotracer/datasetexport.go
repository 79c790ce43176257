package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"

	"github.com/ecotracer/ecotracer/internal/inwords"
	"github.com/ecotracer/ecotracer/lifecycle"
	"github.com/ecotracer/ecotracer/lifecycle/dataset"
	"github.com/ecotracer/ecotracer/lifecycle/dataset/parquet"
)

// exportingAll is what one call of `dataset export` is to do.
type exportingAll struct {
	to, out, queries string
	partition        []string
	json             bool
}

func declareDatasetExport(c *cli, flags *flag.FlagSet) func([]string) int {
	const command = "dataset export"
	open := c.reader(command, flags)
	var x exportingAll
	flags.StringVar(&x.to, "to", "", "")
	flags.StringVar(&x.out, "o", "", "")
	flags.StringVar(&x.queries, "queries", "", "")
	flags.Func("partition", "", func(text string) error {
		x.partition = strings.Split(text, ",")
		return nil
	})
	flags.BoolVar(&x.json, "json", false, "")
	return func(paths []string) int {
		switch {
		case x.queries != "" && len(paths) == 0 && x.to == "":
			return c.writeQueries(command, x.queries)
		case len(paths) == 0:
			return c.usage(command, "no records; write `ecotracer dataset export PATH… --to csv -o table.csv`")
		case x.to != "csv" && x.to != "parquet" && x.to != "ndjson":
			return c.usage(command, "--to is csv, parquet or ndjson")
		case len(x.partition) > 0 && (x.to != "parquet" || x.out == ""):
			return c.usage(command, "--partition makes folders of Parquet files: write --to parquet -o DIR")
		case x.to == "parquet" && x.out == "":
			return c.usage(command, "a Parquet table needs a file: write -o table.parquet")
		case x.json && x.out == "":
			return c.usage(command, "--json needs a file for the table: write -o FILE")
		case sameFile(x.out, paths...):
			return c.overwriting(command, x.out)
		}
		if x.queries != "" {
			if code := c.writeQueries(command, x.queries); code != exitOK {
				return code
			}
		}
		r, done := open()
		return c.datasetExport(command, x, r, done, paths)
	}
}

// writeQueries writes the questions in SQL to a folder.
func (c *cli) writeQueries(command, dir string) int {
	err := fs.WalkDir(dataset.Queries, "queries", func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		text, err := fs.ReadFile(dataset.Queries, name)
		if err != nil {
			return err
		}
		return writeFile(filepath.Join(dir, filepath.Base(name)), text)
	})
	if os.IsNotExist(err) {
		if err = os.MkdirAll(dir, 0o777); err == nil {
			return c.writeQueries(command, dir)
		}
	}
	if err != nil {
		c.complain(command, "%s: it cannot be written (%s)", dir, cause(err))
		return exitFound
	}
	return exitOK
}

// sink takes the records of an export.
type sink interface {
	add(r *lifecycle.Record, rows []dataset.Row) error
	end() error
}

type lineSink struct{ w io.Writer }

func (s lineSink) add(r *lifecycle.Record, _ []dataset.Row) error {
	return lifecycle.EncodeLine(s.w, r)
}
func (s lineSink) end() error { return nil }

// rowSink writes the rows of the table.
type rowSink struct {
	write func([]dataset.Row) error
	close func() error
}

func (s rowSink) add(_ *lifecycle.Record, rows []dataset.Row) error { return s.write(rows) }
func (s rowSink) end() error                                        { return s.close() }

// sinkFor writes to w in a format.
func sinkFor(to string, w io.Writer) sink {
	switch to {
	case "csv":
		t := dataset.NewCSVWriter(w)
		return rowSink{t.Write, t.Flush}
	case "parquet":
		t := parquet.NewWriter(w)
		return rowSink{t.Write, t.Close}
	}
	return lineSink{w}
}

// exportedAll is what `dataset export --json` tells.
type exportedAll struct {
	To      string         `json:"to"`
	File    string         `json:"file"`
	Records int64          `json:"records"`
	Rows    int64          `json:"rows"`
	Report  dataset.Report `json:"report"`
}

// datasetExport writes the records that count in one of the formats.
func (c *cli) datasetExport(command string, x exportingAll, r dataset.Reader, done func(dataset.Report), paths []string) int {
	fail := func(err error) int {
		c.complain(command, "%s: it cannot be written (%s)", x.out, cause(err))
		return exitFound
	}
	var out sink
	var file *os.File
	switch {
	case len(x.partition) > 0:
		if list, err := os.ReadDir(x.out); err == nil && len(list) > 0 {
			return c.usage(command, "%s is not empty: give a folder of its own", x.out)
		}
		folder, err := parquet.NewFolder(x.out, x.partition...)
		if err != nil {
			return c.usage(command, "%s", strings.TrimPrefix(bare(err), "parquet: "))
		}
		out = rowSink{folder.Write, folder.Close}
	case x.out == "":
		out = sinkFor(x.to, c.out)
	default:
		var err error
		if file, err = os.OpenFile(tempName(x.out), os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o666); err != nil {
			return fail(err)
		}
		defer os.Remove(file.Name())
		defer file.Close()
		out = sinkFor(x.to, file)
	}
	told := exportedAll{To: x.to, File: x.out}
	var mu sync.Mutex
	report, err := r.Read(context.Background(), paths, func(_ int, rec *lifecycle.Record) error {
		var rows []dataset.Row
		if x.to != "ndjson" {
			rows = dataset.Rows(rec)
		}
		mu.Lock()
		defer mu.Unlock()
		told.Records++
		told.Rows += int64(len(rows))
		return out.add(rec, rows)
	})
	done(report)
	err = errors.Join(err, out.end())
	if err == nil && file != nil {
		if err = errors.Join(file.Sync(), file.Close()); err == nil {
			err = os.Rename(file.Name(), x.out)
		}
	}
	if err != nil {
		c.complain(command, "%s", ours(err))
		return exitFound
	}
	told.Report = report
	code := exitOK
	switch {
	case x.json:
		code = c.json(told)
	case x.out != "":
		tell(c.out, fmt.Sprintf("%s: %s", x.out, told.inWords()))
	}
	if !report.Sound() {
		code = max(code, exitFound)
	}
	return code
}

func (e exportedAll) inWords() string {
	if e.To == "ndjson" {
		return inwords.Plural(int(e.Records), "record")
	}
	return inwords.Plural(int(e.Rows), "row") + " of " + inwords.Plural(int(e.Records), "run")
}
