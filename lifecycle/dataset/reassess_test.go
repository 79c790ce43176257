package dataset_test

import (
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/ecotracer/ecotracer/factors"
	"github.com/ecotracer/ecotracer/internal/race"
	"github.com/ecotracer/ecotracer/internal/recordtest"
	"github.com/ecotracer/ecotracer/lifecycle"
	"github.com/ecotracer/ecotracer/lifecycle/dataset"
)

func reassess(t *testing.T, r *lifecycle.Record, how dataset.Reassessment) (*lifecycle.Record, map[string]dataset.Change) {
	t.Helper()
	before := text(t, r)
	fresh, changes, err := dataset.Reassess(r, how)
	require.NoError(t, err)
	requireSound(t, fresh, "what was assessed anew")
	same(t, before, text(t, r), "the record is not changed")
	by := map[string]dataset.Change{}
	for _, c := range changes {
		by[c.Pointer] = c
	}
	return fresh, by
}

// facts are what a re-assessment must keep.
func requireSameFacts(t *testing.T, a, b *lifecycle.Record) {
	t.Helper()
	assert.Equal(t, a.Run, b.Run)
	assert.Equal(t, a.Ledger, b.Ledger)
	rows := func(r *lifecycle.Record) (rows []string, joules, seconds []float64) {
		for _, p := range r.Phases {
			for _, u := range p.Usage {
				rows = append(rows, string(p.Stage)+" "+u.Hardware+" "+u.Meter)
				if u.EnergyJ != nil {
					joules = append(joules, u.EnergyJ.Value)
				}
				if u.DeviceS != nil {
					seconds = append(seconds, *u.DeviceS)
				}
			}
		}
		return rows, joules, seconds
	}
	rowsA, joulesA, secondsA := rows(a)
	rowsB, joulesB, secondsB := rows(b)
	assert.Equal(t, rowsA, rowsB)
	assert.Equal(t, joulesA, joulesB)
	assert.InDeltaSlice(t, secondsA, secondsB, 1e-9)
	assert.Equal(t, a.Totals.EnergyJ.Value, b.Totals.EnergyJ.Value)
}

func TestARecordAssessedAnewWithNothingChangedSaysTheSame(t *testing.T) {
	for seed := range race.Few(uint64(80)) {
		r := recordtest.Random(seed)
		fresh, changes, err := dataset.Reassess(r, dataset.Reassessment{CreatedAt: r.CreatedAt.Add(time.Hour)})
		require.NoError(t, err, "seed %d", seed)
		requireSound(t, fresh, "what was assessed anew")
		requireSameFacts(t, r, fresh)
		assert.Empty(t, changes, "seed %d", seed)
		digest, err := r.SHA256()
		require.NoError(t, err)
		assert.Equal(t, digest, fresh.Supersedes[0])
		assert.Equal(t, factors.Version, fresh.Generator.FactorsVersion)
		assert.Nil(t, fresh.Integrity)
		if seed%4 > 0 {
			continue
		}
		lines := lineOf(t, fresh) + lineOf(t, r)
		o := reading(t, dataset.Reader{Estimates: true, Running: true, Now: fresh.CreatedAt}, filepath.Join(folder(t, map[string]string{"a.ndjson": lines}), "a.ndjson"))
		if assert.Len(t, o.records, 1, "seed %d: %+v", seed, o.refused) {
			same(t, text(t, fresh), text(t, o.records[0]), "only the new one counts")
		}
	}
}

func TestARunIsPutInAnotherPlace(t *testing.T) {
	r := host(40).next(t)
	fresh, changes := reassess(t, r, dataset.Reassessment{Place: &dataset.Location{Country: "PL"}})
	requireSameFacts(t, r, fresh)
	assert.Equal(t, "PL", fresh.Environments[0].Country)
	grid := changes["/environments/0/factors/grid"]
	require.NotNil(t, grid.FactorAfter)
	assert.Equal(t, 36.0, grid.FactorBefore.Value)
	poland, err := factors.Lookup(factors.Query{Kind: factors.Grid, Country: "PL"})
	require.NoError(t, err)
	assert.Equal(t, poland, *grid.FactorAfter)
	assert.NotContains(t, changes, "/environments/0/factors/pue", "a declared PUE is the site's")
	assert.Contains(t, changes, "/environments/0/factors/ewif")
	figure := changes["/totals/operational_gco2e"]
	assert.InEpsilon(t, figure.Before.Value*poland.Value/36, figure.After.Value, 1e-9)
	assert.NotContains(t, changes, "/totals/energy_j")
	assert.NotContains(t, changes, "/totals/embodied_gco2e", "devices were not made elsewhere")
	for _, f := range fresh.Factors {
		assert.NotEqual(t, "grid", f.ID, "what is no longer used is gone")
	}

	_, _, err = dataset.Reassess(r, dataset.Reassessment{Place: &dataset.Location{Country: "ZZ"}})
	assert.ErrorIs(t, err, factors.ErrUnknownCountry)
	_, _, err = dataset.Reassess(r, dataset.Reassessment{Environment: "moon"})
	assert.ErrorContains(t, err, `no environment "moon"`)

	cloud, _ := reassess(t, r, dataset.Reassessment{Place: &dataset.Location{Provider: "aws", Region: "eu-west-1"}})
	assert.Equal(t, "IE", cloud.Environments[0].Country)
}

