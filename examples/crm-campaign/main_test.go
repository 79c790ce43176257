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

func TestTheCampaignTellsWhatAContactCameTo(t *testing.T) {
	t.Setenv("ECOTRACER_DISABLED", "")
	var out strings.Builder
	r, err := run(t.Context(), 1000, &out, tracer.Sinks(new(tracertest.Recorder)))
	require.NoError(t, err)
	t.Log("\n" + out.String())
	for _, f := range lifecycle.Validate(r) {
		assert.True(t, f.Warning, "%+v", f)
	}
	calls, grams := map[string]int64{}, map[string]float64{}
	for _, p := range r.Phases {
		for _, u := range p.Usage {
			if u.Calls != nil {
				calls[u.Hardware] = u.Calls.Count
				if u.OperationalGCO2e != nil { // of what is told in grams
					grams[u.Hardware] = u.OperationalGCO2e.Value
				}
			}
		}
	}
	assert.Equal(t, map[string]int64{"service.gemini-prompt": groups * drafts, "service.relay": 1000, "service.email-mailing": 1000}, calls)
	assert.InEpsilon(t, 20, grams["service.relay"], 1e-9, "as its operator states")
	assert.InEpsilon(t, 117, grams["service.email-mailing"], 1e-9)
	assert.Contains(t, out.String(), ", 30 × service.gemini-prompt")
	require.NotNil(t, r.Totals.PerUnit)
	assert.EqualValues(t, 1000, r.Totals.PerUnit.Count)
	assert.Greater(t, r.Totals.PerUnit.GCO2e.Value, 0.137, "and what this machine and the prompts took")
	assert.Less(t, r.Totals.PerUnit.GCO2e.Value, 0.5)
}

func TestCustomersThatAreAlikeAreInOneGroup(t *testing.T) {
	var all []customer
	for g := range groups {
		for i := range 10 {
			all = append(all, customer{visits: float64(10*g) + float64(i)/10, spent: 100})
		}
	}
	segment(t.Context(), all)
	seen := map[int]bool{}
	for g := range groups {
		of := all[10*g].group
		assert.False(t, seen[of], "%d", g)
		seen[of] = true
		for _, c := range all[10*g : 10*g+10] {
			assert.Equal(t, of, c.group)
		}
	}
}
