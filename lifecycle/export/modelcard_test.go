package export

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.yaml.in/yaml/v4"

	"github.com/ecotracer/ecotracer/lifecycle"
)

// cards are cards as they are found in the wild, with the lines of each that
// make way for ours.
var cards = map[string][]string{
	"empty":    nil,
	"comments": nil,
	"crlf":     {"co2_eq_emissions: 17g\r"},
	"unicode":  nil,
	"number":   {"co2_eq_emissions: 149200.0  # grams, from the paper"},
	"block": {`  emissions: 149200.0`, `  source: "code carbon"`, `  training_type: "pre-training"`,
		`  geographical_location: "East USA"   # us-east-1`, `  hardware_used: "8 v100 GPUs"`},
	"flow": {"co2_eq_emissions: {emissions: 0.5, source: codecarbon,", "  training_type: fine-tuning,",
		"  on_cloud: false  # at home", "}"},
	"lists":    {"co2_eq_emissions: 2.4e-05"},
	"nobody":   nil,
	"nofront":  nil,
	"rules":    nil,
	"anchors":  {"  emissions: 12"},
	"template": nil,
	"setext":   nil,
	"braces":   {"{}"},
	"indented": {"      emissions: 5"},
}

func TestACardKeepsAllThatIsNotOurs(t *testing.T) {
	r := exampleRecord(t)
	for name, gone := range cards {
		t.Run(name, func(t *testing.T) {
			before, err := os.ReadFile(filepath.Join("testdata", "cards", name+".md"))
			require.NoError(t, err)
			original := bytes.Clone(before)
			after, _, err := IntoModelCard(before, r, Options{Record: "record.json"})
			require.NoError(t, err)
			assert.Equal(t, original, before, "the caller's bytes")
			golden(t, "cards/"+name+".golden", string(after))

			again, _, err := IntoModelCard(after, r, Options{Record: "record.json"})
			require.NoError(t, err)
			assert.Equal(t, string(after), string(again), "the second time")

			// Each line of the old card is in the new one, in order, but for the
			// value that was replaced; and every other line is ours.
			rest := strings.Split(string(after), "\n")
			var lost, ours []string
			for _, line := range strings.Split(string(before), "\n") {
				i := 0
				for i < len(rest) && rest[i] != line {
					i++
				}
				if i == len(rest) {
					lost = append(lost, line)
					continue
				}
				ours, rest = append(ours, rest[:i]...), rest[i+1:]
			}
			assert.Equal(t, gone, lost)
			assertOurs(t, append(ours, rest...))
			assert.Equal(t, bytes.HasSuffix(before, []byte("\n")) || len(before) == 0, bytes.HasSuffix(after, []byte("\n")), "the last line end")
			if bytes.Contains(before, []byte("\r\n")) {
				assert.Equal(t, bytes.Count(after, []byte("\n")), bytes.Count(after, []byte("\r\n")), "line ends")
			}

			was, is := frontOf(t, before), frontOf(t, after)
			if block, ok := is[co2Key].(map[string]any); assert.True(t, ok) {
				assert.Equal(t, 3.9375, block["emissions"])
				assert.Equal(t, "IS", block["geographical_location"])
			}
			delete(was, co2Key)
			delete(is, co2Key)
			assert.Equal(t, was, is, "all other keys say what they said")
		})
	}
}

// assertOurs asserts that lines are of what is put into a card.
func assertOurs(t *testing.T, lines []string) {
	t.Helper()
	section := false
	for _, line := range lines {
		line = strings.TrimSuffix(line, "\r")
		section = section || line == sectionBegin
		key, _, _ := strings.Cut(strings.TrimSpace(line), ":")
		assert.True(t, section || line == "" || line == "\ufeff---" || line == "---" || key == co2Key || keyOfOurs(key), "%q", line)
		section = section && line != sectionEnd
	}
}

func keyOfOurs(key string) bool {
	for _, k := range co2Keys {
		if k == key {
			return true
		}
	}
	return false
}

// frontOf reads the front matter of a card as a program would.
func frontOf(t testing.TB, card []byte) map[string]any {
	t.Helper()
	text := strings.TrimLeft(strings.TrimPrefix(strings.ReplaceAll(string(card), "\r\n", "\n"), "\ufeff"), " \n")
	out := map[string]any{}
	if inner, ok := strings.CutPrefix(text, "---\n"); ok {
		inner, _, ok = strings.Cut(inner+"\n", "\n---\n")
		require.True(t, ok)
		require.NoError(t, yaml.Unmarshal([]byte(inner), &out))
	}
	return out
}

