package scenario

import (
	"cmp"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/ecotracer/ecotracer/factors"
	"github.com/ecotracer/ecotracer/internal/inwords"
	"github.com/ecotracer/ecotracer/lifecycle"
)

// FromRecord is a scenario to begin with, as YAML, made of a record: the place and
// the devices of its run, by its factors, and the energy of each of its stages.
// The scenario takes that from the file that it is told. What a record cannot know
// (how long, how many, how often) is assumed, and says so. An error tells why none
// can be made; the record must be valid.
func FromRecord(file string, r *lifecycle.Record) ([]byte, error) {
	if r.Run.Boundary == lifecycle.BoundaryFacility {
		return nil, errors.New("scenario: the energy of the record is that of the facility, and the PUE of a place would be counted twice")
	}
	w, services := writer{record: r}, writer{record: r}
	if services.works(file) == 0 {
		return nil, errors.New("scenario: the record tells no energy of its own in training, inference or use")
	}
	w.line(0, "# Made of the record of run %s. It knows what that", remark(r.Run.ID))
	w.line(0, "# run came to; what is assumed says so, and is yours to write. The file of the")
	w.line(0, "# record is looked for from where this one is.")
	w.line(0, "name: %s", quote(cmp.Or(r.Run.Name, "What a run would come to")))
	w.line(0, "start: %d # assumed", r.CreatedAt.Year())
	w.line(0, "years: 5 # assumed")
	w.place()
	w.devices()
	return []byte(w.String() + services.String()), nil
}

// writer writes the parts of a scenario.
type writer struct {
	strings.Builder
	record *lifecycle.Record
}

func (w *writer) line(indent int, format string, args ...any) {
	fmt.Fprintf(w, strings.Repeat("  ", indent)+format+"\n", args...)
}

// quote is a text in YAML, whose escapes are those of Go.
func quote(text string) string {
	if remark(text) == text {
		return strconv.Quote(text)
	}
	return strconv.QuoteToASCII(text)
}

// remark is a text that may stand in a comment.
func remark(text string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsGraphic(r) && r != utf8.RuneError {
			return r
		}
		return ' '
	}, text)
}

func (w *writer) factor(id string) *factors.Factor {
	if i := slices.IndexFunc(w.record.Factors, func(f factors.Factor) bool { return f.ID == id && id != "" }); i >= 0 {
		return &w.record.Factors[i]
	}
	return nil
}

// given writes a factor of the record as a figure, if it is there.
func (w *writer) given(key, id, unit string) {
	if f := w.factor(id); f != nil {
		size, low := cmp.Or(map[string]float64{"years": year, "kgCO2e": 1000}[unit], 1), f.Low
		if f.Kind == factors.PUE && f.Value >= 1 {
			low = max(low, 1)
		}
		w.line(2, "%s: %s # of the record: %s", key, figure(f.Value/size, low/size, f.High/size, unit), remark(id))
	}
}

// figure is a figure as [Parse] reads it.
func figure(value, low, high float64, unit string) string {
	in := func(x float64) string { return strconv.FormatFloat(inwords.Rounded(x, 6), 'f', -1, 64) }
	text := strings.TrimSpace(in(value) + " " + unit)
	if low < high {
		text += " (" + in(min(low, value)) + " to " + in(max(high, value)) + ")"
	}
	return text
}

// place is that of the first device that a meter tells of.
func (w *writer) place() {
	r := w.record
	at := 0
	for i := range r.Environments {
		if slices.ContainsFunc(r.Hardware, func(h lifecycle.Hardware) bool { return h.Environment == r.Environments[i].ID && w.own(h.ID) }) {
			at = i
			break
		}
	}
	w.line(0, "\nplaces:")
	w.line(1, "here:")
	if len(r.Environments) == 0 {
		w.line(2, "site: on-premise # assumed")
		return
	}
	e := &r.Environments[at]
	for _, of := range [][2]string{{"country", e.Country}, {"subdivision", e.Subdivision}} {
		if of[1] != "" {
			w.line(2, "%s: %s", of[0], quote(of[1]))
		}
	}
	w.given("grid", e.Factors.Grid, "gCO2e/kWh")
	w.given("pue", e.Factors.PUE, "")
	w.given("wue", e.Factors.WUE, "L/kWh")
	w.given("ewif", e.Factors.EWIF, "L/kWh")
}

// own tells whether a meter told of a device.
func (w *writer) own(hardware string) bool {
	return slices.ContainsFunc(w.record.Phases, func(p lifecycle.PhaseEntry) bool {
		return slices.ContainsFunc(p.Usage, func(u lifecycle.Usage) bool {
			return u.Hardware == hardware && u.EnergyJ != nil && u.Factor == ""
		})
	})
}

