package export

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/ecotracer/ecotracer/factors"
	"github.com/ecotracer/ecotracer/lifecycle"
)

// The members of a report that we fill; what they mean is in BoAmps' schemas.
type (
	boReport struct {
		Header         boHeader         `json:"header"`
		Task           boTask           `json:"task"`
		Measures       []boMeasure      `json:"measures"`
		System         *boSystem        `json:"system,omitempty"`
		Infrastructure boInfrastructure `json:"infrastructure"`
		Environment    *boEnvironment   `json:"environment,omitempty"`
		Quality        string           `json:"quality,omitempty"`
	}
	boHeader struct {
		Licensing        string      `json:"licensing,omitempty"`
		FormatVersion    string      `json:"formatVersion"`
		SpecificationURI string      `json:"formatVersionSpecificationUri"`
		ReportID         string      `json:"reportId"`
		ReportDatetime   string      `json:"reportDatetime"`
		ReportStatus     string      `json:"reportStatus"`
		Publisher        boPublisher `json:"publisher"`
	}
	boPublisher struct {
		Name            string `json:"name,omitempty"`
		Division        string `json:"division,omitempty"`
		ProjectName     string `json:"projectName,omitempty"`
		Confidentiality string `json:"confidentialityLevel"`
	}
	boTask struct {
		TaskStage        string        `json:"taskStage"`
		TaskFamily       string        `json:"taskFamily"`
		NbRequest        *int64        `json:"nbRequest,omitempty"`
		Algorithms       []boAlgorithm `json:"algorithms"`
		Dataset          []boDataset   `json:"dataset"`
		MeasuredAccuracy *float64      `json:"measuredAccuracy,omitempty"`
		TaskDescription  string        `json:"taskDescription,omitempty"`
	}
	boAlgorithm struct {
		TrainingType        string   `json:"trainingType,omitempty"`
		AlgorithmType       string   `json:"algorithmType,omitempty"`
		AlgorithmName       string   `json:"algorithmName,omitempty"`
		AlgorithmURI        string   `json:"algorithmUri,omitempty"`
		FoundationModelName string   `json:"foundationModelName,omitempty"`
		FoundationModelURI  string   `json:"foundationModelUri,omitempty"`
		ParametersNumber    *float64 `json:"parametersNumber,omitempty"` // 1e9
		Framework           string   `json:"framework,omitempty"`
		FrameworkVersion    string   `json:"frameworkVersion,omitempty"`
		LayersNumber        *int64   `json:"layersNumber,omitempty"`
		EpochsNumber        *int64   `json:"epochsNumber,omitempty"`
		Optimizer           string   `json:"optimizer,omitempty"`
		Quantization        string   `json:"quantization,omitempty"`
	}
	boDataset struct {
		DataUsage    string   `json:"dataUsage"`
		DataType     string   `json:"dataType"`
		DataSize     *float64 `json:"dataSize,omitempty"` // 1e9 bytes
		DataQuantity *int64   `json:"dataQuantity,omitempty"`
		SourceURI    string   `json:"sourceUri,omitempty"`
	}
	boMeasure struct {
		MeasurementMethod   string   `json:"measurementMethod"`
		Version             string   `json:"version,omitempty"`
		CPUTrackingMode     string   `json:"cpuTrackingMode,omitempty"`
		GPUTrackingMode     string   `json:"gpuTrackingMode,omitempty"`
		PowerConsumption    float64  `json:"powerConsumption"` // kWh
		MeasurementDuration *float64 `json:"measurementDuration,omitempty"`
		MeasurementDateTime string   `json:"measurementDateTime,omitempty"`
	}
	boSystem struct {
		OS string `json:"os"`
	}
	boInfrastructure struct {
		InfraType     string        `json:"infraType"`
		CloudProvider string        `json:"cloudProvider,omitempty"`
		CloudInstance string        `json:"cloudInstance,omitempty"`
		Components    []boComponent `json:"components"`
	}
	boComponent struct {
		ComponentName string   `json:"componentName,omitempty"`
		ComponentType string   `json:"componentType"`
		NbComponent   int      `json:"nbComponent"`
		MemorySize    *float64 `json:"memorySize,omitempty"` // 1e9 bytes, of one
		Manufacturer  string   `json:"manufacturer,omitempty"`
		Share         *float64 `json:"share,omitempty"`
	}
	boEnvironment struct {
		Country         string   `json:"country"`
		Location        string   `json:"location,omitempty"`
		CarbonIntensity *float64 `json:"powerSourceCarbonIntensity,omitempty"`
	}
)

