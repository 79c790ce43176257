package tracer_test

import (
	"context"
	"encoding/json"
	"flag"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/ecotracer/ecotracer/factors"
	"github.com/ecotracer/ecotracer/lifecycle"
	"github.com/ecotracer/ecotracer/tracer"
	"github.com/ecotracer/ecotracer/tracer/tracertest"
)

var update = flag.Bool("update", false, "write the golden files anew")

// own is an operator's own factor, right within a factor of two.
func own(id string, kind factors.Kind, value float64, unit string) factors.Factor {
	f := factors.Factor{ID: id, Kind: kind, Value: value, Low: value / 2, High: value * 2, Unit: unit, Source: "the operator's bill", SourceYear: 2026, Quality: "B"}
	if unit == "gCO2e" {
		f.GWP = "unstated"
	}
	return f
}

// ourServices are a site in France whose operator knows what its storage,
// network and services take.
func ourServices() tracer.Option {
	return tracer.At(tracer.Site{Country: "FR", Infrastructure: "on-premise", Factors: []factors.Factor{
		own("storage.ssd", factors.Storage, 1, "Wh/TBh"),
		own("tape", factors.Storage, 0.1, "Wh/TBh"),
		own("transfer.local", factors.Transfer, 0.001, "kWh/GB"),
		own("transfer.wan", factors.Transfer, 0.01, "kWh/GB"),
		own("service.embeddings", factors.Service, 0.5, "Wh"),
		own("service.ping", factors.Service, 0.001, "Wh"),
		own("service.prompts", factors.Service, 0.2, "gCO2e"),
	}})
}

// useAll uses all of these services, in two spans.
func useAll(ctx context.Context) {
	ctx, train := tracer.Start(ctx, "train", tracer.In(lifecycle.Training))
	_, load := tracer.Start(ctx, "load", tracer.In(lifecycle.DataPreparation))
	time.Sleep(10 * time.Second)
	load.Transfer("local", 50e9)
	load.Transfer("wan", 4e9)
	load.Transfer("wan", 1e9)
	load.Store("ssd", 1e12, time.Hour, 2)
	load.End()
	time.Sleep(20 * time.Second)
	train.Store("tape", 1e12, 10*time.Hour, 1)
	train.Store("tape", 2e12, 5*time.Hour, 3)
	train.Call("embeddings", 60)
	train.Call("embeddings", 40)
	train.Call("prompts", 40)
	train.End()
}

func TestWhatSpansStoreMoveAndCallForIsInTheirEnergy(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, run := simple(t, ourServices())
		useAll(ctx)
		rec := finish(t, run)
		requireValid(t, rec)

		// Bytes × seconds × replicas × Wh/TBh / 1e12.
		ssd := row(rec, lifecycle.DataPreparation, "storage.ssd")
		assert.InEpsilon(t, 7200, ssd.EnergyJ.Value, 1e-12, "1 TB × 1 h × 2 replicas × 1 Wh/TBh")
		assert.Equal(t, &lifecycle.Stored{Bytes: 1e12, Seconds: 3600, Replicas: 2}, ssd.Stored)
		assert.InEpsilon(t, 14400, ssd.EnergyJ.High, 1e-5, "its interval is the factor's")
		assert.Equal(t, lifecycle.Modelled, ssd.EnergyJ.Method)
		tape := row(rec, lifecycle.Training, "storage.tape")
		assert.InEpsilon(t, (10+30)*0.1*3600, tape.EnergyJ.Value, 1e-12, "10 TBh and 30 TBh")
		assert.InEpsilon(t, 40*3600e12, tape.Stored.Bytes*tape.Stored.Seconds*tape.Stored.Replicas, 1e-12)
		assert.InEpsilon(t, 180000, row(rec, lifecycle.DataPreparation, "network.local").EnergyJ.Value, 1e-12, "50 GB × 0.001 kWh/GB")
		assert.InEpsilon(t, 180000, row(rec, lifecycle.DataPreparation, "network.wan").EnergyJ.Value, 1e-12, "5 GB × 0.01 kWh/GB")
		assert.InEpsilon(t, 180000, row(rec, lifecycle.Training, "service.embeddings").EnergyJ.Value, 1e-12, "100 calls × 0.5 Wh")
		prompts := row(rec, lifecycle.Training, "service.prompts")
		assert.Nil(t, prompts.EnergyJ)
		assert.InEpsilon(t, 8, prompts.OperationalGCO2e.Value, 1e-12, "40 calls × 0.2 g")

		load, train := span(t, rec, "train/load"), span(t, rec, "train")
		assert.InEpsilon(t, 10*10+7200+180000+180000, load.SelfJ, 1e-9, "beside 10 W for 10 s")
		assert.InEpsilon(t, 10*20+14400+180000, train.SelfJ, 1e-9)
		assert.InEpsilon(t, load.SelfJ+train.SelfJ, train.TotalJ, 1e-12)
		for domain, joules := range map[string]float64{
			"storage.ssd": 7200, "storage.tape": 14400, "network.local": 180000, "network.wan": 180000, "service.embeddings": 180000,
		} {
			l := line(t, rec, domain)
			assert.InEpsilon(t, joules, l.SpansJ, 1e-12, domain)
			assert.Equal(t, "declared", l.Split)
			assert.Equal(t, lifecycle.Modelled, l.Method)
		}
		assert.EqualValues(t, 2, line(t, rec, "network.wan").Samples, "it was declared twice")
		assert.Less(t, rec.Totals.MeasuredShare, 0.001, "a factor measures nothing")
		require.NotNil(t, rec.Totals.GCO2e, "the total is told")
	})
}

