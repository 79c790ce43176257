package dataset

import (
	"fmt"
	"math"
	"slices"
	"strings"

	"github.com/ecotracer/ecotracer/internal/lognormal"
	"github.com/ecotracer/ecotracer/lifecycle"
	"github.com/ecotracer/ecotracer/lifecycle/estimate"
)

// PredictionExtension is the key of a record's extensions that holds the
// [Prediction] that the record was made of.
const PredictionExtension = "io.github.ecotracer.prediction"

// Record is the record of a plan that comes to what was predicted, with status
// estimated, by package estimate: its time is the predicted one, its energy that
// of the estimate, all rows alike times what makes it the predicted one, with the
// interval of that at 95 %. The plan must be the one that the prediction is of,
// with the ID, the CreatedAt and the Generator that the record is to have. The
// record passes [lifecycle.Validate].
func (f *Prediction) Record(plan Plan) (*lifecycle.Record, error) {
	plan.complete()
	p := plan.Plan
	if f.DurationS != nil {
		p.Hours, p.MFU = f.DurationS.given(3600), nil
	}
	if p.Tokens == 0 {
		p.Tokens = plan.DatasetTokens * plan.Epochs
	}
	p.Source = fmt.Sprintf("predicted by ecotracer (%s, from %d runs)", f.Basis, f.Runs)
	e, err := estimate.Of(p)
	if err != nil {
		return nil, err
	}
	r := e.Record
	f.rescale(r)
	if ml := r.Technology.ML; ml != nil {
		ml.Task, ml.TrainingType, ml.Precision = plan.Task, plan.TrainingType, plan.Precision
		for _, n := range []struct {
			x  float64
			to **int64
		}{{plan.Layers, &ml.Layers}, {plan.Epochs, &ml.Epochs}, {plan.Steps, &ml.Steps}, {plan.Batch, &ml.BatchSize}} {
			if n.x >= 1 {
				*n.to = new(int64(math.Round(n.x)))
			}
		}
	}
	// What is still missing of the model is filled in again.
	r.Missing = slices.DeleteFunc(r.Missing, func(m lifecycle.Missing) bool { return strings.HasPrefix(m.Path, "/technology/") })
	r.Extensions[PredictionExtension] = f
	if err := lifecycle.Assess(r); err != nil {
		return nil, err
	}
	lifecycle.FillMissing(r)
	for _, found := range lifecycle.Validate(r) {
		if !found.Warning {
			return nil, fmt.Errorf("the prediction breaks a rule of the record: %v", found)
		}
	}
	return r, nil
}

// rescale makes the energy of an estimate the predicted one.
func (f *Prediction) rescale(r *lifecycle.Record) {
	sum := 0.0
	for i := range r.Ledger {
		sum += r.Ledger[i].TotalJ
	}
	by := f.EnergyJ.Value / sum
	for i := range r.Ledger {
		l := &r.Ledger[i]
		l.TotalJ, l.SpansJ = l.TotalJ*by, l.SpansJ*by
		l.IdleW, l.IdleFound = 0, "unknown" // that of the estimate may be more than is drawn now
	}
	for i := range r.Phases {
		for k := range r.Phases[i].Usage {
			if q := r.Phases[i].Usage[k].EnergyJ; q != nil {
				q.Value *= by
			}
		}
	}
	for i := range r.Spans {
		r.Spans[i].SelfJ, r.Spans[i].TotalJ = r.Spans[i].SelfJ*by, r.Spans[i].TotalJ*by
	}
	wide := f.EnergyJ.given(1)
	for i := range r.Methods {
		r.Methods[i].RelError = max(wide.High/wide.Value, wide.Value/wide.Low) - 1
	}
}

// given is a range at 95 %, in another unit.
func (r Range) given(size float64) *estimate.Given {
	wider := func(x float64) float64 { return r.Value * math.Pow(x/r.Value, lognormal.Z95/z90) }
	return &estimate.Given{Value: r.Value / size, Low: wider(r.Low) / size, High: wider(r.High) / size}
}
