package main

import (
	"bytes"
	"cmp"
	"flag"
	"fmt"
	"unicode/utf8"

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
		_, _ = c.out.Write(p.Bytes())
		if n := errorsOf(record); n > 0 {
			c.complain("show", "%s: this record is not valid, do not rely on it; `ecotracer validate` tells why (%s)", file, plural(n, "error"))
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
	if line := plain(name); utf8.RuneCountInString(line)+2+len(r.Run.Status) <= p.width {
		p.line("%s  %s", p.bold(line), status)
	} else {
		p.flow("", " ", pieces(line), p.bold)
		p.line("%s", status)
	}
	p.words("",
		"run "+short(r.Run.ID), when(r.Run.StartedAt, r.Run.EndedAt), duration(r.Run.DurationS))
	if text := jobInWords(r); text != "" {
		p.words("", text)
	}
	p.words("", append([]string{
		string(r.Run.Scope) + " scope", boundaryInWords(r.Run.Boundary)}, places(r)...)...)
}

// jobInWords tells which part of a job the record is of: one rank, or those
// that it was merged from.
func jobInWords(r *lifecycle.Record) string {
	if rank := r.Run.Rank; rank != nil {
		return fmt.Sprintf("rank %d of %d", rank.Index, rank.Count)
	}
	if len(r.Run.Merged) == 0 {
		return ""
	}
	text := fmt.Sprintf("merged from %d records", len(r.Run.Merged))
	if c := r.Run.Coverage; c != nil && *c < 1 {
		text += ", " + percent(*c) + " of the job's ranks"
	}
	return text
}

// boundaryInWords tells what the energy covers.
func boundaryInWords(b lifecycle.Boundary) string {
	if b == lifecycle.BoundaryIT {
		return "IT boundary"
	}
	return string(b) + " boundary"
}

// short is the beginning of an ID: its time, enough to tell runs apart.
func short(id string) string { return id[:min(len(id), 13)] }

// places tells where the run was.
func places(r *lifecycle.Record) []string {
	var texts []string
	for _, e := range r.Environments {
		text := "place unknown"
		switch {
		case e.GridZone != "":
			text = e.GridZone
		case e.Subdivision != "":
			text = e.Subdivision
		case e.Country != "":
			text = e.Country
		}
		if e.PlaceFound != "" && e.PlaceFound != "unknown" {
			text += " (" + e.PlaceFound + ")"
		}
		for _, more := range []string{e.Provider, e.Region, e.InstanceType, e.Infrastructure} {
			if more != "" {
				text += ", " + more
			}
		}
		if e.Virtualisation != "" && e.Virtualisation != "none" {
			text += ", in a " + e.Virtualisation
		}
		if len(r.Environments) > 1 {
			text = e.ID + ": " + text
		}
		texts = append(texts, text)
	}
	return texts
}

// quantity adds a figure to a table: its name, value, interval and a note. What is
// unknown is not there.
func (p *page) quantity(t *table, label string, q *lifecycle.Quantity, units []unit, note string) {
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
	p.quantity(t, "energy", &sums.EnergyJ, joules, amount(sums.EnergyJ.Value, wattHours)+", "+percent(sums.MeasuredShare)+" of it measured")
	p.quantity(t, "facility", &sums.FacilityEnergyJ, joules, "energy times PUE")
	p.quantity(t, "electricity", &sums.OperationalGCO2e, co2e, "location-based"+hourly(p.record))
	p.quantity(t, "devices", sums.EmbodiedGCO2e, co2e, "of their production and end of life")
	p.quantity(t, "emissions", sums.GCO2e, co2e, "")
	p.quantity(t, "market", sums.MarketGCO2e, co2e, "electricity by its contracts")
	p.quantity(t, "marginal", sums.MarginalGCO2e, co2e, "electricity by what one more kWh emits")
	p.quantity(t, "losses", sums.LossGCO2e, co2e, "on the way from the power plants")
	p.quantity(t, "water", sums.WaterL, litres, "")
	noScore := p.perUnit(t)
	p.table(t)
	p.line("%s", p.dim("  in parentheses: 95 % interval"))
	if noScore != "" {
		p.prose("  ", "no SCI: "+noScore)
	}
}
