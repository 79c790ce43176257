package inwords

import (
	"fmt"
	"strings"
	"unicode"
)

// Visible is a text from outside on one line: what could move a cursor, change
// colours, reverse the writing or not be seen at all is shown by its number.
func Visible(text string) string {
	safe := func(r rune) bool { return unicode.IsPrint(r) && r != unicode.ReplacementChar }
	if strings.IndexFunc(text, func(r rune) bool { return !safe(r) }) < 0 {
		return text
	}
	var b strings.Builder
	for _, r := range text {
		switch {
		case safe(r):
			b.WriteRune(r)
		case r == '\n' || r == '\t':
			b.WriteByte(' ')
		default:
			fmt.Fprintf(&b, "<U+%04X>", r)
		}
	}
	return b.String()
}

// Code writes a code as words: not-measured, not measured.
func Code(code string) string { return strings.ReplaceAll(code, "-", " ") }

// Name is the last name of a path of spans, as it was given.
func Name(path string) string {
	return unescaped.Replace(path[strings.LastIndexByte(path, '/')+1:])
}

// unescaped undoes the escapes of paths and of JSON Pointers.
var unescaped = strings.NewReplacer("~1", "/", "~0", "~")
