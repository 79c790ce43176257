package report

import (
	"cmp"
	"slices"
	"strconv"
	"strings"

	"github.com/ecotracer/ecotracer/lifecycle"
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
		model := name(h.Model)
		if h.Vendor != "" && !strings.HasPrefix(h.Model, h.Vendor) {
			model = joined(" ", name(h.Vendor), model)
		}
		first := title(cmp.Or(model, "model unknown"))
		first.Small = name(string(h.Kind))
		if h.ID != string(h.Kind) {
			first.Small += " " + name(h.ID)
		}
		if h.PartOf != "" {
			first.Small += ", part of " + name(h.PartOf)
			first.Indent = 1
		}
		var size []string
		for _, of := range []struct {
			n    *int64
			what string
		}{{h.Cores, "cores"}, {h.Threads, "threads"}} {
			if of.n != nil {
				size = append(size, count(*of.n)+" "+of.what)
			}
		}
		if h.MemoryBytes != nil {
			u := unitFor(float64(*h.MemoryBytes), memory)
			size = append(size, trimmed(float64(*h.MemoryBytes)/u.size)+nbsp+u.name)
		}
		if h.TDPW != nil {
			size = append(size, "TDP "+trimmed(*h.TDPW)+nbsp+"W")
		}
		if h.PowerLimitW != nil {
			size = append(size, "limited to "+trimmed(*h.PowerLimitW)+nbsp+"W")
		}
		joulesCell, usedCell := cell{Text: "not told", Class: "unknown"}, cell{}
		if told[h.ID] {
			joulesCell = number(energy[h.ID], wattHours, "")
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
	return few(texts, n)
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
			return note(amount(f.Value, co2e)+" to make one", "factor "+name(id))
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
			left = append(left, name(l.Domain)+" ("+leftOutInWords(l.Reason)+")")
		}
		sensor := joined(", ", name(m.Sensor), name(m.Mode))
		if m.Tool != "" {
			sensor += ", by " + joined(" ", name(m.Tool), name(m.Version))
		}
		sure := errorInWords(m.RelError)
		if m.Mode == "factor" {
			sure = "as its factors"
		}
		t.Rows = append(t.Rows, row{Cells: []cell{title(name(m.ID)), text(methodInWords(m.Method)), text(sensor), text(sure), every, text(few(left, 8))}})
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
		v.LeftOut = "Not measured: " + few(not, 10) + "."
	}
}

// leftOutInWords tells why a domain that was seen is not counted.
func leftOutInWords(reason string) string {
	switch reason {
	case "contained":
		return "another domain contains it"
	case "mirrored":
		return "another domain tells the same"
	case "unreadable":
		return "it could not be read"
	case "refused":
		return "it told what cannot be"
	}
	return inWords(reason)
}

func methodInWords(m lifecycle.Method) string {
	switch m {
	case lifecycle.Metered:
		return "an external meter"
	case lifecycle.Counter:
		return "a hardware counter"
	case lifecycle.Modelled:
		return "a model"
	case lifecycle.Declared:
		return "declared by a person"
	}
	return name(string(m))
}

// errorInWords tells a relative error e, by which a figure v is between v/(1+e)
// and v·(1+e).
func errorInWords(e float64) string {
	switch {
	case e == 0:
		return "taken as exact"
	case e > 0.2: // then no longer about the same up and down
		return "within a factor of " + trimmed(1+e)
	}
	return "±" + percent(e)
}

// services tells what was stored, sent and asked of services.
func (v *run) services() {
	t := table{Caption: "What was stored, sent and asked of services", Head: head("Service", "What", "#Energy", "#Emissions", "Stage", "By factor")}
	for i := range v.record.Phases {
		e := &v.record.Phases[i]
		for k := range e.Usage {
			u := &e.Usage[k]
			what := ""
			switch {
			case u.Stored != nil:
				what = amount(u.Stored.Bytes, data) + " kept for " + duration(u.Stored.Seconds)
				if u.Stored.Replicas != 1 {
					what += ", " + trimmed(u.Stored.Replicas) + " times"
				}
			case u.Transferred != nil:
				what = amount(u.Transferred.Bytes, data) + " sent"
			case u.Calls != nil:
				what = count(u.Calls.Count) + " " + name(u.Calls.Unit)
			default:
				continue
			}
			at := "/phases/" + strconv.Itoa(i) + "/usage/" + strconv.Itoa(k) + "/"
			t.Rows = append(t.Rows, row{Cells: []cell{title(name(u.Hardware)), text(what), optional(u.EnergyJ, wattHours, at+"energy_j"),
				optional(u.OperationalGCO2e, co2e, at+"operational_gco2e"), text(name(string(e.Stage))), text(name(u.Factor))}})
		}
	}
	t.cut(3*v.rows, "row")
	v.Services = t
}
