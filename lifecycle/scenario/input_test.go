package scenario

import (
	"math"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestFiguresAreReadWithTheirUnits(t *testing.T) {
	for text, want := range map[string]struct {
		unit             string
		value, low, high float64
		per              string
	}{
		"300 W":                           {"W", 300, 300, 300, ""},
		"1.2kW (0.5 to 2)":                {"W", 1200, 500, 2000, ""},
		"15 µW":                           {"W", 15e-6, 15e-6, 15e-6, ""},
		"0.24 Wh/request (0.1 to 1)":      {"J", 864, 360, 3600, "request"},
		"40 ms/part":                      {"s", 0.04, 0.04, 0.04, "part"},
		"50 MWh (40–60)":                  {"J", 1.8e11, 1.44e11, 2.16e11, ""},
		"1.46 million h":                  {"s", 1.46e6 * 3600, 1.46e6 * 3600, 1.46e6 * 3600, ""},
		"2 million requests/day (1 to 4)": {"rate", 2e6 / 86400., 1e6 / 86400., 4e6 / 86400., "requests"},
		"30 %":                            {"share", 0.3, 0.3, 0.3, ""},
		"30 % (20 to 40)":                 {"share", 0.3, 0.2, 0.4, ""},
		"30 % (20 % to 40 %)":             {"share", 0.3, 0.2, 0.4, ""},
		"-5 %/year (-10 to 2)":            {"growth", -0.05, -0.1, 0.02, ""},
		"3 years":                         {"s", 3 * 365.25 * 86400, 3 * 365.25 * 86400, 3 * 365.25 * 86400, ""},
		"150 kgCO2e (90 to 250)":          {"gCO2e", 150e3, 90e3, 250e3, ""},
		"0.2 EUR/kWh":                     {"money/kWh", 0.2, 0.2, 0.2, "EUR"},
		"86.4 EUR/d":                      {"money/h", 3.6, 3.6, 3.6, "EUR"},
		"3000 EUR":                        {"money", 3000, 3000, 3000, "EUR"},
		"1e3":                             {"1", 1000, 1000, 1000, ""},
		"2e+06 devices":                   {"1", 2e6, 2e6, 2e6, ""},
	} {
		in, err := quantity(text, want.unit, true)
		require.NoError(t, err, text)
		for i, pair := range [][2]float64{{want.value, in.Value}, {want.low, in.Low}, {want.high, in.High}} {
			assert.InDelta(t, pair[0], pair[1], 1e-9*math.Abs(pair[0]), "%s, %d", text, i)
		}
		assert.Equal(t, want.per, in.Per, text)
	}
}

func TestWhatIsNoFigureOfAFieldIsRefused(t *testing.T) {
	for text, c := range map[string]struct{ unit, says string }{
		"300":                    {"W", "a power, such as 300 W"},
		"300 Wh":                 {"W", "a power, such as 300 W"},
		"300 W/request":          {"W", "a power, such as 300 W"},
		"three W":                {"W", "a power, such as 300 W"},
		"":                       {"W", "a power"},
		"NaN W":                  {"W", "a power"},
		"Inf W":                  {"W", "a power"},
		"1e999 W":                {"W", "a power"},
		"-3 W":                   {"W", "out of range"},
		"5 W (6 to 7)":           {"W", "does not hold the figure"},
		"5 W (7 to 3)":           {"W", "does not hold the figure"},
		"5 W (0 to 7)":           {"W", "cannot begin at 0"},
		"5 W (4 to 7":            {"W", "a power"},
		"5 W (4 to 7) W":         {"W", "a power"},
		"5 W (4, 7)":             {"W", "a power"},
		"5 W (4)":                {"W", "a power"},
		"120 %":                  {"share", "out of range"},
		"5 fortnights":           {"s", "a time"},
		"2 requests":             {"rate", "a rate"},
		"2 requests/parsec":      {"rate", "a rate"},
		"2 /day":                 {"rate", "a rate"},
		"0.2 EUR/h":              {"money/kWh", "a price"},
		"-100 %/year":            {"growth", "out of range"},
		"4 %":                    {"decline", "such as 4 %/year"},
		strings.Repeat("9", 400): {"1", "a number"},
	} {
		_, err := quantity(text, c.unit, false)
		require.Error(t, err, text)
		assert.ErrorContains(t, err, c.says, text)
		assert.Less(t, len(err.Error()), 300)
	}
}

func FuzzQuantity(f *testing.F) {
	for _, text := range []string{"300 W", "0.24 Wh/request (0.1 to 1)", "2 million requests/day", "1e5 (", "5 W (4–7)", "-3 %/year (-4 to 1)", "+.e W", "0 EUR/kWh"} {
		for unit := range dimensions {
			f.Add(text, unit)
		}
	}
	f.Fuzz(func(t *testing.T, text, unit string) {
		if _, known := dimensions[unit]; !known {
			return
		}
		in, err := quantity(text, unit, true)
		if err != nil {
			return
		}
		if !(in.Low <= in.Value && in.Value <= in.High) || math.IsInf(in.High, 0) || math.IsNaN(in.Value) {
			t.Fatalf("%q is %v", text, in)
		}
	})
}
