package export

import (
	"bytes"
	"encoding/json"
	"fmt"
	"path"
	"slices"
	"strings"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/ecotracer/ecotracer/lifecycle"
)

// boampsSchema is the official one, which is in five files that refer to one
// another by address.
func boampsSchema(t testing.TB) *jsonschema.Schema {
	t.Helper()
	const at = "https://raw.githubusercontent.com/Boavizta/BoAmps/main/model/"
	c := jsonschema.NewCompiler()
	for _, part := range []string{"report", "algorithm", "dataset", "hardware", "measure"} {
		file := part + "_schema.json"
		doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(reference(t, path.Join("schemas/boamps/model", file))))
		require.NoError(t, err)
		require.NoError(t, c.AddResource(at+file, doc))
	}
	s, err := c.Compile(at + "report_schema.json")
	require.NoError(t, err)
	return s
}

// boampsOf writes a record.
func boampsOf(t testing.TB, r *lifecycle.Record, o Options) (text string, losses []Loss) {
	t.Helper()
	var out bytes.Buffer
	losses, err := BoAmps(&out, r, o)
	require.NoError(t, err)
	return out.String(), losses
}

func encoded(t testing.TB, r *lifecycle.Record) string {
	t.Helper()
	var b bytes.Buffer
	require.NoError(t, lifecycle.Encode(&b, r))
	return b.String()
}

// boampsTold is what a record may lack.
var boampsTold = Options{Task: "chatbot", DataType: "token", Infrastructure: "public-cloud"}

func TestReportsAreValidByTheOfficialSchema(t *testing.T) {
	schema := boampsSchema(t)
	for _, o := range []Options{{}, {Bare: true}, {PerStage: true}, {PerStage: true, Bare: true}} {
		text, _ := boampsOf(t, exampleRecord(t), o)
		dec := json.NewDecoder(strings.NewReader(text))
		var reports int
		for ; dec.More(); reports++ {
			var raw json.RawMessage
			require.NoError(t, dec.Decode(&raw))
			doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(raw))
			require.NoError(t, err)
			assert.NoError(t, schema.Validate(doc))
		}
		if o.PerStage {
			assert.Equal(t, 4, reports)
			assert.Equal(t, 4, strings.Count(text, "\n"), "a report a line")
		} else {
			assert.Equal(t, 1, reports)
		}
	}
}

// Trap 72: with all of its lists.
func TestARecordInAReportComesBackByteForByte(t *testing.T) {
	for _, o := range []Options{{}, {PerStage: true}} {
		r := exampleRecord(t)
		r.Run.Name = "</script> é & <b>\u2028"
		require.NoError(t, r.Seal())
		text, losses := boampsOf(t, r, o)
		assert.Empty(t, losses)
		back, err := ReadBoAmps(strings.NewReader(text))
		require.NoError(t, err)
		require.Len(t, back, 1, "the reports of the stages hold one record")
		assert.Equal(t, encoded(t, r), encoded(t, back[0].Record))
		assert.Empty(t, back[0].Guesses)
	}
}

func TestAReportThatWasChangedAroundItsRecordIsTold(t *testing.T) {
	text, _ := boampsOf(t, exampleRecord(t), Options{})
	changed := strings.Replace(text, `"taskStage": "`, `"taskStage": "inference+`, 1)
	changed = strings.Replace(changed, `"header": {`, `"note": "more", "header": {`, 1)
	back, err := ReadBoAmps(strings.NewReader(changed))
	require.NoError(t, err)
	assert.Equal(t, encoded(t, exampleRecord(t)), encoded(t, back[0].Record))
	told := fmt.Sprint(back[0].Guesses)
	assert.Contains(t, told, "/task/taskStage")
	assert.Contains(t, told, "/note")
	assert.Len(t, back[0].Guesses, 2)

	changed = strings.Replace(text, `"boundary":"node"`, `"boundary":"facility"`, 1)
	back, err = ReadBoAmps(strings.NewReader(changed))
	require.NoError(t, err)
	assert.Contains(t, fmt.Sprint(back[0].Guesses), "/ecotracer/boundary")

	changed = strings.Replace(text, `"self_j"`, `"self_joules"`, 1)
	_, err = ReadBoAmps(strings.NewReader(changed))
	assert.ErrorContains(t, err, "/ecotracer/record: ")

	changed = strings.Replace(text, `"value": 8180`, `"value": 9180`, 1)
	require.NotEqual(t, text, changed)
	_, err = ReadBoAmps(strings.NewReader(changed))
	assert.ErrorContains(t, err, "the record is not valid", "every sum in it is redone")
}

