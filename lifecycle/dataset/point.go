package dataset

import (
	"cmp"
	"fmt"
	"hash/fnv"
	"slices"
	"strings"
	"unicode/utf8"
	"unique"

	"github.com/google/uuid"

	"github.com/ecotracer/ecotracer/lifecycle"
)

// Point is what the questions of a data set ask of one run: who it is, what it
// was and what its stages came to, in some 500 bytes, so that a hundred
// thousand of them fit in memory. Only what a selection matches counts.
//
// It is made by [NewPoint], never changes, and may be used concurrently.
type Point struct {
	run      uuid.UUID
	name     word
	status   word
	scope    word
	boundary word
	started  int64 // ms since 1970; 0 if nobody told

	kind, task, algorithm, model, training, framework, precision word

	place   word // zone, subdivision or country of most of the energy
	sensors word // of its meters
	lacks   word // what was not measured

	parameters, layers, epochs, batch float64 // 0 is unknown

	runS     float64
	energy   spanned // J, IT
	facility spanned // J
	grams    spanned // gCO2e, operational
	all      spanned // gCO2e, with the devices

	samplingS   float32 // of its slowest meter; 0 is unknown
	idleShare   float32 // idle power × time, of what its meters told; -1 is unknown
	othersShare float32 // of what its meters told
	failedShare float32 // of its spans

	stages  []stagePoint // operational, in the order of the record
	metrics []metricPoint
}

// spanned is a figure with its 95 % bounds; high is 0 if it is unknown.
type spanned struct{ value, low, high float64 }

func (b spanned) known() bool { return b.high > 0 || b.value > 0 }

// stagePoint is what a stage came to.
type stagePoint struct {
	stage, hardware, hardwareKind, method, unit word

	devices  float64 // of hardware
	seconds  float64 // the stage's share of the run
	deviceS  float64 // of hardware, all devices together
	energy   float64 // J
	facility float64 // J
	grams    float64 // operational
	count    int64   // of unit
	short    bool    // below the resolution of its meter
}

// metricPoint is an evaluation of the run's model.
type metricPoint struct {
	of    unique.Handle[Metric]
	value float64
}

// word is a text that many points share.
type word unique.Handle[string]

func wordOf(text string) word {
	if text == "" {
		return word{}
	}
	return word(unique.Make(brief(text))) // which keeps a copy of its own
}

// longest is how long a text is that is kept of a run, in bytes: memory is
// bounded, whatever records say.
const longest = 256

// brief is a text that is kept; of a longer one, its begin and a hash of all.
func brief(text string) string {
	if len(text) <= longest {
		return text
	}
	h := fnv.New64a()
	_, _ = h.Write([]byte(text)) // it cannot fail
	at := longest - 24
	for at > 0 && !utf8.RuneStart(text[at]) {
		at--
	}
	return fmt.Sprintf("%s… #%016x", text[:at], h.Sum64())
}

func (w word) String() string {
	if w == (word{}) {
		return ""
	}
	return unique.Handle[string](w).Value()
}

// NewPoint is the account of a valid record's rows that a selection matches;
// false if there are none. If all of them match, its bounds are the record's.
// If only some do, they are the sums of the rows' bounds, as if all inputs
// erred alike, which is never too narrow. It keeps nothing of the record.
func NewPoint(r *lifecycle.Record, where Where) (Point, bool) {
	return newPoint(r, Rows(r), where)
}

func newPoint(r *lifecycle.Record, rows []Row, where Where) (Point, bool) {
	id, err := uuid.Parse(r.Run.ID)
	if err != nil {
		return Point{}, false // the record is not valid
	}
	p := Point{
		run: id, name: wordOf(r.Run.Name), status: wordOf(string(r.Run.Status)), scope: wordOf(string(r.Run.Scope)),
		boundary: wordOf(string(r.Run.Boundary)), runS: r.Run.DurationS, kind: wordOf(r.Technology.Kind), lacks: wordOf(lacksOf(r)), idleShare: -1,
	}
	if r.Run.StartedAt != nil {
		p.started = r.Run.StartedAt.UnixMilli()
	}
	p.technology(r.Technology.ML)
	every := len(rows)
	rows = slices.DeleteFunc(rows, func(row Row) bool { return !where.Match(&row) })
	if len(rows) == 0 {
		return Point{}, false
	}
	if every -= len(rows); every == 0 {
		p.totals(&r.Totals)
	} else {
		p.sums(r, rows)
	}
	for from := 0; from < len(rows); {
		to := from + 1
		for to < len(rows) && rows[to].Stage == rows[from].Stage {
			to++
		}
		if !lifecycle.Stage(rows[from].Stage).Device() {
			p.stages = append(p.stages, newStagePoint(r, rows[from:to]))
		}
		from = to
	}
	p.placeOf(rows)
	p.evidence(r)
	return p, true
}

