package export

import (
	"bytes"
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
