package main

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/ecotracer/ecotracer/lifecycle"
)

func TestLeavesAValidRecordInTheDefaultFolder(t *testing.T) {
	t.Setenv("ECOTRACER_DIR", "")
	t.Setenv("ECOTRACER_DISABLED", "")
	t.Chdir(t.TempDir())
	main()

	files, err := filepath.Glob("ecotracer-records/*.json")
	require.NoError(t, err)
	require.Len(t, files, 1)
	file, err := os.Open(files[0])
	require.NoError(t, err)
	defer file.Close()
	r, err := lifecycle.Decode(file)
	require.NoError(t, err)
	for _, finding := range lifecycle.Validate(r) {
		assert.True(t, finding.Warning, "%+v", finding)
	}
	assert.Equal(t, r.Run.ID+".json", filepath.Base(files[0]))
	assert.Equal(t, lifecycle.Complete, r.Run.Status)
	require.Len(t, r.Spans, 1)
	assert.Equal(t, "train", r.Spans[0].Path)
	assert.Equal(t, lifecycle.Training, r.Spans[0].Stage)
	assert.Equal(t, int64(300_000_000), r.Spans[0].Units["samples"].Count)
	assert.Positive(t, r.Totals.EnergyJ.Value)
}
