package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"maps"
	"slices"
	"time"

	"github.com/ecotracer/ecotracer/internal/inwords"
	"github.com/ecotracer/ecotracer/lifecycle/dataset"
	"github.com/ecotracer/ecotracer/lifecycle/dataset/parquet"
	"github.com/ecotracer/ecotracer/lifecycle/dataset/publish"
)

// publishing is what one call of `dataset publish` is to do.
type publishing struct {
	publish.Publication
	out, salt string
	json      bool
}

// maxSalt is more than anyone needs.
const maxSalt = 4 << 10

func declareDatasetPublish(c *cli, flags *flag.FlagSet) func([]string) int {
	const command = "dataset publish"
	open := c.reader(command, flags)
	x := publishing{}
	x.Table = func(w io.Writer) publish.TableWriter { return parquet.NewWriter(w) }
	flags.StringVar(&x.out, "o", "", "")
	flags.StringVar(&x.Name, "name", "", "")
	flags.StringVar(&x.Licence, "licence", "", "")
	flags.StringVar(&x.Description, "description", "", "")
	flags.StringVar(&x.Version, "version", "1.0.0", "")
	flags.StringVar(&x.URL, "url", "", "")
	flags.StringVar(&x.Citation, "cite", "", "")
	flags.Func("creator", "", func(name string) error {
		x.Creators = append(x.Creators, name)
		return nil
	})
	flags.Func("date", "", func(text string) (err error) {
		if x.Date, err = time.Parse(time.DateOnly, text); err != nil {
			return errors.New("write a date such as 2026-03-02")
		}
		return nil
	})
	flags.BoolVar(&x.Internal, "internal", false, "")
	flags.StringVar(&x.salt, "salt", "", "")
	flags.DurationVar(&x.Redacting.Resolution, "times", time.Hour, "")
	flags.BoolVar(&x.json, "json", false, "")
	return func(paths []string) int {
		switch {
		case len(paths) == 0:
			return c.usage(command, "no records; write `ecotracer dataset publish PATH… -o DIR --name NAME --licence CC-BY-4.0`")
		case x.out == "":
			return c.usage(command, "the data set needs a folder: write -o DIR")
		}
		if c.askedTable(command, paths) {
			return exitUsage
		}
		if x.salt != "" {
			salt, err := readUpTo(x.salt, maxSalt)
			if err == nil && len(salt) < 16 {
				err = errors.New("a salt is at least 16 random bytes: head -c 32 /dev/urandom makes one")
			}
			if err != nil {
				c.complain(command, "%s: %s", x.salt, reason(err))
				return exitFound
			}
			x.Redacting.Salt = salt
		}
		r, done := open()
		return c.publish(command, x, r, done, paths)
	}
}

// publish makes a folder that can be published.
func (c *cli) publish(command string, x publishing, r dataset.Reader, done func(dataset.Report), paths []string) int {
	result, err := x.Publish(context.Background(), r, paths, x.out)
	done(result.Read)
	for _, t := range result.Telling {
		why := "it tells of a machine or a person at " + inwords.Few(t.Pointers, 3)
		if t.Repeats {
			why = "a text repeats the id of another run"
		}
		c.complain(command, "run %s is left out: %s", t.Run, why)
	}
	switch {
	case errors.Is(err, publish.ErrAsked):
		return c.usage(command, "%s", published(err))
	case err != nil:
		c.complain(command, "%s", published(err))
		return exitFound
	}
	if x.json {
		return max(c.json(result), found(result))
	}
	p := page{style: styleOf(c.out)}
	p.line("%s  %s of %s", p.bold(inwords.Visible(x.out)), inwords.Plural(int(result.Rows), "row"), inwords.Plural(int(result.Published), "run"))
	for _, f := range result.Files {
		p.line("  %-32s %s", f.Name, inwords.Amount(float64(f.Bytes), inwords.Data))
	}
	if len(result.LeftOut) > 0 {
		p.heading("Not published")
		for _, why := range slices.Sorted(maps.Keys(result.LeftOut)) {
			p.prose("  ", fmt.Sprintf("%s: %s", inwords.Plural(int(result.LeftOut[why]), "record"), leftOutWhy[why]))
		}
	}
	if len(result.Notes) > 0 {
		p.heading("Keep in mind")
		for i, note := range result.Notes {
			if i == 10 {
				p.prose("  ", fmt.Sprintf("and %d more; --json tells all", len(result.Notes)-i))
				break
			}
			p.prose("  ", note)
		}
	}
	p.printTo(c.out)
	return found(result)
}

// found is 1 if something was refused, or was meant to be published and is not.
func found(r publish.Result) int {
	if !r.Read.Sound() || r.LeftOut[publish.Tells]+r.LeftOut[publish.Broken] > 0 {
		return exitFound
	}
	return exitOK
}

// published is an error of publishing without its name.
func published(err error) string {
	return ours(errors.New(trimmed(bare(err), "publish: it cannot be published so: ", "publish: ")))
}

func trimmed(text string, prefixes ...string) string {
	for _, prefix := range prefixes {
		if len(text) > len(prefix) && text[:len(prefix)] == prefix {
			return text[len(prefix):]
		}
	}
	return text
}

// leftOutWhy says why records are not published.
var leftOutWhy = map[publish.Reason]string{
	publish.NotPublic: "internal; --internal publishes them, redacted",
	publish.Private:   "confidential or secret",
	publish.Tells:     "they tell of a machine, a person or another record",
	publish.Twice:     "an earlier redaction of a record that is there",
	publish.Broken:    "not valid, or not to be redacted",
}
