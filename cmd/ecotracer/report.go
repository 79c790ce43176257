package main

import (
	"bytes"
	"errors"
	"flag"

	"github.com/ecotracer/ecotracer/internal/inwords"
	"github.com/ecotracer/ecotracer/lifecycle"
	"github.com/ecotracer/ecotracer/lifecycle/export/report"
)

func declareReport(c *cli, flags *flag.FlagSet) func([]string) int {
	out := flags.String("o", "report.html", "")
	title := flags.String("title", "", "")
	return func(files []string) int {
		switch {
		case len(files) == 0:
			return c.usage("report", "no file; write `ecotracer report FILE… -o report.html`, with - for standard input")
		case sameFile(*out, files...):
			return c.overwriting("report", *out)
		case len(files) > report.MaxRecords:
			return c.usage("report", "a page takes %d records at most, not %d; `ecotracer merge` makes one record of the shards of a job", report.MaxRecords, len(files))
		}
		return c.report(files, *out, *title)
	}
}

// report writes a page of records.
func (c *cli) report(files []string, out, title string) int {
	var records []*lifecycle.Record
	for _, file := range files {
		record, err := c.read(file)
		if err != nil {
			c.complain("report", "%s: %s", file, unread(err))
			return exitFound
		}
		records = append(records, record)
	}
	var page bytes.Buffer
	if err := report.Write(&page, records, report.Options{Title: title}); err != nil {
		if bad := (*report.InvalidError)(nil); errors.As(err, &bad) {
			c.complain("report", "%s: this record is not valid; `ecotracer validate` tells why (%s)", files[bad.Index], inwords.Plural(len(bad.Findings), "error"))
		} else {
			c.complain("report", "%s", bare(err))
		}
		return exitFound
	}
	if out == "-" {
		if _, err := c.out.Write(page.Bytes()); err != nil {
			return exitFound // run tells why
		}
		return exitOK
	}
	if err := writeFile(out, page.Bytes()); err != nil {
		c.complain("report", "%s: it cannot be written (%s)", out, cause(err))
		return exitFound
	}
	return exitOK
}
