package main

import (
	"fmt"
	"math"
	"os"
	"regexp"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/ecotracer/ecotracer/internal/inwords"
	"github.com/ecotracer/ecotracer/internal/recordtest"
	"github.com/ecotracer/ecotracer/internal/timeline"
	"github.com/ecotracer/ecotracer/lifecycle"
)

func view(r *lifecycle.Record, s style, all bool) string {
	p := page{style: s, marks: blocks, record: r, all: all}
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
		"everything-80.txt":       {everything(t), style{80, false}},
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
	require.NoError(t, os.WriteFile(bad, []byte(`{"schema": "urn:ecotracer:record:v1", "schema_revision": "x", "colour": 1}`), 0o644))
	good := file(t, measured(t))
	r := call("", "show", dir+"/none.json", dir, bad, good)
	assert.Equal(t, 1, r.code)
	assert.Contains(t, r.err, "none.json: there is no such file")
	assert.Contains(t, r.err, dir+": it cannot be read")
	assert.Regexp(t, "bad.json: .*`ecotracer validate`", r.err)
	assert.Contains(t, r.out, "wing beats", "one bad file must not hide the others")
}

func TestShowTellsWhatIsNoRecordInPlainWords(t *testing.T) {
	text := string(encoded(t, measured(t)))
	for name, test := range map[string]struct{ text, says string }{
		"empty":         {"", "the document is empty"},
		"blank":         {"\n", "the document is empty"},
		"cut short":     {text[:1000], "the document is truncated, at byte 1000"},
		"no schema":     {`{"energy": 3}`, "not a record of a known schema: it names none"},
		"another":       {`{"schema": "urn:other:v9"}`, "not a record of a known schema"},
		"a later one":   {strings.Replace(text, `"schema_revision": 0`, `"schema_revision": 7`, 1), "record made by a later version of ecotracer: upgrade to read it"},
		"too large":     {strings.Repeat(" ", 64<<20+1), "record larger than 64 MiB"},
		"text behind":   {text + "x", `text follows the record (found "x", expected the end of the document)`},
		"two":           {text + text, "another record follows, and a file has one"},
		"a member more": {strings.Replace(text, `"schema_revision": 0`, `"schema_revision": 0, "colour": "green"`, 1), "R1 /colour: the member is unknown"},
	} {
		t.Run(name, func(t *testing.T) {
			r := call(test.text, "show", "-")
			assert.Equal(t, 1, r.code)
			assert.Contains(t, r.err, "ecotracer show: -: "+test.says)
			assert.NotContains(t, r.err, "lifecycle", "package names are ours")
			assert.NotContains(t, r.err, "`ecotracer validate`", "there is no more to tell")
			assert.NotContains(t, r.err, "at byte 0", "that is no place")
		})
	}
}

