package tracer_test

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"

	"github.com/ecotracer/ecotracer/tracer"
)

func TestTheRecordOfAHostThatSleptIsValid(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, run := simple(t)
		_, s := tracer.Start(ctx, "work")
		time.Sleep(time.Minute)
		tracer.Sleep(run, 8*time.Hour)
		time.Sleep(time.Minute)
		s.End()
		rec := finish(t, run)
		assert.InDelta(t, 120, rec.Run.DurationS, 1e-9, "time asleep is no time of the run")
		assert.InDelta(t, 120, span(t, rec, "work").TotalS, 1e-9)
		assert.InDelta(t, 1200, span(t, rec, "work").SelfJ, 1e-6)
		assert.InDelta(t, 8*3600+120, rec.Run.EndedAt.Sub(*rec.Run.StartedAt).Seconds(), 0.01)
		_, flagged := warned(rec, "suspended")
		assert.True(t, flagged)
		_, flagged = warned(rec, "clock-step")
		assert.False(t, flagged)
	})
}

// Trap 51: times say where they are.
func TestTimesAreInUTC(t *testing.T) {
	local := time.Local
	time.Local = time.FixedZone("far east", 14*3600)
	defer func() { time.Local = local }()
	_, run := simple(t)
	rec := finish(t, run)
	for _, at := range []time.Time{rec.CreatedAt, *rec.Run.StartedAt, *rec.Run.EndedAt, *rec.Phases[0].StartedAt, *rec.Phases[0].EndedAt} {
		assert.Equal(t, time.UTC, at.Location())
		assert.WithinDuration(t, time.Now(), at, time.Minute)
	}
}
