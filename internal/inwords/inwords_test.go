package inwords

import (
	"math"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/ecotracer/ecotracer/factors"
	"github.com/ecotracer/ecotracer/lifecycle"
)

// Trap 71: no 0.000 kWh.
func TestAmountsAreInTheUnitThatSuitsThem(t *testing.T) {
	for want, got := range map[string]string{
		"0 J":      Amount(0, Joules),
		"0 Wh":     Amount(0, WattHours),
		"209 Wh":   Amount(751e3, WattHours),
		"3.75 MJ":  Amount(3_746_200, Joules),
		"1.00 kJ":  Amount(999.6, Joules),
		"999 J":    Amount(999.4, Joules),
		"1.00 J":   Amount(1, Joules),
		"36.0 mJ":  Amount(0.036, Joules),
		"0.500 nJ": Amount(5e-10, Joules),
		"135 g":    Amount(135.113, Grams),
		"1.20 t":   Amount(1_200_000, Grams),
		"583 ng":   Amount(5.83e-7, Grams),
		"94.3 mL":  Amount(0.0943, Litres),
		"256 GiB":  Amount(1<<38, Memory),
		"225 W":    Amount(225, Watts),
	} {
		assert.Equal(t, want, got)
	}
	value, bounds := Interval(lifecycle.Quantity{Value: 954e-3, Low: 0.385, High: 2.43}, Grams)
	assert.Equal(t, "954 mg", value)
	assert.Equal(t, "385–2430", bounds, "bounds are in the unit of the value")
}

func TestDurationsAreAsPeopleSayThem(t *testing.T) {
	for seconds, want := range map[float64]string{
		0: "0 s", 2.5e-8: "0.025 µs", 0.00031: "310 µs", 0.09: "90 ms", 0.9996: "1 s", 1: "1 s", 4.256: "4.26 s",
		59.4: "59.4 s", 59.6: "1 min", 90: "1 min 30 s", 600: "10 min", 3599.7: "1 h", 4300: "1 h 12 min",
		86400 - 20: "1 d", 90000: "1 d 1 h", 30 * 86400: "30 d",
	} {
		assert.Equal(t, want, Duration(seconds), "%v s", seconds)
	}
}

func TestCountsAndShares(t *testing.T) {
	assert.Equal(t, "1 200 000", Count(1_200_000))
	assert.Equal(t, "−1234", Count(-1234))
	assert.Equal(t, "100", Count(100))
	assert.Equal(t, "85.3 %", Percent(0.85276))
	assert.Equal(t, "5 %", Percent(0.05))
	assert.Equal(t, "0 %", Percent(0))
	assert.Equal(t, "over 99.9 %", Percent(0.9997), "what is not all is not told as all")
	assert.Equal(t, "under 0.0001 %", Percent(1e-10))
	assert.Equal(t, "100 %", Percent(1-1e-12), "but for the last digit of a sum")
	assert.Equal(t, "1.25", Trimmed(1.25))
	assert.Equal(t, "126 000 000", Trimmed(126230400))
	assert.Equal(t, "1.2e15", Trimmed(1.2e15))
	assert.Equal(t, "1.20e-10", Digits(1.2e-10))
	assert.Equal(t, "12 300", Digits(12345))
	assert.Equal(t, "−3.00", Signed(-3))
	assert.Equal(t, "+0.120", Signed(0.12))
	assert.Equal(t, "1.0", Significant(0.999, 2))
	assert.Equal(t, "0", Significant(math.Copysign(0, -1), 3))
}

func TestTimesTellTheSecondDayOnlyIfItDiffers(t *testing.T) {
	at := func(day, hour int) *time.Time {
		at := time.Date(2026, 3, day, hour, 0, 0, 0, time.FixedZone("", 3600))
		return &at
	}
	assert.Equal(t, "2026-03-02 09:00:00 – 11:00:00 UTC", When(at(2, 10), at(2, 12)))
	assert.Equal(t, "2026-03-02 09:00:00 – 2026-03-03 09:00:00 UTC", When(at(2, 10), at(3, 10)))
	assert.Equal(t, "2026-03-02 09:00:00 UTC", When(at(2, 10), nil))
	assert.Empty(t, When(nil, nil))
}

