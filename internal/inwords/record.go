package inwords

import (
	"cmp"
	"fmt"
	"strconv"
	"strings"

	"github.com/ecotracer/ecotracer/factors"
	"github.com/ecotracer/ecotracer/lifecycle"
)

// Method tells how a figure was obtained.
func Method(m lifecycle.Method) string {
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
	return string(m)
}

// Error tells how sure a meter is: by its relative error e at 95 %, by which a
// figure v is between v/(1+e) and v·(1+e).
func Error(m *lifecycle.MethodEntry) string {
	switch e := m.RelError; {
	case m.Mode == "factor":
		return "as sure as its factors"
	case e == 0:
		return "taken as exact"
	case e > 0.2: // then no longer about the same up and down
		return "within a factor of " + Trimmed(1+e)
	default:
		return "±" + Percent(e)
	}
}

// Sensor tells what a meter reads: rapl/powercap.
func Sensor(m *lifecycle.MethodEntry) string {
	if m.Mode == "" {
		return m.Sensor
	}
	return m.Sensor + "/" + m.Mode
}

// LeftOut tells why a domain that was seen is not counted.
func LeftOut(l lifecycle.LeftOut) string {
	why := Code(l.Reason)
	switch l.Reason {
	case "contained":
		why = "another domain contains it"
	case "mirrored":
		why = "another domain tells the same"
	case "unreadable":
		why = "it could not be read"
	case "refused":
		why = "it told what cannot be"
	}
	return l.Domain + " (" + why + ")"
}

// Found tells how a factor came to be the one that is used.
func Found(f factors.Found) string {
	switch f {
	case factors.Live:
		return "asked of the grid during the run"
	case factors.Normalised:
		return "found by its normalised name"
	case factors.Family:
		return "of its family"
	case factors.Class:
		return "of its class"
	case factors.FromRegion:
		return "of the whole region"
	case factors.FromCountry:
		return "of the whole country"
	case factors.FromWorld:
		return "of the whole world"
	}
	return Code(string(f)) // exact, declared, assumed
}

// Reason tells why something is missing.
func Reason(reason string) string {
	switch reason {
	case "not-applicable":
		return "does not apply"
	case "not-measured":
		return "was not measured"
	case "unknown":
		return "nobody told"
	case "withheld":
		return "withheld by the publisher"
	case "redacted":
		return "taken out before publication"
	}
	return Code(reason)
}

// Why tells why something of a record is not there, by the pointers under which
// missing may say so; "" if it does not.
func Why(r *lifecycle.Record, pointers ...string) string {
	for _, p := range pointers {
		for _, m := range r.Missing {
			if m.Path == p && m.What == "" {
				return Reason(m.Reason)
			}
		}
	}
	return ""
}

// Boundary names what energy covers.
func Boundary(b lifecycle.Boundary) string {
	if b == lifecycle.BoundaryIT {
		return "IT boundary"
	}
	return string(b) + " boundary"
}

// Covered tells what is within a boundary.
func Covered(b lifecycle.Boundary) string {
	switch b {
	case lifecycle.BoundaryComponent:
		return "some components, not the whole machine"
	case lifecycle.BoundaryAccelerators:
		return "the accelerators, not the whole machine"
	case lifecycle.BoundaryNode:
		return "the machine"
	case lifecycle.BoundaryIT:
		return "all IT equipment"
	case lifecycle.BoundaryFacility:
		return "the facility, cooling included"
	}
	return string(b)
}

// Scope tells whose joules are the run's.
func Scope(s lifecycle.Scope) string {
	switch s {
	case lifecycle.ScopeProcess:
		return "this process's part of it, its share of idle power included"
	case lifecycle.ScopeCgroup:
		return "its container's or control group's part of it"
	case lifecycle.ScopeMachine:
		return "all that it used, other programs and idling included"
	}
	return string(s)
}

// Place tells where something ran.
func Place(e *lifecycle.Environment) string {
	text := Zone(e)
	if e.PlaceFound != "" && e.PlaceFound != "unknown" {
		text += " (" + e.PlaceFound + ")"
	}
	for _, more := range []string{e.Provider, e.Region, e.InstanceType, Code(e.Infrastructure)} {
		if more != "" {
			text += ", " + more
		}
	}
	switch e.Virtualisation {
	case "", "none":
	case "vm":
		text += ", in a virtual machine"
	default:
		text += ", in a " + Code(e.Virtualisation)
	}
	return text
}

// Zone is the place that the grid's intensity is of.
func Zone(e *lifecycle.Environment) string {
	return cmp.Or(e.GridZone, e.Subdivision, e.Country, "place unknown")
}