// Trap 30: a figure that has its cooling in it has no PUE on top.
func TestWhatLeavesTheSiteHasTheGridOfTheWorld(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, run := simple(t, ourServices())
		useAll(ctx)
		rec := finish(t, run)
		places := map[string]string{}
		for _, h := range rec.Hardware {
			places[h.ID] = h.Environment
		}
		assert.Equal(t, map[string]string{
			"node": "site", "storage.ssd": "site", "storage.tape": "site", "network.local": "site",
			"network.wan": "elsewhere", "service.embeddings": "elsewhere", "service.prompts": "elsewhere",
		}, places)
		elsewhere := rec.Environments[1]
		assert.Equal(t, "unknown", elsewhere.PlaceFound)
		world, err := factors.Lookup(factors.Query{Kind: factors.Grid})
		require.NoError(t, err)
		assert.Equal(t, world.ID, elsewhere.Factors.Grid, "nobody knows where it is")
		assert.NotEqual(t, world.ID, rec.Environments[0].Factors.Grid)
		pue := gridFactor(t, rec, elsewhere.Factors.PUE)
		assert.Equal(t, 1.0, pue.Value, "the figures have their cooling in them")

		ctx, run = simple(t, ourServices())
		_, s := tracer.Start(ctx, "work")
		s.Store("ssd", 1e12, time.Hour, 1)
		s.Count("samples", 10)
		s.End()
		rec = finish(t, run)
		assert.Len(t, rec.Environments, 1, "what stays at the site is at the site")
		assert.NotNil(t, span(t, rec, "work").Units["samples"].GCO2ePerUnit)
	})
}

func TestTheDataSetKnowsMediaNetworksAndServices(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, run := simple(t, inGermany())
		_, s := tracer.Start(ctx, "serve", tracer.In(lifecycle.Serving))
		s.Store("ssd", 1e12, time.Hour, 1)
		s.Store("", 1e12, time.Hour, 1)
		s.Transfer("cloud", 1e9)
		s.Transfer("fixed", 1e9)
		s.Call("text-generation", 10)
		s.Call("web-page", 10)
		s.End()
		rec := finish(t, run)
		for hardware, c := range map[string]struct{ factor, place string }{
			"storage.ssd": {"storage.ssd", "site"}, "storage": {"storage.unknown", "site"},
			"network.cloud": {"transfer.cloud", "site"}, "network.fixed": {"transfer.fixed", "elsewhere"},
			"service.text-generation": {"service.text-generation", "elsewhere"}, "service.web-page": {"service.web-page.gco2e", "elsewhere"},
		} {
			u := row(rec, lifecycle.Serving, hardware)
			require.NotNil(t, u, hardware)
			assert.Equal(t, c.factor, u.Factor)
			f := gridFactor(t, rec, u.Factor)
			switch {
			case u.Stored != nil:
				assert.InEpsilon(t, f.Value*3600, u.EnergyJ.Value, 1e-12)
			case u.Transferred != nil:
				assert.InEpsilon(t, f.Value*3.6e6, u.EnergyJ.Value, 1e-12)
			case u.EnergyJ != nil:
				assert.InEpsilon(t, f.Value*3600*10, u.EnergyJ.Value, 1e-12)
			default:
				assert.InEpsilon(t, f.Value*10, u.OperationalGCO2e.Value, 1e-12)
			}
			for _, h := range rec.Hardware {
				if h.ID == hardware {
					assert.Equal(t, c.place, h.Environment, hardware)
				}
			}
		}
		require.NotNil(t, rec.Totals.GCO2e)
	})
}

