package export

import (
	"errors"
	"fmt"
	"io"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/ecotracer/ecotracer/factors"
	"github.com/ecotracer/ecotracer/lifecycle"
)

// The bounds of what is read.
const (
	maxConsumptions = 10_000 // entries of a BOM
	maxJoules       = 1e18   // of an entry: 278 TWh
	maxIntensity    = 2000   // gCO2e/kWh: no fuel comes to more (R33 of the record)
)

// foreignError is the error that a figure is taken to have of which the BOM
// tells none, as a ratio less 1: half to twice (analyst's estimate).
const foreignError = 1

// ReadCycloneDX makes records of what the machine-learning models of a BOM of
// CycloneDX 1.6 or 1.7 (JSON, at most 64 MiB) used: one of each entry of
// energyConsumptions, or one of all entries of a run that [CycloneDX] wrote.
// Where is the JSON Pointer of the entry. The entry itself is kept in the
// record's extensions.
//
// An entry tells neither time nor place nor device, nor whether PUE is in its
// energy: it is taken as the energy of a facility. What is guessed is told.
//
// Units other than kWh and tCO2eq, numbers below zero, and emissions that are
// more than 2000 g for each kWh, as in the format's own example, are errors that
// name the entry.
func ReadCycloneDX(r io.Reader) ([]Imported, error) {
	b, err := readBOM(r)
	if err != nil {
		return nil, err
	}
	var all []Imported
	var problems []error
	count := 0
	for _, m := range b.models() {
		for _, entries := range runsOf(m, &problems) {
			if count += len(entries); count > maxConsumptions {
				return nil, fmt.Errorf("export: read CycloneDX: more than %d entries of energyConsumptions", maxConsumptions)
			}
			imp, err := b.record(m, entries)
			if err != nil {
				problems = append(problems, err)
				continue
			}
			all = append(all, imp)
		}
	}
	switch {
	case len(problems) > maxProblems:
		problems = append(problems[:maxProblems], fmt.Errorf("and %d more", len(problems)-maxProblems))
	case len(problems) == 0 && len(all) == 0:
		problems = append(problems, errors.New("no model of the BOM tells what it used (modelCard/considerations/environmentalConsiderations/energyConsumptions)"))
	}
	if len(problems) > 0 {
		return nil, fmt.Errorf("export: read CycloneDX: %w", errors.Join(problems...))
	}
	return all, nil
}

// maxProblems is how many problems of a file are told.
const maxProblems = 20

// consumption is an entry as it was read.
type consumption struct {
	*jsonNode
	pointer  string
	stage    lifecycle.Stage
	facility float64  // J
	grams    *float64 // of the energy; nil if it does not tell
	services float64  // t, of services whose energy is unknown
	it       *lifecycle.Quantity
	pue      *factors.Factor
	begin    *time.Time
	end      *time.Time
	seconds  float64
}

// runsOf are the entries of a model by run, in the order of the BOM; each that
// tells no run is one of its own. Those that cannot be are problems.
func runsOf(m bomModel, problems *[]error) [][]consumption {
	at, pointer := m.jsonNode, m.pointer
	for _, name := range []string{"modelCard", "considerations", "environmentalConsiderations", "energyConsumptions"} {
		at = at.member(name)
		pointer += "/" + name
	}
	var runs [][]consumption
	known := map[string]int{}
	for i, n := range at.entries() {
		c, err := consumptionAt(n, pointer+"/"+strconv.Itoa(i))
		if err != nil {
			*problems = append(*problems, fmt.Errorf("%s: %w", c.pointer, err))
			continue
		}
		run := propertyOf(n, "ecotracer:run")
		if k, ok := known[run]; ok && run != "" {
			runs[k] = append(runs[k], c)
			continue
		}
		known[run] = len(runs)
		runs = append(runs, []consumption{c})
	}
	return runs
}

