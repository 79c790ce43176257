package lifecycle

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
)

// implausible reports whether R32 finds fault with a place, and whether it
// warns of it.
func implausible(r *Record, at string) (wrong, warned bool) {
	for _, f := range findings(r) {
		if f.Rule == "R32" && f.Pointer == at {
			wrong, warned = wrong || !f.Warning, warned || f.Warning
		}
	}
	return wrong, warned
}

func TestAStageBesideOthersMayDrawMoreThanItsShareOfTheTime(t *testing.T) {
	// Fifty spans wait beside one that works for 5 s: it has 0.1 s of the wall
	// clock and all of the energy, 9 W of the 10 W that the device may draw.
	for _, shared := range []string{"cpu-time", "cores", "memory", "reserved", "exclusive", ""} {
		for _, c := range []struct {
			open          float64 // s between the stage's begin and end
			wrong, warned bool
		}{{5, false, false}, {3.2, false, true}, {2, true, false}, {0.1, true, false}} {
			r := assess(t, everything())
			p, u := &r.Phases[0], &r.Phases[0].Usage[2]
			watts := 10.0
			r.Hardware[2].PowerLimitW, r.Hardware[2].Count = &watts, 1
			*u.Count, *u.UseS, u.EnergyJ.Value, u.ShareBy = 1, 0.1, 45, shared
			if shared == "" {
				u.Share = nil
			}
			p.EndedAt = to(p.StartedAt.Add(time.Duration(c.open * 1e9)))
			wrong, warned := implausible(r, "/phases/0/usage/2/energy_j/value")
			assert.Equal(t, c.wrong, wrong, "45 J in %v s by %q", c.open, shared)
			assert.Equal(t, c.warned, warned, "45 J in %v s by %q", c.open, shared)
		}
	}
}

func TestAnEstimatesPowerIsThatOfTheTimeHeld(t *testing.T) {
	r := assess(t, everything())
	p, u := &r.Phases[0], &r.Phases[0].Usage[2]
	p.StartedAt, p.EndedAt = nil, nil
	watts := u.EnergyJ.Value / (float64(*u.Count) * *u.UseS)
	for times, want := range map[float64]bool{1: false, 1.9: false, 2.1: true} {
		r.Hardware[2].PowerLimitW = to(watts / times)
		wrong, _ := implausible(r, "/phases/0/usage/2/energy_j/value")
		assert.Equal(t, want, wrong, "%v × the rated power", times)
	}
}

func TestCoarseTimesMakeNoPowerImplausible(t *testing.T) {
	r := assess(t, everything())
	p, u := &r.Phases[0], &r.Phases[0].Usage[2]
	*u.UseS, p.EndedAt = 0, p.StartedAt // both in the same hour
	at := "/phases/0/usage/2/energy_j/value"
	wrong, _ := implausible(r, at)
	assert.True(t, wrong)
	r.Run.TimeResolutionS = to(3600.0)
	wrong, warned := implausible(r, at)
	assert.False(t, wrong || warned)
}

func TestAShortRunMayReadAWholeStepOfACounter(t *testing.T) {
	// A processor of 100 W, whose counter moves ten times a second.
	for _, c := range []struct {
		seconds, joules float64
		found           bool
	}{{0.001, 10, false}, {0.001, 50, true}, {10, 1000, false}, {10, 2100, true}} {
		r := assess(t, everything())
		watts := 100.0
		l := &r.Ledger[0]
		for i := range r.Hardware {
			if h := &r.Hardware[i]; h.ID == l.Hardware {
				h.Count, h.PowerLimitW = 1, &watts
			}
		}
		r.Run.DurationS, l.TotalJ = c.seconds, c.joules
		wrong, _ := implausible(r, "/ledger/0/total_j")
		assert.Equal(t, c.found, wrong, "%v J in %v s", c.joules, c.seconds)
	}
}