func TestProductionBehindAServiceIsNamedAsLeftOut(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, run := simple(t, ourServices())
		useAll(ctx)
		rec := finish(t, run)
		var left []string
		for _, m := range rec.Missing {
			if m.Path == "/hardware" && m.Reason == "unknown" {
				left = append(left, m.What)
			}
		}
		assert.ElementsMatch(t, []string{
			"production of the drives behind storage.ssd", "production of the drives behind storage.tape",
			"production of the switches and lines behind network.local", "production of the switches and lines behind network.wan",
			"production of the machines behind service.embeddings", "production of the machines behind service.prompts",
		}, left)
		for i, h := range rec.Hardware {
			if h.ID != "node" {
				assert.Nil(t, h.Embodied)
				assert.Contains(t, rec.Missing, lifecycle.Missing{Path: "/hardware/" + strconv.Itoa(i) + "/embodied", Reason: "not-applicable"})
			}
		}
	})
}

func TestAnOwnFigureOfAServiceIsUsedAtItsPlaceAlone(t *testing.T) {
	for place, want := range map[string]float64{"": 0.1, "FR": 0.1, "DE": 1.2} {
		ssd := own("storage.ssd", factors.Storage, 0.1, "Wh/TBh")
		ssd.Geography = place
		ctx, run := simple(t, tracer.At(tracer.Site{Country: "FR", Factors: []factors.Factor{ssd}}))
		_, s := tracer.Start(ctx, "train", tracer.In(lifecycle.Training))
		s.Store("ssd", 1e12, time.Hour, 1)
		s.End()
		rec := finish(t, run)
		assert.InEpsilon(t, want*3600, row(rec, lifecycle.Training, "storage.ssd").EnergyJ.Value, 1e-12, "of %q", place)
	}
}

func TestAServiceThatNobodyKnowsIsMissingAndNotZero(t *testing.T) {
	for name, c := range map[string]struct {
		use   func(*tracer.Span)
		what  string
		times int64
	}{
		"a service": {func(s *tracer.Span) { s.Call("oracle", 7); s.Call("oracle", 1) }, "service oracle", 2},
		"a medium":  {func(s *tracer.Span) { s.Store("papyrus", 1e9, time.Hour, 1) }, "storage papyrus", 1},
		"a network": {func(s *tracer.Span) { s.Transfer("pigeons", 1e9) }, "transfer pigeons", 1},
	} {
		t.Run(name, func(t *testing.T) {
			ctx, run := simple(t)
			_, s := tracer.Start(ctx, "serve", tracer.In(lifecycle.Serving))
			c.use(s)
			s.End()
			rec := finish(t, run)
			at := ""
			for i, p := range rec.Phases {
				if p.Stage == lifecycle.Serving {
					at = "/phases/" + strconv.Itoa(i) + "/usage"
				}
			}
			assert.Contains(t, rec.Missing, lifecycle.Missing{Path: at, What: c.what, Reason: "unknown"})
			n, flagged := warned(rec, "service-unknown")
			assert.True(t, flagged)
			assert.Equal(t, c.times, n)
			assert.Len(t, rec.Hardware, 1)
			assert.Len(t, rec.Ledger, 1)
		})
	}
}

