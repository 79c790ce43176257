package dataset_test

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"strconv"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/ecotracer/ecotracer/factors"
	"github.com/ecotracer/ecotracer/lifecycle"
)

// madeUp is a job of random ranks on random hosts, whose domains each draw a
// constant power: what any merge of its shards must come to can be told.
type madeUp struct {
	rng    *rand.Rand
	start  time.Time
	hosts  []madeUpHost
	shards []*lifecycle.Record
	spells [][2]float64 // s, when each shard ran
	hostOf []int        // of each shard
	greedy bool         // ranks may book more than there is
	named  bool         // devices have instances
}

type madeUpHost struct {
	watts   map[string]float64 // by domain
	model   string
	machine int // a rank that tells all the host used; -1 if there is none
}

// makeUp makes a job up.
func makeUp(t testing.TB, seed uint64) *madeUp {
	rng := rand.New(rand.NewPCG(seed, 0))
	j := &madeUp{
		rng: rng, start: time.Date(2026, 3, 2, 9, 0, 0, 0, time.UTC),
		greedy: rng.IntN(3) == 0, named: rng.IntN(5) > 0,
	}
	for range 1 + rng.IntN(3) {
		h := madeUpHost{watts: map[string]float64{}, model: fmt.Sprintf("server %d", rng.IntN(2)), machine: -1}
		for _, d := range []string{"cpu0", "cpu1", "dram0", "node0/rest", "gpu0", "gpu1", "gpu2"} {
			h.watts[d] = 50 + 300*rng.Float64()
		}
		j.hosts = append(j.hosts, h)
	}
	ranks := 1 + rng.IntN(7)
	for rank := range ranks {
		host := rng.IntN(len(j.hosts))
		from := 100 * float64(rng.IntN(3)) * rng.Float64()
		to := from + 1 + 1000*rng.Float64()
		if rng.IntN(3) == 0 {
			from, to = 0, 600
		}
		from, to = math.Round(from*1e3)/1e3, math.Round(to*1e3)/1e3
		scope := lifecycle.ScopeProcess
		if rng.IntN(5) == 0 && (j.hosts[host].machine < 0 || rng.IntN(2) == 0) { // some do not know of each other
			scope, j.hosts[host].machine = lifecycle.ScopeMachine, rank
		}
		j.spells, j.hostOf = append(j.spells, [2]float64{from, to}), append(j.hostOf, host)
		j.shards = append(j.shards, j.shard(t, rank, ranks, host, from, to, scope))
	}
	return j
}

