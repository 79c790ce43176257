package main

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/ecotracer/ecotracer/lifecycle"
	"github.com/ecotracer/ecotracer/tracer"
	"github.com/ecotracer/ecotracer/tracer/tracertest"
)

func TestTheNetworkTellsWhatATransactionTook(t *testing.T) {
	t.Setenv("ECOTRACER_DISABLED", "")
	var out strings.Builder
	head, r, err := run(t.Context(), 5, 4, &out, tracer.Sinks(new(tracertest.Recorder)))
	require.NoError(t, err)
	t.Log("\n" + out.String())
	for _, f := range lifecycle.Validate(r) {
		assert.True(t, f.Warning, "%+v", f)
	}
	counts := map[string]int64{}
	for _, s := range r.Spans {
		counts[s.Path] = s.Count
		assert.Equal(t, lifecycle.Operation, s.Stage, s.Path)
	}
	assert.Equal(t, map[string]int64{"operate": 1, "operate/slot": 4, "operate/slot/sign": 4, "operate/slot/propose": 4, "operate/slot/check": 20}, counts)
	require.NotNil(t, r.Totals.PerUnit)
	assert.EqualValues(t, 400, r.Totals.PerUnit.Count)
	assert.Equal(t, "dlt", r.Technology.Kind)

	again, _, err := run(t.Context(), 5, 4, &out, tracer.Sinks(new(tracertest.Recorder)))
	require.NoError(t, err)
	assert.Equal(t, head, again, "the same network comes to the same chain")
}

func TestABlockWithAForgedTransactionFindsNoMajority(t *testing.T) {
	n := newNetwork(4)
	all := n.pay(t.Context(), 0)
	all[3].amount++
	assert.ErrorContains(t, n.slot(t.Context(), 0, all), "want two thirds")
	assert.Equal(t, [32]byte{}, n.validators[0].head, "the chain is as it was")
	assert.Zero(t, n.validators[0].paid)
	all[3].amount--
	require.NoError(t, n.slot(t.Context(), 0, all))
	assert.Error(t, n.slot(t.Context(), 1, all), "what is signed for one slot is for no other")
}

func TestTheLotteryGoesByStake(t *testing.T) {
	n := newNetwork(3)
	n.validators[0].stake, n.validators[1].stake, n.validators[2].stake, n.stake = 10, 30, 60, 100
	drawn := map[*validator]int{}
	for slot := range uint64(10_000) {
		drawn[n.leader(slot)]++
	}
	for i, want := range []int{1000, 3000, 6000} {
		assert.InDelta(t, want, drawn[n.validators[i]], 250)
	}
}