const (
	boampsTime = "2006-01-02 15:04:05"

	// The commit of the schemas that reports are of: they have no other name, for
	// their addresses are those of what changes.
	boampsSpecification = "https://github.com/Boavizta/BoAmps/tree/3bfefec8446ee196d1723c0e35859eb7762da3c9/model"
)

// The words of BoAmps for ours. What has none of its own is other.
var (
	boampsInfrastructure = map[string]string{
		"public-cloud": "publicCloud", "private-cloud": "privateCloud", "on-premise": "onPremise", "edge": "other", "desk": "other", "other": "other",
	}
	boampsParadigm = map[string]string{
		"supervised": "supervisedLearning", "unsupervised": "unsupervisedLearning", "semi-supervised": "semiSupervisedLearning",
		"self-supervised": "selfSupervisedLearning", "reinforcement-learning": "reinforcementLearning", "other": "other",
	}
	boampsProviders  = map[string]string{"gcp": "google", "ovhcloud": "ovh"}
	boampsComponents = map[lifecycle.HardwareKind]string{lifecycle.KindMemory: "ram", lifecycle.KindStorage: "storage"}
	boampsDataTypes  = []string{"tabular", "audio", "boolean", "image", "video", "object", "text", "token", "word", "other"}
)

// boampsReport is the report of a stage, nil for the run.
func boampsReport(r *lifecycle.Record, stage *lifecycle.PhaseEntry, o Options) (any, error) {
	report, err := boampsProjection(r, stage, o)
	if err != nil || stage != nil {
		return report, err
	}
	if original, same := boampsUnchanged(r, report, o); same {
		return original, nil
	}
	return report, nil
}

// boampsProjection is what a record tells, in BoAmps' words.
func boampsProjection(r *lifecycle.Record, stage *lifecycle.PhaseEntry, o Options) (*boReport, error) {
	if len(r.Hardware) == 0 {
		return nil, fmt.Errorf("export: boamps: a report names at least one component, and the record has no hardware")
	}
	var asked []Input
	task := boampsTask(r, stage, o, &asked)
	infrastructure := boampsSite(r, o, &asked)
	if asked != nil {
		return nil, &InputError{Format: "BoAmps", Inputs: asked}
	}
	for _, choice := range []struct {
		option, value string
		of            []string // in BoAmps' words
		words         []string // that are told
	}{
		{"DataType", task.Dataset[0].DataType, boampsDataTypes, boampsDataTypes},
		{"Infrastructure", infrastructure.InfraType, []string{"publicCloud", "privateCloud", "onPremise", "other"}, slices.Sorted(maps.Keys(boampsInfrastructure))},
	} {
		if !slices.Contains(choice.of, choice.value) {
			return nil, fmt.Errorf("export: boamps: Options.%s: %q is none of %s", choice.option, choice.value, strings.Join(choice.words, ", "))
		}
	}
	infrastructure.Components = boampsHardware(r, stage)
	return &boReport{
		Header: boampsHeader(r, stage), Task: *task, Measures: []boMeasure{boampsMeasure(r, stage)},
		System: &boSystem{r.Generator.OS}, Infrastructure: *infrastructure, Environment: boampsEnvironment(r),
		Quality: boampsQuality(boampsEnergy(r, stage)),
	}, nil
}

func boampsHeader(r *lifecycle.Record, stage *lifecycle.PhaseEntry) boHeader {
	h := boHeader{
		Licensing: r.Publisher.Licence, FormatVersion: "1.1.0", SpecificationURI: boampsSpecification,
		ReportID: r.Run.ID, ReportDatetime: r.CreatedAt.UTC().Format(boampsTime), ReportStatus: "final",
		Publisher: boPublisher{r.Publisher.Name, r.Publisher.Division, r.Publisher.Project, r.Publisher.Confidentiality},
	}
	switch {
	case r.Run.Status == lifecycle.Running:
		h.ReportStatus = "draft"
	case len(r.Supersedes) > 0:
		h.ReportStatus = "corrective"
	}
	if stage != nil {
		h.ReportID = importedID(r.CreatedAt, []byte(r.Run.ID), []byte(stage.Stage))
	}
	return h
}

