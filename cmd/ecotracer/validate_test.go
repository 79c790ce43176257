package main

import (
	"encoding/json"
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/ecotracer/ecotracer/lifecycle"
)

// wrong is a record with a mistake of 1 % in its energy.
func wrong(t *testing.T) string {
	r := measured(t)
	r.Totals.EnergyJ.Value *= 1.01
	return file(t, r)
}

func TestValidateTellsThatARecordIsValid(t *testing.T) {
	path := file(t, measured(t))
	r := call("", "validate", path)
	assert.Zero(t, r.code, r.out+r.err)
	assert.Empty(t, r.err)
	assert.Equal(t, path+": valid", strings.TrimSpace(lastLine(r.out))[:len(path)+len(": valid")])
}

func lastLine(text string) string {
	lines := strings.Split(strings.TrimRight(text, "\n"), "\n")
	return lines[len(lines)-1]
}

func TestValidateTellsEachFindingOnALine(t *testing.T) {
	path := wrong(t)
	r := call("", "validate", path)
	assert.Equal(t, 1, r.code)
	assert.Regexp(t, `(?m)^`+path+`: R23 /totals/energy_j/value: .*found .*expected `, r.out)
	assert.Regexp(t, `: not valid, \d+ errors?$`, lastLine(r.out))
}

func TestValidateLooksAtEveryFile(t *testing.T) {
	good, bad := file(t, measured(t)), wrong(t)
	r := call("", "validate", bad, "no-such-file", good)
	assert.Equal(t, 1, r.code)
	assert.Contains(t, r.out, bad+": not valid")
	assert.Contains(t, r.out, good+": valid")
	assert.Contains(t, r.err, "no-such-file: there is no such file")
}

func TestValidateReadsStandardInput(t *testing.T) {
	r := call(string(encoded(t, measured(t))), "validate", "-")
	assert.Zero(t, r.code, r.out+r.err)
	assert.Contains(t, r.out, "-: valid")
}

func TestValidateTellsWhatIsNoRecord(t *testing.T) {
	for name, test := range map[string]struct{ text, says string }{
		"empty":           {"", "R1"},
		"no JSON":         {"energy: 3", "R1"},
		"cut short":       {string(encoded(t, measured(t))[:1000]), "R1"},
		"another schema":  {`{"schema": "urn:other:v9"}`, "R2"},
		"a later one":     {strings.Replace(string(encoded(t, measured(t))), `"schema_revision": 0`, `"schema_revision": 7`, 1), "R2"},
		"a member beside": {strings.Replace(string(encoded(t, measured(t))), `"schema_revision": 0`, `"schema_revision": 0, "colour": "green"`, 1), "/colour"},
		"too deep":        {strings.Repeat("[", 1000), "R1"},
	} {
		t.Run(name, func(t *testing.T) {
			r := call(test.text, "validate", "-")
			assert.Equal(t, 1, r.code)
			assert.Contains(t, r.out+r.err, test.says)
		})
	}
}

func TestValidateTellsThatThereMayBeMoreFindings(t *testing.T) {
	text := string(encoded(t, measured(t)))
	unknown := func(n int) string { // members
		var b strings.Builder
		for i := range n {
			fmt.Fprintf(&b, `"colour %d": 1, `, i)
		}
		return strings.Replace(text, `"schema_revision": 0`, b.String()+`"schema_revision": 0`, 1)
	}
	spans := func(n int) string {
		r := measured(t)
		for i := range n { // a total that is no sum
			r.Spans = append(r.Spans, lifecycle.Span{Path: fmt.Sprintf("x%d", i), Stage: lifecycle.Serving, Count: 1, TotalJ: 5})
		}
		return string(encoded(t, r))
	}
	for name, test := range map[string]struct {
		text string
		more bool
	}{
		"few that the reader finds":     {unknown(30), false},
		"many that the reader finds":    {unknown(3000), true},
		"few that the validator finds":  {spans(100), false},
		"many that the validator finds": {spans(3000), true},
	} {
		t.Run(name, func(t *testing.T) {
			r := call(test.text, "validate", "-")
			assert.Equal(t, 1, r.code)
			if test.more {
				assert.Regexp(t, `^-: not valid, at least \d+ errors; what comes after so many is not listed$`, lastLine(r.out))
			} else {
				assert.Regexp(t, `^-: not valid, \d+ errors$`, lastLine(r.out))
			}
			var verdicts []verdict
			require.NoError(t, json.Unmarshal([]byte(call(test.text, "validate", "--json", "-").out), &verdicts))
			assert.Equal(t, test.more, verdicts[0].More)
		})
	}
}

func TestValidateAsJSON(t *testing.T) {
	good, bad := file(t, measured(t)), wrong(t)
	r := call("", "validate", good, bad, "no-such-file", "--json")
	assert.Equal(t, 1, r.code)
	var verdicts []verdict
	require.NoError(t, json.Unmarshal([]byte(r.out), &verdicts))
	require.Len(t, verdicts, 3)
	assert.True(t, verdicts[0].Valid)
	assert.False(t, verdicts[1].Valid)
	assert.False(t, verdicts[2].Valid)
	assert.Equal(t, "there is no such file", verdicts[2].Error)
	var rules []string
	for _, f := range verdicts[1].Findings {
		rules = append(rules, f.Rule+" "+f.Pointer)
	}
	assert.Contains(t, rules, "R23 /totals/energy_j/value")
}

func TestValidateLeavesWarningsValid(t *testing.T) {
	r := measured(t)
	for i := range r.Factors {
		if r.Factors[i].ID == "pue.site" {
			r.Factors[i].Value, r.Factors[i].Low, r.Factors[i].High = 4, 3.5, 5 // R33 warns above 3
		}
	}
	require.NoError(t, lifecycle.Assess(r))
	got := call("", "validate", file(t, r))
	assert.Zero(t, got.code, got.out)
	assert.Contains(t, got.out, "R33 (warning)")
	assert.Regexp(t, `: valid, \d+ warnings?$`, lastLine(got.out))
}

func TestValidateTheReferenceRecord(t *testing.T) {
	const path = "../../../shared/reference/record-example.json"
	if _, err := os.Stat(path); err != nil {
		t.Skip("the reference is not here")
	}
	r := call("", "validate", path)
	assert.Zero(t, r.code)
	assert.Equal(t, path+": valid\n", r.out)
}
