package report

import (
	"math"
	"strconv"
	"strings"

	"github.com/ecotracer/ecotracer/internal/inwords"
	"github.com/ecotracer/ecotracer/lifecycle"
)

// nbsp keeps a number and its unit on one line.
const nbsp = "\u00a0"

func tied(text string) string { return strings.ReplaceAll(text, " ", nbsp) }

// Figures as package inwords has them, but tied.
func amount(v float64, units []inwords.Unit) string { return tied(inwords.Amount(v, units)) }
func count(n int64) string                          { return tied(inwords.Count(n)) }
func percent(share float64) string                  { return tied(inwords.Percent(share)) }
func duration(s float64) string                     { return tied(inwords.Duration(s)) }

// bounds are those of a quantity in the unit that suits its value: 0.979–1.12.
func bounds(q lifecycle.Quantity, units []inwords.Unit) string {
	_, text := inwords.Interval(q, units)
	return tied(text)
}

// withBounds is a quantity on one line: 1.04 kWh (0.979–1.12).
func withBounds(q lifecycle.Quantity, units []inwords.Unit) string {
	return tied(inwords.Figure(q, units))
}

// exact is a number with all its digits, for machines.
func exact(v float64) string {
	if size := math.Abs(v); size >= 1e-6 && size < 1e15 {
		return strconv.FormatFloat(v, 'f', -1, 64)
	}
	return strconv.FormatFloat(v, 'g', -1, 64)
}
