package factors

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"
	"time"
)

// units of each kind; the first is meant where a query names none.
var units = map[Kind][]string{
	Grid:        {"gCO2e/kWh"},
	PUE:         {"1"},
	WUE:         {"L/kWh"},
	EWIF:        {"L/kWh"},
	Residual:    {"gCO2e/kWh"},
	Instrument:  {"gCO2e/kWh"},
	Marginal:    {"gCO2e/kWh"},
	Loss:        {"1"},
	CarbonFree:  {"1"},
	Production:  {"gCO2e", "kgSbeq", "J", "kg"},
	EndOfLife:   {"gCO2e", "kgSbeq", "J", "kg"},
	Transport:   {"gCO2e", "kgSbeq", "J", "kg"},
	Lifetime:    {"s"},
	Utilisation: {"1"},
	Storage:     {"Wh/TBh"},
	Transfer:    {"kWh/GB"},
	Service:     {"Wh", "gCO2e"},
	IdlePower:   {"W", "W/GB", "W/thread", "W/W"},
	FullPower:   {"W", "W/GB", "W/thread", "W/W"},
}

// absurd is above what a figure can be: a wrong unit, not a surprise. By kind,
// or by kind and unit where units differ.
var absurd = map[string]float64{
	"grid": 5000, "residual": 5000, "instrument": 5000, "marginal": 5000,
	"pue": 10, "wue": 200, "ewif": 200, "loss": 1, "carbon-free": 1, "utilisation": 1,
	"production gCO2e": 1e10, "end-of-life gCO2e": 1e10, "transport gCO2e": 1e10, // 10,000 t a device
	"production kgSbeq": 1e4, "end-of-life kgSbeq": 1e4, "transport kgSbeq": 1e4,
	"production J": 1e14, "end-of-life J": 1e14, "transport J": 1e14,
	"production kg": 1e6, "end-of-life kg": 1e6, "transport kg": 1e6,
	"lifetime": 100 * 31557600, // a century
	"storage":  1e4, "transfer": 1e3, "service": 1e9,
	"idle-power W": 1e6, "idle-power W/GB": 100, "idle-power W/thread": 1e3, "idle-power W/W": 10,
	"full-power W": 1e6, "full-power W/GB": 100, "full-power W/thread": 1e3, "full-power W/W": 10,
}

// axes that an electricity factor must tell, with their values. Mixing two of
// them up is an error of up to a factor of thirty.
var axes = []struct {
	name   string
	of     func(*Factor) string
	values []string
}{
	{"signal", func(f *Factor) string { return f.Signal }, []string{"average", "marginal"}},
	{"accounting", func(f *Factor) string { return f.Accounting }, []string{"location", "market"}},
	{"basis", func(f *Factor) string { return f.Basis }, []string{"lifecycle", "direct"}},
	{"mix", func(f *Factor) string { return f.Mix }, []string{"production", "consumption", "residual"}},
}

// Check tells whether f is a factor at all: kind and unit known and fitting,
// 0 < Low ≤ Value ≤ High (or all three 0), source, year and quality there,
// and for electricity all four axes. It returns every fault, joined, or nil.
// A figure that is merely surprising passes, an absurd one does not, such as a
// grid of 50,000 gCO2e/kWh or a lifetime of more than a century.
func (f Factor) Check() error {
	var faults []error
	fault := func(format string, args ...any) {
		faults = append(faults, fmt.Errorf("factor %q: "+format, append([]any{f.ID}, args...)...))
	}
	if f.ID == "" {
		fault("id is empty: give it a name such as grid.DE")
	}
	fits, known := units[f.Kind]
	switch {
	case !known:
		fault("kind %q is unknown: write one of %s", f.Kind, kindNames())
	case !slices.Contains(fits, f.Unit):
		fault("unit %q does not fit kind %s: write %s", f.Unit, f.Kind, strings.Join(fits, " or "))
	}
	f.checkFigures(fault)
	if f.Source == "" {
		fault("source is empty: say where the figure comes from")
	}
	if f.SourceYear < 1900 || f.SourceYear > 2200 {
		fault("source_year %d is no year", f.SourceYear)
	}
	if !slices.Contains([]string{"A", "B", "C", "D"}, f.Quality) {
		fault("quality %q: write A, B, C or D", f.Quality)
	}
	f.checkPlace(fault)
	f.checkAxes(fault)
	f.checkDates(fault)
	return errors.Join(faults...)
}

