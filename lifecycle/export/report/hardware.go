package report

import (
	"cmp"
	"slices"
	"strconv"
	"strings"

	"github.com/ecotracer/ecotracer/internal/inwords"
)

// hardware tells the devices, what each used and how that is known.
func (v *run) hardware() {
	r := v.record
	energy, use := map[string]float64{}, map[string]float64{}
	by := map[string][]string{}
	told := map[string]bool{}
	for i := range r.Phases {
		for _, u := range r.Phases[i].Usage {
			if u.EnergyJ != nil {
				energy[u.Hardware] += u.EnergyJ.Value
				told[u.Hardware] = true
			}
			if u.UseS != nil {
				use[u.Hardware] += *u.UseS
			}
			if u.Meter != "" && !slices.Contains(by[u.Hardware], u.Meter) {
				by[u.Hardware] = append(by[u.Hardware], u.Meter)
			}
		}
	}
	t := table{Caption: "Devices, what the run used of each, and which meter told", Head: head("Device", "#Count", "Size", "#Held for", "#Energy", "Told by", "Production and end of life")}
	for i := range r.Hardware {
		h := &r.Hardware[i]
		first := title(cmp.Or(name(inwords.Model(h.Vendor, h.Model)), "model unknown"))
		first.Small = name(string(h.Kind))
		if h.ID != string(h.Kind) {
			first.Small += " " + name(h.ID)
		}
		if h.PartOf != "" {
			first.Small += ", part of " + name(h.PartOf)
			first.Indent = 1
		}
		size := append(inwords.Size(h), inwords.Power(h)...)
		joulesCell, usedCell := cell{Text: "not told", Class: "unknown"}, cell{}
		if told[h.ID] {
			joulesCell = number(energy[h.ID], inwords.WattHours, "")
		}
		if s := use[h.ID]; s > 0 {
			usedCell = text(duration(s))
		}
		t.Rows = append(t.Rows, row{Cells: []cell{first, text(count(int64(h.Count))), text(strings.Join(size, ", ")), usedCell, joulesCell,
			text(names(by[h.ID], 3)), v.made(i)}})
	}
	t.cut(5*v.rows, "device")
	v.Hardware = t
}

// names lists some ids of the record.
func names(ids []string, n int) string {
	texts := make([]string, len(ids))
	for i := range ids {
		texts[i] = name(ids[i])
	}
	return inwords.Few(texts, n)
}

// made tells how the device's production and end of life are known.
func (v *run) made(i int) cell {
	r := v.record
	h := &r.Hardware[i]
	if h.Embodied != nil {
		return v.madeBy(h.Embodied.Production.GCO2e)
	}
	for k := range r.Hardware {
		if e := r.Hardware[k].Embodied; e != nil && slices.Contains(e.Covers, h.ID) {
			return text("in the figure of " + name(r.Hardware[k].ID))
		}
	}
	return unknown(v.why("/hardware/" + strconv.Itoa(i) + "/embodied"))
}

// madeBy tells what making one device came to by a factor.
func (v *run) madeBy(id string) cell {
	for i := range v.record.Factors {
		if f := &v.record.Factors[i]; f.ID == id {
			return note(amount(f.Value, inwords.CO2e)+" to make one", "factor "+name(id))
		}
	}
	return note("known", name(id))
}

// meters tells how the energy was obtained, and what was seen and not counted.
func (v *run) meters() {
	t := table{Caption: "Meters, and how sure each is", Head: head("Meter", "How", "Sensor", "95 % error", "#Read every", "Seen and not counted")}
	for _, m := range v.record.Methods {
		every := cell{}
		if m.SamplingS != nil {
			every = text(duration(*m.SamplingS))
		}
		var left []string
		for _, l := range m.LeftOut {
			left = append(left, name(inwords.LeftOut(l)))
		}
		sensor := name(inwords.Sensor(&m))
		if m.Tool != "" {
			sensor += ", by " + joined(" ", name(m.Tool), name(m.Version))
		}
		t.Rows = append(t.Rows, row{Cells: []cell{title(name(m.ID)), text(name(inwords.Method(m.Method))), text(sensor), text(inwords.Error(&m)), every, text(inwords.Few(left, 8))}})
	}
	t.cut(3*v.rows, "meter")
	v.Meters = t
	var not []string
	for _, m := range v.record.Missing {
		if m.Reason == "not-measured" && m.What != "" {
			not = append(not, name(m.What))
		}
	}
	if len(not) > 0 {
		v.LeftOut = "Not measured: " + inwords.Few(not, 10) + "."
	}
}

// services tells what was stored, sent and asked of services.
func (v *run) services() {
	t := table{Caption: "What was stored, sent and asked of services", Head: head("Service", "What", "#Energy", "#Emissions", "Stage", "By factor")}
	for i := range v.record.Phases {
		e := &v.record.Phases[i]
		for k := range e.Usage {
			u := &e.Usage[k]
			what := name(inwords.Service(u))
			if what == "" {
				continue
			}
			at := "/phases/" + strconv.Itoa(i) + "/usage/" + strconv.Itoa(k) + "/"
			t.Rows = append(t.Rows, row{Cells: []cell{title(name(u.Hardware)), text(what), optional(u.EnergyJ, inwords.WattHours, at+"energy_j"),
				optional(u.OperationalGCO2e, inwords.CO2e, at+"operational_gco2e"), text(name(string(e.Stage))), text(name(u.Factor))}})
		}
	}
	t.cut(3*v.rows, "row")
	v.Services = t
}
