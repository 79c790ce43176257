package dataset_test

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/ecotracer/ecotracer/factors"
	"github.com/ecotracer/ecotracer/lifecycle"
	"github.com/ecotracer/ecotracer/lifecycle/dataset"
	"github.com/ecotracer/ecotracer/tracer"
)

// What ranks store, move and call for is each one's own, also on one host: it
// adds up.
func TestWhatRanksStoreMoveAndCallForAddsUp(t *testing.T) {
	own := func(id string, kind factors.Kind, value float64, unit, gwp string) factors.Factor {
		return factors.Factor{ID: id, Kind: kind, Value: value, Low: value / 2, High: value * 2, Unit: unit, GWP: gwp, Source: "bill", SourceYear: 2026, Quality: "B"}
	}
	site := tracer.At(tracer.Site{Country: "SE", Factors: []factors.Factor{
		own("storage.ssd", factors.Storage, 1, "Wh/TBh", ""),
		own("transfer.wan", factors.Transfer, 0.01, "kWh/GB", ""),
		own("service.embeddings", factors.Service, 0.5, "Wh", ""),
		own("service.prompts", factors.Service, 0.2, "gCO2e", "unstated"),
	}})
	rank := func(boot string, calls int, kept time.Duration) process {
		return process{boot: boot, cpus: 1, until: lengthOf, options: []tracer.Option{site}, program: func(ctx context.Context, p process) {
			ctx, s := tracer.Start(ctx, "fit", tracer.In(lifecycle.Training))
			defer s.End()
			time.Sleep(lengthOf / 2)
			s.Call("embeddings", calls)
			s.Call("prompts", calls)
			s.Call("oracle", 1)
			s.Transfer("wan", 1e9)
			s.Store("ssd", 1e12, kept, 2)
			train(ctx, process{until: lengthOf / 2})
		}}
	}
	shards := simulated(t, rank(bootA, 10, time.Hour), rank(bootA, 30, time.Hour), rank(bootB, 60, 2*time.Hour))
	m := merged(t, shards...)
	require.NotNil(t, m.Totals.GCO2e)
	assert.Empty(t, warned(m, "merge-overlap"))
	assert.InEpsilon(t, 100*0.5*3600, bookedOf(m, "service.embeddings"), 1e-9)
	assert.InEpsilon(t, 3*0.01*3.6e6, bookedOf(m, "network.wan"), 1e-9)
	assert.InEpsilon(t, (2+2+4)*3600.0, bookedOf(m, "storage.ssd"), 1e-9, "2 TBh, 2 TBh and 4 TBh")
	for _, p := range m.Phases {
		if p.Stage != lifecycle.Training {
			continue
		}
		for _, u := range p.Usage {
			switch u.Factor {
			case "service.prompts":
				assert.EqualValues(t, 100, u.Calls.Count)
				assert.InEpsilon(t, 20, u.OperationalGCO2e.Value, 1e-9)
			case "storage.ssd":
				assert.InEpsilon(t, 8*3600e12, u.Stored.Bytes*u.Stored.Seconds*u.Stored.Replicas, 1e-9)
			case "transfer.wan":
				assert.InEpsilon(t, 3e9, u.Transferred.Bytes, 1e-9)
			}
		}
	}
	var joules float64
	for _, s := range m.Spans {
		joules += s.SelfJ
	}
	var booked float64
	for _, l := range m.Ledger {
		booked += l.SpansJ
	}
	assert.InEpsilon(t, booked, joules, 1e-9)
	missing := 0
	for _, e := range m.Missing {
		if e.What == "service oracle" {
			missing++
		}
	}
	assert.Equal(t, 1, missing, "what nobody knows stays missing")
	for _, w := range m.Warnings {
		if w.Code == "service-unknown" {
			assert.EqualValues(t, 3, *w.Count)
		}
	}
}

// bookedOf is what the merged lines of a domain booked, on whatever host.
func bookedOf(m *lifecycle.Record, hardware string) (joules float64) {
	for _, l := range m.Ledger {
		if l.Hardware == hardware {
			joules += own(l)
		}
	}
	return joules
}

// Of services nobody knows where they ran, and their figures have the cooling of
// their sites in them.
func TestWhatRanElsewhereDoesNotMoveWithTheRun(t *testing.T) {
	r := simulated(t, process{boot: bootA, cpus: 1, until: lengthOf, options: []tracer.Option{tracer.At(tracer.Site{Country: "SE"})}, program: func(ctx context.Context, p process) {
		ctx, s := tracer.Start(ctx, "fit", tracer.In(lifecycle.Training))
		defer s.End()
		s.Transfer("mobile", 1e9)
		s.Call("gemini-prompt", 10)
		train(ctx, p)
	}})[0]
	require.Len(t, r.Environments, 2)
	assessed := func(how dataset.Reassessment) *lifecycle.Record {
		fresh, changes, err := dataset.Reassess(r, how)
		require.NoError(t, err)
		require.NotEmpty(t, changes)
		return fresh
	}
	gave := func(kind factors.Kind, value float64, unit string) factors.Factor {
		return factors.Factor{ID: string(kind) + ".given", Kind: kind, Value: value, Low: value, High: value, Unit: unit, Signal: "average", Accounting: "location", Source: "bill", SourceYear: 2026, Quality: "A"}
	}
	elsewhere := r.Environments[1]
	moved := assessed(dataset.Reassessment{Place: &dataset.Location{Country: "PL"}, Own: []factors.Factor{gave(factors.PUE, 1.4, "1")}, Refresh: true})
	assert.Equal(t, "PL", moved.Environments[0].Country)
	assert.Equal(t, "pue.given", moved.Environments[0].Factors.PUE)
	assert.Equal(t, elsewhere, moved.Environments[1])

	named := assessed(dataset.Reassessment{Environment: elsewhere.ID, Place: &dataset.Location{Country: "PL"}})
	assert.Equal(t, r.Environments[0], named.Environments[0])
	assert.Equal(t, "PL", named.Environments[1].Country)
	assert.Equal(t, elsewhere.Factors.PUE, named.Environments[1].Factors.PUE)
}
