package tracertest_test

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/ecotracer/ecotracer/lifecycle"
	"github.com/ecotracer/ecotracer/tracer"
	"github.com/ecotracer/ecotracer/tracer/meter"
	"github.com/ecotracer/ecotracer/tracer/meter/model"
	"github.com/ecotracer/ecotracer/tracer/meter/powercap"
	"github.com/ecotracer/ecotracer/tracer/tracertest"
)

// Scripted, in virtual time. The package documentation shows this test.
func TestTwoHoursOfTrainingAreBookedToTheJoule(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		host := tracertest.NewHost(t.TempDir(), tracertest.HostConfig{
			Packages: []tracertest.Curve{tracertest.Constant(20).Then(time.Hour, tracertest.Constant(90))},
		})
		var records tracertest.Recorder
		opts := append(host.Options(), tracer.Sinks(&records), tracer.Scope(lifecycle.ScopeMachine), tracer.Checkpoints(time.Hour))
		ctx, run, err := tracer.Begin(t.Context(), opts...)
		require.NoError(t, err)

		_, load := tracer.Start(ctx, "load")
		time.Sleep(time.Hour)
		load.End()
		_, train := tracer.Start(ctx, "train")
		time.Sleep(time.Hour)
		train.End()

		record, err := run.End()
		require.NoError(t, err)
		cpu := record.Ledger[0]
		assert.Equal(t, "cpu0", cpu.Domain)
		assert.InDelta(t, (20+90)*3600, cpu.TotalJ, 1e-5)
		assert.Equal(t, time.Hour.Seconds(), records.Span("train").SelfS)
		assert.Greater(t, records.Span("train").SelfJ, 90*3600.0, "the CPU and what the model adds for the rest of the machine")
		assert.Zero(t, host.OpenFiles(), "the run closes what it opened")
	})
}

// Driven by true CPU time: not in synctest.
func TestAProgramIsBookedWhatItTrulyBurns(t *testing.T) {
	host := tracertest.NewHost(t.TempDir(), tracertest.HostConfig{
		Packages: []tracertest.Curve{tracertest.TrueCPU().Times(50)},
		Process:  tracertest.TrueCPU(),
	})
	var records tracertest.Recorder
	opts := append(host.Options(), tracer.Sinks(&records), tracer.Scope(lifecycle.ScopeMachine))
	ctx, run, err := tracer.Begin(context.Background(), opts...)
	require.NoError(t, err)
	_, span := tracer.Start(ctx, "train")
	used := tracertest.Burn(ctx, 50*time.Millisecond)
	span.End()
	record, err := run.End()
	require.NoError(t, err)
	cpu := record.Ledger[0]
	require.Equal(t, "cpu0", cpu.Domain)
	assert.Greater(t, cpu.TotalJ, 0.9*50*used.Seconds(), "the counter saw what the goroutine burnt")
}

func TestHostServesTheMetersOfTheTracer(t *testing.T) {
	for name, open := range map[string]func(h *tracertest.Host) (meter.Meter, error){
		"powercap": func(h *tracertest.Host) (meter.Meter, error) { return powercap.Open(h) },
		"model":    func(h *tracertest.Host) (meter.Meter, error) { return model.Open(h) },
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				h := tracertest.NewHost(t.TempDir(), tracertest.HostConfig{
					DRAM:    []tracertest.Curve{tracertest.Constant(3)},
					Psys:    tracertest.Constant(40),
					StartUJ: 262_143_328_840, // wraps at once
				})
				tracertest.TestMeter(t, func() (meter.Meter, error) { return open(h) })
				assert.Zero(t, h.OpenFiles(), "it closes what it opened")
			})
		})
	}
}
