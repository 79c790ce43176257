package main

import (
	"bytes"
	"flag"

	"github.com/ecotracer/ecotracer/internal/inwords"
	"github.com/ecotracer/ecotracer/lifecycle/dataset"
	"github.com/ecotracer/ecotracer/lifecycle/export/report"
)

func declareDatasetReport(c *cli, flags *flag.FlagSet) func([]string) int {
	a := c.ask("dataset report", flags)
	out := flags.String("o", "dataset.html", "")
	title := flags.String("title", "", "")
	return func(paths []string) int {
		if len(paths) == 0 {
			return c.noPath(a.command, " -o dataset.html")
		}
		if c.askedTable(a.command, paths) {
			return exitUsage
		}
		if *out != "-" && sameFile(*out, paths...) {
			return c.overwriting(a.command, *out)
		}
		where, ok := c.selection(a.command, "where", a.where)
		if !ok {
			return exitUsage
		}
		ctx, stop := interrupted()
		defer stop()
		reader, done := a.open()
		survey, err := dataset.NewSurvey(ctx, reader, paths, where)
		if err != nil {
			done(dataset.Report{})
			c.complain(a.command, "%s", ours(err))
			return exitFound
		}
		done(survey.Report)
		code := c.readable(a.command, survey.Report, len(survey.Points), a.where)
		if len(survey.Points) == 0 {
			return code
		}
		var page bytes.Buffer
		if err := report.WriteDataset(&page, survey, report.Options{Title: *title}); err != nil {
			c.complain(a.command, "%s", ours(err))
			return exitFound
		}
		if !c.putPage(a.command, *out, page.Bytes(), inwords.Plural(len(survey.Points), "run")) {
			return exitFound
		}
		return code
	}
}
