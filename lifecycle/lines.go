package lifecycle

// lineWidth is how long an object or list may be to stay on one line.
const lineWidth = 160

// layoutLines gives JSON without white space the lines that people read: what
// fits is on one line, what does not has a line for each member, indented by
// one space a level. A line end closes it.
func layoutLines(compact []byte) []byte {
	out := make([]byte, 0, len(compact)+len(compact)/4)
	ends := closings(compact)
	type level struct{ oneLine bool }
	var open []level
	newLine := func() {
		out = append(out, '\n')
		for range open {
			out = append(out, ' ')
		}
	}
	inText := false
	for i := 0; i < len(compact); i++ {
		c := compact[i]
		if inText {
			out = append(out, c)
			switch c {
			case '\\':
				i++
				out = append(out, compact[i])
			case '"':
				inText = false
			}
			continue
		}
		switch c {
		case '"':
			inText = true
			out = append(out, c)
		case '{', '[':
			out = append(out, c)
			oneLine := ends[0]-i <= lineWidth || len(open) > 0 && open[len(open)-1].oneLine
			ends = ends[1:]
			open = append(open, level{oneLine})
			if !oneLine {
				newLine()
			}
		case '}', ']':
			last := open[len(open)-1]
			open = open[:len(open)-1]
			if !last.oneLine {
				newLine()
			}
			out = append(out, c)
		case ',':
			out = append(out, c)
			if open[len(open)-1].oneLine {
				out = append(out, ' ')
			} else {
				newLine()
			}
		case ':':
			out = append(out, c, ' ')
		default:
			out = append(out, c)
		}
	}
	return append(out, '\n')
}

// closings gives for each object and list, in the order in which they open,
// where it closes.
func closings(compact []byte) []int {
	var ends, open []int
	inText := false
	for i := 0; i < len(compact); i++ {
		switch c := compact[i]; {
		case inText && c == '\\':
			i++
		case c == '"':
			inText = !inText
		case inText:
		case c == '{' || c == '[':
			open = append(open, len(ends))
			ends = append(ends, 0)
		case c == '}' || c == ']':
			ends[open[len(open)-1]] = i
			open = open[:len(open)-1]
		}
	}
	return ends
}
