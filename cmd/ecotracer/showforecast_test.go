package main

import (
	"encoding/json"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/ecotracer/ecotracer/lifecycle"
	"github.com/ecotracer/ecotracer/tracer"
)

// foretold is a forecast of a loop of 50 epochs, 10 kJ and 1000 s.
func foretold(done int64) tracer.Forecast {
	of := func(v float64) *tracer.Estimate {
		wide := 1 + 0.2*float64(50-done)/50
		return &tracer.Estimate{Value: v, Low: v / wide, High: v * wide, Low90: v / wide, High90: v * wide}
	}
	f := tracer.Forecast{Path: "fit", Unit: "epoch", Done: done, Expected: 50, LeansOn: done - 1, TotalS: of(1000), TotalJ: of(10e3), TotalGCO2e: of(2)}
	left := float64(50-done) / 50
	f.RemainingS, f.RemainingJ, f.RemainingGCO2e = of(1000*left), of(10e3*left), of(2*left)
	return f
}

func TestShowTellsWhatIsToCome(t *testing.T) {
	r := measured(t)
	of := func(f ...tracer.Forecast) string {
		r.Extensions[lifecycle.ForecastExtension] = map[string]any{"version": 1, "forecasts": f}
		require.Empty(t, lifecycle.Validate(r))
		return view(r, style{80, false}, false)
	}
	r.Run.Status = lifecycle.Running
	assert.Contains(t, of(foretold(5), foretold(20)), `
Forecast
  fit · epoch 20 of 50 · as the last 19 were
  time       16 min 40 s  (14 min 53 s–18 min 40 s)  10 min more
  energy         10.0 kJ  (8.93–11.2)                6.00 kJ more
  emissions   2.00 gCO2e  (1.79–2.24)                1.20 gCO2e more
`)
	r.Run.Status = lifecycle.Complete
	assert.Contains(t, of(foretold(5), foretold(25), foretold(50)), `
Forecast
  fit · epoch
  done             time                             energy
  5 of 50   16 min 40 s  (14 min 7 s–19 min 40 s)  10.0 kJ  (8.47–11.8)
  25 of 50  16 min 40 s  (15 min 9 s–18 min 20 s)  10.0 kJ  (9.09–11.0)
  50 of 50  16 min 40 s                            10.0 kJ
`)
}

// FuzzForecastsOfOthers is of what stands under extensions, which nobody has
// checked.
func FuzzForecastsOfOthers(f *testing.F) {
	text, err := json.Marshal(map[string]any{"version": 1, "forecasts": []tracer.Forecast{foretold(5), foretold(20)}})
	require.NoError(f, err)
	f.Add(text, true)
	f.Add([]byte(`{"version":1,"forecasts":[{"remaining_s":{"high":1e308,"low":-1e308},"done":-5,"unit":"\u001b[2J"}]}`), true)
	f.Add([]byte(`{"version":1,"forecasts":[{"remaining_s":{"high":1},"total_s":{"value":-1},"total_j":{"value":1e-320}}]}`), false)
	f.Fuzz(func(t *testing.T, text []byte, running bool) {
		var v any
		if len(text) > 1<<16 || json.Unmarshal(text, &v) != nil {
			return
		}
		r := &lifecycle.Record{Extensions: map[string]any{lifecycle.ForecastExtension: v}}
		if running {
			r.Run.Status = lifecycle.Running
		}
		p := page{style: style{80, false}, marks: blocks, record: r}
		p.forecast()
		assert.NotContains(t, p.String(), "\x1b")
		assert.LessOrEqual(t, p.Len(), 64*len(text)+1000)
	})
}