// technology takes over what a model and its training are.
func (p *Point) technology(ml *lifecycle.ML) {
	if ml == nil {
		return
	}
	p.task, p.training, p.precision = wordOf(ml.Task), wordOf(ml.TrainingType), wordOf(ml.Precision)
	if ml.Algorithm != nil {
		p.algorithm = wordOf(cmp.Or(ml.Algorithm.Name, ml.Algorithm.Type))
	}
	if ml.Model != nil {
		p.model = wordOf(ml.Model.Name)
	}
	if ml.Framework != nil {
		p.framework = wordOf(ml.Framework.Name)
	}
	number := func(n *int64) float64 {
		if n == nil {
			return 0
		}
		return float64(*n)
	}
	if n := ml.Parameters; n != nil {
		p.parameters = number(n.Total)
	}
	p.layers, p.epochs, p.batch = number(ml.Layers), number(ml.Epochs), number(ml.BatchSize)
	const most = 64 // more are no metrics to weigh runs by
	for _, e := range ml.Evaluation[:min(len(ml.Evaluation), most)] {
		p.metrics = append(p.metrics, metricPoint{unique.Make(Metric{brief(e.Metric), brief(e.Split), e.Direction}), e.Value})
	}
}

// sums adds up rows. CO2e in all is that of rows that tell of devices.
func (p *Point) sums(r *lifecycle.Record, rows []Row) {
	for i := range rows {
		row := &rows[i]
		p.energy.add(row.Energy)
		p.facility.add(row.Facility)
		p.grams.add(row.Operational)
		p.all.add(row.Operational)
		p.all.add(row.Embodied)
	}
	if !tellsDevices(r, rows) {
		p.all = spanned{}
	}
}

// tellsDevices tells whether rows hold all of a record that devices took to
// make and discard: CO2e in all would not be all without it.
func tellsDevices(r *lifecycle.Record, rows []Row) bool {
	return r.Totals.GCO2e != nil && slices.ContainsFunc(rows, func(row Row) bool { return lifecycle.Stage(row.Stage).Device() })
}

// newStagePoint is the account of rows of one stage.
func newStagePoint(r *lifecycle.Record, rows []Row) stagePoint {
	s := stagePoint{stage: wordOf(rows[0].Stage)}
	if rows[0].StageS != nil {
		s.seconds = *rows[0].StageS
	}
	s.unit, s.count = unitOf(r, rows[0].Units)
	most := 0 // the row of the device that the stage is said to run on
	byMethod := map[string]float64{}
	for i := range rows {
		row := &rows[i]
		s.energy += known(row.Energy.Value)
		s.facility += known(row.Facility.Value)
		s.grams += known(row.Operational.Value)
		byMethod[row.Method] += known(row.Energy.Value)
		if a, b := runsOn(row), runsOn(&rows[most]); a > b || a == b && known(row.Energy.Value) > known(rows[most].Energy.Value) {
			most = i
		}
	}
	// A service, a network or a store that energy was reckoned for by its calls or
	// bytes: the time of what called it tells nothing of its power.
	elsewhere, largest := 0.0, -1
	for i := range rows {
		switch rows[i].HardwareKind {
		case "service", "network", "storage":
			j := known(rows[i].Energy.Value)
			elsewhere += j
			if largest < 0 || j > known(rows[largest].Energy.Value) {
				largest = i
			}
		}
	}
	if elsewhere > s.energy/2 {
		most = largest
	}
	method := rows[most].Method
	for m, j := range byMethod {
		if j > byMethod[method] || j == byMethod[method] && m < method {
			method = m
		}
	}
	device := &rows[most]
	s.method = wordOf(method)
	s.hardware = wordOf(cmp.Or(device.HardwareModel, device.HardwareClass, device.HardwareKind))
	s.hardwareKind = wordOf(device.HardwareKind)
	for i := range rows {
		row := &rows[i]
		if most == largest {
			break
		}
		if row.HardwareKind != device.HardwareKind || row.HardwareModel != device.HardwareModel || row.HardwareCount == nil {
			continue
		}
		s.devices = max(s.devices, float64(*row.HardwareCount))
		if row.DeviceS != nil {
			s.deviceS += *row.DeviceS
		} else {
			s.deviceS += float64(*row.HardwareCount) * known(row.UseS)
		}
	}
	for i := range r.Spans {
		if string(r.Spans[i].Stage) == rows[0].Stage && slices.Contains(r.Spans[i].Flags, "below-resolution") {
			s.short = true
		}
	}
	return s
}

