package scenario

import (
	"os"
	"slices"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/ecotracer/ecotracer/internal/recordtest"
	"github.com/ecotracer/ecotracer/lifecycle"
)

func TestAScenarioOfARecordCanBeReadAndComputed(t *testing.T) {
	made := 0
	for seed := range uint64(60) {
		r := recordtest.Random(seed)
		text, err := FromRecord("a \"record\".json", r)
		if err != nil {
			continue
		}
		made++
		s, err := Parse("s.yaml", text, func(name string) (*lifecycle.Record, error) {
			assert.Equal(t, "a \"record\".json", name)
			return r, nil
		})
		require.NoError(t, err, "seed %d:\n%s", seed, text)
		_, err = s.run(1000)
		require.NoError(t, err, "seed %d:\n%s", seed, text)
	}
	assert.Greater(t, made, 20)
}

// What a scenario of five years makes of a run that takes place all the time is what
// the record says of that run, so many times.
func TestAScenarioOfARecordComesToWhatTheRecordSays(t *testing.T) {
	f, err := os.Open("../testdata/small.json")
	require.NoError(t, err)
	defer f.Close()
	r, err := lifecycle.Decode(f)
	require.NoError(t, err)
	text, err := FromRecord("small.json", r)
	require.NoError(t, err)
	s, err := Parse("s.yaml", text, func(string) (*lifecycle.Record, error) { return r, nil })
	require.NoError(t, err)
	result, err := s.run(1000)
	require.NoError(t, err)

	var training float64
	unit := s.Services["service"].Unit
	var serving float64
	for i := range r.Phases {
		p := &r.Phases[i]
		if q := p.EnergyJ; q != nil {
			switch n := counted(r, p.Stage, unit); {
			case p.Phase == lifecycle.PhaseTraining && n == 0:
				training += q.Value
			case n > 0 && p.Phase != lifecycle.PhaseUnassigned:
				serving += q.Value / float64(n)
			}
		}
	}
	require.Positive(t, serving)
	assert.InEpsilon(t, training+serving*1000*5*365.25, result.Amortised.Total.EnergyJ.Value, 1e-6)

	var production float64
	for i := range r.Phases {
		if p := &r.Phases[i]; p.Phase == lifecycle.PhaseProduction && p.EmbodiedGCO2e != nil {
			production += p.EmbodiedGCO2e.Value
		}
	}
	require.Positive(t, production)
	i := slices.IndexFunc(result.Amortised.Phases, func(p Phase) bool { return p.Phase == lifecycle.PhaseProduction })
	require.GreaterOrEqual(t, i, 0)
	assert.InEpsilon(t, 5*year/r.Run.DurationS*production, result.Amortised.Phases[i].Total.GCO2e.Value, 1e-4)
}

func TestNoScenarioIsMadeOfARecordThatTellsNoEnergy(t *testing.T) {
	_, err := FromRecord("r.json", &lifecycle.Record{})
	assert.ErrorContains(t, err, "no energy of its own")
	_, err = FromRecord("r.json", &lifecycle.Record{Run: lifecycle.RunInfo{Boundary: lifecycle.BoundaryFacility}})
	assert.ErrorContains(t, err, "counted twice")
}
