package main

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/ecotracer/ecotracer/factors"
	"github.com/ecotracer/ecotracer/lifecycle"
)

// hardware tells which devices were used.
func (p *page) hardware() {
	p.heading("Hardware")
	p.devices()
}

// devices lists the devices, parts below what they are part of.
func (p *page) devices() {
	for _, h := range p.record.Hardware {
		indent := "  "
		if h.PartOf != "" {
			indent = "    "
		}
		name := h.Model
		switch {
		case name == "":
			name = strings.TrimSpace(h.Vendor + " model unknown")
		case !strings.HasPrefix(name, h.Vendor):
			name = h.Vendor + " " + name
		}
		text := fmt.Sprintf("%s: %d × %s", h.Kind, h.Count, name)
		if h.Cores != nil {
			text += ", " + count(*h.Cores) + " cores"
		}
		if h.Threads != nil {
			text += ", " + count(*h.Threads) + " threads"
		}
		if h.MemoryBytes != nil {
			text += ", " + amount(float64(*h.MemoryBytes), sizes)
		}
		if h.TDPW != nil {
			text += ", TDP " + amount(*h.TDPW, watts)
		}
		if h.PowerLimitW != nil {
			text += ", limited to " + amount(*h.PowerLimitW, watts)
		}
		p.prose(indent, text)
	}
}

// meters tells how the energy was measured.
func (p *page) meters() {
	p.heading("How energy was obtained")
	for _, m := range p.record.Methods {
		text := fmt.Sprintf("%s: %s, %s", m.ID, methodInWords(m.Method), m.Sensor)
		if m.Mode != "" {
			text += "/" + m.Mode
		}
		text += ", " + errorInWords(m.RelError)
		if m.SamplingS != nil {
			text += ", read every " + duration(*m.SamplingS)
		}
		if m.Tool != "" {
			text += ", by " + strings.TrimSpace(m.Tool+" "+m.Version)
		}
		p.prose("  ", text)
		var left []string
		for _, l := range m.LeftOut {
			left = append(left, l.Domain+" ("+l.Reason+")")
		}
		if len(left) > 0 {
			p.prose("    ", "seen and not counted: "+strings.Join(left, ", "))
		}
	}
}

// methodInWords tells what a method is.
func methodInWords(m lifecycle.Method) string {
	switch m {
	case lifecycle.Metered:
		return "an external meter"
	case lifecycle.Counter:
		return "a hardware counter"
	case lifecycle.Modelled:
		return "a model"
	case lifecycle.Declared:
		return "declared by a person"
	}
	return string(m)
}

// errorInWords tells a relative error at 95 %.
func errorInWords(e float64) string {
	if e > 0.2 { // then no longer about the same up and down
		return "right within a factor of " + trimmed(1+e)
	}
	return "±" + percent(e)
}

// ledger tells where the joules of each domain went.
func (p *page) ledger() {
	t := newTable(false, true, true, true, true, true, false)
	head := []string{"domain", "total", "spans", "no span", "others", "idle", "split by"}
	cells := make([]cell, len(head))
	for i, text := range head {
		cells[i] = cell{text, p.dim}
	}
	t.add(cells...)
	for _, l := range p.record.Ledger {
		others := l.OtherProcessesJ
		if l.OtherRunsJ != nil {
			others += *l.OtherRunsJ
		}
		t.add(cell{l.Domain, nil}, cell{amount(l.TotalJ, joules), p.bold}, cell{amount(l.SpansJ, joules), nil},
			cell{amount(l.UnattributedJ, joules), nil}, cell{amount(others, joules), nil},
			cell{amount(l.IdleJ, joules), nil}, cell{l.Split, nil})
	}
	p.heading("Where the joules went")
	p.table(t)
}

// factors tells the figures that others published and this record uses.
func (p *page) factors() {
	p.heading("Factors")
	for _, f := range p.record.Factors {
		p.prose("  ", fmt.Sprintf("%s: %s, %s", f.ID, valueInWords(f), foundInWords(f)))
		p.prose("    ", fmt.Sprintf("%s, %d, quality %s", f.Source, f.SourceYear, f.Quality))
	}
}

// valueInWords is a factor's value in units for people.
func valueInWords(f factors.Factor) string {
	size, name := 1.0, f.Unit
	switch f.Unit {
	case "1":
		name = ""
	case "s":
		size, name = year, "years"
	case "gCO2e":
		u := unitFor(f.Value, grams)
		size, name = u.size, u.name+"CO2e"
	}
	text := fmt.Sprintf("%s (%s–%s) %s", trimmed(f.Value/size), trimmed(f.Low/size), trimmed(f.High/size), name)
	return strings.TrimSpace(text)
}

