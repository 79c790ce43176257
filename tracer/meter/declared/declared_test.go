package declared_test

import (
	"io/fs"
	"math"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/ecotracer/ecotracer/lifecycle"
	"github.com/ecotracer/ecotracer/tracer/meter"
	"github.com/ecotracer/ecotracer/tracer/meter/declared"
	"github.com/ecotracer/ecotracer/tracer/tracertest"
)

var plug = meter.Domain{ID: "node0", Method: lifecycle.Metered, RelError: 0.02, Sensor: "smart-plug", Update: 10 * time.Second}

func newPower(t testing.TB, d meter.Domain) *declared.Power {
	t.Helper()
	p, err := declared.NewPower(d)
	require.NoError(t, err)
	return p
}

func newEnergy(t testing.TB, d meter.Domain) *declared.Energy {
	t.Helper()
	e, err := declared.NewEnergy(d)
	require.NoError(t, err)
	return e
}

// read is the one sample of a reading.
func read(t testing.TB, m meter.Meter) meter.Sample {
	t.Helper()
	samples, err := m.Read(nil)
	require.NoError(t, err)
	require.Len(t, samples, 1)
	return samples[0]
}

func silent(t testing.TB, m meter.Meter) {
	t.Helper()
	samples, err := m.Read(nil)
	assert.Empty(t, samples)
	assert.ErrorContains(t, err, "nothing was told since the last reading")
}

// fed is an Energy whose source tells something before every reading.
type fed struct {
	*declared.Energy
	since time.Time
}

func (f fed) Read(dst []meter.Sample) ([]meter.Sample, error) {
	_ = f.Tell(1000 + 100*time.Since(f.since).Seconds()) // fails when it is closed, and so does Read
	return f.Energy.Read(dst)
}

func TestMetersKeepTheRules(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		tracertest.TestMeter(t, func() (meter.Meter, error) {
			p, err := declared.NewPower(plug)
			if err == nil {
				err = p.Tell(100)
			}
			return p, err
		})
	})
	synctest.Test(t, func(t *testing.T) {
		since := time.Now()
		tracertest.TestMeter(t, func() (meter.Meter, error) {
			e, err := declared.NewEnergy(plug)
			return fed{e, since}, err
		})
	})
}

func TestAPowerHoldsUntilTheNextIsTold(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newPower(t, plug)
		silent(t, p) // what was used before anything was told is not told

		require.NoError(t, p.Tell(100))
		assert.Zero(t, read(t, p).Joules)
		time.Sleep(5 * time.Second)
		assert.InDelta(t, 500, read(t, p).Joules, 1e-9)
		require.NoError(t, p.Tell(40))
		time.Sleep(10 * time.Second)
		s := read(t, p)
		assert.InDelta(t, 900, s.Joules, 1e-9)
		assert.Equal(t, meter.OK, s.Condition)
		assert.Equal(t, time.Now(), s.Time)

		require.NoError(t, p.Tell(0), "a machine that is switched off draws nothing, and says so")
		time.Sleep(10 * time.Second)
		assert.InDelta(t, 900, read(t, p).Joules, 1e-9)
	})
}

func TestSilenceIsAGapNotZero(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newPower(t, plug)
		require.NoError(t, p.Tell(100))
		time.Sleep(30 * time.Second)
		s := read(t, p)
		assert.Equal(t, meter.OK, s.Condition, "a source may miss its time twice")
		assert.InDelta(t, 3000, s.Joules, 1e-9)
		time.Sleep(70 * time.Second)
		s = read(t, p)
		assert.Equal(t, meter.Unreadable, s.Condition, "then nobody knows what is drawn")
		assert.InDelta(t, 3000, s.Joules, 1e-9, "what was told stays")

		require.NoError(t, p.Tell(200))
		s = read(t, p)
		assert.Equal(t, meter.OK, s.Condition)
		assert.InDelta(t, 3000+70*150, s.Joules, 1e-9, "the gap is taken at the mean of both ends")
	})
	synctest.Test(t, func(t *testing.T) {
		e := newEnergy(t, plug)
		require.NoError(t, e.Tell(5000))
		assert.Zero(t, read(t, e).Joules)
		time.Sleep(30 * time.Second)
		silent(t, e)
		time.Sleep(time.Second)
		s := read(t, e)
		assert.Equal(t, meter.Unreadable, s.Condition)
		assert.Zero(t, s.Joules)
		require.NoError(t, e.Tell(8000))
		s = read(t, e)
		assert.Equal(t, meter.OK, s.Condition)
		assert.InDelta(t, 3000, s.Joules, 1e-9, "a counter loses nothing in a gap")
	})
}

