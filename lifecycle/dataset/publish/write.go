package publish

import (
	"bufio"
	"bytes"
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"github.com/klauspost/compress/zstd"

	"github.com/ecotracer/ecotracer/lifecycle"
	"github.com/ecotracer/ecotracer/lifecycle/dataset"
)

// writeAll writes the files of the folder.
func (w *job) writeAll(ctx context.Context) error {
	facts, err := newFacts()
	if err != nil {
		return err
	}
	if err := w.writeData(ctx, facts); err != nil {
		return err
	}
	if w.result.Published == 0 {
		return fmt.Errorf("%w: %s", ErrNothing, w.whyNot())
	}
	w.describe(facts)
	if err := w.write(SchemaFile, lifecycle.SchemaJSON()); err != nil {
		return err
	}
	if err := w.writeQueries(); err != nil {
		return err
	}
	croissant, err := w.croissant()
	if err != nil {
		return err
	}
	if err := w.write(CroissantFile, croissant); err != nil {
		return err
	}
	if err := w.write(CardFile, w.card(facts)); err != nil {
		return err
	}
	slices.SortFunc(w.result.Files, func(a, b File) int { return strings.Compare(a.Name, b.Name) })
	var sums bytes.Buffer
	for _, f := range w.result.Files {
		fmt.Fprintf(&sums, "%s  %s\n", f.SHA256, f.Name)
	}
	return w.write(SumsFile, sums.Bytes())
}

// whyNot tells why nothing was published.
func (w *job) whyNot() string {
	var why []string
	for _, reason := range []struct {
		Reason
		text string
	}{
		{NotPublic, "are internal (Internal, or --internal, publishes them redacted)"}, {Private, "are confidential or secret"},
		{Tells, "tell of a machine or a person"}, {Broken, "are not valid"}, {Twice, "are there already"},
	} {
		if n := w.result.LeftOut[reason.Reason]; n > 0 {
			why = append(why, fmt.Sprintf("%d %s", n, reason.text))
		}
	}
	if len(why) == 0 {
		return "none was found that counts"
	}
	return strings.Join(why, ", ")
}

// writeData writes the records and the table, and gathers what the card tells.
func (w *job) writeData(ctx context.Context, facts *facts) error {
	records, err := w.create(RecordsFile)
	if err != nil {
		return err
	}
	defer records.Close()
	packed, err := zstd.NewWriter(records, zstd.WithEncoderConcurrency(1))
	if err != nil {
		return fmt.Errorf("publish: %w", err)
	}
	table, err := w.create(TableFile)
	if err != nil {
		return err
	}
	defer table.Close()
	rows := w.Table(table)

	var line []byte
	var some []dataset.Row
	for _, e := range w.list {
		if err := ctx.Err(); err != nil {
			return context.Cause(ctx)
		}
		line = slices.Grow(line[:0], int(e.n))[:e.n]
		if _, err := w.files[e.file].ReadAt(line, e.at); err != nil {
			return fmt.Errorf("publish: %w", err)
		}
		if w.repeats(line) { // the id of another record, which only now all are known
			w.result.LeftOut[Tells]++
			w.tells(Telling{Run: e.was, Pointers: []string{}, Repeats: true})
			continue
		}
		r, err := lifecycle.Decode(bytes.NewReader(line))
		if err != nil {
			return fmt.Errorf("publish: a record cannot be read back: %w", err)
		}
		for _, f := range lifecycle.Validate(r) {
			if !f.Warning {
				return fmt.Errorf("publish: a redacted record must not leave: %s", f)
			}
		}
		if _, err := packed.Write(line); err != nil {
			return fmt.Errorf("publish: %w", err)
		}
		some = dataset.AppendRows(some[:0], r)
		if err := rows.Write(some); err != nil {
			return fmt.Errorf("publish: %w", err)
		}
		facts.add(r, some)
		for did, n := range e.did {
			w.result.Redacted[did] += n
		}
		w.result.Published++
		w.result.Rows += int64(len(some))
	}
	if err := packed.Close(); err != nil {
		return fmt.Errorf("publish: %w", err)
	}
	if err := rows.Close(); err != nil {
		return fmt.Errorf("publish: %w", err)
	}
	return cmp.Or(records.end(), table.end())
}

// writeQueries writes the questions in SQL, such that they ask the files beside
// them.
func (w *job) writeQueries() error {
	return fs.WalkDir(dataset.Queries, "queries", func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || path.Base(name) == "view-csv.sql" { // there is no CSV here
			return err
		}
		text, err := fs.ReadFile(dataset.Queries, name)
		if err != nil {
			return err
		}
		return w.write(name, text)
	})
}

// output is a file of the folder that is being written.
type output struct {
	*os.File
	w    *job
	name string
	buf  *bufio.Writer
	hash interface {
		io.Writer
		Sum([]byte) []byte
	}
	bytes int64
}

func (w *job) create(name string) (*output, error) {
	file := filepath.Join(w.dir, filepath.FromSlash(name))
	if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
		return nil, fmt.Errorf("publish: %w", err)
	}
	f, err := os.OpenFile(file, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o644)
	if err != nil {
		return nil, fmt.Errorf("publish: %w", err)
	}
	return &output{File: f, w: w, name: name, buf: bufio.NewWriterSize(f, 256<<10), hash: sha256.New()}, nil
}

func (o *output) Write(b []byte) (int, error) {
	o.hash.Write(b)
	o.bytes += int64(len(b))
	return o.buf.Write(b)
}

// end completes the file and lists it.
func (o *output) end() error {
	if err := cmp.Or(o.buf.Flush(), o.File.Sync(), o.File.Close()); err != nil {
		return fmt.Errorf("publish: %s: %w", o.name, err)
	}
	o.w.result.Files = append(o.w.result.Files, File{o.name, o.bytes, hex.EncodeToString(o.hash.Sum(nil))})
	return nil
}

func (w *job) write(name string, text []byte) error {
	o, err := w.create(name)
	if err != nil {
		return err
	}
	defer o.Close()
	if _, err := o.Write(text); err != nil {
		return fmt.Errorf("publish: %s: %w", name, err)
	}
	return o.end()
}
