package export

import (
	"cmp"
	"fmt"
	"io"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/ecotracer/ecotracer/internal/inwords"
	"github.com/ecotracer/ecotracer/lifecycle"
)

// GPAI writes what a record tells of the documentation of a general-purpose AI
// model: Annex XI of the EU's AI Act, section 1, points 1(d), 2(c), 2(d) and
// 2(e), in the fields of the Model Documentation Form of the Code of Practice
// (10 July 2025). Energy is in MWh with two significant figures, of the
// stages in which the model learns and with what the facility adds (PUE);
// parameters and FLOP have two significant figures, too. The form defines no
// boundary of the energy, so the record's is told. The record's count of FLOP is
// that of training if the run trained, else that of inference, by what was
// asked of the model. It is an extract: what else the form asks, no record of a
// run tells. [Options.Style] chooses text, Markdown or JSON.
func GPAI(w io.Writer, r *lifecycle.Record, o Options) ([]Loss, error) {
	digest, err := r.SHA256()
	if err != nil {
		return nil, fmt.Errorf("export: GPAI: %w", err)
	}
	l := learningOf(r)
	s := sheet{title: "Extract for the Model Documentation Form (AI Act, Annex XI)", notes: []string{
		"An extract: distribution, licences, intended and restricted uses, and where data are from are not in a record of a run.",
		"It tells of one run. A model may be made by several; their figures add up.",
	}}
	s.model(r, o)
	s.trainingData(r)
	s.training(r, l)
	s.consumption(r, l)
	s.facts("Evidence", fact("record", entry{text: recordName(o, digest)}), fact("made by", entry{text: generatorName(r)}))

	var h holding
	h.hold("/run/boundary", "/run/scope", "/generator/name", "/generator/version", "/generator/factors_version", "/technology/ml/model", "/technology/ml/base_model",
		"/technology/ml/algorithm/name", "/technology/ml/algorithm/type", "/technology/ml/layers", "/technology/ml/parameters/total", "/technology/ml/training_type",
		"/technology/ml/flops", "/technology/ml/datasets/*/role", "/technology/ml/datasets/*/data_type", "/technology/ml/datasets/*/items",
		"/technology/ml/datasets/*/item_unit", "/technology/ml/datasets/*/tokens", "/methods/*/sensor", "/methods/*/method")
	lost := h.lost(r)
	if r.Technology.ML != nil {
		lost = rounding(o, "/technology/ml", lost)
	}
	return lost, s.write(w, r, o.Style)
}

// numbered is a number with two significant figures.
func numbered(v float64, unit string) entry {
	return entry{text: scientific(v) + " " + unit, number: &v, unit: unit}
}

// model adds what the model is: points 1(d) and 2(b).
func (s *sheet) model(r *lifecycle.Record, o Options) {
	ml := cmp.Or(r.Technology.ML, &lifecycle.ML{})
	model := cmp.Or(ml.Model, &lifecycle.Model{})
	digest, base, design, architecture := "", "", "", ""
	if model.Digest != nil {
		digest = "SHA-256 " + model.Digest.SHA256
	}
	if b := ml.BaseModel; b != nil {
		base = strings.TrimSpace(b.Name + " " + b.Version)
	}
	if a := ml.Algorithm; a != nil {
		architecture = strings.Join(nonEmpty(a.Name, a.Type), ", ")
	}
	if ml.Layers != nil {
		design = inwords.Count(*ml.Layers) + " layers"
	}
	parameters := entry{unknown: lacking(r, "/technology/ml/parameters", "/technology/ml")}
	if p := ml.Parameters; p != nil && p.Total != nil {
		parameters = numbered(float64(*p.Total), "parameters")
	}
	s.facts("Model",
		fact("name", toldText(strings.TrimSpace(cmp.Or(model.Name, o.ModelName)+" "+cmp.Or(model.Version, o.ModelVersion)), lacking(r, "/technology/ml/model"))),
		fact("authenticity", toldText(digest, lacking(r, "/technology/ml/model/digest"))),
		fact("modified from", toldText(base, lacking(r, "/technology/ml/base_model"))),
		fact("architecture", toldText(architecture, lacking(r, "/technology/ml/algorithm", "/technology/ml"))),
		fact("design", toldText(design, lacking(r, "/technology/ml/layers", "/technology/ml"))),
		fact("total parameters", parameters),
		fact("training type", toldText(ml.TrainingType, lacking(r, "/technology/ml/training_type", "/technology/ml"))))
}

