package report

import (
	"math"
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
	wattHours = []unit{{3.6e12, "GWh"}, {3.6e9, "MWh"}, {3.6e6, "kWh"}, {3600, "Wh"}, {3.6, "mWh"}, {3.6e-3, "µWh"}, {3.6e-6, "nWh"}}
	grams     = []unit{{1e6, "t"}, {1e3, "kg"}, {1, "g"}, {1e-3, "mg"}, {1e-6, "µg"}, {1e-9, "ng"}}
	co2e      = []unit{{1e6, "tCO2e"}, {1e3, "kgCO2e"}, {1, "gCO2e"}, {1e-3, "mgCO2e"}, {1e-6, "µgCO2e"}, {1e-9, "ngCO2e"}}
	litres    = []unit{{1e3, "m³"}, {1, "L"}, {1e-3, "mL"}, {1e-6, "µL"}}
	joules    = []unit{{1e12, "TJ"}, {1e9, "GJ"}, {1e6, "MJ"}, {1e3, "kJ"}, {1, "J"}, {1e-3, "mJ"}, {1e-6, "µJ"}}
	watts     = []unit{{1e6, "MW"}, {1e3, "kW"}, {1, "W"}, {1e-3, "mW"}, {1e-6, "µW"}}
	antimony  = []unit{{1, "kgSbeq"}, {1e-3, "gSbeq"}, {1e-6, "mgSbeq"}, {1e-9, "µgSbeq"}}
	waste     = []unit{{1e3, "t"}, {1, "kg"}, {1e-3, "g"}, {1e-6, "mg"}, {1e-9, "µg"}}
	memory    = []unit{{1 << 40, "TiB"}, {1 << 30, "GiB"}, {1 << 20, "MiB"}, {1 << 10, "KiB"}, {1, "B"}}
	data      = []unit{{1e15, "PB"}, {1e12, "TB"}, {1e9, "GB"}, {1e6, "MB"}, {1e3, "kB"}, {1, "B"}}
)

// unitFor is the largest unit of which v is at least one, else the smallest.
func unitFor(v float64, units []unit) unit {
	v = math.Abs(v)
	for _, u := range units {
		if v >= u.size*0.9995 || v == 0 && (u.size == 1 || u.name == "Wh") { // it is one of them once it is rounded
			return u
		}
	}
	return units[len(units)-1]
}

// nbsp keeps a number and its unit on one line.
const nbsp = "\u00a0"

// amount is a figure in the unit that suits it: 1.04 kWh.
func amount(v float64, units []unit) string {
	u := unitFor(v, units)
	return digits(v/u.size) + nbsp + u.name
}

// bounds are those of a quantity in the unit that suits its value: 0.979–1.12;
// "" if all that it rests on is taken as exact.
func bounds(q lifecycle.Quantity, units []unit) string {
	if q.Low == q.High {
		return ""
	}
	u := unitFor(q.Value, units)
	return digits(q.Low/u.size) + "–" + digits(q.High/u.size)
}

// digits writes a number with three significant digits, as many zeros behind
// the point as they need, and an exponent only where nobody could count them.
func digits(v float64) string {
	if v == 0 || math.IsNaN(v) || math.IsInf(v, 0) {
		return strconv.FormatFloat(v, 'f', -1, 64)
	}
	rounded, _ := strconv.ParseFloat(strconv.FormatFloat(v, 'e', 2, 64), 64)
	magnitude := int(math.Floor(math.Log10(math.Abs(rounded))))
	if magnitude > 8 || magnitude < -6 {
		return strconv.FormatFloat(rounded, 'g', 3, 64)
	}
	text := strconv.FormatFloat(rounded, 'f', max(2-magnitude, 0), 64)
	if whole, fraction, found := strings.Cut(text, "."); !found {
		return grouped(whole)
	} else {
		return grouped(whole) + "." + fraction
	}
}

// trimmed is digits without idle zeros.
func trimmed(v float64) string {
	text := digits(v)
	if strings.Contains(text, ".") && !strings.Contains(text, "e") {
		text = strings.TrimRight(strings.TrimRight(text, "0"), ".")
	}
	return text
}

// grouped writes the digits of a whole number in groups of three, between which
// no line breaks: 12 000.
func grouped(text string) string {
	sign := ""
	if rest, found := strings.CutPrefix(text, "-"); found {
		sign, text = "−", rest
	}
	if len(text) < 5 {
		return sign + text
	}
	var b strings.Builder
	for i, r := range text {
		if i > 0 && (len(text)-i)%3 == 0 {
			b.WriteRune('\u202f')
		}
		b.WriteRune(r)
	}
	return sign + b.String()
}

func count(n int64) string { return grouped(strconv.FormatInt(n, 10)) }

// plural is a number of things: 1 path, 3 paths.
func plural(n int, one string) string {
	if n == 1 {
		return "1 " + one
	}
	return count(int64(n)) + " " + one + "s"
}

// percent is a share: 85.3 %.
func percent(share float64) string { return trimmed(100*share) + nbsp + "%" }

const year = 365.25 * 24 * 3600

// duration is seconds as people say them: 1 h 12 min, 4.25 s.
func duration(s float64) string {
	parts := func(of, per float64, large, small string) string {
		text := grouped(strconv.FormatFloat(math.Floor(of/per), 'f', 0, 64)) + nbsp + large
		if rest := math.Mod(of, per); rest > 0 {
			text += nbsp + strconv.FormatFloat(rest, 'f', 0, 64) + nbsp + small
		}
		return text
	}
	switch {
	case s == 0:
		return "0" + nbsp + "s"
	case s < 999.5e-6:
		return trimmed(s*1e6) + nbsp + "µs"
	case s < 0.9995:
		return trimmed(s*1e3) + nbsp + "ms"
	case s < 59.95:
		return trimmed(s) + nbsp + "s"
	case s < 3599.5:
		return parts(math.Round(s), 60, "min", "s")
	case s < 86400-30:
		return parts(math.Round(s/60), 60, "h", "min")
	case s < 3*year:
		return parts(math.Round(s/3600), 24, "d", "h")
	}
	return trimmed(s/year) + nbsp + "years"
}

// when is the time of a run: both days only if they differ.
func when(start, end *time.Time) string {
	if start == nil {
		return ""
	}
	text := start.UTC().Format("2 January 2006, 15:04:05")
	if end != nil {
		layout := "15:04:05"
		if start.UTC().Format(time.DateOnly) != end.UTC().Format(time.DateOnly) {
			layout = "2 January 2006, 15:04:05"
		}
		text += " – " + end.UTC().Format(layout)
	}
	return text + " UTC"
}

// exact is a number with all its digits, for machines.
func exact(v float64) string {
	if size := math.Abs(v); size >= 1e-6 && size < 1e15 {
		return strconv.FormatFloat(v, 'f', -1, 64)
	}
	return strconv.FormatFloat(v, 'g', -1, 64)
}
