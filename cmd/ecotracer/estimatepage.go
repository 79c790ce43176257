package main

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"

	"github.com/ecotracer/ecotracer/factors"
	"github.com/ecotracer/ecotracer/internal/inwords"
	"github.com/ecotracer/ecotracer/lifecycle"
	"github.com/ecotracer/ecotracer/lifecycle/estimate"
)

// estimate lays out the page of an estimate: what it comes to, what it rests
// on, and what would narrow it.
func (p *page) estimate(e *estimate.Estimate) {
	r := p.record
	stage := r.Spans[0].Stage
	p.line("%s  %s", p.bold(inwords.Visible(cmp.Or(r.Run.Name, string(stage)))), p.yellow("estimate"))
	var facts []string
	if r.Run.Name != "" {
		facts = append(facts, string(stage))
	}
	if r.Run.DurationS > 0 {
		facts = append(facts, inwords.Duration(r.Run.DurationS))
	}
	p.words("", append(append(facts, inwords.Boundary(r.Run.Boundary)), places(r)...)...)
	p.devices()
	p.unlisted(e.Inputs)
	p.shares()
	p.comesTo()
	p.widths(e.Widths, e.Inputs)
	p.left()
	p.inputs(e.Inputs)
	p.rests()
	p.warnings()
}

// unlisted tells that an accelerator or a processor is taken for others.
func (p *page) unlisted(list []estimate.Input) {
	for _, i := range list {
		switch i.Found {
		case factors.Family, factors.Class, factors.FromWorld:
		default:
			continue
		}
		for _, h := range p.record.Hardware {
			switch {
			case i.Name == "accelerator, busy" && (h.Kind == lifecycle.KindGPU || h.Kind == "npu"):
				p.prose("  ", fmt.Sprintf("%q is not listed: its figures are those %s%s", h.Model, inwords.Found(i.Found),
					nearest("; near it: ", h.Model, slices.Collect(factors.Accelerators()))))
			case i.Name == "processor, busy" && h.Kind == lifecycle.KindCPU:
				p.prose("  ", fmt.Sprintf("%q is not listed: its figures are those %s", h.Model, inwords.Found(i.Found)))
			}
		}
	}
}

// shares tells of which devices the run has only a part.
func (p *page) shares() {
	for _, u := range p.record.Phases[0].Usage {
		if u.Share != nil && *u.Share < 1 {
			of := "the " + u.Hardware
			if *u.Count > 1 {
				of = "each " + u.Hardware
			}
			p.prose("  ", fmt.Sprintf("%s of %s is the run's (%s)", inwords.Percent(*u.Share), of, u.ShareBy))
		}
	}
}

// comesTo tells energy, emissions by phase and water.
func (p *page) comesTo() {
	sums := &p.record.Totals
	t := newTable(false, true, false, false)
	p.heading("What it comes to")
	how := "power times time"
	if sums.EnergyJ.Method == lifecycle.Declared {
		how = "as given"
	}
	p.quantity(t, "energy", &sums.EnergyJ, inwords.WattHours, how)
	p.quantity(t, "facility", &sums.FacilityEnergyJ, inwords.WattHours, "energy times PUE")
	p.quantity(t, "electricity", &sums.OperationalGCO2e, inwords.CO2e, "location-based")
	for _, entry := range p.record.Phases {
		if entry.Stage.Device() {
			stage := string(entry.Stage)
			p.quantity(t, inwords.Code(stage[strings.LastIndexByte(stage, '/')+1:]), entry.EmbodiedGCO2e, inwords.CO2e, "the run's share of its devices")
		}
	}
	p.quantity(t, "emissions", sums.GCO2e, inwords.CO2e, "all of these")
	p.quantity(t, "water", sums.WaterL, inwords.Litres, "on site and for the electricity")
	p.perUnit(t)
	p.table(t)
	p.line("%s", p.dim("  in parentheses: 95 % interval"))
	if sums.GCO2e == nil {
		p.prose("  ", "Emissions in all are unknown, for so is what some device took to make: see what is not in it.")
	}
}

// inputs tells what the energy was computed from.
func (p *page) inputs(list []estimate.Input) {
	p.heading("Where the energy comes from")
	for _, i := range list {
		how, source := inwords.Found(i.Found)+", quality "+i.Quality, i.Source
		if i.Found == factors.Declared {
			how, source = source, ""
		}
		p.source(i.Name, figureInWords(i.Value, i.Low, i.High, i.Unit), how, source)
	}
}