// trainingData adds how much data there was: point 2(c).
func (s *sheet) trainingData(r *lifecycle.Record) {
	var rows [][]entry
	if ml := r.Technology.ML; ml != nil {
		for _, d := range ml.Datasets {
			var sizes []string
			if d.Items != nil {
				sizes = append(sizes, scientific(float64(*d.Items))+" "+cmp.Or(d.ItemUnit, "data points"))
			}
			if d.Tokens != nil {
				sizes = append(sizes, scientific(float64(*d.Tokens))+" tokens")
			}
			rows = append(rows, []entry{{text: d.Role}, toldText(d.DataType, "the record does not tell"), toldText(strings.Join(sizes, ", "), "the record does not tell")})
		}
	}
	if len(rows) == 0 {
		s.facts("Data", fact("data", entry{unknown: lacking(r, "/technology/ml/datasets", "/technology/ml")}))
		return
	}
	s.parts = append(s.parts, sheetPart{"Data", []string{"use", "modality", "size"}, rows})
}

// training adds the computational resources: point 2(d).
func (s *sheet) training(r *lifecycle.Record, l *learning) {
	const none = "no stage of the run is training"
	duration, clock, flop := entry{unknown: none}, entry{unknown: none}, entry{unknown: none}
	var devices []string
	if l != nil {
		begin, end := l.times()
		duration, clock = entry{unknown: "nothing ran: it is an estimate"}, entry{unknown: "the record tells no duration"}
		if begin != nil {
			duration = entry{text: monthsBetween(*begin, *end)}
		}
		if l.seconds != nil {
			clock = numbered(*l.seconds/86400, "days")
		}
		devices = l.deviceDays(r)
		flop = entry{unknown: lacking(r, "/technology/ml/flops")}
		if ml := r.Technology.ML; ml != nil && ml.FLOPs != nil {
			flop = numbered(*ml.FLOPs, "FLOP")
		}
	}
	s.facts("Training process",
		fact("duration of training", duration),
		fact("wall clock time", clock),
		fact("hardware time", toldText(strings.Join(devices, ", "), none)),
		fact("amount of computation used for training", flop))
}

// times are the first and the last moment of the learning, nil if the record
// tells none.
func (l *learning) times() (begin, end *time.Time) {
	for _, e := range l.entries {
		if e.StartedAt == nil || e.EndedAt == nil {
			return nil, nil
		}
		if begin == nil || e.StartedAt.Before(*begin) {
			begin = e.StartedAt
		}
		if end == nil || e.EndedAt.After(*end) {
			end = e.EndedAt
		}
	}
	return begin, end
}

// monthsBetween is the range of the form that a time falls in.
func monthsBetween(begin, end time.Time) string {
	switch {
	case end.Before(begin.AddDate(0, 1, 0)):
		return "less than 1 month"
	case end.Before(begin.AddDate(0, 3, 0)):
		return "1 to 3 months"
	case end.Before(begin.AddDate(0, 6, 0)):
		return "3 to 6 months"
	}
	return "more than 6 months"
}

// deviceDays tells how long the devices of the learning were held, all together
// by model: 2.9e-2 H100 days. Meters may share a device: it counts once.
func (l *learning) deviceDays(r *lifecycle.Record) []string {
	var out []string
	for _, h := range l.devices(r) {
		var seconds float64
		for _, e := range l.entries {
			var held float64
			for _, u := range e.Usage {
				if u.Hardware == h.ID && u.UseS != nil && u.Count != nil {
					held = max(held, float64(*u.Count)**u.UseS)
				}
			}
			seconds += held
		}
		if seconds > 0 {
			out = append(out, scientific(seconds/86400)+" "+cmp.Or(h.Model, string(h.Kind))+" days")
		}
	}
	return out
}

