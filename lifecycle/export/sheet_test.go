package export

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/ecotracer/ecotracer/lifecycle"
)

// filled is a form filled in.
func filled(t testing.TB, form Func, r *lifecycle.Record, o Options) string {
	t.Helper()
	var b bytes.Buffer
	_, err := form(&b, r, o)
	require.NoError(t, err)
	return b.String()
}

// fieldsOf are the fields of a form in JSON, by part, row and column.
func fieldsOf(t testing.TB, form Func, r *lifecycle.Record) map[string]map[string]any {
	t.Helper()
	var doc struct {
		Parts []struct {
			Rows []map[string]any `json:"rows"`
		} `json:"parts"`
	}
	require.NoError(t, json.Unmarshal([]byte(filled(t, form, r, Options{Style: JSON})), &doc))
	out := map[string]map[string]any{}
	for _, p := range doc.Parts {
		for _, row := range p.Rows {
			for _, column := range []string{"item", "component", "stage", "phase", "device", "meter", "code"} {
				if name, ok := row[column].(string); ok {
					out[name] = row
				}
			}
		}
	}
	return out
}

var forms = map[string]Func{"sci": SCI, "gpai": GPAI, "table": Table}

func TestTheFormsReadAsTheyShould(t *testing.T) {
	for name, form := range forms {
		for style, extension := range map[Style]string{Text: "txt", Markdown: "md", JSON: "json"} {
			golden(t, "forms/"+name+"."+extension, filled(t, form, exampleRecord(t), Options{Record: "record.json", Style: style}))
		}
	}
	_, err := SCI(&bytes.Buffer{}, exampleRecord(t), Options{Style: "html"})
	assert.ErrorContains(t, err, `there is no style "html"`)
}

func TestTheScoreIsThatOfTheRecord(t *testing.T) {
	r := exampleRecord(t)
	want, err := lifecycle.SCI(r, "", "")
	require.NoError(t, err)
	fields := fieldsOf(t, SCI, r)
	score := fields["SCI"]["value"].(map[string]any)
	assert.Equal(t, want.Score.Value, score["value"])
	assert.Equal(t, want.Score.High, score["high"])
	assert.Equal(t, "gCO2e/request", score["unit"])
	e := fields["E, energy"]["value"].(map[string]any)
	assert.InDelta(t, 543475/3.6e6, e["value"], 1e-12, "with the PUE, in kWh")
	assert.Equal(t, "kWh", e["unit"])
	o := fields["O, operational, per R"]["value"].(map[string]any)["value"].(float64)
	m := fields["M, embodied, per R"]["value"].(map[string]any)["value"].(float64)
	assert.InEpsilon(t, want.Score.Value, o+m, 1e-9, "the parts add up")
}

func TestWhatARecordCannotTellIsUnknownNeverZero(t *testing.T) {
	r := exampleRecord(t)
	r.UseCase.FunctionalUnit = nil
	r.Totals.GCO2e, r.Totals.WaterL = nil, nil
	r.Missing = append(r.Missing, lifecycle.Missing{Path: "/totals/water_l", Reason: "not-measured"})
	r.Technology.ML.Parameters = nil
	r.Missing = append(r.Missing, lifecycle.Missing{Path: "/technology/ml/parameters", Reason: "withheld"})
	r.Phases = r.Phases[:0:0]

	sci := fieldsOf(t, SCI, r)
	assert.Contains(t, sci["SCI"]["value"].(map[string]any)["unknown"], "declare the functional unit")
	table := fieldsOf(t, Table, r)
	assert.Equal(t, map[string]any{"unknown": "was not measured"}, table["water"]["value"])
	assert.Equal(t, map[string]any{"unknown": "the record does not tell"}, table["emissions"]["value"])
	gpai := fieldsOf(t, GPAI, r)
	assert.Equal(t, map[string]any{"unknown": "withheld by the publisher"}, gpai["total parameters"]["value"])
	for _, field := range []string{"energy used for training", "duration of training", "wall clock time", "hardware time", "amount of computation used for training"} {
		assert.Equal(t, map[string]any{"unknown": "no stage of the run is training"}, gpai[field]["value"], field)
	}
	assert.Contains(t, filled(t, Table, r, Options{}), "unknown (was not measured)")
}

func TestTheModelDocumentationFormHasTwoFigures(t *testing.T) {
	r, err := lifecycle.Decode(bytes.NewReader(reference(t, "record-example.json")))
	require.NoError(t, err)
	gpai := fieldsOf(t, GPAI, r)
	energy := gpai["energy used for training"]["value"].(map[string]any)
	assert.Equal(t, "1.3e-3 MWh", energy["text"], "the worked example: 0.00125 MWh")
	assert.InDelta(t, 0.00125, energy["value"], 1e-12)
	assert.Equal(t, "1.1e8 parameters", gpai["total parameters"]["value"].(map[string]any)["text"])
	assert.Equal(t, "8.3e-2 H100 PCIe 80GB days", gpai["hardware time"]["value"], "two for an hour")
	assert.Equal(t, "less than 1 month", gpai["duration of training"]["value"])
}

