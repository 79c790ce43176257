package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/ecotracer/ecotracer/internal/race"
	"github.com/ecotracer/ecotracer/lifecycle/scenario"
)

// shippedScenario is a file with a scenario that is part of the program.
func shippedScenario(t *testing.T, name string) string {
	t.Helper()
	r := call("", "twin", "--example", name)
	require.Zero(t, r.code, r.err)
	path := filepath.Join(t.TempDir(), name+".yaml")
	require.NoError(t, os.WriteFile(path, []byte(r.out), 0o600))
	return path
}

func TestTwinTellsTheScenarios(t *testing.T) {
	for _, name := range scenario.Examples() {
		t.Run(name, func(t *testing.T) {
			if race.On && name != "validator" {
				t.Skip("one goroutine: nothing for the race detector")
			}
			args := []string{"twin", shippedScenario(t, name)}
			if name != "validator" { // which has nothing to turn
				args = append(args, "--optimise")
			}
			r := call("", args...)
			require.Zero(t, r.code, r.err)
			assert.Empty(t, r.err)
			shown := append([]string{"ecotracer twin " + name + ".yaml"}, args[2:]...)
			golden(t, "twin-"+name+".txt", "$ "+strings.Join(shown, " ")+"\n"+r.out)
			assert.NotContains(t, r.out, "\x1b", "no colour in a pipe")
			for _, line := range strings.Split(r.out, "\n") {
				assert.LessOrEqual(t, utf8.RuneCountInString(line), 80, "%q must fit a terminal", line)
			}
			for _, wrong := range []string{"NaN", "Inf", "%!", "<nil>"} {
				assert.NotContains(t, r.out, wrong)
			}
		})
	}
}

func TestTwinAnswersOneQuestion(t *testing.T) {
	r := call("", "twin", shippedScenario(t, "validator"), "--question", "new-computer")
	require.Zero(t, r.code, r.err)
	golden(t, "twin-question.txt", "$ ecotracer twin validator.yaml --question new-computer\n"+r.out)
}

func TestTwinIsForProgramsToo(t *testing.T) {
	r := call("", "twin", shippedScenario(t, "validator"), "--json", "--set", "devices.node.count=3", "--set", "years = 3")
	require.Zero(t, r.code, r.err)
	var told struct {
		Result  scenario.Result
		Answers map[string]scenario.Answer
		Matters []scenario.Influence `json:"what_matters"`
	}
	require.NoError(t, json.Unmarshal([]byte(r.out), &told))
	assert.Equal(t, 3, told.Result.Years)
	assert.Equal(t, []float64{3, 3, 3}, told.Result.Fleets[0].Count)
	assert.Len(t, told.Answers, 4)
	assert.NotEmpty(t, told.Matters)
}

func TestTwinTellsMistakesByLine(t *testing.T) {
	path := shippedScenario(t, "validator")
	text, err := os.ReadFile(path)
	require.NoError(t, err)
	broken := strings.Replace(strings.Replace(string(text), "count: 1\n", "count: one\n", 1), "lifetime: 3 years", "lifetme: 3 years", 1)
	r := call(broken, "twin", "-")
	assert.Equal(t, 1, r.code)
	lines := strings.Split(strings.TrimSpace(r.err), "\n")
	require.Len(t, lines, 2, "each in a line of its own")
	assert.Contains(t, lines[0], `ecotracer twin: -:22:12: devices.node.count: "one" is not a number`)
	assert.Contains(t, lines[1], `did you mean lifetime?`)
	for name, c := range map[string]struct {
		args []string
		code int
		says string
	}{
		"no file":             {[]string{"twin"}, 2, "ecotracer twin scenario.yaml"},
		"two files":           {[]string{"twin", path, path}, 2, "it takes one scenario"},
		"no such file":        {[]string{"twin", "nothing.yaml"}, 1, "nothing.yaml: there is no such file"},
		"no such example":     {[]string{"twin", "--example", "validater"}, 2, "did you mean validator?"},
		"an example and file": {[]string{"twin", "--example", "validator", path}, 2, "it takes one scenario"},
		"no such question":    {[]string{"twin", path, "--question", "why"}, 2, "it asks france, hosted, longer-life, new-computer"},
		"no such path":        {[]string{"twin", path, "--set", "devices.node.lifetme=3 years"}, 2, "--set devices.node.lifetme: there is no key"},
		"no value":            {[]string{"twin", path, "--set", "devices.node.lifetime"}, 2, "write path=value"},
		"a wrong value":       {[]string{"twin", path, "--set", "devices.node.lifetime=3"}, 2, "a time, such as 5 years"},
		"no knobs":            {[]string{"twin", path, "--optimise"}, 1, "knobs: there are none"},
	} {
		t.Run(name, func(t *testing.T) {
			r := call("", c.args...)
			assert.Equal(t, c.code, r.code)
			assert.Contains(t, r.err, c.says)
			assert.Empty(t, r.out)
		})
	}
}

// A figure of a scenario may be that of a record beside it.
func TestTwinTakesFiguresFromRecords(t *testing.T) {
	dir := t.TempDir()
	record := measured(t)
	var stage string
	for _, p := range record.Phases {
		if p.EnergyJ != nil && p.EnergyJ.Value > 0 {
			stage = string(p.Stage)
		}
	}
	data, err := os.ReadFile(file(t, record))
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(filepath.Join(dir, "run.json"), data, 0o600))
	text := "start: 2026\nyears: 1\nplaces: {here: {country: FR}}\nservices: {s: {work: {train: {energy: {from: run.json, stage: " + stage + "}}}}}\n"
	path := filepath.Join(dir, "s.yaml")
	require.NoError(t, os.WriteFile(path, []byte(text), 0o600))
	r := call("", "twin", path)
	require.Zero(t, r.code, r.err)
	assert.Contains(t, r.out, "training")
	require.NoError(t, os.WriteFile(filepath.Join(dir, "run.json"), []byte("{}"), 0o600))
	r = call("", "twin", path)
	assert.Equal(t, 1, r.code)
	assert.Contains(t, r.err, "s.yaml:4:39: services.s.work.train.energy: run.json: ")
}

func TestTwinMakesAScenarioOfARecord(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "run.json")
	text, err := os.ReadFile("../../lifecycle/testdata/small.json")
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(path, text, 0o600))
	r := call("", "twin", "--from", path)
	require.Zero(t, r.code, r.err)
	again := filepath.Join(dir, "scenario.yaml")
	require.NoError(t, os.WriteFile(again, []byte(r.out), 0o600))
	r = call("", "twin", again)
	require.Zero(t, r.code, r.err)
	assert.Contains(t, r.out, "In 5 years it emits")

	assert.Equal(t, exitUsage, call("", "twin", "--from", path, again).code)
	r = call("", "twin", "--from", again)
	assert.Equal(t, exitFound, r.code)
	assert.Contains(t, r.err, "twin: "+again)
}
