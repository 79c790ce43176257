package main

import (
	"strings"
	"unicode/utf8"

	"github.com/ecotracer/ecotracer/internal/inwords"
)

// fold breaks a text between words into lines of at most width characters, if
// its words allow. All lines but the first begin with indent.
func fold(text string, width int, indent string) []string {
	lines := fill(pieces(text), " ", width, utf8.RuneCountInString(indent))
	for i := 1; i < len(lines); i++ {
		lines[i] = indent + lines[i]
	}
	return lines
}

// fill puts texts one after another, with a separator between two on the same
// line. All lines but the first leave room for an indent. A text that is too
// long for a line is broken between its words.
func fill(texts []string, separator string, width, indent int) []string {
	var lines []string
	var line string
	long := 0 // characters in line
	put := func(text, separator string) {
		n, gap := utf8.RuneCountInString(text), utf8.RuneCountInString(separator)
		switch {
		case line == "":
			line, long = text, n
		case long+gap+n <= width:
			line, long = line+separator+text, long+gap+n
		default:
			if lines == nil {
				width -= indent
			}
			lines = append(lines, line)
			line, long = text, n
		}
	}
	for _, text := range texts {
		if utf8.RuneCountInString(text) <= width {
			if text != "" {
				put(text, separator)
			}
			continue
		}
		for i, piece := range pieces(text) {
			if i == 0 {
				put(piece, separator)
			} else {
				put(piece, " ")
			}
		}
	}
	if line == "" {
		return lines
	}
	return append(lines, line)
}

// pieces are the words of a text; a figure and its unit are one.
func pieces(text string) []string {
	var list []string
	for _, word := range strings.Fields(text) {
		if n := len(list); n > 0 && belongs(word, list[n-1]) {
			list[n-1] += " " + word
			continue
		}
		list = append(list, word)
	}
	return list
}

// belongs tells whether a word must stand on the line of what is before it: a
// unit, an interval, three more digits of a number, a dash or a dot.
func belongs(word, before string) bool {
	if word == "·" || word == "–" || before == "every" {
		return true
	}
	before = strings.TrimRight(before, ")")
	if before == "" || !isNumber(before[len(before)-1:]) {
		return false
	}
	if interval, ok := strings.CutPrefix(word, "("); ok && isNumber(interval) && strings.Contains(interval, "–") {
		return true
	}
	word = strings.TrimRight(word, ".,;:)")
	if len(word) == 3 && strings.Trim(word, "0123456789") == "" {
		return true
	}
	word, _, _ = strings.Cut(word, "/")
	return unitNames[strings.TrimSuffix(word, "CO2e")]
}

// unitNames are the units that figures are shown in.
var unitNames = func() map[string]bool {
	names := map[string]bool{"%": true, "×": true}
	for _, list := range [][]inwords.Unit{inwords.Joules, inwords.Grams, inwords.Litres, inwords.WattHours, inwords.Watts, inwords.Memory, inwords.Data} {
		for _, u := range list {
			names[u.Name] = true
		}
	}
	for _, name := range []string{"µs", "ms", "s", "min", "h", "d", "years"} {
		names[name] = true
	}
	return names
}()
