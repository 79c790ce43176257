package detect_test

import (
	"fmt"
	"math/rand/v2"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/ecotracer/ecotracer/lifecycle"
	"github.com/ecotracer/ecotracer/tracer/meter"
	"github.com/ecotracer/ecotracer/tracer/meter/detect"
	"github.com/ecotracer/ecotracer/tracer/tracertest"
)

// book is what a ledger books of domains: what they tell, and after their last
// reading what they told before it.
type book struct {
	mu    sync.Mutex
	lines map[string]*line
}

type line struct {
	at, before         time.Time
	joules, was, first float64
	n                  int
	conditions         map[meter.Condition]int
}

func (b *book) read(t testing.TB, m meter.Meter) {
	samples, err := m.Read(nil)
	require.NoError(t, err)
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.lines == nil {
		b.lines = map[string]*line{}
	}
	for _, s := range samples {
		id := m.Domains()[s.Domain].ID
		l := b.lines[id]
		if l == nil {
			l = &line{first: s.Joules, joules: s.Joules, at: s.Time, conditions: map[meter.Condition]int{}}
			b.lines[id] = l
		}
		l.conditions[s.Condition]++
		if !detect.Taken(s.Condition) {
			continue
		}
		require.GreaterOrEqual(t, s.Joules, l.joules, "%s never falls", id)
		l.before, l.was = l.at, l.joules
		l.at, l.joules = s.Time, s.Joules
		l.n++
	}
}

// joules is what a line holds now.
func (b *book) joules(id string) float64 {
	l := b.lines[id]
	if l == nil {
		return 0
	}
	j := l.joules - l.first
	if span := l.at.Sub(l.before); l.n > 1 && span > 0 {
		j += (l.joules - l.was) * (float64(time.Since(l.at)) / float64(span))
	}
	return j
}

func (b *book) sum() float64 {
	b.mu.Lock()
	defer b.mu.Unlock()
	var sum float64
	for id := range b.lines {
		sum += b.joules(id)
	}
	return sum
}

func simulated(id string, method lifecycle.Method, power tracertest.Curve) tracertest.Domain {
	return tracertest.Domain{Domain: meter.Domain{ID: id, Method: method}, Power: power}
}

// square is a power that goes from one to the other and back in each period.
func square(from, to float64, period time.Duration) tracertest.Curve {
	return func(t time.Duration) float64 {
		part := t % period
		second := max(part-period/2, 0)
		return (t-part).Seconds()*(from+to)/2 + (part-second).Seconds()*from + second.Seconds()*to
	}
}

// It guards trap 39.
func TestTrap39PartsAndRestAreTheNode(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		cpu := tracertest.NewMeter(simulated("cpu0", "", tracertest.Ramp(10, 110, time.Minute)))
		gpu := tracertest.NewMeter(simulated("gpu0", "", tracertest.Constant(250)))
		node := tracertest.NewMeter(simulated("node0", lifecycle.Metered, tracertest.Ramp(400, 500, time.Minute)))
		ms := detect.Fuse(node, cpu, gpu)
		var b book
		for range 60 {
			for _, m := range ms {
				b.read(t, m)
			}
			time.Sleep(time.Second)
		}
		for _, m := range ms {
			b.read(t, m)
		}
		assert.InDelta(t, 140*60, b.joules("node0/rest"), 1e-6, "what neither CPU nor GPU used")
		assert.InDelta(t, 450*60, b.sum(), 1e-6)
		assert.Equal(t, map[meter.Condition]int{meter.OK: 61}, b.lines["node0/rest"].conditions)
	})
}

func TestPartsAndNodeInOneReading(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ms := detect.Fuse(tracertest.NewMeter(simulated("node0", "", tracertest.Constant(50)), simulated("cpu0", "", tracertest.Constant(20)), simulated("dram0", "", tracertest.Constant(5))))
		var b book
		for range 10 {
			b.read(t, ms[0])
			time.Sleep(time.Second)
		}
		assert.InDelta(t, 25*9, b.lines["node0/rest"].joules, 1e-9)
	})
}

