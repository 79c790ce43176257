package expose

import (
	"slices"
	"strings"

	"github.com/ecotracer/ecotracer/lifecycle"
)

// The bounds on what is exposed.
const (
	maxPaths = 500
	maxPath  = 512 // bytes
	maxUnits = 1000
	more     = "(more)"
)

// The types of metrics, as both formats call them.
const (
	counter = "counter"
	gauge   = "gauge"
	info    = "info" // a gauge to the older format
)

// family is one metric with its series.
type family struct {
	name    string // without _total
	kind    string
	unit    string // the end of the name, if it has one
	help    string
	samples []sample
	at      map[string]int // by labels
}

type sample struct {
	labels string // {name="value",...}, or ""
	value  float64
}

// add adds to the series with these labels, which are names and values by
// turns.
func (f *family) add(value float64, labels ...string) { f.addTo(labelText(labels), value) }

// addTo adds to the series with labels that are written already.
func (f *family) addTo(text string, value float64) {
	if i, known := f.at[text]; known {
		f.samples[i].value += value
		return
	}
	if f.at == nil {
		f.at = map[string]int{}
	}
	f.at[text] = len(f.samples)
	f.samples = append(f.samples, sample{text, value})
}

// quantity adds a figure that is not an identity; none where it is unknown.
func (f *family) quantity(q *lifecycle.Quantity, labels ...string) {
	if q != nil && q.Method != "" {
		f.add(q.Value, labels...)
	}
}

// labelText is labels as both formats write them.
func labelText(labels []string) string {
	if len(labels) == 0 {
		return ""
	}
	var b strings.Builder
	for i := 0; i < len(labels); i += 2 {
		b.WriteByte("{,"[min(i, 1)])
		b.WriteString(labels[i])
		b.WriteString(`="`)
		b.WriteString(escape.Replace(strings.ToValidUTF8(labels[i+1], "\uFFFD")))
		b.WriteByte('"')
	}
	b.WriteByte('}')
	return b.String()
}

