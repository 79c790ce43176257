package tracer_test

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"

	"github.com/ecotracer/ecotracer/lifecycle"
	"github.com/ecotracer/ecotracer/tracer"
	"github.com/ecotracer/ecotracer/tracer/meter"
	"github.com/ecotracer/ecotracer/tracer/tracertest"
)

// seldom is a meter of which one domain is told whenever it is read and the
// other only when it moved, every 30 s.
type seldom struct {
	*tracertest.Slow
	next time.Time
}

func (m *seldom) Read(dst []meter.Sample) ([]meter.Sample, error) {
	got, err := m.Slow.Read(dst)
	if now := time.Now(); now.Before(m.next) && len(got) == 2 {
		got = got[:1]
	} else {
		m.next = now.Add(30 * time.Second)
	}
	return got, err
}

func TestADomainThatTellsSeldomHasNoGaps(t *testing.T) {
	for name, update := range map[string]time.Duration{"it said that it would": 30 * time.Second, "it did not": 0} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				often, rare := domain("gpu0", tracertest.Constant(10)), domain("gpu1", tracertest.Constant(20))
				rare.Update = update
				m := &seldom{Slow: slow(tracertest.NewMeter(often, rare), 5*time.Second, 0)}
				host := newPlant(4, cpus(1), cpus(1))
				_, run := begin(t, append(host.options(m), watts(0), tracer.Scope(lifecycle.ScopeMachine))...)
				time.Sleep(5*time.Minute + time.Second)
				rec := finish(t, run)
				l := line(t, rec, "gpu1")
				assert.InDelta(t, 20*301, l.TotalJ, 20)
				if update > 0 {
					assert.InDelta(t, 0, of(l.GapS), 0.11, "but for the time to the first reading")
				} else {
					assert.Greater(t, of(l.GapS), 100.0)
				}
			})
		})
	}
}
