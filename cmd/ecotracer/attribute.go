package main

import (
	"cmp"
	"context"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"slices"
	"strings"

	"github.com/ecotracer/ecotracer/internal/inwords"
	"github.com/ecotracer/ecotracer/lifecycle"
	"github.com/ecotracer/ecotracer/tracer/deep"
)

func declareAttribute(c *cli, flags *flag.FlagSet) func([]string) int {
	trace := flags.String("trace", "", "")
	out := flags.String("o", "", "")
	asJSON := flags.Bool("json", false, "")
	return func(files []string) int {
		switch {
		case len(files) != 1 || *trace == "":
			return c.usage("attribute", "takes one record and the execution trace of its run; write `ecotracer attribute --trace trace.out RECORD`")
		case *trace == "-" && files[0] == "-":
			return c.usage("attribute", "only one of the record and the trace can be standard input")
		case *asJSON && *out == "":
			return c.usage("attribute", "--json needs a file for the record: write -o FILE")
		}
		return c.attribute(files[0], *trace, *out, *asJSON)
	}
}

// attributed is what `attribute --json` tells.
type attributed struct {
	*deep.Report
	Spans []movedSpan `json:"spans"`
	Error string      `json:"error,omitempty"` // the trace broke off
}

// movedSpan is what a path had, and has.
type movedSpan struct {
	Path   string          `json:"path"`
	Stage  lifecycle.Stage `json:"stage"`
	Before float64         `json:"before_j"`
	After  float64         `json:"after_j"`
}

// attribute books a record's energy again, by an execution trace.
func (c *cli) attribute(file, traceFile, out string, asJSON bool) int {
	fail := func(name string, err error) int {
		c.complain("attribute", "%s: %s", name, strings.TrimPrefix(reason(err), "deep: "))
		return exitFound
	}
	record, err := c.read(file)
	if err != nil {
		c.complain("attribute", "%s: %s", file, unread(err))
		return exitFound
	}
	trace, err := c.open(traceFile)
	if err != nil {
		return fail(traceFile, err)
	}
	defer trace.Close()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	again, report, broken := deep.Attribute(ctx, record, trace)
	if again == nil {
		return fail(traceFile, broken)
	}
	code := exitOK
	if broken != nil { // what could be read counts
		code = fail(traceFile, broken)
	}
	if !c.write("attribute", out, again) {
		return exitFound
	}
	a := attributed{Report: report, Spans: movedSpans(record, again)}
	if asJSON {
		if broken != nil {
			a.Error = broken.Error()
		}
		return max(code, c.json(a))
	}
	p := page{style: styleOf(c.err)}
	p.moved(a)
	p.printTo(c.err)
	return code
}

// movedSpans compares two records of a run, those that moved most first.
func movedSpans(before, after *lifecycle.Record) []movedSpan {
	list := make([]movedSpan, len(after.Spans))
	for i, s := range after.Spans {
		list[i] = movedSpan{s.Path, s.Stage, before.Spans[i].SelfJ, s.SelfJ}
	}
	slices.SortStableFunc(list, func(x, y movedSpan) int { return cmp.Compare(y.moved(), x.moved()) })
	return list
}

func (m movedSpan) moved() float64 { return max(m.After-m.Before, m.Before-m.After) }

// mostMoved is how many paths are shown.
const mostMoved = 20

// moved tells what was moved, for people.
func (p *page) moved(a attributed) {
	p.words("",
		fmt.Sprintf("%s of %s booked again", inwords.Duration(a.BookedS), inwords.Duration(a.DurationS)),
		inwords.Amount(a.BookedJ, inwords.Joules)+" of active energy",
		inwords.Amount(a.MovedJ, inwords.Joules)+" of it moved")
	t := newTable(false, true, true, true)
	t.add(cell{"path", p.dim}, cell{"was", p.dim}, cell{"is", p.dim}, cell{"moved", p.dim})
	for i, s := range a.Spans {
		if i == mostMoved {
			t.note(p.dim(fmt.Sprintf("  and %d more paths that moved less", len(a.Spans)-i)))
			break
		}
		sign := "+"
		if s.After < s.Before {
			sign = "−"
		}
		t.add(cell{s.Path, nil}, cell{inwords.Amount(s.Before, inwords.Joules), nil}, cell{inwords.Amount(s.After, inwords.Joules), p.bold}, cell{sign + inwords.Amount(s.moved(), inwords.Joules), nil})
	}
	p.table(t)
	if a.BookedJ > 0 && a.UnlabelledJ > 0.2*a.BookedJ {
		p.words("", inwords.Percent(a.UnlabelledJ/a.BookedJ)+" of it was used by goroutines of no span and went by wall share")
	}
}