func boampsTask(r *lifecycle.Record, stage *lifecycle.PhaseEntry, o Options, asked *[]Input) *boTask {
	ml := r.Technology.ML
	if ml == nil {
		ml = &lifecycle.ML{}
	}
	t := &boTask{
		TaskStage: boampsRun(r), TaskFamily: cmp.Or(ml.Task, o.Task), TaskDescription: boampsDescription(r),
		Algorithms: []boAlgorithm{boampsAlgorithm(ml)},
	}
	if stage != nil {
		t.TaskStage = boampsStage(stage.Stage)
	}
	if t.TaskFamily == "" {
		*asked = append(*asked, Input{"Task", "/technology/ml/task", "the family of the task, such as text-generation"})
	}
	t.Dataset = boampsDatasets(ml, o, asked)
	if strings.Contains(t.TaskStage, "inference") {
		t.NbRequest = ml.Requests
	}
	if i := boampsAccuracy(ml); i >= 0 {
		t.MeasuredAccuracy = &ml.Evaluation[i].Value
	}
	return t
}

// boampsAccuracy is the evaluation that BoAmps has a place for, the test's
// before others; -1 if there is none.
func boampsAccuracy(ml *lifecycle.ML) int {
	found := -1
	for i, e := range ml.Evaluation {
		if e.Metric == "accuracy" && e.Value >= 0 && e.Value <= 1 && (found < 0 || e.Split == "test") {
			found = i
		}
	}
	return found
}

// boampsDescription is the use case, and the boundary, for which BoAmps has no
// member.
func boampsDescription(r *lifecycle.Record) string {
	return strings.TrimSpace(r.UseCase.Description + " " + boampsBoundary + string(r.Run.Boundary) + ".")
}

const boampsBoundary = "Energy without PUE; boundary: "

func boampsAlgorithm(ml *lifecycle.ML) boAlgorithm {
	a := boAlgorithm{
		TrainingType: boampsParadigm[ml.LearningParadigm], LayersNumber: ml.Layers, EpochsNumber: ml.Epochs,
		Optimizer: ml.Optimizer, Quantization: ml.Precision,
	}
	if ml.Algorithm != nil {
		a.AlgorithmName, a.AlgorithmType, a.AlgorithmURI = ml.Algorithm.Name, ml.Algorithm.Type, ml.Algorithm.URI
	}
	if ml.BaseModel != nil {
		a.FoundationModelName, a.FoundationModelURI = ml.BaseModel.Name, ml.BaseModel.URI
	}
	if ml.Framework != nil {
		a.Framework, a.FrameworkVersion = ml.Framework.Name, ml.Framework.Version
	}
	if ml.Parameters != nil && ml.Parameters.Total != nil {
		billions := float64(*ml.Parameters.Total) / 1e9
		a.ParametersNumber = &billions
	}
	return a
}

func boampsDatasets(ml *lifecycle.ML, o Options, asked *[]Input) (list []boDataset) {
	for i, d := range ml.Datasets {
		usage := "input"
		if d.Role == "output" {
			usage = "output"
		}
		b := boDataset{DataUsage: usage, DataType: cmp.Or(d.DataType, o.DataType), DataQuantity: d.Items, SourceURI: d.URI}
		if d.Bytes != nil {
			size := float64(*d.Bytes) / 1e9
			b.DataSize = &size
		}
		if b.DataType == "" {
			*asked = append(*asked, boampsDataType("/technology/ml/datasets/"+strconv.Itoa(i)+"/data_type"))
		}
		list = append(list, b)
	}
	if list == nil {
		list = []boDataset{{DataUsage: "input", DataType: o.DataType}}
		if o.DataType == "" {
			*asked = append(*asked, boampsDataType("/technology/ml/datasets"))
		}
	}
	return list
}

func boampsDataType(path string) Input {
	return Input{"DataType", path, "the type of data: one of " + strings.Join(boampsDataTypes, ", ")}
}

// boampsEnergy is the IT energy of a stage, nil for the run.
func boampsEnergy(r *lifecycle.Record, stage *lifecycle.PhaseEntry) lifecycle.Quantity {
	if stage == nil {
		return r.Totals.EnergyJ
	}
	return *stage.EnergyJ
}

func boampsMeasure(r *lifecycle.Record, stage *lifecycle.PhaseEntry) boMeasure {
	m := boMeasure{
		MeasurementMethod: r.Generator.Name, Version: r.Generator.Version,
		PowerConsumption: boampsEnergy(r, stage).Value / joulesPerKWh,
	}
	if tool := r.Methods; len(tool) > 0 && tool[0].Tool != "" && !slices.ContainsFunc(tool, func(o lifecycle.MethodEntry) bool { return o.Tool != tool[0].Tool }) {
		m.MeasurementMethod, m.Version = tool[0].Tool, tool[0].Version
	}
	m.CPUTrackingMode = boampsTracking(r, stage, lifecycle.KindCPU)
	m.GPUTrackingMode = boampsTracking(r, stage, lifecycle.KindGPU)
	begin, seconds := r.Run.StartedAt, &r.Run.DurationS
	if stage != nil {
		begin, seconds = stage.StartedAt, stage.DurationS
	}
	if *seconds > 0 || begin != nil { // else the time of an estimate is not known
		m.MeasurementDuration = seconds
	}
	if begin != nil {
		m.MeasurementDateTime = begin.UTC().Format(boampsTime)
	}
	return m
}

