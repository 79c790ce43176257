package main

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/ecotracer/ecotracer/lifecycle"
)

func TestTheRanksLeaveOneRecordThatIsValid(t *testing.T) {
	dir := t.TempDir()
	program := filepath.Join(dir, "distributed.exe")
	out, err := exec.Command("go", "build", "-o", program, ".").CombinedOutput()
	require.NoError(t, err, "%s", out)
	cmd := exec.Command(program, "-dir", filepath.Join(dir, "records"))
	var said bytes.Buffer
	cmd.Stdout, cmd.Stderr = &said, os.Stderr
	require.NoError(t, cmd.Run())
	losses := regexp.MustCompile(`rank \d: .* J, loss (0\.\d+)`).FindAllStringSubmatch(said.String(), -1)
	require.Len(t, losses, ranks, "%s", &said)
	for _, l := range losses {
		assert.Equal(t, losses[0][1], l[1], "all have the same model")
	}

	merged, err := read(filepath.Join(dir, "records"))
	require.NoError(t, err)
	require.Len(t, merged, 1)
	r := merged[0]
	for _, finding := range lifecycle.Validate(r) {
		assert.True(t, finding.Warning, "%+v", finding)
	}
	assert.Len(t, r.Run.Merged, ranks)
	assert.Equal(t, 1.0, *r.Run.Coverage)
	counts := map[string]int64{}
	for _, s := range r.Spans {
		counts[s.Path] = s.Count
	}
	assert.Equal(t, map[string]int64{"train": ranks, "train/epoch": ranks * epochs, "train/epoch/all-reduce": ranks * epochs}, counts)
	assert.EqualValues(t, ranks*samples*epochs, r.Spans[0].Units["samples"].Count)
	for _, w := range r.Warnings {
		assert.NotEqual(t, "merge-conflict", w.Code, "%s: %s", w.Path, w.Detail)
	}

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

// Rank 0 waits for the others: one that never comes is not waited for for ever.
func TestARankThatFailsTakesTheOthersWithIt(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("the ranks here are of a shell")
	}
	program := filepath.Join(t.TempDir(), "rank.sh")
	require.NoError(t, os.WriteFile(program, []byte("#!/bin/sh\n[ $RANK = 2 ] && exit 3\necho there\nexec sleep 1000\n"), 0o700))
	was := os.Args[0]
	defer func() { os.Args[0] = was }()
	os.Args[0] = program
	err := start(t.TempDir())
	require.ErrorContains(t, err, "rank 2: exit status 3")
}

func TestTheGradientIsThatOfTheLoss(t *testing.T) {
	x, y := data(0)
	x, y = x[:50], y[:50]
	weights := make([]float64, inputs)
	for i := range weights {
		weights[i] = 0.1 * float64(i%5)
	}
	sum, there := make([]float64, inputs+1), make([]float64, inputs+1)
	gradient(weights, x, y, sum)
	for i := range weights {
		const step = 1e-6
		weights[i] += step
		gradient(weights, x, y, there)
		weights[i] -= step
		assert.InDelta(t, sum[i], (there[inputs]-sum[inputs])/step, 1e-3, "%d", i)
	}
}