func TestACardTellsOfTheLastRecordAlone(t *testing.T) {
	first := exampleRecord(t)
	second := exampleRecord(t)
	second.Run.Name, second.Environments[0].Country = "other", "NO"
	for i := range second.Phases {
		if e := &second.Phases[i]; e.Stage == lifecycle.Training {
			e.OperationalGCO2e.Value, e.DurationS = 2.4e-5, nil
		}
	}
	for name := range cards {
		card, err := os.ReadFile(filepath.Join("testdata", "cards", name+".md"))
		require.NoError(t, err)
		once, _, err := IntoModelCard(card, first, Options{Record: "a.json"})
		require.NoError(t, err)
		twice, _, err := IntoModelCard(once, second, Options{})
		require.NoError(t, err)
		direct, _, err := IntoModelCard(card, second, Options{})
		require.NoError(t, err)
		assert.Equal(t, string(direct), string(twice), name)
		assert.Contains(t, string(twice), `emissions: "0.000024"`)
		assert.Contains(t, string(twice), `geographical_location: "NO"`)
		assert.NotContains(t, string(twice), "hours_used")
		assert.NotContains(t, string(twice), "a.json")
	}
}

func TestABrokenCardIsRefusedWithItsPlace(t *testing.T) {
	r := exampleRecord(t)
	for name, c := range map[string]struct {
		card         string
		line, column int
		says         string
	}{
		"not closed":         {"---\nlicense: mit\n\n# Title\n", 1, 1, "does not end"},
		"not closed, later":  {"\ufeff\n\n  ---\nlicense: mit\n", 3, 3, "does not end"},
		"blanks behind it":   {"--- \nlicense: mit\n---\n", 1, 4, "blanks"},
		"no mapping":         {"---\n- a\n---\n", 2, 1, "no mapping"},
		"a text":             {"---\nhello\n---\n", 2, 1, "no mapping"},
		"in braces":          {"---\n{license: mit}\n---\n", 2, 1, "a line for each key"},
		"quote":              {"---\nlicense: mit\ntitle: \"abc\n---\n", 4, 1, "quoted"},
		"brackets":           {"---\r\nlicense: mit\r\ntags: [a, b\r\nx: y\r\n---\r\n", 4, 2, "flow sequence"},
		"colon":              {"---\nlicense: a: b\n---\n", 2, 11, "mapping values"},
		"empty in braces":    {"---\n!!map {}\n---\n", 2, 1, "a line for each key"},
		"tab":                {"---\na:\n\tb: 1\n---\n", 3, 1, "character"},
		"alias":              {"---\na: *none\n---\n", 2, 4, "unknown anchor"},
		"twice":              {"---\nlicense: a\nx: 1\nlicense: b\n---\n", 4, 1, "license is there twice"},
		"ours twice":         {"---\nco2_eq_emissions: 1\nco2_eq_emissions: 2\n---\n", 3, 1, "twice"},
		"control character":  {"---\nlicense: mit\nx: é\x01\n---\n", 3, 5, "control character"},
		"not UTF-8":          {"---\nx: caf\xe9\n---\n", 2, 7, "UTF-8"},
		"two documents":      {"---\na: 1\n--- \nb: 2\n---\n", 3, 1, "second YAML document"},
		"keys of others":     {"---\nco2_eq_emissions: {emissions: 1, url: x}\n---\n", 2, 34, "url is no key that describes emissions"},
		"referred to":        {"---\nco2_eq_emissions: &c 5\nother: *c\n---\n", 2, 1, "refers"},
		"key by a mark":      {"---\na: 1\n? co2_eq_emissions\n: 5\n---\n", 3, 3, "beginning of a line"},
		"section not closed": {"a\n\n" + sectionBegin + "\nb\n", 3, 1, "does not end"},
		"section not begun":  {"---\nx: 1\n---\nb\n" + sectionEnd + "\n", 5, 1, "has not begun"},
		"comment not closed": {"# a\n\n<!-- b\n", 3, 1, "end it"},
		"code not closed":    {"# a\n~~~~\n~~~\n", 2, 1, "end it"},
		"two sections":       {sectionBegin + "\n" + sectionEnd + "\n" + sectionBegin + "\n" + sectionEnd + "\n", 3, 1, "second section"},
	} {
		t.Run(name, func(t *testing.T) {
			_, _, err := IntoModelCard([]byte(c.card), r, Options{})
			var bad *CardError
			require.ErrorAs(t, err, &bad)
			assert.Equal(t, [2]int{c.line, c.column}, [2]int{bad.Line, bad.Column}, "%v", err)
			assert.Contains(t, err.Error(), c.says)
		})
	}
}

