package inwords

import (
	"math"

	"github.com/ecotracer/ecotracer/factors"
	"github.com/ecotracer/ecotracer/lifecycle"
)

// Unit is a unit for people, and how much of the record's unit it is.
type Unit struct {
	Size float64 `json:"size"`
	Name string  `json:"name"`
}

// Units for people, the largest first.
var (
	Joules    = []Unit{{1e12, "TJ"}, {1e9, "GJ"}, {1e6, "MJ"}, {1e3, "kJ"}, {1, "J"}, {1e-3, "mJ"}, {1e-6, "µJ"}, {1e-9, "nJ"}}
	WattHours = []Unit{{3.6e15, "TWh"}, {3.6e12, "GWh"}, {3.6e9, "MWh"}, {3.6e6, "kWh"}, {3600, "Wh"}, {3.6, "mWh"}, {3.6e-3, "µWh"}, {3.6e-6, "nWh"}}
	CO2e      = []Unit{{1e12, "MtCO2e"}, {1e6, "tCO2e"}, {1e3, "kgCO2e"}, {1, "gCO2e"}, {1e-3, "mgCO2e"}, {1e-6, "µgCO2e"}, {1e-9, "ngCO2e"}}
	Grams     = []Unit{{1e12, "Mt"}, {1e6, "t"}, {1e3, "kg"}, {1, "g"}, {1e-3, "mg"}, {1e-6, "µg"}, {1e-9, "ng"}} // beside a heading that tells of what
	Kilograms = []Unit{{1e3, "t"}, {1, "kg"}, {1e-3, "g"}, {1e-6, "mg"}, {1e-9, "µg"}}
	Antimony  = []Unit{{1, "kgSbeq"}, {1e-3, "gSbeq"}, {1e-6, "mgSbeq"}, {1e-9, "µgSbeq"}}
	Litres    = []Unit{{1e3, "m³"}, {1, "L"}, {1e-3, "mL"}, {1e-6, "µL"}}
	Watts     = []Unit{{1e6, "MW"}, {1e3, "kW"}, {1, "W"}, {1e-3, "mW"}, {1e-6, "µW"}}
	Memory    = []Unit{{1 << 40, "TiB"}, {1 << 30, "GiB"}, {1 << 20, "MiB"}, {1 << 10, "KiB"}, {1, "B"}}
	Data      = []Unit{{1e15, "PB"}, {1e12, "TB"}, {1e9, "GB"}, {1e6, "MB"}, {1e3, "kB"}, {1, "B"}} // as storage and networks are sold
)

// UnitFor is the largest unit of which v is at least one once it is rounded, else
// the smallest; of nothing, the one in the middle: J, g, Wh.
func UnitFor(v float64, units []Unit) Unit {
	v = math.Abs(v)
	for _, u := range units {
		if v >= u.Size*0.9995 || v == 0 && (u.Size == 1 || u.Name == "Wh") {
			return u
		}
	}
	return units[len(units)-1]
}

// Amount is a figure in the unit that suits it: 3.75 MJ.
func Amount(v float64, units []Unit) string {
	u := UnitFor(v, units)
	return Digits(v/u.Size) + " " + u.Name
}

// Interval is a quantity and its 95 % bounds in the unit that suits its value:
// 3.75 MJ, 3.52–4.05; no bounds if all that it rests on was given as exact.
func Interval(q lifecycle.Quantity, units []Unit) (value, bounds string) {
	u := UnitFor(q.Value, units)
	return Digits(q.Value/u.Size) + " " + u.Name, Bounds(q.Low/u.Size, q.High/u.Size)
}

// Bounds are the bounds of an interval: 3.52–4.05; "" if they are told alike.
func Bounds(low, high float64) string {
	if l, h := Digits(low), Digits(high); l != h {
		return l + "–" + h
	}
	return ""
}

// Figure is a quantity with its bounds on one line: 3.75 MJ (3.52–4.05).
func Figure(q lifecycle.Quantity, units []Unit) string {
	value, bounds := Interval(q, units)
	return value + Bracketed(bounds)
}

// Bracketed is a text in parentheses after something else, "" if there is none.
func Bracketed(text string) string {
	if text == "" {
		return ""
	}
	return " (" + text + ")"
}

// FactorUnit is the unit that suits a factor; its name is "" of a plain number.
func FactorUnit(f *factors.Factor) Unit {
	switch f.Unit {
	case "1":
		return Unit{1, ""}
	case "s":
		return Unit{year, "years"}
	case "gCO2e":
		return UnitFor(f.Value, CO2e)
	case "kgSbeq":
		return UnitFor(f.Value, Antimony)
	case "J":
		return UnitFor(f.Value, Joules)
	}
	return Unit{1, f.Unit}
}

// FactorFigure is a factor's value and bounds in the unit that suits it: 346
// gCO2e/kWh, 311–381.
func FactorFigure(f *factors.Factor) (value, bounds string) {
	u := FactorUnit(f)
	value = Trimmed(f.Value / u.Size)
	if u.Name != "" {
		value += " " + u.Name
	}
	if f.Low != f.High {
		bounds = Trimmed(f.Low/u.Size) + "–" + Trimmed(f.High/u.Size)
	}
	return value, bounds
}

// Factor is a factor's value and bounds on one line.
func Factor(f *factors.Factor) string {
	value, bounds := FactorFigure(f)
	return value + Bracketed(bounds)
}
