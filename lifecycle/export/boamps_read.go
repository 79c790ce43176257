package export

import (
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"reflect"
	"slices"
	"strconv"
	"strings"

	"github.com/ecotracer/ecotracer/factors"
	"github.com/ecotracer/ecotracer/lifecycle"
)

// ReadBoAmps reads reports of BoAmps: one, a list of them, or one behind the
// other as in JSON lines, 10,000 and 128 MiB in all. They are known by their shape, for
// most tell another version than that of their members.
//
// A report with our extension is the record in it, once if several stages have
// the same; where the report around it tells something else, a guess says so.
//
// Of another report a record is made of one stage, with an interval as wide as
// its quality says (high, medium and low are 10, 25 and 50 % of error; by ratio,
// so that 50 % is half to twice) and 50 % if it does not say. Measures of
// different devices add up; of others the most direct is taken. The report
// itself is kept in the record, under org.boavizta.boamps.
//
// An error names each member that is missing, of another type, or impossible.
func ReadBoAmps(r io.Reader) ([]Imported, error) {
	j, err := newJSONReader(r, reportLimits)
	if err != nil {
		return nil, fmt.Errorf("export: boamps: %w", err)
	}
	j.closed = boampsExtension // it nests as deep as a record does
	var list []Imported
	known := map[string]int{}
	for {
		tree, err := j.next()
		if err == io.EOF && len(list) > 0 {
			return list, nil
		}
		if err == io.EOF {
			err = errors.New("there is no report")
		}
		if err != nil {
			return nil, fmt.Errorf("export: boamps: %w", err)
		}
		several := tree.kind == '['
		reports := []*jsonNode{tree}
		if several {
			reports = tree.items
		}
		for i, report := range reports {
			where := "report " + strconv.Itoa(len(list)+1)
			if several {
				where = "/" + strconv.Itoa(i)
			}
			if len(list) == maxReportCount {
				return nil, fmt.Errorf("export: boamps: there are more than %d reports: split the file", maxReportCount)
			}
			imp, err := readReport(report, where)
			if err != nil {
				return nil, fmt.Errorf("export: boamps: %s: %w", where, err)
			}
			sum, err := imp.Record.SHA256()
			if err != nil {
				return nil, fmt.Errorf("export: boamps: %s: %w", where, err)
			}
			if first, again := known[sum]; again { // a stage each of one run
				list[first].Guesses = append(list[first].Guesses, imp.Guesses...)
				continue
			}
			known[sum] = len(list)
			list = append(list, imp)
		}
	}
}

// What reports may be at most: a record in them is 64 MiB at most.
var reportLimits = jsonLimits{bytes: 128 << 20, depth: 12, values: 1 << 20, leaf: 1 << 20}

const maxReportCount = 10_000

// readReport makes a record of a report.
func readReport(report *jsonNode, where string) (Imported, error) {
	if report.kind != '{' {
		return Imported{}, errors.New("it is no object, and a report is one")
	}
	var extension json.RawMessage
	if x := report.remove(boampsExtension); x != nil {
		extension = x.leaf
	}
	var nulls []string
	tree, err := report.plain("", &nulls)
	if err != nil {
		return Imported{}, err
	}
	members := tree.(map[string]any)
	if extension != nil {
		imp, err := readExtension(members, extension, where)
		if err == nil || !errors.Is(err, errNoRecord) {
			return imp, err
		}
	}
	im, err := importReport(members)
	if err != nil {
		return Imported{}, err
	}
	if extension != nil {
		im.guess("", "the report's member %q holds no record: it is left out", boampsExtension)
	}
	for _, at := range nulls {
		im.guess("", "%s of the report is null: taken for not told", at)
	}
	return im.finish(where)
}

var errNoRecord = errors.New("the extension holds no record")