func TestARecordWithoutLearningLeavesTheFrontMatterAlone(t *testing.T) {
	r := exampleRecord(t)
	kept := r.Phases[:0]
	for _, e := range r.Phases {
		if e.Stage != lifecycle.Training {
			kept = append(kept, e)
		}
	}
	r.Phases = kept
	card := []byte("---\nco2_eq_emissions: 17\n---\n")
	after, _, err := IntoModelCard(card, r, Options{})
	require.NoError(t, err)
	assert.True(t, bytes.HasPrefix(after, card))
	assert.Contains(t, string(after), "is not set from it")
	fresh, _, err := IntoModelCard(nil, r, Options{})
	require.NoError(t, err)
	assert.True(t, bytes.HasPrefix(fresh, []byte(sectionBegin)), "no front matter that says nothing")
}

func TestWhatIsNoWholeMeasuredRunSaysSo(t *testing.T) {
	r := exampleRecord(t)
	half := 0.5
	for status, says := range map[lifecycle.Status]string{lifecycle.Complete: "", lifecycle.Estimated: "Nothing ran", lifecycle.Running: "not ended", lifecycle.Failed: "failed", lifecycle.Interrupted: "interrupted"} {
		r.Run.Status = status
		card, _, err := IntoModelCard(nil, r, Options{})
		require.NoError(t, err)
		assert.Contains(t, string(card), says)
		assert.Equal(t, says != "", strings.Contains(string(card), "\n**The") || strings.Contains(string(card), "\n**Nothing"))
		assert.Equal(t, status == lifecycle.Estimated, strings.Contains(string(card), "source: ecotracer (estimate)\n"))
		for name, form := range forms {
			assert.Contains(t, filled(t, form, r, Options{}), says, name)
		}
	}
	r.Run.Coverage = &half
	card, _, err := IntoModelCard(nil, r, Options{})
	require.NoError(t, err)
	assert.Contains(t, string(card), "50 % of the ranks")
}

// The worked example of the projections: 1.25 kWh and 70 g of learning, by 1 kWh
// at the devices, a PUE of 1.25 and 56 gCO2e/kWh.
func TestTheFrontMatterTellsOfLearningWithItsFacility(t *testing.T) {
	in := bytes.NewReader(reference(t, "record-example.json"))
	r, err := lifecycle.Decode(in)
	require.NoError(t, err)
	var card bytes.Buffer
	_, err = ModelCard(&card, r, Options{})
	require.NoError(t, err)
	co2 := frontOf(t, card.Bytes())[co2Key].(map[string]any)
	assert.Equal(t, map[string]any{
		"emissions": 70, "source": "ecotracer", "training_type": "fine-tuning", "geographical_location": "FR", "hardware_used": "2 x H100 PCIe 80GB",
		"energy_consumed": 1.25, "on_cloud": false, "cpu_model": "EPYC 7543", "ram_total_size": 256, "hours_used": 1,
	}, co2)
}

func TestSeveralStagesOfLearningAddUp(t *testing.T) {
	r := exampleRecord(t)
	for i := range r.Phases {
		if r.Phases[i].Stage == lifecycle.DataPreparation {
			r.Phases[i].Stage = lifecycle.PreTraining
		}
	}
	l := learningOf(r)
	require.NotNil(t, l)
	assert.InDelta(t, 0.11375+3.9375, l.emissions.Value, 1e-12)
	assert.InDelta(t, 0.0786684+2.73213, l.emissions.Low, 1e-9)
	assert.InDelta(t, 0.166417+5.72044, l.emissions.High, 1e-9)
	assert.InDelta(t, 880, *l.seconds, 1e-9)
	assert.Equal(t, lifecycle.Modelled, l.facility.Method)
	assert.Equal(t, lifecycle.Declared, leastDirect(lifecycle.Declared, lifecycle.Counter))
}

// hostile is what a record may hold to break out of where it is put.
var hostile = []string{
	"a\n---\nlicense: stolen\n---\n# x", "x: y", "# x", "\"", "'", "{a: [b", "- a", "*a", "&a", "!!python/object", "|", ">",
	"</script><script>alert(1)</script>", "<img src=x onerror=alert(1)>", "[x](javascript:alert(1))", "| a | b |", "`", "```\n", "<!--", "-->",
	sectionBegin, "\n" + sectionEnd + "\n", "\u202e\u2066", "\u2028\u0085", "\r", "\x1b[31m", strings.Repeat("a", 4096), "@everyone", "$$x$$", "\\",
}

