package meter_test

import (
	"encoding/binary"
	"math"
	"math/rand/v2"
	"testing"
	"time"
	"unsafe"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/ecotracer/ecotracer/tracer/meter"
)

const (
	pkgRange  = 262143328850 // of an Intel package, µJ
	dramRange = 65712999613  // of its memory, µJ
)

// reading is one step of a table: after so long the raw counter shows so much,
// and the meter is to tell so many joules in all.
type reading struct {
	after     time.Duration
	rawUJ     uint64
	joules    float64
	condition meter.Condition
}

func TestCounter(t *testing.T) {
	const s = time.Second
	tests := map[string]struct {
		counter  meter.Counter
		readings []reading
	}{
		"first reading is a baseline: the joules since boot are not the run's": {
			meter.Counter{RangeUJ: pkgRange, MaxW: 1000},
			[]reading{{0, 83_000_000_000, 0, meter.OK}, {s, 83_020_000_000, 20, meter.OK}},
		},
		"trap 1: range unknown or 0 gives no negative energy": {
			meter.Counter{MaxW: 1000},
			[]reading{{0, 900_000_000, 0, meter.OK}, {s, 950_000_000, 50, meter.OK}, {s, 10_000_000, 60, meter.NoRange}, {s, 30_000_000, 80, meter.OK}},
		},
		"trap 1: range unknown and a fall that is too great to be told": {
			meter.Counter{MaxW: 10},
			[]reading{{0, 950_000_000, 0, meter.OK}, {s, 900_000_000, 0, meter.NoRange}, {s, 905_000_000, 5, meter.OK}},
		},
		"trap 1: range unknown and greatest power too": {
			meter.Counter{},
			[]reading{{0, 950_000_000, 0, meter.OK}, {s, 900_000_000, 0, meter.NoRange}, {s, 905_000_000, 5, meter.OK}},
		},
		"trap 2: a wrap is mended by the zone's range, not by 2^32 or 2^64": {
			meter.Counter{RangeUJ: dramRange, MaxW: 500},
			[]reading{{0, dramRange - 4_999_999, 0, meter.OK}, {s, 15_000_000, 20, meter.OK}},
		},
		"trap 3: the energy of the step that wraps is kept": {
			meter.Counter{RangeUJ: 99_999_999, MaxW: 60},
			[]reading{{0, 80_000_000, 0, meter.OK}, {s, 10_000_000, 30, meter.OK}, {s, 40_000_000, 60, meter.OK}, {s, 90_000_000, 110, meter.OK}, {s, 40_000_000, 160, meter.OK}},
		},
		"trap 4: after so long that it may have wrapped twice, a wrap is a gap": {
			meter.Counter{RangeUJ: pkgRange, MaxW: 1000},
			[]reading{{0, 200_000_000_000, 0, meter.OK}, {600 * s, 100_000_000_000, 162143.328851, meter.Gap}, {s, 100_100_000_000, 162243.328851, meter.OK}},
		},
		"trap 4: a rise after so long that it may have wrapped once is a gap": {
			meter.Counter{RangeUJ: pkgRange, MaxW: 1000},
			[]reading{{0, 1_000_000_000, 0, meter.OK}, {300 * s, 2_000_000_000, 1000, meter.Gap}},
		},
		"trap 4: a long time without a doubt is no gap": {
			meter.Counter{RangeUJ: pkgRange, MaxW: 400},
			[]reading{{0, 200_000_000_000, 0, meter.OK}, {600 * s, 100_000_000_000, 162143.328851, meter.OK}},
		},
		"trap 5: a range less than the reading is another zone's": {
			meter.Counter{RangeUJ: dramRange, MaxW: 1000},
			[]reading{{0, 200_000_000_000, 0, meter.OK}, {s, 200_100_000_000, 100, meter.OK}, {s, 50_000_000, 150, meter.NoRange}},
		},
		"trap 6: one reading of 0 is no wrap and no reset": {
			meter.Counter{RangeUJ: pkgRange, MaxW: 1000},
			[]reading{{0, 83_000_000_000, 0, meter.OK}, {s, 0, 0, meter.Reset}, {s, 83_050_000_000, 50, meter.OK}, {s, 83_060_000_000, 60, meter.OK}},
		},
		"one reading that is low and plausible is never taken back": {
			meter.Counter{RangeUJ: pkgRange, MaxW: 1000},
			[]reading{{0, 83_000_000_000, 0, meter.OK}, {s, 500_000_000, 500, meter.Reset}, {s, 83_050_000_000, 500, meter.OK}, {s, 83_060_000_000, 510, meter.OK}},
		},
		"a total that no counter reaches does not begin anew": {
			meter.Counter{RangeUJ: math.MaxUint64},
			[]reading{{0, 1, 0, meter.OK}, {s, 0, math.MaxUint64 / 1e6, meter.OK}, {s, 1e12, math.MaxUint64 / 1e6, meter.OK}},
		},
		"trap 7: no difference is no wrap": {
			meter.Counter{RangeUJ: pkgRange, MaxW: 1000},
			[]reading{{0, 5_000_000, 0, meter.OK}, {s, 5_000_000, 0, meter.OK}, {0, 5_000_000, 0, meter.OK}},
		},
		"the greatest reading is followed by 0": {
			meter.Counter{RangeUJ: 99_999_999, MaxW: 1},
			[]reading{{0, 99_999_999, 0, meter.OK}, {s, 0, 1e-6, meter.OK}},
		},
		"reset: what was counted since is kept, what was lost is not made up": {
			meter.Counter{RangeUJ: pkgRange, MaxW: 1000},
			[]reading{{0, 83_000_000_000, 0, meter.OK}, {s, 83_100_000_000, 100, meter.OK}, {s, 30_000_000, 130, meter.Reset}, {s, 80_000_000, 180, meter.OK}, {s, 130_000_000, 230, meter.OK}},
		},
		"backwards: a fall is never negative energy": {
			meter.Counter{RangeUJ: pkgRange, MaxW: 100},
			[]reading{{0, 83_000_000_000, 0, meter.OK}, {s, 82_000_000_000, 0, meter.Backwards}, {s, 82_050_000_000, 50, meter.OK}},
		},
		"backwards once: the rise after it is not counted twice": {
			meter.Counter{RangeUJ: pkgRange, MaxW: 100},
			[]reading{{0, 83_000_000_000, 0, meter.OK}, {s, 82_990_000_000, 0, meter.Backwards}, {s, 83_020_000_000, 20, meter.OK}},
		},
		"a rise above the greatest power is not told": {
			meter.Counter{RangeUJ: pkgRange, MaxW: 100},
			[]reading{{0, 1_000_000, 0, meter.OK}, {s, 83_000_000_000, 0, meter.Unreadable}, {s, 83_010_000_000, 10, meter.OK}},
		},
		"one reading that is too high loses nothing": {
			meter.Counter{RangeUJ: pkgRange, MaxW: 100},
			[]reading{{0, 1_000_000, 0, meter.OK}, {s, 83_000_000_000, 0, meter.Unreadable}, {s, 31_000_000, 30, meter.OK}, {s, 41_000_000, 40, meter.OK}},
		},
		"stuck: no move for longer than it may rest, until it moves": {
			meter.Counter{RangeUJ: pkgRange, MaxW: 1000, Rest: 10 * s},
			[]reading{{0, 7, 0, meter.OK}, {10 * s, 7, 0, meter.OK}, {s, 7, 0, meter.Stuck}, {s, 7, 0, meter.Stuck}, {s, 5_000_007, 5, meter.OK}, {10 * s, 5_000_007, 5, meter.OK}},
		},
		"greatest power unknown: every fall is a wrap": {
			meter.Counter{RangeUJ: 99_999_999},
			[]reading{{0, 50_000_000, 0, meter.OK}, {time.Hour, 40_000_000, 90, meter.OK}},
		},
		"readings faster than the counter moves": {
			meter.Counter{RangeUJ: pkgRange, MaxW: 100},
			[]reading{{0, 0, 0, meter.OK}, {10 * time.Microsecond, 61_000, 0.061, meter.OK}, {0, 122_000, 0.122, meter.OK}},
		},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			c := test.counter
			now := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
			for i, r := range test.readings {
				now = now.Add(r.after)
				condition := c.Add(r.rawUJ, now)
				assert.Equal(t, r.condition, condition, "reading %d", i)
				assert.InDelta(t, r.joules, c.Joules(), 1e-9, "joules after reading %d", i)
			}
		})
	}
}