func TestShowGroupsNotesOfManySpans(t *testing.T) {
	r := measured(t)
	first := len(r.Spans)
	for i := range 1000 {
		r.Spans = append(r.Spans, lifecycle.Span{Path: fmt.Sprintf("step %d", i), Stage: lifecycle.Serving, Count: 1, SelfJ: 1, TotalJ: 1})
		r.Warnings = append(r.Warnings, lifecycle.Warning{Code: "below-resolution", Path: fmt.Sprintf("/spans/%d", first+i)})
		r.Missing = append(r.Missing, lifecycle.Missing{Path: fmt.Sprintf("/spans/%d/p50_s", first+i), Reason: "not-measured"})
		r.Missing = append(r.Missing, lifecycle.Missing{Path: "/use_case", What: fmt.Sprintf("part %d", i), Reason: "not-measured"})
	}
	r.Warnings = append(r.Warnings,
		lifecycle.Warning{Code: "counter-gap", Path: "/ledger/1", Detail: "it slept", Count: new(int64(1))},
		lifecycle.Warning{Code: "clock-step", Detail: "by an hour"}, lifecycle.Warning{Code: "clock-step", Detail: "by an hour"})
	text := view(r, style{1000, false}, false)
	for _, want := range []string{
		"  below resolution, 1001 times: span fit/epoch/batch a~1b, span step 0, span step 1 and 998 more\n",
		"  counter gap, 2 times: domain cpu0: a reading came late (3 times), domain node0/rest: it slept\n",
		"  clock step: by an hour, 2 times\n",
		"  --all lists them all\n",
		"    span step 0, span step 1, span step 2 and 997 more: p50\n",
		"    use case: part 0, part 1, part 2, part 3, part 4, part 5, part 6, part 7, part 8, part 9, part 10, part 11 and 988 more\n",
	} {
		assert.Contains(t, text, want)
	}
	_, notes, _ := strings.Cut(text, "\nWarnings\n")
	assert.Less(t, strings.Count(notes, "\n"), 20)
	all := view(r, style{1000, false}, true)
	assert.Contains(t, all, "span step 998, span step 999")
	assert.Contains(t, all, "part 998, part 999")
	assert.NotContains(t, all, "--all")
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
		t.Run(name, func(t *testing.T) { assert.Equal(t, test.want, blocks.bar(test.self, test.total, 10)) })
	}
}

func TestShowDrawsIntervals(t *testing.T) {
	for name, test := range map[string]struct {
		low, value, high float64
		blocks, ascii    string
	}{
		"all three":       {0.2, 0.5, 1, "██▒▒▒────┤", "##===----|"},
		"sure":            {0.5, 0.5, 0.5, "█████", "#####"},
		"next to nothing": {1e-4, 2e-4, 3e-4, "▏", "|"},
		"perhaps more":    {1e-4, 1e-2, 0.2, "─┤", "-|"},
		"beyond the edge": {0.1, 0.3, 7, "█▒▒──────→", "#==------>"},
		"nothing":         {0, 0, 0, "", ""},
		"of nothing":      {math.NaN(), math.NaN(), math.NaN(), "", ""},
	} {
		t.Run(name, func(t *testing.T) {
			assert.Equal(t, test.blocks, blocks.interval(test.low, test.value, test.high, 10))
			assert.Equal(t, test.ascii, ascii.interval(test.low, test.value, test.high, 10))
		})
	}
}

func TestShowDrawsWhatIsUnknownAsUnknown(t *testing.T) {
	section := func(r *lifecycle.Record) string {
		_, text, _ := strings.Cut(view(r, style{80, false}, false), "\nEmissions by phase\n")
		text, _, _ = strings.Cut(text, "\n\n")
		return text
	}
	text := section(modelled(t))
	assert.Regexp(t, `(?m)^  production +\? +unknown$`, text)
	assert.Regexp(t, `(?m)^  end-of-life +\? +unknown$`, text)
	assert.NotRegexp(t, `production.* 0 `, text)

	r := measured(t)
	r.Hardware = append(r.Hardware, lifecycle.Hardware{ID: "gpu", Environment: r.Environments[0].ID, Kind: lifecycle.KindGPU, Count: 1})
	text = section(r)
	assert.Regexp(t, `(?m)^  production +█+.* ≥ 20\.6 gCO2e`, text, "what is known of it is the least that it is")
}

