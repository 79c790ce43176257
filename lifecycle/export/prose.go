package export

import (
	"fmt"
	"net/url"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"unicode"

	"github.com/ecotracer/ecotracer/internal/inwords"
	"github.com/ecotracer/ecotracer/lifecycle"
)

// yamlNumber writes a number that is not negative for YAML, to six significant
// digits, as the bounds in a record have. It never has an exponent:
// huggingface_hub looks for \d+\.\d+|\d+ in Python's str(value), which is
// 2.4e-05 for a float below 1e-4, and finds 2.4. Such a number is written as a
// string. (One from 1e16 on would have an exponent, too, but is whole, so that
// Python reads an int.)
func yamlNumber(v float64) string {
	text := strconv.FormatFloat(inwords.Rounded(v, 6), 'f', -1, 64)
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

// markdown is a text from outside within a line of Markdown, in which nothing
// of it is markup: no HTML, link, emphasis, mention, formula or table cell.
func markdown(s string) string {
	var b strings.Builder
	for _, c := range inwords.Visible(s) {
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
	if err != nil || u.Scheme != "" && u.Scheme != "https" && u.Scheme != "http" || inwords.Visible(to) != to {
		return markdown(to)
	}
	// Only what has a meaning between angle brackets needs an escape there.
	target := strings.NewReplacer("<", "%3C", ">", "%3E", `\`, "%5C").Replace(to)
	return "[" + markdown(to) + "](<" + target + ">)"
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
		text = strings.TrimSpace(text + " The figures are of " + inwords.Percent(*c) + " of the ranks of the job: the records of the others are missing.")
	}
	return text
}
