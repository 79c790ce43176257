package main

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"iter"
	"maps"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"

	"github.com/ecotracer/ecotracer/internal/inwords"
	"github.com/ecotracer/ecotracer/lifecycle"
	"github.com/ecotracer/ecotracer/lifecycle/export"
)

// importers are the formats that records can be made of.
var importers = map[string]func(io.Reader) iter.Seq2[export.Imported, error]{
	"boamps":     small(export.ReadBoAmps),
	"codecarbon": codeCarbon,
	"cyclonedx":  small(export.ReadCycloneDX),
}

// small reads what is read as a whole.
func small(read func(io.Reader) ([]export.Imported, error)) func(io.Reader) iter.Seq2[export.Imported, error] {
	return func(r io.Reader) iter.Seq2[export.Imported, error] {
		return func(yield func(export.Imported, error) bool) {
			list, err := read(r)
			for _, imp := range list {
				if !yield(imp, nil) {
					return
				}
			}
			if err != nil {
				yield(export.Imported{}, err)
			}
		}
	}
}

// codeCarbon reads line by line. Records of lines are made on all processors at
// once, and come in the order of the lines.
func codeCarbon(r io.Reader) iter.Seq2[export.Imported, error] {
	type made struct {
		imp export.Imported
		err error
	}
	return func(yield func(export.Imported, error) bool) {
		queue, stop := make(chan chan made, 2*runtime.GOMAXPROCS(0)), make(chan struct{})
		defer close(stop)
		go func() {
			defer close(queue)
			for row, err := range export.ReadCodeCarbon(r) {
				next := make(chan made, 1)
				select {
				case queue <- next:
				case <-stop:
					return
				}
				if err != nil {
					next <- made{err: err}
					continue
				}
				go func() {
					imp, err := row.Record()
					next <- made{imp, err}
				}()
			}
		}()
		for next := range queue {
			if m := <-next; !yield(m.imp, m.err) {
				return
			}
		}
	}
}

func declareImport(c *cli, flags *flag.FlagSet) func([]string) int {
	from := flags.String("from", "", "")
	out := flags.String("o", "", "")
	asJSON := flags.Bool("json", false, "")
	return func(files []string) int {
		read := importers[*from]
		known := strings.Join(slices.Sorted(maps.Keys(importers)), ", ")
		switch {
		case *from == "":
			return c.usage("import", "no format; write for example `ecotracer import --from codecarbon emissions.csv`; there are %s", known)
		case read == nil:
			return c.usage("import", "--from %s: there is no such format: write one of %s", *from, known)
		case len(files) != 1:
			return c.usage("import", "it takes one file; write `ecotracer import --from %s FILE`, or - for standard input", *from)
		case sameFile(*out, files[0]):
			return c.overwriting("import", *out)
		case *asJSON && *out == "":
			return c.usage("import", "--json needs a file or folder for the records: write -o FILE")
		}
		return c.importFile(files[0], read, *out, *asJSON)
	}
}

// importFile makes records of a file.
func (c *cli) importFile(file string, read func(io.Reader) iter.Seq2[export.Imported, error], out string, asJSON bool) int {
	in, err := c.open(file)
	if err != nil {
		c.complain("import", "%s: %s", file, reason(err))
		return exitFound
	}
	defer in.Close()
	to, err := c.recordWriter(out)
	if err != nil {
		return c.unwritten(out, err)
	}
	told := importTold{cli: c, file: file, json: asJSON, guesses: map[export.Guess]int{}}
	for imp, err := range read(bufio.NewReader(in)) {
		if err != nil {
			told.wrong(err)
			continue
		}
		path, err := to.put(imp.Record)
		if err != nil {
			to.drop()
			return c.unwritten(out, err)
		}
		told.record(imp, path)
	}
	if err := to.close(); err != nil {
		return c.unwritten(out, err)
	}
	told.end(out)
	return told.code
}

// unwritten tells why records cannot be written; of standard output run does.
func (c *cli) unwritten(out string, err error) int {
	if out != "" {
		c.complain("import", "%s: it cannot be written (%s)", out, cause(err))
	}
	return exitFound
}

// recordWriter writes records: into a folder each to its own file, else one as
// it is and several as JSON lines.
type recordWriter struct {
	dir   string
	w     io.Writer
	file  *os.File
	temp  string // its name until all is written
	path  string
	first *lifecycle.Record
	n     int
}

func (c *cli) recordWriter(out string) (*recordWriter, error) {
	switch {
	case out == "":
		return &recordWriter{w: c.out}, nil
	case isFolder(out) || os.IsPathSeparator(out[len(out)-1]):
		return &recordWriter{dir: out}, os.MkdirAll(out, 0o777)
	}
	to := &recordWriter{path: out, temp: out}
	if st, err := os.Stat(out); err != nil || st.Mode().IsRegular() {
		to.temp = tempName(out)
	}
	var err error
	to.file, err = os.OpenFile(to.temp, os.O_CREATE|os.O_WRONLY, 0o666) // less what the umask takes
	to.w = bufio.NewWriterSize(to.file, 1<<16)
	return to, err
}