// Traps 63, 67, 68 and 69: energy without PUE, parameters in billions, the memory
// of one component, and the begin.
func TestReportsAreInTheUnitsOfBoAmps(t *testing.T) {
	r := exampleRecord(t)
	r.Technology.ML.Parameters.Total = new(int64)
	*r.Technology.ML.Parameters.Total = 13_000_000_000
	p, err := boampsProjection(r, nil, Options{})
	require.NoError(t, err)
	assert.Equal(t, 434780/3.6e6, p.Measures[0].PowerConsumption, "IT energy, without PUE")
	assert.Equal(t, "2026-05-04 06:00:00", p.Measures[0].MeasurementDateTime, "the begin")
	assert.Equal(t, 1000.0, *p.Measures[0].MeasurementDuration)
	assert.Equal(t, "rapl", p.Measures[0].CPUTrackingMode)
	assert.Equal(t, "nvml", p.Measures[0].GPUTrackingMode)
	assert.Equal(t, 13.0, *p.Task.Algorithms[0].ParametersNumber)
	assert.Equal(t, "supervisedLearning", p.Task.Algorithms[0].TrainingType, "the paradigm, and not from-scratch")
	assert.Equal(t, 68.719476736, *p.Infrastructure.Components[2].MemorySize)
	assert.Equal(t, "ram", p.Infrastructure.Components[2].ComponentType)
	assert.Equal(t, 2, p.Infrastructure.Components[3].NbComponent)
	assert.Equal(t, 0.25, *p.Infrastructure.Components[0].Share)
	assert.Equal(t, "onPremise", p.Infrastructure.InfraType)
	assert.Equal(t, "Iceland", p.Environment.Country)
	assert.Equal(t, 28.0, *p.Environment.CarbonIntensity)
	assert.Equal(t, "preprocessing+training+inference", p.Task.TaskStage)
	assert.Contains(t, p.Task.TaskDescription, "Energy without PUE; boundary: node.")
	assert.Equal(t, "high", p.Quality)

	stage, err := boampsProjection(r, operational(r)[2], Options{})
	require.NoError(t, err)
	assert.Equal(t, 405000/3.6e6, stage.Measures[0].PowerConsumption)
	assert.Equal(t, 700.0, *stage.Measures[0].MeasurementDuration)
	assert.Equal(t, "2026-05-04 06:03:20", stage.Measures[0].MeasurementDateTime)
	assert.Equal(t, "training", stage.Task.TaskStage)
	assert.NotEqual(t, p.Header.ReportID, stage.Header.ReportID)
}

func TestTheStagesAddUpToTheRun(t *testing.T) {
	r := exampleRecord(t)
	var sum float64
	for _, p := range operational(r) {
		stage, err := boampsProjection(r, p, Options{})
		require.NoError(t, err)
		sum += stage.Measures[0].PowerConsumption
	}
	assert.InEpsilon(t, r.Totals.EnergyJ.Value/3.6e6, sum, 1e-12)
}

func TestQualityIsTheIntervalOfTheEnergy(t *testing.T) {
	for want, e := range map[string]float64{"high": 0.1, "medium": 0.25, "low": 0.5, "": 0.6} {
		assert.Equal(t, want, boampsQuality(lifecycle.Quantity{Value: 100, Low: 100 * (1 - e), High: 100 * (1 + e)}), e)
	}
	assert.Equal(t, "", boampsQuality(lifecycle.Quantity{Value: 100, Low: 50, High: 200}), "half to twice is wider than 50 %")
}

