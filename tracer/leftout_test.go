package tracer_test

import (
	"syscall"
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

// leftOut is what the record lists as seen and not counted, by method.
func leftOut(rec *lifecycle.Record) map[string][]lifecycle.LeftOut {
	out := map[string][]lifecycle.LeftOut{}
	for _, m := range rec.Methods {
		if len(m.LeftOut) > 0 {
			out[m.ID] = m.LeftOut
		}
	}
	return out
}

func TestWhatIsNotCountedIsListedWithItsReason(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := tracertest.NewHost(t.TempDir(), tracertest.HostConfig{
			Packages: []tracertest.Curve{tracertest.Constant(20), tracertest.Constant(30)},
			Zones:    []tracertest.Zone{{ID: "intel-rapl:0:1", Name: "core", Power: tracertest.Constant(5)}},
		})
		h.Fail(tracertest.EnergyFile("intel-rapl:1"), syscall.EACCES)
		ctx, run := begin(t, append(h.Options(), tracer.Checkpoints(-1), tracer.Sinks(new(tracertest.Recorder)))...)
		with(ctx, 5*time.Second, "work")
		rec := finish(t, run)
		assert.Equal(t, map[string][]lifecycle.LeftOut{
			"rapl": {{Domain: "core", Reason: "contained"}, {Domain: "package-1", Reason: "unreadable"}},
		}, leftOut(rec))
	})
}

func TestMeterThatIsLeftWithNothingIsListedWhereAnotherCounts(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := tracertest.NewHost(t.TempDir(), tracertest.HostConfig{})
		outlet := tracertest.NewMeter(tracertest.Domain{Domain: meter.Domain{ID: "cpu0", Method: lifecycle.Metered, Sensor: "outlet"}, Power: tracertest.Constant(30)})
		ctx, run := begin(t, append(h.Options(), tracer.Meters(outlet), tracer.Checkpoints(-1), tracer.Sinks(new(tracertest.Recorder)))...)
		with(ctx, 5*time.Second, "work")
		assert.Equal(t, map[string][]lifecycle.LeftOut{"outlet": {{Domain: "rapl package-0", Reason: "mirrored"}}}, leftOut(finish(t, run)))
	})
}

// It guards trap 39.
func TestTrap39NodeAndPartsInTheRecordAreTheNode(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := tracertest.NewHost(t.TempDir(), tracertest.HostConfig{DRAM: []tracertest.Curve{tracertest.Constant(3)}})
		node := &tracertest.Slow{
			Meter: tracertest.NewMeter(tracertest.Domain{Domain: meter.Domain{ID: "node0", Method: lifecycle.Metered, Sensor: "bmc"}, Power: tracertest.Constant(100)}),
			Every: 5 * time.Second, Limit: 4 * time.Second, Latency: 300 * time.Millisecond,
		}
		ctx, run := begin(t, append(h.Options(), tracer.Meters(node), tracer.Checkpoints(-1), tracer.Sinks(new(tracertest.Recorder)))...)
		with(ctx, 2*time.Minute, "work")
		rec := finish(t, run)
		var sum float64
		for _, l := range rec.Ledger {
			sum += l.TotalJ
		}
		assert.Equal(t, lifecycle.BoundaryNode, rec.Run.Boundary)
		require.Len(t, rec.Ledger, 3)
		assert.InDelta(t, 120*77, line(t, rec, "node0/rest").TotalJ, 0.5*77, "but for the time before its meter answered")
		assert.InDelta(t, 120*100, sum, 100)
		assert.Empty(t, leftOut(rec), "the node is not left out: its rest is counted")
		assert.Equal(t, lifecycle.Counter, line(t, rec, "node0/rest").Method)
		_, flagged := warned(rec, "parts-exceed-node")
		assert.False(t, flagged)
	})
}

// It guards trap 40.
func TestTrap40PartsThatExceedTheirNodeAreFlagged(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := tracertest.NewHost(t.TempDir(), tracertest.HostConfig{Packages: []tracertest.Curve{tracertest.Constant(50)}, Psys: tracertest.Constant(30)})
		ctx, run := begin(t, append(h.Options(), tracer.Checkpoints(-1), tracer.Sinks(new(tracertest.Recorder)))...)
		with(ctx, time.Minute, "work")
		rec := finish(t, run)
		assert.InDelta(t, 60*50, line(t, rec, "cpu0").TotalJ, 1, "nothing is taken from the part")
		assert.InDelta(t, 0, line(t, rec, "node0/rest").TotalJ, 1, "and the rest is not less than nothing")
		_, flagged := warned(rec, "parts-exceed-node")
		assert.True(t, flagged)
	})
}
