package recordtest

import "strings"

// plainTexts are what people call things.
var plainTexts = []string{"ticket classifier", "rack server", "München Süd", "東京", "serve requests", "AdamW", "v1.2.3", "Ünïcödé", "a", "0.1"}

// awkwardTexts mean something to a writer or reader of some format. They tell
// nothing of a machine or a person.
var awkwardTexts = []string{
	`</script><svg onload=alert(1)>`, `<script>alert(1)</script>`, `<img src=x onerror=alert(1)>`, `"><a href='x'>`, `]]>`, `<!-- -->`, `&amp;&lt;&#0;`, // markup
	`"quoted", and 'so'`, "two\nlines", "tab\there", "CR\r\nLF", `back\slash`, "`code`", "nul\x00 esc\x1b[2J", "line sep\u2028para\u2029", "del\x7f c1\u0085", // strings
	"rtl \u202eevil\u202c", "\ufeffbom", "e\u0301\u0323 zalgo", "👩‍👩‍👧 family", "\U0010ffff\uffff\ufffd", "مرحبا שלום", "i\u0307İıſK", // unicode
	"=1+1", "@SUM(A1)", "+1", "-1", "a,b;c|d", "\t=1", // spreadsheets
	"key: value", "- item", "---", "null", "~", "yes", "2026-03-02", "1e3", "0x1F", "# no comment", "&anchor", "*alias", "!!str", "{a: b}", "[x]", "%TAG", "? key", "|", ">", "''", // YAML
	"**bold**", "| cell | cell |", "[link](javascript:alert(1))", "![](x)", "# Title", "<details>", "\\[x\\]", "_under_", "1. one", // Markdown
	"${env}", "{{ template }}", "%s %d %n", "$(id)", "`id`", "'; DROP TABLE runs; --", "..", "con", "~0 ~1 /", "true", "NaN", "-Infinity", // templates, names, numbers
	" spaces around ", strings.Repeat("long words ", 372), strings.Repeat("ü", 2048),
}

// privateTexts must be in no public record.
var privateTexts = []string{"/home/alice/run.py --token x", "alice@example.org", "https://u:p@example.org/x", "10.0.0.7", `C:\Users\alice\model.bin`, "fe80::1"}

// text is any text.
func (m *maker) text() string {
	switch {
	case m.plain || m.one(2):
		return pick(m, plainTexts...)
	case !m.public && m.one(6):
		return pick(m, privateTexts...)
	}
	return pick(m, awkwardTexts...)
}

// name is a text that is not very long, for what is told apart by number.
func (m *maker) name() string {
	for {
		if s := m.text(); len(s) < 100 {
			return s
		}
	}
}

// maybe is a text or none.
func (m *maker) maybe(s *string) {
	if m.one(2) {
		*s = m.text()
	}
}

var pathEscaper = strings.NewReplacer("~", "~0", "/", "~1")
