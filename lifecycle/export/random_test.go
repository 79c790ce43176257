package export

import (
	"bytes"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/ecotracer/ecotracer/internal/recordtest"
)

func TestRandomRecordsComeThrough(t *testing.T) {
	told := Options{Task: "x", DataType: "text", Infrastructure: "desk"}
	for seed := range uint64(12) {
		r := recordtest.Random(seed)
		for _, o := range []Options{{}, {PerStage: true}, {Bare: true}, {PerStage: true, Bare: true}} {
			o.Task, o.DataType, o.Infrastructure = told.Task, told.DataType, told.Infrastructure
			var text bytes.Buffer
			_, err := BoAmps(&text, r, o)
			require.NoError(t, err)
			back, err := ReadBoAmps(&text)
			require.NoError(t, err, "%d %+v", seed, o)
			if !o.Bare {
				require.Len(t, back, 1)
				assert.Equal(t, encoded(t, r), encoded(t, back[0].Record))
				assert.Empty(t, back[0].Guesses)
				continue
			}
			var joules float64
			for _, b := range back {
				joules += b.Record.Totals.EnergyJ.Value
			}
			assert.InDelta(t, r.Totals.EnergyJ.Value, joules, 1e-9*r.Totals.EnergyJ.Value)
		}
		var text bytes.Buffer
		_, err := CodeCarbon(&text, r, told)
		require.NoError(t, err)
		rows, skipped, err := readRows(text.String())
		require.NoError(t, err)
		require.Empty(t, skipped)
		imp, err := rows[0].Record()
		require.NoError(t, err)
		assert.InDelta(t, r.Totals.EnergyJ.Value, imp.Record.Totals.EnergyJ.Value, 1e-9*r.Totals.EnergyJ.Value)
		assert.InDelta(t, r.Totals.OperationalGCO2e.Value, imp.Record.Totals.OperationalGCO2e.Value, 1e-9*r.Totals.OperationalGCO2e.Value)
	}
}
