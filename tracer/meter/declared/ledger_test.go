package declared_test

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/ecotracer/ecotracer/lifecycle"
	"github.com/ecotracer/ecotracer/tracer"
	"github.com/ecotracer/ecotracer/tracer/meter"
	"github.com/ecotracer/ecotracer/tracer/tracertest"
)

// record runs a program beside a meter and gives the meter's line.
func record(t *testing.T, m meter.Meter, program func()) (lifecycle.LedgerLine, *lifecycle.Record) {
	t.Helper()
	h := tracertest.NewHost(t.TempDir(), tracertest.HostConfig{VM: true})
	ctx, run, err := tracer.Begin(t.Context(), append(h.Options(), tracer.Meters(m), tracer.Sinks(&tracertest.Recorder{}), tracer.Scope(lifecycle.ScopeMachine))...)
	require.NoError(t, err)
	_, span := tracer.Start(ctx, "train")
	program()
	span.End()
	rec, err := run.End()
	require.NoError(t, err)
	for _, line := range rec.Ledger {
		if line.Domain == "node0" {
			return line, rec
		}
	}
	require.Fail(t, "the record has no line of node0")
	return lifecycle.LedgerLine{}, nil
}

func TestTheLedgerBooksWhatAPowerTells(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newPower(t, plug)
		require.NoError(t, p.Tell(100))
		line, _ := record(t, p, func() {
			for i := range 60 {
				time.Sleep(10 * time.Second)
				require.NoError(t, p.Tell(float64(100+i%2*50)))
			}
		})
		assert.Equal(t, lifecycle.Metered, line.Method)
		assert.InDelta(t, 60*10*125-250, line.TotalJ, 250, "to the joule")
		assert.Zero(t, gap(line))
	})
}

func TestTheLedgerBooksWhatAnEnergyTells(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e := newEnergy(t, plug)
		require.NoError(t, e.Tell(1e9))
		line, _ := record(t, e, func() {
			for i := range 60 {
				time.Sleep(10 * time.Second)
				require.NoError(t, e.Tell(1e9+float64(i+1)*1250))
			}
		})
		assert.InEpsilon(t, 60*1250, line.TotalJ, 0.02, "as the counter tells, though it is told every ten seconds only")
		assert.LessOrEqual(t, gap(line), 0.1, "which is no gap: the counter knows; a slow meter is read first just after the begin")
	})
}

func TestTheRecordTellsOfSilence(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newPower(t, plug)
		require.NoError(t, p.Tell(100))
		line, rec := record(t, p, func() {
			time.Sleep(10 * time.Minute)
			require.NoError(t, p.Tell(100))
			time.Sleep(10 * time.Second)
		})
		assert.InEpsilon(t, 610*100, line.TotalJ, 0.01, "a gap is not zero")
		assert.InDelta(t, 570, gap(line), 3)
		var codes []string
		for _, w := range rec.Warnings {
			codes = append(codes, string(w.Code))
		}
		assert.Contains(t, codes, "counter-unreadable")
	})
}

// gap is the time that a line was not told for, s.
func gap(line lifecycle.LedgerLine) float64 {
	if line.GapS == nil {
		return 0
	}
	return *line.GapS
}
