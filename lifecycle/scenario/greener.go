package scenario

import (
	"time"

	"github.com/ecotracer/ecotracer/factors"
	"github.com/ecotracer/ecotracer/lifecycle/schedule"
)

// greener is the intensity of the greenest hours of a place's typical day beside
// that of the day: what doing a work in these hours multiplies the grid by. They
// are those of the best window of package schedule, and so is the error: that of
// a forecast for as long as the window is waited for.
func (m *model) greener(s *Scenario, w Work, at *work, place, path string) {
	path += ".greener-hours"
	if place == "" && len(s.Places) == 1 {
		for name := range s.Places {
			place = name
		}
	}
	hours := s.Places[place].Hours
	length := time.Duration(w.GreenerHours.Value * float64(time.Second))
	mean := 0.0
	for _, h := range hours {
		mean += h / 24
	}
	switch {
	case len(hours) != 24 || !(mean > 0):
		m.wrong(path, "the place %s does not tell its hours: write the intensities of the 24 hours of a typical day", place)
		return
	case length < time.Minute || length > 24*time.Hour:
		m.wrong(path, "write a part of a day, from 1 minute to 24 h")
		return
	}
	now := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC) // any midnight will do
	windows, err := schedule.Best(
		schedule.Job{Duration: length, Now: now, Deadline: now.Add(24*time.Hour + length)},
		schedule.Place{Name: place, Forecast: factors.Factor{
			ID: "grid.hours", Kind: factors.Grid, Value: mean, Low: mean, High: mean, Unit: "gCO2e/kWh",
			Signal: "average", Accounting: "location", Basis: "lifecycle", Mix: "production", GWP: "unstated",
			Found: factors.Declared, Source: "the scenario", SourceYear: now.Year(), Quality: "C",
			Series: &factors.Series{Start: now.Format(time.RFC3339), StepS: 3600, Value: append(append([]float64{}, hours...), hours...)},
		}})
	if err != nil {
		m.wrong(path, "%s", err)
		return
	}
	q := windows[0].Intensity
	in := Between(q.Value/mean, q.Low/mean, q.High/mean)
	in.Source = "the greenest hours begin at " + windows[0].Start.Format("15:04") + " of the day that the place tells"
	at.greener = m.given(in, "ratio", path)
}
