package dataset_test

import (
	"fmt"
	"os"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/ecotracer/ecotracer/factors"
	"github.com/ecotracer/ecotracer/lifecycle"
	"github.com/ecotracer/ecotracer/lifecycle/dataset"
)

// everything is a shard that uses all that the rules know: two places, one with
// hourly grid values, market instruments, marginal and loss factors, all
// impacts, services, other runs in the process, a profile, a training that is
// carried by its use. Its devices have instances if a host is given.
func everything(t *testing.T, rank, count int, host string) *lifecycle.Record {
	t.Helper()
	f, err := os.Open("testdata/everything.json")
	require.NoError(t, err)
	defer f.Close()
	r, err := lifecycle.Decode(f)
	require.NoError(t, err)
	r.Run.ID = fmt.Sprintf("019cadc6-9a80-7000-8000-%012d", rank)
	r.Run.TraceID, r.Run.Rank = trace, &lifecycle.Rank{Index: rank, Count: count}
	for i := range r.Hardware {
		if h := &r.Hardware[i]; host != "" {
			for n := range h.Count {
				h.Instance = append(h.Instance, fmt.Sprintf("%08s%04d%04d", host, i, n))
			}
		}
	}
	requireSound(t, r, "the shard")
	return r
}

func TestEverythingThatARecordHoldsAddsUp(t *testing.T) {
	a, b := everything(t, 0, 2, ""), everything(t, 1, 2, "")
	m := merged(t, a, b)
	twice := func(want, got *lifecycle.Quantity, what string) {
		t.Helper()
		require.NotNil(t, got, what)
		assert.InEpsilon(t, 2*want.Value, got.Value, 1e-9, what)
		assert.InEpsilon(t, 2*want.Low, got.Low, 1e-5, "%s: one meter and one set of factors read both, so that the interval keeps its width", what)
		assert.InEpsilon(t, 2*want.High, got.High, 1e-5, what)
	}
	x, y := &a.Totals, &m.Totals
	twice(&x.EnergyJ, &y.EnergyJ, "energy")
	twice(&x.OperationalGCO2e, &y.OperationalGCO2e, "operational grams, hour by hour")
	twice(x.EmbodiedGCO2e, y.EmbodiedGCO2e, "embodied grams")
	twice(x.GCO2e, y.GCO2e, "all grams")
	twice(x.WaterL, y.WaterL, "water")
	twice(x.EmbodiedADPeKgSbeq, y.EmbodiedADPeKgSbeq, "minerals")
	twice(x.EmbodiedWasteKg, y.EmbodiedWasteKg, "waste")
	twice(x.MarketGCO2e, y.MarketGCO2e, "market")
	twice(x.MarginalGCO2e, y.MarginalGCO2e, "marginal")
	assert.Equal(t, len(a.Factors), len(m.Factors), "factors that are the same are one")
	assert.Equal(t, len(a.Methods), len(m.Methods))
	assert.Equal(t, len(a.Environments), len(m.Environments))
	assert.Equal(t, len(a.Hardware), len(m.Hardware))
	assert.Equal(t, 2*a.Hardware[0].Count, m.Hardware[0].Count)
	require.NotNil(t, y.PerUnit)
	assert.Equal(t, 2*x.PerUnit.Count, y.PerUnit.Count)
	assert.InEpsilon(t, x.PerUnit.GCO2e.Value, y.PerUnit.GCO2e.Value, 1e-9, "of one unit it is the same")
	assert.InEpsilon(t, 2**a.Run.OtherRunsS, *m.Run.OtherRunsS, 1e-9)
	require.Len(t, m.Amortised, 1)
	assert.InEpsilon(t, 2*a.Amortised[0].Used, m.Amortised[0].Used, 1e-9)
	assert.InEpsilon(t, 2*a.Amortised[0].ShareGCO2e.Value, m.Amortised[0].ShareGCO2e.Value, 1e-9)
}

func TestEverythingOfOneHostCountsOnce(t *testing.T) {
	a, b := everything(t, 0, 2, "a"), everything(t, 1, 2, "a")
	m := merged(t, a, b)
	for _, l := range a.Ledger {
		got := line(t, m, l.Domain)
		assert.LessOrEqual(t, got.TotalJ, l.TotalJ*(1+1e-9), "trap 38: %s: what both saw is counted once", l.Domain)
		if own(l)*2 <= l.TotalJ {
			assert.InEpsilon(t, 2*own(l), own(got), 1e-9, l.Domain)
		} else {
			assert.InEpsilon(t, l.TotalJ, own(got), 1e-9, "trap 40: %s: both booked more than half of it", l.Domain)
		}
	}
	for i, h := range a.Hardware {
		assert.Equal(t, h.Count, m.Hardware[i].Count, h.ID)
	}
}

