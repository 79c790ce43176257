package report

import (
	"strconv"

	"github.com/ecotracer/ecotracer/factors"
)

// factors tells the figures of others that the record rests on.
func (v *run) factors() {
	t := table{Caption: "Factors, with their source and how each was found", Head: head("Factor", "#Value", "Of", "Found", "Quality", "Source", "Licence")}
	for i := range v.record.Factors {
		f := &v.record.Factors[i]
		u := unitOf(f)
		value := cell{Text: joined(" ", trimmed(f.Value/u.size), u.name), Exact: exact(f.Value), At: "/factors/" + strconv.Itoa(i) + "/value"}
		if f.Low != f.High {
			value.Small = trimmed(f.Low/u.size) + "–" + trimmed(f.High/u.size)
		}
		of := name(f.Geography)
		valid := joined(" to ", name(f.ValidFrom), name(f.ValidTo))
		if f.Series != nil {
			valid = joined(", ", valid, plural(len(f.Series.Value), "step")+" of "+duration(f.Series.StepS))
		}
		source := note(shortened(f.Source, 400), joined(", ", strconv.Itoa(f.SourceYear), axes(f)))
		t.Rows = append(t.Rows, row{Cells: []cell{note(inWords(string(f.Kind)), name(f.ID)), value, note(of, valid), text(foundInWords(f.Found)), text(name(f.Quality)), source, text(name(f.Licence))}})
		t.Rows[i].Cells[0].Head = true
	}
	t.cut(5*v.rows, "factor")
	v.Factors = t
}

// axes tells which of the figures of a grid it is, and the warming potentials.
func axes(f *factors.Factor) string {
	gwp := name(f.GWP)
	if gwp == "unstated" {
		gwp = ""
	}
	return joined(", ", name(f.Signal), name(f.Accounting), name(f.Basis), name(f.Mix), gwp)
}

// unitOf is the unit for people that suits a factor.
func unitOf(f *factors.Factor) unit {
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
	return unit{1, name(f.Unit)}
}

func foundInWords(f factors.Found) string {
	switch f {
	case factors.Live:
		return "asked of the grid during the run"
	case factors.Declared:
		return "declared"
	case factors.Exact:
		return "of exactly this"
	case factors.Normalised:
		return "by its normalised name"
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
	return inWords(string(f))
}
