package lifecycle

import (
	"regexp"
	"strings"
	"time"

	"github.com/ecotracer/ecotracer/factors"
)

// maxText is the longest text in bytes, and maxInteger the largest integer that
// every reader of JSON holds exactly (RFC 7493, 2.2).
const (
	maxText    = 4 << 10
	maxInteger = 1<<53 - 1
)

// form is what the value of a member looks like.
type form struct {
	what    string            // in words, for findings
	enum    []string          // texts: one of these
	pattern string            // texts: in the syntax that RE2 and ECMA-262 share
	simple  func(string) bool // texts: has the pattern for certain, which is sooner told
	check   func(string) bool // texts: what a pattern cannot say

	signed bool    // numbers: may be negative
	above  bool    // numbers: greater than 0
	from   float64 // numbers: at least this
	upTo   float64 // numbers: at most this, if not 0

	re *regexp.Regexp // pattern, compiled when the grammar is first used
}

func oneOf[T ~string](values ...T) *form {
	f := &form{}
	for _, v := range values {
		f.enum = append(f.enum, string(v))
	}
	if len(f.enum) == 1 {
		f.what = f.enum[0]
	} else {
		f.what = "one of " + strings.Join(f.enum, ", ")
	}
	return f
}

// Texts. Hex is in lower case, as the formats that these come from write it
// (RFC 9562, W3C Trace Context, and for digests in-toto and SPDX).
var (
	text   = &form{what: "a text of 1 to 4096 bytes"}
	uuidV7 = &form{
		what:    "a UUIDv7 in lower case (RFC 9562)",
		pattern: `^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$`,
		simple: func(s string) bool {
			return likeUUID(s) && s[14] == '7' && strings.IndexByte("89ab", s[19]) >= 0
		},
	}
	uuid = &form{
		what:    "a UUID in lower case (RFC 9562)",
		pattern: `^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$`,
		simple:  likeUUID,
	}
	traceID = &form{
		what:    "32 lower-case hex digits, not all 0 (W3C Trace Context)",
		pattern: `^[0-9a-f]{32}$`,
		simple:  like(strings.Repeat("x", 32)),
		check:   func(s string) bool { return strings.Trim(s, "0") != "" },
	}
	sha256Hex = &form{what: "a SHA-256 digest: 64 lower-case hex digits", pattern: `^[0-9a-f]{64}$`, simple: like(strings.Repeat("x", 64))}
	instance  = &form{what: "16 lower-case hex digits", pattern: `^[0-9a-f]{16}$`}
	date      = &form{
		what:    "a date such as 2026-03-02",
		pattern: `^[0-9]{4}-[0-9]{2}-[0-9]{2}$`,
		simple:  like("0000-00-00"),
		check:   func(s string) bool { _, err := time.Parse(time.DateOnly, s); return err == nil },
	}
	instantText = &form{
		what:    "a time in UTC such as 2026-03-02T09:00:00Z",
		pattern: `^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}([.][0-9]{1,9})?Z$`,
		check:   func(s string) bool { _, err := time.Parse(time.RFC3339Nano, s); return err == nil },
	}
	country = &form{
		what:    "an assigned ISO 3166-1 alpha-2 country code, or XK",
		pattern: `^[A-Z]{2}$`,
		simple:  factors.IsCountry,
		check:   factors.IsCountry,
	}
	subdivision = &form{what: "an ISO 3166-2 code such as FR-IDF", pattern: `^[A-Z]{2}-[A-Z0-9]{1,3}$`}
	spanPath    = &form{
		what:    "names joined by /, with ~1 for / and ~0 for ~ in a name",
		pattern: `^([^/~]|~[01])+(/([^/~]|~[01])+)*$`,
		simple: func(s string) bool {
			return s != "" && s[0] != '/' && s[len(s)-1] != '/' && !strings.Contains(s, "//") && !strings.Contains(s, "~")
		},
	}
	pointerText = &form{
		what:    "a JSON Pointer such as /hardware/0/model",
		pattern: `^(/([^/~]|~[01])*)+$`,
		simple:  func(s string) bool { return strings.HasPrefix(s, "/") && !strings.Contains(s, "~") },
	}
	kebab = &form{
		what:    "a code such as below-resolution",
		pattern: `^[a-z0-9]+(-[a-z0-9]+)*$`,
		simple:  plainKebab,
	}
	reverseDNS = &form{
		what:    "a reverse domain name such as com.example.team",
		pattern: `^[A-Za-z0-9]([A-Za-z0-9-]*[A-Za-z0-9])?([.][A-Za-z0-9_]([A-Za-z0-9_-]*[A-Za-z0-9_])?)+$`,
	}
)

var likeUUID = like("xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx")

// like tells whether a text is as the model: a hex digit in lower case where it
// has an x, a digit where it has a 0, else the same.
func like(model string) func(string) bool {
	return func(s string) bool {
		if len(s) != len(model) {
			return false
		}
		for i := range len(s) {
			c := s[i]
			is := c == model[i]
			switch digit := c-'0' <= 9; model[i] {
			case '0':
				is = digit
			case 'x':
				is = digit || c-'a' <= 'f'-'a'
			}
			if !is {
				return false
			}
		}
		return true
	}
}

// plainKebab tells codes for certain that have no digit.
func plainKebab(s string) bool {
	dash := true // a word begins
	for i := range len(s) {
		c := s[i]
		if c == '-' && dash || c != '-' && c-'a' > 'z'-'a' {
			return false
		}
		dash = c == '-'
	}
	return !dash
}

// Numbers. Without a form a number is at least 0.
var (
	anyNumber = &form{what: "a finite number", signed: true}
	fromOne   = &form{what: "a whole number of at least 1", from: 1}
	positive  = &form{what: "a number above 0", above: true}
	fraction  = &form{what: "a number from 0 to 1", upTo: 1}
	share     = &form{what: "a number above 0 and at most 1", above: true, upTo: 1}
)

// compile readies the pattern.
func (f *form) compile() {
	if f != nil && f.pattern != "" && f.re == nil {
		f.re = regexp.MustCompile(f.pattern)
	}
}

// text tells whether s has the form.
func (f *form) text(s string) bool {
	if f == nil {
		return true
	}
	if f.enum != nil {
		for _, e := range f.enum {
			if s == e {
				return true
			}
		}
		return false
	}
	return (f.re == nil || f.simple != nil && f.simple(s) || f.re.MatchString(s)) && (f.check == nil || f.check(s))
}

// number tells whether x, which is finite, has the form.
func (f *form) number(x float64) bool {
	if f == nil {
		return x >= 0
	}
	switch {
	case f.signed:
		return true
	case f.above && x <= 0, x < f.from, f.upTo != 0 && x > f.upTo:
		return false
	}
	return x >= 0
}

// words tells what a value of the form looks like.
func (f *form) words() string {
	if f == nil {
		return "a number of at least 0"
	}
	return f.what
}
