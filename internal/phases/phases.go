// Package phases is what a picture of a record's life cycle shows of each phase,
// also of those of which the record does not tell: that something is unknown is
// as much to be seen as that it is little.
package phases

import (
	"fmt"

	"github.com/ecotracer/ecotracer/lifecycle"
)

// Figure is what a phase came to.
type Figure struct {
	Phase    lifecycle.Phase
	Quantity *lifecycle.Quantity // nil if there is nothing to tell, and Why says why
	Why      string
	Least    bool // a part of it is unknown, so that it is at least this
}

// Why there is nothing to tell of a phase. Only the first means that there may
// be anything.
const (
	Unknown     = "unknown"
	NotInRun    = "not in this run"
	NotInRecord = "not in this record"
	NoEnergy    = "no energy of the run"
)

// phasesOf are the phases that are to be seen: those of a model's life cycle, or
// of what works without a model; and what else occurs. Where nobody told which it
// is, it shows.
func phasesOf(r *lifecycle.Record) (list []lifecycle.Phase) {
	_, use := r.Totals.ByPhase[lifecycle.PhaseUse]
	kind := r.Technology.Kind
	model := kind == "ml" || kind == "" && !use
	for _, p := range []struct {
		phase lifecycle.Phase
		seen  bool // also where it does not occur
	}{
		{lifecycle.PhaseProduction, true}, {lifecycle.PhaseTraining, model}, {lifecycle.PhaseInference, model},
		{lifecycle.PhaseUse, !model}, {lifecycle.PhaseEndOfLife, true}, {lifecycle.PhaseUnassigned, false},
	} {
		if _, occurs := r.Totals.ByPhase[p.phase]; occurs || p.seen {
			list = append(list, p.phase)
		}
	}
	return list
}

// Emissions are the gCO2e of each phase.
func Emissions(r *lifecycle.Record) (list []Figure) {
	lack := lacking(r)
	for _, p := range phasesOf(r) {
		t, occurs := r.Totals.ByPhase[p]
		f := Figure{Phase: p, Quantity: t.GCO2e}
		device := p == lifecycle.PhaseProduction || p == lifecycle.PhaseEndOfLife
		switch {
		case f.Quantity != nil:
			f.Least = device && lack == Unknown
		case occurs:
			f.Why = Unknown
		case device:
			f.Why = lack
		default:
			f.Why = NotInRun
		}
		list = append(list, f)
	}
	return list
}

// lacking tells what it means that a record does not tell what devices took to
// make: that of some it is unknown, or that of all it is beyond the record.
func lacking(r *lifecycle.Record) string {
	beyond := map[string]bool{} // what is said not to belong into the record
	for _, m := range r.Missing {
		if m.What == "" && m.Reason == "not-applicable" {
			beyond[m.Path] = true
		}
	}
	told := map[string]bool{}
	for i, h := range r.Hardware {
		at := fmt.Sprintf("/hardware/%d", i)
		if h.Embodied != nil || beyond[at] || beyond[at+"/embodied"] {
			told[h.ID] = true
		}
		if h.Embodied != nil {
			for _, id := range h.Embodied.Covers {
				told[id] = true
			}
		}
	}
	for _, h := range r.Hardware {
		if !told[h.ID] {
			return Unknown
		}
	}
	return NotInRecord
}

// Energy is the joules of each phase, within the boundary of the run.
func Energy(r *lifecycle.Record) (list []Figure) {
	for _, p := range phasesOf(r) {
		t, occurs := r.Totals.ByPhase[p]
		f := Figure{Phase: p, Quantity: t.EnergyJ}
		switch {
		case f.Quantity != nil:
		case p == lifecycle.PhaseProduction || p == lifecycle.PhaseEndOfLife:
			f.Why = NoEnergy
		case occurs:
			f.Why = Unknown
		default:
			f.Why = NotInRun
		}
		list = append(list, f)
	}
	return list
}