// stagesOf are the activities' counterparts; "training" may be of any kind.
var stagesOf = map[string]lifecycle.Stage{
	"design":           lifecycle.Design,
	"data-collection":  lifecycle.DataProduction,
	"data-preparation": lifecycle.DataPreparation,
	"training":         lifecycle.Training,
	"fine-tuning":      lifecycle.FineTuning,
	"validation":       lifecycle.ModelEvaluation,
	"deployment":       lifecycle.Deployment,
	"inference":        lifecycle.Serving,
	"other":            lifecycle.Unassigned,
}

func consumptionAt(n *jsonNode, pointer string) (consumption, error) {
	c := consumption{jsonNode: n, pointer: pointer}
	activity := n.member("activity").string()
	stage, ok := stagesOf[activity]
	if !ok {
		return c, fmt.Errorf("activity %q is none of the format's", activity)
	}
	c.stage = stage
	if told := lifecycle.Stage(propertyOf(n, "ecotracer:stage")); told.Valid() && !told.Device() {
		c.stage = told
	}
	var err error
	kWh, err := measureOf(n.member("activityEnergyCost"), "kWh")
	if err != nil {
		return c, fmt.Errorf("activityEnergyCost: %w", err)
	}
	c.facility = kWh * joulesPerKWh
	if c.facility > maxJoules {
		return c, fmt.Errorf("activityEnergyCost: %v kWh is more than anything uses", kWh)
	}
	if co2 := n.member("co2CostEquivalent"); co2 != nil {
		t, err := measureOf(co2, "tCO2eq")
		if err != nil {
			return c, fmt.Errorf("co2CostEquivalent: %w", err)
		}
		if c.services, err = strconv.ParseFloat(propertyOf(n, "ecotracer:co2:services_tco2eq"), 64); err != nil || !(c.services >= 0 && c.services <= t) {
			c.services = 0
		}
		grams := (t - c.services) * 1e6
		c.grams = &grams
		// Trap 1: the official example has 78,050 kg.
		if grams > maxIntensity*kWh*(1+1e-9) {
			return c, fmt.Errorf("%v kWh and %v tCO2eq are %.4g kgCO2e for each kWh, and no fuel comes to more than %d g: is a unit wrong?", kWh, t-c.services, grams/1e3/kWh, maxIntensity)
		}
	}
	c.own()
	return c, nil
}

// measureOf is a number of the one unit that the format has.
func measureOf(n *jsonNode, unit string) (float64, error) {
	if got := n.member("unit").string(); got != unit {
		return 0, fmt.Errorf("unit %q, and the format has %s", got, unit)
	}
	v := n.member("value")
	if v == nil || v.kind != 0 {
		return 0, errors.New("there is no value")
	}
	x, err := strconv.ParseFloat(string(v.leaf), 64)
	if err != nil || x < 0 {
		return 0, fmt.Errorf("value %.40s is no number from 0 on", v.leaf)
	}
	return x, nil
}

// own reads what CycloneDX of this package wrote into properties. What does not
// agree with the entry's energy is not of it, and left.
func (c *consumption) own() {
	number := func(name string) float64 {
		x, err := strconv.ParseFloat(propertyOf(c.jsonNode, "ecotracer:"+name), 64)
		if err != nil || !(x >= 0 && x <= maxJoules) {
			return math.NaN()
		}
		return x
	}
	moment := func(name string) *time.Time {
		t, err := time.Parse(time.RFC3339Nano, propertyOf(c.jsonNode, "ecotracer:"+name))
		if err != nil {
			return nil
		}
		t = t.UTC()
		return &t
	}
	it := lifecycle.Quantity{
		Value: number("it_energy:value_j"), Low: number("it_energy:low_j"), High: number("it_energy:high_j"),
		Method: lifecycle.Method(propertyOf(c.jsonNode, "ecotracer:it_energy:method")),
	}
	pue := factors.Factor{ID: "pue.bom", Kind: factors.PUE, Value: number("pue"), Low: number("pue:low"), High: number("pue:high"), Unit: "1"}
	if math.Abs(it.Value*pue.Value-c.facility) <= 1e-9*c.facility && 1 <= pue.Low && pue.Low <= pue.Value && pue.Value <= pue.High &&
		it.Low <= it.Value && it.Value <= it.High && (it.Low > 0 || it.High == 0) &&
		slices.Contains([]lifecycle.Method{lifecycle.Metered, lifecycle.Counter, lifecycle.Modelled, lifecycle.Declared}, it.Method) {
		c.it, c.pue = &it, &pue
	}
	if s := number("duration_s"); s <= longest {
		c.seconds = s
	}
	c.begin, c.end = moment("started_at"), moment("ended_at")
}

