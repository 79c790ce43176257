package export

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/ecotracer/ecotracer/factors"
	"github.com/ecotracer/ecotracer/internal/inwords"
	"github.com/ecotracer/ecotracer/lifecycle"
)

// cardSection is the section of a model card without its heading: lines of
// Markdown, in which what the record holds is text and nothing else.
func cardSection(r *lifecycle.Record, o Options, l *learning, digest string) []string {
	var s section
	s.lead(l)
	if text := statusText(r); text != "" {
		s.add("", "**"+text+"**")
	}
	s.template(r, o, l)
	s.phases(r)
	s.basis(r)
	if text := missingInWords(r); text != "" {
		s.add("", "Not known: "+text+".")
	}
	link := "The record of this run"
	if o.Record != "" {
		link += ", " + markdownLink(o.Record) + ","
	}
	s.add("", fmt.Sprintf("%s has each figure with how it was obtained, factors and sources (SHA-256 of its canonical form: `%s`); `ecotracer validate` recomputes them.", link, digest))
	return s.lines
}

// section is lines of Markdown.
type section struct{ lines []string }

func (s *section) add(lines ...string) { s.lines = append(s.lines, lines...) }

// lead tells what learning came to, and what the front matter covers.
func (s *section) lead(l *learning) {
	switch {
	case l == nil:
		s.add("The run that this section is of has no stage in which a model learns: `" + co2Key + "` is not set from it.")
		return
	case l.emissions == nil:
		s.add("The record does not tell what learning (" + markdown(strings.Join(l.stages, ", ")) + ") emitted: `" + co2Key + "` is not set from it.")
		return
	}
	text := fmt.Sprintf("Learning (%s) emitted **%s** by its electricity", markdown(strings.Join(l.stages, ", ")), inwords.Figure(*l.emissions, inwords.CO2e))
	if q := l.facility; q != nil {
		text += fmt.Sprintf(", **%s** with that of the facility, %s", inwords.Figure(*q, inwords.WattHours), methodInWords(q.Method, l.energy))
	}
	s.add(text + fmt.Sprintf(". `%s` in the front matter tells the same: of learning alone, without data preparation, evaluation and use, "+
		"and without the making of the devices.", co2Key))
}

// methodInWords tells how a figure of energy was obtained: with the facility it
// rests on a factor, so that at the devices tells more.
func methodInWords(method lifecycle.Method, atDevices *lifecycle.Quantity) string {
	if atDevices != nil {
		method = atDevices.Method
	}
	switch method {
	case lifecycle.Metered:
		return "read from meters"
	case lifecycle.Counter:
		return "read from hardware counters"
	case lifecycle.Declared:
		return "as declared"
	}
	return "modelled at least in part"
}

// template gives the facts that the Hub's template asks for.
func (s *section) template(r *lifecycle.Record, o Options, l *learning) {
	of, hours, carbon := " (learning)", "", ""
	if l == nil {
		l, of = wholeRun(r), " (the run)"
	}
	places := l.environments(r)
	if l.seconds != nil {
		hours = inwords.Significant(*l.seconds/3600, 3) + of
	}
	if l.emissions != nil {
		carbon = inwords.Figure(*l.emissions, inwords.CO2e) + of
	}
	s.add("",
		"- **Hardware Type:** "+orUnknown(l.hardware(r)),
		"- **Hours used:** "+orUnknown(hours),
		"- **Cloud Provider:** "+orUnknown(provider(places, o)),
		"- **Compute Region:** "+orUnknown(placesInWords(places)),
		"- **Carbon Emitted:** "+orUnknown(carbon))
}

// orUnknown is a text of the record in Markdown.
func orUnknown(text string) string { return markdown(cmp.Or(text, "unknown")) }

// provider names the providers of places, "" if it is unknown who they are.
func provider(places []*lifecycle.Environment, o Options) string {
	var out []string
	for _, e := range places {
		text := e.Provider
		if where := cmp.Or(e.Infrastructure, o.Infrastructure); text == "" && where != "" && where != "public-cloud" && where != "other" {
			text = "none (" + where + ")"
		}
		if text != "" && !slices.Contains(out, text) {
			out = append(out, text)
		}
	}
	return strings.Join(out, ", ")
}

// phaseNames are the phases in the order of a life cycle, in words.
var phaseNames = []struct {
	phase lifecycle.Phase
	name  string
}{
	{lifecycle.PhaseProduction, "production of the devices"},
	{lifecycle.PhaseTraining, "training"},
	{lifecycle.PhaseInference, "inference"},
	{lifecycle.PhaseUse, "use"},
	{lifecycle.PhaseEndOfLife, "end of life of the devices"},
	{lifecycle.PhaseUnassigned, "of no phase"},
}

