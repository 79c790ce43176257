package main

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"

	"github.com/ecotracer/ecotracer/lifecycle"
)

func TestAmountsAreInTheUnitThatSuitsThem(t *testing.T) {
	for want, got := range map[string]string{
		"0 J":      amount(0, joules),
		"0 Wh":     amount(0, wattHours),
		"209 Wh":   amount(751e3, wattHours),
		"3.75 MJ":  amount(3_746_200, joules),
		"1.00 kJ":  amount(999.6, joules),
		"999 J":    amount(999.4, joules),
		"1.00 J":   amount(1, joules),
		"36.0 mJ":  amount(0.036, joules),
		"0.500 nJ": amount(5e-10, joules),
		"135 g":    amount(135.113, grams),
		"1.20 t":   amount(1_200_000, grams),
		"583 ng":   amount(5.83e-7, grams),
		"94.3 mL":  amount(0.0943, litres),
		"256 GiB":  amount(1<<38, sizes),
		"225 W":    amount(225, watts),
	} {
		assert.Equal(t, want, got)
	}
	value, bounds := interval(lifecycle.Quantity{Value: 954e-3, Low: 0.385, High: 2.43}, grams)
	assert.Equal(t, "954 mg", value)
	assert.Equal(t, "(385–2430)", bounds, "bounds are in the unit of the value")
}

func TestDurationsAreAsPeopleSayThem(t *testing.T) {
	for seconds, want := range map[float64]string{
		0: "0 s", 2.5e-8: "0.025 µs", 0.00031: "310 µs", 0.09: "90 ms", 0.9996: "1 s", 1: "1 s", 4.256: "4.26 s",
		59.4: "59.4 s", 59.6: "1 min", 90: "1 min 30 s", 600: "10 min", 3599.7: "1 h", 4300: "1 h 12 min",
		86400 - 20: "1 d", 90000: "1 d 1 h", 30 * 86400: "30 d",
	} {
		assert.Equal(t, want, duration(seconds), "%v s", seconds)
	}
}

func TestCountsAndShares(t *testing.T) {
	assert.Equal(t, "1 200 000", count(1_200_000))
	assert.Equal(t, "-1 234", count(-1234))
	assert.Equal(t, "100", count(100))
	assert.Equal(t, "85.3 %", percent(0.85276))
	assert.Equal(t, "5 %", percent(0.05))
	assert.Equal(t, "0 %", percent(0))
	assert.Equal(t, "1.25", trimmed(1.25))
	assert.Equal(t, "126 000 000", trimmed(126230400))
}

func TestTimesTellTheSecondDayOnlyIfItDiffers(t *testing.T) {
	at := func(day, hour int) *time.Time {
		at := time.Date(2026, 3, day, hour, 0, 0, 0, time.FixedZone("", 3600))
		return &at
	}
	assert.Equal(t, "2026-03-02 09:00:00 – 11:00:00 UTC", when(at(2, 10), at(2, 12)))
	assert.Equal(t, "2026-03-02 09:00:00 – 2026-03-03 09:00:00 UTC", when(at(2, 10), at(3, 10)))
	assert.Equal(t, "2026-03-02 09:00:00 UTC", when(at(2, 10), nil))
	assert.Empty(t, when(nil, nil))
}

func TestTextFromOutsideCannotSteerTheTerminal(t *testing.T) {
	assert.Equal(t, "a<U+001B>[2Jb", plain("a\x1b[2Jb"))
	assert.Equal(t, "a<U+000D><U+000A>b", plain("a\r\nb"))
	assert.Equal(t, "a<U+202E>b", plain("a\u202eb"), "nor reverse the writing")
	assert.Equal(t, "a<U+009B>b", plain("a\u009bb"))
	assert.Equal(t, "a<U+FFFD>b", plain("a\xffb"))
	assert.Equal(t, "grün 電力", plain("grün 電力"))
}
