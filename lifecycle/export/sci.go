package export

import (
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/ecotracer/ecotracer/factors"
	"github.com/ecotracer/ecotracer/internal/inwords"
	"github.com/ecotracer/ecotracer/lifecycle"
)

// SCI writes a Software Carbon Intensity report: the score of lifecycle.SCI per
// functional unit of the record, what it is made of, with the method of each
// part as the specification names it (measured, modeled, sourced), the boundary
// and the coefficients, as the report of the Green Software Foundation has them
// (SCI 1.1.0, ISO/IEC 21031:2024). What keeps a record from having a score is
// told in its place. [Options.Style] chooses text, Markdown or JSON.
func SCI(w io.Writer, r *lifecycle.Record, o Options) ([]Loss, error) {
	digest, err := r.SHA256()
	if err != nil {
		return nil, fmt.Errorf("export: SCI: %w", err)
	}
	s := sheet{title: "Software Carbon Intensity (ISO/IEC 21031:2024)", notes: []string{
		"SCI = ((E × I) + M) per R, E with the PUE. Emissions of electricity are location-based; no market-based measure and no offset is in them.",
		"M = TE × TS × RS: the share of making, moving and discarding the devices by the time that they were held over their lifetime (TS) and the share of each that was held (RS).",
		"1 kWh = 3 600 000 J. In parentheses: 95 % interval.",
	}}
	report, err := lifecycle.SCI(r, "", "")
	if err != nil {
		s.noScore(r, strings.TrimPrefix(err.Error(), "lifecycle: "))
	} else {
		s.score(r, &report)
	}
	s.application(r, o, digest, &report)
	s.coefficients(r)
	var h holding
	h.hold("/run/name", "/run/started_at", "/run/ended_at", "/run/boundary", "/run/scope", "/generator/name", "/generator/version", "/generator/factors_version",
		"/publisher/name", "/publisher/division", "/publisher/project", "/publisher/contact", "/use_case/purpose", "/use_case/description", "/use_case/functional_unit",
		"/totals/facility_energy_j", "/totals/operational_gco2e", "/totals/measured_share")
	for i, f := range r.Factors {
		if inSCI(&f) {
			at := fmt.Sprintf("/factors/%d/", i)
			h.hold(at+"id", at+"kind", at+"value", at+"low", at+"high", at+"unit", at+"source", at+"source_year")
		}
	}
	return rounding(o, "/totals", h.lost(r)), s.write(w, r, o.Style)
}

// score adds the score and its parts.
func (s *sheet) score(r *lifecycle.Record, sci *lifecycle.SCIReport) {
	per := func(q lifecycle.Quantity) entry {
		e := quantified(divided(q, sci.Count), inwords.CO2e, 1, "gCO2e/"+inwords.One(sci.Unit), "")
		e.text += " per " + inwords.One(sci.Unit)
		return e
	}
	score := quantified(&sci.Score, inwords.CO2e, 1, "gCO2e/"+inwords.One(sci.Unit), "")
	score.text += " per " + inwords.One(sci.Unit)
	s.facts("Score",
		fact("SCI", score),
		fact("O, operational, per R", per(sci.OperationalGCO2e)),
		fact("M, embodied, per R", per(sci.EmbodiedGCO2e)),
		fact("R, functional unit", toldText(inwords.One(sci.Unit), "")),
		fact("number of R", entry{text: inwords.Count(int64(sci.Count)), number: &sci.Count, unit: sci.Unit}))
	intensity := entry{unknown: "no electricity was used"}
	if sci.Intensity != nil {
		intensity = quantified(sci.Intensity, []inwords.Unit{{Size: 1, Name: "gCO2e/kWh"}}, 1, "gCO2e/kWh", "")
	}
	rows := [][]entry{
		{{text: "E, energy"}, energyKWh(sci.EnergyKWh), {text: sciMethod(sci.EnergyKWh.Method, sci.MeasuredShare)}},
		{{text: "I, intensity"}, intensity, {text: "sourced"}},
		{{text: "O = E × I"}, quantified(&sci.OperationalGCO2e, inwords.CO2e, 1, "gCO2e", ""), {text: "modeled"}},
		{{text: "M, embodied"}, quantified(&sci.EmbodiedGCO2e, inwords.CO2e, 1, "gCO2e", ""), {text: "modeled"}},
		{{text: "R, count"}, {text: inwords.Count(int64(sci.Count)), number: &sci.Count, unit: sci.Unit}, {text: "measured, by the spans of " + r.UseCase.FunctionalUnit.Path}},
	}
	s.parts = append(s.parts, sheetPart{"What it is made of (method eim: energy, intensity, embodied)", []string{"component", "value", "method"}, rows})
}