// phases is a table of what the whole run came to.
func (s *section) phases(r *lifecycle.Record) {
	s.add("", "The whole run, by phase of the life cycle (in parentheses: 95 % interval):", "",
		"| phase | energy | with the facility | emissions | how |",
		"|---|---|---|---|---|")
	for _, p := range phaseNames {
		if t, ok := r.Totals.ByPhase[p.phase]; ok {
			s.row(p.name, t.EnergyJ, t.FacilityEnergyJ, t.GCO2e)
		}
	}
	t := &r.Totals
	s.row("**the run**", &t.EnergyJ, &t.FacilityEnergyJ, t.GCO2e)
	if t.GCO2e == nil {
		s.add("", "What the run emitted in all is unknown, as part of it is; its electricity: "+inwords.Figure(t.OperationalGCO2e, inwords.CO2e)+".")
	}
}

// row is a row of the table of phases. What is not there does not apply, or is
// unknown.
func (s *section) row(name string, energy, facility, gco2e *lifecycle.Quantity) {
	cell := func(q *lifecycle.Quantity, units []inwords.Unit) string {
		if q == nil {
			return "–"
		}
		return inwords.Figure(*q, units)
	}
	var methods []string
	for _, q := range []*lifecycle.Quantity{energy, gco2e} {
		if q != nil && !slices.Contains(methods, string(q.Method)) {
			methods = append(methods, string(q.Method))
		}
	}
	s.add(fmt.Sprintf("| %s | %s | %s | %s | %s |", name,
		cell(energy, inwords.WattHours), cell(facility, inwords.WattHours), cell(gco2e, inwords.CO2e), cmp.Or(strings.Join(methods, ", "), "–")))
}

// basis tells what the figures cover and rest on.
func (s *section) basis(r *lifecycle.Record) {
	texts := []string{fmt.Sprintf("Boundary of the energy: %s (%s), %s; %s of it measured.",
		r.Run.Boundary, inwords.Covered(r.Run.Boundary), inwords.Scope(r.Run.Scope), inwords.Percent(r.Totals.MeasuredShare))}
	var grids []string
	for _, e := range r.Environments {
		for _, f := range r.Factors {
			if f.ID != e.Factors.Grid && f.ID != e.Factors.PUE {
				continue
			}
			text := factorInWords(&f)
			if !slices.Contains(grids, text) {
				grids = append(grids, text)
			}
		}
	}
	slices.Sort(grids)
	if len(grids) > 0 {
		texts = append(texts, strings.Join(grids, "; ")+".")
	}
	if r.Totals.WaterL != nil {
		texts = append(texts, "Water: "+inwords.Figure(*r.Totals.WaterL, inwords.Litres)+".")
	}
	s.add("", strings.Join(texts, " "))
}

// factorInWords tells a factor with bounds and source, in Markdown.
func factorInWords(f *factors.Factor) string {
	name, more := "Grid", ", "+string(f.Accounting)+"-based"
	if f.Kind == factors.PUE {
		name, more = "PUE", ""
	}
	return fmt.Sprintf("%s: %s%s, %s, %d", name, inwords.Factor(f), more, markdown(f.Source), f.SourceYear)
}

// fewMissing is how many things a card tells that are missing.
const fewMissing = 12

// missingInWords lists in Markdown what the record lacks of figures and of what
// they rest on, by reason, "" if nothing. What does not apply is not lacking,
// and what was done is told elsewhere on a card.
func missingInWords(r *lifecycle.Record) string {
	var texts []string
	more := 0
	for _, m := range r.Missing {
		of, _, _ := strings.Cut(strings.TrimPrefix(m.Path, "/"), "/")
		if m.Reason == "not-applicable" || of == "publisher" || of == "use_case" || of == "technology" {
			continue
		}
		if len(texts) == fewMissing {
			more++
			continue
		}
		texts = append(texts, markdown(missingName(r, m))+" ("+markdown(inwords.Reason(m.Reason))+")")
	}
	if more > 0 {
		texts = append(texts, fmt.Sprintf("and %d more", more))
	}
	return strings.Join(texts, ", ")
}

// missingName tells in words what is missing: /totals/water_l, totals: water.
func missingName(r *lifecycle.Record, m lifecycle.Missing) string {
	return cmp.Or(m.What, strings.Join(inwords.Pointer(r, m.Path), ": "))
}