// Times that the monotonic clock does not tell, as after a suspend, count as
// well: the counter may have wrapped meanwhile.
func TestCounterGoesByTheWallClockToo(t *testing.T) {
	begin := time.Now()
	later := begin.Round(0).Add(8 * time.Hour)
	c := meter.Counter{RangeUJ: pkgRange, MaxW: 1000}
	c.Add(1_000_000, begin)
	assert.Equal(t, meter.Gap, c.Add(28_801_000_000, later), "8 hours of sleep at 1 W; whether it wrapped is unknown")
	assert.InDelta(t, 28_800, c.Joules(), 1e-6)
	assert.Equal(t, meter.OK, c.Add(28_851_000_000, later.Add(-time.Hour)), "a clock that is set back makes no time negative")
	assert.InDelta(t, 28_850, c.Joules(), 1e-6)
}

// asleep is the time t after a suspend of whole seconds: the wall clock went on,
// the monotonic one stood still. No clock of a test does that by itself, so it
// moves the seconds in the words of the Time.
func asleep(t *testing.T, at time.Time, d time.Duration) time.Time {
	later := at
	*(*uint64)(unsafe.Pointer(&later)) += uint64(d/time.Second) << 30
	require.Zero(t, later.Sub(at), "the monotonic clock")
	require.Equal(t, d, later.Round(0).Sub(at.Round(0)), "the wall clock")
	return later
}