func TestWhatIsMissingIsAskedForAllAtOnceAndByName(t *testing.T) {
	r := exampleRecord(t)
	r.Technology.ML.Task, r.Technology.ML.Datasets[0].DataType, r.Environments[0].Infrastructure = "", "", ""
	lifecycle.FillMissing(r)
	require.Empty(t, errorsIn(r))
	_, err := BoAmps(&bytes.Buffer{}, r, Options{})
	var asked *InputError
	require.ErrorAs(t, err, &asked)
	var options, paths []string
	for _, in := range asked.Inputs {
		options, paths = append(options, in.Option), append(paths, in.Path)
	}
	assert.Equal(t, []string{"Task", "DataType", "Infrastructure"}, options)
	assert.Equal(t, []string{"/technology/ml/task", "/technology/ml/datasets/0/data_type", "/environments/0/infrastructure"}, paths)

	for _, perStage := range []bool{false, true} {
		o := boampsTold
		o.PerStage = perStage
		text, _ := boampsOf(t, r, o)
		back, err := ReadBoAmps(strings.NewReader(text))
		require.NoError(t, err)
		assert.Equal(t, encoded(t, r), encoded(t, back[0].Record), "what was told beside the record is not in it")
		assert.Empty(t, back[0].Guesses)
	}
	o := boampsTold
	o.DataType = "words"
	_, err = BoAmps(&bytes.Buffer{}, r, o)
	assert.ErrorContains(t, err, `Options.DataType: "words" is none of`)
}

func TestAnInvalidRecordIsNotWritten(t *testing.T) {
	r := exampleRecord(t)
	r.Phases[0].EnergyJ.Value = -1
	var out bytes.Buffer
	_, err := BoAmps(&out, r, Options{})
	assert.ErrorContains(t, err, "the record is not valid")
	assert.Empty(t, out.String())
}

func TestABareReportTellsWhatItLoses(t *testing.T) {
	text, losses := boampsOf(t, exampleRecord(t), Options{Bare: true})
	assert.NotContains(t, text, "ecotracer\": {")
	var paths []string
	for _, l := range losses {
		paths = append(paths, l.Path)
	}
	for _, lost := range []string{"/totals/energy_j/low", "/totals/operational_gco2e", "/spans", "/ledger", "/use_case/sector", "/technology/ml/training_runs", "/technology/ml/tuning"} {
		assert.Contains(t, paths, lost)
	}
	for _, kept := range []string{"/totals/energy_j", "/totals/energy_j/value", "/technology/ml/task", "/run/duration_s"} {
		assert.NotContains(t, paths, kept)
	}
}

func TestABareReportOfAStageIsThatStage(t *testing.T) {
	r := exampleRecord(t)
	text, _ := boampsOf(t, r, Options{Bare: true, PerStage: true})
	back, err := ReadBoAmps(strings.NewReader(text))
	require.NoError(t, err)
	require.Len(t, back, 4)
	for i, p := range operational(r) {
		b := back[i].Record
		assert.Equal(t, p.Stage, b.Phases[0].Stage)
		assert.InEpsilon(t, p.EnergyJ.Value, b.Totals.EnergyJ.Value, 1e-12)
		assert.LessOrEqual(t, b.Totals.EnergyJ.Low, p.EnergyJ.Low)
		assert.GreaterOrEqual(t, b.Totals.EnergyJ.High, p.EnergyJ.High)
		assert.Equal(t, *p.DurationS, b.Run.DurationS)
		assert.Equal(t, *p.StartedAt, *b.Run.StartedAt)
		assert.Equal(t, "IS", b.Environments[0].Country)
		assert.Equal(t, r.UseCase.Description, b.UseCase.Description)
	}
}

