package main

import (
	"bytes"
	"errors"
	"flag"
	"fmt"

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
	if !c.putPage("report", out, page.Bytes(), inwords.Plural(len(records), "record")) {
		return exitFound
	}
	return exitOK
}

// putPage writes a page and tells where it is, or if it cannot.
func (c *cli) putPage(command, out string, page []byte, of string) bool {
	if out == "-" {
		_, err := c.out.Write(page) // run tells why
		return err == nil
	}
	if err := writeFile(out, page); err != nil {
		c.complain(command, "%s: it cannot be written (%s)", out, cause(err))
		return false
	}
	tell(c.out, fmt.Sprintf("%s: page of %s, %s", out, of, inwords.Amount(float64(len(page)), inwords.Data)))
	return true
}
