package export

import (
	"bytes"
	"encoding/json"
	"math"
	"math/big"
	"math/rand/v2"
	"strconv"
	"strings"
	"testing"

	cdx "github.com/CycloneDX/cyclonedx-go"
	"github.com/santhosh-tekuri/jsonschema/v6"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/ecotracer/ecotracer/lifecycle"
)

// cdxSchema is the official schema of a version, which refers to three more.
func cdxSchema(t testing.TB, version string) *jsonschema.Schema {
	t.Helper()
	c := jsonschema.NewCompiler()
	c.AssertFormat()
	for _, name := range []string{"bom-1.6", "bom-1.7", "spdx", "jsf-0.82", "cryptography-defs"} {
		doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(reference(t, "schemas/cyclonedx/schema/"+name+".schema.json")))
		require.NoError(t, err)
		require.NoError(t, c.AddResource("http://cyclonedx.org/schema/"+name+".schema.json", doc))
	}
	s, err := c.Compile("http://cyclonedx.org/schema/bom-" + version + ".schema.json")
	require.NoError(t, err)
	return s
}

func conforms(t *testing.T, s *jsonschema.Schema, text []byte) {
	t.Helper()
	doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(text))
	require.NoError(t, err)
	assert.NoError(t, s.Validate(doc))
}

// workedRecord is the worked example of the reference: figures that anyone can
// redo by hand.
func workedRecord(t testing.TB) *lifecycle.Record {
	t.Helper()
	r, err := lifecycle.Decode(bytes.NewReader(reference(t, "record-example.json")))
	require.NoError(t, err)
	return r
}

func exported(t testing.TB, f Func, r *lifecycle.Record, o Options) ([]byte, []Loss) {
	t.Helper()
	var b bytes.Buffer
	losses, err := f(&b, r, o)
	require.NoError(t, err)
	return b.Bytes(), losses
}

func lossPaths(losses []Loss) []string {
	var paths []string
	for _, l := range losses {
		paths = append(paths, l.Path)
	}
	return paths
}

func TestABOMIsAsTheOfficialSchemaWants(t *testing.T) {
	for version, f := range map[string]Func{"1.7": CycloneDX, "1.6": CycloneDX16} {
		t.Run(version, func(t *testing.T) {
			s := cdxSchema(t, version)
			for name, r := range map[string]*lifecycle.Record{"small": exampleRecord(t), "worked": workedRecord(t)} {
				text, losses := exported(t, f, r, Options{Record: "runs/my record.json", ModelName: name})
				conforms(t, s, text)
				assert.Contains(t, lossPaths(losses), "/spans")
				assert.Contains(t, lossPaths(losses), "/hardware")
				assert.NotContains(t, lossPaths(losses), "/phases/1/facility_energy_j/low", "the interval travels")
				assert.Contains(t, lossPaths(losses), "/phases/1/usage")
			}
			for _, sample := range []string{"valid-machine-learning-", "valid-machine-learning-considerations-env-"} {
				text := reference(t, "schemas/cyclonedx/samples-valid/"+sample+version+".json")
				r := exampleRecord(t)
				text, _, err := IntoCycloneDX(text, r, Options{Record: "https://example.org/r.json"})
				require.NoError(t, err)
				conforms(t, s, text)
			}
		})
	}
}