// TestTrap39RandomPlants reads node and parts with periods, delays and powers
// of all kinds, each in a goroutine of its own. What is booked in the end is
// what the node used, but for what the plant may use in a period.
//
// It guards trap 39.
func TestTrap39RandomPlants(t *testing.T) {
	for seed := range uint64(30) {
		synctest.Test(t, func(t *testing.T) {
			rnd := rand.New(rand.NewPCG(seed, 39))
			between := func(least, most float64) float64 { return least + (most-least)*rnd.Float64() }
			pick := func(ds ...time.Duration) time.Duration { return ds[rnd.IntN(len(ds))] }
			start := time.Now()

			var curves []tracertest.Curve
			var ms []meter.Meter
			jitter, total := 0.0, 0.0
			add := func(id string, most float64, delays time.Duration, c tracertest.Curve) {
				m := &tracertest.Slow{Meter: tracertest.NewMeter(simulated(id, lifecycle.Metered, c)), Limit: 10 * time.Second}
				m.Every = pick(200*time.Millisecond, time.Second, 5*time.Second, 12*time.Second)
				if rnd.IntN(2) == 0 {
					m.Latency = time.Duration(rnd.Int64N(int64(delays)))
				}
				curves, ms = append(curves, c), append(ms, m)
				// A part may draw anything until its next sample: what it is
				// taken for then is off by that, and so is the rest, in the
				// power that it is gone on with too.
				jitter += 4 * most * (m.Every + m.Latency).Seconds()
			}
			for i := range 1 + rnd.IntN(4) {
				most := between(5, 400)
				total += most
				c := square(between(0, 5), most, time.Duration(between(1, 60)*float64(time.Second)))
				if rnd.IntN(2) == 0 {
					c = tracertest.Ramp(between(0, most), most, time.Minute)
				}
				add(fmt.Sprint("gpu", i), most, 5*time.Second, c)
			}
			other := between(1, 200)
			whole := tracertest.Constant(other)
			for _, c := range curves {
				whole = whole.Plus(c)
			}
			add("node0", total+other, 3*time.Second, whole)

			var b book
			end := time.Now().Add(time.Duration(between(300, 1500) * float64(time.Second)))
			var wg sync.WaitGroup
			for _, m := range detect.Fuse(ms...) {
				wg.Go(func() {
					for time.Now().Before(end) {
						b.read(t, m)
						time.Sleep(m.(meter.Pacer).Period())
					}
				})
			}
			time.Sleep(time.Until(end))
			want, got := whole(time.Since(start)), b.sum()
			wg.Wait()
			for id, l := range b.lines {
				assert.Zero(t, l.conditions[meter.PartsMore], "seed %d: %s", seed, id)
				assert.Zero(t, l.conditions[meter.Gap], "seed %d: %s", seed, id)
			}
			assert.InDelta(t, want, got, jitter, "seed %d: parts and rest come to the node", seed)
			assert.Less(t, jitter/want, 1.0)
		})
	}
}

// It guards trap 40.
func TestTrap40PartsThatExceedTheNodeKeepTheirEnergy(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		cpu := tracertest.NewMeter(simulated("cpu0", "", tracertest.Constant(30)))
		node := tracertest.NewMeter(simulated("node0", "", tracertest.Constant(40).Then(10*time.Second, tracertest.Constant(20))))
		ms := detect.Fuse(cpu, node)
		var b book
		for range 61 {
			for _, m := range ms {
				b.read(t, m)
			}
			time.Sleep(time.Second)
		}
		assert.InDelta(t, 60*30, b.lines["cpu0"].joules, 1e-9, "nothing is taken from the part")
		assert.InDelta(t, 100, b.lines["node0/rest"].joules, 1e-9, "what was the rest stays so, and never is less than nothing")
		assert.Empty(t, b.lines["cpu0"].conditions[meter.PartsMore])
		assert.Greater(t, b.lines["node0/rest"].conditions[meter.PartsMore], 40)
		assert.Greater(t, b.lines["node0/rest"].conditions[meter.OK], 10, "what a reading late may explain is not flagged")
	})
}

func TestRestCatchesUpBeforeItGrows(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		cpu := tracertest.NewMeter(simulated("cpu0", "", tracertest.Constant(30)))
		node := tracertest.NewMeter(simulated("node0", "", square(20, 50, time.Minute)))
		ms := detect.Fuse(cpu, node)
		var b book
		for range 601 {
			for _, m := range ms {
				b.read(t, m)
			}
			time.Sleep(time.Second)
		}
		assert.InDelta(t, node.Joules("node0"), b.sum(), 30*30+50, "what was too much is made up for, not added up")
	})
}

