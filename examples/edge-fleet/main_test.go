package main

import (
	"fmt"
	"math"
	"math/cmplx"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/ecotracer/ecotracer/internal/race"
	"github.com/ecotracer/ecotracer/lifecycle"
	"github.com/ecotracer/ecotracer/tracer"
	"github.com/ecotracer/ecotracer/tracer/tracertest"
)

// fleetRun runs the program and holds its record to the rules.
func fleetRun(t *testing.T, devices int, budget float64) (*lifecycle.Record, string, error) {
	t.Setenv("ECOTRACER_DISABLED", "")
	var out strings.Builder
	r, err := run(t.Context(), devices, budget, &out, tracer.Sinks(new(tracertest.Recorder)))
	for _, f := range lifecycle.Validate(r) {
		assert.True(t, f.Warning, "%+v", f)
	}
	t.Log("\n" + out.String())
	return r, out.String(), err
}

func TestTheFleetTellsWhatItsSixHoursTook(t *testing.T) {
	const devices = 100
	r, out, err := fleetRun(t, devices, 1000)
	require.NoError(t, err)
	// By hand: 160 ms of measuring, 0.5 ms of computing (2304 butterflies of 14
	// cycles), a message of 35 ms from each fiftieth device, and sleep.
	measuring, computing := 0.16, 2304*14/64e6
	want := devices * 360 * (6e-3*measuring + 21e-3*computing + 12e-6*(60-measuring-computing))
	want += 2 * 360 * 24 * 8 / 5468.0 * (0.12 - 12e-6)
	assert.Contains(t, out, "measuring 34.6 J, computing 0.4 J, radio 3.0 J, sleeping 25.9 J")
	assert.InEpsilon(t, want, 34.6+0.4+3.0+25.9, 0.002)
	assert.InEpsilon(t, want, r.Totals.EnergyJ.Value, 1e-6)
	assert.Equal(t, lifecycle.Declared, r.Totals.EnergyJ.Method)
	assert.Contains(t, out, "100 devices sent 720 messages in 6.0 hours, 720 of them from the 2 machines that are worn")
	iot := r.Technology.IoT
	assert.EqualValues(t, 720, *iot.Messages)
	assert.InEpsilon(t, (measuring+computing)/60, *iot.DutyCycle, 0.01)
	all, err := tracer.Forecasts(r)
	require.NoError(t, err)
	require.NotEmpty(t, all)
	assert.EqualValues(t, 360, all[len(all)-1].Done)
	assert.InEpsilon(t, want, all[len(all)-1].TotalJ.Value, 0.05)
}

func TestTheFleetStopsBeforeItsBudgetIsGone(t *testing.T) {
	devices, budget := 600, 250.0
	if race.On { // all takes eight times as long
		devices, budget = 120, 50
	}
	r, out, err := fleetRun(t, devices, budget)
	require.ErrorIs(t, err, tracer.ErrBudget)
	assert.Equal(t, lifecycle.Failed, r.Run.Status)
	assert.Contains(t, out, fmt.Sprintf("the budget of %g J for the run is spent", budget))
	assert.Less(t, r.Totals.EnergyJ.Value, budget*380/250, "all six hours take 383 J of 600 devices")
}

func TestTheTransformIsThatOfFourier(t *testing.T) {
	x := make([]complex128, 16)
	for i := range x {
		x[i] = complex(float64(i*i%7), float64(i%3))
	}
	want := make([]complex128, len(x))
	for k := range want {
		for i, v := range x {
			want[k] += v * cmplx.Exp(complex(0, -2*math.Pi*float64(i*k)/float64(len(x))))
		}
	}
	assert.Equal(t, 32, transform(x), "n/2 log n")
	for k := range x {
		assert.Less(t, cmplx.Abs(x[k]-want[k]), 1e-9, "%d", k)
	}
}