// energyKWh is a quantity of kWh in the unit that suits it.
func energyKWh(q lifecycle.Quantity) entry {
	e := quantified(divided(q, 1/joulesPerKWh), inwords.WattHours, joulesPerKWh, "kWh", "")
	e.quantity = &q
	return e
}

// noScore tells why there is no score, and what is known none the less.
func (s *sheet) noScore(r *lifecycle.Record, why string) {
	s.facts("Score", fact("SCI", entry{unknown: why}))
	t := &r.Totals
	s.parts = append(s.parts, sheetPart{"What is known of it", []string{"component", "value", "method"}, [][]entry{
		{{text: "E, energy"}, quantified(&t.FacilityEnergyJ, inwords.WattHours, joulesPerKWh, "kWh", ""), {text: sciMethod(t.EnergyJ.Method, t.MeasuredShare)}},
		{{text: "O = E × I"}, quantified(&t.OperationalGCO2e, inwords.CO2e, 1, "gCO2e", ""), {text: "modeled"}},
	}})
}

// sciMethod is a method as SCI names it: measured, modeled or sourced.
func sciMethod(m lifecycle.Method, measured float64) string {
	switch {
	case m == lifecycle.Metered || m == lifecycle.Counter || measured == 1:
		return "measured"
	case m == lifecycle.Declared:
		return "sourced"
	case measured > 0:
		return "measured (" + inwords.Percent(measured) + ") and modeled"
	}
	return "modeled"
}

// application adds what the score is of.
func (s *sheet) application(r *lifecycle.Record, o Options, digest string, sci *lifecycle.SCIReport) {
	var stages []string
	for _, e := range r.Phases {
		if !e.Stage.Device() {
			stages = append(stages, string(e.Stage))
		}
	}
	leftOut := slices.Clone(sci.LeftOut)
	for _, m := range r.Missing {
		if m.What != "" && len(sci.Stages) == 0 {
			leftOut = append(leftOut, m.What+": "+m.Reason)
		}
	}
	who := strings.Join(nonEmpty(r.Publisher.Name, r.Publisher.Division, r.Publisher.Project), ", ")
	s.facts("What it is of",
		fact("application", toldText(r.Run.Name, "the run has no name")),
		fact("description", toldText(r.UseCase.Description, lacking(r, "/use_case/description"))),
		fact("purpose", toldText(r.UseCase.Purpose, lacking(r, "/use_case/purpose"))),
		fact("organisation", toldText(who, lacking(r, "/publisher/name"))),
		fact("contact", toldText(r.Publisher.Contact, lacking(r, "/publisher/contact"))),
		fact("measured from", toldText(timeSpan(r), "nothing ran: it is an estimate")),
		fact("boundary of the energy", entry{text: string(r.Run.Boundary) + ": " + inwords.Covered(r.Run.Boundary) + ", " + inwords.Scope(r.Run.Scope)}),
		fact("stages", toldText(strings.Join(stages, ", "), "no stage used anything")),
		fact("left out", entry{text: orNone(strings.Join(leftOut, "; "))}),
		fact("made by", entry{text: generatorName(r)}),
		fact("record", entry{text: recordName(o, digest)}))
}

func orNone(text string) string {
	if text == "" {
		return "nothing that is known of"
	}
	return text
}

// inSCI tells whether a score may rest on a factor.
func inSCI(f *factors.Factor) bool {
	switch f.Kind {
	case factors.Grid, factors.PUE, factors.Storage, factors.Transfer, factors.Service, factors.Lifetime:
		return true
	case factors.Production, factors.Transport, factors.EndOfLife:
		return f.Unit == "gCO2e"
	}
	return false
}

// coefficients adds the factors of the score with their sources.
func (s *sheet) coefficients(r *lifecycle.Record) {
	var rows [][]entry
	for i := range r.Factors {
		if f := &r.Factors[i]; inSCI(f) {
			rows = append(rows, factorRow(f))
		}
	}
	s.parts = append(s.parts, sheetPart{"Coefficients", factorColumns, rows})
}

// factorColumns are the columns of factors.
var factorColumns = []string{"factor", "kind", "value", "unit", "source", "year"}

// factorRow is a factor in a table.
func factorRow(f *factors.Factor) []entry {
	text := inwords.Digits(f.Value) + inwords.Bracketed(inwords.Bounds(f.Low, f.High))
	q := &lifecycle.Quantity{Value: f.Value, Low: f.Low, High: f.High}
	return []entry{{text: f.ID}, {text: string(f.Kind)}, {text: text, quantity: q, unit: f.Unit}, {text: f.Unit}, {text: f.Source}, {text: fmt.Sprint(f.SourceYear)}}
}
