package main

import (
	"bytes"
	"errors"
	"flag"
	"io"
	"os"
	"path/filepath"
	"strings"

	"github.com/ecotracer/ecotracer/lifecycle"
	"github.com/ecotracer/ecotracer/lifecycle/export"
)

// maxCard bounds the model cards that are read: the Hub shows none as long.
const maxCard = 16 << 20

// cardFlags are the flags of card.
type cardFlags struct {
	into, record string
	diff, json   bool
}

func declareCard(c *cli, flags *flag.FlagSet) func([]string) int {
	var f cardFlags
	flags.StringVar(&f.into, "into", "", "")
	flags.StringVar(&f.record, "record", "", "")
	flags.BoolVar(&f.diff, "diff", false, "")
	flags.BoolVar(&f.diff, "dry-run", false, "")
	flags.BoolVar(&f.json, "json", false, "")
	return func(files []string) int {
		switch {
		case len(files) != 1:
			return c.usage("card", "it takes one record; write `ecotracer card RECORD --into README.md`")
		case sameFile(f.into, files[0]):
			return c.overwriting("card", f.into)
		case f.diff && f.into == "":
			return c.usage("card", "there is no card that would change; write --into README.md")
		}
		record := c.valid("card", files[0])
		if record == nil {
			return exitFound
		}
		if f.into == "" {
			return c.freshCard(record, f)
		}
		if f.record == "" {
			f.record = beside(f.into, files[0])
		}
		return c.cardInto(record, f)
	}
}

// cardDone is what was done, for programs.
type cardDone struct {
	File    string        `json:"file,omitempty"`
	Changed bool          `json:"changed"`
	Diff    string        `json:"diff,omitempty"`
	Card    string        `json:"card,omitempty"` // if it is in no file
	Lost    []export.Loss `json:"lost"`
}

// freshCard prints a card of its own.
func (c *cli) freshCard(record *lifecycle.Record, f cardFlags) int {
	var card bytes.Buffer
	lost, err := export.ModelCard(&card, record, export.Options{Record: f.record})
	if err != nil {
		c.complain("card", "%s", bare(err))
		return exitFound
	}
	if f.json {
		return c.json(cardDone{Card: card.String(), Lost: lost})
	}
	_, _ = c.out.Write(card.Bytes())
	return exitOK
}

// cardInto puts a record into a card.
func (c *cli) cardInto(record *lifecycle.Record, f cardFlags) int {
	before, err := readUpTo(f.into, maxCard)
	if err != nil {
		text := "it cannot be read (" + cause(err) + ")"
		if errors.Is(err, os.ErrNotExist) {
			text = "there is no such file; `ecotracer card RECORD >README.md` writes a new card"
		}
		c.complain("card", "%s: %s", f.into, text)
		return exitFound
	}
	after, lost, err := export.IntoModelCard(before, record, export.Options{Record: f.record})
	if err != nil {
		c.complain("card", "%s: %s; nothing was changed", f.into, strings.TrimPrefix(bare(err), "export: model card: "))
		return exitFound
	}
	done := cardDone{File: f.into, Changed: !bytes.Equal(before, after), Lost: lost}
	switch {
	case f.diff:
		done.Diff = unifiedDiff(f.into, string(before), string(after))
	case done.Changed:
		if err := writeFile(f.into, after); err != nil {
			c.complain("card", "%s: it cannot be written (%s)", f.into, cause(err))
			return exitFound
		}
	}
	switch {
	case f.json:
		return c.json(done)
	case !done.Changed:
		tell(c.err, f.into+": it says all this already, nothing changes")
	case f.diff && terminal(c.out) == nil:
		_, _ = io.WriteString(c.out, done.Diff) // for patch, to the byte
	case f.diff:
		p := page{style: styleOf(c.out)}
		p.diff(done.Diff)
		p.printTo(c.out)
	default:
		tell(c.err, f.into+": tells of the run now")
	}
	return exitOK
}

// beside is how a card names a file that is published with it: one in its folder
// or below; "" for any other, whose path is nobody's business.
func beside(card, file string) string {
	if file == "-" {
		return ""
	}
	dir, err1 := filepath.Abs(filepath.Dir(card))
	file, err2 := filepath.Abs(file)
	if errors.Join(err1, err2) != nil {
		return ""
	}
	rel, err := filepath.Rel(dir, file)
	if err != nil || !filepath.IsLocal(rel) {
		return ""
	}
	return filepath.ToSlash(rel)
}
