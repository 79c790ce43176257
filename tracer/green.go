package tracer

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/ecotracer/ecotracer/factors"
	"github.com/ecotracer/ecotracer/lifecycle/schedule"
)

const (
	// forecastTimeout is how long a source may take to tell its forecast.
	forecastTimeout = 10 * time.Second
	// askAgain is how old a forecast may be while it is waited for.
	askAgain = 30 * time.Minute
)

// WaitForGreen waits until the greenest time for a job begins: the window of
// its duration in which the grid is expected to emit least, of all that begin
// from now (or job.Earliest) on and end by its deadline. It returns at once if
// that is now.
//
//	window, err := tracer.WaitForGreen(ctx, source, factors.Query{Country: "DE"},
//		schedule.Job{Duration: 6 * time.Hour, Deadline: tomorrow, PowerW: 3000})
//
// The window tells what was chosen, and what waiting is expected to save, with
// its interval; that is against a start at the time at which it was chosen. The
// forecast is asked for again every half hour; where a later one moves the
// window, the new one counts, and where the source fails, the old one. Without
// a place in the query it is that of ECOTRACER_COUNTRY and ECOTRACER_REGION;
// without a kind it is the average intensity, or the marginal one of a source
// that knows no other. The job's Now is not looked at.
//
// An error says that nothing was waited for: the source had no forecast of use,
// or the job does not fit before its deadline. The window then begins now, so
// that the job may as well. If ctx is done the error is ctx's. With
// ECOTRACER_DISABLED it never waits, and asks nobody. Nothing goes on after it
// has returned, if the source heeds ctx. It is no part of a run: begin that
// afterwards, or the wait is in it.
func WaitForGreen(ctx context.Context, src factors.GridSource, at factors.Query, job schedule.Job) (schedule.Window, error) {
	if ctx == nil {
		ctx = context.Background()
	}
	var nowhere error
	if at.Country == "" && at.Region == "" && at.Zone == "" && at.CloudRegion == "" {
		s := placeOfEnvironment()
		nowhere = errors.Join(s.normalise()...)
		at.Country, at.Region, at.Provider, at.CloudRegion = s.Country, s.Subdivision, s.Provider, s.Region
	}
	atOnce := func() schedule.Window {
		now := time.Now().UTC()
		return schedule.Window{Start: now, End: now.Add(job.Duration)}
	}
	switch {
	case disabled():
		return atOnce(), nil
	case nowhere != nil:
		return atOnce(), fmt.Errorf("tracer: WaitForGreen: %w", nowhere)
	case src == nil:
		return atOnce(), errors.New("tracer: WaitForGreen: there is no source of forecasts")
	}
	if slot := time.Until(job.Deadline); slot < job.Duration {
		return atOnce(), fmt.Errorf("tracer: WaitForGreen: a job of %v does not fit in the %v before its deadline", job.Duration, max(slot, 0).Round(time.Second))
	}
	var plan *schedule.Window
	for {
		job.Now = time.Now()
		next, err := greenest(ctx, src, at, job)
		switch {
		case ctx.Err() != nil:
			return atOnce(), ctx.Err()
		case err != nil && plan == nil:
			return atOnce(), fmt.Errorf("tracer: WaitForGreen: %w", err)
		case err == nil && (plan == nil || !next.Start.Equal(plan.Start)):
			plan = &next
		}
		if begun, err := waitFor(ctx, plan.Start); err != nil {
			return atOnce(), err
		} else if begun {
			return *plan, nil
		}
	}
}

// greenest is the best window by what the source forecasts now.
func greenest(ctx context.Context, src factors.GridSource, at factors.Query, job schedule.Job) (schedule.Window, error) {
	ctx, cancel := context.WithTimeout(ctx, forecastTimeout)
	defer cancel()
	kinds := []factors.Kind{at.Kind}
	if at.Kind == "" {
		kinds = []factors.Kind{factors.Grid, factors.Marginal}
	}
	var a gridAnswer
	for _, at.Kind = range kinds {
		a = await(ctx, ask(ctx, at, func(q factors.Query) (factors.Factor, error) {
			return src.Forecast(ctx, q, job.Now.Round(0).UTC(), job.Deadline.Round(0).UTC())
		}))
		if !unknown(a.err) {
			break
		}
	}
	if a.err != nil {
		return schedule.Window{}, a.err
	}
	if a.factor.Kind != at.Kind {
		return schedule.Window{}, refused("it is of kind %s, and not %s", a.factor.Kind, at.Kind)
	}
	windows, err := schedule.Best(job, schedule.Place{Name: cmp.Or(at.Zone, at.CloudRegion, at.Region, at.Country, "the grid"), Forecast: a.factor})
	if len(windows) == 0 {
		return schedule.Window{}, err
	}
	return windows[0], nil
}

// waitFor waits until a time of the wall clock has come and tells so, or until
// it is worth asking again: there must be time for an answer.
func waitFor(ctx context.Context, t time.Time) (come bool, err error) {
	left := time.Until(t)
	if left <= 0 {
		return true, nil
	}
	if left > askAgain+forecastTimeout {
		left = askAgain
	}
	timer := time.NewTimer(left)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return false, ctx.Err()
	case <-timer.C:
		return time.Until(t) <= 0, nil // or the host has slept meanwhile
	}
}
