package lifecycle

import "strings"

// lineWidth is how long an object or list may be to stay on one line.
const lineWidth = 160

// layoutLines gives JSON without white space the lines that people read: what
// fits is on one line, what does not has a line for each member, indented by
// one space a level. A line end closes it.
func layoutLines(compact []byte) []byte {
	out := make([]byte, 0, len(compact)+len(compact)/4)
	deep, inLine := 0, 0 // what is open: on lines of its own, and within a line
	newLine := func() {
		out = append(out, '\n')
		for left := deep; left > 0; left -= len(spaces) {
			out = append(out, spaces[:min(left, len(spaces))]...)
		}
	}
	for i := 0; i < len(compact); {
		c := compact[i]
		n := 1
		switch c {
		case '"':
			n = textLength(compact[i:])
		case '{', '[':
			if inLine > 0 || fitsLine(compact[i:]) {
				inLine++
				break
			}
			out = append(out, c)
			deep++
			newLine()
			i++
			continue
		case '}', ']':
			if inLine > 0 {
				inLine--
				break
			}
			deep--
			newLine()
		case ',':
			out = append(out, c)
			if inLine > 0 {
				out = append(out, ' ')
			} else {
				newLine()
			}
			i++
			continue
		case ':':
			out = append(out, ':', ' ')
			i++
			continue
		default:
			for i+n < len(compact) && !structural(compact[i+n]) {
				n++
			}
		}
		out = append(out, compact[i:i+n]...)
		i += n
	}
	return append(out, '\n')
}

var spaces = strings.Repeat(" ", 64)

// structural tells what ends a number, true, false or null.
func structural(c byte) bool { return c == ',' || c == '}' || c == ']' || c == ':' }

// textLength is how long the text is that JSON begins with, with its quotation
// marks.
func textLength(compact []byte) int {
	for i := 1; i < len(compact); i++ {
		switch compact[i] {
		case '\\':
			i++
		case '"':
			return i + 1
		}
	}
	return len(compact)
}

// fitsLine tells whether the object or list that JSON begins with is short.
func fitsLine(compact []byte) bool {
	compact = compact[:min(len(compact), lineWidth+1)]
	open := 0
	for i := 0; i < len(compact); i++ {
		switch compact[i] {
		case '"':
			i += textLength(compact[i:]) - 1
		case '{', '[':
			open++
		case '}', ']':
			if open--; open == 0 {
				return true
			}
		}
	}
	return false
}