func TestADeviceThatTwoRanksHoldIsHeldOnce(t *testing.T) {
	var shards []*lifecycle.Record
	for rank, host := range []string{"a", "a", "b"} {
		r := everything(t, rank, 3, host)
		if host == "b" { // whose rank has a tenth of its GPUs
			for i := range r.Phases {
				for k := range r.Phases[i].Usage {
					if u := &r.Phases[i].Usage[k]; u.Hardware == "gpu" && u.Share != nil {
						u.Share, u.ShareBy = new(0.1), "cpu-time"
					}
				}
			}
			require.NoError(t, lifecycle.Assess(r))
		}
		shards = append(shards, r)
	}
	held := func(r *lifecycle.Record) float64 {
		for _, p := range r.Phases {
			for _, u := range p.Usage {
				if u.Hardware == "gpu" && u.DeviceS != nil {
					return *u.DeviceS
				}
			}
		}
		return 0
	}
	m := merged(t, shards...)
	assert.InEpsilon(t, held(shards[0])+held(shards[2]), held(m), 1e-9, "trap 38: two ranks that hold the same two GPUs hold two, beside the tenth of two others")
	require.NotEmpty(t, warned(m, "merge-overlap"))
	assert.Contains(t, fmt.Sprint(warned(m, "merge-overlap")), "device-seconds more than there were")
}

func TestOneIDOfDifferentThingsIsTwo(t *testing.T) {
	a, b := everything(t, 0, 2, "a"), everything(t, 1, 2, "b")
	at := func(id string) *factors.Factor {
		for i := range b.Factors {
			if b.Factors[i].ID == id {
				return &b.Factors[i]
			}
		}
		require.Fail(t, "no factor", id)
		return nil
	}
	pue := b.Environments[0].Factors.PUE
	f := at(pue)
	f.Value, f.High = f.Value+0.1, f.High+0.2
	b.Hardware[0].Model = "another server"
	b.Methods[0].RelError = 0.2
	require.NoError(t, lifecycle.Assess(b))
	m := merged(t, a, b)
	ids := map[string]bool{}
	for _, f := range m.Factors {
		ids[f.ID] = true
	}
	assert.True(t, ids[pue] && ids[pue+"-2"], "the factor: %v", ids)
	assert.Equal(t, "hall", m.Environments[0].ID)
	assert.Equal(t, "hall-2", m.Environments[2].ID, "a place with other factors is another")
	ids = map[string]bool{}
	for _, h := range m.Hardware {
		ids[h.ID] = true
	}
	assert.True(t, ids["node"] && ids["node-2"], "the node: %v", ids)
	assert.Len(t, m.Methods, len(a.Methods)+1)
	assert.InEpsilon(t, a.Totals.FacilityEnergyJ.Value+b.Totals.FacilityEnergyJ.Value, m.Totals.FacilityEnergyJ.Value, 1e-9, "each joule under the factors of its place")
	assert.InEpsilon(t, a.Totals.GCO2e.Value+b.Totals.GCO2e.Value, m.Totals.GCO2e.Value, 1e-9)
}

func TestDurationsOfSpansAreThoseOfAllRanks(t *testing.T) {
	j := job(t)[:2]
	set := func(r *lifecycle.Record, count int64, least, p50, p95, p99, most float64) {
		s := &r.Spans[0]
		s.Count, s.TotalS = count, float64(count)*p50
		s.SelfS = min(s.SelfS, s.TotalS)
		s.MinS, s.P50S, s.P95S, s.P99S, s.MaxS = &least, &p50, &p95, &p99, &most
		d := *r.Phases[0].DurationS - s.SelfS
		*r.Phases[0].DurationS -= d
		*r.Phases[2].DurationS += d
		s.Flags, s.Open, s.Failed = []string{"below-resolution"}, new(int64(1)), 1
	}
	set(j[0], 300, 1, 2, 3, 4, 5)
	set(j[1], 100, 0.5, 3, 6, 7, 20)
	j[1].Spans[0].Flags = []string{"paths-bounded", "below-resolution"}
	for i := range j {
		require.NoError(t, lifecycle.Assess(j[i]))
	}
	j[0] = edited(t, j[0], func(*lifecycle.Record) {})
	s := merged(t, j...).Spans[0]
	assert.Equal(t, int64(400), s.Count)
	assert.Equal(t, int64(2), s.Failed)
	assert.Equal(t, int64(2), *s.Open)
	assert.Equal(t, []float64{0.5, 2.25, 3.75, 4.75, 20}, []float64{*s.MinS, *s.P50S, *s.P95S, *s.P99S, *s.MaxS}, "quantiles: the mean by count")
	assert.Equal(t, 900.0, s.TotalS)
	assert.Equal(t, []string{"below-resolution", "paths-bounded"}, s.Flags)
}

