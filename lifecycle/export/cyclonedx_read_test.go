package export

import (
	"bytes"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/ecotracer/ecotracer/lifecycle"
)

func guessed(guesses []Guess) map[string]string {
	m := map[string]string{}
	for _, g := range guesses {
		m[g.Path] = g.Why
	}
	return m
}

func TestWhatWasWrittenIntoABOMIsReadOutOfIt(t *testing.T) {
	r := exampleRecord(t)
	text, _ := exported(t, CycloneDX, r, Options{})
	all, err := ReadCycloneDX(bytes.NewReader(text))
	require.NoError(t, err)
	require.Len(t, all, 1)
	got := all[0].Record
	assert.Equal(t, "/components/0/modelCard/considerations/environmentalConsiderations/energyConsumptions/0", all[0].Where)
	assert.Equal(t, r.Run.ID, got.Run.ID, "it is the same run")
	assert.Equal(t, r.Run.StartedAt, got.Run.StartedAt)
	assert.Equal(t, r.Run.EndedAt, got.Run.EndedAt)
	assert.Equal(t, r.Run.DurationS, got.Run.DurationS)
	assert.Equal(t, r.Run.Scope, got.Run.Scope)
	assert.Equal(t, r.Run.Boundary, got.Run.Boundary)
	assert.Equal(t, r.Technology.ML.Model, got.Technology.ML.Model)
	assert.Equal(t, r.Technology.ML.Task, got.Technology.ML.Task)
	for i := range got.Phases {
		want, have := r.Phases[i], got.Phases[i]
		assert.Equal(t, want.Stage, have.Stage)
		assert.Equal(t, want.StartedAt, have.StartedAt)
		assert.Equal(t, want.DurationS, have.DurationS)
		assert.InEpsilon(t, want.EnergyJ.Value, have.EnergyJ.Value, 1e-9, "IT energy, without PUE")
		assert.InEpsilon(t, want.FacilityEnergyJ.Value, have.FacilityEnergyJ.Value, 1e-9)
		assert.InEpsilon(t, want.OperationalGCO2e.Value, have.OperationalGCO2e.Value, 1e-9)
		assert.LessOrEqual(t, have.EnergyJ.Low, want.EnergyJ.Low*(1+1e-5), "no interval is narrower than it was")
		assert.GreaterOrEqual(t, have.EnergyJ.High, want.EnergyJ.High*(1-1e-5))
	}
	assert.InEpsilon(t, r.Totals.OperationalGCO2e.Value, got.Totals.OperationalGCO2e.Value, 1e-9)
	assert.InEpsilon(t, 40.0, got.Factors[1].High, 1e-12, "the interval of the intensity")
	assert.Contains(t, guessed(all[0].Guesses), "/hardware/0")

	again, err := ReadCycloneDX(bytes.NewReader(text))
	require.NoError(t, err)
	assert.Equal(t, all, again, "the same file is the same record")
	bom, _, err := IntoCycloneDX(text, got, Options{})
	require.NoError(t, err)
	assert.Contains(t, string(bom), `"ecotracer:run"`)
}

func TestServicesOfUnknownEnergyMakeNoIntensity(t *testing.T) {
	r := exampleRecord(t)
	p := &r.Phases[3]
	whole := *p.OperationalGCO2e
	whole.Value += 5000
	p.OperationalGCO2e = &whole
	p.Usage = append(p.Usage, lifecycle.Usage{Hardware: "node", OperationalGCO2e: &lifecycle.Quantity{Value: 5000, Low: 4000, High: 6000, Method: lifecycle.Modelled}})
	text, _ := exported(t, CycloneDX, r, Options{})
	assert.Contains(t, string(text), `"value": 0.00500009625,`, "the stage's emissions have them")
	all, err := ReadCycloneDX(bytes.NewReader(text))
	require.NoError(t, err)
	assert.InEpsilon(t, 28, all[0].Record.Factors[1].Value, 1e-12)
	assert.Contains(t, guessed(all[0].Guesses)[""], "energyConsumptions/3: 0.005 tCO2eq of services whose energy is unknown are left out")
}

// entryBOM is a BOM of another with one entry.
func entryBOM(entry string) string {
	return `{"bomFormat":"CycloneDX","specVersion":"1.6","serialNumber":"urn:uuid:3e671687-395b-41f5-a30f-a58921a69b79","metadata":{"timestamp":"2026-01-02T03:04:05+01:00"},
		"components":[{"type":"machine-learning-model","name":"m","version":"1","modelCard":{"modelParameters":{"task":"t"},
		"quantitativeAnalysis":{"performanceMetrics":[{"type":"f1","value":"0.9"},{"type":"f2","value":"good"}]},
		"considerations":{"environmentalConsiderations":{"energyConsumptions":[` + entry + `]}}}}]}`
}

const foreignEntry = `{"activity":"inference","energyProviders":[{"organization":{"name":"P"},"energySource":"wind","energyProvided":{"value":0.4,"unit":"kWh"}}],
	"activityEnergyCost":{"value":0.4,"unit":"kWh"},"co2CostEquivalent":{"value":0.00012,"unit":"tCO2eq"},"co2CostOffset":{"value":1,"unit":"tCO2eq"}}`

