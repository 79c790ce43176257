package schedule

import (
	"math"
	"time"

	"github.com/ecotracer/ecotracer/factors"
	"github.com/ecotracer/ecotracer/internal/forecast"
	"github.com/ecotracer/ecotracer/internal/lognormal"
)

type source = lognormal.Source

// levelOf is how well the source of a forecast knows the grid, whatever the
// lead time: its interval, less what the forecast's own lead time, from and to,
// makes of it.
func levelOf(f factors.Factor, from, to time.Duration) source {
	s := lognormal.New(f.Value, f.Low, f.High)
	s.Sigma = math.Sqrt(max(0, s.Sigma*s.Sigma-forecast.Variance(from, to)))
	return s
}

// estimate is what a window of a forecast is expected to be.
type estimate struct {
	mean     float64 // gCO2e/kWh
	lead     time.Duration
	duration time.Duration
	curve    *curve
}

// figure is the mean, times x, with all the error that it has.
func (e estimate) figure(x float64) Figure {
	v := x * e.mean
	s := e.source()
	wide := math.Exp(lognormal.Z95 * s.Sigma)
	return Figure{v, min(v, v*s.Skew/wide), max(v, v*s.Skew*wide)}
}

// source is all the error of the window.
func (e estimate) source() source {
	s := e.curve.level
	s.Sigma = math.Sqrt(s.Sigma*s.Sigma + forecast.Variance(e.lead, e.lead+e.duration))
	return s
}

// saving is what a window saves against another, for so much electricity.
func saving(other, w estimate, kWh float64) *Saving {
	// The errors of the two: one that they share, and what each has alone.
	var shared, alone, waited source
	shared.Skew, alone.Skew, waited.Skew = 1, 1, 1
	if other.curve == w.curve {
		shared = other.source()
		waited.Sigma = math.Sqrt(forecast.Waiting(w.lead - other.lead))
	} else {
		alone, waited = other.source(), w.source()
	}
	var s Saving
	if other.mean > 0 {
		// The shared error cancels out; what is left of the ratio is lognormal.
		ratio := w.mean / other.mean
		skew, wide := waited.Skew/alone.Skew, math.Exp(lognormal.Z95*math.Hypot(alone.Sigma, waited.Sigma))
		s.Share = &Figure{1 - ratio, 1 - max(ratio, ratio*skew*wide), 1 - min(ratio, ratio*skew/wide)}
	}
	if kWh > 0 {
		a, b := kWh*other.mean, kWh*w.mean
		low, high := difference(a, b, shared, alone, waited)
		s.G = &Figure{a - b, low, high}
	}
	return &s
}

// difference is the interval of a·shared·alone − b·shared·waited, by the method
// for sums of a record (R31). That is for sums above 0, which a constant makes
// of it.
func difference(a, b float64, shared, alone, waited source) (low, high float64) {
	v := lognormal.Intervals{Sources: []source{shared, alone, waited}}
	minuend, subtrahend := a*shared.Skew*alone.Skew, b*shared.Skew*waited.Skew
	constant := a + b + subtrahend
	low, high = v.Bounds(a-b+constant, []lognormal.Term{
		{Median: minuend, Product: lognormal.Product{}.Times(0).Times(1)},
		{Median: -subtrahend, Product: lognormal.Product{}.Times(0).Times(2)},
		{Median: constant},
	})
	return low - constant, high - constant
}
