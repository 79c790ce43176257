package main

import (
	"bytes"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"time"
	"unicode"

	"github.com/ecotracer/ecotracer/internal/inwords"
	"github.com/ecotracer/ecotracer/lifecycle"
	"github.com/ecotracer/ecotracer/lifecycle/export"
	"github.com/ecotracer/ecotracer/lifecycle/export/report"
)

// maxBOM is what IntoCycloneDX takes.
const maxBOM = 64 << 20

// exporting is what one call of `export` is to do.
type exporting struct {
	export.Options
	to, spans, out, into string
	list, losses, json   bool
}

func declareExport(c *cli, flags *flag.FlagSet) func([]string) int {
	var e exporting
	flags.StringVar(&e.to, "to", "", "")
	flags.StringVar(&e.out, "o", "", "")
	flags.BoolVar(&e.list, "list", false, "")
	flags.BoolVar(&e.losses, "losses", false, "")
	flags.BoolVar(&e.json, "json", false, "")
	flags.StringVar(&e.spans, "spans", "", "")
	flags.StringVar(&e.into, "into", "", "")
	for option, to := range map[string]*string{
		"Record": &e.Record, "Task": &e.Task, "DataType": &e.DataType, "Infrastructure": &e.Infrastructure,
		"ModelName": &e.ModelName, "ModelVersion": &e.ModelVersion, "ModelURI": &e.ModelURI,
	} {
		flags.StringVar(to, flagOf(option), "", "")
	}
	flags.BoolVar(&e.Bare, flagOf("Bare"), false, "")
	flags.BoolVar(&e.PerStage, flagOf("PerStage"), false, "")
	flags.Func(flagOf("ModelReleased"), "", func(text string) (err error) {
		if e.ModelReleased, err = time.Parse(time.DateOnly, text); err != nil {
			return errors.New("write a date such as 2026-03-02")
		}
		return nil
	})
	return func(files []string) int { return c.export(e, files) }
}

// flagOf is the flag of an option: --model-name tells ModelName.
func flagOf(option string) string {
	var b strings.Builder
	for i, r := range option {
		if unicode.IsUpper(r) && i > 0 && !unicode.IsUpper(rune(option[i-1])) {
			b.WriteByte('-')
		}
		b.WriteRune(unicode.ToLower(r))
	}
	return b.String()
}

// exported is what `export --json` tells of one record.
type exported struct {
	Record string        `json:"record"` // its file
	To     string        `json:"to"`
	File   string        `json:"file"`
	Losses []export.Loss `json:"losses"`
}

// export writes records in the format of others.
func (c *cli) export(e exporting, files []string) int {
	formats := formats()
	i := slices.IndexFunc(formats, func(f export.Format) bool { return f.Name == e.to })
	switch {
	case e.list && len(files) == 0:
		return c.listFormats(formats, e.json)
	case e.list:
		return c.usage("export", "--list takes no file")
	case e.to == "":
		return c.usage("export", "no format; write for example `ecotracer export --to boamps RECORD`; --list tells which there are")
	case i < 0:
		return c.usage("export", "--to %s: there is no such format; --list tells which there are", e.to)
	case len(files) == 0:
		return c.usage("export", "no record; write `ecotracer export --to %s RECORD`, or - for standard input", e.to)
	case e.json && e.out == "" && e.into == "":
		return c.usage("export", "--json needs a file for what is exported: write -o FILE")
	case e.into != "" && !strings.HasPrefix(e.to, "cyclonedx"):
		return c.usage("export", "--into adds to a BOM: write --to cyclonedx")
	case e.into != "" && (e.out != "" || len(files) > 1):
		return c.usage("export", "--into takes one record, and no -o: the BOM itself is written anew")
	case len(files) > 1 && !isFolder(e.out):
		return c.usage("export", "several records need a folder that is there: write -o DIR")
	case len(files) > 1 && e.spans != "":
		return c.usage("export", "--spans tells the spans of one run: give one record")
	}
	if e.out != "" || e.into != "" {
		if clash := clashing(e, formats[i], files); clash != "" {
			return c.usage("export", "%s would be overwritten: give another file or folder with -o", clash)
		}
	}
	told := make([]exported, 0, len(files))
	code := exitOK
	for _, file := range files {
		losses, ok := c.exportOne(e, formats[i], file)
		if !ok {
			code = exitFound
			continue
		}
		told = append(told, exported{file, e.to, target(e, formats[i], file), losses})
	}
	if e.json {
		code = max(code, c.json(told))
	}
	return code
}

// isFolder tells whether a folder of the name is there.
func isFolder(path string) bool {
	st, err := os.Stat(path)
	return err == nil && st.IsDir()
}

