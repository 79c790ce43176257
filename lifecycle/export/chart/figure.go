package chart

import (
	"fmt"
	"math"
	"strconv"
	"strings"

	"github.com/ecotracer/ecotracer/internal/phases"
	"github.com/ecotracer/ecotracer/lifecycle"
)

// words is a figure for people, in the unit of its axis: ≥ 20.6 (8.41–46.9).
// What is less than a thousandth of that has a unit of its own.
func words(f *phases.Figure, axis unit, units []unit) string {
	if f.Quantity == nil {
		return f.Why
	}
	u, name := axis, ""
	if f.Quantity.Value < 0.9995e-3*axis.size && f.Quantity.Value > 0 {
		u = unitFor(f.Quantity.Value, units)
		name = " " + u.name
	}
	text := interval(*f.Quantity, u) + name
	if f.Least {
		text = "≥ " + text
	}
	return text
}

// Text tells what a picture of the record shows, in words: for those who do not
// see it.
func Text(r *lifecycle.Record) string {
	var b strings.Builder
	say := func(what string, total *lifecycle.Quantity, figures []phases.Figure, units []unit) {
		b.WriteString(what + ": ")
		for _, f := range figures {
			text := f.Why
			if f.Quantity != nil {
				text = amount(*f.Quantity, units)
			}
			if f.Least {
				text = "at least " + text
			}
			fmt.Fprintf(&b, "%s %s; ", label(f.Phase), text)
		}
		text := phases.Unknown
		if total != nil {
			text = amount(*total, units)
		}
		fmt.Fprintf(&b, "in all %s. ", text)
	}
	b.WriteString("What the run came to, by phase, with 95 % intervals. ")
	say("Emissions", r.Totals.GCO2e, phases.Emissions(r), grams)
	say("Energy", &r.Totals.EnergyJ, phases.Energy(r), wattHours)
	return strings.TrimRight(b.String(), " ")
}

// label is a phase for people.
func label(p lifecycle.Phase) string {
	if p == lifecycle.PhaseEndOfLife {
		return "end of life"
	}
	return string(p)
}

// unit is a unit for people, and how much of the record's it is.
type unit struct {
	size float64
	name string
}

var (
	wattHours = []unit{{3.6e15, "TWh"}, {3.6e12, "GWh"}, {3.6e9, "MWh"}, {3.6e6, "kWh"}, {3600, "Wh"}, {3.6, "mWh"}, {3.6e-3, "µWh"}}
	grams     = []unit{{1e12, "MtCO2e"}, {1e6, "tCO2e"}, {1e3, "kgCO2e"}, {1, "gCO2e"}, {1e-3, "mgCO2e"}, {1e-6, "µgCO2e"}, {1e-9, "ngCO2e"}}
)

// unitFor is the largest unit of which v is at least one, else the smallest;
// grams or Wh of nothing.
func unitFor(v float64, units []unit) unit {
	for _, u := range units {
		if v >= u.size*0.9995 || v == 0 && (u.size == 1 || u.size == 3600) { // it is one of them once it is rounded
			return u
		}
	}
	return units[len(units)-1]
}

// amount is a quantity in the unit that suits it: 20.6 (8.41–46.9) gCO2e.
func amount(q lifecycle.Quantity, units []unit) string {
	u := unitFor(q.Value, units)
	return interval(q, u) + " " + u.name
}

// interval is a quantity with its bounds: 20.6 (8.41–46.9). There are none if all
// that it rests on was given as exact.
func interval(q lifecycle.Quantity, u unit) string {
	text := digits(q.Value / u.size)
	if low, high := digits(q.Low/u.size), digits(q.High/u.size); low != high {
		text += " (" + low + "–" + high + ")"
	}
	return text
}

// digits writes a number with three significant digits. Only what no picture of
// the larger ones could hold has an exponent.
func digits(v float64) string {
	if v == 0 {
		return "0"
	}
	rounded, _ := strconv.ParseFloat(strconv.FormatFloat(v, 'e', 2, 64), 64)
	if rounded < 1e-4 || rounded >= 1e7 {
		return strconv.FormatFloat(v, 'g', 3, 64)
	}
	decimals := 2 - int(math.Floor(math.Log10(rounded)))
	return strconv.FormatFloat(rounded, 'f', max(decimals, 0), 64)
}
