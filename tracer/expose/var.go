package expose

import (
	"cmp"
	"context"
	"encoding/json"
	"expvar"
	"slices"

	"github.com/ecotracer/ecotracer/lifecycle"
	"github.com/ecotracer/ecotracer/tracer"
)

// record is what is exposed.
type record = lifecycle.Record

// maxShown is how many paths, and how many warnings, a variable shows.
const maxShown = 100

// Var is the run as a variable of package expvar: an object with the members
// run, totals, spans and warnings of the record: at most 100 warnings, and the 100
// spans with the most energy of their own. It is null where no record can be made, and for a
// nil Run and that of a disabled tracer. It is for expvar.Publish, and not
// published by itself.
func Var(run *tracer.Run) expvar.Var {
	return variable{newSource(run, show)}
}

type variable struct{ texts *source[string] }

func (v variable) String() string {
	if text, ok := v.texts.latest(context.Background()); ok {
		return text
	}
	return "null"
}

// show is a record as a variable.
func show(r *record) string {
	spans := slices.Clone(r.Spans)
	slices.SortStableFunc(spans, func(a, b lifecycle.Span) int { return cmp.Compare(b.SelfJ, a.SelfJ) })
	text, err := json.Marshal(struct {
		Run      lifecycle.RunInfo   `json:"run"`
		Totals   lifecycle.Totals    `json:"totals"`
		Spans    []lifecycle.Span    `json:"spans"`
		Warnings []lifecycle.Warning `json:"warnings"`
	}{r.Run, r.Totals, spans[:min(len(spans), maxShown)], r.Warnings[:min(len(r.Warnings), maxShown)]})
	if err != nil {
		return "null"
	}
	return string(text)
}
