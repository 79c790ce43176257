package forecast

import (
	"math"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
)

// The mean absolute error over hourly forecasts of four days is the published
// one, and the figures of the comment are right.
func TestTheErrorIsThePublishedOne(t *testing.T) {
	absolute := func(lead time.Duration) float64 { return math.Sqrt(2/math.Pi) * math.Sqrt(Variance(lead, lead)) }
	var mean float64
	for hour := range 96 {
		mean += absolute(time.Duration(hour)*time.Hour+30*time.Minute) / 96
	}
	assert.InDelta(t, 0.0959, mean, 0.0001)
	assert.InDelta(t, 0.07, absolute(24*time.Hour), 0.005)
	assert.InDelta(t, 0.14, absolute(96*time.Hour), 0.005)
}

// The variance of the mean of a random walk, by its definition.
func TestTheMeanOfARandomWalk(t *testing.T) {
	const hours, from = 600, 400
	var sum float64
	for i := range hours {
		for j := range hours {
			sum += from + float64(min(i, j)) + 0.5
		}
	}
	got := Variance(from*time.Hour, (from+hours)*time.Hour)
	assert.InEpsilon(t, growth*sum/(hours*hours), got, 0.001)
	assert.Zero(t, Variance(-time.Hour, 0), "what is past is not forecast")
}

// A later window shares its walk with an earlier one up to there.
func TestWaitingAddsToTheErrorOfStartingAtOnce(t *testing.T) {
	at := func(start time.Duration) float64 { return Variance(start, start+6*time.Hour) }
	assert.InDelta(t, at(20*time.Hour), at(2*time.Hour)+Waiting(18*time.Hour), 1e-15)
	assert.Zero(t, Waiting(0))
}
