package main

import (
	"context"
	"errors"
	"strings"

	"github.com/ecotracer/ecotracer/lifecycle/dataset"
	"github.com/ecotracer/ecotracer/lifecycle/dataset/parquet"
)

// errMixed is told where tables and records are named at once.
var errMixed = errors.New("a table may tell of the same runs as records: name Parquet tables (their names end with .parquet), or records, not both")

// tables counts the paths that are Parquet tables by their name.
func tables(paths []string) (n int) {
	for _, path := range paths {
		if strings.HasSuffix(path, ".parquet") {
			n++
		}
	}
	return n
}

// summariseAll summarises records, or tables made of them, of which nothing is
// checked again and nothing is left out.
func summariseAll(ctx context.Context, r dataset.Reader, paths []string, by ...dataset.Dimension) (*dataset.Summary, dataset.Report, error) {
	switch tables(paths) {
	case 0:
		return dataset.Summarise(ctx, r, paths, by...)
	case len(paths):
		s, err := parquet.Summarise(ctx, r, paths, by...)
		return s, dataset.Report{}, err
	}
	return nil, dataset.Report{}, errMixed
}