// Trap 65. The figures of the worked example, to the last digit: 4500000 J are
// 1.25 kWh, 70 g are 0.00007 t.
func TestABOMTellsExactDecimals(t *testing.T) {
	text, _ := exported(t, CycloneDX, workedRecord(t), Options{Record: "record.json"})
	var doc struct {
		Components []struct {
			ModelCard struct {
				Considerations struct {
					EnvironmentalConsiderations struct {
						EnergyConsumptions []cdxConsumption
						Properties         []cdxProperty
					}
				}
			}
			ExternalReferences []cdxReference
		}
		Citations []cdxCitation
	}
	require.NoError(t, json.Unmarshal(text, &doc))
	env := doc.Components[0].ModelCard.Considerations.EnvironmentalConsiderations
	got := map[string][3]string{}
	for _, e := range env.EnergyConsumptions {
		require.Len(t, e.EnergyProviders, 1)
		assert.Equal(t, cdxOrganization{"unknown"}, e.EnergyProviders[0].Organization)
		assert.Equal(t, "unknown", e.EnergyProviders[0].EnergySource)
		assert.Equal(t, e.ActivityEnergyCost, e.EnergyProviders[0].EnergyProvided)
		got[e.Activity] = [3]string{e.ActivityEnergyCost.Value.String(), e.CO2CostEquivalent.Value.String(), e.Properties[1].Value}
		assert.Contains(t, e.Properties, cdxProperty{"ecotracer:boundary", "node"})
		assert.Contains(t, e.Properties, cdxProperty{"ecotracer:pue", "1.25"})
		assert.Contains(t, e.Properties, cdxProperty{"ecotracer:energy:method", "modelled"})
	}
	assert.Equal(t, map[string][3]string{
		"other":            {"0.025763888888888888", "0.0000014427777777777777", "unassigned"},
		"data-preparation": {"0.0125", "0.0000007", "training/data-preparation"},
		"fine-tuning":      {"1.25", "0.00007", "training/fine-tuning"},
		"inference":        {"0.0125", "0.0000007", "inference/serving"},
	}, got)
	digest, err := workedRecord(t).SHA256()
	require.NoError(t, err)
	ref := doc.Components[0].ExternalReferences[0]
	assert.Equal(t, "evidence", ref.Type)
	assert.Equal(t, "record.json", ref.URL)
	assert.Equal(t, []cdxHash{{"SHA-256", digest}}, ref.Hashes)
	assert.Contains(t, env.Properties, cdxProperty{"ecotracer:019cadc6-9a80-7000-8000-0123456789ab:end-of-life:embodied_gco2e", "0.9538114432022713"})
	require.Len(t, doc.Citations, 1)
	for _, p := range doc.Citations[0].Pointers {
		assert.NotNil(t, at(t, text, p), "what is cited is there: %s", p)
	}
	assert.Len(t, doc.Citations[0].Pointers, 12)
}

// at is what a JSON Pointer leads to.
func at(t testing.TB, text []byte, pointer string) any {
	t.Helper()
	var v any
	require.NoError(t, json.Unmarshal(text, &v))
	for step := range strings.SplitSeq(pointer[1:], "/") {
		step = strings.NewReplacer("~1", "/", "~0", "~").Replace(step)
		switch c := v.(type) {
		case map[string]any:
			v = c[step]
		case []any:
			i, err := strconv.Atoi(step)
			require.NoError(t, err)
			require.Less(t, i, len(c))
			v = c[i]
		default:
			return nil
		}
	}
	return v
}

// Trap 65: the list of providers is never null, and single precision is theirs.
func TestAnIndependentReaderGetsTheFigures(t *testing.T) {
	r := workedRecord(t)
	text, _ := exported(t, CycloneDX, r, Options{})
	var bom cdx.BOM
	require.NoError(t, cdx.NewBOMDecoder(bytes.NewReader(text), cdx.BOMFileFormatJSON).Decode(&bom))
	c := (*bom.Components)[0]
	assert.Equal(t, "ticket-classifier", c.Name)
	assert.Equal(t, cdx.ComponentTypeMachineLearningModel, c.Type)
	all := *c.ModelCard.Considerations.EnvironmentalConsiderations.EnergyConsumptions
	var kWh, t2 float64
	for _, e := range all {
		assert.NotNil(t, e.EnergyProviders)
		assert.Equal(t, cdx.MLModelEnergyUnitKWH, e.ActivityEnergyCost.Unit)
		assert.Equal(t, cdx.MLModelCO2UnitTCO2Eq, e.CO2CostEquivalent.Unit)
		kWh += float64(e.ActivityEnergyCost.Value)
		t2 += float64(e.CO2CostEquivalent.Value)
	}
	assert.InEpsilon(t, r.Totals.FacilityEnergyJ.Value/3.6e6, kWh, 1e-6) // float32 there
	assert.InEpsilon(t, r.Totals.OperationalGCO2e.Value/1e6, t2, 1e-6)
	assert.Equal(t, bom.Metadata.Tools.Components, &[]cdx.Component{{
		Type: cdx.ComponentTypeApplication, BOMRef: "ecotracer:tool:ecotracer:0.1.0", Name: "ecotracer", Version: "0.1.0",
	}})
}

func TestGramsBecomeTonnesWithoutRounding(t *testing.T) {
	for x, want := range map[float64]string{
		0: "0", 70: "0.00007", 0.7: "0.0000007", 31220000: "31.22", 1e6: "1", 1234567: "1.234567", 1.5e30: "1500000000000000000000000",
		5e-324: "0." + strings.Repeat("0", 329) + "5", 123456.789: "0.123456789",
	} {
		assert.Equal(t, want, gramsAsTonnes(x))
	}
	random := rand.New(rand.NewPCG(1, 2))
	for range 10_000 {
		x := math.Exp(random.Float64()*60 - 30)
		got, ok := new(big.Rat).SetString(gramsAsTonnes(x))
		require.True(t, ok)
		shortest, _ := new(big.Rat).SetString(strconv.FormatFloat(x, 'g', -1, 64))
		require.Zero(t, got.Mul(got, big.NewRat(1_000_000, 1)).Cmp(shortest), "%v g", x)
	}
}

