package powercap_test

import (
	"fmt"
	"maps"
	"slices"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"

	"github.com/ecotracer/ecotracer/tracer/meter"
	"github.com/ecotracer/ecotracer/tracer/tracertest"
)

// dies is a host with one socket whose dies show what the counters do, at a
// steady 80 W. Several dies may have one counter.
func dies(t testing.TB, startUJ ...uint64) *tracertest.Host {
	var zones []tracertest.Zone
	for i, uj := range startUJ {
		zones = append(zones, tracertest.Zone{ID: fmt.Sprintf("intel-rapl:%d", i), Name: fmt.Sprintf("package-0-die-%d", i), Power: tracertest.Constant(80), StartUJ: uj})
	}
	return tracertest.NewHost(t.TempDir(), tracertest.HostConfig{Vendor: "AMD", Zones: zones, RangeUJ: 65_532_610_987, Update: time.Millisecond})
}

// CodeCarbon told 137 W of a Threadripper that drew 125 W at the wall, display
// and all: each of its two dies shows the count of both (its issue 1274).
func TestTrap8_MirroredDiesAreCountedOnce(t *testing.T) {
	for name, test := range map[string]struct {
		start  []uint64
		joules float64 // after a second of 80 W
		ids    []string
	}{
		"two dies of one count":          {[]uint64{48e9, 48e9}, 80, []string{"cpu0"}},
		"twelve dies of one count":       {slices.Repeat([]uint64{48e9}, 12), 80, []string{"cpu0"}},
		"a count that is about to wrap":  {[]uint64{65_532_610_987, 65_532_610_987}, 80, []string{"cpu0"}},
		"counts that have only begun":    {[]uint64{0, 0}, 80, []string{"cpu0"}},
		"two dies of two counts":         {[]uint64{48e9, 49e9}, 160, []string{"cpu0/die0", "cpu0/die1"}},
		"two counts that are 10 J apart": {[]uint64{48e9, 48_010_000_000}, 160, []string{"cpu0/die0", "cpu0/die1"}},
		"two counts for four dies":       {[]uint64{48e9, 48e9, 49e9, 49e9}, 160, []string{"cpu0/die0", "cpu0/die2"}},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				h := dies(t, test.start...)
				begin := time.Now()
				m := open(t, h)
				assert.Less(t, time.Since(begin), 20*time.Millisecond, "detection is fast")
				opened := time.Now()
				time.Sleep(time.Second - time.Since(begin))
				joules, s := 0.0, readings(t, m)
				for _, sample := range s {
					assert.Equal(t, meter.OK, sample.Condition)
					joules += sample.Joules
				}
				assert.InDelta(t, test.joules*(time.Since(opened).Seconds()), joules, 0.3)
				assert.Equal(t, test.ids, slices.Sorted(maps.Keys(s)))
				for _, d := range m.Domains()[1:] {
					if d.LeftOut != "" {
						assert.Equal(t, "mirrored", d.LeftOut)
						assert.Contains(t, d.Why, "one counter", "the decision says why")
					}
				}
			})
		})
	}
}

// Counters that stand still at 0 cannot be told from one another: they are two,
// and waiting for them to move does not take long.
func TestTrap8_DiesThatDoNotCountAreNoMirrors(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := tracertest.NewHost(t.TempDir(), tracertest.HostConfig{Zones: []tracertest.Zone{
			{ID: "intel-rapl:0", Name: "package-0-die-0", Power: tracertest.Constant(0)},
			{ID: "intel-rapl:1", Name: "package-0-die-1", Power: tracertest.Constant(0)},
		}})
		begin := time.Now()
		assert.Len(t, readings(t, open(t, h)), 2)
		assert.Less(t, time.Since(begin), 20*time.Millisecond)
	})
}

// A die that fails while it is watched is no mirror, and no reason to fail.
func TestDieThatFailsWhileItIsWatched(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := dies(t, 48e9, 48e9)
		h.Fail(pkg1, syscall.EIO)
		m := open(t, h)
		assert.Equal(t, []string{"", "unreadable"}, []string{m.Domains()[0].LeftOut, m.Domains()[1].LeftOut})
		assert.Len(t, readings(t, m), 1)
	})
}