func TestWhatARecordHoldsStaysData(t *testing.T) {
	plain, _, err := IntoModelCard(nil, exampleRecord(t), Options{})
	require.NoError(t, err)
	for _, text := range hostile {
		r := exampleRecord(t)
		r.Generator.Name, r.Technology.ML.TrainingType = text, text
		e := &r.Environments[0]
		e.Country, e.Provider, e.Region = text, text, text
		for i := range r.Hardware {
			r.Hardware[i].Model, r.Hardware[i].ID = text, "h"
		}
		for i := range r.Factors {
			r.Factors[i].Source = text
		}
		for i := range r.Phases {
			for k := range r.Phases[i].Usage {
				r.Phases[i].Usage[k].Hardware = "h"
			}
		}
		for i := range r.Missing {
			r.Missing[i].What = text
		}
		card, _, err := IntoModelCard(nil, r, Options{Record: text})
		require.NoError(t, err)
		front := frontOf(t, card)
		require.Len(t, front, 1, "%q", text)
		co2 := front[co2Key].(map[string]any)
		assert.Equal(t, text, co2["source"], "%q", text)
		assert.Equal(t, text, co2["training_type"])
		assert.Len(t, co2, 10)
		assert.Equal(t, bytes.Count(plain, []byte("\n")), bytes.Count(card, []byte("\n")), "%q: no line more", text)
		again, _, err := IntoModelCard(card, r, Options{Record: text})
		require.NoError(t, err)
		assert.Equal(t, string(card), string(again), "%q", text)
		_, body, _ := strings.Cut(string(card), "\n---\n")
		for _, line := range strings.Split(body, "\n") {
			if strings.HasPrefix(line, "<!-- ecotracer:") {
				continue
			}
			bare := strings.NewReplacer(`\\`, "", `\<`, "", `\>`, "", `\|`, "", "\\`", "", `\[`, "", `\]`, "").Replace(line)
			for _, mark := range []string{"<script", "<img", "<!--"} {
				assert.NotContains(t, bare, mark, "%q", text)
			}
			assert.NotContains(t, line, "\x1b")
			assert.NotContains(t, line, "\u202e")
		}
	}
}

func TestTheLossesOfACardAreHonest(t *testing.T) {
	_, lost, err := IntoModelCard(nil, exampleRecord(t), Options{})
	require.NoError(t, err)
	paths := map[string]bool{}
	for _, l := range lost {
		paths[l.Path] = true
	}
	for _, p := range []string{"/spans", "/ledger", "/phases", "/factors", "/warnings", "/totals", "/totals/embodied_gco2e", "/hardware/1", "/technology"} {
		assert.True(t, paths[p], "%s is lost", p)
	}
	for _, p := range []string{"/totals/gco2e", "/totals/by_phase", "/hardware/3/count", "/run/boundary", "/environments/0/country"} {
		assert.False(t, paths[p], "%s is told", p)
	}
}

func FuzzIntoModelCard(f *testing.F) {
	for name := range cards {
		card, err := os.ReadFile(filepath.Join("testdata", "cards", name+".md"))
		require.NoError(f, err)
		f.Add(card)
	}
	f.Add([]byte("---\na: &a [*a]\nco2_eq_emissions: !!map {<<: *a}\n---\n"))
	f.Add([]byte("---\nco2_eq_emissions:\n  ? [a]\n  : b\n  # c\n---\n```\n" + sectionBegin))
	r := exampleRecord(f)
	f.Fuzz(func(t *testing.T, card []byte) {
		after, _, err := IntoModelCard(card, r, Options{})
		if err != nil {
			var bad *CardError
			require.ErrorAs(t, err, &bad)
			assert.GreaterOrEqual(t, bad.Line, 1)
			assert.LessOrEqual(t, bad.Line, 1+bytes.Count(card, []byte("\n")))
			assert.GreaterOrEqual(t, bad.Column, 1)
			return
		}
		again, _, err := IntoModelCard(after, r, Options{})
		require.NoError(t, err, "%s", after)
		require.Equal(t, string(after), string(again))
		assert.LessOrEqual(t, len(card), len(after)+len(card), "bounded")
		// What stands behind the front matter is all there, but for a section.
		before, now := outside(t, card), outside(t, after)
		require.True(t, subsequence(before, now), "%q\n%q", before, now)
	})
}

// outside is the body of a card without the section.
func outside(t *testing.T, card []byte) []byte {
	p, err := splitCard(card)
	require.NoError(t, err)
	at, err := p.places()
	require.NoError(t, err)
	if at.begin < 0 {
		return p.body
	}
	return append(bytes.Clone(p.body[:at.begin]), p.body[at.end:]...)
}

func subsequence(a, b []byte) bool {
	for _, c := range b {
		if len(a) > 0 && a[0] == c {
			a = a[1:]
		}
	}
	return len(a) == 0
}
