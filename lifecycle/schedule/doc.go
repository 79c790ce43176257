// Package schedule finds the greenest time and place for a job that can wait:
// of all windows that a deadline leaves, the one in which the grid is expected
// to emit least, and what that saves.
//
//	f, err := source.Forecast(ctx, query, now, deadline)
//	windows, err := schedule.Best(schedule.Job{
//		Duration: 6 * time.Hour, Now: now, Deadline: deadline, PowerW: 3000,
//	}, schedule.Place{Name: "DE", Forecast: f})
//	windows[0].Start // of the best place; wait until then
//
// It is pure computation: the same forecasts have the same answer.
//
// # How a window is found
//
// A forecast is constant within a step, so the mean over a window is linear in
// its start between the starts at which either end meets the border of a step.
// These, the earliest and the latest start are tried: none can be better.
// A window that is no better than an earlier one is not taken.
//
// # How sure a saving is
//
// Two windows of one forecast err alike. What the factor's interval tells,
// less what is owed to the lead time, is how well the source knows the grid:
// it scales all windows, and cancels out of a relative saving. What a forecast
// errs by until the job could start at once, the later window has too; each
// hour of waiting adds to that. Forecasts of two places err apart. All errors
// are lognormal; how fast they grow is an assumption from published
// evaluations: a mean error of 9.6 % over the hours of four days, by 7 % a day
// ahead.
package schedule
