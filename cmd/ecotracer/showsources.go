package main

import (
	"fmt"
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