// runsOn is how much the kind of a row's device tells of what a stage ran on:
// an accelerator most, then a processor, then a whole machine, a part of one
// least.
func runsOn(row *Row) int {
	switch row.HardwareKind {
	case "gpu", "npu", "fpga":
		return 3
	case "cpu":
		return 2
	case "node", "board", "mcu", "device":
		return 1
	}
	return 0
}

// unitOf is the functional unit that a stage is judged by: that of the record,
// else the first by name of those it counts.
func unitOf(r *lifecycle.Record, units map[string]int64) (word, int64) {
	if f := r.UseCase.FunctionalUnit; f != nil && units[f.Unit] > 0 {
		return wordOf(f.Unit), units[f.Unit]
	}
	first := ""
	for unit, n := range units {
		if n > 0 && (first == "" || unit < first) {
			first = unit
		}
	}
	return wordOf(first), units[first]
}

// placeOf is where most of the energy was used.
func (p *Point) placeOf(rows []Row) {
	joules := map[string]float64{}
	place := ""
	for i := range rows {
		if at := cmp.Or(rows[i].GridZone, rows[i].Country); at != "" {
			joules[at] += known(rows[i].Energy.Value)
			if place == "" || joules[at] > joules[place] || joules[at] == joules[place] && at < place {
				place = at
			}
		}
	}
	p.place = wordOf(place)
}

// evidence is what of a record may tell why its energy is unlike that of
// others.
func (p *Point) evidence(r *lifecycle.Record) {
	var sensors []string
	for i := range r.Methods {
		m := &r.Methods[i]
		if m.SamplingS != nil {
			p.samplingS = max(p.samplingS, float32(*m.SamplingS))
		}
		if !slices.Contains(sensors, m.Sensor) {
			sensors = append(sensors, m.Sensor)
		}
	}
	slices.Sort(sensors)
	p.sensors = wordOf(strings.Join(sensors, ", "))
	var total, idle, others float64
	idleKnown := len(r.Ledger) > 0
	for i := range r.Ledger {
		l := &r.Ledger[i]
		total += l.TotalJ
		others += l.OtherProcessesJ
		if l.OfWhich != nil {
			others += l.OfWhich.OtherProcessesJ
		}
		idle += min(l.IdleW*r.Run.DurationS, l.TotalJ)
		idleKnown = idleKnown && l.IdleFound != "unknown"
	}
	if total > 0 {
		p.othersShare = float32(others / total)
		if idleKnown {
			p.idleShare = float32(idle / total)
		}
	}
	var spans, failed int64
	for i := range r.Spans {
		spans += r.Spans[i].Count
		failed += r.Spans[i].Failed
	}
	if spans > 0 {
		p.failedShare = float32(float64(failed) / float64(spans))
	}
}

func (b *spanned) add(f Figure) {
	if f.Value != nil && f.Low != nil && f.High != nil {
		b.value, b.low, b.high = b.value+*f.Value, b.low+*f.Low, b.high+*f.High
	}
}

func known(v *float64) float64 {
	if v == nil {
		return 0
	}
	return *v
}

// totals takes over the figures of the whole record. CO2e in all is unknown if
// the record says so.
func (p *Point) totals(t *lifecycle.Totals) {
	of := func(q *lifecycle.Quantity) spanned {
		if q == nil {
			return spanned{}
		}
		return spanned{q.Value, q.Low, q.High}
	}
	p.energy, p.facility, p.grams, p.all = of(&t.EnergyJ), of(&t.FacilityEnergyJ), of(&t.OperationalGCO2e), of(t.GCO2e)
}

// lacksOf is what a record says was not measured of its energy.
func lacksOf(r *lifecycle.Record) string {
	var whats []string
	for _, m := range r.Missing {
		if m.What != "" && (m.Path == "/ledger" || m.Path == "/hardware" && m.Reason == "not-measured") && !slices.Contains(whats, m.What) {
			whats = append(whats, m.What)
		}
	}
	slices.Sort(whats)
	return strings.Join(whats, ", ")
}