// A package's counter begins anew in a deep suspend and goes on in a light one.
// Whichever it was, a night of sleep never makes up the energy of a wrap.
func TestCounterThroughSuspend(t *testing.T) {
	const night = 8 * time.Hour
	for name, test := range map[string]struct {
		last, then uint64 // raw readings before and after, µJ
		joules     float64
		condition  meter.Condition
	}{
		"it began anew": {100_000_000_000, 5_000_000, 5, meter.Reset},
		"trap 4: it went on, and may have wrapped":                                     {100_000_000_000, 128_800_000_000, 28_800, meter.Gap},
		"it wrapped before the host fell asleep, for so much can have been used awake": {pkgRange - 4_999_999, 15_000_000, 20, meter.Gap},
		"trap 7: it did not move at all":                                               {100_000_000_000, 100_000_000_000, 0, meter.Gap},
	} {
		t.Run(name, func(t *testing.T) {
			begin := time.Now()
			c := meter.Counter{RangeUJ: pkgRange, MaxW: 1000}
			c.Add(test.last, begin)
			woken := asleep(t, begin.Add(time.Second), night)
			assert.Equal(t, test.condition, c.Add(test.then, woken))
			assert.InDelta(t, test.joules, c.Joules(), 1e-9)
			assert.Equal(t, meter.OK, c.Add(test.then+50_000_000, woken.Add(time.Second)))
			assert.InDelta(t, test.joules+50, c.Joules(), 1e-9, "it goes on from there")
		})
	}
}

