package main

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/ecotracer/ecotracer/lifecycle"
	"github.com/ecotracer/ecotracer/lifecycle/dataset"
)

// manyRuns are n runs like measured, each with a bit more energy, in a folder.
func manyRuns(t *testing.T, n int) string {
	dir := t.TempDir()
	for i := range n {
		r := ofEnergy(t, 1+float64(i)/10)
		r.Run.ID = fmt.Sprintf("019df4e5-8ac0-7000-8000-%012x", i)
		r.Publisher.Name = "Secret Works"
		r.Missing = slices.DeleteFunc(r.Missing, func(m lifecycle.Missing) bool { return strings.HasPrefix(m.Path, "/publisher") })
		for k := range r.Hardware {
			for m := range r.Hardware[k].Instance { // else they would be of one machine at one time
				r.Hardware[k].Instance[m] = fmt.Sprintf("%08x%08x", i, m)
			}
		}
		require.NoError(t, lifecycle.Assess(r))
		lifecycle.FillMissing(r)
		f, err := os.Create(filepath.Join(dir, r.Run.ID+".json"))
		require.NoError(t, err)
		require.NoError(t, lifecycle.Encode(f, r))
		require.NoError(t, f.Close())
	}
	return dir
}

func TestSummariseTellsWhatRunsCameTo(t *testing.T) {
	dir := manyRuns(t, 5)
	for name, args := range map[string][]string{
		"dataset-summarise.txt":      {dir},
		"dataset-summarise-unit.txt": {"--by", "kind,country", "--unit", "clips", dir},
	} {
		r := call("", append([]string{"dataset", "summarise"}, args...)...)
		require.Zero(t, r.code, r.err)
		golden(t, name, r.out)
		for _, line := range strings.Split(r.out, "\n") {
			assert.LessOrEqual(t, utf8.RuneCountInString(line), 80, "%q must fit a terminal", line)
		}
	}
	r := call("", "dataset", "summarise", "--by", "", "--json", dir)
	require.Zero(t, r.code, r.err)
	var told struct {
		Groups []dataset.Group
		Report dataset.Report
	}
	require.NoError(t, json.Unmarshal([]byte(r.out), &told))
	require.Len(t, told.Groups, 1)
	assert.EqualValues(t, 5, told.Groups[0].Runs)
	assert.EqualValues(t, 5, told.Report.Counted)
}

func TestCombinedIsAsSummarisedAtOnce(t *testing.T) {
	dir, out := manyRuns(t, 6), t.TempDir()
	files, err := filepath.Glob(filepath.Join(dir, "*.json"))
	require.NoError(t, err)
	at := func(name string) string { return filepath.Join(out, name) }
	for name, of := range map[string][]string{"a.json": files[:2], "b.json": files[2:], "all.json": files} {
		r := call("", append([]string{"dataset", "summarise", "--by", "phase,kind", "-o", at(name)}, of...)...)
		require.Zero(t, r.code, r.err)
	}
	r := call("", "dataset", "combine", "-o", at("ab.json"), at("b.json"), at("a.json"))
	require.Zero(t, r.code, r.err)
	all, err := os.ReadFile(at("all.json"))
	require.NoError(t, err)
	ab, err := os.ReadFile(at("ab.json"))
	require.NoError(t, err)
	assert.Equal(t, string(all), string(ab))

	r = call("", "dataset", "combine", at("a.json"), at("b.json"), at("a.json"))
	assert.Equal(t, exitFound, r.code)
	assert.Contains(t, r.err, "it is the same as "+at("a.json")+"; its runs would count twice")
	assert.Contains(t, call("", "dataset", "combine", "--by", "month", at("a.json")).err, "it is by phase, kind, and cannot be by month")
	assert.Contains(t, call("", "dataset", "combine", files[0]).err, `its schema is "urn:ecotracer:record:v1"`)
}