func TestAModelWithoutANameIsAskedFor(t *testing.T) {
	r := exampleRecord(t)
	r.Technology.ML.Model = nil
	var b bytes.Buffer
	_, err := CycloneDX(&b, r, Options{})
	var input *InputError
	require.ErrorAs(t, err, &input)
	assert.Equal(t, "export: cyclonedx needs ModelName (what the model is called; /technology/ml/model/name of the record, or Options.ModelName)", err.Error())
	assert.Zero(t, b.Len(), "nothing has been written")
	text, _ := exported(t, CycloneDX, r, Options{ModelName: "m", ModelVersion: "2"})
	assert.Equal(t, "m", at(t, text, "/components/0/name"))
	assert.Equal(t, "2", at(t, text, "/components/0/version"))
}

const otherBOM = "{\r\n\t\"vendor\": {\"b\": 1.50, \"a\": [1e3, \"\\u00e9\"]},\r\n\t\"bomFormat\": \"CycloneDX\",\r\n\t\"specVersion\": \"1.7\",\r\n\t\"version\": 4,\r\n\t\"components\": [\r\n" +
	"\t\t{\"type\": \"library\", \"name\": \"small\"},\r\n" +
	"\t\t{\"type\": \"application\", \"name\": \"app\", \"components\": [{\"type\": \"machine-learning-model\", \"name\": \"small\", \"version\": \"2\", \"x\": null}]}\r\n\t]\r\n}\r\n"

func TestAnExistingBOMKeepsAllElse(t *testing.T) {
	r := exampleRecord(t)
	text, losses, err := IntoCycloneDX([]byte(otherBOM), r, Options{Record: "r.json"})
	require.NoError(t, err)
	assert.Contains(t, lossPaths(losses), "/technology/ml/task", "what the BOM says of the model is left alone")
	assert.NotContains(t, lossPaths(losses), "/technology/ml/model/name")

	assert.Contains(t, string(text), `1.50`, "numbers as they are spelt")
	assert.Contains(t, string(text), `1e3`)
	assert.Contains(t, string(text), `\u00e9`)
	assert.Contains(t, string(text), `"x": null`)
	assert.Less(t, bytes.Index(text, []byte(`"vendor"`)), bytes.Index(text, []byte(`"bomFormat"`)), "the order of members")
	assert.Contains(t, string(text), "\r\n\t\"version\": 5,\r\n", "line ends, indents, and the version of a BOM that was changed")
	assert.Zero(t, strings.Count(string(text), "\n")-strings.Count(string(text), "\r\n"))
	assert.NotNil(t, at(t, text, "/components/1/components/0/modelCard/considerations/environmentalConsiderations/energyConsumptions/3"))
	assert.Equal(t, "/components/1/components/0/modelCard/considerations/environmentalConsiderations/energyConsumptions/0/energyProviders", at(t, text, "/citations/0/pointers/0"))

	again, _, err := IntoCycloneDX(text, r, Options{Record: "r.json"})
	require.NoError(t, err)
	assert.Equal(t, string(text), string(again), "a second time changes nothing")

	second := *r
	second.Run.ID = "019df184-1c00-7000-8000-000000000002"
	both, _, err := IntoCycloneDX(text, &second, Options{Record: "r2.json"})
	require.NoError(t, err)
	assert.NotNil(t, at(t, both, "/components/1/components/0/modelCard/considerations/environmentalConsiderations/energyConsumptions/7"), "the figures of both runs")
	assert.NotNil(t, at(t, both, "/components/1/components/0/externalReferences/1"))
	assert.NotNil(t, at(t, both, "/citations/1"))
	assert.Nil(t, at(t, both, "/metadata/tools/components").([]any)[0].(map[string]any)["x"])

	changed := *r
	changed.Phases = append([]lifecycle.PhaseEntry(nil), r.Phases...)
	q := *changed.Phases[2].FacilityEnergyJ
	q.Value = 3.6e6
	changed.Phases[2].FacilityEnergyJ = &q
	changed.Phases = changed.Phases[:5] // the end of life is not known any more
	text, _, err = IntoCycloneDX(both, &changed, Options{Record: "r.json"})
	require.NoError(t, err)
	assert.EqualValues(t, 1, at(t, text, "/components/1/components/0/modelCard/considerations/environmentalConsiderations/energyConsumptions/2/activityEnergyCost/value"), "the same run's figures are replaced")
	assert.EqualValues(t, 7, at(t, text, "/version"))
	assert.NotContains(t, string(text), r.Run.ID+":end-of-life:")
	assert.Contains(t, string(text), second.Run.ID+":end-of-life:")
}

