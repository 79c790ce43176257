package dataset

import (
	"github.com/ecotracer/ecotracer/lifecycle"
)

// scored is a metric that a training reached.
type scored struct {
	run, metric, series, task string
	hash                      uint64
	value                     float64
	lower                     bool // is better
	x                         [features]float64
}

func (f *Fitter) score(run string, p *Plan, ml *lifecycle.ML) {}
func (f *Fitter) trimScores()                                {}