// Trap 67: their 13 are billions.
func TestTheOfficialSamplesAreRead(t *testing.T) {
	for _, name := range []string{"bash-tool-boamps_report.json", "energy-report-llm-inference.json"} {
		t.Run(name, func(t *testing.T) {
			text := reference(t, "schemas/boamps/samples-valid/"+name)
			list, err := ReadBoAmps(bytes.NewReader(text))
			require.NoError(t, err)
			require.Len(t, list, 1)
			r := list[0].Record
			assert.Empty(t, errorsIn(r))
			assert.Equal(t, lifecycle.Serving, r.Phases[0].Stage)
			assert.Equal(t, "FR", r.Environments[0].Country)
			assert.EqualValues(t, 13e9, *r.Technology.ML.Parameters.Total)
			assert.Equal(t, lifecycle.Modelled, r.Totals.EnergyJ.Method)
			assert.InEpsilon(t, r.Totals.EnergyJ.Value/(1+1./9), r.Totals.EnergyJ.Low, 1e-5, "quality high is 10 %")
			gpu := r.Hardware[slices.IndexFunc(r.Hardware, func(h lifecycle.Hardware) bool { return h.Kind == lifecycle.KindGPU })]
			assert.Equal(t, "Tesla V100S-PCIE-32GB", gpu.Model)
			assert.Equal(t, 2, gpu.Count)
			assert.EqualValues(t, 32e9, *gpu.MemoryBytes)
			assert.Equal(t, "ovhcloud", r.Environments[0].Provider)
			if name == "bash-tool-boamps_report.json" {
				assert.EqualValues(t, 90495872<<10, *r.Hardware[3].MemoryBytes, "CodeCarbon's GB are of 2^30 bytes")
			}
			paths := []string{}
			for _, g := range list[0].Guesses {
				paths = append(paths, g.Path)
			}
			assert.Contains(t, paths, "/environments/0/factors/grid")
			assert.Contains(t, paths, "/run/started_at")

			again, err := ReadBoAmps(bytes.NewReader(text))
			require.NoError(t, err)
			assert.Equal(t, encoded(t, r), encoded(t, again[0].Record), "read twice it is one run")

			out, _ := boampsOf(t, r, Options{Bare: true})
			assert.JSONEq(t, string(text), out, "unchanged it is the report that it was")

			out, _ = boampsOf(t, r, Options{})
			back, err := ReadBoAmps(strings.NewReader(out))
			require.NoError(t, err)
			assert.Equal(t, encoded(t, r), encoded(t, back[0].Record))
			assert.Empty(t, back[0].Guesses)
		})
	}
}

func TestWhatCodeCarbonToldComesThroughABareReport(t *testing.T) {
	imp, err := oneRow(t, codeCarbonColumns, map[string]string{"on_cloud": "Y", "cloud_provider": "gcp", "cloud_region": "europe-west1", "country_iso_code": "BEL"}).Record()
	require.NoError(t, err)
	o := boampsTold
	o.Bare = true
	text, _ := boampsOf(t, imp.Record, o)
	assert.Contains(t, text, `"cloudProvider": "google"`)
	back, err := ReadBoAmps(strings.NewReader(text))
	require.NoError(t, err)
	first, second := imp.Record, back[0].Record
	assert.InEpsilon(t, first.Totals.EnergyJ.Value, second.Totals.EnergyJ.Value, 1e-12, "IT energy, once without PUE")
	kind := func(r *lifecycle.Record, k lifecycle.HardwareKind) lifecycle.Hardware {
		return r.Hardware[slices.IndexFunc(r.Hardware, func(h lifecycle.Hardware) bool { return h.Kind == k })]
	}
	assert.Equal(t, kind(first, lifecycle.KindMemory).MemoryBytes, kind(second, lifecycle.KindMemory).MemoryBytes)
	assert.Equal(t, 1, kind(second, lifecycle.KindCPU).Count)
	assert.Equal(t, 2, kind(second, lifecycle.KindGPU).Count)
	assert.Equal(t, "gcp", second.Environments[0].Provider)
	assert.Equal(t, "europe-west1", second.Environments[0].Region)
	assert.Equal(t, "codecarbon", second.Methods[0].Tool)
}

func TestASupersededSampleIsRefusedWithAllThatItLacks(t *testing.T) {
	_, err := ReadBoAmps(bytes.NewReader(reference(t, "schemas/boamps/samples-superseded/bash-tool-test1-2025-07-17.json")))
	for _, lacks := range []string{"/task/taskStage", "/task/taskFamily", "/task/dataset/0/dataUsage", "/infrastructure/components/2/nbComponent"} {
		assert.ErrorContains(t, err, lacks)
	}
}

