package tracer

import (
	"context"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/ecotracer/ecotracer/lifecycle"
)

type anyKey struct{}

func TestTheContextTellsRunAndSpan(t *testing.T) {
	run, span := FromContext(context.Background())
	assert.Nil(t, run)
	assert.Nil(t, span)
	assert.Empty(t, span.Path())
	assert.Empty(t, span.Stage())

	ctx, began, err := Begin(context.Background(), Dir(t.TempDir()))
	require.NoError(t, err)
	defer began.End()
	run, span = FromContext(ctx)
	assert.Same(t, began, run)
	assert.Nil(t, span)

	inside, s := Start(ctx, "train")
	inside, s2 := Start(context.WithValue(inside, anyKey{}, 1), "a/b")
	run, span = FromContext(context.WithValue(inside, anyKey{}, 2))
	assert.Same(t, began, run)
	assert.Same(t, s2, span)
	assert.Equal(t, "train/a~1b", span.Path())
	assert.Equal(t, lifecycle.Training, s.Stage())
}

func TestASnapshotIsTheRecordAsItStands(t *testing.T) {
	ctx, run, err := Begin(context.Background(), Dir(t.TempDir()))
	require.NoError(t, err)
	_, span := Start(ctx, "train")
	r, err := run.Snapshot(ctx)
	require.NoError(t, err)
	assert.Equal(t, lifecycle.Running, r.Run.Status)
	require.Len(t, r.Spans, 1)
	assert.EqualValues(t, 1, *r.Spans[0].Open)
	for _, f := range lifecycle.Validate(r) {
		assert.True(t, f.Warning, "%v", f)
	}
	span.End()
	final, err := run.End()
	require.NoError(t, err)
	r, err = run.Snapshot(ctx)
	require.NoError(t, err)
	assert.Same(t, final, r)

	var none *Run
	r, err = none.Snapshot(ctx)
	assert.NoError(t, err)
	assert.Nil(t, r)
}
