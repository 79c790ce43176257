package export

import (
	"bytes"
	"encoding/json"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/santhosh-tekuri/jsonschema/v6"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/ecotracer/ecotracer/lifecycle"
)

// notBlank is the one pattern of the SPDX schema that looks ahead, which Go's
// expressions cannot: an IRI that does not begin as a blank node does.
type notBlank struct{ rest *regexp.Regexp }

func (p notBlank) MatchString(s string) bool {
	return !strings.HasPrefix(s, "_:") && p.rest.MatchString(s)
}
func (p notBlank) String() string { return `^(?!_:).+:.+` }

func spdxValidator(t testing.TB) *jsonschema.Schema {
	t.Helper()
	c := jsonschema.NewCompiler()
	c.UseRegexpEngine(func(p string) (jsonschema.Regexp, error) {
		if rest, ok := strings.CutPrefix(p, `^(?!_:)`); ok {
			return notBlank{regexp.MustCompile("^" + rest)}, nil
		}
		return regexp.Compile(p)
	})
	doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(reference(t, "schemas/spdx-3.0.1/schema/spdx-json-schema.json")))
	require.NoError(t, err)
	require.NoError(t, c.AddResource("spdx.json", doc))
	s, err := c.Compile("spdx.json")
	require.NoError(t, err)
	return s
}

// elements are the elements of a document, by the last part of their ids.
func elements(t testing.TB, text []byte) map[string]map[string]any {
	t.Helper()
	var doc struct {
		Graph []map[string]any `json:"@graph"`
	}
	require.NoError(t, json.Unmarshal(text, &doc))
	all := map[string]map[string]any{}
	for _, e := range doc.Graph {
		id, ok := e["spdxId"].(string)
		if !ok {
			id = e["@id"].(string)
		}
		_, name, found := strings.Cut(id, "#")
		if !found {
			name = id
		}
		assert.NotContains(t, all, name, "ids are unique")
		all[name] = e
	}
	return all
}

// Trap 66: no exponent, no fraction of a second, no zone but UTC.
func TestAnSPDXDocumentIsAsTheOfficialSchemaWants(t *testing.T) {
	s := spdxValidator(t)
	for name, o := range map[string]Options{
		"little told": {ModelName: "m"},
		"all told": {Record: "my record.json", ModelName: "m", ModelVersion: "1", ModelURI: "https://example.org/m",
			ModelReleased: time.Date(2026, 5, 4, 3, 2, 1, 999, time.FixedZone("", 3600))},
	} {
		t.Run(name, func(t *testing.T) {
			r := workedRecord(t)
			r.CreatedAt = r.CreatedAt.Add(123 * time.Millisecond)
			if name == "little told" {
				r.Technology.ML, r.Technology.Kind = nil, ""
			} else {
				r.Publisher.Name = "Example & Söhne <GmbH>"
				r.Technology.ML.Evaluation[0].Value = -1e-9
			}
			text, losses := exported(t, SPDX, r, o)
			conforms(t, s, text)
			wrong, err := jsonschema.UnmarshalJSON(bytes.NewReader(bytes.ReplaceAll(text, []byte(`"kilowattHour"`), []byte(`"kWh"`))))
			require.NoError(t, err)
			assert.Error(t, s.Validate(wrong), "the schema finds what is wrong")
			assert.NotRegexp(t, `"[0-9.]+[eE][-+]?[0-9]+"`, string(text), "no exponents")
			all := elements(t, text)
			assert.Equal(t, "2026-03-02T10:11:41Z", all[spdxInfo]["created"], "UTC, no fraction of a second")
			for _, kind := range []string{"hasConcludedLicense", "hasDeclaredLicense"} {
				assert.Equal(t, all["model"]["spdxId"], all[kind]["from"], "the AI profile wants exactly one")
			}
			if name == "little told" {
				assert.Equal(t, []any{"core", "software"}, all["document"]["profileConformance"], "no claim that does not hold")
			} else {
				assert.Equal(t, []any{"core", "software", "ai"}, all["document"]["profileConformance"])
				assert.Equal(t, "2026-05-04T02:02:01Z", all["model"]["releaseTime"])
				assert.Equal(t, all["record"]["spdxId"], all["hasEvidence"]["to"].([]any)[0])
				assert.Equal(t, []any{map[string]any{"type": "DictionaryEntry", "key": "f1 (test)", "value": "-0.000000001"}}, all["model"]["ai_metric"])
			}
			assert.Contains(t, lossPaths(losses), "/phases/1", "data preparation has no list")
		})
	}
}

// Traps 60, 66 and 71. The worked example: 4500000 J with PUE are 1.25 kWh. The
// specification's own example has 0.042 for 0.0042 kWh.
func TestSPDXTellsEnergyByDecimals(t *testing.T) {
	r := workedRecord(t)
	text, losses := exported(t, SPDX, r, Options{})
	energy := func(kWh string) []any {
		return []any{map[string]any{"type": "ai_EnergyConsumptionDescription", "ai_energyQuantity": kWh, "ai_energyUnit": "kilowattHour"}}
	}
	assert.Equal(t, map[string]any{
		"type":                           "ai_EnergyConsumption",
		"ai_finetuningEnergyConsumption": energy("1.25"),
		"ai_inferenceEnergyConsumption":  energy("0.0125"),
	}, elements(t, text)["model"]["ai_energyConsumption"])
	assert.Contains(t, elements(t, text)["model"]["comment"], "training/fine-tuning: 1.25 kWh (95 %: 1.15989")
	assert.Contains(t, losses, Loss{"/phases/2/facility_energy_j/low", "in words, in the comment"})
	assert.Contains(t, losses, Loss{"/phases/2/operational_gco2e", ""})
	assert.NotContains(t, lossPaths(losses), "/phases/2/facility_energy_j/value")
	seen := map[string]bool{}
	for _, l := range losses {
		assert.False(t, seen[l.Path], "told twice: %s", l.Path)
		seen[l.Path] = true
	}
	r.Phases[2].FacilityEnergyJ = &lifecycle.Quantity{Value: 36e-9}
	text, _ = exported(t, SPDX, r, Options{})
	assert.Contains(t, string(text), `"0.00000000000001"`)
	r.Phases[2].FacilityEnergyJ.Value = 15120
	text, _ = exported(t, SPDX, r, Options{})
	assert.Contains(t, string(text), `"ai_energyQuantity": "0.0042"`)
}

func TestSPDXAsksForTheModelsName(t *testing.T) {
	r := exampleRecord(t)
	r.Technology.ML = nil
	var input *InputError
	_, err := SPDX(&bytes.Buffer{}, r, Options{})
	require.ErrorAs(t, err, &input)
	assert.Equal(t, "ModelName", input.Inputs[0].Option)
}