func TestAFigureThatDoesNotChangeNeedsToBeToldOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newPower(t, meter.Domain{ID: "node0", RelError: 0.3, Sensor: "bill"})
		require.NoError(t, p.Tell(55))
		time.Sleep(1000 * time.Hour)
		s := read(t, p)
		assert.Equal(t, meter.OK, s.Condition)
		assert.InDelta(t, 55*3.6e6, s.Joules, 1e-3)
		assert.Equal(t, lifecycle.Declared, p.Domains()[0].Method, "what somebody states is not metered")
	})
}

func TestAnEnergyIsToldOnceByEachReading(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e := newEnergy(t, plug)
		silent(t, e)
		require.NoError(t, e.Tell(1e6))
		assert.Zero(t, read(t, e).Joules, "the first reading is the zero")
		silent(t, e) // told again, it would look like no power at all
		time.Sleep(10 * time.Second)
		told := time.Now()
		require.NoError(t, e.Tell(1e6+1234.5))
		time.Sleep(time.Second)
		s := read(t, e)
		assert.InDelta(t, 1234.5, s.Joules, 1e-9)
		assert.Equal(t, told, s.Time, "of when it was told, not of when it was read")
	})
}

func TestAnEnergyNeverFalls(t *testing.T) {
	for name, c := range map[string]struct {
		domain    meter.Domain
		readings  []float64
		joules    float64
		condition meter.Condition
	}{
		"begun anew, nothing known":    {meter.Domain{}, []float64{5000, 6000, 200, 700}, 1500, meter.NoRange},
		"begun anew, power known":      {meter.Domain{MaxW: 500}, []float64{5000, 6000, 200, 700}, 1700, meter.NoRange},
		"wrapped":                      {meter.Domain{MaxW: 500, RangeJ: 10_000}, []float64{8000, 9000, 200, 700}, 2700, meter.OK},
		"more than can have been used": {meter.Domain{MaxW: 500}, []float64{5000, 6000, 5e6, 5e6 + 100}, 1100, meter.Unreadable},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				d := c.domain
				d.ID, d.RelError, d.Update = "node0", 0.01, 10*time.Second
				e := newEnergy(t, d)
				var last float64
				var worst meter.Condition
				for _, reading := range c.readings {
					require.NoError(t, e.Tell(reading))
					s := read(t, e)
					assert.GreaterOrEqual(t, s.Joules, last)
					last = s.Joules
					if s.Condition != meter.OK {
						worst = s.Condition
					}
					time.Sleep(10 * time.Second)
				}
				assert.InDelta(t, c.joules, last, 1.0, "a µJ at the wrap aside")
				assert.Equal(t, c.condition, worst)
			})
		})
	}
}

func TestAConditionIsNotLostBetweenTwoReadings(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e := newEnergy(t, plug)
		for _, reading := range []float64{5000, 100, 200} {
			require.NoError(t, e.Tell(reading))
		}
		assert.Equal(t, meter.NoRange, read(t, e).Condition)
		require.NoError(t, e.Tell(300))
		assert.Equal(t, meter.OK, read(t, e).Condition)
	})
}

