package main

import (
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/ecotracer/ecotracer/lifecycle"
)

// unit is a unit for people, and how much of the record's unit it is.
type unit struct {
	size float64
	name string
}

// Units for people, the largest first.
var (
	joules    = []unit{{1e12, "TJ"}, {1e9, "GJ"}, {1e6, "MJ"}, {1e3, "kJ"}, {1, "J"}, {1e-3, "mJ"}, {1e-6, "µJ"}, {1e-9, "nJ"}}
	grams     = []unit{{1e6, "t"}, {1e3, "kg"}, {1, "g"}, {1e-3, "mg"}, {1e-6, "µg"}, {1e-9, "ng"}}
	litres    = []unit{{1e3, "m³"}, {1, "L"}, {1e-3, "mL"}, {1e-6, "µL"}}
	wattHours = []unit{{3.6e12, "GWh"}, {3.6e9, "MWh"}, {3.6e6, "kWh"}, {3600, "Wh"}, {3.6, "mWh"}, {3.6e-3, "µWh"}}
	antimony  = []unit{{1, "kgSbeq"}, {1e-3, "gSbeq"}, {1e-6, "mgSbeq"}, {1e-9, "µgSbeq"}}
	watts     = []unit{{1e3, "kW"}, {1, "W"}, {1e-3, "mW"}}
	sizes     = []unit{{1 << 40, "TiB"}, {1 << 30, "GiB"}, {1 << 20, "MiB"}, {1 << 10, "KiB"}, {1, "B"}}
)

// co2e are grams of CO2 equivalent.
var co2e = func() []unit {
	list := slices.Clone(grams)
	for i := range list {
		list[i].name += "CO2e"
	}
	return list
}()

// unitFor is the largest unit of which v is at least one, else the smallest.
func unitFor(v float64, units []unit) unit {
	for _, u := range units {
		if v >= u.size*0.9995 { // it is one of them once it is rounded
			return u
		}
	}
	if v == 0 {
		for _, u := range units {
			if u.size == 1 || u.name == "Wh" {
				return u
			}
		}
	}
	return units[len(units)-1]
}

// amount is a figure in the unit that suits it: 3.75 MJ.
func amount(v float64, units []unit) string {
	u := unitFor(v, units)
	return digits(v/u.size) + " " + u.name
}

// interval is a quantity with its 95 % bounds in one unit: 3.75 MJ (3.52–4.05);
// without bounds if all that it rests on was given as exact.
func interval(q lifecycle.Quantity, units []unit) (value, bounds string) {
	u := unitFor(q.Value, units)
	value = digits(q.Value/u.size) + " " + u.name
	if low, high := digits(q.Low/u.size), digits(q.High/u.size); low != high {
		bounds = "(" + low + "–" + high + ")"
	}
	return value, bounds
}

// digits writes a number with three significant digits and no exponent.
func digits(v float64) string {
	if v == 0 || math.IsNaN(v) || math.IsInf(v, 0) {
		return strconv.FormatFloat(v, 'f', -1, 64)
	}
	rounded, _ := strconv.ParseFloat(strconv.FormatFloat(v, 'e', 2, 64), 64)
	decimals := 2 - int(math.Floor(math.Log10(math.Abs(rounded))))
	return strconv.FormatFloat(rounded, 'f', min(max(decimals, 0), 15), 64)
}

// trimmed writes a number with three significant digits and no idle zeros.
func trimmed(v float64) string {
	text := digits(v)
	if strings.Contains(text, ".") {
		text = strings.TrimRight(strings.TrimRight(text, "0"), ".")
	}
	if whole, err := strconv.ParseInt(text, 10, 64); err == nil {
		return count(whole)
	}
	return text
}

// count writes a whole number in groups of three: 1 200 000.
func count(n int64) string {
	text := strconv.FormatInt(n, 10)
	var b strings.Builder
	for i, r := range text {
		if i > 0 && text[i-1] != '-' && (len(text)-i)%3 == 0 {
			b.WriteByte(' ')
		}
		b.WriteRune(r)
	}
	return b.String()
}

// duration writes seconds as people say them: 1 h 12 min, 3 min 20 s, 4.25 s.
func duration(seconds float64) string {
	whole := math.Round(seconds)
	switch {
	case seconds == 0:
		return "0 s"
	case seconds < 999.5e-6:
		return trimmed(seconds*1e6) + " µs"
	case seconds < 0.9995:
		return trimmed(seconds*1e3) + " ms"
	case whole < 60:
		return trimmed(seconds) + " s"
	case whole < 3600:
		return split(whole, 60, "min", "s")
	case math.Round(seconds/60) < 24*60:
		return split(math.Round(seconds/60), 60, "h", "min")
	}
	if days := seconds / 86400; days >= 1000 {
		return trimmed(seconds/year) + " years"
	}
	return split(math.Round(seconds/3600), 24, "d", "h")
}

// split writes n smaller units as larger and smaller ones.
func split(n, perLarge float64, large, small string) string {
	text := strconv.FormatFloat(math.Floor(n/perLarge), 'f', 0, 64) + " " + large
	if rest := math.Mod(n, perLarge); rest > 0 {
		text += " " + strconv.FormatFloat(rest, 'f', 0, 64) + " " + small
	}
	return text
}

// when writes the time of a run: both days only if they differ.
func when(start, end *time.Time) string {
	if start == nil {
		return ""
	}
	text := start.UTC().Format("2006-01-02 15:04:05")
	if end != nil {
		layout := "15:04:05"
		if start.UTC().Format(time.DateOnly) != end.UTC().Format(time.DateOnly) {
			layout = "2006-01-02 15:04:05"
		}
		text += " – " + end.UTC().Format(layout)
	}
	return text + " UTC"
}

// percent writes a share: 85.3 %, 5 %.
func percent(share float64) string {
	rounded, _ := strconv.ParseFloat(strconv.FormatFloat(100*share, 'e', 2, 64), 64)
	return strconv.FormatFloat(rounded, 'f', -1, 64) + " %"
}