// target is the file that a record is exported to, "" for standard output. In a
// folder it has the name of the record and of the format.
func target(e exporting, f export.Format, file string) string {
	switch {
	case e.into != "":
		return e.into
	case !isFolder(e.out):
		return e.out
	}
	name := filepath.Base(file)
	if file == "-" {
		name = "record"
	}
	extension := f.Extension
	if e.PerStage && extension == ".json" {
		extension = ".jsonl"
	}
	return filepath.Join(e.out, strings.TrimSuffix(name, ".json")+"."+f.Name+extension)
}

// clashing is the file that would be lost, "" if none would: a record itself, or
// what is exported of one by what is of another.
func clashing(e exporting, f export.Format, files []string) string {
	taken := map[string]bool{}
	for _, file := range files {
		to := target(e, f, file)
		if taken[filepath.Clean(to)] || sameFile(to, e.spans) || sameFile(to, files...) {
			return to
		}
		taken[filepath.Clean(to)] = true
	}
	return ""
}

// exportOne exports one record and tells what was lost.
func (c *cli) exportOne(e exporting, f export.Format, file string) ([]export.Loss, bool) {
	record := c.valid("export", file)
	if record == nil {
		return nil, false
	}
	o := e.Options
	if e.spans != "" {
		in, err := c.open(e.spans)
		if err != nil {
			c.complain("export", "%s: %s", e.spans, reason(err))
			return nil, false
		}
		defer in.Close()
		o.Spans = in
	}
	var text bytes.Buffer
	write := f.Write
	if e.into != "" {
		bom, err := readUpTo(e.into, maxBOM)
		if err != nil {
			c.complain("export", "%s: %s", e.into, reason(err))
			return nil, false
		}
		write = func(w io.Writer, r *lifecycle.Record, o export.Options) ([]export.Loss, error) {
			all, losses, err := export.IntoCycloneDX(bom, r, o)
			text.Write(all)
			return losses, err
		}
	}
	losses, err := write(&text, record, o)
	if err != nil {
		why := notExported(f.Name, err)
		if line, ok := strings.CutPrefix(why, "single spans: "); ok {
			file, why = e.spans, line
		}
		c.complain("export", "%s: %s", file, why)
		return nil, false
	}
	if losses == nil {
		losses = []export.Loss{}
	}
	if to := target(e, f, file); to == "" {
		if _, err := c.out.Write(text.Bytes()); err != nil {
			return nil, false // run tells why
		}
	} else if err := writeFile(to, text.Bytes()); err != nil {
		c.complain("export", "%s: it cannot be written (%s)", to, cause(err))
		return nil, false
	}
	if !e.json {
		c.tellLosses(e.to, file, losses, e.losses)
	}
	return losses, true
}

// notExported tells why a record cannot be written, and by which flags what a
// format asks for is told.
func notExported(format string, err error) string {
	asked := (*export.InputError)(nil)
	if !errors.As(err, &asked) {
		return regexp.MustCompile(`\bOptions\.[A-Za-z]+`).ReplaceAllStringFunc(strings.TrimPrefix(bare(err), "export: "), func(option string) string {
			return "--" + flagOf(strings.TrimPrefix(option, "Options."))
		})
	}
	var wants []string
	for _, in := range asked.Inputs {
		wants = append(wants, fmt.Sprintf("--%s (%s; or %s of the record)", flagOf(in.Option), in.Want, in.Path))
	}
	return format + " needs what the record does not tell: give " + strings.Join(wants, ", ")
}

// tellLosses tells what the format has no place for.
func (c *cli) tellLosses(to, file string, losses []export.Loss, list bool) {
	if len(losses) == 0 {
		return
	}
	text := fmt.Sprintf("%s: %s of the record %s no place in %s", file, inwords.Plural(len(losses), "part"), has(len(losses)), to)
	if !list {
		tell(c.err, text+"; --losses lists them")
		return
	}
	tell(c.err, text+":")
	for _, l := range losses {
		line := "  " + l.Path
		if l.Why != "" {
			line += " (" + l.Why + ")"
		}
		tell(c.err, line)
	}
}

func has(n int) string {
	if n == 1 {
		return "has"
	}
	return "have"
}

// formats are those of package export, and the page, which is not for everyone
// who imports it.
func formats() []export.Format {
	list := append(export.Formats(), report.Format())
	slices.SortFunc(list, func(a, b export.Format) int { return strings.Compare(a.Name, b.Name) })
	return list
}

// listFormats tells which formats there are.
func (c *cli) listFormats(formats []export.Format, asJSON bool) int {
	if asJSON {
		type format struct {
			Name      string `json:"name"`
			What      string `json:"what"`
			Extension string `json:"extension"`
		}
		list := make([]format, 0, len(formats))
		for _, f := range formats {
			list = append(list, format{f.Name, f.What, f.Extension})
		}
		return c.json(list)
	}
	width := 0
	for _, f := range formats {
		width = max(width, len(f.Name))
	}
	for _, f := range formats {
		fmt.Fprintf(c.out, "%-*s  %s\n", width, f.Name, f.What)
	}
	return exitOK
}
