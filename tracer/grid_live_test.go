package tracer_test

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/ecotracer/ecotracer/factors"
	"github.com/ecotracer/ecotracer/factors/live"
	"github.com/ecotracer/ecotracer/lifecycle"
	"github.com/ecotracer/ecotracer/lifecycle/schedule"
	"github.com/ecotracer/ecotracer/tracer"
)

// listed is a source of package live: a file of a day's hours, from 100 g on.
func listed(t *testing.T, signal, basis string) factors.GridSource {
	t.Helper()
	var b strings.Builder
	b.WriteString("zone,start,step_s,value,signal,basis\n")
	for h := range 24 {
		fmt.Fprintf(&b, "DE,2000-01-01T%02d:00:00Z,3600,%d,%s,%s\n", h, 100+10*h, signal, basis)
	}
	f, err := live.ReadFile(strings.NewReader(b.String()))
	require.NoError(t, err)
	return f
}

func TestSourcesOfPackageLiveTellARunItsHours(t *testing.T) {
	for name, c := range map[string]struct {
		source          func(t *testing.T) factors.GridSource
		basis           string // of the average
		hours, marginal bool
	}{
		"life cycle":   {func(t *testing.T) factors.GridSource { return listed(t, "average", "lifecycle") }, "lifecycle", true, false},
		"direct alone": {func(t *testing.T) factors.GridSource { return listed(t, "average", "direct") }, "direct", true, false},
		"marginal":     {func(t *testing.T) factors.GridSource { return listed(t, "marginal", "direct") }, "lifecycle", false, true},
		"with a fall-back": {func(t *testing.T) factors.GridSource {
			return live.Fallback{Sources: []factors.GridSource{listed(t, "average", "direct")}}
		}, "direct", true, false},
		"marginal, with another": {func(t *testing.T) factors.GridSource {
			return live.Fallback{Sources: []factors.GridSource{listed(t, "marginal", "direct")}}
		}, "lifecycle", false, true},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				src := c.source(t)
				w, err := tracer.WaitForGreen(t.Context(), src, germany, schedule.Job{Duration: time.Hour, Deadline: time.Now().Add(20 * time.Hour)})
				require.NoError(t, err, "it becomes dirtier by the hour: now is best")
				assert.InDelta(t, 100, w.Intensity.Value, 1e-9)

				ctx, run := simple(t, inGermany(), tracer.Grid(src))
				with(ctx, 3*time.Hour, "train")
				rec := finish(t, run)
				grid := gridFactor(t, rec, rec.Environments[0].Factors.Grid)
				assert.Equal(t, c.basis, grid.Basis)
				assert.Equal(t, c.hours, grid.Series != nil)
				if c.hours {
					assert.InDeltaSlice(t, []float64{100, 110, 120}, grid.Series.Value, 1e-9)
				}
				require.Equal(t, c.marginal, rec.Totals.MarginalGCO2e != nil)
				if c.marginal {
					assert.InEpsilon(t, 110*1.54*10*3*3600/3.6e6, rec.Totals.MarginalGCO2e.Value, 1e-9)
				}
			})
		})
	}
}

// Trap 54: what stands in for a live figure is told.
func TestAFallBackThatHasOnlyTheDataSetIsToldOf(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, run := simple(t, tracer.At(tracer.Site{Country: "PL", Infrastructure: "on-premise"}), tracer.Grid(live.Fallback{Sources: []factors.GridSource{listed(t, "average", "lifecycle")}}))
		with(ctx, 3*time.Hour, "train")
		rec, err := run.End()
		assert.ErrorContains(t, err, "only that of the data set")
		requireValid(t, rec)
		assert.Equal(t, "grid.PL", rec.Environments[0].Factors.Grid)
		_, flagged := warned(rec, "grid-live-failed")
		assert.True(t, flagged)
		assert.Equal(t, lifecycle.Complete, rec.Run.Status)
	})
	_, err := tracer.WaitForGreen(context.Background(), live.Fallback{}, germany, schedule.Job{Duration: time.Hour, Deadline: time.Now().Add(20 * time.Hour)})
	assert.ErrorIs(t, err, factors.ErrNoFactor)
}