// readExtension takes the record out of a report, and compares the two.
func readExtension(members map[string]any, extension json.RawMessage, where string) (Imported, error) {
	var about struct {
		boampsAbout
		Record json.RawMessage `json:"record"`
	}
	if json.Unmarshal(extension, &about) != nil || about.Record == nil {
		return Imported{}, errNoRecord
	}
	const at = "/" + boampsExtension + "/record"
	r, err := lifecycle.Decode(bytes.NewReader(about.Record))
	if err != nil {
		return Imported{}, fmt.Errorf("%s: %w", at, err)
	}
	if err := valid(r); err != nil {
		return Imported{}, fmt.Errorf("%s: %w", at, err)
	}
	imp := Imported{Record: r, Where: where}
	stage := (*lifecycle.PhaseEntry)(nil)
	for _, p := range operational(r) {
		if string(p.Stage) == about.Covers {
			stage = p
		}
	}
	projected, err := boampsReport(r, stage, boampsOptions(r, members))
	if err != nil {
		return Imported{}, fmt.Errorf("%s: %w", at, err)
	}
	found := differences("", treeOf(projected), any(members), nil)
	want := boampsAbout{about.Version, boampsCovers(stage), r.Run.Boundary, false}
	found = differences("/"+boampsExtension, treeOf(want), treeOf(about.boampsAbout), found)
	for _, at := range found {
		imp.Guesses = append(imp.Guesses, Guess{Why: fmt.Sprintf("%s of the report is not what the record in it tells: the record is taken", at)})
	}
	return imp, nil
}

// boampsOptions are what was told beside the record when a report was made of
// it.
func boampsOptions(r *lifecycle.Record, members map[string]any) (o Options) {
	n := node{members, "", new([]error)}
	task := n.child("task", false)
	o.Task = task.text("taskFamily", false)
	o.Infrastructure = n.child("infrastructure", false).text("infraType", false)
	for i, set := range task.children("dataset") {
		if ml := r.Technology.ML; ml == nil || i >= len(ml.Datasets) || ml.Datasets[i].DataType == "" {
			o.DataType = set.text("dataType", false)
			break
		}
	}
	return o
}

// treeOf is a value as [jsonNode.plain] has it.
func treeOf(v any) (tree any) {
	text, err := json.Marshal(v)
	if err == nil {
		err = json.Unmarshal(text, &tree)
	}
	if err != nil {
		return nil
	}
	return tree
}

// differences are where two trees differ, the first twenty.
func differences(at string, a, b any, found []string) []string {
	if len(found) == maxReportProblems || reflect.DeepEqual(a, b) {
		return found
	}
	am, isMap := a.(map[string]any)
	bm, both := b.(map[string]any)
	if isMap && both {
		names := map[string]bool{}
		for name := range am {
			names[name] = true
		}
		for name := range bm {
			names[name] = true
		}
		sorted := make([]string, 0, len(names))
		for name := range names {
			sorted = append(sorted, name)
		}
		slices.Sort(sorted)
		for _, name := range sorted {
			found = differences(at+"/"+escape(name), am[name], bm[name], found)
		}
		return found
	}
	al, isList := a.([]any)
	bl, both := b.([]any)
	if isList && both && len(al) == len(bl) {
		for i := range al {
			found = differences(at+"/"+strconv.Itoa(i), al[i], bl[i], found)
		}
		return found
	}
	return append(found, at)
}

// boampsUnchanged is the report that a record was made of, if the record tells
// the same still.
func boampsUnchanged(r *lifecycle.Record, now *boReport, o Options) (original map[string]any, same bool) {
	original, ok := r.Extensions[boampsOriginal].(map[string]any)
	if !ok {
		return nil, false
	}
	im, err := importReport(original)
	if err != nil {
		return nil, false
	}
	imp, err := im.finish("")
	if err != nil {
		return nil, false
	}
	before, err := boampsProjection(imp.Record, nil, o)
	if err != nil {
		return nil, false
	}
	before.Header.ReportID, before.Measures[0].Version = now.Header.ReportID, now.Measures[0].Version
	return original, reflect.DeepEqual(before, now)
}

