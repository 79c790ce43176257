package main

import (
	"cmp"
	"fmt"
	"strings"

	"github.com/ecotracer/ecotracer/factors"
	"github.com/ecotracer/ecotracer/lifecycle"
	"github.com/ecotracer/ecotracer/lifecycle/estimate"
)

// hardware tells which devices were used.
func (p *page) hardware() {
	p.heading("Hardware")
	p.devices()
}

// devices lists the devices, parts below what they are part of. Memory is known
// by its size where nobody tells its model.
func (p *page) devices() {
	for _, h := range p.record.Hardware {
		indent := "  "
		if h.PartOf != "" {
			indent = "    "
		}
		var facts []string
		if name := modelOf(h.Vendor, h.Model); name != "" || h.MemoryBytes == nil {
			facts = append(facts, cmp.Or(name, strings.TrimSpace(h.Vendor+" model unknown")))
		}
		if h.Cores != nil {
			facts = append(facts, count(*h.Cores)+" cores")
		}
		if h.Threads != nil {
			facts = append(facts, count(*h.Threads)+" threads")
		}
		if h.MemoryBytes != nil {
			facts = append(facts, amount(float64(*h.MemoryBytes), sizes))
		}
		if h.TDPW != nil {
			facts = append(facts, "TDP "+amount(*h.TDPW, watts))
		}
		if h.PowerLimitW != nil {
			facts = append(facts, "limited to "+amount(*h.PowerLimitW, watts))
		}
		p.prose(indent, fmt.Sprintf("%s: %d × %s", h.Kind, h.Count, strings.Join(facts, ", ")))
	}
}

// modelOf is a model with its vendor, once; "" if it is unknown.
func modelOf(vendor, model string) string {
	if model == "" || strings.HasPrefix(model, vendor) {
		return model
	}
	return vendor + " " + model
}

// meters tells how the energy was measured.
func (p *page) meters() {
	p.heading("How energy was obtained")
	for _, m := range p.record.Methods {
		text := fmt.Sprintf("%s: %s, %s", m.ID, methodInWords(m.Method), m.Sensor)
		if m.Mode != "" {
			text += "/" + m.Mode
		}
		if m.Mode == "factor" {
			text += ", as sure as its factors"
		} else {
			text += ", " + errorInWords(m.RelError)
		}
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
	switch {
	case e == 0:
		return "taken as exact"
	case e > 0.2: // then no longer about the same up and down
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

// fewOfDevices is how many factors of devices are shown beside the grams of
// their making, unless all are asked for: a machine by its components has dozens,
// with long sources.
const fewOfDevices = 4

// factors tells the figures that others published and this record uses.
func (p *page) factors() {
	p.heading("Factors")
	more := 0
	for _, f := range p.record.Factors {
		if aside(f) {
			more++
		}
	}
	short := !p.all && more > fewOfDevices
	for _, f := range p.record.Factors {
		if short && aside(f) {
			continue
		}
		p.prose("  ", fmt.Sprintf("%s: %s, %s", f.ID, valueInWords(f), foundInWords(f)))
		source := f.Source
		if short && ofDevice(f.Kind) {
			source = inShort(source)
		}
		p.prose("    ", fmt.Sprintf("%s, %d, quality %s", source, f.SourceYear, f.Quality))
	}
	if short {
		p.flow("  ", " ", pieces(count(int64(more))+" more of devices, and their sources; --all shows them"), p.dim)
	}
}

// inShort is a source up to the first semicolon that is not in parentheses: what
// a figure is, without what its parts are.
func inShort(source string) string {
	depth := 0
	for i, r := range source {
		switch {
		case r == '(':
			depth++
		case r == ')':
			depth--
		case r == ';' && depth == 0:
			return source[:i]
		}
	}
	return source
}

// ofDevice tells of which kinds the factors are what a device took to make, to
// bring, and to discard.
func ofDevice(k factors.Kind) bool {
	return k == factors.Production || k == factors.EndOfLife || k == factors.Transport
}

// aside tells of a device's factors those that are no grams of making it.
func aside(f factors.Factor) bool {
	return ofDevice(f.Kind) && (f.Kind != factors.Production || f.Unit != "gCO2e")
}

// valueInWords is a factor's value in units for people.
func valueInWords(f factors.Factor) string {
	u := unitOf(f)
	text := fmt.Sprintf("%s (%s–%s) %s", trimmed(f.Value/u.size), trimmed(f.Low/u.size), trimmed(f.High/u.size), u.name)
	return strings.TrimSpace(text)
}

// unitOf is the unit for people that suits a factor; its name is "" of a plain
// number.
func unitOf(f factors.Factor) unit {
	switch f.Unit {
	case "1":
		return unit{1, ""}
	case "s":
		return unit{year, "years"}
	case "gCO2e":
		return unitFor(f.Value, co2e)
	case "kgSbeq":
		return unitFor(f.Value, antimony)
	case "J":
		return unitFor(f.Value, joules)
	}
	return unit{1, f.Unit}
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
	case estimate.Assumed:
		return "assumed"
	}
	return string(f.Found)
}
