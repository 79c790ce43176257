package export

import (
	"bytes"
	"encoding/json"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/ecotracer/ecotracer/factors"
	"github.com/ecotracer/ecotracer/lifecycle"
)

// imported makes a record of two stages on one device, as a reader would.
func imported(t *testing.T) Imported {
	t.Helper()
	begin := time.Date(2026, 5, 4, 6, 0, 0, 0, time.UTC)
	end := begin.Add(3600 * time.Second)
	im := importRun(lifecycle.RunInfo{
		Status: lifecycle.Complete, StartedAt: &begin, EndedAt: &end, DurationS: 3600,
		Scope: lifecycle.ScopeMachine, Boundary: lifecycle.BoundaryComponent,
	}, end, []byte("a"))
	im.place(lifecycle.Environment{Country: "FR", Factors: lifecycle.EnvironmentFactors{
		Grid: im.factor(factors.Factor{ID: "grid.told", Kind: factors.Grid, Value: 50, Low: 25, High: 100, Unit: "gCO2e/kWh", Source: "a test"}),
	}})
	gpu := im.device(lifecycle.Hardware{Kind: lifecycle.KindGPU, Count: 2})
	meter := im.meter(lifecycle.MethodEntry{ID: "told", Method: lifecycle.Declared, Sensor: "bill", RelError: 1})
	im.stage(lifecycle.Training, "fit/again", 3000, []reading{{device: gpu, meter: meter, joules: 3.6e6}})
	im.stage(lifecycle.Training, "fit/again", 500, []reading{{device: gpu, meter: meter, joules: 3.6e6}})
	im.stage(lifecycle.Unassigned, "", 100, []reading{{device: gpu, meter: meter, joules: 3.6e6}})
	imp, err := im.finish("line 2")
	require.NoError(t, err)
	return imp
}

func TestWhatAReaderTellsMakesAValidRecord(t *testing.T) {
	imp := imported(t)
	r := imp.Record
	assert.Empty(t, lifecycle.Validate(r), "no finding, not even a warning")
	assert.Equal(t, "line 2", imp.Where)
	assert.Equal(t, 3*3.6e6, r.Totals.EnergyJ.Value)
	assert.InEpsilon(t, 1.5*3.6e6, r.Totals.EnergyJ.Low, 1e-5, "one error for all that a meter tells")
	assert.InEpsilon(t, 6*3.6e6, r.Totals.EnergyJ.High, 1e-5)
	pue := r.Totals.FacilityEnergyJ.Value / r.Totals.EnergyJ.Value
	assert.InEpsilon(t, 3*50*pue, r.Totals.OperationalGCO2e.Value, 1e-12)
	require.Len(t, r.Spans, 1, "a stage that is told twice adds up")
	assert.Equal(t, "fit~1again", r.Spans[0].Path)
	assert.Equal(t, 3500.0, r.Spans[0].TotalS)
}

func TestTheSameFactsAreTheSameRecord(t *testing.T) {
	var a, b bytes.Buffer
	require.NoError(t, lifecycle.Encode(&a, imported(t).Record))
	require.NoError(t, lifecycle.Encode(&b, imported(t).Record))
	assert.Equal(t, a.String(), b.String())
}

func TestAnImportedRunIsNamedByItsTimeAndContent(t *testing.T) {
	at := time.Date(2026, 5, 4, 6, 0, 0, 0, time.UTC)
	id := importedID(at, []byte("a"), []byte("b"))
	assert.Regexp(t, `^019df192-7300-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$`, id)
	assert.Equal(t, id, importedID(at, []byte("a"), []byte("b")))
	for _, other := range []string{
		importedID(at, []byte("ab")), importedID(at, []byte("a"), []byte("c")), importedID(at.Add(time.Second), []byte("a"), []byte("b")),
	} {
		assert.NotEqual(t, id, other)
	}
	assert.Regexp(t, `^00000000-0000-7`, importedID(time.Time{}, nil))
}

// pointsInto tells whether a JSON Pointer leads to a value of a record, or to
// one that is missing.
func pointsInto(t *testing.T, r *lifecycle.Record, pointer string) bool {
	t.Helper()
	var at any
	require.NoError(t, json.Unmarshal([]byte(encoded(t, r)), &at))
	for step := range strings.SplitSeq(strings.TrimPrefix(pointer, "/"), "/") {
		switch v := at.(type) {
		case map[string]any:
			at = v[step]
		case []any:
			i, err := strconv.Atoi(step)
			if err != nil || i >= len(v) {
				return false
			}
			at = v[i]
		}
	}
	return at != nil || slices.ContainsFunc(r.Missing, func(m lifecycle.Missing) bool { return m.Path == pointer })
}

func TestEveryGuessIsOfSomethingInTheRecord(t *testing.T) {
	var all []Imported
	for _, change := range []map[string]string{nil, {"country_iso_code": "ZZZ", "country_name": ""}, {"tracking_mode": "", "pue": ""}, {"energy_consumed": "3"}} {
		imp, err := oneRow(t, codeCarbonColumns, change).Record()
		require.NoError(t, err)
		all = append(all, imp)
	}
	for _, text := range []string{
		smallReport(), smallReport("training", "banana+", "wattmeter", "tea leaves"), smallReport("2026-03-02 09:00:00", "2026-03-02T09:00:00Z"),
		smallReport(`, "measurementDateTime": "2026-03-02 09:00:00"`, ""), smallReport("wattmeter", "rapl"), smallReport("wattmeter", "codecarbon"),
	} {
		list, err := ReadBoAmps(strings.NewReader(text))
		require.NoError(t, err)
		all = append(all, list...)
	}
	for _, imp := range all {
		for _, g := range imp.Guesses {
			assert.True(t, g.Path == "" || pointsInto(t, imp.Record, g.Path), "%s: %s", g.Path, g.Why)
			assert.NotContains(t, g.Why, "%!", "a format that went wrong")
		}
	}
}
