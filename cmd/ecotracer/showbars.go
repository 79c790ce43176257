package main

import (
	"io"
	"math"
	"os"
	"strings"

	"github.com/ecotracer/ecotracer/internal/inwords"
	"github.com/ecotracer/ecotracer/internal/phases"
)

// How long the longest bar may be.
const leastBar, mostBar = 6, 24

// marks are the characters that pictures are made of.
type marks struct {
	full, half, light, sliver string // parts of a bar
	reach, end, beyond        string // an interval, its end, and that it goes on
	unknown                   string
	levels                    []string // of a line over time, from nothing up
}

var (
	blocks = marks{"█", "▒", "░", "▏", "─", "┤", "→", "?", strings.Split(" ▁▂▃▄▅▆▇█", "")}
	ascii  = marks{"#", "=", ".", "|", "-", "|", ">", "?", strings.Split(" .:-=+*%#", "")}
)

// marksHere are those that the locale can show.
func marksHere() marks {
	if inUnicode() {
		return blocks
	}
	return ascii
}

// inASCII writes our own words in ASCII. The texts of a record stay as they are.
var inASCII = strings.NewReplacer("–", "-", "−", "-", "·", "|", "×", "x", "÷", ":", "µ", "u", "³", "3", "±", "+-", "≥", ">=", "…", "~", "→", ">")

// printTo writes the page as the locale can show it.
func (p *page) printTo(w io.Writer) {
	text := p.String()
	if !inUnicode() {
		text = inASCII.Replace(text)
	}
	_, _ = io.WriteString(w, text) // results remembers a failure
}

// inUnicode tells whether the locale shows Unicode. One that names another
// character set than UTF-8 does not (POSIX, XBD 8.2: LC_ALL goes before LC_CTYPE,
// and that before LANG); one that is not set says nothing of the terminal, and
// nearly all are UTF-8.
func inUnicode() bool {
	for _, name := range []string{"LC_ALL", "LC_CTYPE", "LANG"} {
		locale := strings.ToLower(os.Getenv(name))
		if locale == "" {
			continue
		}
		return strings.Contains(locale, "utf-8") || strings.Contains(locale, "utf8")
	}
	return true
}

// bar is a bar of n characters at most: full for what is a span's own, light
// for its children's.
func (m *marks) bar(self, total float64, n int) string {
	if !(total > 0) { // also where there is nothing to compare with
		return ""
	}
	long := int(math.Round(total * float64(n)))
	full := min(int(math.Round(self*float64(n))), long)
	if long == 0 {
		return m.sliver
	}
	return strings.Repeat(m.full, full) + strings.Repeat(m.light, long-full)
}

// interval is a bar of n characters at most as long as a value, of which what is
// above its lower bound is not full, and a line on to its upper bound. All three
// are shares of the longest.
func (m *marks) interval(low, value, high float64, n int) string {
	if !(value > 0) {
		return ""
	}
	at := func(share float64) int { return int(math.Round(min(share, 1) * float64(n))) }
	long, end := at(value), at(high)
	if end == 0 {
		return m.sliver
	}
	full := min(at(low), long)
	bar := strings.Repeat(m.full, full) + strings.Repeat(m.half, long-full)
	switch reach := end - long; {
	case high > 1:
		return bar + strings.Repeat(m.reach, max(reach-1, 0)) + m.beyond
	case reach > 0:
		return bar + strings.Repeat(m.reach, reach-1) + m.end
	}
	return bar
}

// bars draws what each phase came to, with its interval, and what is not known
// as not known.
func (p *page) bars() {
	figures := phases.Emissions(p.record)
	var value, high float64
	for _, f := range figures {
		if f.Quantity != nil {
			value, high = max(value, f.Quantity.Value), max(high, f.Quantity.High)
		}
	}
	longest := min(high, 3*value) // no interval may make slivers of all bars
	t := newTable(false, false, true, false)
	var rows []phases.Figure
	for _, f := range figures {
		switch {
		case f.Quantity != nil:
			value, bounds := interval(*f.Quantity, inwords.CO2e)
			if f.Least {
				value = "≥ " + value
			}
			t.add(cell{string(f.Phase), nil}, cell{}, cell{value, p.bold}, cell{bounds, p.dim})
		case f.Why == phases.Unknown:
			t.add(cell{string(f.Phase), nil}, cell{p.marks.unknown, p.yellow}, cell{f.Why, p.dim}, cell{})
		default:
			continue
		}
		rows = append(rows, f)
	}
	if len(rows) == 0 {
		return
	}
	size := min(max(p.tableWidth()-t.width()-2, leastBar), 2*mostBar)
	for i, f := range rows {
		if q := f.Quantity; q != nil {
			t.set(i, 1, p.marks.interval(q.Low/longest, q.Value/longest, q.High/longest, size))
		}
	}
	p.heading("Emissions by phase")
	p.table(t)
	m := &p.marks
	p.words("  ", m.full+" to the lower bound", m.half+" to the value", m.reach+m.end+" to the upper bound of 95 %")
}