// record makes the record of a run.
func (b *bomFile) record(m bomModel, entries []consumption) (Imported, error) {
	first := &entries[0]
	where := first.pointer
	made, _ := time.Parse(time.RFC3339Nano, b.root.member("metadata").member("timestamp").string())
	made = made.UTC()
	run, notes := runOf(entries)
	if run.EndedAt != nil && made.Before(*run.EndedAt) {
		made = *run.EndedAt
		notes = append(notes, Guess{"/created_at", "the BOM is dated before the end of the run: the end"})
	}
	content := [][]byte{[]byte(b.root.member("serialNumber").string()), []byte(where)}
	for i := range entries {
		content = append(content, entries[i].indented(""))
	}
	im := importRun(run, made, content...)
	im.guesses = append(im.guesses, notes...)
	im.model(m)
	own := !slices.ContainsFunc(entries, func(c consumption) bool { return c.it == nil || *c.pue != *first.pue })
	if !own {
		im.rec.Run.Boundary = lifecycle.BoundaryFacility
		im.guess("/run/boundary", "facility: the BOM does not tell whether a PUE is in its energy, and what is in it stays")
	}
	im.supply(entries, own)
	if err := im.consumptions(entries, own); err != nil {
		return Imported{}, fmt.Errorf("%s: %w", where, err)
	}
	return im.finish(where)
}

// cdxExtension is the member of a record's extensions that has the entries that
// it was made of.
const cdxExtension = "org.cyclonedx.energyConsumptions"

// runOf is what the entries tell of their run.
func runOf(entries []consumption) (run lifecycle.RunInfo, notes []Guess) {
	first := &entries[0]
	run = lifecycle.RunInfo{ID: propertyOf(first.jsonNode, "ecotracer:run"), Status: lifecycle.Complete, Scope: lifecycle.Scope(propertyOf(first.jsonNode, "ecotracer:scope")),
		Boundary: lifecycle.Boundary(propertyOf(first.jsonNode, "ecotracer:boundary"))}
	note := func(path, why string) { notes = append(notes, Guess{path, why}) }
	if !slices.Contains([]lifecycle.Scope{lifecycle.ScopeProcess, lifecycle.ScopeCgroup, lifecycle.ScopeMachine}, run.Scope) {
		run.Scope = lifecycle.ScopeMachine
		note("/run/scope", "the BOM does not tell: the machine")
	}
	timed := true
	for i := range entries {
		c := &entries[i]
		run.DurationS += c.seconds
		if c.begin == nil || c.end == nil || c.end.Before(*c.begin) {
			timed = false
			continue
		}
		if run.StartedAt == nil || c.begin.Before(*run.StartedAt) {
			run.StartedAt = c.begin
		}
		if run.EndedAt == nil || run.EndedAt.Before(*c.end) {
			run.EndedAt = c.end
		}
	}
	if timed {
		// R7 of the record: a run lasts as long as its stages
		whole := run.EndedAt.Sub(*run.StartedAt).Seconds()
		timed = math.Abs(whole-run.DurationS) <= 2+1e-3*max(whole, run.DurationS)
	}
	if !timed {
		run.StartedAt, run.EndedAt, run.Status = nil, nil, lifecycle.Estimated
		note("/run/status", "estimated: the BOM does not tell the times of the run, and a record without times is that of an estimate")
		for i := range entries {
			entries[i].begin, entries[i].end = nil, nil
		}
	} else {
		note("/run/status", "complete: the BOM does not tell")
	}
	if run.DurationS == 0 {
		note("/run/duration_s", "the BOM tells none: 0, and nothing is shared out by time")
	}
	return run, notes
}

