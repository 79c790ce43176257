package main

import (
	"fmt"
	"os"
	"regexp"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/ecotracer/ecotracer/lifecycle"
)

func view(r *lifecycle.Record, s style, all bool) string {
	p := page{style: s, record: r, all: all}
	p.print()
	return p.String()
}

var escape = regexp.MustCompile("\x1b\\[[0-9;]*m")

func TestShowLaysOutARecord(t *testing.T) {
	for name, test := range map[string]struct {
		record *lifecycle.Record
		style  style
	}{
		"measured-80.txt":         {measured(t), style{80, false}},
		"measured-100-colour.txt": {measured(t), style{100, true}},
		"modelled-80.txt":         {modelled(t), style{80, false}},
	} {
		t.Run(name, func(t *testing.T) {
			require.Empty(t, lifecycle.Validate(test.record), "the example must be a valid record")
			text := view(test.record, test.style, false)
			golden(t, name, text)
			assert.Equal(t, test.style.colour, escape.MatchString(text))
			for _, line := range strings.Split(escape.ReplaceAllString(text, ""), "\n") {
				assert.LessOrEqual(t, utf8.RuneCountInString(line), test.style.width, "%q must fit the width", line)
			}
		})
	}
}

func TestColourChangesNoText(t *testing.T) {
	r := measured(t)
	assert.Equal(t, view(r, style{80, false}, true), escape.ReplaceAllString(view(r, style{80, true}, true), ""))
}

func TestShowIntoAPipeHasNoColour(t *testing.T) {
	r := call("", "show", file(t, measured(t)))
	require.Zero(t, r.code, r.err)
	assert.Empty(t, r.err)
	assert.Equal(t, view(measured(t), style{80, false}, false), r.out)
}

func TestShowAsJSONIsTheRecordAsItIs(t *testing.T) {
	path := file(t, measured(t))
	r := call("", "show", "--json", path)
	require.Zero(t, r.code, r.err)
	assert.Equal(t, string(encoded(t, measured(t))), r.out)
	assert.Equal(t, r, call(r.out, "show", "--json", "-"), "standard input is as good as a file")
}

func TestShowWarnsOfARecordThatDoesNotAddUp(t *testing.T) {
	record := measured(t)
	record.Totals.EnergyJ.Value *= 1.01
	record.Totals.EnergyJ.High *= 1.01
	r := call("", "show", file(t, record))
	assert.Equal(t, 1, r.code)
	assert.Contains(t, r.out, "wing beats", "it is shown all the same")
	assert.Contains(t, r.err, "not valid")
	assert.Contains(t, r.err, "ecotracer validate")
}

func TestShowTellsWhyAFileCannotBeShown(t *testing.T) {
	dir := t.TempDir()
	bad := dir + "/bad.json"
	require.NoError(t, os.WriteFile(bad, []byte(`{"schema": "x`), 0o644))
	good := file(t, measured(t))
	r := call("", "show", dir+"/none.json", dir, bad, good)
	assert.Equal(t, 1, r.code)
	assert.Contains(t, r.err, "none.json: there is no such file")
	assert.Contains(t, r.err, dir+": it cannot be read")
	assert.Regexp(t, "bad.json: .*`ecotracer validate`", r.err)
	assert.Contains(t, r.out, "wing beats", "one bad file must not hide the others")
}

func TestShowKeepsTextFromOutsideHarmless(t *testing.T) {
	r := measured(t)
	evil := "x\x1b[2Jy\nz"
	r.Run.Name, r.Hardware[0].Model, r.Spans[0].Path = evil, evil, evil
	r.Warnings[0].Detail, r.Missing[0].What, r.Factors[0].Source, r.Methods[0].Sensor = evil, evil, evil, evil
	r.Environments[0].Region, r.Ledger[0].Domain = evil, evil
	text := view(r, style{80, false}, true)
	assert.NotContains(t, text, "\x1b")
	assert.Contains(t, text, "x<U+001B>[2Jy")
}

func TestShowLeavesOutSpansOfNextToNoEnergy(t *testing.T) {
	r := measured(t)
	for i := range 100 {
		r.Spans = append(r.Spans, lifecycle.Span{Path: fmt.Sprintf("tiny %d", i), Stage: lifecycle.Serving, Count: 1, SelfJ: 1, TotalJ: 1})
	}
	text := view(r, style{80, false}, false)
	assert.NotContains(t, text, "tiny")
	assert.Contains(t, text, "100 paths more, of little energy; --all shows them")
	assert.Contains(t, view(r, style{80, false}, true), "tiny 99")

	for i := range r.Spans {
		r.Spans[i].SelfJ, r.Spans[i].TotalJ = 1, 1
	}
	assert.Contains(t, view(r, style{80, false}, false), "paths more", "and no more than fit some screens")
}

func TestShowDrawsBars(t *testing.T) {
	for name, test := range map[string]struct {
		self, total float64
		want        string
	}{
		"all its own":        {1, 1, "██████████"},
		"all its children's": {0, 1, "░░░░░░░░░░"},
		"half and half":      {0.25, 0.5, "███░░"},
		"next to nothing":    {0, 0.001, "▏"},
		"nothing":            {0, 0, ""},
		"rounded up":         {0.96, 0.94, "█████████"},
	} {
		t.Run(name, func(t *testing.T) { assert.Equal(t, test.want, bar(test.self, test.total, 10)) })
	}
}

func TestShowOfAnEmptyRecordDoesNotPanic(t *testing.T) {
	assert.NotPanics(t, func() { view(&lifecycle.Record{}, style{80, true}, true) })
}

func TestShowTheReferenceRecord(t *testing.T) {
	const path = "../../../shared/reference/record-example.json"
	if _, err := os.Stat(path); err != nil {
		t.Skip("the reference is not here")
	}
	r := call("", "show", path)
	require.Zero(t, r.code, r.err)
	for _, want := range []string{"ticket-classifier", "3.75 MJ", "(3.52–4.05)", "fine-tuning", "EPYC 7543", "span serve", "network beyond the node"} {
		assert.Contains(t, r.out, want)
	}
}
