package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/ecotracer/ecotracer/lifecycle"
	"github.com/ecotracer/ecotracer/lifecycle/dataset"
)

// dataSet is a folder with records.
func dataSet(t *testing.T, records map[string]*lifecycle.Record) string {
	dir := t.TempDir()
	for name, r := range records {
		require.NoError(t, os.WriteFile(filepath.Join(dir, name), encoded(t, r), 0o666))
	}
	return dir
}

func TestADataSetIsValidated(t *testing.T) {
	first := measured(t)
	newer := another(t, func(r *lifecycle.Record) { r.CreatedAt = r.CreatedAt.Add(time.Hour) })
	dir := dataSet(t, map[string]*lifecycle.Record{"a.json": first, "b.json": newer, "copy.json": first})
	r := call("", "dataset", "validate", dir)
	assert.Zero(t, r.code, r.err)
	assert.Equal(t, "3 documents in 3 files: 2 records count\n  left out: 1: a copy of a document that counts\n", r.out)
	r = call("", "dataset", "validate", "--all", dir)
	assert.Contains(t, r.out, "    "+filepath.Join(dir, "copy.json")+": run "+first.Run.ID+": a copy")

	bad := measured(t)
	bad.Run.ID, bad.Totals.EnergyJ.Value = "019df4e5-8ac0-7000-8000-0000000000aa", 1
	require.NoError(t, os.WriteFile(filepath.Join(dir, "bad.json"), encoded(t, bad), 0o666))
	quarantine := filepath.Join(t.TempDir(), "q")
	r = call("", "dataset", "validate", "--quarantine", quarantine, dir)
	assert.Equal(t, 1, r.code)
	assert.Contains(t, r.out, "refused: 1: a record that breaks a rule")
	assert.Contains(t, r.err, filepath.Join(dir, "bad.json")+": R")
	assert.FileExists(t, filepath.Join(quarantine, "000001.refused"))

	r = call(string(encoded(t, first))+"\n{}", "dataset", "validate", "--json", "-", dir)
	assert.Equal(t, 1, r.code)
	var told struct {
		Sound     bool
		Counted   int
		Refusals  []dataset.Refusal
		Omissions []dataset.LeftOut
	}
	require.NoError(t, json.Unmarshal([]byte(r.out), &told))
	assert.False(t, told.Sound)
	assert.Equal(t, 2, told.Counted)
	assert.Len(t, told.Refusals, 2)
	assert.Len(t, told.Omissions, 2)
	assert.Contains(t, r.out, `"conflicts": []`)

	assert.Equal(t, 2, call("", "dataset", "validate").code)
	assert.Equal(t, 1, call("", "dataset", "validate", "nowhere").code)
	var many strings.Builder
	for range 30 {
		many.WriteString("{}\n")
	}
	r = call(many.String(), "dataset", "validate", "-")
	assert.Contains(t, r.err, "10 more were refused")
	assert.Equal(t, 21, strings.Count(r.err, "\n"))
}

func TestADataSetIsAssessedAnew(t *testing.T) {
	dir := dataSet(t, map[string]*lifecycle.Record{"a.json": measured(t), "b.json": another(t, func(*lifecycle.Record) {})})
	out := filepath.Join(t.TempDir(), "new")
	r := call("", "dataset", "reassess", dir, "-o", out, "--country", "Poland", "--pue", "1.5,1.4,1.6")
	require.Zero(t, r.code, r.err)
	assert.Regexp(t, `^2 records written to .*; operational emissions were .* and are .*\n$`, r.out)
	r = call("", "dataset", "validate", dir, out)
	assert.Zero(t, r.code, r.err)
	assert.Equal(t, "4 documents in 4 files: 2 records count\n  left out: 2: a later document of its run counts\n", r.out)
	r = call("", "dataset", "reassess", out, "-o", t.TempDir(), "--intensity", "100", "--json")
	require.Zero(t, r.code, r.err)
	var all struct {
		Written int
		Records []reassessed
	}
	require.NoError(t, json.Unmarshal([]byte(r.out), &all))
	assert.Equal(t, 2, all.Written)
	told := all.Records
	require.Len(t, told, 2)
	assert.Equal(t, "/environments/0/factors/grid", told[0].Changes[0].Pointer)
	assert.Equal(t, "PL", told[0].Changes[0].FactorBefore.Geography)
	assert.Equal(t, 100.0, told[0].Changes[0].FactorAfter.Value)

	for says, args := range map[string][]string{
		"no file or folder":        {"-o", out, "--refresh"},
		"write -o DIR":             {dir, "--refresh"},
		"say what is to change":    {dir, "-o", out},
		"would be overwritten":     {dir, "-o", dir, "--refresh"},
		"--country: ":              {dir, "-o", out, "--country", "Narnia"},
		"--pue: it is 1 or more":   {dir, "-o", out, "--pue", "0.9"},
		"write a number from 0 on": {dir, "-o", out, "--wue", "much"},
		"say whose it is":          {dir, "-o", out, "--region", "eu-west-1"},
	} {
		r := call("", append([]string{"dataset", "reassess"}, args...)...)
		assert.Equal(t, 2, r.code, says)
		assert.Contains(t, r.err, says)
	}
}
