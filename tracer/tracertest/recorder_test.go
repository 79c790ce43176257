package tracertest_test

import (
	"context"
	"math"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/ecotracer/ecotracer/lifecycle"
	"github.com/ecotracer/ecotracer/tracer/tracertest"
)

func record(id string, status lifecycle.Status) *lifecycle.Record {
	return &lifecycle.Record{
		Run:   lifecycle.RunInfo{ID: id, Status: status},
		Spans: []lifecycle.Span{{Path: "train", SelfJ: 2, TotalJ: 5}, {Path: "train/epoch", TotalJ: 3}},
	}
}

func TestRecorderKeepsWhatWasWritten(t *testing.T) {
	var r tracertest.Recorder
	assert.Nil(t, r.Last(), "nothing was written yet")
	assert.Nil(t, r.Span("train"))
	assert.Empty(t, r.Records())

	ctx := context.Background()
	for _, w := range []*lifecycle.Record{record("a", lifecycle.Running), record("b", lifecycle.Running), record("a", lifecycle.Complete)} {
		require.NoError(t, r.Write(ctx, w))
		w.Spans[0].TotalJ = 1000 // the caller goes on
	}
	assert.Len(t, r.All(), 3)
	require.Len(t, r.Records(), 2)
	assert.Equal(t, lifecycle.Complete, r.Records()[0].Run.Status, "the final record replaces the checkpoint")
	assert.Equal(t, "a", r.Last().Run.ID)
	assert.Equal(t, 5.0, r.Span("train").TotalJ)
	assert.Equal(t, 3.0, r.Span("train/epoch").TotalJ)
	assert.Nil(t, r.Span("epoch"), "paths begin at the root")
}

func TestRecorderRefusesWhatIsNoJSON(t *testing.T) {
	var r tracertest.Recorder
	bad := record("a", lifecycle.Complete)
	bad.Spans[0].TotalJ = math.NaN()
	assert.ErrorContains(t, r.Write(context.Background(), bad), "run a")
	assert.Empty(t, r.All())
}

func TestRecorderFailsLikeAFullDisk(t *testing.T) {
	var r tracertest.Recorder
	r.Fail(syscall.ENOSPC)
	assert.ErrorIs(t, r.Write(context.Background(), record("a", lifecycle.Complete)), syscall.ENOSPC)
	assert.Empty(t, r.All())
	r.Heal()
	assert.NoError(t, r.Write(context.Background(), record("a", lifecycle.Complete)))
	assert.Len(t, r.All(), 1)
}

func TestRecorderStallsLikeADeadNetwork(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var r tracertest.Recorder
		r.Stall()
		ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
		defer cancel()
		begin := time.Now()
		assert.ErrorIs(t, r.Write(ctx, record("a", lifecycle.Running)), context.DeadlineExceeded)
		assert.Equal(t, time.Minute, time.Since(begin))

		done := make(chan error)
		go func() { done <- r.Write(context.Background(), record("a", lifecycle.Complete)) }()
		synctest.Wait()
		assert.Empty(t, r.All(), "it waits")
		r.Heal()
		assert.NoError(t, <-done)
		assert.Len(t, r.All(), 1)
	})
}
