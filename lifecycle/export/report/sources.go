package report

import (
	"strconv"

	"github.com/ecotracer/ecotracer/factors"
	"github.com/ecotracer/ecotracer/internal/inwords"
)

// factors tells the figures of others that the record rests on.
func (v *run) factors() {
	t := table{Caption: "Factors, with their source and how each was found", Head: head("Factor", "#Value", "Of", "Found", "Quality", "Source", "Licence")}
	for i := range v.record.Factors {
		f := &v.record.Factors[i]
		figure, bounds := inwords.FactorFigure(f)
		value := cell{Text: name(figure), Small: bounds, Exact: exact(f.Value), At: "/factors/" + strconv.Itoa(i) + "/value"}
		of := name(f.Geography)
		valid := joined(" to ", name(f.ValidFrom), name(f.ValidTo))
		if f.Series != nil {
			valid = joined(", ", valid, inwords.Plural(len(f.Series.Value), "step")+" of "+duration(f.Series.StepS))
		}
		source := note(shortened(f.Source, 400), joined(", ", strconv.Itoa(f.SourceYear), axes(f)))
		t.Rows = append(t.Rows, row{Cells: []cell{note(inWords(string(f.Kind)), name(f.ID)), value, note(of, valid), text(name(inwords.Found(f.Found))), text(name(f.Quality)), source, text(name(f.Licence))}})
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
