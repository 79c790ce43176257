package export

import (
	"slices"
	"strings"
	"time"

	"github.com/ecotracer/ecotracer/lifecycle"
)

// measure is one of a report's measures.
type measure struct {
	name, version string
	sensor        string // by what, if the report tells it
	method        lifecycle.Method
	why           string // if that is a guess
	covers        lifecycle.HardwareKind
	kWh           float64
}

// measured is what a report's measures tell together.
type measured struct {
	taken, left []measure // what counts, and what may be the same again
	begin       *time.Time
	zoned       bool
	seconds     float64
	timed       bool    // seconds is told
	share       float64 // of all devices that is the run's, 0 if that is not told
	ours        bool    // we wrote the report, of what another tool told
}

// apart tells whether what counts was measured device by device.
func (m *measured) apart() bool { return len(m.taken) > 0 && m.taken[0].covers != "" }

// tool tells whether a tool of a name made the measures, and the report.
func (m *measured) tool(name string) bool {
	return !m.ours && len(m.taken) > 0 && strings.EqualFold(m.taken[0].name, name)
}

// readMeasures reads the measures. Those of CPUs and of GPUs add up; of those
// that may be of the same devices the most direct counts.
func readMeasures(report node) *measured {
	m := &measured{}
	var all []measure
	for _, n := range report.children("measures") {
		if one, ok := readMeasure(n); ok {
			all = append(all, one)
		}
		if s := n.number("measurementDuration", false, maxSeconds); s != nil {
			m.seconds, m.timed = max(m.seconds, *s), true
		}
		if text := n.text("measurementDateTime", false); text != "" {
			begin, zoned, err := parsedTime(text)
			if err != nil {
				n.wrong("measurementDateTime", "is no date: %v", err)
			} else if m.begin == nil || begin.Before(*m.begin) {
				m.begin, m.zoned = &begin, zoned
			}
		}
	}
	slices.SortStableFunc(all, func(a, b measure) int { return directness(a.method) - directness(b.method) })
	covered := map[lifecycle.HardwareKind]bool{}
	for _, one := range all {
		switch {
		case len(m.taken) == 0, one.covers != "" && m.apart() && !covered[one.covers]:
			m.taken = append(m.taken, one)
			covered[one.covers] = true
		default:
			m.left = append(m.left, one)
		}
	}
	return m
}

func directness(m lifecycle.Method) int {
	return slices.Index([]lifecycle.Method{lifecycle.Metered, lifecycle.Counter, lifecycle.Modelled, lifecycle.Declared}, m)
}

func readMeasure(n node) (m measure, ok bool) {
	m.name, m.version = n.told("measurementMethod"), n.text("version", false)
	if unit, told := n.members["unit"]; told && unit != "kWh" { // of BoAmps 1.0
		n.wrong("unit", "is %v, and powerConsumption is in kWh", unit)
	}
	kWh := n.number("powerConsumption", true, maxFigure)
	n.number("averageUtilizationCpu", false, 1)
	n.number("averageUtilizationGpu", false, 1)
	n.number("powerCalibrationMeasurement", false, maxFigure)
	n.number("durationCalibrationMeasurement", false, maxFigure)
	if kWh == nil || m.name == "" {
		return m, false
	}
	m.kWh = *kWh
	cpu, gpu := n.text("cpuTrackingMode", false), n.text("gpuTrackingMode", false)
	if m.sensor = strings.Trim(cpu+"+"+gpu, "+"); cpu == gpu {
		m.sensor = cpu
	}
	m.method, m.why = methodOf(m.name, cpu, gpu)
	m.covers = coverage(m.name, cpu, gpu)
	return m, true
}

// Words by which measures are known, in lower case.
var (
	externalMeters = []string{"wattmeter", "watt meter", "power meter", "powermeter", "pdu", "smart plug", "ipmi", "redfish"}
	cpuCounters    = []string{"rapl", "perf", "powercap", "power gadget"}
	gpuCounters    = []string{"nvml", "nvidia-smi", "nvidia smi", "rocm", "amdsmi", "dcgm"}
	models         = []string{"constant", "tdp", "cpu_load", "cpu load", "model"}
	modellers      = []string{"codecarbon", "carbontracker", "carbonai", "eco2ai", "green-algorithms"} // of memory at least
)

func mentions(text string, words []string) bool {
	text = strings.ToLower(text)
	return slices.ContainsFunc(words, func(w string) bool { return strings.Contains(text, w) })
}

// methodOf tells how a measure was obtained, and why that is a guess.
func methodOf(name, cpu, gpu string) (m lifecycle.Method, why string) {
	counted := append(slices.Clone(cpuCounters), gpuCounters...)
	modes := func(words []string) bool {
		return cpu+gpu != "" && (cpu == "" || mentions(cpu, words)) && (gpu == "" || mentions(gpu, words))
	}
	switch {
	case mentions(name, externalMeters):
		return lifecycle.Metered, ""
	case mentions(name, modellers):
		return lifecycle.Modelled, ""
	case mentions(name, counted), modes(counted) && !mentions(cpu+gpu, models):
		return lifecycle.Counter, ""
	case mentions(cpu+gpu+name, models), mentions(cpu+gpu, counted):
		return lifecycle.Modelled, ""
	}
	return lifecycle.Declared, "how " + shortened(name) + " obtains its figures is not known: declared"
}

// coverage is the kind of device that a measure is of alone, "" if it is of
// several or not told.
func coverage(name, cpu, gpu string) lifecycle.HardwareKind {
	switch {
	case mentions(name, gpuCounters) && cpu == "":
		return lifecycle.KindGPU
	case mentions(name, cpuCounters) && gpu == "":
		return lifecycle.KindCPU
	}
	return ""
}

// run is when it ran, as far as the report tells it, when the report was made,
// and what of it is a guess.
func (m *measured) run(header node) (run lifecycle.RunInfo, made time.Time, notes []Guess) {
	run = lifecycle.RunInfo{Status: lifecycle.Complete, Scope: lifecycle.ScopeMachine, Boundary: lifecycle.BoundaryComponent, DurationS: m.seconds}
	if len(m.taken) > 0 && m.taken[0].method == lifecycle.Metered {
		run.Boundary = lifecycle.BoundaryIT
	}
	note := func(path, why string) { notes = append(notes, Guess{path, why}) }
	note("/run/boundary", string(run.Boundary)+": what the method of measurement covers; the report does not tell whether a PUE is in it")
	note("/run/scope", "the report does not tell: the machine")
	if text := header.text("reportDatetime", header.members != nil); text != "" {
		var err error
		if made, _, err = parsedTime(text); err != nil {
			header.wrong("reportDatetime", "is no date: %v", err)
		}
	}
	if !m.timed {
		note("/run/duration_s", "the report tells none: 0, and nothing is shared out by time")
	}
	last := time.Duration(m.seconds * float64(time.Second))
	begin := m.begin
	switch {
	case begin != nil:
		if !m.zoned {
			note("/run/started_at", "the report tells no zone: taken for UTC")
		}
	case !made.IsZero():
		b := made.Add(-last)
		begin = &b
		note("/run/started_at", "the report tells no time of measurement: the run is taken to have ended when the report was made")
	default:
		run.Status = lifecycle.Estimated
		note("/run/status", "the report tells no time at all, and a record without times is that of an estimate")
		return run, made, notes
	}
	ended := begin.Add(last)
	run.StartedAt, run.EndedAt = begin, &ended
	if made.Before(ended) {
		if !made.IsZero() {
			note("/created_at", "the report is dated before the end of what it reports: the end")
		}
		made = ended
	}
	return run, made, notes
}
