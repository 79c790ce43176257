package deep_test

import (
	"context"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/ecotracer/ecotracer/factors"
	"github.com/ecotracer/ecotracer/lifecycle"
	"github.com/ecotracer/ecotracer/tracer"
	"github.com/ecotracer/ecotracer/tracer/tracertest"
)

// What moves from one stage to another moves in their hours, too.
func TestHoursFollowWhatIsBookedAgain(t *testing.T) {
	rec, log := traced(t, func(ctx context.Context) {
		ctx, all := tracer.Start(ctx, "all")
		defer all.End()
		stop := make(chan struct{})
		var wg sync.WaitGroup
		ready := make(chan struct{})
		wg.Go(func() {
			_, s := tracer.Start(ctx, "wait", tracer.In(lifecycle.Serving))
			defer s.End()
			close(ready)
			<-stop
		})
		<-ready
		_, s := tracer.Start(ctx, "compute", tracer.In(lifecycle.Training))
		tracertest.Burn(ctx, 200*time.Millisecond)
		s.End()
		close(stop)
		wg.Wait()
	}, node(t, 5)...)
	begin := rec.Run.StartedAt.Truncate(time.Hour)
	for i := range rec.Phases {
		p := &rec.Phases[i]
		if p.EnergyJ == nil || p.EnergyJ.Value == 0 {
			continue
		}
		p.Profile = []lifecycle.Profile{{Environment: "site", Start: begin, StepS: 3600, EnergyJ: []float64{p.EnergyJ.Value / 4, p.EnergyJ.Value * 3 / 4}}}
	}
	for i := range rec.Factors {
		if f := &rec.Factors[i]; f.ID == rec.Environments[0].Factors.Grid {
			f.Series = &factors.Series{Start: begin.Format(time.RFC3339), StepS: 3600, Value: []float64{f.Value * 0.8, f.Value * 1.2}}
		}
	}
	require.NoError(t, lifecycle.Assess(rec))
	again, _ := attribute(t, rec, log)
	training := func(r *lifecycle.Record) *lifecycle.PhaseEntry {
		for i := range r.Phases {
			if r.Phases[i].Stage == lifecycle.Training {
				return &r.Phases[i]
			}
		}
		return nil
	}
	before, after := training(rec), training(again)
	assert.Greater(t, after.EnergyJ.Value, 1.1*before.EnergyJ.Value, "it computed")
	assert.InEpsilon(t, after.EnergyJ.Value, after.Profile[0].EnergyJ[0]+after.Profile[0].EnergyJ[1], 1e-9)
	assert.InEpsilon(t, after.EnergyJ.Value/4, after.Profile[0].EnergyJ[0], 1e-9)
}
