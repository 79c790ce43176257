package dataset_test

import (
	"testing"

	"github.com/stretchr/testify/assert"
)

func TestMergeCountsAHostOnce(t *testing.T) {
	var ps []process
	for i := range 4 {
		ps = append(ps, process{boot: bootA, cpus: 1, until: lengthOf, gpus: map[int]float64{i: 200}, claims: true})
	}
	shards := simulated(t, ps...)
	m := merged(t, shards...)
	t.Log(text(t, m))
	cpu := line(t, m, "cpu0")
	assert.InDelta(t, (idleW+5*busyW)*100, cpu.TotalJ, 1, "trap 38: the host's joules, not four times as many")
}