// Power of any shape, read fast enough, is recovered to the microjoule through
// any number of wraps.
// Trap 28: what is told are differences of the counter, to its last digit.
func TestCounterRecoversEveryMicrojoule(t *testing.T) {
	for seed := range uint64(200) {
		r := rand.New(rand.NewPCG(seed, 1))
		size := 1 + uint64(r.Int64N(pkgRange))
		maxW := 10 + r.Float64()*1000
		c := meter.Counter{RangeUJ: size, MaxW: maxW}
		slowest := float64(size) / 1e6 / maxW / 2 // half of the shortest time between two wraps
		now := time.Unix(1_800_000_000, 0)
		first := r.Uint64N(size)
		var used uint64
		for i := range 500 {
			require.Equal(t, meter.OK, c.Add((first+used)%(size+1), now), "seed %d, reading %d", seed, i)
			require.Equal(t, float64(used)/1e6, c.Joules(), "seed %d, reading %d", seed, i)
			elapsed := time.Duration(r.Float64() * slowest * 1e9)
			now = now.Add(elapsed)
			used += uint64(r.Float64() * maxW * elapsed.Seconds() * 1e6)
		}
	}
}

// A year of readings adds up exactly: nothing drifts.
func TestCounterDoesNotDrift(t *testing.T) {
	c := meter.Counter{RangeUJ: pkgRange, MaxW: 1000}
	now := time.Unix(1_800_000_000, 0)
	const step, steps = 333_333_333, 1_000_000
	raw := uint64(0)
	for range steps + 1 {
		if condition := c.Add(raw, now); condition != meter.OK {
			t.Fatal(condition)
		}
		raw = (raw + step) % (pkgRange + 1)
		now = now.Add(time.Second)
	}
	assert.Equal(t, float64(step)*steps/1e6, c.Joules())
}

// Single misreadings, whatever they show, never make the total more than the
// truth by more than the greatest power allows for one reading.
func TestCounterSurvivesMisreadings(t *testing.T) {
	for seed := range uint64(300) {
		r := rand.New(rand.NewPCG(seed, 2))
		c := meter.Counter{RangeUJ: pkgRange, MaxW: 1000}
		now := time.Unix(1_800_000_000, 0)
		first := r.Uint64N(pkgRange)
		var used uint64
		misread := 0
		for i := range 200 {
			raw := (first + used) % (pkgRange + 1)
			if i%10 == 5 {
				raw = r.Uint64N(pkgRange)
				misread++
			}
			before := c.Joules()
			c.Add(raw, now)
			require.GreaterOrEqual(t, c.Joules(), before, "seed %d: the total never falls", seed)
			now = now.Add(time.Second)
			used += r.Uint64N(500_000_000)
		}
		truth := float64(used) / 1e6
		assert.LessOrEqual(t, c.Joules(), truth+float64(misread)*1200, "seed %d", seed)
		assert.GreaterOrEqual(t, c.Joules(), truth-float64(misread)*1200-500, "seed %d", seed)
	}
}

func FuzzCounter(f *testing.F) {
	f.Add(uint64(pkgRange), 1000.0, []byte("0123456701234567012345670123456701234567"))
	f.Add(uint64(0), 0.0, make([]byte, 64))
	f.Add(uint64(math.MaxUint64), math.Inf(1), []byte("\xff\xff\xff\xff\xff\xff\xff\xff\x01\x00\x00\x00\x00\x00\x00\x00"))
	f.Fuzz(func(t *testing.T, size uint64, maxW float64, data []byte) {
		c := meter.Counter{RangeUJ: size, MaxW: maxW, Rest: time.Second}
		now := time.Unix(0, 0)
		last := 0.0
		for len(data) >= 16 {
			raw := binary.LittleEndian.Uint64(data)
			now = now.Add(time.Duration(binary.LittleEndian.Uint64(data[8:]) >> 1))
			data = data[16:]
			c.Add(raw, now)
			j := c.Joules()
			if math.IsNaN(j) || math.IsInf(j, 0) || j < last {
				t.Fatalf("joules go from %v to %v", last, j)
			}
			last = j
		}
	})
}

func BenchmarkCounter(b *testing.B) {
	c := meter.Counter{RangeUJ: pkgRange, MaxW: 1000, Rest: 10 * time.Second}
	now := time.Now()
	raw := uint64(0)
	for b.Loop() {
		raw = (raw + 100_000_000) % (pkgRange + 1)
		now = now.Add(time.Second)
		c.Add(raw, now)
	}
}
