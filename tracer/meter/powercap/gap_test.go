package powercap_test

import (
	"math"
	"syscall"
	"testing"
	"testing/synctest"
	"time"
	"unsafe"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/ecotracer/ecotracer/tracer/meter"
	"github.com/ecotracer/ecotracer/tracer/meter/powercap"
	"github.com/ecotracer/ecotracer/tracer/tracertest"
)

// What several wraps in a gap make is unknown: the least is told and flagged,
// and the greatest power bounds what can be missing.
func TestTrap4_SeveralWrapsInAGapAreFlagged(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := tracertest.NewHost(t.TempDir(), tracertest.HostConfig{Packages: []tracertest.Curve{tracertest.Constant(100)}})
		m := open(t, h)
		h.FailFor(pkg, syscall.EIO, 2*time.Hour-time.Second)
		for range 7198 {
			time.Sleep(time.Second)
			require.Equal(t, meter.Unreadable, readings(t, m)["cpu0"].Condition)
		}
		time.Sleep(2 * time.Second)
		s := readings(t, m)["cpu0"]
		assert.Equal(t, meter.Gap, s.Condition)
		truth, lap := h.Joules(pkg), m.Domains()[0].RangeJ
		laps := math.Round((truth - s.Joules) / lap)
		assert.InDelta(t, truth, s.Joules+laps*lap, 1, "what is missing is whole wraps")
		assert.Positive(t, laps, "a lower bound")
		assert.LessOrEqual(t, s.Joules, m.Domains()[0].MaxW*7200.2)
		time.Sleep(time.Second)
		next := readings(t, m)["cpu0"]
		assert.Equal(t, meter.OK, next.Condition)
		assert.InDelta(t, 100, next.Joules-s.Joules, 1e-5)
	})
}

// While the host is suspended only the wall clock goes on. Afterwards the
// counter is where it was, or further, or begins anew.
func TestSuspendAndResume(t *testing.T) {
	for name, test := range map[string]struct {
		counter   func(h *tracertest.Host) // what becomes of it meanwhile
		joules    float64                  // after a second awake at 100 W and a night
		condition meter.Condition
	}{
		"the counter stood still": {func(h *tracertest.Host) {}, 100, meter.Gap},
		"the counter went on":     {func(h *tracertest.Host) { h.Jump(pkg, 28_800) }, 28_900, meter.Gap},
		"the counter began anew":  {func(h *tracertest.Host) { h.Reset(pkg); time.Sleep(time.Second) }, 200, meter.Reset},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				h := tracertest.NewHost(t.TempDir(), tracertest.HostConfig{Packages: []tracertest.Curve{tracertest.Constant(100)}, StartUJ: 90e9})
				m := open(t, h)
				begin, night := time.Now(), time.Duration(0)
				powercap.SetClock(m, func() time.Time { return asleep(t, monotonic.Add(time.Since(begin)), night) })
				readings(t, m)
				time.Sleep(time.Second)
				require.Equal(t, meter.OK, readings(t, m)["cpu0"].Condition)
				test.counter(h)
				night = 8 * time.Hour
				s := readings(t, m)["cpu0"]
				assert.Equal(t, test.condition, s.Condition)
				assert.InDelta(t, test.joules, s.Joules, 1e-5)
				time.Sleep(time.Second)
				s = readings(t, m)["cpu0"]
				assert.Equal(t, meter.OK, s.Condition)
				assert.InDelta(t, test.joules+100, s.Joules, 1e-5, "it goes on from there")
			})
		})
	}
}

// monotonic is a time of the true clocks: those of a bubble are one.
var monotonic = time.Now()

// asleep is the time at after a suspend of whole seconds: the wall clock went
// on, the monotonic one stood still. No clock of a test does that by itself, so
// it moves the seconds in the words of the Time.
func asleep(t *testing.T, at time.Time, d time.Duration) time.Time {
	later := at
	*(*uint64)(unsafe.Pointer(&later)) += uint64(d/time.Second) << 30
	require.Zero(t, later.Sub(at), "the monotonic clock")
	require.Equal(t, d, later.Round(0).Sub(at.Round(0)), "the wall clock")
	return later
}
