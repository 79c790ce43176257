package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/ecotracer/ecotracer/lifecycle/dataset"
	"github.com/ecotracer/ecotracer/lifecycle/dataset/parquet"
)

// errMixed is told where tables and records are named at once.
var errMixed = errors.New("a table may tell of the same runs as records: name tables (their names end with .parquet or .csv, or they are folders of such), or records, not both")

// isTable tells whether a path is a table: by its name, or a folder of
// partitions, or of nothing but Parquet files, by the first hundred in it.
func isTable(path string) bool {
	switch filepath.Ext(path) {
	case ".parquet", ".csv":
		return true
	}
	if info, err := os.Stat(path); err != nil || !info.IsDir() {
		return false
	}
	dir, err := os.Open(path)
	if err != nil {
		return false
	}
	defer dir.Close()
	list, _ := dir.ReadDir(100)
	if isPartition(filepath.Base(path)) {
		return true
	}
	files, others := 0, 0
	for _, e := range list {
		switch name := e.Name(); {
		case strings.ContainsAny(name[:1], "._"):
		case e.IsDir() && isPartition(name):
			return true
		case filepath.Ext(name) == ".parquet":
			files++
		default:
			others++
		}
	}
	return files > 0 && others == 0
}

// isPartition tells whether a folder is called as one of a partition.
func isPartition(name string) bool {
	column, _, is := strings.Cut(name, "=")
	return is && slices.ContainsFunc(dataset.Columns(), func(c dataset.Column) bool { return c.Name == column })
}

// askedTable tells if a table is asked what only records can tell.
func (c *cli) askedTable(command string, paths []string) bool {
	k := slices.IndexFunc(paths, isTable)
	if k >= 0 {
		c.usage(command, "%s is a table, and this needs records: name those that it was made of. Of tables `ecotracer dataset summarise` tells, and every engine with the questions that `ecotracer dataset export --queries DIR` writes", paths[k])
	}
	return k >= 0
}

// summariseAll summarises records, or tables made of them, of which nothing is
// left out.
func summariseAll(ctx context.Context, r dataset.Reader, paths []string, by ...dataset.Dimension) (*dataset.Summary, dataset.Report, error) {
	if !slices.ContainsFunc(paths, isTable) {
		return dataset.Summarise(ctx, r, paths, by...)
	}
	var csv, other []string
	for _, path := range paths {
		if filepath.Ext(path) == ".csv" {
			csv = append(csv, path)
		} else {
			other = append(other, path)
		}
	}
	all, err := parquet.Summarise(ctx, r, other, by...)
	for _, path := range csv {
		if err != nil {
			break
		}
		err = addCSV(ctx, path, all)
	}
	return all, dataset.Report{}, err
}

// addCSV adds the rows of a CSV file.
func addCSV(ctx context.Context, path string, to *dataset.Summary) error {
	if info, err := os.Stat(path); err == nil && !info.Mode().IsRegular() { // to open a pipe may take for ever
		return fmt.Errorf("%s: it is no file", path)
	}
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	defer f.Close()
	n := 0
	for row, err := range dataset.ReadCSV(f) {
		if n++; n%1000 == 0 && ctx.Err() != nil {
			return context.Cause(ctx)
		}
		if err != nil {
			return fmt.Errorf("%s: %s", path, ours(err))
		}
		to.AddRow(row)
	}
	return nil
}
