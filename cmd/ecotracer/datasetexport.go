package main

import (
	"errors"
	"flag"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"strings"

	"github.com/ecotracer/ecotracer/internal/inwords"
	"github.com/ecotracer/ecotracer/internal/spill"
	"github.com/ecotracer/ecotracer/lifecycle"
	"github.com/ecotracer/ecotracer/lifecycle/dataset"
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
		case c.askedTable(command, paths):
			return exitUsage
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

// exportedAll is what `dataset export --json` tells.
type exportedAll struct {
	To      string         `json:"to"`
	File    string         `json:"file"`
	Records int64          `json:"records"`
	Rows    int64          `json:"rows"`
	Report  dataset.Report `json:"report"`
}

// datasetExport writes the records that count in one of the formats, in the
// order of their run ids: that in which they are read is one of chance.
func (c *cli) datasetExport(command string, x exportingAll, r dataset.Reader, done func(dataset.Report), paths []string) int {
	to, err := x.open(c.out)
	switch {
	case errors.Is(err, errAsked):
		return c.usage(command, "%s", err)
	case err != nil:
		c.complain(command, "%s: it cannot be written (%s)", x.out, cause(err))
		return exitFound
	}
	defer to.drop()
	ctx, stop := interrupted()
	defer stop()
	if r.Workers <= 0 {
		r.Workers = runtime.GOMAXPROCS(0)
	}
	kept := spool{Sorter: spill.New(r.TempDir), to: x.to, workers: make([]spoolWorker, r.Workers)}
	defer kept.Close()
	told := exportedAll{To: x.to, File: x.out}
	report, err := r.Read(ctx, paths, func(worker int, rec *lifecycle.Record) error {
		return kept.add(worker, rec)
	})
	done(report)
	if err == nil {
		err = to.write(ctx, &kept)
	}
	if err != nil {
		c.complain(command, "%s", ours(err))
		return exitFound
	}
	told.Records, told.Rows, told.Report = report.Counted, kept.rows.Load(), report
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