func TestWhichModelOfABOMIsMeant(t *testing.T) {
	ml := func(name, version string) string {
		return `{"type":"machine-learning-model","name":"` + name + `","version":"` + version + `"}`
	}
	bom := func(models ...string) []byte {
		return []byte(`{"bomFormat":"CycloneDX","specVersion":"1.6","components":[` + strings.Join(models, ",") + `]}`)
	}
	place := func(text []byte) string {
		b, err := readBOM(bytes.NewReader(text))
		require.NoError(t, err)
		for _, m := range b.models() {
			if m.member("modelCard") != nil {
				return m.pointer
			}
		}
		return ""
	}
	r := exampleRecord(t)
	for name, c := range map[string]struct {
		bom           []byte
		name, version string
		want          string
	}{
		"the one of the name":            {bom(ml("a", "1"), ml("small", "1")), "small", "", "/components/1"},
		"the one of the version":         {bom(ml("small", "1"), ml("small", "2")), "small", "2", "/components/1"},
		"another version is another":     {bom(ml("small", "1")), "small", "2", "/components/1"},
		"another name is another":        {bom(ml("large", "1")), "small", "", "/components/1"},
		"no component at all":            {[]byte(`{"bomFormat":"CycloneDX","specVersion":"1.6"}`), "small", "", "/components/0"},
		"no name told, the only one":     {bom(ml("large", "1")), "", "", "/components/0"},
		"the subject of the BOM":         {[]byte(`{"bomFormat":"CycloneDX","specVersion":"1.6","metadata":{"component":` + ml("small", "1") + `}}`), "small", "", "/metadata/component"},
		"a version that the BOM has not": {bom(ml("small", ""), ml("b", "")), "small", "3", "/components/0"},
	} {
		t.Run(name, func(t *testing.T) {
			r.Technology.ML.Model = &lifecycle.Model{Name: c.name, Version: c.version}
			text, _, err := IntoCycloneDX(c.bom, r, Options{})
			require.NoError(t, err)
			assert.Equal(t, c.want, place(text))
			again, _, err := IntoCycloneDX(text, r, Options{})
			require.NoError(t, err)
			assert.Equal(t, string(text), string(again))
		})
	}
	r.Technology.ML.Model = nil
	var input *InputError
	_, _, err := IntoCycloneDX(bom(ml("a", ""), ml("b", "")), r, Options{})
	assert.ErrorAs(t, err, &input, "none is guessed")
	_, _, err = IntoCycloneDX(bom(ml("a", "1"), ml("a", "2")), r, Options{ModelName: "a"})
	assert.ErrorContains(t, err, "ModelVersion")
}

func TestABOMThatCannotTakeFiguresIsRefused(t *testing.T) {
	r := exampleRecord(t)
	for name, c := range map[string]struct{ bom, want string }{
		"no JSON":            {"{\n\"a\": 1,\n}", "line 3"},
		"more than one":      {`{} {}`, "line 1"},
		"no BOM":             {`{}`, "bomFormat"},
		"XML's version":      {`{"bomFormat":"CycloneDX","specVersion":"1.5"}`, "1.5"},
		"a member twice":     {`{"bomFormat":"CycloneDX","specVersion":"1.6","a":1,"a":2}`, `line 1: /a is there twice`},
		"signed":             {`{"bomFormat":"CycloneDX","specVersion":"1.6","signature":{}}`, "signed"},
		"signed above":       {`{"bomFormat":"CycloneDX","specVersion":"1.6","components":[{"signature":{},"components":[{"type":"machine-learning-model","name":"small"}]}]}`, "/components/0/components/0 is or is in, is signed"},
		"components no list": {`{"bomFormat":"CycloneDX","specVersion":"1.6","components":{}}`, "/components is not"},
		"too deep":           {`{"a":` + strings.Repeat("[", 80) + strings.Repeat("]", 80) + `}`, "64 levels"},
	} {
		t.Run(name, func(t *testing.T) {
			_, _, err := IntoCycloneDX([]byte(c.bom), r, Options{})
			assert.ErrorContains(t, err, c.want)
		})
	}
	text, _, err := IntoCycloneDX([]byte(`{"bomFormat":"CycloneDX","specVersion":"1.6"}`), r, Options{})
	require.NoError(t, err)
	b, err := readBOM(bytes.NewReader(text))
	require.NoError(t, err)
	list := b.models()[0].member("modelCard").member("considerations").member("environmentalConsiderations").member("energyConsumptions")
	list.items = append(list.items, list.items[0])
	_, _, err = IntoCycloneDX(b.text(""), r, Options{})
	assert.ErrorContains(t, err, "unassigned of this run twice")
	list.items = list.items[:4]
	fewer := *r
	fewer.Phases = r.Phases[1:]
	_, _, err = IntoCycloneDX(b.text(""), &fewer, Options{})
	assert.ErrorContains(t, err, "figures of unassigned of this run, which the record has not")

	old := `{"bomFormat":"CycloneDX","specVersion":"1.7","metadata":{"tools":[{"name":"x"}]}}`
	text, losses, err := IntoCycloneDX([]byte(old), r, Options{})
	require.NoError(t, err)
	assert.NotContains(t, string(text), "citations")
	assert.Contains(t, lossPaths(losses), "/generator")
}

