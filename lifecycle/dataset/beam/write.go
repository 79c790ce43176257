package beam

import (
	"context"
	"encoding/json"
	"errors"

	sdk "github.com/apache/beam/sdks/v2/go/pkg/beam"
	"github.com/apache/beam/sdks/v2/go/pkg/beam/io/filesystem"
	"github.com/apache/beam/sdks/v2/go/pkg/beam/io/textio"

	"github.com/ecotracer/ecotracer/lifecycle/dataset"
)

// WriteSummary writes the summary to a file, as `ecotracer dataset summarise -o`
// writes it, on any file system that is registered with Beam.
func (r Results) WriteSummary(s sdk.Scope, file string) {
	sdk.ParDo0(s.Scope("ecotracer.WriteSummary"), &writeSummaryFn{file}, r.Summary)
}

// WriteReport writes the report to a file, as JSON.
func (r Results) WriteReport(s sdk.Scope, file string) {
	sdk.ParDo0(s.Scope("ecotracer.WriteReport"), &writeReportFn{file}, r.Report)
}

// WriteRefused writes what was refused to a file, one JSON object a line, in no
// order.
func (r Results) WriteRefused(s sdk.Scope, file string) {
	s = s.Scope("ecotracer.WriteRefused")
	textio.Write(s, file, sdk.ParDo(s, refusalLine, r.Refused))
}

func refusalLine(r dataset.Refusal) (string, error) {
	b, err := json.Marshal(r)
	return string(b), err
}

type writeSummaryFn struct{ File string }

func (f *writeSummaryFn) ProcessElement(ctx context.Context, s Summary) error {
	b, err := s.MarshalJSON()
	if err != nil {
		return err
	}
	return write(ctx, f.File, b)
}

type writeReportFn struct{ File string }

func (f *writeReportFn) ProcessElement(ctx context.Context, r Report) error {
	b, err := json.MarshalIndent(r.Report, "", " ")
	if err != nil {
		return err
	}
	return write(ctx, f.File, b)
}

func write(ctx context.Context, file string, b []byte) (err error) {
	of, err := filesystem.New(ctx, file)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, of.Close()) }()
	f, err := of.OpenWrite(ctx, file)
	if err != nil {
		return err
	}
	_, err = f.Write(append(b, '\n'))
	return errors.Join(err, f.Close())
}