// smallReport is the smallest that BoAmps allows, with some members changed or
// added.
func smallReport(changes ...string) string {
	text := `{
  "task": {"taskStage": "training", "taskFamily": "chatbot", "algorithms": [{}], "dataset": [{"dataUsage": "input", "dataType": "token"}]},
  "measures": [{"measurementMethod": "wattmeter", "powerConsumption": 1.5, "measurementDuration": 3600, "measurementDateTime": "2026-03-02 09:00:00"}],
  "infrastructure": {"infraType": "onPremise", "components": [{"componentType": "cpu", "nbComponent": 2}]}
}`
	return strings.NewReplacer(changes...).Replace(text)
}

func TestTheSmallestReportMakesARecord(t *testing.T) {
	list, err := ReadBoAmps(strings.NewReader(smallReport()))
	require.NoError(t, err)
	r := list[0].Record
	assert.Empty(t, errorsIn(r))
	assert.Equal(t, 1.5*3.6e6, r.Totals.EnergyJ.Value)
	assert.InEpsilon(t, 2*1.5*3.6e6, r.Totals.EnergyJ.High, 1e-5, "without a quality it is that of low")
	assert.Equal(t, lifecycle.Metered, r.Totals.EnergyJ.Method)
	assert.Equal(t, lifecycle.Training, r.Phases[0].Stage)
	assert.Equal(t, "2026-03-02T10:00:00Z", r.Run.EndedAt.Format("2006-01-02T15:04:05Z07:00"))
	assert.Equal(t, "train", r.Technology.ML.Datasets[0].Role)
}

// Trap 64: BoAmps takes all of these.
func TestWhatCannotBeIsRefusedByItsPlace(t *testing.T) {
	for name, test := range map[string]struct{ from, to, at string }{
		"negative energy":      {"1.5", "-1", "/measures/0/powerConsumption"},
		"yesterday":            {"2026-03-02 09:00:00", "yesterday", "/measures/0/measurementDateTime"},
		"energy as text":       {"1.5", `"1.5"`, "/measures/0/powerConsumption"},
		"no energy":            {`"powerConsumption": 1.5,`, "", "/measures/0/powerConsumption"},
		"half a device":        {`"nbComponent": 2`, `"nbComponent": 0.5`, "/infrastructure/components/0/nbComponent"},
		"no device":            {`"nbComponent": 2`, `"nbComponent": 0`, "/infrastructure/components/0/nbComponent"},
		"a cloud of its own":   {"onPremise", "hovercraft", "/infrastructure/infraType"},
		"a type of data":       {`"token"`, `"emoji"`, "/task/dataset/0/dataType"},
		"busier than busy":     {`"powerConsumption": 1.5`, `"powerConsumption": 1.5, "averageUtilizationCpu": 51`, "/measures/0/averageUtilizationCpu"},
		"quality":              {`"measures"`, `"quality": "superb", "measures"`, "/quality"},
		"another unit":         {`"powerConsumption": 1.5`, `"powerConsumption": 1.5, "unit": "Wh"`, "/measures/0/unit"},
		"longer than any run":  {"3600", "1e12", "/measures/0/measurementDuration"},
		"no words":             {`"measurementMethod": "wattmeter"`, `"measurementMethod": ""`, "/measures/0/measurementMethod is empty, and BoAmps requires it"},
		"doubled":              {`"powerConsumption": 1.5`, `"powerConsumption": 1.5, "powerConsumption": 2`, "/measures/0/powerConsumption is there twice"},
		"no algorithm":         {"[{}]", "[]", "/task/algorithms is empty"},
		"a date of the header": {`"measures"`, `"header": {"reportDatetime": "soon"}, "measures"`, "/header/reportDatetime"},
		"no report":            {`"measures"`, `"measurements"`, "it is no report of BoAmps"},
		"values without end":   {`"measures"`, `"x": [` + strings.Repeat("0,", 1<<20) + `0], "measures"`, "is one of more than 1048576 values"},
		"deep":                 {`"measures"`, `"x": ` + strings.Repeat("[", 20) + strings.Repeat("]", 20) + `, "measures"`, "nests deeper"},
	} {
		text := smallReport(test.from, test.to)
		require.NotEqual(t, smallReport(), text, name)
		_, err := ReadBoAmps(strings.NewReader(text))
		assert.ErrorContains(t, err, test.at, name)
	}
	for _, text := range []string{"", " ", "1", "[1]", "{", "[", `{"task": 1}`, "\xff", "null"} {
		_, err := ReadBoAmps(strings.NewReader(text))
		assert.Error(t, err, text)
	}
}

