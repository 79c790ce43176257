package export

import (
	"fmt"
	"math"
	"net/url"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"unicode"

	"github.com/ecotracer/ecotracer/lifecycle"
)

// perKWh is joules per kWh.
const perKWh = 3.6e6

// peopleUnit is a unit for people, and how much of the record's unit it is.
type peopleUnit struct {
	size float64
	name string
}

// Units for people, the largest first.
var (
	kiloWattHours = []peopleUnit{{3.6e12, "GWh"}, {3.6e9, "MWh"}, {3.6e6, "kWh"}, {3600, "Wh"}, {3.6, "mWh"}, {3.6e-3, "µWh"}}
	gramsCO2e     = []peopleUnit{{1e6, "tCO2e"}, {1e3, "kgCO2e"}, {1, "gCO2e"}, {1e-3, "mgCO2e"}, {1e-6, "µgCO2e"}, {1e-9, "ngCO2e"}}
	litresWater   = []peopleUnit{{1e3, "m³"}, {1, "L"}, {1e-3, "mL"}, {1e-6, "µL"}}
	times         = []peopleUnit{{86400, "days"}, {3600, "h"}, {60, "min"}, {1, "s"}, {1e-3, "ms"}, {1e-6, "µs"}}
)

// suited is the largest unit of which v is at least one, else the smallest.
func suited(v float64, units []peopleUnit) peopleUnit {
	for _, u := range units {
		if v >= u.size*0.9995 || v == 0 && (u.size == 1 || u.name == "Wh") {
			return u
		}
	}
	return units[len(units)-1]
}

// figureParts writes a quantity in the unit that suits it, to three
// significant digits: 4.05, 2.81–5.89, gCO2e. There are no bounds if what it
// rests on was given as exact.
func figureParts(q lifecycle.Quantity, units []peopleUnit) (value, bounds, unit string) {
	u := suited(q.Value, units)
	low, high := significant(q.Low/u.size, 3), significant(q.High/u.size, 3)
	if low != high {
		bounds = low + "–" + high
	}
	return significant(q.Value/u.size, 3), bounds, u.name
}

// figureText writes a quantity on one line: 4.05 gCO2e (2.81–5.89).
func figureText(q lifecycle.Quantity, units []peopleUnit) string {
	value, bounds, unit := figureParts(q, units)
	if bounds != "" {
		bounds = " (" + bounds + ")"
	}
	return value + " " + unit + bounds
}

// significant writes a number with n significant digits and no exponent.
func significant(v float64, n int) string {
	if v == 0 || math.IsNaN(v) || math.IsInf(v, 0) {
		return strconv.FormatFloat(v, 'f', -1, 64)
	}
	rounded := rounded(v, n)
	decimals := n - 1 - int(math.Floor(math.Log10(math.Abs(rounded))))
	return strconv.FormatFloat(rounded, 'f', max(decimals, 0), 64)
}

// rounded is a number to n significant digits.
func rounded(v float64, n int) float64 {
	r, _ := strconv.ParseFloat(strconv.FormatFloat(v, 'e', n-1, 64), 64)
	return r
}

// yamlNumber writes a number that is not negative for YAML, to six significant
// digits, as the bounds in a record have. It never has an exponent:
// huggingface_hub looks for \d+\.\d+|\d+ in Python's str(value), which is
// 2.4e-05 for a float below 1e-4, and finds 2.4. Such a number is written as a
// string. (One from 1e16 on would have an exponent, too, but is whole, so that
// Python reads an int.)
func yamlNumber(v float64) string {
	text := strconv.FormatFloat(rounded(v, 6), 'f', -1, 64)
	if 0 < v && v < 1e-4 {
		return `"` + text + `"`
	}
	return text
}

// yamlText writes a text as a YAML scalar on one line, which is a string
// whatever the text is.
func yamlText(s string) string {
	plain := s != ""
	for i, c := range s {
		letter := c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z'
		inner := i > 0 && (c >= '0' && c <= '9' || strings.ContainsRune(" ._/()+-", c))
		plain = plain && (letter || inner)
	}
	if plain && !strings.HasSuffix(s, " ") && !yamlReserved[strings.ToLower(s)] {
		return s
	}
	var b strings.Builder
	b.WriteByte('"')
	for _, c := range s {
		switch {
		case c == '"' || c == '\\':
			b.WriteByte('\\')
			b.WriteRune(c)
		case c == '\n':
			b.WriteString(`\n`)
		case c == '\t':
			b.WriteString(`\t`)
		case unicode.IsPrint(c):
			b.WriteRune(c)
		case c <= 0xFFFF:
			fmt.Fprintf(&b, `\u%04X`, c)
		default:
			fmt.Fprintf(&b, `\U%08X`, c)
		}
	}
	b.WriteByte('"')
	return b.String()
}

