package lifecycle

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
)

func TestAStageBesideOthersMayDrawMoreThanItsShareOfTheTime(t *testing.T) {
	r := assess(t, everything())
	p, u := &r.Phases[0], &r.Phases[0].Usage[2]
	rated := u.EnergyJ.Value / (9 * float64(*u.Count) * *u.UseS) // nine times that, by its share
	r.Hardware[2].PowerLimitW = &rated
	for _, c := range []struct {
		times float64 // the share of the time, between begin and end
		found bool
	}{{1, true}, {4, true}, {20, false}} {
		end := p.StartedAt.Add(time.Duration(c.times * *u.UseS * 1e9))
		p.EndedAt = &end
		var found bool
		for _, f := range findings(r) {
			found = found || f.Rule == "R32" && f.Pointer == "/phases/0/usage/2/energy_j/value" && !f.Warning
		}
		assert.Equal(t, c.found, found, fmt.Sprint(c.times))
	}
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
		var found bool
		for _, f := range findings(r) {
			found = found || f.Rule == "R32" && f.Pointer == "/ledger/0/total_j" && !f.Warning
		}
		assert.Equal(t, c.found, found, "%v J in %v s", c.joules, c.seconds)
	}
}