// boampsTracking names the sensors that told what devices of a kind used.
func boampsTracking(r *lifecycle.Record, stage *lifecycle.PhaseEntry, kind lifecycle.HardwareKind) string {
	var sensors []string
	for _, u := range boampsRows(r, stage) {
		if u.EnergyJ == nil || !slices.ContainsFunc(r.Hardware, func(h lifecycle.Hardware) bool { return h.ID == u.Hardware && h.Kind == kind }) {
			continue
		}
		for _, m := range r.Methods {
			if m.ID == u.Meter && !slices.Contains(sensors, m.Sensor) {
				sensors = append(sensors, m.Sensor)
			}
		}
	}
	return strings.Join(sensors, "+")
}

// boampsRows are the rows of a stage, nil for all of the run's.
func boampsRows(r *lifecycle.Record, stage *lifecycle.PhaseEntry) (rows []lifecycle.Usage) {
	if stage != nil {
		return stage.Usage
	}
	for _, p := range operational(r) {
		rows = append(rows, p.Usage...)
	}
	return rows
}

// boampsHome is the environment that used the most energy: BoAmps has one.
func boampsHome(r *lifecycle.Record) *lifecycle.Environment {
	if len(r.Environments) == 0 {
		return &lifecycle.Environment{}
	}
	place, joules := map[string]string{}, map[string]float64{}
	for _, h := range r.Hardware {
		place[h.ID] = h.Environment
	}
	for _, u := range boampsRows(r, nil) {
		if u.EnergyJ != nil {
			joules[place[u.Hardware]] += u.EnergyJ.Value
		}
	}
	home := &r.Environments[0]
	for i := range r.Environments {
		if e := &r.Environments[i]; joules[e.ID] > joules[home.ID] {
			home = e
		}
	}
	return home
}

func boampsSite(r *lifecycle.Record, o Options, asked *[]Input) *boInfrastructure {
	e := boampsHome(r)
	i := &boInfrastructure{CloudProvider: cmp.Or(boampsProviders[e.Provider], e.Provider), CloudInstance: e.InstanceType}
	told := cmp.Or(e.Infrastructure, o.Infrastructure)
	i.InfraType = cmp.Or(boampsInfrastructure[told], told)
	if told == "" {
		at := slices.IndexFunc(r.Environments, func(o lifecycle.Environment) bool { return o.ID == e.ID })
		*asked = append(*asked, Input{
			"Infrastructure", "/environments/" + strconv.Itoa(max(at, 0)) + "/infrastructure",
			"what it ran on: one of on-premise, private-cloud, public-cloud, edge, desk, other",
		})
	}
	return i
}

// boampsHardware lists the components with the share of each, over the time that
// it was held.
func boampsHardware(r *lifecycle.Record, stage *lifecycle.PhaseEntry) (list []boComponent) {
	type held struct{ share, time float64 }
	uses := map[string]held{}
	unknown := map[string]bool{}
	for _, u := range boampsRows(r, stage) {
		if u.Share == nil || u.Count == nil || u.UseS == nil {
			unknown[u.Hardware] = true
			continue
		}
		t := float64(*u.Count) * *u.UseS
		uses[u.Hardware] = held{uses[u.Hardware].share + *u.Share*t, uses[u.Hardware].time + t}
	}
	for _, h := range r.Hardware {
		c := boComponent{
			ComponentName: h.Model, ComponentType: cmp.Or(boampsComponents[h.Kind], string(h.Kind)), NbComponent: h.Count, Manufacturer: h.Vendor,
		}
		if h.MemoryBytes != nil && h.Kind != lifecycle.KindCPU && h.Kind != lifecycle.KindNode { // whose memory is a component of its own
			size := float64(*h.MemoryBytes) / 1e9
			c.MemorySize = &size
		}
		if u := uses[h.ID]; u.time > 0 && !unknown[h.ID] {
			share := min(u.share/u.time, 1)
			c.Share = &share
		}
		list = append(list, c)
	}
	return list
}

