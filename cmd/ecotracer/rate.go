package main

import (
	"errors"
	"flag"

	"github.com/ecotracer/ecotracer/internal/inwords"
	"github.com/ecotracer/ecotracer/lifecycle"
)

func declareRate(c *cli, flags *flag.FlagSet) func([]string) int {
	asJSON := flags.Bool("json", false, "")
	var least lifecycle.Level
	flags.Func("least", "", func(text string) error {
		if least.UnmarshalText([]byte(text)) != nil {
			return errors.New("it is one of bronze, silver and gold")
		}
		return nil
	})
	return func(files []string) int {
		if len(files) == 0 {
			return c.usage("rate", "no file; write `ecotracer rate FILE…`, or - for standard input")
		}
		return c.rate(files, least, *asJSON)
	}
}

// ratedFile is what `rate --json` tells of one file.
type ratedFile struct {
	File  string `json:"file"`
	Error string `json:"error,omitempty"` // it has no rating
	*lifecycle.Rating
}

// rate tells how complete the records in files are and how well they know what
// they tell.
func (c *cli) rate(files []string, least lifecycle.Level, asJSON bool) int {
	code := exitOK
	rated := make([]ratedFile, 0, len(files))
	p := page{style: styleOf(c.out)}
	for _, file := range files {
		f := ratedFile{File: file, Error: "not a valid record"}
		if record := c.valid("rate", file); record != nil {
			if r, err := lifecycle.Rate(record); err == nil { // which Validate alone can prevent
				f.Error, f.Rating = "", &r
				p.rating(f)
			}
		}
		if f.Rating == nil || f.Level < least {
			code = exitFound
		}
		rated = append(rated, f)
	}
	if asJSON {
		return max(code, c.json(rated))
	}
	p.printTo(c.out)
	return code
}

// rating tells of one record what it is rated, and why.
func (p *page) rating(f ratedFile) {
	if p.Len() > 0 {
		p.line("")
	}
	p.line("%s: %s", inwords.Visible(f.File), p.bold(f.Level.String()))
	t := newTable(false, false)
	for _, criterion := range f.Criteria {
		t.add(cell{criterion.Name, nil}, cell{criterion.Level.String(), p.levelColour(criterion.Level)})
		t.note("  " + criterion.Found)
		if criterion.Level == f.Level && criterion.Lacks != "" {
			t.note("  to rise: " + criterion.Lacks)
		}
	}
	p.table(t)
}

// levelColour is how a level is painted.
func (p *page) levelColour(l lifecycle.Level) func(string) string {
	switch l {
	case lifecycle.Gold:
		return p.green
	case lifecycle.Unrated:
		return p.red
	}
	return p.yellow
}