// devices are those of which the record tells what they took to make: as many as
// the run held at a time, over their utilisation, so that a year of it answers for
// the share that rule R13 gives a run. Their energy is in the work.
func (w *writer) devices() {
	head := false
	names := map[string]bool{}
	for i := range w.record.Hardware {
		h := &w.record.Hardware[i]
		if h.Embodied == nil || w.factor(h.Embodied.Production.GCO2e) == nil || w.factor(h.Embodied.Lifetime) == nil {
			continue
		}
		if !head {
			w.line(0, "\n# As many as the run held at a time, over the part of their time that devices")
			w.line(0, "# like them are in use; held all the years, as assumed. What they draw is in the")
			w.line(0, "# work below.")
			w.line(0, "devices:")
			head = true
		}
		name := nameOf(h.ID, names)
		w.line(1, "%s:", name)
		w.line(2, "count: %s # %s", figure(w.held(h), 0, 0, ""), cmp.Or(remark(h.Model), string(h.Kind)))
		w.given("production", h.Embodied.Production.GCO2e, "kgCO2e")
		if t := h.Embodied.Transport; t != nil {
			w.given("transport", t.GCO2e, "kgCO2e")
		}
		w.given("end-of-life", h.Embodied.EndOfLife.GCO2e, "kgCO2e")
		w.given("lifetime", h.Embodied.Lifetime, "years")
		for _, none := range []string{"idle-power", "active-power"} {
			w.line(2, "%s: 0 W", none)
		}
		w.line(2, "duty: 100 %%")
	}
}

// held is how many of a device a run like this answers for.
func (w *writer) held(h *lifecycle.Hardware) float64 {
	used := 1.0
	if f := w.factor(h.Embodied.Utilisation); f != nil && f.Value > 0 {
		used = f.Value
	}
	for i := range w.record.Phases {
		for _, u := range w.record.Phases[i].Usage {
			if u.Hardware == h.ID && u.DeviceS != nil && w.record.Run.DurationS > 0 {
				return *u.DeviceS / w.record.Run.DurationS / used
			}
		}
	}
	return float64(h.Count) / used
}

// nameOf is a name that a scenario can have, and none has yet.
func nameOf(text string, taken map[string]bool) string {
	name := strings.Map(func(r rune) rune {
		if r >= '0' && r <= '9' || r >= 'a' && r <= 'z' {
			return r
		}
		return '-'
	}, strings.ToLower(text))
	name = cmp.Or(strings.Trim(name[:min(len(name), 40)], "-"), "device")
	for n, base := 2, name; taken[name]; n++ {
		name = base + "-" + strconv.Itoa(n)
	}
	taken[name] = true
	return name
}

// works writes the service, whose energy is taken from the record's file, and
// returns how much work it has.
func (w *writer) works(file string) (n int) {
	unit := w.unit()
	name := cmp.Or(unit, "run")
	w.line(0, "\nservices:")
	w.line(1, "service:")
	w.line(2, "unit: %s", name)
	if unit == "" {
		w.line(2, "rate: 1 run/day # assumed")
	} else {
		w.line(2, "rate: 1000 %s/day # assumed", unit)
	}
	w.line(2, "work:")
	names := map[string]bool{}
	for i := range w.record.Phases {
		p := &w.record.Phases[i]
		own, _ := ownEnergy(p)
		sum := 0.0
		for _, q := range own {
			sum += q.Value
		}
		if sum <= 0 || p.Phase == lifecycle.PhaseUnassigned || p.Stage.Device() || names[string(p.Stage)] {
			continue
		}
		names[string(p.Stage)] = true
		_, last, _ := strings.Cut(string(p.Stage), "/")
		per, each := "", counted(w.record, p.Stage, unit) > 0
		if each {
			per = ", per: " + unit
		}
		w.line(3, "%s:", nameOf(last, names))
		w.line(4, "stage: %s", p.Stage)
		w.line(4, "energy: {from: %s, stage: %s%s}", quote(file), p.Stage, per)
		switch {
		case each:
		case p.Phase == lifecycle.PhaseTraining:
			w.line(4, "# once, at the beginning, as assumed; every: 6 months would repeat it")
		default:
			w.line(4, "every: 1 day # assumed; the record counts no %s in it", name)
		}
		n++
	}
	return n
}

// unit is the unit of work of the service: the functional unit, or what inference
// or use counts most.
func (w *writer) unit() string {
	counts := map[string]int64{}
	seen := map[[2]string]bool{}
	for i := range w.record.Spans {
		s := &w.record.Spans[i]
		if phase := s.Stage.Phase(); phase != lifecycle.PhaseInference && phase != lifecycle.PhaseUse {
			continue
		}
		for name := range s.Units {
			if of := [2]string{string(s.Stage), name}; isName(name) && !seen[of] {
				seen[of] = true
				counts[name] = max(counts[name], counted(w.record, s.Stage, name))
			}
		}
	}
	if f := w.record.UseCase.FunctionalUnit; f != nil && counts[f.Unit] > 0 {
		return f.Unit
	}
	best := ""
	for _, name := range slices.Sorted(maps.Keys(counts)) {
		if counts[name] > counts[best] {
			best = name
		}
	}
	return best
}
