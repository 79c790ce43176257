// Package forecast tells how wrong forecasts of grid intensity are: what the
// sources of forecasts and what reads them must agree on.
package forecast

import (
	"math"
	"time"
)

// growth is the variance of the logarithm that a forecast gains by the hour
// of lead time.
//
// The error is taken to grow as that of a random walk, such that its mean over
// hourly forecasts of four days is the published one: 9.59 % (mean absolute
// percentage error over 13 grids, CarbonX, arXiv 2510.01521, 2025, which
// CarbonCast and its successors come close to). With E|x| = σ √(2/π) and
// σ = √(growth·h), its mean up to H hours is ⅔ √(2/π) √(growth·H). So a
// forecast for a day ahead is off by 7 %, for four days by 14 %. Single grids
// have half of that or twice it: half-hours of Great Britain were off by 7.1 %
// in the mean of 2017 to 2023, and by 11 to 28 % on the days of a windy week
// of 2026 (nmpowell/carbon-intensity-forecast-tracking).
var growth = math.Pow(0.0959/(2./3*math.Sqrt(2/math.Pi)), 2) / (4 * 24)

// Variance is that of the logarithm of the mean of a forecast over hours
// between two lead times, in whole or as the part by which one forecast is
// less sure than another. Errors of neighbouring hours are alike, so that a
// mean is hardly surer than an hour: a random walk has the variance of its
// begin and a third of what comes after.
func Variance(from, to time.Duration) float64 {
	a, b := max(0, from.Hours()), max(0, to.Hours())
	return growth * (a + max(0, b-a)/3)
}

// Waiting is the variance of the logarithm that a later window has beyond that
// of an earlier one which it shares its forecast with.
func Waiting(d time.Duration) float64 { return growth * max(0, d.Hours()) }
