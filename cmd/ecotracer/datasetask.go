package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/signal"

	"github.com/ecotracer/ecotracer/internal/inwords"
	"github.com/ecotracer/ecotracer/lifecycle/dataset"
)

// inquiry is what all questions of a data set have in common.
type inquiry struct {
	command string
	where   string
	json    bool
	open    func() (dataset.Reader, func(dataset.Report))
}

// ask adds the flags that all questions have.
func (c *cli) ask(command string, flags *flag.FlagSet) *inquiry {
	a := &inquiry{command: command, open: c.reader(command, flags)}
	flags.StringVar(&a.where, "where", "", "")
	return a
}

// asJSON adds the flag for programs.
func (a *inquiry) asJSON(flags *flag.FlagSet) *inquiry {
	flags.BoolVar(&a.json, "json", false, "")
	return a
}

// selection is what a flag selects; false if it is wrong, of which it tells.
func (c *cli) selection(command, name, text string) (dataset.Where, bool) {
	w, err := dataset.ParseWhere(text)
	if err != nil {
		c.usage(command, "--%s: %s", name, ours(err))
	}
	return w, err == nil
}

// interrupted is a context that ends when the user interrupts.
func interrupted() (context.Context, context.CancelFunc) {
	return signal.NotifyContext(context.Background(), os.Interrupt)
}

// points reads what a question is asked of; false if that is nothing, of which
// it tells, with the exit code.
func (c *cli) points(a *inquiry, paths []string) (points []dataset.Point, report dataset.Report, code int) {
	if len(paths) == 0 {
		return nil, report, c.noPath(a.command, "")
	}
	if c.askedTable(a.command, paths) {
		return nil, report, exitUsage
	}
	where, ok := c.selection(a.command, "where", a.where)
	if !ok {
		return nil, report, exitUsage
	}
	ctx, stop := interrupted()
	defer stop()
	reader, done := a.open()
	points, report, err := dataset.ReadPoints(ctx, reader, paths, where)
	done(report)
	if err != nil {
		c.complain(a.command, "%s", ours(err))
		return nil, report, exitFound
	}
	return points, report, c.readable(a.command, report, len(points), a.where)
}

// readable tells if nothing is left to ask; its code is that of a question that
// is answered otherwise: of what was refused, the answer tells nothing.
func (c *cli) readable(command string, report dataset.Report, left int, where string) int {
	switch {
	case report.Documents == 0:
		c.complain(command, "no record counts: there is no file of records; `ecotracer help dataset` tells what is read")
	case report.Counted == 0:
		c.complain(command, "no record counts; `ecotracer dataset validate` tells what became of each")
	case left == 0:
		c.complain(command, "%s: none of %s has such a row", where, inwords.Plural(int(report.Counted), "record"))
	}
	if left == 0 || !report.Sound() {
		return exitFound
	}
	return exitOK
}

// asked says of what a question was asked, in a line.
func (p *page) asked(report dataset.Report, of int, where string) {
	texts := []string{inwords.Plural(of, "run")}
	if where != "" {
		texts = append(texts, fmt.Sprintf("of %s that count, those with %s", inwords.Count(report.Counted), where))
	}
	p.words("", texts...)
}