// model tells what the run was of.
func (im *importing) model(m bomModel) {
	ml := &lifecycle.ML{Model: &lifecycle.Model{Name: m.member("name").string(), Version: m.member("version").string()}}
	im.rec.Technology = lifecycle.Technology{Kind: "ml", ML: ml}
	im.rec.UseCase.Description = m.member("description").string()
	for _, h := range m.member("hashes").entries() {
		if h.member("alg").string() == "SHA-256" {
			ml.Model.Digest = &lifecycle.Digest{SHA256: strings.ToLower(h.member("content").string())}
		}
	}
	card := m.member("modelCard")
	parameters := card.member("modelParameters")
	ml.Task = parameters.member("task").string()
	switch paradigm := parameters.member("approach").member("type").string(); paradigm {
	case "supervised", "unsupervised", "semi-supervised", "self-supervised", "reinforcement-learning":
		ml.LearningParadigm = paradigm
	}
	if a := (lifecycle.Algorithm{Name: parameters.member("modelArchitecture").string(), Type: parameters.member("architectureFamily").string()}); a != (lifecycle.Algorithm{}) {
		ml.Algorithm = &a
	}
	for i, q := range card.member("quantitativeAnalysis").member("performanceMetrics").entries() {
		x, err := strconv.ParseFloat(q.member("value").string(), 64)
		if err != nil || math.IsInf(x, 0) || math.IsNaN(x) || q.member("type").string() == "" {
			im.guess("/technology/ml/evaluation", "metric %d of the BOM is no number: left out", i+1)
			continue
		}
		ml.Evaluation = append(ml.Evaluation, lifecycle.Evaluation{Metric: q.member("type").string(), Value: x, Split: q.member("slice").string()})
	}
}

// supply adds the place, with the intensity that the emissions come to.
func (im *importing) supply(entries []consumption, own bool) {
	first := &entries[0]
	pue := factors.Factor{ID: "pue.bom", Kind: factors.PUE, Value: 1, Low: 1, High: 1, Unit: "1", Source: "none: the boundary is the facility"}
	if own {
		pue = *first.pue
		pue.Source = "the BOM"
	}
	e := lifecycle.Environment{Factors: lifecycle.EnvironmentFactors{PUE: im.factor(pue)}}
	var grams, kWh float64
	told, alike := true, true
	for i := range entries {
		c := &entries[i]
		if told = told && c.grams != nil; !told {
			break
		}
		grams += *c.grams
		kWh += c.facility / joulesPerKWh
		alike = alike && math.Abs(*c.grams*first.facility-*first.grams*c.facility) <= 1e-6*(*c.grams*first.facility)
	}
	if told && kWh > 0 {
		g := grams / kWh
		grid := factors.Factor{
			ID: "grid.bom", Kind: factors.Grid, Value: g, Low: g / (1 + foreignError), High: g * (1 + foreignError), Unit: "gCO2e/kWh",
			Source: "the BOM: co2CostEquivalent over activityEnergyCost; taken for the average life-cycle intensity of the production mix",
		}
		value, errV := strconv.ParseFloat(propertyOf(first.jsonNode, "ecotracer:gco2e_per_kwh"), 64)
		low, errL := strconv.ParseFloat(propertyOf(first.jsonNode, "ecotracer:gco2e_per_kwh:low"), 64)
		high, errH := strconv.ParseFloat(propertyOf(first.jsonNode, "ecotracer:gco2e_per_kwh:high"), 64)
		if errors.Join(errV, errL, errH) == nil && math.Abs(value-g) <= 1e-6*g && low <= value && (low > 0 || high == 0) && value <= high && high <= maxIntensity*10 {
			grid.Value, grid.Low, grid.High = value, low, high
		} else {
			im.guess("/environments/0/factors/grid", "the BOM tells no interval of its emissions: half to twice")
		}
		if !alike {
			im.guess("/environments/0/factors/grid", "the entries come to different intensities: their mean, so that the sum is right and a stage's is not")
		}
		e.Factors.Grid = im.factor(grid)
	}
	im.place(e)
}