func TestFewRunsDoNotLeave(t *testing.T) {
	dir, site := manyRuns(t, 5), filepath.Join(t.TempDir(), "site.json")
	r := call("", "dataset", "summarise", "--federated", "-o", site, dir)
	require.Zero(t, r.code, r.err)
	assert.Contains(t, r.out, "withheld for too few runs")
	text, err := os.ReadFile(site)
	require.NoError(t, err)
	assert.Contains(t, string(text), `"groups":[]`)

	r = call("", "dataset", "summarise", "--federated", "--min-runs", "5", "-o", site, dir)
	require.Zero(t, r.code, r.err)
	text, err = os.ReadFile(site)
	require.NoError(t, err)
	assert.NotContains(t, string(text), "Secret Works")
	assert.NotContains(t, string(text), "019df4e5")
	other := filepath.Join(t.TempDir(), "other.json")
	r = call("", "dataset", "summarise", "--federated", "--min-runs", "5", "-o", other, manyRuns(t, 6))
	require.Zero(t, r.code, r.err)
	r = call("", "dataset", "combine", site, other)
	require.Zero(t, r.code, r.err)
	assert.Contains(t, r.out, "Runs by phase\nno sum is of fewer than 5 runs\n")

	for args, says := range map[string]string{
		"--federated":                             "write -o FILE",
		"--min-runs 3":                            "write --federated too",
		"--federated -o x --epsilon 1":            "write --budget FILE",
		"--federated -o x --by publisher":         "publisher",
		"--federated -o x --min-runs 1":           "at least 2",
		"--by hue":                                `there is no dimension "hue"; there are phase, stage`,
		"--federated -o x --budget b":             "write how much this release may take",
		"--federated -o x --epsilon 1 --budget b": "--allow EPSILON,DELTA",
		"--federated -o x --epsilon 1 --budget b --run-bounds joules=3": "it is a list such as",
	} {
		r := call("", append([]string{"dataset", "summarise", dir}, strings.Fields(args)...)...)
		assert.Equal(t, exitUsage, r.code, args)
		assert.Contains(t, r.err, says, args)
	}
}

// A run that is in several groups is not taken for several.
func TestHowManyRunsThereAreIsNotToldWhereItIsUnknown(t *testing.T) {
	of := func(overlapping bool) string {
		var p page
		total := dataset.Group{Runs: 12, Overlapping: overlapping, Water: dataset.Sum{Value: new(1.0), Known: 8, Unknown: 4}}
		p.summaryGaps(summarised{Total: total})
		return strings.Join(strings.Fields(p.String()), " ")
	}
	assert.Contains(t, of(false), "water: 4 of 12 runs do not tell it")
	assert.Contains(t, of(true), "water: some runs do not tell it, or not all of it: 4, each counted once for every group it is in")
}

func TestAReleaseTakesFromTheBudget(t *testing.T) {
	dir, out := manyRuns(t, 5), t.TempDir()
	site, budget := filepath.Join(out, "site.json"), filepath.Join(out, "budget.json")
	release := func(more ...string) result {
		return call("", append([]string{"dataset", "summarise", "--federated", "--epsilon", "5", "--budget", budget, "-o", site, dir}, more...)...)
	}
	r := release("--allow", "6,1e-5")
	require.Zero(t, r.code, r.err)
	assert.Contains(t, r.err, "allows releases of ε ")
	assert.Contains(t, r.out, "ε 5, δ 1e-06")
	assert.Contains(t, r.out, "\nNo group is of so many runs that it can be told.\n")
	r = call("", "dataset", "combine", "--json", site, site)
	require.Zero(t, r.code, r.err)
	assert.Contains(t, r.out, `"sites": 2`)

	require.NoError(t, os.Remove(site))
	r = release()
	assert.Equal(t, exitFound, r.code)
	assert.Contains(t, r.err, "the privacy budget does not allow it")
	_, err := os.Stat(site)
	assert.ErrorIs(t, err, os.ErrNotExist, "nothing leaves")

	whole := filepath.Join(out, "whole.json")
	require.Zero(t, call("", "dataset", "summarise", "-o", whole, dir).code)
}