var escape = strings.NewReplacer(`\`, `\\`, "\n", `\n`, `"`, `\"`)

// pathKey is the account of a path, unitKey one of its units.
type (
	pathKey struct {
		path  string
		stage lifecycle.Stage
	}
	unitKey struct {
		pathKey
		unit string
	}
)

// metrics makes metrics of the records of one run, each later than the one
// before. It remembers which series there are and where their counters were.
type metrics struct {
	paths map[pathKey]string // labels of those that have series, and of (more) by stage
	own   int                // of paths, without (more)
	units map[unitKey]string // likewise
	was   map[string]float64 // by name and labels
}

func newMetrics() *metrics {
	return &metrics{paths: map[pathKey]string{}, units: map[unitKey]string{}, was: map[string]float64{}}
}

// of is what a record is exposed as.
func (m *metrics) of(r *lifecycle.Record) []*family {
	all := m.counters(r)
	for _, f := range all {
		for i := range f.samples {
			s := &f.samples[i]
			key := f.name + s.labels
			s.value = max(s.value, m.was[key])
			m.was[key] = s.value
		}
	}
	all = append(all, gauges(r)...)
	return append(all, m.open(r))
}

func (m *metrics) counters(r *lifecycle.Record) []*family {
	energy := &family{name: "ecotracer_energy_joules", unit: "joules", help: "IT energy of the run."}
	host := &family{name: "ecotracer_host_energy_joules", unit: "joules", help: "What the meters told, each joule booked once; spans and unattributed are the run's."}
	for i := range r.Ledger {
		l := &r.Ledger[i]
		energy.add(l.SpansJ+l.UnattributedJ, "domain", l.Domain, "meter", l.Meter, "method", string(l.Method))
		booked := func(what string, joules float64) { host.add(joules, "domain", l.Domain, "booked", what) }
		booked("spans", l.SpansJ)
		booked("unattributed", l.UnattributedJ)
		booked("other_processes", l.OtherProcessesJ)
		booked("idle", l.IdleJ)
		if l.OtherRunsJ != nil {
			booked("other_runs", *l.OtherRunsJ)
		}
	}
	facility := &family{name: "ecotracer_facility_energy_joules", unit: "joules", help: "IT energy of the run times PUE."}
	facility.quantity(&r.Totals.FacilityEnergyJ)
	stages := &family{name: "ecotracer_stage_energy_joules", unit: "joules", help: "IT energy by stage of the life cycle."}
	grams := &family{name: "ecotracer_emissions_co2e_grams", unit: "grams", help: "Emissions by stage of the life cycle: operational, location-based, or embodied."}
	for i := range r.Phases {
		p := &r.Phases[i]
		stages.quantity(p.EnergyJ, "stage", string(p.Stage))
		grams.quantity(p.OperationalGCO2e, "stage", string(p.Stage), "part", "operational")
		grams.quantity(p.EmbodiedGCO2e, "stage", string(p.Stage), "part", "embodied")
	}
	water := &family{name: "ecotracer_water_litres", unit: "litres", help: "Water on site and for the electricity."}
	water.quantity(r.Totals.WaterL)

	self := &family{name: "ecotracer_span_energy_joules", unit: "joules", help: "Self energy of spans, by path."}
	seconds := &family{name: "ecotracer_span_duration_seconds", unit: "seconds", help: "Durations of spans, up to now where they are open."}
	ended := &family{name: "ecotracer_spans", help: "Spans that have ended."}
	failed := &family{name: "ecotracer_spans_failed", help: "Spans that have failed."}
	units := &family{name: "ecotracer_span_units", help: "Functional units that spans have counted."}
	for i := range r.Spans {
		s := &r.Spans[i]
		at := m.labels(s)
		self.addTo(at, s.SelfJ)
		seconds.addTo(at, s.TotalS)
		ended.addTo(at, float64(s.Count))
		failed.addTo(at, float64(s.Failed))
		if _, own := m.paths[pathKey{s.Path, s.Stage}]; !own {
			continue // units of several paths are not to be added up
		}
		for _, unit := range sortedUnits(s) {
			if at := m.unitLabels(s, unit); at != "" {
				units.addTo(at, float64(s.Units[unit].Count))
			}
		}
	}
	all := []*family{energy, host, facility, stages, grams, water, self, seconds, ended, failed, units}
	for _, f := range all {
		f.kind = counter
	}
	return all
}

func sortedUnits(s *lifecycle.Span) []string {
	names := make([]string, 0, len(s.Units))
	for u := range s.Units {
		names = append(names, u)
	}
	slices.Sort(names)
	return names
}

// labels are those of a path, or of those that have no series of their own.
// Which have does not change, so that the counters of the others do not fall.
func (m *metrics) labels(s *lifecycle.Span) string {
	key := pathKey{s.Path, s.Stage}
	text, known := m.paths[key]
	if known {
		return text
	}
	if m.own >= maxPaths || len(s.Path) > maxPath {
		key.path = more
		if text, known = m.paths[key]; known {
			return text
		}
	} else {
		m.own++
	}
	text = labelText([]string{"path", key.path, "stage", string(key.stage)})
	m.paths[key] = text
	return text
}

// unitLabels are those of a unit of a path, "" if it has no series.
func (m *metrics) unitLabels(s *lifecycle.Span, unit string) string {
	key := unitKey{pathKey{s.Path, s.Stage}, unit}
	text, known := m.units[key]
	if !known && len(m.units) < maxUnits {
		text = labelText([]string{"path", s.Path, "stage", string(s.Stage), "unit", unit})
		m.units[key] = text
	}
	return text
}

func (m *metrics) open(r *lifecycle.Record) *family {
	f := &family{name: "ecotracer_spans_open", kind: gauge, help: "Spans that are open."}
	for i := range r.Spans {
		s, open := &r.Spans[i], int64(0)
		if s.Open != nil {
			open = *s.Open
		}
		f.addTo(m.labels(s), float64(open))
	}
	return f
}

func gauges(r *lifecycle.Record) (all []*family) {
	add := func(name, unit, help string) *family {
		f := &family{name: name, kind: gauge, unit: unit, help: help}
		all = append(all, f)
		return f
	}
	ended := 0.0
	if r.Run.Status != lifecycle.Running {
		ended = 1
	}
	about := add("ecotracer_run", "", "The run that the other metrics are of.")
	about.kind = info
	about.add(1, "run", r.Run.ID, "name", r.Run.Name, "scope", string(r.Run.Scope), "boundary", string(r.Run.Boundary),
		"method", string(r.Totals.EnergyJ.Method), "version", r.Generator.Version, "factors_version", r.Generator.FactorsVersion)
	add("ecotracer_run_ended", "", "1 once the run has ended.").add(ended)
	add("ecotracer_run_duration_seconds", "seconds", "How long the run has lasted.").add(r.Run.DurationS)
	if r.Run.StartedAt != nil {
		add("ecotracer_run_start_time_seconds", "seconds", "When the run began, since the epoch.").add(seconds(r.Run.StartedAt.UnixMilli()))
	}
	t := &r.Totals
	for _, q := range []struct {
		name, unit, what string
		*lifecycle.Quantity
	}{
		{"energy", "joules", "IT energy", &t.EnergyJ},
		{"facility_energy", "joules", "IT energy times PUE", &t.FacilityEnergyJ},
		{"operational_co2e", "grams", "emissions of the electricity, location-based", &t.OperationalGCO2e},
		{"co2e", "grams", "emissions, with the run's share of its devices", t.GCO2e},
		{"water", "litres", "water on site and for the electricity", t.WaterL},
	} {
		if q.Quantity == nil || q.Method == "" {
			continue
		}
		add("ecotracer_run_"+q.name+"_"+q.unit, q.unit, "Best estimate: "+q.what+".").add(q.Value)
		add("ecotracer_run_"+q.name+"_low_"+q.unit, q.unit, "Lower 95 % bound: "+q.what+".").add(q.Low)
		add("ecotracer_run_"+q.name+"_high_"+q.unit, q.unit, "Upper 95 % bound: "+q.what+".").add(q.High)
	}
	if t.EnergyJ.Method != "" {
		add("ecotracer_run_measured_ratio", "ratio", "Share of the energy that meters told.").add(t.MeasuredShare)
	}
	add("ecotracer_run_warnings", "", "Warnings in the record.").add(float64(len(r.Warnings)))
	add("ecotracer_run_missing", "", "What the record says is missing.").add(float64(len(r.Missing)))
	add("ecotracer_snapshot_time_seconds", "seconds", "When these figures were told, since the epoch.").add(seconds(r.CreatedAt.UnixMilli()))
	return all
}

// seconds are milliseconds in seconds.
func seconds(ms int64) float64 { return float64(ms) / 1e3 }