// source tells of a figure where it is from: in one line, unless all is asked
// for.
func (p *page) source(name, figure, how, source string) {
	p.prose("  ", fmt.Sprintf("%s: %s, %s", name, figure, how))
	switch {
	case source == "":
	case p.all:
		p.flow("    ", " ", pieces(inwords.Visible(source)), p.dim)
	default:
		p.line("    %s", p.dim(inwords.Visible(cut(source, p.width-4))))
	}
}

// figureInWords is a figure with its interval; one without, which somebody
// gave, with all its digits.
func figureInWords(value, low, high float64, unit string) string {
	if unit == "1" {
		unit = ""
	}
	text := strconv.FormatFloat(value, 'f', -1, 64)
	if low < high {
		text = fmt.Sprintf("%s (%s–%s)", inwords.Trimmed(value), inwords.Trimmed(low), inwords.Trimmed(high))
	}
	return strings.TrimSpace(text + " " + unit)
}

// rests tells the factors that emissions and water follow from, those of bringing
// and discarding devices and of their further impacts only if all is asked for.
func (p *page) rests() {
	p.heading("Where emissions and water come from")
	more := 0
	for _, f := range p.record.Factors {
		if aside(f) && !p.all {
			more++
			continue
		}
		how, source := fmt.Sprintf("%s, quality %s", inwords.Found(f.Found), f.Quality), fmt.Sprintf("%s, %d", f.Source, f.SourceYear)
		value := inwords.Factor(&f)
		if f.Found == factors.Declared {
			how, source = f.Source, ""
			if f.Low == f.High && f.Unit != "s" && f.Unit != "gCO2e" {
				value = figureInWords(f.Value, f.Low, f.High, f.Unit)
			}
		}
		p.source(f.ID, value, how, source)
	}
	switch {
	case p.all:
	case more > 0:
		p.line("%s", p.dim("  --all shows "+inwords.Count(int64(more))+" more, of the devices, and the sources in full"))
	default:
		p.line("%s", p.dim("  --all shows the sources in full"))
	}
}

// widths tells what would narrow the interval of the emissions.
func (p *page) widths(list []estimate.Width, inputs []estimate.Input) {
	q, of := p.record.Totals.OperationalGCO2e, "electricity"
	if p.record.Totals.GCO2e != nil {
		q, of = *p.record.Totals.GCO2e, "emissions"
	}
	if len(list) == 0 || q.Low <= 0 {
		return
	}
	p.heading("What would narrow it")
	ratio := q.High / q.Low
	p.prose("  ", fmt.Sprintf("The upper bound of the %s is %s times the lower. If one of these were known exactly, it would be", of, inwords.Trimmed(ratio)))
	rows := newTable(true, false, false)
	for _, w := range list[:min(len(list), 3)] {
		by := "--file"
		if w.Field != "" {
			by = "--" + w.Field
		}
		rows.add(cell{inwords.Trimmed(math.Pow(ratio, 1-w.Share)) + " times", p.bold}, cell{by, nil}, cell{w.Name, p.dim})
	}
	p.table(rows)
	host := slices.ContainsFunc(inputs, func(i estimate.Input) bool { return i.Field == "rest-power-w" })
	if host && slices.ContainsFunc(list[:min(len(list), 3)], func(w estimate.Width) bool { return strings.HasSuffix(w.Field, "power-w") }) {
		p.prose("  ", "Where a power is given, none is assumed: give that of the rest of the machines (--rest-power-w), too.")
	}
}

// madeOf tells of which device the making is unknown, and what gives it.
func (p *page) madeOf(path string) string {
	var i int
	_, _ = fmt.Sscanf(path, "/hardware/%d/", &i)
	h := p.record.Hardware[i]
	give := "--node-production-kg"
	switch h.Kind {
	case lifecycle.KindGPU, "npu":
		give = "--device-production-kg"
	case lifecycle.KindNode:
	default:
		give += " of the machine that it is in"
	}
	switch {
	case p.record.Run.DurationS == 0 && h.Model != "":
		give = "--hours, by which it is shared out"
	case p.record.Run.DurationS == 0:
		give += " and --hours, by which it is shared out"
	}
	return "production and end of life of the " + string(h.Kind) + ": give " + give
}

// left tells what is not in the estimate.
func (p *page) left() {
	var list []string
	for _, m := range p.record.Missing {
		switch {
		case m.What != "":
			list = append(list, m.What)
		case strings.HasPrefix(m.Path, "/hardware") && strings.HasSuffix(m.Path, "/embodied"):
			list = append(list, p.madeOf(m.Path))
		case m.Path == "/totals/water_l":
			list = append(list, "water")
		}
	}
	if len(list) == 0 {
		return
	}
	p.heading("What is not in it")
	for _, text := range list {
		p.prose("  ", text)
	}
}
