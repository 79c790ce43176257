package schedule

import (
	"cmp"
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"
	"time"

	"github.com/ecotracer/ecotracer/factors"
)

// Job is what is to run: in one go, for a known time, at constant power.
type Job struct {
	Duration time.Duration // above 0
	Now      time.Time     // when the question is asked; lead times count from here
	Earliest time.Time     // start; before Now, or zero: Now
	Deadline time.Time     // by which it must have ended
	PowerW   float64       // drawn from the grid, cooling included; 0: unknown, no grams are told
}

// Place is somewhere the job could run.
type Place struct {
	Name     string
	Forecast factors.Factor // of the grid there: kind grid or marginal, with Series
}

// Figure is an expected value with its 95 % interval.
type Figure struct {
	Value float64 `json:"value"`
	Low   float64 `json:"low"`
	High  float64 `json:"high"`
}

// Saving is what a window emits less than another. It is negative where it
// emits more.
type Saving struct {
	Share *Figure `json:"share,omitempty"` // of what the other emits; nil if that is 0
	G     *Figure `json:"g,omitempty"`     // gCO2e; nil if the power is unknown
}

// Window is the best window of a place.
type Window struct {
	Place     string    `json:"place"`
	Start     time.Time `json:"start"` // UTC
	End       time.Time `json:"end"`
	Intensity Figure    `json:"intensity_g_kwh"`       // mean over the window, gCO2e/kWh
	G         *Figure   `json:"emissions_g,omitempty"` // of the job, gCO2e; nil if the power is unknown

	// Waiting is against the earliest start in this place, Moving against the
	// earliest start in the first place that was given; nil where its forecast
	// does not tell of that start.
	Waiting *Saving `json:"saving_by_waiting,omitempty"`
	Moving  *Saving `json:"saving_all_in_all,omitempty"`

	// The windows that were compared lie between From and Until: what the job
	// allows and the forecast tells of.
	From  time.Time `json:"searched_from"`
	Until time.Time `json:"searched_until"`
}

// slack is the relative difference below which two means are equal: they are
// sums of the same numbers, rounded in another way.
const slack = 1e-9

// Best returns the best window of each place, the best of all first. Of
// windows that are equally good the earliest is taken, and of places the one
// that was given first. No window starts before Now or Earliest, or ends after
// the Deadline.
//
// Waiting is told against starting at Earliest; the first place is taken for
// the one where the job would run if nobody cared.
//
// A place without a usable forecast is left out and told in the error, beside
// the windows of the others: it wraps factors.ErrNoFactor where the forecast
// does not reach far enough. A job that does not fit between Earliest and
// Deadline, and forecasts that are not of the same thing (signal, basis,
// accounting, mix), are errors without a window.
func Best(job Job, places ...Place) ([]Window, error) {
	job, err := job.checked()
	if err != nil {
		return nil, err
	}
	if len(places) == 0 {
		return nil, errors.New("schedule: no place: give at least one, with its forecast")
	}
	for i := range places {
		if err := alike(places[0], places[i]); err != nil {
			return nil, err
		}
	}
	var (
		windows []Window
		errs    []error
		home    *estimate // the first place, at once
	)
	for i, p := range places {
		c, err := newCurve(job, p.Forecast)
		if err != nil {
			errs = append(errs, fmt.Errorf("schedule: %s: %w", p.Name, err))
			continue
		}
		if i == 0 {
			home = c.atOnce()
		}
		windows = append(windows, c.window(p.Name, home))
	}
	slices.SortStableFunc(windows, func(a, b Window) int {
		if !lower(a.Intensity.Value, b.Intensity.Value) && !lower(b.Intensity.Value, a.Intensity.Value) {
			return a.Start.Compare(b.Start)
		}
		return cmp.Compare(a.Intensity.Value, b.Intensity.Value)
	})
	return windows, errors.Join(errs...)
}

// lower tells whether a is less than b by more than rounding.
func lower(a, b float64) bool { return a < b-slack*b }

// Check tells what is wrong with a job, such as that it does not fit between
// Earliest and Deadline.
func (j Job) Check() error {
	_, err := j.checked()
	return err
}

// checked is the job with its defaults, or what is wrong with it.
func (j Job) checked() (Job, error) {
	if j.Duration <= 0 {
		return j, fmt.Errorf("schedule: a duration of %v: it must be above 0", j.Duration)
	}
	if j.Now.IsZero() || j.Deadline.IsZero() {
		return j, errors.New("schedule: Now and Deadline must be given")
	}
	if math.IsNaN(j.PowerW) || math.IsInf(j.PowerW, 0) || j.PowerW < 0 {
		return j, fmt.Errorf("schedule: a power of %v W: it must be finite and not negative", j.PowerW)
	}
	for _, t := range []*time.Time{&j.Now, &j.Earliest, &j.Deadline} {
		*t = t.Round(0).UTC() // wall clock: a forecast knows no other
	}
	if j.Earliest.Before(j.Now) {
		j.Earliest = j.Now
	}
	switch slot := j.Deadline.Sub(j.Earliest); {
	case !j.Deadline.After(j.Now):
		return j, fmt.Errorf("schedule: the deadline, %s, is past: it is %s", stamp(j.Deadline), stamp(j.Now))
	case slot <= 0:
		return j, fmt.Errorf("schedule: the earliest start, %s, is not before the deadline, %s", stamp(j.Earliest), stamp(j.Deadline))
	case slot < j.Duration:
		return j, fmt.Errorf("schedule: a job of %v does not fit between %s and %s (%v): give it a later deadline or split it",
			short(j.Duration), stamp(j.Earliest), stamp(j.Deadline), short(slot))
	}
	return j, nil
}

// short writes a duration without minutes and seconds that are 0.
func short(d time.Duration) string {
	s := d.String()
	if strings.HasSuffix(s, "m0s") {
		s = strings.TrimSuffix(s, "0s")
	}
	if strings.HasSuffix(s, "h0m") {
		s = strings.TrimSuffix(s, "0m")
	}
	return s
}

func stamp(t time.Time) string { return t.UTC().Format(time.RFC3339) }

// alike tells whether two forecasts can be compared.
func alike(a, b Place) error {
	f, g := a.Forecast, b.Forecast
	for _, axis := range []struct{ name, a, b string }{
		{"kind", string(f.Kind), string(g.Kind)}, {"unit", f.Unit, g.Unit}, {"signal", f.Signal, g.Signal},
		{"basis", f.Basis, g.Basis}, {"accounting", f.Accounting, g.Accounting}, {"mix", f.Mix, g.Mix},
	} {
		if axis.a != axis.b {
			return fmt.Errorf("schedule: the forecasts of %s and %s are not of the same thing: %s %q and %q: take both from one source",
				a.Name, b.Name, axis.name, axis.a, axis.b)
		}
	}
	return nil
}