func TestFactorsOfOnesOwnReplaceThose(t *testing.T) {
	r := host(41).next(t)
	own := func(id string, kind factors.Kind, v float64, unit string) factors.Factor {
		f := factors.Factor{ID: id, Kind: kind, Value: v, Low: v / 1.1, High: v * 1.1, Unit: unit, Found: factors.Declared, Source: "test", SourceYear: 2026, Quality: "B"}
		if unit == "gCO2e" {
			f.GWP = "unstated"
		}
		return f
	}
	fresh, changes := reassess(t, r, dataset.Reassessment{Own: []factors.Factor{own("pue.site", factors.PUE, 1.5, "1"), own("production", factors.Production, 2e6, "gCO2e")}})
	requireSameFacts(t, r, fresh)
	assert.InEpsilon(t, r.Totals.FacilityEnergyJ.Value*1.5/1.2, fresh.Totals.FacilityEnergyJ.Value, 1e-9)
	assert.InEpsilon(t, 2*r.Totals.ByPhase["production"].GCO2e.Value, fresh.Totals.ByPhase["production"].GCO2e.Value, 1e-9)
	assert.Contains(t, changes, "/environments/0/factors/pue")
	for at, c := range changes {
		if strings.HasPrefix(at, "/factors/") {
			assert.Equal(t, 1e6, c.FactorBefore.Value)
			assert.Equal(t, 2e6, c.FactorAfter.Value)
		}
	}
}

func TestMarketInstrumentsAreOfTheirPlace(t *testing.T) {
	r := host(42).next(t)
	wind := factors.Factor{ID: "instrument.wind", Kind: factors.Instrument, Value: 10, Low: 8, High: 12, Unit: "gCO2e/kWh", Signal: "average", Accounting: "market", Basis: "lifecycle", Mix: "production", GWP: "unstated", Found: factors.Declared, Source: "contract", SourceYear: 2026, Quality: "B"}
	green, changes := reassess(t, r, dataset.Reassessment{Supply: []dataset.Supply{{"PPA", 1, wind}}})
	require.NotNil(t, green.Totals.MarketGCO2e)
	assert.InEpsilon(t, r.Totals.FacilityEnergyJ.Value/3.6e6*10, green.Totals.MarketGCO2e.Value, 1e-9)
	assert.Contains(t, changes, "/totals/market_gco2e")
	assert.NotContains(t, changes, "/totals/gco2e", "the location-based figure is what it was")

	_, _, err := dataset.Reassess(green, dataset.Reassessment{Place: &dataset.Location{Country: "PL"}})
	assert.ErrorContains(t, err, "market instruments are of its place")
	moved, _ := reassess(t, green, dataset.Reassessment{Place: &dataset.Location{Country: "PL"}, Supply: []dataset.Supply{}})
	assert.Nil(t, moved.Totals.MarketGCO2e)
}

// Whatever a record is, it can be moved, or is refused by name.
func TestRandomRecordsAreMoved(t *testing.T) {
	moved := 0
	for seed := range race.Few(uint64(90)) {
		r := recordtest.Random(seed)
		fresh, _, err := dataset.Reassess(r, dataset.Reassessment{Place: &dataset.Location{Country: "FR"}, CreatedAt: r.CreatedAt})
		if err != nil {
			assert.ErrorContains(t, err, "market instruments", "seed %d", seed)
			continue
		}
		moved++
		requireSound(t, fresh, "what was moved")
		requireSameFacts(t, r, fresh)
		again, _, err := dataset.Reassess(r, dataset.Reassessment{Refresh: true, CreatedAt: r.CreatedAt})
		require.NoError(t, err, "seed %d", seed)
		requireSameFacts(t, r, again)
	}
	assert.Greater(t, moved, race.Few(30))
}
