package report

import (
	"bytes"
	"errors"
	"fmt"
	"io"

	"github.com/ecotracer/ecotracer/lifecycle"
	"github.com/ecotracer/ecotracer/lifecycle/export"
)

// MaxRecords is how many records one page takes: more are a data set, and no
// page that anyone reads.
const MaxRecords = 8

// A page is smaller than maxSize bytes. It begins with tables of as many rows as
// people read, mostRows being the measure of them in a page of one run; those of
// records full of long texts are shorter.
const (
	maxSize  = 1_000_000
	mostRows = 20
)

// Options tell what the records do not. The zero value adds nothing.
type Options struct {
	Title string // of the page; "" makes it of the runs' names
}

// InvalidError tells that a record is not valid, so that a page of it would
// tell wrong figures.
type InvalidError struct {
	Index    int // of the record among those given
	Findings []lifecycle.Finding
}

// Error tells the first of the findings.
func (e *InvalidError) Error() string {
	return fmt.Sprintf("report: record %d is not valid: %s", e.Index+1, e.Findings[0])
}

// Write writes a page of one record, or of several and how each compares with
// the first. It validates the records ([InvalidError]) and changes none. The same
// records make the same page, byte for byte. On an error of its own it has
// written nothing.
func Write(w io.Writer, records []*lifecycle.Record, o Options) error {
	if len(records) == 0 || len(records) > MaxRecords {
		return fmt.Errorf("report: a page takes 1 to %d records, not %d", MaxRecords, len(records))
	}
	for i, r := range records {
		var wrong []lifecycle.Finding
		for _, f := range lifecycle.Validate(r) {
			if !f.Warning {
				wrong = append(wrong, f)
			}
		}
		if len(wrong) > 0 {
			return &InvalidError{Index: i, Findings: wrong}
		}
	}
	against, err := compareAll(records)
	if err != nil {
		return err
	}
	for rows := max(mostRows/len(records), 2); rows > 0; rows /= 2 {
		p, err := newPage(records, o, rows, against)
		if err != nil {
			return err
		}
		var b bytes.Buffer
		if err := layout().ExecuteTemplate(&b, "page.html", p); err != nil {
			return fmt.Errorf("report: %w", err)
		}
		if b.Len() < maxSize {
			_, err = w.Write(b.Bytes())
			return err
		}
	}
	return fmt.Errorf("report: the page would be larger than %d bytes, so long are the texts of the records: give fewer of them", maxSize)
}

// Format is the page of a single record as a format beside those of package
// export, which cannot list it: it would depend on this package.
func Format() export.Format {
	return export.Format{
		Name: "html", What: "a page for a browser, in one file", Extension: ".html",
		Write: func(w io.Writer, r *lifecycle.Record, _ export.Options) ([]export.Loss, error) {
			if r == nil {
				return nil, errors.New("report: no record")
			}
			if err := Write(w, []*lifecycle.Record{r}, Options{}); err != nil {
				return nil, err
			}
			return []export.Loss{{Path: "", Why: "a page is for people, and rounds: no record can be read back from it"}}, nil
		},
	}
}