// Job tells which part of a job a record is of: one rank, or those that it was
// merged from; "" if it is of all.
func Job(r *lifecycle.Record) string {
	if rank := r.Run.Rank; rank != nil && rank.Count > 1 {
		return fmt.Sprintf("rank %d of %d", rank.Index, rank.Count)
	}
	if len(r.Run.Merged) == 0 {
		return ""
	}
	text := "merged from " + Plural(len(r.Run.Merged), "record")
	if c := r.Run.Coverage; c != nil && *c < 1 {
		text += ", " + Percent(*c) + " of the job's ranks"
	}
	return text
}

// Model is a device's model with its vendor, once; "" if the model is unknown.
func Model(vendor, model string) string {
	if model == "" || vendor == "" || strings.HasPrefix(model, vendor) {
		return model
	}
	return vendor + " " + model
}

// Size tells how large a device is: cores, threads, memory.
func Size(h *lifecycle.Hardware) (texts []string) {
	if h.Cores != nil {
		texts = append(texts, Count(*h.Cores)+" cores")
	}
	if h.Threads != nil {
		texts = append(texts, Count(*h.Threads)+" threads")
	}
	if h.MemoryBytes != nil {
		u := UnitFor(float64(*h.MemoryBytes), Memory)
		texts = append(texts, Trimmed(float64(*h.MemoryBytes)/u.Size)+" "+u.Name)
	}
	return texts
}

// Power tells what a device may draw: its thermal design power, and a limit.
func Power(h *lifecycle.Hardware) (texts []string) {
	for _, of := range []struct {
		name string
		w    *float64
	}{{"TDP", h.TDPW}, {"limited to", h.PowerLimitW}} {
		if of.w != nil {
			u := UnitFor(*of.w, Watts)
			texts = append(texts, of.name+" "+Trimmed(*of.w/u.Size)+" "+u.Name)
		}
	}
	return texts
}

// Service tells what a row of usage stored, sent or asked for; "" if it is of a
// device.
func Service(u *lifecycle.Usage) string {
	switch {
	case u.Stored != nil:
		text := Amount(u.Stored.Bytes, Data) + " for " + Duration(u.Stored.Seconds)
		if u.Stored.Replicas != 1 {
			text += " × " + Trimmed(u.Stored.Replicas)
		}
		return text
	case u.Transferred != nil:
		return Amount(u.Transferred.Bytes, Data) + " sent"
	case u.Calls != nil:
		return Count(u.Calls.Count) + " " + u.Calls.Unit
	}
	return ""
}

// Pointer writes a JSON Pointer as words, one for each step, an entry of a list
// by its name: /totals/water_l, totals and water; /spans/3, span fit/epoch.
func Pointer(r *lifecycle.Record, pointer string) []string {
	words := strings.Split(strings.TrimPrefix(pointer, "/"), "/")
	name := ""
	if len(words) > 1 {
		name = entry(r, words[0], words[1])
	}
	if name != "" {
		words = append([]string{kinds[words[0]] + " " + name}, words[2:]...)
	}
	for i := range words {
		if i == 0 && name != "" {
			continue // it is the record's text
		}
		for _, unit := range []string{"_j", "_s", "_l", "_w"} {
			words[i] = strings.TrimSuffix(words[i], unit)
		}
		words[i] = strings.ReplaceAll(unescaped.Replace(words[i]), "_", " ")
	}
	return words
}

// kinds are what the entries of a record's lists are called.
var kinds = map[string]string{
	"environments": "place", "hardware": "device", "phases": "stage", "spans": "span", "ledger": "domain", "methods": "meter", "factors": "factor",
}

// entry is the name of an entry of one of the record's lists, "" if it has none.
func entry(r *lifecycle.Record, list, index string) string {
	i, err := strconv.Atoi(index)
	if err != nil || i < 0 {
		return ""
	}
	switch {
	case list == "environments" && i < len(r.Environments):
		return r.Environments[i].ID
	case list == "hardware" && i < len(r.Hardware):
		return r.Hardware[i].ID
	case list == "phases" && i < len(r.Phases):
		return string(r.Phases[i].Stage)
	case list == "spans" && i < len(r.Spans):
		return r.Spans[i].Path
	case list == "ledger" && i < len(r.Ledger):
		return r.Ledger[i].Domain
	case list == "methods" && i < len(r.Methods):
		return r.Methods[i].ID
	case list == "factors" && i < len(r.Factors):
		return r.Factors[i].ID
	}
	return ""
}