func TestWhatIsNoAmountIsRefused(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := plug
		d.MaxW = 3000
		p, e := newPower(t, d), newEnergy(t, d)
		require.NoError(t, p.Tell(100))
		require.NoError(t, e.Tell(100))
		for _, v := range []float64{math.NaN(), math.Inf(1), math.Inf(-1), -1} {
			assert.ErrorContains(t, p.Tell(v), "want a number that is not negative; nothing was changed")
			assert.ErrorContains(t, e.Tell(v), "want a number that is not negative; nothing was changed")
		}
		assert.EqualError(t, p.Tell(3001), `declared: domain "node0" was told 3001 W, more than the 3000 W of its MaxW; nothing was changed`)
		assert.ErrorContains(t, e.Tell(1e14), "is the unit right?")
		assert.ErrorContains(t, newPower(t, plug).Tell(math.MaxFloat64), "is the unit right?")
		time.Sleep(time.Second)
		assert.InDelta(t, 100, read(t, p).Joules, 1e-9, "the last power still holds")
	})
}

func TestAfterCloseNothingIsToldOrRead(t *testing.T) {
	for _, m := range []interface {
		meter.Meter
		Tell(float64) error
	}{newPower(t, plug), newEnergy(t, plug)} {
		require.NoError(t, m.Tell(1))
		require.NoError(t, m.Close())
		require.NoError(t, m.Close())
		assert.ErrorIs(t, m.Tell(2), fs.ErrClosed)
		_, err := m.Read(nil)
		assert.ErrorIs(t, err, fs.ErrClosed)
	}
}

func TestADomainSaysWhatNobodyElseKnows(t *testing.T) {
	good := meter.Domain{ID: "gpu12", RelError: 0.1, Update: time.Second}
	d := newPower(t, good).Domains()[0]
	assert.Equal(t, lifecycle.KindGPU, d.Kind)
	assert.Equal(t, 12, d.Device)
	assert.Equal(t, "declared", d.Sensor)
	assert.Equal(t, "watts", d.Mode)
	assert.Equal(t, "joules", newEnergy(t, good).Domains()[0].Mode)

	for want, change := range map[string]func(*meter.Domain){
		"the domain has no ID":                   func(d *meter.Domain) { d.ID = "" },
		"no kind of device follows from the ID":  func(d *meter.Domain) { d.ID = "rack" },
		"no source is exact":                     func(d *meter.Domain) { d.RelError = 0 },
		"its RelError is NaN":                    func(d *meter.Domain) { d.RelError = math.NaN() },
		"its MaxW is -1":                         func(d *meter.Domain) { d.MaxW = -1 },
		"its TDPW is +Inf":                       func(d *meter.Domain) { d.TDPW = math.Inf(1) },
		`its Method is "counter"`:                func(d *meter.Domain) { d.Method = lifecycle.Counter },
		"its Device is -1":                       func(d *meter.Domain) { d.Kind, d.Device = lifecycle.KindGPU, -1 },
		"its Update is -1s":                      func(d *meter.Domain) { d.Update = -time.Second },
		"it is left out (mirrored)":              func(d *meter.Domain) { d.LeftOut = "mirrored" },
		"Owned and Average are not for figures ": func(d *meter.Domain) { d.Owned = true },
	} {
		bad := good
		change(&bad)
		_, err := declared.NewPower(bad)
		assert.ErrorContains(t, err, want)
		_, err = declared.NewEnergy(bad)
		assert.ErrorContains(t, err, want)
	}
	bad := good
	bad.Update = 0
	_, err := declared.NewEnergy(bad)
	assert.ErrorContains(t, err, "say how often the counter's readings will be told")
	bad = good
	bad.RangeJ = 1e20
	_, err = declared.NewEnergy(bad)
	assert.ErrorContains(t, err, "more than a counter can hold")
}

func TestManyMayTellAndReadAtOnce(t *testing.T) {
	p, e := newPower(t, plug), newEnergy(t, plug)
	var all sync.WaitGroup
	for i := range 8 {
		all.Go(func() {
			last := 0.0
			for j := range 200 {
				assert.NoError(t, p.Tell(float64(i*j)))
				assert.NoError(t, e.Tell(float64(j)))
				_, _ = e.Read(nil)
				samples, err := p.Read(nil)
				if assert.NoError(t, err) {
					assert.GreaterOrEqual(t, samples[0].Joules, last)
					last = samples[0].Joules
				}
			}
		})
	}
	all.Wait()
}
