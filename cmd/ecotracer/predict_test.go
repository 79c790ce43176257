package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/ecotracer/ecotracer/lifecycle"
	"github.com/ecotracer/ecotracer/lifecycle/dataset"
	"github.com/ecotracer/ecotracer/lifecycle/estimate"
)

// classifiers are valid records of trainings of one program: of 1 − accuracy
// 0.03 + 0.4 · epochs^−0.7 is left, and a device does 2500 images a second; from
// year to year, if they are of several, as many times as many.
func classifiers(t *testing.T, n, years int, quicker float64) (list []*lifecycle.Record) {
	rng := rand.New(rand.NewPCG(1, 2))
	for i := range n {
		epochs := math.Round(math.Pow(30, rng.Float64()))
		hours := epochs * 50000 / 2500 / 3600 * math.Exp(0.05*rng.NormFloat64())
		start := time.Date(2026, 3, 1+i%28, 9, 0, 0, 0, time.UTC)
		if ago := i % years; ago > 0 {
			start, hours = start.AddDate(-ago, 0, 0), hours*math.Pow(quicker, float64(ago))
		}
		end := start.Add(time.Duration(hours * float64(time.Hour)))
		e, err := estimate.Of(estimate.Plan{
			ID: fmt.Sprintf("019cadc6-9a80-7000-8000-%012d", i), CreatedAt: end, Name: "classifier", Stage: lifecycle.Training,
			Generator:   lifecycle.Generator{Name: "ecotracer", Version: "0.1.0", OS: "linux", Arch: "amd64"},
			Accelerator: "A100-SXM4-80GB", Hours: &estimate.Given{Value: end.Sub(start).Hours()}, Parameters: 25.6e6, Country: "FR",
			PowerW: &estimate.Given{Value: 310 * math.Exp(0.05*rng.NormFloat64())},
		})
		require.NoError(t, err)
		r := e.Record
		r.Run.Status, r.Run.StartedAt, r.Run.EndedAt = lifecycle.Complete, &start, &end
		r.Methods[0].Method, r.Methods[0].Sensor, r.Methods[0].RelError = lifecycle.Counter, "nvml", 0.05
		r.Ledger[0].Method = lifecycle.Counter
		for k := range r.Phases {
			if !r.Phases[k].Stage.Device() {
				r.Phases[k].StartedAt, r.Phases[k].EndedAt = &start, &end
			}
		}
		number := func(x float64) *int64 { return new(int64(x)) }
		ml := r.Technology.ML
		ml.Task, ml.TrainingType, ml.Epochs, ml.BatchSize, ml.Precision = "image-classification", "from-scratch", number(epochs), number(256), "bf16"
		ml.Datasets = []lifecycle.Dataset{{Role: "train", DataType: "image", Items: number(50000), ItemUnit: "image"}}
		left := 0.03 + 0.4*math.Pow(epochs, -0.7)*math.Exp(0.03*rng.NormFloat64())
		ml.Evaluation = []lifecycle.Evaluation{{Metric: "accuracy", Value: 1 - left, Split: "test", Direction: "higher"}}
		r.Missing = slices.DeleteFunc(r.Missing, func(m lifecycle.Missing) bool { return strings.HasPrefix(m.Path, "/technology/") })
		require.NoError(t, lifecycle.Assess(r))
		lifecycle.FillMissing(r)
		for _, f := range lifecycle.Validate(r) {
			require.True(t, f.Warning, f)
		}
		list = append(list, r)
	}
	return list
}

// written writes records as NDJSON, and the first of them as a file.
func written(t *testing.T, list []*lifecycle.Record) (all, first string) {
	var lines bytes.Buffer
	for _, r := range list {
		b, err := json.Marshal(r)
		require.NoError(t, err)
		lines.Write(append(b, '\n'))
	}
	all, first = filepath.Join(t.TempDir(), "runs.ndjson"), filepath.Join(t.TempDir(), "last.json")
	require.NoError(t, os.WriteFile(all, lines.Bytes(), 0o600))
	one, err := json.Marshal(list[0])
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(first, one, 0o600))
	return all, first
}

// Calls as a new user would make them, with what they print.
func TestTranscriptsOfPredict(t *testing.T) {
	all, last := written(t, classifiers(t, 40, 1, 1))
	older, _ := written(t, classifiers(t, 40, 4, 1.3))
	for name, test := range map[string]struct {
		line string
		code int
	}{
		"predict-physics.txt":  {`predict --params 7B --tokens 1T --device A100-SXM4-80GB --count 64 --country FR`, 0},
		"predict-records.txt":  {`predict --like last.json --epochs 20 --from runs.ndjson`, 0},
		"predict-unlike.txt":   {`predict --like last.json --params 256M --device "H100 SXM5 80GB" --country DE --from runs.ndjson`, 0},
		"predict-sweep.txt":    {`predict --like last.json --from runs.ndjson --sweep epochs=1..20 --sweep device=A100-SXM4-80GB,H100-SXM5-80GB --target accuracy=0.9`, 0},
		"predict-unwon.txt":    {`predict --like last.json --from runs.ndjson --sweep epochs=1..20 --target accuracy=0.99`, 1},
		"predict-drift.txt":    {`predict --like last.json --epochs 20 --when 2026-09 --from four-years.ndjson`, 0},
		"predict-requests.txt": {`predict --stage serve --params 671B/37B --tokens 2B --requests 4M --device "H100 SXM5 80GB" --count 8 --country SE`, 0},
	} {
		t.Run(name, func(t *testing.T) {
			args := words(test.line)
			for i := range args {
				args[i] = strings.NewReplacer("last.json", last, "runs.ndjson", all, "four-years.ndjson", older).Replace(args[i])
			}
			r := call("", args...)
			require.Equal(t, test.code, r.code, r.err)
			assert.Empty(t, r.err)
			golden(t, name, "$ ecotracer "+test.line+"\n"+r.out)
			for _, line := range strings.Split(r.out, "\n") {
				assert.LessOrEqual(t, utf8.RuneCountInString(line), 100, "%q must fit a terminal", line)
			}
		})
	}
}

