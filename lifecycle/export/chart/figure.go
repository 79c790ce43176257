package chart

import (
	"fmt"
	"strings"

	"github.com/ecotracer/ecotracer/internal/inwords"
	"github.com/ecotracer/ecotracer/internal/phases"
	"github.com/ecotracer/ecotracer/lifecycle"
)

// words is a figure for people, in the unit of its axis: ≥ 20.6 (8.41–46.9).
// What is less than a thousandth of that has a unit of its own.
func words(f *phases.Figure, axis inwords.Unit, units []inwords.Unit) string {
	if f.Quantity == nil {
		return f.Why
	}
	u, name := axis, ""
	if f.Quantity.Value < 0.9995e-3*axis.Size && f.Quantity.Value > 0 {
		u = inwords.UnitFor(f.Quantity.Value, units)
		name = " " + u.Name
	}
	text := inwords.Digits(f.Quantity.Value/u.Size) + name + inwords.Bracketed(inwords.Bounds(f.Quantity.Low/u.Size, f.Quantity.High/u.Size))
	if f.Least {
		text = "≥ " + text
	}
	return text
}

// Text tells what a picture of the record shows, in words: for those who do not
// see it.
func Text(r *lifecycle.Record) string {
	var b strings.Builder
	say := func(what string, total *lifecycle.Quantity, figures []phases.Figure, units []inwords.Unit) {
		b.WriteString(what + ": ")
		for _, f := range figures {
			text := f.Why
			if f.Quantity != nil {
				text = inwords.Figure(*f.Quantity, units)
			}
			if f.Least {
				text = "at least " + text
			}
			fmt.Fprintf(&b, "%s %s; ", label(f.Phase), text)
		}
		text := phases.Unknown
		if total != nil {
			text = inwords.Figure(*total, units)
		}
		fmt.Fprintf(&b, "in all %s. ", text)
	}
	b.WriteString("What the run came to, by phase, with 95 % intervals. ")
	say("Emissions", r.Totals.GCO2e, phases.Emissions(r), inwords.CO2e)
	say("Energy", &r.Totals.EnergyJ, phases.Energy(r), inwords.WattHours)
	return strings.TrimRight(b.String(), " ")
}

// label is a phase for people.
func label(p lifecycle.Phase) string {
	if p == lifecycle.PhaseEndOfLife {
		return "end of life"
	}
	return string(p)
}
