package lifecycle

import (
	"fmt"
	"time"
)

// InstrumentShare is the share of a run's facility energy in an environment
// that a market instrument covers, of which kWh were bought for what the run
// was part of, for the period from begin to end: what [Instrument.Share] holds.
// The rest, which no instrument covers, has the grams of the residual mix
// (GHG Protocol scope 2 guidance).
//
// The volume is spread evenly over the period; the run has that part of it in
// which it ran, and as much of its energy can be covered as it used then, its
// energy spread evenly over the run. A run without times, an estimate, is
// taken to lie in the period. More than all of the energy, less what the
// instruments cover that are there already, is not covered: whatever is bought
// beyond it belongs to others.
//
// The same kWh must not be declared for two runs at once: the function knows
// of one run. It is an error if run and period do not overlap, if the
// environment used no energy, or if a fact is not usable as in [Assess]. The
// record is not changed.
func InstrumentShare(r *Record, environment string, kWh float64, begin, end time.Time) (float64, error) {
	b := newBasis(r)
	if err := b.distinct(); err != nil {
		return 0, err
	}
	e := -1
	for i := range r.Environments {
		if r.Environments[i].ID == environment {
			e = i
		}
	}
	if e < 0 {
		return 0, &fault{"R4", "/environments", fmt.Sprintf("there is no environment %q: name one of the record's", environment)}
	}
	at := pointer("environments", e, "instruments")
	period := end.Sub(begin).Seconds()
	switch {
	case !isAmount(kWh):
		return 0, amount(kWh, at)
	case !(period > 0):
		return 0, &fault{"R36", at, fmt.Sprintf("the period of the instrument ends at %s, before it begins", end.Format(time.RFC3339))}
	}

	rows, err := b.contributions(func(s Stage) bool { return !s.Device() })
	if err != nil {
		return 0, err
	}
	var facility float64
	for i := range rows {
		if b.device(rows[i].usage.Hardware).Environment == environment {
			facility += rows[i].columns[facilityEnergyJ].value
		}
	}
	if facility == 0 {
		return 0, &fault{"R36", at, "the run used no energy there, so nothing is to be covered"}
	}

	seconds, inside := r.Run.DurationS, min(r.Run.DurationS, period)
	if r.Run.StartedAt != nil && r.Run.EndedAt != nil {
		from, to := *r.Run.StartedAt, *r.Run.EndedAt
		seconds = to.Sub(from).Seconds()
		if from.Before(begin) {
			from = begin
		}
		if to.After(end) {
			to = end
		}
		if inside = to.Sub(from).Seconds(); !(inside > 0) {
			return 0, &fault{"R36", at, fmt.Sprintf("the instrument is of %s to %s, and the run of %s: it covers nothing of it",
				begin.Format(time.DateOnly), end.Format(time.DateOnly), r.Run.StartedAt.Format(time.DateOnly))}
		}
	}
	if !(inside > 0) {
		return 0, &fault{"R36", "/run/duration_s", "a run of no time has no part of the period"}
	}
	var covered float64
	for _, in := range r.Environments[e].Instruments {
		covered += in.Share
	}
	return max(0, min(kWh*joulesPerKWh*inside/period/facility, inside/seconds, 1-covered)), nil
}
