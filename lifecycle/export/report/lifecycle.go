package report

import (
	"slices"
	"strconv"
	"strings"

	"github.com/ecotracer/ecotracer/internal/inwords"
	"github.com/ecotracer/ecotracer/internal/phases"
	"github.com/ecotracer/ecotracer/lifecycle"
)

// bar is a phase in the chart. What is unknown has no value, and a reason.
type bar struct {
	Phase  string   `json:"phase"`
	Value  *float64 `json:"value,omitempty"` // g
	Low    *float64 `json:"low,omitempty"`
	High   *float64 `json:"high,omitempty"`
	Label  string   `json:"label"`
	Absent bool     `json:"absent,omitempty"` // not unknown: nothing of it was in the run
}

// phaseMeaning tells what a phase is, in words.
var phaseMeaning = map[lifecycle.Phase]string{
	lifecycle.PhaseProduction: "making the devices: the run’s share, by the time it held them",
	lifecycle.PhaseTraining:   "making the model: data, training, evaluation",
	lifecycle.PhaseInference:  "using the model",
	lifecycle.PhaseUse:        "operating what uses no model",
	lifecycle.PhaseEndOfLife:  "discarding the devices, and retiring the service",
	lifecycle.PhaseUnassigned: "no part of the program that tells its stage",
}

// lifeCycle tells what each phase and stage came to. A phase of the devices that
// is not there is unknown, for no run does without devices; one of the service
// that is not there was not part of this run. Neither is zero.
func (v *run) lifeCycle() {
	r := v.record
	t := table{Caption: "What each phase and stage of the life cycle came to", Head: head("Phase and stage", "#Emissions", "#Energy", "#At the site (PUE)", "#Water", "#Time", "Method")}
	for _, f := range phases.Emissions(r) {
		p := f.Phase
		sum, occurs := r.Totals.ByPhase[p]
		at := "/totals/by_phase/" + string(p) + "/"
		device := p == lifecycle.PhaseProduction || p == lifecycle.PhaseEndOfLife
		cells := []cell{note(name(string(p)), phaseMeaning[p])}
		cells[0].Head = true
		var entries []int
		for i := range r.Phases {
			if r.Phases[i].Phase == p {
				entries = append(entries, i)
			}
		}
		b, emissions := bar{Phase: name(string(p))}, cell{Text: f.Why, Class: "unknown"}
		switch {
		case f.Quantity != nil:
			b.Value, b.Low, b.High = &f.Quantity.Value, &f.Quantity.Low, &f.Quantity.High
			b.Label = withBounds(*f.Quantity, inwords.CO2e)
			emissions = figure(f.Quantity, inwords.CO2e, at+"gco2e", "")
			if f.Least {
				b.Label, emissions.Before = "at least "+b.Label, "at least "
			}
		case f.Why == phases.Unknown && device:
			emissions = unknown(v.unknownDevices())
			b.Label = joined(": ", f.Why, v.unknownDevices())
		default:
			b.Label, b.Absent = f.Why, f.Why != phases.Unknown
		}
		cells = append(cells, emissions, optional(sum.EnergyJ, inwords.WattHours, at+"energy_j"), optional(sum.FacilityEnergyJ, inwords.WattHours, at+"facility_energy_j"),
			v.water(sum.WaterL, at, device || !occurs), seconds(held(r, entries), ""), text(methodOf(sum.GCO2e)))
		v.charts.Phases = append(v.charts.Phases, b)
		t.Rows = append(t.Rows, row{Class: "phase phase-" + string(p), Cells: cells})
		for _, i := range entries {
			if e := &r.Phases[i]; len(entries) > 1 || string(e.Stage) != string(p) {
				t.Rows = append(t.Rows, v.stageRow(i, e))
			}
		}
	}
	sums := &r.Totals
	t.Foot = []row{{Cells: []cell{
		title("all"), figure(sums.GCO2e, inwords.CO2e, "/totals/gco2e", v.why("/totals/gco2e")), figure(&sums.EnergyJ, inwords.WattHours, "/totals/energy_j", ""),
		figure(&sums.FacilityEnergyJ, inwords.WattHours, "/totals/facility_energy_j", ""),
		figure(sums.WaterL, inwords.Litres, "/totals/water_l", v.why("/totals/water_l")), seconds(&r.Run.DurationS, "/run/duration_s"), text(methodOf(sums.GCO2e)),
	}}}
	t.cut(3*v.rows, "stage")
	v.LifeCycle = t
	_, made := r.Totals.ByPhase[lifecycle.PhaseProduction]
	_, discarded := r.Totals.ByPhase[lifecycle.PhaseEndOfLife]
	if why := v.unknownDevices(); why != "" && (made || discarded) {
		v.PhaseNotes = append(v.PhaseNotes, "Production and end of life are not of all devices: "+why+".")
	}
	if impacts := v.otherImpacts(); impacts != "" {
		v.PhaseNotes = append(v.PhaseNotes, impacts)
	}
	v.carried()
}

