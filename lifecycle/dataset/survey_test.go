package dataset

import (
	"bytes"
	"encoding/json"
	"math"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/ecotracer/ecotracer/internal/race"
	"github.com/ecotracer/ecotracer/internal/recordtest"
	"github.com/ecotracer/ecotracer/lifecycle"
)

// Records of any magnitude and with any gap have answers that can be written.
func TestEveryQuestionCanBeAskedOfAnyRecords(t *testing.T) {
	var points []Point
	var cohorts [2]Cohort
	used := 0
	for seed := range race.Few(uint64(300)) {
		r := recordtest.Random(seed)
		if p, ok := NewPoint(r, Where{}); ok {
			points = append(points, p)
			if r.Totals.EnergyJ.Value > 0 {
				used++
			}
			assert.LessOrEqual(t, len(p.stages), 40)
			assert.InEpsilon(t, r.Totals.EnergyJ.Value+1e-300, p.energy.value+1e-300, 1e-12)
			assert.Equal(t, r.Totals.GCO2e != nil && r.Totals.GCO2e.High > 0, p.all.known())
			var joules float64
			for i := range p.stages {
				joules += p.stages[i].energy
			}
			assert.InEpsilon(t, r.Totals.EnergyJ.Value+1e-300, joules+1e-300, 1e-9, "the stages make the run")
		}
		cohorts[seed%2].Add(r, Where{})
	}
	require.Greater(t, len(points), race.Few(250))
	written := func(v any, err error) {
		t.Helper()
		require.NoError(t, err)
		_, err = json.Marshal(v)
		require.NoError(t, err)
	}
	for _, figure := range Costs[:3] {
		out, err := FindOutliers(points, OutlierOptions{Figure: figure, By: []string{"kind"}})
		written(out, err)
	}
	clusters, err := FindClusters(points, ClusterOptions{})
	written(clusters, err)
	metrics := Metrics(points)
	for _, m := range metrics[:min(20, len(metrics))] {
		if m.Direction != "" {
			front, err := Pareto(points, ParetoOptions{Metric: m.Metric})
			if err == nil {
				written(front, nil)
			}
		}
	}
	written(CompareCohorts(&cohorts[0], &cohorts[1]), nil)
	for _, trait := range Traits {
		list, err := DistributionBy(points, trait)
		written(list, err)
	}
	assert.Equal(t, used, Telling(points, "energy_j"), "some used none")
}

func TestASurveyIsOfWhatASelectionMatches(t *testing.T) {
	var lines bytes.Buffer
	for i := range 10 {
		m := usualRun(i)
		if i%5 == 0 {
			m.stage, m.unit = lifecycle.Serving, "requests"
		}
		require.NoError(t, lifecycle.EncodeLine(&lines, m.record(t)))
	}
	file := filepath.Join(t.TempDir(), "runs.ndjson")
	require.NoError(t, os.WriteFile(file, lines.Bytes(), 0o600))
	where, err := ParseWhere("stage=training")
	require.NoError(t, err)
	reader := Reader{Now: time.Date(2030, 1, 1, 0, 0, 0, 0, time.UTC)}
	s, err := NewSurvey(t.Context(), reader, []string{file}, where)
	require.NoError(t, err)
	assert.Len(t, s.Points, 8)
	assert.EqualValues(t, 10, s.Report.Counted)
	total := s.ByPhase.Total()
	assert.EqualValues(t, 8, total.Runs)
	assert.InEpsilon(t, 8*2*3600*300, *total.Energy.Value, 1e-9)
	month := s.ByMonth.Total()
	assert.InEpsilon(t, *total.Energy.Value, *month.Energy.Value, 1e-12)

	points, _, err := ReadPoints(t.Context(), reader, []string{file}, where)
	require.NoError(t, err)
	assert.Equal(t, s.Points, points)
	by, err := DistributionBy(points, "stage")
	require.NoError(t, err)
	require.Len(t, by, 1)
	assert.Equal(t, "training/fine-tuning", by[0].Value)
	assert.InEpsilon(t, *total.Energy.Value, by[0].EnergyJ, 1e-9)
	assert.InEpsilon(t, 2*3600*300, by[0].P50, 1e-9)

	serving, err := ParseWhere("phase=inference")
	require.NoError(t, err)
	cohorts, report, err := ReadCohorts(t.Context(), reader, []string{file}, "", where, serving)
	require.NoError(t, err)
	assert.EqualValues(t, 10, report.Counted)
	assert.Equal(t, []int{8, 2}, []int{cohorts[0].Runs(), cohorts[1].Runs()})
	_, err = DistributionBy(points, "colour")
	require.ErrorContains(t, err, "write one of kind")
}

func TestAStageRunsOnItsAcceleratorElseItsProcessor(t *testing.T) {
	row := func(kind, model string, j float64) Row {
		return Row{Stage: "training/training", HardwareKind: kind, HardwareModel: model, HardwareCount: new(int64(1)), UseS: new(10.0), Energy: Figure{Value: &j}}
	}
	rows := []Row{row("memory", "DDR5", 900), row("cpu", "EPYC", 100), row("node", "server", 500), row("gpu", "H100", 1)}
	assert.Equal(t, "H100", newStagePoint(&lifecycle.Record{}, rows).hardware.String())
	s := newStagePoint(&lifecycle.Record{}, rows[:3])
	assert.Equal(t, "EPYC", s.hardware.String())
	assert.InDelta(t, 1500, s.energy, 1e-9, "the energy is that of all")
	assert.InDelta(t, 10, s.deviceS, 1e-9, "the time is the device's")
}

// Calls of a service last as long as it takes to write them down.
func TestAStageThatAServiceDidHasNoPower(t *testing.T) {
	row := func(kind, model string, j float64) Row {
		return Row{Stage: "inference/serving", HardwareKind: kind, HardwareModel: model, HardwareCount: new(int64(1)), UseS: new(1e-6), Energy: Figure{Value: &j}}
	}
	s := newStagePoint(&lifecycle.Record{}, []Row{row("cpu", "EPYC", 1), row("service", "a model elsewhere", 25920)})
	assert.Equal(t, "a model elsewhere", s.hardware.String())
	assert.Zero(t, s.deviceS)
	assert.Zero(t, s.devices)
	s = newStagePoint(&lifecycle.Record{}, []Row{row("cpu", "EPYC", 2), row("network", "mobile", 1)})
	assert.Equal(t, "EPYC", s.hardware.String(), "it did most itself")
	assert.InDelta(t, 1e-6, s.deviceS, 1e-12)
}

// One page tells both, of few runs too.
func TestQuantilesByTraitAreThoseOfASummary(t *testing.T) {
	var points []Point
	var all sketch
	for i := range 24 {
		x := math.Exp(float64(i)) // wide apart
		points = append(points, Point{stages: []stagePoint{{energy: x}}})
		all.add(x)
		list, err := DistributionBy(points, "kind")
		require.NoError(t, err)
		require.Len(t, list, 1)
		a, b := list[0].Distribution, all.distribution()
		for _, q := range [][2]float64{{a.P5, b.P5}, {a.P25, b.P25}, {a.P50, b.P50}, {a.P75, b.P75}, {a.P95, b.P95}} {
			assert.InEpsilon(t, q[1], q[0], 0.008, "%d runs", i+1)
		}
	}
}
