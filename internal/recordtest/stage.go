package recordtest

import (
	"slices"
	"time"

	"github.com/ecotracer/ecotracer/factors"
	"github.com/ecotracer/ecotracer/lifecycle"
)

// operational are the stages in which a service runs.
var operational = []lifecycle.Stage{
	lifecycle.Design, lifecycle.DataProduction, lifecycle.TrainingDataStorage, lifecycle.DataPreparation, lifecycle.PreTraining, lifecycle.Training,
	lifecycle.FineTuning, lifecycle.Reinforcement, lifecycle.HyperparameterTuning, lifecycle.Compression, lifecycle.ModelEvaluation,
	lifecycle.Deployment, lifecycle.Serving, lifecycle.Batch, lifecycle.Retrieval, lifecycle.InferenceDataStorage, lifecycle.Monitoring,
	lifecycle.Operation, lifecycle.Collection, lifecycle.Processing, lifecycle.Storage, lifecycle.Transfer, lifecycle.Retirement,
}

// stages adds stages one after another (side by side where shards ran side by
// side), each with a row for most devices.
func (m *maker) stages() {
	r := m.r
	list := slices.Clone(operational)
	m.Shuffle(len(list), func(i, j int) { list[i], list[j] = list[j], list[i] })
	list = list[:1+m.IntN(7)]
	if r.Run.Status != lifecycle.Estimated {
		list = append(list, lifecycle.Unassigned)
	}
	var at float64 // parts of the run
	for i, part := range m.parts(len(list)) {
		p := lifecycle.PhaseEntry{Phase: list[i].Phase(), Stage: list[i], DurationS: new(part * m.bookS), Usage: []lifecycle.Usage{}}
		held := part * min(m.shardS, m.bookS)
		if r.Run.StartedAt != nil {
			from, to := *r.Run.StartedAt, *r.Run.EndedAt
			if len(r.Run.Merged) == 0 {
				from = r.Run.StartedAt.Add(time.Duration(at * m.bookS * 1e9))
				to = from.Add(time.Duration(part * m.bookS * 1e9))
			}
			p.StartedAt, p.EndedAt = &from, &to
		}
		at += part
		var sum sum
		for h := range r.Hardware {
			if m.one(4) {
				continue
			}
			u := m.row(h, held)
			var joules float64
			if u.EnergyJ != nil {
				joules = u.EnergyJ.Value
			}
			booked := joules
			if list[i] == lifecycle.Unassigned && m.watts[h] > 0 {
				booked = joules * pick(m, 0, 0, m.Float64())
				m.openJ[h] += joules - booked
			}
			m.spansJ[h] += booked
			sum.joules += booked
			p.Usage = append(p.Usage, u)
		}
		sum.seconds = *p.DurationS
		m.shared[list[i]] = sum
		m.profile(&p)
		r.Phases = append(r.Phases, p)
	}
	for _, s := range []lifecycle.Stage{
		pick(m, lifecycle.Production, lifecycle.RawMaterials, lifecycle.Manufacturing),
		pick(m, lifecycle.EndOfLife, lifecycle.EndOfLifeTransport, lifecycle.Treatment),
	} { // under whose name the devices' shares are told
		r.Phases = append(r.Phases, lifecycle.PhaseEntry{Phase: s.Phase(), Stage: s})
	}
	m.Shuffle(len(r.Phases), func(i, j int) { r.Phases[i], r.Phases[j] = r.Phases[j], r.Phases[i] })
}

// row is what a stage used of a device that it held so long.
func (m *maker) row(h int, held float64) lifecycle.Usage {
	r := m.r
	device := &r.Hardware[h]
	u := lifecycle.Usage{Hardware: device.ID, Count: new(1), UseS: &held, Meter: services}
	if m.watts[h] > 0 {
		share := pick(m, 1, 1-m.Float64())
		u.Count, u.Meter = new(1+m.IntN(device.Count)), m.meterOf(h)
		u.Share, u.ShareBy = &share, pick(m, "reserved", "cores", "memory", "cpu-time", "declared")
		if share == 1 && m.one(2) {
			u.ShareBy = "exclusive"
		}
		u.EnergyJ = &lifecycle.Quantity{Value: m.watts[h] * float64(*u.Count) * share * held * pick(m, m.Float64(), m.Float64(), 0)}
		return u
	}
	joules := func(v float64) *lifecycle.Quantity { return &lifecycle.Quantity{Value: v} }
	value := m.between(1e-6, 1)
	switch device.Kind {
	case lifecycle.KindStorage:
		u.Factor = m.factor(factors.Storage, value, 3, "Wh/TBh")
		u.Stored = &lifecycle.Stored{Bytes: float64(m.whole()), Seconds: held, Replicas: float64(1 + m.IntN(3))}
		u.EnergyJ = joules(u.Stored.Bytes * u.Stored.Seconds * u.Stored.Replicas / 1e12 * value)
	case lifecycle.KindNetwork:
		u.Factor = m.factor(factors.Transfer, value, 3, "kWh/GB")
		u.Transferred = &lifecycle.Transferred{Bytes: float64(m.whole())}
		u.EnergyJ = joules(u.Transferred.Bytes / 1e9 * value * 3.6e6)
	default:
		u.Calls = &lifecycle.Calls{Unit: m.text(), Count: int64(m.between(1, 1e11))}
		if m.one(2) {
			u.Factor = m.factor(factors.Service, value, 3, "gCO2e/call")
			break // it tells grams, not joules
		}
		u.Factor = m.factor(factors.Service, value, 3, "Wh/call")
		u.EnergyJ = joules(float64(u.Calls.Count) * value * 3600)
	}
	return u
}

// meterOf is the meter that reads a device.
func (m *maker) meterOf(h int) string {
	if m.watts[h] == 0 {
		return services
	}
	return m.r.Methods[h%(len(m.r.Methods)-1)].ID
}

// profile tells a stage's energy step by step where the grid's values are.
func (m *maker) profile(p *lifecycle.PhaseEntry) {
	r := m.r
	for _, e := range r.Environments {
		i := slices.IndexFunc(r.Factors, func(f factors.Factor) bool { return f.ID == e.Factors.Grid })
		if r.Factors[i].Series == nil || p.StartedAt == nil || !p.EndedAt.After(*p.StartedAt) {
			continue
		}
		var joules float64
		for _, u := range p.Usage {
			k := slices.IndexFunc(r.Hardware, func(h lifecycle.Hardware) bool { return h.ID == u.Hardware })
			if r.Hardware[k].Environment == e.ID && u.EnergyJ != nil {
				joules += u.EnergyJ.Value
			}
		}
		parts := m.parts(1 + m.IntN(30))
		for k := range parts {
			parts[k] *= joules
		}
		p.Profile = append(p.Profile, lifecycle.Profile{
			Environment: e.ID, Start: *p.StartedAt, StepS: p.EndedAt.Sub(*p.StartedAt).Seconds() / float64(len(parts)), EnergyJ: parts,
		})
	}
}