// consumption adds energy in training, and computation in inference: point
// 2(e).
func (s *sheet) consumption(r *lifecycle.Record, l *learning) {
	energy, bounds, method := entry{unknown: "no stage of the run is training"}, entry{unknown: "no stage of the run is training"}, ""
	if l != nil {
		energy = entry{unknown: "a stage of it has no energy"}
		if q := l.facility; q != nil {
			mwh := divided(*q, 1000*joulesPerKWh)
			energy = entry{text: scientific(mwh.Value) + " MWh", quantity: mwh, unit: "MWh"}
			bounds = entry{text: scientific(mwh.Low) + " to " + scientific(mwh.High) + " MWh"}
			method = energyMethod(r, l)
		}
	}
	s.facts("Energy consumption",
		fact("energy used for training", energy),
		fact("95 % interval", bounds),
		fact("how it was found", toldText(method, "no energy is told")),
		fact("benchmarked computation of inference", inferenceFLOP(r, l)))
}

// scientific is a number with two significant figures: 0.15, 1.3e-3.
func scientific(v float64) string {
	if v == 0 {
		return "0"
	}
	if e := math.Floor(math.Log10(inwords.Rounded(v, 2))); e >= -1 && e <= 5 {
		return inwords.Significant(v, 2)
	}
	mantissa, exponent, _ := strings.Cut(strconv.FormatFloat(v, 'e', 1, 64), "e")
	e, _ := strconv.Atoi(exponent)
	return mantissa + "e" + strconv.Itoa(e)
}

// energyMethod tells in a paragraph how the energy was found.
func energyMethod(r *lifecycle.Record, l *learning) string {
	var sensors []string
	for _, m := range r.Methods {
		used := slices.ContainsFunc(l.entries, func(e *lifecycle.PhaseEntry) bool {
			return slices.ContainsFunc(e.Usage, func(u lifecycle.Usage) bool { return u.Meter == m.ID })
		})
		if text := m.Sensor + " (" + string(m.Method) + ")"; used && !slices.Contains(sensors, text) {
			sensors = append(sensors, text)
		}
	}
	text := "Energy of the stages " + strings.Join(l.stages, ", ") + ", obtained by " + strings.Join(sensors, ", ") +
		"; boundary " + string(r.Run.Boundary) + " (" + inwords.Covered(r.Run.Boundary) + "), " + inwords.Scope(r.Run.Scope) + "; multiplied by the PUE of the place"
	var pues []string
	for _, e := range l.environments(r) {
		for _, f := range r.Factors {
			if f.ID == e.Factors.PUE {
				pues = append(pues, inwords.Significant(f.Value, 3)+" ("+f.Source+")")
			}
		}
	}
	if len(pues) > 0 {
		text += ", " + strings.Join(slices.Compact(pues), ", ")
	}
	return text + ". Data preparation, evaluation, use and the making of the devices are not in it."
}

// inferenceFLOP is the computation of a run that only inferred, with what it did
// and on what.
func inferenceFLOP(r *lifecycle.Record, l *learning) entry {
	ml := r.Technology.ML
	infers := slices.ContainsFunc(r.Phases, func(e lifecycle.PhaseEntry) bool { return e.Phase == lifecycle.PhaseInference })
	switch {
	case !infers:
		return entry{unknown: "no stage of the run is inference"}
	case l != nil:
		return entry{unknown: "the run trained, too, and its FLOP are those of training"}
	case ml == nil || ml.FLOPs == nil:
		return entry{unknown: lacking(r, "/technology/ml/flops")}
	}
	e := numbered(*ml.FLOPs, "FLOP")
	var did []string
	for _, n := range []struct {
		count *int64
		what  string
	}{{ml.Requests, "requests"}, {ml.TokensIn, "tokens read"}, {ml.TokensOut, "tokens generated"}} {
		if n.count != nil {
			did = append(did, inwords.Count(*n.count)+" "+n.what)
		}
	}
	if len(did) > 0 {
		e.text += " for " + strings.Join(did, ", ")
	}
	if on := wholeRun(r).hardware(r); on != "" {
		e.text += " on " + on
	}
	return e
}