// consumptions adds what each stage used, on one device.
func (im *importing) consumptions(entries []consumption, own bool) error {
	device := im.device(lifecycle.Hardware{ID: "machine", Kind: lifecycle.KindOther})
	im.guess("/hardware/0", "the BOM tells no devices: one, of no kind")
	var list []any
	meters := im.bomMeters(entries, own)
	for i := range entries {
		c := &entries[i]
		joules, meter := c.facility, meters[lifecycle.Declared]
		if own {
			joules, meter = c.it.Value, meters[c.it.Method]
		}
		name := string(c.stage[strings.IndexByte(string(c.stage), '/')+1:])
		if c.stage == lifecycle.Unassigned {
			name = ""
		}
		im.stage(c.stage, name, c.seconds, []reading{{device: device, meter: meter, joules: joules}})
		p := im.phase(c.stage)
		if c.begin != nil {
			p.StartedAt, p.EndedAt = c.begin, c.end
		}
		if c.stage == lifecycle.Serving && propertyOf(c.jsonNode, "ecotracer:stage") == "" {
			im.guess("/phases/0/stage", "inference/serving: the BOM tells only inference")
		}
		if c.services > 0 {
			im.guess("", "%s: %v tCO2eq of services whose energy is unknown are left out", c.pointer, c.services)
		}
		if c.member("co2CostOffset") != nil {
			im.guess("", "%s/co2CostOffset is taken off nothing: a record has no credits", c.pointer)
		}
		var nulls []string
		v, err := c.plain("", &nulls)
		if err == nil && nulls != nil {
			err = fmt.Errorf("%s is null, which the format does not have", nulls[0])
		}
		if err != nil {
			return err
		}
		list = append(list, v)
	}
	im.rec.Extensions[cdxExtension] = list
	return nil
}

// bomMeters adds a meter for each method, with the widest of the errors of the
// stages that it tells of.
func (im *importing) bomMeters(entries []consumption, own bool) map[lifecycle.Method]string {
	meter := func(m lifecycle.Method, e float64) string {
		return im.meter(lifecycle.MethodEntry{ID: "bom", Method: m, Sensor: "bill of materials", RelError: e})
	}
	if !own {
		im.guess("/methods/0/rel_error", "the BOM tells no interval of its energy: half to twice")
		return map[lifecycle.Method]string{lifecycle.Declared: meter(lifecycle.Declared, foreignError)}
	}
	widest := map[lifecycle.Method]float64{}
	var order []lifecycle.Method
	for i := range entries {
		q := entries[i].it
		if _, ok := widest[q.Method]; !ok {
			order = append(order, q.Method)
		}
		widest[q.Method] = max(widest[q.Method], spreadOf(q))
	}
	ids := map[lifecycle.Method]string{}
	for i, m := range order {
		ids[m] = meter(m, widest[m])
		im.guess("/methods/"+strconv.Itoa(i)+"/rel_error", "the widest of the stages, for all that it tells")
	}
	return ids
}

// spreadOf is the error of a meter whose interval holds that of a figure.
func spreadOf(q *lifecycle.Quantity) float64 {
	if q.Value == 0 {
		return 0
	}
	return max(q.Value/q.Low, q.High/q.Value) - 1
}
