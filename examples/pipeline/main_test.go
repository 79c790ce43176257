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

func TestThePipelineTellsWhatItsPartsTook(t *testing.T) {
	t.Setenv("ECOTRACER_DISABLED", "")
	var out strings.Builder
	r, err := run(t.Context(), 100, &out, tracer.Sinks(new(tracertest.Recorder)))
	require.NoError(t, err)
	t.Log("\n" + out.String())
	for _, f := range lifecycle.Validate(r) {
		assert.True(t, f.Warning, "%+v", f)
	}
	stages := map[string]lifecycle.Stage{}
	for _, s := range r.Spans {
		stages[s.Path] = s.Stage
	}
	assert.Equal(t, map[string]lifecycle.Stage{
		"world": lifecycle.Unassigned, "ingest": lifecycle.Collection, "clean": lifecycle.Processing,
		"store records": lifecycle.Storage, "query": lifecycle.Processing,
	}, stages)
	p := r.Technology.DataPipeline
	require.NotNil(t, p)
	assert.Greater(t, *p.RecordsIn, int64(100*288), "some came twice")
	assert.InDelta(t, 100*288*0.98, *p.RecordsOut, 100, "two of a hundred are broken")
	assert.Less(t, *p.BytesOut, *p.BytesIn)
	assert.Contains(t, out.String(), "the worst air was at sensor ")

	// 10 years of three copies at 0.65 Wh a TB and hour, over the energy of the rest.
	kept := float64(*p.BytesOut) * 3 * 10 * 365 * 24 * 0.65 * 3600 / 1e12
	for _, l := range r.Ledger {
		if l.Domain == "storage.hdd" {
			assert.InEpsilon(t, kept, l.TotalJ, 1e-6)
		}
	}
	require.NotNil(t, r.Totals.PerUnit)
	assert.Equal(t, *p.RecordsIn, r.Totals.PerUnit.Count)
}

func TestWhatIsStoredIsWhatWasThere(t *testing.T) {
	rows := []reading{{1, 5, 3.5}, {1, 10, 4}, {7, 0, 0}, {7, 1435, 9999}}
	file, err := store(t.Context(), rows)
	require.NoError(t, err)
	again, err := load(file)
	require.NoError(t, err)
	assert.Equal(t, rows, again)
}

func TestABadLineIsRefused(t *testing.T) {
	for line, want := range map[string]string{
		"1;2": "2 fields", "x;2;3": "invalid syntax", "70000;2;3": "out of range", "1;2;": "invalid syntax",
	} {
		_, err := parse(line)
		assert.ErrorContains(t, err, want, line)
	}
}
