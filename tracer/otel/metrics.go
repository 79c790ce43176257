package otel

import (
	"context"
	"fmt"
	"strings"
	"sync"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/metric"

	"github.com/ecotracer/ecotracer/lifecycle"
	"github.com/ecotracer/ecotracer/tracer"
)

// RegisterMetrics has what a run uses among the metrics of provider, as counters
// from the run's begin on:
//
//	hw.energy                        J   what a device used, by hw.id, hw.type and hw.name
//	hw.host.energy                   J   what a whole host used, where a meter tells that, by hw.id
//	ecotracer.process.energy         J   the run's part, by ecotracer.stage
//	ecotracer.operational.emissions  g   CO2 equivalent of that energy at its place, by ecotracer.stage
//
// The first two are of the semantic conventions (1.44, in development): of all
// that used the device or host, this process or not. No joule is in both, and of a
// host's total nothing is in hw.energy. The other two are the record's energy_j,
// IT energy without PUE, and operational_gco2e; they are fractions of joules and
// grams, so that they are floating-point instruments. All carry ecotracer.run.id.
//
// Each collection is a tracer.Run.Snapshot, which may wait up to a second or so
// for a window of CPU samples, or until the collection's time is up. A snapshot
// may find that a stage has used less than the one before said; its counter then
// stays where it is until the stage has used more. Unregister ends it. After the
// run's end the figures are those of its record.
func RegisterMetrics(run *tracer.Run, provider metric.MeterProvider) (metric.Registration, error) {
	m := provider.Meter(scope, metric.WithInstrumentationVersion(tracer.Version))
	var instruments []metric.Observable
	counter := func(name, unit, what string) (metric.Float64ObservableCounter, error) {
		c, err := m.Float64ObservableCounter(name, metric.WithUnit(unit), metric.WithDescription(what))
		if err != nil {
			return nil, fmt.Errorf("ecotracer: the counter %s: %w", name, err)
		}
		instruments = append(instruments, c)
		return c, nil
	}
	g := gauge{run: run, told: map[series]float64{}}
	for _, c := range []struct {
		to               *metric.Float64ObservableCounter
		name, unit, what string
	}{
		{&g.device, "hw.energy", "J", "Energy consumed by the component"},
		{&g.host, "hw.host.energy", "J", "Total energy consumed by the entire physical host, in joules"},
		{&g.process, "ecotracer.process.energy", "J", "IT energy that the run used, without PUE"},
		{&g.emissions, "ecotracer.operational.emissions", "g", "CO2 equivalent of the run's energy at its place"},
	} {
		var err error
		if *c.to, err = counter(c.name, c.unit, c.what); err != nil {
			return nil, err
		}
	}
	r, err := m.RegisterCallback(g.observe, instruments...)
	if err != nil {
		return nil, fmt.Errorf("ecotracer: the counters of the run: %w", err)
	}
	return r, nil
}

// gauge reads a run.
type gauge struct {
	run                              *tracer.Run
	device, host, process, emissions metric.Float64ObservableCounter

	mu   sync.Mutex
	told map[series]float64 // what each counter has said: it never falls
}

// series is one counter of an instrument.
type series struct {
	of   metric.Float64ObservableCounter
	what string
}

func (g *gauge) observe(ctx context.Context, o metric.Observer) error {
	rec, err := g.run.Snapshot(ctx)
	if rec == nil {
		return err // of no run there is nothing to tell
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	say := func(of metric.Float64ObservableCounter, what string, v float64, kv ...attribute.KeyValue) {
		s := series{of, what}
		v = max(v, g.told[s])
		g.told[s] = v
		o.ObserveFloat64(of, v, metric.WithAttributes(append(kv, attrRun.String(rec.Run.ID))...))
	}
	devices := map[string]lifecycle.Hardware{}
	for _, h := range rec.Hardware {
		devices[h.ID] = h
	}
	for _, l := range rec.Ledger {
		id := attribute.String("hw.id", l.Domain)
		h := devices[l.Hardware]
		switch {
		case l.Split == "declared" || untold(rec, l.Domain):
			// What others' machines used for it, or what nobody knows.
		case h.Kind == lifecycle.KindNode && !strings.HasSuffix(l.Domain, "/rest"):
			say(g.host, l.Domain, l.TotalJ, id)
		default:
			kv := []attribute.KeyValue{id, attribute.String("hw.type", hwType(h.Kind))}
			if h.Model != "" {
				kv = append(kv, attribute.String("hw.name", h.Model))
			}
			say(g.device, l.Domain, l.TotalJ, kv...)
		}
	}
	for _, p := range rec.Phases {
		stage := attrStage.String(string(p.Stage))
		if q := p.EnergyJ; q != nil {
			say(g.process, string(p.Stage), q.Value, stage)
		}
		if q := p.OperationalGCO2e; q != nil {
			say(g.emissions, string(p.Stage), q.Value, stage)
		}
	}
	return err
}

// untold tells whether a domain's meter has told no energy: that is not zero.
func untold(rec *lifecycle.Record, domain string) bool {
	for _, m := range rec.Missing {
		if m.Path == "/ledger" && m.What == domain {
			return true
		}
	}
	return false
}

// hwType is the hw.type of a kind of hardware: its members are the conventions',
// which allow others.
func hwType(kind lifecycle.HardwareKind) string {
	switch kind {
	case lifecycle.KindStorage:
		return "physical_disk"
	case lifecycle.KindNode:
		return "enclosure" // the rest of a machine whose parts are told by themselves
	}
	return string(kind)
}