// A service may tell grams and no energy; 0 kWh would be false.
func TestAStageWithoutEnergyHasNoEntry(t *testing.T) {
	r := exampleRecord(t)
	p := &r.Phases[3]
	require.Equal(t, lifecycle.Serving, p.Stage)
	p.Usage = []lifecycle.Usage{{Hardware: "node", OperationalGCO2e: p.OperationalGCO2e}}
	p.EnergyJ, p.FacilityEnergyJ = &lifecycle.Quantity{}, &lifecycle.Quantity{}
	text, losses := exported(t, CycloneDX, r, Options{})
	assert.NotContains(t, string(text), `"inference"`)
	assert.Contains(t, losses, Loss{Path: "/phases/3", Why: "the energy of its services is unknown, and the format has no entry without energy"})
}

func TestEachEnvironmentIsASupply(t *testing.T) {
	r := exampleRecord(t)
	second := r.Environments[0]
	second.ID, second.Country = "edge", "SE"
	r.Environments = append(r.Environments, second)
	r.Hardware[3].Environment = "edge"
	text, _ := exported(t, CycloneDX, r, Options{})
	providers := at(t, text, "/components/0/modelCard/considerations/environmentalConsiderations/energyConsumptions/3/energyProviders").([]any)
	require.Len(t, providers, 2)
	assert.Equal(t, "electricity at environment edge, SE", providers[1].(map[string]any)["description"])
	assert.InEpsilon(t, 6000*1.25/3.6e6, providers[1].(map[string]any)["energyProvided"].(map[string]any)["value"], 1e-12)
}

func FuzzIntoCycloneDX(f *testing.F) {
	r := exampleRecord(f)
	f.Add([]byte(otherBOM))
	f.Add([]byte(`{"bomFormat":"CycloneDX","specVersion":"1.7","components":[{"type":"machine-learning-model","modelCard":[]}],"metadata":{"tools":[]}}`))
	f.Fuzz(func(t *testing.T, bom []byte) {
		text, _, err := IntoCycloneDX(bom, r, Options{Record: "r.json"})
		if err != nil {
			return
		}
		if !json.Valid(text) {
			t.Fatalf("no JSON: %s", text)
		}
		again, _, err := IntoCycloneDX(text, r, Options{Record: "r.json"})
		if err != nil || !bytes.Equal(text, again) {
			t.Fatalf("not idempotent (%v):\n%s\n%s", err, text, again)
		}
	})
}

func TestAnyNameOfARecordMakesAReference(t *testing.T) {
	s := cdxSchema(t, "1.7")
	for name, want := range map[string]string{
		"https://example.org/r.json?x=1#y": "https://example.org/r.json?x=1#y",
		"runs/my record.json":              "runs/my%20record.json",
		"a:b c.json":                       "./a:b%20c.json",
		"urn:uuid:1-2":                     "urn:uuid:1-2",
		"100%.json":                        "100%25.json",
		"größe.json":                       "gr%C3%B6%C3%9Fe.json",
		`C:\runs\r.json`:                   "./C:%5Cruns%5Cr.json",
	} {
		assert.Equal(t, want, iriOf(name))
		text, _ := exported(t, CycloneDX, exampleRecord(t), Options{Record: name})
		conforms(t, s, text)
	}
}

func TestFiguresThatAreNoNumbersAreAnError(t *testing.T) {
	r := exampleRecord(t)
	r.Phases[1].FacilityEnergyJ = &lifecycle.Quantity{Value: math.Inf(1)}
	var b bytes.Buffer
	_, err := CycloneDX(&b, r, Options{})
	assert.Error(t, err)
	assert.Zero(t, b.Len())
}