func TestTheLowestRankSpeaksForTheJob(t *testing.T) {
	j := job(t)
	j[0].Run.Name = ""
	j[1].Run.Name, j[2].Run.Name = "digits", "digits of rank 2"
	j[1].Publisher = lifecycle.Publisher{Confidentiality: "internal", Name: "us"}
	j[2].Publisher = lifecycle.Publisher{Confidentiality: "confidential", Name: "them"}
	j[3].UseCase.Purpose = "reading"
	j[1].Run.Boundary = lifecycle.BoundaryComponent
	j[1].Extensions = map[string]any{"com.example.a": "x", "io.github.ecotracer.timeline": map[string]any{}, lifecycle.ForecastExtension: map[string]any{}}
	j[2].Extensions = map[string]any{"com.example.a": "y", "com.example.b": 1.0}
	for i := range j {
		var miss []lifecycle.Missing
		for _, m := range j[i].Missing {
			if i == 0 || m.Path != "/publisher/name" && m.Path != "/use_case/purpose" {
				miss = append(miss, m)
			}
		}
		j[i].Missing = miss
		require.NoError(t, lifecycle.Assess(j[i]))
		lifecycle.FillMissing(j[i])
	}
	m := merged(t, j...)
	assert.Equal(t, "digits", m.Run.Name)
	assert.Equal(t, lifecycle.Publisher{Confidentiality: "confidential", Name: "us"}, m.Publisher, "the strictest confidentiality holds")
	assert.Equal(t, "reading", m.UseCase.Purpose)
	assert.Equal(t, lifecycle.BoundaryComponent, m.Run.Boundary, "what all of them cover")
	assert.Equal(t, "x", m.Extensions["com.example.a"])
	assert.NotContains(t, m.Extensions, "io.github.ecotracer.timeline", "the power over time of one shard is not that of the job")
	assert.NotContains(t, m.Extensions, lifecycle.ForecastExtension, "nor is what it was expected to come to")
	assert.NotNil(t, m.Extensions["com.example.b"])
	assert.Contains(t, warned(m, "merge-conflict"), "/run/name: told otherwise by 2 of 4 shards; what rank 1 tells was taken")
	assert.Contains(t, warned(m, "merge-conflict"), "/publisher: told otherwise by 1 of 4 shards; what rank 1 tells was taken")
	for _, miss := range m.Missing {
		assert.NotContains(t, []string{"/publisher/name", "/use_case/purpose"}, miss.Path, "it is told")
	}
}

func TestNotesPointToWhatTheyAreAbout(t *testing.T) {
	a, b := everything(t, 0, 2, "a"), everything(t, 1, 2, "b")
	b.Hardware[0].Model = "another server"
	b.Hardware[0], b.Hardware[1] = b.Hardware[1], b.Hardware[0]
	b.Spans[0], b.Spans[1] = b.Spans[1], b.Spans[0]
	require.NoError(t, lifecycle.Assess(b))
	a.Warnings = append(a.Warnings, lifecycle.Warning{Code: "counter-gap", Path: "/ledger/0"}, lifecycle.Warning{Code: "below-resolution", Path: "/spans/1"})
	b.Warnings = append(b.Warnings,
		lifecycle.Warning{Code: "counter-gap", Path: "/ledger/0", Count: new(int64(4))},
		lifecycle.Warning{Code: "below-resolution", Path: "/spans/0/self_j", Count: new(int64(2))},
		lifecycle.Warning{Code: "below-resolution", Path: "/spans/0"},
		lifecycle.Warning{Code: "power-implausible", Path: "/phases/0/usage/1/energy_j"},
		lifecycle.Warning{Code: "place-unknown", Path: "/environments/1/country"},
		lifecycle.Warning{Code: "suspended", Path: "/run/rank"},
		lifecycle.Warning{Code: "device-unknown", Path: "/hardware/1"},
		lifecycle.Warning{Code: "clock-step", Path: "/run/started_at", Count: new(int64(4))})
	a.Warnings = append(a.Warnings, lifecycle.Warning{Code: "clock-step", Path: "/run/started_at", Count: new(int64(3))})
	a.Missing = append(a.Missing, lifecycle.Missing{Path: "/hardware", What: "network beyond the node", Reason: "not-measured"}, lifecycle.Missing{Path: "/ledger", What: a.Ledger[0].Domain, Reason: "not-measured"})
	b.Missing = append(b.Missing, lifecycle.Missing{Path: "/hardware", What: "network beyond the node", Reason: "not-measured"}, lifecycle.Missing{Path: "/ledger", What: b.Ledger[0].Domain, Reason: "not-measured"},
		lifecycle.Missing{Path: "/hardware/1/vendor", Reason: "withheld"})
	requireSound(t, a, "a shard")
	requireSound(t, b, "a shard")
	m := merged(t, a, b)
	place := func(code string) (paths []string) {
		for _, w := range m.Warnings {
			if w.Code == code {
				paths = append(paths, w.Path)
			}
		}
		return paths
	}
	lineAt := func(domain string) string {
		for i, l := range m.Ledger {
			if l.Domain == domain {
				return fmt.Sprintf("/ledger/%d", i)
			}
		}
		return ""
	}
	assert.Contains(t, m.Warnings, lifecycle.Warning{Code: "clock-step", Path: "/run/started_at", Count: new(int64(7))}, "how often in all")
	assert.Equal(t, []string{lineAt("cpu0"), lineAt("cpu0@2")}, place("counter-gap"))
	span := ""
	for i, s := range m.Spans {
		if s.Path == a.Spans[1].Path && s.Stage == a.Spans[1].Stage {
			span = fmt.Sprintf("/spans/%d", i)
		}
	}
	assert.Equal(t, []string{span, span + "/self_j"}, place("below-resolution"))
	assert.Equal(t, []string{"/phases/0/usage"}, place("power-implausible"), "rows have other places now")
	assert.Equal(t, []string{"/run"}, place("suspended"), "a merged record has no rank")
	other := ""
	for i, h := range m.Hardware {
		if h.Model == "another server" {
			other = fmt.Sprintf("/hardware/%d", i)
		}
	}
	assert.Equal(t, []string{other}, place("device-unknown"))
	assert.Contains(t, m.Missing, lifecycle.Missing{Path: other + "/vendor", Reason: "withheld"})
	assert.Contains(t, m.Missing, lifecycle.Missing{Path: "/ledger", What: "cpu0@2", Reason: "not-measured"})
	n := 0
	for _, miss := range m.Missing {
		if miss.What == "network beyond the node" {
			n++
		}
	}
	assert.Equal(t, 1, n, "what all of them lack is told once")
}

