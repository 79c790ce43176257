package estimate

import (
	"fmt"

	"github.com/ecotracer/ecotracer/factors"
	"github.com/ecotracer/ecotracer/lifecycle"
)

// technology says what is known of the model.
func (d *draft) technology() {
	p := &d.plan
	phase := p.Stage.Phase()
	if phase != lifecycle.PhaseTraining && phase != lifecycle.PhaseInference {
		return
	}
	ml := &lifecycle.ML{}
	if p.Parameters > 0 {
		total := whole(p.Parameters)
		ml.Parameters = &lifecycle.Parameters{Total: &total}
		if p.Active > 0 && p.Active < p.Parameters {
			active := whole(p.Active)
			ml.Parameters.Active = &active
		}
	}
	if p.Active == 0 {
		p.Active = p.Parameters
	}
	if p.Tokens > 0 {
		tokens := whole(p.Tokens)
		if phase == lifecycle.PhaseTraining {
			ml.TokensIn = &tokens
		} else {
			ml.TokensOut = &tokens
		}
	}
	if p.Active > 0 && p.Tokens > 0 {
		d.flops = 2 * p.Active * p.Tokens
		if phase == lifecycle.PhaseTraining {
			d.flops *= 3 // the backward pass takes twice as many as the forward pass
		}
		ml.FLOPs = &d.flops
	}
	switch p.Stage {
	case lifecycle.PreTraining, lifecycle.FineTuning:
		ml.TrainingType = string(p.Stage)[len("training/"):]
	}
	if p.Requests > 0 && phase == lifecycle.PhaseInference {
		ml.Requests = &p.Requests
	}
	d.rec.Technology = lifecycle.Technology{Kind: "ml", ML: ml}
}

// units are the functional units of the span, and the one that the emissions
// are told for.
func (d *draft) units() map[string]lifecycle.Unit {
	p := &d.plan
	units := map[string]lifecycle.Unit{}
	if p.Tokens > 0 {
		units["tokens"] = lifecycle.Unit{Count: whole(p.Tokens)}
	}
	unit := ""
	if p.Tokens > 0 && p.Stage.Phase() == lifecycle.PhaseInference {
		unit = "tokens"
	}
	if p.Requests > 0 {
		units["requests"] = lifecycle.Unit{Count: p.Requests}
		unit = "requests"
	}
	if unit != "" {
		d.rec.UseCase.FunctionalUnit = &lifecycle.FunctionalUnit{Unit: unit, Path: pathOf(p.Stage)}
	}
	if len(units) == 0 {
		return nil
	}
	return units
}

// The share of the peak that is reached where nobody tells: see the package
// comment.
var (
	trainingMFU = Input{
		Name: "share of the peak that training reaches", Field: "mfu", Value: 0.35, Low: 0.2, High: 0.6, Unit: "1", Found: Assumed, Quality: "C",
		Source: "between GPT-3 (0.21) and PaLM (0.46) in Chowdhery et al. 2022, Llama 3 (0.38 to 0.43) and Narayanan et al. 2021 (0.52)",
	}
	inferenceMFU = Input{
		Name: "share of the peak that inference reaches", Field: "mfu", Value: 0.1, Low: 0.01, High: 0.5, Unit: "1", Found: Assumed, Quality: "D",
		Source: "analyst range: generating waits for memory; batches of PaLM 540B in Pope et al. 2022 reach up to 0.76",
	}
)

// time tells how long the devices are held.
func (d *draft) time() error {
	p := &d.plan
	peak := d.accelerator.PeakFLOPS * d.accelerators() * p.Share
	if p.Hours != nil {
		if p.MFU != nil {
			return wrong("mfu", "the hours are given: the share of the peak follows from them")
		}
		hours := d.declared(*p.Hours, "time", "hours", "h")
		if low, high := p.Hours.bounds(); low < high {
			d.timeUnsure(fmt.Sprintf("%v h (%v–%v)", p.Hours.Value, low, high))
		}
		d.seconds = func(x []float64) float64 { return hours(x) * 3600 }
		if reached := d.flops / (peak * p.Hours.Value * 3600); peak > 0 && reached > 1 {
			return wrong("hours", "%.3g FLOP in %v h are %.3g times the peak of %d × %s (%.3g FLOP/s each): check hours, parameters and tokens",
				d.flops, p.Hours.Value, reached, p.Count, d.accelerator.Model, d.accelerator.PeakFLOPS)
		}
		return nil
	}
	if d.flops > 0 && p.Accelerator != "" && peak == 0 && p.EnergyKWh == nil {
		return wrong("device", "of %q no peak is known, so that parameters and tokens tell no time: write which model it is, or give the hours", p.Accelerator)
	}
	if d.flops == 0 || peak == 0 {
		if p.MFU != nil {
			return wrong("mfu", "it tells nothing without an accelerator, parameters and tokens")
		}
		switch {
		case p.EnergyKWh != nil:
		case p.Parameters > 0 && p.Accelerator != "":
			return wrong("tokens", "give how many, from which the time follows, or give the hours")
		case p.Tokens > 0 && p.Accelerator != "":
			return wrong("params", "give how many parameters, from which the time follows, or give the hours")
		default:
			return wrong("hours", "give how long the devices are held; of a language model on named accelerators, parameters and tokens tell it too")
		}
		d.timeUnknown = true
		d.seconds = func([]float64) float64 { return 0 }
		return nil
	}
	in := trainingMFU
	if p.Stage.Phase() == lifecycle.PhaseInference {
		in = inferenceMFU
	}
	if p.MFU != nil {
		in.Value, in.Found, in.Source, in.Quality = p.MFU.Value, factors.Declared, p.Source, "C"
		in.Low, in.High = p.MFU.bounds()
	}
	mfu := d.inputs.add(in)
	d.seconds = func(x []float64) float64 { return d.flops / (peak * mfu(x)) }
	if in.Low < in.High {
		d.timeUnsure(fmt.Sprintf("%.3g FLOP at %v (%v–%v) of the peak", d.flops, in.Value, in.Low, in.High))
	}
	return nil
}

// timeUnsure warns that the error of the time is not in all figures.
func (d *draft) timeUnsure(how string) {
	d.rec.Warnings = append(d.rec.Warnings, lifecycle.Warning{
		Code: "time-modelled", Path: "/run/duration_s", Detail: how + ": the error of this time is in the energy, not in the devices' share",
	})
}
