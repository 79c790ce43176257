package scenario

import (
	"errors"
	"fmt"
	"math"
	"strconv"
	"strings"

	"github.com/ecotracer/ecotracer/internal/inwords"
	"github.com/ecotracer/ecotracer/lifecycle"
)

// Input is a figure that is given: a best estimate with its 95 % interval, of
// all years or of some years on, in the unit of the field that it is in (W, J,
// s, gCO2e, L/kWh, B, a second for rates, shares as fractions).
type Input struct {
	lifecycle.Interval
	Per    string  `json:"per,omitempty"` // what it is for one of; of money, the currency
	Later  []Later `json:"later,omitempty"`
	Source string  `json:"source,omitempty"`
}

// Later is the figure from the begin of a year on.
type Later struct {
	Year int `json:"year"`
	lifecycle.Interval
}

// Exactly is an input without an error.
func Exactly(x float64) *Input {
	return &Input{Interval: lifecycle.Interval{Value: x, Low: x, High: x}}
}

// Between is an input with its 95 % interval.
func Between(value, low, high float64) *Input {
	return &Input{Interval: lifecycle.Interval{Value: value, Low: low, High: high}}
}

// year is the seconds of one, as lifetimes are told.
const year = 365.25 * 24 * 3600

const joulesPerKWh = 3.6e6

// dimension is what a figure may be written in.
type dimension struct {
	what  string             // how to write it
	units map[string]float64 // by name: how many of the field's unit it is
	least float64
	most  float64
}

var times = map[string]float64{
	"ms": 1e-3, "s": 1, "second": 1, "seconds": 1, "min": 60, "minute": 60, "minutes": 60, "h": 3600, "hour": 3600, "hours": 3600,
	"d": 86400, "day": 86400, "days": 86400, "week": 7 * 86400, "weeks": 7 * 86400,
	"month": year / 12, "months": year / 12, "year": year, "years": year,
}

// dimensions are those of the unit tags of a scenario.
var dimensions = map[string]dimension{
	"1":         {"a number, such as 12 or 1.2 million", map[string]float64{"": 1, "devices": 1, "device": 1}, 0, 1e15},
	"share":     {"a share, such as 30 % or 0.3", map[string]float64{"": 1, "%": 0.01}, 0, 1},
	"growth":    {"a growth, such as 20 %/year", map[string]float64{"%/year": 0.01}, -0.99, 100},
	"decline":   {"a decline, such as 4 %/year", map[string]float64{"%/year": 0.01}, -1, 0.99},
	"W":         {"a power, such as 300 W", map[string]float64{"µW": 1e-6, "uW": 1e-6, "mW": 1e-3, "W": 1, "kW": 1e3, "MW": 1e6}, 0, 1e12},
	"J":         {"an energy, such as 0.3 Wh", map[string]float64{"mJ": 1e-3, "J": 1, "kJ": 1e3, "MJ": 1e6, "GJ": 1e9, "mWh": 3.6, "Wh": 3600, "kWh": 3.6e6, "MWh": 3.6e9, "GWh": 3.6e12, "TWh": 3.6e15}, 0, 1e21},
	"s":         {"a time, such as 5 years or 40 ms", times, 0, 1e15},
	"B":         {"an amount of data, such as 20 TB", map[string]float64{"B": 1, "kB": 1e3, "MB": 1e6, "GB": 1e9, "TB": 1e12, "PB": 1e15}, 0, 1e24},
	"gCO2e":     {"emissions, such as 150 kgCO2e", map[string]float64{"gCO2e": 1, "kgCO2e": 1e3, "tCO2e": 1e6}, 0, 1e15},
	"gCO2e/kWh": {"an intensity, such as 280 gCO2e/kWh", map[string]float64{"gCO2e/kWh": 1, "kgCO2e/kWh": 1e3}, 0, 1e4},
	"L":         {"an amount of water, such as 3 m3", map[string]float64{"L": 1, "m3": 1e3, "m³": 1e3}, 0, 1e18},
	"L/kWh":     {"water by electricity, such as 0.4 L/kWh", map[string]float64{"L/kWh": 1}, 0, 1e3},
	"rate":      {"a rate, such as 2 million requests/day", nil, 0, 1e12},
	"money":     {"money, such as 3000 EUR", nil, 0, 1e15},
	"money/kWh": {"a price, such as 0.2 EUR/kWh", nil, 0, 1e6},
	"money/h":   {"a rent, such as 2.5 EUR/h", nil, 0, 1e9},
}

var scales = map[string]float64{"thousand": 1e3, "million": 1e6, "billion": 1e9, "trillion": 1e12}

