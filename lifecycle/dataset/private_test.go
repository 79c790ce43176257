package dataset

import (
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// Of runs of which each site has several that are alike, no site has to
// withhold anything.
func TestWhatSitesShareIsWhatTheyWouldHaveSharedTogether(t *testing.T) {
	for seed := range uint64(12) {
		w := newWorld(seed, 2, 2)
		kinds := w.runs(20)
		var sites []*Summary
		var all [][]Row
		for site := range 3 {
			var runs [][]Row
			for k, rows := range kinds {
				for n := range 3 + site {
					run := slices.Clone(rows)
					for i := range run {
						run[i].RunID = fmt.Sprint(site, k, n)
					}
					runs = append(runs, run)
				}
			}
			all = append(all, runs...)
			shared, withheld, err := Sharing{MinRuns: 3}.Share(summarised(t, usualLimits, runs, someBys[seed%4]...))
			require.NoError(t, err)
			require.Zero(t, withheld)
			sites = append(sites, shared)
		}
		pooled, _, err := Sharing{MinRuns: 3}.Share(summarised(t, usualLimits, all, someBys[seed%4]...))
		require.NoError(t, err)
		require.NoError(t, sites[2].Merge(sites[0]))
		require.NoError(t, sites[2].Merge(sites[1]))
		require.Equal(t, jsonOf(t, pooled), jsonOf(t, sites[2]), "to the byte")
	}
}

func TestNoGroupOfTooFewRunsLeaves(t *testing.T) {
	for seed := range uint64(20) {
		w := newWorld(seed, 1+int(seed%4), 2)
		s := summarised(t, someLimits[seed%2*4], w.runs(60), someBys[seed/2%4]...)
		before := jsonOf(t, s)
		shared, withheld, err := Sharing{}.Share(s)
		require.NoError(t, err)
		require.Equal(t, before, jsonOf(t, s), "the site's own summary stays as it is")
		left := 0
		for _, g := range s.Groups() {
			if g.Runs < 10 || g.Other {
				left++
				assert.NotContains(t, jsonOf(t, shared), fmt.Sprintf("%q", g.Key), "%v has %d runs", g.Key, g.Runs)
			}
		}
		assert.Equal(t, left, withheld)
		for _, g := range shared.Groups() {
			assert.GreaterOrEqual(t, g.Runs, int64(10))
		}
	}
}

func TestNothingIdentifyingLeaves(t *testing.T) {
	for seed := range uint64(10) {
		w := newWorld(seed, 2, 2)
		runs := w.runs(100)
		s := summarised(t, usualLimits, runs, someBys[seed%4]...)
		shared, _, err := Sharing{}.Share(s)
		require.NoError(t, err)
		text := jsonOf(t, shared)
		for _, rows := range runs {
			assert.NotContains(t, text, rows[0].RunID)
		}
		for _, publisher := range []string{"Acme", "Bolt"} {
			assert.NotContains(t, text, publisher)
		}
		for _, member := range []string{`"total"`, `"energy_j_per_run"`, `"others"`} {
			assert.NotContains(t, text, member)
		}
	}
	s, err := NewSummary("publisher", "phase")
	require.NoError(t, err)
	_, _, err = Sharing{}.Share(s)
	assert.ErrorContains(t, err, "publisher")
	_, _, err = Sharing{Publisher: true}.Share(s)
	assert.NoError(t, err)
	_, _, err = Sharing{MinRuns: 1}.Share(s)
	assert.ErrorContains(t, err, "at least 2")
}

// What one run adds to a shared summary must not be found in it by taking parts
// from one another: of any sum that is told, the runs that it is of are enough.
func TestASingleRunCannotBeToldBySubtraction(t *testing.T) {
	odd := 12345678.9
	for name, change := range map[string]func(*Row){
		"another grid":   func(r *Row) { r.Grid.ID = "odd" },
		"another meter":  func(r *Row) { r.Meter = "odd" },
		"another method": func(r *Row) { r.Method = "modelled" },
		"another unit":   func(r *Row) { r.Units = map[string]int64{"odd": 7} },
		"a unit alone":   func(r *Row) { r.Units, r.Energy.Value, r.Operational.Value = map[string]int64{"odd": 7}, nil, nil },
		"no unit":        func(r *Row) { r.Units = nil },
		"water":          func(r *Row) { r.WUE, r.EWIF, r.Water.Value = Input{"w", 1, 1, 1}, Input{"e", 1, 1, 1}, &odd },
		"a status":       func(r *Row) { r.Status = "failed" },
		"device-seconds": func(r *Row) { r.DeviceS = &odd },
		"stage-seconds":  func(r *Row) { r.StageS = &odd },
	} {
		t.Run(name, func(t *testing.T) {
			runs := gridRuns(30, false)
			for i := range runs {
				runs[i][0].Units = map[string]int64{"samples": 100}
				if i%2 == 0 {
					runs[i][0].PUE.ID = "pue2" // a cell of enough runs beside it
				}
			}
			r := &runs[0][0]
			r.Energy.Value, r.Facility.Value, r.Operational.Value = &odd, &odd, &odd
			change(r)
			s := summarised(t, usualLimits, runs, "phase")
			shared, _, err := Sharing{}.Share(s)
			require.NoError(t, err)
			f := shared.file()
			g := f.Groups[0]
			var told []exact
			for _, c := range g.Cells {
				for _, x := range c.Sums {
					told = append(told, x)
				}
			}
			if g.Rest != nil {
				for _, x := range g.Rest.Sums {
					told = append(told, x)
				}
				told = append(told, g.Rest.Measured)
			}
			for _, u := range g.Units {
				for _, x := range u.Rest {
					told = append(told, x)
				}
			}
			told = append(told, g.StageS, g.DeviceS)
			for i := range told {
				assert.NotEqual(t, odd, told[i].value())
				for k := range told {
					assert.False(t, i != k && told[i].value()-told[k].value() == odd, "%v − %v", told[i].value(), told[k].value())
				}
			}
			assert.NotContains(t, jsonOf(t, shared), "odd")
			assert.NotContains(t, jsonOf(t, shared), "failed")
			assert.EqualValues(t, 30, shared.Groups()[0].Runs)
			got, want := shared.Groups()[0].Energy, s.Groups()[0].Energy
			assert.Equal(t, *want.Value, *got.Value, "the group's sum is whole")
			assert.LessOrEqual(t, *got.Low, *want.Low+1, "and its interval no narrower")
			assert.GreaterOrEqual(t, *got.High, *want.High-1)
		})
	}
}

// Facility energy is energy by PUE, grams are that by the grid: who knows both
// from elsewhere must not find by them what the one run has that lacks one.
func TestASingleRunCannotBeToldByAnotherFigure(t *testing.T) {
	const pue, grid, odd = 1.25, 300., 12345678.9
	for name, change := range map[string]func(*Row){
		"no PUE":  func(r *Row) { r.PUE, r.Facility.Value, r.Operational.Value = Input{}, nil, nil },
		"no grid": func(r *Row) { r.Grid, r.Operational.Value = Input{}, nil },
		"grams by factor": func(r *Row) {
			r.Service, r.Energy.Value, r.Facility.Value, r.Operational.Value = Input{"s", 1, 1, 1}, nil, nil, new(odd)
		},
	} {
		for _, units := range []bool{false, true} {
			t.Run(fmt.Sprint(name, units), func(t *testing.T) {
				runs := gridRuns(30, false)
				for i := range runs {
					r := &runs[i][0]
					e := 1e6 + float64(i)
					if i == 0 {
						e = odd
					}
					r.PUE = Input{"pue", pue, pue, pue}
					r.Energy.Value, r.Facility.Value, r.Operational.Value = &e, new(e*pue), new(e*pue*grid/joulesPerKWh)
					if units && i < 15 {
						r.Units = map[string]int64{"samples": 100}
					}
					if i%2 == 0 && i > 0 {
						r.Grid.ID = "grid2"
					}
				}
				change(&runs[0][0])
				shared, _, err := Sharing{}.Share(summarised(t, usualLimits, runs, "phase"))
				require.NoError(t, err)
				f := shared.file()
				joules := func(sums map[string]exact) (told []float64) { // by each figure that is told
					for name, factor := range map[string]float64{"energy_j": 1, "facility_energy_j": pue, "operational_gco2e": pue * grid / joulesPerKWh} {
						if x, ok := sums[name]; ok {
							told = append(told, x.value()/factor)
						}
					}
					return told
				}
				g := f.Groups[0]
				var sums []map[string]exact
				if g.Rest != nil {
					sums = append(sums, g.Rest.Sums)
				}
				for _, u := range g.Units {
					sums = append(sums, u.Rest)
				}
				for _, s := range sums {
					told := joules(s)
					for _, x := range told {
						for _, y := range told {
							assert.Less(t, math.Abs(x-y), 1., "%s %s", jsonOf(t, shared), name)
						}
					}
				}
				assert.Positive(t, shared.Groups()[0].Energy.Known)
			})
		}
	}
}

func TestASharedSummaryIsReadBackAndRegrouped(t *testing.T) {
	w := newWorld(3, 2, 2)
	s := summarised(t, usualLimits, w.runs(400), "kind", "task", "phase")
	shared, _, err := Sharing{}.Share(s)
	require.NoError(t, err)
	var back Summary
	require.NoError(t, back.UnmarshalJSON([]byte(jsonOf(t, shared))))
	assert.Equal(t, jsonOf(t, shared), jsonOf(t, &back))

	empty, _ := NewSummary("kind", "task", "phase")
	require.NoError(t, empty.Merge(shared))
	assert.Equal(t, jsonOf(t, shared), jsonOf(t, empty), "an empty summary adds nothing")
	require.NoError(t, empty.Merge(s))
	assert.Contains(t, jsonOf(t, empty), `"min_runs":1,`, "what was not shared is not under its promise")

	fewer, err := shared.Regroup("task", "phase")
	require.NoError(t, err)
	direct := summarised(t, usualLimits, newWorld(3, 2, 2).runs(400), "task", "phase")
	for i, g := range fewer.Groups() {
		assert.False(t, g.Overlapping, "a run has one kind")
		assert.Equal(t, direct.Groups()[i].Runs, g.Runs)
		assert.Equal(t, direct.Groups()[i].Energy.Value, g.Energy.Value)
	}
	byTask, err := shared.Regroup("task")
	require.NoError(t, err)
	assert.True(t, byTask.Groups()[0].Overlapping, "a run may be of several phases")
	_, _, err = Sharing{}.Share(byTask)
	assert.ErrorContains(t, err, "regrouping")
	_, err = shared.Regroup("country")
	assert.ErrorContains(t, err, "it is by kind, task, phase, and cannot be by country")
}

func TestRegroupedIsAsSummarised(t *testing.T) {
	w := newWorld(5, 2, 2)
	runs := w.runs(100)
	s := summarised(t, usualLimits, runs, "kind", "publisher", "task")
	fewer, err := s.Regroup("task", "kind")
	require.NoError(t, err)
	assert.Equal(t, jsonOf(t, summarised(t, usualLimits, runs, "task", "kind")), jsonOf(t, fewer))
	assert.False(t, strings.Contains(jsonOf(t, fewer), "overlapping"))
}
