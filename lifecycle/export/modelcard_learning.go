package export

import (
	"cmp"
	"slices"
	"strconv"
	"strings"

	"github.com/ecotracer/ecotracer/lifecycle"
)

// learningStages are those in which a model learns. Getting the data ready and
// evaluating the model are training in the sense of the life cycle, but no
// learning.
var learningStages = []lifecycle.Stage{
	lifecycle.PreTraining, lifecycle.Training, lifecycle.FineTuning, lifecycle.Reinforcement,
	lifecycle.HyperparameterTuning, lifecycle.Compression,
}

// learning is what the learning of a model came to. A figure is nil if a stage
// lacks it.
type learning struct {
	entries   []*lifecycle.PhaseEntry
	stages    []string
	emissions *lifecycle.Quantity // g, operational
	energy    *lifecycle.Quantity // J, without PUE
	facility  *lifecycle.Quantity // J, with PUE
	seconds   *float64            // stages share an instant, so this adds up
}

// wholeRun is all that ran, for what a card tells of a run without learning.
func wholeRun(r *lifecycle.Record) *learning {
	l := &learning{emissions: &r.Totals.OperationalGCO2e, energy: &r.Totals.EnergyJ, facility: &r.Totals.FacilityEnergyJ, seconds: &r.Run.DurationS}
	for i := range r.Phases {
		l.entries = append(l.entries, &r.Phases[i])
	}
	return l
}

// learningOf is nil if the run has no stage of learning.
func learningOf(r *lifecycle.Record) *learning {
	var l learning
	for i := range r.Phases {
		if e := &r.Phases[i]; slices.Contains(learningStages, e.Stage) {
			l.entries = append(l.entries, e)
			l.stages = append(l.stages, string(e.Stage))
		}
	}
	if len(l.entries) == 0 {
		return nil
	}
	l.emissions = l.sum(func(e *lifecycle.PhaseEntry) *lifecycle.Quantity { return e.OperationalGCO2e })
	l.energy = l.sum(func(e *lifecycle.PhaseEntry) *lifecycle.Quantity { return e.EnergyJ })
	l.facility = l.sum(func(e *lifecycle.PhaseEntry) *lifecycle.Quantity { return e.FacilityEnergyJ })
	l.seconds = new(float64)
	for _, e := range l.entries {
		if e.DurationS == nil {
			l.seconds = nil
			break
		}
		*l.seconds += *e.DurationS
	}
	return &l
}

// sum adds a figure up. Its bounds are the sums of the stages' bounds: right
// where the stages share all that is unsure (grid, PUE, meter), and too wide
// rather than too narrow where they do not.
func (l *learning) sum(of func(*lifecycle.PhaseEntry) *lifecycle.Quantity) *lifecycle.Quantity {
	sum := lifecycle.Quantity{Method: lifecycle.Metered}
	for _, e := range l.entries {
		q := of(e)
		if q == nil {
			return nil
		}
		sum.Value += q.Value
		sum.Low += q.Low
		sum.High += q.High
		sum.Method = leastDirect(sum.Method, q.Method)
	}
	return &sum
}

// leastDirect is the method of a sum of two figures (R30 of the record).
func leastDirect(a, b lifecycle.Method) lifecycle.Method {
	order := []lifecycle.Method{lifecycle.Metered, lifecycle.Counter, lifecycle.Declared, lifecycle.Modelled}
	return order[max(slices.Index(order, a), slices.Index(order, b))]
}

// uses tells whether a device had a part in the learning.
func (l *learning) uses(hardware string) bool {
	return slices.ContainsFunc(l.entries, func(e *lifecycle.PhaseEntry) bool {
		return slices.ContainsFunc(e.Usage, func(u lifecycle.Usage) bool { return u.Hardware == hardware })
	})
}

// accelerators are the kinds of devices that compute beside a processor.
var accelerators = []lifecycle.HardwareKind{lifecycle.KindGPU, "npu", "fpga"}

// devices are what the learning ran on: accelerators, else processors, else
// whatever there is.
func (l *learning) devices(r *lifecycle.Record) (out []*lifecycle.Hardware) {
	for _, kinds := range [][]lifecycle.HardwareKind{
		accelerators, {lifecycle.KindCPU}, {"mcu", "board", "device", lifecycle.KindNode},
	} {
		for i := range r.Hardware {
			if h := &r.Hardware[i]; slices.Contains(kinds, h.Kind) && l.uses(h.ID) {
				out = append(out, h)
			}
		}
		if len(out) > 0 {
			break
		}
	}
	return out
}

// hardware names the devices, as "2 x A100", without a model as "2 x gpu".
func (l *learning) hardware(r *lifecycle.Record) string {
	var out []string
	for _, h := range l.devices(r) {
		out = append(out, strconv.Itoa(h.Count)+" x "+cmp.Or(h.Model, string(h.Kind)))
	}
	return strings.Join(out, ", ")
}

