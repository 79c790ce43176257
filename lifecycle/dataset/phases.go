package dataset

import (
	"cmp"
	"slices"
	"time"

	"github.com/ecotracer/ecotracer/lifecycle"
)

// stage is an operational stage of the merged record.
type stage struct {
	entry lifecycle.PhaseEntry
	rows  map[rowKey]*row
	order []*row
	steps map[steps]int // index in the entry's profile
	at    int           // in /phases
}

// steps are the times that a profile is of.
type steps struct {
	environment string
	start       time.Time
	step        float64
}

type rowKey struct {
	class         *class
	meter, factor string
}

// row is a row of a merged stage, and what the shards tell of it.
type row struct {
	rowKey
	usage  lifecycle.Usage
	energy float64
	holds  []*holding
	by     map[*component]*holding
	shares map[string]float64 // device-seconds by share_by
}

// phases merges the stages. Those of devices follow from the rest (Assess), but
// for the names under which production, transport and end of life are told.
func (j *job) phases() {
	j.stages = map[lifecycle.Stage]*stage{}
	var order []*stage
	var devices []lifecycle.PhaseEntry
	for _, s := range j.shards {
		read := s.readings()
		for i := range s.Phases {
			p := &s.Phases[i]
			if p.Stage.Device() {
				if !slices.ContainsFunc(devices, func(d lifecycle.PhaseEntry) bool { return sameFamily(d.Stage, p.Stage) }) {
					devices = append(devices, lifecycle.PhaseEntry{Phase: p.Phase, Stage: p.Stage})
				}
				continue
			}
			st := j.stages[p.Stage]
			if st == nil {
				st = &stage{
					entry: lifecycle.PhaseEntry{Phase: p.Phase, Stage: p.Stage, DurationS: new(float64)},
					rows:  map[rowKey]*row{}, steps: map[steps]int{},
				}
				j.stages[p.Stage] = st
				order = append(order, st)
			}
			st.entry.StartedAt, st.entry.EndedAt = earlier(st.entry.StartedAt, p.StartedAt), later(st.entry.EndedAt, p.EndedAt)
			*st.entry.DurationS += *p.DurationS
			j.addRows(st, s, p, read)
		}
	}
	slices.SortStableFunc(order, func(a, b *stage) int {
		return cmp.Or(a.entry.StartedAt.Compare(*b.entry.StartedAt), cmp.Compare(a.entry.Stage, b.entry.Stage))
	})
	j.holdings(order)
	for i, st := range order {
		st.at = i
		st.entry.Usage = []lifecycle.Usage{}
		for _, w := range st.order {
			st.entry.Usage = append(st.entry.Usage, w.usage)
		}
		j.keepProfiles(st)
		j.rec.Phases = append(j.rec.Phases, st.entry)
	}
	j.rec.Phases = append(j.rec.Phases, devices...)
}

// sameFamily tells whether two device stages tell the same of a device's life:
// production and production/manufacturing do, production/transport does not.
func sameFamily(a, b lifecycle.Stage) bool {
	return a.Phase() == b.Phase() && (a == lifecycle.Transport) == (b == lifecycle.Transport)
}

func earlier(a, b *time.Time) *time.Time {
	if a == nil || b.Before(*a) {
		return b
	}
	return a
}

func later(a, b *time.Time) *time.Time {
	if a == nil || b.After(*a) {
		return b
	}
	return a
}