// yamlReserved are words that some YAML reads as something other than a string.
var yamlReserved = map[string]bool{
	"true": true, "false": true, "yes": true, "no": true, "on": true, "off": true, "y": true, "n": true, "null": true,
}

// visible is a text from outside on one line: what could move a cursor, reverse
// the writing or end a line is shown by its number.
func visible(s string) string {
	safe := func(c rune) bool { return unicode.IsPrint(c) && c != unicode.ReplacementChar }
	if strings.IndexFunc(s, func(c rune) bool { return !safe(c) }) < 0 {
		return s
	}
	var b strings.Builder
	for _, c := range s {
		switch {
		case safe(c):
			b.WriteRune(c)
		case c == '\n' || c == '\t':
			b.WriteByte(' ')
		default:
			fmt.Fprintf(&b, "<U+%04X>", c)
		}
	}
	return b.String()
}

// markdown is a text from outside within a line of Markdown, in which nothing
// of it is markup: no HTML, link, emphasis, mention, formula or table cell.
func markdown(s string) string {
	var b strings.Builder
	for _, c := range visible(s) {
		if strings.ContainsRune("\\`*_{}[]<>|&~#!$@^", c) {
			b.WriteByte('\\')
		}
		b.WriteRune(c)
	}
	return autolinks().ReplaceAllString(b.String(), `$1$3\$2$4`)
}

// autolinks is where GFM 6.9 would make a link of a text: https:// and www. An
// address of e-mail some make a link whatever is done, to what it says.
var autolinks = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`()(://)|(?i)(www)(\.)`) })

// markdownLink links to a place beside the text or on the web; what is neither
// is not made a link.
func markdownLink(to string) string {
	u, err := url.Parse(to)
	if err != nil || u.Scheme != "" && u.Scheme != "https" && u.Scheme != "http" || visible(to) != to {
		return markdown(to)
	}
	// Only what has a meaning between angle brackets needs an escape there.
	target := strings.NewReplacer("<", "%3C", ">", "%3E", `\`, "%5C").Replace(to)
	return "[" + markdown(to) + "](<" + target + ">)"
}

// counted is a whole number in groups of three: 1 200 000.
func counted(n int64) string {
	text := strconv.FormatInt(n, 10)
	var b strings.Builder
	for i, c := range text {
		if i > 0 && text[i-1] != '-' && (len(text)-i)%3 == 0 {
			b.WriteByte(' ')
		}
		b.WriteRune(c)
	}
	return b.String()
}

// percentage is a share to three significant digits: 94.6 %.
func percentage(share float64) string {
	return strconv.FormatFloat(rounded(100*share, 3), 'f', -1, 64) + " %"
}

// timeText is a time in the unit that suits it: 1.19 h.
func timeText(seconds float64) string {
	u := suited(seconds, times)
	return significant(seconds/u.size, 3) + " " + u.name
}

// statusText tells what keeps figures from being those of a whole run that was
// measured, "" if nothing does.
func statusText(r *lifecycle.Record) string {
	text := map[lifecycle.Status]string{
		lifecycle.Estimated:   "Nothing ran: all figures are an estimate.",
		lifecycle.Running:     "The run had not ended: the figures are of its part until then.",
		lifecycle.Failed:      "The run failed: the figures are of its part until then.",
		lifecycle.Interrupted: "The run was interrupted: the figures are of its part until then.",
	}[r.Run.Status]
	if c := r.Run.Coverage; c != nil && *c < 1 {
		text = strings.TrimSpace(text + " The figures are of " + percentage(*c) + " of the ranks of the job: the records of the others are missing.")
	}
	return text
}

// entryName is the name of an entry of one of the record's lists, "" if it has
// none.
func entryName(r *lifecycle.Record, list, index string) string {
	i, err := strconv.Atoi(index)
	if err != nil || i < 0 {
		return ""
	}
	switch {
	case list == "environments" && i < len(r.Environments):
		return r.Environments[i].ID
	case list == "hardware" && i < len(r.Hardware):
		return r.Hardware[i].ID
	case list == "phases" && i < len(r.Phases):
		return string(r.Phases[i].Stage)
	case list == "spans" && i < len(r.Spans):
		return r.Spans[i].Path
	}
	return ""
}