// shard makes up what one rank's tracer would write.
func (j *madeUp) shard(t testing.TB, rank, ranks, host int, from, to float64, scope lifecycle.Scope) *lifecycle.Record {
	rng, h, length := j.rng, j.hosts[host], to-from
	at := func(s float64) *time.Time { return new(j.start.Add(time.Duration(math.Round(s * 1e9)))) }
	instance := func(kind string, device int) []string {
		if !j.named {
			return nil
		}
		return []string{fmt.Sprintf("%016x", 1000*(host+1)+10*len(kind)+device)}
	}
	r := &lifecycle.Record{
		Schema: lifecycle.Schema, CreatedAt: at(to).Add(time.Second),
		Run: lifecycle.RunInfo{
			ID: fmt.Sprintf("019cadc6-9a80-7000-8000-%012x", rng.Uint64N(1<<48)), Name: "made up", Status: lifecycle.Complete,
			StartedAt: at(from), EndedAt: at(to), DurationS: length, Scope: scope, Boundary: lifecycle.BoundaryNode,
			TraceID: trace, Rank: &lifecycle.Rank{Index: rank, Count: ranks},
		},
		Generator: lifecycle.Generator{Name: "ecotracer", Version: "0.1.0", FactorsVersion: "test", OS: "linux", Arch: "amd64"},
		Publisher: lifecycle.Publisher{Confidentiality: "internal"},
		Environments: []lifecycle.Environment{{
			ID: "site", Country: "SE", PlaceFound: "declared", Virtualisation: "none",
			Factors: lifecycle.EnvironmentFactors{Grid: "grid", PUE: "pue", WUE: "wue", EWIF: "ewif"},
		}},
		Methods: []lifecycle.MethodEntry{
			{ID: "rapl", Method: lifecycle.Counter, Sensor: "rapl", Mode: "powercap", SamplingS: new(1 + float64(rng.IntN(2))), RelError: 0.05},
			{ID: "nvml", Method: lifecycle.Counter, Sensor: "nvml", RelError: 0.05},
			{ID: "model", Method: lifecycle.Modelled, Sensor: "model", RelError: 0.5},
		},
		Missing: []lifecycle.Missing{}, Warnings: []lifecycle.Warning{}, Extensions: map[string]any{},
	}
	factor := func(id string, kind factors.Kind, value float64, unit string) {
		f := factors.Factor{ID: id, Kind: kind, Value: value, Low: value * 0.8, High: value * 1.25, Unit: unit, Found: factors.Declared, Source: "made up", SourceYear: 2026, Quality: "C"}
		if unit == "gCO2e" || unit == "gCO2e/kWh" {
			f.GWP = "unstated"
		}
		if kind == factors.Grid {
			f.Signal, f.Accounting, f.Basis, f.Mix = "average", "location", "lifecycle", "production"
		}
		r.Factors = append(r.Factors, f)
	}
	factor("grid", factors.Grid, 36, "gCO2e/kWh")
	factor("pue", factors.PUE, 1.2, "1")
	factor("wue", factors.WUE, 0.2, "L/kWh")
	factor("ewif", factors.EWIF, 5, "L/kWh")
	factor("production", factors.Production, 1e6, "gCO2e")
	factor("end", factors.EndOfLife, 2e4, "gCO2e")
	factor("life", factors.Lifetime, 4*365.25*86400, "s")
	factor("used", factors.Utilisation, 0.5, "1")
	embodied := func() *lifecycle.Embodied {
		return &lifecycle.Embodied{Production: lifecycle.Impacts{GCO2e: "production"}, EndOfLife: lifecycle.Impacts{GCO2e: "end"}, Lifetime: "life", Utilisation: "used"}
	}
	node := embodied()
	node.Covers = []string{"cpu", "memory"}
	cpus := append(instance("cpu", 0), instance("cpu", 1)...)
	r.Hardware = []lifecycle.Hardware{
		{ID: "node", Environment: "site", Kind: lifecycle.KindNode, Model: h.model, Count: 1, Instance: instance("node", 0), Embodied: node},
		{ID: "cpu", Environment: "site", PartOf: "node", Kind: lifecycle.KindCPU, Model: "cpu of " + h.model, Count: 2, Instance: cpus},
		{ID: "memory", Environment: "site", PartOf: "node", Kind: lifecycle.KindMemory, Model: "DDR5", Count: 1, Instance: instance("memory", 0)},
	}
	domains := []string{"cpu0", "cpu1", "dram0", "node0/rest"}
	claims := map[string]bool{}
	for g := range 3 {
		id := "gpu" + strconv.Itoa(g)
		switch rng.IntN(3) {
		case 0: // not seen
			continue
		case 1:
			claims[id] = true
		}
		e := lifecycle.Hardware{ID: id, Environment: "site", PartOf: "node", Kind: lifecycle.KindGPU, Model: "H100", Count: 1, Instance: instance("gpu", g)}
		if claims[id] {
			e.Embodied = embodied()
		} else {
			node.Covers = append(node.Covers, id)
		}
		r.Hardware = append(r.Hardware, e)
		domains = append(domains, id)
	}

	// The first stage has a fifth of the time, the second three fifths.
	stages := []lifecycle.Stage{lifecycle.DataPreparation, lifecycle.Training, lifecycle.Unassigned}
	parts := []float64{0.2, 0.6, 0.2}
	energy := make([]map[string]float64, 3) // by hardware
	var self [3]float64
	for i := range energy {
		energy[i] = map[string]float64{}
	}
	for _, d := range domains {
		l := lifecycle.LedgerLine{Domain: d, Hardware: map[string]string{"cpu0": "cpu", "cpu1": "cpu", "dram0": "memory", "node0/rest": "node"}[d],
			Meter: "rapl", Method: lifecycle.Counter, Split: "cpu-time", TotalJ: h.watts[d] * length, IdleFound: "unknown", Samples: int64(length)}
		gpu := l.Hardware == ""
		switch {
		case gpu:
			l.Hardware, l.Meter, l.Split = d, "nvml", "wall"
		case d == "node0/rest":
			l.Meter, l.Method = "model", lifecycle.Modelled
		default:
			l.IdleW, l.IdleFound = 10, "calibration"
		}
		share := rng.Float64() / float64(ranks)
		if j.greedy {
			share = rng.Float64()
		}
		switch {
		case claims[d]:
			share, l.Split = 1/float64(ranks), "claimed"
			if j.greedy {
				share = 1
			}
		case gpu && !j.greedy:
			share = 0
		}
		idle := min(l.IdleW*length*0.9, l.TotalJ*(1-share))
		if scope == lifecycle.ScopeMachine {
			share, idle = 1, 0
			l.OfWhich = &lifecycle.OfWhich{OtherProcessesJ: l.TotalJ * 0.3, IdleJ: l.IdleW * length * 0.5}
		}
		l.IdleJ = idle
		for i := range stages {
			e := l.TotalJ * share * parts[i]
			energy[i][l.Hardware] += e
			if i == 2 {
				l.UnattributedJ = e
			} else {
				l.SpansJ += e
				self[i] += e
			}
		}
		if share < 1 {
			l.OtherProcessesJ = max(l.TotalJ-l.SpansJ-l.UnattributedJ-l.IdleJ, 0)
		}
		l.TotalJ = l.SpansJ + l.UnattributedJ + l.OtherProcessesJ + l.IdleJ
		if rng.IntN(4) > 0 {
			l.Booked = &lifecycle.Booked{AloneJ: new(l.SpansJ)}
		}
		r.Ledger = append(r.Ledger, l)
	}
	begin := from
	for i, s := range stages {
		p := lifecycle.PhaseEntry{Phase: s.Phase(), Stage: s, StartedAt: at(begin), EndedAt: at(begin + parts[i]*length), DurationS: new(parts[i] * length)}
		if begin += parts[i] * length; i == 2 {
			p.StartedAt, p.EndedAt = at(from), at(to)
			*p.DurationS = length - parts[0]*length - parts[1]*length
		}
		for _, e := range r.Hardware {
			u := lifecycle.Usage{Hardware: e.ID, Count: new(e.Count), UseS: p.DurationS, Meter: "rapl", EnergyJ: &lifecycle.Quantity{Value: energy[i][e.ID]}}
			switch {
			case e.Kind == lifecycle.KindGPU:
				u.Meter = "nvml"
				if claims[e.ID] {
					u.Share, u.ShareBy = new(1.0), "exclusive"
				} else if energy[i][e.ID] == 0 {
					continue
				}
			case e.ID == "node":
				u.Meter, u.Share, u.ShareBy = "model", new(1/float64(ranks)), "cpu-time"
			}
			if scope == lifecycle.ScopeMachine {
				u.Share, u.ShareBy = new(1.0), "exclusive"
			}
			p.Usage = append(p.Usage, u)
		}
		r.Phases = append(r.Phases, p)
		if i < 2 {
			n := int64(1 + rng.IntN(5))
			each := *p.DurationS / float64(n)
			r.Spans = append(r.Spans, lifecycle.Span{
				Path: []string{"prepare", "fit"}[i], Stage: s, Count: n, SelfS: *p.DurationS, TotalS: each * float64(n), SelfJ: self[i],
				MinS: new(each * 0.99), P50S: new(each), P95S: new(each * 1.01), P99S: new(each * 1.02), MaxS: new(each * 1.5),
				Units: map[string]lifecycle.Unit{"samples": {Count: 10 * n}},
			})
			if n == 1 {
				s := &r.Spans[len(r.Spans)-1]
				s.MinS, s.P95S, s.P99S, s.MaxS = s.P50S, s.P50S, s.P50S, s.P50S
			}
			r.Spans[i].SelfS = min(r.Spans[i].SelfS, r.Spans[i].TotalS)
			*p.DurationS = r.Spans[i].SelfS
		}
	}
	*r.Phases[2].DurationS = length - *r.Phases[0].DurationS - *r.Phases[1].DurationS
	require.NoError(t, lifecycle.Assess(r))
	lifecycle.FillMissing(r)
	for _, f := range lifecycle.Validate(r) {
		require.Fail(t, "a shard that is made up must be valid", "%s", f)
	}
	return r
}

// union is how long any of some shards ran.
func (j *madeUp) union(keep func(rank int) bool) (length float64) {
	var edges []float64
	for _, s := range j.spells {
		edges = append(edges, s[0], s[1])
	}
	slices.Sort(edges)
	for i := 1; i < len(edges); i++ {
		for rank, s := range j.spells {
			if keep(rank) && s[0] <= edges[i-1] && edges[i] <= s[1] {
				length += edges[i] - edges[i-1]
				break
			}
		}
	}
	return length
}