func TestPartThatFallsSilentIsGoneOnWith(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		cpu := tracertest.NewMeter(simulated("cpu0", "", tracertest.Constant(30)))
		node := tracertest.NewMeter(simulated("node0", "", tracertest.Constant(100)))
		ms := detect.Fuse(cpu, node)
		var b book
		for i := range 61 {
			if i == 20 {
				cpu.Flag("cpu0", meter.Unplugged)
			}
			for _, m := range ms {
				b.read(t, m)
			}
			if i < 60 {
				time.Sleep(time.Second)
			}
		}
		rest := b.lines["node0/rest"]
		assert.InDelta(t, 70*60, rest.joules, 1e-6, "as the ledger goes on with the part, the rest does")
		assert.InDelta(t, 100*60, b.sum(), 1e-6)
		assert.InDelta(t, 36, rest.conditions[meter.Gap], 2, "and says that it does not know")
	})
}

func TestPartThatNeverTellsIsInTheRest(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		cpu := tracertest.NewMeter(simulated("cpu0", "", tracertest.Constant(30)))
		cpu.Silence("cpu0")
		node := tracertest.NewMeter(simulated("node0", "", tracertest.Constant(100)))
		ms := detect.Fuse(cpu, node)
		var b book
		for range 11 {
			samples, err := ms[1].Read(nil)
			require.NoError(t, err)
			for _, s := range samples {
				assert.Contains(t, []meter.Condition{meter.OK, meter.Gap}, s.Condition)
			}
			time.Sleep(time.Second)
		}
		b.read(t, ms[1])
		assert.InDelta(t, 1100, b.lines["node0/rest"].joules, 1e-6)
		assert.Equal(t, 1, b.lines["node0/rest"].conditions[meter.Gap], "it is flagged")
	})
}

func TestRestIsNotToldWhileItsNodeIsNot(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		cpu := tracertest.NewMeter(simulated("cpu0", "", tracertest.Constant(30)))
		node := tracertest.NewMeter(simulated("node0", "", tracertest.Constant(100)))
		ms := detect.Fuse(cpu, node)
		var b book
		for i := range 31 {
			switch i {
			case 10:
				node.Flag("node0", meter.Denied)
			case 20:
				node.Flag("node0", meter.OK)
			}
			for _, m := range ms {
				b.read(t, m)
			}
			if i < 30 {
				time.Sleep(time.Second)
			}
		}
		assert.InDelta(t, 70*30, b.lines["node0/rest"].joules, 1e-6, "the node's counter went on, and nothing is lost")
		assert.Equal(t, map[meter.Condition]int{meter.OK: 21, meter.Denied: 10}, b.lines["node0/rest"].conditions)
	})
}

func TestSelectedKeepsTheRules(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		tracertest.TestMeter(t, func() (meter.Meter, error) {
			return detect.Fuse(tracertest.NewMeter(simulated("node0", "", tracertest.Constant(50)), simulated("cpu0", "", tracertest.Constant(20))))[0], nil
		})
	})
}

func TestReadingARestAllocatesNothing(t *testing.T) {
	ms := detect.Fuse(tracertest.NewMeter(simulated("cpu0", "", tracertest.Constant(20))), tracertest.NewMeter(simulated("node0", "", tracertest.Constant(50))))
	dst := make([]meter.Sample, 0, 4)
	assert.Zero(t, testing.AllocsPerRun(100, func() {
		for _, m := range ms {
			dst, _ = m.Read(dst[:0])
		}
	}))
}

// BenchmarkRest reads 64 parts and their node, to be compared with reading 65
// domains that have nothing to do with each other.
func BenchmarkRest(b *testing.B) {
	for _, node := range []string{"node0", "gpu64"} {
		b.Run(node, func(b *testing.B) {
			var domains []tracertest.Domain
			for i := range 64 {
				domains = append(domains, simulated(fmt.Sprint("gpu", i), "", tracertest.Constant(20)))
			}
			m := detect.Fuse(tracertest.NewMeter(append(domains, simulated(node, "", tracertest.Constant(2000)))...))[0]
			dst := make([]meter.Sample, 0, 65)
			b.ReportAllocs()
			for b.Loop() {
				dst, _ = m.Read(dst[:0])
			}
		})
	}
}
