package dataset_test

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/ecotracer/ecotracer/factors"
	"github.com/ecotracer/ecotracer/tracer"
)

// hourly is a grid of 100 g, and 10 g more with each hour of the day.
type hourly struct{}

func (hourly) Current(context.Context, factors.Query) (factors.Factor, error) {
	return factors.Factor{}, factors.ErrNoFactor
}

func (hourly) Forecast(context.Context, factors.Query, time.Time, time.Time) (factors.Factor, error) {
	return factors.Factor{}, factors.ErrNoFactor
}

func (hourly) History(_ context.Context, q factors.Query, from, to time.Time) (factors.Factor, error) {
	if q.Kind != factors.Grid {
		return factors.Factor{}, factors.ErrNoFactor
	}
	from = from.Truncate(time.Hour)
	s := &factors.Series{Start: from.Format(time.RFC3339), StepS: 3600}
	var sum float64
	for ; from.Before(to); from = from.Add(time.Hour) {
		s.Value = append(s.Value, 100+10*float64(from.Hour()))
		sum += 100 + 10*float64(from.Hour())
	}
	v := sum / float64(len(s.Value))
	return factors.Factor{
		ID: "grid.live", Kind: factors.Grid, Value: v, Low: v / 1.1, High: v * 1.1, Unit: "gCO2e/kWh", Signal: "average", Accounting: "location",
		Basis: "lifecycle", Mix: "consumption", GWP: "unstated", Found: factors.Live, Source: "grid", SourceYear: 2026, Quality: "A", Series: s,
	}, nil
}

// Ranks that ran for hours keep these, however they share hosts and whenever
// they end.
func TestHoursOfRanksAddUp(t *testing.T) {
	rank := func(boot string, from, until time.Duration) process {
		return process{boot: boot, cpus: 1, from: from, until: until, options: []tracer.Option{tracer.Grid(hourly{}), tracer.Sampling(time.Minute)}}
	}
	for name, ranks := range map[string][]process{
		"on two hosts":              {rank(bootA, 0, 3*time.Hour), rank(bootB, 0, 3*time.Hour)},
		"on two hosts for a time":   {rank(bootA, 0, 3*time.Hour), rank(bootB, time.Hour, 5*time.Hour)},
		"on one host":               {rank(bootA, 0, 3*time.Hour), rank(bootA, 0, 3*time.Hour)},
		"on one host, to the hour":  {rank(bootA, 0, 3*time.Hour), rank(bootA, 0, 2*time.Hour+20*time.Minute)},
		"on one host for a time":    {rank(bootA, 0, 3*time.Hour), rank(bootA, 90*time.Minute, 5*time.Hour)},
		"on one host, but not once": {rank(bootA, 0, 2*time.Hour), rank(bootA, 4*time.Hour, 6*time.Hour)},
	} {
		t.Run(name, func(t *testing.T) {
			shards := simulated(t, ranks...)
			m := merged(t, shards...)
			require.NotNil(t, m.Totals.GCO2e)
			assert.Len(t, m.Environments, 1, "it is one place")
			assert.Empty(t, warned(m, "merge-conflict"))
			var each, steps float64
			for _, s := range shards {
				each += s.Totals.OperationalGCO2e.Value
			}
			assert.InEpsilon(t, each, m.Totals.OperationalGCO2e.Value, 1e-9)
			for _, p := range m.Phases {
				for _, f := range p.Profile {
					for _, joules := range f.EnergyJ {
						steps += joules
					}
				}
			}
			assert.InEpsilon(t, m.Totals.EnergyJ.Value, steps, 1e-9, "each joule is in an hour")
		})
	}
}
