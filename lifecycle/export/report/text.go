package report

import (
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/ecotracer/ecotracer/internal/inwords"
)

// How long texts of a record may be on the page, in bytes.
const (
	nameLength  = 160
	proseLength = 1200
	titleLength = 120
)

// name is a short text of a record.
func name(text string) string { return shortened(text, nameLength) }

// prose is a longer one.
func prose(text string) string { return shortened(text, proseLength) }

// shortened is a text of a record as it may stand on the page: at most n bytes
// of it, and what would turn the direction of writing or cannot be seen at all
// shown as its number. The page escapes the rest.
func shortened(text string, n int) string {
	length := len(text)
	if length > n {
		at := n
		for at > 0 && !utf8.RuneStart(text[at]) {
			at--
		}
		text = text[:at]
	}
	text = inwords.Visible(text)
	if length > n {
		text += "… (shortened; " + amount(float64(length), inwords.Data) + " in all)"
	}
	return text
}

// inWords writes a code as words: not-measured, not measured.
func inWords(code string) string { return inwords.Code(name(code)) }

// joined writes the texts that are not empty one after another.
func joined(between string, texts ...string) string {
	var all []string
	for _, t := range texts {
		if t != "" {
			all = append(all, t)
		}
	}
	return strings.Join(all, between)
}

// capital begins a text with a capital letter.
func capital(text string) string {
	r, n := utf8.DecodeRuneInString(text)
	return string(unicode.ToUpper(r)) + text[n:]
}