// processors are the models of the processors, each once.
func (l *learning) processors(r *lifecycle.Record) string {
	var out []string
	for i := range r.Hardware {
		if h := &r.Hardware[i]; h.Kind == lifecycle.KindCPU && h.Model != "" && l.uses(h.ID) && !slices.Contains(out, h.Model) {
			out = append(out, h.Model)
		}
	}
	return strings.Join(out, ", ")
}

// memory is the main memory in bytes, 0 if it is unknown.
func (l *learning) memory(r *lifecycle.Record) (bytes float64) {
	for _, kind := range []lifecycle.HardwareKind{lifecycle.KindMemory, lifecycle.KindNode} {
		for i := range r.Hardware {
			if h := &r.Hardware[i]; h.Kind == kind && h.MemoryBytes != nil && l.uses(h.ID) {
				bytes += float64(h.Count) * float64(*h.MemoryBytes)
			}
		}
		if bytes > 0 {
			return bytes
		}
	}
	return 0
}

// environments are the places of the learning.
func (l *learning) environments(r *lifecycle.Record) []*lifecycle.Environment {
	var out []*lifecycle.Environment
	for i := range r.Environments {
		e := &r.Environments[i]
		if slices.ContainsFunc(r.Hardware, func(h lifecycle.Hardware) bool { return h.Environment == e.ID && l.uses(h.ID) }) {
			out = append(out, e)
		}
	}
	return out
}

// co2Entry is a key of co2_eq_emissions and its value in YAML.
type co2Entry struct{ key, value string }

// co2Keys are all keys of co2_eq_emissions that describe a figure.
var co2Keys = []string{
	"emissions", "source", "training_type", "geographical_location", "hardware_used",
	"energy_consumed", "on_cloud", "cpu_model", "ram_total_size", "hours_used",
}

// co2Entries are the entries of co2_eq_emissions, nil if the record tells no
// emissions of learning.
func co2Entries(r *lifecycle.Record, o Options, l *learning) []co2Entry {
	if l == nil || l.emissions == nil {
		return nil
	}
	out := []co2Entry{{"emissions", yamlNumber(l.emissions.Value)}}
	text := func(key, value string) {
		if value != "" {
			out = append(out, co2Entry{key, yamlText(value)})
		}
	}
	source := r.Generator.Name
	if r.Run.Status == lifecycle.Estimated {
		source += " (estimate)"
	}
	text("source", source)
	text("training_type", l.trainingType(r))
	text("geographical_location", placesInWords(l.environments(r)))
	text("hardware_used", l.hardware(r))
	if l.facility != nil {
		out = append(out, co2Entry{"energy_consumed", yamlNumber(l.facility.Value / joulesPerKWh)})
	}
	if cloud, ok := l.onCloud(r, o); ok {
		out = append(out, co2Entry{"on_cloud", strconv.FormatBool(cloud)})
	}
	text("cpu_model", l.processors(r))
	if m := l.memory(r); m > 0 {
		out = append(out, co2Entry{"ram_total_size", yamlNumber(m / bytesPerGB)})
	}
	if l.seconds != nil {
		out = append(out, co2Entry{"hours_used", yamlNumber(*l.seconds / 3600)})
	}
	return out
}

// trainingType is the regime in the words of the Hub, "pre-training or
// fine-tuning", where ours is one of these by another name; else ours. If the
// record does not tell the regime, a lone stage may.
func (l *learning) trainingType(r *lifecycle.Record) string {
	if ml := r.Technology.ML; ml != nil && ml.TrainingType != "" {
		switch ml.TrainingType {
		case "from-scratch", "continued-pre-training":
			return "pre-training"
		case "parameter-efficient-fine-tuning":
			return "fine-tuning"
		}
		return ml.TrainingType
	}
	if len(l.entries) == 1 {
		switch l.entries[0].Stage {
		case lifecycle.PreTraining:
			return "pre-training"
		case lifecycle.FineTuning:
			return "fine-tuning"
		}
	}
	return ""
}

// onCloud tells whether the learning was in a public cloud, as CodeCarbon
// means it; not ok if the record does not tell, or some of it was.
func (l *learning) onCloud(r *lifecycle.Record, o Options) (cloud, ok bool) {
	for i, e := range l.environments(r) {
		var is bool
		switch cmp.Or(e.Infrastructure, o.Infrastructure) {
		case "public-cloud":
			is = true
		case "on-premise", "edge", "desk":
		default:
			return false, false
		}
		if i > 0 && is != cloud {
			return false, false
		}
		cloud, ok = is, true
	}
	return cloud, ok
}

// placesInWords tells where a run was, as finely as the record does: a country
// by its ISO 3166 code and what the provider calls the place. A place that is
// unknown is not told.
func placesInWords(places []*lifecycle.Environment) string {
	var out []string
	for _, e := range places {
		text := cmp.Or(e.Subdivision, e.Country, e.GridZone)
		if cloud := strings.TrimSpace(e.Provider + " " + e.Region); e.Region != "" && text != "" {
			text += " (" + cloud + ")"
		} else if e.Region != "" {
			text = cloud
		}
		if text != "" && !slices.Contains(out, text) {
			out = append(out, text)
		}
	}
	return strings.Join(out, ", ")
}