// boampsEnvironment is nil where no country is known.
func boampsEnvironment(r *lifecycle.Record) *boEnvironment {
	home := boampsHome(r)
	name, _ := factors.CountryName(home.Country)
	if name == "" {
		return nil
	}
	e := &boEnvironment{Country: name, Location: cmp.Or(home.Region, home.Subdivision)}
	for i := range r.Factors {
		if r.Factors[i].ID == home.Factors.Grid {
			e.CarbonIntensity = &r.Factors[i].Value
		}
	}
	return e
}

// boampsQualities are the classes of BoAmps by relative error.
var boampsQualities = []struct {
	word  string
	error float64
}{{"high", 0.10}, {"medium", 0.25}, {"low", 0.50}}

// boampsQuality is the class of an interval, "" if it is wider than any.
func boampsQuality(q lifecycle.Quantity) string {
	for _, c := range boampsQualities {
		if q.Low >= q.Value*(1-c.error) && q.High <= q.Value*(1+c.error) {
			return c.word
		}
	}
	return ""
}

// boampsHeld is what a reader of the reports gets back.
func boampsHeld(r *lifecycle.Record, o Options) *holding {
	if !o.Bare {
		return &holding{all: true}
	}
	h := &holding{}
	h.hold("/created_at", "/run/boundary", "/generator/os",
		"/publisher/confidentiality", "/publisher/name", "/publisher/division", "/publisher/project", "/publisher/licence",
		"/use_case/description")
	for _, m := range []string{
		"task", "algorithm", "base_model/name", "base_model/uri", "parameters/total", "layers", "learning_paradigm", "optimizer", "epochs", "precision", "framework",
		"datasets/*/data_type", "datasets/*/items", "datasets/*/bytes", "datasets/*/uri",
	} {
		h.hold("/technology/ml/" + m)
	}
	if boampsMeasure(r, nil).MeasurementMethod == r.Generator.Name {
		h.hold("/generator/name", "/generator/version")
	}
	if ml := r.Technology.ML; ml != nil {
		if strings.Contains(boampsRun(r), "inference") {
			h.hold("/technology/ml/requests")
		}
		if i := boampsAccuracy(ml); i >= 0 {
			at := "/technology/ml/evaluation/" + strconv.Itoa(i)
			h.hold(at+"/metric", at+"/value")
		}
	}
	home := boampsHome(r)
	for i, e := range r.Environments {
		if e.ID != home.ID {
			continue
		}
		at := "/environments/" + strconv.Itoa(i)
		h.hold(at+"/provider", at+"/instance_type")
		if e.Infrastructure != "edge" && e.Infrastructure != "desk" { // which are other
			h.hold(at + "/infrastructure")
		}
		switch {
		case e.Country == "":
		case e.Region != "":
			h.hold(at+"/country", at+"/region")
		default:
			h.hold(at+"/country", at+"/subdivision")
		}
	}
	for i, f := range r.Factors {
		if f.ID == home.Factors.Grid && home.Country != "" {
			h.hold("/factors/" + strconv.Itoa(i) + "/value")
		}
	}
	h.hold("/hardware/*/kind", "/hardware/*/count", "/hardware/*/model", "/hardware/*/vendor")
	for i, d := range r.Hardware {
		if d.Kind != lifecycle.KindCPU && d.Kind != lifecycle.KindNode {
			h.hold("/hardware/" + strconv.Itoa(i) + "/memory_bytes")
		}
	}
	if o.PerStage {
		for i, p := range r.Phases {
			if !p.Stage.Device() {
				for _, m := range []string{"phase", "stage", "started_at", "duration_s", "energy_j/value"} {
					h.hold("/phases/" + strconv.Itoa(i) + "/" + m)
				}
			}
		}
		return h
	}
	h.hold("/run/id", "/run/started_at", "/run/ended_at", "/run/duration_s", "/totals/energy_j/value")
	return h
}

// parsedTime reads a time as reports have it; zoned tells whether its zone is
// told.
func parsedTime(text string) (t time.Time, zoned bool, err error) {
	for i, layout := range []string{boampsTime, codeCarbonTime, time.RFC3339, "2006-01-02 15:04:05Z07:00"} { // fractions of a second are read, too
		if t, err = time.Parse(layout, text); err == nil && t.Year() >= 1970 && t.Year() < 3000 {
			return t.UTC(), i >= 2, nil
		}
	}
	return t, false, fmt.Errorf("%q is no time such as %s", shortened(text), boampsTime)
}