func TestAStageThatIsNoneIsUnassignedAndTold(t *testing.T) {
	for word, want := range map[string]lifecycle.Stage{
		"banana": lifecycle.Unassigned, "training+inference": lifecycle.Unassigned, "Fine-Tuning": lifecycle.FineTuning,
		"retraining": lifecycle.Training, "datacreation": lifecycle.DataProduction, "evaluation": lifecycle.ModelEvaluation,
	} {
		list, err := ReadBoAmps(strings.NewReader(smallReport(`"training"`, `"`+word+`"`)))
		require.NoError(t, err, word)
		assert.Equal(t, want, list[0].Record.Phases[0].Stage, word)
		assert.Equal(t, want == lifecycle.Unassigned, strings.Contains(fmt.Sprint(list[0].Guesses), "unassigned"), word)
		assert.Equal(t, word, list[0].Record.Spans[0].Path)
	}
}

func TestMeasuresOfDifferentDevicesAddUpAndOthersDoNot(t *testing.T) {
	const measure = `{"measurementMethod": "wattmeter", "powerConsumption": 1.5, "measurementDuration": 3600, "measurementDateTime": "2026-03-02 09:00:00"}`
	for name, test := range map[string]struct {
		measures string
		kWh      float64
		method   lifecycle.Method
		left     bool
	}{
		"RAPL and nvidia-smi": {`{"measurementMethod": "rapl", "powerConsumption": 1}, {"measurementMethod": "nvidia-smi", "powerConsumption": 2}`, 3, lifecycle.Counter, false},
		"a meter beside":      {`{"measurementMethod": "codecarbon", "powerConsumption": 1}, {"measurementMethod": "wattmeter", "powerConsumption": 2}`, 2, lifecycle.Metered, true},
		"RAPL twice":          {`{"measurementMethod": "rapl", "powerConsumption": 1}, {"measurementMethod": "perf", "powerConsumption": 2}`, 1, lifecycle.Counter, true},
		"nobody knows how":    {`{"measurementMethod": "tea leaves", "powerConsumption": 1}`, 1, lifecycle.Declared, false},
	} {
		list, err := ReadBoAmps(strings.NewReader(smallReport(measure, test.measures)))
		require.NoError(t, err, name)
		r := list[0].Record
		assert.InEpsilon(t, test.kWh*3.6e6, r.Totals.EnergyJ.Value, 1e-12, name)
		assert.Equal(t, test.method, r.Totals.EnergyJ.Method, name)
		assert.Equal(t, test.left, strings.Contains(fmt.Sprint(list[0].Guesses), "is left out"), name)
		assert.Equal(t, lifecycle.Estimated, r.Run.Status, "no time is told")
	}
}

func TestAShareOfAllComponentsIsThatOfTheRun(t *testing.T) {
	for components, want := range map[string]float64{
		`{"componentType": "cpu", "nbComponent": 2, "share": 0.5}`:                                                           0.5,
		`{"componentType": "cpu", "nbComponent": 2, "share": 0.5}, {"componentType": "gpu", "nbComponent": 2, "share": 0.5}`: 0.5,
		`{"componentType": "cpu", "nbComponent": 2, "share": 0.5}, {"componentType": "gpu", "nbComponent": 2, "share": 1}`:   0,
		`{"componentType": "cpu", "nbComponent": 2}, {"componentType": "gpu", "nbComponent": 2, "share": 1}`:                 0,
		`{"componentType": "cpu", "nbComponent": 2, "share": 0}`:                                                             0,
	} {
		list, err := ReadBoAmps(strings.NewReader(smallReport(`{"componentType": "cpu", "nbComponent": 2}`, components)))
		require.NoError(t, err)
		var share float64
		if s := list[0].Record.Phases[0].Usage[0].Share; s != nil {
			share = *s
		}
		assert.Equal(t, want, share, components)
	}
}

