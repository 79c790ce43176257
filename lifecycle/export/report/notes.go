package report

import (
	"slices"
	"strings"

	"github.com/ecotracer/ecotracer/internal/inwords"
	"github.com/ecotracer/ecotracer/lifecycle"
)

// mostPlaces is how many places of a warning are told.
const mostPlaces = 6

// missing tells what the record does not know, and why.
func (v *run) missing() {
	t := table{Caption: "What is missing, and why", Head: head("What", "Why")}
	for _, m := range v.record.Missing {
		what := name(strings.Join(inwords.Pointer(v.record, m.Path), ": "))
		if m.What != "" {
			what += ": " + name(m.What)
		}
		t.Rows = append(t.Rows, row{Cells: []cell{title(capital(what)), text(name(inwords.Reason(m.Reason)))}})
	}
	t.cut(5*v.rows, "missing thing")
	v.Missing = t
}

// warnings tells which figures deserve care, those of a code together.
func (v *run) warnings() {
	t := table{Caption: "Warnings of the record, in words", Head: head("What it means", "Where", "In detail")}
	var codes []string
	of := map[string][]lifecycle.Warning{}
	for _, w := range v.record.Warnings {
		if of[w.Code] == nil {
			codes = append(codes, w.Code)
		}
		of[w.Code] = append(of[w.Code], w)
	}
	for _, code := range codes {
		meaning, known := lifecycle.WarningMeaning(code)
		if !known {
			meaning = "a warning that this version does not know"
		}
		var places, details []string
		for _, w := range of[code] {
			place := w.Path
			if len(places) < mostPlaces+2 && place != "" { // the rest is only counted
				place = name(strings.Join(inwords.Pointer(v.record, place), ": "))
			}
			if w.Count != nil && *w.Count > 1 {
				place = joined(" ", place, "("+count(*w.Count)+" times)")
			}
			if place != "" {
				places = append(places, place)
			}
			if len(details) < mostPlaces+2 && w.Detail != "" && !slices.Contains(details, name(w.Detail)) {
				details = append(details, name(w.Detail))
			}
		}
		where := inwords.Few(places, mostPlaces)
		t.Rows = append(t.Rows, row{Cells: []cell{{Text: capital(meaning), Small: name(code), Head: true}, text(where), text(inwords.Few(details, mostPlaces))}})
	}
	t.cut(5*v.rows, "warning")
	v.Warnings = t
}