func (f *Factor) checkFigures(fault func(string, ...any)) {
	for _, x := range []float64{f.Value, f.Low, f.High} {
		if math.IsNaN(x) || math.IsInf(x, 0) {
			fault("value, low and high must be finite, not %v, %v and %v", f.Value, f.Low, f.High)
			return
		}
	}
	switch zero := f.Value == 0 && f.Low == 0 && f.High == 0; {
	case f.Low > f.Value || f.Value > f.High:
		fault("low ≤ value ≤ high does not hold: %v, %v, %v", f.Low, f.Value, f.High)
	case f.Low <= 0 && !zero:
		fault("low is %v: it must be above 0, unless value, low and high are all 0", f.Low)
	case f.Kind == PUE && f.Low < 1:
		fault("a PUE is at least 1: low is %v", f.Low)
	case f.Kind == Utilisation && (f.High > 1 || zero):
		fault("a utilisation is above 0 and at most 1: %v, %v, %v", f.Low, f.Value, f.High)
	case f.Kind == Lifetime && zero:
		fault("a lifetime is above 0")
	}
	most, ok := absurd[string(f.Kind)]
	if !ok {
		most, ok = absurd[string(f.Kind)+" "+f.Unit]
	}
	for _, x := range []struct {
		column string
		value  float64
	}{{"value", f.Value}, {"low", f.Low}, {"high", f.High}} {
		if ok && x.value > most {
			fault("%s %v %s is absurd: %s is at most %v; is the unit right?", x.column, x.value, f.Unit, f.Kind, most)
		}
	}
}

// checkPlace refuses what looks like a country and is none. Grid zones and the
// names of sites are free.
func (f *Factor) checkPlace(fault func(string, ...any)) {
	g := f.Geography
	if g == "" || g == world || IsCountry(g) {
		return
	}
	code, _, sub := strings.Cut(g, "-")
	if len(code) == 2 && code == strings.ToUpper(code) && (sub || len(g) == 2) {
		if !IsCountry(code) {
			fault("geography %q: there is no country %s", g, code)
		}
		return
	}
	if code, err := Country(g); err == nil {
		fault("geography %q: write the ISO 3166-1 alpha-2 code, %s", g, code)
	} else if up := strings.ToUpper(g); up != g && isRegion(up) && IsCountry(up[:2]) {
		fault("geography %q: write the ISO 3166-2 code in capitals, %s", g, up)
	}
}

func (f *Factor) checkAxes(fault func(string, ...any)) {
	for _, a := range axes {
		if got := a.of(f); (isElectric(f.Kind) || got != "") && !slices.Contains(a.values, got) {
			fault("%s %q: write %s", a.name, got, strings.Join(a.values, " or "))
		}
	}
	gwps := []string{"AR5", "AR6", "unstated"}
	if strings.HasPrefix(f.Unit, "gCO2e") != (f.GWP != "") || f.GWP != "" && !slices.Contains(gwps, f.GWP) {
		fault("gwp %q: write %s where the unit has gCO2e, and nothing elsewhere", f.GWP, strings.Join(gwps, " or "))
	}
}

func (f *Factor) checkDates(fault func(string, ...any)) {
	var at [2]time.Time
	for i, date := range []string{f.ValidFrom, f.ValidTo} {
		if date == "" {
			continue
		}
		t, err := time.Parse(time.DateOnly, date)
		if err != nil {
			fault("%q is no date: write it as 2024-12-31", date)
			return
		}
		at[i] = t
	}
	if f.ValidFrom != "" && f.ValidTo != "" && at[1].Before(at[0]) {
		fault("valid_to %s is before valid_from %s", f.ValidTo, f.ValidFrom)
	}
}

func kindNames() string {
	names := make([]string, 0, len(units))
	for k := range units {
		names = append(names, string(k))
	}
	slices.Sort(names)
	return strings.Join(names, ", ")
}
