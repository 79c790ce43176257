//go:build linux && (amd64 || arm64) && !nonvml

package main

import (
	"fmt"
	"slices"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

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
