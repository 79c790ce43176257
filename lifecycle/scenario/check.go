package scenario

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/ecotracer/ecotracer/lifecycle"
)

// maxQuestions is how many questions a scenario may ask.
const maxQuestions = 100

// check tells all that is wrong with a scenario, its questions and its knobs.
func (s *Scenario) check(record func(string) (*lifecycle.Record, error)) []*Error {
	known := &lookups{} // for all the changed ones, too
	m := compiledWith(s, known)
	if errs := m.errs; len(errs) > 0 {
		return errs // what follows from it would be told again for each question
	}
	if len(s.Questions) > maxQuestions {
		return []*Error{{Path: "questions", Message: fmt.Sprintf("%d of them: at most %d", len(s.Questions), maxQuestions)}}
	}
	var errs []*Error
	priced := m.currency != ""
	changed := func(path string, set map[string]string) {
		c, wrong := s.with(set, record)
		if len(wrong) == 0 {
			for _, e := range compiledWith(c, known).errs {
				wrong = append(wrong, &Error{Message: "then " + e.Path + ": " + e.Message})
			}
		}
		for _, e := range wrong {
			e.Path = strings.TrimSuffix(path+"."+e.Path, ".")
			errs = append(errs, e)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(s.Questions)) {
		q, path := s.Questions[name], "questions."+name
		switch figure := figureIndex(q.Of); {
		case len(q.Set) == 0:
			errs = append(errs, &Error{Path: path, Message: "what would change? write set: {devices.gpu.lifetime: 6 years}, or another path and value"})
		case q.Of != "" && (figure == nFigures || figure == cost && !priced):
			errs = append(errs, &Error{Path: path + ".of", Message: noFigure(q.Of)})
		default:
			changed(path+".set", q.Set)
		}
	}
	if len(s.Knobs) == 0 {
		return errs
	}
	p, err := s.problem(m)
	if err != nil {
		return append(errs, err.(*Error))
	}
	for _, k := range p.knobs {
		for i, c := range k.changes {
			if k.step > 0 && i != 0 && i != len(k.changes)-1 {
				continue // of a range the ends will do
			}
			at := "knobs." + k.name
			if _, options := s.Knobs[k.name].Options[k.labels[i]]; options {
				at += ".options." + k.labels[i]
			}
			changed(at, c)
		}
	}
	return errs
}
