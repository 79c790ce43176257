// Package publish makes a folder of a data set that can be published as it
// stands: the records, redacted; the flat table; what both are, for people (a
// data card) and for machines (Croissant); questions to them in SQL; and the
// digests of it all.
package publish

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"sync"
	"time"

	"github.com/ecotracer/ecotracer/lifecycle"
	"github.com/ecotracer/ecotracer/lifecycle/dataset"
)

// Publication is a data set as it is published. Name, Licence and Table must be
// set.
type Publication struct {
	Name        string   // of the data set
	Licence     string   // an SPDX identifier (CC-BY-4.0), or the URL of a licence
	Description string   // what it is, in a sentence or two; "": one that tells how many runs
	Version     string   // MAJOR.MINOR.PATCH; "": 1.0.0
	URL         string   // of its page; Croissant asks for it
	Citation    string   // how to cite it, as BibTeX; "": made of name, creators, version and date
	Creators    []string // persons or organisations; none: the publishers that records name
	Date        time.Time

	// Internal publishes records of confidentiality internal too: whoever
	// publishes decides it for them. Public ones always are; confidential and
	// secret ones never.
	Internal bool

	// Redacting is how records are redacted. Without a salt one is made, so that
	// ids differ from one publication to the next; with the same salt they are
	// the same.
	Redacting lifecycle.Redacting

	// Table makes the writer of the flat table, such as one of package parquet.
	Table func(io.Writer) TableWriter
}

// TableWriter writes rows of the flat table.
type TableWriter interface {
	Write(rows []dataset.Row) error
	Close() error
}

// Result tells what became of all that was read, and what was written.
type Result struct {
	Read      dataset.Report   `json:"read"`
	Published int64            `json:"published"` // records
	Rows      int64            `json:"rows"`      // of the table
	LeftOut   map[Reason]int64 `json:"left_out"`  // records that count, but are not published
	Telling   []Telling        `json:"telling"`   // the first of those that tell of a machine or a person
	Redacted  map[string]int64 `json:"redacted"`  // members that were removed, renewed or coarsened, over all records
	Files     []File           `json:"files"`     // of the folder, in the order of their names
	Notes     []string         `json:"notes"`     // what the description lacks, and what to do
}

// Reason is why a record is not published.
type Reason string

// The reasons.
const (
	NotPublic Reason = "internal"     // its confidentiality is internal, and Internal was not set
	Private   Reason = "confidential" // its confidentiality is confidential or secret
	Tells     Reason = "identifying"  // it has texts that tell of a machine, a person or another record
	Twice     Reason = "twice"        // an earlier redaction of a record that is published
	Broken    Reason = "invalid"      // it is not valid, or cannot be redacted
)

// Telling is a record with texts that may not be published. The texts are not
// repeated.
type Telling struct {
	Run      string   `json:"run"`
	Pointers []string `json:"pointers"`          // of the texts
	Repeats  bool     `json:"repeats,omitempty"` // one is the id of another run
}

// File is a file of the folder.
type File struct {
	Name   string `json:"name"` // with slashes
	Bytes  int64  `json:"bytes"`
	SHA256 string `json:"sha256"`
}

// The files of a folder. The data card is README.md, where people look first.
const (
	RecordsFile   = "records.ndjson.zst"
	TableFile     = "table.parquet"
	CroissantFile = "croissant.json"
	CardFile      = "README.md"
	SchemaFile    = "record-schema.json"
	SumsFile      = "SHA256SUMS"
)

// The errors for what was asked for.
var (
	ErrAsked    = errors.New("publish: it cannot be published so")
	ErrNotEmpty = errors.New("publish: the folder is there, and not empty: name another one, or move it away")
	ErrNothing  = errors.New("publish: no record may be published")
)