func TestAnEntryOfAnotherIsARecordThatTellsWhatWasGuessed(t *testing.T) {
	all, err := ReadCycloneDX(strings.NewReader(entryBOM(foreignEntry + "," + foreignEntry)))
	require.NoError(t, err)
	require.Len(t, all, 2, "nobody says that two entries are of one run")
	r := all[0].Record
	assert.NotEqual(t, r.Run.ID, all[1].Record.Run.ID)
	assert.Equal(t, 0.4*3.6e6, r.Totals.EnergyJ.Value)
	assert.InEpsilon(t, 120, r.Totals.OperationalGCO2e.Value, 1e-9)
	assert.Equal(t, r.Totals.EnergyJ.Value, r.Totals.FacilityEnergyJ.Value, "PUE is not applied to what may have it")
	assert.Equal(t, lifecycle.BoundaryFacility, r.Run.Boundary)
	assert.Equal(t, lifecycle.Declared, r.Totals.EnergyJ.Method)
	assert.InEpsilon(t, 0.2*3.6e6, r.Totals.EnergyJ.Low, 1e-5)
	assert.Equal(t, lifecycle.Estimated, r.Run.Status)
	assert.Equal(t, "2026-01-02T02:04:05Z", r.CreatedAt.Format("2006-01-02T15:04:05Z07:00"))
	assert.Equal(t, []lifecycle.Evaluation{{Metric: "f1", Value: 0.9}}, r.Technology.ML.Evaluation)
	assert.Equal(t, "wind", r.Extensions[cdxExtension].([]any)[0].(map[string]any)["energyProviders"].([]any)[0].(map[string]any)["energySource"], "nothing of the entry is lost")
	g := guessed(all[0].Guesses)
	for _, path := range []string{"/run/status", "/run/scope", "/run/boundary", "/run/duration_s", "/phases/0/stage", "/methods/0/rel_error",
		"/environments/0/factors/grid", "/hardware/0", "/technology/ml/evaluation", ""} {
		assert.Contains(t, g, path)
	}
	for _, f := range lifecycle.Validate(r) {
		assert.True(t, f.Warning, "%v", f)
	}
	bare := `{"activity":"other","energyProviders":[],"activityEnergyCost":{"value":0,"unit":"kWh"}}`
	all, err = ReadCycloneDX(strings.NewReader(entryBOM(bare)))
	require.NoError(t, err)
	assert.Equal(t, lifecycle.Unassigned, all[0].Record.Phases[0].Stage)
	assert.Contains(t, guessed(all[0].Guesses)["/environments/0/factors/grid"], "does not tell it")
}

// Trap 58: the format's own example has 31.22 t for 0.4 kWh.
func TestImpossibleEntriesAreRefusedByName(t *testing.T) {
	_, err := ReadCycloneDX(bytes.NewReader(reference(t, "schemas/cyclonedx/samples-valid/valid-machine-learning-considerations-env-1.7.json")))
	assert.ErrorContains(t, err, "/components/0/modelCard/considerations/environmentalConsiderations/energyConsumptions/0: 0.4 kWh and 31.22 tCO2eq are 7.805e+04 kgCO2e for each kWh")
	entry := func(old, with string) string { return entryBOM(strings.Replace(foreignEntry, old, with, 1)) }
	for name, c := range map[string]struct{ bom, want string }{
		"a negative":          {entry(`"activityEnergyCost":{"value":0.4`, `"activityEnergyCost":{"value":-0.4`), "-0.4 is no number from 0 on"},
		"a text":              {entry(`"activityEnergyCost":{"value":0.4`, `"activityEnergyCost":{"value":"0.4"`), "no number"},
		"no value":            {entry(`"activityEnergyCost":{"value":0.4,`, `"activityEnergyCost":{`), "no value"},
		"another unit":        {entry(`"activityEnergyCost":{"value":0.4,"unit":"kWh"`, `"activityEnergyCost":{"value":0.4,"unit":"J"`), `unit "J"`},
		"kilograms":           {entry(`0.00012,"unit":"tCO2eq"`, `0.12,"unit":"kgCO2eq"`), `unit "kgCO2eq"`},
		"too much":            {entry(`"activityEnergyCost":{"value":0.4`, `"activityEnergyCost":{"value":1e300`), "more than anything uses"},
		"more than a double":  {entry(`"activityEnergyCost":{"value":0.4`, `"activityEnergyCost":{"value":1e999`), "no number"},
		"emissions of no kWh": {entry(`"activityEnergyCost":{"value":0.4`, `"activityEnergyCost":{"value":0`), "kgCO2e for each kWh"},
		"no activity":         {entry(`"inference"`, `"banana"`), `"banana"`},
		"a null":              {entry(`"name":"P"`, `"name":null`), "null"},
		"no entries":          {entryBOM(""), "no model of the BOM tells"},
		"no BOM":              {`[]`, "bomFormat"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := ReadCycloneDX(strings.NewReader(c.bom))
			assert.ErrorContains(t, err, c.want)
		})
	}
	_, err = ReadCycloneDX(strings.NewReader(entryBOM(strings.Repeat(strings.Replace(foreignEntry, `"inference"`, `"x"`, 1)+",", 30) + foreignEntry)))
	assert.ErrorContains(t, err, "energyConsumptions/19")
	assert.ErrorContains(t, err, "and 10 more")
}

func FuzzReadCycloneDX(f *testing.F) {
	f.Add([]byte(entryBOM(foreignEntry)))
	f.Add([]byte(entryBOM(`{"activity":"training","energyProviders":[],"activityEnergyCost":{"value":1e-3,"unit":"kWh"}}`)))
	text, _ := exported(f, CycloneDX, exampleRecord(f), Options{})
	f.Add(text)
	f.Fuzz(func(t *testing.T, text []byte) {
		all, err := ReadCycloneDX(bytes.NewReader(text))
		if err != nil {
			return
		}
		for _, imp := range all {
			for _, finding := range lifecycle.Validate(imp.Record) {
				if !finding.Warning {
					t.Fatalf("%v", finding)
				}
			}
			var b bytes.Buffer
			if err := lifecycle.Encode(&b, imp.Record); err != nil {
				t.Fatal(err)
			}
			if _, err := lifecycle.Decode(&b); err != nil {
				t.Fatal(err)
			}
		}
	})
}