// methodOf tells how a figure was obtained; "" if it is unknown.
func methodOf(q *lifecycle.Quantity) string {
	if q == nil {
		return ""
	}
	return name(string(q.Method))
}

// optional is a figure that some phases do not have by their nature.
func optional(q *lifecycle.Quantity, units []inwords.Unit, at string) cell {
	if q == nil {
		return cell{}
	}
	return figure(q, units, at, "")
}

// water is unknown of a phase that used electricity and tells none.
func (v *run) water(q *lifecycle.Quantity, at string, device bool) cell {
	if q == nil && !device {
		return unknown(v.why("/totals/water_l"))
	}
	return optional(q, inwords.Litres, at+"water_l")
}

// held is the time of some stages together; nil if none tells any.
func held(r *lifecycle.Record, entries []int) *float64 {
	var sum *float64
	for _, i := range entries {
		if d := r.Phases[i].DurationS; d != nil {
			if sum == nil {
				sum = new(float64)
			}
			*sum += *d
		}
	}
	return sum
}

func (v *run) stageRow(i int, e *lifecycle.PhaseEntry) row {
	at := "/phases/" + strconv.Itoa(i) + "/"
	_, part, found := strings.Cut(string(e.Stage), "/")
	if !found {
		part = string(e.Stage)
	}
	first := title(name(part))
	first.Indent = 1
	grams, of, water := e.OperationalGCO2e, "operational_gco2e", cell{}
	if e.Stage.Device() {
		grams, of = e.EmbodiedGCO2e, "embodied_gco2e"
	} else {
		water = figure(e.WaterL, inwords.Litres, at+"water_l", v.why(at+"water_l"))
	}
	return row{Class: "stage", Cells: []cell{first, figure(grams, inwords.CO2e, at+of, v.why(at+of)), optional(e.EnergyJ, inwords.WattHours, at+"energy_j"),
		optional(e.FacilityEnergyJ, inwords.WattHours, at+"facility_energy_j"), water, seconds(e.DurationS, at+"duration_s"), text(methodOf(grams))}}
}

// unknownDevices tells of which devices nobody knows what they took to make,
// and why; "" if there is none.
func (v *run) unknownDevices() string {
	r := v.record
	of := map[string][]string{} // by reason
	var reasons []string
	for _, m := range r.Missing {
		rest, ok := strings.CutPrefix(m.Path, "/hardware/")
		index, member, _ := strings.Cut(rest, "/")
		if !ok || member != "embodied" || m.Reason == "not-applicable" {
			continue
		}
		why := inwords.Reason(m.Reason)
		if of[why] == nil {
			reasons = append(reasons, why)
		}
		of[why] = append(of[why], name(strings.TrimPrefix(inwords.Pointer(r, "/hardware/"+index)[0], "device ")))
	}
	slices.Sort(reasons)
	var texts []string
	for _, why := range reasons {
		texts = append(texts, inwords.Few(of[why], 5)+" ("+why+")")
	}
	return strings.Join(texts, "; ")
}

// otherImpacts tells what the devices' share is besides grams of CO2e.
func (v *run) otherImpacts() string {
	t := &v.record.Totals
	var texts []string
	for _, of := range []struct {
		what  string
		q     *lifecycle.Quantity
		units []inwords.Unit
	}{
		{"%s of minerals and metals depleted", t.EmbodiedADPeKgSbeq, inwords.Antimony},
		{"%s of primary energy", t.EmbodiedPrimaryEnergyJ, inwords.Joules},
		{"%s of electronic waste", t.EmbodiedWasteKg, inwords.Kilograms},
	} {
		if of.q != nil {
			texts = append(texts, strings.Replace(of.what, "%s", withBounds(*of.q, of.units), 1))
		}
	}
	if len(texts) == 0 {
		return ""
	}
	return "Besides emissions, its share of the devices is " + strings.Join(texts, ", ") + "."
}

// carried tells what the run's use carries of other records, which no total
// holds.
func (v *run) carried() {
	for i, a := range v.record.Amortised {
		if i == 5 {
			v.PhaseNotes = append(v.PhaseNotes, inwords.Plural(len(v.record.Amortised)-i, "more record")+" of which the run carries a part.")
			break
		}
		v.PhaseNotes = append(v.PhaseNotes, "Beside the total, its use carries "+withBounds(a.ShareGCO2e, inwords.CO2e)+
			" of the "+inWords(a.What)+" that run "+name(a.Run)+" recorded: "+inwords.Trimmed(a.Used)+" of "+inwords.Trimmed(a.Expected)+" "+name(a.Unit)+".")
	}
}
