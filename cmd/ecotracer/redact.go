package main

import (
	"crypto/rand"
	"errors"
	"flag"
	"strings"
	"time"

	"github.com/ecotracer/ecotracer/lifecycle"
)

// redacting is what one call of `redact` is to do.
type redacting struct {
	lifecycle.Redacting
	readers string
	out     string // "" for standard output
	json    bool
}

func declareRedact(c *cli, flags *flag.FlagSet) func([]string) int {
	var x redacting
	flags.StringVar(&x.readers, "for", "public", "")
	flags.Func("times", "", func(text string) (err error) {
		if x.Resolution, err = time.ParseDuration(text); err != nil || x.Resolution == 0 {
			return errors.New("it is a time such as 1m, 1h or 24h")
		}
		return nil
	})
	flags.Func("keep", "", func(key string) error {
		x.Keep = append(x.Keep, key)
		return nil
	})
	flags.StringVar(&x.out, "o", "", "")
	flags.BoolVar(&x.json, "json", false, "")
	return func(files []string) int {
		switch {
		case len(files) != 1:
			return c.usage("redact", "it takes one record; write `ecotracer redact RECORD.json -o PUBLIC.json`")
		case x.json && x.out == "":
			return c.usage("redact", "--json needs a file for the record: write -o FILE")
		case sameFile(x.out, files...):
			return c.usage("redact", "%s would be overwritten, and what is redacted is lost then: give another name by -o", x.out)
		}
		return c.redact(x, files[0])
	}
}

// redact writes what of a record may be read by others.
func (c *cli) redact(x redacting, file string) int {
	record, err := c.read(file)
	if err != nil {
		c.complain("redact", "%s: %s", file, unread(err))
		return exitFound
	}
	x.Salt = make([]byte, 32)
	_, _ = rand.Read(x.Salt) // which never fails
	public, done, err := lifecycle.Redact(record, x.readers, x.Redacting)
	telling := (*lifecycle.IdentifierError)(nil)
	switch {
	case errors.Is(err, lifecycle.ErrRedacting):
		return c.usage("redact", "%s", strings.TrimPrefix(err.Error(), "lifecycle: "))
	case errors.As(err, &telling):
		c.complain("redact", "%s: the record cannot be published before these texts are put otherwise:", file)
		for _, f := range telling.Findings {
			tell(c.err, "  "+f.Pointer+": "+f.Found)
		}
		return exitFound
	case err != nil:
		c.complain("redact", "%s: %s", file, strings.TrimPrefix(err.Error(), "lifecycle: "))
		return exitFound
	}
	if !c.write("redact", x.out, public) {
		return exitFound
	}
	if x.json {
		return c.json(struct {
			File     string                `json:"file"`
			For      string                `json:"for"`
			Redacted []lifecycle.Redaction `json:"redacted"`
		}{x.out, x.readers, append([]lifecycle.Redaction{}, done...)})
	}
	to := c.out
	if x.out == "" { // there the record is
		to = &results{Writer: c.err}
	}
	for _, line := range redactedInWords(x, done) {
		tell(to, line)
	}
	return exitOK
}

// redactedInWords tells what a redacted record does not tell any more.
func redactedInWords(x redacting, done []lifecycle.Redaction) (lines []string) {
	where := ""
	if x.out != "" {
		where = x.out + ": "
	}
	lines = []string{where + "the record for " + x.readers + " readers"}
	if len(done) == 0 {
		lines[0] += " is the record as it was"
	}
	for _, did := range []string{"removed", "renewed", "coarsened"} {
		var paths []string
		for _, d := range done {
			if d.Did == did {
				paths = append(paths, d.Path)
			}
		}
		if len(paths) > 0 {
			p := page{}
			lines = append(lines, "  "+did+": "+p.some(paths, fewMembers))
		}
	}
	return lines
}