func TestServicesAddUp(t *testing.T) {
	const most = 1<<53 - 1
	for name, c := range map[string]struct {
		use     func(*tracer.Span)
		want    float64 // J
		refused int64
	}{
		"twice":               {func(s *tracer.Span) { s.Transfer("local", 1e9); s.Transfer("local", 2e9) }, 3 * 3600, 0},
		"nothing":             {func(s *tracer.Span) { s.Transfer("local", 0); s.Call("embeddings", 0); s.Store("ssd", 0, time.Hour, 1) }, 0, 0},
		"for no time":         {func(s *tracer.Span) { s.Store("ssd", 1e12, 0, 1) }, 0, 0},
		"after End":           {func(s *tracer.Span) { s.End(); s.Call("embeddings", 2) }, 3600, 0},
		"negative bytes":      {func(s *tracer.Span) { s.Transfer("local", -1); s.Store("ssd", -1, time.Hour, 1) }, 0, 2},
		"a negative time":     {func(s *tracer.Span) { s.Store("ssd", 1, -time.Hour, 1) }, 0, 1},
		"negative calls":      {func(s *tracer.Span) { s.Call("embeddings", 2); s.Call("embeddings", -1) }, 3600, 1},
		"no name":             {func(s *tracer.Span) { s.Call("", 1) }, 0, 1},
		"no replica":          {func(s *tracer.Span) { s.Store("ssd", 1, time.Hour, 0) }, 0, 1},
		"replicas are NaN":    {func(s *tracer.Span) { s.Store("ssd", 1, time.Hour, math.NaN()) }, 0, 1},
		"endless replicas":    {func(s *tracer.Span) { s.Store("ssd", 1, time.Hour, math.Inf(1)) }, 0, 1},
		"half a replica":      {func(s *tracer.Span) { s.Store("ssd", 2e12, time.Hour, 0.5) }, 3600, 0},
		"as many as can be":   {func(s *tracer.Span) { s.Call("embeddings", most); s.Call("embeddings", 1) }, most * 1800, 1},
		"more than can be":    {func(s *tracer.Span) { s.Call("embeddings", math.MaxInt) }, 0, 1},
		"all bytes for years": {func(s *tracer.Span) { s.Store("ssd", math.MaxInt64, math.MaxInt64, 1<<20) }, math.MaxInt64 * (math.MaxInt64 / 1e9) * (1 << 20) / 1e12, 0},
	} {
		t.Run(name, func(t *testing.T) {
			ctx, run := simple(t, ourServices())
			_, s := tracer.Start(ctx, "work")
			c.use(s)
			s.End()
			rec := finish(t, run)
			var got float64
			for _, l := range rec.Ledger[1:] {
				got += l.SpansJ
			}
			assert.InDelta(t, c.want, got, 1e-9*c.want)
			n, flagged := warned(rec, "services-refused")
			assert.Equal(t, c.refused > 0, flagged, "what does not count is flagged")
			assert.Equal(t, c.refused, n)
		})
	}
}

func TestServicesOfSpansThatAreNoneOrOverDoNothing(t *testing.T) {
	var none *tracer.Span
	none.Store("ssd", 1, time.Hour, 1)
	none.Transfer("local", 1)
	none.Call("embeddings", 1)
	ctx, run := simple(t, ourServices())
	_, s := tracer.Start(ctx, "work")
	rec := finish(t, run)
	s.Call("embeddings", 1)
	again, err := run.End()
	require.NoError(t, err)
	assert.Same(t, rec, again)
	assert.Len(t, again.Ledger, 1)
}

func TestARunUsesFewServices(t *testing.T) {
	ctx, run := simple(t)
	before := heap()
	for i := range 100 {
		_, s := tracer.Start(ctx, "work"+strconv.Itoa(i))
		for k := range 100 {
			s.Call("service"+strconv.Itoa(100*i+k), 1)
		}
		s.Call("service0", 1)
		s.End()
	}
	assert.Less(t, heap()-before, int64(1<<20), "bytes")
	rec := finish(t, run)
	missing := map[string]bool{}
	for _, m := range rec.Missing {
		if m.Reason == "unknown" && strings.HasPrefix(m.What, "service ") {
			missing[m.What] = true
		}
	}
	assert.Len(t, missing, 256)
	n, _ := warned(rec, "services-refused")
	// The first four paths have 64 each, the others the one that the run knows.
	assert.EqualValues(t, 100*101-4*64-1-96, n)
}