// addRows adds a shard's rows to those of a stage.
func (j *job) addRows(st *stage, s *shard, p *lifecycle.PhaseEntry, read readings) {
	told, counts := map[string]float64{}, map[string]float64{} // J by environment
	for n := range p.Usage {
		u := &p.Usage[n]
		_, _, kept := read.row(u, p.Stage)
		if u.EnergyJ != nil {
			place := s.Hardware[s.entry[u.Hardware]].Environment
			told[place] += u.EnergyJ.Value
			counts[place] += kept
		}
		if (u.Share == nil || accelerator(s.Hardware[s.entry[u.Hardware]].Kind)) && kept == 0 && u.EnergyJ != nil && u.EnergyJ.Value > 0 {
			continue // it is all someone else's, and so is the device
		}
		c := s.component[s.entry[u.Hardware]]
		key := rowKey{c.class, s.meter[u.Meter], s.factor[u.Factor]}
		w := st.rows[key]
		if w == nil {
			w = &row{
				rowKey: key, usage: lifecycle.Usage{Hardware: c.class.id, Meter: key.meter, Factor: key.factor},
				by: map[*component]*holding{}, shares: map[string]float64{},
			}
			st.rows[key] = w
			st.order = append(st.order, w)
		}
		w.hold(c, s, u)
		w.energy += kept
		w.addService(u)
		if u.EnergyJ != nil {
			w.usage.EnergyJ = &lifecycle.Quantity{Value: w.energy}
		}
	}
	for _, f := range p.Profile {
		part := 1.0
		if counts[f.Environment] != told[f.Environment] {
			part = counts[f.Environment] / told[f.Environment]
		}
		st.addProfile(f, s.place[f.Environment], part)
	}
}

// addService adds what a service stored, transferred or was called for.
func (w *row) addService(u *lifecycle.Usage) {
	to := &w.usage
	if u.Stored != nil {
		if to.Stored == nil {
			to.Stored = new(*u.Stored)
		} else {
			// Byte-seconds add up, whatever they are the product of.
			a, b := *to.Stored, *u.Stored
			sum := lifecycle.Stored{Bytes: a.Bytes + b.Bytes, Seconds: a.Seconds, Replicas: a.Replicas}
			if a.Seconds != b.Seconds || a.Replicas != b.Replicas {
				sum = lifecycle.Stored{Seconds: max(a.Seconds, b.Seconds), Replicas: max(a.Replicas, b.Replicas)}
				if each := sum.Seconds * sum.Replicas; each > 0 {
					sum.Bytes = (a.Bytes*a.Seconds*a.Replicas + b.Bytes*b.Seconds*b.Replicas) / each
				}
			}
			to.Stored = &sum
		}
	}
	if u.Transferred != nil {
		if to.Transferred == nil {
			to.Transferred = new(lifecycle.Transferred)
		}
		to.Transferred.Bytes += u.Transferred.Bytes
	}
	if u.Calls != nil {
		if to.Calls == nil {
			to.Calls = &lifecycle.Calls{Unit: u.Calls.Unit}
		}
		to.Calls.Count += u.Calls.Count
	}
}

// addProfile adds the energy of a shard's steps, or such part of it as counts.
func (st *stage) addProfile(f lifecycle.Profile, place string, part float64) {
	key := steps{place, f.Start.UTC(), f.StepS}
	to, ok := st.steps[key]
	if !ok {
		to = len(st.entry.Profile)
		st.steps[key] = to
		st.entry.Profile = append(st.entry.Profile, lifecycle.Profile{Environment: place, Start: f.Start, StepS: f.StepS})
	}
	sum := &st.entry.Profile[to].EnergyJ
	for i, e := range f.EnergyJ {
		if i == len(*sum) {
			*sum = append(*sum, 0)
		}
		(*sum)[i] += e * part
	}
}

// keepProfiles keeps the profiles of a stage if all shards that used energy in
// it tell theirs: else they do not come to its energy.
func (j *job) keepProfiles(st *stage) {
	energy, steps := map[string]float64{}, map[string]float64{}
	for _, w := range st.order {
		energy[j.rec.Hardware[w.class.at].Environment] += w.energy
	}
	for _, p := range st.entry.Profile {
		for _, e := range p.EnergyJ {
			steps[p.Environment] += e
		}
	}
	for place, e := range steps {
		if beyond(e, energy[place]) > 0 || beyond(energy[place], e) > 0 {
			st.entry.Profile = nil
			j.conflicts("/phases", "not all shards tell their energy step by step: it was left out")
			return
		}
	}
}
