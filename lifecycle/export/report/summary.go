package report

import (
	"fmt"

	"github.com/ecotracer/ecotracer/factors"
	"github.com/ecotracer/ecotracer/internal/inwords"
	"github.com/ecotracer/ecotracer/lifecycle"
)

// summary tells what the run came to and how sure that is, in plain words and
// before any chart.
func (v *run) summary() {
	t := &v.record.Totals
	v.Lead = append(v.Lead, v.energySentence(), v.emissionsSentence())
	if q := t.GCO2e; q != nil && q.High > q.Low {
		v.Lead = append(v.Lead, fmt.Sprintf("The true figure lies between %s and %s with a confidence of 95\u00a0%%.",
			amount(q.Low, inwords.CO2e), amount(q.High, inwords.CO2e)))
	}
	v.keyFigures()
	v.sure()
}

func (v *run) energySentence() string {
	r := v.record
	verb := "used"
	switch r.Run.Status {
	case lifecycle.Estimated:
		verb = "would use"
	case lifecycle.Running:
		verb = "has used so far"
	}
	text := fmt.Sprintf("This run %s %s of electricity", verb, amount(r.Totals.EnergyJ.Value, inwords.WattHours))
	if r.Totals.FacilityEnergyJ.Value > r.Totals.EnergyJ.Value {
		text += fmt.Sprintf(", %s with the cooling and losses of its site", amount(r.Totals.FacilityEnergyJ.Value, inwords.WattHours))
	}
	switch r.Run.Status {
	case lifecycle.Failed:
		text += "; it failed"
	case lifecycle.Interrupted:
		text += "; it was interrupted, and what it used after its last checkpoint is not in it"
	}
	return text + "."
}

func (v *run) emissionsSentence() string {
	t := &v.record.Totals
	operational := amount(t.OperationalGCO2e.Value, inwords.CO2e)
	if t.GCO2e == nil {
		text := "What it comes to in all is unknown"
		if why := v.why("/totals/gco2e", "/totals/embodied_gco2e"); why != "" {
			text += " (" + why + ")"
		}
		return text + ": its electricity alone comes to " + operational + ", and not all that its devices took to make is known."
	}
	text := "In all it comes to " + amount(t.GCO2e.Value, inwords.CO2e) + ": " + operational + " for the electricity"
	if t.EmbodiedGCO2e != nil {
		text += fmt.Sprintf(" and %s as its share of making and discarding its devices", amount(t.EmbodiedGCO2e.Value, inwords.CO2e))
	}
	return text + "."
}

// keyFigures are what a team lead and an auditor look for first.
func (v *run) keyFigures() {
	t := &v.record.Totals
	add := func(label string, q *lifecycle.Quantity, units []inwords.Unit, at, note string) {
		v.Figures = append(v.Figures, keyFigure{label, figure(q, units, "/totals/"+at, v.why("/totals/"+at)), note})
	}
	add("Emissions", t.GCO2e, inwords.CO2e, "gco2e", "electricity and devices")
	if u := t.PerUnit; u != nil {
		v.Figures = append(v.Figures, keyFigure{"Emissions per unit of work", figure(&u.GCO2e, inwords.CO2e, "/totals/per_unit/gco2e", ""), "one of the " + count(u.Count) + " " + name(u.Unit) + ", all phases included"})
	}
	add("Energy", &t.EnergyJ, inwords.WattHours, "energy_j", "of "+name(inwords.Covered(v.record.Run.Boundary)))
	add("Water", t.WaterL, inwords.Litres, "water_l", "consumed on site and for the electricity")
	measured := keyFigure{Name: "Measured", cell: cell{Text: percent(t.MeasuredShare), Exact: exact(t.MeasuredShare), At: "/totals/measured_share"}, Note: "of the energy; the rest is modelled or declared"}
	v.Figures = append(v.Figures, measured)
	for _, more := range []struct {
		label string
		q     *lifecycle.Quantity
		at    string
		note  string
	}{
		{"By contracts", t.MarketGCO2e, "market_gco2e", "market-based emissions of the electricity, beside the total"},
		{"Marginal", t.MarginalGCO2e, "marginal_gco2e", "what one more kWh would emit, beside the total"},
		{"Grid losses", t.LossGCO2e, "loss_gco2e", "between power plant and site, beside the total"},
	} {
		if more.q != nil {
			add(more.label, more.q, inwords.CO2e, more.at, more.note)
		}
	}
}

// sure tells what the figures rest on.
func (v *run) sure() {
	r := v.record
	say := func(format string, args ...any) { v.Sure = append(v.Sure, fmt.Sprintf(format, args...)) }
	switch share := r.Totals.MeasuredShare; {
	case r.Run.Status == lifecycle.Estimated:
		say("Nothing ran: all figures are estimates from devices, hours and place.")
	case share == 0:
		say("Nothing measured the energy: all of it is modelled or declared.")
	case share < 1-1e-9:
		say("%s of the energy was measured, by meters or hardware counters; the rest is modelled or declared.", capital(percent(share)))
	default:
		say("All of the energy was measured, by meters or hardware counters.")
	}
	if q := r.Totals.GCO2e; q != nil && q.Low > 0 {
		switch ratio := q.High / q.Low; {
		case ratio <= 1.25:
			say("The emissions are known well: the upper bound is %s times the lower one.", inwords.Trimmed(ratio))
		case ratio <= 3:
			say("The emissions are known roughly: the upper bound is %s times the lower one.", inwords.Trimmed(ratio))
		default:
			say("The emissions are a coarse estimate: the upper bound is %s times the lower one.", inwords.Trimmed(ratio))
		}
	}
	for i := range r.Environments {
		if e := &r.Environments[i]; e.Country == "" && e.GridZone == "" && e.Subdivision == "" {
			say("Where it ran is unknown, so its electricity has the range of the whole world.")
			break
		}
	}
	say("Counted is the energy of %s: %s.", name(inwords.Covered(r.Run.Boundary)), name(inwords.Scope(r.Run.Scope)))
	if n := poor(r.Factors); n > 0 {
		say("%s of quality D: no published figure confirms them.", capital(inwords.Plural(n, "factor")+isAre(n)))
	}
	if n := len(r.Missing); n > 0 {
		say("%s missing; each is listed with its reason.", capital(inwords.Plural(n, "thing")+isAre(n)))
	}
	if n := len(r.Warnings); n > 0 {
		say("%s the record; they are explained below.", capital(inwords.Plural(n, "warning")+map[bool]string{true: " is in", false: " are in"}[n == 1]))
	}
}

func isAre(n int) string {
	if n == 1 {
		return " is"
	}
	return " are"
}

// poor counts the factors that no published figure confirms.
func poor(list []factors.Factor) (n int) {
	for i := range list {
		if list[i].Quality == "D" {
			n++
		}
	}
	return n
}
