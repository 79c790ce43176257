//go:build linux && (amd64 || arm64) && !nonvml

package main

import (
	"fmt"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/ecotracer/ecotracer/lifecycle"
	"github.com/ecotracer/ecotracer/tracer/meter/nvml/nvmltest"
)

func TestDoctorTellsOfEachGPU(t *testing.T) {
	nvmltest.Fleet(12, nvmltest.A100).Start(t)
	d, _ := diagnosed(t, server(t).Dir())
	var gpus []string
	for _, domain := range d.Domains {
		if domain.Meter == "nvml" {
			gpus = append(gpus, domain.ID+" "+domain.Decision+" "+domain.Model)
		}
	}
	require.Len(t, gpus, 12)
	for i, gpu := range gpus {
		assert.Equal(t, fmt.Sprintf("gpu%d counted NVIDIA A100-SXM4-80GB", i), gpu)
	}
}

func TestDoctorTellsWhatWouldMendTheDriver(t *testing.T) {
	(&nvmltest.Script{Fail: map[string]int{"nvmlInit_v2": 18}}).Start(t)
	d, code := diagnosed(t, server(t).Dir())
	assert.Equal(t, exitFound, code, "there is something to mend")
	at := slices.IndexFunc(d.Missing, func(m diagnosedMissing) bool { return m.What == "nvml" })
	require.GreaterOrEqual(t, at, 0)
	assert.Contains(t, d.Missing[at].Fix, "restart the machine")
}

// TestRunTellsWhatTheProgramUsesOfTheGPUs: the program holds the second GPU
// until its tracer has been told so; nobody holds the first.
func TestRunTellsWhatTheProgramUsesOfTheGPUs(t *testing.T) {
	dir := t.TempDir()
	s := nvmltest.Fleet(2, nvmltest.A100, nvmltest.Step{From: time.Now(), Watts: 300})
	s.Told = filepath.Join(dir, "told")
	script := s.Start(t)
	records := filepath.Join(dir, "records")
	r := traced(t, records, "--", "sh", "-c", `
		(cat "$FAKE_NVML"; echo process $$ 1000 50 0 C) >"$FAKE_NVML.new" && mv "$FAKE_NVML.new" "$FAKE_NVML"
		while [ ! -e `+s.Told+` ]; do sleep 0.05; done`)
	require.Zero(t, r.code, r.err)
	require.FileExists(t, script)
	lines := map[string]lifecycle.LedgerLine{}
	for _, line := range onlyRecord(t, records).Ledger {
		lines[line.Domain] = line
	}
	held := lines["gpu1"]
	assert.Positive(t, held.TotalJ)
	assert.InEpsilon(t, held.TotalJ, held.SpansJ+held.UnattributedJ, 1e-9, "the program alone held it")
	if idle, ok := lines["gpu0"]; ok {
		assert.Zero(t, idle.SpansJ, "the program did not hold it")
	}
}

func TestProcessesOfTheTreeAreThoseOfTheLastLook(t *testing.T) {
	k := newFakeKernel()
	tree := newTree(k, fakeSelf)
	root := k.fork(fakeSelf)
	child := k.fork(root)
	k.fork(1)
	assert.Empty(t, tree.pids())
	tree.cpuTime()
	assert.ElementsMatch(t, []int{root, child}, tree.pids())
}