// importReport reads a report of another.
func importReport(members map[string]any) (*importing, error) {
	var problems []error
	n := node{members, "", &problems}
	for _, name := range []string{"task", "measures", "infrastructure"} {
		if _, ok := members[name]; !ok {
			return nil, fmt.Errorf("it is no report of BoAmps: there is no /%s", name)
		}
	}
	header, task, site := n.child("header", false), n.child("task", true), n.child("infrastructure", true)
	m := readMeasures(n)
	description, _ := read[string](task, "taskDescription", false, "text")
	m.ours = strings.Contains(description, boampsBoundary)
	run, made, notes := m.run(header)
	content, err := json.Marshal(members)
	if err != nil {
		return nil, err
	}
	im := importRun(run, made, content)
	for _, g := range notes {
		im.guess(g.Path, "%s", g.Why)
	}
	if m.begin != nil && !m.zoned {
		im.unknown("/phases", "zone of the times: BoAmps has none")
	}
	im.rec.Extensions[boampsOriginal] = members
	im.publisher(header)
	im.task(task)
	im.site(n, site)
	whole := im.components(site, m)
	im.measures(n, task, m, whole)
	im.rec.Generator.OS, im.rec.Generator.Arch = platform(n.child("system", false).text("os", false))
	if len(problems) > 0 {
		return nil, errors.Join(problems...)
	}
	return im, nil
}

// publisher tells whose the report is.
func (im *importing) publisher(header node) {
	p := &im.rec.Publisher
	p.Licence = header.text("licensing", false)
	from := header.child("publisher", false)
	p.Name, p.Division, p.Project = from.text("name", false), from.text("division", false), from.text("projectName", false)
	switch level := from.text("confidentialityLevel", false); level {
	case "public", "internal", "confidential", "secret":
		p.Confidentiality = level
	case "":
		im.guess("/publisher/confidentiality", "the report does not tell: internal")
	default:
		from.wrong("confidentialityLevel", "is %q, which is none of public, internal, confidential, secret", shortened(level))
	}
}

// task tells what ran.
func (im *importing) task(task node) {
	ml := &lifecycle.ML{Task: task.told("taskFamily"), Requests: task.whole("nbRequest", false)}
	if ml.Requests != nil && *ml.Requests == 0 { // BoAmps: 0 or empty without inference
		ml.Requests = nil
	}
	im.rec.Technology = lifecycle.Technology{Kind: "ml", ML: ml}
	im.guess("/technology/kind", "ml: BoAmps is of AI tasks")
	description, _ := read[string](task, "taskDescription", false, "text")
	if i := strings.LastIndex(description, boampsBoundary); i >= 0 { // of ours
		description = strings.TrimSpace(description[:i])
	}
	if len(description) > maxText {
		description = strings.ToValidUTF8(description[:maxText], "")
		im.guess("/use_case/description", "the first 4 KiB: all of it is in the report, in the record's extension")
	}
	im.rec.UseCase.Description = description
	algorithms := task.children("algorithms")
	if len(algorithms) > 0 {
		im.algorithm(ml, algorithms[0])
	}
	if len(algorithms) > 1 {
		im.guess("/technology/ml/algorithm", "the first of %d in the report, all of which are in its extension", len(algorithms))
	}
	for i, d := range task.children("dataset") {
		im.dataset(ml, d, i, task.told("taskStage"))
	}
	if a := task.number("measuredAccuracy", false, 1); a != nil {
		ml.Evaluation = []lifecycle.Evaluation{{Metric: "accuracy", Value: *a, Direction: "higher"}}
	}
}

func (im *importing) algorithm(ml *lifecycle.ML, a node) {
	if alg := (lifecycle.Algorithm{Name: a.text("algorithmName", false), Type: a.text("algorithmType", false), URI: a.text("algorithmUri", false)}); alg != (lifecycle.Algorithm{}) {
		ml.Algorithm = &alg
	}
	if base := (lifecycle.Model{Name: a.text("foundationModelName", false), URI: a.text("foundationModelUri", false)}); base != (lifecycle.Model{}) {
		ml.BaseModel = &base
	}
	if name := a.text("framework", false); name != "" {
		ml.Framework = &lifecycle.Framework{Name: name, Version: a.text("frameworkVersion", false)}
	}
	if billions := a.number("parametersNumber", false, 9e6); billions != nil {
		total := int64(math.Round(*billions * 1e9))
		ml.Parameters = &lifecycle.Parameters{Total: &total}
		if *billions > 1e5 {
			im.guess("/technology/ml/parameters/total", "taken as the report has it, %v billion, which no model has: are these parameters, and not billions?", *billions)
		}
	}
	ml.Layers, ml.Epochs = a.whole("layersNumber", false), a.whole("epochsNumber", false)
	ml.Optimizer, ml.Precision = a.text("optimizer", false), a.text("quantization", false)
	paradigm := a.text("trainingType", false)
	for ours, theirs := range boampsParadigm {
		if paradigm == theirs {
			ml.LearningParadigm = ours
		}
	}
	if paradigm == "transferLearning" { // of BoAmps' examples the one that is a regime
		ml.TrainingType = "transfer"
	}
}

