package main

import (
	"bytes"
	"cmp"
	"flag"
	"fmt"
	"strings"
	"unicode/utf8"

	"github.com/ecotracer/ecotracer/internal/inwords"
	"github.com/ecotracer/ecotracer/lifecycle"
)

func declareShow(c *cli, flags *flag.FlagSet) func([]string) int {
	all := flags.Bool("all", false, "")
	asJSON := flags.Bool("json", false, "")
	return func(files []string) int {
		if len(files) == 0 {
			return c.usage("show", "no file; write `ecotracer show FILE…`, or - for standard input")
		}
		return c.show(files, *all, *asJSON)
	}
}

// show prints the records in files: for people, or as they are for programs.
func (c *cli) show(files []string, all, asJSON bool) int {
	code, shown := exitOK, 0
	for _, file := range files {
		record, err := c.read(file)
		if err != nil {
			c.complain("show", "%s: %s", file, unread(err))
			code = exitFound
			continue
		}
		if asJSON {
			if err := lifecycle.Encode(c.out, record); err != nil && c.out.err == nil {
				c.complain("show", "%s: %v", file, err)
				code = exitFound
			}
			continue
		}
		if shown++; shown > 1 {
			fmt.Fprintln(c.out)
		}
		p := page{style: styleOf(c.out), marks: marksHere(), record: record, all: all}
		p.print()
		p.printTo(c.out)
		if n := errorsOf(record); n > 0 {
			c.complain("show", "%s: this record is not valid, do not rely on it; `ecotracer validate` tells why (%s)", file, inwords.Plural(n, "error"))
			code = exitFound
		}
	}
	return code
}

// page is the view of one record.
type page struct {
	style
	bytes.Buffer
	marks marks

	record *lifecycle.Record
	all    bool // spans that use next to nothing, too, and every note
	cut    bool // a list of notes was cut short
}

// print lays out the whole page.
func (p *page) print() {
	p.header()
	p.totals()
	p.forecast()
	p.carried()
	p.bars()
	p.phases()
	p.services()
	p.spans()
	p.power()
	p.hardware()
	p.meters()
	p.ledger()
	p.factors()
	p.warnings()
	p.missing()
}

// header tells which run this is.
func (p *page) header() {
	r := p.record
	name := cmp.Or(r.Run.Name, "unnamed run")
	status := string(r.Run.Status)
	switch r.Run.Status {
	case lifecycle.Complete:
		status = p.green(status)
	case lifecycle.Failed, lifecycle.Interrupted:
		status = p.red(status)
	default:
		status = p.yellow(status)
	}
	if line := inwords.Visible(name); utf8.RuneCountInString(line)+2+len(r.Run.Status) <= p.width {
		p.line("%s  %s", p.bold(line), status)
	} else {
		p.flow("", " ", pieces(line), p.bold)
		p.line("%s", status)
	}
	p.words("",
		"run "+short(r.Run.ID), inwords.When(r.Run.StartedAt, r.Run.EndedAt), inwords.Duration(r.Run.DurationS))
	if text := inwords.Job(r); text != "" {
		p.words("", text)
	}
	p.words("", append([]string{
		string(r.Run.Scope) + " scope", inwords.Boundary(r.Run.Boundary)}, places(r)...)...)
}

// short is the beginning of an ID: its time, enough to tell runs apart.
func short(id string) string { return id[:min(len(id), 13)] }

// places tells where the run was.
func places(r *lifecycle.Record) []string {
	var texts []string
	for i := range r.Environments {
		e := &r.Environments[i]
		text := inwords.Place(e)
		if len(r.Environments) > 1 {
			text = e.ID + ": " + text
		}
		texts = append(texts, text)
	}
	return texts
}

// interval is a quantity and its bounds as tables have them: 3.75 MJ and
// (3.52–4.05).
func interval(q lifecycle.Quantity, units []inwords.Unit) (value, bounds string) {
	value, bounds = inwords.Interval(q, units)
	return value, strings.TrimSpace(inwords.Bracketed(bounds))
}

// quantity adds a figure to a table: its name, value, interval and a note. What is
// unknown is not there.
func (p *page) quantity(t *table, label string, q *lifecycle.Quantity, units []inwords.Unit, note string) {
	if q == nil {
		return
	}
	value, bounds := interval(*q, units)
	t.add(cell{label, nil}, cell{value, p.bold}, cell{bounds, p.dim}, cell{note, nil})
}

// totals tells what the whole run came to.
func (p *page) totals() {
	sums := &p.record.Totals
	t := newTable(false, true, false, false)
	p.heading("Totals")
	p.quantity(t, "energy", &sums.EnergyJ, inwords.Joules, inwords.Amount(sums.EnergyJ.Value, inwords.WattHours)+", "+inwords.Percent(sums.MeasuredShare)+" of it measured")
	p.quantity(t, "facility", &sums.FacilityEnergyJ, inwords.Joules, "energy times PUE")
	p.quantity(t, "electricity", &sums.OperationalGCO2e, inwords.CO2e, "location-based"+hourly(p.record))
	p.quantity(t, "devices", sums.EmbodiedGCO2e, inwords.CO2e, "of their production and end of life")
	p.quantity(t, "emissions", sums.GCO2e, inwords.CO2e, "")
	p.quantity(t, "market", sums.MarketGCO2e, inwords.CO2e, "electricity by its contracts")
	p.quantity(t, "marginal", sums.MarginalGCO2e, inwords.CO2e, "electricity by what one more kWh emits")
	p.quantity(t, "losses", sums.LossGCO2e, inwords.CO2e, "on the way from the power plants")
	p.quantity(t, "water", sums.WaterL, inwords.Litres, "")
	noScore := p.perUnit(t)
	p.table(t)
	p.line("%s", p.dim("  in parentheses: 95 % interval"))
	if noScore != "" {
		p.prose("  ", "no SCI: "+noScore)
	}
}