// year is the seconds of one, as lifetimes are told.
const year = 365.25 * 24 * 3600

// foundInWords tells how a factor came to be the one that is used.
func foundInWords(f factors.Factor) string {
	switch f.Found {
	case factors.Live:
		return "asked of the grid during the run"
	case factors.Declared:
		return "declared"
	case factors.Exact:
		return "exact"
	case factors.Normalised:
		return "found by its normalised name"
	case factors.Family:
		return "of its family"
	case factors.Class:
		return "of its class"
	case factors.FromRegion:
		return "of the whole region"
	case factors.FromCountry:
		return "of the whole country"
	case factors.FromWorld:
		return "of the whole world"
	}
	return string(f.Found)
}

// warnings tells which figures deserve care.
func (p *page) warnings() {
	if len(p.record.Warnings) == 0 {
		return
	}
	p.heading("Warnings")
	for _, w := range p.record.Warnings {
		text := inWords(w.Code)
		if w.Path != "" {
			text += ", " + strings.Join(p.inRecord(w.Path), " ")
		}
		if w.Detail != "" {
			text += ": " + w.Detail
		}
		if w.Count != nil && *w.Count > 1 {
			text += " (" + count(*w.Count) + " times)"
		}
		p.prose("  ", text)
	}
}

// missing tells what the record does not know, by reason.
func (p *page) missing() {
	if len(p.record.Missing) == 0 {
		return
	}
	p.heading("Missing")
	var reasons []string
	parents := map[string][]string{} // by reason
	members := map[string][]string{} // by reason and parent
	for _, m := range p.record.Missing {
		words := p.inRecord(m.Path)
		parent, member := "", strings.Join(words, " ")
		switch {
		case m.What != "":
			parent, member = member, m.What
		case len(words) > 1:
			parent, member = strings.Join(words[:len(words)-1], " "), words[len(words)-1]
		}
		if parents[m.Reason] == nil {
			reasons = append(reasons, m.Reason)
		}
		key := m.Reason + "\n" + parent
		if members[key] == nil {
			parents[m.Reason] = append(parents[m.Reason], parent)
		}
		members[key] = append(members[key], member)
	}
	slices.Sort(reasons)
	for _, reason := range reasons {
		p.line("  %s", plain(inWords(reason)))
		for _, parent := range parents[reason] {
			text := strings.Join(members[reason+"\n"+parent], ", ")
			if parent != "" {
				text = parent + ": " + text
			}
			p.prose("    ", text)
		}
	}
}

// inWords writes a code as words: not-measured, not measured.
func inWords(code string) string { return strings.ReplaceAll(code, "-", " ") }

// inRecord writes a JSON Pointer as words, one for each step, an entry of a
// list by its name: /totals/water_l, totals and water; /spans/3, span fit/epoch.
func (p *page) inRecord(pointer string) []string {
	words := strings.Split(strings.TrimPrefix(pointer, "/"), "/")
	for i, word := range words {
		for _, unit := range []string{"_j", "_s", "_l"} {
			word = strings.TrimSuffix(word, unit)
		}
		words[i] = strings.NewReplacer("~1", "/", "~0", "~", "_", " ").Replace(word)
	}
	if len(words) > 1 {
		if name := p.entry(words[0], words[1]); name != "" {
			words = append([]string{strings.TrimSuffix(words[0], "s") + " " + name}, words[2:]...)
		}
	}
	return words
}

// entry is the name of an entry of one of the record's lists, "" if it has
// none.
func (p *page) entry(list, index string) string {
	i, err := strconv.Atoi(index)
	if err != nil || i < 0 {
		return ""
	}
	r := p.record
	switch {
	case list == "environments" && i < len(r.Environments):
		return r.Environments[i].ID
	case list == "hardware" && i < len(r.Hardware):
		return r.Hardware[i].ID
	case list == "phases" && i < len(r.Phases):
		return string(r.Phases[i].Stage)
	case list == "spans" && i < len(r.Spans):
		return r.Spans[i].Path
	case list == "ledger" && i < len(r.Ledger):
		return r.Ledger[i].Domain
	case list == "methods" && i < len(r.Methods):
		return r.Methods[i].ID
	case list == "factors" && i < len(r.Factors):
		return r.Factors[i].ID
	}
	return ""
}