func (im *importing) dataset(ml *lifecycle.ML, d node, i int, stage string) {
	set := lifecycle.Dataset{Role: d.told("dataUsage"), DataType: d.told("dataType"), Items: d.whole("dataQuantity", false), URI: d.text("sourceUri", false)}
	if set.Role != "" && set.Role != "input" && set.Role != "output" {
		d.wrong("dataUsage", "is %q, which is neither input nor output", shortened(set.Role))
	}
	if set.DataType != "" && !slices.Contains(boampsDataTypes, set.DataType) {
		d.wrong("dataType", "is %q, which is none of %s", shortened(set.DataType), strings.Join(boampsDataTypes, ", "))
	}
	if gb := d.number("dataSize", false, 9e6); gb != nil {
		bytes := int64(math.Round(*gb * 1e9))
		set.Bytes = &bytes
	}
	if set.Role == "input" && stageOfBoAmps(stage).Phase() == lifecycle.PhaseTraining && stageOfBoAmps(stage) != lifecycle.ModelEvaluation {
		set.Role = "train"
		im.guess("/technology/ml/datasets/"+strconv.Itoa(i)+"/role", "train: it is the input of %q", stage)
	}
	ml.Datasets = append(ml.Datasets, set)
}

// site tells where it ran.
func (im *importing) site(report, site node) {
	var e lifecycle.Environment
	switch infra := site.told("infraType"); infra {
	case "":
	case "other":
		e.Infrastructure = "other"
	default:
		for ours, theirs := range boampsInfrastructure {
			if theirs == infra {
				e.Infrastructure = ours
			}
		}
		if e.Infrastructure == "" {
			site.wrong("infraType", "is %q, which is none of publicCloud, privateCloud, onPremise, other", shortened(infra))
		}
	}
	e.Provider, e.InstanceType = strings.ToLower(site.text("cloudProvider", false)), site.text("cloudInstance", false)
	for ours, theirs := range boampsProviders {
		if e.Provider == theirs {
			e.Provider = ours
		}
	}
	place := report.child("environment", false)
	if name := place.text("country", place.members != nil); name != "" {
		code, err := factors.Country(name)
		if err != nil {
			im.guess("/environments/0/country", "%v: not known", err)
		}
		e.Country = code
	}
	location := place.text("location", false)
	if _, _, err := factors.CloudPlace(e.Provider, location); err == nil {
		e.Region = location
	}
	if g := place.number("powerSourceCarbonIntensity", false, maxFigure); g != nil {
		q, _ := reportError(report.text("quality", false))
		e.Factors.Grid = im.factor(factors.Factor{
			ID: "grid.boamps", Kind: factors.Grid, Value: *g, Low: *g / (1 + q), High: *g * (1 + q), Unit: "gCO2e/kWh", Geography: e.Country,
			Source: "the report; taken for the average life-cycle intensity of the production mix",
		})
	}
	im.place(e)
}

// reportError is the error that a report's quality stands for, as a ratio less
// 1: 50 % below is half, and half to twice has it. What is none is told as that.
func reportError(quality string) (e float64, known bool) {
	for _, c := range boampsQualities {
		if c.word == quality {
			return c.error / (1 - c.error), true
		}
	}
	return 1, false
}

