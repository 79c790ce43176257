package schedule_test

import (
	"fmt"
	"time"

	"github.com/ecotracer/ecotracer/lifecycle/schedule"
)

// A job of two hours that may wait until the evening: when, and what does
// waiting save?
func ExampleBest() {
	noon := time.Date(2026, 12, 1, 12, 0, 0, 0, time.UTC)
	f := forecast(noon, time.Hour, 400, 380, 300, 180, 160, 240, 390, 420) // of factors/live, or a file

	windows, err := schedule.Best(schedule.Job{
		Duration: 2 * time.Hour, Now: noon, Deadline: noon.Add(8 * time.Hour), PowerW: 3000,
	}, schedule.Place{Name: "DE", Forecast: f})
	if err != nil {
		fmt.Println(err)
		return
	}
	w := windows[0]
	fmt.Printf("%s at %s, %.0f gCO2e/kWh\n", w.Place, w.Start.Format("15:04"), w.Intensity.Value)
	fmt.Printf("saves %.0f gCO2e, %.0f %% (%.0f to %.0f %%)\n", w.Waiting.G.Value,
		100*w.Waiting.Share.Value, 100*w.Waiting.Share.Low, 100*w.Waiting.Share.High)
	// Output:
	// DE at 15:00, 170 gCO2e/kWh
	// saves 1320 gCO2e, 56 % (54 to 59 %)
}