// Before a terminal was UTF-8 it could show ASCII, and it still can.
func TestShowDrawsWithWhatTheLocaleHas(t *testing.T) {
	path := file(t, measured(t))
	for _, test := range []struct {
		all, ctype, lang string
		blocks           bool
	}{
		{"", "", "", true},
		{"", "", "C.UTF-8", true},
		{"", "", "de_DE.utf8", true},
		{"", "", "C", false},
		{"", "", "de_DE@euro", false},
		{"", "en_US.ISO-8859-1", "en_US.UTF-8", false},
		{"POSIX", "en_US.UTF-8", "en_US.UTF-8", false},
		{"en_US.UTF-8", "C", "C", true},
	} {
		t.Setenv("LC_ALL", test.all)
		t.Setenv("LC_CTYPE", test.ctype)
		t.Setenv("LANG", test.lang)
		text := call("", "show", path).out
		assert.Equal(t, test.blocks, strings.ContainsAny(text, "█▒░─┤▏▁"), "%v", test)
		assert.Equal(t, !test.blocks, strings.Contains(text, "##"), "%v", test)
		foreign := func(r rune) bool { return r > unicode.MaxASCII }
		assert.Equal(t, test.blocks, strings.ContainsFunc(text, foreign), "%v: nor any other letter that it has not", test)
	}
}

func TestShowDrawsPowerOverTime(t *testing.T) {
	r := measured(t)
	section := func(s style) string {
		_, text, found := strings.Cut(view(r, s, false), "\nPower over time\n")
		if !found {
			return ""
		}
		text, _, _ = strings.Cut(text, "\n\n")
		return text
	}
	assert.Empty(t, section(style{80, false}), "a run that kept no timeline has none")

	cpu := timeline.Domain{Domain: "cpu0", TotalJ: []float64{0, 0, 1e5, 4e5, 4e5}} // nothing, 100 W, 300 W, nothing
	node := timeline.Domain{Domain: "node\x1b[2J", TotalJ: []float64{0, 1e5, 2e5, 3e5, 4e5}}
	r.Extensions[timeline.Key] = timeline.Timeline{Version: timeline.Version, Accounts: []int{}, Groups: []timeline.Group{
		{TS: []float64{0, 1000, 2000, 3000, 4000}, CPUS: make([]float64, 5), Domains: []timeline.Domain{cpu, node}},
	}}
	assert.Equal(t, strings.TrimPrefix(`
                                                      mean   most
  all              ▂▂▂▂▂▂▂▂▄▄▄▄▄▄▄▄████████▂▂▂▂▂▂▂▂  200 W  400 W
  cpu0                     ▃▃▃▃▃▃▃▃████████          100 W  300 W
  node<U+001B>[2J  ████████████████████████████████  100 W  100 W
  0 s to 1 h 7 min · 2 min 5 s a character · each line to its own most
  all that the meters saw`, "\n"), section(style{80, false}))

	for i := range 9 {
		r.Extensions[timeline.Key].(timeline.Timeline).Groups[0].Domains = append(r.Extensions[timeline.Key].(timeline.Timeline).Groups[0].Domains,
			timeline.Domain{Domain: fmt.Sprint("gpu", i), TotalJ: []float64{0, 1, 2, 3, 4}})
	}
	assert.Contains(t, section(style{100, false}), "5 domains more, of less energy, in all")

	r.Extensions[timeline.Key] = map[string]any{"version": 99}
	assert.Empty(t, section(style{80, false}), "what is no timeline is not shown")
}

func TestShowOfAnyRecordFitsAndIsHarmless(t *testing.T) {
	for seed := range uint64(40) {
		r := recordtest.Random(seed)
		text := view(r, style{80, false}, false)
		assert.NotContains(t, text, "\x1b", "record %d", seed)
		assert.NotRegexp(t, `%!|Inf `, text, "record %d", seed)
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

func TestShowTellsWhichPartOfAJobARecordIs(t *testing.T) {
	half := 0.5
	for want, run := range map[string]lifecycle.RunInfo{
		"":                      {},
		"rank 3 of 8":           {Rank: &lifecycle.Rank{Index: 3, Count: 8}},
		"merged from 2 records": {Merged: make([]lifecycle.MergedShard, 2)},
		"merged from 4 records, 50 % of the job's ranks": {Merged: make([]lifecycle.MergedShard, 4), Coverage: &half},
	} {
		assert.Equal(t, want, inwords.Job(&lifecycle.Record{Run: run}))
	}
}