// components adds the devices, in one node where several are measured together,
// and returns the id of what was measured.
func (im *importing) components(site node, m *measured) (whole string) {
	parts := site.children("components")
	if len(parts) > 1 && !m.apart() {
		whole = im.device(lifecycle.Hardware{ID: "machine", Kind: lifecycle.KindOther})
		im.guess("/hardware/0", "the report tells what all components used together: they are taken for one machine")
	}
	for i, c := range parts {
		h := lifecycle.Hardware{Kind: componentKind(c.told("componentType")), Model: c.text("componentName", false), Vendor: c.text("manufacturer", false), PartOf: whole}
		if n := c.whole("nbComponent", true); n != nil {
			if *n < 1 || *n > 1<<31 {
				c.wrong("nbComponent", "is %d, and not from 1 on", *n)
			}
			h.Count = int(*n)
		}
		if share := c.number("share", false, 1); i == 0 && share != nil {
			m.share = *share
		} else if share == nil || *share != m.share {
			m.share = 0 // not one for all
		}
		if gb := c.number("memorySize", false, 9e6); gb != nil && *gb > 0 && h.Kind != lifecycle.KindCPU {
			bytes := int64(math.Round(*gb * 1e9))
			if h.Kind == lifecycle.KindMemory && m.tool("codecarbon") && *gb != math.Trunc(*gb) { // rounded by hand it may be either
				bytes = int64(math.Round(*gb * bytesPerGB))
				im.guess("/hardware/"+strconv.Itoa(len(im.rec.Hardware))+"/memory_bytes", "GB are of 2^30 bytes where CodeCarbon tells the memory")
			}
			h.MemoryBytes = &bytes
		}
		if n, name := codeCarbonGPU("", h.Model); n > 0 {
			h.Model = name // "2 x NVIDIA A100": nbComponent tells the number
		}
		at := "/hardware/" + strconv.Itoa(len(im.rec.Hardware))
		if h.Kind == lifecycle.KindCPU && h.Count > 1 && m.tool("codecarbon") {
			im.guess(at+"/count", "CodeCarbon's reports count logical processors or cores, here %d, and not packages: one", h.Count)
			h.Count = 1
		}
		id := im.device(h)
		if len(parts) == 1 {
			whole = id
		}
	}
	return whole
}

// componentKind reads a free text.
func componentKind(text string) lifecycle.HardwareKind {
	switch strings.ToLower(text) {
	case "cpu", "gpu", "npu", "fpga", "node", "network", "board", "mcu", "device", "service", "storage", "memory":
		return lifecycle.HardwareKind(strings.ToLower(text))
	case "ram", "dram":
		return lifecycle.KindMemory
	case "hdd", "ssd", "sdd", "disk": // sdd: BoAmps' own example
		return lifecycle.KindStorage
	case "tpu":
		return "npu"
	case "server", "machine":
		return lifecycle.KindNode
	}
	return lifecycle.KindOther
}

// measures books what was measured.
func (im *importing) measures(report, task node, m *measured, whole string) {
	quality := report.text("quality", false)
	e, known := reportError(quality)
	if quality != "" && !known {
		report.wrong("quality", "is %q, which is none of high, medium, low", shortened(quality))
	}
	if len(*report.problems) > 0 || len(im.rec.Hardware) == 0 {
		return // nothing can be booked
	}
	if quality == "" {
		im.guess("/methods/0/rel_error", "the report tells no quality: that of low, 50 %%")
	}
	var readings []reading
	for _, one := range m.taken {
		device := whole
		if m.apart() {
			i := slices.IndexFunc(im.rec.Hardware, func(h lifecycle.Hardware) bool { return h.Kind == one.covers })
			if i < 0 {
				device = im.device(lifecycle.Hardware{Kind: one.covers})
			} else {
				device = im.rec.Hardware[i].ID
			}
		}
		meter := im.meter(lifecycle.MethodEntry{
			ID: "boamps", Method: one.method, Sensor: cmp.Or(one.sensor, one.name), Tool: one.name, Version: one.version, RelError: e,
		})
		if one.why != "" {
			im.guess("/methods/"+strconv.Itoa(len(im.rec.Methods)-1)+"/method", "%s", one.why)
		}
		readings = append(readings, reading{device: device, meter: meter, joules: one.kWh * joulesPerKWh, share: m.share})
	}
	for _, other := range m.left {
		im.guess("/phases/0/energy_j", "%q tells %v kWh besides: it may be of the same, and is left out", shortened(other.name), other.kWh)
	}
	word := task.told("taskStage")
	stage := stageOfBoAmps(word)
	switch {
	case strings.Contains(word, "+"):
		stage = lifecycle.Unassigned
		im.guess("/phases/0/stage", "the report does not divide its energy among %q: unassigned", shortened(word))
	case stage == "":
		stage = lifecycle.Unassigned
		im.guess("/phases/0/stage", "%q is no stage that is known: unassigned", shortened(word))
	}
	if word == "retraining" {
		im.rec.Technology.ML.TrainingType = "retraining"
	}
	im.stage(stage, cmp.Or(word, "task"), m.seconds, readings)
}
