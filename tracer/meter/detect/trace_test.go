package detect

import (
	"math"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/ecotracer/ecotracer/tracer/meter"
)

func TestGarbageIsNoEnergy(t *testing.T) {
	now := time.Now()
	r := newRest(1)
	for i, j := range []float64{0, 10, math.NaN(), math.Inf(1), 5, 20} {
		at := now.Add(time.Duration(i) * time.Second)
		r.observe(0, meter.Sample{Time: at, Joules: j})
		s, ok := r.sample(meter.Sample{Time: at, Joules: 3 * j})
		require.True(t, ok)
		assert.GreaterOrEqual(t, s.Joules, 0.0)
		assert.LessOrEqual(t, s.Joules, 40.0)
	}
	s, _ := r.sample(meter.Sample{Joules: 1000})
	assert.InDelta(t, 40, s.Joules, 1e-9, "a sample of no time tells nothing")
}

func TestWhatTheNodeLosesIsNotTakenFromItsRest(t *testing.T) {
	now := time.Now()
	r := newRest(1)
	var node float64
	var told, flagged []float64
	for i := range 30 {
		at := now.Add(time.Duration(i) * time.Second)
		s := meter.Sample{Time: at}
		switch {
		case i == 10: // its counter began anew 90 J ago
			s.Condition = meter.Reset
			node += 10
		case i > 0:
			node += 100
		}
		s.Joules = node
		r.observe(0, meter.Sample{Time: at, Joules: 30 * float64(i)})
		s, ok := r.sample(s)
		require.True(t, ok)
		told = append(told, s.Joules)
		if s.Condition != meter.OK {
			assert.Equal(t, meter.Reset, s.Condition, "as its node")
			flagged = append(flagged, float64(i))
		}
	}
	assert.Equal(t, []float64{10}, flagged)
	assert.InDelta(t, 9*70, told[10], 1e-9)
	assert.InDelta(t, 10*70, told[11], 1e-9, "the part's share of what was lost is not made up for")
	assert.InDelta(t, 28*70, told[29], 1e-9)
}

func TestTraceBetweenAndBeyondItsSamples(t *testing.T) {
	now := time.Now()
	var tr trace
	sec := func(s float64) time.Time { return now.Add(time.Duration(s * float64(time.Second))) }
	assert.Zero(t, tr.at(now), "it has told nothing")
	tr.add(sec(0), 7)
	assert.Zero(t, tr.at(sec(5)), "one sample is no power")
	for i := range 100 {
		tr.add(sec(float64(i+1)), 7+10*float64(i+1))
	}
	assert.InDelta(t, 1000, tr.at(sec(100)), 1e-9)
	assert.InDelta(t, 985, tr.at(sec(98.5)), 1e-9)
	assert.InDelta(t, 1025, tr.at(sec(102.5)), 1e-9)
	assert.InDelta(t, 690, tr.at(sec(1)), 1e-9, "what is no longer kept is taken for the oldest that is")
	tr.add(sec(100.00001), 1012) // a counter that moves in steps
	assert.InDelta(t, 1005+10, tr.at(sec(101)), 6, "power is not told over a moment")
}