func TestAnIntensityThatTheReportTellsIsTheGrids(t *testing.T) {
	list, err := ReadBoAmps(strings.NewReader(smallReport(`"measures"`, `"environment": {"country": "france", "powerSourceCarbonIntensity": 60}, "quality": "medium", "measures"`)))
	require.NoError(t, err)
	r := list[0].Record
	pue := r.Totals.FacilityEnergyJ.Value / r.Totals.EnergyJ.Value
	assert.InEpsilon(t, 1.5*60*pue, r.Totals.OperationalGCO2e.Value, 1e-12)

	list, err = ReadBoAmps(strings.NewReader(smallReport(`"measures"`, `"environment": {"country": "france", "powerSourceCarbonIntensity": 78050}, "measures"`)))
	require.NoError(t, err)
	assert.Contains(t, fmt.Sprint(list[0].Guesses), "is a unit wrong there?")
}

func TestAPublicReportThatNamesAPersonMakesNoPublicRecord(t *testing.T) {
	header := `"header": {"reportDatetime": "2026-03-03 00:00:00", "publisher": {"name": "N", "confidentialityLevel": "public"}}, `
	for text, want := range map[string]string{"chatbot": "public", "chatbot of eve@example.org": "internal"} {
		list, err := ReadBoAmps(strings.NewReader(smallReport("chatbot", text, `"measures"`, header+`"measures"`)))
		require.NoError(t, err)
		assert.Equal(t, want, list[0].Record.Publisher.Confidentiality)
	}
}

func TestSeveralReportsAreReadFromListsAndLines(t *testing.T) {
	second := smallReport("1.5", "2.5")
	for _, text := range []string{"[" + smallReport() + "," + second + "]", smallReport() + "\n" + second} {
		list, err := ReadBoAmps(strings.NewReader(text))
		require.NoError(t, err)
		require.Len(t, list, 2)
		assert.NotEqual(t, list[0].Record.Run.ID, list[1].Record.Run.ID)
		assert.NotEqual(t, list[0].Where, list[1].Where)
	}
}

func TestNullIsNothingAndTold(t *testing.T) {
	list, err := ReadBoAmps(strings.NewReader(smallReport(`"componentType"`, `"memorySize": null, "componentType"`)))
	require.NoError(t, err)
	assert.Contains(t, fmt.Sprint(list[0].Guesses), "/infrastructure/components/0/memorySize of the report is null")

	list, err = ReadBoAmps(strings.NewReader("[" + smallReport() + "," + smallReport(`"componentType"`, `"memorySize": null, "componentType"`, "1.5", "2.5") + "]"))
	require.NoError(t, err)
	assert.NotContains(t, fmt.Sprint(list[0].Guesses), "is null")
	assert.Contains(t, fmt.Sprint(list[1].Guesses), "{ /infrastructure/components/0/memorySize of the report is null")
}

func FuzzReadBoAmps(f *testing.F) {
	f.Add(smallReport())
	f.Add("[" + smallReport() + "]")
	f.Add(smallReport(`"measures"`, `"environment": {"country": "france", "powerSourceCarbonIntensity": 60}, "quality": "medium", "header": {"reportDatetime": "2026-03-03T00:00:00"}, "measures"`))
	var out bytes.Buffer
	_, err := BoAmps(&out, exampleRecord(f), Options{})
	require.NoError(f, err)
	f.Add(out.String())
	f.Fuzz(func(t *testing.T, text string) {
		list, err := ReadBoAmps(strings.NewReader(text))
		if err != nil {
			return
		}
		for _, imp := range list {
			require.Empty(t, errorsIn(imp.Record))
			var out bytes.Buffer
			if _, err := BoAmps(&out, imp.Record, boampsTold); err != nil {
				continue // a record of its own may lack hardware
			}
			back, err := ReadBoAmps(&out)
			require.NoError(t, err)
			require.Equal(t, encoded(t, imp.Record), encoded(t, back[0].Record))
			require.Empty(t, back[0].Guesses)
		}
	})
}