func TestServicesAreUsedFromAnyGoroutine(t *testing.T) {
	ctx, run := simple(t, ourServices(), tracer.Checkpoints(time.Millisecond))
	_, s := tracer.Start(ctx, "work")
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			for range 1000 {
				s.Call("embeddings", 1)
				s.Transfer("local", 1e6)
				s.Store("ssd", 1e9, time.Second, 1)
			}
		})
	}
	wg.Wait()
	s.End()
	rec := finish(t, run)
	assert.EqualValues(t, 8000, row(rec, lifecycle.Unassigned, "service.embeddings").Calls.Count)
	assert.InEpsilon(t, 8e9, row(rec, lifecycle.Unassigned, "network.local").Transferred.Bytes, 1e-12)
}

func TestServicesAllocateNothing(t *testing.T) {
	ctx, run := simple(t, ourServices())
	_, s := tracer.Start(ctx, "work")
	use := func() {
		s.Call("embeddings", 1)
		s.Transfer("local", 1e6)
		s.Store("ssd", 1e9, time.Second, 1)
	}
	use()
	assert.Zero(t, testing.AllocsPerRun(1000, use))
	s.End()
	finish(t, run)
}

func TestACheckpointHasTheServicesSoFar(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		sink := new(tracertest.Recorder)
		ctx, run := simple(t, ourServices(), tracer.Sinks(sink), tracer.Checkpoints(time.Second))
		_, s := tracer.Start(ctx, "work")
		s.Call("embeddings", 2)
		time.Sleep(3 * time.Second)
		last := sink.All()[len(sink.All())-1]
		requireValid(t, last)
		assert.InEpsilon(t, 3600, line(t, last, "service.embeddings").SpansJ, 1e-12)
		s.Call("embeddings", 2)
		s.End()
		assert.InEpsilon(t, 7200, line(t, finish(t, run), "service.embeddings").SpansJ, 1e-12)
		assert.InEpsilon(t, 3600, line(t, last, "service.embeddings").SpansJ, 1e-12, "what was written stays as it was")
	})
}

// What a record says of services, held to what it said before. What it says of
// the node is told by other tests.
func TestTheRecordOfServicesIsAsItWas(t *testing.T) {
	var rec *lifecycle.Record
	synctest.Test(t, func(t *testing.T) {
		ctx, run := simple(t, ourServices())
		useAll(ctx)
		rec = finish(t, run)
	})
	type stage struct {
		Stage lifecycle.Stage
		Usage []lifecycle.Usage
	}
	said := struct {
		Hardware []lifecycle.Hardware
		Stages   []stage
		Spans    []lifecycle.Span
		Ledger   []lifecycle.LedgerLine
		Methods  []lifecycle.MethodEntry
		Missing  []lifecycle.Missing
	}{Spans: rec.Spans, Methods: rec.Methods}
	for _, l := range rec.Ledger {
		if l.Hardware != "node" {
			said.Ledger = append(said.Ledger, l)
		}
	}
	for _, h := range rec.Hardware {
		if h.ID != "node" {
			said.Hardware = append(said.Hardware, h)
		}
	}
	for _, p := range rec.Phases {
		if !p.Stage.Device() {
			rows := slices.DeleteFunc(slices.Clone(p.Usage), func(u lifecycle.Usage) bool { return u.Hardware == "node" })
			said.Stages = append(said.Stages, stage{p.Stage, rows})
		}
	}
	for _, m := range rec.Missing {
		if strings.HasPrefix(m.Path, "/hardware") {
			said.Missing = append(said.Missing, m)
		}
	}
	text, err := json.MarshalIndent(said, "", " ")
	require.NoError(t, err)
	name := filepath.Join("testdata", "services.json")
	if *update {
		require.NoError(t, os.WriteFile(name, append(text, '\n'), 0o644))
	}
	want, err := os.ReadFile(name)
	require.NoError(t, err)
	assert.Equal(t, string(want), string(text)+"\n")
}