// What is refused says what to write instead.
func TestPredictSaysWhatItNeeds(t *testing.T) {
	all, last := written(t, classifiers(t, 12, 1, 1))
	for name, test := range map[string]struct {
		line string
		want string
	}{
		"nothing":             {`predict`, "it takes a plan"},
		"no tokens":           {`predict --params 7B --device A100-SXM4-80GB`, "give --tokens"},
		"an unlisted device":  {`predict --params 7B --tokens 1T --device A100`, "near it: A100 PCIe 40GB"},
		"no date":             {`predict --params 7B --tokens 1T --when soon`, "--when \"soon\": write a date, such as 2027-06-01"},
		"a word":              {`predict --params many --tokens 1T`, "--params: \"many\": write a number"},
		"a flag of a record":  {`predict --like LAST --sweep lr=1e-4,3e-4 --target accuracy=0.9 ALL`, "--sweep lr: no record tells it"},
		"an axis not varied":  {`predict --like LAST --sweep items=10000,100000 --target accuracy=0.9 ALL`, "--sweep items: the records that tell accuracy do not vary it"},
		"too many":            {`predict --like LAST --sweep epochs=1..500 --sweep count=1..500 ALL`, "more than 100000"},
		"a target alone":      {`predict --like LAST --target accuracy=0.9`, "say what may be changed"},
		"a wrong target":      {`predict --like LAST --target accuracy`, "such as accuracy=0.92"},
		"no such stage":       {`predict --like LAST --stage gardening`, "does not know"},
		"a target of nothing": {`predict --params 7B --tokens 1T --device A100-SXM4-80GB --sweep params=1B..4B*2 --target accuracy=0.9`, "0 records tell it"},
		"too sure":            {`predict --like LAST --sweep epochs=1..3 --confidence 2 ALL`, "confidence 2: write a number between 0 and 1"},
		"energy of the sweep": {`predict --like LAST --sweep epochs=1..3 -o x.json`, "a sweep has many plans"},
	} {
		args := words(test.line)
		for i := range args {
			args[i] = strings.NewReplacer("LAST", last, "ALL", all).Replace(args[i])
		}
		r := call("", args...)
		assert.Equal(t, 2, r.code, name)
		assert.Empty(t, r.out, name)
		assert.Contains(t, r.err, test.want, name)
	}
	r := call("", "predict", "--like", last, filepath.Join(t.TempDir(), "none.json"))
	assert.Contains(t, r.err, "none.json")
	assert.Equal(t, 1, r.code, "it learned from nothing")
	assert.Contains(t, r.out, "From physics alone")
}

// A prediction is written as a record that is valid, comes to what was predicted,
// and holds the prediction.
func TestAPredictionIsWrittenAsARecord(t *testing.T) {
	all, last := written(t, classifiers(t, 12, 1, 1))
	for name, line := range map[string][]string{
		"by physics": {"--params", "7B", "--tokens", "1T", "--device", "A100-SXM4-80GB", "--count", "64"},
		"corrected":  {"--like", last, "--from", all},
		"of hours":   {"--device", "A100-SXM4-80GB", "--hours", "5"},
		"processors": {"--cpu", "EPYC 7543", "--cpus", "2", "--memory-gb", "256", "--flop", "1e18"},
	} {
		path := filepath.Join(t.TempDir(), "record.json")
		r := call("", append(append([]string{"predict", "--json", "-o", path, "--country", "FR"}, line...), "--name", "planned")...)
		require.Zero(t, r.code, "%s: %s", name, r.err)
		var told struct {
			dataset.Prediction
			Leans float64 `json:"leans"`
		}
		require.NoError(t, json.Unmarshal([]byte(r.out), &told), name)
		checked := call("", "validate", path)
		assert.Equal(t, 0, checked.code, "%s: %s", name, checked.out)
		b, err := os.ReadFile(path)
		require.NoError(t, err)
		record, err := lifecycle.Decode(bytes.NewReader(b))
		require.NoError(t, err)
		assert.Equal(t, lifecycle.Estimated, record.Run.Status)
		assert.InEpsilon(t, told.EnergyJ.Value, record.Totals.EnergyJ.Value, 1e-6, name)
		assert.InEpsilon(t, told.OperationalGCO2e.Value, record.Totals.OperationalGCO2e.Value, 1e-6, name)
		assert.LessOrEqual(t, record.Totals.EnergyJ.Low, told.EnergyJ.Low, "95 % is wider than 90 %")
		assert.GreaterOrEqual(t, record.Totals.EnergyJ.High, told.EnergyJ.High)
		assert.Contains(t, record.Extensions, dataset.PredictionExtension)
		if told.EmbodiedGCO2e != nil {
			assert.InEpsilon(t, told.EmbodiedGCO2e.Value, record.Totals.EmbodiedGCO2e.Value, 1e-3, name)
		}
		assert.Equal(t, name == "corrected", told.Leans > 0.5, name)
	}
}

func TestATargetThatIsNearlyReachedIsNotReached(t *testing.T) {
	assert.Equal(t, "90 %", reachedWith(0.9, 0.9))
	assert.Equal(t, "under 90 %", reachedWith(0.8996, 0.9))
	assert.Equal(t, "80 %", reachedWith(0.8, 0.9))
}
