package export

import (
	"math"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.yaml.in/yaml/v4"
)

// pythonStr is Python's str of a YAML 1.1 scalar as PyYAML reads it.
func pythonStr(t *testing.T, text string) string {
	t.Helper()
	if quoted, err := strconv.Unquote(text); err == nil {
		return quoted
	}
	if !strings.Contains(text, ".") {
		return text // an int
	}
	v, err := strconv.ParseFloat(text, 64)
	require.NoError(t, err)
	if v != 0 && (math.Abs(v) < 1e-4 || math.Abs(v) >= 1e16) {
		return strconv.FormatFloat(v, 'e', -1, 64)
	}
	return strconv.FormatFloat(v, 'f', -1, 64)
}

// Trap 61: huggingface_hub reads 2.4e-05 as 2.4.
func TestHuggingfaceHubReadsTheEmissionsAsTheyAre(t *testing.T) {
	hub := regexp.MustCompile(`\d+\.\d+|\d+`) // hf_api.py and utils/endpoint_helpers.py
	assert.Equal(t, "2.4", hub.FindString(pythonStr(t, "0.000024")), "the trap is there")
	for _, v := range []float64{0, 1, 17, 70, 4.05, 0.1, 1e-4, 0.000099999999, 9.9999e-5, 2.4e-5, 1e-9, 7.5021e-18, 123456789, 1e15, 1e16, 1.5e16, 2.5e21, 999999.5, 1.0 / 3} {
		text := yamlNumber(v)
		assert.NotContains(t, strings.ToLower(text), "e", "an exponent")
		read, err := strconv.ParseFloat(hub.FindString(pythonStr(t, text)), 64)
		require.NoError(t, err)
		assert.InEpsilon(t, v+1e-300, read+1e-300, 1e-5, "%s", text)
	}
	assert.Equal(t, `"0.000024"`, yamlNumber(2.4e-5))
	assert.Equal(t, "70", yamlNumber(70))
	assert.Equal(t, "0", yamlNumber(0))
}

func TestATextIsAStringInYAMLWhateverItSays(t *testing.T) {
	for _, text := range []string{
		"ecotracer", "fine-tuning", "2 x H100 PCIe 80GB", "NO", "yes", "null", "~", "1.5", "1e5", "0x1F", "2026-05-04", "=", "<<",
		"a: b", "a #b", "#a", "- a", "&a", "*a", "!a", "|", ">", "%a", "@a", "`a`", "{a: b}", "[a]", "'a'", `"a"`, `a\b`, "a\nb: c\n---\nd", " a", "a ", "",
		"---", "...", "a\tb", "\u0085", "\u2028", "\ufeff", "\u202eevil", "é日本🌍", "\x00\x1b[31m", "\U000e0001",
	} {
		out := yamlText(text)
		assert.NotContains(t, out, "\n", "%q", text)
		var doc yaml.Node
		require.NoError(t, yaml.Unmarshal([]byte("k: "+out+"\n"), &doc), "%q", text)
		got := doc.Content[0].Content[1]
		assert.Equal(t, text, got.Value, "%s", out)
		assert.Equal(t, "!!str", got.ShortTag(), "%s", out)
		for _, reserved := range []string{"NO", "yes", "null"} { // YAML 1.1 has more of them
			if text == reserved {
				assert.Equal(t, `"`+text+`"`, out)
			}
		}
	}
}

func TestMarkupInATextIsTextInMarkdown(t *testing.T) {
	for text, want := range map[string]string{
		"2 x H100, 80.5 GB (PCIe) - new": "2 x H100, 80.5 GB (PCIe) - new",
		"<script>a|b</script>":           `\<script\>a\|b\</script\>`,
		"**b** _i_ `c` [l](u)":           "\\*\\*b\\*\\* \\_i\\_ \\`c\\` \\[l\\](u)",
		"see https://a.example/ &lt;":    `see https\://a.example/ \&lt;`,
		"WWW.a.example, www.b":           `WWW\.a.example, www\.b`,
		"@all #1 $x$ a@b.example":        `\@all \#1 \$x\$ a\@b.example`,
		"a\nb\r\n---\u202e":              `a b\<U+000D\> ---\<U+202E\>`,
		"<!-- ecotracer:end -->":         `\<\!-- ecotracer:end --\>`,
		`\`:                              `\\`,
	} {
		assert.Equal(t, want, markdown(text))
	}
}

func TestOnlyAPlaceIsALink(t *testing.T) {
	for to, want := range map[string]string{
		"record.json":                 "[record.json](<record.json>)",
		"my run (1).json":             "[my run (1).json](<my run (1).json>)",
		"https://a.example/r>.json":   `[https\://a.example/r\>.json](<https://a.example/r%3E.json>)`,
		"javascript:alert(1)":         "javascript:alert(1)",
		"data:text/html,<script>":     `data:text/html,\<script\>`,
		"r.json\n<!-- ecotracer:end":  `r.json \<\!-- ecotracer:end`,
		"//evil.example/record.json ": "[//evil.example/record.json ](<//evil.example/record.json >)",
	} {
		assert.Equal(t, want, markdownLink(to))
	}
}
