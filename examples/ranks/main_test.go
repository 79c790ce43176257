package main

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/ecotracer/ecotracer/lifecycle"
)

func TestTheRanksLeaveOneRecordThatIsValid(t *testing.T) {
	dir := t.TempDir()
	program := filepath.Join(dir, "ranks.exe")
	out, err := exec.Command("go", "build", "-o", program, ".").CombinedOutput()
	require.NoError(t, err, "%s", out)
	cmd := exec.Command(program, "-dir", filepath.Join(dir, "records"))
	var said bytes.Buffer
	cmd.Stdout, cmd.Stderr = &said, os.Stderr
	require.NoError(t, cmd.Run())
	assert.Contains(t, said.String(), "rank 3: ")

	merged, err := read(filepath.Join(dir, "records"))
	require.NoError(t, err)
	require.Len(t, merged, 1)
	r := merged[0]
	for _, finding := range lifecycle.Validate(r) {
		assert.True(t, finding.Warning, "%+v", finding)
	}
	assert.Len(t, r.Run.Merged, ranks)
	assert.Equal(t, 1.0, *r.Run.Coverage)
	require.Len(t, r.Spans, 1)
	assert.EqualValues(t, ranks, r.Spans[0].Count)
	assert.EqualValues(t, ranks*50_000_000, r.Spans[0].Units["samples"].Count)

	shards, err := filepath.Glob(filepath.Join(dir, "records", "job-*", "*.json"))
	require.NoError(t, err)
	require.Len(t, shards, ranks)
	var sum float64
	own, err := read(filepath.Dir(shards[0]))
	require.NoError(t, err)
	for _, s := range own {
		assert.Equal(t, r.Run.TraceID, s.Run.TraceID, "the ranks know their job")
		sum += s.Totals.EnergyJ.Value
	}
	assert.InEpsilon(t, sum, r.Totals.EnergyJ.Value, 0.05, "shares of one machine add up")
}
