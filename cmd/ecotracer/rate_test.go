package main

import (
	"encoding/json"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/ecotracer/ecotracer/factors"
	"github.com/ecotracer/ecotracer/lifecycle"
)

// faultless is a record that lacks nothing.
func faultless(t *testing.T) *lifecycle.Record {
	return another(t, func(r *lifecycle.Record) {
		r.Publisher.Name = "Example Ltd."
		r.UseCase = lifecycle.UseCase{Sector: &lifecycle.Sector{Scheme: "NACE-2.1", Code: "72.10"}, Purpose: "count birds", Goal: "know them", Description: "by their wings"}
		r.Technology = lifecycle.Technology{Kind: "other", Other: &lifecycle.Other{Description: "ears"}}
		r.Missing = nil
		for i := range r.Methods {
			r.Methods[i].Method, r.Methods[i].RelError = lifecycle.Counter, 0.02
		}
		for i := range r.Ledger {
			r.Ledger[i].Method = lifecycle.Counter
		}
		for i := range r.Factors {
			r.Factors[i].Quality, r.Factors[i].Found = "A", factors.Exact
		}
	})
}

func TestRateTellsTheLevelAndWhatWouldLiftIt(t *testing.T) {
	for name, test := range map[string]struct {
		record *lifecycle.Record
		level  string
	}{
		"rate-measured.txt": {measured(t), "bronze"},
		"rate-modelled.txt": {modelled(t), "none"},
		"rate-gold.txt":     {faultless(t), "gold"},
	} {
		t.Run(name, func(t *testing.T) {
			path := file(t, test.record)
			r := call("", "rate", path)
			require.Zero(t, r.code, r.err)
			text := strings.ReplaceAll(r.out, path, "run.json")
			assert.True(t, strings.HasPrefix(text, "run.json: "+test.level+"\n"), text)
			assert.Equal(t, test.level == "gold", !strings.Contains(text, "to rise: "))
			golden(t, name, "$ ecotracer rate run.json\n"+text)
			for _, line := range strings.Split(text, "\n") {
				assert.LessOrEqual(t, utf8.RuneCountInString(line), 80, "%q must fit a terminal", line)
			}
			for least, want := range map[string]int{"bronze": 1, "silver": 1, "gold": 1} {
				if levels := "none bronze silver gold"; strings.Index(levels, least) <= strings.Index(levels, test.level) {
					want = 0
				}
				assert.Equal(t, want, call("", "rate", "--least", least, path).code, "at least %s", least)
			}
		})
	}
}

func TestRateAsJSONIsTheRating(t *testing.T) {
	good, bad := file(t, measured(t)), wrong(t)
	r := call("", "rate", "--json", good, bad)
	assert.Equal(t, 1, r.code)
	assert.Contains(t, r.err, "this record is not valid")
	var got []map[string]json.RawMessage
	require.NoError(t, json.Unmarshal([]byte(r.out), &got))
	require.Len(t, got, 2)
	want, err := lifecycle.Rate(measured(t))
	require.NoError(t, err)
	level, err := json.Marshal(want.Level)
	require.NoError(t, err)
	criteria, err := json.Marshal(want.Criteria)
	require.NoError(t, err)
	assert.JSONEq(t, string(level), string(got[0]["level"]))
	assert.JSONEq(t, string(criteria), string(got[0]["criteria"]))
	assert.NotContains(t, got[1], "level", "an invalid record has no rating")
	assert.JSONEq(t, `"not a valid record"`, string(got[1]["error"]))
}

func TestRateSaysWhatIsWrong(t *testing.T) {
	for name, test := range map[string]struct {
		args []string
		code int
		says string
	}{
		"nothing":     {[]string{"rate"}, 2, "ecotracer rate FILE"},
		"no level":    {[]string{"rate", "--least", "platinum", "x"}, 2, "bronze, silver and gold"},
		"no file":     {[]string{"rate", "none.json"}, 1, "none.json: there is no such file"},
		"a wrong sum": {[]string{"rate", wrong(t)}, 1, "not valid"},
	} {
		t.Run(name, func(t *testing.T) {
			r := call("", test.args...)
			assert.Equal(t, test.code, r.code)
			assert.Empty(t, r.out)
			assert.Contains(t, r.err, test.says)
		})
	}
}
