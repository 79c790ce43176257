package main

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// aCard is a model card with a name of its own for everything.
const aCard = "---\nlicense: mit # of the weights\ntags:\n- a\n---\n\n# A model\n\nIt reads digits."

// cardFolder is a folder with a record and a card.
func cardFolder(t *testing.T) (record, card string) {
	t.Helper()
	dir := t.TempDir()
	record, card = filepath.Join(dir, "record.json"), filepath.Join(dir, "README.md")
	require.NoError(t, os.WriteFile(record, encoded(t, measured(t)), 0o644))
	require.NoError(t, os.WriteFile(card, []byte(aCard), 0o640))
	return record, card
}

func read(t *testing.T, file string) string {
	t.Helper()
	text, err := os.ReadFile(file)
	require.NoError(t, err)
	return string(text)
}

func TestCardPutsARecordIntoACardOnce(t *testing.T) {
	record, card := cardFolder(t)
	r := call("", "card", record, "--into", card)
	require.Zero(t, r.code, r.err)
	assert.Empty(t, r.out)
	assert.Contains(t, r.err, "tells of the run now")
	once := read(t, card)
	assert.Contains(t, once, "tags:\n- a\nco2_eq_emissions:\n  emissions: ")
	assert.Contains(t, once, "[record.json](<record.json>)", "the record lies beside it")
	assert.False(t, strings.HasSuffix(once, "\n"), "as before")
	st, err := os.Stat(card)
	require.NoError(t, err)
	assert.Equal(t, os.FileMode(0o640), st.Mode().Perm(), "as before")
	left, err := filepath.Glob(filepath.Join(filepath.Dir(card), ".*"))
	require.NoError(t, err)
	assert.Empty(t, left, "nothing half-written is left")

	again := call("", "card", "--into", card, record)
	require.Zero(t, again.code, again.err)
	assert.Contains(t, again.err, "nothing changes")
	assert.Equal(t, once, read(t, card))
}

func TestCardKeepsALink(t *testing.T) {
	record, card := cardFolder(t)
	link := filepath.Join(t.TempDir(), "README.md")
	require.NoError(t, os.Symlink(card, link))
	require.Zero(t, call("", "card", record, "--into", link).code)
	assert.Contains(t, read(t, card), "co2_eq_emissions")
	st, err := os.Lstat(link)
	require.NoError(t, err)
	assert.NotZero(t, st.Mode()&os.ModeSymlink)
	assert.NotContains(t, read(t, card), "record.json", "a record elsewhere is not named: its path is nobody's business")
}

func TestNoResultTakesThePlaceOfWhatItIsMadeOf(t *testing.T) {
	record := file(t, measured(t))
	csv := filepath.Join(filepath.Dir(record), "emissions.csv")
	require.NoError(t, os.WriteFile(csv, []byte(emissions), 0o644))
	link := filepath.Join(t.TempDir(), "link.json")
	require.NoError(t, os.Symlink(record, link))
	text := read(t, record)
	for name, args := range map[string][]string{
		"card":   {"card", record, "--into", record},
		"report": {"report", record, "-o", record},
		"export": {"export", "--to", "codecarbon", record, "-o", link},
		"spans":  {"export", "--to", "pprof", record, "--spans", csv, "-o", csv},
		"redact": {"redact", record, "-o", link},
		"merge":  {"merge", record, "-o", link},
		"import": {"import", "--from", "codecarbon", csv, "-o", csv},
	} {
		r := call("", args...)
		assert.Equal(t, 2, r.code, name)
		assert.Contains(t, r.err, "would be overwritten", name)
		assert.Equal(t, text, read(t, record), name)
		assert.Equal(t, emissions, read(t, csv), name)
	}
}

func TestCardShowsWhatWouldChange(t *testing.T) {
	record, card := cardFolder(t)
	r := call("", "card", record, "--into", card, "--diff")
	require.Zero(t, r.code, r.err)
	assert.Equal(t, aCard, read(t, card), "nothing is written")
	golden(t, "card-diff.txt", without(filepath.Dir(card), r.out))
	assert.Equal(t, r, call("", "card", record, "--into", card, "--dry-run"))

	if _, err := exec.LookPath("patch"); err == nil {
		for name, text := range map[string]string{"as it is": aCard, "CRLF": strings.ReplaceAll(aCard, "\n", "\r\n"), "tabs, marks": aCard + "\n\t\u202etext"} {
			require.NoError(t, os.WriteFile(card, []byte(text), 0o644))
			cmd := exec.Command("patch", "-s", "--binary", card)
			cmd.Stdin = strings.NewReader(call("", "card", record, "--into", card, "--diff").out)
			out, err := cmd.CombinedOutput()
			require.NoError(t, err, "%s: %s", name, out)
			patched := read(t, card)
			require.NoError(t, os.WriteFile(card, []byte(text), 0o644))
			require.Zero(t, call("", "card", record, "--into", card).code)
			assert.Equal(t, read(t, card), patched, "%s: the difference is the change", name)
		}
	}
	require.Zero(t, call("", "card", record, "--into", card).code)
	none := call("", "card", record, "--into", card, "--diff")
	assert.Zero(t, none.code)
	assert.Empty(t, none.out)
}

