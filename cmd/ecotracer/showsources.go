package main

import (
	"cmp"
	"fmt"
	"strings"

	"github.com/ecotracer/ecotracer/factors"
	"github.com/ecotracer/ecotracer/internal/inwords"
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
		if name := inwords.Model(h.Vendor, h.Model); name != "" || h.MemoryBytes == nil {
			facts = append(facts, cmp.Or(name, strings.TrimSpace(h.Vendor+" model unknown")))
		}
		facts = append(append(facts, inwords.Size(&h)...), inwords.Power(&h)...)
		p.prose(indent, fmt.Sprintf("%s: %d × %s", h.Kind, h.Count, strings.Join(facts, ", ")))
	}
}

// meters tells how the energy was measured.
func (p *page) meters() {
	p.heading("How energy was obtained")
	for _, m := range p.record.Methods {
		text := fmt.Sprintf("%s: %s, %s, %s", m.ID, inwords.Method(m.Method), inwords.Sensor(&m), inwords.Error(&m))
		if m.SamplingS != nil {
			text += ", read every " + inwords.Duration(*m.SamplingS)
		}
		if m.Tool != "" {
			text += ", by " + strings.TrimSpace(m.Tool+" "+m.Version)
		}
		p.prose("  ", text)
		var left []string
		for _, l := range m.LeftOut {
			left = append(left, inwords.LeftOut(l))
		}
		if len(left) > 0 {
			p.prose("    ", "seen and not counted: "+strings.Join(left, ", "))
		}
	}
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
		t.add(cell{l.Domain, nil}, cell{inwords.Amount(l.TotalJ, inwords.Joules), p.bold}, cell{inwords.Amount(l.SpansJ, inwords.Joules), nil},
			cell{inwords.Amount(l.UnattributedJ, inwords.Joules), nil}, cell{inwords.Amount(others, inwords.Joules), nil},
			cell{inwords.Amount(l.IdleJ, inwords.Joules), nil}, cell{l.Split, nil})
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
		p.prose("  ", fmt.Sprintf("%s: %s, %s", f.ID, inwords.Factor(&f), inwords.Found(f.Found)))
		source := f.Source
		if short && ofDevice(f.Kind) {
			source = inShort(source)
		}
		p.prose("    ", fmt.Sprintf("%s, %d, quality %s", source, f.SourceYear, f.Quality))
	}
	if short {
		p.flow("  ", " ", pieces(inwords.Count(int64(more))+" more of devices, and their sources; --all shows them"), p.dim)
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
