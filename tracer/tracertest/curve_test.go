package tracertest_test

import (
	"math"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"

	"github.com/ecotracer/ecotracer/tracer/tracertest"
)

func TestCurvesAreIntegratedExactly(t *testing.T) {
	const hour = time.Hour
	for name, c := range map[string]struct {
		curve tracertest.Curve
		at    time.Duration
		want  float64
	}{
		"20 W for an hour":                 {tracertest.Constant(20), hour, 72_000},
		"nothing at time 0":                {tracertest.Constant(20), 0, 0},
		"half of a ramp":                   {tracertest.Ramp(0, 100, 10*time.Second), 5 * time.Second, 125},
		"a whole ramp":                     {tracertest.Ramp(20, 100, 10*time.Second), 10 * time.Second, 600},
		"a ramp stays where it ended":      {tracertest.Ramp(20, 100, 10*time.Second), 12 * time.Second, 800},
		"a ramp of no time":                {tracertest.Ramp(20, 100, 0), time.Second, 100},
		"a ramp may go down":               {tracertest.Ramp(100, 0, 10*time.Second), 20 * time.Second, 500},
		"before a change":                  {tracertest.Constant(20).Then(time.Minute, tracertest.Constant(90)), time.Minute, 1200},
		"after a change":                   {tracertest.Constant(20).Then(time.Minute, tracertest.Constant(90)), 2 * time.Minute, 6600},
		"changes follow one another":       {tracertest.Constant(1).Then(time.Second, tracertest.Constant(2)).Then(2*time.Second, tracertest.Constant(0)), hour, 3},
		"time 0 of the next is the change": {tracertest.Constant(0).Then(hour, tracertest.Ramp(0, 10, time.Second)), hour + time.Second, 5},
		"a sum":                            {tracertest.Constant(10).Plus(tracertest.Constant(0.5).Times(30)), 2 * time.Second, 50},
		"a cubic rate, numerically": {tracertest.Rate(func(t time.Duration) float64 {
			return math.Pow(t.Seconds(), 3)
		}, time.Second), 2500 * time.Millisecond, math.Pow(2.5, 4) / 4},
	} {
		assert.InDelta(t, c.want, c.curve(c.at), 1e-9*max(1, c.want), name)
	}
}