func TestAStepByStepProfileIsKeptIfAllTellTheirs(t *testing.T) {
	a, b := everything(t, 0, 2, "a"), everything(t, 1, 2, "b")
	m := merged(t, a, b)
	require.Len(t, m.Phases[0].Profile, 1)
	for i, e := range a.Phases[0].Profile[0].EnergyJ {
		assert.InEpsilon(t, 2*e, m.Phases[0].Profile[0].EnergyJ[i], 1e-9)
	}
	b.Phases[0].Profile = nil
	require.NoError(t, lifecycle.Assess(b))
	m = merged(t, a, b)
	assert.Empty(t, m.Phases[0].Profile)
	assert.Contains(t, warned(m, "merge-conflict"), "/phases: not all shards tell their energy step by step: it was left out")
}

func TestMoreThanWasExpectedCannotBeAmortised(t *testing.T) {
	a, b := everything(t, 0, 2, "a"), everything(t, 1, 2, "b")
	for _, r := range []*lifecycle.Record{a, b} {
		r.Amortised[0].Used = r.Amortised[0].Expected
		require.NoError(t, lifecycle.Assess(r))
	}
	_, err := dataset.Merge(a, b)
	assert.ErrorContains(t, err, "raise amortised[].expected in all of them")
}

func TestTheLongestAndTheLatest(t *testing.T) {
	j := job(t)
	m := merged(t, j...)
	var created, ended time.Time
	started := *j[0].Run.StartedAt
	for _, r := range j {
		if r.CreatedAt.After(created) {
			created = r.CreatedAt
		}
		if r.Run.EndedAt.After(ended) {
			ended = *r.Run.EndedAt
		}
		if r.Run.StartedAt.Before(started) {
			started = *r.Run.StartedAt
		}
	}
	assert.Equal(t, created, m.CreatedAt)
	assert.Equal(t, started, *m.Run.StartedAt)
	assert.Equal(t, ended, *m.Run.EndedAt)
	assert.InDelta(t, ended.Sub(started).Seconds(), m.Run.DurationS, 1e-9)
	assert.Nil(t, m.Run.Rank, "a job is no rank of itself")
}

func TestPathsWithoutEndAreRefused(t *testing.T) {
	r := job(t)[0]
	r.Spans = append(r.Spans, make([]lifecycle.Span, 100_000)...)
	for i := range r.Spans[2:] {
		r.Spans[i+2] = lifecycle.Span{Path: fmt.Sprintf("step %d", i), Stage: lifecycle.Training}
	}
	_, err := dataset.Merge(r)
	assert.ErrorContains(t, err, "more than 100000 paths of spans together: give spans the same names in all ranks")
}
