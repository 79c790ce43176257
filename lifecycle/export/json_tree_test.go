package export

import (
	"strings"
	"testing"
	"unicode/utf16"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestJSONFromOutsideIsReadStrictly(t *testing.T) {
	wide := utf16.Encode([]rune(`{"a":1}`))
	var utf16Text strings.Builder
	utf16Text.WriteString("\xff\xfe")
	for _, c := range wide {
		utf16Text.WriteByte(byte(c))
		utf16Text.WriteByte(byte(c >> 8))
	}
	for name, c := range map[string]struct{ text, want string }{
		"nothing":       {"", "unexpected EOF"},
		"two values":    {"{}\n{}", "line 2: there is more than one value"},
		"cut short":     {`{"a":`, "line 1: unexpected EOF"},
		"no JSON":       {"{\n\n'a'}", "line 3: invalid character"},
		"no number":     {`{"a":NaN}`, "line 1: invalid character 'N'"},
		"twice":         {"{\n\"a\": {\"b/\": 1,\n\"b/\": 2}}", "line 3: /a/b~1 is there twice"},
		"deep":          {`[[[[1]]]]`, "line 1: /0/0/0 nests deeper than 3 levels"},
		"many":          {`[1,2,3,4,5,6,7,8,9]`, "line 1: /7 is one of more than 8 values"},
		"a long text":   {`["` + strings.Repeat("x", 1024) + `"]`, "line 1: /0 is longer than 1 KiB"},
		"a long number": {`[1` + strings.Repeat("0", 1024) + `]`, "line 1: /0 is longer than 1 KiB"},
		"large":         {strings.Repeat(" ", 1<<20+1), "larger than 1 MiB"},
		"Latin-1":       {"{\"a\":\"\xe9\"}", "not UTF-8"},
		"UTF-16":        {utf16Text.String(), "not UTF-8"},
	} {
		t.Run(name, func(t *testing.T) {
			j, err := newJSONReader(strings.NewReader(c.text), jsonLimits{bytes: 1 << 20, depth: 3, values: 8, leaf: 1024})
			if err == nil {
				_, err = j.one()
			}
			assert.ErrorContains(t, err, c.want)
		})
	}
}

func TestAByteOrderMarkIsNoPartOfADocument(t *testing.T) {
	r := exampleRecord(t)
	bom, _ := exported(t, CycloneDX, r, Options{})
	marked := byteOrderMark + string(bom)
	back, err := ReadCycloneDX(strings.NewReader(marked))
	require.NoError(t, err)
	assert.Len(t, back, 1)
	r.Run.ID = "019cadc6-9a80-7000-8000-0000000000aa"
	into, _, err := IntoCycloneDX([]byte(marked), r, Options{})
	require.NoError(t, err)
	assert.True(t, strings.HasPrefix(string(into), byteOrderMark+"{"), "but stays where it was")

	report, _ := exported(t, BoAmps, r, Options{Task: "x", DataType: "text", Infrastructure: "desk"})
	list, err := ReadBoAmps(strings.NewReader(byteOrderMark + string(report)))
	require.NoError(t, err)
	assert.Len(t, list, 1)
}
