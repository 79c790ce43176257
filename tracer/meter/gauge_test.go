package meter_test

import (
	"errors"
	"io/fs"
	"math"
	"sync"
	"testing"
	"testing/fstest"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/ecotracer/ecotracer/lifecycle"
	"github.com/ecotracer/ecotracer/tracer/meter"
	"github.com/ecotracer/ecotracer/tracer/tracertest"
)

// gauge tells the power that a function of time says.
type gauge struct {
	begun  time.Time
	watts  func(time.Duration) float64
	fails  bool
	mean   time.Duration
	maxW   float64
	closed bool
}

func (g *gauge) Domains() []meter.Domain {
	return []meter.Domain{{ID: "gpu0", Kind: lifecycle.KindGPU, Method: lifecycle.Counter, Sensor: "test", MaxW: g.maxW, Average: g.mean}}
}

func (g *gauge) Read(dst []meter.Power) ([]meter.Power, error) {
	if g.closed {
		return dst, errors.New("closed")
	}
	p := meter.Power{Time: time.Now(), Watts: g.watts(time.Since(g.begun))}
	if g.fails {
		p.Watts, p.Condition = 0, meter.Denied
	}
	return append(dst, p), nil
}

func (g *gauge) Close() error { g.closed = true; return nil }

func read(t *testing.T, m meter.Meter) meter.Sample {
	t.Helper()
	s, err := m.Read(nil)
	require.NoError(t, err)
	require.Len(t, s, 1)
	return s[0]
}

// Trap 27: the last power is not taken for that of the time before it.
func TestIntegrateIsExactForPowerThatChangesEvenly(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := &gauge{begun: time.Now(), watts: func(d time.Duration) float64 { return 100 + 2*d.Seconds() }}
		m := meter.Integrate(g)
		assert.Zero(t, read(t, m).Joules, "the first reading is the zero")
		var s meter.Sample
		for i := range 10 {
			time.Sleep(time.Duration(i+1) * 700 * time.Millisecond)
			s = read(t, m)
		}
		d := time.Since(g.begun).Seconds()
		assert.InDelta(t, 100*d+d*d, s.Joules, 1e-9)
		assert.Equal(t, time.Now(), s.Time)
		require.NoError(t, m.Close())
		_, err := m.Read(nil)
		require.Error(t, err)
	})
}

// Trap 21: most GPUs tell the mean power of the last second. What they tell a
// second later is what was used in it.
func TestIntegrateTakesMeanPowerForThePastItIsOf(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		load := func(d time.Duration) float64 { return 100 * math.Floor(d.Seconds()) } // steps of 100 W each second
		g := &gauge{begun: time.Now(), mean: time.Second, watts: func(d time.Duration) float64 { return load(d - time.Second) }}
		m := meter.Integrate(g)
		read(t, m)
		var s meter.Sample
		for range 5 {
			time.Sleep(time.Second)
			s = read(t, m)
		}
		assert.InDelta(t, 0+100+200+300+400, s.Joules, 1e-9, "by the trapezoid it would be 950 J")
	})
}

func TestIntegrateBridgesReadingsThatFail(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := &gauge{begun: time.Now(), watts: func(time.Duration) float64 { return 50 }, maxW: 400}
		m := meter.Integrate(g)
		read(t, m)
		time.Sleep(time.Second)
		assert.InDelta(t, 50, read(t, m).Joules, 1e-9)
		fails := func(want meter.Condition) {
			t.Helper()
			time.Sleep(time.Second)
			s := read(t, m)
			assert.Equal(t, want, s.Condition)
			assert.InDelta(t, 50, s.Joules, 1e-9, "what was told stays, and is not made up")
		}
		g.fails = true
		fails(meter.Denied)
		g.fails = false
		for _, watts := range []float64{math.NaN(), math.Inf(1), math.Inf(-1), -3, 401} {
			g.watts = func(time.Duration) float64 { return watts }
			fails(meter.Unreadable)
		}
		g.watts = func(time.Duration) float64 { return 50 }
		time.Sleep(time.Second)
		s := read(t, m)
		assert.Equal(t, meter.OK, s.Condition)
		assert.InDelta(t, 50*8, s.Joules, 1e-9)
	})
}

func TestIntegrateDoesNotDrift(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := &gauge{begun: time.Now(), watts: func(time.Duration) float64 { return 0.1 }}
		m := meter.Integrate(g)
		const steps = 100_000
		var dst []meter.Sample
		last := 0.0
		for range steps + 1 {
			dst, _ = m.Read(dst[:0])
			if dst[0].Joules < last {
				t.Fatalf("joules fall from %v to %v", last, dst[0].Joules)
			}
			last = dst[0].Joules
			time.Sleep(100 * time.Millisecond)
		}
		assert.InEpsilon(t, 0.01*steps, last, 1e-15)
	})
}

// slowGauge is too slow for the sampler.
type slowGauge struct{ gauge }

func (*slowGauge) Period() time.Duration  { return 5 * time.Second }
func (*slowGauge) Timeout() time.Duration { return time.Second }

func TestIntegrateKeepsThePaceOfTheGauge(t *testing.T) {
	_, paced := meter.Integrate(&gauge{}).(meter.Pacer)
	assert.False(t, paced)
	p, paced := meter.Integrate(&slowGauge{}).(meter.Pacer)
	require.True(t, paced)
	assert.Equal(t, 5*time.Second, p.Period())
	assert.Equal(t, time.Second, p.Timeout())
}

func TestIntegrateAllocatesNothingPerRead(t *testing.T) {
	m := meter.Integrate(&gauge{begun: time.Now(), watts: func(time.Duration) float64 { return 1 }})
	dst := make([]meter.Sample, 0, 4)
	read(t, m)
	assert.Zero(t, testing.AllocsPerRun(100, func() { dst, _ = m.Read(dst[:0]) }))
}

func TestIntegratedGaugeKeepsTheRules(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		tracertest.TestMeter(t, func() (meter.Meter, error) {
			return meter.Integrate(&gauge{begun: time.Now(), watts: func(time.Duration) float64 { return 250 }}), nil
		})
	})
}

func openGauge(fs.FS) (meter.Meter, error) { return meter.Integrate(&gauge{}), nil }

// register is done once, as there is one list of sources.
var register = sync.OnceFunc(func() {
	meter.Register("zz-test", openGauge)
	meter.Register("aa-test", openGauge)
})

func TestRegisteredSourcesAreFoundByName(t *testing.T) {
	register()
	var names []string
	for name, open := range meter.Sources() {
		names = append(names, name)
		m, err := open(fstest.MapFS{})
		require.NoError(t, err)
		assert.NotNil(t, m)
	}
	assert.Equal(t, []string{"aa-test", "zz-test"}, names, "in the order of names")
	assert.Panics(t, func() { meter.Register("aa-test", openGauge) }, "a name is taken once")
}

func TestConditionOfErrors(t *testing.T) {
	for err, want := range map[error]meter.Condition{
		nil: meter.OK,
		&fs.PathError{Op: "open", Path: "x", Err: fs.ErrPermission}: meter.Denied,
		&fs.PathError{Op: "open", Path: "x", Err: fs.ErrNotExist}:   meter.Unplugged,
		errors.New("input/output error"):                            meter.Unreadable,
	} {
		assert.Equal(t, want, meter.ConditionOf(err), "%v", err)
	}
}