// put writes a record and tells the file that it is in.
func (to *recordWriter) put(r *lifecycle.Record) (path string, err error) {
	to.n++
	if to.dir != "" {
		var text bytes.Buffer
		if err := lifecycle.Encode(&text, r); err != nil {
			return "", err
		}
		path = filepath.Join(to.dir, r.Run.ID+".json")
		return path, writeFile(path, text.Bytes())
	}
	switch to.n {
	case 1:
		to.first = r // alone it is written for people
		return to.path, nil
	case 2:
		if err := lifecycle.EncodeLine(to.w, to.first); err != nil {
			return "", err
		}
		to.first = nil
	}
	return to.path, lifecycle.EncodeLine(to.w, r)
}

func (to *recordWriter) close() (err error) {
	if to.first != nil {
		err = lifecycle.Encode(to.w, to.first)
	}
	if to.file == nil {
		return err
	}
	if to.n == 0 {
		to.drop()
		return nil
	}
	err = errors.Join(err, to.w.(*bufio.Writer).Flush(), to.file.Close())
	if err == nil && to.temp != to.path {
		err = os.Rename(to.temp, to.path)
	}
	if err != nil {
		to.drop()
	}
	return err
}

// drop leaves no half of a file behind.
func (to *recordWriter) drop() {
	if to.file != nil {
		_ = to.file.Close()
	}
	if to.temp != to.path {
		_ = os.Remove(to.temp)
	}
}

// importTold tells what became of a file, in memory that does not grow with it.
type importTold struct {
	*cli
	file    string
	json    bool
	code    int
	records int
	skipped int
	guesses map[export.Guess]int
	order   []export.Guess
	more    int // guesses that are not told one by one
}

// mostTold is how many lines of a kind are told.
const mostTold = 50

// importedRecord is a line of `import --json`.
type importedRecord struct {
	Where   string         `json:"where"`
	Run     string         `json:"run,omitempty"`
	File    string         `json:"file,omitempty"`
	Guesses []export.Guess `json:"guesses,omitempty"`
	Skipped string         `json:"skipped,omitempty"` // why
}

func (t *importTold) line(l importedRecord) {
	enc := json.NewEncoder(t.out)
	enc.SetEscapeHTML(false)
	_ = enc.Encode(l) // run tells of a failure
}

// wrong tells of a line that is skipped, or why the file is read no further.
func (t *importTold) wrong(err error) {
	t.code = exitFound
	row := (*export.RowError)(nil)
	if !errors.As(err, &row) {
		for line := range strings.Lines(err.Error()) {
			t.complain("import", "%s: %s", t.file, strings.TrimSpace(strings.TrimPrefix(line, "export: ")))
		}
		return
	}
	t.skipped++
	switch {
	case t.json:
		t.line(importedRecord{Where: fmt.Sprintf("line %d", row.Line), Skipped: row.Why})
	case t.skipped <= mostTold:
		t.complain("import", "%s: line %d is skipped: %s", t.file, row.Line, row.Why)
	}
}

func (t *importTold) record(imp export.Imported, path string) {
	t.records++
	if t.json {
		t.line(importedRecord{imp.Where, imp.Record.Run.ID, path, imp.Guesses, ""})
		return
	}
	for _, g := range imp.Guesses {
		switch _, known := t.guesses[g]; {
		case known:
			t.guesses[g]++
		case len(t.order) == mostTold:
			t.more++
		default:
			t.guesses[g] = 1
			t.order = append(t.order, g)
		}
	}
}

// end tells what was guessed and how much was read.
func (t *importTold) end(out string) {
	if t.json || t.records+t.skipped == 0 {
		return
	}
	for _, g := range t.order {
		text := "guess: " + g.Why
		if g.Path != "" {
			text = "guess: " + g.Path + ": " + g.Why
		}
		if t.records > 1 {
			text += fmt.Sprintf(" (%s)", inwords.Plural(t.guesses[g], "record"))
		}
		tell(t.err, text)
	}
	if t.more > 0 {
		tell(t.err, fmt.Sprintf("and %s; --json with -o tells them all", inwords.Plural(t.more, "guess that is not told")))
	}
	text := inwords.Plural(t.records, "record")
	if out != "" {
		text += " in " + out
		if t.records > 1 && !isFolder(out) {
			text += ", a line each (-o DIR/ makes them files, which other commands read)"
		}
	}
	if t.skipped > 0 {
		text += ", " + inwords.Plural(t.skipped, "line") + " skipped"
	}
	tell(t.err, t.file+": "+text)
}
