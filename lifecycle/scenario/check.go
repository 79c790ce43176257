package scenario

import (
	"maps"
	"slices"

	"github.com/ecotracer/ecotracer/lifecycle"
)

// check tells all that is wrong with a scenario, its questions and its knobs.
func (s *Scenario) check(record func(string) (*lifecycle.Record, error)) []*Error {
	errs := s.checkModel()
	if len(errs) > 0 {
		return errs // what follows from it would be told again for each question
	}
	return errs
}

// checkModel tells what keeps a scenario from being computed.
func (s *Scenario) checkModel() []*Error { return compiled(s).errs }

var _ = maps.Keys[map[string]int]
var _ = slices.Sorted[string]