func TestTextFromOutsideCannotSteerTheTerminal(t *testing.T) {
	assert.Equal(t, "a<U+001B>[2Jb", Visible("a\x1b[2Jb"))
	assert.Equal(t, "a<U+000D> b", Visible("a\r\nb"))
	assert.Equal(t, "a<U+202E>b", Visible("a\u202eb"), "nor reverse the writing")
	assert.Equal(t, "a<U+009B>b", Visible("a\u009bb"))
	assert.Equal(t, "a<U+FFFD>b", Visible("a\xffb"))
	assert.Equal(t, "grün 電力", Visible("grün 電力"))
}

func TestOneOfWhatAUnitCounts(t *testing.T) {
	for unit, want := range map[string]string{
		"samples": "sample", "batches": "batch", "queries": "query", "boxes": "box", "classes": "class", "bytes": "byte",
		"series": "series", "movies": "movie", "images": "image", "caches": "cache", "pass": "pass", "token": "token", "transactions": "transaction",
	} {
		assert.Equal(t, want, One(unit))
	}
}

// A probability is told to no more digits than the draws are good for, and
// never as certain.
func TestAProbabilityIsNeverCertain(t *testing.T) {
	for x, want := range map[float64]string{1: "over 99.9 %", 0.9995: "over 99.9 %", 0.9912: "99.1 %", 0.9749: "97 %", 0.634: "63 %", 0.5: "50 %"} {
		assert.Equal(t, want, Probability(x))
	}
}

func example(t *testing.T) *lifecycle.Record {
	t.Helper()
	f, err := os.Open("../../lifecycle/testdata/small.json")
	require.NoError(t, err)
	defer f.Close()
	r, err := lifecycle.Decode(f)
	require.NoError(t, err)
	return r
}

func TestWhatTheLibraryKnowsHasWords(t *testing.T) {
	c, err := lifecycle.Compare(example(t), example(t))
	require.NoError(t, err)
	for _, d := range c.Figures {
		assert.NotEmpty(t, ComparedFigure(d.Figure).does, d.Figure)
		assert.NotContains(t, Verdict(&d, "A", "B"), "%!")
	}
	assert.Equal(t, "share in use", Input(lifecycle.Driver{Input: string(factors.Utilisation)}))
	assert.Equal(t, "time held", Input(lifecycle.Driver{Stage: lifecycle.Production, Input: "use"}))
	for _, b := range []lifecycle.Boundary{lifecycle.BoundaryComponent, lifecycle.BoundaryAccelerators, lifecycle.BoundaryNode, lifecycle.BoundaryIT, lifecycle.BoundaryFacility} {
		assert.NotEqual(t, string(b), Covered(b))
	}
	for _, s := range []lifecycle.Scope{lifecycle.ScopeProcess, lifecycle.ScopeCgroup, lifecycle.ScopeMachine} {
		assert.NotEqual(t, string(s), Scope(s))
	}
}

func TestAPointerIsToldByTheNamesOfTheRecord(t *testing.T) {
	r := example(t)
	r.Spans[1].Path = "fit/epoch_s"
	for pointer, want := range map[string]string{
		"/totals/water_l": "totals: water", "/spans/1/units": "span fit/epoch_s: units", "/hardware/0/embodied": "device " + r.Hardware[0].ID + ": embodied",
		"/environments/0/grid_zone": "place " + r.Environments[0].ID + ": grid zone", "/spans/999": "spans: 999", "/spans/-1": "spans: -1", "": "", "/a~1b": "a/b",
	} {
		assert.Equal(t, want, strings.Join(Pointer(r, pointer), ": "), pointer)
	}
}
