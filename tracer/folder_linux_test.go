package tracer_test

import (
	"os"
	"path/filepath"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/ecotracer/ecotracer/lifecycle"
	"github.com/ecotracer/ecotracer/tracer"
)

// Trap 48: a file is replaced whole or not at all.
func TestAFullDiskKeepsTheLastCheckpoint(t *testing.T) {
	dir := t.TempDir()
	if err := syscall.Mount("tmpfs", dir, "tmpfs", 0, "size=256k"); err != nil {
		t.Skip("needs the right to mount a small disk: ", err)
	}
	t.Cleanup(func() { require.NoError(t, syscall.Unmount(dir, 0)) })
	synctest.Test(t, func(t *testing.T) {
		ctx, run, err := inFolder(dir)
		require.NoError(t, err)
		_, s := tracer.Start(ctx, "work")
		time.Sleep(10 * time.Second)
		before := readRecord(t, filepath.Join(dir, run.ID()+".json"))

		filler := filepath.Join(dir, "filler")
		f, err := os.Create(filler)
		require.NoError(t, err)
		for err == nil {
			_, err = f.Write(make([]byte, 4096))
		}
		require.ErrorIs(t, err, syscall.ENOSPC)
		require.NoError(t, f.Close())

		time.Sleep(20 * time.Second)
		s.End()
		rec, err := run.End()
		require.ErrorIs(t, err, syscall.ENOSPC)
		requireValid(t, rec)
		assert.InDelta(t, 300, span(t, rec, "work").SelfJ, 1e-9, "nothing that was measured is lost")
		_, flagged := warned(rec, "checkpoint-failed")
		assert.True(t, flagged)

		assert.Empty(t, written(t, dir), "and no half-written file stays")
		require.NoError(t, os.Remove(filler))
		assert.Equal(t, before, readRecord(t, filepath.Join(dir, run.ID()+".json")), "the last checkpoint stands")
		_, next, err := inFolder(dir)
		require.NoError(t, err)
		assert.Equal(t, lifecycle.Interrupted, readRecord(t, filepath.Join(dir, run.ID()+".json")).Run.Status,
			"until the next run closes it, as it is not the run's last word")
		_, err = next.End()
		require.NoError(t, err)
		assert.ElementsMatch(t, []string{run.ID() + ".json", next.ID() + ".json"}, filesIn(t, dir))
	})
}