func TestTwoFiguresAreTwoFigures(t *testing.T) {
	for v, want := range map[float64]string{0: "0", 0.15: "0.15", 0.00125: "1.3e-3", 7.3e10: "7.3e10", 9610: "9600", 0.996: "1.0", 12: "12", 1287: "1300", 123456: "120 000", 2.5e7: "2.5e7", 0.0996: "0.10"} {
		assert.Equal(t, want, scientific(v))
	}
}

func TestTheTimeOfTrainingFallsInARangeOfTheForm(t *testing.T) {
	r := exampleRecord(t)
	for days, want := range map[int]string{1: "less than 1 month", 30: "less than 1 month", 31: "1 to 3 months", 92: "3 to 6 months", 200: "more than 6 months"} {
		for i := range r.Phases {
			if r.Phases[i].Stage == lifecycle.Training {
				end := r.Phases[i].StartedAt.AddDate(0, 0, days)
				r.Phases[i].EndedAt = &end
			}
		}
		assert.Equal(t, want, fieldsOf(t, GPAI, r)["duration of training"]["value"], "%d days from 4 May", days)
	}
}

func TestInferenceAloneTellsItsComputation(t *testing.T) {
	r := exampleRecord(t)
	kept := r.Phases[:0]
	for _, e := range r.Phases {
		if e.Phase != lifecycle.PhaseTraining {
			kept = append(kept, e)
		}
	}
	r.Phases = kept
	flops, tokens := 5.1e17, int64(100000)
	r.Technology.ML.FLOPs, r.Technology.ML.TokensOut = &flops, &tokens
	got := fieldsOf(t, GPAI, r)["benchmarked computation of inference"]["value"].(map[string]any)
	assert.Equal(t, "5.1e17 FLOP for 100 000 tokens generated on 2 x accelerator", got["text"])
	assert.Equal(t, flops, got["value"])
}

func TestWhatARecordHoldsStaysTextInAForm(t *testing.T) {
	lines := map[string]int{}
	for _, text := range append([]string{"x"}, hostile...) {
		r := exampleRecord(t)
		r.Run.Name, r.UseCase.Description, r.UseCase.Purpose, r.Generator.Name = text, text, text, text
		r.Technology.ML.TrainingType = text
		for i := range r.Hardware {
			r.Hardware[i].Model = text
		}
		for i := range r.Factors {
			r.Factors[i].Source = text
		}
		for name, form := range forms {
			for _, style := range []Style{Text, Markdown} {
				out := filled(t, form, r, Options{Record: text, Style: style})
				key := name + string(style)
				if text == "x" {
					lines[key] = strings.Count(out, "\n")
				}
				assert.Equal(t, lines[key], strings.Count(out, "\n"), "%s: %q", key, text)
				for _, bad := range []string{"\x1b", "\u202e", "\u2028", "\r"} {
					assert.NotContains(t, out, bad, "%s: %q", key, text)
				}
				if style == Markdown {
					assert.NotContains(t, strings.NewReplacer(`\\`, "", `\<`, "").Replace(out), "<script", key)
					for _, line := range strings.Split(out, "\n") {
						if strings.HasPrefix(line, "|") {
							assert.True(t, strings.HasSuffix(line, "|"), "%q", line)
						}
					}
				}
			}
			assert.True(t, json.Valid([]byte(filled(t, form, r, Options{Record: text, Style: JSON}))))
		}
	}
}

func TestAFormIsHonestAboutRounding(t *testing.T) {
	for name, form := range forms {
		lost, err := form(&bytes.Buffer{}, exampleRecord(t), Options{})
		require.NoError(t, err)
		assert.Equal(t, "figures are rounded", lost[len(lost)-1].Why, name)
		exact, err := form(&bytes.Buffer{}, exampleRecord(t), Options{Style: JSON})
		require.NoError(t, err)
		assert.Len(t, exact, len(lost)-1, name)
	}
}

func TestFormatsAreListedByNameOnce(t *testing.T) {
	last := ""
	for _, f := range Formats() {
		assert.Less(t, last, f.Name)
		last = f.Name
		assert.NotEmpty(t, f.What)
		assert.NotContains(t, f.What, "\n")
		assert.True(t, strings.HasPrefix(f.Extension, "."), f.Name)
		assert.NotNil(t, f.Write)
	}
}
