package export

import (
	"bytes"
	"slices"
	"strings"
	"unicode"
)

// The comments between which the section stands, each on a line of its own.
const (
	sectionBegin = "<!-- ecotracer:begin: what stands up to ecotracer:end is written anew by ecotracer card -->"
	sectionEnd   = "<!-- ecotracer:end -->"
)

// Marks of the two comments, so that their words may change.
const (
	beginMark = "<!-- ecotracer:begin"
	endMark   = "<!-- ecotracer:end"
)

// sectionTitle is the heading that the Hub's template has for it.
const sectionTitle = "Environmental Impact"

// writeBody writes the body, with the section in it.
func (p *cardParts) writeBody(out *bytes.Buffer, section []string) error {
	at, err := p.places()
	if err != nil {
		return err
	}
	lines := []string{sectionBegin}
	if at.heading < 0 {
		lines = append(lines, "## "+sectionTitle, "")
	}
	lines = append(append(lines, section...), sectionEnd)
	text := strings.Join(lines, p.newline)
	switch {
	case at.begin >= 0:
		out.Write(p.body[:at.begin])
		out.WriteString(text)
		out.Write(p.body[at.end:])
	case at.heading >= 0:
		above, below := p.body[:at.heading], p.body[at.heading:]
		out.Write(above)
		if !bytes.HasSuffix(above, []byte("\n")) {
			out.WriteString(p.newline)
		}
		out.WriteString(p.newline + text)
		if !bytes.HasSuffix(above, []byte("\n")) {
			break // the card ends without a line end
		}
		out.WriteString(p.newline)
		if next, _ := firstLine(below); strings.TrimSpace(string(next)) != "" {
			out.WriteString(p.newline)
		}
		out.Write(below)
	default:
		p.appendLast(out, text)
	}
	return nil
}

// appendLast writes the body and behind it, after a blank line, a text. A card
// that ends without a line end still does.
func (p *cardParts) appendLast(out *bytes.Buffer, text string) {
	out.Write(p.body)
	before := bytes.TrimPrefix(out.Bytes(), []byte("\ufeff"))
	if len(before) == 0 {
		out.WriteString(text + p.newline)
		return
	}
	last, ends := bytes.CutSuffix(before, []byte("\n"))
	if !ends {
		out.WriteString(p.newline + p.newline + text)
		return
	}
	if last = bytes.TrimSuffix(last, []byte("\r")); len(last) > 0 && !bytes.HasSuffix(last, []byte("\n")) {
		out.WriteString(p.newline)
	}
	out.WriteString(text + p.newline)
}

// sectionPlaces are offsets in a body, -1 for what is not there.
type sectionPlaces struct {
	begin, end int // of the section, comments included, without the last line end
	heading    int // behind the first heading of its title that is not in the section
}

// places finds where the section is, or is to be. What stands in a fenced
// block or in a comment is no place.
func (p *cardParts) places() (sectionPlaces, error) {
	at := sectionPlaces{-1, -1, -1}
	wrong := func(line int, message string) (sectionPlaces, error) {
		return at, &CardError{p.bodyLine + line - 1, 1, message}
	}
	var fence, before string
	comment, open, section, offset := false, 0, 0, 0 // open and section: lines
	rest := p.body
	for number := 1; len(rest) > 0; number++ {
		var l []byte
		l, rest = firstLine(rest)
		begin, text := offset, strings.TrimRight(lineText(l), " \t")
		offset += len(l)
		switch {
		case fence != "":
			if closesFence(text, fence) {
				fence = ""
			}
		case comment:
			comment = !strings.Contains(text, "-->")
		case strings.HasPrefix(text, beginMark):
			if at.begin >= 0 {
				return wrong(number, "a second section of ecotracer begins: delete one of them, with its two comments")
			}
			at.begin, section = begin, number
		case strings.HasPrefix(text, endMark):
			if at.begin < 0 || at.end >= 0 {
				return wrong(number, "a section of ecotracer ends that has not begun: delete this comment")
			}
			at.end = begin + len(lineText(l))
		case fenceOf(text) != "":
			fence, open = fenceOf(text), number
		case opensComment(text):
			comment, open = true, number
		case at.heading < 0 && (at.begin < 0 || at.end >= 0) && (isHeading(text) || isUnderline(text) && isParagraph(before) && isTitle(before)):
			at.heading = offset
		}
		before = text
	}
	if (comment || fence != "") && at.begin < 0 && at.heading < 0 {
		return wrong(open, "what begins here, a comment or a block of code, does not end, so that nothing behind it would be seen: end it")
	}
	if at.begin >= 0 && at.end < 0 {
		return wrong(section, "the section of ecotracer that begins here does not end: write "+sectionEnd+" behind it, or delete this comment")
	}
	return at, nil
}

// fenceOf is what opens a fenced block (CommonMark 4.5), "" if the line does
// not.
func fenceOf(line string) string {
	text := strings.TrimLeft(line, " ")
	if len(line)-len(text) > 3 {
		return ""
	}
	for _, mark := range []string{"`", "~"} {
		n := len(text) - len(strings.TrimLeft(text, mark))
		if n >= 3 && (mark == "~" || !strings.Contains(text[n:], mark)) {
			return text[:n]
		}
	}
	return ""
}

// closesFence tells whether a line closes a fenced block.
func closesFence(line, fence string) bool {
	text := strings.TrimLeft(line, " ")
	return len(line)-len(text) <= 3 && len(text) >= len(fence) && strings.Trim(text, fence[:1]) == ""
}

// opensComment tells whether a block begins in a line that is a comment and
// goes on (CommonMark 4.6, kind 2).
func opensComment(line string) bool {
	text := strings.TrimLeft(line, " ")
	return len(line)-len(text) <= 3 && strings.HasPrefix(text, "<!--") && !strings.Contains(text, "-->")
}

// isHeading tells whether a line is a heading of the section's title.
func isHeading(line string) bool {
	text := strings.TrimLeft(line, " ")
	marks := len(text) - len(strings.TrimLeft(text, "#"))
	return len(line)-len(text) <= 3 && marks >= 1 && marks <= 6 && strings.HasPrefix(text[marks:], " ") && isTitle(text[marks:])
}

// isTitle tells whether a text is the section's title, whatever signs are
// around it: emoji, numbers, emphasis, [optional].
func isTitle(text string) bool {
	text = strings.TrimSuffix(strings.TrimSpace(text), "[optional]")
	return strings.EqualFold(strings.TrimFunc(text, func(c rune) bool { return !unicode.IsLetter(c) }), sectionTitle)
}

// isParagraph tells whether a line may be one of a paragraph, which an underline
// makes a heading.
func isParagraph(line string) bool { return line != "" && !strings.ContainsAny(line[:1], "-*+>#|\t ") }

// isUnderline tells whether a line makes a heading of the one above.
func isUnderline(line string) bool {
	return line != "" && slices.Contains([]string{"=", "-"}, line[:1]) && strings.Trim(line, line[:1]) == ""
}