// Publish reads a data set, redacts each record for the public, checks it again,
// and writes the folder dir, all of it or nothing: it is made under another name
// beside dir and renamed at the end. A folder that is there must be empty.
//
// The same records, date and salt make the same bytes, in whatever order they
// were read: records are in the order of their new ids, which begin with the
// coarsened time. An error beside a result tells why nothing was published.
func (p Publication) Publish(ctx context.Context, from dataset.Reader, paths []string, dir string) (Result, error) {
	if err := p.complete(); err != nil {
		return Result{}, err
	}
	if err := vacant(dir); err != nil {
		return Result{}, err
	}
	parent, name := filepath.Split(filepath.Clean(dir))
	if err := os.MkdirAll(filepath.Join(parent, "."), 0o755); err != nil {
		return Result{}, fmt.Errorf("publish: %w", err)
	}
	work, err := os.MkdirTemp(parent, "."+name+".*")
	if err != nil {
		return Result{}, fmt.Errorf("publish: %w", err)
	}
	defer os.RemoveAll(work)

	w := &job{Publication: p, spool: filepath.Join(work, "spool"), dir: filepath.Join(work, "folder")}
	w.result = Result{LeftOut: map[Reason]int64{}, Redacted: map[string]int64{}, Telling: []Telling{}, Notes: []string{}}
	for _, d := range []string{w.spool, w.dir} {
		if err := os.Mkdir(d, 0o755); err != nil {
			return Result{}, fmt.Errorf("publish: %w", err)
		}
	}
	defer func() {
		for _, f := range w.files {
			f.Close()
		}
	}()
	if err := w.redactAll(ctx, from, paths); err != nil {
		return w.result, err
	}
	if err := w.writeAll(ctx); err != nil {
		return w.result, err
	}
	if err := os.Remove(dir); err != nil && !errors.Is(err, os.ErrNotExist) { // an empty one
		return w.result, fmt.Errorf("publish: %w", err)
	}
	if err := os.Rename(w.dir, dir); err != nil {
		return w.result, fmt.Errorf("publish: %w", err)
	}
	return w.result, nil
}

var forms = sync.OnceValue(func() (f struct{ spdxID, webURL, version *regexp.Regexp }) {
	f.spdxID = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9.+-]*$`)
	f.webURL = regexp.MustCompile(`^https?://[^\s<>"]+$`)
	f.version = regexp.MustCompile(`^(0|[1-9][0-9]*)[.](0|[1-9][0-9]*)[.](0|[1-9][0-9]*)$`)
	return f
})

// complete checks what was asked for, and fills in what was not.
func (p *Publication) complete() error {
	if p.Version == "" {
		p.Version = "1.0.0"
	}
	if p.Date.IsZero() {
		p.Date = time.Now()
	}
	p.Date = p.Date.UTC()
	switch {
	case p.Name == "":
		return fmt.Errorf("%w: the data set has no name", ErrAsked)
	case p.Licence == "":
		return fmt.Errorf("%w: nobody may use what has no licence: name one, such as CC-BY-4.0", ErrAsked)
	case !forms().spdxID.MatchString(p.Licence) && !forms().webURL.MatchString(p.Licence):
		return fmt.Errorf("%w: licence %q is no SPDX identifier such as CC-BY-4.0, and no URL", ErrAsked, p.Licence)
	case !forms().version.MatchString(p.Version):
		return fmt.Errorf("%w: version %q is not MAJOR.MINOR.PATCH, such as 1.0.0", ErrAsked, p.Version)
	case p.URL != "" && !forms().webURL.MatchString(p.URL):
		return fmt.Errorf("%w: %q is no URL of a page", ErrAsked, p.URL)
	case p.Table == nil:
		return fmt.Errorf("%w: nothing writes the table", ErrAsked)
	}
	return nil
}

// vacant makes sure that nothing is overwritten.
func vacant(dir string) error {
	list, err := os.ReadDir(dir)
	switch {
	case errors.Is(err, os.ErrNotExist):
		return nil
	case err != nil:
		return fmt.Errorf("publish: %w", err)
	case len(list) > 0:
		return fmt.Errorf("%w: %s", ErrNotEmpty, dir)
	}
	return nil
}
