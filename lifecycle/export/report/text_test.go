package report

import (
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"github.com/stretchr/testify/assert"
)

func TestTextsAreShortenedAndSayHowLongTheyWere(t *testing.T) {
	assert.Equal(t, "naïve", shortened("naïve", 10))
	assert.Equal(t, "na… (shortened; 6.00\u00a0B in all)", shortened("naïve", 3), "no rune is cut in two")
	assert.Equal(t, "a b<U+0007>c<U+202E>d", shortened("a\nb\ac\u202ed", 40))
	assert.Equal(t, "<U+FFFD>", shortened("\xff", 40))
}

func FuzzShortened(f *testing.F) {
	for _, text := range []string{"", "a", "</script>", "\u202eevil\u2028", "\xff\xfe", strings.Repeat("é", 200)} {
		f.Add(text, 80)
	}
	f.Fuzz(func(t *testing.T, text string, n int) {
		n = max(min(n, 4096), 0)
		got := shortened(text, n)
		if !utf8.ValidString(got) || len(got) > 10*n+60 {
			t.Fatalf("%q", got)
		}
		for _, r := range got {
			if !unicode.IsPrint(r) && r != '\u00a0' && r != '\u202f' {
				t.Fatalf("%q: %U", got, r)
			}
		}
	})
}