// quantity reads a figure with its unit, and its interval where that is told:
// "0.3 Wh/request (0.1 to 0.9)". Unit is a key of dimensions; per allows a unit of
// work behind a slash.
func quantity(text, unit string, per bool) (*Input, error) {
	d := dimensions[unit]
	wrong := func() error {
		also := ""
		if per {
			also = ", also of one unit of the service: …/request"
		}
		return fmt.Errorf("%q is not %s%s; a 95 %% interval stands behind it: … (low to high)", clipped(text), d.what, also)
	}
	head, bounds, interval := strings.Cut(text, "(")
	value, rest, ok := leadingNumber(head)
	if !ok {
		return nil, wrong()
	}
	size := 1.0
	if word, after, _ := strings.Cut(rest, " "); scales[word] > 0 {
		size, rest = scales[word], strings.TrimSpace(after)
	}
	in := &Input{Source: "given"}
	unitSize, of, ok := d.size(unit, rest, per)
	if !ok {
		return nil, wrong()
	}
	in.Per, size = of, size*unitSize
	in.Interval = lifecycle.Interval{Value: value * size, Low: value * size, High: value * size}
	if interval {
		low, high, ok := boundsIn(bounds)
		if !ok {
			return nil, wrong()
		}
		in.Low, in.High = low*size, high*size
	}
	return in, in.check(unit)
}

// size tells how many of the field's unit one of a written unit is, and what it
// is for one of.
func (d dimension) size(unit, written string, per bool) (size float64, of string, ok bool) {
	before, after, slash := strings.Cut(written, "/")
	switch {
	case unit == "rate": // requests/day
		size, ok = times[after]
		return 1 / size, before, ok && isName(before)
	case strings.HasPrefix(unit, "money"):
		_, want, _ := strings.Cut(unit, "/")
		if want == "h" {
			size, ok = times[after]
			return 3600 / size, before, ok && isName(before)
		}
		return 1, before, after == want && isName(before)
	}
	if size, ok = d.units[written]; ok || !per || !slash {
		return size, "", ok
	}
	size, ok = d.units[before]
	return size, after, ok && isName(after)
}

// leadingNumber cuts the number off that a text begins with.
func leadingNumber(text string) (x float64, rest string, ok bool) {
	text = strings.TrimSpace(text)
	n := 0
	for n < len(text) && (strings.IndexByte("+-.0123456789", text[n]) >= 0 || n > 0 && (text[n] == 'e' || text[n] == 'E') && n+1 < len(text) && strings.IndexByte("+-0123456789", text[n+1]) >= 0) {
		n++
	}
	x, err := strconv.ParseFloat(text[:n], 64)
	return x, strings.TrimSpace(text[n:]), err == nil && !math.IsInf(x, 0)
}

// boundsIn reads "0.1 to 0.9)", or 0.1–0.9.
func boundsIn(text string) (low, high float64, ok bool) {
	text, closed := strings.CutSuffix(strings.TrimSpace(text), ")")
	low, rest, first := leadingNumber(text)
	rest = strings.TrimSpace(strings.TrimPrefix(rest, "%"))
	for _, word := range []string{"to ", "–"} {
		if after, found := strings.CutPrefix(rest, word); found {
			high, rest, ok = leadingNumber(after)
			return low, high, ok && first && closed && (rest == "" || rest == "%")
		}
	}
	return 0, 0, false
}

// isName tells whether a text may be the name of a unit of work, or a currency.
func isName(text string) bool {
	return text != "" && len(text) <= 64 && strings.IndexFunc(text, func(r rune) bool {
		return !(r == '-' || r == '_' || r == '.' || r >= '0' && r <= '9' || r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z')
	}) < 0
}

// clipped is a text that a message can hold.
func clipped(text string) string {
	if len(text) > 60 {
		return text[:60] + "…"
	}
	return text
}

// all are the intervals of an input, the first year's first.
func (in *Input) all() []lifecycle.Interval {
	all := []lifecycle.Interval{in.Interval}
	for _, l := range in.Later {
		all = append(all, l.Interval)
	}
	return all
}

// at is the interval of a calendar year.
func (in *Input) at(calendar int) lifecycle.Interval {
	q := in.Interval
	for _, l := range in.Later {
		if l.Year <= calendar {
			q = l.Interval
		}
	}
	return q
}

// check refuses what cannot be a figure of the unit.
func (in *Input) check(unit string) error {
	d := dimensions[unit]
	for _, q := range in.all() {
		for _, x := range []float64{q.Value, q.Low, q.High} {
			if math.IsNaN(x) || x < d.least || x > d.most {
				return fmt.Errorf("%s is out of range: it is %s to %s, in %s", inwords.Trimmed(x), inwords.Trimmed(d.least), inwords.Trimmed(d.most), baseUnit(unit))
			}
		}
		signed := d.least < 0
		switch {
		case q.Low > q.Value || q.High < q.Value:
			return errors.New("the interval does not hold the figure: write figure (low to high)")
		case q.Low == 0 && q.High > 0 && !signed:
			return errors.New("an interval cannot begin at 0: write the least that it may be")
		}
	}
	if len(in.Later) > MaxYears {
		return fmt.Errorf("figures of %d years: at most %d", len(in.Later), MaxYears)
	}
	for i, l := range in.Later {
		if i > 0 && l.Year <= in.Later[i-1].Year {
			return errors.New("the years are not in order")
		}
	}
	return nil
}

// baseUnit names the unit that a field is kept in.
func baseUnit(unit string) string {
	switch unit {
	case "1":
		return "units"
	case "share", "growth", "decline":
		return "fractions"
	case "rate":
		return "units a second"
	case "money", "money/kWh", "money/h":
		return "units of money"
	}
	return unit
}
