package phases_test

import (
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/ecotracer/ecotracer/internal/phases"
	"github.com/ecotracer/ecotracer/internal/recordtest"
	"github.com/ecotracer/ecotracer/lifecycle"
)

// told is what is told of each phase: a number, or why there is none.
func told(list []phases.Figure) map[lifecycle.Phase]any {
	m := map[lifecycle.Phase]any{}
	for _, f := range list {
		m[f.Phase] = f.Why
		if f.Quantity != nil {
			m[f.Phase] = f.Quantity.Value
		}
	}
	return m
}

func record(hardware []lifecycle.Hardware, byPhase map[lifecycle.Phase]lifecycle.PhaseTotal, missing ...lifecycle.Missing) *lifecycle.Record {
	return &lifecycle.Record{Hardware: hardware, Missing: missing, Totals: lifecycle.Totals{ByPhase: byPhase}}
}

func TestWhatIsNotKnownIsToldApart(t *testing.T) {
	q := func(v float64) *lifecycle.Quantity { return &lifecycle.Quantity{Value: v} }
	training := lifecycle.PhaseTotal{EnergyJ: q(5), GCO2e: q(3)}
	node := lifecycle.Hardware{ID: "node", Embodied: &lifecycle.Embodied{Covers: []string{"cpu"}}}
	cpu, gpu := lifecycle.Hardware{ID: "cpu"}, lifecycle.Hardware{ID: "gpu"}

	r := record([]lifecycle.Hardware{gpu}, map[lifecycle.Phase]lifecycle.PhaseTotal{"training": training})
	assert.Equal(t, map[lifecycle.Phase]any{"production": "unknown", "training": 3.0, "inference": "not in this run", "end-of-life": "unknown"}, told(phases.Emissions(r)))
	assert.Equal(t, map[lifecycle.Phase]any{"production": "no energy of the run", "training": 5.0, "inference": "not in this run", "end-of-life": "no energy of the run"}, told(phases.Energy(r)))

	r.Missing = append(r.Missing, lifecycle.Missing{Path: "/hardware/0/embodied", Reason: "not-applicable"})
	assert.Equal(t, "not in this record", told(phases.Emissions(r))["production"], "what is beyond the record is not unknown")

	both := map[lifecycle.Phase]lifecycle.PhaseTotal{"production": {GCO2e: q(7)}, "training": {EnergyJ: q(5)}, "use": training, "unassigned": training}
	for least, hardware := range map[bool][]lifecycle.Hardware{false: {node, cpu}, true: {node, cpu, gpu}} {
		list := phases.Emissions(record(hardware, both))
		assert.Equal(t, map[lifecycle.Phase]any{"production": 7.0, "training": "unknown", "use": 3.0, "end-of-life": told(list)["end-of-life"], "unassigned": 3.0}, told(list),
			"with a phase of use nobody asks for that of inference")
		assert.Equal(t, least, list[0].Least, "what is told of some devices is the least that it is")
	}
}

func TestEveryPhaseOfARecordIsSeen(t *testing.T) {
	for seed := range uint64(50) {
		r := recordtest.Random(seed)
		grams, joules := told(phases.Emissions(r)), told(phases.Energy(r))
		for p, total := range r.Totals.ByPhase {
			if total.GCO2e != nil {
				assert.Equal(t, total.GCO2e.Value, grams[p])
			}
			if total.EnergyJ != nil {
				assert.Equal(t, total.EnergyJ.Value, joules[p])
			}
		}
	}
}
