package main

import (
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/stretchr/testify/assert"
)

func TestFoldBreaksBetweenWordsAndKeepsAFigureWithItsUnit(t *testing.T) {
	for name, test := range map[string]struct {
		text  string
		width int
		want  []string
	}{
		"what fits":        {"a short text", 12, []string{"a short text"}},
		"at the last word": {"a short text", 11, []string{"a short", "  text"}},
		"with an indent":   {"one two three four", 9, []string{"one two", "  three", "  four"}},
		"a unit":           {"for as long as 12 min, at least", 17, []string{"for as long as", "  12 min, at", "  least"}},
		"a period":         {"is read every 1 s, by a tool", 15, []string{"is read", "  every 1 s, by", "  a tool"}},
		"an interval":      {"a value of 36 (20–60) gCO2e/kWh", 25, []string{"a value of", "  36 (20–60) gCO2e/kWh"}},
		"a large number":   {"as many as 1 500 000 J", 18, []string{"as many as", "  1 500 000 J"}},
		"a list":           {"1.00 J (1–2) modelled · 3 min · x", 26, []string{"1.00 J (1–2) modelled ·", "  3 min · x"}},
		"one long word":    {"in /a/folder/of/a/long/name now", 10, []string{"in", "  /a/folder/of/a/long/name", "  now"}},
		"no unit":          {"chapter 1 says", 10, []string{"chapter 1", "  says"}},
		"nothing":          {" ", 10, nil},
	} {
		t.Run(name, func(t *testing.T) { assert.Equal(t, test.want, fold(test.text, test.width, "  ")) })
	}
}

func TestFillKeepsTextsWholeIfTheyFitALine(t *testing.T) {
	assert.Equal(t, []string{"one text · two", "another one"}, fill([]string{"one text", "", "two", "another one"}, " · ", 16, 0))
	assert.Equal(t, []string{"short · a much", "longer text", "end"}, fill([]string{"short", "a much longer text", "end"}, " · ", 14, 0), "and are broken at words if not")
}

func TestShowFitsANarrowTerminalButForItsTables(t *testing.T) {
	text := view(measured(t), style{40, false}, false)
	table := false
	for _, line := range strings.Split(text, "\n") {
		switch line {
		case "Totals", "Emissions by phase", "Phases", "Spans", "Where the joules went":
			table = true
		case "":
			table = false
		}
		if !table {
			assert.LessOrEqual(t, utf8.RuneCountInString(line), 40, "%q must be broken at a word", line)
		}
		assert.LessOrEqual(t, utf8.RuneCountInString(line), 80, "%q must be laid out for 80", line)
	}
	words := func(text string) []string { return strings.Fields(strings.ReplaceAll(text, "·", "")) } // no dot at an edge
	assert.Equal(t, words(view(measured(t), style{80, false}, false)), words(text), "and tell the same")
}

func TestALongNameTakesNoRoomFromFigures(t *testing.T) {
	for _, name := range []string{"short", strings.Repeat("a name ", 40)} {
		p := &page{style: style{width: 80}}
		table := newTable(false, true, true)
		table.add(cell{text: name}, cell{text: "1.21 mWh"}, cell{text: "(0.400–80.0)"})
		p.squeeze(table)
		p.table(table)
		assert.Regexp(t, `^  (short|a name .*…)  1\.21 mWh  \(0\.400–80\.0\)\n$`, p.String())
		assert.LessOrEqual(t, utf8.RuneCountInString(p.String()), 80+len("\n"))
	}
}
