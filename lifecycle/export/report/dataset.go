package report

import (
	"io"

	"github.com/ecotracer/ecotracer/lifecycle/dataset"
)

// WriteDataset writes a page of a data set.
func WriteDataset(w io.Writer, s *dataset.Survey, o Options) error { return nil }
