package main

import (
	"bytes"
	"cmp"
	"errors"
	"flag"
	"fmt"
	"slices"
	"strings"
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
			why := reason(err)
			if bad := (*lifecycle.DecodeError)(nil); errors.As(err, &bad) {
				why = noRecord(bad)
			}
			c.complain("show", "%s: %s", file, why)
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
		p := page{style: styleOf(c.out), record: record, all: all}
		p.print()
		_, _ = c.out.Write(p.Bytes())
		wrong := slices.DeleteFunc(lifecycle.Validate(record), func(f lifecycle.Finding) bool { return f.Warning })
		if len(wrong) > 0 {
			c.complain("show", "%s: this record is not valid, do not rely on it; `ecotracer validate` tells why (%s)",
				file, plural(len(wrong), "error"))
			code = exitFound
		}
	}
	return code
}

// noRecord tells why a document is no record.
func noRecord(e *lifecycle.DecodeError) string {
	text := e.Message
	if e.Err == nil { // not the document as a whole
		text = strings.TrimPrefix(e.Finding.String(), e.Rule+" (document): ")
	}
	if e.Offset >= 0 {
		text += fmt.Sprintf(", at byte %d", e.Offset)
	}
	if e.More > 0 {
		text += "; `ecotracer validate` lists all that is wrong"
	}
	return text
}

// read reads one record.
func (c *cli) read(file string) (*lifecycle.Record, error) {
	in, err := c.open(file)
	if err != nil {
		return nil, err
	}
	defer in.Close()
	return lifecycle.Decode(in)
}

// page is the view of one record.
type page struct {
	style
	bytes.Buffer

	record *lifecycle.Record
	all    bool // spans that use next to nothing, too, and every note
	cut    bool // a list of notes was cut short
}

// print lays out the whole page.
func (p *page) print() {
	p.header()
	p.totals()
	p.phases()
	p.spans()
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
		texts = append(texts, text)
	}
	return texts
}

// totals tells what the whole run came to.
func (p *page) totals() {
	t := p.record.Totals
	rows := newTable(false, true, false, false)
	add := func(label string, q *lifecycle.Quantity, units []unit, suffix, note string) {
		if q == nil {
			return
		}
		value, bounds := interval(*q, units)
		rows.add(cell{label, nil}, cell{value + suffix, p.bold}, cell{bounds, p.dim}, cell{note, nil})
	}
	p.heading("Totals")
	add("energy", &t.EnergyJ, joules, "", amount(t.EnergyJ.Value, wattHours)+", "+percent(t.MeasuredShare)+" of it measured")
	add("facility", &t.FacilityEnergyJ, joules, "", "energy times PUE")
	add("electricity", &t.OperationalGCO2e, grams, "CO2e", "location-based")
	add("devices", t.EmbodiedGCO2e, grams, "CO2e", "of their production and end of life")
	add("emissions", t.GCO2e, grams, "CO2e", "")
	add("water", t.WaterL, litres, "", "")
	if u := t.PerUnit; u != nil {
		add("one unit", &u.GCO2e, grams, "CO2e", "each of "+count(u.Count)+" "+u.Unit)
	}
	p.table(rows)
	p.line("%s", p.dim("  in parentheses: 95 % interval"))
}