func TestCardPrintsACardOfItsOwn(t *testing.T) {
	record, _ := cardFolder(t)
	r := call("", "card", record, "--record", "https://a.example/r.json")
	require.Zero(t, r.code, r.err)
	golden(t, "card.md", r.out)
	assert.Equal(t, r.out, call(read(t, record), "card", "-", "--record", "https://a.example/r.json").out)
}

func TestCardTellsProgramsWhatItDid(t *testing.T) {
	record, card := cardFolder(t)
	var done cardDone
	r := call("", "card", record, "--into", card, "--json", "--diff")
	require.NoError(t, json.Unmarshal([]byte(r.out), &done))
	assert.True(t, done.Changed)
	assert.Contains(t, done.Diff, "+co2_eq_emissions:")
	assert.NotEmpty(t, done.Lost)
	for range 2 {
		r = call("", "card", record, "--into", card, "--json")
		assert.Empty(t, r.err)
		done = cardDone{}
		require.NoError(t, json.Unmarshal([]byte(r.out), &done))
	}
	assert.Equal(t, card, done.File)
	assert.False(t, done.Changed)
	assert.Contains(t, call("", "card", record, "--json").out, `"card": "---\nco2_eq_emissions:`)
}

func TestCardLeavesWhatItCannotEditAlone(t *testing.T) {
	record, card := cardFolder(t)
	wrong := measured(t)
	wrong.Totals.MeasuredShare = 0.5
	for name, c := range map[string]struct {
		card string
		args []string
		code int
		says string
	}{
		"broken front matter": {"---\nlicense: mit\ntags: [a\n---\n", []string{record, "--into", card}, 1, "README.md: line 4, column 1: broken YAML"},
		"not closed":          {"---\nlicense: mit\n", []string{record, "--into", card}, 1, "README.md: line 1, column 1: the front matter that begins here does not end"},
		"no such card":        {aCard, []string{record, "--into", card + ".none"}, 1, "there is no such file; `ecotracer card RECORD >README.md`"},
		"a folder":            {aCard, []string{record, "--into", filepath.Dir(card)}, 1, "cannot be read"},
		"no such record":      {aCard, []string{record + ".none", "--into", card}, 1, "there is no such file"},
		"not valid":           {aCard, []string{file(t, wrong), "--into", card}, 1, "not valid"},
		"no record":           {aCard, []string{"--into", card}, 2, "it takes one record"},
		"two records":         {aCard, []string{record, record}, 2, "it takes one record"},
		"a diff of nothing":   {aCard, []string{record, "--diff"}, 2, "--into README.md"},
		"too long":            {strings.Repeat("a", maxCard+1), []string{record, "--into", card}, 1, "longer than 16 MiB"},
	} {
		t.Run(name, func(t *testing.T) {
			require.NoError(t, os.WriteFile(card, []byte(c.card), 0o644))
			r := call("", append([]string{"card"}, c.args...)...)
			assert.Equal(t, c.code, r.code)
			assert.Empty(t, r.out)
			assert.Contains(t, r.err, c.says)
			assert.Equal(t, 1, strings.Count(r.err, "\n"), "one line for one mistake")
			assert.True(t, c.card == read(t, card), "the card is as it was")
		})
	}
}

func TestADifferenceIsShortAndMakesOneTextOfTheOther(t *testing.T) {
	for _, c := range []struct{ a, b string }{
		{"", ""}, {"", "abc"}, {"abc", ""}, {"abc", "abc"}, {"abcabba", "cbabac"}, {"abcdefghijklmnopqrstuvwxyz", "abXcdefghijklmnopqrstuvwxYz"}, {"aaaa", "aa"}, {"ab", "ba"},
	} {
		a, b := strings.Split(c.a, ""), strings.Split(c.b, "")
		var was, is []string
		changes := 0
		for _, e := range editsOf(a, b) {
			if e.sign != '+' {
				was = append(was, e.line)
			}
			if e.sign != '-' {
				is = append(is, e.line)
			}
			if e.sign != ' ' {
				changes++
			}
		}
		assert.True(t, slices.Equal(a, was) && slices.Equal(b, is), "%q %q", c.a, c.b)
		assert.LessOrEqual(t, changes, len(a)+len(b))
		if c.a == "abcabba" {
			assert.Equal(t, 5, changes, "Myers' own example")
		}
	}
	assert.Equal(t, "--- f\n+++ f\n@@ -1,1 +1,2 @@\n-a\n\\ No newline at end of file\n+a\n+b\n", unifiedDiff("f", "a", "a\nb\n"))
	assert.Equal(t, "--- f\n+++ f\n@@ -0,0 +1,1 @@\n+a\n", unifiedDiff("f", "", "a\n"))
	assert.Empty(t, unifiedDiff("f", "a\n", "a\n"))
}
